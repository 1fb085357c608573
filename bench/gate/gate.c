// SPDX-License-Identifier: GPL-2.0-only
/*
 * Order: what is exact comes first, for it needs no luck: counters, then instructions, then time. A
 * time is taken by three processes and kept if the copy of base was as fast as base; while it was
 * not, the process in which it was furthest off is replaced, as long as the workload's seconds last
 * and whatever the candidate's ratio was. Choosing by the copy alone does not favour either verdict.
 */
#define _GNU_SOURCE
#include "bench/gate/gate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/gate/command.h"
#include "bench/gate/instructions.h"
#include "bench/gate/loaded.h"
#include "bench/gate/worker.h"
#include "bench/progress.h"
#include "bench/stopwatch.h"

#define WORKLOADS    12
#define LARGEST_OPS  20000U
#define LARGEST_SIZE (1ULL << 16) /* pages; of those that are taken without being named */
#define SAMPLE_NS    60000	  /* at least */
#define LONG_RUN_NS \
	300000 /* a stream that takes longer is cut: a time slice has to hold many samples */
#define CUT_OPS	     256    /* ... and has at least so many ops */
#define PAIR_NS	     400000 /* an arm's share of a pair, in passes */
#define PASSES_LEAST 2U
#define PASSES_MOST  3U
#define MEMORY_LEAST (1ULL << 20)

/*
 * A worker that takes longer hangs. Base is given a hundred times what an op takes, the candidate a
 * multiple of what base took; instructions and times are of what could be counted already.
 */
#define BASE_SECONDS	  30
#define BASE_OPS	  1000 /* a second */
#define CANDIDATE_SECONDS 10   /* at least */
#define CANDIDATE_TIMES	  20
#define MOST_SECONDS	  900

/* What a gate in progress has beside its result. */
struct gate {
	struct gate_result *r;
	char folder[1024]; /* copies of the objects, callgrind's files */
	struct gate_job job;
};

/* --- figures of a row ------------------------------------------------------------------------- */

double gate_row_instructions(const struct gate_row *row)
{
	return (double)row->instructions[1] / row->instructions[0] - 1;
}

bool gate_row_worse_instructions(const struct gate_row *row)
{
	return row->instructions_state == GATE_DONE && !row->accept_instructions &&
	       gate_row_instructions(row) > GATE_INSTRUCTIONS_EFFECT &&
	       !(row->time_state == GATE_DONE && row->effect.decision == GATE_BETTER);
}

bool gate_row_worse_time(const struct gate_row *row)
{
	return row->time_state == GATE_DONE && !row->accept_time &&
	       row->effect.decision == GATE_WORSE;
}

double gate_row_ns_per_page(const struct gate_row *row)
{
	double share = (double)row->timed_ops / max(row->w->nr_ops, 1U);
	u64 n = row->counts[0].pages ?: row->counts[0].ops;

	return n ? row->effect.ns / (n * share) : 0;
}

/* --- workloads -------------------------------------------------------------------------------- */

