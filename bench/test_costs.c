// SPDX-License-Identifier: GPL-2.0-only
/* Several backends on one stage, and the machine alone: what is counted, never what takes how long. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "bench/costs_out.h"
#include "bench/counters/fake.h"
#include "bench/test_shell.h"
#include "core/flush/registry.h"
#include "core/op/backend_linux.h"
#include "core/op/backends.h"

#define SMALL (4 << 20)

/* The tree that was built beside this test; without one the test is skipped. */
static const struct backend_ops *linux_or_skip(void)
{
	char err[512];
	const struct backend_ops *ops = backends_open_timed("linux", err, sizeof(err));

	if (ops)
		return ops;
	if (!strstr(err, "no kernel tree was built"))
		fail_msg("%s", err);
	print_message("skipped: no kernel tree was built into this folder (NOSNOOP_LINUX_TREE)\n");
	skip();
	return NULL;
}

/* --- the machine's calls, made again ---------------------------------------------------------- */

/* What a task is charged is no call of the machine: it is put in for the moment. */
static u64 digest_charged(struct stage *s, const struct task *charged)
{
	struct task *t = machine_task(s->machine, 0), own = *t;
	u64 digest;

	*t = *charged;
	digest = machine_digest(s->machine);
	*t = own;
	return digest;
}

static u64 *scratch_for(const struct calls *c)
{
	u64 *p = calloc(calls_scratch(c), sizeof(*p));

	assert_non_null(p);
	return p;
}

struct seen {
	struct machine_counters count;
	struct task task;
	u64 digest;
};

static struct seen look(struct stage *s)
{
	struct seen seen = {*machine_counters(s->machine), *machine_task(s->machine, 0),
			    machine_digest(s->machine)};

	machine_counters_reset(s->machine);
	return seen;
}

/* Pages that a device could write stay marked dirty: what follows finds them all so. */
static void one_pass(struct stage *s, struct backend *b)
{
	for (u32 part = 0; part < stage_parts(s); part++)
		assert_int_equal(stage_requests(s, b, part), 0);
}

/* Part by part: the same counters, and a machine in the same state. */
static void check_replay(struct stage *s, struct backend *b)
{
	struct calls calls[STAGE_PARTS] = {0};
	struct seen seen[STAGE_PARTS], again;
	struct machine_observer obs;
	u64 empty;

	one_pass(s, b);
	empty = machine_digest(s->machine);
	machine_counters_reset(s->machine);
	for (u32 part = 0; part < stage_parts(s); part++) {
		calls_record(&calls[part], s->machine, &obs);
		assert_int_equal(stage_requests(s, b, part), 0);
		assert_int_equal(calls_end(&calls[part], s->machine), 0);
		assert_true(calls[part].nr > 0);
		seen[part] = look(s);
	}
	assert_true(seen[stage_parts(s) - 1].digest == empty);
	if (!s->layout->churn)
		assert_true(seen[STAGE_MAP].digest != empty);
	for (u32 part = 0; part < stage_parts(s); part++) {
		u64 *scratch = scratch_for(&calls[part]);

		calls_replay(&calls[part], s->machine, b, scratch);
		assert_true(digest_charged(s, &seen[part].task) == seen[part].digest);
		again = look(s);
		assert_memory_equal(&again.count, &seen[part].count, sizeof(again.count));
		assert_int_equal(again.count.strict, 0);
		free(scratch);
		calls_free(&calls[part]);
	}
}

static void check_backend(const struct backend_ops *ops, const struct flush_policy *policy)
{
	for (u32 i = 0; run_layout(i); i++) {
		for (u32 domains = 0; domains < 4; domains++) {
			struct backend *b;
			struct stage s;

			assert_int_equal(stage_create(&s, run_layout(i), SMALL, domains), 0);
			assert_int_equal(stage_enter(&s, ops, policy, &b), 0);
			/* Without a domain nothing is pinned and nothing is called. */
			if (domains)
				check_replay(&s, b);
			stage_destroy(&s);
		}
	}
}

static void test_replay_core(void **state)
{
	check_backend(&backend_core, flush_policy_find("none"));
	check_backend(&backend_core, flush_policy_find("eager"));
	check_backend(&backend_core, flush_policy_find("exact"));
}

static void test_replay_linux(void **state)
{
	const struct backend_ops *ops = linux_or_skip();

	check_backend(ops, ops->policy);
	backends_close(ops);
}

