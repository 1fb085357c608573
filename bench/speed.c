// SPDX-License-Identifier: GPL-2.0-only
/*
 * The same programs under different judges, in random order within a round, by the CPU time of the
 * thread: what others do on the machine shows in caches and clock, but not as waiting. The rows are
 * what a campaign may attach; "judged" is what it does attach.
 */
#include "bench/speed.h"

#include <stdlib.h>
#include <time.h>

#include "bench/progress.h"
#include "bench/harness/harness_stats.h"

#define ARENA_BYTES  (8UL << 10)
#define ARENA_BLOCK  64
#define ARENA_ROUNDS 2000
#define ROUNDS_MOST  1000
#define TRIES	     1000 /* programs made for one that is small enough */

struct row_kind {
	const char *name, *what;
	bool shadow, model, values;
};

static const struct row_kind kinds[SPEED_ROWS] = {
	{"core", "the core alone, nobody watching", false, false, false},
	{"shadow", "cache shadow on every op", true, false, false},
	{"model", "model, compared at the end", false, true, false},
	{"both", "shadow and model", true, true, false},
	{"judged", "both, and the values read", true, true, true},
};

struct bench {
	const struct speed_config *cfg;
	struct program *programs;
	struct run *run;
	double us[SPEED_ROWS][ROUNDS_MOST];
	double cost[5][ROUNDS_MOST];
	u64 saved_bytes;
	u64 requests;
	void *snapshot;
	size_t snapshot_room;
};

static double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void count_request(void *ctx, const struct request *req)
{
	((struct bench *)ctx)->requests++;
}

static void configure(const struct bench *b, const struct row_kind *k, struct run_config *cfg)
{
	*cfg = (struct run_config){
		.backend = &backend_core,
		.policy = b->cfg->policy,
		.shadow = k->shadow,
		.model = k->model,
		.check = k->model ? RUN_CHECK_END : RUN_CHECK_NEVER,
		.values = k->values,
		.memory = k->values ? MACHINE_MEMORY_MODEL : MACHINE_MEMORY_NONE,
	};
}

/* --- programs ------------------------------------------------------------------- */

static u64 pages_of(const struct program *p)
{
	u64 pages = 0;

	for (size_t i = 0; i < p->nr; i++)
		if (p->ops[i].code == OP_BUFFER)
			pages += p->ops[i].arg;
	return pages;
}

/* Of the programs of ascending seeds those that are small enough. */
static int generate(struct bench *b, struct speed *out)
{
	u64 pages = 0, made = 0, most = (u64)b->cfg->programs * TRIES;
	struct gen_config gen = gen_default();
	double begun = cpu_ns();
	u32 nr = 0;
	int rc = 0;

	gen.max_pages = b->cfg->pages;
	for (; !rc && nr < b->cfg->programs; made++) {
		if (made == most)
			return -ERANGE;
		rc = gen_program(&b->programs[nr], b->cfg->seed + made, &gen);
		if (rc || (b->cfg->total && pages_of(&b->programs[nr]) > b->cfg->total))
			continue;
		pages += pages_of(&b->programs[nr++]);
	}
	out->generate_us = (cpu_ns() - begun) / made / 1e3;
	out->pages = (double)pages / b->cfg->programs;
	return rc;
}

static int run_all(struct bench *b, const struct run_config *cfg)
{
	int rc = 0;

	for (u32 i = 0; !rc && i < b->cfg->programs; i++) {
		rc = run_reset(b->run, cfg);
		if (!rc)
			rc = run_program(b->run, &b->programs[i]);
	}
	return rc;
}

/* Also the warm-up. */
static int count_ops(struct bench *b, struct speed *out)
{
	struct run_config cfg;
	int rc = 0;

	configure(b, &kinds[SPEED_ROWS - 1], &cfg);
	cfg.ctx = b;
	cfg.before = count_request;
	for (u32 i = 0; !rc && i < b->cfg->programs; i++) {
		rc = run_reset(b->run, &cfg);
		if (!rc)
			rc = run_program(b->run, &b->programs[i]);
		for (u32 op = 1; !rc && op <= run_ops(b->run); op++) {
			out->ops += !run_result(b->run, op)->noop;
			out->noops += run_result(b->run, op)->noop;
		}
	}
	out->requests = b->requests;
	return rc;
}

static int time_row(struct bench *b, u32 row, u32 round)
{
	struct run_config cfg;
	double begun = cpu_ns();
	int rc;

	configure(b, &kinds[row], &cfg);
	rc = run_all(b, &cfg);
	b->us[row][round] = (cpu_ns() - begun) / b->cfg->programs / 1e3;
	return rc;
}

/* --- beginning anew ------------------------------------------------------------- */

static void fill(struct arena *a)
{
	while (arena_used(a) + ARENA_BLOCK <= ARENA_BYTES)
		arena_alloc(a, ARENA_BLOCK);
}

