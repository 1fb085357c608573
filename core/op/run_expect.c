// SPDX-License-Identifier: GPL-2.0-only
/* EXPECT records against what a finished run came to. */
#include "core/op/run_priv.h"

#include <stdarg.h>
#include <stdio.h>

/* Looks where the pin was first, then everywhere; aliases: the first buffer made counts. */
static bool shows(const struct buffer *b, u64 pfn, u32 *page)
{
	if (buffer_pfn(b, *page) == pfn)
		return true;
	for (u64 i = 0; i < buffer_npages(b); i++) {
		if (buffer_pfn(b, i) != pfn)
			continue;
		*page = i;
		return true;
	}
	return false;
}

static void find_culprit(struct run *r, enum contract c)
{
	const struct shadow_violation *v = shadow_violation(r->s->shadow, c);
	u32 page = v->object_page;

	for (u32 n = 0; n < run_nr_live(r, OBJ_BUFFER); n++) {
		struct run_object *b = run_nth_live(r, OBJ_BUFFER, n);

		if (!shows(b->buffer, v->pfn, &page))
			continue;
		r->s->culprit[c].known = true;
		r->s->culprit[c].buffer = run_identity(r, OBJ_BUFFER, b);
		r->s->culprit[c].page = page;
		return;
	}
}

void run_find_culprits(struct run *r)
{
	u32 fresh;

	if (!r->s->shadow)
		return;
	fresh = shadow_broken(r->s->shadow) & ~r->s->broken_seen;
	r->s->broken_seen |= fresh;
	for (u32 c = 0; fresh >> c; c++)
		if (fresh >> c & 1)
			find_culprit(r, c);
}

bool run_culprit(const struct run *r, enum contract c, u32 *buffer, u32 *page)
{
	*buffer = r->s->culprit[c].buffer;
	*page = r->s->culprit[c].page;
	if (!r->s->culprit[c].known)
		*page = shadow_violation(r->s->shadow, c)->object_page;
	return r->s->culprit[c].known;
}

static u32 culprit_page(const struct run *r, enum contract c)
{
	u32 buffer, page;

	run_culprit(r, c, &buffer, &page);
	return page;
}

#define CONTRACTS_BOUND (CONTRACT_L | CONTRACT_I | CONTRACT_S0)

static void __printf(2, 3) differs(struct run_expect *e, const char *fmt, ...)
{
	va_list ap;

	e->holds = false;
	va_start(ap, fmt);
	vsnprintf(e->found, sizeof(e->found), fmt, ap);
	va_end(ap);
}

/* `sound` is every policy that claims soundness, `all` every one. */
static bool names_policy(const struct run *r, const char *name)
{
	const struct flush_policy *policy = r->cfg.policy;

	if (!strcmp(name, "all"))
		return true;
	if (!strcmp(name, "sound"))
		return (policy->claims & CONTRACTS_SOUND) == CONTRACTS_SOUND;
	return !strncmp(name, policy->name, EXPECT_NAME_MAX); /* what a record has room for */
}

static void holds_all(const struct run *r, struct run_expect *e, u32 contracts)
{
	u32 broken = shadow_broken(r->s->shadow) & contracts;
	enum contract c;

	e->contracts = contracts;
	if (!broken)
		return;
	c = __builtin_ctz(broken);
	differs(e, "%s is broken at op %u, page %u", shadow_contract_name[c],
		shadow_violation(r->s->shadow, c)->op, culprit_page(r, c));
}

static void broken(const struct run *r, struct run_expect *e)
{
	const struct shadow_violation *v = shadow_violation(r->s->shadow, e->expect.detail);

	e->contracts = 1u << e->expect.detail;
	if (!v->count)
		differs(e, "%s holds", shadow_contract_name[e->expect.detail]);
	else if (e->expect.at && e->expect.at != v->op)
		differs(e, "it is broken at op %u", v->op);
	else if (e->expect.has_page && e->expect.value != culprit_page(r, e->expect.detail))
		differs(e, "it is broken at op %u, page %u", v->op,
			culprit_page(r, e->expect.detail));
}

static void gave_errno(const struct run *r, struct run_expect *e, u32 last_op)
{
	u32 at = e->expect.at ? e->expect.at : last_op;
	const struct run_result *res;
	const char *name;

	if (!at || at > run_ops(r)) {
		differs(e, "there is no op %u", at);
		return;
	}
	res = run_result(r, at);
	if (res->elsewhere && r->cfg.backend->policy) {
		e->concerns = false;
		return;
	}
	name = expect_errno_name(-res->rc);
	if (res->noop)
		differs(e, "op %u did nothing", at);
	else if (-res->rc != (s32)e->expect.detail && name)
		differs(e, "op %u gave %s", at, name);
	else if (-res->rc != (s32)e->expect.detail)
		differs(e, "op %u gave %d", at, -res->rc);
}

static void totals(const struct run *r, struct run_expect *e)
{
	u32 contracts = e->expect.detail ? e->expect.detail : CONTRACTS_BOUND;
	struct shadow_totals t = shadow_totals(r->s->shadow, contracts);
	u64 found = e->expect.kind == EXPECT_FLUSHES ? t.flushes : t.bound;

	if (found != e->expect.value)
		differs(e, "it is %llu", (unsigned long long)found);
}

static void finding(const struct run *r, struct run_expect *e)
{
	e->findings = true;
	for (u32 i = 0; i < run_findings(r); i++) {
		struct run_finding f = run_finding(r, i);

		if (!strcmp(f.rule, e->expect.name) && (!e->expect.at || e->expect.at == f.op))
			return;
	}
	differs(e, "there is no such finding");
}

static void evaluate(const struct run *r, struct run_expect *e, u32 last_op)
{
	switch (e->expect.kind) {
	case EXPECT_OK:
		holds_all(r, e, r->cfg.policy->claims);
		break;
	case EXPECT_HOLDS:
		holds_all(r, e, 1u << e->expect.detail);
		break;
	case EXPECT_BROKEN:
		broken(r, e);
		break;
	case EXPECT_ERRNO:
		gave_errno(r, e, last_op);
		break;
	case EXPECT_FLUSHES:
	case EXPECT_BOUND:
		totals(r, e);
		break;
	default:
		finding(r, e);
		break;
	}
}

/* A bound is only known for the sets of contracts that the shadow was told of. */
static bool concerns(const struct run *r, const struct expect *x)
{
	switch (x->kind) {
	case EXPECT_ERRNO:
		return true;
	case EXPECT_FINDING:
		return r->s->shadow || r->s->model;
	case EXPECT_BOUND:
		return r->s->shadow && r->cfg.shadow_flags & SHADOW_BOUND &&
		       (!x->detail || x->detail == CONTRACTS_BOUND || x->detail == r->cfg.claims);
	default:
		return r->s->shadow && names_policy(r, x->name);
	}
}

bool run_expect(const struct run *r, const struct program *p, size_t at, u32 last_op,
		struct run_expect *out)
{
	struct op_group g;

	if (at >= p->nr || p->ops[at].code != OP_EXPECT)
		return false;
	program_group(p, at, &g);
	*out = (struct run_expect){.holds = true};
	expect_unpack(&p->ops[at], g.name, &out->expect);
	out->concerns = concerns(r, &out->expect);
	if (out->concerns)
		evaluate(r, out, last_op);
	return true;
}
