// SPDX-License-Identifier: GPL-2.0-only
/*
 * Single random ops. References are mostly "n-th live", so that they hit something however the
 * requests before went; the part of an area that a copy or pin names comes from areas made earlier,
 * by identity, or is small.
 */
#include "core/op/gen_priv.h"

#define RW (OPF_READ | OPF_WRITE)

/* --- references -------------------------------------------------------------- */

/* Tables are counted exactly and die only at the end: n-th live and identity agree. */
u32 gen_any_table(struct gen *g)
{
	return gen_below(g, g->nr_tables);
}

void gen_set_table(struct gen *g, struct op *op, unsigned int slot, u32 table)
{
	op_set_ref(op, slot, table, gen_chance(g, 1, 4));
}

static void set_nth(struct gen *g, struct op *op, unsigned int slot, u32 ever)
{
	op_set_ref(op, slot, gen_below(g, ever + 1), false);
}

/* An area of which the length is known, or nr_areas: none. */
static u32 known_area(struct gen *g)
{
	u32 known = min(g->nr_areas, (u32)GEN_AREAS);
	u32 id = gen_below(g, known);

	/* Young ones are more likely to be there still. */
	if (known > 6 && gen_chance(g, 3, 4))
		id = known - 1 - gen_below(g, 6);
	return known && g->areas[id].npages ? id : g->nr_areas;
}

static u32 some_npages(struct gen *g)
{
	u32 most = g->cfg->max_pages;

	return 1 + gen_below(g, gen_chance(g, 1, 3) ? min(most, 2u) : most);
}

static u64 edge_iova(struct gen *g, u64 len)
{
	switch (gen_below(g, 5)) {
	case 0:
		return 0;
	case 1:
		return -len; /* ends with the last byte */
	case 2:
		return (1ULL << 63) - len;
	case 3:
		return 1ULL << 63;
	default:
		return (1ULL << 63) - (len / 2 & ~(u64)(g->unit - 1));
	}
}

/* A few slots: fixed addresses are to collide sometimes, and to lie below each other. */
static u64 some_iova(struct gen *g, u64 len)
{
	u64 iova;

	if (gen_chance(g, g->edge_of_16, 16))
		return edge_iova(g, len);
	iova = 0x100000 + 0x8000ULL * gen_below(g, 32);
	return iova + (gen_chance(g, 1, 8) ? g->unit : 0);
}

static void set_iova(struct gen *g, struct op *op, u64 len)
{
	bool relative = op_info(op->code)->modes >> OP_ADDR_AREA & 1;
	u32 how = gen_below(g, 8);

	op_set_addr(op, OP_ADDR_AUTO, 0);
	if (how < 4)
		return;
	if (how == 4 && relative && !op_slot(op, 2)) {
		op_set_ref(op, 2, gen_below(g, g->nr_areas + 1), false);
		op_set_addr(op, OP_ADDR_AREA, gen_chance(g, 1, 2) ? len : -len);
		return;
	}
	op_set_addr(op, OP_ADDR_ABS, some_iova(g, len));
}

static void set_prot(struct gen *g, struct op *op)
{
	u32 how = gen_below(g, 16);

	op->flags |= how == 0 ? OPF_READ : how == 1 ? OPF_WRITE : RW;
	if (g->cfg->bad && gen_chance(g, 1, 32))
		op->flags &= ~RW;
}

/* --- tables and buffers ------------------------------------------------------ */

void gen_table(struct gen *g)
{
	struct op huge = {.code = OP_HUGE_PAGES};

	if (g->nr_tables == g->cfg->max_tables)
		return;
	gen_add_plain(g, (struct op){.code = OP_TABLE});
	op_set_ref(&huge, 0, g->nr_tables++, true);
	if (!g->large_pages)
		gen_add_plain(g, huge);
}

