// SPDX-License-Identifier: GPL-2.0-only
/* nosnoop-check: policies against every sequence of a configuration. */
#include "core/op/commit.h"
#include "core/op/judge.h"
#include "core/op/policies.h"
#include "core/op/text.h"
#include "fuzz/check/print.h"
#include "fuzz/command.h"
#include "fuzz/finding.h"
#include "fuzz/shrink/shrink.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

NOSNOOP_EXPORT const char *argp_program_version = "nosnoop-check " NOSNOOP_VERSION;

struct command {
	struct check_config cfg;
	struct policies policies;
	const char *backend_arg;
	const struct backend_ops *backend;
	const char *out;
	char *policy_arg[POLICIES_MAX]; /* as --policy named each; NULL: by its name */
	bool json, complete, progress, disk_full;
	char commit[COMMIT_TEXT];
	struct check_verdict *verdict;
	u32 done; /* policies */
};

static volatile bool interrupted;

/* --- arguments --------------------------------------------------------------------------------- */

enum {
	OPT_OBJECTS = 0x100,
	OPT_PAGES,
	OPT_AREAS,
	OPT_TABLES,
	OPT_DOMAINS,
	OPT_ACCESSES,
	OPT_ALIASED,
	OPT_READONLY,
	OPT_DEPTH,
	OPT_COMPLETE,
	OPT_MODEL,
};

static const struct argp_option options[] = {
	{"policy", 'p', "P", 0, "Policy, several with commas, all, sound, or ./mine.so (all)", 0},
	{"backend", 'b', "NAME", 0, "core, linux, or a tree's shared object (core)", 0},
	{"preset", 'c', "NAME", 0,
	 "Configuration: small, standard, two-objects, aliased, readonly (small)", 1},
	{"objects", OPT_OBJECTS, "N", 0, "Mapped user buffers at a time (1 to 4)", 1},
	{"pages", OPT_PAGES, "N", 0, "Pages of a buffer (1 to 8)", 1},
	{"areas", OPT_AREAS, "N", 0, "Areas at a time, in all tables (1 to 7)", 1},
	{"tables", OPT_TABLES, "N", 0, "Tables (1 to 3)", 1},
	{"domains", OPT_DOMAINS, "N", 0, "Domains at a time, of each table (1 to 7)", 1},
	{"accesses", OPT_ACCESSES, "N", 0, "Accesses that hold a pin at a time (0 to 7)", 1},
	{"aliased", OPT_ALIASED, NULL, 0, "All objects show the frames of one buffer", 1},
	{"readonly", OPT_READONLY, NULL, 0, "Maps and copies without write permission too", 1},
	{"failures", 'f', "WHICH", OPTION_ARG_OPTIONAL,
	 "Requests also fail: all (every request at every place where it can), or listed (an "
	 "attach "
	 "before its first area or in its last one, a map or copy in its second domain) (all)",
	 1},
	{"complete", OPT_COMPLETE, NULL, 0,
	 "Go on to the fixpoint where a policy that is not sound has broken all that it does not "
	 "claim",
	 2},
	{"depth", OPT_DEPTH, "N", 0, "Stop after sequences of N requests (none)", 2},
	{"seconds", 's', "S", 0, "Stop each policy after S seconds (never)", 2},
	{"memory", 'm', "SIZE", 0,
	 "Room for states: bytes, or with K, M, G (half of the machine's)", 2},
	{"jobs", 'J', "N", 0, "Workers (as many as there are cores)", 2},
	{"model", OPT_MODEL, NULL, 0,
	 "Attach the reference model too, compared after every request", 2},
	{"json", 'j', NULL, 0, "Print the results as JSON, the traces in it", 3},
	{"out", 'o', "DIR", 0,
	 "Write the shortest counter-examples to DIR/check-POLICY-CONTRACT.ops", 3},
	{0}};

static void take_preset(struct command *cmd, const char *name)
{
	const struct check_space *space = check_preset(name);

	if (!space) {
		char known[128] = "";

		for (u32 i = 0; check_preset_nth(i); i++) {
			strcat(known, i ? ", " : "");
			strcat(known, check_preset_nth(i));
		}
		bad_input("--preset %s: expected one of %s", name, known);
	}
	cmd->cfg.space = *space;
}

/* Presets come first, whatever the order of the options. */
static error_t parse_preset(int key, char *arg, struct argp_state *state)
{
	if (key == 'c')
		take_preset(state->input, arg);
	return 0;
}

