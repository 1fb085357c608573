// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the harness. Time comes from a fake engine wherever a result depends on it. With an
 * argument: prints what the Python tests judge, "numbers" (of the statistics) or "json" of made
 * results, "every" with all samples.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "bench/harness/harness_priv.h"

#define NEAR(a, b) assert_true(fabs((double)(a) - (b)) <= 1e-9 * (1 + fabs((double)(b))))
#define NR(array)  (sizeof(array) / sizeof(*(array)))

/* --- statistics ------------------------------------------------------------------------------- */

static void test_orders(void **state)
{
	double odd[] = {5, 1, 4}, even[] = {8, 1, 2, 4}, same[] = {3, 3, 3, 9};
	double v[] = {1, 2, 3, 4, 5}, two[] = {10, 20}, steps[] = {100, 10, 20, 1};

	assert_true(stats_median(odd, 3) == 4);
	assert_true(stats_median(even, 4) == 3);
	assert_true(stats_median(same, 4) == 3);
	assert_true(stats_median(NULL, 0) == 0);
	assert_true(stats_min((double[]){2, -1, 5}, 3) == -1);
	assert_true(stats_min(NULL, 0) == 0);
	assert_true(stats_quantile(v, 5, 0) == 1);
	assert_true(stats_quantile(v, 5, 0.25) == 2);
	assert_true(stats_quantile(v, 5, 1) == 5);
	assert_true(stats_quantile(two, 2, 0.75) == 17.5);
	assert_true(stats_quantile(v, 1, 0.75) == 1);
	assert_true(stats_quantile(v, 0, 0.5) == 0);
	assert_true(stats_mean(v, 5) == 3 && stats_mean(NULL, 0) == 0);
	NEAR(stats_stddev(v, 5), sqrt(2.5));
	assert_true(stats_stddev(v, 1) == 0);
	assert_true(stats_middle(steps, 4) == 15);
	assert_true(stats_middle(two, 1) == 10);
}

static void test_random(void **state)
{
	struct rng a = {7}, b = {7}, c = {8};
	uint32_t x[26], y[26], z[26], seen = 0;

	rng_order(&a, x, 26);
	rng_order(&b, y, 26);
	rng_order(&c, z, 26);
	assert_memory_equal(x, y, sizeof(x));
	assert_memory_not_equal(x, z, sizeof(x));
	for (int i = 0; i < 26; i++)
		seen |= 1u << x[i];
	assert_int_equal(seen, (1u << 26) - 1);
	for (int i = 0; i < 1000; i++)
		assert_in_range(rng_below(&a, 3), 0, 2);
}

/* P(at least k of n), each with p */
static double at_least(int n, int k, double p)
{
	double sum = 0;

	for (int i = k; i <= n; i++)
		sum += exp(lgamma(n + 1) - lgamma(i + 1) - lgamma(n - i + 1) + i * log(p) +
			   (n - i) * log1p(-p));
	return sum;
}

/* The median of n draws from 1..n is at most k if at least (n + 1) / 2 draws are: a binomial tail. */
static void test_bootstrap(void **state)
{
	struct stats_bootstrap how = {.resamples = 20000};
	struct stats_interval first, again;
	double v[25];
	int lo = 1, hi = 1;

	while (at_least(25, 13, lo / 25.0) < 0.025)
		lo++;
	while (at_least(25, 13, hi / 25.0) < 0.975)
		hi++;
	for (how.seed = 0; how.seed < 5; how.seed++) {
		for (int i = 0; i < 25; i++)
			v[i] = 25 - i;
		assert_int_equal(stats_bootstrap(v, 25, &how, &first), 0);
		assert_true(first.median == 13 && first.lo == lo && first.hi == hi);
		assert_int_equal(stats_bootstrap(v, 25, &how, &again), 0);
		assert_memory_equal(&first, &again, sizeof(first));
	}
	how.level = 0.5;
	assert_int_equal(stats_bootstrap(v, 25, &how, &again), 0);
	assert_true(again.lo > first.lo && again.hi < first.hi && again.lo <= 13);
	assert_int_equal(stats_bootstrap(v, 0, &how, &again), -EINVAL);
	assert_int_equal(stats_bootstrap(v, 1, &how, &again), 0);
	assert_true(again.median == 1 && again.lo == 1 && again.hi == 1);
}

