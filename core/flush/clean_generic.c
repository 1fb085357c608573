// SPDX-License-Identifier: GPL-2.0-only
/* An architecture whose user space has no way to clean lines: "null" is all there is. */
#include "core/flush/clean_arch.h"

const char clean_arch_name[] = "generic";
const struct clean_arch clean_arch[1] = {{NULL, NULL}};
const u32 clean_arch_nr;
