/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the files of the harness, and its seams for tests: nothing here reads a clock by itself. */
#ifndef NOSNOOP_HARNESS_PRIV_H
#define NOSNOOP_HARNESS_PRIV_H

#include "bench/harness/harness.h"

/* Fewer undisturbed samples than this give no median. */
#define HARNESS_LEAST 5

/* One region of a case: its state set, run once. All in ns, empty region taken off. */
struct region_time {
	double issue, complete, cpu;
	bool marked;
};

/* What a sample is made of. A test puts a machine of its own here. */
struct harness_engine {
	void *ctx;
	/* Why the case cannot be had, or NULL. */
	const char *(*why_not)(void *ctx, const struct harness_case *c);
	struct region_time (*region)(void *ctx, const struct harness_case *c, uint64_t iterations);
	double (*seconds)(void *ctx); /* since some moment */
};

int harness_run_on(const struct harness_engine *engine, const struct harness_options *opt,
		   const struct harness_case *cases, size_t nr, struct harness_result *results);

/* Ticks per ns from readings of both clocks that enclose each other: the median over all pairs. */
struct clock_pair {
	uint64_t ticks, ns;
};
double harness_clock_rate(const struct clock_pair *first, const struct clock_pair *last, size_t n);
/* Sets r's mark up for the calling thread; by rseq if the system has it. */
void harness_marks_init(struct harness_region *r);
/* Where there is no rseq: context switches of the thread so far, else a constant. */
uint64_t harness_marks_switches(void);

/* --- memory and its state --- */

struct harness_buffer {
	uint8_t *base; /* a multiple of 2 MiB */
	size_t size, mapped;
	void *mapping;
	const char *why; /* pages of that size could not be had */
};

/* 0 or a negative errno. */
int harness_buffer_create(struct harness_buffer *b, size_t size, enum harness_pages pages);
void harness_buffer_destroy(struct harness_buffer *b);
/* The place in the buffer that an alignment asks for. */
uint8_t *harness_buffer_at(const struct harness_buffer *b, size_t align);

/* A thread on another core that stores when it is told to. NULL: @why says why there is none. */
struct remote;
struct remote *harness_remote_start(const char **why);
void harness_remote_dirty(struct remote *r, void *mem, size_t size);
void harness_remote_stop(struct remote *r);
/*
 * The first allowed CPU that shares no core with @self, -1: none. @allowed: a byte a CPU;
 * siblings(cpu, other, ctx): do they share a core?
 */
int harness_remote_pick(const uint8_t *allowed, int nr, int self,
			bool (*siblings)(int cpu, int other, void *ctx), void *ctx);
/* Does a list as in sysfs, "0-3,8", hold @cpu? */
bool harness_cpulist_has(const char *list, int cpu);

/* @remote is for HARNESS_REMOTE alone. */
void harness_state_set(enum harness_state state, void *mem, size_t size, struct remote *remote);

#endif