/* Of a skewed sample BCa shifts both bounds, of a constant one nothing is left to shift. */
static void test_bca(void **state)
{
	struct stats_bootstrap how = {.method = STATS_BCA};
	struct stats_interval i;
	double v[20], same[] = {4, 4, 4, 4, 4, 4};

	for (int k = 0; k < 20; k++)
		v[k] = exp(k / 4.0);
	assert_int_equal(stats_bootstrap(v, 20, &how, &i), 0);
	assert_true(i.lo < i.median && i.median < i.hi && i.lo >= v[0] && i.hi <= v[19]);
	assert_int_equal(stats_bootstrap(same, 6, &how, &i), 0);
	assert_true(i.lo == 4 && i.median == 4 && i.hi == 4);
}

static void test_sign(void **state)
{
	NEAR(stats_sign_test(0, 10), 2.0 / 1024);
	NEAR(stats_sign_test(9, 1), 22.0 / 1024);
	NEAR(stats_sign_test(5, 5), 1);
	NEAR(stats_sign_test(0, 0), 1);
	assert_true(stats_sign_test(1000, 1000) <= 1);
	NEAR(stats_normal_cdf(0), 0.5);
	assert_true(fabs(stats_normal_quantile(0.975) - 1.959963984540054) < 1e-12);
}

static void test_paired(void **state)
{
	struct stats_bootstrap how = {.seed = 3};
	double base[40], slow[40];
	struct stats_paired p;

	for (int i = 0; i < 40; i++) {
		base[i] = 100 + 50 * (i % 7); /* far wider than the difference */
		slow[i] = base[i] * (i % 10 ? 1.03 : 0.99);
	}
	slow[1] = base[2] = NAN;
	slow[3] = base[3];
	assert_int_equal(stats_paired(base, slow, 40, &how, &p), 0);
	NEAR(p.ratio.median, 1.03);
	assert_int_equal(p.n, 38);
	assert_int_equal(p.below, 4);
	assert_int_equal(p.above, 33);
	assert_int_equal(p.ties, 1);
	NEAR(p.p, stats_sign_test(4, 33));
	base[5] = 0;
	assert_int_equal(stats_paired(base, slow, 40, &how, &p), -EINVAL);
	assert_int_equal(stats_paired(base + 1, slow + 1, 1, &how, &p), -EINVAL);
	assert_int_equal(stats_paired(base, slow, 0, &how, &p), -EINVAL);
}

static void test_fit(void **state)
{
	const double n[] = {2, 8, 64, 1000, 5000};
	double t[5];
	struct fit f;

	for (enum fit_order order = 0; order < FIT_ORDERS; order++) {
		struct fit made = {.order = order, .coefficient = 3.5};

		for (int i = 0; i < 5; i++)
			t[i] = fit_value(&made, n[i]);
		assert_int_equal(fit_best(n, t, 5, &f), 0);
		assert_int_equal(f.order, order);
		NEAR(f.coefficient, 3.5);
		assert_true(f.rms < 1e-9);
	}
	/* 1 and 3 through a constant: 2, off by 1, half of the mean. */
	assert_int_equal(fit_one(FIT_1, n, (double[]){1, 3}, 2, &f), 0);
	NEAR(f.coefficient, 2);
	NEAR(f.rms, 0.5);
	assert_int_equal(fit_best(n, t, 1, &f), -EINVAL);
	assert_int_equal(fit_best((double[]){0, 1}, t, 2, &f), -EINVAL);
	assert_int_equal(fit_best(n, (double[]){0, 0}, 2, &f), -EINVAL);
	assert_string_equal(fit_name(FIT_N_LOG_N), "NlgN");
}

/* --- the clock -------------------------------------------------------------------------------- */

