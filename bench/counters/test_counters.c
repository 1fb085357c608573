// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "bench/counters/counters.h"
#include "bench/counters/fake.h"
#include "bench/counters/names.h"
#include "bench/counters/perf.h"

/* --- what a list holds ------------------------------------------------------------------------ */

static void test_list(void **state)
{
	struct counter_list list;
	char err[512] = "";

	assert_int_equal(counter_list_make(&list, "", err, sizeof(err)), 0);
	assert_int_equal(list.nr, COUNTER_STANDARD);
	counter_list_free(&list);
	/* What is counted anyway may be asked for; commas between slashes cut nothing. */
	assert_int_equal(
		counter_list_make(&list, "cycles,r40F0,no_pmu/event=1,umask=2/", err, sizeof(err)),
		0);
	assert_int_equal(list.nr, COUNTER_STANDARD + 2);
	assert_string_equal(list.event[COUNTER_STANDARD].name, "r40F0");
	assert_int_equal(list.event[COUNTER_STANDARD].box->type, PERF_TYPE_RAW);
	assert_int_equal(list.event[COUNTER_STANDARD].config[0], 0x40f0);
	assert_int_equal(list.event[COUNTER_STANDARD + 1].missing, -ENODEV);
	counter_list_free(&list);
	assert_int_equal(counter_list_make(&list, NULL, err, sizeof(err)), 0);
	counter_list_free(&list);
}

static void assert_refused(const char *names, const char *says)
{
	struct counter_list list;
	char err[512] = "";

	assert_true(counter_list_make(&list, names, err, sizeof(err)) < 0);
	assert_non_null(strstr(err, says));
	assert_null(strchr(err, '\n'));
	counter_list_free(&list);
}

static void test_list_refuses(void **state)
{
	char many[COUNTERS_MAX * 8] = "r1";

	for (u32 i = 2; i < COUNTERS_MAX; i++)
		snprintf(many + strlen(many), 8, ",r%x", i);
	assert_refused("no_such_event_anywhere", "no_such_event_anywhere: ");
	assert_refused("r12,,r13", "expected names");
	assert_refused("r12,R12", "twice");
	assert_refused("r12g", "r12g: ");
	assert_refused("/event=1/", "expected pmu/terms/");
	assert_refused("pmu/event=1", "expected pmu/terms/");
	assert_refused("../pmu/x/", "expected pmu/terms/");
	assert_refused(many, "at most");
}

static void test_known(void **state)
{
	static const struct counter_cpu zen4 = {"AuthenticAMD", 0x19, 0x11},
					zen5 = {"AuthenticAMD", 0x1a, 0x02},
					sapphire = {"GenuineIntel", 6, 0x8f},
					skylake = {"GenuineIntel", 6, 0x55}, arm = {"arm64", 0, 0},
					other = {"", 0, 0};
	static const struct counter_cpu *const all[] = {&zen4, &sapphire, &arm};
	const char *text = NULL;

	assert_int_equal(counter_known_find("LS_RET_CL_FLUSH", &zen4, &text), 0);
	assert_string_equal(text, "r26");
	assert_int_equal(counter_known_find("l2_fill_rsp_src.dram_io_near", &zen5, &text), 0);
	assert_int_equal(counter_known_find("l2_fill_rsp_src.dram_io_near", &zen4, &text), -ENODEV);
	assert_int_equal(counter_known_find("L2_TRANS.L2_WB", &sapphire, &text), 0);
	assert_string_equal(text, "r4023");
	/* An older one has it by another code, which is libpfm4's to know. */
	assert_int_equal(counter_known_find("L2_TRANS.L2_WB", &skylake, &text), -ENODEV);
	assert_int_equal(counter_known_find("l1d_cache_wb_clean", &arm, &text), 0);
	assert_int_equal(counter_known_find("cycles", &arm, &text), -ENOENT);
	assert_string_equal(counter_known_default(&other), "");
	/* What is counted when nobody asks must be in the table. */
	for (u32 i = 0; i < ARRAY_SIZE(all); i++) {
		char *copy = strdup(counter_known_default(all[i])), *rest;

		for (char *p = strtok_r(copy, ",", &rest); p; p = strtok_r(NULL, ",", &rest))
			assert_int_not_equal(counter_known_find(p, all[i], &text), -ENOENT);
		free(copy);
	}
}

