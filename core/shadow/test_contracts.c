// SPDX-License-Identifier: GPL-2.0-only
#include "core/shadow/test_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* --- contracts ------------------------------------------------------------------- */

static void leak_is_seen_at_the_map(void **state)
{
	struct rig r = rig_new(0);

	begin(&r);
	rig_event(&r, .kind = EV_PIN, .pfn = P, .len = 3, .a = 40);
	clean(&r, P, 2);
	drain(&r);
	end(&r);
	begin(&r);
	map(&r, 1, false, P, 3, RW); /* a C domain sees the caches */
	assert_int_equal(shadow_broken(r.s), 0);
	map(&r, 2, NC, P, 3, RO);
	assert_int_equal(first(&r, SHADOW_L)->count, 1);
	assert_int_equal(first(&r, SHADOW_L)->op, 2);
	assert_int_equal(first(&r, SHADOW_L)->should, 2);
	assert_int_equal(first(&r, SHADOW_L)->pfn, P + 2);
	assert_int_equal(first(&r, SHADOW_L)->object_page, 42);
	/* S0: cleaned, but in an earlier request */
	assert_int_equal(first(&r, SHADOW_S0)->count, 3);
	assert_int_equal(shadow_totals(r.s, 0).missing, 3);
	rig_free(&r);
}

static void leak_at_the_pin_of_a_reachable_page(void **state)
{
	struct rig r = rig_new(0);

	begin(&r);
	map(&r, 1, NC, P, 1, RW);
	assert_int_equal(shadow_findings(r.s), 1);
	assert_string_equal(shadow_finding(r.s, 0)->rule, "D10");
	assert_int_equal(shadow_broken(r.s), 0);
	pin(&r, P, 1);
	assert_int_equal(shadow_broken(r.s), BIT_L);
	assert_int_equal(set_of(&r, P), DS | I | C | X | D | DH);
	rig_free(&r);
}

static void integrity_names_the_op_that_ended_the_exposure(void **state)
{
	struct rig r = rig_new(0);

	begin(&r);
	pin(&r, P, 1);
	flush(&r, P, 1);
	map(&r, 1, NC, P, 1, RW);
	end(&r);
	begin(&r);
	unmap(&r, 1, NC, P, 1);
	end(&r);
	assert_int_equal(shadow_broken(r.s), BIT_E);
	assert_int_equal(first(&r, SHADOW_E)->op, 2);
	begin(&r);
	pin(&r, P, 1);
	unpin(&r, P, 1);
	end(&r); /* stale still, but not of this request's making */
	assert_int_equal(first(&r, SHADOW_E)->count, 1);
	begin(&r);
	unpin(&r, P, 1);
	end(&r);
	assert_int_equal(shadow_broken(r.s), BIT_E | BIT_I);
	assert_int_equal(first(&r, SHADOW_I)->op, 4);
	assert_int_equal(first(&r, SHADOW_I)->should, 2);
	rig_free(&r);
}

static void a_page_unpinned_in_the_request_is_judged_by_integrity_alone(void **state)
{
	struct rig r = rig_new(0);

	begin(&r);
	pin(&r, P, 1);
	flush(&r, P, 1);
	map(&r, 1, NC, P, 1, RW);
	end(&r);
	begin(&r);
	unmap(&r, 1, NC, P, 1);
	unpin(&r, P, 1);
	end(&r);
	assert_int_equal(shadow_broken(r.s), BIT_I);
	assert_int_equal(first(&r, SHADOW_I)->should, 2);
	rig_free(&r);
}

static void closing_flush_keeps_integrity(void **state)
{
	struct rig r = rig_new(0);

	begin(&r);
	pin(&r, P, 2);
	flush(&r, P, 2);
	map(&r, 1, NC, P, 2, RW);
	end(&r);
	begin(&r);
	unmap(&r, 1, NC, P, 2);
	flush(&r, P, 2);
	unpin(&r, P, 1);
	end(&r);
	begin(&r);
	unpin(&r, P + 1, 1); /* the stores meanwhile were the CPU's own */
	end(&r);
	assert_int_equal(shadow_broken(r.s), 0);
	rig_free(&r);
}

