// SPDX-License-Identifier: GPL-2.0-only
/*
 * The backend "core": requests on core/iopt under a flush policy. Objects by id, the ioctl layer's
 * errnos, and the view of the structures that the reference model compares with.
 */
#include "core/op/backend_core.h"
#include "core/op/envelope.h"
#include "core/op/views.h"

static const struct flush_policy no_policy = {.abi = FLUSH_ABI_VERSION, .name = "none"};

/* Room for id `nr + 1` in an array of pointers; doubling. */
static bool grow(struct core_backend *c, void ***array, u32 nr, u32 *size)
{
	u32 new = *size ? 2 * *size : 4;
	void **p;

	if (nr < *size)
		return true;
	p = arena_alloc(c->ctx.arena, new * sizeof(*p));
	if (!p)
		return false;
	if (nr)
		memcpy(p, *array, nr * sizeof(*p));
	arena_free(c->ctx.arena, *array, *size * sizeof(*p));
	*array = p;
	*size = new;
	return true;
}

static struct iommufd_access *access_by_id(struct core_backend *c, u32 id)
{
	return id && id <= c->accesses_nr ? c->accesses[id - 1] : NULL;
}

/* An id look-up of a user's request: a fault point of its own. */
static struct io_pagetable *get_table(struct core_backend *c, u32 id)
{
	return machine_should_fail(c->ctx.machine, FAULT_ID) ? NULL : table_by_id(c, id);
}

static struct iommufd_access *get_access(struct core_backend *c, u32 id)
{
	return machine_should_fail(c->ctx.machine, FAULT_ID) ? NULL : access_by_id(c, id);
}

static int do_table_create(struct core_backend *c, struct request *req)
{
	if (req->table != c->tables_nr + 1)
		return -EINVAL;
	if (!grow(c, (void ***)&c->tables, c->tables_nr, &c->tables_size))
		return -ENOMEM;
	c->tables[c->tables_nr] = iopt_create(&c->ctx);
	/* The id is used up either way: the caller counts creations. */
	return c->tables[c->tables_nr++] ? 0 : -ENOMEM;
}

static int do_table_destroy(struct core_backend *c, struct request *req)
{
	struct io_pagetable *iopt = get_table(c, req->table);

	if (!iopt)
		return -ENOENT;
	if (iopt->next_domain_id || iopt->nr_accesses)
		return -EBUSY;
	iopt_unmap_all(iopt, &req->out_length);
	iopt_remove_reserved_iova(iopt, NULL);
	iopt_destroy(iopt);
	c->tables[req->table - 1] = NULL;
	return 0;
}

static bool domain_in_use(struct core_backend *c, const struct domain *d)
{
	for (u32 i = 0; i < c->tables_nr; i++)
		for (u32 k = 0; c->tables[i] && k < c->tables[i]->next_domain_id; k++)
			if (c->tables[i]->domains[k]->d == d)
				return true;
	return false;
}

static int do_attach(struct core_backend *c, struct request *req)
{
	struct io_pagetable *iopt = get_table(c, req->table);
	struct domain *d = machine_domain(c->ctx.machine, req->domain);

	if (!iopt || !d)
		return -ENOENT;
	if (domain_in_use(c, d))
		return -EEXIST;
	return iopt_table_add_domain(iopt, d);
}

static int do_detach(struct core_backend *c, struct request *req)
{
	struct io_pagetable *iopt = table_by_id(c, req->table);
	struct domain *d = machine_domain(c->ctx.machine, req->domain);

	return iopt && d ? iopt_table_remove_domain(iopt, d) : -ENOENT;
}

static u32 prot_of(const struct request *req)
{
	return (req->prot & (DOMAIN_READ | DOMAIN_WRITE)) | DOMAIN_CACHE;
}

static int do_map(struct core_backend *c, struct request *req)
{
	struct io_pagetable *iopt = get_table(c, req->table);
	u32 flags = req->flags & REQF_FIXED ? 0 : IOPT_ALLOC_IOVA;
	int rc;

	if (!iopt)
		return -ENOENT;
	req->out_iova = req->iova;
	rc = iopt_map_user_pages(iopt, &req->out_iova, req->task, req->uptr, req->length,
				 prot_of(req), flags);
	if (rc)
		return rc;
	return req->flags & REQF_BAD_OUT ? -EFAULT : 0;
}

