// SPDX-License-Identifier: GPL-2.0-only
/*
 * Plainer fields, one at a time. plainer() is the order in which every edit must go down; an edit
 * that does not is not tried. Numbers come down by halves of the way that is left, so that a
 * border is found in few tries.
 */
#include "fuzz/shrink/shrink_priv.h"

#include "core/compat/fault.h"

/* --- the order --------------------------------------------------------------- */

/* Bits that are plain when set: a map says rw by saying nothing. */
static u32 plain_flags(unsigned int code)
{
	return code == OP_MAP || code == OP_COPY ? OPF_READ | OPF_WRITE : 0;
}

#define SHAPED_FLAGS (OPF_ID0 | OPF_ID1 | OPF_ID2 | OPF_WHOLE | OPF_PAGES)

static u64 rank_flags(const struct op *op)
{
	u32 off = (op->flags ^ plain_flags(op->code)) & ~SHAPED_FLAGS;

	return __builtin_popcount(off);
}

static u64 rank_mode(const struct op *op)
{
	static const u8 rank[OP_ADDR_NR] = {
		[OP_ADDR_AUTO] = 0,
		[OP_ADDR_AREA] = 1,
		[OP_ADDR_ABS] = 2,
		[OP_ADDR_END] = 3,
	};

	return op_info(op->code)->modes ? rank[op_addr_mode(op)] : 0;
}

static u64 rank_span(const struct op *op)
{
	return op->flags & OPF_WHOLE ? 0 : op->flags & OPF_PAGES ? 1 : 2;
}

/* An offset may be negative. */
static u64 rank_addr(const struct op *op)
{
	bool back = op_addr_mode(op) == OP_ADDR_AREA && (s64)op->addr < 0;

	return back ? 1 + 2 * -op->addr : op->addr;
}

static u64 rank_refs(const struct op *op)
{
	u64 sum = 0;

	for (unsigned int i = 0; i < 3; i++)
		if (op_ref_kind(op, i) != OBJ_NONE)
			sum += op_slot(op, i);
	return sum;
}

static u64 rank_numbers(const struct op *op)
{
	u64 sum = 0;

	for (unsigned int i = 0; i < 3; i++)
		if (op_ref_kind(op, i) == OBJ_NONE)
			sum += op_slot(op, i);
	return sum;
}

static u64 rank_positional(const struct op *op)
{
	u64 nr = 0;

	for (unsigned int i = 0; i < 3; i++)
		nr += op_ref_kind(op, i) != OBJ_NONE && !op_by_id(op, i);
	return nr;
}

#define RANKS 12

static void ranks(const struct op *op, u64 rank[RANKS])
{
	rank[0] = rank_positional(op);
	rank[1] = op->thread;
	rank[2] = op_fail_nth(op);
	rank[3] = op_fail_nth(op) && op_fail_point(op) == FAULT_ANY;
	rank[4] = rank_mode(op);
	rank[5] = rank_span(op);
	rank[6] = rank_flags(op);
	rank[7] = rank_numbers(op);
	rank[8] = op->arg;
	rank[9] = rank_addr(op);
	rank[10] = op_length(op);
	rank[11] = rank_refs(op);
}

static bool plainer(const struct op *a, const struct op *b)
{
	u64 rank_a[RANKS], rank_b[RANKS];

	ranks(a, rank_a);
	ranks(b, rank_b);
	for (u32 i = 0; i < RANKS; i++)
		if (rank_a[i] != rank_b[i])
			return rank_a[i] < rank_b[i];
	return false;
}

/* --- one record -------------------------------------------------------------- */

static const struct op *record(const struct shrink *s, u32 at)
{
	return &s->best.ops[at];
}

bool shrink_edit(struct shrink *s, u32 at, struct op op)
{
	op_normalise(&op);
	if (!plainer(&op, record(s, at)) || !shrink_copy(s))
		return false;
	s->candidate.ops[at] = op;
	return shrink_try(s);
}

/* How a number is put into a record. */
typedef void (*put_number)(struct op *op, u64 value);

static bool try_number(struct shrink *s, u32 at, put_number put, u64 value)
{
	struct op op = *record(s, at);

	put(&op, value);
	return shrink_edit(s, at, op);
}

/* @value: what stands there; @least: what may. */
static void lower(struct shrink *s, u32 at, put_number put, u64 value, u64 least)
{
	u64 step;

	if (value <= least || try_number(s, at, put, least))
		return;
	/* Powers of two: what is a multiple of a page stays one as long as it can. */
	for (step = 1ULL << (63 - __builtin_clzll(value - least)); step; step /= 2)
		while (value - least > step && try_number(s, at, put, value - step))
			value -= step;
}

static void put_arg(struct op *op, u64 value)
{
	op->arg = value;
}

static void put_addr(struct op *op, u64 value)
{
	op->addr = value;
}

static void put_length(struct op *op, u64 value)
{
	op_set_len(op, value);
}

static void put_slot_1(struct op *op, u64 value)
{
	op_set_slot(op, 1, value);
}

static void put_slot_2(struct op *op, u64 value)
{
	op_set_slot(op, 2, value);
}

