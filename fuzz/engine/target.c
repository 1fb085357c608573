// SPDX-License-Identifier: GPL-2.0-only
/*
 * What fuzz targets share. Which policies judge an input is a function of the environment and of
 * the input alone, so that every finding can be replayed.
 */
#include "fuzz/engine/target.h"

#include "core/compat/lock.h"
#include "core/op/backends.h"
#include "core/op/judge.h"
#include "core/op/text.h"
#include "fuzz/campaign/coverage.h"
#include "fuzz/engine/feedback.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool target_digests;

const char lock_one_thread[] = "targets"; /* see lock.h: engines call them from one thread */

/* What lives as long as the process: engines call thousands of times a second. */
static struct {
	struct run *run;
	struct program program;
	struct policies policies;
	const struct backend_ops *backend;
	bool named;  /* by FUZZ_POLICY */
	u32 counted; /* FUZZ_CONTRACTS; 0: not set */
	bool asked;  /* FUZZ_CONTRACTS was read */
	u64 digest;
} target;

/* --- findings ---------------------------------------------------------------- */

/*
 * One function for each class of rules. Each says its own name, else the compiler would fold them
 * into one.
 */
#define FINDING_CLASSES(X) \
	X(contract_L)      \
	X(contract_I)      \
	X(contract_S0)     \
	X(contract_S1)     \
	X(contract_E)      \
	X(contract_O)      \
	X(contract_U)      \
	X(tables)          \
	X(storage)         \
	X(pins)            \
	X(domains)         \
	X(walks)           \
	X(accesses)        \
	X(results)         \
	X(cache)           \
	X(differs)         \
	X(round_trip)      \
	X(other)           \
	X(full)

#define X(name)                                                            \
	static __attribute__((noinline, noreturn)) void found_##name(void) \
	{                                                                  \
		fputs("class: " #name "\n", stderr);                       \
		fflush(stderr);                                            \
		abort();                                                   \
	}
FINDING_CLASSES(X)
#undef X

typedef void (*found_fn)(void) __attribute__((noreturn));

/* Whole names first, then the classes of core/README.md, by the letter that a rule's number follows. */
static found_fn class_of(const char *rule)
{
	static const struct {
		const char *rule;
		found_fn found;
	} names[] = {
		{"L", found_contract_L},   {"I", found_contract_I}, {"S0", found_contract_S0},
		{"S1", found_contract_S1}, {"E", found_contract_E}, {"O", found_contract_O},
		{"U", found_contract_U},   {"DIFF", found_differs}, {"ROUND", found_round_trip},
		{"FULL", found_full},
	};
	static const struct {
		char letter;
		found_fn found;
	} classes[] = {
		{'I', found_tables},  {'S', found_storage}, {'P', found_pins},
		{'D', found_domains}, {'B', found_walks},   {'A', found_accesses},
		{'R', found_results}, {'C', found_cache},
	};

	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(rule, names[i].rule))
			return names[i].found;
	if (!strncmp(rule, "finding:", 8))
		rule += 8;
	for (u32 i = 0; i < ARRAY_SIZE(classes); i++)
		if (rule[0] == classes[i].letter && rule[1] >= '0' && rule[1] <= '9')
			return classes[i].found;
	return found_other;
}

void target_found(const char *rule, const struct flush_policy *policy, const struct program *p,
		  const char *what, ...)
{
	char *text = p ? text_print(p, NULL) : NULL;
	va_list args;

	fprintf(stderr, "rule: %s\n", rule);
	if (policy)
		fprintf(stderr, "policy: %s\n", policy->name);
	fputs("what: ", stderr);
	va_start(args, what);
	vfprintf(stderr, what, args);
	va_end(args);
	fputc('\n', stderr);
	if (p)
		fprintf(stderr, "program:\n%s", text ?: "(no memory to print it)\n");
	free(text);
	class_of(rule)();
}

/* The contract of that name and the model's rule S1 are told apart as in rule.h. */
static __attribute__((noreturn)) void report_finding(const struct run *r)
{
	struct run_finding f = run_finding(r, 0);
	char rule[32];
	u32 contracts;

	snprintf(rule, sizeof(rule), "%s%s",
		 contracts_parse(f.rule, &contracts) ? "" : "finding:", f.rule);
	target_found(rule, run_config(r)->policy, &target.program, "invariant %s at op %u: %s",
		     f.rule, f.op, f.what);
}

