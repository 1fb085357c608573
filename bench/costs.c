// SPDX-License-Identifier: GPL-2.0-only
/*
 * An *arm* is one thing that is timed: a backend's requests, its machine calls without it, or a walk
 * over the list of these calls, which is what the replay costs beyond the machine. A round executes
 * every arm once, in random order, on the same machine, buffer and domains; each leaves nothing
 * mapped and nothing pinned.
 */
#include "bench/costs.h"

#include <stdlib.h>

#include "bench/harness/harness_stats.h"
#include "bench/stopwatch.h"

#define WARM_UPS 3

enum arm_kind { ARM_REQUESTS, ARM_REPLAY, ARM_WALK, ARM_KINDS };

struct bench {
	struct stage stage;
	struct stopwatch watch;
	struct player {
		struct backend *b;
		struct calls calls[STAGE_PARTS];
	} player[STAGE_BACKENDS_MAX];
	u64 *scratch;
	volatile u64 sink;
	struct arm {
		int (*pass)(struct bench *b, struct player *p, enum stage_part part);
		struct player *player;
		double *ns[STAGE_PARTS]; /* by round */
	} arm[ARM_KINDS * STAGE_BACKENDS_MAX + 1];
	u32 nr_arms;
	double *memory;
};

/*
 * The arms' passes have names that scripts/bench-instructions.sh counts in, so they are not static and
 * stay functions of their own.
 */
int costs_pass_requests(struct bench *b, struct player *p, enum stage_part part);
int costs_pass_again(struct bench *b, struct player *p, enum stage_part part);
int costs_pass_replay(struct bench *b, struct player *p, enum stage_part part);
int costs_pass_walk(struct bench *b, struct player *p, enum stage_part part);

__attribute__((noinline)) int costs_pass_requests(struct bench *b, struct player *p,
						  enum stage_part part)
{
	return stage_requests(&b->stage, p->b, part);
}

__attribute__((noinline)) int costs_pass_again(struct bench *b, struct player *p,
					       enum stage_part part)
{
	asm volatile("" ::: "memory"); /* or it would be folded into the one above */
	return stage_requests(&b->stage, p->b, part);
}

__attribute__((noinline)) int costs_pass_replay(struct bench *b, struct player *p,
						enum stage_part part)
{
	calls_replay(&p->calls[part], b->stage.machine, p->b, b->scratch);
	return 0;
}

__attribute__((noinline)) int costs_pass_walk(struct bench *b, struct player *p,
					      enum stage_part part)
{
	b->sink += calls_walk(&p->calls[part]);
	return 0;
}

/* --- the list of calls ------------------------------------------------------------------------ */

/* One pass, written down; what it counted is the pass's. */
static int record(struct bench *b, struct player *p, struct cost *out)
{
	struct machine_observer obs;
	int rc = 0;

	machine_counters_reset(b->stage.machine);
	for (u32 part = 0; !rc && part < stage_parts(&b->stage); part++) {
		struct calls *c = &p->calls[part];

		calls_record(c, b->stage.machine, &obs);
		rc = stage_requests(&b->stage, p->b, part);
		rc = calls_end(c, b->stage.machine) ?: rc;
		for (u32 i = 0; i < CALL_NR; i++)
			out->calls[i] += c->kinds[i];
		out->nr_calls += c->nr;
	}
	out->count = *machine_counters(b->stage.machine);
	return rc;
}

static int make_scratch(struct bench *b, u32 nr_players)
{
	size_t words = 1;

	for (u32 i = 0; i < nr_players; i++)
		for (u32 part = 0; part < stage_parts(&b->stage); part++)
			words = max(words, calls_scratch(&b->player[i].calls[part]));
	b->scratch = calloc(words, sizeof(*b->scratch));
	return b->scratch ? 0 : -ENOMEM;
}

/* --- arms ------------------------------------------------------------------------------------- */

static void add_arm(struct bench *b, struct player *p, u32 reps,
		    int (*pass)(struct bench *, struct player *, enum stage_part))
{
	struct arm *arm = &b->arm[b->nr_arms];

	arm->pass = pass;
	arm->player = p;
	for (u32 part = 0; part < STAGE_PARTS; part++)
		arm->ns[part] = b->memory + ((size_t)b->nr_arms * STAGE_PARTS + part) * reps;
	b->nr_arms++;
}

/* Three for each player, in the order of arm_kind, and the first player's requests again. */
static int make_arms(struct bench *b, const struct costs_options *opt)
{
	b->memory = calloc((size_t)ARRAY_SIZE(b->arm) * STAGE_PARTS * opt->reps, sizeof(double));
	if (!b->memory)
		return -ENOMEM;
	for (u32 i = 0; i < opt->nr_players; i++) {
		add_arm(b, &b->player[i], opt->reps, costs_pass_requests);
		add_arm(b, &b->player[i], opt->reps, costs_pass_replay);
		add_arm(b, &b->player[i], opt->reps, costs_pass_walk);
	}
	add_arm(b, &b->player[0], opt->reps, costs_pass_again);
	return 0;
}

static int time_arm(struct bench *b, struct arm *arm, u32 round)
{
	int rc = 0;

	for (u32 part = 0; !rc && part < stage_parts(&b->stage); part++) {
		stopwatch_start(&b->watch, true);
		rc = arm->pass(b, arm->player, part);
		arm->ns[part][round] = stopwatch_stop(&b->watch) / stage_pages(&b->stage);
	}
	return rc;
}

