// SPDX-License-Identifier: GPL-2.0-only
#include "bench/gate/exact.h"

#include <stdio.h>

#include "core/shadow/shadow.h"

const char *const gate_count_name[GATE_COUNT_NR] = {
	[GATE_FLUSHES] = "flushes",	      [GATE_REDUNDANT] = "redundant",
	[GATE_MISSING] = "missing",	      [GATE_CLEAN_CALLS] = "clean_calls",
	[GATE_CLEAN_LINES] = "clean_lines",   [GATE_DRAINS] = "drains",
	[GATE_MAP_CALLS] = "map_calls",	      [GATE_MAP_BYTES] = "map_bytes",
	[GATE_UNMAP_CALLS] = "unmap_calls",   [GATE_SYNCS] = "iotlb_syncs",
	[GATE_TRANSLATIONS] = "translations", [GATE_PIN_CALLS] = "pin_calls",
	[GATE_PAGES_PINNED] = "pages_pinned", [GATE_ALLOCATIONS] = "allocations",
	[GATE_ARENA_BYTES] = "arena_bytes",   [GATE_LIVE_BYTES] = "live_bytes",
	[GATE_LEFT_BLOCKS] = "left_blocks",   [GATE_FAILED_OPS] = "failed_ops",
	[GATE_STRICT] = "findings",
};

static void add(struct gate_exact *out, struct gate_accepts *accepts, const char *workload,
		const char *metric, u64 base, u64 candidate)
{
	struct gate_change *c;

	if (base == candidate)
		return;
	c = &out->change[out->nr++];
	*c = (struct gate_change){.base = base, .candidate = candidate, .worse = candidate > base};
	snprintf(c->metric, sizeof(c->metric), "%s", metric);
	if (!c->worse)
		return;
	c->accept = gate_accepted(accepts, workload, metric);
	out->worse += !c->accept;
}

/*
 * 0: claimed, 1: not. To claim what both sides break is worse than not to claim it; what the candidate
 * alone breaks is a change of the contract itself.
 */
static u64 claim(const struct gate_counts *c, u32 broken_in_both, u32 contract)
{
	bool claims = c->claims >> contract & 1;

	return claims && broken_in_both >> contract & 1 ? 2 : !claims;
}

void gate_exact_compare(const char *workload, const struct gate_counts *base,
			const struct gate_counts *candidate, struct gate_accepts *accepts,
			struct gate_exact *out)
{
	u32 both = base->broken & candidate->broken;
	char name[32];

	out->nr = 0;
	out->worse = 0;
	for (u32 i = 0; i < SHADOW_CONTRACTS; i++) {
		snprintf(name, sizeof(name), "contract.%s", shadow_contract_name[i]);
		add(out, accepts, workload, name, base->broken >> i & 1,
		    candidate->broken >> i & 1);
		snprintf(name, sizeof(name), "claim.%s", shadow_contract_name[i]);
		add(out, accepts, workload, name, claim(base, both, i), claim(candidate, both, i));
	}
	for (u32 i = 0; i < GATE_COUNT_NR; i++)
		add(out, accepts, workload, gate_count_name[i], base->value[i],
		    candidate->value[i]);
}
