/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One arena holds all the state of a run: core, policy, machine. It is a range of address space
 * whose base can be given, a header at that base, and blocks handed out from the bottom up; freed
 * blocks wait in lists by size. Pointers inside an arena stay valid in a copy that is put back at
 * the same base, so a snapshot is a copy of the bytes in use and nothing else.
 *
 * Locking: arena_alloc() and arena_free() may be called by any thread. Snapshot, restore and reset
 * need the arena to themselves.
 * Errors: arena_alloc() returns NULL when the reserved range is full; nothing else fails.
 * Under AddressSanitizer freed blocks are poisoned, and stay so across restore.
 */
#ifndef NOSNOOP_ARENA_H
#define NOSNOOP_ARENA_H

#include "core/compat/compat.h"

struct arena;

/*
 * Reserve @size bytes of address space at @base (page aligned), or anywhere when @base is NULL.
 * Memory is committed by the first touch. NULL with errno set on failure, EEXIST: @base is taken.
 */
struct arena *arena_create(void *base, size_t size);
void arena_destroy(struct arena *a);

/* Zeroed, 16-byte aligned; large fresh blocks are not touched, so sparse arrays cost nothing. */
void *arena_alloc(struct arena *a, size_t size);
/* @size must be the size that was asked for. NULL is allowed. */
void arena_free(struct arena *a, void *p, size_t size);

size_t arena_used(const struct arena *a);     /* bytes from the base: what a snapshot copies */
size_t arena_live(const struct arena *a);     /* bytes handed out and not freed (size classes) */
u64 arena_allocations(const struct arena *a); /* calls of arena_alloc() since the last reset */
/* Blocks handed out and not freed: 0 after everything was destroyed, else something leaked. */
u64 arena_live_blocks(const struct arena *a);
/*
 * Bytes asked for and bytes given back since the last reset, as the callers said them (no size
 * classes): one byte more in one struct shows. Their difference is what is live.
 */
u64 arena_bytes_allocated(const struct arena *a);
u64 arena_bytes_freed(const struct arena *a);

/* As after arena_create(); costs what was used, not what was reserved. */
void arena_reset(struct arena *a);
/* @buf holds arena_used() bytes. Restore puts back exactly the state saved from the same base. */
void arena_save(const struct arena *a, void *buf);
void arena_restore(struct arena *a, const void *buf, size_t size);

#endif
