// SPDX-License-Identifier: GPL-2.0-only
/*
 * Skip the opening flush of what was read back from an NC storage domain: such a page is exposed
 * right now, so it was cleaned when that exposure began (L) and nothing has to become visible anew
 * (S0). S1 breaks with every skip that a CPU store precedes. The variants change when the closing
 * flush comes.
 */
#include "core/flush/flush.h"

struct skip_pages {
	bool sticky;
};

static bool skip_allowed(const struct flush_piece *p)
{
	return p->origin == FLUSH_FROM_DOMAIN && p->src->nc;
}

static int skip_before_map(const struct flush_piece *p, u32 nr_nc)
{
	if (nr_nc && !skip_allowed(p))
		flush_clean_piece(p);
	return 0;
}

/* Each NC unmap of a request is followed by a flush of its pages, so the last one is. */
static void skip_after_unmap(const struct flush_piece *p, const struct flush_domain *domain)
{
	if (domain->nc)
		flush_clean_piece(p);
}

const struct flush_policy flush_policy_storage_skip = {
	.abi = FLUSH_ABI_VERSION,
	.size = sizeof(struct flush_policy),
	.name = "storage_skip",
	.what = "skip the fill flush of pfns read from an NC storage; flush after each NC unmap",
	.claims = CONTRACTS_SOUND | CONTRACT_E,
	.needs = FLUSH_NEED_UNMAP_PFNS | FLUSH_NEED_SOURCE,
	.before_map = skip_before_map,
	.after_unmap = skip_after_unmap,
};

/* Stays where it is while that is NC: a needless move would only cost. */
static u32 prefer_storage_pick(struct flush_area *area, const struct flush_domain *const *domains,
			       u32 n)
{
	u32 pick = n;

	for (u32 i = 0; i < n; i++) {
		if (!domains[i]->nc)
			continue;
		if (area->storage && domains[i]->id == area->storage->id)
			return i;
		pick = min(pick, i);
	}
	return pick < n ? pick : 0;
}

const struct flush_policy flush_policy_storage_skip_prefer = {
	.abi = FLUSH_ABI_VERSION,
	.size = sizeof(struct flush_policy),
	.name = "storage_skip_prefer",
	.what = "storage_skip with an NC storage whenever the table has an NC domain",
	.claims = CONTRACTS_SOUND | CONTRACT_E,
	.needs = FLUSH_NEED_UNMAP_PFNS | FLUSH_NEED_SOURCE,
	.before_map = skip_before_map,
	.after_unmap = skip_after_unmap,
	.storage_pick = prefer_storage_pick,
};

/* A skipped fill is an exposure like any other: the device may write. */
static int lazy_before_map(const struct flush_piece *p, u32 nr_nc)
{
	struct skip_pages *sp = p->pages->priv;

	if (nr_nc)
		sp->sticky = true;
	return skip_before_map(p, nr_nc);
}

static void lazy_before_unpin(const struct flush_piece *p, enum flush_unpin_why why)
{
	const struct skip_pages *sp = p->pages->priv;

	if (sp->sticky && why != FLUSH_UNPIN_TRANSIENT)
		flush_clean_piece(p);
}

static void lazy_pages_idle(struct flush_pages *pages)
{
	struct skip_pages *sp = pages->priv;

	sp->sticky = false;
}

/* E breaks as in sticky: nothing is flushed while some C domain keeps the page pinned. */
const struct flush_policy flush_policy_storage_skip_lazy = {
	.abi = FLUSH_ABI_VERSION,
	.size = sizeof(struct flush_policy),
	.name = "storage_skip_lazy",
	.what = "fills as storage_skip; no flush after unmap, at unpin iff sticky",
	.claims = CONTRACTS_SOUND,
	.needs = FLUSH_NEED_SOURCE,
	.pages_size = sizeof(struct skip_pages),
	.before_map = lazy_before_map,
	.before_unpin = lazy_before_unpin,
	.pages_idle = lazy_pages_idle,
};

/*
 * I: attach NC, map, copy to B, pin through B, unmap (left out), release. O: the same with a second
 * NC domain, whose own unmap flushes while the storage still exposes the page.
 */
static void held_after_unmap(const struct flush_piece *p, const struct flush_domain *domain)
{
	if (p->flags & FLUSH_STORAGE && p->flags & FLUSH_HELD_ACCESS)
		return;
	skip_after_unmap(p, domain);
}

const struct flush_policy flush_policy_storage_skip_held = {
	.abi = FLUSH_ABI_VERSION,
	.size = sizeof(struct flush_policy),
	.name = "storage_skip_held",
	.what = "storage_skip that leaves out pages held by accesses after the storage's unmap",
	.claims = CONTRACT_L | CONTRACT_S0 | CONTRACT_U,
	.needs = FLUSH_NEED_UNMAP_PFNS | FLUSH_NEED_SOURCE,
	.before_map = skip_before_map,
	.after_unmap = held_after_unmap,
};

