// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shadow cache model: events of the machine in, verdicts on contracts out.
 *
 * The model. A page frame has 64 lines. Software cannot see in which state a line is, and
 * hardware (speculation, replacement, a device that writes without snooping) changes it at
 * will. So nothing is sampled: for every line of a pinned frame the shadow keeps the set of
 * all states that an adversary could have brought it into, and a contract is broken as soon as
 * *one* run of the adversary breaks it. The states are those of enum line_state, the moves
 * stand in lines.h, and both are the repository's definition (contract rules: core/README.md):
 *  - eviction and speculative fetch happen at any moment;
 *  - no-snoop writes happen at any moment at which some NC domain may write to the page. That
 *    includes IOTLB entries whose page-table entry has gone but whose invalidation has not
 *    completed: a mapping counts from EV_MAP to the EV_SYNC that follows its EV_UNMAP;
 *  - stores (CPU, snooped DMA) happen when the page is pinned and between requests. Inside a
 *    request they do not: no order of clean and map can win against a store that races with
 *    it. An access that stores on behalf of a request is an event of its own and counts;
 *  - at its first pin every line of a page is dirty zeros over somebody's secret;
 *  - a clean may take effect at once or as late as the drain. Until then both outcomes are in
 *    the set. At the drain only the second remains, with all that may have happened since the
 *    clean was issued.
 * Sets are kept closed under the moves after every event, so a check is a look at six words.
 * What happens between requests is done when a frame is next touched: its exposure cannot have
 * changed meanwhile.
 *
 * The contracts, as judged here:
 *  L   at each NC map call of a pinned page, or at the pin of a page that an NC domain
 *      reaches: DS is in the set of any line.
 *  I   at the last unpin: X or DH is in the set of any line.
 *  S0  at an NC map call of a page that was unreachable for NC domains just before it and when
 *      the request began: not all 64 lines had a clean that was issued and drained within this
 *      request (and pin epoch).
 *  S1  the same at every NC map call.
 *  E   at the end of a request, for a page that was reachable for an NC domain at some time in
 *      it, and now is pinned but not reachable: X or DH is in the set.
 *  O   at the end of a request, for a page that was cleaned while an NC mapping reached it
 *      which the request removed afterwards, if all 64 lines were not cleaned again after the
 *      last such removal. Cleans before the request's first NC unmap call count only if the
 *      request makes no NC map call at all (then they cannot be opening flushes), so they are
 *      kept apart (ORDER_EARLY) until the end tells. A clean of a frame that is pinned more
 *      than once is left to I: two objects show the frame, the clean may close the one while
 *      the other's mapping waits for its own turn in the same request, and events do not say
 *      whose clean it was. For a frame with one pin this is no exception at all.
 *  U   at the last unpin: any domain, NC or not, still has a mapping of the page, stale ones
 *      included.
 * The op that "should have flushed" is the op itself, but for I the one that ended the last
 * writable exposure.
 *
 * Verified: the order and the extent of cleans, drains, maps, syncs and unpins on every page
 * that a run touches, against every behaviour of caches and devices that the table allows, and
 * that concrete values never leave the sets (findings C1 to C3: the machine and this file were
 * written apart).
 *
 * NOT verified:
 *  - that real caches behave as the table says; prefetching of no-snoop data into device
 *    caches, partial-line writes, write-combining buffers and memory types are outside of it;
 *  - races of stores with a running request, and of requests with each other: events come one
 *    at a time;
 *  - which bytes of a page a sub-page mapping covers: reachability is by page, so a leak in
 *    the unmapped rest counts;
 *  - translations, permissions, accounting (model.c), and that a clean primitive does what it
 *    is named for;
 *  - pages nobody has pinned: their mappings are tracked and reported (D10), but never judged;
 *  - what happens to data that is lost for good before the last unpin (a DH line that was
 *    evicted): the contracts ask for the state at the end, not for every value on the way.
 */
#include "core/shadow/state.h"

static u32 moves(const struct shadow *s, const struct frame *f, u32 more)
{
	return (MOVE_FETCH | (f->nc_write ? MOVE_DEVICE : 0) | more) & s->moves;
}

static void frame_close(const struct shadow *s, struct frame *f, u32 more)
{
	lines_close(&f->set, moves(s, f, more));
	if (f->pending)
		lines_close(&f->pending->image, moves(s, f, more));
}

