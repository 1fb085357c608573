// SPDX-License-Identifier: GPL-2.0-only
/*
 * The corpus: every trace says the same in both forms, comes out as its expect lines say, leaves
 * the sound policies in order whatever fails on the way, and knows nothing of temporary memory. And
 * it is complete: every op, every request, every errno of the tables.
 */
#include "fuzz/sweep.h"
#include "fuzz/test_rig.h"

#include "core/op/gen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define TRACES_LEAST	60
#define GENERATED	500 /* programs of the generator beside the corpus */
#define MORE_THAN_KINDS 32

static struct corpus corpus;

static int load(void **state)
{
	corpus_load(&corpus, "corpus/seed");
	assert_true(corpus.nr >= TRACES_LEAST);
	corpus_load(&corpus, "corpus/regress");
	return 0;
}

static int unload(void **state)
{
	corpus_free(&corpus);
	return 0;
}

/* --- forms and expectations -------------------------------------------------- */

static void test_forms(void **state)
{
	for (u32 i = 0; i < corpus.nr; i++)
		test_round_trips(&corpus.traces[i].program, corpus.traces[i].path);
}

static void test_expectations(void **state)
{
	struct verdict *v = malloc(sizeof(*v));
	struct run_config cfg;
	struct run *r = NULL;
	u32 bad = 0;

	for (u32 i = 0; i < corpus.nr; i++) {
		for (u32 k = 0; k < flush_policy_count(); k++) {
			judge_config(&cfg, &backend_core, flush_policy_nth(k));
			test_run_program(&r, &cfg, &corpus.traces[i].program);
			judge(r, &corpus.traces[i].program, v);
			if (v->outcome == JUDGE_GOOD)
				continue;
			print_error("%s, %s\n", corpus.traces[i].path, cfg.policy->name);
			bad++;
		}
	}
	assert_int_equal(bad, 0);
	run_destroy(r);
	free(v);
}

/* What the expect lines say about policies that are not sound must not hide what sound ones do. */
static void test_sound_policies(void **state)
{
	struct run_config cfg;
	struct run *r = NULL;

	for (u32 i = 0; i < corpus.nr; i++) {
		for (u32 k = 0; k < sound_policies(); k++) {
			judge_config(&cfg, &backend_core, sound_policy(k));
			cfg.shadow_flags = 0;
			test_run_program(&r, &cfg, &corpus.traces[i].program);
			test_as_claimed(r, &corpus.traces[i].program, corpus.traces[i].path);
		}
	}
	run_destroy(r);
}

/* --- every failure ----------------------------------------------------------- */

static void on_bad(void *ctx, const struct run *r, const struct sweep_case *c)
{
	const struct trace *t = ctx;
	char what[400];

	snprintf(what, sizeof(what), "%s, op %u fails at place %u (%s)", t->path, c->op, c->nth,
		 fault_name(c->point));
	test_as_claimed(r, &t->program, what);
	fail_msg("%s: not as claimed", what);
}

static void sweep_all(const struct flush_policy *policy, struct trace *t, struct run **r,
		      u64 *cases)
{
	struct sweep s = {.on_bad = on_bad, .ctx = t};
	struct run_config cfg;

	judge_config(&cfg, &backend_core, policy);
	cfg.shadow_flags = 0;
	cfg.claims = 0;
	assert_int_equal(sweep_run(test_run_of(r, &cfg), &cfg, &t->program, &s), 0);
	*cases += s.cases;
}

static void test_failures(void **state)
{
	struct run *r = NULL;
	u64 cases = 0;

	for (u32 i = 0; i < corpus.nr; i++)
		for (u32 k = 0; k < sound_policies(); k++)
			sweep_all(sound_policy(k), &corpus.traces[i], &r, &cases);
	print_message("%llu failures injected\n", (unsigned long long)cases);
	assert_true(cases > 10 * corpus.nr * sound_policies());
	run_destroy(r);
}

static void test_failures_generated(void **state)
{
	struct gen_config gen = gen_default();
	struct trace t = {.path = (char *)"generated"};
	struct run *r = NULL;
	u64 cases = 0;

	gen.failures = false;
	for (u32 i = 0; i < test_count(GENERATED); i++) {
		assert_int_equal(gen_program(&t.program, i, &gen), 0);
		sweep_all(sound_policy(i), &t, &r, &cases);
	}
	assert_true(cases);
	program_free(&t.program);
	run_destroy(r);
}

/* --- temporary memory -------------------------------------------------------- */

static const u32 limits[] = {12, 16, 24, 64, 255, 256, 65536};

