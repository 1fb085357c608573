// SPDX-License-Identifier: GPL-2.0-only
/* Does nothing with its input: how many a second an engine can hand over at all (scripts/fuzz-speed.py). */
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 4 && data[0] == 0xff) /* an edge or two to follow */
		__asm__ volatile("" : : "r"(data[1]));
	return 0;
}
