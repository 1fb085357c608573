// SPDX-License-Identifier: GPL-2.0-only
#include "bench/stats.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double stats_median(double *v, size_t n)
{
	if (!n)
		return 0;
	qsort(v, n, sizeof(*v), compare);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
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

double stats_min(const double *v, size_t n)
{
	double least = n ? v[0] : 0;

	for (size_t i = 1; i < n; i++)
		least = min(least, v[i]);
	return least;
}

u64 rng_next(struct rng *r)
{
	r->state += 0x9e3779b97f4a7c15ULL;
	return mix64(r->state);
}

u64 rng_below(struct rng *r, u64 n)
{
	return (u64)(((unsigned __int128)rng_next(r) * n) >> 64);
}

void rng_order(struct rng *r, u32 *order, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		u32 at = rng_below(r, i + 1);

		order[i] = order[at];
		order[at] = i;
	}
}
