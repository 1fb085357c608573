// SPDX-License-Identifier: GPL-2.0-only
/*
 * Policies beside the lower bound. The exact ones reach the bound of what they claim, on every
 * program without shared frames and failing requests; and nobody, on any program, keeps a set of
 * contracts with fewer flushes than its bound: else the bound would be none.
 */
#include "fuzz/test_rig.h"

#include "core/op/gen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define PROGRAMS_EXACT	 10000
#define PROGRAMS_BETWEEN 2000

static void run_with_bound(struct run **r, const struct flush_policy *policy, u32 claims,
			   const struct program *p)
{
	struct run_config cfg;

	judge_config(&cfg, &backend_core, policy);
	cfg.model = false;
	cfg.check = RUN_CHECK_NEVER;
	cfg.values = false;
	cfg.shadow_flags = SHADOW_BOUND;
	cfg.claims = claims;
	test_run_program(r, &cfg, p);
}

/* --- equal ------------------------------------------------------------------- */

static u64 reach_bound(struct run **r, const char *name, const struct program *p, const char *what)
{
	const struct flush_policy *policy = flush_policy_find(name);
	u32 claims = judge_costed(policy->claims);
	struct shadow_totals t;

	run_with_bound(r, policy, claims, p);
	test_as_claimed(*r, p, what);
	t = shadow_totals(run_shadow(*r), claims);
	if (t.flushes != t.bound || t.redundant)
		test_fail_on(p, "%s, %s: %llu flushes, bound %llu, %llu redundant", what, name,
			     (unsigned long long)t.flushes, (unsigned long long)t.bound,
			     (unsigned long long)t.redundant);
	return t.flushes;
}

static void test_exact_policies(void **state)
{
	static const char *const names[] = {"exact", "exact_once", "exact_close", "exact_every"};
	u32 nr = test_count(PROGRAMS_EXACT), flushing = 0;
	struct gen_config gen = gen_plain();
	struct program p = PROGRAM_EMPTY;
	struct run *r = NULL;
	char what[40];

	for (u32 i = 0; i < nr; i++) {
		snprintf(what, sizeof(what), "seed %u", i);
		assert_int_equal(gen_program(&p, i, &gen), 0);
		for (u32 k = 0; k < ARRAY_SIZE(names); k++)
			flushing += reach_bound(&r, names[k], &p, what) > 0;
	}
	/* Programs that expose nothing would prove nothing. */
	print_message("%u of %u runs flush\n", flushing, (u32)(nr * ARRAY_SIZE(names)));
	assert_true(flushing > nr * ARRAY_SIZE(names) / 2);
	program_free(&p);
	run_destroy(r);
}

/* --- never below ------------------------------------------------------------- */

/* The contracts that it kept are known after a run only, and their bound after a second one. */
static void not_below(struct run **r, const struct flush_policy *policy, const struct program *p,
		      const char *what)
{
	u32 claims = judge_costed(policy->claims), kept;
	struct shadow_totals t;

	run_with_bound(r, policy, claims, p);
	kept = judge_costed(~shadow_broken(run_shadow(*r)));
	if (kept != claims)
		run_with_bound(r, policy, kept, p);
	t = shadow_totals(run_shadow(*r), kept);
	if (t.flushes < t.bound)
		test_fail_on(p, "%s, %s: %llu flushes keep contracts (bits 0x%x) of bound %llu",
			     what, policy->name, (unsigned long long)t.flushes, kept,
			     (unsigned long long)t.bound);
}

static void test_nobody_below(void **state)
{
	struct gen_config gen = gen_default();
	struct program p = PROGRAM_EMPTY;
	struct run *r = NULL;
	char what[40];

	for (u32 i = 0; i < test_count(PROGRAMS_BETWEEN); i++) {
		snprintf(what, sizeof(what), "seed %u", i);
		assert_int_equal(gen_program(&p, i, &gen), 0);
		for (u32 k = 0; k < flush_policy_count(); k++)
			not_below(&r, flush_policy_nth(k), &p, what);
	}
	program_free(&p);
	run_destroy(r);
}

static void test_nobody_below_on_the_corpus(void **state)
{
	struct corpus corpus = {0};
	struct run *r = NULL;

	corpus_load(&corpus, "corpus/seed");
	corpus_load(&corpus, "corpus/regress");
	assert_true(corpus.nr);
	for (u32 i = 0; i < corpus.nr; i++)
		for (u32 k = 0; k < flush_policy_count(); k++)
			not_below(&r, flush_policy_nth(k), &corpus.traces[i].program,
				  corpus.traces[i].path);
	corpus_free(&corpus);
	run_destroy(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact_policies),
		cmocka_unit_test(test_nobody_below),
		cmocka_unit_test(test_nobody_below_on_the_corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
