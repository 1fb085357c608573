/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sparse arrays by page index: a radix tree of 16-way nodes, only as high and as wide as what was
 * touched. Two users: the pfn store of an iopt_pages (pinned_pfns) and the per-page state of a
 * policy. The caller locks. Memory comes from the arena.
 */
#ifndef NOSNOOP_SPARSE_H
#define NOSNOOP_SPARSE_H

#include "core/compat/arena.h"
#include "core/compat/compat.h"

#define SPARSE_SHIFT 4
#define SPARSE_FAN   (1U << SPARSE_SHIFT)

struct sparse {
	void *root;
	u32 height;	/* levels, leaves included; 0: empty */
	u32 leaf_bytes; /* of one leaf, which serves SPARSE_FAN indexes */
};

static inline void sparse_init(struct sparse *s, u32 leaf_bytes)
{
	*s = (struct sparse){.leaf_bytes = leaf_bytes};
}

/* The leaf that serves index; NULL: not there, or with create: no memory. New leaves are zeroed. */
void *sparse_leaf(struct sparse *s, struct arena *a, u64 index, bool create);
/* Free the leaf that serves index and every inner node that it leaves empty. */
void sparse_drop(struct sparse *s, struct arena *a, u64 index);
/* The first index at or after `index` that has a leaf under it; false: none. */
bool sparse_next(const struct sparse *s, u64 index, u64 *found);
void sparse_free(struct sparse *s, struct arena *a);

struct pfn_store {
	struct sparse tree;
};

void pfn_store_init(struct pfn_store *s);
u64 pfn_store_load(struct pfn_store *s, u64 index); /* 0: empty */
/* -ENOMEM and nothing changed; -EEXIST: the slot is taken. */
int pfn_store_insert(struct pfn_store *s, struct arena *a, u64 index, u64 pfn);
void pfn_store_erase(struct pfn_store *s, struct arena *a, u64 index);
/* The first used slot at or after index; false: none. */
bool pfn_store_next(struct pfn_store *s, u64 index, u64 *found, u64 *pfn);
static inline bool pfn_store_empty(const struct pfn_store *s)
{
	return !s->tree.root;
}

#endif
