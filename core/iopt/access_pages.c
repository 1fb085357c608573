// SPDX-License-Identifier: GPL-2.0-only
/* In-kernel accesses to an object's pages: the pfn array, and reading and writing without a pin
 * that stays. */
#include "core/iopt/io_pagetable.h"
#include "core/iopt/reader.h"

static struct iopt_pages_access *find_access(struct iopt_pages *pages, u64 first, u64 last)
{
	struct itree_node *n;

	itree_for_each (n, &pages->access_itree, first, last)
		if (n->start == first && n->last == last)
			return container_of(n, struct iopt_pages_access, node);
	return NULL;
}

/* All of the span or nothing. */
static int store_span(struct iopt_pages *pages, u64 first, u64 last, const u64 *pfns)
{
	struct iommufd_ctx *ctx = pages->ctx;
	u64 i, middle = first + (last - first) / 2;
	int rc = 0;

	for (i = first;; i++) {
		if (i == first || !(i % SPARSE_FAN))
			rc = machine_should_fail(ctx->machine, FAULT_ALLOC);
		if (!rc && i == middle)
			rc = machine_should_fail(ctx->machine, FAULT_STORE);
		if (!rc)
			rc = pfn_store_insert(&pages->pinned_pfns, ctx->arena, i, pfns[i - first]);
		if (rc == -EEXIST)
			machine_strict(ctx->machine, "B7", "an array slot is taken already", i,
				       pfns[i - first]);
		if (rc)
			break;
		if (i == last)
			return 0;
	}
	while (i-- > first)
		pfn_store_erase(&pages->pinned_pfns, ctx->arena, i);
	return rc;
}

static void unpin_array(struct iopt_pages *pages, struct iopt_area *area, u64 first, u64 n,
			const u64 *pfns)
{
	struct pfn_view v = {.array = pfns, .index = first};

	if (!n)
		return;
	hook_before_unpin(pages, area, &v, first, first + n - 1, FLUSH_UNPIN_UNWIND);
	for (u64 i = 0; i < n; i++)
		machine_unpin(pages->ctx->machine, pfns[i], 1, false);
	pages->npinned -= n;
}

static int pin_span(struct iopt_pages *pages, struct iopt_area *area, u64 first, u64 last, u64 *out)
{
	u32 flags = PIN_LONGTERM | (pages->writable ? PIN_WRITE : 0);
	u64 done = 0, n = last - first + 1;
	long got;
	int rc;

	while (done < n) {
		got = machine_pin(pages->ctx->machine, pages->task,
				  pages->uptr + (first + done) * PAGE_SIZE, n - done, flags,
				  out + done);
		if (got <= 0) {
			unpin_array(pages, area, first, done, out);
			return got ? got : -EFAULT;
		}
		done += got;
		pages->npinned += got;
		pages->was_pinned = true;
	}
	rc = store_span(pages, first, last, out);
	if (rc)
		unpin_array(pages, area, first, n, out);
	return rc;
}

static int copy_span(struct iopt_pages *pages, u64 first, u64 last, u64 *out)
{
	struct iopt_area *area;
	u64 index, end, pfn, got;

	for (index = first; index <= last; index = end + 1) {
		area = iopt_pages_find_domain_area(pages, index);
		if (!area) {
			machine_strict(pages->ctx->machine, "S3",
				       "no area covers an index of domains_itree", index, last);
			return -EINVAL;
		}
		end = min(iopt_area_last_index(area), last);
		for (; index <= end; index += got) {
			got = domain_read_run(area->storage_domain->d,
					      iopt_area_index_to_iova(area, index), end - index + 1,
					      &pfn);
			if (!got)
				return -EINVAL;
			for (u64 i = 0; i < got; i++)
				out[index - first + i] = pfn + i;
		}
	}
	return store_span(pages, first, last, out);
}

/* No node of access_itree holds these any more: label 0 goes back to the user, label 2 only leaves
 * the array. */
static void release_range(struct iopt_pages *pages, struct iopt_area *area, u64 first, u64 last,
			  enum flush_unpin_why why)
{
	struct iommufd_ctx *ctx = pages->ctx;
	struct double_span span;
	struct pfn_batch batch;
	u64 s, e;

