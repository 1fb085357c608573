/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside the shrinker: what the files shrink*.c share. Nobody else includes this. */
#ifndef NOSNOOP_SHRINK_PRIV_H
#define NOSNOOP_SHRINK_PRIV_H

#include "core/op/bind.h"
#include "fuzz/shrink/shrink.h"

/* What a program's ops are, without its EXPECT and NAME records: unit k is op number k + 1. */
struct units {
	u32 nr, cap;
	u32 *first;	      /* index of each one's record; first[nr] is the end */
	u32 *creator[OBJ_NR]; /* the unit that creates an identity */
	u32 created[OBJ_NR];
	/* While a candidate is made: */
	bool *gone;
	u32 *order;   /* which unit comes k-th */
	u32 *renamed; /* new identity of what the unit creates */
};

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

/* units.c */
int units_read(struct units *u, const struct program *p);
void units_free(struct units *u);
void units_move(struct units *u, u32 from, u32 to); /* places in `order` */
/* Do both create an object, and of one kind? Two different ones. */
bool units_alike(const struct units *u, const struct program *p, u32 a, u32 b);
struct op *unit_op(const struct units *u, const struct program *p, u32 unit);
/*
 * @p without the units that are `gone`, in `order`, identities counted anew, and without what
 * refers to what is gone. Nothing is gone and all is in order again afterwards. References to what
 * unit @from creates go to unit @to's instead (no redirection: equal).
 */
int units_encode(struct units *u, const struct program *p, u32 from, u32 to, struct program *out);

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
