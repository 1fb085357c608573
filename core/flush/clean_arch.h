/* SPDX-License-Identifier: GPL-2.0-only */
/* What clean.c asks of exactly one clean_<arch>.c; the best of those that invalidate comes first.
 */
#ifndef NOSNOOP_CLEAN_ARCH_H
#define NOSNOOP_CLEAN_ARCH_H

#include "core/machine/machine.h"

struct clean_arch {
	const struct clean_ops *ops;
	bool (*available)(void);
};

extern const char clean_arch_name[];
extern const struct clean_arch clean_arch[];
extern const u32 clean_arch_nr;

#endif
