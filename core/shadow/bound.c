// SPDX-License-Identifier: GPL-2.0-only
/*
 * The lower bound.
 *
 * Question: a page goes through a given sequence of pins, NC mappings and request boundaries. With
 * how few page cleans, placed by somebody who knows the whole sequence, do the claimed contracts
 * hold? The answer is a shortest path. A *state* is (set of line states, was the page cleaned in
 * this request) with the least cost that leads to it; all lines are alike, because whoever cleans a
 * page pays for all of it.
 *
 * A clean is offered only right before something that is judged: an NC mapping, the end of a
 * request, the last unpin. Earlier is never better: between two judged moments no exposure begins,
 * so a later clean leaves a set that is no larger, and it is in the same request as what it is for.
 * Offered cleans complete at once and invalidate; a real one that is partial, pending or a mere
 * write-back does no more for a line and costs as much. Stores by in-kernel accesses inside a
 * request are left out. All three can only make the bound lower, never too high.
 *
 * A state is dropped when another one is no more expensive, no larger, and as clean: moves and
 * checks are monotonic. The list of states that remain, with the least cost taken out, is a
 * *configuration*. There are few of them, and they are the same for all pages, so they are
 * numbered, and what an event does to one is computed once and remembered: a page pays for a table
 * look-up.
 *
 * What no clean can mend (unpinned while a device may still write) is not held against anybody.
 */
#include "core/shadow/bound.h"
#include "core/shadow/lines.h"
#include "core/shadow/shadow.h"

#define STATES	16
#define CONFIGS 128
#define BEST \
	0 /* a configuration better than all: where a full table leads, so that the bound stays \
	     one */

struct state {
	u8 set;
	u8 cleaned;
	u8 cost;
};

struct config {
	struct state st[STATES];
	u32 nr;
	u8 next[BOUND_SYMBOLS]; /* 1 + number, 0: not computed yet */
	u8 cost[BOUND_SYMBOLS];
};

struct bound {
	u32 claims;
	u32 moves;
	u32 nr;
	struct config cfg[CONFIGS];
};
static_assert(CONFIGS < 256, "config::next is a byte");

struct bound *bound_create(struct arena *arena, u32 claims, u32 moves)
{
	struct bound *b = arena_alloc(arena, sizeof(*b));

	if (!b)
		return NULL;
	b->claims = claims;
	b->moves = moves;
	b->nr = 1;
	b->cfg[BEST].nr = 1;
	b->cfg[BEST].st[0] = (struct state){.set = 1u << LINE_I, .cleaned = true};
	return b;
}

void bound_destroy(struct bound *b, struct arena *arena)
{
	arena_free(arena, b, sizeof(*b));
}

u32 bound_claims(const struct bound *b)
{
	return b->claims;
}

u32 bound_configs(const struct bound *b)
{
	return b->nr;
}

u32 bound_widest(const struct bound *b)
{
	u32 n = 0;

	for (u32 i = 0; i < b->nr; i++)
		n = max(n, b->cfg[i].nr);
	return n;
}

bool bound_overflowed(const struct bound *b)
{
	return b->nr == CONFIGS || bound_widest(b) == STATES;
}

static bool claims(const struct bound *b, enum contract c)
{
	return b->claims >> c & 1;
}

static struct state close_state(const struct bound *b, struct state st, u32 moves)
{
	struct lines l = lines_unpack(st.set);

	lines_close(&l, moves & b->moves);
	st.set = lines_pack(&l);
	return st;
}

static u32 moves_when(bool w)
{
	return MOVE_FETCH | (w ? MOVE_DEVICE : 0);
}

static struct state clean_state(const struct bound *b, struct state st, bool w)
{
	struct lines l = lines_unpack(st.set);

	lines_clean(&l, LINES_ALL, true);
	st.set = lines_pack(&l);
	st.cleaned = true;
	st.cost++;
	return close_state(b, st, moves_when(w));
}

static bool dominates(struct state a, struct state b)
{
	return a.cost <= b.cost && !(a.set & ~b.set) && a.cleaned >= b.cleaned;
}

static bool before(struct state a, struct state b)
{
	if (a.set != b.set)
		return a.set < b.set;
	return a.cleaned < b.cleaned;
}

/* The better of both in every respect: makes room without making the bound too high. */
static struct state merge(struct state a, struct state b)
{
	return (struct state){a.set & b.set, a.cleaned | b.cleaned, min(a.cost, b.cost)};
}

