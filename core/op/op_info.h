/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the fields of each code mean: the table of codes, the normal form, and the ways to read and
 * build a record without knowing where its bits lie.
 */
#ifndef NOSNOOP_OP_INFO_H
#define NOSNOOP_OP_INFO_H

#include "core/op/op.h"

/* What a slot refers to, and what an op creates. */
enum obj_kind {
	OBJ_NONE,
	OBJ_TABLE,
	OBJ_BUFFER,
	OBJ_DOMAIN,
	OBJ_AREA,
	OBJ_ACCESS,
	OBJ_PIN,
	OBJ_NR
};
#define OBJ_NUM OBJ_NR /* a slot that holds a plain number */
extern const char *const obj_kind_name[OBJ_NR];

#define OPX_ARG	   0x01u /* arg is used */
#define OPX_VALUE  0x02u /* addr is used as a plain number */
#define OPX_LEN	   0x04u
#define OPX_NPAGES 0x08u /* the length is always in pages, at least 1 */
#define OPX_WIDE   0x10u /* bits 48..63 of the length are in arg (attach: in slot 2) */
#define OPX_REQ	   0x20u /* a request of the page core: may carry a fault */
#define OPX_CONT   0x40u /* a continuation: no number of its own */

struct op_info {
	u8 creates;  /* enum obj_kind */
	u8 slot[3];  /* enum obj_kind, or OBJ_NUM */
	u8 modes;    /* bits 1 << enum op_addr; 0: addr is no address */
	u8 fields;   /* OPX_* */
	u16 flags;   /* OPF_* but for the three ID bits */
	u16 id_mask; /* those of the three that a slot can have */
	u32 arg_mask;
	u64 slot_mask; /* of op.slots, the bits of slots that are used */
};
extern const struct op_info op_infos[OP_NR];

/* @code may be any number: it is taken modulo OP_NR. */
static inline const struct op_info *op_info(unsigned int code)
{
	return &op_infos[code < OP_NR ? code : code % OP_NR];
}

const char *op_word(unsigned int code); /* likewise: the keyword */

/*
 * The normal form: one for every 32 bytes. Ranges reduced, fields that the op does not use 0.
 * Idempotent. Everything behind decoder, parser and generator may count on it.
 */
void op_normalise(struct op *op);

static inline bool op_is_continuation(const struct op *op)
{
	return op_info(op->code)->fields & OPX_CONT;
}

static inline bool op_by_id(const struct op *op, unsigned int slot)
{
	return op->flags & (OPF_ID0 << slot);
}

void op_set_slot(struct op *op, unsigned int i, u32 value);
void op_set_ref(struct op *op, unsigned int i, u32 n, bool by_id);
void op_set_addr(struct op *op, enum op_addr mode, u64 addr);
void op_set_len(struct op *op, u64 bytes_or_pages); /* with OPF_PAGES set before: pages */
void op_set_fail(struct op *op, u32 point, u32 nth);
u64 op_length(const struct op *op); /* bytes, all 64 bits; with OPF_WHOLE 0: the caller knows */
bool op_length_fits(const struct op *op, u64 length); /* can op_set_len() say it? */
u64 op_map_offset(const struct op *op);		      /* map: first byte within the buffer */
u64 op_copy_offset(const struct op *op);	      /* copy: first byte within the source area */
u64 op_pgsize_bitmap(const struct op *op);	      /* attach: 0 is the default */

#endif
