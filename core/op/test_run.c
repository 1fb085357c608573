// SPDX-License-Identifier: GPL-2.0-only
/* op_run on the core backend: from text to verdict, and what may never differ between two ways of
 * running. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/flush/registry.h"
#include "core/op/gen.h"
#include "core/op/run.h"
#include "core/op/test_text.h"

#define ARENA (1ULL << 30)

static struct run_config config(const char *policy)
{
	return (struct run_config){
		.backend = &backend_core,
		.policy = flush_policy_find(policy),
		.shadow = true,
		.model = true,
		.check = RUN_CHECK_OPS,
		.shadow_flags = SHADOW_BOUND | SHADOW_HISTORY,
		.claims = CONTRACT_L | CONTRACT_I | CONTRACT_S0,
		.values = true,
		.digests = RUN_DIGESTS_FULL,
		.memory = MACHINE_MEMORY_MODEL,
		.arena_size = ARENA,
		.observer_size = ARENA,
	};
}

static struct run *new_run(const struct run_config *cfg)
{
	struct run *r = run_create(cfg);

	assert_non_null(r);
	return r;
}

static void no_findings(const struct run *r)
{
	struct run_finding f;

	if (!run_findings(r))
		return;
	f = run_finding(r, 0);
	fail_msg("finding %s at op %u: %s", f.rule, f.op, f.what);
}

static struct run *run_text(const struct run_config *cfg, const char *text)
{
	struct run *r = new_run(cfg);
	struct program p = test_parse(text);

	assert_int_equal(run_program(r, &p), 0);
	program_free(&p);
	return r;
}

static bool has_finding(const struct run *r, const char *rule)
{
	for (u32 i = 0; i < run_findings(r); i++)
		if (!strcmp(run_finding(r, i).rule, rule))
			return true;
	return false;
}

/* --- the thin slice ------------------------------------------------------------------------------
 */

#define REPLUG                      \
	"buffer P 3 pages\n"        \
	"table A\n"                 \
	"map A a0 P\n"              \
	"attach A n0 noncoherent\n" \
	"detach A n0\n"             \
	"attach A n1 noncoherent\n"

static void test_slice(void **state)
{
	struct run_config cfg = config("v1_posted");
	struct run *r = run_text(&cfg, REPLUG);
	u32 buffer, page;

	no_findings(r);
	assert_int_equal(run_ops(r), 7);
	assert_int_equal(shadow_violation(run_shadow(r), SHADOW_L)->op, 6);
	assert_int_equal(shadow_violation(run_shadow(r), SHADOW_L)->should, 6);
	assert_true(run_culprit(r, SHADOW_L, &buffer, &page));
	assert_int_equal(buffer, 0);
	assert_int_equal(page, 0);
	assert_false(run_culprit(r, SHADOW_I, &buffer, &page));
	assert_int_equal(shadow_totals(run_shadow(r), cfg.claims).flushes, 9);
	assert_int_equal(shadow_totals(run_shadow(r), cfg.claims).bound, 12);
	run_destroy(r);
}

static void test_sound_policies(void **state)
{
	struct run *r = NULL;
	struct program p = test_parse(REPLUG);

	for (u32 i = 0; i < flush_policy_count(); i++) {
		const struct flush_policy *policy = flush_policy_nth(i);
		struct run_config cfg = config(policy->name);

		if (!flush_policy_sound(policy))
			continue;
		if (r)
			assert_int_equal(run_reset(r, &cfg), 0);
		else
			r = new_run(&cfg);
		assert_int_equal(run_program(r, &p), 0);
		no_findings(r);
		assert_int_equal(shadow_broken(run_shadow(r)) & CONTRACTS_SOUND, 0);
	}
	assert_non_null(r);
	run_destroy(r);
	program_free(&p);
}

