// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a run: arenas, machine, backend, oracles; and the loop over ops.
 *
 * Two arenas. The first belongs to what is under test: core, policy, machine. Nothing of the run
 * itself is in it, so that its counters are those of the core, and a block that is left at the
 * end is a leak. The other holds the tables of objects, results, shadow, model and values. Both
 * together are all that changes; a snapshot is a copy of both.
 *
 * Each op: a number, its object (named whether it comes to be or not), failures armed, the op
 * itself as one or more requests (run_core.c, run_access.c) or as a bracket around a machine call
 * (run_device.c), failures disarmed, then what the configuration asks to look at.
 */
#include "core/op/run_priv.h"

#include <stdio.h>
#include <stdlib.h>

#define ARENA_LEAST (64ULL << 20)

/* --- what the machine says goes to all who listen ---------------------------- */

static void on_event(void *ctx, const struct machine_event *ev)
{
	struct run *r = ctx;
	struct run_state *s = r->s;

	if (s->shadow)
		shadow_event(s->shadow, ev);
	else if (ev->kind == EV_STRICT)
		run_note(r, ev->rule, "%s: %llu, %llu", ev->what, (unsigned long long)ev->a,
			 (unsigned long long)ev->b);
	if (s->model)
		model_event(s->model, ev);
	if (s->values)
		run_values_event(r, ev);
	if (r->cfg.event)
		r->cfg.event(r->cfg.ctx, s->op, ev);
}

static bool is_observed(const struct run_config *cfg)
{
	return cfg->shadow || cfg->model || cfg->values || cfg->event;
}

/* --- making ------------------------------------------------------------------ */

/* As much of the wish as the system reserves. */
static struct arena *reserve_arena(void *base, size_t size)
{
	struct arena *a = NULL;

	size = size ? size : RUN_ARENA;
	for (; !a; size /= 2) {
		a = arena_create(base, size);
		if (!a && (errno == EEXIST || size / 2 < ARENA_LEAST))
			break;
	}
	return a;
}

static bool make_observers(struct run *r)
{
	const struct run_config *cfg = &r->cfg;
	struct run_state *s = r->s;

	if (cfg->shadow) {
		s->shadow = shadow_create(r->side, cfg->shadow_flags);
		if (!s->shadow)
			return false;
		shadow_set_claims(s->shadow, cfg->claims);
		shadow_set_break(s->shadow, cfg->broken);
	}
	if (cfg->values) {
		s->values = run_values_create(r->side);
		if (!s->values)
			return false;
	}
	if (cfg->model) {
		s->model = model_create(r->side, s->machine);
		if (!s->model)
			return false;
	}
	return true;
}

static bool make_machine(struct run *r)
{
	struct machine_config mc = {
		.memory = r->cfg.memory,
		.clean = r->cfg.clean,
		.track_iotlb = is_observed(&r->cfg),
		.nr_tasks = MACHINE_TASKS_MAX,
	};
	struct run_state *s = r->s;

	s->machine = machine_create(r->arena, &mc);
	if (!s->machine || !make_observers(r))
		return false;
	if (is_observed(&r->cfg))
		machine_observe(s->machine, &r->observer);
	s->backend = r->cfg.backend->create(r->cfg.backend, r->arena, s->machine, r->cfg.policy,
					    &r->callbacks);
	return s->backend;
}

static void init_rows(struct run_state *s)
{
	for (unsigned int k = 0; k < OBJ_NR; k++) {
		s->kinds[k].all.size = sizeof(struct run_object);
		s->kinds[k].live.size = sizeof(u32);
	}
	s->results.size = sizeof(struct run_result);
}

static int start(struct run *r)
{
	struct request req = {.kind = REQ_TEMP_LIMIT, .value = r->cfg.temp_limit};

	r->s = arena_alloc(r->side, sizeof(*r->s));
	if (!r->s)
		return -ENOMEM;
	init_rows(r->s);
	if (!make_machine(r)) {
		r->s->full = true;
		return -ENOMEM;
	}
	/* Not a request that anybody sees: the same states at every limit, serials included. */
	if (r->cfg.temp_limit)
		r->cfg.backend->execute(r->s->backend, &req);
	return req.rc ? req.rc : run_twin_start(r);
}

