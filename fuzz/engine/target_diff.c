// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz/engine/target.h"

#include <stdio.h>
#include <stdlib.h>

const struct target fuzz_target = {
	.name = "diff",
	.doc = "A program in binary form runs on the core and on a kernel tree's own files "
	       "(FUZZ_BACKEND: linux or ./tree.so) side by side, and both must come to the same.",
	.policies = "none",
	.backend = "linux",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct backend_ops *twin = target_backend();
	const struct program *p = target_program(data, size);
	struct run_config cfg;

	/* Never flushing, as the stock tree does: then caches and memory are compared, too. */
	target_config(&cfg, &backend_core, target_policies()->policy[0]);
	cfg.twin = twin;
	/* What comes out is compared, and digests of the run would be in it. */
	cfg.digests = RUN_DIGESTS_NONE;
	target_judge(target_run(&cfg, p), 0);
	return 0;
}
