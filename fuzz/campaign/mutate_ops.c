// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whole ops: an op with its continuations comes, goes and moves as one. References are mostly "the
 * n-th live one", which hits something wherever an op lands, but not what it hit before. Where that
 * matters, `keep` moves an op the way the shrinker does: a run says what each reference meant, and
 * what could change its meaning on the way is written as an identity.
 */
#include "fuzz/campaign/mutate_priv.h"

#include "core/flush/registry.h"
#include "core/op/run.h"

size_t group_begin(const struct program *p, size_t at)
{
	while (at && op_is_continuation(&p->ops[at]))
		at--;
	return at;
}

static size_t group_end(const struct program *p, size_t begin)
{
	struct op_group g;

	program_group(p, begin, &g);
	return g.next;
}

size_t group_any(const struct program *p, struct mutate_rng *g)
{
	return group_begin(p, mutate_below(g, p->nr));
}

/* Up to @groups groups from @begin on: where they end. */
static size_t groups_end(const struct program *p, size_t begin, u32 groups)
{
	while (groups-- && begin < p->nr)
		begin = group_end(p, begin);
	return begin;
}

/* --- in --------------------------------------------------------------------------- */

/* @c->m->part in front of record @at. */
static int put_part(struct change *c, size_t at)
{
	const struct program *part = &c->m->part;
	struct program *p = c->p;
	int rc = program_reserve(p, p->nr + part->nr);

	if (rc || !part->nr)
		return rc;
	memmove(p->ops + at + part->nr, p->ops + at, (p->nr - at) * OP_SIZE);
	memcpy(p->ops + at, part->ops, part->nr * OP_SIZE);
	p->nr += part->nr;
	return 0;
}

/* Records [first..end-1] of @from, whole groups, are the part, but for those whose kind is off. */
static int take_part(struct change *c, const struct program *from, size_t first, size_t end)
{
	struct program *part = &c->m->part;
	int rc = program_reserve(part, end - first);

	program_clear(part);
	for (size_t next; !rc && first < end; first = next) {
		next = group_end(from, first);
		if (change_off(c, &from->ops[first]))
			continue;
		memcpy(part->ops + part->nr, from->ops + first, (next - first) * OP_SIZE);
		part->nr += next - first;
	}
	return rc;
}

static int insert(struct change *c, size_t at, const struct program *from, size_t first, size_t end)
{
	int rc = take_part(c, from, first, end);

	return rc ? rc : put_part(c, at);
}

int change_dup(struct change *c)
{
	size_t first = group_any(c->p, c->g);
	size_t end = groups_end(c->p, first, 1 + mutate_below(c->g, 4));

	return insert(c, end, c->p, first, end);
}

/* Without a teardown: what it takes away would be what the input lives on. */
static int make_fresh(struct change *c)
{
	struct gen_config cfg;

	if (c->made)
		return 0;
	cfg = mutate_gen(&c->m->gen, c->g);
	cfg.teardown = false;
	c->made = true;
	return gen_program(&c->m->fresh, mutate_u64(c->g), &cfg);
}

/* From the second half: what the generator begins with makes tables, which are there. */
int change_fresh(struct change *c)
{
	const struct program *from = &c->m->fresh;
	size_t first, at;
	int rc = make_fresh(c);

	if (rc || !from->nr)
		return rc;
	first = group_begin(from, from->nr / 2 + mutate_below(c->g, from->nr - from->nr / 2));
	at = mutate_below(c->g, 2) ? c->p->nr : group_any(c->p, c->g);
	return insert(c, at, from, first, groups_end(from, first, 1 + mutate_below(c->g, 3)));
}

int change_other(struct change *c)
{
	struct gen_config cfg;

	if (c->other)
		return 0;
	cfg = mutate_gen(&c->m->gen, c->g);
	c->other = &c->m->other;
	return gen_program(&c->m->other, mutate_u64(c->g), &cfg);
}

int change_splice(struct change *c)
{
	size_t at, first;
	int rc = change_other(c);

	if (rc || !c->other->nr)
		return rc;
	at = mutate_below(c->g, 2) ? c->p->nr : group_any(c->p, c->g);
	first = group_any(c->other, c->g);
	return insert(c, at, c->other, first,
		      groups_end(c->other, first, 1 + mutate_below(c->g, 16)));
}

int change_cross(struct change *c)
{
	size_t at, first;
	int rc = change_other(c);

	if (rc || !c->other->nr)
		return rc;
	at = group_any(c->p, c->g);
	first = group_any(c->other, c->g);
	program_remove(c->p, at, c->p->nr - at);
	return insert(c, at, c->other, first, c->other->nr);
}

/* --- out and elsewhere ------------------------------------------------------------ */

int change_drop(struct change *c)
{
	size_t at = group_any(c->p, c->g);

	program_remove(c->p, at, groups_end(c->p, at, 1 + mutate_below(c->g, 3)) - at);
	return 0;
}

