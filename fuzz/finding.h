/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A finding for people: a text trace under a header of comments, with the `expect` lines that make
 * nosnoop-replay exit 0 on it for its policy; and what tells two findings apart.
 */
#ifndef NOSNOOP_FINDING_H
#define NOSNOOP_FINDING_H

#include "fuzz/rule.h"
#include "fuzz/save.h"

struct finding {
	struct rule rule;
	const struct flush_policy *policy;
	const struct program *program; /* shrunk or not; its own EXPECT records are left out */
	u32 ops_before, ops_after;     /* shrinking; before 0: it was not shrunk */
	const char *policy_arg;	       /* as --policy knows it; NULL: its name */
	const char *command;	       /* that replays it; NULL: nosnoop-replay */
	const char *origin;	       /* a line about where it came from; NULL: none */
	const char *commit;	       /* commit_here(); NULL: not told */
	const char *how;	       /* said behind the rule, "Aborted"; NULL: nothing */
	bool has_seed;
	u64 seed;
};

/*
 * Runs the program once more as nosnoop-replay does and prints it. @r: a run to use, reset first.
 * @file: the name that the command to replay shows. free() the text. NULL with errno set: ENOMEM,
 * or ENOENT: the rule does not fire there.
 */
char *finding_text(const struct finding *f, struct run *r, const char *file, size_t *len);
/*
 * The same without expectations, and without a run: of a program that ends the process that runs
 * it. NULL with errno set: ENOMEM.
 */
char *finding_bare_text(const struct finding *f, const char *file, size_t *len);
/*
 * finding_text() as a file, never half-written. 0, or with one line in @err -ENOENT, -ENOMEM, or the
 * errno of the file system: the caller prints the text and exits with 3.
 */
int finding_write(const struct finding *f, struct run *r, const char *path, char *err,
		  size_t errlen);
/*
 * Replaces the EXPECT records of @p by those under which the verdict on @policy is good: @rule
 * first, then whatever else is broken or found. 0, -ENOMEM, or -ENOENT: @rule does not fire.
 */
int finding_expect(struct program *p, struct run *r, const struct flush_policy *policy,
		   const struct rule *rule);

/*
 * The shape of a shrunk program: op codes, what refers to what, and how addresses are meant; no
 * addresses, lengths, values, names or expectations. The same on every machine and in every
 * version: files are named after it.
 */
u64 finding_shape(const struct program *p);

#endif
