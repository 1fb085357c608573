/* SPDX-License-Identifier: GPL-2.0-only */
/* Medians and the seeded order of runs. */
#ifndef NOSNOOP_BENCH_STATS_H
#define NOSNOOP_BENCH_STATS_H

#include "core/compat/compat.h"

/* Sorts @v in place; 0 for no values, as all of these. Of an even number: the mean of the middle two. */
double stats_median(double *v, size_t n);
/* @v sorted, 0 <= @q <= 1: between two values, in proportion. */
double stats_quantile(const double *v, size_t n, double q);
double stats_min(const double *v, size_t n);

/* splitmix64: the same numbers from the same seed everywhere. */
struct rng {
	u64 state;
};
u64 rng_next(struct rng *r);
u64 rng_below(struct rng *r, u64 n); /* 0..n-1; n > 0 */
/* Fills order[] with 0..n-1 in a random order. */
void rng_order(struct rng *r, u32 *order, u32 n);

#endif
