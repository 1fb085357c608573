// SPDX-License-Identifier: GPL-2.0-only
/* nosnoop-replay: traces under policies, and what the judges say. */
#include "core/op/backends.h"
#include "fuzz/expected.h"
#include "fuzz/print.h"

#include <argp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#define EXIT_BAD    1
#define EXIT_INPUT  2
#define EXIT_SKIP   125
#define CHECK_OPS   2000 /* longer traces are compared with the model at the end only */
#define SWEEP_WHOLE 200	 /* longer traces: a sample of ops, and SWEEP_TAIL ops after each failure */
#define SWEEP_TAIL  16
#define SWEEP_TOLD  5

NOSNOOP_EXPORT const char *argp_program_version = "nosnoop-replay " NOSNOOP_VERSION;

enum output { OUT_TEXT, OUT_JSON, OUT_KTAP, OUT_BISECT };

struct replay {
	enum output output;
	bool events, digest, sweep, check_given;
	enum run_check check;
	u32 temp_limit;
	const struct backend_ops *backend, *twin;
	struct policies policies;
	const char *expected_arg;
	struct expected expected; /* deviations of a kernel tree that are known */
	struct trace *traces;
	u32 nr_traces;

	struct run *run;
	struct verdict *verdicts;     /* one for each policy, of the trace at hand */
	json_t *results, *deviations; /* the latter: of the run at hand, with --expected */
	const char *known;	      /* the deviation that made it no bad one */
	u32 done;
	bool bad, skip;
	bool progress;

	/* of the sweep at hand */
	const struct trace *trace;
	const struct flush_policy *policy;
	u32 told;
};

/* --- arguments --------------------------------------------------------------- */

static const struct argp_option options[] = {
	{"policy", 'p', "P", 0, "Policy, several with commas, all, sound, or ./mine.so (all)", 0},
	{"backend", 'b', "NAME", 0, "core, linux, or a tree's shared object (core)", 0},
	{"diff", 'D', "NAME", OPTION_ARG_OPTIONAL,
	 "Run each trace on this backend too (core); both must come to the same", 0},
	{"expected", 'e', "DIR", 0,
	 "Traces of known deviations of a kernel tree: a trace that shows one of these first is "
	 "not bad",
	 0},
	{"json", 'j', NULL, 0, "Print the verdicts as JSON", 1},
	{"ktap", 'k', NULL, 0, "Print KTAP version 1, a test for each trace and policy", 1},
	{"bisect", 'B', NULL, 0, "Print nothing, exit 0 good, 1 bad, 125 cannot be judged", 1},
	{"trace", 't', NULL, 0, "Print every op and every event of the machine", 2},
	{"digest", 'd', NULL, 0, "Print a digest of all states that each run went through", 2},
	{"temp-limit", 'l', "BYTES", 0, "Limit temporary memory, whatever the trace says (12..)",
	 2},
	{"check", 'c', "WHEN", 0,
	 "Compare with the reference model: ops (after each op), end, never (ops, long traces end)",
	 2},
	{"fail-sweep", 'f', NULL, 0,
	 "Also let every request fail at every place where it can, one at a time", 2},
	{0}};

static void __attribute__((noreturn)) __printf(2, 3)
	bad_input(const struct replay *rp, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	/* What cannot be read cannot be judged. */
	exit(rp->output == OUT_BISECT ? EXIT_SKIP : EXIT_INPUT);
}

static void parse_limit(struct replay *rp, const char *arg)
{
	char *end;
	unsigned long n = strtoul(arg, &end, 0);

	if (*end || end == arg || *arg == '-' || n < 12 || n > UINT32_MAX)
		bad_input(rp, "--temp-limit %s: expected a number of bytes from 12 to 2^32-1", arg);
	rp->temp_limit = n;
}

