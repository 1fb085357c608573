// SPDX-License-Identifier: GPL-2.0-only
/* Rules by name, what fires first, findings as files, shapes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/op/test_text.h"
#include "fuzz/finding.h"
#include "fuzz/test_rig.h"
#include "fuzz/test_rule.h"

#define REPLUG                      \
	"buffer P 1 pages\n"        \
	"table A\n"                 \
	"map A a0 P\n"              \
	"attach A n0 noncoherent\n" \
	"detach A n0\n"             \
	"attach A n1 noncoherent\n"

#define REPLUG_SHAPE 0xdb895a99a356f927ULL

static struct run *run;

static const struct run *ran(const char *policy, const struct program *p)
{
	struct run_config cfg;

	rule_config(&cfg, &backend_core, flush_policy_find(policy), NULL);
	test_run_program(&run, &cfg, p);
	return run;
}

/* --- rules ---------------------------------------------------------------------- */

static void test_names(void **state)
{
	struct rule s1 = test_rule("S1"), storage = test_rule("finding:S1"),
		    d3 = test_rule("finding:D3");
	char err[4096];

	for (u32 c = 0; c < SHADOW_CONTRACTS; c++) {
		struct rule r = test_rule(shadow_contract_name[c]);

		assert_int_equal(rule_contract(&r), c);
		assert_null(rule_finding(&r));
	}
	/* The contract and the rule of the model that are called alike. */
	assert_int_equal(rule_contract(&s1), SHADOW_S1);
	assert_int_equal(rule_contract(&storage), -1);
	assert_string_equal(rule_finding(&storage), "S1");
	assert_false(rule_equal(&s1, &storage));
	storage = rule_of_finding("S1");
	assert_string_equal(storage.name, "finding:S1");
	assert_string_equal(d3.name, "D3");
	assert_string_equal(rule_finding(&d3), "D3");

	assert_int_equal(rule_parse("D33", &d3, err, sizeof(err)), -EINVAL);
	for (u32 c = 0; c < SHADOW_CONTRACTS; c++)
		assert_non_null(strstr(err, shadow_contract_name[c]));
	assert_non_null(strstr(err, " TEARDOWN"));
	assert_non_null(strstr(err, "\"D33\""));
	assert_int_equal(rule_parse("", &d3, err, sizeof(err)), -EINVAL);
	assert_int_equal(rule_parse("finding:L", &d3, err, sizeof(err)), -EINVAL);
}

static void test_of_expects(void **state)
{
	struct expect broken = {.kind = EXPECT_BROKEN, .detail = SHADOW_S1, .name = "none"};
	struct expect finding = {.kind = EXPECT_FINDING, .name = "S1"};
	struct expect ok = {.kind = EXPECT_OK, .name = "none"};
	struct rule r;

	assert_true(rule_of_expect(&broken, &r));
	assert_string_equal(r.name, "S1");
	assert_true(rule_of_expect(&finding, &r));
	assert_string_equal(r.name, "finding:S1");
	assert_false(rule_of_expect(&ok, &r));
}

static void test_first(void **state)
{
	struct program p = test_parse(REPLUG);
	struct rule first, leak = test_rule("L"), s0 = test_rule("S0"), order = test_rule("O");
	const struct run *r = ran("v1_posted", &p);

	assert_true(rule_first(r, CONTRACTS_ALL, &first));
	assert_true(rule_equal(&first, &leak));
	assert_int_equal(rule_op(r, &leak), 6);
	assert_true(rule_fired(r, &s0));
	assert_false(rule_fired(r, &order));
	assert_true(rule_first(r, CONTRACTS_ALL & ~CONTRACT_L, &first));
	assert_true(rule_equal(&first, &s0));
	assert_false(rule_first(r, CONTRACT_O | CONTRACT_U, &first));
	r = ran("exact", &p);
	assert_false(rule_first(r, CONTRACTS_SOUND, &first));
	program_free(&p);
}

/* A core that reports an unmap wrongly, and an unsound policy besides. */
static struct backend_ops liar;

static void forgetful(struct backend *b, struct request *req)
{
	backend_core.execute(b, req);
	if (req->kind == REQ_UNMAP && !req->rc)
		req->out_length--;
}

