/* SPDX-License-Identifier: GPL-2.0-only */
/* The statistics of bench are the harness's. */
#ifndef NOSNOOP_BENCH_STATS_H
#define NOSNOOP_BENCH_STATS_H

#include "bench/harness/harness_stats.h"

#endif
