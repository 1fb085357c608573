/* SPDX-License-Identifier: GPL-2.0-only */
/* What the acceptance tests share: the corpus in memory, counts, and the words for a failure. */
#ifndef NOSNOOP_TEST_RIG_H
#define NOSNOOP_TEST_RIG_H

#include "core/flush/registry.h"
#include "core/op/judge.h"

/* The traces of a folder below the working directory, in the order of their names. */
struct corpus {
	u32 nr;
	struct trace *traces;
};

/* Adds, folders called linux left out; one that does not exist has no traces. Fails the test on a trace that is none. */
void corpus_load(struct corpus *c, const char *folder);
void corpus_free(struct corpus *c);

/* @count times the environment's NOSNOOP_TEST_SCALE (a decimal fraction, default 1), at least 1. */
u32 test_count(u32 count);

/* The policies that claim to be sound, in the order of reports. */
u32 sound_policies(void);
const struct flush_policy *sound_policy(u32 i); /* modulo how many there are */

/* A run for any configuration; reset from test to test. Fails the test when it cannot be made. */
struct run *test_run_of(struct run **r, const struct run_config *cfg);
/* Runs all of @p under @cfg in *@r. */
void test_run_program(struct run **r, const struct run_config *cfg, const struct program *p);

/* Fails the test, with the program and why: "policy: contract L at op 3", "R1 at op 4: ...". */
void test_as_claimed(const struct run *r, const struct program *p, const char *what);
/* Text and binary forms give the program back. */
void test_round_trips(const struct program *p, const char *what);
/* Prints the program and fails the test. */
void test_fail_on(const struct program *p, const char *fmt, ...) __printf(2, 3)
	__attribute__((noreturn));

#endif