static int do_copy(struct core_backend *c, struct request *req)
{
	struct io_pagetable *src = get_table(c, req->src_table), *dst;
	u32 flags = req->flags & REQF_FIXED ? 0 : IOPT_ALLOC_IOVA;
	struct iopt_pages_list *list;
	int rc;

	if (!src)
		return -ENOENT;
	rc = iopt_get_pages(src, req->src_iova, req->length, &list);
	if (rc)
		return rc;
	dst = get_table(c, req->table);
	rc = -ENOENT;
	if (dst) {
		req->out_iova = req->iova;
		rc = iopt_map_pages(dst, list, req->length, &req->out_iova, prot_of(req), flags);
	}
	iopt_free_pages_list(&c->ctx, list);
	if (rc)
		return rc;
	return req->flags & REQF_BAD_OUT ? -EFAULT : 0;
}

static int do_unmap(struct core_backend *c, struct request *req)
{
	struct io_pagetable *iopt = get_table(c, req->table);
	int rc;

	if (!iopt)
		return -ENOENT;
	rc = envelope_after_id(req);
	if (rc)
		return rc;
	if (envelope_unmap_is_all(req)) {
		rc = iopt_unmap_all(iopt, &req->out_length);
	} else {
		rc = iopt_unmap_iova(iopt, req->iova, req->length, &req->out_length);
		if (!rc && !req->out_length)
			rc = -ENOENT;
	}
	if (rc)
		return rc;
	return req->flags & REQF_BAD_OUT ? -EFAULT : 0;
}

static int do_cut(struct core_backend *c, struct request *req)
{
	struct io_pagetable *iopt = get_table(c, req->table);

	return iopt ? iopt_cut_iova(iopt, req->iova) : -ENOENT;
}

static int do_access_create(struct core_backend *c, struct request *req)
{
	if (req->access != c->accesses_nr + 1)
		return -EINVAL;
	if (!grow(c, (void ***)&c->accesses, c->accesses_nr, &c->accesses_size))
		return -ENOMEM;
	c->accesses[c->accesses_nr] =
		iommufd_access_create(&c->ctx, req->access, req->flags & REQF_PIN);
	return c->accesses[c->accesses_nr++] ? 0 : -ENOMEM;
}

static int do_access_destroy(struct core_backend *c, struct request *req)
{
	struct iommufd_access *access = access_by_id(c, req->access);
	int rc;

	if (!access)
		return -ENOENT;
	rc = iommufd_access_destroy(access);
	if (!rc)
		c->accesses[req->access - 1] = NULL;
	return rc;
}

static int do_access_move(struct core_backend *c, struct request *req)
{
	struct iommufd_access *access = access_by_id(c, req->access);
	struct io_pagetable *iopt;

	if (!access)
		return -ENOENT;
	if (req->kind == REQ_ACCESS_DETACH)
		return iommufd_access_detach(access);
	if (req->kind == REQ_ACCESS_ATTACH && access->ioas)
		return -EINVAL;
	if (req->kind == REQ_ACCESS_REPLACE && !access->ioas)
		return -ENOENT;
	iopt = get_table(c, req->table);
	if (!iopt)
		return -ENOENT;
	return req->kind == REQ_ACCESS_ATTACH ? iommufd_access_attach(access, iopt)
					      : iommufd_access_replace(access, iopt);
}

static int do_pin(struct core_backend *c, struct request *req)
{
	struct iommufd_access *access = get_access(c, req->access);

	if (!access)
		return -ENOENT;
	if (!access->needs_pinning)
		return -EOPNOTSUPP;
	return iommufd_access_pin_pages(access, req->iova, req->length, req->pfns,
					req->flags & REQF_WRITE);
}

static int do_unpin(struct core_backend *c, struct request *req)
{
	struct iommufd_access *access = access_by_id(c, req->access);

	return access ? iommufd_access_unpin_pages(access, req->iova, req->length) : -ENOENT;
}

static int do_rw(struct core_backend *c, struct request *req)
{
	struct iommufd_access *access = get_access(c, req->access);

	if (!access)
		return -ENOENT;
	return iommufd_access_rw(access, req->iova, req->data, req->length, req->flags & REQF_WRITE,
				 req->flags & REQF_KTHREAD, req->task);
}

