// SPDX-License-Identifier: GPL-2.0-only
/* Bound programs do what the original did, and say it by identities. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/flush/registry.h"
#include "core/op/bind.h"
#include "core/op/commit.h"
#include "core/op/gen.h"
#include "core/op/test_text.h"

#define PROGRAMS 1000

static struct run *run;

static struct run_config config(void)
{
	return (struct run_config){
		.backend = &backend_core,
		.policy = flush_policy_find("exact"),
		.check = RUN_CHECK_NEVER,
		.digests = RUN_DIGESTS_FULL,
	};
}

static void restart(void)
{
	struct run_config cfg = config();

	if (run)
		assert_int_equal(run_reset(run, &cfg), 0);
	else
		run = run_create(&cfg);
	assert_non_null(run);
}

static void bind(const struct program *from, struct program *to)
{
	restart();
	assert_int_equal(program_bind(run, from, to), 0);
}

static u64 digest(const struct program *p)
{
	restart();
	assert_int_equal(run_program(run, p), 0);
	return run_digest(run);
}

static u32 count(void)
{
	const char *scale = getenv("NOSNOOP_TEST_SCALE");
	double n = PROGRAMS * (scale && *scale ? strtod(scale, NULL) : 1.0);

	return n < 1 ? 1 : n;
}

static bool is_positional(const struct op *op)
{
	for (unsigned int i = 0; i < 3; i++)
		if (op_ref_kind(op, i) != OBJ_NONE && !op_by_id(op, i))
			return true;
	return false;
}

static bool has_bad_out(const struct program *p)
{
	for (size_t at = 0; at < p->nr; at++)
		if (op_info(p->ops[at].code)->creates == OBJ_AREA && p->ops[at].flags & OPF_BAD_OUT)
			return true;
	return false;
}

/*
 * What is still positional referred to nothing: the op did nothing, or a bad id stood for it. Or it
 * is a copy of an area that was made but whose op reported an error: that has no identity.
 */
static u32 left_over(const struct program *p)
{
	struct op_group g;
	u32 op = 0, nr = 0;

	restart();
	assert_int_equal(run_program(run, p), 0);
	for (size_t at = 0; at < p->nr; at = g.next) {
		program_group(p, at, &g);
		if (!g.op)
			continue;
		op++;
		if (is_positional(g.op) && !run_result(run, op)->noop &&
		    !(g.op->flags & (OPF_BAD_ID | OPF_BAD_SRC)) &&
		    !(g.op->code == OP_COPY && has_bad_out(p)))
			nr++;
	}
	return nr;
}

static void test_same_run(void **state)
{
	struct program p = PROGRAM_EMPTY, bound = PROGRAM_EMPTY, again = PROGRAM_EMPTY;
	struct gen_config cfg = gen_default();
	u64 changed = 0;

	cfg.max_ops = 80;
	for (u32 seed = 0; seed < count(); seed++) {
		assert_int_equal(gen_program(&p, seed, &cfg), 0);
		bind(&p, &bound);
		changed += !program_equal(&p, &bound);
		if (digest(&p) != digest(&bound))
			fail_msg("seed %u: another run\n%s", seed, text_print(&bound, NULL));
		if (left_over(&bound))
			fail_msg("seed %u: not bound\n%s", seed, text_print(&bound, NULL));
		bind(&bound, &again);
		if (!has_bad_out(&p) && !program_equal(&bound, &again))
			fail_msg("seed %u: bound twice is another program", seed);
	}
	assert_true(changed > count() / 2);
	program_free(&p);
	program_free(&bound);
	program_free(&again);
}

static void binds(const char *from, const char *to)
{
	struct program p = test_parse(from), bound = PROGRAM_EMPTY;
	char *text;

	bind(&p, &bound);
	text = text_print(&bound, NULL);
	assert_string_equal(text, to);
	free(text);
	program_free(&p);
	program_free(&bound);
}

#define SETUP                \
	"buffer P 3 pages\n" \
	"table A\n"          \
	"huge_pages A off\n"

