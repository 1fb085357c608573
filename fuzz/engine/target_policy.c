// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz/engine/target.h"

#include <stdio.h>
#include <stdlib.h>

const struct target fuzz_target = {
	.name = "policy",
	.doc = "A program in binary form runs under one policy (FUZZ_POLICY: a name or ./mine.so; "
	       "exact), and the oracles must be silent.",
	.policies = "exact",
	.backend = "core",
	.max_pages = 16, /* pages cost most; large buffers are the business of ops */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct policies *policies = target_policies();
	const struct program *p = target_program(data, size);
	struct run_config cfg;

	if (policies->nr != 1) {
		fprintf(stderr, "FUZZ_POLICY: %u policies, expected one (fuzz-ops takes several)\n",
			policies->nr);
		exit(2);
	}
	target_config(&cfg, target_backend(), policies->policy[0]);
	target_judge(target_run(&cfg, p), target_contracts(cfg.policy));
	return 0;
}
