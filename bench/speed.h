/* SPDX-License-Identifier: GPL-2.0-only */
/* How many ops a second op_run() does under which judges, and what beginning anew costs. */
#ifndef NOSNOOP_BENCH_SPEED_H
#define NOSNOOP_BENCH_SPEED_H

#include "core/op/gen.h"
#include "core/op/run.h"

#define SPEED_ROWS 5

struct speed_config {
	const struct flush_policy *policy;
	u32 pages;    /* of a buffer, at most */
	u32 total;    /* of all buffers of a program together, at most; 0: as it comes */
	u32 programs; /* generated; every round runs all of them */
	u32 rounds;
	u64 seed;
	bool progress;
};

/* Over the rounds, of CPU time. */
struct speed_row {
	const char *name, *what;
	double us, best_us;	  /* a program, median and least */
	double ops_s, best_ops_s; /* ops that are not no-ops, the teardown counted as one */
};

/* ns each, median over the rounds. */
struct speed_costs {
	double reset;	 /* arena_reset() of an arena of 8 KiB */
	double again;	 /* with it: all of the 8 KiB handed out anew, zeroed */
	double save;	 /* arena_save() and arena_restore() of 8 KiB */
	double run;	 /* run_reset(): two arenas, machine, backend, shadow, model */
	double run_save; /* run_save() and run_restore() in the middle of a program */
	u64 run_bytes;	 /* of that snapshot, on average */
};

struct speed {
	struct speed_row rows[SPEED_ROWS];
	struct speed_costs costs;
	double generate_us; /* a program */
	double pages;	    /* of a program, on average */
	u64 ops, noops;	    /* of all programs together, once */
	u64 requests;	    /* that the backend executed for them, those of teardowns included */
};

/* 0 or a negative errno. */
int speed_measure(struct speed *out, const struct speed_config *cfg);

#endif
