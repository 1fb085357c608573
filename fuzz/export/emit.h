/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside nosnoop-export: the words in which the files emit*.c write, and who writes what. */
#ifndef NOSNOOP_EXPORT_EMIT_H
#define NOSNOOP_EXPORT_EMIT_H

#include "fuzz/export/state.h"

bool text_open(struct text *t);
void text_close(struct text *t); /* data is there, with a NUL */
void text_free(struct text *t);

/* emit.c: names, variables, lines */
struct words {
	char s[160];
};
struct words words(const char *fmt, ...) __printf(1, 2);
struct words var_name(struct exporter *ex, enum var var, u32 id);
struct words use(struct exporter *ex, enum var var, u32 id); /* its value is needed */
bool wanted(struct exporter *ex, enum var var, u32 id);	     /* somebody uses it later */
void code(struct exporter *ex, const char *fmt, ...) __printf(2, 3);
/* "var = expr;" where the variable is used. */
void assign(struct exporter *ex, enum var var, u32 id, const char *fmt, ...) __printf(4, 5);
/* Beside the op; a worse fate than it had. */
void remark(struct exporter *ex, enum export_fate fate, const char *fmt, ...) __printf(3, 4);
void need(struct exporter *ex, enum helper helper);
void need_to_undo(struct exporter *ex, enum helper helper); /* of an op that failures are met in */
void cmd_begin(struct exporter *ex, enum cmd cmd);
void field(struct exporter *ex, const char *name, const char *fmt, ...) __printf(3, 4);
void cmd_end(struct exporter *ex);
/*
 * The ioctl, with what it must answer. @undo: a statement that takes it back, "" where there is
 * nothing to take back, NULL where nothing can.
 */
void ask(struct exporter *ex, enum cmd cmd, const char *undo);
void ask_expecting(struct exporter *ex, enum cmd cmd, const char *undo, int rc);
struct words bytes_text(u64 bytes);		       /* 3 * PAGE, 0x1800 */
struct words place_text(const char *base, u64 offset); /* base + 0x1000 */
struct words errno_text(int rc);
/* The address of @op, which came out as @value. */
struct words iova_text(struct exporter *ex, const struct op *op, u64 value);
struct words iova_absolute(u64 iova);
/* Within whichever area of the table. */
struct words iova_in_table(struct exporter *ex, u32 table, u64 iova);
struct words area_text(struct exporter *ex, u32 table, u64 iova); /* for people */
/* True: it failed by injection, and in the kernel there is nothing that could. */
bool failure_left_out(struct exporter *ex);
const struct request *request_of(const struct exporter *ex, enum request_kind kind);
u32 ref(const struct exporter *ex, unsigned int slot); /* identity in a slot */
bool op_flag(const struct exporter *ex, u32 flag);     /* one that the op can have */
void as(struct exporter *ex, u32 task);		       /* what follows is asked by this task */
u32 created(const struct exporter *ex);		       /* of what the op creates */
/* Every op that makes a table asks for one, so its id is its identity and one. */
static inline u32 table_identity(u32 id)
{
	return id - 1;
}

/* emit_table.c, emit_access.c, emit_user.c, emit_check.c: false: not one of theirs. */
bool emit_table_op(struct exporter *ex);
bool emit_list_op(struct exporter *ex);
bool emit_access_op(struct exporter *ex);
bool emit_user_op(struct exporter *ex);
int emit_user_prepare(struct exporter *ex); /* before the passes: 0 or -ENOMEM */
void emit_check(struct exporter *ex);
void emit_end(struct exporter *ex); /* everything is closed: nothing may stay pinned */
/* Before the step: what it changes is looked at. */
void emit_user_before(struct exporter *ex);
void emit_user_start(struct exporter *ex); /* files, processes */
/* Does the user see at [iova..] what the table has there? Where, then. */
struct seen {
	u32 buffer; /* identity */
	u64 offset;
};
bool seen_by_user(struct exporter *ex, u32 table, u64 iova, u64 len, struct seen *out);

/* helpers.c */
void emit_helpers(FILE *out, u32 needed); /* bits; dependencies are added */
u32 helpers_needed(u32 asked);		  /* with dependencies */

/* frame.c */
void emit_program(struct exporter *ex, FILE *out);

#endif
