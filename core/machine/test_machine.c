// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine against simple models: an array of pages for a page table, a table of the contract
 * for the line states, written-down sequences for the events.
 */
#include "core/machine/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define LOG_MAX 4096

struct rig {
	struct arena *arena;
	struct machine *m;
	struct machine_observer obs;
	struct machine_event log[LOG_MAX];
	u32 n;
	size_t blocks; /* live in the arena before the machine */
};

static void record(void *ctx, const struct machine_event *ev)
{
	struct rig *r = ctx;

	r->log[r->n++ % LOG_MAX] = *ev;
}

static struct rig *rig_new(enum machine_memory memory, const struct clean_ops *clean, bool observe)
{
	struct machine_config cfg = {.memory = memory, .clean = clean, .track_iotlb = observe};
	struct rig *r = calloc(1, sizeof(*r));

	r->arena = arena_create(NULL, 1UL << 36);
	assert_non_null(r->arena);
	r->m = machine_create(r->arena, &cfg);
	assert_non_null(r->m);
	r->obs = (struct machine_observer){r, record};
	if (observe)
		machine_observe(r->m, &r->obs);
	return r;
}

/* Whatever a test did, destroy gives back every block. */
static void rig_free(struct rig *r)
{
	machine_destroy(r->m);
	assert_int_equal(arena_live_blocks(r->arena), 0);
	arena_destroy(r->arena);
	free(r);
}

static u32 count_events(const struct rig *r, enum machine_event_kind kind)
{
	u32 n = 0;

	for (u32 i = 0; i < r->n; i++)
		n += r->log[i].kind == kind;
	return n;
}

static u32 count_strict(const struct rig *r, const char *rule)
{
	u32 n = 0;

	for (u32 i = 0; i < r->n; i++)
		n += r->log[i].kind == EV_STRICT && !strcmp(r->log[i].rule, rule);
	return n;
}

static void expect_kinds(struct rig *r, const enum machine_event_kind *kinds, u32 n)
{
	assert_int_equal(r->n, n);
	for (u32 i = 0; i < n; i++)
		assert_int_equal(r->log[i].kind, kinds[i]);
	r->n = 0;
}
#define EXPECT(r, ...)                                                  \
	expect_kinds(r, (const enum machine_event_kind[]){__VA_ARGS__}, \
		     ARRAY_SIZE(((const enum machine_event_kind[]){__VA_ARGS__})))

static struct domain *domain_new(struct rig *r, bool enforce, u64 pgsizes)
{
	struct domain_config cfg = {.enforce_cache_coherency = enforce, .pgsize_bitmap = pgsizes};
	struct domain *d;

	assert_int_equal(domain_create(r->m, &cfg, &d), 0);
	return d;
}

static struct buffer *buffer_new(struct rig *r, u64 npages)
{
	struct buffer *b;

	assert_int_equal(buffer_create(r->m, 0, 0, npages, &b), 0);
	return b;
}

static u64 rnd(u64 *seed)
{
	*seed += 0x9e3779b97f4a7c15ULL;
	return mix64(*seed);
}

/* --- page table against an array ----------------------------------------------------------------
 */

#define CELLS 6144

/* A window of CELLS smallest pages from @base; want[i] = pa of the cell or 0, call[i] = its map
 * call. */
struct table_model {
	struct domain *d;
	u64 base, cell;
	u64 want[CELLS];
	u32 call[CELLS];
	u32 calls;
};

static u64 cell_iova(const struct table_model *t, u64 i)
{
	return t->base + i * t->cell;
}

static void model_compare(struct table_model *t)
{
	u64 pa;
	u32 prot;

	for (u64 i = 0; i < CELLS; i++) {
		bool got = domain_probe(t->d, cell_iova(t, i) + 5, &pa, &prot);

		assert_int_equal(got, t->want[i] != 0);
		if (got)
			assert_int_equal(pa, t->want[i] + 5);
	}
}

static void model_map(struct table_model *t, u64 i, u64 n, u64 pa)
{
	bool overlap = false;
	int rc;

	for (u64 k = i; k < i + n; k++)
		overlap |= t->want[k] != 0;
	rc = domain_map(t->d, cell_iova(t, i), pa, n * t->cell, DOMAIN_READ);
	assert_int_equal(rc, overlap ? -EEXIST : 0);
	t->calls++;
	for (u64 k = 0; !rc && k < n; k++) {
		t->want[i + k] = pa + k * t->cell;
		t->call[i + k] = t->calls;
	}
}

/* From the start of a map call to the end of one, whatever lies between. */
static void model_unmap(struct table_model *t, u64 i, u64 n)
{
	u64 last = min(i + n - 1, CELLS - 1), bytes = 0;

	while (t->want[i] && i && t->call[i - 1] == t->call[i] && t->want[i - 1])
		i--;
	while (t->want[last] && last + 1 < CELLS && t->call[last + 1] == t->call[last] &&
	       t->want[last + 1])
		last++;
	for (u64 k = i; k <= last; k++) {
		bytes += t->want[k] ? t->cell : 0;
		t->want[k] = 0;
	}
	assert_int_equal(domain_unmap(t->d, cell_iova(t, i), (last - i + 1) * t->cell), bytes);
}

static void random_table(struct rig *r, u64 pgsizes, u64 base, u64 seed, int rounds)
{
	struct table_model *t = calloc(1, sizeof(*t));
	u64 blocks = arena_live_blocks(r->arena), i, n, pa;

	t->d = domain_new(r, false, pgsizes);
	t->cell = pgsizes & -pgsizes;
	t->base = base;
	for (int round = 0; round < rounds; round++) {
		i = rnd(&seed) % CELLS;
		n = 1 + rnd(&seed) % (rnd(&seed) % 4 ? 9 : 2600);
		n = min(n, CELLS - i);
		/* Half of the maps may use large leaves. */
		pa = (1ULL << 33) + (rnd(&seed) % 2 ? i : rnd(&seed) % CELLS) * t->cell;
		if (rnd(&seed) % 5 < 3)
			model_map(t, i, n, pa);
		else
			model_unmap(t, i, n);
		if (round % 16 == 0)
			model_compare(t);
	}
	model_compare(t);
	model_unmap(t, 0, CELLS);
	assert_int_equal(domain_leaves(t->d), 0);
	domain_iotlb_sync(t->d);
	domain_free(r->m, t->d);
	/* Empty nodes are gone: only the list of domains may have come to stay. */
	assert_true(arena_live_blocks(r->arena) <= blocks + 1);
	assert_int_equal(count_strict(r, "D4") + count_strict(r, "D5") + count_strict(r, "D7"), 0);
	free(t);
}

