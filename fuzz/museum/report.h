/* SPDX-License-Identifier: GPL-2.0-only */
/* The museum's table, at most 100 columns, and its JSON (results/README.md). */
#ifndef NOSNOOP_MUSEUM_REPORT_H
#define NOSNOOP_MUSEUM_REPORT_H

#include "fuzz/museum/exhibits.h"

#include <jansson.h>
#include <stdio.h>

struct museum_report {
	const struct exhibits *exhibits;
	const struct trial *trials; /* nr_trials for each exhibit */
	const struct summary *summaries;
	u32 nr_trials;
	u64 seed;
	struct limits limits;
	const struct policies *sound;
};

void report_list(FILE *out, const struct exhibits *x);
void report_table(FILE *out, const struct museum_report *r);
json_t *report_json(const struct museum_report *r); /* NULL: no memory */

#endif
