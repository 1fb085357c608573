// SPDX-License-Identifier: GPL-2.0-only
/*
 * The twin of a run: the same program on another backend, op by op, on a machine of its own. After
 * every op both must have come to the same: errno, results, bytes read, structures (areas, storage,
 * pages, pins of accesses), charges, pins of frames, translations, and, where neither side flushes,
 * what caches and memory hold and what is read from it. A request that fails in a fill may have touched more pages on one
 * side than on the other before it was undone (rule B9): from there on contents are not compared. The first difference is a finding "DIFF"; afterwards the twin
 * rests, for what follows from a difference says nothing.
 *
 * Injected failures. The n-th place of a kind is not the same place on both sides: one allocates
 * where the other does not. So if a failure fired on either side and the two disagree in anything,
 * both go back to before the op and do it without a failure. Before that the run itself is
 * compared with its model: whether a failed request left a trace is seen then or never. If
 * something was found, nothing is taken back. The twin is not judged here.
 */
#include "core/op/run_priv.h"
#include "core/op/op_info.h"

#include <stdio.h>
#include <stdlib.h>

struct run_twin {
	struct run *run;
	bool resting;
	bool contents; /* are compared still */
	u64 redone;
	char *saved; /* of both, before an op with a failure */
	size_t room;
};

static bool never_flushes(const struct backend_ops *backend, const struct flush_policy *policy)
{
	const struct flush_policy *p = backend->policy ? backend->policy : policy;

	return !p || !(p->claims & CONTRACT_L);
}

/* Only what decides results: oracles watch the run itself. */
static struct run_config twin_config(const struct run *r)
{
	struct run_config cfg = r->cfg;

	cfg.backend = r->cfg.twin;
	cfg.policy = cfg.backend->policy ? cfg.backend->policy : r->cfg.twin_policy;
	cfg.twin = NULL;
	cfg.shadow = cfg.model = cfg.values = false;
	cfg.check = RUN_CHECK_NEVER;
	cfg.digests = RUN_DIGESTS_NONE;
	cfg.arena_base = cfg.observer_base = NULL;
	cfg.event = NULL;
	cfg.before = cfg.after = NULL;
	return cfg;
}

int run_twin_start(struct run *r)
{
	struct run_twin *t = r->twin;
	struct run_config cfg;

	if (!r->cfg.twin) {
		run_twin_destroy(r);
		return 0;
	}
	cfg = twin_config(r);
	if (!t)
		t = r->twin = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->resting = false;
	t->contents = never_flushes(r->cfg.backend, r->cfg.policy) &&
		      never_flushes(cfg.backend, cfg.policy);
	if (!t->run) {
		t->run = run_create(&cfg);
		return t->run ? 0 : -ENOMEM;
	}
	return run_reset(t->run, &cfg);
}

void run_twin_destroy(struct run *r)
{
	if (!r->twin)
		return;
	run_destroy(r->twin->run);
	free(r->twin->saved);
	free(r->twin);
	r->twin = NULL;
}

u64 run_twin_redone(const struct run *r)
{
	return r->twin ? r->twin->redone : 0;
}

/* --- comparing -------------------------------------------------------------------------------- */

static const char *text_of(int rc, char buf[32])
{
	const char *name = rc ? expect_errno_name(-rc) : "0";

	snprintf(buf, 32, "%s", name ? name : "an errno");
	return buf;
}

/* A request that failed has none, but the bytes that an unmap had removed by then. */
static bool has_result(const struct run_result *res)
{
	return !res->rc || res->kind == REQ_UNMAP;
}

static bool same_results(struct run *r, struct run *t, char *what, size_t len)
{
	const struct run_result *a = run_result(r, run_ops(r)), *b = run_result(t, run_ops(t));
	const char *mine = r->cfg.backend->name, *theirs = t->cfg.backend->name;
	const char *op = a->code < OP_NR ? op_word(a->code) : "teardown";
	char ma[32], mb[32];

	if (a->rc != b->rc) {
		snprintf(what, len, "%s: %s on %s, %s on %s", op, text_of(a->rc, ma), mine,
			 text_of(b->rc, mb), theirs);
		return false;
	}
	if (a->noop != b->noop || (has_result(a) && a->out != b->out)) {
		snprintf(what, len, "%s: result 0x%llx on %s, 0x%llx on %s", op,
			 (unsigned long long)a->out, mine, (unsigned long long)b->out, theirs);
		return false;
	}
	if (r->twin->contents && r->s->digest != t->s->digest) {
		snprintf(what, len, "%s: other bytes or values come out", op);
		return false;
	}
	return true;
}

