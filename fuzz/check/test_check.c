// SPDX-License-Identifier: GPL-2.0-only
/*
 * The exploration: that the table of verdicts comes out as two independent models found it, that
 * symmetric states are one and others are not, that it ends where it may, does not depend on the
 * number of workers, and never calls safe what it did not finish.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/flush/registry.h"
#include "core/op/text.h"
#include "fuzz/check/space.h"
#include "fuzz/check/store.h"
#include "fuzz/check/test_keepers.h"

static const struct check_space tiny = {
	.objects = 1, .pages = 1, .areas = 2, .tables = 2, .domains = 1, .accesses = 1};

static struct check_config config(const struct flush_policy *policy,
				  const struct check_space *space)
{
	return (struct check_config){
		.space = *space,
		.backend = &backend_core,
		.policy = policy,
		.jobs = 2,
		.memory = 256 << 20,
	};
}

static struct check_result explore(const struct check_config *cfg)
{
	struct check_result res;
	char err[256];
	int rc = check_explore(cfg, &res, err, sizeof(err));

	if (rc)
		fail_msg("%s: %d %s", cfg->policy->name, rc, err);
	return res;
}

static struct check_result explore_named(const char *policy, const struct check_space *space)
{
	struct check_config cfg = config(flush_policy_find(policy), space);

	return explore(&cfg);
}

/* --- the table ---------------------------------------------------------------------------------- */

/*
 * In the order of contracts; 0: safe. Rows of the project's definition of its policies (normative:
 * from two models that share nothing with this code); a difference is a defect of the code.
 */
struct row {
	const char *policy;
	u32 requests[SHADOW_CONTRACTS];
};

static const struct row rows[] = {
	{"none", {2, 3, 2, 2, 4, 0, 0}},
	{"eager", {0}},
	{"eager_merged", {0}},
	{"sticky_max", {0}},
	{"v1_posted", {3, 0, 3, 3, 4, 0, 0}},
	{"sticky", {0, 0, 0, 0, 4, 0, 0}},
	{"storage_skip", {0, 0, 0, 3, 0, 0, 0}},
	{"exact", {0, 0, 0, 3, 4, 0, 0}},
};

static void assert_row(const struct row *row, const struct check_space *space)
{
	struct check_result res = explore_named(row->policy, space);

	assert_int_equal(res.end, CHECK_FIXPOINT);
	assert_int_equal(res.finding.requests, 0);
	assert_int_equal(res.refused, 0);
	for (u32 c = 0; c < SHADOW_CONTRACTS; c++)
		if (res.broken[c].requests != row->requests[c])
			fail_msg("%s %s: x@%u, expected x@%u (0: safe)", row->policy,
				 shadow_contract_name[c], res.broken[c].requests, row->requests[c]);
	check_result_free(&res);
}

static void test_table(void **state)
{
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		assert_row(&rows[i], check_preset("small"));
}

/* The posted patch's counter falls below what is attached: I breaks too. */
static void test_table_with_listed_failures(void **state)
{
	static const struct row posted = {"v1_posted", {3, 4, 3, 3, 4, 0, 0}};
	struct check_space space = *check_preset("small");
	struct check_config cfg;
	struct check_result res;

	space.failures = CHECK_FAIL_LISTED;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i].policy, "v1_posted"))
			assert_row(&rows[i], &space);
	/* Its fixpoint has over a million states; all that breaks does so early. */
	cfg = config(flush_policy_find(posted.policy), &space);
	cfg.depth = 5;
	res = explore(&cfg);
	assert_int_equal(res.end, CHECK_DEPTH);
	for (u32 c = 0; c < SHADOW_CONTRACTS; c++)
		assert_int_equal(res.broken[c].requests, posted.requests[c]);
	check_result_free(&res);
}

