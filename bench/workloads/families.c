// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sizes: boot maps all of --size, the others a 64th of it (many-domains, whose domains multiply it,
 * a 512th); churn and the .ops files have sizes of their own.
 */
#include "bench/workloads/families.h"

#include <stdlib.h>

#include "bench/harness/harness_stats.h"

#define HUGE_PAGES	 512U /* 4 KiB pages of a 2 MiB run */
#define SCATTERED_SHARE	 8    /* one of so many 2 MiB blocks lies in single pages */
#define OTHERS_SHARE	 64
#define DOMAINS_SHARE	 512
#define CHURN_PAGES	 64U /* 4 KiB each */
#define CHURN_PAIRS	 2048
#define CHURN_HUGE	 8 /* 2 MiB each */
#define CHURN_HUGE_PAIRS 32
#define AREAS		 64
#define DOMAINS_AREAS	 16

typedef unsigned long long ull; /* of printf() */

static ull pages_of(u64 bytes)
{
	return bytes >> PAGE_SHIFT;
}

u64 ram_below_4g(u64 size)
{
	/* A quarter goes above 4 GiB even where the PCI hole would not ask for it. */
	return min(round_down(size / 4 * 3, 2ULL << 20), PCI_HOLE);
}

/*
 * User memory of a host that has been up for a while: 2 MiB runs, and here and there blocks of
 * scattered 4 KiB pages.
 */
static u64 buffer(FILE *f, u64 bytes, u64 seed)
{
	u64 pages = pages_of(bytes);
	struct rng rng = {seed};

	fprintf(f, "buffer ram %llu pages\nlayout ram run %u\n", (ull)pages, HUGE_PAGES);
	for (u64 at = 0; at + HUGE_PAGES <= pages; at += HUGE_PAGES)
		if (!rng_below(&rng, SCATTERED_SHARE))
			fprintf(f, "layout ram[%llu..%llu] run 1\n", (ull)at,
				(ull)at + HUGE_PAGES - 1);
	return pages;
}

static void map_slice(FILE *f, const char *area, u64 from, u64 to, u64 iova)
{
	fprintf(f, "map A %s ram[%llu..%llu] rw at 0x%llx\n", area, pages_of(from),
		pages_of(to) - 1, (ull)iova);
}

/* The firmware opens the ROM's shadow for writing and closes it again: the VMM maps it anew. */
static void write_rom_shadow(FILE *f)
{
	for (int i = 0; i < 4; i++) {
		fprintf(f, "unmap A rom%d\n", i);
		fprintf(f, "map A rom%d rom %s at 0x%llx\n", i + 1, i % 2 ? "ro" : "rw", ROM_START);
	}
}

static void write_boot(FILE *f, const struct workload_options *opt, u32 n)
{
	u64 below = ram_below_4g(opt->size);

	fprintf(f, "table A\nattach A gpu noncoherent\n");
	buffer(f, opt->size, opt->seed);
	fprintf(f, "buffer rom %llu pages\n", pages_of(HIGH_START - ROM_START));
	map_slice(f, "low", 0, LOW_RAM, 0);
	fprintf(f, "map A rom0 rom ro at 0x%llx\n", ROM_START);
	map_slice(f, "main", HIGH_START, below, HIGH_START);
	map_slice(f, "high", below, opt->size, ABOVE_4G);
	write_rom_shadow(f);
}

/* Pages of the buffer `ram` in equal areas of table A: a0, a1, ... */
static void write_maps(FILE *f, u64 pages, u32 areas)
{
	u64 each = pages / areas;

	for (u64 i = 0; i < areas; i++)
		fprintf(f, "map A a%llu ram[%llu..%llu] rw at 0x%llx\n", (ull)i, (ull)(i * each),
			(ull)(i * each + each - 1), (ull)(ABOVE_4G + (i * each << PAGE_SHIFT)));
}

static void write_unmaps(FILE *f, u32 areas)
{
	for (u32 i = 0; i < areas; i++)
		fprintf(f, "unmap A a%u\n", i);
}

static u64 others(const struct workload_options *opt)
{
	return opt->size / OTHERS_SHARE;
}

static void write_attach_2nd(FILE *f, const struct workload_options *opt, u32 n)
{
	fprintf(f, "table A\nattach A n0 noncoherent\n");
	write_maps(f, buffer(f, others(opt), opt->seed), AREAS);
	fprintf(f, "attach A n1 noncoherent\ndetach A n1\n");
	write_unmaps(f, AREAS);
}

static void write_replug(FILE *f, const struct workload_options *opt, u32 n)
{
	fprintf(f, "table A\n");
	write_maps(f, buffer(f, others(opt), opt->seed), AREAS);
	for (int i = 0; i < 3; i++)
		fprintf(f, "attach A n%d noncoherent\ndetach A n%d\n", i, i);
	write_unmaps(f, AREAS);
}

/* Pairs of map and unmap, each of one of @slots pieces of @each pages. */
static void write_pairs(FILE *f, u32 pairs, u32 slots, u32 each, u64 seed)
{
	struct rng rng = {seed};

	for (u32 i = 0; i < pairs; i++) {
		u32 first = rng_below(&rng, slots) * each;

		fprintf(f, "map A a%u ram[%u..%u] rw at 0x%llx\nunmap A a%u\n", i, first,
			first + each - 1, ABOVE_4G, i);
	}
}

static void write_churn_4k(FILE *f, const struct workload_options *opt, u32 n)
{
	fprintf(f, "table A\nattach A n0 noncoherent\nbuffer ram %u pages\nlayout ram run 1\n",
		CHURN_PAGES);
	write_pairs(f, CHURN_PAIRS, CHURN_PAGES, 1, opt->seed);
}