static __attribute__((noreturn)) void report_contract(const struct run *r, enum contract c)
{
	const struct shadow_violation *v = shadow_violation(run_shadow(r), c);
	u32 buffer, page;

	run_culprit(r, c, &buffer, &page);
	target_found(shadow_contract_name[c], run_config(r)->policy, &target.program,
		     "contract %s broken at op %u, page %u; op %u should have flushed",
		     shadow_contract_name[c], v->op, page, v->should);
}

void target_judge(const struct run *r, u32 contracts)
{
	u32 broken = shadow_broken(run_shadow(r)) & contracts;

	if (run_full(r))
		target_found("FULL", run_config(r)->policy, &target.program,
			     "an arena is full: nothing can be said");
	if (broken)
		report_contract(r, __builtin_ctz(broken));
	if (run_findings(r))
		report_finding(r);
}

/* --- settings ---------------------------------------------------------------- */

/* NULL when it is not set, or empty. */
static const char *setting(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static __attribute__((noreturn)) void bad_setting(const char *name, const char *why)
{
	fprintf(stderr, "%s: %s\n", name, why);
	exit(2);
}

u32 target_named_contracts(void)
{
	const char *contracts;
	char why[256];

	if (target.asked)
		return target.counted;
	target.asked = true;
	contracts = setting("FUZZ_CONTRACTS");
	if (contracts && contracts_parse(contracts, &target.counted)) {
		snprintf(why, sizeof(why), "\"%.100s\", expected contracts such as L,I,S0",
			 contracts);
		bad_setting("FUZZ_CONTRACTS", why);
	}
	return target.counted;
}

const struct policies *target_policies(void)
{
	const char *policy;
	char err[4096];

	if (target.policies.nr)
		return &target.policies;
	policy = setting("FUZZ_POLICY");
	if (policies_add(&target.policies, policy ?: fuzz_target.policies, err, sizeof(err)))
		bad_setting("FUZZ_POLICY", err);
	target.named = policy;
	return &target.policies;
}

u32 target_contracts(const struct flush_policy *policy)
{
	u32 counted = target_named_contracts();

	if (target.named)
		return counted ?: CONTRACTS_SOUND;
	return policy->claims & (counted ?: CONTRACTS_ALL);
}

const struct backend_ops *target_backend(void)
{
	const char *backend;
	char err[4096];

	if (target.backend)
		return target.backend;
	backend = setting("FUZZ_BACKEND");
	target.backend = backends_open(backend ?: fuzz_target.backend, err, sizeof(err));
	if (!target.backend)
		bad_setting("FUZZ_BACKEND", err);
	return target.backend;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	target_named_contracts();
	if (fuzz_target.policies)
		target_policies();
	if (fuzz_target.backend)
		target_backend();
	return 0;
}

/* --- programs and runs -------------------------------------------------------- */

static u64 max_pages(void)
{
	return fuzz_target.max_pages ?: RUN_PAGES_FUZZ;
}

struct program *target_program(const uint8_t *data, size_t size)
{
	if (program_decode(&target.program, data, size)) {
		fprintf(stderr, "out of memory\n");
		exit(2);
	}
	run_reduce(&target.program, max_pages());
	return &target.program;
}

void target_config(struct run_config *cfg, const struct backend_ops *backend,
		   const struct flush_policy *policy)
{
	judge_config(cfg, backend, policy);
	cfg->check = RUN_CHECK_END;
	cfg->shadow_flags = 0;
	cfg->claims = 0;
	cfg->max_pages = max_pages();
	cfg->digests = target_digests ? RUN_DIGESTS_FULL : RUN_DIGESTS_NONE;
}

static void start(const struct run_config *cfg)
{
	int rc = 0;

	if (target.run)
		rc = run_reset(target.run, cfg);
	else
		target.run = run_create(cfg);
	if (!rc && target.run)
		return;
	fprintf(stderr, "cannot start a run: %s\n", strerror(rc ? -rc : errno));
	exit(2);
}

/* As run_program() does, and the engine hears of every state. */
const struct run *target_run(const struct run_config *cfg, const struct program *p)
{
	struct coverage cov = {0};
	size_t at = 0;

	start(cfg);
	while (run_step(target.run, p, &at))
		if (fb_listens)
			coverage_op(&cov, target.run, fb_hit, NULL);
	run_finish(target.run);
	if (target_digests)
		target_note(run_digest(target.run));
	return target.run;
}

struct run *target_the_run(void)
{
	return target.run;
}

void target_note(u64 value)
{
	target.digest = hash_add(target.digest, value);
}

u64 target_digest(void)
{
	u64 digest = target.digest;

	target.digest = 0;
	return digest;
}
