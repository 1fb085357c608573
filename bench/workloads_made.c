// SPDX-License-Identifier: GPL-2.0-only
#include "bench/workloads_made.h"

#include "bench/stats.h"

#define HUGE_PAGES	(512ULL) /* 4 KiB pages of a 2 MiB run */
#define SCATTERED_SHARE 8	 /* one of so many 2 MiB blocks lies in single pages */
#define OTHERS_SHARE	64	 /* workloads other than boot take this part of the size */
#define CHURN_PAGES	64
#define CHURN_PAIRS	2048
#define PIN_PAGES	1024
#define AREAS		64

static unsigned long long pages_of(u64 bytes)
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
static void write_layout(FILE *f, const char *buffer, u64 pages, u64 seed)
{
	struct rng rng = {seed};

	fprintf(f, "layout %s run %llu\n", buffer, HUGE_PAGES);
	for (u64 at = 0; at + HUGE_PAGES <= pages; at += HUGE_PAGES)
		if (!rng_below(&rng, SCATTERED_SHARE))
			fprintf(f, "layout %s[%llu..%llu] run 1\n", buffer, (unsigned long long)at,
				(unsigned long long)at + HUGE_PAGES - 1);
}

static u64 buffer(FILE *f, const char *name, u64 bytes, u64 seed)
{
	fprintf(f, "buffer %s %llu pages\n", name, pages_of(bytes));
	write_layout(f, name, pages_of(bytes), seed);
	return pages_of(bytes);
}

static void map_slice(FILE *f, const char *area, u64 from, u64 to, u64 iova)
{
	fprintf(f, "map A %s ram[%llu..%llu] rw at 0x%llx\n", area, pages_of(from),
		pages_of(to) - 1, (unsigned long long)iova);
}

/* The firmware opens the ROM's shadow for writing and closes it again: the VMM maps it anew. */
static void write_rom_shadow(FILE *f)
{
	for (int i = 0; i < 4; i++) {
		fprintf(f, "unmap A rom%d\n", i);
		fprintf(f, "map A rom%d rom %s at 0x%llx\n", i + 1, i % 2 ? "ro" : "rw", ROM_START);
	}
}

static void write_boot(FILE *f, const struct workload_options *opt)
{
	u64 below = ram_below_4g(opt->size);

	fprintf(f, "table A\nattach A gpu noncoherent\n");
	buffer(f, "ram", opt->size, opt->seed);
	fprintf(f, "buffer rom %llu pages\n", pages_of(HIGH_START - ROM_START));
	map_slice(f, "low", 0, LOW_RAM, 0);
	fprintf(f, "map A rom0 rom ro at 0x%llx\n", ROM_START);
	map_slice(f, "main", HIGH_START, below, HIGH_START);
	map_slice(f, "high", below, opt->size, ABOVE_4G);
	write_rom_shadow(f);
}

/* A buffer in AREAS areas of table A, and their removal. */
static u64 write_areas(FILE *f, u64 bytes, u64 seed)
{
	u64 pages = buffer(f, "ram", bytes, seed), each = pages / AREAS;

	for (u64 i = 0; i < AREAS; i++)
		fprintf(f, "map A a%llu ram[%llu..%llu] rw at 0x%llx\n", (unsigned long long)i,
			(unsigned long long)(i * each), (unsigned long long)(i * each + each - 1),
			(unsigned long long)(ABOVE_4G + (i * each << PAGE_SHIFT)));
	return each;
}

static void write_unmaps(FILE *f)
{
	for (int i = 0; i < AREAS; i++)
		fprintf(f, "unmap A a%d\n", i);
}

static u64 others(const struct workload_options *opt)
{
	return opt->size / OTHERS_SHARE;
}

static void write_attach(FILE *f, const struct workload_options *opt)
{
	fprintf(f, "table A\n");
	write_areas(f, others(opt), opt->seed);
	fprintf(f, "attach A n0 noncoherent\n");
	write_unmaps(f);
}

