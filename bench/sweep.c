// SPDX-License-Identifier: GPL-2.0-only
#include "bench/sweep.h"

#include <stdio.h>
#include <stdlib.h>

#include "bench/workloads/families.h"

#define DIRTY_SHARE    "dirty-share"
#define DIRTY_WORKLOAD "fragmentation:512" /* memory mapped once and unmapped once */
#define PICTURE_MOST   6

static const u32 shares[] = {0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100};

static const struct workload_family *swept_family(u32 i)
{
	const struct workload_family *f;

	for (u32 at = 0; (f = workload_family(at)); at++)
		if (f->sweep && !i--)
			return f;
	return NULL;
}

const char *sweep_name(u32 i)
{
	u32 nr = 0;

	while (swept_family(nr))
		nr++;
	return i < nr ? swept_family(i)->name : i == nr ? DIRTY_SHARE : NULL;
}

void sweep_policies(struct policies *out, const struct policies *from)
{
	static const char *const shown[] = {"none", "eager", "v1_posted", "storage_skip", "exact"};

	out->nr = 0;
	for (u32 i = 0; i < from->nr; i++) {
		bool wanted = from->nr <= PICTURE_MOST || from->handle[i];

		for (u32 k = 0; k < ARRAY_SIZE(shown); k++)
			wanted |= !strcmp(from->policy[i]->name, shown[k]);
		if (wanted)
			out->policy[out->nr++] = from->policy[i];
	}
}

/* --- points ----------------------------------------------------------------------------------- */

/* A page's life: every phase of a round, by the pages of the phase map. */
static void point_times(struct sweep_point *p, const struct cell *c)
{
	double ns[SURVEY_ROUNDS] = {0}, delta[SURVEY_ROUNDS] = {0};
	u64 pages = c->shape[PHASE_MAP].pages;

	p->rounds = pages ? c->nr : 0;
	for (u32 i = 0; i < p->rounds; i++) {
		for (u32 k = 0; k < PHASE_NR; k++) {
			ns[i] += c->round[i].ns[k] / pages;
			delta[i] += (c->round[i].ns[k] - c->round[i].none_ns[k]) / pages;
		}
	}
	spread_of(ns, p->rounds, &p->ns_page);
	spread_of(delta, p->rounds, &p->delta_ns_page);
}

static int add_points(struct sweeps *out, const struct survey *s, u32 w, const char *sweep,
		      const char *parameter, u32 value)
{
	struct sweep_point *more =
		realloc(out->point, (out->nr + s->policies.nr) * sizeof(*out->point));

	if (!more)
		return -ENOMEM;
	out->point = more;
	for (u32 p = 0; p < s->policies.nr; p++) {
		const struct cell *c = survey_cell(s, w, p);
		struct sweep_point *to = &out->point[out->nr++];

		*to = (struct sweep_point){.sweep = sweep,
					   .parameter = parameter,
					   .value = value,
					   .policy = s->policies.policy[p]->name,
					   .flushes = c->verdict.v.flushes,
					   .bound = c->verdict.v.bound};
		snprintf(to->workload, sizeof(to->workload), "%s", s->workloads.w[w].name);
		point_times(to, c);
	}
	return 0;
}

/* --- surveys ---------------------------------------------------------------------------------- */

static int survey_all(struct survey *s, const struct sweep_options *opt, double seconds, char *err,
		      size_t errlen)
{
	struct survey_options o = {.rig = opt->rig, .seconds = seconds, .rounds = opt->rounds};
	int rc;

	s->seed = opt->workload.seed;
	s->progress = opt->progress;
	o.rig.size = workloads_memory(&s->workloads);
	rc = survey_judge(s, opt->rig.clean, err, errlen);
	return rc ? rc : survey_time(s, &o, err, errlen);
}

static void names_of(char *names, size_t size, const struct workload_family *f, bool report)
{
	int n = 0;

	for (const u32 *v = f->sweep; *v && (!report || *v <= f->report_most); v++)
		n += snprintf(names + n, size - n, "%s%s:%u", n ? "," : "", f->name, *v);
}

static int run_family(struct sweeps *out, const struct workload_family *f,
		      const struct policies *policies, const struct sweep_options *opt, char *err,
		      size_t errlen)
{
	struct survey s = {.policies = *policies};
	struct workload_options wl = opt->workload;
	char names[512];
	int rc;

	names_of(names, sizeof(names), f, opt->report);
	wl.names = names;
	rc = workloads_make(&s.workloads, &wl, err, errlen);
	if (!rc)
		rc = survey_all(&s, opt, opt->seconds, err, errlen);
	for (u32 w = 0; !rc && w < s.workloads.nr; w++)
		rc = add_points(out, &s, w, f->name, f->parameter, s.workloads.w[w].parameter);
	survey_free(&s);
	workloads_free(&s.workloads);
	return rc;
}

static int run_share(struct sweeps *out, u32 share, const struct policies *policies,
		     const struct sweep_options *opt, char *err, size_t errlen)
{
	struct survey s = {.policies = *policies};
	struct sweep_options mixed = *opt;
	struct workload_options wl = opt->workload;
	int rc;

	wl.names = DIRTY_WORKLOAD;
	mixed.rig.lines = MEMORY_MIXED;
	mixed.rig.dirty_percent = share;
	rc = workloads_make(&s.workloads, &wl, err, errlen);
	if (!rc)
		rc = survey_all(&s, &mixed, opt->seconds / ARRAY_SIZE(shares), err, errlen);
	if (!rc)
		rc = add_points(out, &s, 0, DIRTY_SHARE, "percent", share);
	survey_free(&s);
	workloads_free(&s.workloads);
	return rc;
}

int sweep_check(const char *name, char *err, size_t errlen)
{
	size_t n;

	for (u32 i = 0; sweep_name(i); i++)
		if (!strcmp(sweep_name(i), name))
			return 0;
	snprintf(err, errlen, "--sweep %s: expected all or some of:", name);
	for (u32 i = 0; sweep_name(i); i++) {
		n = strlen(err);
		snprintf(err + n, errlen - n, " %s", sweep_name(i));
	}
	return -EINVAL;
}

int sweep_run(struct sweeps *out, const char *name, const struct policies *policies,
	      const struct sweep_options *opt, char *err, size_t errlen)
{
	const struct workload_family *f;
	int rc = sweep_check(name, err, errlen);

	for (u32 i = 0; !rc && (f = swept_family(i)); i++)
		if (!strcmp(f->name, name))
			return run_family(out, f, policies, opt, err, errlen);
	for (u32 i = 0; !rc && i < ARRAY_SIZE(shares); i++)
		rc = run_share(out, shares[i], policies, opt, err, errlen);
	return rc;
}

void sweeps_free(struct sweeps *s)
{
	free(s->point);
	*s = (struct sweeps){0};
}
