/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Statistics of benchmarks: order statistics, seeded bootstrap intervals, paired ratios with a sign
 * test, growth by least squares. No state, no clock; the same numbers from the same seed everywhere.
 */
#ifndef NOSNOOP_HARNESS_STATS_H
#define NOSNOOP_HARNESS_STATS_H

#include <stddef.h>
#include <stdint.h>

/* Sorts @v in place; 0 for no values, as all of these. Of an even number: the mean of the middle two. */
double stats_median(double *v, size_t n);
/* @v sorted, 0 <= @q <= 1: between two values, in proportion. */
double stats_quantile(const double *v, size_t n, double q);
/* The mean of the middle half: finer than the steps of the clock that the values came from. Sorts @v. */
double stats_middle(double *v, size_t n);
double stats_min(const double *v, size_t n);
double stats_mean(const double *v, size_t n);
double stats_stddev(const double *v, size_t n); /* of a sample: over n - 1; 0 of a single value */

/* splitmix64 */
struct rng {
	uint64_t state;
};
uint64_t rng_next(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t n); /* 0..n-1; n > 0 */
/* Fills order[] with 0..n-1 in a random order. */
void rng_order(struct rng *r, uint32_t *order, uint32_t n);

struct stats_interval {
	double median, lo, hi;
};

enum stats_method {
	STATS_PERCENTILE,
	STATS_BCA, /* bias corrected and accelerated */
};

struct stats_bootstrap {
	enum stats_method method;
	double level;	    /* 0: 0.95 */
	uint32_t resamples; /* 0: 2000 */
	uint64_t seed;
};

/* Of the median; sorts @v. Of one value: the value three times. 0, or -EINVAL (no values), -ENOMEM. */
int stats_bootstrap(double *v, size_t n, const struct stats_bootstrap *how,
		    struct stats_interval *out);

/* Candidate over base, pair by pair; pairs with a NAN are left out. */
struct stats_paired {
	struct stats_interval ratio;
	double p; /* two-sided sign test: that as many would lie on one side by chance */
	size_t n; /* pairs */
	size_t below, above, ties; /* ratios below, above and at 1 */
};

/* 0, or -EINVAL: no pair, or a base that is not above 0; -ENOMEM. */
int stats_paired(const double *base, const double *candidate, size_t n,
		 const struct stats_bootstrap *how, struct stats_paired *out);
/* Two-sided and exact, ties left out by the caller; 1 for none at all. */
double stats_sign_test(size_t below, size_t above);
double stats_normal_cdf(double x);
double stats_normal_quantile(double p); /* 0 < @p < 1 */

/* How a time grows with n. */
enum fit_order { FIT_1, FIT_LOG_N, FIT_N, FIT_N_LOG_N, FIT_N2, FIT_ORDERS };

struct fit {
	enum fit_order order;
	double coefficient; /* time = coefficient * f(n), logarithms to the base 2 */
	double rms;	    /* root of the mean square of what is left, over the mean time */
};

const char *fit_name(enum fit_order order); /* "(1)", "lgN", "N", "NlgN", "N^2" */
double fit_value(const struct fit *f, double n);
/* Least squares through one order. -EINVAL: fewer than 2 points, an n below 1 or times that are all 0. */
int fit_one(enum fit_order order, const double *n, const double *time, size_t nr, struct fit *out);
/* The order with the least rms; of equal ones the slowest to grow. */
int fit_best(const double *n, const double *time, size_t nr, struct fit *out);

#endif
