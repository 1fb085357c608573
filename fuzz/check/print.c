// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz/check/print.h"

#include "core/flush/flush.h"

static void print_count(FILE *out, u32 n, const char *what, const char *behind)
{
	fprintf(out, "%u %s%s%s", n, what,
		n == 1				? ""
		: what[strlen(what) - 1] == 's' ? "es"
						: "s",
		behind);
}

static const char *const failures_text[] = {
	[CHECK_FAIL_NEVER] = "no request fails",
	[CHECK_FAIL_LISTED] = "attaches, maps, copies also fail",
	[CHECK_FAIL_ALL] = "requests also fail, everywhere",
};

static const char *const failures_word[] = {
	[CHECK_FAIL_NEVER] = "none",
	[CHECK_FAIL_LISTED] = "listed",
	[CHECK_FAIL_ALL] = "all",
};

void check_print_space(FILE *out, const struct check_space *c)
{
	print_count(out, c->objects, "object", " of ");
	print_count(out, c->pages, "page", c->aliased ? " over one buffer, " : ", ");
	print_count(out, c->areas, "area", ",\n");
	print_count(out, c->tables, "table", " of ");
	print_count(out, c->domains, "domain", ", ");
	print_count(out, c->accesses, "access", c->readonly ? ", read-only too" : "");
	fprintf(out, "; %s\n", failures_text[c->failures]);
}

void check_print_head(FILE *out)
{
	fprintf(out, "%-25s ", "policy");
	for (u32 c = 0; c < SHADOW_CONTRACTS; c++)
		fprintf(out, " %-4s", shadow_contract_name[c]);
	fprintf(out, " states depth\n");
}

/* Six columns: 987654, 12.3M. */
static void print_short(FILE *out, u64 n)
{
	if (n < 1000000)
		fprintf(out, " %6llu", (unsigned long long)n);
	else
		fprintf(out, " %5.*fM", n < 100000000 ? 1 : 0, n * 1e-6);
}

static void print_cell(FILE *out, const struct check_verdict *v, u32 c)
{
	u32 requests = v->res.broken[c].requests;
	char text[16];

	if (requests)
		snprintf(text, sizeof(text), "x@%u%s", requests,
			 v->policy->claims >> c & 1 ? "!" : "");
	else if (v->res.end == CHECK_FIXPOINT)
		snprintf(text, sizeof(text), "safe");
	else
		snprintf(text, sizeof(text), ">%u", v->res.depth);
	fprintf(out, " %-4s", text);
}

void check_print_row(FILE *out, const struct check_verdict *v)
{
	fprintf(out, "%-25s ", v->policy->name);
	for (u32 c = 0; c < SHADOW_CONTRACTS; c++)
		print_cell(out, v, c);
	print_short(out, v->res.states);
	fprintf(out, " %s%u\n", v->res.end == CHECK_FIXPOINT ? "all " : "<= ", v->res.depth);
}

void check_print_legend(FILE *out)
{
	fputs("safe: holds for every sequence of this configuration, to the fixpoint.\n"
	      "x@N: the shortest sequence that breaks it has N requests; x@N!: claimed.\n"
	      ">N: bounded; no sequence of up to N requests breaks it: no proof.\n"
	      "depth: \"all N\": no state is further than N requests from the start.\n",
	      out);
}

void check_print_remarks(FILE *out, const struct check_verdict *v)
{
	const struct check_result *res = &v->res;

	for (u32 c = 0; c < SHADOW_CONTRACTS; c++)
		if (res->broken[c].requests && v->policy->claims >> c & 1)
			fprintf(out, "%s claims %s, and breaks it in %u requests\n",
				v->policy->name, shadow_contract_name[c], res->broken[c].requests);
	if (res->refused)
		fprintf(out, "%s: %llu requests were refused though nothing was made to fail\n",
			v->policy->name, (unsigned long long)res->refused);
	if (res->finding.requests)
		fprintf(out, "%s: %s: %s, in %u requests\n", v->policy->name, res->rule, res->what,
			res->finding.requests);
	else if (res->end != CHECK_FIXPOINT)
		fprintf(out, "%s: %s; %llu states were left\n", v->policy->name,
			check_end_name[res->end], (unsigned long long)res->frontier);
}

/* --- JSON --------------------------------------------------------------------------------------- */

static json_t *space_json(const struct check_config *cfg)
{
	const struct check_space *c = &cfg->space;

	return json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:b, s:b, s:s, s:b}", "objects",
			 c->objects, "pages", c->pages, "areas", c->areas, "tables", c->tables,
			 "domains", c->domains, "accesses", c->accesses, "aliased", c->aliased,
			 "readonly", c->readonly, "failures", failures_word[c->failures], "model",
			 cfg->model);
}

static json_t *contract_json(const struct check_verdict *v, u32 c)
{
	u32 requests = v->res.broken[c].requests;
	bool claimed = v->policy->claims >> c & 1;

	if (requests)
		return json_pack("{s:s, s:b, s:i, s:s?}", "verdict", "broken", "claimed", claimed,
				 "requests", requests, "trace", v->trace[c]);
	return json_pack("{s:s, s:b, s:i}", "verdict",
			 v->res.end == CHECK_FIXPOINT ? "safe" : "bounded", "claimed", claimed,
			 "requests", v->res.depth);
}

static json_t *finding_json(const struct check_verdict *v)
{
	if (!v->res.finding.requests)
		return json_null();
	return json_pack("{s:s, s:s, s:i, s:s?}", "rule", v->res.rule, "what", v->res.what,
			 "requests", v->res.finding.requests, "trace", v->trace[SHADOW_CONTRACTS]);
}

static json_t *policy_json(const struct check_verdict *v)
{
	const struct check_result *r = &v->res;
	json_t *contracts = json_object();

	for (u32 c = 0; c < SHADOW_CONTRACTS; c++)
		json_object_set_new(contracts, shadow_contract_name[c], contract_json(v, c));
	return json_pack("{s:s, s:o, s:o, s:s, s:i, s:I, s:I, s:I, s:I, s:I, s:f}", "policy",
			 v->policy->name, "contracts", contracts, "finding", finding_json(v), "end",
			 check_end_name[r->end], "depth", r->depth, "states", (json_int_t)r->states,
			 "transitions", (json_int_t)r->transitions, "refused",
			 (json_int_t)r->refused, "left", (json_int_t)r->frontier, "bytes",
			 (json_int_t)r->bytes, "seconds", r->seconds);
}

json_t *check_json(const struct check_config *cfg, const char *commit,
		   const struct check_verdict *v, u32 nr)
{
	json_t *row = json_array();

	for (u32 i = 0; i < nr; i++)
		json_array_append_new(row, policy_json(&v[i]));
	return json_pack("{s:i, s:s, s:s, s:i, s:o, s:o}", "version", 1, "tool", "nosnoop-check",
			 "commit", commit, "jobs", cfg->jobs, "space", space_json(cfg), "results",
			 row);
}
