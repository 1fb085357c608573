// SPDX-License-Identifier: GPL-2.0-only
/*
 * The licence to skip, and the duty to flush at unpin, kept for each area. Both are in the wrong
 * place: the flag outlives the exposure (L, S0), and a page may be unpinned through an area that
 * never was NC: S0: attach C, attach NC, map, detach NC, attach NC (the flag is still set) I:
 * attach NC, map, copy into a table with a C domain, unmap the first, unmap the copy L:  map,
 * attach NC, detach, attach NC; where the last detach clears: map, attach NC fails, attach NC O
 * holds: all closing flushes are at unpin, where nothing maps the page any more.
 *
 * The flag is set with the decision, before the first pin can fail, as v1_posted sets its bit: a
 * request that fails leaves it behind, and its unwind still flushes what it unpins.
 */
#include "core/flush/flush.h"

struct flag_area {
	u64 flag; /* 0: clear; else 1 + the table's generation when it was set */
	bool need;
};

/* area_flag has no domain_detach(): one generation for ever, so that its flag is never cleared. */
struct flag_table {
	u64 generation;
};

static u64 flag_now(const struct flush_area *area)
{
	const struct flag_table *ft = area->table->priv;

	return 1 + ft->generation;
}

static int flag_fill_begin(struct flush_area *area, u32 nr_nc, enum flush_fill_why why)
{
	struct flag_area *fa = area->priv;

	fa->need = nr_nc && fa->flag != flag_now(area);
	if (nr_nc)
		fa->flag = flag_now(area);
	return 0;
}

static int flag_before_map(const struct flush_piece *p, u32 nr_nc)
{
	const struct flag_area *fa = p->area->priv;

	if (fa->need)
		flush_clean_piece(p);
	return 0;
}

static void flag_before_unpin(const struct flush_piece *p, enum flush_unpin_why why)
{
	const struct flag_area *fa = p->area->priv;

	if (fa->flag == flag_now(p->area) && why != FLUSH_UNPIN_TRANSIENT)
		flush_clean_piece(p);
}

/* The unpins of this detach are done; those of its areas still saw the flag. */
static void flag_domain_detach(struct flush_table *table, const struct flush_domain *domain)
{
	struct flag_table *ft = table->priv;

	if (!table->nr_domains)
		ft->generation++;
}

static void flag_area_split(struct flush_area *old, struct flush_area *left,
			    struct flush_area *right)
{
	const struct flag_area *fa = old->priv;
	struct flag_area *l = left->priv, *r = right->priv;

	l->flag = fa->flag;
	r->flag = fa->flag;
}

/* A flag of an older generation is as good as none, and its number says nothing. */
static void flag_normal_form(enum flush_state kind, const struct flush_table *table, void *state)
{
	const struct flag_area *fa = state;
	bool set;

	if (kind == FLUSH_STATE_TABLE) {
		memset(state, 0, sizeof(struct flag_table));
		return;
	}
	set = fa->flag == 1 + ((const struct flag_table *)table->priv)->generation;
	memset(state, 0, sizeof(struct flag_area));
	((struct flag_area *)state)->flag = set;
}

const struct flush_policy flush_policy_area_flag = {
	.abi = FLUSH_ABI_VERSION,
	.size = sizeof(struct flush_policy),
	.name = "area_flag",
	.what = "per area: the first NC fill flushes and sets its flag; unpin flushes iff set",
	.claims = CONTRACT_O | CONTRACT_U,
	.table_size = sizeof(struct flag_table),
	.area_size = sizeof(struct flag_area),
	.fill_begin = flag_fill_begin,
	.before_map = flag_before_map,
	.before_unpin = flag_before_unpin,
	.normal_form = flag_normal_form,
	.area_split = flag_area_split,
};

const struct flush_policy flush_policy_area_flag_clear = {
	.abi = FLUSH_ABI_VERSION,
	.size = sizeof(struct flush_policy),
	.name = "area_flag_clear",
	.what = "area_flag, cleared when the table's last domain has left",
	.claims = CONTRACT_O | CONTRACT_U,
	.table_size = sizeof(struct flag_table),
	.area_size = sizeof(struct flag_area),
	.domain_detach = flag_domain_detach,
	.fill_begin = flag_fill_begin,
	.before_map = flag_before_map,
	.before_unpin = flag_before_unpin,
	.normal_form = flag_normal_form,
	.area_split = flag_area_split,
};

/* Without area_split() the halves start empty. */
const struct flush_policy flush_policy_area_flag_split = {
	.abi = FLUSH_ABI_VERSION,
	.size = sizeof(struct flush_policy),
	.name = "area_flag_split",
	.what = "area_flag_clear, and both halves of a split start clear",
	.claims = CONTRACT_O | CONTRACT_U,
	.table_size = sizeof(struct flag_table),
	.area_size = sizeof(struct flag_area),
	.domain_detach = flag_domain_detach,
	.fill_begin = flag_fill_begin,
	.before_map = flag_before_map,
	.before_unpin = flag_before_unpin,
	.normal_form = flag_normal_form,
};
