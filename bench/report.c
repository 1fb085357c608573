// SPDX-License-Identifier: GPL-2.0-only
/* nosnoop-bench report: the main job. */
#include <stdlib.h>
#include <time.h>

#include "bench/options.h"
#include "bench/output.h"
#include "bench/progress.h"
#include "bench/results.h"

#define SIZE_DEFAULT (2ULL << 30)
#define SIZE_STEP    (64ULL << 20)

struct report_args {
	struct report r;
	const char *out, *policy, *clean;
	const char *corpus;
	const char *counters, *events;
	struct counter_choice choice;
	bool json;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct report_args *a = state->input;

	switch (key) {
	case 'o':
		a->out = arg;
		return 0;
	case 's':
		a->r.workload.size =
			option_size(state, "size", arg, WORKLOAD_SIZE_MIN, WORKLOAD_SIZE_MAX);
		return 0;
	case 'p':
		a->policy = arg;
		return 0;
	case 'c':
		a->clean = arg;
		return 0;
	case 'C':
		a->corpus = arg;
		return 0;
	case 'S':
		a->r.workload.seed = option_number(state, "seed", arg, 0, UINT64_MAX);
		return 0;
	case 't':
		a->r.options.seconds = option_number(state, "seconds", arg, 0, 86400);
		return 0;
	case 'n':
		a->r.options.rounds = option_number(state, "rounds", arg, 1, SURVEY_ROUNDS);
		return 0;
	case 'l':
		for (u32 i = 0; i < MEMORY_LINES_NR; i++) {
			a->r.options.rig.lines = i;
			if (!strcmp(arg, memory_lines_name[i]))
				return 0;
		}
		argp_error(state, "--lines %s: expected dirty, clean or uncached", arg);
		return 0;
	case 'k':
		a->counters = arg;
		return 0;
	case 'e':
		a->events = arg;
		return 0;
	case 'j':
		a->json = true;
		return 0;
	case ARGP_KEY_END:
		if (!a->out)
			argp_error(state, "expected --out DIR");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{"out", 'o', "DIR", 0, "folder for report.txt, results.json and meta.json", 0},
	{"size", 's', "SIZE", 0, "guest RAM of the workload boot (2G, or what memory allows)", 0},
	{"policy", 'p', "P,..", 0, "names, all, sound, or a shared object (all)", 0},
	{"clean", 'c', "NAME", 0, "clean primitive (the fastest that invalidates)", 0},
	{"lines", 'l', "STATE", 0,
	 "of lines before they are flushed: dirty, clean, uncached (dirty)", 0},
	{"corpus", 'C', "DIR", 0, "where recorded/ is (found)", 0},
	{"seed", 'S', "N", 0, "scattered pages, order of runs (1)", 0},
	{"seconds", 't', "N", 0, "for timed runs; every one is made once at least (110)", 0},
	{"rounds", 'n', "N", 0, "of timed runs, at most (5)", 0},
	{"counters", 'k', "SOURCE", 0, COUNTERS_HELP, 0},
	{"events", 'e', "LIST", 0, COUNTER_EVENTS_HELP, 0},
	{"json", 'j', NULL, 0, "print results.json instead of the tables", 0},
	{0},
};

/* A quarter of what is free stays, so that arenas and the rest of the machine have room. */
static int choose_size(struct report_args *a, char *err, size_t errlen)
{
	u64 room = memory_available() / 4 * 3;

	if (!room)
		room = a->r.workload.size ? a->r.workload.size : SIZE_DEFAULT;
	if (!a->r.workload.size)
		a->r.workload.size =
			max(min(SIZE_DEFAULT, round_down(room, SIZE_STEP)), WORKLOAD_SIZE_MIN);
	a->r.workload.size = round_down(a->r.workload.size, SIZE_STEP);
	if (a->r.workload.size <= room)
		return 0;
	snprintf(err, errlen, "--size %lluM: expected at most %lluM, three quarters of free memory",
		 (unsigned long long)a->r.workload.size >> 20, (unsigned long long)room >> 20);
	return -EINVAL;
}

/* Everything that bad input can spoil, before the work starts. */
static int prepare(struct report_args *a, char *err, size_t errlen)
{
	struct report *r = &a->r;
	int rc = survey_policies(&r->survey.policies, a->policy, err, errlen);

	if (!rc)
		rc = counter_choose(&a->choice, a->counters, a->events, err, errlen);
	r->options.counters = &a->choice;
	if (!rc)
		rc = choose_size(a, err, errlen);
	if (rc)
		return rc;
	r->corpus = workloads_corpus(a->corpus, err, errlen);
	if (!r->corpus)
		return -ENOENT;
	r->workload.corpus = r->corpus;
	rc = workloads_make(&r->survey.workloads, &r->workload, err, errlen);
	for (u32 i = 0; !rc && i < r->survey.workloads.nr; i++)
		r->options.rig.size =
			max(r->options.rig.size, r->survey.workloads.w[i].largest << PAGE_SHIFT);
	return rc;
}

static int work(struct report *r, char *err, size_t errlen)
{
	struct cleans_options cleans = cleans_brief;
	int rc;

	cleans.seed = r->workload.seed;
	r->survey.seed = r->workload.seed;
	r->survey.progress = progress_wanted();
	rc = survey_judge(&r->survey, err, errlen);
	if (!rc)
		rc = survey_time(&r->survey, &r->options, err, errlen);
	if (!rc)
		rc = cleans_time(&cleans, &r->cleans);
	return rc;
}

static struct output_file file_of_json(const char *name, const json_t *json)
{
	char *text = json_dumps(json, JSON_INDENT(1) | JSON_REAL_PRECISION(15));

