// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls into the flush policy. Pieces are made here and nowhere else: where a pfn came from is
 * found again by walking the trees, which have not changed since the reader walked them, so that
 * neither batches nor runs carry an origin.
 */
#include "core/iopt/io_pagetable.h"
#include "core/iopt/pages.h"

static struct iopt_pages *pages_of(struct flush_pages *fp)
{
	return container_of(fp, struct iopt_pages, fp);
}

static u64 view_run(const struct pfn_view *v, u64 index, u64 last, u64 *pfn)
{
	u64 n = 1, most = last - index + 1;

	if (v->batch)
		n = batch_run_at(v->batch, index - v->index, pfn);
	else
		for (*pfn = v->array[index - v->index]; n < most; n++)
			if (v->array[index - v->index + n] != *pfn + n)
				break;
	return min(n, most);
}

static void host_clean(const struct flush_piece *p, u64 first, u64 last)
{
	struct machine *m = pages_of(p->pages)->ctx->machine;
	u64 pfn, n;

	if (!p->pfns || first < p->first || last > p->last || first > last) {
		machine_strict(m, "POLICY", "a policy cleans what its piece does not hold", first,
			       last);
		return;
	}
	for (u64 i = first; i <= last; i += n) {
		n = view_run(p->pfns, i, last, &pfn);
		if (!n)
			return;
		machine_clean(m, pfn << PAGE_SHIFT, n << PAGE_SHIFT);
	}
}

static void host_drain(const struct flush_piece *p)
{
	machine_drain(pages_of(p->pages)->ctx->machine);
}

static void *host_page_state(struct flush_pages *fp, u64 index, bool create, u64 *count)
{
	struct iopt_pages *pages = pages_of(fp);
	u32 size = pages->ctx->policy->page_size;
	u8 *leaf;

	*count = SPARSE_FAN - index % SPARSE_FAN;
	if (!size) {
		machine_strict(pages->ctx->machine, "POLICY",
			       "a policy asks for page state that it did not declare", index, size);
		return NULL;
	}
	leaf = sparse_leaf(&pages->policy_pages, pages->ctx->arena, index, create);
	return leaf ? leaf + size * (index % SPARSE_FAN) : NULL;
}

void hooks_setup(struct iommufd_ctx *ctx)
{
	u32 needs = ctx->policy->needs;

	ctx->host = (struct flush_host){
		.abi = FLUSH_ABI_VERSION,
		.clean = host_clean,
		.drain = host_drain,
		.page_state = host_page_state,
	};
	ctx->need_unmap_pfns = needs & (FLUSH_NEED_UNMAP_PFNS | FLUSH_NEED_BEFORE_UNMAP);
}

int hook_result(struct iommufd_ctx *ctx, int rc)
{
	if (rc <= 0)
		return rc;
	machine_strict(ctx->machine, "POLICY", "a hook returns neither 0 nor a negative errno", rc,
		       0);
	return -EINVAL;
}

static struct flush_piece make_piece(struct iopt_pages *pages, struct iopt_area *area,
				     const struct pfn_view *v, u64 first, u64 last)
{
	return (struct flush_piece){
		.host = &pages->ctx->host,
		.area = &area->fa,
		.pages = &pages->fp,
		.first = first,
		.last = last,
		.serial = machine_serial(pages->ctx->machine),
		.pfns = v,
	};
}

/* Cut [index..] of a span at the end of its origin, and say what that is. */
static void piece_origin(struct flush_piece *p, struct iopt_pages *pages, u64 index,
			 const struct double_span *span)
{
	struct iopt_area *src;

	p->first = index;
	p->last = span->end;
	p->origin = span->label == 1 ? FLUSH_FROM_ARRAY : FLUSH_FROM_USER;
	p->src_area = NULL;
	p->src = NULL;
	if (span->label != 2)
		return;
	src = iopt_pages_find_domain_area(pages, index);
	if (!src)
		return;
	p->origin = FLUSH_FROM_DOMAIN;
	if (!(pages->ctx->policy->needs & FLUSH_NEED_SOURCE))
		return;
	p->src_area = &src->fa;
	p->src = &src->storage_domain->fd;
	p->last = min(p->last, iopt_area_last_index(src));
}

typedef int (*piece_fn)(const struct flush_piece *p, const void *arg);

static int for_each_origin(struct iopt_area *area, const struct pfn_view *v, u64 first, u64 last,
			   piece_fn fn, const void *arg)
{
	struct iopt_pages *pages = container_of(area->fa.pages, struct iopt_pages, fp);
	struct flush_piece p = make_piece(pages, area, v, first, last);
	struct double_span span;
	u64 index;
	int rc;

	for_each_double_span (&span, &pages->access_itree, &pages->domains_itree, first, last) {
		for (index = span.start; index <= span.end; index = p.last + 1) {
			piece_origin(&p, pages, index, &span);
			rc = fn(&p, arg);
			if (rc)
				return rc;
		}
	}
	return 0;
}

