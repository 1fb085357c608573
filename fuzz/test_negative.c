// SPDX-License-Identifier: GPL-2.0-only
/*
 * What must be noticed: each policy that is not sound is caught by the corpus, by just the contracts
 * that it does not claim, with a trace of its own; and each deliberately wrong rule of the shadow
 * makes something above fail.
 */
#include "fuzz/test_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct corpus corpus;

static int load(void **state)
{
	corpus_load(&corpus, "corpus/seed");
	corpus_load(&corpus, "corpus/regress");
	assert_true(corpus.nr);
	return 0;
}

static int unload(void **state)
{
	corpus_free(&corpus);
	return 0;
}

/* What the corpus breaks of @policy. */
static u32 broken_by_corpus(struct run **r, const struct flush_policy *policy,
			    enum shadow_break broken)
{
	struct run_config cfg;
	u32 mask = 0;

	for (u32 i = 0; i < corpus.nr; i++) {
		judge_config(&cfg, &backend_core, policy);
		cfg.model = false;
		cfg.shadow_flags = 0;
		cfg.broken = broken;
		test_run_program(r, &cfg, &corpus.traces[i].program);
		mask |= shadow_broken(run_shadow(*r));
	}
	return mask;
}

/* --- policies ---------------------------------------------------------------- */

static void test_claims_are_what_holds(void **state)
{
	char claimed[CONTRACTS_TEXT], holds[CONTRACTS_TEXT];
	struct run *r = NULL;
	u32 wrong = 0;

	for (u32 k = 0; k < flush_policy_count(); k++) {
		const struct flush_policy *policy = flush_policy_nth(k);
		u32 kept = CONTRACTS_ALL & ~broken_by_corpus(&r, policy, SHADOW_BREAK_NONE);

		if (kept == policy->claims)
			continue;
		print_error("%s claims %s; the corpus leaves it %s\n", policy->name,
			    contracts_print(policy->claims, claimed), contracts_print(kept, holds));
		wrong++;
	}
	assert_int_equal(wrong, 0);
	run_destroy(r);
}

/* Does some expect line of the trace say that this contract of this policy is broken? */
static u32 expected_broken(const struct program *p, const struct flush_policy *policy)
{
	struct expect e;
	struct op_group g;
	u32 mask = 0;

	for (size_t at = 0; at < p->nr; at = g.next) {
		program_group(p, at, &g);
		if (p->ops[at].code != OP_EXPECT)
			continue;
		expect_unpack(&p->ops[at], g.name, &e);
		if (e.kind == EXPECT_BROKEN && !strcmp(e.name, policy->name))
			mask |= 1u << e.detail;
	}
	return mask;
}

static const struct trace *own_trace(const struct flush_policy *policy)
{
	char path[200];

	snprintf(path, sizeof(path), "corpus/seed/policies/%s.ops", policy->name);
	for (u32 i = 0; i < corpus.nr; i++)
		if (!strcmp(corpus.traces[i].path, path))
			return &corpus.traces[i];
	return NULL;
}

/* That the lines hold is for test_corpus to say. */
static void test_unsound_policies_have_a_trace(void **state)
{
	u32 unsound = 0;

	for (u32 k = 0; k < flush_policy_count(); k++) {
		const struct flush_policy *policy = flush_policy_nth(k);
		const struct trace *t = own_trace(policy);

		if (flush_policy_sound(policy))
			continue;
		unsound++;
		if (!t)
			fail_msg("corpus/seed/policies has no %s.ops", policy->name);
		if (!(expected_broken(&t->program, policy) & CONTRACTS_SOUND))
			fail_msg("%s does not expect %s to break", t->path, policy->name);
	}
	assert_true(unsound >= 10);
}

/* --- the shadow -------------------------------------------------------------- */