static void table_equals_an_array(void **state)
{
	const u64 sizes[] = {0x40201000, 0x1000, 0x200, 0x1200, 0x800, 0x201400, 0x10000, 0x201000};

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		u64 window = CELLS * (sizes[i] & -sizes[i]);

		for (int observe = 0; observe < 2; observe++) {
			struct rig *r = rig_new(MACHINE_MEMORY_NONE, NULL, observe);

			random_table(r, sizes[i], 0, i, 150);
			r->n = 0;
			random_table(r, sizes[i], 0x7fffffe00000, i + 100, 150);
			r->n = 0;
			random_table(r, sizes[i], -window, i + 200, 150);
			rig_free(r);
		}
	}
}

static void large_leaves_are_used_where_they_fit(void **state)
{
	struct rig *r = rig_new(MACHINE_MEMORY_NONE, NULL, true);
	struct domain *d = domain_new(r, false, 0);
	const u64 gib = 1ULL << 30, mib2 = 1ULL << 21;
	u64 pfn;

	assert_int_equal(domain_map(d, gib - mib2 - 4096, 2 * gib - mib2 - 4096,
				    gib + 2 * mib2 + 2 * 4096, DOMAIN_READ),
			 0);
	assert_int_equal(domain_leaves(d), 5);
	assert_int_equal(domain_read_run(d, gib - mib2 - 4096, ~0ULL, &pfn),
			 1 + 512 + 262144 + 512 + 1);
	assert_int_equal(pfn, (2 * gib - mib2 - 4096) >> 12);
	assert_int_equal(domain_iova_to_phys(d, gib + 12345), 2 * gib + 12345);
	/* Misaligned to each other: small leaves only. */
	assert_int_equal(domain_map(d, 8 * gib, 4 * gib + 4096, mib2, DOMAIN_READ), 0);
	assert_int_equal(domain_leaves(d), 5 + 512);
	/* A cut through a large leaf leaves that leaf in place. */
	assert_int_equal(domain_unmap(d, gib - mib2 - 4096, mib2 + 4096 + 4096), mib2 + 4096);
	assert_int_equal(count_strict(r, "D4"), 1);
	assert_int_equal(count_strict(r, "D3"), 1);
	assert_int_equal(domain_iova_to_phys(d, gib), 2 * gib);
	rig_free(r);
}

static void last_byte_of_the_space(void **state)
{
	struct rig *r = rig_new(MACHINE_MEMORY_MODEL, NULL, true);
	struct domain *d = domain_new(r, false, 0x200);
	struct buffer *b = buffer_new(r, 2);
	u64 pa = buffer_pfn(b, 0) << 12, pfn, got;
	char out[4] = "abc", in[4];
	struct pfn_run runs[4];
	size_t nr;
	u32 prot;

	assert_int_equal(domain_map(d, -8192ULL, pa, 8192, DOMAIN_READ | DOMAIN_WRITE), 0);
	assert_true(domain_probe(d, ~0ULL, &got, &prot));
	assert_int_equal(got, pa + 8191);
	assert_int_equal(domain_read_run(d, -4096ULL, 100, &pfn), 1);
	assert_int_equal(domain_read_runs(d, -8192ULL, 100, runs, 4, &nr), 2);
	assert_int_equal(nr, 1);
	assert_int_equal(machine_dma_write(r->m, d, -4ULL, out, 4, false), 0);
	assert_int_equal(machine_dma_read(r->m, d, -4ULL, in, 4, false), 0);
	assert_memory_equal(in, out, 4);
	assert_int_equal(machine_dma_read(r->m, d, -2ULL, in, 4, false), -EFAULT);
	assert_int_equal(domain_map(d, -512ULL, pa, 1024, DOMAIN_READ), -ERANGE);
	assert_int_equal(domain_unmap(d, -8192ULL, 8192), 8192);
	assert_int_equal(domain_leaves(d), 0);
	assert_int_equal(count_events(r, EV_STRICT), 0);
	rig_free(r);
}

static void sub_page_tables_read_back_whole_pages(void **state)
{
	struct rig *r = rig_new(MACHINE_MEMORY_NONE, NULL, true);
	struct domain *d = domain_new(r, false, 0x400);
	u64 pfn;

	/* The area begins 0xc00 into its first page and ends 0x400 into the fourth. */
	assert_int_equal(domain_map(d, 0x10400, 0x20c00, 0x400 + 2 * 4096 + 0x400, DOMAIN_READ), 0);
	assert_int_equal(domain_read_run(d, 0x10400, 100, &pfn), 4);
	assert_int_equal(pfn, 0x20);
	assert_int_equal(domain_read_run(d, 0x10800, 2, &pfn), 2);
	assert_int_equal(pfn, 0x21);
	assert_int_equal(domain_iova_to_phys(d, 0x10801), 0x21001);
	assert_int_equal(count_events(r, EV_STRICT), 0);
	rig_free(r);
}

struct seen {
	u64 iova[8], pa[8], len[8];
	u32 n, stop;
};

static bool see(void *ctx, u64 iova, u64 pa, u64 len, u32 prot)
{
	struct seen *s = ctx;

	s->iova[s->n] = iova;
	s->pa[s->n] = pa;
	s->len[s->n] = len;
	return ++s->n != s->stop;
}

static void walk_merges_what_continues(void **state)
{
	struct rig *r = rig_new(MACHINE_MEMORY_NONE, NULL, false);
	struct domain *d = domain_new(r, false, 0);
	struct domain_run runs[] = {{0x200000, 0x10000, 4096},
				    {0x1ff000, 0xf000, 4096},
				    {0x201000, 0x12000, 4096},
				    {0x8000000000, 0x40000, 8192}};
	struct seen s = {.n = 0};
	size_t mapped;

	assert_int_equal(domain_map_runs(d, runs, 4, DOMAIN_READ, &mapped), 0);
	assert_int_equal(mapped, 4);
	domain_for_each(d, see, &s);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.iova[0], 0x1ff000);
	assert_int_equal(s.len[0], 8192);
	assert_int_equal(s.pa[1], 0x12000);
	assert_int_equal(s.iova[2], 0x8000000000);
	s = (struct seen){.stop = 2};
	domain_for_each(d, see, &s);
	assert_int_equal(s.n, 2);
	rig_free(r);
}

