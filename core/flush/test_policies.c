// SPDX-License-Identifier: GPL-2.0-only
/* Every policy on the test world: its rule by hand-written requests, its claims and bounds by
 * random ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "core/flush/registry.h"
#include "core/flush/test_world.h"

static const struct flush_policy *find(const char *name)
{
	const struct flush_policy *policy = flush_policy_find(name);

	assert_non_null(policy);
	return policy;
}

/* What each request of @ops cleans, whatever the size of batches; see struct world's log. */
static void expect(const char *name, const char *ops, const char *log)
{
	static const u64 cuts[] = {1, 2, W_PAGES};
	struct world w;

	for (u32 i = 0; i < ARRAY_SIZE(cuts); i++) {
		world_init(&w, find(name), cuts[i]);
		world_run(&w, ops);
		if (strcmp(w.log, log))
			print_error("%s, %lu pages a batch: %s\n", name, (unsigned long)cuts[i],
				    ops);
		assert_string_equal(w.log, log);
	}
}

static void test_none(void **state)
{
	expect("none", "nA1 mAaP02 cA2 dA1 ua", ". . . . .");
}

static void test_eager(void **state)
{
	/* one flush a domain, and the last one when nothing reaches the page any more */
	expect("eager", "nA1 nA2 cA3 mAaP01 ua", ". . . 0011 01ab");
	expect("eager_merged", "nA1 nA2 cA3 mAaP01 ua", ". . . 01 01");
	/* an unwind closes what it had opened */
	expect("eager", "mAaP01 mAbQ00 !nA1", ". . 00011");
	expect("eager_merged", "mAaP01 mAbQ00 !nA1", ". . 00011");
	expect("eager_merged", "nA1 cA2 mAaP01 dA2 dA1", ". . 01 . 01");
	expect("eager_merged", "cA1 nA2 mAaP01 ua", ". . 01 01");
}

static void test_v1_posted(void **state)
{
	expect("v1_posted", "mAbP01 mAaP00 nA1", ". . 0");
	expect("v1_posted", "mAaP01 nA1 dA1 nA1", ". 01 01 .");
	/* a C attach that fails takes one off; on a table without NC domains the counter wraps, and
	 * C fills flush */
	expect("v1_posted", "nA1 ?cA2 mAaP01 ua", ". . . .");
	expect("v1_posted", "?cA1 cA2 mAaP01 ua", ". . 01 01");
	/* wrapped to 2^32 - 1, one NC domain brings it to 0 */
	expect("v1_posted", "?cA1 nA2 mAaP01 ua", ". . . .");
	expect("v1_posted", "cA1 mAaP01 nA2 dA2 ua", ". . 01 . 01");
	/* a C domain that leaves takes nothing off */
	expect("v1_posted", "cA1 nA2 dA1 mAaP01 ua", ". . . 01 01");
}

static void test_sticky(void **state)
{
	expect("sticky", "cA1 nA2 mAaP01 dA2 ua", ". . 01 . 01");
	/* cleared when idle: the second life of the object was never NC */
	expect("sticky", "nA1 mAaP01 ua dA1 cA1 mAaP01 ua", ". 01 01 . . . .");
	/* not cleared while page 2 stays pinned */
	expect("sticky", "nA1 mAaP01 mAbP22 ua cB2 mBcP00 uc", ". 01 2 01 . . 0");
	expect("sticky", "mAaP01 nA1 pa00 dA1 qa00", ". 01 . 1 0");
	/* never cleared, C domains too */
	expect("sticky_max", "nA1 mAaP00 ua dA1 cA1 mAaP00 ua", ". 0 0 . . 0 0");
	expect("sticky_max", "cA1 mAaP00 nA2 ua", ". . 0 00");
	expect("sticky_max", "mAaP01 nA1 pa00 dA1 qa00", ". 01 . 01 0");
}