/* Names of a PMU that is elsewhere are known, and missing; others are not known. */
static void test_libpfm(void **state)
{
	struct counter_event e = {0};
	int rc = counter_libpfm_find("skl::L2_TRANS.L2_WB", COUNTER_SYSFS, &e);

	if (rc == -ENOSYS)
		skip();
	assert_int_equal(rc, 0);
	assert_true(e.missing == -ENODEV || e.nr_boxes == 1);
	free(e.box);
	assert_int_equal(counter_libpfm_find("skl::L2_TRANS.NO_SUCH", COUNTER_SYSFS, &e), -ENOENT);
	assert_int_equal(counter_libpfm_find("no_such_event", COUNTER_SYSFS, &e), -ENOENT);
	e = (struct counter_event){0};
	assert_int_equal(counter_libpfm_find("minor-faults", COUNTER_SYSFS, &e), 0);
	assert_int_equal(e.kind, COUNTER_KIND_SOFTWARE);
	assert_int_equal(e.config[0], PERF_COUNT_SW_PAGE_FAULTS_MIN);
	free(e.box);
}

/* --- sysfs ------------------------------------------------------------------------------------ */

static void put_file(const char *root, const char *pmu, const char *name, const char *text)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", root, pmu);
	mkdir(path, 0755);
	for (u32 i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s/%s", root, pmu, i ? "events" : "format");
		mkdir(path, 0755);
	}
	snprintf(path, sizeof(path), "%s/%s/%s", root, pmu, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "%s\n", text);
	fclose(f);
}

static void put_slice(const char *root, const char *pmu, const char *type)
{
	put_file(root, pmu, "type", type);
	put_file(root, pmu, "cpumask", "0,24-25");
	put_file(root, pmu, "format/event", "config:0-7");
	put_file(root, pmu, "format/umask", "config:8-15,32-55");
	put_file(root, pmu, "format/edge", "config1:18");
	put_file(root, pmu, "events/clflush", "event=0x35,umask=0xc8c7ff01");
}

static char *fake_sysfs(void)
{
	char *root = strdup("/tmp/nosnoop-counters-XXXXXX");

	assert_non_null(mkdtemp(root));
	put_slice(root, "uncore_cha_0", "40");
	put_slice(root, "uncore_cha_1", "41");
	put_slice(root, "uncore_chaos", "50"); /* another PMU */
	put_file(root, "cpu_core", "type", "10");
	put_file(root, "cpu_core", "format/event", "config:0-7");
	return root;
}

static void remove_tree(char *root)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -r %s", root);
	assert_int_equal(system(command), 0);
	free(root);
}

static int parse(const char *root, const char *text, struct counter_event *e, char err[512])
{
	free(e->box);
	*e = (struct counter_event){0};
	*err = '\0';
	return counter_sysfs_parse(text, root, e, err, 512);
}

static void test_sysfs(void **state)
{
	char *root = fake_sysfs(), err[512];
	struct counter_event e = {0};
	u32 types = 0;

	assert_int_equal(parse(root, "uncore_cha/clflush,edge/", &e, err), 0);
	assert_int_equal(e.kind, COUNTER_KIND_SYSTEM);
	assert_int_equal(e.nr_boxes, 6); /* two slices, three CPUs each */
	for (u32 i = 0; i < e.nr_boxes; i++) {
		assert_true(e.box[i].cpu == 0 || e.box[i].cpu == 24 || e.box[i].cpu == 25);
		types += e.box[i].type;
	}
	assert_int_equal(types, 3 * 40 + 3 * 41);
	assert_int_equal(e.config[0], 0x00c8c7ff00000135ULL);
	assert_int_equal(e.config[1], 1 << 18);
	assert_int_equal(parse(root, "uncore_cha_1/event=0x35/", &e, err), 0);
	assert_int_equal(e.nr_boxes, 3);
	assert_int_equal(parse(root, "cpu_core/event=0xc0/", &e, err), 0);
	assert_int_equal(e.kind, COUNTER_KIND_CORE);
	assert_int_equal(e.box->cpu, -1);
	assert_int_equal(parse(root, "cpu_atom/event=0xc0/", &e, err), 0);
	assert_int_equal(e.missing, -ENODEV);
	free(e.box);
	e = (struct counter_event){0};
	assert_int_equal(counter_sysfs_boxes(40, true, root, &e), 0);
	assert_int_equal(e.nr_boxes, 6);
	free(e.box);
	remove_tree(root);
}

