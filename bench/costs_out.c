// SPDX-License-Identifier: GPL-2.0-only
#include "bench/costs_out.h"

#include "core/flush/flush.h"
#include "core/op/backend_linux.h"

#define AIM 0.8
#define NA  json_string("n/a")

/* A tree by path: its file. */
static const char *short_name(const struct cost_player *p)
{
	const char *slash = strrchr(p->name, '/');

	return slash ? slash + 1 : p->name;
}

/* "churn 4" once, and blanks on the lines below. */
static const char *label(const struct costs_row *row, bool first, char buf[24])
{
	buf[0] = '\0';
	if (first)
		snprintf(buf, 24, "%-10s %2u", row->opt.layout->name, row->opt.domains);
	return buf;
}

static void print_players(FILE *f, const struct costs_options *opt)
{
	for (u32 i = 0; i < opt->nr_players; i++) {
		const struct cost_player *p = &opt->player[i];
		const struct linux_backend_about *about = linux_backend_about(p->ops);

		if (about)
			fprintf(f, "%s: %s, sha256 %.16s, %s\n", p->name, about->name, about->hash,
				about->fault_points ? "with fault points" : "production build");
		else
			fprintf(f, "%s: core/iopt, policy %s\n", p->name, p->policy->name);
	}
}

struct text {
	char at[32];
};

/* In at most @width characters, with fewer digits if need be: a busy machine must not bend the table. */
static struct text fit(double v, int digits, int width)
{
	struct text t;

	while (snprintf(t.at, sizeof(t.at), "%.*f", digits, v) > width && digits)
		digits--;
	if (strlen(t.at) > (size_t)width)
		snprintf(t.at, sizeof(t.at), "%.0e", v);
	return t;
}

static void print_time(FILE *f, const char *label, const char *name, const struct cost_times *t)
{
	fprintf(f, "%-13s %-9.9s %8s %8s %8s %8s .. %s\n", label, name,
		fit(t->total.median, 2, 8).at, fit(t->machine.median, 2, 8).at,
		fit(t->own.median, 2, 8).at, fit(t->own.q1, 2, 8).at, fit(t->own.q3, 2, 8).at);
}

static void print_times(FILE *f, const struct costs_row *rows, u32 nr)
{
	char buf[24];

	fprintf(f, "%-13s %-9s %8s %8s %8s %s\n", "workload", "backend", "total", "machine", "own",
		"  own, middle half");
	for (u32 r = 0; r < nr; r++) {
		const struct costs_row *row = &rows[r];

		for (u32 i = 0; i < row->opt.nr_players; i++)
			print_time(f, label(row, !i, buf), short_name(&row->opt.player[i]),
				   &row->costs.of[i].time);
	}
}

static void print_ratio(FILE *f, const char *label, const char *first, const char *name,
			const struct cost_times *t)
{
	const struct spread *total = &t->total_ratio, *own = &t->own_ratio;
	char pair[24];

	snprintf(pair, sizeof(pair), "%.7s/%.9s", first, name);
	fprintf(f, "%-13s %-17s %6s %6s..%-6s %6s %6s..%s\n", label, pair,
		fit(total->median, 3, 6).at, fit(total->q1, 3, 6).at, fit(total->q3, 3, 6).at,
		fit(own->median, 3, 6).at, fit(own->q1, 3, 6).at, fit(own->q3, 3, 6).at);
}

static void print_ratios(FILE *f, const struct costs_row *rows, u32 nr)
{
	char buf[24];

	fprintf(f, "\n%-13s %-17s %6s %-14s %6s %s\n", "workload", "ratio", "total",
		"  middle half", "own", "  middle half");
	for (u32 r = 0; r < nr; r++) {
		const struct costs_row *row = &rows[r];
		const char *first = short_name(&row->opt.player[0]);

		for (u32 i = 1; i < row->opt.nr_players; i++)
			print_ratio(f, label(row, i == 1, buf), first,
				    short_name(&row->opt.player[i]), &row->costs.of[i].time);
		print_ratio(f, label(row, row->opt.nr_players == 1, buf), first, "itself",
			    &row->costs.again);
	}
}

static void print_counts(FILE *f, const struct costs_row *rows, u32 nr)
{
	char buf[24];

	fprintf(f, "\n%-13s %-9s %8s %8s %8s %6s %6s %7s\n", "one pass", "backend", "maps",
		"unmaps", "reads", "syncs", "pins", "calls");
	for (u32 r = 0; r < nr; r++) {
		for (u32 i = 0; i < rows[r].opt.nr_players; i++) {
			const struct cost *c = &rows[r].costs.of[i];

			fprintf(f, "%-13s %-9.9s %8llu %8llu %8llu %6llu %6llu %7llu\n",
				label(&rows[r], !i, buf), short_name(&rows[r].opt.player[i]),
				(unsigned long long)c->count.map_calls,
				(unsigned long long)c->count.unmap_calls,
				(unsigned long long)c->count.translations,
				(unsigned long long)c->count.syncs,
				(unsigned long long)c->count.pin_calls,
				(unsigned long long)c->nr_calls);
		}
	}
	fprintf(f, "maps, unmaps: calls of the driver; reads: pages translated;\n"
		   "calls: of the machine, where a batch of runs is one\n");
}

