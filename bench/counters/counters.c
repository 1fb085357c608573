// SPDX-License-Identifier: GPL-2.0-only
/*
 * How groups are found. Core events of a PMU are one group, software events one; an uncore event
 * is read box by box and is in none. A group grows event by event; one that the kernel refuses as a
 * member and takes alone begins the next group. What the kernel takes may still not fit (a counter
 * that the watchdog holds is not known to it): so a group is tried out, and halved until its
 * parts run. One event that is alone and never runs is not available.
 */
#include "bench/counters/counters.h"

#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>

/* Types below are names for events of the one PMU that all cores have. */
#define OWN_TYPES PERF_TYPE_MAX

#define TRY_ROUNDS 32 /* groups take turns of a millisecond or four */
#define TRY_SPINS  200000

/* --- open ------------------------------------------------------------------------------------- */

static void close_event(struct counters *c, struct counter *e)
{
	while (e->nr_handles)
		c->source->close(&e->handle[--e->nr_handles]);
	free(e->handle);
	e->handle = NULL;
	e->group = 0;
	e->leads = false;
}

/* All of its boxes, or none. */
static int open_boxes(struct counters *c, struct counter *e, const struct counter *leader)
{
	const struct counter_handle *of_leader = leader ? leader->handle : NULL;
	int rc = 0;

	e->handle = calloc(e->event->nr_boxes, sizeof(*e->handle));
	if (!e->handle)
		return -ENOMEM;
	for (u32 i = 0; !rc && i < e->event->nr_boxes; i++) {
		rc = c->source->open(c->source->ctx, e->event, &e->event->box[i], of_leader,
				     e->user_only, &e->handle[i]);
		e->nr_handles += !rc;
	}
	if (rc)
		close_event(c, e);
	return rc;
}

static int open_event(struct counters *c, struct counter *e, const struct counter *leader)
{
	int rc;

	e->user_only = e->event->kind == COUNTER_KIND_CORE;
	rc = open_boxes(c, e, leader);
	if ((rc == -EACCES || rc == -EPERM) && e->event->kind == COUNTER_KIND_SOFTWARE) {
		e->user_only = true;
		rc = open_boxes(c, e, leader);
	}
	/* Some PMUs cannot tell who it was, without being uncore: what they count, all count. */
	if (rc == -EINVAL && !leader && e->event->kind == COUNTER_KIND_CORE &&
	    e->event->box->type >= OWN_TYPES) {
		e->user_only = false;
		rc = open_boxes(c, e, NULL);
	}
	return rc;
}

static bool may_user(const struct counters *c, const struct counter *e)
{
	return e->event->kind == COUNTER_KIND_CORE && c->source->may_user &&
	       c->source->may_user(e->handle);
}

static void settle(struct counters *c, struct counter *e, int rc, u32 group)
{
	e->why = rc;
	e->group = rc ? 0 : group;
	e->last = e->sum = (struct counter_raw){0};
	e->user_read = !rc && may_user(c, e);
}

static bool is_core(const struct counters *c, u32 i)
{
	return c->event[i].event->kind == COUNTER_KIND_CORE;
}

static void note(struct counters *c, const char *what, u32 from, u32 to)
{
	size_t len = strlen(c->notes);
	char *at = c->notes + len;

	snprintf(at, sizeof(c->notes) - len, "group from %s to %s: %s\n",
		 c->event[from].event->name, c->event[to].event->name, what);
}

/* The first of these that is open and in this group. */
static struct counter *leader_of(struct counters *c, u32 group)
{
	for (u32 i = 0; i < c->nr; i++)
		if (group && c->event[i].group == group)
			return &c->event[i];
	return NULL;
}

/*
 * @leader: of the group so far, NULL for none. True: the group had no room, the event is the
 * leader of the next one.
 */
static bool open_member(struct counters *c, struct counter *e, struct counter **leader)
{
	int rc = open_event(c, e, *leader);
	bool alone = *leader && rc == -EINVAL;

	if (alone)
		rc = open_event(c, e, NULL);
	if (!rc && (alone || !*leader)) {
		c->nr_groups++;
		*leader = e;
	}
	settle(c, e, rc, c->nr_groups);
	e->leads = !rc && *leader == e;
	return alone && !rc;
}

/* One group to begin with: events with the same type of PMU, as far as @belongs says. */
static void open_group(struct counters *c, const u32 *member, u32 nr)
{
	struct counter *leader = NULL;

	for (u32 i = 0; i < nr; i++)
		if (open_member(c, &c->event[member[i]], &leader))
			note(c, "too large for the PMU, split", member[0], member[i]);
}

static bool together(const struct counter_event *a, const struct counter_event *b)
{
	if (a->kind != b->kind)
		return false;
	return a->kind == COUNTER_KIND_SOFTWARE || a->box->type == b->box->type ||
	       (a->box->type < OWN_TYPES && b->box->type < OWN_TYPES);
}

