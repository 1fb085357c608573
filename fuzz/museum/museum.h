/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The switch of the museum build: which mutant is on, and what became of it. The mutated copies of
 * core sources that mutate.py makes include this; the sources themselves do not know it.
 */
#ifndef NOSNOOP_MUSEUM_H
#define NOSNOOP_MUSEUM_H

#include "core/flush/flush.h"

enum museum_state {
	MUSEUM_FOUND,	   /* is to be found */
	MUSEUM_EQUIVALENT, /* cannot be told apart from the original: mutants.def argues why */
	MUSEUM_SCHEDULES,  /* a race: needs schedules */
	MUSEUM_LATER,	   /* is in a layer that does not exist yet */
};

struct museum_mutant {
	const char *id, *kind;
	enum museum_state state;
	u32 edits;	   /* places that it changes; 0: there is no code for it */
	const char *rules; /* expected to fire; others may come first */
	const char *where;
	const char *what;
};

/* The table that mutate.py makes, in the order of mutants.def; numbers count from 1. */
extern const struct museum_mutant museum_mutants[];
extern const u32 museum_nr_mutants;

struct museum_counts {
	u64 reached;   /* the mutated place was executed */
	u64 triggered; /* and did something else than the original */
};

extern u32 museum_mutant;		     /* 0: none */
extern struct museum_counts *museum_counted; /* never NULL; may be memory shared with a parent */

static inline bool museum_on(u32 mutant)
{
	if (likely(museum_mutant != mutant))
		return false;
	museum_counted->reached++;
	return true;
}

static inline bool museum_trigger(bool differs)
{
	museum_counted->triggered += differs;
	return differs;
}

/* Both sides are computed, so neither may have effects. */
#define MUSEUM_EXPR(mutant, original, mutated)                            \
	({                                                                \
		__typeof__(original) value_##mutant = (original);         \
		if (museum_on(mutant)) {                                  \
			__typeof__(value_##mutant) other_##mutant;        \
			other_##mutant = (mutated);                       \
			museum_trigger(other_##mutant != value_##mutant); \
			value_##mutant = other_##mutant;                  \
		}                                                         \
		value_##mutant;                                           \
	})

/* For mutants that lose a flush: the clean of a host that cleans nothing. */
static inline void museum_no_clean(const struct flush_piece *p, u64 first, u64 last)
{
}

#endif
