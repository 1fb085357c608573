/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Changes that are meant: a commit between base and candidate says so in a trailer,
 *
 *	Gate-accept: PATTERN REASON
 *
 * PATTERN is a metric (drains), a workload (boot) or both (boot.drains), with * and ? as in a shell.
 */
#ifndef NOSNOOP_GATE_ACCEPT_H
#define NOSNOOP_GATE_ACCEPT_H

#include "core/compat/compat.h"

struct gate_accept {
	char commit[16];
	char pattern[80];
	char reason[160];
	u32 used; /* changes that it covered */
};

struct gate_accepts {
	struct gate_accept *a;
	u32 nr;
};

/* Those of @base..@candidate (hashes) in the repository at @folder; none where git cannot say. -EINVAL with
 * a line in @err: a trailer without a reason. */
int gate_accepts_read(struct gate_accepts *out, const char *folder, const char *base,
		      const char *candidate, char *err, size_t errlen);
/* From what git printed: lines "HASH<TAB>VALUE<0x1f>VALUE...". */
int gate_accepts_parse(struct gate_accepts *out, char *text, char *err, size_t errlen);
void gate_accepts_free(struct gate_accepts *a);
/* The first that covers it, and counts it; NULL: nobody meant this change. */
const struct gate_accept *gate_accepted(struct gate_accepts *a, const char *workload,
					const char *metric);

#endif