/* At an end of the address space, or aligned like no other. */
static void set_buffer_place(struct gen *g, struct op *op)
{
	u64 huge = 1ULL << (30 + gen_below(g, 10));

	if (gen_chance(g, 1, 2))
		op_set_addr(op, OP_ADDR_END, (u64)op->arg * PAGE_SIZE - 1);
	else
		op_set_addr(op, OP_ADDR_ABS, gen_chance(g, 1, 2) ? huge : 0);
}

u32 gen_buffer(struct gen *g, u32 npages)
{
	struct op op = {.code = OP_BUFFER};
	u32 id;

	if (g->nr_buffers == GEN_BUFFERS ||
	    (g->nr_buffers && g->cfg->aliases && gen_chance(g, 1, 2)))
		return gen_below(g, g->nr_buffers);
	id = g->nr_buffers++;
	op.arg = npages;
	op_set_addr(&op, OP_ADDR_AUTO, 0);
	if (g->cfg->bad && gen_chance(g, 1, 32))
		set_buffer_place(g, &op);
	if (g->cfg->tasks && gen_chance(g, 1, 4))
		op.thread = 1;
	gen_add_plain(g, op);
	g->buffers[id].npages = npages;
	if (gen_chance(g, 1, 3)) {
		struct op layout = {.code = OP_LAYOUT, .flags = OPF_WHOLE};

		op_set_ref(&layout, 0, id, true);
		layout.addr = 1 + gen_below(g, 3);
		gen_add_plain(g, layout);
	}
	return id;
}

static void set_pages(struct gen *g, struct op *op)
{
	u32 id = gen_below(g, g->nr_buffers), n = g->buffers[id].npages;
	u32 first = gen_below(g, n);

	op_set_ref(op, 0, id, true);
	op->arg = first;
	op_set_len(op, 1 + gen_below(g, n - first));
}

static void gen_layout(struct gen *g)
{
	struct op op = {.code = gen_chance(g, 1, 2) ? OP_LAYOUT : OP_REMAP};

	if (!g->cfg->aliases || !g->nr_buffers)
		return;
	set_pages(g, &op);
	op.addr = 1 + gen_below(g, 4);
	gen_add(g, op);
}

static void gen_alias(struct gen *g)
{
	struct op op = {.code = OP_ALIAS};
	u32 to = gen_below(g, g->nr_buffers), from = gen_below(g, g->nr_buffers);

	if (!g->cfg->aliases || !g->nr_buffers)
		return;
	op_set_ref(&op, 0, to, true);
	op_set_ref(&op, 1, from, true);
	op.arg = gen_below(g, g->buffers[to].npages);
	op.addr = gen_below(g, g->buffers[from].npages);
	gen_add(g, op);
}

static void gen_page_flags(struct gen *g)
{
	struct op op = {.code = OP_PAGE_FLAGS};

	if (!g->cfg->holes || !g->nr_buffers)
		return;
	set_pages(g, &op);
	op.addr = 1u << gen_below(g, 6);
	gen_add(g, op);
}

/* --- domains ----------------------------------------------------------------- */

/* Open at one end, the other, or none. */
static void set_aperture(struct gen *g, struct op *op)
{
	u64 first = gen_chance(g, 1, 2) ? 0 : 0x8000ULL * gen_below(g, 40);

	op->addr = first;
	op_set_len(op, first && gen_chance(g, 1, 2) ? -first : 0x140000);
}

void gen_attach_to(struct gen *g, u32 table, bool nc, u32 fail_nth)
{
	struct op op = {.code = OP_ATTACH, .flags = nc ? OPF_NC : 0};

	if (g->tables[table].domains >= g->cfg->max_domains)
		return;
	gen_set_table(g, &op, 0, table);
	op.arg = g->unit < PAGE_SIZE ? (u32)((g->unit | 0x200000) >> 9) : 0;
	if (!op.arg && gen_chance(g, 1, 8))
		op.arg = PAGE_SIZE >> 9;
	if (g->cfg->failures && gen_chance(g, 1, 16))
		op_set_slot(&op, 1, 1 + gen_below(g, 2 * g->cfg->max_pages));
	if (g->cfg->failures && g->cfg->bad && gen_chance(g, 1, 16))
		set_aperture(g, &op);
	if (g->cfg->bad && gen_chance(g, 1, 48))
		op.arg = (2 * PAGE_SIZE) >> 9; /* no area can be aligned to that */
	op_set_fail(&op, 0, fail_nth);
	g->tables[table].last_domain = g->nr_domains++;
	g->tables[table].domains++;
	gen_add(g, op);
}

