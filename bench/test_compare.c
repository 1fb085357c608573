// SPDX-License-Identifier: GPL-2.0-only
/* Workloads, algorithm counters, sweeps, `nosnoop-bench compare`. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <jansson.h>

#include "bench/sweep.h"
#include "bench/test_shell.h"
#include "bench/wbinvd.h"
#include "bench/workloads/families.h"
#include "core/flush/clean.h"
#include "core/flush/registry.h"

#define SMALL  WORKLOAD_SIZE_MIN
#define OTHERS (SMALL / 64 >> PAGE_SHIFT) /* pages of most workloads */
#define SOUND  (CONTRACT_L | CONTRACT_I | CONTRACT_S0 | CONTRACT_O | CONTRACT_U)

static int make(struct workloads *all, const char *names, char err[512])
{
	struct workload_options opt = {.size = SMALL, .seed = 1, .names = names};

	return workloads_make(all, &opt, err, 512);
}

static void made(struct workloads *all, const char *names)
{
	char err[512];

	if (make(all, names, err))
		fail_msg("%s", err);
}

static struct judged judge_one(const struct workload *w, const char *policy)
{
	struct judged j;

	assert_int_equal(judge_workload(w, flush_policy_find(policy), NULL, &j), 0);
	assert_int_equal(j.v.nr_findings, 0);
	return j;
}

static u32 broken(const struct judged *j)
{
	u32 mask = 0;

	for (u32 c = 0; c < SHADOW_CONTRACTS; c++)
		mask |= (u32)j->v.contract[c].broken << c;
	return mask;
}

/* --- verdicts --------------------------------------------------------------------------------- */

/* Where the posted patch leaks: a flag that outlives the pin, a copy that reads no flag. */
static const char *const leaks[] = {"unplug-replug", "copy-subslice", "access-held"};

static bool is_leak(const char *name)
{
	for (u32 i = 0; i < ARRAY_SIZE(leaks); i++)
		if (!strcmp(leaks[i], name))
			return true;
	return false;
}

static void test_verdicts(void **state)
{
	static const char *const sound[] = {"eager", "storage_skip", "exact"};
	struct workloads all;
	struct judged j;

	made(&all, "made");
	for (u32 w = 0; w < all.nr; w++) {
		for (u32 p = 0; p < ARRAY_SIZE(sound); p++) {
			j = judge_one(&all.w[w], sound[p]);
			assert_int_equal(broken(&j) & SOUND, 0);
			assert_true(j.v.flushes >= j.v.bound && j.v.bound > 0);
		}
		j = judge_one(&all.w[w], "none");
		assert_true(broken(&j) & CONTRACT_L);
		j = judge_one(&all.w[w], "v1_posted");
		if (!!(broken(&j) & CONTRACT_L) != is_leak(all.w[w].name))
			fail_msg("%s: v1_posted breaks %#x", all.w[w].name, broken(&j));
	}
	workloads_free(&all);
}

/* A write back that keeps the lines leaves stale ones behind what a device wrote. */
static void test_clean_that_keeps(void **state)
{
	static const struct clean_ops keeps = {.name = "keeps"};
	struct workloads all;
	struct judged j;

	made(&all, "churn-4k");
	assert_int_equal(judge_workload(&all.w[0], flush_policy_find("eager"), &keeps, &j), 0);
	assert_true(broken(&j) & CONTRACT_I);
	assert_false(broken(&j) & (CONTRACT_L | CONTRACT_S0));
	workloads_free(&all);
}

/* --- counters --------------------------------------------------------------------------------- */

struct expected {
	const char *workload, *policy;
	u64 changes, skips, pages;
};

/* By hand: maps, unmaps, attaches and detaches of OTHERS pages each. */
static void test_skips(void **state)
{
	static const struct expected table[] = {
		{"fragmentation:1", "none", 2 * OTHERS, 2 * OTHERS, 0},
		{"fragmentation:512", "eager", 2 * OTHERS, 0, 2 * OTHERS},
		{"attach-2nd-nc", "none", 4 * OTHERS, 4 * OTHERS, 0},
		{"attach-2nd-nc", "eager", 4 * OTHERS, 0, 4 * OTHERS},
		{"attach-2nd-nc", "exact", 4 * OTHERS, 2 * OTHERS, 2 * OTHERS},
		{"unplug-replug", "exact", 6 * OTHERS, 0, 6 * OTHERS},
		/* One change a page and request, whatever the number of domains: a map into 2 domains,
		 * 2 attaches, an unmap from 4. */
		{"many-domains:4", "none", 4 * OTHERS / 8, 4 * OTHERS / 8, 0},
		{"many-domains:4", "exact", 4 * OTHERS / 8, 2 * OTHERS / 8, 2 * OTHERS / 8},
		{"many-areas:300", "none", 2 * 300, 2 * 300, 0},
	};
	struct workloads all;
	struct judged j;

	for (u32 i = 0; i < ARRAY_SIZE(table); i++) {
		const struct expected *e = &table[i];

		made(&all, e->workload);
		j = judge_one(&all.w[0], e->policy);
		assert_int_equal(j.counts.changes, e->changes);
		assert_int_equal(j.counts.skips, e->skips);
		assert_int_equal(j.counts.pages, e->pages);
		assert_int_equal(j.counts.pages, j.v.flushes);
		assert_int_equal(j.counts.lines, j.counts.pages * LINES_PAGE);
		assert_int_equal(j.counts.pinned, j.counts.unpinned);
		workloads_free(&all);
	}
}

