/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A program as the mock can have it: run on the core, it says what iommufd is to answer. References
 * are identities already (bind.h).
 */
#ifndef NOSNOOP_EXPORT_ADAPT_H
#define NOSNOOP_EXPORT_ADAPT_H

#include "fuzz/export/export.h"

/* Of drivers/iommu/iommufd/iommufd_test.h and selftest.c; the same in 6.12 and 7.3. */
#define MOCK_FIRST     (1ULL << 24)
#define MOCK_LAST      ((1ULL << 31) - 1)
#define MOCK_PAGE_SIZE 2048ULL

/* Why an op is not what it was; the text that stands beside it. LEFT: the op does nothing. */
#define NOTES(X)                                                                  \
	X(COHERENCE, PARTLY, "a mock domain always snoops, so this one does too") \
	X(PGSIZE, PARTLY, "the page size is the mock's, 2048")                    \
	X(APERTURE, PARTLY, "the aperture is the mock's")                         \
	X(LEAVES, PARTLY, "a mock domain never runs out of leaves")               \
	X(REFUSE, PARTLY, "the selftest's access always lets go")                 \
	X(KTHREAD, PARTLY, "the selftest cannot ask as a kernel thread")          \
	X(PLACE, PARTLY, "the buffer is where the kernel puts it")                \
	X(CUT, LEFT, "no ioctl cuts an area and leaves both parts")               \
	X(UNRESERVE, LEFT, "the selftest cannot take a reservation back")         \
	X(REATTACH, LEFT, "iommufd cannot add a domain to a table twice")         \
	X(GUP, LEFT, "how many pages a GUP call gives cannot be limited")         \
	X(DEVICE, LEFT, "no device reads or writes through a mock domain")        \
	X(EVICT, LEFT, "caches are not seen from here")                           \
	X(GONE, LEFT, "the process is gone, nobody can ask in its name")          \
	X(BADOUT, LEFT, "memory that faults in another process")

enum note {
#define X(id, fate, text) NOTE_##id,
	NOTES(X)
#undef X
		NOTE_NR
};
const char *note_text(enum note note);
enum export_fate note_fate(enum note note);

/* An op of the adapted program. */
struct step {
	u32 number; /* op in the trace; 0: it is none of the trace's */
	u32 notes;  /* bits: enum note */
};

/* Addresses that are moved to where a mock domain reaches. */
#define MOVES_MAX 32
struct move {
	u64 first, last, to;
};
struct moves {
	u32 nr;
	struct move move[MOVES_MAX];
	bool too_many; /* or too large: all stay where they are */
};
void moves_plan(const struct program *p, struct moves *m);
void moves_apply(const struct moves *m, const struct op *op, struct op *to);

struct adapted {
	struct program program;
	struct step *steps; /* one for each op */
	u32 nr;
	struct moves moves;
	u32 here;     /* the task that is the test itself */
	u32 children; /* bits: tasks that are processes of their own */
};

/* What an op of the trace came to, as it is there. */
struct answer {
	int rc;
	bool fired; /* a failure was injected */
};

/* @answers: of op n at n, from 1. 0 or -ENOMEM. */
int adapt(const struct program *bound, const struct answer *answers, struct adapted *out);
void adapt_free(struct adapted *a);

#endif