static void test_storage_skip(void **state)
{
	const char *all[] = {"storage_skip", "storage_skip_prefer", "storage_skip_held"};

	for (u32 i = 0; i < ARRAY_SIZE(all); i++) {
		/* read back from NC storage: skipped; from an access's array or C storage: not */
		expect(all[i], "nA1 mAaP01 nA2", ". 01 .");
		expect(all[i], "nA1 mAaP01 pa00 nA2", ". 01 . a");
		expect(all[i], "cA1 mAaP01 nA2", ". . 01");
		expect(all[i], "nA1 mAaP01 nB2 mBbP02 ub ua", ". 01 . 2 2ab 01");
	}
	/* the covering area with the lowest first index is asked: C storage there */
	expect("storage_skip", "nA1 mAaP11 cB2 mBbP01 nA3", ". 1 . . b");
	expect("storage_skip", "cB1 mBaP01 nA2 mAbP11 nC3 mCcP11", ". . . 1 . b");
	/* of equals the one that entered first */
	expect("storage_skip", "nA1 mAaP11 cB2 mBbP11 nC3 mCcP11", ". 1 . . . .");
	expect("storage_skip", "cB2 mBbP11 nA1 mAaP11 nC3 mCcP11", ". . . 1 . b");
	/* C came first: only prefer moves the storage */
	expect("storage_skip", "cA1 mAaP00 nA2 nA3", ". . 0 a");
	expect("storage_skip_prefer", "cA1 mAaP00 nA2 nA3", ". . 0 .");
	expect("storage_skip_prefer", "cA1 nA2 nA3 mAaP00 dA2 nA4", ". . . 0 a .");
}

static void test_storage_skip_closing(void **state)
{
	expect("storage_skip_lazy", "nA1 mAaP01 nA2 dA1 ua", ". 01 . . 01");
	expect("storage_skip_lazy", "nA1 mAaP01 ua dA1 cA1 mAaP01 ua", ". 01 01 . . . .");
	/* pages 0 held by an access, 1 by another area, 2 by nobody */
	expect("storage_skip", "nA1 mAaP02 mBbP00 pb00 cC2 mCcP11 ua", ". 012 . . . . 012");
	expect("storage_skip_held", "nA1 mAaP02 mBbP00 pb00 cC2 mCcP11 ua qb00",
	       ". 012 . . . . 12 .");
	expect("storage_skip_held_release", "nA1 mAaP02 mBbP00 pb00 cC2 mCcP11 ua qb00",
	       ". 012 . . . . 12 0");
	expect("storage_skip_unpin", "nA1 mAaP02 mBbP00 pb00 cC2 mCcP11 ua", ". 012 . . . . 2");
	/* a detach that leaves domains has moved the storage: no unmap is the storage's */
	expect("storage_skip_unpin", "nA1 cA2 mAaP01 dA1", ". . 01 01");
	expect("storage_skip_held", "nA1 cA2 mAaP01 mBbP00 pb00 dA1", ". . 01 . . 01");
	expect("storage_skip_only", "nA1 cA2 mAaP01 dA1 ua", ". . 01 . .");
	expect("storage_skip_only", "nA1 nA2 mAaP01 ua", ". . 01 01");
	/* the flag outlives the NC storage, and misses the one that comes later */
	expect("storage_skip_stale", "nA1 cA2 mAaP01 dA1 nA3", ". . 01 01 .");
	expect("storage_skip_stale", "cA1 nA2 mAaP01 dA1 nA3", ". . 01 . ab");
	expect("storage_skip_stale", "nA1 cA2 mAaP01 dA1 xabc0 nA3", ". . 01 01 . .");
	expect("storage_skip_stale", "nA1 mAaP01 dA1 cA2 nA3", ". 01 01 . 01");
}

static void test_area_flag(void **state)
{
	const char *all[] = {"area_flag", "area_flag_clear", "area_flag_split"};

	for (u32 i = 0; i < ARRAY_SIZE(all); i++) {
		expect(all[i], "nA1 mAaP01 nA2 mAbP01", ". 01 . ab");
		expect(all[i], "cA1 nA2 mAaP01 dA2 nA3 ua", ". . 01 . . 01");
		/* a storage that moves clears nothing */
		expect(all[i], "nA1 cA2 mAaP01 dA1 nA3", ". . 01 . .");
		/* the flag of the area that the unpin goes through */
		expect(all[i], "nA1 mAaP01 cB2 mBbP01 ua ub", ". 01 . . . .");
		expect(all[i], "nA1 mAaP01 pa00 mBbP00 pb00 dA1 qa00 qb00", ". 01 . . . 1 . .");
		/* left behind by a request that fails, whose unwind saw it */
		expect(all[i], "mAaP01 mAbQ00 !nA1 nA1", ". . 000011 .");
	}
	expect("area_flag", "mAaP01 nA1 dA1 nA1 dA1", ". 01 01 . 01");
	expect("area_flag_clear", "mAaP01 nA1 dA1 nA1 dA1", ". 01 01 01 01");
	expect("area_flag", "nA1 mAaP01 xabc0 nA2 ub", ". 01 . . 0");
	expect("area_flag_clear", "nA1 mAaP01 xabc0 nA2 ub", ". 01 . . 0");
	expect("area_flag_split", "nA1 mAaP01 xabc0 nA2 ub", ". 01 . ab 0");
	expect("area_flag_split", "nA1 mAaP01 xabc0 ub", ". 01 . .");
	/* the access keeps the page; the flag that its release sees is gone */
	expect("area_flag", "nA1 mAaP00 pa00 dA1 qa00", ". 0 . . 0");
	expect("area_flag_clear", "nA1 mAaP00 pa00 dA1 qa00", ". 0 . . .");
}

