/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The simulated machine below the page core: tasks and their user buffers, page frames with pin
 * counts and contents, IOMMU domains with a page table and an IOTLB, cache cleaning, fault
 * injection, and the one observer through which everything is seen. Both backends (our core,
 * Linux's files behind a shim) stand on this header; the shadow listens here and nowhere else.
 *
 * Units: pfn = page frame number (4 KiB frames, 0 is never used); pa, iova, va = byte addresses;
 * `last` is inclusive. Lengths are bytes unless a name says pages.
 *
 * Errors: functions return 0 or a negative errno; "strict" trouble (an overlap, an unmap or a
 * translate of what is not mapped, an unpin of what is not pinned) is reported to the observer as
 * EV_STRICT.
 *
 * Locking: domains, frames and tasks have locks of their own, innermost but for the arena
 * (core/compat/lock.h). Events are delivered with those locks held, so an observer must not call
 * functions that change the machine; those that only look (machine_pins, buffer_pfn,
 * machine_buffer_at, domain_probe, domain_for_each, machine_digest ...) take no lock and are for
 * observers and quiet moments. With an observer, one thread at a time.
 *
 * All state lives in the arena given at creation; several machines may live in one process.
 */
#ifndef NOSNOOP_MACHINE_H
#define NOSNOOP_MACHINE_H

#include "core/compat/arena.h"
#include "core/compat/compat.h"
#include "core/compat/fault.h"
#include "core/machine/buffer.h"
#include "core/machine/domain.h"
#include "core/machine/observer.h"
#include "core/machine/request.h"

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
/*
 * should_fail() on the machine's fault state, reported as EV_FAULT; 0 or the point's negative
 * errno.
 */
int machine_should_fail(struct machine *m, enum fault_point point);

/* One observer; it is not part of the arena's state. NULL: none (what is timed). */
void machine_observe(struct machine *m, const struct machine_observer *obs);
bool machine_observed(const struct machine *m);
/* Sets req->serial (1, 2, ...). */
void machine_request_begin(struct machine *m, struct request *req);
void machine_request_end(struct machine *m, struct request *req);
/*
 * A request inside another one (an access that unpins from the unmap callback): seen as EV_NESTED.
 */
void machine_request_nested(struct machine *m, struct request *req);
/* The backend calls the unmap callback of @access: EV_NOTIFY. */
void machine_access_notified(struct machine *m, u32 access, u64 iova, u64 length);
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

/* --- cache and memory --- */

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
/*
 * What a read of the line part [pa..pa+len-1] gives now, through the cache (@snooped) or of memory
 * alone. Changes nothing: for observers. Without MACHINE_MEMORY_MODEL zeros.
 */
void machine_look(const struct machine *m, u64 pa, void *data, u64 len, bool snooped);
/* Eviction of all cached lines of the pages (write-back of dirty ones). */
void machine_evict(struct machine *m, u64 pa, u64 len);

/* --- counters: exact, for benches and gates --- */

struct machine_counters {
	u64 map_calls, map_bytes, unmap_calls, unmap_bytes, syncs;
	u64 pin_calls, pages_pinned, pages_unpinned;
	u64 clean_calls, clean_lines, drains;
	u64 clean_pages; /* touched by a clean; one of part of a page counts for each call */
	u64 translations;
	u64 strict; /* EV_STRICT, told to an observer or not */
};
const struct machine_counters *machine_counters(const struct machine *m);
void machine_counters_reset(struct machine *m);

/* Everything observable, the same for equal states: translations, pins, tasks, contents. */
u64 machine_digest(struct machine *m);
/* The same in parts, for who wants to say what differs. */
enum machine_part {
	MACHINE_TASKS,	  /* address spaces, limits, charges, layouts of buffers */
	MACHINE_PINS,	  /* of frames */
	MACHINE_DOMAINS,  /* translations, IOTLB */
	MACHINE_CONTENTS, /* pins, dirty marks, and what caches and memory hold */
};
u64 machine_digest_part(struct machine *m, enum machine_part part);

#endif
