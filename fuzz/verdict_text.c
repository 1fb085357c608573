// SPDX-License-Identifier: GPL-2.0-only
/* Verdicts for people: the long form of one policy, and tables of many. */
#include "fuzz/print.h"

#include "core/op/text.h"

#include <stdlib.h>

typedef unsigned long long ull;

#define HISTORY_HEAD 12 /* lines of a page's history, from its beginning and up to its end */
#define HISTORY_TAIL 24

static void contracts_text(u32 mask, const char *between, char *out, size_t size)
{
	size_t at = 0;

	*out = '\0';
	for (u32 c = 0; c < SHADOW_CONTRACTS && at < size; c++)
		if (mask >> c & 1)
			at += snprintf(out + at, size - at, "%s%s", at ? between : "",
				       shadow_contract_name[c]);
}

static void page_text(const struct trace *t, const struct judge_contract *k, char *out, size_t size)
{
	char name[32];

	if (!k->has_buffer) {
		snprintf(out, size, "page %u, frame 0x%llx", k->page, (ull)k->pfn);
		return;
	}
	trace_buffer_name(t, k->buffer, name, sizeof(name));
	snprintf(out, size, "page %u of %s", k->page, name);
}

static void print_numbered_op(FILE *out, const char *lead, const struct trace *t, u32 op)
{
	char text[256], line[320];

	trace_op_text(t, op, text, sizeof(text));
	snprintf(line, sizeof(line), "op %u, %s", op, text);
	print_wrapped(out, lead, line);
}

static const char *standing(const struct judge_contract *k)
{
	if (k->broken)
		return k->expected ? ", as the trace expects" : k->claimed ? "" : ", not claimed";
	return k->claimed ? "" : " (not claimed)";
}

static void print_contract(FILE *out, const struct trace *t, const struct verdict *v,
			   enum contract c)
{
	const struct judge_contract *k = &v->contract[c];
	char page[64], line[200];

	if (!k->broken) {
		fprintf(out, "  %-3s ok%s\n", shadow_contract_name[c], standing(k));
		return;
	}
	page_text(t, k, page, sizeof(page));
	snprintf(line, sizeof(line), "BROKEN at op %u, %s (%llu time%s)%s", k->op, page,
		 (ull)k->count, k->count == 1 ? "" : "s", standing(k));
	fprintf(out, "  %-3s ", shadow_contract_name[c]);
	print_wrapped(out, "", line);
	print_numbered_op(out, "      broken by:      ", t, k->op);
	if (k->should)
		print_numbered_op(out, "      must flush in:  ", t, k->should);
}

/* --- histories --------------------------------------------------------------- */

struct history {
	FILE *out;
	u32 seen, nr;
};

static void count_line(void *ctx, const char *text)
{
	((struct history *)ctx)->nr++;
}

static void print_line(void *ctx, const char *text)
{
	struct history *h = ctx;
	u32 i = h->seen++;

	if (i < HISTORY_HEAD || i + HISTORY_TAIL >= h->nr)
		print_wrapped(h->out, "      ", text);
	else if (i == HISTORY_HEAD)
		fprintf(h->out, "      ... %u lines ...\n", h->nr - HISTORY_HEAD - HISTORY_TAIL);
}

static void print_history(FILE *out, const struct trace *t, const struct run *r,
			  const struct judge_contract *k)
{
	struct history h = {.out = out};
	char page[64];

	shadow_history(run_shadow(r), k->pfn, count_line, &h);
	if (!h.nr)
		return;
	page_text(t, k, page, sizeof(page));
	fprintf(out, "  history of %s:\n", page);
	shadow_history(run_shadow(r), k->pfn, print_line, &h);
}

static bool told_before(const struct verdict *v, u32 c)
{
	for (u32 i = 0; i < c; i++)
		if (v->contract[i].broken && v->contract[i].pfn == v->contract[c].pfn)
			return true;
	return false;
}

/* --- the long form ----------------------------------------------------------- */

static void print_totals(FILE *out, const struct verdict *v)
{
	char set[64], line[256];

	contracts_text(judge_costed(v->policy->claims), "+", set, sizeof(set));
	if (v->bound)
		snprintf(line, sizeof(line),
			 "flushes %llu, bound %llu (%s), ratio %.2f; bound of L+I+S0 %llu; "
			 "missing %llu, redundant %llu",
			 (ull)v->flushes, (ull)v->bound, set, (double)v->flushes / v->bound,
			 (ull)v->bound_lis0, (ull)v->missing, (ull)v->redundant);
	else
		snprintf(line, sizeof(line),
			 "flushes %llu, bound 0 (%s), bound of L+I+S0 %llu; missing %llu, "
			 "redundant %llu",
			 (ull)v->flushes, *set ? set : "it claims nothing that costs",
			 (ull)v->bound_lis0, (ull)v->missing, (ull)v->redundant);
	print_wrapped(out, "  ", line);
}

