// SPDX-License-Identifier: GPL-2.0-only
#include "core/compat/arena.h"
#include "core/compat/fault.h"
#include "core/compat/lock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static void arena_blocks_are_zeroed_and_reused(void **state)
{
	struct arena *a = arena_create(NULL, 1 << 24);
	char *p = arena_alloc(a, 100), *q;

	assert_non_null(p);
	for (int i = 0; i < 100; i++)
		assert_int_equal(p[i], 0);
	memset(p, 0xff, 100);
	arena_free(a, p, 100);
	q = arena_alloc(a, 97);
	assert_ptr_equal(p, q);
	for (int i = 0; i < 97; i++)
		assert_int_equal(q[i], 0);
	assert_int_equal(arena_live_blocks(a), 1);
	arena_destroy(a);
}

static void arena_fills_up_with_null(void **state)
{
	struct arena *a = arena_create(NULL, 1 << 16);

	assert_null(arena_alloc(a, 1 << 17));
	for (int i = 0; i < 64; i++)
		if (!arena_alloc(a, 4096))
			break;
	assert_null(arena_alloc(a, 4096));
	arena_reset(a);
	assert_non_null(arena_alloc(a, 4096));
	arena_destroy(a);
}

static void arena_reset_is_as_new(void **state)
{
	struct arena *a = arena_create(NULL, 1 << 26);
	size_t fresh = arena_used(a);

	for (int round = 0; round < 3; round++) {
		unsigned char *big = arena_alloc(a, 3 << 20), *small = arena_alloc(a, 64);

		for (int i = 0; i < 3 << 20; i += 511)
			assert_int_equal(big[i], 0);
		for (int i = 0; i < 64; i++)
			assert_int_equal(small[i], 0);
		memset(big, 1, 3 << 20);
		memset(small, 1, 64);
		arena_reset(a);
		assert_int_equal(arena_used(a), fresh);
		assert_int_equal(arena_live_blocks(a), 0);
	}
	arena_destroy(a);
}

static void arena_snapshot_restores_every_byte(void **state)
{
	struct arena *a = arena_create((void *)0x510000000000, 1 << 24);
	u64 **p, *freed, *late;
	void *copy, *now;
	size_t n;

	assert_ptr_equal(a, (void *)0x510000000000);
	p = arena_alloc(a, sizeof(*p));
	*p = arena_alloc(a, 8);
	**p = 42;
	freed = arena_alloc(a, 640);
	arena_free(a, freed, 640);
	n = arena_used(a);
	copy = malloc(n);
	now = malloc(n);
	arena_save(a, copy);
	**p = 43;
	late = arena_alloc(a, 640);
	memset(late, 0xee, 640);
	assert_non_null(arena_alloc(a, 5000));
	arena_restore(a, copy, n);
	assert_int_equal(arena_used(a), n);
	assert_int_equal(**p, 42);
	arena_save(a, now);
	/* All but the header, whose mark of what is dirty must not go back in time. */
	n -= (char *)p - (char *)a;
	assert_memory_equal((char *)copy + ((char *)p - (char *)a),
			    (char *)now + ((char *)p - (char *)a), n);
	/* What lies above the restored top was written meanwhile and must come back as zeros. */
	late = arena_alloc(a, 5000);
	for (int i = 0; i < 5000 / 8; i++)
		assert_int_equal(late[i], 0);
	free(copy);
	free(now);
	arena_destroy(a);
}

static void arena_base_taken_is_refused(void **state)
{
	struct arena *a = arena_create(NULL, 1 << 20);

	assert_null(arena_create(a, 1 << 20));
	assert_int_equal(errno, EEXIST);
	arena_destroy(a);
}

