// SPDX-License-Identifier: GPL-2.0-only
/* What compare prints: tables for a mail, and the same as JSON. */
#include "bench/columns.h"
#include "bench/compare.h"

#define TIMES_A_ROW 3 /* phases beside each other */

static const u32 shifts[] = {12, 21};
static const enum phase calls[] = {PHASE_MAP, PHASE_UNMAP};
static const enum phase published_rows[] = {PHASE_MAP, PHASE_UNMAP, PHASE_TEARDOWN};

static const char *policy_name(const struct compare *c, u32 p)
{
	return c->policies.policy[p]->name;
}

/* --- one workload ----------------------------------------------------------------------------- */

static void print_verdicts(FILE *f, const struct compare *c, const struct survey *s, u32 w)
{
	char claims[8], broken[8], x[5][COLUMN_CELL];

	fprintf(f, "%-25s %-7s %-7s %6s %6s %5s %6s %6s\n", "policy", "claims", "broken", "flush",
		"bound", "ratio", "fences", "skips");
	for (u32 p = 0; p < c->policies.nr; p++) {
		const struct cell *cell = survey_cell(s, w, p);
		const struct verdict *v = &cell->verdict.v;
		const struct algorithm *a = &cell->verdict.counts;

		fprintf(f, "%-25.25s %-7s %-7s %6s %6s %5s %6s %6s\n", policy_name(c, p),
			contract_letters(c->policies.policy[p]->claims, claims),
			contract_letters(cell_broken(cell), broken), column_count(x[0], v->flushes),
			column_count(x[1], v->bound), column_ratio(x[2], v->flushes, v->bound),
			column_count(x[3], a->fences), column_count(x[4], a->skips));
	}
	for (u32 p = 0; p < c->policies.nr; p++)
		if (survey_cell(s, w, p)->differs)
			fprintf(f, "TIMED AND JUDGED RUNS DIFFER: %s\n", policy_name(c, p));
}

static void print_times(FILE *f, const struct compare *c, const struct survey *s, u32 w,
			const enum phase *phases, u32 nr)
{
	char x[COLUMN_CELL];

	fprintf(f, "\n%-25s", "ns a page (+ over none) %");
	for (u32 i = 0; i < nr; i++)
		fprintf(f, " %*s", i ? 16 : 15, phase_name[phases[i]]);
	fputc('\n', f);
	for (u32 p = 0; p < c->policies.nr; p++) {
		fprintf(f, "%-25.25s", policy_name(c, p));
		for (u32 i = 0; i < nr; i++)
			fprintf(f, " %*s", i ? 16 : 15,
				column_spread(x, survey_cell(s, w, p), phases[i], i ? 16 : 15));
		fputc('\n', f);
	}
}

/* map, unmap and teardown first, as in the published figures. */
static void print_all_times(FILE *f, const struct compare *c, const struct survey *s, u32 w)
{
	static const enum phase order[] = {PHASE_MAP,	 PHASE_UNMAP,  PHASE_TEARDOWN,
					   PHASE_ATTACH, PHASE_DETACH, PHASE_ACCESS};
	enum phase phases[PHASE_NR];
	u32 nr = 0;

	for (u32 i = 0; i < PHASE_NR; i++)
		if (survey_cell(s, w, 0)->shape[order[i]].pages)
			phases[nr++] = order[i];
	for (u32 i = 0; i < nr; i += TIMES_A_ROW)
		print_times(f, c, s, w, phases + i, min(nr - i, (u32)TIMES_A_ROW));
}

static void print_workload(FILE *f, const struct compare *c, u32 clean, u32 w)
{
	const struct survey *s = &c->survey[clean];
	const struct workload *wl = &s->workloads.w[w];

	/* A trace may be called anything, and its program be as long as it likes. */
	if (strlen(wl->name) + strlen(": ") + strlen(wl->what) <= COLUMNS)
		fprintf(f, "\n%s: %s\n", wl->name, wl->what);
	else
		fprintf(f, "\n%.*s:\n%.*s\n", COLUMNS - 1, wl->name, COLUMNS, wl->what);
	fprintf(f, "%u ops, %llu pages; %s, lines %s; rounds: %u\n\n", wl->nr_ops,
		(unsigned long long)wl->pages, c->clean[clean]->name,
		memory_lines_name[c->options.rig.lines], s->rounds[w]);
	print_verdicts(f, c, s, w);
	print_all_times(f, c, s, w);
}