static void write_churn_2m(FILE *f, const struct workload_options *opt, u32 n)
{
	fprintf(f, "table A\nattach A n0 noncoherent\nbuffer ram %u pages\nlayout ram run %u\n",
		CHURN_HUGE * HUGE_PAGES, HUGE_PAGES);
	write_pairs(f, CHURN_HUGE_PAIRS, CHURN_HUGE, HUGE_PAGES, opt->seed);
}

/* The first half of the devices is there before the memory, each of the others comes later. */
static void write_many_domains(FILE *f, const struct workload_options *opt, u32 n)
{
	fprintf(f, "table A\n");
	for (u32 i = 0; i < (n + 1) / 2; i++)
		fprintf(f, "attach A n%u noncoherent\n", i);
	write_maps(f, buffer(f, opt->size / DOMAINS_SHARE, opt->seed), DOMAINS_AREAS);
	for (u32 i = (n + 1) / 2; i < n; i++)
		fprintf(f, "attach A n%u noncoherent\n", i);
	write_unmaps(f, DOMAINS_AREAS);
}

/* By address: finding an area by its name takes the runner a walk over all of them. */
static void write_shuffled_unmaps(FILE *f, u32 areas, u64 each, u64 seed)
{
	u32 *order = malloc(areas * sizeof(*order));
	struct rng rng = {seed};

	if (!order) {
		fprintf(f, "unmap_all A\n");
		return;
	}
	rng_order(&rng, order, areas);
	for (u32 i = 0; i < areas; i++)
		fprintf(f, "unmap A 0x%llx len %llu pages\n",
			(ull)(ABOVE_4G + (order[i] * each << PAGE_SHIFT)), (ull)each);
	free(order);
}

/*
 * The same memory in N areas; past one page an area there is more memory, in several buffers, which
 * share their real pages in timed runs.
 */
static void write_many_areas(FILE *f, const struct workload_options *opt, u32 n)
{
	u64 pages = pages_of(others(opt)), each = max(pages / n, 1ULL), per_buffer = pages / each;

	fprintf(f, "table A\nattach A n0 noncoherent\n");
	for (u64 i = 0; i < n; i++) {
		u64 at = i % per_buffer * each;

		if (!at)
			fprintf(f, "buffer ram%llu %llu pages\n", (ull)(i / per_buffer),
				(ull)pages);
		fprintf(f, "map A a%llu ram%llu[%llu..%llu] rw at 0x%llx\n", (ull)i,
			(ull)(i / per_buffer), (ull)at, (ull)(at + each - 1),
			(ull)(ABOVE_4G + (i * each << PAGE_SHIFT)));
	}
	write_shuffled_unmaps(f, n, each, opt->seed);
}

static void write_fragmentation(FILE *f, const struct workload_options *opt, u32 n)
{
	u64 pages = pages_of(others(opt));

	fprintf(f, "table A\nattach A n0 noncoherent\nbuffer ram %llu pages\nlayout ram run %u\n",
		(ull)pages, n);
	write_maps(f, pages, 1);
	write_unmaps(f, 1);
}

/* The file is closed with everything in place: two devices, two tables over the same memory. */
static void write_teardown(FILE *f, const struct workload_options *opt, u32 n)
{
	fprintf(f, "table A\ntable B\nattach A n0 noncoherent\nattach A n1 noncoherent\n"
		   "attach B n2 noncoherent\n");
	write_maps(f, buffer(f, others(opt), opt->seed), AREAS);
	for (int i = 0; i < AREAS; i++)
		fprintf(f, "copy B b%d from a%d rw\n", i, i);
}

static const u32 domains[] = {1, 2, 4, 8, 16, 32, 64, 0};
static const u32 areas[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 0};
static const u32 runs[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 0};

static const struct workload_family families[] = {
	{.name = "boot",
	 .what = "what do a guest's boot and end cost with an NC device?",
	 .write = write_boot},
	{.name = "attach-2nd-nc",
	 .what = "does flushing twice hurt when a second NC device comes?",
	 .write = write_attach_2nd},
	{.name = "unplug-replug",
	 .what = "what if the only NC device leaves and comes back?",
	 .write = write_replug},
	{.name = "copy-subslice",
	 .what = "is what NC devices reach cleaned again when it is copied?",
	 .fixed = workload_copy_subslice},
	{.name = "churn-4k",
	 .what = "what does one page cost that is mapped and unmapped?",
	 .write = write_churn_4k},
	{.name = "churn-2m",
	 .what = "what do 2 MiB cost that are mapped and unmapped?",
	 .write = write_churn_2m},
	{.name = "access-held",
	 .what = "does it matter that in-kernel users hold pages?",
	 .fixed = workload_access_held},
	{.name = "many-domains",
	 .what = "does every further NC domain cost another flush?",
	 .parameter = "domains",
	 .least = 1,
	 .most = 64,
	 .usual = 16,
	 .sweep = domains,
	 .report_most = 64,
	 .write = write_many_domains},
	{.name = "many-areas",
	 .what = "does it matter into how many areas memory is cut?",
	 .parameter = "areas",
	 .least = 1,
	 .most = 1000000,
	 .usual = 1000,
	 .sweep = areas,
	 .report_most = 10000,
	 .write = write_many_areas},
	{.name = "fragmentation",
	 .what = "does it matter how long runs of contiguous pages are?",
	 .parameter = "run_pages",
	 .least = 1,
	 .most = HUGE_PAGES,
	 .usual = 1,
	 .sweep = runs,
	 .report_most = HUGE_PAGES,
	 .write = write_fragmentation},
	{.name = "teardown",
	 .what = "what if it all goes at once: two tables, three devices?",
	 .write = write_teardown},
};

const struct workload_family *workload_family(u32 i)
{
	return i < ARRAY_SIZE(families) ? &families[i] : NULL;
}
