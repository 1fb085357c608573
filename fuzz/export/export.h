/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A trace as a C program in the manner of the kernel's iommufd selftest, so that a finding can be
 * shown without nosnoop. What the mock domains and the selftest's ops cannot say is a comment, and
 * what comes of each op is taken from a run of the core under the mock's conditions.
 */
#ifndef NOSNOOP_EXPORT_H
#define NOSNOOP_EXPORT_H

#include "core/op/trace.h"

/* What became of an op. */
enum export_fate {
	EXPORT_WHOLE,
	EXPORT_PARTLY, /* but for what its comment says */
	EXPORT_LEFT,   /* it is a comment */
	EXPORT_NR
};

struct export_loss {
	u32 op; /* number in the trace */
	enum export_fate fate;
	char why[160];
};

struct export_stats {
	u32 fate[EXPORT_NR];	    /* ops of the trace */
	struct export_loss *losses; /* of PARTLY and LEFT, in order */
	u32 nr_losses;
};

/*
 * The program, with a NUL behind; *@len may be NULL. @file: the name that the head of the program
 * shows for it. free() it, and stats->losses. NULL with errno set: no memory.
 */
char *export_program(const struct trace *t, const char *file, struct export_stats *stats,
		     size_t *len);

#endif