/* One pair that was interrupted between its two readings changes nothing. */
static void test_rate(void **state)
{
	struct clock_pair first[9], last[9];

	for (int i = 0; i < 9; i++) {
		first[i] = (struct clock_pair){1000 + i, 5000 + i / 4};
		last[i] = (struct clock_pair){first[i].ticks + 400000, first[i].ns + 100000};
	}
	last[4].ns += 77777;
	NEAR(harness_clock_rate(first, last, 9), 0.25);
}

static void test_clock_here(void **state)
{
	const struct harness_clock *c = harness_clock();
	uint64_t a = clock_begin(), b = clock_ticks();

	assert_true(c->ns_per_tick > 0 && c->complete_ns > 0 && *c->name);
	assert_true(b >= a);
	assert_ptr_equal(c, harness_clock());
}

/* --- which case runs when --------------------------------------------------------------------- */

struct fake {
	const struct harness_case *cases;
	double ns[4], fixed[4]; /* an iteration; a region besides */
	double cpu;		/* share of it that the thread had, 0: not known */
	uint32_t marked_every[4];
	uint32_t regions[4];
	double now;
	uint8_t log[4096];
	uint32_t logged;
};

static const char *fake_why_not(void *ctx, const struct harness_case *c)
{
	return c->state == HARNESS_REMOTE ? "not today" : NULL;
}

static struct region_time fake_region(void *ctx, const struct harness_case *c, uint64_t iterations)
{
	struct fake *f = ctx;
	size_t i = c - f->cases;
	double ns = f->fixed[i] + f->ns[i] * iterations;

	f->regions[i]++;
	if (f->logged < sizeof(f->log))
		f->log[f->logged++] = i;
	f->now += ns / 1e9;
	return (struct region_time){
		.issue = ns / 2,
		.complete = ns,
		.cpu = ns * f->cpu,
		.marked = f->marked_every[i] && f->regions[i] % f->marked_every[i] == 0,
	};
}

static double fake_seconds(void *ctx)
{
	return ((struct fake *)ctx)->now;
}

static void run_fake(struct fake *f, const struct harness_options *opt,
		     const struct harness_case *cases, size_t nr, struct harness_result *r)
{
	struct harness_engine e = {f, fake_why_not, fake_region, fake_seconds};

	f->cases = cases;
	assert_int_equal(harness_run_on(&e, opt, cases, nr, r), 0);
}

static void test_calibration(void **state)
{
	static const struct harness_case cases[] = {
		{.name = "fast", .units = 2},
		{.name = "state", .state = HARNESS_DIRTY},
		{.name = "long", .state = HARNESS_CLEAN},
		{.name = "given", .iterations = 40},
	};
	struct fake f = {.ns = {3.7, 360, 25000, 5}, .fixed = {0, 0, 0, 0}};
	struct harness_options opt = {.samples = 7};
	struct harness_result r[4];

	run_fake(&f, &opt, cases, 4, r);
	assert_true(r[0].iterations * 3.7 >= 10000 && r[0].iterations * 3.7 < 20000);
	assert_int_equal(r[0].regions, 1);
	NEAR(r[0].complete.median, 3.7 / 2);
	NEAR(r[0].issue.median, 3.7 / 4);
	assert_int_equal(r[1].iterations, 1);
	assert_int_equal(r[1].regions, 28); /* of 360 ns, to 10 us */
	NEAR(r[1].complete.median, 360);
	assert_int_equal(r[2].regions, 1);
	assert_int_equal(r[3].iterations, 40);
	assert_int_equal(r[3].regions, 50);
	for (int i = 0; i < 4; i++)
		assert_int_equal(r[i].samples, 7);
	harness_free(r, 4);
	opt.sample_ns = 1e6;
	run_fake(&f, &opt, cases, 4, r);
	assert_true(r[0].iterations * 3.7 >= 1e6);
	assert_int_equal(r[2].regions, 40);
	harness_free(r, 4);
}

