/* SPDX-License-Identifier: GPL-2.0-only */
/* Time of the clean primitives alone, on dirty lines. */
#ifndef NOSNOOP_BENCH_CLEANS_H
#define NOSNOOP_BENCH_CLEANS_H

#include "core/flush/clean.h"

#define CLEANS_SIZES 2 /* 4 KiB and 1 MiB */
#define CLEANS_MAX   8

/* Medians, ns per 64-byte line: until the loop has issued all, and until all has completed. */
struct clean_times {
	struct clean_info info;
	struct {
		double issue, complete;
	} at[CLEANS_SIZES];
};

extern const size_t cleans_size[CLEANS_SIZES];

/* Fills in times[CLEANS_MAX]; *nr of them, available here or not. 0 or -ENOMEM. */
int cleans_time(struct clean_times *times, u32 *nr, u64 seed);

/* ns until one dirty 4 KiB page has been cleaned by clean_best() and drained; 0: no memory. */
double cleans_one_page(void);

#endif
