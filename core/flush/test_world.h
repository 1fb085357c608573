/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A page core of a few pages for testing policies alone: no memory, no IOMMU, only the order of
 * hooks that flush.h promises, and a judge with one bit where the shadow has sets. Requests are
 * short words:
 *
 *   nA1 cA1     attach NC (C) domain 1 to table A     ?nA1 fails before, !nA1 in the last area
 *   dA1         detach it
 *   mAaP02      map area a of table A: pages 0..2 of object P   !m: fails at the 2nd domain's first
 * map rAaP02      the same, read-only ua          unmap area a pa01 qa01   pin pages 0..1 through
 * area a, release them xabc1       cut area a into b [..1] and c [2..]; y: inside page 1, which
 * both then show
 *
 * A request that cannot be made (no such area...) does nothing.
 */
#ifndef NOSNOOP_TEST_WORLD_H
#define NOSNOOP_TEST_WORLD_H

#include "core/flush/flush.h"

#define W_PAGES	  6
#define W_OBJECTS 2
#define W_TABLES  3
#define W_DOMAINS 9
#define W_AREAS	  10
#define W_ACCESS  4
#define W_PRIV	  32

/* What the judge knows of a page; `reach` counts NC mappings. */
struct w_page {
	bool pinned, secret, stale, epoch_written;
	u32 reach, reach_write, start_reach;
	bool cleaned; /* in this request */
	bool exposed; /* at any time in this request */
	bool early,
		early_open; /* cleaned while reachable: in an unwind or unmap; before any unmap */
	bool again, again_open; /* ... and a mapping has gone since */
	bool added, written;	/* by this request; since the last 0->1 */
	bool owed; /* written since the last request that cleaned it while no device could write */
	u64 n, m, writable; /* exposures, requests that add one, exposures for writing */
	bool created;
	_Alignas(8) u8 state[W_PRIV];
};

struct w_object {
	struct flush_pages fp;
	_Alignas(8) u8 priv[W_PRIV];
	struct w_page page[W_PAGES];
	bool busy; /* something was pinned: pages_idle() is due */
};

struct w_table {
	struct flush_table ft;
	_Alignas(8) u8 priv[W_PRIV];
	struct flush_domain *slot[W_DOMAINS];
};

struct w_area {
	struct flush_area fa;
	_Alignas(8) u8 priv[W_PRIV];
	bool live;
	u64 order;		   /* of entering domains_itree */
	u64 mapped[W_DOMAINS + 1]; /* by domain id: pages [first..mapped-1] */
};

struct w_access {
	struct w_area *area; /* NULL: free */
	u64 first, last;
};

struct world {
	const struct flush_policy *policy;
	struct flush_host host;
	u64 cut; /* pages a batch */
	struct w_object object[W_OBJECTS];
	struct w_table table[W_TABLES];
	struct flush_domain domain[W_DOMAINS + 1];
	bool attached[W_DOMAINS + 1];
	struct w_area area[W_AREAS];
	struct w_access access[W_ACCESS];
	u64 serial, orders;
	bool pending;	       /* a clean without its drain */
	bool nc_map, nc_unmap; /* in this request */
	bool no_memory;	       /* page states cannot be created */
	u32 broken;	       /* CONTRACT_* */
	u64 flushes, drains;
	struct {
		u64 exact, once, close,
			every; /* closed-form bounds of the epochs that have ended */
	} bound;
	char log[512]; /* a word a request: pages cleaned, ascending; as letters while exposed; "."
			  none */
};

void world_init(struct world *w, const struct flush_policy *policy, u64 cut);
/* One request. False: it could not be made. */
bool world_op(struct world *w, const char *op);
/* Requests separated by spaces; every one must be possible. */
void world_run(struct world *w, const char *ops);
/* Unmap, release and detach all. */
void world_teardown(struct world *w);

#endif