	return (struct output_file){name, text, text ? strlen(text) : 0};
}

static int save(const struct report_args *a, const struct output *out, char *err, size_t errlen)
{
	json_t *results = results_json(&a->r), *meta = meta_json(&a->r);
	char *text = NULL;
	struct output_file files[3];
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	int rc = -ENOMEM;

	snprintf(err, errlen, "results: %s", strerror(ENOMEM));
	files[0] = file_of_json("results.json", results);
	files[1] = file_of_json("meta.json", meta);
	if (f) {
		report_print(f, &a->r, meta);
		if (fclose(f))
			len = 0;
	}
	files[2] = (struct output_file){"report.txt", text, len};
	if (files[0].data && files[1].data && len)
		rc = output_write(out, files, ARRAY_SIZE(files), err, errlen);
	if (!rc)
		fputs(a->json ? files[0].data : text, stdout);
	free((char *)files[0].data);
	free((char *)files[1].data);
	free(text);
	json_decref(results);
	json_decref(meta);
	return rc;
}

static void free_report(struct report_args *a)
{
	struct report *r = &a->r;

	survey_free(&r->survey);
	workloads_free(&r->survey.workloads);
	policies_close(&r->survey.policies);
	free(r->corpus);
	cleans_free(&r->cleans);
	free(r->arguments);
	counter_choice_free(&a->choice);
}

int report_main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = "Judges every policy on every workload, then times it on real pages beside "
		       "the "
		       "policy that never flushes. Writes DIR whole or not at all.",
	};
	struct report_args a = {
		.policy = "all",
		.r.workload.seed = 1,
		.r.options = {.seconds = 110, .rounds = SURVEY_ROUNDS},
	};
	char err[2048] = "";
	struct output out;
	int rc;

	a.r.arguments = option_line(argc, argv);
	option_parse(&argp, argc, argv, &a);
	a.r.options.rig.clean = option_clean(a.clean);
	a.r.date = time(NULL);
	if (output_open(&out, a.out, err, sizeof(err)) || prepare(&a, err, sizeof(err))) {
		output_close(&out);
		free_report(&a);
		return option_bad(err);
	}
	rc = work(&a.r, err, sizeof(err));
	if (!rc)
		rc = save(&a, &out, err, sizeof(err));
	if (rc)
		fprintf(stderr, "nosnoop-bench: %s\n", err);
	output_close(&out);
	free_report(&a);
	return rc ? 1 : 0;
}
