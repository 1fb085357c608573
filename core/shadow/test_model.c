// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reference model, driven by hand: a fake page core of a few lines does to the machine what
 * each test says, the model judges. Every row of errnos is fed rightly (silence) and wrongly (R1).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "core/shadow/model.h"

#define K4   PAGE_SIZE
#define M2   (2ULL << 20)
#define U    UINT64_MAX
#define VA_P 0x10000000ULL /* 16 pages */
#define VA_H 0x20000000ULL /* 4 pages, page 1 is a hole */
#define VA_R 0x30000000ULL /* 4 pages, read-only */
#define RW_  (REQ_PROT_READ | REQ_PROT_WRITE)

struct env {
	struct arena *arena, *model_arena;
	struct machine *m;
	struct model *md;
	struct machine_observer obs;
	struct buffer *p, *h, *r;
	struct domain *d;
	u32 op;
};

static void on_event(void *ctx, const struct machine_event *ev)
{
	model_event(((struct env *)ctx)->md, ev);
}

static int setup(void **state)
{
	static const struct machine_config cfg = {.track_iotlb = true};
	struct env *e = calloc(1, sizeof(*e));

	e->arena = arena_create(NULL, 64 << 20);
	e->model_arena = arena_create(NULL, 64 << 20);
	e->m = machine_create(e->arena, &cfg);
	e->md = model_create(e->model_arena, e->m);
	e->obs = (struct machine_observer){.ctx = e, .event = on_event};
	machine_observe(e->m, &e->obs);
	assert_int_equal(buffer_create(e->m, 0, VA_P, 16, &e->p), 0);
	assert_int_equal(buffer_create(e->m, 0, VA_H, 4, &e->h), 0);
	assert_int_equal(buffer_create(e->m, 0, VA_R, 4, &e->r), 0);
	assert_int_equal(buffer_set_flags(e->m, e->h, 1, 1, UPAGE_HOLE, 0), 0);
	assert_int_equal(buffer_set_flags(e->m, e->r, 0, 3, UPAGE_RDONLY, 0), 0);
	*state = e;
	return 0;
}

static int teardown(void **state)
{
	struct env *e = *state;

	machine_observe(e->m, NULL);
	arena_destroy(e->arena);
	arena_destroy(e->model_arena);
	free(e);
	return 0;
}

/* --- requests ---------------------------------------------------------------------------------- */

static void begin(struct env *e, struct request *req)
{
	req->op = ++e->op;
	machine_request_begin(e->m, req);
}

static void end(struct env *e, struct request *req, int rc)
{
	req->rc = rc;
	machine_request_end(e->m, req);
}

static void send(struct env *e, struct request req, int rc)
{
	begin(e, &req);
	end(e, &req, rc);
}

#define SEND(e, result, ...) send(e, (struct request){__VA_ARGS__}, result)

static void expect_silence(struct env *e)
{
	if (model_findings(e->md))
		print_error("%s: %s\n", model_finding(e->md, 0)->rule,
			    model_finding(e->md, 0)->what);
	assert_int_equal(model_findings(e->md), 0);
}

static void expect_finding(struct env *e, const char *rule)
{
	if (!model_findings(e->md))
		print_error("expected a finding of %s\n", rule);
	assert_true(model_findings(e->md) > 0);
	assert_string_equal(model_finding(e->md, 0)->rule, rule);
	assert_int_equal(model_finding(e->md, 0)->op, e->op);
}

/* What a core would do for a fill of whole pages: pin, map, charge. */
static void fake_pin(struct env *e, u64 va, u64 n, u64 *pfns)
{
	for (u64 i = 0; i < n; i++)
		assert_int_equal(machine_pin(e->m, 0, va + i * K4, 1, PIN_WRITE, &pfns[i]), 1);
	machine_task(e->m, 0)->user_locked_vm += n;
	machine_task(e->m, 0)->mm_pinned_vm += n;
}

static void fake_unpin(struct env *e, const u64 *pfns, u64 n)
{
	for (u64 i = 0; i < n; i++)
		machine_unpin(e->m, pfns[i], 1, true);
	machine_task(e->m, 0)->user_locked_vm -= n;
	machine_task(e->m, 0)->mm_pinned_vm -= n;
}

static void fake_map(struct env *e, u64 iova, const u64 *pfns, u64 n)
{
	for (u64 i = 0; i < n; i++)
		assert_int_equal(domain_map(e->d, iova + i * K4, pfns[i] * K4, K4,
					    DOMAIN_READ | DOMAIN_WRITE | DOMAIN_CACHE),
				 0);
}

static void table(struct env *e, u32 id)
{
	SEND(e, 0, .kind = REQ_TABLE_CREATE, .table = id);
}

static struct domain *domain(struct env *e, const struct domain_config *cfg)
{
	static const struct domain_config plain;
	struct domain *d;

	assert_int_equal(domain_create(e->m, cfg ? cfg : &plain, &d), 0);
	return d;
}

static void attach_empty(struct env *e, u32 t, u32 dom)
{
	SEND(e, 0, .kind = REQ_ATTACH, .table = t, .domain = dom);
}

