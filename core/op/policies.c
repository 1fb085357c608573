// SPDX-License-Identifier: GPL-2.0-only
#include "core/op/policies.h"

#include <stdio.h>

#define COLUMNS 75

/* The registered names as indented lines behind what @err says already. */
static void append_names(char *err, size_t errlen)
{
	size_t at = strlen(err), column = COLUMNS;

	for (u32 i = 0; i < flush_policy_count(); i++) {
		const char *name = flush_policy_nth(i)->name;
		bool fits = column + strlen(name) + 1 <= COLUMNS;

		if (at + strlen(name) + 4 >= errlen)
			return;
		at += sprintf(err + at, "%s%s", fits ? " " : "\n  ", name);
		column = fits ? column + 1 + strlen(name) : 2 + strlen(name);
	}
}

static int add_one(struct policies *p, const struct flush_policy *policy, void *handle, char *err,
		   size_t errlen)
{
	for (u32 i = 0; i < p->nr; i++) {
		if (p->policy[i] != policy)
			continue;
		flush_policy_close(handle);
		return 0;
	}
	if (p->nr == POLICIES_MAX) {
		snprintf(err, errlen, "more than %d policies", POLICIES_MAX);
		flush_policy_close(handle);
		return -EINVAL;
	}
	p->policy[p->nr] = policy;
	p->handle[p->nr++] = handle;
	return 0;
}

static int add_registered(struct policies *p, bool only_sound, char *err, size_t errlen)
{
	int rc = 0;

	for (u32 i = 0; !rc && i < flush_policy_count(); i++) {
		const struct flush_policy *policy = flush_policy_nth(i);

		if (!only_sound || flush_policy_sound(policy))
			rc = add_one(p, policy, NULL, err, errlen);
	}
	return rc;
}

static int add_named(struct policies *p, const char *name, char *err, size_t errlen)
{
	const struct flush_policy *policy;
	void *handle;
	int rc;

	if (!strcmp(name, "all") || !strcmp(name, "sound"))
		return add_registered(p, *name == 's', err, errlen);
	rc = flush_policy_open(name, &policy, &handle, err, errlen);
	if (!rc)
		return add_one(p, policy, handle, err, errlen);
	if (rc == -ENOENT && !strchr(name, '/')) {
		snprintf(err + strlen(err), errlen - strlen(err), "; there are: all sound");
		append_names(err, errlen);
	}
	return -EINVAL;
}

int policies_add(struct policies *p, const char *arg, char *err, size_t errlen)
{
	char name[PATH_MAX];
	size_t len;
	int rc = 0;

	if (!*arg) {
		snprintf(err, errlen,
			 "no policy named, expected one, several with commas, all or sound");
		return -EINVAL;
	}
	for (; !rc && *arg; arg += len + (arg[len] == ',')) {
		len = strcspn(arg, ",");
		if (len >= sizeof(name)) {
			snprintf(err, errlen, "policy name too long");
			return -EINVAL;
		}
		memcpy(name, arg, len);
		name[len] = '\0';
		rc = add_named(p, name, err, errlen);
	}
	return rc;
}

void policies_close(struct policies *p)
{
	for (u32 i = 0; i < p->nr; i++)
		flush_policy_close(p->handle[i]);
	p->nr = 0;
}
