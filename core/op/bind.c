// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each op is bound just before it runs, from the state that it will meet. An area is bound to the
 * op that made it, the latest one whose bytes lie there: the right part of a cut has no op of its
 * own and becomes an offset from the left one.
 */
#include "core/op/bind.h"
#include "core/op/run_priv.h"

enum obj_kind op_ref_kind(const struct op *op, unsigned int i)
{
	enum obj_kind kind = op_info(op->code)->slot[i];

	if (kind == OBJ_NUM)
		return OBJ_NONE;
	if (op->code == OP_ACCESS && op->arg & OP_ACCESS_NONE)
		return OBJ_NONE;
	if (op->code != OP_COPY)
		return kind == OBJ_AREA && op_addr_mode(op) != OP_ADDR_AREA ? OBJ_NONE : kind;
	if (op->flags & OPF_SOURCE)
		return kind == OBJ_AREA ? OBJ_NONE : kind;
	/* An area by identity brings its table along. */
	return i == 1 && op_by_id(op, 2) ? OBJ_NONE : kind;
}

static void set_identity(struct run *r, struct op *op, unsigned int i, enum obj_kind kind,
			 const struct run_object *o)
{
	op_set_ref(op, i, run_identity(r, kind, o), true);
}

/* The object that slot @i means now; NULL: none. Not for areas. */
static struct run_object *meant(struct run *r, const struct op *op, unsigned int i)
{
	struct run_object *t;

	if (op->code != OP_DETACH || i != 1)
		return run_ref(r, op, i, op_ref_kind(op, i));
	t = run_ref(r, op, 0, OBJ_TABLE);
	return t ? run_detach_ref(r, op, t->id) : NULL;
}

static void bind_slots(struct run *r, const struct op *from, struct op *to)
{
	for (unsigned int i = 0; i < 3; i++) {
		enum obj_kind kind = op_ref_kind(from, i);
		struct run_object *o;

		if (kind == OBJ_NONE || kind == OBJ_AREA || op_by_id(from, i))
			continue;
		o = meant(r, from, i);
		if (o)
			set_identity(r, to, i, kind, o);
	}
}

/* --- areas ------------------------------------------------------------------- */

/* The table that an op counts areas in, 0: none. */
static u32 table_of(struct run *r, const struct op *op)
{
	unsigned int i = op->code == OP_COPY; /* the source's */
	enum obj_kind kind = op_ref_kind(op, i);
	struct run_object *o;

	if (kind != OBJ_TABLE && kind != OBJ_ACCESS && kind != OBJ_DOMAIN)
		return 0;
	o = run_ref(r, op, i, kind);
	if (!o)
		return 0;
	return kind == OBJ_TABLE ? o->id : o->owner;
}

/* NULL also for an area whose map reported an error after it was made (badout). */
static struct run_object *creator(struct run *r, u32 table, u64 iova)
{
	struct run_row *all = &r->s->kinds[OBJ_AREA].all;
	struct run_object *o = all->data;

	for (u32 i = all->nr; i--;)
		if (o[i].live && o[i].owner == table && iova - o[i].iova < o[i].length)
			return &o[i];
	return NULL;
}

/* WHOLE means an area that begins where the reference says. */
static bool say_length(struct op *op, u64 length)
{
	if (op->code == OP_MAP || !(op->flags & OPF_WHOLE))
		return true;
	op->flags &= ~OPF_WHOLE;
	op_set_len(op, length);
	return op_length_fits(op, length);
}

static void bind_nth_area(struct run *r, struct op *op, u32 table)
{
	struct run_object *made;
	struct op bound = *op;
	u64 iova, length;

	if (!table || !run_area_ref(r, op, table, &iova, &length))
		return;
	made = creator(r, table, iova);
	if ((!made || made->iova != iova) && !say_length(&bound, length))
		return;
	bound.addr += iova - (made ? made->iova : 0);
	if (made) {
		set_identity(r, &bound, 2, OBJ_AREA, made);
	} else {
		op_set_addr(&bound, OP_ADDR_ABS, bound.addr);
		op_set_ref(&bound, 2, 0, false);
	}
	*op = bound;
}

static void bind_address(struct run *r, struct op *op, u32 table)
{
	u64 iova = op_addr_mode(op) == OP_ADDR_END ? ~op->addr : op->addr;
	struct run_object *made = table ? creator(r, table, iova) : NULL;

	if (!made)
		return;
	op_set_addr(op, OP_ADDR_AREA, iova - made->iova);
	set_identity(r, op, 2, OBJ_AREA, made);
}

