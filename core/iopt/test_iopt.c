// SPDX-License-Identifier: GPL-2.0-only
/* The data structures below the page core; the core itself is tested through programs
 * (core/op/test_run.c). */
#include "core/iopt/batch.h"
#include "core/iopt/itree.h"
#include "core/iopt/pages.h"
#include "core/iopt/sparse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define NODES 200
#define SPACE 1000

static u64 rnd_state;

static u64 rnd(u64 below)
{
	rnd_state += 0x9e3779b97f4a7c15ULL;
	return mix64(rnd_state) % below;
}

struct item {
	struct itree_node node;
	u64 birth;
	bool in;
};

static bool before(const struct item *a, const struct item *b)
{
	return a->node.start != b->node.start ? a->node.start < b->node.start : a->birth < b->birth;
}

static bool hits(const struct item *i, u64 start, u64 last)
{
	return i->in && i->node.start <= last && i->node.last >= start;
}

/* The least item in order, above `after`, that intersects. */
static struct item *model_next(struct item *items, struct item *after, u64 start, u64 last)
{
	struct item *best = NULL;

	for (int i = 0; i < NODES; i++)
		if (hits(&items[i], start, last) && (!after || before(after, &items[i])) &&
		    (!best || before(&items[i], best)))
			best = &items[i];
	return best;
}

static u32 check_balance(const struct itree_node *n)
{
	u32 l, r;
	u64 reach;

	if (!n)
		return 0;
	l = check_balance(n->left);
	r = check_balance(n->right);
	assert_true(l > r ? l - r <= 1 : r - l <= 1);
	reach = n->last;
	if (n->left) {
		assert_ptr_equal(n->left->parent, n);
		reach = max(reach, n->left->subtree_last);
	}
	if (n->right) {
		assert_ptr_equal(n->right->parent, n);
		reach = max(reach, n->right->subtree_last);
	}
	assert_int_equal(reach, n->subtree_last);
	return 1 + max(l, r);
}

static void itree_agrees_with_a_list(void **state)
{
	struct item items[NODES] = {0};
	struct itree t = {0};

	rnd_state = 1;
	for (u64 step = 0; step < 20000; step++) {
		struct item *i = &items[rnd(NODES)];

		if (i->in) {
			itree_remove(&t, &i->node);
			i->in = false;
		} else {
			i->node.start = rnd(SPACE);
			i->node.last = i->node.start + rnd(rnd(4) ? 10 : SPACE);
			i->birth = step;
			i->in = true;
			itree_insert(&t, &i->node);
		}
		if (step % 16)
			continue;
		check_balance(t.root);
		{
			u64 start = rnd(SPACE), last = start + rnd(50);
			struct item *want = NULL;
			struct itree_node *n;

			itree_for_each (n, &t, start, last) {
				want = model_next(items, want, start, last);
				assert_ptr_equal(container_of(n, struct item, node), want);
			}
			assert_null(model_next(items, want, start, last));
		}
	}
}

static bool covered(const struct item *items, int from, int to, u64 at)
{
	for (int i = from; i < to; i++)
		if (hits(&items[i], at, at))
			return true;
	return false;
}

/* Two trees of random intervals near `base`; every span checked number by number. */
static void check_spans(u64 base, u64 seed)
{
	struct item items[20] = {0};
	struct itree a = {0}, b = {0};
	struct double_span d;
	struct span_iter s;
	u64 next, first, last;
	int prev;

	rnd_state = seed;
	for (int i = 0; i < 20; i++) {
		if (rnd(3) == 0)
			continue;
		items[i].node.start = base + rnd(60);
		items[i].node.last =
			items[i].node.start + rnd(min(8UL, UINT64_MAX - items[i].node.start) + 1);
		items[i].in = true;
		itree_insert(i < 10 ? &a : &b, &items[i].node);
	}
	first = base + rnd(30);
	last = first + rnd(min(40UL, UINT64_MAX - first) + 1);
	next = first;
	prev = -1;
	for_each_double_span (&d, &a, &b, first, last) {
		assert_int_equal(d.start, next);
		assert_true(d.end >= d.start && d.end <= last);
		assert_int_not_equal(d.label, prev);
		for (u64 i = d.start;; i++) {
			u32 label = covered(items, 0, 10, i)	? 1
				    : covered(items, 10, 20, i) ? 2
								: 0;

			assert_int_equal(d.label, label);
			if (i == d.end)
				break;
		}
		prev = d.label;
		next = d.end + 1;
	}
	assert_int_equal(next, last + 1);
	next = first;
	prev = -1;
	for_each_span (&s, &a, first, last) {
		assert_int_equal(s.start, next);
		assert_int_not_equal(s.used, prev);
		for (u64 i = s.start;; i++) {
			assert_int_equal(s.used, covered(items, 0, 10, i));
			if (i == s.end)
				break;
		}
		prev = s.used;
		next = s.end + 1;
	}
	assert_int_equal(next, last + 1);
}