static void test_findings_count_always(void **state)
{
	struct program p = test_parse("buffer P 1 pages\ntable A\nmap A a0 P\nunmap A a0\n"
				      "map A a1 P\nattach A n0 noncoherent\n");
	struct rule first, wrong = test_rule("R3"), leak = test_rule("L");
	struct run_config cfg;

	liar = backend_core;
	liar.execute = forgetful;
	rule_config(&cfg, &liar, flush_policy_find("none"), NULL);
	test_run_program(&run, &cfg, &p);
	assert_true(rule_first(run, 0, &first));
	assert_true(rule_equal(&first, &wrong));
	assert_int_equal(rule_op(run, &wrong), 4);
	/* Contracts come before findings, whichever op was earlier. */
	assert_true(rule_first(run, CONTRACT_L, &first));
	assert_true(rule_equal(&first, &leak));
	/* Without the model nobody sees it. */
	rule_config(&cfg, &liar, flush_policy_find("none"), &leak);
	test_run_program(&run, &cfg, &p);
	assert_false(rule_fired(run, &wrong));
	assert_true(rule_fired(run, &leak));
	program_free(&p);
}

/* --- findings ------------------------------------------------------------------- */

static struct finding finding(const struct program *p, const char *policy, const char *name)
{
	return (struct finding){
		.rule = test_rule(name),
		.policy = flush_policy_find(policy),
		.program = p,
		.ops_before = 200,
		.ops_after = program_nr_ops(p),
		.commit = "0123",
		.has_seed = true,
		.seed = 42,
	};
}

static void test_text(void **state)
{
	/* Its own expectations, wrong ones at that, are replaced. */
	struct program p = test_parse(REPLUG "expect v1_posted L ok\nexpect exact L at 1\n"), again;
	struct finding f = finding(&p, "v1_posted", "L");
	struct verdict *v = malloc(sizeof(*v));
	struct run_config cfg;
	size_t len;
	char *text;

	ran("none", &p);
	text = finding_text(&f, run, "folder/x.ops", &len);
	assert_non_null(text);
	assert_int_equal(len, strlen(text));
	assert_string_equal(text, "# L under v1_posted\n"
				  "# rule:   L\n"
				  "# policy: v1_posted\n"
				  "# seed:   42\n"
				  "# commit: 0123\n"
				  "# ops:    6, 200 before shrinking\n"
				  "# replay: nosnoop-replay --policy v1_posted x.ops\n" REPLUG
				  "expect v1_posted L at 6\n");
	again = test_parse(text);
	judge_config(&cfg, &backend_core, f.policy);
	test_run_program(&run, &cfg, &again);
	judge(run, &again, v);
	assert_int_equal(v->outcome, JUDGE_GOOD);
	assert_int_equal(v->nr_expects, 1);
	free(v);
	free(text);
	program_free(&again);
	program_free(&p);
}

/* What a liar of a policy claims and breaks besides must be expected too. */
static void test_other_breaks(void **state)
{
	struct program p = test_parse(REPLUG);
	struct flush_policy boaster = *flush_policy_find("none");
	struct rule leak = test_rule("L");
	char *text;

	boaster.name = "a_policy_with_quite_a_long_name";
	boaster.claims = CONTRACTS_SOUND;
	ran("none", &p);
	assert_int_equal(finding_expect(&p, run, &boaster, &leak), 0);
	text = text_print(&p, NULL);
	assert_string_equal(text + strlen(REPLUG),
			    "expect a_policy_with_quite_a_long_name L at 4\n"
			    "expect a_policy_with_quite_a_long_name I at 5\n"
			    "expect a_policy_with_quite_a_long_name S0 at 4\n");
	free(text);
	program_free(&p);
}

static void test_does_not_fire(void **state)
{
	struct program p = test_parse(REPLUG);
	struct finding f = finding(&p, "exact", "L");
	char err[256];

	ran("none", &p);
	errno = 0;
	assert_null(finding_text(&f, run, "x", NULL));
	assert_int_equal(errno, ENOENT);
	assert_int_equal(finding_write(&f, run, "/nonexistent/x", err, sizeof(err)), -ENOENT);
	assert_non_null(strstr(err, "does not fire"));
	program_free(&p);
}

/* --- files ---------------------------------------------------------------------- */

static char folder[64], path[96];

static void make_folder(void)
{
	strcpy(folder, "/tmp/test_finding.XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/x.ops", folder);
}

static void assert_content(const char *expected)
{
	char got[256] = "";
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	assert_true(fread(got, 1, sizeof(got) - 1, f) <= sizeof(got));
	fclose(f);
	assert_string_equal(got, expected);
}

