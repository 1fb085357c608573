// SPDX-License-Identifier: GPL-2.0-only
/* Which requests a state allows, and what they look like as ops. */
#include "fuzz/check/space.h"

/* Where areas go: far apart. Halving a gap lasts longer than any sequence here; else space_op() says. */
#define IOVA_FIRST 0x40000000ULL
#define IOVA_STEP  (PAGE_SIZE << 14)

u32 action_pack(struct action a)
{
	u32 v = a.shift;

	v = v << 10 | a.fail;
	v = v << 3 | a.kind;
	v = v << 2 | a.table;
	v = v << 3 | a.item;
	v = v << 3 | a.first;
	v = v << 3 | a.last;
	v = v << 2 | a.to;
	v = v << 3 | a.place;
	return v << 1 | a.flag;
}

struct action action_unpack(u32 v)
{
	return (struct action){
		.flag = v & 1,
		.place = v >> 1 & 7,
		.to = v >> 4 & 3,
		.last = v >> 6 & 7,
		.first = v >> 9 & 7,
		.item = v >> 12 & 7,
		.table = v >> 15 & 3,
		.kind = v >> 17 & 7,
		.fail = v >> ACTION_FAIL_SHIFT & ACTION_FAIL_MAX,
		.shift = v >> 30,
	};
}

/* --- what is there ----------------------------------------------------------------------------- */

struct look {
	const struct space *sp;
	struct scene *scene;
	struct scene_table *table;
	bool ok;
};

static bool look_area(void *arg, const struct view_area *v)
{
	struct look *l = arg;
	struct scene *s = l->scene;
	u32 object = 0;

	while (object < s->nr_objects && s->object[object].id != v->pages)
		object++;
	if (object == s->nr_objects) {
		if (s->nr_objects == l->sp->cfg.objects)
			return l->ok = false;
		s->object[s->nr_objects++].id = v->pages;
	}
	if (s->nr_areas++ == l->sp->cfg.areas)
		return l->ok = false;
	l->table->area[l->table->nr_areas++] = (struct scene_area){
		.iova = v->iova,
		.npages = v->last_index - v->first_index + 1,
		.object = object,
		.writable = v->prot & DOMAIN_WRITE,
		.pins = v->num_accesses,
	};
	s->nr_pins += v->num_accesses;
	return true;
}

static bool look_pages(void *arg, const struct view_pages *v)
{
	struct look *l = arg;
	struct scene *s = l->scene;
	u32 buffer = 0;

	while (buffer < l->sp->nr_buffers && l->sp->va[buffer] != v->uptr)
		buffer++;
	for (u32 i = 0; i < s->nr_objects; i++) {
		if (s->object[i].id != v->id)
			continue;
		s->object[i].buffer = buffer;
		s->object[i].writable = v->writable;
	}
	return true;
}

bool space_look(const struct space *sp, struct run *r, struct scene *scene)
{
	struct look l = {.sp = sp, .scene = scene, .ok = true};
	struct backend_view view;
	struct view_table vt;

	scene->nr_areas = scene->nr_objects = scene->nr_pins = 0;
	run_config(r)->backend->view(run_backend(r), &view);
	for (u32 t = 0; t < sp->cfg.tables && l.ok; t++) {
		l.table = &scene->table[t];
		l.table->nr_areas = 0;
		if (!view.table(view.ctx, t + 1, &vt) || vt.nr_domains > sp->cfg.domains)
			return false;
		l.table->nr_domains = vt.nr_domains;
		for (u32 i = 0; i < vt.nr_domains; i++)
			l.table->domain[i] = view.table_domain(view.ctx, t + 1, i);
		view.areas(view.ctx, t + 1, look_area, &l);
	}
	view.pages(view.ctx, look_pages, &l);
	return l.ok && scene->nr_pins <= sp->cfg.accesses;
}

/* --- enumeration: kinds, tables, items ... ascend as action_pack() does ------------------------ */

struct walk {
	const struct space *sp;
	const struct scene *scene;
	space_fn fn;
	void *ctx;
	bool stopped;
	u32 shift; /* of what is offered now */
};

static void offer(struct walk *w, struct action a)
{
	if (!w->stopped)
		w->stopped = !w->fn(w->ctx, a);
}

