// SPDX-License-Identifier: GPL-2.0-only
/* In-kernel users of a table. */
#include "core/iopt/access.h"

#define ACCESS_IDS_MAX 65536

static void access_put(struct iommufd_access *access)
{
	if (!counter_sub(&access->refs, 1))
		iommufd_free(access->ctx, access, sizeof(*access));
}

struct iommufd_access *iommufd_access_create(struct iommufd_ctx *ctx, u32 id, bool needs_pinning)
{
	struct iommufd_access *access = iommufd_alloc(ctx, sizeof(*access));

	if (!access)
		return NULL;
	access->ctx = ctx;
	access->id = id;
	access->refs = 1;
	access->needs_pinning = needs_pinning;
	access->iova_alignment = needs_pinning ? PAGE_SIZE : 1;
	mutex_init(&access->ioas_lock, LOCK_ACCESS_IOAS);
	return access;
}

/* Both rwsems are held. An id is the first free slot of the list. */
static int list_insert(struct io_pagetable *iopt, struct iommufd_access *access, u32 *id)
{
	struct iommufd_ctx *ctx = iopt->ctx;
	u32 i, old = iopt->access_list_size, new = old ? 2 * old : 4;
	struct iommufd_access **list;

	if (machine_should_fail(ctx->machine, FAULT_ALLOC))
		return -ENOMEM;
	for (i = 0; i < old && iopt->access_list[i]; i++)
		;
	if (i == ACCESS_IDS_MAX)
		return -EBUSY;
	if (i == old) {
		list = arena_alloc(ctx->arena, new * sizeof(*list));
		if (!list)
			return -ENOMEM;
		if (old)
			memcpy(list, iopt->access_list, old * sizeof(*list));
		iommufd_free(ctx, iopt->access_list, old * sizeof(*list));
		iopt->access_list = list;
		iopt->access_list_size = new;
	}
	iopt->access_list[i] = access;
	iopt->nr_accesses++;
	*id = i;
	return 0;
}

static void list_remove(struct io_pagetable *iopt, u32 id)
{
	iopt->access_list[id] = NULL;
	iopt->nr_accesses--;
	if (iopt_calculate_iova_alignment(iopt))
		machine_strict(iopt->ctx->machine, "I6", "the alignment rose when an access left",
			       iopt->iova_alignment, id);
}

static int table_add_access(struct io_pagetable *iopt, struct iommufd_access *access, u32 *id)
{
	int rc;

	down_write(&iopt->domains_rwsem);
	down_write(&iopt->iova_rwsem);
	rc = list_insert(iopt, access, id);
	if (!rc) {
		rc = iopt_calculate_iova_alignment(iopt);
		if (rc)
			list_remove(iopt, *id);
	}
	up_write(&iopt->iova_rwsem);
	up_write(&iopt->domains_rwsem);
	return rc;
}

static void table_remove_access(struct io_pagetable *iopt, struct iommufd_access *access, u32 id)
{
	down_write(&iopt->domains_rwsem);
	down_write(&iopt->iova_rwsem);
	if (iopt->access_list[id] != access)
		machine_strict(iopt->ctx->machine, "A4",
			       "an access is not in the list under its id", id, access->id);
	list_remove(iopt, id);
	up_write(&iopt->iova_rwsem);
	up_write(&iopt->domains_rwsem);
}

static void call_unmap(struct iommufd_access *access, u64 iova, u64 length)
{
	if (access->ctx->access_unmap)
		access->ctx->access_unmap(access->ctx->access_unmap_arg, access->id, iova, length);
}

/* Release what was pinned in [iova..last]: whole areas' worth, from the first. iova_rwsem is held.
 */
static void unpin_range(struct io_pagetable *iopt, u64 iova, u64 last)
{
	struct iopt_area *area;
	u64 end;

	for (;;) {
		area = iopt_area_iter_first(iopt, iova, iova);
		if (!area || !area->pages) {
			machine_strict(iopt->ctx->machine, "A1", "a pinned range has lost its area",
				       iova, last);
			return;
		}
		end = min(iopt_area_last_iova(area), last);
		iopt_area_remove_access(area, iopt_area_iova_to_index(area, iova),
					iopt_area_iova_to_index(area, end));
		if (end == last)
			return;
		iova = end + 1;
	}
}