static void spans_partition_and_label(void **state)
{
	for (u64 seed = 1; seed < 3000; seed++) {
		check_spans(0, seed);
		check_spans(UINT64_MAX - 67, seed);
		check_spans((1ULL << 63) - 30, seed);
	}
}

static void pfn_store_agrees_with_an_array(void **state)
{
	struct arena *a = arena_create(NULL, 1 << 24);
	static u64 model[4096];
	struct pfn_store s;
	u64 found, pfn;

	memset(model, 0, sizeof(model));
	pfn_store_init(&s);
	rnd_state = 7;
	for (int step = 0; step < 50000; step++) {
		u64 i = rnd(rnd(2) ? 4096 : 40);

		if (rnd(2)) {
			assert_int_equal(pfn_store_insert(&s, a, i, step + 1),
					 model[i] ? -EEXIST : 0);
			model[i] = model[i] ? model[i] : (u64)step + 1;
		} else {
			pfn_store_erase(&s, a, i);
			model[i] = 0;
		}
		assert_int_equal(pfn_store_load(&s, i), model[i]);
	}
	for (u64 i = 0, at = 0;; i = at + 1) {
		bool more = pfn_store_next(&s, i, &at, &pfn);

		for (u64 k = i; k < (more ? at : 4096); k++)
			assert_int_equal(model[k], 0);
		if (!more)
			break;
		assert_int_equal(model[at], pfn);
	}
	for (u64 i = 0; i < 4096; i++)
		pfn_store_erase(&s, a, i);
	assert_true(pfn_store_empty(&s));
	assert_int_equal(arena_live_blocks(a), 0);
	assert_int_equal(pfn_store_insert(&s, a, 1ULL << 51, 5), 0);
	assert_int_equal(pfn_store_insert(&s, a, 3, 6), 0);
	assert_int_equal(pfn_store_load(&s, 1ULL << 51), 5);
	assert_true(pfn_store_next(&s, 4, &found, &pfn));
	assert_int_equal(found, 1ULL << 51);
	sparse_free(&s.tree, a);
	assert_int_equal(arena_live_blocks(a), 0);
	arena_destroy(a);
}

static void batch_of(struct pfn_batch *b, u32 capacity)
{
	memset(b, 0, sizeof(*b));
	b->array_size = capacity;
	b->pfns = b->inline_buf;
	b->npfns = (u32 *)(b->pfns + capacity);
}

static void batch_extends_beyond_capacity_only_when_contiguous(void **state)
{
	struct pfn_batch b;
	u64 pfn;

	batch_of(&b, 1);
	assert_int_equal(batch_add_run(&b, 10, 3), 3);
	assert_int_equal(batch_add_run(&b, 13, 2), 2);
	assert_int_equal(batch_add_run(&b, 16, 1), 0);
	assert_int_equal(b.end, 1);
	assert_int_equal(b.total_pfns, 5);
	assert_int_equal(batch_run_at(&b, 3, &pfn), 2);
	assert_int_equal(pfn, 13);
	assert_int_equal(batch_run_at(&b, 5, &pfn), 0);
}

/* One lookup after the other, in any order, and between changes of the batch. */
static void batch_lookups_do_not_depend_on_their_order(void **state)
{
	static const u64 order[] = {0, 1, 5, 6, 2, 9, 9, 3, 8, 7, 4, 0, 9};
	static const u64 want[] = {10, 11, 20, 30, 31, 32, 40, 41, 50, 60};
	struct pfn_batch b;
	u64 pfn;

	batch_of(&b, 8);
	for (u32 i = 0; i < ARRAY_SIZE(want); i++)
		assert_int_equal(batch_add_run(&b, want[i], 1), 1);
	for (u32 i = 0; i < ARRAY_SIZE(order); i++) {
		assert_true(batch_run_at(&b, order[i], &pfn) >= 1);
		assert_int_equal(pfn, want[order[i]]);
	}
	assert_int_equal(batch_run_at(&b, 10, &pfn), 0);
	assert_int_equal(batch_run_at(&b, 9, &pfn), 1);
	/* What was the tenth is the sixth when four have gone; then it is longer. */
	batch_skip(&b, 4);
	for (u32 i = 0; i < 6; i++) {
		assert_true(batch_run_at(&b, i, &pfn) >= 1);
		assert_int_equal(pfn, want[i + 4]);
	}
	assert_int_equal(batch_add_run(&b, 61, 3), 3);
	assert_int_equal(batch_run_at(&b, 5, &pfn), 4);
	batch_clear(&b);
	assert_int_equal(batch_run_at(&b, 0, &pfn), 0);
	assert_int_equal(batch_add_run(&b, 70, 2), 2);
	assert_int_equal(batch_run_at(&b, 1, &pfn), 1);
	assert_int_equal(pfn, 71);
}