static void print_finding(FILE *out, const char *lead, const struct trace *t,
			  const struct run_finding *f)
{
	char text[160], line[400];

	trace_op_text(t, f->op, text, sizeof(text));
	snprintf(line, sizeof(line), "finding %s at op %u (%s): %s", f->rule, f->op, text, f->what);
	print_wrapped(out, lead, line);
}

static void print_failed(FILE *out, const char *lead, const struct trace *t,
			 const struct judge_expect *e)
{
	char line[300], *text = text_print_op(&t->program, e->at);

	snprintf(line, sizeof(line), "\"%s\" does not hold: %s", text ? text : "expect",
		 e->result.found);
	free(text);
	print_wrapped(out, lead, line);
}

void verdict_reasons(FILE *out, const char *lead, const struct trace *t, const struct verdict *v)
{
	char line[128];

	for (u32 c = 0; c < SHADOW_CONTRACTS; c++) {
		const struct judge_contract *k = &v->contract[c];

		if (!k->claimed || !k->broken || k->expected)
			continue;
		snprintf(line, sizeof(line), "%s is claimed, and broken at op %u",
			 shadow_contract_name[c], k->op);
		print_wrapped(out, lead, line);
	}
	for (u32 i = 0; i < v->nr_findings; i++)
		if (i < v->nr_unexpected)
			print_finding(out, lead, t, &v->finding[i]);
	for (u32 i = 0; i < min(v->nr_failed, (u32)JUDGE_KEPT); i++)
		print_failed(out, lead, t, &v->failed[i]);
}

static const char *conclusion(const struct verdict *v)
{
	if (v->outcome == JUDGE_SKIP)
		return "cannot be judged: out of memory";
	if (v->outcome == JUDGE_GOOD)
		return v->nr_expects ? "as the trace expects" : "as claimed";
	return "NOT as it should be:";
}

void verdict_print(FILE *out, const struct trace *t, const struct run *r, const struct verdict *v)
{
	char claims[64], line[PATH_MAX + 128];

	contracts_text(v->policy->claims, " ", claims, sizeof(claims));
	snprintf(line, sizeof(line), "%s: policy %s on %s, claims %s", t->path, v->policy->name,
		 v->backend, *claims ? claims : "nothing");
	print_wrapped(out, "", line);
	for (u32 c = 0; c < SHADOW_CONTRACTS; c++)
		print_contract(out, t, v, c);
	for (u32 c = 0; c < SHADOW_CONTRACTS; c++)
		if (v->contract[c].broken && !told_before(v, c))
			print_history(out, t, r, &v->contract[c]);
	print_totals(out, v);
	for (u32 i = v->nr_unexpected; i < v->nr_findings; i++)
		print_finding(out, "  expected ", t, &v->finding[i]);
	fprintf(out, "  %s\n", conclusion(v));
	if (v->outcome == JUDGE_BAD)
		verdict_reasons(out, "    ", t, v);
}

/* --- tables ------------------------------------------------------------------ */

#define NAME_WIDTH 25

void verdict_table_head(FILE *out, const struct trace *t)
{
	char line[PATH_MAX + 32];

	snprintf(line, sizeof(line), "%s (%u ops)", t->path, t->nr_ops);
	print_wrapped(out, "", line);
	fprintf(out, "  %-*s", NAME_WIDTH, "policy");
	for (u32 c = 0; c < SHADOW_CONTRACTS; c++)
		fprintf(out, " %-4s", shadow_contract_name[c]);
	fprintf(out, "%6s%7s\n", "flush", "bound");
}

/* "x@12"; from op 100 on the number alone. */
static void cell_text(const struct judge_contract *k, char out[16])
{
	if (!k->broken)
		strcpy(out, "ok");
	else if (k->op < 100)
		snprintf(out, 16, "x@%u", k->op);
	else if (k->op < 10000)
		snprintf(out, 16, "%u", k->op);
	else
		strcpy(out, "x");
}

/* A number in a field of few characters: 12345, 123K, 45M. */
static void short_number(u64 n, unsigned int width, char out[24])
{
	static const char units[] = " KMGT";
	unsigned int unit = 0;

	snprintf(out, 24, "%llu", (ull)n);
	while (strlen(out) > width && units[unit + 1]) {
		n = (n + 500) / 1000;
		snprintf(out, 24, "%llu%c", (ull)n, units[++unit]);
	}
}

void verdict_table_row(FILE *out, const struct verdict *v)
{
	char cell[16], flushes[24], bound[24];

	fprintf(out, "%c %-*s", v->outcome == JUDGE_GOOD ? ' ' : '!', NAME_WIDTH, v->policy->name);
	for (u32 c = 0; c < SHADOW_CONTRACTS; c++) {
		cell_text(&v->contract[c], cell);
		fprintf(out, " %-4s", cell);
	}
	short_number(v->flushes, 5, flushes);
	short_number(v->bound, 6, bound);
	fprintf(out, "%6s%7s\n", flushes, bound);
}
