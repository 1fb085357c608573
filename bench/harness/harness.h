/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * harness: micro-benchmarks of code whose price depends on the state of cache lines. Standard C
 * types; needs nothing of the rest of the project. Link libharness, -lpthread, -lm, and for
 * harness_json() -ljansson.
 *
 * A case is a function, or a body with one HARNESS_LOOP, and the state of the memory that it is
 * given. A sample is one or several *regions*: the state is set, the clock starts, the loop runs,
 * the clock stops. Before every sample the order of the cases is drawn anew. What an empty region
 * reads is measured and taken off; what a call or the loop costs is not, for it overlaps with the
 * work. Issue ends when the loop's last instruction has retired, completion after a full fence:
 * with write-backs under way these differ. A sample in which the thread lost the CPU or was moved
 * is counted and left out.
 *
 * Not for several threads at a time: a run pins and times the calling thread.
 */
#ifndef NOSNOOP_HARNESS_H
#define NOSNOOP_HARNESS_H

#include <stdbool.h>
#include <stdio.h>

#include "bench/harness/harness_clock.h"
#include "bench/harness/harness_stats.h"

#define HARNESS_LINE 64UL

enum harness_state {
	HARNESS_ANY,	  /* as the sample before it left it */
	HARNESS_DIRTY,	  /* stored to by this CPU */
	HARNESS_CLEAN,	  /* cached, not modified */
	HARNESS_UNCACHED, /* in memory only */
	HARNESS_REMOTE,	  /* stored to by a thread on another core */
	HARNESS_STATES
};
enum harness_pages { HARNESS_4K, HARNESS_2M, HARNESS_PAGES };

/* What a body is given. The second half is the harness's. */
struct harness_region {
	void *mem; /* case's size bytes in its state */
	size_t size;
	void *arg;
	uint64_t iterations;

	bool issue;
	uint64_t started, issued, completed; /* ticks */
	volatile uint64_t *mark;
	uint64_t unbroken; /* what *mark still holds if nothing came between */
	bool marked;
};

struct harness_case {
	const char *name;
	/* One of the two. A call is made `iterations` times; a body loops itself. */
	void (*call)(void *mem, size_t size, void *arg);
	void (*body)(struct harness_region *r);
	void *arg;
	size_t size; /* bytes of memory; 0: none */
	enum harness_state state;
	enum harness_pages pages;
	size_t align;	     /* mem is a multiple of it and not of its double; 0: of a page */
	uint64_t iterations; /* of a region. 0: with a state 1, else as many as a sample needs */
	double units;	     /* times are per so many parts of an iteration; 0: 1 */
	bool issue;	     /* read the clock before the fence, too: costs the reading */
	const char *family;  /* cases of one family and different n: harness_json() fits growth */
	double n;
};

struct harness_options {
	uint32_t samples; /* 0: 301 */
	double sample_ns; /* a sample lasts at least that long; 0: 10 us */
	double seconds;	  /* once it is used up, no case gets more than 5 samples; 0: no limit */
	struct stats_bootstrap bootstrap; /* its seed is that of the order, too */
};

/* Why there are no figures where a machine is too busy: something came between in each of them. */
#define HARNESS_DISTURBED "every sample was disturbed"

struct harness_result {
	const struct harness_case *c;
	char why[128]; /* not empty: n/a, for this reason (HARNESS_DISTURBED), and no figures */
	struct stats_interval issue,
		complete;	     /* ns per unit, each sample divided; issue if asked for */
	double mean, stddev, q1, q3; /* of complete */
	uint64_t iterations;	     /* of a region */
	uint32_t regions;	     /* of a sample */
	uint32_t samples, preempted; /* in the figures; left out of them */
	bool by_cpu_time; /* fewer than 5 were undisturbed: these figures are of disturbed ones, */
			  /* by the thread's own time on the CPU */
	/* By round, ns per unit; NAN where it was left out. */
	double *issues, *completes;
	uint32_t rounds;
};

/* results[nr] are filled in. 0 or a negative errno; a case that cannot be had here is no error. */
int harness_run(const struct harness_options *opt, const struct harness_case *cases, size_t nr,
		struct harness_result *results);
void harness_free(struct harness_result *results, size_t nr);
/* Completion of @candidate over that of @base, round by round. As stats_paired(). */
int harness_ratio(const struct harness_options *opt, const struct harness_result *base,
		  const struct harness_result *candidate, struct stats_paired *out);

const char *harness_state_name(enum harness_state state); /* "any", "dirty", ... */
const char *harness_pages_name(enum harness_pages pages); /* "4K", "2M" */
/* Can the calling process have that state? NULL, or why not. */
const char *harness_state_why_not(enum harness_state state);
const char *harness_marks(void); /* what tells disturbed samples: "rseq", "getrusage", "n/a" */

/* What Google Benchmark's readers take, and more (README.md); @every: each sample a record of its own. -1: not written. */
int harness_json(FILE *f, const struct harness_result *results, size_t nr, bool every);

/* --- loops ------------------------------------------------------------------------------------ */

static inline uint64_t harness_start(struct harness_region *r)
{
	*r->mark = r->unbroken;
	r->started = clock_begin();
	return r->iterations;
}

static inline void harness_stop(struct harness_region *r)
{
	if (r->issue)
		r->issued = clock_ticks();
	full_fence();
	r->completed = clock_ticks();
	r->marked |= *r->mark != r->unbroken;
}

#if defined(__clang__)
#define HARNESS_UNROLL _Pragma("unroll 8")
#else
#define HARNESS_UNROLL _Pragma("GCC unroll 8")
#endif

/* HARNESS_LOOP(r) statement: once in a body, without break. */
#define HARNESS_LOOP(r)                                                                       \
	for (uint64_t left_ = harness_start(r), once_ = 1; once_; once_ = 0, harness_stop(r)) \
	HARNESS_UNROLL for (; left_; left_--)

/* The value is computed, and memory may have been looked at: nothing is optimised away or hoisted. */
#define HARNESS_KEEP(value) __asm__ volatile("" ::"r"(value) : "memory")

/* --- lines ------------------------------------------------------------------------------------ */

/* One store, or load, in each line. */
void lines_dirty(void *mem, size_t size);
void lines_load(const void *mem, size_t size);

#endif
