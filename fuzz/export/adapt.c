// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the mock cannot have is changed before the core is asked for results, so that these are what
 * iommufd would answer to the program that is written, not to the trace. Two rules: an op is never
 * taken out if it creates something (identities count ops), and nothing is added but what makes
 * areas come to lie where a mock domain reaches.
 */
#include "core/compat/fault.h"
#include "core/op/bind.h"
#include "fuzz/export/adapt.h"

#include <stdlib.h>

#define NO_OBJECT 0xfffffu /* an identity that no op has: the op does nothing */

const char *note_text(enum note note)
{
	static const char *const texts[] = {
#define X(id, fate, text) text,
		NOTES(X)
#undef X
	};

	return texts[note];
}

enum export_fate note_fate(enum note note)
{
	static const u8 fates[] = {
#define X(id, fate, text) EXPORT_##fate,
		NOTES(X)
#undef X
	};

	return fates[note];
}

/* What is known of a table before anything runs. */
struct table_plan {
	bool automatic; /* something was mapped at an address of the table's choice */
	bool window;	/* and a domain comes later */
	bool lists;	/* it has allowed or reserved ranges of the trace's */
};

struct adapter {
	const struct program *from;
	const struct answer *answers;
	struct adapted *to;
	struct table_plan *tables;
	u32 nr_tables;
	u32 *owners; /* of buffers: the task */
	u32 nr_buffers;
	u32 gone; /* tasks that have exited */
	struct step step;
	bool no_memory;
};

/* --- before: tables and tasks ------------------------------------------------ */

static struct table_plan *table_of(struct adapter *a, const struct op *op)
{
	u32 id = op_slot(op, 0);

	return op_by_id(op, 0) && id < a->nr_tables ? &a->tables[id] : NULL;
}

static bool is_automatic(const struct op_group *g)
{
	const struct op *op = g->op;

	if (op->code == OP_COPY && op->flags & OPF_SOURCE)
		return !g->nr_more;
	return op_addr_mode(op) == OP_ADDR_AUTO;
}

static void plan_table(struct adapter *a, const struct op_group *g)
{
	struct table_plan *t = table_of(a, g->op);

	if (!t)
		return;
	switch (g->op->code) {
	case OP_MAP:
	case OP_COPY:
		t->automatic |= is_automatic(g);
		break;
	case OP_ATTACH:
		t->window |= t->automatic;
		break;
	case OP_ALLOW:
	case OP_RESERVE:
		t->lists = true;
		break;
	default:
		break;
	}
}

static bool has_task(unsigned int code)
{
	return code == OP_BUFFER || code == OP_RLIMIT || code == OP_CAP || code == OP_EXIT ||
	       code == OP_RW || code == OP_RLIMIT_MODE;
}

/* The test is task 0, or, where that dies on the way, one that nobody else is. */
static void plan_tasks(struct adapter *a, u32 seen, u32 exits)
{
	a->to->here = 0;
	while (exits >> a->to->here & 1 || (exits & 1 && seen >> a->to->here & 1))
		a->to->here++;
	a->to->here &= 7;
	a->to->children = seen & ~(1u << a->to->here);
}

static int plan(struct adapter *a)
{
	u32 seen = 0, exits = 0;
	struct op_group g;

	for (size_t i = 0; i < a->from->nr; i++) {
		const struct op *op = &a->from->ops[i];

		a->nr_tables += op->code == OP_TABLE;
		a->nr_buffers += op->code == OP_BUFFER;
		seen |= has_task(op->code) ? 1u << op->thread : 0;
		exits |= op->code == OP_EXIT ? 1u << op->thread : 0;
	}
	plan_tasks(a, seen, exits);
	moves_plan(a->from, &a->to->moves);
	a->tables = calloc(a->nr_tables + 1, sizeof(*a->tables));
	a->owners = calloc(a->nr_buffers + 1, sizeof(*a->owners));
	a->to->steps = calloc(3 * a->from->nr + 1, sizeof(*a->to->steps));
	if (!a->tables || !a->owners || !a->to->steps)
		return -ENOMEM;
	for (size_t at = 0; at < a->from->nr; at = g.next) {
		program_group(a->from, at, &g);
		if (g.op)
			plan_table(a, &g);
	}
	a->nr_buffers = 0; /* from here on: those that were met */
	return 0;
}

