// SPDX-License-Identifier: GPL-2.0-only
/*
 * The gate's decisions on made-up figures, its bookkeeping, and the command between two policies. No
 * test depends on how long anything takes: where times are taken, only their form is looked at.
 */
#define _GNU_SOURCE
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <jansson.h>

#include "bench/gate/accept.h"
#include "bench/gate/decide.h"
#include "bench/gate/exact.h"
#include "bench/gate/loaded.h"
#include "bench/harness/harness_stats.h"

#define PROCESSES 3
#define PAIRS	  100
#define NR	  (PROCESSES * PAIRS)

/* --- the rule --------------------------------------------------------------------------------- */

static double uniform(struct rng *r)
{
	return (rng_next(r) >> 11) / 9007199254740992.0;
}

static double normal(struct rng *r)
{
	return sqrt(-2 * log(1 - uniform(r))) * cos(2 * M_PI * uniform(r));
}

struct made {
	double effect;	/* true ratio */
	double again;	/* true ratio of the copy */
	double noise;	/* of a time */
	double process; /* of what a process adds to an arm: where its code lies */
	double spikes;	/* share of times that are half again as long */
};

static double a_time(struct rng *r, const struct made *m, double mean)
{
	return mean * (1 + m->noise * normal(r)) * (uniform(r) < m->spikes ? 1.5 : 1);
}

static void make(struct gate_pair *pairs, const struct made *m, u64 seed)
{
	struct rng r = {seed};
	double base = 0, again = 0, candidate = 0;

	for (u32 i = 0; i < NR; i++) {
		if (i % PAIRS == 0) {
			base = 1e5 * (1 + m->process * normal(&r));
			again = 1e5 * m->again * (1 + m->process * normal(&r));
			candidate = 1e5 * m->effect * (1 + m->process * normal(&r));
		}
		pairs[i] = (struct gate_pair){a_time(&r, m, base), a_time(&r, m, again),
					      a_time(&r, m, candidate), i / PAIRS};
	}
}

/* How many of @n gates come to @want. */
static u32 gates(const struct made *m, u32 n, enum gate_decision want)
{
	struct gate_pair pairs[NR];
	struct gate_effect e;
	u32 found = 0;

	for (u32 i = 0; i < n; i++) {
		make(pairs, m, 1000 + i);
		assert_int_equal(gate_decide(pairs, NR, i, &e), 0);
		found += e.decision == want;
	}
	return found;
}

static const struct made quiet = {1, 1, 0.01, 0.001, 0.05};

static void test_no_false_alarm(void **state)
{
	struct made m = quiet;

	assert_int_equal(gates(&m, 40, GATE_SAME), 40);
	m.noise = 0.03;
	m.spikes = 0.3;
	assert_int_equal(gates(&m, 40, GATE_WORSE) + gates(&m, 40, GATE_BETTER), 0);
}

static void test_found(void **state)
{
	struct made m = quiet;

	m.effect = 1.03;
	assert_int_equal(gates(&m, 20, GATE_WORSE), 20);
	m.effect = 1.05;
	assert_int_equal(gates(&m, 20, GATE_WORSE), 20);
	m.effect = 1 / 1.03;
	assert_int_equal(gates(&m, 20, GATE_BETTER), 20);
	/* What is there, but too little to be told. */
	m.effect = 1.005;
	assert_int_equal(gates(&m, 20, GATE_SAME), 20);
}

/* With the copy off nothing is said, however large the effect. */
static void test_invalid(void **state)
{
	struct made m = quiet;

	m.again = 1.02;
	assert_int_equal(gates(&m, 10, GATE_INVALID), 10);
	m.again = 0.98;
	m.effect = 1.2;
	assert_int_equal(gates(&m, 10, GATE_INVALID), 10);
}

/* One process of three is off, in either direction, whatever the candidate did there. */
static void test_restless(void **state)
{
	struct gate_pair pairs[NR];
	struct gate_effect e;

	for (u32 off = 0; off < NR / PAIRS; off++) {
		for (u32 i = 0; i < NR; i++) {
			bool is_off = i / PAIRS == off;

			pairs[i] = (struct gate_pair){100, is_off ? (off & 1 ? 98 : 102) : 100.1,
						      is_off ? 100 : 150, i / PAIRS};
		}
		assert_int_equal(gate_decide(pairs, NR, 1, &e), 0);
		assert_int_equal(e.restless, off);
	}
}