/* What batches do at once equals what single calls do. */
static void batches_equal_single_calls(void **state)
{
	struct rig *r = rig_new(MACHINE_MEMORY_NONE, NULL, false);
	struct domain *d = domain_new(r, false, 0);
	struct buffer *b = buffer_new(r, 3000);
	struct domain_run *runs = calloc(3000, sizeof(*runs));
	struct pfn_run *back = calloc(3000, sizeof(*back));
	u64 pfns[3000], at = 0, max_pages = 0;
	size_t mapped, nr, n = 0;

	assert_int_equal(buffer_layout_runs(r->m, b, 0, 1999, 1), 0);
	assert_int_equal(buffer_layout_runs(r->m, b, 2000, 2899, 3), 0);
	assert_int_equal(machine_pin(r->m, 0, buffer_va(b), 3000, PIN_WRITE, pfns), 3000);
	for (u64 i = 0; i < 3000; i++) {
		if (n && pfns[i] == pfns[i - 1] + 1)
			runs[n - 1].len += 4096;
		else
			runs[n++] = (struct domain_run){0x1000 + i * 4096, pfns[i] << 12, 4096};
	}
	assert_int_equal(domain_map_runs(d, runs, n, DOMAIN_READ, &mapped), 0);
	assert_int_equal(domain_leaves(d), 3000);
	while (at < 3000) {
		u64 pfn, one = domain_read_run(d, 0x1000 + at * 4096, 7, &pfn);

		max_pages = domain_read_runs(d, 0x1000 + at * 4096, 3000, back, 1 + at % 7, &nr);
		assert_true(nr >= 1 && max_pages >= one);
		assert_int_equal(back[0].pfn, pfn);
		for (size_t k = 0, page = at; k < nr; k++)
			for (u64 j = 0; j < back[k].n; j++)
				assert_int_equal(back[k].pfn + j, pfns[page++]);
		at += one;
	}
	assert_int_equal(domain_read_runs(d, 0x1000, 3000, back, 3000, &nr), 3000);
	assert_int_equal(nr, n);
	assert_int_equal(domain_unmap_runs(d, runs, n), 3000 * 4096);
	assert_int_equal(domain_leaves(d), 0);
	machine_unpin_runs(r->m, back, nr, true);
	for (u64 i = 0; i < 3000; i++) {
		assert_int_equal(machine_pins(r->m, pfns[i]), 0);
		assert_true(machine_page_dirty(r->m, pfns[i]));
	}
	assert_int_equal(machine_counters(r->m)->unmap_calls, n);
	assert_int_equal(machine_counters(r->m)->pages_unpinned, 3000);
	free(runs);
	free(back);
	rig_free(r);
}

/* --- findings, failures
 * ---------------------------------------------------------------------------- */

static void strict_findings(void **state)
{
	struct rig *r = rig_new(MACHINE_MEMORY_NONE, NULL, true);
	struct domain *d = domain_new(r, false, 0);
	u64 pfn;

	assert_int_equal(domain_map(d, 0x10000, 0x100000, 0x4000, DOMAIN_READ), 0);
	assert_int_equal(domain_map(d, 0xe000, 0x200000, 0x3000, DOMAIN_READ), -EEXIST);
	assert_int_equal(count_strict(r, "D3"), 1);
	assert_int_equal(domain_leaves(d), 4);
	assert_int_equal(domain_unmap(d, 0x20000, 0x1000), 0);
	assert_int_equal(count_strict(r, "D3"), 2);
	assert_int_equal(domain_unmap(d, 0x10000, 0x1000), 0x1000);
	assert_int_equal(count_strict(r, "D4"), 1);
	assert_int_equal(domain_unmap(d, 0x12000, 0x2000), 0x2000);
	assert_int_equal(count_strict(r, "D4"), 2);
	assert_int_equal(domain_map(d, 0x10800, 0x100000, 0x1000, DOMAIN_READ), -EINVAL);
	assert_int_equal(domain_map(d, 0x18000, 0x100200, 0x1000, DOMAIN_READ), -EINVAL);
	assert_int_equal(domain_map(d, 0x18000, 0x100000, 0, DOMAIN_READ), -EINVAL);
	assert_int_equal(domain_unmap(d, 0x10000, 0x800), 0);
	assert_int_equal(count_strict(r, "D5"), 4);
	assert_int_equal(domain_iova_to_phys(d, 0x10000), 0);
	assert_int_equal(domain_read_run(d, 0x10000, 5, &pfn), 0);
	assert_int_equal(count_strict(r, "D8"), 2);
	assert_int_equal(count_strict(r, "D7"), 0);
	domain_free(r->m, d);
	assert_int_equal(count_strict(r, "D7"), 1);
	assert_null(machine_domain(r->m, 1));
	machine_unpin(r->m, 3, 1, false);
	assert_int_equal(count_strict(r, "P1"), 1);
	rig_free(r);
}

static void aperture_and_limits(void **state)
{
	struct rig *r = rig_new(MACHINE_MEMORY_NONE, NULL, true);
	struct domain_config cfg = {.aperture_start = 0x100000,
				    .aperture_last = 0x1fffff,
				    .pgsize_bitmap = 0x1000,
				    .max_leaves = 5};
	struct domain_run runs[] = {{0x100000, 0x5000, 0x3000}, {0x110000, 0x9000, 0x3000}};
	struct domain *d;
	size_t mapped;

	assert_int_equal(domain_create(r->m, &cfg, &d), 0);
	assert_int_equal(domain_cfg(d)->aperture_last, 0x1fffff);
	assert_int_equal(domain_map(d, 0xff000, 0x5000, 0x1000, DOMAIN_READ), -ERANGE);
	assert_int_equal(domain_map(d, 0x1ff000, 0x5000, 0x2000, DOMAIN_READ), -ERANGE);
	assert_int_equal(domain_map_runs(d, runs, 2, DOMAIN_READ, &mapped), -ENOMEM);
	assert_int_equal(mapped, 1);
	assert_int_equal(domain_leaves(d), 3);
	assert_int_equal(domain_map(d, 0x110000, 0x9000, 0x2000, DOMAIN_READ), 0);
	assert_int_equal(domain_unmap(d, 0x100000, 0x3000) + domain_unmap(d, 0x110000, 0x2000),
			 0x5000);
	assert_int_equal(count_events(r, EV_STRICT), 0);
	cfg.pgsize_bitmap = 0x100;
	assert_int_equal(domain_create(r->m, &cfg, &d), -EINVAL);
	rig_free(r);
}

static u64 leaf_pages(struct domain *d)
{
	struct seen s = {.n = 0};

	domain_for_each(d, see, &s);
	return s.n;
}

/* Every place of a map call that may fail, one at a time: nothing of the run stays. */
static void faults_leave_nothing(void **state)
{
	struct rig *r = rig_new(MACHINE_MEMORY_NONE, NULL, true);
	struct domain *d = domain_new(r, false, 0);
	struct fault *f = machine_fault(r->m);
	u64 blocks, digest, pfn, pages = 0;
	struct buffer *b = buffer_new(r, 4);
	int rc = -1;

	assert_int_equal(domain_map(d, 0x8000000000, 0x100000, 4096, DOMAIN_READ), 0);
	for (u32 nth = 1; rc; nth++, pages++) {
		blocks = arena_live_blocks(r->arena);
		digest = machine_digest(r->m);
		r->n = 0;
		fault_arm(f, FAULT_ANY, nth);
		rc = domain_map(d, 0x3ff000, 0x7ff000, 0x40000000, DOMAIN_READ);
		fault_disarm(f);
		if (!rc)
			break;
		assert_int_equal(rc, nth == 1 ? -ENOENT : -ENOMEM);
		EXPECT(r, EV_FAULT, EV_MAP);
		assert_int_equal(machine_digest(r->m), digest);
		assert_int_equal(leaf_pages(d), 1);
		assert_true(arena_live_blocks(r->arena) <= blocks + 2);
	}
	assert_true(pages > 5);
	fault_arm(f, FAULT_GUP, 1);
	assert_int_equal(machine_pin(r->m, 0, buffer_va(b), 1, 0, &pfn), -EFAULT);
	assert_int_equal(f->fired, FAULT_GUP);
	fault_disarm(f);
	assert_int_equal(machine_pin(r->m, 0, buffer_va(b), 1, 0, &pfn), 1);
	rig_free(r);
}