/* --- one op ------------------------------------------------------------------ */

static void note(struct adapter *a, enum note n)
{
	a->step.notes |= 1u << n;
}

/* It refers to nothing from now on: it does nothing, and is counted where it creates. */
static void leave_out(struct adapter *a, struct op *op, enum note n)
{
	note(a, n);
	if (op_info(op->code)->slot[0] == OBJ_NONE)
		*op = (struct op){.code = OP_NOP};
	else
		op_set_ref(op, 0, NO_OBJECT, true);
}

static void adapt_attach(struct adapter *a, struct op *op)
{
	if (op->flags & OPF_NC)
		note(a, NOTE_COHERENCE);
	if (op->arg)
		note(a, NOTE_PGSIZE);
	if (op->addr || op_length(op))
		note(a, NOTE_APERTURE);
	if (op_slot(op, 1))
		note(a, NOTE_LEAVES);
	op->arg = MOCK_PAGE_SIZE >> 9;
	op_set_slot(op, 1, 0);
	op_set_addr(op, OP_ADDR_ABS, MOCK_FIRST);
	op_set_len(op, MOCK_LAST - MOCK_FIRST + 1);
}

/* An address that the kernel gives to nobody is left to it. */
static void adapt_buffer(struct adapter *a, struct op *op)
{
	u64 most = (1ULL << 47) - PAGE_SIZE;
	bool at = op_addr_mode(op) != OP_ADDR_AUTO;

	a->owners[a->nr_buffers++] = op->thread;
	if (!at || (op_addr_mode(op) == OP_ADDR_ABS && op->addr >= 0x10000 && op->addr < most &&
		    (u64)op->arg << PAGE_SHIFT <= most - op->addr))
		return;
	note(a, NOTE_PLACE);
	op_set_addr(op, OP_ADDR_AUTO, 0);
}

static void adapt_map(struct adapter *a, struct op *op)
{
	u32 id = op_slot(op, 1), task = id < a->nr_buffers ? a->owners[id] : 0;

	if (!op_by_id(op, 1))
		return;
	if (a->gone >> task & 1)
		leave_out(a, op, NOTE_GONE);
	else if (op->flags & OPF_BAD_OUT && task != a->to->here)
		leave_out(a, op, NOTE_BADOUT);
}

/*
 * Whose request it is makes no difference but to what looks at the caller: the rest is the test's.
 * False: a dead process asks for nothing.
 */
static bool adapt_caller(struct adapter *a, struct op *op)
{
	if (!has_task(op->code) && op_info(op->code)->fields & OPX_REQ)
		op->thread = a->to->here;
	if (!has_task(op->code) || op->code == OP_BUFFER || !(a->gone >> op->thread & 1))
		return true;
	leave_out(a, op, NOTE_GONE);
	return false;
}

/*
 * A reference that is not bound was one to nothing. With other domains, or other failures, it might
 * be one to something here.
 */
static void adapt_refs(struct op *op)
{
	for (unsigned int i = 0; i < 3; i++)
		if (op_ref_kind(op, i) != OBJ_NONE && !op_by_id(op, i))
			op_set_ref(op, i, NO_OBJECT, true);
}

/*
 * Elsewhere areas lie in another order, and the n-th place is another one. What failed is to fail,
 * at whatever place comes first; nothing else is.
 */
static void adapt_fail(struct adapter *a, struct op *op)
{
	const struct answer *answer = &a->answers[a->step.number];

	if (op_info(op->code)->fields & OPX_REQ)
		op_set_fail(op, FAULT_ANY, answer->fired && answer->rc < 0);
}

