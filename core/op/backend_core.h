/* SPDX-License-Identifier: GPL-2.0-only */
/* The inside of the backend "core": what its two files share. Nobody else includes this. */
#ifndef NOSNOOP_BACKEND_CORE_H
#define NOSNOOP_BACKEND_CORE_H

#include "core/iopt/access.h"
#include "core/op/backend.h"

struct core_backend {
	struct backend b;
	struct iommufd_ctx ctx;
	struct backend_callbacks cb;
	struct io_pagetable **tables; /* by id - 1; NULL: gone */
	u32 tables_nr, tables_size;
	struct iommufd_access **accesses;
	u32 accesses_nr, accesses_size;
};

static inline struct core_backend *core_of(struct backend *b)
{
	return container_of(b, struct core_backend, b);
}

static inline struct io_pagetable *table_by_id(struct core_backend *c, u32 id)
{
	return id && id <= c->tables_nr ? c->tables[id - 1] : NULL;
}

/* backend_core_form.c */
size_t core_form(struct backend *b, const struct form_order *order, u8 *out, size_t room);

#endif
