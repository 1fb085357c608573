// SPDX-License-Identifier: GPL-2.0-only
/*
 * The corpus: every slot of the coverage table has an owner, the program that reaches it with the
 * fewest records, and a program lives as long as it owns a slot. What is kept of a program ends with
 * the last op that won it a slot. So memory is bounded by the table, whatever the campaign's length.
 *
 * Every step draws from a generator seeded by the campaign's seed and the step's number: nothing but
 * the corpus goes from one step to the next.
 */
#include "fuzz/campaign/campaign.h"

#include "core/op/judge.h"
#include "fuzz/campaign/coverage.h"
#include "fuzz/campaign/mutate.h"

#include <stdlib.h>

#define CHECK_OPS_OF 16 /* one run of so many is compared with the model after every op */

struct entry {
	struct program program;
	u32 slots; /* owned */
	u32 index; /* in campaign::entries */
};

struct slot {
	struct entry *owner; /* NULL: not reached */
	u32 records;	     /* that the owner needs to reach it */
	u32 wins;	     /* index + 1 in campaign::wins, of the run at hand */
};

struct win {
	u32 slot, records;
};

struct campaign {
	struct campaign_config cfg;
	struct run *run;
	struct mutator *mutator;
	struct campaign_counts count;
	struct program program, other;
	u32 added;

	struct slot slots[COVERAGE_SLOTS];
	struct entry *entries[COVERAGE_SLOTS];

	/* blind: states that were reached, though nothing is kept for them */
	bool seen[COVERAGE_SLOTS];
	bool reached; /* one of them by the run at hand */

	/* the run at hand */
	struct win wins[COVERAGE_SLOTS];
	u32 nr_wins;
	size_t at; /* records done */
};

void campaign_defaults(struct campaign_config *cfg)
{
	*cfg = (struct campaign_config){.backend = &backend_core, .gen = gen_default()};
}

/* Shadow on every op, values, the model's verdict on every request; its comparison at the end. */
void campaign_run_config(const struct campaign *c, const struct flush_policy *policy,
			 struct run_config *cfg)
{
	judge_config(cfg, c->cfg.backend, policy);
	cfg->twin = c->cfg.twin;
	cfg->check = RUN_CHECK_END;
	cfg->shadow_flags = 0;
	cfg->claims = 0;
	cfg->max_pages = RUN_PAGES_FUZZ;
}

struct campaign *campaign_create(const struct campaign_config *cfg)
{
	struct campaign *c = calloc(1, sizeof(*c));
	struct run_config rc;

	if (!c)
		return NULL;
	c->cfg = *cfg;
	if (!c->cfg.backend)
		c->cfg.backend = &backend_core;
	if (!c->cfg.max_records)
		c->cfg.max_records = 3 * cfg->gen.max_ops;
	if (!c->cfg.max_corpus || c->cfg.max_corpus > COVERAGE_SLOTS)
		c->cfg.max_corpus = COVERAGE_SLOTS;
	campaign_run_config(c, cfg->policies[0], &rc);
	c->run = run_create(&rc);
	if (!c->run)
		goto err_free;
	c->mutator = mutator_create(&c->cfg.gen);
	if (!c->mutator)
		goto err_run;
	return c;

err_run:
	run_destroy(c->run);
err_free:
	free(c);
	return NULL;
}

static void entry_free(struct entry *e)
{
	program_free(&e->program);
	free(e);
}

void campaign_destroy(struct campaign *c)
{
	if (!c)
		return;
	for (u32 i = 0; i < c->count.corpus; i++)
		entry_free(c->entries[i]);
	program_free(&c->program);
	program_free(&c->other);
	mutator_destroy(c->mutator);
	run_destroy(c->run);
	free(c);
}

const struct campaign_counts *campaign_counts(const struct campaign *c)
{
	return &c->count;
}

const struct program *campaign_corpus(const struct campaign *c, u32 i)
{
	return &c->entries[i]->program;
}

/* --- the corpus ----------------------------------------------------------------- */

static void on_hit(void *ctx, u32 slot)
{
	struct campaign *c = ctx;
	struct slot *s = &c->slots[slot];

	if (s->wins || (s->owner && s->records <= c->at))
		return;
	c->wins[c->nr_wins++] = (struct win){slot, c->at};
	s->wins = c->nr_wins;
}

static void forget_wins(struct campaign *c)
{
	c->reached = false;
	while (c->nr_wins)
		c->slots[c->wins[--c->nr_wins].slot].wins = 0;
}

static void disown(struct campaign *c, struct slot *s)
{
	struct entry *e = s->owner, *last;

	if (!e) {
		c->count.slots++;
		return;
	}
	if (--e->slots)
		return;
	last = c->entries[--c->count.corpus];
	last->index = e->index;
	c->entries[e->index] = last;
	entry_free(e);
}

/* Of @p, what won; @reached: something that nothing reached before. */
static int keep(struct campaign *c, const struct program *p, bool *reached)
{
	struct entry *e;
	u32 records = 0;

	if (!c->nr_wins || c->count.corpus == c->cfg.max_corpus)
		return 0;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	for (u32 i = 0; i < c->nr_wins; i++)
		records = max(records, c->wins[i].records);
	if (program_reserve(&e->program, records)) {
		free(e);
		return -ENOMEM;
	}
	memcpy(e->program.ops, p->ops, (size_t)records * OP_SIZE);
	e->program.nr = records;
	for (u32 i = 0; i < c->nr_wins; i++) {
		struct slot *s = &c->slots[c->wins[i].slot];

		*reached |= c->cfg.blind ? c->reached : !s->owner;
		disown(c, s);
		s->owner = e;
		s->records = c->wins[i].records;
	}
	e->slots = c->nr_wins;
	e->index = c->count.corpus;
	c->entries[c->count.corpus++] = e;
	return 0;
}

