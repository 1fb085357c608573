// SPDX-License-Identifier: GPL-2.0-only
/* Requests on a table as a whole: its life, its domains, reserved and allowed ranges; and the
 * options. */
#include "core/shadow/model_priv.h"

/*
 * The order of the checks in each function is the order of the errno tables of the spec: when
 * several things are wrong at once, the first one is the answer.
 */
static void fail(struct model *md, const struct request *req, int rc)
{
	model_judge(md, req, rc, rc);
}

static bool succeed(struct model *md, const struct request *req)
{
	return model_judge(md, req, 0, 0);
}

/* --- life -------------------------------------------------------------------------------- */

static void table_create(struct model *md, struct request *req)
{
	struct mtable *t;

	if (!succeed(md, req))
		return;
	t = md_ids_new(md, &md->tables, req->table, sizeof(*t));
	t->alignment = 1;
	t->areas.size = sizeof(struct marea);
	t->reserved.size = sizeof(struct mrange);
	t->allowed.size = sizeof(struct mrange);
	t->domains.size = sizeof(u32);
}

/* Without domains and accesses nothing is pinned through its areas, so they just go. */
static void table_destroy(struct model *md, struct request *req, struct mtable *t)
{
	if (t->domains.nr || t->nr_accesses) {
		fail(md, req, -EBUSY);
		return;
	}
	if (!succeed(md, req))
		return;
	for (u32 i = 0; i < t->areas.nr; i++)
		md_pages_put(md, rows_at(&t->areas, struct marea, i)->pages);
	md_rows_free(md, &t->areas);
	md_vec_free(md, &t->reserved);
	md_vec_free(md, &t->allowed);
	md_vec_free(md, &t->domains);
	md_ids_del(md, &md->tables, t->id, sizeof(*t));
}

/* --- domains ----------------------------------------------------------------------------- */

/* What the domain cannot translate must be free of areas and promises. */
static bool aperture_free(const struct mtable *t, const struct domain_config *cfg)
{
	u64 start = cfg->aperture_start, last = cfg->aperture_last;

	if (start && (md_areas_hit(t, 0, start - 1) || md_range_hit(&t->allowed, 0, start - 1)))
		return false;
	return last == IOVA_MAX || !(md_areas_hit(t, last + 1, IOVA_MAX) ||
				     md_range_hit(&t->allowed, last + 1, IOVA_MAX));
}

/* Everything that is decided before the first page is touched. */
static int attach_check(const struct mtable *t, const struct mdomain *md_dom,
			const struct domain_config *cfg)
{
	u64 min_page = cfg->pgsize_bitmap & -cfg->pgsize_bitmap;

	if (md_dom->table)
		return -EEXIST;
	if (min_page > PAGE_SIZE)
		return -EINVAL;
	if (min_page > t->alignment && !md_areas_conform(t, min_page))
		return -EADDRINUSE;
	return aperture_free(t, cfg) ? 0 : -EADDRINUSE;
}

/* Findings are told apart by such words: what a mask of 32 bits loses is not what no check refuses. */
static const char *attach_because(int rc, const struct domain_config *cfg)
{
	if (rc != -EINVAL)
		return NULL;
	return (u32)cfg->pgsize_bitmap ? "its smallest page is larger than a page of the CPU"
				       : "its smallest page is 4G or more";
}

/* Fill the domain from all areas, in order; on failure as before. */
static int attach_fill(struct model *md, struct mtable *t, struct mfill *f)
{
	u32 done;
	int rc = 0;

	for (done = 0; done < t->areas.nr; done++) {
		rc = md_area_fill(md, t, rows_at(&t->areas, struct marea, done), f);
		if (rc)
			break;
	}
	while (rc && f->pin && done--)
		md_area_unfill(md, rows_at(&t->areas, struct marea, done));
	return rc;
}

static void attach_commit(struct model *md, struct mtable *t, struct mdomain *d,
			  const struct domain_config *cfg)
{
	if (cfg->aperture_start)
		md_range_add(md, &t->reserved, 0, cfg->aperture_start - 1, d->id);
	if (cfg->aperture_last != IOVA_MAX)
		md_range_add(md, &t->reserved, cfg->aperture_last + 1, IOVA_MAX, d->id);
	*(u32 *)md_vec_push(md, &t->domains) = d->id;
	d->table = t->id;
	d->min_page = cfg->pgsize_bitmap & -cfg->pgsize_bitmap;
	t->alignment = max(t->alignment, d->min_page);
}

/* An injected failure came after the fill that the model tried out. */
static void attach_undo(struct model *md, struct mtable *t, const struct mfill *f)
{
	for (u32 i = 0; f->pin && i < t->areas.nr; i++)
		md_area_unfill(md, rows_at(&t->areas, struct marea, i));
}

