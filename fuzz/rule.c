// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz/rule.h"

#include "core/op/judge.h"

#include <stdio.h>

#define COLUMNS 75
#define PREFIX	"finding:"

/* As core/README.md lists them under "Invariants"; a test looks for others in the sources. */
static const char *const findings[] = {
	"I1",	"I2",	  "I3",	  "I4",	   "I5",       "I6",   "I7",   "I8",   "I9", "I10", "I11",
	"S1",	"S2",	  "S3",	  "S4",	   "S5",       "S6",   "P1",   "P2",   "P3", "P4",  "P5",
	"P6",	"P7",	  "P8",	  "P9",	   "P10",      "D1",   "D2",   "D3",   "D4", "D5",  "D6",
	"D7",	"D8",	  "D9",	  "D10",   "B1",       "B2",   "B3",   "B4",   "B5", "B6",  "B7",
	"B8",	"B9",	  "A1",	  "A2",	   "A3",       "A4",   "A5",   "A6",   "A7", "R1",  "R2",
	"R3",	"R4",	  "R5",	  "R6",	   "R7",       "R8",   "R9",   "R10",  "C1", "C2",  "C3",
	"WARN", "POLICY", "LEAK", "ARENA", "TEARDOWN", "DIFF", "LOCK", "SHIM",
};

static int contract_by_name(const char *name)
{
	return expect_contract_by_name(name, strlen(name));
}

struct rule rule_of_contract(enum contract c)
{
	struct rule rule = {0};

	snprintf(rule.name, sizeof(rule.name), "%s", shadow_contract_name[c]);
	return rule;
}

struct rule rule_of_finding(const char *finding)
{
	struct rule rule = {0};
	bool taken = contract_by_name(finding) >= 0;

	snprintf(rule.name, sizeof(rule.name), "%s%s", taken ? PREFIX : "", finding);
	return rule;
}

int rule_contract(const struct rule *rule)
{
	return contract_by_name(rule->name);
}

const char *rule_finding(const struct rule *rule)
{
	if (rule_contract(rule) >= 0)
		return NULL;
	return rule->name + (strncmp(rule->name, PREFIX, strlen(PREFIX)) ? 0 : strlen(PREFIX));
}

bool rule_equal(const struct rule *a, const struct rule *b)
{
	return !strncmp(a->name, b->name, sizeof(a->name));
}

/* --- in a run ---------------------------------------------------------------- */

/* That a twin came to something else says least: what is behind it goes first. */
static bool is_symptom(const char *finding)
{
	return !strcmp(finding, "DIFF");
}

/* Of the earliest op: what comes later may be its consequence. */
static bool first_finding(const struct run *r, struct rule *out)
{
	u32 nr = run_findings(r), op = UINT32_MAX;
	bool symptom = false;

	for (u32 i = 0; i < nr; i++) {
		struct run_finding f = run_finding(r, i);

		if (f.op > op || (f.op == op && !symptom))
			continue;
		op = f.op;
		symptom = is_symptom(f.rule);
		*out = rule_of_finding(f.rule);
	}
	return nr;
}

bool rule_first(const struct run *finished, u32 contracts, struct rule *out)
{
	u32 broken = run_shadow(finished) ? shadow_broken(run_shadow(finished)) & contracts : 0;

	/* What a full arena cut short says nothing. */
	if (run_full(finished))
		return false;
	if (!broken)
		return first_finding(finished, out);
	*out = rule_of_contract(__builtin_ctz(broken));
	return true;
}

static u32 op_of_finding(const struct run *r, const char *name)
{
	u32 first = 0;

	for (u32 i = 0; i < run_findings(r); i++) {
		struct run_finding f = run_finding(r, i);

		if (!strcmp(f.rule, name) && (!first || f.op < first))
			first = f.op;
	}
	return first;
}

u32 rule_op(const struct run *finished, const struct rule *rule)
{
	int c = rule_contract(rule);

	if (run_full(finished))
		return 0;
	if (c < 0)
		return op_of_finding(finished, rule_finding(rule));
	return run_shadow(finished) ? shadow_violation(run_shadow(finished), c)->op : 0;
}

bool rule_fired(const struct run *finished, const struct rule *rule)
{
	return rule_op(finished, rule);
}

void rule_config(struct run_config *cfg, const struct backend_ops *backend,
		 const struct flush_policy *policy, const struct rule *rule)
{
	judge_config(cfg, backend, policy);
	cfg->shadow_flags = 0;
	cfg->claims = 0;
	if (!rule || rule_contract(rule) < 0)
		return;
	cfg->model = false;
	cfg->values = false;
	cfg->check = RUN_CHECK_NEVER;
}

/* --- words ------------------------------------------------------------------- */

/* The known ones as indented lines behind what @err says already. */
static void append_names(char *err, size_t errlen, const char *const *names, u32 nr)
{
	size_t at = strlen(err), column = COLUMNS;

	for (u32 i = 0; i < nr; i++) {
		struct rule rule = rule_of_finding(names[i]);
		const char *word = names == findings ? rule.name : names[i];
		bool fits = column + strlen(word) + 1 <= COLUMNS;

		if (at + strlen(word) + 4 >= errlen)
			return;
		at += sprintf(err + at, "%s%s", fits ? " " : "\n  ", word);
		column = fits ? column + 1 + strlen(word) : 2 + strlen(word);
	}
}

static bool is_finding(const char *name)
{
	for (u32 i = 0; i < ARRAY_SIZE(findings); i++)
		if (!strcmp(findings[i], name))
			return true;
	return false;
}

int rule_parse(const char *text, struct rule *out, char *err, size_t errlen)
{
	bool prefixed = !strncmp(text, PREFIX, strlen(PREFIX));
	const char *name = text + (prefixed ? strlen(PREFIX) : 0);

	if (!prefixed && contract_by_name(name) >= 0) {
		*out = rule_of_contract(contract_by_name(name));
		return 0;
	}
	if (is_finding(name)) {
		*out = rule_of_finding(name);
		return 0;
	}
	snprintf(err, errlen, "no rule \"%.40s\", expected a contract:", text);
	append_names(err, errlen, expect_contract, SHADOW_CONTRACTS);
	snprintf(err + strlen(err), errlen - strlen(err), "\nor a rule of the oracles:");
	append_names(err, errlen, findings, ARRAY_SIZE(findings));
	return -EINVAL;
}

bool rule_of_expect(const struct expect *e, struct rule *out)
{
	if (e->kind == EXPECT_BROKEN)
		*out = rule_of_contract(e->detail);
	else if (e->kind == EXPECT_FINDING)
		*out = rule_of_finding(e->name);
	else
		return false;
	return true;
}
