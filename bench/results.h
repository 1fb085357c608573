/* SPDX-License-Identifier: GPL-2.0-only */
/* What is printed: tables of at most 75 columns, and JSON (schema: results/README.md). */
#ifndef NOSNOOP_BENCH_RESULTS_H
#define NOSNOOP_BENCH_RESULTS_H

#include <jansson.h>
#include <stdio.h>

#include "bench/cleans.h"
#include "bench/output.h"
#include "bench/sweep.h"
#include "bench/wbinvd.h"

struct report {
	struct survey survey;
	struct survey_options options;
	struct workload_options workload;
	char *corpus;
	u64 date; /* seconds since 1970 */
	struct cleans cleans;
	struct sweeps sweeps;
	struct wbinvd wbinvd;
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
/* Parts that `compare` prints too. */
json_t *results_cell_json(const struct survey *s, u32 w, u32 p);
json_t *results_workloads_json(const struct survey *s);
json_t *results_published_json(void);
json_t *sweeps_json(const struct sweeps *sweeps);
json_t *wbinvd_json(const struct wbinvd *w);
/* Its data is to be freed; NULL: no memory. */
struct output_file results_file(const char *name, const json_t *json);
/* {"clean": [...], "limits": [...]}; flat: one list of both, each record with the names that results.json had first. */
json_t *cleans_json(const struct cleans *c);
json_t *cleans_json_flat(const struct cleans *c);

void report_print(FILE *f, const struct report *r, const json_t *meta);
void cleans_print(FILE *f, const struct cleans *c);

#endif