struct run *run_create(const struct run_config *cfg)
{
	struct run *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->cfg = *cfg;
	r->observer = (struct machine_observer){.ctx = r, .event = on_event};
	r->callbacks = (struct backend_callbacks){.ctx = r, .access_unmap = run_access_unmap};
	r->arena = reserve_arena(cfg->arena_base, cfg->arena_size);
	r->side = reserve_arena(cfg->observer_base, cfg->observer_size);
	if (!r->arena || !r->side)
		goto err;
	errno = -start(r);
	if (errno)
		goto err;
	return r;
err:
	run_destroy(r);
	return NULL;
}

int run_reset(struct run *r, const struct run_config *cfg)
{
	r->cfg = *cfg;
	arena_reset(r->arena);
	arena_reset(r->side);
	return start(r);
}

void run_destroy(struct run *r)
{
	if (!r)
		return;
	run_twin_destroy(r);
	arena_destroy(r->arena);
	arena_destroy(r->side);
	free(r);
}

/* --- snapshots --------------------------------------------------------------- */

static size_t own_size(const struct run *r)
{
	return 2 * sizeof(size_t) + arena_used(r->arena) + arena_used(r->side);
}

size_t run_save_size(const struct run *r)
{
	return own_size(r) + run_twin_save_size(r);
}

void run_save(const struct run *r, void *buf)
{
	size_t used[2] = {arena_used(r->arena), arena_used(r->side)};
	char *to = buf;

	memcpy(to, used, sizeof(used));
	arena_save(r->arena, to + sizeof(used));
	arena_save(r->side, to + sizeof(used) + used[0]);
	run_twin_save(r, to + own_size(r));
}

void run_restore(struct run *r, const void *buf, size_t size)
{
	const char *from = buf;
	size_t used[2], own;

	memcpy(used, from, sizeof(used));
	own = sizeof(used) + used[0] + used[1];
	arena_restore(r->arena, from + sizeof(used), used[0]);
	arena_restore(r->side, from + sizeof(used) + used[0], used[1]);
	run_twin_restore(r, from + own, size - own);
}

/* --- ops --------------------------------------------------------------------- */

void run_check(struct run *r)
{
	struct backend_view view;

	if (!r->s->model)
		return;
	r->cfg.backend->view(r->s->backend, &view);
	model_check(r->s->model, &view);
}

static u64 digest(struct run *r, enum run_digests kind)
{
	struct run_state *s = r->s;
	u64 h = s->digest;

	if (s->finished)
		return h;
	h = hash_add(h, r->cfg.backend->digest(s->backend));
	if (kind == RUN_DIGESTS_LOGIC)
		return s->model ? hash_add(h, model_digest(s->model)) : h;
	return hash_add(h, machine_digest(s->machine));
}

u64 run_digest(struct run *r)
{
	return digest(r, RUN_DIGESTS_FULL);
}

static void record(struct run *r, const struct run_result *res)
{
	struct run_row *row = &r->s->results;

	if (run_row_grow(r, row, row->nr + 1))
		((struct run_result *)row->data)[row->nr++] = *res;
}

static void next_op(struct run *r)
{
	r->s->op++;
	if (r->s->shadow)
		shadow_set_op(r->s->shadow, r->s->op);
}

static void run_one_op(struct run *r, struct run_op *o)
{
	const struct op_info *info = op_info(o->op.code);

	next_op(r);
	o->res.code = o->op.code;
	/* An object is counted even when its op fails or does nothing: names are given before the
	 * run. */
	if (info->creates && !run_new(r, info->creates))
		return;
	/* An attach arms itself, behind the making of its domain. */
	if (o->op.code != OP_ATTACH)
		run_arm(r, o);
	o->res.noop = !run_core_op(r, o);
	run_disarm(r, o);
	run_find_culprits(r);
	if (r->cfg.check == RUN_CHECK_OPS)
		run_check(r);
	if (r->cfg.digests) {
		o->res.digest = digest(r, r->cfg.digests);
		run_mix(r, o->res.digest);
	}
	record(r, &o->res);
}

bool run_step(struct run *r, const struct program *p, size_t *at)
{
	return r->twin ? run_twin_step(r, p, at) : run_step_alone(r, p, at);
}

