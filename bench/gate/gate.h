/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The gate: base and candidate on every workload, first what can be counted, then instructions, then
 * time; a verdict for each and one for all.
 */
#ifndef NOSNOOP_GATE_H
#define NOSNOOP_GATE_H

#include "bench/gate/accept.h"
#include "bench/gate/decide.h"
#include "bench/gate/exact.h"
#include "bench/gate/sources.h"
#include "bench/workloads.h"

#define GATE_PAIRS     100U
#define GATE_PROCESSES 3U
#define GATE_RETAKEN   8U

struct gate_options {
	const char *base, *candidate, *policy;
	bool policy_given; /* which is bad input between two policies */
	const char *
		workload; /* NULL: the first 12 that are not too large; "all": these; or as workloads_make() takes them */
	const char *corpus;
	double seconds; /* of a workload: what is retried has to fit; builds apart */
	u64 seed;
	bool exact_only, instructions, times;
	bool same_too; /* time two builds that are the same bytes */
	bool progress;
};

enum gate_state { GATE_NOT_DONE, GATE_DONE, GATE_CANNOT };

struct gate_row {
	const struct workload *w;
	struct gate_counts counts[2]; /* base, candidate */
	bool beyond_base;	      /* base cannot run it: its language may be younger */
	struct gate_exact exact;
	enum gate_state instructions_state, time_state;
	u64 instructions[2];
	struct gate_effect effect;
	double run_ns;		     /* about, of a run of all of it */
	u32 timed_ops;		     /* a long stream is timed by its first ops alone */
	u32 passes, retaken, redone; /* of a pair; processes, and samples, taken again */
	const struct gate_accept *accept_instructions, *accept_time;
	enum gate_decision verdict;
	char why[256]; /* of GATE_CANNOT, and of an invalid row that has no effect */
};

struct gate_result {
	const struct gate_options *opt;
	struct gate_sources sources;
	struct gate_accepts accepts;
	struct workloads workloads;
	bool same;		    /* the builds are the same bytes */
	char *build_text;	    /* compiler and flags of base */
	char instructions_why[256]; /* why there are none */
	u32 nr;
	struct gate_row *rows;
	enum gate_decision
		verdict; /* of all: worse, or else invalid, or else better, or else same */
	double seconds;	 /* without builds */
};

/* 0; -ENOEXEC: *culprit does not build; another errno: bad input; a line in @err. Free it either way. */
int gate_run(const struct gate_options *opt, struct gate_result *out,
	     const struct gate_source **culprit, char *err, size_t errlen);
void gate_free(struct gate_result *r);

/* --- figures of a row ------------------------------------------------------------------------- */

#define GATE_METRIC_TIME	 "ns_per_page"
#define GATE_METRIC_INSTRUCTIONS "instructions"

/* candidate / base - 1; only where the state is GATE_DONE. */
double gate_row_instructions(const struct gate_row *row);
bool gate_row_worse_instructions(const struct gate_row *row);
bool gate_row_worse_time(const struct gate_row *row);
/* Of a time in ns of a run: a 4 KiB page that it maps, or of an op where it maps none. */
double gate_row_ns_per_page(const struct gate_row *row);

/* --- output ----------------------------------------------------------------------------------- */

/* At most 75 columns. */
void gate_print_text(const struct gate_result *r);
void gate_print_ktap(const struct gate_result *r);
int gate_print_json(const struct gate_result *r);
/* The worst regression as a sentence with the commit; to be freed; NULL: there is none. */
char *gate_sentence(const struct gate_result *r);

#endif
