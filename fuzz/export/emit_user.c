// SPDX-License-Identifier: GPL-2.0-only
/*
 * User memory and the processes that have it. A buffer is shared anonymous memory; one whose pages
 * are shown elsewhere, or privately, is a file of its own. A hole is memory without access: the
 * page stays, and a pin of it faults.
 */
#include "fuzz/export/emit.h"

#include <inttypes.h>
#include <stdlib.h>

#define FILED_MAX (1ULL << 20) /* pages whose place in a file is kept */

/* --- before the passes ------------------------------------------------------- */

/* Aliasing names its source, copy-on-write wants something to be a private copy of. */
static bool wants_file(const struct op *op, u32 *buffer)
{
	if (op->code != OP_ALIAS && (op->code != OP_PAGE_FLAGS || !(op->addr & UPAGE_COW)))
		return false;
	*buffer = op_slot(op, op->code == OP_ALIAS);
	return op_by_id(op, op->code == OP_ALIAS);
}

int emit_user_prepare(struct exporter *ex)
{
	u32 nr = ex->nr_names[OBJ_BUFFER], buffer;
	const struct program *p = &ex->adapted.program;

	ex->filed = calloc(nr + 1, sizeof(*ex->filed));
	ex->mem_total = calloc(nr + 1, sizeof(*ex->mem_total));
	if (!ex->filed || !ex->mem_total)
		return -ENOMEM;
	for (size_t i = 0; i < p->nr; i++)
		if (wants_file(&p->ops[i], &buffer) && buffer < nr)
			ex->filed[buffer] = true;
	/* The page that an alias takes the place of may be asked for again. */
	for (size_t i = 0; i < p->nr; i++)
		if (p->ops[i].code == OP_ALIAS && op_slot(&p->ops[i], 0) < nr)
			ex->filed[op_slot(&p->ops[i], 0)] = true;
	return 0;
}

/* --- pages ------------------------------------------------------------------- */

struct pages {
	u64 first, last;
};

/* As op_run cuts them to the buffer. */
static bool pages_of(const struct exporter *ex, const struct ex_buffer *b, struct pages *p)
{
	bool whole = ex->op->flags & OPF_WHOLE;

	p->first = whole ? 0 : ex->op->arg;
	if (p->first >= b->npages)
		return false;
	p->last = b->npages - 1;
	if (!whole)
		p->last = min(p->last - p->first, max(op_len(ex->op), 1ULL) - 1) + p->first;
	return true;
}

static struct words page_text(struct exporter *ex, u32 id, u64 page)
{
	return place_text(use(ex, VAR_BUF, id).s, page << PAGE_SHIFT);
}

static struct words pages_text(u64 nr)
{
	return bytes_text(nr << PAGE_SHIFT);
}

static const char *prot_text(u32 flags)
{
	if (flags & UPAGE_HOLE)
		return "PROT_NONE";
	return flags & UPAGE_RDONLY ? "PROT_READ" : "PROT_READ | PROT_WRITE";
}

/* Access to [first..last] as the machine has it, in runs; @fresh: all of it is allowed now. */
static void protect(struct exporter *ex, u32 id, struct pages p, bool fresh)
{
	struct ex_buffer *b = &ex->buffers[id];
	u64 at = p.first, end;

	for (; at <= p.last; at = end) {
		const char *prot = prot_text(buffer_flags(b->buffer, at));

		for (end = at + 1; end <= p.last; end++)
			if (prot_text(buffer_flags(b->buffer, end)) != prot)
				break;
		if (fresh && prot == prot_text(0))
			continue;
		need(ex, HELPER_PROTECT);
		code(ex, "protect(%s, %s, %s);", page_text(ex, id, at).s, pages_text(end - at).s,
		     prot);
	}
}

