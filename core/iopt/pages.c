// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pages of an iopt_pages live in up to three tiers, asked in this order whenever the pfn of an
 * index is wanted:
 *
 *   1. pinned_pfns, where an in-kernel access (a node of access_itree) covers the index;
 *   2. some domain, where an area with a storage_domain (a node of domains_itree) covers it: the
 * pfn is read back through the page table, wherever that area's table is;
 *   3. nowhere: it is pinned from the user's address space.
 *
 * An index is pinned exactly once while either tree covers it, and not at all otherwise; that is
 * what keeps memory flat: no second array of pfns for what the IOMMU page table stores anyway.
 *
 * Vocabulary: `index` counts pages inside one iopt_pages. `last` is inclusive, `end` exclusive. To
 * *fill* is to pin and map, to *unfill* is to unmap and unpin; *map* and *unmap* alone do not touch
 * pins.
 *
 * Three principles, from which most of the shape of fill.c follows:
 *
 *   - Destroy never fails. Unfilling needs pfns, and reads them in batches of whatever memory there
 * is, down to a buffer on the stack. When the last domain leaves, indexes held by accesses are in
 * the array already.
 *   - No page is unpinned while a domain still maps it through this object, and not before the
 * IOTLB has forgotten it; on error paths too.
 *   - An unmap ends only where a map call began or ended (a domain may have used large pages
 * between), which on unfill means: at a discontinuity of the pfns or at the end of the range.
 *
 * Flush policies are called at the seams of these steps (hooks.c) and see pieces, never batches.
 */
#include "core/iopt/pages.h"
#include "core/iopt/io_pagetable.h"

static void pages_list_add(struct iopt_pages *pages)
{
	struct iommufd_ctx *ctx = pages->ctx;

	mutex_lock(&ctx->list_lock);
	pages->next = ctx->pages_list;
	if (pages->next)
		pages->next->prev = pages;
	ctx->pages_list = pages;
	mutex_unlock(&ctx->list_lock);
}

static void pages_list_del(struct iopt_pages *pages)
{
	struct iommufd_ctx *ctx = pages->ctx;

	mutex_lock(&ctx->list_lock);
	if (pages->next)
		pages->next->prev = pages->prev;
	if (pages->prev)
		pages->prev->next = pages->next;
	else
		ctx->pages_list = pages->next;
	mutex_unlock(&ctx->list_lock);
}

static void pages_free(struct iopt_pages *pages)
{
	struct iommufd_ctx *ctx = pages->ctx;

	sparse_free(&pages->policy_pages, ctx->arena);
	iommufd_free(ctx, pages, sizeof(*pages) + ctx->policy->pages_size);
}

int iopt_alloc_pages(struct iommufd_ctx *ctx, u32 task, u64 uptr, u64 length, bool writable,
		     struct iopt_pages **out)
{
	struct iopt_pages *pages;
	u64 end;
	int rc;

	if (!length || length > UINT64_MAX - PAGE_SIZE)
		return -EINVAL;
	/* A sum of exactly 2^64 wraps to 0 and is refused with the rest. */
	if (check_add_overflow(uptr, length, &end))
		return -EOVERFLOW;
	pages = iommufd_alloc(ctx, sizeof(*pages) + ctx->policy->pages_size);
	if (!pages)
		return -ENOMEM;
	pages->refs = 1;
	pages->id = machine_serial(ctx->machine);
	pages->ctx = ctx;
	mutex_init(&pages->mutex, LOCK_PAGES);
	pages->uptr = round_down(uptr, PAGE_SIZE);
	pages->npages = (length - 1 + (uptr & PAGE_MASK)) / PAGE_SIZE + 1;
	pages->task = task;
	pages->account_mode = machine_task(ctx->machine, task)->cap_ipc_lock
				      ? IOPT_PAGES_ACCOUNT_NONE
				      : ctx->account_mode;
	pages->writable = writable;
	pfn_store_init(&pages->pinned_pfns);
	sparse_init(&pages->policy_pages, SPARSE_FAN * ctx->policy->page_size);
	pages->fp = (struct flush_pages){.host = &ctx->host,
					 .priv = pages->priv,
					 .npages = pages->npages,
					 .writable = writable};
	if (ctx->policy->pages_init) {
		rc = machine_should_fail(ctx->machine, FAULT_POLICY)
			     ?: hook_result(ctx, ctx->policy->pages_init(&pages->fp));
		if (rc) {
			pages_free(pages);
			return rc;
		}
	}
	pages_list_add(pages);
	*out = pages;
	return 0;
}

void iopt_get_pages_ref(struct iopt_pages *pages)
{
	counter_add(&pages->refs, 1);
}

void iopt_put_pages(struct iopt_pages *pages)
{
	struct iommufd_ctx *ctx = pages->ctx;

	if (counter_sub(&pages->refs, 1))
		return;
	if (!itree_empty(&pages->access_itree) || !itree_empty(&pages->domains_itree) ||
	    pages->npinned || !pfn_store_empty(&pages->pinned_pfns))
		machine_strict(ctx->machine, "P5", "an object is released with pages in use",
			       pages->id, pages->npinned);
	if (pages->npinned != pages->last_npinned)
		machine_strict(ctx->machine, "P3", "an object is released with a charge unsettled",
			       pages->npinned, pages->last_npinned);
	if (ctx->policy->pages_exit)
		ctx->policy->pages_exit(&pages->fp);
	pages_list_del(pages);
	pages_free(pages);
}

