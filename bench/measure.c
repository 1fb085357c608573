// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the clock sees of a timed run: the backend's work on one request, from its first instruction
 * to a full fence behind its last; not the decoding of ops, not the making of buffers, domains and
 * tables, and not the stores that make lines dirty (memory.c stops the clock for them). The arena
 * is populated before the run: the kernel that this stands for has its memory in place too.
 *
 * Time goes to phases by the kind of request. Requests of the teardown, which op_run() makes when
 * the program is over, are a phase of their own, whatever their kind: the proposal's rows are map,
 * unmap and teardown.
 */
#include "bench/measure.h"

#include <stdlib.h>
#include <sys/mman.h>

#define LONG_REQUEST (256UL << 10) /* bytes: some 10 us, the slow clock's system call is noise */

const char *const phase_name[PHASE_NR] = {"map", "unmap", "attach", "detach", "access", "teardown"};

/* --- judged ----------------------------------------------------------------------------------- */

static void judge_counts(const struct run *r, const struct changes *changes, struct judged *out)
{
	struct algorithm *a = &out->counts;

	algorithm_take(a, run_counters(r));
	a->changes = changes->changes;
	a->skips = changes->skips;
	a->redundant = out->v.redundant;
	a->missing = out->v.missing;
}

int judge_workload(const struct workload *w, const struct flush_policy *policy,
		   const struct clean_ops *clean, struct judged *out)
{
	struct changes changes;
	struct run_config cfg = {
		.backend = &backend_core,
		.policy = policy,
		.shadow = true,
		.shadow_flags = SHADOW_BOUND,
		.claims = judge_costed(policy->claims),
		.memory = MACHINE_MEMORY_NONE,
		.clean = clean,
		.max_pages = RUN_PAGES_TRACE,
		.arena_size = 64ULL << 30,
		.observer_size = 64ULL << 30,
		.ctx = &changes,
		.event = changes_event,
	};
	u64 start = clock_ns();
	struct run *r;
	int rc = changes_init(&changes);

	if (rc)
		return rc;
	r = run_create(&cfg);
	rc = r ? run_program(r, &w->program) : -errno;
	if (!rc && changes.full)
		rc = -ENOMEM;
	if (!rc) {
		judge(r, &w->program, &out->v);
		judge_counts(r, &changes, out);
	}
	run_destroy(r);
	changes_free(&changes);
	out->seconds = (clock_ns() - start) / 1e9;
	return rc;
}

/* --- timed ------------------------------------------------------------------------------------ */

/* One timed run; lives on the stack of rig_run(). */
struct timing {
	struct rig *rig;
	struct timed *out;
	u32 last_op; /* requests behind it are the teardown's */
	u32 depth;   /* an access that unpins inside of an unmap belongs to the unmap */
	u64 *mapped; /* pages by table id */
	u32 nr_tables;
	u64 all_mapped; /* pages */
	bool counted_teardown;
};

static enum phase phase_of(const struct timing *t, const struct request *req)
{
	if (req->op > t->last_op)
		return PHASE_TEARDOWN;
	switch (req->kind) {
	case REQ_MAP:
	case REQ_COPY:
		return PHASE_MAP;
	case REQ_UNMAP:
		return PHASE_UNMAP;
	case REQ_ATTACH:
		return PHASE_ATTACH;
	case REQ_DETACH:
		return PHASE_DETACH;
	case REQ_PIN:
	case REQ_UNPIN:
	case REQ_ACCESS_DETACH:
	case REQ_ACCESS_DESTROY:
	case REQ_ACCESS_REPLACE:
	case REQ_RW:
		return PHASE_ACCESS;
	case REQ_TABLE_DESTROY:
		return PHASE_UNMAP;
	default:
		return PHASE_NR; /* not timed */
	}
}

static u64 *mapped_in(struct timing *t, u32 table)
{
	u64 *more;

	if (table >= t->nr_tables) {
		more = realloc(t->mapped, (table + 1) * sizeof(*more));
		if (!more)
			return NULL;
		memset(more + t->nr_tables, 0, (table + 1 - t->nr_tables) * sizeof(*more));
		t->mapped = more;
		t->nr_tables = table + 1;
	}
	return &t->mapped[table];
}

static u64 to_pages(u64 bytes)
{
	return (bytes + PAGE_MASK) >> PAGE_SHIFT;
}

static void change_mapped(struct timing *t, u32 table, s64 pages)
{
	u64 *mapped = mapped_in(t, table);

	if (!mapped)
		return;
	*mapped += pages;
	t->all_mapped += pages;
}

