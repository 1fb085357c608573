// SPDX-License-Identifier: GPL-2.0-only
/*
 * Filling areas into domains and taking them out again. The principles are at the head of pages.c.
 *
 * Unfilling a storage domain reads the pfns back from the very page table that it is about to
 * empty, so reading, unmapping and unpinning advance together, each as far as memory allows:
 *
 *      index:   ... s ........ batch_last ......... last
 *                   |--- to unpin ---|-- carry --|
 *      unmapped:  -------------------------------U
 *
 * U is the first index that is still mapped. An unmap may only end at a discontinuity, so it can
 * run ahead of what this span may unpin; the pfns in between are the *carry*, run 0 of the next
 * batch: read, unmapped, not yet decided. Spans that somebody else holds are skipped without being
 * read, unless the policy wants to see pfns.
 */
#include "core/iopt/io_pagetable.h"
#include "core/iopt/reader.h"

/* One area's way out of one domain, which may take several unmap calls. */
struct unmap_walk {
	struct iopt_area *area;
	struct iopt_pages *pages;
	struct iopt_domain *domain;
	u32 flags;	/* FLUSH_STORAGE, FLUSH_FINAL, FLUSH_UNWIND; FLUSH_UNPINS: unpin what nobody
			   holds */
	bool started;	/* FLUSH_FIRST was told */
	bool continues; /* another range of the same walk follows: no FLUSH_LAST at the end of this
			   one */
};

/* Unmap indexes [first..last], sync, and tell the policy. v: their pfns, if they were read. */
static void walk_unmap(struct unmap_walk *w, const struct pfn_view *v, u64 first, u64 last,
		       bool end)
{
	u64 iova = iopt_area_index_to_iova(w->area, first);
	u64 len = iopt_area_index_to_last_iova(w->area, last) - iova + 1;
	u32 flags = w->flags;

	if (!w->started)
		flags |= FLUSH_FIRST;
	if (end && !w->continues)
		flags |= FLUSH_LAST;
	w->started = true;
	hook_before_unmap(w->area, w->domain, v, first, last, flags);
	domain_unmap(w->domain->d, iova, len);
	domain_iotlb_sync(w->domain->d);
	hook_after_unmap(w->area, w->domain, v, first, last, flags);
}

/* Unmap without unpin. Pfns are read first where the policy asks for them. */
static void walk_unmap_only(struct unmap_walk *w, u64 first, u64 last)
{
	struct iommufd_ctx *ctx = w->pages->ctx;
	struct pfn_batch batch;
	struct pfn_view v = {.batch = &batch};

	if (!ctx->need_unmap_pfns) {
		walk_unmap(w, NULL, first, last, true);
		return;
	}
	batch_init_backup(&batch, ctx, last - first + 1);
	for (u64 end; first <= last; first = end + 1) {
		batch_clear(&batch);
		batch_from_domain(&batch, w->domain, w->area, first, last);
		if (!batch.total_pfns)
			break;
		v.index = first;
		end = first + batch.total_pfns - 1;
		walk_unmap(w, &v, first, end, end == last);
	}
	batch_destroy(&batch, ctx);
}

struct unfill {
	struct unmap_walk *w;
	struct pfn_batch batch;
	u64 unmapped; /* U: the first index not unmapped yet */
	u64 last;
	enum flush_unpin_why why;
};

/*
 * Take [s..e] out, as far as one batch reaches; returns the next s. The batch represents indexes
 * from s on. held: somebody else keeps these pages pinned.
 */
static u64 unfill_step(struct unfill *u, u64 s, u64 e, bool held)
{
	struct unmap_walk *w = u->w;
	struct pfn_view v = {.batch = &u->batch, .index = s};
	u64 batch_last, part;

	if (u->batch.total_pfns && u->unmapped - u->batch.total_pfns != s)
		machine_strict(w->pages->ctx->machine, "B1", "the carry is out of step",
			       u->unmapped, s);
	if (u->unmapped <= e)
		batch_from_domain(&u->batch, w->domain, w->area, max(s, u->unmapped), e);
	if (!u->batch.total_pfns)
		return e + 1;
	batch_last = s + u->batch.total_pfns - 1;
	if (u->unmapped <= e && batch_last == e && e != u->last) {
		batch_from_domain_continue(&u->batch, w->domain, w->area, e + 1, u->last);
		batch_last = s + u->batch.total_pfns - 1;
	}
	if (batch_last > u->last)
		machine_strict(w->pages->ctx->machine, "B2", "a batch goes beyond the range",
			       batch_last, u->last);
	if (u->unmapped <= batch_last) {
		walk_unmap(w, w->pages->ctx->need_unmap_pfns ? &v : NULL, u->unmapped, batch_last,
			   batch_last == u->last);
		u->unmapped = batch_last + 1;
	}
	part = min(e, batch_last);
	if (!held)
		batch_unpin(&u->batch, w->pages, w->area, s, s, part, u->why, w->pages->writable);
	batch_clear_carry(&u->batch, u->unmapped - part - 1, w->pages->ctx);
	return part + 1;
}

