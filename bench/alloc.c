// SPDX-License-Identifier: GPL-2.0-only
#include "bench/alloc.h"

#ifdef NOSNOOP_JEMALLOC_LINKED
#include <jemalloc/jemalloc.h>

/* Where jemalloc keeps this thread's count; NULL: it does not (another malloc was preloaded). */
static const u64 *place_of(const char *name)
{
	u64 *place = NULL;
	size_t size = sizeof(place);

	return mallctl(name, &place, &size, NULL, 0) ? NULL : place;
}

static struct alloc_heap heap_now(void)
{
	static _Thread_local const u64 *allocated, *freed;

	if (!allocated) {
		allocated = place_of("thread.allocatedp");
		freed = place_of("thread.deallocatedp");
	}
	if (!allocated || !freed)
		return (struct alloc_heap){0};
	return (struct alloc_heap){true, *allocated, *freed};
}

const char *alloc_why_not(void)
{
	return heap_now().known ? NULL : "jemalloc is linked, but does not count";
}
#else
static struct alloc_heap heap_now(void)
{
	return (struct alloc_heap){0};
}

const char *alloc_why_not(void)
{
	return "built without jemalloc (libjemalloc-dev)";
}
#endif

struct alloc alloc_now(const struct arena *arena)
{
	struct alloc now = {.heap = heap_now()};

	if (arena)
		now.arena = (struct alloc_arena){
			.allocations = arena_allocations(arena),
			.allocated = arena_bytes_allocated(arena),
			.freed = arena_bytes_freed(arena),
			.live_blocks = arena_live_blocks(arena),
		};
	return now;
}

struct alloc alloc_between(const struct alloc *from, const struct alloc *to)
{
	return (struct alloc){
		.heap =
			{
				.known = from->heap.known && to->heap.known,
				.allocated = to->heap.allocated - from->heap.allocated,
				.freed = to->heap.freed - from->heap.freed,
			},
		.arena =
			{
				.allocations = to->arena.allocations - from->arena.allocations,
				.allocated = to->arena.allocated - from->arena.allocated,
				.freed = to->arena.freed - from->arena.freed,
				.live_blocks = to->arena.live_blocks - from->arena.live_blocks,
			},
	};
}

bool alloc_is_even(const struct alloc *d)
{
	return d->heap.allocated == d->heap.freed && d->arena.allocated == d->arena.freed &&
	       !d->arena.live_blocks;
}

bool alloc_equal(const struct alloc *a, const struct alloc *b)
{
	return a->heap.known == b->heap.known && a->heap.allocated == b->heap.allocated &&
	       a->heap.freed == b->heap.freed && a->arena.allocations == b->arena.allocations &&
	       a->arena.allocated == b->arena.allocated && a->arena.freed == b->arena.freed &&
	       a->arena.live_blocks == b->arena.live_blocks;
}