	batch_init_backup(&batch, ctx, last - first + 1);
	for_each_double_span (&span, &pages->access_itree, &pages->domains_itree, first, last) {
		if (span.label == 1)
			continue;
		for (s = span.start; s <= span.end; s = e + 1) {
			e = span.end;
			if (!span.label) {
				batch_clear(&batch);
				batch_from_store(&batch, &pages->pinned_pfns, s, span.end);
				if (!batch.total_pfns) {
					machine_strict(ctx->machine, "S5",
						       "a held index is not in the array", s,
						       span.end);
					break;
				}
				e = s + batch.total_pfns - 1;
			}
			for (u64 i = s; i <= e; i++)
				pfn_store_erase(&pages->pinned_pfns, ctx->arena, i);
			if (!span.label)
				batch_unpin(&batch, pages, area, s, s, e, why, pages->writable);
		}
	}
	batch_destroy(&batch, ctx);
	if (iopt_pages_update_pinned(pages))
		machine_strict(ctx->machine, "WARN", "a discharge failed", pages->npinned,
			       pages->last_npinned);
}

/* Put [first..last] into the array and the pfns into out; on failure all is as before. */
static int fill_range(struct iopt_pages *pages, struct iopt_area *area, u64 first, u64 last,
		      u64 *out)
{
	struct double_span span;
	u64 stored_end = first;
	int rc = 0;

	for_each_double_span (&span, &pages->access_itree, &pages->domains_itree, first, last) {
		u64 *to = out + (span.start - first);

		if (span.label == 1)
			for (u64 i = span.start; i <= span.end; i++)
				to[i - span.start] = pfn_store_load(&pages->pinned_pfns, i);
		else if (span.label == 2)
			rc = copy_span(pages, span.start, span.end, to);
		else
			rc = pin_span(pages, area, span.start, span.end, to);
		if (rc)
			break;
		stored_end = span.end + 1;
	}
	if (!rc)
		rc = iopt_pages_update_pinned(pages);
	if (rc && stored_end > first)
		release_range(pages, area, first, stored_end - 1, FLUSH_UNPIN_UNWIND);
	else if (rc)
		iopt_pages_update_pinned(pages);
	return rc;
}

static int new_access(struct iopt_pages *pages, struct iopt_area *area, u64 first, u64 last,
		      u64 *out, bool write)
{
	struct pfn_view v = {.array = out, .index = first};
	struct iopt_pages_access *access = iommufd_alloc(pages->ctx, sizeof(*access));
	int rc;

	if (!access)
		return -ENOMEM;
	rc = fill_range(pages, area, first, last, out);
	if (!rc) {
		rc = hook_before_access(area, &v, first, last, write);
		if (rc)
			release_range(pages, area, first, last, FLUSH_UNPIN_UNWIND);
	}
	if (rc) {
		iommufd_free(pages->ctx, access, sizeof(*access));
		return rc;
	}
	access->node.start = first;
	access->node.last = last;
	access->users = 1;
	itree_insert(&pages->access_itree, &access->node);
	return 0;
}

int iopt_area_add_access(struct iopt_area *area, u64 first, u64 last, u64 *out_pfns, bool write)
{
	struct iopt_pages *pages = area->pages;
	struct pfn_view v = {.array = out_pfns, .index = first};
	struct iopt_pages_access *access;
	int rc = 0;

	if (write && !pages->writable)
		return -EPERM;
	mutex_lock(&pages->mutex);
	area->fa.pages = &pages->fp;
	access = find_access(pages, first, last);
	if (access) {
		for (u64 i = first; i <= last; i++)
			out_pfns[i - first] = pfn_store_load(&pages->pinned_pfns, i);
		rc = hook_before_access(area, &v, first, last, write);
		if (!rc)
			access->users++;
	} else {
		rc = new_access(pages, area, first, last, out_pfns, write);
	}
	if (!rc)
		area->num_accesses++;
	mutex_unlock(&pages->mutex);
	return rc;
}

int iopt_area_remove_access(struct iopt_area *area, u64 first, u64 last)
{
	struct iopt_pages *pages = area->pages;
	struct iopt_pages_access *access;
	int rc = -ENOENT;

	mutex_lock(&pages->mutex);
	access = find_access(pages, first, last);
	if (!access || !area->num_accesses) {
		machine_strict(pages->ctx->machine, "A1",
			       "an access that was never made is removed", first, last);
		goto out_unlock;
	}
	rc = 0;
	area->num_accesses--;
	if (--access->users)
		goto out_unlock;
	itree_remove(&pages->access_itree, &access->node);
	release_range(pages, area, first, last, FLUSH_UNPIN_ACCESS);
	iommufd_free(pages->ctx, access, sizeof(*access));
out_unlock:
	mutex_unlock(&pages->mutex);
	return rc;
}

