/* SPDX-License-Identifier: GPL-2.0-only */
/* Inputs of a fuzz target run without an engine, to be looked at one by one or compared. */
#ifndef NOSNOOP_ENGINE_REPLAY_H
#define NOSNOOP_ENGINE_REPLAY_H

#include <stdio.h>

#include "fuzz/engine/target.h"

struct input {
	char *path;
	u8 *bytes;
	size_t size;
};

struct inputs {
	struct input *input;
	size_t nr;
};

/*
 * Adds @nr programs of the generator with about @ops ops each, from @seed on, in the target's form:
 * named seed-<n>.
 */
void inputs_generate(struct inputs *all, u32 nr, u32 ops, u64 seed);
/* One more, zeroed; the caller fills it in. */
struct input *inputs_add(struct inputs *all);

#define REPLAY_SECONDS 10 /* an input that takes longer hangs */

/*
 * Each input in a process of its own; a line of JSON each: file, verdict (ok, finding, crash, hang),
 * then digest and states, or rule, policy, class, what was said, program as text, or signal. Returns the exit status: 0 or 1.
 */
int replay_each(const struct inputs *all, FILE *out);
/*
 * All in one process: in order, again, backwards, and shuffled. What differs is named. A finding
 * ends the process. Returns the exit status: 0 or 1. For the test of this test, FUZZ_LEAKY=1 has
 * each input's digest hold what came before.
 */
int replay_orders(const struct inputs *all, FILE *out);
/* All in one process: how many states they reach together. Ends as replay_orders() does; returns 0. */
int replay_states(const struct inputs *all, FILE *out);

#endif
