/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Changes of programs at the level of ops: an op and its continuations move, vanish and double as one.
 * For the built-in fuzzer, and through the byte strings at the end for engines. Deterministic: the
 * same program and generator state, the same change, whatever the mutator did before.
 */
#ifndef NOSNOOP_MUTATE_H
#define NOSNOOP_MUTATE_H

#include "core/op/gen.h"

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
 * name, how often of 24 times; `keep` is the first change of one input in 16. A newcomer: one line,
 * and a function in mutate_ops.c.
 */
#define MUTATIONS(X)                                                              \
	X(drop, 2)   /* a few ops go */                                           \
	X(dup, 2)    /* a few ops stand there twice */                            \
	X(move, 1)   /* one or two ops go elsewhere, as they are written */       \
	X(swap, 1)   /* two ops change places */                                  \
	X(keep, 0)   /* an op goes elsewhere and nothing changes its meaning */   \
	X(fresh, 3)  /* a few ops by the generator come in */                     \
	X(splice, 4) /* ops of another program come in */                         \
	X(cross, 2)  /* the beginning of the one, the end of the other */         \
	X(field, 8)  /* a flag, reference, address, length or argument changes */ \
	X(fail, 1)   /* an injected failure comes, goes or fails elsewhere */

enum mutation {
#define X(name, weight) MUTATE_##name,
	MUTATIONS(X)
#undef X
		MUTATE_NR
};

/* What mutations need besides the program: memory, a run to resolve references in. One thread. */
struct mutator;

/* @gen: upper limits of what the generator adds. NULL: out of memory. */
struct mutator *mutator_create(const struct gen_config *gen);
void mutator_destroy(struct mutator *m); /* NULL: nothing */

/* Of @most, what one program has: sizes below its own, whole features off. A wider swarm. */
struct gen_config mutate_gen(const struct gen_config *most, struct mutate_rng *g);

/*
 * Some changes, one to a few; at most @max records are left. @other, which may be empty, is where
 * foreign ops come from; NULL: a program that the generator makes when one is needed. In a quarter of
 * the calls some kinds of ops are off: none of them is added or changed. @p was run before as it is:
 * what ends a process would end this one, too (`keep` runs it, on the core, without oracles). 0 or
 * -ENOMEM, then @p is some valid program.
 */
int mutate_program(struct mutator *m, struct program *p, const struct program *other,
		   struct mutate_rng *g, size_t max);
/*
 * One change of one kind, no kind of op off but those in @off (bits 1 << code). It may find nothing
 * to do. @p has at least a record. @other and errors as above.
 */
int mutate_once(struct mutator *m, struct program *p, const struct program *other,
		struct mutate_rng *g, enum mutation which, u64 off);

/* --- bytes: the binary form, for engines -------------------------------------------------------- */

/* Programs grow up to here; one that is longer already grows no more. */
#define MUTATE_RECORDS 64

/*
 * Any bytes in, a program's binary form out, of at most @max bytes; its length. Foreign ops are the
 * generator's. Without memory the bytes stay as they are, cut off at @max.
 */
size_t mutate_bytes(struct mutator *m, u8 *buf, size_t len, size_t max, u64 seed);
/* The same into @out, with @b's ops as the foreign ones; at least one of them goes in where it can. */
size_t mutate_cross(struct mutator *m, const u8 *a, size_t a_len, const u8 *b, size_t b_len,
		    u8 *out, size_t max, u64 seed);

#endif
