/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state of both oracles in a few small numbers: what a campaign counts as having been reached.
 * Cheap enough for after every op; nothing of it decides right or wrong.
 */
#ifndef NOSNOOP_SHAPE_H
#define NOSNOOP_SHAPE_H

#include "core/shadow/model.h"
#include "core/shadow/shadow.h"

struct shadow_shape {
	u32 pinned;  /* frames */
	u32 exposed; /* of these: reached by an NC domain */
	u32 shared;  /* of these: pinned more than once */
	/* Bits 1 << enum line_state that some line may be in, as of the last event of its page. */
	u8 open, closed; /* of exposed pages, of the others */
};
void shadow_shape(const struct shadow *s, struct shadow_shape *out);

struct model_shape {
	u32 tables, areas, objects;
	u32 nc, c;    /* domains in tables */
	u32 shared;   /* objects with more than one area */
	u32 held;     /* pins of accesses */
	u32 array;    /* objects of which accesses hold pages */
	u32 storages; /* areas in tables with a domain: those that have storage */
};
void model_shape(const struct model *md, struct model_shape *out);

#endif
