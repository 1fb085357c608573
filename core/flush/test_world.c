// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include "core/flush/test_world.h"

#define CALL(w, hook, ...) ((w)->policy->hook ? (w)->policy->hook(__VA_ARGS__) : (void)0)

static struct world *world_now; /* hooks of the host have no context of their own */

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "test world: %s\n", what);
	abort();
}

static struct w_object *object_of(struct flush_pages *fp)
{
	return container_of(fp, struct w_object, fp);
}

/* --- judge ----------------------------------------------------------------------------------- */

static void judge_pin(struct w_page *pg)
{
	pg->pinned = true;
	pg->secret = true;
}

static void judge_map(struct world *w, struct w_page *pg, bool write)
{
	w->nc_map = true;
	if (pg->secret)
		w->broken |= CONTRACT_L;
	if (!pg->cleaned)
		w->broken |= CONTRACT_S1;
	if (!pg->cleaned && !pg->reach && !pg->start_reach)
		w->broken |= CONTRACT_S0;
	if (!pg->reach++) {
		pg->n++;
		pg->written = false;
	}
	/* The request's own clean lasts where no device can write. */
	if (!pg->added && !pg->reach_write)
		pg->owed = false;
	pg->m += !pg->added;
	pg->added = true;
	pg->exposed = true;
	pg->reach_write += write;
	if (!write)
		return;
	pg->stale = true;
	pg->writable += !pg->written;
	pg->written = pg->epoch_written = pg->owed = true;
}

static void judge_unmap(struct world *w, struct w_page *pg, bool write)
{
	w->nc_unmap = true;
	pg->exposed = true;
	check(pg->reach > 0, "unmap of what is not mapped");
	pg->reach--;
	pg->reach_write -= write;
	pg->again |= pg->early;
	pg->again_open |= pg->early_open;
}

static void judge_clean(struct world *w, struct w_page *pg)
{
	pg->cleaned = true;
	pg->secret = false;
	pg->stale = pg->reach_write;
	pg->again = pg->again_open = false;
	if (pg->reach)
		*(w->nc_unmap ? &pg->early : &pg->early_open) = true;
	w->flushes++;
}

static void judge_unpin(struct world *w, struct w_page *pg)
{
	check(pg->pinned, "unpin of what is not pinned");
	if (pg->stale)
		w->broken |= CONTRACT_I;
	if (pg->reach)
		w->broken |= CONTRACT_U;
	w->bound.exact += pg->n + pg->written;
	w->bound.once += !!pg->n + pg->epoch_written;
	w->bound.close += pg->n + pg->writable;
	w->bound.every += pg->m + pg->owed;
	pg->pinned = pg->secret = pg->stale = false;
	pg->epoch_written = pg->written = pg->owed = false;
	pg->n = pg->m = pg->writable = 0;
}

static void judge_begin(struct world *w)
{
	w->serial++;
	w->nc_map = w->nc_unmap = false;
	for (u32 o = 0; o < W_OBJECTS; o++)
		for (u32 i = 0; i < W_PAGES; i++) {
			struct w_page *pg = &w->object[o].page[i];

			pg->start_reach = pg->reach;
			pg->cleaned = pg->added = pg->exposed = false;
			pg->early = pg->early_open = pg->again = pg->again_open = false;
		}
}

/* A clean before the first unmap is a closing one if the request maps nothing NC. */
static void judge_end(struct world *w)
{
	for (u32 o = 0; o < W_OBJECTS; o++)
		for (u32 i = 0; i < W_PAGES; i++) {
			struct w_page *pg = &w->object[o].page[i];

			if (pg->exposed && !pg->reach && pg->pinned && pg->stale)
				w->broken |= CONTRACT_E;
			if (pg->again || (pg->again_open && !w->nc_map))
				w->broken |= CONTRACT_O;
		}
}

/* --- host ------------------------------------------------------------------------------------ */

static void log_char(struct world *w, char c)
{
	size_t len = strlen(w->log);

	check(len + 1 < sizeof(w->log), "log too long");
	w->log[len] = c;
	w->log[len + 1] = '\0';
}

