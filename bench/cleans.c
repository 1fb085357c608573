// SPDX-License-Identifier: GPL-2.0-only
#include "bench/cleans.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "bench/memory.h"
#include "bench/stats.h"

#define SAMPLES	  201
#define HUGE_SIZE (2UL << 20)

const size_t cleans_size[CLEANS_SIZES] = {4096, 1 << 20};

/* What an empty region reads: the clock itself and the fence. */
static double clock_cost(void)
{
	double v[SAMPLES];

	for (u32 i = 0; i < SAMPLES; i++) {
		u64 start = clock_ns();

		v[i] = clock_ns() - start;
	}
	return stats_median(v, SAMPLES);
}

static void one_sample(const struct clean_ops *ops, u8 *mem, size_t size, double *issue,
		       double *complete)
{
	u64 start, issued;

	lines_dirty(mem, size);
	full_fence();
	start = clock_ns();
	ops->clean(mem, size);
	issued = clock_ns();
	ops->drain();
	full_fence();
	*complete = clock_ns() - start;
	*issue = issued - start;
}

/* All primitives by turns, in another order each time: no one always follows the same one. */
static void sample_size(struct clean_times *times, u32 nr, u8 *mem, u32 size, struct rng *rng,
			double *v)
{
	double cost = clock_cost(), lines = cleans_size[size] / LINE_SIZE;
	u32 order[CLEANS_MAX];

	for (u32 s = 0; s < SAMPLES; s++) {
		rng_order(rng, order, nr);
		for (u32 i = 0; i < nr; i++) {
			double *at = v + 2 * order[i] * SAMPLES;

			if (times[order[i]].info.ops)
				one_sample(times[order[i]].info.ops, mem, cleans_size[size], &at[s],
					   &at[SAMPLES + s]);
		}
	}
	for (u32 i = 0; i < nr; i++) {
		double issue = stats_median(v + 2 * i * SAMPLES, SAMPLES);
		double complete = stats_median(v + (2 * i + 1) * SAMPLES, SAMPLES);

		times[i].at[size].issue = max(issue - cost, 0.0) / lines;
		times[i].at[size].complete = max(complete - 2 * cost, 0.0) / lines;
	}
}

int cleans_time(struct clean_times *times, u32 *nr, u64 seed)
{
	double *v = calloc(2 * CLEANS_MAX * SAMPLES, sizeof(*v));
	struct rng rng = {seed};
	u8 *mem = mmap(NULL, HUGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (!v || mem == MAP_FAILED) {
		free(v);
		return -ENOMEM;
	}
	for (*nr = 0; *nr < CLEANS_MAX && clean_nth(*nr, &times[*nr].info); ++*nr)
		;
	for (u32 size = 0; size < CLEANS_SIZES; size++)
		sample_size(times, *nr, mem, size, &rng, v);
	munmap(mem, HUGE_SIZE);
	free(v);
	return 0;
}

double cleans_one_page(void)
{
	double issue, v[SAMPLES], cost = clock_cost();
	u8 *mem = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (mem == MAP_FAILED)
		return 0;
	for (u32 i = 0; i < SAMPLES; i++)
		one_sample(clean_best(), mem, PAGE_SIZE, &issue, &v[i]);
	munmap(mem, PAGE_SIZE);
	return max(stats_median(v, SAMPLES) - 2 * cost, 0.0);
}