/* Unmap [first..last] and unpin what nobody else holds. The area's own node is not in
 * domains_itree. */
static void walk_unfill(struct unmap_walk *w, u64 first, u64 last)
{
	struct iommufd_ctx *ctx = w->pages->ctx;
	struct unfill u;
	struct double_span span;
	u64 s;

	u.w = w;
	u.unmapped = first;
	u.last = last;
	u.why = w->flags & FLUSH_UNWIND ? FLUSH_UNPIN_UNWIND : FLUSH_UNPIN_AREA;
	w->flags |= FLUSH_UNPINS;
	batch_init_backup(&u.batch, ctx, last - first + 1);
	for_each_double_span (&span, &w->pages->domains_itree, &w->pages->access_itree, first,
			      last) {
		if (span.label && !ctx->need_unmap_pfns) {
			batch_skip(&u.batch, min(u.batch.total_pfns, span.end - span.start + 1));
			continue;
		}
		for (s = span.start; s <= span.end;)
			s = unfill_step(&u, s, span.end, span.label);
	}
	/* The range ended in a span that others hold. */
	if (u.unmapped != last + 1)
		walk_unmap(w, NULL, u.unmapped, last, true);
	if (u.batch.total_pfns)
		machine_strict(ctx->machine, "B5", "pfns were read and never decided",
			       u.batch.total_pfns, last);
	batch_destroy(&u.batch, ctx);
}

/* A discharge cannot fail. */
static void settle(struct iopt_pages *pages)
{
	if (iopt_pages_update_pinned(pages))
		machine_strict(pages->ctx->machine, "WARN", "a discharge failed", pages->npinned,
			       pages->last_npinned);
}

#define RUNS_AT_ONCE 32

/* How far a batch got in one domain. */
struct map_walk {
	struct iopt_domain *domain;
	u32 prot;
	bool any;
	u64 last; /* the last byte mapped, if any */
};

static int map_group(struct map_walk *w, const struct domain_run *runs, u32 n)
{
	size_t mapped = 0;
	int rc = domain_map_runs(w->domain->d, runs, n, w->prot, &mapped);

	if (!rc)
		mapped = n;
	if (mapped) {
		w->any = true;
		w->last = runs[mapped - 1].iova + (runs[mapped - 1].len - 1);
	}
	return rc;
}

/* The same in pieces of one page: large pages are off. Lengths are distances: the end may wrap. */
static int map_group_small(struct map_walk *w, const struct domain_run *runs, u32 n)
{
	struct domain_run piece[RUNS_AT_ONCE];
	u32 nr = 0;
	int rc = 0;

	for (u32 i = 0; i < n; i++) {
		struct domain_run r = runs[i];

		for (u64 part; r.len && !rc; r.iova += part, r.pa += part, r.len -= part) {
			part = min(r.len, PAGE_SIZE - (r.pa & PAGE_MASK));
			piece[nr++] = (struct domain_run){r.iova, r.pa, part};
			if (nr == RUNS_AT_ONCE) {
				rc = map_group(w, piece, nr);
				nr = 0;
			}
		}
	}
	return nr && !rc ? map_group(w, piece, nr) : rc;
}

/* The next runs of a batch, all whole, from *iova on, which moves behind them. */
static u32 group_of_batch(const struct pfn_batch *b, u32 from, u64 *iova, struct domain_run *runs)
{
	u32 n = min(b->end - from, (u32)RUNS_AT_ONCE);
	const u32 *npfns = b->npfns + from;
	const u64 *pfns = b->pfns + from;
	u64 at = *iova, len;

	for (u32 i = 0; i < n; i++, at += len) {
		len = (u64)npfns[i] * PAGE_SIZE;
		runs[i] = (struct domain_run){at, pfns[i] * PAGE_SIZE, len};
	}
	*iova = at;
	return n;
}

/*
 * Map a batch whose first pfn is that of index `first`. On failure *mapped_end is the index behind
 * what is mapped, and stays mapped: the caller unwinds, and knows which hooks to tell.
 */
