/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The op language: one fixed-size record per op, one language for traces, fuzz bytes, generators, workloads. Every
 * byte string is a program: codes and fields are reduced into their ranges, references to objects are taken modulo what exists,
 * and an op that can refer to nothing is a no-op. The text form (text.h) is lossless both ways.
 */
#ifndef NOSNOOP_OP_H
#define NOSNOOP_OP_H

#include "core/compat/compat.h"

#define OP_FORMAT_VERSION 1 /* the byte at the head of the binary form */
#define OP_SIZE 32

/*
 * code, keyword. Which fields an op uses is told by the table in op.c; text forms in core/op/README.md.
 * New codes go to the end: numbers are part of the binary form.
 */
#define OP_CODES(X)                                                                                \
	X(NOP, "nop")                                                                              \
	X(TABLE, "table")		/* creates a table */                                      \
	X(TABLE_DESTROY, "destroy")                                                                \
	X(BUFFER, "buffer")		/* creates a user buffer: task, npages, va */              \
	X(BUFFER_DESTROY, "free")                                                                  \
	X(LAYOUT, "layout")		/* pages of a buffer: runs of n */                         \
	X(ALIAS, "alias")		/* a page shows the frame of another page */               \
	X(PAGE_FLAGS, "pages")		/* hole, readonly, cow on and off */                       \
	X(REMAP, "remap")                                                                          \
	X(ATTACH, "attach")		/* creates a domain and adds it; NC or C, page sizes, aperture, leaves */ \
	X(REATTACH, "reattach")		/* adds a domain that is already in a table */             \
	X(DETACH, "detach")                                                                        \
	X(MAP, "map")                                                                              \
	X(COPY, "copy")                                                                            \
	X(CUT, "cut")                                                                              \
	X(UNMAP, "unmap")                                                                          \
	X(UNMAP_ALL, "unmap_all")                                                                  \
	X(ACCESS, "access")		/* creates an access and attaches it to a table (or to none) */ \
	X(ACCESS_ATTACH, "access_attach")                                                          \
	X(ACCESS_REPLACE, "access_replace")                                                        \
	X(ACCESS_DETACH, "access_detach")                                                          \
	X(ACCESS_DESTROY, "access_destroy")                                                        \
	X(PIN, "pin")                                                                              \
	X(UNPIN, "unpin")                                                                          \
	X(RW, "rw")                                                                                \
	X(RESERVE, "reserve")                                                                      \
	X(UNRESERVE, "unreserve")                                                                  \
	X(ALLOW, "allow")		/* one range; OP_MORE records add further ones */          \
	X(RANGES, "ranges")                                                                        \
	X(HUGE_PAGES, "huge_pages")                                                                \
	X(RLIMIT_MODE, "rlimit_mode")                                                              \
	X(TEMP_LIMIT, "temp_limit")                                                                \
	X(GUP_LIMIT, "gup_limit")                                                                  \
	X(RLIMIT, "rlimit")		/* a task's RLIMIT_MEMLOCK in pages */                     \
	X(CAP, "cap")			/* a task's capabilities on and off */                     \
	X(EXIT, "exit")			/* a task's address space dies */                          \
	X(STORE, "store")		/* CPU, through the task's mapping */                      \
	X(LOAD, "load")                                                                            \
	X(DMA_READ, "dma_read")                                                                    \
	X(DMA_WRITE, "dma_write")                                                                  \
	X(EVICT, "evict")                                                                          \
	X(CHECK, "check")		/* compare everything with the model */                    \
	X(MORE, "more")			/* continuation: a second address and length for the op before it */ \
	X(NAME, "name")			/* continuation: the name in text form of what the op before it creates */ \
	X(EXPECT, "expect")		/* a verdict or an errno that the trace expects */

enum op_code {
#define X(id, word) OP_##id,
	OP_CODES(X)
#undef X
	OP_NR
};

/* How `addr` is meant. */
enum op_addr {
	OP_ADDR_ABS,  /* addr */
	OP_ADDR_END,  /* 2^64 - 1 - addr: addr 0 is the last byte */
	OP_ADDR_AREA, /* start of the area in the third slot, + addr */
	OP_ADDR_AUTO, /* the core chooses (map, copy) */
	OP_ADDR_NR
};

