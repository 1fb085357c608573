// SPDX-License-Identifier: GPL-2.0-only
/* Mutations: each does what it says and nothing else, what comes out is a program, and again the same. */
#include "fuzz/campaign/mutate.h"

#include "core/flush/registry.h"
#include "core/op/run.h"
#include "fuzz/shrink/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define TIMES 400

/* A program, another one, and what became of the first. */
struct rig {
	struct mutator *m;
	struct program before, other, after;
	struct mutate_rng g;
};

static int set_up(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct gen_config gen = gen_default();

	assert_non_null(r);
	r->m = mutator_create(&gen);
	assert_non_null(r->m);
	r->g.state = 42;
	*state = r;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *r = *state;

	mutator_destroy(r->m);
	program_free(&r->before);
	program_free(&r->other);
	program_free(&r->after);
	free(r);
	return 0;
}

static void draw(struct rig *r, u64 seed)
{
	struct gen_config gen = gen_default();

	assert_int_equal(gen_program(&r->before, seed, &gen), 0);
	assert_int_equal(gen_program(&r->other, seed + 1, &gen), 0);
	assert_int_equal(program_copy(&r->after, &r->before), 0);
}

static void assert_valid(const struct program *p)
{
	for (size_t k = 0; k < p->nr; k++) {
		struct op op = p->ops[k];

		op_normalise(&op);
		assert_memory_equal(&op, &p->ops[k], OP_SIZE);
	}
}

/* Of programs that differ: what, and how often it was so. */
static u32 each(struct rig *r, enum mutation which, void (*look)(struct rig *r))
{
	u32 changed = 0;

	for (u32 seed = 0; seed < TIMES; seed++) {
		draw(r, seed);
		assert_int_equal(mutate_once(r->m, &r->after, &r->other, &r->g, which, 0), 0);
		assert_valid(&r->after);
		if (program_equal(&r->after, &r->before))
			continue;
		look(r);
		changed++;
	}
	return changed;
}

static bool same(const struct op *a, const struct op *b, size_t nr)
{
	return !nr || !memcmp(a, b, nr * OP_SIZE);
}

/* Is @longer the other one with a row of records more? *@at: where; the last place where it fits. */
static bool is_longer(const struct program *longer, const struct program *p, size_t *at)
{
	size_t nr = longer->nr - p->nr;

	*at = 0;
	if (longer->nr <= p->nr)
		return false;
	for (*at = p->nr + 1; (*at)--;)
		if (same(longer->ops, p->ops, *at) &&
		    same(longer->ops + *at + nr, p->ops + *at, p->nr - *at))
			return true;
	return false;
}

static bool holds(const struct program *p, const struct op *row, size_t nr)
{
	for (size_t at = 0; at + nr <= p->nr; at++)
		if (same(p->ops + at, row, nr))
			return true;
	return false;
}

static int compare_ops(const void *a, const void *b)
{
	return memcmp(a, b, OP_SIZE);
}

/* The same records, in whatever order? Sorts both. */
static bool same_records(struct program *a, struct program *b)
{
	if (a->nr != b->nr)
		return false;
	qsort(a->ops, a->nr, OP_SIZE, compare_ops);
	qsort(b->ops, b->nr, OP_SIZE, compare_ops);
	return program_equal(a, b);
}

/* --- one by one --------------------------------------------------------------------- */

static void look_drop(struct rig *r)
{
	size_t at = 0;

	assert_true(is_longer(&r->before, &r->after, &at));
}

static void look_dup(struct rig *r)
{
	size_t nr = r->after.nr - r->before.nr, at = 0;

	assert_true(is_longer(&r->after, &r->before, &at));
	assert_true(at >= nr && same(r->after.ops + at, r->after.ops + at - nr, nr));
}

static void look_fresh(struct rig *r)
{
	size_t at = 0;

	assert_true(is_longer(&r->after, &r->before, &at));
}

