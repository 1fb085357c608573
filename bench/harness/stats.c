// SPDX-License-Identifier: GPL-2.0-only
#include "bench/harness/harness_stats.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define LEVEL	  0.95
#define RESAMPLES 2000

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double middle(const double *sorted, size_t n)
{
	return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

double stats_median(double *v, size_t n)
{
	if (!n)
		return 0;
	qsort(v, n, sizeof(*v), compare);
	return middle(v, n);
}

double stats_quantile(const double *v, size_t n, double q)
{
	size_t at;
	double rest;

	if (!n)
		return 0;
	at = q * (n - 1);
	rest = q * (n - 1) - at;
	return at + 1 < n ? v[at] + rest * (v[at + 1] - v[at]) : v[n - 1];
}

double stats_middle(double *v, size_t n)
{
	double sum = 0;

	qsort(v, n, sizeof(*v), compare);
	for (size_t i = n / 4; i < n - n / 4; i++)
		sum += v[i];
	return n ? sum / (n - n / 4 - n / 4) : 0;
}

double stats_min(const double *v, size_t n)
{
	double least = n ? v[0] : 0;

	for (size_t i = 1; i < n; i++)
		least = v[i] < least ? v[i] : least;
	return least;
}

double stats_mean(const double *v, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += v[i];
	return n ? sum / n : 0;
}

double stats_stddev(const double *v, size_t n)
{
	double mean = stats_mean(v, n), sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (v[i] - mean) * (v[i] - mean);
	return n > 1 ? sqrt(sum / (n - 1)) : 0;
}

uint64_t rng_next(struct rng *r)
{
	uint64_t x = r->state += 0x9e3779b97f4a7c15ULL;

	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ULL;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

uint64_t rng_below(struct rng *r, uint64_t n)
{
	return (uint64_t)(((unsigned __int128)rng_next(r) * n) >> 64);
}

void rng_order(struct rng *r, uint32_t *order, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = rng_below(r, i + 1);

		order[i] = order[at];
		order[at] = i;
	}
}

double stats_normal_cdf(double x)
{
	return erfc(-x / sqrt(2)) / 2;
}

/* By halving: a few dozen steps, as exact as the function itself, no table of constants. */
double stats_normal_quantile(double p)
{
	double lo = -40, hi = 40, mid = 0;

	for (int i = 0; i < 100; i++) {
		mid = (lo + hi) / 2;
		if (stats_normal_cdf(mid) < p)
			lo = mid;
		else
			hi = mid;
	}
	return mid;
}

/* The median of n draws from @sorted. Counting draws by place needs no sorting of each resample. */
static double resample(const double *sorted, size_t n, struct rng *rng, uint32_t *drawn)
{
	size_t low = (n - 1) / 2, high = n / 2, seen = 0, i = 0;
	double first;

	for (size_t j = 0; j < n; j++)
		drawn[j] = 0;
	for (size_t j = 0; j < n; j++)
		drawn[rng_below(rng, n)]++;
	while ((seen += drawn[i]) <= low)
		i++;
	first = sorted[i];
	while (seen <= high)
		seen += drawn[++i];
	return (first + sorted[i]) / 2;
}

/* The median without the value at @out. */
static double without(const double *sorted, size_t n, size_t out)
{
	size_t low = (n - 2) / 2, high = (n - 1) / 2;

	return (sorted[low + (low >= out)] + sorted[high + (high >= out)]) / 2;
}

static double acceleration(const double *sorted, size_t n)
{
	double mean = 0, square = 0, cube = 0;

	for (size_t i = 0; i < n; i++)
		mean += without(sorted, n, i) / n;
	for (size_t i = 0; i < n; i++) {
		double d = mean - without(sorted, n, i);

		square += d * d;
		cube += d * d * d;
	}
	return square > 0 ? cube / (6 * pow(square, 1.5)) : 0;
}

/* Where in the resampled medians a bound lies: the plain percentile @q, corrected. */
static double corrected(double q, double bias, double accel)
{
	double z = bias + stats_normal_quantile(q);

	return stats_normal_cdf(bias + z / (1 - accel * z));
}

/* As a share of the resamples; ties count half, and no end of the scale is reached. */
static double bias_of(const double *medians, uint32_t n, double median)
{
	double below = 0;

	for (uint32_t i = 0; i < n; i++)
		below += medians[i] < median ? 1 : medians[i] == median ? 0.5 : 0;
	below = below < 0.5 ? 0.5 : below > n - 0.5 ? n - 0.5 : below;
	return stats_normal_quantile(below / n);
}

static void bounds(const struct stats_bootstrap *how, const double *sorted, size_t n,
		   double *medians, uint32_t resamples, struct stats_interval *out)
{
	double level = how->level > 0 ? how->level : LEVEL;
	double lo = (1 - level) / 2, hi = 1 - lo, bias, accel;

	qsort(medians, resamples, sizeof(*medians), compare);
	if (how->method == STATS_BCA) {
		bias = bias_of(medians, resamples, out->median);
		accel = acceleration(sorted, n);
		lo = corrected(lo, bias, accel);
		hi = corrected(hi, bias, accel);
	}
	out->lo = stats_quantile(medians, resamples, lo);
	out->hi = stats_quantile(medians, resamples, hi);
}

int stats_bootstrap(double *v, size_t n, const struct stats_bootstrap *how,
		    struct stats_interval *out)
{
	uint32_t resamples = how->resamples ? how->resamples : RESAMPLES, *drawn;
	struct rng rng = {how->seed};
	double *medians;
	int rc = -ENOMEM;

	if (!n)
		return -EINVAL;
	out->median = out->lo = out->hi = stats_median(v, n);
	if (n == 1)
		return 0;
	drawn = calloc(n, sizeof(*drawn));
	medians = calloc(resamples, sizeof(*medians));
	if (!drawn || !medians)
		goto out;
	for (uint32_t i = 0; i < resamples; i++)
		medians[i] = resample(v, n, &rng, drawn);
	bounds(how, v, n, medians, resamples, out);
	rc = 0;
out:
	free(medians);
	free(drawn);
	return rc;
}

double stats_sign_test(size_t below, size_t above)
{
	size_t n = below + above, few = below < above ? below : above;
	double p = 0;

	if (!n)
		return 1;
	for (size_t i = 0; i <= few; i++)
		p += exp(lgamma(n + 1) - lgamma(i + 1) - lgamma(n - i + 1) - n * log(2));
	return 2 * p < 1 ? 2 * p : 1;
}

int stats_paired(const double *base, const double *candidate, size_t n,
		 const struct stats_bootstrap *how, struct stats_paired *out)
{
	double *ratio = calloc(n ? n : 1, sizeof(*ratio));
	int rc = -EINVAL;

	if (!ratio)
		return -ENOMEM;
	*out = (struct stats_paired){0};
	for (size_t i = 0; i < n; i++) {
		double r = candidate[i] / base[i];

		if (isnan(base[i]) || isnan(candidate[i]))
			continue;
		if (base[i] <= 0)
			goto out;
		ratio[out->n++] = r;
		out->below += r < 1;
		out->above += r > 1;
		out->ties += r == 1;
	}
	out->p = stats_sign_test(out->below, out->above);
	rc = stats_bootstrap(ratio, out->n, how, &out->ratio);
out:
	free(ratio);
	return rc;
}
