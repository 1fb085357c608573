// SPDX-License-Identifier: GPL-2.0-only
/* nosnoop-bench fuzz: arguments and output; the measuring is in speed.c. */
#include <jansson.h>
#include <stdio.h>

#include "bench/options.h"
#include "bench/progress.h"
#include "bench/speed.h"
#include "core/op/policies.h"

struct fuzz_args {
	const char *policy;
	u32 pages, total, programs, rounds;
	u64 seed;
	bool json;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct fuzz_args *a = state->input;

	switch (key) {
	case 'p':
		a->policy = arg;
		return 0;
	case 'P':
		a->pages = option_number(state, "pages", arg, 1, 4096);
		return 0;
	case 'T':
		a->total = option_number(state, "total", arg, 0, 1000000);
		return 0;
	case 'N':
		a->programs = option_number(state, "programs", arg, 1, 1000000);
		return 0;
	case 'n':
		a->rounds = option_number(state, "rounds", arg, 1, 1000);
		return 0;
	case 'S':
		a->seed = option_number(state, "seed", arg, 0, INT64_MAX);
		return 0;
	case 'j':
		a->json = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{"policy", 'p', "P", 0, "flush policy (eager)", 0},
	{"pages", 'P', "N", 0, "of a buffer, at most (8)", 0},
	{"total", 'T', "N", 0, "of all buffers of a program, at most; 0: as it comes (8)", 0},
	{"programs", 'N', "N", 0, "generated programs of about 50 ops (2000)", 0},
	{"rounds", 'n', "N", 0, "rounds (15)", 0},
	{"seed", 'S', "N", 0, "of the first program (1)", 0},
	{"json", 'j', NULL, 0, "print JSON", 0},
	{0},
};

static void print_text(const struct fuzz_args *a, const struct speed *s)
{
	printf("%u programs, policy %s; CPU time\n", a->programs, a->policy);
	printf("pages: %.1f a program", s->pages);
	if (a->total)
		printf(", %u at most", a->total);
	printf("; %u a buffer at most\n", a->pages);
	printf("a program: %.1f ops, %.1f requests; %.1f no-ops; %.1f us to generate\n\n",
	       (double)s->ops / a->programs, (double)s->requests / a->programs,
	       (double)s->noops / a->programs, s->generate_us);
	printf("%-7s %10s %9s %9s\n", "", "us/program", "ops/s", "best");
	for (u32 i = 0; i < SPEED_ROWS; i++)
		printf("%-7s %10.2f %9.0f %9.0f  %s\n", s->rows[i].name, s->rows[i].us,
		       s->rows[i].ops_s, s->rows[i].best_ops_s, s->rows[i].what);
	printf("\n%8.0f ns  reset of an arena of 8 KiB\n", s->costs.reset);
	printf("%8.0f ns  reset, and 8 KiB handed out again, zeroed\n", s->costs.again);
	printf("%8.0f ns  snapshot and restore of 8 KiB\n", s->costs.save);
	printf("%8.0f ns  reset of a whole run: core, machine, oracles\n", s->costs.run);
	printf("%8.0f ns  snapshot and restore of a whole run, %llu bytes\n", s->costs.run_save,
	       (unsigned long long)s->costs.run_bytes);
}

static json_t *rows_json(const struct speed *s)
{
	json_t *rows = json_object();

	for (u32 i = 0; i < SPEED_ROWS; i++) {
		const struct speed_row *r = &s->rows[i];

		json_object_set_new(rows, r->name,
				    json_pack("{sf sf sf sf}", "us", r->us, "us_best", r->best_us,
					      "ops_per_second", r->ops_s, "ops_per_second_best",
					      r->best_ops_s));
	}
	return rows;
}

static int print_json(const struct fuzz_args *a, const struct speed *s)
{
	json_t *root = json_pack(
		"{s{ss sI sI sf sI sI sI sI sI sI sf so s{sf sf sf sf sf sI}}}", "fuzz", "policy",
		a->policy, "pages", (json_int_t)a->pages, "total", (json_int_t)a->total,
		"pages_of_a_program", s->pages, "programs", (json_int_t)a->programs, "rounds",
		(json_int_t)a->rounds, "seed", (json_int_t)a->seed, "ops", (json_int_t)s->ops,
		"noops", (json_int_t)s->noops, "requests", (json_int_t)s->requests, "generate_us",
		s->generate_us, "rows", rows_json(s), "costs_ns", "arena_reset", s->costs.reset,
		"arena_reset_and_fill", s->costs.again, "arena_snapshot_and_restore", s->costs.save,
		"run_reset", s->costs.run, "run_snapshot_and_restore", s->costs.run_save,
		"run_snapshot_bytes", (json_int_t)s->costs.run_bytes);
	int rc = !root || json_dumpf(root, stdout, JSON_INDENT(1));

	putchar('\n');
	json_decref(root);
	return rc;
}

int fuzz_main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = "Times op_run() on generated programs under different judges: ops a second "
		       "that a campaign can hope for, and what beginning anew costs.",
	};
	struct fuzz_args a = {.policy = "eager",
			      .pages = 8,
			      .total = 8,
			      .programs = 2000,
			      .rounds = 15,
			      .seed = 1};
	struct policies ps = {0};
	struct speed s;
	char err[4096];
	int rc;

	option_parse(&argp, argc, argv, &a);
	if (policies_add(&ps, a.policy, err, sizeof(err)))
		return option_bad(err);
	if (ps.nr != 1)
		return option_bad("--policy: expected one policy");
	rc = speed_measure(&s, &(struct speed_config){ps.policy[0], a.pages, a.total, a.programs,
						      a.rounds, a.seed, progress_wanted()});
	policies_close(&ps);
	if (rc == -ERANGE)
		return option_bad("--total: hardly any generated program is that small; a larger"
				  " one, or 0, or fewer --pages of a buffer");
	if (rc) {
		fprintf(stderr, "nosnoop-bench: %s\n", strerror(-rc));
		return 1;
	}
	if (a.json)
		return print_json(&a, &s);
	print_text(&a, &s);
	return 0;
}
