/* SPDX-License-Identifier: GPL-2.0-only */
/* What backends have in common because all can be viewed alike (core/machine/view.h). */
#ifndef NOSNOOP_VIEWS_H
#define NOSNOOP_VIEWS_H

#include "core/machine/view.h"

/*
 * The structures of tables 1 to @nr_tables and of all pages objects as one number: the same for
 * equal states of every backend, whatever lies at which address.
 */
u64 view_digest(const struct backend_view *view, u32 nr_tables);
/* Areas of a table by IOVA, from 0. False: fewer areas. */
bool view_nth_area(const struct backend_view *view, u32 table, u32 n, u64 *iova, u64 *length);
u32 view_nr_areas(const struct backend_view *view, u32 table);

#endif
