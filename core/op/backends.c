// SPDX-License-Identifier: GPL-2.0-only
#include "core/op/backends.h"
#include "core/op/backend_linux.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LINUX_SO	    "nosnoop-linux.so"
#define LINUX_PRODUCTION_SO "nosnoop-linux-production.so"

/* Beside this program, where the build puts it. */
static bool beside_us(const char *name, char path[PATH_MAX])
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (n < 0)
		return false;
	exe[n] = 0;
	n = snprintf(path, PATH_MAX, "%s/%s", dirname(exe), name);
	return n < PATH_MAX && !access(path, R_OK);
}

const struct backend_ops *backends_open(const char *arg, char *err, size_t errlen)
{
	const char *given = getenv("NOSNOOP_LINUX_SO");
	char path[PATH_MAX];

	if (!strcmp(arg, backend_core.name))
		return &backend_core;
	if (strchr(arg, '/'))
		return linux_backend_open(arg, err, errlen);
	if (strcmp(arg, "linux")) {
		snprintf(err, errlen,
			 "unknown backend \"%s\": wanted core, linux, or the path of a tree's "
			 "shared object",
			 arg);
		return NULL;
	}
	if (given)
		return linux_backend_open(given, err, errlen);
	if (beside_us(LINUX_SO, path))
		return linux_backend_open(path, err, errlen);
	snprintf(err, errlen,
		 "backend linux: no kernel tree was built into this folder; configure with "
		 "-DNOSNOOP_LINUX_TREE=$(scripts/linux-tree.sh)");
	return NULL;
}

const struct backend_ops *backends_open_timed(const char *arg, char *err, size_t errlen)
{
	char path[PATH_MAX];

	if (!strcmp(arg, "linux") && !getenv("NOSNOOP_LINUX_SO") &&
	    beside_us(LINUX_PRODUCTION_SO, path))
		return linux_backend_open(path, err, errlen);
	return backends_open(arg, err, errlen);
}

void backends_close(const struct backend_ops *backend)
{
	if (backend && backend != &backend_core)
		linux_backend_close(backend);
}

int backends_policies(const struct backend_ops *backend, struct policies *p, char *err,
		      size_t errlen)
{
	if (!backend->policy)
		return 0;
	if (p->nr) {
		snprintf(err, errlen,
			 "backend %s runs the rule of its own code, \"%s\"; --policy is for core",
			 backend->name, backend->policy->name);
		return -EINVAL;
	}
	p->policy[p->nr++] = backend->policy;
	return 0;
}
