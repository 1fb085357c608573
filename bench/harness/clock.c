// SPDX-License-Identifier: GPL-2.0-only
/* What a tick is worth, and what the harness itself costs. */
#define _GNU_SOURCE
#include "bench/harness/harness_priv.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#define PAIRS	   9
#define APART_NS   10000000
#define EMPTY	   2001
#define LOOP	   200000
#define LOOP_TRIES 15

bool harness_clock_slow;
static struct harness_clock the_clock;

double harness_clock_rate(const struct clock_pair *first, const struct clock_pair *last, size_t n)
{
	double v[PAIRS];

	if (n > PAIRS)
		n = PAIRS;
	for (size_t i = 0; i < n; i++)
		v[i] = (double)(last[i].ns - first[i].ns) / (last[i].ticks - first[i].ticks);
	return stats_median(v, n);
}

/* The tightest of a few: an interruption between the two readings would spoil the pair. */
static struct clock_pair read_pair(void)
{
	struct clock_pair best = {0, 0};
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < 20; i++) {
		uint64_t before = clock_ticks(), ns = clock_ns(), after = clock_ticks();

		if (after - before >= least)
			continue;
		least = after - before;
		best = (struct clock_pair){before + least / 2, ns};
	}
	return best;
}

/* Is there rdtscp, and does the counter tick at one rate whatever the CPU's own frequency does? */
static bool is_steady(void)
{
#if defined(__x86_64__)
	uint32_t eax, ebx, ecx, edx;

	return __get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) && edx & 1u << 27 &&
	       __get_cpuid(0x80000007, &eax, &ebx, &ecx, &edx) && edx & 1u << 8;
#elif defined(__aarch64__)
	return true;
#else
	return false;
#endif
}

static const char *clock_name(void)
{
#if defined(__x86_64__)
	return harness_clock_slow ? "clock_gettime" : "tsc";
#elif defined(__aarch64__)
	return "cntvct";
#else
	return "clock_gettime";
#endif
}

static double find_rate(void)
{
	struct clock_pair first[PAIRS], last[PAIRS];

	harness_clock_slow = !is_steady();
	if (!strcmp(clock_name(), "clock_gettime"))
		return 1;
	for (int i = 0; i < PAIRS; i++)
		first[i] = read_pair();
	while (clock_ns() - first[0].ns < APART_NS)
		;
	for (int i = 0; i < PAIRS; i++)
		last[i] = read_pair();
	return harness_clock_rate(first, last, PAIRS);
}

struct empty_cost {
	double issue, complete, apart;
};

/* Of empty regions in a row; apart: from the start of one to that of the next. */
static struct empty_cost empty_regions(const struct harness_clock *c, bool issue)
{
	double *v = calloc(3 * EMPTY, sizeof(*v));
	uint64_t *ticks = calloc(3 * EMPTY, sizeof(*ticks)), *t = ticks, before;
	struct harness_region r = {.iterations = 1, .issue = issue};
	struct empty_cost cost;

	if (!v || !ticks)
		abort(); /* 96 KB */
	harness_marks_init(&r);
	before = clock_ticks();
	for (int i = 0; i < EMPTY; i++, t += 3) {
		harness_start(&r);
		harness_stop(&r);
		t[0] = r.issued - r.started;
		t[1] = r.completed - r.started;
		t[2] = r.started - before;
		before = r.started;
	}
	for (int i = 0; i < 3 * EMPTY; i++)
		v[i % 3 * EMPTY + i / 3] = ticks[i] * c->ns_per_tick;
	cost.issue = stats_middle(v, EMPTY);
	cost.complete = stats_middle(v + EMPTY, EMPTY);
	cost.apart = stats_middle(v + 2 * EMPTY, EMPTY);
	free(ticks);
	free(v);
	return cost;
}

static void find_region_cost(struct harness_clock *c)
{
	struct empty_cost plain = empty_regions(c, false), issue = empty_regions(c, true);

	c->complete_ns = plain.complete;
	c->start_stop_ns = plain.apart;
	c->issue_issue_ns = issue.issue;
	c->issue_complete_ns = issue.complete;
}

static double find_loop_cost(const struct harness_clock *c)
{
	struct harness_region r = {.iterations = LOOP};
	double v[LOOP_TRIES];

	harness_marks_init(&r);
	for (int i = 0; i < LOOP_TRIES; i++) {
		HARNESS_LOOP(&r)
		__asm__ volatile("" ::: "memory");
		v[i] = ((r.completed - r.started) * c->ns_per_tick - c->complete_ns) / LOOP;
	}
	return stats_median(v, LOOP_TRIES);
}

static void find_all(void)
{
	the_clock.ns_per_tick = find_rate();
	the_clock.name = clock_name();
	find_region_cost(&the_clock);
	the_clock.loop_ns = find_loop_cost(&the_clock);
}

const struct harness_clock *harness_clock(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, find_all);
	return &the_clock;
}
