// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine's side of the seam (core/linux/seam.h): what Linux's code calls becomes a call of the
 * machine, one for one, and requests go the other way. Nothing is decided here.
 */
#include "core/op/backend_linux_priv.h"
#include "core/op/views.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include "core/flush/registry.h"

/* A loaded tree. */
struct loaded {
	struct backend_ops ops;
	struct flush_policy policy;
	struct linux_backend_about about;
	const struct linux_tree *tree;
	void *handle;
};

/* --- the host --------------------------------------------------------------------------------- */

static struct machine *machine_of(void *ctx)
{
	return ((struct linux_backend *)ctx)->m;
}

static struct domain *domain_of(void *ctx, u32 id)
{
	return machine_domain(machine_of(ctx), id);
}

static void *host_alloc(void *ctx, size_t size)
{
	return arena_alloc(((struct linux_backend *)ctx)->arena, size);
}

static void host_free(void *ctx, void *p, size_t size)
{
	arena_free(((struct linux_backend *)ctx)->arena, p, size);
}

static bool host_should_fail(void *ctx, u32 point)
{
	return machine_should_fail(machine_of(ctx), point);
}

static long host_pin(void *ctx, u32 task, u64 va, u64 n, bool write, bool longterm, u64 *pfns)
{
	return machine_pin(machine_of(ctx), task, va, n,
			   (write ? PIN_WRITE : 0) | (longterm ? PIN_LONGTERM : 0), pfns);
}

static void host_unpin(void *ctx, u64 pfn, u64 n, bool dirty)
{
	machine_unpin(machine_of(ctx), pfn, n, dirty);
}

static void host_mark_dirty(void *ctx, u64 pfn)
{
	machine_mark_dirty(machine_of(ctx), pfn, 1);
}

static int host_domain(void *ctx, u32 id, struct linux_domain *out)
{
	struct domain *d = domain_of(ctx, id);
	const struct domain_config *cfg;

	if (!d)
		return -ENOENT;
	cfg = domain_cfg(d);
	*out = (struct linux_domain){
		.enforce_cache_coherency = cfg->enforce_cache_coherency,
		.pgsize_bitmap = cfg->pgsize_bitmap,
		.aperture_start = cfg->aperture_start,
		.aperture_last = cfg->aperture_last,
	};
	return 0;
}

static int host_map(void *ctx, u32 domain, u64 iova, u64 pa, u64 len, u32 prot)
{
	return domain_map(domain_of(ctx, domain), iova, pa, len, prot);
}

static u64 host_unmap(void *ctx, u32 domain, u64 iova, u64 len)
{
	return domain_unmap(domain_of(ctx, domain), iova, len);
}

static void host_iotlb_sync(void *ctx, u32 domain)
{
	domain_iotlb_sync(domain_of(ctx, domain));
}

static u64 host_iova_to_phys(void *ctx, u32 domain, u64 iova)
{
	return domain_iova_to_phys(domain_of(ctx, domain), iova);
}

static void host_clean(void *ctx, u64 pa, u64 len)
{
	machine_clean(machine_of(ctx), pa, len);
}

static void host_drain(void *ctx)
{
	machine_drain(machine_of(ctx));
}

static int host_user_store(void *ctx, u32 task, u64 va, const void *data, u64 len)
{
	return machine_user_store(machine_of(ctx), task, va, data, len);
}

static int host_user_load(void *ctx, u32 task, u64 va, void *data, u64 len)
{
	return machine_user_load(machine_of(ctx), task, va, data, len);
}

static void host_phys_store(void *ctx, u64 pa, const void *data, u64 len)
{
	machine_phys_store(machine_of(ctx), pa, data, len);
}

static void host_phys_load(void *ctx, u64 pa, void *data, u64 len)
{
	machine_phys_load(machine_of(ctx), pa, data, len);
}

static void host_task(void *ctx, u32 id, struct linux_task *out)
{
	const struct task *t = machine_task(machine_of(ctx), id);

	*out = (struct linux_task){
		.alive = t->alive,
		.cap_ipc_lock = t->cap_ipc_lock,
		.cap_sys_resource = t->cap_sys_resource,
		.rlimit_memlock = t->rlimit_memlock,
	};
}

static void host_charged(void *ctx, u32 id, u64 user_locked_vm, u64 mm_locked_vm, u64 mm_pinned_vm)
{
	struct task *t = machine_task(machine_of(ctx), id);

	t->user_locked_vm = user_locked_vm;
	t->mm_locked_vm = mm_locked_vm;
	t->mm_pinned_vm = mm_pinned_vm;
}

static void host_access_unmap(void *ctx, u32 access, u64 iova, u64 length)
{
	struct linux_backend *l = ctx;

	if (l->cb.access_unmap)
		l->cb.access_unmap(l->cb.ctx, access, iova, length);
}

/*
 * An access that keeps its pins although it was asked for them a hundred times is a driver's
 * mistake, which iommufd names with a WARN_ON(); a program may want just that, and the errno is judged.
 */
