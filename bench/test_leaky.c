// SPDX-License-Identifier: GPL-2.0-only
/* Fixture: a policy that forgets 40 bytes of malloc() with every page range that it is shown. */
#include <stdlib.h>

#include "core/flush/flush.h"

static int leaky_before_map(const struct flush_piece *p, u32 nr_nc)
{
	volatile char *forgotten = malloc(40);

	if (!forgotten)
		return -ENOMEM;
	*forgotten = 1;
	return 0;
}

static const struct flush_policy leaky = {
	.abi = FLUSH_ABI_VERSION,
	.size = sizeof(struct flush_policy),
	.name = "leaky",
	.what = "forgets memory",
	.before_map = leaky_before_map,
};

FLUSH_POLICY_EXPORT(leaky)
