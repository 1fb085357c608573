// SPDX-License-Identifier: GPL-2.0-only
/*
 * The object table of an iommufd context and the attaching of domains, in the place of main.c,
 * whose rest is files and ioctl numbers. Objects live in the tree's own xarray, so the tree's code
 * finds what it looks for there.
 *
 * An attach is what IOMMU_HWPT_ALLOC does: the tree's iommufd_hwpt_paging_alloc() makes the hwpt,
 * decides about coherency, fills the domain, and undoes all that if it fails. So a rule that counts
 * domains in hw_pagetable.c is judged as it stands there.
 */
#include "core/linux/kernel.h"

/* --- ids that nosnoop gives out ------------------------------------------------------------------ */

void *kenv_id(const struct kenv_ids *ids, u32 id)
{
	return id && id <= ids->nr ? ids->at[id - 1] : NULL;
}

/* The id is used up also when @p is NULL. */
int kenv_id_add(struct kenv_ids *ids, void *p)
{
	u32 size = ids->size ? 2 * ids->size : 4;
	void **at;

	if (ids->nr == ids->size) {
		at = kenv_alloc(size * sizeof(*at), GFP_KERNEL | __GFP_NOFAIL);
		if (!at)
			return -ENOMEM;
		if (ids->nr)
			memcpy(at, ids->at, ids->nr * sizeof(*at));
		kfree(ids->at);
		ids->at = at;
		ids->size = size;
	}
	ids->at[ids->nr++] = p;
	return 0;
}

/* --- objects of a context ------------------------------------------------------------------------- */

/* The short-lived references of an object; their name changed. */
static refcount_t *short_users(struct iommufd_object *obj)
{
#ifdef HAVE_WAIT_CNT
	return &obj->wait_cnt;
#else
	return &obj->shortterm_users;
#endif
}

/* An id is taken at once, and shows nothing until the object is finalized. */
struct iommufd_object *_iommufd_object_alloc(struct iommufd_ctx *ictx, size_t size,
					     enum iommufd_object_type type)
{
	struct iommufd_object *fresh = kzalloc(size, GFP_KERNEL_ACCOUNT);
	int rc = -ENOMEM;

	if (fresh)
		rc = xa_alloc(&ictx->objects, &fresh->id, XA_ZERO_ENTRY, xa_limit_31b,
			      GFP_KERNEL_ACCOUNT);
	if (rc) {
		kfree(fresh);
		return ERR_PTR(rc);
	}
	fresh->type = type;
	refcount_set(&fresh->users, 1);
	refcount_set(short_users(fresh), 1);
	return fresh;
}

#ifdef HAVE_UCMD_OBJECTS
struct iommufd_object *_iommufd_object_alloc_ucmd(struct iommufd_ucmd *ucmd, size_t size,
						  enum iommufd_object_type type)
{
	struct iommufd_object *obj = _iommufd_object_alloc(ucmd->ictx, size, type);

	if (!IS_ERR(obj))
		ucmd->new_obj = obj;
	return obj;
}
#endif

void iommufd_object_finalize(struct iommufd_ctx *ictx, struct iommufd_object *obj)
{
	xa_store(&ictx->objects, obj->id, obj, GFP_KERNEL | __GFP_NOFAIL);
}

void iommufd_object_abort(struct iommufd_ctx *ictx, struct iommufd_object *obj)
{
	xa_erase(&ictx->objects, obj->id);
	kfree(obj);
}

static void destroy_object(struct iommufd_object *obj)
{
	switch (obj->type) {
	case IOMMUFD_OBJ_IOAS:
		iommufd_ioas_destroy(obj);
		break;
	case IOMMUFD_OBJ_HWPT_PAGING:
		iommufd_hwpt_paging_destroy(obj);
		break;
	case IOMMUFD_OBJ_ACCESS:
		iommufd_access_destroy_object(obj);
		break;
	default:
		WARN_ON(obj->type);
	}
}

void iommufd_object_abort_and_destroy(struct iommufd_ctx *ictx, struct iommufd_object *obj)
{
	if (obj->type == IOMMUFD_OBJ_HWPT_PAGING)
		iommufd_hwpt_paging_abort(obj);
	else
		destroy_object(obj);
	iommufd_object_abort(ictx, obj);
}

