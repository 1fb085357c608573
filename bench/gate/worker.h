/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Modules are executed in processes of their own, started anew for each measurement: code and heap
 * lie elsewhere every time, and a candidate that crashes or hangs does not take the gate with it. A
 * worker is this very program as `nosnoop-bench gate --worker`; it reads a job from standard input
 * and writes its result to standard output.
 */
#ifndef NOSNOOP_GATE_WORKER_H
#define NOSNOOP_GATE_WORKER_H

#include "bench/gate/decide.h"
#include "bench/gate/module.h"

enum gate_job_kind {
	GATE_JOB_COUNT,	  /* arm 0, the first workload: struct gate_counts */
	GATE_JOB_TIME,	  /* all arms, the first workload: pairs of base, again and candidate */
	GATE_JOB_EXECUTE, /* all arms, every workload, once each, in that order: for valgrind */
};

#define GATE_ARMS 3 /* base, again, candidate */

struct gate_job {
	enum gate_job_kind kind;
	u32 nr_arms;
	char module[GATE_ARMS][PATH_MAX];
	char policy[GATE_ARMS][PATH_MAX];
	u32 nr_texts;
	const char *const *texts;
	u64 memory; /* bytes for user buffers */
	u64 seed;
	u32 pairs, passes; /* GATE_JOB_TIME: a pair's sample is the least of this many */
	u64 sample_ns;	   /* a sample is at least so long */
	u32 seconds;	   /* the worker may take, on the clock and of the CPU; then it is ended */
};

struct gate_worked {
	int rc; /* 0, or a negative errno with @err filled in */
	char err[256];
	struct gate_counts counts;
	double ns;		 /* GATE_JOB_COUNT: about what a run takes */
	u32 nr_pairs, redone;	 /* samples that lost the CPU and were taken again */
	struct gate_pair *pairs; /* to be freed */
};

/* Runs the job in a process of its own; @wrapper: words before the command, NULL at the end. 0, or a
 * negative errno with a line in out->err: it could not be started, or died. */
int gate_work(const struct gate_job *job, char *const *wrapper, struct gate_worked *out);
/* The worker's end: exit status. */
int gate_worker_main(void);

#endif
