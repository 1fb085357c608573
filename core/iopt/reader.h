/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pfn_reader: reads the pfns of a range of page indexes, batch by batch, from wherever they are:
 * the pfn array, a domain, or the user's memory, which it pins. Used under pages->mutex.
 */
#ifndef NOSNOOP_READER_H
#define NOSNOOP_READER_H

#include "core/iopt/pages.h"

struct pfn_reader {
	struct iopt_pages *pages;
	struct iopt_area *area; /* for whom, told to the policy's unpin hook */
	struct double_span span;
	struct pfn_batch batch; /* covers [batch_start..batch_end - 1] */
	u64 batch_start, batch_end;
	u64 last_index;
	bool done;
	u64 *upages; /* pinned, [upages_start..upages_end - 1] */
	u64 upages_start, upages_end;
	u32 upages_size; /* slots */
	u64 upages_inline[32];
};

/* Reads the first batch. On failure the reader is torn down already. */
int reader_first(struct pfn_reader *r, struct iopt_pages *pages, struct iopt_area *area, u64 first,
		 u64 last);
int reader_next(struct pfn_reader *r);
/* Unpin everything that the reader pinned for the current batch and beyond; empties both. */
void reader_release_pins(struct pfn_reader *r, enum flush_unpin_why why);
/* The batch is used up and its label-0 pages go back, dirty if the object is writable (rw). */
void reader_unpin_batch(struct pfn_reader *r);
void reader_destroy(struct pfn_reader *r);

#endif