/* Pages between the areas @place - 1 and @place. */
static u64 gap_pages(const struct scene_table *t, u32 place)
{
	const struct scene_area *a = t->area + place;

	return (a->iova - a[-1].iova - a[-1].npages * PAGE_SIZE) >> PAGE_SHIFT;
}

/* Before the first and behind the last area there is room; between two, in what a form calls wide. */
static bool fits(const struct scene_table *t, u32 place, u32 npages, u32 shift)
{
	u64 gap = place && place < t->nr_areas ? gap_pages(t, place) : FORM_WIDE;

	return gap >= FORM_WIDE ? !shift : gap >= npages + shift;
}

/*
 * The IOVA for @npages pages behind the first @place areas, where they fit: in the middle of a wide
 * gap, so that there are two again; in a narrow one (an area has gone from between two parts of a
 * cut) behind @shift pages, for what is left on both sides decides about what goes there later. 0:
 * two wide gaps are not left any more, or the addresses end, or there are more ways to lie in a
 * narrow gap than an action can say.
 */
static u64 place_iova(const struct scene_table *t, u32 place, u32 npages, u32 shift)
{
	const struct scene_area *a = t->area + place;
	u64 start, gap;

	if (!t->nr_areas)
		return IOVA_FIRST;
	if (!place)
		return a->iova < IOVA_STEP ? 0
					   : round_down(a->iova - FORM_WIDE * PAGE_SIZE, IOVA_STEP);
	start = a[-1].iova + a[-1].npages * PAGE_SIZE;
	if (place == t->nr_areas)
		return round_up(start + FORM_WIDE * PAGE_SIZE, IOVA_STEP);
	gap = gap_pages(t, place);
	if (gap < FORM_WIDE)
		return gap > npages + ACTION_SHIFT_MAX ? 0 : start + shift * PAGE_SIZE;
	gap = (gap - npages) / 2;
	return gap < FORM_WIDE ? 0 : start + (gap << PAGE_SHIFT);
}

/* All places in @table where @npages fit, with all permissions that @writable allows. */
static void offer_places(struct walk *w, struct action a, u32 table, u32 npages, bool writable)
{
	const struct scene_table *t = &w->scene->table[table];

	for (u32 place = 0; place <= t->nr_areas; place++) {
		if (!fits(t, place, npages, w->shift))
			continue;
		a.place = place;
		a.shift = w->shift;
		for (u32 ro = !writable; ro <= w->sp->cfg.readonly; ro++) {
			a.flag = ro;
			offer(w, a);
		}
	}
}

static bool buffer_mapped(const struct scene *s, u32 buffer)
{
	for (u32 i = 0; i < s->nr_objects; i++)
		if (s->object[i].buffer == buffer)
			return true;
	return false;
}

static void offer_maps(struct walk *w)
{
	if (w->scene->nr_areas == w->sp->cfg.areas || w->scene->nr_objects == w->sp->cfg.objects)
		return;
	for (u32 t = 0; t < w->sp->cfg.tables; t++)
		for (u32 b = 0; b < w->sp->nr_buffers; b++)
			if (w->sp->cfg.aliased || !buffer_mapped(w->scene, b))
				offer_places(w,
					     (struct action){.kind = ACT_MAP, .table = t, .to = b},
					     t, w->sp->cfg.pages, true);
}

static void offer_domains(struct walk *w, enum action_kind kind)
{
	for (u32 t = 0; t < w->sp->cfg.tables; t++) {
		u32 nr = w->scene->table[t].nr_domains;

		if (kind == ACT_DETACH)
			for (u32 i = 0; i < nr; i++)
				offer(w, (struct action){.kind = kind, .table = t, .item = i});
		else if (nr < w->sp->cfg.domains)
			for (u32 nc = 0; nc < 2; nc++)
				offer(w, (struct action){.kind = kind, .table = t, .flag = nc});
	}
}

static void offer_copies(struct walk *w, struct action a, const struct scene_area *area)
{
	if (w->scene->nr_areas == w->sp->cfg.areas)
		return;
	for (u32 first = 0; first < area->npages; first++)
		for (u32 last = first; last < area->npages; last++)
			for (u32 to = 0; to < w->sp->cfg.tables; to++) {
				a.first = first;
				a.last = last;
				a.to = to;
				offer_places(w, a, to, last - first + 1,
					     w->scene->object[area->object].writable);
			}
}

