// SPDX-License-Identifier: GPL-2.0-only
#include "core/shadow/test_rig.h"
#include "core/flush/flush.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* --- the table of transitions, written out a second time ------------------------- */

/* Where one move takes one state; -1: the move does not apply. */
struct row {
	int fetch, evict, store, device, clean, write_back;
};

static const struct row table[LINE_STATES] = {
	[LINE_DS] = {-1, LINE_I, -1, LINE_DH, LINE_I, LINE_C},
	[LINE_I] = {LINE_C, LINE_I, LINE_D, -1, LINE_I, LINE_I},
	[LINE_C] = {-1, LINE_I, LINE_D, LINE_X, LINE_I, LINE_C},
	[LINE_X] = {-1, LINE_I, LINE_DH, -1, LINE_I, LINE_X},
	[LINE_D] = {-1, LINE_I, -1, LINE_DH, LINE_I, LINE_C},
	[LINE_DH] = {-1, LINE_I, -1, -1, LINE_I, LINE_C},
};

static u32 step(u32 set, int s, int to)
{
	return set >> s & 1 && to >= 0 ? set | 1u << to : set;
}

static u32 fixpoint(u32 set, u32 moves)
{
	u32 old;

	do {
		old = set;
		for (int s = 0; s < LINE_STATES; s++) {
			set = step(set, s, table[s].evict);
			if (moves & MOVE_FETCH)
				set = step(set, s, table[s].fetch);
			if (moves & MOVE_STORE)
				set = step(set, s, table[s].store);
			if (moves & MOVE_DEVICE)
				set = step(set, s, table[s].device);
		}
	} while (set != old);
	return set;
}

static void closure_is_the_fixpoint_of_the_table(void **state)
{
	for (u32 moves = 0; moves <= MOVE_ALL; moves++) {
		for (u32 set = 0; set < 64; set++) {
			struct lines l = lines_unpack(set);

			lines_close(&l, moves);
			assert_int_equal(lines_pack(&l), fixpoint(set, moves));
		}
	}
}

static void cleans_and_stores_follow_the_table(void **state)
{
	for (u32 set = 1; set < 64; set++) {
		struct lines inv = lines_unpack(set), wb = inv, st = inv;
		u32 want_inv = 0, want_wb = 0, want_st = set;

		for (int s = 0; s < LINE_STATES; s++) {
			want_inv = set >> s & 1 ? want_inv | 1u << table[s].clean : want_inv;
			want_wb = set >> s & 1 ? want_wb | 1u << table[s].write_back : want_wb;
			want_st |= step(set, s, table[s].store);
		}
		lines_clean(&inv, LINES_ALL, true);
		lines_clean(&wb, LINES_ALL, false);
		lines_store(&st, LINES_ALL);
		assert_int_equal(lines_pack(&inv), want_inv);
		assert_int_equal(lines_pack(&wb), want_wb);
		assert_int_equal(lines_pack(&st), want_st);
	}
}

static void lines_do_not_touch_each_other(void **state)
{
	struct lines l = {.in = {[LINE_DS] = 2, [LINE_C] = 1}};

	lines_clean(&l, 1, true);
	lines_close(&l, MOVE_ALL);
	assert_int_equal(l.in[LINE_DS], 2);
	assert_int_equal(l.in[LINE_I], 3);
	lines_clean(&l, 2, true);
	assert_int_equal(l.in[LINE_DS], 0);
	assert_int_equal(l.in[LINE_D], 1);
}

static void contract_bits_are_those_of_flush_h(void **state)
{
	assert_int_equal(BIT_L, CONTRACT_L);
	assert_int_equal(BIT_I, CONTRACT_I);
	assert_int_equal(BIT_S0, CONTRACT_S0);
	assert_int_equal(BIT_S1, CONTRACT_S1);
	assert_int_equal(BIT_E, CONTRACT_E);
	assert_int_equal(BIT_O, CONTRACT_O);
	assert_int_equal(BIT_U, CONTRACT_U);
	assert_int_equal(SHADOW_CONTRACTS, CONTRACT_NR);
}

/* --- sets through events --------------------------------------------------------- */

