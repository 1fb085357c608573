// SPDX-License-Identifier: GPL-2.0-only
/* Fixture: built for another ABI, which it knows (TEST_ABI), or refuses everything (no TEST_ABI).
 */
#include "core/flush/flush.h"

#ifdef TEST_ABI
static const struct flush_policy other = {
	.abi = TEST_ABI, .size = 8, /* nothing behind `abi` may be believed */
};
#endif

NOSNOOP_EXPORT const struct flush_policy *nosnoop_policy(u32 abi);

const struct flush_policy *nosnoop_policy(u32 abi)
{
#ifdef TEST_ABI
	if (abi == TEST_ABI)
		return &other;
#endif
	return NULL;
}
