/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside nosnoop-export: the state of a program that is being written, and how its text comes
 * about. An op is executed on the core first, then written with what came of it. All is written
 * twice: only the second time it is known what is used.
 */
#ifndef NOSNOOP_EXPORT_STATE_H
#define NOSNOOP_EXPORT_STATE_H

#include <stdio.h>

#include "core/op/run.h"
#include "fuzz/export/adapt.h"

/* Variables of the program: prefix, C type. One name space each, by the identity of their object. */
#define VARS(X)                                  \
	X(IOAS, OBJ_TABLE, "ioas_", "__u32 ")    \
	X(STDEV, OBJ_DOMAIN, "stdev_", "__u32 ") \
	X(IDEV, OBJ_DOMAIN, "idev_", "__u32 ")   \
	X(HWPT, OBJ_DOMAIN, "hwpt_", "__u32 ")   \
	X(PIN, OBJ_PIN, "pin_", "__u32 ")        \
	X(ACCESS, OBJ_ACCESS, "access_", "int ") \
	X(MEM, OBJ_BUFFER, "mem_", "int ")       \
	X(IOVA, OBJ_AREA, "iova_", "__u64 ")     \
	X(BUF, OBJ_BUFFER, "buf_", "unsigned char *")

enum var {
#define X(id, kind, prefix, type) VAR_##id,
	VARS(X)
#undef X
		VAR_NR
};

/* Structs of the ioctls that the program has one local each of. */
#define CMDS(X)                                                                     \
	X(ALLOC, "alloc_cmd", "iommu_ioas_alloc", "IOMMU_IOAS_ALLOC")               \
	X(DESTROY, "destroy_cmd", "iommu_destroy", "IOMMU_DESTROY")                 \
	X(MAP, "map_cmd", "iommu_ioas_map", "IOMMU_IOAS_MAP")                       \
	X(COPY, "copy_cmd", "iommu_ioas_copy", "IOMMU_IOAS_COPY")                   \
	X(UNMAP, "unmap_cmd", "iommu_ioas_unmap", "IOMMU_IOAS_UNMAP")               \
	X(ALLOW, "allow_cmd", "iommu_ioas_allow_iovas", "IOMMU_IOAS_ALLOW_IOVAS")   \
	X(RANGES, "ranges_cmd", "iommu_ioas_iova_ranges", "IOMMU_IOAS_IOVA_RANGES") \
	X(HWPT, "hwpt_cmd", "iommu_hwpt_alloc", "IOMMU_HWPT_ALLOC")                 \
	X(OPTION, "option_cmd", "iommu_option", "IOMMU_OPTION")                     \
	X(TEST, "test_cmd", "iommu_test_cmd", "IOMMU_TEST_CMD")

enum cmd {
#define X(id, var, type, ioctl) CMD_##id,
	CMDS(X)
#undef X
		CMD_NR
};

/* Functions of the program: helpers.txt. */
/* clang-format off */
#define HELPERS(X) \
	X(NTH) X(CHILDREN) X(REQUEST) X(DESTROY) X(UNMAP) X(UNPIN) X(READONLY) X(CUT_OFF) \
	X(MAPPING) X(PAGES) X(PAGES_AT) X(MEMORY) X(SHOW) X(FRESH) X(PROTECT) X(FREE) \
	X(FILL) X(PEEK) X(SAME) X(MEMLOCK) X(OWN_USER) X(CAPS) X(CHECK_MAP) X(CHECK_REFS)
/* clang-format on */

enum helper {
#define X(id) HELPER_##id,
	HELPERS(X)
#undef X
		HELPER_NR
};
struct text {
	char *data;
	size_t len;
	FILE *file;
};
/* What is known of objects, by identity. */
enum domain_how {
	DOMAIN_NONE,
	DOMAIN_MOCK, /* a mock device of its own; its domain is the table's automatic one */
	DOMAIN_HWPT  /* a domain without a device */
};

struct ex_domain {
	enum domain_how how;
	u32 table, machine; /* identity of its table, id in the machine */
};

struct ex_area {
	bool made;
	u32 table;
	u64 iova, length;
};

struct ex_access {
	bool open;  /* there is a file: it is attached */
	bool pages; /* it needs them pinned */
	u32 id;	    /* in the core */
	u32 table;  /* identity of the one it is attached to */
};

/* Which memory a page of a buffer shows, for buffers of a file. */
struct ex_page {
	u32 mem; /* identity of the buffer whose file it is */
	u64 index;
	bool private;
};

struct ex_buffer {
	bool live;
	bool touched; /* somebody may have pinned or filled it */
	struct buffer *buffer;
	u32 task;
	u64 npages;
	struct ex_page *pages; /* NULL: no file */
	u64 mem_pages;	       /* of its file, so far */
};

#define EX_RANGES 16

struct exporter {
	const struct trace *trace;
	const char *stem; /* of the file's name: what the test is called */
	int stem_len;
	struct program bound;
	struct adapted adapted;
	struct run *run;
	struct run_config cfg;

	char **names[OBJ_NR]; /* by identity */
	u32 nr_names[OBJ_NR];
	char **lines;		/* of each op of the trace, from 1 */
	struct answer *answers; /* of each op of the trace, from 1 */
	char **expects;		/* lines behind each op; NULL: none */

	/* of a pass */
	bool second;
	u8 *var[VAR_NR]; /* VAR_SET, VAR_USED of the first pass */
	u32 cmds, helpers;
	u64 scratch; /* bytes that the rw's want */
	u32 ranges;  /* room of the array for ranges */
	bool limit_used;
	struct ex_domain *domains; /* by identity, as many as ops create */
	struct ex_area *areas;
	struct ex_access *accesses;
	struct ex_buffer *buffers;
	u32 met[OBJ_NR]; /* how many ops that create one were met */
	bool *filed;	 /* buffers whose memory is a file: it is shown elsewhere, or privately */
	u64 *mem_total;	 /* pages of the file, of the first pass */
	u32 gone;	 /* tasks that have exited */
	struct buffer *made;

	/* of the op */
	const struct step *step;
	const struct op *op; /* adapted */
	const struct op *more;
	size_t nr_more;
	struct run_result res;
	struct request req[REQ_TEMP_LIMIT + 1]; /* the last of each kind */
	u32 have;				/* bits: kinds of requests that were made */
	struct iova_range got[EX_RANGES];	/* what a RANGES gave */
	u8 *flags_before;			/* of the pages of its buffer */
	u32 caller;				/* in whose name the program speaks at this line */
	enum export_fate fate;
	struct text comment, code;

	struct text body;
	struct export_stats stats;
	bool no_memory;
};

#define VAR_SET	 1u
#define VAR_USED 2u

#endif
