/* SPDX-License-Identifier: GPL-2.0-only */
/* nosnoop-bench list --counters, and the same for meta.json: what this machine can count. */
#ifndef NOSNOOP_BENCH_COUNTERS_SHOW_H
#define NOSNOOP_BENCH_COUNTERS_SHOW_H

#include <jansson.h>

#include "bench/counters/counters.h"

/* A list of events with their state; @sums: of a trial, NULL: none was made. */
json_t *counters_json(const struct counters *c, const struct counter_sum *sums);
/* NULL for the defaults. Exit status. */
int counters_list(const char *source, const char *events, bool json);

#endif
