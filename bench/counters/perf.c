// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading a counter in user space. The kernel writes a page beside each event: which hardware
 * counter it has just now, what it counted before it got that one, and how to turn the time stamp
 * counter into the event's times. `lock` is odd or different when that changed meanwhile: then all
 * of it is read again. An event that has no counter just now is as far as the page says.
 *
 * arm64 lets user space in only when asked to with the event, and after a sysctl: there it is
 * read().
 */
#include "bench/counters/perf.h"

#define TRIES 1000

struct perf_event_attr perf_attr(const struct counter_event *event, const struct counter_box *box,
				 bool leader, bool user_only)
{
	bool system = event->kind == COUNTER_KIND_SYSTEM;

	return (struct perf_event_attr){
		.size = sizeof(struct perf_event_attr),
		.type = box->type,
		.config = event->config[0],
		.config1 = event->config[1],
		.config2 = event->config[2],
		.disabled = leader,
		/* Boxes outside of cores cannot tell who it was, and refuse to be asked. */
		.exclude_kernel = user_only && !system,
		.exclude_hv = user_only && !system,
		.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
	};
}

/* --- user space ------------------------------------------------------------------------------- */

#ifdef __x86_64__
static u64 here_counter(u32 index)
{
	return __builtin_ia32_rdpmc(index);
}

static u64 here_clock(void)
{
	return __builtin_ia32_rdtsc();
}
#else
static u64 here_counter(u32 index)
{
	return 0;
}

static u64 here_clock(void)
{
	return 0;
}
#endif

const struct perf_user_ops perf_user_here = {here_counter, here_clock};

bool perf_user_allowed(const struct perf_event_mmap_page *page)
{
#ifdef __x86_64__
	return page->cap_user_rdpmc && page->cap_user_time;
#else
	return false;
#endif
}

/* The product does not fit into 64 bits. */
static u64 scale_clock(u64 ticks, u32 mult, u32 shift)
{
	return (u64)((unsigned __int128)ticks * mult >> shift);
}

static void read_once(const volatile struct perf_event_mmap_page *p,
		      const struct perf_user_ops *ops, struct counter_raw *out)
{
	u32 index = p->index, width = p->pmc_width;
	u64 ticks = ops->clock(), delta;

	if (p->cap_user_time_short)
		ticks = p->time_cycles + ((ticks - p->time_cycles) & p->time_mask);
	delta = p->time_offset + scale_clock(ticks, p->time_mult, p->time_shift);
	out->value = p->offset;
	out->enabled = p->time_enabled + delta;
	out->running = p->time_running;
	if (!index)
		return;
	out->running += delta;
	/* Counters are narrower than 64 bits and count up from a negative number. */
	out->value += (s64)(ops->counter(index - 1) << (64 - width)) >> (64 - width);
}

int perf_user_read(const struct perf_event_mmap_page *page, const struct perf_user_ops *ops,
		   struct counter_raw *out)
{
	const volatile struct perf_event_mmap_page *p = page;
	u32 lock;

	for (u32 i = 0; i < TRIES; i++) {
		lock = p->lock;
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		read_once(p, ops, out);
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		if (p->lock == lock && !(lock & 1))
			return 0;
	}
	return -EAGAIN;
}
