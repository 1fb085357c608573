/* SPDX-License-Identifier: GPL-2.0-only */
/* The inside of a kernel tree's backend: what its two files share. Nobody else includes this. */
#ifndef NOSNOOP_BACKEND_LINUX_PRIV_H
#define NOSNOOP_BACKEND_LINUX_PRIV_H

#include "core/linux/seam.h"
#include "core/op/backend_linux.h"
#include "core/op/views.h"

/* One that holds; the tree's code keeps no list of them, and what may come next depends on it. */
struct linux_pin {
	struct linux_pin *next; /* older */
	u32 access;
	u64 iova, length;
};

struct linux_backend {
	struct backend b;
	struct arena *arena;
	struct machine *m;
	const struct linux_tree *tree;
	struct linux_run *run;
	struct backend_callbacks cb;
	struct linux_pin *pins; /* the newest first */
	u32 nr_tables;
	u32 *access_table; /* of access id - 1; 0: none */
	u32 access_room;
};

static inline struct linux_backend *linux_of(struct backend *b)
{
	return container_of(b, struct linux_backend, b);
}

/* backend_linux_form.c */
size_t linux_form(struct backend *b, const struct form_order *order, u8 *out, size_t room);

#endif
