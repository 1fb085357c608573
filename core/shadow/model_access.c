// SPDX-License-Identifier: GPL-2.0-only
/* In-kernel accesses: which table they use, what they pin, and reads and writes. */
#include "core/shadow/model_priv.h"

static void fail(struct model *md, const struct request *req, int rc)
{
	model_judge(md, req, rc, rc);
}

static bool succeed(struct model *md, const struct request *req)
{
	return model_judge(md, req, 0, 0);
}

/* --- life and tables --------------------------------------------------------------------- */

static void access_create(struct model *md, struct request *req)
{
	struct maccess *x;

	if (!succeed(md, req))
		return;
	x = md_ids_new(md, &md->accesses, req->access, sizeof(*x));
	x->pins_pages = req->flags & REQF_PIN;
	x->pins.size = sizeof(struct mpin);
}

/* An access that pins hands out whole pages, so every area must consist of such. */
static int join_check(const struct mtable *t, const struct maccess *x)
{
	if (!t)
		return -ENOENT;
	return x->pins_pages && !md_areas_conform(t, PAGE_SIZE) ? -EADDRINUSE : 0;
}

static void join(struct model *md, struct maccess *x, struct mtable *t)
{
	x->table = t->id;
	t->nr_accesses++;
	t->alignment = md_table_alignment(md, t);
}

/* Its pins must be gone by now: nested requests have released them. */
static void leave(struct model *md, struct maccess *x)
{
	struct mtable *t = md_find_table(md, x->table);

	if (x->pins.nr) {
		model_report(md, "A3", "access %u left table %u: expected no pin left, found %u",
			     x->id, x->table, x->pins.nr);
		md->lost = true;
	}
	x->table = 0;
	if (!t)
		return;
	t->nr_accesses--;
	t->alignment = md_table_alignment(md, t);
}

static void access_attach(struct model *md, struct request *req, struct maccess *x)
{
	struct mtable *t = md_find_table(md, req->table);
	int rc = x->table ? -EINVAL : join_check(t, x);

	if (model_judge(md, req, rc, rc))
		join(md, x, t);
}

/*
 * The new table must accept it before the old one is left; the same table again is no move, pins
 * stay.
 */
static void access_replace(struct model *md, struct request *req, struct maccess *x)
{
	struct mtable *t = md_find_table(md, req->table);
	int rc = x->table ? 0 : -ENOENT;

	if (!rc && t && t->id == x->table) {
		succeed(md, req);
		return;
	}
	if (!rc)
		rc = join_check(t, x);
	if (!model_judge(md, req, rc, rc))
		return;
	leave(md, x);
	join(md, x, t);
}

static void access_detach(struct model *md, struct request *req, struct maccess *x)
{
	int rc = x->table ? 0 : -EINVAL;

	if (model_judge(md, req, rc, rc))
		leave(md, x);
}

static void access_destroy(struct model *md, struct request *req, struct maccess *x)
{
	if (!succeed(md, req))
		return;
	if (x->table)
		leave(md, x);
	md_vec_free(md, &x->pins);
	md_ids_del(md, &md->accesses, x->id, sizeof(*x));
}

/* --- ranges ------------------------------------------------------------------------------ */

/* While it changes tables an access is in none, as far as new uses go. */
static struct mtable *access_table(const struct model *md, const struct request *req,
				   const struct maccess *x)
{
	const struct request *outer = md->nested ? md->outer : NULL;

	if (outer && outer->access == x->id && outer->kind >= REQ_ACCESS_DESTROY &&
	    outer->kind <= REQ_ACCESS_DETACH)
		return NULL;
	return md_find_table(md, x->table);
}

/* Shared by pin and rw: the range itself is looked at before the table. */
static int range_check(const struct request *req, const struct mtable *t, u64 *last)
{
	if (!req->length)
		return -EINVAL;
	if (check_add_overflow(req->iova, req->length - 1, last))
		return -EOVERFLOW;
	return t ? 0 : -ENOENT;
}

