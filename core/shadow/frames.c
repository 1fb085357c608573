// SPDX-License-Identifier: GPL-2.0-only
/* The shadow's storage: index, pools, and the links between frames, mappings, domains and pending
 * cleans. */
#include "core/shadow/state.h"

#define INDEX_FIRST 16
#define CHUNK_FIRST 8
#define CHUNK_BYTES (256UL << 10) /* no chunk is much larger */

static struct node **bucket_of(const struct index *ix, u64 key)
{
	return &ix->bucket[(mix64(key >> 4) + (key & 15)) & ix->mask];
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

void storage_init(struct shadow *s)
{
	pool_init(&s->frame_pool, sizeof(struct frame));
	pool_init(&s->mapping_pool, sizeof(struct mapping));
	pool_init(&s->pending_pool, sizeof(struct pending));
	pool_init(&s->turn_pool, sizeof(struct turn));
	pool_init(&s->tlb_pool, sizeof(struct tlb));
	s->turns_end = &s->turns;
	s->youngest_end = &s->oldest;
}

struct frame *frame_find(const struct shadow *s, u64 pfn)
{
	struct node *n = index_find(&s->frames, pfn);

	return n ? container_of(n, struct frame, node) : NULL;
}

struct frame *frame_get(struct shadow *s, u64 pfn)
{
	struct frame *f = frame_find(s, pfn);

	if (f)
		return f;
	f = pool_get(&s->frame_pool, s->arena);
	if (!f) {
		out_of_memory(s);
		return NULL;
	}
	f->node.key = pfn;
	index_add(&s->frames, s->arena, &f->node);
	return f;
}

void frame_free(struct shadow *s, struct frame *f)
{
	if (f->serial == s->serial)
		f->turn->frame = NULL;
	if (f->pending)
		pending_free(s, f->pending);
	index_del(&s->frames, &f->node);
	pool_put(&s->frame_pool, f);
}

struct tlb *tlb_get(struct shadow *s, u32 domain)
{
	struct node *n = index_find(&s->tlbs, domain);
	struct tlb *d;

	if (n)
		return container_of(n, struct tlb, node);
	d = pool_get(&s->tlb_pool, s->arena);
	if (!d) {
		out_of_memory(s);
		return NULL;
	}
	d->node.key = domain;
	d->rank = s->tlbs.nr;
	index_add(&s->tlbs, s->arena, &d->node);
	*s->youngest_end = d;
	s->youngest_end = &d->younger;
	return d;
}

void tlb_free(struct shadow *s, struct tlb *d)
{
	struct tlb **at = &s->oldest;

	while (*at != d)
		at = &(*at)->younger;
	*at = d->younger;
	if (!d->younger)
		s->youngest_end = at;
	for (struct tlb *t = d->younger; t; t = t->younger)
		t->rank--;
	index_del(&s->tlbs, &d->node);
	pool_put(&s->tlb_pool, d);
}

struct mapping *mapping_add(struct shadow *s, struct frame *f, struct tlb *d)
{
	struct mapping *r = pool_get(&s->mapping_pool, s->arena);

	if (!r) {
		out_of_memory(s);
		return NULL;
	}
	r->frame = f;
	r->tlb = d;
	r->next = f->maps;
	f->maps = r;
	d->live++;
	return r;
}

void mapping_unlink(struct shadow *s, struct mapping *r)
{
	struct mapping **at = &r->frame->maps;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	pool_put(&s->mapping_pool, r);
}

struct pending *pending_get(struct shadow *s, struct frame *f)
{
	struct pending *p = f->pending;

	if (p)
		return p;
	p = pool_get(&s->pending_pool, s->arena);
	if (!p) {
		out_of_memory(s);
		return NULL;
	}
	p->frame = f;
	f->pending = p;
	p->next = s->pending;
	p->link = &s->pending;
	if (p->next)
		p->next->link = &p->next;
	s->pending = p;
	return p;
}

void pending_free(struct shadow *s, struct pending *p)
{
	*p->link = p->next;
	if (p->next)
		p->next->link = p->link;
	p->frame->pending = NULL;
	pool_put(&s->pending_pool, p);
}
