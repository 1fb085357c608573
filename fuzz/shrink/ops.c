// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fewer ops: first the end is cut off, then ddmin takes out ever smaller stretches with all that
 * refers to what they create, then objects are merged, then pairs go, then one op moves and another
 * goes, then new ops take the place of others (swap.c). From the end to the front: what comes
 * later stands on what came before.
 */
#include "fuzz/shrink/shrink_priv.h"

#define PAIRS_MAX 32 /* ops; above, pairs are too many to try */
#define MOVES_MAX 12 /* likewise triples */

static void take(struct shrink *s, u32 first, u32 nr)
{
	for (u32 i = first; i < first + nr; i++)
		s->units.gone[i] = true;
}

/* Without what was taken. */
static bool try_without(struct shrink *s)
{
	if (s->rc)
		return false;
	s->rc = units_encode(&s->units, &s->best, 0, 0, &s->candidate);
	return shrink_try(s);
}

/* The shortest beginning that fires, by halves: much of a finding comes after the op at fault. */
static void cut_end(struct shrink *s)
{
	u32 silent = 0;

	while (!s->rc && silent + 1 < s->units.nr) {
		u32 middle = silent + (s->units.nr - silent) / 2;

		take(s, middle, s->units.nr - middle);
		if (!try_without(s))
			silent = middle;
	}
}

static bool without_stretches(struct shrink *s, u32 size)
{
	u32 end = s->units.nr, first;
	bool changed = false;

	while (end && !s->rc) {
		first = end - min(size, end);
		take(s, first, end - first);
		changed |= try_without(s);
		end = min(first, s->units.nr);
	}
	return changed;
}

static void ddmin(struct shrink *s)
{
	u32 size = s->units.nr / 2;

	for (; size > 1; size /= 2)
		without_stretches(s, size);
	while (without_stretches(s, 1))
		;
}

/* Two that only go together: a store and what it is compared with, an option on and off. */
static bool without_pairs(struct shrink *s)
{
	if (s->units.nr > PAIRS_MAX)
		return false;
	for (u32 b = s->units.nr; b-- > 1;) {
		for (u32 a = b; a--;) {
			take(s, a, 1);
			take(s, b, 1);
			if (try_without(s))
				return true;
		}
	}
	return false;
}

/* Unit @gone goes; who refers to what it creates takes what @heir creates, or goes too (equal). */
static bool try_heir(struct shrink *s, u32 gone, u32 heir)
{
	if (s->rc)
		return false;
	take(s, gone, 1);
	s->rc = units_encode(&s->units, &s->best, gone, heir, &s->candidate);
	return shrink_try(s);
}

static bool merge_any(struct shrink *s)
{
	for (u32 gone = s->units.nr; gone--;)
		for (u32 heir = 0; heir < s->units.nr; heir++)
			if (units_alike(&s->units, &s->best, gone, heir) && try_heir(s, gone, heir))
				return true;
	return false;
}

/* --- moves ------------------------------------------------------------------- */

static bool move_without(struct shrink *s, u32 gone, u32 heir)
{
	u32 nr = s->units.nr;

	for (u32 from = nr; from--;) {
		for (u32 to = nr; to--;) {
			if (from == gone || from == to)
				continue;
			units_move(&s->units, from, to);
			if (try_heir(s, gone, heir))
				return true;
		}
	}
	return false;
}

/*
 * One op elsewhere and another one gone: the way from one kind of finding to a shorter one of the
 * same rule. An attach before the maps, say, may leak only after some churn; behind them it needs
 * none.
 */
static bool move_any(struct shrink *s)
{
	if (s->units.nr > MOVES_MAX)
		return false;
	for (u32 gone = s->units.nr; gone--;)
		for (u32 heir = 0; heir < s->units.nr; heir++)
			if ((heir == gone || units_alike(&s->units, &s->best, gone, heir)) &&
			    move_without(s, gone, heir))
				return true;
	return false;
}

void shrink_ops(struct shrink *s)
{
	cut_end(s);
	do
		ddmin(s);
	while (merge_any(s) || without_pairs(s) || move_any(s) || shrink_swap(s));
}