static void visibility_is_asked_of_the_first_exposure_only(void **state)
{
	struct rig r = rig_new(0);

	begin(&r);
	pin(&r, P, 1);
	flush(&r, P, 1);
	map(&r, 1, NC, P, 1, RW);
	map(&r, 2, NC, P, 1, RW);
	end(&r);
	assert_int_equal(shadow_broken(r.s), 0);
	begin(&r);
	map(&r, 3, NC, P, 1, RW); /* reachable already: S1 alone */
	end(&r);
	assert_int_equal(shadow_broken(r.s), BIT_S1);
	begin(&r);
	unmap(&r, 1, NC, P, 1);
	unmap(&r, 2, NC, P, 1);
	unmap(&r, 3, NC, P, 1);
	map(&r, 1, NC, P, 1, RW); /* reachable when the request began */
	end(&r);
	assert_int_equal(shadow_broken(r.s), BIT_S1);
	begin(&r);
	unmap(&r, 1, NC, P, 1);
	flush(&r, P, 1);
	end(&r);
	begin(&r);
	map(&r, 1, NC, P, 1, RW); /* re-exposure of a pinned page */
	map(&r, 2, NC, P, 1, RW); /* reachable just before */
	end(&r);
	assert_int_equal(shadow_broken(r.s), BIT_S1 | BIT_S0);
	assert_int_equal(first(&r, SHADOW_S0)->op, 5);
	assert_int_equal(first(&r, SHADOW_S0)->count, 1);
	rig_free(&r);
}

static void a_clean_of_the_last_epoch_does_not_count(void **state)
{
	struct rig r = rig_new(0);

	begin(&r);
	pin(&r, P, 1);
	flush(&r, P, 1);
	unpin(&r, P, 1);
	pin(&r, P, 1);
	map(&r, 1, NC, P, 1, RO);
	assert_int_equal(shadow_broken(r.s), BIT_L | BIT_S0 | BIT_S1);
	rig_free(&r);
}

/* The same where a C mapping that outlives the unpin (U) keeps the frame's record. */
static void an_epoch_starts_from_nothing_even_when_still_mapped(void **state)
{
	struct rig r = rig_new(SHADOW_BOUND);

	begin(&r);
	pin(&r, P, 1);
	map(&r, 1, false, P, 1, RW);
	map(&r, 2, NC, P, 1, RO);
	flush(&r, P, 1);
	flush(&r, P, 1);
	unmap(&r, 2, NC, P, 1);
	unpin(&r, P, 1);
	assert_int_equal(first(&r, SHADOW_L)->count, 1);
	pin(&r, P, 1);
	rig_event(&r, .kind = EV_DMA_READ, .domain = 2, .nc = true, .pa = P << 12, .len = 1,
		  .secret = true, .state = LINE_DS);
	assert_int_equal(shadow_findings(r.s), 2); /* C2 again, and C3 */
	map(&r, 2, NC, P, 1, RO);
	assert_int_equal(first(&r, SHADOW_L)->count, 2);
	assert_int_equal(first(&r, SHADOW_S1)->count, 2);
	unmap(&r, 2, NC, P, 1);
	unmap(&r, 1, false, P, 1);
	unpin(&r, P, 1);
	end(&r);
	assert_int_equal(shadow_totals(r.s, CLAIMS_STD).redundant, 1);
	assert_int_equal(shadow_broken(r.s) & (BIT_U | BIT_E | BIT_I), BIT_U);
	rig_free(&r);
}

static void a_frame_that_went_is_not_the_next_one(void **state)
{
	struct rig r = rig_new(0);

	begin(&r);
	for (u64 pfn = P; pfn < P + 2; pfn++) {
		pin(&r, pfn, 1);
		flush(&r, pfn, 1);
		map(&r, 1, NC, pfn, 1, RW);
		unmap(&r, 1, NC, pfn, 1);
		if (pfn > P)
			continue;
		flush(&r, pfn, 1);
		unpin(&r, pfn, 1);
	}
	end(&r);
	assert_int_equal(shadow_broken(r.s), BIT_E);
	assert_int_equal(first(&r, SHADOW_E)->count, 1);
	assert_int_equal(first(&r, SHADOW_E)->pfn, P + 1);
	rig_free(&r);
}

static void a_clean_issued_in_an_earlier_request_does_not_count(void **state)
{
	struct rig r = rig_new(0);

	begin(&r);
	pin(&r, P, 1);
	clean(&r, P, 1);
	end(&r);
	begin(&r);
	drain(&r);
	map(&r, 1, NC, P, 1, RO);
	assert_int_equal(shadow_broken(r.s), BIT_S0 | BIT_S1);
	rig_free(&r);
}