void frame_between(const struct shadow *s, const struct frame *f, struct lines *l)
{
	lines_close(l, moves(s, f, MOVE_STORE));
}

static void bound_all(struct shadow *s, struct frame *f, u32 symbol)
{
	for (u32 k = 0; k < TRACKS; k++)
		if (s->bound[k])
			bound_step(s->bound[k], &f->bound[k], symbol);
}

static struct turn *turn_new(struct shadow *s, struct frame *f)
{
	struct turn *t = pool_get(&s->turn_pool, s->arena);

	if (t) {
		*s->turns_end = t;
		s->turns_end = &t->next;
	} else {
		out_of_memory(s);
		t = &s->spare;
		memset(t, 0, sizeof(*t));
	}
	t->frame = f;
	t->pfn = f->node.key;
	t->object_page = f->object_page;
	t->exposed_at_start = f->nc;
	t->exposed = f->nc;
	f->turn = t;
	f->serial = s->serial;
	return t;
}

/* Before anything is done to a frame: bring it into the current request. */
static struct turn *touch(struct shadow *s, struct frame *f)
{
	struct pending *p = f->pending;

	if (f->serial == s->serial)
		return f->turn;
	if (f->pins) {
		frame_close(s, f, MOVE_STORE);
		bound_all(s, f, BOUND_BETWEEN(!!f->nc_write));
	}
	if (p)
		p->now = 0;
	return turn_new(s, f);
}

/* --- verdicts: one function a contract, so that stacks tell them apart ----------- */

#define verdict __attribute__((noinline)) void

static verdict violate_leak(struct shadow *s, struct frame *f, const struct turn *t)
{
	f->leaked = true;
	violation_add(s, SHADOW_L, t, s->op);
	__asm__ volatile("");
}

static verdict violate_integrity(struct shadow *s, const struct frame *f, const struct turn *t)
{
	violation_add(s, SHADOW_I, t, f->nc_write || !f->end_op ? s->op : f->end_op);
	__asm__ volatile("");
}

static verdict violate_visibility(struct shadow *s, const struct turn *t)
{
	violation_add(s, SHADOW_S0, t, s->op);
	__asm__ volatile("");
}

static verdict violate_visibility_always(struct shadow *s, const struct turn *t)
{
	violation_add(s, SHADOW_S1, t, s->op);
	__asm__ volatile("");
}

static verdict violate_unexposure(struct shadow *s, const struct turn *t)
{
	violation_add(s, SHADOW_E, t, s->op);
	__asm__ volatile("");
}

static verdict violate_order(struct shadow *s, const struct turn *t)
{
	violation_add(s, SHADOW_O, t, s->op);
	__asm__ volatile("");
}

static verdict violate_unpin(struct shadow *s, const struct turn *t)
{
	violation_add(s, SHADOW_U, t, s->op);
	__asm__ volatile("");
}

/* --- pins ------------------------------------------------------------------------ */

static void epoch_begin(struct shadow *s, struct frame *f, struct turn *t, u32 object_page)
{
	memset(&f->set, 0, sizeof(f->set));
	f->set.in[LINE_DS] = LINES_ALL;
	frame_close(s, f, MOVE_STORE);
	f->object_page = object_page;
	f->flushes = 0;
	f->end_op = 0;
	f->leaked = false;
	t->object_page = object_page;
	t->cleaned = 0;
	t->exposed = f->nc;
	s->epochs++;
	for (u32 k = 0; k < TRACKS; k++)
		if (s->bound[k])
			bound_first_pin(s->bound[k], &f->bound[k], f->nc_write);
	if (f->nc)
		violate_leak(s, f, t);
}

static void epoch_end(struct shadow *s, struct frame *f, struct turn *t)
{
	u32 least;

	if (f->maps)
		violate_unpin(s, t);
	if (lines_stale(&f->set))
		violate_integrity(s, f, t);
	for (u32 k = 0; k < TRACKS; k++) {
		if (!s->bound[k])
			continue;
		least = bound_last_unpin(s->bound[k], &f->bound[k], f->nc_write);
		s->bound_closed[k] += least;
		s->redundant_closed[k] += f->flushes > least ? f->flushes - least : 0;
	}
	if (f->pending)
		pending_free(s, f->pending);
	memset(&f->set, 0, sizeof(f->set));
}