static int call_before_map(const struct flush_piece *p, const void *nr_nc)
{
	struct iommufd_ctx *ctx = pages_of(p->pages)->ctx;

	return machine_should_fail(ctx->machine, FAULT_POLICY)
		       ?: hook_result(ctx, ctx->policy->before_map(p, *(const u32 *)nr_nc));
}

int hook_before_map(struct iopt_area *area, struct pfn_batch *b, u64 first, u64 last, u32 nr_nc)
{
	struct pfn_view v = {.batch = b, .index = first};

	if (!area->iopt->ctx->policy->before_map)
		return 0;
	return for_each_origin(area, &v, first, last, call_before_map, &nr_nc);
}

static int call_before_access(const struct flush_piece *p, const void *write)
{
	struct iommufd_ctx *ctx = pages_of(p->pages)->ctx;

	return machine_should_fail(ctx->machine, FAULT_POLICY)
		       ?: hook_result(ctx, ctx->policy->before_access(p, *(const bool *)write));
}

int hook_before_access(struct iopt_area *area, const struct pfn_view *v, u64 first, u64 last,
		       bool write)
{
	if (!area->iopt->ctx->policy->before_access)
		return 0;
	return for_each_origin(area, v, first, last, call_before_access, &write);
}

/* The end of the stretch from index that is covered by both trees alike, and how. */
static u64 held_stretch(struct iopt_pages *pages, u64 index, u64 last, u32 *held)
{
	struct span_iter d, a;

	span_first(&d, &pages->domains_itree, index, last);
	span_first(&a, &pages->access_itree, index, last);
	*held = (d.used ? FLUSH_HELD_DOMAIN : 0) | (a.used ? FLUSH_HELD_ACCESS : 0);
	if (!*held)
		*held = FLUSH_UNPINS;
	return min(d.end, a.end);
}

typedef void (*unmap_hook)(const struct flush_piece *p, const struct flush_domain *domain);

static void call_unmap_hook(unmap_hook hook, struct iopt_area *area, struct iopt_domain *domain,
			    const struct pfn_view *v, u64 first, u64 last, u32 flags)
{
	struct iopt_pages *pages = container_of(area->fa.pages, struct iopt_pages, fp);
	struct flush_piece p = make_piece(pages, area, v, first, last);
	u32 inner = flags & ~(FLUSH_FIRST | FLUSH_LAST), held;
	u64 index;

	if (!(flags & FLUSH_UNPINS) || !pages->ctx->need_unmap_pfns) {
		p.flags = flags & ~FLUSH_UNPINS;
		hook(&p, &domain->fd);
		return;
	}
	inner &= ~FLUSH_UNPINS;
	for (index = first; index <= last; index = p.last + 1) {
		p.first = index;
		p.last = held_stretch(pages, index, last, &held);
		p.flags = inner | held;
		if (p.first == first)
			p.flags |= flags & FLUSH_FIRST;
		if (p.last == last)
			p.flags |= flags & FLUSH_LAST;
		hook(&p, &domain->fd);
	}
}

void hook_before_unmap(struct iopt_area *area, struct iopt_domain *domain, const struct pfn_view *v,
		       u64 first, u64 last, u32 flags)
{
	const struct flush_policy *policy = area->iopt->ctx->policy;

	if (policy->before_unmap && policy->needs & FLUSH_NEED_BEFORE_UNMAP)
		call_unmap_hook(policy->before_unmap, area, domain, v, first, last, flags);
}

void hook_after_unmap(struct iopt_area *area, struct iopt_domain *domain, const struct pfn_view *v,
		      u64 first, u64 last, u32 flags)
{
	const struct flush_policy *policy = area->iopt->ctx->policy;

	if (policy->after_unmap)
		call_unmap_hook(policy->after_unmap, area, domain, v, first, last, flags);
}

void hook_before_unpin(struct iopt_pages *pages, struct iopt_area *area, const struct pfn_view *v,
		       u64 first, u64 last, enum flush_unpin_why why)
{
	struct flush_piece p;

	if (!pages->ctx->policy->before_unpin)
		return;
	p = make_piece(pages, area, v, first, last);
	if (why == FLUSH_UNPIN_UNWIND)
		p.flags = FLUSH_UNWIND;
	pages->ctx->policy->before_unpin(&p, why);
}

/* The area is not published yet: its pages pointer is told here. */
int hook_fill_begin(struct iopt_area *area, struct iopt_pages *pages, u32 nr_nc,
		    enum flush_fill_why why)
{
	struct iommufd_ctx *ctx = pages->ctx;

	area->fa.pages = &pages->fp;
	if (!ctx->policy->fill_begin)
		return 0;
	return machine_should_fail(ctx->machine, FAULT_POLICY)
		       ?: hook_result(ctx, ctx->policy->fill_begin(&area->fa, nr_nc, why));
}

void hook_fill_end(struct iopt_area *area, int rc)
{
	if (area->iopt->ctx->policy->fill_end)
		area->iopt->ctx->policy->fill_end(&area->fa, rc);
}