static void an_unmapped_page_is_exposed_until_the_sync(void **state)
{
	struct rig r = rig_new(0);

	begin(&r);
	pin(&r, P, 1);
	flush(&r, P, 1);
	map(&r, 1, NC, P, 1, RW);
	unmap_nosync(&r, 1, NC, P, 1);
	flush(&r, P, 1);
	assert_int_equal(set_of(&r, P), I | C | X);
	end(&r); /* reachable still: E has nothing to say */
	assert_int_equal(shadow_broken(r.s), 0);
	begin(&r);
	tlb_flush(&r, 1, NC);
	flush(&r, P, 1);
	assert_int_equal(set_of(&r, P), I | C);
	unpin(&r, P, 1);
	end(&r);
	assert_int_equal(shadow_broken(r.s), 0);
	rig_free(&r);
}

static void a_sync_is_one_domains(void **state)
{
	struct rig r = rig_new(0);

	begin(&r);
	pin(&r, P, 1);
	flush(&r, P, 1);
	map(&r, 1, NC, P, 1, RW);
	unmap_nosync(&r, 1, NC, P, 1);
	tlb_flush(&r, 2, NC);
	flush(&r, P, 1);
	assert_int_equal(set_of(&r, P), I | C | X);
	rig_free(&r);
}

static void unpin_while_reachable(void **state)
{
	struct rig r = rig_new(0);

	begin(&r);
	pin(&r, P, 2);
	map(&r, 1, false, P, 2, RW);
	unmap_nosync(&r, 1, false, P, 1);
	unpin(&r, P, 1); /* stale is reachable, and C counts too */
	assert_int_equal(shadow_broken(r.s), BIT_U);
	assert_int_equal(first(&r, SHADOW_U)->pfn, P);
	tlb_flush(&r, 1, false);
	unmap(&r, 1, false, P + 1, 1);
	unpin(&r, P + 1, 1);
	end(&r);
	assert_int_equal(first(&r, SHADOW_U)->count, 1);
	assert_null(shadow_frame_find(r.s, P));
	rig_free(&r);
}

/* --- O --------------------------------------------------------------------------- */

/* A page that was opened in request 1; request 2 is the test's. */
static struct rig opened(void)
{
	struct rig r = rig_new(0);

	begin(&r);
	pin(&r, P, 1);
	flush(&r, P, 1);
	map(&r, 1, NC, P, 1, RW);
	end(&r);
	begin(&r);
	return r;
}

static void a_closing_clean_before_the_unmap_is_too_early(void **state)
{
	struct rig r = opened();

	flush(&r, P, 1);
	unmap(&r, 1, NC, P, 1);
	unpin(&r, P, 1);
	assert_int_equal(shadow_broken(r.s), BIT_I);
	end(&r); /* only now it is known that the clean opened nothing */
	assert_int_equal(shadow_broken(r.s), BIT_I | BIT_O);
	assert_int_equal(first(&r, SHADOW_O)->op, 2);
	rig_free(&r);
}

static void a_closing_clean_before_the_sync_is_too_early(void **state)
{
	struct rig r = opened();

	unmap_nosync(&r, 1, NC, P, 1);
	flush(&r, P, 1);
	tlb_flush(&r, 1, NC);
	end(&r);
	assert_int_equal(shadow_broken(r.s), BIT_O | BIT_E);
	rig_free(&r);
}

/* Two objects show the frame: the clean is the first one's, whose mapping has gone. */
static void order_leaves_frames_with_two_pins_to_integrity(void **state)
{
	struct rig r = opened();

	pin(&r, P, 1);
	flush(&r, P, 1);
	map(&r, 2, NC, P, 1, RW);
	end(&r);
	begin(&r);
	unmap(&r, 2, NC, P, 1);
	flush(&r, P, 1);
	unpin(&r, P, 1);
	unmap(&r, 1, NC, P, 1);
	end(&r);
	assert_int_equal(shadow_broken(r.s) & BIT_O, 0);
	begin(&r);
	unpin(&r, P, 1);
	assert_int_equal(shadow_broken(r.s) & BIT_I, BIT_I);
	end(&r);
	rig_free(&r);
}

static void cleaned_again_after_the_last_removal_is_fine(void **state)
{
	struct rig r = opened();

	flush(&r, P, 1);
	unmap(&r, 1, NC, P, 1);
	flush(&r, P, 1);
	unpin(&r, P, 1);
	end(&r);
	assert_int_equal(shadow_broken(r.s), 0);
	rig_free(&r);
}