static void host_clean(const struct flush_piece *p, u64 first, u64 last)
{
	struct world *w = world_now;
	struct w_page *pg;

	check(p->pfns, "clean without pfns");
	check(first >= p->first && last <= p->last && first <= last, "clean outside of the piece");
	for (u64 i = first; i <= last; i++) {
		pg = &object_of(p->pages)->page[i];
		check(pg->pinned, "clean of a page that is not pinned");
		log_char(w, pg->reach ? 'a' + i : '0' + i);
		judge_clean(w, pg);
	}
	w->pending = true;
}

static void host_drain(const struct flush_piece *p)
{
	world_now->pending = false;
	world_now->drains++;
}

/* Rows of two pages, so that walks meet the end of a row. */
static void *host_page_state(struct flush_pages *fp, u64 index, bool create, u64 *count)
{
	struct w_object *o = object_of(fp);
	u64 row = index & ~1ULL;

	*count = row + 2 - index;
	if (!o->page[row].created && (!create || world_now->no_memory))
		return NULL;
	o->page[row].created = true;
	return o->page[row].state + (index - row) * world_now->policy->page_size;
}

/* --- who holds what --------------------------------------------------------------------------- */

static bool covers(const struct w_area *a, const struct w_object *o, u64 index)
{
	return a->live && a->fa.pages == &o->fp && a->fa.first <= index && index <= a->fa.last;
}

/* The area whose storage is read for this page: lowest first index, then first to enter. */
static struct w_area *domain_holder(struct world *w, const struct w_object *o, u64 index)
{
	struct w_area *best = NULL;

	for (u32 i = 0; i < W_AREAS; i++) {
		struct w_area *a = &w->area[i];

		if (!covers(a, o, index) || !a->fa.storage)
			continue;
		if (!best || a->fa.first < best->fa.first ||
		    (a->fa.first == best->fa.first && a->order < best->order))
			best = a;
	}
	return best;
}

static bool access_holds(struct world *w, const struct w_object *o, u64 index)
{
	for (u32 i = 0; i < W_ACCESS; i++)
		if (w->access[i].area && w->access[i].area->fa.pages == &o->fp &&
		    w->access[i].first <= index && index <= w->access[i].last)
			return true;
	return false;
}

static bool held(struct world *w, const struct w_object *o, u64 index)
{
	return access_holds(w, o, index) || domain_holder(w, o, index);
}

static struct flush_piece make_piece(struct world *w, struct w_area *a, u64 first, u64 last)
{
	return (struct flush_piece){
		.host = &w->host,
		.area = &a->fa,
		.pages = a->fa.pages,
		.first = first,
		.last = last,
		.serial = w->serial,
		.pfns = w,
	};
}

static void set_storage(struct world *w, struct w_area *a, const struct flush_domain *to)
{
	const struct flush_domain *old = a->fa.storage;

	if (old == to)
		return;
	a->fa.storage = to;
	if (!old)
		a->order = ++w->orders;
	CALL(w, storage_changed, &a->fa, old);
}

static void pick_storage(struct world *w, struct w_area *a)
{
	struct w_table *t = container_of(a->fa.table, struct w_table, ft);
	const struct flush_domain *const *slots = (const struct flush_domain *const *)t->slot;
	u32 n = 0, pick = 0;

	while (t->slot[n])
		n++;
	if (w->policy->storage_pick)
		pick = w->policy->storage_pick(&a->fa, slots, n);
	check(pick < n, "storage_pick out of range");
	set_storage(w, a, t->slot[pick]);
}

/* --- unpin, unmap ------------------------------------------------------------ */