/* Nothing attached: the same states, the same results, and no event reaches anybody. */
static void test_unobserved(void **state)
{
	struct run_config cfg = config("exact"), bare = cfg;
	struct run *r = run_text(&cfg, REPLUG), *b;

	bare.shadow = bare.model = bare.values = false;
	bare.check = RUN_CHECK_NEVER;
	b = run_text(&bare, REPLUG);
	assert_null(run_shadow(b));
	assert_null(run_model(b));
	for (u32 op = 1; op <= run_ops(r); op++)
		assert_int_equal(run_result(r, op)->rc, run_result(b, op)->rc);
	assert_int_equal(run_counters(r)->clean_pages, run_counters(b)->clean_pages);
	assert_int_equal(run_digest(r), run_digest(b));
	run_destroy(r);
	run_destroy(b);
}

/* --- references and results
 * ------------------------------------------------------------------------ */

static void test_references(void **state)
{
	struct run_config cfg = config("exact");
	struct run *r = run_text(&cfg, "detach table%0 domain%0\n" /* 1: nothing there */
				       "table A\n"
				       "buffer P 2 pages\n"
				       "attach A n0 noncoherent fail 1\n" /* 4 */
				       "attach A n1 noncoherent\n"
				       "detach A n0\n" /* 6: never came to be */
				       "map A a0 P at 0x1000\n"
				       "unmap A a0[0]\n" /* 8: would cut the area */
				       "unmap A a0\n"
				       "unmap A a0\n" /* 10: nothing left */
				       "unmap A 0x1000 len 0x1000 badid\n"
				       "access x0 table:9\n" /* 12: no such table */
				       "access x1 A pages\n"
				       "detach A domain%7\n"); /* 14 */

	no_findings(r);
	assert_true(run_result(r, 1)->noop);
	assert_true(run_result(r, 4)->fired);
	assert_true(run_result(r, 4)->rc < 0);
	assert_int_equal(run_result(r, 5)->rc, 0);
	assert_true(run_result(r, 6)->noop);
	assert_int_equal(run_result(r, 7)->out, 0x1000);
	assert_int_equal(run_result(r, 8)->rc, -ENOENT);
	assert_int_equal(run_result(r, 9)->rc, 0);
	assert_int_equal(run_result(r, 9)->out, 0x2000);
	assert_int_equal(run_result(r, 10)->rc, -ENOENT);
	assert_int_equal(run_result(r, 11)->rc, -ENOENT);
	assert_true(run_result(r, 12)->noop);
	assert_int_equal(run_result(r, 13)->rc, 0);
	assert_int_equal(run_result(r, 14)->rc, 0);
	assert_false(run_result(r, 14)->noop);
	run_destroy(r);
}

static void test_access_callback(void **state)
{
	struct run_config cfg = config("exact");
	struct run *r = run_text(&cfg, "table A\n"
				       "buffer P 4 pages\n"
				       "map A a0 P\n"
				       "access x0 A pages\n"
				       "access x1 A pages refuse\n"
				       "pin x0 k0 a0[0..1] rw\n"
				       "unmap A a0\n" /* 7: x0 lets go */
				       "unpin k0\n"   /* 8: gone already */
				       "map A a1 P\n"
				       "pin x1 k1 a1 rw\n"
				       "unmap A a1\n"	    /* 11: x1 does not */
				       "access_detach x1\n" /* 12: now it must */
				       "unmap A a1\n");

	no_findings(r);
	assert_int_equal(run_result(r, 7)->rc, 0);
	assert_true(run_result(r, 8)->noop);
	assert_int_equal(run_result(r, 11)->rc, -EDEADLOCK);
	assert_int_equal(run_result(r, 12)->rc, 0);
	assert_int_equal(run_result(r, 13)->rc, 0);
	run_destroy(r);
}

static void test_teardown(void **state)
{
	static const char text[] = REPLUG "access x0 A pages\n"
					  "pin x0 k0 a0 rw\n"
					  "table B\n"
					  "copy B a1 from a0[1..2]\n"
					  "attach B n2 coherent\n"
					  "reserve A 0x100000 len 0x1000\n";
	struct run_config cfg = config("eager");
	struct run *r;

	for (int way = RUN_TEARDOWN_REQUESTS; way <= RUN_TEARDOWN_BACKEND; way++) {
		cfg.teardown = way;
		r = run_text(&cfg, text);
		no_findings(r);
		assert_int_equal(run_counters(r)->pages_pinned, run_counters(r)->pages_unpinned);
		run_destroy(r);
	}
}