static void full_arena_is_survived(void **state)
{
	struct arena *a = arena_create(NULL, 1 << 16);
	struct machine *m = machine_create(a, &(struct machine_config){.track_iotlb = true});
	struct domain *d;
	int rc = 0;
	u64 i;

	assert_int_equal(domain_create(m, &(struct domain_config){0}, &d), 0);
	for (i = 0; !rc; i++)
		rc = domain_map(d, i << 21, 4096, 8192, DOMAIN_READ);
	assert_int_equal(rc, -ENOMEM);
	assert_int_equal(domain_leaves(d), 2 * (i - 1));
	while (i-- > 1)
		assert_int_equal(domain_unmap(d, (i - 1) << 21, 8192), 8192);
	assert_int_equal(domain_leaves(d), 0);
	domain_iotlb_sync(d);
	assert_int_equal(domain_map(d, ~0ULL << 12, 4096, 4096, DOMAIN_READ), 0);
	machine_destroy(m);
	assert_int_equal(arena_live_blocks(a), 0);
	arena_destroy(a);
}

/* --- buffers and pins
 * ------------------------------------------------------------------------------ */

static void buffers_and_layouts(void **state)
{
	struct rig *r = rig_new(MACHINE_MEMORY_NONE, NULL, false);
	struct buffer *a = buffer_new(r, 3), *b = buffer_new(r, 700), *c;

	assert_int_equal(buffer_pfn(a, 2), buffer_pfn(a, 0) + 2);
	assert_true(buffer_pfn(b, 0) > buffer_pfn(a, 2) + 1);
	assert_int_equal(buffer_va(b) % (1 << 30), 0);
	assert_int_equal(buffer_pfn(b, 0) % 512, 0);
	assert_int_equal(machine_max_pfn(r->m), buffer_pfn(b, 699));
	assert_int_equal(buffer_create(r->m, 0, buffer_va(a) + 8192, 1, &c), -EEXIST);
	assert_int_equal(buffer_create(r->m, 1, buffer_va(a) + 8192, 1, &c), 0);
	assert_int_equal(buffer_task(c), 1);
	assert_int_equal(buffer_create(r->m, 0, 0x1001, 1, &c), -EINVAL);
	assert_int_equal(buffer_create(r->m, 0, 0x1000, 0, &c), -EINVAL);
	assert_int_equal(buffer_create(r->m, 0, -4096ULL, 2, &c), -EINVAL);
	assert_int_equal(buffer_create(r->m, 99, 0, 2, &c), -EINVAL);
	assert_int_equal(buffer_create(r->m, 0, -8192ULL, 2, &c), 0);
	assert_ptr_equal(machine_buffer_at(r->m, 0, ~0ULL), c);
	assert_ptr_equal(machine_buffer_at(r->m, 0, buffer_va(b) + 699 * 4096), b);
	assert_null(machine_buffer_at(r->m, 0, buffer_va(b) + 700 * 4096));

	assert_int_equal(buffer_layout_runs(r->m, b, 1, 10, 4), 0);
	assert_int_equal(buffer_pfn(b, 4), buffer_pfn(b, 1) + 3);
	assert_true(buffer_pfn(b, 5) > buffer_pfn(b, 4) + 1);
	assert_int_equal(buffer_pfn(b, 10), buffer_pfn(b, 9) + 1);
	assert_int_equal(buffer_pfn(b, 11), buffer_pfn(b, 0) + 11);
	assert_int_equal(buffer_alias(r->m, b, 0, a, 2), 0);
	assert_int_equal(buffer_pfn(b, 0), buffer_pfn(a, 2));
	assert_int_equal(buffer_set_flags(r->m, a, 1, 1, UPAGE_HOLE, 0), 0);
	assert_int_equal(buffer_pfn(a, 1), MACHINE_NO_PFN);
	assert_int_equal(buffer_alias(r->m, b, 0, a, 1), -EINVAL);
	assert_int_equal(buffer_set_flags(r->m, a, 1, 3, UPAGE_HOLE, 0), -EINVAL);
	assert_int_equal(buffer_pfn(a, 3), MACHINE_NO_PFN);
	buffer_destroy(r->m, b);
	assert_null(machine_buffer_at(r->m, 0, 5ULL << 30));
	rig_free(r);
}

static void huge_buffers_cost_nothing(void **state)
{
	struct rig *r = rig_new(MACHINE_MEMORY_NONE, NULL, false);
	struct buffer *b = buffer_new(r, 1ULL << 26);
	u64 pfns[3], va = buffer_va(b);

	assert_int_equal(buffer_pfn(b, 0) % (1 << 18), 0);
	assert_int_equal(machine_pin(r->m, 0, va + (1ULL << 37), 3, 0, pfns), 3);
	assert_int_equal(pfns[1], buffer_pfn(b, 0) + (1ULL << 25) + 1);
	assert_int_equal(machine_pins(r->m, pfns[2]), 1);
	machine_unpin(r->m, pfns[0], 3, false);
	rig_free(r);
}

static void pins_stop_at_bad_pages(void **state)
{
	struct rig *r = rig_new(MACHINE_MEMORY_NONE, NULL, true);
	struct buffer *b = buffer_new(r, 8), *next;
	u64 va = buffer_va(b), out[16];

	assert_int_equal(buffer_create(r->m, 0, va + 8 * 4096, 2, &next), 0);
	assert_int_equal(machine_pin(r->m, 0, va + 6 * 4096, 16, 0, out), 4);
	assert_int_equal(out[2], buffer_pfn(next, 0));
	assert_int_equal(machine_pin(r->m, 0, va + 6, 1, 0, out), -EINVAL);
	buffer_set_flags(r->m, b, 3, 3, UPAGE_HOLE, 0);
	buffer_set_flags(r->m, b, 5, 5, UPAGE_RDONLY, 0);
	assert_int_equal(machine_pin(r->m, 0, va, 8, PIN_WRITE, out), 3);
	assert_int_equal(machine_pin(r->m, 0, va + 3 * 4096, 8, 0, out), -EFAULT);
	assert_int_equal(machine_pin(r->m, 0, va + 4 * 4096, 3, PIN_WRITE, out), 1);
	assert_int_equal(machine_pin(r->m, 0, va + 4 * 4096, 3, 0, out), 3);
	machine_set_gup_limit(r->m, 2);
	assert_int_equal(machine_pin(r->m, 0, va, 8, 0, out), 2);
	assert_int_equal(machine_pins(r->m, out[0]), 2);
	buffer_set_flags(r->m, b, 3, 3, 0, UPAGE_HOLE);
	machine_set_gup_limit(r->m, 0);
	assert_int_equal(machine_pin(r->m, 0, va, 4, PIN_WRITE, out), 4);
	machine_task_exit(r->m, 0);
	assert_false(machine_task(r->m, 0)->alive);
	assert_int_equal(machine_pin(r->m, 0, va, 1, 0, out), -EFAULT);
	assert_int_equal(machine_user_load(r->m, 0, va, out, 8), -EFAULT);
	assert_int_equal(machine_pins(r->m, buffer_pfn(b, 0)), 3);
	rig_free(r);
}

