/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The policy interface: everything that a flush policy may include. A policy says *when* a page is
 * cleaned; the clean primitive of the machine says *how*.
 *
 * A policy is one const struct flush_policy. A hook that is NULL has nothing to do. Hooks run under
 * the locks of their caller (at least pages->mutex wherever a piece is given), one at a time for
 * each object. Void hooks are on paths that cannot fail: they must not allocate. Hooks that return
 * int give 0 or a negative errno, and the request is undone.
 *
 * Ids and serials are names: they say whether two are the same, and of two domains of a table which
 * is older (the lesser id). Nothing else may be read from their values. State that keeps a domain's
 * id keeps all of it, as an aligned u32 or u64, and keeps nothing else there that looks like one
 * (FLUSH_DOMAIN_ID): tools find ids in state by their values.
 *
 * State lives only in what the core allocates for the policy, zeroed: table_size, pages_size and
 * area_size bytes beside each object (`priv`), and page_size bytes for each page index of an object
 * (flush_page_state()). No globals, no malloc: a snapshot of the arena holds all of it. State must
 * not keep pointers to what the core made: a name outlives its object, a pointer does not. A copy
 * makes an area with empty state that shares the pages' state.
 * State of a page that is zero and state that was never created are one to a rule: a row of states is
 * created for neighbours too.
 *
 * A *piece* is a closed interval of page indexes of one flush_pages, of one origin. Temporary
 * memory cuts pieces too: no decision and no flush count may depend on where. Rules "per area" are
 * decided in fill_begin() (fills) or at a piece with FLUSH_FIRST (unmaps), and kept in the area's
 * state.
 */
#ifndef NOSNOOP_FLUSH_H
#define NOSNOOP_FLUSH_H

#include "core/compat/compat.h"
#include "core/flush/contract.h"

#define FLUSH_ABI_VERSION 2

struct flush_host;

#define FLUSH_DOMAIN_ID 0x6dc3a500u /* the n-th domain of a run has this id + n */

struct flush_domain {
	u32 id;
	bool nc; /* does not enforce cache coherency */
};

struct flush_table {
	void *priv;
	u32 nr_domains; /* changes when an attach has succeeded, and on detach after the unfill */
	u32 nr_nc;	/* how many of them are NC */
};

struct flush_pages {
	void *priv;
	const struct flush_host *host;
	u64 npages;
	bool writable;
};

struct flush_area {
	void *priv;
	struct flush_table *table;
	struct flush_pages *pages;
	u64 first, last;		    /* page indexes */
	bool writable;			    /* mapped with write permission */
	const struct flush_domain *storage; /* NULL: none */
};

enum flush_origin {
	FLUSH_FROM_USER,   /* pinned in this request */
	FLUSH_FROM_ARRAY,  /* pinned_pfns: an in-kernel access holds it */
	FLUSH_FROM_DOMAIN, /* read back from src_area's storage domain */
};

/* Unmap and unpin pieces */
#define FLUSH_FIRST   0x01u /* the first piece of the area's walk on this domain */
#define FLUSH_LAST    0x02u /* the last one; an unwind's walks on several domains come in turns */
#define FLUSH_STORAGE 0x04u /* the domain is, or was until this request, the area's storage */
#define FLUSH_FINAL   0x08u /* the request unmaps these pages of this area from no further domain */
#define FLUSH_UNWIND  0x10u /* the fill is being undone; told for what had been mapped */
/* Who else holds the pages; told on walks that unpin, if needs has FLUSH_NEED_UNMAP_PFNS: */
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
	/* FLUSH_FROM_DOMAIN, if needs has FLUSH_NEED_SOURCE, else NULL: whose storage was read */
	const struct flush_area *src_area;
	const struct flush_domain *src; /* that storage domain */
	const void *pfns;		/* the core's; NULL: not known, no flush_clean() */
};

enum flush_fill_why { FLUSH_FILL_MAP, FLUSH_FILL_ATTACH }; /* a copy fills as a map does */

enum flush_unpin_why {
	FLUSH_UNPIN_AREA,      /* the last covering area was unfilled */
	FLUSH_UNPIN_ACCESS,    /* the last access was released; area: the one it was made through */
	FLUSH_UNPIN_UNWIND,    /* an error path gives back what it pinned */
	FLUSH_UNPIN_TRANSIENT, /* an in-kernel rw that pinned for itself */
};

