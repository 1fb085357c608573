/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One workload under one policy: judged (the shadow attached, nothing timed) or timed (nobody
 * watching, on real pages). Both go through op_run() and give the page core the same requests.
 */
#ifndef NOSNOOP_BENCH_MEASURE_H
#define NOSNOOP_BENCH_MEASURE_H

#include "bench/algorithm.h"
#include "bench/memory.h"
#include "bench/workloads.h"
#include "core/op/judge.h"

enum phase {
	PHASE_MAP, /* map and copy */
	PHASE_UNMAP,
	PHASE_ATTACH,
	PHASE_DETACH,
	PHASE_ACCESS,	/* pin, unpin, and what belongs to an access */
	PHASE_TEARDOWN, /* everything that is left when the program ends */
	PHASE_NR
};
extern const char *const phase_name[PHASE_NR];

struct phase_time {
	u64 requests, pages; /* 4 KiB pages that the requests were about */
	double ns;
	struct counter_sum counters[COUNTERS_MAX]; /* with a counting stopwatch only */
};

struct timed {
	struct phase_time phase[PHASE_NR];
	struct algorithm counts; /* the machine's part */
	u64 prepared;		 /* pages whose lines were put into the state asked for */
};

/* What timed runs share: memory, a warm arena. */
struct rig {
	struct memory memory;
	struct stopwatch watch;
	struct counters *counters;
	struct run *run;
	size_t warm; /* bytes of the arena to have in place before the next run */
};

struct rig_options {
	u64 size; /* bytes: at least the largest buffer */
	enum memory_lines lines;
	u32 dirty_percent; /* of MEMORY_MIXED */
	const struct clean_ops *clean;
	struct counters *counters;
};

int rig_create(struct rig *rig, const struct rig_options *opt); /* 0 or negative errno */
void rig_destroy(struct rig *rig);
/* @count: fill in the counters instead of the times. 0, -ENOMEM: an arena was full. */
int rig_run(struct rig *rig, const struct workload *w, const struct flush_policy *policy,
	    bool count, struct timed *out);

struct judged {
	struct verdict v;
	struct algorithm counts;
	double seconds; /* it took */
};
/*
 * @clean: whether it invalidates is part of the verdict; NULL: a primitive that does. 0, or -ENOMEM:
 * an arena was full, @out says nothing.
 */
int judge_workload(const struct workload *w, const struct flush_policy *policy,
		   const struct clean_ops *clean, struct judged *out);

#endif
