/* SPDX-License-Identifier: GPL-2.0-only */
/* A hash table and object pools in an arena. They grow, and never give back. */
#ifndef NOSNOOP_SHADOW_STORAGE_H
#define NOSNOOP_SHADOW_STORAGE_H

#include "core/compat/arena.h"

struct node {
	u64 key;
	struct node *next;
};

/* A hash table that grows; neighbouring keys (page frames) land in neighbouring buckets. */
struct index {
	struct node **bucket;
	u64 mask;
	u64 nr;
};

bool index_init(struct index *ix, struct arena *arena);
struct node *index_find(const struct index *ix, u64 key);
struct node *index_next(const struct node *n); /* the next one of the same key */
void index_add(struct index *ix, struct arena *arena, struct node *n);
void index_del(struct index *ix, struct node *n);

/* Objects of one size, carved from chunks of the arena, that are reused and never given back. */
struct pool {
	void *free;
	char *fresh;
	u32 left;
	u32 chunk; /* objects in the next chunk */
	u32 size;
};

void pool_init(struct pool *p, u32 size);
void *pool_get(struct pool *p, struct arena *arena); /* zeroed; NULL: arena full */
void pool_put(struct pool *p, void *obj);

#endif
