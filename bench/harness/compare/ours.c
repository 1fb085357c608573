// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cases of google.cc on the harness, and by hand: a plain loop, and regions between two readings
 * of CLOCK_MONOTONIC with as little around them as can be. Prints one line of JSON.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/harness/compare/flush.h"
#include "bench/harness/harness.h"

#define SAMPLES 2001
#define LOOP	1000000L
#define PAGE	4096

static void empty_loop(struct harness_region *r)
{
	HARNESS_LOOP(r)
	__asm__ volatile("" ::: "memory");
}

/* Inline, as by hand and in google.cc. Drained by the fence that ends the region. */
static void flush(struct harness_region *r)
{
	HARNESS_LOOP(r)
	issue_page(r->mem);
}

static void flush_by_call(void *mem, size_t size, void *arg)
{
	issue_page(mem);
}

/* gcc unrolls nothing here by itself: what anybody's loop costs. */
static double loop_by_hand(void)
{
	double v[15];

	for (int s = 0; s < 15; s++) {
		uint64_t start = clock_ns();

		for (long i = 0; i < LOOP; i++)
			__asm__ volatile("" ::: "memory");
		v[s] = (double)(clock_ns() - start) / LOOP;
	}
	return stats_median(v, 15);
}

/* One flush between two readings of the system's clock; @work false: what the readings cost. */
static double region_by_hand(char *page, bool work)
{
	static double v[SAMPLES];

	for (int s = 0; s < SAMPLES; s++) {
		uint64_t start;

		dirty_page(page);
		start = clock_ns();
		if (work)
			issue_page(page);
		wait_for_all();
		v[s] = clock_ns() - start;
		if (!work)
			issue_page(page);
	}
	return stats_middle(v, SAMPLES);
}

/* From one start to the next, nothing in between: by hand, and no more than the instructions. */
static double apart_by_hand(void)
{
	uint64_t start = clock_ns();

	for (int s = 0; s < SAMPLES; s++) {
		clock_ns();
		wait_for_all();
		clock_ns();
	}
	return (double)(clock_ns() - start) / SAMPLES;
}

static double apart_bare(void)
{
	uint64_t start = clock_ns();

	for (int s = 0; s < SAMPLES; s++) {
#if defined(__x86_64__)
		__asm__ volatile("rdtsc\n\tmfence\n\trdtsc" ::: "eax", "edx", "memory");
#else
		clock_begin();
		wait_for_all();
		clock_ticks();
#endif
	}
	return (double)(clock_ns() - start) / SAMPLES;
}

static double least(double (*measure)(void))
{
	double ns = measure();

	for (int i = 0; i < 15; i++)
		ns = fmin(ns, measure());
	return ns;
}

int main(void)
{
	const struct harness_case cases[] = {
		{.name = "loop", .body = empty_loop},
		{.name = "flush", .body = flush, .size = PAGE, .state = HARNESS_DIRTY},
		{.name = "call", .call = flush_by_call, .size = PAGE, .state = HARNESS_DIRTY},
	};
	const struct harness_options opt = {.bootstrap = {.seed = 1}};
	const struct harness_clock *clock = harness_clock();
	char *page = aligned_alloc(PAGE, PAGE);
	struct harness_result r[3];
	double empty;

	if (!page || harness_run(&opt, cases, 3, r) || *r[0].why || *r[1].why)
		return 1;
	memset(page, 1, PAGE);
	empty = region_by_hand(page, false);
	printf("{\"loop\": %.4f, \"start_stop\": %.2f, \"inside\": %.2f, \"flush\": %.2f, "
	       "\"flush_lo\": %.2f, \"flush_hi\": %.2f, \"preempted\": %u, \"clock\": \"%s\", ",
	       r[0].complete.median, clock->start_stop_ns, clock->complete_ns, r[1].complete.median,
	       r[1].complete.lo, r[1].complete.hi, r[1].preempted, clock->name);
	printf("\"flush_by_call\": %.2f, \"bare_start_stop\": %.2f, ", r[2].complete.median,
	       least(apart_bare));
	printf("\"hand_loop\": %.4f, \"hand_start_stop\": %.2f, \"hand_flush\": %.2f}\n",
	       loop_by_hand(), least(apart_by_hand), region_by_hand(page, true) - empty);
	harness_free(r, 3);
	free(page);
	return 0;
}
