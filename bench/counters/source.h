/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who does the counting. A machine without counters, and a test, are sources like any other. Errors
 * are negative errnos; nothing here prints.
 *
 * What a source needs not do: groups are stopped when they are read, so that reading the members
 * one by one is consistent. Reading while it counts is for sources with user-space reads.
 */
#ifndef NOSNOOP_BENCH_COUNTERS_SOURCE_H
#define NOSNOOP_BENCH_COUNTERS_SOURCE_H

#include "bench/counters/event.h"

/* One reading, all three growing since the event was opened; times in ns. */
struct counter_raw {
	u64 value, enabled, running;
};

/* An event that is open, on one box. */
struct counter_handle {
	int fd;
	void *priv; /* the source's */
};

struct counter_source {
	const char *name, *what;
	void *ctx;
	/* Stopped. @leader: of the group to join, NULL: of a group of its own. -EINVAL: among others,
	 * the group does not fit. */
	int (*open)(void *ctx, const struct counter_event *event, const struct counter_box *box,
		    const struct counter_handle *leader, bool user_only,
		    struct counter_handle *out);
	int (*read)(const struct counter_handle *h, struct counter_raw *out);
	/* May this one be read without a system call, while it counts? NULL: none may. */
	bool (*may_user)(const struct counter_handle *h);
	int (*read_user)(const struct counter_handle *h, struct counter_raw *out);
	/* Of a leader, with its group. Members are never switched: they would miss a part of what
	 * their leader has, or all of it. */
	void (*turn)(const struct counter_handle *leader, bool on);
	void (*close)(struct counter_handle *h); /* members before their leader */
};

extern const struct counter_source counters_libperf; /* where the build has it */
extern const struct counter_source counters_raw;     /* perf_event_open() */
extern const struct counter_source counters_none;    /* nothing is available */

/* NULL: the first of the above that this build has. Otherwise NULL with a line in @err. */
const struct counter_source *counter_source_find(const char *name, char *err, size_t errlen);
const struct counter_source *counter_source_nth(u32 i, const char **why_not);

#endif
