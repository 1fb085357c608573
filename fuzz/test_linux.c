// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kernel tree as a backend. Registered only where the build has a tree: what is tested is the
 * shim, and that the tree deviates from the core in what is known and in nothing else.
 */
#include "core/op/backends.h"
#include "core/op/backend_linux.h"
#include "fuzz/expected.h"
#include "fuzz/test_rig.h"

#include "core/op/gen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/op/test_text.h"

#define KNOWN	 "corpus/regress/linux/expected"
#define PROGRAMS 3000

static const struct backend_ops *linux_backend;
static struct corpus corpus;
static struct run *run;

static int load(void **state)
{
	const char *so = getenv("NOSNOOP_LINUX_SO") ?: NOSNOOP_LINUX_SO;
	char err[1024];

	linux_backend = linux_backend_open(so, err, sizeof(err));
	if (!linux_backend) {
		fprintf(stderr, "%s\n", err);
		return -1;
	}
	corpus_load(&corpus, "corpus/seed");
	corpus_load(&corpus, "corpus/regress");
	return 0;
}

static int unload(void **state)
{
	corpus_free(&corpus);
	run_destroy(run);
	linux_backend_close(linux_backend);
	return 0;
}

static void judged(struct run_config *cfg, const struct backend_ops *twin)
{
	judge_config(cfg, linux_backend, linux_backend->policy);
	cfg->twin = twin;
	cfg->shadow_flags = 0;
}

static void known(struct expected *e, const struct run_config *cfg)
{
	char err[1024];

	if (expected_load(e, KNOWN, cfg, cfg->policy->claims, err, sizeof(err)))
		fail_msg("%s", err);
	assert_true(e->nr >= 5);
}

static void test_about(void **state)
{
	const struct linux_backend_about *about = linux_backend_about(linux_backend);

	assert_non_null(about);
	assert_null(linux_backend_about(&backend_core));
	assert_int_equal(strlen(about->hash), 64);
	assert_string_equal(linux_backend->policy->name, "linux");
	assert_true(about->fault_points);
	assert_int_equal(linux_backend->policy->claims,
			 about->flushes ? CONTRACTS_SOUND : CONTRACT_U);
}

static void refuse(const char *path, const char *why)
{
	char err[1024] = "";

	assert_null(backends_open(path, err, sizeof(err)));
	if (!strstr(err, why))
		fail_msg("%s: \"%s\" instead of \"%s\"", path, err, why);
}

/* What is no tree of this build is refused with a line that says why. */
static void test_refused(void **state)
{
	refuse("nosuch", "wanted core, linux");
	refuse("./nosuch.so", "nosuch.so");
	refuse("/dev/null", "/dev/null");
	refuse("./CMakeLists.txt", "CMakeLists.txt");
	refuse(NOSNOOP_NO_TREE_SO, "is no kernel tree");
}

static void test_policies(void **state)
{
	struct policies p = {0}, given = {.nr = 1, .policy = {flush_policy_find("eager")}};
	char err[1024];

	assert_int_equal(backends_policies(linux_backend, &p, err, sizeof(err)), 0);
	assert_ptr_equal(p.policy[0], linux_backend->policy);
	assert_int_equal(backends_policies(linux_backend, &given, err, sizeof(err)), -EINVAL);
	assert_int_equal(backends_policies(&backend_core, &given, err, sizeof(err)), 0);
}

/* Every trace: as claimed and as the trace expects, or what is known. */
static void test_corpus(void **state)
{
	struct verdict *v = malloc(sizeof(*v));
	struct expected e;
	struct run_config cfg;
	u32 deviating = 0;

	judged(&cfg, NULL);
	known(&e, &cfg);
	for (u32 i = 0; i < corpus.nr; i++) {
		const struct trace *t = &corpus.traces[i];
		struct rule rule;

		test_run_program(&run, &cfg, &t->program);
		judge(run, &t->program, v);
		if (v->outcome == JUDGE_GOOD)
			continue;
		deviating++;
		if (!rule_first(run, cfg.policy->claims, &rule) ||
		    expected_find(&e, run, &rule) < 0)
			fail_msg("%s deviates, and not as is known", t->path);
	}
	/* What is known stands in the corpus too. */
	assert_true(deviating >= 3);
	free(v);
}

