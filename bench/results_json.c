// SPDX-License-Identifier: GPL-2.0-only
#include "bench/results.h"

#define NA json_string("n/a")

static const struct published published[] = {
	{"iommufd", "map", PHASE_MAP, 1167, 2400},
	{"iommufd", "unmap", PHASE_UNMAP, 40, 276},
	{"iommufd", "teardown", PHASE_TEARDOWN, 201, 1160},
	{"type1", "map", PHASE_MAP, 3058, 5664},
	{"type1", "unmap", PHASE_UNMAP, 379, 1653},
	{"type1", "teardown", PHASE_TEARDOWN, 448, 1522},
};

const struct published *published_figure(u32 i)
{
	return i < ARRAY_SIZE(published) ? &published[i] : NULL;
}

struct output_file results_file(const char *name, const json_t *json)
{
	char *text = json_dumps(json, JSON_INDENT(1) | JSON_REAL_PRECISION(15));

	return (struct output_file){name, text, text ? strlen(text) : 0};
}

static json_t *number(u64 v)
{
	return json_integer((json_int_t)v);
}

/* Times are read by people too: a thousandth of a ns is more than they hold. */
static json_t *real(double v)
{
	return json_real((s64)(v * 1000 + (v < 0 ? -0.5 : 0.5)) / 1000.0);
}

static json_t *ratio(u64 flushes, u64 bound)
{
	return bound ? real((double)flushes / bound) : NA;
}

static json_t *contract_names(u32 mask)
{
	json_t *list = json_array();

	for (u32 c = 0; c < SHADOW_CONTRACTS; c++)
		if (mask >> c & 1)
			json_array_append_new(list, json_string(shadow_contract_name[c]));
	return list;
}

static json_t *contracts(const struct verdict *v)
{
	json_t *o = json_object();

	for (u32 c = 0; c < SHADOW_CONTRACTS; c++) {
		const struct judge_contract *k = &v->contract[c];
		json_t *value = json_string("ok");

		if (k->broken) {
			json_decref(value);
			value = json_pack("{sIsIsI}", "op", (json_int_t)k->op, "page",
					  (json_int_t)k->page, "should", (json_int_t)k->should);
		}
		json_object_set_new(o, shadow_contract_name[c], value);
	}
	return o;
}

static json_t *interval(const struct stats_interval *i, bool known)
{
	return json_pack("{sososo}", "median", real(i->median), "lo", known ? real(i->lo) : NA,
			 "hi", known ? real(i->hi) : NA);
}

static json_t *algorithm_json(const struct algorithm *a)
{
	json_t *o = json_object();
	const char *name;
	u64 value;

	for (u32 i = 0; algorithm_nth(a, i, &name, &value); i++)
		json_object_set_new(o, name, number(value));
	return o;
}

static json_t *phase_json(const struct phase_result *r)
{
	return json_pack("{sososososososo}", "requests", number(r->requests), "pages",
			 number(r->pages), "ns", real(r->ns), "none_ns", real(r->none_ns),
			 "ns_page", r->pages ? real(r->ns / r->pages) : NA, "delta_ns_page",
			 r->pages ? real(r->delta_ns / r->pages) : NA, "cycles_page",
			 r->has_cycles && r->pages ? real(r->cycles / r->pages) : NA);
}

/* Over all phases: the timed regions of one run. */
static json_t *counters_json(const struct counters *counters, const struct cell *c)
{
	json_t *o = json_object(), *running = json_object();

	for (u32 i = 0; i < counters->nr; i++) {
		const char *name = counter_name(counters, i);
		struct counter_sum sum = cell_count(c, i);

		json_object_set_new(o, name, sum.available ? number(sum.value) : NA);
		if (sum.multiplexed)
			json_object_set_new(running, name, real((double)sum.running / sum.enabled));
	}
	if (json_object_size(running)) {
		json_object_set_new(o, "multiplexed", json_true());
		json_object_set(o, "running", running);
	}
	json_decref(running);
	return o;
}

static void add_phases(json_t *o, const struct phase_result *r)
{
	for (u32 p = 0; p < PHASE_NR; p++)
		if (r[p].requests)
			json_object_set_new(o, phase_name[p], phase_json(&r[p]));
}

/* What the medians are of, round by round: readers compute their own intervals. */
static void add_rounds(json_t *o, const struct cell *c)
{
	for (u32 p = 0; p < PHASE_NR; p++) {
		json_t *phase = json_object_get(o, phase_name[p]);
		json_t *ns = json_array(), *none = json_array();

		for (u32 i = 0; i < c->nr; i++) {
			json_array_append_new(ns, real(c->round[i].ns[p]));
			json_array_append_new(none, real(c->round[i].none_ns[p]));
		}
		json_object_set_new(phase, "rounds_ns", ns);
		json_object_set_new(phase, "rounds_none_ns", none);
	}
}

/* Intervals beside the medians, where there were rounds enough. */
static void add_spreads(json_t *o, const struct cell *c)
{
	struct phase_spread spread;

	for (u32 p = 0; p < PHASE_NR; p++) {
		json_t *phase = json_object_get(o, phase_name[p]);
		bool known = cell_spread(c, p, &spread);

		if (!phase || !c->shape[p].pages)
			continue;
		json_object_set_new(phase, "ns_page_interval", interval(&spread.ns, known));
		json_object_set_new(phase, "delta_interval", interval(&spread.delta, known));
	}
}

