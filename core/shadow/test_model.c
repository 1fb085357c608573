// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reference model, driven by hand: a fake page core of a few lines does to the machine what
 * each test says, the model judges.
 */
#include "core/shadow/test_model_env.h"

/* --- automatic IOVA ---------------------------------------------------------------------- */

static void auto_map(struct env *e, u64 uptr, u64 length, int rc, u64 iova)
{
	SEND(e, rc, .kind = REQ_MAP, .table = 1, .uptr = uptr, .length = length, .prot = RW_,
	     .out_iova = iova);
}

static void test_auto_lowest(void **state)
{
	struct env *e = *state;

	table_new(e, 1);
	auto_map(e, VA_P, K4, 0, K4);
	auto_map(e, VA_P, K4, 0, 2 * K4);
	auto_map(e, VA_P, 3 * K4, 0, 4 * K4);		     /* natural alignment: 16K */
	auto_map(e, VA_P + 0x800, 0x100, 0, 3 * K4 + 0x800); /* low bits of the address */
	auto_map(e, VA_P + 3 * K4, K4, 0, 7 * K4);
	auto_map(e, VA_P, 3 * M2, 0, M2); /* capped at 2 MiB */
	auto_map(e, VA_P + 1, 1, 0, 3 * K4 + 1);
	auto_map(e, 0, M2, 0, 4 * M2);
	expect_silence(e);
	auto_map(e, VA_P, K4, 0, 10 * K4);
	expect_finding(e, "R4");
}

static void test_auto_reserved(void **state)
{
	struct env *e = *state;

	table_new(e, 1);
	reserve(e, 1, 0, 0x1fff);
	reserve(e, 1, 0x4000, 0x8000);
	reserve(e, 1, 0x5000, 0x5fff);
	reserve(e, 1, 0x8002, 0x9fff);
	auto_map(e, VA_P, 3 * K4, 0, 0xc000);
	auto_map(e, VA_P, 2 * K4, 0, 0x2000);
	/* A hole of one byte at 0x8001 does not even take one byte. */
	auto_map(e, VA_P + 1, 1, 0, 0xa001);
	expect_silence(e);
}

static void test_auto_windows(void **state)
{
	struct iova_range list[] = {
		{0x100, 0x1fff}, {0x20000, 0x20fff}, {0x21000, 0x22fff}, {U - 0x3fff, U}};
	struct env *e = *state;

	table_new(e, 1);
	allow_rc(e, 1, list, ARRAY_SIZE(list), 0);
	auto_map(e, VA_P, K4, 0, 0x1000);      /* clipped to the second page */
	auto_map(e, VA_P, 3 * K4, 0, 0x20000); /* two that touch are one window */
	auto_map(e, VA_P, 2 * K4, 0, U - 0x3fff);
	auto_map(e, VA_P + 2 * K4, 2 * K4, -ENOSPC, 0); /* the top page is never chosen */
	auto_map(e, VA_P, K4, 0, U - 0x1fff);
	auto_map(e, VA_P, K4, -ENOSPC, 0);
	expect_silence(e);
}

static void test_auto_top(void **state)
{
	struct iova_range top = {U - 0x1fff, U};
	struct env *e = *state;

	table_new(e, 1);
	allow_rc(e, 1, &top, 1, 0);
	auto_map(e, VA_P, 2 * K4, -ENOSPC, 0);
	auto_map(e, VA_P, K4 + 1, -ENOSPC, 0);
	auto_map(e, VA_P, K4, 0, U - 0x1fff);
	lazy_map(e, 1, VA_P, K4, RW_, U - 0xfff);
	SEND(e, 0, .kind = REQ_UNMAP, .table = 1, .iova = U - 0x1fff, .length = 0x2000,
	     .out_length = 0x2000);
	model_check(e->md, NULL);
	expect_silence(e);
}

/* --- results other than the errno -------------------------------------------------------- */

static void test_wrong_bytes(void **state)
{
	struct env *e = *state;

	table_new(e, 1);
	lazy_map(e, 1, VA_P, 2 * K4, RW_, 0x1000);
	SEND(e, 0, .kind = REQ_UNMAP, .table = 1, .length = U, .out_length = K4);
	expect_finding(e, "R3");
}