/* What the pages show, in runs of one file. */
static void show(struct exporter *ex, u32 id, struct pages p, bool private)
{
	struct ex_page *pages = ex->buffers[id].pages;
	u64 at = p.first, end;

	for (; at <= p.last; at = end) {
		struct words mem = use(ex, VAR_MEM, pages[at].mem);

		for (end = at + 1; end <= p.last; end++)
			if (pages[end].mem != pages[at].mem ||
			    pages[end].index != pages[at].index + (end - at))
				break;
		need(ex, HELPER_SHOW);
		code(ex, "show(%s, %s, %s, %s, %s);", page_text(ex, id, at).s,
		     pages_text(end - at).s, mem.s, pages_text(pages[at].index).s,
		     private ? "MAP_PRIVATE" : "MAP_SHARED");
		for (u64 i = at; i < end; i++)
			pages[i].private = private;
	}
}

/* New frames. */
static void renew(struct exporter *ex, u32 id, struct pages p)
{
	struct ex_buffer *b = &ex->buffers[id];

	if (b->pages) {
		for (u64 i = p.first; i <= p.last; i++)
			b->pages[i] = (struct ex_page){.mem = id, .index = b->mem_pages++};
		ex->mem_total[id] = max(ex->mem_total[id], b->mem_pages);
		show(ex, id, p, false);
	} else {
		need(ex, HELPER_FRESH);
		code(ex, "fresh(%s, %s);", page_text(ex, id, p.first).s,
		     pages_text(p.last - p.first + 1).s);
	}
	protect(ex, id, p, true);
}

/* --- ops --------------------------------------------------------------------- */

static void emit_buffer(struct exporter *ex)
{
	u32 id = created(ex);
	struct ex_buffer *b = &ex->buffers[id];
	struct words len;

	if (ex->res.rc) {
		remark(ex, EXPORT_LEFT, "it was not made: %s", errno_text(ex->res.rc).s);
		return;
	}
	*b = (struct ex_buffer){
		.live = true,
		.buffer = ex->made,
		.task = ex->op->thread,
		.npages = buffer_npages(ex->made),
	};
	if (ex->gone >> b->task & 1) {
		remark(ex, EXPORT_LEFT, "%s", note_text(NOTE_GONE));
		return;
	}
	len = pages_text(b->npages);
	if (wanted(ex, VAR_BUF, id))
		as(ex, b->task);
	if (op_addr_mode(ex->op) == OP_ADDR_ABS) {
		need(ex, HELPER_PAGES_AT);
		assign(ex, VAR_BUF, id, "user_pages_at((void *)0x%" PRIx64 ", %s)",
		       (u64)buffer_va(b->buffer), len.s);
	} else {
		need(ex, HELPER_PAGES);
		assign(ex, VAR_BUF, id, "user_pages(%s)", len.s);
	}
	if (!ex->filed[id] || b->npages > FILED_MAX)
		return;
	b->pages = calloc(b->npages, sizeof(*b->pages));
	if (!b->pages) {
		ex->no_memory = true;
		return;
	}
	renew(ex, id, (struct pages){0, b->npages - 1});
}

static void emit_free(struct exporter *ex, struct ex_buffer *b)
{
	need(ex, HELPER_FREE);
	code(ex, "user_free(%s, %s);", use(ex, VAR_BUF, ref(ex, 0)).s, pages_text(b->npages).s);
	b->live = false;
}

static void emit_layout(struct exporter *ex, struct ex_buffer *b, struct pages p)
{
	remark(ex, EXPORT_PARTLY, "which frames lie side by side is the kernel's choice");
	if (b->touched)
		renew(ex, ref(ex, 0), p);
}

static void emit_alias(struct exporter *ex, struct ex_buffer *b)
{
	struct ex_buffer *from = &ex->buffers[ref(ex, 1)];
	struct pages p = {ex->op->arg, ex->op->arg};

	if (ex->res.rc || !b->pages || !from->pages) {
		remark(ex, EXPORT_LEFT, "it cannot be: %s", errno_text(ex->res.rc).s);
		return;
	}
	if (from->pages[ex->op->addr].private &&
	    !(buffer_flags(from->buffer, ex->op->addr) & UPAGE_COW)) {
		remark(ex, EXPORT_LEFT,
		       "its frame is a private copy by now, nobody else can have it");
		return;
	}
	from->touched = true;
	b->pages[p.first] = from->pages[ex->op->addr];
	show(ex, ref(ex, 0), p, buffer_flags(b->buffer, p.first) & UPAGE_COW);
	protect(ex, ref(ex, 0), p, true);
}

