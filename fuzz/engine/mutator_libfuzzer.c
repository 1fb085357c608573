// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mutator under libFuzzer, for targets whose inputs are programs. One input in eight is left to
 * libFuzzer's own mutations: bytes, and its dictionaries. FUZZ_MUTATOR=0: all of them.
 */
#include "fuzz/campaign/mutate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t LLVMFuzzerMutate(u8 *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const u8 *a, size_t a_size, const u8 *b, size_t b_size, u8 *out,
				 size_t max, unsigned int seed);

/* As long as the process. NULL: bytes only. */
static struct mutator *mutator(void)
{
	static struct mutator *m;
	static bool asked;

	if (!asked) {
		const char *on = getenv("FUZZ_MUTATOR");
		struct gen_config gen = gen_default();

		asked = true;
		m = on && !strcmp(on, "0") ? NULL : mutator_create(&gen);
	}
	return m;
}

size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max, unsigned int seed)
{
	if (!mutator() || mix64(seed) % 8 == 0)
		return LLVMFuzzerMutate(data, size, max);
	return mutate_bytes(mutator(), data, size, max, seed);
}

/* 0: libFuzzer takes another mutation instead. */
size_t LLVMFuzzerCustomCrossOver(const u8 *a, size_t a_size, const u8 *b, size_t b_size, u8 *out,
				 size_t max, unsigned int seed)
{
	return mutator() ? mutate_cross(mutator(), a, a_size, b, b_size, out, max, seed) : 0;
}