/* Two runs come to the same, in every count. */
static void test_twice(void **state)
{
	static const char *const policies[] = {"none", "eager", "storage_skip", "exact"};
	struct judged a, b;
	struct workloads all;
	const char *name;
	u64 value, sum;

	made(&all, "boot,copy-subslice,access-held,churn-4k,many-domains:3,teardown");
	for (u32 i = 0; i < all.nr * ARRAY_SIZE(policies); i++) {
		a = judge_one(&all.w[i % all.nr], policies[i / all.nr]);
		b = judge_one(&all.w[i % all.nr], policies[i / all.nr]);
		assert_memory_equal(&a.counts, &b.counts, sizeof(a.counts));
		sum = 0;
		for (u32 k = 0; algorithm_nth(&a.counts, k, &name, &value); k++)
			sum += value;
		assert_true(sum > 0);
	}
	workloads_free(&all);
}

/* --- parameters ------------------------------------------------------------------------------- */

static void test_parameters(void **state)
{
	static const struct {
		const char *names, *says;
	} bad[] = {
		{"many-domains:0", "from 1 to 64"},   {"many-domains:65", "from 1 to 64"},
		{"many-domains:", "from 1 to 64"},    {"many-domains:3x", "from 1 to 64"},
		{"many-areas:1000001", "to 1000000"}, {"fragmentation:513", "from 1 to 512"},
		{"many-domains:-1", "from 1 to 64"},  {"boot:1", "has no parameter"},
		{"bot", "no workload bot"},	      {"", "no workload"},
		{"/none/x.ops", "/none/x.ops"},	      {"boot,attach", "no workload attach"},
	};
	struct workloads all;
	char err[512];

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_true(make(&all, bad[i].names, err) < 0);
		if (!strstr(err, bad[i].says))
			fail_msg("%s: %s", bad[i].names, err);
		assert_int_equal(all.nr, 0);
	}
	made(&all, "many-domains:64,many-domains:1,many-domains,many-domains:64");
	assert_int_equal(all.nr, 3);
	assert_int_equal(all.w[0].parameter, 64);
	assert_string_equal(all.w[2].name, "many-domains:16");
	workloads_free(&all);
}

/* As many areas and pages as the name says, also where memory has fewer pages than areas. */
static void test_many_areas(void **state)
{
	struct workloads all;
	struct judged j;

	made(&all, "many-areas:1,many-areas:100,many-areas:3000");
	j = judge_one(&all.w[0], "eager");
	assert_int_equal(j.counts.pages, 2 * OTHERS);
	j = judge_one(&all.w[1], "eager");
	assert_int_equal(j.counts.pages, 2 * 100 * (OTHERS / 100));
	j = judge_one(&all.w[2], "eager");
	assert_int_equal(j.counts.pages, 2 * 3000);
	assert_int_equal(workloads_memory(&all), OTHERS << PAGE_SHIFT);
	workloads_free(&all);
}

/* --- statistics, memory, WBINVD --------------------------------------------------------------- */

static void test_spread(void **state)
{
	double v[] = {5, 1, 4, 2, 3, 9, 8}, two[] = {1, 2};
	struct stats_interval i;

	assert_true(spread_of(v, ARRAY_SIZE(v), &i));
	assert_true(i.median == 4);
	assert_true(i.lo >= 1 && i.lo < i.median && i.median < i.hi && i.hi <= 9);
	assert_false(spread_of(two, 2, &i));
	assert_true(i.median == 1.5);
	assert_false(spread_of(NULL, 0, &i));
}