static void emit_page_flags(struct exporter *ex, struct ex_buffer *b, struct pages p)
{
	u64 at = p.first, end;

	for (; at <= p.last; at = end) {
		u8 old = ex->flags_before[at - p.first], new = buffer_flags(b->buffer, at);
		struct pages run = {at, at};

		for (end = at + 1; end <= p.last; end++)
			if (ex->flags_before[end - p.first] != old ||
			    buffer_flags(b->buffer, end) != new)
				break;
		run.last = end - 1;
		if ((old ^ new) & UPAGE_COW && b->pages)
			show(ex, ref(ex, 0), run, new &UPAGE_COW);
		else if ((old ^ new) & UPAGE_COW)
			remark(ex, EXPORT_PARTLY,
			       "copy-on-write is not set: the buffer is too large");
		if ((old ^ new) & UPAGE_COW)
			protect(ex, ref(ex, 0), run, true);
		else if (old != new)
			protect(ex, ref(ex, 0), run, false);
	}
}

static void emit_cpu(struct exporter *ex, struct ex_buffer *b)
{
	u64 len = op_length(ex->op) % (RUN_BYTES + 1);
	struct words at = place_text(use(ex, VAR_BUF, ref(ex, 0)).s, ex->op->addr);

	if (ex->res.rc) {
		remark(ex, EXPORT_LEFT, "%s in the core: here it would be the end of the process",
		       errno_text(ex->res.rc).s);
		return;
	}
	b->touched = true;
	if (ex->op->code == OP_STORE) {
		need(ex, HELPER_FILL);
		code(ex, "fill(%s, %s, 0x%x);", at.s, bytes_text(len).s, ex->op->arg);
	} else {
		need(ex, HELPER_PEEK);
		code(ex, "peek(%s, %s);", at.s, bytes_text(len).s);
	}
}

static void emit_pages(struct exporter *ex, struct ex_buffer *b)
{
	struct pages p;

	if (!pages_of(ex, b, &p)) {
		remark(ex, EXPORT_WHOLE, "none of its pages");
		return;
	}
	switch (ex->op->code) {
	case OP_LAYOUT:
		return emit_layout(ex, b, p);
	case OP_REMAP:
		return renew(ex, ref(ex, 0), p);
	default:
		return emit_page_flags(ex, b, p);
	}
}

static void emit_buffer_op(struct exporter *ex)
{
	struct ex_buffer *b = &ex->buffers[ref(ex, 0)];

	if (ex->gone >> b->task & 1) {
		remark(ex, EXPORT_LEFT, "%s", note_text(NOTE_GONE));
		b->live = b->live && ex->op->code != OP_BUFFER_DESTROY;
		return;
	}
	as(ex, b->task);
	switch (ex->op->code) {
	case OP_BUFFER_DESTROY:
		return emit_free(ex, b);
	case OP_ALIAS:
		return emit_alias(ex, b);
	case OP_STORE:
	case OP_LOAD:
		return emit_cpu(ex, b);
	default:
		return emit_pages(ex, b);
	}
}

/* --- processes --------------------------------------------------------------- */

static struct words caps_text(u32 bits)
{
	static const char *const texts[] = {"0", "1 << CAP_IPC_LOCK", "1 << CAP_SYS_RESOURCE",
					    "1 << CAP_IPC_LOCK | 1 << CAP_SYS_RESOURCE"};

	return words("%s", texts[bits & 3]);
}

