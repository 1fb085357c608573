// SPDX-License-Identifier: GPL-2.0-only
/* The only file with arm64 instructions. Linux lets user space execute both (SCTLR_EL1.UCI). */
#include "core/flush/clean_arch.h"

/* The smallest data line of all caches, from CTR_EL0.DminLine: log2 of its size in 4-byte words. */
static uintptr_t line_size(void)
{
	u64 ctr;

	asm("mrs %0, ctr_el0" : "=r"(ctr));
	return 4UL << (ctr >> 16 & 0xf);
}

static void arm64_civac(const void *start, size_t size)
{
	uintptr_t line = line_size(), end = size ? (uintptr_t)start + size : 0;

	for (uintptr_t at = (uintptr_t)start & -line; at < end; at += line)
		asm volatile("dc civac, %0" ::"r"(at) : "memory");
}

static void arm64_cvac(const void *start, size_t size)
{
	uintptr_t line = line_size(), end = size ? (uintptr_t)start + size : 0;

	for (uintptr_t at = (uintptr_t)start & -line; at < end; at += line)
		asm volatile("dc cvac, %0" ::"r"(at) : "memory");
}

static void arm64_drain(void)
{
	asm volatile("dsb sy" ::: "memory");
}

static bool available(void)
{
	return true;
}

static const struct clean_ops ops_civac = {
	.name = "civac",
	.invalidates = true,
	.clean = arm64_civac,
	.drain = arm64_drain,
};

static const struct clean_ops ops_cvac = {
	.name = "cvac",
	.invalidates = false,
	.clean = arm64_cvac,
	.drain = arm64_drain,
};

const char clean_arch_name[] = "arm64";
const struct clean_arch clean_arch[] = {
	{&ops_civac, available},
	{&ops_cvac, available},
};
const u32 clean_arch_nr = ARRAY_SIZE(clean_arch);
