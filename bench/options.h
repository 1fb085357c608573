/* SPDX-License-Identifier: GPL-2.0-only */
/* What the commands of nosnoop-bench share: how options are read, and the commands themselves. */
#ifndef NOSNOOP_BENCH_OPTIONS_H
#define NOSNOOP_BENCH_OPTIONS_H

#include <argp.h>

#include "bench/memory.h"

/* "2G", "256M", "4096": bytes. On anything else argp_error(), exit 2. */
u64 option_size(struct argp_state *state, const char *name, const char *arg, u64 least, u64 most);
u64 option_number(struct argp_state *state, const char *name, const char *arg, u64 least, u64 most);
/* NULL: clean_best(). An unknown or unavailable name ends the program with the known ones, exit 2.
 */
const struct clean_ops *option_clean(const char *name);
/* dirty, clean, uncached. */
enum memory_lines option_lines(struct argp_state *state, const char *arg);
/* The words of --counters and --events, wherever something is counted. */
#define COUNTERS_HELP	    "libperf, raw or none: who counts (the first that this build has)"
#define COUNTER_EVENTS_HELP "also these: names of perf or libpfm4, rNNNN, pmu/event/"
/* argp with exit 2 on bad usage. */
void option_parse(const struct argp *argp, int argc, char **argv, void *input);
/* The arguments behind the command as one line, to be freed; NULL: no memory. Before option_parse(), which
 * moves them. */
char *option_line(int argc, char **argv);
/* The line on standard error, and 2: bad input. */
int option_bad(const char *what);

struct bench_command {
	const char *name, *what;
	int (*main)(int argc, char **argv); /* argv[0] is "nosnoop-bench NAME"; exit status */
};

int list_main(int argc, char **argv);
int run_main(int argc, char **argv);
int clean_main(int argc, char **argv);
int fuzz_main(int argc, char **argv);
int report_main(int argc, char **argv);
int compare_main(int argc, char **argv);
int gate_main(int argc, char **argv);

#endif
