// SPDX-License-Identifier: GPL-2.0-only
/* Every row of errnos is fed rightly (silence) and wrongly (R1). */
#include "core/shadow/test_model_env.h"

/* --- errno rows -------------------------------------------------------------------------- */

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

	req_begin(e, &req);
	fake_pin(e, VA_P + 3 * K4, 1, pfns);
	req_end(e, &req, 0);
	e->busy_iova = 0x13000;
	SEND(e, -EDEADLOCK, .kind = REQ_UNMAP, .table = 3, .iova = 0x13000, .length = K4);
}

static void world(struct env *e)
{
	static const struct domain_config big = {.pgsize_bitmap = 8192};
	static const struct domain_config high = {.aperture_start = 0x10000, .aperture_last = U};
	struct iova_range promise = {1 << 20, M2 - 1};

	for (u32 id = 1; id <= 4; id++)
		table_new(e, id);
	e->d = domain_new(e, NULL);
	domain_new(e, &big);
	domain_new(e, &high);
	domain_new(e, NULL);
	domain_new(e, NULL);
	domain_new(e, NULL);
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

	assert_int_equal(domain_id(domain_new(e, &two)), 7);
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

	env_setup(&state);
	e = state;
	world(e);
	if (row->more)
		row->more(e);
	req_begin(e, &req);
	req_ask(e, rc);
	req_end(e, &req, rc);
	if (rule)
		expect_finding(e, rule);
	else
		expect_silence(e);
	model_check(e->md, NULL);
	if (!rule)
		expect_silence(e);
	env_teardown(&state);
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

	req_begin(e, &req);
	fake_pin(e, VA_P, 1, pfns);
	fake_map(e, 0x1000, pfns, 1);
	req_end(e, &req, 0);
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

int run_row_tests(void)
{
	const struct CMUnitTest rows[] = {
		cmocka_unit_test(test_map_rows),    cmocka_unit_test(test_leaf_limit),
		cmocka_unit_test(test_copy_rows),   cmocka_unit_test(test_unmap_rows),
		cmocka_unit_test(test_cut_rows),    cmocka_unit_test(test_table_rows),
		cmocka_unit_test(test_range_rows),  cmocka_unit_test(test_option_rows),
		cmocka_unit_test(test_access_rows), cmocka_unit_test(test_pin_rows),
		cmocka_unit_test(test_rw_rows),
	};

	return cmocka_run_group_tests(rows, NULL, NULL);
}