static bool has_place(unsigned int code)
{
	return code == OP_CUT || code == OP_UNMAP || code == OP_PIN || code == OP_RW ||
	       code == OP_DMA_READ || code == OP_DMA_WRITE;
}

/* --- copies ------------------------------------------------------------------ */

/* The offset of a copy has 32 bits, in pages where the length is. */
static bool set_copy_source(struct op *op, u64 offset)
{
	u64 unit = op->flags & OPF_PAGES ? PAGE_SIZE : 1;

	if (offset % unit || offset / unit > UINT32_MAX)
		return false;
	op->arg = offset / unit;
	return true;
}

static void bind_copy_nth(struct run *r, const struct op *from, struct op *to, u32 table)
{
	struct run_object *made;
	struct op bound = *to;
	u64 iova, length;

	if (!table || !run_area_ref(r, from, table, &iova, &length))
		return;
	made = creator(r, table, iova);
	if (!made)
		return;
	if (from->flags & OPF_WHOLE && iova != made->iova) {
		bound.flags &= ~OPF_WHOLE;
		op_set_len(&bound, length);
		if (!op_length_fits(&bound, length))
			return;
	}
	if (!set_copy_source(&bound, iova - made->iova + op_copy_offset(from)))
		return;
	set_identity(r, &bound, 2, OBJ_AREA, made);
	*to = bound;
}

/*
 * From an address: the source becomes an area, the MORE record's destination moves into the op.
 * True: it did, the record goes.
 */
static bool bind_copy_source(struct run *r, const struct op *from, const struct op *more,
			     struct op *to, u32 table)
{
	u64 iova = op_addr_mode(from) == OP_ADDR_END ? ~from->addr : from->addr;
	struct run_object *made = table ? creator(r, table, iova) : NULL;
	struct op bound = *to;

	if (!made || (more && op_addr_mode(more) == OP_ADDR_AREA))
		return false;
	bound.flags &= ~OPF_SOURCE;
	if (!set_copy_source(&bound, iova - made->iova))
		return false;
	op_set_addr(&bound, more ? op_addr_mode(more) : OP_ADDR_AUTO, more ? more->addr : 0);
	set_identity(r, &bound, 2, OBJ_AREA, made);
	*to = bound;
	return true;
}

/* --- all --------------------------------------------------------------------- */

/* True: the records behind it are spent. */
static bool bind_area(struct run *r, const struct op_group *g, struct op *to)
{
	const struct op *op = g->op;
	u32 table = table_of(r, op);

	if (op->code == OP_COPY && op->flags & OPF_SOURCE)
		return bind_copy_source(r, op, g->nr_more ? g->more : NULL, to, table);
	if (op->code == OP_COPY && !op_by_id(op, 2))
		bind_copy_nth(r, op, to, table);
	else if (op_ref_kind(op, 2) == OBJ_AREA && !op_by_id(op, 2))
		bind_nth_area(r, to, table);
	else if (has_place(op->code) && op_addr_mode(op) != OP_ADDR_AREA)
		bind_address(r, to, table);
	return false;
}

static int bind_op(struct run *r, const struct op_group *g, struct program *to)
{
	struct op op = *g->op, more;
	bool spent;
	int rc;

	bind_slots(r, g->op, &op);
	spent = bind_area(r, g, &op);
	rc = program_add(to, &op);
	if (!rc && g->name)
		rc = program_add(to, g->name);
	for (size_t i = 0; !rc && !spent && i < g->nr_more; i++) {
		more = g->more[i];
		if (g->op->code == OP_COPY && op_ref_kind(&more, 2) == OBJ_AREA &&
		    !op_by_id(&more, 2)) {
			struct run_object *t = run_ref(r, g->op, 0, OBJ_TABLE);

			bind_nth_area(r, &more, t ? t->id : 0);
		}
		rc = program_add(to, &more);
	}
	return rc;
}

int program_bind(struct run *r, const struct program *from, struct program *to)
{
	struct op_group g;
	size_t at = 0;
	int rc = 0;

	program_clear(to);
	while (!rc && at < from->nr) {
		program_group(from, at, &g);
		if (g.op && !run_full(r)) {
			rc = bind_op(r, &g, to);
			run_step(r, from, &at);
			at = g.next;
			continue;
		}
		for (; !rc && at < g.next; at++)
			rc = program_add(to, &from->ops[at]);
	}
	return rc;
}
