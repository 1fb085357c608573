/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Part of machine.h, which states units, errors and locking: user buffers and the pins of their
 * pages.
 */
#ifndef NOSNOOP_BUFFER_H
#define NOSNOOP_BUFFER_H

#include "core/compat/compat.h"

struct machine;
struct buffer;

/* --- user buffers: a range of a task's address space with a programmable layout --- */

/* Per page; combined with a pfn in the layout. */
#define UPAGE_HOLE   1u /* nothing mapped: EFAULT */
#define UPAGE_RDONLY 2u /* a read-only mapping: EFAULT for a write pin or a store */
#define UPAGE_COW    4u /* shared copy-on-write: a store or a write pin gives the page a new frame */

/*
 * npages fresh frames, physically contiguous, at @va of task (page aligned; 0: the machine chooses
 * an address, aligned to 1 GiB, the same in every run). EEXIST: overlaps another buffer of the
 * task, EINVAL: npages 0 or past the end of the address space (ending exactly at 2^64 is allowed).
 * On success *out.
 */
int buffer_create(struct machine *m, u32 task, u64 va, u64 npages, struct buffer **out);
void buffer_destroy(struct machine *m, struct buffer *b); /* frames live on while they are pinned */
u64 buffer_va(const struct buffer *b);
u64 buffer_npages(const struct buffer *b);
u32 buffer_task(const struct buffer *b);
u64 buffer_pfn(const struct buffer *b, u64 page);   /* MACHINE_NO_PFN for a hole */
u32 buffer_flags(const struct buffer *b, u64 page); /* UPAGE_* */
/*
 * Give pages [first..last] new frames in physically contiguous runs of @run pages, neighbouring
 * runs not adjacent (run 1: scattered; run >= the range: one run). Existing pins keep the old
 * frames.
 */
int buffer_layout_runs(struct machine *m, struct buffer *b, u64 first, u64 last, u64 run);
/* Page dst shows the very frame of page src of the same or another buffer (aliasing). */
int buffer_alias(struct machine *m, struct buffer *b, u64 dst, struct buffer *from, u64 src);
int buffer_set_flags(struct machine *m, struct buffer *b, u64 first, u64 last, u32 set, u32 clear);
/*
 * Each page of the range gets a new frame while pins keep the old one (munmap + mmap by the owner).
 */
int buffer_remap(struct machine *m, struct buffer *b, u64 first, u64 last);
/*
 * MACHINE_MEMORY_REAL: the pages' contents live at @mem (buffer_npages pages). Call before the
 * first pin.
 */
void buffer_set_memory(struct machine *m, struct buffer *b, void *mem);
struct buffer *machine_buffer_at(struct machine *m, u32 task, u64 va); /* NULL: none */

/* --- pinning (GUP) --- */

#define PIN_WRITE    1u
#define PIN_LONGTERM 2u
/*
 * Pin up to @n pages of task's address space from page aligned @va: 1..n pinned, pfns in @out, or a
 * negative errno and nothing pinned (EFAULT: hole, read-only with PIN_WRITE, dead task or
 * FAULT_GUP). Stops short at the first bad page after the first, and at the GUP limit. An in-kernel
 * pin is one reference of one page.
 */
long machine_pin(struct machine *m, u32 task, u64 va, u64 n, u32 flags, u64 *out);
void machine_set_gup_limit(struct machine *m, u64 pages); /* 0: none; a call never returns more */
/* Drop one pin of each of the n pages of the physical run. @dirty: mark the pages dirty. */
void machine_unpin(struct machine *m, u64 pfn, u64 n, bool dirty);
/* The same for several runs under one lock. */
struct pfn_run {
	u64 pfn, n;
};
void machine_unpin_runs(struct machine *m, const struct pfn_run *runs, size_t n, bool dirty);
u32 machine_pins(struct machine *m, u64 pfn);
bool machine_page_dirty(struct machine *m, u64 pfn); /* marked by an unpin or the next one */
void machine_mark_dirty(struct machine *m, u64 pfn, u64 n);
u64 machine_max_pfn(const struct machine *m); /* all frames ever made are 1..max */

#endif
