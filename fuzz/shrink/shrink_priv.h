/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside the shrinker: what the files shrink*.c share. Nobody else includes this. */
#ifndef NOSNOOP_SHRINK_PRIV_H
#define NOSNOOP_SHRINK_PRIV_H

#include "fuzz/shrink/shrink.h"
#include "fuzz/shrink/units.h"

struct shrink {
	struct program best;	  /* fires, always */
	struct program candidate; /* being tried; holds the last best after a success */
	struct units units;	  /* of best */
	struct run *binder;
	struct run_config binding;
	shrink_fires fires;
	void *ctx;
	struct shrink_stats stats;
	int rc; /* the first failure; nothing is tried any more after it */
};

/* shrink.c: keeps the candidate and reads its units if it fires. */
bool shrink_try(struct shrink *s);
/* The candidate is @s->best; for edits in place. */
bool shrink_copy(struct shrink *s);

/* ops.c, whole.c, fields.c: each as far as it comes. */
void shrink_ops(struct shrink *s);
/* swap.c: one step to fewer ops, or to fewer copies and cuts among as many. False: none. */
bool shrink_swap(struct shrink *s);
u32 shrink_splits(const struct program *p); /* how many copies and cuts */
void shrink_whole(struct shrink *s);
void shrink_fields(struct shrink *s);
/* fields.c: record @at becomes @op if that is plainer and fires. */
bool shrink_edit(struct shrink *s, u32 at, struct op op);

#endif
