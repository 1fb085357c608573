// SPDX-License-Identifier: GPL-2.0-only
/* The judge, traces from files, policies by name, the failure sweep, and the command itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/op/text.h"
#include "core/op/policies.h"
#include "fuzz/print.h"

#define REPLUG                      \
	"buffer P 3 pages\n"        \
	"buffer R 1 pages\n"        \
	"table A\n"                 \
	"map A a0 P\n"              \
	"attach A n0 noncoherent\n" \
	"detach A n0\n"             \
	"attach A n1 noncoherent\n"

static char path[64];

/* A file of this test's own with these bytes; its name is in path[]. */
static void write_file(const char *suffix, const void *data, size_t len)
{
	FILE *f;
	int fd;

	snprintf(path, sizeof(path), "/tmp/test_judge.XXXXXX%s", suffix);
	fd = mkstemps(path, strlen(suffix));
	assert_true(fd >= 0);
	f = fdopen(fd, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	fclose(f);
}

static void load(struct trace *t, const char *text)
{
	char err[400];

	write_file(".ops", text, strlen(text));
	if (trace_load(t, path, err, sizeof(err)))
		fail_msg("%s", err);
	unlink(path);
}

static struct run *judged(struct trace *t, const char *text, const char *policy, struct verdict *v)
{
	struct run_config cfg;
	struct run *r;

	load(t, text);
	judge_config(&cfg, &backend_core, flush_policy_find(policy));
	r = run_create(&cfg);
	assert_non_null(r);
	assert_int_equal(run_program(r, &t->program), 0);
	judge(r, &t->program, v);
	return r;
}

static enum judge_outcome outcome(const char *text, const char *policy)
{
	static struct verdict v;
	struct trace t;

	run_destroy(judged(&t, text, policy, &v));
	trace_free(&t);
	return v.outcome;
}

static void test_outcomes(void **state)
{
	assert_int_equal(outcome(REPLUG, "exact"), JUDGE_GOOD);
	/* It leaks, and does not claim otherwise. */
	assert_int_equal(outcome(REPLUG, "v1_posted"), JUDGE_GOOD);
	assert_int_equal(outcome(REPLUG "expect v1_posted L at 7\n", "v1_posted"), JUDGE_GOOD);
	assert_int_equal(outcome(REPLUG "expect v1_posted L at 5\n", "v1_posted"), JUDGE_BAD);
	assert_int_equal(outcome(REPLUG "expect v1_posted L ok\n", "v1_posted"), JUDGE_BAD);
	assert_int_equal(outcome(REPLUG "expect v1_posted L ok\n", "exact"), JUDGE_GOOD);
	assert_int_equal(outcome(REPLUG "expect exact L\n", "exact"), JUDGE_BAD);
	assert_int_equal(outcome(REPLUG "expect errno EINVAL\n", "exact"), JUDGE_BAD);
}

static void test_numbers(void **state)
{
	static struct verdict v;
	struct trace t;
	struct run *r = judged(&t, REPLUG, "v1_posted", &v);
	char text[64];

	assert_int_equal(v.flushes, 9);
	assert_int_equal(v.bound_lis0, 12);
	assert_int_equal(v.missing, 3);
	assert_true(v.contract[SHADOW_L].broken);
	assert_int_equal(v.contract[SHADOW_L].op, 7);
	assert_int_equal(v.contract[SHADOW_L].should, 7);
	assert_true(v.contract[SHADOW_L].has_buffer);
	trace_buffer_name(&t, v.contract[SHADOW_L].buffer, text, sizeof(text));
	assert_string_equal(text, "P");
	trace_op_text(&t, 7, text, sizeof(text));
	assert_string_equal(text, "attach A n1 noncoherent");
	trace_op_text(&t, 8, text, sizeof(text));
	assert_string_equal(text, "(teardown)");
	run_destroy(r);
	trace_free(&t);
}

/* The exact shape that scripts read. */
static void test_json(void **state)
{
	static struct verdict v;
	struct trace t;
	struct run *r = judged(&t, REPLUG, "v1_posted", &v);
	json_t *o = verdict_json(&t, &v), *contracts;
	json_int_t op, page, should, flushes;
	const char *i;

	assert_non_null(o);
	assert_int_equal(json_unpack(o, "{s:I, s:o}", "flushes", &flushes, "contracts", &contracts),
			 0);
	assert_int_equal(flushes, 9);
	assert_int_equal(json_unpack(contracts, "{s:{s:I, s:I, s:I}, s:s}", "L", "op", &op, "page",
				     &page, "should", &should, "I", &i),
			 0);
	assert_int_equal(op, 7);
	assert_int_equal(page, 0);
	assert_int_equal(should, 7);
	assert_string_equal(i, "ok");
	json_decref(o);
	run_destroy(r);
	trace_free(&t);
}

/* No line for people is longer than a mail allows. */
static void test_width(void **state)
{
	static struct verdict v;
	struct trace t;
	struct run *r =
		judged(&t, REPLUG "expect v1_posted L at 5\nexpect v1_posted I\n", "v1_posted", &v);
	char *text = NULL, *line, *next;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	verdict_print(f, &t, r, &v);
	verdict_table_head(f, &t);
	verdict_table_row(f, &v);
	fclose(f);
	assert_non_null(strstr(text, "op 7, attach A n1 noncoherent"));
	assert_non_null(strstr(text, "history of page 0 of P"));
	assert_non_null(strstr(text, "does not hold"));
	for (line = text; (next = strchr(line, '\n')); line = next + 1)
		assert_true(next - line <= PRINT_COLUMNS);
	free(text);
	run_destroy(r);
	trace_free(&t);
}

static void test_binary_trace(void **state)
{
	struct program p = PROGRAM_EMPTY;
	struct text_error te;
	struct trace t;
	char err[200];
	u8 bytes[1024];

	assert_int_equal(text_parse(&p, REPLUG, strlen(REPLUG), "x", &te), 0);
	program_encode(&p, bytes);
	write_file("", bytes, program_encoded_size(&p));
	assert_int_equal(trace_load(&t, path, err, sizeof(err)), 0);
	assert_true(program_equal(&p, &t.program));
	assert_int_equal(t.nr_ops, 7);
	unlink(path);
	trace_free(&t);
	program_free(&p);
}

static void test_bad_trace(void **state)
{
	struct trace t;
	char err[400], want[128];

	write_file(".ops", "table A\nmap B a0 P\n", 19);
	assert_int_equal(trace_load(&t, path, err, sizeof(err)), -EINVAL);
	snprintf(want, sizeof(want), "%s:2:5: ", path);
	assert_memory_equal(err, want, strlen(want));
	assert_non_null(strstr(err, "expected"));
	unlink(path);
	trace_free(&t);
	assert_int_equal(trace_load(&t, "/nonexistent.ops", err, sizeof(err)), -ENOENT);
	trace_free(&t);
}

static void test_policies(void **state)
{
	struct policies p = {0};
	char err[4096];

	assert_int_equal(policies_add(&p, "exact,eager,exact", err, sizeof(err)), 0);
	assert_int_equal(p.nr, 2);
	assert_int_equal(policies_add(&p, "all", err, sizeof(err)), 0);
	assert_int_equal(p.nr, flush_policy_count());
	policies_close(&p);
	assert_int_equal(policies_add(&p, "sound", err, sizeof(err)), 0);
	assert_true(p.nr && p.nr < flush_policy_count());
	policies_close(&p);
	assert_int_equal(policies_add(&p, "", err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "no policy named, expected one"));
	assert_int_equal(policies_add(&p, "eagr", err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "did you mean eager"));
	assert_non_null(strstr(err, "storage_skip_held_release"));
	assert_int_equal(policies_add(&p, "./none.so", err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "none.so"));
}

/* --- the sweep --------------------------------------------------------------------------------- */

static const char several[] = "buffer P 5 pages\n"
			      "layout P run 2\n"
			      "table A\n"
			      "attach A n0 noncoherent\n"
			      "attach A n1 noncoherent\n"
			      "map A a0 P\n"
			      "access x0 A pages\n"
			      "pin x0 k0 a0[1..3] rw\n"
			      "detach A n0\n"
			      "unpin k0\n"
			      "unmap A a0\n";

static void sweep_text(const char *text, const struct run_config *cfg, struct sweep *s)
{
	struct run *r = run_create(cfg);
	struct trace t;

	assert_non_null(r);
	load(&t, text);
	assert_int_equal(sweep_run(r, cfg, &t.program, s), 0);
	run_destroy(r);
	trace_free(&t);
}

static void test_sweep(void **state)
{
	struct sweep s = {0};
	struct run_config cfg;

	judge_config(&cfg, &backend_core, flush_policy_find("exact"));
	sweep_text(several, &cfg, &s);
	assert_true(s.cases > 20);
	assert_int_equal(s.bad, 0);
	assert_int_equal(s.ops, 9);
}

/* The unwind that Linux 6.12 has is refused: here a policy that claims too much is. */
static void test_sweep_notices(void **state)
{
	struct flush_policy lies = *flush_policy_find("v1_posted");
	struct sweep s = {0};
	struct run_config cfg;

	lies.claims = CONTRACT_L;
	judge_config(&cfg, &backend_core, &lies);
	/* Broken only when a coherent attach fails: its error path counts down what nobody counted up. */
	sweep_text("buffer P 2 pages\n"
		   "table A\n"
		   "attach A n0 noncoherent\n"
		   "attach A n1 coherent\n"
		   "map A a0 P\n",
		   &cfg, &s);
	assert_true(s.cases > 0);
	assert_true(s.bad > 0);
	assert_true(s.bad < s.cases);
}

/* --- the command ------------------------------------------------------------------------------- */

/* Its exit status; what it printed (both streams) in @out. */
static int replay(const char *args, char *out, size_t size)
{
	char command[PATH_MAX + 300];
	size_t n;
	FILE *f;

	snprintf(command, sizeof(command), "%s %s %s 2>&1", NOSNOOP_REPLAY, args, path);
	f = popen(command, "r");
	assert_non_null(f);
	n = fread(out, 1, size - 1, f);
	out[n] = '\0';
	return WEXITSTATUS(pclose(f));
}

static void test_command(void **state)
{
	static char out[1 << 16];

	write_file(".ops", REPLUG "expect v1_posted L at 7\n", strlen(REPLUG) + 24);
	assert_int_equal(replay("--policy v1_posted", out, sizeof(out)), 0);
	assert_non_null(strstr(out, "BROKEN at op 7, page 0 of P"));
	assert_int_equal(replay("", out, sizeof(out)), 0);
	assert_non_null(strstr(out, "\n  exact_every"));
	assert_int_equal(replay("--ktap --policy exact,eager", out, sizeof(out)), 0);
	assert_memory_equal(out, "KTAP version 1\n1..2\nok 1 ", 25);
	assert_int_equal(replay("--bisect", out, sizeof(out)), 0);
	assert_string_equal(out, "");
	assert_int_equal(replay("--fail-sweep --policy sound", out, sizeof(out)), 0);
	assert_non_null(strstr(out, ", 0 bad"));
	assert_int_equal(replay("--json --digest --temp-limit 12", out, sizeof(out)), 0);
	assert_non_null(strstr(out, "\"digest\": \"0x"));
	assert_int_equal(replay("--policy nosuch", out, sizeof(out)), 2);
	assert_int_equal(replay("--backend nosuch", out, sizeof(out)), 2);
	assert_int_equal(replay("--backend /nonexistent.so", out, sizeof(out)), 2);
	assert_int_equal(replay("--temp-limit 11", out, sizeof(out)), 2);
	assert_int_equal(replay("/nonexistent", out, sizeof(out)), 2);
	assert_int_equal(replay("--bisect /nonexistent", out, sizeof(out)), 125);
	unlink(path);

	write_file(".ops", REPLUG "expect exact L\n", strlen(REPLUG) + 15);
	assert_int_equal(replay("--policy exact", out, sizeof(out)), 1);
	assert_non_null(strstr(out, "NOT as it should be"));
	assert_int_equal(replay("--bisect --policy exact", out, sizeof(out)), 1);
	assert_int_equal(replay("--ktap --policy exact", out, sizeof(out)), 1);
	assert_non_null(strstr(out, "\nnot ok 1 "));
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outcomes),      cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_json),	      cmocka_unit_test(test_width),
		cmocka_unit_test(test_binary_trace),  cmocka_unit_test(test_bad_trace),
		cmocka_unit_test(test_policies),      cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_sweep_notices), cmocka_unit_test(test_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
