// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz/museum/report.h"

#include <math.h>
#include <stdlib.h>

#define COLUMNS 100

/* @text in lines of at most COLUMNS, each but the first indented by @indent; the first goes on at @at. */
static void wrapped(FILE *out, const char *text, int indent, int at)
{
	while (*text) {
		size_t n = strcspn(text, " ");

		if (at > indent && at + 1 + n > COLUMNS) {
			fprintf(out, "\n%*s", indent, "");
			at = indent;
		} else if (at > indent) {
			putc(' ', out);
			at++;
		}
		fprintf(out, "%.*s", (int)n, text);
		at += n;
		text += n + strspn(text + n, " ");
	}
	putc('\n', out);
}

void report_list(FILE *out, const struct exhibits *x)
{
	for (u32 i = 0; i < x->nr; i++) {
		const struct exhibit *e = &x->e[i];
		const char *state = exhibit_state(e);
		char line[512];

		snprintf(line, sizeof(line), "%s%s%s%s", e->what, *state && !e->control ? " (" : "",
			 *state && !e->control ? state : "", *state && !e->control ? ")" : "");
		fprintf(out, "%-28s %-8s ", e->id, e->kind);
		wrapped(out, line, 36, 36);
	}
}

/* Four characters, five at most: 0.003 12.3 4.1k. */
static const char *number(double v, char *buf, size_t size)
{
	if (isinf(v))
		snprintf(buf, size, "-");
	else if (v >= 99950)
		snprintf(buf, size, v >= 9.995e6 ? "%.0fM" : "%.1fM", v / 1e6);
	else if (v >= 9995)
		snprintf(buf, size, "%.1fk", v / 1e3);
	else if (v >= 100 || v == floor(v))
		snprintf(buf, size, "%.0f", v);
	else
		snprintf(buf, size, v >= 10 ? "%.1f" : v >= 0.1 ? "%.2f" : "%.3f", v);
	return buf;
}

static void print_spread(FILE *out, const struct spread *s, double unit, int width)
{
	char a[16], b[16], c[16], text[64] = "-";

	if (!isinf(s->min))
		snprintf(text, sizeof(text), "%s (%s..%s)", number(s->median / unit, a, sizeof(a)),
			 number(s->min / unit, b, sizeof(b)), number(s->max / unit, c, sizeof(c)));
	fprintf(out, " %-*s", width, text);
}

static void print_rules(FILE *out, const struct summary *s)
{
	char text[256] = "";
	size_t at = 0;

	for (u32 i = 0; i < s->nr_rules && at < sizeof(text); i++)
		at += snprintf(text + at, sizeof(text) - at, "%s%s %u", i ? ", " : "",
			       s->rules[i].rule, s->rules[i].count);
	fprintf(out, " %.19s", text);
}

static void print_row(FILE *out, const struct exhibit *e, const struct summary *s)
{
	fprintf(out, "%-28s", e->id);
	if (!e->code) {
		fprintf(out, " %s\n", exhibit_state(e));
		return;
	}
	fprintf(out, " %3u %3u %3u", s->reached, s->triggered, s->detected);
	print_spread(out, &s->runs, 1, 19);
	print_spread(out, &s->seconds, 1e-3, 19);
	if (s->detected)
		print_rules(out, s);
	else if (*exhibit_state(e))
		fprintf(out, " %s", exhibit_state(e));
	if (!summary_good(e, s))
		fprintf(out, " %s", e->control ? "NOT SILENT" : "NOT FOUND");
	putc('\n', out);
}

static void print_totals(FILE *out, const struct museum_report *r)
{
	u32 wanted = 0, found = 0, bad = 0;

	for (u32 i = 0; i < r->exhibits->nr; i++) {
		bool good = summary_good(&r->exhibits->e[i], &r->summaries[i]);

		wanted += exhibit_wanted(&r->exhibits->e[i]);
		found += exhibit_wanted(&r->exhibits->e[i]) && good;
		bad += r->exhibits->e[i].control && !good;
	}
	fprintf(out, "%u of %u found in every trial%s\n", found, wanted,
		bad ? "; the unmutated core was not silent" : "");
}

void report_table(FILE *out, const struct museum_report *r)
{
	fprintf(out, "%u trials, seed %llu, at most %g s of CPU", r->nr_trials,
		(unsigned long long)r->seed, r->limits.seconds);
	if (r->limits.runs)
		fprintf(out, " and %llu programs", (unsigned long long)r->limits.runs);
	fprintf(out, " a trial.\n%s under %u policies in turn. In how many trials: rea(ched), ",
		r->limits.engine != ENGINE_GENERATOR ? "A campaign's programs"
						     : "Generated programs",
		r->sound->nr);
	fprintf(out, "tri(ggered),\nfou(nd); then median (min..max); - is: not found.\n\n");
	fprintf(out, "%-28s rea tri fou %-19s %-19s rules\n", "mutant", "executions", "CPU ms");
	for (u32 i = 0; i < r->exhibits->nr; i++)
		print_row(out, &r->exhibits->e[i], &r->summaries[i]);
	putc('\n', out);
	print_totals(out, r);
}
