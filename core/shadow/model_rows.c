// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rows that may be long and lose elements anywhere: areas, objects. In one piece, n areas unmapped in
 * a random order would move n * n / 4 elements. In blocks of at most ROWS_BLOCK it is half a block and
 * the numbers of the blocks behind it.
 */
#include "core/shadow/model_priv.h"

#define ROWS_BLOCK 256U

struct block {
	u8 *data;
	u32 nr, cap; /* never empty, but for the one that an insertion is about to fill */
	u32 first;   /* index of its first element */
};

static struct block *block_at(const struct rows *r, u32 i)
{
	return vec_at(&r->blocks, struct block, i);
}

static void *element(const struct rows *r, const struct block *b, u32 i)
{
	return b->data + (size_t)i * r->size;
}

/* The last block that begins at or before index @i. */
static u32 block_of(const struct rows *r, u32 i)
{
	u32 lo = 0, hi = r->blocks.nr;

	while (hi - lo > 1) {
		u32 mid = lo + (hi - lo) / 2;

		if (block_at(r, mid)->first <= i)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

void *md_rows_at(const struct rows *r, u32 i)
{
	const struct block *b = block_at(r, block_of(r, i));

	return element(r, b, i - b->first);
}

u32 md_rows_lower(const struct rows *r, u64 key, u64 (*key_of)(const void *))
{
	u32 lo = 0, hi = r->blocks.nr;
	const struct block *b;

	while (lo < hi) { /* the first block whose last element is not below */
		u32 mid = lo + (hi - lo) / 2;

		b = block_at(r, mid);
		if (key_of(element(r, b, b->nr - 1)) < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == r->blocks.nr)
		return r->nr;
	b = block_at(r, lo);
	lo = 0;
	hi = b->nr - 1;
	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (key_of(element(r, b, mid)) < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return b->first + lo;
}

/* The blocks from @i on begin where the one before them ends. */
static void renumber(struct rows *r, u32 i)
{
	u32 first = i ? block_at(r, i - 1)->first + block_at(r, i - 1)->nr : 0;

	for (; i < r->blocks.nr; i++) {
		block_at(r, i)->first = first;
		first += block_at(r, i)->nr;
	}
}

/* A block at place @i, with room for @cap; false: the arena is full. */
static bool add_block(struct model *md, struct rows *r, u32 i, u32 cap)
{
	u8 *data = arena_alloc(md->arena, (size_t)cap * r->size);
	struct block *b;

	if (!data)
		return false;
	r->blocks.size = sizeof(struct block);
	b = md_vec_insert(md, &r->blocks, i);
	if ((void *)b == &md->spill) {
		arena_free(md->arena, data, (size_t)cap * r->size);
		return false;
	}
	b->data = data;
	b->cap = cap;
	b->first = i ? block_at(r, i - 1)->first + block_at(r, i - 1)->nr : 0;
	return true;
}

static bool grow_block(struct model *md, const struct rows *r, struct block *b)
{
	u8 *data = arena_alloc(md->arena, 2 * (size_t)b->cap * r->size);

	if (!data)
		return false;
	memcpy(data, b->data, (size_t)b->nr * r->size);
	arena_free(md->arena, b->data, (size_t)b->cap * r->size);
	b->data = data;
	b->cap *= 2;
	return true;
}

/* The upper half of block @i moves into one of its own. */
static bool split_block(struct model *md, struct rows *r, u32 i)
{
	struct block *b, *right;

	if (!add_block(md, r, i + 1, ROWS_BLOCK))
		return false;
	b = block_at(r, i);
	right = b + 1;
	right->nr = b->nr / 2;
	b->nr -= right->nr;
	right->first = b->first + b->nr;
	memcpy(right->data, element(r, b, b->nr), (size_t)right->nr * r->size);
	return true;
}

/* A block with room where index @pos is or would be. A row that grows at its end leaves full ones. */
static bool make_room(struct model *md, struct rows *r, u32 pos)
{
	u32 i = block_of(r, pos);
	struct block *b;

	if (!r->blocks.nr)
		return add_block(md, r, 0, 4);
	b = block_at(r, i);
	if (b->nr < b->cap)
		return true;
	if (b->cap < ROWS_BLOCK)
		return grow_block(md, r, b);
	return pos == r->nr ? add_block(md, r, i + 1, ROWS_BLOCK) : split_block(md, r, i);
}

void *md_rows_insert(struct model *md, struct rows *r, u32 pos)
{
	struct block *b;
	u32 i;
	u8 *at;

	if (!make_room(md, r, pos))
		return md_spill(md);
	i = block_of(r, pos);
	b = block_at(r, i);
	at = element(r, b, pos - b->first);
	memmove(at + r->size, at, (size_t)(b->nr - (pos - b->first)) * r->size);
	memset(at, 0, r->size);
	b->nr++;
	r->nr++;
	renumber(r, i + 1);
	return at;
}

void md_rows_erase(struct model *md, struct rows *r, u32 pos, u32 n)
{
	u32 i = block_of(r, pos), from = i, at;

	if (!n)
		return;
	r->nr -= n;
	for (at = pos - block_at(r, i)->first; n; at = 0) {
		struct block *b = block_at(r, i);
		u32 k = min(n, b->nr - at);

		memmove(element(r, b, at), element(r, b, at + k),
			(size_t)(b->nr - at - k) * r->size);
		b->nr -= k;
		n -= k;
		if (b->nr) {
			i++;
			continue;
		}
		arena_free(md->arena, b->data, (size_t)b->cap * r->size);
		md_vec_erase(&r->blocks, i, 1);
	}
	renumber(r, from);
}

void md_rows_free(struct model *md, struct rows *r)
{
	for (u32 i = 0; i < r->blocks.nr; i++)
		arena_free(md->arena, block_at(r, i)->data, (size_t)block_at(r, i)->cap * r->size);
	md_vec_free(md, &r->blocks);
	r->nr = 0;
}
