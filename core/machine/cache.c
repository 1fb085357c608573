// SPDX-License-Identifier: GPL-2.0-only
/*
 * The concrete cache: four bits a line say where it stands, and lines that were ever written carry
 * the bytes that cache and memory hold. A line that nobody wrote reads as zeros in the cache; in
 * memory it holds SECRET_BYTE while a first pin's zeroing has not been written back, else zeros.
 *
 * Here a clean takes effect at once: that it is pending until the drain is the adversary's
 * business, which the shadow plays.
 */
#include "core/machine/machine_priv.h"

#define SECRET_BYTE 0x5e

const struct line *frame_line(const struct frame *f, unsigned int idx)
{
	const struct line *l = f->lines;

	while (l && l->idx != idx)
		l = l->next;
	return l;
}

static struct line *line_get(struct machine *m, struct frame *f, unsigned int idx)
{
	struct line *l = (struct line *)frame_line(f, idx);

	if (l)
		return l;
	l = arena_alloc(m->arena, sizeof(*l));
	if (!l)
		return NULL;
	l->idx = idx;
	if (f->secret >> idx & 1) {
		memset(l->mem, SECRET_BYTE, LINE_SIZE);
		l->old = ~0ULL;
	}
	l->next = f->lines;
	f->lines = l;
	return l;
}

static struct frame *frame_get(struct machine *m, u64 pfn, bool create)
{
	struct extent *x = extent_hint(m, pfn);
	struct frame **f;

	if (!x || !x->frames)
		return NULL;
	f = &x->frames[pfn - x->first];
	if (!*f && create)
		*f = arena_alloc(m->arena, sizeof(**f));
	return *f;
}

void frame_free(struct machine *m, struct frame *f)
{
	struct line *l;

	while ((l = f->lines)) {
		f->lines = l->next;
		arena_free(m->arena, l, sizeof(*l));
	}
	arena_free(m->arena, f, sizeof(*f));
}

/*
 * The owner zeroed or wrote the page through the cache; memory below holds what was there before.
 */
int frame_epoch(struct machine *m, struct extent *x, u64 pfn)
{
	struct frame *f = frame_get(m, pfn, true);

	if (!f)
		return -ENOMEM;
	for (struct line *l = f->lines; l; l = l->next) {
		if (!(f->cached >> l->idx & 1))
			memcpy(l->cache, l->mem, LINE_SIZE);
		memset(l->mem, SECRET_BYTE, LINE_SIZE);
		l->old = ~0ULL;
	}
	f->cached = f->dirty = f->secret = ~0ULL;
	f->devw = 0;
	return 0;
}

/* As the kernel's copy for a write fault: the CPU reads one page and writes the other. */
void frame_copy(struct machine *m, u64 to, u64 from)
{
	struct frame *src = frame_get(m, from, false), *dst;

	if (!src || !src->lines)
		return;
	dst = frame_get(m, to, true);
	for (const struct line *l = src->lines; dst && l; l = l->next) {
		struct line *copy = line_get(m, dst, l->idx);

		if (!copy)
			return;
		memcpy(copy->cache, src->cached >> l->idx & 1 ? l->cache : l->mem, LINE_SIZE);
		dst->cached |= 1ULL << l->idx;
		dst->dirty |= 1ULL << l->idx;
	}
}

static enum line_state line_state(const struct frame *f, u64 bit)
{
	if (!f || !(f->cached & bit))
		return LINE_I;
	if (!(f->dirty & bit))
		return f->devw & bit ? LINE_X : LINE_C;
	if (f->devw & bit)
		return LINE_DH;
	return f->secret & bit ? LINE_DS : LINE_D;
}

/* --- one line --- */

struct line_access {
	struct machine *m;
	struct frame *f;
	u64 bit;
	unsigned int idx, off, len;
	u8 *data;
	bool secret;
};

static void line_store(struct line_access *a)
{
	struct line *l = line_get(a->m, a->f, a->idx);

	if (l) {
		if (!(a->f->cached & a->bit))
			memcpy(l->cache, l->mem, LINE_SIZE);
		memcpy(l->cache + a->off, a->data, a->len);
	}
	a->f->cached |= a->bit;
	a->f->dirty |= a->bit;
}

static void line_load(struct line_access *a)
{
	struct line *l = (struct line *)frame_line(a->f, a->idx);

	if (!(a->f->cached & a->bit) && l)
		memcpy(l->cache, l->mem, LINE_SIZE);
	a->f->cached |= a->bit;
	if (l)
		memcpy(a->data, l->cache + a->off, a->len);
	else
		memset(a->data, 0, a->len);
}

static u64 byte_mask(const struct line_access *a)
{
	return (a->len == LINE_SIZE ? ~0ULL : (1ULL << a->len) - 1) << a->off;
}

