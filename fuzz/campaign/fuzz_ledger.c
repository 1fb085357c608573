// SPDX-License-Identifier: GPL-2.0-only
/*
 * ledger.json: what a campaign has done so far, in all its sessions. A folder whose ledger speaks of
 * another campaign is not mixed with this one.
 */
#include "fuzz/campaign/fuzz_store.h"

#include "core/op/backend_linux.h"
#include "fuzz/save.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define LEDGER_VERSION 1
#define PATH_ROOM      (PATH_MAX + 32)

static const char *ledger_path(const struct store *s, char path[PATH_ROOM])
{
	snprintf(path, PATH_ROOM, "%s/ledger.json", s->o->out);
	return path;
}

static const char *text_at(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

static u64 number_at(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static void contracts_text(const struct store *s, char text[CONTRACTS_TEXT])
{
	if (s->o->contracts)
		contracts_print(s->o->contracts, text);
	else
		snprintf(text, CONTRACTS_TEXT, "claims");
}

/* --- reading -------------------------------------------------------------------- */

static void read_finding(struct store *s, const json_t *o)
{
	struct stored *k = stored_new(s);

	*k = (struct stored){
		.ops = number_at(o, "ops"),
		.ops_before = number_at(o, "ops_before"),
		.run = number_at(o, "run"),
		.seed = number_at(o, "seed"),
		.count = number_at(o, "count"),
		.cpu = json_number_value(json_object_get(o, "cpu_seconds")),
		.job = number_at(o, "job"),
		.session = number_at(o, "session"),
		.on_disk = true,
	};
	snprintf(k->name, sizeof(k->name), "%s", text_at(o, "file"));
	snprintf(k->policy, sizeof(k->policy), "%s", text_at(o, "policy"));
	snprintf(k->rule.name, sizeof(k->rule.name), "%s", text_at(o, "rule"));
	snprintf(k->shape, sizeof(k->shape), "%s", text_at(o, "shape"));
}

static void must_agree(const char *path, const char *key, const char *there, const char *here)
{
	if (strcmp(there, here))
		bad_input("%s: a campaign with %s \"%s\", expected \"%s\": go on with the same, or "
			  "name another --out",
			  path, key, there, here);
}

/* The seed of a continuation: of the campaign's, and of what has been done already. */
static void continue_from(struct store *s, const char *path)
{
	u64 seed = number_at(s->ledger, "seed");

	if (s->o->seed_given && s->o->seed != seed)
		bad_input("%s: a campaign with seed %llu, expected %llu: go on with the same, or "
			  "name another --out",
			  path, (unsigned long long)seed, (unsigned long long)s->o->seed);
	s->session = json_array_size(json_object_get(s->ledger, "sessions")) + 1;
	/* JSON's integers are signed. */
	s->seed = mix64(mix64(seed) + number_at(s->ledger, "programs") + s->session) >> 1;
}

static bool all_objects(const json_t *array)
{
	const json_t *o;
	size_t i;

	json_array_foreach(array, i, o) if (!json_is_object(o)) return false;
	return json_is_array(array);
}

/* What a continuation leans on. */
static bool is_whole(const json_t *ledger)
{
	const json_t *seed = json_object_get(ledger, "seed");

	return json_is_integer(seed) && json_integer_value(seed) >= 0 &&
	       json_is_integer(json_object_get(ledger, "programs")) &&
	       all_objects(json_object_get(ledger, "sessions")) &&
	       all_objects(json_object_get(ledger, "findings"));
}

void ledger_read(struct store *s)
{
	char path[PATH_ROOM], contracts[CONTRACTS_TEXT];
	json_error_t err;
	const json_t *o;
	struct stat st;
	size_t i;

	if (stat(ledger_path(s, path), &st) && errno == ENOENT)
		return;
	s->ledger = json_load_file(path, 0, &err);
	if (!s->ledger)
		bad_input("%s:%d:%d: %s, expected a ledger of nosnoop-fuzz", path, err.line,
			  err.column, err.text);
	if (strcmp(text_at(s->ledger, "tool"), "nosnoop-fuzz") ||
	    number_at(s->ledger, "version") != LEDGER_VERSION || !is_whole(s->ledger))
		bad_input("%s: expected a whole ledger of nosnoop-fuzz, version %d", path,
			  LEDGER_VERSION);
	contracts_text(s, contracts);
	must_agree(path, "policy", text_at(s->ledger, "policy"), s->o->policy_arg);
	must_agree(path, "contracts", text_at(s->ledger, "contracts"), contracts);
	must_agree(path, "backend", text_at(s->ledger, "backend"), s->o->backend->name);
	must_agree(path, "diff", text_at(s->ledger, "diff"), s->o->twin ? s->o->twin->name : "");
	json_array_foreach(json_object_get(s->ledger, "findings"), i, o) read_finding(s, o);
	continue_from(s, path);
}

/* --- writing -------------------------------------------------------------------- */

static json_t *findings_json(const struct store *s, bool texts)
{
	json_t *all = json_array(), *o;

	for (u32 i = 0; i < s->nr; i++) {
		const struct stored *k = &s->found[i];

		o = json_pack("{ss ss ss ss sI sI sI sI sI sI sI sf}", "file", k->name, "policy",
			      k->policy, "rule", k->rule.name, "shape", k->shape, "ops",
			      (json_int_t)k->ops, "ops_before", (json_int_t)k->ops_before, "run",
			      (json_int_t)k->run, "seed", (json_int_t)k->seed, "job",
			      (json_int_t)k->job, "session", (json_int_t)k->session, "count",
			      (json_int_t)k->count, "cpu_seconds", k->cpu);
		if (texts && k->text && !k->on_disk)
			json_object_set_new(o, "text", json_string(k->text));
		json_array_append_new(all, o);
	}
	return all;
}

static json_t *session_json(const struct store *s, const struct fuzz_totals *t)
{
	json_t *o = json_pack("{sI sI sI sI sI sI sI sI sf sf ss ss}", "seed", (json_int_t)s->seed,
			      "jobs", (json_int_t)s->o->jobs, "programs", (json_int_t)t->c.steps,
			      "runs", (json_int_t)t->c.runs, "ops", (json_int_t)t->c.ops, "noops",
			      (json_int_t)t->c.noops, "full", (json_int_t)t->c.full, "findings",
			      (json_int_t)s->fresh, "cpu_seconds", t->cpu, "wall_seconds", t->wall,
			      "commit", s->commit, "ended", t->ended);
	json_t *expected = json_object();

	for (u32 i = 0; i < s->o->expected.nr; i++)
		if (t->expected[i])
			json_object_set_new(expected, s->o->expected.entry[i].name,
					    json_integer(t->expected[i]));
	if (o && s->o->expected.nr)
		json_object_set(o, "expected", expected);
	json_decref(expected);
	return o;
}

/* Of all sessions. */
static void add_sums(json_t *o, const json_t *sessions)
{
	static const char *const counts[] = {"programs", "runs", "ops", "noops", "full"};
	static const char *const times[] = {"cpu_seconds", "wall_seconds"};
	const json_t *k;
	size_t i;

	for (u32 n = 0; n < ARRAY_SIZE(counts); n++) {
		u64 sum = 0;

		json_array_foreach(sessions, i, k) sum += number_at(k, counts[n]);
		json_object_set_new(o, counts[n], json_integer(sum));
	}
	for (u32 n = 0; n < ARRAY_SIZE(times); n++) {
		double sum = 0;

		json_array_foreach(sessions, i, k)
			sum += json_number_value(json_object_get(k, times[n]));
		json_object_set_new(o, times[n], json_real(sum));
	}
}

static json_t *names_json(const struct store *s)
{
	json_t *names = json_array();

	for (u32 i = 0; i < s->o->policies.nr; i++)
		json_array_append_new(names, json_string(s->o->policies.policy[i]->name));
	return names;
}

/* Which tree it was: its files, not its name alone. */
static void add_backend(json_t *o, const struct backend_ops *backend)
{
	const struct linux_backend_about *about = linux_backend_about(backend);

	if (about)
		json_object_set_new(o, "tree_sha256", json_string(about->hash));
}

static json_t *ledger_json(const struct store *s, const struct fuzz_totals *t, bool texts)
{
	json_t *sessions = json_deep_copy(json_object_get(s->ledger, "sessions")), *o;
	u64 seed = s->ledger ? number_at(s->ledger, "seed") : s->o->seed;
	char contracts[CONTRACTS_TEXT];

	if (!sessions)
		sessions = json_array();
	json_array_append_new(sessions, session_json(s, t));
	contracts_text(s, contracts);
	o = json_pack("{ss si ss so ss ss sI sI sI}", "tool", "nosnoop-fuzz", "version",
		      LEDGER_VERSION, "policy", s->o->policy_arg, "policies", names_json(s),
		      "contracts", contracts, "backend", s->o->backend->name, "seed",
		      (json_int_t)seed, "states", (json_int_t)t->c.slots, "corpus",
		      (json_int_t)t->c.corpus);
	if (!o)
		return NULL;
	if (s->o->twin)
		json_object_set_new(o, "diff", json_string(s->o->twin->name));
	add_backend(o, s->o->backend);
	add_sums(o, sessions);
	json_object_set_new(o, "findings", findings_json(s, texts));
	json_object_set_new(o, "sessions", sessions);
	return o;
}

void ledger_write(struct store *s, const struct fuzz_totals *t)
{
	json_t *o = ledger_json(s, t, false);
	char *text = o ? json_dumps(o, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) : NULL;
	char path[PATH_ROOM], err[PATH_ROOM + 200];
	size_t len;

	if (!text)
		bad_input("out of memory");
	len = strlen(text);
	text[len] = '\n'; /* in place of the NUL: the length is known */
	if (save_file(ledger_path(s, path), text, len + 1, err, sizeof(err)))
		store_broken(s, err);
	free(text);
	json_decref(o);
}

json_t *fuzz_json(const struct store *s, const struct fuzz_totals *t)
{
	return ledger_json(s, t, true);
}
