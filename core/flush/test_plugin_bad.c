// SPDX-License-Identifier: GPL-2.0-only
/* Fixture: the right ABI, and one field wrong: whatever the build overrides. */
#include "core/flush/flush.h"

#ifndef TEST_LIES_ABI
#define TEST_LIES_ABI FLUSH_ABI_VERSION
#endif
#ifndef TEST_SIZE
#define TEST_SIZE sizeof(struct flush_policy)
#endif
#ifndef TEST_NAME
#define TEST_NAME "bad"
#endif
#ifndef TEST_WHAT
#define TEST_WHAT "a policy with a mistake"
#endif
#ifndef TEST_CLAIMS
#define TEST_CLAIMS CONTRACT_U
#endif
#ifndef TEST_NEEDS
#define TEST_NEEDS 0
#endif

static void before_unmap(const struct flush_piece *p, const struct flush_domain *domain)
{
}

static const struct flush_policy bad = {
	.abi = TEST_LIES_ABI,
	.size = TEST_SIZE,
	.name = TEST_NAME,
	.what = TEST_WHAT,
	.claims = TEST_CLAIMS,
	.needs = TEST_NEEDS,
	.before_unmap = before_unmap,
};

FLUSH_POLICY_EXPORT(bad)