/* A large median without a majority that carries it: some pairs are far off, the others even. */
static void test_sign_test(void **state)
{
	struct gate_pair pairs[NR];
	struct gate_effect e;

	for (u32 i = 0; i < NR; i++)
		pairs[i] = (struct gate_pair){100, 100, i % 100 < 53 ? 102 : 90, i / PAIRS};
	assert_int_equal(gate_decide(pairs, NR, 1, &e), 0);
	assert_true(e.ratio > GATE_EFFECT);
	assert_true(e.p > GATE_P);
	assert_int_equal(e.decision, GATE_SAME);
}

/* The interval holds the truth, and "detectable" grows with what the processes differ by. */
static void test_interval(void **state)
{
	struct made m = quiet;
	struct gate_pair pairs[NR];
	struct gate_effect e;
	double near = 0, far = 0;
	u32 holds = 0;

	m.effect = 1.02;
	for (u32 i = 0; i < 20; i++) {
		m.process = 0.001;
		make(pairs, &m, i);
		assert_int_equal(gate_decide(pairs, NR, i, &e), 0);
		assert_true(e.low <= e.ratio && e.ratio <= e.high);
		assert_true(e.detectable > GATE_EFFECT - 1);
		holds += e.low <= 1.02 && 1.02 <= e.high;
		near += e.detectable;
		m.process = 0.02;
		make(pairs, &m, i);
		assert_int_equal(gate_decide(pairs, NR, i, &e), 0);
		far += e.detectable;
	}
	assert_true(holds >= 17);
	assert_true(far > 2 * near);
}

static void test_no_pairs(void **state)
{
	struct gate_effect e;

	assert_int_equal(gate_decide(NULL, 0, 1, &e), -EINVAL);
	assert_int_equal(e.decision, GATE_INVALID);
}

/* --- modules ---------------------------------------------------------------------------------- */

static void refused(const char *path, const char *why)
{
	char err[512] = "";

	assert_null(gate_load(path, err, sizeof(err)));
	if (!strstr(err, why))
		fail_msg("%s: \"%s\", expected \"%s\"", path, err, why);
}

static void test_module_abi(void **state)
{
	char err[512];

	refused(TEST_DIR "/test_module_abi.so", "built for gate ABI 77, this gate has 1");
	refused(TEST_DIR "/test_module_size.so", "build it again");
	refused(TEST_DIR "/test_policy.so", "symbol nosnoop_gate_module is missing");
	refused("/nonexistent.so", "No such file");
	if (!gate_load(MODULE, err, sizeof(err)))
		fail_msg("%s", err);
}

/* --- exact ------------------------------------------------------------------------------------ */

static const struct gate_counts some = {
	.value = {[GATE_FLUSHES] = 1000, [GATE_DRAINS] = 10, [GATE_ALLOCATIONS] = 5},
	.claims = 0x3,
	.broken = 0x10,
};

static void test_exact(void **state)
{
	struct gate_counts more = some;
	struct gate_accepts none = {0};
	struct gate_exact e;

	gate_exact_compare("w", &some, &some, &none, &e);
	assert_int_equal(e.nr, 0);
	for (u32 i = 0; i < GATE_COUNT_NR; i++) {
		more = some;
		more.value[i]++;
		gate_exact_compare("w", &some, &more, &none, &e);
		assert_int_equal(e.nr, 1);
		assert_int_equal(e.worse, 1);
		assert_string_equal(e.change[0].metric, gate_count_name[i]);
		gate_exact_compare("w", &more, &some, &none, &e);
		assert_int_equal(e.nr, 1);
		assert_int_equal(e.worse, 0);
	}
}

static void test_contract_lost(void **state)
{
	struct gate_counts other = some;
	struct gate_accepts none = {0};
	struct gate_exact e;

	other.broken = 0x11; /* L as well */
	gate_exact_compare("w", &some, &other, &none, &e);
	assert_int_equal(e.worse, 1);
	assert_string_equal(e.change[0].metric, "contract.L");
	other.broken = 0;
	gate_exact_compare("w", &some, &other, &none, &e);
	assert_int_equal(e.nr, 1);
	assert_int_equal(e.worse, 0);
	other = some;
	other.claims = 0x1;
	gate_exact_compare("w", &some, &other, &none, &e);
	assert_int_equal(e.worse, 1);
	assert_string_equal(e.change[0].metric, "claim.I");
}