static void sets_follow_the_life_of_a_page(void **state)
{
	struct rig r = rig_new(0);

	begin(&r);
	pin(&r, P, 1);
	assert_int_equal(set_of(&r, P), DS | I | C | D);
	flush(&r, P, 1);
	assert_int_equal(set_of(&r, P), I | C);
	map(&r, 1, NC, P, 1, RW);
	assert_int_equal(set_of(&r, P), I | C | X);
	end(&r);
	begin(&r);
	pin(&r, P, 1); /* the first touch brings what happened between the requests */
	assert_int_equal(set_of(&r, P), I | C | X | D | DH);
	unmap(&r, 1, NC, P, 1);
	flush(&r, P, 1);
	assert_int_equal(set_of(&r, P), I | C);
	end(&r);
	begin(&r);
	unpin(&r, P, 1);
	assert_int_equal(set_of(&r, P), I | C | D);
	unpin(&r, P, 1);
	assert_int_equal(set_of(&r, P), 0);
	end(&r);
	assert_int_equal(shadow_broken(r.s), 0);
	rig_free(&r);
}

static void read_only_and_coherent_mappings_make_no_stale_lines(void **state)
{
	struct rig r = rig_new(0);

	begin(&r);
	pin(&r, P, 1);
	flush(&r, P, 1);
	map(&r, 1, NC, P, 1, RO);
	map(&r, 2, false, P, 1, RW);
	end(&r);
	begin(&r);
	unmap(&r, 1, NC, P, 1);
	unmap(&r, 2, false, P, 1);
	assert_int_equal(set_of(&r, P), I | C | D);
	unpin(&r, P, 1);
	end(&r);
	assert_int_equal(shadow_broken(r.s), 0);
	rig_free(&r);
}

static void a_clean_is_both_until_the_drain(void **state)
{
	struct rig r = rig_new(0);

	begin(&r);
	pin(&r, P, 2);
	clean(&r, P, 1);
	assert_int_equal(set_of(&r, P), DS | I | C | D);
	map(&r, 1, NC, P, 1, RW); /* L: the zeros may still be in the cache */
	assert_int_equal(shadow_broken(r.s), BIT_L | BIT_S0 | BIT_S1);
	drain(&r);
	assert_int_equal(set_of(&r, P), I | C | X);
	assert_int_equal(set_of(&r, P + 1), DS | I | C | D);
	rig_free(&r);
}

/* The clean may have taken effect at once: what a device wrote into the fetched line since then is
 * stale. */
static void a_drain_does_not_undo_what_came_after_the_clean(void **state)
{
	struct rig r = rig_new(0);

	begin(&r);
	pin(&r, P, 1);
	flush(&r, P, 1);
	map(&r, 1, NC, P, 1, RW);
	clean(&r, P, 1);
	unmap(&r, 1, NC, P, 1);
	drain(&r);
	assert_int_equal(set_of(&r, P), I | C | X);
	clean(&r, P, 1);
	end(&r);
	begin(&r);
	drain(&r); /* stores came between */
	assert_int_equal(set_of(&r, P), I | C | D);
	rig_free(&r);
}

static void a_write_back_keeps_stale_lines(void **state)
{
	struct rig r = rig_new(0);

	begin(&r);
	pin(&r, P, 1);
	write_back(&r, P, 1);
	drain(&r);
	assert_int_equal(set_of(&r, P), I | C);
	map(&r, 1, NC, P, 1, RW);
	end(&r);
	begin(&r);
	unmap(&r, 1, NC, P, 1);
	write_back(&r, P, 1);
	drain(&r);
	assert_int_equal(set_of(&r, P), I | C | X);
	assert_int_equal(shadow_broken(r.s), 0);
	unpin(&r, P, 1);
	end(&r);
	assert_int_equal(shadow_broken(r.s), BIT_I);
	rig_free(&r);
}

static void a_part_of_a_page_is_not_the_page(void **state)
{
	struct rig r = rig_new(0);

	begin(&r);
	pin(&r, P, 1);
	rig_event(&r, .kind = EV_CLEAN, .pa = P << 12, .len = 4096 - 64, .invalidates = true);
	drain(&r);
	map(&r, 1, NC, P, 1, RW);
	assert_int_equal(shadow_broken(r.s), BIT_L | BIT_S0 | BIT_S1);
	rig_free(&r);

	r = rig_new(0);
	begin(&r);
	pin(&r, P, 1);
	rig_event(&r, .kind = EV_CLEAN, .pa = P << 12, .len = 2048, .invalidates = true);
	rig_event(&r, .kind = EV_CLEAN, .pa = (P << 12) + 2048, .len = 2048, .invalidates = true);
	drain(&r);
	map(&r, 1, NC, P, 1, RW);
	assert_int_equal(shadow_broken(r.s), 0);
	assert_int_equal(shadow_totals(r.s, 0).flushes, 2);
	rig_free(&r);
}

