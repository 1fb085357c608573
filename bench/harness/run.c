// SPDX-License-Identifier: GPL-2.0-only
/* Which case runs when, how often, and what becomes of its samples. Time comes from an engine. */
#include "bench/harness/harness_priv.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES	       301
#define SAMPLE_NS      10000.0
#define ITERATIONS_MAX 1000000000ULL
#define REGIONS_MAX    1000

struct one {
	const struct harness_case *c;
	struct harness_result *r;
	double *by_cpu; /* by round: what a disturbed sample took on the CPU, NAN: not known */
	double spent;	/* seconds */
	uint32_t taken;
	bool available;
};

struct run {
	const struct harness_engine *engine;
	const struct harness_options *opt;
	uint32_t samples;
	double sample_ns, share; /* of a case: seconds */
	struct one *one;
	uint32_t nr;
};

/* As many iterations as fill a sample: tenfold while far from it, then in proportion. */
static uint64_t fill_iterations(struct run *run, struct one *o)
{
	uint64_t n = 1, next;

	for (;;) {
		double ns = run->engine->region(run->engine->ctx, o->c, n).complete;

		if (ns >= run->sample_ns || n >= ITERATIONS_MAX)
			return n;
		next = ns < run->sample_ns / 10 ? n * 10 : ceil(n * run->sample_ns / ns * 1.1);
		n = next > n ? next : n + 1;
	}
}

/* The first region warms up. */
static uint32_t fill_regions(struct run *run, struct one *o)
{
	double ns = 0, n;

	for (int i = 0; i < 2; i++) {
		ns = run->engine->region(run->engine->ctx, o->c, o->r->iterations).complete;
		if (ns >= run->sample_ns)
			return 1;
	}
	n = ceil(run->sample_ns / (ns > 1 ? ns : 1));
	return n < REGIONS_MAX ? n : REGIONS_MAX;
}

static void calibrate(struct run *run, struct one *o)
{
	bool free_choice = o->c->state == HARNESS_ANY && !o->c->iterations;

	o->r->regions = 1;
	if (free_choice) {
		o->r->iterations = fill_iterations(run, o);
		return;
	}
	o->r->iterations = o->c->iterations ? o->c->iterations : 1;
	o->r->regions = fill_regions(run, o);
}

static double at_least_0(double v)
{
	return v > 0 ? v : 0;
}

/* Of several regions the middle half counts: one that an interrupt fell into would spoil their mean. */
static void take_sample(struct run *run, struct one *o, uint32_t round)
{
	double issue[REGIONS_MAX], complete[REGIONS_MAX], cpu = 0;
	double units = o->c->units > 0 ? o->c->units : 1, parts = o->r->iterations * units;
	bool marked = false;

	for (uint32_t i = 0; i < o->r->regions; i++) {
		struct region_time t =
			run->engine->region(run->engine->ctx, o->c, o->r->iterations);

		issue[i] = t.issue;
		complete[i] = t.complete;
		cpu += t.cpu;
		marked |= t.marked;
	}
	o->taken++;
	o->r->preempted += marked;
	o->r->issues[round] = at_least_0(stats_middle(issue, o->r->regions) / parts);
	o->r->completes[round] = marked ? NAN
					: at_least_0(stats_middle(complete, o->r->regions) / parts);
	if (marked)
		o->by_cpu[round] = cpu > 0 ? cpu / (parts * o->r->regions) : NAN;
}

/* Whoever has had its share of the time goes on only to the number that a median needs. */
static bool takes_part(const struct run *run, const struct one *o)
{
	if (!o->available || o->taken >= run->samples)
		return false;
	return !run->share || o->spent < run->share || o->taken < HARNESS_LEAST;
}

static bool one_round(struct run *run, struct rng *rng, uint32_t *order, uint32_t round)
{
	bool any = false;

	rng_order(rng, order, run->nr);
	for (uint32_t i = 0; i < run->nr; i++) {
		struct one *o = &run->one[order[i]];
		double before;

		o->r->issues[round] = o->r->completes[round] = o->by_cpu[round] = NAN;
		if (!takes_part(run, o))
			continue;
		any = true;
		before = run->engine->seconds(run->engine->ctx);
		take_sample(run, o, round);
		o->spent += run->engine->seconds(run->engine->ctx) - before;
	}
	return any;
}

/* Values that are there, to the front of @out. */
static size_t gather(const double *by_round, const double *complete, uint32_t rounds, double *out)
{
	size_t n = 0;

	for (uint32_t i = 0; i < rounds; i++)
		if (!isnan(complete[i]))
			out[n++] = by_round[i];
	return n;
}

