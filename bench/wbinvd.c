// SPDX-License-Identifier: GPL-2.0-only
#include "bench/wbinvd.h"

#include <stdio.h>
#include <sys/mman.h>
#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#include "bench/harness/harness_stats.h"

#define CACHES	"/sys/devices/system/cpu/cpu0/cache"
#define FILL	(64UL << 20) /* past the caches whatever their size: it is never read */
#define RANGE	(16UL << 20)
#define SAMPLES 9

u64 wbinvd_bytes(u64 l3_bytes, double limit_ns_line, double range_ns_line)
{
	return range_ns_line > 0 ? l3_bytes * (limit_ns_line / range_ns_line) : 0;
}

static bool read_line(const char *folder, u32 index, const char *name, char *line, int size)
{
	char path[256];
	bool got;
	FILE *f;

	snprintf(path, sizeof(path), "%s/index%u/%s", folder, index, name);
	f = fopen(path, "re");
	got = f && fgets(line, size, f);
	if (f)
		fclose(f);
	return got;
}

u64 wbinvd_l3_size(const char *folder)
{
	unsigned long long n;
	char line[64], unit;
	unsigned level;

	for (u32 i = 0; read_line(folder, i, "level", line, sizeof(line)); i++) {
		if (sscanf(line, "%u", &level) != 1 || level != 3 ||
		    !read_line(folder, i, "size", line, sizeof(line)))
			continue;
		if (sscanf(line, "%llu%c", &n, &unit) == 2)
			return unit == 'K' ? n << 10 : unit == 'M' ? n << 20 : 0;
	}
	return 0;
}

#if defined(__x86_64__)
static void fill_past_caches(u8 *mem, size_t size)
{
	for (size_t at = 0; at < size; at += 8)
		_mm_stream_si64((long long *)(mem + at), at);
}

static double sample_limit(struct stopwatch *watch, u8 *mem)
{
	stopwatch_start(watch, true);
	fill_past_caches(mem, FILL);
	return stopwatch_stop(watch) / (FILL / LINE_SIZE);
}

static double sample_range(struct stopwatch *watch, u8 *mem, enum memory_lines lines,
			   const struct clean_ops *clean)
{
	lines_prepare(mem, RANGE, lines);
	stopwatch_start(watch, true);
	clean->clean(mem, RANGE);
	clean->drain();
	return stopwatch_stop(watch) / (RANGE / LINE_SIZE);
}

static void measure(struct wbinvd *out, u8 *mem, const struct clean_ops *clean)
{
	double limit[SAMPLES], range[MEMORY_LINES_NR][SAMPLES];
	struct stopwatch watch;

	stopwatch_init(&watch, NULL);
	for (u32 i = 0; i < SAMPLES; i++) {
		limit[i] = sample_limit(&watch, mem);
		for (u32 s = 0; s < MEMORY_LINES_NR; s++)
			range[s][i] = sample_range(&watch, mem, s, clean);
	}
	/* The least of both: a limit is one, and whoever else is at the memory slows down either. */
	out->limit_ns_line = stats_min(limit, SAMPLES);
	for (u32 s = 0; s < MEMORY_LINES_NR; s++) {
		out->ns_line[s] = stats_min(range[s], SAMPLES);
		out->bytes[s] = wbinvd_bytes(out->l3_bytes, out->limit_ns_line, out->ns_line[s]);
	}
}

int wbinvd_compute(struct wbinvd *out, const struct clean_ops *clean)
{
	u8 *mem;

	*out = (struct wbinvd){.l3_bytes = wbinvd_l3_size(CACHES)};
	if (!out->l3_bytes) {
		out->why = "the size of the L3 cache is not known";
		return 0;
	}
	mem = mmap(NULL, FILL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
		   -1, 0);
	if (mem == MAP_FAILED)
		return -ENOMEM;
	measure(out, mem, clean);
	munmap(mem, FILL);
	return 0;
}
#else
int wbinvd_compute(struct wbinvd *out, const struct clean_ops *clean)
{
	*out = (struct wbinvd){.why = "this architecture has no such instruction"};
	return 0;
}
#endif