/*
 * Against a walk over single concrete runs: a line is in one state and owes at most one clean of
 * each kind, which may take effect at any time and must have at the drain.
 */
enum { OWES_CLEAN = 8, OWES_WRITE_BACK = 16 };

static void walk_close(bool *seen, u32 moves)
{
	bool more = true;

	while (more) {
		more = false;
		for (u32 at = 0; at < 32; at++) {
			int s = at & 7, owes = at & ~7;
			int to[] = {table[s % LINE_STATES].evict | owes,
				    moves & MOVE_FETCH ? table[s % LINE_STATES].fetch : -1,
				    moves & MOVE_STORE ? table[s % LINE_STATES].store : -1,
				    moves & MOVE_DEVICE ? table[s % LINE_STATES].device : -1,
				    owes & OWES_CLEAN
					    ? table[s % LINE_STATES].clean | (owes & ~OWES_CLEAN)
					    : -1,
				    owes & OWES_WRITE_BACK ? table[s % LINE_STATES].write_back |
								     (owes & ~OWES_WRITE_BACK)
							   : -1};

			if (!seen[at])
				continue;
			for (u32 i = 0; i < ARRAY_SIZE(to); i++) {
				int n = to[i] < 0 ? -1 : i >= 1 && i <= 3 ? to[i] | owes : to[i];

				if (n >= 0 && !seen[n])
					seen[n] = more = true;
			}
		}
	}
}

static void walk_owe(bool *seen, u32 what)
{
	for (u32 at = 0; at < 32; at++) {
		if (seen[at] && !(at & what))
			seen[at | what] = true;
		if (!(at & what))
			seen[at] = false;
	}
}

static void walk_drain(bool *seen)
{
	for (u32 at = 8; at < 32; at++)
		seen[at] = false;
}

static u32 walk_set(const bool *seen)
{
	u32 set = 0;

	for (u32 at = 0; at < 32; at++)
		set |= seen[at] ? 1u << (at & 7) : 0;
	return set;
}

static void walk_one(u64 seed)
{
	struct rig r = rig_new(0);
	bool seen[32] = {[LINE_DS] = true};
	bool mapped = false, stale = false;
	u32 moves = MOVE_FETCH;

	begin(&r);
	pin(&r, P, 1);
	walk_close(seen, moves | MOVE_STORE);
	for (int i = 0; i < 14; i++) {
		u32 now = MOVE_FETCH | (mapped || stale ? MOVE_DEVICE : 0);

		seed = mix64(seed + 0x9e3779b97f4a7c15ULL);
		switch (seed % 7) {
		case 0:
			if (!mapped)
				map(&r, 1, NC, P, 1, RW);
			mapped = true;
			break;
		case 1:
			if (mapped)
				unmap_nosync(&r, 1, NC, P, 1);
			stale |= mapped;
			mapped = false;
			break;
		case 2:
			tlb_flush(&r, 1, NC);
			stale = false;
			break;
		case 3:
			clean(&r, P, 1);
			walk_owe(seen, OWES_CLEAN);
			break;
		case 4:
			write_back(&r, P, 1);
			walk_owe(seen, OWES_WRITE_BACK);
			break;
		case 5:
			drain(&r);
			walk_drain(seen);
			break;
		case 6:
			end(&r);
			begin(&r);
			pin(&r, P, 1);
			now |= MOVE_STORE;
			break;
		}
		walk_close(seen, now);
		walk_close(seen, MOVE_FETCH | (mapped || stale ? MOVE_DEVICE : 0));
		assert_int_equal(set_of(&r, P), walk_set(seen));
	}
	rig_free(&r);
}

static void sets_equal_a_walk_over_single_runs(void **state)
{
	for (u64 seed = 1; seed <= 2000; seed++)
		walk_one(seed * 1000003);
}

/* --- concrete values, strict events ---------------------------------------------- */

static u32 c_findings(struct rig *r, enum machine_event_kind kind, u32 st, bool secret)
{
	u32 before = shadow_findings(r->s);

	rig_event(r, .kind = kind, .domain = 1, .nc = true, .pa = (P << 12) + 128, .len = 8,
		  .state = st, .secret = secret);
	return shadow_findings(r->s) - before;
}