/* Both break E: who claims it now has become no better. */
static void test_false_claim(void **state)
{
	struct gate_counts liar = some;
	struct gate_accepts none = {0};
	struct gate_exact e;

	liar.claims |= 0x10;
	gate_exact_compare("w", &some, &liar, &none, &e);
	assert_int_equal(e.nr, 1);
	assert_int_equal(e.worse, 1);
	assert_string_equal(e.change[0].metric, "claim.E");
	gate_exact_compare("w", &liar, &some, &none, &e);
	assert_int_equal(e.nr, 1);
	assert_int_equal(e.worse, 0);
	gate_exact_compare("w", &liar, &liar, &none, &e);
	assert_int_equal(e.nr, 0);
}

static void test_accept(void **state)
{
	char text[] = "abc1\tdrains one fence more, see there\x1f"
		      "boot.alloc* a table a page\n"
		      "abc2\t\n\nabc3\tchurn* another stream\n";
	char bad[] = "abc4\tdrains\n", err[200] = "";
	struct gate_counts more = some;
	struct gate_accepts a;
	struct gate_exact e;

	assert_int_equal(gate_accepts_parse(&a, text, err, sizeof(err)), 0);
	assert_int_equal(a.nr, 3);
	assert_string_equal(a.a[0].reason, "one fence more, see there");
	more.value[GATE_DRAINS]++;
	more.value[GATE_ALLOCATIONS]++;
	gate_exact_compare("boot", &some, &more, &a, &e);
	assert_int_equal(e.nr, 2);
	assert_int_equal(e.worse, 0);
	assert_string_equal(e.change[0].accept->commit, "abc1");
	gate_exact_compare("attach", &some, &more, &a, &e);
	assert_int_equal(e.worse, 1); /* allocations: of boot alone */
	gate_exact_compare("churn-4k", &some, &more, &a, &e);
	assert_int_equal(e.worse, 0);
	gate_accepts_free(&a);
	assert_int_equal(gate_accepts_parse(&a, bad, err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "expected a pattern and a reason"));
	gate_accepts_free(&a);
}

/* --- the command between two policies --------------------------------------------------------- */

static int run(const char *args, char **out)
{
	char *line, *text = NULL;
	size_t size = 0;
	int status;
	FILE *f;

	assert_true(asprintf(&line, "%s gate %s 2>&1", BENCH, args) > 0);
	f = popen(line, "r");
	assert_non_null(f);
	if (getdelim(&text, &size, '\0', f) < 0) {
		free(text);
		text = strdup("");
	}
	status = pclose(f);
	free(line);
	assert_true(WIFEXITED(status));
	if (out)
		*out = text;
	else
		free(text);
	return WEXITSTATUS(status);
}

static int between(const char *base, const char *candidate, const char *more, char **out)
{
	char *args;
	int rc;

	assert_true(asprintf(&args, "--base " TEST_DIR "/%s.so --candidate " TEST_DIR "/%s.so %s",
			     base, candidate, more) > 0);
	rc = run(args, out);
	free(args);
	return rc;
}

static json_t *json_between(const char *base, const char *candidate, const char *more, int status)
{
	char *args, *text;
	json_error_t je;
	json_t *o;

	assert_true(asprintf(&args, "--json %s", more) > 0);
	assert_int_equal(between(base, candidate, args, &text), status);
	o = json_loads(text, 0, &je);
	if (!o)
		fail_msg("%s: %s", je.text, text);
	free(text);
	free(args);
	return o;
}

static const char *verdict_of(const json_t *o)
{
	return json_string_value(json_object_get(o, "verdict"));
}

static json_t *change_of(const json_t *o, const char *metric)
{
	json_t *row = json_array_get(json_object_get(o, "workloads"), 0), *c;
	size_t i;

	json_array_foreach(
		json_object_get(row, "changes"), i,
		c) if (!strcmp(json_string_value(json_object_get(c, "metric")), metric)) return c;
	return NULL;
}

static s64 more_of(const json_t *o, const char *metric)
{
	json_t *c = change_of(o, metric);

	return c ? json_integer_value(json_object_get(c, "candidate")) -
			       json_integer_value(json_object_get(c, "base"))
		 : 0;
}

#define EXACT "--exact-only --workload boot"

static void test_same_policy(void **state)
{
	json_t *o = json_between("test_policy", "test_policy_copy", EXACT, 0);

	assert_string_equal(verdict_of(o), "same");
	assert_true(json_is_null(json_object_get(o, "sentence")));
	json_decref(o);
}