static void test_wrong_ranges(void **state)
{
	struct iova_range found[2] = {{0, 0xfff}, {0x2001, U}};
	struct env *e = *state;

	table_new(e, 1);
	reserve(e, 1, 0x1000, 0x1fff);
	SEND(e, 0, .kind = REQ_RANGES, .table = 1, .ranges = found, .nr_ranges = 2, .out_nr = 2,
	     .out_alignment = 1);
	expect_finding(e, "R9");
}

static void test_injected(void **state)
{
	struct env *e = *state;

	table_new(e, 1);
	SEND(e, -ENOMEM, MAP_(1, AT(0x1000)), .injected = true);
	lazy_map(e, 1, VA_P, K4, RW_, 0x1000);
	SEND(e, -ENOENT, .kind = REQ_UNMAP, .table = 1, .length = U, .injected = true);
	SEND(e, -EEXIST, MAP_(1, AT(0x1000)));
	expect_silence(e);
	SEND(e, 0, MAP_(1, AT(0x1000)), .injected = true);
	expect_finding(e, "R1");
}

/*
 * With a full page table behind it a bad copy-out is still that: the leaves are those of the
 * mapping.
 */
static void test_bad_out_leaves(void **state)
{
	static const struct domain_config one = {.max_leaves = 1};
	struct request req = {MAP_(1, AT(0x1000)), .flags = REQF_FIXED | REQF_BAD_OUT};
	struct env *e = *state;
	u64 pfn;

	e->d = domain_new(e, &one);
	table_new(e, 1);
	attach_empty(e, 1, 1);
	req_begin(e, &req);
	fake_pin(e, VA_P, 1, &pfn);
	fake_map(e, 0x1000, &pfn, 1);
	req_end(e, &req, -EFAULT);
	model_check(e->md, NULL);
	expect_silence(e);
}

/*
 * Two objects over one copy-on-write page, filled by one attach: the read-only one pins the old
 * frame, then the other breaks the sharing.
 */
static void test_cow_between_fills(void **state)
{
	struct request req = {.kind = REQ_ATTACH, .table = 1, .domain = 1};
	struct env *e = *state;
	u64 pfn;

	assert_int_equal(buffer_set_flags(e->m, e->p, 0, 0, UPAGE_COW, 0), 0);
	e->d = domain_new(e, NULL);
	table_new(e, 1);
	lazy_map(e, 1, VA_P, K4, REQ_PROT_READ, 0x1000);
	lazy_map(e, 1, VA_P, K4, RW_, 0x2000);
	req_begin(e, &req);
	assert_int_equal(machine_pin(e->m, 0, VA_P, 1, 0, &pfn), 1);
	domain_map(e->d, 0x1000, pfn * K4, K4, DOMAIN_READ | DOMAIN_CACHE);
	machine_task(e->m, 0)->user_locked_vm++;
	machine_task(e->m, 0)->mm_pinned_vm++;
	fake_pin(e, VA_P, 1, &pfn);
	fake_map(e, 0x2000, &pfn, 1);
	req_end(e, &req, 0);
	model_check(e->md, NULL);
	expect_silence(e);
}

/* A bad copy-out: the mapping stays; an injected refusal of the pages: it does not. */
static void test_bad_out(void **state)
{
	struct request req = {MAP_(1, AT(0x5000)), .flags = REQF_FIXED | REQF_BAD_OUT};
	struct env *e = *state;

	table_new(e, 1);
	SEND(e, -EFAULT, MAP_(1, AT(0x1000)), .flags = REQF_FIXED | REQF_BAD_OUT);
	SEND(e, -EEXIST, MAP_(1, AT(0x1000)));
	fault_arm(machine_fault(e->m), FAULT_GUP, 1);
	req_begin(e, &req);
	assert_int_equal(machine_should_fail(e->m, FAULT_GUP), -EFAULT);
	req.injected = true;
	req_end(e, &req, -EFAULT);
	fault_disarm(machine_fault(e->m));
	lazy_map(e, 1, VA_P, K4, RW_, 0x5000);
	expect_silence(e);
}

/* --- pins -------------------------------------------------------------------------------- */

static void pin_two(struct env *e, u64 *pfns)
{
	struct request req = {PIN_(1, 0x1000, 2 * K4), .pfns = pfns, .nr_pfns = 2};

	table_new(e, 1);
	access_new(e, 1, REQF_PIN, 1);
	lazy_map(e, 1, VA_P, 4 * K4, RW_, 0x1000);
	req_begin(e, &req);
	fake_pin(e, VA_P, 2, pfns);
	req_end(e, &req, 0);
}