static bool is_accusation(const char *what)
{
	return strstr(what, ": tries > 100");
}

static void host_finding(void *ctx, const char *rule, const char *what, u64 line)
{
	if (!is_accusation(what))
		machine_strict(machine_of(ctx), rule, what, line, 0);
}

static const struct linux_host host = {
	.alloc = host_alloc,
	.free = host_free,
	.should_fail = host_should_fail,
	.pin = host_pin,
	.unpin = host_unpin,
	.mark_dirty = host_mark_dirty,
	.domain = host_domain,
	.map = host_map,
	.unmap = host_unmap,
	.iotlb_sync = host_iotlb_sync,
	.iova_to_phys = host_iova_to_phys,
	.clean = host_clean,
	.drain = host_drain,
	.user_store = host_user_store,
	.user_load = host_user_load,
	.phys_store = host_phys_store,
	.phys_load = host_phys_load,
	.task = host_task,
	.charged = host_charged,
	.access_unmap = host_access_unmap,
	.finding = host_finding,
};

/* The table is read anew at each call, as the tree's code does. */
void linux_backend_call(struct backend *b, const struct machine_call *c, u64 *pfns)
{
	const struct linux_host *const volatile at = &host;
	const struct linux_host *h = at;
	void *ctx = linux_of(b);

	switch ((enum machine_call_kind)c->kind) {
	case CALL_MAP:
		h->map(ctx, c->who, c->at, c->pa, c->n, c->flags);
		break;
	case CALL_UNMAP:
		h->unmap(ctx, c->who, c->at, c->n);
		break;
	case CALL_SYNC:
		h->iotlb_sync(ctx, c->who);
		break;
	case CALL_TRANSLATE:
		h->iova_to_phys(ctx, c->who, c->at);
		break;
	case CALL_PIN:
		h->pin(ctx, c->who, c->at, c->n, c->flags & PIN_WRITE, c->flags & PIN_LONGTERM,
		       pfns);
		break;
	case CALL_UNPIN:
		h->unpin(ctx, c->at, c->n, c->flags);
		break;
	case CALL_MARK_DIRTY:
		h->mark_dirty(ctx, c->at);
		break;
	case CALL_CLEAN:
		h->clean(ctx, c->at, c->n);
		break;
	case CALL_DRAIN:
		h->drain(ctx);
		break;
	case CALL_MAP_RUNS:
	case CALL_READ_RUN:
	case CALL_READ_RUNS:
	case CALL_UNPIN_RUNS:
	case CALL_NR:
		break; /* the seam has no such call */
	}
}

/* --- the backend ------------------------------------------------------------------------------ */

static struct backend *linux_create(const struct backend_ops *ops, struct arena *arena,
				    struct machine *m, const struct flush_policy *policy,
				    const struct backend_callbacks *cb)
{
	const struct loaded *t = container_of(ops, struct loaded, ops);
	struct linux_backend *l = arena_alloc(arena, sizeof(*l));

	if (!l)
		return NULL;
	l->b.ops = ops;
	l->arena = arena;
	l->m = m;
	l->tree = t->tree;
	if (cb)
		l->cb = *cb;
	l->run = t->tree->create(&host, l);
	return l->run ? &l->b : NULL;
}

static void set_table(struct linux_backend *l, u32 access, u32 table)
{
	u32 room = max(2 * l->access_room, access + 4), *more;

	if (access > l->access_room) {
		more = arena_alloc(l->arena, room * sizeof(*more));
		if (!more)
			return;
		if (l->access_room)
			memcpy(more, l->access_table, l->access_room * sizeof(*more));
		arena_free(l->arena, l->access_table, l->access_room * sizeof(*more));
		l->access_table = more;
		l->access_room = room;
	}
	l->access_table[access - 1] = table;
}

static void add_pin(struct linux_backend *l, const struct request *req)
{
	struct linux_pin *p = arena_alloc(l->arena, sizeof(*p));

	if (!p)
		return;
	*p = (struct linux_pin){l->pins, req->access, req->iova, req->length};
	l->pins = p;
}

static void drop_pin(struct linux_backend *l, const struct request *req)
{
	struct linux_pin **at = &l->pins, *p;

	while (*at && ((*at)->access != req->access || (*at)->iova != req->iova ||
		       (*at)->length != req->length))
		at = &(*at)->next;
	p = *at;
	if (!p)
		return;
	*at = p->next;
	arena_free(l->arena, p, sizeof(*p));
}

/* Who pins what: known here alone, because the tree's code counts pins and does not name them. */
static void note_access(struct linux_backend *l, const struct request *req)
{
	switch (req->kind) {
	case REQ_ACCESS_CREATE:
	case REQ_ACCESS_DETACH:
		set_table(l, req->access, 0);
		break;
	case REQ_ACCESS_ATTACH:
	case REQ_ACCESS_REPLACE:
		set_table(l, req->access, req->table);
		break;
	case REQ_PIN:
		add_pin(l, req);
		break;
	case REQ_UNPIN:
		drop_pin(l, req);
		break;
	default:
		break;
	}
}