static int time_all(struct bench *b, const struct costs_options *opt)
{
	struct rng rng = {opt->seed};
	u32 order[ARRAY_SIZE(b->arm)];
	int rc = 0;

	for (u32 i = 0; !rc && i < WARM_UPS + opt->reps; i++) {
		rng_order(&rng, order, b->nr_arms);
		for (u32 k = 0; !rc && k < b->nr_arms; k++)
			rc = time_arm(b, &b->arm[order[k]], i < WARM_UPS ? 0 : i - WARM_UPS);
	}
	return rc;
}

/* --- instructions ----------------------------------------------------------------------------- */

/* False: this machine does not count them. */
static bool count_arm(struct bench *b, struct arm *arm, struct counters *c, double *out)
{
	struct counter_sum sums[COUNTERS_MAX] = {0};
	bool good = true;

	for (u32 part = 0; good && part < stage_parts(&b->stage); part++) {
		counters_start(c);
		good = !arm->pass(b, arm->player, part);
		counters_stop(c);
		counters_add(c, sums);
	}
	*out = sums[COUNTER_INSTRUCTIONS].value / stage_pages(&b->stage);
	return good && sums[COUNTER_INSTRUCTIONS].available &&
	       !sums[COUNTER_INSTRUCTIONS].multiplexed;
}

static void count_player(struct bench *b, struct counters *c, u32 i, struct cost *out)
{
	struct arm *arm = &b->arm[i * ARM_KINDS];
	double total, replay, walk;

	if (!c || counter_why_not(c, COUNTER_INSTRUCTIONS))
		return;
	out->has_instructions = count_arm(b, &arm[ARM_REQUESTS], c, &total) &&
				count_arm(b, &arm[ARM_REPLAY], c, &replay) &&
				count_arm(b, &arm[ARM_WALK], c, &walk);
	if (!out->has_instructions)
		return;
	out->instructions = total;
	out->machine_instructions = replay - walk;
}

/* --- figures ---------------------------------------------------------------------------------- */

static struct spread spread_of(double *v, u32 n)
{
	return (struct spread){
		.median = stats_median(v, n), /* sorts */
		.q1 = stats_quantile(v, n, 0.25),
		.q3 = stats_quantile(v, n, 0.75),
	};
}

static double both(const struct arm *arm, u32 round)
{
	return arm->ns[STAGE_MAP][round] + arm->ns[STAGE_UNMAP][round];
}

static double machine_at(const struct arm *arms, u32 round)
{
	return both(&arms[ARM_REPLAY], round) - both(&arms[ARM_WALK], round);
}

/* @requests: an arm of the player whose other arms are @arms; @first: those of player 0. */
static void sum_up(const struct arm *requests, const struct arm *arms, const struct arm *first,
		   u32 reps, double *v, struct cost_times *out)
{
	u32 i;

#define SPREAD(to, value)                  \
	do {                               \
		for (i = 0; i < reps; i++) \
			v[i] = (value);    \
		(to) = spread_of(v, reps); \
	} while (0)
	SPREAD(out->total, both(requests, i));
	SPREAD(out->machine, machine_at(arms, i));
	SPREAD(out->own, both(requests, i) - machine_at(arms, i));
	SPREAD(out->total_ratio, both(&first[ARM_REQUESTS], i) / both(requests, i));
	SPREAD(out->own_ratio, (both(&first[ARM_REQUESTS], i) - machine_at(first, i)) /
				       (both(requests, i) - machine_at(arms, i)));
	for (u32 part = 0; part < STAGE_PARTS; part++)
		SPREAD(out->part[part], requests->ns[part][i]);
#undef SPREAD
}

static int figures(struct bench *b, const struct costs_options *opt, struct costs *out)
{
	double *v = calloc(opt->reps, sizeof(*v));

	if (!v)
		return -ENOMEM;
	for (u32 i = 0; i < opt->nr_players; i++)
		sum_up(&b->arm[i * ARM_KINDS], &b->arm[i * ARM_KINDS], b->arm, opt->reps, v,
		       &out->of[i].time);
	sum_up(&b->arm[b->nr_arms - 1], b->arm, b->arm, opt->reps, v, &out->again);
	free(v);
	return 0;
}

static int prepare(struct bench *b, const struct costs_options *opt, struct costs *out)
{
	int rc = stage_create(&b->stage, opt->layout, opt->size, opt->domains);

	for (u32 i = 0; !rc && i < opt->nr_players; i++) {
		rc = stage_enter(&b->stage, opt->player[i].ops, opt->player[i].policy,
				 &b->player[i].b);
		if (!rc)
			rc = record(b, &b->player[i], &out->of[i]);
	}
	if (!rc)
		rc = make_scratch(b, opt->nr_players);
	if (!rc)
		rc = make_arms(b, opt);
	stopwatch_init(&b->watch, NULL);
	return rc;
}

int costs_measure(const struct costs_options *opt, struct costs *out)
{
	struct bench *b = calloc(1, sizeof(*b));
	int rc;

	*out = (struct costs){0};
	if (!b)
		return -ENOMEM;
	rc = prepare(b, opt, out);
	if (!rc)
		rc = time_all(b, opt);
	if (!rc)
		rc = figures(b, opt, out);
	out->pages = rc ? 0 : stage_pages(&b->stage);
	for (u32 i = 0; !rc && i < opt->nr_players; i++)
		count_player(b, opt->counters, i, &out->of[i]);
	for (u32 i = 0; i < opt->nr_players; i++)
		for (u32 part = 0; part < STAGE_PARTS; part++)
			calls_free(&b->player[i].calls[part]);
	stage_destroy(&b->stage);
	free(b->scratch);
	free(b->memory);
	free(b);
	return rc;
}
