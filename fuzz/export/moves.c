// SPDX-License-Identifier: GPL-2.0-only
/*
 * A trace may use the whole address space, a mock domain reaches from 16 MiB to 2 GiB. Addresses
 * that lie near each other are moved together, so that what touched still touches, and keep their
 * place within 16 MiB, so that what was aligned still is. Spans that end nowhere stay: they are
 * there to be refused.
 */
#include "fuzz/export/adapt.h"

#include <stdlib.h>

#define NEAR	 MOCK_FIRST /* as far apart are two groups, at least */
#define SPAN_MAX (1ULL << 30)

struct span {
	u64 first, last;
};

struct spans {
	struct span *span;
	size_t nr;
	bool attach;  /* somebody wants the mock's aperture */
	bool outside; /* something is mapped where it does not reach */
};

/* The address that an op gives itself, not as an offset from an area. */
static bool own_address(const struct op *op)
{
	return op_info(op->code)->modes && op->code != OP_BUFFER &&
	       (op_addr_mode(op) == OP_ADDR_ABS || op_addr_mode(op) == OP_ADDR_END);
}

/* @whole: the length of what is said to be whole. */
static bool span_of(const struct op *op, u64 whole, struct span *out)
{
	bool allow = op->code == OP_ALLOW && !(op->flags & OPF_WHOLE);
	u64 len = op->flags & OPF_WHOLE ? whole : op_length(op);

	if (!own_address(op) && !allow)
		return false;
	out->first = op_addr_mode(op) == OP_ADDR_END ? ~op->addr : op->addr;
	if (!len || op->code == OP_CUT)
		len = 1;
	out->last = out->first + len - 1;
	return len <= SPAN_MAX && out->last >= out->first;
}

static int by_first(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

/* Of a map the buffer's; a copy is at most as long as the longest buffer. */
static u64 whole_length(const struct program *p, const struct op *op)
{
	u32 id = 0;
	u64 most = 0;

	for (size_t i = 0; i < p->nr; i++) {
		if (p->ops[i].code != OP_BUFFER)
			continue;
		if (op->code == OP_MAP && id++ == op_slot(op, 1))
			return (u64)p->ops[i].arg << PAGE_SHIFT;
		most = max(most, (u64)p->ops[i].arg << PAGE_SHIFT);
	}
	return most;
}

static void collect(const struct program *p, struct spans *s)
{
	for (size_t i = 0; i < p->nr; i++) {
		const struct op *op = &p->ops[i];
		struct span *to = &s->span[s->nr];
		u64 whole = op->flags & OPF_WHOLE ? whole_length(p, op) : 0;

		s->attach |= op->code == OP_ATTACH;
		if (!span_of(op, whole, to))
			continue;
		s->nr++;
		if (op->code == OP_MAP || op->code == OP_COPY || op->code == OP_MORE)
			s->outside |= to->first < MOCK_FIRST || to->last > MOCK_LAST;
	}
	qsort(s->span, s->nr, sizeof(*s->span), by_first);
}

/* False: too many, or more than the mock can reach. */
static bool group(const struct spans *s, struct moves *m)
{
	u64 to = MOCK_FIRST;

	for (size_t i = 0; i < s->nr; i++) {
		struct move *last = m->nr ? &m->move[m->nr - 1] : NULL;

		if (last && s->span[i].first - last->first <= last->last - last->first + NEAR) {
			last->last = max(last->last, s->span[i].last);
			continue;
		}
		if (m->nr == MOVES_MAX)
			return false;
		m->move[m->nr++] = (struct move){s->span[i].first, s->span[i].last, 0};
	}
	for (u32 i = 0; i < m->nr; i++) {
		struct move *g = &m->move[i];

		g->to = to + g->first % MOCK_FIRST;
		to = (g->to + (g->last - g->first)) / MOCK_FIRST * MOCK_FIRST + 2 * MOCK_FIRST;
		if (g->to + (g->last - g->first) > MOCK_LAST)
			return false;
	}
	return true;
}

void moves_plan(const struct program *p, struct moves *m)
{
	struct spans s = {.span = malloc((p->nr + 1) * sizeof(*s.span))};

	*m = (struct moves){0};
	if (!s.span)
		return;
	collect(p, &s);
	if (s.attach && s.outside && !group(&s, m)) {
		m->nr = 0;
		m->too_many = true;
	}
	free(s.span);
}

void moves_apply(const struct moves *m, const struct op *op, struct op *to)
{
	struct span span;

	if (!span_of(op, PAGE_SIZE, &span))
		return;
	for (u32 i = 0; i < m->nr; i++) {
		const struct move *g = &m->move[i];

		if (span.first >= g->first && span.first <= g->last)
			op_set_addr(to, OP_ADDR_ABS, g->to + (span.first - g->first));
	}
}
