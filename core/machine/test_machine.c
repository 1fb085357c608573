// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page table against an array of pages, every finding and failure, and the machine as a whole:
 * events, snapshots, digests, counters. Buffers, pins and cache lines: test_memory.c.
 */
#include "core/machine/test_rig.h"

/* --- page table against an array --- */

#define CELLS 6144

/*
 * A window of CELLS smallest pages from @base; want[i] = pa of the cell or 0, call[i] = its map
 * call.
 */
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
	/* What lies at 0 does not continue it, though it is physically contiguous. */
	assert_int_equal(domain_map(d, 0, pa + 8192, 4096, DOMAIN_READ), 0);
	assert_int_equal(domain_read_run(d, -4096ULL, 100, &pfn), 1);
	assert_int_equal(domain_read_runs(d, -8192ULL, 100, runs, 4, &nr), 2);
	assert_int_equal(nr, 1);
	assert_int_equal(machine_dma_write(r->m, d, -4ULL, out, 4, false), 0);
	assert_int_equal(machine_dma_read(r->m, d, -4ULL, in, 4, false), 0);
	assert_memory_equal(in, out, 4);
	assert_int_equal(machine_dma_read(r->m, d, -2ULL, in, 4, false), -EFAULT);
	assert_int_equal(domain_map(d, -512ULL, pa, 1024, DOMAIN_READ), -ERANGE);
	assert_int_equal(domain_unmap(d, -8192ULL, 8192), 8192);
	assert_int_equal(domain_leaves(d), 8);
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

/* The short ways for one page, which only exist unobserved, meet pages made of smaller ones. */
static void short_ways_know_sub_pages(void **state)
{
	struct rig *r = rig_new(MACHINE_MEMORY_NONE, NULL, false);
	struct domain *d = domain_new(r, false, 0x1200);
	u64 blocks, pa;
	u32 prot;

	blocks = arena_live_blocks(r->arena);
	for (u64 page = 0; page < 600; page += page < 4 ? 1 : 60) {
		assert_int_equal(domain_map(d, page << 12, (page + 9) << 12, 4096, DOMAIN_READ), 0);
		for (u64 i = 0; i < 8; i++)
			assert_int_equal(domain_map(d, (700 + page) * 4096 + i * 512,
						    0x100000 + i * 1024, 512, DOMAIN_READ),
					 0);
		assert_int_equal(domain_map(d, (700 + page) << 12, 4096, 4096, DOMAIN_READ),
				 -EEXIST);
	}
	assert_int_equal(domain_unmap(d, 701 << 12, 4096), 4096);
	assert_false(domain_probe(d, (701 << 12) + 512, &pa, &prot));
	assert_int_equal(domain_unmap(d, 702 << 12, 512), 512);
	assert_int_equal(domain_unmap(d, 702 << 12, 4096), 7 * 512);
	assert_int_equal(domain_unmap(d, 0, 4096), 4096);
	assert_int_equal(domain_unmap(d, 0, 4096), 0);
	domain_unmap(d, 0, 1 << 24);
	assert_int_equal(domain_leaves(d), 0);
	assert_int_equal(arena_live_blocks(r->arena), blocks);
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

/* --- findings, failures --- */

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

	blocks = arena_live_blocks(r->arena);
	for (u32 nth = 1; rc; nth++, pages++) {
		assert_int_equal(domain_map(d, 0x8000000000, 0x100000, 4096, DOMAIN_READ), 0);
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
		/* No empty node is left behind: without the other page the table is gone. */
		domain_unmap(d, 0x8000000000, 4096);
		domain_iotlb_sync(d);
		assert_int_equal(arena_live_blocks(r->arena), blocks);
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

/* --- the whole --- */

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
		cmocka_unit_test(short_ways_know_sub_pages),
		cmocka_unit_test(walk_merges_what_continues),
		cmocka_unit_test(batches_equal_single_calls),
		cmocka_unit_test(strict_findings),
		cmocka_unit_test(aperture_and_limits),
		cmocka_unit_test(faults_leave_nothing),
		cmocka_unit_test(full_arena_is_survived),
		cmocka_unit_test(events_in_their_order),
		cmocka_unit_test(snapshot_in_the_middle),
		cmocka_unit_test(machines_do_not_know_each_other),
		cmocka_unit_test(digest_sees_content_only),
		cmocka_unit_test(small_programs_stay_small),
		cmocka_unit_test(counters_outlive_domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
