// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fixture: a rule as a plug-in, and the same rule made worse in one place by a macro. A gate between
 * two of these has the same core on both sides.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/flush/flush.h"

#ifndef TEST_POLICY_ABI
#define TEST_POLICY_ABI FLUSH_ABI_VERSION
#endif

#ifdef TEST_EXITS_LOADED
__attribute__((constructor)) static void ends_the_process(void)
{
	_exit(0);
}
#endif

#ifdef TEST_HANGS_LOADED
__attribute__((constructor)) static void never_returns(void)
{
	for (;;)
		pause();
}
#endif

static int before_map(const struct flush_piece *p, u32 nr_nc)
{
	if (!nr_nc)
		return 0;
#ifdef TEST_PRINTS
	puts("a policy that is being looked at");
#endif
#ifdef TEST_CRASHES
	abort();
#endif
#ifdef TEST_HANGS
	for (;;)
		pause();
#endif
#ifdef TEST_FORGETS
	if (p->first == 0)
		return 0;
#endif
	flush_clean_piece(p);
#ifdef TEST_FLUSHES_TWICE
	for (u64 i = p->first; i <= p->last; i++)
		if (i % 1000 == 999)
			flush_clean(p, i, i);
#endif
#ifdef TEST_DRAINS_TWICE
	if (p->first == 0)
		p->host->drain(p);
#endif
	return 0;
}

static void after_unmap(const struct flush_piece *p, const struct flush_domain *domain)
{
	if (domain->nc)
		flush_clean_piece(p);
}

static const struct flush_policy policy = {
	.abi = TEST_POLICY_ABI,
	.size = sizeof(struct flush_policy),
	.name = "gate_test",
	.what = "around every exposure, one flush for all domains of a request",
	.claims = CONTRACTS_ALL,
	.needs = FLUSH_NEED_UNMAP_PFNS,
	.before_map = before_map,
	.after_unmap = after_unmap,
};

FLUSH_POLICY_EXPORT(policy)
