// SPDX-License-Identifier: GPL-2.0-only
/*
 * Three tuples:
 *  - result: op code, errno, which failure was injected;
 *  - objects: areas, kinds of domains, objects, shared objects, pins of accesses, storage;
 *  - pages: what the lines of exposed and of hidden pages may hold, and the op that led there.
 * Each has its part of the table; the second and the third are hashed into theirs. A collision
 * hides a state from the corpus and no verdict depends on it.
 */
#include "fuzz/campaign/coverage.h"

#include "core/shadow/shape.h"

#define RESULTS	     4096
#define OBJECTS	     4096
#define PAGES	     8192
#define PAGES_FIRST  (RESULTS + OBJECTS)
#define CODES	     64
#define ERRNO_GROUPS 8
static_assert(PAGES_FIRST + PAGES == COVERAGE_SLOTS, "the three parts fill the table");
static_assert(OP_NR <= CODES, "a code has its own results");

/* 0, 1, 2, 3-4, 5 and more */
static u32 bucket(u32 n)
{
	return n < 3 ? n : n < 5 ? 3 : 4;
}

/* 0: nothing, 1: C, 2: NC, 3: both */
static u32 mix_of(const struct model_shape *m)
{
	return !!m->c + 2 * !!m->nc;
}

static u32 errno_group(s32 rc)
{
	switch (-rc) {
	case 0:
		return 0;
	case EINVAL:
		return 1;
	case ENOENT:
		return 2;
	case ENOMEM:
		return 3;
	case EFAULT:
		return 4;
	case EBUSY:
	case EEXIST:
	case EADDRINUSE:
		return 5;
	case EDEADLOCK:
	case ENOSPC:
		return 6;
	default:
		return 7;
	}
}

static u32 result_slot(const struct run_result *res, bool nc)
{
	u32 fired = res->fired ? 1 : 0;
	u32 what = res->noop ? ERRNO_GROUPS - 1 : errno_group(res->rc);

	return ((res->code * 2 + nc) * 2 + fired) * ERRNO_GROUPS + what;
}

static u64 objects_key(const struct model_shape *m)
{
	u64 h = bucket(m->areas);

	h = h * 5 + bucket(m->nc);
	h = h * 3 + min(m->c, 2u);
	h = h * 3 + min(m->shared, 2u);
	h = h * 3 + min(m->held, 2u);
	h = h * 2 + !!m->array;
	return h * 2 + (m->storages && m->storages < m->areas);
}

/* How much of @all is @part: none, some, all. */
static u32 share(u32 part, u32 all)
{
	return !part ? 0 : part < all ? 1 : 2;
}

static u64 pages_key(const struct shadow_shape *s, u32 code, u32 mix)
{
	u64 h = s->open | (u64)s->closed << LINE_STATES;

	h = h * 3 + share(s->exposed, s->pinned);
	h = h * 2 + !!s->shared;
	return (h * CODES + code) * 4 + mix;
}

static void tell(struct coverage *c, u32 i, u32 slot, coverage_hit hit, void *ctx)
{
	if (c->last[i] == slot + 1)
		return;
	c->last[i] = slot + 1;
	hit(ctx, slot);
}

void coverage_op(struct coverage *c, const struct run *r, coverage_hit hit, void *ctx)
{
	const struct run_result *res = run_result(r, run_ops(r));
	struct shadow_shape s;
	struct model_shape m;

	if (res->noop && c->last[1]) { /* all is as it was */
		tell(c, 0, result_slot(res, c->nc), hit, ctx);
		return;
	}
	shadow_shape(run_shadow(r), &s);
	model_shape(run_model(r), &m);
	c->nc = m.nc;
	tell(c, 0, result_slot(res, m.nc), hit, ctx);
	tell(c, 1, RESULTS + mix64(objects_key(&m)) % OBJECTS, hit, ctx);
	if (!res->noop)
		tell(c, 2, PAGES_FIRST + mix64(pages_key(&s, res->code, mix_of(&m))) % PAGES, hit,
		     ctx);
}
