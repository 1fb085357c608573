// SPDX-License-Identifier: GPL-2.0-only
#include "core/shadow/storage.h"

#define INDEX_FIRST 16
#define CHUNK_FIRST 8
#define CHUNK_BYTES (256UL << 10) /* no chunk is much larger */

static struct node **bucket_of(const struct index *ix, u64 key)
{
	return &ix->bucket[(((key >> 4) * 0x9e3779b97f4a7c15ULL >> 32) + (key & 15)) & ix->mask];
}

bool index_init(struct index *ix, struct arena *arena)
{
	ix->bucket = arena_alloc(arena, INDEX_FIRST * sizeof(*ix->bucket));
	ix->mask = INDEX_FIRST - 1;
	ix->nr = 0;
	return ix->bucket;
}

struct node *index_find(const struct index *ix, u64 key)
{
	struct node *n = *bucket_of(ix, key);

	while (n && n->key != key)
		n = n->next;
	return n;
}

struct node *index_next(const struct node *n)
{
	u64 key = n->key;
	struct node *next = n->next;

	while (next && next->key != key)
		next = next->next;
	return next;
}

/* A full arena only makes the chains longer. */
static void index_grow(struct index *ix, struct arena *arena)
{
	struct index old = *ix;
	struct node *n, *next, **b;

	ix->bucket = arena_alloc(arena, 2 * (old.mask + 1) * sizeof(*ix->bucket));
	if (!ix->bucket) {
		ix->bucket = old.bucket;
		return;
	}
	ix->mask = 2 * old.mask + 1;
	for (u64 i = 0; i <= old.mask; i++) {
		for (n = old.bucket[i]; n; n = next) {
			next = n->next;
			b = bucket_of(ix, n->key);
			n->next = *b;
			*b = n;
		}
	}
	arena_free(arena, old.bucket, (old.mask + 1) * sizeof(*old.bucket));
}

void index_add(struct index *ix, struct arena *arena, struct node *n)
{
	struct node **b;

	if (ix->nr++ > ix->mask)
		index_grow(ix, arena);
	b = bucket_of(ix, n->key);
	n->next = *b;
	*b = n;
}

void index_del(struct index *ix, struct node *n)
{
	struct node **b = bucket_of(ix, n->key);

	while (*b != n)
		b = &(*b)->next;
	*b = n->next;
	ix->nr--;
}

void *pool_get(struct pool *p, struct arena *arena)
{
	void *obj = p->free;

	if (obj) {
		p->free = *(void **)obj;
		memset(obj, 0, p->size);
		return obj;
	}
	if (!p->left) {
		p->fresh = arena_alloc(arena, (size_t)p->chunk * p->size);
		if (!p->fresh)
			return NULL;
		p->left = p->chunk;
		if ((size_t)p->chunk * p->size < CHUNK_BYTES)
			p->chunk *= 2;
	}
	obj = p->fresh;
	p->fresh += p->size;
	p->left--;
	return obj;
}

void pool_put(struct pool *p, void *obj)
{
	*(void **)obj = p->free;
	p->free = obj;
}

void pool_init(struct pool *p, u32 size)
{
	p->size = size;
	p->chunk = CHUNK_FIRST;
}
