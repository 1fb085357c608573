// SPDX-License-Identifier: GPL-2.0-only
/* The gate's result for people, for a mail, for a test harness. */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/columns.h"
#include "bench/gate/gate.h"
#include "bench/gate/instructions.h"

static const char *const verdict_name[] = {
	[GATE_SAME] = "no change",
	[GATE_BETTER] = "better",
	[GATE_WORSE] = "REGRESSION",
	[GATE_INVALID] = "invalid",
};

#define ULL(x) ((unsigned long long)(x))

/* --- head ------------------------------------------------------------------------------------- */

static void print_source(const char *as, const struct gate_source *s)
{
	if (s->kind == GATE_POLICY || s->kind == GATE_MODULE)
		printf("%-9s %s %.54s\n", as, gate_source_kind_name(s->kind), s->spec);
	else
		printf("%-9s %.12s (\"%.48s\")\n", as, s->commit, s->subject);
}

static void print_head(const struct gate_result *r)
{
	print_source("base", &r->sources.base);
	print_source("candidate", &r->sources.candidate);
	if (r->sources.base.kind != GATE_POLICY)
		printf("policy    %.60s\n", r->opt->policy);
	printf("build     %.64s\n\n", r->build_text);
}

/* --- exact ------------------------------------------------------------------------------------ */

static void print_change(const struct gate_row *row, const struct gate_change *c)
{
	char share[16] = "";

	if (c->base)
		snprintf(share, sizeof(share), "%+.2f%%",
			 100 * ((double)c->candidate / c->base - 1));
	printf("%-20.20s %-13s %11llu %11llu %9s%s\n", row->w->name, c->metric, ULL(c->base),
	       ULL(c->candidate), share, c->worse && !c->accept ? " <-" : "");
	if (c->accept)
		printf("    accepted by %s: %.50s\n", c->accept->commit, c->accept->reason);
}

static void print_exact(const struct gate_result *r)
{
	u32 changes = 0, counted = 0;

	for (u32 i = 0; i < r->nr; i++)
		counted += !*r->rows[i].why || r->rows[i].time_state;
	for (u32 i = 0; i < r->nr; i++)
		for (u32 k = 0; k < r->rows[i].exact.nr; k++) {
			if (!changes++)
				printf("%-20s %-13s %11s %11s %9s\n", "exact counters", "", "base",
				       "candidate", "");
			print_change(&r->rows[i], &r->rows[i].exact.change[k]);
		}
	if (!counted)
		printf("exact counters: n/a, no workload could be run on both\n");
	else if (!changes)
		printf("exact counters: no change in %u of each of %u workloads\n",
		       (u32)GATE_COUNT_NR, counted);
	putchar('\n');
}

/* --- time ------------------------------------------------------------------------------------- */

static void percent(char out[16], double share)
{
	snprintf(out, 16, "%+.2f%%", 100 * share);
}

static void print_row(const struct gate_row *row)
{
	char instr[16] = "n/a", time[16] = "n/a", low[16] = "", high[16] = "", finds[16] = "",
	     aa[16] = "";
	const struct gate_effect *e = &row->effect;

	if (row->instructions_state == GATE_DONE)
		percent(instr, gate_row_instructions(row));
	if (row->time_state == GATE_DONE) {
		percent(time, e->ratio - 1);
		percent(low, e->low - 1);
		percent(high, e->high - 1);
		snprintf(finds, sizeof(finds), "%.1f%%", 100 * e->detectable);
		percent(aa, e->again - 1);
	}
	printf("%-16.16s %7s %7s %7s %7s %5s %7s %s\n", row->w->name, instr, time, low, high, finds,
	       aa, verdict_name[row->verdict]);
	if (row->retaken)
		printf("    %u processes timed again: A/A was off by more than %.1f%%\n",
		       row->retaken, 100 * GATE_AA);
	if (*row->why)
		printf("    %.70s\n", row->why);
	if (row->accept_time)
		printf("    time accepted by %s: %.44s\n", row->accept_time->commit,
		       row->accept_time->reason);
	if (row->accept_instructions)
		printf("    instructions accepted by %s: %.36s\n", row->accept_instructions->commit,
		       row->accept_instructions->reason);
}

static void print_rows(const struct gate_result *r)
{
	bool measured = !r->same || r->opt->same_too;

	if (!measured)
		printf("The builds are the same bytes: nothing to be timed.\n\n");
	printf("%-16s %7s %7s %7s %7s %5s %7s\n", "workload", "instr", "time", "99 %", "", "finds",
	       "A/A");
	for (u32 i = 0; i < r->nr; i++)
		print_row(&r->rows[i]);
	putchar('\n');
	if (measured && r->opt->instructions && *r->instructions_why)
		printf("instructions n/a: %.57s\n", r->instructions_why);
}

