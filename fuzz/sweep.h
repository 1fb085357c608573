/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The failure sweep: every request of a program fails at every place where it can, one place at a
 * time, each time the program then goes on. No finding may come of it, no claimed contract may
 * break.
 */
#ifndef NOSNOOP_SWEEP_H
#define NOSNOOP_SWEEP_H

#include "core/op/run.h"

struct sweep_case {
	u32 op, nth;
	enum fault_point point; /* the place that failed */
};

struct sweep {
	u64 cases, bad;
	u32 ops; /* requests that were made to fail */
	/* Called on the finished run of each bad case; may be NULL. */
	void (*on_bad)(void *ctx, const struct run *r, const struct sweep_case *c);
	void *ctx;
	u32 tail;  /* ops to go on for after the failed one; 0: to the end */
	u32 every; /* only every n-th op; 0: all */
};

/*
 * Resets @r first. The model is compared right after the failed op and at the end, whatever @cfg says. 0, or
 * -ENOMEM.
 */
int sweep_run(struct run *r, const struct run_config *cfg, const struct program *p,
	      struct sweep *s);

#endif