static void test_sysfs_refuses(void **state)
{
	static const char *const bad[] = {
		"uncore_cha/event=0x135/", "uncore_cha/event=x/",    "uncore_cha/nothing/",
		"uncore_cha/nothing=1/",   "uncore_cha/../type=40/", "uncore_cha//",
	};
	char *root = fake_sysfs(), err[512];
	struct counter_event e = {0};

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(parse(root, bad[i], &e, err), -EINVAL);
		assert_non_null(strstr(err, bad[i]));
	}
	put_file(root, "cpu_core", "format/event", "config9:0-7");
	assert_int_equal(parse(root, "cpu_core/event=1/", &e, err), -EINVAL);
	put_file(root, "cpu_core", "format/event", "config:7-90");
	assert_int_equal(parse(root, "cpu_core/event=1/", &e, err), -EINVAL);
	free(e.box);
	remove_tree(root);
}

/* --- states ----------------------------------------------------------------------------------- */

/* A rig of a fake, a list and sums. */
struct rig {
	struct fake fake;
	struct counter_source source;
	struct counter_list list;
	struct counters c;
	struct counter_sum sums[COUNTERS_MAX];
};

#define GOOD                                                     \
	{                                                        \
		NULL, .value = 100, .enabled = 10, .running = 10 \
	}

static void open_rig(struct rig *r, const struct fake_answer *answers, u32 nr, const char *names)
{
	char err[512];

	r->fake.answer = answers;
	r->fake.nr = nr;
	r->source = fake_source(&r->fake);
	assert_int_equal(counter_list_make(&r->list, names, err, sizeof(err)), 0);
	counters_open(&r->c, &r->source, &r->list);
}

static void count(struct rig *r, u32 regions)
{
	for (u32 i = 0; i < regions; i++) {
		counters_start(&r->c);
		counters_stop(&r->c);
		counters_add(&r->c, r->sums);
	}
}

static void close_rig(struct rig *r)
{
	counters_close(&r->c);
	assert_int_equal(r->fake.opened, r->fake.closed);
	assert_int_equal(r->fake.starts, r->fake.stops);
	assert_true(r->fake.starts > 0);
	assert_int_equal(r->fake.astray, 0);
	counter_list_free(&r->list);
}

static void assert_text(const struct counter_sum *sum, const char *wanted)
{
	char buf[COUNTER_TEXT];

	assert_string_equal(counter_text(sum, buf), wanted);
}

static void test_available(void **state)
{
	static const struct fake_answer answers[] = {
		{"cache-misses", .value = 0, .enabled = 10, .running = 10},
		GOOD,
	};
	struct rig r = {0};

	open_rig(&r, answers, ARRAY_SIZE(answers), "");
	count(&r, 3);
	assert_null(counter_why_not(&r.c, COUNTER_CYCLES));
	assert_text(&r.sums[COUNTER_CYCLES], "300");
	assert_text(&r.sums[COUNTER_TASK_CLOCK], "300");
	assert_text(&r.sums[COUNTER_CACHE_MISSES], "0"); /* counted, and none came */
	assert_false(r.sums[COUNTER_CYCLES].multiplexed);
	/* One group of the PMU's, one of the kernel's. */
	assert_int_equal(r.c.nr_groups, 2);
	assert_int_equal(r.c.event[COUNTER_CYCLES].group, r.c.event[COUNTER_INSTRUCTIONS].group);
	assert_int_not_equal(r.c.event[COUNTER_CYCLES].group, r.c.event[COUNTER_TASK_CLOCK].group);
	assert_string_equal(r.c.notes, "");
#ifdef __x86_64__
	assert_true(r.sums[COUNTER_TSC].available && r.sums[COUNTER_TSC].value > 0);
#endif
	close_rig(&r);
	assert_non_null(counter_why_not(&r.c, COUNTER_CYCLES));
}

