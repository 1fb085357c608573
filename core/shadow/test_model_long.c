// SPDX-License-Identifier: GPL-2.0-only
/* Long rows beside a plain array: whatever is put in and taken out, both hold the same. */
#include "core/shadow/test_model_env.h"

#include <stdlib.h>
#include "core/shadow/model_priv.h"

#define LONGEST 3000U
#define STEPS	20000U

struct twin {
	struct model *md;
	struct rows rows; /* u64, ascending */
	u64 plain[LONGEST];
	u32 nr;
	u64 random;
};

static u64 draw(struct twin *t, u64 below)
{
	t->random = t->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (t->random >> 33) % below;
}

static u64 key_of(const void *element)
{
	return *(const u64 *)element;
}

static u32 plain_lower(const struct twin *t, u64 key)
{
	u32 i = 0;

	while (i < t->nr && t->plain[i] < key)
		i++;
	return i;
}

static void put(struct twin *t, u64 key)
{
	u32 pos = plain_lower(t, key);
	u64 *at;

	assert_int_equal(md_rows_lower(&t->rows, key, key_of), pos);
	if (t->nr == LONGEST)
		return;
	at = md_rows_insert(t->md, &t->rows, pos);
	assert_int_equal(*at, 0);
	*at = key;
	memmove(&t->plain[pos + 1], &t->plain[pos], (t->nr++ - pos) * sizeof(u64));
	t->plain[pos] = key;
}

static void take(struct twin *t, u32 pos, u32 n)
{
	md_rows_erase(t->md, &t->rows, pos, n);
	memmove(&t->plain[pos], &t->plain[pos + n], (t->nr - pos - n) * sizeof(u64));
	t->nr -= n;
}

static void compare(const struct twin *t)
{
	assert_int_equal(t->rows.nr, t->nr);
	for (u32 i = 0; i < t->nr; i++)
		assert_int_equal(*rows_at(&t->rows, u64, i), t->plain[i]);
}

/* Phases in which more comes than goes, and the other way; now and then a long piece goes at once. */
static void step(struct twin *t, u32 i)
{
	bool shrinks = i / 4000 % 2;

	if (!t->nr || draw(t, 4) > (shrinks ? 0 : 2))
		put(t, draw(t, 3) ? draw(t, 1 << 30) : 1ULL << 31 | i);
	else if (draw(t, 500))
		take(t, draw(t, t->nr), 1);
	else
		take(t, 0, draw(t, t->nr + 1));
	if (i % 97 == 0)
		compare(t);
}

static void test_long_rows(void **state)
{
	struct env *e = *state;
	struct twin *t = calloc(1, sizeof(*t));
	size_t before = arena_live(e->model_arena);
	u32 most = 0;

	assert_non_null(t);
	t->md = e->md;
	t->rows.size = sizeof(u64);
	for (u32 i = 0; i < STEPS; i++) {
		step(t, i);
		most = max(most, t->nr);
	}
	assert_true(most > 1000);
	compare(t);
	take(t, 0, t->nr);
	compare(t);
	md_rows_free(e->md, &t->rows);
	assert_int_equal(arena_live(e->model_arena), before);
	free(t);
}

/* Mapped one way, unmapped another: an answer that the model does not expect is a finding. */
static void test_many_areas(void **state)
{
	struct env *e = *state;
	u32 n = 2000;

	table_new(e, 1);
	for (u32 i = 0; i < n; i++)
		lazy_map(e, 1, VA_P, K4, RW_, (1 + i * 1237ULL % n) * 2 * K4);
	for (u32 i = 0; i < n / 2; i++)
		SEND(e, 0, .kind = REQ_UNMAP, .table = 1, .iova = (1 + i * 773ULL % n) * 2 * K4,
		     .length = K4, .out_length = K4);
	expect_silence(e);
	SEND(e, 0, .kind = REQ_UNMAP, .table = 1, .length = U, .out_length = n / 2 * K4);
	expect_silence(e);
	SEND(e, 0, .kind = REQ_UNMAP, .table = 1, .length = U, .out_length = K4);
	expect_finding(e, "R3");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, env_setup, env_teardown)

int run_long_tests(void)
{
	const struct CMUnitTest tests[] = {TEST(test_long_rows), TEST(test_many_areas)};

	return cmocka_run_group_tests_name("long rows", tests, NULL, NULL);
}
