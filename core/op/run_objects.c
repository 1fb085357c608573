// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a program refers to: tables of objects, and how slots and addresses become ids and IOVAs.
 * The rules are those of README.md, "What references mean when a program runs".
 */
#include "core/op/run_priv.h"

/* Room for @nr elements. The old block is given back, so pointers into the row move. */
bool run_row_grow(struct run *r, struct run_row *row, u32 nr)
{
	u32 cap = max(row->cap, 8u);
	void *data;

	if (nr <= row->cap)
		return true;
	while (cap < nr)
		cap *= 2;
	data = arena_alloc(r->side, (size_t)cap * row->size);
	if (!data) {
		r->s->full = true;
		return false;
	}
	if (row->nr)
		memcpy(data, row->data, (size_t)row->nr * row->size);
	arena_free(r->side, row->data, (size_t)row->cap * row->size);
	row->data = data;
	row->cap = cap;
	return true;
}

static struct run_object *object_at(const struct run *r, enum obj_kind kind, u32 identity)
{
	return (struct run_object *)r->s->kinds[kind].all.data + identity;
}

static u32 *live_at(const struct run *r, enum obj_kind kind, u32 n)
{
	return (u32 *)r->s->kinds[kind].live.data + n;
}

struct run_object *run_new(struct run *r, enum obj_kind kind)
{
	struct run_row *all = &r->s->kinds[kind].all;

	if (!run_row_grow(r, all, all->nr + 1))
		return NULL;
	return object_at(r, kind, all->nr++);
}

u32 run_identity(const struct run *r, enum obj_kind kind, const struct run_object *o)
{
	return o - object_at(r, kind, 0);
}

struct run_object *run_made(struct run *r, enum obj_kind kind)
{
	return object_at(r, kind, r->s->kinds[kind].all.nr - 1);
}

void run_live(struct run *r, enum obj_kind kind, struct run_object *o)
{
	struct run_row *live = &r->s->kinds[kind].live;

	if (kind != OBJ_AREA) {
		if (!run_row_grow(r, live, live->nr + 1))
			return;
		*live_at(r, kind, live->nr++) = o - object_at(r, kind, 0);
	}
	o->live = true;
}

void run_dead(struct run *r, enum obj_kind kind, struct run_object *o)
{
	struct run_row *live = &r->s->kinds[kind].live;
	u32 identity = o - object_at(r, kind, 0), n;

	o->live = false;
	for (n = 0; n < live->nr && *live_at(r, kind, n) != identity; n++)
		;
	if (n == live->nr)
		return;
	live->nr--;
	memmove(live_at(r, kind, n), live_at(r, kind, n + 1), (live->nr - n) * sizeof(u32));
}

u32 run_nr_live(const struct run *r, enum obj_kind kind)
{
	return r->s->kinds[kind].live.nr;
}

struct run_object *run_nth_live(struct run *r, enum obj_kind kind, u32 n)
{
	u32 nr = run_nr_live(r, kind);

	return nr ? object_at(r, kind, *live_at(r, kind, n % nr)) : NULL;
}

struct run_object *run_ref(struct run *r, const struct op *op, unsigned int slot,
			   enum obj_kind kind)
{
	u32 n = op_slot(op, slot);
	struct run_object *o;

	if (!op_by_id(op, slot))
		return run_nth_live(r, kind, n);
	if (n >= r->s->kinds[kind].all.nr)
		return NULL;
	o = object_at(r, kind, n);
	return o->live ? o : NULL;
}

struct run_object *run_by_id(struct run *r, enum obj_kind kind, u32 id)
{
	for (u32 n = 0; n < run_nr_live(r, kind); n++) {
		struct run_object *o = run_nth_live(r, kind, n);

		if (o->id == id)
			return o;
	}
	return NULL;
}

/* The length of the area of @table that begins at @iova; 0: none. Areas are ordered, so halving
 * finds it. */
static u64 length_at(struct run *r, u32 table, u64 iova)
{
	const struct backend_ops *ops = r->cfg.backend;
	struct backend *b = r->s->backend;
	u32 lo = 0, hi = ops->nr_areas(b, table);
	u64 start, length;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (!ops->nth_area(b, table, mid, &start, &length))
			return 0;
		if (start == iova)
			return length;
		if (start < iova)
			lo = mid + 1;
		else
			hi = mid;
	}
	return 0;
}

struct run_object *run_area(struct run *r, u32 identity)
{
	struct run_object *o;

	if (identity >= r->s->kinds[OBJ_AREA].all.nr)
		return NULL;
	o = object_at(r, OBJ_AREA, identity);
	return o->live ? o : NULL;
}

bool run_area_ref(struct run *r, const struct op *op, u32 table, u64 *iova, u64 *length)
{
	const struct backend_ops *ops = r->cfg.backend;
	struct run_object *o;
	u32 nr;
	u64 now;

	if (!op_by_id(op, 2)) {
		nr = ops->nr_areas(r->s->backend, table);
		return nr && ops->nth_area(r->s->backend, table, op_slot(op, 2) % nr, iova, length);
	}
	o = run_area(r, op_slot(op, 2));
	if (!o)
		return false;
	*iova = o->iova;
	now = length_at(r, table, o->iova);
	*length = now ? now : o->length;
	return true;
}

bool run_span(struct run *r, const struct op *op, u32 table, u64 *iova, u64 *length)
{
	u64 whole = 0, start = 0;

	switch (op_addr_mode(op)) {
	case OP_ADDR_AREA:
		if (!run_area_ref(r, op, table, &start, &whole))
			return false;
		*iova = start + op->addr;
		break;
	case OP_ADDR_END:
		*iova = ~op->addr;
		break;
	default:
		*iova = op->addr;
		break;
	}
	*length = op->flags & OPF_WHOLE ? whole : op_length(op);
	return true;
}
