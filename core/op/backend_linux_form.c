// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state of a kernel tree's structures as bytes, for tools that ask whether two states have the
 * same future; the counterpart of backend_core_form.c, whose head says what is left out and why it
 * may be. What a patch added to a table, a pages object or an area is kept byte by byte: only the
 * patch knows what it means, which can cost a fixpoint and never a verdict. A patch that keeps
 * pointers there has no form.
 */
#include "core/op/backend_linux_priv.h"
#include "core/op/form.h"

#include <stdlib.h>

#define FORM_AREAS 64  /* more than that in all tables: no form */
#define FORM_EXTRA 256 /* bytes that a patch added to one object */

struct place {
	u32 table;
	u64 iova, last;
	u64 pages;
};

struct form {
	struct linux_backend *l;
	const struct form_order *order;
	struct backend_view view;
	struct form_writer w;
	struct place area[FORM_AREAS];
	u64 pages[FORM_AREAS];
	u32 nr_areas, nr_pages;
	u32 table; /* being put, and how many areas of it are */
	u32 nth;
	u64 end; /* of the area before; 0: none */
	bool formless;
};

static void put_extra(struct form *f, enum linux_object what, u64 key, u32 n)
{
	const struct linux_backend *l = f->l;
	u64 from = (uintptr_t)l->arena, word;
	u8 bytes[FORM_EXTRA];
	size_t nr = l->tree->extra(l->run, what, key, n, bytes, sizeof(bytes));

	if (nr > sizeof(bytes)) {
		f->formless = true;
		return;
	}
	for (size_t i = 0; i + sizeof(word) <= nr; i++) {
		memcpy(&word, bytes + i, sizeof(word));
		f->formless |= word - from < arena_used(l->arena);
	}
	form_bytes(&f->w, bytes, nr);
}

/* Counted in the order in which areas show them. */
static u32 pages_number(struct form *f, u64 id)
{
	u32 i = 0;

	while (i < f->nr_pages && f->pages[i] != id)
		i++;
	if (i == f->nr_pages)
		f->pages[f->nr_pages++] = id;
	return i;
}

static u32 domain_slot(const struct form *f, u32 domain)
{
	struct view_table t;
	u32 i = 0;

	f->view.table(f->view.ctx, f->table, &t);
	while (i < t.nr_domains && f->view.table_domain(f->view.ctx, f->table, i) != domain)
		i++;
	return i + 1;
}

/* The newest first: an unmap releases them in that order. */
static void put_pins(struct form *f, const struct view_area *v)
{
	u64 base = v->first_index * PAGE_SIZE + v->page_offset;

	form_put(&f->w, v->num_accesses);
	for (const struct linux_pin *p = f->l->pins; p && v->num_accesses; p = p->next) {
		if (f->l->access_table[p->access - 1] != f->table || p->iova < v->iova ||
		    p->iova > v->last)
			continue;
		form_put(&f->w, (base + (p->iova - v->iova)) >> PAGE_SHIFT);
		form_put(&f->w, (base + (p->iova + p->length - 1 - v->iova)) >> PAGE_SHIFT);
	}
}

static bool put_area(void *arg, const struct view_area *v)
{
	struct form *f = arg;
	u64 gap = f->end ? (v->iova - f->end) >> PAGE_SHIFT : FORM_WIDE;

	if (f->nr_areas == FORM_AREAS || !v->pages) {
		f->formless = true;
		return false;
	}
	if (f->order->gaps)
		form_put(&f->w, min(gap, (u64)FORM_WIDE));
	f->end = v->last + 1;
	f->area[f->nr_areas++] = (struct place){f->table, v->iova, v->last, v->pages};
	form_put(&f->w, pages_number(f, v->pages));
	form_put(&f->w, v->first_index);
	form_put(&f->w, v->last_index);
	form_put(&f->w, v->page_offset);
	form_put(&f->w, (v->last - v->iova + 1) & PAGE_MASK);
	form_put(&f->w, v->prot << 1 | v->prevent_access);
	form_put(&f->w, v->storage_domain ? domain_slot(f, v->storage_domain) : 0);
	put_pins(f, v);
	put_extra(f, LINUX_AREA, f->table, f->nth++);
	return true;
}

/* How many domains of the table are older, and what kind it is. */
static void put_domain(struct form *f, u32 nr, u32 slot)
{
	u32 id = f->view.table_domain(f->view.ctx, f->table, slot), older = 0;

	for (u32 i = 0; i < nr; i++)
		older += f->view.table_domain(f->view.ctx, f->table, i) < id;
	form_put(&f->w, older << 1 | domain_nc(machine_domain(f->l->m, id)));
}

static bool put_table(struct form *f, u32 table)
{
	struct view_table t;

	if (!f->view.table(f->view.ctx, table, &t))
		return false;
	f->table = table;
	f->nth = 0;
	f->end = 0;
	form_put(&f->w, t.nr_domains);
	for (u32 i = 0; i < t.nr_domains; i++)
		put_domain(f, t.nr_domains, i);
	form_put(&f->w, t.iova_alignment << 1 | t.disable_large_pages);
	put_extra(f, LINUX_TABLE, table, 0);
	form_put(&f->w, view_nr_areas(&f->view, table));
	f->view.areas(f->view.ctx, table, put_area, f);
	return !f->formless;
}

static void put_source(void *arg, u32 table, u64 iova)
{
	struct form *f = arg;
	u32 i = 0;

	while (i < f->nr_areas && (f->area[i].table != table || f->area[i].iova != iova))
		i++;
	form_put(&f->w, i);
}

static bool put_object(void *arg, const struct view_pages *v)
{
	struct form *f = arg;

	if (v->id != f->pages[f->nth])
		return true;
	form_put(&f->w, form_buffer(f->order, v->uptr));
	form_put(&f->w, v->npages << 1 | v->writable);
	put_extra(f, LINUX_PAGES, v->id, 0);
	f->l->tree->domain_order(f->l->run, v->id, put_source, f);
	return false;
}

size_t linux_form(struct backend *b, const struct form_order *order, u8 *out, size_t room)
{
	struct form f = {.l = linux_of(b), .order = order, .w = {out, room, 0}};

	b->ops->view(b, &f.view);
	for (u32 i = 0; i < order->nr_tables; i++)
		if (!put_table(&f, order->table[i]))
			return SIZE_MAX;
	for (f.nth = 0; f.nth < f.nr_pages; f.nth++)
		f.view.pages(f.view.ctx, put_object, &f);
	return f.formless ? SIZE_MAX : f.w.nr;
}
