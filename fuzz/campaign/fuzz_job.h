/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside nosnoop-fuzz: what its files share. The work is done in processes of their own, one for each
 * job (fuzz_job.c): what is under test may crash, a policy of somebody's most of all, and the program
 * that did it must not be lost. They report through pipes to the parent, which alone writes
 * (fuzz_store.c, fuzz_ledger.c) and talks (fuzz_cmd.c).
 */
#ifndef NOSNOOP_FUZZ_JOB_H
#define NOSNOOP_FUZZ_JOB_H

#include "core/op/policies.h"
#include "fuzz/campaign/campaign.h"
#include "fuzz/command.h"
#include "fuzz/expected.h"

#include <sys/types.h>

#define FUZZ_JOBS  256
#define FUZZ_STUCK 60 /* seconds after which a job that runs one and the same program is ended */

struct programs {
	struct program *p;
	u32 nr, cap;
};
/* A copy is added; ends the process when there is no memory. */
void programs_add(struct programs *ps, const struct program *p);
void programs_free(struct programs *ps);

struct fuzz_options {
	const char *policy_arg;
	struct policies policies;
	const char *backend_arg;
	const struct backend_ops *backend, *twin; /* twin NULL: no --diff */
	u32 contracts;				  /* 0: what each policy claims */
	bool contracts_given;
	u64 seed;
	bool seed_given;
	u32 jobs;
	u32 pages, ops;	   /* of a buffer, of a program; ops 0: the generator's own */
	u64 runs;	   /* programs in all; 0: no limit */
	double seconds;	   /* 0: no limit */
	double checkpoint; /* seconds between two times that the folder is brought up to date */
	const char *out, *corpus, *expected_arg;
	struct expected expected; /* deviations of a tree that are known */
	bool json, first;
};
/* Ends the process on bad input. */
void fuzz_parse(int argc, char **argv, struct fuzz_options *o);

/* --- what a job says ------------------------------------------------------------ */

struct fuzz_found {
	u32 policy; /* of the options */
	struct rule rule;
	u64 run; /* of the job's */
	u64 seed;
	u32 job;
	u32 ops_before, ops_after;
	double cpu; /* seconds of the job until then, without the time to shrink */
	int signal; /* that ended the job, then the rule is called CRASH or HANG; 0: a rule fired */
};

enum fuzz_word {
	FUZZ_COUNTS,  /* struct fuzz_counts */
	FUZZ_FINDING, /* struct fuzz_found, records */
	FUZZ_CORPUS,  /* nothing: its corpus follows */
	FUZZ_KEPT,    /* records: a program of it */
	FUZZ_WHOLE,   /* nothing: that was all of it */
	FUZZ_DONE,    /* struct fuzz_counts; nothing comes after it */
	FUZZ_FAILED,  /* what went wrong, text */
};

struct fuzz_message {
	u32 word, size; /* bytes behind it */
};

struct fuzz_counts {
	struct campaign_counts c;
	double cpu;		    /* seconds */
	u64 expected[EXPECTED_MAX]; /* how often each was met */
};

/* What the job was running: seen by the parent when it has died. */
struct fuzz_last {
	u64 serial; /* moves as long as it runs programs */
	u32 policy, nr;
	struct op ops[4096];
};

struct fuzz_job {
	pid_t pid;
	int fd;
	u32 number;
	u64 seed, runs; /* runs 0: no limit */
	bool done;
	struct fuzz_last *last;
	u64 last_serial; /* as seen last, at */
	double last_moved;
	struct fuzz_counts counts;
	struct programs kept; /* its corpus, as it told it last */
	bool whole;	      /* it has told one */
	struct programs coming;
	u8 *buf; /* of a message that is still coming */
	size_t len, cap;
};

/*
 * Starts the process. @known, @seeds: the corpora to begin with. @folder: the parent's lock, which
 * must end with the parent; -1: none.
 */
void fuzz_job_start(struct fuzz_job *j, const struct fuzz_options *o, const struct programs *known,
		    const struct programs *seeds, int folder);
void fuzz_campaign_config(const struct fuzz_options *o, struct campaign_config *cfg);

#endif
