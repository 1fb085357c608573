/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a policy did, in numbers that are the same on every machine and in every run: calls of the
 * machine, and pages that a request changed for NC devices without cleaning them. Found from the
 * machine's counters and events alone, never from what a policy says about itself.
 *
 * A *change* is a pair of a page and a request (the teardown's requests count one by one) in which
 * an NC domain got or lost a mapping of the page. A *skip* is a change in whose request no clean
 * touched the page, be it before or after. So changes - skips pages were cleaned when they could
 * have been skipped, and of `none` every change is a skip. A page that is mapped and unmapped in
 * one request, or in several domains, is one change of it.
 */
#ifndef NOSNOOP_BENCH_ALGORITHM_H
#define NOSNOOP_BENCH_ALGORITHM_H

#include "core/machine/machine.h"

/* member, what it is called in results.json */
#define ALGORITHM_COUNTS(X)                                                       \
	X(flush_calls, "flush_calls") /* of the clean primitive, a run each */    \
	X(pages, "pages")	      /* that were cleaned; twice counts twice */ \
	X(lines, "lines")                                                         \
	X(fences, "fences") /* drains */                                          \
	X(changes, "changes")                                                     \
	X(skips, "skips")                                                         \
	X(redundant, "redundant") /* these two are the shadow's */                \
	X(missing, "missing")                                                     \
	X(map_calls, "map_calls")                                                 \
	X(unmap_calls, "unmap_calls")                                             \
	X(iova_to_phys, "iova_to_phys") /* pages looked up in a page table */     \
	X(syncs, "iotlb_syncs")                                                   \
	X(pin_calls, "pin_calls")                                                 \
	X(pinned, "pages_pinned")                                                 \
	X(unpinned, "pages_unpinned")

struct algorithm {
#define X(member, name) u64 member;
	ALGORITHM_COUNTS(X)
#undef X
};

/* The i-th count and its name; false: past the end. */
bool algorithm_nth(const struct algorithm *a, u32 i, const char **name, u64 *value);
/* The machine's part; the rest stays as it is. */
void algorithm_take(struct algorithm *a, const struct machine_counters *c);
void algorithm_add(struct algorithm *sum, const struct algorithm *a);

/* Listens to the events of one run. */
struct changes {
	u64 *page; /* by pfn: the request that changed or cleaned it last, and how */
	u64 request;
	u64 changes, skips;
	bool full; /* a frame number was beyond the table: nothing can be said */
};

int changes_init(struct changes *c); /* 0 or -ENOMEM */
void changes_free(struct changes *c);
/* The `event` hook of struct run_config; @ctx: struct changes. */
void changes_event(void *ctx, u32 op, const struct machine_event *ev);

#endif