/* Unpins what nobody holds of [first..last]. */
static void unpin(struct world *w, struct w_area *a, u64 first, u64 last, enum flush_unpin_why why)
{
	struct w_object *o = object_of(a->fa.pages);
	struct flush_piece p;
	u64 i, end;

	for (i = first; i <= last; i = end + 1) {
		end = i;
		if (held(w, o, i) || !o->page[i].pinned)
			continue;
		while (end < last && o->page[end + 1].pinned && !held(w, o, end + 1))
			end++;
		p = make_piece(w, a, i, end);
		p.flags = why == FLUSH_UNPIN_UNWIND ? FLUSH_UNWIND : 0;
		CALL(w, before_unpin, &p, why);
		check(!w->pending, "a hook left a clean without its drain");
		for (; i <= end; i++)
			judge_unpin(w, &o->page[i]);
	}
}

static u32 held_flags(struct world *w, struct w_object *o, u64 index)
{
	u32 flags = domain_holder(w, o, index) ? FLUSH_HELD_DOMAIN : 0;

	flags |= access_holds(w, o, index) ? FLUSH_HELD_ACCESS : 0;
	return flags ?: FLUSH_UNPINS;
}

/* One piece of a walk: the hooks around its unmap. */
static void unmap_piece(struct world *w, struct flush_piece *p, struct flush_domain *d)
{
	struct w_object *o = object_of(p->pages);

	if (w->policy->needs & FLUSH_NEED_BEFORE_UNMAP)
		CALL(w, before_unmap, p, d);
	for (u64 i = p->first; i <= p->last && d->nc; i++)
		judge_unmap(w, &o->page[i], p->area->writable);
	if (!(w->policy->needs & (FLUSH_NEED_UNMAP_PFNS | FLUSH_NEED_BEFORE_UNMAP)))
		p->pfns = NULL;
	CALL(w, after_unmap, p, d);
	check(!w->pending, "a hook left a clean without its drain");
}

/* The area's walk on one domain; `unpins`: nobody but others' holds remain (storage is gone
 * already). */
static void walk(struct world *w, struct w_area *a, struct flush_domain *d, u32 flags, bool unpins,
		 enum flush_unpin_why why)
{
	struct w_object *o = object_of(a->fa.pages);
	u64 first = a->fa.first, end = a->mapped[d->id], i, last;
	struct flush_piece p;

	for (i = first; i < end; i = last + 1) {
		last = min(i + w->cut, end) - 1;
		for (u64 k = i; unpins && k < last; k++)
			if (held_flags(w, o, k + 1) != held_flags(w, o, i))
				last = k;
		p = make_piece(w, a, i, last);
		p.flags = flags | (unpins ? held_flags(w, o, i) : 0);
		p.flags |= (i == first ? FLUSH_FIRST : 0) | (last == end - 1 ? FLUSH_LAST : 0);
		unmap_piece(w, &p, d);
		if (unpins)
			unpin(w, a, i, last, why);
	}
	a->mapped[d->id] = 0;
}

/* --- fill ------------------------------------------------------------------------------------- */

static void page_origin(struct world *w, struct w_object *o, u64 index, struct flush_piece *p)
{
	struct w_area *src = domain_holder(w, o, index);

	p->src_area = NULL;
	p->src = NULL;
	p->origin = access_holds(w, o, index) ? FLUSH_FROM_ARRAY
		    : src		      ? FLUSH_FROM_DOMAIN
					      : FLUSH_FROM_USER;
	if (p->origin != FLUSH_FROM_DOMAIN || !(w->policy->needs & FLUSH_NEED_SOURCE))
		return;
	p->src_area = &src->fa;
	p->src = src->fa.storage;
}

static int open_batch(struct world *w, struct w_area *a, u64 first, u64 last, u32 nr_nc)
{
	struct w_object *o = object_of(a->fa.pages);
	struct flush_piece p, next;
	int rc = 0;
	u64 i, k;

	for (i = first; i <= last; i++)
		if (!o->page[i].pinned)
			judge_pin(&o->page[i]);
	o->busy = true;
	for (i = first; i <= last && !rc; i = k) {
		p = next = make_piece(w, a, i, i);
		page_origin(w, o, i, &p);
		for (k = i + 1; k <= last; k++) {
			page_origin(w, o, k, &next);
			if (next.origin != p.origin || next.src_area != p.src_area)
				break;
			p.last = k;
		}
		if (w->policy->before_map)
			rc = w->policy->before_map(&p, nr_nc);
		check(!w->pending, "a hook left a clean without its drain");
	}
	return rc;
}

