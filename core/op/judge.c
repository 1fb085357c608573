// SPDX-License-Identifier: GPL-2.0-only
/*
 * From a finished run to a verdict. Three things can make it bad: a finding that no expectation
 * asks for, an expectation that does not hold, a claimed contract that is broken and about which
 * no expectation says anything. So a trace may show an unsound policy leak and still be good, and
 * a leak that went away makes it bad.
 */
#include "core/op/judge.h"

u32 judge_costed(u32 claims)
{
	return claims & (CONTRACT_L | CONTRACT_I | CONTRACT_S0 | CONTRACT_S1 | CONTRACT_E);
}

void judge_config(struct run_config *cfg, const struct backend_ops *backend,
		  const struct flush_policy *policy)
{
	*cfg = (struct run_config){
		.backend = backend,
		.policy = policy,
		.shadow = true,
		.model = true,
		.check = RUN_CHECK_OPS,
		.shadow_flags = SHADOW_BOUND | SHADOW_HISTORY,
		.claims = judge_costed(policy->claims),
		.values = true,
		.memory = MACHINE_MEMORY_MODEL,
		.max_pages = RUN_PAGES_TRACE,
	};
}

bool judge_as_claimed(const struct run *r)
{
	return !run_findings(r) && !(shadow_broken(run_shadow(r)) & run_config(r)->policy->claims);
}

static void take_contracts(const struct run *r, struct verdict *v)
{
	for (u32 c = 0; c < SHADOW_CONTRACTS; c++) {
		const struct shadow_violation *from = shadow_violation(run_shadow(r), c);
		struct judge_contract *to = &v->contract[c];

		to->claimed = v->policy->claims >> c & 1;
		to->broken = from->count;
		to->op = from->op;
		to->should = from->should;
		to->count = from->count;
		to->pfn = from->pfn;
		to->has_buffer = run_culprit(r, c, &to->buffer, &to->page);
	}
}

static void take_totals(const struct run *r, struct verdict *v)
{
	u32 claims = judge_costed(v->policy->claims);
	struct shadow_totals t = shadow_totals(run_shadow(r), claims);

	struct shadow_totals plain = shadow_totals(run_shadow(r), JUDGE_BOUND_LIS0);

	v->flushes = t.flushes;
	/* Beside claims that cost nothing every flush would be redundant. */
	v->redundant = claims ? t.redundant : plain.redundant;
	v->missing = t.missing;
	v->bound = t.bound;
	v->exposures = t.exposures;
	v->epochs = t.epochs;
	v->bound_lis0 = plain.bound;
}

/* --- expectations ------------------------------------------------------------ */

static void take_expect(struct verdict *v, const struct run_expect *e, size_t at)
{
	v->nr_expects++;
	for (u32 c = 0; c < SHADOW_CONTRACTS; c++)
		v->contract[c].expected |= e->contracts >> c & 1;
	if (e->holds)
		return;
	if (v->nr_failed < JUDGE_KEPT)
		v->failed[v->nr_failed] = (struct judge_expect){at, *e};
	v->nr_failed++;
}

static void take_expects(const struct run *r, const struct program *p, struct verdict *v)
{
	struct run_expect e;
	struct op_group g;
	u32 op = 0;

	for (size_t at = 0; at < p->nr; at = g.next) {
		program_group(p, at, &g);
		op += !!g.op;
		if (run_expect(r, p, at, op, &e) && e.concerns)
			take_expect(v, &e, at);
	}
}

static bool finding_expected(const struct run *r, const struct program *p,
			     const struct run_finding *f)
{
	struct run_expect e;

	for (size_t at = 0; at < p->nr; at++)
		if (run_expect(r, p, at, 0, &e) && e.concerns && e.findings &&
		    !strcmp(e.expect.name, f->rule))
			return true;
	return false;
}

static void take_findings(const struct run *r, const struct program *p, struct verdict *v)
{
	for (int expected = 0; expected < 2; expected++) {
		for (u32 i = 0; i < run_findings(r) && v->nr_findings < JUDGE_KEPT; i++) {
			struct run_finding f = run_finding(r, i);

			if (finding_expected(r, p, &f) != expected)
				continue;
			v->finding[v->nr_findings++] = f;
			v->nr_unexpected += !expected;
		}
	}
}

static enum judge_outcome outcome(const struct verdict *v)
{
	if (v->nr_unexpected || v->nr_failed)
		return JUDGE_BAD;
	for (u32 c = 0; c < SHADOW_CONTRACTS; c++) {
		const struct judge_contract *k = &v->contract[c];

		if (k->claimed && k->broken && !k->expected)
			return JUDGE_BAD;
	}
	return JUDGE_GOOD;
}

void judge(const struct run *r, const struct program *p, struct verdict *v)
{
	*v = (struct verdict){
		.policy = run_config(r)->policy,
		.backend = run_config(r)->backend->name,
		.digest = run_digest((struct run *)r),
	};
	take_contracts(r, v);
	take_totals(r, v);
	take_expects(r, p, v);
	take_findings(r, p, v);
	/* What a full arena cut short says nothing, neither way. */
	v->outcome = run_full(r) ? JUDGE_SKIP : outcome(v);
}
