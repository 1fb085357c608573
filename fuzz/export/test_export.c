// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exports of programs that nobody wrote, and what the text must be whatever the trace: the same each
 * time, every op told about once, no comment ended by somebody else's words. That the text compiles
 * is test_export.py's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/op/gen.h"
#include "core/op/test_text.h"
#include "fuzz/export/adapt.h"
#include "fuzz/export/export.h"
#include "fuzz/test_rig.h"

#define PROGRAMS 400 /* times NOSNOOP_TEST_SCALE */

static char *export(struct trace *t, struct export_stats *stats)
{
	char *text;

	t->path = (char *)"test.ops";
	t->nr_ops = program_nr_ops(&t->program);
	text = export_program(t, "test.ops", stats, NULL);
	assert_non_null(text);
	return text;
}

static u32 count(const char *text, const char *what)
{
	u32 nr = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		nr++;
	return nr;
}

static void assert_told(const struct trace *t, const char *text, const struct export_stats *stats)
{
	char head[2][40];

	assert_int_equal(stats->fate[EXPORT_WHOLE] + stats->fate[EXPORT_PARTLY] +
				 stats->fate[EXPORT_LEFT],
			 t->nr_ops);
	for (u32 op = 1; op <= t->nr_ops; op++) {
		snprintf(head[0], sizeof(head[0]), "\n\t/* %u: ", op);
		snprintf(head[1], sizeof(head[1]), "\n\t/*\n\t * %u: ", op);
		if (count(text, head[0]) + count(text, head[1]) != 1)
			test_fail_on(&t->program, "op %u is not told about once", op);
	}
}

static void test_generated(void **state)
{
	struct gen_config cfg = gen_default();
	struct export_stats stats, again;
	struct trace t = {0};

	for (u32 seed = 0; seed < test_count(PROGRAMS); seed++) {
		char *text, *second;

		assert_int_equal(gen_program(&t.program, seed, &cfg), 0);
		text = export(&t, &stats);
		assert_told(&t, text, &stats);
		second = export(&t, &again);
		assert_string_equal(text, second);
		free(text);
		free(second);
		free(stats.losses);
		free(again.losses);
	}
	program_free(&t.program);
}

/* What a trace says in its comments stays in a comment. */
static void test_quoted(void **state)
{
	struct trace t = {.program = test_parse("nop\n")};
	struct export_stats stats;
	char *text;

	t.text = (char *)"# */ int x; /* ?\?/\n# \xe2\x80\xae \x01\nnop\n";
	text = export(&t, &stats);
	assert_non_null(strstr(text, "\t# * / int x; / * ? ?/\n"));
	assert_non_null(strstr(text, "\t# ? ?\n"));
	free(text);
	free(stats.losses);
	program_free(&t.program);
}

/* --- what is changed for the mock -------------------------------------------- */

static struct adapted adapted(const char *text)
{
	struct program p = test_parse(text);
	struct answer *answers = calloc(p.nr + 1, sizeof(*answers));
	struct adapted out;

	assert_int_equal(adapt(&p, answers, &out), 0);
	free(answers);
	program_free(&p);
	return out;
}

static void assert_adapted(const char *text, const char *expected)
{
	struct adapted a = adapted(text);
	char *printed = text_print(&a.program, NULL);

	assert_string_equal(printed, expected);
	free(printed);
	adapt_free(&a);
}

static void test_moved(void **state)
{
	/* No domain: all addresses are good. */
	assert_adapted("buffer P 1 pages\ntable A\nmap A a0 P at 0x10000\n",
		       "buffer P 1 pages\ntable A\nmap A a0 P at 0x10000\n");
	/* What touches still touches, what is far apart is not; a span that wraps stays. */
	assert_adapted("buffer P 1 pages\ntable A\n"
		       "attach A n0 coherent\n"
		       "map A a0 P at 0x10000\nmap A a1 P at 0x11000\n"
		       "map A a2 P at end-0xffff\n"
		       "unmap A end-0xfff len 0x2000\n",
		       "buffer P 1 pages\ntable A\n"
		       "attach A n0 coherent pgsize 2K aperture 0x1000000-0x7fffffff\n"
		       "map A a0 P at 0x1010000\nmap A a1 P at 0x1011000\n"
		       "map A a2 P at 0x3ff0000\n"
		       "unmap A end-0xfff len 0x2000\n");
}

static void test_window(void **state)
{
	assert_adapted("buffer P 1 pages\ntable A\nmap A a0 P\nattach A n0 coherent\n",
		       "buffer P 1 pages\ntable A\n"
		       "allow A 0x1000000-0x7fffffff\n"
		       "map A a0 P\n"
		       "attach A n0 coherent pgsize 2K aperture 0x1000000-0x7fffffff\n");
	/* Its own list would take the place of that one. */
	assert_adapted("buffer P 1 pages\ntable A\nallow A 0x2000000-0x2ffffff\nmap A a0 P\n"
		       "attach A n0 coherent\n",
		       "buffer P 1 pages\ntable A\n"
		       "reserve A 0x0 len 0x1000000\n"
		       "reserve A 0x80000000 len 2^64-0x80000000\n"
		       "allow A 0x2000000-0x2ffffff\nmap A a0 P\n"
		       "attach A n0 coherent pgsize 2K aperture 0x1000000-0x7fffffff\n");
}

/* The test itself is another task than the one that dies. */
static void test_processes(void **state)
{
	struct adapted a = adapted("buffer P 1 pages\nbuffer Q 1 pages task 2\nexit task 0\n");

	assert_int_equal(a.here, 1);
	assert_int_equal(a.children, 1u << 0 | 1u << 2);
	adapt_free(&a);
	a = adapted("buffer P 1 pages\nbuffer Q 1 pages task 2\nexit task 2\n");
	assert_int_equal(a.here, 0);
	assert_int_equal(a.children, 1u << 2);
	adapt_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moved),	  cmocka_unit_test(test_window),
		cmocka_unit_test(test_processes), cmocka_unit_test(test_quoted),
		cmocka_unit_test(test_generated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
