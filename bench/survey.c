// SPDX-License-Identifier: GPL-2.0-only
/*
 * The order of things. Judging comes first and alone: the shadow's tables would push everything
 * else out of the caches. Then memory is populated once for all timed runs, every workload is run
 * once untimed, counters are read in runs of their own (starting them is a system call, which a
 * request of 200 ns would feel), and rounds follow: all policies on one workload in a new random
 * order, each with a run of `none` right before or after it. Memory, arena and stopwatch are the
 * same ones for all, so that two policies differ in what they do and in nothing else.
 *
 * A round of a large workload is an average over many pages already; small ones are cheap. So the
 * workload that has had the least time goes next.
 */
#include "bench/survey.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/progress.h"

#define NONE	  0 /* its place in the list of policies */
#define SIZE_STEP (64ULL << 20)

struct cell *survey_cell(const struct survey *s, u32 workload, u32 policy)
{
	return &s->cells[workload * s->policies.nr + policy];
}

int survey_policies(struct policies *p, const char *named, char *err, size_t errlen)
{
	int rc = policies_add(p, "none", err, errlen);

	return rc ? rc : policies_add(p, named, err, errlen);
}

int survey_size(u64 *size, u64 usual, char *err, size_t errlen)
{
	u64 room = memory_available() / 4 * 3;

	if (!room)
		room = *size ? *size : usual;
	if (!*size)
		*size = max(min(usual, round_down(room, SIZE_STEP)), WORKLOAD_SIZE_MIN);
	*size = round_down(*size, SIZE_STEP);
	if (*size <= room)
		return 0;
	snprintf(err, errlen, "--size %lluM: expected at most %lluM, three quarters of free memory",
		 (unsigned long long)*size >> 20, (unsigned long long)room >> 20);
	return -EINVAL;
}

static int make_cells(struct survey *s)
{
	s->cells = calloc((size_t)s->workloads.nr * s->policies.nr, sizeof(*s->cells));
	s->spent = calloc(s->workloads.nr, sizeof(*s->spent));
	s->rounds = calloc(s->workloads.nr, sizeof(*s->rounds));
	s->rng.state = s->seed;
	return s->cells && s->spent && s->rounds ? 0 : -ENOMEM;
}

/* A size helps where memory is short and the workload takes a share of it. */
static const char *advice(int rc, const struct workload *w)
{
	if (rc != -ENOMEM)
		return "";
	if (w->recorded)
		return ", try a shorter stream";
	return w->parameter > 1 ? ", try a smaller N" : ", try a smaller --size";
}

int survey_judge(struct survey *s, const struct clean_ops *clean, char *err, size_t errlen)
{
	u32 nr = s->workloads.nr * s->policies.nr;
	u64 start = clock_ns();
	int rc = make_cells(s);

	for (u32 i = 0; !rc && i < nr; i++) {
		const struct workload *w = &s->workloads.w[i / s->policies.nr];

		progress(s->progress, "judging %u of %u: %s, %s", i + 1, nr, w->name,
			 s->policies.policy[i % s->policies.nr]->name);
		rc = judge_workload(w, s->policies.policy[i % s->policies.nr], clean,
				    &s->cells[i].verdict);
		s->cells[i].judged = !rc;
		if (rc)
			snprintf(err, errlen, "%s: cannot be judged: %s%s", w->name, strerror(-rc),
				 advice(rc, w));
	}
	progress_end(s->progress);
	s->judge_seconds = (clock_ns() - start) / 1e9;
	return rc;
}

/* --- timed ------------------------------------------------------------------------------------ */

static int run_one(struct survey *s, u32 w, u32 p, bool count, struct timed *out)
{
	return rig_run(&s->rig, &s->workloads.w[w], s->policies.policy[p], count, out);
}

/* Did it do what was judged? The counts that a run has without the shadow. */
static bool same_counts(const struct algorithm *timed, const struct algorithm *judged)
{
	struct algorithm a = *timed;

	a.changes = judged->changes;
	a.skips = judged->skips;
	a.redundant = judged->redundant;
	a.missing = judged->missing;
	return !memcmp(&a, judged, sizeof(a));
}

static void keep_round(struct cell *c, const struct timed *policy, const struct timed *none)
{
	struct round *round = &c->round[c->nr++];

	for (u32 p = 0; p < PHASE_NR; p++) {
		round->ns[p] = policy->phase[p].ns;
		round->none_ns[p] = none->phase[p].ns;
		c->shape[p].requests = policy->phase[p].requests;
		c->shape[p].pages = policy->phase[p].pages;
	}
	c->differs |= !same_counts(&policy->counts, &c->verdict.counts);
	c->timed = true;
}

