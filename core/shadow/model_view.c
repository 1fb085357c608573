// SPDX-License-Identifier: GPL-2.0-only
/* The backend's own structures against the model's: tables, areas, ranges, objects, trees, pfns. */
#include "core/shadow/model_priv.h"

#define ULL(x) ((unsigned long long)(x))

/* A value of the backend beside the model's; @id and @at say of what. */
static bool same(struct model *md, const char *rule, const char *what, u64 id, u64 at, u64 want,
		 u64 found)
{
	if (want == found)
		return true;
	model_report(md, rule, "%s (%llu, %#llx): expected %#llx, found %#llx", what, ULL(id),
		     ULL(at), ULL(want), ULL(found));
	return false;
}

/* --- tables ------------------------------------------------------------------------------ */

struct area_walk {
	struct model *md;
	const struct mtable *t;
	u32 i;
};

/*
 * Which domain is storage is the policy's choice; that there is one, and one of the table's, is
 * not.
 */
static void check_storage(struct model *md, const struct mtable *t, const struct view_area *v)
{
	bool found = false;

	same(md, "S1", "area stored (table, iova)", t->id, v->iova, t->domains.nr > 0,
	     v->storage_domain != 0);
	same(md, "S1", "area in domains_itree (table, iova)", t->id, v->iova, t->domains.nr > 0,
	     v->in_domains_tree);
	for (u32 i = 0; i < t->domains.nr; i++)
		found |= *vec_at(&t->domains, u32, i) == v->storage_domain;
	if (t->domains.nr && !found)
		model_report(md, "S2",
			     "area %#llx of table %u: expected storage in one of its "
			     "domains, found %u",
			     ULL(v->iova), t->id, v->storage_domain);
}

static bool check_area(void *ctx, const struct view_area *v)
{
	struct area_walk *w = ctx;
	const struct marea *a;
	u64 id = w->t->id;
	bool ok;

	if (w->i == w->t->areas.nr)
		return same(w->md, "I1", "area too many (table, iova)", id, v->iova, 0, 1);
	a = rows_at(&w->t->areas, struct marea, w->i++);
	if (!same(w->md, "I1", "area's start (table, iova)", id, a->iova, a->iova, v->iova))
		return false;
	ok = same(w->md, "I1", "area's last byte (table, iova)", id, a->iova, a->last, v->last);
	ok &= same(w->md, "I8", "area's pages (table, iova)", id, a->iova, a->pages->id, v->pages);
	ok &= same(w->md, "I9", "area's first index (table, iova)", id, a->iova,
		   area_index(a, a->iova), v->first_index);
	ok &= same(w->md, "I9", "area's last index (table, iova)", id, a->iova,
		   area_index(a, a->last), v->last_index);
	ok &= same(w->md, "I9", "area's page_offset (table, iova)", id, a->iova,
		   a->start_byte & PAGE_MASK, v->page_offset);
	ok &= same(w->md, "I11", "area's prot (table, iova)", id, a->iova, a->prot,
		   v->prot & (REQ_PROT_READ | REQ_PROT_WRITE));
	ok &= same(w->md, "A2", "area's prevent_access (table, iova)", id, a->iova, a->prevent,
		   v->prevent_access);
	ok &= same(w->md, "S4", "area's num_accesses (table, iova)", id, a->iova, a->num_accesses,
		   v->num_accesses);
	check_storage(w->md, w->t, v);
	return ok;
}

static bool gather(void *ctx, u64 start, u64 last, u64 owner)
{
	struct model *md = ctx;

	md_range_add(md, &md->scratch_ranges, start, last, owner);
	return true;
}

/* The walk's order among equal starts is the backend's; md_range_add() sorts. */
static void check_ranges(struct model *md, const char *rule, const struct mtable *t,
			 const struct vec *want)
{
	const struct vec *found = &md->scratch_ranges;

	if (!same(md, rule, "count of ranges (table)", t->id, 0, want->nr, found->nr))
		return;
	for (u32 i = 0; i < want->nr; i++) {
		const struct mrange *a = vec_at(want, struct mrange, i);
		const struct mrange *b = vec_at(found, struct mrange, i);

		if (!same(md, rule, "range's start (table, start)", t->id, a->start, a->start,
			  b->start) ||
		    !same(md, rule, "range's last (table, start)", t->id, a->start, a->last,
			  b->last) ||
		    !same(md, rule, "range's owner (table, start)", t->id, a->start, a->owner,
			  b->owner))
			return;
	}
}

/* A table's own words, and its domains slot by slot. */
static void check_slots(struct model *md, const struct backend_view *view, const struct mtable *t,
			const struct view_table *v)
{
	same(md, "I6", "iova_alignment (table)", t->id, 0, t->alignment, v->iova_alignment);
	same(md, "I6", "disable_large_pages (table)", t->id, 0, t->no_large,
	     v->disable_large_pages);
	same(md, "A3", "accesses (table)", t->id, 0, t->nr_accesses, v->nr_accesses);
	if (!same(md, "I7", "domains (table)", t->id, 0, t->domains.nr, v->nr_domains))
		return;
	for (u32 i = 0; i < t->domains.nr; i++)
		same(md, "I7", "domain (table, slot)", t->id, i, *vec_at(&t->domains, u32, i),
		     view->table_domain(view->ctx, t->id, i));
}

