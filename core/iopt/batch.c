// SPDX-License-Identifier: GPL-2.0-only
#include "core/iopt/batch.h"
#include "core/iopt/pages.h"

void *iommufd_alloc(struct iommufd_ctx *ctx, size_t size)
{
	if (machine_should_fail(ctx->machine, FAULT_ALLOC))
		return NULL;
	return arena_alloc(ctx->arena, size);
}

void iommufd_free(struct iommufd_ctx *ctx, void *p, size_t size)
{
	arena_free(ctx->arena, p, size);
}

static void batch_setup(struct pfn_batch *b, void *memory, size_t bytes)
{
	b->array_size = bytes / BATCH_ENTRY_BYTES;
	b->pfns = memory;
	b->npfns = (u32 *)(b->pfns + b->array_size);
	b->memory = memory == b->inline_buf ? NULL : memory;
	b->memory_bytes = bytes;
	batch_clear(b);
}

/* What is wished for: an entry a page, within the limit. 8 + 4 bytes an entry, both arrays aligned.
 */
static size_t batch_wish(const struct iommufd_ctx *ctx, u64 npages)
{
	u64 limit = ctx->temp_limit / BATCH_ENTRY_BYTES;

	return min(npages, limit) * BATCH_ENTRY_BYTES;
}

int batch_init(struct pfn_batch *b, struct iommufd_ctx *ctx, u64 npages)
{
	size_t bytes = batch_wish(ctx, npages);
	void *p;

	if (machine_should_fail(ctx->machine, FAULT_TEMP))
		return -ENOMEM;
	if (bytes <= sizeof(b->inline_buf)) {
		batch_setup(b, b->inline_buf, bytes);
		return 0;
	}
	p = arena_alloc(ctx->arena, bytes);
	if (!p) {
		bytes = min(bytes, PAGE_SIZE);
		p = arena_alloc(ctx->arena, bytes);
	}
	if (!p)
		return -ENOMEM;
	batch_setup(b, p, bytes);
	return 0;
}

void batch_init_backup(struct pfn_batch *b, struct iommufd_ctx *ctx, u64 npages)
{
	size_t bytes = batch_wish(ctx, npages);
	void *p;

	if (bytes > sizeof(b->inline_buf) && !machine_should_fail(ctx->machine, FAULT_TEMP)) {
		p = arena_alloc(ctx->arena, bytes);
		if (!p) {
			bytes = min(bytes, PAGE_SIZE);
			p = arena_alloc(ctx->arena, bytes);
		}
		if (p) {
			batch_setup(b, p, bytes);
			return;
		}
	}
	batch_setup(b, b->inline_buf, min(bytes, sizeof(b->inline_buf)));
}

void batch_destroy(struct pfn_batch *b, struct iommufd_ctx *ctx)
{
	if (b->memory)
		arena_free(ctx->arena, b->memory, b->memory_bytes);
}

static u64 extend_last(struct pfn_batch *b, u64 pfn, u64 n)
{
	u32 i = b->end - 1;

	if (!b->end || b->pfns[i] + b->npfns[i] != pfn)
		return 0;
	n = min(n, UINT32_MAX - (u64)b->npfns[i]);
	b->npfns[i] += n;
	b->total_pfns += n;
	return n;
}

u64 batch_add_run_slow(struct pfn_batch *b, u64 pfn, u64 n)
{
	u64 done = extend_last(b, pfn, n);

	while (done < n && b->end < b->array_size) {
		u64 part = min(n - done, (u64)UINT32_MAX);

		b->pfns[b->end] = pfn + done;
		b->npfns[b->end] = part;
		b->end++;
		b->total_pfns += part;
		done += part;
	}
	return done;
}

/* The first run may continue the batch's last one; the others cannot. */
static u64 add_first_of_array(struct pfn_batch *b, const u64 *pfns, u64 n, u64 *taken)
{
	u64 k = 1;

	while (k < n && pfns[k] == pfns[0] + k)
		k++;
	*taken = batch_add_run(b, pfns[0], k);
	return k;
}

