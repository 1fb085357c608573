// SPDX-License-Identifier: GPL-2.0-only
#include "bench/survey_args.h"

#include "bench/options.h"

error_t survey_args_parse(int key, char *arg, struct argp_state *state, struct survey_args *a)
{
	switch (key) {
	case 'o':
		a->out = arg;
		return 0;
	case 'p':
		a->policy = arg;
		return 0;
	case 'c':
		a->clean = arg;
		return 0;
	case 'l':
		a->options->rig.lines = option_lines(state, arg);
		return 0;
	case 's':
		a->workload->size =
			option_size(state, "size", arg, WORKLOAD_SIZE_MIN, WORKLOAD_SIZE_MAX);
		return 0;
	case 'S':
		a->workload->seed = option_number(state, "seed", arg, 0, UINT64_MAX);
		return 0;
	case 't':
		a->options->seconds = option_number(state, "seconds", arg, 0, 86400);
		return 0;
	case 'n':
		a->options->rounds = option_number(state, "rounds", arg, 1, SURVEY_ROUNDS);
		return 0;
	case 'C':
		a->corpus = arg;
		return 0;
	case 'k':
		a->counters = arg;
		return 0;
	case 'e':
		a->events = arg;
		return 0;
	case 'j':
		a->json = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}
