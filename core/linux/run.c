// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests on the tree's code: each becomes the ioctl's own function where ioas.c has one, with the
 * structure that user space would have passed, and otherwise what the ioctl or the selftest op of
 * that name does between the id and the page core.
 */
#include "core/linux/kernel.h"

#undef memcpy

#define TEMP_LIMIT_DEFAULT 65536
#define TEMP_LIMIT_MIN	   12
#define TEST_LENGTH_MAX	   (16UL << 20) /* of pin and rw, which are selftest ops */
#define UNKNOWN_FLAG	   0x80000000u

size_t *kenv_memory_limit(void)
{
	return &kenv_run->temp_limit;
}

static struct kenv_run *run_of(struct linux_run *run)
{
	return (struct kenv_run *)run;
}

/* --- ids ------------------------------------------------------------------------------------------ */

/* What user space would pass for a table: the id of a live one, or one that names nothing. */
static u32 ioas_id(struct kenv_run *run, u32 table)
{
	struct iommufd_ioas *ioas = kenv_id(&run->tables, table);

	return ioas ? ioas->obj.id : KENV_NO_ID;
}

static struct iommufd_ioas *get_ioas(struct kenv_run *run, u32 table)
{
	return iommufd_get_ioas(&run->ictx, ioas_id(run, table));
}

static void put_ioas(struct kenv_run *run, struct iommufd_ioas *ioas)
{
	iommufd_put_object(&run->ictx, &ioas->obj);
}

static struct kenv_access *get_access(struct kenv_run *run, u32 access)
{
	return run->host->should_fail(run->ctx, FAULT_ID) ? NULL : kenv_id(&run->accesses, access);
}

/* --- the ioctls of ioas.c -------------------------------------------------------------------------- */

typedef int (*ioctl_fn)(struct iommufd_ucmd *ucmd);

struct user_memory {
	void *at;
	size_t bytes, bad;
};

/*
 * The command's structure stands for user memory too: what the ioctl answers is in @cmd either way,
 * and only whether that can be written back matters.
 */
static int do_ioctl(struct kenv_run *run, ioctl_fn fn, void *cmd, size_t size,
		    const struct user_memory *more, bool bad_out)
{
	struct iommufd_ucmd ucmd = {
		.ictx = &run->ictx,
		.ubuffer = cmd,
		.user_size = size,
		.cmd = cmd,
	};
	int rc;

	run->cmd = (struct kenv_window){.at = cmd, .bytes = size, .out_bad = bad_out};
	run->array = (struct kenv_window){.out_bad = bad_out};
	if (more)
		run->array = (struct kenv_window){
			.at = more->at, .bytes = more->bytes, .bad = more->bad, .out_bad = bad_out};
	rc = fn(&ucmd);
	run->cmd = run->array = (struct kenv_window){};
	return rc;
}

static u32 map_flags(const struct request *req)
{
	u32 flags = 0;

	if (req->prot & REQ_PROT_READ)
		flags |= IOMMU_IOAS_MAP_READABLE;
	if (req->prot & REQ_PROT_WRITE)
		flags |= IOMMU_IOAS_MAP_WRITEABLE;
	if (req->flags & REQF_FIXED)
		flags |= IOMMU_IOAS_MAP_FIXED_IOVA;
	if (req->flags & REQF_BAD_FLAG)
		flags |= UNKNOWN_FLAG;
	return flags;
}

static int do_map(struct kenv_run *run, struct request *req)
{
	struct iommu_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = map_flags(req),
		.ioas_id = ioas_id(run, req->table),
		.__reserved = !!(req->flags & REQF_RESERVED),
		.user_va = req->uptr,
		.length = req->length,
		.iova = req->iova,
	};
	int rc =
		do_ioctl(run, iommufd_ioas_map, &cmd, sizeof(cmd), NULL, req->flags & REQF_BAD_OUT);

	req->out_iova = cmd.iova;
	return rc;
}

