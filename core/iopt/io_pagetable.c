// SPDX-License-Identifier: GPL-2.0-only
/* Areas of an IOVA space: map, copy, unmap, cut. */
#include "core/iopt/access.h"
#include "core/iopt/io_pagetable.h"

#define UNMAP_ROUNDS_MAX 100

struct iopt_area *iopt_area_iter_first(struct io_pagetable *iopt, u64 start, u64 last)
{
	struct itree_node *n = itree_first(&iopt->area_itree, start, last);

	return n ? container_of(n, struct iopt_area, node) : NULL;
}

struct iopt_area *iopt_area_iter_next(struct iopt_area *area, u64 start, u64 last)
{
	struct itree_node *n = itree_next(&area->node, start, last);

	return n ? container_of(n, struct iopt_area, node) : NULL;
}

struct io_pagetable *iopt_create(struct iommufd_ctx *ctx)
{
	struct io_pagetable *iopt = iommufd_alloc(ctx, sizeof(*iopt) + ctx->policy->table_size);

	if (!iopt)
		return NULL;
	iopt->ctx = ctx;
	init_rwsem(&iopt->domains_rwsem, LOCK_DOMAINS);
	init_rwsem(&iopt->iova_rwsem, LOCK_IOVA);
	iopt->iova_alignment = 1;
	iopt->ft.priv = iopt->priv;
	return iopt;
}

void iopt_destroy(struct io_pagetable *iopt)
{
	struct iommufd_ctx *ctx = iopt->ctx;

	if (!itree_empty(&iopt->area_itree) || !itree_empty(&iopt->reserved_itree) ||
	    iopt->next_domain_id || iopt->nr_accesses)
		machine_strict(ctx->machine, "WARN", "a table is destroyed in use", iopt->nr_areas,
			       iopt->next_domain_id);
	iopt_free_ranges(iopt, &iopt->allowed_itree);
	iommufd_free(ctx, iopt->domains, iopt->domains_size * sizeof(*iopt->domains));
	iommufd_free(ctx, iopt->flush_domains, iopt->domains_size * sizeof(*iopt->flush_domains));
	iommufd_free(ctx, iopt->access_list, iopt->access_list_size * sizeof(*iopt->access_list));
	iommufd_free(ctx, iopt, sizeof(*iopt) + ctx->policy->table_size);
}

static struct iopt_area *area_alloc(struct io_pagetable *iopt)
{
	struct iopt_area *area =
		iommufd_alloc(iopt->ctx, sizeof(*area) + iopt->ctx->policy->area_size);

	if (!area)
		return NULL;
	area->iopt = iopt;
	area->fa.priv = area->priv;
	area->fa.table = &iopt->ft;
	return area;
}

static void area_free(struct iopt_area *area)
{
	struct iommufd_ctx *ctx = area->iopt->ctx;

	iommufd_free(ctx, area, sizeof(*area) + ctx->policy->area_size);
}

static void area_link(struct iopt_area *area)
{
	itree_insert(&area->iopt->area_itree, &area->node);
	area->iopt->nr_areas++;
}

static void area_unlink(struct iopt_area *area)
{
	itree_remove(&area->iopt->area_itree, &area->node);
	area->iopt->nr_areas--;
}

static void area_set_range(struct iopt_area *area, u64 iova, u64 start_byte, u64 length, u32 prot)
{
	area->node.start = iova;
	area->node.last = iova + (length - 1);
	area->page_offset = start_byte & PAGE_MASK;
	area->pages_node.start = start_byte / PAGE_SIZE;
	area->pages_node.last = (start_byte + (length - 1)) / PAGE_SIZE;
	area->iommu_prot = prot;
	area->fa.first = area->pages_node.start;
	area->fa.last = area->pages_node.last;
	area->fa.writable = prot & DOMAIN_WRITE;
}

static int insert_area(struct io_pagetable *iopt, struct iopt_area *area, struct iopt_pages *pages,
		       u64 iova, u64 start_byte, u64 length, u32 prot)
{
	u64 mask = iopt->iova_alignment - 1, sum;

	if ((prot & DOMAIN_WRITE) && !pages->writable)
		return -EPERM;
	/* Inner borders of a copy must conform too, not only its ends. */
	if ((start_byte & PAGE_MASK & mask) || (iova & mask) || (length & mask))
		return -EINVAL;
	if (check_add_overflow(iova, length - 1, &sum))
		return -EOVERFLOW;
	if (check_add_overflow(start_byte, length - 1, &sum) || sum / PAGE_SIZE >= pages->npages)
		return -EOVERFLOW;
	area_set_range(area, iova, start_byte, length, prot);
	area_link(area);
	return 0;
}

