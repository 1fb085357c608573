// SPDX-License-Identifier: GPL-2.0-only
/* Which IOVA may be used: automatic choice, reserved and allowed ranges. */
#include "core/iopt/io_pagetable.h"

#define HUGE_PAGE_SIZE (2UL << 20)

/* The alignment that lets the IOMMU use large pages, as far as the address itself has it. */
static u64 natural_alignment(u64 addr, u64 length)
{
	u64 align = roundup_pow_of_two(length);

	if (addr)
		align = min(align, addr & -addr);
	return min(align, HUGE_PAGE_SIZE);
}

/* Move *start up to the wanted alignment and offset; false: no room for length before last. */
static bool fit(u64 *start, u64 last, u64 length, u64 alignment, u64 offset)
{
	u64 aligned;

	if (check_add_overflow(*start, alignment - 1, &aligned))
		return false;
	aligned = round_down(aligned, alignment) | offset;
	if (aligned >= last || last - aligned < length - 1)
		return false;
	*start = aligned;
	return true;
}

static bool alloc_in_window(struct io_pagetable *iopt, u64 start, u64 last, u64 length,
			    u64 alignment, u64 offset, u64 *iova)
{
	struct double_span span;

	if (!fit(&start, last, length, alignment, offset))
		return false;
	for_each_double_span (&span, &iopt->reserved_itree, &iopt->area_itree, start, last) {
		u64 hole = span.start;

		if (!span.label && fit(&hole, span.end, length, alignment, offset)) {
			*iova = hole;
			return true;
		}
	}
	return false;
}

int iopt_alloc_iova(struct io_pagetable *iopt, u64 *iova, u64 addr, u64 length)
{
	u64 alignment, first = PAGE_SIZE, last = UINT64_MAX - PAGE_SIZE;
	struct span_iter allowed;

	if (!length || length >= UINT64_MAX / 2)
		return -EOVERFLOW;
	alignment = natural_alignment(addr, length);
	if (alignment < iopt->iova_alignment)
		return -EINVAL;
	if (itree_empty(&iopt->allowed_itree))
		return alloc_in_window(iopt, first, last, length, alignment, addr & PAGE_MASK, iova)
			       ? 0
			       : -ENOSPC;
	for_each_span (&allowed, &iopt->allowed_itree, first, last)
		if (allowed.used && alloc_in_window(iopt, allowed.start, allowed.end, length,
						    alignment, addr & PAGE_MASK, iova))
			return 0;
	return -ENOSPC;
}

int iopt_check_iova(struct io_pagetable *iopt, u64 iova, u64 length)
{
	u64 last;

	if (iova & (iopt->iova_alignment - 1))
		return -EINVAL;
	if (check_add_overflow(iova, length - 1, &last))
		return -EOVERFLOW;
	if (itree_first(&iopt->reserved_itree, iova, last))
		return -EINVAL;
	if (itree_first(&iopt->area_itree, iova, last))
		return -EEXIST;
	return 0;
}

static struct iopt_range *new_range(struct io_pagetable *iopt, struct itree *tree, u64 start,
				    u64 last, const void *owner)
{
	struct iopt_range *r = iommufd_alloc(iopt->ctx, sizeof(*r));

	if (!r)
		return NULL;
	r->node.start = start;
	r->node.last = last;
	r->owner = owner;
	itree_insert(tree, &r->node);
	return r;
}

static void remove_range(struct io_pagetable *iopt, struct itree *tree, struct itree_node *n)
{
	itree_remove(tree, n);
	iommufd_free(iopt->ctx, container_of(n, struct iopt_range, node),
		     sizeof(struct iopt_range));
}

void iopt_free_ranges(struct io_pagetable *iopt, struct itree *tree)
{
	while (tree->root)
		remove_range(iopt, tree, tree->root);
}

int iopt_reserve_locked(struct io_pagetable *iopt, u64 start, u64 last, const void *owner)
{
	int rc;

	/* An empty or wrapping range would enter the tree upside down. */
	if (start > last)
		return -EINVAL;
	if (itree_first(&iopt->area_itree, start, last) ||
	    itree_first(&iopt->allowed_itree, start, last))
		return -EADDRINUSE;
	rc = machine_should_fail(iopt->ctx->machine, FAULT_RESERVE);
	if (rc)
		return rc;
	return new_range(iopt, &iopt->reserved_itree, start, last, owner) ? 0 : -ENOMEM;
}

void iopt_unreserve_locked(struct io_pagetable *iopt, const void *owner)
{
	struct itree_node *n = itree_first(&iopt->reserved_itree, 0, UINT64_MAX), *next;

	for (; n; n = next) {
		next = itree_next(n, 0, UINT64_MAX);
		if (container_of(n, struct iopt_range, node)->owner == owner)
			remove_range(iopt, &iopt->reserved_itree, n);
	}
}

int iopt_reserve_iova(struct io_pagetable *iopt, u64 start, u64 last, const void *owner)
{
	int rc;

	down_write(&iopt->iova_rwsem);
	rc = iopt_reserve_locked(iopt, start, last, owner);
	up_write(&iopt->iova_rwsem);
	return rc;
}

void iopt_remove_reserved_iova(struct io_pagetable *iopt, const void *owner)
{
	down_write(&iopt->iova_rwsem);
	iopt_unreserve_locked(iopt, owner);
	up_write(&iopt->iova_rwsem);
}

/* The list is built whole beside the old one, entry by entry as the ioctl reads it. */
static int build_allowed(struct io_pagetable *iopt, struct itree *tree,
			 const struct iova_range *ranges, u32 n, bool fault_at_last)
{
	for (u32 i = 0; i < n; i++) {
		if (fault_at_last && i == n - 1)
			return -EFAULT;
		if (ranges[i].start >= ranges[i].last)
			return -EINVAL;
		if (itree_first(tree, ranges[i].start, ranges[i].last))
			return -EINVAL;
		if (!new_range(iopt, tree, ranges[i].start, ranges[i].last, NULL))
			return -ENOMEM;
	}
	return 0;
}

int iopt_set_allow_iova(struct io_pagetable *iopt, const struct iova_range *ranges, u32 n,
			bool fault_at_last)
{
	struct itree new = {0}, old;
	int rc;

	rc = build_allowed(iopt, &new, ranges, n, fault_at_last);
	if (rc)
		goto out_free;
	down_write(&iopt->iova_rwsem);
	for (u32 i = 0; i < n && !rc; i++)
		if (itree_first(&iopt->reserved_itree, ranges[i].start, ranges[i].last))
			rc = -EADDRINUSE;
	if (!rc) {
		old = iopt->allowed_itree;
		iopt->allowed_itree = new;
		new = old;
	}
	up_write(&iopt->iova_rwsem);
out_free:
	iopt_free_ranges(iopt, &new);
	return rc;
}

int iopt_iova_ranges(struct io_pagetable *iopt, struct iova_range *out, u32 room, u32 *n,
		     u64 *alignment)
{
	struct span_iter span;

	*n = 0;
	down_read(&iopt->iova_rwsem);
	for_each_span (&span, &iopt->reserved_itree, 0, UINT64_MAX) {
		if (span.used)
			continue;
		if (*n < room)
			out[*n] = (struct iova_range){span.start, span.end};
		++*n;
	}
	*alignment = iopt->iova_alignment;
	up_read(&iopt->iova_rwsem);
	return *n > room ? -EMSGSIZE : 0;
}
