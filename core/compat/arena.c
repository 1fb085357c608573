// SPDX-License-Identifier: GPL-2.0-only
/*
 * Blocks come in size classes: 16-byte steps up to 256, then four steps a power of two. A free list
 * is a chain through the first word of the blocks. `used` is the top of what was ever handed out
 * since the last reset; everything above `clean` is known to be zero (never written since it was
 * mapped, or since a reset cleared it), which is what makes a large sparse allocation cheap.
 */
#include "core/compat/arena.h"
#include "core/compat/lock.h"

#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define poison(p, n)   __asan_poison_memory_region(p, n)
#define unpoison(p, n) __asan_unpoison_memory_region(p, n)
#else
#define poison(p, n)   ((void)(p), (void)(n))
#define unpoison(p, n) ((void)(p), (void)(n))
#endif

#ifdef NOSNOOP_LOCK_CHECK
_Thread_local u32 lock_held_classes;
#endif

#define SMALL_MAX   256
#define SMALL_NR    (SMALL_MAX / 16)
#define CLASSES	    (SMALL_NR + 4 * 40)
#define RESET_KEEP  (1UL << 20) /* a reset clears up to here by hand, and gives the rest back */
#define FREE_HEADER 16		/* bytes of a free block that stay readable: its link */

struct arena {
	size_t size;
	size_t used;
	size_t clean;
	size_t live;
	u64 allocations;
	u64 live_blocks;
	u64 bytes_allocated;
	u64 bytes_freed;
	struct mutex lock;
	u32 classes_used; /* 1 + the highest class that ever had a free block */
	void *free[CLASSES];
};

#define FIRST round_up(sizeof(struct arena), 64)

static unsigned int class_of(size_t size, size_t *rounded)
{
	unsigned int shift;
	size_t step;

	if (size <= SMALL_MAX) {
		*rounded = size ? round_up(size, 16) : 16;
		return *rounded / 16 - 1;
	}
	shift = 63 - __builtin_clzll(size - 1); /* 2^shift < size <= 2^(shift+1) */
	step = 1UL << (shift - 2);
	*rounded = round_up(size, step);
	return SMALL_NR + 4 * (shift - 8) + (*rounded - (1UL << shift)) / step - 1;
}

static size_t class_size(unsigned int c)
{
	unsigned int shift;

	if (c < SMALL_NR)
		return 16 * (c + 1UL);
	shift = (c - SMALL_NR) / 4 + 8;
	return (1UL << shift) + ((c - SMALL_NR) % 4 + 1UL) * (1UL << (shift - 2));
}

static void arena_init(struct arena *a, size_t size)
{
	a->size = size;
	a->used = FIRST;
	mutex_init(&a->lock, LOCK_ARENA);
}

struct arena *arena_create(void *base, size_t size)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	struct arena *a;

	size = round_up(max(size, FIRST), PAGE_SIZE);
	if (base)
		flags |= MAP_FIXED_NOREPLACE;
	a = mmap(base, size, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (a == MAP_FAILED)
		return NULL;
	if (base && (void *)a != base) {
		munmap(a, size);
		errno = EEXIST;
		return NULL;
	}
	arena_init(a, size);
	a->clean = FIRST;
	return a;
}

void arena_destroy(struct arena *a)
{
	if (!a)
		return;
	unpoison(a, a->used);
	munmap(a, a->size);
}

void *arena_alloc(struct arena *a, size_t size)
{
	size_t rounded, dirty;
	unsigned int c;
	void *p;

	if (unlikely(size > a->size))
		return NULL;
	c = class_of(size, &rounded);
	mutex_lock(&a->lock);
	p = a->free[c];
	if (p) {
		unpoison(p, rounded);
		a->free[c] = *(void **)p;
		dirty = rounded;
	} else {
		if (unlikely(rounded > a->size - a->used)) {
			mutex_unlock(&a->lock);
			return NULL;
		}
		p = (char *)a + a->used;
		dirty = a->clean > a->used ? min(a->clean - a->used, rounded) : 0;
		a->used += rounded;
		a->clean = max(a->clean, a->used);
	}
	a->live += rounded;
	a->live_blocks++;
	a->allocations++;
	a->bytes_allocated += size;
	mutex_unlock(&a->lock);
	if (dirty)
		memset(p, 0, dirty);
	poison((char *)p + size, rounded - size);
	return p;
}

void arena_free(struct arena *a, void *p, size_t size)
{
	size_t rounded;
	unsigned int c;

	if (!p)
		return;
	c = class_of(size, &rounded);
	mutex_lock(&a->lock);
	unpoison(p, FREE_HEADER);
	*(void **)p = a->free[c];
	a->free[c] = p;
	a->classes_used = max(a->classes_used, c + 1);
	a->live -= rounded;
	a->live_blocks--;
	a->bytes_freed += size;
	/* Before anybody can get the block again. */
	poison((char *)p + FREE_HEADER, rounded - FREE_HEADER);
	mutex_unlock(&a->lock);
}

size_t arena_used(const struct arena *a)
{
	return a->used;
}

size_t arena_live(const struct arena *a)
{
	return a->live;
}

u64 arena_allocations(const struct arena *a)
{
	return a->allocations;
}

u64 arena_live_blocks(const struct arena *a)
{
	return a->live_blocks;
}

u64 arena_bytes_allocated(const struct arena *a)
{
	return a->bytes_allocated;
}

u64 arena_bytes_freed(const struct arena *a)
{
	return a->bytes_freed;
}

void arena_reset(struct arena *a)
{
	size_t size = a->size, clean = a->clean, keep;

	unpoison(a, a->used);
	keep = min(clean, round_up(RESET_KEEP, PAGE_SIZE));
	if (clean > keep) {
		size_t from = round_up(keep, PAGE_SIZE);

		/* Refused where memory is locked, or where pages are larger than `from` is aligned. */
		if (from < clean &&
		    madvise((char *)a + from, round_up(clean, PAGE_SIZE) - from, MADV_DONTNEED))
			memset((char *)a + from, 0, clean - from);
		clean = min(from, clean);
	}
	/* At once, and not by each allocation: most are smaller than a call of memset() is worth. */
	memset(a, 0, clean);
	arena_init(a, size);
	a->clean = FIRST;
}

/* The sanitizer must not see the copy read poisoned bytes: lift the poison, put it back after. */
static void repoison_free(struct arena *a)
{
#ifdef ARENA_ASAN
	for (unsigned int c = 0; c < a->classes_used; c++)
		for (void *p = a->free[c]; p; p = *(void **)p)
			poison((char *)p + FREE_HEADER, class_size(c) - FREE_HEADER);
#else
	(void)class_size;
#endif
}

void arena_save(const struct arena *a, void *buf)
{
	unpoison(a, a->used);
	memcpy(buf, a, a->used);
	repoison_free((struct arena *)a);
}

void arena_restore(struct arena *a, const void *buf, size_t size)
{
	size_t clean = a->clean;

	unpoison(a, max(a->used, size));
	memcpy(a, buf, size);
	/* Bytes above the restored top may be dirty from the future that was left. */
	a->clean = max(clean, a->clean);
	repoison_free(a);
}