static void test_forms(void **state)
{
	/* The second of those that live is the third that was made. */
	binds(SETUP "table B\ntable C\ndestroy B\nmap table%1 a0 buffer%5\n",
	      SETUP "table B\ntable C\ndestroy B\nmap C a0 P\n");
	/* Areas count by address, not by age. */
	binds(SETUP "map A a0 P at 0x10000\nmap A a1 P at 0x4000\nunmap A area%0\n",
	      SETUP "map A a0 P at 0x10000\nmap A a1 P at 0x4000\nunmap A a1\n");
	/* The right part of a cut has no op of its own. */
	binds(SETUP "map A a0 P\ncut A a0+0xfff\nunmap A area%1\n",
	      SETUP "map A a0 P\ncut A a0+0xfff\nunmap A a0+0x1000 len 0x2000\n");
	binds(SETUP "map A a0 P\ncut A a0+0xfff\ncopy A a1 from A@area%1\n",
	      SETUP "map A a0 P\ncut A a0+0xfff\ncopy A a1 from a0+0x1000 len 0x2000\n");
	/* An address in an area; one in none stays. */
	binds(SETUP "map A a0 P at 0x8000\nunmap A 0x8000 len 0x3000\nunmap A 0x8000 len 0x3000\n",
	      SETUP "map A a0 P at 0x8000\nunmap A a0+0x0 len 0x3000\nunmap A a0+0x0 len 0x3000\n");
	binds(SETUP "map A a0 P at 0x8000\nunmap A 0x7000 len 0x3000\n",
	      SETUP "map A a0 P at 0x8000\nunmap A 0x7000 len 0x3000\n");
	/* The latest that was made there, and a copy's destination moves into the op. */
	binds(SETUP "map A a0 P at 0x8000\nunmap A a0\nmap A a1 P at 0x8000\n"
		    "copy A a2 from A@0x9000 len 0x1000 at 0x40000\n",
	      SETUP "map A a0 P at 0x8000\nunmap A a0\nmap A a1 P at 0x8000\n"
		    "copy A a2 from a1+0x1000 len 0x1000 at 0x40000\n");
	/* A detach counts in its table. */
	binds(SETUP "table B\nattach A n0 coherent\nattach B n1 coherent\ndetach B domain%0\n",
	      SETUP "table B\nattach A n0 coherent\nattach B n1 coherent\ndetach B n1\n");
	/* Of nothing: as it was. */
	binds(SETUP "unpin pin%3\nload P+0x0 len 0x1\n", SETUP "unpin pin%3\nload P+0x0 len 0x1\n");
}

static void test_ref_kinds(void **state)
{
	struct program p = test_parse("table A\nbuffer P 1 pages\nmap A a0 P at 0x1000\n"
				      "copy A a1 from a0\ncopy A a2 from A@0x1000 len 1\n"
				      "access x0 none\nattach A n0 coherent leaves 3\n");
	const struct {
		size_t at;
		enum obj_kind kind[3];
	} rows[] = {
		{2, {OBJ_TABLE, OBJ_BUFFER, OBJ_NONE}}, {3, {OBJ_TABLE, OBJ_NONE, OBJ_AREA}},
		{4, {OBJ_TABLE, OBJ_TABLE, OBJ_NONE}},	{5, {OBJ_NONE, OBJ_NONE, OBJ_NONE}},
		{6, {OBJ_TABLE, OBJ_NONE, OBJ_NONE}},
	};

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		for (u32 slot = 0; slot < 3; slot++)
			assert_int_equal(op_ref_kind(&p.ops[rows[i].at], slot), rows[i].kind[slot]);
	program_free(&p);
}

/* The tests may run from an unpacked archive: then nothing is known. */
static void test_commit(void **state)
{
	char here[COMMIT_TEXT], head[COMMIT_TEXT];
	bool changed;

	assert_false(commit_head("/nonexistent", head));
	assert_false(commit_changed("/nonexistent", &changed));
	commit_here(here);
	if (!commit_head(".", head)) {
		assert_string_equal(here, "n/a");
		return;
	}
	assert_true(strlen(head) >= 40);
	if (!strncmp(here, head, strlen(head)))
		assert_true(!here[strlen(head)] || !strcmp(here + strlen(head), ", changed"));
	else
		assert_string_equal(here, "n/a"); /* built outside of the checkout */
}

static int finish(void **state)
{
	run_destroy(run);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_ref_kinds),
		cmocka_unit_test(test_same_run),
		cmocka_unit_test(test_commit),
	};

	return cmocka_run_group_tests(tests, NULL, finish);
}
