// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include "core/flush/clean.h"
#include "core/flush/clean_arch.h"

static void null_clean(const void *start, size_t size)
{
}

static void null_drain(void)
{
}

/* The base line of every measurement: decides like a full clean and costs nothing. */
static const struct clean_ops clean_null = {
	.name = "null",
	.invalidates = true,
	.clean = null_clean,
	.drain = null_drain,
};

static const struct {
	const char *name, *arch;
} primitives[] = {
	{"null", NULL},	  {"clflush", "x86-64"}, {"clflushopt", "x86-64"}, {"clwb", "x86-64"},
	{"nt", "x86-64"}, {"civac", "arm64"},	 {"cvac", "arm64"},
};

static const struct clean_arch *find_arch(const char *name)
{
	for (u32 i = 0; i < clean_arch_nr; i++)
		if (!strcmp(clean_arch[i].ops->name, name))
			return &clean_arch[i];
	return NULL;
}

bool clean_nth(u32 i, struct clean_info *info)
{
	const struct clean_arch *ca;

	if (i >= ARRAY_SIZE(primitives))
		return false;
	*info = (struct clean_info){.name = primitives[i].name};
	if (!primitives[i].arch) {
		info->ops = &clean_null;
		return true;
	}
	ca = find_arch(info->name);
	if (!ca)
		info->why = "an instruction of another architecture";
	else if (!ca->available())
		info->why = "this CPU does not offer it";
	else
		info->ops = ca->ops;
	return true;
}

static void say_unknown(const char *name, char *err, size_t errlen)
{
	size_t n = snprintf(err, errlen, "unknown clean primitive \"%s\", known are", name);

	for (u32 i = 0; i < ARRAY_SIZE(primitives) && n < errlen; i++)
		n += snprintf(err + n, errlen - n, "%s %s", i ? "," : "", primitives[i].name);
}

const struct clean_ops *clean_find(const char *name, char *err, size_t errlen)
{
	struct clean_info info;

	for (u32 i = 0; clean_nth(i, &info); i++) {
		if (strcmp(info.name, name))
			continue;
		if (!info.ops)
			snprintf(err, errlen,
				 "clean primitive %s (%s) is not available on this %s machine: %s",
				 name, primitives[i].arch, clean_arch_name, info.why);
		return info.ops;
	}
	say_unknown(name, err, errlen);
	return NULL;
}

const struct clean_ops *clean_best(void)
{
	for (u32 i = 0; i < clean_arch_nr; i++)
		if (clean_arch[i].ops->invalidates && clean_arch[i].available())
			return clean_arch[i].ops;
	return &clean_null;
}