/*
 * Only a table's first domain pins: the pages of a table with domains are held already, and a
 * second domain takes them from there, whatever became of the user's memory since.
 */
static void attach(struct model *md, struct request *req, struct mtable *t)
{
	struct domain *dom = machine_domain(md->m, req->domain);
	struct mdomain *d = md_find_domain(md, req->domain);
	struct mfill f = {.domains = &req->domain, .nr_domains = 1, .failed = req->rc};
	int rc = dom && d ? attach_check(t, d, domain_cfg(dom)) : -ENOENT;

	if (rc) {
		md->because = dom ? attach_because(rc, domain_cfg(dom)) : NULL;
		fail(md, req, rc);
		return;
	}
	d->need = 0;
	f.pin = !t->domains.nr;
	rc = attach_fill(md, t, &f);
	if (rc)
		model_judge(md, req, rc, f.alt);
	else if (succeed(md, req))
		attach_commit(md, t, d, domain_cfg(dom));
	else
		attach_undo(md, t, &f);
}

static u32 domain_slot(const struct mtable *t, u32 id)
{
	u32 i;

	for (i = 0; i < t->domains.nr; i++)
		if (*vec_at(&t->domains, u32, i) == id)
			break;
	return i;
}

static void ranges_drop(struct vec *v, u64 owner)
{
	for (u32 i = v->nr; i-- > 0;)
		if (vec_at(v, struct mrange, i)->owner == owner)
			md_vec_erase(v, i, 1);
}

static void detach(struct model *md, struct request *req, struct mtable *t)
{
	u32 slot = domain_slot(t, req->domain);

	if (slot == t->domains.nr) {
		fail(md, req, -ENOENT);
		return;
	}
	if (!succeed(md, req))
		return;
	/* The slots stay dense: the last domain moves into the gap. */
	*vec_at(&t->domains, u32, slot) = *vec_at(&t->domains, u32, t->domains.nr - 1);
	t->domains.nr--;
	md_find_domain(md, req->domain)->table = 0;
	for (u32 i = 0; !t->domains.nr && i < t->areas.nr; i++)
		md_area_unfill(md, rows_at(&t->areas, struct marea, i));
	ranges_drop(&t->reserved, req->domain);
	t->alignment = md_table_alignment(md, t);
}

/* --- ranges ------------------------------------------------------------------------------ */

static void reserve(struct model *md, struct request *req, struct mtable *t)
{
	/* Not an interval: the selftest's length wrapped. */
	if (req->iova > req->last)
		model_judge(md, req, -EINVAL, -EOVERFLOW);
	else if (md_areas_hit(t, req->iova, req->last) ||
		 md_range_hit(&t->allowed, req->iova, req->last))
		fail(md, req, -EADDRINUSE);
	else if (succeed(md, req))
		md_range_add(md, &t->reserved, req->iova, req->last, 0);
}

static void unreserve(struct model *md, struct request *req, struct mtable *t)
{
	if (succeed(md, req))
		ranges_drop(&t->reserved, 0);
}

/* The whole list is read and built first; only a good one is held against the reservations. */
static int allow_check(const struct mtable *t, const struct request *req, struct vec *list,
		       struct model *md)
{
	for (u32 i = 0; i < req->nr_ranges; i++) {
		const struct iova_range *r = &req->ranges[i];

		if (req->flags & REQF_BAD_IN && i + 1 == req->nr_ranges)
			return -EFAULT;
		if (r->start >= r->last || md_range_hit(list, r->start, r->last))
			return -EINVAL;
		md_range_add(md, list, r->start, r->last, 0);
	}
	for (u32 i = 0; i < list->nr; i++) {
		const struct mrange *r = vec_at(list, struct mrange, i);

		if (md_range_hit(&t->reserved, r->start, r->last))
			return -EADDRINUSE;
	}
	return 0;
}

static void allow(struct model *md, struct request *req, struct mtable *t)
{
	struct vec list = {.size = sizeof(struct mrange)}, old;
	int rc = allow_check(t, req, &list, md);

	if (rc) {
		fail(md, req, rc);
	} else if (succeed(md, req)) {
		old = t->allowed;
		t->allowed = list;
		list = old;
	}
	md_vec_free(md, &list);
}