/* Which lines of a page were stored to before it was cleaned. */
static void test_dirty_share(void **state)
{
	static const u32 percent[] = {0, 25, 50, 100}, lines[] = {0, 16, 32, 64};
	struct stopwatch watch;
	struct memory m;

	stopwatch_init(&watch, NULL);
	for (u32 i = 0; i < ARRAY_SIZE(percent); i++) {
		u32 nr = 0;

		assert_int_equal(memory_create(&m, PAGE_SIZE, MEMORY_DIRTY, clean_best(), &watch),
				 0);
		memory_mix(&m, percent[i]);
		memset(m.base, 0xff, PAGE_SIZE);
		memory_begin(&m);
		memory_request(&m, PAGE_SIZE);
		stopwatch_start(&watch, false);
		m.ops.clean(m.base, PAGE_SIZE);
		stopwatch_stop(&watch);
		memory_end(&m);
		for (u32 l = 0; l < LINES_PAGE; l++)
			nr += m.base[l * LINE_SIZE] != 0xff;
		assert_int_equal(nr, lines[i]);
		memory_destroy(&m);
	}
}

static void write_file(const char *folder, const char *name, const char *text)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void test_wbinvd(void **state)
{
	char folder[] = "/tmp/nosnoop-compare-XXXXXX";
	struct wbinvd w;

	/* 32 MiB at 1.53 ns a line against 1.64 and 0.63: 30 and 78 MiB. */
	assert_int_equal((wbinvd_bytes(32 << 20, 1.53, 1.64) + (1 << 19)) >> 20, 30);
	assert_int_equal((wbinvd_bytes(32 << 20, 1.53, 0.63) + (1 << 19)) >> 20, 78);
	assert_int_equal(wbinvd_bytes(32 << 20, 1.53, 0), 0);
	assert_non_null(mkdtemp(folder));
	assert_int_equal(wbinvd_l3_size(folder), 0);
	assert_int_equal(shell("mkdir %s/index0 %s/index1", folder, folder), 0);
	write_file(folder, "index0/level", "2\n");
	write_file(folder, "index0/size", "1024K\n");
	assert_int_equal(wbinvd_l3_size(folder), 0);
	write_file(folder, "index1/level", "3\n");
	assert_int_equal(wbinvd_l3_size(folder), 0);
	write_file(folder, "index1/size", "32768K\n");
	assert_int_equal(wbinvd_l3_size(folder), 32 << 20);
	assert_int_equal(shell("rm -r %s", folder), 0);
	assert_int_equal(wbinvd_compute(&w, clean_best()), 0);
	if (!w.why)
		assert_true(w.limit_ns_line > 0 && w.bytes[MEMORY_DIRTY] > 0);
}

/* --- sweeps ----------------------------------------------------------------------------------- */

static void test_sweep(void **state)
{
	struct sweep_options opt = {
		.workload = {.size = SMALL, .seed = 1},
		.rig = {.clean = clean_best()},
		.rounds = 1,
		.report = true,
	};
	struct policies policies = {0}, few;
	struct sweeps s = {0};
	char err[512];

	assert_int_equal(survey_policies(&policies, "all", err, sizeof(err)), 0);
	sweep_policies(&few, &policies);
	assert_int_equal(few.nr, 5);
	policies.nr = 0;
	assert_int_equal(survey_policies(&policies, "eager", err, sizeof(err)), 0);
	assert_int_equal(sweep_run(&s, "many-domains", &policies, &opt, err, sizeof(err)), 0);
	assert_int_equal(s.nr, 2 * 7);
	for (u32 i = 0; i < s.nr; i++) {
		const struct sweep_point *p = &s.point[i];
		u32 changes = p->value / 2 + 2; /* of each page: a map, attaches, an unmap */

		assert_int_equal(p->value, 1u << i / 2);
		assert_string_equal(p->policy, i % 2 ? "eager" : "none");
		assert_int_equal(p->rounds, 1);
		assert_true(p->ns_page.median > 0);
		if (i % 2)
			assert_true(p->flushes >= (u64)changes * OTHERS / 8);
		else
			assert_int_equal(p->flushes, 0);
	}
	assert_int_equal(sweep_run(&s, "domains", &policies, &opt, err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "dirty-share"));
	sweeps_free(&s);
	policies_close(&policies);
}

/* --- the command ------------------------------------------------------------------------------ */

#define QUICK " --size 64M --seconds 0 --corpus corpus"

static json_t *load(const char *folder, const char *name)
{
	char path[512];
	json_t *root;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	root = json_load_file(path, 0, NULL);
	assert_non_null(root);
	return root;
}

