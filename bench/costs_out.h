/* SPDX-License-Identifier: GPL-2.0-only */
/* What `nosnoop-bench run --backend` prints: tables of at most 75 columns, and JSON. */
#ifndef NOSNOOP_BENCH_COSTS_OUT_H
#define NOSNOOP_BENCH_COSTS_OUT_H

#include <jansson.h>
#include <stdio.h>

#include "bench/costs.h"

struct costs_row {
	struct costs_options opt;
	struct costs costs;
};

/* @why: why instructions are not counted, NULL: they are. */
void costs_print(FILE *f, const struct costs_row *rows, u32 nr, const char *why);
json_t *costs_json(const struct costs_row *rows, u32 nr, const char *why);

#endif
