/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interval tree: closed intervals [start..last] of u64, ordered by start and, among equals, by time
 * of insertion; a balanced (AVL) tree where every node knows the greatest `last` below it. Nodes
 * are embedded in their owners, nothing is allocated. The caller locks.
 *
 * Span iterators cut a range into spans that are covered or not. They look the tree up again at
 * each step, so a change of the trees between two steps is seen, and legal.
 */
#ifndef NOSNOOP_ITREE_H
#define NOSNOOP_ITREE_H

#include "core/compat/compat.h"

struct itree_node {
	struct itree_node *parent, *left, *right;
	u64 start, last;
	u64 subtree_last;
	u32 height;
};

struct itree {
	struct itree_node *root;
};

static inline bool itree_empty(const struct itree *t)
{
	return !t->root;
}

void itree_insert(struct itree *t, struct itree_node *n); /* start and last are set by the caller */
void itree_remove(struct itree *t, struct itree_node *n);
/* The first node in tree order that intersects [start..last]: lowest start, then the oldest. */
struct itree_node *itree_first(const struct itree *t, u64 start, u64 last);
struct itree_node *itree_next(struct itree_node *n, u64 start, u64 last);

#define itree_for_each(n, t, s, l) for ((n) = itree_first(t, s, l); (n); (n) = itree_next(n, s, l))

/* One tree: maximal covered and uncovered spans of [first..last] in order. */
struct span_iter {
	const struct itree *tree;
	u64 first, last; /* of the range that is left to see, the current span included */
	u64 start, end;	 /* the current span, inclusive */
	bool used;
	bool done;
};

void span_first(struct span_iter *it, const struct itree *t, u64 first, u64 last);
void span_next(struct span_iter *it);

#define for_each_span(it, t, f, l) for (span_first(it, t, f, l); !(it)->done; span_next(it))

/* Two trees: label 1 where a covers, 2 where b covers and a does not, 0 where neither does. */
struct double_span {
	const struct itree *a, *b;
	u64 last;
	u64 start, end;
	u32 label;
	bool done;
};

void double_span_first(struct double_span *it, const struct itree *a, const struct itree *b,
		       u64 first, u64 last);
void double_span_next(struct double_span *it);

#define for_each_double_span(it, a, b, f, l) \
	for (double_span_first(it, a, b, f, l); !(it)->done; double_span_next(it))

#endif
