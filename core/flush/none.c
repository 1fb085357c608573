// SPDX-License-Identifier: GPL-2.0-only
#include "core/flush/flush.h"

/*
 * The floor of cost, and the canary of the oracle: map, attach NC breaks L, S0 and S1; then unmap
 * breaks I, or detach with a C domain left breaks E. O cannot fire without a clean.
 */
const struct flush_policy flush_policy_none = {
	.abi = FLUSH_ABI_VERSION,
	.size = sizeof(struct flush_policy),
	.name = "none",
	.what = "never flush",
	.claims = CONTRACT_O | CONTRACT_U,
};