static enum check_failures failures_of(const char *arg)
{
	if (!arg || !strcmp(arg, "all"))
		return CHECK_FAIL_ALL;
	if (strcmp(arg, "listed"))
		bad_input("--failures=%s: expected all or listed", arg);
	return CHECK_FAIL_LISTED;
}

static bool parse_space(struct check_space *c, int key, const char *arg)
{
	switch (key) {
	case OPT_OBJECTS:
		c->objects = command_number("objects", arg, 1, CHECK_OBJECTS_MAX);
		return true;
	case OPT_PAGES:
		c->pages = command_number("pages", arg, 1, CHECK_PAGES_MAX);
		return true;
	case OPT_AREAS:
		c->areas = command_number("areas", arg, 1, CHECK_AREAS_MAX);
		return true;
	case OPT_TABLES:
		c->tables = command_number("tables", arg, 1, CHECK_TABLES_MAX);
		return true;
	case OPT_DOMAINS:
		c->domains = command_number("domains", arg, 1, CHECK_DOMAINS_MAX);
		return true;
	case OPT_ACCESSES:
		c->accesses = command_number("accesses", arg, 0, CHECK_ACCESSES_MAX);
		return true;
	case OPT_ALIASED:
		c->aliased = true;
		return true;
	case OPT_READONLY:
		c->readonly = true;
		return true;
	case 'f':
		c->failures = failures_of(arg);
		return true;
	}
	return false;
}

