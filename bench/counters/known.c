// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events that say something about flushing, by the names that perf gives them. Codes are those of
 * the vendors' manuals; a row holds for a range of families, and for the models listed if any are.
 */
#include "bench/counters/names.h"

#include <strings.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

#define AMD    "AuthenticAMD"
#define INTEL  "GenuineIntel"
#define ARM64  "arm64"
#define MODELS 16

struct known {
	const char *name, *vendor, *text;
	u32 family, last_family;
	u32 model[MODELS]; /* all 0: any */
};

/* Alder, Raptor and Meteor Lake, Sapphire, Emerald and Granite Rapids */
#define GOLDEN_COVE                                                              \
	{                                                                        \
		0x97, 0x9a, 0xb7, 0xba, 0xbf, 0xaa, 0xac, 0x8f, 0xcf, 0xad, 0xae \
	}

static const struct known known[] = {
	{"ls_ret_cl_flush", AMD, "r26", 0x17, 0x1a, {0}},
	{"ls_any_fills_from_sys.dram_io_all", AMD, "r4844", 0x19, 0x1a, {0}},
	{"l2_fill_rsp_src.dram_io_near", AMD, "r100000865", 0x1a, 0x1a, {0}},
	{"l2_fill_rsp_src.dram_io_far", AMD, "r100004065", 0x1a, 0x1a, {0}},
	{"L2_TRANS.L2_WB", INTEL, "r4023", 6, 6, GOLDEN_COVE},
	{"UNC_CHA_TOR_INSERTS.IA_CLFLUSH",
	 INTEL,
	 "uncore_cha/event=0x35,umask=0xc8c7ff01/",
	 6,
	 6,
	 {0}},
	{"UNC_CHA_TOR_INSERTS.IA_CLFLUSHOPT",
	 INTEL,
	 "uncore_cha/event=0x35,umask=0xc8d7ff01/",
	 6,
	 6,
	 {0}},
	{"L1D_CACHE_WB_CLEAN", ARM64, "r47", 0, 0, {0}},
	{"L1D_CACHE_INVAL", ARM64, "r48", 0, 0, {0}},
};

void counter_cpu_read(struct counter_cpu *cpu)
{
#ifdef __x86_64__
	u32 eax, ebx, ecx, edx;

	*cpu = (struct counter_cpu){0};
	if (!__get_cpuid(0, &eax, &ebx, &ecx, &edx))
		return;
	memcpy(cpu->vendor, &ebx, 4);
	memcpy(cpu->vendor + 4, &edx, 4);
	memcpy(cpu->vendor + 8, &ecx, 4);
	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx))
		return;
	cpu->family = eax >> 8 & 15;
	cpu->model = (eax >> 4 & 15) | (eax >> 12 & 0xf0);
	if (cpu->family == 15)
		cpu->family += eax >> 20 & 255;
#elif defined(__aarch64__)
	*cpu = (struct counter_cpu){.vendor = ARM64};
#else
	*cpu = (struct counter_cpu){0};
#endif
}

static bool has_model(const struct known *k, u32 model)
{
	for (u32 i = 0; i < MODELS && k->model[i]; i++)
		if (k->model[i] == model)
			return true;
	return !k->model[0];
}

int counter_known_find(const char *name, const struct counter_cpu *cpu, const char **text)
{
	int rc = -ENOENT;

	for (u32 i = 0; i < ARRAY_SIZE(known); i++) {
		const struct known *k = &known[i];

		if (strcasecmp(name, k->name))
			continue;
		rc = -ENODEV;
		if (strcmp(k->vendor, cpu->vendor) || cpu->family < k->family ||
		    cpu->family > k->last_family || !has_model(k, cpu->model))
			continue;
		*text = k->text;
		return 0;
	}
	return rc;
}

const char *counter_known_default(const struct counter_cpu *cpu)
{
	if (!strcmp(cpu->vendor, AMD))
		return "ls_ret_cl_flush,ls_any_fills_from_sys.dram_io_all,"
		       "l2_fill_rsp_src.dram_io_near,l2_fill_rsp_src.dram_io_far";
	if (!strcmp(cpu->vendor, INTEL))
		return "UNC_CHA_TOR_INSERTS.IA_CLFLUSH,UNC_CHA_TOR_INSERTS.IA_CLFLUSHOPT,"
		       "L2_TRANS.L2_WB";
	if (!strcmp(cpu->vendor, ARM64))
		return "L1D_CACHE_WB_CLEAN,L1D_CACHE_INVAL";
	return "";
}