u64 batch_add_array(struct pfn_batch *b, const u64 *pfns, u64 n)
{
	u64 at, k, taken, *run = b->pfns;
	u32 *len = b->npfns, size = b->array_size, end;

	if (!n)
		return 0;
	at = add_first_of_array(b, pfns, n, &taken);
	if (taken < at)
		return taken;
	for (end = b->end; at < n && end < size; end++, at += k) {
		u64 pfn = pfns[at];

		for (k = 1; at + k < n && pfns[at + k] == pfn + k; k++)
			;
		run[end] = pfn;
		len[end] = k;
	}
	b->end = end;
	b->total_pfns += at - taken;
	return at;
}

u64 batch_add_runs(struct pfn_batch *b, const struct pfn_run *runs, size_t nr)
{
	u64 taken, *run = b->pfns;
	u32 *len = b->npfns, size = b->array_size, end;
	size_t i;

	if (!nr)
		return 0;
	taken = batch_add_run(b, runs[0].pfn, runs[0].n);
	if (taken < runs[0].n)
		return taken;
	b->total_pfns -= taken;
	for (i = 1, end = b->end; i < nr && end < size && runs[i].n <= UINT32_MAX; i++, end++) {
		run[end] = runs[i].pfn;
		len[end] = runs[i].n;
		taken += runs[i].n;
	}
	b->end = end;
	b->total_pfns += taken;
	/* The array is full, or a run is longer than an entry can say. */
	for (u64 got; i < nr; i++) {
		got = batch_add_run(b, runs[i].pfn, runs[i].n);
		taken += got;
		if (got < runs[i].n)
			break;
	}
	return taken;
}

void batch_skip(struct pfn_batch *b, u64 n)
{
	u32 i = 0, kept = 0;

	batch_look_anew(b);
	b->total_pfns -= n;
	for (; i < b->end && n >= b->npfns[i]; i++)
		n -= b->npfns[i];
	for (; i < b->end; i++, kept++) {
		/* The pfn moves on by what the first kept run loses, before its length changes. */
		b->pfns[kept] = b->pfns[i] + n;
		b->npfns[kept] = b->npfns[i] - n;
		n = 0;
	}
	b->end = kept;
}

void batch_clear_carry(struct pfn_batch *b, u64 keep, struct iommufd_ctx *ctx)
{
	u32 i = b->end - 1;

	if (!keep) {
		batch_clear(b);
		return;
	}
	if (!b->end || b->npfns[i] < keep) {
		machine_strict(ctx->machine, "B3", "the carry does not lie in one run", keep,
			       b->total_pfns);
		batch_clear(b);
		return;
	}
	batch_look_anew(b);
	b->pfns[0] = b->pfns[i] + (b->npfns[i] - keep);
	b->npfns[0] = keep;
	b->end = 1;
	b->total_pfns = keep;
}

void batch_from_store(struct pfn_batch *b, struct pfn_store *store, u64 first, u64 last)
{
	for (u64 i = first;; i++) {
		u64 pfn = pfn_store_load(store, i);

		if (!pfn || !batch_add_run(b, pfn, 1) || i == last)
			return;
	}
}

#define RUNS_AT_ONCE 64

void batch_from_domain(struct pfn_batch *b, struct iopt_domain *domain, struct iopt_area *area,
		       u64 first, u64 last)
{
	struct pfn_run runs[RUNS_AT_ONCE];
	size_t nr;
	u64 got;

	while (first <= last) {
		got = domain_read_runs(domain->d, iopt_area_index_to_iova(area, first),
				       last - first + 1, runs, RUNS_AT_ONCE, &nr);
		if (!got)
			return;
		if (batch_add_runs(b, runs, nr) < got)
			return;
		first += got;
	}
}

void batch_from_domain_continue(struct pfn_batch *b, struct iopt_domain *domain,
				struct iopt_area *area, u64 first, u64 last)
{
	u64 pfn, got;

	while (first <= last) {
		got = domain_read_run(domain->d, iopt_area_index_to_iova(area, first),
				      last - first + 1, &pfn);
		if (!got || extend_last(b, pfn, got) < got)
			return;
		first += got;
	}
}

u64 batch_run_at(struct pfn_batch *b, u64 offset, u64 *pfn)
{
	if (offset < b->before_seen)
		batch_look_anew(b);
	offset -= b->before_seen;
	for (; b->seen < b->end; b->seen++) {
		u32 n = b->npfns[b->seen];

		if (offset < n) {
			*pfn = b->pfns[b->seen] + offset;
			return n - offset;
		}
		offset -= n;
		b->before_seen += n;
	}
	return 0;
}