void gen_detach_from(struct gen *g, u32 table)
{
	struct op op = {.code = OP_DETACH};

	gen_set_table(g, &op, 0, table);
	op_set_ref(&op, 1, gen_below(g, g->tables[table].domains + 1), false);
	if (g->tables[table].domains)
		g->tables[table].domains--;
	gen_add_plain(g, op);
}

static void gen_attach(struct gen *g)
{
	u32 table = gen_any_table(g);
	struct op op = {.code = OP_REATTACH};

	if (g->cfg->failures && g->nr_domains && gen_chance(g, 1, 32)) {
		gen_set_table(g, &op, 0, table);
		set_nth(g, &op, 1, g->nr_domains);
		gen_add(g, op);
	} else {
		gen_attach_to(g, table, gen_chance(g, g->nc_of_8, 8), 0);
	}
}

static void gen_detach(struct gen *g)
{
	u32 table = gen_any_table(g);

	if (g->tables[table].domains)
		gen_detach_from(g, table);
}

/* --- areas ------------------------------------------------------------------- */

static void note_area(struct gen *g, u32 table, u32 npages)
{
	if (g->nr_areas < GEN_AREAS) {
		g->areas[g->nr_areas].table = table;
		g->areas[g->nr_areas].npages = npages;
	}
	g->nr_areas++;
	g->tables[table].areas++;
}

/* A buffer that may be mapped (again). False: none is left. */
static bool buffer_to_map(struct gen *g, u32 npages, u32 *id)
{
	*id = gen_buffer(g, npages);
	if (!g->cfg->aliases && g->buffers[*id].mapped)
		return false;
	g->buffers[*id].mapped = true;
	return true;
}

void gen_map_pages(struct gen *g, u32 table, u32 npages, u64 iova, bool fixed)
{
	struct op op = {.code = OP_MAP, .flags = RW | OPF_WHOLE};
	u32 buffer;

	if (!buffer_to_map(g, npages, &buffer))
		return;
	gen_set_table(g, &op, 0, table);
	op_set_ref(&op, 1, buffer, true);
	op_set_addr(&op, fixed ? OP_ADDR_ABS : OP_ADDR_AUTO, iova);
	note_area(g, table, g->buffers[buffer].npages);
	gen_add(g, op);
}

static void set_map_bytes(struct gen *g, struct op *op, u32 npages, u64 *len)
{
	u64 units = (u64)npages * PAGE_SIZE / g->unit, first = gen_below(g, units);
	u64 off = first * g->unit;

	*len = (1 + gen_below(g, units - first)) * g->unit;
	op->arg = off >> PAGE_SHIFT;
	op_set_slot(op, 2, off & PAGE_MASK);
	op_set_len(op, *len);
}

static void bad_length(struct gen *g, struct op *op)
{
	static const u64 lengths[] = {0,	   1,	       -1ULL, -PAGE_SIZE,
				      -0x10000ULL, 1ULL << 46, 0xfff, 0x1001};

	op->flags &= ~(OPF_PAGES | OPF_WHOLE);
	op_set_len(op, lengths[gen_below(g, ARRAY_SIZE(lengths))]);
}

