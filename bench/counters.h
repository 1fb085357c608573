/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Event counters around a timed region. Each event is opened on its own; one that the machine has
 * not, or does not let us have, is "n/a" with the system's reason and never fails anything. A
 * source is a small vtable, so that a machine without counters, and a test, are sources like any
 * other. Counts cover the calling thread between counters_start() and counters_stop(): hardware
 * events in user mode, software events in the kernel too where that is allowed. tsc is what its
 * name says: ticks of the time stamp counter, never a stand-in for cycles.
 */
#ifndef NOSNOOP_BENCH_COUNTERS_H
#define NOSNOOP_BENCH_COUNTERS_H

#include "core/compat/compat.h"

/* name, perf type, perf config */
#define COUNTER_EVENTS(X)                                                                     \
	X(CYCLES, "cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES)                     \
	X(INSTRUCTIONS, "instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS)       \
	X(CACHE_REFS, "cache-references", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_REFERENCES) \
	X(CACHE_MISSES, "cache-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES)       \
	X(TASK_CLOCK, "task-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK)             \
	X(PAGE_FAULTS, "page-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS)          \
	X(SWITCHES, "context-switches", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES)   \
	X(MIGRATIONS, "cpu-migrations", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS)     \
	X(TSC, "tsc", COUNTER_TYPE_TSC, 0)

enum counter_id {
#define X(id, name, type, config) COUNTER_##id,
	COUNTER_EVENTS(X)
#undef X
		COUNTER_NR
};

/* One reading, all three growing since the event was opened. */
struct counter_raw {
	u64 value, enabled, running;
};

struct counter_source {
	const char *name;
	/* A handle, or a negative errno. */
	int (*open)(enum counter_id id, bool *user_only);
	int (*read)(int handle, struct counter_raw *out); /* 0 or negative errno */
	void (*start)(void);				  /* all that are open, in one go */
	void (*stop)(void);
	void (*close)(int handle);
};

extern const struct counter_source counters_perf; /* perf_event_open() */
extern const struct counter_source counters_none; /* nothing is available */

struct counters {
	const struct counter_source *source;
	struct {
		int handle; /* negative: the errno why there is none */
		bool user_only;
		struct counter_raw last;
	} event[COUNTER_NR];
};

/* A sum over several regions. */
struct counter_sum {
	double value;
	bool available;
	bool multiplexed; /* the event did not run all the time: value is scaled up */
};

/* Never fails. */
void counters_open(struct counters *c, const struct counter_source *source);
void counters_close(struct counters *c);
void counters_start(struct counters *c);
void counters_stop(struct counters *c);
/* Adds to sums[COUNTER_NR] what was counted since the last call. Stopped only. */
void counters_add(struct counters *c, struct counter_sum *sums);

const char *counter_name(enum counter_id id);
/* NULL: available; else why not, in the system's words. */
const char *counter_why_not(const struct counters *c, enum counter_id id);

#endif
