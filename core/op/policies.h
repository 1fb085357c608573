/* SPDX-License-Identifier: GPL-2.0-only */
/* The policies that a command line names: P, P,Q, all, sound, ./mine.so. */
#ifndef NOSNOOP_POLICIES_H
#define NOSNOOP_POLICIES_H

#include "core/flush/registry.h"

#define POLICIES_MAX 128

struct policies {
	u32 nr;
	const struct flush_policy *policy[POLICIES_MAX];
	void *handle[POLICIES_MAX]; /* of shared objects */
};

/* Adds what @arg names. 0, or -EINVAL with @err filled in: lines for people, the known names
 * included. */
int policies_add(struct policies *p, const char *arg, char *err, size_t errlen);
void policies_close(struct policies *p);

#endif