static int do_reserve(struct core_backend *c, struct request *req)
{
	struct io_pagetable *iopt = get_table(c, req->table);

	if (!iopt)
		return -ENOENT;
	if (req->kind == REQ_RESERVE)
		return iopt_reserve_iova(iopt, req->iova, req->last, NULL);
	iopt_remove_reserved_iova(iopt, NULL);
	return 0;
}

static int do_allow(struct core_backend *c, struct request *req)
{
	struct io_pagetable *iopt = get_table(c, req->table);

	if (!iopt)
		return -ENOENT;
	return iopt_set_allow_iova(iopt, req->ranges, req->nr_ranges, req->flags & REQF_BAD_IN);
}

static int do_ranges(struct core_backend *c, struct request *req)
{
	struct io_pagetable *iopt = get_table(c, req->table);

	if (!iopt)
		return -ENOENT;
	return envelope_after_id(req)
		       ?: iopt_iova_ranges(iopt, req->ranges, req->nr_ranges, &req->out_nr,
					   &req->out_alignment);
}

static int do_huge_pages(struct core_backend *c, struct request *req)
{
	struct io_pagetable *iopt = get_table(c, req->table);

	if (!iopt)
		return -ENOENT;
	if (req->flags & REQF_BAD_OP)
		return -EOPNOTSUPP;
	if (req->flags & REQF_GET) {
		req->out_length = !iopt->disable_large_pages;
		return 0;
	}
	return req->value > 1 ? -EINVAL : iopt_set_huge_pages(iopt, req->value);
}

static bool any_object(const struct core_backend *c)
{
	u32 i;

	for (i = 0; i < c->tables_nr; i++)
		if (c->tables[i])
			return true;
	for (i = 0; i < c->accesses_nr; i++)
		if (c->accesses[i])
			return true;
	return false;
}

static int do_rlimit_mode(struct core_backend *c, struct request *req)
{
	if (req->flags & REQF_BAD_OP)
		return -EOPNOTSUPP;
	if (req->flags & REQF_GET) {
		req->out_length = c->ctx.account_mode == IOPT_PAGES_ACCOUNT_MM;
		return 0;
	}
	if (!machine_task(c->ctx.machine, req->task)->cap_sys_resource)
		return -EPERM;
	if (any_object(c))
		return -EBUSY;
	if (req->value > 1)
		return -EINVAL;
	c->ctx.account_mode = req->value ? IOPT_PAGES_ACCOUNT_MM : IOPT_PAGES_ACCOUNT_USER;
	return 0;
}

static int do_temp_limit(struct core_backend *c, struct request *req)
{
	if (req->value < TEMP_MEMORY_LIMIT_MIN || req->value > UINT32_MAX)
		return -EINVAL;
	c->ctx.temp_limit = req->value;
	return 0;
}

static int dispatch(struct core_backend *c, struct request *req)
{
	switch (req->kind) {
	case REQ_NONE:
		return 0;
	case REQ_TABLE_CREATE:
		return do_table_create(c, req);
	case REQ_TABLE_DESTROY:
		return do_table_destroy(c, req);
	case REQ_ATTACH:
		return do_attach(c, req);
	case REQ_DETACH:
		return do_detach(c, req);
	case REQ_MAP:
		return do_map(c, req);
	case REQ_COPY:
		return do_copy(c, req);
	case REQ_CUT:
		return do_cut(c, req);
	case REQ_UNMAP:
		return do_unmap(c, req);
	case REQ_ACCESS_CREATE:
		return do_access_create(c, req);
	case REQ_ACCESS_DESTROY:
		return do_access_destroy(c, req);
	case REQ_ACCESS_ATTACH:
	case REQ_ACCESS_REPLACE:
	case REQ_ACCESS_DETACH:
		return do_access_move(c, req);
	case REQ_PIN:
		return do_pin(c, req);
	case REQ_UNPIN:
		return do_unpin(c, req);
	case REQ_RW:
		return do_rw(c, req);
	case REQ_RESERVE:
	case REQ_UNRESERVE:
		return do_reserve(c, req);
	case REQ_ALLOW:
		return do_allow(c, req);
	case REQ_RANGES:
		return do_ranges(c, req);
	case REQ_HUGE_PAGES:
		return do_huge_pages(c, req);
	case REQ_RLIMIT_MODE:
		return do_rlimit_mode(c, req);
	case REQ_TEMP_LIMIT:
		return do_temp_limit(c, req);
	}
	return -ENOTTY;
}

