/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A kernel tree's own iommufd files as a backend: a shared object that core/linux/build.py made of
 * the tree, and the machine below it. Several may be loaded in one process.
 *
 * Errors: linux_backend_open() gives NULL with a line for people in @err.
 */
#ifndef NOSNOOP_BACKEND_LINUX_H
#define NOSNOOP_BACKEND_LINUX_H

#include "core/op/backend.h"

struct linux_backend_about {
	const char *name; /* "linux-6.12.117" */
	const char *hash; /* sha256 of the files under test */
	const char *features, *lacks;
	bool flushes, fault_points;
};

/*
 * The backend's policy is "linux": what the tree's code does. It claims to be sound where that code
 * calls a function that cleans, and otherwise only U, which every kernel owes.
 */
const struct backend_ops *linux_backend_open(const char *path, char *err, size_t errlen);
/* NULL: @ops is no kernel tree. */
const struct linux_backend_about *linux_backend_about(const struct backend_ops *ops);
/*
 * Makes a call of the machine that @b, a kernel tree, made: by the way that its code takes, through
 * the seam. What a pin returns goes to @pfns.
 */
void linux_backend_call(struct backend *b, const struct machine_call *call, u64 *pfns);
void linux_backend_close(const struct backend_ops *ops);

#endif
