// SPDX-License-Identifier: GPL-2.0-only
/* The engine of a campaign: the same again, what is kept and what for. */
#include "fuzz/campaign/campaign.h"

#include "core/flush/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define STEPS 300

struct told {
	u64 digest, nr;
	struct rule first;
	bool lied; /* a finding whose rule did not fire */
};

static u64 digest_program(u64 h, const struct program *p)
{
	for (size_t i = 0; i < p->nr; i++) {
		const struct op *op = &p->ops[i];

		h = hash_add(hash_add(h, op->code | op->flags << 8 | (u64)op->arg << 32),
			     op->slots);
		h = hash_add(hash_add(h, op->addr), op->len_fail);
	}
	return h;
}

static bool on_found(void *ctx, const struct campaign_finding *f)
{
	struct told *t = ctx;

	if (!t->nr++)
		t->first = f->rule;
	t->lied |= !rule_fired(f->run, &f->rule);
	t->digest = digest_program(hash_add(t->digest, f->run_number), f->program);
	return true;
}

static struct campaign *start(const char *policy, u64 seed, struct told *t)
{
	static const struct flush_policy *policies[1];
	struct campaign_config cfg;
	struct campaign *c;

	campaign_defaults(&cfg);
	policies[0] = flush_policy_find(policy);
	assert_non_null(policies[0]);
	cfg.policies = policies;
	cfg.nr_policies = 1;
	cfg.contracts = flush_policy_sound(policies[0]) ? 0 : CONTRACTS_SOUND;
	cfg.seed = seed;
	cfg.ctx = t;
	cfg.found = on_found;
	c = campaign_create(&cfg);
	assert_non_null(c);
	return c;
}

static struct campaign *run_campaign(const char *policy, u64 seed, struct told *t)
{
	struct campaign *c = start(policy, seed, t);

	*t = (struct told){0};
	for (u32 i = 0; i < STEPS; i++)
		assert_int_equal(campaign_step(c), 0);
	return c;
}

static u64 digest_corpus(const struct campaign *c)
{
	u64 h = 0;

	for (u32 i = 0; i < campaign_counts(c)->corpus; i++)
		h = digest_program(h, campaign_corpus(c, i));
	return h;
}

static void test_deterministic(void **state)
{
	struct told a, b, other;
	struct campaign *x = run_campaign("v1_posted", 7, &a);
	struct campaign *y = run_campaign("v1_posted", 7, &b);
	struct campaign *z = run_campaign("v1_posted", 8, &other);

	assert_memory_equal(campaign_counts(x), campaign_counts(y), sizeof(struct campaign_counts));
	assert_true(digest_corpus(x) == digest_corpus(y));
	assert_true(a.nr && a.nr == b.nr && a.digest == b.digest);
	assert_true(digest_corpus(x) != digest_corpus(z));
	campaign_destroy(x);
	campaign_destroy(y);
	campaign_destroy(z);
}

static void test_findings(void **state)
{
	struct told t;
	struct campaign *c = run_campaign("none", 1, &t);

	assert_true(t.nr == campaign_counts(c)->findings);
	assert_true(t.nr > STEPS / 4);
	assert_false(t.lied);
	assert_string_equal(t.first.name, "L");
	campaign_destroy(c);
	c = run_campaign("eager", 1, &t);
	assert_int_equal(t.nr, 0);
	assert_int_equal(campaign_counts(c)->findings, 0);
	assert_true(campaign_counts(c)->runs > STEPS);
	assert_true(campaign_counts(c)->ops > campaign_counts(c)->noops);
	campaign_destroy(c);
}

/* What is kept of a program ends with the op that made it worth keeping: it must still get there. */
static void test_corpus_reaches_all(void **state)
{
	struct told t, none;
	struct campaign *c = run_campaign("exact", 3, &t), *again = start("exact", 99, &none);
	u32 corpus = campaign_counts(c)->corpus;

	assert_true(corpus > 20 && corpus <= campaign_counts(c)->slots);
	for (u32 i = 0; i < corpus; i++)
		assert_int_equal(campaign_add(again, campaign_corpus(c, i), true), 0);
	assert_int_equal(campaign_counts(again)->slots, campaign_counts(c)->slots);
	assert_int_equal(campaign_counts(again)->runs, corpus);
	assert_true(campaign_counts(again)->corpus <= corpus);
	campaign_destroy(c);
	campaign_destroy(again);
}

static void test_bounded(void **state)
{
	static const struct flush_policy *policies[1];
	struct campaign_config cfg;
	struct campaign *c;

	campaign_defaults(&cfg);
	policies[0] = flush_policy_find("eager");
	cfg.policies = policies;
	cfg.nr_policies = 1;
	cfg.max_corpus = 5;
	cfg.max_records = 12;
	c = campaign_create(&cfg);
	assert_non_null(c);
	for (u32 i = 0; i < STEPS; i++)
		assert_int_equal(campaign_step(c), 0);
	assert_int_equal(campaign_counts(c)->corpus, 5);
	campaign_destroy(c);
}

/* What came last is kept, whether it reached anything or not. */
static void test_blind(void **state)
{
	struct campaign_config cfg;
	struct campaign *c;
	const struct flush_policy *policy = flush_policy_find("eager");
	u32 empty = 0;

	campaign_defaults(&cfg);
	cfg.policies = &policy;
	cfg.nr_policies = 1;
	cfg.blind = true;
	c = campaign_create(&cfg);
	assert_non_null(c);
	for (u32 i = 0; i < STEPS; i++)
		assert_int_equal(campaign_step(c), 0);
	assert_int_equal(campaign_counts(c)->corpus, STEPS);
	/* What reaches something new still runs under every policy. */
	assert_true(campaign_counts(c)->runs > STEPS && campaign_counts(c)->runs < 2 * STEPS);
	for (u32 i = STEPS; i < CAMPAIGN_BLIND + STEPS; i++)
		assert_int_equal(campaign_step(c), 0);
	assert_int_equal(campaign_counts(c)->corpus, CAMPAIGN_BLIND);
	for (u32 i = 0; i < CAMPAIGN_BLIND; i++)
		empty += !campaign_corpus(c, i)->nr;
	assert_true(empty < CAMPAIGN_BLIND / 8);
	campaign_destroy(c);
}

/* Every policy sees what is new, and each a share of the rest. */
static const struct flush_policy *seen[8];
static u32 nr_seen;

static void on_running(void *ctx, const struct program *p, const struct flush_policy *policy)
{
	for (u32 i = 0; i < nr_seen; i++)
		if (seen[i] == policy)
			return;
	seen[nr_seen++] = policy;
}

static void test_all_policies(void **state)
{
	const struct flush_policy *policies[3] = {flush_policy_find("eager"),
						  flush_policy_find("exact"),
						  flush_policy_find("sticky")};
	struct campaign_config cfg;
	struct campaign *c;

	campaign_defaults(&cfg);
	cfg.policies = policies;
	cfg.nr_policies = 3;
	cfg.running = on_running;
	c = campaign_create(&cfg);
	assert_non_null(c);
	nr_seen = 0;
	/* The first program reaches something new, whatever it is. */
	assert_int_equal(campaign_step(c), 0);
	assert_int_equal(nr_seen, 3);
	assert_int_equal(campaign_counts(c)->runs, 4);
	campaign_destroy(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deterministic),	   cmocka_unit_test(test_findings),
		cmocka_unit_test(test_corpus_reaches_all), cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_all_policies),	   cmocka_unit_test(test_blind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
