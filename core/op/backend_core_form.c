// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state of the backend "core" as bytes, for tools that ask whether two states have the same
 * future. What is left out, and why it may be:
 *  - addresses, ids, serials and the age of objects: the core does not decide by them, and a policy
 *    may not (core/flush/flush.h), but for the age of a table's domains, which is kept;
 *    a domain's id in a policy's state becomes its place in the order of all ids there are, those of
 *    live domains too, so that what is the same, what is gone and what is older stays as it was; a
 *    serial stays as it is: no later request has it again;
 *  - gaps between areas that are wider than anything that goes there: requests name whole areas or
 *    parts of one, so only the order counts, and what fits between them;
 *  - pins of pages, the pfn array, charges, what domains map: they follow from areas, domains and
 *    accesses (invariants P1, S5, P7, D1 of core/README.md), which the reference model checks;
 *  - dirty marks and contents of frames: no request reads them.
 *  - for a policy without FLUSH_NEED_SOURCE, from which area a pfn is read back: all that cover the
 *    index give the same one (invariant S6).
 * What is kept although it looks like an accident: the order of the nodes in an object's
 * domains_itree where the policy is told (of equal first indexes the older one is read back), the
 * slots of domains, and the order of the pins through one area (its unmap releases them in that
 * order).
 */
#include "core/op/backend_core.h"
#include "core/op/form.h"

#include <stddef.h>
#include <stdlib.h>

#define FORM_AREAS 64		 /* more than that in all tables: no form */
#define FORM_IDS   64		 /* domains' ids in private state, and as many of live domains */
#define FORM_STACK (256UL << 10) /* what is as near as that to a local variable is one */
#define FORM_STATE 1024		 /* bytes of private state of one object */

struct form {
	struct core_backend *c;
	const struct form_order *order;
	struct form_writer w;
	const struct iopt_area *area[FORM_AREAS];
	struct iopt_pages *pages[FORM_AREAS];
	u32 nr_areas, nr_pages;
	struct {
		size_t at; /* in out */
		u32 id;
	} ids[FORM_IDS]; /* domains' ids in private state */
	u32 nr_ids;
	bool formless; /* pointers, or too many ids */
};

static void put_bytes(struct form *f, const void *data, size_t len)
{
	form_bytes(&f->w, data, len);
}

static void put(struct form *f, u64 v)
{
	form_put(&f->w, v);
}

/* What private state, which stands at @at of the form, must not or need not say as it does. */
static void look_at_state(struct form *f, size_t at, const u8 *state, u32 size)
{
	u64 from = (uintptr_t)f->c->ctx.arena, stack = (uintptr_t)&from, word;
	u32 half, nr_domains = machine_nr_domains(f->c->ctx.machine);

	for (u32 i = 0; i + sizeof(half) <= size; i += sizeof(half)) {
		memcpy(&half, state + i, sizeof(half));
		if (likely(half - FLUSH_DOMAIN_ID - 1 >= nr_domains))
			continue;
		if (f->nr_ids == FORM_IDS) {
			f->formless = true;
			return;
		}
		f->ids[f->nr_ids].at = at + i;
		f->ids[f->nr_ids++].id = half;
	}
	for (u32 i = 0; i + sizeof(word) <= size; i += sizeof(word)) {
		memcpy(&word, state + i, sizeof(word));
		f->formless |= word - from < arena_used(f->c->ctx.arena) ||
			       word - stack + FORM_STACK < 2 * FORM_STACK;
	}
}

static void put_state(struct form *f, enum flush_state kind, const struct flush_table *table,
		      const void *state, u32 size)
{
	const struct flush_policy *policy = f->c->ctx.policy;
	/* The policy sees its own type there: a place in the form may be aligned to nothing. */
	_Alignas(max_align_t) u8 copy[FORM_STATE];

	if (size > sizeof(copy)) {
		f->formless = true;
		return;
	}
	/* NULL: page state that was never made, which is zero. */
	if (state)
		memcpy(copy, state, size);
	else
		memset(copy, 0, size);
	if (policy->normal_form && size)
		policy->normal_form(kind, table, copy);
	look_at_state(f, f->w.nr, copy, size);
	put_bytes(f, copy, size);
}

/* The number of an object, counted in the order in which areas show them. */
static u32 pages_number(struct form *f, struct iopt_pages *pages)
{
	u32 i = 0;

	while (i < f->nr_pages && f->pages[i] != pages)
		i++;
	if (i == f->nr_pages)
		f->pages[f->nr_pages++] = pages;
	return i;
}

static u32 domain_slot(const struct io_pagetable *iopt, const struct iopt_domain *d)
{
	u32 i = 0;

	while (iopt->domains[i] != d)
		i++;
	return i + 1;
}

/* How many domains of the table are older: ids grow. */
static u32 domain_age(const struct io_pagetable *iopt, u32 slot)
{
	u32 age = 0;

	for (u32 i = 0; i < iopt->next_domain_id; i++)
		age += iopt->domains[i]->fd.id < iopt->domains[slot]->fd.id;
	return age;
}

/* The pins of one area, the newest first, as access->pins has them. */
static void put_pins(struct form *f, const struct iopt_area *area)
{
	u64 first = iopt_area_iova(area), last = iopt_area_last_iova(area);

	put(f, area->num_accesses);
	for (u32 i = 0; i < f->c->accesses_nr && area->num_accesses; i++) {
		const struct iommufd_access *access = f->c->accesses[i];

		if (!access || access->ioas_unpin != area->iopt)
			continue;
		for (const struct access_pin *p = access->pins; p; p = p->next) {
			if (p->iova < first || p->iova > last)
				continue;
			put(f, iopt_area_iova_to_index(area, p->iova));
			put(f, iopt_area_iova_to_index(area, p->iova + p->length - 1));
		}
	}
}

