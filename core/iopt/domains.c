// SPDX-License-Identifier: GPL-2.0-only
/* Domains of a table: added and removed in any order, with every area filled or unfilled on the
 * way. */
#include "core/iopt/access.h"
#include "core/iopt/io_pagetable.h"

static u64 smallest_page(const struct domain *d)
{
	u64 sizes = domain_cfg(d)->pgsize_bitmap;

	return sizes & -sizes;
}

static bool area_conforms(const struct iopt_area *area, u64 alignment)
{
	return !((iopt_area_iova(area) | iopt_area_length(area) | area->page_offset) &
		 (alignment - 1));
}

int iopt_check_alignment(struct io_pagetable *iopt, u64 alignment)
{
	struct iopt_area *area;

	for (area = iopt_area_iter_first(iopt, 0, UINT64_MAX); area;
	     area = iopt_area_iter_next(area, 0, UINT64_MAX))
		if (!area_conforms(area, alignment))
			return -EADDRINUSE;
	return 0;
}

int iopt_calculate_iova_alignment(struct io_pagetable *iopt)
{
	u64 alignment = iopt->disable_large_pages ? PAGE_SIZE : 1;
	u32 i;

	for (i = 0; i < iopt->next_domain_id; i++)
		alignment = max(alignment, smallest_page(iopt->domains[i]->d));
	for (i = 0; i < iopt->access_list_size; i++)
		if (iopt->access_list[i])
			alignment = max(alignment, iopt->access_list[i]->iova_alignment);
	if (alignment > iopt->iova_alignment && iopt_check_alignment(iopt, alignment))
		return -EADDRINUSE;
	iopt->iova_alignment = alignment;
	return 0;
}

/* A slot in both arrays, without using it yet. */
static int reserve_slot(struct io_pagetable *iopt)
{
	struct iommufd_ctx *ctx = iopt->ctx;
	u32 old = iopt->domains_size, new = old ? 2 * old : 4;
	struct iopt_domain **domains;
	const struct flush_domain **fds;

	if (machine_should_fail(ctx->machine, FAULT_ALLOC))
		return -ENOMEM;
	if (iopt->next_domain_id < old)
		return 0;
	domains = arena_alloc(ctx->arena, new * sizeof(*domains));
	fds = arena_alloc(ctx->arena, new * sizeof(*fds));
	if (!domains || !fds) {
		iommufd_free(ctx, domains, new * sizeof(*domains));
		iommufd_free(ctx, fds, new * sizeof(*fds));
		return -ENOMEM;
	}
	if (old) {
		memcpy(domains, iopt->domains, old * sizeof(*domains));
		memcpy(fds, iopt->flush_domains, old * sizeof(*fds));
	}
	iommufd_free(ctx, iopt->domains, old * sizeof(*domains));
	iommufd_free(ctx, iopt->flush_domains, old * sizeof(*fds));
	iopt->domains = domains;
	iopt->flush_domains = fds;
	iopt->domains_size = new;
	return 0;
}

static void set_slot(struct io_pagetable *iopt, u32 slot, struct iopt_domain *domain)
{
	iopt->domains[slot] = domain;
	iopt->flush_domains[slot] = domain ? &domain->fd : NULL;
}

/* Take the areas before `end` (NULL: all) out of a domain that could not be added. */
static void unfill_areas(struct io_pagetable *iopt, struct iopt_domain *domain,
			 struct iopt_area *end)
{
	bool others = iopt->next_domain_id;
	struct iopt_area *area;

	for (area = iopt_area_iter_first(iopt, 0, UINT64_MAX); area && area != end;
	     area = iopt_area_iter_next(area, 0, UINT64_MAX)) {
		if (!area->pages)
			continue;
		mutex_lock(&area->pages->mutex);
		if (!others)
			iopt_area_set_storage(area, NULL);
		iopt_area_unfill_domain(area, domain, others, FLUSH_UNWIND);
		mutex_unlock(&area->pages->mutex);
	}
}

static int fill_areas(struct io_pagetable *iopt, struct iopt_domain *domain)
{
	struct iopt_area *area;
	int rc;

	for (area = iopt_area_iter_first(iopt, 0, UINT64_MAX); area;
	     area = iopt_area_iter_next(area, 0, UINT64_MAX)) {
		if (!area->pages)
			continue;
		mutex_lock(&area->pages->mutex);
		rc = iopt_area_fill_domain(area, domain);
		if (!rc && !iopt->next_domain_id)
			iopt_area_set_storage(area, domain);
		mutex_unlock(&area->pages->mutex);
		if (rc) {
			unfill_areas(iopt, domain, area);
			return rc;
		}
	}
	return 0;
}

/* A policy with a preference may move the storage of every area when the set of domains has
 * changed. */
static void repick_storage(struct io_pagetable *iopt)
{
	struct iopt_area *area;

	if (!iopt->ctx->policy->storage_pick)
		return;
	for (area = iopt_area_iter_first(iopt, 0, UINT64_MAX); area;
	     area = iopt_area_iter_next(area, 0, UINT64_MAX)) {
		if (!area->pages)
			continue;
		mutex_lock(&area->pages->mutex);
		iopt_area_pick_storage(area);
		mutex_unlock(&area->pages->mutex);
	}
}

static int reserve_aperture(struct io_pagetable *iopt, struct iopt_domain *domain)
{
	const struct domain_config *cfg = domain_cfg(domain->d);
	int rc = 0;

	if (cfg->aperture_start)
		rc = iopt_reserve_locked(iopt, 0, cfg->aperture_start - 1, domain);
	if (!rc && cfg->aperture_last != UINT64_MAX)
		rc = iopt_reserve_locked(iopt, cfg->aperture_last + 1, UINT64_MAX, domain);
	if (rc)
		iopt_unreserve_locked(iopt, domain);
	return rc;
}