/* What a fill costs is in `again`: a reset leaves the clearing to the next user. */
static int time_arena(struct bench *b, u32 round)
{
	struct arena *a = arena_create(NULL, 1UL << 20);
	char *copy = malloc(2 * ARENA_BYTES);
	double begun, inside = 0;

	if (!a || !copy)
		goto out;
	begun = cpu_ns();
	for (u32 i = 0; i < ARENA_ROUNDS; i++) {
		arena_reset(a);
		fill(a);
	}
	b->cost[1][round] = (cpu_ns() - begun) / ARENA_ROUNDS;
	begun = cpu_ns();
	for (u32 i = 0; i < ARENA_ROUNDS; i++) {
		arena_save(a, copy);
		arena_restore(a, copy, arena_used(a));
	}
	b->cost[2][round] = (cpu_ns() - begun) / ARENA_ROUNDS;
	begun = cpu_ns();
	for (u32 i = 0; i < ARENA_ROUNDS; i++)
		arena_reset(a);
	inside = cpu_ns() - begun;
	b->cost[0][round] = inside / ARENA_ROUNDS;
out:
	arena_destroy(a);
	free(copy);
	return inside ? 0 : -ENOMEM;
}

static int time_run_reset(struct bench *b, u32 round)
{
	struct run_config cfg;
	double begun;
	int rc = 0;

	configure(b, &kinds[SPEED_ROWS - 1], &cfg);
	begun = cpu_ns();
	for (u32 i = 0; !rc && i < ARENA_ROUNDS; i++)
		rc = run_reset(b->run, &cfg);
	b->cost[3][round] = (cpu_ns() - begun) / ARENA_ROUNDS;
	return rc;
}

/* In the middle of one of the programs, a different one each round. */
static int time_run_save(struct bench *b, u32 round)
{
	const struct program *p = &b->programs[round % b->cfg->programs];
	struct run_config cfg;
	size_t at = 0, size;
	double begun;
	int rc;

	configure(b, &kinds[SPEED_ROWS - 1], &cfg);
	rc = run_reset(b->run, &cfg);
	while (!rc && at < p->nr / 2 && run_step(b->run, p, &at))
		;
	size = run_save_size(b->run);
	if (size > b->snapshot_room) {
		free(b->snapshot);
		b->snapshot = malloc(size);
		b->snapshot_room = size;
	}
	if (rc || !b->snapshot)
		return rc ? rc : -ENOMEM;
	begun = cpu_ns();
	for (u32 i = 0; i < ARENA_ROUNDS; i++) {
		run_save(b->run, b->snapshot);
		run_restore(b->run, b->snapshot, size);
	}
	b->cost[4][round] = (cpu_ns() - begun) / ARENA_ROUNDS;
	b->saved_bytes += size;
	return 0;
}

/* --- all ------------------------------------------------------------------------ */

static int measure_rounds(struct bench *b)
{
	struct rng rng = {b->cfg->seed};
	u32 order[SPEED_ROWS];
	int rc = 0;

	for (u32 round = 0; !rc && round < b->cfg->rounds; round++) {
		progress(b->cfg->progress, "round %u of %u", round + 1, b->cfg->rounds);
		rng_order(&rng, order, SPEED_ROWS);
		for (u32 i = 0; !rc && i < SPEED_ROWS; i++)
			rc = time_row(b, order[i], round);
		if (!rc)
			rc = time_arena(b, round);
		if (!rc)
			rc = time_run_reset(b, round);
		if (!rc)
			rc = time_run_save(b, round);
	}
	progress_end(b->cfg->progress);
	return rc;
}

static void summarise(struct bench *b, struct speed *out)
{
	double *const costs[] = {&out->costs.reset, &out->costs.again, &out->costs.save,
				 &out->costs.run, &out->costs.run_save};
	double ops = (double)out->ops / b->cfg->programs;

	for (u32 i = 0; i < SPEED_ROWS; i++) {
		struct speed_row *r = &out->rows[i];

		*r = (struct speed_row){.name = kinds[i].name, .what = kinds[i].what};
		r->best_us = stats_min(b->us[i], b->cfg->rounds);
		r->us = stats_median(b->us[i], b->cfg->rounds);
		r->ops_s = r->us > 0 ? ops / r->us * 1e6 : 0;
		r->best_ops_s = r->best_us > 0 ? ops / r->best_us * 1e6 : 0;
	}
	for (u32 i = 0; i < ARRAY_SIZE(costs); i++)
		*costs[i] = stats_median(b->cost[i], b->cfg->rounds);
	out->costs.run_bytes = b->saved_bytes / b->cfg->rounds;
}

int speed_measure(struct speed *out, const struct speed_config *cfg)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct run_config rc_cfg;
	int rc = -ENOMEM;

	*out = (struct speed){0};
	assert(cfg->rounds && cfg->rounds <= ROUNDS_MOST && cfg->programs);
	if (!b)
		return rc;
	b->cfg = cfg;
	configure(b, &kinds[0], &rc_cfg);
	b->run = run_create(&rc_cfg);
	b->programs = calloc(cfg->programs, sizeof(*b->programs));
	if (b->run && b->programs)
		rc = generate(b, out);
	if (!rc)
		rc = count_ops(b, out);
	if (!rc)
		rc = measure_rounds(b);
	if (!rc)
		summarise(b, out);
	for (u32 i = 0; b->programs && i < cfg->programs; i++)
		program_free(&b->programs[i]);
	free(b->programs);
	free(b->snapshot);
	run_destroy(b->run);
	free(b);
	return rc;
}