static int do_copy(struct kenv_run *run, struct request *req)
{
	struct iommu_ioas_copy cmd = {
		.size = sizeof(cmd),
		.flags = map_flags(req) | (req->flags & REQF_RESERVED ? UNKNOWN_FLAG : 0),
		.dst_ioas_id = ioas_id(run, req->table),
		.src_ioas_id = ioas_id(run, req->src_table),
		.length = req->length,
		.dst_iova = req->iova,
		.src_iova = req->src_iova,
	};
	int rc = do_ioctl(run, iommufd_ioas_copy, &cmd, sizeof(cmd), NULL,
			  req->flags & REQF_BAD_OUT);

	req->out_iova = cmd.dst_iova;
	return rc;
}

static int do_allow(struct kenv_run *run, struct request *req)
{
	size_t bytes = req->nr_ranges * sizeof(*req->ranges);
	bool bad = req->flags & REQF_BAD_IN && req->nr_ranges;
	struct user_memory array = {req->ranges, bytes, bad ? sizeof(*req->ranges) : 0};
	struct iommu_ioas_allow_iovas cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas_id(run, req->table),
		.num_iovas = req->nr_ranges,
		.__reserved = !!(req->flags & (REQF_BAD_FLAG | REQF_RESERVED)),
		.allowed_iovas = (uintptr_t)req->ranges,
	};

	return do_ioctl(run, iommufd_ioas_allow_iovas, &cmd, sizeof(cmd), &array, false);
}

static int do_ranges(struct kenv_run *run, struct request *req)
{
	struct user_memory array = {req->ranges, req->nr_ranges * sizeof(*req->ranges), 0};
	struct iommu_ioas_iova_ranges cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas_id(run, req->table),
		.num_iovas = req->nr_ranges,
		.__reserved = !!(req->flags & (REQF_BAD_FLAG | REQF_RESERVED)),
		.allowed_iovas = (uintptr_t)req->ranges,
	};
	int rc = do_ioctl(run, iommufd_ioas_iova_ranges, &cmd, sizeof(cmd), &array,
			  req->flags & REQF_BAD_OUT);

	if (rc && rc != -EMSGSIZE)
		return rc;
	req->out_nr = cmd.num_iovas;
	req->out_alignment = cmd.out_iova_alignment;
	return rc;
}

static struct iommu_option option(const struct request *req, u32 id, u32 object)
{
	struct iommu_option cmd = {
		.size = sizeof(cmd),
		.option_id = id,
		.op = req->flags & REQF_BAD_OP ? 7
		      : req->flags & REQF_GET  ? IOMMU_OPTION_OP_GET
					       : IOMMU_OPTION_OP_SET,
		.__reserved = !!(req->flags & (REQF_BAD_FLAG | REQF_RESERVED)),
		.object_id = object,
		.val64 = req->value,
	};

	return cmd;
}

static int do_huge_pages(struct kenv_run *run, struct request *req)
{
	struct iommu_option cmd = option(req, IOMMU_OPTION_HUGE_PAGES, ioas_id(run, req->table));
	int rc = do_ioctl(run, iommufd_ioas_option, &cmd, sizeof(cmd), NULL, false);

	if (!rc && req->flags & REQF_GET)
		req->out_length = cmd.val64;
	return rc;
}

static int do_rlimit_mode(struct kenv_run *run, struct request *req)
{
	struct iommu_option cmd = option(req, IOMMU_OPTION_RLIMIT_MODE, req->option_object);
	int rc = cmd.__reserved ? -EOPNOTSUPP : iommufd_option_rlimit_mode(&cmd, &run->ictx);

	if (!rc && req->flags & REQF_GET)
		req->out_length = cmd.val64;
	return rc;
}

/* --- tables ---------------------------------------------------------------------------------------- */

static int do_table_create(struct kenv_run *run, struct request *req)
{
	struct iommufd_ioas *ioas;
	int rc;

	if (req->table != run->tables.nr + 1)
		return -EINVAL;
	ioas = iommufd_ioas_alloc(&run->ictx);
	rc = kenv_id_add(&run->tables, IS_ERR(ioas) ? NULL : ioas);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	iommufd_object_finalize(&run->ictx, &ioas->obj);
	return rc;
}

static int do_table_destroy(struct kenv_run *run, struct request *req)
{
	int rc;

	if (run->host->should_fail(run->ctx, FAULT_ID))
		return -ENOENT;
	rc = iommufd_object_remove(&run->ictx, NULL, ioas_id(run, req->table), 0);
	if (!rc)
		run->tables.at[req->table - 1] = NULL;
	return rc;
}

