// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads on one core: maps, copies, unmaps, accesses and domains at the same time, without an
 * observer. What is left at the end must be nothing. Built with -fsanitize=thread (preset tsan) it
 * also proves the locks.
 */
#include "core/op/backend.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define THREADS 4
#define ROUNDS	1500
#define TABLES	2
#define PAGES	16

struct shared {
	u64 held[THREADS]; /* IOVA of the page that a thread's access holds, 0: none */
	struct arena *arena;
	struct machine *m;
	struct backend *b;
	struct buffer *buffer;
	u32 ok[THREADS];
};

struct worker {
	struct shared *s;
	u32 nr;
	u64 rnd;
};

static u64 rnd(struct worker *w, u64 below)
{
	w->rnd += 0x9e3779b97f4a7c15ULL;
	return mix64(w->rnd) % below;
}

static int execute(struct shared *s, struct request *req)
{
	s->b->ops->execute(s->b, req);
	return req->rc;
}

/* Every thread maps at addresses of its own or of everybody, so that some collide. */
static u64 some_iova(struct worker *w)
{
	u64 mine = rnd(w, 4) ? w->nr + 1 : 9;

	return (mine << 32) + rnd(w, 8) * PAGES * PAGE_SIZE;
}

static void do_map(struct worker *w)
{
	u64 first = rnd(w, PAGES);

	w->s->ok[w->nr] +=
		!execute(w->s, &(struct request){
				       .kind = REQ_MAP,
				       .table = 1 + rnd(w, TABLES),
				       .flags = REQF_FIXED,
				       .iova = some_iova(w),
				       .uptr = buffer_va(w->s->buffer) + first * PAGE_SIZE,
				       .length = (1 + rnd(w, PAGES - first)) * PAGE_SIZE,
				       .prot = REQ_PROT_READ | REQ_PROT_WRITE,
			       });
}

static void do_copy(struct worker *w)
{
	execute(w->s, &(struct request){
			      .kind = REQ_COPY,
			      .table = 1 + rnd(w, TABLES),
			      .src_table = 1 + rnd(w, TABLES),
			      .src_iova = some_iova(w),
			      .length = PAGE_SIZE,
			      .prot = REQ_PROT_READ,
		      });
}

static void do_unmap(struct worker *w)
{
	execute(w->s, &(struct request){
			      .kind = REQ_UNMAP,
			      .table = 1 + rnd(w, TABLES),
			      .iova = some_iova(w),
			      .length = PAGES * PAGE_SIZE,
		      });
}

static void unpin(struct shared *s, u32 nr, u64 iova)
{
	struct request req = {
		.kind = REQ_UNPIN, .access = 1 + nr, .iova = iova, .length = PAGE_SIZE};

	execute(s, &req);
}