static void test_unmap_asks_access(void **state)
{
	struct request req = {UNMAP_(1, 0, U, .out_length = 4 * K4)};
	struct request inner = {.kind = REQ_UNPIN, .access = 1, .iova = 0x1000, .length = 2 * K4};
	struct request again = {PIN_(1, 0x1000, K4), .rc = -EINVAL};
	struct env *e = *state;
	u64 pfns[2];

	pin_two(e, pfns);
	req_begin(e, &req);
	fake_unpin(e, pfns, 2);
	machine_request_nested(e->m, &inner);
	machine_request_nested(e->m, &again);
	req_end(e, &req, 0);
	model_check(e->md, NULL);
	expect_silence(e);
}

static void test_detach_releases(void **state)
{
	struct request req = {.kind = REQ_ACCESS_DETACH, .access = 1};
	struct request inner = {.kind = REQ_UNPIN, .access = 1, .iova = 0x1000, .length = 2 * K4};
	struct request again = {PIN_(1, 0x1000, K4), .rc = -ENOENT};
	struct env *e = *state;
	u64 pfns[2];

	pin_two(e, pfns);
	req_begin(e, &req);
	fake_unpin(e, pfns, 2);
	machine_request_nested(e->m, &inner);
	machine_request_nested(e->m, &again);
	req_end(e, &req, 0);
	SEND(e, 0, .kind = REQ_TABLE_DESTROY, .table = 1);
	model_check(e->md, NULL);
	expect_silence(e);
}

static void test_detach_keeps_pin(void **state)
{
	struct env *e = *state;
	u64 pfns[2];

	pin_two(e, pfns);
	SEND(e, 0, .kind = REQ_ACCESS_DETACH, .access = 1);
	expect_finding(e, "A3");
}

/* P10, both ways: what the unpin says is not what the pin and the map allowed for. */
static void test_dirty_marks(void **state)
{
	struct env *e = *state;
	u64 pfn[2];

	assert_int_equal(machine_pin(e->m, 0, VA_P, 2, 0, pfn), 2);
	machine_unpin(e->m, pfn[0], 1, false);
	expect_silence(e);
	machine_unpin(e->m, pfn[1], 1, true);
	expect_finding(e, "P10");
}

static void test_dirty_mark_missing(void **state)
{
	struct env *e = *state;
	u64 pfn[2];

	e->d = domain_new(e, NULL);
	fake_pin(e, VA_P, 2, pfn);
	fake_map(e, 0, pfn, 1);
	assert_int_equal(domain_unmap(e->d, 0, K4), K4);
	machine_unpin(e->m, pfn[1], 1, false);
	expect_silence(e);
	machine_unpin(e->m, pfn[0], 1, false);
	expect_finding(e, "P10");
}

/* A7: of an unmap just the area, of a move everything. */
static void notify_wrongly(struct env *e, struct request req, u64 iova, u64 right, u64 wrong)
{
	u64 pfns[2];

	pin_two(e, pfns);
	req_begin(e, &req);
	machine_access_notified(e->m, 1, iova, right);
	expect_silence(e);
	machine_access_notified(e->m, 1, iova, wrong);
	expect_finding(e, "A7");
}

static void test_unmap_notifies(void **state)
{
	notify_wrongly(*state, (struct request){UNMAP_(1, 0, U)}, 0x1000, 4 * K4, U);
}

static void test_detach_notifies(void **state)
{
	notify_wrongly(*state, (struct request){.kind = REQ_ACCESS_DETACH, .access = 1}, 0, U,
		       4 * K4);
}

static void test_unmap_gives_up(void **state)
{
	struct env *e = *state;
	u64 pfns[2];

	pin_two(e, pfns);
	SEND(e, -EDEADLOCK, UNMAP_(1, 0, U));
	expect_finding(e, "A7");
}

static void test_wrong_pfns(void **state)
{
	u64 pfns[2], handed[2];
	struct request req = {PIN_(1, 0x2000, 2 * K4), .pfns = handed, .nr_pfns = 2};
	struct env *e = *state;

	pin_two(e, pfns);
	req_begin(e, &req);
	fake_pin(e, VA_P + 2 * K4, 1, &handed[1]);
	handed[0] = pfns[1];
	req_end(e, &req, 0);
	expect_silence(e);
	handed[1]++;
	req_begin(e, &req);
	req_end(e, &req, 0);
	expect_finding(e, "A5");
}

