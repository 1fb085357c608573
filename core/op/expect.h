/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What NAME and EXPECT records carry: words of letters, digits and `_`, as bytes in the record, and
 * what a trace expects of a run.
 */
#ifndef NOSNOOP_EXPECT_H
#define NOSNOOP_EXPECT_H

#include "core/op/op_info.h"

#define OP_NAME_MAX	24 /* bytes of a NAME record */
#define EXPECT_NAME_MAX 40 /* 16 bytes of an EXPECT record and 24 of a NAME record behind it */

enum expect_kind {
	EXPECT_OK,	/* name: every contract that the policy claims holds */
	EXPECT_HOLDS,	/* name, contract */
	EXPECT_BROKEN,	/* name, contract, at (0: anywhere), page where has_page */
	EXPECT_ERRNO,	/* err (positive, 0: success), at (0: the op before the record) */
	EXPECT_FLUSHES, /* name, value */
	EXPECT_BOUND,	/* contracts (bits as CONTRACT_* of flush.h; 0: L, I, S0), value */
	EXPECT_FINDING, /* name of the rule, at (0: anywhere) */
	EXPECT_NR
};

struct expect {
	enum expect_kind kind;
	u32 detail; /* contract (bit number), contracts (mask) or errno */
	u32 at;	    /* op number from 1, 0: not said */
	bool has_page;
	u64 value; /* page, or count */
	char name[EXPECT_NAME_MAX + 1];
};

extern const char *const expect_contract[7];		   /* "L", "I", ...: by bit number */
int expect_contract_by_name(const char *name, size_t len); /* -1: none */
/* NULL: no name known; -1: no such name. */
const char *expect_errno_name(u32 err);
int expect_errno_by_name(const char *name, size_t len);

/* @op: an EXPECT record; @rest: the NAME record behind it, or NULL. */
void expect_unpack(const struct op *op, const struct op *rest, struct expect *out);
/* Packs into out[0], and out[1] if the name is long: the number of records, 1 or 2. */
unsigned int expect_pack(const struct expect *e, struct op out[2]);
bool expect_has_rest(
	const struct op *op); /* its 16 bytes are full: a NAME record behind it belongs to it */
bool expect_uses_name(enum expect_kind kind);

/* A NAME record's word, with a NUL. */
void op_name_get(const struct op *op, char name[OP_NAME_MAX + 1]);
struct op op_name_make(const char *name, size_t len);

void expect_normalise(struct op *op);			 /* op_normalise() for NAME and EXPECT */
bool expect_word_reserved(const char *word, size_t len); /* cannot be a policy's name */

#endif