/* Phase 1: claim the IOVA range. A failure leaves areas of the list inserted: free_list_areas(). */
static int reserve_areas(struct io_pagetable *iopt, struct iopt_pages_list *list, u64 length,
			 u64 *dst, u32 prot, u32 flags)
{
	struct iopt_pages_list *elm;
	u64 iova;
	int rc;

	for (elm = list; elm; elm = elm->next) {
		elm->area = area_alloc(iopt);
		if (!elm->area)
			return -ENOMEM;
	}
	down_write(&iopt->iova_rwsem);
	rc = -EINVAL;
	if (!length || (length & (iopt->iova_alignment - 1)))
		goto out_unlock;
	if (flags & IOPT_ALLOC_IOVA)
		rc = iopt_alloc_iova(iopt, dst, list->pages->uptr + list->start_byte, length);
	else
		rc = iopt_check_iova(iopt, *dst, length);
	if (rc)
		goto out_unlock;
	iova = *dst;
	for (elm = list; elm && !rc; elm = elm->next) {
		rc = insert_area(iopt, elm->area, elm->pages, iova, elm->start_byte, elm->length,
				 prot);
		iova += elm->length;
	}
out_unlock:
	up_write(&iopt->iova_rwsem);
	return rc;
}

static bool area_is_linked(const struct io_pagetable *iopt, const struct iopt_area *area)
{
	return area->node.parent || iopt->area_itree.root == &area->node;
}

/* Whatever of the list was not published goes: areas, then the references. */
void iopt_free_pages_list(struct iommufd_ctx *ctx, struct iopt_pages_list *list)
{
	struct iopt_pages_list *next;

	for (; list; list = next) {
		next = list->next;
		if (list->area) {
			struct io_pagetable *iopt = list->area->iopt;

			down_write(&iopt->iova_rwsem);
			if (area_is_linked(iopt, list->area))
				area_unlink(list->area);
			up_write(&iopt->iova_rwsem);
			area_free(list->area);
		}
		if (list->pages)
			iopt_put_pages(list->pages);
		iommufd_free(ctx, list, sizeof(*list));
	}
}

/* Phase 2. On failure the slices already filled are undone in list order. */
static int fill_list(struct iopt_pages_list *list)
{
	struct iopt_pages_list *elm, *undo;
	int rc;

	for (elm = list; elm; elm = elm->next) {
		rc = iopt_area_fill_domains(elm->area, elm->pages);
		if (rc) {
			for (undo = list; undo != elm; undo = undo->next)
				iopt_area_unfill_domains(undo->area, undo->pages, FLUSH_UNWIND);
			return rc;
		}
	}
	return 0;
}

int iopt_map_pages(struct io_pagetable *iopt, struct iopt_pages_list *list, u64 length, u64 *iova,
		   u32 prot, u32 flags)
{
	struct iopt_pages_list *elm;
	u64 dst = *iova;
	int rc;

	rc = reserve_areas(iopt, list, length, &dst, prot, flags);
	if (rc)
		return rc;
	down_read(&iopt->domains_rwsem);
	rc = fill_list(list);
	if (rc)
		goto out_unlock;
	/* Inside domains_rwsem, so that a domain added later sees the areas. */
	down_write(&iopt->iova_rwsem);
	lockdep_assert_held(LOCK_DOMAINS);
	for (elm = list; elm; elm = elm->next) {
		elm->area->pages = elm->pages;
		elm->area->fa.pages = &elm->pages->fp;
		elm->pages = NULL;
		elm->area = NULL;
	}
	up_write(&iopt->iova_rwsem);
	*iova = dst;
out_unlock:
	up_read(&iopt->domains_rwsem);
	return rc;
}

static struct iopt_pages_list *list_append(struct iommufd_ctx *ctx, struct iopt_pages_list ***tail,
					   struct iopt_pages *pages, u64 start_byte, u64 length)
{
	struct iopt_pages_list *elm = iommufd_alloc(ctx, sizeof(*elm));

	if (!elm)
		return NULL;
	elm->pages = pages;
	elm->start_byte = start_byte;
	elm->length = length;
	**tail = elm;
	*tail = &elm->next;
	return elm;
}