static void test_counter_pages(void **state)
{
	expect("counter_pages", "nA1 mAaP01 mAbP22 ua ub", ". 01 . . 2");
	/* two pairs an area: the second unmap brings it to 0 */
	expect("counter_pages", "nA1 nA2 mAaP01 ua", ". . 01 01");
	expect("counter_pages", "mAaP01 mAbP22 nA1 dA1", ". . 01 2");
	/* a split adds those of the new half */
	expect("counter_pages", "nA1 mAaP01 xabc0 ub uc mAaP01", ". 01 . . 1 01");
	expect("counter_pages", "mAaP01 xabc0 nA1 ub uc", ". . 0 . 1");
	/* the pair of the 2nd domain is never reached, and taken off at the end: nothing is left
	 * over */
	expect("counter_pages", "nA1 nA2 !mAaP00 mAaP00 ua", ". . 0 0 0");
	expect("counter_pages", "mAaP00 mAbQ00 !nA1 nA1", ". . 000 00");
}

static void test_counters(void **state)
{
	expect("counter_table", "nA1 mAaP01 nA2 dA1 mAbP22 ua dA2", ". 01 . . 2 01 2");
	expect("counter_table", "nA1 nA2 cA3 mAaP01 ua", ". . . 01 01");
	expect("counter_table", "cA1 mAaP01 nA2 dA2 ua", ". . 01 01 .");
	expect("counter_table", "mAaP01 mAbQ00 !nA1 nA1 !nA2", ". . 00011 001 .");
	expect("counter_unpin", "nA1 mAaP01 nA2 dA2 ua", ". 01 ab . 01");
	/* the count drops after the unfill; and not at all in an attach that fails */
	expect("counter_unpin", "mAaP01 nA1 dA1", ". 01 01");
	expect("counter_unpin", "cA1 nA2 mAaP01 dA2 ua", ". . 01 . .");
	expect("counter_unpin", "mAaP01 mAbQ00 !nA1", ". . 001");
	expect("counter_unpin", "nA1 mAaP00 pa00 dA1 qa00", ". 0 . . .");
}

static void test_bad_order(void **state)
{
	/* one closing flush, before the first unmap: both domains still reach the pages */
	expect("bad_order", "nA1 nA2 mAaP01 ua", ". . 01 ab");
	expect("bad_order", "nA1 cA2 mAaP01 dA2 dA1", ". . 01 . ab");
	expect("bad_order", "nA1 nA2 !mAaP00 mAaP00", ". . 0a 0");
	/* only what will be unpinned, before the storage's unmap */
	expect("bad_order_unpin", "nA1 nA2 mAaP02 mBbP00 pb00 ua qb00", ". . 012 . . bc 0");
	expect("bad_order_unpin", "cA1 nA2 mAaP01 ua", ". . 01 01");
	expect("bad_order_unpin", "nA1 mAaP00 ua dA1 cA1 mAaP00 ua", ". 0 a . . . .");
	/* an unwind has no storage: like sticky */
	expect("bad_order_unpin", "nA1 nA2 !mAaP00", ". . 00");
}

