// SPDX-License-Identifier: GPL-2.0-only
/* nosnoop-bench gate: arguments and exit statuses. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/gate/gate.h"
#include "bench/gate/loaded.h"
#include "bench/gate/worker.h"
#include "bench/options.h"
#include "bench/progress.h"
#include "core/flush/registry.h"

#define SECONDS	    4.0
#define BISECT_SKIP 125
#define BISECT_STOP 128 /* git bisect run gives up: another commit would not mend it */

enum { KEY_KTAP = 0x100, KEY_BISECT, KEY_EXACT, KEY_SAME, KEY_WORKER, KEY_CORPUS, KEY_SEED };

struct args {
	struct gate_options o;
	bool json, ktap, bisect;
	bool instructions_given, instructions;
};

static error_t take_instructions(struct args *a, const char *arg, struct argp_state *state)
{
	a->instructions_given = true;
	a->instructions = !arg || !strcmp(arg, "yes");
	if (arg && strcmp(arg, "yes") && strcmp(arg, "no"))
		argp_error(state, "--instructions=%s: expected yes or no", arg);
	return 0;
}

static double take_seconds(struct argp_state *state, const char *arg)
{
	char *end;
	double v = strtod(arg, &end);

	if (end == arg || *end || !(v >= 0 && v <= 3600))
		argp_error(state, "--seconds %s: expected a number from 0 to 3600", arg);
	return v;
}

static void check(struct args *a, struct argp_state *state)
{
	if (!a->o.base || !a->o.candidate)
		argp_error(state,
			   "--base A and --candidate B: expected both: a commit, a folder, a gate "
			   "module or a policy");
	if (a->json + a->ktap + a->bisect > 1)
		argp_error(state, "--json, --ktap, --bisect: expected one of these");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case 'b':
		a->o.base = arg;
		return 0;
	case 'c':
		a->o.candidate = arg;
		return 0;
	case 'w':
		a->o.workload = arg;
		return 0;
	case 'p':
		a->o.policy = arg;
		a->o.policy_given = true;
		return 0;
	case 's':
		a->o.seconds = take_seconds(state, arg);
		return 0;
	case 'i':
		return take_instructions(a, arg, state);
	case 'j':
		a->json = true;
		return 0;
	case KEY_KTAP:
		a->ktap = true;
		return 0;
	case KEY_BISECT:
		a->bisect = true;
		return 0;
	case KEY_EXACT:
		a->o.exact_only = true;
		return 0;
	case KEY_SAME:
		a->o.same_too = true;
		return 0;
	case KEY_CORPUS:
		a->o.corpus = arg;
		return 0;
	case KEY_SEED:
		a->o.seed = option_number(state, "seed", arg, 0, ~0ULL);
		return 0;
	case KEY_WORKER:
		exit(gate_worker_main());
	case ARGP_KEY_ARG:
		argp_error(state, "%s: expected options only", arg);
		return 0;
	case ARGP_KEY_END:
		check(a, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{"base", 'b', "A", 0, "a commit, a checkout or build folder, a gate module, a policy (.so)",
	 0},
	{"candidate", 'c', "B", 0, "likewise; . is this folder with what was changed in it", 0},
	{"workload", 'w', "LIST", 0,
	 "NAME, NAME:N, FILE.ops with commas, or all that are not too large (12 of these)", 0},
	{"policy", 'p', "P", 0, "what both cores run: a name or a plug-in (exact)", 0},
	{"seconds", 's', "S", 0, "for the timing of a workload, retries included (4)", 0},
	{"exact-only", KEY_EXACT, NULL, 0, "counters alone: no instructions, no time", 0},
	{"instructions", 'i', "yes|no", OPTION_ARG_OPTIONAL,
	 "count them by valgrind (where it is installed)", 0},
	{"same-too", KEY_SAME, NULL, 0, "measure two builds that are the same bytes", 0},
	{"corpus", KEY_CORPUS, "DIR", 0, "folder that holds recorded/", 0},
	{"seed", KEY_SEED, "N", 0, "of orders and intervals (1)", 0},
	{"json", 'j', NULL, 0, "print JSON", 0},
	{"ktap", KEY_KTAP, NULL, 0, "print KTAP", 0},
	{"bisect", KEY_BISECT, NULL, 0, "print nothing; exit 0 good, 1 bad, 125 cannot be said", 0},
	{"worker", KEY_WORKER, NULL, OPTION_HIDDEN, NULL, 0},
	{0},
};

static const char doc[] =
	"Has B become worse than A? Exact counters first, then instructions, then time."
	"\vExit status: 0 no change or better, 1 regression, 2 invalid (the machine is too "
	"restless to say) "
	"or bad input. With --bisect 125 where nothing can be said or B does not build, 128 for "
	"bad input.";

/* A policy that is not there is said before anything is built. */
static int check_policy(const struct gate_options *o, char *err, size_t errlen)
{
	const struct flush_policy *policy;
	void *handle;
	int rc = access(o->policy, R_OK) ? 0 : gate_try_load(o->policy, err, errlen);

	if (!rc)
		rc = flush_policy_open(o->policy, &policy, &handle, err, errlen);

	if (!rc)
		flush_policy_close(handle);
	return rc;
}

static int status_of(const struct gate_result *r, bool bisect)
{
	if (r->verdict == GATE_WORSE)
		return 1;
	if (r->verdict == GATE_INVALID)
		return bisect ? BISECT_SKIP : 2;
	return 0;
}

static int failed(const struct args *a, int rc, bool candidate, const char *err)
{
	option_bad(err);
	if (!a->bisect)
		return 2;
	return rc == -ENOEXEC && candidate ? BISECT_SKIP : BISECT_STOP;
}

static int print(const struct args *a, const struct gate_result *r)
{
	if (a->json)
		return gate_print_json(r);
	if (a->ktap)
		gate_print_ktap(r);
	else if (!a->bisect)
		gate_print_text(r);
	return 0;
}

int gate_main(int argc, char **argv)
{
	static const struct argp argp = {options, parse, NULL, doc, NULL, NULL, NULL};
	struct args a = {.o = {.policy = "exact", .seconds = SECONDS, .seed = 1}};
	const struct gate_source *culprit = NULL;
	struct gate_result r = {0};
	char err[1024] = "";
	int rc;

	option_parse(&argp, argc, argv, &a);
	a.o.times = !a.o.exact_only;
	a.o.instructions = a.instructions_given ? a.instructions : !a.o.exact_only;
	a.o.progress = !a.bisect && progress_wanted();
	rc = check_policy(&a.o, err, sizeof(err));
	if (!rc)
		rc = gate_run(&a.o, &r, &culprit, err, sizeof(err));
	if (rc)
		rc = failed(&a, rc, culprit == &r.sources.candidate, err);
	else if (print(&a, &r) || fflush(stdout) || ferror(stdout))
		rc = 2; /* a full disk is no regression */
	else
		rc = status_of(&r, a.bisect);
	gate_free(&r);
	return rc;
}