/* One that is not there must not take its group along, be it the first of it. */
static void test_unsupported(void **state)
{
	static const struct fake_answer answers[] = {
		{"cycles", .open = -ENOENT},
		{"task-clock", .open = -EACCES},
		GOOD,
	};
	struct rig r = {0};

	open_rig(&r, answers, ARRAY_SIZE(answers), "no_pmu/event=1/");
	count(&r, 2);
	assert_string_equal(counter_why_not(&r.c, COUNTER_CYCLES), strerror(ENOENT));
	assert_string_equal(counter_why_not(&r.c, COUNTER_TASK_CLOCK), strerror(EACCES));
	assert_string_equal(counter_why_not(&r.c, COUNTER_STANDARD), strerror(ENODEV));
	assert_text(&r.sums[COUNTER_CYCLES], "n/a");
	assert_text(&r.sums[COUNTER_TASK_CLOCK], "n/a");
	assert_text(&r.sums[COUNTER_STANDARD], "n/a");
	assert_text(&r.sums[COUNTER_INSTRUCTIONS], "200");
	assert_text(&r.sums[COUNTER_PAGE_FAULTS], "200");
	close_rig(&r);
}

static void test_multiplexed(void **state)
{
	static const struct fake_answer answers[] = {
		{"instructions", .value = 100, .enabled = 10, .running = 4},
		GOOD,
	};
	struct rig r = {0};

	open_rig(&r, answers, ARRAY_SIZE(answers), "");
	count(&r, 2);
	assert_text(&r.sums[COUNTER_INSTRUCTIONS], "500*");
	assert_int_equal(r.sums[COUNTER_INSTRUCTIONS].running, 8);
	assert_int_equal(r.sums[COUNTER_INSTRUCTIONS].enabled, 20);
	assert_text(&r.sums[COUNTER_CYCLES], "200");
	close_rig(&r);
}

static void test_group_too_large(void **state)
{
	static const struct fake_answer answers[] = {GOOD};
	struct rig r = {.fake.group_max = 2};

	open_rig(&r, answers, 1, "r1,r2,r3");
	count(&r, 1);
	/* Seven events by two, and the kernel's. */
	assert_int_equal(r.c.nr_groups, 5);
	assert_int_equal(r.c.event[COUNTER_CYCLES].group, r.c.event[COUNTER_INSTRUCTIONS].group);
	assert_int_not_equal(r.c.event[COUNTER_CYCLES].group, r.c.event[COUNTER_CACHE_REFS].group);
	assert_non_null(strstr(r.c.notes, "too large for the PMU, split"));
	for (u32 i = 0; i < r.c.nr; i++)
		if (i != COUNTER_TSC)
			assert_text(&r.sums[i], "100");
	close_rig(&r);
}

/* The kernel took it, and then it never ran: halves are tried. */
static void test_group_never_runs(void **state)
{
	static const struct fake_answer answers[] = {GOOD};
	struct rig r = {.fake.group_turns = 2};

	open_rig(&r, answers, 1, "r1");
	count(&r, 1);
	assert_non_null(strstr(r.c.notes, "group from cycles to r1: never had a turn, halved"));
	assert_int_equal(r.c.event[COUNTER_CYCLES].group, r.c.event[COUNTER_INSTRUCTIONS].group);
	assert_int_not_equal(r.c.event[COUNTER_CYCLES].group,
			     r.c.event[COUNTER_CACHE_MISSES].group);
	for (u32 i = 0; i < r.c.nr; i++)
		if (i != COUNTER_TSC)
			assert_text(&r.sums[i], "100");
	close_rig(&r);
}

static void test_never_scheduled(void **state)
{
	static const struct fake_answer answers[] = {
		{"cache-misses", .value = 0, .enabled = 10, .running = 0},
		{"cycles", .value = 0, .enabled = 10, .running = 0},
		GOOD,
	};
	struct rig r = {0};

	open_rig(&r, answers, ARRAY_SIZE(answers), "");
	count(&r, 2);
	/* Alone at last, and still not: nothing is known of it. The others go on. */
	assert_string_equal(counter_why_not(&r.c, COUNTER_CYCLES),
			    "no counter was ever free for it");
	assert_text(&r.sums[COUNTER_CYCLES], "n/a");
	assert_text(&r.sums[COUNTER_INSTRUCTIONS], "200");
	/* In a group that runs, and without a turn of its own in these regions. */
	assert_null(counter_why_not(&r.c, COUNTER_CACHE_MISSES));
	assert_text(&r.sums[COUNTER_CACHE_MISSES], "n/a");
	close_rig(&r);
}