/* --- boot, beside the published figures ------------------------------------------------------- */

/* What is more in brackets; @ns_page: that, a page of the guest. */
static void print_boot_row(FILE *f, const char *who, const char *phase, double before, double after,
			   double ns_page)
{
	char more[COLUMN_CELL];
	int digits = after < 1000 ? 2 : 0;

	snprintf(more, sizeof(more), "(%+.*f)", digits, after - before);
	fprintf(f, "%-25.25s %-8s %10.*f %10.*f %11s %6.1f\n", who, phase, digits, before, digits,
		after, more, ns_page);
}

static void print_published(FILE *f)
{
	fprintf(f, "published, 10^6 cycles\n");
	for (u32 i = 0; published_figure(i); i++) {
		const struct published *p = published_figure(i);
		double more = (double)p->after - p->before;

		print_boot_row(f, p->api, p->phase, p->before, p->after,
			       more * 1e6 / PUBLISHED_GHZ / (PUBLISHED_GUEST >> PAGE_SHIFT));
	}
}

/* Cycles of the counting runs where there is a PMU, else ms: medians, and of the differences. */
static void print_boot_policy(FILE *f, const struct compare *c, const struct survey *s, u32 w,
			      u32 p, bool cycles)
{
	u64 guest = c->workload.size >> PAGE_SHIFT;

	for (u32 i = 0; i < ARRAY_SIZE(published_rows); i++) {
		struct phase_result r = cell_phase(survey_cell(s, w, p), published_rows[i]);
		struct phase_result none = cell_phase(survey_cell(s, w, 0), published_rows[i]);
		double before = cycles ? none.cycles : r.ns - r.delta_ns;
		double after = cycles ? r.cycles : r.ns;

		print_boot_row(f, policy_name(c, p), phase_name[published_rows[i]], before / 1e6,
			       after / 1e6, r.delta_ns / guest);
	}
}

static void print_boot(FILE *f, const struct compare *c, u32 clean)
{
	const struct survey *s = &c->survey[clean];
	const char *why = counter_why_not(&s->counters, COUNTER_CYCLES);
	u32 w = 0;

	while (w < s->workloads.nr && strcmp(s->workloads.w[w].name, "boot"))
		w++;
	if (w == s->workloads.nr)
		return;
	fprintf(f, "\nBoot and end of one guest: before (no flushes) and after, what that is\n"
		   "more, and that in ns a 4 KiB page of the guest. Published: cover letter of\n"
		   "the 2024 proposal, other hardware, 8 GB guest, GPU with 1 GB aperture,\n"
		   "4.494 GHz.\n\n");
	fprintf(f, "%-25s %-8s %10s %10s %11s %6s\n", "", "", "before", "after", "(more)", "ns");
	print_published(f);
	fprintf(f, "here, guest of %llu MiB, %s, %s\n", (unsigned long long)c->workload.size >> 20,
		c->clean[clean]->name, why ? "ms (cycles: n/a)" : "10^6 cycles");
	for (u32 p = 1; p < c->policies.nr; p++)
		print_boot_policy(f, c, s, w, p, !why);
	if (why)
		fprintf(f, "cycles: n/a, %s\n", why);
}

/* --- the form of IOMMU reviewers -------------------------------------------------------------- */

static const struct cell *find_cell(const struct survey *s, const char *workload, u32 policy)
{
	for (u32 w = 0; w < s->workloads.nr; w++)
		if (!strcmp(s->workloads.w[w].name, workload))
			return survey_cell(s, w, policy);
	return NULL;
}

static void avg_and_least(const struct cell *c, enum phase phase, bool none, double *avg,
			  double *least)
{
	double v[SURVEY_ROUNDS], sum = 0;

	for (u32 i = 0; i < c->nr; i++) {
		v[i] = (none ? c->round[i].none_ns : c->round[i].ns)[phase] /
		       c->shape[phase].requests;
		sum += v[i];
	}
	*avg = sum / c->nr;
	*least = stats_min(v, c->nr);
}

