/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine of a campaign: makes a program, runs it under a policy, judges, keeps it when it reached
 * a new state. No files, no clock, no output; what it finds goes to a function. The same
 * configuration gives the same programs, corpus and findings, step by step, in every process.
 *
 * One step is one new program. It runs under one of the policies, in turn: with as many runs, more
 * programs are seen than if each ran under all. The few programs that reach a new state run under
 * every policy, compared with the model after every op.
 */
#ifndef NOSNOOP_CAMPAIGN_H
#define NOSNOOP_CAMPAIGN_H

#include "core/op/gen.h"
#include "fuzz/rule.h"

#define CAMPAIGN_BLIND 1024

struct campaign;

struct campaign_finding {
	const struct program *program; /* as it ran, not shrunk */
	const struct flush_policy *policy;
	struct rule rule;
	const struct run *run; /* finished */
	u64 run_number;	       /* of the campaign, from 1 */
};

struct campaign_config {
	const struct backend_ops *backend; /* NULL: the core */
	const struct backend_ops *twin;	   /* must come to the same (core/op/run.h); NULL: none */
	const struct flush_policy *const *policies;
	u32 nr_policies;
	u32 contracts; /* CONTRACT_* to hold every policy to; 0: each to what it claims */
	u64 seed;
	struct gen_config gen; /* upper limits: each program draws its own below them */
	u32 max_records;       /* of a program; 0: three times gen.max_ops */
	u32 max_corpus;	       /* programs kept; 0: COVERAGE_SLOTS */
	bool blind; /* to compare with: kept are the last CAMPAIGN_BLIND programs, whatever they reached */
	void *ctx; /* of the functions below; each may be NULL */
	/* False: it is expected, and does not count. */
	bool (*found)(void *ctx, const struct campaign_finding *f);
	/* Before every run: who may crash remembers what it was doing. */
	void (*running)(void *ctx, const struct program *p, const struct flush_policy *policy);
};

/* policies, seed and found are left to the caller: small programs, everything on. */
void campaign_defaults(struct campaign_config *cfg);

struct campaign *campaign_create(const struct campaign_config *cfg); /* NULL with errno set */
void campaign_destroy(struct campaign *c);
/* One new program. 0 or -ENOMEM. */
int campaign_step(struct campaign *c);
/*
 * A program from outside, kept if it reaches something new. @known: it was in the corpus of this very
 * campaign, and runs under one policy instead of all.
 */
int campaign_add(struct campaign *c, const struct program *p, bool known);

struct campaign_counts {
	u64 steps; /* programs made */
	u64 runs;  /* programs run, once for each policy */
	u64 ops;   /* of these, teardowns included, but no-ops; what a bench divides by seconds */
	u64 noops;
	u64 findings; /* runs in which something went wrong */
	u64 full;     /* runs cut short by a full arena: not judged */
	u32 slots;    /* states reached, see coverage.h */
	u32 corpus;   /* programs kept */
};
const struct campaign_counts *campaign_counts(const struct campaign *c);

/* What is kept, from 0 to counts.corpus - 1: for every state reached the shortest way to it. */
const struct program *campaign_corpus(const struct campaign *c, u32 i);

/* How it judges under @policy. */
void campaign_run_config(const struct campaign *c, const struct flush_policy *policy,
			 struct run_config *cfg);

#endif