static void linux_execute(struct backend *b, struct request *req)
{
	struct linux_backend *l = linux_of(b);

	if (req->kind == REQ_TABLE_CREATE)
		l->nr_tables = max(l->nr_tables, req->table);
	l->tree->execute(l->run, req);
	if (!req->rc)
		note_access(l, req);
}

static void linux_view(struct backend *b, struct backend_view *out)
{
	struct linux_backend *l = linux_of(b);

	l->tree->view(l->run, out);
}

static bool linux_nth_area(struct backend *b, u32 table, u32 n, u64 *iova, u64 *length)
{
	struct backend_view view;

	linux_view(b, &view);
	return view_nth_area(&view, table, n, iova, length);
}

static u32 linux_nr_areas(struct backend *b, u32 table)
{
	struct backend_view view;

	linux_view(b, &view);
	return view_nr_areas(&view, table);
}

static u64 linux_digest(struct backend *b)
{
	struct backend_view view;

	linux_view(b, &view);
	return view_digest(&view, linux_of(b)->nr_tables);
}

static void linux_destroy(struct backend *b)
{
	struct linux_backend *l = linux_of(b);

	l->tree->destroy(l->run);
	while (l->pins) {
		struct linux_pin *p = l->pins;

		l->pins = p->next;
		arena_free(l->arena, p, sizeof(*p));
	}
	arena_free(l->arena, l->access_table, l->access_room * sizeof(*l->access_table));
	arena_free(l->arena, l, sizeof(*l));
}

/* --- loading ---------------------------------------------------------------------------------- */

static void set_about(struct loaded *t)
{
	const struct linux_tree *tree = t->tree;

	t->about = (struct linux_backend_about){
		.name = tree->name,
		.hash = tree->hash,
		.features = tree->features,
		.lacks = tree->lacks,
		.flushes = tree->flushes,
		.fault_points = tree->fault_points,
	};
	t->policy = (struct flush_policy){
		.abi = FLUSH_ABI_VERSION,
		.size = sizeof(t->policy),
		.name = "linux",
		.what = tree->flushes ? "what the tree's own code does"
				      : "what the tree's own code does: it never flushes",
		.claims = tree->flushes ? CONTRACTS_SOUND : CONTRACT_U,
	};
	t->ops = (struct backend_ops){
		.name = tree->name,
		.policy = &t->policy,
		.create = linux_create,
		.execute = linux_execute,
		.view = linux_view,
		.nth_area = linux_nth_area,
		.nr_areas = linux_nr_areas,
		.digest = linux_digest,
		.form = linux_form,
		.destroy = linux_destroy,
	};
}

static bool is_of_this_build(const struct linux_tree *tree)
{
	return tree->abi == LINUX_SEAM_ABI && tree->host_size == sizeof(struct linux_host) &&
	       tree->tree_size == sizeof(struct linux_tree) &&
	       tree->request_size == sizeof(struct request) &&
	       tree->view_size == sizeof(struct backend_view) &&
	       tree->nr_tasks == MACHINE_TASKS_MAX;
}

static int load(struct loaded *t, const char *path, char *err, size_t errlen)
{
	/* A name without a slash would be looked for among the system's libraries. */
	if (!strchr(path, '/')) {
		snprintf(err, errlen, "%s: a shared object is named by its path, as ./%s", path,
			 path);
		return -EINVAL;
	}
	t->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!t->handle) {
		snprintf(err, errlen, "%s", dlerror());
		return -ENOENT;
	}
	t->tree = dlsym(t->handle, LINUX_SEAM_SYMBOL);
	if (!t->tree) {
		snprintf(err, errlen, "%s: is no kernel tree that core/linux/build.py built", path);
		return -EINVAL;
	}
	if (!is_of_this_build(t->tree)) {
		snprintf(err, errlen,
			 "%s: built by another nosnoop (seam %u, this one has %u); build it anew",
			 path, t->tree->abi, LINUX_SEAM_ABI);
		return -EPROTO;
	}
	return 0;
}

const struct backend_ops *linux_backend_open(const char *path, char *err, size_t errlen)
{
	struct loaded *t = calloc(1, sizeof(*t));

	if (!t) {
		snprintf(err, errlen, "out of memory");
		return NULL;
	}
	if (load(t, path, err, errlen)) {
		if (t->handle)
			dlclose(t->handle);
		free(t);
		return NULL;
	}
	set_about(t);
	return &t->ops;
}

const struct linux_backend_about *linux_backend_about(const struct backend_ops *ops)
{
	return ops->create == linux_create ? &container_of(ops, struct loaded, ops)->about : NULL;
}

void linux_backend_close(const struct backend_ops *ops)
{
	struct loaded *t = container_of(ops, struct loaded, ops);

	if (!ops || ops->create != linux_create)
		return;
	dlclose(t->handle);
	free(t);
}
