// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ops on tables: domains, map, copy, cut, unmap, reserved and allowed ranges, options.
 *
 * Each function resolves what its op refers to and returns false when there is nothing; else it
 * fills in one request and lets it happen. Objects come to live, and die, by the results alone.
 * Values that only the core or the model can judge (a length of 0, a range that wraps) are handed
 * on as they are: errnos are results.
 */
#include "core/op/run_priv.h"

static u32 envelope(const struct op *op)
{
	u32 flags = 0;

	if (op->flags & OPF_BAD_FLAG)
		flags |= REQF_BAD_FLAG;
	if (op->flags & OPF_RESERVED)
		flags |= REQF_RESERVED;
	if (op->flags & OPF_BAD_OUT)
		flags |= REQF_BAD_OUT;
	return flags;
}

/*
 * The table of slot 0 as id; with `badid` one that names nothing, and *at the table that n-th areas
 * are counted in all the same. 0: the op does nothing.
 */
static u32 table_ref(struct run *r, const struct op *op, u32 *at)
{
	struct run_object *t = run_ref(r, op, 0, OBJ_TABLE);

	*at = t ? t->id : RUN_BAD_ID;
	if (op->flags & OPF_BAD_ID)
		return RUN_BAD_ID;
	return t ? t->id : 0;
}

static bool table_create(struct run *r, struct run_op *o)
{
	struct run_object *t = run_made(r, OBJ_TABLE);
	struct request req;

	run_request_init(r, o, &req, REQ_TABLE_CREATE);
	t->id = ++r->s->ids[OBJ_TABLE];
	req.table = t->id;
	run_request(r, o, &req);
	if (!req.rc)
		run_live(r, OBJ_TABLE, t);
	return true;
}

void run_table_destroy(struct run *r, struct run_op *o, u32 table)
{
	struct request req;

	run_request_init(r, o, &req, REQ_TABLE_DESTROY);
	req.table = table;
	run_request(r, o, &req);
	if (!req.rc)
		run_dead(r, OBJ_TABLE, run_by_id(r, OBJ_TABLE, table));
}

static bool table_destroy(struct run *r, struct run_op *o)
{
	u32 at, table = table_ref(r, &o->op, &at);

	if (!table)
		return false;
	run_table_destroy(r, o, table);
	return true;
}

/* --- domains ---------------------------------------------------------------------------------- */

static int make_domain(struct run *r, const struct op *op, struct domain **out)
{
	struct domain_config cfg = {
		.enforce_cache_coherency = !(op->flags & OPF_NC),
		.pgsize_bitmap = op_pgsize_bitmap(op),
		.aperture_start = op->addr,
		.aperture_last = op->addr + op_length(op) - 1,
		.max_leaves = op_slot(op, 1),
	};

	if (cfg.aperture_last < cfg.aperture_start)
		cfg.aperture_last = UINT64_MAX;
	return domain_create(r->s->machine, &cfg, out);
}

static bool attach(struct run *r, struct run_op *o)
{
	struct run_object *t = run_ref(r, &o->op, 0, OBJ_TABLE), *d = run_made(r, OBJ_DOMAIN);
	struct request req;
	struct domain *domain;

	if (!t)
		return false;
	o->res.rc = make_domain(r, &o->op, &domain);
	if (o->res.rc)
		return true;
	run_arm(r, o);
	run_request_init(r, o, &req, REQ_ATTACH);
	req.table = t->id;
	req.domain = domain_id(domain);
	req.flags = domain_nc(domain) ? REQF_NC_ATTACH : 0;
	run_request(r, o, &req);
	run_disarm(r, o);
	if (req.rc) {
		domain_free(r->s->machine, domain);
		return true;
	}
	d->id = req.domain;
	d->owner = t->id;
	run_live(r, OBJ_DOMAIN, d);
	return true;
}

