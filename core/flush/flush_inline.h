/* SPDX-License-Identifier: GPL-2.0-only */
/* The second half of flush.h, which includes it: what policies call. */
#ifndef NOSNOOP_FLUSH_INLINE_H
#define NOSNOOP_FLUSH_INLINE_H

/* Clean pages [first..last] of the piece and complete it: one fence a call. */
static inline void flush_clean(const struct flush_piece *p, u64 first, u64 last)
{
	p->host->clean(p, first, last);
	p->host->drain(p);
}

static inline void flush_clean_piece(const struct flush_piece *p)
{
	flush_clean(p, p->first, p->last);
}

/*
 * The policy's page_size bytes for @index; *count: how many pages' states lie in a row from there
 * (>= 1; not cut to any piece). Zero until written. With @create, NULL means no memory (hooks that
 * may fail only); without, NULL means never created: all zero, *count pages of it.
 */
static inline void *flush_page_state(struct flush_pages *pages, u64 index, bool create, u64 *count)
{
	return pages->host->page_state(pages, index, create, count);
}

/* Create the states of all pages of the piece; -ENOMEM: some are missing, none has changed. */
static inline int flush_create_page_states(const struct flush_piece *p)
{
	u64 n;

	for (u64 i = p->first; i <= p->last; i += n)
		if (!flush_page_state(p->pages, i, true, &n))
			return -ENOMEM;
	return 0;
}

/* What a policy does with the state of one page; true: clean that page. */
typedef bool (*flush_page_fn)(void *state, const struct flush_piece *p, u32 arg);

/*
 * Ask fn about each page of the piece in ascending order, and clean those that it says: one clean a
 * run, one fence in all. Pages whose state was never created are left out; size: the policy's
 * page_size.
 */
static inline void flush_for_each_page(const struct flush_piece *p, size_t size, flush_page_fn fn,
				       u32 arg)
{
	u64 n, run = 0, end = 0; /* [run..end-1] is to be cleaned; none yet: end is 0 */
	char *state;

	for (u64 i = p->first; i <= p->last; i += n) {
		state = (char *)flush_page_state(p->pages, i, false, &n);
		n = min(n, p->last - i + 1);
		for (u64 k = 0; state && k < n; k++) {
			if (!fn(state + k * size, p, arg))
				continue;
			if (end && end != i + k)
				p->host->clean(p, run, end - 1);
			if (end != i + k || !end)
				run = i + k;
			end = i + k + 1;
		}
	}
	if (end)
		flush_clean(p, run, end - 1);
}

/*
 * Is any domain of the request that unmaps this piece NC: of a detach that domain, of an unmap all
 * of the table's. @fill_nr_nc: what the area's last fill_begin() was told, for the unwind.
 */
static inline bool flush_request_nc(const struct flush_piece *p, const struct flush_domain *domain,
				    u32 fill_nr_nc)
{
	if (p->flags & FLUSH_UNWIND)
		return fill_nr_nc;
	if ((p->flags & (FLUSH_FINAL | FLUSH_STORAGE)) == FLUSH_FINAL)
		return domain->nc;
	return p->area->table->nr_nc;
}

#define FLUSH_POLICY_SYMBOL "nosnoop_policy" /* the one function that a shared object exports */

/* A policy outside the tree ends in: FLUSH_POLICY_EXPORT(my_policy) */
#define FLUSH_POLICY_EXPORT(policy)                                        \
	NOSNOOP_EXPORT const struct flush_policy *nosnoop_policy(u32 abi); \
	const struct flush_policy *nosnoop_policy(u32 abi)                 \
	{                                                                  \
		return abi == FLUSH_ABI_VERSION ? &(policy) : NULL;        \
	}

#endif
