// SPDX-License-Identifier: GPL-2.0-only
/* nosnoop-bench report: the main job. */
#include <stdlib.h>
#include <time.h>

#include "bench/options.h"
#include "bench/output.h"
#include "bench/progress.h"
#include "bench/results.h"
#include "bench/survey_args.h"

#define SIZE_DEFAULT (2ULL << 30)
#define SWEEPS_PART  10 /* of the time goes to the curves */
#define SWEEP_ROUNDS 9
#define ROUNDS	     15

struct report_args {
	struct report r;
	struct survey_args common;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct report_args *a = state->input;

	switch (key) {
	case ARGP_KEY_END:
		if (!a->common.out)
			argp_error(state, "expected --out DIR");
		return 0;
	default:
		return survey_args_parse(key, arg, state, &a->common);
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
	{"rounds", 'n', "N", 0, "of timed runs, at most (15)", 0},
	{"counters", 'k', "SOURCE", 0, COUNTERS_HELP, 0},
	{"events", 'e', "LIST", 0, COUNTER_EVENTS_HELP, 0},
	{"json", 'j', NULL, 0, "print results.json instead of the tables", 0},
	{0},
};

/* Everything that bad input can spoil, before the work starts. */
static int prepare(struct report_args *a, char *err, size_t errlen)
{
	struct report *r = &a->r;
	int rc = survey_policies(&r->survey.policies, a->common.policy, err, errlen);

	if (!rc)
		rc = counter_choose(&a->common.choice, a->common.counters, a->common.events, err,
				    errlen);
	r->options.counters = &a->common.choice;
	if (!rc)
		rc = survey_size(&r->workload.size, SIZE_DEFAULT, err, errlen);
	if (rc)
		return rc;
	r->corpus = workloads_corpus(a->common.corpus, err, errlen);
	if (!r->corpus)
		return -ENOENT;
	r->workload.corpus = r->corpus;
	rc = workloads_make(&r->survey.workloads, &r->workload, err, errlen);
	r->options.rig.size = workloads_memory(&r->survey.workloads);
	return rc;
}

/* A tenth of the time for the timed runs. */
static int sweep(struct report *r, char *err, size_t errlen)
{
	struct sweep_options opt = {
		.workload = r->workload,
		.rig = r->options.rig,
		.seconds = r->options.seconds / SWEEPS_PART,
		.rounds = SWEEP_ROUNDS,
		.report = true,
		.progress = r->survey.progress,
	};
	struct policies policies;
	u32 nr = 0;
	int rc = 0;

	while (sweep_name(nr))
		nr++;
	opt.seconds /= nr;
	sweep_policies(&policies, &r->survey.policies);
	for (u32 i = 0; !rc && i < nr; i++)
		rc = sweep_run(&r->sweeps, sweep_name(i), &policies, &opt, err, errlen);
	return rc;
}

static int work(struct report *r, char *err, size_t errlen)
{
	struct survey_options main_part = r->options;
	struct cleans_options cleans = cleans_brief;
	int rc;

	cleans.seed = r->workload.seed;
	main_part.seconds -= main_part.seconds / SWEEPS_PART;
	r->survey.seed = r->workload.seed;
	r->survey.progress = progress_wanted();
	rc = survey_judge(&r->survey, r->options.rig.clean, err, errlen);
	if (!rc)
		rc = survey_time(&r->survey, &main_part, err, errlen);
	if (!rc)
		rc = sweep(r, err, errlen);
	if (!rc)
		rc = cleans_time(&cleans, &r->cleans);
	if (!rc)
		rc = wbinvd_compute(&r->wbinvd, r->options.rig.clean);
	return rc;
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
	files[0] = results_file("results.json", results);
	files[1] = results_file("meta.json", meta);
	if (f) {
		report_print(f, &a->r, meta);
		if (fclose(f))
			len = 0;
	}
	files[2] = (struct output_file){"report.txt", text, len};
	if (files[0].data && files[1].data && len)
		rc = output_write(out, files, ARRAY_SIZE(files), err, errlen);
	if (!rc)
		fputs(a->common.json ? files[0].data : text, stdout);
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
	sweeps_free(&r->sweeps);
	workloads_free(&r->survey.workloads);
	policies_close(&r->survey.policies);
	free(r->corpus);
	cleans_free(&r->cleans);
	free(r->arguments);
	counter_choice_free(&a->common.choice);
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
		.common = {.policy = "all", .options = &a.r.options, .workload = &a.r.workload},
		.r.workload.seed = 1,
		.r.options = {.seconds = 110, .rounds = ROUNDS},
	};
	char err[2048] = "";
	struct output out;
	int rc;

	a.r.arguments = option_line(argc, argv);
	option_parse(&argp, argc, argv, &a);
	a.r.options.rig.clean = option_clean(a.common.clean);
	a.r.date = time(NULL);
	if (output_open(&out, a.common.out, err, sizeof(err)) || prepare(&a, err, sizeof(err))) {
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