/* In whatever table it already is: EEXIST, a domain belongs to one. */
static bool reattach(struct run *r, struct run_op *o)
{
	struct run_object *t = run_ref(r, &o->op, 0, OBJ_TABLE);
	struct run_object *d = run_ref(r, &o->op, 1, OBJ_DOMAIN);
	struct request req;

	if (!t || !d)
		return false;
	run_request_init(r, o, &req, REQ_ATTACH);
	req.table = t->id;
	req.domain = d->id;
	req.flags = domain_nc(machine_domain(r->s->machine, d->id)) ? REQF_NC_ATTACH : 0;
	run_request(r, o, &req);
	return true;
}

/* The domain that slot 1 of a detach means: by identity any, else the n-th of the table. */
struct run_object *run_detach_ref(struct run *r, const struct op *op, u32 table)
{
	u32 nr = 0, n;

	if (op_by_id(op, 1))
		return run_ref(r, op, 1, OBJ_DOMAIN);
	for (n = 0; n < run_nr_live(r, OBJ_DOMAIN); n++)
		nr += run_nth_live(r, OBJ_DOMAIN, n)->owner == table;
	if (!nr)
		return NULL;
	nr = op_slot(op, 1) % nr;
	for (n = 0;; n++)
		if (run_nth_live(r, OBJ_DOMAIN, n)->owner == table && !nr--)
			return run_nth_live(r, OBJ_DOMAIN, n);
}

void run_detach(struct run *r, struct run_op *o, u32 table, u32 domain)
{
	struct request req;

	run_request_init(r, o, &req, REQ_DETACH);
	req.table = table;
	req.domain = domain;
	run_request(r, o, &req);
	if (req.rc)
		return;
	domain_free(r->s->machine, machine_domain(r->s->machine, domain));
	run_dead(r, OBJ_DOMAIN, run_by_id(r, OBJ_DOMAIN, domain));
}

static bool detach(struct run *r, struct run_op *o)
{
	struct run_object *t = run_ref(r, &o->op, 0, OBJ_TABLE), *d;

	d = t ? run_detach_ref(r, &o->op, t->id) : NULL;
	if (!d)
		return false;
	run_detach(r, o, t->id, d->id);
	return true;
}

/* --- areas ------------------------------------------------------------------------------------ */

static u32 prot(const struct op *op)
{
	return (op->flags & OPF_READ ? REQ_PROT_READ : 0) |
	       (op->flags & OPF_WRITE ? REQ_PROT_WRITE : 0);
}

/* Where a map or copy goes, by the address of @op. */
static bool destination(struct run *r, const struct op *op, u32 table, struct request *req)
{
	u64 ignored;

	if (op_addr_mode(op) == OP_ADDR_AUTO)
		return true;
	req->flags |= REQF_FIXED;
	return run_span(r, op, table, &req->iova, &ignored);
}

static void area_request(struct run *r, struct run_op *o, struct request *req, u32 table)
{
	struct run_object *area;

	run_request(r, o, req);
	o->res.out = req->out_iova;
	if (req->rc)
		return;
	run_mix(r, req->out_iova);
	area = run_made(r, OBJ_AREA);
	area->owner = table;
	area->iova = req->out_iova;
	area->length = req->length;
	run_live(r, OBJ_AREA, area);
}

static bool map(struct run *r, struct run_op *o)
{
	struct run_object *b = run_ref(r, &o->op, 1, OBJ_BUFFER);
	struct request req;
	u32 at;

	run_request_init(r, o, &req, REQ_MAP);
	req.table = table_ref(r, &o->op, &at);
	if (!req.table || !b || !destination(r, &o->op, at, &req))
		return false;
	req.flags |= envelope(&o->op);
	req.task = buffer_task(b->buffer);
	req.prot = prot(&o->op);
	req.uptr = buffer_va(b->buffer) + op_map_offset(&o->op);
	req.length = op_length(&o->op);
	if (o->op.flags & OPF_WHOLE)
		req.length = buffer_npages(b->buffer) << PAGE_SHIFT;
	area_request(r, o, &req, req.table);
	return true;
}

