// SPDX-License-Identifier: GPL-2.0-only
/* The twin of a run: silent beside an equal backend, whatever fails; and it notices every lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/flush/registry.h"
#include "core/op/gen.h"
#include "core/op/judge.h"
#include "core/op/test_text.h"

#define ARENA	 (1ULL << 30)
#define PROGRAMS 400

static struct run_config config(const struct backend_ops *twin)
{
	struct run_config cfg;

	judge_config(&cfg, &backend_core, flush_policy_find("none"));
	cfg.twin = twin;
	cfg.shadow_flags = 0;
	cfg.max_pages = RUN_PAGES_FUZZ;
	cfg.arena_size = cfg.observer_size = ARENA;
	return cfg;
}

static const char *diff_of(const struct run *r)
{
	static struct run_finding f;

	for (u32 i = 0; i < run_findings(r); i++) {
		f = run_finding(r, i);
		if (!strcmp(f.rule, "DIFF"))
			return f.what;
	}
	return NULL;
}

/* Runs @text beside @twin; what differed, or NULL. */
static const char *diff_on(const struct backend_ops *twin, const char *text)
{
	struct run_config cfg = config(twin);
	struct run *r = run_create(&cfg);
	struct program p = test_parse(text);
	const char *what;

	assert_non_null(r);
	assert_int_equal(run_program(r, &p), 0);
	what = diff_of(r);
	run_destroy(r);
	program_free(&p);
	return what;
}

static void run_generated(struct run *r, const struct run_config *cfg, u64 seed)
{
	struct gen_config gen = gen_default();
	struct program p = PROGRAM_EMPTY;

	assert_int_equal(gen_program(&p, seed, &gen), 0);
	run_reduce(&p, cfg->max_pages);
	assert_int_equal(run_reset(r, cfg), 0);
	assert_int_equal(run_program(r, &p), 0);
	if (diff_of(r))
		fail_msg("seed %llu: %s\n%s", (unsigned long long)seed, diff_of(r),
			 text_print(&p, NULL));
	program_free(&p);
}

static void test_equals_agree(void **state)
{
	struct run_config cfg = config(&backend_core);
	struct run *r = run_create(&cfg);

	assert_non_null(r);
	for (u64 seed = 1; seed <= PROGRAMS; seed++)
		run_generated(r, &cfg, seed);
	/* The same backend meets the same places. */
	assert_int_equal(run_twin_redone(r), 0);
	run_destroy(r);
}

/* --- one that allocates where the other does not -------------------------------------------- */

/*
 * A backend knows its machine, and a test does not: the last one that was made is it, for the twin
 * is made last.
 */
static struct machine *last_machine;

static struct backend *noting_create(const struct backend_ops *ops, struct arena *arena,
				     struct machine *m, const struct flush_policy *policy,
				     const struct backend_callbacks *cb)
{
	last_machine = m;
	return backend_core.create(ops, arena, m, policy, cb);
}

static void hungry_execute(struct backend *b, struct request *req)
{
	req->out_length = 0;
	if (req->kind == REQ_MAP && machine_should_fail(last_machine, FAULT_ALLOC))
		req->rc = -ENOMEM;
	else
		backend_core.execute(b, req);
}

static void test_failures_at_other_places(void **state)
{
	struct backend_ops hungry = backend_core;
	struct run_config cfg = config(&hungry);
	struct run *r;

	hungry.create = noting_create;
	hungry.execute = hungry_execute;
	r = run_create(&cfg);
	assert_non_null(r);
	for (u64 seed = 1; seed <= PROGRAMS / 4; seed++)
		run_generated(r, &cfg, seed);
	assert_true(run_twin_redone(r) > 0);
	run_destroy(r);
}

/* --- lies ------------------------------------------------------------------------------------- */

static const char *const story = "buffer P 4 pages\n"
				 "table A\n"
				 "attach A n0 noncoherent\n"
				 "map A a0 P at 0x10000\n"
				 "access x0 A pages\n"
				 "pin x0 k0 a0[1..2]\n"
				 "rw x0 a0+0x10 len 0x10 read\n"
				 "unpin k0\n"
				 "unmap A a0\n";

static enum request_kind lie_about;