static void map_batch(struct world *w, struct w_area *a, u64 first, u64 last,
		      struct flush_domain *d)
{
	struct w_object *o = object_of(a->fa.pages);

	for (u64 i = first; i <= last && d->nc; i++)
		judge_map(w, &o->page[i], a->fa.writable);
	a->mapped[d->id] = last + 1;
}

/* [from..to - 1] of what a failed fill mapped leaves all domains, then what it pinned is unpinned.
 */
static void unwind_part(struct world *w, struct w_area *a, struct flush_domain **to, u64 from,
			u64 end, bool *started)
{
	u64 keep, stop, last;
	struct flush_piece p;

	for (u32 d = 0; to[d]; d++) {
		keep = from; /* [keep..] is in no later domain: pieces end where FINAL begins */
		for (u32 k = d + 1; to[k]; k++)
			keep = max(keep, a->mapped[to[k]->id]);
		stop = min(a->mapped[to[d]->id], end);
		for (u64 i = from; i < stop; i = last + 1) {
			last = min(i + w->cut, stop) - 1;
			if (i < keep)
				last = min(last, keep - 1);
			p = make_piece(w, a, i, last);
			p.flags = FLUSH_UNWIND | (i >= keep ? FLUSH_FINAL : 0);
			p.flags |= last + 1 == stop && from == a->fa.first ? FLUSH_LAST : 0;
			p.flags |= started[to[d]->id] ? 0 : FLUSH_FIRST;
			started[to[d]->id] = true;
			unmap_piece(w, &p, to[d]);
		}
		a->mapped[to[d]->id] = min(stop, from);
	}
	if (end > from)
		unpin(w, a, from, end - 1, FLUSH_UNPIN_UNWIND);
}

/* The batch that failed goes first, then those before it. */
static void unwind_fill(struct world *w, struct w_area *a, struct flush_domain **to, u64 end)
{
	bool started[W_DOMAINS + 1] = {false};
	u64 first = a->fa.first, start = first + (end - 1 - first) / w->cut * w->cut;

	unwind_part(w, a, to, start, end, started);
	unwind_part(w, a, to, first, start, started);
	for (u32 d = 0; to[d]; d++)
		a->mapped[to[d]->id] = 0;
}

/* fail: n-th domain map call that fails, 0: none. */
static int fill(struct world *w, struct w_area *a, struct flush_domain **to, u32 fail,
		enum flush_fill_why why)
{
	u64 first, last, end = a->fa.first;
	u32 nr_nc = 0;
	int rc = 0;

	for (u32 d = 0; to[d]; d++)
		nr_nc += to[d]->nc;
	if (w->policy->fill_begin)
		rc = w->policy->fill_begin(&a->fa, nr_nc, why);
	if (rc)
		return rc;
	for (first = a->fa.first; first <= a->fa.last && !rc; first = last + 1) {
		last = min(first + w->cut - 1, a->fa.last);
		end = last + 1;
		rc = open_batch(w, a, first, last, nr_nc);
		for (u32 d = 0; to[d] && !rc; d++) {
			w->nc_map |= to[d]->nc;
			rc = fail && !--fail ? -ENOMEM : 0;
			if (!rc)
				map_batch(w, a, first, last, to[d]);
		}
	}
	if (rc)
		unwind_fill(w, a, to, end);
	CALL(w, fill_end, &a->fa, rc);
	return rc;
}

/* --- requests ---------------------------------------------------------------- */

