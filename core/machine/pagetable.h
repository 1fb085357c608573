/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The page table of one domain: a radix tree over the full 64-bit IOVA. A node of level L holds
 * leaves of 2^pt_shift(L) bytes and nodes of level L-1. Level 1 is 4 KiB, then nine bits a level;
 * level 0 exists only for page sizes below 4 KiB. A node starts with room for a few sorted entries
 * and ends as a plain array; the root is the lowest node that covers everything, wherever in the
 * address space that lies.
 *
 * Locking: the domain's. pt_find(), pt_walk_all() change nothing and may be called by oracles
 * without it.
 */
#ifndef NOSNOOP_PAGETABLE_H
#define NOSNOOP_PAGETABLE_H

#include "core/compat/compat.h"

#define PT_LEVELS     7
#define PT_LEAF	      0x01ULL /* else the entry is a node's address */
#define PT_START      0x02ULL /* the first leaf of a map call */
#define PT_LAST	      0x04ULL
#define PT_PROT_SHIFT 3
#define PT_FLAGS      0x1ffULL /* no page is smaller than 512 bytes */

struct machine;

struct pt_node {
	u16 used;
	u16 cap;
	u16 children; /* how many of the used entries are nodes */
	u8 level;
	bool dense; /* e[] is indexed; else sorted, with cap keys (u16) behind e[cap] */
	u64 e[];
};

struct page_table {
	struct machine *m;
	struct pt_node *root;
	u64 root_base;
	struct pt_node *hot; /* the level 1 node used last: neighbours need no walk */
	u64 hot_base;
	u64 leaves, max_leaves;
	u32 leaf_levels; /* a bit for each level that may have leaves */
	u32 expect;	 /* pages that the caller will map next, one by one: room to make at once */
	u8 shift0;
};

struct pt_leaf {
	u64 iova; /* of its first byte */
	u64 entry;
	struct pt_node *node;
	u8 shift;
};

typedef void (*pt_piece_fn)(void *ctx, u64 iova, u64 pa, u64 len, u32 prot);

void pt_init(struct page_table *pt, struct machine *m, u64 pgsizes, u64 max_leaves);
void pt_destroy(struct page_table *pt);
/* All of the range or nothing. EEXIST: something is mapped there; ENOMEM. */
int pt_map(struct page_table *pt, u64 iova, u64 pa, u64 len, u32 prot);
/*
 * Bytes removed. A leaf that is only partly inside stays. @fn (may be NULL) sees every leaf that
 * goes.
 */
u64 pt_unmap(struct page_table *pt, u64 first, u64 last, pt_piece_fn fn, void *ctx);
/* pt_map_hot() and pt_unmap_hot() while the node used last is still a sorted one. */
bool pt_map_near(struct page_table *pt, u64 iova, u64 pa, u32 prot);
bool pt_unmap_near(struct page_table *pt, u64 iova);
bool pt_find_slow(const struct page_table *pt, u64 iova, struct pt_leaf *out);
/* All leaves in order; false when @fn stopped it. */
bool pt_walk_all(const struct page_table *pt,
		 bool (*fn)(void *ctx, u64 iova, u64 pa, u64 len, u32 prot), void *ctx);

static inline unsigned int pt_shift(const struct page_table *pt, unsigned int level)
{
	return level ? 3 + 9 * level : pt->shift0;
}

static inline u64 pt_pa(u64 entry)
{
	return entry & ~PT_FLAGS;
}

static inline u32 pt_prot(u64 entry)
{
	return entry >> PT_PROT_SHIFT & 7;
}

static inline u64 pt_leaf_entry(u64 pa, u32 prot)
{
	return pa | (u64)prot << PT_PROT_SHIFT | PT_LEAF;
}

static inline bool pt_is_node(u64 entry)
{
	return entry && !(entry & PT_LEAF);
}

/*
 * The slot of a 4 KiB page in the node used last, when that is an array; NULL: take the long way.
 */
static inline u64 *pt_hot_slot(const struct page_table *pt, u64 iova)
{
	if (unlikely(!pt->hot || (iova ^ pt->hot_base) >> 21 || !pt->hot->dense))
		return NULL;
	return &pt->hot->e[iova >> PAGE_SHIFT & 511];
}

static inline bool pt_find(const struct page_table *pt, u64 iova, struct pt_leaf *out)
{
	u64 *slot = pt_hot_slot(pt, iova);

	if (unlikely(!slot || !(*slot & PT_LEAF)))
		return pt_find_slow(pt, iova, out);
	*out = (struct pt_leaf){iova & ~PAGE_MASK, *slot, pt->hot, PAGE_SHIFT};
	return true;
}

static inline void pt_set_hot(struct page_table *pt, const struct pt_leaf *leaf)
{
	if (leaf->shift == PAGE_SHIFT && leaf->node != pt->hot) {
		pt->hot = leaf->node;
		pt->hot_base = leaf->iova & ~((1ULL << 21) - 1);
	}
}

static inline u64 pt_leaf_pa(const struct pt_leaf *leaf, u64 iova)
{
	return pt_pa(leaf->entry) + (iova - leaf->iova);
}

/* The leaf's last byte. */
static inline u64 pt_leaf_last(const struct pt_leaf *leaf)
{
	return leaf->iova | ((1ULL << leaf->shift) - 1);
}

/* One 4 KiB page as a map call of its own; false: not possible this way, nothing was done. */
static inline bool pt_map_hot(struct page_table *pt, u64 iova, u64 pa, u32 prot)
{
	u64 *slot = pt_hot_slot(pt, iova);

	if (unlikely(pt->max_leaves && pt->leaves >= pt->max_leaves))
		return false;
	if (unlikely(!slot))
		return pt->hot && pt_map_near(pt, iova, pa, prot);
	if (unlikely(*slot))
		return false;
	*slot = pt_leaf_entry(pa, prot) | PT_START | PT_LAST;
	pt->hot->used++;
	pt->leaves++;
	return true;
}

/* Removes one 4 KiB page that was a map call of its own and is not the last of its node. */
static inline bool pt_unmap_hot(struct page_table *pt, u64 iova)
{
	u64 *slot = pt_hot_slot(pt, iova);
	const u64 want = PT_LEAF | PT_START | PT_LAST;

	if (unlikely(!slot))
		return pt->hot && pt_unmap_near(pt, iova);
	if (unlikely((*slot & want) != want || pt->hot->used == 1))
		return false;
	*slot = 0;
	pt->hot->used--;
	pt->leaves--;
	return true;
}

#endif
