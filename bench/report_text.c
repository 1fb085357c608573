// SPDX-License-Identifier: GPL-2.0-only
/* report.txt: tables for a mail, at most 75 columns. */
#include "bench/columns.h"
#include "bench/results.h"

static const char *name_of(const struct report *r, u32 policy)
{
	return r->survey.policies.policy[policy]->name;
}

/* --- what and where --------------------------------------------------------------------------- */

static void print_meta_line(FILE *f, const json_t *meta, const char *key)
{
	const char *text = json_string_value(json_object_get(meta, key));

	fprintf(f, "%-10s %.*s\n", key, COLUMNS - 11, text ? text : "n/a");
}

static void print_head(FILE *f, const struct report *r, const json_t *meta)
{
	static const char *const keys[] = {"cpu",    "microcode", "governor", "kernel",
					   "commit", "compiler",  "flags",    "date"};

	fprintf(f, "nosnoop: flush policies, judged and priced\n\n");
	for (u32 i = 0; i < ARRAY_SIZE(keys); i++)
		print_meta_line(f, meta, keys[i]);
	fprintf(f, "%-10s boot %llu MiB, seed %llu; judged at the same size\n", "size",
		(unsigned long long)r->workload.size >> 20, (unsigned long long)r->workload.seed);
	fprintf(f, "%-10s %s, drained; lines %s before each flush\n", "clean",
		r->options.rig.clean->name, memory_lines_name[r->options.rig.lines]);
	fprintf(f,
		"%-10s %llu MiB of real pages%s\n"
		"%-10s judged %.0f s, timed %.0f s; %llu timed requests lost the CPU\n",
		"memory", (unsigned long long)r->survey.rig.memory.size >> 20,
		r->survey.rig.memory.huge ? ", huge pages asked for" : "", "took",
		r->survey.judge_seconds, r->survey.time_seconds,
		(unsigned long long)r->survey.rig.watch.interrupted);
}

/* --- all workloads together ------------------------------------------------------------------- */

static void print_verdicts(FILE *f, const struct report *r)
{
	char claims[8], broken[8], a[COLUMN_CELL], b[COLUMN_CELL], c[COLUMN_CELL], d[COLUMN_CELL],
		e[COLUMN_CELL];

	fprintf(f,
		"\nVerdicts, all workloads together. Contracts: L leak, I integrity, 0 is S0\n"
		"and 1 is S1 (visibility), E un-exposure, O order, U unpinned while mapped.\n"
		"\"broken\": broken on these runs; what is not there was not seen to break.\n"
		"bound: fewest page flushes that keep the claims; LIS0: that keep L, I, S0.\n\n");
	fprintf(f, "%-25s %-7s %-7s %6s %6s %5s %6s %5s\n", "policy", "claims", "broken", "flush",
		"bound", "ratio", "LIS0", "ratio");
	for (u32 p = 0; p < r->survey.policies.nr; p++) {
		struct policy_total t = survey_total(&r->survey, p);

		fprintf(f, "%-25.25s %-7s %-7s %6s %6s %5s %6s %5s\n", name_of(r, p),
			contract_letters(r->survey.policies.policy[p]->claims, claims),
			contract_letters(t.broken, broken), column_count(a, t.flushes),
			column_count(b, t.bound), column_ratio(c, t.flushes, t.bound),
			column_count(d, t.bound_lis0), column_ratio(e, t.flushes, t.bound_lis0));
	}
	for (u32 p = 0; p < r->survey.policies.nr; p++) {
		if (!survey_total(&r->survey, p).as_claimed)
			fprintf(f, "NOT AS CLAIMED: %s\n", name_of(r, p));
		if (survey_total(&r->survey, p).differs)
			fprintf(f, "TIMED AND JUDGED RUNS DIFFER: %s\n", name_of(r, p));
	}
}

static void print_times(FILE *f, const struct report *r)
{
	static const enum phase phases[] = {PHASE_MAP, PHASE_UNMAP, PHASE_TEARDOWN};
	char a[COLUMN_CELL];

	fprintf(f, "\nTimes, all workloads together: ns per 4 KiB page, medians; in brackets what\n"
		   "that is more than policy none, which ran beside each of them; N%%: half of\n"
		   "the median's 95 %% interval (not known, or no room: none is printed).\n\n");
	fprintf(f, "%-21s", "policy");
	for (u32 i = 0; i < ARRAY_SIZE(phases); i++)
		fprintf(f, " %17s", phase_name[phases[i]]);
	fputc('\n', f);
	for (u32 p = 0; p < r->survey.policies.nr; p++) {
		struct policy_total t = survey_total(&r->survey, p);

		fprintf(f, "%-21.21s", name_of(r, p));
		for (u32 i = 0; i < ARRAY_SIZE(phases); i++)
			fprintf(f, " %17s",
				column_share(a, &t.phase[phases[i]],
					     survey_spread_share(&r->survey, p, phases[i]), 17));
		fputc('\n', f);
	}
}

