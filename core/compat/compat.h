/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The few kernel words that the core is written in, for user space. Lowest of all modules: includes
 * nothing of the project.
 */
#ifndef NOSNOOP_COMPAT_H
#define NOSNOOP_COMPAT_H

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096UL
#define PAGE_MASK  (PAGE_SIZE - 1) /* the offset bits, unlike the kernel's */
#define LINE_SHIFT 6
#define LINE_SIZE  64UL
#define LINES_PAGE (PAGE_SIZE / LINE_SIZE)

#define likely(x)      __builtin_expect(!!(x), 1)
#define unlikely(x)    __builtin_expect(!!(x), 0)
#define __must_check   __attribute__((warn_unused_result))
#define __printf(a, b) __attribute__((format(printf, a, b)))
#define NOSNOOP_EXPORT __attribute__((visibility("default")))
#define fallthrough    __attribute__((fallthrough))

#define ARRAY_SIZE(a)			(sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))

#define check_add_overflow(a, b, d) __builtin_add_overflow(a, b, d)
#define check_mul_overflow(a, b, d) __builtin_mul_overflow(a, b, d)

/* Both need a power of two; round_up() may wrap to 0. */
#define round_down(x, a) ((x) & ~((__typeof__(x))(a)-1))
#define round_up(x, a)	 ((((x)-1) | ((__typeof__(x))(a)-1)) + 1)

static inline bool is_power_of_2(u64 x)
{
	return x && !(x & (x - 1));
}

/* The next power of two at or above x; 0 where that is 2^64. */
static inline u64 roundup_pow_of_two(u64 x)
{
	if (x <= 1)
		return 1;
	return x > 1ULL << 63 ? 0 : 1ULL << (64 - __builtin_clzll(x - 1));
}

/* A 64-bit mixer (splitmix64's finaliser): digests and seeds, never security. */
static inline u64 mix64(u64 x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ULL;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static inline u64 hash_add(u64 h, u64 v)
{
	return mix64(h ^ (v + 0x9e3779b97f4a7c15ULL + (h << 6) + (h >> 2)));
}

#endif
