// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz/museum/report.h"

#include <math.h>

static json_t *number_or_null(double v)
{
	return isinf(v) ? json_null() : json_real(v);
}

static json_t *spread_json(const struct spread *s)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "median", number_or_null(s->median), "min",
			 number_or_null(s->min), "q1", number_or_null(s->q1), "q3",
			 number_or_null(s->q3), "max", number_or_null(s->max));
}

static const char *end_word(const struct trial *t)
{
	static const char *const words[] = {"crash", "missed", "rule", "crash", "hang", "error"};

	return words[t->end];
}

static json_t *seed_json(u64 seed)
{
	char text[32];

	snprintf(text, sizeof(text), "0x%016llx", (unsigned long long)seed);
	return json_string(text);
}

static json_t *trial_json(const struct trial *t)
{
	return json_pack("{s:o, s:s, s:s, s:s, s:I, s:I, s:I, s:f, s:s, s:o, s:I, s:I}", "seed",
			 seed_json(t->seed), "outcome", end_word(t), "rule", t->rule, "what",
			 t->what, "reached", (json_int_t)t->counts.reached, "triggered",
			 (json_int_t)t->counts.triggered, "executions", (json_int_t)t->runs,
			 "seconds", t->seconds, "policy", t->policy, "program",
			 seed_json(t->program), "op", (json_int_t)t->op, "ops", (json_int_t)t->ops);
}

static json_t *rules_json(const struct summary *s)
{
	json_t *o = json_object();

	for (u32 i = 0; i < s->nr_rules; i++)
		json_object_set_new(o, s->rules[i].rule, json_integer(s->rules[i].count));
	return o;
}

static json_t *exhibit_json(const struct exhibit *e, const struct summary *s,
			    const struct trial *trials)
{
	json_t *all = json_array(), *o;

	o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b}", "mutant", e->id, "kind", e->kind,
		      "state", exhibit_state(e), "what", e->what, "where", e->where, "expected",
		      e->rules, "wanted", exhibit_wanted(e), "good", summary_good(e, s));
	if (!o || !e->code) {
		json_decref(all);
		return o;
	}
	for (u32 i = 0; i < s->trials; i++)
		json_array_append_new(all, trial_json(&trials[i]));
	json_object_set_new(o, "reached", json_integer(s->reached));
	json_object_set_new(o, "triggered", json_integer(s->triggered));
	json_object_set_new(o, "detected", json_integer(s->detected));
	json_object_set_new(o, "executions", spread_json(&s->runs));
	json_object_set_new(o, "seconds", spread_json(&s->seconds));
	json_object_set_new(o, "rules", rules_json(s));
	json_object_set_new(o, "trials", all);
	return o;
}

json_t *report_json(const struct museum_report *r)
{
	json_t *mutants = json_array(), *policies = json_array();

	for (u32 i = 0; i < r->exhibits->nr; i++)
		json_array_append_new(mutants, exhibit_json(&r->exhibits->e[i], &r->summaries[i],
							    &r->trials[i * r->nr_trials]));
	for (u32 i = 0; i < r->sound->nr; i++)
		json_array_append_new(policies, json_string(r->sound->policy[i]->name));
	return json_pack("{s:s, s:s, s:I, s:I, s:f, s:I, s:o, s:o}", "schema", "nosnoop-museum 1",
			 "engine", engine_name[r->limits.engine], "seed", (json_int_t)r->seed,
			 "trials", (json_int_t)r->nr_trials, "limit_seconds", r->limits.seconds,
			 "limit_executions", (json_int_t)r->limits.runs, "policies", policies,
			 "mutants", mutants);
}
