// SPDX-License-Identifier: GPL-2.0-only
#include "bench/wbinvd.h"

#include <stdio.h>

#include "bench/cleans.h"
#include "bench/rivals.h"

#define CACHES "/sys/devices/system/cpu/cpu0/cache"
#define RANGE  (16UL << 20)

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
static const enum harness_state states[MEMORY_LINES_NR] = {
	[MEMORY_DIRTY] = HARNESS_DIRTY,
	[MEMORY_CLEAN] = HARNESS_CLEAN,
	[MEMORY_UNCACHED] = HARNESS_UNCACHED,
};

static double ns_line(const struct cleans *c, const char *name, enum harness_state state)
{
	const struct clean_row *row = cleans_find(c, name, RANGE, state, RANGE);

	return row && !*row->why ? row->complete.median : 0;
}

static void compute(struct wbinvd *out, const struct cleans *c, const char *clean)
{
	out->limit_ns_line = ns_line(c, RIVAL_LIMIT, HARNESS_DIRTY);
	if (out->limit_ns_line <= 0)
		out->why = "the limit of writing to memory could not be measured";
	for (u32 s = 0; s < MEMORY_LINES_NR; s++) {
		out->ns_line[s] = ns_line(c, clean, states[s]);
		out->bytes[s] = wbinvd_bytes(out->l3_bytes, out->limit_ns_line, out->ns_line[s]);
		if (!out->bytes[s])
			out->why = "this primitive cleans nothing";
	}
}

int wbinvd_compute(struct wbinvd *out, const struct clean_ops *clean)
{
	struct cleans_options opt = {.sizes = {RANGE}, .nr_sizes = 1, .samples = 9, .seconds = 2};
	struct cleans rows;
	char only[64];
	int rc;

	*out = (struct wbinvd){.l3_bytes = wbinvd_l3_size(CACHES)};
	if (!out->l3_bytes) {
		out->why = "the size of the L3 cache is not known";
		return 0;
	}
	for (u32 s = 0; s < MEMORY_LINES_NR; s++)
		opt.states |= 1u << states[s];
	snprintf(only, sizeof(only), "%s," RIVAL_LIMIT, clean->name);
	opt.only = only;
	rc = cleans_time(&opt, &rows);
	if (rc)
		return rc;
	compute(out, &rows, clean->name);
	cleans_free(&rows);
	return 0;
}
#else
int wbinvd_compute(struct wbinvd *out, const struct clean_ops *clean)
{
	*out = (struct wbinvd){.why = "this architecture has no such instruction"};
	return 0;
}
#endif