static void attach_areas(struct world *w, struct w_table *t, struct flush_domain *d, u32 fail,
			 int *rc)
{
	struct flush_domain *to[2] = {d, NULL};
	bool only = !t->slot[0];
	u32 i, left = 0;

	for (i = 0; i < W_AREAS; i++)
		left += w->area[i].live && w->area[i].fa.table == &t->ft;
	for (i = 0; i < W_AREAS && !*rc; i++) {
		struct w_area *a = &w->area[i];

		if (!a->live || a->fa.table != &t->ft)
			continue;
		*rc = fill(w, a, to, fail && !--left ? fail : 0, FLUSH_FILL_ATTACH);
		if (!*rc && only)
			set_storage(w, a, d);
	}
	for (u32 k = 0; k < i && *rc; k++) {
		struct w_area *a = &w->area[k];

		if (!a->live || a->fa.table != &t->ft || !a->mapped[d->id])
			continue;
		if (only)
			set_storage(w, a, NULL);
		walk(w, a, d, FLUSH_UNWIND | FLUSH_FINAL | (only ? FLUSH_STORAGE : 0), only,
		     FLUSH_UNPIN_UNWIND);
	}
}

/* fail: 0, "?" before the first area, "!" ("%") at the first (second) map call of the last one. */
static bool attach(struct world *w, u32 table, u32 id, bool nc, char fail)
{
	struct w_table *t = &w->table[table];
	struct flush_domain *d = &w->domain[id];
	int rc = fail == '?' ? -ENOMEM : 0;
	u32 n;

	if (table >= W_TABLES || id < 1 || id > W_DOMAINS || w->attached[id])
		return false;
	*d = (struct flush_domain){.id = id, .nc = nc};
	if (w->policy->domain_attach)
		check(!w->policy->domain_attach(&t->ft, d), "domain_attach failed");
	if (!rc)
		attach_areas(w, t, d, fail == '!' ? 1 : fail == '%' ? 2 : 0, &rc);
	if (rc) {
		CALL(w, domain_attach_failed, &t->ft, d);
		return true;
	}
	for (n = 0; t->slot[n]; n++)
		;
	t->slot[n] = d;
	w->attached[id] = true;
	t->ft.nr_domains++;
	t->ft.nr_nc += nc;
	for (u32 i = 0; i < W_AREAS && w->policy->storage_pick; i++)
		if (w->area[i].live && w->area[i].fa.table == &t->ft)
			pick_storage(w, &w->area[i]);
	return true;
}

static void detach_area(struct world *w, struct w_table *t, struct w_area *a,
			struct flush_domain *d)
{
	if (t->slot[0]) {
		if (a->fa.storage == d)
			pick_storage(w, a);
		walk(w, a, d, FLUSH_FINAL, false, FLUSH_UNPIN_AREA);
		return;
	}
	set_storage(w, a, NULL);
	walk(w, a, d, FLUSH_FINAL | FLUSH_STORAGE, true, FLUSH_UNPIN_AREA);
}

static bool detach(struct world *w, u32 table, u32 id)
{
	struct w_table *t = &w->table[table];
	struct flush_domain *d = &w->domain[id];
	u32 n = 0, at = W_DOMAINS;

	if (table >= W_TABLES || id < 1 || id > W_DOMAINS)
		return false;
	for (; n < W_DOMAINS && t->slot[n]; n++)
		if (t->slot[n] == d)
			at = n;
	if (at == W_DOMAINS)
		return false;
	t->slot[at] = t->slot[n - 1];
	t->slot[n - 1] = NULL;
	for (u32 i = 0; i < W_AREAS; i++)
		if (w->area[i].live && w->area[i].fa.table == &t->ft)
			detach_area(w, t, &w->area[i], d);
	w->attached[id] = false;
	t->ft.nr_domains--;
	t->ft.nr_nc -= d->nc;
	CALL(w, domain_detach, &t->ft, d);
	return true;
}

static struct w_area *new_area(struct world *w, u32 name, const struct flush_area *fa)
{
	struct w_area *a = &w->area[name];

	*a = (struct w_area){.fa = *fa, .live = true};
	a->fa.priv = a->priv;
	return a;
}

