// SPDX-License-Identifier: GPL-2.0-only
#include "core/shadow/test_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define COSTED (BIT_L | BIT_I | BIT_S0 | BIT_S1 | BIT_E)

static struct rig rig_claims(u32 claims)
{
	struct rig r = rig_new(SHADOW_BOUND);

	shadow_set_claims(r.s, claims);
	return r;
}

static u64 bound(const struct rig *r, u32 claims)
{
	return shadow_totals(r->s, claims).bound;
}

/* --- closed forms: n exposures, each with @more further NC mappings -------------- */

static u64 life(u32 claims, u32 n, u32 more, u32 prot)
{
	struct rig r = rig_claims(claims);
	u64 least;

	begin(&r);
	pin(&r, 1, 1);
	end(&r);
	for (u32 i = 0; i < n; i++) {
		for (u32 k = 0; k <= more; k++) {
			begin(&r);
			map(&r, 1 + k, NC, 1, 1, prot);
			end(&r);
		}
		for (u32 k = 0; k <= more; k++) {
			begin(&r);
			unmap(&r, 1 + k, NC, 1, 1);
			end(&r);
		}
	}
	begin(&r);
	unpin(&r, 1, 1);
	end(&r);
	least = bound(&r, claims);
	rig_free(&r);
	return least;
}

static void closed_forms(void **state)
{
	for (u32 n = 0; n <= 4; n++) {
		for (u32 more = 0; more <= 2; more++) {
			u32 m = n * (1 + more), any = n > 0;

			assert_int_equal(life(BIT_L, n, more, RW), any);
			assert_int_equal(life(BIT_I, n, more, RW), any);
			assert_int_equal(life(BIT_S0, n, more, RW), n);
			assert_int_equal(life(BIT_E, n, more, RW), n);
			assert_int_equal(life(BIT_L | BIT_I, n, more, RW), 2 * any);
			assert_int_equal(life(CLAIMS_STD, n, more, RW), n + any);
			assert_int_equal(life(CLAIMS_STD | BIT_E, n, more, RW), 2 * n);
			assert_int_equal(life(BIT_L | BIT_S0 | BIT_E, n, more, RW), 2 * n);
			assert_int_equal(life(BIT_L | BIT_I | BIT_S1, n, more, RW), m + any);
			assert_int_equal(life(BIT_L | BIT_I | BIT_S1 | BIT_E, n, more, RW), m + n);
			/* Read-only exposures need no closing flush. */
			assert_int_equal(life(BIT_I, n, more, RO), 0);
			assert_int_equal(life(BIT_E, n, more, RO), 0);
			assert_int_equal(life(BIT_L | BIT_I, n, more, RO), any);
			assert_int_equal(life(CLAIMS_STD, n, more, RO), n);
			assert_int_equal(life(CLAIMS_STD | BIT_E, n, more, RO), n);
			assert_int_equal(life(BIT_L | BIT_I | BIT_S1, n, more, RO), m);
			assert_int_equal(life(0, n, more, RW), 0);
		}
	}
}

/* --- the golden scenarios, as what they do to pages ------------------------------ */

static void expose_request(struct rig *r, u32 domain, u64 pfn, u64 n)
{
	begin(r);
	pin(r, pfn, n);
	map(r, domain, NC, pfn, n, RW);
	end(r);
}

static void close_request(struct rig *r, u32 domain, u64 pfn, u64 n)
{
	begin(r);
	unmap(r, domain, NC, pfn, n);
	unpin(r, pfn, n);
	end(r);
}

static void g1_two_objects_mapped_and_unmapped(void **state)
{
	struct rig r = rig_new(SHADOW_BOUND);

	expose_request(&r, 1, 1, 3);
	expose_request(&r, 1, 11, 3);
	close_request(&r, 1, 1, 3);
	close_request(&r, 1, 11, 3);
	assert_int_equal(bound(&r, CLAIMS_STD), 12);
	rig_free(&r);
}

static void g3_a_second_domain_comes_and_goes(void **state)
{
	struct rig r = rig_claims(CLAIMS_STD | BIT_S1);

	expose_request(&r, 1, 1, 3);
	begin(&r);
	map(&r, 2, NC, 1, 3, RW);
	end(&r);
	begin(&r);
	unmap(&r, 2, NC, 1, 3);
	end(&r);
	close_request(&r, 1, 1, 3);
	assert_int_equal(bound(&r, CLAIMS_STD), 6);
	assert_int_equal(bound(&r, CLAIMS_STD | BIT_S1), 9);
	rig_free(&r);
}