/* --- the same in every way of running
 * ---------------------------------------------------------------- */

static const char busy[] = "buffer P 9 pages\n"
			   "layout P[2..7] run 2\n"
			   "table A\n"
			   "table B\n"
			   "attach A n0 noncoherent\n"
			   "map A a0 P\n"
			   "copy B a1 from a0[1..6]\n"
			   "access x0 B pages\n"
			   "pin x0 k0 a1[1..3] rw\n"
			   "attach B n1 coherent\n"
			   "rw x0 a1+0x234 len 0x1800 write\n"
			   "rw x0 a1+0x200 len 0x1900 read\n"
			   "load P[1]+0x200 len 0x1900\n"
			   "detach A n0\n"
			   "unpin k0\n"
			   "unmap A a0\n"
			   "attach B n2 noncoherent pgsize 4K\n"
			   "unmap_all B\n";

static void test_temp_limits(void **state)
{
	static const u32 limits[] = {12, 16, 24, 64, 255, 256, 65536};
	struct run_config cfg = config("exact");
	struct run *base = run_text(&cfg, busy), *r;

	no_findings(base);
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		cfg.temp_limit = limits[i];
		r = run_text(&cfg, busy);
		no_findings(r);
		assert_int_equal(run_ops(r), run_ops(base));
		for (u32 op = 1; op <= run_ops(r); op++)
			assert_int_equal(run_result(r, op)->digest, run_result(base, op)->digest);
		assert_int_equal(run_counters(r)->clean_pages, run_counters(base)->clean_pages);
		run_destroy(r);
	}
	run_destroy(base);
}

static void test_reset(void **state)
{
	struct run_config cfg = config("storage_skip");
	struct run *r = run_text(&cfg, busy), *again = run_text(&cfg, REPLUG);
	struct program p = test_parse(busy);

	assert_int_equal(run_reset(again, &cfg), 0);
	assert_int_equal(run_program(again, &p), 0);
	assert_int_equal(run_digest(again), run_digest(r));
	assert_int_equal(shadow_digest(run_shadow(again)), shadow_digest(run_shadow(r)));
	assert_int_equal(model_digest(run_model(again)), model_digest(run_model(r)));
	run_destroy(r);
	run_destroy(again);
	program_free(&p);
}

/* A snapshot before each op; going on from it, twice, ends as the straight run does. */
static void test_snapshots(void **state)
{
	struct run_config cfg = config("sticky");
	struct run *straight = run_text(&cfg, busy), *r = new_run(&cfg);
	struct program p = test_parse(busy);
	size_t at = 0, next, size;
	bool more = true;
	void *buf;

	while (more) {
		size = run_save_size(r);
		buf = malloc(size);
		assert_non_null(buf);
		run_save(r, buf);
		for (next = at; run_step(r, &p, &next);)
			;
		run_finish(r);
		assert_int_equal(run_digest(r), run_digest(straight));
		no_findings(r);
		run_restore(r, buf, size);
		free(buf);
		more = run_step(r, &p, &at);
	}
	run_finish(r);
	assert_int_equal(run_digest(r), run_digest(straight));
	run_destroy(straight);
	run_destroy(r);
	program_free(&p);
}

/* Every place of every op, one at a time, in a fresh run; the model checks what is left behind. */
static void test_failures(void **state)
{
	static const char *const policies[] = {"exact", "eager", "storage_skip", "sticky"};
	struct program p = test_parse(busy);
	struct run_config cfg;
	struct run *r = NULL;
	u32 cases = 0;

	for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
		for (u32 op = 1, nth = 1; op <= program_nr_ops(&p);) {
			cfg = config(policies[i]);
			if (r)
				run_reset(r, &cfg);
			else
				r = new_run(&cfg);
			run_inject(r, op, FAULT_ANY, nth);
			assert_int_equal(run_program(r, &p), 0);
			no_findings(r);
			assert_int_equal(shadow_broken(run_shadow(r)) & CONTRACTS_SOUND, 0);
			cases += !!run_result(r, op)->fired;
			nth = run_result(r, op)->fired ? nth + 1 : 1;
			op += nth == 1;
		}
	}
	assert_true(cases > 100);
	run_destroy(r);
	program_free(&p);
}

