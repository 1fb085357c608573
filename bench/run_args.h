/* SPDX-License-Identifier: GPL-2.0-only */
/* The arguments of nosnoop-bench run, which is two: run_cmd.c, and with --backend run_backends.c. */
#ifndef NOSNOOP_BENCH_RUN_ARGS_H
#define NOSNOOP_BENCH_RUN_ARGS_H

#include "core/compat/compat.h"

struct run_args {
	const char *workload, *policy, *backends, *out;
	const char *counters;
	u32 domains; /* 0: 1 and 4 */
	u64 size, seed;
	u32 reps;
	bool json;
	char *command; /* as it was given */
};

int run_backends(const struct run_args *a); /* exit status */

#endif
