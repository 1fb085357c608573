/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The space of a configuration: the set-up that every sequence begins with, the requests that a
 * state allows, and the state as canonical bytes.
 */
#ifndef NOSNOOP_CHECK_SPACE_H
#define NOSNOOP_CHECK_SPACE_H

#include "fuzz/check/check.h"

enum action_kind {
	ACT_MAP,
	ACT_ATTACH,
	ACT_COPY,
	ACT_DETACH,
	ACT_UNMAP,
	ACT_CUT,
	ACT_PIN,
	ACT_RELEASE
};

/*
 * One request, told by what is there in the state that it starts from: areas by their order in the
 * table, domains by their slot, pins by age. As a number (action_pack()) it orders the
 * counter-examples of one length: no failure before any, then by kind.
 */
struct action {
	u32 kind : 3;
	u32 table : 2;
	u32 item : 3;		 /* area, slot or pin */
	u32 first : 3, last : 3; /* pages of the area; CUT: first is the last of the left part */
	u32 to : 2;		 /* MAP: buffer; COPY: table */
	u32 place : 3;		 /* MAP, COPY: behind so many areas of the table that it goes to */
	u32 flag : 1;		 /* MAP, COPY, PIN: read-only; ATTACH: NC */
	u32 fail : 10;		 /* the n-th place fails; 0: none */
	u32 shift : 2;		 /* MAP, COPY: pages left free at the start of a narrow gap */
};

#define ACTION_FAIL_SHIFT 20
#define ACTION_FAIL_MAX	  1023u
#define ACTION_SHIFT_MAX  3u

u32 action_pack(struct action a);
struct action action_unpack(u32 packed);

/* What the requests of a state are made of. */
struct scene_area {
	u64 iova;
	u32 npages, object; /* object: index into scene::object */
	bool writable;
	u32 pins;
};

struct scene_table {
	u32 nr_areas, nr_domains;
	struct scene_area area[CHECK_AREAS_MAX];
	u32 domain[CHECK_DOMAINS_MAX]; /* ids by slot */
};

struct scene {
	u32 nr_areas, nr_objects, nr_pins;
	struct scene_table table[CHECK_TABLES_MAX];
	struct {
		u64 id;
		u32 buffer;
		bool writable;
	} object[CHECK_OBJECTS_MAX];
};

#define FORM_ROOM    4096
#define SPACE_ORDERS 144 /* 3! tables, 4! buffers */

struct space {
	struct check_space cfg;
	struct program setup;
	u32 nr_buffers;
	u64 va[CHECK_OBJECTS_MAX];
	u32 nr_frames; /* of all buffers */
	u64 pfn[CHECK_OBJECTS_MAX * CHECK_PAGES_MAX];
	u32 nr_orders;
	struct form_order order[SPACE_ORDERS];
	u8 buffer_order[SPACE_ORDERS][CHECK_OBJECTS_MAX];
};

/* 0; -EINVAL with one line in @err: the numbers are out of range; -ENOMEM. */
int space_init(struct space *sp, const struct check_space *cfg, char *err, size_t errlen);
void space_free(struct space *sp);
/* Runs the set-up on a new run, and looks where things are. False: an op of it failed. */
bool space_begin(struct space *sp, struct run *r);

/* What is there now. False: more than the configuration allows, which no request can lead to. */
bool space_look(const struct space *sp, struct run *r, struct scene *scene);
/* Every request that the configuration allows in this state, in ascending order of action_pack(). */
typedef bool (*space_fn)(void *ctx, struct action a); /* false: stop */
void space_requests(const struct space *sp, const struct scene *scene, space_fn fn, void *ctx);
/* The op of an action, appended to @p. -ENOSPC: no IOVA left at that place. */
int space_op(const struct space *sp, const struct scene *scene, struct action a, struct program *p);

/*
 * The canonical form of the run's state: the least of the forms under every order of tables and
 * buffers, which are alike. Returns its length; 0: it has none.
 */
u32 space_form(const struct space *sp, struct run *r, u8 out[FORM_ROOM]);

#endif
