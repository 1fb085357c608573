/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The policy interface: everything that a flush policy may include. A policy says *when* a page is
 * cleaned; the clean primitive of the machine says *how*.
 *
 * A policy is one const struct flush_policy. A hook that is NULL has nothing to do. Hooks run under the locks of
 * their caller (at least pages->mutex wherever a piece is given), one at a time for each object. Hooks that
 * return void are on paths that cannot fail: they must not allocate. Hooks that return int give 0 or
 * a negative errno, and the request is undone.
 *
 * State lives only in what the core allocates for the policy, zeroed: table_size, pages_size and area_size
 * bytes beside each object (`priv`), and page_size bytes for each page index of an object (flush_page_state()).
 * No globals, no malloc: a snapshot of the arena holds all of it. State must not keep pointers to areas.
 *
 * A *piece* is a closed interval of page indexes of one iopt_pages with one origin. Pieces are cut by
 * temporary memory too: no decision and no flush count may depend on where. Rules "per area" are decided
 * in fill_begin() (fills) or at a piece with FLUSH_FIRST (unmaps), and kept in the area's state.
 */
#ifndef NOSNOOP_FLUSH_H
#define NOSNOOP_FLUSH_H

#include "core/compat/compat.h"

#define FLUSH_ABI_VERSION 1
#define FLUSH_POLICY_SYMBOL "nosnoop_policy" /* what a shared object exports, see FLUSH_POLICY_EXPORT */

/* Contracts, as bits: what a policy claims, what the shadow judges. */
#define CONTRACT_L  0x01u /* leak */
#define CONTRACT_I  0x02u /* integrity at the last unpin */
#define CONTRACT_S0 0x04u /* visibility at the first exposure */
#define CONTRACT_S1 0x08u /* visibility at every NC mapping */
#define CONTRACT_E  0x10u /* integrity at un-exposure */
#define CONTRACT_O  0x20u /* order of closing cleans */
#define CONTRACT_U  0x40u /* no unpin while mapped */
#define CONTRACT_NR 7
#define CONTRACTS_SOUND (CONTRACT_L | CONTRACT_I | CONTRACT_S0 | CONTRACT_O | CONTRACT_U)

struct flush_host;

struct flush_domain {
	u32 id;
	bool nc; /* does not enforce cache coherency */
};

struct flush_table {
	void *priv;
	u32 nr_domains; /* attached; changes when attach has succeeded, and on detach after the unfill */
	u32 nr_nc;	/* how many of them are NC */
};

struct flush_pages {
	void *priv;
	u64 npages;
	bool writable;
};

struct flush_area {
	void *priv;
	struct flush_table *table;
	struct flush_pages *pages;
	u64 first, last; /* page indexes */
	bool writable;	 /* mapped with write permission */
	const struct flush_domain *storage; /* NULL: none */
};

enum flush_origin {
	FLUSH_FROM_USER,   /* pinned in this request */
	FLUSH_FROM_ARRAY,  /* pinned_pfns: an in-kernel access holds it */
	FLUSH_FROM_DOMAIN, /* read back from src_area's storage domain */
};

/* Unmap and unpin pieces */
#define FLUSH_FIRST	  0x01u /* begins at the first page of the area's walk on this domain */
#define FLUSH_LAST	  0x02u /* ends at the last page of that walk */
#define FLUSH_STORAGE	  0x04u /* the domain is (was, until this request) the area's storage */
#define FLUSH_FINAL	  0x08u /* the request unmaps these pages of this area from no further domain */
#define FLUSH_UNWIND	  0x10u /* the fill is being undone */
/* Who else holds the pages of an unmap piece; told when needs has FLUSH_NEED_UNMAP_PFNS: */
#define FLUSH_HELD_DOMAIN 0x20u /* another area with a domain covers them */
#define FLUSH_HELD_ACCESS 0x40u /* an in-kernel access covers them */
#define FLUSH_UNPINS	  0x80u /* this request unpins them after this unmap */

struct flush_piece {
	const struct flush_host *host;
	struct flush_area *area;
	struct flush_pages *pages;
	u64 first, last;
	u64 serial; /* of the request */
	enum flush_origin origin;
	u32 flags;
	const struct flush_area *src_area; /* FLUSH_FROM_DOMAIN: whose storage was read */
	const struct flush_domain *src;	   /* that storage domain */
	const void *pfns;		   /* the core's; NULL: not known, flush_clean() is not allowed */
};

enum flush_fill_why { FLUSH_FILL_MAP, FLUSH_FILL_ATTACH }; /* a copy fills as a map does */