static int add_row(struct gate_result *r, const struct workload *w)
{
	struct gate_row *more = realloc(r->rows, (r->nr + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	r->rows = more;
	r->rows[r->nr++] = (struct gate_row){.w = w, .verdict = GATE_SAME};
	return 0;
}

/* Made ones first: each of them asks one question. */
static int default_rows(struct gate_result *r, u32 most)
{
	int rc = 0;

	for (int recorded = 0; recorded < 2; recorded++)
		for (u32 i = 0; !rc && i < r->workloads.nr && r->nr < most; i++) {
			const struct workload *w = &r->workloads.w[i];

			if (w->recorded == recorded && w->nr_ops <= LARGEST_OPS &&
			    w->pages <= LARGEST_SIZE)
				rc = add_row(r, w);
		}
	return rc;
}

static int named_rows(struct gate_result *r)
{
	int rc = 0;

	for (u32 i = 0; !rc && i < r->workloads.nr; i++)
		rc = add_row(r, &r->workloads.w[i]);
	return rc;
}

static int make_rows(struct gate_result *r, char *err, size_t errlen)
{
	struct workload_options wo = {.size = WORKLOAD_SIZE_MIN, .seed = 1};
	char *corpus = workloads_corpus(r->opt->corpus, err, errlen);
	bool named = r->opt->workload && strcmp(r->opt->workload, "all");
	int rc;

	/* Recorded streams are missing where only the program was installed. */
	wo.corpus = corpus;
	wo.names = named ? r->opt->workload : NULL;
	rc = workloads_make(&r->workloads, &wo, err, errlen);
	free(corpus);
	if (rc)
		return rc;
	if (named)
		return named_rows(r);
	return default_rows(r, r->opt->workload ? UINT32_MAX : WORKLOADS);
}

/* --- objects ---------------------------------------------------------------------------------- */

static int copy_so(struct gate *g, const char *from, const char *name, char to[PATH_MAX], char *err,
		   size_t errlen)
{
	snprintf(to, PATH_MAX, "%s/%s", g->folder, name);
	return gate_copy(from, g->folder, name, err, errlen);
}

static int place_arm(struct gate *g, u32 arm, const struct gate_source *s, char *err, size_t errlen)
{
	char name[32];
	int rc;

	snprintf(name, sizeof(name), "module%u.so", arm);
	rc = copy_so(g, s->so, name, g->job.module[arm], err, errlen);
	if (rc)
		return rc;
	if (s->kind != GATE_POLICY) {
		strcpy(g->job.policy[arm], s->policy);
		return 0;
	}
	snprintf(name, sizeof(name), "policy%u.so", arm);
	return copy_so(g, s->policy, name, g->job.policy[arm], err, errlen);
}

static int place_arms(struct gate *g, char *err, size_t errlen)
{
	const char *tmp = getenv("TMPDIR");
	const struct gate_sources *s = &g->r->sources;
	const struct gate_module *m;
	int rc;

	snprintf(g->folder, sizeof(g->folder), "%.1000s/nosnoop-gate.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(g->folder)) {
		snprintf(err, errlen, "%s: %s", g->folder, strerror(errno));
		*g->folder = '\0';
		return -EIO;
	}
	rc = place_arm(g, 0, &s->base, err, errlen);
	if (!rc)
		rc = place_arm(g, 1, &s->base, err, errlen);
	if (!rc)
		rc = place_arm(g, 2, &s->candidate, err, errlen);
	if (rc)
		return rc;
	/* Both are looked at here, so that a module of another ABI is bad input and no crash of a worker. */
	for (u32 arm = 0; !rc && arm < GATE_ARMS; arm += 2) {
		m = gate_load(g->job.module[arm], err, errlen);
		rc = m ? 0 : -EINVAL;
		if (m && !arm)
			g->r->build_text = strdup(m->build);
	}
	return rc;
}

static void remove_folder(const char *folder)
{
	char *argv[] = {"rm", "-rf", "--", (char *)folder, NULL}, *out;

	if (*folder)
		gate_command(argv, true, &out), free(out);
}

/* --- exact ------------------------------------------------------------------------------------ */

/* Arm 0 of the job is whatever is to be counted. */
static int count_one(struct gate *g, struct gate_row *row, u32 arm, u32 seconds,
		     struct gate_counts *out, char *err, size_t errlen)
{
	const char *text = row->w->text;
	struct gate_job job = g->job;
	struct gate_worked w;
	int rc;

	job.kind = GATE_JOB_COUNT;
	job.nr_arms = 1;
	job.seconds = min(seconds, (u32)MOST_SECONDS);
	job.texts = &text;
	job.nr_texts = 1;
	job.memory = max(row->w->pages << PAGE_SHIFT, MEMORY_LEAST);
	memcpy(job.module[0], g->job.module[arm], PATH_MAX);
	memcpy(job.policy[0], g->job.policy[arm], PATH_MAX);
	rc = gate_work(&job, NULL, &w);
	*out = (struct gate_counts){0};
	if (rc)
		snprintf(err, errlen, "%.190s", w.err);
	else
		*out = w.counts;
	row->run_ns = arm ? row->run_ns : w.ns;
	free(w.pairs);
	return rc;
}

/* What base cannot run says nothing about the candidate; what the candidate alone cannot run does. */
static void count(struct gate *g, struct gate_row *row)
{
	u64 start = clock_ns();
	char err[200];
	u32 seconds;

	if (count_one(g, row, 0, BASE_SECONDS + row->w->nr_ops / BASE_OPS, &row->counts[0], err,
		      sizeof(err))) {
		row->verdict = GATE_INVALID;
		row->beyond_base = true;
		snprintf(row->why, sizeof(row->why), "base: %s", err);
		return;
	}
	seconds = CANDIDATE_SECONDS + CANDIDATE_TIMES * ((clock_ns() - start) / 1e9);
	if (count_one(g, row, 2, seconds, &row->counts[1], err, sizeof(err))) {
		row->verdict = GATE_WORSE;
		snprintf(row->why, sizeof(row->why), "candidate: %s", err);
	} else {
		gate_exact_compare(row->w->name, &row->counts[0], &row->counts[1], &g->r->accepts,
				   &row->exact);
	}
}

/* --- instructions ----------------------------------------------------------------------------- */

static u32 runnable(struct gate_result *r, const char **texts, struct gate_row **rows, u64 *memory)
{
	u32 n = 0;

	*memory = MEMORY_LEAST;
	for (u32 i = 0; i < r->nr; i++) {
		if (*r->rows[i].why)
			continue;
		texts[n] = r->rows[i].w->text;
		rows[n++] = &r->rows[i];
		*memory = max(*memory, r->rows[i].w->pages << PAGE_SHIFT);
	}
	return n;
}

static void take_instructions(struct gate *g, struct gate_row **rows, u64 (*found)[2], u32 n)
{
	for (u32 i = 0; i < n; i++) {
		struct gate_row *row = rows[i];

		memcpy(row->instructions, found[i], sizeof(row->instructions));
		row->instructions_state = GATE_DONE;
		if (gate_row_instructions(row) > GATE_INSTRUCTIONS_EFFECT)
			row->accept_instructions = gate_accepted(&g->r->accepts, row->w->name,
								 GATE_METRIC_INSTRUCTIONS);
	}
}

static void instructions(struct gate *g)
{
	struct gate_result *r = g->r;
	const char **texts = calloc(r->nr, sizeof(*texts));
	struct gate_row **rows = calloc(r->nr, sizeof(*rows));
	u64(*found)[2] = calloc(r->nr, sizeof(*found));
	struct gate_job job = g->job;

	if (!texts || !rows || !found) {
		snprintf(r->instructions_why, sizeof(r->instructions_why), "%s", strerror(ENOMEM));
	} else if (!gate_have_valgrind()) {
		snprintf(r->instructions_why, sizeof(r->instructions_why),
			 "valgrind is not installed");
	} else {
		job.nr_texts = runnable(r, texts, rows, &job.memory);
		job.texts = texts;
		memcpy(job.module[1], job.module[2], PATH_MAX);
		memcpy(job.policy[1], job.policy[2], PATH_MAX);
		if (job.nr_texts && !gate_instructions(&job, g->folder, found, r->instructions_why,
						       sizeof(r->instructions_why)))
			take_instructions(g, rows, found, job.nr_texts);
	}
	free(texts);
	free(rows);
	free(found);
}

/* --- time ------------------------------------------------------------------------------------- */

/* Of a row: by process, since one whose copy of base is off is taken again. */
struct timed {
	struct gate_pair pairs[GATE_PROCESSES][GATE_PAIRS];
	u32 nr[GATE_PROCESSES];
};

static int take_process(struct gate *g, struct gate_row *row, u32 process, struct timed *t)
{
	struct gate_worked w;
	int rc;

	g->job.kind = GATE_JOB_TIME;
	g->job.nr_arms = GATE_ARMS;
	g->job.pairs = GATE_PAIRS;
	g->job.passes = row->passes;
	g->job.sample_ns = SAMPLE_NS;
	g->job.seed++;
	rc = gate_work(&g->job, NULL, &w);
	if (rc)
		snprintf(row->why, sizeof(row->why), "%s", w.err);
	row->redone += w.redone;
	t->nr[process] = rc ? 0 : min(w.nr_pairs, (u32)GATE_PAIRS);
	for (u32 i = 0; i < t->nr[process]; i++) {
		t->pairs[process][i] = w.pairs[i];
		t->pairs[process][i].process = process;
	}
	free(w.pairs);
	return rc;
}

static int decide_time(struct gate *g, struct gate_row *row, const struct timed *t)
{
	struct gate_pair pairs[GATE_PROCESSES * GATE_PAIRS];
	u32 nr = 0;

	for (u32 p = 0; p < GATE_PROCESSES; p++)
		for (u32 i = 0; i < t->nr[p]; i++)
			pairs[nr++] = t->pairs[p][i];
	return gate_decide(pairs, nr, g->job.seed, &row->effect);
}

static int take_time(struct gate *g, struct gate_row *row, struct timed *t)
{
	int rc = 0;

	for (u32 p = 0; !rc && p < GATE_PROCESSES; p++)
		rc = take_process(g, row, p, t);
	return rc ?: decide_time(g, row, t);
}

/* Which one is taken again is for the copy to say, never for the candidate. */
static int take_again(struct gate *g, struct gate_row *row, struct timed *t)
{
	row->retaken++;
	return take_process(g, row, row->effect.restless, t) ?: decide_time(g, row, t);
}

/* So many ops from the beginning are a program, too: the teardown takes what is left. */
static char *cut_text(struct gate_row *row)
{
	u32 nr_ops = row->w->nr_ops;
	double share = min(1.0, LONG_RUN_NS / max(row->run_ns, 1.0));
	char *text = strdup(row->w->text), *end = text;
	u64 lines = 0;

	row->timed_ops = nr_ops;
	if (!text || nr_ops < CUT_OPS || share == 1)
		return text;
	row->timed_ops = max((u32)(nr_ops * share), (u32)CUT_OPS / 2);
	for (const char *at = text; (at = strchr(at, '\n')); at++)
		lines++;
	for (lines = lines * row->timed_ops / nr_ops; lines && end; lines--)
		end = strchr(end, '\n') ? strchr(end, '\n') + 1 : NULL;
	if (end)
		*end = '\0';
	return text;
}

static void plan_row(struct gate *g, struct gate_row *row, const char *const *text)
{
	double ns = row->run_ns * row->timed_ops / max(row->w->nr_ops, 1U);

	g->job.texts = text;
	g->job.nr_texts = 1;
	g->job.memory = max(row->w->pages << PAGE_SHIFT, MEMORY_LEAST);
	row->passes =
		max(PASSES_LEAST, min(PASSES_MOST, (u32)(PAIR_NS / max(ns, (double)SAMPLE_NS))));
}

static void time_row(struct gate *g, struct gate_row *row)
{
	double begin = clock_ns(), seconds, left;
	struct timed *t = calloc(1, sizeof(*t));
	const char *text = cut_text(row);
	int rc = text && t ? 0 : -ENOMEM;

	plan_row(g, row, &text);
	rc = rc ?: take_time(g, row, t);
	seconds = (clock_ns() - begin) / 1e9;
	left = g->r->opt->seconds - seconds;
	while (!rc && row->effect.decision == GATE_INVALID && row->retaken < GATE_RETAKEN &&
	       left > seconds / GATE_PROCESSES) {
		rc = take_again(g, row, t);
		left = g->r->opt->seconds - (clock_ns() - begin) / 1e9;
	}
	free(t);
	free((void *)text);
	row->time_state = rc ? GATE_CANNOT : GATE_DONE;
	if (!rc && row->effect.decision == GATE_WORSE)
		row->accept_time = gate_accepted(&g->r->accepts, row->w->name, GATE_METRIC_TIME);
}

/* --- verdicts --------------------------------------------------------------------------------- */

static bool fewer(const struct gate_row *row)
{
	for (u32 i = 0; i < row->exact.nr; i++)
		if (!row->exact.change[i].worse)
			return true;
	return row->instructions_state == GATE_DONE &&
	       gate_row_instructions(row) < -GATE_INSTRUCTIONS_EFFECT;
}

static void decide_row(struct gate_row *row)
{
	bool timed = row->time_state == GATE_DONE;

	if (*row->why && row->verdict != GATE_SAME)
		return; /* it could not be counted */
	if (row->exact.worse || gate_row_worse_instructions(row) || gate_row_worse_time(row))
		row->verdict = GATE_WORSE;
	else if (row->time_state == GATE_CANNOT || (timed && row->effect.decision == GATE_INVALID))
		row->verdict = GATE_INVALID;
	else if ((timed && row->effect.decision == GATE_BETTER) || fewer(row))
		row->verdict = GATE_BETTER;
	else
		row->verdict = GATE_SAME;
}

static void decide_all(struct gate_result *r)
{
	static const u32 rank[] = {
		[GATE_SAME] = 0, [GATE_BETTER] = 1, [GATE_INVALID] = 2, [GATE_WORSE] = 3};

	u32 beyond = 0; /* rows that base cannot run: they weigh only where there are no others */

	r->verdict = GATE_SAME;
	for (u32 i = 0; i < r->nr; i++)
		beyond += r->rows[i].beyond_base;
	for (u32 i = 0; i < r->nr; i++) {
		decide_row(&r->rows[i]);
		if (r->rows[i].beyond_base && beyond < r->nr)
			continue;
		if (rank[r->rows[i].verdict] > rank[r->verdict])
			r->verdict = r->rows[i].verdict;
	}
}

/* --- all of it -------------------------------------------------------------------------------- */

static void judge_rows(struct gate *g)
{
	struct gate_result *r = g->r;
	const struct gate_options *o = r->opt;
	bool differ = !r->same || o->same_too;

	for (u32 i = 0; i < r->nr; i++) {
		progress(o->progress, "gate: counting %s", r->rows[i].w->name);
		count(g, &r->rows[i]);
	}
	if (o->instructions && differ) {
		progress(o->progress, "gate: instructions");
		instructions(g);
	}
	for (u32 i = 0; o->times && differ && i < r->nr; i++) {
		if (*r->rows[i].why)
			continue;
		progress(o->progress, "gate: timing %s, %u of %u", r->rows[i].w->name, i + 1,
			 r->nr);
		time_row(g, &r->rows[i]);
	}
	progress_end(o->progress);
}

/* The same core and, of plug-ins, the same policy. */
static int compare_builds(struct gate_result *r, char *err, size_t errlen)
{
	const struct gate_source *b = &r->sources.base, *c = &r->sources.candidate;
	int rc = gate_same_file(b->so, c->so);

	if (rc > 0 && b->kind == GATE_POLICY)
		rc = gate_same_file(b->policy, c->policy);
	if (rc < 0)
		snprintf(err, errlen, "%s or %s: %s", b->so, c->so, strerror(-rc));
	r->same = rc > 0;
	return min(rc, 0);
}

int gate_run(const struct gate_options *opt, struct gate_result *out,
	     const struct gate_source **culprit, char *err, size_t errlen)
{
	struct gate g = {.r = out, .job.seed = opt->seed, .job.seconds = MOST_SECONDS};
	const struct gate_source *ignored = NULL;
	u64 began;
	int rc;

	*out = (struct gate_result){.opt = opt};
	culprit = culprit ? culprit : &ignored;
	*culprit = NULL;
	rc = make_rows(out, err, errlen);
	if (!rc)
		rc = gate_sources_open(&out->sources, opt->base, opt->candidate, opt->policy,
				       culprit, err, errlen);
	if (!rc && opt->policy_given && out->sources.base.kind == GATE_POLICY) {
		snprintf(err, errlen, "--policy %s: expected two cores with it, not two policies",
			 opt->policy);
		rc = -EINVAL;
	}
	if (!rc)
		rc = compare_builds(out, err, errlen);
	if (!rc)
		rc = gate_accepts_read(&out->accepts, *out->sources.top ? out->sources.top : ".",
				       out->sources.base.commit, out->sources.candidate.commit, err,
				       errlen);
	if (!rc)
		rc = place_arms(&g, err, errlen);
	if (!rc) {
		began = clock_ns();
		judge_rows(&g);
		decide_all(out);
		out->seconds = (clock_ns() - began) / 1e9;
	}
	remove_folder(g.folder);
	return rc;
}

void gate_free(struct gate_result *r)
{
	gate_accepts_free(&r->accepts);
	workloads_free(&r->workloads);
	free(r->build_text);
	free(r->rows);
	*r = (struct gate_result){0};
}