/* The known deviations show, and show nothing under the core. */
static void test_known(void **state)
{
	struct corpus traces = {0};
	struct run_config cfg, core;
	u32 silent = 0;
	struct expected e;

	judged(&cfg, NULL);
	known(&e, &cfg);
	judge_config(&core, &backend_core, flush_policy_find("none"));
	corpus_load(&traces, KNOWN);
	assert_int_equal(traces.nr, e.nr);
	for (u32 i = 0; i < traces.nr; i++) {
		silent += !*e.entry[i].signature;
		test_run_program(&run, &core, &traces.traces[i].program);
		test_as_claimed(run, &traces.traces[i].program, traces.traces[i].path);
	}
	/* What one version has another may not. */
	assert_true(silent <= 2);
	corpus_free(&traces);
}

/* Flushes, bounds and verdicts of the golden traces are those of the policy that never flushes. */
static void test_like_none(void **state)
{
	struct verdict *v = malloc(2 * sizeof(*v));
	struct corpus golden = {0};
	struct run_config cfg;

	if (linux_backend_about(linux_backend)->flushes)
		skip();
	corpus_load(&golden, "corpus/seed/golden");
	assert_int_equal(golden.nr, 8);
	for (u32 i = 0; i < golden.nr; i++) {
		judged(&cfg, NULL);
		cfg.shadow_flags = SHADOW_BOUND;
		test_run_program(&run, &cfg, &golden.traces[i].program);
		judge(run, &golden.traces[i].program, &v[0]);
		judge_config(&cfg, &backend_core, flush_policy_find("none"));
		test_run_program(&run, &cfg, &golden.traces[i].program);
		judge(run, &golden.traces[i].program, &v[1]);
		assert_int_equal(v[0].flushes, 0);
		assert_int_equal(v[0].bound_lis0, v[1].bound_lis0);
		assert_int_equal(v[0].digest, v[1].digest);
		for (u32 c = 0; c < SHADOW_CONTRACTS; c++) {
			assert_int_equal(v[0].contract[c].broken, v[1].contract[c].broken);
			assert_int_equal(v[0].contract[c].op, v[1].contract[c].op);
		}
	}
	corpus_free(&golden);
	free(v);
}

static void generate(struct program *p, u64 seed)
{
	struct gen_config gen = gen_default();

	gen.max_pages = 1 + seed % 9;
	assert_int_equal(gen_program(p, seed, &gen), 0);
	run_reduce(p, RUN_PAGES_FUZZ);
}

/* The core is the twin: both come to the same, or to what is known. */
static void test_differential(void **state)
{
	struct program p = PROGRAM_EMPTY;
	struct run_config cfg;
	struct expected e;
	u32 deviating = 0, nr = test_count(PROGRAMS);

	judged(&cfg, &backend_core);
	cfg.check = RUN_CHECK_END;
	cfg.max_pages = RUN_PAGES_FUZZ;
	known(&e, &cfg);
	for (u64 seed = 1; seed <= nr; seed++) {
		struct rule rule;

		generate(&p, seed);
		test_run_program(&run, &cfg, &p);
		if (!rule_first(run, cfg.policy->claims, &rule))
			continue;
		deviating++;
		if (expected_find(&e, run, &rule) < 0) {
			char text[EXPECTED_TEXT];

			expected_signature(run, &rule, text);
			test_fail_on(&p, "seed %llu: %s", (unsigned long long)seed, text);
		}
	}
	/* Known ones are met now and then; a comparison that is blind meets none. */
	assert_true(nr < PROGRAMS || deviating);
	program_free(&p);
}

