// SPDX-License-Identifier: GPL-2.0-only
#include "bench/compare.h"

#include <stdlib.h>
#include <time.h>

#include "bench/options.h"
#include "bench/progress.h"
#include "bench/survey_args.h"
#include "core/flush/clean.h"

#define SIZE_DEFAULT (256ULL << 20)

struct compare_args {
	struct compare c;
	struct survey_args common;
	const char *workload, *old, *sweep;
};

enum { KEY_OLD = 256, KEY_FORM, KEY_SWEEP };

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct compare_args *a = state->input;

	switch (key) {
	case 'w':
		a->workload = arg;
		return 0;
	case KEY_OLD:
		a->old = arg;
		return 0;
	case KEY_FORM:
		if (strcmp(arg, "iommu") && strcmp(arg, "tables"))
			argp_error(state, "--form %s: expected tables or iommu", arg);
		a->c.form = arg;
		return 0;
	case KEY_SWEEP:
		a->sweep = arg;
		return 0;
	case ARGP_KEY_END:
		if (a->workload && (a->sweep || !strcmp(a->c.form, "iommu")))
			argp_error(state, "--workload: expected neither --sweep nor --form iommu "
					  "beside it, they have workloads of their own");
		if (a->sweep && !strcmp(a->c.form, "iommu"))
			argp_error(state, "--sweep: expected no --form iommu beside it");
		if (a->old && strcmp(a->c.form, "iommu"))
			argp_error(state, "--old: expected --form iommu beside it");
		return 0;
	default:
		return survey_args_parse(key, arg, state, &a->common);
	}
}

static const struct argp_option options[] = {
	{"policy", 'p', "P,..", 0, "names, all, sound, or a shared object (all)", 0},
	{"workload", 'w', "W,..", 0,
	 "NAME, NAME:N, FILE.ops, a recorded one, all, made, recorded (all)", 0},
	{"clean", 'c', "NAME,..", 0, "clean primitives (the fastest that invalidates)", 0},
	{"lines", 'l', "STATE", 0,
	 "of lines before they are flushed: dirty, clean, uncached (dirty)", 0},
	{"size", 's', "SIZE", 0, "guest RAM of the workload boot (256M); some take a share", 0},
	{"seconds", 't', "N", 0, "for timed runs; every one is made once at least (60)", 0},
	{"rounds", 'n', "N", 0, "of timed runs, at most (15)", 0},
	{"form", KEY_FORM, "FORM", 0, "tables, or iommu: map and unmap at 4K and 2M (tables)", 0},
	{"old", KEY_OLD, "P", 0, "of --form iommu: the policy to compare with (none)", 0},
	{"sweep", KEY_SWEEP, "NAME,..", 0,
	 "many-domains, many-areas, fragmentation, dirty-share, or all: curves instead", 0},
	{"seed", 'S', "N", 0, "scattered pages, order of runs (1)", 0},
	{"corpus", 'C', "DIR", 0, "where recorded/ is (found)", 0},
	{"counters", 'k', "SOURCE", 0, COUNTERS_HELP, 0},
	{"events", 'e', "LIST", 0, COUNTER_EVENTS_HELP, 0},
	{"json", 'j', NULL, 0, "print JSON", 0},
	{"out", 'o', "DIR", 0, "folder for compare.txt, compare.json and meta.json", 0},
	{0},
};

/* --- what is asked for ------------------------------------------------------------------------ */

static int add_cleans(struct compare *c, const char *names, char *err, size_t errlen)
{
	char *copy = strdup(names), *rest = copy, *name;
	int rc = copy ? 0 : -ENOMEM;

	while (!rc && (name = strsep(&rest, ","))) {
		const struct clean_ops *ops = clean_find(name, err, errlen);

		for (u32 i = 0; i < c->nr_cleans; i++)
			if (ops == c->clean[i])
				name = NULL; /* named twice */
		if (!ops)
			rc = -EINVAL;
		else if (name && c->nr_cleans < COMPARE_CLEANS)
			c->clean[c->nr_cleans++] = ops;
	}
	free(copy);
	return rc;
}

static s64 find_policy(const struct policies *p, const char *name)
{
	for (u32 i = 0; i < p->nr; i++)
		if (!strcmp(p->policy[i]->name, name))
			return i;
	return -1;
}

