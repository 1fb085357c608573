// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page by page as exact.c, but with marks of the pin epoch alone: what was cleaned in it stays
 * known even when the request fails, and the unpin clears the marks. Reaches the proven minimum of
 * page flushes for L and I: 2 an epoch, 1 where no exposure is for writing.
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