/*
 * What an area answers before any page is touched. Reading an area that may only be written is an
 * error by the letter only; the core's authors may read it either way, so *alt is another right
 * answer.
 */
static int prot_check(const struct marea *a, u32 flags, int *alt)
{
	if (flags & REQF_WRITE)
		return a->prot & REQ_PROT_WRITE ? 0 : -EPERM;
	if (!(a->prot & REQ_PROT_READ))
		*alt = -EPERM;
	return 0;
}

/* --- pins -------------------------------------------------------------------------------- */

/* One more, or one less, use of [iova..last] through its areas. */
static void pin_areas(struct model *md, struct mtable *t, u64 iova, u64 last, bool release)
{
	u64 at = iova, end;

	for (;; at = end + 1) {
		struct marea *a = md_area_at(t, at);

		if (!a) {
			md->lost = true;
			return;
		}
		end = min(a->last, last);
		if (release) {
			md_access_unfill(md, a->pages, area_index(a, at), area_index(a, end));
			a->num_accesses--;
		} else {
			a->num_accesses++;
		}
		if (end == last)
			return;
	}
}

/* Only the first and last byte of the whole request may be anywhere but at a page's border. */
static int pin_area_check(const struct marea *a, u64 at, u64 last, u32 flags, int *alt)
{
	if (!a)
		return -ENOENT;
	if (a->prevent || area_byte(a, at) & PAGE_MASK)
		return -EINVAL;
	if (a->last < last && (area_byte(a, a->last) & PAGE_MASK) != PAGE_MASK)
		return -EINVAL;
	return prot_check(a, flags, alt);
}

/* Area by area; on failure those done are released again. */
static int pin_fill(struct model *md, struct mtable *t, const struct request *req, u64 last,
		    int *alt)
{
	u64 at = req->iova, end;
	int rc;

	for (;; at = end + 1) {
		struct marea *a = md_area_at(t, at);

		rc = pin_area_check(a, at, last, req->flags, alt);
		if (rc)
			break;
		end = min(a->last, last);
		rc = md_access_fill(md, a->pages, area_index(a, at), area_index(a, end));
		if (rc)
			break;
		a->num_accesses++;
		if (end == last)
			return 0;
	}
	if (at != req->iova)
		pin_areas(md, t, req->iova, at - 1, true);
	return rc;
}

/* A5: one frame a page, in the order of the pages. */
static void check_pfns(struct model *md, const struct mtable *t, const struct request *req,
		       u64 last)
{
	u64 at = req->iova, end, n = 0;

	for (; req->pfns; at = end + 1) {
		const struct marea *a = md_area_at(t, at);

		end = min(a->last, last);
		for (u64 i = area_index(a, at); i <= area_index(a, end); i++, n++) {
			u64 want = md_slot_get(md, a->pages, i, true)->pfn;

			if (n >= req->nr_pfns || req->pfns[n] == want)
				continue;
			model_report(md, "A5", "pin: expected pfn %llu for page %llu, found %llu",
				     (unsigned long long)want, (unsigned long long)n,
				     (unsigned long long)req->pfns[n]);
			return;
		}
		if (end == last)
			return;
	}
}

static void pin_commit(struct model *md, struct maccess *x, const struct request *req)
{
	struct mpin *pin = md_vec_push(md, &x->pins);

	pin->iova = req->iova;
	pin->length = req->length;
	pin->table = x->table;
}

static void pin(struct model *md, struct request *req, struct maccess *x)
{
	struct mtable *t = access_table(md, req, x);
	int rc, alt = 0;
	u64 last;

	rc = x->pins_pages ? range_check(req, t, &last) : -EOPNOTSUPP;
	if (rc) {
		fail(md, req, rc);
		return;
	}
	rc = pin_fill(md, t, req, last, &alt);
	/* The unmap around it may stand before or behind the area by now. */
	if (md->nested && md->outer->kind == REQ_UNMAP && req->rc &&
	    (req->rc == -EINVAL || req->rc == -ENOENT))
		alt = req->rc;
	if (model_judge(md, req, rc, alt ? alt : rc)) {
		check_pfns(md, t, req, last);
		pin_commit(md, x, req);
	} else if (!rc) {
		pin_areas(md, t, req->iova, last, true);
	}
}