/* --- rw ---------------------------------------------------------------------- */

static void copy_phys(struct machine *m, u64 pa, void *data, u64 n, bool write)
{
	if (write)
		machine_phys_store(m, pa, data, n);
	else
		machine_phys_load(m, pa, data, n);
}

static int rw_plain(struct iopt_pages *pages, u64 start_byte, void *data, u64 length, bool write)
{
	struct machine *m = pages->ctx->machine;
	u64 va = pages->uptr + start_byte;

	return write ? machine_user_store(m, pages->task, va, data, length)
		     : machine_user_load(m, pages->task, va, data, length);
}

/* One page of what the user shows now: no longterm pin, no accounting, whoever else holds it. */
static int rw_page(struct iopt_pages *pages, u64 start_byte, void *data, u64 length, bool write)
{
	struct machine *m = pages->ctx->machine;
	u64 pfn;
	long got;
	int rc;

	rc = machine_should_fail(m, FAULT_RW);
	if (rc)
		return rc;
	got = machine_pin(m, pages->task, pages->uptr + round_down(start_byte, PAGE_SIZE), 1,
			  write ? PIN_WRITE : 0, &pfn);
	if (got != 1)
		return got ? got : -EINVAL;
	copy_phys(m, pfn * PAGE_SIZE + (start_byte & PAGE_MASK), data, length, write);
	machine_unpin(m, pfn, 1, write);
	return 0;
}

static u64 rw_batch(struct pfn_reader *r, u64 byte, u8 *data, u64 length, bool write)
{
	u64 start = r->batch_start * PAGE_SIZE, at = max(byte, start), end, done = 0, pfn, run, n;
	struct machine *m = r->pages->ctx->machine;

	end = min(byte + length - 1, r->batch_end * PAGE_SIZE - 1);
	while (at <= end) {
		run = batch_run_at(&r->batch, at / PAGE_SIZE - r->batch_start, &pfn);
		n = min(run * PAGE_SIZE - (at & PAGE_MASK), end - at + 1);
		copy_phys(m, pfn * PAGE_SIZE + (at & PAGE_MASK), data + (at - byte), n, write);
		/* The unpin after the copy marks only those that nobody else holds. */
		if (write)
			machine_mark_dirty(m, pfn, ((at & PAGE_MASK) + n - 1) / PAGE_SIZE + 1);
		at += n;
		done += n;
	}
	return done;
}

static int rw_slow(struct iopt_pages *pages, struct iopt_area *area, u64 start_byte, void *data,
		   u64 length, bool write)
{
	u64 first = start_byte / PAGE_SIZE, last = (start_byte + length - 1) / PAGE_SIZE;
	struct pfn_reader r;
	struct pfn_view v = {.batch = &r.batch};
	int rc;

	mutex_lock(&pages->mutex);
	area->fa.pages = &pages->fp;
	rc = reader_first(&r, pages, area, first, last);
	if (rc)
		goto out_unlock;
	while (!r.done) {
		v.index = r.batch_start;
		rc = hook_before_access(area, &v, r.batch_start, r.batch_end - 1, write);
		if (rc)
			break;
		rw_batch(&r, start_byte, data, length, write);
		reader_unpin_batch(&r);
		rc = reader_next(&r);
		if (rc)
			break;
	}
	reader_destroy(&r);
out_unlock:
	if (pages->npinned != pages->last_npinned)
		machine_strict(pages->ctx->machine, "P3", "rw left pins behind", pages->npinned,
			       pages->last_npinned);
	iopt_pages_update_pinned(pages);
	mutex_unlock(&pages->mutex);
	return rc;
}

int iopt_pages_rw_access(struct iopt_area *area, u64 start_byte, void *data, u64 length, bool write,
			 bool kthread, u32 task)
{
	struct iopt_pages *pages = area->pages;

	if (write && !pages->writable)
		return -EPERM;
	if (machine_task(pages->ctx->machine, pages->task)->alive) {
		if (kthread || task == pages->task)
			return rw_plain(pages, start_byte, data, length, write);
		if (start_byte / PAGE_SIZE == (start_byte + length - 1) / PAGE_SIZE)
			return rw_page(pages, start_byte, data, length, write);
	}
	return rw_slow(pages, area, start_byte, data, length, write);
}
