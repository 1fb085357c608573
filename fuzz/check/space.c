// SPDX-License-Identifier: GPL-2.0-only
/*
 * Presets, set-up, and the canonical form.
 *
 * Why orders of tables and of buffers may be tried: nothing in the core, in a policy's hooks or in
 * the shadow depends on which table or buffer was made first, and every request that one offers the
 * other offers too. Domains and areas are not exchanged: their slots and IOVAs decide about walks.
 */
#include "fuzz/check/space.h"

#include "core/op/text.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
	const char *name;
	struct check_space space;
} presets[] = {
	{"small", {.objects = 1, .pages = 2, .areas = 2, .tables = 2, .domains = 2, .accesses = 1}},
	{"standard",
	 {.objects = 1, .pages = 3, .areas = 3, .tables = 2, .domains = 2, .accesses = 2}},
	{"two-objects",
	 {.objects = 2, .pages = 2, .areas = 3, .tables = 2, .domains = 1, .accesses = 1}},
	{"aliased",
	 {.objects = 2,
	  .pages = 2,
	  .areas = 3,
	  .tables = 2,
	  .domains = 1,
	  .accesses = 1,
	  .aliased = true}},
	{"readonly",
	 {.objects = 1,
	  .pages = 2,
	  .areas = 2,
	  .tables = 2,
	  .domains = 2,
	  .accesses = 1,
	  .readonly = true}},
};

const struct check_space *check_preset(const char *name)
{
	for (u32 i = 0; i < ARRAY_SIZE(presets); i++)
		if (!strcmp(presets[i].name, name))
			return &presets[i].space;
	return NULL;
}

const char *check_preset_nth(u32 i)
{
	return i < ARRAY_SIZE(presets) ? presets[i].name : NULL;
}

/* --- set-up ------------------------------------------------------------------------------------ */

static int in_range(const char *what, u32 n, u32 least, u32 most, char *err, size_t errlen)
{
	if (n >= least && n <= most)
		return 0;
	snprintf(err, errlen, "%s: %u, expected %u to %u", what, n, least, most);
	return -EINVAL;
}

static int validate(const struct check_space *c, char *err, size_t errlen)
{
	return in_range("objects", c->objects, 1, CHECK_OBJECTS_MAX, err, errlen)
		       ?: in_range("pages", c->pages, 1, CHECK_PAGES_MAX, err, errlen)
		       ?: in_range("areas", c->areas, 1, CHECK_AREAS_MAX, err, errlen)
		       ?: in_range("tables", c->tables, 1, CHECK_TABLES_MAX, err, errlen)
		       ?: in_range("domains", c->domains, 1, CHECK_DOMAINS_MAX, err, errlen)
		       ?: in_range("accesses", c->accesses, 0, CHECK_ACCESSES_MAX, err, errlen);
}

/*
 * Large pages are off, so that a cut under a domain is allowed. An access stands for as many as the
 * configuration has, for an access holds one pin and nothing else tells two accesses of a table
 * apart.
 */
static int make_setup(struct space *sp)
{
	static const char names[] = "PQRS";
	char text[1024];
	struct text_error te;
	int n = 0;

	for (u32 i = 0; i < sp->nr_buffers; i++)
		n += snprintf(text + n, sizeof(text) - n, "buffer %c %u pages\n", names[i],
			      sp->cfg.pages);
	for (u32 t = 0; t < sp->cfg.tables; t++) {
		n += snprintf(text + n, sizeof(text) - n, "table %c\nhuge_pages %c off\n", 'A' + t,
			      'A' + t);
		if (sp->cfg.accesses)
			n += snprintf(text + n, sizeof(text) - n, "access x%u %c pages\n", t,
				      'A' + t);
	}
	return text_parse(&sp->setup, text, n, "set-up", &te);
}

static void add_order(struct space *sp, const u8 *tables, const u8 *buffers)
{
	struct form_order *o = &sp->order[sp->nr_orders];

	o->nr_tables = sp->cfg.tables;
	o->nr_buffers = sp->nr_buffers;
	o->gaps = sp->cfg.areas > 2; /* else no area ever comes between two */
	for (u32 i = 0; i < sp->cfg.tables; i++)
		o->table[i] = tables[i] + 1;
	memcpy(sp->buffer_order[sp->nr_orders++], buffers, sp->nr_buffers);
}

