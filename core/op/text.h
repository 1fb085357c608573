/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The text form (grammar: README.md). Parsing what was printed gives the same program, for every
 * normalised program; printing what was parsed gives the text again but for comments, blank lines
 * and spelling of numbers.
 */
#ifndef NOSNOOP_TEXT_H
#define NOSNOOP_TEXT_H

#include "core/op/program.h"

struct text_error {
	char name[128];	    /* of the input, as given (its end if it is long) */
	u32 line, col;	    /* from 1; col counts bytes */
	char what[128];	    /* what is wrong */
	char expected[256]; /* what would be right */
};

/*
 * Appends to @p what the @len bytes at @text say. 0; -EINVAL with *@err filled in, or -ENOMEM: @p
 * holds the ops before the bad line then. Names live in one text: a second call does not know those
 * of the first.
 */
int text_parse(struct program *p, const char *text, size_t len, const char *name,
	       struct text_error *err);
/* "name:line:col: what, expected what", cut to @size. */
void text_error_format(const struct text_error *err, char *buf, size_t size);

/* The whole program, with a NUL behind; *@len may be NULL. free() it. NULL: no memory. */
char *text_print(const struct program *p, size_t *len);
/* The same; @starts has room for p->nr: where in the text the group that begins at a record does. */
char *text_print_groups(const struct program *p, size_t *starts, size_t *len);
/* One group (program.h) of it, the one that record @at is in; no newline at the end. free() it. */
char *text_print_op(const struct program *p, size_t at);
/* Op number @op (from 1) likewise; NULL also when there is no such op. */
char *text_print_nth(const struct program *p, u32 op);

#endif
