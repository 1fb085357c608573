// SPDX-License-Identifier: GPL-2.0-only
/*
 * An IOMMU domain: what the driver's map, unmap, sync and iova_to_phys do, with every rule that a
 * driver only documents turned into a finding. A finding never stops the machine: the offending
 * part is refused and the rest is done.
 *
 * The IOTLB is a list of what was unmapped since the last sync: any of it may still be used by a
 * device.
 */
#include "core/machine/machine_priv.h"

#define PGSIZES_DEFAULT (1ULL << 12 | 1ULL << 21 | 1ULL << 30)

static int domain_check(struct domain_config *cfg)
{
	if (!cfg->pgsize_bitmap)
		cfg->pgsize_bitmap = PGSIZES_DEFAULT;
	if (cfg->pgsize_bitmap & 511)
		return -EINVAL;
	if (!cfg->aperture_start && !cfg->aperture_last)
		cfg->aperture_last = ~0ULL;
	return cfg->aperture_start > cfg->aperture_last ? -EINVAL : 0;
}

int domain_create(struct machine *m, const struct domain_config *cfg, struct domain **out)
{
	struct domain_config full = *cfg;
	struct domain *d;
	int rc;

	rc = domain_check(&full);
	if (rc)
		return rc;
	d = arena_alloc(m->arena, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->m = m;
	d->cfg = full;
	d->min_mask = (full.pgsize_bitmap & -full.pgsize_bitmap) - 1;
	d->leaf4k = d->min_mask <= PAGE_MASK && full.pgsize_bitmap & PAGE_SIZE;
	mutex_init(&d->lock, LOCK_DOMAIN);
	pt_init(&d->pt, m, full.pgsize_bitmap, full.max_leaves);
	mutex_lock(&m->frames_lock);
	rc = grow_pointers(m->arena, &m->domains, m->nr_domains, &m->cap_domains);
	if (!rc) {
		m->domains[m->nr_domains++] = d;
		d->id = m->nr_domains;
	}
	mutex_unlock(&m->frames_lock);
	if (rc) {
		arena_free(m->arena, d, sizeof(*d));
		return rc;
	}
	if (m->obs)
		tell(m, .kind = EV_DOMAIN_CREATE, .domain = d->id, .nc = domain_nc(d));
	*out = d;
	return 0;
}

static void free_stale(struct domain *d)
{
	struct stale *s;

	while ((s = d->stale)) {
		d->stale = s->next;
		arena_free(d->m->arena, s, sizeof(*s));
	}
}

void domain_free(struct machine *m, struct domain *d)
{
	struct domain_counters *c = &d->count;

	if (d->pt.leaves)
		machine_strict(m, "D7", "a freed domain still maps (domain, leaves)", d->id,
			       d->pt.leaves);
	if (m->obs)
		tell(m, .kind = EV_DOMAIN_FREE, .domain = d->id, .nc = domain_nc(d));
	pt_destroy(&d->pt);
	free_stale(d);
	mutex_lock(&m->frames_lock);
	m->domains[d->id - 1] = NULL;
	m->count.map_calls += c->map_calls;
	m->count.map_bytes += c->map_bytes;
	m->count.unmap_calls += c->unmap_calls;
	m->count.unmap_bytes += c->unmap_bytes;
	m->count.syncs += c->syncs;
	m->count.translations += c->translations;
	mutex_unlock(&m->frames_lock);
	arena_free(m->arena, d, sizeof(*d));
}

void domains_destroy(struct machine *m)
{
	for (u32 i = 0; i < m->nr_domains; i++) {
		if (!m->domains[i])
			continue;
		pt_destroy(&m->domains[i]->pt);
		free_stale(m->domains[i]);
		arena_free(m->arena, m->domains[i], sizeof(struct domain));
	}
	arena_free(m->arena, m->domains, m->cap_domains * sizeof(*m->domains));
}

u32 domain_id(const struct domain *d)
{
	return d->id;
}

struct domain *machine_domain(struct machine *m, u32 id)
{
	return id && id <= m->nr_domains ? m->domains[id - 1] : NULL;
}

u32 machine_nr_domains(const struct machine *m)
{
	return m->nr_domains;
}

bool domain_nc(const struct domain *d)
{
	return !d->cfg.enforce_cache_coherency;
}

const struct domain_config *domain_cfg(const struct domain *d)
{
	return &d->cfg;
}

u64 domain_leaves(const struct domain *d)
{
	return d->pt.leaves;
}

/* --- map --- */

static int check_run(struct domain *d, const struct domain_run *r)
{
	u64 end;

	if (!r->len || (r->iova | r->pa | r->len) & d->min_mask) {
		machine_strict(d->m, "D5", "map of a misaligned range (iova, length)", r->iova,
			       r->len);
		return -EINVAL;
	}
	if (!r->pa || check_add_overflow(r->pa, r->len - 1, &end))
		return -EINVAL;
	if (check_add_overflow(r->iova, r->len - 1, &end) || r->iova < d->cfg.aperture_start ||
	    end > d->cfg.aperture_last)
		return -ERANGE;
	return 0;
}

static int map_run(struct domain *d, const struct domain_run *r, u32 prot)
{
	struct machine *m = d->m;
	int rc = 0;

	if (unlikely(m->fault.nth))
		rc = machine_should_fail(m, FAULT_MAP);
	if (!rc)
		rc = check_run(d, r);
	if (!rc) {
		rc = pt_map(&d->pt, r->iova, r->pa, r->len, prot & 7);
		if (rc == -EEXIST)
			machine_strict(m, "D3", "map over something mapped (iova, length)", r->iova,
				       r->len);
	}
	if (unlikely(m->obs))
		tell(m, .kind = EV_MAP, .domain = d->id, .nc = domain_nc(d), .iova = r->iova,
		     .pa = r->pa, .len = r->len, .prot = prot, .rc = rc);
	return rc;
}

/* One page next to the last one, nobody watching: most runs of scattered memory. */
static inline bool map_fast(struct domain *d, const struct domain_run *r, u32 prot)
{
	return r->len == PAGE_SIZE && d->leaf4k && !((r->iova | r->pa) & PAGE_MASK) && r->pa &&
	       r->iova >= d->cfg.aperture_start && (r->iova | PAGE_MASK) <= d->cfg.aperture_last &&
	       pt_map_hot(&d->pt, r->iova, r->pa, prot & 7);
}

static inline int map_runs(struct domain *d, const struct domain_run *runs, size_t n, u32 prot,
			   size_t *mapped)
{
	u64 bytes = 0;
	bool fast;
	size_t i;
	int rc = 0;

	mutex_lock(&d->lock);
	fast = !d->m->obs && !d->m->fault.nth;
	for (i = 0; i < n; i++) {
		d->pt.expect = min(n - i, 512);
		if (!likely(fast && map_fast(d, &runs[i], prot))) {
			rc = map_run(d, &runs[i], prot);
			if (rc)
				break;
		}
		bytes += runs[i].len;
	}
	d->pt.expect = 0;
	d->count.map_calls += i + !!rc;
	d->count.map_bytes += bytes;
	mutex_unlock(&d->lock);
	*mapped = i;
	return rc;
}

int domain_map_runs(struct domain *d, const struct domain_run *runs, size_t n, u32 prot,
		    size_t *mapped)
{
	called(d->m, .kind = CALL_MAP_RUNS, .who = d->id, .flags = prot, .n = n, .runs = runs);
	return map_runs(d, runs, n, prot, mapped);
}

int domain_map(struct domain *d, u64 iova, u64 pa, u64 len, u32 prot)
{
	struct domain_run run = {iova, pa, len};
	size_t mapped;

	called(d->m, .kind = CALL_MAP, .who = d->id, .flags = prot, .at = iova, .n = len, .pa = pa);
	return map_runs(d, &run, 1, prot, &mapped);
}

/* --- unmap and IOTLB --- */

/* Leaves that continue one another are one piece. */
struct pieces {
	struct domain *d;
	u64 iova, pa, len;
	u32 prot;
};

/* Without memory for the entry the IOTLB forgets early, as a real one may. */
static void keep_stale(const struct pieces *p)
{
	struct domain *d = p->d;
	struct stale *s = arena_alloc(d->m->arena, sizeof(*s));

	if (!s)
		return;
	*s = (struct stale){d->stale, p->iova, p->pa, p->len, p->prot};
	d->stale = s;
}

static void end_piece(struct pieces *p)
{
	struct domain *d = p->d;

	if (!p->len)
		return;
	if (d->m->cfg.track_iotlb)
		keep_stale(p);
	if (d->m->obs)
		tell(d->m, .kind = EV_UNMAP, .domain = d->id, .nc = domain_nc(d), .iova = p->iova,
		     .pa = p->pa, .len = p->len, .prot = p->prot);
	p->len = 0;
}

static void add_piece(void *ctx, u64 iova, u64 pa, u64 len, u32 prot)
{
	struct pieces *p = ctx;

	if (p->len && p->iova + p->len == iova && p->pa + p->len == pa && p->prot == prot) {
		p->len += len;
		return;
	}
	end_piece(p);
	p->iova = iova;
	p->pa = pa;
	p->len = len;
	p->prot = prot;
}

/* Both ends must be ends of map calls; what is not mapped at all is the other finding. */
static void check_cut(struct domain *d, u64 iova, u64 last)
{
	struct pt_leaf leaf;

	if (pt_find(&d->pt, iova, &leaf) && (leaf.iova != iova || !(leaf.entry & PT_START)))
		machine_strict(d->m, "D4", "unmap begins inside a map call (iova, last)", iova,
			       last);
	if (pt_find(&d->pt, last, &leaf) &&
	    (pt_leaf_last(&leaf) != last || !(leaf.entry & PT_LAST)))
		machine_strict(d->m, "D4", "unmap ends inside a map call (iova, last)", iova, last);
}

static u64 unmap_range(struct domain *d, u64 iova, u64 len)
{
	struct machine *m = d->m;
	struct pieces p = {.d = d};
	bool track = m->cfg.track_iotlb || m->obs;
	u64 last, done;

	if (unlikely(m->obs))
		tell(m, .kind = EV_UNMAP_CALL, .domain = d->id, .nc = domain_nc(d), .iova = iova,
		     .len = len);
	if ((iova | len) & d->min_mask || check_add_overflow(iova, len - 1, &last)) {
		machine_strict(m, "D5", "unmap of a misaligned range (iova, length)", iova, len);
		return 0;
	}
	if (unlikely(m->obs))
		check_cut(d, iova, last);
	done = pt_unmap(&d->pt, iova, last, track ? add_piece : NULL, &p);
	end_piece(&p);
	if (unlikely(done < len))
		machine_strict(m, "D3", "unmap of something not mapped (iova, length)", iova, len);
	return done;
}

static u64 unmap_run(struct domain *d, u64 iova, u64 len)
{
	struct pt_leaf leaf;
	u64 done;

	if (!len)
		return 0;
	if (likely(len == PAGE_SIZE && !(iova & PAGE_MASK) && !d->m->obs &&
		   !d->m->cfg.track_iotlb && pt_unmap_hot(&d->pt, iova))) {
		done = PAGE_SIZE;
	} else {
		done = unmap_range(d, iova, len);
		/* Small runs follow one another: the next one finds its node at once. */
		if (len <= PAGE_SIZE && pt_find(&d->pt, iova + len, &leaf))
			pt_set_hot(&d->pt, &leaf);
	}
	d->count.unmap_calls++;
	d->count.unmap_bytes += done;
	return done;
}

u64 domain_unmap(struct domain *d, u64 iova, u64 len)
{
	u64 done;

	called(d->m, .kind = CALL_UNMAP, .who = d->id, .at = iova, .n = len);
	mutex_lock(&d->lock);
	done = unmap_run(d, iova, len);
	mutex_unlock(&d->lock);
	return done;
}

u64 domain_unmap_runs(struct domain *d, const struct domain_run *runs, size_t n)
{
	u64 done = 0;

	mutex_lock(&d->lock);
	for (size_t i = 0; i < n; i++)
		done += unmap_run(d, runs[i].iova, runs[i].len);
	mutex_unlock(&d->lock);
	return done;
}

void domain_iotlb_sync(struct domain *d)
{
	called(d->m, .kind = CALL_SYNC, .who = d->id);
	mutex_lock(&d->lock);
	free_stale(d);
	d->count.syncs++;
	if (unlikely(d->m->obs))
		tell(d->m, .kind = EV_SYNC, .domain = d->id, .nc = domain_nc(d));
	mutex_unlock(&d->lock);
}

bool domain_translate(struct domain *d, u64 iova, u64 *pa, u64 *last, u32 *prot)
{
	struct pt_leaf leaf;

	if (pt_find(&d->pt, iova, &leaf)) {
		*pa = pt_leaf_pa(&leaf, iova);
		*last = pt_leaf_last(&leaf);
		*prot = pt_prot(leaf.entry);
		return true;
	}
	for (const struct stale *s = d->stale; s; s = s->next) {
		if (iova < s->iova || iova - s->iova >= s->len)
			continue;
		*pa = s->pa + (iova - s->iova);
		/* A smallest page at a time: behind it something may be mapped again. */
		*last = min(s->iova + (s->len - 1), iova | 511);
		*prot = s->prot;
		return true;
	}
	return false;
}

/* --- reading the table --- */

u64 domain_iova_to_phys(struct domain *d, u64 iova)
{
	struct pt_leaf leaf;
	u64 pa = 0;

	called(d->m, .kind = CALL_TRANSLATE, .who = d->id, .at = iova);
	mutex_lock(&d->lock);
	d->count.translations++;
	if (likely(pt_find(&d->pt, iova, &leaf))) {
		pt_set_hot(&d->pt, &leaf);
		pa = pt_leaf_pa(&leaf, iova);
	} else {
		machine_strict(d->m, "D8", "translate of something not mapped (iova)", iova, d->id);
	}
	mutex_unlock(&d->lock);
	return pa;
}

/* Pages that begin in the leaf from @iova on, of which the first is left after @step bytes. */
static u64 pages_in_leaf(const struct pt_leaf *leaf, u64 iova, u64 step)
{
	u64 rest = pt_leaf_last(leaf) - iova; /* bytes behind iova */

	return rest < step ? 1 : 2 + ((rest - step) >> PAGE_SHIFT);
}

/* How many entries from @e on, at most @end, are contiguous 4 KiB leaves. */
static u64 pages_in_row(const u64 *e, u64 end)
{
	u64 pa = pt_pa(*e), n;

	for (n = 1; n < end; n++) {
		pa += PAGE_SIZE;
		if (pt_pa(e[n]) != pa || !(e[n] & PT_LEAF))
			break;
	}
	return n;
}

/*
 * A run of pages from *iova on, which moves behind it (and stays at the end of the address space).
 */
static u64 read_slow(struct domain *d, u64 *iova, u64 max, u64 *pfn)
{
	u64 count = 0, step, n, pa, next;
	struct pt_leaf leaf;
	bool ended = false;

	while (count < max && !ended && pt_find(&d->pt, *iova, &leaf)) {
		pt_set_hot(&d->pt, &leaf);
		pa = pt_leaf_pa(&leaf, *iova);
		if (!count)
			*pfn = pa >> PAGE_SHIFT;
		else if (pa != (*pfn + count) << PAGE_SHIFT)
			break;
		step = PAGE_SIZE - (pa & PAGE_MASK);
		n = min(pages_in_leaf(&leaf, *iova, step), max - count);
		count += n;
		next = *iova + step + ((n - 1) << PAGE_SHIFT);
		ended = next <= *iova;
		*iova = next;
	}
	if (unlikely(!count))
		machine_strict(d->m, "D8", "read-back of something not mapped (iova)", *iova,
			       d->id);
	return count;
}

/* Most runs begin and end inside the node used last; others are read from the start, slowly. */
static inline u64 read_run(struct domain *d, u64 *iova, u64 max, u64 *pfn)
{
	const u64 *slot = pt_hot_slot(&d->pt, *iova);
	u64 end = 512 - (*iova >> PAGE_SHIFT & 511), n = 0;

	if (likely(slot && *slot & PT_LEAF && !(*iova & PAGE_MASK) && max)) {
		n = pages_in_row(slot, min(max, end));
		if (likely(n < end)) {
			*pfn = pt_pa(*slot) >> PAGE_SHIFT;
			*iova += n << PAGE_SHIFT;
			d->count.translations += n;
			return n;
		}
	}
	n = read_slow(d, iova, max, pfn);
	d->count.translations += n;
	return n;
}

u64 domain_read_run(struct domain *d, u64 iova, u64 max, u64 *pfn)
{
	u64 count;

	called(d->m, .kind = CALL_READ_RUN, .who = d->id, .at = iova, .n = max);
	mutex_lock(&d->lock);
	count = read_run(d, &iova, max, pfn);
	mutex_unlock(&d->lock);
	return count;
}

u64 domain_read_runs(struct domain *d, u64 iova, u64 max, struct pfn_run *runs, size_t room,
		     size_t *nr)
{
	u64 count = 0, n, from;
	size_t i = 0;

	called(d->m, .kind = CALL_READ_RUNS, .who = d->id, .room = room, .at = iova, .n = max);
	mutex_lock(&d->lock);
	while (count < max && i < room) {
		from = iova;
		n = read_run(d, &iova, max - count, &runs[i].pfn);
		if (!n)
			break;
		runs[i++].n = n;
		count += n;
		if (iova <= from)
			break;
	}
	mutex_unlock(&d->lock);
	*nr = i;
	return count;
}

bool domain_probe(struct domain *d, u64 iova, u64 *pa, u32 *prot)
{
	struct pt_leaf leaf;

	if (!pt_find(&d->pt, iova, &leaf))
		return false;
	*pa = pt_leaf_pa(&leaf, iova);
	*prot = pt_prot(leaf.entry);
	return true;
}

struct merge {
	bool (*fn)(void *ctx, u64 iova, u64 pa, u64 len, u32 prot);
	void *ctx;
	u64 iova, pa, len;
	u32 prot;
};

static bool merge_leaf(void *ctx, u64 iova, u64 pa, u64 len, u32 prot)
{
	struct merge *g = ctx;

	if (g->len && g->iova + g->len == iova && g->pa + g->len == pa && g->prot == prot) {
		g->len += len;
		return true;
	}
	if (g->len && !g->fn(g->ctx, g->iova, g->pa, g->len, g->prot))
		return false;
	g->iova = iova;
	g->pa = pa;
	g->len = len;
	g->prot = prot;
	return true;
}

void domain_for_each(struct domain *d, bool (*fn)(void *ctx, u64 iova, u64 pa, u64 len, u32 prot),
		     void *ctx)
{
	struct merge g = {.fn = fn, .ctx = ctx};

	if (pt_walk_all(&d->pt, merge_leaf, &g) && g.len)
		fn(ctx, g.iova, g.pa, g.len, g.prot);
}