static void concrete_states_are_checked_against_the_set(void **state)
{
	struct rig r = rig_new(0);

	begin(&r);
	pin(&r, P, 1);
	assert_int_equal(c_findings(&r, EV_CPU_LOAD, LINE_DS, false), 0);
	assert_int_equal(c_findings(&r, EV_CPU_LOAD, LINE_X, false), 1);
	assert_string_equal(shadow_finding(r.s, 0)->rule, "C1");
	assert_int_equal(c_findings(&r, EV_CPU_LOAD, LINE_STATES, false), 1);
	assert_int_equal(c_findings(&r, EV_DMA_READ, LINE_C, false), 1);
	assert_string_equal(shadow_finding(r.s, 2)->rule, "C3");
	flush(&r, P, 1);
	assert_int_equal(c_findings(&r, EV_EVICT, LINE_D, false), 1);
	assert_int_equal(c_findings(&r, EV_CPU_STORE, LINE_C, false), 0);
	assert_int_equal(c_findings(&r, EV_EVICT, LINE_D, false),
			 0); /* the store was this line's */
	assert_int_equal(shadow_frame_find(r.s, P)->set.in[LINE_D], 1u << 2);
	flush(&r, P, 1);
	clean(&r, P, 1);
	assert_int_equal(c_findings(&r, EV_CPU_STORE, LINE_C, false), 0);
	drain(&r); /* the clean may have come before the store */
	assert_int_equal(shadow_frame_find(r.s, P)->set.in[LINE_D], 1u << 2);
	map(&r, 1, NC, P, 1, RW);
	assert_int_equal(c_findings(&r, EV_DMA_WRITE, LINE_DH, false), 0);
	assert_int_equal(c_findings(&r, EV_DMA_READ, LINE_I, true), 1);
	assert_string_equal(shadow_finding(r.s, 4)->rule, "C2");
	rig_free(&r);
}

static void a_secret_after_a_leak_is_no_surprise(void **state)
{
	struct rig r = rig_new(0);

	begin(&r);
	pin(&r, P, 1);
	map(&r, 1, NC, P, 1, RW);
	assert_int_equal(c_findings(&r, EV_DMA_READ, LINE_DS, true), 0);
	rig_free(&r);
}

static void strict_events_are_findings_and_16_are_kept(void **state)
{
	struct rig r = rig_new(0);

	begin(&r);
	for (u64 i = 0; i < 20; i++)
		rig_event(&r, .kind = EV_STRICT, .rule = "D3", .what = "overlap", .a = i, .b = 5);
	assert_int_equal(shadow_findings(r.s), 20);
	assert_string_equal(shadow_finding(r.s, 15)->rule, "D3");
	assert_int_equal(shadow_finding(r.s, 15)->a, 15);
	assert_int_equal(shadow_finding(r.s, 0)->op, 1);
	assert_null(shadow_finding(r.s, 16));
	rig_free(&r);
}

static void a_full_arena_says_so(void **state)
{
	struct arena *a = arena_create(NULL, 1 << 16);
	struct shadow *s = shadow_create(a, 0);

	assert_non_null(s);
	shadow_event(s, &(struct machine_event){.kind = EV_PIN, .pfn = 1, .len = 100000});
	assert_int_equal(shadow_findings(s), 1);
	assert_string_equal(shadow_finding(s, 0)->rule, "MEM");
	arena_destroy(a);
	a = arena_create(NULL, 4096);
	assert_null(shadow_create(a, SHADOW_BOUND));
	arena_destroy(a);
}

/* --- deliberately wrong rules ---------------------------------------------------- */

/* Each program breaks a contract that the broken rule must hide, else the rule is not in use. */
static u32 broken_by(enum shadow_break b, int program)
{
	struct rig r = rig_new(0);
	u32 mask;

	shadow_set_break(r.s, b);
	begin(&r);
	pin(&r, P, 1);
	flush(&r, P, program != 2);
	if (program == 2)
		clean(&r, P, 1);
	map(&r, 1, NC, P, 1, program == 2 ? RO : RW);
	if (program == 1) {
		unmap_nosync(&r, 1, NC, P, 1);
		flush(&r, P, 1);
		tlb_flush(&r, 1, NC);
	} else {
		unmap(&r, 1, NC, P, 1);
	}
	drain(&r);
	unpin(&r, P, 1);
	end(&r);
	mask = shadow_broken(r.s);
	rig_free(&r);
	return mask;
}

