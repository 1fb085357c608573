/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The shadow cache model: the oracle for flush policies. It listens to the machine (observer.h),
 * keeps for every pinned frame and line the *set* of states that an adversary can reach, and judges
 * the contracts L I S0 S1 E O U. It includes nothing of the core or of the policies. Rules and
 * their sources: head of shadow.c.
 *
 * State lives in the arena given at creation (not the run's), so that it can be saved beside it.
 */
#ifndef NOSNOOP_SHADOW_H
#define NOSNOOP_SHADOW_H

#include "core/compat/arena.h"
#include "core/machine/machine.h"

/* Bit numbers are those of CONTRACT_* in core/flush/flush.h (a test holds the two together). */
enum contract {
	SHADOW_L,
	SHADOW_I,
	SHADOW_S0,
	SHADOW_S1,
	SHADOW_E,
	SHADOW_O,
	SHADOW_U,
	SHADOW_CONTRACTS
};
extern const char *const shadow_contract_name[SHADOW_CONTRACTS];

struct shadow;

#define SHADOW_BOUND   0x1u /* compute lower bounds (costs time) */
#define SHADOW_HISTORY 0x2u /* keep each page's history for reports */
/* Deliberately wrong rules, so that tests can show that the suite notices. */
enum shadow_break {
	SHADOW_BREAK_NONE,
	SHADOW_BREAK_NO_FETCH,
	SHADOW_BREAK_SYNC_IS_UNMAP,
	SHADOW_BREAK_CLEAN_NEEDS_NO_DRAIN,
	SHADOW_BREAK_NO_DEVICE_WRITE,
	SHADOW_BREAK_NR
};

struct shadow *shadow_create(struct arena *arena, u32 flags); /* NULL: arena full */
/*
 * Before the first event. The contracts (bits 1 << enum contract) whose lower bound is computed
 * beside that of L+I+S0; shadow_totals() knows these two sets, and the empty one.
 */
void shadow_set_claims(struct shadow *s, u32 claims);
void shadow_set_break(struct shadow *s, enum shadow_break b); /* before the first event */
/* The op to name when events come outside of any request; EV_REQUEST_BEGIN sets it too. */
void shadow_set_op(struct shadow *s, u32 op);
/* The observer entry: feed every event, in order. */
void shadow_event(struct shadow *s, const struct machine_event *ev);

/* The first violation of a contract. op: number of the op that violated; count 0: never. */
struct shadow_violation {
	u32 op;
	u32 should; /* the op that should have flushed: the last one in time where a clean would
		       have helped */
	u64 pfn;
	u32 object_page; /* page number within its user buffer as of the pin, for people: EV_PIN's
			    a, and on */
	u64 count;	 /* how many page-level violations of this contract in all */
};
const struct shadow_violation *shadow_violation(const struct shadow *s, enum contract c);
u32 shadow_broken(const struct shadow *s); /* bit mask of enum contract */

/*
 * flushes: page cleans (a clean of part of a page counts as one for each call); redundant: those
 * beyond the bound of
 * @claims, page by page and epoch by epoch, and those of pages that were not pinned; missing:
 * distinct pairs of (page, op that should have flushed) over L, I and S0; bound: the least number
 * of page flushes with which any policy could keep contracts @claims (bits 1 << enum contract; O
 * and U cost nothing) on this very sequence of machine events, 0 and meaningless without
 * SHADOW_BOUND (redundant then counts unpinned pages only) and for claims that were not announced
 * by shadow_set_claims(). Of an epoch that is still open, the least number so far counts.
 */
struct shadow_totals {
	u64 flushes, redundant, missing, bound;
	u64 exposures, epochs;
};
struct shadow_totals shadow_totals(const struct shadow *s, u32 claims);
/* Disagreements between a concrete value and the sets, and strict events: what is wrong with the
 * run itself. */
struct shadow_finding {
	u32 op;
	const char *rule, *what;
	u64 a, b;
};
u32 shadow_findings(const struct shadow *s); /* how many in all */
const struct shadow_finding *shadow_finding(const struct shadow *s,
					    u32 i); /* the first 16 are kept */

/* The history of one page, oldest first, a line at a time (needs SHADOW_HISTORY). */
void shadow_history(const struct shadow *s, u64 pfn, void (*line)(void *ctx, const char *text),
		    void *ctx);
/* Same for equal futures: sets, exposures, what is pending; no counters, no history. */
u64 shadow_digest(const struct shadow *s);
/*
 * The same for one frame, between requests, as at most SHADOW_FORM bytes; how many. Mappings count
 * by number and kind only: whose they are follows from areas and domains.
 */
#define SHADOW_FORM (4 * 5 + 2 * (1 + 6 * 8) + 8)
u32 shadow_frame_form(const struct shadow *s, u64 pfn, u8 *out);
/* Violations and findings so far are forgotten, what is known of frames stays. */
void shadow_forget(struct shadow *s);

#endif
