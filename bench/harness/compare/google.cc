// SPDX-License-Identifier: GPL-2.0-only
// The three cases of ours.c as one writes them for Google Benchmark.
#include <benchmark/benchmark.h>
#include <cstdint>
#include <cstdlib>

#include "bench/harness/compare/flush.h"

static void loop(benchmark::State &state)
{
	for (auto _ : state)
		asm volatile("" ::: "memory");
}

static void pause_resume(benchmark::State &state)
{
	for (auto _ : state) {
		state.PauseTiming();
		state.ResumeTiming();
	}
}

static void flush(benchmark::State &state)
{
	char *page = static_cast<char *>(aligned_alloc(4096, 4096));

	for (auto _ : state) {
		state.PauseTiming();
		dirty_page(page);
		state.ResumeTiming();
		flush_page(page);
	}
	free(page);
}

BENCHMARK(loop);
BENCHMARK(pause_resume)->Iterations(200000);
BENCHMARK(flush)->Iterations(100000);
BENCHMARK_MAIN();