/* flags: the low three say how the three slots are meant. */
#define OPF_ID0	      0x0001u /* slot 0 is an identity (creation number, from 0), not "n-th live" */
#define OPF_ID1	      0x0002u
#define OPF_ID2	      0x0004u
#define OPF_WRITE     0x0008u /* prot or direction: write */
#define OPF_READ      0x0010u
#define OPF_NC	      0x0020u /* attach: non-coherent; dma: no-snoop */
#define OPF_KTHREAD   0x0040u
#define OPF_PIN	      0x0080u /* access: needs pages */
#define OPF_BAD_FLAG  0x0100u /* envelope errors, see REQF_* */
#define OPF_RESERVED  0x0200u
#define OPF_BAD_OUT   0x0400u
#define OPF_BAD_ID    0x0800u /* the id given names nothing */
#define OPF_PAGES     0x1000u /* len is in pages, not bytes */
#define OPF_GET	      0x2000u
#define OPF_BAD_OP    0x4000u
#define OPF_WHOLE     0x8000u /* len is the length of the area (buffer) referred to */

/* What a bit means on one code only. */
#define OPF_SOURCE  OPF_PIN    /* copy: addr is the source, a MORE record behind it the destination */
#define OPF_BAD_SRC OPF_BAD_OP /* copy: the source table's id names nothing */
#define OPF_BAD_IN  OPF_BAD_OUT /* allow: the array given faults */
#define OP_ACCESS_REFUSE 1u    /* access, in arg */
#define OP_ACCESS_NONE	 2u

struct op {
	u8 code;
	u8 thread; /* low 3 bits: the task; the rest is for schedules */
	u16 flags;
	u32 arg;
	u64 slots; /* 3 x 20 bits of object slots, 4 bits of enum op_addr */
	u64 addr;
	u64 len_fail; /* 48 bits length, 4 bits fault point, 12 bits n-th (0: none) */
};
static_assert(sizeof(struct op) == OP_SIZE, "one size");

static inline u32 op_slot(const struct op *op, unsigned int i)
{
	return op->slots >> (20 * i) & 0xfffff;
}

static inline enum op_addr op_addr_mode(const struct op *op)
{
	return (op->slots >> 60) % OP_ADDR_NR;
}

static inline u64 op_len(const struct op *op)
{
	return op->len_fail & ((1ULL << 48) - 1);
}

static inline u32 op_fail_point(const struct op *op)
{
	return op->len_fail >> 48 & 0xf;
}

static inline u32 op_fail_nth(const struct op *op)
{
	return op->len_fail >> 52;
}

/* --- the table of codes, and what is built on it (op.c) ------------------------------------------- */

/* What a slot refers to, and what an op creates. */
enum obj_kind { OBJ_NONE, OBJ_TABLE, OBJ_BUFFER, OBJ_DOMAIN, OBJ_AREA, OBJ_ACCESS, OBJ_PIN, OBJ_NR };
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
	u8 creates; /* enum obj_kind */
	u8 slot[3]; /* enum obj_kind, or OBJ_NUM */
	u8 modes;   /* bits 1 << enum op_addr; 0: addr is no address */
	u8 fields;  /* OPX_* */
	u16 flags;  /* OPF_* but for the three ID bits */
	u32 arg_mask;
};
const struct op_info *op_info(unsigned int code); /* any number: taken modulo OP_NR */
const char *op_word(unsigned int code);		  /* likewise: the keyword */

/*
 * The normal form: one for every 32 bytes. Ranges reduced, fields that the op does not use 0. Idempotent. Everything behind
 * decoder, parser and generator may count on it.
 */
void op_normalise(struct op *op);

static inline bool op_is_continuation(const struct op *op)
{
	return op->code >= OP_MORE;
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
u64 op_length(const struct op *op);	     /* bytes, all 64 bits; with OPF_WHOLE 0: the caller knows */
bool op_length_fits(const struct op *op, u64 length); /* can op_set_len() say it? */
u64 op_map_offset(const struct op *op);	     /* map: first byte within the buffer */
u64 op_copy_offset(const struct op *op);     /* copy: first byte within the source area */
u64 op_pgsize_bitmap(const struct op *op);   /* attach: 0 is the default */

#endif
