/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every policy on every workload: judged once, then timed again and again in a random order, each
 * time beside a run of `none`, until the time given is used up. What the report prints.
 */
#ifndef NOSNOOP_BENCH_SURVEY_H
#define NOSNOOP_BENCH_SURVEY_H

#include "bench/measure.h"
#include "bench/harness/harness_stats.h"
#include "core/op/policies.h"

#define SURVEY_ROUNDS 31 /* of timed runs, at most */

/* A run of the policy and one of `none`, one behind the other. */
struct round {
	double ns[PHASE_NR], none_ns[PHASE_NR];
};

/* The same in every round. */
struct phase_shape {
	u64 requests, pages;
};

/* One policy on one workload. */
struct cell {
	bool judged, timed, counted;
	bool differs; /* a timed run did not do what the judged one did */
	struct judged verdict;
	u32 nr;
	struct phase_shape shape[PHASE_NR];
	struct round round[SURVEY_ROUNDS];
	struct timed count; /* a run of its own: only its counters mean anything */
};

struct survey {
	struct workloads workloads;
	struct policies policies; /* none is the first */
	struct cell *cells;	  /* [workload][policy] */
	double *spent;		  /* seconds by workload */
	u32 *rounds;		  /* by workload */
	u64 seed;
	struct rng rng;
	struct counters counters;
	struct rig rig;
	double judge_seconds, time_seconds;
	bool progress; /* a line on the terminal */
};

struct survey_options {
	struct rig_options rig;
	double seconds;			       /* for timed runs; the first round is always made */
	u32 rounds;			       /* at most SURVEY_ROUNDS */
	const struct counter_choice *counters; /* NULL: nothing is counted */
};

/* workloads, policies, seed and progress are set. 0, or a negative errno with a line in @err. */
int survey_judge(struct survey *s, const struct clean_ops *clean, char *err, size_t errlen);
int survey_time(struct survey *s, const struct survey_options *opt, char *err, size_t errlen);
void survey_free(struct survey *s); /* all but workloads and policies */

struct cell *survey_cell(const struct survey *s, u32 workload, u32 policy);

/* Medians over the rounds. */
struct phase_result {
	u64 requests, pages;
	double ns, none_ns; /* of the whole phase */
	double delta_ns;    /* median of the pairs' differences */
	bool has_cycles;    /* of the counting run */
	double cycles;
};
struct phase_result cell_phase(const struct cell *c, enum phase phase);

/* ns a page, with 95 % intervals of the medians by bootstrap. False: no pages, or too few rounds. */
#define SPREAD_ROUNDS 3
struct phase_spread {
	struct stats_interval ns, delta;
};
bool cell_spread(const struct cell *c, enum phase phase, struct phase_spread *out);
/* The wider half of the interval of ns, in parts of the median; below 0: not known. */
double cell_spread_share(const struct cell *c, enum phase phase);
/* The same of any values: false, and the median alone, below SPREAD_ROUNDS. */
bool spread_of(double *v, u32 nr, struct stats_interval *out);

/* Over all workloads that were judged, or timed. */
struct policy_total {
	u32 broken;	 /* bits 1 << enum contract */
	bool as_claimed; /* nothing that it claims is broken, no finding */
	bool differs;
	u64 flushes, redundant, missing, bound, bound_lis0;
	struct algorithm counts;
	struct phase_result phase[PHASE_NR];
};
struct policy_total survey_total(const struct survey *s, u32 policy);
/*
 * The same as cell_spread_share(), of the total: workloads are timed apart from each other, so the
 * squares of their halves add up. Below 0 where a workload's is not known.
 */
double survey_spread_share(const struct survey *s, u32 policy, enum phase phase);
/* Over all phases: the timed regions of the counting run. */
struct counter_sum cell_count(const struct cell *c, u32 counter);
u32 cell_broken(const struct cell *c);

/*
 * Of the guest: @usual or less where memory is short, if *@size is 0. -EINVAL with a line in @err: it
 * asks for more than three quarters of what is free, which arenas and others have to live beside.
 */
int survey_size(u64 *size, u64 usual, char *err, size_t errlen);

/* "none" first in the list, whatever was named. 0 or -EINVAL with lines in @err. */
int survey_policies(struct policies *p, const char *named, char *err, size_t errlen);

#endif