/* An iteration that takes no time must not keep the calibration going for ever. */
static void test_nothing(void **state)
{
	static const struct harness_case c[] = {{.name = "no time"},
						{.name = "none", .state = HARNESS_DIRTY}};
	struct harness_options opt = {.samples = 5};
	struct harness_result r[2];
	struct fake f = {.ns = {0}};

	run_fake(&f, &opt, c, 2, r);
	assert_true(r[0].complete.median == 0 && r[1].complete.median == 0);
	assert_true(r[1].regions <= 1000);
	harness_free(r, 2);
}

static void test_drawn_order(void **state)
{
	static const struct harness_case c[] = {{.name = "a", .iterations = 1},
						{.name = "b", .iterations = 1},
						{.name = "c", .iterations = 1},
						{.name = "d", .iterations = 1}};
	struct harness_options opt = {.samples = 50, .bootstrap = {.seed = 5}};
	struct fake f[3] = {[0 ... 2] = {.ns = {20000, 20000, 20000, 20000}}};
	struct harness_result r[4];
	uint32_t first[4] = {0};

	for (int i = 0; i < 3; i++) {
		opt.bootstrap.seed = 5 + i / 2;
		run_fake(&f[i], &opt, c, 4, r);
		harness_free(r, 4);
	}
	assert_int_equal(f[0].logged, 4 + 50 * 4); /* one region each to calibrate */
	for (uint32_t round = 0; round < 50; round++) {
		const uint8_t *at = f[0].log + 4 + 4 * round;

		assert_int_equal(1 << at[0] | 1 << at[1] | 1 << at[2] | 1 << at[3], 15);
		first[at[0]]++;
	}
	for (int i = 0; i < 4; i++)
		assert_true(first[i] >= 4);
	assert_memory_equal(f[0].log, f[1].log, f[0].logged);
	assert_memory_not_equal(f[0].log, f[2].log, f[0].logged);
}

static void test_marked(void **state)
{
	static const struct harness_case c[] = {{.name = "a", .iterations = 1},
						{.name = "b", .iterations = 1},
						{.name = "gone", .state = HARNESS_REMOTE}};
	struct harness_options opt = {.samples = 20};
	struct fake f = {.ns = {20000, 10000, 1}, .marked_every = {4, 1, 0}};
	struct harness_result r[3];
	struct stats_paired p;

	run_fake(&f, &opt, c, 3, r);
	assert_int_equal(r[0].samples, 15);
	assert_int_equal(r[0].preempted, 5);
	assert_int_equal(r[1].samples, 0);
	assert_int_equal(r[1].preempted, 20);
	assert_string_equal(r[1].why, HARNESS_DISTURBED);
	assert_string_equal(r[2].why, "not today");
	assert_int_equal(f.regions[2], 0);
	assert_int_equal(harness_ratio(&opt, &r[0], &r[1], &p), -EINVAL);
	harness_free(r, 3);

	f = (struct fake){.ns = {20000, 10000, 1}, .marked_every = {4, 1, 0}, .cpu = 0.5};
	run_fake(&f, &opt, c, 3, r);
	assert_false(r[0].by_cpu_time);
	assert_true(r[1].by_cpu_time);
	assert_int_equal(r[1].samples, 20);
	assert_int_equal(r[1].preempted, 0);
	NEAR(r[1].complete.median, 5000);
	assert_int_equal(harness_ratio(&opt, &r[0], &r[1], &p), 0);
	assert_int_equal(p.n, 15);
	NEAR(p.ratio.median, 0.25);
	harness_free(r, 3);
}

/* Half of the time each: the dear one stops at what a median needs, the cheap one gets all. */
static void test_budget(void **state)
{
	static const struct harness_case c[] = {{.name = "cheap", .iterations = 1},
						{.name = "dear", .iterations = 1}};
	struct harness_options opt = {.samples = 100, .seconds = 1};
	struct fake f = {.ns = {20000, 4e8}};
	struct harness_result r[2];
	struct stats_paired p;

	run_fake(&f, &opt, c, 2, r);
	assert_int_equal(r[0].samples, 100);
	assert_int_equal(r[1].samples, 5);
	assert_int_equal(harness_ratio(&opt, &r[0], &r[1], &p), 0);
	assert_int_equal(p.n, 5);
	harness_free(r, 2);
	assert_int_equal(harness_run_on(&(struct harness_engine){&f, fake_why_not, fake_region,
								 fake_seconds},
					&opt, c, 0, r),
			 -EINVAL);
}

