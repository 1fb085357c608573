// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nodes come and go with what they hold: a node is made when its first entry is, and freed when its
 * last entry goes. Room grows 4 -> 16 -> 64 -> all entries of the level; a program of a few pages
 * then costs some hundred bytes, and 2 MiB of pages cost one plain array. Arithmetic is on
 * inclusive last bytes throughout, because the last byte of the address space is a byte like any
 * other.
 */
#include "core/machine/machine_priv.h"

#define FIRST_CAP  4
#define SPARSE_MAX 64

static unsigned int entries(const struct page_table *pt, unsigned int level)
{
	if (!level)
		return 1u << (PAGE_SHIFT - pt->shift0);
	return level == PT_LEVELS - 1 ? 128 : 512;
}

static unsigned int index_of(const struct page_table *pt, unsigned int level, u64 iova)
{
	return iova >> pt_shift(pt, level) & (entries(pt, level) - 1);
}

/* Offset bits of a node of this level: all ones at the top. */
static u64 span_mask(unsigned int level)
{
	return level == PT_LEVELS - 1 ? ~0ULL : (1ULL << (12 + 9 * level)) - 1;
}

static u16 *keys(struct pt_node *n)
{
	return (u16 *)&n->e[n->cap];
}

static size_t node_size(unsigned int cap, bool dense)
{
	return sizeof(struct pt_node) + cap * (sizeof(u64) + (dense ? 0 : sizeof(u16)));
}

static void node_free(struct page_table *pt, struct pt_node *n)
{
	if (pt->hot == n)
		pt->hot = NULL;
	arena_free(pt->m->arena, n, node_size(n->cap, n->dense));
}

static struct pt_node *node_alloc(struct page_table *pt, unsigned int level, unsigned int room)
{
	unsigned int cap = FIRST_CAP, all = entries(pt, level);
	struct pt_node *n;

	while (cap < room)
		cap *= 4;
	if (cap > SPARSE_MAX || 2 * cap >= all)
		cap = all;
	n = arena_alloc(pt->m->arena, node_size(cap, cap == all));
	if (!n)
		return NULL;
	n->cap = cap;
	n->dense = cap == all;
	n->level = level;
	return n;
}

