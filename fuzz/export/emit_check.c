// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a `check` can look at from user space: whether a mock domain maps what the user sees, and
 * how often pages are pinned. Both are asked of the core first: a page that its user has replaced
 * since it was pinned is no mistake, and is not compared.
 */
#include "fuzz/export/emit.h"

#define PAGES_MOST   4096u	/* of an area that is compared */
#define RUNS_MOST    8u		/* of equal pins in a buffer */
#define PAGES_LOOKED (1u << 16) /* of a buffer, for pins */

/* --- what the core has ------------------------------------------------------- */

struct look {
	struct exporter *ex;
	struct backend_view view;
	u32 table; /* identity */
	u64 iova, last;
	struct view_area area;
	struct view_pages pages;
	u64 index, pfn;
	bool found;
	u32 domain; /* machine's id */
	u32 skipped;
};

static bool take_area(void *arg, const struct view_area *a)
{
	struct look *l = arg;

	l->found = a->iova <= l->iova && a->last >= l->last;
	l->area = *a;
	return !l->found;
}

static bool take_pages(void *arg, const struct view_pages *p)
{
	struct look *l = arg;

	l->found = p->id == l->area.pages;
	l->pages = *p;
	return !l->found;
}

static bool take_pfn(void *arg, u64 index, u64 pfn)
{
	struct look *l = arg;

	if (index == l->index)
		l->pfn = pfn;
	return index < l->index;
}

/* The frame that the core holds for an index of the area's object; 0: it holds none. */
static u64 held_pfn(struct look *l, u64 index)
{
	u64 start = (l->area.first_index << PAGE_SHIFT) + l->area.page_offset;
	u64 at = index << PAGE_SHIFT, iova = l->area.iova, pa;
	struct machine *m = run_machine(l->ex->run);
	u32 prot;

	if (at > start)
		iova += at - start;
	if (l->area.storage_domain)
		return domain_probe(machine_domain(m, l->area.storage_domain), iova, &pa, &prot)
			       ? pa >> PAGE_SHIFT
			       : 0;
	l->index = index;
	l->pfn = 0;
	l->view.pinned_pfns(l->view.ctx, l->pages.id, take_pfn, l);
	return l->pfn;
}

static s64 buffer_at(struct exporter *ex, u32 task, u64 va, u64 len)
{
	for (u32 i = 0; i < ex->met[OBJ_BUFFER]; i++) {
		const struct ex_buffer *b = &ex->buffers[i];

		if (b->live && b->task == task && va >= buffer_va(b->buffer) &&
		    va - buffer_va(b->buffer) + len <= b->npages << PAGE_SHIFT)
			return i;
	}
	return -1;
}

/*
 * A pin of a private page that nobody has written takes a copy of it in the kernel, even one for
 * reading; the core's takes what is there. So neither is held against the other.
 */
static bool is_private(const struct ex_buffer *b, u64 page)
{
	return b->pages && b->pages[page].private;
}

static bool same_pages(struct look *l, const struct ex_buffer *b, u64 va, u64 len)
{
	u64 first = (va - buffer_va(b->buffer)) >> PAGE_SHIFT;
	u64 last = (va - buffer_va(b->buffer) + len - 1) >> PAGE_SHIFT;
	u64 index = (va >> PAGE_SHIFT) - (l->pages.uptr >> PAGE_SHIFT);

	if (last - first >= PAGES_MOST)
		return false;
	for (u64 page = first; page <= last; page++, index++) {
		u64 pfn = held_pfn(l, index), shown = buffer_pfn(b->buffer, page);

		if (shown == MACHINE_NO_PFN || is_private(b, page) || (pfn && pfn != shown))
			return false;
	}
	return true;
}

bool seen_by_user(struct exporter *ex, u32 table, u64 iova, u64 len, struct seen *out)
{
	struct look l = {.ex = ex, .iova = iova, .last = iova + len - 1};
	s64 buffer;
	u64 va;

	if (!len || l.last < iova)
		return false;
	ex->cfg.backend->view(run_backend(ex->run), &l.view);
	l.view.areas(l.view.ctx, table + 1, take_area, &l);
	if (!l.found)
		return false;
	l.found = false;
	l.view.pages(l.view.ctx, take_pages, &l);
	if (!l.found || ex->gone >> l.pages.task & 1)
		return false;
	va = (l.pages.uptr & ~PAGE_MASK) + (l.area.first_index << PAGE_SHIFT) + l.area.page_offset +
	     (iova - l.area.iova);
	buffer = buffer_at(ex, l.pages.task, va, len);
	if (buffer < 0 || !same_pages(&l, &ex->buffers[buffer], va, len))
		return false;
	*out = (struct seen){buffer, va - buffer_va(ex->buffers[buffer].buffer)};
	return true;
}

