/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * op_run(): executes a program of ops on one machine with one backend and one policy, with the
 * oracles (cache shadow, reference model) attached or not. Every tool of the project stands on this
 * header.
 *
 * A run owns two arenas: one for core, policy and machine, one for its own tables and for what only
 * watches. Equal programs give equal runs; nothing here reads a clock, an address or a random
 * source. After the last op run_finish() tears everything down, judged too, as one more op.
 *
 * Errors: run_create() gives NULL with errno set. A program cannot fail: ops that can refer to
 * nothing do nothing, errnos of requests are results. Only a full arena ends a run early
 * (run_full()).
 */
#ifndef NOSNOOP_RUN_H
#define NOSNOOP_RUN_H

#include "core/flush/flush.h"
#include "core/op/backend.h"
#include "core/op/expect.h"
#include "core/op/program.h"
#include "core/shadow/model.h"
#include "core/shadow/shadow.h"

struct run;

enum run_check {
	RUN_CHECK_NEVER, /* only where the program says `check` */
	RUN_CHECK_END,	 /* also before the teardown */
	RUN_CHECK_OPS,	 /* also after every op */
};

/*
 * Of the state after every op. What a failed request did to frames before it was undone (cleaned,
 * marked dirty, copied) depends on temporary memory; LOGIC leaves out what only the frames know.
 */
enum run_digests {
	RUN_DIGESTS_NONE,
	RUN_DIGESTS_LOGIC, /* results, backend and policy, model: equal at every temp limit */
	RUN_DIGESTS_FULL,  /* results, backend and policy, machine with contents of frames */
};

enum run_teardown {
	RUN_TEARDOWN_REQUESTS, /* accesses, domains, tables, the newest first; a request each */
	RUN_TEARDOWN_BACKEND,  /* backend->destroy() alone, as one request */
};

struct run_config {
	const struct backend_ops *backend;
	const struct flush_policy *policy;

	/*
	 * Another backend that runs the same program alongside, on a machine of its own; after every
	 * op both must have come to the same, or that is a finding "DIFF" (run_twin.c). NULL: none.
	 */
	const struct backend_ops *twin;
	const struct flush_policy *twin_policy; /* NULL: never flush */

	bool shadow; /* attach the shadow cache model */
	bool model;  /* attach the reference model */
	enum run_check check;
	u32 shadow_flags;	  /* SHADOW_* */
	u32 claims;		  /* whose lower bound is computed beside that of L, I, S0 */
	enum shadow_break broken; /* negative tests: a deliberately wrong rule */
	bool values;		  /* remember what was stored and compare what is read: rule A6 */
	enum run_digests digests; /* state digest after every op */

	enum machine_memory memory;
	const struct clean_ops *clean;
	enum run_teardown teardown;
	u32 temp_limit; /* bytes of temporary memory whatever the program says; 0: as it says */
	bool no_faults; /* ignore the failures that the program injects */

	/* Buffers are reduced to this, so that no byte string asks for terabytes. */
	u64 max_pages; /* 0: RUN_PAGES_FUZZ */

	void *arena_base, *observer_base; /* NULL: anywhere */
	size_t arena_size, observer_size; /* reserved address space; 0: RUN_ARENA */

	void *ctx; /* of the hooks below; each may be NULL */
	/* Every event of the machine, in order: how a run is printed. */
	void (*event)(void *ctx, u32 op, const struct machine_event *ev);
	/* A buffer was made: MACHINE_MEMORY_REAL gives it memory here. Non-zero: the run ends as if
	 * full. */
	int (*buffer)(void *ctx, struct machine *m, struct buffer *b);
	/* Directly around the backend's work, nothing between: what a benchmark times. */
	void (*before)(void *ctx, const struct request *req);
	void (*after)(void *ctx, const struct request *req);
};

#define RUN_PAGES_FUZZ	4096ULL
#define RUN_TEMP_FUZZ	(1U << 20) /* bytes of temporary memory */
#define RUN_RANGES_FUZZ 1024U	   /* room for ranges */
#define RUN_PAGES_TRACE (1ULL << 32)
#define RUN_BYTES	(1ULL << 20) /* most that one rw, store, load or DMA moves */
#define RUN_ARENA	(64ULL << 30)

