// SPDX-License-Identifier: GPL-2.0-only
#include "bench/counters/source.h"

#include <stdio.h>

static const struct counter_source *const sources[] = {
	&counters_libperf, /* the best first */
	&counters_raw,
	&counters_none,
};

const struct counter_source *counter_source_nth(u32 i, const char **why_not)
{
	if (i >= ARRAY_SIZE(sources))
		return NULL;
	*why_not = sources[i]->open ? NULL
				    : "not in this build (scripts/libperf.sh, then cmake "
				      "-DNOSNOOP_LIBPERF=build/libperf)";
	return sources[i];
}

const struct counter_source *counter_source_find(const char *name, char *err, size_t errlen)
{
	const struct counter_source *source;
	const char *why_not;

	for (u32 i = 0; (source = counter_source_nth(i, &why_not)); i++) {
		if (name ? strcmp(name, source->name) : !!why_not)
			continue;
		if (!why_not)
			return source;
		snprintf(err, errlen, "--counters %s: %s", name, why_not);
		return NULL;
	}
	snprintf(err, errlen, "--counters %s: expected libperf, raw or none", name);
	return NULL;
}