static void put_nth(struct op *op, u64 value)
{
	op_set_fail(op, value ? op_fail_point(op) : 0, value);
}

/* --- which fields ------------------------------------------------------------ */

static void edit_task(struct shrink *s, u32 at)
{
	struct op op = *record(s, at);

	op.thread = 0;
	shrink_edit(s, at, op);
}

/* A failure of a kind says more than a place that is counted among all kinds. */
static void edit_fault(struct shrink *s, u32 at)
{
	struct op op = *record(s, at);

	if (!op_fail_nth(&op))
		return;
	for (u32 i = 0; op_fail_point(record(s, at)) == FAULT_ANY && i < 2 * FAULT_NR; i++) {
		if (i / 2 == FAULT_ANY)
			continue;
		op_set_fail(&op, i / 2, 1 + i % 2);
		shrink_edit(s, at, op);
	}
	lower(s, at, put_nth, op_fail_nth(record(s, at)), 0);
}

static void edit_flags(struct shrink *s, u32 at)
{
	struct op op;

	/* `get` is another op than `set`. */
	for (u32 bit = 1; bit < 0x10000; bit *= 2) {
		op = *record(s, at);
		if (bit & (SHAPED_FLAGS | OPF_GET))
			continue;
		op.flags ^= bit;
		shrink_edit(s, at, op);
	}
}

static void edit_mode(struct shrink *s, u32 at)
{
	struct op op = *record(s, at);

	if (!(op_info(op.code)->modes >> OP_ADDR_AUTO & 1) || op.flags & OPF_SOURCE)
		return;
	op_set_addr(&op, OP_ADDR_AUTO, 0);
	shrink_edit(s, at, op);
}

static void edit_span(struct shrink *s, u32 at)
{
	struct op op = *record(s, at);
	u64 length = op_length(&op);

	if (!(op_info(op.code)->fields & OPX_LEN))
		return;
	op.flags |= OPF_WHOLE;
	if (shrink_edit(s, at, op))
		return;
	op = *record(s, at);
	if (length & PAGE_MASK || op.flags & OPF_WHOLE)
		return;
	if (op.code == OP_COPY && !(op.flags & (OPF_PAGES | OPF_SOURCE))) {
		if (op.arg & PAGE_MASK)
			return;
		op.arg >>= PAGE_SHIFT;
	}
	op.flags |= OPF_PAGES;
	op_set_len(&op, length >> PAGE_SHIFT);
	shrink_edit(s, at, op);
}

/* Bits that are switches of their own. */
static bool arg_is_bits(unsigned int code)
{
	return code == OP_ACCESS || code == OP_CAP;
}

static void edit_bits(struct shrink *s, u32 at)
{
	for (u32 bit = 1; bit < 0x40; bit *= 2) {
		struct op op = *record(s, at);

		if (arg_is_bits(op.code))
			op.arg &= ~bit;
		else
			op.addr &= ~(u64)bit;
		shrink_edit(s, at, op);
	}
}

static void edit_length(struct shrink *s, u32 at)
{
	const struct op *op = record(s, at);
	bool always_pages = op_info(op->code)->fields & OPX_NPAGES;

	if (!(op_info(op->code)->fields & OPX_LEN) || op->flags & OPF_WHOLE)
		return;
	lower(s, at, put_length, always_pages || op->flags & OPF_PAGES ? op_len(op) : op_length(op),
	      always_pages);
}

static void edit_numbers(struct shrink *s, u32 at)
{
	u8 code = record(s, at)->code;
	const struct op_info *info = op_info(code);
	bool wide = info->fields & OPX_WIDE && !info->arg_mask;
	bool bits = arg_is_bits(code) || code == OP_PAGE_FLAGS;

	if (info->slot[1] == OBJ_NUM)
		lower(s, at, put_slot_1, op_slot(record(s, at), 1), 0);
	if (code == OP_MAP && op_addr_mode(record(s, at)) != OP_ADDR_AREA)
		lower(s, at, put_slot_2, op_slot(record(s, at), 2), 0);
	if (bits)
		edit_bits(s, at);
	if (info->fields & OPX_ARG && !wide && !arg_is_bits(code))
		lower(s, at, put_arg, record(s, at)->arg, code == OP_BUFFER);
	if ((info->fields & OPX_VALUE || info->modes) && code != OP_PAGE_FLAGS)
		lower(s, at, put_addr, record(s, at)->addr, 0);
	edit_length(s, at);
}

static void edit_refs(struct shrink *s, u32 at)
{
	for (unsigned int i = 0; i < 3; i++) {
		struct op op = *record(s, at);

		if (op_ref_kind(&op, i) == OBJ_NONE || !op_by_id(&op, i))
			continue;
		for (u32 id = 0; id < op_slot(record(s, at), i); id++) {
			op_set_slot(&op, i, id);
			if (shrink_edit(s, at, op))
				break;
		}
	}
}

void shrink_fields(struct shrink *s)
{
	for (u32 at = s->best.nr; at-- > 0 && !s->rc;) {
		edit_task(s, at);
		edit_fault(s, at);
		edit_mode(s, at);
		edit_span(s, at);
		edit_flags(s, at);
		edit_numbers(s, at);
		edit_refs(s, at);
	}
}