/* The next order of n numbers by the alphabet; false: it was the last. */
static bool next_order(u8 *v, u32 n)
{
	u32 i = n, j = n;
	u8 tmp;

	while (i > 1 && v[i - 2] > v[i - 1])
		i--;
	if (i < 2)
		return false;
	while (v[j - 1] < v[i - 2])
		j--;
	tmp = v[i - 2];
	v[i - 2] = v[j - 1];
	v[j - 1] = tmp;
	for (j = n; i < j; i++, j--) {
		tmp = v[i - 1];
		v[i - 1] = v[j - 1];
		v[j - 1] = tmp;
	}
	return true;
}

static void make_orders(struct space *sp)
{
	u8 tables[CHECK_TABLES_MAX] = {0, 1, 2}, buffers[CHECK_OBJECTS_MAX];

	do {
		for (u8 i = 0; i < CHECK_OBJECTS_MAX; i++)
			buffers[i] = i;
		do
			add_order(sp, tables, buffers);
		while (next_order(buffers, sp->nr_buffers));
	} while (next_order(tables, sp->cfg.tables));
}

int space_init(struct space *sp, const struct check_space *cfg, char *err, size_t errlen)
{
	int rc = validate(cfg, err, errlen);

	if (rc)
		return rc;
	*sp = (struct space){.cfg = *cfg, .nr_buffers = cfg->aliased ? 1 : cfg->objects};
	make_orders(sp);
	rc = make_setup(sp);
	if (rc)
		space_free(sp);
	return rc;
}

void space_free(struct space *sp)
{
	program_free(&sp->setup);
}

/* Buffers lie where the machine put the first, the second ...: by address they are in order. */
static void find_buffers(struct space *sp, struct machine *m)
{
	struct buffer *b;
	u64 va = 0;

	for (u32 i = 0; i < sp->nr_buffers; i++) {
		for (b = NULL; !b; va += 1ULL << 30)
			b = machine_buffer_at(m, 0, va);
		sp->va[i] = buffer_va(b);
		for (u32 k = 0; k < sp->cfg.pages; k++)
			sp->pfn[sp->nr_frames++] = buffer_pfn(b, k);
	}
	for (u32 o = 0; o < sp->nr_orders; o++)
		for (u32 i = 0; i < sp->nr_buffers; i++)
			sp->order[o].va[i] = sp->va[sp->buffer_order[o][i]];
}

bool space_begin(struct space *sp, struct run *r)
{
	size_t at = 0;

	while (run_step(r, &sp->setup, &at))
		if (run_result(r, run_ops(r))->rc)
			return false;
	sp->nr_frames = 0;
	find_buffers(sp, run_machine(r));
	run_forget(r);
	return !run_full(r) && !run_findings(r);
}

/* --- the canonical form ------------------------------------------------------------------------ */

static u32 form_under(const struct space *sp, struct run *r, u32 o, u8 *out)
{
	const struct run_config *cfg = run_config(r);
	size_t n = cfg->backend->form(run_backend(r), &sp->order[o], out, FORM_ROOM);

	if (n > FORM_ROOM)
		return 0;
	for (u32 b = 0; b < sp->nr_buffers; b++) {
		const u64 *pfn = sp->pfn + sp->buffer_order[o][b] * sp->cfg.pages;

		for (u32 i = 0; i < sp->cfg.pages; i++) {
			if (n + SHADOW_FORM > FORM_ROOM)
				return 0;
			n += shadow_frame_form(run_shadow(r), pfn[i], out + n);
		}
	}
	return n;
}

u32 space_form(const struct space *sp, struct run *r, u8 out[FORM_ROOM])
{
	u32 best = form_under(sp, r, 0, out), n;
	u8 other[FORM_ROOM];

	for (u32 o = 1; best && o < sp->nr_orders; o++) {
		n = form_under(sp, r, o, other);
		if (n < best || (n == best && memcmp(other, out, n) < 0)) {
			memcpy(out, other, n);
			best = n;
		}
	}
	return best;
}
