// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz/engine/target.h"

const struct target fuzz_target = {
	.name = "plugin-diff",
	.doc = "two policies",
	.policies = "eager,exact",
	.backend = "core",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct policies *policies = target_policies();
	const struct program *p = target_program(data, size);
	struct run_config cfg;

	for (u32 i = 0; i < policies->nr; i++) {
		target_config(&cfg, target_backend(), policies->policy[i]);
		target_judge(target_run(&cfg, p), target_contracts(cfg.policy));
	}
	return 0;
}
