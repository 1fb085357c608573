// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tree's structures as plain records, for the reference model (core/machine/view.h), and the
 * bytes in them that nothing here explains, which a patch added.
 */
#include "core/linux/kernel.h"

#undef memcpy

static struct io_pagetable *iopt_of(void *ctx, u32 table)
{
	struct kenv_run *run = ctx;
	struct iommufd_ioas *ioas = kenv_id(&run->tables, table);

	return ioas ? &ioas->iopt : NULL;
}

/*
 * The walks below want the lock that the tree's iterators want. An oracle may look in the middle of
 * a request, which may hold it: so it is taken beside what is held, not as a lock.
 */
static struct kenv_run *look_begin(struct kenv_run *run, struct io_pagetable *iopt)
{
	struct kenv_run *outer = kenv_run;

	kenv_run = run;
	iopt->iova_rwsem.lock.readers++;
	return outer;
}

static void look_end(struct io_pagetable *iopt, struct kenv_run *outer)
{
	iopt->iova_rwsem.lock.readers--;
	kenv_run = outer;
}

static u32 count_entries(struct xarray *xa)
{
	unsigned long index;
	void *entry;
	u32 nr = 0;

	xa_for_each(xa, index, entry) nr++;
	return nr;
}

static bool view_table(void *ctx, u32 table, struct view_table *out)
{
	struct io_pagetable *iopt = iopt_of(ctx, table);

	if (!iopt)
		return false;
	*out = (struct view_table){
		.iova_alignment = iopt->iova_alignment,
		.disable_large_pages = iopt->disable_large_pages,
		.nr_domains = iopt->next_domain_id,
		.nr_accesses = count_entries(&iopt->access_list),
	};
	return true;
}

/* 0: the slot is empty, which it must not be. */
static u32 view_table_domain(void *ctx, u32 table, u32 slot)
{
	struct iommu_domain *d = xa_load(&iopt_of(ctx, table)->domains, slot);

	return d ? to_kenv_domain(d)->id : 0;
}

static bool in_domains_tree(const struct iopt_area *area)
{
	const struct interval_tree_node *want = &area->pages_node, *n;

	for (n = interval_tree_iter_first(&area->pages->domains_itree, want->start, want->last); n;
	     n = interval_tree_iter_next((struct interval_tree_node *)n, want->start, want->last))
		if (n == want)
			return true;
	return false;
}

static void view_areas(void *ctx, u32 table, view_area_fn fn, void *arg)
{
	struct io_pagetable *iopt = iopt_of(ctx, table);
	struct kenv_run *outer;
	struct iopt_area *area;

	if (!iopt)
		return;
	outer = look_begin(ctx, iopt);
	for (area = iopt_area_iter_first(iopt, 0, ULONG_MAX); area;
	     area = iopt_area_iter_next(area, 0, ULONG_MAX)) {
		struct view_area v = {
			.iova = iopt_area_iova(area),
			.last = iopt_area_last_iova(area),
			.first_index = iopt_area_index(area),
			.last_index = iopt_area_last_index(area),
			.page_offset = area->page_offset,
			.prot = area->iommu_prot,
			.pages = area->pages ? kenv_serial(area->pages) : 0,
			.storage_domain =
				area->storage_domain ? to_kenv_domain(area->storage_domain)->id : 0,
			.in_domains_tree = area->pages && in_domains_tree(area),
			.prevent_access = area->prevent_access,
			.num_accesses = area->num_accesses,
		};

		if (!fn(arg, &v))
			break;
	}
	look_end(iopt, outer);
}

/* The owner of a reservation is the domain itself, or nobody. */
static u32 owner_id(struct io_pagetable *iopt, const void *owner)
{
	struct iommu_domain *d;
	unsigned long index;

	xa_for_each(&iopt->domains, index, d) if (d == owner) return to_kenv_domain(d)->id;
	return owner ? U32_MAX : 0;
}

static void view_reserved(void *ctx, u32 table, view_range_fn fn, void *arg)
{
	struct io_pagetable *iopt = iopt_of(ctx, table);
	struct kenv_run *outer;
	struct iopt_reserved *r;

	if (!iopt)
		return;
	outer = look_begin(ctx, iopt);
	for (r = iopt_reserved_iter_first(iopt, 0, ULONG_MAX); r;
	     r = iopt_reserved_iter_next(r, 0, ULONG_MAX))
		if (!fn(arg, r->node.start, r->node.last, owner_id(iopt, r->owner)))
			break;
	look_end(iopt, outer);
}

