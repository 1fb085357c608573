/* SPDX-License-Identifier: GPL-2.0-only */
/* What the machine's tests share: a machine in an arena of its own, and a log of its events. */
#ifndef NOSNOOP_TEST_RIG_H
#define NOSNOOP_TEST_RIG_H

#include "core/machine/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define LOG_MAX (1 << 16)

struct rig {
	struct arena *arena;
	struct machine *m;
	struct machine_observer obs;
	struct machine_event log[LOG_MAX];
	u32 n;
};

static inline void record(void *ctx, const struct machine_event *ev)
{
	struct rig *r = ctx;

	assert_true(r->n < LOG_MAX);
	r->log[r->n++] = *ev;
}

static inline struct rig *rig_new(enum machine_memory memory, const struct clean_ops *clean,
				  bool observe)
{
	struct machine_config cfg = {.memory = memory, .clean = clean, .track_iotlb = observe};
	struct rig *r = calloc(1, sizeof(*r));

	r->arena = arena_create(NULL, 1UL << 36);
	assert_non_null(r->arena);
	r->m = machine_create(r->arena, &cfg);
	assert_non_null(r->m);
	r->obs = (struct machine_observer){.ctx = r, .event = record};
	if (observe)
		machine_observe(r->m, &r->obs);
	return r;
}

/* Whatever a test did, destroy gives back every block. */
static inline void rig_free(struct rig *r)
{
	machine_destroy(r->m);
	assert_int_equal(arena_live_blocks(r->arena), 0);
	arena_destroy(r->arena);
	free(r);
}

static inline u32 count_events(const struct rig *r, enum machine_event_kind kind)
{
	u32 n = 0;

	for (u32 i = 0; i < r->n; i++)
		n += r->log[i].kind == kind;
	return n;
}

static inline u32 count_strict(const struct rig *r, const char *rule)
{
	u32 n = 0;

	for (u32 i = 0; i < r->n; i++)
		n += r->log[i].kind == EV_STRICT && !strcmp(r->log[i].rule, rule);
	return n;
}

static inline void expect_kinds(struct rig *r, const enum machine_event_kind *kinds, u32 n)
{
	assert_int_equal(r->n, n);
	for (u32 i = 0; i < n; i++)
		assert_int_equal(r->log[i].kind, kinds[i]);
	r->n = 0;
}
#define EXPECT(r, ...)                                                  \
	expect_kinds(r, (const enum machine_event_kind[]){__VA_ARGS__}, \
		     ARRAY_SIZE(((const enum machine_event_kind[]){__VA_ARGS__})))

static inline struct domain *domain_new(struct rig *r, bool enforce, u64 pgsizes)
{
	struct domain_config cfg = {.enforce_cache_coherency = enforce, .pgsize_bitmap = pgsizes};
	struct domain *d;

	assert_int_equal(domain_create(r->m, &cfg, &d), 0);
	return d;
}

static inline struct buffer *buffer_new(struct rig *r, u64 npages)
{
	struct buffer *b;

	assert_int_equal(buffer_create(r->m, 0, 0, npages, &b), 0);
	return b;
}

static inline u64 rnd(u64 *seed)
{
	*seed += 0x9e3779b97f4a7c15ULL;
	return mix64(*seed);
}

#define IOVA 0x40000

#endif