static void test_leak(void **state)
{
	struct env *e = *state;
	u64 pfn;

	table_new(e, 1);
	assert_int_equal(machine_pin(e->m, 0, VA_P, 1, 0, &pfn), 1);
	SEND(e, -ENOENT, .kind = REQ_DETACH, .table = 1, .domain = 1);
	expect_finding(e, "P1");
}

/* Pinned pages keep their frames when the user's memory changes under them (P9). */
static void test_remap_under_pin(void **state)
{
	struct env *e = *state;
	u64 pfns[2];

	pin_two(e, pfns);
	assert_int_equal(buffer_remap(e->m, e->p, 0, 15), 0);
	model_check(e->md, NULL);
	SEND(e, 0, PIN_(1, 0x1000, K4), .pfns = pfns, .nr_pfns = 1);
	expect_silence(e);
	pfns[0] = buffer_pfn(e->p, 0);
	SEND(e, 0, PIN_(1, 0x1000, K4), .pfns = pfns, .nr_pfns = 1);
	expect_finding(e, "A5");
}

/* --- what model_check() notices ---------------------------------------------------------- */

/* Table 1 with one domain and P's first 3 pages at 0x1000, cap: the object is not charged. */
static void mapped_world(struct env *e, u64 *pfns)
{
	struct request req = {MAP_(1, AT(0x1000)), .length = 3 * K4};

	e->d = domain_new(e, NULL);
	table_new(e, 1);
	attach_empty(e, 1, 1);
	req_begin(e, &req);
	fake_pin(e, VA_P, 3, pfns);
	fake_map(e, 0x1000, pfns, 3);
	req_end(e, &req, 0);
	model_check(e->md, NULL);
	expect_silence(e);
}

static void break_missing(struct env *e, const u64 *pfns)
{
	domain_unmap(e->d, 0x2000, K4);
}

static void break_last(struct env *e, const u64 *pfns)
{
	domain_unmap(e->d, 0x3000, K4);
}

static void break_pfn(struct env *e, const u64 *pfns)
{
	domain_unmap(e->d, 0x2000, K4);
	fake_map(e, 0x2000, &pfns[2], 1);
}

static void break_stale(struct env *e, const u64 *pfns)
{
	fake_map(e, 0x9000, &pfns[1], 1);
}

static void break_prot(struct env *e, const u64 *pfns)
{
	domain_unmap(e->d, 0x1000, K4);
	domain_map(e->d, 0x1000, pfns[0] * K4, K4, DOMAIN_READ | DOMAIN_CACHE);
}

static void break_extra_pin(struct env *e, const u64 *pfns)
{
	u64 pfn;

	assert_int_equal(machine_pin(e->m, 0, VA_P + 5 * K4, 1, 0, &pfn), 1);
}

static void break_lost_pin(struct env *e, const u64 *pfns)
{
	domain_unmap(e->d, 0x3000, K4);
	machine_unpin(e->m, pfns[2], 1, true);
	fake_map(e, 0x3000, &pfns[2], 1);
}

static void break_early_unpin(struct env *e, const u64 *pfns)
{
	machine_unpin(e->m, pfns[2], 1, true);
}

static void break_charge(struct env *e, const u64 *pfns)
{
	machine_task(e->m, 0)->user_locked_vm++;
}

static void break_orphan(struct env *e, const u64 *pfns)
{
	e->d = domain_new(e, NULL);
	fake_map(e, 0, pfns, 1);
}

static void break_double_map(struct env *e, const u64 *pfns)
{
	domain_map(e->d, 0x1000, pfns[0] * K4, K4, DOMAIN_READ);
}

static void test_check_machine(void **state)
{
	static const struct {
		void (*damage)(struct env *e, const u64 *pfns);
		const char *rule;
	} rows[] = {
		{break_missing, "D1"},	 {break_last, "D1"},	    {break_pfn, "D1"},
		{break_stale, "D1"},	 {break_prot, "D2"},	    {break_extra_pin, "P4"},
		{break_lost_pin, "D10"}, {break_early_unpin, "D9"}, {break_charge, "P7"},
		{break_orphan, "D7"},	 {break_double_map, "D3"},
	};
	struct env *e;
	u64 pfns[3];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		env_setup(state);
		e = *state;
		mapped_world(e, pfns);
		rows[i].damage(e, pfns);
		model_check(e->md, NULL);
		expect_finding(e, rows[i].rule);
		env_teardown(state);
	}
}