int change_move(struct change *c)
{
	size_t first = group_any(c->p, c->g);
	size_t end = groups_end(c->p, first, 1 + mutate_below(c->g, 2));
	u64 off = c->off;
	int rc;

	c->off = 0; /* nothing is added */
	rc = take_part(c, c->p, first, end);
	c->off = off;
	if (rc)
		return rc;
	program_remove(c->p, first, end - first);
	return put_part(c, c->p->nr ? group_any(c->p, c->g) : 0);
}

/* [a..b-1][b..c-1] become [b..c-1][a..b-1]. */
static int rotate(struct change *c, size_t a, size_t b, size_t end)
{
	struct program *part = &c->m->part;
	struct op *ops = c->p->ops;
	int rc = program_reserve(part, b - a);

	if (rc)
		return rc;
	memcpy(part->ops, ops + a, (b - a) * OP_SIZE);
	memmove(ops + a, ops + b, (end - b) * OP_SIZE);
	memcpy(ops + a + (end - b), part->ops, (b - a) * OP_SIZE);
	return 0;
}

int change_swap(struct change *c)
{
	size_t a = group_any(c->p, c->g), b = group_any(c->p, c->g), a_end, b_end;
	int rc;

	if (a == b)
		return 0;
	if (a > b) {
		size_t first = b;

		b = a;
		a = first;
	}
	a_end = group_end(c->p, a);
	b_end = group_end(c->p, b);
	/* The second one to the front of the first, then the first behind what was between them. */
	rc = rotate(c, a, b, b_end);
	b = a + (b_end - b);
	return rc ? rc : rotate(c, b, b + (a_end - a), b_end);
}

/* --- a move that keeps what references mean ----------------------------------------- */

static int start_binder(struct mutator *m)
{
	struct run_config cfg = {.backend = &backend_core, .policy = flush_policy_find("none")};

	if (m->binder)
		return run_reset(m->binder, &cfg);
	m->binder = run_create(&cfg);
	return m->binder ? 0 : -ENOMEM;
}

/* References of @p by identity, as it runs; units of both. -EAGAIN: they do not fit each other. */
static int bind(struct change *c)
{
	struct mutator *m = c->m;
	int rc = start_binder(m);

	if (!rc)
		rc = program_bind(m->binder, c->p, &m->bound);
	if (!rc)
		rc = units_read(&m->units, c->p);
	if (!rc)
		rc = units_read(&m->bound_units, &m->bound);
	if (!rc && m->bound_units.nr != m->units.nr)
		rc = -EAGAIN;
	return rc;
}

static bool refers_to(const struct op *op, enum obj_kind kind)
{
	for (unsigned int i = 0; i < 3; i++)
		if (op_ref_kind(op, i) == kind && !op_by_id(op, i))
			return true;
	return false;
}

/*
 * Of the units between the two places the bound form; of those behind, where the n-th live one is
 * another one now because two creations of a kind changed their order, too; else as written.
 */
static int mix(struct change *c, u32 first, u32 last, enum obj_kind crossed)
{
	struct mutator *m = c->m;
	int rc = 0;

	program_clear(&m->mixed);
	for (u32 k = 0; k < m->units.nr; k++) {
		bool behind = k > last && crossed != OBJ_NONE &&
			      refers_to(unit_op(&m->units, c->p, k), crossed);
		bool by_id = (k >= first && k <= last) || behind;
		const struct units *u = by_id ? &m->bound_units : &m->units;
		const struct program *from = by_id ? &m->bound : c->p;

		for (u32 at = u->first[k]; !rc && at < u->first[k + 1]; at++)
			rc = program_add(&m->mixed, &from->ops[at]);
	}
	return rc;
}

/* What unit @from creates, if another one from @first to @last creates such a thing too. */
static enum obj_kind crossed(const struct change *c, u32 from, u32 first, u32 last)
{
	const struct units *u = &c->m->units;

	for (u32 k = first; k <= last; k++)
		if (units_alike(u, c->p, from, k))
			return op_info(unit_op(u, c->p, from)->code)->creates;
	return OBJ_NONE;
}

int change_keep(struct change *c)
{
	struct mutator *m = c->m;
	int rc = bind(c);
	u32 from, to;

	if (!rc) {
		from = mutate_below(c->g, m->units.nr);
		to = mutate_below(c->g, m->units.nr);
		rc = mix(c, min(from, to), max(from, to),
			 crossed(c, from, min(from, to), max(from, to)));
	}
	if (!rc)
		rc = units_read(&m->units, &m->mixed);
	if (rc)
		return rc == -EAGAIN ? 0 : rc;
	units_move(&m->units, from, to);
	return units_encode(&m->units, &m->mixed, 0, 0, c->p);
}
