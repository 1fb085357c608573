// SPDX-License-Identifier: GPL-2.0-only
/*
 * What every "safe" leans on: states with equal forms have equal futures. All states of a small
 * configuration are reached; then every way into every state (of a sample) is taken once more, and
 * what can follow from there, the forms and the contracts broken on the way, is compared with what
 * follows from where the form was met first. Shares nothing with explore.c but the space.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/flush/registry.h"
#include "fuzz/check/space.h"
#include "fuzz/check/test_keepers.h"

#define STATES	32768u /* room, a power of two */
#define DEEPEST 24

struct known {
	u64 form, future; /* hashes; form 0: a free place */
	u32 length;
	u32 path[DEEPEST]; /* actions from the set-up */
};

struct follow {
	u64 form, broken;
};

static struct {
	struct space space;
	struct run *run;
	struct program op;
	struct scene scene;
	struct known known[STATES];
	u32 queue[STATES], queued; /* places in known[] */
	const struct known *from;
	void *root;
	size_t root_size;
	u64 compared;
	u32 sample;
	bool failures;
} t;

static u64 form_hash(void)
{
	u8 form[FORM_ROOM];
	u32 len = space_form(&t.space, t.run, form);
	u64 h = len;

	assert_true(len);
	for (u32 i = 0; i < len; i++)
		h = hash_add(h, form[i]);
	return h | 1;
}

/* From the state at hand, which t.scene describes. True: one of its places failed. */
static bool perform(struct action a)
{
	size_t at = 0;

	program_clear(&t.op);
	assert_int_equal(space_op(&t.space, &t.scene, a, &t.op), 0);
	run_step(t.run, &t.op, &at);
	return run_result(t.run, run_ops(t.run))->fired;
}

static void look(void)
{
	run_forget(t.run);
	assert_true(space_look(&t.space, t.run, &t.scene));
}

static void go(const u32 *path, u32 length)
{
	run_restore(t.run, t.root, t.root_size);
	look();
	for (u32 i = 0; i < length; i++) {
		perform(action_unpack(path[i]));
		look();
	}
}

/* --- all actions of a state, each from its snapshot ------------------------------------------- */

struct each {
	void *data;
	size_t size;
	struct scene scene;
	void (*fn)(void *ctx, struct action a);
	void *ctx;
};

static bool each_action(void *ctx, struct action a)
{
	struct each *e = ctx;
	bool fired;

	for (a.fail = t.failures;; a.fail++) {
		run_restore(t.run, e->data, e->size);
		t.scene = e->scene;
		fired = perform(a);
		e->fn(e->ctx, a);
		if (!fired)
			return true;
	}
}

static void for_each_successor(void (*fn)(void *ctx, struct action a), void *ctx)
{
	struct each e = {.size = run_save_size(t.run), .scene = t.scene, .fn = fn, .ctx = ctx};

	e.data = malloc(e.size);
	assert_non_null(e.data);
	run_save(t.run, e.data);
	space_requests(&t.space, &e.scene, each_action, &e);
	run_restore(t.run, e.data, e.size);
	t.scene = e.scene;
	free(e.data);
}

/* --- futures ----------------------------------------------------------------------------------- */

struct row {
	struct follow f[2048];
	u32 nr;
};

static void add_follow(void *ctx, struct action a)
{
	struct row *row = ctx;

	assert_true(row->nr < ARRAY_SIZE(row->f));
	row->f[row->nr++] = (struct follow){form_hash(), shadow_broken(run_shadow(t.run))};
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct follow));
}

/* As a set: two requests may come to the same. */
static u64 future_hash(void)
{
	struct row row = {.nr = 0};
	u64 h = 1;

	for_each_successor(add_follow, &row);
	qsort(row.f, row.nr, sizeof(row.f[0]), by_bytes);
	for (u32 i = 0; i < row.nr; i++)
		if (!i || by_bytes(&row.f[i], &row.f[i - 1]))
			h = hash_add(hash_add(h, row.f[i].form), row.f[i].broken);
	return h;
}

static struct known *place_of(u64 form)
{
	u32 i = mix64(form) % STATES;

	while (t.known[i].form && t.known[i].form != form)
		i = (i + 1) % STATES;
	return &t.known[i];
}

static void meet(void *ctx, struct action a)
{
	u64 form = form_hash();
	struct known *k = place_of(form);

	if (k->form)
		return;
	assert_true(t.queued < STATES / 2 && t.from->length < DEEPEST);
	*k = *t.from;
	k->form = form;
	k->path[k->length++] = action_pack(a);
	t.queue[t.queued++] = k - t.known;
}

