/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The op language: one fixed-size record per op, one language for traces, fuzz bytes, generators,
 * workloads. Every byte string is a program: codes and fields are reduced into their ranges,
 * references to objects are taken modulo what exists, and an op that can refer to nothing is a
 * no-op. The text form (text.h) is lossless both ways.
 */
#ifndef NOSNOOP_OP_H
#define NOSNOOP_OP_H

#include "core/compat/compat.h"

#define OP_FORMAT_VERSION 1 /* the byte at the head of the binary form */
#define OP_SIZE		  32

/*
 * code, keyword. Which fields an op uses is told by the table in op.c; text forms in
 * core/op/README.md. New codes go to the end: numbers are part of the binary form.
 */
#define OP_CODES(X)                                                                                \
	X(NOP, "nop")                                                                              \
	X(TABLE, "table") /* creates a table */                                                    \
	X(TABLE_DESTROY, "destroy")                                                                \
	X(BUFFER, "buffer") /* creates a user buffer: task, npages, va */                          \
	X(BUFFER_DESTROY, "free")                                                                  \
	X(LAYOUT, "layout")    /* pages of a buffer: runs of n */                                  \
	X(ALIAS, "alias")      /* a page shows the frame of another page */                        \
	X(PAGE_FLAGS, "pages") /* hole, readonly, cow on and off */                                \
	X(REMAP, "remap")                                                                          \
	X(ATTACH,                                                                                  \
	  "attach") /* creates a domain and adds it; NC or C, page sizes, aperture, leaves */      \
	X(REATTACH, "reattach") /* adds a domain that is already in a table */                     \
	X(DETACH, "detach")                                                                        \
	X(MAP, "map")                                                                              \
	X(COPY, "copy")                                                                            \
	X(CUT, "cut")                                                                              \
	X(UNMAP, "unmap")                                                                          \
	X(UNMAP_ALL, "unmap_all")                                                                  \
	X(ACCESS, "access") /* creates an access and attaches it to a table (or to none) */        \
	X(ACCESS_ATTACH, "access_attach")                                                          \
	X(ACCESS_REPLACE, "access_replace")                                                        \
	X(ACCESS_DETACH, "access_detach")                                                          \
	X(ACCESS_DESTROY, "access_destroy")                                                        \
	X(PIN, "pin")                                                                              \
	X(UNPIN, "unpin")                                                                          \
	X(RW, "rw")                                                                                \
	X(RESERVE, "reserve")                                                                      \
	X(UNRESERVE, "unreserve")                                                                  \
	X(ALLOW, "allow") /* one range; OP_MORE records add further ones */                        \
	X(RANGES, "ranges")                                                                        \
	X(HUGE_PAGES, "huge_pages")                                                                \
	X(RLIMIT_MODE, "rlimit_mode")                                                              \
	X(TEMP_LIMIT, "temp_limit")                                                                \
	X(GUP_LIMIT, "gup_limit")                                                                  \
	X(RLIMIT, "rlimit") /* a task's RLIMIT_MEMLOCK in pages */                                 \
	X(CAP, "cap")	    /* a task's capabilities on and off */                                 \
	X(EXIT, "exit")	    /* a task's address space dies */                                      \
	X(STORE, "store")   /* CPU, through the task's mapping */                                  \
	X(LOAD, "load")                                                                            \
	X(DMA_READ, "dma_read")                                                                    \
	X(DMA_WRITE, "dma_write")                                                                  \
	X(EVICT, "evict")                                                                          \
	X(CHECK, "check") /* compare everything with the model */                                  \
	X(MORE, "more")	  /* continuation: a second address and length for the op before it */     \
	X(NAME, "name") /* continuation: the name in text form of what the op before it creates */ \
	X(EXPECT, "expect") /* a verdict or an errno that the trace expects */

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
#define OPF_ID0	     0x0001u /* slot 0 is an identity (creation number, from 0), not "n-th live" */
#define OPF_ID1	     0x0002u
#define OPF_ID2	     0x0004u
#define OPF_WRITE    0x0008u /* prot or direction: write */
#define OPF_READ     0x0010u
#define OPF_NC	     0x0020u /* attach: non-coherent; dma: no-snoop */
#define OPF_KTHREAD  0x0040u
#define OPF_PIN	     0x0080u /* access: needs pages */
#define OPF_BAD_FLAG 0x0100u /* envelope errors, see REQF_* */
#define OPF_RESERVED 0x0200u
#define OPF_BAD_OUT  0x0400u
#define OPF_BAD_ID   0x0800u /* the id given names nothing */
#define OPF_PAGES    0x1000u /* len is in pages, not bytes */
#define OPF_GET	     0x2000u
#define OPF_BAD_OP   0x4000u
#define OPF_WHOLE    0x8000u /* len is the length of the area (buffer) referred to */

/* What a bit means on one code only. */
#define OPF_SOURCE	 OPF_PIN /* copy: addr is the source, a MORE record behind it the destination */
#define OPF_BAD_SRC	 OPF_BAD_OP  /* copy: the source table's id names nothing */
#define OPF_BAD_IN	 OPF_BAD_OUT /* allow: the array given faults */
#define OP_ACCESS_REFUSE 1u	     /* access, in arg */
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

#endif
