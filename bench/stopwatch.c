// SPDX-License-Identifier: GPL-2.0-only
#include "bench/stopwatch.h"

#include "bench/harness/harness_stats.h"

#define CALIBRATIONS 1001

/* Less off the CPU than this is the difference of two clocks. */
#define INTERRUPTED_NS 20000

static u64 cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* The wall clock innermost: the other one's system call is not in its region. */
static void go(struct stopwatch *w)
{
	clock_settle();
	if (w->counters)
		counters_start(w->counters);
	if (w->is_long)
		w->cpu_started = cpu_ns();
	w->started = clock_begin();
}

static void halt(struct stopwatch *w)
{
	full_fence();
	w->sum += clock_ticks() - w->started;
	if (w->is_long)
		w->cpu_sum += cpu_ns() - w->cpu_started;
	if (w->counters)
		counters_stop(w->counters);
}

void stopwatch_start(struct stopwatch *w, bool is_long)
{
	w->is_long = is_long;
	w->sum = 0;
	w->cpu_sum = 0;
	w->pauses = 0;
	go(w);
}

void stopwatch_pause(struct stopwatch *w)
{
	halt(w);
	w->pauses++;
}

void stopwatch_resume(struct stopwatch *w)
{
	go(w);
}

double stopwatch_stop(struct stopwatch *w)
{
	double ns;

	halt(w);
	ns = w->sum * w->ns_per_tick;
	if (w->is_long && ns > w->cpu_sum + INTERRUPTED_NS) {
		w->interrupted++;
		ns = w->cpu_sum;
	}
	ns -= w->region_cost + w->pauses * w->pause_cost;
	return max(ns, 0.0);
}

/* Empty regions with and without a pause. */
static double empty_regions(struct stopwatch *w, bool pause)
{
	double v[CALIBRATIONS];

	for (u32 i = 0; i < CALIBRATIONS; i++) {
		stopwatch_start(w, false);
		if (pause) {
			stopwatch_pause(w);
			stopwatch_resume(w);
		}
		v[i] = stopwatch_stop(w);
	}
	return stats_middle(v, CALIBRATIONS);
}

void stopwatch_init(struct stopwatch *w, struct counters *counters)
{
	double plain, paused;

	*w = (struct stopwatch){.ns_per_tick = harness_clock()->ns_per_tick};
	plain = empty_regions(w, false);
	paused = empty_regions(w, true);
	w->region_cost = plain;
	w->pause_cost = max(paused - plain, 0.0);
	w->counters = counters;
}