/* What policies claim is what holds, and what they do not claim breaks: with every failure. */
static void test_claims_are_verdicts(void **state)
{
	struct check_space space = *check_preset("small");
	const struct flush_policy *p;
	struct check_config cfg;
	struct check_result res;
	u32 broken;

	space.failures = CHECK_FAIL_ALL;
	for (u32 i = 0; (p = flush_policy_nth(i)); i++) {
		cfg = config(p, &space);
		cfg.until_broken = true;
		cfg.unbroken = p->claims;
		res = explore(&cfg);
		broken = 0;
		for (u32 c = 0; c < SHADOW_CONTRACTS; c++)
			broken |= (u32) !!res.broken[c].requests << c;
		if (broken != (CONTRACTS_ALL & ~p->claims))
			fail_msg("%s claims 0x%x, broken is 0x%x", p->name, p->claims, broken);
		assert_int_equal(res.finding.requests, 0);
		check_result_free(&res);
	}
}

/* --- counter-examples --------------------------------------------------------------------------- */

static void test_traces_replay(void **state)
{
	struct check_result res = explore_named("v1_posted", check_preset("small"));
	struct run_config cfg = {
		.backend = &backend_core, .policy = flush_policy_find("v1_posted"), .shadow = true};
	struct run *r = run_create(&cfg);
	size_t at;
	u32 ops;

	assert_non_null(r);
	for (u32 c = 0; c < SHADOW_CONTRACTS; c++) {
		if (!res.broken[c].requests)
			continue;
		assert_int_equal(run_reset(r, &cfg), 0);
		ops = program_nr_ops(&res.broken[c].program);
		for (at = 0; run_step(r, &res.broken[c].program, &at);)
			/* broken by the last op, and not before */
			assert_int_equal(shadow_broken(run_shadow(r)) >> c & 1, run_ops(r) == ops);
		assert_int_equal(shadow_violation(run_shadow(r), c)->op, ops);
	}
	run_destroy(r);
	check_result_free(&res);
}

static char *story(const struct check_result *res)
{
	static char text[1 << 16];
	size_t n = snprintf(text, sizeof(text), "%u %u %llu %llu\n", res->end, res->depth,
			    (unsigned long long)res->states, (unsigned long long)res->transitions);
	char *trace;

	for (u32 c = 0; c < SHADOW_CONTRACTS; c++) {
		trace = text_print(&res->broken[c].program, NULL);
		n += snprintf(text + n, sizeof(text) - n, "%u\n%s", res->broken[c].requests, trace);
		free(trace);
	}
	return text;
}

static void test_workers_do_not_show(void **state)
{
	static const u32 jobs[] = {1, 2, 5};
	struct check_config cfg = config(flush_policy_find("area_flag"), check_preset("small"));
	char *first = NULL;

	for (u32 i = 0; i < ARRAY_SIZE(jobs); i++) {
		struct check_result res;

		cfg.jobs = jobs[i];
		res = explore(&cfg);
		if (!first)
			first = strdup(story(&res));
		assert_string_equal(story(&res), first);
		check_result_free(&res);
	}
	free(first);
}

/* --- bounded is not safe ------------------------------------------------------------------------ */

static void test_bounds(void **state)
{
	struct check_config cfg = config(flush_policy_find("eager"), check_preset("small"));
	struct check_result res;

	cfg.depth = 3;
	res = explore(&cfg);
	assert_int_equal(res.end, CHECK_DEPTH);
	assert_int_equal(res.depth, 3);
	check_result_free(&res);

	cfg.depth = 0;
	cfg.memory = 1 << 20; /* the least there is: some thousand states, and forms in chunks */
	cfg.space = *check_preset("standard");
	res = explore(&cfg);
	assert_int_equal(res.end, CHECK_MEMORY);
	assert_true(res.depth < 17 && res.states > 1000);
	check_result_free(&res);

	cfg.memory = 256 << 20;
	cfg.seconds = 1e-9;
	res = explore(&cfg);
	assert_int_equal(res.end, CHECK_SECONDS);
	assert_int_equal(res.depth, 0);
	check_result_free(&res);
}

static void test_out_of_range(void **state)
{
	struct check_config cfg = config(flush_policy_find("eager"), &tiny);
	struct check_result res;
	char err[256];

	cfg.space.pages = CHECK_PAGES_MAX + 1;
	assert_int_equal(check_explore(&cfg, &res, err, sizeof(err)), -EINVAL);
	assert_string_equal(err, "pages: 9, expected 1 to 8");
}