/* How many pages the request was about; keeps the books of what is mapped. */
static u64 pages_of(struct timing *t, const struct request *req)
{
	u64 pages = 0, *mapped = mapped_in(t, req->table);

	switch (req->kind) {
	case REQ_MAP:
	case REQ_COPY:
		pages = req->rc ? 0 : to_pages(req->length);
		change_mapped(t, req->table, pages);
		break;
	case REQ_UNMAP:
		pages = to_pages(req->out_length);
		change_mapped(t, req->table, -pages);
		break;
	case REQ_ATTACH:
	case REQ_DETACH:
		pages = req->rc || !mapped ? 0 : *mapped;
		break;
	case REQ_TABLE_DESTROY:
		pages = req->rc || !mapped ? 0 : *mapped;
		change_mapped(t, req->table, -pages);
		break;
	case REQ_PIN:
	case REQ_UNPIN:
	case REQ_RW:
		pages = to_pages(req->length);
		break;
	default:
		break;
	}
	return pages;
}

/* Bytes that the request works on, as far as it says so. */
static u64 reach_of(const struct request *req)
{
	return req->kind == REQ_MAP || req->kind == REQ_COPY || req->kind == REQ_UNMAP ||
			       req->kind == REQ_PIN || req->kind == REQ_UNPIN
		       ? req->length
		       : UINT64_MAX;
}

static void before(void *ctx, const struct request *req)
{
	struct timing *t = ctx;

	if (t->depth++ || phase_of(t, req) == PHASE_NR)
		return;
	memory_request(&t->rig->memory, reach_of(req));
	stopwatch_start(&t->rig->watch, reach_of(req) >= LONG_REQUEST);
}

static void after(void *ctx, const struct request *req)
{
	struct timing *t = ctx;
	enum phase phase = phase_of(t, req);
	struct phase_time *p;
	double ns;
	u64 pages;

	if (--t->depth || phase == PHASE_NR)
		return;
	ns = stopwatch_stop(&t->rig->watch);
	p = &t->out->phase[phase];
	if (t->rig->watch.counters)
		counters_add(t->rig->watch.counters, p->counters);
	p->ns += ns;
	p->requests++;
	/* A teardown goes over the same pages several times: domain by domain, then the tables. */
	if (phase == PHASE_TEARDOWN && !t->counted_teardown)
		p->pages = t->all_mapped;
	t->counted_teardown |= phase == PHASE_TEARDOWN;
	pages = pages_of(t, req);
	if (phase != PHASE_TEARDOWN)
		p->pages += pages;
}

static int on_buffer(void *ctx, struct machine *m, struct buffer *b)
{
	struct timing *t = ctx;

	return memory_buffer(&t->rig->memory, m, b);
}

static void config(struct run_config *cfg, struct rig *rig, const struct flush_policy *policy,
		   struct timing *t)
{
	*cfg = (struct run_config){
		.backend = &backend_core,
		.policy = policy,
		.memory = MACHINE_MEMORY_REAL,
		.clean = &rig->memory.ops,
		.max_pages = RUN_PAGES_TRACE,
		.arena_size = 64ULL << 30,
		.observer_size = 1ULL << 30,
		.ctx = t,
		.buffer = on_buffer,
		.before = before,
		.after = after,
	};
}

int rig_create(struct rig *rig, const struct rig_options *opt)
{
	int rc;

	*rig = (struct rig){.counters = opt->counters};
	stopwatch_init(&rig->watch, NULL);
	rc = memory_create(&rig->memory, opt->size, opt->lines, opt->clean, &rig->watch);
	if (rc)
		rig_destroy(rig);
	else if (opt->lines == MEMORY_MIXED)
		memory_mix(&rig->memory, opt->dirty_percent);
	return rc;
}

void rig_destroy(struct rig *rig)
{
	run_destroy(rig->run);
	memory_destroy(&rig->memory);
	*rig = (struct rig){0};
}

static int begin(struct rig *rig, const struct run_config *cfg)
{
	if (rig->run)
		return run_reset(rig->run, cfg);
	rig->run = run_create(cfg);
	return rig->run ? 0 : -errno;
}

/* The kernel's own tables lie in memory that is there; first touches of the arena are not timed. */
static void warm_up(struct rig *rig)
{
	size_t size = round_up(rig->warm, PAGE_SIZE);

#ifdef MADV_POPULATE_WRITE
	if (size)
		madvise(run_arena(rig->run), size, MADV_POPULATE_WRITE);
#endif
}

int rig_run(struct rig *rig, const struct workload *w, const struct flush_policy *policy,
	    bool count, struct timed *out)
{
	struct timing t = {.rig = rig, .out = out, .last_op = w->nr_ops};
	struct run_config cfg;
	int rc;

	*out = (struct timed){0};
	config(&cfg, rig, policy, &t);
	rig->watch.counters = count ? rig->counters : NULL;
	rig->memory.prepared = 0;
	rc = begin(rig, &cfg);
	if (rc)
		goto out;
	warm_up(rig);
	memory_begin(&rig->memory);
	rc = run_program(rig->run, &w->program);
	memory_end(&rig->memory);
	rig->warm = max(rig->warm, arena_used(run_arena(rig->run)));
	algorithm_take(&out->counts, run_counters(rig->run));
	out->prepared = rig->memory.prepared;
out:
	free(t.mapped);
	return rc;
}
