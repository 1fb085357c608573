// SPDX-License-Identifier: GPL-2.0-only
/* The verdict as JSON: the shape of results/README.md. */
#include "fuzz/print.h"

#include "core/op/text.h"

#include <stdlib.h>

/* A path may be any bytes; JSON strings are UTF-8: the others become "?". */
static json_t *path_json(const char *path)
{
	json_t *o = json_string(path);
	char ascii[PATH_MAX];
	size_t i;

	if (o)
		return o;
	for (i = 0; path[i] && i + 1 < sizeof(ascii); i++)
		ascii[i] = (signed char)path[i] < 0 ? '?' : path[i];
	ascii[i] = '\0';
	return json_string(ascii);
}

static json_t *contract_json(const struct trace *t, const struct judge_contract *k)
{
	char name[32];
	json_t *o;

	if (!k->broken)
		return json_string("ok");
	o = json_pack("{s:I, s:I, s:I}", "op", (json_int_t)k->op, "page", (json_int_t)k->page,
		      "should", (json_int_t)k->should);
	if (k->has_buffer) {
		trace_buffer_name(t, k->buffer, name, sizeof(name));
		json_object_set_new(o, "buffer", json_string(name));
	}
	json_object_set_new(o, "count", json_integer(k->count));
	return o;
}

static json_t *contracts_json(const struct trace *t, const struct verdict *v)
{
	json_t *o = json_object();

	for (u32 c = 0; c < SHADOW_CONTRACTS; c++)
		json_object_set_new(o, shadow_contract_name[c], contract_json(t, &v->contract[c]));
	return o;
}

static json_t *claims_json(const struct verdict *v)
{
	json_t *a = json_array();

	for (u32 c = 0; c < SHADOW_CONTRACTS; c++)
		if (v->contract[c].claimed)
			json_array_append_new(a, json_string(shadow_contract_name[c]));
	return a;
}

static json_t *findings_json(const struct verdict *v)
{
	json_t *a = json_array();

	for (u32 i = 0; i < v->nr_findings; i++)
		json_array_append_new(a, json_pack("{s:I, s:s, s:s, s:b}", "op",
						   (json_int_t)v->finding[i].op, "rule",
						   v->finding[i].rule, "what", v->finding[i].what,
						   "expected", i >= v->nr_unexpected));
	return a;
}

static json_t *expects_json(const struct trace *t, const struct verdict *v)
{
	json_t *a = json_array();

	for (u32 i = 0; i < min(v->nr_failed, (u32)JUDGE_KEPT); i++) {
		char *text = text_print_op(&t->program, v->failed[i].at);

		json_array_append_new(a, json_pack("{s:s, s:s}", "expect", text ? text : "",
						   "found", v->failed[i].result.found));
		free(text);
	}
	return json_pack("{s:I, s:I, s:o}", "judged", (json_int_t)v->nr_expects, "failed",
			 (json_int_t)v->nr_failed, "failures", a);
}

json_t *verdict_json(const struct trace *t, const struct verdict *v)
{
	static const char *const outcome[] = {"good", "bad", "skip"};
	json_t *o;

	o = json_pack("{s:o, s:s, s:s, s:I, s:I, s:I, s:I}", "trace", path_json(t->path), "policy",
		      v->policy->name, "backend", v->backend, "flushes", (json_int_t)v->flushes,
		      "redundant", (json_int_t)v->redundant, "missing", (json_int_t)v->missing,
		      "bound", (json_int_t)v->bound);
	if (!o)
		return NULL;
	json_object_set_new(o, "contracts", contracts_json(t, v));
	json_object_set_new(o, "bound_LIS0", json_integer(v->bound_lis0));
	json_object_set_new(o, "claims", claims_json(v));
	json_object_set_new(o, "outcome", json_string(outcome[v->outcome]));
	json_object_set_new(o, "ops", json_integer(t->nr_ops));
	json_object_set_new(o, "exposures", json_integer(v->exposures));
	json_object_set_new(o, "findings", findings_json(v));
	json_object_set_new(o, "expect", expects_json(t, v));
	return o;
}
