/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the CPU and devices read in a run, op by op, as far as no race decides it: the same under
 * every policy that keeps L and S0.
 *
 * A line is *racy* from the first of these on, for the rest of the program:
 *  - a no-snoop device write to it;
 *  - a store to it, by the CPU or a snooped device, while its page is exposed (an NC domain maps
 *    some of it).
 * What it holds then depends on when it was evicted or cleaned, and a sound policy may clean more
 * often than another. Every line of a frame that was made after some line became racy counts as
 * racy as well: copy-on-write may have copied it.
 *
 * Any other line was only ever written through the cache while nobody could look past it. So the
 * CPU and snooped devices read what was stored last; and whoever maps its page for an NC domain
 * has, by S0, cleaned it in that request, and nothing was stored since: memory holds the same.
 * So all of these must be equal:
 *  - what a load, an in-kernel read, a device's read, snooped or not, gives;
 *  - what memory holds of a page at the end of each request that succeeded, mapped some of it for an NC
 *    domain and left it exposed: what a no-snoop device could read next. (How far one that fails
 *    comes is another matter.)
 */
#ifndef NOSNOOP_READS_H
#define NOSNOOP_READS_H

#include "core/op/run.h"

#define READS_PAGES \
	4096 /* frames kept apart, a power of 2; a program with more is compared no further */

struct reads_page {
	u64 pfn;     /* 0: free */
	u64 racy;    /* a bit for each line */
	u64 exposed; /* bytes that are mapped for NC domains, each mapping counted */
	bool fresh;  /* mapped for an NC domain in this request */
};

struct reads {
	struct reads_page page[READS_PAGES];
	u32 nr_pages;
	u32 fresh[READS_PAGES]; /* places in page[] */
	u32 nr_fresh;
	u64 racy_pfn; /* the last frame there was when a line first became racy; 0: none has */
	bool full;
	u64 *of_op; /* a sum over the reads of op n */
	u32 nr_ops, cap;
};

void reads_clear(struct reads *r);
/* The `event` of a run's configuration; @m is the run's machine. */
void reads_event(struct reads *r, const struct machine *m, u32 op, const struct machine_event *ev);
u64 reads_of_op(const struct reads *r, u32 op);

#endif
