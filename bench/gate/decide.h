/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From paired times to a decision. A pair is one round in one process: base and candidate, and a
 * byte copy of base, each executed in the same memory within a millisecond. What is decided on is the
 * ratio of a pair; pairs of one process share where its code lies, so that a gate has several
 * processes.
 *
 *   regression   the median ratio is above GATE_EFFECT and the sign test says p < GATE_P
 *   improvement  the same in the other direction
 *   invalid      the copy of base is off by more than GATE_AA: nothing can be said
 */
#ifndef NOSNOOP_GATE_DECIDE_H
#define NOSNOOP_GATE_DECIDE_H

#include "core/compat/compat.h"

#define GATE_EFFECT 1.015
#define GATE_P	    0.005
#define GATE_AA	    0.005

struct gate_pair {
	double base, again, candidate; /* ns of the same work */
	u32 process;		       /* from 0 */
};

enum gate_decision { GATE_SAME, GATE_BETTER, GATE_WORSE, GATE_INVALID };

struct gate_effect {
	double ratio;	  /* candidate / base, median over pairs */
	double low, high; /* 99 % interval: processes, and pairs in them, drawn anew */
	double p;	  /* sign test, both sides */
	double again;	  /* the copy / base, median */
	double detectable; /* least change, as 0.021, that the rule finds in 99 of 100 gates like this */
	double ns;	   /* base, median */
	u32 pairs, processes;
	u32 restless; /* the process whose copy is furthest off */
	enum gate_decision decision;
};

/* @nr pairs of at least one process; @seed: of the interval. -ENOMEM, or -EINVAL without pairs. */
int gate_decide(const struct gate_pair *pairs, u32 nr, u64 seed, struct gate_effect *out);

#endif