static void core_execute(struct backend *b, struct request *req)
{
	req->out_length = 0;
	req->out_nr = 0;
	req->rc = envelope_before_id(req) ?: dispatch(core_of(b), req);
}

static void access_unmap(void *arg, u32 access, u64 iova, u64 length)
{
	struct core_backend *c = arg;

	if (c->cb.access_unmap)
		c->cb.access_unmap(c->cb.ctx, access, iova, length);
}

static struct backend *core_create(const struct backend_ops *ops, struct arena *arena,
				   struct machine *m, const struct flush_policy *policy,
				   const struct backend_callbacks *cb)
{
	struct core_backend *c = arena_alloc(arena, sizeof(*c));

	if (!c)
		return NULL;
	c->b.ops = ops;
	if (cb)
		c->cb = *cb;
	c->ctx.machine = m;
	c->ctx.arena = arena;
	c->ctx.policy = policy ? policy : &no_policy;
	c->ctx.temp_limit = TEMP_MEMORY_LIMIT;
	c->ctx.account_mode = IOPT_PAGES_ACCOUNT_USER;
	c->ctx.access_unmap = access_unmap;
	c->ctx.access_unmap_arg = c;
	mutex_init(&c->ctx.list_lock, LOCK_LIST);
	hooks_setup(&c->ctx);
	return &c->b;
}

/* Accesses first, for they pin; then domains, then tables. */
static void core_destroy(struct backend *b)
{
	struct core_backend *c = core_of(b);
	struct arena *arena = c->ctx.arena;
	u64 unmapped;
	u32 i;

	for (i = 0; i < c->accesses_nr; i++)
		if (c->accesses[i])
			iommufd_access_destroy(c->accesses[i]);
	for (i = 0; i < c->tables_nr; i++) {
		struct io_pagetable *iopt = c->tables[i];

		if (!iopt)
			continue;
		iopt_unmap_all(iopt, &unmapped);
		while (iopt->next_domain_id)
			iopt_table_remove_domain(iopt, iopt->domains[0]->d);
		iopt_remove_reserved_iova(iopt, NULL);
		iopt_destroy(iopt);
	}
	arena_free(arena, c->tables, c->tables_size * sizeof(*c->tables));
	arena_free(arena, c->accesses, c->accesses_size * sizeof(*c->accesses));
	arena_free(arena, c, sizeof(*c));
}

/* --- the view ---------------------------------------------------------------- */

static bool view_table(void *ctx, u32 id, struct view_table *out)
{
	struct io_pagetable *iopt = table_by_id(ctx, id);

	if (!iopt)
		return false;
	*out = (struct view_table){
		.iova_alignment = iopt->iova_alignment,
		.disable_large_pages = iopt->disable_large_pages,
		.nr_domains = iopt->next_domain_id,
		.nr_accesses = iopt->nr_accesses,
	};
	return true;
}

static u32 view_table_domain(void *ctx, u32 id, u32 slot)
{
	return domain_id(table_by_id(ctx, id)->domains[slot]->d);
}

static bool in_domains_tree(const struct iopt_area *area)
{
	struct itree_node *n;

	itree_for_each (n, &area->pages->domains_itree, area->pages_node.start,
			area->pages_node.last)
		if (n == &area->pages_node)
			return true;
	return false;
}

static void view_areas(void *ctx, u32 id, view_area_fn fn, void *arg)
{
	struct io_pagetable *iopt = table_by_id(ctx, id);
	struct iopt_area *area = iopt ? iopt_area_iter_first(iopt, 0, UINT64_MAX) : NULL;

	for (; area; area = iopt_area_iter_next(area, 0, UINT64_MAX)) {
		struct view_area v = {
			.iova = iopt_area_iova(area),
			.last = iopt_area_last_iova(area),
			.first_index = iopt_area_index(area),
			.last_index = iopt_area_last_index(area),
			.page_offset = area->page_offset,
			.prot = area->iommu_prot,
			.pages = area->pages ? area->pages->id : 0,
			.storage_domain = area->storage_domain ? domain_id(area->storage_domain->d)
							       : 0,
			.in_domains_tree = area->pages && in_domains_tree(area),
			.prevent_access = area->prevent_access,
			.num_accesses = area->num_accesses,
		};

		if (!fn(arg, &v))
			return;
	}
}

