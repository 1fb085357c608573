// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "bench/cleans.h"
#include "bench/counters/fake.h"
#include "bench/output.h"
#include "bench/runs.h"
#include "bench/speed.h"
#include "bench/survey.h"
#include "bench/test_shell.h"
#include "bench/workloads/families.h"
#include "core/flush/clean.h"
#include "core/flush/registry.h"

#define SMALL WORKLOAD_SIZE_MIN

/* --- stopwatch -------------------------------------------------------------------------------- */

static void test_stopwatch(void **state)
{
	struct stopwatch w;

	stopwatch_init(&w, NULL);
	assert_true(w.region_cost >= 0);
	assert_true(w.pause_cost >= 0);
	for (int is_long = 0; is_long < 2; is_long++) {
		stopwatch_start(&w, is_long);
		stopwatch_pause(&w);
		stopwatch_resume(&w);
		assert_true(stopwatch_stop(&w) >= 0);
		assert_int_equal(w.pauses, 1);
	}
	/* Asleep is not at work. */
	stopwatch_start(&w, true);
	usleep(30000);
	assert_true(stopwatch_stop(&w) < 30e6);
	assert_true(w.interrupted >= 1);
}

/* --- workloads -------------------------------------------------------------------------------- */

static void make(struct workloads *all, u64 size, u64 seed, const char *corpus)
{
	struct workload_options opt = {.size = size, .seed = seed, .corpus = corpus};
	char err[512];

	if (workloads_make(all, &opt, err, sizeof(err)))
		fail_msg("%s", err);
}

/* Every op finds its objects, every request succeeds, and nobody has anything to say. */
static void check_valid(const struct workload *w)
{
	struct run_config cfg;
	struct run *r;

	judge_config(&cfg, &backend_core, flush_policy_find("eager"));
	cfg.check = RUN_CHECK_END;
	cfg.memory = MACHINE_MEMORY_NONE;
	cfg.values = false;
	r = run_create(&cfg);
	assert_non_null(r);
	assert_int_equal(run_program(r, &w->program), 0);
	for (u32 op = 1; op <= run_ops(r); op++) {
		if (run_result(r, op)->rc || run_result(r, op)->noop)
			fail_msg("%s: op %u: rc %d%s", w->name, op, run_result(r, op)->rc,
				 run_result(r, op)->noop ? ", does nothing" : "");
	}
	if (run_findings(r))
		fail_msg("%s: %s %s", w->name, run_finding(r, 0).rule, run_finding(r, 0).what);
	assert_true(judge_as_claimed(r));
	run_destroy(r);
}

static void test_workloads_valid(void **state)
{
	struct workloads all;

	make(&all, SMALL, 1, NULL);
	assert_int_equal(all.nr, 11);
	for (u32 i = 0; i < all.nr; i++)
		check_valid(&all.w[i]);
	workloads_free(&all);
}

struct seen {
	u64 bytes, last;
	u32 ranges;
	bool hole;
};

/* Where the guest's RAM lies when everything is mapped, out of the text's map lines. */
static struct seen guest_ram(const struct workload *boot)
{
	struct seen s = {0};
	const char *line = boot->text;

	for (; (line = strstr(line, "\nmap A ")); line++) {
		unsigned long long first, last, iova, end;
		char area[16];

		if (sscanf(line, "\nmap A %15s ram[%llu..%llu] rw at 0x%llx", area, &first, &last,
			   &iova) != 4)
			continue;
		end = iova + ((last - first + 1) << PAGE_SHIFT) - 1;
		s.bytes += end - iova + 1;
		s.last = max(s.last, (u64)end);
		s.ranges++;
		s.hole |= iova < ROM_START && end >= LOW_RAM;
		s.hole |= iova < ABOVE_4G && end >= PCI_HOLE;
	}
	return s;
}

