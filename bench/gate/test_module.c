// SPDX-License-Identifier: GPL-2.0-only
/* Fixture: gate modules that must be refused. What they offer is never called. */
#include "bench/gate/module.h"

extern const struct gate_module nosnoop_gate_module;
__attribute__((visibility("default"))) const struct gate_module nosnoop_gate_module = {
	.abi = TEST_ABI,
	.module_size = sizeof(struct gate_module),
	.config_size = sizeof(struct gate_config),
	.counts_size = TEST_COUNTS,
};