json_t *results_cell_json(const struct survey *s, u32 w, u32 p)
{
	const struct cell *c = survey_cell(s, w, p);
	const struct verdict *v = &c->verdict.v;
	struct phase_result phase[PHASE_NR];
	json_t *o;

	o = json_pack("{sssssssosososososososIsb}", "workload", s->workloads.w[w].name, "policy",
		      v->policy->name, "backend", v->backend, "contracts", contracts(v), "flushes",
		      number(v->flushes), "redundant", number(v->redundant), "missing",
		      number(v->missing), "bound", number(v->bound), "bound_lis0",
		      number(v->bound_lis0), "ratio", ratio(v->flushes, v->bound), "findings",
		      (json_int_t)v->nr_findings, "as_claimed", v->outcome == JUDGE_GOOD);
	json_object_set_new(o, "rounds", number(c->nr));
	for (u32 i = 0; i < PHASE_NR; i++)
		phase[i] = cell_phase(c, i);
	add_phases(o, phase);
	add_spreads(o, c);
	add_rounds(o, c);
	json_object_set_new(o, "algorithm", algorithm_json(&c->verdict.counts));
	json_object_set_new(o, "clean_lines", number(c->verdict.counts.lines));
	if (c->counted)
		json_object_set_new(o, "counters", counters_json(&s->counters, c));
	return o;
}

static json_t *summary_json(const struct report *r, u32 p)
{
	const struct flush_policy *policy = r->survey.policies.policy[p];
	struct policy_total t = survey_total(&r->survey, p);
	json_t *o;

	o = json_pack("{sssosososososososososb}", "policy", policy->name, "claims",
		      contract_names(policy->claims), "broken", contract_names(t.broken), "flushes",
		      number(t.flushes), "redundant", number(t.redundant), "missing",
		      number(t.missing), "bound", number(t.bound), "bound_lis0",
		      number(t.bound_lis0), "ratio", ratio(t.flushes, t.bound), "ratio_lis0",
		      ratio(t.flushes, t.bound_lis0), "as_claimed", t.as_claimed);
	add_phases(o, t.phase);
	json_object_set_new(o, "algorithm", algorithm_json(&t.counts));
	return o;
}

json_t *results_published_json(void)
{
	json_t *list = json_array();

	for (u32 i = 0; i < ARRAY_SIZE(published); i++)
		json_array_append_new(list,
				      json_pack("{sssssisiss}", "api", published[i].api, "phase",
						published[i].phase, "before_mcycles",
						(int)published[i].before, "after_mcycles",
						(int)published[i].after, "from", PUBLISHED_BY));
	return list;
}

json_t *results_workloads_json(const struct survey *s)
{
	json_t *list = json_array();

	for (u32 i = 0; i < s->workloads.nr; i++) {
		const struct workload *w = &s->workloads.w[i];

		json_array_append_new(
			list, json_pack("{sssssbsosososo}", "workload", w->name, "what", w->what,
					"recorded", w->recorded, "ops", number(w->nr_ops),
					"buffer_pages", number(w->pages), "rounds",
					number(s->rounds[i]), "seconds", real(s->spent[i])));
	}
	return list;
}

json_t *sweeps_json(const struct sweeps *sweeps)
{
	json_t *list = json_array();

	for (u32 i = 0; i < sweeps->nr; i++) {
		const struct sweep_point *p = &sweeps->point[i];
		bool known = p->rounds >= SPREAD_ROUNDS;

		json_array_append_new(
			list,
			json_pack("{sssssisssssososososo}", "sweep", p->sweep, "parameter",
				  p->parameter, "value", (int)p->value, "workload", p->workload,
				  "policy", p->policy, "flushes", number(p->flushes), "bound",
				  number(p->bound), "rounds", number(p->rounds), "ns_page",
				  p->rounds ? interval(&p->ns_page, known) : NA, "delta_ns_page",
				  p->rounds ? interval(&p->delta_ns_page, known) : NA));
	}
	return list;
}

json_t *wbinvd_json(const struct wbinvd *w)
{
	if (w->why)
		return NA;
	return json_pack("{sosososososososo}", "l3_bytes", number(w->l3_bytes), "bytes_all_dirty",
			 number(w->bytes[MEMORY_DIRTY]), "bytes_clean",
			 number(w->bytes[MEMORY_CLEAN]), "bytes_uncached",
			 number(w->bytes[MEMORY_UNCACHED]), "limit_ns_line", real(w->limit_ns_line),
			 "dirty_ns_line", real(w->ns_line[MEMORY_DIRTY]), "clean_ns_line",
			 real(w->ns_line[MEMORY_CLEAN]), "uncached_ns_line",
			 real(w->ns_line[MEMORY_UNCACHED]));
}

json_t *results_json(const struct report *r)
{
	const struct survey *s = &r->survey;
	json_t *summary = json_array(), *results = json_array();

	for (u32 p = 0; p < s->policies.nr; p++)
		json_array_append_new(summary, summary_json(r, p));
	for (u32 w = 0; w < s->workloads.nr; w++)
		for (u32 p = 0; p < s->policies.nr; p++)
			json_array_append_new(results, results_cell_json(s, w, p));
	return json_pack("{sssosososososososo}", "schema", "nosnoop-bench report 1", "size",
			 number(r->workload.size), "summary", summary, "results", results,
			 "workloads", results_workloads_json(s), "clean",
			 cleans_json_flat(&r->cleans), "sweeps", sweeps_json(&r->sweeps), "wbinvd",
			 wbinvd_json(&r->wbinvd), "published", results_published_json());
}