static void cleaned_again_needs_all_lines_and_the_drain(void **state)
{
	struct rig r = opened();

	flush(&r, P, 1);
	unmap(&r, 1, NC, P, 1);
	rig_event(&r, .kind = EV_CLEAN, .pa = P << 12, .len = 4032, .invalidates = true);
	drain(&r);
	end(&r);
	assert_true(shadow_broken(r.s) & BIT_O);
	rig_free(&r);

	r = opened();
	flush(&r, P, 1);
	unmap(&r, 1, NC, P, 1);
	clean(&r, P, 1);
	end(&r);
	assert_true(shadow_broken(r.s) & BIT_O);
	rig_free(&r);
}

static void cleaned_again_means_issued_after_the_removal(void **state)
{
	struct rig r = opened();

	clean(&r, P, 1);
	unmap(&r, 1, NC, P, 1);
	drain(&r);
	end(&r);
	assert_int_equal(shadow_broken(r.s), BIT_O | BIT_E);
	rig_free(&r);

	/* A removal whose sync never comes has no "after". */
	r = opened();
	flush(&r, P, 1);
	unmap_nosync(&r, 1, NC, P, 1);
	flush(&r, P, 1);
	end(&r);
	assert_int_equal(shadow_broken(r.s), BIT_O);
	rig_free(&r);
}

static void cleaned_again_between_two_removals_is_not_after_the_last(void **state)
{
	struct rig r = rig_new(0);

	begin(&r);
	pin(&r, P, 1);
	flush(&r, P, 1);
	map(&r, 1, NC, P, 1, RW);
	map(&r, 2, NC, P, 1, RW);
	end(&r);
	begin(&r);
	unmap(&r, 1, NC, P, 1);
	flush(&r, P, 1);
	unmap(&r, 2, NC, P, 1);
	end(&r);
	assert_int_equal(shadow_broken(r.s), BIT_O | BIT_E);
	begin(&r);
	end(&r);
	assert_int_equal(first(&r, SHADOW_O)->count, 1);
	rig_free(&r);
}

static void a_mapping_that_stays_is_no_trouble(void **state)
{
	struct rig r = rig_new(0);

	begin(&r);
	pin(&r, P, 1);
	flush(&r, P, 1);
	map(&r, 1, NC, P, 1, RW);
	map(&r, 2, NC, P, 1, RW);
	end(&r);
	begin(&r);
	unmap(&r, 1, NC, P, 1);
	flush(&r, P, 1);
	end(&r);
	begin(&r);
	unmap(&r, 2, NC, P, 1);
	flush(&r, P, 1);
	unpin(&r, P, 1);
	end(&r);
	assert_int_equal(shadow_broken(r.s), 0);
	rig_free(&r);
}

static void an_opening_clean_is_not_closing_when_the_request_unwinds(void **state)
{
	struct rig r = opened();

	flush(&r, P, 1); /* opens for domain 2, while domain 1 reaches the page */
	map(&r, 2, NC, P, 1, RW);
	map_fails(&r, 3, NC, P, 1, RW);
	unmap(&r, 2, NC, P, 1);
	end(&r);
	assert_int_equal(shadow_broken(r.s), 0);
	rig_free(&r);

	/* The same with a removal of domain 1: it was there at the clean, but the clean was an
	 * opening one. */
	r = opened();
	map(&r, 2, NC, P, 1, RO);
	unmap(&r, 2, NC, P, 1); /* of another request */
	end(&r);
	begin(&r);
	flush(&r, P, 1);
	map_fails(&r, 2, NC, P, 1, RW);
	unmap(&r, 1, NC, P, 1);
	end(&r);
	assert_int_equal(shadow_broken(r.s), BIT_S1 | BIT_E);
	rig_free(&r);

	/* Without any NC map call it is a closing one; a C domain's call changes nothing. */
	r = opened();
	flush(&r, P, 1);
	map_fails(&r, 2, false, P, 1, RW);
	unmap(&r, 1, NC, P, 1);
	end(&r);
	assert_int_equal(shadow_broken(r.s), BIT_E | BIT_O);
	rig_free(&r);
}