static void lazy_map(struct env *e, u32 t, u64 uptr, u64 length, u32 prot, u64 iova)
{
	SEND(e, 0, .kind = REQ_MAP, .table = t, .uptr = uptr, .length = length, .prot = prot,
	     .iova = iova, .flags = REQF_FIXED, .out_iova = iova);
}

static void access_new(struct env *e, u32 id, u32 flags, u32 t)
{
	SEND(e, 0, .kind = REQ_ACCESS_CREATE, .access = id, .flags = flags);
	if (t)
		SEND(e, 0, .kind = REQ_ACCESS_ATTACH, .access = id, .table = t);
}

static void reserve(struct env *e, u32 t, u64 start, u64 last)
{
	SEND(e, 0, .kind = REQ_RESERVE, .table = t, .iova = start, .last = last);
}

static int allow_rc(struct env *e, u32 t, struct iova_range *ranges, u32 n, int rc)
{
	SEND(e, rc, .kind = REQ_ALLOW, .table = t, .ranges = ranges, .nr_ranges = n);
	return rc;
}

/* --- errno rows ----------------------------------------------------------------------------------
 */

/*
 * The world of all rows. Table 1: empty. Table 2: domain 1 on it, no area; its promise [1M..2M-1],
 * reserved [3M..4M-1]. Table 3, no domain: at 0x10000 two pages of P (rw), at 0x12000 one page of P
 * read-only, at 0x13000 one of P in use by access 1 and marked by an unmap, at 0x20000 the buffer
 * with a hole, at 0x30000 read-only memory mapped rw, at 0x40000 half a page of P less than three
 * pages. Access 1 and 4 pin in table 3 (4 has pinned nothing), 2 reads there, 3 is detached. Domain
 * 2 has 8K pages, 3 begins at 64K, domains 4 to 6 are plain. Table 4, no access: 0x1000 + 512 bytes
 * at an odd place.
 */
static void world_mark(struct env *e)
{
	u64 pfns[1];
	struct request req = {.kind = REQ_PIN,
			      .access = 1,
			      .iova = 0x13000,
			      .length = K4,
			      .flags = REQF_WRITE,
			      .pfns = pfns,
			      .nr_pfns = 1};

	begin(e, &req);
	fake_pin(e, VA_P + 3 * K4, 1, pfns);
	end(e, &req, 0);
	SEND(e, -EDEADLOCK, .kind = REQ_UNMAP, .table = 3, .iova = 0x13000, .length = K4);
}

static void world(struct env *e)
{
	static const struct domain_config big = {.pgsize_bitmap = 8192};
	static const struct domain_config high = {.aperture_start = 0x10000, .aperture_last = U};
	struct iova_range promise = {1 << 20, M2 - 1};

	for (u32 id = 1; id <= 4; id++)
		table(e, id);
	e->d = domain(e, NULL);
	domain(e, &big);
	domain(e, &high);
	domain(e, NULL);
	domain(e, NULL);
	domain(e, NULL);
	attach_empty(e, 2, 1);
	reserve(e, 2, 3 << 20, (4 << 20) - 1);
	allow_rc(e, 2, &promise, 1, 0);
	access_new(e, 1, REQF_PIN, 3);
	access_new(e, 2, 0, 3);
	access_new(e, 3, REQF_PIN, 0);
	access_new(e, 4, REQF_PIN, 3);
	lazy_map(e, 3, VA_P, 2 * K4, RW_, 0x10000);
	lazy_map(e, 3, VA_P + 2 * K4, K4, REQ_PROT_READ, 0x12000);
	lazy_map(e, 3, VA_P + 3 * K4, K4, RW_, 0x13000);
	lazy_map(e, 3, VA_H, 4 * K4, RW_, 0x20000);
	lazy_map(e, 3, VA_R, 2 * K4, RW_, 0x30000);
	lazy_map(e, 3, VA_P, 3 * K4, RW_, 0x40000);
	lazy_map(e, 4, VA_P + 0x1100, K4 + 512, RW_, 0x1100);
	world_mark(e);
	expect_silence(e);
}

struct row {
	struct request req;
	int rc;
	void (*more)(struct env *e); /* what this row needs beyond the world */
};

static void limit_rlimit(struct env *e)
{
	machine_task(e->m, 0)->rlimit_memlock = 2;
}

static void limit_leaves(struct env *e)
{
	static const struct domain_config two = {.max_leaves = 2};

	assert_int_equal(domain_id(domain(e, &two)), 7);
	attach_empty(e, 1, 7);
}

static void kill_task(struct env *e)
{
	machine_task_exit(e->m, 0);
}

static void other_areas(struct env *e)
{
	lazy_map(e, 1, VA_P, K4, RW_, 0x1000);
	lazy_map(e, 1, VA_H, 2 * K4, RW_, 0x2000);
}

static void aligned_4k(struct env *e)
{
	access_new(e, 5, REQF_PIN, 1);
}

static void crowded(struct env *e)
{
	reserve(e, 1, 0, 1 << 20);
	reserve(e, 1, (1 << 20) + K4, U);
}

static void run_row(const struct row *row, int rc, const char *rule)
{
	void *state;
	struct env *e;
	struct request req = row->req;

	setup(&state);
	e = state;
	world(e);
	if (row->more)
		row->more(e);
	begin(e, &req);
	end(e, &req, rc);
	if (rule)
		expect_finding(e, rule);
	else
		expect_silence(e);
	model_check(e->md, NULL);
	if (!rule)
		expect_silence(e);
	teardown(&state);
}

