/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lower bound on page flushes of one page and pin epoch, by dynamic programming; see bound.c. A
 * page carries a configuration number and a cost; a step replaces both.
 */
#ifndef NOSNOOP_SHADOW_BOUND_H
#define NOSNOOP_SHADOW_BOUND_H

#include "core/compat/arena.h"

struct bound;

struct bound_page {
	u32 cost; /* page flushes that nobody could have done without so far */
	u32 config;
};

/* What can happen to a page. w: exposed for writing. */
#define BOUND_BETWEEN(w) (0 + (w))
#define BOUND_MAP(first, w_old, w_new) \
	(2 + 4 * (first) + 2 * (w_old) + (w_new)) /* first: S0 applies */
#define BOUND_END     10 /* the end of a request that un-exposed the page */
#define BOUND_SYMBOLS 11

/* @claims: bits 1 << enum contract; @moves: MOVE_* that exist. NULL: arena full. */
struct bound *bound_create(struct arena *arena, u32 claims, u32 moves);
void bound_destroy(struct bound *b, struct arena *arena);
u32 bound_claims(const struct bound *b);
void bound_first_pin(struct bound *b, struct bound_page *p, bool w);
void bound_step(struct bound *b, struct bound_page *p, u32 symbol);
/* The cost of the whole epoch if its last pin goes now. */
u32 bound_last_unpin(const struct bound *b, const struct bound_page *p, bool w);
/* For tests: configurations met, the most states in one, and whether a table was ever full. */
u32 bound_configs(const struct bound *b);
u32 bound_widest(const struct bound *b);
bool bound_overflowed(const struct bound *b);

#endif
