/* SPDX-License-Identifier: GPL-2.0-only */
/* Where names of events come from. Each: 0, or a negative errno. */
#ifndef NOSNOOP_BENCH_COUNTERS_NAMES_H
#define NOSNOOP_BENCH_COUNTERS_NAMES_H

#include "bench/counters/event.h"

struct counter_cpu {
	char vendor[16]; /* as CPUID says it, or "arm64"; "" for others */
	u32 family, model;
};
void counter_cpu_read(struct counter_cpu *cpu);

/* Names of perf that libpfm4 does not know, or knows by other ones: *@text becomes the event as
 * rNNNN or pmu/terms/. -ENODEV: of other CPUs than @cpu; -ENOENT: not one of them. */
int counter_known_find(const char *name, const struct counter_cpu *cpu, const char **text);
/* What --events is when it is not given; "" is one without. */
const char *counter_known_default(const struct counter_cpu *cpu);

/* libpfm4's. -ENOENT: no PMU of its tables has it; -ENOSYS: built without libpfm4, or it does not
 * start. One of a PMU that is not here is found, and missing. */
int counter_libpfm_find(const char *name, const char *sysfs, struct counter_event *out);

/* pmu/terms/: every PMU below @sysfs that is called pmu, or pmu_ and a number. -EINVAL with a line
 * in @err: cannot be read so; a PMU that is not here is found, and missing. */
int counter_sysfs_parse(const char *text, const char *sysfs, struct counter_event *out, char *err,
			size_t errlen);
/* The boxes of the PMU with this type, and with @all of its siblings; the event's kind. */
int counter_sysfs_boxes(u32 type, bool all, const char *sysfs, struct counter_event *out);

#endif