/* Calls that no workload of `run` makes. */
static void test_replay_others(void **state)
{
	struct machine_config mc = {.memory = MACHINE_MEMORY_NONE};
	struct arena *arena = arena_create(NULL, 1UL << 30);
	struct machine *m = machine_create(arena, &mc);
	struct backend core = {.ops = &backend_core};
	struct domain_config dc = {0};
	struct machine_observer obs;
	struct machine_counters first;
	struct calls calls;
	struct buffer *buffer;
	struct domain *d;
	u64 pfn, *scratch;

	assert_int_equal(domain_create(m, &dc, &d), 0);
	assert_int_equal(buffer_create(m, 0, 0, 4, &buffer), 0);
	pfn = buffer_pfn(buffer, 0);
	calls_record(&calls, m, &obs);
	assert_int_equal(machine_pin(m, 0, buffer_va(buffer), 4, PIN_WRITE, (u64[4]){0}), 4);
	assert_int_equal(domain_map(d, 0x1000, pfn << PAGE_SHIFT, 0x4000, DOMAIN_READ), 0);
	assert_int_equal(domain_read_run(d, 0x1000, 4, &(u64){0}), 4);
	assert_true(domain_iova_to_phys(d, 0x3000) == (pfn + 2) << PAGE_SHIFT);
	machine_mark_dirty(m, pfn, 2);
	machine_clean(m, pfn << PAGE_SHIFT, 0x2000);
	machine_drain(m);
	assert_int_equal(domain_unmap(d, 0x1000, 0x4000), 0x4000);
	domain_iotlb_sync(d);
	machine_unpin(m, pfn, 4, false);
	assert_int_equal(calls_end(&calls, m), 0);
	assert_int_equal(calls.nr, 10);
	for (u32 i = 0; i < CALL_NR; i++)
		assert_int_equal(calls.kinds[i],
				 i != CALL_MAP_RUNS && i != CALL_READ_RUNS && i != CALL_UNPIN_RUNS);
	first = *machine_counters(m);
	machine_counters_reset(m);
	scratch = scratch_for(&calls);
	calls_replay(&calls, m, &core, scratch);
	assert_memory_equal(machine_counters(m), &first, sizeof(first));
	assert_true(machine_page_dirty(m, pfn + 1) && !machine_page_dirty(m, pfn + 2));
	assert_true(calls_walk(&calls) != 0);
	free(scratch);
	calls_free(&calls);
	machine_destroy(m);
	assert_int_equal(arena_live_blocks(arena), 0);
	arena_destroy(arena);
}

/* --- both do the same work -------------------------------------------------------------------- */

static void test_same_translations(void **state)
{
	const struct backend_ops *ops = linux_or_skip();

	for (u32 i = 0; run_layout(i) && !run_layout(i)->churn; i++) {
		struct backend *core, *theirs;
		u64 empty, full;
		struct stage s;

		assert_int_equal(stage_create(&s, run_layout(i), SMALL, 3), 0);
		assert_int_equal(stage_enter(&s, &backend_core, flush_policy_find("none"), &core),
				 0);
		assert_int_equal(stage_enter(&s, ops, ops->policy, &theirs), 0);
		one_pass(&s, core);
		assert_int_equal(stage_requests(&s, core, STAGE_MAP), 0);
		full = machine_digest(s.machine);
		assert_int_equal(stage_requests(&s, core, STAGE_UNMAP), 0);
		empty = machine_digest(s.machine);
		assert_true(empty != full);
		/* Translations, pins and charges, all of them. */
		assert_int_equal(stage_requests(&s, theirs, STAGE_MAP), 0);
		assert_true(machine_digest(s.machine) == full);
		assert_int_equal(stage_requests(&s, theirs, STAGE_UNMAP), 0);
		assert_true(machine_digest(s.machine) == empty);
		stage_destroy(&s);
	}
	backends_close(ops);
}

/* --- what is measured ------------------------------------------------------------------------- */

static struct costs_options options_for(const struct run_layout *layout, u32 domains)
{
	return (struct costs_options){
		.layout = layout,
		.domains = domains,
		.reps = 3,
		.size = SMALL,
		.seed = 1,
		.player = {{"core", &backend_core, flush_policy_find("eager")}},
		.nr_players = 1,
	};
}