/* For writing where the area allows it; where read-only areas are looked at, also for reading. */
static void offer_pins(struct walk *w, struct action a, const struct scene_area *area)
{
	if (w->scene->nr_pins == w->sp->cfg.accesses)
		return;
	for (u32 first = 0; first < area->npages; first++)
		for (u32 last = first; last < area->npages; last++)
			for (u32 ro = !area->writable; ro <= w->sp->cfg.readonly; ro++) {
				a.first = first;
				a.last = last;
				a.flag = ro;
				offer(w, a);
			}
}

/* The core refuses to cut what is pinned through. */
static void offer_cuts(struct walk *w, struct action a, const struct scene_area *area)
{
	if (w->scene->nr_areas == w->sp->cfg.areas || area->pins)
		return;
	for (u32 i = 0; i + 1 < area->npages; i++) {
		a.first = i;
		offer(w, a);
	}
}

static void offer_areas(struct walk *w, enum action_kind kind)
{
	for (u32 t = 0; t < w->sp->cfg.tables; t++) {
		for (u32 i = 0; i < w->scene->table[t].nr_areas; i++) {
			const struct scene_area *area = &w->scene->table[t].area[i];
			struct action a = {.kind = kind, .table = t, .item = i};

			if (kind == ACT_COPY)
				offer_copies(w, a, area);
			else if (kind == ACT_UNMAP)
				offer(w, a);
			else if (kind == ACT_CUT)
				offer_cuts(w, a, area);
			else
				offer_pins(w, a, area);
		}
	}
}

void space_requests(const struct space *sp, const struct scene *scene, space_fn fn, void *ctx)
{
	struct walk w = {.sp = sp, .scene = scene, .fn = fn, .ctx = ctx};

	offer_maps(&w);
	offer_domains(&w, ACT_ATTACH);
	offer_areas(&w, ACT_COPY);
	offer_domains(&w, ACT_DETACH);
	offer_areas(&w, ACT_UNMAP);
	offer_areas(&w, ACT_CUT);
	offer_areas(&w, ACT_PIN);
	for (u32 i = 0; i < scene->nr_pins; i++)
		offer(&w, (struct action){.kind = ACT_RELEASE, .item = i});
	for (w.shift = 1; w.shift <= ACTION_SHIFT_MAX; w.shift++) {
		offer_maps(&w);
		offer_areas(&w, ACT_COPY);
	}
}

/* --- ops --------------------------------------------------------------------------------------- */

/* Map calls of a domain before its last area: one a page. */
static u32 calls_before_last(const struct scene_table *t)
{
	u32 n = 0;

	for (u32 i = 0; i + 1 < t->nr_areas; i++)
		n += t->area[i].npages;
	return n;
}

/* The failures of CHECK_FAIL_LISTED by number; what has fewer of them goes through. */
static void set_listed_fail(const struct space *sp, const struct scene *s, struct action a,
			    struct op *op)
{
	u32 npages = a.kind == ACT_MAP ? sp->cfg.pages : a.last - a.first + 1u;

	if (a.kind == ACT_ATTACH && a.fail == 1)
		op_set_fail(op, FAULT_ALLOC, 1); /* of the domain's slot: no area was looked at */
	else if (a.kind == ACT_ATTACH && a.fail == 2)
		op_set_fail(op, FAULT_MAP, 1 + calls_before_last(&s->table[a.table]));
	else if ((a.kind == ACT_MAP || a.kind == ACT_COPY) && a.fail == 1)
		op_set_fail(op, FAULT_MAP, 1 + npages); /* the first call of the second domain */
}

static void set_fail(const struct space *sp, const struct scene *s, struct action a, struct op *op)
{
	if (sp->cfg.failures == CHECK_FAIL_ALL)
		op_set_fail(op, FAULT_ANY, a.fail);
	else if (sp->cfg.failures == CHECK_FAIL_LISTED)
		set_listed_fail(sp, s, a, op);
}

