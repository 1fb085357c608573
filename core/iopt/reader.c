// SPDX-License-Identifier: GPL-2.0-only
#include "core/iopt/reader.h"

/* Once a reader, at its first pin, for all that may follow. */
static int reader_init_window(struct pfn_reader *r, u64 npages)
{
	struct iommufd_ctx *ctx = r->pages->ctx;
	u64 slots = max(min(npages * sizeof(u64), (u64)ctx->temp_limit) / sizeof(u64), 1UL);

	if (machine_should_fail(ctx->machine, FAULT_TEMP))
		return -ENOMEM;
	r->upages = r->upages_inline;
	r->upages_size = min(slots, ARRAY_SIZE(r->upages_inline));
	if (slots <= r->upages_size)
		return 0;
	r->upages = arena_alloc(ctx->arena, slots * sizeof(u64));
	r->upages_size = slots;
	return r->upages ? 0 : -ENOMEM;
}

/* Pin the next stretch of the current span; the window holds what the batch could not take yet. */
static int reader_pin(struct pfn_reader *r, u64 index)
{
	struct iopt_pages *pages = r->pages;
	u64 n = r->span.end - index + 1;
	u32 flags = PIN_LONGTERM | (pages->writable ? PIN_WRITE : 0);
	long got;
	int rc;

	if (!r->upages) {
		rc = reader_init_window(r, r->last_index - index + 1);
		if (rc)
			return rc;
	}
	n = min(n, (u64)r->upages_size);
	got = machine_pin(pages->ctx->machine, pages->task, pages->uptr + index * PAGE_SIZE, n,
			  flags, r->upages);
	if (got <= 0) {
		if (!got)
			machine_strict(pages->ctx->machine, "WARN", "GUP pinned nothing", index, n);
		return got ? got : -EFAULT;
	}
	r->upages_start = index;
	r->upages_end = index + got;
	pages->npinned += got;
	pages->was_pinned = true;
	return 0;
}

static void batch_from_window(struct pfn_reader *r, u64 index)
{
	u64 end = min(r->upages_end, r->span.end + 1);

	if (index < end)
		batch_add_array(&r->batch, r->upages + (index - r->upages_start), end - index);
}

static int reader_fill_domain(struct pfn_reader *r, u64 index)
{
	struct iopt_area *area = iopt_pages_find_domain_area(r->pages, index);

	if (!area) {
		machine_strict(r->pages->ctx->machine, "S3",
			       "no area covers an index of domains_itree", index, r->span.end);
		return -EINVAL;
	}
	batch_from_domain(&r->batch, area->storage_domain, area, index,
			  min(iopt_area_last_index(area), r->span.end));
	return 0;
}

static int reader_fill_span(struct pfn_reader *r)
{
	u64 index = r->batch_end;
	int rc;

	switch (r->span.label) {
	case 1:
		batch_from_store(&r->batch, &r->pages->pinned_pfns, index, r->span.end);
		return 0;
	case 2:
		return reader_fill_domain(r, index);
	}
	if (index >= r->upages_end) {
		rc = reader_pin(r, index);
		if (rc)
			return rc;
	}
	batch_from_window(r, index);
	return 0;
}

int reader_next(struct pfn_reader *r)
{
	u64 before;
	int rc;

	batch_clear(&r->batch);
	r->batch_start = r->batch_end;
	r->done = r->batch_start == r->last_index + 1;
	while (r->batch_end != r->last_index + 1) {
		before = r->batch.total_pfns;
		rc = reader_fill_span(r);
		if (rc)
			return rc;
		if (!r->batch.total_pfns) {
			machine_strict(r->pages->ctx->machine, "WARN", "a span gave no pfn",
				       r->batch_end, r->span.label);
			return -EINVAL;
		}
		r->batch_end = r->batch_start + r->batch.total_pfns;
		if (r->batch_end == r->span.end + 1)
			double_span_next(&r->span);
		if (before == r->batch.total_pfns)
			break;
	}
	return 0;
}

int reader_first(struct pfn_reader *r, struct iopt_pages *pages, struct iopt_area *area, u64 first,
		 u64 last)
{
	int rc;

	lockdep_assert_held(LOCK_PAGES);
	r->pages = pages;
	r->area = area;
	r->batch_start = r->batch_end = first;
	r->upages = NULL;
	r->upages_start = r->upages_end = first;
	r->last_index = last;
	rc = batch_init(&r->batch, pages->ctx, last - first + 1);
	if (rc)
		return rc;
	double_span_first(&r->span, &pages->access_itree, &pages->domains_itree, first, last);
	rc = reader_next(r);
	if (rc)
		reader_destroy(r);
	return rc;
}

/* What was pinned and is not in the batch: never mapped, never seen by anybody, so not dirty. */
static void release_window(struct pfn_reader *r, enum flush_unpin_why why)
{
	u64 first = max(r->upages_start, r->batch_end), index;
	struct pfn_view v = {.array = r->upages, .index = r->upages_start};

	if (first >= r->upages_end)
		return;
	hook_before_unpin(r->pages, r->area, &v, first, r->upages_end - 1, why);
	for (index = first; index < r->upages_end; index++)
		machine_unpin(r->pages->ctx->machine, r->upages[index - r->upages_start], 1, false);
	r->pages->npinned -= r->upages_end - first;
}

static void release_batch(struct pfn_reader *r, enum flush_unpin_why why, bool dirty)
{
	struct iopt_pages *pages = r->pages;
	struct double_span span;

	if (r->batch_start == r->batch_end)
		return;
	for_each_double_span (&span, &pages->access_itree, &pages->domains_itree, r->batch_start,
			      r->batch_end - 1)
		if (!span.label)
			batch_unpin(&r->batch, pages, r->area, r->batch_start, span.start, span.end,
				    why, dirty);
}

void reader_release_pins(struct pfn_reader *r, enum flush_unpin_why why)
{
	/* A failed read may have pinned more than batch_end tells. */
	r->batch_end = r->batch_start + r->batch.total_pfns;
	release_window(r, why);
	release_batch(r, why, r->pages->writable);
	r->upages_start = r->upages_end = r->batch_end = r->batch_start;
	batch_clear(&r->batch);
}

void reader_unpin_batch(struct pfn_reader *r)
{
	release_batch(r, FLUSH_UNPIN_TRANSIENT, r->pages->writable);
	r->batch_start = r->batch_end;
}

void reader_destroy(struct pfn_reader *r)
{
	struct iommufd_ctx *ctx = r->pages->ctx;

	if (r->batch_start != r->last_index + 1 || r->upages_end > r->batch_end)
		reader_release_pins(r, FLUSH_UNPIN_UNWIND);
	if (r->upages && r->upages != r->upages_inline)
		arena_free(ctx->arena, r->upages, r->upages_size * sizeof(u64));
	batch_destroy(&r->batch, ctx);
}
