// SPDX-License-Identifier: GPL-2.0-only
/*
 * A bit in the object says that some page of it may have been written by a no-snoop device. It
 * never licenses a skip: being too coarse or too old only adds flushes.
 */
#include "core/flush/flush.h"

struct sticky_pages {
	bool sticky;
};

/* Set where the page is pinned already, so that pages_idle() is sure to come. */
static int sticky_before_map(const struct flush_piece *p, u32 nr_nc)
{
	struct sticky_pages *sp = p->pages->priv;

	if (!nr_nc)
		return 0;
	sp->sticky = true;
	flush_clean_piece(p);
	return 0;
}

static void sticky_before_unpin(const struct flush_piece *p, enum flush_unpin_why why)
{
	const struct sticky_pages *sp = p->pages->priv;

	if (sp->sticky && why != FLUSH_UNPIN_TRANSIENT)
		flush_clean_piece(p);
}

static void sticky_pages_idle(struct flush_pages *pages)
{
	struct sticky_pages *sp = pages->priv;

	sp->sticky = false;
}

/* E breaks: attach C, attach NC, map, detach NC leaves what the device wrote stale in the cache. */
const struct flush_policy flush_policy_sticky = {
	.abi = FLUSH_ABI_VERSION,
	.size = sizeof(struct flush_policy),
	.name = "sticky",
	.what = "flush on every NC fill; at unpin iff there was one since the object was idle",
	.claims = CONTRACTS_SOUND | CONTRACT_S1,
	.pages_size = sizeof(struct sticky_pages),
	.before_map = sticky_before_map,
	.before_unpin = sticky_before_unpin,
	.pages_idle = sticky_pages_idle,
};

/* While the bit is set, fills and unmaps of C domains flush too. */
static int max_before_map(const struct flush_piece *p, u32 nr_nc)
{
	struct sticky_pages *sp = p->pages->priv;

	if (nr_nc)
		sp->sticky = true;
	if (sp->sticky)
		flush_clean_piece(p);
	return 0;
}

static void max_after_unmap(const struct flush_piece *p, const struct flush_domain *domain)
{
	const struct sticky_pages *sp = p->pages->priv;

	if (sp->sticky)
		flush_clean_piece(p);
}

static void max_before_unpin(const struct flush_piece *p, enum flush_unpin_why why)
{
	const struct sticky_pages *sp = p->pages->priv;

	if (sp->sticky && why == FLUSH_UNPIN_ACCESS)
		flush_clean_piece(p);
}

const struct flush_policy flush_policy_sticky_max = {
	.abi = FLUSH_ABI_VERSION,
	.size = sizeof(struct flush_policy),
	.name = "sticky_max",
	.what = "from the first NC fill on: flush at every fill, after every unmap, at release",
	.claims = CONTRACTS_ALL,
	.needs = FLUSH_NEED_UNMAP_PFNS,
	.pages_size = sizeof(struct sticky_pages),
	.before_map = max_before_map,
	.after_unmap = max_after_unmap,
	.before_unpin = max_before_unpin,
};
