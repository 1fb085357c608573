// SPDX-License-Identifier: GPL-2.0-only
/*
 * Short sequences of the kinds that carried most bugs of the kernel's page core, or that tell flush
 * policies apart. Each leaves its objects behind, for the random ops around it.
 */
#include "core/compat/fault.h"
#include "core/op/gen_priv.h"

static u32 other_table(struct gen *g, u32 table)
{
	return (table + 1) % g->nr_tables;
}

static bool nc(struct gen *g)
{
	return gen_chance(g, g->nc_of_8, 8);
}

/* A new area of a few pages in @table; false: no buffer is left for one. */
static bool map_some(struct gen *g, u32 table, u64 iova, bool fixed, u32 *area, u32 *npages)
{
	u32 before = g->nr_areas;

	gen_map_pages(g, table, 1 + gen_below(g, g->cfg->max_pages), iova, fixed);
	*area = before;
	if (g->nr_areas == before || before >= GEN_AREAS)
		return false;
	*npages = g->areas[before].npages;
	return true;
}

static u64 slot(u32 n)
{
	return 0x100000 + 0x8000ULL * n;
}

/* What is known of the pages outlives the pins. */
static void scene_replug(struct gen *g)
{
	u32 t = gen_any_table(g), area, n;
	bool first = nc(g);

	if (!map_some(g, t, 0, false, &area, &n))
		return;
	for (u32 i = 1 + gen_below(g, 2); i; i--) {
		gen_attach_to(g, t, first, 0);
		gen_detach_from(g, t);
	}
	gen_attach_to(g, t, nc(g), 0);
}

/* One object in two areas of a table, then a domain that fills both, the copy's pages first. */
static void scene_slices(struct gen *g)
{
	u32 t = gen_any_table(g), area, n, first;
	u32 at = gen_below(g, 16);

	if (!map_some(g, t, slot(16 + at), true, &area, &n))
		return;
	first = gen_below(g, n);
	gen_copy_page(g, t, area, first, 1 + gen_below(g, n - first), slot(at), true);
	gen_attach_to(g, t, nc(g), 0);
}

static void scene_churn(struct gen *g)
{
	u32 t = gen_any_table(g), to = other_table(g, t), area, n;

	gen_attach_to(g, to, nc(g), 0);
	if (!map_some(g, t, 0, false, &area, &n))
		return;
	for (u32 i = 2 + gen_below(g, 4); i && !gen_full(g); i--) {
		u32 copy = g->nr_areas;

		gen_copy_page(g, to, area, gen_below(g, n), 1, 0, false);
		if (g->nr_areas > copy)
			gen_unmap_area(g, to, copy, true);
	}
}

/* An attach that fails, of a domain of the other kind, with something mapped or not. */
static void scene_failed_attach(struct gen *g)
{
	u32 t = gen_any_table(g), area, n, nth;
	bool early = gen_chance(g, 1, 2);

	if (!g->cfg->failures)
		return;
	gen_attach_to(g, t, nc(g), 0);
	if (early && !map_some(g, t, 0, false, &area, &n))
		return;
	nth = 1 + gen_below(g, 16);
	gen_attach_to(g, t, gen_chance(g, 1, 2), nth);
	if (map_some(g, t, 0, false, &area, &n))
		gen_unmap_area(g, t, area, true);
}

/* A contiguous run with a pin inside, and the last domain leaves. */
static void scene_run_pins(struct gen *g)
{
	struct op layout = {.code = OP_LAYOUT, .flags = OPF_WHOLE};
	u32 t = gen_any_table(g), area, n, first;

	if (g->cfg->aliases && g->nr_buffers) {
		op_set_ref(&layout, 0, gen_below(g, g->nr_buffers), true);
		layout.addr = 1 + gen_below(g, g->cfg->max_pages);
		gen_add_plain(g, layout);
	}
	if (!map_some(g, t, 0, false, &area, &n))
		return;
	if (gen_chance(g, 1, 3))
		gen_pin_pages(g, area, gen_below(g, n), 1);
	gen_attach_to(g, t, nc(g), 0);
	first = n > 2 ? 1 + gen_below(g, n - 2) : 0;
	gen_pin_pages(g, area, first, 1 + gen_below(g, n - first));
	if (gen_chance(g, 1, 3))
		gen_attach_to(g, t, nc(g), 0);
	while (g->tables[t].domains)
		gen_detach_from(g, t);
	if (gen_chance(g, 1, 2))
		gen_unmap_area(g, t, area, true);
}

