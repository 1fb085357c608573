// SPDX-License-Identifier: GPL-2.0-only
/* Three counters that decide at their edges: exact for a table, too coarse for an object, too early
 * at unpin. */
#include "core/flush/flush.h"

/*
 * counter_pages: (area, NC domain) pairs of the whole object.
 *   L, S0: attach NC, map 2 pages (1 page each in two areas): the second finds the counter at 1
 *   I:     the same, unmap the first: the counter does not fall to 0
 * O holds: at 0 no NC domain reaches the object at all.
 */
struct pairs_pages {
	u32 pairs;
};

struct pairs_area {
	u32 added;    /* by the fill that is running; 0 at rest */
	u32 closing;  /* id of the domain whose walk flushes; 0: none */
	bool filling; /* between fill_begin() and fill_end() */
	bool opening; /* this fill flushes */
};

static int pairs_fill_begin(struct flush_area *area, u32 nr_nc, enum flush_fill_why why)
{
	struct pairs_pages *pp = area->pages->priv;
	struct pairs_area *pa = area->priv;

	pa->opening = nr_nc && !pp->pairs;
	pa->filling = true;
	pa->added = nr_nc;
	pp->pairs += nr_nc;
	return 0;
}

/* The unwind has taken off the pairs of domains that were reached; here go the others. */
static void pairs_fill_end(struct flush_area *area, int rc)
{
	struct pairs_pages *pp = area->pages->priv;
	struct pairs_area *pa = area->priv;

	if (rc)
		pp->pairs -= pa->added;
	pa->added = 0;
	pa->filling = false;
}

static int pairs_before_map(const struct flush_piece *p, u32 nr_nc)
{
	const struct pairs_area *pa = p->area->priv;

	if (pa->opening)
		flush_clean_piece(p);
	return 0;
}

/* Counted where a walk begins: an unwind's walks on several domains come in turns. */
static void pairs_after_unmap(const struct flush_piece *p, const struct flush_domain *domain)
{
	struct pairs_pages *pp = p->pages->priv;
	struct pairs_area *pa = p->area->priv;

	if (!domain->nc)
		return;
	if (p->flags & FLUSH_FIRST) {
		pa->closing = pp->pairs == 1 ? domain->id : 0;
		pa->added -= pa->filling;
		pp->pairs--;
	}
	if (pa->closing == domain->id)
		flush_clean_piece(p);
}

static void pairs_area_split(struct flush_area *old, struct flush_area *left,
			     struct flush_area *right)
{
	struct pairs_pages *pp = old->pages->priv;

	if (old->storage)
		pp->pairs += old->table->nr_nc;
}

/* An area's state is its fill's and its unmap's. */
static void pairs_normal_form(enum flush_state kind, const struct flush_table *table, void *state)
{
	if (kind == FLUSH_STATE_AREA)
		memset(state, 0, sizeof(struct pairs_area));
}

const struct flush_policy flush_policy_counter_pages = {
	.abi = FLUSH_ABI_VERSION,
	.size = sizeof(struct flush_policy),
	.name = "counter_pages",
	.what = "flush an area when the object's (area, NC domain) pairs leave or reach 0",
	.claims = CONTRACT_O | CONTRACT_U,
	.needs = FLUSH_NEED_UNMAP_PFNS,
	.pages_size = sizeof(struct pairs_pages),
	.area_size = sizeof(struct pairs_area),
	.fill_begin = pairs_fill_begin,
	.fill_end = pairs_fill_end,
	.before_map = pairs_before_map,
	.after_unmap = pairs_after_unmap,
	.area_split = pairs_area_split,
	.normal_form = pairs_normal_form,
};

/*
 * counter_table: sound, because an area is in all domains of its table or in none. While the table
 * has an NC domain all its areas are exposed (a further one needs no flush for L and S0); the last
 * unmap that un-exposes them, by area or by detach, is flushed (I, E), area by area and always
 * after (O).
 */
struct table_area {
	bool opening; /* this fill flushes; its unwind does then too */
};

static int table_fill_begin(struct flush_area *area, u32 nr_nc, enum flush_fill_why why)
{
	struct table_area *ta = area->priv;

	ta->opening = nr_nc && (why == FLUSH_FILL_MAP || !area->table->nr_nc);
	return 0;
}

static int table_before_map(const struct flush_piece *p, u32 nr_nc)
{
	const struct table_area *ta = p->area->priv;

	if (ta->opening)
		flush_clean_piece(p);
	return 0;
}

static bool table_closing(const struct flush_piece *p, const struct flush_domain *domain)
{
	const struct table_area *ta = p->area->priv;
	u32 nr_nc = p->area->table->nr_nc;

	if (p->flags & FLUSH_UNWIND)
		return ta->opening;
	if (p->flags & FLUSH_STORAGE)
		return nr_nc;
	return domain->nc && nr_nc == 1;
}

static void table_after_unmap(const struct flush_piece *p, const struct flush_domain *domain)
{
	if (p->flags & FLUSH_FINAL && table_closing(p, domain))
		flush_clean_piece(p);
}

static void table_normal_form(enum flush_state kind, const struct flush_table *table, void *state)
{
	memset(state, 0, sizeof(struct table_area));
}

const struct flush_policy flush_policy_counter_table = {
	.abi = FLUSH_ABI_VERSION,
	.size = sizeof(struct flush_policy),
	.name = "counter_table",
	.what = "flush when the table gets its first, loses its last NC domain; map, unmap while "
		"it has one",
	.claims = CONTRACTS_SOUND | CONTRACT_E,
	.needs = FLUSH_NEED_UNMAP_PFNS,
	.area_size = sizeof(struct table_area),
	.fill_begin = table_fill_begin,
	.before_map = table_before_map,
	.after_unmap = table_after_unmap,
	.normal_form = table_normal_form,
};

/*
 * counter_unpin. I: attach NC, attach C, map, detach NC, unmap (the count is 0 by then); also map,
 * map, attach NC fails in the second area (a count changes only with an attach that succeeds).
 */
static int unpin_before_map(const struct flush_piece *p, u32 nr_nc)
{
	if (nr_nc)
		flush_clean_piece(p);
	return 0;
}

static void unpin_before_unpin(const struct flush_piece *p, enum flush_unpin_why why)
{
	if (p->area->table->nr_nc && why != FLUSH_UNPIN_TRANSIENT)
		flush_clean_piece(p);
}

const struct flush_policy flush_policy_counter_unpin = {
	.abi = FLUSH_ABI_VERSION,
	.size = sizeof(struct flush_policy),
	.name = "counter_unpin",
	.what = "flush every NC fill; at unpin iff the table has an NC domain then",
	.claims = CONTRACT_L | CONTRACT_S0 | CONTRACT_S1 | CONTRACT_O | CONTRACT_U,
	.before_map = unpin_before_map,
	.before_unpin = unpin_before_unpin,
};
