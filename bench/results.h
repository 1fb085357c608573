/* SPDX-License-Identifier: GPL-2.0-only */
/* What is printed: tables of at most 75 columns, and JSON (schema: results/README.md). */
#ifndef NOSNOOP_BENCH_RESULTS_H
#define NOSNOOP_BENCH_RESULTS_H

#include <jansson.h>
#include <stdio.h>

#include "bench/cleans.h"
#include "bench/survey.h"

struct report {
	struct survey survey;
	struct survey_options options;
	struct workload_options workload;
	char *corpus;
	u64 date; /* seconds since 1970 */
	struct cleans cleans;
	char *arguments;
};

/* Figures of the proposal's cover letter: one VM boot and teardown, 10^6 cycles. */
struct published {
	const char *api, *phase;
	enum phase is;
	u32 before, after;
};
#define PUBLISHED_GUEST (8ULL << 30)
#define PUBLISHED_GHZ	4.494
#define PUBLISHED_BY                                                                         \
	"cover letter of the 2024 proposal; 8 GB guest, GPU with 1 GB aperture, 4.494 GHz; " \
	"other hardware"
const struct published *published_figure(u32 i); /* NULL: past the end */

json_t *results_json(const struct report *r);
/* Where and when: the part of meta.json that does not depend on what was measured. @folder: of the checkout. */
json_t *meta_machine(const struct counters *c, const char *folder, u64 date, const char *arguments);
json_t *meta_json(const struct report *r);
/* {"clean": [...], "limits": [...]}; flat: one list of both, each record with the names that results.json had first. */
json_t *cleans_json(const struct cleans *c);
json_t *cleans_json_flat(const struct cleans *c);

void report_print(FILE *f, const struct report *r, const json_t *meta);
void cleans_print(FILE *f, const struct cleans *c);

/* "LI0OU": one character a contract, S0 as 0 and S1 as 1; "-" for none. Returns @buf. */
char *contract_letters(u32 mask, char buf[SHADOW_CONTRACTS + 1]);

#endif