static void test_boot_layout(void **state)
{
	static const u64 sizes[] = {SMALL, 2ULL << 30, 8ULL << 30};
	struct workloads all;

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		const struct workload *boot;
		struct seen s;

		make(&all, sizes[i], 1, NULL);
		boot = workloads_find(&all, "boot");
		assert_non_null(boot);
		s = guest_ram(boot);
		assert_int_equal(s.ranges, 3);
		assert_false(s.hole);
		/* all but the window between 640 KiB and 1 MiB */
		assert_int_equal(s.bytes, sizes[i] - (HIGH_START - LOW_RAM));
		assert_int_equal(s.last, ABOVE_4G + sizes[i] - ram_below_4g(sizes[i]) - 1);
		assert_int_equal(boot->largest, sizes[i] >> PAGE_SHIFT);
		assert_non_null(strstr(boot->text, "\nlayout ram run 512\n"));
		assert_non_null(strstr(boot->text, "] run 1\n"));
		workloads_free(&all);
	}
	assert_int_equal(ram_below_4g(8ULL << 30), PCI_HOLE);
}

static void test_seeds(void **state)
{
	struct workloads a, b, c;

	make(&a, 1ULL << 30, 1, NULL);
	make(&b, 1ULL << 30, 1, NULL);
	make(&c, 1ULL << 30, 2, NULL);
	assert_string_equal(workloads_find(&a, "boot")->text, workloads_find(&b, "boot")->text);
	assert_string_not_equal(workloads_find(&a, "boot")->text, workloads_find(&c, "boot")->text);
	workloads_free(&a);
	workloads_free(&b);
	workloads_free(&c);
}

static void test_recorded(void **state)
{
	struct workload_options opt = {.size = SMALL, .corpus = "/nonexistent"};
	struct workloads all;
	char err[512];

	make(&all, SMALL, 1, "corpus");
	assert_true(all.nr >= 14);
	assert_true(all.w[0].recorded && all.w[2].recorded);
	assert_non_null(workloads_find(&all, "nvme-strict"));
	workloads_free(&all);
	assert_int_equal(workloads_make(&all, &opt, err, sizeof(err)), -ENOENT);
	assert_non_null(strstr(err, "/nonexistent/recorded/nvme-strict.ops"));
	assert_int_equal(all.nr, 0);
}

/* --- what is timed is what was judged --------------------------------------------------------- */

static void check_timed(struct rig *rig, const struct workload *w, const char *name)
{
	const struct flush_policy *policy = flush_policy_find(name);
	struct judged j;
	struct timed t, counted;

	assert_int_equal(judge_workload(w, policy, NULL, &j), 0);
	assert_int_equal(j.v.outcome, JUDGE_GOOD);
	assert_int_equal(rig_run(rig, w, policy, false, &t), 0);
	assert_int_equal(t.counts.lines, j.v.flushes * LINES_PAGE);
	assert_int_equal(t.counts.map_calls, j.counts.map_calls);
	assert_int_equal(t.counts.fences, j.counts.fences);
	assert_true(j.v.flushes ? t.prepared > 0 : !t.prepared);
	assert_int_equal(rig_run(rig, w, policy, true, &counted), 0);
	for (u32 p = 0; p < PHASE_NR; p++) {
		assert_int_equal(t.phase[p].requests, counted.phase[p].requests);
		assert_int_equal(t.phase[p].pages, counted.phase[p].pages);
		assert_false(t.phase[p].counters[COUNTER_TASK_CLOCK].available);
	}
}

static void test_timed(void **state)
{
	struct counter_choice choice = {0};
	struct counters counters;
	char err[512];
	struct rig_options opt = {.size = SMALL, .clean = clean_best(), .counters = &counters};
	struct workloads all;
	struct rig rig;

	assert_int_equal(counter_choose(&choice, NULL, NULL, err, sizeof(err)), 0);
	counters_open(&counters, choice.source, &choice.list);
	make(&all, SMALL, 1, NULL);
	assert_int_equal(rig_create(&rig, &opt), 0);
	for (u32 i = 0; i < all.nr; i++) {
		check_timed(&rig, &all.w[i], "none");
		check_timed(&rig, &all.w[i], "eager");
		check_timed(&rig, &all.w[i], "exact");
	}
	rig_destroy(&rig);
	workloads_free(&all);
	counters_close(&counters);
	counter_choice_free(&choice);
}

