/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * State coverage: what a run has reached, as slots of a small table. After every op the state of the
 * oracles is reduced to a few tuples of logarithmic counts, and each tuple is a slot. Few dimensions
 * on purpose: a corpus holds at most one program a slot.
 *
 * Who looks at slots gives coverage_op() a function: the campaign's corpus, libFuzzer's extra
 * counters, AFL's map (feedback.h). Slots depend on the program and the policy alone.
 */
#ifndef NOSNOOP_COVERAGE_H
#define NOSNOOP_COVERAGE_H

#include "core/op/run.h"

#define COVERAGE_SLOTS 16384

/* Of one run; zeroed before its first op. */
struct coverage {
	u32 last[3]; /* the tuples after the op before this one: told once while they stay */
	bool nc;     /* some domain in a table is non-coherent */
};

typedef void (*coverage_hit)(void *ctx, u32 slot);

/* After a step of run_step(), with shadow and model attached. */
void coverage_op(struct coverage *c, const struct run *r, coverage_hit hit, void *ctx);

#endif
