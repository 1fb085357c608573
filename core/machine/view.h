/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A read-only view of a backend's structures, for the reference model: what section "Invariants" of
 * core/README.md is checked against. A backend fills these plain records; the model compares. Only
 * called between requests.
 */
#ifndef NOSNOOP_VIEW_H
#define NOSNOOP_VIEW_H

#include "core/compat/compat.h"

struct view_table {
	u64 iova_alignment;
	bool disable_large_pages;
	u32 nr_domains;
	u32 nr_accesses;
};

struct view_area {
	u64 iova, last;
	u64 first_index, last_index;
	u32 page_offset;
	u32 prot;
	u64 pages; /* id of the pages object: serial of the map request that made it; 0: none */
	u32 storage_domain; /* domain id, 0: none */
	bool in_domains_tree;
	bool prevent_access;
	u32 num_accesses;
};

struct view_pages {
	u64 id;
	u64 npages, npinned, last_npinned;
	u32 refs;
	u32 task;
	u32 account_mode; /* 0 NONE, 1 USER, 2 MM */
	bool writable;
	u64 uptr;
};

struct view_node {
	u64 first, last;
	u32 users; /* access nodes; 1 for domain nodes */
};

typedef bool (*view_area_fn)(void *ctx, const struct view_area *area);
/* owner: domain id or 0 */
typedef bool (*view_range_fn)(void *ctx, u64 start, u64 last, u64 owner);
typedef bool (*view_pages_fn)(void *ctx, const struct view_pages *pages);
typedef bool (*view_node_fn)(void *ctx, const struct view_node *node);
typedef bool (*view_pfn_fn)(void *ctx, u64 index, u64 pfn);

/* Walks are in ascending order and stop when the function returns false. False: no such table. */
struct backend_view {
	void *ctx;
	bool (*table)(void *ctx, u32 table, struct view_table *out);
	u32 (*table_domain)(void *ctx, u32 table, u32 slot); /* domain id in slot 0..nr_domains-1 */
	void (*areas)(void *ctx, u32 table, view_area_fn fn, void *arg);
	void (*reserved)(void *ctx, u32 table, view_range_fn fn, void *arg);
	void (*allowed)(void *ctx, u32 table, view_range_fn fn, void *arg);
	void (*pages)(void *ctx, view_pages_fn fn, void *arg); /* all objects that are alive */
	void (*domain_nodes)(void *ctx, u64 pages, view_node_fn fn, void *arg);
	void (*access_nodes)(void *ctx, u64 pages, view_node_fn fn, void *arg);
	void (*pinned_pfns)(void *ctx, u64 pages, view_pfn_fn fn, void *arg);
};

#endif
