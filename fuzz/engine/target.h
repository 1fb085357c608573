/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A fuzz target: a file that defines `fuzz_target` and the entry that engines call. What all of them
 * need is here: settings from the environment, programs, runs that tell the engine of states, and
 * findings that engines can tell apart.
 *
 * One thread. What a target remembers lives as long as the process; nothing that an input did may
 * change what a later one comes to, but for memory that stays reserved.
 */
#ifndef NOSNOOP_TARGET_H
#define NOSNOOP_TARGET_H

#include <stddef.h>
#include <stdint.h>

#include "core/op/policies.h"
#include "core/op/run.h"

struct target {
	const char *name; /* as in fuzz-NAME-replay */
	const char *doc;  /* one sentence on what an input is and what must hold */
	bool text;	  /* inputs are texts: a trace is taken as it is, not by its binary form */
	/* What it runs when the environment names nothing; NULL: it needs none. */
	const char *policies, *backend;
	u32 max_pages; /* of a buffer; 0: RUN_PAGES_FUZZ. What is printed of a finding has been reduced */
};

extern const struct target fuzz_target;

/*
 * Before the first input: reads the settings, opens policies and backend. AFL++ wants what is
 * instrumented to be there before its server of forks.
 */
int LLVMFuzzerInitialize(int *argc, char ***argv);
/* Any bytes are an input. Returns 0; a finding is printed and ends the process, see target_found(). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- settings: a bad one is one line on standard error, and exit status 2 --------------------- */

/* What FUZZ_POLICY names, or the target's own. Read once. */
const struct policies *target_policies(void);
/*
 * What @policy is held to: FUZZ_CONTRACTS (L,I,..), or soundness if FUZZ_POLICY named it, whatever
 * it claims (so a known leak is found again), or its claims.
 */
u32 target_contracts(const struct flush_policy *policy);
u32 target_named_contracts(void); /* FUZZ_CONTRACTS; 0: not set */
/* What FUZZ_BACKEND names, or the target's own. Read once. */
const struct backend_ops *target_backend(void);

/* --- programs and runs ------------------------------------------------------------------------ */

/* The program that the bytes are, reduced as every tool does it. The next call overwrites it. */
struct program *target_program(const uint8_t *data, size_t size);
/*
 * How targets judge: shadow and values after every op, the reference model at the end and where the
 * program says `check`; no bounds, no histories.
 */
void target_config(struct run_config *cfg, const struct backend_ops *backend,
		   const struct flush_policy *policy);
/* A run of @p, finished; the engine has heard of every state. The next call overwrites it. */
const struct run *target_run(const struct run_config *cfg, const struct program *p);
struct run *target_the_run(void); /* that of target_run(), for hooks of the configuration */
/* What is wrong with a run of target_run(), against @contracts and the oracles: a finding. */
void target_judge(const struct run *r, u32 contracts);

/* --- findings --------------------------------------------------------------------------------- */

/*
 * Prints `rule: ...`, `policy: ...`, `what: ...` and the program as text (@policy and @p may be
 * NULL), then `class: ...`, and aborts in a function of the rule's class: engines and people tell
 * findings apart by their stacks.
 */
void target_found(const char *rule, const struct flush_policy *policy, const struct program *p,
		  const char *what, ...) __attribute__((noreturn, format(printf, 4, 5)));

/* What an input came to, for those who compare replays: a digest that every target adds to. */
extern bool
	target_digests; /* runs have one of the state after every op: costs half as much again */
void target_note(u64 value);
u64 target_digest(void); /* since the last call */

#endif