/* A pair in random order. `none` itself is paired with itself: the noise of the method. */
static int run_pair(struct survey *s, u32 w, u32 p)
{
	bool none_first = rng_below(&s->rng, 2);
	struct timed policy, none;
	int rc;

	rc = run_one(s, w, none_first ? NONE : p, false, none_first ? &none : &policy);
	if (!rc)
		rc = run_one(s, w, none_first ? p : NONE, false, none_first ? &policy : &none);
	if (!rc)
		keep_round(survey_cell(s, w, p), &policy, &none);
	return rc;
}

static int run_round(struct survey *s, u32 w)
{
	u32 order[POLICIES_MAX];
	u64 start = clock_ns();
	int rc = 0;

	rng_order(&s->rng, order, s->policies.nr);
	for (u32 i = 0; !rc && i < s->policies.nr; i++) {
		progress(s->progress, "timing %s, round %u: %s", s->workloads.w[w].name,
			 s->rounds[w] + 1, s->policies.policy[order[i]]->name);
		rc = run_pair(s, w, order[i]);
	}
	s->rounds[w]++;
	s->spent[w] += (clock_ns() - start) / 1e9;
	return rc;
}

/* Of those that may go on and fit into the time left, the workload that has had the least. */
static s64 next_workload(const struct survey *s, const struct survey_options *opt, double left)
{
	s64 best = -1;

	for (u32 w = 0; w < s->workloads.nr; w++) {
		if (!s->rounds[w])
			return w;
		if (s->rounds[w] >= opt->rounds || s->spent[w] / s->rounds[w] > left)
			continue;
		if (best < 0 || s->spent[w] < s->spent[best])
			best = w;
	}
	return best;
}

/* Without a PMU only the policies whose counters are printed; with one, all: cycles a page. */
static bool wants_count(const struct survey *s, u32 p)
{
	static const char *const printed[] = {"none", "eager", "sticky", "storage_skip"};

	for (u32 i = 0; i < ARRAY_SIZE(printed); i++)
		if (!strcmp(s->policies.policy[p]->name, printed[i]))
			return true;
	return !counter_why_not(&s->counters, COUNTER_CYCLES);
}

static int count_all(struct survey *s)
{
	int rc = 0;

	for (u32 w = 0; w < s->workloads.nr; w++) {
		for (u32 p = 0; !rc && p < s->policies.nr; p++) {
			struct cell *c = survey_cell(s, w, p);

			if (!wants_count(s, p))
				continue;
			progress(s->progress, "counting %s: %s", s->workloads.w[w].name,
				 s->policies.policy[p]->name);
			rc = run_one(s, w, p, true, &c->count);
			c->counted = !rc;
		}
	}
	return rc;
}

/* Untimed: caches, arena and branch predictors have met every workload once. */
static int warm_up(struct survey *s)
{
	struct timed ignored;
	int rc = 0;

	for (u32 w = 0; !rc && w < s->workloads.nr; w++)
		rc = run_one(s, w, NONE, false, &ignored);
	return rc;
}

int survey_time(struct survey *s, const struct survey_options *opt, char *err, size_t errlen)
{
	static const struct counter_list nothing;
	struct rig_options rig = opt->rig;
	u64 start = clock_ns();
	double left = opt->seconds;
	s64 w = 0;
	int rc;

	if (opt->counters)
		counters_open(&s->counters, opt->counters->source, &opt->counters->list);
	else
		counters_open(&s->counters, &counters_none, &nothing);
	rig.counters = &s->counters;
	progress(s->progress, "populating %llu MiB", (unsigned long long)rig.size >> 20);
	rc = rig_create(&s->rig, &rig);
	if (!rc)
		rc = warm_up(s);
	if (!rc)
		rc = count_all(s);
	while (!rc) {
		left = opt->seconds - (clock_ns() - start) / 1e9;
		w = next_workload(s, opt, left);
		if (w < 0)
			break;
		rc = run_round(s, w);
	}
	progress_end(s->progress);
	s->time_seconds = (clock_ns() - start) / 1e9;
	if (rc)
		snprintf(err, errlen, "timed runs of %llu MiB: %s, try a smaller --size",
			 (unsigned long long)rig.size >> 20, strerror(-rc));
	return rc;
}

void survey_free(struct survey *s)
{
	rig_destroy(&s->rig);
	if (s->counters.source)
		counters_close(&s->counters);
	free(s->cells);
	free(s->spent);
	free(s->rounds);
	s->cells = NULL;
	s->spent = NULL;
	s->rounds = NULL;
}

/* --- what came out ---------------------------------------------------------------------------- */

