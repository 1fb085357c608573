// SPDX-License-Identifier: GPL-2.0-only
#include "bench/counters/perf.h"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static int raw_open(void *ctx, const struct counter_event *event, const struct counter_box *box,
		    const struct counter_handle *leader, bool user_only, struct counter_handle *out)
{
	struct perf_event_attr attr = perf_attr(event, box, !leader, user_only);
	bool system = event->kind == COUNTER_KIND_SYSTEM;
	void *page;

	out->fd = syscall(SYS_perf_event_open, &attr, system ? -1 : 0, box->cpu,
			  leader ? leader->fd : -1, PERF_FLAG_FD_CLOEXEC);
	if (out->fd < 0)
		return -errno;
	/* Without the page it is read(): locked memory is a limited good. */
	page = mmap(NULL, PAGE_SIZE, PROT_READ, MAP_SHARED, out->fd, 0);
	out->priv = page == MAP_FAILED ? NULL : page;
	return 0;
}

static int raw_read(const struct counter_handle *h, struct counter_raw *out)
{
	ssize_t n = read(h->fd, out, sizeof(*out));

	return n == sizeof(*out) ? 0 : n < 0 ? -errno : -EIO;
}

static bool raw_may_user(const struct counter_handle *h)
{
	return h->priv && perf_user_allowed(h->priv);
}

static int raw_read_user(const struct counter_handle *h, struct counter_raw *out)
{
	return perf_user_read(h->priv, &perf_user_here, out);
}

static void raw_turn(const struct counter_handle *leader, bool on)
{
	ioctl(leader->fd, on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, 0);
}

static void raw_close(struct counter_handle *h)
{
	if (h->priv)
		munmap(h->priv, PAGE_SIZE);
	close(h->fd);
}

const struct counter_source counters_raw = {
	.name = "raw",
	.what = "perf_event_open()",
	.open = raw_open,
	.read = raw_read,
	.may_user = raw_may_user,
	.read_user = raw_read_user,
	.turn = raw_turn,
	.close = raw_close,
};
