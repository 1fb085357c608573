// SPDX-License-Identifier: GPL-2.0-only
/* Ops of in-kernel accesses: create, attach, replace, detach, pin, unpin, rw. */
#include "core/op/envelope.h"
#include "core/op/run_priv.h"

static void access_table(struct run *r, struct run_op *o, struct run_object *access,
			 enum request_kind kind, u32 table)
{
	struct request req;

	run_request_init(r, o, &req, kind);
	req.access = access->id;
	req.table = table;
	run_request(r, o, &req);
	if (!req.rc)
		access->owner = table;
}

static bool access_create(struct run *r, struct run_op *o)
{
	struct run_object *a = run_made(r, OBJ_ACCESS), *t = NULL;
	struct request req;

	if (!(o->op.arg & OP_ACCESS_NONE)) {
		t = run_ref(r, &o->op, 0, OBJ_TABLE);
		if (!t)
			return false;
	}
	run_request_init(r, o, &req, REQ_ACCESS_CREATE);
	a->id = ++r->s->ids[OBJ_ACCESS];
	req.access = a->id;
	req.flags = o->op.flags & OPF_PIN ? REQF_PIN : 0;
	run_request(r, o, &req);
	if (req.rc)
		return true;
	a->refuse = o->op.arg & OP_ACCESS_REFUSE;
	run_live(r, OBJ_ACCESS, a);
	if (t)
		access_table(r, o, a, REQ_ACCESS_ATTACH, t->id);
	return true;
}

static bool access_change(struct run *r, struct run_op *o, enum request_kind kind)
{
	struct run_object *a = run_ref(r, &o->op, 0, OBJ_ACCESS), *t;
	u32 table = RUN_BAD_ID;

	if (!a)
		return false;
	if (!(o->op.flags & OPF_BAD_ID)) {
		t = run_ref(r, &o->op, 1, OBJ_TABLE);
		if (!t)
			return false;
		table = t->id;
	}
	access_table(r, o, a, kind, table);
	return true;
}

static bool access_detach(struct run *r, struct run_op *o)
{
	struct run_object *a = run_ref(r, &o->op, 0, OBJ_ACCESS);

	if (!a)
		return false;
	access_table(r, o, a, REQ_ACCESS_DETACH, 0);
	return true;
}

void run_access_destroy(struct run *r, struct run_op *o, struct run_object *a)
{
	struct request req;

	run_request_init(r, o, &req, REQ_ACCESS_DESTROY);
	req.access = a->id;
	run_request(r, o, &req);
	if (!req.rc)
		run_dead(r, OBJ_ACCESS, a);
}

static bool access_destroy(struct run *r, struct run_op *o)
{
	struct run_object *a = run_ref(r, &o->op, 0, OBJ_ACCESS);

	if (!a)
		return false;
	run_access_destroy(r, o, a);
	return true;
}

/* --- pins ------------------------------------------------------------------------------------- */

/* What is longer is refused by the ioctl layer before anything is looked at. */
static u64 pages_room(u64 length)
{
	return min(length, ENVELOPE_TEST_LENGTH_MAX) / PAGE_SIZE + 2;
}

/*
 * The same for bytes; in between, lengths are reduced, so that no fuzzer spends its time on
 * copies.
 */
static u64 bytes_room(u64 *length)
{
	if (*length > ENVELOPE_TEST_LENGTH_MAX)
		return 0;
	if (*length > RUN_BYTES)
		*length %= RUN_BYTES;
	return *length;
}

static bool pin(struct run *r, struct run_op *o)
{
	struct run_object *a = run_ref(r, &o->op, 0, OBJ_ACCESS), *p = run_made(r, OBJ_PIN);
	struct request req;

	run_request_init(r, o, &req, REQ_PIN);
	if (!a || !run_span(r, &o->op, a->owner, &req.iova, &req.length))
		return false;
	req.access = a->id;
	req.flags = o->op.flags & OPF_WRITE ? REQF_WRITE : 0;
	if (o->op.flags & OPF_BAD_FLAG)
		req.flags |= REQF_BAD_FLAG;
	req.nr_pfns = pages_room(req.length);
	req.pfns = arena_alloc(r->side, req.nr_pfns * sizeof(*req.pfns));
	if (!req.pfns)
		return false;
	run_request(r, o, &req);
	if (!req.rc) {
		p->owner = a->id;
		p->iova = req.iova;
		p->length = req.length;
		run_live(r, OBJ_PIN, p);
		for (u64 i = 0; i <= (req.length - 1) / PAGE_SIZE; i++)
			run_mix(r, req.pfns[i]);
	}
	arena_free(r->side, req.pfns, req.nr_pfns * sizeof(*req.pfns));
	return true;
}

static bool unpin(struct run *r, struct run_op *o)
{
	struct run_object *p = run_ref(r, &o->op, 0, OBJ_PIN);
	struct request req;

	if (!p)
		return false;
	run_request_init(r, o, &req, REQ_UNPIN);
	req.access = p->owner;
	req.iova = p->iova;
	req.length = p->length;
	/* Released whatever comes of it: an access does not unpin twice. */
	run_dead(r, OBJ_PIN, p);
	run_request(r, o, &req);
	return true;
}

static bool rw(struct run *r, struct run_op *o)
{
	struct run_object *a = run_ref(r, &o->op, 0, OBJ_ACCESS);
	bool write = o->op.flags & OPF_WRITE;
	struct request req;
	u64 room;

	run_request_init(r, o, &req, REQ_RW);
	if (!a || !run_span(r, &o->op, a->owner, &req.iova, &req.length))
		return false;
	req.access = a->id;
	room = bytes_room(&req.length);
	req.flags = (write ? REQF_WRITE : 0) | (o->op.flags & OPF_KTHREAD ? REQF_KTHREAD : 0);
	if (o->op.flags & OPF_BAD_FLAG)
		req.flags |= REQF_BAD_FLAG;
	req.data = arena_alloc(r->side, room);
	if (!req.data)
		return false;
	if (write)
		run_pattern(req.data, room, mix64(r->s->op), 8);
	run_values_begin_rw(r, a->owner, req.iova, req.data, room, write);
	run_request(r, o, &req);
	run_values_end(r);
	if (!write)
		run_mix_bytes(r, req.data, room);
	arena_free(r->side, req.data, room);
	return true;
}

bool run_access_op(struct run *r, struct run_op *o)
{
	switch (o->op.code) {
	case OP_ACCESS:
		return access_create(r, o);
	case OP_ACCESS_ATTACH:
		return access_change(r, o, REQ_ACCESS_ATTACH);
	case OP_ACCESS_REPLACE:
		return access_change(r, o, REQ_ACCESS_REPLACE);
	case OP_ACCESS_DETACH:
		return access_detach(r, o);
	case OP_ACCESS_DESTROY:
		return access_destroy(r, o);
	case OP_PIN:
		return pin(r, o);
	case OP_UNPIN:
		return unpin(r, o);
	case OP_RW:
		return rw(r, o);
	default:
		return run_machine_op(r, o);
	}
}
