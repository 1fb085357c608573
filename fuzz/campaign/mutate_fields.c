// SPDX-License-Identifier: GPL-2.0-only
/* Fields of one op. Whatever they come to is normalised. */
#include "fuzz/campaign/mutate_priv.h"

#include "core/compat/fault.h"

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

static void change_argument(struct op *op, const struct op_info *info, struct mutate_rng *g)
{
	if (op->code == OP_ATTACH)
		op->flags ^= OPF_NC; /* what matters most about one */
	else if (info->fields & OPX_ARG)
		op->arg = mutate_below(g, 8);
}

int change_field(struct change *c)
{
	static void (*const changes[])(struct op *, const struct op_info *, struct mutate_rng *) = {
		change_flag, change_slot, change_address, change_length, change_argument,
	};
	struct op *op = &c->p->ops[group_any(c->p, c->g)];

	if (op->code == OP_NAME || op->code == OP_EXPECT || change_off(c, op))
		return 0;
	changes[mutate_below(c->g, ARRAY_SIZE(changes))](op, op_info(op->code), c->g);
	op_normalise(op);
	return 0;
}

/* --- failures ------------------------------------------------------------------- */

/* The first request from a random place on, around. NULL: none. */
static struct op *any_request(struct change *c)
{
	size_t at = mutate_below(c->g, c->p->nr);

	for (size_t n = c->p->nr; n; n--, at = at + 1 < c->p->nr ? at + 1 : 0) {
		struct op *op = &c->p->ops[at];

		if (op_info(op->code)->fields & OPX_REQ && !change_off(c, op))
			return op;
	}
	return NULL;
}

static void another_failure(struct op *op, struct mutate_rng *g)
{
	/* One draw a statement: compilers differ in which of two arguments they evaluate first. */
	u32 nth = 1 + mutate_below(g, 12);

	op_set_fail(op, mutate_below(g, 2) ? mutate_below(g, FAULT_NR) : FAULT_ANY, nth);
}

int change_fail(struct change *c)
{
	struct op *op = any_request(c);
	u32 nth = op ? op_fail_nth(op) : 0;

	if (!op)
		return 0;
	switch (nth ? mutate_below(c->g, 4) : 3) {
	case 0:
		op_set_fail(op, 0, 0);
		break;
	case 1: /* the place before: none before the first */
		op_set_fail(op, op_fail_point(op), nth - 1);
		break;
	case 2:
		op_set_fail(op, op_fail_point(op), min(nth + 1, 0xfffu));
		break;
	default:
		another_failure(op, c->g);
	}
	op_normalise(op);
	return 0;
}
