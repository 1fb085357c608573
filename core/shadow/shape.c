// SPDX-License-Identifier: GPL-2.0-only
#include "core/shadow/shape.h"
#include "core/shadow/model_state.h"
#include "core/shadow/state.h"

static void add_frame(struct shadow_shape *out, const struct frame *f)
{
	if (!f->pins)
		return;
	out->pinned++;
	out->exposed += !!f->nc;
	out->shared += f->pins > 1;
	*(f->nc ? &out->open : &out->closed) |= lines_pack(&f->set);
}

void shadow_shape(const struct shadow *s, struct shadow_shape *out)
{
	*out = (struct shadow_shape){0};
	for (u64 i = 0, left = s->frames.nr; left; i++)
		for (const struct node *n = s->frames.bucket[i]; n; n = n->next, left--)
			add_frame(out, container_of(n, struct frame, node));
}

void model_shape(const struct model *md, struct model_shape *out)
{
	*out = (struct model_shape){.tables = md->tables.nr, .objects = md->pages.nr};
	for (u32 i = 0; i < md->tables.nr; i++) {
		const struct mtable *t = *vec_at(&md->tables, struct mtable *, i);

		out->areas += t->areas.nr;
		out->storages += t->domains.nr ? t->areas.nr : 0;
		for (u32 k = 0; k < t->domains.nr; k++) {
			u32 id = *vec_at(&t->domains, u32, k);
			const struct domain *d = machine_domain(md->m, id);

			if (d)
				(*(domain_nc(d) ? &out->nc : &out->c))++;
		}
	}
	for (u32 i = 0; i < md->pages.nr; i++) {
		const struct mpages *p = *rows_at(&md->pages, struct mpages *, i);

		out->shared += p->refs > 1;
		out->array += !!p->acc_pages;
	}
	for (u32 i = 0; i < md->accesses.nr; i++)
		out->held += (*vec_at(&md->accesses, struct maccess *, i))->pins.nr;
}