/* With large pages off two pages in one map call are one too many. */
static void test_small_maps(void **state)
{
	struct request req = {MAP_(1, AT(0x1000)), .length = 2 * K4};
	struct env *e = *state;
	u64 pfns[2];

	e->d = domain_new(e, NULL);
	table_new(e, 1);
	attach_empty(e, 1, 1);
	SEND(e, 0, .kind = REQ_HUGE_PAGES, .table = 1);
	req_begin(e, &req);
	fake_pin(e, VA_P, 2, pfns);
	domain_map(e->d, 0x1000, pfns[0] * K4, 2 * K4, 7);
	expect_finding(e, "D6");
	req_end(e, &req, 0);
	model_check(e->md, NULL);
	assert_int_equal(model_findings(e->md), 1);
}

/* Cut in the middle of a page: both halves hold it, until the second goes. */
static void test_cut_shares_page(void **state)
{
	static const struct domain_config tiny = {.pgsize_bitmap = 512 | K4};
	struct request req = {.kind = REQ_ATTACH, .table = 1, .domain = 1};
	struct request left = {UNMAP_(1, 0x1000, 512), .out_length = 512};
	struct request right = {UNMAP_(1, 0x1200, 0x1e00), .out_length = 0x1e00};
	struct env *e = *state;
	u64 pfns[2];

	e->d = domain_new(e, &tiny);
	table_new(e, 1);
	lazy_map(e, 1, VA_P, 2 * K4, RW_, 0x1000);
	SEND(e, 0, CUT_(1, 0x11ff));
	req_begin(e, &req);
	fake_pin(e, VA_P, 2, pfns);
	domain_map(e->d, 0x1000, pfns[0] * K4, 512, 7);
	domain_map(e->d, 0x1200, pfns[0] * K4 + 512, 0x1e00, 7);
	req_end(e, &req, 0);
	model_check(e->md, NULL);
	expect_silence(e);
	req_begin(e, &left);
	domain_unmap(e->d, 0x1000, 512);
	req_end(e, &left, 0);
	model_check(e->md, NULL);
	expect_silence(e);
	req_begin(e, &right);
	domain_unmap(e->d, 0x1200, 0x1e00);
	fake_unpin(e, pfns, 2);
	req_end(e, &right, 0);
	model_check(e->md, NULL);
	expect_silence(e);
}

/*
 * With a domain and large pages off a cut divides what is filled, and a failed request changes
 * nothing.
 */
static void test_cut_filled(void **state)
{
	struct request req = {MAP_(1, AT(0x1000)), .length = 2 * K4};
	struct request un = {UNMAP_(1, 0x1000, K4), .out_length = K4};
	struct env *e = *state;
	u64 pfns[2], digest;

	e->d = domain_new(e, NULL);
	table_new(e, 1);
	SEND(e, 0, .kind = REQ_HUGE_PAGES, .table = 1);
	attach_empty(e, 1, 1);
	req_begin(e, &req);
	fake_pin(e, VA_P, 2, pfns);
	fake_map(e, 0x1000, pfns, 2);
	req_end(e, &req, 0);
	digest = model_digest(e->md);
	SEND(e, -EINVAL, CUT_(1, 0x11ff));
	SEND(e, -ENOENT, UNMAP_(1, 0x1000, K4));
	assert_true(digest == model_digest(e->md));
	SEND(e, 0, CUT_(1, 0x1fff));
	req_begin(e, &un);
	domain_unmap(e->d, 0x1000, K4);
	fake_unpin(e, pfns, 1);
	req_end(e, &un, 0);
	model_check(e->md, NULL);
	expect_silence(e);
	assert_true(digest != model_digest(e->md));
}

/* --- a view by hand ---------------------------------------------------------------------- */

/* What a right backend shows for view_world(); each test spoils one word of it. */
struct fake_view {
	struct view_table table;
	struct view_area areas[2];
	struct view_pages pages;
	struct view_node domain_nodes[2], access_node;
	u64 reserved[3], allowed[2];
	u64 pfn_index[2], pfns[2];
	u32 slot0;
	u32 nr_areas, nr_pages;
};