/* --- one run -------------------------------------------------------------------- */

static void count_op(struct campaign *c, const struct run_result *res)
{
	c->count.ops += !res->noop;
	c->count.noops += res->noop;
}

/* Blind: a place of its own for each program, until its turn comes again. */
static void win_by_turn(struct campaign *c)
{
	u32 slot = c->count.steps % CAMPAIGN_BLIND;

	c->wins[c->nr_wins++] = (struct win){slot, c->at};
	c->slots[slot].wins = c->nr_wins;
}

static void on_hit_blind(void *ctx, u32 slot)
{
	struct campaign *c = ctx;

	c->reached |= !c->seen[slot];
	c->seen[slot] = true;
}

static void run_ops_of(struct campaign *c, const struct program *p)
{
	struct coverage cov = {0};

	c->at = 0;
	while (run_step(c->run, p, &c->at)) {
		count_op(c, run_result(c->run, run_ops(c->run)));
		coverage_op(&cov, c->run, c->cfg.blind ? on_hit_blind : on_hit, c);
	}
	if (c->cfg.blind)
		win_by_turn(c);
	if (!run_finish(c->run))
		count_op(c, run_result(c->run, run_ops(c->run)));
}

static void look(struct campaign *c, const struct program *p, const struct flush_policy *policy)
{
	u32 held = c->cfg.contracts ? c->cfg.contracts : policy->claims;
	struct campaign_finding f = {p, policy, .run = c->run, .run_number = c->count.runs};

	if (!rule_first(c->run, held, &f.rule))
		return;
	if (!c->cfg.found || c->cfg.found(c->cfg.ctx, &f))
		c->count.findings++;
}

/* Afterwards wins says which slots @p would take. */
static int run_one(struct campaign *c, const struct program *p, u32 policy, enum run_check check)
{
	const struct flush_policy *of = c->cfg.policies[policy];
	struct run_config cfg;
	int rc;

	campaign_run_config(c, of, &cfg);
	cfg.check = check;
	rc = run_reset(c->run, &cfg);
	if (rc)
		return rc;
	if (c->cfg.running)
		c->cfg.running(c->cfg.ctx, p, of);
	c->count.runs++;
	run_ops_of(c, p);
	if (run_full(c->run)) {
		c->count.full++;
		forget_wins(c);
	} else {
		look(c, p, of);
	}
	return 0;
}

/* All policies from @first on, around; everything compared after every op. */
static int run_thoroughly(struct campaign *c, const struct program *p, u32 first)
{
	bool reached = false;
	int rc = 0;

	for (u32 i = 0; !rc && i < c->cfg.nr_policies; i++) {
		rc = run_one(c, p, (first + i) % c->cfg.nr_policies, RUN_CHECK_OPS);
		if (!rc)
			rc = keep(c, p, &reached);
		forget_wins(c);
	}
	return rc;
}

static int run_program_of_step(struct campaign *c, const struct program *p)
{
	u32 policy = c->count.steps % c->cfg.nr_policies;
	bool every_op = !(c->count.steps % CHECK_OPS_OF);
	bool reached = false;
	int rc;

	rc = run_one(c, p, policy, every_op ? RUN_CHECK_OPS : RUN_CHECK_END);
	if (!rc)
		rc = keep(c, p, &reached);
	forget_wins(c);
	if (rc || !reached)
		return rc;
	return run_thoroughly(c, p, policy);
}

/* --- programs ------------------------------------------------------------------- */

static int make_fresh(struct campaign *c, struct program *p, struct mutate_rng *g)
{
	struct gen_config cfg = mutate_gen(&c->cfg.gen, g);

	return gen_program(p, mutate_u64(g), &cfg);
}

static const struct program *any_kept(const struct campaign *c, struct mutate_rng *g)
{
	return &c->entries[mutate_below(g, c->count.corpus)]->program;
}

static int make_mutant(struct campaign *c, struct mutate_rng *g)
{
	int rc = program_copy(&c->program, any_kept(c, g));

	if (!rc && mutate_below(g, 2))
		rc = make_fresh(c, &c->other, g);
	else if (!rc)
		rc = program_copy(&c->other, any_kept(c, g));
	if (!rc)
		rc = mutate_program(c->mutator, &c->program, &c->other, g, c->cfg.max_records);
	return rc;
}

int campaign_step(struct campaign *c)
{
	struct mutate_rng g = {mix64(c->cfg.seed) + mix64(++c->count.steps)};
	int rc;

	if (c->count.corpus && mutate_below(&g, 2))
		rc = make_mutant(c, &g);
	else
		rc = make_fresh(c, &c->program, &g);
	if (rc)
		return rc;
	run_reduce(&c->program, c->cfg.gen.max_pages);
	return run_program_of_step(c, &c->program);
}

int campaign_add(struct campaign *c, const struct program *p, bool known)
{
	u32 policy = c->added++ % c->cfg.nr_policies;
	bool reached = false;
	int rc = program_copy(&c->program, p);

	if (rc)
		return rc;
	run_reduce(&c->program, RUN_PAGES_FUZZ);
	if (!known)
		return run_thoroughly(c, &c->program, policy);
	rc = run_one(c, &c->program, policy, RUN_CHECK_END);
	if (!rc)
		rc = keep(c, &c->program, &reached);
	forget_wins(c);
	return rc;
}
