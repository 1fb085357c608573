// SPDX-License-Identifier: GPL-2.0-only
#include "core/iopt/itree.h"

static u32 height(const struct itree_node *n)
{
	return n ? n->height : 0;
}

static void update(struct itree_node *n)
{
	u64 m = n->last;

	if (n->left)
		m = max(m, n->left->subtree_last);
	if (n->right)
		m = max(m, n->right->subtree_last);
	n->subtree_last = m;
	n->height = 1 + max(height(n->left), height(n->right));
}

static void replace_child(struct itree *t, struct itree_node *parent, struct itree_node *old,
			  struct itree_node *new)
{
	if (!parent)
		t->root = new;
	else if (parent->left == old)
		parent->left = new;
	else
		parent->right = new;
	if (new)
		new->parent = parent;
}

static struct itree_node *rotate_left(struct itree *t, struct itree_node *n)
{
	struct itree_node *r = n->right;

	replace_child(t, n->parent, n, r);
	n->right = r->left;
	if (n->right)
		n->right->parent = n;
	r->left = n;
	n->parent = r;
	update(n);
	update(r);
	return r;
}

static struct itree_node *rotate_right(struct itree *t, struct itree_node *n)
{
	struct itree_node *l = n->left;

	replace_child(t, n->parent, n, l);
	n->left = l->right;
	if (n->left)
		n->left->parent = n;
	l->right = n;
	n->parent = l;
	update(n);
	update(l);
	return l;
}

/* Walk up from a changed place: every ancestor is updated and balanced. */
static void rebalance(struct itree *t, struct itree_node *n)
{
	for (; n; n = n->parent) {
		s32 lean;

		update(n);
		lean = (s32)height(n->left) - (s32)height(n->right);
		if (lean > 1) {
			if (height(n->left->left) < height(n->left->right))
				rotate_left(t, n->left);
			n = rotate_right(t, n);
		} else if (lean < -1) {
			if (height(n->right->right) < height(n->right->left))
				rotate_right(t, n->right);
			n = rotate_left(t, n);
		}
	}
}

void itree_insert(struct itree *t, struct itree_node *n)
{
	struct itree_node **link = &t->root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = n->start < parent->start ? &parent->left : &parent->right;
	}
	n->parent = parent;
	n->left = n->right = NULL;
	*link = n;
	rebalance(t, n);
}

void itree_remove(struct itree *t, struct itree_node *n)
{
	struct itree_node *next, *from;

	if (!n->left || !n->right) {
		from = n->parent;
		replace_child(t, n->parent, n, n->left ? n->left : n->right);
	} else {
		/* The successor takes n's place; balance from where it came. */
		for (next = n->right; next->left; next = next->left)
			;
		from = next->parent == n ? next : next->parent;
		replace_child(t, next->parent, next, next->right);
		next->left = n->left;
		next->right = n->right;
		next->left->parent = next;
		if (next->right)
			next->right->parent = next;
		replace_child(t, n->parent, n, next);
	}
	n->parent = n->left = n->right = NULL;
	rebalance(t, from);
}

/* The first node in order, in the subtree of n, that intersects; the subtree is known to reach
 * start. */
static struct itree_node *subtree_first(struct itree_node *n, u64 start, u64 last)
{
	while (n && n->subtree_last >= start) {
		if (n->left && n->left->subtree_last >= start) {
			n = n->left;
			continue;
		}
		if (n->start > last)
			return NULL;
		if (n->last >= start)
			return n;
		n = n->right;
	}
	return NULL;
}

struct itree_node *itree_first(const struct itree *t, u64 start, u64 last)
{
	return subtree_first(t->root, start, last);
}

struct itree_node *itree_next(struct itree_node *n, u64 start, u64 last)
{
	struct itree_node *found = subtree_first(n->right, start, last);

	if (found)
		return found;
	for (;;) {
		struct itree_node *child = n;

		n = n->parent;
		if (!n || n->start > last)
			return NULL;
		if (child != n->left)
			continue;
		if (n->last >= start)
			return n;
		found = subtree_first(n->right, start, last);
		if (found)
			return found;
	}
}

/* The last covered number of the covered stretch that begins at or before pos, which n covers. */
static u64 covered_end(const struct itree *t, const struct itree_node *n, u64 last)
{
	u64 end = n->last;

	while (end < last) {
		n = itree_first(t, end + 1, end + 1);
		if (!n)
			return end;
		end = n->last;
	}
	return last;
}

/* Label the span of [pos..last] that begins at pos; true: covered. */
static bool span_at(const struct itree *t, u64 pos, u64 last, u64 *end)
{
	struct itree_node *n = itree_first(t, pos, last);

	if (!n) {
		*end = last;
		return false;
	}
	if (n->start > pos) {
		*end = n->start - 1;
		return false;
	}
	*end = covered_end(t, n, last);
	return true;
}

void span_first(struct span_iter *it, const struct itree *t, u64 first, u64 last)
{
	it->tree = t;
	it->first = first;
	it->last = last;
	it->done = false;
	it->start = first;
	it->used = span_at(t, first, last, &it->end);
}

void span_next(struct span_iter *it)
{
	if (it->end == it->last) {
		it->done = true;
		return;
	}
	it->start = it->first = it->end + 1;
	it->used = span_at(it->tree, it->start, it->last, &it->end);
}

static void double_span_at(struct double_span *it)
{
	u64 end;

	if (span_at(it->a, it->start, it->last, &it->end)) {
		it->label = 1;
		return;
	}
	it->label = span_at(it->b, it->start, it->end, &end) ? 2 : 0;
	it->end = end;
}

void double_span_first(struct double_span *it, const struct itree *a, const struct itree *b,
		       u64 first, u64 last)
{
	it->a = a;
	it->b = b;
	it->last = last;
	it->start = first;
	it->done = false;
	double_span_at(it);
}

void double_span_next(struct double_span *it)
{
	if (it->end == it->last) {
		it->done = true;
		return;
	}
	it->start = it->end + 1;
	double_span_at(it);
}