/* --- a core, or a policy, at fault -------------------------------------------------------------- */

/* Both need a sequence to come to: map, pin, attach. */
static int lying_before_map(const struct flush_piece *p, u32 nr_nc)
{
	return p->origin == FLUSH_FROM_ARRAY ? 1 : 0;
}

static int dying_before_map(const struct flush_piece *p, u32 nr_nc)
{
	if (p->origin == FLUSH_FROM_ARRAY)
		abort();
	return 0;
}

static int leaving_before_map(const struct flush_piece *p, u32 nr_nc)
{
	if (p->origin == FLUSH_FROM_ARRAY)
		_exit(0);
	return 0;
}

static void assert_finding(int (*before_map)(const struct flush_piece *, u32), const char *rule)
{
	const struct flush_policy bad = {.abi = FLUSH_ABI_VERSION,
					 .size = sizeof(bad),
					 .name = "bad",
					 .what = "fails on a page that an access holds",
					 .before_map = before_map};
	struct check_config cfg = config(&bad, &tiny);
	struct check_result res = explore(&cfg);

	assert_int_equal(res.end, CHECK_FINDING);
	assert_string_equal(res.rule, rule);
	assert_int_equal(res.finding.requests, 3);
	assert_int_equal(res.finding.program.ops[res.finding.program.nr - 1].code, OP_ATTACH);
	check_result_free(&res);
}

static void test_findings(void **state)
{
	assert_finding(lying_before_map, "POLICY");
	assert_finding(dying_before_map, "crash");
	/* a worker that is gone has not finished, whatever it says */
	assert_finding(leaving_before_map, "crash");
}

/* --- state that a form cannot take as it is -------------------------------------------------------- */

/* That the id kept is another one than a live domain's is part of the state. */
static void test_ids_in_state(void **state)
{
	const struct check_space one_table = {
		.objects = 1, .pages = 2, .areas = 2, .tables = 1, .domains = 2};
	struct check_config cfg = config(&keeps_id, &one_table);
	struct check_result res = explore(&cfg);

	assert_int_equal(res.end, CHECK_FIXPOINT);
	assert_int_equal(res.broken[SHADOW_L].requests, 5);
	check_result_free(&res);
	cfg.space.tables = 2;
	cfg.space.pages = 1;
	res = explore(&cfg);
	assert_int_equal(res.end, CHECK_FIXPOINT);
	assert_int_equal(res.broken[SHADOW_L].requests, 5);
	check_result_free(&res);
}

static void test_pointers_in_state(void **state)
{
	struct check_config cfg = config(&keeps_pointer, &tiny);
	struct check_result res = explore(&cfg);

	assert_int_equal(res.end, CHECK_FORMLESS);
	check_result_free(&res);
}

/* The reference model agrees with the core along every sequence. */
static void test_with_model(void **state)
{
	struct check_config cfg = config(flush_policy_find("sticky"), &tiny);
	struct check_result res;

	cfg.model = true;
	cfg.space.failures = CHECK_FAIL_ALL;
	res = explore(&cfg);
	assert_int_equal(res.end, CHECK_FIXPOINT);
	assert_int_equal(res.finding.requests, 0);
	check_result_free(&res);
}

/* Nothing that is enumerated is refused: what was not executed cannot be called safe. */
static void test_nothing_is_refused(void **state)
{
	static const struct check_space spaces[] = {
		{.objects = 2, .pages = 2, .areas = 3, .tables = 1, .domains = 1, .accesses = 1},
		{.objects = 1, .pages = 3, .areas = 3, .tables = 1, .domains = 1},
		{.objects = 2, .pages = 2, .areas = 3, .tables = 1, .domains = 1, .aliased = true},
		{.objects = 1,
		 .pages = 2,
		 .areas = 2,
		 .tables = 2,
		 .domains = 1,
		 .accesses = 1,
		 .readonly = true},
	};
	static const char *const policies[] = {"area_flag", "counter_pages", "exact"};

	for (u32 i = 0; i < ARRAY_SIZE(spaces); i++) {
		for (u32 k = 0; k < ARRAY_SIZE(policies); k++) {
			struct check_result res = explore_named(policies[k], &spaces[i]);

			assert_int_equal(res.end, CHECK_FIXPOINT);
			assert_int_equal(res.refused, 0);
			check_result_free(&res);
		}
	}
}