static int batch_to_domain(const struct pfn_batch *b, struct iopt_domain *domain,
			   struct iopt_area *area, u64 first, u64 *mapped_end)
{
	struct map_walk w = {.domain = domain, .prot = area->iommu_prot};
	u64 offset = first == iopt_area_index(area) ? area->page_offset : 0;
	/* Of the whole page, where the area begins in its middle: may lie below 0, and wraps back. */
	u64 iova = iopt_area_index_to_iova(area, first) - offset;
	struct domain_run runs[RUNS_AT_ONCE], *tail;
	int rc = 0;

	for (u32 i = 0, n; i < b->end && !rc; i += n) {
		n = group_of_batch(b, i, &iova, runs);
		if (!i) {
			runs[0].iova += offset;
			runs[0].pa += offset;
			runs[0].len -= offset;
		}
		if (i + n == b->end) {
			tail = &runs[n - 1];
			tail->len = min(tail->len - 1, iopt_area_last_iova(area) - tail->iova) + 1;
		}
		rc = area->iopt->disable_large_pages ? map_group_small(&w, runs, n)
						     : map_group(&w, runs, n);
	}
	*mapped_end = first;
	if (rc && w.any)
		*mapped_end = iopt_area_iova_to_index(area, w.last) + 1;
	return rc;
}

static struct unmap_walk make_walk(struct iopt_area *area, struct iopt_pages *pages,
				   struct iopt_domain *domain, u32 flags)
{
	return (struct unmap_walk){.area = area, .pages = pages, .domain = domain, .flags = flags};
}

/* Take back [start..end - 1] of the current batch from a domain: the pfns are still at hand. */
static void unwind_batch(struct unmap_walk *w, struct pfn_reader *r, u64 start, u64 end)
{
	struct pfn_view v = {.batch = &r->batch, .index = r->batch_start};

	if (end > start)
		walk_unmap(w, &v, start, end - 1, true);
}

int iopt_area_fill_domain(struct iopt_area *area, struct iopt_domain *domain)
{
	struct iopt_pages *pages = area->pages;
	struct unmap_walk w = make_walk(area, pages, domain, FLUSH_UNWIND | FLUSH_FINAL);
	struct pfn_reader r;
	u64 first = iopt_area_index(area), end;
	int rc;

	lockdep_assert_held(LOCK_PAGES);
	rc = hook_fill_begin(area, pages, domain->fd.nc, FLUSH_FILL_ATTACH);
	if (rc)
		return rc;
	rc = reader_first(&r, pages, area, first, iopt_area_last_index(area));
	if (rc) {
		settle(pages);
		goto out;
	}
	end = first;
	while (!r.done) {
		end = r.batch_start;
		rc = hook_before_map(area, &r.batch, r.batch_start, r.batch_end - 1, domain->fd.nc);
		if (!rc)
			rc = batch_to_domain(&r.batch, domain, area, r.batch_start, &end);
		if (rc)
			goto err_unmap;
		rc = reader_next(&r);
		end = r.batch_start;
		if (rc)
			goto err_unmap;
	}
	rc = iopt_pages_update_pinned(pages);
	if (rc)
		goto err_unmap;
	reader_destroy(&r);
	goto out;

err_unmap:
	w.continues = r.batch_start > first;
	unwind_batch(&w, &r, r.batch_start, end);
	end = r.batch_start;
	reader_release_pins(&r, FLUSH_UNPIN_UNWIND);
	w.continues = false;
	if (end > first)
		walk_unfill(&w, first, end - 1);
	reader_destroy(&r);
	settle(pages);
out:
	hook_fill_end(area, rc);
	return rc;
}

static u32 count_nc(const struct io_pagetable *iopt)
{
	return iopt->ft.nr_nc;
}

/*
 * The unwind of a fill into several domains. Of the current batch, domains before `failed` have
 * all, `failed` has what ends before failed_end, the others nothing; of what lies before the batch
 * every domain has all. First the current batch leaves all domains, then it is unpinned, then the
 * rest leaves; through the last domain with its pins.
 */
