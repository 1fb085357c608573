// SPDX-License-Identifier: GPL-2.0-only
/* What all that is written is made of: names, numbers, lines, requests. */
#include "fuzz/export/emit.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

bool text_open(struct text *t)
{
	*t = (struct text){0};
	t->file = open_memstream(&t->data, &t->len);
	return t->file;
}

void text_close(struct text *t)
{
	if (t->file)
		fclose(t->file);
	t->file = NULL;
}

void text_free(struct text *t)
{
	text_close(t);
	free(t->data);
	*t = (struct text){0};
}

/* --- variables --------------------------------------------------------------- */

static const struct {
	const char *prefix;
	enum obj_kind kind;
} vars[VAR_NR] = {
#define X(id, kind, prefix, type) [VAR_##id] = {prefix, kind},
	VARS(X)
#undef X
};

struct words words(const char *fmt, ...)
{
	struct words w;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w.s, sizeof(w.s), fmt, ap);
	va_end(ap);
	return w;
}

struct words var_name(struct exporter *ex, enum var var, u32 id)
{
	return words("%s%s", vars[var].prefix, ex->names[vars[var].kind][id]);
}

struct words use(struct exporter *ex, enum var var, u32 id)
{
	ex->var[var][id] |= VAR_USED;
	return var_name(ex, var, id);
}

bool wanted(struct exporter *ex, enum var var, u32 id)
{
	return ex->second && ex->var[var][id] & VAR_USED;
}

void assign(struct exporter *ex, enum var var, u32 id, const char *fmt, ...)
{
	va_list ap;

	if (!wanted(ex, var, id))
		return;
	ex->var[var][id] |= VAR_SET;
	fprintf(ex->code.file, "\t%s = ", var_name(ex, var, id).s);
	va_start(ap, fmt);
	vfprintf(ex->code.file, fmt, ap);
	va_end(ap);
	fputs(";\n", ex->code.file);
}

/* --- lines ------------------------------------------------------------------- */

void code(struct exporter *ex, const char *fmt, ...)
{
	va_list ap;

	fputc('\t', ex->code.file);
	va_start(ap, fmt);
	vfprintf(ex->code.file, fmt, ap);
	va_end(ap);
	fputc('\n', ex->code.file);
}

static void keep_loss(struct exporter *ex, enum export_fate fate, const char *why)
{
	struct export_stats *s = &ex->stats;
	struct export_loss *more;

	if (!ex->second || !ex->step || !ex->step->number)
		return;
	more = realloc(s->losses, (s->nr_losses + 1) * sizeof(*more));
	if (!more) {
		ex->no_memory = true;
		return;
	}
	s->losses = more;
	more += s->nr_losses++;
	*more = (struct export_loss){.op = ex->step->number, .fate = fate};
	snprintf(more->why, sizeof(more->why), "%s", why);
}

void remark(struct exporter *ex, enum export_fate fate, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(ex->comment.file, "%s\n", text);
	ex->fate = max(ex->fate, fate);
	if (fate != EXPORT_WHOLE)
		keep_loss(ex, fate, text);
}

void need(struct exporter *ex, enum helper helper)
{
	ex->helpers |= 1u << helper;
}

void need_to_undo(struct exporter *ex, enum helper helper)
{
	if (ex->res.fired && ex->res.rc < 0)
		need(ex, helper);
}

/* --- requests ---------------------------------------------------------------- */

static const struct {
	const char *var, *type, *ioctl;
} cmds[CMD_NR] = {
#define X(id, var, type, ioctl) [CMD_##id] = {var, type, ioctl},
	CMDS(X)
#undef X
};

void cmd_begin(struct exporter *ex, enum cmd cmd)
{
	ex->cmds |= 1u << cmd;
	code(ex, "%s = (struct %s){", cmds[cmd].var, cmds[cmd].type);
	code(ex, "\t.size = sizeof(%s),", cmds[cmd].var);
}