static void cow_and_remap_leave_pinned_frames(void **state)
{
	struct rig *r = rig_new(MACHINE_MEMORY_MODEL, NULL, false);
	struct buffer *b = buffer_new(r, 4), *c = buffer_new(r, 1);
	u64 va = buffer_va(b), pfns[4], old;
	char in[8];

	assert_int_equal(machine_user_store(r->m, 0, va + 4096 + 60, "shared!", 8), 0);
	assert_int_equal(buffer_alias(r->m, c, 0, b, 1), 0);
	buffer_set_flags(r->m, b, 1, 1, UPAGE_COW, 0);
	assert_int_equal(machine_pin(r->m, 0, va, 4, 0, pfns), 4);
	old = pfns[1];
	assert_int_equal(old, buffer_pfn(c, 0));
	/* A write pin breaks the sharing: a new frame with the old contents. */
	assert_int_equal(machine_pin(r->m, 0, va + 4096, 1, PIN_WRITE, pfns), 1);
	assert_int_not_equal(pfns[0], old);
	assert_int_equal(buffer_pfn(b, 1), pfns[0]);
	assert_int_equal(machine_pins(r->m, old), 1);
	machine_user_load(r->m, 0, va + 4096 + 60, in, 8);
	assert_string_equal(in, "shared!");
	machine_user_store(r->m, 0, va + 4096 + 60, "private", 8);
	machine_user_load(r->m, 0, buffer_va(c) + 60, in, 8);
	assert_string_equal(in, "shared!");
	/* A store does it too. */
	buffer_set_flags(r->m, b, 2, 2, UPAGE_COW, 0);
	old = buffer_pfn(b, 2);
	assert_int_equal(machine_user_store(r->m, 0, va + 8192, "x", 1), 0);
	assert_int_not_equal(buffer_pfn(b, 2), old);
	old = buffer_pfn(b, 3);
	assert_int_equal(buffer_remap(r->m, b, 3, 3), 0);
	assert_int_not_equal(buffer_pfn(b, 3), old);
	buffer_destroy(r->m, b);
	assert_int_equal(machine_pins(r->m, old), 1);
	machine_unpin(r->m, old, 1, true);
	assert_true(machine_page_dirty(r->m, old));
	rig_free(r);
}

/* --- lines
 * ------------------------------------------------------------------------------------------ */

enum action { A_STORE, A_LOAD, A_DMA_W, A_DMA_R, A_SNOOP_W, A_SNOOP_R, A_EVICT, A_CLEAN, A_NR };

static const struct clean_ops write_back_only = {.name = "write back", .invalidates = false};

/* State after the action, in the order of enum line_state: DS I C X D DH. Last row: clean without
 * invalidation. */
static const u8 becomes[A_NR + 1][LINE_STATES] = {
	[A_STORE] = {LINE_DS, LINE_D, LINE_D, LINE_DH, LINE_D, LINE_DH},
	[A_LOAD] = {LINE_DS, LINE_C, LINE_C, LINE_X, LINE_D, LINE_DH},
	[A_DMA_W] = {LINE_DH, LINE_I, LINE_X, LINE_X, LINE_DH, LINE_DH},
	[A_DMA_R] = {LINE_DS, LINE_I, LINE_C, LINE_X, LINE_D, LINE_DH},
	[A_SNOOP_W] = {LINE_DS, LINE_D, LINE_D, LINE_DH, LINE_D, LINE_DH},
	[A_SNOOP_R] = {LINE_DS, LINE_C, LINE_C, LINE_X, LINE_D, LINE_DH},
	[A_EVICT] = {LINE_I, LINE_I, LINE_I, LINE_I, LINE_I, LINE_I},
	[A_CLEAN] = {LINE_I, LINE_I, LINE_I, LINE_I, LINE_I, LINE_I},
	[A_NR] = {LINE_C, LINE_I, LINE_C, LINE_X, LINE_C, LINE_C},
};

static const u32 script[LINE_STATES][4] = {
	[LINE_DS] = {A_NR},
	[LINE_I] = {A_EVICT, A_NR},
	[LINE_C] = {A_EVICT, A_LOAD, A_NR},
	[LINE_X] = {A_EVICT, A_LOAD, A_DMA_W, A_NR},
	[LINE_D] = {A_EVICT, A_STORE, A_NR},
	[LINE_DH] = {A_DMA_W, A_NR},
};

struct line_rig {
	struct rig *r;
	struct domain *nc, *c;
	u64 va, pa;
	char buf[LINE_SIZE];
};

#define IOVA 0x40000

static void act(struct line_rig *l, u32 action, char fill)
{
	struct machine *m = l->r->m;

	memset(l->buf, fill, LINE_SIZE);
	switch (action) {
	case A_STORE:
		assert_int_equal(machine_user_store(m, 0, l->va, l->buf, LINE_SIZE), 0);
		break;
	case A_LOAD:
		assert_int_equal(machine_user_load(m, 0, l->va, l->buf, LINE_SIZE), 0);
		break;
	case A_DMA_W:
		assert_int_equal(machine_dma_write(m, l->nc, IOVA, l->buf, LINE_SIZE, true), 0);
		break;
	case A_DMA_R:
		assert_int_equal(machine_dma_read(m, l->nc, IOVA, l->buf, LINE_SIZE, true), 0);
		break;
	case A_SNOOP_W:
		assert_int_equal(machine_dma_write(m, l->c, IOVA, l->buf, LINE_SIZE, true), 0);
		break;
	case A_SNOOP_R:
		assert_int_equal(machine_dma_read(m, l->nc, IOVA, l->buf, LINE_SIZE, false), 0);
		break;
	case A_EVICT:
		machine_evict(m, l->pa, LINE_SIZE);
		break;
	default:
		machine_clean(m, l->pa + 3, 1);
		machine_drain(m);
		break;
	}
}

static void line_rig_open(struct line_rig *l, const struct clean_ops *clean)
{
	struct buffer *b;
	u64 pfn;

	l->r = rig_new(MACHINE_MEMORY_MODEL, clean, true);
	l->nc = domain_new(l->r, false, 0);
	l->c = domain_new(l->r, true, 0);
	b = buffer_new(l->r, 1);
	l->va = buffer_va(b);
	assert_int_equal(machine_pin(l->r->m, 0, l->va, 1, PIN_WRITE, &pfn), 1);
	l->pa = pfn << 12;
	domain_map(l->nc, IOVA, l->pa, 4096, DOMAIN_READ | DOMAIN_WRITE | DOMAIN_CACHE);
	domain_map(l->c, IOVA, l->pa, 4096, DOMAIN_READ | DOMAIN_WRITE);
}

