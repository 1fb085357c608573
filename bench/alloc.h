/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes asked for and given back: of this thread's malloc() as jemalloc counts it, where the build
 * links it, and of an arena, where all memory of the page core is. Both counts are exact; reading
 * them costs nanoseconds and allocates nothing.
 *
 * The gate: between two points where nothing may be left, the difference is even.
 */
#ifndef NOSNOOP_BENCH_ALLOC_H
#define NOSNOOP_BENCH_ALLOC_H

#include "core/compat/arena.h"

struct alloc_heap {
	bool known; /* jemalloc is there */
	u64 allocated, freed;
};

struct alloc_arena {
	u64 allocations; /* calls */
	u64 allocated, freed;
	u64 live_blocks;
};

struct alloc {
	struct alloc_heap heap;
	struct alloc_arena arena;
};

/* Up to now. @arena: NULL, none. */
struct alloc alloc_now(const struct arena *arena);
/* What came between; live_blocks is what became more of them, modulo 2^64. */
struct alloc alloc_between(const struct alloc *from, const struct alloc *to);
/* Nothing is left behind, and nothing from before is gone: of an arena, and of the heap if it is known. */
bool alloc_is_even(const struct alloc *difference);
bool alloc_equal(const struct alloc *a, const struct alloc *b);
/* NULL: the heap is counted; else why not. */
const char *alloc_why_not(void);

#endif