bool compare_iommu(const struct compare *c, u32 clean, u32 policy, u32 shift, enum phase phase,
		   struct iommu_row *out)
{
	const struct survey *s = &c->survey[clean];
	const char *workload = shift == 12 ? "churn-4k" : "churn-2m";
	const struct cell *new = find_cell(s, workload, policy);
	const struct cell *old = c->old ? find_cell(s, workload, c->old) : new;

	if (!new || !new->nr || !old->nr || !new->shape[phase].requests)
		return false;
	out->shift = shift;
	avg_and_least(new, phase, false, &out->avg_new, &out->least_new);
	/* `none` has run right beside each of the policy's. */
	avg_and_least(old, phase, !c->old, &out->avg_old, &out->least_old);
	out->percent = out->least_old > 0 ? (out->least_old - out->least_new) / out->least_old * 100
					  : 0;
	return true;
}

static void print_iommu(FILE *f, const struct compare *c, u32 clean, u32 policy)
{
	struct iommu_row r;

	fprintf(f, "\n%s (new) against %s (old), %s, lines %s\n", policy_name(c, policy),
		policy_name(c, c->old), c->clean[clean]->name,
		memory_lines_name[c->options.rig.lines]);
	for (u32 i = 0; i < ARRAY_SIZE(calls); i++) {
		fprintf(f,
			"%s\n   pgsz  ,avg new,old ns, min new,old ns  , min %% (+ve is better)\n",
			phase_name[calls[i]]);
		for (u32 k = 0; k < ARRAY_SIZE(shifts); k++)
			if (compare_iommu(c, clean, policy, shifts[k], calls[i], &r))
				fprintf(f, "     2^%u, %7.0f,%-7.0f, %7.0f,%-7.0f, %9.2f\n",
					r.shift, r.avg_new, r.avg_old, r.least_new, r.least_old,
					r.percent);
	}
}

/* --- sweeps ----------------------------------------------------------------------------------- */

static void print_point(FILE *f, const struct sweep_point *p)
{
	char a[COLUMN_CELL], b[COLUMN_CELL], spread[COLUMN_CELL] = "n/a", ns[COLUMN_CELL] = "n/a";
	bool is_long = p->ns_page.hi >= 9999;

	if (p->rounds)
		snprintf(ns, sizeof(ns), "%.*f", p->ns_page.median < 9999, p->ns_page.median);
	if (p->rounds >= SPREAD_ROUNDS)
		snprintf(spread, sizeof(spread), "%.*f..%.*f", !is_long, p->ns_page.lo, !is_long,
			 p->ns_page.hi);
	fprintf(f, "%8u %-25.25s %7s %7s %7s %16s\n", p->value, p->policy,
		column_count(a, p->flushes), column_count(b, p->bound), ns, spread);
}

static void print_wbinvd(FILE *f, const struct wbinvd *w)
{
	if (w->why) {
		fprintf(f, "\nWBINVD: n/a, %s\n", w->why);
		return;
	}
	fprintf(f,
		"\nWBINVD, computed and never run: writing back an L3 of %llu MiB costs what\n"
		"cleaning a range does of %llu MiB of dirty lines, %llu MiB of clean ones,\n"
		"%llu MiB of lines in no cache\n",
		(unsigned long long)w->l3_bytes >> 20,
		(unsigned long long)w->bytes[MEMORY_DIRTY] >> 20,
		(unsigned long long)w->bytes[MEMORY_CLEAN] >> 20,
		(unsigned long long)w->bytes[MEMORY_UNCACHED] >> 20);
}

static void print_sweeps(FILE *f, const struct compare *c)
{
	const char *sweep = "";

	for (u32 i = 0; i < c->sweeps.nr; i++) {
		const struct sweep_point *p = &c->sweeps.point[i];

		if (strcmp(p->sweep, sweep))
			fprintf(f,
				"\n%s, %s; ns a page, its whole life\n\n%8s %-25s %7s %7s %7s "
				"%16s\n",
				p->sweep, c->clean[0]->name, p->parameter, "policy", "flush",
				"bound", "ns", "95 % interval");
		sweep = p->sweep;
		print_point(f, p);
	}
	print_wbinvd(f, &c->wbinvd);
}

/* --- all -------------------------------------------------------------------------------------- */

