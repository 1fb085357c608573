/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Time of regions, with pauses in them. A region ends with a full fence (x86: mfence), so that what
 * it issued is paid in it. The watch's own cost is measured once and taken off. A long region may
 * lose the CPU to somebody else: if it did, its time is the thread's own time on the CPU, a clock
 * too slow for short ones.
 */
#ifndef NOSNOOP_BENCH_STOPWATCH_H
#define NOSNOOP_BENCH_STOPWATCH_H

#include <time.h>

#include "bench/counters/counters.h"

struct stopwatch {
	struct counters
		*counters; /* NULL: time alone. With counters the times are not to be used */
	u64 started;	   /* ns */
	u64 sum;	   /* ns of this region up to the last pause */
	u32 pauses;
	bool is_long;
	u64 cpu_started, cpu_sum;	/* ns on the CPU, of a long region */
	u64 interrupted;		/* long regions that lost the CPU */
	double region_cost, pause_cost; /* ns of the watch itself */
};

static inline u64 clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* Everything issued before has completed. sfence would not wait for write-backs under way. */
static inline void full_fence(void)
{
#if defined(__x86_64__)
	asm volatile("mfence" ::: "memory");
#elif defined(__aarch64__)
	asm volatile("dsb sy" ::: "memory");
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

void stopwatch_init(struct stopwatch *w, struct counters *counters);
void stopwatch_start(struct stopwatch *w, bool is_long);
/* Nothing outside of the watch may have been left incomplete: both fence. */
void stopwatch_pause(struct stopwatch *w);
void stopwatch_resume(struct stopwatch *w);
double stopwatch_stop(struct stopwatch *w); /* ns of the region, not below 0 */

#endif
