// SPDX-License-Identifier: GPL-2.0-only
/* The engine of real runs: memory, states, the clock. */
#define _GNU_SOURCE
#include "bench/harness/harness_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* From this on a region is likely to lose the CPU, and the thread's clock is no burden. */
#define LONG_NS 1000000.0

struct real {
	const struct harness_clock *clock;
	struct harness_buffer buffer[HARNESS_PAGES];
	struct remote *remote;
	const char *remote_why;
	struct harness_region region; /* with the thread's mark */
	bool by_switches;	      /* no rseq */
	const struct harness_case *cases;
	double *last_ns; /* of each case: its latest region */
};

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static const char *case_why_not(void *ctx, const struct harness_case *c)
{
	const struct real *real = ctx;

	if (!c->call == !c->body)
		return "expected a call or a body";
	if (c->align & (c->align - 1))
		return "expected a power of two as alignment";
	if (c->size && real->buffer[c->pages].why)
		return real->buffer[c->pages].why;
	if (c->state == HARNESS_REMOTE)
		return real->remote_why;
	return harness_state_why_not(c->state);
}

static void call_loop(const struct harness_case *c, struct harness_region *r)
{
	void (*call)(void *, size_t, void *) = c->call;

	/* A loop around one call would be timed with it. */
	if (r->iterations == 1) {
		harness_start(r);
		call(r->mem, r->size, r->arg);
		harness_stop(r);
		return;
	}
	HARNESS_LOOP(r)
	call(r->mem, r->size, r->arg);
}

static void run_region(const struct harness_case *c, struct harness_region *r)
{
	if (c->body)
		c->body(r);
	else
		call_loop(c, r);
}

static struct region_time time_region(void *ctx, const struct harness_case *c, uint64_t iterations)
{
	struct real *real = ctx;
	struct harness_region r = real->region;
	struct region_time t = {0};
	double *last_ns = &real->last_ns[c - real->cases];
	bool is_long = *last_ns >= LONG_NS;
	uint64_t cpu, switches;

	r.mem = c->size ? harness_buffer_at(&real->buffer[c->pages], c->align) : NULL;
	r.size = c->size;
	r.arg = c->arg;
	r.iterations = iterations;
	r.issue = c->issue;
	harness_state_set(c->state, r.mem, r.size, real->remote);
	switches = real->by_switches ? harness_marks_switches() : 0;
	cpu = is_long ? cpu_ns() : 0;
	clock_settle();
	run_region(c, &r);
	if (is_long)
		t.cpu = cpu_ns() - cpu;
	*r.mark = 0; /* the kernel need not look any more */
	t.marked = r.marked || (real->by_switches && switches != harness_marks_switches());
	t.complete = (r.completed - r.started) * real->clock->ns_per_tick;
	if (c->issue) {
		t.issue = (r.issued - r.started) * real->clock->ns_per_tick -
			  real->clock->issue_issue_ns;
		t.complete -= real->clock->issue_complete_ns;
	} else {
		t.complete -= real->clock->complete_ns;
	}
	/* Two readings, each with an error of its own. */
	if (t.issue > t.complete)
		t.issue = t.complete;
	*last_ns = t.complete;
	return t;
}

static double now_seconds(void *ctx)
{
	return clock_ns() / 1e9;
}

/* One buffer a page size, as large as the largest case wants: variants stand on the same pages. */
static int create_buffers(struct real *real, size_t nr)
{
	size_t most[HARNESS_PAGES] = {0};
	int rc = 0;

	for (size_t i = 0; i < nr; i++) {
		const struct harness_case *c = &real->cases[i];

		if (c->size > most[c->pages])
			most[c->pages] = c->size;
	}
	for (int p = 0; !rc && p < HARNESS_PAGES; p++)
		if (most[p])
			rc = harness_buffer_create(&real->buffer[p], most[p], p);
	return rc;
}

static void start_remote(struct real *real, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (real->cases[i].state == HARNESS_REMOTE) {
			real->remote = harness_remote_start(&real->remote_why);
			return;
		}
}

int harness_run(const struct harness_options *opt, const struct harness_case *cases, size_t nr,
		struct harness_result *results)
{
	struct real real = {.clock = harness_clock(), .cases = cases};
	struct harness_engine engine = {&real, case_why_not, time_region, now_seconds};
	int rc = -ENOMEM;

	memset(results, 0, nr * sizeof(*results));
	real.last_ns = calloc(nr ? nr : 1, sizeof(*real.last_ns));
	if (real.last_ns)
		rc = create_buffers(&real, nr);
	if (!rc) {
		harness_marks_init(&real.region);
		real.by_switches = !strcmp(harness_marks(), "getrusage");
		start_remote(&real, nr);
		rc = harness_run_on(&engine, opt, cases, nr, results);
		harness_remote_stop(real.remote);
	}
	for (int p = 0; p < HARNESS_PAGES; p++)
		harness_buffer_destroy(&real.buffer[p]);
	free(real.last_ns);
	return rc;
}
