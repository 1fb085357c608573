// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which page indexes are pinned, and why. An index of an object is pinned while an area in a table
 * with domains or an access range covers it; the frame is the one that the user's page showed at
 * that moment. A fill is tried out on the model's own counts first: it stops at the page that the
 * user's memory refuses, and is taken back when the request must fail.
 */
#include "core/shadow/model_priv.h"

/* Runs of pages lie in one buffer, as a rule. */
static bool cursor_seek(struct model *md, u32 task, u64 va)
{
	struct mcursor *c = &md->cursor;

	if (c->buffer && c->task == task && (va - c->va) / PAGE_SIZE < c->npages)
		return true;
	c->buffer = machine_buffer_at(md->m, task, va);
	if (!c->buffer)
		return false;
	c->task = task;
	c->va = buffer_va(c->buffer);
	c->npages = buffer_npages(c->buffer);
	return (va - c->va) / PAGE_SIZE < c->npages;
}

/* The frame that a pin of this page would get, 0 where it would be refused. */
u64 md_frame_under(struct model *md, const struct mpages *p, u64 index, bool write)
{
	u64 va = p->uptr + index * PAGE_SIZE, page;

	if (!machine_task(md->m, p->task)->alive || !cursor_seek(md, p->task, va))
		return MACHINE_NO_PFN;
	page = (va - md->cursor.va) / PAGE_SIZE;
	if (write && buffer_flags(md->cursor.buffer, page) & UPAGE_RDONLY)
		return MACHINE_NO_PFN;
	return buffer_pfn(md->cursor.buffer, page);
}

/* @delta may be negative, as two's complement. mm_pinned counts in every mode. */
static void charge(struct model *md, struct mpages *p, u64 delta)
{
	p->npinned += delta;
	md->npinned += delta;
	md->mm_pinned[p->task] += delta;
	if (p->mode == 1)
		md->user_locked[p->task] += delta;
	if (p->mode == 2)
		md->mm_locked[p->task] += delta;
}

/* Asked after the charge: the sum with the new pages must not pass the limit, equal is allowed. */
static bool over_limit(const struct model *md, const struct mpages *p)
{
	u64 limit = machine_task(md->m, p->task)->rlimit_memlock;

	if (p->mode == 1)
		return md->user_locked[p->task] > limit;
	return p->mode == 2 && md->mm_locked[p->task] > limit;
}

/*
 * The frame of the page that is pinned next. One that shows a frame made in this very request
 * had its copy-on-write broken, maybe after this pin, by another object over the same memory: only
 * the machine's order of pins tells then.
 */
static u64 frame_pinned(struct model *md, const struct mpages *p, u64 index)
{
	u64 pfn = md_frame_under(md, p, index, p->writable), at = md->fresh++;

	if (p->writable || pfn <= md->begin_max)
		return pfn;
	for (u32 i = 0; i < md->pin_log.nr; i++) {
		const struct mrun *run = vec_at(&md->pin_log, struct mrun, i);

		if (at - run->at < run->n)
			return run->pfn + (at - run->at);
	}
	return pfn;
}

/* One more reason to hold each page of [first..last]; returns how many pages in a row went well. */
static u64 cover(struct model *md, struct mpages *p, u64 first, u64 last, bool access)
{
	u64 i, pfn, fresh = 0;

	for (i = first; i <= last && !md->lost; i++) {
		struct mslot *s = md_slot_get(md, p, i, false);

		if (!s || (!s->dom && !s->acc)) {
			pfn = frame_pinned(md, p, i);
			if (!pfn)
				break;
			s = md_slot_get(md, p, i, true);
			s->pfn = pfn;
			md_frame_get(md, pfn, true)->want++;
			fresh++;
		}
		if (!access)
			s->dom++;
		else if (!s->acc++)
			p->acc_pages++;
	}
	charge(md, p, fresh);
	return i - first;
}

/* The reverse for n pages: those that nobody holds any more lose their frame. */
static void uncover(struct model *md, struct mpages *p, u64 first, u64 n, bool access)
{
	u64 gone = 0;

	for (u64 i = first; i < first + n && !md->lost; i++) {
		struct mslot *s = md_slot_get(md, p, i, false);

		if (!access)
			s->dom--;
		else if (!--s->acc)
			p->acc_pages--;
		if (s->dom || s->acc)
			continue;
		md_frame_get(md, s->pfn, true)->want--;
		s->pfn = MACHINE_NO_PFN;
		gone++;
	}
	charge(md, p, -gone);
}

/* --- leaf limits ------------------------------------------------------------------------- */

/*
 * Leaves that one map call takes: the largest page size that fits, again and again. The machine's
 * table has leaves of 4K, 2M and 1G, and of the smallest size.
 */
static u64 run_leaves(u64 bitmap, u64 iova, u64 pa, u64 len)
{
	u64 levels = PAGE_SIZE | 1ULL << 21 | 1ULL << 30, n = 0;

	while (len) {
		u64 sizes = (bitmap & levels) | (bitmap & -bitmap), size;

		do {
			size = 1ULL << (63 - __builtin_clzll(sizes));
			sizes &= ~size;
		} while (sizes && (((iova | pa) & (size - 1)) || size > len));
		n++;
		if (size >= len)
			break;
		iova += size;
		pa += size;
		len -= size;
	}
	return n;
}