static void view_allowed(void *ctx, u32 table, view_range_fn fn, void *arg)
{
	struct io_pagetable *iopt = iopt_of(ctx, table);
	struct kenv_run *outer;
	struct iopt_allowed *a;

	if (!iopt)
		return;
	outer = look_begin(ctx, iopt);
	for (a = iopt_allowed_iter_first(iopt, 0, ULONG_MAX); a;
	     a = iopt_allowed_iter_next(a, 0, ULONG_MAX))
		if (!fn(arg, a->node.start, a->node.last, 0))
			break;
	look_end(iopt, outer);
}

/* --- pages objects: those that areas show ------------------------------------------------------------ */

/* The object with the lowest serial above @after; NULL: none. */
static struct iopt_pages *next_pages(struct kenv_run *run, u64 after)
{
	struct iopt_pages *found = NULL;

	for (u32 t = 1; t <= run->tables.nr; t++) {
		struct io_pagetable *iopt = iopt_of(run, t);
		struct kenv_run *outer;
		struct iopt_area *area;

		if (!iopt)
			continue;
		outer = look_begin(run, iopt);
		for (area = iopt_area_iter_first(iopt, 0, ULONG_MAX); area;
		     area = iopt_area_iter_next(area, 0, ULONG_MAX))
			if (area->pages && kenv_serial(area->pages) > after &&
			    (!found || kenv_serial(area->pages) < kenv_serial(found)))
				found = area->pages;
		look_end(iopt, outer);
	}
	return found;
}

static struct iopt_pages *pages_of(struct kenv_run *run, u64 id)
{
	struct iopt_pages *pages = id ? next_pages(run, id - 1) : NULL;

	return pages && kenv_serial(pages) == id ? pages : NULL;
}

static void view_pages(void *ctx, view_pages_fn fn, void *arg)
{
	struct iopt_pages *pages = next_pages(ctx, 0);

	for (; pages; pages = next_pages(ctx, kenv_serial(pages))) {
		struct view_pages v = {
			.id = kenv_serial(pages),
			.npages = pages->npages,
			.npinned = pages->npinned,
			.last_npinned = pages->last_npinned,
			.refs = kref_read(&pages->kref),
			.task = pages->source_mm->task,
			.account_mode = pages->account_mode,
			.writable = pages->writable,
			.uptr = (uintptr_t)pages->uptr,
		};

		if (!fn(arg, &v))
			return;
	}
}

static void view_nodes(struct rb_root_cached *tree, bool accesses, view_node_fn fn, void *arg)
{
	struct interval_tree_node *n;

	for (n = interval_tree_iter_first(tree, 0, ULONG_MAX); n;
	     n = interval_tree_iter_next(n, 0, ULONG_MAX)) {
		struct view_node v = {.first = n->start, .last = n->last, .users = 1};

		if (accesses)
			v.users = container_of(n, struct iopt_pages_access, node)->users;
		if (!fn(arg, &v))
			return;
	}
}

static void view_domain_nodes(void *ctx, u64 id, view_node_fn fn, void *arg)
{
	struct iopt_pages *pages = pages_of(ctx, id);

	if (pages)
		view_nodes(&pages->domains_itree, false, fn, arg);
}

static void view_access_nodes(void *ctx, u64 id, view_node_fn fn, void *arg)
{
	struct iopt_pages *pages = pages_of(ctx, id);

	if (pages)
		view_nodes(&pages->access_itree, true, fn, arg);
}

static void view_pinned_pfns(void *ctx, u64 id, view_pfn_fn fn, void *arg)
{
	struct iopt_pages *pages = pages_of(ctx, id);
	unsigned long index;
	void *entry;

	if (!pages)
		return;
	xa_for_each(&pages->pinned_pfns, index,
		    entry) if (!fn(arg, index, xa_to_value(entry))) return;
}

void kenv_view(struct linux_run *run, struct backend_view *out)
{
	*out = (struct backend_view){
		.ctx = run,
		.table = view_table,
		.table_domain = view_table_domain,
		.areas = view_areas,
		.reserved = view_reserved,
		.allowed = view_allowed,
		.pages = view_pages,
		.domain_nodes = view_domain_nodes,
		.access_nodes = view_access_nodes,
		.pinned_pfns = view_pinned_pfns,
	};
}

static u32 table_of(struct kenv_run *run, const struct io_pagetable *iopt)
{
	u32 t = 1;

	while (t <= run->tables.nr && iopt_of(run, t) != iopt)
		t++;
	return t;
}