int iopt_map_user_pages(struct io_pagetable *iopt, u64 *iova, u32 task, u64 uptr, u64 length,
			u32 prot, u32 flags)
{
	struct iommufd_ctx *ctx = iopt->ctx;
	struct iopt_pages_list *list = NULL, **tail = &list;
	struct iopt_pages *pages;
	int rc;

	rc = iopt_alloc_pages(ctx, task, uptr, length, prot & DOMAIN_WRITE, &pages);
	if (rc)
		return rc;
	if (!list_append(ctx, &tail, pages, uptr & PAGE_MASK, length)) {
		iopt_put_pages(pages);
		return -ENOMEM;
	}
	rc = iopt_map_pages(iopt, list, length, iova, prot, flags);
	iopt_free_pages_list(ctx, list);
	return rc;
}

/* The slices of objects that [iova..last] shows; iova_rwsem is held. */
static int collect_slices(struct io_pagetable *iopt, u64 iova, u64 last,
			  struct iopt_pages_list **list)
{
	struct iopt_pages_list **tail = list;
	struct iopt_area *area = iopt_area_iter_first(iopt, iova, iova);
	u64 part;

	for (;; area = iopt_area_iter_first(iopt, iova, iova)) {
		if (!area || !area->pages)
			return -ENOENT;
		part = min(iopt_area_last_iova(area), last) - iova + 1;
		if (!list_append(iopt->ctx, &tail, area->pages, iopt_area_start_byte(area, iova),
				 part))
			return -ENOMEM;
		iopt_get_pages_ref(area->pages);
		if (iopt_area_last_iova(area) >= last)
			return 0;
		iova = iopt_area_last_iova(area) + 1;
	}
}

int iopt_get_pages(struct io_pagetable *iopt, u64 iova, u64 length, struct iopt_pages_list **list)
{
	u64 last;
	int rc;

	*list = NULL;
	if (!length)
		return -EINVAL;
	if (check_add_overflow(iova, length - 1, &last))
		return -EOVERFLOW;
	down_read(&iopt->iova_rwsem);
	rc = collect_slices(iopt, iova, last, list);
	up_read(&iopt->iova_rwsem);
	if (rc) {
		iopt_free_pages_list(iopt->ctx, *list);
		*list = NULL;
	}
	return rc;
}

/* The area is out of use (its pages pointer is taken): unfill and free it. Both rwsems are as for
 * unmap. */
static void unmap_area(struct io_pagetable *iopt, struct iopt_area *area, struct iopt_pages *pages)
{
	up_write(&iopt->iova_rwsem);
	iopt_area_unfill_domains(area, pages, 0);
	down_write(&iopt->iova_rwsem);
	area_unlink(area);
	area_free(area);
	iopt_put_pages(pages);
}

/* What one look at the tree led to. */
enum unmap_step { UNMAP_DONE, UNMAP_MORE, UNMAP_NOTIFY };

struct unmap_state {
	u64 cursor, last;
	u64 unmapped;
	u64 area_iova, area_length; /* of the area to notify for */
	u32 area_accesses;
	u32 rounds;
	int rc;
};

static enum unmap_step unmap_step(struct io_pagetable *iopt, struct unmap_state *s)
{
	struct iopt_area *area = iopt_area_iter_first(iopt, s->cursor, s->last);
	struct iopt_pages *pages;
	u64 area_last;

	if (!area)
		return UNMAP_DONE;
	area_last = iopt_area_last_iova(area);
	if (!area->pages)
		s->rc = -EBUSY;
	else if (iopt_area_iova(area) < s->cursor || area_last > s->last)
		s->rc = -ENOENT;
	if (s->rc)
		return UNMAP_DONE;
	if (area->num_accesses) {
		if (!s->rounds || s->area_iova != iopt_area_iova(area) ||
		    s->area_accesses > area->num_accesses)
			s->rounds = 0;
		s->area_iova = s->cursor = iopt_area_iova(area);
		s->area_length = iopt_area_length(area);
		s->area_accesses = area->num_accesses;
		area->prevent_access = true;
		return UNMAP_NOTIFY;
	}
	pages = area->pages;
	area->pages = NULL;
	s->unmapped += iopt_area_length(area);
	s->rounds = 0;
	unmap_area(iopt, area, pages);
	if (area_last >= s->last)
		return UNMAP_DONE;
	/* Areas made behind the cursor meanwhile are nobody's business. */
	s->cursor = area_last + 1;
	return UNMAP_MORE;
}

