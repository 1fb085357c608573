// SPDX-License-Identifier: GPL-2.0-only
/* nosnoop-bench run: arguments and output; the measuring is in runs.c. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/cleans.h"
#include "bench/options.h"
#include "bench/progress.h"
#include "bench/run_args.h"
#include "bench/runs.h"
#include "core/op/policies.h"

#define SIZE_MAX_RUN (64ULL << 30)
#define AIM_PAGE_NS  360.0 /* the aims are for a machine where cleaning a dirty page takes this */

static bool known_layout(const char *name)
{
	for (u32 i = 0; run_layout(i); i++)
		if (!strcmp(name, run_layout(i)->name))
			return true;
	return !strcmp(name, "all");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct run_args *a = state->input;

	switch (key) {
	case 'w':
		if (!known_layout(arg))
			argp_error(state,
				   "--workload %s: expected contiguous, scattered, churn or all",
				   arg);
		a->workload = arg;
		return 0;
	case 'd':
		a->domains = option_number(state, "domains", arg, 1, 64);
		return 0;
	case 's':
		a->size = option_size(state, "size", arg, 1 << 20, SIZE_MAX_RUN);
		return 0;
	case 'p':
		a->policy = arg;
		return 0;
	case 'n':
		a->reps = option_number(state, "reps", arg, 1, 100000);
		return 0;
	case 'b':
		a->backends = arg;
		return 0;
	case 'o':
		a->out = arg;
		return 0;
	case 'S':
		a->seed = option_number(state, "seed", arg, 0, ~0ULL);
		return 0;
	case 'k':
		a->counters = arg;
		return 0;
	case 'j':
		a->json = true;
		return 0;
	case ARGP_KEY_END:
		if (a->counters && !a->backends)
			argp_error(state, "--counters: expected --backend, which counts");
		if (a->out && !a->backends)
			argp_error(state, "--out DIR: expected --backend, whose tables go there");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{"workload", 'w', "NAME", 0, "contiguous, scattered, churn or all (all)", 0},
	{"domains", 'd', "N", 0, "NC domains of the table (1, then 4)", 0},
	{"size", 's', "SIZE", 0, "mapped at once (256M)", 0},
	{"policy", 'p', "P", 0, "flush policy; decides, but nothing is cleaned (none)", 0},
	{"reps", 'n', "N", 0, "repetitions (31)", 0},
	{"backend", 'b', "B,..", 0,
	 "core, linux or a tree's shared object: each beside the machine alone, and the first "
	 "one's "
	 "share of the others",
	 0},
	{"out", 'o', "DIR", 0, "with --backend: folder for costs.txt, costs.json and meta.json", 0},
	{"seed", 'S', "N", 0, "with --backend: the order of what is timed (1)", 0},
	{"counters", 'k', "SOURCE", 0, "with --backend: " COUNTERS_HELP, 0},
	{"json", 'j', NULL, 0, "print JSON", 0},
	{0},
};

static double aim(const struct run_layout *l, u32 domains)
{
	return domains == 1 ? l->aim1 : domains == 4 ? l->aim4 : 0;
}

static void print_head(const struct run_args *a, const struct flush_policy *policy, double page_ns)
{
	printf("page core alone, observer off, no memory, policy %s, %llu MiB\n", policy->name,
	       (unsigned long long)a->size >> 20);
	printf("ns per 4 KiB page (churn: per map+unmap pair), %u repetitions\n", a->reps);
	printf("allocs, bytes: per page, of core, policy and machine in their arena\n");
	printf("one dirty page, %s and drain: %.0f ns here, %.0f ns where the aims are set\n\n",
	       clean_best()->name, page_ns, AIM_PAGE_NS);
	printf("%-11s %7s %7s %8s %7s %8s %6s %6s %7s\n", "workload", "domains", "map", "unmap",
	       "both", "min both", "aim", "allocs", "bytes");
}

static void print_line(const struct run_options *o, const struct run_times *t)
{
	const struct alloc_arena *arena = &t->alloc.pass.arena;
	double goal = aim(o->layout, o->domains);
	char map[16] = "-", unmap[16] = "-", text[16] = "-";

	if (!o->layout->churn) {
		snprintf(map, sizeof(map), "%.2f", t->median.map);
		snprintf(unmap, sizeof(unmap), "%.2f", t->median.unmap);
	}
	if (goal)
		snprintf(text, sizeof(text), "<= %g", goal);
	printf("%-11s %7u %7s %8s %7.2f %8.2f %6s %6.3f %7.1f%s\n", o->layout->name, o->domains,
	       map, unmap, t->median.both, t->least.both, text,
	       (double)arena->allocations / t->pages, (double)arena->allocated / t->pages,
	       t->alloc.same ? "" : " ?");
	fflush(stdout);
}

static json_t *figures(const struct run_options *o, const struct run_figures *f)
{
	if (o->layout->churn)
		return json_pack("{sf}", "pair", f->both);
	return json_pack("{sfsfsf}", "map", f->map, "unmap", f->unmap, "both", f->both);
}

/* Of a repetition, in all: integers, so that two builds compare exactly. */
static json_t *alloc_json(const struct run_alloc *a)
{
	const struct alloc *p = &a->pass;
	json_t *allocated = p->heap.known ? json_integer((json_int_t)p->heap.allocated)
					  : json_string("n/a"),
	       *freed = p->heap.known ? json_integer((json_int_t)p->heap.freed)
				      : json_string("n/a");

	return json_pack("{sIsIsIsosososisb}", "allocations", (json_int_t)p->arena.allocations,
			 "bytes", (json_int_t)p->arena.allocated, "bytes_freed",
			 (json_int_t)p->arena.freed, "heap_bytes", allocated, "heap_bytes_freed",
			 freed, "heap", json_string(alloc_why_not() ? alloc_why_not() : "jemalloc"),
			 "leaking", (int)a->uneven, "same", a->same);
}

static json_t *to_json(const struct run_options *o, const struct run_times *t)
{
	double goal = aim(o->layout, o->domains);
	json_t *aim_json = goal ? json_real(goal) : json_null();

	return json_pack("{sssssisIsisososossso}", "workload", o->layout->name, "policy",
			 o->policy->name, "domains", (int)o->domains, "pages", (json_int_t)t->pages,
			 "reps", (int)t->reps, "median", figures(o, &t->median), "min",
			 figures(o, &t->least), "aim", aim_json, "unit",
			 o->layout->churn ? "ns per pair" : "ns per 4 KiB page", "alloc",
			 alloc_json(&t->alloc));
}

static void say_leak(const struct run_options *o, const struct run_alloc *a)
{
	const struct alloc *w = &a->worst;

	fprintf(stderr,
		"nosnoop-bench: %s, %u domains: %u of %u repetitions left memory behind,"
		" the last of them %lld blocks and %lld bytes of the arena,"
		" %lld bytes of the heap\n",
		o->layout->name, o->domains, a->uneven, o->reps, (long long)w->arena.live_blocks,
		(long long)(w->arena.allocated - w->arena.freed),
		(long long)(w->heap.allocated - w->heap.freed));
}

static int run_one(const struct run_args *a, struct run_options *o, json_t *list, bool *leaks)
{
	struct run_times t;
	int rc;

	progress(progress_wanted(), "%s, %u domains", o->layout->name, o->domains);
	rc = run_layout_time(o, &t);
	progress_end(progress_wanted());
	if (rc) {
		fprintf(stderr, "nosnoop-bench: %s: %s\n", o->layout->name, strerror(-rc));
		return 1;
	}
	if (a->json)
		json_array_append_new(list, to_json(o, &t));
	else
		print_line(o, &t);
	*leaks |= t.alloc.uneven;
	if (t.alloc.uneven)
		say_leak(o, &t.alloc);
	return 0;
}

/* 0, or 1: failed. @leaks: something was left behind, all rows are there. */
static int run_all(const struct run_args *a, const struct flush_policy *policy, json_t *list,
		   bool *leaks)
{
	static const u32 both[] = {1, 4};
	int rc = 0;

	for (u32 i = 0; !rc && run_layout(i); i++) {
		if (strcmp(a->workload, "all") && strcmp(a->workload, run_layout(i)->name))
			continue;
		for (u32 k = 0; !rc && k < (a->domains ? 1 : ARRAY_SIZE(both)); k++) {
			struct run_options o = {
				.layout = run_layout(i),
				.policy = policy,
				.domains = a->domains ? a->domains : both[k],
				.size = a->size,
				.reps = a->reps,
			};

			rc = run_one(a, &o, list, leaks);
		}
	}
	return rc;
}

int run_main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = "Times map and unmap of the page core alone: no observer, no memory behind "
		       "the "
		       "pages, nothing cleaned.",
	};
	struct run_args a = {.workload = "all", .size = 256ULL << 20, .reps = 31, .seed = 1};
	struct policies policies = {0};
	json_t *list, *root;
	double page_ns;
	bool leaks = false;
	char err[2048];
	int rc;

	a.command = option_line(argc, argv);
	option_parse(&argp, argc, argv, &a);
	if (a.backends) {
		rc = run_backends(&a);
		free(a.command);
		return rc;
	}
	free(a.command);
	list = json_array();
	page_ns = cleans_one_page();
	if (policies_add(&policies, a.policy ? a.policy : "none", err, sizeof(err)))
		return option_bad(err);
	if (policies.nr != 1)
		return option_bad("--policy: expected one policy");
	if (!a.json)
		print_head(&a, policies.policy[0], page_ns);
	rc = run_all(&a, policies.policy[0], list, &leaks);
	if (!a.json && !rc && !leaks)
		printf("\nNothing was left behind by any repetition (malloc(): %s).\n",
		       alloc_why_not() ? alloc_why_not() : "counted, too");
	root = json_pack("{sosfsf}", "runs", list, "clean_page_ns", page_ns, "aim_clean_page_ns",
			 AIM_PAGE_NS);
	if (a.json && !rc) {
		json_dumpf(root, stdout, JSON_INDENT(1));
		putchar('\n');
	}
	json_decref(root);
	policies_close(&policies);
	return rc || leaks;
}