static void run_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		print_message("row %zu, %s\n", i, request_name(rows[i].req.kind));
		run_row(&rows[i], rows[i].rc, NULL);
		run_row(&rows[i], -EXDEV, "R1");
		run_row(&rows[i], rows[i].rc ? 0 : -EINVAL, "R1");
	}
}

#define MAP_(t, ...) \
	.kind = REQ_MAP, .table = t, .uptr = VA_P, .length = K4, .prot = RW_, ##__VA_ARGS__
#define AT(where) .flags = REQF_FIXED, .iova = where, .out_iova = where

#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Woverride-init"
#endif
#ifdef __clang__
#pragma clang diagnostic ignored "-Winitializer-overrides"
#endif

static void test_map_rows(void **state)
{
	static const struct row rows[] = {
		{{MAP_(1, .flags = REQF_BAD_FLAG)}, -EOPNOTSUPP},
		{{MAP_(9, .flags = REQF_RESERVED, .prot = 0)}, -EOPNOTSUPP},
		{{MAP_(9, .iova = U)}, -EOVERFLOW},
		{{MAP_(9, .length = U, .prot = 0)}, -EOVERFLOW},
		{{MAP_(9, .prot = 0)}, -EINVAL},
		{{MAP_(9, .length = 0)}, -ENOENT},
		{{MAP_(1, .length = 0)}, -EINVAL},
		{{MAP_(1, .length = U - 100)}, -EINVAL},
		{{MAP_(1, .uptr = -K4)}, -EOVERFLOW},
		{{MAP_(2, .length = 100, AT(0x1000))}, -EINVAL},
		{{MAP_(1, .length = 100, AT(0x1000))}, -EINVAL, aligned_4k},
		{{MAP_(1, .uptr = 4096, .length = U / 2)}, -EOVERFLOW},
		{{MAP_(2, .uptr = VA_P + 512)}, -EINVAL},
		{{MAP_(2, .uptr = VA_P, .length = M2)}, -ENOSPC},
		{{MAP_(1)}, -ENOSPC, crowded},
		{{MAP_(2, AT(0x1234))}, -EINVAL},
		{{MAP_(1, .length = 2 * K4, AT(-K4))}, -EOVERFLOW},
		{{MAP_(2, AT(3 << 20))}, -EINVAL},
		{{MAP_(3, AT(0x11000))}, -EEXIST},
		{{MAP_(2, .uptr = VA_P + 8, AT(0x1000))}, -EINVAL},
		{{MAP_(2, AT(0x1000))}, -EFAULT, kill_task},
		{{MAP_(2, .uptr = VA_H, .length = 2 * K4, AT(0x1000))}, -EFAULT},
		{{MAP_(2, .uptr = VA_R, AT(0x1000))}, -EFAULT},
		{{MAP_(2, .uptr = VA_P + 16 * K4, AT(0x1000))}, -EFAULT},
		{{MAP_(2, .length = 2 * K4, AT(0x1000))}, -ENOMEM, limit_rlimit},
		{{MAP_(1, AT(0x1000), .flags = REQF_FIXED | REQF_BAD_OUT)}, -EFAULT},
		{{MAP_(1, AT(0x1000))}, 0},
		{{MAP_(1, .uptr = VA_H, AT(-K4))}, 0},
	};

	run_rows(rows, ARRAY_SIZE(rows));
}

/* A success past the limit is not for R1 to notice: the machine itself refuses it. */
static void test_leaf_limit(void **state)
{
	static const struct row row = {
		{MAP_(1, .length = 3 * K4, AT(0x1000))}, -ENOMEM, limit_leaves};

	run_row(&row, -ENOMEM, NULL);
	run_row(&row, -EFAULT, "R1");
}

#define COPY_(t, s, from, len, ...)                                                    \
	.kind = REQ_COPY, .table = t, .src_table = s, .src_iova = from, .length = len, \
	.prot = RW_, ##__VA_ARGS__

