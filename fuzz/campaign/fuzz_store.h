/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside nosnoop-fuzz: the folder of a campaign. Only the parent process is here. */
#ifndef NOSNOOP_FUZZ_STORE_H
#define NOSNOOP_FUZZ_STORE_H

#include "core/op/commit.h"
#include "fuzz/campaign/fuzz_job.h"

#include <jansson.h>

struct stored {
	char name[128]; /* of its file: policy, rule, shape */
	char policy[64];
	struct rule rule;
	char shape[24];
	u32 ops, ops_before;
	u64 run, seed, count; /* count: how often it was shrunk to this */
	double cpu;
	u32 job, session; /* in which it came first, from 1 */
	bool now;	  /* seen in this session */
	bool on_disk;
	char *text; /* this session's, NULL: of an earlier one */
};

struct store {
	const struct fuzz_options *o;
	char commit[COMMIT_TEXT];
	struct run *run; /* for printing findings */
	struct stored *found;
	u32 nr, cap;
	u32 fresh;   /* not in the ledger before */
	bool broken; /* something could not be written */
	int folder;  /* open and locked; -1: none */

	json_t *ledger; /* as it was, NULL: a new campaign */
	u32 session;	/* this one, from 1 */
	u64 seed;	/* of this session */
};

/* Makes the folders, reads the ledger; ends the process on bad input. */
void store_open(struct store *s, const struct fuzz_options *o);
/* A finding, shrunk: written when its shape is new. */
struct stored *stored_new(struct store *s); /* zeroed */
void store_found(struct store *s, const struct fuzz_found *f, const struct program *p);
void store_corpus(struct store *s, const struct programs *ps);
void store_close(struct store *s);
/* Something cannot be written: what, once a line; the exit status becomes 3. */
void store_broken(struct store *s, const char *what);

/* Every program of a folder, in the order of names; what is no trace is named and skipped. */
void corpus_read(struct programs *ps, const char *folder);

struct fuzz_totals {
	u64 expected[EXPECTED_MAX];
	struct campaign_counts c; /* of all jobs; corpus after merging */
	double cpu, wall;
	const char *ended; /* "runs", "seconds", "first", "signal", "died"; "running" */
};

/* fuzz_ledger.c */
void ledger_read(struct store *s); /* also the findings */
void ledger_write(struct store *s, const struct fuzz_totals *t);
/* What --json prints. NULL: no memory. */
json_t *fuzz_json(const struct store *s, const struct fuzz_totals *t);

#endif
