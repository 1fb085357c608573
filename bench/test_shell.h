/* SPDX-License-Identifier: GPL-2.0-only */
/* For tests of the command: a line for the shell. */
#ifndef NOSNOOP_BENCH_TEST_SHELL_H
#define NOSNOOP_BENCH_TEST_SHELL_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

/* Its exit status; -1: a signal ended it. */
static int shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static int shell(const char *fmt, ...)
{
	char command[1024];
	va_list ap;
	int rc;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	rc = system(command);
	return WIFEXITED(rc) ? WEXITSTATUS(rc) : -1;
}

#endif