static void pin_pages(struct shadow *s, const struct machine_event *ev)
{
	struct frame *f;
	struct turn *t;

	for (u64 i = 0; i < ev->len; i++) {
		f = shadow_frame_get(s, ev->pfn + i);
		if (!f)
			return;
		t = touch(s, f);
		if (!f->pins++)
			epoch_begin(s, f, t, ev->a + i);
		history_add(s, ev->pfn + i, NOTE_PIN, .value = f->pins);
	}
}

static void unpin_pages(struct shadow *s, const struct machine_event *ev)
{
	struct frame *f;
	struct turn *t;

	for (u64 i = 0; i < ev->len; i++) {
		f = shadow_frame_find(s, ev->pfn + i);
		if (!f || !f->pins)
			continue; /* the machine says so itself, by EV_STRICT */
		t = touch(s, f);
		f->pins--;
		history_add(s, ev->pfn + i, NOTE_UNPIN, .value = f->pins);
		if (f->pins)
			continue;
		epoch_end(s, f, t);
		if (!f->maps)
			shadow_frame_free(s, f);
	}
}

/* --- mappings -------------------------------------------------------------------- */

/* The part of an event's physical range that lies in one frame. */
struct piece {
	u64 pfn;
	u64 iova;
	u32 off;
	u32 len;
};

static bool piece_next(const struct machine_event *ev, u64 *done, struct piece *p)
{
	u64 pa = ev->pa + *done;

	if (*done >= ev->len)
		return false;
	p->pfn = pa >> PAGE_SHIFT;
	p->iova = ev->iova + *done;
	p->off = pa & PAGE_MASK;
	p->len = min(PAGE_SIZE - p->off, ev->len - *done);
	*done += p->len;
	return true;
}

/* An NC mapping of a pinned page is about to be made. */
static void judge_map(struct shadow *s, struct frame *f, struct turn *t, bool first)
{
	if (lines_leak(&f->set))
		violate_leak(s, f, t);
	if (t->cleaned == LINES_ALL)
		return;
	if (first)
		violate_visibility(s, t);
	violate_visibility_always(s, t);
}

static void expose(struct shadow *s, struct frame *f, struct turn *t, bool write)
{
	bool first = !t->exposed_at_start && !f->nc, w_old = f->nc_write;

	if (f->pins)
		judge_map(s, f, t, first);
	s->exposures += !f->nc;
	f->nc++;
	f->nc_write += write;
	t->exposed = true;
	if (!f->pins)
		return;
	frame_close(s, f, 0);
	bound_all(s, f, BOUND_MAP(first, w_old, !!f->nc_write));
}

/* False: nobody has pinned the page. */
static bool map_piece(struct shadow *s, const struct machine_event *ev, const struct piece *p,
		      struct tlb *d)
{
	struct frame *f = shadow_frame_get(s, p->pfn);
	bool write = ev->prot & DOMAIN_WRITE;
	struct mapping *r;
	struct turn *t;

	if (!f)
		return true;
	t = touch(s, f);
	if (ev->nc)
		expose(s, f, t, write);
	r = mapping_add(s, f, d);
	if (!r)
		return true;
	r->born = s->seq;
	r->iova = p->iova;
	r->len = p->len;
	r->live = p->len;
	r->nc = ev->nc;
	r->write = write;
	history_add(s, p->pfn, NOTE_MAP, ev->domain, p->iova, ev->nc, write);
	return f->pins;
}

static void map_event(struct shadow *s, const struct machine_event *ev)
{
	struct tlb *d = tlb_get(s, ev->domain);
	bool told = false;
	struct piece p;
	u64 done = 0;

	s->nc_map_call |= ev->nc;
	if (ev->rc || !d)
		return;
	while (piece_next(ev, &done, &p)) {
		if (map_piece(s, ev, &p, d) || told)
			continue;
		finding_add(s, "D10", "a page is mapped that nobody has pinned", p.pfn, ev->domain);
		told = true;
	}
}

/* @r goes out of the page table, or out of the IOTLB: cleans before this one came too early. */
static void order_removed(struct shadow *s, const struct mapping *r, struct turn *t)
{
	struct pending *p = r->frame->pending;

	for (u32 k = 0; k < ORDERS; k++) {
		if (!r->nc || t->order[k].clean <= r->born)
			continue;
		t->order[k].broken = true;
		t->order[k].after = 0;
		if (p)
			p->after[k] = 0;
	}
}

