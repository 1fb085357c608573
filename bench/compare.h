/* SPDX-License-Identifier: GPL-2.0-only */
/* nosnoop-bench compare: a survey for each clean primitive, or sweeps; and what is printed. */
#ifndef NOSNOOP_BENCH_COMPARE_H
#define NOSNOOP_BENCH_COMPARE_H

#include "bench/results.h"

#define COMPARE_CLEANS 8

struct compare {
	struct workload_options workload;
	struct survey_options options;
	struct policies policies; /* none is the first */
	const char *form;	  /* "tables" or "iommu" */
	s64 old;		  /* of iommu: index of the policy compared with */
	/* One each; the policies are shared. */
	const struct clean_ops *clean[COMPARE_CLEANS];
	struct survey survey[COMPARE_CLEANS];
	u32 nr_cleans;
	struct sweeps sweeps; /* with --sweep these alone */
	struct wbinvd wbinvd;
	bool swept;
};

/* The rows of `--form iommu`: ns a call. False: no times of this workload and phase. */
struct iommu_row {
	u32 shift; /* of the page size */
	double avg_new, avg_old, least_new, least_old, percent;
};
bool compare_iommu(const struct compare *c, u32 clean, u32 policy, u32 shift, enum phase phase,
		   struct iommu_row *out);

void compare_print(FILE *f, const struct compare *c, const json_t *meta);
json_t *compare_json(const struct compare *c);

#endif