static void write_hotplug(FILE *f, const struct workload_options *opt)
{
	fprintf(f, "table A\nattach A n0 noncoherent\n");
	write_areas(f, others(opt), opt->seed);
	fprintf(f, "attach A n1 noncoherent\ndetach A n1\n");
	write_unmaps(f);
}

static void write_replug(FILE *f, const struct workload_options *opt)
{
	fprintf(f, "table A\n");
	write_areas(f, others(opt), opt->seed);
	for (int i = 0; i < 3; i++)
		fprintf(f, "attach A n%d noncoherent\ndetach A n%d\n", i, i);
	write_unmaps(f);
}

static void write_copy(FILE *f, const struct workload_options *opt)
{
	fprintf(f, "table A\ntable B\nattach A c0 coherent\nattach B n0 noncoherent\n");
	write_areas(f, others(opt), opt->seed);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < AREAS; i++)
			fprintf(f, "copy B b%d_%d from a%d rw\n", round, i, i);
		for (int i = 0; i < AREAS; i++)
			fprintf(f, "unmap B b%d_%d\n", round, i);
	}
	write_unmaps(f);
}

static void write_churn(FILE *f, const struct workload_options *opt)
{
	struct rng rng = {opt->seed};

	fprintf(f, "table A\nattach A n0 noncoherent\nbuffer ram %d pages\nlayout ram run 1\n",
		CHURN_PAGES);
	for (int i = 0; i < CHURN_PAIRS; i++)
		fprintf(f, "map A a%d ram[%d] rw at 0x%llx\nunmap A a%d\n", i,
			(int)rng_below(&rng, CHURN_PAGES), ABOVE_4G, i);
}

/* Pins of half of the pages are held while the device goes, and while the other areas go. */
static void write_access(FILE *f, const struct workload_options *opt)
{
	u64 each;

	fprintf(f, "table A\nattach A n0 noncoherent\n");
	each = write_areas(f, others(opt), opt->seed);
	each = min(each, (u64)PIN_PAGES);
	fprintf(f, "access x A pages\n");
	for (int i = 0; i < AREAS; i++)
		fprintf(f, "pin x k%d a%d[0..%llu] rw\n", i, i, (unsigned long long)each / 2 - 1);
	for (int i = 0; i < AREAS / 2; i++)
		fprintf(f, "unmap A a%d\n", i);
	fprintf(f, "detach A n0\nattach A n1 noncoherent\n");
	for (int i = AREAS / 2; i < AREAS; i++)
		fprintf(f, "unpin k%d\n", i);
	for (int i = AREAS / 2; i < AREAS; i++)
		fprintf(f, "unmap A a%d\n", i);
}

/* The file is closed with everything in place: two devices, two tables over the same memory. */
static void write_teardown(FILE *f, const struct workload_options *opt)
{
	fprintf(f, "table A\ntable B\nattach A n0 noncoherent\nattach A n1 noncoherent\n"
		   "attach B n2 noncoherent\n");
	write_areas(f, others(opt), opt->seed);
	for (int i = 0; i < AREAS; i++)
		fprintf(f, "copy B b%d from a%d rw\n", i, i);
}

static const struct made_workload made[] = {
	{"boot", "a guest's RAM mapped for an NC device, ROM shadow, teardown", write_boot},
	{"attach", "memory mapped first, then an NC device, then unmapped", write_attach},
	{"hotplug", "a second NC device comes and goes while everything is mapped", write_hotplug},
	{"replug", "the only NC device is unplugged and plugged again, three times", write_replug},
	{"copy", "areas of a C table copied to a table with an NC device, twice", write_copy},
	{"churn", "one page mapped and unmapped at a time", write_churn},
	{"access", "pins held over unmap and over the device's leaving", write_access},
	{"teardown", "two NC devices and a second table, all gone at once", write_teardown},
};

const struct made_workload *made_workload(u32 i)
{
	return i < ARRAY_SIZE(made) ? &made[i] : NULL;
}