/* Long samples on a busy machine: all have lost the CPU, and their own time on it is what there is. */
static void use_cpu_time(struct one *o)
{
	struct harness_result *r = o->r;

	for (uint32_t i = 0; i < r->rounds; i++) {
		if (isnan(o->by_cpu[i]))
			continue;
		r->completes[i] = o->by_cpu[i];
		r->issues[i] = fmin(r->issues[i], o->by_cpu[i]);
		r->preempted--;
		r->by_cpu_time = true;
	}
}

static int summarise(const struct run *run, struct one *o, double *v)
{
	struct harness_result *r = o->r;
	size_t n;
	int rc;

	if (o->taken - r->preempted < HARNESS_LEAST)
		use_cpu_time(o);
	for (uint32_t i = 0; i < r->rounds; i++)
		if (isnan(r->completes[i]))
			r->issues[i] = NAN;
	n = gather(r->issues, r->completes, r->rounds, v);
	r->samples = n;
	if (!n) {
		snprintf(r->why, sizeof(r->why), HARNESS_DISTURBED);
		return 0;
	}
	rc = stats_bootstrap(v, n, &run->opt->bootstrap, &r->issue);
	gather(r->completes, r->completes, r->rounds, v);
	if (!rc)
		rc = stats_bootstrap(v, n, &run->opt->bootstrap, &r->complete);
	r->q1 = stats_quantile(v, n, 0.25);
	r->q3 = stats_quantile(v, n, 0.75);
	r->mean = stats_mean(v, n);
	r->stddev = stats_stddev(v, n);
	return rc;
}

static int create_one(struct run *run, struct one *o, const struct harness_case *c,
		      struct harness_result *r)
{
	const char *why = run->engine->why_not(run->engine->ctx, c);

	*o = (struct one){.c = c, .r = r, .available = !why};
	*r = (struct harness_result){.c = c};
	if (why)
		snprintf(r->why, sizeof(r->why), "%s", why);
	o->by_cpu = calloc(run->samples, sizeof(double));
	r->issues = calloc(run->samples, sizeof(double));
	r->completes = calloc(run->samples, sizeof(double));
	return o->by_cpu && r->issues && r->completes ? 0 : -ENOMEM;
}

static int sample_all(struct run *run)
{
	uint32_t *order = calloc(run->nr, sizeof(*order)), round = 0;
	double *v = calloc(run->samples, sizeof(*v));
	struct rng rng = {run->opt->bootstrap.seed};
	int rc = order && v ? 0 : -ENOMEM;

	for (uint32_t i = 0; !rc && i < run->nr; i++)
		if (run->one[i].available)
			calibrate(run, &run->one[i]);
	while (!rc && round < run->samples && one_round(run, &rng, order, round))
		round++;
	for (uint32_t i = 0; !rc && i < run->nr; i++) {
		run->one[i].r->rounds = round;
		if (run->one[i].available)
			rc = summarise(run, &run->one[i], v);
	}
	free(v);
	free(order);
	return rc;
}

int harness_run_on(const struct harness_engine *engine, const struct harness_options *opt,
		   const struct harness_case *cases, size_t nr, struct harness_result *results)
{
	struct run run = {
		.engine = engine,
		.opt = opt,
		.samples = opt->samples ? opt->samples : SAMPLES,
		.sample_ns = opt->sample_ns > 0 ? opt->sample_ns : SAMPLE_NS,
		.share = opt->seconds > 0 ? opt->seconds / nr : 0,
		.nr = nr,
	};
	int rc = nr ? 0 : -EINVAL;

	memset(results, 0, nr * sizeof(*results));
	run.one = rc ? NULL : calloc(nr, sizeof(*run.one));
	if (!rc && !run.one)
		rc = -ENOMEM;
	for (uint32_t i = 0; !rc && i < nr; i++)
		rc = create_one(&run, &run.one[i], &cases[i], &results[i]);
	if (!rc)
		rc = sample_all(&run);
	for (uint32_t i = 0; run.one && i < nr; i++)
		free(run.one[i].by_cpu);
	free(run.one);
	if (rc)
		harness_free(results, nr);
	return rc;
}

void harness_free(struct harness_result *results, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		free(results[i].issues);
		free(results[i].completes);
		results[i].issues = results[i].completes = NULL;
	}
}

int harness_ratio(const struct harness_options *opt, const struct harness_result *base,
		  const struct harness_result *candidate, struct stats_paired *out)
{
	uint32_t n = base->rounds < candidate->rounds ? base->rounds : candidate->rounds;

	if (*base->why || *candidate->why)
		return -EINVAL;
	return stats_paired(base->completes, candidate->completes, n, &opt->bootstrap, out);
}
