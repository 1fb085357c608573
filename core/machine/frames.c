// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page frames by extents. Frame numbers only grow and are never used twice, so equal programs see
 * equal numbers, and a late unpin of a frame that nobody maps any more finds its own count. The
 * arrays of an extent are sparse memory: what is never pinned is never touched.
 */
#include "core/machine/machine_priv.h"

#define LARGE_PAGES 512ULL
#define GIANT_PAGES (512ULL * 512)

/* The first pfn from @from that is as @colour (a page number) modulo the large pages that fit. */
static u64 coloured(u64 from, u64 n, u64 colour)
{
	u64 align = n >= GIANT_PAGES ? GIANT_PAGES : n >= LARGE_PAGES ? LARGE_PAGES : 1;

	return from + ((colour - from) & (align - 1));
}

struct extent *frames_new(struct machine *m, u64 n, u64 colour)
{
	u64 first = coloured(m->next_pfn, n, colour);
	struct extent *x;

	lockdep_assert_held(LOCK_FRAMES);
	if (n > PFN_END - 1 - first ||
	    grow_pointers(m->arena, &m->extents, m->nr_extents, &m->cap_extents))
		return NULL;
	x = arena_alloc(m->arena, sizeof(*x));
	if (!x)
		return NULL;
	x->pins = arena_alloc(m->arena, n * sizeof(*x->pins));
	if (!x->pins)
		goto err_extent;
	if (m->cfg.memory == MACHINE_MEMORY_MODEL) {
		x->frames = arena_alloc(m->arena, n * sizeof(*x->frames));
		if (!x->frames)
			goto err_pins;
	}
	x->first = first;
	x->n = n;
	/* One number stays free, so that two buffers are never contiguous by accident. */
	m->next_pfn = first + n + 1;
	m->extents[m->nr_extents++] = x;
	return x;

err_pins:
	arena_free(m->arena, x->pins, n * sizeof(*x->pins));
err_extent:
	arena_free(m->arena, x, sizeof(*x));
	return NULL;
}

struct extent *extent_find(const struct machine *m, u64 pfn)
{
	u32 lo = 0, hi = m->nr_extents;

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;

		if (m->extents[mid]->first + m->extents[mid]->n <= pfn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < m->nr_extents && m->extents[lo]->first <= pfn ? m->extents[lo] : NULL;
}

struct extent *extent_hint(struct machine *m, u64 pfn)
{
	struct extent *x = m->hint;