/* Where there is a PMU; else print_counters() says why not. */
static void print_cycles(FILE *f, const struct report *r)
{
	static const enum phase phases[] = {PHASE_MAP, PHASE_UNMAP, PHASE_TEARDOWN};

	if (counter_why_not(&r->survey.counters, COUNTER_CYCLES)) {
		fprintf(f, "\nCycles per page: n/a, %s\n",
			counter_why_not(&r->survey.counters, COUNTER_CYCLES));
		return;
	}
	fprintf(f, "\nCycles per 4 KiB page, all workloads together, one run\n\n");
	fprintf(f, "%-25s %12s %12s %12s\n", "policy", "map", "unmap", "teardown");
	for (u32 p = 0; p < r->survey.policies.nr; p++) {
		struct policy_total t = survey_total(&r->survey, p);

		fprintf(f, "%-25.25s", name_of(r, p));
		for (u32 i = 0; i < ARRAY_SIZE(phases); i++)
			if (t.phase[phases[i]].has_cycles && t.phase[phases[i]].pages)
				fprintf(f, " %12.1f",
					t.phase[phases[i]].cycles / t.phase[phases[i]].pages);
			else
				fprintf(f, " %12s", "n/a");
		fputc('\n', f);
	}
}

/* --- one workload ----------------------------------------------------------------------------- */

static bool has_phase(const struct report *r, u32 w, enum phase phase)
{
	return cell_phase(survey_cell(&r->survey, w, 0), phase).pages;
}

static void print_workload(FILE *f, const struct report *r, u32 w)
{
	const struct workload *wl = &r->survey.workloads.w[w];
	char a[COLUMN_CELL], broken[8];

	fprintf(f, "\n%s: %s\n%u ops, %llu pages; %u rounds; ns per 4 KiB page\n\n", wl->name,
		wl->what, wl->nr_ops, (unsigned long long)wl->pages, r->survey.rounds[w]);
	fprintf(f, "%-25s %-7s %6s", "policy", "broken", "flush");
	for (u32 p = 0; p < PHASE_NR; p++)
		if (has_phase(r, w, p))
			fprintf(f, " %6.6s", p == PHASE_TEARDOWN ? "tear" : phase_name[p]);
	fputc('\n', f);
	for (u32 i = 0; i < r->survey.policies.nr; i++) {
		const struct cell *c = survey_cell(&r->survey, w, i);

		fprintf(f, "%-25.25s %-7s %6s", name_of(r, i),
			contract_letters(cell_broken(c), broken),
			column_count(a, c->verdict.v.flushes));
		for (u32 p = 0; p < PHASE_NR; p++) {
			struct phase_result phase = cell_phase(c, p);

			if (has_phase(r, w, p))
				fprintf(f, " %6s", column_page(a, &phase));
		}
		fputc('\n', f);
	}
}

/* --- beside the published figures ------------------------------------------------------------- */

static s64 find_policy(const struct report *r, const char *name)
{
	for (u32 p = 0; p < r->survey.policies.nr; p++)
		if (!strcmp(name_of(r, p), name))
			return p;
	return -1;
}

static s64 find_workload(const struct report *r, const char *name)
{
	for (u32 w = 0; w < r->survey.workloads.nr; w++)
		if (!strcmp(r->survey.workloads.w[w].name, name))
			return w;
	return -1;
}

/* Total of a phase: cycles where there is a PMU, else ms. */
static double total(const struct cell *c, enum phase phase, bool cycles)
{
	struct phase_result r = cell_phase(c, phase);

	return (cycles ? r.cycles : r.ns) / 1e6;
}

static void print_row(FILE *f, const struct report *r, s64 boot, const s64 *policies, u32 nr,
		      enum phase phase, bool cycles)
{
	double none = total(survey_cell(&r->survey, boot, 0), phase, cycles);

	fprintf(f, "%-9s %9.2f", phase_name[phase], none);
	for (u32 i = 0; i < nr; i++) {
		double t = total(survey_cell(&r->survey, boot, policies[i]), phase, cycles);
		int digits = t < 10 ? 2 : t < 1000 ? 1 : 0;
		char buf[32];

		snprintf(buf, sizeof(buf), "%.*f (%+.*f)", digits, t, digits, t - none);
		fprintf(f, " %17s", buf);
	}
	fputc('\n', f);
}

