/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Time of regions, with pauses in them. A region ends with a full fence (x86: mfence), so that what
 * it issued is paid in it. The watch's own cost is measured once and taken off. A long region may
 * lose the CPU to somebody else: if it did, its time is the thread's own time on the CPU, a clock
 * too slow for short ones.
 */
#ifndef NOSNOOP_BENCH_STOPWATCH_H
#define NOSNOOP_BENCH_STOPWATCH_H

#include "bench/counters/counters.h"
#include "bench/harness/harness_clock.h"

struct stopwatch {
	struct counters
		*counters; /* NULL: time alone. With counters the times are not to be used */
	u64 started;	   /* ticks */
	u64 sum;	   /* ticks of this region up to the last pause */
	double ns_per_tick;
	u32 pauses;
	bool is_long;
	u64 cpu_started, cpu_sum;	/* ns on the CPU, of a long region */
	u64 interrupted;		/* long regions that lost the CPU */
	double region_cost, pause_cost; /* ns of the watch itself */
};

void stopwatch_init(struct stopwatch *w, struct counters *counters);
void stopwatch_start(struct stopwatch *w, bool is_long);
/* Nothing outside of the watch may have been left incomplete: both fence. */
void stopwatch_pause(struct stopwatch *w);
void stopwatch_resume(struct stopwatch *w);
double stopwatch_stop(struct stopwatch *w); /* ns of the region, not below 0 */

#endif