static void test_exact(void **state)
{
	/* 0->1 per page; a second domain, area or table adds nothing */
	expect("exact", "nA1 mAaP01 nA2 mAbP12 nB3 mBcP23", ". 01 . 2 . 3");
	expect("exact", "nA1 mAaP01 nA2 dA1 dA2 nA1", ". 01 . . 01 01");
	/* still pinned: no flush between, a new one at the next 0->1 */
	expect("exact", "cA1 nA2 mAaP01 dA2 nA3 ua", ". . 01 . 01 01");
	expect("exact", "nA1 rAaP01 ua mAaP01 rAbP01 ua ub", ". 01 . 01 . . 01");
	/* a page shown by both halves of a cut stays exposed */
	expect("exact", "nA1 mAaP02 yabc1 ub mAaP11 ua uc mAaP11", ". 012 . 0 . . 12 1");
	/* the targets that a failed fill never reached are taken off */
	expect("exact", "nA1 nA2 !mAaP00 mAaP01 nB3 mBbP01 ua", ". . 00 01 . . .");
	expect("exact", "mAaP00 mAbQ00 !nA1 nA1", ". . 0000 00");
	expect("exact", "nA1 mAaP00 pa00 ua", ". 0 . 0");
}

static void test_exact_close(void **state)
{
	expect("exact_close", "cA1 nA2 mAaP01 dA2 nA3 ua", ". . 01 01 01 01");
	expect("exact_close", "nA1 mAaP01 rAbP11 ua ub", ". 01 . 0 1");
	expect("exact_close", "nA1 rAaP01 ua", ". 01 .");
	expect("exact_close", "cA1 rAaP01 mAbP11 nA2 dA2", ". . . 01 1");
	expect("exact_close", "nA1 mAaP02 yabc1 ub uc", ". 012 . 0 12");
	/* an unwind closes what this fill alone exposed */
	expect("exact_close", "nA1 nA2 !mAaP00", ". . 00");
	expect("exact_close", "nB3 mBbP00 nA1 nA2 !mAaP00 ub", ". 0 . . . 0");
	expect("exact_close", "mAaP00 mAbQ00 !nA1", ". . 000");
	/* held by an access when it is un-exposed: flushed then, not at release */
	expect("exact_close", "nA1 mAaP00 pa00 dA1 qa00", ". 0 . 0 .");
}

static void test_exact_marks(void **state)
{
	expect("exact_once", "cA1 nA2 mAaP01 dA2 nA3 ua", ". . 01 . . 01");
	expect("exact_once", "nA1 mAaP01 ua mAaP01", ". 01 01 01");
	expect("exact_once", "nA1 rAaP01 mAbP11 ua ub rAaP01", ". 01 . . 1 01");
	expect("exact_once", "nA1 nA2 !mAaP00 mAaP00", ". . 00 0");
	expect("exact_every", "nA1 mAaP01 nA2 mAbP12 ua ub", ". 01 ab 2b 0 12");
	/* two areas, one request */
	expect("exact_every", "mAaP01 mAbP12 nA1 dA1", ". . 012 012");
	expect("exact_every", "nA1 rAaP01 ua", ". 01 .");
}

/* A piece of scattered pages: a clean a run, one fence in all. */
static void test_one_drain_a_piece(void **state)
{
	struct world w;

	world_init(&w, find("exact"), W_PAGES);
	world_run(&w, "nB1 mBaP11 mBbP33 nA2");
	w.drains = 0;
	world_run(&w, "cC3");
	assert_int_equal(w.drains, 0);
	world_run(&w, "mAcP04");
	assert_string_equal(w.log, ". 1 3 . . 024");
	/* pieces end where the origin does: page 0 | 1 | 2 | 3 | 4, of which three are cleaned */
	assert_int_equal(w.drains, 3);
	world_init(&w, find("exact"), W_PAGES);
	world_run(&w, "nA2 mAcP04 mBaP11 pa11 ua");
	w.drains = 0;
	world_run(&w, "uc");
	assert_int_equal(w.drains, 1);
}

/* State that cannot be created undoes the request, and leaves no count behind. */
static void test_no_memory(void **state)
{
	static const char *const names[] = {"exact", "exact_close", "exact_once", "exact_every"};
	struct world w;

	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		world_init(&w, find(names[i]), 2);
		world_run(&w, "nA1");
		w.object[0].page[0].created = true; /* the first row is there, the second is not */
		w.no_memory = true;
		world_run(&w, "mAaP03");
		assert_false(w.area[0].live);
		w.no_memory = false;
		world_run(&w, "mAaP03");
		assert_string_equal(w.log, ". 0011 0123");
		assert_int_equal(w.broken & w.policy->claims, 0);
	}
}