/* A machine with a PMU: cycles reach the phases in which something was done, and no others. */
static void test_cycles(void **state)
{
	static const struct fake_answer answer = {.value = 1000, .enabled = 1000, .running = 1000};
	struct fake fake = {.answer = &answer, .nr = 1};
	struct counter_source full = fake_source(&fake);
	struct counter_list list;
	struct counters counters;
	struct rig_options opt = {.size = SMALL, .clean = clean_best(), .counters = &counters};
	struct cell cell = {.nr = 1, .counted = true};
	struct workloads all;
	struct rig rig;

	assert_int_equal(counter_list_make(&list, "", NULL, 0), 0);
	counters_open(&counters, &full, &list);
	make(&all, SMALL, 1, NULL);
	assert_int_equal(rig_create(&rig, &opt), 0);
	assert_int_equal(rig_run(&rig, workloads_find(&all, "unplug-replug"),
				 flush_policy_find("eager"), true, &cell.count),
			 0);
	cell.shape[PHASE_ATTACH].pages = 1;
	assert_true(cell_phase(&cell, PHASE_ATTACH).has_cycles);
	assert_true(cell_phase(&cell, PHASE_ATTACH).cycles >= 1000);
	assert_true(cell_phase(&cell, PHASE_MAP).has_cycles);
	assert_false(cell_phase(&cell, PHASE_ACCESS).has_cycles);
	cell.counted = false;
	assert_false(cell_phase(&cell, PHASE_ATTACH).has_cycles);
	rig_destroy(&rig);
	workloads_free(&all);
	counters_close(&counters);
	counter_list_free(&list);
}

/* Phases of a workload whose pages can be counted by hand. */
static void test_phases(void **state)
{
	struct rig_options opt = {.size = SMALL, .clean = clean_find("null", NULL, 0)};
	u64 pages = SMALL / 64 >> PAGE_SHIFT;
	struct workloads all;
	struct timed t;
	struct rig rig;

	make(&all, SMALL, 1, NULL);
	assert_int_equal(rig_create(&rig, &opt), 0);
	assert_int_equal(rig_run(&rig, workloads_find(&all, "attach-2nd-nc"),
				 flush_policy_find("eager"), false, &t),
			 0);
	assert_int_equal(t.phase[PHASE_MAP].pages, pages);
	assert_int_equal(t.phase[PHASE_UNMAP].pages, pages);
	assert_int_equal(t.phase[PHASE_ATTACH].pages, pages);
	assert_int_equal(t.phase[PHASE_DETACH].pages, pages);
	assert_int_equal(t.phase[PHASE_TEARDOWN].pages, 0);
	assert_int_equal(t.prepared, 0); /* the null primitive touches nothing */
	rig_destroy(&rig);
	workloads_free(&all);
}

static void test_runs(void **state)
{
	for (u32 i = 0; run_layout(i); i++) {
		struct run_options o = {
			.layout = run_layout(i),
			.policy = flush_policy_find("none"),
			.domains = 1 + i,
			.size = 4 << 20,
			.reps = 3,
		};
		struct run_times t;

		assert_int_equal(run_layout_time(&o, &t), 0);
		assert_int_equal(t.pages, o.layout->churn ? 1024 : 1024);
		assert_true(t.least.both <= t.median.both);
	}
}

static struct {
	size_t cleaned, calls, drains;
} walked;

static void count_clean(const void *start, size_t size)
{
	walked.cleaned += size;
	walked.calls++;
}

static void count_drain(void)
{
	walked.drains++;
}

/* The fence behind the last piece is not the walk's. */
static void test_cleans_walk(void **state)
{
	static const struct clean_ops ops = {
		.name = "x", .clean = count_clean, .drain = count_drain};
	static const struct {
		size_t size, call, fence, calls, drains;
	} walk[] = {
		{64 << 10, 4096, 4096, 16, 15},	      {64 << 10, 64 << 10, 64 << 10, 1, 0},
		{1 << 20, 64 << 10, 1 << 20, 16, 0},  {1 << 20, 64 << 10, 64 << 10, 16, 15},
		{72 << 10, 64 << 10, 64 << 10, 2, 1},
	};

	for (u32 i = 0; i < ARRAY_SIZE(walk); i++) {
		memset(&walked, 0, sizeof(walked));
		cleans_walk(&ops, &walked, walk[i].size, walk[i].call, walk[i].fence);
		assert_int_equal(walked.cleaned, walk[i].size);
		assert_int_equal(walked.calls, walk[i].calls);
		assert_int_equal(walked.drains, walk[i].drains);
	}
}

