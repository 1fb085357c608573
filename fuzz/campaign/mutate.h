/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Changes of programs at the level of ops: an op and its continuations move, vanish and double as one.
 * Deterministic: the same generator state, the same change.
 */
#ifndef NOSNOOP_MUTATE_H
#define NOSNOOP_MUTATE_H

#include "core/op/program.h"

struct mutate_rng {
	u64 state;
};

static inline u64 mutate_u64(struct mutate_rng *g)
{
	g->state += 0x9e3779b97f4a7c15ULL;
	return mix64(g->state);
}

static inline u32 mutate_below(struct mutate_rng *g, u32 n) /* 0..n-1; n 0 gives 0 */
{
	return (u32)((mutate_u64(g) >> 32) * n >> 32);
}

/*
 * Some changes, one to a few; at most @max records are left. @other, which may be empty, is where
 * foreign ops come from. 0 or -ENOMEM, then @p is some valid program.
 */
int mutate_program(struct program *p, const struct program *other, struct mutate_rng *g,
		   size_t max);

#endif