static bool grouped(const struct counter *e)
{
	return !e->event->missing &&
	       (e->event->kind == COUNTER_KIND_CORE || e->event->kind == COUNTER_KIND_SOFTWARE);
}

static void open_groups(struct counters *c)
{
	bool done[COUNTERS_MAX] = {false};

	for (u32 i = 0; i < c->nr; i++) {
		u32 member[COUNTERS_MAX], nr = 0;

		for (u32 k = i; k < c->nr && grouped(&c->event[i]); k++)
			if (!done[k] && grouped(&c->event[k]) &&
			    together(c->event[i].event, c->event[k].event)) {
				member[nr++] = k;
				done[k] = true;
			}
		open_group(c, member, nr);
	}
}

static void settle_alone(struct counters *c, struct counter *e)
{
	settle(c, e, open_event(c, e, NULL), 0);
	e->leads = !e->why;
}

static void open_others(struct counters *c)
{
	for (u32 i = 0; i < c->nr; i++) {
		struct counter *e = &c->event[i];

		if (e->event->missing)
			e->why = e->event->missing;
		else if (e->event->kind == COUNTER_KIND_TSC && c->source == &counters_none)
			e->why = -ENOENT;
		else if (e->event->kind == COUNTER_KIND_SYSTEM)
			settle_alone(c, e);
	}
}

/* --- on and off ------------------------------------------------------------------------------- */

static void turn(struct counters *c, const struct counter *e, bool software, bool on)
{
	if (!e->leads || (e->event->kind == COUNTER_KIND_SOFTWARE) != software)
		return;
	for (u32 i = 0; i < e->nr_handles; i++)
		c->source->turn(&e->handle[i], on);
}

/*
 * A system call a group. Software events innermost: they would count the others' calls, in the
 * kernel too; of theirs a core's events see some ten instructions in user mode.
 */
static void turn_on(struct counters *c)
{
	for (u32 i = 0; i < c->nr; i++)
		turn(c, &c->event[i], false, true);
	for (u32 i = 0; i < c->nr; i++)
		turn(c, &c->event[i], true, true);
}

static void turn_off(struct counters *c)
{
	for (u32 i = c->nr; i--;)
		turn(c, &c->event[i], true, false);
	for (u32 i = c->nr; i--;)
		turn(c, &c->event[i], false, false);
}

/* --- does it run? ----------------------------------------------------------------------------- */

static int read_boxes(struct counters *c, const struct counter *e, struct counter_raw *out)
{
	int rc = 0;

	*out = (struct counter_raw){0};
	for (u32 i = 0; !rc && i < e->nr_handles; i++) {
		struct counter_raw one;

		rc = c->source->read(&e->handle[i], &one);
		if (rc)
			break;
		out->value += one.value;
		out->enabled += one.enabled;
		out->running += one.running;
	}
	return rc;
}

/* Leaders of core groups that had no turn yet: their groups into @waits[]. */
static u32 waiting(struct counters *c, u32 *waits)
{
	u32 nr = 0;

	for (u32 g = 1; g <= c->nr_groups; g++) {
		struct counter *leader = leader_of(c, g);
		struct counter_raw now;

		if (!leader || leader->event->kind != COUNTER_KIND_CORE)
			continue;
		if (!read_boxes(c, leader, &now) && !now.running)
			waits[nr++] = g;
	}
	return nr;
}

static u32 try_out(struct counters *c, u32 *waits)
{
	u32 nr = 0;

	for (u32 i = 0; i < TRY_ROUNDS; i++) {
		turn_on(c);
		for (volatile u32 spin = 0; spin < TRY_SPINS; spin++)
			;
		turn_off(c);
		nr = waiting(c, waits);
		if (!nr)
			break;
	}
	return nr;
}

/* Members behind their leader: closed in reverse, opened again as two groups. */
static void halve(struct counters *c, u32 group)
{
	u32 member[COUNTERS_MAX], nr = 0, half;

	for (u32 i = 0; i < c->nr; i++)
		if (c->event[i].group == group)
			member[nr++] = i;
	for (u32 i = nr; i--;)
		close_event(c, &c->event[member[i]]);
	if (nr == 1) {
		c->event[member[0]].why = -EBUSY;
		return;
	}
	note(c, "never had a turn, halved", member[0], member[nr - 1]);
	half = (nr + 1) / 2;
	open_group(c, member, half);
	open_group(c, member + half, nr - half);
}

/* What was counted meanwhile is nobody's. */
static void forget(struct counters *c)
{
	for (u32 i = 0; i < c->nr; i++) {
		struct counter *e = &c->event[i];
		int rc = e->nr_handles ? read_boxes(c, e, &e->last) : 0;

		if (rc)
			e->why = rc;
	}
}

static void make_run(struct counters *c)
{
	u32 waits[COUNTERS_MAX], nr;

	/* Every round halves what waits: as many as a group has members are enough. */
	for (u32 i = 0; i < COUNTERS_MAX; i++) {
		nr = try_out(c, waits);
		if (!nr)
			return;
		for (u32 k = 0; k < nr; k++)
			halve(c, waits[k]);
	}
}

