/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside of the reference model. Everything is a sorted row (struct vec) or a table of chunks; nothing
 * is shared with the core that the model judges.
 *
 * Out of arena: allocations then yield `spill` memory that is safe to write, and the model is `lost`: it
 * says so once and judges no more. The same after a result that it cannot follow.
 */
#ifndef NOSNOOP_MODEL_PRIV_H
#define NOSNOOP_MODEL_PRIV_H

#include "core/shadow/model.h"

#define MODEL_FINDINGS 16
#define MODEL_CHUNK    64 /* pages of one chunk */
#define IOVA_MAX       UINT64_MAX
#define MODEL_PIN_MAX  (16ULL << 20) /* bytes of one pin or rw, as in the selftest */

struct vec {
	void *data;
	u32 nr, cap;
	u32 size; /* of one element */
};

#define vec_at(v, type, i) (&((type *)(v)->data)[i])

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
	u32 want;
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
	struct vec areas;    /* struct marea */
	struct vec reserved; /* struct mrange */
	struct vec allowed;  /* struct mrange */
	struct vec domains;  /* u32 ids, by slot */
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
	struct vec pages;    /* struct mpages *, by id */
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
	bool nested;	  /* judging one inside another */
	bool unmap_begun; /* of the outer request: where it stands */
	bool unmap_over;
	u64 unmap_start, unmapped;

	u32 nr_findings;
	struct model_finding findings[MODEL_FINDINGS];
	union {
		struct mchunk chunk;
		u64 words[64];
	} spill;
};

/* model_store.c */
void *vec_insert(struct model *md, struct vec *v, u32 pos); /* zeroed */
void *vec_push(struct model *md, struct vec *v);
void vec_erase(struct vec *v, u32 pos, u32 n);
void vec_free(struct model *md, struct vec *v);
struct mslot *slot_get(struct model *md, struct mpages *p, u64 index, bool create);
struct mframe *frame_get(struct model *md, u64 pfn, bool create);
void chunks_free(struct model *md, struct chunks *c);
void node_add(struct model *md, struct vec *nodes, u64 first, u64 last, u64 users);
u64 node_users(const struct vec *nodes, u64 first, u64 last);
u64 node_del(struct vec *nodes, u64 first, u64 last); /* users left */
void range_add(struct model *md, struct vec *v, u64 start, u64 last, u64 owner);
bool range_hit(const struct vec *v, u64 start, u64 last);
struct mtable *find_table(const struct model *md, u32 id);
struct maccess *find_access(const struct model *md, u32 id);
struct mdomain *find_domain(const struct model *md, u32 id);
u32 area_lower(const struct mtable *t, u64 iova); /* first area with last >= iova */
struct marea *area_at(const struct mtable *t, u64 iova);
void *model_alloc(struct model *md, size_t size);
void *ids_new(struct model *md, struct vec *v, u32 id, size_t size);
void ids_del(struct model *md, struct vec *v, u32 id, size_t size);

static inline u64 area_byte(const struct marea *a, u64 iova)
{
	return a->start_byte + (iova - a->iova);
}

static inline u64 area_index(const struct marea *a, u64 iova)
{
	return area_byte(a, iova) >> PAGE_SHIFT;
}

/* model.c */
__printf(3, 4) void model_report(struct model *md, const char *rule, const char *fmt, ...);
bool model_injected(const struct model *md, const struct request *req);
/*
 * Compare req->rc with @a and @b, both of which are right (0 is success). True: it succeeded rightly,
 * apply the effect. An injected failure may be anything.
 */
bool model_judge(struct model *md, const struct request *req, int a, int b);
bool model_success(struct model *md, const struct request *req); /* may also fail by REQF_BAD_OUT */

/* model_fill.c: pins */
u64 frame_under(struct model *md, const struct mpages *p, u64 index, bool write); /* 0: EFAULT */
int area_fill(struct model *md, const struct mtable *t, struct marea *a, struct mfill *f);
void area_unfill(struct model *md, struct marea *a);
void area_split(struct model *md, const struct marea *left, const struct marea *right);
int access_fill(struct model *md, struct mpages *p, u64 first, u64 last);
void access_unfill(struct model *md, struct mpages *p, u64 first, u64 last);
struct mpages *pages_new(struct model *md, u64 id);
void pages_put(struct model *md, struct mpages *p);

/* model_iova.c: what a table allows */
int iova_fixed(const struct mtable *t, u64 iova, u64 length);
int iova_auto(const struct mtable *t, u64 addr, u64 length, u64 *iova);
bool areas_hit(const struct mtable *t, u64 start, u64 last);
bool areas_conform(const struct mtable *t, u64 alignment);
u64 table_alignment(const struct model *md, const struct mtable *t);
u32 iova_holes(const struct mtable *t, struct iova_range *out, u32 room);

/* model_table.c, model_map.c, model_access.c: one function a request */
void model_table_request(struct model *md, struct request *req);
void model_option_request(struct model *md, struct request *req);
void model_map_request(struct model *md, struct request *req);
void model_unmap_begin(struct model *md, struct request *req);
void model_access_request(struct model *md, struct request *req);

/* model_view.c */
void model_check_view(struct model *md, const struct backend_view *view);

#endif
