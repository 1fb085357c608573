// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver from inside: how a trial can end, with policies that do what mutants may; equal seeds,
 * equal trials; the statistics.
 */
#include "fuzz/museum/exhibits.h"

#include "core/flush/flush.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static int abort_before_map(const struct flush_piece *p, u32 nr_nc)
{
	abort();
}

static int loop_before_map(const struct flush_piece *p, u32 nr_nc)
{
	volatile bool forever = true;

	while (forever)
		;
	return 0;
}

static int exit_before_map(const struct flush_piece *p, u32 nr_nc)
{
	_Exit(3);
}

static struct flush_policy bad_policy(int (*before_map)(const struct flush_piece *p, u32 nr_nc))
{
	return (struct flush_policy){.abi = FLUSH_ABI_VERSION,
				     .size = sizeof(struct flush_policy),
				     .name = "bad",
				     .what = "ends the process",
				     .before_map = before_map};
}

/* One trial of one exhibit, in a process of its own. */
static struct trial run_one(const struct exhibit *e, const struct limits *limits)
{
	struct trial *shared = trials_alloc(1), t;
	struct policies sound = {0};
	char err[256];

	assert_non_null(shared);
	assert_int_equal(policies_add(&sound, "sound", err, sizeof(err)), 0);
	shared->seed = trial_seed(1, 0);
	assert_int_equal(trials_run(shared, e, 1, 1, &sound, limits, 1, NULL, NULL), 0);
	t = *shared;
	trials_free(shared, 1);
	policies_close(&sound);
	return t;
}

static struct exhibit exhibit(const char *name)
{
	struct exhibits x = {0};
	struct exhibit e;
	char err[256];

	assert_int_equal(exhibits_add(&x, name, err, sizeof(err)), 0);
	assert_int_equal(x.nr, 1);
	e = x.e[0];
	exhibits_free(&x);
	return e;
}

static void test_ends(void **state)
{
	static const struct {
		int (*before_map)(const struct flush_piece *p, u32 nr_nc);
		enum trial_end end;
		const char *rule;
	} rows[] = {
		{abort_before_map, TRIAL_CRASH, "SIGABRT"},
		{exit_before_map, TRIAL_CRASH, "exit"},
		{loop_before_map, TRIAL_HANG, "hang"},
	};
	struct limits limits = {.seconds = 1000, .hang = 0.3};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct flush_policy policy = bad_policy(rows[i].before_map);
		struct exhibit e = {.code = true, .policy = &policy};
		struct trial t = run_one(&e, &limits);

		assert_int_equal(t.end, rows[i].end);
		assert_string_equal(t.rule, rows[i].rule);
		assert_true(trial_detected(&t));
		assert_true(t.runs > 0);
	}
}

/* The control comes to its limit, with the programs that a mutant would have got. */
static void test_control_is_silent(void **state)
{
	struct exhibit e = exhibit(CONTROL_ID);
	struct limits limits = {.seconds = 1000, .runs = 300};
	struct trial t = run_one(&e, &limits);

	assert_int_equal(t.end, TRIAL_MISSED);
	assert_int_equal(t.runs, 300);
	assert_int_equal(t.counts.reached, 0);
	assert_false(trial_detected(&t));
}

static void test_same_seed_same_trial(void **state)
{
	static const char *const names[] = {"M02", "S10", "F03", "p_v1_posted"};
	struct limits limits = {.seconds = 1000, .runs = 5000};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct exhibit e = exhibit(names[i]);
		struct trial a = run_one(&e, &limits), b = run_one(&e, &limits);

		assert_int_equal(a.end, TRIAL_RULE);
		a.seconds = b.seconds = 0;
		assert_memory_equal(&a, &b, sizeof(a));
	}
}

static void test_names(void **state)
{
	struct exhibits x = {0};
	char err[256];
	u32 all;

	assert_int_equal(exhibits_add(&x, "all", err, sizeof(err)), 0);
	all = x.nr;
	assert_true(all > museum_nr_mutants + 1);
	assert_true(x.e[0].control);
	/* Nothing twice. */
	assert_int_equal(exhibits_add(&x, "M01,all,none", err, sizeof(err)), 0);
	assert_int_equal(x.nr, all);
	assert_int_equal(exhibits_add(&x, "M01,M99", err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "\"M99\""));
	assert_int_equal(exhibits_add(&x, "", err, sizeof(err)), -EINVAL);
	exhibits_free(&x);
}

static struct trial found(u64 runs, const char *rule)
{
	struct trial t = {.end = TRIAL_RULE, .runs = runs, .seconds = runs / 10.0};

	t.counts.reached = 1;
	strcpy(t.rule, rule);
	return t;
}

static void test_summary(void **state)
{
	struct trial missed = {.end = TRIAL_MISSED, .runs = 7};
	struct trial t[] = {found(40, "L"), found(10, "P1"), missed, found(20, "P1")};
	struct exhibit e = {.code = true}, later = {.state = MUSEUM_LATER},
		       control = {.control = true};
	struct summary s;

	assert_int_equal(summarise(t, 4, &s), 0);
	assert_int_equal(s.detected, 3);
	assert_int_equal(s.reached, 3);
	assert_true(s.runs.min == 10 && s.runs.median == 30 && isinf(s.runs.max));
	assert_true(s.seconds.q1 == 1.75 && isinf(s.runs.q3));
	assert_int_equal(s.nr_rules, 2);
	assert_string_equal(s.rules[0].rule, "P1");
	assert_int_equal(s.rules[0].count, 2);
	assert_false(summary_good(&e, &s));
	assert_true(summary_good(&later, &s));
	assert_false(summary_good(&control, &s));
	/* All missed: no number is made up. */
	assert_int_equal(summarise(&missed, 1, &s), 0);
	assert_true(isinf(s.runs.min) && isinf(s.runs.median) && isinf(s.seconds.q3));
	assert_true(summary_good(&control, &s));
	assert_int_equal(summarise(t, 2, &s), 0);
	assert_true(summary_good(&e, &s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_control_is_silent),
		cmocka_unit_test(test_same_seed_same_trial),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_summary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