static void test_copy_rows(void **state)
{
	static const struct row rows[] = {
		{{COPY_(1, 3, 0x10000, K4, .flags = REQF_BAD_FLAG)}, -EOPNOTSUPP},
		{{COPY_(9, 9, 0x10000, K4, .prot = 0, .iova = U)}, -EOVERFLOW},
		{{COPY_(9, 9, U, K4, .prot = 0)}, -EOVERFLOW},
		{{COPY_(9, 9, 0, U, .prot = 0)}, -EOVERFLOW},
		{{COPY_(9, 9, 0, 0, .prot = 0)}, -EINVAL},
		{{COPY_(1, 9, 0, 0)}, -ENOENT},
		{{COPY_(9, 3, 0, 0)}, -EINVAL},
		{{COPY_(9, 3, -K4, 2 * K4)}, -EOVERFLOW},
		{{COPY_(1, 3, 0x0, K4)}, -ENOENT},
		{{COPY_(1, 3, 0x13000, 2 * K4)}, -ENOENT},
		{{COPY_(9, 3, 0x10000, K4)}, -ENOENT},
		{{COPY_(2, 3, 0x10000, 100, AT(0x1000))}, -EINVAL},
		{{COPY_(3, 3, 0x10000, K4, AT(0x12000))}, -EEXIST},
		{{COPY_(2, 3, 0x10000, K4, AT(3 << 20))}, -EINVAL},
		{{COPY_(1, 3, 0x12000, K4, AT(0x1000))}, -EPERM},
		{{COPY_(2, 3, 0x10000, 3 * K4, AT(0x1000))}, -EPERM},
		{{COPY_(2, 3, 0x10100, K4, AT(0x1000))}, -EINVAL},
		{{COPY_(2, 3, 0x20000, 2 * K4, AT(0x1000))}, -EFAULT},
		{{COPY_(2, 3, 0x10000, 2 * K4, AT(0x1000))}, -ENOMEM, limit_rlimit},
		{{COPY_(1, 3, 0x12000, K4, AT(0x1000), .prot = REQ_PROT_READ)}, 0},
		{{COPY_(1, 3, 0x10123, 0x2f00, AT(0x77), .prot = REQ_PROT_READ)}, 0},
		{{COPY_(1, 4, 0x1100, K4, AT(0x1000))}, 0},
	};

	run_rows(rows, ARRAY_SIZE(rows));
}

static void test_unmap_rows(void **state)
{
#define UNMAP_(t, at, len, ...) \
	.kind = REQ_UNMAP, .table = t, .iova = at, .length = len, ##__VA_ARGS__
	static const struct row rows[] = {
		{{UNMAP_(9, U, 0)}, -ENOENT},
		{{UNMAP_(3, U, 0)}, -EOVERFLOW},
		{{UNMAP_(3, 1, U)}, -EOVERFLOW},
		{{UNMAP_(3, 1, 0)}, -EINVAL},
		{{UNMAP_(3, -K4, 2 * K4)}, -EOVERFLOW},
		{{UNMAP_(3, 0x11000, K4)}, -ENOENT},
		{{UNMAP_(3, 0x10000, K4)}, -ENOENT},
		{{UNMAP_(3, 0x12000, 0x10000, .out_length = K4)}, -EDEADLOCK},
		{{UNMAP_(3, 0x14000, K4)}, -ENOENT},
		{{UNMAP_(3, 0x10000, 0x2800, .out_length = 2 * K4)}, -ENOENT},
		{{UNMAP_(3, 0, U, .out_length = 3 * K4)}, -EDEADLOCK},
		{{UNMAP_(1, 0, U)}, 0},
		{{UNMAP_(4, 0, U, .out_length = K4 + 512)}, 0},
		{{UNMAP_(3, 0, 0x13000, .out_length = 3 * K4)}, 0},
		{{UNMAP_(4, 0, U, .out_length = K4 + 512, .flags = REQF_BAD_OUT)}, -EFAULT},
	};

	run_rows(rows, ARRAY_SIZE(rows));
}

static void test_cut_rows(void **state)
{
#define CUT_(t, at) .kind = REQ_CUT, .table = t, .iova = at
	static const struct row rows[] = {
		{{CUT_(9, 0x10fff)}, -ENOENT}, {{CUT_(3, 0x5000)}, 0},
		{{CUT_(3, 0x10000)}, 0},       {{CUT_(3, 0x11fff)}, 0},
		{{CUT_(3, 0x10fff)}, 0},       {{CUT_(3, 0x10ffe)}, -EINVAL},
		{{CUT_(3, 0x13100)}, -EBUSY},  {{CUT_(4, 0x1234)}, 0},
	};

	run_rows(rows, ARRAY_SIZE(rows));
}

static void test_table_rows(void **state)
{
#define T_(what, t, ...) .kind = REQ_##what, .table = t, ##__VA_ARGS__
	static const struct row rows[] = {
		{{T_(TABLE_DESTROY, 9)}, -ENOENT},
		{{T_(TABLE_DESTROY, 2)}, -EBUSY},
		{{T_(TABLE_DESTROY, 3)}, -EBUSY},
		{{T_(TABLE_DESTROY, 4)}, 0},
		{{T_(ATTACH, 9, .domain = 4)}, -ENOENT},
		{{T_(ATTACH, 1, .domain = 99)}, -ENOENT},
		{{T_(ATTACH, 2, .domain = 1)}, -EEXIST},
		{{T_(ATTACH, 1, .domain = 1)}, -EEXIST},
		{{T_(ATTACH, 1, .domain = 2)}, -EINVAL},
		{{T_(ATTACH, 4, .domain = 4)}, -EADDRINUSE},
		{{T_(ATTACH, 4, .domain = 3)}, -EADDRINUSE},
		{{T_(ATTACH, 1, .domain = 3)}, -EADDRINUSE, other_areas},
		{{T_(ATTACH, 3, .domain = 4)}, -EFAULT},
		{{T_(ATTACH, 1, .domain = 4)}, -EFAULT, other_areas},
		{{T_(ATTACH, 2, .domain = 3)}, 0},
		{{T_(ATTACH, 1, .domain = 3)}, 0},
		{{T_(DETACH, 9, .domain = 1)}, -ENOENT},
		{{T_(DETACH, 1, .domain = 1)}, -ENOENT},
		{{T_(DETACH, 2, .domain = 99)}, -ENOENT},
		{{T_(DETACH, 2, .domain = 1)}, 0},
		{{T_(RESERVE, 9)}, -ENOENT},
		{{T_(RESERVE, 3, .iova = 0xf000, .last = 0x10000)}, -EADDRINUSE},
		{{T_(RESERVE, 2, .iova = 0xf000, .last = 1 << 20)}, -EADDRINUSE},
		{{T_(RESERVE, 2, .iova = 3 << 20, .last = 3 << 20)}, 0},
		{{T_(UNRESERVE, 9)}, -ENOENT},
		{{T_(UNRESERVE, 2)}, 0},
	};

	run_rows(rows, ARRAY_SIZE(rows));
}

