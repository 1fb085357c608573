// SPDX-License-Identifier: GPL-2.0-only
#include "bench/cleans.h"

#include <stdio.h>
#include <stdlib.h>

#include "bench/progress.h"
#include "bench/rivals.h"

#define VARIANTS_MAX 48
/* As much as the core hands to a primitive in one call; no fence follows. */
#define BATCH_CALL (64UL << 10)

const struct cleans_options cleans_brief = {
	.sizes = {4096, 1 << 20},
	.nr_sizes = 2,
	.states = 1u << HARNESS_DIRTY,
	.samples = 101,
	.seconds = 3,
};

/* One of ops, rival; what neither has is n/a for the reason. */
struct variant {
	const char *name, *why;
	const struct clean_ops *ops;
	const struct rival *rival;
	size_t call, fence;
};

struct block {
	struct variant variant[VARIANTS_MAX];
	struct harness_case c[VARIANTS_MAX];
	struct harness_result result[VARIANTS_MAX];
	u32 nr;
	size_t size;
	enum harness_state state;
};

void cleans_walk(const struct clean_ops *ops, void *mem, size_t size, size_t call, size_t fence)
{
	for (size_t at = 0, n; at < size; at += n) {
		n = min(size - at, call);
		if (at && at % fence == 0)
			ops->drain();
		ops->clean((u8 *)mem + at, n);
	}
}

static void run_ops(void *mem, size_t size, void *arg)
{
	const struct variant *v = arg;

	cleans_walk(v->ops, mem, size, v->call, v->fence);
}

static void run_rival(void *mem, size_t size, void *arg)
{
	((const struct variant *)arg)->rival->run(mem, size);
}

static bool listed(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = list; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (!strncmp(at, name, len) && (!at[len] || at[len] == ','))
			return true;
	}
	return !list;
}

static void add_variant(struct block *b, const struct cleans_options *opt, struct variant v)
{
	assert(b->nr < VARIANTS_MAX);
	if (listed(opt->only, v.name))
		b->variant[b->nr++] = v;
}

/* clflush waits for itself, and null for nothing: a fence more or less is no other variant. */
static void add_primitive(struct block *b, const struct cleans_options *opt,
			  const struct clean_info *info)
{
	static const size_t fence[] = {4096, 64 << 10};
	struct variant v = {info->name, info->why, info->ops, NULL, b->size, b->size};
	bool fences = info->ops && strcmp(info->name, "null") && strcmp(info->name, "clflush");

	for (u32 i = 0; fences && i < ARRAY_SIZE(fence); i++) {
		v.call = v.fence = fence[i];
		if (fence[i] < b->size)
			add_variant(b, opt, v);
	}
	v.call = v.fence = b->size;
	add_variant(b, opt, v);
}

static void add_variants(struct block *b, const struct cleans_options *opt)
{
	const struct rival *rival;
	struct clean_info info;
	struct variant batched = {
		CLEANS_BATCHED, NULL, clean_best(), NULL, min(BATCH_CALL, b->size), b->size,
	};

	b->nr = 0;
	for (u32 i = 0; clean_nth(i, &info); i++)
		add_primitive(b, opt, &info);
	add_variant(b, opt, batched);
	for (u32 i = 0; (rival = rival_nth(i)); i++)
		add_variant(b, opt,
			    (struct variant){rival->name, rival->why_not(), NULL, rival, b->size,
					     b->size});
}

/* The same lines for all, in the same state. The limits too start from it. */
static void make_cases(struct block *b, const struct cleans_options *opt)
{
	for (u32 i = 0; i < b->nr; i++)
		b->c[i] = (struct harness_case){
			.name = b->variant[i].name,
			.call = b->variant[i].rival ? run_rival : run_ops,
			.arg = &b->variant[i],
			.size = b->size,
			.state = b->state,
			.pages = opt->pages,
			.units = b->size / LINE_SIZE,
			.issue = true,
		};
}

static u32 find_variant(const struct block *b, const char *name)
{
	for (u32 i = 0; i < b->nr; i++)
		if (!strcmp(b->variant[i].name, name))
			return i;
	return b->nr;
}

/* The time of the variant called @name over that of @i; 0 where there is none. */
static struct stats_interval share_of(const struct block *b, const struct harness_options *opt,
				      u32 i, const char *name)
{
	u32 other = find_variant(b, name);
	struct stats_paired p;

	if (other == b->nr || harness_ratio(opt, &b->result[i], &b->result[other], &p))
		return (struct stats_interval){0};
	return p.ratio;
}

static struct stats_interval share_of_best(const struct block *b, const struct harness_options *opt,
					   u32 i)
{
	struct stats_interval plain = share_of(b, opt, i, RIVAL_PLAIN);
	struct stats_interval pmem = share_of(b, opt, i, RIVAL_PMEM);

	if (!CLEANS_KNOWN(&plain) || (CLEANS_KNOWN(&pmem) && pmem.median < plain.median))
		return pmem;
	return plain;
}

