/* SPDX-License-Identifier: GPL-2.0-only */
/* The printed forms of an exploration. Everything for people fits 75 columns. */
#ifndef NOSNOOP_CHECK_PRINT_H
#define NOSNOOP_CHECK_PRINT_H

#include "fuzz/check/check.h"

#include <jansson.h>
#include <stdio.h>

struct check_verdict {
	const struct flush_policy *policy;
	struct check_result res;
	u32 broken; /* contracts, as CONTRACT_* */
	/* As text, ready for nosnoop-replay; NULL: not broken. The last one is the finding's. */
	char *trace[SHADOW_CONTRACTS + 1];
};

/* "1 object of 3 pages, 3 areas, ..." on one line. */
void check_print_space(FILE *out, const struct check_space *space);
void check_print_head(FILE *out);
void check_print_row(FILE *out, const struct check_verdict *v);
void check_print_legend(FILE *out);
/* What is not as the policy claims, or needs no proof any more, a line each. */
void check_print_remarks(FILE *out, const struct check_verdict *v);
/* NULL: no memory. */
json_t *check_json(const struct check_config *cfg, const char *commit,
		   const struct check_verdict *v, u32 nr);

#endif
