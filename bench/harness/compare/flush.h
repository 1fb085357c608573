/* SPDX-License-Identifier: GPL-2.0-only */
/* What all three programs time: a page with 64 dirty lines, flushed and drained. Includes nothing of anybody. */
#ifndef NOSNOOP_COMPARE_FLUSH_H
#define NOSNOOP_COMPARE_FLUSH_H

static inline void wait_for_all(void)
{
#if defined(__x86_64__)
	__asm__ volatile("mfence" ::: "memory");
#else
	__asm__ volatile("dsb sy" ::: "memory");
#endif
}

static inline void dirty_page(char *page)
{
	for (int at = 0; at < 4096; at += 64)
		*(volatile char *)(page + at) = 1;
	wait_for_all();
}

static inline void issue_page(char *page)
{
	for (int at = 0; at < 4096; at += 64) {
#if defined(__x86_64__)
		__asm__ volatile("clflushopt %0" : "+m"(*(volatile char *)(page + at)));
#else
		__asm__ volatile("dc civac, %0" ::"r"(page + at) : "memory");
#endif
	}
}

static inline void flush_page(char *page)
{
	issue_page(page);
	wait_for_all();
}

#endif
