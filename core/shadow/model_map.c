// SPDX-License-Identifier: GPL-2.0-only
/* Map, copy, cut and unmap. */
#include "core/shadow/model_priv.h"

static void fail(struct model *md, const struct request *req, int rc)
{
	model_judge(md, req, rc, rc);
}

/* --- map and copy ------------------------------------------------------------------------ */

/* The areas that a map or copy would make, in order; their IOVAs follow when the first is known. */
struct plan {
	struct mtable *t;
	struct vec areas; /* struct marea */
	u64 length;
};

static struct marea *plan_area(const struct plan *plan, u32 i)
{
	return vec_at(&plan->areas, struct marea, i);
}

static void plan_slice(struct model *md, struct plan *plan, struct mpages *pages, u64 start_byte,
		       u64 length)
{
	struct marea *a = md_vec_push(md, &plan->areas);

	a->pages = pages;
	a->start_byte = start_byte;
	a->last = length - 1;
	plan->length += length;
}

/* Length, then the place: chosen, or given and checked. */
static int plan_iova(const struct plan *plan, const struct request *req, u64 *iova)
{
	const struct marea *a = plan_area(plan, 0);

	if (plan->length & (plan->t->alignment - 1))
		return -EINVAL;
	if (!(req->flags & REQF_FIXED))
		return md_iova_auto(plan->t, a->pages->uptr + a->start_byte, plan->length, iova);
	*iova = req->iova;
	return md_iova_fixed(plan->t, req->iova, plan->length);
}

/* Give each slice its place, with the checks that go slice by slice. */
static int plan_place(struct plan *plan, const struct request *req, u64 iova)
{
	for (u32 i = 0; i < plan->areas.nr; i++) {
		struct marea *a = plan_area(plan, i);
		u64 bits = (a->start_byte & PAGE_MASK) | iova | (a->last + 1);

		if (req->prot & REQ_PROT_WRITE && !a->pages->writable)
			return -EPERM;
		if (bits & (plan->t->alignment - 1))
			return -EINVAL;
		a->iova = iova;
		a->last += iova;
		a->prot = req->prot & (REQ_PROT_READ | REQ_PROT_WRITE);
		iova = a->last + 1;
	}
	return 0;
}

static void plan_unfill(struct model *md, struct plan *plan, u32 n)
{
	for (u32 i = 0; plan->t->domains.nr && i < n; i++)
		md_area_unfill(md, plan_area(plan, i));
}

/* Slice by slice, as the core does; a failing one takes the earlier ones with it. */
static int plan_fill(struct model *md, struct plan *plan, struct mfill *f)
{
	int rc;

	for (u32 i = 0; i < f->nr_domains; i++)
		md_find_domain(md, f->domains[i])->need = 0;
	for (u32 i = 0; i < plan->areas.nr; i++) {
		rc = md_area_fill(md, plan->t, plan_area(plan, i), f);
		if (rc) {
			plan_unfill(md, plan, i);
			return rc;
		}
	}
	return 0;
}

/* From here on the areas belong to the table; each holds its pages object. */
static void plan_commit(struct model *md, struct plan *plan, const struct request *req)
{
	u64 iova = plan_area(plan, 0)->iova;
	u32 pos = md_area_lower(plan->t, iova);

	if (!req->rc && req->out_iova != iova) {
		model_report(md, "R4", "%s: expected iova %#llx, found %#llx",
			     request_name(req->kind), (unsigned long long)iova,
			     (unsigned long long)req->out_iova);
		md->lost = true;
		return;
	}
	for (u32 i = 0; i < plan->areas.nr; i++) {
		struct marea *a = md_rows_insert(md, &plan->t->areas, pos + i);

		if (md->lost)
			return;
		*a = *plan_area(plan, i);
		a->pages->refs++;
	}
}

static void plan_run(struct model *md, struct plan *plan, const struct request *req)
{
	struct mfill f = {.domains = plan->t->domains.data,
			  .nr_domains = plan->t->domains.nr,
			  .pin = true,
			  .failed = req->rc && !model_copyout_fault(req)};
	u64 iova;
	int rc = plan_iova(plan, req, &iova);

	if (!rc)
		rc = plan_place(plan, req, iova);
	if (rc) {
		fail(md, req, rc);
		return;
	}
	rc = plan_fill(md, plan, &f);
	if (rc)
		model_judge(md, req, rc, f.alt);
	else if (model_success(md, req))
		plan_commit(md, plan, req);
	else
		plan_unfill(md, plan, plan->areas.nr);
}

