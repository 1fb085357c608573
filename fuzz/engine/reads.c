// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz/engine/reads.h"

#include "core/machine/domain.h"
#include "core/machine/request.h"

#include <stdlib.h>
#include <string.h>

void reads_clear(struct reads *r)
{
	if (r->nr_pages)
		memset(r->page, 0, sizeof(r->page));
	if (r->nr_ops)
		memset(r->of_op, 0, r->nr_ops * sizeof(*r->of_op));
	r->nr_pages = r->nr_fresh = r->nr_ops = 0;
	r->racy_pfn = 0;
	r->full = false;
}

u64 reads_of_op(const struct reads *r, u32 op)
{
	return op < r->nr_ops ? r->of_op[op] : 0;
}

/* NULL: there are too many. */
static struct reads_page *page_of(struct reads *r, u64 pfn)
{
	u32 i = mix64(pfn) % READS_PAGES;

	while (r->page[i].pfn && r->page[i].pfn != pfn)
		i = (i + 1) % READS_PAGES;
	if (r->page[i].pfn)
		return &r->page[i];
	if (r->nr_pages == READS_PAGES / 2) {
		r->full = true;
		return NULL;
	}
	r->nr_pages++;
	r->page[i].pfn = pfn;
	if (r->racy_pfn && pfn > r->racy_pfn)
		r->page[i].racy = ~0ULL;
	return &r->page[i];
}

/* In no order: which domain is mapped first is a policy's choice. */
static void add(struct reads *r, u32 op, u64 hash)
{
	if (op >= r->cap) {
		u32 cap = max(op + 1, 2 * r->cap);
		u64 *more = realloc(r->of_op, cap * sizeof(*more));

		if (!more) {
			r->full = true;
			return;
		}
		memset(more + r->cap, 0, (cap - r->cap) * sizeof(*more));
		r->of_op = more;
		r->cap = cap;
	}
	r->nr_ops = max(r->nr_ops, op + 1);
	r->of_op[op] += hash;
}

static u64 line_bit(u64 pa)
{
	return 1ULL << ((pa & PAGE_MASK) / LINE_SIZE);
}

/* Part of a line. */
static void read_line(struct reads *r, const struct machine *m, u32 op, u64 pa, u64 len,
		      bool snooped)
{
	const struct reads_page *p = page_of(r, pa >> PAGE_SHIFT);
	u8 data[LINE_SIZE];
	u64 hash = mix64(pa);

	if (!p || p->racy & line_bit(pa))
		return;
	machine_look(m, pa, data, len, snooped);
	for (u64 i = 0; i < len; i++)
		hash = hash * 0x100000001b3ULL ^ data[i];
	add(r, op, mix64(hash));
}

static void becomes_racy(struct reads *r, const struct machine *m, u64 pa)
{
	struct reads_page *p = page_of(r, pa >> PAGE_SHIFT);

	if (p)
		p->racy |= line_bit(pa);
	if (!r->racy_pfn)
		r->racy_pfn = machine_max_pfn(m);
}

/* [pa..pa+len-1] is mapped for an NC domain, or no longer. */
static void expose(struct reads *r, u64 pa, u64 len, bool mapped)
{
	u64 n;

	for (; len && !r->full; pa += n, len -= n) {
		struct reads_page *p = page_of(r, pa >> PAGE_SHIFT);

		n = min(len, PAGE_SIZE - (pa & PAGE_MASK));
		if (!p)
			return;
		p->exposed += mapped ? n : -n;
		if (!mapped || p->fresh)
			continue;
		p->fresh = true;
		r->fresh[r->nr_fresh++] = p - r->page;
	}
}

static void request_end(struct reads *r, const struct machine *m, u32 op, bool failed)
{
	while (r->nr_fresh) {
		struct reads_page *p = &r->page[r->fresh[--r->nr_fresh]];

		p->fresh = false;
		for (u64 at = 0; p->exposed && !failed && at < PAGE_SIZE; at += LINE_SIZE)
			read_line(r, m, op, p->pfn << PAGE_SHIFT | at, LINE_SIZE, false);
	}
}

static bool is_exposed(struct reads *r, u64 pa)
{
	const struct reads_page *p = page_of(r, pa >> PAGE_SHIFT);

	return p && p->exposed;
}

void reads_event(struct reads *r, const struct machine *m, u32 op, const struct machine_event *ev)
{
	if (r->full)
		return;
	switch (ev->kind) {
	case EV_MAP:
		if (ev->nc && !ev->rc)
			expose(r, ev->pa, ev->len, true);
		break;
	case EV_UNMAP:
		if (ev->nc)
			expose(r, ev->pa, ev->len, false);
		break;
	case EV_REQUEST_END:
		request_end(r, m, op, ev->req->rc);
		break;
	case EV_CPU_STORE:
		if (is_exposed(r, ev->pa))
			becomes_racy(r, m, ev->pa);
		break;
	case EV_DMA_WRITE:
		becomes_racy(r, m, ev->pa);
		break;
	case EV_CPU_LOAD:
	case EV_DMA_READ:
		read_line(r, m, op, ev->pa, ev->len, ev->kind == EV_CPU_LOAD);
		break;
	default:
		break;
	}
}
