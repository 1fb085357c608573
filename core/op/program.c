// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>

#include "core/op/program.h"

void program_init(struct program *p)
{
	*p = PROGRAM_EMPTY;
}

void program_free(struct program *p)
{
	free(p->ops);
	*p = PROGRAM_EMPTY;
}

void program_clear(struct program *p)
{
	p->nr = 0;
}

int program_reserve(struct program *p, size_t nr)
{
	struct op *ops;
	size_t cap;

	if (nr <= p->cap)
		return 0;
	cap = max(nr, p->cap * 2);
	ops = nr > SIZE_MAX / 2 / OP_SIZE ? NULL : realloc(p->ops, cap * OP_SIZE);
	if (!ops)
		return -ENOMEM;
	p->ops = ops;
	p->cap = cap;
	return 0;
}

int program_add(struct program *p, const struct op *op)
{
	struct op copy = *op; /* it may lie in p->ops */
	int rc = program_reserve(p, p->nr + 1);

	if (rc)
		return rc;
	op_normalise(&copy);
	p->ops[p->nr++] = copy;
	return 0;
}

int program_copy(struct program *to, const struct program *from)
{
	int rc = program_reserve(to, from->nr);

	if (rc)
		return rc;
	to->nr = from->nr;
	if (from->nr)
		memmove(to->ops, from->ops, from->nr * OP_SIZE);
	return 0;
}

void program_remove(struct program *p, size_t first, size_t nr)
{
	assert(first <= p->nr && nr <= p->nr - first);
	if (!nr)
		return;
	memmove(p->ops + first, p->ops + first + nr, (p->nr - first - nr) * OP_SIZE);
	p->nr -= nr;
}

bool program_equal(const struct program *a, const struct program *b)
{
	return a->nr == b->nr && (!a->nr || !memcmp(a->ops, b->ops, a->nr * OP_SIZE));
}

u32 program_nr_ops(const struct program *p)
{
	u32 n = 0;

	for (size_t i = 0; i < p->nr; i++)
		n += !op_is_continuation(&p->ops[i]);
	return n;
}

static bool takes_name(const struct op *op)
{
	return op->code == OP_EXPECT ? expect_has_rest(op) : op_info(op->code)->creates != OBJ_NONE;
}

void program_group(const struct program *p, size_t at, struct op_group *g)
{
	const struct op *op = &p->ops[at++];

	*g = (struct op_group){.op = op_is_continuation(op) ? NULL : op};
	if (takes_name(op) && at < p->nr && p->ops[at].code == OP_NAME)
		g->name = &p->ops[at++];
	if (g->op && at < p->nr) {
		g->more = &p->ops[at];
		while (at < p->nr && p->ops[at].code == OP_MORE)
			at++;
		g->nr_more = &p->ops[at] - g->more;
	}
	g->next = at;
}

/* --- binary ------------------------------------------------------------------ */

static u64 get_le(const u8 *from, unsigned int bytes)
{
	u64 v = 0;

	for (unsigned int i = 0; i < bytes; i++)
		v |= (u64)from[i] << (8 * i);
	return v;
}

static void put_le(u8 *to, u64 v, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++)
		to[i] = v >> (8 * i);
}

static struct op get_record(const u8 *from)
{
	return (struct op){
		.code = from[0],
		.thread = from[1],
		.flags = get_le(from + 2, 2),
		.arg = get_le(from + 4, 4),
		.slots = get_le(from + 8, 8),
		.addr = get_le(from + 16, 8),
		.len_fail = get_le(from + 24, 8),
	};
}

static void put_record(u8 *to, const struct op *op)
{
	to[0] = op->code;
	to[1] = op->thread;
	put_le(to + 2, op->flags, 2);
	put_le(to + 4, op->arg, 4);
	put_le(to + 8, op->slots, 8);
	put_le(to + 16, op->addr, 8);
	put_le(to + 24, op->len_fail, 8);
}

int program_decode(struct program *p, const void *data, size_t size)
{
	const u8 *from = data;
	u8 cut[OP_SIZE] = {0}; /* a last record that ends too early goes on with zeroes */
	struct op *op;
	int rc;

	p->nr = 0;
	if (!size)
		return 0;
	rc = program_reserve(p, (size - 1 + OP_SIZE - 1) / OP_SIZE);
	if (rc)
		return rc;
	for (size_t at = 1; at < size; at += OP_SIZE) {
		bool whole = size - at >= OP_SIZE;

		if (!whole)
			memcpy(cut, from + at, size - at);
		op = &p->ops[p->nr++];
		*op = get_record(whole ? from + at : cut);
		op_normalise(op);
	}
	return 0;
}

size_t program_encoded_size(const struct program *p)
{
	return 1 + p->nr * OP_SIZE;
}

void program_encode(const struct program *p, void *out)
{
	u8 *to = out;

	to[0] = OP_FORMAT_VERSION;
	for (size_t i = 0; i < p->nr; i++)
		put_record(to + 1 + i * OP_SIZE, &p->ops[i]);
}
