/* SPDX-License-Identifier: GPL-2.0-only */
/* The fuzz target's one entry; the engines and fuzz_main.c call it. */
#ifndef NOSNOOP_FUZZ_OPS_H
#define NOSNOOP_FUZZ_OPS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Any bytes: a program in binary form, run and judged. Returns 0; a finding is printed and ends the
 * process in a function of its own class. The environment variables FUZZ_POLICY and FUZZ_CONTRACTS
 * are read at the first call.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