/* Both rwsems are held. */
static int add_domain_locked(struct io_pagetable *iopt, struct iopt_domain *domain)
{
	u64 alignment = max(smallest_page(domain->d), iopt->iova_alignment);
	int rc;

	for (u32 i = 0; i < iopt->next_domain_id; i++)
		if (iopt->domains[i]->d == domain->d)
			return -EEXIST;
	if (alignment > PAGE_SIZE)
		return -EINVAL;
	if (alignment > iopt->iova_alignment) {
		rc = iopt_check_alignment(iopt, alignment);
		if (rc)
			return rc;
	}
	rc = reserve_aperture(iopt, domain);
	if (rc)
		return rc;
	rc = reserve_slot(iopt);
	if (!rc)
		rc = fill_areas(iopt, domain);
	if (rc) {
		iopt_unreserve_locked(iopt, domain);
		return rc;
	}
	iopt->iova_alignment = alignment;
	set_slot(iopt, iopt->next_domain_id++, domain);
	iopt->ft.nr_domains++;
	iopt->ft.nr_nc += domain->fd.nc;
	repick_storage(iopt);
	return 0;
}

int iopt_table_add_domain(struct io_pagetable *iopt, struct domain *d)
{
	struct iommufd_ctx *ctx = iopt->ctx;
	const struct flush_policy *policy = ctx->policy;
	struct flush_domain fd = {.id = FLUSH_DOMAIN_ID + domain_id(d), .nc = domain_nc(d)};
	struct iopt_domain *domain;
	int rc = 0;

	down_write(&iopt->domains_rwsem);
	down_write(&iopt->iova_rwsem);
	if (policy->domain_attach)
		rc = machine_should_fail(ctx->machine, FAULT_POLICY)
			     ?: hook_result(ctx, policy->domain_attach(&iopt->ft, &fd));
	if (rc)
		goto out_unlock;
	domain = iommufd_alloc(ctx, sizeof(*domain));
	rc = -ENOMEM;
	if (domain) {
		domain->d = d;
		domain->fd = fd;
		rc = add_domain_locked(iopt, domain);
		if (rc)
			iommufd_free(ctx, domain, sizeof(*domain));
	}
	if (rc && policy->domain_attach_failed)
		policy->domain_attach_failed(&iopt->ft, &fd);
out_unlock:
	up_write(&iopt->iova_rwsem);
	up_write(&iopt->domains_rwsem);
	return rc;
}

/* The vacated slot takes the last one's domain, then every area leaves the removed one. */
static void remove_domain_locked(struct io_pagetable *iopt, u32 slot)
{
	struct iopt_domain *domain = iopt->domains[slot];
	struct iopt_area *area;
	bool others;

	iopt->next_domain_id--;
	set_slot(iopt, slot, iopt->domains[iopt->next_domain_id]);
	set_slot(iopt, iopt->next_domain_id, NULL);
	others = iopt->next_domain_id;
	for (area = iopt_area_iter_first(iopt, 0, UINT64_MAX); area;
	     area = iopt_area_iter_next(area, 0, UINT64_MAX)) {
		if (!area->pages)
			continue;
		mutex_lock(&area->pages->mutex);
		if (!others)
			iopt_area_set_storage(area, NULL);
		else if (area->storage_domain == domain)
			iopt_area_pick_storage(area);
		iopt_area_unfill_domain(area, domain, others, 0);
		mutex_unlock(&area->pages->mutex);
	}
	iopt_unreserve_locked(iopt, domain);
	if (iopt_calculate_iova_alignment(iopt))
		machine_strict(iopt->ctx->machine, "I6", "the alignment rose when a domain left",
			       iopt->iova_alignment, slot);
	iopt->ft.nr_domains--;
	iopt->ft.nr_nc -= domain->fd.nc;
	if (iopt->ctx->policy->domain_detach)
		iopt->ctx->policy->domain_detach(&iopt->ft, &domain->fd);
	iommufd_free(iopt->ctx, domain, sizeof(*domain));
}

int iopt_table_remove_domain(struct io_pagetable *iopt, struct domain *d)
{
	int rc = -ENOENT;

	down_write(&iopt->domains_rwsem);
	down_write(&iopt->iova_rwsem);
	for (u32 i = 0; i < iopt->next_domain_id; i++)
		if (iopt->domains[i]->d == d) {
			remove_domain_locked(iopt, i);
			rc = 0;
			break;
		}
	up_write(&iopt->iova_rwsem);
	up_write(&iopt->domains_rwsem);
	return rc;
}

int iopt_set_huge_pages(struct io_pagetable *iopt, bool enable)
{
	int rc = 0;

	down_write(&iopt->domains_rwsem);
	down_write(&iopt->iova_rwsem);
	if (enable) {
		iopt->disable_large_pages = false;
		rc = iopt_calculate_iova_alignment(iopt);
	} else if (!iopt->disable_large_pages) {
		if (iopt->next_domain_id && !itree_empty(&iopt->area_itree)) {
			rc = -EINVAL;
		} else {
			iopt->disable_large_pages = true;
			rc = iopt_calculate_iova_alignment(iopt);
			if (rc)
				iopt->disable_large_pages = false;
		}
	}
	up_write(&iopt->iova_rwsem);
	up_write(&iopt->domains_rwsem);
	return rc;
}
