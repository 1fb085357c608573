/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside the mutator: what the files mutate*.c share. Nobody else includes this. */
#ifndef NOSNOOP_MUTATE_PRIV_H
#define NOSNOOP_MUTATE_PRIV_H

#include "fuzz/campaign/mutate.h"
#include "fuzz/shrink/units.h"

struct mutator {
	struct gen_config gen;
	struct run *binder; /* NULL until the first `keep` */
	struct units units, bound_units;
	struct program bound, mixed;   /* of `keep` */
	struct program part;	       /* ops on their way in */
	struct program fresh;	       /* of `fresh` */
	struct program program, other; /* of the byte forms */
};

/* One input at work. */
struct change {
	struct mutator *m;
	struct program *p;	     /* not empty, where it is to be changed */
	const struct program *other; /* NULL: not needed so far */
	struct mutate_rng *g;
	u64 off;   /* kinds of ops that are neither added nor changed */
	bool made; /* m->fresh is of this input: one program for all its changes */
};

static inline bool change_off(const struct change *c, const struct op *op)
{
	return c->off >> op->code & 1;
}

/* Where foreign ops come from: the program given, else one that is made for this input. */
int change_other(struct change *c);

/* Places: the group that begins at or before record @at; a group that any record of @p lies in. */
size_t group_begin(const struct program *p, size_t at);
size_t group_any(const struct program *p, struct mutate_rng *g);

/* Each a mutation: 0 or -ENOMEM. */
#define X(name, weight) int change_##name(struct change *c);
MUTATIONS(X)
#undef X

#endif
