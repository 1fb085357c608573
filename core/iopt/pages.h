/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iopt_pages (an array of user pages, pinned where somebody needs them) and iopt_area (a range of
 * an IOVA space that shows a part of one). See the head of pages.c for the storage tiers and the
 * vocabulary.
 *
 * Functions return 0 or a negative errno; void functions are on paths that cannot fail. Unless a
 * comment says otherwise the caller holds pages->mutex.
 */
#ifndef NOSNOOP_PAGES_H
#define NOSNOOP_PAGES_H

#include "core/iopt/batch.h"
#include "core/iopt/iommufd.h"
#include "core/iopt/itree.h"
#include "core/iopt/sparse.h"

struct io_pagetable;

/* A domain in a table's domains[]. */
struct iopt_domain {
	struct domain *d;
	struct flush_domain fd;
};

struct iopt_pages {
	u64 refs;
	u64 id; /* serial of the request that made it */
	struct iommufd_ctx *ctx;
	struct mutex mutex;
	u64 uptr; /* rounded down to a page */
	u64 npages;
	u32 task; /* source_mm, source_task and source_user are all the task's */
	enum account_mode account_mode;
	bool writable;
	bool was_pinned; /* pages_idle() is due when npinned falls to 0 */
	u64 npinned, last_npinned;
	struct itree access_itree, domains_itree;
	struct pfn_store pinned_pfns;
	struct flush_pages fp;
	struct sparse policy_pages; /* page_size bytes of policy state an index */
	struct iopt_pages *prev, *next;
	u8 priv[] __attribute__((aligned(8)));
};

struct iopt_area {
	struct itree_node node; /* [iova..last_iova] in iopt->area_itree */
	struct itree_node
		pages_node; /* page indexes, in domains_itree while storage_domain is set */
	struct io_pagetable *iopt;
	struct iopt_pages *pages; /* NULL: being created or torn down */
	struct iopt_domain *storage_domain;
	u32 page_offset;
	u32 iommu_prot;
	bool prevent_access;
	u32 num_accesses;
	struct flush_area fa;
	u8 priv[] __attribute__((aligned(8)));
};

struct iopt_pages_access {
	struct itree_node node;
	u32 users;
};

static inline u64 iopt_area_index(const struct iopt_area *area)
{
	return area->pages_node.start;
}

static inline u64 iopt_area_last_index(const struct iopt_area *area)
{
	return area->pages_node.last;
}

static inline u64 iopt_area_iova(const struct iopt_area *area)
{
	return area->node.start;
}

static inline u64 iopt_area_last_iova(const struct iopt_area *area)
{
	return area->node.last;
}

static inline u64 iopt_area_length(const struct iopt_area *area)
{
	return area->node.last - area->node.start + 1;
}

/* Byte of the pages object that the area shows at iova. */
static inline u64 iopt_area_start_byte(const struct iopt_area *area, u64 iova)
{
	return (iova - area->node.start) + area->page_offset + area->pages_node.start * PAGE_SIZE;
}

static inline u64 iopt_area_iova_to_index(const struct iopt_area *area, u64 iova)
{
	return iopt_area_start_byte(area, iova) / PAGE_SIZE;
}

/* The first index shows at the area's own start, which may lie mid page. */
static inline u64 iopt_area_index_to_iova(const struct iopt_area *area, u64 index)
{
	if (index == area->pages_node.start)
		return area->node.start;
	return area->node.start - area->page_offset + (index - area->pages_node.start) * PAGE_SIZE;
}

static inline u64 iopt_area_index_to_last_iova(const struct iopt_area *area, u64 index)
{
	if (index == area->pages_node.last)
		return area->node.last;
	return area->node.start - area->page_offset +
	       (index - area->pages_node.start + 1) * PAGE_SIZE - 1;
}

/* pages.c */
/* -EINVAL, -EOVERFLOW (the sum may not even be exactly 2^64), -ENOMEM. No lock. */
int iopt_alloc_pages(struct iommufd_ctx *ctx, u32 task, u64 uptr, u64 length, bool writable,
		     struct iopt_pages **out);
void iopt_get_pages_ref(struct iopt_pages *pages);
void iopt_put_pages(struct iopt_pages *pages);
/* Charge or discharge what npinned changed by; only a charge can fail, and then records nothing. */
int iopt_pages_update_pinned(struct iopt_pages *pages);
/* Any area, of any table, whose storage domain can be asked for the pfn of index. NULL: none covers
 * it. */
struct iopt_area *iopt_pages_find_domain_area(struct iopt_pages *pages, u64 index);
void batch_unpin(struct pfn_batch *b, struct iopt_pages *pages, struct iopt_area *area,
		 u64 batch_index, u64 first, u64 last, enum flush_unpin_why why, bool dirty);
void iopt_area_set_storage(struct iopt_area *area, struct iopt_domain *domain);
void iopt_area_pick_storage(struct iopt_area *area);

/* fill.c: the caller does not hold pages->mutex */
int iopt_area_fill_domains(struct iopt_area *area, struct iopt_pages *pages);
/* flags: FLUSH_UNWIND where a request undoes what it filled. */
void iopt_area_unfill_domains(struct iopt_area *area, struct iopt_pages *pages, u32 flags);
int iopt_area_fill_domain(struct iopt_area *area, struct iopt_domain *domain);
/* The domain has left, or never joined (flags FLUSH_UNWIND). others: the table keeps a storage for
 * the area. */
void iopt_area_unfill_domain(struct iopt_area *area, struct iopt_domain *domain, bool others,
			     u32 flags);

/* access_pages.c */
int iopt_area_add_access(struct iopt_area *area, u64 first, u64 last, u64 *out_pfns, bool write);
/* 0, or -ENOENT with nothing changed: no such access. */
int iopt_area_remove_access(struct iopt_area *area, u64 first, u64 last);
int iopt_pages_rw_access(struct iopt_area *area, u64 start_byte, void *data, u64 length, bool write,
			 bool kthread, u32 task);

/* hooks.c: the policy's side of all this */
void hooks_setup(struct iommufd_ctx *ctx);
struct pfn_view {
	struct pfn_batch *batch; /* or */
	const u64 *array;
	u64 index; /* of the first pfn */
};
/* What a hook that may fail came to: anything but 0 and a negative errno is a bug of the policy. */
int hook_result(struct iommufd_ctx *ctx, int rc);
int hook_before_map(struct iopt_area *area, struct pfn_batch *b, u64 first, u64 last, u32 nr_nc);
void hook_before_unmap(struct iopt_area *area, struct iopt_domain *domain, const struct pfn_view *v,
		       u64 first, u64 last, u32 flags);
void hook_after_unmap(struct iopt_area *area, struct iopt_domain *domain, const struct pfn_view *v,
		      u64 first, u64 last, u32 flags);
void hook_before_unpin(struct iopt_pages *pages, struct iopt_area *area, const struct pfn_view *v,
		       u64 first, u64 last, enum flush_unpin_why why);
int hook_before_access(struct iopt_area *area, const struct pfn_view *v, u64 first, u64 last,
		       bool write);
int hook_fill_begin(struct iopt_area *area, struct iopt_pages *pages, u32 nr_nc,
		    enum flush_fill_why why);
void hook_fill_end(struct iopt_area *area, int rc);

#endif