static void arena_size_classes_hold_what_they_promise(void **state)
{
	struct arena *a = arena_create(NULL, 1UL << 32);

	for (size_t size = 1; size < 1 << 20; size += size / 3 + 1) {
		char *p = arena_alloc(a, size), *q = arena_alloc(a, size);

		assert_true(q >= p + size || p >= q + size);
		assert_int_equal((uintptr_t)p % 16, 0);
		memset(p, 1, size);
		memset(q, 2, size);
		arena_free(a, p, size);
		arena_free(a, q, size);
		assert_ptr_equal(arena_alloc(a, size), q);
	}
	arena_destroy(a);
}

static void arena_counts_bytes_as_they_were_asked_for(void **state)
{
	struct arena *a = arena_create(NULL, 1 << 20);
	void *p = arena_alloc(a, 97), *q = arena_alloc(a, 5000), *copy;
	size_t n;

	assert_int_equal(arena_bytes_allocated(a), 5097);
	assert_int_equal(arena_bytes_freed(a), 0);
	arena_free(a, p, 97);
	arena_free(a, NULL, 12);
	assert_int_equal(arena_bytes_freed(a), 97);
	assert_null(arena_alloc(a, 1 << 21));
	assert_int_equal(arena_bytes_allocated(a), 5097);
	n = arena_used(a);
	copy = malloc(n);
	arena_save(a, copy);
	arena_free(a, q, 5000);
	assert_int_equal(arena_bytes_freed(a), arena_bytes_allocated(a));
	arena_restore(a, copy, n);
	assert_int_equal(arena_bytes_freed(a), 97); /* a snapshot holds the counts, too */
	arena_reset(a);
	assert_int_equal(arena_bytes_allocated(a), 0);
	assert_int_equal(arena_bytes_freed(a), 0);
	free(copy);
	arena_destroy(a);
}

static void fault_counts_its_kind(void **state)
{
	struct fault f = {0};

	assert_false(should_fail(&f, FAULT_MAP));
	fault_arm(&f, FAULT_MAP, 2);
	assert_false(should_fail(&f, FAULT_MAP));
	assert_false(should_fail(&f, FAULT_GUP));
	assert_true(should_fail(&f, FAULT_MAP));
	assert_int_equal(f.fired, FAULT_MAP);
	assert_false(should_fail(&f, FAULT_MAP));
	fault_arm(&f, FAULT_ANY, 1);
	assert_true(should_fail(&f, FAULT_TEMP));
	assert_int_equal(fault_errno(FAULT_TEMP), -ENOMEM);
	assert_int_equal(fault_by_name("gup"), FAULT_GUP);
	assert_int_equal(fault_by_name("nonsense"), -1);
}

static void *wait_for_end(void *until)
{
	pthread_mutex_lock(until);
	pthread_mutex_unlock(until);
	return NULL;
}

/* Programs that say otherwise (lock_one_thread) say it for themselves, never for the libraries. */
static void locks_hold_with_a_second_thread(void **state)
{
	pthread_mutex_t until = PTHREAD_MUTEX_INITIALIZER;
	struct mutex m;
	pthread_t other;

	mutex_init(&m, LOCK_ARENA);
	pthread_mutex_lock(&until);
	assert_int_equal(pthread_create(&other, NULL, wait_for_end, &until), 0);
	assert_true(lock_contended());
	mutex_lock(&m);
	assert_int_equal(pthread_mutex_trylock(&m.m), EBUSY);
	mutex_unlock(&m);
	assert_int_equal(pthread_mutex_trylock(&m.m), 0);
	pthread_mutex_unlock(&m.m);
	pthread_mutex_unlock(&until);
	pthread_join(other, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arena_blocks_are_zeroed_and_reused),
		cmocka_unit_test(arena_fills_up_with_null),
		cmocka_unit_test(arena_reset_is_as_new),
		cmocka_unit_test(arena_snapshot_restores_every_byte),
		cmocka_unit_test(arena_base_taken_is_refused),
		cmocka_unit_test(arena_size_classes_hold_what_they_promise),
		cmocka_unit_test(arena_counts_bytes_as_they_were_asked_for),
		cmocka_unit_test(fault_counts_its_kind),
		cmocka_unit_test(locks_hold_with_a_second_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
