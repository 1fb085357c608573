/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How lines are cleaned: the implementations of struct clean_ops (core/machine/machine.h). clean()
 * issues one instruction for each line that [start, start + size) touches, and no fence; drain()
 * waits until all of them have reached memory. Instructions are chosen at run time by what the CPU
 * says it has; one that it does not offer is never executed.
 */
#ifndef NOSNOOP_CLEAN_H
#define NOSNOOP_CLEAN_H

#include "core/machine/machine.h"

struct clean_info {
	const char *name;
	const struct clean_ops *ops; /* NULL: not available */
	const char *why;	     /* ... for this reason; else NULL */
};

/* All primitives that there are anywhere, available here or not. False: past the end. */
bool clean_nth(u32 i, struct clean_info *info);
/* NULL with one line in @err: unknown name, another architecture, not on this CPU. */
const struct clean_ops *clean_find(const char *name, char *err, size_t errlen);
/* The fastest here that writes back and invalidates; "null" on an architecture without one. */
const struct clean_ops *clean_best(void);

#endif
