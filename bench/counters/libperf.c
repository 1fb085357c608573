// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own library, from the tree that scripts/libperf.sh built. It opens, maps and closes;
 * a group is an evlist, which its leader owns. Not used of it: opening an evlist as a whole, where
 * one event that is not there fails all; and its user-space read, whose times stand still while
 * nothing else runs.
 */
#include "bench/counters/perf.h"

#ifdef NOSNOOP_LIBPERF
#include <perf/core.h>
#include <perf/cpumap.h>
#include <perf/evlist.h>
#include <perf/evsel.h>
#include <perf/threadmap.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct opened {
	struct perf_evlist *list; /* of the group */
	struct perf_evsel *evsel;
	bool leader;
};

static int say_nothing(enum libperf_print_level level, const char *format, va_list args)
{
	return 0;
}

/* As perf_event_open() wants them: a thread wherever it is, or everybody on one CPU. */
static int open_evsel(struct perf_evsel *evsel, const struct counter_box *box, bool system)
{
	struct perf_thread_map *threads = perf_thread_map__new_dummy();
	struct perf_cpu_map *cpus = NULL;
	char text[16];
	int rc = threads ? 0 : -ENOMEM;

	if (!rc && box->cpu >= 0) {
		snprintf(text, sizeof(text), "%d", box->cpu);
		cpus = perf_cpu_map__new(text);
		rc = cpus ? 0 : -ENOMEM;
	}
	if (!rc) {
		perf_thread_map__set_pid(threads, 0, system ? -1 : 0);
		rc = perf_evsel__open(evsel, cpus, threads);
	}
	perf_cpu_map__put(cpus);
	perf_thread_map__put(threads);
	return rc;
}

static int libperf_open(void *ctx, const struct counter_event *event, const struct counter_box *box,
			const struct counter_handle *leader, bool user_only,
			struct counter_handle *out)
{
	const struct opened *of_leader = leader ? leader->priv : NULL;
	struct perf_event_attr attr = perf_attr(event, box, !leader, user_only);
	struct opened *o = calloc(1, sizeof(*o));
	int rc = -ENOMEM;

	if (!o)
		return rc;
	libperf_init(say_nothing);
	o->leader = !leader;
	o->list = leader ? of_leader->list : perf_evlist__new();
	o->evsel = o->list ? perf_evsel__new(&attr) : NULL;
	if (!o->evsel)
		goto err_list;
	perf_evlist__add(o->list, o->evsel);
	perf_evlist__set_leader(o->list);
	rc = open_evsel(o->evsel, box, event->kind == COUNTER_KIND_SYSTEM);
	if (rc)
		goto err_evsel;
	/* Without the page it is read(). */
	perf_evsel__mmap(o->evsel, 0);
	*out = (struct counter_handle){.priv = o};
	return 0;

err_evsel:
	perf_evlist__remove(o->list, o->evsel);
	perf_evsel__delete(o->evsel);
err_list:
	if (o->leader && o->list)
		perf_evlist__delete(o->list);
	free(o);
	return rc;
}

static const struct perf_event_mmap_page *page_of(const struct counter_handle *h)
{
	const struct opened *o = h->priv;

	return perf_evsel__mmap_base(o->evsel, 0, 0);
}

static int libperf_read(const struct counter_handle *h, struct counter_raw *out)
{
	const struct opened *o = h->priv;
	struct perf_counts_values v;
	int rc = perf_evsel__read(o->evsel, 0, 0, &v);

	if (!rc)
		*out = (struct counter_raw){v.val, v.ena, v.run};
	return rc;
}

static bool libperf_may_user(const struct counter_handle *h)
{
	const struct perf_event_mmap_page *page = page_of(h);

	return page && perf_user_allowed(page);
}

static int libperf_read_user(const struct counter_handle *h, struct counter_raw *out)
{
	return perf_user_read(page_of(h), &perf_user_here, out);
}

/* Only of what did open: after an open that failed it would crash. */
static void libperf_turn(const struct counter_handle *leader, bool on)
{
	const struct opened *o = leader->priv;

	if (on)
		perf_evsel__enable(o->evsel);
	else
		perf_evsel__disable(o->evsel);
}

static void libperf_close(struct counter_handle *h)
{
	struct opened *o = h->priv;

	perf_evsel__munmap(o->evsel);
	perf_evsel__close(o->evsel);
	if (o->leader)
		perf_evlist__delete(o->list);
	free(o);
}

const struct counter_source counters_libperf = {
	.name = "libperf",
	.what = "the kernel's tools/lib/perf",
	.open = libperf_open,
	.read = libperf_read,
	.may_user = libperf_may_user,
	.read_user = libperf_read_user,
	.turn = libperf_turn,
	.close = libperf_close,
};
#else
const struct counter_source counters_libperf = {
	.name = "libperf",
	.what = "the kernel's tools/lib/perf",
};
#endif
