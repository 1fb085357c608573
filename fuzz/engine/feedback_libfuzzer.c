// SPDX-License-Identifier: GPL-2.0-only
/*
 * libFuzzer's extra counters. It clears and reads all bytes of the section for each input, and takes
 * a byte's value for one of eight features, by its size. So eight slots share a byte: 2 KiB to
 * clear and read, not 16. Of two slots of one byte that an input hits, it shows the later one: some 40
 * slots in 2048 bytes, so one is hidden in every second input; mostly another input shows it.
 *
 * With -use_counters=0 a byte is one feature, whatever its size: then this must not be. Corpora are
 * merged so (scripts/campaign/merge.py), by programs with sanitizers, which have a byte for a slot.
 *
 * Used and volatile, else the array is optimised away without a word; its size must be a multiple
 * of 8.
 */
#include "fuzz/campaign/coverage.h"
#include "fuzz/engine/feedback.h"

#if __has_feature(address_sanitizer)
#define SHARE 1
#else
#define SHARE 8
#endif
#define BYTES (COVERAGE_SLOTS / SHARE)
static_assert(BYTES % 8 == 0, "libFuzzer reads words");

__attribute__((used, section("__libfuzzer_extra_counters"))) static volatile u8 counters[BYTES];

const bool fb_listens = true;

void fb_hit(void *ctx, u32 slot)
{
	static const u8 sizes[] = {1, 2, 3, 4, 8, 16, 32, 128};

	counters[slot % BYTES] = sizes[slot / BYTES];
}
