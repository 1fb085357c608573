// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page by page as exact.c, but with marks of the pin epoch alone: what was cleaned in it stays
 * known even when the request fails, and the unpin clears the marks. Both reach the proven minimum
 * of page flushes: 2 an epoch with exact_once (L, I), m + 1 with exact_every (L, I, S1), where m is
 * the number of requests that add an NC mapping of the page.
 */
#include "core/flush/flush.h"

struct epoch_page {
	bool opened, written;
};

static bool page_open(void *state, const struct flush_piece *p, u32 nr_nc)
{
	struct epoch_page *page = state;
	bool first = !page->opened;

	page->opened = true;
	page->written |= p->area->writable;
	return first;
}

static int once_before_map(const struct flush_piece *p, u32 nr_nc)
{
	int rc = nr_nc ? flush_create_page_states(p) : 0;

	if (nr_nc && !rc)
		flush_for_each_page(p, sizeof(struct epoch_page), page_open, 0);
	return rc;
}

static bool page_end_epoch(void *state, const struct flush_piece *p, u32 nr_nc)
{
	struct epoch_page *page = state;
	bool written = page->written;

	*page = (struct epoch_page){0};
	return written;
}

static void once_before_unpin(const struct flush_piece *p, enum flush_unpin_why why)
{
	flush_for_each_page(p, sizeof(struct epoch_page), page_end_epoch, 0);
}

const struct flush_policy flush_policy_exact_once = {
	.abi = FLUSH_ABI_VERSION,
	.size = sizeof(struct flush_policy),
	.name = "exact_once",
	.what = "per page: flush at a pin epoch's first exposure, at unpin iff exposed for writing",
	.claims = CONTRACT_L | CONTRACT_I | CONTRACT_O | CONTRACT_U,
	.page_size = sizeof(struct epoch_page),
	.before_map = once_before_map,
	.before_unpin = once_before_unpin,
};

struct request_page {
	u64 serial; /* of the request that flushed it last */
	bool written;
};

static bool page_request(void *state, const struct flush_piece *p, u32 nr_nc)
{
	struct request_page *page = state;
	bool first = page->serial != p->serial;

	page->serial = p->serial;
	page->written |= p->area->writable;
	return first;
}

static int every_before_map(const struct flush_piece *p, u32 nr_nc)
{
	int rc = nr_nc ? flush_create_page_states(p) : 0;

	if (nr_nc && !rc)
		flush_for_each_page(p, sizeof(struct request_page), page_request, 0);
	return rc;
}

static bool page_request_unpin(void *state, const struct flush_piece *p, u32 nr_nc)
{
	struct request_page *page = state;
	bool written = page->written;

	page->written = false;
	return written;
}

static void every_before_unpin(const struct flush_piece *p, enum flush_unpin_why why)
{
	flush_for_each_page(p, sizeof(struct request_page), page_request_unpin, 0);
}

const struct flush_policy flush_policy_exact_every = {
	.abi = FLUSH_ABI_VERSION,
	.size = sizeof(struct flush_policy),
	.name = "exact_every",
	.what = "per page: one flush in every request that maps it NC, at unpin iff exposed for "
		"writing",
	.claims = CONTRACTS_SOUND | CONTRACT_S1,
	.page_size = sizeof(struct request_page),
	.before_map = every_before_map,
	.before_unpin = every_before_unpin,
};
