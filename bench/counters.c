// SPDX-License-Identifier: GPL-2.0-only
#include "bench/counters.h"

#include <linux/perf_event.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define COUNTER_TYPE_TSC PERF_TYPE_MAX
#define HANDLE_TSC	 INT_MAX

static const struct {
	const char *name;
	u32 type;
	u64 config;
} events[COUNTER_NR] = {
#define X(id, name, type, config) {name, type, config},
	COUNTER_EVENTS(X)
#undef X
};

const char *counter_name(enum counter_id id)
{
	return events[id].name;
}

/* --- perf_event_open() ------------------------------------------------------------------------ */

static int open_perf(enum counter_id id, bool user_only)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = events[id].type,
		.config = events[id].config,
		.disabled = 1,
		.exclude_kernel = user_only,
		.exclude_hv = 1,
		.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
	};
	long fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : (int)fd;
}

static int perf_open(enum counter_id id, bool *user_only)
{
	int fd;

	if (events[id].type == COUNTER_TYPE_TSC) {
#ifdef __x86_64__
		return HANDLE_TSC;
#else
		return -ENOENT;
#endif
	}
	*user_only = events[id].type == PERF_TYPE_HARDWARE;
	fd = open_perf(id, *user_only);
	if (fd != -EACCES && fd != -EPERM)
		return fd;
	*user_only = true;
	return open_perf(id, true);
}

static int perf_read(int handle, struct counter_raw *out)
{
	ssize_t n;

	if (handle == HANDLE_TSC)
		return -ENODATA; /* the caller reads it at start and stop */
	n = read(handle, out, sizeof(*out));
	return n == sizeof(*out) ? 0 : n < 0 ? -errno : -EIO;
}

/* One system call for all events of this process: none of them counts the starting of the others.
 */
static void perf_start(void)
{
	prctl(PR_TASK_PERF_EVENTS_ENABLE, 0, 0, 0, 0);
}

static void perf_stop(void)
{
	prctl(PR_TASK_PERF_EVENTS_DISABLE, 0, 0, 0, 0);
}

static void perf_close(int handle)
{
	if (handle != HANDLE_TSC)
		close(handle);
}

const struct counter_source counters_perf = {
	.name = "perf_event_open",
	.open = perf_open,
	.read = perf_read,
	.start = perf_start,
	.stop = perf_stop,
	.close = perf_close,
};

static int none_open(enum counter_id id, bool *user_only)
{
	return -ENOENT;
}

static void none_switch(void)
{
}

const struct counter_source counters_none = {
	.name = "none",
	.open = none_open,
	.start = none_switch,
	.stop = none_switch,
};

/* --- whatever the source is ------------------------------------------------------------------- */

static u64 read_tsc(void)
{
#ifdef __x86_64__
	return __builtin_ia32_rdtsc();
#else
	return 0;
#endif
}

static bool is_tsc(const struct counters *c, u32 i)
{
	return c->event[i].handle == HANDLE_TSC;
}

void counters_open(struct counters *c, const struct counter_source *source)
{
	*c = (struct counters){.source = source};
	for (u32 i = 0; i < COUNTER_NR; i++)
		c->event[i].handle = source->open(i, &c->event[i].user_only);
}

void counters_close(struct counters *c)
{
	for (u32 i = 0; i < COUNTER_NR; i++)
		if (c->event[i].handle >= 0)
			c->source->close(c->event[i].handle);
	counters_open(c, &counters_none);
}

void counters_start(struct counters *c)
{
	c->source->start();
	if (is_tsc(c, COUNTER_TSC))
		c->event[COUNTER_TSC].last.value -= read_tsc();
}

/* The time stamp counter has no switch: between stop and start, last.value holds its sum so far. */
void counters_stop(struct counters *c)
{
	if (is_tsc(c, COUNTER_TSC))
		c->event[COUNTER_TSC].last.value += read_tsc();
	c->source->stop();
}

static void add_one(struct counters *c, u32 i, struct counter_sum *sum)
{
	struct counter_raw now, *last = &c->event[i].last;
	u64 value, enabled, running;
	int rc;

	if (is_tsc(c, i)) {
		sum->available = true;
		sum->value += last->value;
		last->value = 0;
		return;
	}
	rc = c->source->read(c->event[i].handle, &now);
	if (rc) {
		c->source->close(c->event[i].handle);
		c->event[i].handle = rc;
		sum->available = false;
		return;
	}
	value = now.value - last->value;
	enabled = now.enabled - last->enabled;
	running = now.running - last->running;
	*last = now;
	/* Opened, but it never got a counter: what is known is nothing, not 0. */
	sum->available |= running || !enabled;
	if (running < enabled)
		sum->multiplexed = true;
	sum->value += running && running < enabled ? (double)value * enabled / running : value;
}

void counters_add(struct counters *c, struct counter_sum *sums)
{
	for (u32 i = 0; i < COUNTER_NR; i++)
		if (c->event[i].handle >= 0)
			add_one(c, i, &sums[i]);
}

const char *counter_why_not(const struct counters *c, enum counter_id id)
{
	return c->event[id].handle >= 0 ? NULL : strerror(-c->event[id].handle);
}