bool run_step_alone(struct run *r, const struct program *p, size_t *at)
{
	struct run_op o = {0};
	struct op_group g;

	do {
		if (*at >= p->nr || r->s->full)
			return false;
		program_group(p, *at, &g);
		*at = g.next;
	} while (!g.op);
	o.op = *g.op;
	o.more = g.more;
	o.nr_more = g.nr_more;
	run_one_op(r, &o);
	return !r->s->full;
}

int run_finish(struct run *r)
{
	return r->twin ? run_twin_finish(r) : run_finish_alone(r);
}

int run_finish_alone(struct run *r)
{
	struct run_op o = {.res.code = OP_NR};

	if (r->s->finished || !r->s->backend)
		return r->s->full ? -ENOMEM : 0;
	if (r->cfg.check != RUN_CHECK_NEVER)
		run_check(r);
	next_op(r);
	run_teardown(r, &o);
	r->s->finished = true;
	o.res.digest = r->s->digest;
	record(r, &o.res);
	return r->s->full ? -ENOMEM : 0;
}

int run_program(struct run *r, const struct program *p)
{
	size_t at = 0;

	while (run_step(r, p, &at))
		;
	return run_finish(r);
}

bool run_full(const struct run *r)
{
	return r->s->full;
}

void run_forget(struct run *r)
{
	struct run_state *s = r->s;

	if (s->shadow)
		shadow_forget(s->shadow);
	if (s->model)
		model_forget(s->model);
	s->nr_findings = 0;
	s->broken_seen = 0;
}

void run_inject(struct run *r, u32 op, enum fault_point point, u32 nth)
{
	r->s->inject.op = op;
	r->s->inject.point = point;
	r->s->inject.nth = nth;
}

/* --- results ----------------------------------------------------------------- */

u32 run_ops(const struct run *r)
{
	return r->s->results.nr;
}

const struct run_result *run_result(const struct run *r, u32 op)
{
	return (const struct run_result *)r->s->results.data + (op - 1);
}

static u32 kept(u32 nr)
{
	return min(nr, (u32)RUN_FINDINGS);
}

u32 run_findings(const struct run *r)
{
	u32 nr = kept(r->s->nr_findings);

	if (r->s->shadow)
		nr += kept(shadow_findings(r->s->shadow));
	if (r->s->model)
		nr += kept(model_findings(r->s->model));
	return nr;
}

static struct run_finding of_shadow(const struct shadow_finding *from)
{
	struct run_finding f = {.op = from->op};

	snprintf(f.rule, sizeof(f.rule), "%s", from->rule);
	snprintf(f.what, sizeof(f.what), "%s: %llu, %llu", from->what, (unsigned long long)from->a,
		 (unsigned long long)from->b);
	return f;
}

static struct run_finding of_model(const struct model_finding *from)
{
	struct run_finding f = {.op = from->op};

	snprintf(f.rule, sizeof(f.rule), "%s", from->rule);
	snprintf(f.what, sizeof(f.what), "%s", from->what);
	return f;
}

struct run_finding run_finding(const struct run *r, u32 i)
{
	u32 own = kept(r->s->nr_findings);
	u32 seen = r->s->shadow ? kept(shadow_findings(r->s->shadow)) : 0;

	if (i < own)
		return r->s->findings[i];
	if (i - own < seen)
		return of_shadow(shadow_finding(r->s->shadow, i - own));
	return of_model(model_finding(r->s->model, i - own - seen));
}

const struct run_config *run_config(const struct run *r)
{
	return &r->cfg;
}

struct arena *run_arena(const struct run *r)
{
	return r->arena;
}

struct machine *run_machine(const struct run *r)
{
	return r->s->finished ? NULL : r->s->machine;
}

struct backend *run_backend(const struct run *r)
{
	return r->s->finished ? NULL : r->s->backend;
}

const struct shadow *run_shadow(const struct run *r)
{
	return r->s->shadow;
}

const struct model *run_model(const struct run *r)
{
	return r->s->model;
}

const struct machine_counters *run_counters(const struct run *r)
{
	return r->s->finished ? &r->s->counters : machine_counters(r->s->machine);
}
