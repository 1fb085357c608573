// SPDX-License-Identifier: GPL-2.0-only
/* The shadow's storage: index, pools, and the links between frames, mappings, domains and pending
 * cleans. */
#include "core/shadow/state.h"

void frames_init(struct shadow *s)
{
	pool_init(&s->frame_pool, sizeof(struct frame));
	pool_init(&s->mapping_pool, sizeof(struct mapping));
	pool_init(&s->pending_pool, sizeof(struct pending));
	pool_init(&s->turn_pool, sizeof(struct turn));
	pool_init(&s->tlb_pool, sizeof(struct tlb));
	s->turns_end = &s->turns;
	s->youngest_end = &s->oldest;
}

struct frame *shadow_frame_find(const struct shadow *s, u64 pfn)
{
	struct node *n = index_find(&s->frames, pfn);

	return n ? container_of(n, struct frame, node) : NULL;
}

struct frame *shadow_frame_get(struct shadow *s, u64 pfn)
{
	struct frame *f = shadow_frame_find(s, pfn);

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

void shadow_frame_free(struct shadow *s, struct frame *f)
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