static void view_ranges(const struct itree *tree, view_range_fn fn, void *arg)
{
	struct itree_node *n;

	itree_for_each (n, tree, 0, UINT64_MAX) {
		const struct iopt_domain *owner = container_of(n, struct iopt_range, node)->owner;

		if (!fn(arg, n->start, n->last, owner ? domain_id(owner->d) : 0))
			return;
	}
}

static void view_reserved(void *ctx, u32 id, view_range_fn fn, void *arg)
{
	struct io_pagetable *iopt = table_by_id(ctx, id);

	if (iopt)
		view_ranges(&iopt->reserved_itree, fn, arg);
}

static void view_allowed(void *ctx, u32 id, view_range_fn fn, void *arg)
{
	struct io_pagetable *iopt = table_by_id(ctx, id);

	if (iopt)
		view_ranges(&iopt->allowed_itree, fn, arg);
}

static struct iopt_pages *pages_by_id(struct core_backend *c, u64 id)
{
	struct iopt_pages *pages;

	for (pages = c->ctx.pages_list; pages && pages->id != id; pages = pages->next)
		;
	return pages;
}

static void view_pages(void *ctx, view_pages_fn fn, void *arg)
{
	struct core_backend *c = ctx;
	struct iopt_pages *pages = c->ctx.pages_list;

	/* The list is newest first; ids grow, and the walk is ascending. */
	while (pages && pages->next)
		pages = pages->next;
	for (; pages; pages = pages->prev) {
		struct view_pages v = {
			.id = pages->id,
			.npages = pages->npages,
			.npinned = pages->npinned,
			.last_npinned = pages->last_npinned,
			.refs = pages->refs,
			.task = pages->task,
			.account_mode = pages->account_mode,
			.writable = pages->writable,
			.uptr = pages->uptr,
		};

		if (!fn(arg, &v))
			return;
	}
}

static void view_domain_nodes(void *ctx, u64 id, view_node_fn fn, void *arg)
{
	struct iopt_pages *pages = pages_by_id(ctx, id);
	struct itree_node *n;

	if (!pages)
		return;
	itree_for_each (n, &pages->domains_itree, 0, UINT64_MAX) {
		struct view_node v = {.first = n->start, .last = n->last, .users = 1};

		if (!fn(arg, &v))
			return;
	}
}

static void view_access_nodes(void *ctx, u64 id, view_node_fn fn, void *arg)
{
	struct iopt_pages *pages = pages_by_id(ctx, id);
	struct itree_node *n;

	if (!pages)
		return;
	itree_for_each (n, &pages->access_itree, 0, UINT64_MAX) {
		struct view_node v = {
			.first = n->start,
			.last = n->last,
			.users = container_of(n, struct iopt_pages_access, node)->users};

		if (!fn(arg, &v))
			return;
	}
}

static void view_pinned_pfns(void *ctx, u64 id, view_pfn_fn fn, void *arg)
{
	struct iopt_pages *pages = pages_by_id(ctx, id);
	u64 at, pfn;

	if (!pages)
		return;
	for (u64 i = 0; pfn_store_next(&pages->pinned_pfns, i, &at, &pfn); i = at + 1)
		if (!fn(arg, at, pfn))
			return;
}

static void core_view(struct backend *b, struct backend_view *out)
{
	*out = (struct backend_view){
		.ctx = core_of(b),
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

static bool core_nth_area(struct backend *b, u32 table, u32 n, u64 *iova, u64 *length)
{
	struct io_pagetable *iopt = table_by_id(core_of(b), table);
	struct iopt_area *area;

	if (!iopt || n >= iopt->nr_areas)
		return false;
	area = iopt_area_iter_first(iopt, 0, UINT64_MAX);
	while (n--)
		area = iopt_area_iter_next(area, 0, UINT64_MAX);
	*iova = iopt_area_iova(area);
	*length = iopt_area_length(area);
	return true;
}

static u32 core_nr_areas(struct backend *b, u32 table)
{
	struct io_pagetable *iopt = table_by_id(core_of(b), table);

	return iopt ? iopt->nr_areas : 0;
}

static u64 core_digest(struct backend *b)
{
	struct backend_view view;

	core_view(b, &view);
	return view_digest(&view, core_of(b)->tables_nr);
}

const struct backend_ops backend_core = {
	.name = "core",
	.create = core_create,
	.execute = core_execute,
	.view = core_view,
	.nth_area = core_nth_area,
	.nr_areas = core_nr_areas,
	.digest = core_digest,
	.form = core_form,
	.destroy = core_destroy,
};
