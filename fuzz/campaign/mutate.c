// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz/campaign/mutate.h"

#include "core/compat/fault.h"

/* The group that begins at or before record @at. */
static size_t group_begin(const struct program *p, size_t at)
{
	while (at && op_is_continuation(&p->ops[at]))
		at--;
	return at;
}

static size_t group_end(const struct program *p, size_t begin)
{
	struct op_group g;

	program_group(p, begin, &g);
	return g.next;
}

static size_t any_group(const struct program *p, struct mutate_rng *g)
{
	return group_begin(p, mutate_below(g, p->nr));
}

/* Up to @groups groups from @begin on: where they end. */
static size_t groups_end(const struct program *p, size_t begin, u32 groups)
{
	while (groups-- && begin < p->nr)
		begin = group_end(p, begin);
	return begin;
}

/* Opens a gap of @nr records at @at. */
static int open_gap(struct program *p, size_t at, size_t nr)
{
	int rc = program_reserve(p, p->nr + nr);

	if (rc)
		return rc;
	memmove(p->ops + at + nr, p->ops + at, (p->nr - at) * OP_SIZE);
	p->nr += nr;
	return 0;
}

/* Records [first..end-1] of @from, put in front of record @at of @p. */
static int insert(struct program *p, size_t at, const struct program *from, size_t first,
		  size_t end)
{
	size_t nr = end - first;
	int rc;

	if (from == p) {
		/* Doubled in place: the gap moves what is copied when it opens before it. */
		rc = open_gap(p, at, nr);
		first += at <= first ? nr : 0;
	} else {
		rc = open_gap(p, at, nr);
	}
	if (!rc)
		memcpy(p->ops + at, from->ops + first, nr * OP_SIZE);
	return rc;
}

/* --- whole ops ------------------------------------------------------------------ */

typedef int (*mutation)(struct program *p, const struct program *other, struct mutate_rng *g);

static int drop_ops(struct program *p, const struct program *other, struct mutate_rng *g)
{
	size_t at = any_group(p, g);

	program_remove(p, at, groups_end(p, at, 1 + mutate_below(g, 3)) - at);
	return 0;
}

static int double_ops(struct program *p, const struct program *other, struct mutate_rng *g)
{
	size_t first = any_group(p, g), end = groups_end(p, first, 1 + mutate_below(g, 4));

	return insert(p, end, p, first, end);
}

static int move_ops(struct program *p, const struct program *other, struct mutate_rng *g)
{
	size_t first = any_group(p, g), nr = groups_end(p, first, 1 + mutate_below(g, 2)) - first;
	struct op kept[8];

	if (nr > ARRAY_SIZE(kept))
		return 0;
	memcpy(kept, p->ops + first, nr * OP_SIZE);
	program_remove(p, first, nr);
	first = p->nr ? any_group(p, g) : 0;
	if (open_gap(p, first, nr))
		return -ENOMEM;
	memcpy(p->ops + first, kept, nr * OP_SIZE);
	return 0;
}

static int splice_ops(struct program *p, const struct program *other, struct mutate_rng *g)
{
	size_t at, first;

	if (!other->nr)
		return 0;
	at = mutate_below(g, 2) ? p->nr : any_group(p, g);
	first = any_group(other, g);
	return insert(p, at, other, first, groups_end(other, first, 1 + mutate_below(g, 16)));
}

/* The beginning of the one, the end of the other. */
static int cross_ops(struct program *p, const struct program *other, struct mutate_rng *g)
{
	size_t at, first;

	if (!other->nr)
		return 0;
	at = any_group(p, g);
	first = any_group(other, g);
	program_remove(p, at, p->nr - at);
	return insert(p, at, other, first, other->nr);
}

/* --- fields --------------------------------------------------------------------- */

static void change_flag(struct op *op, const struct op_info *info, struct mutate_rng *g)
{
	u32 n = __builtin_popcount(info->flags), skip = mutate_below(g, n);
	u32 flags = info->flags;

	if (!n)
		return;
	while (skip--)
		flags &= flags - 1;
	op->flags ^= flags & -flags;
}

static void change_slot(struct op *op, const struct op_info *info, struct mutate_rng *g)
{
	u32 i = mutate_below(g, 3);

	if (info->slot[i] == OBJ_NONE)
		return;
	if (info->slot[i] != OBJ_NUM && !mutate_below(g, 4))
		op->flags ^= OPF_ID0 << i;
	else
		op_set_slot(op, i, mutate_below(g, 4));
}

static void change_address(struct op *op, const struct op_info *info, struct mutate_rng *g)
{
	static const s64 steps[] = {PAGE_SIZE, -(s64)PAGE_SIZE, 0x8000, -0x8000, 1, -1, 0x800};

	if (info->modes && !mutate_below(g, 3))
		op_set_addr(op, mutate_below(g, OP_ADDR_NR), op->addr);
	else if (info->modes)
		op->addr += steps[mutate_below(g, ARRAY_SIZE(steps))];
	else if (info->fields & OPX_VALUE)
		op->addr = mutate_below(g, 8);
}

static void change_length(struct op *op, const struct op_info *info, struct mutate_rng *g)
{
	if (!(info->fields & OPX_LEN))
		return;
	op->flags &= ~OPF_WHOLE;
	if (op->flags & OPF_PAGES || info->fields & OPX_NPAGES)
		op_set_len(op, 1 + mutate_below(g, 6));
	else
		op_set_len(op, op_length(op) + (mutate_below(g, 2) ? PAGE_SIZE : -PAGE_SIZE));
}

static void change_failure(struct op *op, const struct op_info *info, struct mutate_rng *g)
{
	/* One draw a statement: compilers differ in which of two arguments they evaluate first. */
	u32 nth = mutate_below(g, 3) ? 1 + mutate_below(g, 12) : 0;

	if (info->fields & OPX_REQ)
		op_set_fail(op, mutate_below(g, 2) ? mutate_below(g, FAULT_NR) : FAULT_ANY, nth);
}

static void change_argument(struct op *op, const struct op_info *info, struct mutate_rng *g)
{
	if (op->code == OP_ATTACH)
		op->flags ^= OPF_NC; /* what matters most about one */
	else if (info->fields & OPX_ARG)
		op->arg = mutate_below(g, 8);
}

static int change_field(struct program *p, const struct program *other, struct mutate_rng *g)
{
	static void (*const changes[])(struct op *, const struct op_info *, struct mutate_rng *) = {
		change_flag,   change_slot,    change_address,
		change_length, change_failure, change_argument,
	};
	struct op *op = &p->ops[any_group(p, g)];

	if (op->code == OP_NAME || op->code == OP_EXPECT)
		return 0;
	changes[mutate_below(g, ARRAY_SIZE(changes))](op, op_info(op->code), g);
	op_normalise(op);
	return 0;
}

/* --- all ------------------------------------------------------------------------ */

int mutate_program(struct program *p, const struct program *other, struct mutate_rng *g, size_t max)
{
	static const mutation mutations[] = {
		drop_ops,  double_ops,	 move_ops,     splice_ops,   splice_ops,
		cross_ops, change_field, change_field, change_field, change_field,
	};
	int rc = 0;

	for (u32 n = 1 + mutate_below(g, 5); !rc && n; n--) {
		if (p->nr)
			rc = mutations[mutate_below(g, ARRAY_SIZE(mutations))](p, other, g);
		else
			rc = program_copy(p, other);
		if (p->nr > max)
			p->nr = group_begin(p, max);
	}
	return rc;
}
