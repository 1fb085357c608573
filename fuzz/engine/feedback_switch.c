// SPDX-License-Identifier: GPL-2.0-only
/*
 * The portable way: 256 edges of an instrumented switch, for engines that know nothing but edges.
 * Compiled like the target. Many slots share an edge; AFL's and libFuzzer's own ways keep them apart.
 */
#include "fuzz/engine/feedback.h"

/*
 * Each case says its own number to the compiler, as a constant that no variable can stand for: else
 * all of them would be folded into one store, and the edges with them.
 */
#define CASE(n)                                \
	case n:                                \
		__asm__ volatile("" ::"i"(n)); \
		break;
#define CASES_4(n)  CASE(n) CASE(n + 1) CASE(n + 2) CASE(n + 3)
#define CASES_16(n) CASES_4(n) CASES_4(n + 4) CASES_4(n + 8) CASES_4(n + 12)
#define CASES_64(n) CASES_16(n) CASES_16(n + 16) CASES_16(n + 32) CASES_16(n + 48)

const bool fb_listens = true;

void fb_hit(void *ctx, u32 slot)
{
	switch (mix64(slot) & 255) {
		CASES_64(0)
		CASES_64(64)
		CASES_64(128)
		CASES_64(192)
	}
}