static void set_prot(struct op *op, struct action a)
{
	op->flags |= OPF_READ | (a.flag ? 0 : OPF_WRITE);
}

static int map_op(const struct space *sp, const struct scene *s, struct action a, struct program *p)
{
	struct op op = {.code = OP_MAP, .flags = OPF_WHOLE};
	u64 iova = place_iova(&s->table[a.table], a.place, sp->cfg.pages, a.shift);

	op_set_ref(&op, 0, a.table, true);
	op_set_ref(&op, 1, a.to, true);
	set_prot(&op, a);
	op_set_addr(&op, OP_ADDR_ABS, iova);
	set_fail(sp, s, a, &op);
	return iova ? program_add(p, &op) : -ENOSPC;
}

/* [first..last] of an area by its IOVA: areas that a cut made have no name. */
static void set_span(struct op *op, const struct scene_area *area, u32 first, u32 last)
{
	op->flags |= OPF_PAGES;
	op_set_addr(op, OP_ADDR_ABS, area->iova + first * PAGE_SIZE);
	op_set_len(op, last - first + 1);
}

static int copy_op(const struct space *sp, const struct scene *s, struct action a,
		   struct program *p)
{
	struct op op = {.code = OP_COPY, .flags = OPF_SOURCE}, to = {.code = OP_MORE};
	u64 iova = place_iova(&s->table[a.to], a.place, a.last - a.first + 1u, a.shift);

	op_set_ref(&op, 0, a.to, true);
	op_set_ref(&op, 1, a.table, true);
	set_prot(&op, a);
	set_span(&op, &s->table[a.table].area[a.item], a.first, a.last);
	op_set_addr(&to, OP_ADDR_ABS, iova);
	if (!iova)
		return -ENOSPC;
	set_fail(sp, s, a, &op);
	return program_add(p, &op) ?: program_add(p, &to);
}

/* Slots follow compaction, ops count a table's domains by age. */
static u32 domain_age(const struct scene_table *t, u32 slot)
{
	u32 age = 0;

	for (u32 i = 0; i < t->nr_domains; i++)
		age += t->domain[i] < t->domain[slot];
	return age;
}

static int domain_op(const struct space *sp, const struct scene *s, struct action a,
		     struct program *p)
{
	struct op op = {.code = a.kind == ACT_ATTACH ? OP_ATTACH : OP_DETACH};

	op_set_ref(&op, 0, a.table, true);
	if (a.kind == ACT_DETACH)
		op_set_ref(&op, 1, domain_age(&s->table[a.table], a.item), false);
	else if (a.flag)
		op.flags |= OPF_NC;
	set_fail(sp, s, a, &op);
	return program_add(p, &op);
}

static int area_op(const struct space *sp, const struct scene *s, struct action a,
		   struct program *p)
{
	const struct scene_area *area = &s->table[a.table].area[a.item];
	struct op op = {.code = a.kind == ACT_UNMAP ? OP_UNMAP
				: a.kind == ACT_CUT ? OP_CUT
						    : OP_PIN};

	op_set_ref(&op, 0, a.table, true);
	if (a.kind == ACT_UNMAP) {
		set_span(&op, area, 0, area->npages - 1);
	} else if (a.kind == ACT_CUT) {
		op_set_addr(&op, OP_ADDR_ABS, area->iova + (a.first + 1) * PAGE_SIZE - 1);
	} else {
		set_prot(&op, a);
		set_span(&op, area, a.first, a.last);
	}
	set_fail(sp, s, a, &op);
	return program_add(p, &op);
}

int space_op(const struct space *sp, const struct scene *scene, struct action a, struct program *p)
{
	struct op op = {.code = OP_UNPIN};

	switch (a.kind) {
	case ACT_MAP:
		return map_op(sp, scene, a, p);
	case ACT_COPY:
		return copy_op(sp, scene, a, p);
	case ACT_ATTACH:
	case ACT_DETACH:
		return domain_op(sp, scene, a, p);
	case ACT_UNMAP:
	case ACT_CUT:
	case ACT_PIN:
		return area_op(sp, scene, a, p);
	}
	op_set_ref(&op, 0, a.item, false);
	set_fail(sp, scene, a, &op);
	return program_add(p, &op);
}