static bool map(struct world *w, const char *op, bool writable, char fail)
{
	u32 table = op[0] - 'A', name = op[1] - 'a', object = op[2] - 'P';
	u64 first = op[3] - '0', last = op[4] - '0';
	struct w_area *a;
	u32 nth;
	int rc = 0;

	if (table >= W_TABLES || name >= W_AREAS || object >= W_OBJECTS || first > last ||
	    last >= W_PAGES || w->area[name].live)
		return false;
	if (fail && w->table[table].ft.nr_domains < 2)
		return false;
	nth = !fail ? 0 : fail == '!' ? 2 : w->table[table].ft.nr_domains + 2;
	a = new_area(w, name,
		     &(struct flush_area){
			     .table = &w->table[table].ft,
			     .pages = &w->object[object].fp,
			     .first = first,
			     .last = last,
			     .writable = writable,
		     });
	if (w->table[table].ft.nr_domains)
		rc = fill(w, a, w->table[table].slot, nth, FLUSH_FILL_MAP);
	if (!rc && w->table[table].ft.nr_domains)
		pick_storage(w, a);
	a->live = !rc;
	return true;
}

static void release(struct world *w, struct w_access *ac)
{
	struct w_area *a = ac->area;

	ac->area = NULL;
	unpin(w, a, ac->first, ac->last, FLUSH_UNPIN_ACCESS);
}

static bool unmap(struct world *w, u32 name)
{
	struct w_area *a = &w->area[name];
	struct flush_domain *storage;
	struct w_table *t;

	if (name >= W_AREAS || !a->live)
		return false;
	for (u32 i = 0; i < W_ACCESS; i++)
		if (w->access[i].area == a)
			release(w, &w->access[i]);
	t = container_of(a->fa.table, struct w_table, ft);
	storage = (struct flush_domain *)a->fa.storage;
	for (u32 d = 0; t->slot[d]; d++)
		if (t->slot[d] != storage)
			walk(w, a, t->slot[d], 0, false, FLUSH_UNPIN_AREA);
	if (storage) {
		set_storage(w, a, NULL);
		walk(w, a, storage, FLUSH_STORAGE | FLUSH_FINAL, true, FLUSH_UNPIN_AREA);
	}
	a->live = false;
	return true;
}

static bool pin(struct world *w, u32 name, u64 first, u64 last)
{
	struct w_area *a = &w->area[name];
	struct w_object *o;
	u32 i;

	for (i = 0; i < W_ACCESS && w->access[i].area; i++)
		;
	if (name >= W_AREAS || !a->live || i == W_ACCESS || first < a->fa.first ||
	    last > a->fa.last || first > last)
		return false;
	o = object_of(a->fa.pages);
	for (u64 k = first; k <= last; k++)
		if (!o->page[k].pinned)
			judge_pin(&o->page[k]);
	o->busy = true;
	w->access[i] = (struct w_access){a, first, last};
	return true;
}

static bool unpin_access(struct world *w, u32 name, u64 first, u64 last)
{
	for (u32 i = 0; i < W_ACCESS && name < W_AREAS; i++) {
		struct w_access *ac = &w->access[i];

		if (ac->area != &w->area[name] || ac->first != first || ac->last != last)
			continue;
		release(w, ac);
		return true;
	}
	return false;
}

/* inside: both halves show page `at`, else the right one begins behind it. */
static bool cut(struct world *w, u32 name, u32 left, u32 right, u64 at, bool inside)
{
	struct w_area *old = &w->area[name], *l, *r;
	struct flush_area part;

	if (name >= W_AREAS || left >= W_AREAS || right >= W_AREAS || left == right || !old->live ||
	    w->area[left].live || w->area[right].live)
		return false;
	if (at < old->fa.first || at + !inside > old->fa.last)
		return false;
	for (u32 i = 0; i < W_ACCESS; i++)
		if (w->access[i].area == old)
			return false;
	part = old->fa;
	part.last = at;
	l = new_area(w, left, &part);
	part = old->fa;
	part.first = at + !inside;
	r = new_area(w, right, &part);
	for (u32 id = 1; id <= W_DOMAINS; id++) {
		l->mapped[id] = old->mapped[id] ? at + 1 : 0;
		r->mapped[id] = old->mapped[id];
		if (inside && old->mapped[id] && w->domain[id].nc) {
			object_of(old->fa.pages)->page[at].reach++;
			object_of(old->fa.pages)->page[at].reach_write += old->fa.writable;
		}
	}
	l->order = ++w->orders;
	r->order = ++w->orders;
	CALL(w, area_split, &old->fa, &l->fa, &r->fa);
	old->live = false;
	return true;
}

