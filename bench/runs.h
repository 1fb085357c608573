/* SPDX-License-Identifier: GPL-2.0-only */
/* nosnoop-bench run: the page core alone, by requests straight to the backend. */
#ifndef NOSNOOP_BENCH_RUNS_H
#define NOSNOOP_BENCH_RUNS_H

#include "bench/alloc.h"
#include "bench/stage.h"
#include "core/flush/flush.h"

struct run_options {
	const struct run_layout *layout;
	const struct flush_policy *policy;
	u32 domains;
	u64 size; /* bytes */
	u32 reps;
	const struct backend_ops *backend; /* NULL: core */
};

/* ns per page (churn: per pair, all of it in `both`). */
struct run_figures {
	double map, unmap, both;
};

/* Memory of a repetition: of core, policy and machine, which all live in the arena, and this thread's
 * malloc(). */
struct run_alloc {
	struct alloc pass;  /* the last one's */
	bool same;	    /* all repetitions took as much */
	u32 uneven;	    /* how many left something behind */
	struct alloc worst; /* the last of those */
};

struct run_times {
	u32 reps;
	u64 pages; /* of a repetition, or pairs */
	struct run_figures median, least;
	struct run_alloc alloc;
};

int run_layout_time(const struct run_options *opt, struct run_times *out); /* 0 or negative errno */

#endif