static int do_attach(struct kenv_run *run, struct request *req)
{
	struct iommufd_ioas *ioas = get_ioas(run, req->table);
	int rc;

	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	rc = kenv_find_hwpt(run, req->domain) ? -EEXIST
					      : kenv_attach(run, ioas, req->table, req->domain);
	put_ioas(run, ioas);
	return rc;
}

static int do_detach(struct kenv_run *run, struct request *req)
{
	struct kenv_hwpt *h = kenv_find_hwpt(run, req->domain);

	if (!h || h->table != req->table)
		return -ENOENT;
	kenv_detach(run, h);
	return 0;
}

/* As iommufd_ioas_unmap(), which keeps the number of bytes to itself when it fails. */
static int do_unmap(struct kenv_run *run, struct request *req)
{
	struct iommufd_ioas *ioas = get_ioas(run, req->table);
	bool all = !req->iova && req->length == U64_MAX;
	unsigned long unmapped = 0;
	int rc;

	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	if (all)
		rc = iopt_unmap_all(&ioas->iopt, &unmapped);
	else if (req->iova >= ULONG_MAX || req->length >= ULONG_MAX)
		rc = -EOVERFLOW;
	else
		rc = iopt_unmap_iova(&ioas->iopt, req->iova, req->length, &unmapped);
	if (!rc && !all && !unmapped)
		rc = -ENOENT;
	if (!rc && req->flags & REQF_BAD_OUT)
		rc = -EFAULT;
	req->out_length = unmapped;
	put_ioas(run, ioas);
	return rc;
}

static int do_cut(struct kenv_run *run, struct request *req)
{
	struct iommufd_ioas *ioas = get_ioas(run, req->table);
	unsigned long iova = req->iova;
	int rc;

	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	rc = iopt_cut_iova(&ioas->iopt, &iova, 1);
	put_ioas(run, ioas);
	return rc;
}

/* The selftest op refuses what wraps before it looks for the table. */
static int do_reserve(struct kenv_run *run, struct request *req)
{
	struct iommufd_ioas *ioas = get_ioas(run, req->table);
	int rc = 0;

	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	if (req->kind == REQ_UNRESERVE) {
		iopt_remove_reserved_iova(&ioas->iopt, NULL);
	} else if (req->last < req->iova) {
		rc = -EINVAL;
	} else {
		down_write(&ioas->iopt.iova_rwsem);
		rc = iopt_reserve_iova(&ioas->iopt, req->iova, req->last, NULL);
		up_write(&ioas->iopt.iova_rwsem);
	}
	put_ioas(run, ioas);
	return rc;
}

/* --- accesses -------------------------------------------------------------------------------------- */

static void access_unmap(void *data, unsigned long iova, unsigned long length)
{
	struct kenv_access *a = data;

	kenv_run->host->access_unmap(kenv_run->ctx, a->id, iova, length);
}

static const struct iommufd_access_ops plain_ops = {.unmap = access_unmap};
static const struct iommufd_access_ops pinning_ops = {.unmap = access_unmap, .needs_pin_pages = 1};

static int do_access_create(struct kenv_run *run, struct request *req)
{
	struct kenv_access *a;
	u32 id;
	int rc;

	if (req->access != run->accesses.nr + 1)
		return -EINVAL;
	a = kenv_alloc(sizeof(*a), GFP_KERNEL | __GFP_NOFAIL);
	if (!a)
		return -ENOMEM;
	a->id = req->access;
	a->pins = req->flags & REQF_PIN;
	a->access = iommufd_access_create(&run->ictx, a->pins ? &pinning_ops : &plain_ops, a, &id);
	rc = PTR_ERR_OR_ZERO(a->access);
	if (rc) {
		kfree(a);
		a = NULL;
	}
	return kenv_id_add(&run->accesses, a) ?: rc;
}

static void destroy_access(struct kenv_run *run, struct kenv_access *a)
{
	iommufd_access_destroy(a->access);
	run->accesses.at[a->id - 1] = NULL;
	kfree(a);
}

static int do_access_destroy(struct kenv_run *run, struct request *req)
{
	struct kenv_access *a = kenv_id(&run->accesses, req->access);

	if (!a)
		return -ENOENT;
	destroy_access(run, a);
	return 0;
}