/* Nobody changes the table meanwhile: it is read without its lock. */
struct iommufd_object *iommufd_get_object(struct iommufd_ctx *ictx, u32 id,
					  enum iommufd_object_type type)
{
	struct iommufd_object *found = xa_load(&ictx->objects, id);
	bool wanted = found && (type == IOMMUFD_OBJ_ANY || found->type == type);

	if (kenv_run->host->should_fail(kenv_run->ctx, FAULT_ID))
		return ERR_PTR(-ENOENT);
	return wanted && iommufd_lock_obj(found) ? found : ERR_PTR(-ENOENT);
}

/*
 * With a flag (one that waits for short-lived references) the caller holds a reference of its own;
 * without one @id is looked up.
 */
int iommufd_object_remove(struct iommufd_ctx *ictx, struct iommufd_object *to_destroy, u32 id,
			  unsigned int flags)
{
	struct iommufd_object *obj = xa_load(&ictx->objects, id);

	if (!obj || (to_destroy && obj != to_destroy)) {
		WARN_ON(to_destroy);
		return -ENOENT;
	}
	if (to_destroy)
		refcount_dec(&obj->users);
	if (refcount_read(&obj->users) != 1)
		return -EBUSY;
	xa_erase(&ictx->objects, id);
	WARN_ON(refcount_read(short_users(obj)) != 1);
	destroy_object(obj);
	kfree(obj);
	return 0;
}

#ifdef CONFIG_IOMMUFD_TEST
/* Of a fuzzer whose programs cannot name an area in another way. */
void iommufd_test_syz_conv_iova_id(struct iommufd_ucmd *ucmd, unsigned int ioas_id, u64 *iova,
				   u32 *flags)
{
}
#endif

void iommufd_ctx_get(struct iommufd_ctx *ictx)
{
}

void iommufd_ctx_put(struct iommufd_ctx *ictx)
{
}

/* --- domains -------------------------------------------------------------------------------------- */

struct kenv_hwpt *kenv_find_hwpt(struct kenv_run *run, u32 domain)
{
	struct kenv_hwpt *h;

	list_for_each_entry(h, &run->hwpts, link) if (h->domain == domain) return h;
	return NULL;
}

static struct iommufd_hwpt_paging *make_hwpt(struct kenv_run *run, struct iommufd_ioas *ioas)
{
#ifdef HAVE_PASID
	return iommufd_hwpt_paging_alloc(&run->ictx, ioas, &run->idev, IOMMU_NO_PASID, 0, false,
					 NULL);
#else
	return iommufd_hwpt_paging_alloc(&run->ictx, ioas, &run->idev, 0, false, NULL);
#endif
}

int kenv_attach(struct kenv_run *run, struct iommufd_ioas *ioas, u32 table, u32 domain)
{
	struct linux_domain about;
	struct kenv_hwpt *h;

	if (run->host->domain(run->ctx, domain, &about))
		return -ENOENT;
	/* Nosnoop's own record of the attachment; not a place of the kernel's that may fail. */
	h = kenv_alloc(sizeof(*h), GFP_KERNEL | __GFP_NOFAIL);
	if (!h)
		return -ENOMEM;
	run->attaching = domain;
	run->idev.enforce_cache_coherency = about.enforce_cache_coherency;
	mutex_lock(&ioas->mutex);
	h->hwpt = make_hwpt(run, ioas);
	if (!IS_ERR(h->hwpt))
		iommufd_object_finalize(&run->ictx, &h->hwpt->common.obj);
	mutex_unlock(&ioas->mutex);
	if (IS_ERR(h->hwpt)) {
		int rc = PTR_ERR(h->hwpt);

		kfree(h);
		return rc;
	}
	h->domain = domain;
	h->table = table;
	list_add_tail(&h->link, &run->hwpts);
	return 0;
}

void kenv_detach(struct kenv_run *run, struct kenv_hwpt *h)
{
	struct iommufd_object *obj = &h->hwpt->common.obj;

	list_del(&h->link);
	WARN_ON(iommufd_object_remove(&run->ictx, NULL, obj->id, 0));
	kfree(h);
}
