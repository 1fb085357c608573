/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pfn_batch: a run-length list of pfns in temporary memory, for a consecutive range of page
 * indexes. Its capacity (runs) is an accident of memory, down to one; its owner keeps the index of
 * its first pfn.
 */
#ifndef NOSNOOP_BATCH_H
#define NOSNOOP_BATCH_H

#include "core/iopt/iommufd.h"
#include "core/iopt/sparse.h"

struct iopt_area;
struct iopt_domain;

#define BATCH_ENTRY_BYTES  12
#define BATCH_BACKUP_BYTES 256
#define BATCH_BACKUP_RUNS  (BATCH_BACKUP_BYTES / BATCH_ENTRY_BYTES)

struct pfn_batch {
	u64 *pfns;  /* first pfn of each run */
	u32 *npfns; /* its length */
	u32 array_size;
	u32 end; /* runs in use */
	u64 total_pfns;
	/* Where batch_run_at() looked last: pages are asked for one behind the other. */
	u32 seen;
	u64 before_seen; /* pfns in the runs before that one */
	void *memory;	 /* NULL: the inline or backup buffer is in use */
	size_t memory_bytes;
	u64 inline_buf[BATCH_BACKUP_BYTES / 8];
};

/* Fill paths: -ENOMEM when there is no memory (FAULT_TEMP). */
int batch_init(struct pfn_batch *b, struct iommufd_ctx *ctx, u64 npages);
/* Destroy paths: cannot fail, falls back to the buffer inside the batch. */
void batch_init_backup(struct pfn_batch *b, struct iommufd_ctx *ctx, u64 npages);
void batch_destroy(struct pfn_batch *b, struct iommufd_ctx *ctx);

/* Runs have gone from the front, or other ones are there. */
static inline void batch_look_anew(struct pfn_batch *b)
{
	b->seen = 0;
	b->before_seen = 0;
}

static inline void batch_clear(struct pfn_batch *b)
{
	batch_look_anew(b);
	b->end = 0;
	b->total_pfns = 0;
}

/* Append n consecutive pfns; how many were taken (fewer: the array is full, or a run is at 2^32 -
 * 1). */
u64 batch_add_run_slow(struct pfn_batch *b, u64 pfn, u64 n);

static inline u64 batch_add_run(struct pfn_batch *b, u64 pfn, u64 n)
{
	u32 end = b->end;

	if (unlikely(end == b->array_size || n > UINT32_MAX ||
		     (end && b->pfns[end - 1] + b->npfns[end - 1] == pfn)))
		return batch_add_run_slow(b, pfn, n);
	b->pfns[end] = pfn;
	b->npfns[end] = n;
	b->end = end + 1;
	b->total_pfns += n;
	return n;
}

/*
 * Append what one pfn a page, or a list of runs of which none continues the one before it, says: how
 * many pfns were taken. Once a page, so with the batch's fields at hand.
 */
u64 batch_add_array(struct pfn_batch *b, const u64 *pfns, u64 n);
u64 batch_add_runs(struct pfn_batch *b, const struct pfn_run *runs, size_t nr);

/* Drop n pfns from the front. */
void batch_skip(struct pfn_batch *b, u64 n);
/* Keep only the last `keep` pfns: the carry, which lies in one run. */
void batch_clear_carry(struct pfn_batch *b, u64 keep, struct iommufd_ctx *ctx);

void batch_from_store(struct pfn_batch *b, struct pfn_store *store, u64 first, u64 last);
/* Append what the domain maps at the area's indexes [first..last], until the batch is full. */
void batch_from_domain(struct pfn_batch *b, struct iopt_domain *domain, struct iopt_area *area,
		       u64 first, u64 last);
/* The same, but only by making the last run longer. */
void batch_from_domain_continue(struct pfn_batch *b, struct iopt_domain *domain,
				struct iopt_area *area, u64 first, u64 last);

/* The run that holds the pfn at offset, from there on: its first pfn, and how many follow in it. */
u64 batch_run_at(struct pfn_batch *b, u64 offset, u64 *pfn);

#endif