void kenv_domain_order(struct linux_run *lr, u64 id, void (*fn)(void *arg, u32 table, u64 iova),
		       void *arg)
{
	struct kenv_run *run = (struct kenv_run *)lr;
	struct iopt_pages *pages = pages_of(run, id);
	struct interval_tree_node *n;

	n = pages ? interval_tree_iter_first(&pages->domains_itree, 0, ULONG_MAX) : NULL;
	for (; n; n = interval_tree_iter_next(n, 0, ULONG_MAX)) {
		struct iopt_area *area = container_of(n, struct iopt_area, pages_node);

		fn(arg, table_of(run, area->iopt), iopt_area_iova(area));
	}
}

/* --- what a patch added ------------------------------------------------------------------------------ */

struct field {
	size_t at, size;
};
#define FIELD(type, member)                                         \
	{                                                           \
		offsetof(type, member), sizeof(((type *)0)->member) \
	}

static const struct field table_fields[] = {
	FIELD(struct io_pagetable, domains_rwsem),	 FIELD(struct io_pagetable, domains),
	FIELD(struct io_pagetable, access_list),	 FIELD(struct io_pagetable, next_domain_id),
	FIELD(struct io_pagetable, iova_rwsem),		 FIELD(struct io_pagetable, area_itree),
	FIELD(struct io_pagetable, allowed_itree),	 FIELD(struct io_pagetable, reserved_itree),
	FIELD(struct io_pagetable, disable_large_pages), FIELD(struct io_pagetable, iova_alignment),
};
static const struct field pages_fields[] = {
	FIELD(struct iopt_pages, kref),		 FIELD(struct iopt_pages, mutex),
	FIELD(struct iopt_pages, npages),	 FIELD(struct iopt_pages, npinned),
	FIELD(struct iopt_pages, last_npinned),	 FIELD(struct iopt_pages, source_task),
	FIELD(struct iopt_pages, source_mm),	 FIELD(struct iopt_pages, source_user),
	FIELD(struct iopt_pages, uptr),		 FIELD(struct iopt_pages, account_mode),
	FIELD(struct iopt_pages, pinned_pfns),	 FIELD(struct iopt_pages, access_itree),
	FIELD(struct iopt_pages, domains_itree),
#ifdef HAVE_FILE_PAGES
	FIELD(struct iopt_pages, type),
#endif
};
static const struct field area_fields[] = {
	FIELD(struct iopt_area, node),		 FIELD(struct iopt_area, pages_node),
	FIELD(struct iopt_area, iopt),		 FIELD(struct iopt_area, pages),
	FIELD(struct iopt_area, storage_domain), FIELD(struct iopt_area, page_offset),
	FIELD(struct iopt_area, iommu_prot),	 FIELD(struct iopt_area, num_accesses),
#ifdef HAVE_AREA_LOCKS
	FIELD(struct iopt_area, num_locks),
#endif
};

static bool is_known(const struct field *fields, size_t nr, size_t at)
{
	for (size_t i = 0; i < nr; i++)
		if (at - fields[i].at < fields[i].size)
			return true;
	return false;
}

static size_t unknown_bytes(const void *object, size_t size, const struct field *fields, size_t nr,
			    u8 *out, size_t room)
{
	const u8 *bytes = object;
	size_t n = 0;

	for (size_t at = 0; at < size; at++) {
		if (is_known(fields, nr, at))
			continue;
		if (n < room)
			out[n] = bytes[at];
		n++;
	}
	return n;
}

static struct iopt_area *nth_area(struct kenv_run *run, struct io_pagetable *iopt, u32 n)
{
	struct kenv_run *outer = look_begin(run, iopt);
	struct iopt_area *area = iopt_area_iter_first(iopt, 0, ULONG_MAX);

	while (area && n--)
		area = iopt_area_iter_next(area, 0, ULONG_MAX);
	look_end(iopt, outer);
	return area;
}

size_t kenv_extra(struct linux_run *lr, enum linux_object what, u64 key, u32 n, u8 *out,
		  size_t room)
{
	struct kenv_run *run = (struct kenv_run *)lr;
	struct io_pagetable *iopt;
	void *object;

	if (what == LINUX_PAGES) {
		object = pages_of(run, key);
		return object ? unknown_bytes(object, sizeof(struct iopt_pages), pages_fields,
					      ARRAY_SIZE(pages_fields), out, room)
			      : 0;
	}
	iopt = iopt_of(run, key);
	if (!iopt)
		return 0;
	if (what == LINUX_TABLE)
		return unknown_bytes(iopt, sizeof(*iopt), table_fields, ARRAY_SIZE(table_fields),
				     out, room);
	object = nth_area(run, iopt, n);
	return object ? unknown_bytes(object, sizeof(struct iopt_area), area_fields,
				      ARRAY_SIZE(area_fields), out, room)
		      : 0;
}