/* ioas_lock is held; a pin exists only while ioas_unpin does. */
static void release_pin(struct iommufd_access *access, struct access_pin **link)
{
	struct io_pagetable *iopt = access->ioas_unpin;
	struct access_pin *pin = *link;

	*link = pin->next;
	down_read(&iopt->iova_rwsem);
	unpin_range(iopt, pin->iova, pin->iova + pin->length - 1);
	up_read(&iopt->iova_rwsem);
	iommufd_free(access->ctx, pin, sizeof(*pin));
}

/*
 * Move to another table, or to none. While the lock is dropped for the callback, ioas is NULL,
 * which keeps new pins and other moves away, and ioas_unpin stays, so that the old pins can be
 * released. The callback may destroy the access: the caller holds a reference.
 */
static int change_ioas(struct iommufd_access *access, struct io_pagetable *new)
{
	struct io_pagetable *old = access->ioas;
	u32 old_id = access->iopt_access_list_id, id = 0;
	int rc;

	if (access->ioas != access->ioas_unpin)
		return -EBUSY;
	if (new == old)
		return 0;
	access->ioas = NULL;
	if (new) {
		rc = table_add_access(new, access, &id);
		if (rc) {
			access->ioas = old;
			return rc;
		}
		access->iopt_access_list_id = id;
	}
	if (old) {
		mutex_unlock(&access->ioas_lock);
		call_unmap(access, 0, UINT64_MAX);
		mutex_lock(&access->ioas_lock);
		/* A callback that kept something must not keep the table from being left. */
		while (access->pins)
			release_pin(access, &access->pins);
		table_remove_access(old, access, old_id);
	}
	access->ioas = access->ioas_unpin = new;
	return 0;
}

/* @attached: what must be true now, else @wrong. A transition counts as attached. */
static int move_access(struct iommufd_access *access, struct io_pagetable *iopt, bool attached,
		       int wrong)
{
	int rc = wrong;

	counter_add(&access->refs, 1);
	mutex_lock(&access->ioas_lock);
	if ((access->ioas || access->ioas_unpin) == attached)
		rc = change_ioas(access, iopt);
	mutex_unlock(&access->ioas_lock);
	access_put(access);
	return rc;
}

int iommufd_access_destroy(struct iommufd_access *access)
{
	int rc = move_access(access, NULL, true, 0);

	if (rc)
		return rc;
	if (access->pins)
		machine_strict(access->ctx->machine, "A3", "an access is destroyed with pins",
			       access->id, 0);
	access_put(access);
	return 0;
}

int iommufd_access_attach(struct iommufd_access *access, struct io_pagetable *iopt)
{
	return move_access(access, iopt, false, -EINVAL);
}

int iommufd_access_replace(struct iommufd_access *access, struct io_pagetable *iopt)
{
	return move_access(access, iopt, true, -ENOENT);
}

int iommufd_access_detach(struct iommufd_access *access)
{
	return move_access(access, NULL, true, -EINVAL);
}

/* --- pins -------------------------------------------------------------------- */

/* May the request use what the area shows at iova; `more`: it goes on behind the area. */
static int check_pin(const struct iopt_area *area, u64 iova, bool more, bool write)
{
	if (area->prevent_access)
		return -EINVAL;
	if (iopt_area_start_byte(area, iova) & PAGE_MASK)
		return -EINVAL;
	if (more &&
	    (iopt_area_start_byte(area, iopt_area_last_iova(area)) & PAGE_MASK) != PAGE_MASK)
		return -EINVAL;
	if (write && !(area->iommu_prot & DOMAIN_WRITE))
		return -EPERM;
	if (!write && !(area->iommu_prot & DOMAIN_READ))
		return -EPERM;
	return 0;
}

static int pin_range(struct io_pagetable *iopt, u64 iova, u64 last, u64 *out, bool write)
{
	struct iopt_area *area;
	u64 cur = iova, end, first_index, last_index;
	int rc;

	for (;;) {
		area = iopt_area_iter_first(iopt, cur, cur);
		rc = -ENOENT;
		if (!area || !area->pages)
			break;
		end = min(iopt_area_last_iova(area), last);
		rc = check_pin(area, cur, end != last, write);
		if (rc)
			break;
		first_index = iopt_area_iova_to_index(area, cur);
		last_index = iopt_area_iova_to_index(area, end);
		rc = iopt_area_add_access(area, first_index, last_index, out, write);
		if (rc)
			break;
		out += last_index - first_index + 1;
		if (end == last)
			return 0;
		cur = end + 1;
	}
	if (cur != iova)
		unpin_range(iopt, iova, cur - 1);
	return rc;
}

