// SPDX-License-Identifier: GPL-2.0-only
/*
 * The only file with x86 instructions. Inline assembly, so that the build stays plain x86-64 and
 * nothing but an explicit choice can reach an instruction that the CPU lacks.
 */
#include <cpuid.h>
#include "core/flush/clean_arch.h"

#define CPUID_1_EDX_CLFLUSH    (1u << 19)
#define CPUID_7_EBX_CLFLUSHOPT (1u << 23)
#define CPUID_7_EBX_CLWB       (1u << 24)

/* EBX bits 8..15 of leaf 1: the line size in units of 8 bytes; the loops below step by LINE_SIZE.
 */
static bool has_clflush(void)
{
	u32 eax, ebx, ecx, edx;

	return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && edx & CPUID_1_EDX_CLFLUSH &&
	       (ebx >> 8 & 0xff) * 8 == LINE_SIZE;
}

static bool has_leaf7(u32 bit)
{
	u32 eax, ebx, ecx, edx;

	return has_clflush() && __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && ebx & bit;
}

static bool has_clflushopt(void)
{
	return has_leaf7(CPUID_7_EBX_CLFLUSHOPT);
}

static bool has_clwb(void)
{
	return has_leaf7(CPUID_7_EBX_CLWB);
}

static bool has_nt(void)
{
	return true; /* movnti belongs to the base of x86-64 */
}

struct line {
	u64 words[LINE_SIZE / sizeof(u64)];
};

static struct line *first_line(const void *start)
{
	return (struct line *)round_down((uintptr_t)start, LINE_SIZE);
}

/* Below every line when the range is empty. */
static const char *range_end(const void *start, size_t size)
{
	return size ? (const char *)start + size : NULL;
}

static void x86_clflush(const void *start, size_t size)
{
	const char *end = range_end(start, size);

	for (struct line *at = first_line(start); (char *)at < end; at++)
		asm volatile("clflush %0" : "+m"(*at));
}

static void x86_clflushopt(const void *start, size_t size)
{
	const char *end = range_end(start, size);

	for (struct line *at = first_line(start); (char *)at < end; at++)
		asm volatile("clflushopt %0" : "+m"(*at));
}

static void x86_clwb(const void *start, size_t size)
{
	const char *end = range_end(start, size);

	for (struct line *at = first_line(start); (char *)at < end; at++)
		asm volatile("clwb %0" : "+m"(*at));
}

static void store_past_cache(u64 *word)
{
	u64 value;

	asm volatile("movq %1, %0\n\tmovnti %0, %1" : "=&r"(value), "+m"(*word));
}

/* The line onto itself past the cache. Not atomic: nobody else may store to it meanwhile. */
static void x86_nt(const void *start, size_t size)
{
	const char *end = range_end(start, size);

	for (struct line *at = first_line(start); (char *)at < end; at++)
		for (u32 i = 0; i < ARRAY_SIZE(at->words); i++)
			store_past_cache(&at->words[i]);
}

/*
 * mfence, not sfence: both order cleans before what follows, but an sfence retires while the
 * write-backs are still under way, so their time would be billed to whoever runs next, or to
 * nobody. mfence also completes the non-temporal stores' buffers.
 */
static void x86_drain(void)
{
	asm volatile("mfence" ::: "memory");
}

static const struct clean_ops ops_clflush = {
	.name = "clflush",
	.invalidates = true,
	.clean = x86_clflush,
	.drain = x86_drain,
};

static const struct clean_ops ops_clflushopt = {
	.name = "clflushopt",
	.invalidates = true,
	.clean = x86_clflushopt,
	.drain = x86_drain,
};

/* May keep the line, clean: stale data of a device's write stays visible. */
static const struct clean_ops ops_clwb = {
	.name = "clwb",
	.invalidates = false,
	.clean = x86_clwb,
	.drain = x86_drain,
};

/* It stores what the cache held, so it would undo a device's write where an invalidation must show
 * it. */
static const struct clean_ops ops_nt = {
	.name = "nt",
	.invalidates = false,
	.clean = x86_nt,
	.drain = x86_drain,
};

const char clean_arch_name[] = "x86-64";
const struct clean_arch clean_arch[] = {
	{&ops_clflushopt, has_clflushopt},
	{&ops_clflush, has_clflush},
	{&ops_clwb, has_clwb},
	{&ops_nt, has_nt},
};
const u32 clean_arch_nr = ARRAY_SIZE(clean_arch);
