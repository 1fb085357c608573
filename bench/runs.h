/* SPDX-License-Identifier: GPL-2.0-only */
/* nosnoop-bench run: the page core alone, by requests straight to the backend. */
#ifndef NOSNOOP_BENCH_RUNS_H
#define NOSNOOP_BENCH_RUNS_H

#include "bench/stage.h"
#include "core/flush/flush.h"

struct run_options {
	const struct run_layout *layout;
	const struct flush_policy *policy;
	u32 domains;
	u64 size; /* bytes */
	u32 reps;
};

/* ns per page (churn: per pair, all of it in `both`). */
struct run_figures {
	double map, unmap, both;
};

struct run_times {
	u32 reps;
	u64 pages; /* of a repetition, or pairs */
	struct run_figures median, least;
};

int run_layout_time(const struct run_options *opt, struct run_times *out); /* 0 or negative errno */

#endif