/* Every primitive has a row, those that fences make different have more; none is without figures or a reason. */
static void test_cleans(void **state)
{
	struct cleans_options opt = {
		.sizes = {4096, 128 << 10},
		.nr_sizes = 2,
		.states = 1u << HARNESS_DIRTY | 1u << HARNESS_UNCACHED,
		.samples = 5,
	};
	const struct clean_row *row;
	struct clean_info info;
	struct cleans c;

	assert_int_equal(cleans_time(&opt, &c), 0);
	for (u32 i = 0; clean_nth(i, &info); i++)
		for (u32 s = 0; s < opt.nr_sizes; s++) {
			row = cleans_find(&c, info.name, opt.sizes[s], HARNESS_DIRTY, opt.sizes[s]);
			assert_non_null(row);
			/* A busy machine may disturb all samples of a row: then it says so. */
			if (!info.ops)
				assert_true(*row->why);
			else if (*row->why)
				assert_string_equal(row->why, HARNESS_DISTURBED);
			assert_null(cleans_find(&c, info.name, opt.sizes[s], HARNESS_CLEAN,
						opt.sizes[s]));
			row = cleans_find(&c, info.name, opt.sizes[s], HARNESS_UNCACHED, 64 << 10);
			assert_int_equal(!!row, info.ops && opt.sizes[s] > 64 << 10 &&
							strcmp(info.name, "null") &&
							strcmp(info.name, "clflush"));
		}
	row = cleans_find(&c, CLEANS_BATCHED, 128 << 10, HARNESS_DIRTY, 128 << 10);
	assert_non_null(row);
	for (u32 i = 0; i < c.nr; i++)
		assert_true(*c.rows[i].why || c.rows[i].samples);
	cleans_free(&c);
	opt.only = "memset,batched";
	assert_int_equal(cleans_time(&opt, &c), 0);
	assert_int_equal(c.nr, 2 * 2 * 2);
	cleans_free(&c);
	assert_true(cleans_known("pmem_flush", 10) && cleans_known("nt", 2));
	assert_false(cleans_known("pmem", 4) || cleans_known("nts", 3) || cleans_known("", 0));
}

/* --- a survey, small -------------------------------------------------------------------------- */

/* The same programs whatever watches them: counts do not depend on rounds or on time. */
static void test_speed(void **state)
{
	struct speed_config cfg = {
		.policy = flush_policy_find("eager"),
		.pages = 2,
		.programs = 20,
		.rounds = 2,
		.seed = 5,
	};
	struct speed a, b;

	assert_int_equal(speed_measure(&a, &cfg), 0);
	cfg.rounds = 1;
	assert_int_equal(speed_measure(&b, &cfg), 0);
	assert_true(a.ops > 20 * cfg.programs && a.ops > 5 * a.noops);
	assert_true(a.requests > a.ops / 2);
	assert_true(a.ops == b.ops && a.noops == b.noops && a.requests == b.requests);
	for (u32 i = 0; i < SPEED_ROWS; i++) {
		assert_true(a.rows[i].best_us > 0 && a.rows[i].best_us <= a.rows[i].us);
		assert_true(a.rows[i].best_ops_s >= a.rows[i].ops_s && a.rows[i].ops_s > 0);
	}
	assert_true(a.costs.run_bytes > 8192);
}

