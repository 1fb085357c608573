// SPDX-License-Identifier: GPL-2.0-only
#include "core/flush/registry.h"

#define POLICY(name) extern const struct flush_policy flush_policy_##name;
#include "core/flush/policies.def"
#undef POLICY

static const struct flush_policy *const policies[] = {
#define POLICY(name) &flush_policy_##name,
#include "core/flush/policies.def"
#undef POLICY
};

#define NAME_MAX_LEN 40 /* longer ones are near to nothing */

u32 flush_policy_count(void)
{
	return ARRAY_SIZE(policies);
}

const struct flush_policy *flush_policy_nth(u32 i)
{
	return i < ARRAY_SIZE(policies) ? policies[i] : NULL;
}

const struct flush_policy *flush_policy_find(const char *name)
{
	for (u32 i = 0; i < ARRAY_SIZE(policies); i++)
		if (!strcmp(policies[i]->name, name))
			return policies[i];
	return NULL;
}

/* Levenshtein, a row at a time; both names are at most NAME_MAX_LEN long. */
static u32 edit_distance(const char *a, const char *b)
{
	u32 row[NAME_MAX_LEN + 1], lb = strlen(b), diagonal, above;

	for (u32 j = 0; j <= lb; j++)
		row[j] = j;
	for (u32 i = 0; a[i]; i++) {
		diagonal = row[0];
		row[0] = i + 1;
		for (u32 j = 0; j < lb; j++) {
			above = row[j + 1];
			row[j + 1] = min(min(above, row[j]) + 1, diagonal + (a[i] != b[j]));
			diagonal = above;
		}
	}
	return row[lb];
}

const struct flush_policy *flush_policy_nearest(const char *name)
{
	const struct flush_policy *best = NULL;
	u32 len = strnlen(name, NAME_MAX_LEN + 1), least, distance;

	if (len > NAME_MAX_LEN)
		return NULL;
	least = max(2u, len / 2) + 1;
	for (u32 i = 0; i < ARRAY_SIZE(policies); i++) {
		distance = edit_distance(name, policies[i]->name);
		if (distance < least) {
			least = distance;
			best = policies[i];
		}
	}
	return best;
}
