// SPDX-License-Identifier: GPL-2.0-only
#include "bench/counters/names.h"

#include <ctype.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static const struct {
	const char *name;
	enum counter_kind kind;
	u32 type;
	u64 config;
} standard[COUNTER_STANDARD] = {
#define X(id, name, kind, type, config) {name, COUNTER_KIND_##kind, type, config},
	COUNTER_EVENTS(X)
#undef X
};

int counter_event_add_box(struct counter_event *e, u32 type, s32 cpu)
{
	struct counter_box *more = realloc(e->box, (e->nr_boxes + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	more[e->nr_boxes++] = (struct counter_box){type, cpu};
	e->box = more;
	return 0;
}

const char *counter_scope(const struct counter_event *e, bool user_only)
{
	if (e->kind == COUNTER_KIND_TSC)
		return "ticks of the time stamp counter";
	if (e->kind == COUNTER_KIND_SYSTEM)
		return "whole system";
	return user_only ? "user" : "user and kernel";
}

static int add_standard(struct counter_list *list)
{
	int rc = 0;

	for (u32 i = 0; !rc && i < COUNTER_STANDARD; i++) {
		struct counter_event *e = &list->event[list->nr++];

		snprintf(e->name, sizeof(e->name), "%s", standard[i].name);
		e->kind = standard[i].kind;
		e->config[0] = standard[i].config;
		if (e->kind != COUNTER_KIND_TSC)
			rc = counter_event_add_box(e, standard[i].type, -1);
#ifndef __x86_64__
		else
			e->missing = -ENOENT;
#endif
	}
	return rc;
}

static bool listed(const struct counter_list *list, u32 nr, const char *name)
{
	for (u32 i = 0; i < nr; i++)
		if (!strcasecmp(list->event[i].name, name))
			return true;
	return false;
}

/* rNNNN, in hex: what the manual of the CPU calls event and unit mask. */
static int find_raw(const char *name, struct counter_event *out)
{
	char *end;

	if (name[0] != 'r' || !isxdigit((unsigned char)name[1]))
		return -ENOENT;
	errno = 0;
	out->config[0] = strtoull(name + 1, &end, 16);
	if (*end || errno)
		return -ENOENT;
	return counter_event_add_box(out, PERF_TYPE_RAW, -1);
}

static int parse_text(const char *text, struct counter_event *out, char *err, size_t errlen)
{
	if (strchr(text, '/'))
		return counter_sysfs_parse(text, COUNTER_SYSFS, out, err, errlen);
	return find_raw(text, out);
}

static int find_named(const char *name, struct counter_event *out, char *err, size_t errlen)
{
	struct counter_cpu cpu;
	const char *text;
	int known, rc;

	counter_cpu_read(&cpu);
	known = counter_known_find(name, &cpu, &text);
	if (!known)
		return parse_text(text, out, err, errlen);
	rc = counter_libpfm_find(name, COUNTER_SYSFS, out);
	if (known == -ENODEV && (rc == -ENOENT || rc == -ENOSYS)) {
		out->missing = -ENODEV;
		return 0;
	}
	return rc;
}

static int find(const char *name, struct counter_event *out, char *err, size_t errlen)
{
	int rc;

	snprintf(out->name, sizeof(out->name), "%s", name);
	*err = '\0';
	rc = parse_text(name, out, err, errlen);
	if (rc == -ENOENT)
		rc = find_named(name, out, err, errlen);
	if (!rc || *err)
		return rc;
	if (rc == -ENOSYS)
		snprintf(err, errlen,
			 "--events %s: not known without libpfm4 (libpfm4-dev when building), "
			 "expected rNNNN, pmu/event/ or a name of `nosnoop-bench list --counters`",
			 name);
	else if (rc == -ENOENT)
		snprintf(err, errlen,
			 "--events %s: neither perf nor libpfm4 knows this event, expected a name "
			 "as L2_TRANS.L2_WB, rNNNN, or pmu/event/",
			 name);
	else
		snprintf(err, errlen, "--events %s: %s", name, strerror(-rc));
	return rc;
}

static int add_one(struct counter_list *list, const char *name, char *err, size_t errlen)
{
	if (!*name) {
		snprintf(err, errlen, "--events: expected names with commas between them");
		return -EINVAL;
	}
	/* Those are counted anyway. */
	if (listed(list, COUNTER_STANDARD, name))
		return 0;
	if (listed(list, list->nr, name)) {
		snprintf(err, errlen, "--events: %s is there twice", name);
		return -EINVAL;
	}
	if (strlen(name) >= COUNTER_NAME || list->nr == COUNTERS_MAX) {
		snprintf(err, errlen, "--events: expected at most %d events of %d characters each",
			 COUNTERS_MAX - COUNTER_STANDARD, COUNTER_NAME - 1);
		return -E2BIG;
	}
	return find(name, &list->event[list->nr++], err, errlen);
}

/* Up to the next comma that is not between slashes; cuts it off. */
static char *next_name(char **rest)
{
	bool inside = false;
	char *name = *rest, *p;

	for (p = name; *p && (*p != ',' || inside); p++)
		inside ^= *p == '/';
	*rest = *p ? p + 1 : NULL;
	*p = '\0';
	return name;
}

int counter_list_make(struct counter_list *list, const char *names, char *err, size_t errlen)
{
	struct counter_cpu cpu;
	char *copy, *rest;
	int rc;

	*list = (struct counter_list){0};
	counter_cpu_read(&cpu);
	names = names ? names : counter_known_default(&cpu);
	copy = strdup(names);
	rc = copy ? add_standard(list) : -ENOMEM;
	if (rc)
		snprintf(err, errlen, "--events: %s", strerror(-rc));
	rest = *names ? copy : NULL;
	while (!rc && rest)
		rc = add_one(list, next_name(&rest), err, errlen);
	free(copy);
	return rc;
}

void counter_list_free(struct counter_list *list)
{
	for (u32 i = 0; i < list->nr; i++)
		free(list->event[i].box);
	*list = (struct counter_list){0};
}
