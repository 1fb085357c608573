// SPDX-License-Identifier: GPL-2.0-only
#include "bench/rivals.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include "core/flush/clean.h"

#if defined(__x86_64__)
#define PLAIN_NAME "clflushopt"

/* As anybody would write it: the line is what the pages of a buffer are made of, no edges. */
static void plain_run(void *mem, size_t size)
{
	for (char *at = mem, *end = at + size; at < end; at += LINE_SIZE)
		asm volatile("clflushopt %0" : "+m"(*at));
}

static void store_past_caches(u8 *line)
{
	u64 zero = 0;

	for (u32 i = 0; i < LINE_SIZE / sizeof(zero); i++)
		asm volatile("movnti %1, %0" : "=m"(((u64 *)line)[i]) : "r"(zero));
}

#elif defined(__aarch64__)
#define PLAIN_NAME "civac"

static void plain_run(void *mem, size_t size)
{
	for (char *at = mem, *end = at + size; at < end; at += LINE_SIZE)
		asm volatile("dc civac, %0" ::"r"(at) : "memory");
}

static void store_past_caches(u8 *line)
{
	for (u32 i = 0; i < LINE_SIZE; i += 16)
		asm volatile("stnp xzr, xzr, [%0]" ::"r"(line + i) : "memory");
}

#else
#define PLAIN_NAME "null"

static void plain_run(void *mem, size_t size)
{
}

static void store_past_caches(u8 *line)
{
	memset(line, 0, LINE_SIZE);
}
#endif

static const char *no_instruction = "no such instruction here";

static const char *plain_why_not(void)
{
	char err[256];

	if (!strcmp(PLAIN_NAME, "null"))
		return no_instruction;
	return clean_find(PLAIN_NAME, err, sizeof(err)) ? NULL : no_instruction;
}

static void nt_fill_run(void *mem, size_t size)
{
	for (size_t at = 0; at < size; at += LINE_SIZE)
		store_past_caches((u8 *)mem + at);
}

static const char *nt_fill_why_not(void)
{
	return strcmp(PLAIN_NAME, "null") ? NULL : no_instruction;
}

/* Four sums, so that no addition waits for the one before. */
static void read_run(void *mem, size_t size)
{
	const u64 *v = mem;
	u64 a = 0, b = 0, c = 0, d = 0;

	for (size_t i = 0; i + 3 < size / sizeof(*v); i += 4) {
		a += v[i];
		b += v[i + 1];
		c += v[i + 2];
		d += v[i + 3];
	}
	asm volatile("" ::"r"(a + b + c + d) : "memory");
}

static void memset_run(void *mem, size_t size)
{
	memset(mem, 1, size);
	asm volatile("" ::"r"(mem) : "memory");
}

static const char *always(void)
{
	return NULL;
}

/* Loaded at run time: whoever has no libpmem builds and runs everything else. */
static struct {
	void *lib; /* stays loaded */
	void (*flush)(const void *mem, size_t size);
	void (*drain)(void);
	void (*persist)(const void *mem, size_t size);
} pmem;

static void pmem_load(void)
{
	pmem.lib = dlopen("libpmem.so.1", RTLD_NOW | RTLD_LOCAL);
	if (!pmem.lib)
		return;
	*(void **)&pmem.drain = dlsym(pmem.lib, "pmem_drain");
	*(void **)&pmem.persist = dlsym(pmem.lib, "pmem_persist");
	*(void **)&pmem.flush = dlsym(pmem.lib, "pmem_flush");
}

static const char *pmem_why_not(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, pmem_load);
	return pmem.flush && pmem.drain && pmem.persist ? NULL : "libpmem1 is not installed";
}

static void pmem_flush_run(void *mem, size_t size)
{
	pmem.flush(mem, size);
	pmem.drain();
}

static void pmem_persist_run(void *mem, size_t size)
{
	pmem.persist(mem, size);
}

const struct rival *rival_nth(u32 i)
{
	static const struct rival rivals[] = {
		{RIVAL_PLAIN, false, plain_run, plain_why_not},
		{RIVAL_PMEM, false, pmem_flush_run, pmem_why_not},
		{"pmem_persist", false, pmem_persist_run, pmem_why_not},
		{RIVAL_LIMIT, true, nt_fill_run, nt_fill_why_not},
		{"read", true, read_run, always},
		{"memset", true, memset_run, always},
	};

	return i < ARRAY_SIZE(rivals) ? &rivals[i] : NULL;
}