static void every_broken_rule_is_noticed(void **state)
{
	static const int program[SHADOW_BREAK_NR] = {0, 0, 1, 2, 0};

	for (u32 b = 1; b < SHADOW_BREAK_NR; b++) {
		assert_int_not_equal(broken_by(SHADOW_BREAK_NONE, program[b]), 0);
		assert_int_equal(broken_by(b, program[b]), 0);
	}
	/* And none of them hides all. */
	assert_int_not_equal(broken_by(SHADOW_BREAK_NO_FETCH, 2), 0);
	assert_int_not_equal(broken_by(SHADOW_BREAK_SYNC_IS_UNMAP, 0), 0);
	assert_int_not_equal(broken_by(SHADOW_BREAK_CLEAN_NEEDS_NO_DRAIN, 0), 0);
	assert_int_not_equal(broken_by(SHADOW_BREAK_NO_DEVICE_WRITE, 2), 0);
}

/* --- digest, snapshot, history --------------------------------------------------- */

static void digest_is_the_state_not_the_way_there(void **state)
{
	struct rig a = rig_new(0), b = rig_new(SHADOW_HISTORY | SHADOW_BOUND);
	u64 empty = shadow_digest(a.s), one;

	begin(&a);
	pin(&a, 1, 100);
	flush(&a, 1, 100);
	map(&a, 1, NC, 1, 100, RW);
	end(&a);
	begin(&b);
	for (u64 i = 100; i; i--)
		pin(&b, i, 1);
	flush(&b, 1, 100);
	end(&b);
	assert_int_not_equal(shadow_digest(a.s), shadow_digest(b.s));
	for (u64 i = 1; i <= 100; i++) {
		begin(&b);
		map(&b, 1, NC, i, 1, RW);
		end(&b);
	}
	assert_int_equal(shadow_digest(a.s),
			 shadow_digest(b.s)); /* stores between requests were D anyway */
	one = shadow_digest(a.s);
	begin(&a);
	pin(&a, 5, 1);
	assert_int_not_equal(shadow_digest(a.s), one);
	unpin(&a, 5, 1);
	assert_int_equal(shadow_digest(a.s), one);
	clean(&a, 5, 1);
	assert_int_not_equal(shadow_digest(a.s), one);
	drain(&a);
	unmap_nosync(&a, 1, NC, 5, 1);
	assert_int_not_equal(shadow_digest(a.s), one);
	unmap(&a, 1, NC, 1, 4);
	unmap(&a, 1, NC, 6, 95);
	unpin(&a, 1, 100);
	end(&a);
	assert_int_equal(shadow_digest(a.s), empty);
	rig_free(&a);
	rig_free(&b);
}

static void digest_sees_domains_by_age(void **state)
{
	struct rig a = rig_new(0), b = rig_new(0);

	rig_event(&a, .kind = EV_DOMAIN_CREATE, .domain = 1, .nc = true);
	for (u32 id = 1; id <= 4; id++)
		rig_event(&b, .kind = EV_DOMAIN_CREATE, .domain = id, .nc = true);
	for (u32 id = 1; id <= 3; id++)
		rig_event(&b, .kind = EV_DOMAIN_FREE, .domain = id, .nc = true);
	pin(&a, P, 1);
	pin(&b, P, 1);
	map(&a, 1, NC, P, 1, RW);
	map(&b, 4, NC, P, 1, RW);
	assert_int_equal(shadow_digest(a.s), shadow_digest(b.s));
	rig_free(&a);
	rig_free(&b);
}

static void a_snapshot_of_the_arena_holds_all_of_it(void **state)
{
	struct rig r = rig_new(SHADOW_BOUND | SHADOW_HISTORY);
	struct shadow_totals then, now;
	u64 digest;
	size_t n;
	void *copy;

	begin(&r);
	pin(&r, 1, 50);
	flush(&r, 1, 50);
	map(&r, 1, NC, 1, 50, RW);
	end(&r);
	digest = shadow_digest(r.s);
	then = shadow_totals(r.s, CLAIMS_STD);
	n = arena_used(r.arena);
	copy = malloc(n);
	arena_save(r.arena, copy);
	begin(&r);
	pin(&r, 51, 500);
	unmap(&r, 1, NC, 1, 50);
	unpin(&r, 1, 50);
	end(&r);
	assert_int_not_equal(shadow_broken(r.s), 0);
	arena_restore(r.arena, copy, n);
	assert_int_equal(shadow_digest(r.s), digest);
	assert_int_equal(shadow_broken(r.s), 0);
	now = shadow_totals(r.s, CLAIMS_STD);
	assert_memory_equal(&then, &now, sizeof(now));
	begin(&r);
	unmap(&r, 1, NC, 1, 50);
	flush(&r, 1, 50);
	unpin(&r, 1, 50);
	end(&r);
	assert_int_equal(shadow_broken(r.s), 0);
	assert_int_equal(shadow_totals(r.s, CLAIMS_STD).bound, 100);
	free(copy);
	rig_free(&r);
}