static void adapt_op(struct adapter *a, struct op *op)
{
	adapt_fail(a, op);
	adapt_refs(op);
	if (!adapt_caller(a, op))
		return;
	switch (op->code) {
	case OP_ATTACH:
		return adapt_attach(a, op);
	case OP_BUFFER:
		return adapt_buffer(a, op);
	case OP_MAP:
		return adapt_map(a, op);
	case OP_CUT:
		return leave_out(a, op, NOTE_CUT);
	case OP_UNRESERVE:
		return leave_out(a, op, NOTE_UNRESERVE);
	case OP_REATTACH:
		return leave_out(a, op, NOTE_REATTACH);
	case OP_GUP_LIMIT:
		return leave_out(a, op, NOTE_GUP);
	case OP_DMA_READ:
	case OP_DMA_WRITE:
		return leave_out(a, op, NOTE_DEVICE);
	case OP_EVICT:
		return leave_out(a, op, NOTE_EVICT);
	case OP_ACCESS:
		if (op->arg & OP_ACCESS_REFUSE)
			note(a, NOTE_REFUSE);
		op->arg &= ~OP_ACCESS_REFUSE;
		return;
	case OP_RW:
		if (op->flags & OPF_KTHREAD)
			note(a, NOTE_KTHREAD);
		op->flags &= ~OPF_KTHREAD;
		return;
	case OP_EXIT:
		a->gone |= 1u << op->thread;
		return;
	default:
		return;
	}
}

/* --- all --------------------------------------------------------------------- */

static void add(struct adapter *a, const struct op *op)
{
	if (program_add(&a->to->program, op))
		a->no_memory = true;
}

static void add_range(struct adapter *a, u8 code, u32 table, u64 first, u64 last)
{
	struct op op = {.code = code, .addr = first, .thread = a->to->here};

	op_set_ref(&op, 0, table, true);
	op_set_len(&op, last - first + 1);
	add(a, &op);
	a->to->steps[a->to->nr++] = (struct step){0};
}

/*
 * Behind the table: what is mapped before its domain comes is to lie where the domain reaches. A
 * list of the trace's own would take the place of this one, then all else is reserved.
 */
static void add_window(struct adapter *a, u32 table)
{
	const struct table_plan *t = &a->tables[table];

	if (!t->window)
		return;
	if (!t->lists) {
		add_range(a, OP_ALLOW, table, MOCK_FIRST, MOCK_LAST);
		return;
	}
	add_range(a, OP_RESERVE, table, 0, MOCK_FIRST - 1);
	add_range(a, OP_RESERVE, table, MOCK_LAST + 1, UINT64_MAX);
}

static void adapt_group(struct adapter *a, const struct op_group *g)
{
	struct op op = *g->op;

	moves_apply(&a->to->moves, g->op, &op);
	adapt_op(a, &op);
	add(a, &op);
	if (g->name)
		add(a, g->name);
	for (size_t i = 0; i < g->nr_more; i++) {
		op = g->more[i];
		moves_apply(&a->to->moves, &g->more[i], &op);
		adapt_refs(&op);
		add(a, &op);
	}
	a->to->steps[a->to->nr++] = a->step;
}

int adapt(const struct program *bound, const struct answer *answers, struct adapted *out)
{
	struct adapter a = {.from = bound, .answers = answers, .to = out};
	u32 tables = 0, number = 0;
	struct op_group g;
	int rc;

	*out = (struct adapted){0};
	rc = plan(&a);
	for (size_t at = 0; !rc && at < bound->nr; at = g.next) {
		program_group(bound, at, &g);
		if (!g.op)
			continue;
		a.step = (struct step){.number = ++number};
		adapt_group(&a, &g);
		if (g.op->code == OP_TABLE)
			add_window(&a, tables++);
		rc = a.no_memory ? -ENOMEM : 0;
	}
	free(a.tables);
	free(a.owners);
	return rc;
}

void adapt_free(struct adapted *a)
{
	program_free(&a->program);
	free(a->steps);
}