static void line_dma_write(struct line_access *a)
{
	struct line *l = line_get(a->m, a->f, a->idx);

	if (l) {
		memcpy(l->mem + a->off, a->data, a->len);
		l->old &= ~byte_mask(a);
	}
	if (a->f->cached & a->bit)
		a->f->devw |= a->bit;
	a->f->secret &= ~a->bit;
}

static void line_dma_read(struct line_access *a)
{
	const struct line *l = frame_line(a->f, a->idx);

	if (l) {
		memcpy(a->data, l->mem + a->off, a->len);
		a->secret = l->old & byte_mask(a);
	} else {
		a->secret = a->f->secret & a->bit;
		memset(a->data, a->secret ? SECRET_BYTE : 0, a->len);
	}
}

/* Memory takes over what the dirty ones of @mask hold; they stay cached. */
static void write_back(struct frame *f, u64 mask)
{
	mask &= f->dirty;
	for (struct line *l = f->lines; l && mask; l = l->next) {
		if (!(mask >> l->idx & 1))
			continue;
		memcpy(l->mem, l->cache, LINE_SIZE);
		l->old = 0;
	}
	f->dirty &= ~mask;
	f->secret &= ~mask;
	f->devw &= ~mask;
}

static void invalidate(struct frame *f, u64 mask)
{
	f->cached &= ~mask;
	f->devw &= ~mask;
}

/* --- accesses --- */

static const enum machine_event_kind access_event[] = {
	[ACCESS_STORE] = EV_CPU_STORE,
	[ACCESS_LOAD] = EV_CPU_LOAD,
	[ACCESS_DMA_WRITE] = EV_DMA_WRITE,
	[ACCESS_DMA_READ] = EV_DMA_READ,
};

static bool is_write(enum access_kind kind)
{
	return kind == ACCESS_STORE || kind == ACCESS_DMA_WRITE;
}

/* Without the model: real memory where the page has some, else nothing is kept. */
static void plain_access(struct machine *m, enum access_kind kind, u64 pa, struct line_access *a)
{
	struct extent *x = extent_hint(m, pa >> PAGE_SHIFT);
	u8 *mem = x ? extent_addr(x, pa >> PAGE_SHIFT) : NULL;

	if (mem && is_write(kind))
		memcpy(mem + (pa & PAGE_MASK), a->data, a->len);
	else if (mem)
		memcpy(a->data, mem + (pa & PAGE_MASK), a->len);
	else if (!is_write(kind))
		memset(a->data, 0, a->len);
}

static void model_access(struct line_access *a, enum access_kind kind)
{
	switch (kind) {
	case ACCESS_STORE:
		line_store(a);
		break;
	case ACCESS_LOAD:
		line_load(a);
		break;
	case ACCESS_DMA_WRITE:
		line_dma_write(a);
		break;
	case ACCESS_DMA_READ:
		line_dma_read(a);
		break;
	}
}

void machine_look(const struct machine *m, u64 pa, void *data, u64 len, bool snooped)
{
	const struct extent *x = extent_find(m, pa >> PAGE_SHIFT);
	const struct frame *f = x && x->frames ? x->frames[(pa >> PAGE_SHIFT) - x->first] : NULL;
	unsigned int idx = (pa & PAGE_MASK) >> LINE_SHIFT, off = pa & (LINE_SIZE - 1);
	const struct line *l = f ? frame_line(f, idx) : NULL;
	u64 bit = 1ULL << idx;

	if (l)
		memcpy(data, (snooped && f->cached & bit ? l->cache : l->mem) + off, len);
	else
		memset(data, f && !snooped && f->secret & bit ? SECRET_BYTE : 0, len);
}

static void one_line(struct machine *m, enum access_kind kind, u64 pa, u8 *data, u64 len,
		     struct domain *d, u64 iova)
{
	struct line_access a = {.m = m, .data = data, .len = len};
	enum line_state state;

	a.off = pa & (LINE_SIZE - 1);
	a.idx = (pa & PAGE_MASK) >> LINE_SHIFT;
	a.bit = 1ULL << a.idx;
	a.f = frame_get(m, pa >> PAGE_SHIFT, true);
	state = line_state(a.f, a.bit);
	if (a.f)
		model_access(&a, kind);
	else
		plain_access(m, kind, pa, &a);
	if (m->obs)
		tell(m, .kind = access_event[kind], .domain = d ? d->id : 0,
		     .nc = d && domain_nc(d), .iova = iova, .pa = pa, .len = len, .state = state,
		     .secret = a.secret);
}

void cache_access(struct machine *m, enum access_kind kind, u64 pa, void *data, u64 len,
		  struct domain *d, u64 iova)
{
	u8 *p = data;
	u64 n;