struct text {
	char lines[32][160];
	u32 nr;
};

static void take_line(void *ctx, const char *line)
{
	struct text *t = ctx;

	snprintf(t->lines[t->nr++ % 32], sizeof(t->lines[0]), "%s", line);
}

static void history_tells_a_pages_life(void **state)
{
	struct rig r = rig_new(SHADOW_HISTORY);
	struct text t = {.nr = 0};

	begin(&r);
	pin(&r, P, 2);
	clean(&r, P, 1);
	drain(&r);
	map(&r, 3, NC, P, 2, RW);
	end(&r);
	begin(&r);
	unmap(&r, 3, NC, P, 1);
	unpin(&r, P, 1);
	end(&r);
	shadow_history(r.s, P, take_line, &t);
	assert_int_equal(t.nr, 8);
	assert_string_equal(t.lines[0], "op 1: pin pins now 1 {DS I C D}");
	assert_string_equal(t.lines[1], "op 1: clean all lines {DS I C D}");
	assert_string_equal(t.lines[2], "op 1: drain {I C}");
	assert_string_equal(t.lines[3], "op 1: map NC domain 3, iova 0x7000, rw {I C X}");
	assert_string_equal(t.lines[4], "op 2: unmap NC domain 3, iova 0x7000 {I C X D DH}");
	assert_string_equal(t.lines[7], "op 2: BROKEN I {I C X D DH}");
	t.nr = 0;
	shadow_history(r.s, 99, take_line, &t);
	assert_int_equal(t.nr, 0);
	rig_free(&r);
}

static void a_sparse_crowd_of_pages(void **state)
{
	struct rig r = rig_new(SHADOW_BOUND);

	begin(&r);
	for (u64 i = 0; i < 20000; i++)
		pin(&r, 1 + i * 977, 1);
	for (u64 i = 0; i < 20000; i++)
		flush(&r, 1 + i * 977, 1);
	for (u64 i = 0; i < 20000; i++)
		map(&r, 1, NC, 1 + i * 977, 1, RW);
	end(&r);
	begin(&r);
	for (u64 i = 0; i < 20000; i++)
		unmap(&r, 1, NC, 1 + i * 977, 1);
	for (u64 i = 0; i < 20000; i += 2)
		flush(&r, 1 + i * 977, 1);
	for (u64 i = 0; i < 20000; i++)
		unpin(&r, 1 + i * 977, 1);
	end(&r);
	assert_int_equal(first(&r, SHADOW_I)->count, 10000);
	assert_int_equal(shadow_totals(r.s, CLAIMS_STD).bound, 40000);
	assert_int_equal(shadow_totals(r.s, CLAIMS_STD).missing, 10000);
	assert_int_equal(r.s->frames.nr, 0);
	rig_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closure_is_the_fixpoint_of_the_table),
		cmocka_unit_test(cleans_and_stores_follow_the_table),
		cmocka_unit_test(lines_do_not_touch_each_other),
		cmocka_unit_test(contract_bits_are_those_of_flush_h),
		cmocka_unit_test(sets_follow_the_life_of_a_page),
		cmocka_unit_test(read_only_and_coherent_mappings_make_no_stale_lines),
		cmocka_unit_test(a_clean_is_both_until_the_drain),
		cmocka_unit_test(a_drain_does_not_undo_what_came_after_the_clean),
		cmocka_unit_test(a_write_back_keeps_stale_lines),
		cmocka_unit_test(a_part_of_a_page_is_not_the_page),
		cmocka_unit_test(sets_equal_a_walk_over_single_runs),
		cmocka_unit_test(concrete_states_are_checked_against_the_set),
		cmocka_unit_test(a_secret_after_a_leak_is_no_surprise),
		cmocka_unit_test(strict_events_are_findings_and_16_are_kept),
		cmocka_unit_test(a_full_arena_says_so),
		cmocka_unit_test(every_broken_rule_is_noticed),
		cmocka_unit_test(digest_is_the_state_not_the_way_there),
		cmocka_unit_test(digest_sees_domains_by_age),
		cmocka_unit_test(a_snapshot_of_the_arena_holds_all_of_it),
		cmocka_unit_test(history_tells_a_pages_life),
		cmocka_unit_test(a_sparse_crowd_of_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