static void g4_attached_and_detached_twice(void **state)
{
	struct rig r = rig_new(SHADOW_BOUND);

	expose_request(&r, 1, 1, 3);
	close_request(&r, 1, 1, 3);
	expose_request(&r, 2, 1, 3);
	close_request(&r, 2, 1, 3);
	assert_int_equal(bound(&r, CLAIMS_STD), 12);
	rig_free(&r);
}

static void g5_a_coherent_domain_stays(void **state)
{
	struct rig r = rig_claims(CLAIMS_STD | BIT_E);

	begin(&r);
	pin(&r, 1, 3);
	map(&r, 1, false, 1, 3, RW);
	map(&r, 2, NC, 1, 3, RW);
	end(&r);
	begin(&r);
	unmap(&r, 2, NC, 1, 3);
	end(&r);
	close_request(&r, 1, 1, 3);
	assert_int_equal(bound(&r, CLAIMS_STD), 6);
	assert_int_equal(bound(&r, CLAIMS_STD | BIT_E), 6);
	rig_free(&r);
}

static void g7_slices_copied_eight_times(void **state)
{
	struct rig r = rig_new(SHADOW_BOUND);

	for (u64 i = 0; i < 8; i++) {
		expose_request(&r, 1, 1 + i % 3, 1);
		close_request(&r, 1, 1 + i % 3, 1);
	}
	assert_int_equal(bound(&r, CLAIMS_STD), 16);
	rig_free(&r);
}

/* --- corner cases ---------------------------------------------------------------- */

static void one_clean_serves_all_mappings_of_a_request(void **state)
{
	struct rig r = rig_claims(BIT_L | BIT_I | BIT_S1);

	begin(&r);
	pin(&r, 1, 1);
	for (u32 d = 1; d <= 4; d++)
		map(&r, d, NC, 1, 1, RW);
	end(&r);
	assert_int_equal(bound(&r, BIT_L | BIT_I | BIT_S1), 1);
	assert_int_equal(bound(&r, CLAIMS_STD), 1); /* of an open epoch: the least so far */
	rig_free(&r);
}

static void what_nobody_can_mend_is_free(void **state)
{
	struct rig r = rig_new(SHADOW_BOUND);

	expose_request(&r, 1, 1, 1);
	begin(&r);
	unpin(&r, 1, 1);
	unmap(&r, 1, NC, 1, 1);
	end(&r);
	assert_int_equal(bound(&r, CLAIMS_STD), 1);
	begin(&r);
	map(&r, 1, NC, 2, 1, RW);
	pin(&r, 2, 1);
	unmap(&r, 1, NC, 2, 1);
	unpin(&r, 2, 1);
	end(&r);
	assert_int_equal(bound(&r, CLAIMS_STD), 2);
	rig_free(&r);
}

static void redundant_is_counted_page_by_page(void **state)
{
	struct rig r = rig_claims(CLAIMS_STD | BIT_E);
	struct shadow_totals t;

	begin(&r);
	pin(&r, 1, 2);
	flush(&r, 1, 2);
	flush(&r, 1, 1);  /* 1 too many */
	flush(&r, 77, 1); /* nobody's page: 1 more */
	map(&r, 1, NC, 1, 2, RW);
	end(&r);
	begin(&r);
	unmap(&r, 1, NC, 1, 2);
	flush(&r, 1, 1);
	unpin(&r, 1, 2); /* page 2 misses one: that makes up for nothing */
	end(&r);
	t = shadow_totals(r.s, CLAIMS_STD);
	assert_int_equal(t.flushes, 5);
	assert_int_equal(t.bound, 4);
	assert_int_equal(t.redundant, 2);
	assert_int_equal(t.missing, 1);
	assert_int_equal(t.epochs, 2);
	assert_int_equal(t.exposures, 2);
	t = shadow_totals(r.s, 0);
	assert_int_equal(t.bound, 0);
	assert_int_equal(t.redundant, 5);
	assert_int_equal(shadow_totals(r.s, BIT_L).bound, 0); /* not announced */
	rig_free(&r);
}

static void tables_never_fill(void **state)
{
	for (u32 claims = 0; claims <= COSTED; claims++) {
		struct arena *a = arena_create(NULL, 1 << 20);
		struct bound *b = bound_create(a, claims, MOVE_ALL);
		struct bound_page p;

		bound_first_pin(b, &p, false);
		bound_first_pin(b, &p, true);
		for (u32 c = 0; c < bound_configs(b); c++) {
			for (u32 symbol = 0; symbol < BOUND_SYMBOLS; symbol++) {
				p = (struct bound_page){.config = c};
				bound_step(b, &p, symbol);
				assert_true(p.cost <= 1);
			}
		}
		assert_false(bound_overflowed(b));
		arena_destroy(a);
	}
}

