// SPDX-License-Identifier: GPL-2.0-only
/* Which IOVAs a table accepts, which it chooses, and what alignment it asks for. */
#include "core/shadow/model_priv.h"

#define HUGE_ALIGNMENT (2ULL << 20)
#define AUTO_FIRST     PAGE_SIZE
#define AUTO_LAST      (IOVA_MAX - PAGE_SIZE)

/* I5: IOVA, length and offset in the first page. */
bool md_areas_conform(const struct mtable *t, u64 alignment)
{
	for (u32 i = 0; i < t->areas.nr; i++) {
		const struct marea *a = rows_at(&t->areas, struct marea, i);
		u64 bits = a->iova | (a->last - a->iova + 1) | (a->start_byte & PAGE_MASK);

		if (bits & (alignment - 1))
			return false;
	}
	return true;
}

/* I6: what it must be when something has left; while things come it only grows. */
u64 md_table_alignment(const struct model *md, const struct mtable *t)
{
	u64 alignment = t->no_large ? PAGE_SIZE : 1;

	for (u32 i = 0; i < t->domains.nr; i++) {
		const struct mdomain *d = md_find_domain(md, *vec_at(&t->domains, u32, i));

		alignment = max(alignment, d->min_page);
	}
	for (u32 i = 0; i < md->accesses.nr; i++) {
		const struct maccess *x = *vec_at(&md->accesses, struct maccess *, i);

		if (x->table == t->id && x->pins_pages)
			alignment = max(alignment, PAGE_SIZE);
	}
	return alignment;
}

int md_iova_fixed(const struct mtable *t, u64 iova, u64 length)
{
	u64 last;

	if (iova & (t->alignment - 1))
		return -EINVAL;
	if (check_add_overflow(iova, length - 1, &last))
		return -EOVERFLOW;
	if (md_range_hit(&t->reserved, iova, last))
		return -EINVAL;
	return md_areas_hit(t, iova, last) ? -EEXIST : 0;
}

bool md_areas_hit(const struct mtable *t, u64 start, u64 last)
{
	u32 i = md_area_lower(t, start);

	return i < t->areas.nr && rows_at(&t->areas, struct marea, i)->iova <= last;
}

/* --- automatic --------------------------------------------------------------------------- */

struct wish {
	u64 length, alignment, offset;
};

/* The first fitting place in [start..last]: aligned, then the address' low bits on top. */
static bool place(const struct wish *w, u64 start, u64 last, u64 *out)
{
	u64 at;

	if (check_add_overflow(start, w->alignment - 1, &at))
		return false;
	at = (at & ~(w->alignment - 1)) | w->offset;
	if (at >= last || last - at < w->length - 1)
		return false;
	*out = at;
	return true;
}

/* The end of whatever is taken at @at; false: @at is free, and *end is where the hole ends. */
static bool taken(const struct mtable *t, u64 at, u64 *end)
{
	u32 i = md_area_lower(t, at);
	u64 next = IOVA_MAX;
	const struct marea *a;

	for (u32 k = 0; k < t->reserved.nr; k++) {
		const struct mrange *r = vec_at(&t->reserved, struct mrange, k);

		if (r->last < at)
			continue;
		if (r->start <= at) {
			*end = r->last;
			return true;
		}
		next = min(next, r->start - 1);
		break;
	}
	if (i < t->areas.nr) {
		a = rows_at(&t->areas, struct marea, i);
		if (a->iova <= at) {
			*end = a->last;
			return true;
		}
		next = min(next, a->iova - 1);
	}
	*end = next;
	return false;
}

/* Holes in ascending order, first fit. A hole that goes on behind the window ends with it. */
static bool place_in_holes(const struct mtable *t, const struct wish *w, u64 start, u64 last,
			   u64 *out)
{
	u64 at = start, end;

	for (;;) {
		if (!taken(t, at, &end) && place(w, at, min(end, last), out))
			return true;
		if (end >= last)
			return false;
		at = end + 1;
	}
}

/* The first and the last page of the address space are never chosen. */
static bool place_in_window(const struct mtable *t, const struct wish *w, u64 start, u64 last,
			    u64 *out)
{
	u64 aligned;

	start = max(start, AUTO_FIRST);
	last = min(last, AUTO_LAST);
	if (start > last || !place(w, start, last, &aligned))
		return false;
	return place_in_holes(t, w, aligned, last, out);
}

/* So that large pages can be used where both the memory and the length allow. */
static u64 natural_alignment(u64 addr, u64 length)
{
	u64 alignment = roundup_pow_of_two(length);

	if (addr)
		alignment = min(alignment, addr & -addr);
	return min(alignment, HUGE_ALIGNMENT);
}

int md_iova_auto(const struct mtable *t, u64 addr, u64 length, u64 *iova)
{
	struct wish w = {.length = length, .offset = addr & PAGE_MASK};
	u32 i = 0;

	if (!length || length >= IOVA_MAX / 2)
		return -EOVERFLOW;
	w.alignment = natural_alignment(addr, length);
	if (w.alignment < t->alignment)
		return -EINVAL;
	if (!t->allowed.nr)
		return place_in_window(t, &w, 0, IOVA_MAX, iova) ? 0 : -ENOSPC;
	while (i < t->allowed.nr) {
		const struct mrange *r = vec_at(&t->allowed, struct mrange, i);
		u64 start = r->start, last = r->last;

		/* Neighbours that touch are one window. */
		while (++i < t->allowed.nr && (++r)->start == last + 1)
			last = r->last;
		if (place_in_window(t, &w, start, last, iova))
			return 0;
	}
	return -ENOSPC;
}

/* What is not reserved, ascending and merged; returns how many there are, the first @room in @out.
 */
u32 md_iova_holes(const struct mtable *t, struct iova_range *out, u32 room)
{
	u64 at = 0;
	u32 n = 0;

	for (u32 i = 0; i < t->reserved.nr; i++) {
		const struct mrange *r = vec_at(&t->reserved, struct mrange, i);

		if (r->start > at) {
			if (n < room)
				out[n] = (struct iova_range){at, r->start - 1};
			n++;
		}
		if (r->last == IOVA_MAX)
			return n;
		at = max(at, r->last + 1);
	}
	if (n < room)
		out[n] = (struct iova_range){at, IOVA_MAX};
	return n + 1;
}
