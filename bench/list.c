// SPDX-License-Identifier: GPL-2.0-only
/* nosnoop-bench list: what there is to run, and a workload as a trace for nosnoop-replay. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/counters/show.h"
#include "bench/options.h"
#include "bench/runs.h"
#include "bench/sweep.h"
#include "bench/workloads/families.h"

struct list {
	struct workload_options opt;
	const char *corpus, *name, *source, *events;
	bool counters;
	bool json;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct list *l = state->input;

	switch (key) {
	case 's':
		l->opt.size = option_size(state, "size", arg, WORKLOAD_SIZE_MIN, WORKLOAD_SIZE_MAX);
		return 0;
	case 'S':
		l->opt.seed = option_number(state, "seed", arg, 0, UINT64_MAX);
		return 0;
	case 'C':
		l->corpus = arg;
		return 0;
	case 'k':
		l->counters = true;
		l->source = arg;
		return 0;
	case 'e':
		l->events = arg;
		return 0;
	case ARGP_KEY_END:
		if (l->events && !l->counters)
			argp_error(state, "--events: expected --counters, which lists them");
		if (l->name && l->counters)
			argp_error(state,
				   "--counters %s: expected no workload with it, or "
				   "--counters=SOURCE",
				   l->name);
		if (l->name && l->json)
			argp_error(state,
				   "--json %s: expected no workload with it: one is printed as "
				   "a trace",
				   l->name);
		return 0;
	case 'j':
		l->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (l->name)
			argp_error(state, "%s: expected one workload", arg);
		l->name = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{"size", 's', "SIZE", 0, "guest RAM of the workload boot (2G); some take a share of it", 0},
	{"seed", 'S', "N", 0, "which pages are scattered (1)", 0},
	{"corpus", 'C', "DIR", 0, "where recorded/ is (found)", 0},
	{"counters", 'k', "SOURCE", OPTION_ARG_OPTIONAL,
	 "list what can be counted here instead; by libperf, raw or none", 0},
	{"events", 'e', "LIST", 0, "with --counters: " COUNTER_EVENTS_HELP, 0},
	{"json", 'j', NULL, 0, "print JSON", 0},
	{0},
};

/* The family of a made workload with a parameter; else NULL. */
static const struct workload_family *family_of(const struct workload *w)
{
	size_t n = strcspn(w->name, ":");

	for (u32 i = 0; w->parameter && workload_family(i); i++)
		if (strlen(workload_family(i)->name) == n &&
		    !strncmp(workload_family(i)->name, w->name, n))
			return workload_family(i);
	return NULL;
}

static json_t *parameter_json(const struct workload_family *f)
{
	json_t *sweep = json_array();

	for (const u32 *v = f->sweep; *v; v++)
		json_array_append_new(sweep, json_integer(*v));
	return json_pack("{sssssisiso}", "family", f->name, "parameter", f->parameter, "least",
			 (int)f->least, "most", (int)f->most, "sweep", sweep);
}

static json_t *workload_json(const struct workload *w)
{
	json_t *o = json_pack("{sssssssbsIsI}", "command", "report", "name", w->name, "what",
			      w->what, "recorded", w->recorded, "ops", (json_int_t)w->nr_ops,
			      "pages", (json_int_t)w->pages);
	const struct workload_family *f = family_of(w);

	if (f)
		json_object_set_new(o, "parameter", parameter_json(f));
	return o;
}

static void print_json(const struct workloads *all)
{
	json_t *list = json_array(), *sweeps = json_array(), *root;

	for (u32 i = 0; i < all->nr; i++)
		json_array_append_new(list, workload_json(&all->w[i]));
	for (u32 i = 0; run_layout(i); i++)
		json_array_append_new(list,
				      json_pack("{ssssss}", "command", "run", "name",
						run_layout(i)->name, "what", run_layout(i)->what));
	for (u32 i = 0; sweep_name(i); i++)
		json_array_append_new(sweeps, json_string(sweep_name(i)));
	root = json_pack("{soso}", "workloads", list, "sweeps", sweeps);
	json_dumpf(root, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(root);
}

static void print_parameter(const struct workload_family *f)
{
	printf("    :N %s, %u..%u; sweep", f->parameter, f->least, f->most);
	for (const u32 *v = f->sweep; *v; v++)
		printf("%s%u", v == f->sweep ? " " : ",", *v);
	putchar('\n');
}

static void print_text(const struct workloads *all)
{
	printf("report, compare:\n");
	for (u32 i = 0; i < all->nr; i++) {
		printf("  %-15s %s\n", all->w[i].name, all->w[i].what);
		if (family_of(&all->w[i]))
			print_parameter(family_of(&all->w[i]));
	}
	printf("compare --sweep:\n ");
	for (u32 i = 0; sweep_name(i); i++)
		printf(" %s", sweep_name(i));
	printf("\nrun --workload:\n");
	for (u32 i = 0; run_layout(i); i++)
		printf("  %-15s %s\n", run_layout(i)->name, run_layout(i)->what);
}

int list_main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "[WORKLOAD]",
		.doc = "Names the workloads; WORKLOAD (NAME or NAME:N): prints it as a trace for "
		       "nosnoop-replay.",
	};
	struct list l = {.opt = {.size = 2ULL << 30, .seed = 1}};
	struct workloads all;
	char err[512], *corpus;
	int rc = 0;

	option_parse(&argp, argc, argv, &l);
	if (l.counters)
		return counters_list(l.source, l.events, l.json);
	l.opt.names = l.name;
	corpus = workloads_corpus(l.corpus, err, sizeof(err));
	l.opt.corpus = corpus;
	if (!corpus)
		fprintf(stderr, "nosnoop-bench: %s; only the made workloads follow\n", err);
	if (workloads_make(&all, &l.opt, err, sizeof(err))) {
		free(corpus);
		return option_bad(err);
	}
	if (l.name && all.nr > 1)
		rc = option_bad("expected the name of one workload, see `nosnoop-bench list`");
	else if (l.name)
		fputs(all.w[0].text, stdout);
	else if (l.json)
		print_json(&all);
	else
		print_text(&all);
	workloads_free(&all);
	free(corpus);
	return rc;
}
