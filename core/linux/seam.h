/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The seam between a shared object that holds Linux's iommufd files and the rest of nosnoop: two
 * tables of functions, one in each direction, over plain records. Both worlds include this; the
 * kernel's world has types of its own and takes u64 and friends from there (kenv.h).
 *
 * linux_host is what the object stands on: memory of the run's arena, the machine, fault points.
 * linux_tree is what it offers, the one exported symbol of the object, nosnoop_linux_tree.
 * All state lies in what host->alloc() gave, so that a snapshot of the arena holds it.
 * Locking: one request at a time, in one thread; execute() may be entered again from
 * host->access_unmap().
 */
#ifndef NOSNOOP_LINUX_SEAM_H
#define NOSNOOP_LINUX_SEAM_H

#include "core/machine/request.h"
#include "core/machine/view.h"

#define LINUX_SEAM_ABI	  2
#define LINUX_SEAM_SYMBOL "nosnoop_linux_tree"

struct linux_run;

struct linux_task {
	bool alive, cap_ipc_lock, cap_sys_resource;
	u64 rlimit_memlock; /* pages, ~0: no limit */
};

struct linux_domain {
	bool enforce_cache_coherency;
	u64 pgsize_bitmap, aperture_start, aperture_last;
};

struct linux_host {
	void *(*alloc)(void *ctx, size_t size); /* zeroed, 16-byte aligned; NULL: full */
	void (*free)(void *ctx, void *p, size_t size);
	bool (*should_fail)(void *ctx, u32 fault_point); /* enum fault_point */
	/* Zero, or a negative errno and nothing done. pfns: room for n. */
	long (*pin)(void *ctx, u32 task, u64 va, u64 n, bool write, bool longterm, u64 *pfns);
	void (*unpin)(void *ctx, u64 pfn, u64 n, bool dirty);
	void (*mark_dirty)(void *ctx, u64 pfn);
	int (*domain)(void *ctx, u32 domain, struct linux_domain *out);
	int (*map)(void *ctx, u32 domain, u64 iova, u64 pa, u64 len, u32 prot);
	u64 (*unmap)(void *ctx, u32 domain, u64 iova, u64 len); /* without the IOTLB */
	void (*iotlb_sync)(void *ctx, u32 domain);
	u64 (*iova_to_phys)(void *ctx, u32 domain, u64 iova);
	void (*clean)(void *ctx, u64 pa, u64 len);
	void (*drain)(void *ctx);
	/* 0 or -EFAULT after a prefix. */
	int (*user_store)(void *ctx, u32 task, u64 va, const void *data, u64 len);
	int (*user_load)(void *ctx, u32 task, u64 va, void *data, u64 len);
	void (*phys_store)(void *ctx, u64 pa, const void *data, u64 len);
	void (*phys_load)(void *ctx, u64 pa, void *data, u64 len);
	void (*task)(void *ctx, u32 task, struct linux_task *out);
	/* What the tree's code has charged so far, absolute. */
	void (*charged)(void *ctx, u32 task, u64 user_locked_vm, u64 mm_locked_vm,
			u64 mm_pinned_vm);
	void (*access_unmap)(void *ctx, u32 access, u64 iova, u64 length);
	void (*finding)(void *ctx, const char *rule, const char *what, u64 a);
};

/* Which of the tree's structures a call of linux_tree::extra() is about. */
enum linux_object { LINUX_TABLE, LINUX_PAGES, LINUX_AREA };

struct linux_tree {
	/* The first two stay where they are in every ABI; an object of another build shows in the sizes. */
	u32 abi;
	u32 host_size, tree_size, request_size, view_size; /* of the structs here */
	u32 nr_tasks;					   /* ids 0 to this - 1 */
	const char *name;				   /* "linux-6.12.117" */
	const char *hash; /* sha256 of the files under test, hexadecimal */
	const char *features, *lacks;
	bool flushes;	   /* its files call a function that cleans */
	bool fault_points; /* built with CONFIG_IOMMUFD_TEST */

	struct linux_run *(*create)(const struct linux_host *host, void *ctx);
	/* Fills in the results of @req; knows every kind of request. */
	void (*execute)(struct linux_run *run, struct request *req);
	void (*view)(struct linux_run *run, struct backend_view *out);
	/*
	 * Bytes of an object that none of the fields known here explains: what a patch added.
	 * @key: table id, pages id, or the n-th area of table @key. Bytes in all, at most @room.
	 */
	size_t (*extra)(struct linux_run *run, enum linux_object what, u64 key, u32 n, u8 *out,
			size_t room);
	/* The areas in the object's domains_itree in its order: where pfns are read back from first. */
	void (*domain_order)(struct linux_run *run, u64 pages,
			     void (*fn)(void *arg, u32 table, u64 iova), void *arg);
	/* Everything that is left goes, in a legal order, and all memory is given back. */
	void (*destroy)(struct linux_run *run);
};

#endif
