// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine's state as one number. Only what can be seen counts: no addresses, no order of lists,
 * nothing of how a range came about (map calls, leaf sizes), no counters. Parts that have no order
 * of their own are added up, the rest is chained.
 */
#include "core/machine/machine_priv.h"

static u64 hash_bytes(u64 h, const void *data, size_t n)
{
	u64 word;

	for (size_t i = 0; i < n; i += sizeof(word)) {
		memcpy(&word, (const u8 *)data + i, sizeof(word));
		h = hash_add(h, word);
	}
	return h;
}

static bool all_zero(const u8 *data)
{
	for (unsigned int i = 0; i < LINE_SIZE; i++)
		if (data[i])
			return false;
	return true;
}

static bool hash_leaf(void *ctx, u64 iova, u64 pa, u64 len, u32 prot)
{
	u64 *h = ctx;

	*h = hash_add(hash_add(hash_add(hash_add(*h, iova), pa), len), prot);
	return true;
}

static u64 hash_domain(u64 h, struct domain *d)
{
	u64 stale = 0;

	h = hash_add(h, d->id);
	h = hash_add(h, d->cfg.enforce_cache_coherency);
	h = hash_add(h, d->cfg.pgsize_bitmap);
	h = hash_add(hash_add(h, d->cfg.aperture_start), d->cfg.aperture_last);
	domain_for_each(d, hash_leaf, &h);
	for (const struct stale *s = d->stale; s; s = s->next) {
		u64 one = 0;

		hash_leaf(&one, s->iova, s->pa, s->len, s->prot);
		stale += one;
	}
	return hash_add(h, stale);
}

/* A line that was written with what an unwritten one reads as is no different from that. */
static u64 hash_line(const struct frame *f, const struct line *l)
{
	bool cached = f->cached >> l->idx & 1, secret = f->secret >> l->idx & 1;
	bool dull_mem = secret ? l->old == ~0ULL : !l->old && all_zero(l->mem);
	u64 h = hash_add(l->idx, l->old);

	if ((!cached || all_zero(l->cache)) && dull_mem)
		return 0;
	if (cached)
		h = hash_bytes(h, l->cache, LINE_SIZE);
	return hash_bytes(h, l->mem, LINE_SIZE);
}

static u64 hash_frame(const struct frame *f)
{
	u64 h = 0, lines = 0;

	for (const struct line *l = f->lines; l; l = l->next)
		lines += hash_line(f, l);
	if (!(f->cached | f->dirty | f->secret | f->devw | lines))
		return 0;
	h = hash_add(hash_add(h, f->cached), f->dirty);
	h = hash_add(hash_add(h, f->secret), f->devw);
	return hash_add(h, lines);
}

static u64 hash_extent(u64 h, const struct extent *x, bool contents)
{
	if (!x->pinned && (!contents || (!x->dirty && !x->frames)))
		return h;
	for (u64 i = 0; i < x->n; i++) {
		bool known = contents && x->frames && x->frames[i];
		u64 frame = known ? hash_frame(x->frames[i]) : 0;
		u32 pins = contents ? x->pins[i] : x->pins[i] & PINS_MASK;

		if (pins || frame)
			h = hash_add(hash_add(hash_add(h, x->first + i), pins), frame);
	}
	return h;
}

static u64 hash_buffer(u64 h, const struct buffer *b)
{
	h = hash_add(hash_add(hash_add(h, b->va), b->npages), b->base);
	for (u64 i = 0; b->pages && i < b->npages; i++)
		if (b->pages[i] && b->pages[i] != (b->base + i) << UPAGE_BITS)
			h = hash_add(hash_add(h, i), b->pages[i]);
	return h;
}

static u64 hash_task(u64 h, const struct task_mm *t)
{
	const struct task *p = &t->pub;

	h = hash_add(h, p->alive | p->cap_ipc_lock << 1 | p->cap_sys_resource << 2);
	h = hash_add(hash_add(h, p->rlimit_memlock), p->user_locked_vm);
	h = hash_add(hash_add(h, p->mm_locked_vm), p->mm_pinned_vm);
	for (u32 i = 0; i < t->nr; i++)
		h = hash_buffer(h, t->bufs[i]);
	return h;
}

static u64 hash_tasks(const struct machine *m)
{
	u64 h = hash_add(0, m->gup_limit);

	for (u32 i = 0; i < m->cfg.nr_tasks; i++)
		h = hash_task(h, &m->tasks[i]);
	return h;
}

static u64 hash_frames(const struct machine *m, u64 h, bool contents)
{
	for (u32 i = 0; i < m->nr_extents; i++)
		h = hash_extent(h, m->extents[i], contents);
	return h;
}

static u64 hash_domains(const struct machine *m, u64 h)
{
	for (u32 i = 0; i < m->nr_domains; i++)
		if (m->domains[i])
			h = hash_domain(h, m->domains[i]);
	return h;
}

u64 machine_digest_part(struct machine *m, enum machine_part part)
{
	switch (part) {
	case MACHINE_TASKS:
		return hash_tasks(m);
	case MACHINE_PINS:
		return hash_frames(m, 0, false);
	case MACHINE_DOMAINS:
		return hash_domains(m, 0);
	case MACHINE_CONTENTS:
		return hash_frames(m, 0, true);
	}
	return 0;
}

u64 machine_digest(struct machine *m)
{
	return hash_domains(m, hash_frames(m, hash_tasks(m), true));
}