static void gen_map(struct gen *g)
{
	struct op op = {.code = OP_MAP};
	u32 table = gen_any_table(g), buffer, npages, first;
	u64 len;

	if (!buffer_to_map(g, some_npages(g), &buffer))
		return;
	npages = g->buffers[buffer].npages;
	gen_set_table(g, &op, 0, table);
	op_set_ref(&op, 1, buffer, true);
	if (g->unit < PAGE_SIZE && gen_chance(g, 3, 4)) {
		set_map_bytes(g, &op, npages, &len);
		note_area(g, table, 0);
	} else {
		first = gen_chance(g, 1, 3) ? gen_below(g, npages) : 0;
		npages = gen_chance(g, 1, 3) ? 1 + gen_below(g, npages - first) : npages - first;
		op.flags |= OPF_PAGES;
		op.arg = first;
		op_set_len(&op, npages);
		len = (u64)npages * PAGE_SIZE;
		note_area(g, table, npages);
	}
	set_prot(g, &op);
	set_iova(g, &op, len);
	if (g->cfg->bad && gen_chance(g, 1, 32))
		bad_length(g, &op);
	gen_add(g, op);
}

void gen_copy_page(struct gen *g, u32 table, u32 area, u32 first, u32 npages, u64 iova, bool fixed)
{
	struct op op = {.code = OP_COPY, .flags = RW | OPF_PAGES};

	if (!g->cfg->copies)
		return;
	gen_set_table(g, &op, 0, table);
	op_set_ref(&op, 2, area, true);
	op.arg = first;
	op_set_len(&op, npages);
	op_set_addr(&op, fixed ? OP_ADDR_ABS : OP_ADDR_AUTO, iova);
	note_area(g, table, npages);
	gen_add(g, op);
}

/* Of an area by identity, any part; of the n-th live one the whole or its first pages. */
static void set_slice(struct gen *g, struct op *op, u32 *npages)
{
	u32 id = known_area(g), first = 0;

	*npages = 1;
	if (id < g->nr_areas) {
		first = gen_below(g, g->areas[id].npages);
		*npages = 1 + gen_below(g, g->areas[id].npages - first);
		op_set_ref(op, 2, id, true);
	} else {
		gen_set_table(g, op, 1, gen_any_table(g));
		op->flags &= ~OPF_ID1;
		set_nth(g, op, 2, g->nr_areas);
	}
	if (id == g->nr_areas && (g->unit < PAGE_SIZE || gen_chance(g, 1, 2))) {
		op->flags |= OPF_WHOLE;
		*npages = 0;
		return;
	}
	op->flags |= OPF_PAGES;
	op->arg = first;
	op_set_len(op, *npages);
}

static void gen_copy(struct gen *g)
{
	struct op op = {.code = OP_COPY};
	u32 table = gen_any_table(g), npages;

	if (!g->cfg->copies || !g->nr_areas)
		return;
	gen_set_table(g, &op, 0, table);
	set_slice(g, &op, &npages);
	set_prot(g, &op);
	/* Slot 2 is taken: no address relative to an area. */
	op_set_addr(&op, OP_ADDR_AUTO, 0);
	if (gen_chance(g, 3, 8))
		op_set_addr(&op, OP_ADDR_ABS, some_iova(g, (u64)npages * PAGE_SIZE));
	note_area(g, table, npages);
	gen_add(g, op);
}

static void gen_cut(struct gen *g)
{
	struct op op = {.code = OP_CUT};
	u32 table = gen_any_table(g);

	if (!g->cfg->cuts || !g->tables[table].areas)
		return;
	gen_set_table(g, &op, 0, table);
	set_nth(g, &op, 2, g->tables[table].areas);
	op_set_addr(&op, OP_ADDR_AREA, (1 + gen_below(g, 4)) * (u64)g->unit - 1);
	g->tables[table].areas++;
	gen_add(g, op);
}

/* What is unmapped is rarely worth another word. */
static void forget_area(struct gen *g, u32 id)
{
	if (id < GEN_AREAS && gen_chance(g, 7, 8))
		g->areas[id].npages = 0;
}