/* No device gets through @r any more. */
static void mapping_gone(struct shadow *s, struct mapping *r)
{
	struct frame *f = r->frame;
	struct turn *t = touch(s, f);

	order_removed(s, r, t);
	f->nc -= r->nc;
	if (r->nc && r->write && !--f->nc_write)
		f->end_op = s->op;
	history_add(s, f->node.key, NOTE_GONE, r->tlb->node.key, r->iova, r->nc, r->write);
	mapping_unlink(s, r);
	if (!f->pins && !f->maps)
		shadow_frame_free(s, f);
}

static u32 overlap(const struct mapping *r, const struct piece *p)
{
	u64 start = max(r->iova, p->iova);
	u64 last = min(r->iova + r->len - 1, p->iova + p->len - 1);

	return start <= last ? last - start + 1 : 0;
}

static void unmap_mapping(struct shadow *s, struct mapping *r, u32 bytes)
{
	struct tlb *d = r->tlb;

	r->live -= min(bytes, (u32)r->live);
	if (!r->stale && s->broken_rule != SHADOW_BREAK_SYNC_IS_UNMAP) {
		r->stale = true;
		r->next_stale = d->stale;
		d->stale = r;
	}
	if (r->live)
		return;
	d->live--;
	order_removed(s, r, touch(s, r->frame));
	if (s->broken_rule == SHADOW_BREAK_SYNC_IS_UNMAP)
		mapping_gone(s, r);
}

static void unmap_event(struct shadow *s, const struct machine_event *ev)
{
	struct mapping *r, *next;
	struct frame *f;
	struct piece p;
	u64 done = 0;
	u32 bytes;

	while (piece_next(ev, &done, &p)) {
		f = shadow_frame_find(s, p.pfn);
		if (!f)
			continue;
		touch(s, f);
		history_add(s, p.pfn, NOTE_UNMAP, ev->domain, p.iova, ev->nc, false);
		for (r = f->maps; r; r = next) {
			next = r->next;
			bytes = r->tlb->node.key == ev->domain && r->live ? overlap(r, &p) : 0;
			if (bytes)
				unmap_mapping(s, r, bytes);
		}
	}
}

static void tlb_sync(struct shadow *s, struct tlb *d)
{
	struct mapping *r, *next;

	for (r = d->stale; r; r = next) {
		next = r->next_stale;
		r->stale = false;
		if (!r->live)
			mapping_gone(s, r);
	}
	d->stale = NULL;
}

/* A domain that is freed reaches nothing any more, whatever it still maps (the machine's D7). */
static void domain_freed(struct shadow *s, u32 domain)
{
	struct node *n = index_find(&s->tlbs, domain), *m, *next_node;
	struct mapping *r, *next;
	struct tlb *d;

	if (!n)
		return;
	d = container_of(n, struct tlb, node);
	tlb_sync(s, d);
	for (u64 i = 0; d->live && i <= s->frames.mask; i++) {
		for (m = s->frames.bucket[i]; m; m = next_node) {
			next_node = m->next;
			for (r = container_of(m, struct frame, node)->maps; r; r = next) {
				next = r->next;
				if (r->tlb != d)
					continue;
				d->live--;
				mapping_gone(s, r);
			}
		}
	}
	tlb_free(s, d);
}

/* --- cleans ---------------------------------------------------------------------- */

static bool has_stale_nc(const struct frame *f)
{
	const struct mapping *r = f->maps;

	while (r && !(r->nc && r->stale))
		r = r->next;
	return r;
}

static void clean_done(struct shadow *s, struct pending *p)
{
	struct frame *f = p->frame;
	struct turn *t = touch(s, f);

	for (int st = 0; st < LINE_STATES; st++)
		f->set.in[st] = (f->set.in[st] & ~p->mask) | p->image.in[st];
	t->cleaned |= p->now;
	for (u32 k = 0; k < ORDERS; k++)
		t->order[k].after |= p->after[k];
	pending_free(s, p);
}

/* Issue: the lines may be cleaned from now on, and will be at the drain. */
static void clean_lines(struct shadow *s, struct frame *f, u64 mask, bool invalidates)
{
	struct pending *p = pending_get(s, f);
	struct lines l;

	if (!p)
		return;
	/* A line whose clean is pending already is cleaned twice: by the drain both are done. */
	for (int st = 0; st < LINE_STATES; st++)
		l.in[st] = ((f->set.in[st] & ~p->mask) | p->image.in[st]) & mask;
	lines_clean(&l, mask, invalidates);
	for (int st = 0; st < LINE_STATES; st++)
		p->image.in[st] = (p->image.in[st] & ~mask) | l.in[st];
	p->mask |= mask;
	p->now |= mask;
	if (!has_stale_nc(f)) {
		p->after[ORDER_EARLY] |= mask;
		p->after[ORDER_LATE] |= mask;
	}
	frame_close(s, f, 0);
	for (int st = 0; st < LINE_STATES; st++)
		f->set.in[st] |= p->image.in[st];
	if (s->broken_rule == SHADOW_BREAK_CLEAN_NEEDS_NO_DRAIN)
		clean_done(s, p);
}