/* How many entries of a sorted node lie below @idx. */
static unsigned int rank(struct pt_node *n, unsigned int idx)
{
	unsigned int lo = 0, hi = n->used;
	u16 *k = keys(n);

	if (n->cap == FIRST_CAP) /* unused keys count for nothing: no branch that depends on them */
		return (hi > 0 && k[0] < idx) + (hi > 1 && k[1] < idx) + (hi > 2 && k[2] < idx) +
		       (hi > 3 && k[3] < idx);
	if (hi && k[hi - 1] < idx)
		return hi;
	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;

		if (k[mid] < idx)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* NULL or a slot that holds 0: nothing there. */
static u64 *slot_of(struct pt_node *n, unsigned int idx)
{
	unsigned int pos;

	if (n->dense)
		return &n->e[idx];
	pos = rank(n, idx);
	return pos < n->used && keys(n)[pos] == idx ? &n->e[pos] : NULL;
}

/* The node at *link can take @room more entries. */
static int node_grow(struct page_table *pt, struct pt_node **link, unsigned int room)
{
	struct pt_node *old = *link, *n;

	if (old->dense || old->used + room <= old->cap)
		return 0;
	n = node_alloc(pt, old->level, old->used + room);
	if (!n)
		return -ENOMEM;
	n->used = old->used;
	n->children = old->children;
	for (unsigned int i = 0; i < old->used; i++) {
		n->e[n->dense ? keys(old)[i] : i] = old->e[i];
		if (!n->dense)
			keys(n)[i] = keys(old)[i];
	}
	if (pt->hot == old)
		pt->hot = n;
	arena_free(pt->m->arena, old, node_size(old->cap, old->dense));
	*link = n;
	return 0;
}

/*
 * Make @nr empty slots from @idx on, contiguous in e[]; the caller fills them. NULL: one is taken.
 */
static u64 *node_open(struct pt_node *n, unsigned int idx, unsigned int nr)
{
	unsigned int pos, tail;

	if (n->dense) {
		for (unsigned int i = 0; i < nr; i++)
			if (n->e[idx + i])
				return NULL;
		n->used += nr;
		return &n->e[idx];
	}
	pos = rank(n, idx);
	tail = n->used - pos;
	if (tail && keys(n)[pos] < idx + nr)
		return NULL;
	memmove(&n->e[pos + nr], &n->e[pos], tail * sizeof(u64));
	memmove(&keys(n)[pos + nr], &keys(n)[pos], tail * sizeof(u16));
	for (unsigned int i = 0; i < nr; i++)
		keys(n)[pos + i] = idx + i;
	n->used += nr;
	return &n->e[pos];
}

static int new_node(struct page_table *pt, unsigned int level, unsigned int room,
		    struct pt_node **out)
{
	if (unlikely(pt->m->fault.nth)) {
		int rc = machine_should_fail(pt->m, FAULT_PTE);

		if (rc)
			return rc;
	}
	*out = node_alloc(pt, level, room);
	return *out ? 0 : -ENOMEM;
}

/* The root covers @iova and is at least of @level. */
static int raise_root(struct page_table *pt, u64 iova, unsigned int level, unsigned int room)
{
	struct pt_node *n;
	int rc;

	if (!pt->root) {
		pt->root_base = iova & ~span_mask(level);
		return new_node(pt, level, room, &pt->root);
	}
	while (pt->root->level < level || (iova ^ pt->root_base) & ~span_mask(pt->root->level)) {
		rc = new_node(pt, pt->root->level + 1, 1, &n);
		if (rc)
			return rc;
		*node_open(n, index_of(pt, n->level, pt->root_base), 1) = (u64)(uintptr_t)pt->root;
		n->children = 1;
		pt->root = n;
		pt->root_base &= ~span_mask(n->level);
	}
	return 0;
}

/* *out: the node of @level over @iova, with @room; made if need be. */
static int walk_make(struct page_table *pt, u64 iova, unsigned int level, unsigned int room,
		     struct pt_node **out)
{
	struct pt_node **link = &pt->root, *child;
	unsigned int idx;
	u64 *slot;
	int rc;

	rc = raise_root(pt, iova, level, room);
	while (!rc && (*link)->level > level) {
		idx = index_of(pt, (*link)->level, iova);
		slot = slot_of(*link, idx);
		if (slot && *slot & PT_LEAF)
			return -EEXIST;
		if (!slot || !*slot) {
			rc = node_grow(pt, link, 1);
			if (!rc)
				rc = new_node(pt, (*link)->level - 1,
					      (*link)->level - 1 == (int)level ? room : 1, &child);
			if (rc)
				return rc;
			slot = node_open(*link, idx, 1);
			*slot = (u64)(uintptr_t)child;
			(*link)->children++;
		}
		link = (struct pt_node **)slot;
	}
	if (!rc)
		rc = node_grow(pt, link, room);
	if (!rc)
		*out = *link;
	return rc;
}

/* Take entries [pos..pos+nr-1] of e[] out of the node; they hold nothing any more. */
static void node_close(struct pt_node *n, unsigned int pos, unsigned int nr)
{
	unsigned int tail = n->used - pos - nr;

	if (!n->dense) {
		memmove(&n->e[pos], &n->e[pos + nr], tail * sizeof(u64));
		memmove(&keys(n)[pos], &keys(n)[pos + nr], tail * sizeof(u16));
	}
	n->used -= nr;
}

/* Free the empty nodes over @iova that a failed map call has left. */
static void prune(struct page_table *pt, struct pt_node **link, u64 iova)
{
	struct pt_node *n = *link;
	u64 *slot;

	if (!n)
		return;
	slot = slot_of(n, index_of(pt, n->level, iova));
	if (slot && pt_is_node(*slot)) {
		prune(pt, (struct pt_node **)slot, iova);
		if (!*slot) {
			n->children--;
			node_close(n, slot - n->e, 1);
		}
	}
	if (!n->used) {
		node_free(pt, n);
		*link = NULL;
	}
}

static unsigned int leaf_level(const struct page_table *pt, u64 iova, u64 pa, u64 len)
{
	for (unsigned int level = 3; level > 0; level--) {
		u64 mask = (1ULL << pt_shift(pt, level)) - 1;

		if (pt->leaf_levels >> level & 1 && !((iova | pa) & mask) && len > mask)
			return level;
	}
	return __builtin_ctz(pt->leaf_levels);
}

/*
 * The first leaves of what a map call has left to do, as many of one size as fit into one node;
 * bytes mapped, or a negative errno. @flags: PT_START at the beginning of the call.
 */
static s64 map_some(struct page_table *pt, u64 iova, u64 pa, u64 len, u32 prot, u64 flags)
{
	unsigned int level = leaf_level(pt, iova, pa, len), shift = pt_shift(pt, level);
	unsigned int idx = index_of(pt, level, iova);
	u64 nr = min(len >> shift, (u64)entries(pt, level) - idx);
	u64 entry = pt_leaf_entry(pa, prot), *slot, room;
	struct pt_node *n;
	int rc;

	if (pt->max_leaves && nr > pt->max_leaves - pt->leaves)
		return -ENOMEM;
	room = min(max(nr, (u64)pt->expect), (u64)entries(pt, level) - idx);
	rc = walk_make(pt, iova, level, room, &n);
	if (rc)
		return rc;
	slot = node_open(n, idx, nr);
	if (!slot)
		return -EEXIST;
	for (unsigned int i = 0; i < nr; i++, entry += 1ULL << shift)
		slot[i] = entry;
	slot[0] |= flags & PT_START;
	if (nr << shift == len)
		slot[nr - 1] |= PT_LAST;
	pt->leaves += nr;
	if (level == 1) {
		pt->hot = n;
		pt->hot_base = iova & ~span_mask(1);
	}
	return nr << shift;
}

int pt_map(struct page_table *pt, u64 iova, u64 pa, u64 len, u32 prot)
{
	u64 done = 0;
	s64 n;

	while (done < len) {
		n = map_some(pt, iova + done, pa + done, len - done, prot, done ? 0 : PT_START);
		if (n < 0)
			goto err_unmap;
		done += n;
	}
	return 0;

err_unmap:
	prune(pt, &pt->root, iova + done);
	if (done)
		pt_unmap(pt, iova, iova + (done - 1), NULL, NULL);
	return n;
}

/* A whole subtree at once; the bytes that it mapped. */
static u64 drop(struct page_table *pt, struct pt_node *n)
{
	unsigned int nr = n->dense ? n->cap : n->used;
	unsigned int leaves = n->used - n->children;
	u64 bytes = (u64)leaves << pt_shift(pt, n->level);

	pt->leaves -= leaves;
	for (unsigned int i = 0; n->children && i < nr; i++) {
		if (pt_is_node(n->e[i])) {
			bytes += drop(pt, (struct pt_node *)(uintptr_t)n->e[i]);
			n->children--;
		}
	}
	node_free(pt, n);
	return bytes;
}

struct removal {
	u64 first, last;
	pt_piece_fn fn;
	void *ctx;
};

static u64 clear(struct page_table *pt, struct pt_node **link, u64 base, const struct removal *r);

/* Empty one entry as far as it lies inside; the bytes removed. */
static u64 clear_entry(struct page_table *pt, struct pt_node *n, u64 *e, u64 base,
		       const struct removal *r)
{
	u64 size = 1ULL << pt_shift(pt, n->level), bytes;
	bool inside = base >= r->first && base + (size - 1) <= r->last;

	if (*e & PT_LEAF) {
		if (!inside)
			return 0;
		if (r->fn)
			r->fn(r->ctx, base, pt_pa(*e), size, pt_prot(*e));
		*e = 0;
		pt->leaves--;
		return size;
	}
	if (inside && !r->fn) {
		bytes = drop(pt, (struct pt_node *)(uintptr_t)*e);
		*e = 0;
	} else {
		bytes = clear(pt, (struct pt_node **)e, base, r);
	}
	n->children -= !*e;
	return bytes;
}

static u64 clear(struct page_table *pt, struct pt_node **link, u64 base, const struct removal *r)
{
	struct pt_node *n = *link;
	unsigned int shift = pt_shift(pt, n->level);
	unsigned int i = index_of(pt, n->level, max(r->first, base));
	unsigned int end = index_of(pt, n->level, min(r->last, base | span_mask(n->level))) + 1;
	unsigned int from, gone = 0, kept;
	u64 bytes = 0;

	if (!n->dense) {
		i = rank(n, i);
		end = rank(n, end);
	}
	for (from = kept = i; i < end; i++) {
		u64 idx = n->dense ? i : keys(n)[i];

		if (!n->e[i])
			continue;
		bytes += clear_entry(pt, n, &n->e[i], base + (idx << shift), r);
		gone += !n->e[i];
		if (!n->dense && n->e[i]) {
			keys(n)[kept] = idx;
			n->e[kept++] = n->e[i];
		}
	}
	node_close(n, n->dense ? from : kept, gone);
	if (!n->used) {
		node_free(pt, n);
		*link = NULL;
	}
	return bytes;
}

u64 pt_unmap(struct page_table *pt, u64 first, u64 last, pt_piece_fn fn, void *ctx)
{
	struct removal r = {first, last, fn, ctx};

	if (!pt->root || last < pt->root_base ||
	    first > (pt->root_base | span_mask(pt->root->level)))
		return 0;
	return clear(pt, &pt->root, pt->root_base, &r);
}

bool pt_map_near(struct page_table *pt, u64 iova, u64 pa, u32 prot)
{
	struct pt_node *n = pt->hot;
	u64 *slot;

	if ((iova ^ pt->hot_base) >> 21 || n->dense || n->used + max(1U, pt->expect) > n->cap)
		return false;
	slot = node_open(n, iova >> PAGE_SHIFT & 511, 1);
	if (!slot)
		return false;
	*slot = pt_leaf_entry(pa, prot) | PT_START | PT_LAST;
	pt->leaves++;
	return true;
}

bool pt_unmap_near(struct page_table *pt, u64 iova)
{
	const u64 want = PT_LEAF | PT_START | PT_LAST;
	struct pt_node *n = pt->hot;
	u64 *slot;

	if ((iova ^ pt->hot_base) >> 21 || n->dense || (n->used == 1 && n != pt->root))
		return false;
	slot = slot_of(n, iova >> PAGE_SHIFT & 511);
	if (!slot || (*slot & want) != want)
		return false;
	node_close(n, slot - n->e, 1);
	pt->leaves--;
	if (!n->used) {
		node_free(pt, n);
		pt->root = NULL;
	}
	return true;
}

bool pt_find_slow(const struct page_table *pt, u64 iova, struct pt_leaf *out)
{
	struct pt_node *n = pt->root;
	u64 *slot;

	if (pt->hot && !((iova ^ pt->hot_base) >> 21))
		n = pt->hot;
	else if (!n || (iova ^ pt->root_base) & ~span_mask(n->level))
		return false;
	for (;;) {
		slot = slot_of(n, index_of(pt, n->level, iova));
		if (!slot || !*slot)
			return false;
		if (*slot & PT_LEAF)
			break;
		n = (struct pt_node *)(uintptr_t)*slot;
	}
	out->node = n;
	out->entry = *slot;
	out->shift = pt_shift(pt, n->level);
	out->iova = iova & ~((1ULL << out->shift) - 1);
	return true;
}

static bool walk_node(const struct page_table *pt, struct pt_node *n, u64 base,
		      bool (*fn)(void *ctx, u64 iova, u64 pa, u64 len, u32 prot), void *ctx)
{
	unsigned int nr = n->dense ? n->cap : n->used, shift = pt_shift(pt, n->level);

	for (unsigned int i = 0; i < nr; i++) {
		u64 idx = n->dense ? i : keys(n)[i], iova = base + (idx << shift), e = n->e[i];

		if (pt_is_node(e)) {
			if (!walk_node(pt, (struct pt_node *)(uintptr_t)e, iova, fn, ctx))
				return false;
		} else if (e && !fn(ctx, iova, pt_pa(e), 1ULL << shift, pt_prot(e))) {
			return false;
		}
	}
	return true;
}

bool pt_walk_all(const struct page_table *pt,
		 bool (*fn)(void *ctx, u64 iova, u64 pa, u64 len, u32 prot), void *ctx)
{
	return !pt->root || walk_node(pt, pt->root, pt->root_base, fn, ctx);
}

void pt_init(struct page_table *pt, struct machine *m, u64 pgsizes, u64 max_leaves)
{
	unsigned int lowest = __builtin_ctzll(pgsizes);

	*pt = (struct page_table){.m = m, .max_leaves = max_leaves};
	pt->shift0 = lowest < PAGE_SHIFT ? lowest : PAGE_SHIFT - 1;
	for (unsigned int level = 1; level <= 3; level++)
		if (pgsizes >> pt_shift(pt, level) & 1)
			pt->leaf_levels |= 1u << level;
	/* A smallest page between two levels is made of several leaves of the level below. */
	for (unsigned int level = 4; level-- > 0;) {
		if (pt_shift(pt, level) <= lowest) {
			pt->leaf_levels |= 1u << level;
			break;
		}
	}
}

void pt_destroy(struct page_table *pt)
{
	if (pt->root)
		drop(pt, pt->root);
	pt->root = NULL;
}
