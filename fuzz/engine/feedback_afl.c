// SPDX-License-Identifier: GPL-2.0-only
/*
 * AFL++'s map: a constructor has guards of our own numbered as if they were edges, and a state marks
 * the byte of its guard. Compiled by plain clang (CMakeLists.txt): afl-clang-fast would instrument it.
 */
#include "fuzz/campaign/coverage.h"
#include "fuzz/engine/feedback.h"

void __sanitizer_cov_trace_pc_guard_init(u32 *start, u32 *stop);
extern u8 *__afl_area_ptr;

static u32 guards[COVERAGE_SLOTS];

__attribute__((constructor)) static void register_guards(void)
{
	__sanitizer_cov_trace_pc_guard_init(guards, guards + COVERAGE_SLOTS);
}

const bool fb_listens = true;

void fb_hit(void *ctx, u32 slot)
{
	__afl_area_ptr[guards[slot]] = 1;
}
