// SPDX-License-Identifier: GPL-2.0-only
#include "core/op/views.h"

static bool digest_area(void *arg, const struct view_area *v)
{
	u64 *h = arg;

	*h = hash_add(hash_add(*h, v->iova), v->last);
	*h = hash_add(hash_add(*h, v->first_index), v->page_offset);
	*h = hash_add(hash_add(*h, v->pages), v->storage_domain);
	*h = hash_add(hash_add(*h, v->prot), v->prevent_access);
	*h = hash_add(*h, v->num_accesses);
	return true;
}

static bool digest_range(void *arg, u64 start, u64 last, u64 owner)
{
	u64 *h = arg;

	*h = hash_add(hash_add(hash_add(*h, start), last), owner);
	return true;
}

/* Nodes that begin at one index have no order that means anything: their hashes are added up. */
static bool digest_node(void *arg, const struct view_node *v)
{
	*(u64 *)arg += hash_add(hash_add(hash_add(0, v->first), v->last), v->users);
	return true;
}

static bool digest_pfn(void *arg, u64 index, u64 pfn)
{
	u64 *h = arg;

	*h = hash_add(hash_add(*h, index), pfn);
	return true;
}

struct pages_digest {
	const struct backend_view *view;
	u64 hash;
};

static bool digest_pages(void *arg, const struct view_pages *v)
{
	struct pages_digest *d = arg;
	const struct backend_view *view = d->view;
	u64 nodes = 0, users = 0;

	d->hash = hash_add(hash_add(d->hash, v->id), v->npinned);
	d->hash = hash_add(hash_add(d->hash, v->last_npinned), v->refs);
	view->domain_nodes(view->ctx, v->id, digest_node, &nodes);
	view->access_nodes(view->ctx, v->id, digest_node, &users);
	d->hash = hash_add(hash_add(d->hash, nodes), users);
	view->pinned_pfns(view->ctx, v->id, digest_pfn, &d->hash);
	return true;
}

u64 view_digest(const struct backend_view *view, u32 nr_tables)
{
	struct pages_digest d = {.view = view};
	struct view_table t;

	for (u32 id = 1; id <= nr_tables; id++) {
		bool there = view->table(view->ctx, id, &t);

		d.hash = hash_add(d.hash, there ? t.iova_alignment + t.disable_large_pages : 0);
		for (u32 i = 0; there && i < t.nr_domains; i++)
			d.hash = hash_add(d.hash, view->table_domain(view->ctx, id, i));
		view->areas(view->ctx, id, digest_area, &d.hash);
		view->reserved(view->ctx, id, digest_range, &d.hash);
		view->allowed(view->ctx, id, digest_range, &d.hash);
	}
	view->pages(view->ctx, digest_pages, &d);
	return d.hash;
}

struct nth {
	u32 left;
	bool found;
	u64 iova, length;
};

static bool count_down(void *arg, const struct view_area *v)
{
	struct nth *n = arg;

	if (n->left--)
		return true;
	n->found = true;
	n->iova = v->iova;
	n->length = v->last - v->iova + 1;
	return false;
}

bool view_nth_area(const struct backend_view *view, u32 table, u32 n, u64 *iova, u64 *length)
{
	struct nth nth = {.left = n};

	view->areas(view->ctx, table, count_down, &nth);
	if (!nth.found)
		return false;
	*iova = nth.iova;
	*length = nth.length;
	return true;
}

static bool count(void *arg, const struct view_area *v)
{
	++*(u32 *)arg;
	return true;
}

u32 view_nr_areas(const struct backend_view *view, u32 table)
{
	u32 nr = 0;

	view->areas(view->ctx, table, count, &nr);
	return nr;
}