/*
 * Attaching what is attached and detaching what is not are mistakes of a driver, which the tree
 * answers with WARN_ON() and nothing else; they are refused before.
 */
static int do_access_move(struct kenv_run *run, struct request *req)
{
	struct kenv_access *a = kenv_id(&run->accesses, req->access);

	if (!a)
		return -ENOENT;
	if (req->kind == REQ_ACCESS_REPLACE)
		return iommufd_access_replace(a->access, ioas_id(run, req->table));
	if (!a->access->ioas == (req->kind == REQ_ACCESS_DETACH))
		return -EINVAL;
	if (req->kind == REQ_ACCESS_ATTACH)
		return iommufd_access_attach(a->access, ioas_id(run, req->table));
	iommufd_access_detach(a->access);
	return 0;
}

/* Pages become pfns where they lie. */
static void pages_to_pfns(u64 *pfns, u64 nr)
{
	for (u64 i = 0; i < nr; i++)
		if (pfns[i] >= KENV_VMEMMAP)
			pfns[i] = page_to_pfn((struct page *)pfns[i]);
}

static int check_test_op(const struct request *req)
{
	if (req->length > TEST_LENGTH_MAX)
		return -ENOMEM;
	return req->flags & (REQF_BAD_FLAG | REQF_RESERVED) ? -EOPNOTSUPP : 0;
}

static int do_pin(struct kenv_run *run, struct request *req)
{
	struct kenv_access *a;
	int rc = check_test_op(req);

	if (rc)
		return rc;
	a = get_access(run, req->access);
	if (!a)
		return -ENOENT;
	if (!a->pins)
		return -EOPNOTSUPP;
	rc = iommufd_access_pin_pages(a->access, req->iova, req->length, (struct page **)req->pfns,
				      req->flags & REQF_WRITE ? IOMMUFD_ACCESS_RW_WRITE : 0);
	pages_to_pfns(req->pfns, req->nr_pfns);
	return rc;
}

static int do_unpin(struct kenv_run *run, struct request *req)
{
	struct kenv_access *a = kenv_id(&run->accesses, req->access);

	if (!a)
		return -ENOENT;
	iommufd_access_unpin_pages(a->access, req->iova, req->length);
	return 0;
}

static int do_rw(struct kenv_run *run, struct request *req)
{
	struct kenv_access *a;
	struct linux_task t;
	unsigned int flags = 0;
	int rc = check_test_op(req);

	if (rc)
		return rc;
	a = get_access(run, req->access);
	if (!a)
		return -ENOENT;
	if (req->flags & REQF_WRITE)
		flags |= IOMMUFD_ACCESS_RW_WRITE;
	if (req->flags & REQF_KTHREAD)
		flags |= IOMMUFD_ACCESS_RW_KTHREAD;
	run->host->task(run->ctx, run->current_task, &t);
	run->without_mm = !t.alive;
	rc = iommufd_access_rw(a->access, req->iova, req->data, req->length, flags);
	run->without_mm = false;
	return rc;
}

/* --- all of them ------------------------------------------------------------------------------------ */

static int do_temp_limit(struct kenv_run *run, struct request *req)
{
	if (req->value < TEMP_LIMIT_MIN || req->value > U32_MAX)
		return -EINVAL;
	run->temp_limit = req->value;
	return 0;
}

static int dispatch(struct kenv_run *run, struct request *req)
{
	switch (req->kind) {
	case REQ_NONE:
		return 0;
	case REQ_TABLE_CREATE:
		return do_table_create(run, req);
	case REQ_TABLE_DESTROY:
		return do_table_destroy(run, req);
	case REQ_ATTACH:
		return do_attach(run, req);
	case REQ_DETACH:
		return do_detach(run, req);
	case REQ_MAP:
		return do_map(run, req);
	case REQ_COPY:
		return do_copy(run, req);
	case REQ_CUT:
		return do_cut(run, req);
	case REQ_UNMAP:
		return do_unmap(run, req);
	case REQ_ACCESS_CREATE:
		return do_access_create(run, req);
	case REQ_ACCESS_DESTROY:
		return do_access_destroy(run, req);
	case REQ_ACCESS_ATTACH:
	case REQ_ACCESS_REPLACE:
	case REQ_ACCESS_DETACH:
		return do_access_move(run, req);
	case REQ_PIN:
		return do_pin(run, req);
	case REQ_UNPIN:
		return do_unpin(run, req);
	case REQ_RW:
		return do_rw(run, req);
	case REQ_RESERVE:
	case REQ_UNRESERVE:
		return do_reserve(run, req);
	case REQ_ALLOW:
		return do_allow(run, req);
	case REQ_RANGES:
		return do_ranges(run, req);
	case REQ_HUGE_PAGES:
		return do_huge_pages(run, req);
	case REQ_RLIMIT_MODE:
		return do_rlimit_mode(run, req);
	case REQ_TEMP_LIMIT:
		return do_temp_limit(run, req);
	}
	return -ENOTTY;
}