/* When the array is too small the count is that of all ranges, and the first ones are there. */
static void check_ranges(struct model *md, const struct request *req, const struct mtable *t)
{
	struct iova_range want[64];
	u32 n = md_iova_holes(t, want, ARRAY_SIZE(want));
	u32 shown = min(min(n, req->nr_ranges), (u32)ARRAY_SIZE(want));

	if (req->out_nr != n)
		model_report(md, "R9", "ranges: expected %u, found %u", n, req->out_nr);
	if (req->out_alignment != t->alignment)
		model_report(md, "R9", "ranges: expected alignment %llu, found %llu",
			     (unsigned long long)t->alignment,
			     (unsigned long long)req->out_alignment);
	for (u32 i = 0; i < shown; i++)
		if (req->ranges[i].start != want[i].start || req->ranges[i].last != want[i].last)
			model_report(md, "R9", "range %u: expected %#llx-%#llx, found %#llx-%#llx",
				     i, (unsigned long long)want[i].start,
				     (unsigned long long)want[i].last,
				     (unsigned long long)req->ranges[i].start,
				     (unsigned long long)req->ranges[i].last);
}

static void ranges(struct model *md, struct request *req, struct mtable *t)
{
	int rc = md_iova_holes(t, NULL, 0) > req->nr_ranges ? -EMSGSIZE : 0;

	if (req->flags & REQF_BAD_OUT)
		rc = -EFAULT;
	model_judge(md, req, rc, rc);
	if (req->rc == rc && rc != -EFAULT)
		check_ranges(md, req, t);
}

void model_table_request(struct model *md, struct request *req)
{
	struct mtable *t = md_find_table(md, req->table);

	if (req->kind == REQ_TABLE_CREATE)
		table_create(md, req);
	else if (!t)
		fail(md, req, -ENOENT);
	else if (req->kind == REQ_TABLE_DESTROY)
		table_destroy(md, req, t);
	else if (req->kind == REQ_ATTACH)
		attach(md, req, t);
	else if (req->kind == REQ_DETACH)
		detach(md, req, t);
	else if (req->kind == REQ_RESERVE)
		reserve(md, req, t);
	else if (req->kind == REQ_UNRESERVE)
		unreserve(md, req, t);
	else if (req->kind == REQ_ALLOW)
		allow(md, req, t);
	else
		ranges(md, req, t);
}

/* --- options ----------------------------------------------------------------------------- */

static void check_option(struct model *md, const struct request *req, u64 want)
{
	if (model_success(md, req) && !req->rc && req->out_length != want)
		model_report(md, "R1", "%s: expected value %llu, found %llu",
			     request_name(req->kind), (unsigned long long)want,
			     (unsigned long long)req->out_length);
}

/* Large pages may always come back; they can go only while there is nothing to remap. */
static int huge_check(const struct mtable *t, const struct request *req)
{
	if (req->value > 1)
		return -EINVAL;
	if (req->value || t->no_large)
		return 0;
	if (t->domains.nr && t->areas.nr)
		return -EINVAL;
	return md_areas_conform(t, PAGE_SIZE) ? 0 : -EADDRINUSE;
}

static void huge_pages(struct model *md, struct request *req)
{
	struct mtable *t = md_find_table(md, req->table);
	int rc;

	if (!t) {
		fail(md, req, -ENOENT);
	} else if (req->flags & REQF_BAD_OP) {
		fail(md, req, -EOPNOTSUPP);
	} else if (req->flags & REQF_GET) {
		check_option(md, req, !t->no_large);
	} else {
		rc = huge_check(t, req);
		if (rc) {
			fail(md, req, rc);
		} else if (model_success(md, req)) {
			t->no_large = !req->value;
			t->alignment = md_table_alignment(md, t);
		}
	}
}

/* EBUSY: what the id table of iommufd would hold; whether lone domains count is the backend's
 * choice. */
static void rlimit_set(struct model *md, struct request *req)
{
	const struct task *task = machine_task(md->m, req->task);
	int rc = req->value > 1 ? -EINVAL : 0;

	if (task && !task->cap_sys_resource) {
		fail(md, req, -EPERM);
	} else if (md->tables.nr) {
		fail(md, req, -EBUSY);
	} else if (rc || md->accesses.nr || md->domains.nr) {
		if (model_judge(md, req, rc, md->accesses.nr || md->domains.nr ? -EBUSY : rc))
			md->mode_mm = req->value;
	} else if (model_success(md, req)) {
		md->mode_mm = req->value;
	}
}

static void rlimit_mode(struct model *md, struct request *req)
{
	if (req->option_object)
		fail(md, req, -EOPNOTSUPP);
	else if (req->flags & REQF_BAD_OP)
		fail(md, req, -EOPNOTSUPP);
	else if (req->flags & REQF_GET)
		check_option(md, req, md->mode_mm);
	else
		rlimit_set(md, req);
}

void model_option_request(struct model *md, struct request *req)
{
	if (req->kind == REQ_HUGE_PAGES)
		huge_pages(md, req);
	else if (req->kind == REQ_RLIMIT_MODE)
		rlimit_mode(md, req);
	else if (req->value < 12)
		fail(md, req, -EINVAL);
	else
		succeed(md, req);
}
