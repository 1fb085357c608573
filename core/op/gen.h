/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Seeded generator of programs: mostly valid, meant to be interesting. The same seed and
 * configuration give the same program on every machine.
 */
#ifndef NOSNOOP_GEN_H
#define NOSNOOP_GEN_H

#include "core/op/program.h"

#define GEN_MAX_TABLES 8

struct gen_config {
	u32 max_ops;	 /* without the teardown; a little more where a scene is under way */
	u32 max_pages;	 /* of a buffer */
	u32 max_tables;	 /* at most GEN_MAX_TABLES */
	u32 max_domains; /* attached to one table at a time, as far as the generator can know */
	bool failures;	 /* injected failures; domains with an aperture or few leaves; attaches that
			    conflict */
	bool aliases;	 /* a frame reached through two buffers, two maps or two pages; new frames
			    under pins */
	bool holes;	 /* holes, read-only and copy-on-write pages */
	bool subpage;	 /* areas that begin and end mid page, io pages below 4 KiB */
	bool cuts, copies, accesses, rw;
	bool values;   /* CPU stores and loads, DMA, eviction */
	bool limits;   /* temporary memory and GUP limits */
	bool tasks;    /* several tasks, their limits, capabilities and deaths */
	bool options;  /* reserved and allowed ranges, queries, large pages */
	bool bad;      /* wrong flags and ids; addresses and lengths that cannot be */
	bool checks;   /* `check` ops now and then */
	bool teardown; /* in the end: unpin, unmap, detach, destroy */
};

/* Everything on, small: 40 ops, 6 pages, 2 tables, 3 domains each. */
struct gen_config gen_default(void);
/*
 * For comparison with lower bounds: no frame reached twice, no request that fails in a fill, torn
 * down at the end; nothing but maps, copies, attaches, accesses and their ends.
 */
struct gen_config gen_plain(void);

/* Replaces what @p holds. 0 or -ENOMEM. */
int gen_program(struct program *p, u64 seed, const struct gen_config *cfg);

#endif
