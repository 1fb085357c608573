/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The shadow's own records, shared by its files and by nobody else. A *frame* lives from the first
 * pin of a page frame to the last unpin (longer while something still maps it), a *turn* is what
 * the current request did to a frame, a *mapping* is one domain's way to (a part of) a frame, a
 * *pending* a clean without its drain.
 */
#ifndef NOSNOOP_SHADOW_STATE_H
#define NOSNOOP_SHADOW_STATE_H

#include "core/shadow/bound.h"
#include "core/shadow/lines.h"
#include "core/shadow/shadow.h"
#include "core/shadow/storage.h"

/* Cleans before and after the request's first NC unmap call. */
enum order { ORDER_EARLY, ORDER_LATE, ORDERS };

struct pending {
	struct frame *frame;
	struct pending *next, **link;
	struct lines image; /* of the lines of mask, if the clean took effect at once */
	u64 mask;
	u64 now;	   /* issued in this request */
	u64 after[ORDERS]; /* issued after the removal that turn::order speaks of */
};

struct mapping {
	struct mapping *next;	    /* of the frame */
	struct mapping *next_stale; /* of the domain */
	struct frame *frame;
	struct tlb *tlb;
	u64 born; /* shadow::seq */
	u64 iova;
	u16 len;
	u16 live; /* bytes that are still in the page table; the rest waits for the sync */
	bool nc;
	bool write;
	bool stale; /* in the domain's list */
};

/* A domain, as far as it has entries that outlive an unmap. */
struct tlb {
	struct node node;
	struct mapping *stale;
	u64 live; /* mappings that are not stale */
	u32 rank; /* among the domains that exist, by age: ids as a digest sees them */
	struct tlb *younger;
};

struct turn {
	struct turn *next;
	struct frame *frame; /* NULL: gone */
	u64 pfn;
	u64 cleaned; /* lines of which a clean was issued and drained */
	struct {
		u64 clean;   /* shadow::seq of the last clean while an NC domain reached the page */
		u64 after;   /* lines cleaned, and drained, since the last removal below */
		bool broken; /* an NC mapping that was there at such a clean was removed */
	} order[ORDERS];
	u32 object_page;
	bool exposed_at_start;
	bool exposed; /* at the start or later */
};

#define TRACKS 2 /* lower bounds kept: L+I+S0, and the one of shadow_set_claims() */

struct frame {
	struct node node; /* the key is the pfn */
	struct lines set;
	struct mapping *maps;
	struct pending *pending;
	struct turn *turn; /* valid while serial is the shadow's */
	u64 serial;
	u32 pins;
	u32 nc, nc_write; /* mappings of NC domains, stale ones included; those that may write */
	u32 object_page;
	u32 flushes; /* in this epoch */
	u32 end_op;  /* the op that removed the last writable exposure */
	struct bound_page bound[TRACKS];
	bool leaked; /* L was broken in this epoch */
};

#define FINDINGS_KEPT 16

struct shadow {
	struct arena *arena;
	u32 flags;
	u32 moves; /* MOVE_* that the rules know */
	enum shadow_break broken_rule;
	u32 op;
	u32 claims;			 /* of bound[1], 0: none */
	u64 serial;			 /* changes at the begin and the end of every request */
	u64 seq;			 /* of the event */
	bool nc_map_call, nc_unmap_call; /* in this request */
	bool full;			 /* arena full: judged no further */
	struct index frames, tlbs, missing, logs;
	struct pool frame_pool, mapping_pool, pending_pool, turn_pool, tlb_pool, missing_pool,
		log_pool, note_pool;
	struct turn *turns, **turns_end;
	struct turn spare; /* when the arena is full */
	struct pending *pending;
	struct tlb *oldest, **youngest_end;
	struct bound *bound[TRACKS];
	u64 bound_closed[TRACKS], redundant_closed[TRACKS];
	u64 flushes, flushes_unpinned, nr_missing, exposures, epochs;
	struct shadow_violation violation[SHADOW_CONTRACTS];
	u32 broken; /* bits 1 << enum contract: those with a violation */
	u32 nr_findings;
	struct shadow_finding finding[FINDINGS_KEPT];
};

void frames_init(struct shadow *s);
struct frame *shadow_frame_find(const struct shadow *s, u64 pfn);
struct frame *shadow_frame_get(struct shadow *s, u64 pfn); /* creates; NULL: arena full */
void shadow_frame_free(struct shadow *s, struct frame *f);
struct tlb *tlb_get(struct shadow *s, u32 domain); /* likewise */
void tlb_free(struct shadow *s, struct tlb *d);
struct mapping *mapping_add(struct shadow *s, struct frame *f, struct tlb *d);
void mapping_unlink(struct shadow *s, struct mapping *r); /* from its frame, and freed */
struct pending *pending_get(struct shadow *s, struct frame *f);
void pending_free(struct shadow *s, struct pending *p);

/* --- report.c: what is said about it --------------------------------------------- */

enum note_kind {
	NOTE_PIN,
	NOTE_UNPIN,
	NOTE_MAP,
	NOTE_UNMAP,
	NOTE_GONE, /* out of the IOTLB */
	NOTE_CLEAN,
	NOTE_WRITE_BACK,
	NOTE_DRAIN,
	NOTE_STORE,
	NOTE_LOAD,
	NOTE_DMA_WRITE,
	NOTE_DMA_READ,
	NOTE_EVICT,
	NOTE_VIOLATION,
	NOTES
};

struct note {
	u32 domain;
	u64 value; /* pins, iova, lines or contract, by kind */
	bool nc, write;
};

void history_record(struct shadow *s, u64 pfn, enum note_kind kind, const struct note *n);
/* No-op without SHADOW_HISTORY, and then @n is not even made. */
#define history_add(s, pfn, kind, ...)                                             \
	do {                                                                       \
		if (unlikely((s)->flags & SHADOW_HISTORY))                         \
			history_record(s, pfn, kind, &(struct note){__VA_ARGS__}); \
	} while (0)
void finding_add(struct shadow *s, const char *rule, const char *what, u64 a, u64 b);
void violation_add(struct shadow *s, enum contract c, const struct turn *t, u32 should);
void out_of_memory(struct shadow *s);
void reports_init(struct shadow *s);

/* The contracts that cost flushes. S1 implies S0. */
u32 costed(u32 claims);
#define CLAIMS_STD (1u << SHADOW_L | 1u << SHADOW_I | 1u << SHADOW_S0)

/* Between requests: stores too, under the exposure that there was. */
void frame_between(const struct shadow *s, const struct frame *f, struct lines *l);

#endif