static void parse_check(struct replay *rp, const char *arg)
{
	static const char *const words[] = {"never", "end", "ops"};

	for (u32 i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(arg, words[i]))
			continue;
		rp->check = i;
		rp->check_given = true;
		return;
	}
	bad_input(rp, "--check %s: expected ops, end or never", arg);
}

static void parse_policy(struct replay *rp, const char *arg)
{
	char err[4096];

	if (policies_add(&rp->policies, arg, err, sizeof(err)))
		bad_input(rp, "%s", err);
}

static const struct backend_ops *parse_backend(struct replay *rp, const char *arg)
{
	char err[4096];

	const struct backend_ops *backend = backends_open(arg, err, sizeof(err));

	if (!backend)
		bad_input(rp, "%s", err);
	return backend;
}

static void choose_policies(struct replay *rp)
{
	char err[1024];

	if (backends_policies(rp->backend, &rp->policies, err, sizeof(err)))
		bad_input(rp, "%s", err);
	if (!rp->policies.nr)
		parse_policy(rp, "all");
}

static void load_expected(struct replay *rp)
{
	const struct flush_policy *policy = rp->policies.policy[0];
	struct run_config cfg;
	char err[1024];

	if (rp->policies.nr != 1)
		bad_input(rp, "--expected: %u policies, expected one, or a kernel tree",
			  rp->policies.nr);
	if (rp->sweep)
		bad_input(rp, "--expected says nothing about the runs of --fail-sweep; expected "
			      "one of the two");
	judge_config(&cfg, rp->backend, policy);
	cfg.twin = rp->twin;
	if (expected_load(&rp->expected, rp->expected_arg, &cfg, policy->claims, err, sizeof(err)))
		bad_input(rp, "--expected: %s", err);
}

