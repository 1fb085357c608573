// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rounds, until one changes nothing. A round binds references to identities and takes ops out; if
 * that gave nothing it is forgotten, bindings and all. Then it makes fields plainer. Every change
 * that is kept makes the program smaller in one well-founded order: fewer ops, fewer copies and
 * cuts, fewer records that are positional, plainer fields. So it ends, and since a round depends on the program alone, a
 * program that came out once comes out again as it is.
 */
#include "fuzz/shrink/shrink_priv.h"

#include "core/flush/registry.h"
#include "core/op/judge.h"

#include <stdlib.h>

/* --- tries ------------------------------------------------------------------- */

bool shrink_copy(struct shrink *s)
{
	if (!s->rc)
		s->rc = program_copy(&s->candidate, &s->best);
	return !s->rc;
}

static void keep_candidate(struct shrink *s)
{
	struct program was = s->best;

	s->best = s->candidate;
	s->candidate = was;
	s->rc = units_read(&s->units, &s->best);
}

bool shrink_try(struct shrink *s)
{
	if (s->rc)
		return false;
	if (s->stats.tries == SHRINK_TRIES) {
		s->stats.cut_short = true;
		return false;
	}
	s->stats.tries++;
	if (!s->fires(s->ctx, &s->candidate))
		return false;
	keep_candidate(s);
	return !s->rc;
}

/* --- rounds ------------------------------------------------------------------ */

/* Names and expectations have no part in a run, nor has a MORE record behind one of them. */
static int strip(const struct program *from, struct program *to)
{
	struct op_group g;
	int rc = 0;

	program_clear(to);
	for (size_t at = 0; !rc && at < from->nr; at = g.next) {
		program_group(from, at, &g);
		if (!g.op)
			continue;
		rc = program_add(to, g.op);
		for (size_t i = 0; !rc && i < g.nr_more; i++)
			rc = program_add(to, &g.more[i]);
	}
	return rc;
}

static u32 positional(const struct program *p)
{
	u32 nr = 0;

	for (size_t at = 0; at < p->nr; at++)
		for (unsigned int i = 0; i < 3; i++)
			nr += op_ref_kind(&p->ops[at], i) != OBJ_NONE && !op_by_id(&p->ops[at], i);
	return nr;
}

static bool bind(struct shrink *s)
{
	if (!s->rc)
		s->rc = run_reset(s->binder, &s->binding);
	if (!s->rc)
		s->rc = program_bind(s->binder, &s->best, &s->candidate);
	return shrink_try(s);
}

static bool fewer_ops(struct shrink *s)
{
	struct program before = PROGRAM_EMPTY;
	u32 nr = s->units.nr;
	bool fewer;

	if (!s->rc)
		s->rc = program_copy(&before, &s->best);
	bind(s);
	shrink_ops(s);
	fewer = s->units.nr < nr || shrink_splits(&s->best) < shrink_splits(&before) ||
		positional(&s->best) < positional(&before);
	if (!s->rc && !fewer) {
		s->rc = program_copy(&s->best, &before);
		if (!s->rc)
			s->rc = units_read(&s->units, &s->best);
	}
	program_free(&before);
	return fewer;
}

static bool fewer_fields(struct shrink *s)
{
	struct program before = PROGRAM_EMPTY;
	bool changed;

	if (!s->rc)
		s->rc = program_copy(&before, &s->best);
	shrink_whole(s);
	shrink_fields(s);
	changed = !program_equal(&before, &s->best);
	program_free(&before);
	return changed;
}

static void rounds(struct shrink *s)
{
	bool changed = true;

	while (changed && !s->rc && !s->stats.cut_short) {
		changed = fewer_ops(s);
		changed |= fewer_fields(s);
	}
}

/* --- the whole --------------------------------------------------------------- */

/* Requests that do something to pages, or decide about it: not what only sets a scene. */
static bool is_request(unsigned int code)
{
	switch (code) {
	case OP_TABLE:
	case OP_ACCESS:
	case OP_HUGE_PAGES:
	case OP_RLIMIT_MODE:
	case OP_TEMP_LIMIT:
		return false;
	default:
		return op_info(code)->fields & OPX_REQ;
	}
}

static void count(struct shrink *s)
{
	s->stats.ops_after = s->units.nr;
	for (u32 unit = 0; unit < s->units.nr; unit++)
		s->stats.requests_after += is_request(unit_op(&s->units, &s->best, unit)->code);
}

static void take_result(struct shrink *s, struct program *p)
{
	struct program was = *p;

	count(s);
	*p = s->best;
	s->best = was;
}

static int shrink_bound(struct program *p, shrink_fires fires, void *ctx,
			const struct run_config *binding, struct shrink_stats *stats)
{
	struct shrink s = {.fires = fires, .ctx = ctx, .binding = *binding};

	s.stats.ops_before = program_nr_ops(p);
	s.binder = run_create(binding);
	s.rc = s.binder ? strip(p, &s.candidate) : -errno;
	if (!s.rc && !shrink_try(&s))
		s.rc = s.rc ? s.rc : -ENOENT;
	if (!s.rc)
		rounds(&s);
	if (!s.rc)
		take_result(&s, p);
	if (stats)
		*stats = s.stats;
	run_destroy(s.binder);
	program_free(&s.best);
	program_free(&s.candidate);
	units_free(&s.units);
	return s.rc;
}

int shrink_program(struct program *p, shrink_fires fires, void *ctx, struct shrink_stats *stats)
{
	struct run_config cfg;

	judge_config(&cfg, &backend_core, flush_policy_nth(0));
	cfg.shadow = cfg.model = cfg.values = false;
	return shrink_bound(p, fires, ctx, &cfg, stats);
}

/* --- a rule under a policy --------------------------------------------------- */

int shrink_rule_open(struct shrink_rule *s, const struct backend_ops *backend,
		     const struct flush_policy *policy, const struct rule *rule)
{
	*s = (struct shrink_rule){.rule = *rule};
	rule_config(&s->cfg, backend ? backend : &backend_core, policy, rule);
	s->run = run_create(&s->cfg);
	return s->run ? 0 : -ENOMEM;
}

/* No further than the op at fault: a rule that has fired stays so. */
static bool run_until_fired(struct shrink_rule *s, const struct program *p)
{
	size_t at = 0;

	if (run_reset(s->run, &s->cfg))
		return false;
	while (run_step(s->run, p, &at))
		if (rule_fired(s->run, &s->rule))
			return true;
	if (!run_full(s->run))
		run_finish(s->run);
	return rule_fired(s->run, &s->rule);
}

bool shrink_rule_fires(void *ctx, const struct program *p)
{
	struct shrink_rule *s = ctx;
	bool fired = run_until_fired(s, p);

	if (s->tried)
		s->tried(s->tried_ctx, p);
	return fired;
}

int shrink_by_rule(struct program *p, struct shrink_rule *s, struct shrink_stats *stats)
{
	struct run_config cfg = s->cfg;

	cfg.shadow = cfg.model = cfg.values = false;
	cfg.check = RUN_CHECK_NEVER;
	return shrink_bound(p, shrink_rule_fires, s, &cfg, stats);
}

void shrink_rule_close(struct shrink_rule *s)
{
	run_destroy(s->run);
	s->run = NULL;
}
