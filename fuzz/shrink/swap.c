// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ops that the finding did not have. Taking out and moving lead from a long way of breaking a rule
 * to its shortest form, but not from one way to another: churn through a second table breaks the
 * posted patch in five requests, a domain that goes and comes in four, and no op of the one is left
 * out to give the other. So a detach is tried in place of two ops, and an attach or a detach in
 * place of a copy or a cut; with it two objects of a kind may become one.
 */
#include "fuzz/shrink/shrink_priv.h"

#define SWAPS_MAX 9 /* ops; above, there are too many ways */

/* Two objects that become one: what refers to @gone's goes to @heir's. Equal: none do. */
struct merger {
	u32 gone, heir;
};

/* @s->units are those of @longer: the best program and, as the last unit, the new op. */
static bool try_swap(struct shrink *s, const struct program *longer, u32 place, const u32 taken[2],
		     const struct merger *m)
{
	struct units *u = &s->units;

	if (s->rc)
		return false;
	units_move(u, u->nr - 1, place);
	u->gone[taken[0]] = u->gone[taken[1]] = true;
	if (m->gone != m->heir)
		u->gone[m->gone] = true;
	s->rc = units_encode(u, longer, m->gone, m->heir, &s->candidate);
	return shrink_try(s);
}

/* Without and with every two objects of a kind as one; @fn returns true when it is done. */
static bool each_merger(struct shrink *s, const struct program *longer, u32 place,
			const u32 taken[2])
{
	struct merger m = {0, 0};
	u32 nr = s->units.nr;

	if (try_swap(s, longer, place, taken, &m))
		return true;
	for (m.gone = 0; m.gone < nr; m.gone++)
		for (m.heir = 0; m.heir < nr; m.heir++)
			if (units_alike(&s->units, longer, m.gone, m.heir) &&
			    try_swap(s, longer, place, taken, &m))
				return true;
	return false;
}

static bool instead_of_two(struct shrink *s, const struct program *longer)
{
	u32 added = s->units.nr - 1, taken[2];

	for (taken[1] = added; taken[1]-- > 1;)
		for (taken[0] = taken[1]; taken[0]--;)
			for (u32 place = added; place; place--)
				if (each_merger(s, longer, place, taken))
					return true;
	return false;
}

static bool splits(unsigned int code)
{
	return code == OP_COPY || code == OP_CUT;
}

u32 shrink_splits(const struct program *p)
{
	u32 nr = 0;

	for (size_t at = 0; at < p->nr; at++)
		nr += splits(p->ops[at].code);
	return nr;
}

static bool instead_of_one(struct shrink *s, const struct program *longer)
{
	u32 added = s->units.nr - 1;

	for (u32 unit = added; unit--;) {
		u32 taken[2] = {unit, unit};

		if (splits(unit_op(&s->units, longer, unit)->code) &&
		    each_merger(s, longer, unit, taken))
			return true;
	}
	return false;
}

/* With @op as one more op. */
static bool swap_in(struct shrink *s, const struct op *op)
{
	struct program longer = PROGRAM_EMPTY;
	bool swapped = false;

	if (!s->rc)
		s->rc = program_copy(&longer, &s->best);
	if (!s->rc)
		s->rc = program_add(&longer, op);
	if (!s->rc)
		s->rc = units_read(&s->units, &longer);
	if (!s->rc)
		swapped = instead_of_one(s, &longer) ||
			  (op->code == OP_DETACH && instead_of_two(s, &longer));
	if (!s->rc && !swapped)
		s->rc = units_read(&s->units, &s->best);
	program_free(&longer);
	return swapped;
}

static bool swap_detach(struct shrink *s, u32 domain)
{
	u32 unit = s->units.creator[OBJ_DOMAIN][domain];
	const struct op *attach = unit_op(&s->units, &s->best, unit);
	struct op op = {.code = OP_DETACH};

	if (attach->code != OP_ATTACH || !op_by_id(attach, 0))
		return false;
	op_set_ref(&op, 0, op_slot(attach, 0), true);
	op_set_ref(&op, 1, domain, true);
	return swap_in(s, &op);
}

/* One more domain of the same kind, in any of the tables. */
static bool swap_attach(struct shrink *s, u32 domain)
{
	u32 unit = s->units.creator[OBJ_DOMAIN][domain];
	struct op op = *unit_op(&s->units, &s->best, unit);

	if (op.code != OP_ATTACH || s->units.first[unit + 1] != s->units.first[unit] + 1)
		return false;
	for (u32 table = 0; table < s->units.created[OBJ_TABLE]; table++) {
		op_set_ref(&op, 0, table, true);
		if (swap_in(s, &op))
			return true;
	}
	return false;
}

bool shrink_swap(struct shrink *s)
{
	if (s->rc || s->units.nr > SWAPS_MAX)
		return false;
	for (u32 domain = 0; domain < s->units.created[OBJ_DOMAIN]; domain++)
		if (swap_detach(s, domain) || swap_attach(s, domain))
			return true;
	return false;
}
