// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs that nobody wrote: random bytes and the generator's. Every one runs to its end, in both
 * forms the same, with the shadow silent and the model content after every op.
 */
#include "fuzz/test_rig.h"

#include "core/op/gen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define PROGRAMS   100000
#define BYTES_MOST 1500

static u64 next_random(u64 *state)
{
	*state += 0x9e3779b97f4a7c15ULL;
	return mix64(*state);
}

static void judge_program(struct run **r, const struct program *p, u32 i, const char *what)
{
	struct run_config cfg;

	judge_config(&cfg, &backend_core, sound_policy(i));
	cfg.shadow_flags = 0;
	cfg.claims = 0;
	cfg.max_pages = RUN_PAGES_FUZZ;
	test_run_program(r, &cfg, p);
	test_as_claimed(*r, p, what);
	test_round_trips(p, what);
}

/*
 * Uniform bytes seldom meet each other: half of the strings have most of their bits cleared, so
 * that references and lengths are small.
 */
static size_t random_bytes(u8 *bytes, u64 seed)
{
	u64 state = seed;
	size_t size = next_random(&state) % (BYTES_MOST + 1);
	bool sparse = next_random(&state) & 1;

	for (size_t i = 0; i < size; i++) {
		u64 x = next_random(&state);

		bytes[i] = sparse && i % OP_SIZE != 1 && x >> 61 ? 0 : x;
	}
	return size;
}

static void test_random_bytes(void **state)
{
	struct program p = PROGRAM_EMPTY;
	u8 bytes[BYTES_MOST];
	struct run *r = NULL;
	char what[40];

	for (u32 i = 0; i < test_count(PROGRAMS); i++) {
		snprintf(what, sizeof(what), "byte string %u", i);
		assert_int_equal(program_decode(&p, bytes, random_bytes(bytes, i)), 0);
		run_reduce(&p, RUN_PAGES_FUZZ);
		judge_program(&r, &p, i, what);
	}
	program_free(&p);
	run_destroy(r);
}

static void test_generated(void **state)
{
	struct gen_config gen = gen_default();
	struct program p = PROGRAM_EMPTY;
	struct run *r = NULL;
	char what[40];

	for (u32 i = 0; i < test_count(PROGRAMS); i++) {
		snprintf(what, sizeof(what), "seed %u", i);
		assert_int_equal(gen_program(&p, i, &gen), 0);
		judge_program(&r, &p, i, what);
	}
	program_free(&p);
	run_destroy(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_bytes),
		cmocka_unit_test(test_generated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
