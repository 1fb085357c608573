// SPDX-License-Identifier: GPL-2.0-only
#include "bench/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

bool progress_wanted(void)
{
	return isatty(STDERR_FILENO);
}

void progress(bool on, const char *fmt, ...)
{
	char line[128];
	va_list ap;

	if (!on)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fprintf(stderr, "\r%-74.74s", line);
	fflush(stderr);
}

void progress_end(bool on)
{
	if (on)
		fprintf(stderr, "\r%74s\r", "");
}