static void test_save(void **state)
{
	char err[512], inner[128];
	struct stat st;

	make_folder();
	assert_int_equal(save_file(path, "first\n", 6, err, sizeof(err)), 0);
	assert_content("first\n");
	assert_int_equal(save_file(path, "other\n", 6, err, sizeof(err)), 0);
	assert_content("other\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);

	/* The folder is not there; it is a folder; what was there stays, and nothing is left. */
	snprintf(inner, sizeof(inner), "%s/none/x.ops", folder);
	assert_int_equal(save_file(inner, "x", 1, err, sizeof(err)), -ENOENT);
	assert_non_null(strstr(err, "No such file"));
	assert_int_equal(save_file(folder, "x", 1, err, sizeof(err)), -EISDIR);
	if (!access("/dev/full", W_OK)) {
		assert_int_equal(save_file("/dev/full", "x", 1, err, sizeof(err)), -ENOSPC);
		assert_non_null(strstr(err, "/dev/full: No space left"));
	}
	assert_content("other\n");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0); /* fails if a temporary is left */
}

static void test_write(void **state)
{
	struct program p = test_parse(REPLUG);
	struct finding f = finding(&p, "v1_posted", "L");
	struct trace t;
	char err[512];

	make_folder();
	ran("none", &p);
	assert_int_equal(finding_write(&f, run, path, err, sizeof(err)), 0);
	assert_int_equal(trace_load(&t, path, err, sizeof(err)), 0);
	assert_int_equal(t.nr_ops, 6);
	trace_free(&t);
	if (!access("/dev/full", W_OK))
		assert_int_equal(finding_write(&f, run, "/dev/full", err, sizeof(err)), -ENOSPC);
	unlink(path);
	assert_int_equal(rmdir(folder), 0);
	program_free(&p);
}

/* --- shapes --------------------------------------------------------------------- */

static u64 shape(const char *text)
{
	struct program p = test_parse(text);
	u64 h = finding_shape(&p);

	program_free(&p);
	return h;
}

#define SHAPED(pages, at, copied, fails)                                                         \
	"buffer P " pages " pages\ntable A\nmap A a0 P at " at "\ncopy A a1 from a0" copied "\n" \
	"attach A n0 noncoherent" fails "\n"

static void test_shapes(void **state)
{
	u64 h = shape(SHAPED("1", "0x1000", "[0]", ""));

	assert_true(h == shape(SHAPED("5", "0x7000", "[2..4]", "")));
	assert_true(h == shape(SHAPED("5", "0x7000", "+0x1 len 0x3", "")));
	assert_true(h == shape("buffer Mine 1 pages\ntable T\nmap T m Mine at 0x1000\n"
			       "copy T c from m\nattach T d noncoherent\nexpect none L at 4\n"));
	/* Another address mode, another kind, another reference, a failure, one op more. */
	assert_true(h != shape(SHAPED("1", "end-0xfff", "[0]", "")));
	assert_true(h != shape(SHAPED("1", "0x1000", "[0]", " fail 1")));
	assert_true(shape(SHAPED("1", "0x1000", "[0]", " fail map 1")) ==
		    shape(SHAPED("1", "0x1000", "[0]", " fail map 9")));
	assert_true(h != shape("buffer P 1 pages\ntable A\nmap A a0 P at 0x1000\n"
			       "copy A a1 from a0[0]\nattach A n0 coherent\n"));
	assert_true(shape(SHAPED("1", "0x1000", "[0]", "") "unmap A a0\n") !=
		    shape(SHAPED("1", "0x1000", "[0]", "") "unmap A a1\n"));
	assert_true(h != shape(SHAPED("1", "0x1000", "[0]", "") "check\n"));
	/* Files are named after it: it may not change from one version to the next. */
	assert_int_equal(shape(REPLUG), REPLUG_SHAPE);
}

static int finish(void **state)
{
	run_destroy(run);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),	      cmocka_unit_test(test_of_expects),
		cmocka_unit_test(test_first),	      cmocka_unit_test(test_findings_count_always),
		cmocka_unit_test(test_text),	      cmocka_unit_test(test_other_breaks),
		cmocka_unit_test(test_does_not_fire), cmocka_unit_test(test_save),
		cmocka_unit_test(test_write),	      cmocka_unit_test(test_shapes),
	};

	return cmocka_run_group_tests(tests, NULL, finish);
}