static void look_splice(struct rig *r)
{
	size_t at = 0;

	assert_true(is_longer(&r->after, &r->before, &at));
	assert_true(holds(&r->other, r->after.ops + at, r->after.nr - r->before.nr));
}

static void look_cross(struct rig *r)
{
	size_t head = 0;

	while (head < r->before.nr && head < r->after.nr &&
	       same(r->before.ops + head, r->after.ops + head, 1))
		head++;
	for (size_t tail = r->after.nr - head; tail <= r->after.nr; tail++)
		if (tail && tail <= r->other.nr &&
		    same(r->after.ops + r->after.nr - tail, r->other.ops + r->other.nr - tail,
			 tail))
			return;
	fail();
}

static void look_move(struct rig *r)
{
	assert_true(same_records(&r->before, &r->after));
}

/* The place behind the group whose record is the last one at which the programs differ. */
static size_t end_of_change(const struct rig *r)
{
	size_t end = r->before.nr;

	while (end && same(r->before.ops + end - 1, r->after.ops + end - 1, 1))
		end--;
	while (end < r->before.nr && op_is_continuation(&r->before.ops[end]))
		end++;
	return end;
}

/* a m b became b m a. */
static void look_swap(struct rig *r)
{
	size_t first = 0, end = end_of_change(r), a, b;
	struct op_group g;

	assert_int_equal(r->after.nr, r->before.nr);
	while (same(r->before.ops + first, r->after.ops + first, 1))
		first++;
	while (op_is_continuation(&r->before.ops[first]))
		first--;
	program_group(&r->before, first, &g);
	a = g.next - first;
	program_group(&r->after, first, &g);
	b = g.next - first;
	assert_true(a + b <= end - first);
	assert_true(same(r->before.ops + first, r->after.ops + end - a, a));
	assert_true(same(r->after.ops + first, r->before.ops + end - b, b));
	assert_true(same(r->before.ops + first + a, r->after.ops + first + b, end - first - a - b));
}

/* The only record that is another one. */
static size_t changed_record(const struct rig *r)
{
	size_t at = r->before.nr;

	assert_int_equal(r->after.nr, r->before.nr);
	for (size_t k = 0; k < r->before.nr; k++) {
		if (same(r->before.ops + k, r->after.ops + k, 1))
			continue;
		assert_int_equal(at, r->before.nr);
		at = k;
	}
	return at;
}

static void look_field(struct rig *r)
{
	size_t at = changed_record(r);

	assert_int_equal(r->before.ops[at].code, r->after.ops[at].code);
}

static void look_fail(struct rig *r)
{
	size_t at = changed_record(r);
	struct op op = r->after.ops[at];

	op_set_fail(&op, op_fail_point(&r->before.ops[at]), op_fail_nth(&r->before.ops[at]));
	assert_memory_equal(&op, &r->before.ops[at], OP_SIZE);
	assert_true(op_info(op.code)->fields & OPX_REQ);
}

static void test_each(void **state)
{
	struct rig *r = *state;

	assert_true(each(r, MUTATE_drop, look_drop) == TIMES);
	assert_true(each(r, MUTATE_dup, look_dup) == TIMES);
	assert_true(each(r, MUTATE_fresh, look_fresh) > TIMES * 9 / 10);
	assert_true(each(r, MUTATE_splice, look_splice) == TIMES);
	assert_true(each(r, MUTATE_cross, look_cross) > TIMES * 9 / 10);
	assert_true(each(r, MUTATE_move, look_move) > TIMES * 7 / 10);
	assert_true(each(r, MUTATE_swap, look_swap) > TIMES * 7 / 10);
	assert_true(each(r, MUTATE_field, look_field) > TIMES / 4);
	assert_true(each(r, MUTATE_fail, look_fail) > TIMES * 9 / 10);
}

