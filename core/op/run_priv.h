/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside op_run: what the files run*.c share. Nobody else includes this. */
#ifndef NOSNOOP_RUN_PRIV_H
#define NOSNOOP_RUN_PRIV_H

#include "core/op/run.h"

#define RUN_FINDINGS 16
#define RUN_BAD_ID   0x7fffffffu /* an id that is never given out */

/* A row in the side arena that grows; elements are zero when new. */
struct run_row {
	void *data;
	u32 nr, cap, size;
};

/* One object of a kind, whether its op succeeded or not; its identity is its index. */
struct run_object {
	bool live;
	bool refuse; /* access: its unmap callback releases nothing */
	u32 id;	     /* domain: machine's id; table, access: the n-th that was asked for, from 1 */
	u32 owner;   /* domain, area, access: its table's id, 0: none; pin: its access' id */
	struct buffer *buffer;
	u64 iova, length; /* area, pin */
};

struct run_kind {
	struct run_row all;  /* struct run_object */
	struct run_row live; /* u32 identities, in order of creation; not kept for areas */
};

struct run_values;

/* Everything of a run that changes, beside the arenas' other tenants: first block of the side
 * arena. */
struct run_state {
	struct machine *machine;
	struct backend *backend;
	struct shadow *shadow;
	struct model *model;
	struct run_values *values;
	struct run_kind kinds[OBJ_NR];
	u32 ids[OBJ_NR];	/* given out: tables and accesses that were asked for */
	struct run_row results; /* struct run_result */
	u32 op;			/* being done; done between steps */
	bool full, finished;
	u64 digest; /* of the results so far */
	struct {
		u32 op, nth;
		enum fault_point point;
	} inject;
	u32 nr_findings;
	struct run_finding findings[RUN_FINDINGS];
	struct machine_counters counters;
	u32 broken_seen; /* contracts whose culprit was looked for */
	struct {
		bool known;
		u32 buffer, page;
	} culprit[SHADOW_CONTRACTS];
};

struct run {
	struct run_config cfg;
	struct run_twin *twin; /* NULL: none */
	struct arena *arena, *side;
	struct run_state *s;
	struct machine_observer observer;
	struct backend_callbacks callbacks;
};

/* The op at hand: the record, its continuations, and what resolving it gave. */
struct run_op {
	struct op op;
	const struct op *more; /* nr_more records behind it */
	size_t nr_more;
	struct run_result res;
};

/* run_objects.c */
bool run_row_grow(struct run *r, struct run_row *row, u32 nr);
/* A new object that is not live yet; NULL: arena full. */
struct run_object *run_new(struct run *r, enum obj_kind kind);
u32 run_identity(const struct run *r, enum obj_kind kind, const struct run_object *o);
struct run_object *run_made(struct run *r, enum obj_kind kind); /* the last one: this op's */
void run_live(struct run *r, enum obj_kind kind, struct run_object *o);
void run_dead(struct run *r, enum obj_kind kind, struct run_object *o);
u32 run_nr_live(const struct run *r, enum obj_kind kind);
struct run_object *run_nth_live(struct run *r, enum obj_kind kind, u32 n);
/* By slot @slot of the op: identity or n-th live; NULL when there is no such live object. */
struct run_object *run_ref(struct run *r, const struct op *op, unsigned int slot,
			   enum obj_kind kind);
struct run_object *run_by_id(struct run *r, enum obj_kind kind, u32 id);
/* An area op that succeeded, by identity; NULL: none such. */
struct run_object *run_area(struct run *r, u32 identity);
/* The area that slot 2 names: by identity, or the n-th of @table. False: there is none. */
bool run_area_ref(struct run *r, const struct op *op, u32 table, u64 *iova, u64 *length);
/* Address and length of an op on @table. False: does nothing. */
bool run_span(struct run *r, const struct op *op, u32 table, u64 *iova, u64 *length);

/* run_request.c */
void run_mix(struct run *r, u64 value); /* into the digest of the results */
void run_request_init(struct run *r, struct run_op *o, struct request *req, enum request_kind kind);
/* begin, execute, end; records rc, faults, digest of the results */
void run_request(struct run *r, struct run_op *o, struct request *req);
/* A bracket for ops that are no request: the shadow closes stores at its ends. */
void run_bracket_begin(struct run *r, struct run_op *o, struct request *req);
void run_bracket_end(struct run *r, struct run_op *o, struct request *req, int rc);
void run_access_unmap(void *ctx, u32 access, u64 iova, u64 length);
void run_note(struct run *r, const char *rule, const char *fmt, ...) __printf(3, 4);
void run_arm(struct run *r, const struct run_op *o);
void run_disarm(struct run *r, struct run_op *o);

/* run_core.c, run_access.c, run_device.c: each does its ops and hands on the others. False: refers
 * to nothing. */
bool run_core_op(struct run *r, struct run_op *o);
bool run_access_op(struct run *r, struct run_op *o);
bool run_machine_op(struct run *r, struct run_op *o);
void run_detach(struct run *r, struct run_op *o, u32 table, u32 domain);
struct run_object *run_detach_ref(struct run *r, const struct op *op, u32 table);
void run_table_destroy(struct run *r, struct run_op *o, u32 table);
void run_access_destroy(struct run *r, struct run_op *o, struct run_object *a);
void run_pattern(u8 *data, u64 len, u64 value,
		 unsigned int width); /* the low 4 or 8 bytes of value, over and over */
void run_mix_bytes(struct run *r, const u8 *data, u64 len);
void run_find_culprits(struct run *r); /* while the buffers still stand as they did */

/* run.c: one op, without a twin. */
bool run_step_alone(struct run *r, const struct program *p, size_t *at);
int run_finish_alone(struct run *r);

/* run_twin.c */
int run_twin_start(struct run *r); /* makes or resets it as the configuration says; 0 or -errno */
void run_twin_destroy(struct run *r);
bool run_twin_step(struct run *r, const struct program *p, size_t *at);
int run_twin_finish(struct run *r);
/* A snapshot of the twin, behind that of the run itself. */
size_t run_twin_save_size(const struct run *r);
void run_twin_save(const struct run *r, void *buf);
void run_twin_restore(struct run *r, const void *buf, size_t size);

/* run_finish.c */
void run_teardown(struct run *r, struct run_op *o);

/* run_values.c: rule A6 */
struct run_values *run_values_create(struct arena *arena);
void run_values_event(struct run *r, const struct machine_event *ev);
/* Around one op that moves @len bytes at @data; afterwards the bytes read are compared. */
void run_values_begin(struct run *r, void *data, u64 len, bool write);
/* Likewise for an in-kernel rw from @iova of @table on: does it touch the right frames? */
void run_values_begin_rw(struct run *r, u32 table, u64 iova, void *data, u64 len, bool write);
void run_values_end(struct run *r);

#endif
