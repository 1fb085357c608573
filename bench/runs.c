// SPDX-License-Identifier: GPL-2.0-only
#include "bench/runs.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "bench/stats.h"
#include "bench/stopwatch.h"
#include "core/op/backend.h"

#define CHURN_BATCH 1024 /* pairs: well above the clock's step */
#define CHURN_PAGES 64
#define WARM_UPS    3
#define IOVA	    (1ULL << 32)
#define ARENA	    (8ULL << 30)

static const struct run_layout layouts[] = {
	{"contiguous", "all pages in one physical run", 0, false, 6, 0},
	{"scattered", "every page its own run", 1, false, 20, 40},
	{"churn", "one page mapped and unmapped, over and over", 1, true, 250, 0},
};

const struct run_layout *run_layout(u32 i)
{
	return i < ARRAY_SIZE(layouts) ? &layouts[i] : NULL;
}

struct core {
	struct arena *arena;
	struct machine *machine;
	struct backend *backend;
	struct buffer *buffer;
	u64 pages;
	struct stopwatch watch;
};

static int request(struct core *c, struct request *req)
{
	req->task = 0;
	machine_request_begin(c->machine, req);
	c->backend->ops->execute(c->backend, req);
	machine_request_end(c->machine, req);
	return req->rc;
}

static void nothing_pinned(void *ctx, u32 access, u64 iova, u64 length)
{
}

static int make_machine(struct core *c, const struct run_options *opt)
{
	static const struct backend_callbacks cb = {.access_unmap = nothing_pinned};
	struct machine_config mc = {.memory = MACHINE_MEMORY_NONE};

	c->arena = arena_create(NULL, ARENA);
	if (!c->arena)
		return -errno;
	madvise(c->arena, ARENA, MADV_HUGEPAGE);
	c->machine = machine_create(c->arena, &mc);
	if (!c->machine)
		return -ENOMEM;
	c->backend = backend_core.create(&backend_core, c->arena, c->machine, opt->policy, &cb);
	return c->backend ? 0 : -ENOMEM;
}

static int make_table(struct core *c, u32 domains)
{
	struct domain_config dc = {.enforce_cache_coherency = false};
	struct request req = {.kind = REQ_TABLE_CREATE, .table = 1};
	struct domain *d;
	int rc = request(c, &req);

	for (u32 i = 0; !rc && i < domains; i++) {
		rc = domain_create(c->machine, &dc, &d);
		if (rc)
			break;
		req = (struct request){
			.kind = REQ_ATTACH,
			.table = 1,
			.domain = domain_id(d),
			.flags = REQF_NC_ATTACH,
		};
		rc = request(c, &req);
	}
	return rc;
}

static int make_core(struct core *c, const struct run_options *opt)
{
	const struct run_layout *l = opt->layout;
	int rc = make_machine(c, opt);

	c->pages = l->churn ? CHURN_PAGES : opt->size >> PAGE_SHIFT;
	if (!rc)
		rc = make_table(c, opt->domains);
	if (!rc)
		rc = buffer_create(c->machine, 0, 0, c->pages, &c->buffer);
	if (!rc && l->run)
		rc = buffer_layout_runs(c->machine, c->buffer, 0, c->pages - 1, l->run);
	stopwatch_init(&c->watch, NULL);
	return rc;
}

static void destroy_core(struct core *c)
{
	if (c->backend)
		c->backend->ops->destroy(c->backend);
	arena_destroy(c->arena);
}

static struct request map_request(const struct core *c, u64 page, u64 pages)
{
	return (struct request){
		.kind = REQ_MAP,
		.table = 1,
		.flags = REQF_FIXED,
		.prot = REQ_PROT_READ | REQ_PROT_WRITE,
		.uptr = buffer_va(c->buffer) + (page << PAGE_SHIFT),
		.iova = IOVA,
		.length = pages << PAGE_SHIFT,
	};
}

static struct request unmap_request(u64 pages)
{
	return (struct request){
		.kind = REQ_UNMAP,
		.table = 1,
		.iova = IOVA,
		.length = pages << PAGE_SHIFT,
	};
}

/* All at once: two timed regions. */
static int time_whole(struct core *c, double *map, double *unmap)
{
	struct request in = map_request(c, 0, c->pages), out = unmap_request(c->pages);
	int rc;

	stopwatch_start(&c->watch, true);
	rc = request(c, &in);
	*map = stopwatch_stop(&c->watch) / c->pages;
	if (rc)
		return rc;
	stopwatch_start(&c->watch, true);
	rc = request(c, &out);
	*unmap = stopwatch_stop(&c->watch) / c->pages;
	return rc;
}

/* A batch of pairs: one timed region. */
static int time_churn(struct core *c, double *pair)
{
	int rc = 0;

	stopwatch_start(&c->watch, true);
	for (u32 i = 0; !rc && i < CHURN_BATCH; i++) {
		struct request in = map_request(c, i % c->pages, 1), out = unmap_request(1);

		rc = request(c, &in);
		if (!rc)
			rc = request(c, &out);
	}
	*pair = stopwatch_stop(&c->watch) / CHURN_BATCH;
	return rc;
}

static int repeat(struct core *c, const struct run_options *opt, double *map, double *unmap,
		  double *both)
{
	int rc = 0;

	for (u32 i = 0; !rc && i < WARM_UPS + opt->reps; i++) {
		u32 at = i < WARM_UPS ? 0 : i - WARM_UPS;

		if (opt->layout->churn)
			rc = time_churn(c, &both[at]);
		else
			rc = time_whole(c, &map[at], &unmap[at]);
		if (!opt->layout->churn)
			both[at] = map[at] + unmap[at];
	}
	return rc;
}

int run_layout_time(const struct run_options *opt, struct run_times *out)
{
	double *v = calloc(3 * (size_t)opt->reps, sizeof(*v));
	double *map = v, *unmap = v + opt->reps, *both = v + 2 * opt->reps;
	struct core c = {0};
	int rc = v ? make_core(&c, opt) : -ENOMEM;

	if (!rc)
		rc = repeat(&c, opt, map, unmap, both);
	if (!rc) {
		out->reps = opt->reps;
		out->pages = opt->layout->churn ? CHURN_BATCH : c.pages;
		out->least = (struct run_figures){stats_min(map, opt->reps),
						  stats_min(unmap, opt->reps),
						  stats_min(both, opt->reps)};
		out->median = (struct run_figures){stats_median(map, opt->reps),
						   stats_median(unmap, opt->reps),
						   stats_median(both, opt->reps)};
	}
	destroy_core(&c);
	free(v);
	return rc;
}
