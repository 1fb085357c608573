/* SPDX-License-Identifier: GPL-2.0-only */
/* Options that report and compare both take, read in one place; each has words and defaults of its own. */
#ifndef NOSNOOP_BENCH_SURVEY_ARGS_H
#define NOSNOOP_BENCH_SURVEY_ARGS_H

#include <argp.h>

#include "bench/survey.h"

struct survey_args {
	const char *out, *policy, *clean, *corpus, *counters, *events;
	struct counter_choice choice; /* of the latter two, once they are known to be right */
	bool json;
	struct survey_options *options; /* where numbers go: set by the command */
	struct workload_options *workload;
};

/* Takes -o -p -c -l -s -S -t -n -C -k -e -j; else ARGP_ERR_UNKNOWN. */
error_t survey_args_parse(int key, char *arg, struct argp_state *state, struct survey_args *a);

#endif