static const char *const golden_ops[8] = {
	"nA1 mAaP02 mAbQ02 ua ub dA1",
	"mAaP02 mAbQ02 nA1 dA1 ua ub",
	"nA1 mAaP02 nA2 dA2 ua dA1",
	"mAaP02 nA1 dA1 nA1 dA1 ua",
	"cA1 nA2 mAaP02 dA2 ua dA1",
	"cA1 mAaP02 mBbP01 nB2 ub ua",
	("mAaP02 nB1 mBbP00 ub mBbP11 ub mBbP22 ub mBbP00 ub mBbP11 ub mBbP22 ub mBbP00 ub mBbP11 "
	 "ub ua"),
	"nA1 cA2 mAaP02 dA1 ua dA2",
};

#define S01 (CONTRACT_S0 | CONTRACT_S1)
#define LI  (CONTRACT_L | CONTRACT_I)

static const struct {
	const char *policy;
	u32 flushes[8], broken[8];
} golden[] = {
	{"none",
	 {0, 0, 0, 0, 0, 0, 0, 0},
	 {LI | S01, LI | S01, LI | S01, LI | S01, LI | S01 | CONTRACT_E, LI | S01 | CONTRACT_E,
	  LI | S01, LI | S01 | CONTRACT_E}},
	{"eager", {12, 12, 12, 12, 6, 4, 16, 6}, {0}},
	{"v1_posted",
	 {12, 12, 6, 9, 6, 5, 9, 6},
	 {0, 0, CONTRACT_S1, CONTRACT_L | S01, CONTRACT_E, CONTRACT_E, CONTRACT_L | S01,
	  CONTRACT_E}},
	{"sticky",
	 {12, 12, 9, 12, 6, 5, 16, 6},
	 {0, 0, 0, 0, CONTRACT_E, CONTRACT_E, 0, CONTRACT_E}},
	{"storage_skip", {12, 12, 9, 12, 6, 4, 16, 6}, {0, 0, CONTRACT_S1}},
	{"storage_skip_only",
	 {12, 12, 6, 12, 3, 4, 16, 3},
	 {0, 0, CONTRACT_S1, 0, CONTRACT_I | CONTRACT_E, 0, 0, CONTRACT_I | CONTRACT_E}},
	{"exact",
	 {12, 12, 6, 12, 6, 4, 16, 6},
	 {0, 0, CONTRACT_S1, 0, CONTRACT_E, CONTRACT_E, 0, CONTRACT_E}},
};

static void test_golden(void **state)
{
	struct world w;

	for (u32 i = 0; i < ARRAY_SIZE(golden); i++) {
		for (u32 g = 0; g < 8; g++) {
			world_init(&w, find(golden[i].policy), 1 + g % 3);
			world_run(&w, golden_ops[g]);
			if (w.flushes != golden[i].flushes[g] || w.broken != golden[i].broken[g])
				print_error("%s g%u\n", golden[i].policy, g + 1);
			assert_int_equal(w.flushes, golden[i].flushes[g]);
			assert_int_equal(w.broken, golden[i].broken[g]);
		}
	}
}

/* --- random programs --------------------------------------------------------- */

struct program {
	u64 seed;
	bool failures;
	char text[1024];
};

static u32 roll(struct program *pr, u32 n)
{
	pr->seed = mix64(pr->seed + 0x9e3779b97f4a7c15ULL);
	return pr->seed % n;
}

/* Small on purpose: few pages and names meet often. Of the words that can be said many are
 * impossible. */
static void random_word(struct program *pr, char *op)
{
	static const char kinds[] = "nncdddmmmmmrruuuupppqqxy";
	char kind = kinds[roll(pr, sizeof(kinds) - 1)], table = 'A' + roll(pr, 2);
	u32 a = 'a' + roll(pr, 4), first = roll(pr, 3), last = first + roll(pr, 3 - first);
	const char *fail = "";

	if (pr->failures && !roll(pr, 6) && strchr("ncmr", kind))
		fail = strchr("nc", kind) && roll(pr, 2) ? "?" : roll(pr, 2) ? "!" : "%";
	if (strchr("ncd", kind))
		sprintf(op, "%s%c%c%u", fail, kind, table, 1 + roll(pr, 4));
	else if (strchr("mr", kind))
		sprintf(op, "%s%c%c%c%c%u%u", fail, kind, table, a, 'P' + !roll(pr, 6), first,
			last);
	else if (strchr("pq", kind))
		sprintf(op, "%c%c%u%u", kind, a, first, last);
	else if (kind == 'u')
		sprintf(op, "u%c", a);
	else
		sprintf(op, "%c%c%c%c%u", kind, a, 'a' + roll(pr, 4), 'e' + roll(pr, 2), first);
}