static void an_unwind_that_cleans_too_early(void **state)
{
	struct rig r = rig_new(0);

	begin(&r);
	pin(&r, P, 2);
	flush(&r, P, 2);
	map(&r, 1, NC, P, 2, RW);
	map_fails(&r, 2, NC, P, 2, RW);
	unmap(&r, 1, NC, P + 1, 1); /* the first NC unmap call: from here on cleans are closing */
	flush(&r, P, 1);
	unmap(&r, 1, NC, P, 1);
	flush(&r, P + 1, 1);
	unpin(&r, P, 2);
	end(&r);
	assert_int_equal(shadow_broken(r.s), BIT_O | BIT_I);
	assert_int_equal(first(&r, SHADOW_O)->count, 1);
	assert_int_equal(first(&r, SHADOW_O)->pfn, P);
	rig_free(&r);
}

static void an_unwind_that_unpins_before_it_unmaps(void **state)
{
	struct rig r = rig_new(0);

	begin(&r);
	pin(&r, P, 2);
	flush(&r, P, 2);
	map(&r, 1, NC, P, 2, RW);
	map_fails(&r, 2, NC, P, 2, RW);
	unmap(&r, 1, NC, P + 1, 1);
	flush(&r, P, 1);
	unpin(&r, P, 1);
	unmap(&r, 1, NC, P, 1); /* after the page has gone */
	end(&r);
	assert_int_equal(shadow_broken(r.s), BIT_O | BIT_I | BIT_U | BIT_E);
	assert_int_equal(first(&r, SHADOW_U)->pfn, P);
	assert_int_equal(first(&r, SHADOW_O)->pfn, P);
	assert_int_equal(first(&r, SHADOW_E)->pfn, P + 1);
	rig_free(&r);
}

/* --- aliases, sub-pages, domains ------------------------------------------------- */

static void two_pins_of_a_frame_are_one_epoch(void **state)
{
	struct rig r = rig_new(0);

	begin(&r);
	pin(&r, P, 1);
	pin(&r, P, 1);
	flush(&r, P, 1);
	map(&r, 1, NC, P, 1, RW);
	rig_event(&r, .kind = EV_MAP, .domain = 1, .nc = true, .iova = 0x900000, .pa = P << 12,
		  .len = 4096, .prot = RO);
	end(&r);
	begin(&r);
	unmap(&r, 1, NC, P, 1);
	unpin(&r, P, 1);
	end(&r);
	assert_int_equal(shadow_broken(r.s),
			 0); /* pinned, and reachable through the alias, for reading */
	begin(&r);
	rig_event(&r, .kind = EV_UNMAP_CALL, .domain = 1, .nc = true, .iova = 0x900000,
		  .len = 4096);
	rig_event(&r, .kind = EV_UNMAP, .domain = 1, .nc = true, .iova = 0x900000, .pa = P << 12,
		  .len = 4096);
	tlb_flush(&r, 1, NC);
	unpin(&r, P, 1);
	end(&r);
	assert_int_equal(shadow_broken(r.s), BIT_I);
	assert_int_equal(first(&r, SHADOW_I)->op, 3);
	assert_int_equal(first(&r, SHADOW_I)->should, 2);
	assert_int_equal(shadow_totals(r.s, 0).epochs, 1);
	assert_int_equal(shadow_totals(r.s, 0).exposures, 1);
	rig_free(&r);
}

/* [0x1c00..0x33ff] of physical memory at iova 0x5400: pages 1 (a part), 2, 3 (a part), unmapped in
 * odd pieces. */
static void parts_of_a_page_are_reachable_until_the_last_byte_goes(void **state)
{
	struct rig r = rig_new(0);

	begin(&r);
	pin(&r, 1, 3);
	flush(&r, 1, 3);
	rig_event(&r, .kind = EV_MAP, .domain = 1, .nc = true, .iova = 0x5400, .pa = 0x1c00,
		  .len = 0x1800, .prot = RW);
	for (u64 pfn = 1; pfn <= 3; pfn++)
		assert_int_equal(shadow_frame_find(r.s, pfn)->nc_write, 1);
	rig_event(&r, .kind = EV_UNMAP, .domain = 1, .nc = true, .iova = 0x5400, .pa = 0x1c00,
		  .len = 0x800);
	tlb_flush(&r, 1, NC);
	assert_int_equal(shadow_frame_find(r.s, 1)->nc, 0);
	assert_int_equal(shadow_frame_find(r.s, 2)->nc, 1);
	rig_event(&r, .kind = EV_UNMAP, .domain = 1, .nc = true, .iova = 0x5c00, .pa = 0x2400,
		  .len = 0x1000);
	assert_int_equal(shadow_frame_find(r.s, 2)->nc, 1);
	assert_int_equal(shadow_frame_find(r.s, 3)->nc, 1);
	tlb_flush(&r, 1, NC);
	assert_int_equal(shadow_frame_find(r.s, 2)->nc, 0);
	assert_int_equal(shadow_frame_find(r.s, 3)->nc, 0);
	flush(&r, 1, 3);
	unpin(&r, 1, 3);
	end(&r);
	assert_int_equal(shadow_broken(r.s), 0);
	rig_free(&r);
}