/* --- forms -------------------------------------------------------------------------------------- */

struct form {
	u32 len;
	u8 bytes[FORM_ROOM];
};

/* The form of what @text leads to, behind the set-up of @space. */
static struct form form_of(const char *policy, const struct check_space *space, const char *text)
{
	struct run_config cfg = {
		.backend = &backend_core, .policy = flush_policy_find(policy), .shadow = true};
	struct run *r = run_create(&cfg);
	struct text_error te;
	char err[256], line[600];
	struct space sp;
	struct form f = {0};
	size_t at;

	assert_non_null(r);
	assert_int_equal(space_init(&sp, space, err, sizeof(err)), 0);
	at = sp.setup.nr;
	assert_true(space_begin(&sp, r));
	/* names are not shared between texts: the set-up is given again, and skipped */
	program_clear(&sp.setup);
	if (text_parse(&sp.setup, text, strlen(text), "test", &te)) {
		text_error_format(&te, line, sizeof(line));
		fail_msg("%s", line);
	}
	while (run_step(r, &sp.setup, &at))
		assert_int_equal(run_result(r, run_ops(r))->rc, 0);
	f.len = space_form(&sp, r, f.bytes);
	assert_true(f.len);
	space_free(&sp);
	run_destroy(r);
	return f;
}

static bool same(const char *policy, const struct check_space *space, const char *a, const char *b)
{
	struct form x = form_of(policy, space, a), y = form_of(policy, space, b);

	return x.len == y.len && !memcmp(x.bytes, y.bytes, x.len);
}

#define SETUP                                                                       \
	"buffer P 2 pages\ntable A\nhuge_pages A off\naccess x0 A pages\ntable B\n" \
	"huge_pages B off\naccess x1 B pages\n"
#define SAME(policy, a, b)   assert_true(same(policy, check_preset("small"), SETUP a, SETUP b))
#define DIFFER(policy, a, b) assert_false(same(policy, check_preset("small"), SETUP a, SETUP b))

