/* SPDX-License-Identifier: GPL-2.0-only */
/* Traces as the tests write them: a text is a program, or the test fails with its error. */
#ifndef NOSNOOP_TEST_TEXT_H
#define NOSNOOP_TEST_TEXT_H

#include "core/op/text.h"

static inline struct program test_parse(const char *text)
{
	struct program p = PROGRAM_EMPTY;
	struct text_error err;
	char line[600];

	if (text_parse(&p, text, strlen(text), "test", &err)) {
		text_error_format(&err, line, sizeof(line));
		fail_msg("%s\n%s", text, line);
	}
	return p;
}

#endif
