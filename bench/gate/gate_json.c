// SPDX-License-Identifier: GPL-2.0-only
/* The gate's result as results/README.md describes it. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/gate/gate.h"
#include "bench/gate/instructions.h"

#define ULL(x) ((json_int_t)(x))

static const char *const verdict_word[] = {
	[GATE_SAME] = "same",
	[GATE_BETTER] = "better",
	[GATE_WORSE] = "regression",
	[GATE_INVALID] = "invalid",
};

static json_t *source(const struct gate_source *s)
{
	return json_pack("{ss ss ss ss}", "spec", s->spec, "kind", gate_source_kind_name(s->kind),
			 "commit", s->commit, "subject", s->subject);
}

static json_t *reason_of(const struct gate_accept *a)
{
	return a ? json_pack("{ss ss ss}", "commit", a->commit, "pattern", a->pattern, "reason",
			     a->reason)
		 : json_null();
}

/* Every run has an op, its teardown: none means that it could not be counted. */
static json_t *counts_of(const struct gate_counts *c)
{
	json_t *o;

	if (!c->ops)
		return json_string("n/a");
	o = json_object();
	for (u32 i = 0; i < GATE_COUNT_NR; i++)
		json_object_set_new(o, gate_count_name[i], json_integer(ULL(c->value[i])));
	json_object_set_new(o, "ops", json_integer(ULL(c->ops)));
	json_object_set_new(o, "pages", json_integer(ULL(c->pages)));
	return o;
}

static json_t *changes_of(const struct gate_exact *e)
{
	json_t *list = json_array();

	for (u32 i = 0; i < e->nr; i++)
		json_array_append_new(
			list, json_pack("{ss sI sI sb so}", "metric", e->change[i].metric, "base",
					ULL(e->change[i].base), "candidate",
					ULL(e->change[i].candidate), "worse", e->change[i].worse,
					"accepted", reason_of(e->change[i].accept)));
	return list;
}

static json_t *time_of(const struct gate_row *row)
{
	const struct gate_effect *e = &row->effect;

	if (row->time_state != GATE_DONE)
		return json_string("n/a");
	return json_pack("{ss sf sf sf sf sf sf sf sf si si si si si si so}", "decision",
			 verdict_word[e->decision], "ratio", e->ratio, "low", e->low, "high",
			 e->high, "p", e->p, "again", e->again, "detectable", e->detectable, "ns",
			 e->ns, "ns_per_page", gate_row_ns_per_page(row), "pairs", (int)e->pairs,
			 "processes", (int)e->processes, "passes", (int)row->passes, "timed_ops",
			 (int)row->timed_ops, "retaken", (int)row->retaken, "redone",
			 (int)row->redone, "accepted", reason_of(row->accept_time));
}

static json_t *instructions_of(const struct gate_row *row)
{
	if (row->instructions_state != GATE_DONE)
		return json_string("n/a");
	return json_pack("{sI sI sf so}", "base", ULL(row->instructions[0]), "candidate",
			 ULL(row->instructions[1]), "ratio", 1 + gate_row_instructions(row),
			 "accepted", reason_of(row->accept_instructions));
}

static json_t *row_of(const struct gate_row *row)
{
	return json_pack("{ss ss so so so so so so}", "workload", row->w->name, "verdict",
			 verdict_word[row->verdict], "why",
			 *row->why ? json_string(row->why) : json_null(), "base",
			 counts_of(&row->counts[0]), "candidate", counts_of(&row->counts[1]),
			 "changes", changes_of(&row->exact), "instructions", instructions_of(row),
			 "time", time_of(row));
}

static json_t *accepts_of(const struct gate_accepts *a)
{
	json_t *list = json_array();

	for (u32 i = 0; i < a->nr; i++) {
		json_t *one = reason_of(&a->a[i]);

		json_object_set_new(one, "used", json_integer(a->a[i].used));
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *rule(const struct gate_result *r)
{
	return json_pack("{sf sf sf sf si si sf}", "effect", GATE_EFFECT, "p", GATE_P, "again",
			 GATE_AA, "instructions", GATE_INSTRUCTIONS_EFFECT, "processes",
			 GATE_PROCESSES, "pairs", GATE_PAIRS, "seconds", r->opt->seconds);
}

int gate_print_json(const struct gate_result *r)
{
	char *sentence = gate_sentence(r);
	json_t *rows = json_array(), *all;
	int rc;

	for (u32 i = 0; i < r->nr; i++)
		json_array_append_new(rows, row_of(&r->rows[i]));
	all = json_pack("{ss ss so so so ss ss sb so so so sf so}", "schema",
			"nosnoop-bench gate 1", "verdict", verdict_word[r->verdict], "sentence",
			sentence ? json_string(sentence) : json_null(), "base",
			source(&r->sources.base), "candidate", source(&r->sources.candidate),
			"policy", r->opt->policy, "build", r->build_text, "same", r->same, "rule",
			rule(r), "accepts", accepts_of(&r->accepts), "instructions_why",
			*r->instructions_why ? json_string(r->instructions_why) : json_null(),
			"seconds", r->seconds, "workloads", rows);
	rc = !all || json_dumpf(all, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(8)) ? 1 : 0;
	putchar('\n');
	json_decref(all);
	free(sentence);
	return rc;
}
