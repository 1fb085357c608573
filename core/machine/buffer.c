// SPDX-License-Identifier: GPL-2.0-only
/*
 * User buffers: which frame stands behind which page of a task. A fresh buffer is one physical run
 * and needs no table; the first page that differs brings a sparse array of one word a page, where 0
 * means "as created".
 */
#include "core/machine/machine_priv.h"

#define AUTO_ALIGN  (1ULL << 30)
#define LARGE_PAGES 512ULL

/* Index of the first buffer that ends at or behind @va. */
static u32 buffer_rank(const struct task_mm *t, u64 va)
{
	u32 lo = 0, hi = t->nr;

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;
		const struct buffer *b = t->bufs[mid];

		if (b->va + ((b->npages << PAGE_SHIFT) - 1) < va)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct buffer *task_buffer(struct task_mm *t, u64 va)
{
	struct buffer *b = t->hint;
	u32 i;

	if (b && va >= b->va && (va - b->va) >> PAGE_SHIFT < b->npages)
		return b;
	i = buffer_rank(t, va);
	if (i == t->nr || t->bufs[i]->va > va)
		return NULL;
	t->hint = t->bufs[i];
	return t->hint;
}

struct buffer *machine_buffer_at(struct machine *m, u32 task, u64 va)
{
	const struct task_mm *t;
	u32 i;

	if (task >= m->cfg.nr_tasks)
		return NULL;
	t = &m->tasks[task];
	i = buffer_rank(t, va);
	return i < t->nr && t->bufs[i]->va <= va ? t->bufs[i] : NULL;
}

/* Where [va..] of that many pages goes; *rank: its place among the task's buffers. */
static int choose_va(struct task_mm *t, u64 *va, u64 npages, u32 *rank)
{
	u64 last, bytes;

	if (!npages || npages > 1ULL << 52 || *va & PAGE_MASK)
		return -EINVAL;
	bytes = (npages << PAGE_SHIFT) - 1;
	if (*va) {
		if (check_add_overflow(*va, bytes, &last))
			return -EINVAL;
		*rank = buffer_rank(t, *va);
		return *rank < t->nr && t->bufs[*rank]->va <= last ? -EEXIST : 0;
	}
	for (*va = t->next_va;; *va = round_up(last + 1, AUTO_ALIGN)) {
		if (!*va || check_add_overflow(*va, bytes, &last))
			return -EINVAL;
		*rank = buffer_rank(t, *va);
		if (*rank == t->nr || t->bufs[*rank]->va > last)
			break;
		last = t->bufs[*rank]->va + ((t->bufs[*rank]->npages << PAGE_SHIFT) - 1);
	}
	/* A page stays free behind it. */
	t->next_va = round_up(last + 1 + PAGE_SIZE, AUTO_ALIGN);
	return 0;
}

static int insert_buffer(struct machine *m, struct task_mm *t, struct buffer *b, u32 rank)
{
	struct extent *x;
	int rc;

	rc = grow_pointers(m->arena, &t->bufs, t->nr, &t->cap);
	if (rc)
		return rc;
	mutex_lock(&m->frames_lock);
	x = frames_new(m, b->npages, b->va >> PAGE_SHIFT);
	mutex_unlock(&m->frames_lock);
	if (!x)
		return -ENOMEM;
	b->base = x->first;
	memmove(&t->bufs[rank + 1], &t->bufs[rank], (t->nr - rank) * sizeof(*t->bufs));
	t->bufs[rank] = b;
	t->nr++;
	return 0;
}

int buffer_create(struct machine *m, u32 task, u64 va, u64 npages, struct buffer **out)
{
	struct task_mm *t;
	struct buffer *b;
	u32 rank;
	int rc;

	if (task >= m->cfg.nr_tasks)
		return -EINVAL;
	t = &m->tasks[task];
	mutex_lock(&t->lock);
	rc = choose_va(t, &va, npages, &rank);
	if (rc)
		goto out_unlock;
	b = arena_alloc(m->arena, sizeof(*b));
	if (!b) {
		rc = -ENOMEM;
		goto out_unlock;
	}
	*b = (struct buffer){.va = va, .npages = npages, .task = task};
	rc = insert_buffer(m, t, b, rank);
	if (rc)
		arena_free(m->arena, b, sizeof(*b));
	else
		*out = b;
out_unlock:
	mutex_unlock(&t->lock);
	return rc;
}

static void buffer_free(struct machine *m, struct buffer *b)
{
	arena_free(m->arena, b->pages, b->npages * sizeof(*b->pages));
	arena_free(m->arena, b, sizeof(*b));
}

void buffer_destroy(struct machine *m, struct buffer *b)
{
	struct task_mm *t = &m->tasks[b->task];
	u32 i;

	mutex_lock(&t->lock);
	i = buffer_rank(t, b->va);
	t->nr--;
	memmove(&t->bufs[i], &t->bufs[i + 1], (t->nr - i) * sizeof(*t->bufs));
	if (t->hint == b)
		t->hint = NULL;
	buffer_free(m, b);
	mutex_unlock(&t->lock);
}

void tasks_destroy(struct machine *m)
{
	for (u32 i = 0; i < m->cfg.nr_tasks; i++) {
		struct task_mm *t = &m->tasks[i];

		for (u32 k = 0; k < t->nr; k++)
			buffer_free(m, t->bufs[k]);
		arena_free(m->arena, t->bufs, t->cap * sizeof(*t->bufs));
	}
}

u64 buffer_va(const struct buffer *b)
{
	return b->va;
}

u64 buffer_npages(const struct buffer *b)
{
	return b->npages;
}

u32 buffer_task(const struct buffer *b)
{
	return b->task;
}

static u64 page_word(const struct buffer *b, u64 page)
{
	u64 w = b->pages ? b->pages[page] : 0;

	return w ? w : (b->base + page) << UPAGE_BITS;
}

u32 buffer_flags(const struct buffer *b, u64 page)
{
	return b->pages ? b->pages[page] & (UPAGE_HOLE | UPAGE_RDONLY | UPAGE_COW) : 0;
}

u64 buffer_pfn(const struct buffer *b, u64 page)
{
	u64 w;

	if (page >= b->npages)
		return MACHINE_NO_PFN;
	w = page_word(b, page);
	return w & UPAGE_HOLE ? MACHINE_NO_PFN : w >> UPAGE_BITS;
}

static int need_table(struct machine *m, struct buffer *b)
{
	if (!b->pages)
		b->pages = arena_alloc(m->arena, b->npages * sizeof(*b->pages));
	return b->pages ? 0 : -ENOMEM;
}

/*
 * Page now shows @pfn; a frame of its own (not an alias) lies where the buffer's real memory lies.
 */
static void show(struct machine *m, struct buffer *b, u64 page, u64 pfn, u32 flags, bool own)
{
	b->pages[page] = pfn << UPAGE_BITS | flags;
	if (own && b->mem)
		extent_set_addr(m, extent_hint(m, pfn), pfn, b->mem + (page << PAGE_SHIFT));
}

static int bad_range(const struct buffer *b, u64 first, u64 last)
{
	return first > last || last >= b->npages ? -EINVAL : 0;
}

static int new_runs(struct machine *m, struct buffer *b, u64 first, u64 last, u64 run)
{
	u64 n = last - first + 1, stride, runs, pfn;
	struct extent *x;

	run = min(run, n);
	/* Runs of whole large pages stay aligned to them. */
	stride = run % LARGE_PAGES ? run + 1 : run + LARGE_PAGES;
	runs = (n - 1) / run;
	if (check_mul_overflow(runs, stride, &pfn))
		return -ENOMEM;
	mutex_lock(&m->frames_lock);
	x = frames_new(m, runs * stride + (n - runs * run), (b->va >> PAGE_SHIFT) + first);
	for (u64 i = 0; x && i < n; i++) {
		pfn = x->first + i / run * stride + i % run;
		show(m, b, first + i, pfn, page_word(b, first + i) & UPAGE_ALL, true);
	}
	mutex_unlock(&m->frames_lock);
	return x ? 0 : -ENOMEM;
}

int buffer_layout_runs(struct machine *m, struct buffer *b, u64 first, u64 last, u64 run)
{
	struct task_mm *t = &m->tasks[b->task];
	int rc = run ? bad_range(b, first, last) : -EINVAL;

	if (rc)
		return rc;
	mutex_lock(&t->lock);
	rc = need_table(m, b);
	if (!rc)
		rc = new_runs(m, b, first, last, run);
	mutex_unlock(&t->lock);
	return rc;
}

int buffer_remap(struct machine *m, struct buffer *b, u64 first, u64 last)
{
	return buffer_layout_runs(m, b, first, last, ~0ULL);
}

int buffer_alias(struct machine *m, struct buffer *b, u64 dst, struct buffer *from, u64 src)
{
	struct task_mm *t = &m->tasks[b->task];
	u64 pfn;
	int rc;

	if (dst >= b->npages)
		return -EINVAL;
	/* Two tasks' locks are never held at once: look first, then change. */
	mutex_lock(&m->tasks[from->task].lock);
	pfn = buffer_pfn(from, src);
	mutex_unlock(&m->tasks[from->task].lock);
	if (pfn == MACHINE_NO_PFN)
		return -EINVAL;
	mutex_lock(&t->lock);
	rc = need_table(m, b);
	if (!rc)
		show(m, b, dst, pfn, page_word(b, dst) & UPAGE_RDONLY, false);
	mutex_unlock(&t->lock);
	return rc;
}

int buffer_set_flags(struct machine *m, struct buffer *b, u64 first, u64 last, u32 set, u32 clear)
{
	struct task_mm *t = &m->tasks[b->task];
	int rc = (set | clear) & ~UPAGE_ALL ? -EINVAL : bad_range(b, first, last);

	if (rc)
		return rc;
	mutex_lock(&t->lock);
	rc = need_table(m, b);
	for (u64 i = first; !rc && i <= last; i++)
		b->pages[i] = (page_word(b, i) & ~(u64)clear) | set;
	mutex_unlock(&t->lock);
	return rc;
}

void buffer_set_memory(struct machine *m, struct buffer *b, void *mem)
{
	struct task_mm *t = &m->tasks[b->task];
	struct extent *x;

	mutex_lock(&t->lock);
	mutex_lock(&m->frames_lock);
	b->mem = mem;
	extent_hint(m, b->base)->mem = mem;
	for (u64 i = 0; b->pages && i < b->npages; i++) {
		u64 pfn = b->pages[i] >> UPAGE_BITS;

		if (!pfn || pfn == b->base + i)
			continue;
		/* An aliased page keeps the address that its own buffer gave it. */
		x = extent_hint(m, pfn);
		if (!extent_addr(x, pfn))
			extent_set_addr(m, x, pfn, b->mem + (i << PAGE_SHIFT));
	}
	mutex_unlock(&m->frames_lock);
	mutex_unlock(&t->lock);
}

static s64 break_cow(struct machine *m, struct buffer *b, u64 page, u64 word)
{
	struct extent *x = frames_new(m, 1, 0);

	if (!x)
		return -ENOMEM;
	frame_copy(m, x->first, word >> UPAGE_BITS);
	show(m, b, page, x->first, word & UPAGE_ALL & ~UPAGE_COW, true);
	return x->first;
}

s64 buffer_page(struct machine *m, struct buffer *b, u64 page, bool write)
{
	u64 w = page_word(b, page);

	if (likely(!(w & UPAGE_ALL)))
		return w >> UPAGE_BITS;
	if (w & UPAGE_HOLE || (write && w & UPAGE_RDONLY))
		return -EFAULT;
	if (write && w & UPAGE_COW)
		return break_cow(m, b, page, w);
	return w >> UPAGE_BITS;
}
