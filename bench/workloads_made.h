/* SPDX-License-Identifier: GPL-2.0-only */
/* The workloads that are made here, as text of the op language. */
#ifndef NOSNOOP_BENCH_WORKLOADS_MADE_H
#define NOSNOOP_BENCH_WORKLOADS_MADE_H

#include <stdio.h>

#include "bench/workloads.h"

struct made_workload {
	const char *name, *what;
	void (*write)(FILE *f, const struct workload_options *opt);
};

/* NULL: past the end. */
const struct made_workload *made_workload(u32 i);

/* --- where the RAM of an x86 machine lies ----------------------------------------------------- */

#define LOW_RAM	   0xa0000ULL /* 640 KiB; from here the VGA's window, which is no RAM */
#define ROM_START  0xc0000ULL
#define HIGH_START 0x100000ULL
#define PCI_HOLE   0xc0000000ULL
#define ABOVE_4G   0x100000000ULL

/* The RAM between 1 MiB and the PCI hole ends here; what is left of @size lies above 4 GiB. */
u64 ram_below_4g(u64 size);

#endif
