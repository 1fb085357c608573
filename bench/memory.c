// SPDX-License-Identifier: GPL-2.0-only
#include "bench/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "core/flush/clean.h"

#define HUGE_SIZE (2UL << 20)

const char *const memory_lines_name[MEMORY_LINES_NR] = {"dirty", "clean", "uncached"};

static _Thread_local struct memory *in_use;

static void lines_drop(void *start, size_t size)
{
	const struct clean_ops *drop = clean_best();

	drop->clean(start, size);
	drop->drain();
}

/* Bresenham's line: the dirty ones lie as far apart as they can. */
static void dirty_some(void *start, size_t size, u32 percent)
{
	u32 sum = 0;

	for (size_t at = 0; at < size; at += LINE_SIZE) {
		sum += percent;
		if (sum < 100)
			continue;
		sum -= 100;
		lines_dirty((u8 *)start + at, LINE_SIZE);
	}
}

void lines_prepare(void *start, size_t size, enum memory_lines lines)
{
	if (lines == MEMORY_DIRTY) {
		lines_dirty(start, size);
		return;
	}
	lines_drop(start, size);
	if (lines == MEMORY_CLEAN)
		lines_load(start, size);
}

static void prepare_page(const struct memory *m, void *page)
{
	if (m->lines != MEMORY_MIXED) {
		lines_prepare(page, PAGE_SIZE, m->lines);
		return;
	}
	lines_drop(page, PAGE_SIZE);
	dirty_some(page, PAGE_SIZE, m->dirty);
}

/* Pages from @page on, @n of them; those of this request are left as they are. */
static void prepare(struct memory *m, size_t page, size_t n)
{
	stopwatch_pause(m->watch);
	for (size_t i = page; i < page + n; i++) {
		if (m->seen[i] == m->request)
			continue;
		m->seen[i] = m->request;
		m->prepared++;
		prepare_page(m, m->base + i * PAGE_SIZE);
	}
	stopwatch_resume(m->watch);
}

static void prepare_and_clean(const void *start, size_t size)
{
	struct memory *m = in_use;
	size_t at = (const u8 *)start - m->base, end = at + size, ahead, n;

	for (; at < end; at += n) {
		size_t page = at >> PAGE_SHIFT;

		n = min(end - at, MEMORY_WINDOW);
		if (m->seen[page] != m->request) {
			ahead = max(n + (at & PAGE_MASK), m->window);
			ahead = min(ahead, m->size - page * PAGE_SIZE);
			prepare(m, page, round_up(ahead, PAGE_SIZE) >> PAGE_SHIFT);
		}
		m->real->clean(m->base + at, n);
	}
}

static int populate(struct memory *m)
{
	m->huge = !madvise(m->base, m->size, MADV_HUGEPAGE);
#ifdef MADV_POPULATE_WRITE
	if (!madvise(m->base, m->size, MADV_POPULATE_WRITE))
		return 0;
	if (errno != EINVAL)
		return -errno;
#endif
	for (size_t at = 0; at < m->size; at += PAGE_SIZE)
		((volatile u8 *)m->base)[at] = 1;
	return 0;
}

int memory_create(struct memory *m, size_t size, enum memory_lines lines,
		  const struct clean_ops *clean, struct stopwatch *watch)
{
	int rc;

	*m = (struct memory){.size = round_up(size, HUGE_SIZE), .lines = lines, .watch = watch};
	m->real = clean;
	m->ops = *clean;
	/* The null primitive stays free of any cost, that of looking whether to prepare included. */
	if (strcmp(clean->name, "null"))
		m->ops.clean = prepare_and_clean;
	m->seen = calloc(m->size >> PAGE_SHIFT, sizeof(*m->seen));
	if (!m->seen)
		return -ENOMEM;
	m->base = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m->base == MAP_FAILED) {
		m->base = NULL;
		rc = -errno;
		goto err;
	}
	rc = populate(m);
	if (!rc)
		return 0;
err:
	memory_destroy(m);
	return rc;
}

void memory_mix(struct memory *m, u32 percent)
{
	m->lines = MEMORY_MIXED;
	m->dirty = percent;
}

void memory_destroy(struct memory *m)
{
	if (m->base)
		munmap(m->base, m->size);
	free(m->seen);
	*m = (struct memory){0};
}

void memory_begin(struct memory *m)
{
	m->next = 0;
	in_use = m;
}

void memory_end(struct memory *m)
{
	in_use = NULL;
}

int memory_buffer(struct memory *m, struct machine *machine, struct buffer *b)
{
	size_t size = buffer_npages(b) << PAGE_SHIFT;

	if (size > m->size)
		return -ENOMEM;
	if (size > m->size - m->next)
		m->next = 0;
	buffer_set_memory(machine, b, m->base + m->next);
	m->next += size;
	return 0;
}

void memory_request(struct memory *m, u64 bytes)
{
	m->request++;
	m->window = min(bytes, MEMORY_WINDOW);
}

u64 memory_available(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	unsigned long long kib = 0;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemAvailable: %llu", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib << 10;
}