/* Counts by hand; the times are only there. */
static void check_costs(const struct costs *c, const struct costs_options *opt, u32 player)
{
	const struct cost *of = &c->of[player];
	bool churn = opt->layout->churn, scattered = opt->layout->run;
	u64 pages = c->pages, maps = churn || scattered ? pages : 1;

	assert_int_equal(pages, 1024);
	assert_int_equal(of->count.map_calls, maps * opt->domains);
	assert_int_equal(of->count.map_bytes, pages * opt->domains << PAGE_SHIFT);
	assert_int_equal(of->count.unmap_bytes, pages * opt->domains << PAGE_SHIFT);
	assert_int_equal(of->count.pages_pinned, pages);
	assert_int_equal(of->count.pages_unpinned, pages);
	assert_true(of->count.translations >= pages);
	assert_int_equal(of->count.strict, 0);
	assert_int_equal(of->calls[CALL_SYNC], of->count.syncs);
	assert_int_equal(of->calls[CALL_PIN], of->count.pin_calls);
	assert_true(of->time.total.q1 <= of->time.total.median);
	assert_true(of->time.total.median <= of->time.total.q3);
	assert_false(of->has_instructions); /* nobody gave counters */
}

static void test_costs(void **state)
{
	for (u32 i = 0; run_layout(i); i++) {
		for (u32 domains = 1; domains < 4; domains += 2) {
			struct costs_options opt = options_for(run_layout(i), domains);
			struct costs c;

			assert_int_equal(costs_measure(&opt, &c), 0);
			check_costs(&c, &opt, 0);
			/* eager: once when it is mapped first, once when it leaves */
			assert_true(c.of[0].count.clean_lines >= 2 * c.pages * 64);
			assert_true(c.of[0].time.total_ratio.median == 1);
		}
	}
}

static void test_costs_linux(void **state)
{
	const struct backend_ops *ops = linux_or_skip();

	for (u32 i = 0; run_layout(i); i++) {
		struct costs_options opt = options_for(run_layout(i), 2);
		struct costs c;

		opt.player[opt.nr_players++] = (struct cost_player){"linux", ops, ops->policy};
		assert_int_equal(costs_measure(&opt, &c), 0);
		check_costs(&c, &opt, 0);
		check_costs(&c, &opt, 1);
		assert_int_equal(c.of[1].count.clean_lines, 0);
		/* The tree knows no batches of runs. */
		assert_int_equal(c.of[1].calls[CALL_MAP], c.of[1].count.map_calls);
		assert_int_equal(c.of[1].calls[CALL_TRANSLATE], c.of[1].count.translations);
	}
	backends_close(ops);
}

static void test_too_many(void **state)
{
	struct costs_options opt = options_for(run_layout(0), STAGE_DOMAINS_MAX + 1);
	struct costs c;

	assert_int_equal(costs_measure(&opt, &c), -E2BIG);
}

/* A machine with a PMU. Every region costs a page's worth of 1000: the walk of the list is taken
 * off the machine. */
static void test_instructions(void **state)
{
	static const struct fake_answer answer = {
		.value = 1024 * 1000, .enabled = 1000, .running = 1000};
	struct costs_options opt = options_for(run_layout(2), 1);
	struct fake fake = {.answer = &answer, .nr = 1};
	struct counter_source full = fake_source(&fake);
	struct counter_list list;
	struct counters counters;
	struct costs c;

	assert_int_equal(counter_list_make(&list, "", NULL, 0), 0);
	counters_open(&counters, &full, &list);
	opt.counters = &counters;
	assert_int_equal(costs_measure(&opt, &c), 0);
	assert_true(c.of[0].has_instructions);
	assert_true(c.of[0].instructions > 0);
	assert_true(c.of[0].machine_instructions == 0);
	counters_close(&counters);
	counter_list_free(&list);
}

static void assert_columns(const char *text)
{
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		if (strcspn(line, "\n") > 75)
			fail_msg("more than 75 columns: %.*s", (int)strcspn(line, "\n"), line);
}

