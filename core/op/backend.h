/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A backend executes requests on one machine: "core" is core/iopt with a flush policy, every other
 * one is a kernel tree's own iommufd files in a shared object (backend_linux.h).
 */
#ifndef NOSNOOP_BACKEND_H
#define NOSNOOP_BACKEND_H

#include "core/compat/arena.h"
#include "core/machine/machine.h"
#include "core/machine/view.h"

struct flush_policy;
struct backend;

struct backend_callbacks {
	void *ctx;
	/*
	 * An unmap found pins: the access must release what it holds in the range (through
	 * backend->ops->execute() with REQ_UNPIN, reported by machine_request_nested()). Called
	 * with no lock held.
	 */
	void (*access_unmap)(void *ctx, u32 access, u64 iova, u64 length);
};

/* Which table, and which user buffer, is the first, the second ... of a form. */
#define FORM_TABLES  4
#define FORM_BUFFERS 4
#define FORM_WIDE    32 /* pages: gaps that are wider are alike */
struct form_order {
	u32 nr_tables, nr_buffers;
	bool gaps;		/* between areas, counted: areas can still be put there */
	u32 table[FORM_TABLES]; /* ids */
	u64 va[FORM_BUFFERS];	/* of each buffer's first page, all of one task */
};

struct backend_ops {
	const char *name;
	/* The only rule that it runs: what its own code does. NULL: any policy. */
	const struct flush_policy *policy;
	/* All state in @arena. NULL: arena full. @ops: these. */
	struct backend *(*create)(const struct backend_ops *ops, struct arena *arena,
				  struct machine *m, const struct flush_policy *policy,
				  const struct backend_callbacks *cb);
	/* Executes req, fills in its results. Never fails otherwise. */
	void (*execute)(struct backend *b, struct request *req);
	void (*view)(struct backend *b, struct backend_view *out);
	/* The n-th area (0 is the lowest) of a table, for "n-th live" references. False: fewer
	 * areas. */
	bool (*nth_area)(struct backend *b, u32 table, u32 n, u64 *iova, u64 *length);
	u32 (*nr_areas)(struct backend *b, u32 table);
	u64 (*digest)(
		struct backend *b); /* full state; independent of addresses and temporary memory */
	/*
	 * Between requests: the state of the structures and of the policy (its normal_form()) as
	 * bytes, the same for states that differ in nothing but addresses, ids, age and memory.
	 * Tables, areas by IOVA, pins through them, objects in the order in which areas show them. How
	 * many bytes; more than @room: it did not fit; SIZE_MAX: no such table, too many areas, too
	 * much private state of an object, or a pointer to what the core made in it.
	 * NULL: this backend cannot.
	 */
	size_t (*form)(struct backend *b, const struct form_order *order, u8 *out, size_t room);
	/* Destroys everything that is left, in a legal order; afterwards nothing is pinned or
	 * mapped. */
	void (*destroy)(struct backend *b);
};

struct backend {
	const struct backend_ops *ops;
};

extern const struct backend_ops backend_core;

#endif