static json_t *record_of(json_t *list, const char *workload, const char *policy)
{
	json_t *o;
	size_t i;

	json_array_foreach(list, i, o)
	{
		if (!strcmp(json_string_value(json_object_get(o, "workload")), workload) &&
		    !strcmp(json_string_value(json_object_get(o, "policy")), policy))
			return o;
	}
	fail_msg("no record of %s on %s", policy, workload);
	return NULL;
}

/* What compare says is what the report says, and each says it again. */
static void check_same(json_t *report, json_t *compare)
{
	static const char *const keys[] = {"algorithm", "contracts", "flushes",
					   "bound",	"redundant", "missing"};
	json_t *list = json_object_get(report, "results"), *o;
	size_t i;

	assert_int_equal(json_array_size(list), 2 * 15);
	json_array_foreach(list, i, o)
	{
		json_t *other = record_of(json_object_get(compare, "results"),
					  json_string_value(json_object_get(o, "workload")),
					  json_string_value(json_object_get(o, "policy")));

		for (u32 k = 0; k < ARRAY_SIZE(keys); k++) {
			assert_non_null(json_object_get(o, keys[k]));
			assert_true(json_equal(json_object_get(o, keys[k]),
					       json_object_get(other, keys[k])));
		}
	}
}

static void test_command(void **state)
{
	char folder[] = "/tmp/nosnoop-compare-XXXXXX";
	json_t *report, *compare, *first;

	assert_non_null(mkdtemp(folder));
	assert_int_equal(
		shell(BENCH " report --out %s/r --policy storage_skip" QUICK " >/dev/null", folder),
		0);
	assert_int_equal(shell(BENCH " compare --out %s/c --policy storage_skip" QUICK
				     " >%s/text 2>%s/err",
			       folder, folder, folder),
			 0);
	assert_int_equal(shell("test ! -s %s/err && cmp -s %s/text %s/c/compare.txt", folder,
			       folder, folder),
			 0);
	assert_int_equal(shell("! grep -E '^.{76}' %s/text >/dev/null", folder), 0);
	assert_int_equal(shell("! grep -q DIFFER %s/text", folder), 0);
	/* The published rows, and ours below. */
	assert_int_equal(shell("grep -q '^iommufd  *map  *1167  *2400  *(+1233)' %s/text", folder),
			 0);
	assert_int_equal(
		shell("test $(grep -cE '^storage_skip +(map|unmap|teardown) ' %s/text) = 3",
		      folder),
		0);
	report = load(folder, "r/results.json");
	compare = load(folder, "c/compare.json");
	first = json_array_get(json_object_get(compare, "comparisons"), 0);
	check_same(report, first);
	json_decref(report);
	json_decref(compare);
	assert_int_equal(shell("test -s %s/c/meta.json && rm -r %s", folder, folder), 0);
}

static void test_forms(void **state)
{
	char folder[] = "/tmp/nosnoop-compare-XXXXXX";
	json_t *root, *row;

	assert_non_null(mkdtemp(folder));
	assert_int_equal(
		shell(BENCH
		      " compare --form iommu --old eager --policy exact --rounds 3 --seconds 1"
		      " --json --out %s/i >%s/json",
		      folder, folder),
		0);
	assert_int_equal(shell("cmp -s %s/json %s/i/compare.json", folder, folder), 0);
	assert_int_equal(shell("! grep -E '^.{76}' %s/i/compare.txt", folder), 0);
	assert_int_equal(shell("test $(grep -c 'pgsz  ,avg new,old ns, min new,old ns' "
			       "%s/i/compare.txt) = 4",
			       folder),
			 0);
	root = load(folder, "json");
	/* none and exact against eager, map and unmap, two page sizes */
	assert_int_equal(json_array_size(json_object_get(root, "iommu")), 2 * 2 * 2);
	row = json_array_get(json_object_get(root, "iommu"), 0);
	assert_string_equal(json_string_value(json_object_get(row, "old")), "eager");
	assert_string_equal(json_string_value(json_object_get(row, "new")), "none");
	assert_true(json_real_value(json_object_get(row, "min_old")) <=
		    json_real_value(json_object_get(row, "avg_old")));
	json_decref(root);
	assert_int_equal(shell(BENCH
			       " compare --sweep many-domains,dirty-share --policy eager" QUICK
			       " --out %s/s >/dev/null",
			       folder),
			 0);
	assert_int_equal(shell("! grep -E '^.{76}' %s/s/compare.txt", folder), 0);
	root = load(folder, "s/compare.json");
	assert_int_equal(json_array_size(json_object_get(root, "sweeps")), 2 * (7 + 11));
	assert_non_null(json_object_get(root, "wbinvd"));
	json_decref(root);
	assert_int_equal(shell("rm -r %s", folder), 0);
}

