// SPDX-License-Identifier: GPL-2.0-only
#include "bench/stopwatch.h"

#include "bench/stats.h"

#define CALIBRATIONS 1001

void stopwatch_start(struct stopwatch *w)
{
	w->sum = 0;
	w->pauses = 0;
	full_fence();
	if (w->counters)
		counters_start(w->counters);
	w->started = clock_ns();
}

void stopwatch_pause(struct stopwatch *w)
{
	full_fence();
	w->sum += clock_ns() - w->started;
	w->pauses++;
	if (w->counters)
		counters_stop(w->counters);
}

void stopwatch_resume(struct stopwatch *w)
{
	full_fence();
	if (w->counters)
		counters_start(w->counters);
	w->started = clock_ns();
}

double stopwatch_stop(struct stopwatch *w)
{
	double ns;

	full_fence();
	ns = w->sum + (clock_ns() - w->started);
	if (w->counters)
		counters_stop(w->counters);
	ns -= w->region_cost + w->pauses * w->pause_cost;
	return max(ns, 0.0);
}

/* Empty regions with and without a pause: the clock's steps average out over many. */
static double empty_regions(struct stopwatch *w, bool pause)
{
	double v[CALIBRATIONS], sum = 0;

	for (u32 i = 0; i < CALIBRATIONS; i++) {
		stopwatch_start(w);
		if (pause) {
			stopwatch_pause(w);
			stopwatch_resume(w);
		}
		v[i] = stopwatch_stop(w);
	}
	stats_median(v, CALIBRATIONS);
	for (u32 i = CALIBRATIONS / 4; i < CALIBRATIONS * 3 / 4; i++)
		sum += v[i];
	return sum / (CALIBRATIONS * 3 / 4 - CALIBRATIONS / 4);
}

void stopwatch_init(struct stopwatch *w, struct counters *counters)
{
	double plain, paused;

	*w = (struct stopwatch){0};
	plain = empty_regions(w, false);
	paused = empty_regions(w, true);
	w->region_cost = plain;
	w->pause_cost = max(paused - plain, 0.0);
	w->counters = counters;
}