/* One page in 1,000 flushed twice, one fence more, one page forgotten. */
static void test_planted(void **state)
{
	json_t *o = json_between("test_policy", "test_policy_flush", EXACT, 1);
	s64 extra = more_of(o, "flushes");

	assert_string_equal(verdict_of(o), "regression");
	assert_true(extra >= 10 && extra <= 40);
	assert_int_equal(more_of(o, "redundant"), extra);
	assert_int_equal(more_of(o, "clean_lines"), 64 * extra);
	assert_non_null(
		strstr(json_string_value(json_object_get(o, "sentence")), "nosnoop noticed a "));
	json_decref(o);

	o = json_between("test_policy_flush", "test_policy", EXACT, 0);
	assert_string_equal(verdict_of(o), "better");
	json_decref(o);

	o = json_between("test_policy", "test_policy_drain", EXACT, 1);
	assert_true(more_of(o, "drains") > 0);
	assert_int_equal(more_of(o, "flushes"), 0);
	json_decref(o);

	o = json_between("test_policy", "test_policy_forgets", EXACT, 1);
	assert_int_equal(more_of(o, "contract.L"), 1);
	assert_true(more_of(o, "missing") > 0);
	json_decref(o);
}

static void test_bisect_and_ktap(void **state)
{
	char *text;

	assert_int_equal(between("test_policy", "test_policy_copy", EXACT " --bisect", &text), 0);
	assert_string_equal(text, "");
	free(text);
	assert_int_equal(between("test_policy", "test_policy_drain", EXACT " --bisect", &text), 1);
	assert_string_equal(text, "");
	free(text);
	assert_int_equal(between("test_policy", "test_policy_drain", EXACT " --ktap", &text), 1);
	assert_non_null(strstr(text, "KTAP version 1\n1..1\nnot ok 1 boot\n# drains: "));
	free(text);
}

/* Of a report in text: at most 75 columns, the regression and its sentence. */
static void test_text(void **state)
{
	char *text, *line, *rest;

	assert_int_equal(between("test_policy", "test_policy_drain",
				 "--workload boot,unplug-replug --exact-only", &text),
			 1);
	assert_non_null(strstr(text, "verdict: REGRESSION\n"));
	assert_non_null(strstr(text, "nosnoop noticed a "));
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (strlen(line) > 75 && strchr(line, ' '))
			fail_msg("%zu columns: %s", strlen(line), line);
	free(text);
}

/* Families as the other commands take them; a name that comes twice counts once. */
static void test_workload_names(void **state)
{
	json_t *o = json_between("test_policy", "test_policy_copy",
				 "--exact-only --workload boot,many-domains:3,boot", 0);
	json_t *rows = json_object_get(o, "workloads");

	assert_int_equal(json_array_size(rows), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 1), "workload")),
			    "many-domains:3");
	json_decref(o);
}

/* Its words are no part of the result. */
static void test_prints(void **state)
{
	char *text;

	assert_int_equal(between("test_policy", "test_policy_prints", EXACT, &text), 0);
	assert_non_null(strstr(text, "no change in"));
	free(text);
}

static void test_crashes(void **state)
{
	json_t *o, *row;
	char *text;

	assert_int_equal(between("test_policy", "test_policy_crashes", EXACT, &text), 1);
	assert_non_null(strstr(text, "boot: REGRESSION\n    candidate: the process died: "));
	assert_null(strstr(text, "no change"));
	free(text);
	o = json_between("test_policy", "test_policy_crashes", EXACT, 1);
	row = json_array_get(json_object_get(o, "workloads"), 0);
	assert_string_equal(json_string_value(json_object_get(row, "candidate")), "n/a");
	assert_true(json_is_object(json_object_get(row, "base")));
	json_decref(o);
	assert_int_equal(between("test_policy_crashes", "test_policy", EXACT, &text), 2);
	assert_non_null(strstr(text, "verdict: invalid\n"));
	free(text);
}

/* It costs seconds; base ends, so that it is the candidate's. */
static void test_hangs(void **state)
{
	char *text;

	assert_int_equal(between("test_policy", "test_policy_hangs", EXACT, &text), 1);
	assert_non_null(strstr(text, "boot: REGRESSION\n    candidate: no end within "));
	free(text);
	assert_int_equal(between("test_policy", "test_policy_hangs_loaded", EXACT, &text), 2);
	assert_non_null(strstr(text, "hangs while it is loaded"));
	free(text);
	assert_int_equal(between("test_policy", "test_policy_exits_loaded", EXACT, &text), 2);
	assert_non_null(strstr(text, "ends the process while it is loaded"));
	free(text);
}

