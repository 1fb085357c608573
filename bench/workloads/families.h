/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The workloads that are made here, as text of the op language: written by a generator where they
 * scale with --size or have a parameter, and .ops files of this folder where they are fixed. Each
 * is one question.
 */
#ifndef NOSNOOP_BENCH_FAMILIES_H
#define NOSNOOP_BENCH_FAMILIES_H

#include <stdio.h>

#include "bench/workloads.h"

struct workload_family {
	const char *name, *what; /* the question that it answers */
	/* Written NAME:N; NULL: no parameter. */
	const char *parameter;
	u32 least, most;
	u32 usual;	   /* N of the report */
	const u32 *sweep;  /* values for curves, ascending; a 0 ends them */
	u32 report_most;   /* of these, the report's curves end here */
	const char *fixed; /* text of an .ops file, or NULL: */
	void (*write)(FILE *f, const struct workload_options *opt, u32 n);
};

/* In the order of reports. NULL: past the end. */
const struct workload_family *workload_family(u32 i);

/* The fixed ones, in generated code: bench/workloads/NAME.ops, dashes as underscores. */
extern const char workload_copy_subslice[], workload_access_held[];

/* --- where the RAM of an x86 machine lies ----------------------------------------------------- */

#define LOW_RAM	   0xa0000ULL /* 640 KiB; from here the VGA's window, which is no RAM */
#define ROM_START  0xc0000ULL
#define HIGH_START 0x100000ULL
#define PCI_HOLE   0xc0000000ULL
#define ABOVE_4G   0x100000000ULL

/* The RAM between 1 MiB and the PCI hole ends here; what is left of @size lies above 4 GiB. */
u64 ram_below_4g(u64 size);

#endif
