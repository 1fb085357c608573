/* SPDX-License-Identifier: GPL-2.0-only */
/* The backend that a command line names: core, linux, ./tree.so. */
#ifndef NOSNOOP_BACKENDS_H
#define NOSNOOP_BACKENDS_H

#include "core/op/backend.h"
#include "core/op/policies.h"

/*
 * "core"; "linux": the tree that was built beside this program, or $NOSNOOP_LINUX_SO; or the path of
 * a shared object that core/linux/build.py made. NULL with @err filled in: lines for people.
 */
const struct backend_ops *backends_open(const char *arg, char *err, size_t errlen);
/* The same for what is timed: "linux" is the production build, where there is one. */
const struct backend_ops *backends_open_timed(const char *arg, char *err, size_t errlen);
void backends_close(const struct backend_ops *backend);
/*
 * What --policy said, for @backend: a tree runs its own rule, which is put in where nothing or just
 * that was named. -EINVAL with @err filled in.
 */
int backends_policies(const struct backend_ops *backend, struct policies *p, char *err,
		      size_t errlen);

#endif