static void print_published(FILE *f)
{
	fprintf(f, "\nPublished (cover letter of the 2024 proposal; other hardware: 8 GB guest,\n"
		   "GPU with 1 GB aperture, 4.494 GHz), 10^6 cycles before -> after. The last\n"
		   "column is computed from them: ns added per 4 KiB page of the guest.\n\n");
	for (u32 i = 0; published_figure(i); i++) {
		const struct published *p = published_figure(i);
		double added = p->after - p->before;

		fprintf(f, "%-8s %-9s %5uM -> %5uM (+%.0fM) %8.1f\n", p->api, p->phase, p->before,
			p->after, added,
			added * 1e6 / PUBLISHED_GHZ / (PUBLISHED_GUEST >> PAGE_SHIFT));
	}
}

static void print_boot(FILE *f, const struct report *r)
{
	static const char *const wanted[] = {"v1_posted", "storage_skip", "exact"};
	static const enum phase rows[] = {PHASE_MAP, PHASE_UNMAP, PHASE_TEARDOWN};
	s64 boot = find_workload(r, "boot"), policies[ARRAY_SIZE(wanted)];
	bool cycles = !counter_why_not(&r->survey.counters, COUNTER_CYCLES);
	u32 nr = 0;

	if (boot < 0)
		return;
	for (u32 i = 0; i < ARRAY_SIZE(wanted); i++)
		if (find_policy(r, wanted[i]) >= 0)
			policies[nr++] = find_policy(r, wanted[i]);
	fprintf(f,
		"\nBoot and teardown of a guest of %llu MiB, totals in %s\n"
		"(in brackets: more than none)\n\n",
		(unsigned long long)r->workload.size >> 20,
		cycles ? "10^6 cycles" : "ms (cycles: n/a)");
	fprintf(f, "%-9s %9s", "", "none");
	for (u32 i = 0; i < nr; i++)
		fprintf(f, " %17s", name_of(r, policies[i]));
	fputc('\n', f);
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		print_row(f, r, boot, policies, nr, rows[i], cycles);
	print_published(f);
}

/* --- counters --------------------------------------------------------------------------------- */

static const char *counted(char buf[COUNTER_TEXT], const struct cell *c, u32 id)
{
	struct counter_sum sum = cell_count(c, id);

	return counter_text(&sum, buf);
}

/* How much of the time an event that shared a counter had it. */
static void print_shared(FILE *f, const struct report *r, const struct cell *c)
{
	const struct counters *counters = &r->survey.counters;

	for (u32 id = 0; id < counters->nr; id++) {
		struct counter_sum sum = cell_count(c, id);

		if (sum.multiplexed)
			fprintf(f, "%s: counted %.1f %% of the time (policy none)\n",
				counter_name(counters, id), 100.0 * sum.running / sum.enabled);
	}
}

static void print_counters(FILE *f, const struct report *r)
{
	static const char *const wanted[] = {"none", "eager", "sticky", "storage_skip"};
	const struct counters *counters = &r->survey.counters;
	s64 boot = find_workload(r, "boot");
	char buf[COUNTER_TEXT];

	if (boot < 0)
		return;
	fprintf(f,
		"\nCounters over the timed regions of boot (one run of its own; task-clock in\n"
		"ns; * scaled up: the event shared a counter; source: %s)\n\n%-21s",
		counters->source->name, "event");
	for (u32 i = 0; i < ARRAY_SIZE(wanted); i++)
		if (find_policy(r, wanted[i]) >= 0)
			fprintf(f, " %12s", wanted[i]);
	fputc('\n', f);
	for (u32 id = 0; id < counters->nr; id++) {
		if (counter_why_not(counters, id))
			continue;
		fprintf(f, "%-21.21s", counter_name(counters, id));
		for (u32 i = 0; i < ARRAY_SIZE(wanted); i++) {
			s64 p = find_policy(r, wanted[i]);

			if (p >= 0)
				fprintf(f, " %12s",
					counted(buf, survey_cell(&r->survey, boot, p), id));
		}
		fputc('\n', f);
	}
	print_shared(f, r, survey_cell(&r->survey, boot, find_policy(r, "none")));
	for (u32 id = 0; id < counters->nr; id++)
		if (counter_why_not(counters, id))
			fprintf(f, "%s: n/a, %s\n", counter_name(counters, id),
				counter_why_not(counters, id));
	fputs(counters->notes, f);
}

void report_print(FILE *f, const struct report *r, const json_t *meta)
{
	print_head(f, r, meta);
	print_verdicts(f, r);
	print_times(f, r);
	print_cycles(f, r);
	print_boot(f, r);
	print_counters(f, r);
	fputc('\n', f);
	cleans_print(f, &r->cleans);
	for (u32 w = 0; w < r->survey.workloads.nr; w++)
		print_workload(f, r, w);
}
