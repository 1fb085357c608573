// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fixture: a policy with a hole that a reviewer could miss. Like exact_close it flushes a page when
 * its last NC mapping goes, and it reasons that a page which stays pinned from there on was cleaned
 * a moment ago, so that the next exposure needs no flush. It claims all that exact_close does. S0
 * breaks: the CPU may have stored to the page in between. Failing requests are not its business.
 */
#include "core/flush/flush.h"

struct flawed_page {
	u32 count;
	bool clean;
};

static bool page_open(void *state, const struct flush_piece *p, u32 nr_nc)
{
	struct flawed_page *page = state;
	bool flush = !page->count && !page->clean;

	page->count += nr_nc;
	page->clean = false;
	return flush;
}

static int flawed_before_map(const struct flush_piece *p, u32 nr_nc)
{
	int rc = nr_nc ? flush_create_page_states(p) : 0;

	if (nr_nc && !rc)
		flush_for_each_page(p, sizeof(struct flawed_page), page_open, nr_nc);
	return rc;
}

static bool page_close(void *state, const struct flush_piece *p, u32 arg)
{
	struct flawed_page *page = state;

	page->clean = !--page->count;
	return page->clean;
}

static void flawed_after_unmap(const struct flush_piece *p, const struct flush_domain *domain)
{
	if (domain->nc)
		flush_for_each_page(p, sizeof(struct flawed_page), page_close, 0);
}

static bool page_forget(void *state, const struct flush_piece *p, u32 arg)
{
	((struct flawed_page *)state)->clean = false;
	return false;
}

static void flawed_before_unpin(const struct flush_piece *p, enum flush_unpin_why why)
{
	flush_for_each_page(p, sizeof(struct flawed_page), page_forget, 0);
}

static void flawed_area_split(struct flush_area *old, struct flush_area *left,
			      struct flush_area *right)
{
	struct flawed_page *page;
	u64 n;

	if (!old->storage || left->last != right->first)
		return;
	page = flush_page_state(old->pages, left->last, false, &n);
	if (page)
		page->count += old->table->nr_nc;
}

static const struct flush_policy flawed = {
	.abi = FLUSH_ABI_VERSION,
	.size = sizeof(struct flush_policy),
	.name = "flawed",
	.what = "exact_close that trusts its closing flush while the page stays pinned",
	.claims = CONTRACTS_SOUND | CONTRACT_E,
	.needs = FLUSH_NEED_UNMAP_PFNS,
	.page_size = sizeof(struct flawed_page),
	.before_map = flawed_before_map,
	.after_unmap = flawed_after_unmap,
	.before_unpin = flawed_before_unpin,
	.area_split = flawed_area_split,
};

FLUSH_POLICY_EXPORT(flawed)