/* Without OPF_SOURCE: a sub-range of an area, whose table it brings along when it is named. */
static bool copy_source(struct run *r, const struct op *op, struct request *req)
{
	struct run_object *t, *area;
	u64 length;

	if (op_by_id(op, 2)) {
		area = run_area(r, op_slot(op, 2));
		req->src_table = area ? area->owner : 0;
	} else {
		t = run_ref(r, op, 1, OBJ_TABLE);
		req->src_table = t ? t->id : 0;
	}
	if (!req->src_table || !run_area_ref(r, op, req->src_table, &req->src_iova, &length))
		return false;
	req->src_iova += op_copy_offset(op);
	req->length = op->flags & OPF_WHOLE ? length : op_length(op);
	return true;
}

static bool copy(struct run *r, struct run_op *o)
{
	const struct op *op = &o->op, *to = op;
	struct run_object *t;
	struct request req;
	u32 at;

	run_request_init(r, o, &req, REQ_COPY);
	req.table = table_ref(r, op, &at);
	if (!req.table)
		return false;
	if (op->flags & OPF_SOURCE) {
		t = run_ref(r, op, 1, OBJ_TABLE);
		if (!t || !run_span(r, op, t->id, &req.src_iova, &req.length))
			return false;
		req.src_table = t->id;
		to = o->nr_more ? o->more : NULL;
	} else if (!copy_source(r, op, &req)) {
		return false;
	}
	if (to && !destination(r, to, at, &req))
		return false;
	req.flags |= envelope(op);
	req.prot = prot(op);
	if (op->flags & OPF_BAD_SRC)
		req.src_table = RUN_BAD_ID;
	area_request(r, o, &req, req.table);
	return true;
}

static bool cut(struct run *r, struct run_op *o)
{
	struct request req;
	u64 ignored;
	u32 at;

	run_request_init(r, o, &req, REQ_CUT);
	req.table = table_ref(r, &o->op, &at);
	if (!req.table || !run_span(r, &o->op, at, &req.iova, &ignored))
		return false;
	run_request(r, o, &req);
	return true;
}

static bool unmap(struct run *r, struct run_op *o)
{
	struct request req;
	u32 at;

	run_request_init(r, o, &req, REQ_UNMAP);
	req.table = table_ref(r, &o->op, &at);
	if (!req.table)
		return false;
	req.flags = envelope(&o->op);
	req.length = UINT64_MAX;
	if (o->op.code == OP_UNMAP && !run_span(r, &o->op, at, &req.iova, &req.length))
		return false;
	run_request(r, o, &req);
	o->res.out = req.out_length;
	run_mix(r, req.out_length);
	return true;
}

/* --- reserved, allowed, ranges ---------------------------------------------------------------- */

static bool reserve(struct run *r, struct run_op *o)
{
	struct request req;
	u64 length;
	u32 at;

	run_request_init(r, o, &req, REQ_RESERVE);
	req.table = table_ref(r, &o->op, &at);
	if (!req.table || !run_span(r, &o->op, at, &req.iova, &length))
		return false;
	/* No bytes, or past the end: the last byte lies before the first, which is refused. */
	req.last = req.iova + length - 1;
	run_request(r, o, &req);
	return true;
}

static bool unreserve(struct run *r, struct run_op *o)
{
	struct request req;
	u32 at;

	run_request_init(r, o, &req, REQ_UNRESERVE);
	req.table = table_ref(r, &o->op, &at);
	if (!req.table)
		return false;
	run_request(r, o, &req);
	return true;
}

static struct iova_range allow_range(const struct op *op)
{
	u64 start = op_addr_mode(op) == OP_ADDR_END ? ~op->addr : op->addr;

	return (struct iova_range){start, start + op_length(op) - 1};
}

static bool allow(struct run *r, struct run_op *o)
{
	u32 nr = o->op.flags & OPF_WHOLE ? 0 : 1 + o->nr_more, at;
	struct request req;

	run_request_init(r, o, &req, REQ_ALLOW);
	req.table = table_ref(r, &o->op, &at);
	if (!req.table)
		return false;
	req.ranges = arena_alloc(r->side, nr * sizeof(*req.ranges));
	if (!req.ranges)
		return false;
	req.nr_ranges = nr;
	if (nr)
		req.ranges[0] = allow_range(&o->op);
	for (u32 i = 1; i < nr; i++)
		req.ranges[i] = allow_range(&o->more[i - 1]);
	req.flags = o->op.flags & OPF_RESERVED ? REQF_RESERVED : 0;
	if (o->op.flags & OPF_BAD_IN)
		req.flags |= REQF_BAD_IN;
	run_request(r, o, &req);
	arena_free(r->side, req.ranges, nr * sizeof(*req.ranges));
	return true;
}