static void test_survey(void **state)
{
	struct survey_options opt = {
		.rig = {.size = SMALL, .clean = clean_best()}, .seconds = 0, .rounds = 2};
	struct survey s = {.seed = 1};
	struct policy_total none, eager;
	char err[512];

	make(&s.workloads, SMALL, 1, NULL);
	assert_int_equal(survey_policies(&s.policies, "eager,v1_posted", err, sizeof(err)), 0);
	assert_int_equal(s.policies.nr, 3); /* and none, the base line */
	assert_int_equal(survey_judge(&s, NULL, err, sizeof(err)), 0);
	assert_int_equal(survey_time(&s, &opt, err, sizeof(err)), 0);
	none = survey_total(&s, 0);
	eager = survey_total(&s, 1);
	assert_int_equal(none.flushes, 0);
	assert_true(none.broken & 1u << SHADOW_L);
	assert_int_equal(eager.broken, 0);
	assert_true(eager.flushes >= eager.bound && eager.bound >= eager.bound_lis0);
	assert_true(survey_total(&s, 2).broken & 1u << SHADOW_L);
	for (u32 w = 0; w < s.workloads.nr; w++) {
		assert_false(survey_cell(&s, w, 1)->differs);
		assert_int_equal(s.rounds[w], 1); /* without any time left: once */
		assert_int_equal(survey_cell(&s, w, 1)->nr, 1);
	}
	survey_free(&s);
	workloads_free(&s.workloads);
	policies_close(&s.policies);
}

/* Two workloads that spread alike: their sum spreads less, by the root of two. */
static void test_spread_of_total(void **state)
{
	struct cell *cells = calloc(2, sizeof(*cells));
	struct workload w[2] = {0};
	struct survey s = {.workloads = {w, 1}, .policies.nr = 1, .cells = cells};
	double one;

	assert_non_null(cells);
	for (u32 i = 0; i < 2; i++) {
		cells[i].nr = SURVEY_ROUNDS;
		cells[i].shape[PHASE_MAP].pages = 10;
		for (u32 k = 0; k < SURVEY_ROUNDS; k++)
			cells[i].round[k].ns[PHASE_MAP] = 1000 + 10 * (k % 7);
	}
	one = survey_spread_share(&s, 0, PHASE_MAP);
	assert_true(one > 0 && one < 0.1);
	assert_true(one == cell_spread_share(&cells[0], PHASE_MAP));
	s.workloads.nr = 2;
	assert_true(fabs(survey_spread_share(&s, 0, PHASE_MAP) - one / sqrt(2)) < 1e-9);
	assert_true(survey_spread_share(&s, 0, PHASE_UNMAP) < 0); /* nobody timed that */
	cells[1].nr = 1;
	assert_true(survey_spread_share(&s, 0, PHASE_MAP) < 0);
	free(cells);
}

/* --- whole or not at all ---------------------------------------------------------------------- */

static char *temp_folder(void)
{
	char *folder = strdup("/tmp/nosnoop-bench-XXXXXX");

	assert_non_null(mkdtemp(folder));
	return folder;
}

