// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "bench/counters/show.h"

#include <stdio.h>
#include <sys/mman.h>

#include "bench/columns.h"
#include "bench/options.h"

#define TRIAL_PAGES 256
#define TRIAL_SPINS 1000000

static const char *state_of(const struct counters *c, u32 i, const struct counter_sum *sums)
{
	int why = c->event[i].why;

	if (why)
		return why == -EBUSY ? "never scheduled" : "unsupported";
	if (!sums)
		return "available";
	if (sums[i].multiplexed)
		return "multiplexed";
	return sums[i].available ? "available" : "not scheduled in the trial";
}

static json_t *event_json(const struct counters *c, u32 i, const struct counter_sum *sums)
{
	const struct counter *e = &c->event[i];
	json_t *o = json_pack("{sssssssssIsi}", "event", counter_name(c, i), "state",
			      state_of(c, i, sums), "scope", counter_scope(e->event, e->user_only),
			      "read",
			      e->event->kind == COUNTER_KIND_TSC ? "rdtsc"
			      : e->user_read			 ? "rdpmc"
								 : "read()",
			      "boxes", (json_int_t)e->nr_handles, "group", (int)e->group);

	if (e->why) {
		const char *name = strerrorname_np(-e->why);

		json_object_set_new(o, "errno", json_string(name ? name : "?"));
		json_object_set_new(o, "why", json_string(counter_why_not(c, i)));
	}
	if (sums && sums[i].available) {
		json_object_set_new(o, "trial", json_integer((json_int_t)sums[i].value));
		json_object_set_new(o, "running",
				    json_real((double)sums[i].running / sums[i].enabled));
	}
	return o;
}

json_t *counters_json(const struct counters *c, const struct counter_sum *sums)
{
	json_t *list = json_array();

	for (u32 i = 0; i < c->nr; i++)
		json_array_append_new(list, event_json(c, i, sums));
	return list;
}

/* A little of everything that is standard: instructions, misses, page faults. */
static void trial(struct counters *c, struct counter_sum *sums)
{
	size_t size = TRIAL_PAGES * PAGE_SIZE;
	volatile char *memory;

	counters_start(c);
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (u32 i = 0; memory != MAP_FAILED && i < TRIAL_SPINS; i++)
		memory[i * LINE_SIZE % size]++;
	counters_stop(c);
	counters_add(c, sums);
	if (memory != MAP_FAILED)
		munmap((void *)memory, size);
}

static json_t *sources_json(void)
{
	const struct counter_source *source;
	json_t *list = json_array();
	const char *why_not;

	for (u32 i = 0; (source = counter_source_nth(i, &why_not)); i++)
		json_array_append_new(list, json_pack("{ssssss}", "source", source->name, "what",
						      source->what, "state",
						      why_not ? why_not : "available"));
	return list;
}

/* To the end of the line, from @column on. */
static void say(u32 column, const char *text)
{
	columns_wrap(column, column, text);
	putchar('\n');
}

static void print_sources(const struct counters *c)
{
	const struct counter_source *source;
	const char *why_not;

	printf("sources (* is used):\n");
	for (u32 i = 0; (source = counter_source_nth(i, &why_not)); i++) {
		printf("%c %-8s ", source == c->source ? '*' : ' ', source->name);
		say(11, why_not ? why_not : source->what);
	}
}

static void print_event(const struct counters *c, u32 i, const struct counter_sum *sums)
{
	const struct counter *e = &c->event[i];
	char count[COUNTER_TEXT], group[16] = "-", why[256];

	printf("%-34s ", counter_name(c, i));
	if (e->why) {
		const char *name = strerrorname_np(-e->why);

		snprintf(why, sizeof(why), "n/a: %s, %s", name ? name : "?", counter_why_not(c, i));
		say(35, why);
		return;
	}
	if (e->group)
		snprintf(group, sizeof(group), "%u", e->group);
	printf("%12s %5s ", counter_text(&sums[i], count), group);
	if (sums[i].multiplexed)
		snprintf(why, sizeof(why), "* %.1f %% of the time",
			 100.0 * sums[i].running / sums[i].enabled);
	else
		snprintf(why, sizeof(why), "%s%s%s", counter_scope(e->event, e->user_only),
			 e->user_read ? ", rdpmc" : "",
			 sums[i].available ? "" : ", not scheduled in the trial");
	say(54, why);
}

static void print_all(const struct counters *c, const struct counter_sum *sums)
{
	print_sources(c);
	printf("\nevents, over a trial of some ms (*: scaled up):\n%-34s %12s %5s %s\n", "event",
	       "count", "group", "scope");
	for (u32 i = 0; i < c->nr; i++)
		print_event(c, i, sums);
	columns_wrap(0, 0, c->notes);
}

int counters_list(const char *source, const char *events, bool json)
{
	struct counter_sum sums[COUNTERS_MAX] = {0};
	struct counter_choice choice = {0};
	struct counters c;
	char err[512];
	json_t *root;

	if (counter_choose(&choice, source, events, err, sizeof(err))) {
		counter_choice_free(&choice);
		return option_bad(err);
	}
	counters_open(&c, choice.source, &choice.list);
	trial(&c, sums);
	if (json) {
		root = json_pack("{sossssso}", "sources", sources_json(), "used", c.source->name,
				 "notes", c.notes, "events", counters_json(&c, sums));
		json_dumpf(root, stdout, JSON_INDENT(1));
		putchar('\n');
		json_decref(root);
	} else {
		print_all(&c, sums);
	}
	counters_close(&c);
	counter_choice_free(&choice);
	return 0;
}
