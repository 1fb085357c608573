// SPDX-License-Identifier: GPL-2.0-only
/* No engine listens: what an input reached is kept for who compares replays. */
#include "fuzz/campaign/coverage.h"
#include "fuzz/engine/feedback.h"

static u64 hit[COVERAGE_SLOTS / 64];

const bool fb_listens = true;

void fb_hit(void *ctx, u32 slot)
{
	hit[slot / 64] |= 1ULL << slot % 64;
}

u64 fb_collected(u32 *nr)
{
	u64 digest = 0;

	*nr = 0;
	for (u32 i = 0; i < ARRAY_SIZE(hit); i++) {
		digest = hash_add(digest, hit[i]);
		*nr += __builtin_popcountll(hit[i]);
		hit[i] = 0;
	}
	return digest;
}