/* Ops stay whole: nothing comes between one and its continuations. */
static void test_whole_ops(void **state)
{
	static const enum mutation whole[] = {MUTATE_drop, MUTATE_dup,	MUTATE_move,
					      MUTATE_swap, MUTATE_keep, MUTATE_cross};
	struct rig *r = *state;
	struct op allow = {.code = OP_ALLOW}, more = {.code = OP_MORE};

	for (u32 i = 0; i < TIMES; i++) {
		program_clear(&r->after);
		for (u32 k = 0; k < 8; k++) {
			struct op table = {.code = OP_TABLE};

			allow.addr = more.addr = k << PAGE_SHIFT;
			assert_int_equal(program_add(&r->after, k % 2 ? &table : &allow), 0);
			if (k % 2 == 0)
				assert_int_equal(program_add(&r->after, &more), 0);
		}
		assert_int_equal(program_copy(&r->other, &r->after), 0);
		assert_int_equal(mutate_once(r->m, &r->after, &r->other, &r->g,
					     whole[i % ARRAY_SIZE(whole)], 0),
				 0);
		for (size_t at = 0; at < r->after.nr; at++) {
			bool is_more = r->after.ops[at].code == OP_MORE;

			assert_true(is_more == (at && r->after.ops[at - 1].code == OP_ALLOW));
			if (is_more)
				assert_int_equal(r->after.ops[at].addr, r->after.ops[at - 1].addr);
		}
	}
}

/* --- a move that keeps meanings ------------------------------------------------------ */

static struct run *binder;

static void run_bound(const struct program *p, struct program *bound, struct units *u)
{
	struct run_config cfg = {.backend = &backend_core, .policy = flush_policy_find("none")};

	if (binder)
		assert_int_equal(run_reset(binder, &cfg), 0);
	else
		binder = run_create(&cfg);
	assert_non_null(binder);
	assert_int_equal(program_bind(binder, p, bound), 0);
	assert_int_equal(units_read(u, bound), 0);
}

struct came {
	s32 rc;
	bool noop;
	u64 out;
};

static void results(u32 nr, struct came *all)
{
	for (u32 k = 0; k < nr; k++) {
		const struct run_result *res = run_result(binder, k + 1);

		all[k] = (struct came){res->rc, res->noop, res->out};
	}
}

/* Where unit @k is after one moved. */
static u32 place(u32 k, u32 from, u32 to)
{
	if (k == from)
		return to;
	if (k > from && k <= to)
		return k - 1;
	return k < from && k >= to ? k + 1 : k;
}

/* The unit that creates what a slot names; UINT32_MAX: it names none. */
static u32 creator(const struct units *u, const struct op *op, unsigned int i)
{
	enum obj_kind kind = op_ref_kind(op, i);

	if (kind == OBJ_NONE || !op_by_id(op, i) || op_slot(op, i) >= u->created[kind])
		return UINT32_MAX;
	return u->creator[kind][op_slot(op, i)];
}

static bool came_to_same(const struct came *a, const struct came *b, u32 nr, u32 from, u32 to)
{
	for (u32 k = 0; k < nr; k++) {
		const struct came *x = &a[k], *y = &b[place(k, from, to)];

		if (x->rc != y->rc || x->noop != y->noop || x->out != y->out)
			return false;
	}
	return true;
}

/*
 * Where every op comes to the same as before, every reference must be to the same object. Returns how
 * many were compared; @from and @to are what `keep` draws.
 */
static u32 compare_meanings(struct rig *r, u32 from, u32 to)
{
	static struct came before[4096], after[4096];
	struct program a = PROGRAM_EMPTY, b = PROGRAM_EMPTY;
	struct units ua = {0}, ub = {0};
	u32 compared = 0;

	run_bound(&r->before, &a, &ua);
	results(ua.nr, before);
	run_bound(&r->after, &b, &ub);
	assert_int_equal(ua.nr, ub.nr);
	results(ub.nr, after);
	for (u32 k = 0; k < ua.nr && came_to_same(before, after, ua.nr, from, to); k++) {
		const struct op *x = unit_op(&ua, &a, k), *y;

		y = unit_op(&ub, &b, place(k, from, to));
		assert_int_equal(x->code, y->code);
		for (unsigned int i = 0; i < 3; i++) {
			u32 of = creator(&ua, x, i);

			if (of == UINT32_MAX)
				continue;
			assert_int_equal(creator(&ub, y, i), place(of, from, to));
			compared++;
		}
	}
	program_free(&a);
	program_free(&b);
	units_free(&ua);
	units_free(&ub);
	return compared;
}

