/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Deviations of a kernel tree that are known: a folder of traces, each with the reason in its
 * comments. What such a trace shows first of what its expect lines name, by its signature, is expected
 * wherever it comes up again; anything else is a finding.
 *
 * A signature is the rule, the kind of op at which it fired, and the finding's text without its
 * numbers: "U map", "D8 detach: translate of something not mapped: #, #". It is narrow but no proof
 * of a common cause: what hides behind a known deviation shows on a tree in which that is mended.
 */
#ifndef NOSNOOP_EXPECTED_H
#define NOSNOOP_EXPECTED_H

#include "fuzz/rule.h"

#define EXPECTED_MAX  64
#define EXPECTED_TEXT 176
#define EXPECTED_NAME 64

struct expected_entry {
	char signature[EXPECTED_TEXT]; /* "": on this tree the trace shows nothing */
	char name[EXPECTED_NAME];      /* of the trace's file, without .ops */
};

struct expected {
	u32 nr;
	struct expected_entry entry[EXPECTED_MAX];
};

/*
 * Every *.ops of @folder, run as @cfg says. 0, or -EINVAL with a line in @err. @held: contracts that
 * count, as for rule_first().
 */
int expected_load(struct expected *e, const char *folder, const struct run_config *cfg, u32 held,
		  char *err, size_t errlen);
/* Of @rule on a finished run, which it fired in. */
void expected_signature(const struct run *finished, const struct rule *rule,
			char text[EXPECTED_TEXT]);
/* Which entry it is; -1: none. */
int expected_find(const struct expected *e, const struct run *finished, const struct rule *rule);

#endif
