/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The seam between the gate and a build that it judges: a shared object which holds one tree's core
 * and exports one table of functions, GATE_MODULE_SYMBOL. module.c is compiled into that tree's
 * build; nothing but this header is common to both sides, so that it includes nothing of nosnoop.
 *
 * A session is a workload, parsed, under a policy. Runs of it come one after another: begin(),
 * execute(), end(). Each begins in zeroed memory at the same addresses, which the caller gives and
 * every module may be given in turn: what differs between two builds is then their code alone.
 *
 * Errors: 0 or a negative errno, with one line in @err where there is one.
 * Locking: one thread; one session of a module at a time between begin() and end().
 */
#ifndef NOSNOOP_GATE_MODULE_H
#define NOSNOOP_GATE_MODULE_H

#include <stddef.h>
#include <stdint.h>

#define GATE_MODULE_ABI	   1
#define GATE_MODULE_SYMBOL "nosnoop_gate_module"

/* Counts of one run. More of any of them is worse; their names are in exact.c. */
enum gate_count {
	GATE_FLUSHES,	/* of pages, as the shadow counts them */
	GATE_REDUNDANT, /* of these, beyond the bound */
	GATE_MISSING,	/* pages and ops that lack one */
	GATE_CLEAN_CALLS,
	GATE_CLEAN_LINES,
	GATE_DRAINS,
	GATE_MAP_CALLS,
	GATE_MAP_BYTES,
	GATE_UNMAP_CALLS,
	GATE_SYNCS,
	GATE_TRANSLATIONS,
	GATE_PIN_CALLS,
	GATE_PAGES_PINNED,
	GATE_ALLOCATIONS,
	GATE_ARENA_BYTES, /* most that core, policy and machine took at once, in the middle of a request too */
	GATE_LIVE_BYTES,  /* ... that was left after any request */
	GATE_LEFT_BLOCKS, /* not given back at the end */
	GATE_FAILED_OPS,  /* ended in an errno */
	GATE_STRICT,	  /* conditions that must never hold, and did; findings of the run */
	GATE_COUNT_NR
};

struct gate_counts {
	uint64_t value[GATE_COUNT_NR];
	uint64_t ops;		 /* the teardown included */
	uint64_t pages;		 /* mapped, in 4 KiB */
	uint32_t claims, broken; /* bits of core/flush/contract.h */
};

struct gate_session;

struct gate_config {
	const char *text;   /* of the workload, with a NUL behind */
	const char *policy; /* a name, or the path of a plug-in */
	void *arena, *side; /* zeroed; of the core, of the run's tables; NULL: anywhere */
	uint64_t arena_size, side_size;
	void *memory; /* of the user buffers; never touched by the core itself */
	uint64_t memory_size;
};

struct gate_module {
	/* The first stays where it is in every ABI; an object of another build shows in the sizes. */
	uint32_t abi;
	uint32_t module_size, config_size, counts_size;
	const char *build; /* compiler and flags */

	int (*open)(const struct gate_config *cfg, struct gate_session **out, char *err,
		    size_t errlen);
	void (*close)(struct gate_session *s);

	/* A run as it is timed: nobody watches, and cleaning a line costs nothing. */
	int (*begin)(struct gate_session *s);
	int (*execute)(struct gate_session *s);
	void (*end)(struct gate_session *s);

	/* Two runs of its own: one like those, one before the shadow. */
	int (*count)(struct gate_session *s, struct gate_counts *out);
};

#endif
