/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is judged and timed: programs of the op language. The made ones (workloads/families.h) are
 * written as text, so that `nosnoop-bench list NAME` can print them for replay; the recorded ones
 * are the .ops files of corpus/recorded; a file may also be named.
 */
#ifndef NOSNOOP_BENCH_WORKLOADS_H
#define NOSNOOP_BENCH_WORKLOADS_H

#include "core/op/program.h"

struct workload {
	char *name;
	char *what;    /* a line for people */
	char *text;    /* of a made one, or of the file */
	bool recorded; /* or a file that was named */
	u32 parameter; /* N of a made one that is called NAME:N; else 0 */
	struct program program;
	u32 nr_ops;
	u64 pages;   /* of all its buffers */
	u64 largest; /* buffer, in pages */
};

struct workloads {
	struct workload *w;
	u32 nr;
};

struct workload_options {
	u64 size;	    /* bytes of the guest's RAM; the others take a share of it */
	u64 seed;	    /* which of the guest's RAM is scattered */
	const char *corpus; /* the folder that holds recorded/; NULL: none of the recorded ones */
	/*
	 * NAME, NAME:N, a recorded one's name, FILE.ops, all, recorded, made; several with commas. NULL:
	 * all.
	 */
	const char *names;
};

#define WORKLOAD_SIZE_MIN (64ULL << 20)
#define WORKLOAD_SIZE_MAX (1ULL << 40)

/*
 * 0, or a negative errno with one line in @err. The recorded streams come first in `all`; a name that
 * comes twice counts once, and two FILE.ops that differ must have different names.
 */
int workloads_make(struct workloads *out, const struct workload_options *opt, char *err,
		   size_t errlen);
void workloads_free(struct workloads *w);
/* Bytes of real pages that timed runs of them need. */
u64 workloads_memory(const struct workloads *w);
const struct workload *workloads_find(const struct workloads *w, const char *name);

/*
 * The corpus folder: @given, or found beside the sources that the executable was built from, or
 * below the current folder. NULL with one line in @err. free() it.
 */
char *workloads_corpus(const char *given, char *err, size_t errlen);

#endif
