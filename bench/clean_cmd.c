// SPDX-License-Identifier: GPL-2.0-only
/* nosnoop-bench clean: the primitives side by side. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/cleans.h"
#include "bench/memory.h"
#include "bench/options.h"
#include "bench/progress.h"
#include "bench/results.h"

#define SIZE_MAX_BYTES (4ULL << 30)

enum { OPT_ONLY = 256, OPT_SAMPLES };

struct clean_args {
	struct cleans_options opt;
	bool json;
};

static void parse_sizes(struct argp_state *state, struct cleans_options *opt, char *list)
{
	char *save, *one;

	opt->nr_sizes = 0;
	for (one = strtok_r(list, ",", &save); one; one = strtok_r(NULL, ",", &save)) {
		if (opt->nr_sizes == CLEANS_SIZES)
			argp_error(state, "--sizes: expected at most %d", CLEANS_SIZES);
		opt->sizes[opt->nr_sizes] =
			option_size(state, "sizes", one, PAGE_SIZE, SIZE_MAX_BYTES);
		if (opt->sizes[opt->nr_sizes++] % PAGE_SIZE)
			argp_error(state, "--sizes %s: expected a multiple of 4096", one);
	}
	if (!opt->nr_sizes)
		argp_error(state, "--sizes: expected bytes as 4K,64K,1M");
}

static void parse_states(struct argp_state *state, struct cleans_options *opt, char *list)
{
	char *save, *one;

	opt->states = 0;
	for (one = strtok_r(list, ",", &save); one; one = strtok_r(NULL, ",", &save)) {
		u32 s = HARNESS_DIRTY;

		while (s < HARNESS_STATES && strcmp(one, harness_state_name(s)))
			s++;
		if (!strcmp(one, "all"))
			opt->states = (1u << HARNESS_STATES) - 1 - (1u << HARNESS_ANY);
		else if (s == HARNESS_STATES)
			argp_error(state,
				   "--states %s: expected dirty, clean, uncached, remote or all",
				   one);
		else
			opt->states |= 1u << s;
	}
	if (!opt->states)
		argp_error(state, "--states: expected dirty, clean, uncached, remote or all");
}

static void parse_only(struct argp_state *state, struct cleans_options *opt, const char *list)
{
	for (const char *at = list; *at;) {
		size_t len = strcspn(at, ",");

		if (!cleans_known(at, len))
			argp_error(state,
				   "--only %.*s: expected names as a table without --only has them",
				   (int)len, at);
		at += len + (at[len] == ',');
	}
	opt->only = list;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct clean_args *a = state->input;

	switch (key) {
	case 's':
		parse_sizes(state, &a->opt, arg);
		return 0;
	case 'l':
		parse_states(state, &a->opt, arg);
		return 0;
	case OPT_ONLY:
		parse_only(state, &a->opt, arg);
		return 0;
	case OPT_SAMPLES:
		a->opt.samples = option_number(state, "samples", arg, 5, 100000);
		return 0;
	case 'H':
		a->opt.pages = HARNESS_2M;
		return 0;
	case 't':
		a->opt.seconds = option_number(state, "seconds", arg, 1, 86400);
		return 0;
	case 'S':
		a->opt.seed = option_number(state, "seed", arg, 0, UINT64_MAX);
		return 0;
	case 'j':
		a->json = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{"sizes", 's', "SIZE,..", 0, "of the buffer (4K to 256M, in steps of four)", 0},
	{"states", 'l', "STATE,..", 0,
	 "of its lines: dirty, clean, uncached, remote (dirty in another core), all (dirty)", 0},
	{"only", OPT_ONLY, "NAME,..", 0, "these variants alone, as the tables name them", 0},
	{"huge", 'H', NULL, 0, "on pages of 2 MiB", 0},
	{"samples", OPT_SAMPLES, "N", 0, "of each variant, at most (301)", 0},
	{"seconds", 't', "N", 0, "in all; each variant gets 5 samples at least (60)", 0},
	{"seed", 'S', "N", 0, "order of runs, intervals (1)", 0},
	{"json", 'j', NULL, 0, "print JSON", 0},
	{0},
};

static int check_room(const struct cleans_options *opt, char *err, size_t errlen)
{
	u64 most = 0, room = memory_available() / 4 * 3;

	for (u32 i = 0; i < opt->nr_sizes; i++)
		most = max(most, (u64)opt->sizes[i]);
	if (!room || most <= room)
		return 0;
	snprintf(err, errlen,
		 "--sizes %lluM: expected at most %lluM, three quarters of free memory",
		 (unsigned long long)most >> 20, (unsigned long long)room >> 20);
	return -EINVAL;
}

static void print_json(const struct cleans *c)
{
	const struct harness_clock *clock = harness_clock();
	json_t *root = cleans_json(c);

	json_object_set_new(root, "clock", json_string(clock->name));
	json_object_set_new(root, "clock_ns", json_real(clock->issue_complete_ns));
	json_object_set_new(root, "marks", json_string(harness_marks()));
	json_dumpf(root, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(15));
	putchar('\n');
	json_decref(root);
}

int clean_main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = "Times the clean primitives of this machine by size, state of the lines and "
		       "fence granularity, beside libpmem and the limits of the memory: ns per "
		       "64-byte line, the loop alone (issue) and until all has completed.",
	};
	struct clean_args a = {
		.opt = {.sizes = {4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20,
				  16 << 20, 64 << 20, 256 << 20},
			.nr_sizes = 9,
			.states = 1u << HARNESS_DIRTY,
			.seconds = 60,
			.seed = 1},
	};
	struct cleans c;
	char err[256];
	int rc;

	option_parse(&argp, argc, argv, &a);
	if (check_room(&a.opt, err, sizeof(err)))
		return option_bad(err);
	a.opt.progress = progress_wanted();
	rc = cleans_time(&a.opt, &c);
	if (rc) {
		fprintf(stderr, "nosnoop-bench: %s\n", strerror(-rc));
		return 1;
	}
	if (a.json)
		print_json(&c);
	else
		cleans_print(stdout, &c);
	cleans_free(&c);
	return 0;
}