/* --- memory and its state --------------------------------------------------------------------- */

static void test_buffers(void **state)
{
	struct harness_buffer b;

	assert_int_equal(harness_buffer_create(&b, 10000, HARNESS_4K), 0);
	assert_null(b.why);
	assert_int_equal((uintptr_t)harness_buffer_at(&b, 0) % 4096, 0);
	for (size_t align = 1; align < 4096; align *= 2) {
		uint8_t *at = harness_buffer_at(&b, align);

		assert_int_equal((uintptr_t)at % (2 * align), align);
		memset(at, 1, 10000);
	}
	harness_buffer_destroy(&b);
	assert_int_equal(harness_buffer_create(&b, 2 << 20, HARNESS_2M), 0);
	assert_int_equal((uintptr_t)b.base % (2 << 20), 0);
	assert_true(!b.why || strstr(b.why, "huge pages"));
	harness_buffer_destroy(&b);
}

static uint64_t line_at(const void *mem, size_t line)
{
	return *(const uint64_t *)((const uint8_t *)mem + line * HARNESS_LINE);
}

/* What was stored stays when lines are only dropped or loaded; dirty ones were stored to, all of them. */
static void test_states(void **state)
{
	struct harness_buffer b;
	const char *why;

	assert_int_equal(harness_buffer_create(&b, 64 * HARNESS_LINE, HARNESS_4K), 0);
	for (enum harness_state s = HARNESS_ANY; s < HARNESS_STATES; s++) {
		bool stores = s == HARNESS_DIRTY || s == HARNESS_REMOTE;
		struct remote *remote = NULL;

		if (s == HARNESS_REMOTE) {
			remote = harness_remote_start(&why);
			if (!remote)
				continue;
		}
		memset(b.base, 0xa5, 64 * HARNESS_LINE);
		harness_state_set(s, b.base, 64 * HARNESS_LINE, remote);
		harness_state_set(s, b.base, 0, remote);
		for (size_t i = 0; i < 64; i++)
			assert_int_equal(line_at(b.base, i),
					 stores ? i * HARNESS_LINE : 0xa5a5a5a5a5a5a5a5);
		harness_remote_stop(remote);
	}
	harness_buffer_destroy(&b);
}

static bool pairs(int cpu, int other, void *ctx)
{
	return cpu / 2 == other / 2;
}

static void test_other_core(void **state)
{
	const uint8_t all[] = {1, 1, 1, 1}, same[] = {1, 1, 0, 0}, last[] = {1, 0, 0, 1};

	assert_int_equal(harness_remote_pick(all, 4, 0, pairs, NULL), 2);
	assert_int_equal(harness_remote_pick(all, 4, 3, pairs, NULL), 0);
	assert_int_equal(harness_remote_pick(same, 4, 1, pairs, NULL), -1);
	assert_int_equal(harness_remote_pick(last, 4, 0, pairs, NULL), 3);
	assert_true(harness_cpulist_has("0-3,8\n", 2) && harness_cpulist_has("0-3,8\n", 8));
	assert_false(harness_cpulist_has("0-3,8\n", 7) || harness_cpulist_has("", 0) ||
		     harness_cpulist_has("\n", 0));
}

/* Pinned while the helper lives, as before afterwards; with one CPU there is a reason instead. */
static void test_remote_cpus(void **state)
{
	cpu_set_t before, during, after, one;
	struct remote *remote;
	const char *why;

	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	remote = harness_remote_start(&why);
	assert_int_equal(!remote, !!why);
	assert_int_equal(sched_getaffinity(0, sizeof(during), &during), 0);
	if (remote)
		assert_int_equal(CPU_COUNT(&during), 1);
	harness_remote_stop(remote);
	assert_int_equal(sched_getaffinity(0, sizeof(after), &after), 0);
	assert_true(CPU_EQUAL(&before, &after));
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_string_equal(harness_state_why_not(HARNESS_REMOTE), "only one CPU is allowed here");
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
	assert_null(harness_state_why_not(HARNESS_DIRTY));
}