void gen_unmap_area(struct gen *g, u32 table, u32 n, bool by_id)
{
	struct op op = {.code = OP_UNMAP, .flags = OPF_WHOLE};

	gen_set_table(g, &op, 0, table);
	op_set_ref(&op, 2, n, by_id);
	op_set_addr(&op, OP_ADDR_AREA, 0);
	if (by_id)
		forget_area(g, n);
	if (g->tables[table].areas)
		g->tables[table].areas--;
	gen_add(g, op);
}

/* More, less or elsewhere than one area. */
static void gen_unmap_range(struct gen *g, u32 table)
{
	struct op op = {.code = OP_UNMAP};
	u64 units = 1 + gen_below(g, 16);

	gen_set_table(g, &op, 0, table);
	if (gen_chance(g, 1, 2)) {
		set_nth(g, &op, 2, g->tables[table].areas);
		op_set_addr(&op, OP_ADDR_AREA,
			    gen_chance(g, 1, 2) ? -(u64)g->unit : (u64)g->unit * gen_below(g, 2));
	} else {
		op_set_addr(&op, OP_ADDR_ABS, some_iova(g, units * g->unit));
		units *= 8;
	}
	op_set_len(&op, units * g->unit);
	gen_add(g, op);
}

static void gen_unmap(struct gen *g)
{
	u32 table = gen_any_table(g), id = known_area(g);
	struct op op = {.code = OP_UNMAP_ALL};

	if (!g->tables[table].areas)
		return;
	if (gen_chance(g, 1, 24)) {
		gen_set_table(g, &op, 0, table);
		g->tables[table].areas = 0;
		for (u32 i = 0; i < min(g->nr_areas, (u32)GEN_AREAS); i++)
			if (g->areas[i].table == table)
				forget_area(g, i);
		gen_add(g, op);
	} else if (gen_chance(g, 1, 6)) {
		gen_unmap_range(g, table);
	} else if (id < g->nr_areas && gen_chance(g, 1, 3)) {
		gen_unmap_area(g, g->areas[id].table, id, true);
	} else {
		gen_unmap_area(g, table, gen_below(g, g->tables[table].areas), false);
	}
}

/* --- accesses ---------------------------------------------------------------- */

static void add_access(struct gen *g, u32 table)
{
	struct op op = {.code = OP_ACCESS, .flags = OPF_PIN};

	if (!g->cfg->accesses || g->nr_accesses == GEN_ACCESSES)
		return;
	gen_set_table(g, &op, 0, table);
	if (g->unit < PAGE_SIZE && gen_chance(g, 1, 2))
		op.flags &= ~OPF_PIN; /* it would raise the table's alignment */
	if (g->cfg->bad && gen_chance(g, 1, 24))
		op.arg |= OP_ACCESS_REFUSE;
	if (gen_chance(g, 1, 16))
		op.arg |= OP_ACCESS_NONE;
	g->accesses[g->nr_accesses++].table = op.arg & OP_ACCESS_NONE ? GEN_NO_TABLE : table;
	gen_add(g, op);
}

static void gen_access(struct gen *g)
{
	add_access(g, gen_any_table(g));
}

/* An access on @table, if one is known; a new one, or any, otherwise. False: there is none at all.
 */
static bool set_access(struct gen *g, struct op *op, u32 table)
{
	u32 n = g->nr_accesses, id;

	for (id = 0; id < n && (g->accesses[id].gone || g->accesses[id].table != table); id++)
		;
	/* Not always the first one of the table. */
	for (u32 i = id + 1; i < n; i++)
		if (!g->accesses[i].gone && g->accesses[i].table == table && gen_chance(g, 1, 3))
			id = i;
	if (id == n)
		add_access(g, table);
	if (!g->nr_accesses)
		return false;
	if (id < g->nr_accesses && gen_chance(g, 7, 8))
		op_set_ref(op, 0, id, true);
	else
		set_nth(g, op, 0, g->nr_accesses - 1);
	return true;
}

