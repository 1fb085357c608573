/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The verdict on one run: contracts, flushes beside the bound, findings, expectations; and whether
 * all that is as the policy claims or as the trace says. Shared by replay, fuzzers, check and
 * bench.
 */
#ifndef NOSNOOP_JUDGE_H
#define NOSNOOP_JUDGE_H

#include "core/op/run.h"
#include "core/op/trace.h"

#define JUDGE_BOUND_LIS0 (CONTRACT_L | CONTRACT_I | CONTRACT_S0)
#define JUDGE_KEPT	 48 /* findings, and expectations that do not hold */

enum judge_outcome {
	JUDGE_GOOD, /* as claimed, or as the trace expects */
	JUDGE_BAD,
	JUDGE_SKIP, /* cannot be judged: an arena was full */
};

struct judge_contract {
	bool claimed;
	bool broken;
	bool expected; /* the trace decides about it, not the claim */
	u32 op, should;
	u64 count, pfn;
	u32 page;
	bool has_buffer;
	u32 buffer; /* identity */
};

struct judge_expect {
	size_t at; /* index of its record */
	struct run_expect result;
};

struct verdict {
	enum judge_outcome outcome;
	const struct flush_policy *policy;
	const char *backend;
	struct judge_contract contract[SHADOW_CONTRACTS];
	u64 flushes, redundant, missing;
	u64 bound; /* of the contracts claimed: least number of page flushes */
	u64 bound_lis0;
	u64 exposures, epochs;
	u64 digest;
	u32 nr_findings; /* those that no expectation asks for come first: nr_unexpected */
	u32 nr_unexpected;
	struct run_finding finding[JUDGE_KEPT];
	u32 nr_expects,
		nr_failed; /* expectations that concern this policy; the first that fail are kept */
	struct judge_expect failed[JUDGE_KEPT];
};

/* What a judged run is made of: shadow, model, values, concrete memory, bounds, histories. */
void judge_config(struct run_config *cfg, const struct backend_ops *backend,
		  const struct flush_policy *policy);
/* The verdict on a run of @p that has ended. */
void judge(const struct run *r, const struct program *p, struct verdict *v);
/* Only whether what the policy claims held, without expectations: for fuzzers and sweeps. */
bool judge_as_claimed(const struct run *r);
/* The contracts that have a lower bound: L I S0 S1 E. */
u32 judge_costed(u32 claims);

#endif
