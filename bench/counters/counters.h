/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counting around a timed region. Events that belong together are one group, so that their ratios
 * are of the same moments; a group that the PMU cannot hold is split, and notes() says so. An
 * event that the machine has not, or does not let us have, is "n/a" with the errno, and never fails
 * anything. Counts cover the calling thread between counters_start() and counters_stop(): core
 * events in user mode, software events in the kernel too where that is allowed, uncore events
 * whatever the machine did. tsc is what its name says: ticks of the time stamp counter, never a
 * stand-in for cycles.
 *
 * One thread opens, starts, stops and closes.
 */
#ifndef NOSNOOP_BENCH_COUNTERS_H
#define NOSNOOP_BENCH_COUNTERS_H

#include "bench/counters/source.h"

#define COUNTER_NOTES 1024

struct counter {
	const struct counter_event *event;
	struct counter_handle *handle; /* one a box; those that are open */
	u32 nr_handles;
	int why; /* 0: counts; or negative errno why not. -EBUSY: no counter was free for it, ever */
	bool user_only;		  /* not in the kernel */
	bool leads;		  /* of its group, or on its own: what is turned on and off */
	bool user_read;		  /* read while it counts, without system calls */
	u32 group;		  /* from 1; 0: none */
	struct counter_raw last;  /* read: at the last counters_add() */
	struct counter_raw begin; /* user reads: at counters_start(), */
	struct counter_raw sum;	  /* and since the last counters_add() */
};

struct counters {
	const struct counter_source *source;
	const struct counter_list *list;
	u32 nr;
	struct counter event[COUNTERS_MAX];
	u32 nr_groups;
	char notes[COUNTER_NOTES]; /* lines about groups; "" for none */
};

/* A sum over several regions, or several of those. */
struct counter_sum {
	u64 counted, enabled, running;
	bool failed;	  /* a reading did: there is no sum */
	double value;	  /* scaled up to all of the time */
	bool available;	  /* value means something */
	bool multiplexed; /* it did not run all of the time */
};

/* Never fails; @list and @source must outlive it. */
void counters_open(struct counters *c, const struct counter_source *source,
		   const struct counter_list *list);
void counters_close(struct counters *c); /* all are n/a then */
void counters_start(struct counters *c);
void counters_stop(struct counters *c);
/* Adds to sums[COUNTERS_MAX] what was counted since the last call. Stopped only. */
void counters_add(struct counters *c, struct counter_sum *sums);
void counter_sum_add(struct counter_sum *to, const struct counter_sum *more);
/* "1234", "1234*" when scaled up, "n/a". Returns @buf. */
#define COUNTER_TEXT 32
const char *counter_text(const struct counter_sum *sum, char buf[COUNTER_TEXT]);

const char *counter_name(const struct counters *c, u32 id);
/* NULL: it counts; else why not, in the system's words. */
const char *counter_why_not(const struct counters *c, u32 id);

/* What the commands take: --counters SOURCE and --events LIST. Zeroed before. */
struct counter_choice {
	const struct counter_source *source;
	struct counter_list list;
};
/* NULL for either: the best. 0, or a negative errno with a line in @err. Free it either way. */
int counter_choose(struct counter_choice *c, const char *source, const char *events, char *err,
		   size_t errlen);
void counter_choice_free(struct counter_choice *c);

#endif