static void check_table(struct model *md, const struct backend_view *view, const struct mtable *t)
{
	struct area_walk w = {.md = md, .t = t};
	struct view_table v = {0};

	if (!view->table(view->ctx, t->id, &v)) {
		model_report(md, "I1", "table %u: expected it alive, found it gone", t->id);
		return;
	}
	check_slots(md, view, t, &v);
	view->areas(view->ctx, t->id, check_area, &w);
	same(md, "I1", "areas (table)", t->id, 0, t->areas.nr, w.i);
	md->scratch_ranges.nr = 0;
	view->reserved(view->ctx, t->id, gather, md);
	check_ranges(md, "I2", t, &t->reserved);
	md->scratch_ranges.nr = 0;
	view->allowed(view->ctx, t->id, gather, md);
	check_ranges(md, "I4", t, &t->allowed);
}

/* --- objects ----------------------------------------------------------------------------- */

/* Objects come in the order of their ids, in which the model has them too. */
struct pages_walk {
	struct model *md;
	u32 i;
};

static bool check_object(void *ctx, const struct view_pages *v)
{
	struct pages_walk *w = ctx;
	struct model *md = w->md;
	const struct mpages *p;

	if (w->i == md->pages.nr)
		return same(md, "P5", "object too many (pages)", v->id, 0, 0, 1);
	p = *rows_at(&md->pages, struct mpages *, w->i++);
	if (!same(md, "I8", "object (pages)", p->id, 0, p->id, v->id))
		return false;
	same(md, "I9", "npages (pages)", p->id, 0, p->npages, v->npages);
	same(md, "I9", "uptr (pages)", p->id, 0, p->uptr, v->uptr & ~PAGE_MASK);
	same(md, "P2", "npinned (pages)", p->id, 0, p->npinned, v->npinned);
	same(md, "P3", "last_npinned (pages)", p->id, 0, p->npinned, v->last_npinned);
	same(md, "I8", "references (pages)", p->id, 0, p->refs, v->refs);
	same(md, "P7", "task (pages)", p->id, 0, p->task, v->task);
	same(md, "P7", "account_mode (pages)", p->id, 0, p->mode, v->account_mode);
	same(md, "I11", "writable (pages)", p->id, 0, p->writable, v->writable);
	return true;
}

static bool gather_node(void *ctx, const struct view_node *node)
{
	struct model *md = ctx;

	md_node_add(md, &md->scratch, node->first, node->last, node->users);
	return !md->lost;
}

/* The multiset of ranges, however the tree orders equal starts. */
static void check_nodes(struct model *md, const char *rule, const struct mpages *p,
			const struct vec *want)
{
	const struct vec *found = &md->scratch;

	if (!same(md, rule, "nodes (pages)", p->id, 0, want->nr, found->nr))
		return;
	for (u32 i = 0; i < want->nr; i++) {
		const struct mnode *a = vec_at(want, struct mnode, i);
		const struct mnode *b = vec_at(found, struct mnode, i);

		if (!same(md, rule, "node's first (pages, first)", p->id, a->first, a->first,
			  b->first) ||
		    !same(md, rule, "node's last (pages, first)", p->id, a->first, a->last,
			  b->last) ||
		    !same(md, rule, "node's users (pages, first)", p->id, a->first, a->users,
			  b->users))
			return;
	}
}

struct pfn_walk {
	struct model *md;
	struct mpages *p;
	u64 seen;
};

static bool check_pfn(void *ctx, u64 index, u64 pfn)
{
	struct pfn_walk *w = ctx;
	const struct mslot *s = md_slot_get(w->md, w->p, index, false);

	w->seen++;
	if (!same(w->md, "S5", "pinned_pfns entry (pages, index)", w->p->id, index, s && s->acc, 1))
		return false;
	return same(w->md, "S6", "pinned_pfns (pages, index)", w->p->id, index, s->pfn, pfn);
}

/* The two trees and the array of one object. */
static void check_trees(struct model *md, const struct backend_view *view, struct mpages *p)
{
	struct pfn_walk w = {.md = md, .p = p};
	u32 before = md->nr_findings;

	md->scratch.nr = 0;
	view->domain_nodes(view->ctx, p->id, gather_node, md);
	check_nodes(md, "S3", p, &p->dnodes);
	md->scratch.nr = 0;
	view->access_nodes(view->ctx, p->id, gather_node, md);
	check_nodes(md, "S4", p, &p->anodes);
	view->pinned_pfns(view->ctx, p->id, check_pfn, &w);
	if (md->nr_findings == before)
		same(md, "S5", "pinned_pfns entries (pages)", p->id, 0, p->acc_pages, w.seen);
}

/* The trees only when the rows agree: one wrong row would be told once for every tree. */
void model_check_view(struct model *md, const struct backend_view *view)
{
	struct pages_walk w = {.md = md};
	u32 before = md->nr_findings;

	for (u32 i = 0; i < md->tables.nr; i++)
		check_table(md, view, *vec_at(&md->tables, struct mtable *, i));
	view->pages(view->ctx, check_object, &w);
	if (md->nr_findings == before)
		same(md, "I8", "objects (all)", 0, 0, md->pages.nr, w.i);
	for (u32 i = 0; i < w.i && md->nr_findings == before; i++)
		check_trees(md, view, *rows_at(&md->pages, struct mpages *, i));
}
