/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A program as units that can go or change places while identities keep naming the same objects: for
 * the shrinker and for mutations.
 */
#ifndef NOSNOOP_UNITS_H
#define NOSNOOP_UNITS_H

#include "core/op/bind.h"

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

#endif
