// SPDX-License-Identifier: GPL-2.0-only
/* The rows, chunks and look-ups that the reference model keeps its state in. */
#include "core/shadow/model_priv.h"

void *md_spill(struct model *md)
{
	if (!md->lost)
		model_report(md, "ARENA", "expected room for the model, found its arena full");
	md->lost = true;
	memset(&md->spill, 0, sizeof(md->spill));
	return &md->spill;
}

/* Never NULL: see "out of arena" at the head of model_state.h. */
void *model_alloc(struct model *md, size_t size)
{
	void *p = arena_alloc(md->arena, size);

	return p ? p : md_spill(md);
}

static void model_free(struct model *md, void *p, size_t size)
{
	if (p != &md->spill)
		arena_free(md->arena, p, size);
}

/* Doubling, so that a row of n costs n moves. */
static bool vec_grow(struct model *md, struct vec *v)
{
	u32 cap = v->cap ? 2 * v->cap : 4;
	void *data = arena_alloc(md->arena, (size_t)cap * v->size);

	if (!data)
		return false;
	if (v->nr)
		memcpy(data, v->data, (size_t)v->nr * v->size);
	arena_free(md->arena, v->data, (size_t)v->cap * v->size);
	v->data = data;
	v->cap = cap;
	return true;
}

void *md_vec_insert(struct model *md, struct vec *v, u32 pos)
{
	u8 *at;

	if (v->nr == v->cap && !vec_grow(md, v))
		return md_spill(md);
	at = (u8 *)v->data + (size_t)pos * v->size;
	if (pos < v->nr)
		memmove(at + v->size, at, (size_t)(v->nr - pos) * v->size);
	memset(at, 0, v->size);
	v->nr++;
	return at;
}

void *md_vec_push(struct model *md, struct vec *v)
{
	return md_vec_insert(md, v, v->nr);
}

void md_vec_erase(struct vec *v, u32 pos, u32 n)
{
	u8 *at;

	if (!n)
		return;
	at = (u8 *)v->data + (size_t)pos * v->size;
	memmove(at, at + (size_t)n * v->size, (size_t)(v->nr - pos - n) * v->size);
	v->nr -= n;
}

void md_vec_free(struct model *md, struct vec *v)
{
	arena_free(md->arena, v->data, (size_t)v->cap * v->size);
	v->data = NULL;
	v->nr = 0;
	v->cap = 0;
}

/* --- sparse arrays of pages -------------------------------------------------------------- */

static struct mchunk *chunk_at(const struct chunks *c, u32 i)
{
	return *vec_at(&c->rows, struct mchunk *, i);
}

static struct mchunk *chunk_search(struct model *md, struct chunks *c, u64 base, bool create)
{
	u32 lo = 0, hi = c->rows.nr;
	struct mchunk *chunk, **row;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (chunk_at(c, mid)->base < base)
			lo = mid + 1;
		else
			hi = mid;
	}
	c->hint = lo;
	if (lo < c->rows.nr && chunk_at(c, lo)->base == base)
		return chunk_at(c, lo);
	if (!create)
		return NULL;
	chunk = model_alloc(md, sizeof(*chunk));
	if ((void *)chunk == &md->spill)
		return chunk;
	row = md_vec_insert(md, &c->rows, lo);
	if ((void *)row == &md->spill) {
		model_free(md, chunk, sizeof(*chunk));
		return &md->spill.chunk;
	}
	chunk->base = base;
	*row = chunk;
	return chunk;
}

/* Neighbouring pages share a chunk, and the hint finds it again without a search. */
static struct mchunk *chunk_get(struct model *md, struct chunks *c, u64 base, bool create)
{
	if (likely(c->hint < c->rows.nr && chunk_at(c, c->hint)->base == base))
		return chunk_at(c, c->hint);
	return chunk_search(md, c, base, create);
}

struct mslot *md_slot_get(struct model *md, struct mpages *p, u64 index, bool create)
{
	struct mchunk *chunk = chunk_get(md, &p->slots, index / MODEL_CHUNK, create);

	return chunk ? &chunk->slot[index % MODEL_CHUNK] : NULL;
}

struct mframe *md_frame_get(struct model *md, u64 pfn, bool create)
{
	struct mchunk *chunk = chunk_get(md, &md->frames, pfn / MODEL_CHUNK, create);

	return chunk ? &chunk->frame[pfn % MODEL_CHUNK] : NULL;
}

void md_chunks_free(struct model *md, struct chunks *c)
{
	for (u32 i = 0; i < c->rows.nr; i++)
		model_free(md, chunk_at(c, i), sizeof(struct mchunk));
	md_vec_free(md, &c->rows);
}

/* --- sorted rows of ranges --------------------------------------------------------------- */