static void test_keep(void **state)
{
	struct rig *r = *state;
	struct units u = {0};
	u32 compared = 0;

	for (u32 seed = 0; seed < TIMES; seed++) {
		struct mutate_rng g = r->g;
		u32 from, to;

		draw(r, seed);
		assert_int_equal(units_read(&u, &r->before), 0);
		from = mutate_below(&g, u.nr);
		to = mutate_below(&g, u.nr);
		assert_int_equal(mutate_once(r->m, &r->after, &r->other, &r->g, MUTATE_keep, 0), 0);
		assert_valid(&r->after);
		assert_true(r->g.state == g.state);
		compared += compare_meanings(r, from, to);
	}
	assert_true(compared > TIMES * 3);
	units_free(&u);
	run_destroy(binder);
	binder = NULL;
}

/* --- swarm ---------------------------------------------------------------------------- */

static u32 count(const struct program *p, u32 code)
{
	u32 n = 0;

	for (size_t k = 0; k < p->nr; k++)
		n += p->ops[k].code == code;
	return n;
}

/* What is off does not come in and does not change, whatever happens; else it does. */
static void test_off(void **state)
{
	static const enum mutation adds[] = {MUTATE_dup, MUTATE_fresh, MUTATE_splice, MUTATE_cross};
	struct rig *r = *state;
	u32 more[2] = {0};

	for (u32 i = 0; i < TIMES * ARRAY_SIZE(adds) * 2; i++) {
		u64 off = i % 2 ? 1ULL << OP_MAP | 1ULL << OP_ATTACH : 0;

		draw(r, i);
		assert_int_equal(mutate_once(r->m, &r->after, &r->other, &r->g,
					     adds[i / 2 % ARRAY_SIZE(adds)], off),
				 0);
		more[i % 2] += count(&r->after, OP_MAP) > count(&r->before, OP_MAP) ||
			       count(&r->after, OP_ATTACH) > count(&r->before, OP_ATTACH);
		draw(r, i);
		assert_int_equal(mutate_once(r->m, &r->after, &r->other, &r->g,
					     i % 4 < 2 ? MUTATE_field : MUTATE_fail, ~0ULL),
				 0);
		assert_true(program_equal(&r->before, &r->after));
	}
	assert_int_equal(more[1], 0);
	assert_true(more[0] > TIMES);
}

/* --- all together --------------------------------------------------------------------- */

static void test_program(void **state)
{
	struct rig *r = *state;
	u32 changed = 0;

	for (u32 i = 0; i < 3000; i++) {
		draw(r, i);
		assert_int_equal(
			mutate_program(r->m, &r->after, i % 2 ? &r->other : NULL, &r->g, 50), 0);
		assert_true(r->after.nr <= 50);
		assert_valid(&r->after);
		changed += !program_equal(&r->before, &r->after);
	}
	assert_true(changed > 2500);
	/* From nothing to something: the other program. */
	program_clear(&r->after);
	assert_int_equal(mutate_program(r->m, &r->after, &r->other, &r->g, 50), 0);
	assert_true(r->after.nr > 0);
	program_clear(&r->after);
	assert_int_equal(mutate_program(r->m, &r->after, NULL, &r->g, 50), 0);
	assert_true(r->after.nr > 0);
}

/* --- bytes ------------------------------------------------------------------------------ */

static size_t random_bytes(struct mutate_rng *g, u8 *to, size_t most)
{
	size_t len = mutate_below(g, most + 1);

	for (size_t i = 0; i < len; i++)
		to[i] = mutate_u64(g);
	return len;
}