static bool fv_table(void *ctx, u32 t, struct view_table *out)
{
	*out = ((struct fake_view *)ctx)->table;
	return t == 1;
}

static u32 fv_slot(void *ctx, u32 t, u32 slot)
{
	return ((struct fake_view *)ctx)->slot0;
}

static void fv_areas(void *ctx, u32 t, view_area_fn fn, void *arg)
{
	struct fake_view *v = ctx;

	for (u32 i = 0; i < v->nr_areas && fn(arg, &v->areas[i]); i++)
		;
}

static void fv_reserved(void *ctx, u32 t, view_range_fn fn, void *arg)
{
	const u64 *r = ((struct fake_view *)ctx)->reserved;

	fn(arg, r[0], r[1], r[2]);
}

static void fv_allowed(void *ctx, u32 t, view_range_fn fn, void *arg)
{
	const u64 *r = ((struct fake_view *)ctx)->allowed;

	fn(arg, r[0], r[1], 0);
}

static void fv_pages(void *ctx, view_pages_fn fn, void *arg)
{
	struct fake_view *v = ctx;

	if (v->nr_pages)
		fn(arg, &v->pages);
}

static void fv_domain_nodes(void *ctx, u64 pages, view_node_fn fn, void *arg)
{
	struct fake_view *v = ctx;

	/* Equal firsts may come in any order. */
	fn(arg, &v->domain_nodes[1]);
	fn(arg, &v->domain_nodes[0]);
}

static void fv_access_nodes(void *ctx, u64 pages, view_node_fn fn, void *arg)
{
	fn(arg, &((struct fake_view *)ctx)->access_node);
}

static void fv_pfns(void *ctx, u64 pages, view_pfn_fn fn, void *arg)
{
	struct fake_view *v = ctx;

	for (u32 i = 0; i < 2 && fn(arg, v->pfn_index[i], v->pfns[i]); i++)
		;
}

/* mapped_world(), a copy of its first two pages read-only at 0x9000, pages 1 and 2 pinned,
 * [1M..2M-1] reserved. */
static void view_world(struct env *e, struct fake_view *v)
{
	struct request copy = {COPY_(1, 1, 0x1000, 2 * K4, AT(0x9000)), .prot = REQ_PROT_READ};
	struct iova_range all = {0, 0xfffff};
	u64 pfns[3];

	mapped_world(e, pfns);
	reserve(e, 1, 1 << 20, M2 - 1);
	allow_rc(e, 1, &all, 1, 0);
	req_begin(e, &copy);
	for (u32 i = 0; i < 2; i++)
		domain_map(e->d, 0x9000 + i * K4, pfns[i] * K4, K4, DOMAIN_READ | DOMAIN_CACHE);
	req_end(e, &copy, 0);
	access_new(e, 1, REQF_PIN, 1);
	SEND(e, 0, PIN_(1, 0x2000, 2 * K4), .pfns = &pfns[1], .nr_pfns = 2);
	SEND(e, 0, PIN_(1, 0x2000, 2 * K4), .pfns = &pfns[1], .nr_pfns = 2);
	*v = (struct fake_view){
		.table = {.iova_alignment = K4, .nr_domains = 1, .nr_accesses = 1},
		.areas = {{0x1000, 0x3fff, 0, 2, 0, 7, 3, 1, true, false, 2},
			  {0x9000, 0xafff, 0, 1, 0, 5, 3, 1, true, false, 0}},
		.pages = {.id = 3,
			  .npages = 3,
			  .npinned = 3,
			  .last_npinned = 3,
			  .refs = 2,
			  .account_mode = 1,
			  .writable = true,
			  .uptr = VA_P},
		.domain_nodes = {{0, 1, 1}, {0, 2, 1}},
		.access_node = {1, 2, 2},
		.reserved = {1 << 20, M2 - 1, 0},
		.allowed = {0, 0xfffff},
		.pfn_index = {1, 2},
		.pfns = {pfns[1], pfns[2]},
		.slot0 = 1,
		.nr_areas = 2,
		.nr_pages = 1,
	};
}

static const struct backend_view *view_of(struct fake_view *v, struct backend_view *out)
{
	*out = (struct backend_view){
		v,	    fv_table, fv_slot,	       fv_areas,	fv_reserved,
		fv_allowed, fv_pages, fv_domain_nodes, fv_access_nodes, fv_pfns};
	return out;
}