/* Where (first, last) stands or belongs, ordered by first, then last. */
static u32 node_pos(const struct vec *nodes, u64 first, u64 last)
{
	u32 lo = 0, hi = nodes->nr;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;
		const struct mnode *n = vec_at(nodes, struct mnode, mid);

		if (n->first < first || (n->first == first && n->last < last))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct mnode *node_find(const struct vec *nodes, u32 pos, u64 first, u64 last)
{
	struct mnode *n = pos < nodes->nr ? vec_at(nodes, struct mnode, pos) : NULL;

	return n && n->first == first && n->last == last ? n : NULL;
}

/* Equal ranges are one node with more users. */
void md_node_add(struct model *md, struct vec *nodes, u64 first, u64 last, u64 users)
{
	u32 pos = node_pos(nodes, first, last);
	struct mnode *n = node_find(nodes, pos, first, last);

	if (!n) {
		n = md_vec_insert(md, nodes, pos);
		n->first = first;
		n->last = last;
	}
	n->users += users;
}

u64 md_node_users(const struct vec *nodes, u64 first, u64 last)
{
	const struct mnode *n = node_find(nodes, node_pos(nodes, first, last), first, last);

	return n ? n->users : 0;
}

/* One user less; how many are left. */
u64 md_node_del(struct vec *nodes, u64 first, u64 last)
{
	u32 pos = node_pos(nodes, first, last);
	struct mnode *n = node_find(nodes, pos, first, last);

	if (!n)
		return 0;
	if (--n->users)
		return n->users;
	md_vec_erase(nodes, pos, 1);
	return 0;
}

static bool range_less(const struct mrange *a, u64 start, u64 last, u64 owner)
{
	if (a->start != start)
		return a->start < start;
	return a->last != last ? a->last < last : a->owner < owner;
}

/* Ordered, so that equal sets are equal rows. Ranges are few: no search. */
void md_range_add(struct model *md, struct vec *v, u64 start, u64 last, u64 owner)
{
	u32 pos = v->nr;
	struct mrange *r;

	while (pos && !range_less(vec_at(v, struct mrange, pos - 1), start, last, owner))
		pos--;
	r = md_vec_insert(md, v, pos);
	r->start = start;
	r->last = last;
	r->owner = owner;
}

bool md_range_hit(const struct vec *v, u64 start, u64 last)
{
	for (u32 i = 0; i < v->nr; i++) {
		const struct mrange *r = vec_at(v, struct mrange, i);

		if (r->start <= last && r->last >= start)
			return true;
	}
	return false;
}

/* --- objects by id ----------------------------------------------------------------------- */

/* Rows of pointers to objects that begin with their id, ascending. */
static u32 ids_pos(const struct vec *v, u32 id)
{
	u32 lo = 0, hi = v->nr;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (**vec_at(v, u32 *, mid) < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void *ids_find(const struct vec *v, u32 id)
{
	u32 *obj = v->nr ? *vec_at(v, u32 *, v->nr - 1) : NULL, pos;

	if (!obj || *obj <= id) /* the newest is asked for most */
		return obj && *obj == id ? obj : NULL;
	pos = ids_pos(v, id);
	obj = *vec_at(v, u32 *, pos);
	return *obj == id ? obj : NULL;
}

void *md_ids_new(struct model *md, struct vec *v, u32 id, size_t size)
{
	u32 *obj = model_alloc(md, size);
	u32 **row;

	if ((void *)obj == &md->spill)
		return obj;
	row = md_vec_insert(md, v, ids_pos(v, id));
	if ((void *)row != &md->spill)
		*row = obj;
	*obj = id;
	return obj;
}

void md_ids_del(struct model *md, struct vec *v, u32 id, size_t size)
{
	u32 pos = ids_pos(v, id);

	model_free(md, *vec_at(v, u32 *, pos), size);
	md_vec_erase(v, pos, 1);
}

struct mtable *md_find_table(const struct model *md, u32 id)
{
	return ids_find(&md->tables, id);
}

struct maccess *md_find_access(const struct model *md, u32 id)
{
	return ids_find(&md->accesses, id);
}

struct mdomain *md_find_domain(const struct model *md, u32 id)
{
	return ids_find(&md->domains, id);
}

static u64 area_last(const void *area)
{
	return ((const struct marea *)area)->last;
}

/* Areas are disjoint and ordered, so their last bytes are ordered too. */
u32 md_area_lower(const struct mtable *t, u64 iova)
{
	return md_rows_lower(&t->areas, iova, area_last);
}

struct marea *md_area_at(const struct mtable *t, u64 iova)
{
	u32 i = md_area_lower(t, iova);
	struct marea *a = i < t->areas.nr ? rows_at(&t->areas, struct marea, i) : NULL;

	return a && a->iova <= iova ? a : NULL;
}
