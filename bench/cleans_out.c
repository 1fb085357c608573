// SPDX-License-Identifier: GPL-2.0-only
/* What cleans.c measured: tables of at most 75 columns, and JSON. */
#include "bench/results.h"

#include <math.h>

static const char *size_text(size_t size, char text[16])
{
	if (size >= 1 << 20)
		snprintf(text, 16, "%zuM", size >> 20);
	else
		snprintf(text, 16, "%zuK", size >> 10);
	return text;
}

static const char *share_text(const struct stats_interval *share, char text[16])
{
	if (!CLEANS_KNOWN(share))
		return "";
	snprintf(text, 16, "%.1f%%", 100 * share->median);
	return text;
}

static void print_row(FILE *f, const struct clean_row *r)
{
	char fence[16], limit[16], best[16];

	fprintf(f, "%-12s %5s", r->name,
		r->is_limit	     ? ""
		: r->fence < r->size ? size_text(r->fence, fence)
				     : "whole");
	if (*r->why) {
		fprintf(f, " n/a: %.50s\n", r->why);
		return;
	}
	fprintf(f, "%9.2f%9.2f%c[%8.2f,%8.2f] %6s %7s\n", r->issue.median, r->complete.median,
		r->by_cpu_time ? '*' : ' ', r->complete.lo, r->complete.hi,
		share_text(&r->of_limit, limit), share_text(&r->of_best, best));
}

static void print_head(FILE *f, const struct clean_row *r)
{
	char size[16];

	fprintf(f, "\n%s of %s lines\n", size_text(r->size, size), harness_state_name(r->state));
	fprintf(f, "%-12s %5s%9s%9s %-19s %6s %7s\n", "", "fence", "issue", "complete",
		"[95% interval]", "limit", "best");
}

static void print_batched(FILE *f, const struct cleans *c)
{
	double least = INFINITY;
	char size[16];

	for (u32 i = 0; i < c->nr; i++) {
		const struct clean_row *r = &c->rows[i];

		if (strcmp(r->name, CLEANS_BATCHED) || !CLEANS_KNOWN(&r->of_best))
			continue;
		if (isinf(least))
			fprintf(f, "\nbatched, of the better one of plain and pmem_flush:\n");
		least = fmin(least, r->of_best.median);
		fprintf(f, "%6s %-9s%7.1f%% [%.1f, %.1f]\n", size_text(r->size, size),
			harness_state_name(r->state), 100 * r->of_best.median, 100 * r->of_best.lo,
			100 * r->of_best.hi);
	}
	if (!isinf(least))
		fprintf(f, "least %17.1f%%\n", 100 * least);
}

void cleans_print(FILE *f, const struct cleans *c)
{
	u32 preempted = 0;
	bool by_cpu = false;

	fprintf(f, "Clean primitives, ns per 64-byte line; complete: with a full fence\n"
		   "limit: the NT-store fill's time over this one's; best: that of the better\n"
		   "one of plain (a loop) and pmem_flush; both in the same rounds\n");
	for (u32 i = 0; i < c->nr; i++) {
		const struct clean_row *r = &c->rows[i];

		if (!i || r->size != r[-1].size || r->state != r[-1].state)
			print_head(f, r);
		print_row(f, r);
		preempted += r->preempted;
		by_cpu |= r->by_cpu_time;
	}
	print_batched(f, c);
	fprintf(f, "\nsamples left out, for they lost the CPU: %u (by %s)\n", preempted,
		harness_marks());
	if (by_cpu)
		fprintf(f, "*: hardly one kept it; by the thread's time on the CPU\n");
}

static json_t *interval_json(const struct stats_interval *i)
{
	return json_pack("{sfsfsf}", "median", i->median, "lo", i->lo, "hi", i->hi);
}

static void add_figures(json_t *o, const struct clean_row *r)
{
	bool has = !*r->why;

	json_object_set_new(o, "issue_ns_line",
			    has ? interval_json(&r->issue) : json_string("n/a"));
	json_object_set_new(o, "complete_ns_line",
			    has ? interval_json(&r->complete) : json_string("n/a"));
	json_object_set_new(o, "of_nt_limit",
			    CLEANS_KNOWN(&r->of_limit) ? interval_json(&r->of_limit)
						       : json_string("n/a"));
	json_object_set_new(o, "of_best",
			    CLEANS_KNOWN(&r->of_best) ? interval_json(&r->of_best)
						      : json_string("n/a"));
	json_object_set_new(o, "samples", has ? json_integer(r->samples) : json_string("n/a"));
	json_object_set_new(o, "preempted", has ? json_integer(r->preempted) : json_string("n/a"));
	json_object_set_new(o, "by_cpu_time", json_boolean(r->by_cpu_time));
	if (!has)
		json_object_set_new(o, "why", json_string(r->why));
}

static json_t *row_json(const struct clean_row *r)
{
	json_t *o = json_pack("{sssssI}", r->is_limit ? "name" : "primitive", r->name, "state",
			      harness_state_name(r->state), "size", (json_int_t)r->size);

	if (!r->is_limit)
		json_object_set_new(o, "fence_bytes", json_integer((json_int_t)r->fence));
	add_figures(o, r);
	return o;
}

json_t *cleans_json(const struct cleans *c)
{
	json_t *clean = json_array(), *limits = json_array();

	for (u32 i = 0; i < c->nr; i++)
		json_array_append_new(c->rows[i].is_limit ? limits : clean, row_json(&c->rows[i]));
	return json_pack("{soso}", "clean", clean, "limits", limits);
}

static json_t *real_or_na(bool has, double v)
{
	return has ? json_real(v) : json_string("n/a");
}

static json_t *flat_json(const struct clean_row *r)
{
	bool has = !*r->why;
	json_t *o = json_pack("{sssIsoso}", "clean", r->name, "bytes", (json_int_t)r->size,
			      "issue_ns_line", real_or_na(has, r->issue.median), "complete_ns_line",
			      real_or_na(has, r->complete.median));

	json_object_set_new(o, "complete_lo", real_or_na(has, r->complete.lo));
	json_object_set_new(o, "complete_hi", real_or_na(has, r->complete.hi));
	json_object_set_new(o, "of_nt_limit",
			    real_or_na(CLEANS_KNOWN(&r->of_limit), r->of_limit.median));
	json_object_set_new(o, "kind", json_string(r->is_limit ? "limit" : "primitive"));
	json_object_set_new(o, "state", json_string(harness_state_name(r->state)));
	json_object_set_new(o, "fence_bytes", json_integer((json_int_t)r->fence));
	if (!has)
		json_object_set_new(o, "why", json_string(r->why));
	return o;
}

json_t *cleans_json_flat(const struct cleans *c)
{
	json_t *list = json_array();

	for (u32 i = 0; i < c->nr; i++)
		json_array_append_new(list, flat_json(&c->rows[i]));
	return list;
}
