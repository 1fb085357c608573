// SPDX-License-Identifier: GPL-2.0-only
#include "core/iopt/sparse.h"

struct inner {
	u32 used;
	void *slot[SPARSE_FAN];
};

struct pfn_leaf {
	u32 used;
	u64 pfn[SPARSE_FAN];
};

static bool fits(const struct sparse *s, u64 index)
{
	u32 bits = s->height * SPARSE_SHIFT;

	return s->height && (bits >= 64 || !(index >> bits));
}

static u32 slot_of(u64 index, u32 level)
{
	return index >> (level * SPARSE_SHIFT) & (SPARSE_FAN - 1);
}

static size_t node_bytes(const struct sparse *s, u32 level)
{
	return level ? sizeof(struct inner) : s->leaf_bytes;
}

/* Add levels on top until index fits. */
static bool grow(struct sparse *s, struct arena *a, u64 index)
{
	if (!s->height) {
		u32 h = 1;

		while (h * SPARSE_SHIFT < 64 && index >> (h * SPARSE_SHIFT))
			h++;
		s->root = arena_alloc(a, node_bytes(s, h - 1));
		s->height = s->root ? h : 0;
		return s->root;
	}
	while (!fits(s, index)) {
		struct inner *top = arena_alloc(a, sizeof(*top));

		if (!top)
			return false;
		top->slot[0] = s->root;
		top->used = 1;
		s->root = top;
		s->height++;
	}
	return true;
}

void *sparse_leaf(struct sparse *s, struct arena *a, u64 index, bool create)
{
	void *node;

	if (!fits(s, index) && (!create || !grow(s, a, index)))
		return NULL;
	node = s->root;
	for (u32 level = s->height - 1; level; level--) {
		struct inner *in = node;
		void **slot = &in->slot[slot_of(index, level)];

		if (!*slot) {
			if (!create)
				return NULL;
			*slot = arena_alloc(a, node_bytes(s, level - 1));
			if (!*slot) {
				sparse_drop(s, a, index);
				return NULL;
			}
			in->used++;
		}
		node = *slot;
	}
	return node;
}

void sparse_drop(struct sparse *s, struct arena *a, u64 index)
{
	void *path[64 / SPARSE_SHIFT] = {0};
	u32 level;

	if (!fits(s, index))
		return;
	path[s->height - 1] = s->root;
	for (level = s->height - 1; level; level--) {
		path[level - 1] = ((struct inner *)path[level])->slot[slot_of(index, level)];
		if (!path[level - 1])
			break;
	}
	for (; level < s->height; level++) {
		if (level && ((struct inner *)path[level])->used)
			return;
		arena_free(a, path[level], node_bytes(s, level));
		if (level + 1 == s->height) {
			s->root = NULL;
			s->height = 0;
			return;
		}
		((struct inner *)path[level + 1])->slot[slot_of(index, level + 1)] = NULL;
		((struct inner *)path[level + 1])->used--;
	}
}

static bool next_below(const struct sparse *s, void *node, u32 level, u64 base, u64 index,
		       u64 *found)
{
	struct inner *in = node;
	u32 i = base > index ? 0 : slot_of(index, level);

	if (!level) {
		*found = max(base, index);
		return true;
	}
	for (; i < SPARSE_FAN; i++) {
		u64 child = base | (u64)i << (level * SPARSE_SHIFT);

		if (in->slot[i] &&
		    next_below(s, in->slot[i], level - 1, child, max(index, child), found))
			return true;
	}
	return false;
}

bool sparse_next(const struct sparse *s, u64 index, u64 *found)
{
	if (!fits(s, index))
		return false;
	return next_below(s, s->root, s->height - 1, 0, index, found);
}

static void free_below(struct sparse *s, struct arena *a, void *node, u32 level)
{
	for (u32 i = 0; level && i < SPARSE_FAN; i++)
		if (((struct inner *)node)->slot[i])
			free_below(s, a, ((struct inner *)node)->slot[i], level - 1);
	arena_free(a, node, node_bytes(s, level));
}

void sparse_free(struct sparse *s, struct arena *a)
{
	if (s->root)
		free_below(s, a, s->root, s->height - 1);
	s->root = NULL;
	s->height = 0;
}

void pfn_store_init(struct pfn_store *s)
{
	sparse_init(&s->tree, sizeof(struct pfn_leaf));
}

u64 pfn_store_load(struct pfn_store *s, u64 index)
{
	struct pfn_leaf *leaf = sparse_leaf(&s->tree, NULL, index, false);

	return leaf ? leaf->pfn[slot_of(index, 0)] : 0;
}

int pfn_store_insert(struct pfn_store *s, struct arena *a, u64 index, u64 pfn)
{
	struct pfn_leaf *leaf = sparse_leaf(&s->tree, a, index, true);

	if (!leaf)
		return -ENOMEM;
	if (leaf->pfn[slot_of(index, 0)])
		return -EEXIST;
	leaf->pfn[slot_of(index, 0)] = pfn;
	leaf->used++;
	return 0;
}

void pfn_store_erase(struct pfn_store *s, struct arena *a, u64 index)
{
	struct pfn_leaf *leaf = sparse_leaf(&s->tree, a, index, false);

	if (!leaf || !leaf->pfn[slot_of(index, 0)])
		return;
	leaf->pfn[slot_of(index, 0)] = 0;
	if (!--leaf->used)
		sparse_drop(&s->tree, a, index);
}

bool pfn_store_next(struct pfn_store *s, u64 index, u64 *found, u64 *pfn)
{
	u64 at;

	while (sparse_next(&s->tree, index, &at)) {
		struct pfn_leaf *leaf = sparse_leaf(&s->tree, NULL, at, false);

		for (u32 i = slot_of(at, 0); i < SPARSE_FAN; i++)
			if (leaf->pfn[i]) {
				*found = (at & ~(u64)(SPARSE_FAN - 1)) | i;
				*pfn = leaf->pfn[i];
				return true;
			}
		index = (at | (SPARSE_FAN - 1)) + 1;
		if (!index)
			return false;
	}
	return false;
}