/* Both take what batch_add_run() takes, one by one, of any list and into any room. */
static void batches_of_lists_equal_single_runs(void **state)
{
	static const u64 pfns[] = {12, 13, 20, 22, 23, 24, 40, 41, 50};
	static const struct pfn_run runs[] = {{12, 2}, {20, 1}, {22, 3}, {40, 2}, {50, 1}};

	for (u32 room = 1; room < 8; room++) {
		for (u64 before = 0; before < 3; before++) {
			struct pfn_batch one, array, list;
			u64 taken = 0, got;

			batch_of(&one, room);
			batch_of(&array, room);
			batch_of(&list, room);
			/* Nothing, what the list continues, what it does not. */
			if (before) {
				batch_add_run(&one, 9 + before, 1);
				batch_add_run(&array, 9 + before, 1);
				batch_add_run(&list, 9 + before, 1);
			}
			for (u32 i = 0; i < ARRAY_SIZE(runs); i++) {
				got = batch_add_run(&one, runs[i].pfn, runs[i].n);
				taken += got;
				if (got < runs[i].n)
					break;
			}
			assert_int_equal(batch_add_array(&array, pfns, ARRAY_SIZE(pfns)), taken);
			assert_int_equal(batch_add_runs(&list, runs, ARRAY_SIZE(runs)), taken);
			assert_int_equal(array.total_pfns, one.total_pfns);
			assert_int_equal(list.total_pfns, one.total_pfns);
			assert_int_equal(array.end, one.end);
			assert_int_equal(list.end, one.end);
			assert_memory_equal(array.pfns, one.pfns, one.end * sizeof(u64));
			assert_memory_equal(list.pfns, one.pfns, one.end * sizeof(u64));
			assert_memory_equal(array.npfns, one.npfns, one.end * sizeof(u32));
			assert_memory_equal(list.npfns, one.npfns, one.end * sizeof(u32));
		}
	}
}

static void batch_run_length_stops_at_32_bits(void **state)
{
	struct pfn_batch b;

	batch_of(&b, 2);
	assert_int_equal(batch_add_run(&b, 1, UINT32_MAX), UINT32_MAX);
	assert_int_equal(batch_add_run(&b, 1ULL + UINT32_MAX, 4), 4);
	assert_int_equal(b.end, 2);
	assert_int_equal(b.npfns[1], 4);
	assert_int_equal(batch_add_run(&b, 5ULL + UINT32_MAX, 1ULL << 33), UINT32_MAX - 4);
}

static void batch_skip_and_carry(void **state)
{
	struct iommufd_ctx ctx = {0};
	struct pfn_batch b;

	batch_of(&b, 8);
	batch_add_run(&b, 100, 4);
	batch_add_run(&b, 200, 4);
	batch_skip(&b, 5);
	assert_int_equal(b.end, 1);
	assert_int_equal(b.pfns[0], 201);
	assert_int_equal(b.npfns[0], 3);
	batch_clear_carry(&b, 2, &ctx);
	assert_int_equal(b.pfns[0], 202);
	assert_int_equal(b.total_pfns, 2);
	/* Skipped down to nothing, the batch is empty: no run of length 0 may stay. */
	batch_skip(&b, 2);
	assert_int_equal(b.end, 0);
	assert_int_equal(b.total_pfns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(itree_agrees_with_a_list),
		cmocka_unit_test(spans_partition_and_label),
		cmocka_unit_test(pfn_store_agrees_with_an_array),
		cmocka_unit_test(batch_extends_beyond_capacity_only_when_contiguous),
		cmocka_unit_test(batch_lookups_do_not_depend_on_their_order),
		cmocka_unit_test(batches_of_lists_equal_single_runs),
		cmocka_unit_test(batch_run_length_stops_at_32_bits),
		cmocka_unit_test(batch_skip_and_carry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