static void print_instructions(FILE *f, const struct costs_row *rows, u32 nr, const char *why)
{
	char buf[24];

	if (why) {
		fprintf(f,
			"\ninstructions: n/a here (%s);\n"
			"scripts/bench-instructions.sh counts them with valgrind\n",
			why);
		return;
	}
	fprintf(f, "\n%-13s %-9s %10s %10s %10s\n", "instructions", "backend", "total", "machine",
		"own");
	for (u32 r = 0; r < nr; r++) {
		for (u32 i = 0; i < rows[r].opt.nr_players; i++) {
			const struct cost *c = &rows[r].costs.of[i];

			fprintf(f, "%-13s %-9.9s ", label(&rows[r], !i, buf),
				short_name(&rows[r].opt.player[i]));
			if (c->has_instructions)
				fprintf(f, "%10.1f %10.1f %10.1f\n", c->instructions,
					c->machine_instructions,
					c->instructions - c->machine_instructions);
			else
				fprintf(f, "%10s %10s %10s\n", "n/a", "n/a", "n/a");
		}
	}
}

void costs_print(FILE *f, const struct costs_row *rows, u32 nr, const char *why)
{
	const struct costs_options *opt = &rows[0].opt;

	print_players(f, opt);
	fprintf(f,
		"ns per 4 KiB page mapped and unmapped (churn: per map+unmap pair); %llu MiB\n"
		"median of %u rounds, every round all arms in random order on the same memory\n"
		"own = total - machine; aim: core/linux <= %g\n\n",
		(unsigned long long)opt->size >> 20, opt->reps, AIM);
	print_times(f, rows, nr);
	print_ratios(f, rows, nr);
	print_counts(f, rows, nr);
	print_instructions(f, rows, nr, why);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static json_t *real(double v)
{
	return json_real((s64)(v * 10000 + (v < 0 ? -0.5 : 0.5)) / 10000.0);
}

static json_t *spread(const struct spread *s)
{
	return json_pack("{sososo}", "median", real(s->median), "q1", real(s->q1), "q3",
			 real(s->q3));
}

static json_t *times_json(const struct costs_options *opt, const struct cost_times *t)
{
	json_t *o =
		json_pack("{sosososososo}", "total", spread(&t->total), "machine",
			  spread(&t->machine), "own", spread(&t->own), "total_ratio",
			  spread(&t->total_ratio), "own_ratio", spread(&t->own_ratio), "unit",
			  json_string(opt->layout->churn ? "ns per pair" : "ns per 4 KiB page"));

	if (!opt->layout->churn) {
		json_object_set_new(o, "map", spread(&t->part[STAGE_MAP]));
		json_object_set_new(o, "unmap", spread(&t->part[STAGE_UNMAP]));
	}
	return o;
}

static json_t *counts_json(const struct cost *c)
{
	const struct machine_counters *n = &c->count;

	return json_pack("{sIsIsIsIsIsIsIsIsI}", "maps", (json_int_t)n->map_calls, "unmaps",
			 (json_int_t)n->unmap_calls, "reads", (json_int_t)n->translations, "syncs",
			 (json_int_t)n->syncs, "pins", (json_int_t)n->pin_calls, "pages_pinned",
			 (json_int_t)n->pages_pinned, "pages_unpinned",
			 (json_int_t)n->pages_unpinned, "clean_lines", (json_int_t)n->clean_lines,
			 "calls", (json_int_t)c->nr_calls);
}

static json_t *backend_json(const struct costs_row *row, u32 i)
{
	const struct cost_player *p = &row->opt.player[i];
	const struct linux_backend_about *about = linux_backend_about(p->ops);
	const struct cost *c = &row->costs.of[i];
	json_t *o = json_pack("{sssssssoso}", "as", p->name, "backend", p->ops->name, "policy",
			      p->policy->name, "time", times_json(&row->opt, &c->time), "counts",
			      counts_json(c));

	if (about) {
		json_object_set_new(o, "sha256", json_string(about->hash));
		json_object_set_new(o, "production", json_boolean(!about->fault_points));
	}
	json_object_set_new(o, "instructions", c->has_instructions ? real(c->instructions) : NA);
	json_object_set_new(o, "machine_instructions",
			    c->has_instructions ? real(c->machine_instructions) : NA);
	return o;
}

json_t *costs_json(const struct costs_row *rows, u32 nr, const char *why)
{
	json_t *list = json_array();

	for (u32 r = 0; r < nr; r++) {
		const struct costs_row *row = &rows[r];
		json_t *backends = json_array();

		for (u32 i = 0; i < row->opt.nr_players; i++)
			json_array_append_new(backends, backend_json(row, i));
		json_array_append_new(
			list, json_pack("{sssisIsisIsoso}", "workload", row->opt.layout->name,
					"domains", (int)row->opt.domains, "pages",
					(json_int_t)row->costs.pages, "reps", (int)row->opt.reps,
					"seed", (json_int_t)row->opt.seed, "backends", backends,
					"again", times_json(&row->opt, &row->costs.again)));
	}
	return json_pack("{sssoso}", "schema", "nosnoop-bench run --backend 1", "costs", list,
			 "counters", why ? json_sprintf("n/a: %s", why) : json_string("available"));
}