void field(struct exporter *ex, const char *name, const char *fmt, ...)
{
	char value[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	if (strcmp(value, "0"))
		code(ex, "\t.%s = %s,", name, value);
}

void cmd_end(struct exporter *ex)
{
	code(ex, "};");
}

static struct words request_text(struct exporter *ex, enum cmd cmd)
{
	const char *var = cmds[cmd].var, *ioctl = cmds[cmd].ioctl;

	need(ex, HELPER_REQUEST);
	if (!op_flag(ex, OPF_BAD_OUT) || ex->op->code == OP_ALLOW)
		return words("request(self->fd, %s, &%s)", ioctl, var);
	need(ex, HELPER_READONLY);
	return words("request(self->fd, %s, readonly(&%s, sizeof(%s)))", ioctl, var, var);
}

/*
 * Places that can fail are others in the kernel, and more. An op that can be taken back meets each
 * of them in turn, for as long as there is one; another one meets the first.
 */
static void ask_failing(struct exporter *ex, enum cmd cmd, const char *undo)
{
	struct words request = request_text(ex, cmd);

	need(ex, HELPER_NTH);
	if (!undo) {
		remark(ex, EXPORT_PARTLY,
		       "the kernel's first place that can fail, whichever it is");
		code(ex, "fail_nth = 1;");
		code(ex, "ASSERT_NE(0, %s);", request.s);
		code(ex, "fail_nth = 0;");
		return;
	}
	remark(ex, EXPORT_PARTLY, "every place of the kernel's that can fail does, one at a time%s",
	       *undo ? "; what comes to be is taken back" : "");
	code(ex, "for (fail_nth = 1;; fail_nth++) {");
	code(ex, "\tASSERT_GT(NTH_MOST, fail_nth);");
	if (*undo) {
		code(ex, "\tif (!%s)", request.s);
		code(ex, "\t\t%s;", undo);
	} else {
		code(ex, "\t%s;", request.s);
	}
	code(ex, "\tif (!nth_met)");
	code(ex, "\t\tbreak;");
	code(ex, "}");
	code(ex, "fail_nth = 0;");
}

/* Its op does nothing in the core then; in the kernel it would do what cannot be taken back. */
bool failure_left_out(struct exporter *ex)
{
	if (!ex->res.fired || ex->res.rc >= 0)
		return false;
	remark(ex, EXPORT_LEFT, "%s in the core: there is no place in the kernel that can fail",
	       errno_text(ex->res.rc).s);
	return true;
}

void ask_expecting(struct exporter *ex, enum cmd cmd, const char *undo, int rc)
{
	if (ex->res.fired && rc < 0) {
		ask_failing(ex, cmd, undo);
		return;
	}
	code(ex, "ASSERT_EQ(%s, %s);", errno_text(rc).s, request_text(ex, cmd).s);
}

void ask(struct exporter *ex, enum cmd cmd, const char *undo)
{
	ask_expecting(ex, cmd, undo, ex->res.rc);
}

const struct request *request_of(const struct exporter *ex, enum request_kind kind)
{
	return ex->have >> kind & 1 ? &ex->req[kind] : NULL;
}

/* --- numbers ----------------------------------------------------------------- */

struct words errno_text(int rc)
{
	const char *name = rc ? expect_errno_name(-rc) : NULL;

	return name ? words("-%s", name) : words("%d", rc);
}

struct words bytes_text(u64 bytes)
{
	if (bytes == PAGE_SIZE)
		return words("PAGE");
	if (bytes && !(bytes & PAGE_MASK) && bytes >> PAGE_SHIFT <= 1u << 20)
		return words("%" PRIu64 " * PAGE", bytes >> PAGE_SHIFT);
	return bytes < 10 ? words("%" PRIu64, bytes) : words("0x%" PRIx64, bytes);
}

struct words place_text(const char *base, u64 offset)
{
	if (!offset)
		return words("%s", base);
	return words("%s %c %s", base, offset >> 63 ? '-' : '+',
		     bytes_text(offset >> 63 ? -offset : offset).s);
}

struct words iova_absolute(u64 iova)
{
	if (iova == MOCK_LAST)
		return words("MOCK_APERTURE_LAST");
	if (iova >= MOCK_FIRST && iova <= MOCK_LAST)
		return place_text("MOCK_APERTURE_START", iova - MOCK_FIRST);
	return iova < 10 ? words("%" PRIu64, iova) : words("0x%" PRIx64, iova);
}

struct words iova_text(struct exporter *ex, const struct op *op, u64 value)
{
	u32 area = op_slot(op, 2);

	if (op_addr_mode(op) != OP_ADDR_AREA || !op_by_id(op, 2) || area >= ex->met[OBJ_AREA] ||
	    !ex->areas[area].made)
		return iova_absolute(value);
	return place_text(use(ex, VAR_IOVA, area).s, value - ex->areas[area].iova);
}

/* The area of @table that @iova is in, the latest to be put there; -1: none. */
static s64 area_at(const struct exporter *ex, u32 table, u64 iova)
{
	for (u32 i = ex->met[OBJ_AREA]; i--;) {
		const struct ex_area *a = &ex->areas[i];

		if (a->made && a->table == table && iova - a->iova < a->length)
			return i;
	}
	return -1;
}

struct words iova_in_table(struct exporter *ex, u32 table, u64 iova)
{
	s64 i = area_at(ex, table, iova);

	if (i < 0)
		return iova_absolute(iova);
	return place_text(use(ex, VAR_IOVA, i).s, iova - ex->areas[i].iova);
}

struct words area_text(struct exporter *ex, u32 table, u64 iova)
{
	s64 i = area_at(ex, table, iova);

	if (i < 0)
		return iova_absolute(iova);
	return place_text(ex->names[OBJ_AREA][i], iova - ex->areas[i].iova);
}

u32 ref(const struct exporter *ex, unsigned int slot)
{
	return op_slot(ex->op, slot);
}

u32 created(const struct exporter *ex)
{
	return ex->met[op_info(ex->op->code)->creates] - 1;
}

bool op_flag(const struct exporter *ex, u32 flag)
{
	return ex->op->flags & op_info(ex->op->code)->flags & flag;
}

void as(struct exporter *ex, u32 task)
{
	if (task == ex->caller)
		return;
	ex->caller = task;
	if (task == ex->adapted.here)
		code(ex, "caller = HERE;");
	else
		code(ex, "caller = %u;", task);
}