/* --- against all placements of cleans -------------------------------------------- */

enum what { W_END, W_MAP_RW, W_MAP_RO, W_UNMAP, W_UNMAP_LATE, W_SYNC, W_UNPIN };

struct program {
	struct {
		u8 what;
		u8 domain;
	} step[12];
	u32 nr;
};

/* A page's life with two NC domains that ends with everything unmapped, synced, unpinned. */
static void program_make(struct program *p, u64 seed)
{
	bool mapped[4] = {false};
	u32 d;

	p->nr = 0;
	while (p->nr < 7) {
		seed = mix64(seed + 0x9e3779b97f4a7c15ULL);
		d = 1 + seed % 2;
		p->step[p->nr].domain = d;
		if (seed >> 8 & 1) {
			p->step[p->nr++].what = seed >> 11 & 3 ? W_END : W_SYNC;
			continue;
		}
		if (!mapped[d])
			p->step[p->nr++].what = seed >> 9 & 3 ? W_MAP_RW : W_MAP_RO;
		else
			p->step[p->nr++].what = seed >> 9 & 3 ? W_UNMAP : W_UNMAP_LATE;
		mapped[d] = !mapped[d];
	}
	for (d = 1; d <= 2; d++) {
		p->step[p->nr].domain = d;
		p->step[p->nr++].what = mapped[d] ? W_UNMAP : W_SYNC;
	}
	if (seed >> 20 & 1)
		p->step[p->nr++].what = W_END;
	p->step[p->nr++].what = W_UNPIN;
}

static void program_step(struct rig *r, const struct program *p, u32 i)
{
	u32 d = p->step[i].domain;

	switch ((enum what)p->step[i].what) {
	case W_MAP_RW:
		map(r, d, NC, 1, 1, RW);
		break;
	case W_MAP_RO:
		map(r, d, NC, 1, 1, RO);
		break;
	case W_UNMAP:
		unmap(r, d, NC, 1, 1);
		break;
	case W_UNMAP_LATE:
		unmap_nosync(r, d, NC, 1, 1);
		break;
	case W_SYNC:
		tlb_flush(r, d, NC);
		break;
	case W_UNPIN:
		unpin(r, 1, 1);
		break;
	case W_END:
		end(r);
		begin(r);
	}
}

/* Bit i of cleans: clean right before step i. */
static void program_run(struct rig *r, const struct program *p, u32 cleans)
{
	begin(r);
	pin(r, 1, 1);
	for (u32 i = 0; i < p->nr; i++) {
		if (cleans >> i & 1)
			flush(r, 1, 1);
		program_step(r, p, i);
	}
	end(r);
}

static void bound_is_the_best_of_all_placements(void **state)
{
	struct arena *a = arena_create(NULL, 1 << 24);

	for (u64 seed = 1; seed <= 200; seed++) {
		u32 least[COSTED + 1];
		struct program p;
		struct rig r = {.arena = a};

		memset(least, 0xff, sizeof(least));
		program_make(&p, seed * 7919);
		for (u32 cleans = 0; cleans < 1u << p.nr; cleans++) {
			u32 n = __builtin_popcount(cleans), broken;

			arena_reset(a);
			r.s = shadow_create(a, 0);
			program_run(&r, &p, cleans);
			broken = shadow_broken(r.s);
			for (u32 claims = 0; claims <= COSTED; claims++)
				if (!(broken & claims))
					least[claims] = min(least[claims], n);
		}
		for (u32 claims = 0; claims <= COSTED; claims++) {
			arena_reset(a);
			r.s = shadow_create(a, SHADOW_BOUND);
			shadow_set_claims(r.s, claims);
			program_run(&r, &p, 0);
			assert_int_equal(bound(&r, claims), least[claims]);
		}
	}
	arena_destroy(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closed_forms),
		cmocka_unit_test(g1_two_objects_mapped_and_unmapped),
		cmocka_unit_test(g3_a_second_domain_comes_and_goes),
		cmocka_unit_test(g4_attached_and_detached_twice),
		cmocka_unit_test(g5_a_coherent_domain_stays),
		cmocka_unit_test(g7_slices_copied_eight_times),
		cmocka_unit_test(one_clean_serves_all_mappings_of_a_request),
		cmocka_unit_test(what_nobody_can_mend_is_free),
		cmocka_unit_test(redundant_is_counted_page_by_page),
		cmocka_unit_test(tables_never_fill),
		cmocka_unit_test(bound_is_the_best_of_all_placements),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
