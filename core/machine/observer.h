/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an observer of the machine sees. One callback, one event at a time, in the order in which
 * things happen; the shadow judges from this alone.
 */
#ifndef NOSNOOP_OBSERVER_H
#define NOSNOOP_OBSERVER_H

#include "core/compat/compat.h"

struct request;
struct domain_run;
struct pfn_run;

enum machine_event_kind {
	EV_REQUEST_BEGIN,
	EV_NESTED, /* req: executed inside the current request, sent when it is done */
	EV_REQUEST_END,
	EV_DOMAIN_CREATE, /* domain, nc */
	EV_DOMAIN_FREE,
	EV_MAP,	       /* domain, nc, iova, pa, len, prot, rc: an attempt; rc 0: mapped now */
	EV_UNMAP_CALL, /* domain, nc, iova, len: before its EV_UNMAPs */
	EV_UNMAP,      /* domain, nc, iova, pa, len: one contiguous piece that was removed */
	EV_SYNC,       /* domain, nc: none of its removed pieces is reachable any more */
	EV_PIN,	       /* pfn, len = pages: one more pin on each; a: page number in its buffer;
			  prot: DOMAIN_WRITE if for writing */
	EV_UNPIN,      /* likewise, one less; sent before the counts change; prot: DOMAIN_WRITE if
			  marked dirty */
	EV_CLEAN,      /* pa, len, invalidates */
	EV_DRAIN,
	EV_CPU_STORE, /* pa, len within a line, state = of it before; also snooped DMA */
	EV_CPU_LOAD,
	EV_DMA_WRITE, /* domain, nc, iova, pa, len within a line, not snooped, state before */
	EV_DMA_READ,  /* likewise; state; secret: a byte older than the pin was returned */
	EV_EVICT,     /* pa, len = one line, state before it */
	EV_NOTIFY,    /* iova, len: an access (a) is asked to let go of this range */
	EV_FAULT,     /* fault_point, an injected failure */
	EV_STRICT,    /* rule, what, a, b */
};

/* Line states of the cache model; the bit order is that of shadow sets. */
enum line_state { LINE_DS, LINE_I, LINE_C, LINE_X, LINE_D, LINE_DH, LINE_STATES };

struct machine_event {
	enum machine_event_kind kind;
	u32 domain; /* domain_id() */
	bool nc;
	bool invalidates;
	bool secret;
	u8 state; /* enum line_state */
	u32 prot;
	u32 fault_point;
	int rc;
	u64 iova, pa, len, pfn;
	struct request *req;
	const char *rule; /* EV_STRICT: an id of core/README.md's rules: "D3", "B5", "WARN" */
	const char *what; /* EV_STRICT: one line for people; a and b are its numbers */
	u64 a, b;
};

/*
 * A call of the machine by who stands on it, told before it is carried out: what such a call costs
 * is found out by making the same calls again. Oracles judge events, never calls.
 */
enum machine_call_kind {
	CALL_MAP,	 /* who: domain; at: iova, n: bytes, pa, flags: prot */
	CALL_MAP_RUNS,	 /* who; n runs, flags: prot */
	CALL_UNMAP,	 /* who; at: iova, n: bytes */
	CALL_SYNC,	 /* who */
	CALL_TRANSLATE,	 /* who; at: iova */
	CALL_READ_RUN,	 /* who; at: iova, n: pages at most */
	CALL_READ_RUNS,	 /* who; likewise, into room runs */
	CALL_PIN,	 /* who: task; at: va, n: pages, flags: PIN_* */
	CALL_UNPIN,	 /* at: pfn, n: pages, flags: dirty */
	CALL_UNPIN_RUNS, /* n pfns, flags: dirty */
	CALL_MARK_DIRTY, /* at: pfn, n: pages */
	CALL_CLEAN,	 /* at: pa, n: bytes */
	CALL_DRAIN,
	CALL_NR
};

struct machine_call {
	u8 kind, flags;
	u16 who;
	u32 room;
	u64 at, n;
	union {
		u64 pa;
		const struct domain_run *runs; /* gone when the call returns */
		const struct pfn_run *pfns;
	};
};

struct machine_observer {
	void *ctx;
	void (*event)(void *ctx, const struct machine_event *ev);
	void (*call)(void *ctx, const struct machine_call *call); /* NULL: not asked for */
};

#endif