static bool put_area(struct form *f, const struct iopt_area *area)
{
	struct io_pagetable *iopt = area->iopt;

	if (f->nr_areas == FORM_AREAS || !area->pages)
		return false;
	f->area[f->nr_areas++] = area;
	put(f, pages_number(f, area->pages));
	put(f, iopt_area_index(area));
	put(f, iopt_area_last_index(area));
	put(f, area->page_offset);
	put(f, iopt_area_length(area) & PAGE_MASK);
	put(f, area->iommu_prot << 1 | area->prevent_access);
	put(f, area->storage_domain ? domain_slot(iopt, area->storage_domain) : 0);
	put_pins(f, area);
	put_state(f, FLUSH_STATE_AREA, &iopt->ft, area->fa.priv, f->c->ctx.policy->area_size);
	return true;
}

static bool put_table(struct form *f, struct io_pagetable *iopt)
{
	struct iopt_area *area;
	u64 end = 0, gap; /* end: of the area before; 0: none */

	put(f, iopt->next_domain_id);
	for (u32 i = 0; i < iopt->next_domain_id; i++)
		put(f, domain_age(iopt, i) << 1 | iopt->domains[i]->fd.nc);
	put(f, iopt->iova_alignment << 1 | iopt->disable_large_pages);
	put_state(f, FLUSH_STATE_TABLE, &iopt->ft, iopt->ft.priv, f->c->ctx.policy->table_size);
	put(f, iopt->nr_areas);
	for (area = iopt_area_iter_first(iopt, 0, UINT64_MAX); area;
	     area = iopt_area_iter_next(area, 0, UINT64_MAX)) {
		gap = end ? (iopt_area_iova(area) - end) >> PAGE_SHIFT : FORM_WIDE;
		if (f->order->gaps)
			put(f, min(gap, (u64)FORM_WIDE));
		end = iopt_area_last_iova(area) + 1;
		if (!put_area(f, area))
			return false;
	}
	return true;
}

static u32 area_number(const struct form *f, const struct iopt_area *area)
{
	u32 i = 0;

	while (i < f->nr_areas && f->area[i] != area)
		i++;
	return i;
}

static void put_pages(struct form *f, struct iopt_pages *pages)
{
	const struct flush_policy *policy = f->c->ctx.policy;
	struct itree_node *n;
	u64 left;

	put(f, form_buffer(f->order, pages->uptr));
	put(f, pages->npages << 1 | pages->writable);
	put_state(f, FLUSH_STATE_PAGES, NULL, pages->fp.priv, policy->pages_size);
	for (u64 i = 0; policy->page_size && i < pages->npages; i++)
		put_state(f, FLUSH_STATE_PAGE, NULL,
			  f->c->ctx.host.page_state(&pages->fp, i, false, &left),
			  policy->page_size);
	if (!(policy->needs & FLUSH_NEED_SOURCE))
		return;
	itree_for_each (n, &pages->domains_itree, 0, UINT64_MAX)
		put(f, area_number(f, container_of(n, struct iopt_area, pages_node)));
}

static int compare_ids(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return (x > y) - (x < y);
}

/* How many different ids of the sorted row are less. */
static u32 id_rank(const u32 *all, u32 nr, u32 id)
{
	u32 rank = 0;

	for (u32 i = 0; i < nr && all[i] < id; i++)
		rank += !i || all[i] != all[i - 1];
	return rank;
}

/* Instead of each id its place among all that are known, and the places of the live ones. */
static void name_ids(struct form *f)
{
	u32 all[2 * FORM_IDS], nr = 0;
	struct io_pagetable *iopt;

	for (; nr < f->nr_ids; nr++)
		all[nr] = f->ids[nr].id;
	for (u32 t = 0; t < f->order->nr_tables; t++) {
		iopt = table_by_id(f->c, f->order->table[t]);
		for (u32 i = 0; i < iopt->next_domain_id; i++) {
			f->formless |= nr == ARRAY_SIZE(all);
			if (nr < ARRAY_SIZE(all))
				all[nr++] = iopt->domains[i]->fd.id;
		}
	}
	qsort(all, nr, sizeof(*all), compare_ids);
	for (u32 i = 0; i < f->nr_ids; i++) {
		u32 name = FLUSH_DOMAIN_ID + id_rank(all, nr, f->ids[i].id);

		if (f->ids[i].at + sizeof(name) <= f->w.room)
			memcpy(f->w.out + f->ids[i].at, &name, sizeof(name));
	}
	for (u32 t = 0; t < f->order->nr_tables; t++) {
		iopt = table_by_id(f->c, f->order->table[t]);
		for (u32 i = 0; i < iopt->next_domain_id; i++)
			put(f, id_rank(all, nr, iopt->domains[i]->fd.id));
	}
}

size_t core_form(struct backend *b, const struct form_order *order, u8 *out, size_t room)
{
	struct form f = {.c = core_of(b), .order = order, .w = {out, room, 0}};
	struct io_pagetable *iopt;

	for (u32 i = 0; i < order->nr_tables; i++) {
		iopt = table_by_id(f.c, order->table[i]);
		if (!iopt || !put_table(&f, iopt))
			return SIZE_MAX;
	}
	for (u32 i = 0; i < f.nr_pages; i++)
		put_pages(&f, f.pages[i]);
	if (f.nr_ids)
		name_ids(&f);
	return f.formless ? SIZE_MAX : f.w.nr;
}
