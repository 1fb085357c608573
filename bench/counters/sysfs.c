// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel says about its PMUs, a folder each: `type`; `format/TERM`, the bits of a config
 * that a term fills, as "config:0-7,32-35"; `events/NAME`, a list of terms; `cpumask` of one that
 * does not belong to a core: the CPUs to open it on, one a socket.
 */
#include "bench/counters/names.h"

#include <ctype.h>
#include <dirent.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT	 1024
#define PATH_LEN 512

/* Without the newline. 0 or negative errno. */
static int read_text(char text[TEXT], const char *sysfs, const char *pmu, const char *folder,
		     const char *name)
{
	char path[PATH_LEN];
	FILE *f;

	if (snprintf(path, sizeof(path), "%s/%s/%s/%s", sysfs, pmu, folder, name) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	f = fopen(path, "re");
	if (!f)
		return -errno;
	if (!fgets(text, TEXT, f))
		*text = '\0';
	text[strcspn(text, "\n")] = '\0';
	fclose(f);
	return 0;
}

/* Is this folder the PMU, or one of the slices pmu_0, pmu_1 ...? */
static bool is_pmu(const char *folder, const char *pmu)
{
	size_t len = strlen(pmu);

	if (strncmp(folder, pmu, len))
		return false;
	folder += len;
	if (!*folder)
		return true;
	folder += *folder == '_';
	return isdigit((unsigned char)*folder) && !folder[strspn(folder, "0123456789")];
}

/* --- terms ------------------------------------------------------------------------------------ */

static int put_bits(const char *ranges, u64 value, u64 *config)
{
	u32 used = 0;

	while (*ranges) {
		char *end;
		u32 from = strtoul(ranges, &end, 10), to = from;

		if (end == ranges)
			return -EINVAL;
		if (*end == '-')
			to = strtoul(end + 1, &end, 10);
		if (to > 63 || to < from || (*end && *end != ','))
			return -EINVAL;
		for (; from <= to; from++, used++)
			*config |= (used < 64 ? value >> used & 1 : 0) << from;
		ranges = end + (*end == ',');
	}
	return used < 64 && value >> used ? -ERANGE : 0;
}

static int put_term(const char *format, u64 value, struct counter_event *out)
{
	const char *colon = strchr(format, ':');
	u32 i = 0;

	if (!colon || strncmp(format, "config", 6))
		return -EINVAL;
	if (format + 6 != colon)
		i = format[6] - '0';
	return i < COUNTER_CONFIG ? put_bits(colon + 1, value, &out->config[i]) : -EINVAL;
}

struct place {
	const char *sysfs, *pmu; /* the folder */
	const char *whole;	 /* as it was asked for */
	char *err;
	size_t errlen;
};

static int bad(const struct place *at, const char *term, const char *what)
{
	snprintf(at->err, at->errlen, "--events %s: %s: %s", at->whole, term, what);
	return -EINVAL;
}

static int parse_terms(const struct place *at, char *terms, bool named, struct counter_event *out);

/* One without a value: an event of the folder, or a bit to be set. */
static int parse_word(const struct place *at, const char *term, bool named,
		      struct counter_event *out)
{
	char text[TEXT];

	/* An event's own terms name no further event. */
	if (!named && !read_text(text, at->sysfs, at->pmu, "events", term))
		return parse_terms(at, text, true, out);
	if (read_text(text, at->sysfs, at->pmu, "format", term))
		return bad(
			at, term,
			"expected a name of the PMU's events/ or format/ in sysfs, as event=0x35");
	return put_term(text, 1, out) ? bad(at, term, "its format in sysfs is not understood") : 0;
}

static int parse_term(const struct place *at, char *term, bool named, struct counter_event *out)
{
	char *value = strchr(term, '='), *end, text[TEXT];
	u64 v;
	int rc;

	if (!value)
		return parse_word(at, term, named, out);
	*value++ = '\0';
	errno = 0;
	v = strtoull(value, &end, 0);
	if (!isdigit((unsigned char)*value) || *end || errno)
		return bad(at, term, "expected a number");
	if (strchr(term, '/') || read_text(text, at->sysfs, at->pmu, "format", term))
		return bad(at, term, "expected a name of the PMU's format/ in sysfs");
	rc = put_term(text, v, out);
	if (rc)
		return bad(at, term,
			   rc == -ERANGE ? "the value has more bits than the PMU takes"
					 : "its format in sysfs is not understood");
	return 0;
}

static int parse_terms(const struct place *at, char *terms, bool named, struct counter_event *out)
{
	char *rest, *term;
	int rc = 0;

	for (term = strtok_r(terms, ",", &rest); !rc && term; term = strtok_r(NULL, ",", &rest))
		rc = parse_term(at, term, named, out);
	return rc;
}

/* --- boxes ------------------------------------------------------------------------------------ */

/* "0,24" or "0-3": a box on each of them. */
static int add_cpus(const char *mask, u32 type, struct counter_event *out)
{
	int rc = 0;

	while (!rc && *mask) {
		char *end;
		long from = strtol(mask, &end, 10), to = from;

		if (end == mask)
			return -EINVAL;
		if (*end == '-')
			to = strtol(end + 1, &end, 10);
		for (; !rc && from <= to; from++)
			rc = counter_event_add_box(out, type, from);
		mask = end + (*end == ',');
	}
	return rc;
}

/* A PMU without cpumask belongs to the cores and follows the thread. */
static int add_folder(const char *sysfs, const char *folder, struct counter_event *out)
{
	char text[TEXT], mask[TEXT];
	u32 type;
	int rc = read_text(text, sysfs, folder, ".", "type");

	if (rc)
		return rc;
	type = strtoul(text, NULL, 10);
	if (read_text(mask, sysfs, folder, ".", "cpumask"))
		return counter_event_add_box(out, type, -1);
	out->kind = COUNTER_KIND_SYSTEM;
	return add_cpus(mask, type, out);
}

/* All that are called @pmu; @first gets the first folder's name, "" when there is none. */
static int add_folders(const char *sysfs, const char *pmu, char first[NAME_MAX + 1],
		       struct counter_event *out)
{
	DIR *dir = opendir(sysfs);
	struct dirent *d;
	int rc = 0;

	*first = '\0';
	while (!rc && dir && (d = readdir(dir))) {
		if (!is_pmu(d->d_name, pmu))
			continue;
		strcpy(first, d->d_name);
		rc = add_folder(sysfs, d->d_name, out);
	}
	if (dir)
		closedir(dir);
	return rc;
}

int counter_sysfs_parse(const char *text, const char *sysfs, struct counter_event *out, char *err,
			size_t errlen)
{
	size_t pmu_len = strcspn(text, "/"), len = strlen(text);
	char pmu[COUNTER_NAME], terms[COUNTER_NAME], folder[NAME_MAX + 1];
	struct place at = {sysfs, folder, text, err, errlen};
	int rc;

	if (!pmu_len || *text == '.' || len < pmu_len + 3 || len >= COUNTER_NAME ||
	    strchr(text + pmu_len + 1, '/') != text + len - 1) {
		snprintf(err, errlen, "--events %s: expected pmu/terms/, as uncore_cha/event=0x35/",
			 text);
		return -EINVAL;
	}
	memcpy(pmu, text, pmu_len);
	pmu[pmu_len] = '\0';
	memcpy(terms, text + pmu_len + 1, len - pmu_len - 2);
	terms[len - pmu_len - 2] = '\0';
	rc = add_folders(sysfs, pmu, folder, out);
	if (rc)
		snprintf(err, errlen, "--events %s: %s", text, strerror(-rc));
	if (rc || *folder)
		return rc ? rc : parse_terms(&at, terms, false, out);
	out->missing = -ENODEV;
	return 0;
}

/* The folder of a PMU by its type. */
static bool folder_of(u32 type, const char *sysfs, char folder[NAME_MAX + 1])
{
	DIR *dir = opendir(sysfs);
	struct dirent *d;
	char text[TEXT];
	bool found = false;

	while (!found && dir && (d = readdir(dir))) {
		if (*d->d_name == '.' || read_text(text, sysfs, d->d_name, ".", "type"))
			continue;
		found = strtoul(text, NULL, 10) == type;
		strcpy(folder, d->d_name);
	}
	if (dir)
		closedir(dir);
	return found;
}

int counter_sysfs_boxes(u32 type, bool all, const char *sysfs, struct counter_event *out)
{
	char folder[NAME_MAX + 1], first[NAME_MAX + 1];
	size_t len;

	if (type == PERF_TYPE_SOFTWARE)
		out->kind = COUNTER_KIND_SOFTWARE;
	if (type < PERF_TYPE_MAX || !folder_of(type, sysfs, folder))
		return counter_event_add_box(out, type, -1);
	if (!all)
		return add_folder(sysfs, folder, out);
	for (len = strlen(folder); len && isdigit((unsigned char)folder[len - 1]);)
		len--;
	if (len && folder[len] && folder[len - 1] == '_')
		len--;
	folder[len] = '\0';
	return add_folders(sysfs, folder, first, out);
}
