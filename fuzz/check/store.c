// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hash chains under striped spin locks. Forms are kept whole: two states are the same when their
 * bytes are, so no verdict leans on a hash.
 */
#include "fuzz/check/store.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>

#define STRIPES	     4096u
#define STATES_CHUNK 64u
#define FORMS_CHUNK  (16u << 10)
#define NONE	     0u /* states count from 1 */
#define LEN_BITS     16

struct state {
	u64 key;  /* of its origin */
	u64 form; /* where its form lies << LEN_BITS | its length; 0: never used */
	u32 next; /* in the chain */
	u32 hash; /* the upper half */
};

/* What workers change; the rest of the store is laid out once. */
struct shared {
	u32 states; /* given out, in chunks */
	u64 forms;
	u64 form_bytes;
	u64 inserted;
	u8 lock[STRIPES];
};

struct store {
	void *map;
	size_t size;
	struct shared *sh;
	u32 *bucket;
	u32 bucket_mask;
	struct state *state;
	u32 max_states;
	u32 *order; /* by rank */
	u8 *form;
	u64 max_forms;
	u32 ranked;	 /* how many have a rank */
	u32 level_first; /* the first state that may belong to the running level */
};

/* Shares of the memory: a state with its form takes some 100 bytes, 36 of them here. */
static void lay_out(struct store *st)
{
	u64 left = st->size - round_up(sizeof(struct shared), 64), n;
	char *at = (char *)st->map + round_up(sizeof(struct shared), 64);
	u64 buckets = 1024;

	n = min(left / 100, (u64)UINT32_MAX - 1);
	while (buckets * 2 <= n && buckets < 1u << 31)
		buckets *= 2;
	st->sh = st->map;
	st->max_states = n;
	st->state = (struct state *)at;
	at += n * sizeof(*st->state);
	st->bucket = (u32 *)at;
	at += buckets * sizeof(*st->bucket);
	st->bucket_mask = buckets - 1;
	st->order = (u32 *)at;
	at += n * sizeof(*st->order);
	st->form = (u8 *)at;
	st->max_forms = (char *)st->map + st->size - at;
}

struct store *store_create(size_t memory)
{
	struct store *st = calloc(1, sizeof(*st));

	if (!st)
		return NULL;
	st->size = round_up(max(memory, (size_t)1 << 20), PAGE_SIZE);
	st->map = mmap(NULL, st->size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (st->map == MAP_FAILED) {
		free(st);
		return NULL;
	}
	lay_out(st);
	st->sh->states = 1;
	st->sh->forms = 1;
	st->level_first = 1;
	return st;
}

void store_destroy(struct store *st)
{
	if (!st)
		return;
	munmap(st->map, st->size);
	free(st);
}

static u64 hash_form(const u8 *form, u32 len)
{
	u64 h = len, word;

	for (; len >= sizeof(word); len -= sizeof(word), form += sizeof(word)) {
		memcpy(&word, form, sizeof(word));
		h = (h ^ word) * 0x9e3779b97f4a7c15ULL;
		h ^= h >> 32;
	}
	word = 0;
	memcpy(&word, form, len);
	return mix64(h ^ word);
}

static void lock_stripe(struct store *st, u32 bucket)
{
	u8 *l = &st->sh->lock[bucket % STRIPES];

	while (__atomic_test_and_set(l, __ATOMIC_ACQUIRE))
		sched_yield();
}

static void unlock_stripe(struct store *st, u32 bucket)
{
	__atomic_clear(&st->sh->lock[bucket % STRIPES], __ATOMIC_RELEASE);
}

static struct state *chain_find(struct store *st, u32 bucket, u32 hash, const u8 *form, u32 len,
				u32 *nr)
{
	struct state *s;

	for (u32 n = st->bucket[bucket]; n != NONE; n = s->next) {
		s = &st->state[n];
		*nr = n;
		if (s->hash == hash && (s->form & ((1u << LEN_BITS) - 1)) == len &&
		    !memcmp(st->form + (s->form >> LEN_BITS), form, len))
			return s;
	}
	return NULL;
}

/* Room for one more state and its form, from the worker's chunks. */
static bool reserve(struct store *st, struct store_cursor *c, u32 len)
{
	if (c->state == c->state_end) {
		c->state = __atomic_fetch_add(&st->sh->states, STATES_CHUNK, __ATOMIC_RELAXED);
		c->state_end = c->state + STATES_CHUNK;
	}
	if (c->at_end - c->at < len) {
		c->at = __atomic_fetch_add(&st->sh->forms, FORMS_CHUNK, __ATOMIC_RELAXED);
		c->at_end = c->at + FORMS_CHUNK;
	}
	return c->state < st->max_states && c->at_end <= st->max_forms;
}

enum store_result store_insert(struct store *st, struct store_cursor *c, const u8 *form, u32 len,
			       struct origin o)
{
	u64 hash = hash_form(form, len);
	u32 bucket = hash & st->bucket_mask, nr = NONE;
	enum store_result res = STORE_OLD;
	struct state *s;

	lock_stripe(st, bucket);
	s = chain_find(st, bucket, hash >> 32, form, len, &nr);
	if (s) {
		if (nr >= st->level_first)
			s->key = min(s->key, origin_key(o));
		goto out;
	}
	res = STORE_FULL;
	if (!reserve(st, c, len))
		goto out;
	s = &st->state[c->state];
	memcpy(st->form + c->at, form, len);
	*s = (struct state){.key = origin_key(o),
			    .form = c->at << LEN_BITS | len,
			    .next = st->bucket[bucket],
			    .hash = hash >> 32};
	st->bucket[bucket] = c->state++;
	c->at += len;
	__atomic_add_fetch(&st->sh->inserted, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&st->sh->form_bytes, len, __ATOMIC_RELAXED);
	res = STORE_NEW;
out:
	unlock_stripe(st, bucket);
	return res;
}

struct ranked {
	u64 key;
	u32 state;
};

static int by_key(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

bool store_rank_level(struct store *st)
{
	u32 end = min(st->sh->states, st->max_states), nr = 0;
	struct ranked *row = malloc(sizeof(*row) * ((size_t)end - st->level_first + 1));

	if (!row)
		return false;
	for (u32 i = st->level_first; i < end; i++)
		if (st->state[i].form)
			row[nr++] = (struct ranked){st->state[i].key, i};
	qsort(row, nr, sizeof(*row), by_key);
	for (u32 i = 0; i < nr; i++)
		st->order[st->ranked + i] = row[i].state;
	free(row);
	st->ranked += nr;
	st->level_first = end;
	return true;
}

u32 store_ranks(const struct store *st)
{
	return st->ranked;
}

struct origin store_origin(const struct store *st, u32 rank)
{
	u64 key = st->state[st->order[rank]].key;

	return (struct origin){key >> 32, key};
}

u64 store_bytes(const struct store *st)
{
	u64 states = min(st->sh->states, st->max_states);

	return sizeof(struct shared) + states * (sizeof(struct state) + sizeof(u32)) +
	       (st->bucket_mask + 1ULL) * sizeof(u32) + min(st->sh->forms, st->max_forms);
}

u64 store_form_bytes(const struct store *st)
{
	return st->sh->form_bytes;
}

u64 store_inserted(const struct store *st)
{
	return st->sh->inserted;
}
