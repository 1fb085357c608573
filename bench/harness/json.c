// SPDX-License-Identifier: GPL-2.0-only
/*
 * The layout that Google Benchmark's readers know: context and benchmarks[], runs and aggregates. A
 * case that could not be had stands in not_available, for a reader would take its 0 for a time.
 * Undisturbed samples spend all of their time on the CPU, so cpu_time is real_time.
 */
#define _GNU_SOURCE
#include "bench/harness/harness_priv.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CACHES "/sys/devices/system/cpu/cpu0/cache/index%d/%s"

static bool read_line(const char *format, int index, const char *file, char *line, int size)
{
	char path[128];
	bool good;
	FILE *f;

	snprintf(path, sizeof(path), format, index, file);
	f = fopen(path, "re");
	good = f && fgets(line, size, f);
	if (f)
		fclose(f);
	if (good)
		line[strcspn(line, "\n")] = '\0';
	return good;
}

static json_t *caches_json(void)
{
	json_t *list = json_array();
	char type[64], level[16], size[32], shared[512];

	for (int i = 0; read_line(CACHES, i, "type", type, sizeof(type)); i++) {
		int sharing = 0;

		if (!read_line(CACHES, i, "level", level, sizeof(level)) ||
		    !read_line(CACHES, i, "size", size, sizeof(size)) ||
		    !read_line(CACHES, i, "shared_cpu_list", shared, sizeof(shared)))
			break;
		for (int cpu = 0; cpu < 4096; cpu++)
			sharing += harness_cpulist_has(shared, cpu);
		json_array_append_new(
			list, json_pack("{sssisIsi}", "type", type, "level", atoi(level), "size",
					(json_int_t)atoll(size) << 10, "num_sharing", sharing));
	}
	return list;
}