	lockdep_assert_held(LOCK_FRAMES);
	for (; len; pa += n, iova += n, p += n, len -= n) {
		n = min(len, LINE_SIZE - (pa & (LINE_SIZE - 1)));
		one_line(m, kind, pa, p, n, d, iova);
	}
}

/* An access through a task's mapping, page by page. */
static int user_access(struct machine *m, u32 task, u64 va, void *data, u64 len,
		       enum access_kind kind)
{
	struct task_mm *t;
	struct buffer *b;
	u8 *p = data;
	int rc = 0;
	s64 pfn;
	u64 n;

	if (task >= m->cfg.nr_tasks)
		return -EFAULT;
	t = &m->tasks[task];
	mutex_lock(&t->lock);
	for (; len; va += n, p += n, len -= n) {
		n = min(len, PAGE_SIZE - (va & PAGE_MASK));
		b = t->pub.alive ? task_buffer(t, va) : NULL;
		if (!b) {
			rc = -EFAULT;
			break;
		}
		mutex_lock(&m->frames_lock);
		pfn = buffer_page(m, b, (va - b->va) >> PAGE_SHIFT, kind == ACCESS_STORE);
		if (pfn >= 0)
			cache_access(m, kind, (u64)pfn << PAGE_SHIFT | (va & PAGE_MASK), p, n, NULL,
				     0);
		mutex_unlock(&m->frames_lock);
		if (pfn < 0) {
			rc = pfn;
			break;
		}
	}
	mutex_unlock(&t->lock);
	return rc;
}

int machine_user_store(struct machine *m, u32 task, u64 va, const void *data, u64 len)
{
	return user_access(m, task, va, (void *)data, len, ACCESS_STORE);
}

int machine_user_load(struct machine *m, u32 task, u64 va, void *data, u64 len)
{
	return user_access(m, task, va, data, len, ACCESS_LOAD);
}

void machine_phys_store(struct machine *m, u64 pa, const void *data, u64 len)
{
	mutex_lock(&m->frames_lock);
	cache_access(m, ACCESS_STORE, pa, (void *)data, len, NULL, 0);
	mutex_unlock(&m->frames_lock);
}

void machine_phys_load(struct machine *m, u64 pa, void *data, u64 len)
{
	mutex_lock(&m->frames_lock);
	cache_access(m, ACCESS_LOAD, pa, data, len, NULL, 0);
	mutex_unlock(&m->frames_lock);
}

static enum access_kind dma_kind(const struct domain *d, u32 prot, bool write, bool no_snoop)
{
	bool snooped = d->cfg.enforce_cache_coherency || (prot & DOMAIN_CACHE && !no_snoop);

	if (snooped)
		return write ? ACCESS_STORE : ACCESS_LOAD;
	return write ? ACCESS_DMA_WRITE : ACCESS_DMA_READ;
}

static int dma_access(struct machine *m, struct domain *d, u64 iova, void *data, u64 len,
		      bool write, bool no_snoop)
{
	u32 need = write ? DOMAIN_WRITE : DOMAIN_READ, prot;
	u64 pa, last, n, start = iova;
	u8 *p = data;
	int rc = 0;

	mutex_lock(&d->lock);
	for (; len; iova += n, p += n, len -= n) {
		/* Behind the last byte of the address space there is nothing, not address 0. */
		if (iova < start || !domain_translate(d, iova, &pa, &last, &prot) ||
		    !(prot & need)) {
			rc = -EFAULT;
			break;
		}
		n = min(len - 1, last - iova) + 1;
		mutex_lock(&m->frames_lock);
		cache_access(m, dma_kind(d, prot, write, no_snoop), pa, p, n, d, iova);
		mutex_unlock(&m->frames_lock);
	}
	mutex_unlock(&d->lock);
	return rc;
}

int machine_dma_read(struct machine *m, struct domain *d, u64 iova, void *data, u64 len,
		     bool no_snoop)
{
	return dma_access(m, d, iova, data, len, false, no_snoop);
}

int machine_dma_write(struct machine *m, struct domain *d, u64 iova, const void *data, u64 len,
		      bool no_snoop)
{
	return dma_access(m, d, iova, (void *)data, len, true, no_snoop);
}

/* --- clean, drain, evict --- */

/* The lines of page @pa that lie in [pa..last], as a mask. */
static u64 line_mask(u64 pa, u64 last)
{
	unsigned int lo = (pa & PAGE_MASK) >> LINE_SHIFT, hi = LINES_PAGE - 1;

	if (last >> PAGE_SHIFT == pa >> PAGE_SHIFT)
		hi = (last & PAGE_MASK) >> LINE_SHIFT;
	return (~0ULL >> (63 - (hi - lo))) << lo;
}

