// SPDX-License-Identifier: GPL-2.0-only
/*
 * Did the thread stay on its CPU? A thread may leave the address of a critical section in its rseq
 * area. Whenever the kernel takes the thread off its CPU, moves it or delivers a signal, it looks
 * whether the thread stood in that section, and if not, erases the address. The section named here
 * is one that no thread ever stands in, so the address survives exactly if nothing happened; asking
 * costs one load. A body with rseq sections of its own always counts as disturbed.
 */
#define _GNU_SOURCE
#include "bench/harness/harness_priv.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__)) && defined(SYS_rseq)
#define HAS_RSEQ
#endif

#if defined(__x86_64__)
#define SIGNATURE 0x53053053u
#else
#define SIGNATURE 0xd428bc00u
#endif

static _Thread_local volatile uint64_t no_mark;

#ifdef HAS_RSEQ

/* The kernel's descriptor; the abort address must lie outside of the section, behind the signature. */
struct section {
	uint32_t version, flags;
	uint64_t start, length, abort;
} __attribute__((aligned(32)));

static const struct {
	uint32_t signature, abort, never[2];
} landing = {.signature = SIGNATURE};

static struct section section;

/* The beginning of the kernel's record of a thread. */
struct area {
	uint32_t cpu_id_start, cpu_id;
	volatile uint64_t section;
	uint32_t flags, pad[3];
} __attribute__((aligned(32)));

static _Thread_local struct area own = {.cpu_id = -1};

/* Those of glibc since 2.35; with an older one both are absent, and we register. */
extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));

static char *thread_pointer(void)
{
	char *tp;

#if defined(__x86_64__)
	__asm__("mov %%fs:0, %0" : "=r"(tp));
#else
	__asm__("mrs %0, tpidr_el0" : "=r"(tp));
#endif
	return tp;
}

static struct area *area_of_thread(void)
{
	if (&__rseq_size && &__rseq_offset && __rseq_size)
		return (struct area *)(thread_pointer() + __rseq_offset);
	if ((int32_t)own.cpu_id >= 0 || !syscall(SYS_rseq, &own, sizeof(own), 0, SIGNATURE))
		return &own;
	return NULL;
}

static bool use_rseq(struct harness_region *r)
{
	struct area *area = area_of_thread();

	if (!area)
		return false;
	section.start = (uintptr_t)&landing.never;
	section.length = 1;
	section.abort = (uintptr_t)&landing.abort;
	r->mark = &area->section;
	r->unbroken = (uintptr_t)&section;
	return true;
}
#else
static bool use_rseq(struct harness_region *r)
{
	return false;
}
#endif

void harness_marks_init(struct harness_region *r)
{
	if (use_rseq(r))
		return;
	r->mark = &no_mark;
	r->unbroken = 0;
}

static bool counts_switches(void)
{
#ifdef RUSAGE_THREAD
	struct rusage u;

	return !getrusage(RUSAGE_THREAD, &u);
#else
	return false;
#endif
}

const char *harness_marks(void)
{
	struct harness_region r = {0};

	if (use_rseq(&r))
		return "rseq";
	return counts_switches() ? "getrusage" : "n/a";
}

uint64_t harness_marks_switches(void)
{
#ifdef RUSAGE_THREAD
	struct rusage u;

	if (!getrusage(RUSAGE_THREAD, &u))
		return (uint64_t)u.ru_nvcsw + u.ru_nivcsw;
#endif
	return 0;
}