static json_t *date_json(void)
{
	time_t now = time(NULL);
	char text[64] = "n/a";
	struct tm tm;

	if (localtime_r(&now, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S%z", &tm);
	return json_string(text);
}

static json_t *load_json(void)
{
	json_t *list = json_array();
	double load[3];
	int n = getloadavg(load, 3);

	for (int i = 0; i < n; i++)
		json_array_append_new(list, json_real(load[i]));
	return list;
}

static bool scales_frequency(void)
{
	char governor[64];

	return read_line("/sys/devices/system/cpu/cpu%d/cpufreq/%s", 0, "scaling_governor",
			 governor, sizeof(governor)) &&
	       strcmp(governor, "performance");
}

static json_t *context_json(void)
{
	const struct harness_clock *clock = harness_clock();

	return json_pack("{so ss ss si si sb so so ss ss sf sf sf sf ss}", "date", date_json(),
			 "host_name", "n/a", "executable", program_invocation_short_name,
			 "num_cpus", (int)sysconf(_SC_NPROCESSORS_ONLN), "mhz_per_cpu",
			 (int)lround(1000 / clock->ns_per_tick), "cpu_scaling_enabled",
			 scales_frequency(), "caches", caches_json(), "load_avg", load_json(),
#ifdef __OPTIMIZE__
			 "library_build_type", "release",
#else
			 "library_build_type", "debug",
#endif
			 "clock", clock->name, "ns_per_tick", clock->ns_per_tick, "complete_ns",
			 clock->complete_ns, "start_stop_ns", clock->start_stop_ns, "loop_ns",
			 clock->loop_ns, "marks", harness_marks());
}

static json_t *interval_json(const struct stats_interval *i)
{
	return json_pack("{sfsfsf}", "median", i->median, "lo", i->lo, "hi", i->hi);
}

static bool same_family(const struct harness_result *a, const struct harness_result *b)
{
	return a == b || (a->c->family && b->c->family && !strcmp(a->c->family, b->c->family));
}

/* What all records of a case begin with. A family is known by the place of its first case. */
static json_t *record_json(const struct harness_result *all, const struct harness_result *r,
			   const char *suffix, const char *type)
{
	const struct harness_result *first = all;
	int member = 0;

	while (!same_family(first, r))
		first++;
	for (const struct harness_result *i = first; i < r; i++)
		member += same_family(i, r);
	return json_pack("{so si si ss ss si si ss}", "name",
			 json_sprintf("%s%s", r->c->name, suffix), "family_index",
			 (int)(first - all), "per_family_instance_index", member, "run_name",
			 r->c->name, "run_type", type, "repetitions", (int)r->samples, "threads", 1,
			 "time_unit", "ns");
}

static void add_times(json_t *o, json_int_t iterations, double ns)
{
	json_object_set_new(o, "iterations", json_integer(iterations));
	json_object_set_new(o, "real_time", json_real(ns));
	json_object_set_new(o, "cpu_time", json_real(ns));
}

static void add_own(json_t *o, const struct harness_result *r)
{
	if (r->c->issue)
		json_object_set_new(o, "issue", interval_json(&r->issue));
	json_object_set_new(o, "complete", interval_json(&r->complete));
	json_object_set_new(o, "q1", json_real(r->q1));
	json_object_set_new(o, "q3", json_real(r->q3));
	json_object_set_new(o, "state", json_string(harness_state_name(r->c->state)));
	json_object_set_new(o, "pages", json_string(harness_pages_name(r->c->pages)));
	json_object_set_new(o, "align", json_integer((json_int_t)r->c->align));
	json_object_set_new(o, "size", json_integer((json_int_t)r->c->size));
	json_object_set_new(o, "regions", json_integer(r->regions));
	json_object_set_new(o, "samples", json_integer(r->samples));
	json_object_set_new(o, "preempted", json_integer(r->preempted));
	json_object_set_new(o, "by_cpu_time", json_boolean(r->by_cpu_time));
}

/* A record of the median, or one of every sample. */
static void add_runs(json_t *list, const struct harness_result *all, const struct harness_result *r,
		     bool every)
{
	json_int_t iterations = (json_int_t)(r->iterations * r->regions);
	int at = 0;
	json_t *o;

	for (uint32_t i = 0; i < (every ? r->rounds : 1); i++) {
		if (every && isnan(r->completes[i]))
			continue;
		o = record_json(all, r, "", "iteration");
		json_object_set_new(o, "repetition_index", json_integer(at++));
		add_times(o, iterations, every ? r->completes[i] : r->complete.median);
		if (!every)
			json_object_set_new(o, "repetitions", json_integer(1));
		add_own(o, r);
		json_array_append_new(list, o);
	}
}

static void add_aggregates(json_t *list, const struct harness_result *all,
			   const struct harness_result *r)
{
	const struct {
		const char *name, *unit;
		double value;
	} aggregate[] = {
		{"mean", "time", r->mean},
		{"median", "time", r->complete.median},
		{"stddev", "time", r->stddev},
		{"cv", "percentage", r->mean > 0 ? r->stddev / r->mean : 0},
	};
	char suffix[16];

	for (size_t i = 0; i < sizeof(aggregate) / sizeof(*aggregate); i++) {
		json_t *o;

		snprintf(suffix, sizeof(suffix), "_%s", aggregate[i].name);
		o = record_json(all, r, suffix, "aggregate");
		json_object_set_new(o, "aggregate_name", json_string(aggregate[i].name));
		json_object_set_new(o, "aggregate_unit", json_string(aggregate[i].unit));
		add_times(o, r->samples, aggregate[i].value);
		json_array_append_new(list, o);
	}
}

/* BigO and RMS of a family, behind its last case. */
static json_t *growth_json(const struct harness_result *all, const struct harness_result *r,
			   const char *name)
{
	json_t *o = record_json(all, r, "", "aggregate");

	json_object_set_new(o, "name", json_sprintf("%s_%s", r->c->family, name));
	json_object_set_new(o, "run_name", json_string(r->c->family));
	json_object_set_new(o, "aggregate_name", json_string(name));
	return o;
}

static int fit_family(const struct harness_result *all, size_t nr, const struct harness_result *r,
		      struct fit *fit)
{
	double *n = calloc(2 * nr, sizeof(*n));
	size_t found = 0;
	int rc = -ENOMEM;

	for (size_t i = 0; n && i < nr; i++) {
		if (!same_family(&all[i], r) || *all[i].why)
			continue;
		n[found] = all[i].c->n;
		n[nr + found++] = all[i].complete.median;
	}
	if (n)
		rc = fit_best(n, n + nr, found, fit);
	free(n);
	return rc;
}

static void add_growth(json_t *list, const struct harness_result *all, size_t nr,
		       const struct harness_result *r)
{
	struct fit fit;
	json_t *o;

	for (const struct harness_result *i = r + 1; i < all + nr; i++)
		if (same_family(i, r))
			return;
	if (!r->c->family || fit_family(all, nr, r, &fit))
		return;
	o = growth_json(all, r, "BigO");
	json_object_set_new(o, "aggregate_unit", json_string("time"));
	json_object_set_new(o, "cpu_coefficient", json_real(fit.coefficient));
	json_object_set_new(o, "real_coefficient", json_real(fit.coefficient));
	json_object_set_new(o, "big_o", json_string(fit_name(fit.order)));
	json_array_append_new(list, o);
	o = growth_json(all, r, "RMS");
	json_object_del(o, "time_unit");
	json_object_set_new(o, "aggregate_unit", json_string("percentage"));
	json_object_set_new(o, "rms", json_real(fit.rms));
	json_array_append_new(list, o);
}

int harness_json(FILE *f, const struct harness_result *results, size_t nr, bool every)
{
	json_t *runs = json_array(), *missing = json_array(), *root;
	int rc;

	for (size_t i = 0; i < nr; i++) {
		const struct harness_result *r = &results[i];

		if (*r->why) {
			json_array_append_new(
				missing, json_pack("{ssss}", "name", r->c->name, "why", r->why));
		} else {
			add_runs(runs, results, r, every);
			add_aggregates(runs, results, r);
		}
		add_growth(runs, results, nr, r);
	}
	root = json_pack("{sososo}", "context", context_json(), "benchmarks", runs, "not_available",
			 missing);
	rc = root ? json_dumpf(root, f, JSON_INDENT(1) | JSON_REAL_PRECISION(15)) : -1;
	json_decref(root);
	return rc || fputc('\n', f) == EOF ? -1 : 0;
}