static void test_forms(void **state)
{
	struct check_space three = *check_preset("small");

	three.areas = 3;
	/* tables, addresses, ids, and how a state was come to */
	SAME("sticky", "map A a0 P at 0x10000\nattach A n0 noncoherent\n",
	     "map B a0 P at 0x70000\nattach B n0 noncoherent\n");
	SAME("sticky", "map A a0 P at 0x10000\n",
	     "map A a1 P at 0x10000\nunmap A a1\nattach B n0 coherent\ndetach B n0\n"
	     "map A a0 P at 0x30000\n");
	/* what decides */
	DIFFER("sticky", "attach A n0 noncoherent\nattach A n1 coherent\n",
	       "attach A n0 coherent\nattach A n1 noncoherent\n");
	DIFFER("sticky", "attach A n0 noncoherent\nattach A n1 noncoherent\n",
	       "attach A n0 noncoherent\nattach B n1 noncoherent\n");
	DIFFER("sticky", "map A a0 P at 0x10000\n", "map A a0 P at 0x10000 ro\n");
	DIFFER("sticky", "map A a0 P at 0x10000\ncopy A a1 from a0[0] at 0x40000\n",
	       "map A a0 P at 0x10000\ncopy A a1 from a0[0] at 0x4000\n");
	/* lines that were cleaned, and lines that were not: unmapped both, but pinned */
	DIFFER("sticky",
	       "map A a0 P at 0x10000\npin x0 k0 a0\nattach A n0 noncoherent\ndetach A n0\n",
	       "map A a0 P at 0x10000\npin x0 k0 a0\n");
	/* a cut leaves no gap where a copy would go, if there may be one more */
	assert_false(same("none", &three, SETUP "map A a0 P at 0x10000\ncut A 0x10fff\n",
			  SETUP "map A a2 P at 0x10000\ncopy A a0 from a2[0] at 0x40000\n"
				"copy A a1 from a2[1] at 0x90000\nunmap A a2\n"));
	assert_true(same("none", check_preset("small"),
			 SETUP "map A a0 P at 0x10000\ncut A 0x10fff\n",
			 SETUP "map A a2 P at 0x10000\ncopy A a0 from a2[0] at 0x40000\n"
			       "copy A a1 from a2[1] at 0x90000\nunmap A a2\n"));
	/* private state: the flag survives its exposure, the generation that it was set in does not count */
	DIFFER("v1_posted", "map A a0 P at 0x10000\nattach A n0 noncoherent\ndetach A n0\n",
	       "map A a0 P at 0x10000\n");
	SAME("area_flag_clear", "map A a0 P at 0x10000\nattach A n0 noncoherent\ndetach A n0\n",
	     "map A a0 P at 0x10000\n");
	DIFFER("area_flag", "map A a0 P at 0x10000\nattach A n0 noncoherent\ndetach A n0\n",
	       "map A a0 P at 0x10000\n");
	/* serial numbers of requests */
	SAME("exact_every", "map A a0 P at 0x10000\nattach A n0 noncoherent\n",
	     "attach B n1 coherent\ndetach B n1\nmap A a0 P at 0x10000\nattach A n0 noncoherent\n");
	/* from which of two areas a page is read back: only who asks is told */
	DIFFER("storage_skip",
	       "attach A n0 noncoherent\nattach B n1 coherent\nmap A a0 P at 0x10000\n"
	       "copy B a1 from a0 at 0x10000\n",
	       "attach A n0 noncoherent\nattach B n1 coherent\nmap B a1 P at 0x10000\n"
	       "copy A a0 from a1 at 0x10000\n");
	SAME("none",
	     "attach A n0 noncoherent\nattach B n1 coherent\nmap A a0 P at 0x10000\n"
	     "copy B a1 from a0 at 0x10000\n",
	     "attach A n0 noncoherent\nattach B n1 coherent\nmap B a1 P at 0x10000\n"
	     "copy A a0 from a1 at 0x10000\n");
	/* pins: whose they are, and in which order they will go */
	DIFFER("none", "map A a0 P at 0x10000\npin x0 k0 a0[0]\npin x0 k1 a0[1]\n",
	       "map A a0 P at 0x10000\npin x0 k0 a0[1]\npin x0 k1 a0[0]\n");
}

/* --- the store, and actions --------------------------------------------------------------------- */

static void test_store(void **state)
{
	struct store *st = store_create(4 << 20);
	struct store_cursor c = {0};
	const u8 a[] = "one", b[] = "two", d[] = "three";

	assert_non_null(st);
	assert_int_equal(store_insert(st, &c, a, 3, (struct origin){0, 0}), STORE_NEW);
	assert_int_equal(store_insert(st, &c, a, 3, (struct origin){0, 0}), STORE_OLD);
	assert_true(store_rank_level(st));
	c = (struct store_cursor){0};
	assert_int_equal(store_ranks(st), 1);
	/* the least origin counts, and ranks follow it */
	assert_int_equal(store_insert(st, &c, b, 3, (struct origin){0, 9}), STORE_NEW);
	assert_int_equal(store_insert(st, &c, d, 5, (struct origin){0, 5}), STORE_NEW);
	assert_int_equal(store_insert(st, &c, b, 3, (struct origin){0, 2}), STORE_OLD);
	assert_int_equal(store_insert(st, &c, b, 2, (struct origin){0, 7}), STORE_NEW);
	assert_true(store_rank_level(st));
	assert_int_equal(store_ranks(st), 4);
	assert_int_equal(store_origin(st, 1).action, 2);
	assert_int_equal(store_origin(st, 2).action, 5);
	assert_int_equal(store_origin(st, 3).action, 7);
	/* of a complete level nothing changes any more */
	c = (struct store_cursor){0};
	assert_int_equal(store_insert(st, &c, d, 5, (struct origin){0, 1}), STORE_OLD);
	assert_int_equal(store_origin(st, 2).action, 5);
	assert_int_equal(store_inserted(st), 4);
	assert_int_equal(store_form_bytes(st), 13);
	store_destroy(st);
}