/* Copies of the objects go to TMPDIR, whatever the length of its name. */
static void test_tmpdir(void **state)
{
	char folder[] = TEST_DIR "/a-folder-of-a-name-that-is-not-short.XXXXXX";

	assert_non_null(mkdtemp(folder));
	setenv("TMPDIR", folder, 1);
	assert_int_equal(between("test_policy", "test_policy_copy", EXACT, NULL), 0);
	unsetenv("TMPDIR");
	assert_int_equal(rmdir(folder), 0); /* nothing is left there */
}

/* Times are taken; what they are is not asked. The exact counters decide already. */
static void test_times(void **state)
{
	json_t *o = json_between("test_policy", "test_policy_drain",
				 "--workload unplug-replug --seconds 0 --instructions=no", 1);
	json_t *row = json_array_get(json_object_get(o, "workloads"), 0);
	json_t *t = json_object_get(row, "time");

	assert_true(json_is_object(t));
	assert_int_equal(json_integer_value(json_object_get(t, "pairs")), NR);
	assert_int_equal(json_integer_value(json_object_get(t, "processes")), PROCESSES);
	assert_true(json_real_value(json_object_get(t, "ns")) > 0);
	assert_true(json_real_value(json_object_get(t, "detectable")) > GATE_EFFECT - 1);
	assert_string_equal(json_string_value(json_object_get(row, "instructions")), "n/a");
	json_decref(o);
}

static void bad(const char *args, const char *why)
{
	char *text;

	assert_int_equal(run(args, &text), 2);
	if (!strstr(text, why))
		fail_msg("%s: \"%s\", expected \"%s\"", args, text, why);
	free(text);
}

#define PAIR "--base " TEST_DIR "/test_policy.so --candidate " TEST_DIR "/test_policy_copy.so "

static void test_bad_input(void **state)
{
	bad("--base HEAD", "expected both");
	bad(PAIR "--json --ktap", "expected one of these");
	bad(PAIR "--workload nosuch", "no workload nosuch, expected ");
	bad(PAIR "--workload many-domains:65", "from 1 to 64");
	bad(PAIR "--policy eager", "not two policies");
	bad(PAIR "--policy nosuch", "unknown policy");
	bad(PAIR "--seconds x", "expected a number");
	bad("--base " TEST_DIR "/test_policy.so --candidate " TEST_DIR "/test_policy_abi.so",
	    "ABI 77");
	bad("--base /nonexistent.so --candidate " TEST_DIR "/test_policy.so", "No such file");
	bad("--base " MODULE " --candidate " TEST_DIR "/test_policy.so",
	    "expected two policies or two cores");
	bad("--base " MODULE " --candidate " TEST_DIR "/test_module_abi.so", "gate ABI 77");
	bad("--base " TEST_DIR "/test_plain.so --candidate " MODULE,
	    "neither a gate module nor a policy");
	assert_int_equal(run(PAIR EXACT " >/dev/full", NULL), 2);
	/* To git bisect it is neither good nor bad: it has to stop. */
	assert_int_equal(run(PAIR "--bisect --workload nosuch", NULL), 128);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_false_alarm),	cmocka_unit_test(test_found),
		cmocka_unit_test(test_invalid),		cmocka_unit_test(test_restless),
		cmocka_unit_test(test_sign_test),	cmocka_unit_test(test_interval),
		cmocka_unit_test(test_no_pairs),	cmocka_unit_test(test_module_abi),
		cmocka_unit_test(test_exact),		cmocka_unit_test(test_contract_lost),
		cmocka_unit_test(test_false_claim),	cmocka_unit_test(test_accept),
		cmocka_unit_test(test_same_policy),	cmocka_unit_test(test_planted),
		cmocka_unit_test(test_bisect_and_ktap), cmocka_unit_test(test_text),
		cmocka_unit_test(test_times),		cmocka_unit_test(test_prints),
		cmocka_unit_test(test_crashes),		cmocka_unit_test(test_tmpdir),
		cmocka_unit_test(test_workload_names),	cmocka_unit_test(test_hangs),
		cmocka_unit_test(test_bad_input),
	};

	return cmocka_run_group_tests_name("gate", tests, NULL, NULL);
}
