/* SPDX-License-Identifier: GPL-2.0-only */
/* A trace: a program from a file, text or binary, and the words for talking about it. */
#ifndef NOSNOOP_TRACE_H
#define NOSNOOP_TRACE_H

#include "core/op/program.h"

struct trace {
	char *path; /* as given; "-" is standard input */
	char *text; /* what was read, with a NUL behind; NULL: it was binary */
	struct program program;
	u32 nr_ops;
};

/*
 * Text when the name ends in .ops, binary when it ends in .bin; else what the bytes look like. In
 * binary a buffer has at most RUN_PAGES_FUZZ pages: any bytes run to their end in good time. 0,
 * or with one line in
 * @err: -EINVAL not a trace ("file:line:col: what, expected what"), another errno: not readable.
 */
int trace_load(struct trace *t, const char *path, char *err, size_t errlen);
void trace_free(struct trace *t);

/* Op number @op in text, cut to the buffer; behind the last op: the teardown. */
void trace_op_text(const struct trace *t, u32 op, char *out, size_t size);
/* What the buffer of this identity is called in the text. */
void trace_buffer_name(const struct trace *t, u32 identity, char *out, size_t size);

#endif