static bool ascending(void *ctx, struct action a)
{
	u32 *last = ctx, packed = action_pack(a);
	struct action back = action_unpack(packed);

	assert_memory_equal(&a, &back, sizeof(a));
	assert_true(packed > *last || !*last);
	*last = packed;
	return true;
}

static void test_requests_ascend(void **state)
{
	const struct check_space space = {.objects = 2,
					  .pages = 3,
					  .areas = 4,
					  .tables = 2,
					  .domains = 2,
					  .accesses = 2,
					  .readonly = true};
	struct scene scene = {
		.nr_areas = 3, .nr_objects = 1, .nr_pins = 1, .object[0].writable = true};
	char err[256];
	struct space sp;
	u32 last = 0;

	scene.table[0].nr_areas = 2;
	scene.table[0].area[0] = (struct scene_area){.iova = 0x10000, .npages = 3};
	scene.table[0].area[1] = (struct scene_area){.iova = 0x40000, .npages = 2, .pins = 1};
	scene.table[1].nr_areas = 1;
	scene.table[1].area[0] = (struct scene_area){.iova = 0x10000, .npages = 1};
	scene.table[1].nr_domains = 1;
	assert_int_equal(space_init(&sp, &space, err, sizeof(err)), 0);
	space_requests(&sp, &scene, ascending, &last);
	assert_true(last);
	space_free(&sp);
}

struct placed {
	const struct space *sp;
	const struct scene *scene;
	u64 seen; /* pages of the gap where a copy of one page began */
	bool crowded;
};

static bool note_place(void *ctx, struct action a)
{
	struct placed *p = ctx;
	struct program op = PROGRAM_EMPTY;

	if (a.kind != ACT_COPY || a.place != 1 || a.first || a.last)
		return true;
	if (space_op(p->sp, p->scene, a, &op) == -ENOSPC)
		p->crowded = true;
	else
		p->seen |= 1ULL << ((op.ops[op.nr - 1].addr >> PAGE_SHIFT) - 0x11);
	program_free(&op);
	return true;
}

/* [0x10000..0x10fff], a hole of @hole pages, and one page more: where does a copy go? */
static struct placed places_in(u32 hole)
{
	const struct check_space space = {
		.objects = 1, .pages = 8, .areas = 4, .tables = 1, .domains = 1};
	struct scene scene = {.nr_areas = 2, .nr_objects = 1, .object = {{.writable = true}}};
	struct placed p = {.scene = &scene};
	struct space sp;
	char err[256];

	scene.table[0].nr_areas = 2;
	scene.table[0].area[0] = (struct scene_area){.iova = 0x10000, .npages = 1};
	scene.table[0].area[1] =
		(struct scene_area){.iova = 0x11000 + hole * PAGE_SIZE, .npages = 1};
	assert_int_equal(space_init(&sp, &space, err, sizeof(err)), 0);
	p.sp = &sp;
	space_requests(&sp, &scene, note_place, &p);
	space_free(&sp);
	return p;
}

/* What a cut and an unmap left: an area may lie at every page of it, or it is said that not. */
static void test_narrow_gaps(void **state)
{
	struct placed p;

	for (u32 hole = 1; hole <= 4; hole++) {
		p = places_in(hole);
		assert_false(p.crowded);
		assert_int_equal(p.seen, (1u << hole) - 1);
	}
	p = places_in(5);
	assert_true(p.crowded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_table_with_listed_failures),
		cmocka_unit_test(test_claims_are_verdicts),
		cmocka_unit_test(test_traces_replay),
		cmocka_unit_test(test_workers_do_not_show),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_out_of_range),
		cmocka_unit_test(test_findings),
		cmocka_unit_test(test_ids_in_state),
		cmocka_unit_test(test_pointers_in_state),
		cmocka_unit_test(test_with_model),
		cmocka_unit_test(test_nothing_is_refused),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_store),
		cmocka_unit_test(test_requests_ascend),
		cmocka_unit_test(test_narrow_gaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
