// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <jansson.h>

#include "bench/runs.h"
#include "core/flush/registry.h"

static void test_alloc(void **state)
{
	struct arena *a = arena_create(NULL, 1 << 20);
	struct alloc from = alloc_now(a), to, d;
	void *p = arena_alloc(a, 100), *q;

	to = alloc_now(a);
	d = alloc_between(&from, &to);
	assert_int_equal(d.arena.allocations, 1);
	assert_int_equal(d.arena.allocated, 100);
	assert_int_equal(d.arena.live_blocks, 1);
	assert_false(alloc_is_even(&d));
	arena_free(a, p, 100);
	to = alloc_now(a);
	d = alloc_between(&from, &to);
	assert_true(alloc_is_even(&d));
	/* As many bytes, but another block: a size that was not the one asked for. */
	p = arena_alloc(a, 60);
	arena_free(a, p, 64);
	to = alloc_now(a);
	d = alloc_between(&from, &to);
	assert_false(alloc_is_even(&d));
	from = alloc_now(NULL);
	q = malloc(1000);
	*(volatile char *)q = 1;
	to = alloc_now(NULL);
	d = alloc_between(&from, &to);
	assert_int_equal(d.heap.known, !alloc_why_not());
	assert_int_equal(d.heap.allocated >= 1000, !alloc_why_not());
	assert_int_equal(alloc_is_even(&d), !!alloc_why_not());
	free(q);
	to = alloc_now(NULL);
	d = alloc_between(&from, &to);
	assert_true(alloc_is_even(&d));
	arena_destroy(a);
}

static struct arena *leaky_arena;
static u32 leaky_calls;

static struct backend *leaky_create(const struct backend_ops *ops, struct arena *arena,
				    struct machine *m, const struct flush_policy *policy,
				    const struct backend_callbacks *cb)
{
	leaky_arena = arena;
	leaky_calls = 0;
	return backend_core.create(ops, arena, m, policy, cb);
}

/* Core, but the last repetition's unmap forgets a block. */
static void leaky_execute(struct backend *b, struct request *req)
{
	backend_core.execute(b, req);
	if (req->kind == REQ_UNMAP && ++leaky_calls == 3 + 5)
		assert_non_null(arena_alloc(leaky_arena, 24));
}

static void test_run_alloc(void **state)
{
	struct run_options opt = {
		.layout = run_layout(1),
		.policy = flush_policy_find("exact"),
		.domains = 2,
		.size = 1 << 20,
		.reps = 5,
	};
	struct backend_ops leaky = backend_core;
	struct run_times t;

	assert_int_equal(run_layout_time(&opt, &t), 0);
	assert_int_equal(t.alloc.uneven, 0);
	assert_true(t.alloc.same);
	assert_true(t.alloc.pass.arena.allocations > 0);
	assert_true(t.alloc.pass.arena.allocated > 0);
	assert_int_equal(t.alloc.pass.arena.allocated, t.alloc.pass.arena.freed);
	leaky.create = leaky_create;
	leaky.execute = leaky_execute;
	opt.backend = &leaky;
	assert_int_equal(run_layout_time(&opt, &t), 0);
	assert_int_equal(t.alloc.uneven, 1);
	assert_false(t.alloc.same);
	assert_int_equal(t.alloc.worst.arena.live_blocks, 1);
	assert_int_equal(t.alloc.worst.arena.allocated - t.alloc.worst.arena.freed, 24);
}

/* The command says so, in figures that a script can compare. */
static void test_command(void **state)
{
	FILE *f = popen(BENCH " run --size 1M --reps 2 --workload churn --domains 1 --json", "r");
	json_t *root, *alloc;

	assert_non_null(f);
	root = json_loadf(f, 0, NULL);
	assert_int_equal(pclose(f), 0);
	alloc = json_object_get(json_array_get(json_object_get(root, "runs"), 0), "alloc");
	assert_true(json_integer_value(json_object_get(alloc, "allocations")) > 0);
	assert_int_equal(json_integer_value(json_object_get(alloc, "bytes")),
			 json_integer_value(json_object_get(alloc, "bytes_freed")));
	assert_true(json_is_true(json_object_get(alloc, "same")));
	if (alloc_why_not())
		assert_string_equal(json_string_value(json_object_get(alloc, "heap_bytes")), "n/a");
	else
		assert_true(json_is_integer(json_object_get(alloc, "heap_bytes")));
	json_decref(root);
}

/* A leak of malloc() is found where jemalloc is, and the tables are whole nevertheless. */
static void test_leak(void **state)
{
	json_t *root, *alloc;
	FILE *f;

	if (alloc_why_not())
		skip(); /* the arena's leaks are test_run_alloc's */
	f = popen(BENCH " run --size 1M --reps 2 --workload contiguous --json --policy " LEAKY
			" 2>/dev/null",
		  "r");
	assert_non_null(f);
	root = json_loadf(f, 0, NULL);
	assert_int_equal(WEXITSTATUS(pclose(f)), 1);
	assert_int_equal(json_array_size(json_object_get(root, "runs")), 2);
	alloc = json_object_get(json_array_get(json_object_get(root, "runs"), 0), "alloc");
	assert_int_equal(json_integer_value(json_object_get(alloc, "leaking")), 2);
	assert_true(json_integer_value(json_object_get(alloc, "heap_bytes")) >= 40);
	assert_int_equal(json_integer_value(json_object_get(alloc, "heap_bytes_freed")), 0);
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc),
		cmocka_unit_test(test_run_alloc),
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_leak),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