/*
 * What the ioctl looks at before the table's own rules. The IOVA counts even when it is not used.
 */
static int map_check(const struct model *md, const struct request *req)
{
	u64 end;

	if (req->iova == IOVA_MAX || req->length == IOVA_MAX)
		return -EOVERFLOW;
	if (!(req->prot & (REQ_PROT_READ | REQ_PROT_WRITE)))
		return -EINVAL;
	if (!md_find_table(md, req->table))
		return -ENOENT;
	if (!req->length || req->length > SIZE_MAX - PAGE_SIZE)
		return -EINVAL;
	return check_add_overflow(req->uptr, req->length, &end) ? -EOVERFLOW : 0;
}

/* Whose limits are charged, and how, is fixed here for the object's life. */
static struct mpages *map_pages(struct model *md, const struct request *req)
{
	const struct task *task = machine_task(md->m, req->task);
	struct mpages *p = md_pages_new(md, req->serial);
	u64 offset = req->uptr & PAGE_MASK;

	p->uptr = req->uptr - offset;
	p->npages = ((req->length - 1 + offset) >> PAGE_SHIFT) + 1;
	p->task = task->id;
	p->writable = req->prot & REQ_PROT_WRITE;
	p->mode = task->cap_ipc_lock ? 0 : md->mode_mm ? 2 : 1;
	p->refs = 1;
	return p;
}

static void map(struct model *md, struct request *req)
{
	struct plan plan = {.areas.size = sizeof(struct marea)};
	struct mpages *pages;
	int rc = map_check(md, req);

	if (rc) {
		fail(md, req, rc);
		return;
	}
	if (!machine_task(md->m, req->task)) {
		md->lost = true;
		return;
	}
	plan.t = md_find_table(md, req->table);
	pages = map_pages(md, req);
	plan_slice(md, &plan, pages, req->uptr & PAGE_MASK, req->length);
	if (!md->lost)
		plan_run(md, &plan, req);
	md_pages_put(md, pages);
	md_vec_free(md, &plan.areas);
}

/*
 * The source is looked up, read and left before the destination's id is: their errors come in that
 * order.
 */
static int copy_check(const struct model *md, const struct request *req, u64 *src_last)
{
	if (req->iova == IOVA_MAX || req->length == IOVA_MAX || req->src_iova == IOVA_MAX)
		return -EOVERFLOW;
	if (!(req->prot & (REQ_PROT_READ | REQ_PROT_WRITE)))
		return -EINVAL;
	if (!md_find_table(md, req->src_table))
		return -ENOENT;
	if (!req->length)
		return -EINVAL;
	return check_add_overflow(req->src_iova, req->length - 1, src_last) ? -EOVERFLOW : 0;
}

/* The source must be mapped without a gap. */
static int copy_slices(struct model *md, const struct request *req, struct plan *plan, u64 last)
{
	const struct mtable *src = md_find_table(md, req->src_table);
	u64 at = req->src_iova;

	for (u32 i = md_area_lower(src, at);; i++) {
		const struct marea *a;
		u64 end;

		if (i == src->areas.nr)
			return -ENOENT;
		a = rows_at(&src->areas, struct marea, i);
		if (a->iova > at)
			return -ENOENT;
		end = min(a->last, last);
		plan_slice(md, plan, a->pages, area_byte(a, at), end - at + 1);
		if (end == last)
			return 0;
		at = end + 1;
	}
}

static void copy(struct model *md, struct request *req)
{
	struct plan plan = {.areas.size = sizeof(struct marea)};
	u64 last;
	int rc = copy_check(md, req, &last);

	if (!rc)
		rc = copy_slices(md, req, &plan, last);
	plan.t = md_find_table(md, req->table);
	if (!rc && !plan.t)
		rc = -ENOENT;
	if (rc)
		fail(md, req, rc);
	else if (!md->lost)
		plan_run(md, &plan, req);
	md_vec_free(md, &plan.areas);
}

/* --- cut --------------------------------------------------------------------------------- */

/* A filled area may be cut only if every page was a map call of its own. */
static int cut_check(const struct mtable *t, const struct marea *a, u64 start)
{
	if (a->prevent)
		return -EBUSY;
	if ((start | area_byte(a, start)) & (t->alignment - 1))
		return -EINVAL;
	if (a->num_accesses || (t->domains.nr && !t->no_large))
		return -EINVAL;
	return 0;
}