enum flush_unpin_why {
	FLUSH_UNPIN_AREA,   /* the last covering area was unfilled */
	FLUSH_UNPIN_ACCESS, /* the last access was released; area is the one through which it was made */
	FLUSH_UNPIN_UNWIND, /* an error path gives back what it pinned */
	FLUSH_UNPIN_TRANSIENT, /* an in-kernel rw that pinned for itself */
};

#define FLUSH_NEED_UNMAP_PFNS 0x1u /* read pfns back before unmaps, so that after_unmap() may clean */
#define FLUSH_NEED_BEFORE_UNMAP 0x2u /* call before_unmap() (implies the read-back) */

struct flush_policy {
	u32 abi; /* FLUSH_ABI_VERSION */
	u32 size; /* sizeof(struct flush_policy) */
	const char *name;
	const char *what; /* the rule in a line, for lists */
	u32 claims; /* CONTRACT_* bits */
	u32 needs;
	u32 table_size, pages_size, area_size, page_size; /* bytes of private state */

	int (*pages_init)(struct flush_pages *pages);
	void (*pages_exit)(struct flush_pages *pages);

	/* Before the first check of an attach; failed: it did not happen (C domains too); detach: after the unfill. */
	int (*domain_attach)(struct flush_table *table, const struct flush_domain *domain);
	void (*domain_attach_failed)(struct flush_table *table, const struct flush_domain *domain);
	void (*domain_detach)(struct flush_table *table, const struct flush_domain *domain);

	/*
	 * Once for each area and request that maps it: before the first pin, and after the last map or the unwind.
	 * nr_nc: NC domains that this request maps the area into.
	 */
	int (*fill_begin)(struct flush_area *area, u32 nr_nc, enum flush_fill_why why);
	void (*fill_end)(struct flush_area *area, int rc);
	/* Once a piece, before it is mapped into the first of the request's domains. */
	int (*before_map)(const struct flush_piece *p, u32 nr_nc);

	void (*before_unmap)(const struct flush_piece *p, const struct flush_domain *domain);
	/* After the IOTLB sync. */
	void (*after_unmap)(const struct flush_piece *p, const struct flush_domain *domain);
	/* The pfns are known; the pages are mapped nowhere through this object any more. */
	void (*before_unpin)(const struct flush_piece *p, enum flush_unpin_why why);
	/* Nothing of the object is pinned any more. */
	void (*pages_idle)(struct flush_pages *pages);

	/* Which of domains[0..n-1] becomes the area's storage; NULL hook: domains[0]. */
	u32 (*storage_pick)(struct flush_area *area, const struct flush_domain *const *domains, u32 n);
	void (*storage_changed)(struct flush_area *area, const struct flush_domain *old);
	void (*area_split)(struct flush_area *old, struct flush_area *left, struct flush_area *right);

	/* An in-kernel access gets at the pages (pin or rw), after they are pinned. */
	int (*before_access)(const struct flush_piece *p, bool write);
};

/* What the core offers to policies; one table, versioned with the ABI. */
struct flush_host {
	u32 abi;
	void (*clean)(const struct flush_piece *p, u64 first, u64 last);
	void (*drain)(const struct flush_piece *p);
	void *(*page_state)(const struct flush_piece *p, u64 index, bool create, u64 *count);
};

/* Clean pages [first..last] of the piece and complete it: one fence a call. */
static inline void flush_clean(const struct flush_piece *p, u64 first, u64 last)
{
	p->host->clean(p, first, last);
	p->host->drain(p);
}

static inline void flush_clean_piece(const struct flush_piece *p)
{
	flush_clean(p, p->first, p->last);
}

/*
 * The policy's page_size bytes for @index; *count: how many pages' states lie in a row from there (>= 1; not cut to the piece).
 * Zero until written. With @create, NULL means no memory (hooks that may fail only); without, NULL
 * means never created: all zero, *count pages of it.
 */
static inline void *flush_page_state(const struct flush_piece *p, u64 index, bool create, u64 *count)
{
	return p->host->page_state(p, index, create, count);
}

/* A policy outside the tree ends in: FLUSH_POLICY_EXPORT(my_policy); */
#define FLUSH_POLICY_EXPORT(policy)                                                                \
	NOSNOOP_EXPORT const struct flush_policy *nosnoop_policy(u32 abi);                         \
	const struct flush_policy *nosnoop_policy(u32 abi)                                         \
	{                                                                                          \
		return abi == FLUSH_ABI_VERSION ? &(policy) : NULL;                                \
	}

#endif
