/* SPDX-License-Identifier: GPL-2.0-only */
/* What is counted and not timed: any increase is a regression, any change is told. */
#ifndef NOSNOOP_GATE_EXACT_H
#define NOSNOOP_GATE_EXACT_H

#include "bench/gate/accept.h"
#include "bench/gate/module.h"

extern const char *const gate_count_name[GATE_COUNT_NR];

#define GATE_CHANGES_MAX (GATE_COUNT_NR + 2 * 8)

struct gate_change {
	char metric
		[32]; /* a counter, contract.X (was kept, is broken) or claim.X (is claimed no more) */
	u64 base, candidate;
	bool worse;
	const struct gate_accept *accept; /* somebody meant it; NULL */
};

struct gate_exact {
	u32 nr, worse; /* changes; of these, for the worse and not accepted */
	struct gate_change change[GATE_CHANGES_MAX];
};

void gate_exact_compare(const char *workload, const struct gate_counts *base,
			const struct gate_counts *candidate, struct gate_accepts *accepts,
			struct gate_exact *out);

#endif
