// SPDX-License-Identifier: GPL-2.0-only
/* Memory of a page size, and the state of its lines. */
#define _GNU_SOURCE
#include "bench/harness/harness_priv.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#define HUGE_SIZE (2UL << 20)
#define PAGE	  4096UL

void lines_dirty(void *mem, size_t size)
{
	for (size_t at = 0; at < size; at += HARNESS_LINE)
		*(volatile uint64_t *)((uint8_t *)mem + at) = at;
}

void lines_load(const void *mem, size_t size)
{
	for (size_t at = 0; at < size; at += HARNESS_LINE)
		(void)*(const volatile uint64_t *)((const uint8_t *)mem + at);
}

#if defined(__x86_64__)
static bool has_clflushopt(void)
{
	uint32_t eax, ebx, ecx, edx;

	return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && ebx & 1u << 23;
}

static void drop_lines(void *mem, size_t size)
{
	bool opt = has_clflushopt();

	for (size_t at = 0; at < size; at += HARNESS_LINE) {
		uint8_t *line = (uint8_t *)mem + at;

		if (opt)
			__asm__ volatile("clflushopt %0" : "+m"(*line));
		else
			__asm__ volatile("clflush %0" : "+m"(*line));
	}
	full_fence();
}
#elif defined(__aarch64__)
static void drop_lines(void *mem, size_t size)
{
	uint64_t ctr, line;

	__asm__("mrs %0, ctr_el0" : "=r"(ctr));
	line = 4UL << (ctr >> 16 & 0xf);
	for (size_t at = 0; at < size; at += line)
		__asm__ volatile("dc civac, %0" ::"r"((uint8_t *)mem + at) : "memory");
	full_fence();
}
#else
static void drop_lines(void *mem, size_t size)
{
}
#endif

static bool can_drop(void)
{
#if defined(__x86_64__) || defined(__aarch64__)
	return true;
#else
	return false;
#endif
}

/* Lines leave the caches first, so that it does not matter what ran before. */
void harness_state_set(enum harness_state state, void *mem, size_t size, struct remote *remote)
{
	if (state == HARNESS_ANY || !size)
		return;
	drop_lines(mem, size);
	if (state == HARNESS_DIRTY)
		lines_dirty(mem, size);
	else if (state == HARNESS_REMOTE)
		harness_remote_dirty(remote, mem, size);
	else if (state == HARNESS_CLEAN)
		lines_load(mem, size);
}

/* What the kernel says about the mapping that begins at @base; kB, -1: it does not say. */
static long huge_kb(const void *base)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	unsigned long from, to;
	bool here = false;
	char line[512];
	long kb = -1;

	while (f && kb < 0 && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			here = from <= (uintptr_t)base && (uintptr_t)base < to;
		else if (here && sscanf(line, "AnonHugePages: %ld", &kb) != 1)
			kb = -1;
	}
	if (f)
		fclose(f);
	return kb;
}

static const char *populate(struct harness_buffer *b, enum harness_pages pages)
{
	bool huge = pages == HARNESS_2M;

	if (madvise(b->base, b->size, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) && huge)
		return "this kernel has no transparent huge pages";
	for (size_t at = 0; at < b->size; at += PAGE)
		((volatile uint8_t *)b->base)[at] = 1;
	if (huge && huge_kb(b->base) < (long)(b->size >> 10))
		return "the kernel gave no huge pages for all of the memory";
	return NULL;
}

int harness_buffer_create(struct harness_buffer *b, size_t size, enum harness_pages pages)
{
	size = (size + PAGE + HUGE_SIZE - 1) & -HUGE_SIZE; /* a page of room to shift by */
	*b = (struct harness_buffer){.size = size, .mapped = size + HUGE_SIZE};
	b->mapping =
		mmap(NULL, b->mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (b->mapping == MAP_FAILED) {
		b->mapping = NULL;
		return -errno;
	}
	b->base = (uint8_t *)(((uintptr_t)b->mapping + HUGE_SIZE - 1) & -HUGE_SIZE);
	b->why = populate(b, pages);
	return 0;
}

void harness_buffer_destroy(struct harness_buffer *b)
{
	if (b->mapping)
		munmap(b->mapping, b->mapped);
	*b = (struct harness_buffer){0};
}

uint8_t *harness_buffer_at(const struct harness_buffer *b, size_t align)
{
	return b->base + (align < PAGE ? align : 0);
}

const char *harness_state_name(enum harness_state state)
{
	static const char *const name[HARNESS_STATES] = {"any", "dirty", "clean", "uncached",
							 "remote"};

	return name[state];
}

const char *harness_pages_name(enum harness_pages pages)
{
	static const char *const name[HARNESS_PAGES] = {"4K", "2M"};

	return name[pages];
}

const char *harness_state_why_not(enum harness_state state)
{
	const char *why = NULL;
	struct remote *remote;

	if ((state == HARNESS_CLEAN || state == HARNESS_UNCACHED) && !can_drop())
		return "no instruction of this architecture drops a line in user space";
	if (state == HARNESS_REMOTE) {
		remote = harness_remote_start(&why);
		harness_remote_stop(remote);
	}
	return why;
}
