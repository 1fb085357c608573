// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz/campaign/mutate_priv.h"

#include "core/op/run.h"

#include <stdlib.h>

struct mutator *mutator_create(const struct gen_config *gen)
{
	struct mutator *m = calloc(1, sizeof(*m));

	if (m)
		m->gen = *gen;
	return m;
}

void mutator_destroy(struct mutator *m)
{
	struct program *programs[] = {&m->bound, &m->mixed,   &m->part,
				      &m->fresh, &m->program, &m->other};

	if (!m)
		return;
	for (u32 i = 0; i < ARRAY_SIZE(programs); i++)
		program_free(programs[i]);
	units_free(&m->units);
	units_free(&m->bound_units);
	if (m->binder)
		run_destroy(m->binder);
	free(m);
}

/* --- swarms ------------------------------------------------------------------------ */

static void draw(struct mutate_rng *g, bool *feature, u32 off_of_8)
{
	*feature &= mutate_below(g, 8) >= off_of_8;
}

struct gen_config mutate_gen(const struct gen_config *most, struct mutate_rng *g)
{
	struct gen_config cfg = *most;

	cfg.max_ops = 1 + mutate_below(g, most->max_ops);
	cfg.max_pages = 1 + mutate_below(g, most->max_pages);
	cfg.max_tables = 1 + mutate_below(g, most->max_tables);
	cfg.max_domains = 1 + mutate_below(g, most->max_domains);
	draw(g, &cfg.failures, 3);
	draw(g, &cfg.aliases, 3);
	draw(g, &cfg.holes, 4);
	draw(g, &cfg.subpage, 4);
	draw(g, &cfg.cuts, 2);
	draw(g, &cfg.copies, 2);
	draw(g, &cfg.accesses, 2);
	draw(g, &cfg.rw, 3);
	draw(g, &cfg.values, 4);
	draw(g, &cfg.limits, 4);
	draw(g, &cfg.tasks, 5);
	draw(g, &cfg.options, 5);
	draw(g, &cfg.bad, 5);
	draw(g, &cfg.checks, 4);
	draw(g, &cfg.teardown, 4);
	return cfg;
}

/* A quarter of the kinds, in a quarter of the inputs. Without tables and buffers nothing would refer. */
static u64 draw_off(struct mutate_rng *g)
{
	u64 off = mutate_u64(g);

	static_assert(OP_NR <= 64, "a bit a kind");
	off &= mutate_u64(g);
	if (mutate_below(g, 4))
		return 0;
	return off & ~(1ULL << OP_TABLE | 1ULL << OP_BUFFER);
}

/* --- programs ---------------------------------------------------------------------- */

static int (*const changes[MUTATE_NR])(struct change *c) = {
#define X(name, weight) [MUTATE_##name] = change_##name,
	MUTATIONS(X)
#undef X
};

static enum mutation any_mutation(struct mutate_rng *g)
{
	static const u8 weights[MUTATE_NR] = {
#define X(name, weight) [MUTATE_##name] = weight,
		MUTATIONS(X)
#undef X
	};
#define X(name, weight) +weight
	u32 n = mutate_below(g, 0 MUTATIONS(X)), which = 0;
#undef X

	while (n >= weights[which])
		n -= weights[which++];
	return which;
}

/* Nothing is there to be changed. */
static int begin_anew(struct change c)
{
	int rc = change_other(&c);

	return rc ? rc : program_copy(c.p, c.other);
}

int mutate_once(struct mutator *m, struct program *p, const struct program *other,
		struct mutate_rng *g, enum mutation which, u64 off)
{
	struct change c = {.m = m, .p = p, .other = other, .g = g, .off = off};

	return changes[which](&c);
}

static void cut_off(struct program *p, size_t max)
{
	if (p->nr > max)
		p->nr = group_begin(p, max);
}

int mutate_program(struct mutator *m, struct program *p, const struct program *other,
		   struct mutate_rng *g, size_t max)
{
	struct change c = {.m = m, .p = p, .other = other, .g = g, .off = draw_off(g)};
	int rc = 0;

	/* Only as the first change: it runs the program, and this one has been run before. */
	if (p->nr && !mutate_below(g, 16))
		rc = change_keep(&c);
	for (u32 n = 1 + mutate_below(g, 5); !rc && n; n--) {
		rc = p->nr ? changes[any_mutation(g)](&c) : begin_anew(c);
		cut_off(p, max);
	}
	return rc;
}

/* --- bytes ------------------------------------------------------------------------- */

static size_t as_it_is(const u8 *from, size_t len, u8 *out, size_t max)
{
	len = min(len, max);
	if (out != from)
		memmove(out, from, len);
	return len;
}

/* How many records may @out have? */
static size_t room(size_t max, size_t before)
{
	return min((max - 1) / OP_SIZE, max(before, (size_t)MUTATE_RECORDS));
}

/* Reduced as targets do it: what is kept of an input is what ran. */
static int decode(struct program *p, const u8 *from, size_t len)
{
	int rc = program_decode(p, from, len);

	if (!rc)
		run_reduce(p, RUN_PAGES_FUZZ);
	return rc;
}

static size_t write_out(const struct program *p, u8 *out)
{
	program_encode(p, out);
	return program_encoded_size(p);
}

size_t mutate_bytes(struct mutator *m, u8 *buf, size_t len, size_t max, u64 seed)
{
	struct mutate_rng g = {mix64(seed)};
	size_t before;
	int rc;

	if (!max)
		return 0;
	rc = decode(&m->program, buf, len);
	before = m->program.nr;
	if (!rc)
		rc = mutate_program(m, &m->program, NULL, &g, room(max, before));
	return rc ? as_it_is(buf, len, buf, max) : write_out(&m->program, buf);
}

size_t mutate_cross(struct mutator *m, const u8 *a, size_t a_len, const u8 *b, size_t b_len,
		    u8 *out, size_t max, u64 seed)
{
	struct mutate_rng g = {mix64(seed)};
	size_t before;
	int rc;

	if (!max)
		return 0;
	rc = decode(&m->program, a, a_len);
	before = m->program.nr;
	if (!rc)
		rc = decode(&m->other, b, b_len);
	if (!rc && m->program.nr)
		rc = mutate_once(m, &m->program, &m->other, &g,
				 mutate_below(&g, 2) ? MUTATE_splice : MUTATE_cross, 0);
	cut_off(&m->program, room(max, before));
	if (!rc && (!m->program.nr || !mutate_below(&g, 2)))
		rc = mutate_program(m, &m->program, &m->other, &g, room(max, before));
	return rc ? as_it_is(a, a_len, out, max) : write_out(&m->program, out);
}