static int choose_policies(struct compare_args *a, char *err, size_t errlen)
{
	struct compare *c = &a->c;
	int rc = survey_policies(&c->policies, a->common.policy, err, errlen);
	u32 nr = c->policies.nr;

	if (rc || !a->old)
		return rc;
	rc = policies_add(&c->policies, a->old, err, errlen);
	if (rc)
		return rc;
	/* One policy: listed already, or the last one now. */
	c->old = find_policy(&c->policies, a->old);
	if (c->old < 0 && c->policies.nr == nr + 1)
		c->old = nr;
	if (c->old >= 0)
		return 0;
	snprintf(err, errlen, "--old %s: expected one policy", a->old);
	return -EINVAL;
}

static int check_sweeps(const char *names, char *err, size_t errlen)
{
	char *copy = strdup(names), *rest = copy, *name;
	int rc = copy ? 0 : -ENOMEM;

	while (!rc && (name = strsep(&rest, ",")))
		rc = sweep_check(name, err, errlen);
	free(copy);
	return rc;
}

/* Everything that bad input can spoil, before the work starts. */
static int prepare(struct compare_args *a, char *err, size_t errlen)
{
	struct compare *c = &a->c;
	struct workloads all;
	int rc = choose_policies(a, err, errlen);

	if (!rc)
		rc = counter_choose(&a->common.choice, a->common.counters, a->common.events, err,
				    errlen);
	c->options.counters = &a->common.choice;
	if (!rc && a->common.clean)
		rc = add_cleans(c, a->common.clean, err, errlen);
	if (!rc && a->sweep && c->nr_cleans > 1) {
		snprintf(err, errlen, "--clean %s: expected one beside --sweep", a->common.clean);
		rc = -EINVAL;
	}
	if (!c->nr_cleans)
		c->clean[c->nr_cleans++] = clean_best();
	if (!rc && a->sweep && strcmp(a->sweep, "all"))
		rc = check_sweeps(a->sweep, err, errlen);
	if (!rc)
		rc = survey_size(&c->workload.size, SIZE_DEFAULT, err, errlen);
	if (rc || a->sweep)
		return rc;
	c->workload.names = strcmp(c->form, "iommu") ? a->workload : "churn-4k,churn-2m";
	for (u32 i = 0; !rc && i < c->nr_cleans; i++) {
		rc = workloads_make(&all, &c->workload, err, errlen);
		if (!rc)
			c->survey[i].workloads = all;
	}
	return rc;
}

/* --- the work --------------------------------------------------------------------------------- */

static int survey_one(struct compare *c, u32 i, char *err, size_t errlen)
{
	struct survey *s = &c->survey[i];
	struct survey_options o = c->options;
	int rc;

	s->policies = c->policies;
	s->seed = c->workload.seed;
	s->progress = progress_wanted();
	o.seconds /= c->nr_cleans;
	o.rig.clean = c->clean[i];
	o.rig.size = workloads_memory(&s->workloads);
	rc = survey_judge(s, o.rig.clean, err, errlen);
	if (!rc)
		rc = survey_time(s, &o, err, errlen);
	rig_destroy(&s->rig); /* the next one's memory may need the room */
	return rc;
}

static int sweep_one(struct compare *c, const struct policies *policies, const char *name, u32 of,
		     char *err, size_t errlen)
{
	struct sweep_options opt = {
		.workload = c->workload,
		.rig = c->options.rig,
		.seconds = c->options.seconds / of,
		.rounds = c->options.rounds,
		.progress = progress_wanted(),
	};

	opt.rig.clean = c->clean[0];
	return sweep_run(&c->sweeps, name, policies, &opt, err, errlen);
}

/* Is @name one of @names, which commas separate? */
static bool names_hold(const char *names, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = names; (at = strstr(at, name)); at += n)
		if ((at == names || at[-1] == ',') && (!at[n] || at[n] == ','))
			return true;
	return false;
}

static bool sweep_wanted(const char *names, const char *name)
{
	return !strcmp(names, "all") || names_hold(names, name);
}

