// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fuzz target: bytes -> program -> the core under a flush policy -> the oracles must be silent.
 *
 * Which policy judges an input is a function of the input alone, so that every finding can be
 * replayed: FUZZ_POLICY names candidates as --policy does (a name, several, ./mine.so; default: all
 * that claim to be sound), and the sequence of op codes chooses one of them. A mutation of a field
 * keeps the policy, so engines can climb; a mutation of the sequence may change it, so a corpus
 * covers all of them. Candidates that are named are held to soundness whatever they claim: that is
 * how a known leak is found again. FUZZ_CONTRACTS (L,I,..) narrows what they are held to.
 *
 * The shadow and the values judge every op, the reference model compares at the end and where the
 * program says `check`; results of requests it judges always. No bounds, no histories: replay has
 * them.
 */
#include "fuzz/engine/fuzz_ops.h"

#include "core/op/text.h"
#include "core/op/judge.h"
#include "core/op/policies.h"
#include "fuzz/campaign/coverage.h"
#include "fuzz/engine/feedback.h"

#include <stdio.h>
#include <stdlib.h>

/* What lives as long as the process: engines call thousands of times a second. */
static struct {
	struct run *run;
	struct program program;
	struct policies policies;
	u32 held;    /* contracts that a policy is held to; 0: its claims */
	u32 counted; /* of these */
} target;

/* --- findings ---------------------------------------------------------------- */

/*
 * One function for each class of rules: engines and people tell findings apart by their stacks. Each
 * says its own name, else the compiler would fold them into one.
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

/* The classes of core/README.md, by the letter that a rule's number follows. */
static found_fn class_of(const char *rule)
{
	static const struct {
		char letter;
		found_fn found;
	} classes[] = {
		{'I', found_tables},  {'S', found_storage}, {'P', found_pins},
		{'D', found_domains}, {'B', found_walks},   {'A', found_accesses},
		{'R', found_results}, {'C', found_cache},
	};

	for (u32 i = 0; i < ARRAY_SIZE(classes); i++)
		if (rule[0] == classes[i].letter && rule[1] >= '0' && rule[1] <= '9')
			return classes[i].found;
	return found_other;
}

static void print_program(const struct run *r)
{
	char *text = text_print(&target.program, NULL);

	fprintf(stderr, "policy: %s\nprogram:\n%s", run_config(r)->policy->name,
		text ? text : "(no memory to print it)\n");
	free(text);
}

static __attribute__((noreturn)) void report_contract(const struct run *r, enum contract c)
{
	static const found_fn found[SHADOW_CONTRACTS] = {
		found_contract_L, found_contract_I, found_contract_S0, found_contract_S1,
		found_contract_E, found_contract_O, found_contract_U,
	};
	const struct shadow_violation *v = shadow_violation(run_shadow(r), c);
	u32 buffer, page;

	run_culprit(r, c, &buffer, &page);
	fprintf(stderr, "contract %s broken at op %u, page %u; op %u should have flushed\n",
		shadow_contract_name[c], v->op, page, v->should);
	print_program(r);
	found[c]();
}

static __attribute__((noreturn)) void report_finding(const struct run *r)
{
	struct run_finding f = run_finding(r, 0);

	fprintf(stderr, "invariant %s at op %u: %s\n", f.rule, f.op, f.what);
	print_program(r);
	class_of(f.rule)();
}

static __attribute__((noreturn)) void report_full(const struct run *r)
{
	fprintf(stderr, "an arena is full: nothing can be said\n");
	print_program(r);
	found_full();
}

static void look(const struct run *r)
{
	u32 held = target.held ? target.held : run_config(r)->policy->claims;
	u32 broken = shadow_broken(run_shadow(r)) & held & target.counted;

	if (run_full(r))
		report_full(r);
	if (broken)
		report_contract(r, __builtin_ctz(broken));
	if (run_findings(r))
		report_finding(r);
}

/* --- one input --------------------------------------------------------------- */

/* NULL when it is not set, or empty. */
static const char *setting(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static void read_settings(void)
{
	const char *policy = setting("FUZZ_POLICY"), *contracts = setting("FUZZ_CONTRACTS");
	char err[4096];

	target.counted = CONTRACTS_ALL;
	if (contracts && contracts_parse(contracts, &target.counted)) {
		fprintf(stderr, "FUZZ_CONTRACTS: \"%s\", expected contracts such as L,I,S0\n",
			contracts);
		exit(2);
	}
	if (policy)
		target.held = contracts ? target.counted : CONTRACTS_SOUND;
	if (!policies_add(&target.policies, policy ? policy : "sound", err, sizeof(err)))
		return;
	fprintf(stderr, "FUZZ_POLICY: %s\n", err);
	exit(2);
}

static const struct flush_policy *policy_of(const struct program *p)
{
	u64 h = 0;

	for (size_t i = 0; i < p->nr; i++)
		h = hash_add(h, p->ops[i].code);
	return target.policies.policy[h % target.policies.nr];
}

static void configure(struct run_config *cfg, const struct program *p)
{
	judge_config(cfg, &backend_core, policy_of(p));
	cfg->check = RUN_CHECK_END;
	cfg->shadow_flags = 0;
	cfg->claims = 0;
	cfg->max_pages = RUN_PAGES_FUZZ;
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
static void run_target(void)
{
	struct coverage cov = {0};
	size_t at = 0;

	while (run_step(target.run, &target.program, &at))
		coverage_op(&cov, target.run, fb_hit, NULL);
	run_finish(target.run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run_config cfg;

	if (!target.policies.nr)
		read_settings();
	if (program_decode(&target.program, data, size)) {
		fprintf(stderr, "out of memory\n");
		exit(2);
	}
	run_reduce(&target.program, RUN_PAGES_FUZZ);
	configure(&cfg, &target.program);
	start(&cfg);
	run_target();
	look(target.run);
	return 0;
}