static int charge(u64 *locked, u64 n, u64 limit)
{
	u64 now = __atomic_load_n(locked, __ATOMIC_RELAXED);

	do {
		if (now + n > limit)
			return -ENOMEM;
	} while (!__atomic_compare_exchange_n(locked, &now, now + n, false, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	return 0;
}

static u64 *locked_counter(struct iopt_pages *pages, struct task *t)
{
	switch (pages->account_mode) {
	case IOPT_PAGES_ACCOUNT_USER:
		return &t->user_locked_vm;
	case IOPT_PAGES_ACCOUNT_MM:
		return &t->mm_locked_vm;
	default:
		return NULL;
	}
}

/* A discharge works on a dead address space too: the counters outlive it, and destroy never fails.
 */
int iopt_pages_update_pinned(struct iopt_pages *pages)
{
	struct machine *m = pages->ctx->machine;
	struct task *t = machine_task(m, pages->task);
	u64 *locked = locked_counter(pages, t), delta;
	int rc;

	if (pages->npinned > pages->last_npinned) {
		delta = pages->npinned - pages->last_npinned;
		rc = machine_should_fail(m, FAULT_CHARGE);
		if (!rc && pages->account_mode == IOPT_PAGES_ACCOUNT_MM && !t->alive)
			rc = -EINVAL;
		if (!rc && locked)
			rc = charge(locked, delta, t->rlimit_memlock);
		if (rc)
			return rc;
		counter_add(&t->mm_pinned_vm, delta);
	} else if (pages->npinned < pages->last_npinned) {
		delta = pages->last_npinned - pages->npinned;
		if (locked)
			counter_sub(locked, delta);
		counter_sub(&t->mm_pinned_vm, delta);
	}
	pages->last_npinned = pages->npinned;
	if (!pages->npinned && pages->was_pinned) {
		pages->was_pinned = false;
		if (pages->ctx->policy->pages_idle)
			pages->ctx->policy->pages_idle(&pages->fp);
	}
	return 0;
}

struct iopt_area *iopt_pages_find_domain_area(struct iopt_pages *pages, u64 index)
{
	struct itree_node *n = itree_first(&pages->domains_itree, index, index);

	return n ? container_of(n, struct iopt_area, pages_node) : NULL;
}

#define RUNS_AT_ONCE 64

/* Give back the pins of indexes [first..last]; the batch's first pfn is that of batch_index. */
void batch_unpin(struct pfn_batch *b, struct iopt_pages *pages, struct iopt_area *area,
		 u64 batch_index, u64 first, u64 last, enum flush_unpin_why why, bool dirty)
{
	struct pfn_view v = {.batch = b, .index = batch_index};
	u64 offset = first - batch_index, left = last - first + 1;
	struct machine *m = pages->ctx->machine;
	struct pfn_run runs[RUNS_AT_ONCE];
	const u64 *pfns = b->pfns;
	const u32 *npfns = b->npfns;
	u32 i = 0, end = b->end;
	size_t nr = 0;

	hook_before_unpin(pages, area, &v, first, last, why);
	pages->npinned -= left;
	for (; i < end && offset >= npfns[i]; i++)
		offset -= npfns[i];
	for (; i < end && left; i++) {
		u64 n = min(left, npfns[i] - offset);

		runs[nr] = (struct pfn_run){pfns[i] + offset, n};
		left -= n;
		offset = 0;
		if (++nr == RUNS_AT_ONCE || !left) {
			machine_unpin_runs(m, runs, nr, dirty);
			nr = 0;
		}
	}
	if (left)
		machine_strict(m, "B2", "a batch ends before what is to be unpinned", first, last);
}

/* The one setter of storage_domain: the tree node, the policy's view and its hook go with it. */
void iopt_area_set_storage(struct iopt_area *area, struct iopt_domain *domain)
{
	const struct flush_policy *policy = area->iopt->ctx->policy;
	struct iopt_pages *pages = container_of(area->fa.pages, struct iopt_pages, fp);
	struct iopt_domain *old = area->storage_domain;

	if (old == domain)
		return;
	lockdep_assert_held(LOCK_PAGES);
	if (!old)
		itree_insert(&pages->domains_itree, &area->pages_node);
	if (!domain)
		itree_remove(&pages->domains_itree, &area->pages_node);
	area->storage_domain = domain;
	area->fa.storage = domain ? &domain->fd : NULL;
	if (policy->storage_changed)
		policy->storage_changed(&area->fa, old ? &old->fd : NULL);
}

void iopt_area_pick_storage(struct iopt_area *area)
{
	const struct flush_policy *policy = area->iopt->ctx->policy;
	struct io_pagetable *iopt = area->iopt;
	u32 n = iopt->next_domain_id, pick = 0;

	if (policy->storage_pick) {
		pick = policy->storage_pick(&area->fa, iopt->flush_domains, n);
		if (pick >= n) {
			machine_strict(iopt->ctx->machine, "POLICY", "storage_pick names no domain",
				       pick, n);
			pick = 0;
		}
	}
	iopt_area_set_storage(area, iopt->domains[pick]);
}
