/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests: what a caller asks of the page core, in neutral words. op_run() fills one from an op, a
 * backend (our core, Linux's files) executes it and fills in the results, and the observer sees it
 * at begin and end. The reference model predicts the results from the request alone; its tables of
 * errnos follow iommufd's ioctls (and its selftest ops for accesses, cut and reserve).
 *
 * Ids are small numbers that op_run() gives out: table, access and pages ids in order of creation,
 * from 1; domain ids are those of machine.h. An id that names nothing yields ENOENT where the ioctl
 * does.
 */
#ifndef NOSNOOP_REQUEST_H
#define NOSNOOP_REQUEST_H

#include "core/compat/compat.h"

enum request_kind {
	REQ_NONE,	    /* an op that is no request: CPU, device and machine ops */
	REQ_TABLE_CREATE,   /* table */
	REQ_TABLE_DESTROY,  /* table: ENOENT, EBUSY (domains, accesses); unmaps all, frees */
	REQ_ATTACH,	    /* table, domain: iopt_table_add_domain() */
	REQ_DETACH,	    /* table, domain: iopt_table_remove_domain(); ENOENT: not there */
	REQ_MAP,	    /* table, task, uptr, length, prot, iova, flags FIXED -> out_iova */
	REQ_COPY,	    /* like MAP into table, from src_table, src_iova -> out_iova */
	REQ_CUT,	    /* table, iova = last byte of the left part */
	REQ_UNMAP,	    /* table, iova, length; 0, 2^64-1: all -> out_length, also on error */
	REQ_ACCESS_CREATE,  /* access, flags PIN: it needs pages (alignment 4096), else 1 */
	REQ_ACCESS_DESTROY, /* access: detaches first */
	REQ_ACCESS_ATTACH,  /* access, table: EINVAL (WARN) when attached already */
	REQ_ACCESS_REPLACE, /* access, table: ENOENT when not attached; unpins what it holds */
	REQ_ACCESS_DETACH,  /* access: EINVAL when not attached */
	REQ_PIN,	    /* access, iova, length, flags WRITE -> pfns (room for nr_pfns) */
	REQ_UNPIN,	    /* access, iova, length */
	REQ_RW,		    /* access, iova, length, data, WRITE, KTHREAD; task = the caller's */
	REQ_RESERVE,	    /* table, iova, last */
	REQ_UNRESERVE,	    /* table: all reservations without an owner */
	REQ_ALLOW,	    /* table, ranges[nr_ranges]: whole-list replace */
	REQ_RANGES,	    /* table -> ranges (room for nr_ranges), out_nr, out_alignment */
	REQ_HUGE_PAGES,	    /* table, value: option HUGE_PAGES */
	REQ_RLIMIT_MODE,    /* value, task: option RLIMIT_MODE */
	REQ_TEMP_LIMIT,	    /* value: bytes of temporary memory, at least 12 */
};

#define REQF_FIXED     0x0001u /* else automatic IOVA */
#define REQF_PIN       0x0002u
#define REQF_WRITE     0x0004u
#define REQF_KTHREAD   0x0008u /* rw as a kernel thread; the plain way in its own address space */
#define REQF_GET       0x0010u /* options: read, not set -> out_length */
#define REQF_BAD_FLAG  0x0020u /* the ioctl carries an unknown flag */
#define REQF_RESERVED  0x0040u /* a reserved field is not zero */
#define REQF_BAD_OUT   0x0080u /* the user memory for results faults */
#define REQF_BAD_OP    0x0100u /* options: an op that does not exist */
#define REQF_BAD_IN    0x0200u /* ALLOW: the user's array faults at its last entry */
#define REQF_NC_ATTACH 0x0400u /* informational: the domain is NC */

#define REQ_PROT_READ  1u /* DOMAIN_READ; CACHE is added by the core */
#define REQ_PROT_WRITE 2u

struct iova_range {
	u64 start, last;
};

struct request {
	u64 serial; /* set by machine_request_begin() */
	u32 op;	    /* number of the op in its program, from 1; 0: none */
	enum request_kind kind;
	u32 flags;
	u32 task; /* who asks; for REQ_MAP the owner of uptr */
	u32 table, src_table, domain, access;
	u32 prot;
	u64 iova, length, last;
	u64 src_iova;
	u64 uptr;
	u64 value;
	u32 option_object; /* options: object id, must be 0 for RLIMIT_MODE */
	void *data;
	u64 *pfns;
	u64 nr_pfns;
	struct iova_range *ranges;
	u32 nr_ranges;

	/* results */
	int rc; /* 0 or negative errno */
	u64 out_iova;
	u64 out_length;
	u32 out_nr;
	u64 out_alignment;
	bool injected; /* a fault fired during the request, whatever became of it */
};

const char *request_name(enum request_kind kind);

#endif