/* --- mock domains ------------------------------------------------------------ */

static void check_area(struct exporter *ex, u32 domain, u32 table, const struct view_area *a)
{
	u64 len = a->last - a->iova + 1;
	struct words iova, at;
	struct seen seen;

	if (!seen_by_user(ex, table, a->iova, len, &seen) || seen.offset % MOCK_PAGE_SIZE ||
	    len % MOCK_PAGE_SIZE) {
		remark(ex, EXPORT_WHOLE, "%s: its user sees other pages by now, not compared",
		       area_text(ex, table, a->iova).s);
		return;
	}
	need(ex, HELPER_CHECK_MAP);
	iova = iova_in_table(ex, table, a->iova);
	at = place_text(use(ex, VAR_BUF, seen.buffer).s, seen.offset);
	as(ex, ex->buffers[seen.buffer].task);
	code(ex, "ASSERT_EQ(0, check_map(self->fd, %s, %s, %s, %s));", use(ex, VAR_HWPT, domain).s,
	     iova.s, bytes_text(len).s, at.s);
}

static bool visit_area(void *arg, const struct view_area *a)
{
	struct look *l = arg;

	check_area(l->ex, l->domain, l->table, a);
	return true;
}

static void check_domains(struct exporter *ex)
{
	struct look l = {.ex = ex};

	ex->cfg.backend->view(run_backend(ex->run), &l.view);
	for (u32 i = 0; i < ex->met[OBJ_DOMAIN]; i++) {
		if (ex->domains[i].how == DOMAIN_NONE)
			continue;
		l.domain = i;
		l.table = ex->domains[i].table;
		l.view.areas(l.view.ctx, l.table + 1, visit_area, &l);
	}
}

/* --- pins -------------------------------------------------------------------- */

/* Pins of a page; -1: not to be looked at, as a hole. When all is closed there are none. */
static s64 pins_of(struct exporter *ex, const struct ex_buffer *b, u64 page, bool closed)
{
	u64 pfn = buffer_pfn(b->buffer, page);

	if (pfn == MACHINE_NO_PFN || (!closed && is_private(b, page)))
		return -1;
	return closed ? 0 : (s64)machine_pins(run_machine(ex->run), pfn);
}

static void check_buffer(struct exporter *ex, u32 id, bool closed)
{
	const struct ex_buffer *b = &ex->buffers[id];
	u64 nr = min(b->npages, (u64)PAGES_LOOKED), end;
	u32 runs = 0;

	for (u64 at = 0; at < nr; at = end) {
		s64 pins = pins_of(ex, b, at, closed);

		for (end = at + 1; end < nr; end++)
			if (pins_of(ex, b, end, closed) != pins)
				break;
		if (pins < 0)
			continue;
		if (++runs > RUNS_MOST) {
			remark(ex, EXPORT_WHOLE, "more pins of %s than are compared here",
			       ex->names[OBJ_BUFFER][id]);
			return;
		}
		need(ex, HELPER_CHECK_REFS);
		as(ex, b->task);
		code(ex, "ASSERT_EQ(0, check_refs(self->fd, %s, %s, %u));",
		     place_text(use(ex, VAR_BUF, id).s, at << PAGE_SHIFT).s,
		     bytes_text((end - at) << PAGE_SHIFT).s, (u32)pins);
	}
}

static void check_pins(struct exporter *ex, bool closed)
{
	for (u32 i = 0; i < ex->met[OBJ_BUFFER]; i++)
		if (ex->buffers[i].live && !(ex->gone >> ex->buffers[i].task & 1))
			check_buffer(ex, i, closed);
}

void emit_check(struct exporter *ex)
{
	check_domains(ex);
	check_pins(ex, false);
}

void emit_end(struct exporter *ex)
{
	for (u32 i = 0; i < ex->met[OBJ_ACCESS]; i++)
		if (ex->accesses[i].open)
			code(ex, "ASSERT_EQ(0, close(%s));", use(ex, VAR_ACCESS, i).s);
	code(ex, "ASSERT_EQ(0, close(self->fd));");
	code(ex, "self->fd = open(\"/dev/iommu\", O_RDWR);");
	code(ex, "ASSERT_NE(-1, self->fd);");
	check_pins(ex, true);
}
