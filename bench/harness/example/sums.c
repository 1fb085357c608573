// SPDX-License-Identifier: GPL-2.0-only
/* What does it cost to sum up a buffer that another core has just written to? --json: for Google Benchmark's readers. */
#include <string.h>

#include "bench/harness/harness.h"

#define SIZE (64UL << 10)

static void sum_up(void *mem, size_t size, void *arg)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < size / sizeof(sum); i++)
		sum += ((uint64_t *)mem)[i];
	HARNESS_KEEP(sum);
}

static void count(struct harness_region *r)
{
	uint64_t n = 0;

	HARNESS_LOOP(r)
	HARNESS_KEEP(++n);
}

static void print(const struct harness_result *r)
{
	if (*r->why)
		printf("%-14s n/a: %s\n", r->c->name, r->why);
	else
		printf("%-14s %10.2f ns [%.2f, %.2f], %u samples\n", r->c->name, r->complete.median,
		       r->complete.lo, r->complete.hi, r->samples);
}

int main(int argc, char **argv)
{
	static const struct harness_case cases[] = {
		{.name = "count", .body = count},
		{.name = "sum/clean", .call = sum_up, .size = SIZE, .state = HARNESS_CLEAN},
		{.name = "sum/dirty", .call = sum_up, .size = SIZE, .state = HARNESS_DIRTY},
		{.name = "sum/remote", .call = sum_up, .size = SIZE, .state = HARNESS_REMOTE},
		{.name = "sum/uncached", .call = sum_up, .size = SIZE, .state = HARNESS_UNCACHED},
	};
	const struct harness_options options = {.samples = 101, .bootstrap = {.seed = 1}};
	const size_t nr = sizeof(cases) / sizeof(*cases);
	struct harness_result r[sizeof(cases) / sizeof(*cases)];
	bool json = argc > 1 && !strcmp(argv[1], "--json");
	int rc = harness_run(&options, cases, nr, r);

	if (!rc && json)
		rc = harness_json(stdout, r, nr, false);
	for (size_t i = 0; !rc && !json && i < nr; i++)
		print(&r[i]);
	harness_free(r, nr);
	return rc ? 1 : 0;
}
