/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What went wrong in a run, by its name: a contract ("L", "S0", ...) or a rule of the oracles
 * ("D3", "WARN", "LEAK", ...). Two of them are called S1: the contract is "S1", the rule of the
 * model "finding:S1". Everything that finds, shrinks or counts findings speaks of them through this
 * header.
 */
#ifndef NOSNOOP_RULE_H
#define NOSNOOP_RULE_H

#include "core/op/run.h"

#define RULE_NAME 12

struct rule {
	char name[RULE_NAME];
};

/*
 * The first thing that went wrong in a finished run: of the contracts in @contracts (CONTRACT_*)
 * the first in their order, else the earliest finding. False: nothing, or the arena was full.
 */
bool rule_first(const struct run *finished, u32 contracts, struct rule *out);
bool rule_fired(const struct run *finished, const struct rule *rule);
/* The op at which it did first; 0: nowhere. */
u32 rule_op(const struct run *finished, const struct rule *rule);

bool rule_equal(const struct rule *a, const struct rule *b);
/* What ends the process that runs the program, or does not end: no rule that a run could fire. */
#define RULE_OF_CRASH "CRASH"
#define RULE_OF_HANG  "HANG"
struct rule rule_of_contract(enum contract c);
struct rule rule_of_finding(const char *finding);  /* as run_finding() names it */
int rule_contract(const struct rule *rule);	   /* its enum contract; -1: it is a finding */
const char *rule_finding(const struct rule *rule); /* as run_finding() names it; NULL: a contract */

/* 0, or -EINVAL with lines in @err that list the known ones. */
int rule_parse(const char *text, struct rule *out, char *err, size_t errlen);
/* The rule that an EXPECT record speaks about; false: none. */
bool rule_of_expect(const struct expect *e, struct rule *out);

/*
 * A run that sees whether @rule fires, and does nothing else: shadow for a contract, the model too
 * for a finding; both for NULL, any rule. Without histories and bounds.
 */
void rule_config(struct run_config *cfg, const struct backend_ops *backend,
		 const struct flush_policy *policy, const struct rule *rule);

#endif
