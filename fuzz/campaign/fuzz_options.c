// SPDX-License-Identifier: GPL-2.0-only
/* What nosnoop-fuzz is told. */
#include "fuzz/campaign/fuzz_job.h"

#include "core/op/judge.h"

#include <stdio.h>
#include <stdlib.h>

#define SECONDS_DEFAULT	   60
#define CHECKPOINT_DEFAULT 60
/* Long only. */
#define OPT_CHECKPOINT 0x100
#define OPT_PAGES      0x101
#define OPT_OPS	       0x102

#define PAGES_DEFAULT 8
#define PAGES_MOST    1024
#define OPS_MOST      1000

NOSNOOP_EXPORT const char *argp_program_version = "nosnoop-fuzz " NOSNOOP_VERSION;

static const struct argp_option options[] = {
	{"policy", 'p', "P", 0,
	 "Policy, several with commas, all, all-sound, or ./mine.so (all-sound)", 0},
	{"contracts", 'c', "C", 0,
	 "Hold every policy to these contracts: L,I,S0,.. (what each claims; a single policy that "
	 "is not sound: soundness)",
	 0},
	{"backend", 'b', "NAME", 0, "core, linux, or a tree's shared object (core)", 0},
	{"diff", 'd', "NAME", OPTION_ARG_OPTIONAL,
	 "Run every program on this backend too (core); both must come to the same. --backend is "
	 "linux then",
	 0},
	{"seconds", 's', "S", 0, "Stop after S seconds (60, without --runs)", 1},
	{"runs", 'n', "N", 0, "Stop after N new programs, of all jobs together", 1},
	{"first", 'f', NULL, 0, "Stop at the first finding", 1},
	{"seed", 'S', "N", 0, "Seed; with one job the same seed gives the same campaign (1)", 1},
	{"jobs", 'J', "N", 0, "Processes (1)", 1},
	{"pages", OPT_PAGES, "N", 0, "Buffers of at most N pages (8)", 1},
	{"ops", OPT_OPS, "N", 0, "New programs of at most about N ops (40)", 1},
	{"out", 'o', "DIR", 0,
	 "Findings, corpus and ledger go there; a campaign that is there goes on (print findings)",
	 2},
	{"checkpoint", OPT_CHECKPOINT, "S", 0,
	 "Bring DIR up to date every S seconds, so that a killed campaign goes on from there (60)",
	 2},
	{"corpus", 'C', "DIR", 0, "Begin with the traces in DIR too, text and binary", 2},
	{"expected", 'e', "DIR", 0,
	 "Traces of known deviations of a kernel tree: what they show is counted, and no finding",
	 2},
	{"json", 'j', NULL, 0, "Print what was done as JSON", 2},
	{0}};

static void parse_contracts(struct fuzz_options *o, const char *arg)
{
	if (contracts_parse(arg, &o->contracts) || !o->contracts)
		bad_input("--contracts %s: expected some of L,I,S0,S1,E,O,U", arg);
	o->contracts_given = true;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct fuzz_options *o = state->input;

	switch (key) {
	case 'p':
		o->policy_arg = arg;
		return 0;
	case 'c':
		parse_contracts(o, arg);
		return 0;
	case 'b':
		o->backend_arg = arg;
		return 0;
	case 'd':
		o->twin = command_backend(arg ? arg : backend_core.name);
		return 0;
	case 's':
		o->seconds = command_seconds("seconds", arg, 1e9);
		return 0;
	case 'n':
		o->runs = command_number("runs", arg, 1, INT64_MAX);
		return 0;
	case 'f':
		o->first = true;
		return 0;
	case 'S':
		o->seed = command_number("seed", arg, 0, INT64_MAX);
		o->seed_given = true;
		return 0;
	case 'J':
		o->jobs = command_number("jobs", arg, 1, FUZZ_JOBS);
		return 0;
	case 'o':
		o->out = arg;
		return 0;
	case OPT_PAGES:
		o->pages = command_number("pages", arg, 1, PAGES_MOST);
		return 0;
	case OPT_OPS:
		o->ops = command_number("ops", arg, 1, OPS_MOST);
		return 0;
	case OPT_CHECKPOINT:
		o->checkpoint = command_seconds("checkpoint", arg, 1e9);
		return 0;
	case 'C':
		o->corpus = arg;
		return 0;
	case 'e':
		o->expected_arg = arg;
		return 0;
	case 'j':
		o->json = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "\"%s\": expected options only; traces go into --corpus DIR",
			   arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.doc = "Make programs, run them under flush policies, judge; keep what reaches a new state "
	       "of the model, shrink and write what breaks a rule. Ctrl-C ends it with a "
	       "summary.\v"
	       "Exit: 0 nothing found; 1 found; 2 bad input; 3 something could not be written, the "
	       "findings are on standard output then.",
};

/* Is the whole of @arg this word? policies_add() knows it by another name. */
static const char *policies_word(const char *arg)
{
	return strcmp(arg, "all-sound") ? arg : "sound";
}

static void load_expected(struct fuzz_options *o)
{
	const struct flush_policy *policy = o->policies.policy[0];
	struct run_config cfg;
	char err[1024];

	judge_config(&cfg, o->backend, policy);
	cfg.twin = o->twin;
	if (expected_load(&o->expected, o->expected_arg, &cfg,
			  o->contracts ? o->contracts : policy->claims, err, sizeof(err)))
		bad_input("--expected: %s", err);
}

void fuzz_parse(int argc, char **argv, struct fuzz_options *o)
{
	char err[4096];

	*o = (struct fuzz_options){
		.seed = 1, .jobs = 1, .checkpoint = CHECKPOINT_DEFAULT, .pages = PAGES_DEFAULT};
	command_parse(&argp, argc, argv, 0, o);
	if (!o->backend_arg)
		o->backend_arg = o->twin ? "linux" : backend_core.name;
	o->backend = command_backend(o->backend_arg);
	if (!o->policy_arg && !o->backend->policy)
		o->policy_arg = o->twin ? "none" : "all-sound";
	if (o->policy_arg &&
	    policies_add(&o->policies, policies_word(o->policy_arg), err, sizeof(err)))
		bad_input("--policy: %s", err);
	if (backends_policies(o->backend, &o->policies, err, sizeof(err)))
		bad_input("%s", err);
	if (!o->policy_arg)
		o->policy_arg = o->backend->policy->name;
	if (!o->contracts_given && !o->backend->policy && o->policies.nr == 1 && !o->twin &&
	    !flush_policy_sound(o->policies.policy[0]))
		o->contracts = CONTRACTS_SOUND | o->policies.policy[0]->claims;
	if (o->expected_arg)
		load_expected(o);
	if (!o->runs && !o->seconds)
		o->seconds = SECONDS_DEFAULT;
	if (o->runs && o->runs < o->jobs)
		o->jobs = o->runs;
}
