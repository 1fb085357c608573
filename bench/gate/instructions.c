// SPDX-License-Identifier: GPL-2.0-only
/*
 * One process under callgrind executes everything: what it counts begins and ends with
 * nosnoop_gate_execute(), and each return from it makes a file of its own, numbered from 1.
 */
#define _GNU_SOURCE
#include "bench/gate/instructions.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/gate/command.h"

#define FUNCTION "nosnoop_gate_execute"

bool gate_have_valgrind(void)
{
	char *argv[] = {"valgrind", "--version", NULL}, *out;
	bool have = !gate_command(argv, true, &out);

	free(out);
	return have;
}

/* "totals: N", or "summary: N" of older ones. */
static int read_total(const char *path, u64 *out)
{
	FILE *f = fopen(path, "re");
	unsigned long long n;
	char *line = NULL;
	size_t size = 0;
	int rc = -ENODATA;

	if (!f)
		return -errno;
	while (rc && getline(&line, &size, f) > 0) {
		if (sscanf(line, "totals: %llu", &n) != 1 && sscanf(line, "summary: %llu", &n) != 1)
			continue;
		*out = n;
		rc = 0;
	}
	free(line);
	fclose(f);
	return rc;
}

int gate_instructions(struct gate_job *job, const char *folder, u64 (*out)[2], char *err,
		      size_t errlen)
{
	static char quiet[] = "-q", tool[] = "--tool=callgrind";
	static char toggle[] = "--toggle-collect=" FUNCTION, dump[] = "--dump-after=" FUNCTION;
	char file[PATH_MAX], path[PATH_MAX + 32];
	char *wrapper[] = {"valgrind", quiet, tool, toggle, dump, file, NULL};
	struct gate_worked w;
	int rc;

	snprintf(file, sizeof(file), "--callgrind-out-file=%.3000s/callgrind", folder);
	job->kind = GATE_JOB_EXECUTE;
	job->nr_arms = 2;
	rc = gate_work(job, wrapper, &w);
	free(w.pairs);
	if (rc) {
		snprintf(err, errlen, "%s", w.err);
		return rc;
	}
	for (u32 i = 0; !rc && i < 2 * job->nr_texts; i++) {
		snprintf(path, sizeof(path), "%.3000s/callgrind.%u", folder, i + 1);
		rc = read_total(path, &out[i / 2][i % 2]);
		if (rc)
			snprintf(err, errlen, "%s: %s, expected callgrind's total", path,
				 strerror(-rc));
	}
	return rc;
}
