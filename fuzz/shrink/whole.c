// SPDX-License-Identifier: GPL-2.0-only
/* Edits that look at more than one record: places, distances, order, records that go. */
#include "fuzz/shrink/shrink_priv.h"

/* Runs the best program, bound: what its ops came to can be asked of the binder afterwards. */
static void run_bound(struct shrink *s, struct program *bound)
{
	if (!s->rc)
		s->rc = run_reset(s->binder, &s->binding);
	if (!s->rc)
		s->rc = program_bind(s->binder, &s->best, bound);
}

/* What an address means in the run, said by the area that it lies in. */
static void edit_places(struct shrink *s)
{
	struct program bound = PROGRAM_EMPTY;

	run_bound(s, &bound);
	/* A copy from an address loses a record by it: all at once then. */
	if (!s->rc && bound.nr < s->best.nr) {
		s->rc = program_copy(&s->candidate, &bound);
		shrink_try(s);
	}
	for (u32 at = 0; !s->rc && bound.nr == s->best.nr && at < bound.nr; at++)
		shrink_edit(s, at, bound.ops[at]);
	program_free(&bound);
}

/* Where the area that unit @unit made begins; false: it made none. */
static bool place_of(const struct shrink *s, u32 unit, u64 *iova)
{
	const struct run_result *res;

	if (op_info(unit_op(&s->units, &s->best, unit)->code)->creates != OBJ_AREA ||
	    unit >= run_ops(s->binder))
		return false;
	res = run_result(s->binder, unit + 1);
	*iova = res->out;
	return !res->rc && !res->noop;
}

/* Where the unit does something, as far as an area says it. */
static bool place_named(const struct shrink *s, u32 unit, u64 *iova)
{
	const struct op *op = unit_op(&s->units, &s->best, unit);

	if (op->code == OP_MAP)
		return place_of(s, unit, iova);
	if (!op_info(op->code)->modes || op_addr_mode(op) != OP_ADDR_AREA || !op_by_id(op, 2) ||
	    op_slot(op, 2) >= s->units.created[OBJ_AREA] ||
	    !place_of(s, s->units.creator[OBJ_AREA][op_slot(op, 2)], iova))
		return false;
	*iova += op->addr;
	return true;
}

/*
 * Beside an earlier area instead of at an address: the nearest one that does. And from an area that
 * is nearer than the one named: then that one may not be needed any more.
 */
static void edit_neighbour(struct shrink *s, u32 unit)
{
	u32 area = s->units.created[OBJ_AREA];
	u64 here, there;

	if (!place_named(s, unit, &here))
		return;
	while (area--) {
		struct op op = *unit_op(&s->units, &s->best, unit);
		u32 other = s->units.creator[OBJ_AREA][area];

		if (other >= unit || !place_of(s, other, &there))
			continue;
		op_set_addr(&op, OP_ADDR_AREA, here - there);
		op_set_ref(&op, 2, area, true);
		if (shrink_edit(s, s->units.first[unit], op))
			return;
	}
}

static void edit_neighbours(struct shrink *s)
{
	struct program bound = PROGRAM_EMPTY;

	run_bound(s, &bound);
	for (u32 unit = 0; !s->rc && unit < s->units.nr; unit++)
		edit_neighbour(s, unit);
	program_free(&bound);
}

static bool has_address(const struct op *op)
{
	return op->code != OP_BUFFER && op_info(op->code)->modes && op_addr_mode(op) == OP_ADDR_ABS;
}

static bool try_shift(struct shrink *s, u64 step)
{
	if (!shrink_copy(s))
		return false;
	for (u32 at = 0; at < s->candidate.nr; at++)
		if (has_address(&s->candidate.ops[at]))
			s->candidate.ops[at].addr -= step;
	return shrink_try(s);
}

/* All addresses down together: what matters may be how far apart they are. */
static void shift_addresses(struct shrink *s)
{
	u64 lowest = UINT64_MAX;
	u32 nr = 0;

	for (u32 at = 0; at < s->best.nr; at++) {
		if (!has_address(&s->best.ops[at]))
			continue;
		lowest = min(lowest, s->best.ops[at].addr);
		nr++;
	}
	for (u64 step = 1ULL << 63; nr > 1 && step; step /= 2)
		while (lowest >= step && try_shift(s, step))
			lowest -= step;
}

static void drop_more(struct shrink *s)
{
	for (u32 at = s->best.nr; at-- > 0 && !s->rc;) {
		if (at >= s->best.nr || s->best.ops[at].code != OP_MORE || !shrink_copy(s))
			continue;
		program_remove(&s->candidate, at, 1);
		shrink_try(s);
	}
}

static u32 order(unsigned int code)
{
	return code == OP_BUFFER ? 0 : code == OP_TABLE ? 1 : 2;
}

/* Unit @unit before the one in front of it: of another kind, so that no identity changes. */
static bool try_swap(struct shrink *s, u32 unit)
{
	u32 a = s->units.first[unit - 1], b = s->units.first[unit], end = s->units.first[unit + 1];

	if (!shrink_copy(s))
		return false;
	memcpy(s->candidate.ops + a, s->best.ops + b, (end - b) * OP_SIZE);
	memcpy(s->candidate.ops + a + (end - b), s->best.ops + a, (b - a) * OP_SIZE);
	return shrink_try(s);
}

/* Buffers and tables stand first, where a reader looks for them, and findings look alike. */
static void edit_order(struct shrink *s)
{
	for (u32 i = 1; i < s->units.nr; i++) {
		for (u32 unit = i; unit > 0; unit--) {
			u32 code = unit_op(&s->units, &s->best, unit)->code;
			u32 before = unit_op(&s->units, &s->best, unit - 1)->code;

			if (order(code) >= order(before) || !try_swap(s, unit))
				break;
		}
	}
}

void shrink_whole(struct shrink *s)
{
	drop_more(s);
	edit_places(s);
	edit_neighbours(s);
	shift_addresses(s);
	edit_order(s);
}
