// SPDX-License-Identifier: GPL-2.0-only
/*
 * Comparing what is with what the model says: the machine's domains, pins and charges, and a
 * backend's own structures. One walk over each, in step with the model's rows; the first difference
 * of a walk ends it.
 */
#include "core/shadow/model_priv.h"

#define ULL(x) ((unsigned long long)(x))

/* --- domains ----------------------------------------------------------------------------- */

struct walk {
	struct model *md;
	const struct mtable *t;
	u32 domain;
	u32 i;	/* the area at hand */
	u64 at; /* the next byte that must be mapped, when i is an area */
};

static const struct marea *walk_area(const struct walk *w)
{
	return w->i < w->t->areas.nr ? rows_at(&w->t->areas, struct marea, w->i) : NULL;
}

/* Stand at the first byte of area @i, or behind the last one. */
static void walk_next(struct walk *w, u32 i)
{
	const struct marea *a;

	w->i = i;
	a = walk_area(w);
	if (a)
		w->at = a->iova;
}

/* How far the area's pages are physically one run from @at on, up to @max bytes. */
static u64 area_run(struct model *md, const struct marea *a, u64 at, u64 max, u64 *pa)
{
	u64 byte = area_byte(a, at), len,
	    pfn = md_slot_get(md, a->pages, byte >> PAGE_SHIFT, true)->pfn;
	u64 left = min(max - 1, a->last - at) + 1;

	*pa = pfn * PAGE_SIZE + (byte & PAGE_MASK);
	for (len = PAGE_SIZE - (byte & PAGE_MASK); len < left; len += PAGE_SIZE)
		if (md_slot_get(md, a->pages, (byte + len) >> PAGE_SHIFT, true)->pfn != ++pfn)
			break;
	return min(len, left);
}

/* A mapped piece inside one area: permission, then every page. */
static bool walk_piece(struct walk *w, const struct marea *a, u64 pa, u64 len, u32 prot)
{
	u32 want_prot = (a->prot & (DOMAIN_READ | DOMAIN_WRITE)) | DOMAIN_CACHE;
	u64 done = 0, want, n;

	if (prot != want_prot) {
		model_report(w->md, "D2", "domain %u iova %#llx: expected prot %u, found %u",
			     w->domain, ULL(w->at), want_prot, prot);
		return false;
	}
	for (; done < len; done += n) {
		n = area_run(w->md, a, w->at + done, len - done, &want);
		if (pa + done == want)
			continue;
		model_report(w->md, "D1", "domain %u iova %#llx: expected pa %#llx, found %#llx",
			     w->domain, ULL(w->at + done), ULL(want), ULL(pa + done));
		return false;
	}
	return true;
}

/*
 * One run of leaves; it may span several areas. What lies before the byte that is due is a
 * leftover (D1); what begins behind it leaves a gap, which the caller reports.
 */
static bool walk_run(void *ctx, u64 iova, u64 pa, u64 len, u32 prot)
{
	struct walk *w = ctx;

	while (len) {
		const struct marea *a = walk_area(w);
		u64 n;

		if (!a || iova < w->at) {
			model_report(w->md, "D1",
				     "domain %u iova %#llx: expected unmapped, found pa %#llx",
				     w->domain, ULL(iova), ULL(pa));
			return false;
		}
		if (iova > w->at)
			return false;
		n = min(len - 1, a->last - w->at) + 1;
		if (!walk_piece(w, a, pa, n, prot))
			return false;
		iova += n;
		pa += n;
		len -= n;
		if (w->at + (n - 1) == a->last)
			walk_next(w, w->i + 1);
		else
			w->at += n;
	}
	return true;
}

static void check_domain(struct model *md, const struct mtable *t, u32 id)
{
	struct walk w = {.md = md, .t = t, .domain = id};
	struct domain *d = machine_domain(md->m, id);
	u32 before = md->nr_findings;

	if (!d) {
		model_report(md, "I7", "expected domain %u of table %u alive, found it gone", id,
			     t->id);
		return;
	}
	walk_next(&w, 0);
	domain_for_each(d, walk_run, &w);
	if (md->nr_findings == before && walk_area(&w))
		model_report(md, "D1", "domain %u iova %#llx: expected mapped, found not", id,
			     ULL(w.at));
}

/* A domain that no table has must be empty: it was never filled, or is unfilled again. */
static void check_domains(struct model *md)
{
	for (u32 i = 0; i < md->tables.nr; i++) {
		const struct mtable *t = *vec_at(&md->tables, struct mtable *, i);

		for (u32 k = 0; k < t->domains.nr; k++)
			check_domain(md, t, *vec_at(&t->domains, u32, k));
	}
	for (u32 i = 0; i < md->domains.nr; i++) {
		const struct mdomain *md_dom = *vec_at(&md->domains, struct mdomain *, i);
		struct domain *d = md_dom->table ? NULL : machine_domain(md->m, md_dom->id);

		if (d && domain_leaves(d))
			model_report(md, "D7",
				     "domain %u outside tables: expected empty, found %llu "
				     "leaves",
				     md_dom->id, ULL(domain_leaves(d)));
	}
}

/* --- pins and charges -------------------------------------------------------------------- */

/* Three counts of one frame: what the model wants, what the machine has, what its events said. */
static void check_frame(struct model *md, u64 pfn, const struct mframe *f)
{
	u32 pins = machine_pins(md->m, pfn);

	if (pins != f->want)
		model_report(md, "P4", "pfn %llu: expected %u pins, found %u", ULL(pfn), f->want,
			     pins);
	else if (f->pins != pins)
		model_report(md, "P1", "pfn %llu: expected %u pins by events, found %u", ULL(pfn),
			     pins, f->pins);
}

/* Frames that neither an event nor the model ever named cannot be pinned. */
static void check_pins(struct model *md)
{
	for (u32 i = 0; i < md->frames.rows.nr; i++) {
		const struct mchunk *c = *vec_at(&md->frames.rows, struct mchunk *, i);

		for (u32 k = 0; k < MODEL_CHUNK; k++)
			check_frame(md, c->base * MODEL_CHUNK + k, &c->frame[k]);
	}
}

static void check_charge(struct model *md, u32 task, const char *what, u64 want, u64 found)
{
	if (want != found)
		model_report(md, "P7", "task %u %s: expected %llu, found %llu", task, what,
			     ULL(want), ULL(found));
}

/* P7 in both directions: nothing charged twice, nothing forgotten, to the right account. */
static void check_tasks(struct model *md)
{
	for (u32 i = 0; i < MACHINE_TASKS_MAX; i++) {
		const struct task *t = machine_task(md->m, i);

		if (!t)
			break;
		check_charge(md, i, "user_locked_vm", md->user_locked[i], t->user_locked_vm);
		check_charge(md, i, "mm_locked_vm", md->mm_locked[i], t->mm_locked_vm);
		check_charge(md, i, "mm_pinned_vm", md->mm_pinned[i], t->mm_pinned_vm);
	}
}

void model_check(struct model *md, const struct backend_view *view)
{
	if (md->lost)
		return;
	check_domains(md);
	check_pins(md);
	check_tasks(md);
	if (view)
		model_check_view(md, view);
}
