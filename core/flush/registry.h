/* SPDX-License-Identifier: GPL-2.0-only */
/* Which policies there are: those of policies.def, and shared objects that export one. */
#ifndef NOSNOOP_REGISTRY_H
#define NOSNOOP_REGISTRY_H

#include "core/flush/flush.h"

u32 flush_policy_count(void);
/* In the order of policies.def; NULL: past the end. */
const struct flush_policy *flush_policy_nth(u32 i);
const struct flush_policy *flush_policy_find(const char *name); /* NULL: no such policy */
/* The registered policy whose name is nearest to @name, for "did you mean"; NULL: none is near. */
const struct flush_policy *flush_policy_nearest(const char *name);

/*
 * A registered name, or the path of a shared object (it has a '/' or ends in ".so"). 0, or with one
 * line in @err: -ENOENT no such policy or file, -EPROTO built for another ABI or another flush.h,
 * -EINVAL no sound description of a policy, -ELIBBAD cannot be loaded. *handle (NULL for a
 * registered one) keeps the object loaded until flush_policy_close().
 */
int flush_policy_open(const char *path_or_name, const struct flush_policy **out, void **handle,
		      char *err, size_t errlen);
void flush_policy_close(void *handle);

/* Claims all of L, I, S0, O, U. */
static inline bool flush_policy_sound(const struct flush_policy *policy)
{
	return (policy->claims & CONTRACTS_SOUND) == CONTRACTS_SOUND;
}

#endif