static bool execute(struct world *w, const char *op)
{
	char fail = strchr("?!%", *op) ? *op++ : 0;

	switch (*op) {
	case 'n':
	case 'c':
		return attach(w, op[1] - 'A', op[2] - '0', *op == 'n', fail);
	case 'd':
		return detach(w, op[1] - 'A', op[2] - '0');
	case 'm':
	case 'r':
		return map(w, op + 1, *op == 'm', fail);
	case 'u':
		return unmap(w, op[1] - 'a');
	case 'p':
		return pin(w, op[1] - 'a', op[2] - '0', op[3] - '0');
	case 'q':
		return unpin_access(w, op[1] - 'a', op[2] - '0', op[3] - '0');
	case 'x':
	case 'y':
		return cut(w, op[1] - 'a', op[2] - 'a', op[3] - 'a', op[4] - '0', *op == 'y');
	default:
		return false;
	}
}

static int by_page(const void *a, const void *b)
{
	char x = *(const char *)a, y = *(const char *)b;

	return x - y;
}

/* Where pieces are cut changes the order of cleans, and nothing else: sort them. */
static void log_close(struct world *w, size_t start)
{
	size_t len = strlen(w->log + start);

	if (!len)
		log_char(w, '.');
	qsort(w->log + start, len, 1, by_page);
}

static void idle(struct world *w)
{
	for (u32 o = 0; o < W_OBJECTS; o++) {
		bool pinned = false;

		for (u32 i = 0; i < W_PAGES; i++)
			pinned |= w->object[o].page[i].pinned;
		if (pinned || !w->object[o].busy)
			continue;
		w->object[o].busy = false;
		CALL(w, pages_idle, &w->object[o].fp);
	}
}

bool world_op(struct world *w, const char *op)
{
	size_t start;
	bool done;

	world_now = w;
	if (w->log[0])
		log_char(w, ' ');
	start = strlen(w->log);
	judge_begin(w);
	done = execute(w, op);
	judge_end(w);
	idle(w);
	log_close(w, start);
	return done;
}

void world_run(struct world *w, const char *ops)
{
	char word[16];
	int n;

	for (; sscanf(ops, "%15s%n", word, &n) == 1; ops += n)
		if (!world_op(w, word)) {
			fprintf(stderr, "test world: %s is impossible here\n", word);
			abort();
		}
}

void world_init(struct world *w, const struct flush_policy *policy, u64 cut)
{
	memset(w, 0, sizeof(*w));
	w->policy = policy;
	w->cut = cut;
	w->host = (struct flush_host){FLUSH_ABI_VERSION, host_clean, host_drain, host_page_state};
	check(policy->table_size <= W_PRIV && policy->pages_size <= W_PRIV &&
		      policy->area_size <= W_PRIV && policy->page_size <= W_PRIV / 2,
	      "the policy's state is too big for the test world");
	for (u32 i = 0; i < W_TABLES; i++)
		w->table[i].ft.priv = w->table[i].priv;
	for (u32 i = 0; i < W_OBJECTS; i++)
		w->object[i].fp = (struct flush_pages){
			.priv = w->object[i].priv,
			.host = &w->host,
			.npages = W_PAGES,
			.writable = true,
		};
}

void world_teardown(struct world *w)
{
	char op[8];

	for (u32 i = 0; i < W_AREAS; i++) {
		w->log[0] = '\0';
		snprintf(op, sizeof(op), "u%c", 'a' + i);
		world_op(w, op);
	}
	for (u32 t = 0; t < W_TABLES; t++)
		for (u32 id = 1; id <= W_DOMAINS; id++) {
			w->log[0] = '\0';
			snprintf(op, sizeof(op), "d%c%u", 'A' + t, id);
			world_op(w, op);
		}
}
