// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz/engine/target.h"

const struct target fuzz_target = {
	.name = "linux",
	.doc = "A program in binary form runs on a kernel tree's own files alone, stock or patched "
	       "(FUZZ_BACKEND: linux or ./tree.so), and the oracles must be silent; contracts "
	       "count where FUZZ_CONTRACTS names them.",
	.backend = "linux",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct backend_ops *backend = target_backend();
	const struct program *p = target_program(data, size);
	struct run_config cfg;

	target_config(&cfg, backend, backend->policy);
	target_judge(target_run(&cfg, p), target_named_contracts());
	return 0;
}