static int unmap_range(struct io_pagetable *iopt, u64 start, u64 last, u64 *unmapped)
{
	struct unmap_state s = {.cursor = start, .last = last};
	enum unmap_step step;

	do {
		down_read(&iopt->domains_rwsem);
		down_write(&iopt->iova_rwsem);
		do {
			step = unmap_step(iopt, &s);
		} while (step == UNMAP_MORE);
		up_write(&iopt->iova_rwsem);
		up_read(&iopt->domains_rwsem);
		if (step == UNMAP_DONE)
			break;
		iopt_access_notify_unmap(iopt, s.area_iova, s.area_length);
		if (++s.rounds > UNMAP_ROUNDS_MAX)
			s.rc = -EDEADLOCK;
	} while (!s.rc);
	*unmapped = s.unmapped;
	return s.rc;
}

int iopt_unmap_iova(struct io_pagetable *iopt, u64 iova, u64 length, u64 *unmapped)
{
	u64 last;

	*unmapped = 0;
	if (!length)
		return -EINVAL;
	if (check_add_overflow(iova, length - 1, &last))
		return -EOVERFLOW;
	return unmap_range(iopt, iova, last, unmapped);
}

int iopt_unmap_all(struct io_pagetable *iopt, u64 *unmapped)
{
	return unmap_range(iopt, 0, UINT64_MAX, unmapped);
}

/* Both halves take over what the area was; nothing is pinned, mapped or unmapped. pages->mutex is
 * held. */
static void split_into(struct iopt_area *area, struct iopt_area *left, struct iopt_area *right,
		       u64 left_last)
{
	const struct flush_policy *policy = area->iopt->ctx->policy;
	u64 iova = iopt_area_iova(area), right_iova = left_last + 1;
	struct iopt_pages *pages = area->pages;
	u64 start = iopt_area_start_byte(area, iova),
	    middle = iopt_area_start_byte(area, right_iova);
	struct iopt_area *halves[] = {left, right};

	area_set_range(left, iova, start, right_iova - iova, area->iommu_prot);
	area_set_range(right, right_iova, middle, iopt_area_last_iova(area) - left_last,
		       area->iommu_prot);
	area_unlink(area);
	if (area->storage_domain)
		itree_remove(&pages->domains_itree, &area->pages_node);
	for (u32 i = 0; i < 2; i++) {
		struct iopt_area *half = halves[i];

		area_link(half);
		half->pages = pages;
		half->fa.pages = &pages->fp;
		half->storage_domain = area->storage_domain;
		half->fa.storage = area->fa.storage;
		if (half->storage_domain)
			itree_insert(&pages->domains_itree, &half->pages_node);
	}
	if (policy->area_split)
		policy->area_split(&area->fa, &left->fa, &right->fa);
}

static int split_locked(struct iopt_area *area, struct iopt_area *left, struct iopt_area *right,
			u64 left_last)
{
	struct iopt_pages *pages = area->pages;

	if (area->num_accesses)
		return -EINVAL;
	/* The domain may have used large pages across the cut, and could not unmap one half. */
	if (area->storage_domain && !area->iopt->disable_large_pages)
		return -EINVAL;
	iopt_get_pages_ref(pages);
	split_into(area, left, right, left_last);
	return 0;
}

static int area_split(struct iopt_area *area, u64 left_last)
{
	struct io_pagetable *iopt = area->iopt;
	u64 mask = iopt->iova_alignment - 1;
	struct iopt_area *left, *right;
	struct iopt_pages *pages = area->pages;
	int rc;

	if (left_last == iopt_area_iova(area) || left_last == iopt_area_last_iova(area))
		return 0;
	if (!pages || area->prevent_access)
		return -EBUSY;
	if (((left_last + 1) & mask) || (iopt_area_start_byte(area, left_last + 1) & mask))
		return -EINVAL;
	left = area_alloc(iopt);
	if (!left)
		return -ENOMEM;
	right = area_alloc(iopt);
	if (!right) {
		area_free(left);
		return -ENOMEM;
	}
	mutex_lock(&pages->mutex);
	rc = split_locked(area, left, right, left_last);
	mutex_unlock(&pages->mutex);
	if (rc) {
		area_free(left);
		area_free(right);
	} else {
		area_free(area);
	}
	return rc;
}

int iopt_cut_iova(struct io_pagetable *iopt, u64 iova)
{
	struct iopt_area *area;
	int rc = 0;

	down_write(&iopt->iova_rwsem);
	area = iopt_area_iter_first(iopt, iova, iova);
	if (area)
		rc = area_split(area, iova);
	up_write(&iopt->iova_rwsem);
	return rc;
}