static void add_trace(struct replay *rp, const char *path)
{
	struct trace *more = realloc(rp->traces, (rp->nr_traces + 1) * sizeof(*more));
	char err[1024];

	if (!more)
		bad_input(rp, "out of memory");
	rp->traces = more;
	if (trace_load(&rp->traces[rp->nr_traces++], path, err, sizeof(err)))
		bad_input(rp, "%s", err);
	if (!rp->traces[rp->nr_traces - 1].nr_ops)
		fprintf(stderr, "%s: no op in it: nothing is shown by it\n", path);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct replay *rp = state->input;

	switch (key) {
	case 'p':
		parse_policy(rp, arg);
		return 0;
	case 'b':
		rp->backend = parse_backend(rp, arg);
		return 0;
	case 'D':
		rp->twin = parse_backend(rp, arg ? arg : backend_core.name);
		return 0;
	case 'e':
		rp->expected_arg = arg;
		return 0;
	case 'j':
		rp->output = OUT_JSON;
		return 0;
	case 'k':
		rp->output = OUT_KTAP;
		return 0;
	case 'B':
		rp->output = OUT_BISECT;
		return 0;
	case 't':
		rp->events = true;
		return 0;
	case 'd':
		rp->digest = true;
		return 0;
	case 'l':
		parse_limit(rp, arg);
		return 0;
	case 'c':
		parse_check(rp, arg);
		return 0;
	case 'f':
		rp->sweep = true;
		return 0;
	case ARGP_KEY_ARG:
		add_trace(rp, arg);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no trace given: name files, or - for standard input");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.args_doc = "FILE...|-",
	.doc = "Replay traces (text, or binary as fuzzers write it) under flush policies and judge "
	       "them: contracts, the op that broke one, the op that should have flushed, flushes "
	       "beside the lower bound.\v"
	       "Exit: 0 everything as the policies claim, or as the expect lines of the trace say; "
	       "1 not so; 2 bad input.",
};

/* --- one run ----------------------------------------------------------------- */

static FILE *side_output(const struct replay *rp)
{
	return rp->output == OUT_TEXT ? stdout : stderr;
}

static void on_event(void *ctx, u32 op, const struct machine_event *ev)
{
	print_event(side_output(ctx), op, ev);
}

static void configure(const struct replay *rp, const struct trace *t,
		      const struct flush_policy *policy, struct run_config *cfg)
{
	judge_config(cfg, rp->backend, policy);
	cfg->twin = rp->twin;
	cfg->check = rp->check_given	     ? rp->check
		     : t->nr_ops > CHECK_OPS ? RUN_CHECK_END
					     : cfg->check;
	cfg->temp_limit = rp->temp_limit;
	cfg->digests = rp->digest ? RUN_DIGESTS_LOGIC : RUN_DIGESTS_NONE;
	cfg->ctx = (void *)rp;
	cfg->event = rp->events ? on_event : NULL;
}

static void run_trace(struct replay *rp, const struct trace *t)
{
	size_t at = 0;
	u32 op = 0;

	while (run_step(rp->run, &t->program, &at))
		if (rp->events && ++op <= run_ops(rp->run))
			print_op(side_output(rp), t, op, run_result(rp->run, op));
	run_finish(rp->run);
}

static void start_run(struct replay *rp, const struct run_config *cfg)
{
	int rc = 0;

	if (rp->run)
		rc = run_reset(rp->run, cfg);
	else
		rp->run = run_create(cfg);
	if (rc || !rp->run)
		bad_input(rp, "cannot start a run: %s", strerror(rc ? -rc : errno));
}

/* --- known deviations --------------------------------------------------------- */

static void add_deviation(struct replay *rp, const struct rule *rule)
{
	int known = expected_find(&rp->expected, rp->run, rule);
	char signature[EXPECTED_TEXT];
	json_t *o;

	expected_signature(rp->run, rule, signature);
	o = json_pack("{s:s, s:I, s:s, s:s?}", "rule", rule->name, "op",
		      (json_int_t)rule_op(rp->run, rule), "signature", signature, "expected",
		      known < 0 ? NULL : rp->expected.entry[known].name);
	if (!o || json_array_append_new(rp->deviations, o))
		bad_input(rp, "out of memory");
}

static bool told_before(const struct verdict *v, u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		if (!strcmp(v->finding[i].rule, v->finding[nr].rule))
			return true;
	return false;
}

/* All that is wrong in the run, claimed or not and whatever the trace says about it. */
static void list_deviations(struct replay *rp, const struct verdict *v)
{
	struct rule rule;

	rp->deviations = json_array();
	for (u32 c = 0; c < SHADOW_CONTRACTS; c++) {
		rule = rule_of_contract(c);
		if (v->contract[c].broken)
			add_deviation(rp, &rule);
	}
	for (u32 i = 0; i < v->nr_findings; i++) {
		rule = rule_of_finding(v->finding[i].rule);
		if (!told_before(v, i))
			add_deviation(rp, &rule);
	}
}

/* As nosnoop-fuzz judges: what is first decides, the rest may be its consequence. */
static void look_up_deviation(struct replay *rp, struct verdict *v)
{
	struct rule rule;
	int known = -1;

	rp->known = NULL;
	if (!rp->expected_arg || v->outcome == JUDGE_SKIP)
		return;
	if (v->outcome == JUDGE_BAD && rule_first(rp->run, v->policy->claims, &rule))
		known = expected_find(&rp->expected, rp->run, &rule);
	if (known >= 0) {
		rp->known = rp->expected.entry[known].name;
		v->outcome = JUDGE_GOOD;
	}
	if (rp->output == OUT_JSON)
		list_deviations(rp, v);
}

/* --- the sweep --------------------------------------------------------------- */

static void on_bad_case(void *ctx, const struct run *r, const struct sweep_case *c)
{
	struct replay *rp = ctx;
	char text[160], line[300];
	struct verdict *v;

	if (rp->output == OUT_BISECT || rp->told++ >= SWEEP_TOLD)
		return;
	v = malloc(sizeof(*v));
	if (!v)
		return;
	judge(r, &(struct program){0}, v);
	trace_op_text(rp->trace, c->op, text, sizeof(text));
	snprintf(line, sizeof(line), "%s, %s: op %u (%s) fails at place %u (%s):", rp->trace->path,
		 rp->policy->name, c->op, text, c->nth, fault_name(c->point));
	print_wrapped(side_output(rp), "# ", line);
	verdict_reasons(side_output(rp), "#   ", rp->trace, v);
	free(v);
}

static void sweep(struct replay *rp, const struct trace *t, const struct flush_policy *policy,
		  struct sweep *s)
{
	struct run_config cfg;

	configure(rp, t, policy, &cfg);
	cfg.shadow_flags = 0;
	cfg.digests = RUN_DIGESTS_NONE;
	cfg.event = NULL;
	*s = (struct sweep){.on_bad = on_bad_case, .ctx = rp};
	s->tail = t->nr_ops > SWEEP_WHOLE ? SWEEP_TAIL : 0;
	s->every = 1 + t->nr_ops / SWEEP_WHOLE;
	rp->trace = t;
	rp->policy = policy;
	rp->told = 0;
	if (sweep_run(rp->run, &cfg, &t->program, s))
		rp->skip = true;
	rp->bad |= s->bad;
}

/* --- output ------------------------------------------------------------------ */

static void show_progress(struct replay *rp, const char *path, const char *policy)
{
	if (!rp->progress)
		return;
	fprintf(stderr, "\r\033[K[%u/%u] %.40s %.25s", rp->done + 1,
		rp->nr_traces * rp->policies.nr, path, policy);
	fflush(stderr);
}

static void end_progress(const struct replay *rp)
{
	if (rp->progress)
		fprintf(stderr, "\r\033[K");
}

static void print_sweep(const char *lead, const struct sweep *s)
{
	printf("%s%llu failures injected into %u requests, %llu bad\n", lead,
	       (unsigned long long)s->cases, s->ops, (unsigned long long)s->bad);
}

static void out_json(struct replay *rp, const struct trace *t, const struct verdict *v,
		     const struct sweep *s)
{
	json_t *o = verdict_json(t, v);
	char digest[32];

	if (!o)
		bad_input(rp, "out of memory");
	if (rp->expected_arg) {
		json_object_set_new(o, "known", rp->known ? json_string(rp->known) : json_null());
		json_object_set_new(o, "deviations",
				    rp->deviations ? rp->deviations : json_array());
		rp->deviations = NULL;
	}
	if (rp->digest) {
		snprintf(digest, sizeof(digest), "0x%016llx", (unsigned long long)v->digest);
		json_object_set_new(o, "digest", json_string(digest));
	}
	if (rp->sweep)
		json_object_set_new(o, "sweep",
				    json_pack("{s:I, s:I, s:I}", "requests", (json_int_t)s->ops,
					      "cases", (json_int_t)s->cases, "bad",
					      (json_int_t)s->bad));
	json_array_append_new(rp->results, o);
}

static void out_ktap(struct replay *rp, const struct trace *t, const struct verdict *v,
		     const struct sweep *s)
{
	bool ok = v->outcome != JUDGE_BAD && !(rp->sweep && s->bad);

	if (!ok)
		verdict_reasons(stdout, "# ", t, v);
	if (rp->sweep)
		print_sweep("# ", s);
	if (rp->known)
		printf("# known deviation: %s\n", rp->known);
	printf("%s %u %s %s%s\n", ok ? "ok" : "not ok", rp->done + 1, t->path, v->policy->name,
	       v->outcome == JUDGE_SKIP ? " # SKIP out of memory" : "");
}

/* The long form reads the run: it comes before a sweep uses it again. */
static void out_text(struct replay *rp, const struct trace *t, const struct verdict *v)
{
	if (rp->policies.nr > 1)
		verdict_table_row(stdout, v);
	else
		verdict_print(stdout, t, rp->run, v);
	if (rp->known)
		printf("  known deviation: %s\n", rp->known);
	if (rp->digest)
		printf("  digest 0x%016llx\n", (unsigned long long)v->digest);
}

static void replay_one(struct replay *rp, const struct trace *t, const struct flush_policy *policy,
		       struct verdict *v)
{
	struct run_config cfg;
	struct sweep s = {0};

	show_progress(rp, t->path, policy->name);
	configure(rp, t, policy, &cfg);
	start_run(rp, &cfg);
	run_trace(rp, t);
	judge(rp->run, &t->program, v);
	look_up_deviation(rp, v);
	end_progress(rp);
	rp->bad |= v->outcome == JUDGE_BAD;
	rp->skip |= v->outcome == JUDGE_SKIP;
	if (rp->output == OUT_TEXT)
		out_text(rp, t, v);
	if (rp->sweep)
		sweep(rp, t, policy, &s);
	if (rp->output == OUT_TEXT && rp->sweep)
		print_sweep("  ", &s);
	else if (rp->output == OUT_JSON)
		out_json(rp, t, v, &s);
	else if (rp->output == OUT_KTAP)
		out_ktap(rp, t, v, &s);
	rp->done++;
}

static void table_reasons(const struct replay *rp, const struct trace *t)
{
	char lead[96];

	for (u32 i = 0; i < rp->policies.nr; i++) {
		if (rp->verdicts[i].outcome != JUDGE_BAD)
			continue;
		snprintf(lead, sizeof(lead), "! %s: ", rp->policies.policy[i]->name);
		verdict_reasons(stdout, lead, t, &rp->verdicts[i]);
	}
}

static void replay_trace(struct replay *rp, const struct trace *t)
{
	bool table = rp->output == OUT_TEXT && rp->policies.nr > 1;

	if (table)
		verdict_table_head(stdout, t);
	for (u32 i = 0; i < rp->policies.nr; i++)
		replay_one(rp, t, rp->policies.policy[i], &rp->verdicts[i]);
	if (table)
		table_reasons(rp, t);
	if (rp->output == OUT_TEXT && t + 1 < rp->traces + rp->nr_traces)
		putchar('\n');
}

static int finish(struct replay *rp)
{
	json_t *root;

	if (rp->output == OUT_JSON) {
		root = json_pack("{s:o}", "results", rp->results);
		if (!root || json_dumpf(root, stdout, JSON_INDENT(1)))
			bad_input(rp, "cannot write the results");
		putchar('\n');
		json_decref(root);
	}
	if (fflush(stdout) || ferror(stdout))
		bad_input(rp, "standard output: the results cannot be written");
	for (u32 i = 0; i < rp->nr_traces; i++)
		trace_free(&rp->traces[i]);
	free(rp->traces);
	free(rp->verdicts);
	run_destroy(rp->run);
	policies_close(&rp->policies);
	if (rp->bad)
		return EXIT_BAD;
	if (rp->skip)
		return rp->output == OUT_BISECT ? EXIT_SKIP : EXIT_BAD;
	return 0;
}

int main(int argc, char **argv)
{
	struct replay rp = {.backend = &backend_core};

	argp_err_exit_status = EXIT_INPUT;
	argp_parse(&argp, argc, argv, 0, NULL, &rp);
	choose_policies(&rp);
	if (rp.expected_arg)
		load_expected(&rp);
	rp.verdicts = calloc(rp.policies.nr, sizeof(*rp.verdicts));
	rp.results = rp.output == OUT_JSON ? json_array() : NULL;
	if (!rp.verdicts || (rp.output == OUT_JSON && !rp.results))
		bad_input(&rp, "out of memory");
	rp.progress = isatty(STDERR_FILENO) && rp.policies.nr * rp.nr_traces > 1 && !rp.events;
	if (rp.output == OUT_KTAP)
		printf("KTAP version 1\n1..%u\n", rp.nr_traces * rp.policies.nr);
	for (u32 i = 0; i < rp.nr_traces; i++)
		replay_trace(&rp, &rp.traces[i]);
	return finish(&rp);
}
