/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside the generator: what gen.c, gen_ops.c and gen_scenes.c share. Nobody else includes this. */
#ifndef NOSNOOP_GEN_PRIV_H
#define NOSNOOP_GEN_PRIV_H

#include "core/op/gen.h"

#define GEN_BUFFERS  32
#define GEN_AREAS    128
#define GEN_ACCESSES 6
#define GEN_NO_TABLE 0xff

/* What the generator remembers of a table; areas and domains are upper bounds: requests may fail.
 */
struct gen_table {
	u32 areas, domains;
	u32 last_domain; /* identity of the youngest one */
};

struct gen {
	struct program *p;
	const struct gen_config *cfg;
	u64 rng;
	int rc;

	u32 nr_tables, nr_buffers, nr_areas, nr_domains, nr_accesses, nr_pins; /* ever */
	struct gen_table tables[GEN_MAX_TABLES];
	struct {
		u32 npages;
		bool mapped;
	} buffers[GEN_BUFFERS];
	struct {
		u8 table;
		u32 npages; /* 0: not whole pages */
	} areas[GEN_AREAS];
	struct {
		u8 table; /* GEN_NO_TABLE: detached */
		bool gone;
	} accesses[GEN_ACCESSES];
	u32 pins;	    /* held, upper bound */
	struct op last_pin; /* code OP_NOP: none yet */

	/* the swarm: what this program does, and how */
	u32 on;		  /* bits: the actions that are on */
	u32 unit;	  /* bytes: areas are multiples of it */
	bool large_pages; /* the tables keep theirs */
	u8 nc_of_8;	  /* how many domains of 8 are NC */
	u8 fail_of_64;	  /* how many requests of 64 get a failure */
	u8 edge_of_16;	  /* how many fixed addresses of 16 lie at an edge */
};

/* One draw a statement: compilers differ in which of two arguments they evaluate first. */
u64 gen_u64(struct gen *g);
u32 gen_below(struct gen *g, u32 n);			    /* 0..n-1; n 0 gives 0 */
static inline bool gen_chance(struct gen *g, u32 of, u32 n) /* of n times */
{
	return gen_below(g, n) < of;
}

/* Adds an op, perhaps with a failure, a bad flag, another task. */
void gen_add(struct gen *g, struct op op);
void gen_add_plain(struct gen *g, struct op op); /* just as it is */
bool gen_full(const struct gen *g);

/* gen_ops.c: one op of a kind, with what it needs. */
void gen_table(struct gen *g);
u32 gen_buffer(struct gen *g, u32 npages); /* its identity; may be one that exists */
u32 gen_any_table(struct gen *g);
void gen_set_table(struct gen *g, struct op *op, unsigned int slot, u32 table);
void gen_attach_to(struct gen *g, u32 table, bool nc, u32 fail_nth);
void gen_detach_from(struct gen *g, u32 table);
void gen_map_pages(struct gen *g, u32 table, u32 npages, u64 iova,
		   bool fixed); /* identity nr_areas - 1 */
void gen_copy_page(struct gen *g, u32 table, u32 area, u32 first, u32 npages, u64 iova, bool fixed);
void gen_unmap_area(struct gen *g, u32 table, u32 n, bool by_id);
void gen_pin_pages(struct gen *g, u32 area, u32 first, u32 npages);
void gen_random_op(struct gen *g);
void gen_choose_actions(struct gen *g); /* the swarm's part */
void gen_teardown(struct gen *g);

/* gen_scenes.c: short sequences that broke real code. */
void gen_scene(struct gen *g);

#endif