/* The unmap callback of all accesses: let go of what lies in the range, unless its owner does. */
static void access_unmap(void *ctx, u32 access, u64 iova, u64 length)
{
	struct shared *s = ctx;
	u64 *held = &s->held[access - 1], mine = __atomic_load_n(held, __ATOMIC_ACQUIRE);

	if (mine < iova || mine - iova >= length)
		return;
	if (mine &&
	    __atomic_compare_exchange_n(held, &mine, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		unpin(s, access - 1, mine);
}

/* One pin an access; the next round of its thread, or an unmap, releases it. */
static void do_pin(struct worker *w)
{
	u64 pfns[PAGES], *held = &w->s->held[w->nr];
	u64 old = __atomic_exchange_n(held, 0, __ATOMIC_ACQ_REL);
	struct request pin = {
		.kind = REQ_PIN,
		.access = 1 + w->nr,
		.iova = some_iova(w),
		.length = PAGE_SIZE,
		.pfns = pfns,
		.nr_pfns = PAGES,
	};

	if (old)
		unpin(w->s, w->nr, old);
	if (execute(w->s, &pin))
		return;
	__atomic_store_n(held, pin.iova, __ATOMIC_RELEASE);
}

/* Over two pages and by another task: the way that reads through the object's own pages. */
static void do_rw(struct worker *w)
{
	u8 data[PAGE_SIZE + 16];

	execute(w->s, &(struct request){
			      .kind = REQ_RW,
			      .access = 1 + w->nr,
			      .iova = some_iova(w) + 8,
			      .length = sizeof(data),
			      .data = data,
			      .task = 1,
		      });
}

static void do_replace(struct worker *w)
{
	execute(w->s, &(struct request){.kind = REQ_ACCESS_REPLACE,
					.access = 1 + w->nr,
					.table = 1 + rnd(w, TABLES)});
}

static void do_domain(struct worker *w)
{
	struct domain_config cfg = {.enforce_cache_coherency = rnd(w, 2)};
	u32 table = 1 + rnd(w, TABLES);
	struct domain *d;

	if (domain_create(w->s->m, &cfg, &d))
		return;
	if (!execute(w->s,
		     &(struct request){.kind = REQ_ATTACH, .table = table, .domain = domain_id(d)}))
		execute(w->s, &(struct request){
				      .kind = REQ_DETACH, .table = table, .domain = domain_id(d)});
	domain_free(w->s->m, d);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < ROUNDS; i++) {
		switch (rnd(w, 12)) {
		case 0:
		case 1:
		case 2:
			do_map(w);
			break;
		case 3:
			do_copy(w);
			break;
		case 4:
			do_pin(w);
			break;
		case 5:
			/* Attaching is one thread's business: domains are made and freed. */
			if (!w->nr)
				do_domain(w);
			break;
		case 6:
			do_rw(w);
			break;
		case 7:
			do_replace(w);
			break;
		default:
			do_unmap(w);
		}
	}
	return NULL;
}

static void set_up(struct shared *s)
{
	struct machine_config cfg = {.memory = MACHINE_MEMORY_NONE};
	struct backend_callbacks cb = {.ctx = s, .access_unmap = access_unmap};

	s->arena = arena_create(NULL, 1UL << 30);
	s->m = machine_create(s->arena, &cfg);
	s->b = backend_core.create(&backend_core, s->arena, s->m, NULL, &cb);
	assert_int_equal(buffer_create(s->m, 0, 0, PAGES, &s->buffer), 0);
	for (u32 i = 1; i <= TABLES; i++)
		assert_int_equal(
			execute(s, &(struct request){.kind = REQ_TABLE_CREATE, .table = i}), 0);
	for (u32 i = 1; i <= THREADS; i++) {
		struct request req = {.kind = REQ_ACCESS_CREATE, .access = i, .flags = REQF_PIN};

		assert_int_equal(execute(s, &req), 0);
		req = (struct request){.kind = REQ_ACCESS_ATTACH, .access = i, .table = 1};
		assert_int_equal(execute(s, &req), 0);
	}
}

static void threads_leave_nothing_behind(void **state)
{
	struct worker workers[THREADS];
	pthread_t threads[THREADS];
	struct shared s = {0};
	u64 blocks;

	set_up(&s);
	for (u32 i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){.s = &s, .nr = i, .rnd = i};
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (u32 i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_true(s.ok[i] > 0);
	}
	s.b->ops->destroy(s.b);
	assert_int_equal(machine_counters(s.m)->strict, 0);
	for (u64 pfn = 1; pfn <= machine_max_pfn(s.m); pfn++)
		assert_int_equal(machine_pins(s.m, pfn), 0);
	assert_int_equal(machine_counters(s.m)->pages_pinned,
			 machine_counters(s.m)->pages_unpinned);
	assert_int_equal(machine_task(s.m, 0)->mm_pinned_vm, 0);
	buffer_destroy(s.m, s.buffer);
	machine_destroy(s.m);
	blocks = arena_live_blocks(s.arena);
	assert_int_equal(blocks, 0);
	arena_destroy(s.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_leave_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
