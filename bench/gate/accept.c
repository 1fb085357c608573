// SPDX-License-Identifier: GPL-2.0-only
#include "bench/gate/accept.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/gate/command.h"

static int add(struct gate_accepts *out, const char *commit, const char *value, char *err,
	       size_t errlen)
{
	size_t n = strcspn(value, " \t");
	const char *reason = value + n + strspn(value + n, " \t");
	struct gate_accept *more;

	if (!n || !*reason) {
		snprintf(err, errlen, "%s: Gate-accept: %s: expected a pattern and a reason",
			 commit, value);
		return -EINVAL;
	}
	more = realloc(out->a, (out->nr + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	out->a = more;
	more += out->nr++;
	*more = (struct gate_accept){0};
	snprintf(more->commit, sizeof(more->commit), "%s", commit);
	snprintf(more->pattern, sizeof(more->pattern), "%.*s", (int)n, value);
	snprintf(more->reason, sizeof(more->reason), "%s", reason);
	return 0;
}

int gate_accepts_parse(struct gate_accepts *out, char *text, char *err, size_t errlen)
{
	char *line, *lines, *value, *values, *tab;
	int rc = 0;

	*out = (struct gate_accepts){0};
	for (line = strtok_r(text, "\n", &lines); !rc && line;
	     line = strtok_r(NULL, "\n", &lines)) {
		tab = strchr(line, '\t');
		if (!tab)
			continue;
		*tab = '\0';
		for (value = strtok_r(tab + 1, "\x1f", &values); !rc && value;
		     value = strtok_r(NULL, "\x1f", &values))
			rc = add(out, line, value, err, errlen);
	}
	return rc;
}

int gate_accepts_read(struct gate_accepts *out, const char *folder, const char *base,
		      const char *candidate, char *err, size_t errlen)
{
	char range[200], *text;
	char *argv[] = {
		"git",
		"-c",
		"safe.directory=*",
		"-C",
		(char *)folder,
		"log",
		"--format=%h%x09%(trailers:key=Gate-accept,valueonly,unfold,separator=%x1f)",
		range,
		NULL};
	int rc = 0;

	*out = (struct gate_accepts){0};
	if (!strcmp(base, "n/a") || !strcmp(candidate, "n/a"))
		return 0;
	snprintf(range, sizeof(range), "%.80s..%.80s", base, candidate);
	if (!gate_command(argv, true, &text))
		rc = gate_accepts_parse(out, text, err, errlen);
	free(text);
	return rc;
}

void gate_accepts_free(struct gate_accepts *a)
{
	free(a->a);
	*a = (struct gate_accepts){0};
}

const struct gate_accept *gate_accepted(struct gate_accepts *a, const char *workload,
					const char *metric)
{
	char both[160];

	snprintf(both, sizeof(both), "%.79s.%.79s", workload, metric);
	for (u32 i = 0; i < a->nr; i++) {
		const char *pattern = a->a[i].pattern;

		if (fnmatch(pattern, metric, 0) && fnmatch(pattern, workload, 0) &&
		    fnmatch(pattern, both, 0))
			continue;
		a->a[i].used++;
		return &a->a[i];
	}
	return NULL;
}
