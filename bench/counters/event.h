/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What can be counted: the standard events, which are in every list, and those that were asked for
 * by name. An event that is known but not on this machine stays in the list, with the errno why.
 */
#ifndef NOSNOOP_BENCH_COUNTERS_EVENT_H
#define NOSNOOP_BENCH_COUNTERS_EVENT_H

#include "core/compat/compat.h"

/* id, name, kind, perf type, perf config */
#define COUNTER_EVENTS(X)                                                                      \
	X(CYCLES, "cycles", CORE, PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES)                \
	X(INSTRUCTIONS, "instructions", CORE, PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS)  \
	X(CACHE_REFS, "cache-references", CORE, PERF_TYPE_HARDWARE,                            \
	  PERF_COUNT_HW_CACHE_REFERENCES)                                                      \
	X(CACHE_MISSES, "cache-misses", CORE, PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES)  \
	X(TASK_CLOCK, "task-clock", SOFTWARE, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK)    \
	X(PAGE_FAULTS, "page-faults", SOFTWARE, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS) \
	X(SWITCHES, "context-switches", SOFTWARE, PERF_TYPE_SOFTWARE,                          \
	  PERF_COUNT_SW_CONTEXT_SWITCHES)                                                      \
	X(MIGRATIONS, "cpu-migrations", SOFTWARE, PERF_TYPE_SOFTWARE,                          \
	  PERF_COUNT_SW_CPU_MIGRATIONS)                                                        \
	X(TSC, "tsc", TSC, 0, 0)

/* Places of the standard events in every list; those asked for come behind. */
enum counter_id {
#define X(id, name, kind, type, config) COUNTER_##id,
	COUNTER_EVENTS(X)
#undef X
		COUNTER_STANDARD
};

#define COUNTERS_MAX   32
#define COUNTER_NAME   96
#define COUNTER_SYSFS  "/sys/bus/event_source/devices"
#define COUNTER_CONFIG 3

enum counter_kind {
	COUNTER_KIND_CORE,     /* of a core's PMU: this thread, user mode */
	COUNTER_KIND_SOFTWARE, /* of the kernel: this thread */
	COUNTER_KIND_SYSTEM,   /* uncore: whatever goes through these boxes, by whoever */
	COUNTER_KIND_TSC,      /* ticks of the time stamp counter: of no source */
};

/* A PMU that counts an event. An uncore event has many, one a slice and socket; their sum counts. */
struct counter_box {
	u32 type;
	s32 cpu; /* -1: where the thread is */
};

struct counter_event {
	char name[COUNTER_NAME]; /* as it was asked for */
	enum counter_kind kind;
	int missing; /* 0; or negative errno: known, but not on this machine */
	u64 config[COUNTER_CONFIG];
	struct counter_box *box;
	u32 nr_boxes;
};

struct counter_list {
	struct counter_event event[COUNTERS_MAX];
	u32 nr;
};

/* The standard events, then @names: NULL, what says something about flushing on this vendor's CPUs;
 * else separated by commas: names of perf and of libpfm4, rNNNN, or pmu/terms/ as in sysfs. 0, or
 * a negative errno with a line in @err: an unknown name, too many. Free it either way. */
int counter_list_make(struct counter_list *list, const char *names, char *err, size_t errlen);
void counter_list_free(struct counter_list *list);

/* One more box. 0 or -ENOMEM. */
int counter_event_add_box(struct counter_event *e, u32 type, s32 cpu);
const char *counter_scope(const struct counter_event *e, bool user_only);

#endif
