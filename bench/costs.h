/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Several backends on one stage, and beside each of them the machine alone (calls.h): what an op
 * costs, what of it is the mock's, and what is the backend's own. README.md says why so.
 */
#ifndef NOSNOOP_BENCH_COSTS_H
#define NOSNOOP_BENCH_COSTS_H

#include "bench/calls.h"
#include "bench/counters/counters.h"
#include "bench/stage.h"

struct cost_player {
	const char *name; /* as the command line has it */
	const struct backend_ops *ops;
	const struct flush_policy *policy;
};

struct costs_options {
	const struct run_layout *layout;
	u32 domains, reps;
	u64 size, seed;
	struct cost_player player[STAGE_BACKENDS_MAX];
	u32 nr_players;
	struct counters *counters; /* NULL: no instructions */
};

/* Over the repetitions. */
struct spread {
	double median, q1, q3;
};

struct cost_times {
	struct spread total, machine,
		own; /* ns a page, or a pair; own is total - machine, round by round */
	struct spread part[STAGE_PARTS]; /* of total */
	/* Player 0's over this one's: 0.8 means that the first takes four fifths. */
	struct spread total_ratio, own_ratio;
};

struct cost {
	struct cost_times time;
	struct machine_counters count; /* of one pass */
	u64 calls[CALL_NR], nr_calls;
	bool has_instructions;
	double instructions, machine_instructions; /* a page; user mode */
};

struct costs {
	u64 pages;
	struct cost of[STAGE_BACKENDS_MAX];
	struct cost_times again; /* player 0 once more, beside itself: the noise of the method */
};

int costs_measure(const struct costs_options *opt, struct costs *out); /* 0 or negative errno */

#endif