/* Regions before the failure do not stand for the whole. */
static void test_read_fails_midway(void **state)
{
	static const struct fake_answer answers[] = {
		/* Two readings come before the first region: the trial's, and the one behind it. */
		{"cycles", .value = 100, .enabled = 10, .running = 10, .fails_at = 4},
		{"page-faults", .value = 100, .enabled = 10, .running = 10, .fails_at = 1},
		GOOD,
	};
	struct counter_sum first[COUNTERS_MAX], total = {0};
	struct rig r = {0};

	open_rig(&r, answers, ARRAY_SIZE(answers), "");
	count(&r, 1);
	memcpy(first, r.sums, sizeof(first));
	memset(r.sums, 0, sizeof(r.sums));
	assert_text(&first[COUNTER_CYCLES], "100");
	count(&r, 2);
	assert_text(&r.sums[COUNTER_CYCLES], "n/a");
	assert_string_equal(counter_why_not(&r.c, COUNTER_CYCLES), strerror(EIO));
	assert_string_equal(counter_why_not(&r.c, COUNTER_PAGE_FAULTS), strerror(EIO));
	assert_text(&r.sums[COUNTER_INSTRUCTIONS], "200");
	counter_sum_add(&total, &first[COUNTER_CYCLES]);
	assert_true(total.available);
	counter_sum_add(&total, &r.sums[COUNTER_CYCLES]);
	assert_text(&total, "n/a");
	close_rig(&r);
}

/* Scaled over the whole, not region by region: one without a turn has a share in it. */
static void test_sum(void **state)
{
	static const struct counter_sum none = {.enabled = 50}, some = {100, 50, 25, .failed = 0};
	struct counter_sum sum = {0};

	counter_sum_add(&sum, &none);
	assert_text(&sum, "n/a");
	counter_sum_add(&sum, &some);
	assert_text(&sum, "400*");
}

static void test_user_reads(void **state)
{
	static const struct fake_answer answers[] = {
		{"cycles", .value = 100, .enabled = 10, .running = 10, .user = true},
		{"instructions", .value = 7, .enabled = 10, .running = 5, .user = true},
		/* Not of a core's PMU: read() whatever the page says. */
		{"task-clock", .value = 100, .enabled = 10, .running = 10, .user = true},
		{"cache-misses", .value = 1, .enabled = 1, .running = 1, .user = true,
		 .fails_at = 4},
		GOOD,
	};
	struct rig r = {0};
	u32 reads;

	open_rig(&r, answers, ARRAY_SIZE(answers), "");
	assert_true(r.c.event[COUNTER_CYCLES].user_read);
	assert_false(r.c.event[COUNTER_TASK_CLOCK].user_read);
	reads = r.fake.reads;
	count(&r, 2);
	assert_text(&r.sums[COUNTER_CYCLES], "200");
	assert_text(&r.sums[COUNTER_INSTRUCTIONS], "28*");
	assert_text(&r.sums[COUNTER_CACHE_MISSES], "n/a"); /* failed between start and stop */
	assert_int_equal(r.fake.reads - reads, 2 * 5);
	counters_start(&r.c);
	counters_stop(&r.c);
	counters_start(&r.c);
	counters_stop(&r.c);
	counters_add(&r.c, r.sums); /* two regions at once */
	assert_text(&r.sums[COUNTER_CYCLES], "400");
	close_rig(&r);
}

