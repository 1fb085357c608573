/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The files of a results folder, written whole or not at all: everything goes to temporary files
 * beside the old ones first, and only when all are there are they renamed.
 */
#ifndef NOSNOOP_BENCH_OUTPUT_H
#define NOSNOOP_BENCH_OUTPUT_H

#include "core/compat/compat.h"

struct output {
	char *folder;
};

struct output_file {
	const char *name;
	const char *data;
	size_t size;
};

/*
 * Before the work: makes the folder if its parent is there, and shows that files can be written
 * into it. 0, or a negative errno with one line in @err.
 */
int output_open(struct output *out, const char *folder, char *err, size_t errlen);
/* All files, or none of them and the old ones as they were. 0, or a negative errno. */
int output_write(const struct output *out, const struct output_file *files, u32 nr, char *err,
		 size_t errlen);
void output_close(struct output *out);

#endif