static void clean_model(struct machine *m, u64 pa, u64 last, bool invalidates)
{
	mutex_lock(&m->frames_lock);
	for (u64 pfn = pa >> PAGE_SHIFT; pfn <= last >> PAGE_SHIFT; pfn++) {
		struct frame *f = frame_get(m, pfn, false);
		u64 mask = line_mask(max(pa, pfn << PAGE_SHIFT), last);

		if (!f)
			continue;
		write_back(f, mask);
		if (invalidates)
			invalidate(f, mask);
	}
	mutex_unlock(&m->frames_lock);
}

/*
 * Bytes from @pa on, at most to @last, that lie in a row in real memory from *addr; NULL: a page
 * without.
 */
static u64 real_run(struct machine *m, u64 pa, u64 last, u8 **addr)
{
	u64 pfn = pa >> PAGE_SHIFT, n = PAGE_SIZE - (pa & PAGE_MASK), whole;
	struct extent *x = extent_hint(m, pfn);
	u8 *mem = x ? extent_addr(x, pfn) : NULL;

	*addr = mem ? mem + (pa & PAGE_MASK) : NULL;
	if (mem && !x->addr) {
		whole = (x->first + x->n - pfn) << PAGE_SHIFT;
		return min(last - pa, whole - (pa & PAGE_MASK) - 1) + 1;
	}
	while (mem && n <= last - pa && pfn + 1 - x->first < x->n &&
	       extent_addr(x, pfn + 1) == mem + PAGE_SIZE) {
		mem += PAGE_SIZE;
		n += PAGE_SIZE;
		pfn++;
	}
	return min(last - pa, n - 1) + 1;
}

static void clean_real(struct machine *m, u64 pa, u64 last)
{
	u64 n;
	u8 *addr;

	if (!m->cfg.clean || !m->cfg.clean->clean)
		return;
	for (;; pa += n) {
		mutex_lock(&m->frames_lock);
		n = real_run(m, pa, last, &addr);
		mutex_unlock(&m->frames_lock);
		if (addr)
			m->cfg.clean->clean(addr, n);
		if (n - 1 >= last - pa)
			break;
	}
}

void machine_clean(struct machine *m, u64 pa, u64 len)
{
	bool invalidates = !m->cfg.clean || m->cfg.clean->invalidates;
	u64 last;

	called(m, .kind = CALL_CLEAN, .at = pa, .n = len);
	if (!len)
		return;
	last = (pa + (len - 1)) | (LINE_SIZE - 1);
	pa = round_down(pa, LINE_SIZE);
	mutex_lock(&m->frames_lock);
	m->count.clean_calls++;
	m->count.clean_pages += (last >> PAGE_SHIFT) - (pa >> PAGE_SHIFT) + 1;
	m->count.clean_lines += (last >> LINE_SHIFT) - (pa >> LINE_SHIFT) + 1;
	if (unlikely(m->obs))
		tell(m, .kind = EV_CLEAN, .pa = pa, .len = last - pa + 1,
		     .invalidates = invalidates);
	mutex_unlock(&m->frames_lock);
	if (m->cfg.memory == MACHINE_MEMORY_MODEL)
		clean_model(m, pa, last, invalidates);
	else if (m->cfg.memory == MACHINE_MEMORY_REAL)
		clean_real(m, pa, last);
}

void machine_drain(struct machine *m)
{
	called(m, .kind = CALL_DRAIN);
	if (m->cfg.memory == MACHINE_MEMORY_REAL && m->cfg.clean && m->cfg.clean->drain)
		m->cfg.clean->drain();
	mutex_lock(&m->frames_lock);
	m->count.drains++;
	if (unlikely(m->obs))
		tell(m, .kind = EV_DRAIN);
	mutex_unlock(&m->frames_lock);
}

static void evict_page(struct machine *m, struct frame *f, u64 pfn)
{
	for (unsigned int i = 0; i < LINES_PAGE; i++) {
		u64 bit = 1ULL << i;

		if (!(f->cached & bit))
			continue;
		if (m->obs)
			tell(m, .kind = EV_EVICT, .pa = pfn << PAGE_SHIFT | (u64)i << LINE_SHIFT,
			     .len = LINE_SIZE, .state = line_state(f, bit));
	}
	write_back(f, ~0ULL);
	invalidate(f, ~0ULL);
}

void machine_evict(struct machine *m, u64 pa, u64 len)
{
	if (!len)
		return;
	mutex_lock(&m->frames_lock);
	for (u64 pfn = pa >> PAGE_SHIFT; pfn <= (pa + (len - 1)) >> PAGE_SHIFT; pfn++) {
		struct frame *f = frame_get(m, pfn, false);

		if (f)
			evict_page(m, f, pfn);
	}
	mutex_unlock(&m->frames_lock);
}