/* An event of many boxes: their sum, or nothing. */
static void test_boxes(void **state)
{
	static const struct fake_answer answers[] = {GOOD};
	struct rig r = {0};
	struct counter_event *e = &r.list.event[COUNTER_STANDARD];
	char err[64];

	assert_int_equal(counter_list_make(&r.list, "", err, sizeof(err)), 0);
	r.list.nr++;
	strcpy(e->name, "uncore");
	e->kind = COUNTER_KIND_SYSTEM;
	for (s32 cpu = 0; cpu < 3; cpu++)
		assert_int_equal(counter_event_add_box(e, 40, cpu), 0);
	r.fake.answer = answers;
	r.fake.nr = 1;
	r.source = fake_source(&r.fake);
	counters_open(&r.c, &r.source, &r.list);
	count(&r, 2);
	assert_text(&r.sums[COUNTER_STANDARD], "600");
	assert_int_equal(r.c.event[COUNTER_STANDARD].group, 0);
	close_rig(&r);
}

static void test_none(void **state)
{
	struct counter_sum sums[COUNTERS_MAX] = {0};
	struct counter_list list;
	struct counters c;
	char err[64];

	assert_int_equal(counter_list_make(&list, "r1", err, sizeof(err)), 0);
	counters_open(&c, &counters_none, &list);
	counters_start(&c);
	counters_stop(&c);
	counters_add(&c, sums);
	for (u32 i = 0; i < c.nr; i++) {
		assert_non_null(counter_why_not(&c, i));
		assert_text(&sums[i], "n/a");
	}
	counters_close(&c);
	counter_list_free(&list);
}

/* Whatever this machine has, by every source of this build: what is available counts. */
static void count_here(const struct counter_source *source)
{
	struct counter_sum sums[COUNTERS_MAX] = {0};
	struct counter_list list;
	volatile u64 spin = 0;
	struct counters c;
	char err[512];

	assert_int_equal(counter_list_make(&list, NULL, err, sizeof(err)), 0);
	counters_open(&c, source, &list);
	/* More than once: a group must come on again as a whole. */
	for (u32 i = 1; i <= 3; i++) {
		counters_start(&c);
		while (spin < i * 1000000)
			spin++;
		counters_stop(&c);
		counters_add(&c, sums);
	}
	for (u32 i = COUNTER_TASK_CLOCK; i <= COUNTER_MIGRATIONS; i++)
		if (!counter_why_not(&c, i))
			assert_true(sums[i].available && !sums[i].multiplexed);
	for (u32 i = 0; i < c.nr; i++)
		if (counter_why_not(&c, i))
			assert_false(sums[i].available);
	for (u32 i = COUNTER_CYCLES; i <= COUNTER_INSTRUCTIONS; i++)
		if (sums[i].available)
			assert_true(sums[i].value > 1000000);
	if (sums[COUNTER_TASK_CLOCK].available)
		assert_true(sums[COUNTER_TASK_CLOCK].value > 0);
	if (sums[COUNTER_TSC].available)
		assert_true(sums[COUNTER_TSC].value > 0);
	counters_close(&c);
	counter_list_free(&list);
}

static void test_here(void **state)
{
	const struct counter_source *source;
	const char *why_not;
	char err[512];

	for (u32 i = 0; (source = counter_source_nth(i, &why_not)); i++) {
		if (why_not)
			assert_null(counter_source_find(source->name, err, sizeof(err)));
		else
			count_here(source);
	}
	assert_non_null(counter_source_find(NULL, err, sizeof(err)));
	assert_null(counter_source_find("nonsense", err, sizeof(err)));
	assert_non_null(strstr(err, "libperf, raw or none"));
}

/* --- the page beside an event ----------------------------------------------------------------- */

static struct perf_event_mmap_page page;
static u32 disturbances;
static u64 ticks;

static u64 page_counter(u32 index)
{
	assert_int_equal(index, 4);
	/* The kernel takes the counter away, between the offset's reading and the lock's. */
	if (disturbances) {
		disturbances--;
		page.lock += 2;
		page.offset += 1000;
	}
	return 0xffffffffff00ULL; /* -256 in 48 bits */
}

static u64 page_clock(void)
{
	return ticks;
}

static const struct perf_user_ops page_ops = {page_counter, page_clock};

static void set_page(void)
{
	memset(&page, 0, sizeof(page));
	page.lock = 6;
	page.index = 5;
	page.offset = 10000;
	page.pmc_width = 48;
	page.time_enabled = 500;
	page.time_running = 300;
	page.time_mult = 3;
	page.time_shift = 1;
	page.time_offset = 7;
	ticks = 100;
	disturbances = 0;
}

