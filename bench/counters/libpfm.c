// SPDX-License-Identifier: GPL-2.0-only
/* Names by libpfm4: encoded for the PMUs that are here, looked up in the tables of all others. */
#include "bench/counters/names.h"

#ifdef NOSNOOP_LIBPFM
#include <perfmon/pfmlib_perf_event.h>
#include <stdlib.h>
#include <strings.h>

/* The part of @text before one of @ends equals @name. */
static bool part_is(const char *text, const char *ends, const char *name)
{
	size_t len = strcspn(text, ends);

	return strlen(name) == len && !strncasecmp(text, name, len);
}

/* @attribute: of the event, as L2_WB of L2_TRANS.L2_WB; "" for none. */
static bool has_attribute(const pfm_event_info_t *event, const char *attribute)
{
	for (int i = 0; *attribute && i < event->nattrs; i++) {
		pfm_event_attr_info_t info = {.size = sizeof(info)};

		if (pfm_get_event_attr_info(event->idx, i, PFM_OS_NONE, &info) == PFM_SUCCESS &&
		    part_is(attribute, ":.=", info.name))
			return true;
	}
	return !*attribute;
}

static bool in_pmu(const pfm_pmu_info_t *pmu, const char *event)
{
	const char *attribute = event + strcspn(event, ":.");

	attribute += *attribute != '\0';
	for (int i = pmu->first_event; i != -1; i = pfm_get_event_next(i)) {
		pfm_event_info_t info = {.size = sizeof(info)};

		if (pfm_get_event_info(i, PFM_OS_NONE, &info) == PFM_SUCCESS &&
		    part_is(event, ":.", info.name) && has_attribute(&info, attribute))
			return true;
	}
	return false;
}

/* Does any PMU of the tables have it, here or elsewhere? */
static bool in_tables(const char *name)
{
	const char *colons = strstr(name, "::"), *event = colons ? colons + 2 : name;
	int i;

	pfm_for_all_pmus(i)
	{
		pfm_pmu_info_t pmu = {.size = sizeof(pmu)};

		if (pfm_get_pmu_info(i, &pmu) == PFM_SUCCESS &&
		    (!colons || part_is(name, ":", pmu.name)) && in_pmu(&pmu, event))
			return true;
	}
	return false;
}

static int encode(const char *name, struct perf_event_attr *attr)
{
	pfm_perf_encode_arg_t arg = {.attr = attr, .size = sizeof(arg)};

	return pfm_get_os_event_encoding(name, PFM_PLM3, PFM_OS_PERF_EVENT, &arg);
}

int counter_libpfm_find(const char *name, const char *sysfs, struct counter_event *out)
{
	struct perf_event_attr attr = {.size = sizeof(attr)};

	if (pfm_initialize() != PFM_SUCCESS)
		return -ENOSYS;
	if (encode(name, &attr) != PFM_SUCCESS) {
		if (!in_tables(name))
			return -ENOENT;
		out->missing = -ENODEV;
		return 0;
	}
	out->config[0] = attr.config;
	out->config[1] = attr.config1;
	out->config[2] = attr.config2;
	/* One name, many slices: which of them was meant is only known when a PMU is named. */
	return counter_sysfs_boxes(attr.type, !strstr(name, "::"), sysfs, out);
}
#else
int counter_libpfm_find(const char *name, const char *sysfs, struct counter_event *out)
{
	return -ENOSYS;
}
#endif
