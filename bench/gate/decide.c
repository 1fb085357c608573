// SPDX-License-Identifier: GPL-2.0-only
#include "bench/gate/decide.h"

#include <math.h>
#include <stdlib.h>

#include "bench/harness/harness_stats.h"

#define DRAWS	    200
#define INTERVAL    0.99
#define POWER_SIGMA 2.33 /* of a normal distribution: one side, 99 % */

static double sign_test_of(const struct gate_pair *pairs, u32 nr)
{
	u32 above = 0, below = 0;

	for (u32 i = 0; i < nr; i++) {
		above += pairs[i].candidate > pairs[i].base;
		below += pairs[i].candidate < pairs[i].base;
	}
	return stats_sign_test(below, above);
}

/* --- how sure --------------------------------------------------------------------------------- */

/* Pairs of a process stand together: [first[p], first[p + 1]). Processes in the order of the pairs. */
struct groups {
	u32 *first;
	u32 nr;
};

static int group(const struct gate_pair *pairs, u32 nr, struct groups *out)
{
	out->nr = 0;
	out->first = calloc(nr + 1, sizeof(*out->first));
	if (!out->first)
		return -ENOMEM;
	for (u32 i = 0; i < nr; i++)
		if (!i || pairs[i].process != pairs[i - 1].process)
			out->first[out->nr++] = i;
	out->first[out->nr] = nr;
	return 0;
}

/* The median of as many processes and pairs, each drawn with replacement. */
static double draw(const struct gate_pair *pairs, const struct groups *g, struct rng *rng,
		   double *scratch)
{
	u32 n = 0;

	for (u32 k = 0; k < g->nr; k++) {
		u32 p = rng_below(rng, g->nr);
		u32 size = min(g->first[p + 1] - g->first[p], g->first[g->nr] - n);

		for (u32 i = 0; i < size; i++) {
			const struct gate_pair *pair = &pairs[g->first[p] + rng_below(rng, size)];

			scratch[n++] = pair->candidate / pair->base;
		}
	}
	return stats_median(scratch, n);
}

/* Drawing from few processes shows too little of how they differ: by the root of (n - 1) / n. */
static double widen(u32 processes)
{
	return processes > 1 ? sqrt(processes / (processes - 1.0)) : 1;
}

static void interval(const struct gate_pair *pairs, const struct groups *g, u64 seed,
		     double *scratch, struct gate_effect *out)
{
	double medians[DRAWS], more = widen(g->nr);
	struct rng rng = {seed};

	for (u32 i = 0; i < DRAWS; i++)
		medians[i] = draw(pairs, g, &rng, scratch);
	stats_median(medians, DRAWS); /* sorts */
	out->low = out->ratio +
		   (stats_quantile(medians, DRAWS, (1 - INTERVAL) / 2) - out->ratio) * more;
	out->high = out->ratio +
		    (stats_quantile(medians, DRAWS, (1 + INTERVAL) / 2) - out->ratio) * more;
	out->detectable = GATE_EFFECT - 1 + POWER_SIGMA * more * stats_stddev(medians, DRAWS);
}

/* --- the rule --------------------------------------------------------------------------------- */

static enum gate_decision rule(const struct gate_effect *e)
{
	if (fabs(e->again - 1) > GATE_AA)
		return GATE_INVALID;
	if (e->p >= GATE_P)
		return GATE_SAME;
	if (e->ratio > GATE_EFFECT)
		return GATE_WORSE;
	return e->ratio < 1 / GATE_EFFECT ? GATE_BETTER : GATE_SAME;
}

static void medians(const struct gate_pair *pairs, u32 nr, double *v, struct gate_effect *out)
{
	for (u32 i = 0; i < nr; i++)
		v[i] = pairs[i].candidate / pairs[i].base;
	out->ratio = stats_median(v, nr);
	for (u32 i = 0; i < nr; i++)
		v[i] = pairs[i].again / pairs[i].base;
	out->again = stats_median(v, nr);
	for (u32 i = 0; i < nr; i++)
		v[i] = pairs[i].base;
	out->ns = stats_median(v, nr);
}

static u32 restless(const struct gate_pair *pairs, const struct groups *g, double *v)
{
	double off, most = -1;
	u32 worst = 0;

	for (u32 k = 0; k < g->nr; k++) {
		u32 first = g->first[k], n = g->first[k + 1] - first;

		for (u32 i = 0; i < n; i++)
			v[i] = pairs[first + i].again / pairs[first + i].base;
		off = fabs(stats_median(v, n) - 1);
		if (off > most) {
			most = off;
			worst = pairs[first].process;
		}
	}
	return worst;
}

int gate_decide(const struct gate_pair *pairs, u32 nr, u64 seed, struct gate_effect *out)
{
	double *v = calloc(nr ? nr : 1, sizeof(*v));
	struct groups g;
	int rc;

	*out = (struct gate_effect){.pairs = nr, .decision = GATE_INVALID};
	rc = !v ? -ENOMEM : !nr ? -EINVAL : group(pairs, nr, &g);
	if (rc) {
		free(v);
		return rc;
	}
	out->processes = g.nr;
	medians(pairs, nr, v, out);
	out->p = sign_test_of(pairs, nr);
	out->restless = restless(pairs, &g, v);
	interval(pairs, &g, seed, v, out);
	out->decision = rule(out);
	free(g.first);
	free(v);
	return 0;
}
