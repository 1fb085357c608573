// SPDX-License-Identifier: GPL-2.0-only
/* One number for the model's whole state: equal states, equal numbers, whatever the memory that
 * holds them. */
#include "core/shadow/model_priv.h"

static u64 add_ranges(u64 h, const struct vec *v)
{
	h = hash_add(h, v->nr);
	for (u32 i = 0; i < v->nr; i++) {
		const struct mrange *r = vec_at(v, struct mrange, i);

		h = hash_add(hash_add(hash_add(h, r->start), r->last), r->owner);
	}
	return h;
}

static u64 add_area(u64 h, const struct marea *a)
{
	h = hash_add(hash_add(h, a->iova), a->last);
	h = hash_add(hash_add(h, a->pages->id), a->start_byte);
	h = hash_add(hash_add(h, a->prot), a->prevent);
	return hash_add(h, a->num_accesses);
}

static u64 add_table(u64 h, const struct mtable *t)
{
	h = hash_add(hash_add(hash_add(h, t->id), t->alignment), t->no_large);
	h = hash_add(hash_add(h, t->nr_accesses), t->domains.nr);
	for (u32 i = 0; i < t->domains.nr; i++)
		h = hash_add(h, *vec_at(&t->domains, u32, i));
	h = add_ranges(add_ranges(h, &t->reserved), &t->allowed);
	h = hash_add(h, t->areas.nr);
	for (u32 i = 0; i < t->areas.nr; i++)
		h = add_area(h, rows_at(&t->areas, struct marea, i));
	return h;
}

static u64 add_nodes(u64 h, const struct vec *v)
{
	h = hash_add(h, v->nr);
	for (u32 i = 0; i < v->nr; i++) {
		const struct mnode *n = vec_at(v, struct mnode, i);

		h = hash_add(hash_add(hash_add(h, n->first), n->last), n->users);
	}
	return h;
}

static u64 add_slots(u64 h, const struct chunks *c)
{
	for (u32 i = 0; i < c->rows.nr; i++) {
		const struct mchunk *chunk = *vec_at(&c->rows, struct mchunk *, i);

		for (u32 k = 0; k < MODEL_CHUNK; k++)
			if (chunk->slot[k].pfn)
				h = hash_add(hash_add(h, chunk->base * MODEL_CHUNK + k),
					     chunk->slot[k].pfn);
	}
	return h;
}

static u64 add_pages(u64 h, const struct mpages *p)
{
	h = hash_add(hash_add(hash_add(h, p->id), p->uptr), p->npages);
	h = hash_add(hash_add(hash_add(h, p->npinned), p->acc_pages), p->refs);
	h = hash_add(hash_add(hash_add(h, p->task), p->mode), p->writable);
	h = add_nodes(add_nodes(h, &p->dnodes), &p->anodes);
	return add_slots(h, &p->slots);
}

static u64 add_access(u64 h, const struct maccess *x)
{
	h = hash_add(hash_add(hash_add(h, x->id), x->table), x->pins_pages);
	h = hash_add(h, x->pins.nr);
	for (u32 i = 0; i < x->pins.nr; i++) {
		const struct mpin *p = vec_at(&x->pins, struct mpin, i);

		h = hash_add(hash_add(hash_add(h, p->iova), p->length), p->table);
	}
	return h;
}

u64 model_digest(const struct model *md)
{
	u64 h = hash_add(0, md->mode_mm);

	for (u32 i = 0; i < md->tables.nr; i++)
		h = add_table(h, *vec_at(&md->tables, struct mtable *, i));
	for (u32 i = 0; i < md->accesses.nr; i++)
		h = add_access(h, *vec_at(&md->accesses, struct maccess *, i));
	for (u32 i = 0; i < md->pages.nr; i++)
		h = add_pages(h, *rows_at(&md->pages, struct mpages *, i));
	for (u32 i = 0; i < MACHINE_TASKS_MAX; i++) {
		h = hash_add(hash_add(h, md->user_locked[i]), md->mm_locked[i]);
		h = hash_add(h, md->mm_pinned[i]);
	}
	return h;
}
