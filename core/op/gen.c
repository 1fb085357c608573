// SPDX-License-Identifier: GPL-2.0-only
/* The generator's frame: random numbers, the swarm, and the loop. */
#include "core/compat/fault.h"
#include "core/op/gen_priv.h"

struct gen_config gen_default(void)
{
	return (struct gen_config){
		.max_ops = 40,
		.max_pages = 6,
		.max_tables = 2,
		.max_domains = 3,
		.failures = true,
		.aliases = true,
		.holes = true,
		.subpage = true,
		.cuts = true,
		.copies = true,
		.accesses = true,
		.rw = true,
		.values = true,
		.limits = true,
		.tasks = true,
		.options = true,
		.bad = true,
		.checks = true,
		.teardown = true,
	};
}

struct gen_config gen_plain(void)
{
	return (struct gen_config){
		.max_ops = 40,
		.max_pages = 6,
		.max_tables = 2,
		.max_domains = 3,
		.copies = true,
		.accesses = true,
		.teardown = true,
	};
}

u64 gen_u64(struct gen *g)
{
	g->rng += 0x9e3779b97f4a7c15ULL;
	return mix64(g->rng);
}

u32 gen_below(struct gen *g, u32 n)
{
	return n ? (u32)((gen_u64(g) >> 32) * n >> 32) : 0;
}

void gen_add_plain(struct gen *g, struct op op)
{
	if (!g->rc)
		g->rc = program_add(g->p, &op);
}

static bool may_fail(const struct op *op)
{
	/* The generator counts tables exactly: these two do as they are told. */
	return op_info(op->code)->fields & OPX_REQ && op->code != OP_TABLE &&
	       op->code != OP_TABLE_DESTROY;
}

static void add_failure(struct gen *g, struct op *op)
{
	static const u8 points[] = {FAULT_MAP,	 FAULT_MAP,  FAULT_MAP,	    FAULT_GUP,
				    FAULT_ALLOC, FAULT_TEMP, FAULT_PTE,	    FAULT_CHARGE,
				    FAULT_STORE, FAULT_RW,   FAULT_RESERVE, FAULT_POLICY};

	u32 nth;

	if (gen_chance(g, 1, 2)) {
		op_set_fail(op, FAULT_ANY, 1 + gen_below(g, gen_chance(g, 1, 4) ? 32 : 8));
	} else {
		nth = 1 + gen_below(g, 4);
		op_set_fail(op, points[gen_below(g, sizeof(points))], nth);
	}
}

static void add_badness(struct gen *g, struct op *op)
{
	static const u16 flags[] = {OPF_BAD_FLAG, OPF_RESERVED, OPF_BAD_OUT, OPF_BAD_ID,
				    OPF_BAD_OP};
	u16 flag = flags[gen_below(g, ARRAY_SIZE(flags))];

	op->flags |= flag & op_info(op->code)->flags;
}

void gen_add(struct gen *g, struct op op)
{
	if (may_fail(&op) && !op_fail_nth(&op)) {
		if (g->cfg->failures && gen_chance(g, g->fail_of_64, 64))
			add_failure(g, &op);
		else if (g->cfg->bad && gen_chance(g, 1, 64))
			add_badness(g, &op);
	}
	if (g->cfg->tasks && !op.thread && gen_chance(g, 1, 16))
		op.thread = gen_below(g, 3);
	gen_add_plain(g, op);
}

bool gen_full(const struct gen *g)
{
	return g->rc || g->p->nr >= g->cfg->max_ops;
}

/* How this program is: the swarm. */
static void choose_style(struct gen *g)
{
	static const u16 units[] = {512, 1024, 2048};

	gen_choose_actions(g);
	g->unit = PAGE_SIZE;
	g->large_pages = !g->cfg->cuts || gen_chance(g, 1, 2);
	if (g->cfg->subpage && g->large_pages && gen_chance(g, 1, 3))
		g->unit = units[gen_below(g, 3)];
	g->nc_of_8 = (u8[]){8, 8, 4, 4, 2, 0, 6, 6}[gen_below(g, 8)];
	g->fail_of_64 = (u8[]){0, 1, 4, 12}[gen_below(g, 4)];
	g->edge_of_16 = (u8[]){0, 0, 2, 8}[gen_below(g, 4)];
}

static void add_limits(struct gen *g)
{
	static const u32 temps[] = {12, 16, 24, 64, 255, 256, 4096, 65536};

	if (g->cfg->limits && gen_chance(g, 1, 2))
		gen_add_plain(g, (struct op){.code = OP_TEMP_LIMIT,
					     .arg = temps[gen_below(g, ARRAY_SIZE(temps))]});
	if (g->cfg->limits && gen_chance(g, 1, 4))
		gen_add_plain(g, (struct op){.code = OP_GUP_LIMIT, .arg = 1 + gen_below(g, 3)});
}

/* The accounting mode can only change while no object exists. */
static void add_accounting(struct gen *g)
{
	if (!g->cfg->tasks || gen_chance(g, 7, 8))
		return;
	gen_add_plain(g, (struct op){.code = OP_CAP, .arg = 2});
	gen_add_plain(g, (struct op){.code = OP_RLIMIT_MODE, .arg = 1});
	gen_add_plain(g, (struct op){.code = OP_RLIMIT, .addr = gen_below(g, 64)});
}

int gen_program(struct program *p, u64 seed, const struct gen_config *cfg)
{
	struct gen g = {.p = p, .cfg = cfg, .rng = mix64(seed + 1)};
	u32 tables;

	assert(cfg->max_tables && cfg->max_tables <= GEN_MAX_TABLES && cfg->max_pages);
	program_clear(p);
	choose_style(&g);
	add_limits(&g);
	add_accounting(&g);
	tables = 1 + gen_below(&g, cfg->max_tables);
	for (u32 i = 0; i < tables; i++)
		gen_table(&g);
	/* A third of the programs are random all through, in the others a third of the steps are
	 * scenes. */
	if (gen_chance(&g, 1, 3)) {
		while (!gen_full(&g))
			gen_random_op(&g);
	}
	while (!gen_full(&g)) {
		if (gen_chance(&g, 1, 3))
			gen_scene(&g);
		else
			gen_random_op(&g);
	}
	if (cfg->teardown)
		gen_teardown(&g);
	return g.rc;
}