/* Leaves for the area's first @npages pages; with large pages off a call is one page. */
static u64 area_leaves(struct model *md, const struct mtable *t, const struct marea *a, u64 bitmap,
		       u64 npages)
{
	u64 first = area_index(a, a->iova), left = a->last - a->iova + 1;
	u64 off = a->start_byte & PAGE_MASK, iova = a->iova, n = 0;
	u64 run_iova = iova, run_pa = 0, run_len = 0;

	for (u64 i = 0; i < npages; i++) {
		u64 pa = md_slot_get(md, a->pages, first + i, true)->pfn * PAGE_SIZE + off;
		u64 len = min(PAGE_SIZE - off, left);

		if (!run_len || t->no_large || run_pa + run_len != pa) {
			n += run_leaves(bitmap, run_iova, run_pa, run_len);
			run_iova = iova;
			run_pa = pa;
			run_len = 0;
		}
		run_len += len;
		iova += len;
		left -= len;
		off = 0;
	}
	return n + run_leaves(bitmap, run_iova, run_pa, run_len);
}

static bool leaves_exceeded(struct model *md, const struct mtable *t, const struct marea *a,
			    u32 domain, u64 npages)
{
	struct domain *d = machine_domain(md->m, domain);
	struct mdomain *mdom = md_find_domain(md, domain);
	u64 limit = d ? domain_cfg(d)->max_leaves : 0;

	if (!limit || !mdom)
		return false;
	mdom->need += area_leaves(md, t, a, domain_cfg(d)->pgsize_bitmap, npages);
	return domain_leaves(d) + mdom->need > limit;
}

/* --- areas and accesses ------------------------------------------------------------------ */

/*
 * The leaf limit is only asked about when the request failed: the domains are then as they were at
 * its begin, and a machine that lets a map pass its limit would break its own rule.
 */
static bool fill_leaves(struct model *md, const struct mtable *t, const struct marea *a,
			const struct mfill *f, u64 good)
{
	bool exceeded = false;

	if (!f->failed)
		return false;
	for (u32 i = 0; i < f->nr_domains; i++)
		exceeded |= leaves_exceeded(md, t, a, f->domains[i], good);
	return exceeded;
}

/*
 * Try to hold the area's pages for the domains. Limits are looked at last, and only when this fill
 * pinned anything. Where both the user's memory and a page table refuse, batches decide which
 * comes first: f->alt is then the other answer.
 */
int md_area_fill(struct model *md, const struct mtable *t, struct marea *a, struct mfill *f)
{
	u64 first = area_index(a, a->iova), n = area_index(a, a->last) - first + 1;
	u64 before = a->pages->npinned, good = n;
	bool exceeded;

	f->alt = 0;
	if (!f->nr_domains)
		return 0;
	if (f->pin)
		good = cover(md, a->pages, first, first + n - 1, false);
	exceeded = fill_leaves(md, t, a, f, good);
	if (good == n && !exceeded && (a->pages->npinned == before || !over_limit(md, a->pages))) {
		if (f->pin)
			md_node_add(md, &a->pages->dnodes, first, first + n - 1, 1);
		return 0;
	}
	if (f->pin)
		uncover(md, a->pages, first, good, false);
	f->alt = exceeded || good == n ? -ENOMEM : -EFAULT;
	return good == n ? -ENOMEM : -EFAULT;
}

void md_area_unfill(struct model *md, struct marea *a)
{
	u64 first = area_index(a, a->iova), last = area_index(a, a->last);

	md_node_del(&a->pages->dnodes, first, last);
	uncover(md, a->pages, first, last - first + 1, false);
}

/* One area became two: no page changes, but one that both touch is now held twice. */
void md_area_split(struct model *md, const struct marea *left, const struct marea *right)
{
	u64 first = area_index(left, left->iova), last = area_index(right, right->last);
	u64 left_last = area_index(left, left->last), right_first = area_index(right, right->iova);

	md_node_del(&left->pages->dnodes, first, last);
	md_node_add(md, &left->pages->dnodes, first, left_last, 1);
	md_node_add(md, &left->pages->dnodes, right_first, last, 1);
	if (left_last == right_first)
		md_slot_get(md, left->pages, left_last, true)->dom++;
}

/* Equal ranges share one node and hold their pages once. */
int md_access_fill(struct model *md, struct mpages *p, u64 first, u64 last)
{
	u64 before = p->npinned, good;
	int rc = 0;

	if (md_node_users(&p->anodes, first, last)) {
		md_node_add(md, &p->anodes, first, last, 1);
		return 0;
	}
	good = cover(md, p, first, last, true);
	if (good <= last - first)
		rc = -EFAULT;
	else if (p->npinned != before && over_limit(md, p))
		rc = -ENOMEM;
	if (rc)
		uncover(md, p, first, good, true);
	else
		md_node_add(md, &p->anodes, first, last, 1);
	return rc;
}

void md_access_unfill(struct model *md, struct mpages *p, u64 first, u64 last)
{
	if (!md_node_del(&p->anodes, first, last))
		uncover(md, p, first, last - first + 1, true);
}

/* --- objects ----------------------------------------------------------------------------- */

struct mpages *md_pages_new(struct model *md, u64 id)
{
	struct mpages *p = model_alloc(md, sizeof(*p));
	struct mpages **row = md_rows_insert(md, &md->pages, md->pages.nr);

	if (md->lost)
		return p;
	*row = p;
	p->id = id;
	p->slots.rows.size = sizeof(struct mchunk *);
	p->dnodes.size = sizeof(struct mnode);
	p->anodes.size = sizeof(struct mnode);
	return p;
}

static u64 pages_id(const void *row)
{
	return (*(struct mpages *const *)row)->id;
}

/* The last area takes the object with it; all of its counts are zero by then. */
void md_pages_put(struct model *md, struct mpages *p)
{
	if (md->lost || --p->refs)
		return;
	md_rows_erase(md, &md->pages, md_rows_lower(&md->pages, p->id, pages_id), 1);
	md_chunks_free(md, &p->slots);
	md_vec_free(md, &p->dnodes);
	md_vec_free(md, &p->anodes);
	arena_free(md->arena, p, sizeof(*p));
}
