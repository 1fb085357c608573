/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fault injection: every place of a run that may fail asks should_fail() first. A program names the
 * n-th such place of one op, of any kind or of one kind, in the manner of the kernel's fail_nth.
 * Not thread safe by itself: the owner (struct machine) serialises.
 */
#ifndef NOSNOOP_FAULT_H
#define NOSNOOP_FAULT_H

#include "core/compat/compat.h"

/* name, errno that the failing place returns */
#define FAULT_POINTS(X)                                                                        \
	X(ANY, "any", 0)	  /* only in requests: whatever place comes n-th */            \
	X(ALLOC, "alloc", ENOMEM) /* an object of the core: area, pages, node, list element */ \
	X(TEMP, "temp", ENOMEM)	  /* batch or page-pointer buffer of a fill path */            \
	X(GUP, "gup", EFAULT)	  /* entry of pin_user_pages */                                \
	X(CHARGE, "charge", ENOMEM)                                                            \
	X(STORE, "store", EINVAL) /* middle of storing into the pfn array */                   \
	X(RW, "rw", EINVAL)	  /* the one-page way of rw */                                 \
	X(MAP, "map", ENOENT)	  /* a domain map call, before it touches the table */         \
	X(PTE, "pte", ENOMEM)	  /* a page-table node of a domain */                          \
	X(ID, "id", ENOENT)	  /* an id look-up */                                          \
	X(RESERVE, "reserve", ENOMEM)                                                          \
	X(POLICY, "policy", ENOMEM) /* a policy hook that may fail */

enum fault_point {
#define X(id, name, err) FAULT_##id,
	FAULT_POINTS(X)
#undef X
		FAULT_NR
};

struct fault {
	u32 nth;   /* fail the nth place that matches, counted from 1; 0: disarmed */
	u32 point; /* which kind counts; FAULT_ANY: all */
	u32 seen;  /* matching places met since fault_arm() */
	u32 fired; /* enum fault_point of the place that failed, 0: none yet */
};

void fault_arm(struct fault *f, enum fault_point point, u32 nth);
void fault_disarm(struct fault *f);
/* True: the caller must fail with fault_errno(point) and undo what it did. */
bool fault_hit(struct fault *f, enum fault_point point);

static inline bool should_fail(struct fault *f, enum fault_point point)
{
	return unlikely(f->nth) && fault_hit(f, point);
}

int fault_errno(enum fault_point point); /* negative */
const char *fault_name(enum fault_point point);
int fault_by_name(const char *name); /* -1: unknown */

#endif