/* One of a list at a time, so that it is known which argument a shared object came by. */
static void parse_policy(struct command *cmd, const char *arg)
{
	char err[4096], *list = strdup(arg), *rest = list, *one;
	u32 from;

	while (list && (one = strsep(&rest, ","))) {
		from = cmd->policies.nr;
		if (policies_add(&cmd->policies, one, err, sizeof(err)))
			bad_input("%s", err);
		for (; from < cmd->policies.nr; from++)
			if (cmd->policies.handle[from])
				cmd->policy_arg[from] = strdup(one);
	}
	free(list);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct command *cmd = state->input;
	struct check_config *cfg = &cmd->cfg;

	if (parse_space(&cfg->space, key, arg))
		return 0;
	switch (key) {
	case 'p':
		parse_policy(cmd, arg);
		return 0;
	case 'c':
		return 0;
	case OPT_COMPLETE:
		cmd->complete = true;
		return 0;
	case OPT_MODEL:
		cfg->model = true;
		return 0;
	case OPT_DEPTH:
		cfg->depth = command_number("depth", arg, 1, 1000);
		return 0;
	case 's':
		cfg->seconds = command_seconds("seconds", arg, 1e9);
		return 0;
	case 'm':
		cfg->memory = command_size("memory", arg, 1ULL << 20, 1ULL << 46);
		return 0;
	case 'J':
		cfg->jobs = command_number("jobs", arg, 1, 1024);
		return 0;
	case 'b':
		cmd->backend_arg = arg;
		return 0;
	case 'j':
		cmd->json = true;
		return 0;
	case 'o':
		cmd->out = arg;
		return 0;
	case ARGP_KEY_ARG:
		bad_input("%s: expected options only; traces are for nosnoop-replay", arg);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const char doc[] =
	"Execute every sequence of requests of a small configuration on the real core under each "
	"policy, "
	"breadth first, with the cache shadow attached: to the fixpoint where there is time and "
	"memory, else bounded, and it says which.\v"
	"Exit: 0 nothing that a policy claims is broken, and no oracle's rule fired; 1 otherwise; "
	"2 bad "
	"input; 3 the traces cannot be written.";

static const struct argp argp = {.options = options, .parser = parse_option, .doc = doc};
static const struct argp argp_presets = {.options = options, .parser = parse_preset, .doc = doc};

static void parse(struct command *cmd, int argc, char **argv)
{
	char err[1024];

	take_preset(cmd, "small");
	/* The second pass complains, so the first does not. */
	command_parse(&argp_presets, argc, argv, ARGP_SILENT, cmd);
	command_parse(&argp, argc, argv, 0, cmd);
	cmd->backend = command_backend(cmd->backend_arg ? cmd->backend_arg : backend_core.name);
	if (backends_policies(cmd->backend, &cmd->policies, err, sizeof(err)))
		bad_input("%s", err);
	if (!cmd->policies.nr)
		parse_policy(cmd, "all");
	if (!cmd->cfg.jobs)
		cmd->cfg.jobs = max(sysconf(_SC_NPROCESSORS_ONLN), 1L);
	if (!cmd->cfg.memory)
		cmd->cfg.memory = (size_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) / 2;
	if (cmd->out)
		command_folder(cmd->out);
}

/* --- progress ---------------------------------------------------------------------------------- */

static void on_progress(void *ctx, const struct check_result *r)
{
	static double told;
	struct command *cmd = ctx;

	if (!cmd->progress || (r->seconds >= told && r->seconds < told + 0.2))
		return;
	told = r->seconds;
	fprintf(stderr,
		"\r%-25s request %u: %llu states, %llu to expand, %.0fk requests/s, %llu MiB\033[K",
		cmd->policies.policy[cmd->done]->name, r->level, (unsigned long long)r->states,
		(unsigned long long)r->frontier,
		r->seconds > 0 ? r->transitions / r->seconds * 1e-3 : 0,
		(unsigned long long)r->bytes >> 20);
}

static void clear_progress(const struct command *cmd)
{
	if (cmd->progress)
		fputs("\r\033[K", stderr);
}

static void on_signal(int sig)
{
	interrupted = true;
}

/* --- traces ------------------------------------------------------------------------------------ */

static const char *rule_file(const struct check_verdict *v, u32 c)
{
	return c < SHADOW_CONTRACTS ? shadow_contract_name[c] : v->res.rule;
}

/* In a request of its own: what only the teardown shows would hide the last one. */
static bool fires_before_teardown(void *ctx, const struct program *p)
{
	struct shrink_rule *by = ctx;

	return shrink_rule_fires(by, p) && rule_op(by->run, &by->rule) <= program_nr_ops(p);
}

/*
 * Without the set-up that it does not need, and with plain addresses. Where that gives fewer requests
 * it has left the configuration (another domain in place of a detach, large pages): as it was then.
 */
static int tidy(struct program *p, struct finding *f, u32 requests,
		const struct backend_ops *backend)
{
	struct program plain = PROGRAM_EMPTY;
	struct shrink_stats stats;
	struct shrink_rule by;
	int rc = shrink_rule_open(&by, backend, f->policy, &f->rule);

	if (!rc)
		rc = program_copy(&plain, p);
	if (!rc)
		rc = shrink_program(&plain, fires_before_teardown, &by, &stats);
	f->ops_after = program_nr_ops(p);
	if (!rc && stats.requests_after >= requests) {
		f->ops_before = stats.ops_before;
		f->ops_after = stats.ops_after;
		rc = program_copy(p, &plain);
	}
	program_free(&plain);
	shrink_rule_close(&by);
	return rc;
}

/* The sequence as nosnoop-replay is to see it: it must come to the same there. */
static char *trace_text(const struct command *cmd, const struct check_verdict *v, u32 c,
			struct check_trace *t)
{
	struct run_config cfg;
	struct finding f = {
		.policy = v->policy,
		.program = &t->program,
		.commit = cmd->commit,
		.policy_arg = cmd->policy_arg[v - cmd->verdict],
	};
	char origin[128], file[128], command[PATH_MAX + 64];
	char *text = NULL;
	struct run *r;

	snprintf(origin, sizeof(origin), "nosnoop-check, shortest for %s: %u requests",
		 rule_file(v, c), t->requests);
	snprintf(file, sizeof(file), "check-%s-%s.ops", v->policy->name, rule_file(v, c));
	f.origin = origin;
	f.command = command_replay(cmd->backend_arg, NULL, command, sizeof(command));
	f.rule = c < SHADOW_CONTRACTS ? rule_of_contract(c) : rule_of_finding(v->res.rule);
	judge_config(&cfg, cmd->backend, v->policy);
	r = run_create(&cfg);
	if (r && !tidy(&t->program, &f, t->requests, cmd->backend))
		text = finding_text(&f, r, file, NULL);
	run_destroy(r);
	return text;
}

static void write_trace(struct command *cmd, const struct check_verdict *v, u32 c)
{
	char path[4096], err[512];

	snprintf(path, sizeof(path), "%s/check-%s-%s.ops", cmd->out, v->policy->name,
		 rule_file(v, c));
	if (!save_file(path, v->trace[c], strlen(v->trace[c]), err, sizeof(err)))
		return;
	fprintf(stderr, "nosnoop-check: %s\n", err);
	cmd->disk_full = true;
}

/* A finding that replay does not see at its end (a worker died) is told as the bare program. */
static void make_traces(struct command *cmd, struct check_verdict *v)
{
	for (u32 c = 0; c <= SHADOW_CONTRACTS; c++) {
		struct check_trace *t = c < SHADOW_CONTRACTS ? &v->res.broken[c] : &v->res.finding;
		bool crash = c == SHADOW_CONTRACTS && !strcmp(v->res.rule, CHECK_CRASH);

		if (!t->requests)
			continue;
		v->trace[c] = crash ? text_print(&t->program, NULL) : trace_text(cmd, v, c, t);
		if (!v->trace[c]) {
			fprintf(stderr,
				"nosnoop-check: the counter-example of %s for %s does not replay: "
				"the policy keeps state of its own (a global, the time), which "
				"flush.h forbids, or it is a fault of nosnoop\n",
				v->policy->name, rule_file(v, c));
			exit(EXIT_NO);
		}
		if (cmd->out)
			write_trace(cmd, v, c);
	}
}

/* --- the run ----------------------------------------------------------------------------------- */

/* False: it could not begin; what the others came to is told all the same. */
static bool explore(struct command *cmd, const struct flush_policy *policy, struct check_verdict *v)
{
	struct check_config cfg = cmd->cfg;
	char err[256];
	int rc;

	cfg.backend = cmd->backend;
	cfg.policy = policy;
	cfg.until_broken = !cmd->complete && !flush_policy_sound(policy);
	cfg.unbroken = policy->claims;
	cfg.ctx = cmd;
	cfg.progress = on_progress;
	cfg.stop = &interrupted;
	v->policy = policy;
	rc = check_explore(&cfg, &v->res, err, sizeof(err));
	clear_progress(cmd);
	if (rc) {
		fprintf(stderr, "nosnoop-check: %s: %s\n", policy->name,
			*err ? err : strerror(-rc));
		return false;
	}
	for (u32 c = 0; c < SHADOW_CONTRACTS; c++)
		v->broken |= (u32) !!v->res.broken[c].requests << c;
	make_traces(cmd, v);
	return true;
}

static void print_traces(const struct check_verdict *v)
{
	for (u32 c = 0; c <= SHADOW_CONTRACTS; c++)
		if (v->trace[c])
			printf("\n%s", v->trace[c]);
}

static void print_json(const struct command *cmd)
{
	json_t *j = check_json(&cmd->cfg, cmd->commit, cmd->verdict, cmd->done);

	if (!j)
		bad_input("out of memory");
	json_dumpf(j, stdout, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(j);
}

static void print_end(const struct command *cmd)
{
	check_print_legend(stdout);
	for (u32 i = 0; i < cmd->done; i++)
		check_print_remarks(stdout, &cmd->verdict[i]);
	/* Of many policies the table says enough; traces are for --out. */
	if (cmd->policies.nr == 1 && cmd->done)
		print_traces(cmd->verdict);
}

static bool as_claimed(const struct command *cmd)
{
	for (u32 i = 0; i < cmd->done; i++)
		if (cmd->verdict[i].broken & cmd->verdict[i].policy->claims ||
		    cmd->verdict[i].res.finding.requests)
			return false;
	return true;
}

static void free_all(struct command *cmd)
{
	for (u32 i = 0; i < cmd->done; i++) {
		check_result_free(&cmd->verdict[i].res);
		for (u32 c = 0; c <= SHADOW_CONTRACTS; c++)
			free(cmd->verdict[i].trace[c]);
	}
	free(cmd->verdict);
	for (u32 i = 0; i < cmd->policies.nr; i++)
		free(cmd->policy_arg[i]);
	policies_close(&cmd->policies);
}

int main(int argc, char **argv)
{
	static struct command cmd;
	struct sigaction sa = {.sa_handler = on_signal};
	bool begun = true;
	int rc;

	parse(&cmd, argc, argv);
	cmd.progress = isatty(STDERR_FILENO);
	commit_here(cmd.commit);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	cmd.verdict = calloc(cmd.policies.nr, sizeof(*cmd.verdict));
	if (!cmd.verdict)
		bad_input("out of memory");
	if (!cmd.json) {
		check_print_space(stdout, &cmd.cfg.space);
		check_print_head(stdout);
	}
	for (u32 i = 0; i < cmd.policies.nr && !interrupted && begun; i++) {
		begun = explore(&cmd, cmd.policies.policy[i], &cmd.verdict[i]);
		cmd.done += begun;
		if (begun && !cmd.json)
			check_print_row(stdout, &cmd.verdict[i]);
		fflush(stdout);
	}
	if (cmd.json)
		print_json(&cmd);
	else
		print_end(&cmd);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "nosnoop-check: standard output cannot be written\n");
		cmd.disk_full = true;
	}
	rc = !begun ? EXIT_INPUT : cmd.disk_full ? EXIT_DISK : as_claimed(&cmd) ? 0 : EXIT_NO;
	free_all(&cmd);
	return rc;
}