/* --- expectations
 * ---------------------------------------------------------------------------------- */

static bool judge_expect(const struct run *r, const struct program *p, struct run_expect *e)
{
	for (size_t at = 0; at < p->nr; at++)
		if (run_expect(r, p, at, 6, e))
			return e->holds;
	fail_msg("no expectation");
	return false;
}

static void one_expect(const char *policy, const char *line, bool concerns, bool holds)
{
	struct run_config cfg = config(policy);
	struct run_expect e;
	struct program p;
	char text[400];
	struct run *r;

	snprintf(text, sizeof(text), "%s%s\n", REPLUG, line);
	p = test_parse(text);
	r = new_run(&cfg);
	run_program(r, &p);
	if (judge_expect(r, &p, &e) != holds || e.concerns != concerns)
		fail_msg("%s under %s: concerns %d, holds %d: %s", line, policy, e.concerns,
			 e.holds, e.found);
	run_destroy(r);
	program_free(&p);
}

static void test_expects(void **state)
{
	one_expect("v1_posted", "expect v1_posted L at 6", true, true);
	one_expect("v1_posted", "expect v1_posted L at 6 page 0", true, true);
	one_expect("v1_posted", "expect v1_posted L at 6 page 1", true, false);
	one_expect("v1_posted", "expect v1_posted L at 4", true, false);
	one_expect("v1_posted", "expect v1_posted I", true, false);
	one_expect("v1_posted", "expect v1_posted I ok", true, true);
	one_expect("v1_posted", "expect v1_posted L ok", true, false);
	one_expect("exact", "expect v1_posted L at 6", false, true);
	one_expect("exact", "expect all L ok", true, true);
	one_expect("exact", "expect sound ok", true, true);
	one_expect("none", "expect sound ok", false, true);
	one_expect("none", "expect none ok", true, true); /* it claims none of what breaks */
	one_expect("exact", "expect flushes exact 12", true, true);
	one_expect("exact", "expect flushes exact 11", true, false);
	one_expect("none", "expect bound 12", true, true);
	one_expect("none", "expect bound L+I+S0 13", true, false);
	one_expect("exact", "expect errno 0", true, true);
	one_expect("exact", "expect errno ENOENT at 6", true, false);
	one_expect("exact", "expect errno 0 at 99", true, false);
	one_expect("exact", "expect finding D3", true, false);
}

/* --- tests that must notice
 * ------------------------------------------------------------------------ */

static void flipping_execute(struct backend *b, struct request *req)
{
	backend_core.execute(b, req);
	if (req->kind == REQ_RW && !(req->flags & REQF_WRITE) && !req->rc)
		((u8 *)req->data)[req->length / 2] ^= 1;
}

static void test_wrong_bytes_are_noticed(void **state)
{
	struct backend_ops broken = backend_core;
	struct run_config cfg = config("exact");
	struct run *r;

	broken.execute = flipping_execute;
	cfg.backend = &broken;
	r = run_text(&cfg, busy);
	assert_true(has_finding(r, "A6"));
	run_destroy(r);
}

static void misplacing_execute(struct backend *b, struct request *req)
{
	if (req->kind == REQ_RW)
		req->iova += PAGE_SIZE;
	backend_core.execute(b, req);
	if (req->kind == REQ_RW)
		req->iova -= PAGE_SIZE;
}

static void test_wrong_place_is_noticed(void **state)
{
	struct backend_ops broken = backend_core;
	struct run_config cfg = config("exact");
	struct run *r;

	broken.execute = misplacing_execute;
	cfg.backend = &broken;
	r = run_text(&cfg, busy);
	assert_true(has_finding(r, "A6"));
	run_destroy(r);
}

static struct backend *leaking_create(const struct backend_ops *ops, struct arena *arena,
				      struct machine *m, const struct flush_policy *policy,
				      const struct backend_callbacks *cb)
{
	if (!arena_alloc(arena, 100))
		return NULL;
	return backend_core.create(ops, arena, m, policy, cb);
}

