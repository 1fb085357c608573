/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inside of the machine. Who guards what: struct task_mm::lock its buffers and their layouts;
 * struct domain::lock the page table, the IOTLB and the domain's counters; machine::frames_lock the
 * extents, pins, line states, the list of domains and the machine's counters. Functions marked (F)
 * want frames_lock held, (M) the task's lock. Reading functions that observers use take no lock.
 */
#ifndef NOSNOOP_MACHINE_PRIV_H
#define NOSNOOP_MACHINE_PRIV_H

#include "core/compat/lock.h"
#include "core/machine/machine.h"
#include "core/machine/pagetable.h"

#define PINS_DIRTY (1u << 31)
#define PINS_MASK  (PINS_DIRTY - 1)
#define PFN_FIRST  16
#define PFN_END	   (1ULL << 52)

/* A line that was written at some time: what the cache holds (if it does) and what memory holds. */
struct line {
	struct line *next;
	u64 old; /* bytes of mem[] that are older than the pin */
	u8 idx;
	u8 cache[LINE_SIZE];
	u8 mem[LINE_SIZE];
};

/*
 * One bit for each line of the frame, see contracts: DS = dirty and secret, X = devw, DH = dirty
 * and devw.
 */
struct frame {
	u64 cached, dirty, secret, devw;
	struct line *lines;
};

/*
 * Frames that were made together: pfns first..first+n-1 (of a layout in runs some are never used).
 */
struct extent {
	u64 first, n;
	u64 pinned; /* sum of the pin counts */
	bool dirty; /* some frame has PINS_DIRTY */
	u32 *pins;
	struct frame **frames; /* MACHINE_MEMORY_MODEL */
	void *mem;	       /* MACHINE_MEMORY_REAL: frame i lies at mem + i pages, */
	void **addr;	       /* or, where not NULL, at addr[i] */
};

/* One word a page: 0 = frame base + page, no flags. */
#define UPAGE_BITS 3
#define UPAGE_ALL  7u

struct buffer {
	u64 va, npages;
	u64 base;   /* pfn of page 0 as created */
	u64 *pages; /* NULL until some page differs: pfn << UPAGE_BITS | UPAGE_*, sparse */
	u8 *mem;
	u32 task;
};

struct task_mm {
	struct task pub;
	struct mutex lock;
	struct buffer **bufs; /* in order of va */
	struct buffer *hint;
	u32 nr, cap;
	u64 next_va;
};

struct domain_counters {
	u64 map_calls, map_bytes, unmap_calls, unmap_bytes, syncs, translations;
};

/* What the IOTLB still knows of a removed piece. */
struct stale {
	struct stale *next;
	u64 iova, pa, len;
	u32 prot;
};

struct domain {
	struct machine *m;
	struct mutex lock;
	struct page_table pt;
	u64 min_mask; /* smallest page size - 1 */
	bool leaf4k;  /* plain 4 KiB leaves are possible */
	u32 id;
	struct stale *stale;
	struct domain_counters count;
	struct domain_config cfg;
};

struct machine {
	struct arena *arena;
	const struct machine_observer *obs;
	struct fault fault;
	struct machine_config cfg;
	u64 serial;
	u64 gup_limit;

	struct mutex frames_lock;
	struct mutex fault_lock;
	struct extent **extents; /* in order of pfn */
	struct extent *hint;
	u32 nr_extents, cap_extents;
	u64 next_pfn;

	struct domain **domains; /* by id - 1 */
	u32 nr_domains, cap_domains;

	struct machine_counters count, total;
	struct task_mm tasks[];
};

/* At the head of what the core and the tree's code call once a page, or more often. */
#define called(m, ...)                                                                      \
	do {                                                                                \
		if (unlikely((m)->obs && (m)->obs->call))                                   \
			(m)->obs->call((m)->obs->ctx, &(struct machine_call){__VA_ARGS__}); \
	} while (0)

#define tell(m, ...) machine_emit(m, &(struct machine_event){__VA_ARGS__})

static inline void machine_emit(struct machine *m, const struct machine_event *ev)
{
	m->obs->event(m->obs->ctx, ev);
}

/*
 * Room for one more pointer in an array that doubles. @array is the address of the pointer to it.
 */
int grow_pointers(struct arena *a, void *array, u32 nr, u32 *cap);

/* frames.c */
struct extent *frames_new(struct machine *m, u64 n, u64 colour); /* (F) NULL: no memory */
struct extent *extent_find(const struct machine *m, u64 pfn);	 /* NULL: no such frame */
struct extent *extent_hint(struct machine *m, u64 pfn);		 /* (F) the same, faster */
void extent_set_addr(struct machine *m, struct extent *x, u64 pfn, void *addr); /* (F) */
void frames_destroy(struct machine *m);

static inline u8 *extent_addr(const struct extent *x, u64 pfn)
{
	if (x->addr && x->addr[pfn - x->first])
		return x->addr[pfn - x->first];
	return x->mem ? (u8 *)x->mem + ((pfn - x->first) << PAGE_SHIFT) : NULL;
}

/* buffer.c */
struct buffer *task_buffer(struct task_mm *t, u64 va); /* (M) the buffer over va, or NULL */
/* (M)(F) The page's pfn, ready for the access, or a negative errno: breaks copy-on-write. */
s64 buffer_page(struct machine *m, struct buffer *b, u64 page, bool write);
void tasks_destroy(struct machine *m);

/* domain.c: what a device at @iova gets; looks at the page table, then at the IOTLB. */
bool domain_translate(struct domain *d, u64 iova, u64 *pa, u64 *last, u32 *prot);
void domains_destroy(struct machine *m);

/* cache.c */
enum access_kind { ACCESS_STORE, ACCESS_LOAD, ACCESS_DMA_WRITE, ACCESS_DMA_READ };
/* (F) A whole access in physically contiguous memory; @d and @iova for the two DMA kinds. */
void cache_access(struct machine *m, enum access_kind kind, u64 pa, void *data, u64 len,
		  struct domain *d, u64 iova);
int frame_epoch(struct machine *m, struct extent *x, u64 pfn); /* (F) first pin */
void frame_copy(struct machine *m, u64 to, u64 from);	       /* (F) */
void frame_free(struct machine *m, struct frame *f);
const struct line *frame_line(const struct frame *f, unsigned int idx); /* NULL: never written */

#endif
