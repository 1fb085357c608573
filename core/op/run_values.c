// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rule A6: what the CPU reads is what it wrote last. A byte is known from the store that put it
 * there until a no-snoop device write touches its line; known bytes are compared with what loads,
 * in-kernel reads and snooped DMA give. In-kernel reads and writes must also touch the right
 * frames: the one that the owner's address shows now, or the one that was pinned for the area.
 *
 * Not verified: bytes that nobody stored, bytes of a frame that copy-on-write made, and reads
 * beyond FRAMES_MAX stored-to frames.
 */
#include "core/op/run_priv.h"

#define FRAMES_MAX 4096u
#define BUCKETS	   512u

struct value_frame {
	struct value_frame *next;
	u64 pfn;
	u64 known[PAGE_SIZE / 64]; /* a bit for each byte, a word for each line */
	u8 data[PAGE_SIZE];
};

struct value_piece {
	u64 pa;
	u32 off, len;
};

struct run_values {
	u32 nr_frames;
	bool active, write;
	u8 *data; /* of the op at hand */
	u64 len, cursor;
	u64 rw_iova;	  /* where the in-kernel rw begins */
	u32 rw_table;	  /* in which table; 0: the op is no rw */
	u64 rw_next;	  /* the address that continues the page that was looked at last */
	u64 rw_area_last; /* the last byte of the area that it was looked for in */
	struct run_row pieces;
	struct value_frame *buckets[BUCKETS];
};

struct run_values *run_values_create(struct arena *arena)
{
	struct run_values *v = arena_alloc(arena, sizeof(*v));

	if (v)
		v->pieces.size = sizeof(struct value_piece);
	return v;
}

static struct value_frame *frame_of(struct run *r, u64 pfn, bool create)
{
	struct run_values *v = r->s->values;
	struct value_frame **bucket = &v->buckets[mix64(pfn) % BUCKETS], *f;

	for (f = *bucket; f; f = f->next)
		if (f->pfn == pfn)
			return f;
	if (!create || v->nr_frames == FRAMES_MAX)
		return NULL;
	f = arena_alloc(r->side, sizeof(*f));
	if (!f)
		return NULL;
	f->pfn = pfn;
	f->next = *bucket;
	*bucket = f;
	v->nr_frames++;
	return f;
}

/* [pa..pa+len-1], not empty, lies within one line; @bytes NULL: not known any more. */
static void learn(struct run *r, u64 pa, u64 len, const u8 *bytes)
{
	struct value_frame *f = frame_of(r, pa >> PAGE_SHIFT, bytes);
	u64 off = pa & PAGE_MASK, mask = ~0ULL >> (64 - len) << off % 64;

	if (!f)
		return;
	if (bytes) {
		f->known[off / 64] |= mask;
		memcpy(f->data + off, bytes, len);
	} else {
		f->known[off / 64] &= ~mask;
	}
}

/* --- the frames that an in-kernel access may touch ---------------------------- */

struct where {
	u64 iova; /* looked for */
	struct view_area area;
	struct view_pages pages;
	u64 index, pinned; /* what pinned_pfns says of the index */
	bool found;
};

static bool match_area(void *ctx, const struct view_area *area)
{
	struct where *w = ctx;

	if (w->iova < area->iova || w->iova > area->last)
		return area->last < w->iova;
	w->area = *area;
	w->found = true;
	return false;
}

static bool match_pages(void *ctx, const struct view_pages *pages)
{
	struct where *w = ctx;

	if (pages->id != w->area.pages)
		return true;
	w->pages = *pages;
	return false;
}

static bool match_pfn(void *ctx, u64 index, u64 pfn)
{
	struct where *w = ctx;

	if (index < w->index)
		return true;
	if (index == w->index)
		w->pinned = pfn;
	return false;
}

/* The frame that the owner's address shows; MACHINE_NO_PFN: none. */
static u64 user_frame(struct run *r, const struct where *w)
{
	u64 va = round_down(w->pages.uptr, PAGE_SIZE) + (w->index << PAGE_SHIFT);
	struct buffer *b = machine_buffer_at(r->s->machine, w->pages.task, va);

	return b ? buffer_pfn(b, (va - buffer_va(b)) >> PAGE_SHIFT) : MACHINE_NO_PFN;
}

/* Does any area with a storage domain, of whatever table, show the index in this frame? */
struct holder {
	struct machine *m;
	u64 pages, index, pfn;
	bool found;
};

static bool match_holder(void *ctx, const struct view_area *area)
{
	struct holder *h = ctx;
	u64 iova = area->iova, pa;
	struct domain *d;
	u32 prot;

	if (area->pages != h->pages || !area->storage_domain || h->index < area->first_index ||
	    h->index > area->last_index)
		return true;
	if (h->index > area->first_index)
		iova += ((h->index - area->first_index) << PAGE_SHIFT) - area->page_offset;
	d = machine_domain(h->m, area->storage_domain);
	h->found = d && domain_probe(d, iova, &pa, &prot) && pa >> PAGE_SHIFT == h->pfn;
	return !h->found;
}