/* An area is cut, then everything that walks the trees. */
static void scene_split(struct gen *g)
{
	struct op cut = {.code = OP_CUT};
	u32 t = gen_any_table(g), area, n, at;

	if (!g->cfg->cuts || !map_some(g, t, 0, false, &area, &n) || n < 2)
		return;
	if (!g->large_pages || gen_chance(g, 1, 3))
		gen_attach_to(g, t, nc(g), 0);
	at = 1 + gen_below(g, n - 1);
	gen_set_table(g, &cut, 0, t);
	op_set_ref(&cut, 2, area, true);
	op_set_addr(&cut, OP_ADDR_AREA, (u64)at * PAGE_SIZE - 1);
	g->tables[t].areas++;
	gen_add(g, cut);
	g->areas[area].npages = at; /* what begins there now */
	if (gen_chance(g, 1, 2))
		gen_attach_to(g, t, nc(g), 0);
	if (gen_chance(g, 1, 2))
		gen_pin_pages(g, area, 0, at);
	gen_unmap_area(g, t, area, true);
	gen_detach_from(g, t);
}

static void add_copy_of_both(struct gen *g, u32 to, u32 from, u64 iova, u32 npages)
{
	struct op copy = {.code = OP_COPY, .flags = OPF_SOURCE | OPF_READ | OPF_WRITE};
	u32 nth;

	gen_set_table(g, &copy, 0, to);
	gen_set_table(g, &copy, 1, from);
	op_set_addr(&copy, OP_ADDR_ABS, iova);
	op_set_len(&copy, (u64)npages * PAGE_SIZE);
	if (g->cfg->failures && gen_chance(g, 1, 2)) {
		nth = 1 + gen_below(g, 8);
		op_set_fail(&copy, gen_chance(g, 1, 2) ? FAULT_MAP : FAULT_ANY, nth);
	}
	g->nr_areas++;
	g->tables[to].areas += 2;
	gen_add(g, copy);
}

static void attach_late(struct gen *g, u32 table)
{
	u32 nth = g->cfg->failures ? 2 + gen_below(g, 12) : 0;

	gen_attach_to(g, table, nc(g), nth);
}

/* The second of two things fails: the second slice of a copy, the second area of an attach. */
static void scene_pair(struct gen *g)
{
	u32 t = gen_any_table(g), to = gen_any_table(g), a, b, n, m;
	u64 iova = slot(32 + gen_below(g, 8) * 4);

	if (!g->cfg->copies || g->nr_areas + 3 > GEN_AREAS || !map_some(g, t, iova, true, &a, &n) ||
	    !map_some(g, t, iova + (u64)n * PAGE_SIZE, true, &b, &m))
		return;
	if (gen_chance(g, 2, 3))
		gen_attach_to(g, to, nc(g), 0);
	g->areas[g->nr_areas].npages = 0;
	add_copy_of_both(g, to, t, iova, n + m);
	if (gen_chance(g, 1, 2))
		attach_late(g, t);
}

/* The storage domain leaves, others stay. */
static void scene_storage(struct gen *g)
{
	u32 t = gen_any_table(g), area, n;
	bool first = nc(g);

	gen_attach_to(g, t, first, 0);
	gen_attach_to(g, t, !first, 0);
	if (!map_some(g, t, 0, false, &area, &n))
		return;
	gen_detach_from(g, t);
	if (gen_chance(g, 1, 2))
		gen_attach_to(g, t, nc(g), 0);
	gen_unmap_area(g, t, area, true);
}