/* The state of the line, as the next access tells it. */
static u8 state_now(struct line_rig *l)
{
	l->r->n = 0;
	act(l, A_DMA_R, 0);
	assert_int_equal(l->r->log[0].kind, EV_DMA_READ);
	return l->r->log[0].state;
}

static void every_state_and_action(void **state)
{
	for (u32 from = 0; from < LINE_STATES; from++) {
		for (u32 action = 0; action <= A_NR; action++) {
			struct line_rig l;

			line_rig_open(&l, action == A_NR ? &write_back_only : NULL);
			for (const u32 *s = script[from]; *s != A_NR; s++)
				act(&l, *s, 1);
			assert_int_equal(state_now(&l), from);
			act(&l, action, 2);
			assert_int_equal(state_now(&l), becomes[action][from]);
			rig_free(l.r);
		}
	}
}

/* The same line by values: an oracle of two variables and three flags. */
static void values_follow_the_states(void **state)
{
	struct line_rig l;
	u64 seed = 42;

	for (int run = 0; run < 60; run++) {
		u8 cache = 0, mem = 0x5e, want;
		bool cached = true, dirty = true, old = true, no_inval = run & 1;

		line_rig_open(&l, no_inval ? &write_back_only : NULL);
		for (int i = 0; i < 40; i++) {
			u32 action = rnd(&seed) % A_NR;
			u8 v = 1 + rnd(&seed) % 80;
			bool load = action == A_LOAD || action == A_SNOOP_R;
			bool store = action == A_STORE || action == A_SNOOP_W;

			l.r->n = 0;
			act(&l, action, v);
			if ((load || store) && !cached)
				cache = mem;
			cached |= load || store;
			want = load ? cache : mem;
			if (load || action == A_DMA_R)
				for (u32 k = 0; k < LINE_SIZE; k++)
					assert_int_equal((u8)l.buf[k], want);
			if (action == A_DMA_R)
				assert_int_equal(l.r->log[0].secret, old);
			if (store) {
				cache = v;
				dirty = true;
			} else if (action == A_DMA_W) {
				mem = v;
				old = false;
			} else if (action == A_EVICT || action == A_CLEAN) {
				if (dirty) {
					mem = cache;
					old = false;
				}
				dirty = false;
				cached &= action == A_CLEAN && no_inval;
			}
		}
		rig_free(l.r);
	}
}

static void parts_of_lines(void **state)
{
	struct line_rig l;
	u8 in[100], want[100];

	line_rig_open(&l, NULL);
	l.r->n = 0;
	/* Across a line border: two events, each within its line. */
	assert_int_equal(machine_dma_write(l.r->m, l.nc, IOVA + 60, "12345678", 8, true), 0);
	EXPECT(l.r, EV_DMA_WRITE, EV_DMA_WRITE);
	assert_int_equal(l.r->log[0].len, 4);
	assert_int_equal(l.r->log[1].pa, l.pa + 64);
	assert_int_equal(machine_dma_read(l.r->m, l.nc, IOVA + 20, in, 100, true), 0);
	memset(want, 0x5e, sizeof(want));
	memcpy(want + 40, "12345678", 8);
	assert_memory_equal(in, want, 100);
	assert_true(l.r->log[0].secret);
	assert_int_equal(machine_dma_read(l.r->m, l.nc, IOVA + 60, in, 8, true), 0);
	assert_false(l.r->log[3].secret);
	/* The CPU still sees its zeros, and a write-back buries what the device wrote. */
	machine_phys_load(l.r->m, l.pa + 60, in, 8);
	memset(want, 0, sizeof(want));
	assert_memory_equal(in, want, 8);
	machine_clean(l.r->m, l.pa, 4096);
	machine_phys_load(l.r->m, l.pa + 20, in, 100);
	assert_memory_equal(in, want, 100);
	assert_int_equal(machine_counters(l.r->m)->clean_lines, 64);
	assert_int_equal(machine_counters(l.r->m)->clean_pages, 1);
	rig_free(l.r);
}

static void a_new_epoch_keeps_the_contents(void **state)
{
	struct line_rig l;
	u64 pfn;
	char in[8];

	line_rig_open(&l, NULL);
	machine_user_store(l.r->m, 0, l.va + 640, "content", 8);
	machine_evict(l.r->m, l.pa, 4096);
	machine_unpin(l.r->m, l.pa >> 12, 1, true);
	assert_int_equal(state_now(&l), LINE_I);
	assert_int_equal(machine_pin(l.r->m, 0, l.va, 1, 0, &pfn), 1);
	assert_int_equal(state_now(&l), LINE_DS);
	machine_dma_read(l.r->m, l.nc, IOVA + 640, in, 8, true);
	assert_memory_equal(in, "\x5e\x5e\x5e\x5e\x5e\x5e\x5e\x5e", 8);
	machine_user_load(l.r->m, 0, l.va + 640, in, 8);
	assert_string_equal(in, "content");
	/* A second pin begins nothing. */
	machine_clean(l.r->m, l.pa, 4096);
	assert_int_equal(machine_pin(l.r->m, 0, l.va, 1, 0, &pfn), 1);
	assert_int_equal(state_now(&l), LINE_I);
	rig_free(l.r);
}

static void permissions_and_prefixes(void **state)
{
	struct rig *r = rig_new(MACHINE_MEMORY_MODEL, NULL, true);
	struct domain *d = domain_new(r, false, 0);
	struct buffer *b = buffer_new(r, 3);
	u64 va = buffer_va(b);
	char in[16] = "", out[16] = "0123456789abcde";

	domain_map(d, IOVA, buffer_pfn(b, 0) << 12, 4096, DOMAIN_WRITE);
	assert_int_equal(machine_dma_write(r->m, d, IOVA + 4092, out, 8, true), -EFAULT);
	assert_int_equal(machine_dma_read(r->m, d, IOVA + 4092, in, 4, true), -EFAULT);
	assert_int_equal(machine_user_load(r->m, 0, va + 4092, in, 8), 0);
	assert_memory_equal(in, "0123\0\0\0\0", 8);
	buffer_set_flags(r->m, b, 1, 1, UPAGE_RDONLY, 0);
	buffer_set_flags(r->m, b, 2, 2, UPAGE_HOLE, 0);
	assert_int_equal(machine_user_store(r->m, 0, va + 4090, out, 16), -EFAULT);
	assert_int_equal(machine_user_load(r->m, 0, va + 4090, in, 8), 0);
	assert_memory_equal(in, "012345\0\0", 8);
	assert_int_equal(machine_user_load(r->m, 0, va + 8190, in, 4), -EFAULT);
	assert_int_equal(machine_user_load(r->m, 9, va, in, 4), -EFAULT);
	rig_free(r);
}