static int sweep_all(struct compare_args *a, char *err, size_t errlen)
{
	struct compare *c = &a->c;
	struct policies few;
	u32 nr = 0;
	int rc = 0;

	for (u32 i = 0; sweep_name(i); i++)
		nr += sweep_wanted(a->sweep, sweep_name(i));
	c->swept = true;
	/* Curves of all would be no picture; who names policies gets those. */
	sweep_policies(&few, &c->policies);
	for (u32 i = 0; !rc && sweep_name(i); i++)
		if (sweep_wanted(a->sweep, sweep_name(i)))
			rc = sweep_one(c, strcmp(a->common.policy, "all") ? &c->policies : &few,
				       sweep_name(i), nr, err, errlen);
	return rc ? rc : wbinvd_compute(&c->wbinvd, c->clean[0]);
}

static int work(struct compare_args *a, char *err, size_t errlen)
{
	int rc = 0;

	if (a->sweep)
		return sweep_all(a, err, errlen);
	for (u32 i = 0; !rc && i < a->c.nr_cleans; i++)
		rc = survey_one(&a->c, i, err, errlen);
	return rc;
}

/* --- what came out ---------------------------------------------------------------------------- */

static json_t *meta(const struct compare_args *a, const char *arguments)
{
	struct counters counters;
	json_t *o;

	counters_open(&counters, a->common.choice.source, &a->common.choice.list);
	o = meta_machine(&counters, a->c.workload.corpus, time(NULL), arguments);
	counters_close(&counters);
	return o;
}

static int save(const struct compare_args *a, const struct output *out, const char *arguments,
		char *err, size_t errlen)
{
	json_t *json = compare_json(&a->c), *about = meta(a, arguments);
	struct output_file files[] = {results_file("compare.json", json),
				      results_file("meta.json", about),
				      {"compare.txt", NULL, 0}};
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	int rc = 0;

	if (f) {
		compare_print(f, &a->c, about);
		if (fclose(f))
			len = 0;
	}
	files[2].data = text;
	files[2].size = len;
	snprintf(err, errlen, "results: %s", strerror(ENOMEM));
	if (!files[0].data || !files[1].data || !len)
		rc = -ENOMEM;
	else if (a->common.out)
		rc = output_write(out, files, ARRAY_SIZE(files), err, errlen);
	if (!rc)
		fputs(a->common.json ? files[0].data : text, stdout);
	for (u32 i = 0; i < ARRAY_SIZE(files); i++)
		free((char *)files[i].data);
	json_decref(json);
	json_decref(about);
	return rc;
}

static void free_args(struct compare_args *a, struct output *out, char *arguments, char *corpus)
{
	for (u32 i = 0; i < a->c.nr_cleans; i++) {
		survey_free(&a->c.survey[i]);
		workloads_free(&a->c.survey[i].workloads);
	}
	sweeps_free(&a->c.sweeps);
	policies_close(&a->c.policies);
	counter_choice_free(&a->common.choice);
	if (a->common.out)
		output_close(out);
	free(arguments);
	free(corpus);
}

int compare_main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = "Policies, workloads and clean primitives side by side: every policy is "
		       "judged and "
		       "timed on every workload, beside the policy that never flushes.",
	};
	struct compare_args a = {
		.common = {.policy = "all", .options = &a.c.options, .workload = &a.c.workload},
		.c = {.form = "tables",
		      .workload.seed = 1,
		      .options = {.seconds = 60, .rounds = 15}},
	};
	char err[2048] = "", *arguments = option_line(argc, argv), *corpus;
	struct output out = {0};
	int rc = 0;

	option_parse(&argp, argc, argv, &a);
	corpus = workloads_corpus(a.common.corpus, err, sizeof(err));
	a.c.workload.corpus = corpus;
	if (!corpus || (a.common.out && output_open(&out, a.common.out, err, sizeof(err))) ||
	    prepare(&a, err, sizeof(err))) {
		free_args(&a, &out, arguments, corpus);
		return option_bad(err);
	}
	rc = work(&a, err, sizeof(err));
	if (!rc)
		rc = save(&a, &out, arguments, err, sizeof(err));
	if (rc)
		fprintf(stderr, "nosnoop-bench: %s\n", err);
	free_args(&a, &out, arguments, corpus);
	return rc ? 1 : 0;
}
