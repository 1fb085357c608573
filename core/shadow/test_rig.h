/* SPDX-License-Identifier: GPL-2.0-only */
/* For the shadow's tests: one shadow, and the machine's events by hand. */
#ifndef NOSNOOP_SHADOW_TEST_RIG_H
#define NOSNOOP_SHADOW_TEST_RIG_H

#include "core/shadow/state.h"

#define RW (DOMAIN_READ | DOMAIN_WRITE)
#define RO DOMAIN_READ
#define NC true

#define DS (1u << LINE_DS)
#define I  (1u << LINE_I)
#define C  (1u << LINE_C)
#define X  (1u << LINE_X)
#define D  (1u << LINE_D)
#define DH (1u << LINE_DH)

#define BIT_L  (1u << SHADOW_L)
#define BIT_I  (1u << SHADOW_I)
#define BIT_S0 (1u << SHADOW_S0)
#define BIT_S1 (1u << SHADOW_S1)
#define BIT_E  (1u << SHADOW_E)
#define BIT_O  (1u << SHADOW_O)
#define BIT_U  (1u << SHADOW_U)

#define P 7 /* the page of most tests */

struct rig {
	struct arena *arena;
	struct shadow *s;
	struct request req;
};

static inline struct rig rig_new(u32 flags)
{
	struct rig r = {.arena = arena_create(NULL, 1UL << 30)};

	r.s = shadow_create(r.arena, flags);
	return r;
}

static inline void rig_free(struct rig *r)
{
	arena_destroy(r->arena);
}

#define rig_event(r, ...) shadow_event((r)->s, &(const struct machine_event){__VA_ARGS__})

static inline void begin(struct rig *r)
{
	r->req.op++;
	rig_event(r, .kind = EV_REQUEST_BEGIN, .req = &r->req);
}

static inline void end(struct rig *r)
{
	rig_event(r, .kind = EV_REQUEST_END, .req = &r->req);
}

static inline void pin(struct rig *r, u64 pfn, u64 n)
{
	rig_event(r, .kind = EV_PIN, .pfn = pfn, .len = n);
}

static inline void unpin(struct rig *r, u64 pfn, u64 n)
{
	rig_event(r, .kind = EV_UNPIN, .pfn = pfn, .len = n);
}

/* One map call over whole frames; iova = domain's own linear map of frames. */
static inline void map(struct rig *r, u32 domain, bool nc, u64 pfn, u64 n, u32 prot)
{
	rig_event(r, .kind = EV_MAP, .domain = domain, .nc = nc, .iova = pfn << 12, .pa = pfn << 12,
		  .len = n << 12, .prot = prot);
}

static inline void map_fails(struct rig *r, u32 domain, bool nc, u64 pfn, u64 n, u32 prot)
{
	rig_event(r, .kind = EV_MAP, .domain = domain, .nc = nc, .iova = pfn << 12, .pa = pfn << 12,
		  .len = n << 12, .prot = prot, .rc = -ENOMEM);
}

static inline void unmap_nosync(struct rig *r, u32 domain, bool nc, u64 pfn, u64 n)
{
	rig_event(r, .kind = EV_UNMAP_CALL, .domain = domain, .nc = nc, .iova = pfn << 12,
		  .len = n << 12);
	rig_event(r, .kind = EV_UNMAP, .domain = domain, .nc = nc, .iova = pfn << 12,
		  .pa = pfn << 12, .len = n << 12);
}

static inline void tlb_flush(struct rig *r, u32 domain, bool nc)
{
	rig_event(r, .kind = EV_SYNC, .domain = domain, .nc = nc);
}

static inline void unmap(struct rig *r, u32 domain, bool nc, u64 pfn, u64 n)
{
	unmap_nosync(r, domain, nc, pfn, n);
	tlb_flush(r, domain, nc);
}

static inline void clean(struct rig *r, u64 pfn, u64 n)
{
	rig_event(r, .kind = EV_CLEAN, .pa = pfn << 12, .len = n << 12, .invalidates = true);
}

static inline void write_back(struct rig *r, u64 pfn, u64 n)
{
	rig_event(r, .kind = EV_CLEAN, .pa = pfn << 12, .len = n << 12);
}

static inline void drain(struct rig *r)
{
	rig_event(r, .kind = EV_DRAIN);
}

static inline void flush(struct rig *r, u64 pfn, u64 n)
{
	clean(r, pfn, n);
	drain(r);
}

static inline u32 set_of(const struct rig *r, u64 pfn)
{
	const struct frame *f = shadow_frame_find(r->s, pfn);

	return f ? lines_pack(&f->set) : 0;
}

static inline const struct shadow_violation *first(const struct rig *r, enum contract c)
{
	return shadow_violation(r->s, c);
}

#endif