static char *path_in(const char *folder, const char *name)
{
	static _Thread_local char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void assert_file(const char *path, const char *text)
{
	char buf[64] = "";
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	assert_true(fread(buf, 1, sizeof(buf) - 1, f) <= sizeof(buf));
	fclose(f);
	assert_string_equal(buf, text);
}

static void remove_folder(char *folder)
{
	assert_int_equal(shell("rm -rf %s", folder), 0);
	free(folder);
}

static void test_output(void **state)
{
	struct output_file files[] = {{"a", "new a", 5}, {"b", "new b", 5}};
	char *folder = temp_folder(), err[512];
	struct output out;

	write_file(path_in(folder, "a"), "old a");
	assert_int_equal(output_open(&out, folder, err, sizeof(err)), 0);
	assert_file(path_in(folder, "a"), "old a");
	/* Something that cannot be replaced by a file stands in the way of the second. */
	assert_int_equal(mkdir(path_in(folder, "b"), 0755), 0);
	assert_int_equal(output_write(&out, files, 2, err, sizeof(err)), -EISDIR);
	assert_file(path_in(folder, "a"), "old a");
	assert_int_equal(shell("test $(ls -A %s | wc -l) = 2", folder), 0);
	assert_int_equal(rmdir(path_in(folder, "b")), 0);
	assert_int_equal(output_write(&out, files, 2, err, sizeof(err)), 0);
	assert_file(path_in(folder, "a"), "new a");
	assert_file(path_in(folder, "b"), "new b");
	assert_int_equal(shell("test $(ls -A %s | wc -l) = 2", folder), 0);
	output_close(&out);
	assert_int_equal(output_open(&out, path_in(folder, "a"), err, sizeof(err)), -ENOTDIR);
	assert_non_null(strstr(err, "nothing was started"));
	remove_folder(folder);
}

static void test_bad_input(void **state)
{
	char *folder = temp_folder();

	write_file(path_in(folder, "results.json"), "old");
	assert_int_equal(shell(BENCH " report --out /dev/null/x 2>%s/err", folder), 2);
	assert_int_equal(shell("grep -q 'nothing was started' %s/err", folder), 0);
	assert_int_equal(shell(BENCH " report --out %s --policy eagre 2>%s/err", folder, folder),
			 2);
	assert_int_equal(shell("grep -q 'eager' %s/err", folder), 0);
	assert_int_equal(shell(BENCH " report --out %s --size 2X 2>/dev/null", folder), 2);
	assert_int_equal(shell(BENCH " report --out %s --clean x 2>%s/err", folder, folder), 2);
	assert_int_equal(shell("grep -q 'clflushopt' %s/err", folder), 0);
	assert_int_equal(shell(BENCH " clean --sizes 5000 2>/dev/null"), 2);
	assert_int_equal(shell(BENCH " clean --sizes , 2>/dev/null"), 2);
	assert_int_equal(shell(BENCH " clean --sizes 1K 2>/dev/null"), 2);
	assert_int_equal(shell(BENCH " clean --states wet 2>/dev/null"), 2);
	assert_int_equal(shell(BENCH " clean --only clflushopt,clfush 2>/dev/null"), 2);
	assert_int_equal(shell(BENCH " clean --samples 4 2>/dev/null"), 2);
	assert_int_equal(shell(BENCH " report --out %s --corpus /none 2>/dev/null", folder), 2);
	assert_int_equal(shell(BENCH " report 2>/dev/null"), 2);
	assert_int_equal(shell(BENCH " run --workload x 2>/dev/null"), 2);
	assert_int_equal(shell(BENCH " gate 2>/dev/null"), 2);
	assert_int_equal(shell(BENCH " --help >/dev/null && " BENCH " list --help >/dev/null"), 0);
	assert_file(path_in(folder, "results.json"), "old");
	remove_folder(folder);
}

static void test_fuzz_command(void **state)
{
	char *folder = temp_folder();
	json_t *root, *fuzz;

	assert_int_equal(shell(BENCH " fuzz --programs 5 --rounds 1 --json >%s/json", folder), 0);
	root = json_load_file(path_in(folder, "json"), 0, NULL);
	fuzz = json_object_get(root, "fuzz");
	assert_int_equal(json_object_size(json_object_get(fuzz, "rows")), SPEED_ROWS);
	assert_int_equal(json_object_size(json_object_get(fuzz, "costs_ns")), 6);
	json_decref(root);
	assert_int_equal(shell(BENCH " fuzz --programs 5 --rounds 1 >%s/text", folder), 0);
	assert_int_equal(shell("! grep -E '^.{76}' %s/text >/dev/null", folder), 0);
	assert_int_equal(shell(BENCH " fuzz --policy all 2>/dev/null"), 2);
	assert_int_equal(shell(BENCH " fuzz --pages 0 2>/dev/null"), 2);
	assert_int_equal(shell(BENCH " fuzz more 2>/dev/null"), 2);
	assert_int_equal(shell(BENCH " fuzz --programs 5 --rounds 1 2>/dev/null >/dev/full"), 1);
	assert_int_equal(shell(BENCH " fuzz --programs 5 --rounds 1 --total 1 | grep -q "
				     "'pages: 1.0 a program, 1 at most'"),
			 0);
	assert_int_equal(
		shell(BENCH " fuzz --pages 4096 --total 1 --programs 1 --seed 9000 2>/dev/null"),
		2);
	remove_folder(folder);
}

/* A record that could not be made would be missing from its list. */
static void check_json(const char *folder, const char *arguments, const char *list, size_t nr)
{
	json_t *root;

	assert_int_equal(shell(BENCH " %s --json >%s/json", arguments, folder), 0);
	root = json_load_file(path_in(folder, "json"), 0, NULL);
	assert_non_null(root);
	assert_int_equal(json_array_size(json_object_get(root, list)), nr);
	json_decref(root);
}

static void test_json(void **state)
{
	char *folder = temp_folder();
	struct clean_info info;
	u32 nr = 0;

	while (clean_nth(nr, &info))
		nr++;
	check_json(folder, "list --corpus corpus", "workloads", 15 + 3);
	check_json(folder, "run --size 1M --reps 1", "runs", 6);
	check_json(folder, "run --size 1M --reps 1 --workload churn --domains 2", "runs", 1);
	/* plain, batched, pmem_flush, pmem_persist */
	check_json(folder, "clean --sizes 4K --samples 5", "clean", nr + 4);
	check_json(folder, "clean --sizes 4K,8K --samples 5 --only memset,clwb,null", "limits", 2);
	assert_int_equal(shell("! " BENCH " clean --samples 5 --sizes 128K --states all | grep -E "
			       "'^.{76}' >/dev/null"),
			 0);
	remove_folder(folder);
}

/* The whole job on little memory: files, columns, the base line, and what scripts read. */
static void test_report(void **state)
{
	char *folder = temp_folder();
	json_t *root, *meta, *first;

	assert_int_equal(shell(BENCH " report --out %s --size 64M --seconds 0 --policy v1_posted"
				     " --corpus corpus >%s/stdout 2>%s/stderr",
			       folder, folder, folder),
			 0);
	assert_int_equal(shell("test ! -s %s/stderr", folder), 0); /* no progress into a file */
	assert_int_equal(shell("cmp -s %s/stdout %s/report.txt", folder, folder), 0);
	assert_int_equal(shell("! grep -E '^.{76}' %s/report.txt >/dev/null", folder), 0);
	root = json_load_file(path_in(folder, "results.json"), 0, NULL);
	meta = json_load_file(path_in(folder, "meta.json"), 0, NULL);
	assert_non_null(root);
	assert_non_null(meta);
	assert_int_equal(json_array_size(json_object_get(root, "summary")), 2);
	assert_int_equal(json_array_size(json_object_get(root, "results")), 2 * 15);
	assert_int_equal(json_array_size(json_object_get(root, "workloads")), 15);
	assert_int_equal(json_array_size(json_object_get(root, "published")), 6);
	/* 7 numbers of domains, 5 of areas, 10 lengths, 11 shares, of 2 policies */
	assert_int_equal(json_array_size(json_object_get(root, "sweeps")), 2 * (7 + 5 + 10 + 11));
	assert_non_null(json_object_get(root, "wbinvd"));
	first = json_array_get(json_object_get(root, "summary"), 0);
	assert_string_equal(json_string_value(json_object_get(first, "policy")), "none");
	assert_non_null(json_object_get(meta, "cpu"));
	assert_non_null(json_object_get(json_object_get(meta, "counters"), "cycles"));
	json_decref(root);
	json_decref(meta);
	assert_int_equal(
		shell("python3 -B scripts/report.py %s && test -s %s/report.html", folder, folder),
		0);
	remove_folder(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stopwatch),
		cmocka_unit_test(test_workloads_valid),
		cmocka_unit_test(test_boot_layout),
		cmocka_unit_test(test_seeds),
		cmocka_unit_test(test_recorded),
		cmocka_unit_test(test_timed),
		cmocka_unit_test(test_cycles),
		cmocka_unit_test(test_phases),
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_cleans_walk),
		cmocka_unit_test(test_cleans),
		cmocka_unit_test(test_speed),
		cmocka_unit_test(test_fuzz_command),
		cmocka_unit_test(test_survey),
		cmocka_unit_test(test_spread_of_total),
		cmocka_unit_test(test_output),
		cmocka_unit_test(test_bad_input),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