static void held_before_unpin(const struct flush_piece *p, enum flush_unpin_why why)
{
	const struct skip_pages *sp = p->pages->priv;

	if (sp->sticky && why == FLUSH_UNPIN_ACCESS)
		flush_clean_piece(p);
}

/* I: as above, but attach C to B before the release: the C domain's unmap unpins, and flushes
 * nothing. */
const struct flush_policy flush_policy_storage_skip_held_release = {
	.abi = FLUSH_ABI_VERSION,
	.size = sizeof(struct flush_policy),
	.name = "storage_skip_held_release",
	.what = "storage_skip_held; a release flushes what it unpins if ever exposed",
	.claims = CONTRACT_L | CONTRACT_S0 | CONTRACT_U,
	.needs = FLUSH_NEED_UNMAP_PFNS | FLUSH_NEED_SOURCE,
	.pages_size = sizeof(struct skip_pages),
	.before_map = lazy_before_map,
	.after_unmap = held_after_unmap,
	.before_unpin = held_before_unpin,
};

/* I: attach NC to A, C to B, map, copy to B, unmap in A (B holds the page: left out), unmap in B.
 * O: as in held. */
static void unpin_after_unmap(const struct flush_piece *p, const struct flush_domain *domain)
{
	if (p->flags & FLUSH_STORAGE && !(p->flags & FLUSH_UNPINS))
		return;
	skip_after_unmap(p, domain);
}

const struct flush_policy flush_policy_storage_skip_unpin = {
	.abi = FLUSH_ABI_VERSION,
	.size = sizeof(struct flush_policy),
	.name = "storage_skip_unpin",
	.what = "storage_skip that flushes only what is unpinned after the storage's unmap",
	.claims = CONTRACT_L | CONTRACT_S0 | CONTRACT_U,
	.needs = FLUSH_NEED_UNMAP_PFNS | FLUSH_NEED_SOURCE,
	.before_map = skip_before_map,
	.after_unmap = unpin_after_unmap,
};

/*
 * I, E: attach C, attach NC, map, detach NC, unmap. O holds: the storage is unmapped last, and what
 * another area of a leaving last domain exposes is flushed again after that area.
 */
static void only_after_unmap(const struct flush_piece *p, const struct flush_domain *domain)
{
	if (p->flags & FLUSH_STORAGE)
		skip_after_unmap(p, domain);
}

const struct flush_policy flush_policy_storage_skip_only = {
	.abi = FLUSH_ABI_VERSION,
	.size = sizeof(struct flush_policy),
	.name = "storage_skip_only",
	.what = "storage_skip that flushes only after the unmap from the storage itself",
	.claims = CONTRACT_L | CONTRACT_S0 | CONTRACT_O | CONTRACT_U,
	.needs = FLUSH_NEED_UNMAP_PFNS | FLUSH_NEED_SOURCE,
	.before_map = skip_before_map,
	.after_unmap = only_after_unmap,
};

/*
 * Asks a flag instead of the storage. S0: attach NC, attach C, map, detach NC, attach NC. L holds:
 * while the area has a storage its pages stay pinned, and a set flag says they were cleaned since.
 */
struct stale_area {
	bool nc;
};

static int stale_before_map(const struct flush_piece *p, u32 nr_nc)
{
	const struct stale_area *src = p->origin == FLUSH_FROM_DOMAIN ? p->src_area->priv : NULL;

	if (nr_nc && !(src && src->nc))
		flush_clean_piece(p);
	return 0;
}

static void stale_storage_changed(struct flush_area *area, const struct flush_domain *old)
{
	struct stale_area *sa = area->priv;

	if (!old && area->storage)
		sa->nc = area->storage->nc;
}

static void stale_area_split(struct flush_area *old, struct flush_area *left,
			     struct flush_area *right)
{
	const struct stale_area *sa = old->priv;

	*(struct stale_area *)left->priv = *sa;
	*(struct stale_area *)right->priv = *sa;
}

const struct flush_policy flush_policy_storage_skip_stale = {
	.abi = FLUSH_ABI_VERSION,
	.size = sizeof(struct flush_policy),
	.name = "storage_skip_stale",
	.what = "storage_skip by a flag set with the storage, not refreshed when it moves",
	.claims = CONTRACT_L | CONTRACT_I | CONTRACT_E | CONTRACT_O | CONTRACT_U,
	.needs = FLUSH_NEED_UNMAP_PFNS | FLUSH_NEED_SOURCE,
	.area_size = sizeof(struct stale_area),
	.before_map = stale_before_map,
	.after_unmap = skip_after_unmap,
	.storage_changed = stale_storage_changed,
	.area_split = stale_area_split,
};
