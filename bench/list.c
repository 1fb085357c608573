// SPDX-License-Identifier: GPL-2.0-only
/* nosnoop-bench list: what there is to run, and a workload as a trace for nosnoop-replay. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/counters/show.h"
#include "bench/options.h"
#include "bench/runs.h"
#include "bench/workloads.h"

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
	{"size", 's', "SIZE", 0, "guest RAM of the workload boot (2G); others take a share", 0},
	{"seed", 'S', "N", 0, "which pages are scattered (1)", 0},
	{"corpus", 'C', "DIR", 0, "where recorded/ is (found)", 0},
	{"counters", 'k', "SOURCE", OPTION_ARG_OPTIONAL,
	 "list what can be counted here instead; by libperf, raw or none", 0},
	{"events", 'e', "LIST", 0, "with --counters: " COUNTER_EVENTS_HELP, 0},
	{"json", 'j', NULL, 0, "print JSON", 0},
	{0},
};

static void print_json(const struct workloads *all)
{
	json_t *list = json_array(), *root;

	for (u32 i = 0; i < all->nr; i++) {
		const struct workload *w = &all->w[i];

		json_array_append_new(list, json_pack("{sssssssbsIsI}", "command", "report", "name",
						      w->name, "what", w->what, "recorded",
						      w->recorded, "ops", (json_int_t)w->nr_ops,
						      "pages", (json_int_t)w->pages));
	}
	for (u32 i = 0; run_layout(i); i++)
		json_array_append_new(list,
				      json_pack("{ssssss}", "command", "run", "name",
						run_layout(i)->name, "what", run_layout(i)->what));
	root = json_pack("{so}", "workloads", list);
	json_dumpf(root, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(root);
}

static void print_text(const struct workloads *all)
{
	printf("report:\n");
	for (u32 i = 0; i < all->nr; i++)
		printf("  %-23s %s\n", all->w[i].name, all->w[i].what);
	printf("run --workload:\n");
	for (u32 i = 0; run_layout(i); i++)
		printf("  %-23s %s\n", run_layout(i)->name, run_layout(i)->what);
}

int list_main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "[WORKLOAD]",
		.doc = "Names the workloads; WORKLOAD: prints it as a trace for nosnoop-replay.",
	};
	struct list l = {.opt = {.size = 2ULL << 30, .seed = 1}};
	const struct workload *w;
	struct workloads all;
	char err[512], *corpus;
	int rc = 0;

	option_parse(&argp, argc, argv, &l);
	if (l.counters)
		return counters_list(l.source, l.events, l.json);
	corpus = workloads_corpus(l.corpus, err, sizeof(err));
	l.opt.corpus = corpus;
	if (!corpus)
		fprintf(stderr, "nosnoop-bench: %s; only the made workloads follow\n", err);
	if (workloads_make(&all, &l.opt, err, sizeof(err))) {
		free(corpus);
		return option_bad(err);
	}
	w = l.name ? workloads_find(&all, l.name) : NULL;
	if (w)
		fputs(w->text, stdout);
	else if (l.name)
		rc = option_bad("no such workload of the report, see `nosnoop-bench list`");
	else if (l.json)
		print_json(&all);
	else
		print_text(&all);
	workloads_free(&all);
	free(corpus);
	return rc;
}