static u8 random_move(struct gen *g, bool attached)
{
	static const u8 codes[] = {OP_ACCESS_REPLACE, OP_ACCESS_REPLACE, OP_ACCESS_REPLACE,
				   OP_ACCESS_DETACH, OP_ACCESS_DESTROY};

	if (!attached && gen_chance(g, 7, 8))
		return OP_ACCESS_ATTACH;
	if (attached && gen_chance(g, 1, 16))
		return OP_ACCESS_ATTACH;
	return codes[gen_below(g, sizeof(codes))];
}

static void gen_access_move(struct gen *g)
{
	u32 id = gen_below(g, g->nr_accesses), table = gen_any_table(g);
	struct op op = {0};

	if (!g->cfg->accesses || !g->nr_accesses || g->accesses[id].gone)
		return;
	op.code = random_move(g, g->accesses[id].table != GEN_NO_TABLE);
	op_set_ref(&op, 0, id, true);
	if (op.code == OP_ACCESS_DESTROY)
		g->accesses[id].gone = true;
	else if (op.code == OP_ACCESS_DETACH)
		g->accesses[id].table = GEN_NO_TABLE;
	else
		g->accesses[id].table = table;
	gen_set_table(g, &op, 1, table);
	gen_add(g, op);
}

void gen_pin_pages(struct gen *g, u32 area, u32 first, u32 npages)
{
	struct op op = {.code = OP_PIN, .flags = OPF_WRITE | OPF_PAGES};

	if (!g->cfg->accesses || area >= GEN_AREAS || !set_access(g, &op, g->areas[area].table))
		return;
	op_set_ref(&op, 2, area, true);
	op_set_addr(&op, OP_ADDR_AREA, (u64)first << PAGE_SHIFT);
	op_set_len(&op, npages);
	g->nr_pins++;
	g->pins++;
	gen_add(g, op);
}

/* Some pages of some area; bytes where @bytes. The table that it is in, as far as that is known. */
static u32 set_span(struct gen *g, struct op *op, bool bytes)
{
	u32 id = known_area(g), n = 1, first = 0;

	if (id < g->nr_areas) {
		op_set_ref(op, 2, id, true);
		first = gen_below(g, g->areas[id].npages);
		n = 1 + gen_below(g, g->areas[id].npages - first);
	} else {
		set_nth(g, op, 2, g->nr_areas);
	}
	op_set_addr(op, OP_ADDR_AREA, (u64)first << PAGE_SHIFT);
	if (bytes) {
		op->addr += gen_below(g, gen_chance(g, 1, 2) ? PAGE_SIZE : 128);
		op_set_len(op, 1 + gen_below(g, gen_chance(g, 1, 4) ? 2 * PAGE_SIZE : 96));
	} else if (gen_chance(g, 1, 8)) {
		op->flags |= OPF_WHOLE;
	} else {
		op->flags |= OPF_PAGES;
		op_set_len(op, n);
	}
	return id < g->nr_areas ? g->areas[id].table : gen_any_table(g);
}

static void gen_pin(struct gen *g)
{
	struct op op = {.code = OP_PIN};

	if (!g->cfg->accesses || !g->nr_areas || !set_access(g, &op, set_span(g, &op, false)))
		return;
	if (gen_chance(g, 3, 4))
		op.flags |= OPF_WRITE;
	if (g->cfg->bad && gen_chance(g, 1, 16))
		op.addr += 512 * (1 + gen_below(g, 7)); /* pages are pinned from their begin */
	/* The same pages once more: equal ranges share, others only overlap. */
	if (g->last_pin.code && gen_chance(g, 1, 3))
		op = g->last_pin;
	g->last_pin = op;
	g->nr_pins++;
	g->pins++;
	gen_add(g, op);
}

static void gen_unpin(struct gen *g)
{
	struct op op = {.code = OP_UNPIN};

	if (!g->pins)
		return;
	set_nth(g, &op, 0, --g->pins);
	gen_add(g, op);
}

