// SPDX-License-Identifier: GPL-2.0-only
#include "bench/stage.h"

#include <sys/mman.h>

#define CHURN_PAGES 64
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

static int request(struct stage *s, struct backend *b, struct request *req)
{
	req->task = 0;
	machine_request_begin(s->machine, req);
	b->ops->execute(b, req);
	machine_request_end(s->machine, req);
	return req->rc;
}

static int make_machine(struct stage *s)
{
	struct machine_config mc = {.memory = MACHINE_MEMORY_NONE, .nr_tasks = MACHINE_TASKS_MAX};

	s->arena = arena_create(NULL, ARENA);
	if (!s->arena)
		return -errno;
	madvise(s->arena, ARENA, MADV_HUGEPAGE);
	s->machine = machine_create(s->arena, &mc);
	return s->machine ? 0 : -ENOMEM;
}

static int make_domains(struct stage *s, u32 nr)
{
	struct domain_config dc = {.enforce_cache_coherency = false};
	int rc = 0;

	for (; !rc && s->nr_domains < nr; s->nr_domains += !rc)
		rc = domain_create(s->machine, &dc, &s->domains[s->nr_domains]);
	return rc;
}

int stage_create(struct stage *s, const struct run_layout *layout, u64 size, u32 domains)
{
	int rc;

	*s = (struct stage){.layout = layout};
	if (domains > STAGE_DOMAINS_MAX)
		return -E2BIG;
	s->pages = layout->churn ? CHURN_PAGES : size >> PAGE_SHIFT;
	rc = make_machine(s);
	if (!rc)
		rc = make_domains(s, domains);
	if (!rc)
		rc = buffer_create(s->machine, 0, 0, s->pages, &s->buffer);
	if (!rc && layout->run)
		rc = buffer_layout_runs(s->machine, s->buffer, 0, s->pages - 1, layout->run);
	return rc;
}

static void nothing_pinned(void *ctx, u32 access, u64 iova, u64 length)
{
}

int stage_enter(struct stage *s, const struct backend_ops *ops, const struct flush_policy *policy,
		struct backend **out)
{
	static const struct backend_callbacks cb = {.access_unmap = nothing_pinned};
	struct request req = {.kind = REQ_TABLE_CREATE, .table = 1};
	struct backend *b;
	int rc;

	if (s->nr_backends == STAGE_BACKENDS_MAX)
		return -E2BIG;
	b = ops->create(ops, s->arena, s->machine, policy, &cb);
	if (!b)
		return -ENOMEM;
	s->backends[s->nr_backends++] = b;
	rc = request(s, b, &req);
	for (u32 i = 0; !rc && i < s->nr_domains; i++) {
		req = (struct request){
			.kind = REQ_ATTACH,
			.table = 1,
			.domain = domain_id(s->domains[i]),
			.flags = REQF_NC_ATTACH,
		};
		rc = request(s, b, &req);
	}
	*out = b;
	return rc;
}

void stage_destroy(struct stage *s)
{
	while (s->nr_backends--)
		s->backends[s->nr_backends]->ops->destroy(s->backends[s->nr_backends]);
	if (s->arena)
		arena_destroy(s->arena);
	*s = (struct stage){0};
}

u64 stage_pages(const struct stage *s)
{
	return s->layout->churn ? STAGE_CHURN : s->pages;
}

u32 stage_parts(const struct stage *s)
{
	return s->layout->churn ? 1 : STAGE_PARTS;
}

static int map(struct stage *s, struct backend *b, u64 page, u64 pages)
{
	struct request req = {
		.kind = REQ_MAP,
		.table = 1,
		.flags = REQF_FIXED,
		.prot = REQ_PROT_READ | REQ_PROT_WRITE,
		.uptr = buffer_va(s->buffer) + (page << PAGE_SHIFT),
		.iova = IOVA,
		.length = pages << PAGE_SHIFT,
	};

	return request(s, b, &req);
}

static int unmap(struct stage *s, struct backend *b, u64 pages)
{
	struct request req = {
		.kind = REQ_UNMAP,
		.table = 1,
		.iova = IOVA,
		.length = pages << PAGE_SHIFT,
	};

	return request(s, b, &req);
}

static int churn(struct stage *s, struct backend *b)
{
	int rc = 0;

	for (u32 i = 0; !rc && i < STAGE_CHURN; i++) {
		rc = map(s, b, i % s->pages, 1);
		if (!rc)
			rc = unmap(s, b, 1);
	}
	return rc;
}

int stage_requests(struct stage *s, struct backend *b, enum stage_part part)
{
	if (s->layout->churn)
		return churn(s, b);
	return part == STAGE_MAP ? map(s, b, 0, s->pages) : unmap(s, b, s->pages);
}