struct phase_result cell_phase(const struct cell *c, enum phase phase)
{
	double ns[SURVEY_ROUNDS], none[SURVEY_ROUNDS], delta[SURVEY_ROUNDS];
	const struct counter_sum *cycles = &c->count.phase[phase].counters[COUNTER_CYCLES];
	struct phase_result r = {0};

	for (u32 i = 0; i < c->nr; i++) {
		ns[i] = c->round[i].ns[phase];
		none[i] = c->round[i].none_ns[phase];
		delta[i] = ns[i] - none[i];
	}
	if (!c->nr)
		return r;
	r.requests = c->shape[phase].requests;
	r.pages = c->shape[phase].pages;
	r.ns = stats_median(ns, c->nr);
	r.none_ns = stats_median(none, c->nr);
	r.delta_ns = stats_median(delta, c->nr);
	r.has_cycles = c->counted && cycles->available;
	r.cycles = cycles->value;
	return r;
}

struct counter_sum cell_count(const struct cell *c, u32 counter)
{
	struct counter_sum sum = {0};

	for (u32 p = 0; c->counted && p < PHASE_NR; p++)
		counter_sum_add(&sum, &c->count.phase[p].counters[counter]);
	return sum;
}

bool spread_of(double *v, u32 nr, struct stats_interval *out)
{
	struct stats_bootstrap how = {.resamples = 500, .seed = 1};

	*out = (struct stats_interval){0};
	return nr && !stats_bootstrap(v, nr, &how, out) && nr >= SPREAD_ROUNDS;
}

bool cell_spread(const struct cell *c, enum phase phase, struct phase_spread *out)
{
	double ns[SURVEY_ROUNDS], delta[SURVEY_ROUNDS];
	u64 pages = c->shape[phase].pages;
	bool known;

	*out = (struct phase_spread){0};
	for (u32 i = 0; pages && i < c->nr; i++) {
		ns[i] = c->round[i].ns[phase] / pages;
		delta[i] = (c->round[i].ns[phase] - c->round[i].none_ns[phase]) / pages;
	}
	/* Both, for the medians are known in any case. */
	known = spread_of(ns, pages ? c->nr : 0, &out->ns);
	return spread_of(delta, pages ? c->nr : 0, &out->delta) && known;
}

double cell_spread_share(const struct cell *c, enum phase phase)
{
	struct phase_spread s;

	if (!cell_spread(c, phase, &s) || s.ns.median <= 0)
		return -1;
	return max(s.ns.hi - s.ns.median, s.ns.median - s.ns.lo) / s.ns.median;
}

u32 cell_broken(const struct cell *c)
{
	u32 broken = 0;

	for (u32 i = 0; i < SHADOW_CONTRACTS; i++)
		broken |= (u32)c->verdict.v.contract[i].broken << i;
	return broken;
}

static void add_phase(struct phase_result *sum, const struct phase_result *r)
{
	/* A phase without pages (an attach to an empty table) has no time per page. */
	if (!r->pages)
		return;
	/* Of all or of none: the PMU is there or not. */
	sum->has_cycles = r->has_cycles;
	sum->cycles += r->cycles;
	sum->requests += r->requests;
	sum->pages += r->pages;
	sum->ns += r->ns;
	sum->none_ns += r->none_ns;
	sum->delta_ns += r->delta_ns;
}

struct policy_total survey_total(const struct survey *s, u32 policy)
{
	struct policy_total t = {.as_claimed = true};

	for (u32 w = 0; w < s->workloads.nr; w++) {
		const struct cell *c = survey_cell(s, w, policy);
		const struct verdict *v = &c->verdict.v;

		t.broken |= cell_broken(c);
		t.as_claimed &= v->outcome == JUDGE_GOOD;
		t.differs |= c->differs;
		t.flushes += v->flushes;
		t.redundant += v->redundant;
		t.missing += v->missing;
		t.bound += v->bound;
		t.bound_lis0 += v->bound_lis0;
		algorithm_add(&t.counts, &c->verdict.counts);
		for (u32 p = 0; p < PHASE_NR; p++) {
			struct phase_result r = cell_phase(c, p);

			add_phase(&t.phase[p], &r);
		}
	}
	return t;
}

double survey_spread_share(const struct survey *s, u32 policy, enum phase phase)
{
	double squares = 0, ns = 0;

	for (u32 w = 0; w < s->workloads.nr; w++) {
		const struct cell *c = survey_cell(s, w, policy);
		struct phase_result r = cell_phase(c, phase);
		double share;

		if (!r.pages)
			continue;
		share = cell_spread_share(c, phase);
		if (share < 0)
			return -1;
		squares += share * r.ns * share * r.ns;
		ns += r.ns;
	}
	return ns > 0 ? sqrt(squares) / ns : -1;
}