static u64 last_digest(struct run **r, const struct flush_policy *policy, const struct program *p,
		       u32 limit, enum run_digests digests)
{
	struct run_config cfg;

	judge_config(&cfg, &backend_core, policy);
	cfg.shadow_flags = 0;
	cfg.claims = 0;
	cfg.check = RUN_CHECK_NEVER;
	cfg.temp_limit = limit;
	/* "The n-th place" is another one when there are more batches. */
	cfg.no_faults = true;
	cfg.digests = digests;
	test_run_program(r, &cfg, p);
	test_as_claimed(*r, p, "at a temporary-memory limit");
	return run_digest(*r);
}

static u64 flushes_of(const struct run *r)
{
	return shadow_totals(run_shadow(r), 0).flushes;
}

/*
 * Each op's digest is part of the run's: equal ends mean equal ways. A failed request may have
 * cleaned more or less before it was undone, so frames and counts are held together only in
 * programs without such.
 */
static void same_at_all_limits(struct run **r, const struct flush_policy *policy,
			       const struct program *p, const char *what, bool plain)
{
	enum run_digests digests = plain ? RUN_DIGESTS_FULL : RUN_DIGESTS_LOGIC;
	u64 digest = last_digest(r, policy, p, limits[0], digests);
	u64 flushes = flushes_of(*r);

	for (u32 i = 1; i < ARRAY_SIZE(limits); i++) {
		if (last_digest(r, policy, p, limits[i], digests) != digest)
			test_fail_on(p, "%s, %s: limits %u and %u differ", what, policy->name,
				     limits[0], limits[i]);
		if (plain && flushes_of(*r) != flushes)
			test_fail_on(p, "%s, %s: %llu flushes at limit %u, %llu at %u", what,
				     policy->name, (unsigned long long)flushes, limits[0],
				     (unsigned long long)flushes_of(*r), limits[i]);
	}
}

static void test_temp_limits(void **state)
{
	struct run *r = NULL;

	for (u32 i = 0; i < corpus.nr; i++)
		for (u32 k = 0; k < flush_policy_count(); k++)
			if (flush_policy_sound(flush_policy_nth(k)))
				same_at_all_limits(&r, flush_policy_nth(k),
						   &corpus.traces[i].program, corpus.traces[i].path,
						   false);
	run_destroy(r);
}

static void test_temp_limits_generated(void **state)
{
	struct gen_config gen[] = {gen_default(), gen_plain()};
	struct program p = PROGRAM_EMPTY;
	struct run *r = NULL;
	char what[40];

	/* No domains that run out of room: of two reasons to fail, the batches' sizes decide which
	 * is met first (a hole is met by a pin, a full table by the map of the batch before). */
	gen[0].failures = false;
	for (u32 i = 0; i < test_count(GENERATED); i++) {
		snprintf(what, sizeof(what), "seed %u", i);
		assert_int_equal(gen_program(&p, i, &gen[i & 1]), 0);
		same_at_all_limits(&r, sound_policy(i / 2), &p, what, i & 1);
	}
	program_free(&p);
	run_destroy(r);
}

/* --- complete ---------------------------------------------------------------- */

static bool has_op(u32 code)
{
	for (u32 i = 0; i < corpus.nr; i++)
		for (size_t at = 0; at < corpus.traces[i].program.nr; at++)
			if (corpus.traces[i].program.ops[at].code == code)
				return true;
	return false;
}

static void test_every_op(void **state)
{
	u32 missing = 0;

	for (u32 code = 0; code < OP_NR; code++) {
		if (has_op(code))
			continue;
		print_error("no trace has an op \"%s\"\n", op_word(code));
		missing++;
	}
	assert_int_equal(missing, 0);
}

struct seen {
	bool ok[MORE_THAN_KINDS], failed[MORE_THAN_KINDS]; /* by enum request_kind */
};

static void note_request(void *ctx, const struct request *req)
{
	struct seen *seen = ctx;

	assert_true(req->kind < MORE_THAN_KINDS);
	if (req->rc)
		seen->failed[req->kind] = true;
	else
		seen->ok[req->kind] = true;
}

static void test_every_request(void **state)
{
	struct run_config cfg;
	struct seen seen = {0};
	struct run *r = NULL;
	u32 missing = 0;

	for (u32 i = 0; i < corpus.nr; i++) {
		judge_config(&cfg, &backend_core, sound_policy(0));
		cfg.ctx = &seen;
		cfg.after = note_request;
		test_run_program(&r, &cfg, &corpus.traces[i].program);
	}
	for (u32 kind = REQ_TABLE_CREATE; kind <= REQ_TEMP_LIMIT; kind++) {
		if (seen.ok[kind])
			continue;
		print_error("no trace has a request \"%s\" that succeeds\n", request_name(kind));
		missing++;
	}
	assert_int_equal(missing, 0);
	run_destroy(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_expectations),
		cmocka_unit_test(test_sound_policies),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_failures_generated),
		cmocka_unit_test(test_temp_limits),
		cmocka_unit_test(test_temp_limits_generated),
		cmocka_unit_test(test_every_op),
		cmocka_unit_test(test_every_request),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