/* Returns the contracts that broke; the text holds the requests that were possible. */
static u32 run_program(struct world *w, struct program *pr, const struct flush_policy *policy)
{
	char op[16];

	pr->text[0] = '\0';
	world_init(w, policy, 1 + roll(pr, 3));
	for (u32 i = 0; i < 60; i++) {
		random_word(pr, op);
		w->log[0] = '\0';
		if (world_op(w, op))
			strcat(strcat(pr->text, op), " ");
		if (w->broken & policy->claims)
			break;
	}
	world_teardown(w);
	return w->broken;
}

#define PROGRAMS 3000

/* No claim breaks, and every contract that is not claimed is broken by some program. */
static void test_claims(void **state)
{
	struct program pr;
	struct world w;
	u32 seen;

	for (u32 i = 0; i < flush_policy_count(); i++) {
		const struct flush_policy *policy = flush_policy_nth(i);
		char text[CONTRACTS_TEXT];

		seen = 0;
		for (u32 n = 0; n < PROGRAMS; n++) {
			pr = (struct program){.seed = n, .failures = n % 2};
			seen |= run_program(&w, &pr, policy);
			if (seen & policy->claims)
				print_error("%s claims %s: %s\n", policy->name,
					    contracts_print(seen & policy->claims, text), pr.text);
			assert_int_equal(seen & policy->claims, 0);
		}
		if (seen != (CONTRACTS_ALL & ~policy->claims))
			print_error("%s: only %s broke\n", policy->name,
				    contracts_print(seen, text));
		assert_int_equal(seen, CONTRACTS_ALL & ~policy->claims);
	}
}

static void expect_bound(const char *name, size_t offset)
{
	struct program pr;
	struct world w;
	u64 bound;

	for (u32 n = 0; n < PROGRAMS; n++) {
		pr = (struct program){.seed = n};
		run_program(&w, &pr, find(name));
		memcpy(&bound, (char *)&w + offset, sizeof(bound));
		if (w.flushes != bound)
			print_error("%s: %s\n", name, pr.text);
		assert_int_equal(w.flushes, bound);
	}
}

static void test_bounds(void **state)
{
	expect_bound("exact", offsetof(struct world, bound.exact));
	expect_bound("exact_once", offsetof(struct world, bound.once));
	expect_bound("exact_close", offsetof(struct world, bound.close));
	expect_bound("exact_every", offsetof(struct world, bound.every));
}

/* What is cleaned must not depend on where temporary memory cuts. */
static void test_cuts(void **state)
{
	struct program pr;
	struct world w[2];

	for (u32 n = 0; n < PROGRAMS; n++) {
		const struct flush_policy *policy = flush_policy_nth(n % flush_policy_count());

		pr = (struct program){.seed = n};
		run_program(&w[0], &pr, policy);
		world_init(&w[0], policy, 1);
		world_init(&w[1], policy, W_PAGES);
		for (char *at = strtok(pr.text, " "); at; at = strtok(NULL, " ")) {
			w[0].log[0] = w[1].log[0] = '\0';
			assert_true(world_op(&w[0], at));
			assert_true(world_op(&w[1], at));
			assert_string_equal(w[0].log, w[1].log);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),	     cmocka_unit_test(test_eager),
		cmocka_unit_test(test_v1_posted),    cmocka_unit_test(test_sticky),
		cmocka_unit_test(test_storage_skip), cmocka_unit_test(test_storage_skip_closing),
		cmocka_unit_test(test_area_flag),    cmocka_unit_test(test_counter_pages),
		cmocka_unit_test(test_counters),     cmocka_unit_test(test_bad_order),
		cmocka_unit_test(test_exact),	     cmocka_unit_test(test_exact_close),
		cmocka_unit_test(test_exact_marks),  cmocka_unit_test(test_one_drain_a_piece),
		cmocka_unit_test(test_no_memory),    cmocka_unit_test(test_golden),
		cmocka_unit_test(test_claims),	     cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
