// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking ops out of a program. An identity is the number of the op that creates, among those of its
 * kind: when one goes, all later ones count anew, and what refers to it goes too.
 */
#include "fuzz/shrink/units.h"

#include <stdlib.h>

/* An identity that no op creates stays one; so does a reference that is no identity. */
#define NO_UNIT UINT32_MAX

static bool grow_row(void *row, u32 nr, size_t size)
{
	void **data = row, *more = realloc(*data, nr * size);

	if (more)
		*data = more;
	return more;
}

static int reserve(struct units *u, u32 nr)
{
	bool ok;

	if (nr + 1 <= u->cap)
		return 0;
	ok = grow_row(&u->first, nr + 1, sizeof(u32)) && grow_row(&u->order, nr + 1, sizeof(u32)) &&
	     grow_row(&u->renamed, nr + 1, sizeof(u32)) && grow_row(&u->gone, nr + 1, sizeof(bool));
	for (u32 k = OBJ_NONE + 1; ok && k < OBJ_NR; k++)
		ok = grow_row(&u->creator[k], nr + 1, sizeof(u32));
	if (!ok)
		return -ENOMEM;
	u->cap = nr + 1;
	return 0;
}

static void forget_plan(struct units *u)
{
	for (u32 unit = 0; unit < u->nr; unit++) {
		u->gone[unit] = false;
		u->order[unit] = unit;
	}
}

int units_read(struct units *u, const struct program *p)
{
	struct op_group g;
	int rc = reserve(u, p->nr);

	if (rc)
		return rc;
	u->nr = 0;
	memset(u->created, 0, sizeof(u->created));
	for (size_t at = 0; at < p->nr; at = g.next) {
		enum obj_kind kind = op_info(p->ops[at].code)->creates;

		program_group(p, at, &g);
		u->first[u->nr] = at;
		if (kind != OBJ_NONE)
			u->creator[kind][u->created[kind]++] = u->nr;
		u->nr++;
	}
	u->first[u->nr] = p->nr;
	forget_plan(u);
	return 0;
}

void units_free(struct units *u)
{
	free(u->first);
	free(u->gone);
	free(u->order);
	free(u->renamed);
	for (u32 k = 0; k < OBJ_NR; k++)
		free(u->creator[k]);
	*u = (struct units){0};
}

struct op *unit_op(const struct units *u, const struct program *p, u32 unit)
{
	return &p->ops[u->first[unit]];
}

void units_move(struct units *u, u32 from, u32 to)
{
	u32 unit = u->order[from];

	for (; from < to; from++)
		u->order[from] = u->order[from + 1];
	for (; from > to; from--)
		u->order[from] = u->order[from - 1];
	u->order[to] = unit;
}

static enum obj_kind creates(const struct units *u, const struct program *p, u32 unit)
{
	return op_info(unit_op(u, p, unit)->code)->creates;
}

bool units_alike(const struct units *u, const struct program *p, u32 a, u32 b)
{
	return a != b && creates(u, p, a) != OBJ_NONE && creates(u, p, a) == creates(u, p, b);
}

/* --- references -------------------------------------------------------------- */

/* The unit that slot @i refers to, with those to @from sent to @to. */
static u32 referred(const struct units *u, const struct op *op, unsigned int i, u32 from, u32 to)
{
	enum obj_kind kind = op_ref_kind(op, i);
	u32 id = op_slot(op, i), unit;

	if (kind == OBJ_NONE || !op_by_id(op, i) || id >= u->created[kind])
		return NO_UNIT;
	unit = u->creator[kind][id];
	return unit == from ? to : unit;
}

static bool refers_to_gone(const struct units *u, const struct program *p, u32 unit, u32 from,
			   u32 to)
{
	for (u32 at = u->first[unit]; at < u->first[unit + 1]; at++) {
		for (unsigned int i = 0; i < 3; i++) {
			u32 of = referred(u, &p->ops[at], i, from, to);

			if (of != NO_UNIT && u->gone[of])
				return true;
		}
	}
	return false;
}

/* Until nothing changes: a reference may also name what a later op creates. */
static void take_dependents(struct units *u, const struct program *p, u32 from, u32 to)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (u32 unit = 0; unit < u->nr; unit++) {
			if (u->gone[unit] || !refers_to_gone(u, p, unit, from, to))
				continue;
			u->gone[unit] = true;
			changed = true;
		}
	}
}

static void count_anew(struct units *u, const struct program *p, u32 created[OBJ_NR])
{
	for (u32 k = 0; k < u->nr; k++) {
		u32 unit = u->order[k];
		enum obj_kind kind = op_info(unit_op(u, p, unit)->code)->creates;

		if (!u->gone[unit])
			u->renamed[unit] = created[kind]++;
	}
}

static struct op renamed(const struct units *u, const struct op *from, const u32 created[OBJ_NR],
			 u32 redirected, u32 to)
{
	struct op op = *from;

	for (unsigned int i = 0; i < 3; i++) {
		enum obj_kind kind = op_ref_kind(from, i);
		u32 unit = referred(u, from, i, redirected, to);

		if (unit != NO_UNIT)
			op_set_slot(&op, i, u->renamed[unit]);
		else if (kind != OBJ_NONE && op_by_id(from, i))
			op_set_slot(&op, i, op_slot(from, i) - u->created[kind] + created[kind]);
	}
	return op;
}

int units_encode(struct units *u, const struct program *p, u32 from, u32 to, struct program *out)
{
	u32 created[OBJ_NR] = {0};
	int rc = 0;

	take_dependents(u, p, from, to);
	count_anew(u, p, created);
	program_clear(out);
	for (u32 k = 0; !rc && k < u->nr; k++) {
		u32 unit = u->order[k], at = u->first[unit];

		for (; !rc && !u->gone[unit] && at < u->first[unit + 1]; at++) {
			struct op op = renamed(u, &p->ops[at], created, from, to);

			rc = program_add(out, &op);
		}
	}
	forget_plan(u);
	return rc;
}
