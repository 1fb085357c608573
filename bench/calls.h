/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The calls of the machine that a backend made, written down once and made again without it: what
 * the machine alone costs. Made in the same order and with the same arguments, they find the page
 * tables and pins that the backend's own calls found, and do the same to them.
 */
#ifndef NOSNOOP_BENCH_CALLS_H
#define NOSNOOP_BENCH_CALLS_H

#include "core/op/backend.h"

struct calls {
	struct machine_call *call; /* 32 bytes each; those of several runs point to run */
	u64 *run;		   /* domain_run and pfn_run, one behind the other */
	size_t nr, nr_run, cap, cap_run;
	u64 pages; /* room for what the largest pin and the largest read return */
	u64 kinds[CALL_NR];
	bool full; /* no memory: some are missing */
};

/* From now on; nobody else may observe the machine, and @obs must live until the end. */
void calls_record(struct calls *c, struct machine *m, struct machine_observer *obs);
/* 0, or -ENOMEM: not all is there. */
int calls_end(struct calls *c, struct machine *m);
void calls_free(struct calls *c);

/*
 * How they are made again: straight to the machine, as core does, or, for a kernel tree, through the
 * seam that its own calls take. @scratch: calls_scratch() words.
 */
void calls_replay(const struct calls *c, struct machine *m, struct backend *b, u64 *scratch);
size_t calls_scratch(const struct calls *c);
/* Reads all that calls_replay() reads of the list and makes no call. */
u64 calls_walk(const struct calls *c);

#endif
