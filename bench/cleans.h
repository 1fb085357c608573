/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Time of the clean primitives alone, on the harness: every primitive with every fence granularity,
 * what the core does ("batched"), libpmem and the limits of the memory, on one buffer and side by
 * side. All are timed to completion: what a variant leaves under way is paid in its own time.
 */
#ifndef NOSNOOP_BENCH_CLEANS_H
#define NOSNOOP_BENCH_CLEANS_H

#include "bench/harness/harness.h"
#include "core/flush/clean.h"

#define CLEANS_SIZES   16
#define CLEANS_BATCHED "batched"

struct cleans_options {
	size_t sizes[CLEANS_SIZES]; /* multiples of 4 KiB */
	u32 nr_sizes;
	u32 states;	  /* bit HARNESS_x: lines in that state */
	const char *only; /* NULL, or names of primitives and rivals, commas between */
	enum harness_pages pages;
	u32 samples; /* 0: the harness's */
	double seconds;
	u64 seed;
	bool progress;
};

/* One variant on lines of one state; times are ns per 64-byte line. */
struct clean_row {
	const char *name;
	char why[128]; /* not empty: n/a, and no figures */
	bool is_limit;
	enum harness_state state;
	size_t size;
	size_t fence; /* bytes between two full fences; as size: one, at the end */
	struct stats_interval issue, complete;
	u32 samples, preempted;
	bool by_cpu_time;
	/* Round by round, 1 is all of it; not_known where the other one is missing. */
	struct stats_interval of_limit; /* the NT-store fill's time over this one's */
	struct stats_interval of_best;	/* likewise of the better one of plain and pmem_flush */
};
#define CLEANS_KNOWN(share) ((share)->median > 0)

struct cleans {
	struct clean_row *rows; /* by size, then by state */
	u32 nr;
};

/* 4 KiB and 1 MiB, dirty, one fence: what a report holds. */
extern const struct cleans_options cleans_brief;

/* 0 or a negative errno. */
int cleans_time(const struct cleans_options *opt, struct cleans *out);
void cleans_free(struct cleans *c);
/* The first row of that kind, or NULL. */
const struct clean_row *cleans_find(const struct cleans *c, const char *name, size_t size,
				    enum harness_state state, size_t fence);

/* Pieces of @call bytes, drained every @fence bytes, but not behind the last: who times it does that. */
void cleans_walk(const struct clean_ops *ops, void *mem, size_t size, size_t call, size_t fence);

/* A name that @only may hold? */
bool cleans_known(const char *name, size_t len);

/* ns until one dirty 4 KiB page has been cleaned by clean_best() and drained; 0: no memory. */
double cleans_one_page(void);

#endif
