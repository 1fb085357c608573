/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the reference model offer each other. */
#ifndef NOSNOOP_MODEL_PRIV_H
#define NOSNOOP_MODEL_PRIV_H

#include "core/shadow/model_state.h"

/* model_rows.c */
void *md_rows_insert(struct model *md, struct rows *r, u32 pos); /* zeroed */
void md_rows_erase(struct model *md, struct rows *r, u32 pos, u32 n);
void md_rows_free(struct model *md, struct rows *r);
/* The first element whose key is not below @key, by which the row is ordered; r->nr: there is none. */
u32 md_rows_lower(const struct rows *r, u64 key, u64 (*key_of)(const void *));

/* model_store.c */
void *md_spill(struct model *md);			       /* out of arena: see model_state.h */
void *md_vec_insert(struct model *md, struct vec *v, u32 pos); /* zeroed */
void *md_vec_push(struct model *md, struct vec *v);
void md_vec_erase(struct vec *v, u32 pos, u32 n);
void md_vec_free(struct model *md, struct vec *v);
struct mslot *md_slot_get(struct model *md, struct mpages *p, u64 index, bool create);
struct mframe *md_frame_get(struct model *md, u64 pfn, bool create);
void md_chunks_free(struct model *md, struct chunks *c);
void md_node_add(struct model *md, struct vec *nodes, u64 first, u64 last, u64 users);
u64 md_node_users(const struct vec *nodes, u64 first, u64 last);
u64 md_node_del(struct vec *nodes, u64 first, u64 last); /* users left */
void md_range_add(struct model *md, struct vec *v, u64 start, u64 last, u64 owner);
bool md_range_hit(const struct vec *v, u64 start, u64 last);
struct mtable *md_find_table(const struct model *md, u32 id);
struct maccess *md_find_access(const struct model *md, u32 id);
struct mdomain *md_find_domain(const struct model *md, u32 id);
u32 md_area_lower(const struct mtable *t, u64 iova); /* first area with last >= iova */
struct marea *md_area_at(const struct mtable *t, u64 iova);
void *model_alloc(struct model *md, size_t size);
void *md_ids_new(struct model *md, struct vec *v, u32 id, size_t size);
void md_ids_del(struct model *md, struct vec *v, u32 id, size_t size);

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
 * Compare req->rc with @a and @b, both of which are right (0 is success). True: it succeeded
 * rightly, apply the effect. An injected failure may be anything.
 */
bool model_judge(struct model *md, const struct request *req, int a, int b);
bool model_copyout_fault(const struct request *req);
bool model_success(struct model *md, const struct request *req); /* may also fail by REQF_BAD_OUT */

/* model_fill.c: pins */
u64 md_frame_under(struct model *md, const struct mpages *p, u64 index, bool write); /* 0: EFAULT */
int md_area_fill(struct model *md, const struct mtable *t, struct marea *a, struct mfill *f);
void md_area_unfill(struct model *md, struct marea *a);
void md_area_split(struct model *md, const struct marea *left, const struct marea *right);
int md_access_fill(struct model *md, struct mpages *p, u64 first, u64 last);
void md_access_unfill(struct model *md, struct mpages *p, u64 first, u64 last);
struct mpages *md_pages_new(struct model *md, u64 id);
void md_pages_put(struct model *md, struct mpages *p);

/* model_iova.c: what a table allows */
int md_iova_fixed(const struct mtable *t, u64 iova, u64 length);
int md_iova_auto(const struct mtable *t, u64 addr, u64 length, u64 *iova);
bool md_areas_hit(const struct mtable *t, u64 start, u64 last);
bool md_areas_conform(const struct mtable *t, u64 alignment);
u64 md_table_alignment(const struct model *md, const struct mtable *t);
u32 md_iova_holes(const struct mtable *t, struct iova_range *out, u32 room);

/* model_table.c, model_map.c, model_access.c: one function a request */
void model_table_request(struct model *md, struct request *req);
void model_option_request(struct model *md, struct request *req);
void model_map_request(struct model *md, struct request *req);
void model_unmap_begin(struct model *md, struct request *req);
void model_access_request(struct model *md, struct request *req);

/* model_view.c */
void model_check_view(struct model *md, const struct backend_view *view);

#endif
