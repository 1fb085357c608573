// SPDX-License-Identifier: GPL-2.0-only
/* nosnoop-shrink: the smallest trace on which the same rule fires. */
#include "core/op/commit.h"
#include "core/op/policies.h"
#include "core/op/trace.h"
#include "fuzz/command.h"
#include "fuzz/finding.h"
#include "fuzz/shrink/shrink.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

NOSNOOP_EXPORT const char *argp_program_version = "nosnoop-shrink " NOSNOOP_VERSION;

struct job {
	const char *policy_arg, *rule_arg, *out, *path;
	const char *backend_arg;
	const struct backend_ops *backend, *twin; /* twin NULL: no --diff */
	bool json;
	struct policies policies; /* of --policy; else all */
	struct rule wanted;	  /* of --rule */
	struct trace trace;
	struct run *run;

	/* What was chosen, and why. */
	const struct flush_policy *policy;
	struct rule rule;
	const char *by;

	struct shrink_rule predicate;
	struct shrink_crash crash;
	int signal; /* that it ends with, then the rule is CRASH or HANG; 0: a rule of the oracles */
	struct shrink_stats stats;
	u64 tries;
};

/* --- arguments --------------------------------------------------------------- */

static const struct argp_option options[] = {
	{"policy", 'p', "P", 0, "Policy under which it fires, or ./mine.so (as the trace expects)",
	 0},
	{"rule", 'r', "R", 0, "What must fire: a contract (L), a rule (D3) (as the trace expects)",
	 0},
	{"backend", 'b', "NAME", 0, "core, linux, or a tree's shared object (core)", 0},
	{"diff", 'd', "NAME", OPTION_ARG_OPTIONAL,
	 "Run on this backend too (core); that both come to the same is the rule DIFF", 0},
	{"out", 'o', "FILE", 0, "Write the trace to FILE (standard output)", 1},
	{"json", 'j', NULL, 0, "Print what was done as JSON, the trace in it", 1},
	{0}};

static void parse_policy(struct job *j, const char *arg)
{
	char err[4096];

	j->policy_arg = arg;
	if (policies_add(&j->policies, arg, err, sizeof(err)))
		bad_input("%s", err);
}

