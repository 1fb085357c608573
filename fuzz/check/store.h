/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The states that were reached: their forms, and how each was reached first. In memory that forked
 * workers share; inserting is safe from all of them at once, everything else wants to be alone.
 *
 * States of one level are ranked by (rank of the parent, action) when the level is complete, so
 * ranks, and with them all that is reported, do not depend on how many workers there were.
 */
#ifndef NOSNOOP_CHECK_STORE_H
#define NOSNOOP_CHECK_STORE_H

#include "core/compat/compat.h"

struct store;

/* How a state was reached: rank of its parent, and the action (space.h). */
struct origin {
	u32 parent, action;
};

static inline u64 origin_key(struct origin o)
{
	return (u64)o.parent << 32 | o.action;
}

/* @memory bytes in all, reserved at once and used as it fills. NULL with errno set. */
struct store *store_create(size_t memory);
void store_destroy(struct store *st);

/* What a worker has at hand of the store; zeroed in the beginning of every level. */
struct store_cursor {
	u32 state, state_end;
	u64 at, at_end;
};

enum store_result { STORE_NEW, STORE_OLD, STORE_FULL };
/* The origin counts if the state is new in this level and no lower one was given. */
enum store_result store_insert(struct store *st, struct store_cursor *c, const u8 *form, u32 len,
			       struct origin o);

/* The level is complete: rank its states. False: no memory to sort them in. */
bool store_rank_level(struct store *st);
u32 store_ranks(const struct store *st); /* of all complete levels */
struct origin store_origin(const struct store *st, u32 rank);
u64 store_bytes(const struct store *st);      /* in use */
u64 store_form_bytes(const struct store *st); /* of them forms */
u64 store_inserted(const struct store *st);   /* states, the running level included */

#endif