static void gen_rw(struct gen *g)
{
	struct op op = {.code = OP_RW};

	if (!g->cfg->rw || !g->nr_areas || !set_access(g, &op, set_span(g, &op, true)))
		return;
	if (gen_chance(g, 1, 2))
		op.flags |= OPF_WRITE;
	if (gen_chance(g, 1, 4))
		op.flags |= OPF_KTHREAD;
	/* Who is not the owner goes by the page, or by the object's own pins. */
	if (gen_chance(g, 1, 2))
		op.thread = 1 + gen_below(g, 2);
	gen_add(g, op);
}

/* --- values, options, machine ------------------------------------------------ */

static void gen_cpu(struct gen *g)
{
	struct op op = {.code = gen_chance(g, 2, 3) ? OP_STORE : OP_LOAD};
	u32 id = gen_below(g, g->nr_buffers);

	if (!g->cfg->values || !g->nr_buffers)
		return;
	op_set_ref(&op, 0, id, true);
	op.addr = gen_below(g, g->buffers[id].npages * PAGE_SIZE);
	op_set_len(&op, 1 + gen_below(g, 96));
	op.arg = (u32)gen_u64(g);
	gen_add(g, op);
}

static void gen_dma(struct gen *g)
{
	struct op op = {.code = gen_chance(g, 1, 2) ? OP_DMA_READ : OP_DMA_WRITE};

	if (!g->cfg->values || !g->nr_areas || !g->nr_domains)
		return;
	set_nth(g, &op, 0, g->nr_domains);
	set_span(g, &op, true);
	if (gen_chance(g, 3, 4))
		op.flags |= OPF_NC;
	op.arg = (u32)gen_u64(g);
	gen_add(g, op);
}

static void gen_evict(struct gen *g)
{
	struct op op = {.code = OP_EVICT};

	if (!g->cfg->values || !g->nr_buffers)
		return;
	set_pages(g, &op);
	gen_add(g, op);
}

static void gen_allow(struct gen *g, u32 table)
{
	struct op op = {.code = OP_ALLOW}, more = {.code = OP_MORE};

	gen_set_table(g, &op, 0, table);
	if (gen_chance(g, 1, 3)) {
		op.flags |= OPF_WHOLE;
	} else {
		op.addr = 0x8000ULL * gen_below(g, 48);
		op_set_len(&op, 0x8000ULL * (1 + gen_below(g, 32)));
		/* One byte is too little; nothing ends before it begins. */
		if (g->cfg->bad && gen_chance(g, 1, 6))
			op_set_len(&op, gen_below(g, 3));
	}
	gen_add(g, op);
	if (op.flags & OPF_WHOLE || gen_chance(g, 1, 2))
		return;
	op_set_addr(&more, OP_ADDR_ABS,
		    (gen_chance(g, 1, 4) ? 0 : 0x200000) + 0x8000ULL * gen_below(g, 48));
	op_set_len(&more, 0x8000ULL * (1 + gen_below(g, 32)));
	gen_add_plain(g, more);
}

static void gen_reserve(struct gen *g, u32 table)
{
	struct op op = {.code = gen_chance(g, 2, 3) ? OP_RESERVE : OP_UNRESERVE};
	u64 len = (u64)g->unit * (1 + gen_below(g, 32));

	gen_set_table(g, &op, 0, table);
	op_set_addr(&op, OP_ADDR_ABS, some_iova(g, len));
	/* A range of nothing ends before it begins. */
	op_set_len(&op, g->cfg->bad && gen_chance(g, 1, 6) ? 0 : len);
	gen_add(g, op);
}

