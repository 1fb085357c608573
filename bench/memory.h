/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The real pages behind the user buffers of a timed run, and the state of their lines. A line that
 * nobody touched costs a third of a dirty one to clean, so lines are put into the state asked for
 * just before they are cleaned, outside of the timed regions: a piece of memory_window bytes at a
 * time, each page at most once a request (cleaning a page twice finds it gone from the cache, as it
 * would in a kernel).
 *
 * The machine calls a clean primitive without a context, so the thread remembers which memory is
 * in use: one timed run at a time in a thread.
 */
#ifndef NOSNOOP_BENCH_MEMORY_H
#define NOSNOOP_BENCH_MEMORY_H

#include "bench/harness/harness.h"
#include "bench/stopwatch.h"
#include "core/machine/machine.h"

#define MEMORY_WINDOW (256UL << 10)

enum memory_lines {
	MEMORY_DIRTY,	 /* stored to just before: what zeroing a fresh page leaves */
	MEMORY_CLEAN,	 /* cached, not modified */
	MEMORY_UNCACHED, /* as in memory nobody touched for long */
	MEMORY_LINES_NR,
	/* A share of each page's lines dirty, evenly spread, the others uncached: memory_mix(). */
	MEMORY_MIXED = MEMORY_LINES_NR
};
extern const char *const memory_lines_name[MEMORY_LINES_NR];

struct memory {
	u8 *base;
	size_t size;
	bool huge;   /* transparent huge pages were granted on request */
	size_t next; /* offset for the next buffer; begins anew when the end is reached */
	u32 *seen;   /* of each page: the request that prepared it last */
	u32 request;
	size_t window;
	enum memory_lines lines;
	u32 dirty;    /* MEMORY_MIXED: percent */
	u64 prepared; /* pages */
	struct stopwatch *watch;
	const struct clean_ops *real;
	struct clean_ops ops; /* what the machine is given */
};

/* Populated pages. 0 or a negative errno. */
int memory_create(struct memory *m, size_t size, enum memory_lines lines,
		  const struct clean_ops *clean, struct stopwatch *watch);
void memory_destroy(struct memory *m);
/* MEMORY_MIXED from now on, @percent of the lines dirty. */
void memory_mix(struct memory *m, u32 percent);
/* A run begins and ends: between the two the calling thread's cleans go to @m. */
void memory_begin(struct memory *m);
void memory_end(struct memory *m);
/* Gives the buffer its pages. -ENOMEM: it is larger than all of them. */
int memory_buffer(struct memory *m, struct machine *machine, struct buffer *b);
/* The next request works on about @bytes: no more than that is prepared ahead. */
void memory_request(struct memory *m, u64 bytes);

/* Into one of the three plain states. */
void lines_prepare(void *start, size_t size, enum memory_lines lines);

/* Free memory of the machine as the system estimates it; 0: not known. */
u64 memory_available(void);

#endif