static struct iova_range touching[] = {{0, 0x1000}, {0x1001, 0x2000}};
static struct iova_range one_byte[] = {{0, 0x1000}, {0x2000, 0x2000}};
static struct iova_range crossing[] = {{0, 0x1000}, {0x1000, 0x2000}};
static struct iova_range on_reserved[] = {{0x1000, 3 << 20}};
static struct iova_range out[4] = {{0, (3 << 20) - 1}, {4 << 20, U}};

static void test_range_rows(void **state)
{
#define ALLOW_(t, list, ...) \
	.kind = REQ_ALLOW, .table = t, .ranges = list, .nr_ranges = ARRAY_SIZE(list), ##__VA_ARGS__
#define RANGES_(t, room, ...)                                                          \
	.kind = REQ_RANGES, .table = t, .ranges = out, .nr_ranges = room, .out_nr = 2, \
	.out_alignment = 4096, ##__VA_ARGS__
	static const struct row rows[] = {
		{{ALLOW_(9, one_byte, .flags = REQF_RESERVED)}, -EOPNOTSUPP},
		{{ALLOW_(9, one_byte)}, -ENOENT},
		{{ALLOW_(1, one_byte, .flags = REQF_BAD_IN)}, -EFAULT},
		{{ALLOW_(1, one_byte)}, -EINVAL},
		{{ALLOW_(1, crossing)}, -EINVAL},
		{{ALLOW_(2, on_reserved)}, -EADDRINUSE},
		{{ALLOW_(1, touching)}, 0},
		{{RANGES_(9, 4, .flags = REQF_RESERVED)}, -EOPNOTSUPP},
		{{RANGES_(9, 4)}, -ENOENT},
		{{RANGES_(2, 1, .flags = REQF_BAD_OUT)}, -EFAULT},
		{{RANGES_(2, 1)}, -EMSGSIZE},
		{{RANGES_(2, 0)}, -EMSGSIZE},
		{{RANGES_(2, 2)}, 0},
		{{RANGES_(2, 4)}, 0},
	};

	run_rows(rows, ARRAY_SIZE(rows));
}

static void areas_and_domain(struct env *e)
{
	u64 pfns[1];
	struct request req = {MAP_(2, AT(0x1000))};

	begin(e, &req);
	fake_pin(e, VA_P, 1, pfns);
	fake_map(e, 0x1000, pfns, 1);
	end(e, &req, 0);
}

static void no_sys_cap(struct env *e)
{
	machine_task(e->m, 0)->cap_sys_resource = false;
}

static void sys_cap(struct env *e)
{
	machine_task(e->m, 0)->cap_sys_resource = true;
}

static void test_option_rows(void **state)
{
#define HUGE_(t, v, ...) .kind = REQ_HUGE_PAGES, .table = t, .value = v, ##__VA_ARGS__
#define RLIM_(v, ...)	 .kind = REQ_RLIMIT_MODE, .value = v, ##__VA_ARGS__
	static const struct row rows[] = {
		{{HUGE_(9, 0, .flags = REQF_RESERVED)}, -EOPNOTSUPP},
		{{HUGE_(9, 7, .flags = REQF_BAD_OP)}, -ENOENT},
		{{HUGE_(1, 7, .flags = REQF_BAD_OP)}, -EOPNOTSUPP},
		{{HUGE_(1, 2)}, -EINVAL},
		{{HUGE_(2, 0)}, -EINVAL, areas_and_domain},
		{{HUGE_(4, 0)}, -EADDRINUSE},
		{{HUGE_(1, 0)}, 0},
		{{HUGE_(1, 1)}, 0},
		{{HUGE_(1, 0, .flags = REQF_GET, .out_length = 1)}, 0},
		{{RLIM_(0, .flags = REQF_RESERVED)}, -EOPNOTSUPP},
		{{RLIM_(0, .option_object = 1)}, -EOPNOTSUPP, no_sys_cap},
		{{RLIM_(5)}, -EPERM, no_sys_cap},
		{{RLIM_(5)}, -EBUSY, sys_cap},
		{{RLIM_(5, .flags = REQF_BAD_OP)}, -EOPNOTSUPP, sys_cap},
		{{RLIM_(0, .flags = REQF_GET)}, 0, no_sys_cap},
		{{.kind = REQ_TEMP_LIMIT, .value = 11}, -EINVAL},
		{{.kind = REQ_TEMP_LIMIT, .value = 12}, 0},
	};

	run_rows(rows, ARRAY_SIZE(rows));
}