static void lying_execute(struct backend *b, struct request *req)
{
	u64 length = req->length;

	if (req->kind == lie_about && req->kind == REQ_MAP)
		req->length = PAGE_SIZE;
	backend_core.execute(b, req);
	req->length = length;
	if (req->kind != lie_about)
		return;
	if (req->kind == REQ_UNMAP)
		req->out_length++;
	if (req->kind == REQ_PIN)
		req->pfns[0]++;
	if (req->kind == REQ_RW)
		((u8 *)req->data)[3] ^= 1;
	if (req->kind == REQ_ATTACH)
		req->rc = -ENOMEM;
}

static const char *diff_of_lie(enum request_kind kind)
{
	struct backend_ops liar = backend_core;

	liar.execute = lying_execute;
	lie_about = kind;
	return diff_on(&liar, story);
}

static void test_lies_are_noticed(void **state)
{
	const char *what;

	assert_null(diff_of_lie(REQ_NONE));
	what = diff_of_lie(REQ_MAP);
	assert_non_null(what);
	assert_non_null(strstr(what, "structures"));
	what = diff_of_lie(REQ_UNMAP);
	assert_non_null(what);
	assert_non_null(strstr(what, "unmap: result"));
	what = diff_of_lie(REQ_PIN);
	assert_non_null(what);
	assert_non_null(strstr(what, "other bytes or values"));
	assert_non_null(diff_of_lie(REQ_RW));
	what = diff_of_lie(REQ_ATTACH);
	assert_non_null(what);
	assert_non_null(strstr(what, "attach: 0 on core, ENOMEM on core"));
}

/* Nobody sees it in results or structures: only the machine differs. */
static void leaky_execute(struct backend *b, struct request *req)
{
	u64 pfn;

	backend_core.execute(b, req);
	if (req->kind == REQ_UNMAP)
		machine_pin(last_machine, 0,
			    buffer_va(machine_buffer_at(last_machine, 0, 1ULL << 30)), 1, 0, &pfn);
}

static void test_pins_are_compared(void **state)
{
	struct backend_ops leaky = backend_core;
	const char *what;

	leaky.create = noting_create;
	leaky.execute = leaky_execute;
	what = diff_on(&leaky, "buffer P 2 pages at 0x40000000\n"
			       "table A\n"
			       "map A a0 P\n"
			       "unmap A a0\n");
	assert_non_null(what);
	assert_non_null(strstr(what, "pins of frames"));
}

/* Of two flushing sides contents may differ, of two that never flush they may not. */
static void test_contents(void **state)
{
	static const char *const text = "buffer P 1 pages\n"
					"table A\n"
					"attach A n0 noncoherent\n"
					"store P+0 len 8 value 5\n"
					"map A a0 P\n";
	struct run_config cfg = config(&backend_core);
	struct program p = test_parse(text);
	struct run *r;

	cfg.twin_policy = flush_policy_find("eager");
	r = run_create(&cfg);
	assert_non_null(r);
	assert_int_equal(run_program(r, &p), 0);
	assert_null(diff_of(r));
	run_destroy(r);
	program_free(&p);
}

/* A snapshot holds both sides. */
static void test_snapshots(void **state)
{
	struct run_config cfg = config(&backend_core);
	struct run *r = run_create(&cfg);
	struct program p = test_parse(story);
	size_t at = 0, then, size;
	u64 digest;
	char *saved;

	assert_non_null(r);
	for (int i = 0; i < 4; i++)
		assert_true(run_step(r, &p, &at));
	size = run_save_size(r);
	saved = malloc(size);
	run_save(r, saved);
	then = at;
	while (run_step(r, &p, &at))
		;
	digest = run_digest(r);
	run_restore(r, saved, size);
	at = then;
	while (run_step(r, &p, &at))
		;
	assert_int_equal(run_digest(r), digest);
	assert_int_equal(run_finish(r), 0);
	assert_null(diff_of(r));
	free(saved);
	run_destroy(r);
	program_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equals_agree),
		cmocka_unit_test(test_failures_at_other_places),
		cmocka_unit_test(test_lies_are_noticed),
		cmocka_unit_test(test_pins_are_compared),
		cmocka_unit_test(test_contents),
		cmocka_unit_test(test_snapshots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
