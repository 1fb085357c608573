/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * nosnoop-check: every sequence of requests of a stated configuration, executed on the real core
 * under the real policy with the cache shadow attached, breadth first. See the head of explore.c.
 *
 * Errors: functions return 0 or a negative errno and say why where they have room for it. One
 * exploration at a time in a process; it forks its workers.
 */
#ifndef NOSNOOP_CHECK_H
#define NOSNOOP_CHECK_H

#include "core/op/run.h"
#include "core/shadow/shadow.h"

struct check_result;

/* What fits an action's 32 bits (space.h). */
#define CHECK_OBJECTS_MAX  4
#define CHECK_PAGES_MAX	   8
#define CHECK_AREAS_MAX	   7
#define CHECK_TABLES_MAX   3
#define CHECK_DOMAINS_MAX  7
#define CHECK_ACCESSES_MAX 7

#define CHECK_CRASH "crash" /* the rule of a worker that died */

enum check_failures {
	CHECK_FAIL_NEVER,
	/* An attach before its first area or at the first map call of its last one; a map or copy at
	 * the second domain's first map call. */
	CHECK_FAIL_LISTED,
	CHECK_FAIL_ALL, /* every request, at every place where it can */
};

/* The configuration: how many of each may be alive at a time. */
struct check_space {
	u32 objects;   /* maps of a whole user buffer; a buffer each, unless aliased */
	u32 pages;     /* of a buffer */
	u32 areas;     /* in all tables */
	u32 tables;    /* always there */
	u32 domains;   /* of one table */
	u32 accesses;  /* pins held, in all tables */
	bool aliased;  /* all objects show the frames of one buffer */
	bool readonly; /* maps and copies without write permission too */
	enum check_failures failures;
};

struct check_config {
	struct check_space space;
	const struct backend_ops *backend;
	const struct flush_policy *policy;
	u32 jobs;
	u32 depth;	/* 0: to the fixpoint */
	double seconds; /* 0: no limit */
	size_t memory;	/* bytes for states, all workers together */
	/* Stop when all contracts but those of this mask are broken: what remains would be a proof. */
	bool until_broken;
	u32 unbroken;
	bool model; /* the reference model too, compared after every request */

	void *ctx;
	/* A few times a second; NULL: nobody looks. */
	void (*progress)(void *ctx, const struct check_result *res);
	const volatile bool *stop; /* set from a signal handler; NULL: never */
};

enum check_end {
	CHECK_FIXPOINT, /* no new state: what was not broken is proved */
	CHECK_DEPTH,
	CHECK_SECONDS,
	CHECK_MEMORY,
	CHECK_BROKEN,	/* until_broken */
	CHECK_CROWDED,	/* no IOVA was left where a new area had to go */
	CHECK_FORMLESS, /* the policy's state holds pointers, or is too large: space_form() */
	CHECK_STOPPED,	/* by *stop */
	CHECK_FINDING,	/* an oracle's rule fired, or a worker died: the core is at fault */
};
extern const char *const check_end_name[];

struct check_trace {
	u32 requests;		/* 0: none */
	struct program program; /* set-up, then the requests; names bound, no EXPECT */
};

struct check_result {
	enum check_end end;
	u32 depth; /* every sequence of up to so many requests was executed; of a fixpoint: its diameter */
	u64 states, transitions, refused; /* refused: failed though nothing was injected */
	u64 frontier;			  /* states that were not expanded */
	u64 bytes;			  /* of states */
	u32 level;			  /* requests in the sequences at hand, for progress */
	double seconds;
	u64 form_bytes; /* of all states' forms */
	struct check_trace broken[SHADOW_CONTRACTS];
	struct check_trace finding;
	char rule[12], what[160]; /* of the finding; rule CHECK_CRASH: a worker died */
};

/* 0; -ENOMEM; -EINVAL with one line in @err: the configuration is out of range. */
int check_explore(const struct check_config *cfg, struct check_result *res, char *err,
		  size_t errlen);
void check_result_free(struct check_result *res);

/* "small", "standard", "two-objects", "aliased", "readonly"; NULL: no such preset. */
const struct check_space *check_preset(const char *name);
const char *check_preset_nth(u32 i); /* NULL: past the end */
#endif
