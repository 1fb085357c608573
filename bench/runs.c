// SPDX-License-Identifier: GPL-2.0-only
#include "bench/runs.h"

#include <stdlib.h>

#include "bench/harness/harness_stats.h"
#include "bench/stopwatch.h"

#define WARM_UPS 3

/* Each part a timed region; ns a page. */
static int time_parts(struct stage *s, struct backend *b, struct stopwatch *w, double *ns)
{
	int rc = 0;

	ns[STAGE_UNMAP] = 0;
	for (u32 part = 0; !rc && part < stage_parts(s); part++) {
		stopwatch_start(w, true);
		rc = stage_requests(s, b, part);
		ns[part] = stopwatch_stop(w) / stage_pages(s);
	}
	return rc;
}

static void count_pass(struct run_alloc *out, const struct alloc *from, const struct alloc *to)
{
	struct alloc pass = alloc_between(from, to);

	if (out->pass.arena.allocations)
		out->same &= alloc_equal(&out->pass, &pass);
	out->pass = pass;
	if (alloc_is_even(&pass))
		return;
	out->uneven++;
	out->worst = pass;
}

/* What the first passes leave behind is theirs to keep: page tables, lists of the arena. */
static int repeat(struct stage *s, struct backend *b, u32 reps, double *map, double *unmap,
		  double *both, struct run_alloc *alloc)
{
	struct stopwatch w;
	double ns[STAGE_PARTS];
	int rc = 0;

	stopwatch_init(&w, NULL);
	for (u32 i = 0; !rc && i < WARM_UPS + reps; i++) {
		u32 at = i < WARM_UPS ? 0 : i - WARM_UPS;
		struct alloc from = alloc_now(s->arena), to;

		rc = time_parts(s, b, &w, ns);
		to = alloc_now(s->arena);
		if (i >= WARM_UPS)
			count_pass(alloc, &from, &to);
		map[at] = ns[STAGE_MAP];
		unmap[at] = ns[STAGE_UNMAP];
		both[at] = ns[STAGE_MAP] + ns[STAGE_UNMAP];
	}
	return rc;
}

int run_layout_time(const struct run_options *opt, struct run_times *out)
{
	double *v = calloc(3 * (size_t)opt->reps, sizeof(*v));
	double *map = v, *unmap = v + opt->reps, *both = v + 2 * opt->reps;
	struct stage s = {0};
	struct backend *b;
	int rc = v ? stage_create(&s, opt->layout, opt->size, opt->domains) : -ENOMEM;

	*out = (struct run_times){.alloc.same = true};
	if (!rc)
		rc = stage_enter(&s, opt->backend ? opt->backend : &backend_core, opt->policy, &b);
	if (!rc)
		rc = repeat(&s, b, opt->reps, map, unmap, both, &out->alloc);
	if (!rc) {
		out->reps = opt->reps;
		out->pages = stage_pages(&s);
		out->least = (struct run_figures){stats_min(map, opt->reps),
						  stats_min(unmap, opt->reps),
						  stats_min(both, opt->reps)};
		out->median = (struct run_figures){stats_median(map, opt->reps),
						   stats_median(unmap, opt->reps),
						   stats_median(both, opt->reps)};
	}
	stage_destroy(&s);
	free(v);
	return rc;
}
