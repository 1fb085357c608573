/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From how many bytes on would writing back and dropping the whole cache (WBINVD) cost less than
 * cleaning a range line by line? Computed, never run: the instruction is the kernel's, stops every
 * core, and throws away what others had in their caches, none of which is in these figures.
 */
#ifndef NOSNOOP_BENCH_WBINVD_H
#define NOSNOOP_BENCH_WBINVD_H

#include "bench/memory.h"

struct wbinvd {
	const char *why; /* NULL: known; else why nothing is */
	u64 l3_bytes;
	/* The limit of writing to memory: stores past the caches, ns a line. */
	double limit_ns_line;
	/* By the state of the range's lines: ns a line in one long range, and the bytes of a range
	 * that costs what writing back an L3 full of dirty lines does at the limit. */
	double ns_line[MEMORY_LINES_NR];
	u64 bytes[MEMORY_LINES_NR];
};

/* Measures the rates with @clean, some tenths of a second. 0 or -ENOMEM. */
int wbinvd_compute(struct wbinvd *out, const struct clean_ops *clean);
/* The formula. */
u64 wbinvd_bytes(u64 l3_bytes, double limit_ns_line, double range_ns_line);
/* Of the folder where the system describes one CPU's caches; 0: not known. */
u64 wbinvd_l3_size(const char *folder);

#endif