static void gen_option(struct gen *g)
{
	u32 table = gen_any_table(g);
	struct op op = {.code = gen_chance(g, 1, 2) ? OP_HUGE_PAGES : OP_RANGES};

	if (!g->cfg->options)
		return;
	switch (gen_below(g, 4)) {
	case 0:
		return gen_allow(g, table);
	case 1:
		return gen_reserve(g, table);
	default:
		break;
	}
	gen_set_table(g, &op, 0, table);
	if (op.code == OP_RANGES)
		op.arg = gen_below(g, 4);
	else if (gen_chance(g, 1, 4))
		op.flags |= OPF_GET;
	else
		op.arg = gen_below(g, g->cfg->bad ? 3 : 2);
	gen_add(g, op);
}

static void gen_task(struct gen *g)
{
	static const u8 codes[] = {OP_RLIMIT, OP_CAP, OP_RLIMIT_MODE, OP_CAP, OP_RLIMIT, OP_EXIT};
	struct op op = {.code = codes[gen_below(g, sizeof(codes))]};

	op.thread = gen_below(g, 2);
	if (!g->cfg->tasks)
		return;
	if (op.code == OP_EXIT && gen_chance(g, 3, 4))
		return;
	op.addr = op.code == OP_RLIMIT ? gen_below(g, 4 * g->cfg->max_pages) : 0;
	op.arg = op.code == OP_CAP ? 1u << gen_below(g, 4) : gen_below(g, 2);
	gen_add_plain(g, op);
}

static void gen_check(struct gen *g)
{
	if (g->cfg->checks)
		gen_add_plain(g, (struct op){.code = OP_CHECK});
}

/* --- choice ------------------------------------------------------------------ */

static const struct {
	void (*fn)(struct gen *g);
	u8 weight;
	bool always; /* the swarm does not switch it off */
} actions[] = {
	{gen_map, 14, true},	{gen_copy, 12, false},	     {gen_cut, 4, false},
	{gen_unmap, 14, false}, {gen_attach, 12, true},	     {gen_detach, 10, false},
	{gen_access, 3, false}, {gen_access_move, 3, false}, {gen_pin, 8, false},
	{gen_unpin, 6, false},	{gen_rw, 5, false},	     {gen_layout, 2, false},
	{gen_alias, 2, false},	{gen_page_flags, 2, false},  {gen_cpu, 4, false},
	{gen_dma, 5, false},	{gen_evict, 1, false},	     {gen_option, 3, false},
	{gen_task, 2, false},	{gen_check, 1, false},	     {gen_table, 1, false},
};
static_assert(ARRAY_SIZE(actions) <= 32, "one bit each");

void gen_choose_actions(struct gen *g)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(actions); i++)
		if (actions[i].always || gen_chance(g, 2, 3))
			g->on |= 1u << i;
}

void gen_random_op(struct gen *g)
{
	u32 sum = 0, at;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(actions); i++)
		sum += g->on >> i & 1 ? actions[i].weight : 0;
	at = gen_below(g, sum);
	for (i = 0; i < ARRAY_SIZE(actions); i++) {
		if (!(g->on >> i & 1))
			continue;
		if (at < actions[i].weight)
			return actions[i].fn(g);
		at -= actions[i].weight;
	}
}

void gen_teardown(struct gen *g)
{
	struct op op;

	for (u32 i = 0; i < g->nr_accesses; i++) {
		op = (struct op){.code = OP_ACCESS_DESTROY};
		op_set_ref(&op, 0, i, true);
		gen_add_plain(g, op);
	}
	for (u32 t = 0; t < g->nr_tables; t++) {
		op = (struct op){.code = OP_UNMAP_ALL};
		op_set_ref(&op, 0, t, true);
		gen_add_plain(g, op);
		for (op.code = OP_DETACH; g->tables[t].domains; g->tables[t].domains--)
			gen_add_plain(g, op);
		op.code = OP_TABLE_DESTROY;
		gen_add_plain(g, op);
	}
	for (u32 i = 0; i < g->nr_buffers; i++) {
		op = (struct op){.code = OP_BUFFER_DESTROY};
		op_set_ref(&op, 0, i, true);
		gen_add_plain(g, op);
	}
}