/* --- disturbed samples ------------------------------------------------------------------------ */

static void nap(struct harness_region *r)
{
	HARNESS_LOOP(r)
	usleep(1000);
}

static void count(struct harness_region *r)
{
	HARNESS_LOOP(r)
	++*(volatile uint64_t *)r->arg;
}

static void test_loop(void **state)
{
	struct harness_region r = {.iterations = 1000};
	uint64_t counted = 0;

	harness_marks_init(&r);
	r.arg = &counted;
	for (int i = 0; i < 20; i++) {
		r.iterations = i;
		count(&r);
	}
	assert_int_equal(counted, 190);
	assert_true(r.completed >= r.started);
}

/* Sleeping gives the CPU away, surely; counting to three does not, at least not a hundred times in a row. */
static void test_marks_here(void **state)
{
	struct harness_region r = {.iterations = 1};
	uint64_t counted = 0, before = harness_marks_switches();
	bool calm = false;

	r.arg = &counted;
	harness_marks_init(&r);
	nap(&r);
	if (!strcmp(harness_marks(), "rseq"))
		assert_true(r.marked);
	if (strcmp(harness_marks(), "n/a"))
		assert_true(harness_marks_switches() > before);
	for (int i = 0; i < 100 && !calm; i++) {
		r.marked = false;
		count(&r);
		calm = !r.marked;
	}
	assert_true(calm);
}

static void called(void *mem, size_t size, void *arg)
{
	memset(mem, 1, size);
	++*(uint64_t *)arg;
}

static void test_run_here(void **state)
{
	uint64_t calls = 0, counts = 0;
	const struct harness_case c[] = {
		{.name = "call",
		 .call = called,
		 .arg = &calls,
		 .size = 4096,
		 .state = HARNESS_DIRTY,
		 .issue = true},
		{.name = "body", .body = count, .arg = &counts},
		{.name = "both", .body = count, .call = called},
		{.name = "skewed", .call = called, .arg = &calls, .size = 64, .align = 48},
		{.name = "aligned", .call = called, .arg = &calls, .size = 4096, .align = 8},
	};
	struct harness_options opt = {.samples = 9, .sample_ns = 2000};
	struct harness_result r[NR(c)];
	uint64_t expected;

	assert_int_equal(harness_run(&opt, c, NR(c), r), 0);
	expected = (9 * r[0].regions + 9 * r[4].regions * r[4].iterations);
	assert_true(calls > expected); /* and the calibrations */
	assert_true(counts > 9 * r[1].iterations);
	assert_string_equal(r[2].why, "expected a call or a body");
	assert_string_equal(r[3].why, "expected a power of two as alignment");
	for (size_t i = 0; i < NR(c); i++)
		assert_int_equal(r[i].samples + r[i].preempted, i == 2 || i == 3 ? 0 : 9);
	assert_true(*r[0].why || r[0].issue.median <= r[0].complete.median);
	harness_free(r, NR(c));
}

/* --- for the Python tests --------------------------------------------------------------------- */

static void print_list(const char *name, const double *v, size_t n)
{
	printf("\"%s\": [", name);
	for (size_t i = 0; i < n; i++)
		printf("%s%.17g", i ? ", " : "", v[i]);
	printf("],\n");
}

static void print_interval(const char *name, const struct stats_interval *i)
{
	print_list(name, (double[]){i->median, i->lo, i->hi}, 3);
}