static void print_head(FILE *f, const struct compare *c, const json_t *meta)
{
	static const char *const keys[] = {"cpu", "kernel", "commit"};

	fprintf(f, "nosnoop-bench compare\n\n");
	for (u32 i = 0; i < ARRAY_SIZE(keys); i++) {
		const char *text = json_string_value(json_object_get(meta, keys[i]));

		fprintf(f, "%-8s %.*s\n", keys[i], COLUMNS - 9, text ? text : "n/a");
	}
	fprintf(f, "%-8s boot %llu MiB, seed %llu\n", "size",
		(unsigned long long)c->workload.size >> 20, (unsigned long long)c->workload.seed);
}

static void print_tables(FILE *f, const struct compare *c)
{
	fprintf(f, "\nContracts: L leak, I integrity, 0 is S0 and 1 is S1 (visibility),\n"
		   "E un-exposure, O order, U unpinned while mapped. bound: fewest flushes\n"
		   "that keep the claims; skips: pages that a request gave an NC domain or\n"
		   "took, and did not clean. Times are medians of the rounds; in brackets what\n"
		   "that is more than none, run beside each; N%%: half of the median's 95 %%\n"
		   "interval (not known, or no room: none is printed).\n");
	for (u32 w = 0; w < c->survey[0].workloads.nr; w++)
		for (u32 i = 0; i < c->nr_cleans; i++)
			print_workload(f, c, i, w);
	for (u32 i = 0; i < c->nr_cleans; i++)
		print_boot(f, c, i);
}

void compare_print(FILE *f, const struct compare *c, const json_t *meta)
{
	print_head(f, c, meta);
	if (c->swept) {
		print_sweeps(f, c);
		return;
	}
	if (strcmp(c->form, "iommu")) {
		print_tables(f, c);
		return;
	}
	for (u32 i = 0; i < c->nr_cleans; i++)
		for (u32 p = 0; p < c->policies.nr; p++)
			if (p != c->old)
				print_iommu(f, c, i, p);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static json_t *comparison_json(const struct compare *c, u32 clean)
{
	const struct survey *s = &c->survey[clean];
	json_t *results = json_array();

	for (u32 w = 0; w < s->workloads.nr; w++)
		for (u32 p = 0; p < c->policies.nr; p++)
			json_array_append_new(results, results_cell_json(s, w, p));
	return json_pack("{sssbsoso}", "clean", c->clean[clean]->name, "invalidates",
			 c->clean[clean]->invalidates, "workloads", results_workloads_json(s),
			 "results", results);
}

static void add_iommu_json(json_t *list, const struct compare *c, u32 clean, u32 policy)
{
	struct iommu_row r;

	for (u32 i = 0; i < ARRAY_SIZE(calls); i++)
		for (u32 k = 0; k < ARRAY_SIZE(shifts); k++)
			if (compare_iommu(c, clean, policy, shifts[k], calls[i], &r))
				json_array_append_new(
					list, json_pack("{sssssssssisfsfsfsfsf}", "clean",
							c->clean[clean]->name, "new",
							policy_name(c, policy), "old",
							policy_name(c, c->old), "call",
							phase_name[calls[i]], "pgsz", 1 << r.shift,
							"avg_new", r.avg_new, "avg_old", r.avg_old,
							"min_new", r.least_new, "min_old",
							r.least_old, "min_percent", r.percent));
}

json_t *compare_json(const struct compare *c)
{
	json_t *o = json_pack("{sssIsIss}", "schema", "nosnoop-bench compare 1", "size",
			      (json_int_t)c->workload.size, "seed", (json_int_t)c->workload.seed,
			      "lines", memory_lines_name[c->options.rig.lines]);
	json_t *list = json_array(), *iommu = json_array();

	if (c->swept) {
		json_object_set_new(o, "sweeps", sweeps_json(&c->sweeps));
		json_object_set_new(o, "wbinvd", wbinvd_json(&c->wbinvd));
	}
	for (u32 i = 0; !c->swept && i < c->nr_cleans; i++) {
		json_array_append_new(list, comparison_json(c, i));
		for (u32 p = 0; p < c->policies.nr; p++)
			if (p != c->old)
				add_iommu_json(iommu, c, i, p);
	}
	json_object_set_new(o, "comparisons", list);
	json_object_set_new(o, "iommu", iommu);
	json_object_set_new(o, "published", results_published_json());
	return o;
}
