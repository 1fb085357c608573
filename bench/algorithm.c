// SPDX-License-Identifier: GPL-2.0-only
#include "bench/algorithm.h"

#include <sys/mman.h>

#define TABLE_PFNS (1ULL << 33) /* address space alone: pages of it come as frames are touched */

/* A word a page: the number of the request, and what happened to the page in it. */
#define WAS_CHANGED 1u
#define WAS_CLEANED 2u
#define WORD_BITS   2

bool algorithm_nth(const struct algorithm *a, u32 i, const char **name, u64 *value)
{
	const struct {
		const char *name;
		u64 value;
	} all[] = {
#define X(member, text) {text, a->member},
		ALGORITHM_COUNTS(X)
#undef X
	};

	if (i >= ARRAY_SIZE(all))
		return false;
	*name = all[i].name;
	*value = all[i].value;
	return true;
}

void algorithm_take(struct algorithm *a, const struct machine_counters *c)
{
	a->flush_calls = c->clean_calls;
	a->pages = c->clean_pages;
	a->lines = c->clean_lines;
	a->fences = c->drains;
	a->map_calls = c->map_calls;
	a->unmap_calls = c->unmap_calls;
	a->iova_to_phys = c->translations;
	a->syncs = c->syncs;
	a->pin_calls = c->pin_calls;
	a->pinned = c->pages_pinned;
	a->unpinned = c->pages_unpinned;
}

void algorithm_add(struct algorithm *sum, const struct algorithm *a)
{
#define X(member, name) sum->member += a->member;
	ALGORITHM_COUNTS(X)
#undef X
}

/* --- changes of exposure ---------------------------------------------------------------------- */

int changes_init(struct changes *c)
{
	*c = (struct changes){0};
	c->page = mmap(NULL, TABLE_PFNS * sizeof(*c->page), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (c->page != MAP_FAILED)
		return 0;
	c->page = NULL;
	return -ENOMEM;
}

void changes_free(struct changes *c)
{
	if (c->page)
		munmap(c->page, TABLE_PFNS * sizeof(*c->page));
	*c = (struct changes){0};
}

static void change(struct changes *c, u64 *word)
{
	if (*word & WAS_CHANGED)
		return;
	c->changes++;
	c->skips += !(*word & WAS_CLEANED);
	*word |= WAS_CHANGED;
}

static void clean(struct changes *c, u64 *word)
{
	if ((*word & (WAS_CHANGED | WAS_CLEANED)) == WAS_CHANGED)
		c->skips--;
	*word |= WAS_CLEANED;
}

/* The pages that [pa, pa + len) touches. */
static void each_page(struct changes *c, u64 pa, u64 len, void (*what)(struct changes *, u64 *))
{
	u64 last = (pa + (len - 1)) >> PAGE_SHIFT;

	if (last >= TABLE_PFNS) {
		c->full = true;
		return;
	}
	for (u64 pfn = pa >> PAGE_SHIFT; pfn <= last; pfn++) {
		if (c->page[pfn] >> WORD_BITS != c->request)
			c->page[pfn] = c->request << WORD_BITS;
		what(c, &c->page[pfn]);
	}
}

void changes_event(void *ctx, u32 op, const struct machine_event *ev)
{
	struct changes *c = ctx;

	switch (ev->kind) {
	case EV_REQUEST_BEGIN:
		c->request = ev->req->serial;
		return;
	case EV_MAP:
		if (ev->nc && !ev->rc && ev->len)
			each_page(c, ev->pa, ev->len, change);
		return;
	case EV_UNMAP:
		if (ev->nc && ev->len)
			each_page(c, ev->pa, ev->len, change);
		return;
	case EV_CLEAN:
		if (ev->len)
			each_page(c, ev->pa, ev->len, clean);
		return;
	default:
		return;
	}
}