/* Whatever a machine measures. */
static void test_columns(void **state)
{
	static const double values[] = {0, 0.5, -0.5, 1234.5, -99999.5, 1e7, -1e12, 1e-12};
	struct costs_row row = {.opt = options_for(run_layout(0), 64)};
	char *text;
	size_t len;

	row.opt.player[1] = row.opt.player[2] = row.opt.player[0];
	row.opt.player[1].name = "/a/long/path/to/a-tree-with-a-name.so";
	row.opt.nr_players = 3;
	for (u32 i = 0; i < ARRAY_SIZE(values); i++) {
		double v = values[i];
		struct spread s = {v, v, v};
		struct cost_times t = {s, s, s, {s, s}, s, s};
		FILE *f = open_memstream(&text, &len);

		for (u32 k = 0; k < 3; k++)
			row.costs.of[k].time = t;
		row.costs.again = t;
		costs_print(f, &row, 1, "No such file or directory");
		fclose(f);
		assert_columns(text);
		free(text);
	}
}

/* --- the command ------------------------------------------------------------------------------ */

#define RUN BENCH " run --size 1M --reps 3 "

static void test_bad_options(void **state)
{
	static const char *const bad[] = {
		"--backend nosuch",
		"--backend ,",
		"--backend core,core,core,core,core",
		"--backend ./no.so",
		"--backend core --policy eagre",
		"--backend core --policy eager,none",
		"--backend core --seed x",
		"--backend core --out /dev/null/x",
		"--out /tmp/nosnoop-unused", /* without --backend there are no such tables */
	};

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++)
		if (shell(RUN "%s >/dev/null 2>&1", bad[i]) != 2)
			fail_msg("run %s: expected exit status 2", bad[i]);
	assert_int_equal(shell("test ! -e /tmp/nosnoop-unused"), 0);
	assert_int_equal(shell("NOSNOOP_LINUX_SO=/none.so " RUN "--backend linux 2>/dev/null"), 2);
}

static void test_policy_of_a_tree(void **state)
{
	backends_close(linux_or_skip());
	assert_int_equal(shell(RUN "--backend linux --policy eager 2>/dev/null"), 2);
}

/* Files, columns, and what scripts read; core twice is what every build has. */
static void check_command(const char *backends)
{
	char folder[] = "/tmp/nosnoop-costs-XXXXXX", path[64];
	json_t *root, *first;

	assert_non_null(mkdtemp(folder));
	assert_int_equal(shell(RUN "--backend %s --out %s >%s/stdout", backends, folder, folder),
			 0);
	assert_int_equal(shell("cmp -s %s/stdout %s/costs.txt", folder, folder), 0);
	assert_int_equal(shell("! tail -n +2 %s/costs.txt | grep -E '^.{76}'", folder), 0);
	assert_int_equal(
		shell("head -n 1 %s/costs.txt | grep -q -e '--backend %s'", folder, backends), 0);
	assert_int_equal(shell("! grep -E '^instructions' %s/costs.txt | grep -w 0", folder), 0);
	snprintf(path, sizeof(path), "%s/costs.json", folder);
	root = json_load_file(path, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(root, "costs")), 6);
	first = json_array_get(json_object_get(root, "costs"), 0);
	assert_int_equal(json_array_size(json_object_get(first, "backends")), 2);
	first = json_array_get(json_object_get(first, "backends"), 1);
	assert_non_null(json_object_get(json_object_get(first, "time"), "own_ratio"));
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(first, "counts"), "maps")), 1);
	json_decref(root);
	snprintf(path, sizeof(path), "%s/meta.json", folder);
	root = json_load_file(path, 0, NULL);
	assert_non_null(json_object_get(root, "cpu"));
	assert_non_null(json_object_get(root, "arguments"));
	json_decref(root);
	assert_int_equal(shell("rm -r %s", folder), 0);
}

static void test_command(void **state)
{
	check_command("core,core");
	assert_int_equal(shell(RUN "--backend core --workload churn --domains 2 --json | grep -q "
				   "'\"schema\": \"nosnoop-bench run --backend 1\"'"),
			 0);
	assert_int_equal(shell(RUN "--backend core >/dev/full 2>/dev/null"), 1);
}

static void test_command_linux(void **state)
{
	backends_close(linux_or_skip());
	check_command("core,linux");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replay_core),
		cmocka_unit_test(test_replay_linux),
		cmocka_unit_test(test_replay_others),
		cmocka_unit_test(test_same_translations),
		cmocka_unit_test(test_costs),
		cmocka_unit_test(test_costs_linux),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_instructions),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_bad_options),
		cmocka_unit_test(test_policy_of_a_tree),
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_command_linux),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
