// SPDX-License-Identifier: GPL-2.0-only
/*
 * Around every exposure: a flush before each NC mapping and after each NC unmap, unwinds included.
 * What was mapped last in a request is flushed last, so no clean can be followed by a device's
 * write.
 */
#include "core/flush/flush.h"

static int eager_before_map(const struct flush_piece *p, u32 nr_nc)
{
	while (nr_nc--)
		flush_clean_piece(p);
	return 0;
}

static void eager_after_unmap(const struct flush_piece *p, const struct flush_domain *domain)
{
	if (domain->nc)
		flush_clean_piece(p);
}

const struct flush_policy flush_policy_eager = {
	.abi = FLUSH_ABI_VERSION,
	.size = sizeof(struct flush_policy),
	.name = "eager",
	.what = "flush before each NC domain map and after each NC domain unmap",
	.claims = CONTRACTS_ALL,
	.needs = FLUSH_NEED_UNMAP_PFNS,
	.before_map = eager_before_map,
	.after_unmap = eager_after_unmap,
};

/* The same with one flush for all the domains of a request. */
struct merged_area {
	u32 nr_nc; /* of the last fill: what its unwind undoes */
};

static int merged_fill_begin(struct flush_area *area, u32 nr_nc, enum flush_fill_why why)
{
	struct merged_area *ma = area->priv;

	ma->nr_nc = nr_nc;
	return 0;
}

static int merged_before_map(const struct flush_piece *p, u32 nr_nc)
{
	if (nr_nc)
		flush_clean_piece(p);
	return 0;
}

static void merged_after_unmap(const struct flush_piece *p, const struct flush_domain *domain)
{
	const struct merged_area *ma = p->area->priv;

	if (p->flags & FLUSH_FINAL && flush_request_nc(p, domain, ma->nr_nc))
		flush_clean_piece(p);
}

/* Nothing of it outlives the request. */
static void merged_normal_form(enum flush_state kind, const struct flush_table *table, void *state)
{
	memset(state, 0, sizeof(struct merged_area));
}

const struct flush_policy flush_policy_eager_merged = {
	.abi = FLUSH_ABI_VERSION,
	.size = sizeof(struct flush_policy),
	.name = "eager_merged",
	.what = "per area one flush before the mapping loop, one after the last unmap, if any NC",
	.claims = CONTRACTS_ALL,
	.needs = FLUSH_NEED_UNMAP_PFNS,
	.area_size = sizeof(struct merged_area),
	.fill_begin = merged_fill_begin,
	.before_map = merged_before_map,
	.after_unmap = merged_after_unmap,
	.normal_form = merged_normal_form,
};
