/* SPDX-License-Identifier: GPL-2.0-only */
/* What sources on perf_event_open() share. */
#ifndef NOSNOOP_BENCH_COUNTERS_PERF_H
#define NOSNOOP_BENCH_COUNTERS_PERF_H

#include <linux/perf_event.h>

#include "bench/counters/source.h"

struct perf_event_attr perf_attr(const struct counter_event *event, const struct counter_box *box,
				 bool leader, bool user_only);

/* The processor's part of a user-space read. */
struct perf_user_ops {
	u64 (*counter)(u32 index); /* sign and width are the caller's */
	u64 (*clock)(void);
};
extern const struct perf_user_ops perf_user_here;

/* Are both count and times to be had from this page, as things are? */
bool perf_user_allowed(const struct perf_event_mmap_page *page);
/* 0, or -EAGAIN: the kernel would not leave the page alone. */
int perf_user_read(const struct perf_event_mmap_page *page, const struct perf_user_ops *ops,
		   struct counter_raw *out);

#endif
