/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state of the reference model. Everything is a sorted row (struct vec) or a table of chunks;
 * nothing is shared with the core that the model judges.
 *
 * Out of arena: allocations then yield `spill` memory that is safe to write, and the model is
 * `lost`: it says so once and judges no more. The same after a result that it cannot follow.
 */
#ifndef NOSNOOP_MODEL_STATE_H
#define NOSNOOP_MODEL_STATE_H

#include "core/shadow/model.h"

#define MODEL_FINDINGS 16
#define MODEL_CHUNK    16 /* pages of one chunk */
#define IOVA_MAX       UINT64_MAX
#define MODEL_PIN_MAX  (16ULL << 20) /* bytes of one pin or rw, as in the selftest */

struct vec {
	void *data;
	u32 nr, cap;
	u32 size; /* of one element */
};

#define vec_at(v, type, i) (&((type *)(v)->data)[i])

/* A long row, in blocks: model_rows.c. A pointer into it is good until the next insertion. */
struct rows {
	struct vec blocks;
	u32 nr;
	u32 size; /* of one element */
};

void *md_rows_at(const struct rows *r, u32 i);
#define rows_at(r, type, i) ((type *)md_rows_at(r, i))

/* One page index of an object: pinned iff dom or acc. */
struct mslot {
	u64 pfn;
	u32 dom; /* areas that hold it in a domain */
	u32 acc; /* distinct access ranges that hold it */
};

/* One frame, as seen in events and as the model wants it. */
struct mframe {
	u64 mapped; /* bytes, over all domains */
	u32 pins;
	u32 want : 30;
	u32 for_write : 1; /* one of the pins since the first was */
	u32 owes_mark : 1; /* a domain could write it, and no unpin has marked it dirty since */
};

struct mchunk {
	u64 base; /* first page / MODEL_CHUNK */
	union {
		struct mslot slot[MODEL_CHUNK];
		struct mframe frame[MODEL_CHUNK];
	};
};

/* A sparse array of pages: chunk pointers, ascending. */
struct chunks {
	struct vec rows;
	u32 hint;
};

struct mnode {
	u64 first, last;
	u64 users;
};

struct mpages {
	u64 id, uptr, npages;
	u64 npinned;
	u64 acc_pages; /* indexes held by accesses */
	u32 refs, task;
	u32 mode; /* as in struct view_pages */
	bool writable;
	struct chunks slots;
	struct vec dnodes, anodes; /* struct mnode */
};

struct marea {
	u64 iova, last;
	u64 start_byte; /* within the pages object */
	struct mpages *pages;
	u32 prot;
	u32 num_accesses;
	bool prevent;
};

struct mrange {
	u64 start, last;
	u64 owner;
};

struct mtable {
	u32 id;
	u32 nr_accesses;
	u64 alignment;
	bool no_large;
	struct rows areas;   /* struct marea */
	struct vec reserved; /* struct mrange */
	struct vec allowed;  /* struct mrange */
	struct vec domains;  /* u32 ids, by slot */
};

struct mrun {
	u64 pfn, n;
	u64 at; /* position of its first page in the log */
};

struct mdomain {
	u32 id;
	u32 table; /* 0: in none */
	u64 min_page;
	u64 need; /* leaves that the request at hand has asked for */
};

struct mpin {
	u64 iova, length;
	u32 table;
};

struct maccess {
	u32 id;
	u32 table; /* 0: detached */
	bool pins_pages;
	u64 asked;	 /* number of the request that called its unmap callback last */
	struct vec pins; /* struct mpin */
};

/* What a fill works on. */
struct mfill {
	const u32 *domains;
	u32 nr_domains;
	bool pin;    /* the area is not in a domain yet: its pages must be held */
	bool failed; /* the request did, so leaf limits may be why */
	int alt;     /* out: a second result that is as good as the first, or the same */
};

/* The buffer last asked about, so that runs of pages cost one look-up. */
struct mcursor {
	struct buffer *buffer;
	u64 va, npages;
	u32 task;
};

struct model {
	struct arena *arena;
	struct machine *m;
	struct vec tables;   /* struct mtable *, by id */
	struct vec domains;  /* struct mdomain, by id */
	struct vec accesses; /* struct maccess *, by id */
	struct rows pages;   /* struct mpages *, by id */
	struct chunks frames;
	struct vec scratch;	   /* struct mnode */
	struct vec scratch_ranges; /* struct mrange */
	bool mode_mm;
	bool lost;
	u64 npinned;	/* sum over all objects */
	u64 event_pins; /* pins minus unpins seen */
	u64 user_locked[MACHINE_TASKS_MAX], mm_locked[MACHINE_TASKS_MAX];
	u64 mm_pinned[MACHINE_TASKS_MAX];
	struct mcursor cursor;

	struct request *outer; /* the request that runs now */
	u32 op;
	u32 fault_point;
	bool nested;	     /* judging one inside another */
	const char *because; /* why the next result is due, or NULL */
	struct vec pin_log;  /* struct mrun: what the machine pinned, in order, since it was judged
			       last */
	u64 fresh,
		begin_max; /* pages of the log that have found their index; frames at the begin */
	bool unmap_begun;  /* of the outer request: where it stands */
	bool unmap_over;
	u64 unmap_start, unmapped;
	u64 requests; /* begun so far */

	u32 nr_findings;
	struct model_finding findings[MODEL_FINDINGS];
	union {
		struct mchunk chunk;
		u64 words[64];
	} spill;
};

#endif