static bool same_state(struct run *r, struct run *t, char *what, size_t len)
{
	static const char *const part_name[] = {
		[MACHINE_TASKS] = "charges or address spaces",
		[MACHINE_PINS] = "pins of frames",
		[MACHINE_DOMAINS] = "translations",
		[MACHINE_CONTENTS] = "dirty marks, or contents of caches and memory",
	};
	const struct run_result *res = run_result(r, run_ops(r));
	const char *op = op_word(res->code);

	if (r->cfg.backend->digest(r->s->backend) != t->cfg.backend->digest(t->s->backend)) {
		snprintf(what, len, "%s: the structures differ", op);
		return false;
	}
	for (int part = MACHINE_TASKS; part <= MACHINE_DOMAINS + r->twin->contents; part++) {
		if (machine_digest_part(r->s->machine, part) ==
		    machine_digest_part(t->s->machine, part))
			continue;
		if (part == MACHINE_CONTENTS && res->rc) {
			r->twin->contents = false;
			break;
		}
		snprintf(what, len, "%s: %s differ", op, part_name[part]);
		return false;
	}
	return true;
}

static bool same(struct run *r, char *what, size_t len)
{
	struct run *t = r->twin->run;

	return same_results(r, t, what, len) && (r->s->finished || same_state(r, t, what, len));
}

static void compare(struct run *r)
{
	char what[120];

	if (same(r, what, sizeof(what)))
		return;
	run_note(r, "DIFF", "%s", what);
	r->twin->resting = true;
}

/* --- stepping --------------------------------------------------------------------------------- */

static bool may_inject(const struct run *r, const struct program *p, size_t at)
{
	struct op_group g;

	if (r->s->inject.nth && r->s->inject.op == r->s->op + 1)
		return true;
	for (; at < p->nr; at = g.next) {
		program_group(p, at, &g);
		if (g.op)
			return op_fail_nth(g.op) && !r->cfg.no_faults;
	}
	return false;
}

static bool save_both(struct run *r)
{
	struct run_twin *t = r->twin;
	size_t size = run_save_size(r);

	if (size > t->room) {
		free(t->saved);
		t->saved = malloc(2 * size);
		t->room = t->saved ? 2 * size : 0;
	}
	if (!t->saved)
		return false;
	run_save(r, t->saved);
	return true;
}

static bool step_both(struct run *r, const struct program *p, size_t *at)
{
	size_t other = *at;
	bool more = run_step_alone(r, p, at), more_there;

	more_there = run_step_alone(r->twin->run, p, &other);
	return more && more_there;
}

static bool fired(const struct run *r)
{
	return run_result(r, run_ops(r))->fired;
}

static bool redo(struct run *r, const struct program *p, size_t from, size_t saved, size_t *at)
{
	struct run *t = r->twin->run;
	bool quiet = r->cfg.no_faults, more;

	run_restore(r, r->twin->saved, saved);
	r->s->inject.nth = t->s->inject.nth = 0;
	r->cfg.no_faults = t->cfg.no_faults = true;
	*at = from;
	more = step_both(r, p, at);
	r->cfg.no_faults = t->cfg.no_faults = quiet;
	r->twin->redone++;
	return more;
}

bool run_twin_step(struct run *r, const struct program *p, size_t *at)
{
	struct run *t = r->twin->run;
	size_t from = *at, size = 0;
	u32 ops = run_ops(r);
	char what[120];
	bool more;

	if (r->twin->resting)
		return run_step_alone(r, p, at);
	if (may_inject(r, p, *at)) {
		if (r->s->inject.nth)
			run_inject(t, r->s->inject.op, r->s->inject.point, r->s->inject.nth);
		if (save_both(r))
			size = run_save_size(r);
	}
	more = step_both(r, p, at);
	if (r->s->full || t->s->full || run_ops(r) == ops)
		return more;
	if (size && (fired(r) || fired(t)) && !same(r, what, sizeof(what))) {
		run_check(r);
		if (!run_findings(r))
			more = redo(r, p, from, size, at);
	}
	compare(r);
	return more;
}

int run_twin_finish(struct run *r)
{
	bool done = r->s->finished;
	int rc = run_finish_alone(r), there = 0;

	if (!r->twin->resting)
		there = run_finish_alone(r->twin->run);
	if (!rc && !there && !done && !r->twin->resting)
		compare(r);
	return rc ? rc : there;
}

/* --- snapshots -------------------------------------------------------------------------------- */

size_t run_twin_save_size(const struct run *r)
{
	return r->twin ? run_save_size(r->twin->run) : 0;
}

void run_twin_save(const struct run *r, void *buf)
{
	if (r->twin)
		run_save(r->twin->run, buf);
}

void run_twin_restore(struct run *r, const void *buf, size_t size)
{
	if (r->twin)
		run_restore(r->twin->run, buf, size);
}