static void unwind_domains(struct iopt_area *area, struct iopt_pages *pages, struct pfn_reader *r,
			   u32 failed, u64 failed_end)
{
	struct io_pagetable *iopt = area->iopt;
	u64 first = iopt_area_index(area), start = r->batch_start;
	bool earlier = start > first;
	u32 i, n = iopt->next_domain_id;

	for (i = 0; i < n && i <= failed; i++) {
		struct unmap_walk w = make_walk(area, pages, iopt->domains[i], FLUSH_UNWIND);
		bool tail = i + 1 == failed && failed_end < r->batch_end;

		/* The failed domain is the last for what it got, the one before it for the rest. */
		if (i == failed)
			w.flags |= FLUSH_FINAL;
		w.continues = earlier || tail;
		unwind_batch(&w, r, start, i < failed && !tail ? r->batch_end : failed_end);
		if (!tail)
			continue;
		w.flags |= FLUSH_FINAL;
		w.continues = earlier;
		unwind_batch(&w, r, failed_end, r->batch_end);
	}
	reader_release_pins(r, FLUSH_UNPIN_UNWIND);
	for (i = 0; earlier && i < n; i++) {
		struct unmap_walk w = make_walk(area, pages, iopt->domains[i], FLUSH_UNWIND);

		w.started = i < failed || (i == failed && failed_end > start);
		if (i < n - 1) {
			walk_unmap_only(&w, first, start - 1);
			continue;
		}
		w.flags |= FLUSH_FINAL;
		walk_unfill(&w, first, start - 1);
	}
}

/* Every batch goes into all domains before the next is read. 0, or all is unwound. */
static int fill_all(struct iopt_area *area, struct iopt_pages *pages, struct pfn_reader *r)
{
	struct io_pagetable *iopt = area->iopt;
	u64 failed_end = r->batch_start;
	u32 i = 0;
	int rc;

	while (!r->done) {
		failed_end = r->batch_start;
		i = 0;
		rc = hook_before_map(area, &r->batch, r->batch_start, r->batch_end - 1,
				     count_nc(iopt));
		if (rc)
			goto err;
		for (; i < iopt->next_domain_id; i++) {
			rc = batch_to_domain(&r->batch, iopt->domains[i], area, r->batch_start,
					     &failed_end);
			if (rc)
				goto err;
		}
		i = 0;
		rc = reader_next(r);
		failed_end = r->batch_start;
		if (rc)
			goto err;
	}
	rc = iopt_pages_update_pinned(pages);
	if (rc)
		goto err;
	return 0;

err:
	unwind_domains(area, pages, r, i, failed_end);
	return rc;
}

int iopt_area_fill_domains(struct iopt_area *area, struct iopt_pages *pages)
{
	struct io_pagetable *iopt = area->iopt;
	struct pfn_reader r;
	int rc;

	lockdep_assert_held(LOCK_DOMAINS);
	if (!iopt->next_domain_id)
		return 0;
	mutex_lock(&pages->mutex);
	rc = hook_fill_begin(area, pages, count_nc(iopt), FLUSH_FILL_MAP);
	if (rc)
		goto out_unlock;
	rc = reader_first(&r, pages, area, iopt_area_index(area), iopt_area_last_index(area));
	if (!rc) {
		rc = fill_all(area, pages, &r);
		reader_destroy(&r);
	}
	if (rc)
		settle(pages);
	else
		iopt_area_pick_storage(area);
	hook_fill_end(area, rc);
out_unlock:
	mutex_unlock(&pages->mutex);
	return rc;
}

void iopt_area_unfill_domains(struct iopt_area *area, struct iopt_pages *pages, u32 flags)
{
	struct io_pagetable *iopt = area->iopt;
	u64 first = iopt_area_index(area), last = iopt_area_last_index(area);
	struct iopt_domain *storage;
	struct unmap_walk w;

	lockdep_assert_held(LOCK_DOMAINS);
	mutex_lock(&pages->mutex);
	storage = area->storage_domain;
	if (!storage)
		goto out_unlock;
	for (u32 i = 0; i < iopt->next_domain_id; i++) {
		if (iopt->domains[i] == storage)
			continue;
		w = make_walk(area, pages, iopt->domains[i], flags);
		walk_unmap_only(&w, first, last);
	}
	iopt_area_set_storage(area, NULL);
	w = make_walk(area, pages, storage, flags | FLUSH_STORAGE | FLUSH_FINAL);
	walk_unfill(&w, first, last);
	settle(pages);
out_unlock:
	mutex_unlock(&pages->mutex);
}

void iopt_area_unfill_domain(struct iopt_area *area, struct iopt_domain *domain, bool others,
			     u32 flags)
{
	struct iopt_pages *pages = area->pages;
	struct unmap_walk w = make_walk(area, pages, domain, FLUSH_FINAL | flags);

	lockdep_assert_held(LOCK_PAGES);
	if (others) {
		walk_unmap_only(&w, iopt_area_index(area), iopt_area_last_index(area));
		return;
	}
	w.flags |= FLUSH_STORAGE;
	walk_unfill(&w, iopt_area_index(area), iopt_area_last_index(area));
	settle(pages);
}