static void emit_task_op(struct exporter *ex)
{
	u32 task = ex->op->thread;

	switch (ex->op->code) {
	case OP_RLIMIT:
		as(ex, task);
		need(ex, HELPER_MEMLOCK);
		if (ex->op->addr > UINT64_MAX >> PAGE_SHIFT)
			code(ex, "limit_memlock(RLIM_INFINITY);");
		else
			code(ex, "limit_memlock(%s);", pages_text(ex->op->addr).s);
		if (task == ex->adapted.here)
			remark(ex, EXPORT_WHOLE, "what else root has locked counts, too");
		return;
	case OP_CAP:
		as(ex, task);
		need(ex, HELPER_CAPS);
		code(ex, "set_caps(%s, %s);", caps_text(ex->op->arg).s,
		     caps_text(ex->op->arg >> 2).s);
		return;
	default:
		code(ex, "end_process(%u);", task);
		ex->gone |= 1u << task;
		return;
	}
}

static bool wants_caps(const struct program *p)
{
	for (size_t i = 0; i < p->nr; i++)
		if (p->ops[i].code == OP_RLIMIT || p->ops[i].code == OP_CAP ||
		    (p->ops[i].code == OP_RLIMIT_MODE && !(p->ops[i].flags & OPF_GET)))
			return true;
	return false;
}

/* As every task of a trace begins: a user of its own, no limit, and no right to ignore one. */
static void begin_task(struct exporter *ex, u32 task)
{
	as(ex, task);
	code(ex, "limit_memlock(RLIM_INFINITY);");
	if (task != ex->adapted.here) {
		need(ex, HELPER_OWN_USER);
		code(ex, "own_user();");
	}
	code(ex, "set_caps(0, 1 << CAP_IPC_LOCK | 1 << CAP_SYS_RESOURCE);");
}

static void begin_tasks(struct exporter *ex)
{
	need(ex, HELPER_MEMLOCK);
	need(ex, HELPER_CAPS);
	for (u32 t = 0; t < 8; t++)
		if (ex->adapted.children >> t & 1)
			begin_task(ex, t);
	begin_task(ex, ex->adapted.here);
}

void emit_user_start(struct exporter *ex)
{
	for (u32 i = 0; i < ex->nr_names[OBJ_BUFFER]; i++) {
		need(ex, ex->filed[i] ? HELPER_MEMORY : HELPER_REQUEST);
		assign(ex, VAR_MEM, i, "memory(%s)", pages_text(ex->mem_total[i]).s);
	}
	if (ex->adapted.children)
		need(ex, HELPER_CHILDREN);
	for (u32 t = 0; t < 8; t++)
		if (ex->adapted.children >> t & 1)
			code(ex, "start_process(%u);", t);
	if (wants_caps(&ex->adapted.program))
		begin_tasks(ex);
}

void emit_user_before(struct exporter *ex)
{
	struct ex_buffer *b;
	struct pages p;

	free(ex->flags_before);
	ex->flags_before = NULL;
	if (ex->op->code != OP_PAGE_FLAGS || !op_by_id(ex->op, 0) ||
	    ref(ex, 0) >= ex->met[OBJ_BUFFER])
		return;
	b = &ex->buffers[ref(ex, 0)];
	if (!b->live || !pages_of(ex, b, &p))
		return;
	ex->flags_before = malloc(p.last - p.first + 1);
	if (!ex->flags_before) {
		ex->no_memory = true;
		return;
	}
	for (u64 i = p.first; i <= p.last; i++)
		ex->flags_before[i - p.first] = buffer_flags(b->buffer, i);
}

bool emit_user_op(struct exporter *ex)
{
	switch (ex->op->code) {
	case OP_BUFFER:
		emit_buffer(ex);
		return true;
	case OP_BUFFER_DESTROY:
	case OP_LAYOUT:
	case OP_ALIAS:
	case OP_PAGE_FLAGS:
	case OP_REMAP:
	case OP_STORE:
	case OP_LOAD:
		emit_buffer_op(ex);
		return true;
	case OP_RLIMIT:
	case OP_CAP:
	case OP_EXIT:
		emit_task_op(ex);
		return true;
	default:
		return false;
	}
}