static void parse_rule(struct job *j, const char *arg)
{
	char err[4096];

	j->rule_arg = arg;
	if (!strcmp(arg, RULE_OF_CRASH) || !strcmp(arg, RULE_OF_HANG))
		snprintf(j->wanted.name, sizeof(j->wanted.name), "%s", arg);
	else if (rule_parse(arg, &j->wanted, err, sizeof(err)))
		bad_input("--rule: %s", err);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct job *j = state->input;

	switch (key) {
	case 'p':
		parse_policy(j, arg);
		return 0;
	case 'r':
		parse_rule(j, arg);
		return 0;
	case 'b':
		j->backend_arg = arg;
		j->backend = command_backend(arg);
		return 0;
	case 'd':
		j->twin = command_backend(arg ? arg : backend_core.name);
		return 0;
	case 'o':
		j->out = arg;
		return 0;
	case 'j':
		j->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (j->path)
			argp_error(state, "more than one trace: %s, %s", j->path, arg);
		j->path = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no trace given: name a file, or - for standard input");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.args_doc = "FILE|-",
	.doc = "Shrink a trace (text, or binary as fuzzers write it) to the smallest one on which "
	       "the same rule fires under the same policy. What is not given is taken from the "
	       "trace's expect lines, else it is the first that fires.\v"
	       "Exit: 0 shrunk; 1 nothing fires; 2 bad input; 3 the output cannot be written.",
};

/* --- which rule, which policy ------------------------------------------------- */

static void run_once(struct job *j, struct run_config *cfg)
{
	int rc = 0;

	if (j->run)
		rc = run_reset(j->run, cfg);
	else
		j->run = run_create(cfg);
	if (rc || !j->run)
		bad_input("cannot start a run: %s", strerror(rc ? -rc : errno));
	run_program(j->run, &j->trace.program);
}

static bool fires(struct job *j, const struct flush_policy *policy, const struct rule *rule)
{
	struct run_config cfg;

	rule_config(&cfg, j->backend, policy, rule);
	cfg.twin = j->twin;
	run_once(j, &cfg);
	return rule_fired(j->run, rule);
}

static bool choose(struct job *j, const struct flush_policy *policy, const struct rule *rule,
		   const char *by)
{
	j->policy = policy;
	j->rule = *rule;
	j->by = by;
	return true;
}

/* Does an EXPECT record about @name speak about this policy? */
static bool names(const char *name, const struct flush_policy *policy)
{
	if (!strcmp(name, "sound"))
		return flush_policy_sound(policy);
	return !strcmp(name, "all") || !strncmp(name, policy->name, EXPECT_NAME_MAX);
}

static bool choose_expected(struct job *j, const struct expect *e)
{
	struct rule rule;

	if (!rule_of_expect(e, &rule) || (j->rule_arg && !rule_equal(&rule, &j->wanted)))
		return false;
	for (u32 i = 0; i < j->policies.nr; i++) {
		const struct flush_policy *policy = j->policies.policy[i];

		if (e->kind == EXPECT_BROKEN && !names(e->name, policy))
			continue;
		if (fires(j, policy, &rule))
			return choose(j, policy, &rule, "as the trace expects");
	}
	return false;
}

static bool choose_by_expects(struct job *j)
{
	const struct program *p = &j->trace.program;
	struct op_group g;
	struct expect e;

	for (size_t at = 0; at < p->nr; at = g.next) {
		program_group(p, at, &g);
		if (p->ops[at].code != OP_EXPECT)
			continue;
		expect_unpack(&p->ops[at], g.name, &e);
		if (choose_expected(j, &e))
			return true;
	}
	return false;
}

/* The first of the policies under which something fires: the rule given, or any. */
static bool choose_first(struct job *j, bool claims)
{
	struct run_config cfg;
	struct rule rule = j->wanted;

	for (u32 i = 0; i < j->policies.nr; i++) {
		const struct flush_policy *policy = j->policies.policy[i];
		u32 held = claims ? policy->claims : policy->claims | CONTRACTS_SOUND;

		if (j->rule_arg && fires(j, policy, &rule))
			return choose(j, policy, &rule, "the first policy with this rule");
		if (j->rule_arg)
			continue;
		rule_config(&cfg, j->backend, policy, NULL);
		cfg.twin = j->twin;
		run_once(j, &cfg);
		if (rule_first(j->run, held, &rule))
			return choose(j, policy, &rule, "the first that fires");
	}
	return false;
}

static void __attribute__((noreturn)) silent(const struct job *j)
{
	const char *policies = j->policy_arg ? j->policy_arg : "any policy";

	if (j->rule_arg && j->policy_arg)
		command_stop(EXIT_NO, "%s: rule %s does not fire under %s", j->path, j->wanted.name,
			     policies);
	if (j->rule_arg)
		command_stop(EXIT_NO, "%s: rule %s fires under no policy", j->path, j->wanted.name);
	command_stop(EXIT_NO, "%s: nothing fires under %s", j->path, policies);
}

/* Before anything is run here: does one of the policies end the process? */
static bool choose_crash(struct job *j)
{
	bool given = j->rule_arg &&
		     (!strcmp(j->rule_arg, RULE_OF_CRASH) || !strcmp(j->rule_arg, RULE_OF_HANG));

	for (u32 i = 0; i < j->policies.nr; i++) {
		struct rule rule = {0};

		if (!given && !j->policies.handle[i])
			continue; /* one of ours: it would be a bug to be seen as it is */
		j->crash = (struct shrink_crash){.backend = j->backend,
						 .policy = j->policies.policy[i]};
		j->signal = shrink_crash_signal(&j->crash, &j->trace.program);
		j->crash.hang = j->signal == SIGALRM;
		snprintf(rule.name, sizeof(rule.name), "%s",
			 j->crash.hang ? RULE_OF_HANG : RULE_OF_CRASH);
		if (j->signal && (!given || !strcmp(rule.name, j->rule_arg)))
			return choose(j, j->crash.policy, &rule,
				      given ? "as given" : "it ends the process");
	}
	j->signal = 0;
	if (given)
		silent(j);
	return false;
}

static void choose_any(struct job *j)
{
	if (choose_crash(j))
		return;
	if (j->policy_arg && j->policies.nr == 1 && j->rule_arg) {
		if (fires(j, j->policies.policy[0], &j->wanted) &&
		    choose(j, j->policies.policy[0], &j->wanted, "as given"))
			return;
	} else if (choose_by_expects(j) || choose_first(j, true) || choose_first(j, false)) {
		return;
	}
	silent(j);
}

/* --- shrinking --------------------------------------------------------------- */

static void show_progress(void *ctx, const struct program *p)
{
	struct job *j = ctx;

	if (++j->tries % 64)
		return;
	fprintf(stderr, "\r\033[K%llu tries, %u ops", (unsigned long long)j->tries,
		program_nr_ops(p));
	fflush(stderr);
}

static void shrink(struct job *j)
{
	bool terminal = isatty(STDERR_FILENO);
	int rc = 0;

	if (!j->signal)
		rc = shrink_rule_open(&j->predicate, j->backend, j->policy, &j->rule);
	j->predicate.cfg.twin = j->twin;
	j->predicate.tried = j->crash.tried = terminal ? show_progress : NULL;
	j->predicate.tried_ctx = j->crash.tried_ctx = j;
	if (j->signal)
		rc = shrink_program(&j->trace.program, shrink_crash_fires, &j->crash, &j->stats);
	else if (!rc)
		rc = shrink_by_rule(&j->trace.program, &j->predicate, &j->stats);
	if (terminal)
		fputs("\r\033[K", stderr);
	shrink_rule_close(&j->predicate);
	if (rc)
		bad_input("%s: cannot be shrunk: %s", j->path, strerror(-rc));
}

/* --- output ------------------------------------------------------------------ */

static void print_summary(const struct job *j)
{
	fprintf(stderr, "%s: %s under %s (%s): %u ops, %u left (%u requests), %llu tries%s\n",
		j->path, j->rule.name, j->policy->name, j->by, j->stats.ops_before,
		j->stats.ops_after, j->stats.requests_after, (unsigned long long)j->stats.tries,
		j->stats.cut_short ? "; cut short, more may go" : "");
}

static json_t *summary_json(const struct job *j, const char *text)
{
	char shape[32];

	snprintf(shape, sizeof(shape), "0x%016llx",
		 (unsigned long long)finding_shape(&j->trace.program));
	return json_pack("{ss ss ss ss sI sI sI sI sb ss ss}", "trace", j->path, "policy",
			 j->policy->name, "rule", j->rule.name, "chosen", j->by, "ops_before",
			 (json_int_t)j->stats.ops_before, "ops", (json_int_t)j->stats.ops_after,
			 "requests", (json_int_t)j->stats.requests_after, "tries",
			 (json_int_t)j->stats.tries, "cut_short", j->stats.cut_short, "shape",
			 shape, "program", text);
}

static void print_json(const struct job *j, const char *text)
{
	json_t *o = summary_json(j, text);

	if (!o || json_dumpf(o, stdout, JSON_INDENT(1)))
		command_stop(o ? EXIT_DISK : EXIT_INPUT, "cannot write the results");
	putchar('\n');
	json_decref(o);
}

/* The text says nothing of how it came about: shrunk again it is the same. */
static char *make_text(const struct job *j, size_t *len)
{
	char commit[COMMIT_TEXT], command[PATH_MAX + 64], *text;
	struct finding f = {
		.rule = j->rule,
		.policy = j->policy,
		.program = &j->trace.program,
		.ops_after = j->stats.ops_after,
		.policy_arg = j->policy_arg && j->policies.nr == 1 ? j->policy_arg : NULL,
		.commit = commit,
		.command = command_replay(j->backend_arg, j->twin, command, sizeof(command)),
	};

	commit_here(commit);
	if (j->signal) {
		f.how = strsignal(j->signal);
		text = finding_bare_text(&f, j->out ? j->out : "FILE", len);
	} else {
		text = finding_text(&f, j->run, j->out ? j->out : "FILE", len);
	}
	if (!text)
		bad_input("%s: %s", j->path,
			  errno == ENOENT ? "the rule does not fire when the trace is replayed"
					  : strerror(errno));
	return text;
}

static void output(const struct job *j)
{
	size_t len;
	char *text = make_text(j, &len), err[1024];

	if (j->out && save_file(j->out, text, len, err, sizeof(err))) {
		if (!j->json)
			fwrite(text, 1, len, stdout);
		command_stop(EXIT_DISK, "%s", err);
	}
	if (j->json)
		print_json(j, text);
	else if (!j->out)
		fwrite(text, 1, len, stdout);
	free(text);
	if (fflush(stdout) || ferror(stdout))
		command_stop(EXIT_DISK, "standard output: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	struct job j = {.backend = &backend_core};
	char err[1024];

	command_parse(&argp, argc, argv, 0, &j);
	if (trace_load(&j.trace, j.path, err, sizeof(err)))
		bad_input("%s", err);
	if (backends_policies(j.backend, &j.policies, err, sizeof(err)))
		bad_input("%s", err);
	if (!j.policies.nr && policies_add(&j.policies, "all", err, sizeof(err)))
		bad_input("%s", err);
	choose_any(&j);
	shrink(&j);
	output(&j);
	print_summary(&j);
	trace_free(&j.trace);
	run_destroy(j.run);
	policies_close(&j.policies);
	return 0;
}
