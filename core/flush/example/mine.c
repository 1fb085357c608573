// SPDX-License-Identifier: GPL-2.0-only
/* A policy outside the registry: flush each NC fill and each unpin. See ../README.md for the
 * command. */
#include "core/flush/flush.h"

static int mine_before_map(const struct flush_piece *p, u32 nr_nc)
{
	if (nr_nc)
		flush_clean_piece(p);
	return 0;
}

static void mine_before_unpin(const struct flush_piece *p, enum flush_unpin_why why)
{
	flush_clean_piece(p);
}

static const struct flush_policy mine = {
	.abi = FLUSH_ABI_VERSION,
	.size = sizeof(struct flush_policy),
	.name = "mine",
	.what = "flush each NC fill and each unpin",
	.claims = CONTRACTS_SOUND | CONTRACT_S1,
	.before_map = mine_before_map,
	.before_unpin = mine_before_unpin,
};

FLUSH_POLICY_EXPORT(mine)
