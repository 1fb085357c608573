/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules as the tests write them. */
#ifndef NOSNOOP_TEST_RULE_H
#define NOSNOOP_TEST_RULE_H

#include "fuzz/rule.h"

static inline struct rule test_rule(const char *name)
{
	struct rule out;
	char err[4096];

	if (rule_parse(name, &out, err, sizeof(err)))
		fail_msg("%s", err);
	return out;
}

#endif