static void the_last_page_of_the_address_space(void **state)
{
	struct rig r = rig_new(0);

	begin(&r);
	pin(&r, P, 1);
	flush(&r, P, 1);
	rig_event(&r, .kind = EV_MAP, .domain = 1, .nc = true, .iova = ~0xfffULL, .pa = P << 12,
		  .len = 4096, .prot = RO);
	rig_event(&r, .kind = EV_UNMAP, .domain = 1, .nc = true, .iova = ~0xfffULL, .pa = P << 12,
		  .len = 4096);
	tlb_flush(&r, 1, NC);
	unpin(&r, P, 1);
	assert_int_equal(shadow_broken(r.s), 0);
	rig_free(&r);
}

static void a_freed_domain_reaches_nothing(void **state)
{
	struct rig r = rig_new(0);

	rig_event(&r, .kind = EV_DOMAIN_CREATE, .domain = 1, .nc = true);
	begin(&r);
	pin(&r, P, 4);
	flush(&r, P, 4);
	map(&r, 1, NC, P, 4, RW);
	unmap_nosync(&r, 1, NC, P, 1);
	rig_event(&r, .kind = EV_DOMAIN_FREE, .domain = 1, .nc = true);
	for (u64 i = 0; i < 4; i++)
		assert_int_equal(shadow_frame_find(r.s, P + i)->nc, 0);
	flush(&r, P, 4);
	unpin(&r, P, 4);
	end(&r);
	assert_int_equal(shadow_broken(r.s), 0);
	assert_int_equal(r.s->frames.nr, 0);
	rig_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leak_is_seen_at_the_map),
		cmocka_unit_test(leak_at_the_pin_of_a_reachable_page),
		cmocka_unit_test(integrity_names_the_op_that_ended_the_exposure),
		cmocka_unit_test(a_page_unpinned_in_the_request_is_judged_by_integrity_alone),
		cmocka_unit_test(closing_flush_keeps_integrity),
		cmocka_unit_test(visibility_is_asked_of_the_first_exposure_only),
		cmocka_unit_test(a_clean_of_the_last_epoch_does_not_count),
		cmocka_unit_test(a_frame_that_went_is_not_the_next_one),
		cmocka_unit_test(an_epoch_starts_from_nothing_even_when_still_mapped),
		cmocka_unit_test(a_clean_issued_in_an_earlier_request_does_not_count),
		cmocka_unit_test(an_unmapped_page_is_exposed_until_the_sync),
		cmocka_unit_test(a_sync_is_one_domains),
		cmocka_unit_test(unpin_while_reachable),
		cmocka_unit_test(a_closing_clean_before_the_unmap_is_too_early),
		cmocka_unit_test(a_closing_clean_before_the_sync_is_too_early),
		cmocka_unit_test(order_leaves_frames_with_two_pins_to_integrity),
		cmocka_unit_test(cleaned_again_after_the_last_removal_is_fine),
		cmocka_unit_test(cleaned_again_needs_all_lines_and_the_drain),
		cmocka_unit_test(cleaned_again_means_issued_after_the_removal),
		cmocka_unit_test(cleaned_again_between_two_removals_is_not_after_the_last),
		cmocka_unit_test(a_mapping_that_stays_is_no_trouble),
		cmocka_unit_test(an_opening_clean_is_not_closing_when_the_request_unwinds),
		cmocka_unit_test(an_unwind_that_cleans_too_early),
		cmocka_unit_test(an_unwind_that_unpins_before_it_unmaps),
		cmocka_unit_test(two_pins_of_a_frame_are_one_epoch),
		cmocka_unit_test(parts_of_a_page_are_reachable_until_the_last_byte_goes),
		cmocka_unit_test(the_last_page_of_the_address_space),
		cmocka_unit_test(a_freed_domain_reaches_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