static void test_leak_is_noticed(void **state)
{
	struct backend_ops broken = backend_core;
	struct run_config cfg = config("exact");
	struct run *r;

	broken.create = leaking_create;
	cfg.backend = &broken;
	r = run_text(&cfg, REPLUG);
	assert_true(has_finding(r, "LEAK"));
	run_destroy(r);
}

/* A shadow that believes in no device write finds no broken integrity: this suite would fail with
 * it. */
static void test_broken_shadow_is_noticed(void **state)
{
	struct run_config cfg = config("none");
	struct run *r = run_text(&cfg, REPLUG);

	assert_true(shadow_broken(run_shadow(r)) & CONTRACT_I);
	run_destroy(r);
	cfg.broken = SHADOW_BREAK_NO_DEVICE_WRITE;
	r = run_text(&cfg, REPLUG);
	assert_false(shadow_broken(run_shadow(r)) & CONTRACT_I);
	run_destroy(r);
}

/* --- programs from elsewhere
 * ------------------------------------------------------------------------ */

static const struct flush_policy *nth_sound(u64 n)
{
	for (u32 i = 0;; i = (i + 1) % flush_policy_count())
		if (flush_policy_sound(flush_policy_nth(i)) && !n--)
			return flush_policy_nth(i);
}

static void run_any(struct run **r, const struct program *p, u64 seed)
{
	const struct flush_policy *policy = nth_sound(seed % 16);
	struct run_config cfg = config(policy->name);

	if (*r)
		assert_int_equal(run_reset(*r, &cfg), 0);
	else
		*r = new_run(&cfg);
	assert_int_equal(run_program(*r, p), 0);
	if (!run_findings(*r) && !(shadow_broken(run_shadow(*r)) & policy->claims))
		return;
	print_error("seed %llu, policy %s\n", (unsigned long long)seed, policy->name);
	no_findings(*r);
	fail_msg("contracts 0x%x are broken", shadow_broken(run_shadow(*r)) & policy->claims);
}

static void test_generated(void **state)
{
	struct gen_config gc = gen_default();
	struct program p = PROGRAM_EMPTY;
	struct run *r = NULL;

	for (u64 seed = 0; seed < 300; seed++) {
		assert_int_equal(gen_program(&p, seed, &gc), 0);
		run_any(&r, &p, seed);
	}
	run_destroy(r);
	program_free(&p);
}

static void test_random_bytes(void **state)
{
	struct program p = PROGRAM_EMPTY;
	struct run *r = NULL;
	u8 bytes[1 + 24 * OP_SIZE];
	u64 h = 1;

	for (u64 seed = 0; seed < 300; seed++) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (h = hash_add(h, i)) >> 16;
		assert_int_equal(program_decode(&p, bytes, sizeof(bytes) - seed % OP_SIZE), 0);
		run_any(&r, &p, seed);
	}
	run_destroy(r);
	program_free(&p);
}

/* --- which pages are marked dirty ------------------------------------------------ */

/* Runs the text; bit i of the result: page i of the buffer at 0x100000 is marked dirty. */
static u32 dirty_after(const char *text, u32 temp_limit)
{
	struct run_config cfg = config("exact");
	struct program p = test_parse(text);
	struct buffer *b;
	struct run *r;
	u32 dirty = 0;

	cfg.temp_limit = temp_limit;
	r = new_run(&cfg);
	for (size_t at = 0; run_step(r, &p, &at);)
		;
	b = machine_buffer_at(run_machine(r), 0, 0x100000);
	assert_non_null(b);
	for (u64 i = 0; i < buffer_npages(b); i++)
		if (machine_page_dirty(run_machine(r), buffer_pfn(b, i)))
			dirty |= 1u << i;
	run_finish(r);
	no_findings(r);
	run_destroy(r);
	program_free(&p);
	return dirty;
}

#define DIRTY_HEAD "buffer P 4 pages at 0x100000\nlayout P run 1\ntable A\n"

