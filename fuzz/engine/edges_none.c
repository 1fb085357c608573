// SPDX-License-Identifier: GPL-2.0-only
/*
 * What code compiled for libFuzzer calls, where no libFuzzer is: a replayer, and the shared objects
 * that it opens. Weak, since the runtime of a sanitizer has them.
 */
#include "core/compat/compat.h"

#define STUB(name, ...)                                                                      \
	void name(__VA_ARGS__);                                                              \
	NOSNOOP_EXPORT __attribute__((weak, no_sanitize("coverage"))) void name(__VA_ARGS__) \
	{                                                                                    \
	}

STUB(__sanitizer_cov_8bit_counters_init, u8 *start, u8 *stop)
STUB(__sanitizer_cov_pcs_init, const u64 *start, const u64 *stop)
STUB(__sanitizer_cov_trace_pc_indir, u64 callee)
STUB(__sanitizer_cov_trace_cmp1, u8 a, u8 b)
STUB(__sanitizer_cov_trace_cmp2, u16 a, u16 b)
STUB(__sanitizer_cov_trace_cmp4, u32 a, u32 b)
STUB(__sanitizer_cov_trace_cmp8, u64 a, u64 b)
STUB(__sanitizer_cov_trace_const_cmp1, u8 a, u8 b)
STUB(__sanitizer_cov_trace_const_cmp2, u16 a, u16 b)
STUB(__sanitizer_cov_trace_const_cmp4, u32 a, u32 b)
STUB(__sanitizer_cov_trace_const_cmp8, u64 a, u64 b)
STUB(__sanitizer_cov_trace_switch, u64 value, u64 *cases)
STUB(__sanitizer_cov_trace_div4, u32 value)
STUB(__sanitizer_cov_trace_div8, u64 value)
STUB(__sanitizer_cov_trace_gep, u64 index)

NOSNOOP_EXPORT __attribute__((weak)) __thread u64 __sancov_lowest_stack;
