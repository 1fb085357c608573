// SPDX-License-Identifier: GPL-2.0-only
/* meta.json: where and how the figures came about. What cannot be found out is "n/a". */
#include "bench/counters/show.h"
#include "bench/results.h"
#include "core/op/commit.h"

#include <stdlib.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define NA json_string("n/a")

static json_t *text_or_na(const char *text)
{
	return *text ? json_string(text) : NA;
}

static void trim(char *text)
{
	text[strcspn(text, "\n")] = '\0';
}

/* What stands behind "key<blanks>:" in /proc/cpuinfo, of the first CPU. */
static json_t *cpuinfo(const char *key)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[512];
	json_t *value = NULL;

	while (f && !value && fgets(line, sizeof(line), f)) {
		char *colon = strchr(line, ':');
		size_t n = strlen(key);

		if (!colon || strncmp(line, key, n) || strspn(line + n, " \t") != colon - line - n)
			continue;
		trim(colon);
		value = text_or_na(colon + 1 + (colon[1] == ' '));
	}
	if (f)
		fclose(f);
	return value ? value : NA;
}

static json_t *first_line(const char *path)
{
	FILE *f = fopen(path, "re");
	char line[256] = "";

	if (f && fgets(line, sizeof(line), f))
		trim(line);
	if (f)
		fclose(f);
	return text_or_na(line);
}

static void add_commit(json_t *o, const char *corpus)
{
	char hash[COMMIT_TEXT];
	bool changed;

	json_object_set_new(o, "commit",
			    corpus && commit_head(corpus, hash) ? json_string(hash) : NA);
	json_object_set_new(o, "changed",
			    corpus && commit_changed(corpus, &changed) ? json_boolean(changed)
								       : NA);
}

static json_t *counters_available(const struct counters *c)
{
	json_t *o = json_object();

	for (u32 i = 0; i < c->nr; i++) {
		const char *why = counter_why_not(c, i);
		const char *scope = counter_scope(c->event[i].event, c->event[i].user_only);

		json_object_set_new(o, counter_name(c, i),
				    why ? json_sprintf("n/a: %s", why) : json_string(scope));
	}
	return o;
}

static json_t *cleans_available(void)
{
	json_t *o = json_object();
	struct clean_info info;

	for (u32 i = 0; clean_nth(i, &info); i++)
		json_object_set_new(o, info.name, json_string(info.ops ? "available" : info.why));
	return o;
}

static json_t *date_text(u64 seconds)
{
	time_t t = seconds;
	char text[32];
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return NA;
	return json_string(text);
}

static json_t *how_json(const struct report *r)
{
	const struct survey *s = &r->survey;

	return json_pack("{sosososssssbsososfsfsfsfso}", "size",
			 json_integer((json_int_t)r->workload.size), "judged_size",
			 json_integer((json_int_t)r->workload.size), "seed",
			 json_integer((json_int_t)r->workload.seed), "lines",
			 memory_lines_name[r->options.rig.lines], "clean",
			 r->options.rig.clean->name, "huge_pages", s->rig.memory.huge,
			 "memory_bytes", json_integer((json_int_t)s->rig.memory.size), "rounds_max",
			 json_integer(r->options.rounds), "seconds_wanted", r->options.seconds,
			 "seconds_judged", s->judge_seconds, "seconds_timed", s->time_seconds,
			 "stopwatch_ns", s->rig.watch.region_cost, "interrupted",
			 json_integer((json_int_t)s->rig.watch.interrupted));
}

json_t *meta_machine(const struct counters *c, const char *folder, u64 date, const char *arguments)
{
	struct utsname uts = {0};
	json_t *o = json_object();

	uname(&uts);
	json_object_set_new(o, "tool", json_string("nosnoop-bench " NOSNOOP_VERSION));
	json_object_set_new(o, "date", date_text(date));
	json_object_set_new(o, "arguments", text_or_na(arguments ? arguments : ""));
	add_commit(o, folder);
	json_object_set_new(o, "cpu", cpuinfo("model name"));
	json_object_set_new(o, "cpus", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
	json_object_set_new(o, "microcode", cpuinfo("microcode"));
	json_object_set_new(o, "governor",
			    first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"));
	json_object_set_new(o, "kernel",
			    json_sprintf("%s %s %s", uts.sysname, uts.release, uts.machine));
	json_object_set_new(o, "compiler", json_string(__VERSION__));
	json_object_set_new(o, "flags", text_or_na(NOSNOOP_FLAGS));
	json_object_set_new(o, "build", text_or_na(NOSNOOP_BUILD));
	json_object_set_new(o, "cleans", cleans_available());
	json_object_set_new(o, "counters", counters_available(c));
	json_object_set_new(o, "counter_source", json_string(c->source->name));
	json_object_set_new(o, "counter_events", counters_json(c, NULL));
	json_object_set_new(o, "counter_notes", json_string(c->notes));
	return o;
}

json_t *meta_json(const struct report *r)
{
	json_t *o = meta_machine(&r->survey.counters, r->corpus, r->date, r->arguments);

	json_object_set_new(o, "run", how_json(r));
	return o;
}