static void test_access_rows(void **state)
{
#define X_(what, x, ...) .kind = REQ_ACCESS_##what, .access = x, ##__VA_ARGS__
	static const struct row rows[] = {
		{{X_(ATTACH, 99, .table = 1)}, -ENOENT},
		{{X_(ATTACH, 1, .table = 9)}, -EINVAL},
		{{X_(ATTACH, 3, .table = 9)}, -ENOENT},
		{{X_(ATTACH, 3, .table = 4)}, -EADDRINUSE},
		{{X_(ATTACH, 3, .table = 1)}, 0},
		{{X_(REPLACE, 99, .table = 1)}, -ENOENT},
		{{X_(REPLACE, 3, .table = 1)}, -ENOENT},
		{{X_(REPLACE, 4, .table = 9)}, -ENOENT},
		{{X_(REPLACE, 4, .table = 4)}, -EADDRINUSE},
		{{X_(REPLACE, 2, .table = 4)}, 0},
		{{X_(REPLACE, 1, .table = 3)}, 0},
		{{X_(REPLACE, 4, .table = 1)}, 0},
		{{X_(DETACH, 99)}, -ENOENT},
		{{X_(DETACH, 3)}, -EINVAL},
		{{X_(DETACH, 2)}, 0},
		{{X_(DESTROY, 99)}, -ENOENT},
		{{X_(DESTROY, 4)}, 0},
	};

	run_rows(rows, ARRAY_SIZE(rows));
}

static void test_pin_rows(void **state)
{
#define PIN_(x, at, len, ...) .kind = REQ_PIN, .access = x, .iova = at, .length = len, ##__VA_ARGS__
	static const struct row rows[] = {
		{{PIN_(99, U, 17 << 20, .flags = REQF_BAD_FLAG)}, -ENOMEM},
		{{PIN_(99, U, 0, .flags = REQF_BAD_FLAG)}, -EOPNOTSUPP},
		{{PIN_(99, U, 0)}, -ENOENT},
		{{PIN_(2, U, 0)}, -EOPNOTSUPP},
		{{PIN_(3, U, 0)}, -EINVAL},
		{{PIN_(3, U, K4)}, -EOVERFLOW},
		{{PIN_(3, 0, K4)}, -ENOENT},
		{{PIN_(4, 0, K4)}, -ENOENT},
		{{PIN_(4, 0x13000, K4)}, -EINVAL},
		{{PIN_(4, 0x10800, K4)}, -EINVAL},
		{{PIN_(4, 0x12000, K4, .flags = REQF_WRITE)}, -EPERM},
		{{PIN_(4, 0x11000, 2 * K4, .flags = REQF_WRITE)}, -EPERM},
		{{PIN_(4, 0x20000, 2 * K4)}, -EFAULT},
		{{PIN_(4, 0x30000, K4)}, -EFAULT},
		{{PIN_(4, 0x10000, 2 * K4)}, -ENOMEM, limit_rlimit},
		{{PIN_(4, 0x10000, 2 * K4)}, -EFAULT, kill_task},
		{{PIN_(4, 0x42000, 2 * K4)}, -ENOENT},
		{{.kind = REQ_UNPIN, .access = 4, .iova = 0x13000, .length = K4}, -ENOENT},
		{{.kind = REQ_UNPIN, .access = 1, .iova = 0x13000, .length = 1}, -ENOENT},
	};

	run_rows(rows, ARRAY_SIZE(rows));
}

static void test_rw_rows(void **state)
{
#define RWR_(x, at, len, ...) .kind = REQ_RW, .access = x, .iova = at, .length = len, ##__VA_ARGS__
	static const struct row rows[] = {
		{{RWR_(99, U, 17 << 20, .flags = REQF_BAD_FLAG)}, -ENOMEM},
		{{RWR_(99, U, 0, .flags = REQF_BAD_FLAG)}, -EOPNOTSUPP},
		{{RWR_(99, U, 0)}, -ENOENT},
		{{RWR_(3, U, 0)}, -EINVAL},
		{{RWR_(3, U, 2)}, -EOVERFLOW},
		{{RWR_(3, 0, 2)}, -ENOENT},
		{{RWR_(2, 0, 2)}, -ENOENT},
		{{RWR_(2, 0x13000, 2)}, -EINVAL},
		{{RWR_(2, 0x12000, 2, .flags = REQF_WRITE)}, -EPERM},
		{{RWR_(2, 0x41fff, 0x1002)}, -ENOENT},
		{{RWR_(2, 0x20fff, 2)}, -EFAULT},
		/* Plain: reading through a read-only page works; one page: so does another task's.
		 */
		{{RWR_(2, 0x30000, 2)}, 0},
		{{RWR_(2, 0x30000, 2, .task = 1)}, 0},
		{{RWR_(2, 0x30000, 2, .flags = REQF_WRITE)}, -EFAULT},
		{{RWR_(2, 0x30000, 2, .task = 1, .flags = REQF_WRITE)}, -EFAULT},
		/* Slow: pinned for writing, because the object is writable. */
		{{RWR_(2, 0x30fff, 2, .task = 1)}, -EFAULT},
		{{RWR_(2, 0x30fff, 2, .task = 1, .flags = REQF_KTHREAD)}, 0},
		{{RWR_(2, 0x10fff, 2, .task = 1)}, 0},
		{{RWR_(2, 0x10fff, 2)}, -EFAULT, kill_task},
		{{RWR_(2, 0x10fff, 2)}, 0},
	};

	run_rows(rows, ARRAY_SIZE(rows));
}

