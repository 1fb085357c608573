/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Binding: what "the n-th live one" meant when a program ran, written as identities. A bound program
 * does the same; unlike the original it also does so, for what is left, when ops are taken out of it
 * and the identities counted anew.
 */
#ifndef NOSNOOP_BIND_H
#define NOSNOOP_BIND_H

#include "core/op/run.h"

/*
 * Runs @from on @r, which was just reset, and gives the bound program. Addresses that lie in an area
 * become relative to the op that made it. What refers to nothing stays as it is. The run is not
 * finished afterwards. 0 or -ENOMEM.
 */
int program_bind(struct run *r, const struct program *from, struct program *to);

/* What slot @i of this very op refers to; OBJ_NONE: nothing, or it holds a number. */
enum obj_kind op_ref_kind(const struct op *op, unsigned int i);

#endif