static void fill_row(struct clean_row *row, const struct block *b,
		     const struct harness_options *opt, u32 i)
{
	const struct variant *v = &b->variant[i];
	const struct harness_result *r = &b->result[i];

	*row = (struct clean_row){
		.name = v->name,
		.is_limit = v->rival && v->rival->is_limit,
		.state = b->state,
		.size = b->size,
		.fence = v->fence,
		.issue = r->issue,
		.complete = r->complete,
		.samples = r->samples,
		.preempted = r->preempted,
		.by_cpu_time = r->by_cpu_time,
	};
	snprintf(row->why, sizeof(row->why), "%s", v->why ? v->why : r->why);
	if (*row->why || (v->ops && !strcmp(v->name, "null")))
		return;
	row->of_limit = share_of(b, opt, i, RIVAL_LIMIT);
	if (!row->is_limit)
		row->of_best = share_of_best(b, opt, i);
}

/* Those that are there run; b->result[] keeps the place of the others. */
static int run_block(struct block *b, const struct harness_options *opt)
{
	struct harness_case there[VARIANTS_MAX];
	struct harness_result results[VARIANTS_MAX];
	u32 nr = 0, at[VARIANTS_MAX];
	int rc;

	for (u32 i = 0; i < b->nr; i++) {
		b->result[i] = (struct harness_result){.c = &b->c[i]};
		if (b->variant[i].why) {
			snprintf(b->result[i].why, sizeof(b->result[i].why), "%s",
				 b->variant[i].why);
			continue;
		}
		at[nr] = i;
		there[nr++] = b->c[i];
	}
	if (!nr)
		return 0;
	rc = harness_run(opt, there, nr, results);
	for (u32 i = 0; !rc && i < nr; i++)
		b->result[at[i]] = results[i];
	return rc;
}

static int time_block(struct block *b, const struct cleans_options *opt, double seconds,
		      struct cleans *out)
{
	struct harness_options how = {
		.samples = opt->samples,
		.seconds = seconds,
		.bootstrap = {.seed = opt->seed},
	};
	struct clean_row *rows;
	int rc;

	add_variants(b, opt);
	make_cases(b, opt);
	rows = realloc(out->rows, (out->nr + b->nr) * sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	out->rows = rows;
	rc = run_block(b, &how);
	if (rc)
		return rc;
	for (u32 i = 0; i < b->nr; i++)
		fill_row(&out->rows[out->nr++], b, &how, i);
	harness_free(b->result, b->nr);
	return 0;
}

int cleans_time(const struct cleans_options *opt, struct cleans *out)
{
	u32 blocks = opt->nr_sizes * __builtin_popcount(opt->states), done = 0;
	struct block *b = calloc(1, sizeof(*b));
	int rc = b ? 0 : -ENOMEM;

	*out = (struct cleans){0};
	for (u32 i = 0; i < opt->nr_sizes; i++)
		for (u32 s = 0; !rc && s < HARNESS_STATES; s++) {
			if (!(opt->states & 1u << s))
				continue;
			b->size = opt->sizes[i];
			b->state = s;
			progress(opt->progress, "timing cleans, %u of %u: %zu KiB, %s", ++done,
				 blocks, b->size >> 10, harness_state_name(s));
			rc = time_block(b, opt, opt->seconds / blocks, out);
		}
	progress_end(opt->progress);
	free(b);
	if (rc)
		cleans_free(out);
	return rc;
}

void cleans_free(struct cleans *c)
{
	free(c->rows);
	*c = (struct cleans){0};
}

const struct clean_row *cleans_find(const struct cleans *c, const char *name, size_t size,
				    enum harness_state state, size_t fence)
{
	for (u32 i = 0; i < c->nr; i++) {
		const struct clean_row *r = &c->rows[i];

		if (r->size == size && r->state == state && r->fence == fence &&
		    !strcmp(r->name, name))
			return r;
	}
	return NULL;
}

static bool same(const char *name, size_t len, const char *known)
{
	return strlen(known) == len && !strncmp(name, known, len);
}

bool cleans_known(const char *name, size_t len)
{
	const struct rival *rival;
	struct clean_info info;

	for (u32 i = 0; clean_nth(i, &info); i++)
		if (same(name, len, info.name))
			return true;
	for (u32 i = 0; (rival = rival_nth(i)); i++)
		if (same(name, len, rival->name))
			return true;
	return same(name, len, CLEANS_BATCHED);
}

double cleans_one_page(void)
{
	struct cleans_options opt = cleans_brief;
	struct cleans c;
	double ns = 0;

	opt.nr_sizes = 1;
	opt.only = CLEANS_BATCHED;
	if (cleans_time(&opt, &c))
		return 0;
	if (!*c.rows[0].why)
		ns = c.rows[0].complete.median * LINES_PAGE;
	cleans_free(&c);
	return ns;
}
