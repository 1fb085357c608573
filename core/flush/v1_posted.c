// SPDX-License-Identifier: GPL-2.0-only
/*
 * The patch as posted. Its licence to skip is coarser than a page (a copy of one slice marks them
 * all), outlives the pin epoch (never cleared), and its counter is wrong after an attach that
 * failed: L, S0: map 2 pages; copy page 0 to a lower IOVA; attach NC (page 1 comes second and is
 * skipped) I:     attach NC; attach C fails (the counter falls to 0); map; unmap (not sticky, no
 * flush) O holds: all closing flushes are at unpin, where nothing maps the page any more.
 */
#include "core/flush/flush.h"

struct v1_table {
	u32 count; /* wraps, on purpose */
};

struct v1_pages {
	bool sticky;
};

struct v1_area {
	bool need;
};

static int v1_domain_attach(struct flush_table *table, const struct flush_domain *domain)
{
	struct v1_table *vt = table->priv;

	vt->count += domain->nc;
	return 0;
}

static void v1_domain_attach_failed(struct flush_table *table, const struct flush_domain *domain)
{
	struct v1_table *vt = table->priv;

	vt->count--;
}

static void v1_domain_detach(struct flush_table *table, const struct flush_domain *domain)
{
	struct v1_table *vt = table->priv;

	vt->count -= domain->nc;
}

static int v1_fill_begin(struct flush_area *area, u32 nr_nc, enum flush_fill_why why)
{
	const struct v1_table *vt = area->table->priv;
	struct v1_pages *vp = area->pages->priv;
	struct v1_area *va = area->priv;

	va->need = vt->count && !vp->sticky;
	if (va->need)
		vp->sticky = true;
	return 0;
}

static int v1_before_map(const struct flush_piece *p, u32 nr_nc)
{
	const struct v1_area *va = p->area->priv;

	if (va->need)
		flush_clean_piece(p);
	return 0;
}

static void v1_before_unpin(const struct flush_piece *p, enum flush_unpin_why why)
{
	const struct v1_pages *vp = p->pages->priv;

	if (vp->sticky && why != FLUSH_UNPIN_TRANSIENT)
		flush_clean_piece(p);
}

/* The counter is only asked whether it is 0, but a failed attach may take it below. */
static void v1_normal_form(enum flush_state kind, const struct flush_table *table, void *state)
{
	if (kind == FLUSH_STATE_TABLE)
		((struct v1_table *)state)->count %= 8;
	else if (kind == FLUSH_STATE_AREA)
		((struct v1_area *)state)->need = false;
}

const struct flush_policy flush_policy_v1_posted = {
	.abi = FLUSH_ABI_VERSION,
	.size = sizeof(struct flush_policy),
	.name = "v1_posted",
	.what = "the posted patch: an object's first fill flushes if the table counts NC domains",
	.claims = CONTRACT_O | CONTRACT_U,
	.table_size = sizeof(struct v1_table),
	.pages_size = sizeof(struct v1_pages),
	.area_size = sizeof(struct v1_area),
	.domain_attach = v1_domain_attach,
	.domain_attach_failed = v1_domain_attach_failed,
	.domain_detach = v1_domain_detach,
	.fill_begin = v1_fill_begin,
	.before_map = v1_before_map,
	.before_unpin = v1_before_unpin,
	.normal_form = v1_normal_form,
};