static void cut(struct model *md, struct request *req)
{
	struct mtable *t = md_find_table(md, req->table);
	struct marea *a = t ? md_area_at(t, req->iova) : NULL, *right;
	u64 start = req->iova + 1;
	u32 pos;
	int rc = 0;

	if (!t)
		rc = -ENOENT;
	else if (a && req->iova != a->iova && req->iova != a->last)
		rc = cut_check(t, a, start);
	else
		a = NULL;
	if (!model_judge(md, req, rc, rc) || !a)
		return;
	pos = md_area_lower(t, req->iova);
	right = md_rows_insert(md, &t->areas, pos + 1);
	if (md->lost)
		return;
	a = rows_at(&t->areas, struct marea, pos);
	*right = *a;
	right->iova = start;
	right->start_byte = area_byte(a, start);
	a->last = req->iova;
	a->pages->refs++;
	if (t->domains.nr)
		md_area_split(md, a, right);
}

/* --- unmap ------------------------------------------------------------------------------- */

/* The one range whose length the address space cannot hold; it never misses. */
static bool unmap_is_all(const struct request *req)
{
	return !req->iova && req->length == IOVA_MAX;
}

static int unmap_check(const struct model *md, const struct request *req, u64 *last)
{
	if (!md_find_table(md, req->table))
		return -ENOENT;
	*last = IOVA_MAX;
	if (unmap_is_all(req))
		return 0;
	if (req->iova == IOVA_MAX || req->length == IOVA_MAX)
		return -EOVERFLOW;
	if (!req->length)
		return -EINVAL;
	return check_add_overflow(req->iova, req->length - 1, last) ? -EOVERFLOW : 0;
}

static void unmap_start(struct model *md, const struct request *req)
{
	md->unmap_start = req->iova;
	md->unmapped = 0;
	md->unmap_over = false;
}

/*
 * Take areas away from md->unmap_start on, until one must not go. One that is in use by accesses
 * stays, marked: whether it goes is known when they have been asked.
 */
static int unmap_areas(struct model *md, struct mtable *t, u64 last)
{
	u32 from = md_area_lower(t, md->unmap_start), i = from;
	int rc = 0;

	while (!rc && i < t->areas.nr && !md->unmap_over) {
		struct marea *a = rows_at(&t->areas, struct marea, i);

		if (a->iova > last)
			break;
		if (a->iova < md->unmap_start || a->last > last) {
			rc = -ENOENT;
		} else if (a->num_accesses) {
			a->prevent = true;
			rc = -EDEADLOCK;
		} else {
			if (t->domains.nr)
				md_area_unfill(md, a);
			md_pages_put(md, a->pages);
			md->unmapped += a->last - a->iova + 1;
			md->unmap_start = a->last + 1;
			md->unmap_over = a->last == last;
			i++;
		}
	}
	md_rows_erase(md, &t->areas, from, i - from);
	return rc;
}

/* The first nested request of an unmap: it stands at its first area with accesses. */
void model_unmap_begin(struct model *md, struct request *req)
{
	struct mtable *t = md_find_table(md, req->table);
	u64 last;

	if (md->unmap_begun || unmap_check(md, req, &last))
		return;
	md->unmap_begun = true;
	unmap_start(md, req);
	unmap_areas(md, t, last);
}

/* Nothing on the way can fail but the look-up of the table's id, which comes first. */
static bool unmap_not_begun(const struct model *md, const struct request *req)
{
	return model_injected(md, req) && req->rc == -ENOENT && !req->out_length &&
	       !md->unmap_begun && (md->fault_point == FAULT_ANY || md->fault_point == FAULT_ID);
}

static void unmap(struct model *md, struct request *req)
{
	u64 last;
	int rc = unmap_check(md, req, &last);

	if (unmap_not_begun(md, req))
		return;
	if (!md->unmap_begun)
		unmap_start(md, req);
	if (!rc)
		rc = unmap_areas(md, md_find_table(md, req->table), last);
	if (!rc && !md->unmapped && !unmap_is_all(req))
		rc = -ENOENT;
	if (rc)
		fail(md, req, rc);
	else
		model_success(md, req);
	if (!md->lost && req->out_length != md->unmapped)
		model_report(md, "R3", "unmap: expected %llu bytes, found %llu",
			     (unsigned long long)md->unmapped, (unsigned long long)req->out_length);
}

void model_map_request(struct model *md, struct request *req)
{
	switch (req->kind) {
	case REQ_MAP:
		map(md, req);
		break;
	case REQ_COPY:
		copy(md, req);
		break;
	case REQ_CUT:
		cut(md, req);
		break;
	default:
		unmap(md, req);
		break;
	}
}