/* Is it the very form that decoding and encoding gives? */
static void assert_encoded(struct rig *r, const u8 *buf, size_t len)
{
	u8 again[8192];

	assert_true(len > 0 && len % OP_SIZE == 1);
	assert_int_equal(program_decode(&r->after, buf, len), 0);
	program_encode(&r->after, again);
	assert_memory_equal(buf, again, len);
}

static void test_bytes(void **state)
{
	struct rig *r = *state;
	struct gen_config gen = gen_default();
	struct mutator *other = mutator_create(&gen);
	u8 before[600], a[4200], b[4200], c[4200];
	u32 changed = 0, seeds = 0;

	assert_non_null(other);
	for (u32 i = 0; i < TIMES * 5; i++) {
		size_t len = random_bytes(&r->g, before, sizeof(before));
		size_t max = 1 + mutate_below(&r->g, i % 2 ? 4200 : 300), got, twice;

		memcpy(a, before, len);
		memcpy(b, before, len);
		memcpy(c, before, len);
		got = mutate_bytes(r->m, a, len, max, i);
		assert_true(got <= max);
		assert_encoded(r, a, got);
		/* One that has done other things before comes to the same. */
		mutate_bytes(other, c, len, sizeof(c), i + 7);
		twice = mutate_bytes(other, b, len, max, i);
		assert_int_equal(got, twice);
		assert_memory_equal(a, b, got);
		changed += got != len || memcmp(a, before, got);
		memcpy(b, before, len);
		twice = mutate_bytes(r->m, b, len, max, i + 1);
		seeds += got != twice || memcmp(a, b, got);
	}
	assert_true(changed > TIMES * 4 && seeds > TIMES * 4);
	assert_int_equal(mutate_bytes(r->m, a, 0, 0, 1), 0);
	mutator_destroy(other);
}

/* Grows to its limit and not beyond it, whatever it is given room for. */
static void test_limit(void **state)
{
	struct rig *r = *state;
	static u8 buf[1 << 16];
	size_t len = 0, longest = 0;

	for (u32 i = 0; i < TIMES * 5; i++) {
		size_t before = max(len, (size_t)MUTATE_RECORDS * OP_SIZE + 1);

		len = mutate_bytes(r->m, buf, len, sizeof(buf), i);
		assert_true(len <= before);
		longest = max(longest, len);
	}
	assert_true(longest > 1024);
}

/* Does what came out have a record of @from that @without has not? */
static bool has_of(struct rig *r, const struct program *from, const struct program *without)
{
	for (size_t k = 0; k < from->nr; k++)
		if (holds(&r->after, &from->ops[k], 1) && !holds(without, &from->ops[k], 1))
			return true;
	return false;
}

static void test_crossing(void **state)
{
	struct rig *r = *state;
	u8 a[8192], b[8192], out[4200];
	u32 both = 0;

	for (u32 i = 0; i < TIMES; i++) {
		size_t len, again, max = i % 4 ? 4200 : 1 + mutate_below(&r->g, 200);

		draw(r, i);
		assert_true(program_encoded_size(&r->before) <= sizeof(a));
		program_encode(&r->before, a);
		program_encode(&r->other, b);
		len = mutate_cross(r->m, a, program_encoded_size(&r->before), b,
				   program_encoded_size(&r->other), out, max, i);
		assert_true(len <= max);
		assert_encoded(r, out, len);
		both += has_of(r, &r->before, &r->other) && has_of(r, &r->other, &r->before);
		again = mutate_cross(r->m, a, program_encoded_size(&r->before), b,
				     program_encoded_size(&r->other), a, max, i);
		assert_int_equal(len, again);
		assert_memory_equal(out, a, len);
	}
	assert_true(both > TIMES / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_each, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_whole_ops, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_keep, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_off, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_program, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bytes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_limit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_crossing, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
