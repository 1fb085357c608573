/* SPDX-License-Identifier: GPL-2.0-only */
/* nosnoop-bench run: the page core alone, by requests straight to the backend. */
#ifndef NOSNOOP_BENCH_RUNS_H
#define NOSNOOP_BENCH_RUNS_H

#include "core/flush/flush.h"

struct run_layout {
	const char *name, *what;
	u64 run;	   /* pages of a physical run; 0: all in one */
	bool churn;	   /* one page at a time instead of everything at once */
	double aim1, aim4; /* ns with one and with four domains; 0: none set */
};
const struct run_layout *run_layout(u32 i); /* NULL: past the end */

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