static void print_rule(const struct gate_result *r)
{
	if (r->opt->times)
		printf("time: %u processes x %u pairs, nothing cleaned; a regression is a median\n"
		       "over %+.1f%% and a sign test below %.3f; finds: what it finds in 99 of "
		       "100\n",
		       GATE_PROCESSES, GATE_PAIRS, 100 * (GATE_EFFECT - 1), GATE_P);
	printf("%.1f s without builds\n\n", r->seconds);
}

/* --- the sentence ----------------------------------------------------------------------------- */

struct worst {
	const struct gate_row *row;
	const char *metric;
	double effect; /* share; infinite from 0 */
};

static void consider(struct worst *w, const struct gate_row *row, const char *metric, double effect)
{
	if (w->row && effect <= w->effect)
		return;
	*w = (struct worst){row, metric, effect};
}

/* What was broken weighs more than what became slow. */
static void consider_exact(struct worst *w, const struct gate_row *row)
{
	for (u32 i = 0; i < row->exact.nr; i++) {
		const struct gate_change *c = &row->exact.change[i];

		if (c->worse && !c->accept)
			consider(w, row, c->metric,
				 c->base ? (double)c->candidate / c->base - 1 : INFINITY);
	}
}

static bool find_worst(const struct gate_result *r, struct worst *w)
{
	*w = (struct worst){0};
	for (u32 i = 0; i < r->nr; i++) {
		const struct gate_row *row = &r->rows[i];

		if (row->verdict != GATE_WORSE)
			continue;
		if (*row->why && !row->time_state)
			consider(w, row, "runs", INFINITY);
		consider_exact(w, row);
		if (gate_row_worse_time(row))
			consider(w, row, GATE_METRIC_TIME, row->effect.ratio - 1);
		if (gate_row_worse_instructions(row))
			consider(w, row, GATE_METRIC_INSTRUCTIONS, gate_row_instructions(row));
	}
	return w->row;
}

char *gate_sentence(const struct gate_result *r)
{
	const struct gate_source *c = &r->sources.candidate;
	char effect[32], due[400];
	struct worst w;
	char *out;

	if (!find_worst(r, &w))
		return NULL;
	if (isinf(w.effect))
		strcpy(effect, "a");
	else
		snprintf(effect, sizeof(effect), "a %.1f%%", 100 * w.effect);
	if (c->kind == GATE_COMMIT || c->kind == GATE_FOLDER)
		snprintf(due, sizeof(due), "commit:\n\ncommit: %s (\"%s\")", c->commit, c->subject);
	else
		snprintf(due, sizeof(due), "%s %.300s", gate_source_kind_name(c->kind), c->spec);
	if (asprintf(&out, "nosnoop noticed %s regression of %s.%s due to %s", effect,
		     w.row->w->name, w.metric, due) < 0)
		return NULL;
	return out;
}

void gate_print_text(const struct gate_result *r)
{
	char *sentence = gate_sentence(r);

	print_head(r);
	print_exact(r);
	if (!r->opt->exact_only)
		print_rows(r);
	for (u32 i = 0; r->opt->exact_only && i < r->nr; i++)
		if (*r->rows[i].why)
			printf("%.50s: %s\n    %.70s\n", r->rows[i].w->name,
			       verdict_name[r->rows[i].verdict], r->rows[i].why);
	print_rule(r);
	if (sentence)
		columns_wrap(0, 0, sentence);
	printf("\n\n");
	printf("verdict: %s\n", verdict_name[r->verdict]);
	free(sentence);
}

/* --- KTAP ------------------------------------------------------------------------------------- */

static void print_ktap_row(const struct gate_row *row, u32 number)
{
	const struct gate_effect *e = &row->effect;

	if (row->verdict == GATE_WORSE)
		printf("not ok %u %s", number, row->w->name);
	else
		printf("ok %u %s", number, row->w->name);
	if (row->verdict == GATE_INVALID)
		printf(" # SKIP invalid: %s\n", *row->why ? row->why : "A/A is off");
	else
		putchar('\n');
	for (u32 i = 0; i < row->exact.nr; i++)
		printf("# %s: %llu, was %llu%s\n", row->exact.change[i].metric,
		       ULL(row->exact.change[i].candidate), ULL(row->exact.change[i].base),
		       row->exact.change[i].accept ? ", accepted" : "");
	if (row->instructions_state == GATE_DONE)
		printf("# instructions %+.2f%%\n", 100 * gate_row_instructions(row));
	if (row->time_state == GATE_DONE)
		printf("# time %+.2f%%, A/A %+.2f%%\n", 100 * (e->ratio - 1), 100 * (e->again - 1));
	if (*row->why && row->verdict == GATE_WORSE)
		printf("# %s\n", row->why);
}

void gate_print_ktap(const struct gate_result *r)
{
	printf("KTAP version 1\n1..%u\n", r->nr);
	for (u32 i = 0; i < r->nr; i++)
		print_ktap_row(&r->rows[i], i + 1);
}
