// SPDX-License-Identifier: GPL-2.0-only
/* How requests reach the backend: the brackets that the oracles see, injected failures, the unmap
 * callback. */
#include "core/op/run_priv.h"

#include <stdarg.h>
#include <stdio.h>

void run_note(struct run *r, const char *rule, const char *fmt, ...)
{
	struct run_state *s = r->s;
	struct run_finding *f;
	va_list ap;

	if (s->nr_findings < RUN_FINDINGS) {
		f = &s->findings[s->nr_findings];
		f->op = s->op;
		snprintf(f->rule, sizeof(f->rule), "%s", rule);
		va_start(ap, fmt);
		vsnprintf(f->what, sizeof(f->what), fmt, ap);
		va_end(ap);
	}
	s->nr_findings++;
}

void run_arm(struct run *r, const struct run_op *o)
{
	struct run_state *s = r->s;

	if (s->inject.nth && s->inject.op == s->op)
		fault_arm(machine_fault(s->machine), s->inject.point, s->inject.nth);
	else if (op_fail_nth(&o->op) && !r->cfg.no_faults)
		fault_arm(machine_fault(s->machine), op_fail_point(&o->op), op_fail_nth(&o->op));
}

/* A kernel tree allocates where the core does not, and reserves by allocating. */
static bool is_allocation(u32 point)
{
	return point == FAULT_ANY || point == FAULT_ALLOC || point == FAULT_TEMP ||
	       point == FAULT_RESERVE;
}

void run_disarm(struct run *r, struct run_op *o)
{
	struct fault *f = machine_fault(r->s->machine);

	o->res.elsewhere |= f->nth && is_allocation(f->point);
	if (f->nth)
		o->res.fired = f->fired;
	fault_disarm(f);
	f->fired = 0;
}

void run_request_init(struct run *r, struct run_op *o, struct request *req, enum request_kind kind)
{
	*req = (struct request){
		.op = r->s->op,
		.kind = kind,
		.task = o->op.thread & (MACHINE_TASKS_MAX - 1),
	};
}

void run_mix(struct run *r, u64 value)
{
	r->s->digest = hash_add(r->s->digest, value);
}

/* Executes; the fault state tells whether a failure was injected into just this request. */
static void execute(struct run *r, struct request *req)
{
	struct fault *f = machine_fault(r->s->machine);
	u32 fired = f->fired;

	if (r->cfg.before)
		r->cfg.before(r->cfg.ctx, req);
	r->cfg.backend->execute(r->s->backend, req);
	if (r->cfg.after)
		r->cfg.after(r->cfg.ctx, req);
	req->injected = f->fired && !fired;
}

void run_request(struct run *r, struct run_op *o, struct request *req)
{
	machine_request_begin(r->s->machine, req);
	execute(r, req);
	machine_request_end(r->s->machine, req);
	o->res.kind = req->kind;
	o->res.rc = req->rc;
	run_mix(r, (u64)req->kind << 32 | (u32)req->rc);
}

void run_bracket_begin(struct run *r, struct run_op *o, struct request *req)
{
	run_request_init(r, o, req, REQ_NONE);
	machine_request_begin(r->s->machine, req);
}

void run_bracket_end(struct run *r, struct run_op *o, struct request *req, int rc)
{
	req->rc = rc;
	machine_request_end(r->s->machine, req);
	o->res.rc = rc;
	run_mix(r, (u64)o->op.code << 32 | (u32)rc);
}

static void release(struct run *r, struct run_object *pin)
{
	struct request req = {
		.op = r->s->op,
		.kind = REQ_UNPIN,
		.access = pin->owner,
		.iova = pin->iova,
		.length = pin->length,
	};

	run_dead(r, OBJ_PIN, pin);
	execute(r, &req);
	machine_request_nested(r->s->machine, &req);
}

/* Inclusive borders: ranges may end at the last byte of the address space. */
static bool overlaps(const struct run_object *pin, u64 iova, u64 length)
{
	return pin->iova <= iova + (length - 1) && iova <= pin->iova + (pin->length - 1);
}

/*
 * An access that refuses keeps its pins when an area is unmapped. When its table goes (the whole
 * address space) it must let go, as every driver has to.
 */
void run_access_unmap(void *ctx, u32 access, u64 iova, u64 length)
{
	bool all = !iova && length == UINT64_MAX;
	struct run *r = ctx;
	struct run_object *o = run_by_id(r, OBJ_ACCESS, access);
	u32 n = 0;

	machine_access_notified(r->s->machine, access, iova, length);
	if (o && o->refuse && !all)
		return;
	while (n < run_nr_live(r, OBJ_PIN)) {
		struct run_object *pin = run_nth_live(r, OBJ_PIN, n);

		if (pin->owner == access && (all || overlaps(pin, iova, length)))
			release(r, pin);
		else
			n++;
	}
}
