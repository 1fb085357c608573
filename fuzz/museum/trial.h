/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One trial: programs of one seed under a mutant, until an oracle fires or the limit is reached.
 * The generator knows nothing of the mutant, and the oracles are unmutated.
 */
#ifndef NOSNOOP_MUSEUM_TRIAL_H
#define NOSNOOP_MUSEUM_TRIAL_H

#include "core/op/policies.h"
#include "fuzz/museum/museum.h"

/* A row of the museum: a mutant of mutants.def, an unsound policy, or the control (neither). */
struct exhibit {
	char id[48];
	const char *kind, *rules, *where, *what;
	enum museum_state state;
	bool control; /* nothing is wrong: must not be found */
	bool code;    /* can be tried */
	u32 mutant;   /* number in museum_mutants, 0: none */
	const struct flush_policy
		*policy; /* of an unsound policy: it alone runs, held to soundness */
};

enum engine {
	ENGINE_GENERATOR, /* generated programs, one after the other */
	ENGINE_CAMPAIGN,  /* that of nosnoop-fuzz: what reaches new states is kept and mutated */
	ENGINE_BLIND,	  /* the same, but what is kept is what came last */
	ENGINE_NR
};

extern const char *const engine_name[ENGINE_NR];

struct limits {
	enum engine engine;
	double seconds; /* of CPU, a trial */
	u64 runs;	/* programs; 0: as many as the seconds allow */
	double hang;	/* of CPU, in one program: it will not end. 0: TRIAL_HANG_SECONDS */
};

#define TRIAL_HANG_SECONDS 5

enum trial_end {
	TRIAL_BROKEN_OFF, /* the process died first: what stands until the trial says otherwise */
	TRIAL_MISSED,
	TRIAL_RULE,
	TRIAL_CRASH,
	TRIAL_HANG,
	TRIAL_ERROR, /* the trial could not be made */
};

/* Lies in memory that the child shares with its parent, and is filled in as the trial goes on. */
struct trial {
	u64 seed;
	enum trial_end end;
	struct museum_counts counts;
	u64 runs;    /* of programs, begun */
	u64 program; /* the last one's seed; 0: the engine gave it none */
	double seconds;
	char rule[16]; /* of a crash: the signal */
	char what[160];
	char policy[48];
	u32 op, ops; /* where in the last program */
};

/* Seed of trial @nr: the same for every exhibit, as are the programs. */
u64 trial_seed(u64 seed, u32 nr);
/* In this process, with one engine or the other. @sound: the policies that take turns. */
void trial_generate(struct trial *t, const struct exhibit *e, const struct policies *sound,
		    const struct limits *limits);
void trial_campaign(struct trial *t, const struct exhibit *e, const struct policies *sound,
		    const struct limits *limits);
double trial_cpu_seconds(void);
/* Sets t->seconds; true: that, or the programs, are used up. */
bool trial_over(struct trial *t, double start, const struct limits *limits);
void trial_run(struct trial *t, const struct exhibit *e, const struct policies *sound,
	       const struct limits *limits);

static inline bool trial_detected(const struct trial *t)
{
	return t->end == TRIAL_RULE || t->end == TRIAL_CRASH || t->end == TRIAL_HANG;
}

/*
 * All trials of all exhibits, each in a process of its own, @jobs at a time; trials[] has
 * @nr_trials for each exhibit, in order. @done is called after each one. 0 or -errno.
 */
int trials_run(struct trial *trials, const struct exhibit *exhibits, u32 nr, u32 nr_trials,
	       const struct policies *sound, const struct limits *limits, u32 jobs,
	       void (*done)(void *ctx, const struct exhibit *e, const struct trial *t), void *ctx);
/* Shared memory for n of them, zeroed; NULL with errno. */
struct trial *trials_alloc(u32 n);
void trials_free(struct trial *trials, u32 n);

#endif
