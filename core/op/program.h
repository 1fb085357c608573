/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A program: a growable row of normalised records, and its binary form. Memory comes from malloc:
 * programs are made before a run and outlive it.
 */
#ifndef NOSNOOP_PROGRAM_H
#define NOSNOOP_PROGRAM_H

#include "core/op/expect.h"
#include "core/op/op_info.h"

struct program {
	struct op *ops;
	size_t nr;
	size_t cap;
};

#define PROGRAM_EMPTY ((struct program){0})

void program_init(struct program *p);
void program_free(struct program *p);  /* empty again afterwards */
void program_clear(struct program *p); /* keeps the memory */
/* Normalises a copy of @op and appends it. 0 or -ENOMEM, then the program is as before. */
int program_add(struct program *p, const struct op *op);
int program_reserve(struct program *p, size_t nr);
int program_copy(struct program *to, const struct program *from);
/* Removes records [first..first+nr-1]. */
void program_remove(struct program *p, size_t first, size_t nr);
bool program_equal(const struct program *a, const struct program *b);
/* How many ops: records that are no continuations. */
u32 program_nr_ops(const struct program *p);

/* An op with the records that belong to it. */
struct op_group {
	const struct op *op; /* NULL: a continuation that belongs to no op (an EXPECT, a stray NAME
				or MORE) */
	const struct op *name; /* what the op creates is called so; of an EXPECT: the rest of the
				  policy's name */
	const struct op *more; /* nr_more records in a row */
	size_t nr_more;
	size_t next; /* where the next group begins */
};
/* The group that begins at record @at (< nr): every record is in exactly one group. */
void program_group(const struct program *p, size_t at, struct op_group *g);

/*
 * Binary: a version byte, then the records, little endian. Decoding is total: the first byte is
 * taken for version 1 whatever it is, a tail shorter than a record is filled up with zeros; no
 * bytes are an empty program.
 */
int program_decode(struct program *p, const void *data, size_t size); /* 0 or -ENOMEM */
size_t program_encoded_size(const struct program *p);
void program_encode(const struct program *p, void *out); /* program_encoded_size() bytes */

#endif