static bool has_core(const struct counters *c)
{
	for (u32 i = 0; i < c->nr; i++)
		if (is_core(c, i) && c->event[i].nr_handles)
			return true;
	return false;
}

void counters_open(struct counters *c, const struct counter_source *source,
		   const struct counter_list *list)
{
	*c = (struct counters){.source = source, .list = list, .nr = list->nr};
	for (u32 i = 0; i < c->nr; i++)
		c->event[i].event = &list->event[i];
	open_groups(c);
	open_others(c);
	if (has_core(c))
		make_run(c);
	forget(c);
}

/* Members came behind their leaders, and go before them. */
void counters_close(struct counters *c)
{
	for (u32 i = c->nr; i--;) {
		close_event(c, &c->event[i]);
		c->event[i].why = -ENOENT;
	}
	c->source = &counters_none;
	c->nr_groups = 0;
}

/* --- count ------------------------------------------------------------------------------------ */

static u64 read_tsc(void)
{
#ifdef __x86_64__
	return __builtin_ia32_rdtsc();
#else
	return 0;
#endif
}

/* What is read while it counts: its readings stand inside of the region, the switches do not. */
static int read_now(const struct counters *c, const struct counter *e, struct counter_raw *out)
{
	if (e->event->kind != COUNTER_KIND_TSC)
		return c->source->read_user(e->handle, out);
	*out = (struct counter_raw){.value = read_tsc()};
	out->enabled = out->running = out->value;
	return 0;
}

static bool read_inside(const struct counter *e)
{
	return !e->why && (e->user_read || e->event->kind == COUNTER_KIND_TSC);
}

void counters_start(struct counters *c)
{
	turn_on(c);
	for (u32 i = 0; i < c->nr; i++)
		if (read_inside(&c->event[i]))
			c->event[i].why = read_now(c, &c->event[i], &c->event[i].begin);
}

void counters_stop(struct counters *c)
{
	struct counter_raw now;

	for (u32 i = c->nr; i--;) {
		struct counter *e = &c->event[i];

		if (!read_inside(e))
			continue;
		e->why = read_now(c, e, &now);
		e->sum.value += now.value - e->begin.value;
		e->sum.enabled += now.enabled - e->begin.enabled;
		e->sum.running += now.running - e->begin.running;
	}
	turn_off(c);
}

static void update(struct counter_sum *s)
{
	/* Opened, but it never got a counter: what is known is nothing, not 0. */
	s->available = !s->failed && s->running;
	s->multiplexed = s->available && s->running < s->enabled;
	s->value = s->multiplexed ? (double)s->counted * s->enabled / s->running : s->counted;
}

void counter_sum_add(struct counter_sum *to, const struct counter_sum *more)
{
	to->counted += more->counted;
	to->enabled += more->enabled;
	to->running += more->running;
	to->failed |= more->failed;
	update(to);
}

static struct counter_sum since_last(struct counters *c, struct counter *e)
{
	struct counter_raw now;

	if (read_inside(e)) {
		now = e->sum;
		e->sum = (struct counter_raw){0};
		return (struct counter_sum){now.value, now.enabled, now.running, .failed = false};
	}
	if (!e->why)
		e->why = read_boxes(c, e, &now);
	if (e->why)
		return (struct counter_sum){.failed = true};
	now.value -= e->last.value;
	now.enabled -= e->last.enabled;
	now.running -= e->last.running;
	e->last.value += now.value;
	e->last.enabled += now.enabled;
	e->last.running += now.running;
	return (struct counter_sum){now.value, now.enabled, now.running, .failed = false};
}

void counters_add(struct counters *c, struct counter_sum *sums)
{
	for (u32 i = 0; i < c->nr; i++) {
		struct counter_sum more = since_last(c, &c->event[i]);

		counter_sum_add(&sums[i], &more);
	}
}

/* --- words ------------------------------------------------------------------------------------ */

const char *counter_text(const struct counter_sum *sum, char buf[COUNTER_TEXT])
{
	if (sum->available)
		snprintf(buf, COUNTER_TEXT, "%.0f%s", sum->value, sum->multiplexed ? "*" : "");
	else
		snprintf(buf, COUNTER_TEXT, "n/a");
	return buf;
}

const char *counter_name(const struct counters *c, u32 id)
{
	return c->event[id].event->name;
}

const char *counter_why_not(const struct counters *c, u32 id)
{
	int why = id < c->nr ? c->event[id].why : -ENOENT;

	if (why == -EBUSY)
		return "no counter was ever free for it";
	return why ? strerror(-why) : NULL;
}

int counter_choose(struct counter_choice *c, const char *source, const char *events, char *err,
		   size_t errlen)
{
	c->source = counter_source_find(source, err, errlen);
	return c->source ? counter_list_make(&c->list, events, err, errlen) : -EINVAL;
}

void counter_choice_free(struct counter_choice *c)
{
	counter_list_free(&c->list);
}
