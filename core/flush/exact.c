// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page by page, with a count of exposures: (area, NC domain) pairs that reach the page. On
 * sequences without aliased frames and failing requests all three reach the proven minimum of page
 * flushes; where all exposures are for writing that is n + 1 with exact, 2n with exact_close, m + 1
 * with exact_every, n being the number of 0->1 exposures, m that of requests that add an NC
 * mapping.
 *
 * An opening flush undoes what devices wrote before it, as long as none can write at that moment:
 * the page owes no closing flush then, until it is exposed for writing again.
 *
 * before_map() adds a fill's NC targets at once, but a fill that fails has reached only some of
 * them. So while a fill runs its unmaps are not counted, and fill_end() takes off all that
 * before_map() added: for that the area keeps how far it got.
 */
#include "core/flush/flush.h"

struct count_page {
	u32 count : 31;	 /* exposures; of exact_every: those for writing */
	u32 written : 1; /* exposed for writing, not flushed since */
	u64 serial;	 /* exact_every: the request that flushed the page last */
};

struct count_area {
	u64 end;   /* the running fill has added its targets to [area->first..end-1] */
	u32 nr_nc; /* how many */
	bool filling;
};

static int count_fill_begin(struct flush_area *area, u32 nr_nc, enum flush_fill_why why)
{
	struct count_area *ca = area->priv;

	*ca = (struct count_area){.end = area->first, .nr_nc = nr_nc, .filling = true};
	return 0;
}

static void count_add(struct flush_pages *pages, u64 first, u64 end, s64 delta)
{
	struct count_page *page;
	u64 n;

	for (u64 i = first; i < end; i += n) {
		page = flush_page_state(pages, i, false, &n);
		n = min(n, end - i);
		for (u64 k = 0; page && k < n; k++)
			page[k].count += delta;
	}
}

static void count_fill_end(struct flush_area *area, int rc)
{
	struct count_area *ca = area->priv;

	if (rc)
		count_add(area->pages, area->first, ca->end, -(s64)ca->nr_nc);
	ca->filling = false;
}

static bool page_expose(void *state, const struct flush_piece *p, u32 nr_nc)
{
	struct count_page *page = state;
	bool first = !page->count;

	if (first)
		page->written = false;
	page->count += nr_nc;
	page->written |= p->area->writable;
	return first;
}

static int expose_pages(const struct flush_piece *p, u32 nr_nc, flush_page_fn expose, u32 arg)
{
	struct count_area *ca = p->area->priv;
	int rc;

	if (!nr_nc)
		return 0;
	rc = flush_create_page_states(p);
	if (rc)
		return rc;
	flush_for_each_page(p, sizeof(struct count_page), expose, arg);
	ca->end = p->last + 1;
	return 0;
}

static int count_before_map(const struct flush_piece *p, u32 nr_nc)
{
	return expose_pages(p, nr_nc, page_expose, nr_nc);
}

/* The halves of a cut inside a page both expose it. */
static void count_area_split(struct flush_area *old, struct flush_area *left,
			     struct flush_area *right)
{
	if (old->storage && left->last == right->first)
		count_add(old->pages, left->last, left->last + 1, old->table->nr_nc);
}

static bool page_conceal(void *state, const struct flush_piece *p, u32 nr_nc)
{
	struct count_page *page = state;

	page->count--;
	return false;
}

static void exact_after_unmap(const struct flush_piece *p, const struct flush_domain *domain)
{
	const struct count_area *ca = p->area->priv;

	if (domain->nc && !ca->filling)
		flush_for_each_page(p, sizeof(struct count_page), page_conceal, 0);
}

static bool page_unpin(void *state, const struct flush_piece *p, u32 nr_nc)
{
	struct count_page *page = state;
	bool written = page->written;

	page->written = false;
	return written;
}

static void exact_before_unpin(const struct flush_piece *p, enum flush_unpin_why why)
{
	flush_for_each_page(p, sizeof(struct count_page), page_unpin, 0);
}

/* An area's state is its fill's. */
static void count_normal_form(enum flush_state kind, const struct flush_table *table, void *state)
{
	if (kind == FLUSH_STATE_AREA)
		memset(state, 0, sizeof(struct count_area));
	else
		((struct count_page *)state)->serial = 0;
}

