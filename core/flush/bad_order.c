// SPDX-License-Identifier: GPL-2.0-only
/*
 * Closing flushes on the wrong side of the unmap: while the device can still write. They open well
 * (L, S0 and S1 hold); I, E and O must break at the first writable NC mapping that goes away.
 */
#include "core/flush/flush.h"

struct bad_area {
	u32 nr_nc;  /* of the last fill */
	u32 first;  /* id of the domain that request `serial` unmapped first */
	u64 serial; /* 0: none yet */
};

static int bad_fill_begin(struct flush_area *area, u32 nr_nc, enum flush_fill_why why)
{
	struct bad_area *ba = area->priv;

	ba->nr_nc = nr_nc;
	return 0;
}

static int bad_before_map(const struct flush_piece *p, u32 nr_nc)
{
	if (nr_nc)
		flush_clean_piece(p);
	return 0;
}

/* Walks on further domains of the same request flush nothing: one closing flush for each area. */
static void bad_before_unmap(const struct flush_piece *p, const struct flush_domain *domain)
{
	struct bad_area *ba = p->area->priv;

	if (ba->serial != p->serial) {
		ba->serial = p->serial;
		ba->first = domain->id;
	}
	if (ba->first == domain->id && flush_request_nc(p, domain, ba->nr_nc))
		flush_clean_piece(p);
}

/* Nothing of it outlives the request. */
static void bad_normal_form(enum flush_state kind, const struct flush_table *table, void *state)
{
	memset(state, 0, sizeof(struct bad_area));
}

const struct flush_policy flush_policy_bad_order = {
	.abi = FLUSH_ABI_VERSION,
	.size = sizeof(struct flush_policy),
	.name = "bad_order",
	.what = "opens like eager_merged; per area one flush before its first unmap, none after",
	.claims = CONTRACT_L | CONTRACT_S0 | CONTRACT_S1 | CONTRACT_U,
	.needs = FLUSH_NEED_BEFORE_UNMAP,
	.area_size = sizeof(struct bad_area),
	.fill_begin = bad_fill_begin,
	.before_map = bad_before_map,
	.before_unmap = bad_before_unmap,
	.normal_form = bad_normal_form,
};

struct unpin_pages {
	bool sticky;
};

static int unpin_before_map(const struct flush_piece *p, u32 nr_nc)
{
	struct unpin_pages *up = p->pages->priv;

	if (!nr_nc)
		return 0;
	up->sticky = true;
	flush_clean_piece(p);
	return 0;
}

/* Of an area's unmap and of a last domain's detach. An unwind has no storage, and closes as sticky
 * does. */
static void unpin_before_unmap(const struct flush_piece *p, const struct flush_domain *domain)
{
	const struct unpin_pages *up = p->pages->priv;

	if (up->sticky && p->flags & FLUSH_STORAGE && p->flags & FLUSH_UNPINS &&
	    !(p->flags & FLUSH_UNWIND))
		flush_clean_piece(p);
}

static void unpin_before_unpin(const struct flush_piece *p, enum flush_unpin_why why)
{
	const struct unpin_pages *up = p->pages->priv;

	if (up->sticky && (why == FLUSH_UNPIN_ACCESS || why == FLUSH_UNPIN_UNWIND))
		flush_clean_piece(p);
}

static void unpin_pages_idle(struct flush_pages *pages)
{
	struct unpin_pages *up = pages->priv;

	up->sticky = false;
}

const struct flush_policy flush_policy_bad_order_unpin = {
	.abi = FLUSH_ABI_VERSION,
	.size = sizeof(struct flush_policy),
	.name = "bad_order_unpin",
	.what = "sticky, but flushes what it will unpin before the unmap from the storage domain",
	.claims = CONTRACT_L | CONTRACT_S0 | CONTRACT_S1 | CONTRACT_U,
	.needs = FLUSH_NEED_BEFORE_UNMAP,
	.pages_size = sizeof(struct unpin_pages),
	.before_map = unpin_before_map,
	.before_unmap = unpin_before_unmap,
	.before_unpin = unpin_before_unpin,
	.pages_idle = unpin_pages_idle,
};
