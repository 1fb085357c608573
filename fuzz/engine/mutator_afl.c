// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mutator as a shared object for AFL++ (AFL_CUSTOM_MUTATOR_LIBRARY), beside havoc, which works
 * on bytes. It runs inside afl-fuzz: compiled plainly, without instrumentation or sanitizers. No
 * post_process hook: every byte string is a program already.
 */
#include "fuzz/campaign/mutate.h"

#include <stdlib.h>

struct afl_mutator {
	struct mutator *m;
	struct mutate_rng rng;
	u8 *out;
	size_t room;
};

NOSNOOP_EXPORT void *afl_custom_init(void *afl, unsigned int seed);
NOSNOOP_EXPORT size_t afl_custom_fuzz(struct afl_mutator *a, u8 *buf, size_t len, u8 **out, u8 *add,
				      size_t add_len, size_t max);
NOSNOOP_EXPORT void afl_custom_deinit(struct afl_mutator *a);

void *afl_custom_init(void *afl, unsigned int seed)
{
	struct afl_mutator *a = calloc(1, sizeof(*a));
	struct gen_config gen = gen_default();

	if (a)
		a->m = mutator_create(&gen);
	if (!a || !a->m) {
		free(a);
		return NULL;
	}
	a->rng.state = seed;
	return a;
}

/* A program of MUTATE_RECORDS, or one as long as the one that came in. */
static bool make_room(struct afl_mutator *a, size_t size)
{
	u8 *more = size <= a->room ? a->out : realloc(a->out, size);

	if (!more)
		return false;
	a->out = more;
	a->room = max(size, a->room);
	return true;
}

/* 0: AFL++ goes on without. */
size_t afl_custom_fuzz(struct afl_mutator *a, u8 *buf, size_t len, u8 **out, u8 *add,
		       size_t add_len, size_t max)
{
	size_t most = min(max, max(len, (size_t)MUTATE_RECORDS * OP_SIZE + 1));
	u64 seed = mutate_u64(&a->rng);

	if (!make_room(a, max(most, len)))
		return 0;
	*out = a->out;
	if (add && mutate_below(&a->rng, 3) == 0)
		return mutate_cross(a->m, buf, len, add, add_len, a->out, most, seed);
	memcpy(a->out, buf, len);
	return mutate_bytes(a->m, a->out, len, most, seed);
}

void afl_custom_deinit(struct afl_mutator *a)
{
	mutator_destroy(a->m);
	free(a->out);
	free(a);
}
