// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz/museum/trial.h"

#include "core/op/gen.h"
#include "core/op/judge.h"

#include <stdio.h>
#include <time.h>

/* A mutant may ask for memory without end: an arena that is full is a finding. */
#define ARENA (1ULL << 30)

const char *const engine_name[ENGINE_NR] = {"generator", "campaign", "blind"};

u64 trial_seed(u64 seed, u32 nr)
{
	return mix64(seed + nr * 0x9e3779b97f4a7c15ULL);
}

double trial_cpu_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec + ts.tv_nsec * 1e-9;
}

static bool bit(u64 *random)
{
	bool b = *random & 1;

	*random >>= 1;
	return b;
}

/*
 * Sizes and features vary from program to program, by its seed alone: small programs show small
 * mistakes soon, and a few large buffers reach past one leaf of a page table.
 */
static struct gen_config choose_config(u64 seed)
{
	static const u16 ops[] = {12, 24, 40, 80}, pages[] = {2, 6, 6, 16};
	struct gen_config cfg = gen_default();
	u64 random = mix64(seed ^ 0x6d757365756dULL);

	cfg.max_ops = ops[random & 3];
	cfg.max_pages = pages[random >> 2 & 3];
	if ((random >> 4 & 63) == 0)
		cfg.max_pages = 1200;
	cfg.max_tables = 1 + (random >> 10 & 3);
	cfg.max_domains = random >> 12 & 7 ? 3 : 6;
	random >>= 15;
	cfg.failures = bit(&random);
	cfg.bad = bit(&random);
	cfg.tasks = bit(&random);
	cfg.limits = bit(&random) | bit(&random);
	cfg.options = bit(&random) | bit(&random);
	cfg.holes = bit(&random) | bit(&random);
	cfg.aliases = bit(&random) | bit(&random);
	cfg.values = bit(&random) | bit(&random);
	return cfg;
}

static void note(struct trial *t, u32 op, const char *rule, const char *what)
{
	t->op = op;
	snprintf(t->rule, sizeof(t->rule), "%s", rule);
	snprintf(t->what, sizeof(t->what), "%s", what);
}

/* What came first: the finding, or the contract that had to hold, of the earliest op. */
static bool look(struct trial *t, const struct exhibit *e, const struct run *r)
{
	u32 claims = run_config(r)->policy->claims | (e->policy ? CONTRACTS_SOUND : 0);
	u32 broken = shadow_broken(run_shadow(r)) & claims, first = UINT32_MAX;

	if (run_full(r)) {
		note(t, run_ops(r), "full", "an arena is full");
		return true;
	}
	for (u32 i = 0; i < run_findings(r); i++) {
		struct run_finding f = run_finding(r, i);

		if (*f.rule && f.op < first)
			note(t, first = f.op, f.rule, f.what);
	}
	for (; broken; broken &= broken - 1) {
		enum contract c = __builtin_ctz(broken);
		u32 op = shadow_violation(run_shadow(r), c)->op;

		if (op < first)
			note(t, first = op, shadow_contract_name[c], "the contract is broken");
	}
	return first != UINT32_MAX;
}

static void configure(struct run_config *cfg, const struct flush_policy *policy)
{
	judge_config(cfg, &backend_core, policy);
	cfg->shadow_flags = 0;
	cfg->claims = 0;
	cfg->max_pages = RUN_PAGES_FUZZ;
	cfg->arena_size = cfg->observer_size = ARENA;
}

/* True: found, or it cannot go on. */
static bool step(struct trial *t, const struct exhibit *e, const struct policies *sound,
		 struct run **r, struct program *p)
{
	struct gen_config gen;
	struct run_config cfg;
	int rc;

	t->program = mix64(t->seed ^ mix64(t->runs));
	configure(&cfg, e->policy ? e->policy : sound->policy[t->runs % sound->nr]);
	t->runs++;
	snprintf(t->policy, sizeof(t->policy), "%s", cfg.policy->name);
	gen = choose_config(t->program);
	rc = gen_program(p, t->program, &gen);
	t->ops = program_nr_ops(p);
	if (!rc && *r)
		rc = run_reset(*r, &cfg);
	else if (!rc)
		*r = run_create(&cfg);
	if (rc || !*r) {
		t->end = TRIAL_ERROR;
		snprintf(t->what, sizeof(t->what), "cannot start a run: %s",
			 strerror(rc ? -rc : errno));
		return true;
	}
	run_program(*r, p);
	if (e->policy && shadow_totals(run_shadow(*r), 0).exposures) {
		t->counts.reached++;
		t->counts.triggered += shadow_broken(run_shadow(*r)) & CONTRACTS_SOUND ? 1 : 0;
	}
	if (!look(t, e, *r))
		return false;
	t->end = TRIAL_RULE;
	return true;
}

bool trial_over(struct trial *t, double start, const struct limits *limits)
{
	t->seconds = trial_cpu_seconds() - start;
	return t->seconds >= limits->seconds || (limits->runs && t->runs >= limits->runs);
}

void trial_generate(struct trial *t, const struct exhibit *e, const struct policies *sound,
		    const struct limits *limits)
{
	struct program p = PROGRAM_EMPTY;
	double start = trial_cpu_seconds();
	struct run *r = NULL;

	while (!step(t, e, sound, &r, &p)) {
		if (!trial_over(t, start, limits))
			continue;
		t->end = TRIAL_MISSED;
		break;
	}
	t->seconds = trial_cpu_seconds() - start;
	run_destroy(r);
	program_free(&p);
}

void trial_run(struct trial *t, const struct exhibit *e, const struct policies *sound,
	       const struct limits *limits)
{
	museum_counted = &t->counts;
	museum_mutant = e->mutant;
	if (limits->engine != ENGINE_GENERATOR)
		trial_campaign(t, e, sound, limits);
	else
		trial_generate(t, e, sound, limits);
	museum_mutant = 0;
}
