/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Time in ticks of the CPU's counter, read inline, and the fence that a timed region ends with. Where
 * the counter does not tick at one rate, ticks are those of CLOCK_MONOTONIC.
 */
#ifndef NOSNOOP_HARNESS_CLOCK_H
#define NOSNOOP_HARNESS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct harness_clock {
	const char *name;   /* "tsc", "cntvct", "clock_gettime" */
	double ns_per_tick; /* against CLOCK_MONOTONIC */
	/* What an empty region reads without a case's `issue`, and the two readings with it: taken off. */
	double complete_ns, issue_issue_ns, issue_complete_ns;
	double loop_ns;	      /* an empty HARNESS_LOOP's iteration: not taken off */
	double start_stop_ns; /* from the start of an empty region to the next one's */
};

/* Measured once a process, in some 20 ms. */
const struct harness_clock *harness_clock(void);
extern bool harness_clock_slow; /* no usable counter: clock_gettime() */

static inline uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* Ticks, read when all before has executed. */
static inline uint64_t clock_ticks(void)
{
#if defined(__x86_64__)
	uint32_t lo, hi, cpu;

	if (__builtin_expect(!harness_clock_slow, 1)) {
		__asm__ volatile("rdtscp" : "=a"(lo), "=d"(hi), "=c"(cpu)::"memory");
		return (uint64_t)hi << 32 | lo;
	}
#elif defined(__aarch64__)
	uint64_t ticks;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks)::"memory");
	return ticks;
#endif
	return clock_ns();
}

/*
 * Ticks, read before anything behind it begins. What stands before is not waited for, which would
 * cost half as much again: have it end with clock_settle().
 */
static inline uint64_t clock_begin(void)
{
#if defined(__x86_64__)
	uint32_t lo, hi;

	if (__builtin_expect(!harness_clock_slow, 1)) {
		__asm__ volatile("rdtsc\n\tlfence" : "=a"(lo), "=d"(hi)::"memory");
		return (uint64_t)hi << 32 | lo;
	}
#elif defined(__aarch64__)
	uint64_t ticks;

	__asm__ volatile("mrs %0, cntvct_el0\n\tisb" : "=r"(ticks)::"memory");
	return ticks;
#endif
	return clock_ns();
}

/* Everything issued before has completed. sfence would not wait for write-backs under way. */
static inline void full_fence(void)
{
#if defined(__x86_64__)
	__asm__ volatile("mfence" ::: "memory");
#elif defined(__aarch64__)
	__asm__ volatile("dsb sy" ::: "memory");
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/* A full fence, and all instructions before it have executed. */
static inline void clock_settle(void)
{
	full_fence();
#if defined(__x86_64__)
	__asm__ volatile("lfence" ::: "memory");
#elif defined(__aarch64__)
	__asm__ volatile("isb" ::: "memory");
#endif
}

#endif