/* A request may come from inside another one (an access that lets go): what is its own is kept. */
static void execute(struct linux_run *lr, struct request *req)
{
	struct kenv_run *run = run_of(lr), *outer = kenv_run;
	struct kenv_window cmd = run->cmd, array = run->array;
	u32 task = run->current_task;
	u64 serial = run->serial;

	kenv_run = run;
	run->cmd = run->array = (struct kenv_window){};
	run->current_task = req->task % KENV_TASKS;
	run->serial = req->serial;
	req->out_length = 0;
	req->out_nr = 0;
	req->rc = dispatch(run, req);
	kenv_charges(run);
	run->serial = serial;
	run->current_task = task;
	run->cmd = cmd;
	run->array = array;
	kenv_run = outer;
}

static struct linux_run *create(const struct linux_host *host, void *ctx)
{
	struct kenv_run *run = host->alloc(ctx, sizeof(*run));
	static const struct iommu_ops no_ops;

	if (!run)
		return NULL;
	run->host = host;
	run->ctx = ctx;
	run->temp_limit = TEMP_LIMIT_DEFAULT;
	xa_init_flags(&run->ictx.objects, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
	run->ictx.account_mode = IOPT_PAGES_ACCOUNT_USER;
	INIT_LIST_HEAD(&run->hwpts);
	kenv_tasks_init(run);
	run->iommu.ops = &no_ops;
	run->dev_iommu.iommu_dev = &run->iommu;
	run->dev.iommu = &run->dev_iommu;
	run->idev.dev = &run->dev;
	run->idev.ictx = &run->ictx;
	return (struct linux_run *)run;
}

/* As a file that is closed lets its objects go: accesses first, for they pin; domains; tables. */
static void destroy_objects(struct kenv_run *run)
{
	u32 i;

	for (i = 0; i < run->accesses.nr; i++)
		if (run->accesses.at[i])
			destroy_access(run, run->accesses.at[i]);
	while (!list_empty(&run->hwpts))
		kenv_detach(run, list_first_entry(&run->hwpts, struct kenv_hwpt, link));
	for (i = 0; i < run->tables.nr; i++)
		if (run->tables.at[i])
			WARN_ON(iommufd_object_remove(&run->ictx, NULL, ioas_id(run, i + 1), 0));
}

static void destroy(struct linux_run *lr)
{
	struct kenv_run *run = run_of(lr), *outer = kenv_run;

	kenv_run = run;
	destroy_objects(run);
	kenv_charges(run);
	kenv_tasks_check(run);
	xa_destroy(&run->ictx.objects);
	kfree(run->tables.at);
	kfree(run->accesses.at);
	kenv_run = outer;
	run->host->free(run->ctx, run, sizeof(*run));
}

NOSNOOP_EXPORT const struct linux_tree nosnoop_linux_tree = {
	.abi = LINUX_SEAM_ABI,
	.host_size = sizeof(struct linux_host),
	.tree_size = sizeof(struct linux_tree),
	.request_size = sizeof(struct request),
	.view_size = sizeof(struct backend_view),
	.nr_tasks = KENV_TASKS,
	.name = TREE_NAME,
	.hash = TREE_HASH,
	.features = TREE_FEATURES,
	.lacks = TREE_LACKS,
	.flushes = TREE_FLUSHES,
	.fault_points = IS_ENABLED(CONFIG_IOMMUFD_TEST),
	.create = create,
	.execute = execute,
	.view = kenv_view,
	.extra = kenv_extra,
	.domain_order = kenv_domain_order,
	.destroy = destroy,
};