static u64 lines_of(const struct piece *p)
{
	u32 first = p->off >> LINE_SHIFT, last = (p->off + p->len - 1) >> LINE_SHIFT;

	return LINES_ALL << first & LINES_ALL >> (LINES_PAGE - 1 - last);
}

static void clean_event(struct shadow *s, const struct machine_event *ev)
{
	struct frame *f;
	struct turn *t;
	struct piece p;
	u64 done = 0;

	while (piece_next(ev, &done, &p)) {
		s->flushes++;
		f = shadow_frame_find(s, p.pfn);
		if (!f || !f->pins) {
			s->flushes_unpinned++;
			continue;
		}
		f->flushes++;
		t = touch(s, f);
		if (f->nc && f->pins == 1)
			t->order[s->nc_unmap_call ? ORDER_LATE : ORDER_EARLY].clean = s->seq;
		clean_lines(s, f, lines_of(&p), ev->invalidates);
		history_add(s, p.pfn, ev->invalidates ? NOTE_CLEAN : NOTE_WRITE_BACK,
			    .value = lines_of(&p));
	}
}

static void drain_event(struct shadow *s)
{
	while (s->pending) {
		u64 pfn = s->pending->frame->node.key;

		clean_done(s, s->pending);
		history_add(s, pfn, NOTE_DRAIN, 0);
	}
}

/* --- requests -------------------------------------------------------------------- */

static void turn_judge(struct shadow *s, struct turn *t)
{
	struct frame *f = t->frame;
	bool late = t->order[ORDER_LATE].broken && t->order[ORDER_LATE].after != LINES_ALL;
	bool early = t->order[ORDER_EARLY].broken && t->order[ORDER_EARLY].after != LINES_ALL;

	if (late || (early && !s->nc_map_call))
		violate_order(s, t);
	if (!f || !f->pins || !t->exposed || f->nc)
		return;
	bound_all(s, f, BOUND_END);
	if (lines_stale(&f->set))
		violate_unexposure(s, t);
}

static void turns_forget(struct shadow *s)
{
	struct turn *t, *next;

	for (t = s->turns; t; t = next) {
		next = t->next;
		pool_put(&s->turn_pool, t);
	}
	s->turns = NULL;
	s->turns_end = &s->turns;
	s->nc_map_call = false;
	s->nc_unmap_call = false;
	s->serial++;
}

static void request_end(struct shadow *s)
{
	for (struct turn *t = s->turns; t; t = t->next)
		turn_judge(s, t);
	turns_forget(s);
}

/* --- concrete values ------------------------------------------------------------- */

static enum note_kind access_note(enum machine_event_kind kind)
{
	switch (kind) {
	case EV_CPU_STORE:
		return NOTE_STORE;
	case EV_CPU_LOAD:
		return NOTE_LOAD;
	case EV_DMA_WRITE:
		return NOTE_DMA_WRITE;
	case EV_DMA_READ:
		return NOTE_DMA_READ;
	default:
		return NOTE_EVICT;
	}
}

/* What really happens to one line must be something that the sets hold possible. */
static void access_event(struct shadow *s, const struct machine_event *ev)
{
	struct frame *f = shadow_frame_find(s, ev->pa >> PAGE_SHIFT);
	u64 line = 1ULL << ((ev->pa & PAGE_MASK) >> LINE_SHIFT);

	if (!f || !f->pins)
		return;
	touch(s, f);
	if (ev->state >= LINE_STATES || !(f->set.in[ev->state] & line))
		finding_add(s, "C1", "a concrete line state outside the set", ev->pa, ev->state);
	if (ev->kind == EV_DMA_READ && ev->secret && !f->leaked)
		finding_add(s, "C2", "a device read a secret, and L was not broken", ev->pa,
			    ev->domain);
	if ((ev->kind == EV_DMA_READ && !f->nc) || (ev->kind == EV_DMA_WRITE && !f->nc_write))
		finding_add(s, "C3", "no-snoop DMA to a page that no NC domain reaches", ev->pa,
			    ev->domain);
	if (ev->kind == EV_CPU_STORE) {
		lines_store(&f->set, line);
		if (f->pending)
			lines_store(&f->pending->image, line);
		frame_close(s, f, 0);
	}
	history_add(s, ev->pa >> PAGE_SHIFT, access_note(ev->kind), ev->domain, line, ev->nc,
		    false);
}

