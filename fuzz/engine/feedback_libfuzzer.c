// SPDX-License-Identifier: GPL-2.0-only
/*
 * libFuzzer's extra counters: every byte of the section is a feature, cleared before each input.
 * Used and volatile, else the array is optimised away without a word; its size must be a multiple
 * of 8.
 */
#include "fuzz/campaign/coverage.h"
#include "fuzz/engine/feedback.h"

static_assert(COVERAGE_SLOTS % 8 == 0, "libFuzzer reads words");

__attribute__((used,
	       section("__libfuzzer_extra_counters"))) static volatile u8 counters[COVERAGE_SLOTS];

const bool fb_listens = true;

void fb_hit(void *ctx, u32 slot)
{
	counters[slot] = 1;
}
