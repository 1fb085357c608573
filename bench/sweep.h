/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One parameter over its values: where do two policies' costs cross? A sweep is a survey of the
 * workloads NAME:N of one family; dirty-share is a survey of one workload for each share of lines
 * that are dirty when they are cleaned.
 */
#ifndef NOSNOOP_BENCH_SWEEP_H
#define NOSNOOP_BENCH_SWEEP_H

#include "bench/survey.h"

struct sweep_point {
	const char *sweep, *parameter;
	u32 value;
	char workload[40];
	const char *policy;
	u64 flushes, bound;
	/* All that happens to a page from its map to its end, by the pages that were mapped. */
	u32 rounds; /* timed; 0: no times; below SPREAD_ROUNDS: medians without intervals */
	struct stats_interval ns_page, delta_ns_page;
};

struct sweeps {
	struct sweep_point *point;
	u32 nr;
};

struct sweep_options {
	struct workload_options workload;
	struct rig_options rig; /* its size is found */
	double seconds;		/* for the timed runs of each sweep; every run is made once */
	u32 rounds;
	bool report; /* leave out the values that take long */
	bool progress;
};

/* many-domains, many-areas, fragmentation, dirty-share; NULL: past the end. */
const char *sweep_name(u32 i);
/* 0, or -EINVAL with a line in @err: no sweep is called so. */
int sweep_check(const char *name, char *err, size_t errlen);
/*
 * Adds the points of one sweep for @policies, `none` the first of them, to @out. 0, or a negative
 * errno with a line in @err.
 */
int sweep_run(struct sweeps *out, const char *name, const struct policies *policies,
	      const struct sweep_options *opt, char *err, size_t errlen);
void sweeps_free(struct sweeps *s);

/* Few enough for a picture: all of a short list, else a choice that shows the differences. */
void sweep_policies(struct policies *out, const struct policies *from);

#endif
