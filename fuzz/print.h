/* SPDX-License-Identifier: GPL-2.0-only */
/* The printed forms of runs and verdicts. Everything for people fits 75 columns. */
#ifndef NOSNOOP_PRINT_H
#define NOSNOOP_PRINT_H

#include "core/op/judge.h"
#include "fuzz/sweep.h"

#include <jansson.h>
#include <stdio.h>

#define PRINT_COLUMNS 75

/* One event a line. */
void print_event(FILE *out, u32 op, const struct machine_event *ev);
/* A line for each op: number, text, result. For traces of the run. */
void print_op(FILE *out, const struct trace *t, u32 op, const struct run_result *res);

/* The whole story of one policy on one trace. @r: the finished run, for histories. */
void verdict_print(FILE *out, const struct trace *t, const struct run *r, const struct verdict *v);
/* The head of a table of policies, and one row. */
void verdict_table_head(FILE *out, const struct trace *t);
void verdict_table_row(FILE *out, const struct verdict *v);
/* Why it is not good, one line each, behind @lead. */
void verdict_reasons(FILE *out, const char *lead, const struct trace *t, const struct verdict *v);

json_t *verdict_json(const struct trace *t, const struct verdict *v); /* NULL: no memory */

/* Text cut into lines of PRINT_COLUMNS behind @lead; further lines are indented as far. */
void print_wrapped(FILE *out, const char *lead, const char *text);

#endif
