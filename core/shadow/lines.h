/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The transitions of the cache model, for 64 lines at once. A line's *set* is spread over six
 * words: bit n of in[s] says that the adversary can bring line n into state s. Every rule about
 * states is in this file, and the verdicts (shadow.c) and the lower bound (bound.c) both go through
 * it.
 */
#ifndef NOSNOOP_SHADOW_LINES_H
#define NOSNOOP_SHADOW_LINES_H

#include "core/compat/compat.h"
#include "core/machine/observer.h"

struct lines {
	u64 in[LINE_STATES];
};

#define LINES_ALL (~0ULL)

/* Moves that the adversary may or may not have. Eviction is always open to it. */
#define MOVE_FETCH  1u /* speculative fetch */
#define MOVE_STORE  2u /* CPU or snooped DMA stores */
#define MOVE_DEVICE 4u /* no-snoop writes */
#define MOVE_ALL    7u

/* Lines that have any state at all: all of them while the page is pinned. */
static inline u64 lines_any(const struct lines *l)
{
	return l->in[LINE_DS] | l->in[LINE_I] | l->in[LINE_C] | l->in[LINE_X] | l->in[LINE_D] |
	       l->in[LINE_DH];
}

/*
 * All states that @moves lead to, in any order and number. One pass is enough: eviction leads back
 * to I, which every line then has already, and the rest goes one way, I -> C -> {X, D} -> DH.
 */
static inline void lines_close(struct lines *l, u32 moves)
{
	l->in[LINE_I] = lines_any(l);
	if (moves & MOVE_FETCH)
		l->in[LINE_C] |= l->in[LINE_I];
	if (moves & MOVE_STORE)
		l->in[LINE_D] |= l->in[LINE_I] | l->in[LINE_C];
	if (moves & MOVE_DEVICE) {
		l->in[LINE_X] |= l->in[LINE_C];
		l->in[LINE_DH] |= l->in[LINE_D] | l->in[LINE_DS];
	}
	if (moves & MOVE_STORE)
		l->in[LINE_DH] |= l->in[LINE_X];
}

/* A completed clean of the lines of @mask. */
static inline void lines_clean(struct lines *l, u64 mask, bool invalidates)
{
	u64 gone;

	if (invalidates) {
		gone = lines_any(l) & mask;
		for (int s = 0; s < LINE_STATES; s++)
			l->in[s] &= ~mask;
		l->in[LINE_I] |= gone;
		return;
	}
	gone = (l->in[LINE_DS] | l->in[LINE_D] | l->in[LINE_DH]) & mask;
	l->in[LINE_DS] &= ~mask;
	l->in[LINE_D] &= ~mask;
	l->in[LINE_DH] &= ~mask;
	l->in[LINE_C] |= gone;
}

/* A store that really happens to the lines of @mask; the old states stay possible. */
static inline void lines_store(struct lines *l, u64 mask)
{
	l->in[LINE_D] |= (l->in[LINE_I] | l->in[LINE_C]) & mask;
	l->in[LINE_DH] |= l->in[LINE_X] & mask;
}

/* Memory may hold what is older than the pin. */
static inline bool lines_leak(const struct lines *l)
{
	return l->in[LINE_DS];
}

/* The CPU may miss, or overwrite, what the device wrote. */
static inline bool lines_stale(const struct lines *l)
{
	return l->in[LINE_X] | l->in[LINE_DH];
}

/* States of any line, as a 6-bit set. */
static inline u32 lines_pack(const struct lines *l)
{
	u32 set = 0;

	for (int s = 0; s < LINE_STATES; s++)
		set |= (u32) !!l->in[s] << s;
	return set;
}

/* One line (number 0) that has the states of @set. */
static inline struct lines lines_unpack(u32 set)
{
	struct lines l;

	for (int s = 0; s < LINE_STATES; s++)
		l.in[s] = set >> s & 1;
	return l;
}

#endif