static void stale_entries_live_until_the_sync(void **state)
{
	struct line_rig l;
	char in[4];
	u64 digest;

	line_rig_open(&l, NULL);
	machine_clean(l.r->m, l.pa, 4096);
	assert_int_equal(domain_unmap(l.nc, IOVA, 4096), 4096);
	assert_false(domain_probe(l.nc, IOVA, &digest, &(u32){0}));
	digest = machine_digest(l.r->m);
	assert_int_equal(machine_dma_write(l.r->m, l.nc, IOVA + 4, "dma", 4, true), 0);
	machine_user_load(l.r->m, 0, l.va + 4, in, 4);
	assert_string_equal(in, "dma");
	assert_int_equal(machine_dma_read(l.r->m, l.nc, IOVA + 4094, in, 4, true), -EFAULT);
	domain_iotlb_sync(l.nc);
	assert_int_equal(machine_dma_write(l.r->m, l.nc, IOVA + 4, "dmb", 4, true), -EFAULT);
	assert_int_not_equal(machine_digest(l.r->m), digest);
	rig_free(l.r);
}

/* --- real memory
 * ------------------------------------------------------------------------------------ */

static struct {
	const void *at[64];
	size_t len[64];
	u32 n, drains;
} cleaned;

static void note_clean(const void *start, size_t size)
{
	cleaned.at[cleaned.n] = start;
	cleaned.len[cleaned.n++ % 64] = size;
}

static void note_drain(void)
{
	cleaned.drains++;
}

static void real_memory_is_cleaned_where_it_lies(void **state)
{
	static const struct clean_ops ops = {"note", true, note_clean, note_drain};
	struct rig *r = rig_new(MACHINE_MEMORY_REAL, &ops, true);
	struct buffer *b = buffer_new(r, 8), *bare = buffer_new(r, 1);
	char *mem = aligned_alloc(4096, 8 * 4096), in[4];

	cleaned.n = cleaned.drains = 0;
	buffer_layout_runs(r->m, b, 4, 7, 2);
	buffer_set_memory(r->m, b, mem);
	machine_clean(r->m, (buffer_pfn(b, 1) << 12) + 70, 2 * 4096);
	machine_clean(r->m, buffer_pfn(b, 6) << 12, 2 * 4096);
	machine_clean(r->m, buffer_pfn(bare, 0) << 12, 4096);
	machine_drain(r->m);
	assert_int_equal(cleaned.n, 2);
	assert_int_equal(cleaned.drains, 1);
	assert_ptr_equal(cleaned.at[0], mem + 4096 + 64);
	assert_int_equal(cleaned.len[0], 2 * 4096 + 64);
	assert_ptr_equal(cleaned.at[1], mem + 6 * 4096);
	assert_int_equal(cleaned.len[1], 2 * 4096);
	/* A new frame of the buffer lies where the old one lay. */
	buffer_remap(r->m, b, 2, 2);
	machine_clean(r->m, buffer_pfn(b, 2) << 12, 64);
	assert_ptr_equal(cleaned.at[2], mem + 2 * 4096);
	assert_int_equal(machine_user_store(r->m, 0, buffer_va(b) + 5 * 4096, "abc", 4), 0);
	assert_string_equal(mem + 5 * 4096, "abc");
	machine_phys_load(r->m, buffer_pfn(b, 5) << 12, in, 4);
	assert_string_equal(in, "abc");
	assert_int_equal(machine_counters(r->m)->clean_pages, 3 + 2 + 1 + 1);
	free(mem);
	rig_free(r);
}

/* --- the whole
 * ---------------------------------------------------------------------------------------- */

static void events_in_their_order(void **state)
{
	struct rig *r = rig_new(MACHINE_MEMORY_NONE, NULL, true);
	struct request req = {.kind = REQ_MAP}, inner = {.kind = REQ_UNPIN};
	struct buffer *b = buffer_new(r, 6);
	struct domain *d;
	u64 pfns[6], pa;

	d = domain_new(r, false, 0);
	buffer_layout_runs(r->m, b, 2, 3, 2);
	machine_request_begin(r->m, &req);
	assert_int_equal(req.serial, 1);
	machine_pin(r->m, 0, buffer_va(b), 6, 0, pfns);
	assert_int_equal(r->log[2].pfn, pfns[0]);
	assert_int_equal(r->log[2].len, 2);
	pa = pfns[0] << 12;
	domain_map(d, IOVA, pa, 8192, DOMAIN_READ);
	machine_request_nested(r->m, &inner);
	machine_request_end(r->m, &req);
	EXPECT(r, EV_DOMAIN_CREATE, EV_REQUEST_BEGIN, EV_PIN, EV_PIN, EV_PIN, EV_MAP, EV_NESTED,
	       EV_REQUEST_END);
	assert_int_equal(machine_serial(r->m), 1);
	domain_map(d, IOVA + 8192, pfns[2] << 12, 8192, DOMAIN_READ);
	r->n = 0;
	domain_unmap(d, IOVA, 16384);
	domain_iotlb_sync(d);
	machine_clean(r->m, pa, 8192);
	machine_drain(r->m);
	machine_unpin(r->m, pfns[0] - 1, 3, false);
	assert_int_equal(r->log[1].len, 8192);
	assert_int_equal(r->log[2].pa, pfns[2] << 12);
	assert_int_equal(r->log[7].pfn, pfns[0]);
	assert_int_equal(r->log[7].len, 2);
	EXPECT(r, EV_UNMAP_CALL, EV_UNMAP, EV_UNMAP, EV_SYNC, EV_CLEAN, EV_DRAIN, EV_STRICT,
	       EV_UNPIN);
	domain_free(r->m, d);
	EXPECT(r, EV_DOMAIN_FREE);
	assert_string_equal(request_name(REQ_TEMP_LIMIT), "temp_limit");
	assert_string_equal(request_name((enum request_kind)999), "unknown");
	rig_free(r);
}

/* A few random calls that never break a rule; the same seed gives the same machine. */
static void busy(struct machine *m, struct domain *d, struct buffer *b, u64 seed)
{
	u64 pfns[8], va = buffer_va(b), n;

	for (int i = 0; i < 40; i++) {
		u64 page = rnd(&seed) % 8, x = rnd(&seed);
		u32 prot;

		switch (x % 5) {
		case 0:
			n = machine_pin(m, 0, va + page * 4096, 8 - page, PIN_WRITE, pfns);
			machine_unpin(m, pfns[n - 1], 1, true);
			break;
		case 1:
			if (!domain_probe(d, page * 4096, &n, &prot))
				domain_map(d, page * 4096, buffer_pfn(b, page) << 12, 4096,
					   DOMAIN_READ | DOMAIN_WRITE);
			break;
		case 2:
			if (domain_probe(d, page * 4096, &n, &prot))
				domain_unmap(d, page * 4096, 4096);
			break;
		case 3:
			machine_user_store(m, 0, va + x % 30000, &x, 8);
			break;
		default:
			buffer_remap(m, b, page, page);
			break;
		}
	}
}