/* Your own trace is priced as any other. */
static void test_own_trace(void **state)
{
	char folder[] = "/tmp/nosnoop-compare-XXXXXX";
	json_t *root, *first, *o;

	assert_non_null(mkdtemp(folder));
	write_file(folder, "mine.ops",
		   "buffer P 3 pages\ntable A\nattach A n0 noncoherent\nmap A a0 P\nunmap A a0\n");
	assert_int_equal(shell(BENCH " compare --policy eager --workload %s/mine.ops --json" QUICK
				     " >%s/json",
			       folder, folder),
			 0);
	root = load(folder, "json");
	first = json_array_get(json_object_get(root, "comparisons"), 0);
	o = record_of(json_object_get(first, "results"), "mine", "eager");
	assert_int_equal(json_integer_value(json_object_get(o, "flushes")), 6);
	json_decref(root);
	/* Whatever it is called, the tables keep their width. */
	/* Two of one name would be two rows that nobody can tell apart; the same one counts once. */
	assert_int_equal(shell("mkdir %s/b && { cat %s/mine.ops && echo '# b'; } >%s/b/mine.ops",
			       folder, folder, folder),
			 0);
	assert_int_equal(shell(BENCH
			       " compare --policy eager --workload %s/mine.ops,%s/b/mine.ops" QUICK
			       " 2>&1 | grep -q 'another workload is called mine'",
			       folder, folder),
			 0);
	assert_int_equal(shell("test $(" BENCH
			       " compare --policy eager --workload %s/mine.ops,%s/mine.ops" QUICK
			       " | grep -c '^mine: ') = 1",
			       folder, folder),
			 0);
	assert_int_equal(shell("rm -r %s/b", folder), 0);
	assert_int_equal(shell("cd %s && mv mine.ops $(printf %%090d 0).ops", folder), 0);
	assert_int_equal(shell(BENCH
			       " compare --policy eager --workload %s/0*.ops" QUICK
			       " >%s/text && grep -q 000: %s/text && ! grep '.\\{76\\}' %s/text",
			       folder, folder, folder, folder),
			 0);
	assert_int_equal(shell("rm -r %s", folder), 0);
}

static void test_bad_input(void **state)
{
	static const char *const bad[] = {
		"--workload many-domains:0",
		"--workload many-domains:65",
		"--workload x",
		"--clean x",
		"--sweep x",
		"--form x",
		"--form iommu --old x",
		"--old eager",
		"--lines x",
		"--form iommu --old all",
		"--workload boot --sweep all",
		"--clean null,clflush --sweep many-domains",
		"--policy x",
		"--size 1",
		"--out /dev/null/x",
		"--rounds 0",
		"--corpus /none",
	};

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++)
		if (shell(BENCH " compare --seconds 0 %s >/dev/null 2>&1", bad[i]) != 2)
			fail_msg("compare %s: expected exit 2", bad[i]);
	assert_int_equal(shell(BENCH " list many-domains:65 2>&1 | grep -q 'from 1 to 64'"), 0);
	assert_int_equal(shell(BENCH " list boot,teardown 2>/dev/null"), 2);
	assert_int_equal(
		shell(BENCH " list many-areas:7 --size 64M | grep -c '^unmap' | grep -qx 7"), 0);
	assert_int_equal(shell("! " BENCH " list | grep -E '^.{76}'"), 0);
	assert_int_equal(shell("! " BENCH " list --counters | grep -E '^.{76}'"), 0);
	assert_int_equal(shell(BENCH " list --counters | tr -s ' \\n' ' ' | grep -q 'ticks of the "
				     "time stamp counter'"),
			 0);
	assert_int_equal(shell(BENCH " list --counters boot 2>&1 | grep -q 'expected no workload'"),
			 0);
	assert_int_equal(shell(BENCH " list --counters boot >/dev/null 2>&1"), 2);
	assert_int_equal(shell(BENCH " list many-areas:2 --json >/dev/null 2>&1"), 2);
	assert_int_equal(shell(BENCH " clean --sizes 0 2>&1 | grep -q 'from 4K to '"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),   cmocka_unit_test(test_clean_that_keeps),
		cmocka_unit_test(test_skips),	   cmocka_unit_test(test_twice),
		cmocka_unit_test(test_parameters), cmocka_unit_test(test_many_areas),
		cmocka_unit_test(test_spread),	   cmocka_unit_test(test_dirty_share),
		cmocka_unit_test(test_wbinvd),	   cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_command),	   cmocka_unit_test(test_forms),
		cmocka_unit_test(test_own_trace),  cmocka_unit_test(test_bad_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