/* How many verdicts on the corpus are not as they should be. */
static u32 bad_verdicts(enum shadow_break broken)
{
	struct verdict *v = malloc(sizeof(*v));
	struct run_config cfg;
	struct run *r = NULL;
	u32 bad = 0;

	for (u32 i = 0; i < corpus.nr; i++) {
		for (u32 k = 0; k < flush_policy_count(); k++) {
			judge_config(&cfg, &backend_core, flush_policy_nth(k));
			cfg.broken = broken;
			test_run_program(&r, &cfg, &corpus.traces[i].program);
			judge(r, &corpus.traces[i].program, v);
			bad += v->outcome != JUDGE_GOOD;
		}
	}
	run_destroy(r);
	free(v);
	return bad;
}

/*
 * A core that forgets the invalidation and a policy that forgets to drain do not exist here: a run
 * whose shadow is not told of them looks the same.
 */
struct deaf {
	struct shadow *shadow;
	enum machine_event_kind to;
};

static void deaf_event(void *ctx, u32 op, const struct machine_event *ev)
{
	struct deaf *deaf = ctx;

	if (ev->kind != deaf->to)
		shadow_event(deaf->shadow, ev);
}

/* What the corpus breaks of `eager` when no event of this kind is heard. */
static u32 broken_when_deaf(enum machine_event_kind kind, enum shadow_break broken)
{
	struct arena *arena = arena_create(NULL, 1ULL << 30);
	struct deaf deaf = {.to = kind};
	struct run_config cfg;
	struct run *r = NULL;
	u32 mask = 0;

	assert_non_null(arena);
	for (u32 i = 0; i < corpus.nr; i++) {
		arena_reset(arena);
		deaf.shadow = shadow_create(arena, 0);
		assert_non_null(deaf.shadow);
		shadow_set_break(deaf.shadow, broken);
		judge_config(&cfg, &backend_core, flush_policy_find("eager"));
		cfg.shadow = cfg.model = cfg.values = false;
		cfg.check = RUN_CHECK_NEVER;
		cfg.ctx = &deaf;
		cfg.event = deaf_event;
		test_run_program(&r, &cfg, &corpus.traces[i].program);
		mask |= shadow_broken(deaf.shadow);
	}
	run_destroy(r);
	arena_destroy(arena);
	return mask;
}

static void test_forgotten_sync_and_drain(void **state)
{
	assert_int_equal(broken_when_deaf(EV_STRICT, SHADOW_BREAK_NONE), 0);
	assert_true(broken_when_deaf(EV_SYNC, SHADOW_BREAK_NONE) & CONTRACT_U);
	assert_true(broken_when_deaf(EV_DRAIN, SHADOW_BREAK_NONE) & CONTRACT_L);
	assert_true(broken_when_deaf(EV_UNMAP, SHADOW_BREAK_NONE) & CONTRACT_U);
	assert_true(broken_when_deaf(EV_CLEAN, SHADOW_BREAK_NONE) & CONTRACT_L);
}

/* Each broken rule makes a test above fail: this one, or that of the expectations. */
static void test_broken_shadow_is_noticed(void **state)
{
	assert_int_equal(bad_verdicts(SHADOW_BREAK_NONE), 0);
	assert_true(bad_verdicts(SHADOW_BREAK_NO_FETCH));
	assert_true(bad_verdicts(SHADOW_BREAK_NO_DEVICE_WRITE));
	assert_false(broken_when_deaf(EV_SYNC, SHADOW_BREAK_SYNC_IS_UNMAP) & CONTRACT_U);
	assert_false(broken_when_deaf(EV_DRAIN, SHADOW_BREAK_CLEAN_NEEDS_NO_DRAIN) & CONTRACT_L);
	static_assert(SHADOW_BREAK_NR == 5, "a new broken rule wants a line here");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_claims_are_what_holds),
		cmocka_unit_test(test_unsound_policies_have_a_trace),
		cmocka_unit_test(test_forgotten_sync_and_drain),
		cmocka_unit_test(test_broken_shadow_is_noticed),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