/* The successor at hand is another one with a form that is known: does the same follow? */
static void compare(void *ctx, struct action a)
{
	const struct known *k = place_of(form_hash());
	struct scene scene = t.scene;

	assert_true(k->form);
	if (k->form / 2 % t.sample)
		return;
	look();
	if (future_hash() != k->future)
		fail_msg("%s: equal forms, different futures: behind %u requests, action 0x%x",
			 run_config(t.run)->policy->name, t.from->length, action_pack(a));
	t.scene = scene;
	t.compared++;
}

static void check_futures(const struct flush_policy *policy, const struct check_space *space,
			  bool failures, u32 sample)
{
	struct run_config cfg = {.backend = &backend_core,
				 .policy = policy,
				 .shadow = true,
				 .teardown = RUN_TEARDOWN_BACKEND};
	static struct known root;
	struct check_space with = *space;
	char err[256];

	memset(t.known, 0, sizeof(t.known));
	with.failures = failures ? CHECK_FAIL_ALL : CHECK_FAIL_NEVER;
	t.failures = failures;
	t.sample = sample;
	t.compared = t.queued = 0;
	t.run = run_create(&cfg);
	assert_non_null(t.run);
	assert_int_equal(space_init(&t.space, &with, err, sizeof(err)), 0);
	assert_true(space_begin(&t.space, t.run));
	t.root_size = run_save_size(t.run);
	t.root = malloc(t.root_size);
	run_save(t.run, t.root);
	look();
	root.form = form_hash();
	*place_of(root.form) = root;
	t.queue[t.queued++] = place_of(root.form) - t.known;
	for (u32 pass = 0; pass < 2; pass++) {
		for (u32 i = 0; i < t.queued; i++) {
			struct known *k = &t.known[t.queue[i]];

			t.from = k;
			go(k->path, k->length);
			if (!pass && !(k->form / 2 % sample))
				k->future = future_hash();
			for_each_successor(pass ? compare : meet, NULL);
		}
	}
	assert_true(t.compared > t.queued / sample);
	free(t.root);
	space_free(&t.space);
	run_destroy(t.run);
}

static const struct check_space two_tables = {
	.objects = 1, .pages = 2, .areas = 2, .tables = 2, .domains = 1, .accesses = 1};
static const struct check_space three_areas = {
	.objects = 1, .pages = 2, .areas = 3, .tables = 1, .domains = 2};
static const struct check_space two_objects = {
	.objects = 2, .pages = 1, .areas = 3, .tables = 1, .domains = 1, .accesses = 1};
static const struct check_space read_only = {.objects = 1,
					     .pages = 1,
					     .areas = 2,
					     .tables = 2,
					     .domains = 1,
					     .accesses = 1,
					     .readonly = true};

static void test_every_policy(void **state)
{
	const struct flush_policy *p;

	for (u32 i = 0; (p = flush_policy_nth(i)); i++)
		check_futures(p, &two_tables, false, 16);
}

static void test_other_spaces(void **state)
{
	static const struct check_space *const spaces[] = {&three_areas, &two_objects, &read_only};
	static const char *const policies[] = {"exact", "storage_skip", "area_flag_clear"};

	for (u32 i = 0; i < ARRAY_SIZE(spaces); i++)
		for (u32 k = 0; k < ARRAY_SIZE(policies); k++)
			check_futures(flush_policy_find(policies[k]), spaces[i], false, 4);
}

static void test_ids_in_state(void **state)
{
	static const struct check_space one_table = {
		.objects = 1, .pages = 1, .areas = 2, .tables = 1, .domains = 2};
	static const struct check_space one_area = {
		.objects = 1, .pages = 1, .areas = 1, .tables = 2, .domains = 2};

	check_futures(&keeps_id, &one_table, false, 1);
	check_futures(&keeps_id, &one_area, false, 4);
}

static void test_with_failures(void **state)
{
	check_futures(flush_policy_find("exact"), &read_only, true, 16);
	check_futures(flush_policy_find("storage_skip"), &read_only, true, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_policy),
		cmocka_unit_test(test_other_spaces),
		cmocka_unit_test(test_ids_in_state),
		cmocka_unit_test(test_with_failures),
	};
	int rc;

	program_init(&t.op);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	program_free(&t.op);
	return rc;
}