	if (likely(x && pfn - x->first < x->n))
		return x;
	x = extent_find(m, pfn);
	if (x)
		m->hint = x;
	return x;
}

/* No memory for the table of addresses: the page then has none, and its cleans are skipped. */
void extent_set_addr(struct machine *m, struct extent *x, u64 pfn, void *addr)
{
	if (!x->addr)
		x->addr = arena_alloc(m->arena, x->n * sizeof(*x->addr));
	if (x->addr)
		x->addr[pfn - x->first] = addr;
}

static void free_frames(struct machine *m, struct extent *x)
{
	for (u64 i = 0; i < x->n; i++)
		if (x->frames[i])
			frame_free(m, x->frames[i]);
	arena_free(m->arena, x->frames, x->n * sizeof(*x->frames));
}

void frames_destroy(struct machine *m)
{
	for (u32 i = 0; i < m->nr_extents; i++) {
		struct extent *x = m->extents[i];

		if (x->frames)
			free_frames(m, x);
		arena_free(m->arena, x->addr, x->n * sizeof(*x->addr));
		arena_free(m->arena, x->pins, x->n * sizeof(*x->pins));
		arena_free(m->arena, x, sizeof(*x));
	}
	arena_free(m->arena, m->extents, m->cap_extents * sizeof(*m->extents));
}

/* --- pins --- */

/* One more pin on a physical run inside one extent; how many succeeded. */
static u64 pin_run(struct machine *m, struct extent *x, u64 pfn, u64 n)
{
	u32 *pins = &x->pins[pfn - x->first];
	u64 i;

	for (i = 0; x->frames && i < n; i++)
		if (!(pins[i] & PINS_MASK) && frame_epoch(m, x, pfn + i))
			n = i;
	for (i = 0; i < n; i++)
		pins[i]++;
	x->pinned += n;
	return n;
}

static s64 pin_one(struct machine *m, struct buffer *b, u64 page, bool write)
{
	s64 pfn = buffer_page(m, b, page, write);

	if (pfn >= 0 && !pin_run(m, extent_hint(m, pfn), pfn, 1))
		return -ENOMEM;
	return pfn;
}

/* The same where nothing is special about the page; negative: something is. */
static inline s64 pin_plain(struct machine *m, const struct buffer *b, u64 page)
{
	u64 w = b->pages[page], pfn = w >> UPAGE_BITS;
	struct extent *x = m->hint;

	if (unlikely(!w || w & UPAGE_ALL || !x || pfn - x->first >= x->n || x->frames))
		return -1;
	x->pins[pfn - x->first]++;
	x->pinned++;
	return pfn;
}

/* Pages of one buffer; how many were pinned, *rc says why there were no more. */
static u64 pin_buffer(struct machine *m, struct buffer *b, u64 page, u64 n, bool write, u64 *out,
		      int *rc)
{
	u64 done, pfn = b->base + page;
	s64 got;

	n = min(n, b->npages - page);
	if (!b->pages) {
		for (u64 i = 0; i < n; i++)
			out[i] = pfn + i;
		done = pin_run(m, extent_hint(m, pfn), pfn, n);
		*rc = done < n ? -ENOMEM : 0;
		return done;
	}
	for (done = 0; done < n; done++) {
		got = pin_plain(m, b, page + done);
		if (unlikely(got < 0))
			got = pin_one(m, b, page + done, write);
		if (unlikely(got < 0)) {
			*rc = got;
			break;
		}
		out[done] = got;
	}
	return done;
}

/* Tell of the pages from va on, run by run; a: the page's number in its buffer, for people. */
static void emit_pins(struct machine *m, struct task_mm *t, u64 va, const u64 *pfns, u64 n,
		      bool write)
{
	for (u64 i = 0, from = 0; i < n; i++) {
		u64 at = va + (from << PAGE_SHIFT);
		struct buffer *b;

		if (i + 1 < n && pfns[i + 1] == pfns[i] + 1)
			continue;
		b = task_buffer(t, at);
		tell(m, .kind = EV_PIN, .pfn = pfns[from], .len = i + 1 - from,
		     .prot = write ? DOMAIN_WRITE : 0, .a = (at - b->va) >> PAGE_SHIFT);
		from = i + 1;
	}
}

static u64 pin_pages(struct machine *m, struct task_mm *t, u64 va, u64 n, bool write, u64 *out,
		     int *rc)
{
	struct buffer *b;
	u64 done = 0, at;

	while (done < n && !*rc) {
		at = va + (done << PAGE_SHIFT);
		b = task_buffer(t, at);
		if (!b || !t->pub.alive) {
			*rc = -EFAULT;
			break;
		}
		done += pin_buffer(m, b, (at - b->va) >> PAGE_SHIFT, n - done, write, out + done,
				   rc);
	}
	return done;
}

long machine_pin(struct machine *m, u32 task, u64 va, u64 n, u32 flags, u64 *out)
{
	struct task_mm *t;
	u64 done;
	int rc = 0;

	called(m, .kind = CALL_PIN, .who = task, .flags = flags, .at = va, .n = n);
	if (unlikely(m->fault.nth))
		rc = machine_should_fail(m, FAULT_GUP);
	if (rc)
		return rc;
	if (!n || va & PAGE_MASK)
		return -EINVAL;
	if (task >= m->cfg.nr_tasks)
		return -EFAULT;
	if (m->gup_limit)
		n = min(n, m->gup_limit);
	t = &m->tasks[task];
	mutex_lock(&t->lock);
	mutex_lock(&m->frames_lock);
	done = pin_pages(m, t, va, n, flags & PIN_WRITE, out, &rc);
	m->count.pin_calls++;
	m->count.pages_pinned += done;
	if (unlikely(m->obs))
		emit_pins(m, t, va, out, done, flags & PIN_WRITE);
	mutex_unlock(&m->frames_lock);
	mutex_unlock(&t->lock);
	return done ? (long)done : rc;
}

void machine_set_gup_limit(struct machine *m, u64 pages)
{
	m->gup_limit = pages;
}

/* Before any count changes: the runs that are pinned, and those that should have been. */
static void emit_unpins(struct machine *m, u64 pfn, u64 n, bool dirty)
{
	u32 prot = dirty ? DOMAIN_WRITE : 0;
	u64 from = pfn, end = pfn + n;

	for (; pfn < end; pfn++) {
		if (machine_pins(m, pfn))
			continue;
		if (pfn > from)
			tell(m, .kind = EV_UNPIN, .pfn = from, .len = pfn - from, .prot = prot);
		machine_strict(m, "P1", "unpin of a page that is not pinned (pfn)", pfn, n);
		from = pfn + 1;
	}
	if (pfn > from)
		tell(m, .kind = EV_UNPIN, .pfn = from, .len = pfn - from, .prot = prot);
}

/* How many of the run's pages were pinned. */
static u64 unpin_run(struct extent *x, u64 pfn, u64 n, bool dirty)
{
	u32 *pins = &x->pins[pfn - x->first], mark = dirty ? PINS_DIRTY : 0;
	u64 done = 0;

	for (u64 i = 0; i < n; i++) {
		if (unlikely(!(pins[i] & PINS_MASK)))
			continue;
		pins[i] = (pins[i] - 1) | mark;
		done++;
	}
	x->pinned -= done;
	x->dirty |= dirty && done;
	return done;
}

static inline void unpin_pages(struct machine *m, u64 pfn, u64 n, bool dirty)
{
	struct extent *x;
	u64 step;

	if (unlikely(m->obs))
		emit_unpins(m, pfn, n, dirty);
	for (; n; pfn += step, n -= step) {
		x = extent_hint(m, pfn);
		step = 1;
		if (unlikely(!x))
			continue;
		step = min(n, x->first + x->n - pfn);
		m->count.pages_unpinned += unpin_run(x, pfn, step, dirty);
	}
}

void machine_unpin(struct machine *m, u64 pfn, u64 n, bool dirty)
{
	called(m, .kind = CALL_UNPIN, .flags = dirty, .at = pfn, .n = n);
	mutex_lock(&m->frames_lock);
	unpin_pages(m, pfn, n, dirty);
	mutex_unlock(&m->frames_lock);
}

void machine_unpin_runs(struct machine *m, const struct pfn_run *runs, size_t n, bool dirty)
{
	called(m, .kind = CALL_UNPIN_RUNS, .flags = dirty, .n = n, .pfns = runs);
	mutex_lock(&m->frames_lock);
	for (size_t i = 0; i < n; i++)
		unpin_pages(m, runs[i].pfn, runs[i].n, dirty);
	mutex_unlock(&m->frames_lock);
}

void machine_mark_dirty(struct machine *m, u64 pfn, u64 n)
{
	struct extent *x;

	called(m, .kind = CALL_MARK_DIRTY, .at = pfn, .n = n);
	mutex_lock(&m->frames_lock);
	for (u64 i = pfn; i < pfn + n; i++) {
		x = extent_hint(m, i);
		if (!x)
			continue;
		x->pins[i - x->first] |= PINS_DIRTY;
		x->dirty = true;
	}
	mutex_unlock(&m->frames_lock);
}

u32 machine_pins(struct machine *m, u64 pfn)
{
	const struct extent *x = extent_find(m, pfn);

	return x ? x->pins[pfn - x->first] & PINS_MASK : 0;
}

bool machine_page_dirty(struct machine *m, u64 pfn)
{
	const struct extent *x = extent_find(m, pfn);

	return x && x->pins[pfn - x->first] & PINS_DIRTY;
}

u64 machine_max_pfn(const struct machine *m)
{
	return m->nr_extents ? m->next_pfn - 2 : 0;
}