/* What an op came to. */
struct run_result {
	u8 code;	/* enum op_code; OP_NR: the teardown */
	u8 kind;	/* enum request_kind */
	bool noop;	/* it could refer to nothing */
	bool elsewhere; /* a failure was to be injected whose n-th place differs among backends */
	u8 fired;	/* enum fault_point that was injected, 0: none */
	s32 rc;
	u64 out;    /* IOVA of a map or copy, bytes of an unmap, what an option or RANGES gave */
	u64 digest; /* state after the op, with config.digests */
};

struct run_finding {
	u32 op;
	char rule[12];
	char what[160];
};

/*
 * Writes the reduction of buffers to @max_pages (0: RUN_PAGES_FUZZ), of what is moved at a time to
 * as much, of temporary memory, and of room for ranges, into the program, so that a fuzzer's
 * finding means the same wherever it is replayed.
 */
void run_reduce(struct program *p, u64 max_pages);

struct run *run_create(const struct run_config *cfg);
/* Begin anew with the same or another configuration (arena sizes and bases stay). 0 or -ENOMEM. */
int run_reset(struct run *r, const struct run_config *cfg);
void run_destroy(struct run *r);

/* All of it: every op, then run_finish(). 0, or -ENOMEM: an arena is full, nothing can be said. */
int run_program(struct run *r, const struct program *p);
/*
 * Or in steps: the next op of @p, from record *@at on, which moves behind the op and its
 * continuations. False: the end of the program, or a full arena.
 */
bool run_step(struct run *r, const struct program *p, size_t *at);
/* Once; afterwards only verdicts, results and findings may be asked. */
int run_finish(struct run *r);
bool run_full(const struct run *r);
/* Compare machine and backend with the model now, between steps; nothing without a model. */
void run_check(struct run *r);

/*
 * Between steps: what the oracles found so far is forgotten, what they know of the state stays. For
 * tools that judge one op at a time.
 */
void run_forget(struct run *r);

/* Between steps: inject failure number @nth of kind @point into op @op instead of what its record
 * says. */
void run_inject(struct run *r, u32 op, enum fault_point point, u32 nth);

/* Ops that were done anew without their failure, because it met the twin at another place. */
u64 run_twin_redone(const struct run *r);

/* Snapshots, valid in the same run only. The buffer has run_save_size() bytes at that moment. */
size_t run_save_size(const struct run *r);
void run_save(const struct run *r, void *buf);
void run_restore(struct run *r, const void *buf, size_t size);

u32 run_ops(const struct run *r); /* ops done, the teardown included */
const struct run_result *run_result(const struct run *r, u32 op); /* from 1 */
/* RUN_DIGESTS_FULL, whatever the configuration; after run_finish() of results and digests alone. */
u64 run_digest(struct run *r);
/* Of run, shadow and model together, in that order; the first ones of each are kept. */
u32 run_findings(const struct run *r);
struct run_finding run_finding(const struct run *r, u32 i);

const struct run_config *run_config(const struct run *r);
struct arena *run_arena(const struct run *r);	      /* core, policy and machine; nothing else */
struct machine *run_machine(const struct run *r);     /* NULL after run_finish() */
struct backend *run_backend(const struct run *r);     /* likewise */
const struct shadow *run_shadow(const struct run *r); /* NULL: not attached */
const struct model *run_model(const struct run *r);
const struct machine_counters *run_counters(const struct run *r); /* also after run_finish() */

/*
 * The page of the first violation of a contract, as a program knows it: identity of its buffer and
 * page therein. False: not broken, or no buffer shows that frame any more; *page is the shadow's
 * guess then.
 */
bool run_culprit(const struct run *r, enum contract c, u32 *buffer, u32 *page);

/* What an EXPECT record came to on a finished run. */
struct run_expect {
	bool concerns; /* this policy; else nothing below is filled in */
	bool holds;
	u32 contracts; /* bits: the contracts that it decides, whatever the policy claims */
	bool findings; /* it decides about a finding */
	struct expect expect;
	char found[96]; /* what was found instead, where it does not hold */
};
/*
 * Evaluates the EXPECT record at @at of @p (of a group without an op); @last_op: number of the op
 * before it. False: no EXPECT record stands there.
 */
bool run_expect(const struct run *r, const struct program *p, size_t at, u32 last_op,
		struct run_expect *out);

#endif