static void snapshot_in_the_middle(void **state)
{
	struct rig *r = rig_new(MACHINE_MEMORY_MODEL, NULL, false);
	struct domain *d = domain_new(r, false, 0);
	struct buffer *b = buffer_new(r, 8);
	u64 middle, end;
	size_t used;
	void *copy;

	busy(r->m, d, b, 1);
	middle = machine_digest(r->m);
	used = arena_used(r->arena);
	copy = malloc(used);
	arena_save(r->arena, copy);
	busy(r->m, d, b, 2);
	end = machine_digest(r->m);
	assert_int_not_equal(end, middle);
	for (int i = 0; i < 3; i++) {
		arena_restore(r->arena, copy, used);
		assert_int_equal(machine_digest(r->m), middle);
		busy(r->m, d, b, 2);
		assert_int_equal(machine_digest(r->m), end);
	}
	free(copy);
	rig_free(r);
}

static void machines_do_not_know_each_other(void **state)
{
	struct rig *r[3];
	struct domain *d[3];
	struct buffer *b[3];

	for (int i = 0; i < 3; i++) {
		r[i] = rig_new(MACHINE_MEMORY_MODEL, NULL, i == 2);
		d[i] = domain_new(r[i], false, 0);
		b[i] = buffer_new(r[i], 8);
	}
	for (int i = 0; i < 3; i++)
		busy(r[i]->m, d[i], b[i], i ? 7 : 8);
	for (int i = 0; i < 3; i++)
		domain_iotlb_sync(d[i]);
	/* Other arenas, other addresses, one of them watched: the same state all the same. */
	assert_int_equal(machine_digest(r[1]->m), machine_digest(r[2]->m));
	assert_int_not_equal(machine_digest(r[0]->m), machine_digest(r[1]->m));
	for (int i = 0; i < 3; i++)
		rig_free(r[i]);
}

/* However the same translations came about, the digest is the same. */
static void digest_sees_content_only(void **state)
{
	struct rig *r = rig_new(MACHINE_MEMORY_MODEL, NULL, false);
	struct domain *d = domain_new(r, false, 0);
	struct buffer *b = buffer_new(r, 4);
	u64 va = buffer_va(b), empty = machine_digest(r->m), one, pfns[4];

	domain_map(d, 0x200000, 0x400000, 0x200000, DOMAIN_READ);
	one = machine_digest(r->m);
	domain_unmap(d, 0x200000, 0x200000);
	assert_int_equal(machine_digest(r->m), empty);
	domain_map(d, 0x201000, 0x401000, 0x1ff000, DOMAIN_READ);
	domain_map(d, 0x200000, 0x400000, 0x1000, DOMAIN_READ);
	assert_int_equal(machine_digest(r->m), one);
	machine_pin(r->m, 0, va, 4, 0, pfns);
	assert_int_not_equal(machine_digest(r->m), one);
	machine_user_store(r->m, 0, va, "a", 1);
	one = machine_digest(r->m);
	machine_user_store(r->m, 0, va, "b", 1);
	assert_int_not_equal(machine_digest(r->m), one);
	machine_user_store(r->m, 0, va, "a", 1);
	assert_int_equal(machine_digest(r->m), one);
	machine_task(r->m, 0)->mm_pinned_vm++;
	assert_int_not_equal(machine_digest(r->m), one);
	rig_free(r);
}

static void small_programs_stay_small(void **state)
{
	struct rig *r = rig_new(MACHINE_MEMORY_MODEL, NULL, false);
	struct buffer *b = buffer_new(r, 4);
	struct domain *d[4];
	u64 pfns[4];

	machine_pin(r->m, 0, buffer_va(b), 4, PIN_WRITE, pfns);
	for (int i = 0; i < 4; i++) {
		d[i] = domain_new(r, i & 1, 0);
		assert_int_equal(domain_map(d[i], 0x1000, pfns[0] << 12, 4 * 4096, DOMAIN_READ), 0);
		assert_int_equal(domain_map(d[i], -4096ULL, pfns[0] << 12, 4096, DOMAIN_READ), 0);
	}
	assert_true(arena_live(r->arena) < 8192);
	rig_free(r);
}

static void counters_outlive_domains(void **state)
{
	struct rig *r = rig_new(MACHINE_MEMORY_NONE, NULL, false);
	struct domain *d = domain_new(r, false, 0);
	const struct machine_counters *c;

	domain_map(d, 0x1000, 0x1000, 0x3000, DOMAIN_READ);
	domain_unmap(d, 0x1000, 0x3000);
	domain_iotlb_sync(d);
	domain_free(r->m, d);
	c = machine_counters(r->m);
	assert_int_equal(c->map_calls, 1);
	assert_int_equal(c->map_bytes, 0x3000);
	assert_int_equal(c->unmap_bytes, 0x3000);
	assert_int_equal(c->syncs, 1);
	d = domain_new(r, false, 0);
	assert_int_equal(domain_id(d), 2);
	assert_ptr_equal(machine_domain(r->m, 2), d);
	domain_map(d, 0x1000, 0x1000, 0x1000, DOMAIN_READ);
	assert_int_equal(machine_counters(r->m)->map_calls, 2);
	machine_counters_reset(r->m);
	assert_int_equal(machine_counters(r->m)->map_calls, 0);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_equals_an_array),
		cmocka_unit_test(large_leaves_are_used_where_they_fit),
		cmocka_unit_test(last_byte_of_the_space),
		cmocka_unit_test(sub_page_tables_read_back_whole_pages),
		cmocka_unit_test(walk_merges_what_continues),
		cmocka_unit_test(batches_equal_single_calls),
		cmocka_unit_test(strict_findings),
		cmocka_unit_test(aperture_and_limits),
		cmocka_unit_test(faults_leave_nothing),
		cmocka_unit_test(full_arena_is_survived),
		cmocka_unit_test(buffers_and_layouts),
		cmocka_unit_test(huge_buffers_cost_nothing),
		cmocka_unit_test(pins_stop_at_bad_pages),
		cmocka_unit_test(cow_and_remap_leave_pinned_frames),
		cmocka_unit_test(every_state_and_action),
		cmocka_unit_test(values_follow_the_states),
		cmocka_unit_test(parts_of_lines),
		cmocka_unit_test(a_new_epoch_keeps_the_contents),
		cmocka_unit_test(permissions_and_prefixes),
		cmocka_unit_test(stale_entries_live_until_the_sync),
		cmocka_unit_test(real_memory_is_cleaned_where_it_lies),
		cmocka_unit_test(events_in_their_order),
		cmocka_unit_test(snapshot_in_the_middle),
		cmocka_unit_test(machines_do_not_know_each_other),
		cmocka_unit_test(digest_sees_content_only),
		cmocka_unit_test(small_programs_stay_small),
		cmocka_unit_test(counters_outlive_domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