static void test_check_view(void **state)
{
#define SPOIL(field, value, rule)                                                                 \
	{                                                                                         \
		offsetof(struct fake_view, field), sizeof(((struct fake_view *)0)->field), value, \
			rule                                                                      \
	}
	static const struct {
		size_t offset, size;
		u64 value;
		const char *rule;
	} rows[] = {
		SPOIL(table.iova_alignment, 512, "I6"),
		SPOIL(table.disable_large_pages, 1, "I6"),
		SPOIL(table.nr_domains, 0, "I7"),
		SPOIL(table.nr_accesses, 2, "A3"),
		SPOIL(slot0, 2, "I7"),
		SPOIL(nr_areas, 1, "I1"),
		SPOIL(nr_pages, 0, "I8"),
		SPOIL(areas[0].iova, 0x2000, "I1"),
		SPOIL(areas[0].last, 0x2fff, "I1"),
		SPOIL(areas[1].first_index, 1, "I9"),
		SPOIL(areas[0].last_index, 1, "I9"),
		SPOIL(areas[0].page_offset, 512, "I9"),
		SPOIL(areas[1].prot, 7, "I11"),
		SPOIL(areas[1].pages, 9, "I8"),
		SPOIL(areas[1].storage_domain, 0, "S1"),
		SPOIL(areas[1].storage_domain, 2, "S2"),
		SPOIL(areas[1].in_domains_tree, 0, "S1"),
		SPOIL(areas[0].prevent_access, 1, "A2"),
		SPOIL(areas[0].num_accesses, 1, "S4"),
		SPOIL(pages.npages, 4, "I9"),
		SPOIL(pages.npinned, 5, "P2"),
		SPOIL(pages.last_npinned, 5, "P3"),
		SPOIL(pages.refs, 3, "I8"),
		SPOIL(pages.task, 1, "P7"),
		SPOIL(pages.account_mode, 0, "P7"),
		SPOIL(pages.writable, 0, "I11"),
		SPOIL(pages.uptr, VA_H, "I9"),
		SPOIL(domain_nodes[0].last, 2, "S3"),
		SPOIL(access_node.first, 0, "S4"),
		SPOIL(access_node.users, 1, "S4"),
		SPOIL(reserved[1], M2, "I2"),
		SPOIL(reserved[2], 1, "I2"),
		SPOIL(allowed[0], 1, "I4"),
		SPOIL(pfn_index[0], 0, "S5"),
		SPOIL(pfns[1], 1, "S6"),
	};
	struct fake_view v;
	struct backend_view view;
	struct env *e;

	for (size_t i = 0; i <= ARRAY_SIZE(rows); i++) {
		env_setup(state);
		e = *state;
		view_world(e, &v);
		if (i < ARRAY_SIZE(rows))
			memcpy((u8 *)&v + rows[i].offset, &rows[i].value, rows[i].size);
		model_check(e->md, view_of(&v, &view));
		if (i < ARRAY_SIZE(rows))
			expect_finding(e, rows[i].rule);
		else
			expect_silence(e);
		env_teardown(state);
	}
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, env_setup, env_teardown)

int main(void)
{
	int failed = run_row_tests() + run_long_tests();
	const struct CMUnitTest tests[] = {
		TEST(test_auto_lowest),	       TEST(test_auto_reserved),
		TEST(test_auto_windows),       TEST(test_auto_top),
		TEST(test_wrong_bytes),	       TEST(test_wrong_ranges),
		TEST(test_injected),	       TEST(test_bad_out),
		TEST(test_bad_out_leaves),     TEST(test_cow_between_fills),
		TEST(test_unmap_asks_access),  TEST(test_detach_releases),
		TEST(test_detach_keeps_pin),   TEST(test_dirty_marks),
		TEST(test_dirty_mark_missing), TEST(test_unmap_notifies),
		TEST(test_detach_notifies),    TEST(test_unmap_gives_up),
		TEST(test_wrong_pfns),	       TEST(test_leak),
		TEST(test_remap_under_pin),    cmocka_unit_test(test_check_machine),
		TEST(test_small_maps),	       TEST(test_cut_shares_page),
		TEST(test_cut_filled),	       cmocka_unit_test(test_check_view),
	};

	return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
