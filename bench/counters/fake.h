/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A source for tests: says what it was told to say, event by event. Every reading goes on from the
 * one before by the answer's numbers.
 */
#ifndef NOSNOOP_BENCH_COUNTERS_FAKE_H
#define NOSNOOP_BENCH_COUNTERS_FAKE_H

#include "bench/counters/source.h"

struct fake_answer {
	const char *event; /* its name; NULL: all that are not named before */
	int open;	   /* 0; or negative errno */
	u64 value, enabled, running;
	u32 fails_at; /* the reading from which on it is -EIO, from 1; 0: never */
	bool user;    /* may be read while it counts */
};

struct fake {
	const struct fake_answer *answer;
	u32 nr;
	u32 group_max;	 /* core events that fit into a group, more are -EINVAL; 0: any number */
	u32 group_turns; /* a group of more core events is opened and has never its turn; 0: none */
	/* What happened. */
	u32 opened, closed, starts, stops, reads, user_reads;
	u32 astray; /* turned: no leader, or what was so already */
};

/* A source that answers so; both must stay where they are while it is used. */
struct counter_source fake_source(struct fake *fake);

#endif
