/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The simulated machine below the page core: tasks and their user buffers, page frames with pin
 * counts and contents, IOMMU domains with a page table and an IOTLB, cache cleaning, fault
 * injection, and the one observer through which everything is seen. Both backends (our core,
 * Linux's files behind a shim) stand on this header; the shadow listens here and nowhere else.
 *
 * Units: pfn = page frame number (4 KiB frames, 0 is never used); pa, iova, va = byte addresses;
 * `last` is inclusive. Lengths are bytes unless a name says pages. Errors: functions return 0 or a
 * negative errno; "strict" trouble (an overlap, an unmap or a translate of what is not mapped, an
 * unpin of what is not pinned) is reported to the observer as EV_STRICT. Locking: domains, frames
 * and tasks have locks of their own, innermost but for the arena (core/compat/lock.h); events are
 * delivered with those locks held, so an observer must not call functions that change the machine.
 * All state lives in the arena given at creation; several machines may live in one process.
 */
#ifndef NOSNOOP_MACHINE_H
#define NOSNOOP_MACHINE_H

#include "core/compat/arena.h"
#include "core/compat/compat.h"
#include "core/compat/fault.h"
#include "core/machine/observer.h"
#include "core/machine/request.h"

struct machine;
struct domain;
struct buffer;

/*
 * How lines are cleaned: the seam between "when" (policies) and "how". The issue and the completion
 * are apart: clean() may return before the lines are written, drain() completes all cleans before
 * it. Implementations: core/flush/clean.h. @invalidates: false for a pure write-back (clwb, dc
 * cvac).
 */
struct clean_ops {
	const char *name;
	bool invalidates;
	void (*clean)(const void *start, size_t size);
	void (*drain)(void);
};

enum machine_memory {
	MACHINE_MEMORY_NONE,  /* pins and translations only; CPU and DMA ops see zeros */
	MACHINE_MEMORY_MODEL, /* every line: what the cache and what memory hold */
	MACHINE_MEMORY_REAL,  /* frames are real pages, clean runs on them */
};

struct machine_config {
	enum machine_memory memory;
	const struct clean_ops *clean; /* NULL: abstract write back + invalidate */
	bool track_iotlb; /* keep unmapped entries until the sync (needed by an observer) */
	u32 nr_tasks;	  /* 1..MACHINE_TASKS_MAX, 0 means 4 */
};

#define MACHINE_TASKS_MAX 8
#define MACHINE_NO_PFN	  0ULL

/* The machine allocates itself from @arena. NULL: arena full. */
struct machine *machine_create(struct arena *arena, const struct machine_config *cfg);
/* Frees all; whatever is still pinned or mapped is the observer's business, not an error here. */
void machine_destroy(struct machine *m);
struct arena *machine_arena(struct machine *m);
struct fault *machine_fault(struct machine *m);
/* should_fail() on the machine's fault state, reported as EV_FAULT; 0 or the point's negative
 * errno. */
int machine_should_fail(struct machine *m, enum fault_point point);

/* One observer; it is not part of the arena's state. NULL: none (what is timed). */
void machine_observe(struct machine *m, const struct machine_observer *obs);
bool machine_observed(const struct machine *m);
void machine_request_begin(struct machine *m,
			   struct request *req); /* sets req->serial (1, 2, ...) */
void machine_request_end(struct machine *m, struct request *req);
/* A request inside another one (an access that unpins from the unmap callback): seen as EV_NESTED.
 */
void machine_request_nested(struct machine *m, struct request *req);
u64 machine_serial(const struct machine *m); /* of the current, or last, request */
/* A condition that must never hold does: EV_STRICT with this rule. The core's WARN_ON. */
void machine_strict(struct machine *m, const char *rule, const char *what, u64 a, u64 b);

/* --- tasks: an address space, a user, limits ------------------------------------------------- */

#define RLIM_UNLIMITED (~0ULL)
struct task {
	u32 id;
	bool alive; /* the address space still exists */
	bool cap_ipc_lock;
	bool cap_sys_resource;
	u64 rlimit_memlock; /* pages */
	u64 user_locked_vm; /* pages charged to the task's user (each task is a user of its own) */
	u64 mm_locked_vm;   /* pages charged to the address space */
	u64 mm_pinned_vm;
};
struct task *machine_task(struct machine *m, u32 id);
/* The address space goes away: user accesses and new pins give EFAULT, existing pins stay. */
void machine_task_exit(struct machine *m, u32 id);

/* --- user buffers: a range of a task's address space with a programmable layout ----------------
 */

/* Per page; combined with a pfn in the layout. */
#define UPAGE_HOLE   1u /* nothing mapped: EFAULT */
#define UPAGE_RDONLY 2u /* a read-only mapping: EFAULT for a write pin or a store */
#define UPAGE_COW    4u /* shared copy-on-write: a store or a write pin gives the page a new frame */

/*
 * npages fresh frames, physically contiguous, at @va of task (page aligned; 0: the machine chooses
 * an address, aligned to 1 GiB, the same in every run). EEXIST: overlaps another buffer of the
 * task, EINVAL: npages 0 or past the end of the address space (ending exactly at 2^64 is allowed).
 * On success *out.
 */
int buffer_create(struct machine *m, u32 task, u64 va, u64 npages, struct buffer **out);
void buffer_destroy(struct machine *m, struct buffer *b); /* frames live on while they are pinned */
u64 buffer_va(const struct buffer *b);
u64 buffer_npages(const struct buffer *b);
u32 buffer_task(const struct buffer *b);
u64 buffer_pfn(const struct buffer *b, u64 page); /* MACHINE_NO_PFN for a hole */
/*
 * Give pages [first..last] new frames in physically contiguous runs of @run pages, neighbouring
 * runs not adjacent (run 1: scattered; run >= the range: one run). Existing pins keep the old
 * frames.
 */
int buffer_layout_runs(struct machine *m, struct buffer *b, u64 first, u64 last, u64 run);
/* Page dst shows the very frame of page src of the same or another buffer (aliasing). */
int buffer_alias(struct machine *m, struct buffer *b, u64 dst, struct buffer *from, u64 src);
int buffer_set_flags(struct machine *m, struct buffer *b, u64 first, u64 last, u32 set, u32 clear);
/* Each page of the range gets a new frame while pins keep the old one (munmap + mmap by the owner).
 */
int buffer_remap(struct machine *m, struct buffer *b, u64 first, u64 last);
/* MACHINE_MEMORY_REAL: the pages' contents live at @mem (buffer_npages pages). Call before the
 * first pin. */
void buffer_set_memory(struct machine *m, struct buffer *b, void *mem);
struct buffer *machine_buffer_at(struct machine *m, u32 task, u64 va); /* NULL: none */

/* --- pinning (GUP) ------------------------------------------------------------------------------
 */

#define PIN_WRITE    1u
#define PIN_LONGTERM 2u
/*
 * Pin up to @n pages of task's address space from page aligned @va: 1..n pinned, pfns in @out, or a
 * negative errno and nothing pinned (EFAULT: hole, read-only with PIN_WRITE, dead task or
 * FAULT_GUP). Stops short at the first bad page after the first, and at the GUP limit. An in-kernel
 * pin is one reference of one page.
 */
long machine_pin(struct machine *m, u32 task, u64 va, u64 n, u32 flags, u64 *out);
void machine_set_gup_limit(struct machine *m, u64 pages); /* 0: none; a call never returns more */
/* Drop one pin of each of the n pages of the physical run. @dirty: mark the pages dirty. */
void machine_unpin(struct machine *m, u64 pfn, u64 n, bool dirty);
/* The same for several runs under one lock. */
struct pfn_run {
	u64 pfn, n;
};
void machine_unpin_runs(struct machine *m, const struct pfn_run *runs, size_t n, bool dirty);
u32 machine_pins(struct machine *m, u64 pfn);
bool machine_page_dirty(struct machine *m, u64 pfn); /* marked by machine_unpin() */
u64 machine_max_pfn(const struct machine *m);	     /* all frames ever made are 1..max */

/* --- domains ------------------------------------------------------------------------------------
 */

#define DOMAIN_READ  1u /* IOMMU_READ */
#define DOMAIN_WRITE 2u
#define DOMAIN_CACHE 4u

struct domain_config {
	bool enforce_cache_coherency;	   /* true: a C domain; false: NC */
	u64 pgsize_bitmap;		   /* 0: 4K | 2M | 1G; smallest 512 bytes */
	u64 aperture_start, aperture_last; /* both 0: [0..2^64-1] */
	u64 max_leaves; /* 0: no limit; a map that would exceed it gives ENOMEM */
};

int domain_create(struct machine *m, const struct domain_config *cfg, struct domain **out);
/* A domain that still maps something is a strict finding (D7). */
void domain_free(struct machine *m, struct domain *d);
u32 domain_id(const struct domain *d); /* 1, 2, ... in order of creation, never reused */
struct domain *machine_domain(struct machine *m, u32 id); /* NULL: gone or never was */
bool domain_nc(const struct domain *d);
const struct domain_config *domain_cfg(const struct domain *d); /* with the defaults filled in */

struct domain_run {
	u64 iova, pa, len;
};
/*
 * Map runs in order, each one call of the driver's map (one EV_MAP, one FAULT_MAP place): all of a
 * run or nothing. On failure the negative errno and *mapped = number of whole runs that are mapped
 * (the caller unmaps them). EINVAL: not a multiple of the smallest page size; ERANGE: outside the
 * aperture; EEXIST: overlap (strict D3); ENOMEM: FAULT_PTE, leaf limit, arena.
 */
int domain_map_runs(struct domain *d, const struct domain_run *runs, size_t n, u32 prot,
		    size_t *mapped);
int domain_map(struct domain *d, u64 iova, u64 pa, u64 len, u32 prot);
/*
 * Removes [iova..iova+len-1], returns the bytes removed: less than @len is a strict finding (D3),
 * as is an end that cuts through one map call (D4). The IOTLB keeps the entries until
 * domain_iotlb_sync().
 */
u64 domain_unmap(struct domain *d, u64 iova, u64 len);
/* One call of the driver's unmap for each run (pa is not read), under one lock; bytes removed in
 * all. */
u64 domain_unmap_runs(struct domain *d, const struct domain_run *runs, size_t n);
void domain_iotlb_sync(struct domain *d);
/* 0 when unmapped, which is a strict finding (D8): physical address 0 is never mapped. */
u64 domain_iova_to_phys(struct domain *d, u64 iova);
/*
 * The pfn of the page at @iova and of those behind it while they are physically contiguous, at most
 * @max pages: *pfn, and the count (0: not mapped, D8). @iova and what follows advance page by page
 * from the page's first byte.
 */
u64 domain_read_run(struct domain *d, u64 iova, u64 max, u64 *pfn);
/* As many such runs, one behind the other, as make @max pages or fill @room; *nr runs. Pages read
 * (D8 as above). */
u64 domain_read_runs(struct domain *d, u64 iova, u64 max, struct pfn_run *runs, size_t room,
		     size_t *nr);
/* For oracles: no finding, no lock order demands. False: unmapped. */
bool domain_probe(struct domain *d, u64 iova, u64 *pa, u32 *prot);
/* Walk all leaf runs in IOVA order (merged while iova, pa and prot continue); stop when fn returns
 * false. */
void domain_for_each(struct domain *d, bool (*fn)(void *ctx, u64 iova, u64 pa, u64 len, u32 prot),
		     void *ctx);
u64 domain_leaves(const struct domain *d);

/* --- cache and memory ----------------------------------------------------------------------------
 */

/* Clean [pa..pa+len-1], whole lines; complete only at the next machine_drain(). */
void machine_clean(struct machine *m, u64 pa, u64 len);
void machine_drain(struct machine *m);

/*
 * CPU and device accesses with real values. They say through events which state each line was in. A
 * hole, a read-only page or a dead task: -EFAULT after the prefix.
 */
int machine_user_store(struct machine *m, u32 task, u64 va, const void *data, u64 len);
int machine_user_load(struct machine *m, u32 task, u64 va, void *data, u64 len);
/* By physical address, as the kernel does through its own mapping of a pinned page. */
void machine_phys_store(struct machine *m, u64 pa, const void *data, u64 len);
void machine_phys_load(struct machine *m, u64 pa, void *data, u64 len);
/*
 * A device behind @d reads or writes at @iova through the page table or, failing that, stale IOTLB
 * entries. Snooped iff d enforces, or the mapping has CACHE and !no_snoop. -EFAULT: no translation
 * or no permission (prefix done).
 */
int machine_dma_read(struct machine *m, struct domain *d, u64 iova, void *data, u64 len,
		     bool no_snoop);
int machine_dma_write(struct machine *m, struct domain *d, u64 iova, const void *data, u64 len,
		      bool no_snoop);
/* Eviction of all cached lines of the pages (write-back of dirty ones). */
void machine_evict(struct machine *m, u64 pa, u64 len);

/* --- counters: exact, for benches and gates
 * ------------------------------------------------------- */

struct machine_counters {
	u64 map_calls, map_bytes, unmap_calls, unmap_bytes, syncs;
	u64 pin_calls, pages_pinned, pages_unpinned;
	u64 clean_calls, clean_pages, clean_lines,
		drains; /* clean_pages: pages touched by cleans */
	u64 translations;
};
const struct machine_counters *machine_counters(const struct machine *m);
void machine_counters_reset(struct machine *m);

/* Everything observable, the same for equal states: translations, pins, tasks, contents. */
u64 machine_digest(struct machine *m);

#endif