static bool count_range(void *ctx, u64 start, u64 last, u64 owner)
{
	++*(u32 *)ctx;
	return true;
}

/* No more ranges than reserved ones plus one can come out. */
static u32 ranges_room(struct run *r, const struct op *op, u32 table)
{
	struct backend_view view;
	u32 nr = 1;

	if (op->arg)
		return min(op->arg - 1, 1u << 16);
	r->cfg.backend->view(r->s->backend, &view);
	view.reserved(view.ctx, table, count_range, &nr);
	return nr;
}

static bool ranges(struct run *r, struct run_op *o)
{
	struct request req;
	u32 at, room;

	run_request_init(r, o, &req, REQ_RANGES);
	req.table = table_ref(r, &o->op, &at);
	if (!req.table)
		return false;
	room = ranges_room(r, &o->op, at);
	req.ranges = arena_alloc(r->side, room * sizeof(*req.ranges));
	if (!req.ranges)
		return false;
	req.nr_ranges = room;
	req.flags = envelope(&o->op);
	run_request(r, o, &req);
	o->res.out = req.out_nr;
	run_mix(r, hash_add(req.out_nr, req.out_alignment));
	for (u32 i = 0; i < min(room, req.out_nr); i++)
		run_mix(r, hash_add(req.ranges[i].start, req.ranges[i].last));
	arena_free(r->side, req.ranges, room * sizeof(*req.ranges));
	return true;
}

/* --- options ---------------------------------------------------------------------------------- */

static bool option(struct run *r, struct run_op *o, enum request_kind kind)
{
	struct request req;
	u32 at;

	run_request_init(r, o, &req, kind);
	if (kind == REQ_HUGE_PAGES) {
		req.table = table_ref(r, &o->op, &at);
		if (!req.table)
			return false;
	}
	req.value = o->op.arg;
	if (kind == REQ_RLIMIT_MODE && o->op.flags & OPF_BAD_ID)
		req.option_object = 1;
	if (kind == REQ_TEMP_LIMIT && r->cfg.temp_limit)
		req.value = req.value < 12 ? req.value : r->cfg.temp_limit;
	req.flags = envelope(&o->op) & REQF_RESERVED;
	if (o->op.flags & OPF_GET)
		req.flags |= REQF_GET;
	if (o->op.flags & OPF_BAD_OP)
		req.flags |= REQF_BAD_OP;
	run_request(r, o, &req);
	o->res.out = req.out_length;
	if (req.flags & REQF_GET)
		run_mix(r, req.out_length);
	return true;
}

bool run_core_op(struct run *r, struct run_op *o)
{
	switch (o->op.code) {
	case OP_TABLE:
		return table_create(r, o);
	case OP_TABLE_DESTROY:
		return table_destroy(r, o);
	case OP_ATTACH:
		return attach(r, o);
	case OP_REATTACH:
		return reattach(r, o);
	case OP_DETACH:
		return detach(r, o);
	case OP_MAP:
		return map(r, o);
	case OP_COPY:
		return copy(r, o);
	case OP_CUT:
		return cut(r, o);
	case OP_UNMAP:
	case OP_UNMAP_ALL:
		return unmap(r, o);
	case OP_RESERVE:
		return reserve(r, o);
	case OP_UNRESERVE:
		return unreserve(r, o);
	case OP_ALLOW:
		return allow(r, o);
	case OP_RANGES:
		return ranges(r, o);
	case OP_HUGE_PAGES:
		return option(r, o, REQ_HUGE_PAGES);
	case OP_RLIMIT_MODE:
		return option(r, o, REQ_RLIMIT_MODE);
	case OP_TEMP_LIMIT:
		return option(r, o, REQ_TEMP_LIMIT);
	default:
		return run_access_op(r, o);
	}
}
