// SPDX-License-Identifier: GPL-2.0-only
#include "bench/counters/fake.h"

#include <stdlib.h>

struct fake_group {
	u32 core; /* events of a core's PMU */
	u32 open;
	bool on;
};

struct fake_event {
	struct fake *fake;
	const struct fake_answer *answer;
	struct fake_group *group;
	struct counter_raw now;
	u32 reads;
	bool core, leads;
};

static const struct fake_answer *answer_for(const struct fake *f, const char *name)
{
	for (u32 i = 0; i < f->nr; i++)
		if (!f->answer[i].event || !strcmp(f->answer[i].event, name))
			return &f->answer[i];
	return NULL;
}

static int open_in(struct fake *f, const struct counter_handle *leader, struct fake_event *e)
{
	struct fake_event *first = leader ? leader->priv : NULL;

	if (first && e->core && f->group_max && first->group->core == f->group_max)
		return -EINVAL;
	e->leads = !first;
	e->group = first ? first->group : calloc(1, sizeof(*e->group));
	if (!e->group)
		return -ENOMEM;
	e->group->open++;
	e->group->core += e->core;
	return 0;
}

static int fake_open(void *ctx, const struct counter_event *event, const struct counter_box *box,
		     const struct counter_handle *leader, bool user_only,
		     struct counter_handle *out)
{
	struct fake *f = ctx;
	const struct fake_answer *answer = answer_for(f, event->name);
	struct fake_event *e;
	int rc = answer ? answer->open : -ENOENT;

	if (rc)
		return rc;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	*e = (struct fake_event){
		.fake = f,
		.answer = answer,
		.core = event->kind == COUNTER_KIND_CORE,
	};
	rc = open_in(f, leader, e);
	if (rc) {
		free(e);
		return rc;
	}
	f->opened++;
	out->priv = e;
	return 0;
}

static int go_on(struct fake_event *e, struct counter_raw *out)
{
	const struct fake *f = e->fake;
	bool waits = e->core && f->group_turns && e->group->core > f->group_turns;

	e->reads++;
	if (e->answer->fails_at && e->reads >= e->answer->fails_at)
		return -EIO;
	e->now.enabled += e->answer->enabled;
	e->now.running += waits ? 0 : e->answer->running;
	e->now.value += waits ? 0 : e->answer->value;
	*out = e->now;
	return 0;
}

static int fake_read(const struct counter_handle *h, struct counter_raw *out)
{
	struct fake_event *e = h->priv;

	e->fake->reads++;
	return go_on(e, out);
}

static bool fake_may_user(const struct counter_handle *h)
{
	const struct fake_event *e = h->priv;

	return e->answer->user;
}

static int fake_read_user(const struct counter_handle *h, struct counter_raw *out)
{
	struct fake_event *e = h->priv;

	e->fake->user_reads++;
	return go_on(e, out);
}

static void fake_turn(const struct counter_handle *leader, bool on)
{
	struct fake_event *e = leader->priv;
	struct fake *f = e->fake;

	f->starts += on;
	f->stops += !on;
	f->astray += !e->leads || e->group->on == on;
	e->group->on = on;
}

static void fake_close(struct counter_handle *h)
{
	struct fake_event *e = h->priv;

	e->fake->closed++;
	if (!--e->group->open)
		free(e->group);
	free(e);
}

struct counter_source fake_source(struct fake *fake)
{
	return (struct counter_source){
		.name = "fake",
		.what = "what a test says",
		.ctx = fake,
		.open = fake_open,
		.read = fake_read,
		.may_user = fake_may_user,
		.read_user = fake_read_user,
		.turn = fake_turn,
		.close = fake_close,
	};
}