/* Samples of three shapes, made here so that both sides see the same. */
static int print_numbers(void)
{
	struct stats_bootstrap how = {.resamples = 9999, .seed = 11};
	const double n[] = {8, 64, 512, 4096}, t[] = {31, 402, 4700, 49000}, q[] = {0.1, 0.5, 0.93};
	const size_t sides[][2] = {{3, 9}, {60, 40}, {0, 7}, {1200, 1100}};
	struct rng rng = {42};
	struct stats_interval i;
	struct stats_paired paired;
	double v[101], copy[101], w[101], out[8];
	struct fit f;

	for (int k = 0; k < 101; k++) {
		v[k] = 100 *
		       exp(stats_normal_quantile((rng_below(&rng, 1 << 20) + 0.5) / (1 << 20)) / 3);
		w[k] = v[k] * (0.98 + rng_below(&rng, 1000) / 12000.0);
	}
	printf("{\n");
	print_list("sample", v, 101);
	print_list("other", w, 101);
	memcpy(copy, v, sizeof(v));
	if (stats_bootstrap(copy, 101, &how, &i))
		return 1;
	print_interval("percentile", &i);
	how.method = STATS_BCA;
	if (stats_bootstrap(copy, 101, &how, &i) || stats_paired(v, w, 101, &how, &paired))
		return 1;
	print_interval("bca", &i);
	print_interval("ratio", &paired.ratio);
	print_list("sign", (double[]){paired.below, paired.above, paired.p}, 3);
	for (int k = 0; k < 3; k++)
		out[k] = stats_quantile(copy, 101, q[k]);
	print_list("quantiles", out, 3);
	print_list("moments", (double[]){stats_mean(v, 101), stats_stddev(v, 101)}, 2);
	for (int k = 0; k < 4; k++)
		out[k] = stats_sign_test(sides[k][0], sides[k][1]);
	print_list("signs", out, 4);
	print_list("normal", (double[]){stats_normal_cdf(-1.3), stats_normal_quantile(0.004)}, 2);
	print_list("n", n, 4);
	print_list("time", t, 4);
	for (enum fit_order order = 0; order < FIT_ORDERS; order++) {
		fit_one(order, n, t, 4, &f);
		print_list(fit_name(order), (double[]){f.coefficient, f.rms}, 2);
	}
	fit_best(n, t, 4, &f);
	printf("\"best\": \"%s\"\n}\n", fit_name(f.order));
	return 0;
}

static int print_json(bool every)
{
	static const struct harness_case c[] = {
		{.name = "sort/16", .iterations = 1, .family = "sort", .n = 16},
		{.name = "sort/256", .iterations = 1, .family = "sort", .n = 256},
		{.name = "alone \"quoted\"", .state = HARNESS_DIRTY, .size = 4096, .issue = true},
		{.name = "gone", .state = HARNESS_REMOTE, .family = "sort", .n = 512},
	};
	struct fake f = {.ns = {1600, 25600, 360, 1}, .marked_every = {0, 9, 0, 0}, .cases = c};
	struct harness_engine e = {&f, fake_why_not, fake_region, fake_seconds};
	struct harness_options opt = {.samples = 20};
	struct harness_result r[NR(c)];
	int rc = harness_run_on(&e, &opt, c, NR(c), r);

	if (!rc)
		rc = harness_json(stdout, r, NR(c), every);
	harness_free(r, NR(c));
	return rc != 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),	   cmocka_unit_test(test_random),
		cmocka_unit_test(test_bootstrap),  cmocka_unit_test(test_bca),
		cmocka_unit_test(test_sign),	   cmocka_unit_test(test_paired),
		cmocka_unit_test(test_fit),	   cmocka_unit_test(test_rate),
		cmocka_unit_test(test_clock_here), cmocka_unit_test(test_calibration),
		cmocka_unit_test(test_nothing),	   cmocka_unit_test(test_drawn_order),
		cmocka_unit_test(test_marked),	   cmocka_unit_test(test_budget),
		cmocka_unit_test(test_buffers),	   cmocka_unit_test(test_states),
		cmocka_unit_test(test_other_core), cmocka_unit_test(test_remote_cpus),
		cmocka_unit_test(test_loop),	   cmocka_unit_test(test_marks_here),
		cmocka_unit_test(test_run_here),
	};

	if (argc > 1 && !strcmp(argv[1], "numbers"))
		return print_numbers();
	if (argc > 1)
		return print_json(!strcmp(argv[1], "every"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
