// SPDX-License-Identifier: GPL-2.0-only
#include "bench/counters/source.h"

static int none_open(void *ctx, const struct counter_event *event, const struct counter_box *box,
		     const struct counter_handle *leader, bool user_only,
		     struct counter_handle *out)
{
	return -ENOENT;
}

static int none_read(const struct counter_handle *h, struct counter_raw *out)
{
	return -ENOENT;
}

static void none_turn(const struct counter_handle *leader, bool on)
{
}

static void none_close(struct counter_handle *h)
{
}

const struct counter_source counters_none = {
	.name = "none",
	.what = "nothing is counted",
	.open = none_open,
	.read = none_read,
	.turn = none_turn,
	.close = none_close,
};