/* Keep the list free of dominated states, and sorted, so that equal lists are equal bytes. */
static void add_state(struct config *c, struct state st)
{
	u32 kept = 0, at;

	for (u32 i = 0; i < c->nr; i++)
		if (dominates(c->st[i], st))
			return;
	for (u32 i = 0; i < c->nr; i++)
		if (!dominates(st, c->st[i]))
			c->st[kept++] = c->st[i];
	c->nr = kept;
	if (kept == STATES) {
		c->st[0] = merge(c->st[0], st);
		return;
	}
	for (at = c->nr++; at && before(st, c->st[at - 1]); at--)
		c->st[at] = c->st[at - 1];
	c->st[at] = st;
}

/* Take the least cost out of the list and return it. */
static u32 normalise(struct config *c)
{
	u8 least = c->st[0].cost;

	for (u32 i = 1; i < c->nr; i++)
		least = min(least, c->st[i].cost);
	for (u32 i = 0; i < c->nr; i++)
		c->st[i].cost -= least;
	return least;
}

static bool same(const struct config *a, const struct config *b)
{
	return a->nr == b->nr && !memcmp(a->st, b->st, a->nr * sizeof(a->st[0]));
}

static u32 number_of(struct bound *b, const struct config *c)
{
	u32 n;

	for (n = 0; n < b->nr; n++)
		if (same(&b->cfg[n], c))
			return n;
	if (n == CONFIGS)
		return BEST; /* never seen: a test walks all that can be reached */
	b->cfg[n] = *c;
	b->nr++;
	return n;
}

void bound_first_pin(struct bound *b, struct bound_page *p, bool w)
{
	struct state st = {.set = 1u << LINE_DS};
	struct config c = {0};

	add_state(&c, close_state(b, st, MOVE_STORE | moves_when(w)));
	p->config = number_of(b, &c);
	p->cost = 0;
}

static bool map_allowed(const struct bound *b, struct state st, bool first)
{
	struct lines l = lines_unpack(st.set);

	if (claims(b, SHADOW_L) && lines_leak(&l))
		return false;
	if (claims(b, SHADOW_S0) && first && !st.cleaned)
		return false;
	return !claims(b, SHADOW_S1) || st.cleaned;
}

static bool not_stale(struct state st)
{
	struct lines l = lines_unpack(st.set);

	return !lines_stale(&l);
}

static void step_map(const struct bound *b, struct config *out, struct state st, u32 symbol)
{
	bool first = (symbol - 2) & 4, w_old = (symbol - 2) & 2, w_new = (symbol - 2) & 1;
	struct state cleaned = clean_state(b, st, w_old);

	if (map_allowed(b, st, first))
		add_state(out, close_state(b, st, moves_when(w_new)));
	if (map_allowed(b, cleaned, first))
		add_state(out, close_state(b, cleaned, moves_when(w_new)));
}

static void step_end(const struct bound *b, struct config *out, struct state st)
{
	bool judged = claims(b, SHADOW_E);

	if (!judged || not_stale(st))
		add_state(out, st);
	if (judged)
		add_state(out, clean_state(b, st, false));
}

static void compute(struct bound *b, u32 from, u32 symbol)
{
	const struct config *c = &b->cfg[from];
	struct config out = {0};
	struct state st;

	for (u32 i = 0; i < c->nr; i++) {
		st = c->st[i];
		if (symbol == BOUND_END) {
			step_end(b, &out, st);
		} else if (symbol >= 2) {
			step_map(b, &out, st, symbol);
		} else {
			st.cleaned = false;
			add_state(&out, close_state(b, st, MOVE_STORE | moves_when(symbol)));
		}
	}
	b->cfg[from].cost[symbol] = normalise(&out);
	b->cfg[from].next[symbol] = 1 + number_of(b, &out);
}

void bound_step(struct bound *b, struct bound_page *p, u32 symbol)
{
	const struct config *c = &b->cfg[p->config];

	if (unlikely(!c->next[symbol]))
		compute(b, p->config, symbol);
	p->cost += c->cost[symbol];
	p->config = c->next[symbol] - 1;
}

u32 bound_last_unpin(const struct bound *b, const struct bound_page *p, bool w)
{
	const struct config *c = &b->cfg[p->config];
	u32 least = UINT_MAX;

	for (u32 i = 0; i < c->nr; i++) {
		bool flush = claims(b, SHADOW_I) && !w && !not_stale(c->st[i]);

		least = min(least, (u32)c->st[i].cost + flush);
	}
	return p->cost + least;
}