/* A pin is named by its exact range; of several equal ones any may go. */
static void unpin(struct model *md, struct request *req, struct maccess *x)
{
	struct mpin *p = NULL;
	u32 i;

	for (i = 0; i < x->pins.nr; i++) {
		p = vec_at(&x->pins, struct mpin, i);
		if (p->iova == req->iova && p->length == req->length)
			break;
	}
	if (i == x->pins.nr) {
		fail(md, req, -ENOENT);
		return;
	}
	if (!succeed(md, req))
		return;
	pin_areas(md, md_find_table(md, p->table), p->iova, p->iova + (p->length - 1), true);
	md_vec_erase(&x->pins, i, 1);
}

/* --- read and write ---------------------------------------------------------------------- */

/* The slow way pins what nobody holds, for writing iff the object is writable, and drops it again.
 */
static int rw_slow(struct model *md, struct mpages *p, u64 first, u64 last)
{
	for (u64 i = first; i <= last; i++) {
		const struct mslot *s = md_slot_get(md, p, i, false);

		if (s && (s->dom || s->acc))
			continue;
		if (!md_frame_under(md, p, i, p->writable))
			return -EFAULT;
	}
	return 0;
}

/* The plain way and the one-page way use the page that the address space shows now. */
static int rw_area(struct model *md, const struct marea *a, u64 at, u64 end,
		   const struct request *req)
{
	u64 first = area_index(a, at), last = area_index(a, end);
	const struct task *task = machine_task(md->m, a->pages->task);
	bool plain = req->flags & REQF_KTHREAD || req->task == a->pages->task;

	if (!task->alive || (!plain && first != last))
		return rw_slow(md, a->pages, first, last);
	for (u64 i = first; i <= last; i++)
		if (!md_frame_under(md, a->pages, i, req->flags & REQF_WRITE))
			return -EFAULT;
	return 0;
}

static int rw_check(struct model *md, const struct mtable *t, const struct request *req, u64 last,
		    int *alt)
{
	u64 at = req->iova, end;
	int rc;

	for (;; at = end + 1) {
		const struct marea *a = md_area_at(t, at);

		if (!a)
			return -ENOENT;
		if (a->prevent)
			return -EINVAL;
		end = min(a->last, last);
		rc = prot_check(a, req->flags, alt);
		if (!rc)
			rc = rw_area(md, a, at, end, req);
		if (rc || end == last)
			return rc;
	}
}

static void rw(struct model *md, struct request *req, struct maccess *x)
{
	const struct mtable *t = access_table(md, req, x);
	int rc, alt = 0;
	u64 last;

	rc = range_check(req, t, &last);
	if (!rc)
		rc = rw_check(md, t, req, last, &alt);
	model_judge(md, req, rc, alt ? alt : rc);
}

void model_access_request(struct model *md, struct request *req)
{
	struct maccess *x = md_find_access(md, req->access);
	bool uses = req->kind == REQ_PIN || req->kind == REQ_RW;

	if (req->kind == REQ_ACCESS_CREATE)
		access_create(md, req);
	else if (uses && req->length > MODEL_PIN_MAX)
		fail(md, req, -ENOMEM);
	else if (!x)
		fail(md, req, -ENOENT);
	else if (req->kind == REQ_ACCESS_DESTROY)
		access_destroy(md, req, x);
	else if (req->kind == REQ_ACCESS_ATTACH)
		access_attach(md, req, x);
	else if (req->kind == REQ_ACCESS_REPLACE)
		access_replace(md, req, x);
	else if (req->kind == REQ_ACCESS_DETACH)
		access_detach(md, req, x);
	else if (req->kind == REQ_PIN)
		pin(md, req, x);
	else if (req->kind == REQ_UNPIN)
		unpin(md, req, x);
	else
		rw(md, req, x);
}