/* Pins outlive the areas and domains through which the pages were mapped. */
static void scene_held(struct gen *g)
{
	u32 t = gen_any_table(g), to = other_table(g, t), area, n, copy;

	gen_attach_to(g, to, nc(g), 0);
	if (!map_some(g, t, 0, false, &area, &n))
		return;
	gen_pin_pages(g, area, 0, 1 + gen_below(g, n));
	copy = g->nr_areas;
	gen_copy_page(g, to, area, 0, n, 0, false);
	if (g->nr_areas > copy && gen_chance(g, 2, 3))
		gen_unmap_area(g, to, copy, true);
	gen_attach_to(g, t, nc(g), 0);
	if (gen_chance(g, 1, 2))
		gen_detach_from(g, t);
	if (gen_chance(g, 1, 2))
		gen_unmap_area(g, t, area, true);
}

/* Parts of an object are in other tables, each with a storage of its own, when a domain wants the
 * whole. */
static void scene_parts(struct gen *g)
{
	u32 t = gen_any_table(g), to = t, area, n, first;

	if (g->nr_tables < 2 || !map_some(g, t, 0, false, &area, &n) || n < 2)
		return;
	while (g->tables[t].domains)
		gen_detach_from(g, t);
	for (u32 i = 1 + gen_below(g, 3); i && !gen_full(g); i--) {
		to = other_table(g, to);
		if (to == t)
			continue;
		if (!g->tables[to].domains || gen_chance(g, 1, 4))
			gen_attach_to(g, to, nc(g), 0);
		first = gen_below(g, n);
		gen_copy_page(g, to, area, first, 1 + gen_below(g, n - first), 0, false);
	}
	gen_attach_to(g, t, nc(g), 0);
}

/* An access moves while it holds pins; the second table may refuse it. */
static void scene_replace(struct gen *g)
{
	struct op op = {.code = OP_ACCESS_REPLACE};
	u32 t = gen_any_table(g), area, n;

	if (!g->cfg->accesses || !map_some(g, t, 0, false, &area, &n))
		return;
	gen_pin_pages(g, area, 0, n);
	if (!g->nr_accesses)
		return;
	op_set_ref(&op, 0, gen_below(g, g->nr_accesses), false);
	gen_set_table(g, &op, 1, other_table(g, t));
	if (g->cfg->failures && gen_chance(g, 1, 2))
		op_set_fail(&op, FAULT_ANY, 1 + gen_below(g, 4));
	gen_add(g, op);
	gen_unmap_area(g, t, area, true);
}

/* Areas that touch 0, 2^63 and the last byte, with a domain. */
static void scene_edge(struct gen *g)
{
	struct op op = {.code = OP_UNMAP};
	u32 t = gen_any_table(g), n = 1 + gen_below(g, g->cfg->max_pages);
	u64 len = (u64)n * PAGE_SIZE, at = 0;

	if (gen_chance(g, 1, 2))
		gen_attach_to(g, t, nc(g), 0);
	if (gen_chance(g, 2, 3))
		at = gen_chance(g, 1, 2) ? -len : (1ULL << 63) - PAGE_SIZE;
	gen_map_pages(g, t, n, at, true);
	if (gen_chance(g, 1, 2))
		gen_attach_to(g, t, nc(g), 0);
	gen_set_table(g, &op, 0, t);
	op_set_addr(&op, OP_ADDR_ABS, at);
	op_set_len(&op, gen_chance(g, 1, 2) ? len : -at);
	gen_add(g, op);
}

void gen_scene(struct gen *g)
{
	static void (*const scenes[])(struct gen * g) = {
		scene_replug,	scene_slices, scene_churn,    scene_failed_attach,
		scene_run_pins, scene_parts,  scene_run_pins, scene_split,
		scene_split,	scene_pair,   scene_pair,     scene_storage,
		scene_held,	scene_held,   scene_replace,  scene_edge,
	};

	scenes[gen_below(g, ARRAY_SIZE(scenes))](g);
}