/* Which private state normal_form() is given. */
enum flush_state {
	FLUSH_STATE_TABLE,
	FLUSH_STATE_PAGES,
	FLUSH_STATE_AREA,
	FLUSH_STATE_PAGE, /* page_size bytes of one index */
};

#define FLUSH_NEED_UNMAP_PFNS	0x1u /* read pfns back before unmaps: after_unmap() may clean */
#define FLUSH_NEED_BEFORE_UNMAP 0x2u /* call before_unmap() (implies the read-back) */
#define FLUSH_NEED_SOURCE	0x4u /* tell src_area and src; who does not ask cannot depend on them */
#define FLUSH_NEEDS_ALL		0x7u

struct flush_policy {
	u32 abi;  /* FLUSH_ABI_VERSION; stays the first member in every ABI */
	u32 size; /* sizeof(struct flush_policy) */
	const char *name;
	const char *what; /* the rule in a line, for lists */
	u32 claims;	  /* CONTRACT_* bits */
	u32 needs;
	u32 table_size, pages_size, area_size, page_size; /* bytes of private state */

	int (*pages_init)(struct flush_pages *pages);
	void (*pages_exit)(struct flush_pages *pages);

	/* C domains too. Attach: before its first check; failed: undone; detach: after the unfill.
	 */
	int (*domain_attach)(struct flush_table *table, const struct flush_domain *domain);
	void (*domain_attach_failed)(struct flush_table *table, const struct flush_domain *domain);
	void (*domain_detach)(struct flush_table *table, const struct flush_domain *domain);

	/*
	 * Once for each area and request that maps it into a domain: before the first pin, and
	 * (unless fill_begin() failed) after the last map or the unwind. nr_nc: how many targets
	 * are NC. An attach that fails later undoes the areas whose fill has ended:
	 * after_unmap(FLUSH_UNWIND).
	 */
	int (*fill_begin)(struct flush_area *area, u32 nr_nc, enum flush_fill_why why);
	void (*fill_end)(struct flush_area *area, int rc);
	/* Once a piece, before it is mapped into the first target; pieces ascend within a fill. */
	int (*before_map)(const struct flush_piece *p, u32 nr_nc);

	/*
	 * An unmap walks the other domains first and the storage (STORAGE and FINAL) last. A detach
	 * that leaves domains has moved the storage before: FINAL alone. after_unmap() comes after
	 * the IOTLB sync.
	 */
	void (*before_unmap)(const struct flush_piece *p, const struct flush_domain *domain);
	void (*after_unmap)(const struct flush_piece *p, const struct flush_domain *domain);
	/* The pfns are known; the pages are mapped nowhere through this object any more. */
	void (*before_unpin)(const struct flush_piece *p, enum flush_unpin_why why);
	/* Nothing of the object is pinned any more. */
	void (*pages_idle)(struct flush_pages *pages);

	/*
	 * Which of domains[0..n-1] is to be the area's storage. Asked when the area gets one, when
	 * its storage leaves, and for each area after every successful attach. NULL hook:
	 * domains[0], and an attach moves nothing.
	 */
	u32 (*storage_pick)(struct flush_area *area, const struct flush_domain *const *domains,
			    u32 n);
	/* area->storage is not @old any more. The halves of a split inherit it: no call. */
	void (*storage_changed)(struct flush_area *area, const struct flush_domain *old);
	/* left->last == right->first: cut inside that page. old->storage: NULL when not mapped. */
	void (*area_split)(struct flush_area *old, struct flush_area *left,
			   struct flush_area *right);

	/* An in-kernel access gets at the pages (pin, or rw through the object's own pages), after they
	 * are pinned; not where rw goes through the owner's mapping: plain, or one page. */
	int (*before_access)(const struct flush_piece *p, bool write);

	/*
	 * Not a moment of a request: for tools that compare states between requests. @state is a copy
	 * of one private state; bring it into a form that is the same for all states with the same
	 * future: serial numbers and what only a running request reads become 0, a counter that may
	 * wrap is taken modulo 8. @table: of FLUSH_STATE_TABLE and _AREA, else NULL. NULL hook: every
	 * byte counts as it is.
	 */
	void (*normal_form)(enum flush_state kind, const struct flush_table *table, void *state);
};

/* What the core offers to policies; versioned with the ABI. */
struct flush_host {
	u32 abi;
	void (*clean)(const struct flush_piece *p, u64 first, u64 last);
	void (*drain)(const struct flush_piece *p);
	void *(*page_state)(struct flush_pages *pages, u64 index, bool create, u64 *count);
};

#include "core/flush/flush_inline.h"

#endif
