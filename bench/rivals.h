/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the clean primitives are measured against: a plain loop of the instruction, libpmem, and the
 * limits of the memory. None of them ends with a full fence: whoever times them adds it.
 */
#ifndef NOSNOOP_BENCH_RIVALS_H
#define NOSNOOP_BENCH_RIVALS_H

#include "core/compat/compat.h"

struct rival {
	const char *name;
	bool is_limit; /* does not clean: what the memory does at best */
	void (*run)(void *mem, size_t size);
	const char *(*why_not)(void); /* NULL, or why it is not there */
};

const struct rival *rival_nth(u32 i); /* NULL: past the end */

#define RIVAL_PLAIN "plain"
#define RIVAL_PMEM  "pmem_flush"
#define RIVAL_LIMIT "nt-fill"

#endif