/* Snapshots hold all of the tree's state: what follows is the same, and nothing is left at the end. */
static void test_snapshots(void **state)
{
	struct program p = PROGRAM_EMPTY;
	struct run_config cfg;
	u32 nr = test_count(200);

	judged(&cfg, NULL);
	cfg.max_pages = RUN_PAGES_FUZZ;
	for (u64 seed = 1; seed <= nr; seed++) {
		size_t at = 0, then, size;
		char *saved;
		u64 digest;

		generate(&p, seed);
		test_run_of(&run, &cfg);
		for (u32 i = 0; i < 12 && run_step(run, &p, &at); i++)
			;
		size = run_save_size(run);
		saved = malloc(size);
		run_save(run, saved);
		then = at;
		while (run_step(run, &p, &at))
			;
		digest = run_digest(run);
		run_restore(run, saved, size);
		at = then;
		while (run_step(run, &p, &at))
			;
		assert_int_equal(run_digest(run), digest);
		run_finish(run);
		for (u32 i = 0; i < run_findings(run); i++)
			assert_string_not_equal(run_finding(run, i).rule, "LEAK");
		free(saved);
	}
	program_free(&p);
}

/* Two objects in one process share nothing: each comes to what it comes to alone. */
static void test_two_trees(void **state)
{
	char path[] = "/tmp/nosnoop-second-XXXXXX", copy[256], err[1024];
	const struct backend_ops *second;
	struct run_config a, b;
	struct program p = PROGRAM_EMPTY;
	struct run *other = NULL;
	u64 alone[40];

	close(mkstemp(path));
	snprintf(copy, sizeof(copy), "cp %s %s", NOSNOOP_LINUX_SO, path);
	assert_int_equal(system(copy), 0);
	second = linux_backend_open(path, err, sizeof(err));
	unlink(path);
	assert_non_null(second);
	judged(&a, NULL);
	b = a;
	b.backend = second;
	b.policy = second->policy;
	for (u32 i = 0; i < ARRAY_SIZE(alone); i++) {
		generate(&p, i + 1);
		test_run_program(&run, &a, &p);
		alone[i] = run_digest(run);
	}
	for (u32 i = 0; i + 1 < ARRAY_SIZE(alone); i++) {
		struct program q = PROGRAM_EMPTY;
		size_t at = 0, bt = 0;
		bool more = true;

		generate(&p, i + 1);
		generate(&q, i + 2);
		test_run_of(&run, &a);
		test_run_of(&other, &b);
		while (more) {
			more = run_step(run, &p, &at);
			more |= run_step(other, &q, &bt);
		}
		run_finish(run);
		run_finish(other);
		assert_int_equal(run_digest(run), alone[i]);
		assert_int_equal(run_digest(other), alone[i + 1]);
		program_free(&q);
	}
	run_destroy(other);
	program_free(&p);
	linux_backend_close(second);
}

/* A WARN_ON() of the tree is heard: an unpin of what was never pinned. */
static void test_warnings(void **state)
{
	static const char *const text = "buffer P 2 pages\n"
					"table A\n"
					"access x0 A pages\n"
					"map A a0 P at 0x10000\n";
	struct program p = test_parse(text);
	struct run_config cfg;
	struct run *r;
	size_t at = 0;
	bool warned = false;
	struct request wrong = {.kind = REQ_UNPIN, .access = 1, .iova = 0x10000, .length = 4096};

	judged(&cfg, NULL);
	r = run_create(&cfg);
	assert_non_null(r);
	while (run_step(r, &p, &at))
		;
	linux_backend->execute(run_backend(r), &wrong);
	for (u32 i = 0; i < run_findings(r); i++)
		warned |= !strcmp(run_finding(r, i).rule, "WARN");
	assert_true(warned);
	run_destroy(r);
	program_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_about),	     cmocka_unit_test(test_refused),
		cmocka_unit_test(test_policies),     cmocka_unit_test(test_corpus),
		cmocka_unit_test(test_known),	     cmocka_unit_test(test_like_none),
		cmocka_unit_test(test_differential), cmocka_unit_test(test_snapshots),
		cmocka_unit_test(test_two_trees),    cmocka_unit_test(test_warnings),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