/* --- automatic IOVA ---------------------------------------------------------------------------- */

static void auto_map(struct env *e, u64 uptr, u64 length, int rc, u64 iova)
{
	SEND(e, rc, .kind = REQ_MAP, .table = 1, .uptr = uptr, .length = length, .prot = RW_,
	     .out_iova = iova);
}

static void test_auto_lowest(void **state)
{
	struct env *e = *state;

	table(e, 1);
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

	table(e, 1);
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

	table(e, 1);
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

	table(e, 1);
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

/* --- results other than the errno ----------------------------------------------------------------
 */

static void test_wrong_bytes(void **state)
{
	struct env *e = *state;

	table(e, 1);
	lazy_map(e, 1, VA_P, 2 * K4, RW_, 0x1000);
	SEND(e, 0, .kind = REQ_UNMAP, .table = 1, .length = U, .out_length = K4);
	expect_finding(e, "R3");
}

static void test_wrong_ranges(void **state)
{
	struct iova_range found[2] = {{0, 0xfff}, {0x2001, U}};
	struct env *e = *state;

	table(e, 1);
	reserve(e, 1, 0x1000, 0x1fff);
	SEND(e, 0, .kind = REQ_RANGES, .table = 1, .ranges = found, .nr_ranges = 2, .out_nr = 2,
	     .out_alignment = 1);
	expect_finding(e, "R9");
}

static void test_injected(void **state)
{
	struct env *e = *state;

	table(e, 1);
	SEND(e, -ENOMEM, MAP_(1, AT(0x1000)), .injected = true);
	lazy_map(e, 1, VA_P, K4, RW_, 0x1000);
	SEND(e, -ENOENT, .kind = REQ_UNMAP, .table = 1, .length = U, .injected = true);
	SEND(e, -EEXIST, MAP_(1, AT(0x1000)));
	expect_silence(e);
	SEND(e, 0, MAP_(1, AT(0x1000)), .injected = true);
	expect_finding(e, "R1");
}

/* A bad copy-out: the mapping stays; an injected refusal of the pages: it does not. */
static void test_bad_out(void **state)
{
	struct request req = {MAP_(1, AT(0x5000)), .flags = REQF_FIXED | REQF_BAD_OUT};
	struct env *e = *state;

	table(e, 1);
	SEND(e, -EFAULT, MAP_(1, AT(0x1000)), .flags = REQF_FIXED | REQF_BAD_OUT);
	SEND(e, -EEXIST, MAP_(1, AT(0x1000)));
	fault_arm(machine_fault(e->m), FAULT_GUP, 1);
	begin(e, &req);
	assert_int_equal(machine_should_fail(e->m, FAULT_GUP), -EFAULT);
	req.injected = true;
	end(e, &req, -EFAULT);
	fault_disarm(machine_fault(e->m));
	lazy_map(e, 1, VA_P, K4, RW_, 0x5000);
	expect_silence(e);
}

/* --- pins -------------------------------------------------------------------------------------- */

static void pin_two(struct env *e, u64 *pfns)
{
	struct request req = {PIN_(1, 0x1000, 2 * K4), .pfns = pfns, .nr_pfns = 2};

	table(e, 1);
	access_new(e, 1, REQF_PIN, 1);
	lazy_map(e, 1, VA_P, 4 * K4, RW_, 0x1000);
	begin(e, &req);
	fake_pin(e, VA_P, 2, pfns);
	end(e, &req, 0);
}

static void test_unmap_asks_access(void **state)
{
	struct request req = {UNMAP_(1, 0, U, .out_length = 4 * K4)};
	struct request inner = {.kind = REQ_UNPIN, .access = 1, .iova = 0x1000, .length = 2 * K4};
	struct request again = {PIN_(1, 0x1000, K4), .rc = -EINVAL};
	struct env *e = *state;
	u64 pfns[2];

	pin_two(e, pfns);
	begin(e, &req);
	fake_unpin(e, pfns, 2);
	machine_request_nested(e->m, &inner);
	machine_request_nested(e->m, &again);
	end(e, &req, 0);
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
	begin(e, &req);
	fake_unpin(e, pfns, 2);
	machine_request_nested(e->m, &inner);
	machine_request_nested(e->m, &again);
	end(e, &req, 0);
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

static void test_wrong_pfns(void **state)
{
	u64 pfns[2], handed[2];
	struct request req = {PIN_(1, 0x2000, 2 * K4), .pfns = handed, .nr_pfns = 2};
	struct env *e = *state;

	pin_two(e, pfns);
	begin(e, &req);
	fake_pin(e, VA_P + 2 * K4, 1, &handed[1]);
	handed[0] = pfns[1];
	end(e, &req, 0);
	expect_silence(e);
	handed[1]++;
	begin(e, &req);
	end(e, &req, 0);
	expect_finding(e, "A5");
}

static void test_leak(void **state)
{
	struct env *e = *state;
	u64 pfn;

	table(e, 1);
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

/* --- what model_check() notices ---------------------------------------------------------------- */

/* Table 1 with one domain and P's first 3 pages at 0x1000, cap: the object is not charged. */
static void mapped_world(struct env *e, u64 *pfns)
{
	struct request req = {MAP_(1, AT(0x1000)), .length = 3 * K4};

	e->d = domain(e, NULL);
	table(e, 1);
	attach_empty(e, 1, 1);
	begin(e, &req);
	fake_pin(e, VA_P, 3, pfns);
	fake_map(e, 0x1000, pfns, 3);
	end(e, &req, 0);
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
	machine_unpin(e->m, pfns[2], 1, false);
	fake_map(e, 0x3000, &pfns[2], 1);
}

static void break_early_unpin(struct env *e, const u64 *pfns)
{
	machine_unpin(e->m, pfns[2], 1, false);
}

static void break_charge(struct env *e, const u64 *pfns)
{
	machine_task(e->m, 0)->user_locked_vm++;
}

static void break_orphan(struct env *e, const u64 *pfns)
{
	e->d = domain(e, NULL);
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
		setup(state);
		e = *state;
		mapped_world(e, pfns);
		rows[i].damage(e, pfns);
		model_check(e->md, NULL);
		expect_finding(e, rows[i].rule);
		teardown(state);
	}
}

/* With large pages off two pages in one map call are one too many. */
static void test_small_maps(void **state)
{
	struct request req = {MAP_(1, AT(0x1000)), .length = 2 * K4};
	struct env *e = *state;
	u64 pfns[2];

	e->d = domain(e, NULL);
	table(e, 1);
	attach_empty(e, 1, 1);
	SEND(e, 0, .kind = REQ_HUGE_PAGES, .table = 1);
	begin(e, &req);
	fake_pin(e, VA_P, 2, pfns);
	domain_map(e->d, 0x1000, pfns[0] * K4, 2 * K4, 7);
	expect_finding(e, "D6");
	end(e, &req, 0);
	model_check(e->md, NULL);
	assert_int_equal(model_findings(e->md), 1);
}

/* Cut in the middle of a page: both halves hold it, until the second goes. */
static void test_cut_shares_page(void **state)
{
	static const struct domain_config tiny = {.pgsize_bitmap = 512 | K4};
	struct request req = {MAP_(1, AT(0x1000)), .length = 2 * K4}, un = {UNMAP_(1, 0x1000, 512)};
	struct env *e = *state;
	u64 pfns[2], digest;

	e->d = domain(e, &tiny);
	table(e, 1);
	attach_empty(e, 1, 1);
	begin(e, &req);
	fake_pin(e, VA_P, 2, pfns);
	fake_map(e, 0x1000, pfns, 2);
	end(e, &req, 0);
	SEND(e, -EINVAL, CUT_(1, 0x11ff));
	expect_silence(e);
	digest = model_digest(e->md);
	SEND(e, -ENOENT, UNMAP_(1, 0x1000, K4));
	assert_true(digest == model_digest(e->md));
	un.out_length = 2 * K4;
	un.length = 2 * K4;
	begin(e, &un);
	domain_unmap(e->d, 0x1000, 2 * K4);
	fake_unpin(e, pfns, 2);
	end(e, &un, 0);
	model_check(e->md, NULL);
	expect_silence(e);
	assert_true(digest != model_digest(e->md));
}

/* --- a view by hand ---------------------------------------------------------------------------- */

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
	begin(e, &copy);
	for (u32 i = 0; i < 2; i++)
		domain_map(e->d, 0x9000 + i * K4, pfns[i] * K4, K4, DOMAIN_READ | DOMAIN_CACHE);
	end(e, &copy, 0);
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
		setup(state);
		e = *state;
		view_world(e, &v);
		if (i < ARRAY_SIZE(rows))
			memcpy((u8 *)&v + rows[i].offset, &rows[i].value, rows[i].size);
		model_check(e->md, view_of(&v, &view));
		if (i < ARRAY_SIZE(rows))
			expect_finding(e, rows[i].rule);
		else
			expect_silence(e);
		teardown(state);
	}
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_map_rows),
		cmocka_unit_test(test_leaf_limit),
		cmocka_unit_test(test_copy_rows),
		cmocka_unit_test(test_unmap_rows),
		cmocka_unit_test(test_cut_rows),
		cmocka_unit_test(test_table_rows),
		cmocka_unit_test(test_range_rows),
		cmocka_unit_test(test_option_rows),
		cmocka_unit_test(test_access_rows),
		cmocka_unit_test(test_pin_rows),
		cmocka_unit_test(test_rw_rows),
		TEST(test_auto_lowest),
		TEST(test_auto_reserved),
		TEST(test_auto_windows),
		TEST(test_auto_top),
		TEST(test_wrong_bytes),
		TEST(test_wrong_ranges),
		TEST(test_injected),
		TEST(test_bad_out),
		TEST(test_unmap_asks_access),
		TEST(test_detach_releases),
		TEST(test_detach_keeps_pin),
		TEST(test_wrong_pfns),
		TEST(test_leak),
		TEST(test_remap_under_pin),
		cmocka_unit_test(test_check_machine),
		TEST(test_small_maps),
		TEST(test_cut_shares_page),
		cmocka_unit_test(test_check_view),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