/* --- the entry ------------------------------------------------------------------- */

static void event_domain(struct shadow *s, const struct machine_event *ev)
{
	struct node *n = index_find(&s->tlbs, ev->domain);

	if (ev->kind == EV_DOMAIN_CREATE)
		tlb_get(s, ev->domain);
	else if (ev->kind == EV_DOMAIN_FREE)
		domain_freed(s, ev->domain);
	else if (n)
		tlb_sync(s, container_of(n, struct tlb, node));
}

void shadow_event(struct shadow *s, const struct machine_event *ev)
{
	if (unlikely(s->full))
		return;
	s->seq++;
	switch (ev->kind) {
	case EV_REQUEST_BEGIN:
		turns_forget(s);
		s->op = ev->req ? ev->req->op : 0;
		break;
	case EV_REQUEST_END:
		request_end(s);
		break;
	case EV_DOMAIN_CREATE:
	case EV_DOMAIN_FREE:
	case EV_SYNC:
		event_domain(s, ev);
		break;
	case EV_MAP:
		map_event(s, ev);
		break;
	case EV_UNMAP_CALL:
		s->nc_unmap_call |= ev->nc;
		break;
	case EV_UNMAP:
		unmap_event(s, ev);
		break;
	case EV_PIN:
		pin_pages(s, ev);
		break;
	case EV_UNPIN:
		unpin_pages(s, ev);
		break;
	case EV_CLEAN:
		clean_event(s, ev);
		break;
	case EV_DRAIN:
		drain_event(s);
		break;
	case EV_CPU_STORE:
	case EV_CPU_LOAD:
	case EV_DMA_WRITE:
	case EV_DMA_READ:
	case EV_EVICT:
		access_event(s, ev);
		break;
	case EV_STRICT:
		finding_add(s, ev->rule, ev->what, ev->a, ev->b);
		break;
	case EV_NESTED:
	case EV_NOTIFY:
	case EV_FAULT:
		break;
	}
}

/* --- creation -------------------------------------------------------------------- */

/* Both bounds anew; false: arena full. */
static bool bounds_make(struct shadow *s)
{
	u32 wanted[TRACKS] = {CLAIMS_STD, s->claims == CLAIMS_STD ? 0 : s->claims};

	for (u32 k = 0; k < TRACKS && s->flags & SHADOW_BOUND; k++) {
		bound_destroy(s->bound[k], s->arena);
		s->bound[k] = wanted[k] ? bound_create(s->arena, wanted[k], s->moves) : NULL;
		if (wanted[k] && !s->bound[k])
			return false;
	}
	return true;
}

struct shadow *shadow_create(struct arena *arena, u32 flags)
{
	struct shadow *s = arena_alloc(arena, sizeof(*s));

	if (!s)
		return NULL;
	s->arena = arena;
	s->flags = flags;
	s->moves = MOVE_ALL;
	s->serial = 1; /* a new frame's 0 is never current */
	frames_init(s);
	reports_init(s);
	if (!index_init(&s->frames, arena) || !index_init(&s->tlbs, arena) ||
	    !index_init(&s->missing, arena) || !index_init(&s->logs, arena))
		return NULL;
	return bounds_make(s) ? s : NULL;
}

void shadow_set_claims(struct shadow *s, u32 claims)
{
	s->claims = costed(claims);
	if (!bounds_make(s))
		out_of_memory(s);
}

void shadow_set_break(struct shadow *s, enum shadow_break b)
{
	s->broken_rule = b;
	s->moves = MOVE_ALL;
	if (b == SHADOW_BREAK_NO_FETCH)
		s->moves &= ~MOVE_FETCH;
	if (b == SHADOW_BREAK_NO_DEVICE_WRITE)
		s->moves &= ~MOVE_DEVICE;
	if (!bounds_make(s))
		out_of_memory(s);
}

void shadow_set_op(struct shadow *s, u32 op)
{
	s->op = op;
}
