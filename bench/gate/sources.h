/* SPDX-License-Identifier: GPL-2.0-only */
/* What --base and --candidate name, as shared objects that can be loaded. */
#ifndef NOSNOOP_GATE_SOURCES_H
#define NOSNOOP_GATE_SOURCES_H

#include "core/compat/compat.h"

enum gate_source_kind { GATE_COMMIT, GATE_FOLDER, GATE_MODULE, GATE_POLICY };

struct gate_source {
	const char *spec;
	enum gate_source_kind kind;
	char so[PATH_MAX];     /* the gate module */
	char policy[PATH_MAX]; /* of this side: a name, or a plug-in's path */
	char commit[80];       /* or "n/a" */
	char subject[160];     /* or "n/a" */
	bool cached;	       /* was built before */
};

struct gate_sources {
	struct gate_source base, candidate;
	char top[PATH_MAX]; /* the checkout that builds; "" where nothing was built */
};

/*
 * Builds what has to be built. @policy: what both builds run; ignored between two plug-ins. 0;
 * -EINVAL: bad input; -ENOEXEC: it does not build, which was said on standard error already. *culprit:
 * whose trouble it is. A line in @err.
 */
int gate_sources_open(struct gate_sources *s, const char *base, const char *candidate,
		      const char *policy, const struct gate_source **culprit, char *err,
		      size_t errlen);
const char *gate_source_kind_name(enum gate_source_kind kind);

#endif