static void test_user_page(void **state)
{
	struct counter_raw raw;

	set_page();
	assert_int_equal(perf_user_read(&page, &page_ops, &raw), 0);
	assert_int_equal(raw.value, 10000 - 256);
	assert_int_equal(raw.enabled, 500 + 7 + 150);
	assert_int_equal(raw.running, 300 + 7 + 150);
	/* Read again until the kernel left it alone. */
	disturbances = 3;
	assert_int_equal(perf_user_read(&page, &page_ops, &raw), 0);
	assert_int_equal(raw.value, 13000 - 256);
	/* No counter just now: what there was before, and no time runs. */
	page.index = 0;
	assert_int_equal(perf_user_read(&page, &page_ops, &raw), 0);
	assert_int_equal(raw.value, 13000);
	assert_int_equal(raw.enabled, 500 + 7 + 150);
	assert_int_equal(raw.running, 300);
	/* A clock of few bits, that went round since time_cycles. */
	page.cap_user_time_short = 1;
	page.time_mask = 0xff;
	page.time_cycles = 0x1f0;
	ticks = 0x10;
	assert_int_equal(perf_user_read(&page, &page_ops, &raw), 0);
	assert_int_equal(raw.enabled, 500 + 7 + 0x210 * 3 / 2);
	/* Neither being written for ever, nor changed for ever. */
	page.lock = 7;
	assert_int_equal(perf_user_read(&page, &page_ops, &raw), -EAGAIN);
	set_page();
	disturbances = UINT32_MAX;
	assert_int_equal(perf_user_read(&page, &page_ops, &raw), -EAGAIN);
}

/* --- the commands ----------------------------------------------------------------------------- */

static int run(const char *arguments, const char *out)
{
	char command[1024];

	snprintf(command, sizeof(command), BENCH " %s >%s 2>&1", arguments, out);
	return WEXITSTATUS(system(command));
}

static bool says(const char *file, const char *text)
{
	char command[1024];

	snprintf(command, sizeof(command), "grep -q -e '%s' %s", text, file);
	return !system(command);
}

static void test_command(void **state)
{
	char out[] = "/tmp/nosnoop-counters-XXXXXX";
	json_t *root, *first;
	int fd = mkstemp(out);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(run("list --counters", out), 0);
	assert_true(says(out, "^task-clock"));
	assert_int_equal(run("list --counters=none --events r1a5 --json", out), 0);
	root = json_load_file(out, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(root, "sources")), 3);
	assert_int_equal(json_array_size(json_object_get(root, "events")), COUNTER_STANDARD + 1);
	first = json_array_get(json_object_get(root, "events"), 0);
	assert_string_equal(json_string_value(json_object_get(first, "state")), "unsupported");
	assert_string_equal(json_string_value(json_object_get(first, "errno")), "ENOENT");
	json_decref(root);
	assert_int_equal(run("list --counters=nonsense", out), 2);
	assert_true(says(out, "expected libperf, raw or none"));
	assert_int_equal(run("list --counters --events no_such_event", out), 2);
	assert_true(says(out, "no_such_event"));
	assert_int_equal(run("list --events cycles", out), 2);
	assert_int_equal(run("run --counters raw", out), 2);
	assert_int_equal(run("run --backend core --counters nonsense", out), 2);
	assert_int_equal(run("report --out /tmp --events no_such_event", out), 2);
	/* Without anything to count with all runs, and says so. */
	assert_int_equal(run("run --backend core --counters none --size 1M --reps 1", out), 0);
	assert_true(says(out, "n/a"));
	unlink(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_list_refuses),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_libpfm),
		cmocka_unit_test(test_sysfs),
		cmocka_unit_test(test_sysfs_refuses),
		cmocka_unit_test(test_available),
		cmocka_unit_test(test_unsupported),
		cmocka_unit_test(test_multiplexed),
		cmocka_unit_test(test_group_too_large),
		cmocka_unit_test(test_group_never_runs),
		cmocka_unit_test(test_never_scheduled),
		cmocka_unit_test(test_read_fails_midway),
		cmocka_unit_test(test_sum),
		cmocka_unit_test(test_user_reads),
		cmocka_unit_test(test_boxes),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_here),
		cmocka_unit_test(test_user_page),
		cmocka_unit_test(test_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