static bool held_in_frame(struct run *r, const struct where *w, u64 pfn,
			  const struct backend_view *view)
{
	struct holder h = {r->s->machine, w->area.pages, w->index, pfn, false};

	for (u32 id = 1; id <= r->s->ids[OBJ_TABLE] && !h.found; id++)
		view->areas(view->ctx, id, match_holder, &h);
	return h.found;
}

static void check_piece(struct run *r, const struct value_piece *p)
{
	struct run_values *v = r->s->values;
	struct where w = {.iova = v->rw_iova + p->off};
	u64 byte, pfn = p->pa >> PAGE_SHIFT;
	struct backend_view view;

	r->cfg.backend->view(r->s->backend, &view);
	view.areas(view.ctx, v->rw_table, match_area, &w);
	v->rw_area_last = w.area.last;
	if (!w.found) {
		run_note(r, "A6", "rw went to frame %llu for IOVA 0x%llx, where no area is",
			 (unsigned long long)pfn, (unsigned long long)w.iova);
		return;
	}
	view.pages(view.ctx, match_pages, &w);
	byte = w.iova - w.area.iova + w.area.page_offset;
	w.index = w.area.first_index + (byte >> PAGE_SHIFT);
	view.pinned_pfns(view.ctx, w.area.pages, match_pfn, &w);
	if ((byte & PAGE_MASK) == (p->pa & PAGE_MASK) &&
	    (pfn == user_frame(r, &w) || pfn == w.pinned || held_in_frame(r, &w, pfn, &view)))
		return;
	run_note(r, "A6",
		 "rw of IOVA 0x%llx went to 0x%llx: neither what is pinned nor the owner's",
		 (unsigned long long)w.iova, (unsigned long long)p->pa);
}

/* --- what an op moves ------------------------------------------------------- */

/*
 * Looked at while it happens: a later part of the same request may pin for writing and so give the
 * owner another frame than the one that an earlier part rightly read.
 */
static void check_frame(struct run *r, const struct value_piece *p)
{
	struct run_values *v = r->s->values;

	/* Once for each page of an area: its lines follow each other. */
	if (v->rw_table &&
	    (p->pa != v->rw_next || !(p->pa & PAGE_MASK) || v->rw_iova + p->off > v->rw_area_last))
		check_piece(r, p);
	v->rw_next = p->pa + p->len;
}

/* The bytes of the op that this access moved, NULL when it is none of the op's. */
static u8 *advance(struct run *r, const struct machine_event *ev)
{
	struct run_values *v = r->s->values;
	struct value_piece *p;
	u64 at = v->cursor;

	if (!v->active || at + ev->len > v->len)
		return NULL;
	v->cursor += ev->len;
	if (!run_row_grow(r, &v->pieces, v->pieces.nr + 1))
		return NULL;
	p = (struct value_piece *)v->pieces.data + v->pieces.nr++;
	*p = (struct value_piece){.pa = ev->pa, .off = at, .len = ev->len};
	check_frame(r, p);
	return v->data + at;
}

void run_values_event(struct run *r, const struct machine_event *ev)
{
	struct run_values *v = r->s->values;

	switch (ev->kind) {
	case EV_CPU_STORE:
		learn(r, ev->pa, ev->len, v->write ? advance(r, ev) : NULL);
		break;
	case EV_DMA_WRITE:
		advance(r, ev);
		learn(r, round_down(ev->pa, LINE_SIZE), LINE_SIZE, NULL);
		break;
	case EV_CPU_LOAD:
		if (!v->write)
			advance(r, ev);
		break;
	case EV_DMA_READ:
		/* Memory may lag behind the cache: what comes is the shadow's business. */
		if (v->active)
			v->cursor += ev->len;
		break;
	default:
		break;
	}
}

void run_values_begin(struct run *r, void *data, u64 len, bool write)
{
	struct run_values *v = r->s->values;

	if (!v)
		return;
	v->active = true;
	v->write = write;
	v->data = data;
	v->len = len;
	v->cursor = 0;
	v->rw_table = 0;
	v->pieces.nr = 0;
}

void run_values_begin_rw(struct run *r, u32 table, u64 iova, void *data, u64 len, bool write)
{
	struct run_values *v = r->s->values;

	run_values_begin(r, data, len, write);
	if (!v)
		return;
	v->rw_table = table;
	v->rw_iova = iova;
	v->rw_next = 0;
}

static void compare(struct run *r, const struct value_piece *p)
{
	struct value_frame *f = frame_of(r, p->pa >> PAGE_SHIFT, false);
	const u8 *got = r->s->values->data + p->off;
	u64 off = p->pa & PAGE_MASK;

	for (u64 i = 0; f && i < p->len; i++) {
		if (!(f->known[(off + i) / 64] >> (off + i) % 64 & 1) || f->data[off + i] == got[i])
			continue;
		run_note(r, "A6", "read 0x%02x where 0x%02x was written last (byte 0x%llx)", got[i],
			 f->data[off + i], (unsigned long long)(p->pa + i));
		return;
	}
}

void run_values_end(struct run *r)
{
	struct run_values *v = r->s->values;

	if (!v)
		return;
	v->active = false;
	v->rw_table = 0;
	for (u32 i = 0; !v->write && i < v->pieces.nr; i++)
		compare(r, (struct value_piece *)v->pieces.data + i);
	v->write = false;
}