const struct flush_policy flush_policy_exact = {
	.abi = FLUSH_ABI_VERSION,
	.size = sizeof(struct flush_policy),
	.name = "exact",
	.what = "per page: flush on 0->1 exposure, at unpin iff it was exposed for writing",
	.claims = CONTRACTS_SOUND,
	.area_size = sizeof(struct count_area),
	.page_size = sizeof(struct count_page),
	.fill_begin = count_fill_begin,
	.fill_end = count_fill_end,
	.before_map = count_before_map,
	.after_unmap = exact_after_unmap,
	.before_unpin = exact_before_unpin,
	.area_split = count_area_split,
	.normal_form = count_normal_form,
};

static bool page_close(void *state, const struct flush_piece *p, u32 nr_nc)
{
	struct count_page *page = state;

	page->count--;
	return !page->count && page_unpin(state, p, 0);
}

/* A fill is being undone: the page was exposed by it alone iff its targets are all that is counted.
 */
static bool page_close_unwind(void *state, const struct flush_piece *p, u32 nr_nc)
{
	struct count_page *page = state;

	return page->count == nr_nc && page_unpin(state, p, 0);
}

static void close_after_unmap(const struct flush_piece *p, const struct flush_domain *domain)
{
	const struct count_area *ca = p->area->priv;

	if (!ca->filling && domain->nc)
		flush_for_each_page(p, sizeof(struct count_page), page_close, 0);
	else if (ca->filling && ca->nr_nc && p->flags & FLUSH_FINAL)
		flush_for_each_page(p, sizeof(struct count_page), page_close_unwind, ca->nr_nc);
}

const struct flush_policy flush_policy_exact_close = {
	.abi = FLUSH_ABI_VERSION,
	.size = sizeof(struct flush_policy),
	.name = "exact_close",
	.what = "per page: flush on 0->1 exposure, and on 1->0 of one for writing",
	.claims = CONTRACTS_SOUND | CONTRACT_E,
	.needs = FLUSH_NEED_UNMAP_PFNS,
	.area_size = sizeof(struct count_area),
	.page_size = sizeof(struct count_page),
	.fill_begin = count_fill_begin,
	.fill_end = count_fill_end,
	.before_map = count_before_map,
	.after_unmap = close_after_unmap,
	.area_split = count_area_split,
	.normal_form = count_normal_form,
};

/* For exact_every only exposures for writing count: it has to know whether a flush can last. */
static int every_fill_begin(struct flush_area *area, u32 nr_nc, enum flush_fill_why why)
{
	return count_fill_begin(area, area->writable ? nr_nc : 0, why);
}

static bool page_request(void *state, const struct flush_piece *p, u32 writers)
{
	struct count_page *page = state;
	bool first = page->serial != p->serial;

	if (first && !page->count)
		page->written = false;
	page->serial = p->serial;
	page->count += writers;
	page->written |= p->area->writable;
	return first;
}

static int every_before_map(const struct flush_piece *p, u32 nr_nc)
{
	const struct count_area *ca = p->area->priv;

	return expose_pages(p, nr_nc, page_request, ca->nr_nc);
}

static void every_after_unmap(const struct flush_piece *p, const struct flush_domain *domain)
{
	if (p->area->writable)
		exact_after_unmap(p, domain);
}

static void every_area_split(struct flush_area *old, struct flush_area *left,
			     struct flush_area *right)
{
	if (old->writable)
		count_area_split(old, left, right);
}

const struct flush_policy flush_policy_exact_every = {
	.abi = FLUSH_ABI_VERSION,
	.size = sizeof(struct flush_policy),
	.name = "exact_every",
	.what = "per page: one flush in every request that maps it NC, at unpin iff exposed for "
		"writing",
	.claims = CONTRACTS_SOUND | CONTRACT_S1,
	.area_size = sizeof(struct count_area),
	.page_size = sizeof(struct count_page),
	.fill_begin = every_fill_begin,
	.fill_end = count_fill_end,
	.before_map = every_before_map,
	.after_unmap = every_after_unmap,
	.before_unpin = exact_before_unpin,
	.area_split = every_area_split,
	.normal_form = count_normal_form,
};