/* What pin and rw begin with; on success ioas_lock is held and *iopt is the table. */
static int access_begin(struct iommufd_access *access, u64 iova, u64 length, u64 *last,
			struct io_pagetable **iopt)
{
	if (!length)
		return -EINVAL;
	if (check_add_overflow(iova, length - 1, last))
		return -EOVERFLOW;
	mutex_lock(&access->ioas_lock);
	*iopt = access->ioas;
	if (*iopt)
		return 0;
	mutex_unlock(&access->ioas_lock);
	return -ENOENT;
}

int iommufd_access_pin_pages(struct iommufd_access *access, u64 iova, u64 length, u64 *out_pfns,
			     bool write)
{
	struct iommufd_ctx *ctx = access->ctx;
	struct io_pagetable *iopt;
	struct access_pin *pin;
	u64 last;
	int rc;

	rc = access_begin(access, iova, length, &last, &iopt);
	if (rc)
		return rc;
	/* Ours, not the core's: made without a fault point, so that the core's places are those of
	 * the kernel. */
	pin = arena_alloc(ctx->arena, sizeof(*pin));
	rc = -ENOMEM;
	if (!pin)
		goto out_unlock;
	down_read(&iopt->iova_rwsem);
	rc = pin_range(iopt, iova, last, out_pfns, write);
	up_read(&iopt->iova_rwsem);
	if (rc) {
		iommufd_free(ctx, pin, sizeof(*pin));
		goto out_unlock;
	}
	*pin = (struct access_pin){.iova = iova, .length = length, .next = access->pins};
	access->pins = pin;
out_unlock:
	mutex_unlock(&access->ioas_lock);
	return rc;
}

int iommufd_access_unpin_pages(struct iommufd_access *access, u64 iova, u64 length)
{
	struct access_pin **link;
	int rc = -ENOENT;

	mutex_lock(&access->ioas_lock);
	for (link = &access->pins; *link; link = &(*link)->next)
		if ((*link)->iova == iova && (*link)->length == length)
			break;
	if (*link) {
		release_pin(access, link);
		rc = 0;
	}
	mutex_unlock(&access->ioas_lock);
	return rc;
}

static int check_rw(const struct iopt_area *area, bool write)
{
	if (!area || !area->pages)
		return -ENOENT;
	if (area->prevent_access)
		return -EINVAL;
	if (!(area->iommu_prot & (write ? DOMAIN_WRITE : DOMAIN_READ)))
		return -EPERM;
	return 0;
}

int iommufd_access_rw(struct iommufd_access *access, u64 iova, void *data, u64 length, bool write,
		      bool kthread, u32 task)
{
	struct io_pagetable *iopt;
	struct iopt_area *area;
	u64 last, part;
	u8 *p = data;
	int rc;

	rc = access_begin(access, iova, length, &last, &iopt);
	if (rc)
		return rc;
	down_read(&iopt->iova_rwsem);
	for (;;) {
		area = iopt_area_iter_first(iopt, iova, iova);
		rc = check_rw(area, write);
		if (rc)
			break;
		part = min(iopt_area_last_iova(area), last) - iova + 1;
		rc = iopt_pages_rw_access(area, iopt_area_start_byte(area, iova), p, part, write,
					  kthread, task);
		if (rc || iova + (part - 1) == last)
			break;
		iova += part;
		p += part;
	}
	up_read(&iopt->iova_rwsem);
	mutex_unlock(&access->ioas_lock);
	return rc;
}

/* The list may change while the callback runs: look at it anew, slot by slot. */
void iopt_access_notify_unmap(struct io_pagetable *iopt, u64 iova, u64 length)
{
	struct iommufd_access *access;
	u32 size, i = 0;

	do {
		down_read(&iopt->domains_rwsem);
		size = iopt->access_list_size;
		access = i < size ? iopt->access_list[i] : NULL;
		if (access)
			counter_add(&access->refs, 1);
		up_read(&iopt->domains_rwsem);
		if (access) {
			call_unmap(access, iova, length);
			access_put(access);
		}
	} while (++i < size);
}