static void test_dirty(void **state)
{
	/* The last unpin marks what a device could have written, and nothing else does. */
	assert_int_equal(dirty_after(DIRTY_HEAD "map A a0 P\nattach A n0 coherent\n", 0), 0);
	assert_int_equal(dirty_after(DIRTY_HEAD "map A a0 P[0..1]\nattach A n0 coherent\n"
						"unmap A a0\n",
				     0),
			 0x3);
	assert_int_equal(
		dirty_after(DIRTY_HEAD "map A a0 P ro\nattach A n0 coherent\nunmap A a0\n", 0), 0);
	/* rw by the slow way marks what it writes, held by a domain or not; a read marks held pages never. */
	assert_int_equal(dirty_after(DIRTY_HEAD "access x0 A\nmap A a0 P\nattach A n0 coherent\n"
						"rw x0 a0+0x1ff8 len 16 write by 1\n",
				     0),
			 0x6);
	assert_int_equal(dirty_after(DIRTY_HEAD "access x0 A\nmap A a0 P\nattach A n0 coherent\n"
						"rw x0 a0+0x1ff8 len 16 read by 1\n",
				     0),
			 0);
	/* One page: only where it was written. */
	assert_int_equal(dirty_after(DIRTY_HEAD "access x0 A\nmap A a0 P\n"
						"rw x0 a0+0x1000 len 16 write by 1\n"
						"rw x0 a0+0x2000 len 16 read by 1\n",
				     0),
			 0x2);
	/* A fill that is undone marks what had been mapped, whatever the batches were. */
	for (u32 limit = 12; limit < 100; limit *= 2)
		assert_int_equal(dirty_after(DIRTY_HEAD "attach A n0 coherent leaves 3\n"
							"map A a0 P\nmap A a1 P[3]\nunmap A a1\n",
					     limit) &
					 0x7,
				 0x7);
}

/* No bytes ask for more memory than there is: not by pages, not by the limit of batches. */
static void test_reduce(void **state)
{
	struct program p = test_parse("buffer P 0xffffffff pages\ntemp_limit 0xfffffff0\n"
				      "buffer Q 7 pages\ntemp_limit 65536\n");

	run_reduce(&p, 0);
	assert_in_range(p.ops[0].arg, 1, RUN_PAGES_FUZZ);
	assert_in_range(p.ops[1].arg, 12, RUN_TEMP_FUZZ);
	assert_int_equal(p.ops[2].arg, 7);
	assert_int_equal(p.ops[3].arg, 65536);
	run_reduce(&p, 4);
	assert_int_equal(p.ops[2].arg, 3);
	program_free(&p);
	p = test_parse(
		"ranges table:0\nranges table:0 room 1023\nranges table:0 room 0xfffffffe\n");
	run_reduce(&p, 0);
	assert_int_equal(p.ops[0].arg, 0);
	assert_int_equal(p.ops[1].arg, 1024);
	assert_int_equal(p.ops[2].arg, RUN_RANGES_FUZZ + 1);
	program_free(&p);
	p = test_parse(
		"store buffer:0 len 0x4001\ndma_read domain:0 0x0 len 6 pages\nload buffer:0 "
		"len 0x4000\n");
	run_reduce(&p, 0);
	assert_int_equal(op_length(&p.ops[0]), 0x4001);
	run_reduce(&p, 4);
	assert_int_equal(op_length(&p.ops[0]), 0);
	assert_int_equal(op_length(&p.ops[1]), PAGE_SIZE);
	assert_int_equal(op_length(&p.ops[2]), 0x4000);
	program_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slice),
		cmocka_unit_test(test_sound_policies),
		cmocka_unit_test(test_unobserved),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_access_callback),
		cmocka_unit_test(test_teardown),
		cmocka_unit_test(test_temp_limits),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_snapshots),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_expects),
		cmocka_unit_test(test_wrong_bytes_are_noticed),
		cmocka_unit_test(test_wrong_place_is_noticed),
		cmocka_unit_test(test_leak_is_noticed),
		cmocka_unit_test(test_broken_shadow_is_noticed),
		cmocka_unit_test(test_generated),
		cmocka_unit_test(test_dirty),
		cmocka_unit_test(test_random_bytes),
		cmocka_unit_test(test_reduce),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
