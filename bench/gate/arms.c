// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a pair is measured. A *pass* executes every arm once, in an order drawn for it; the next pass
 * takes the same order backwards, so that what drifts meets both ends. A pair is several passes,
 * and an arm's time is the least of its passes: interrupts and neighbours only ever add. A sample
 * during which the thread lost the CPU is thrown away and taken again, of whatever arm it was.
 *
 * Short workloads are repeated within a sample until it is long enough for the clock.
 */
#define _GNU_SOURCE
#include "bench/gate/arms.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "bench/gate/loaded.h"
#include "bench/harness/harness_stats.h"
#include "bench/stopwatch.h"

#define ARENA	 (16ULL << 30) /* reserved, not used */
#define WARM_UPS 3
#define REDO_MOST \
	8 /* times in a row; then a sample is taken as it is, and the median has to help */

static void *reserve(u64 size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

int gate_arms_load(struct gate_arms *a, const struct gate_job *job, char *err, size_t errlen)
{
	a->nr = job->nr_arms;
	for (u32 i = 0; i < a->nr; i++) {
		a->module[i] = gate_load(job->module[i], err, errlen);
		if (!a->module[i])
			return -ELIBBAD;
	}
	a->arena = reserve(ARENA);
	a->side = reserve(ARENA);
	a->memory = reserve(job->memory);
	if (!a->arena || !a->side || !a->memory)
		return -ENOMEM;
	return 0;
}

int gate_arms_open(struct gate_arms *a, const struct gate_job *job, const char *text, char *err,
		   size_t errlen)
{
	int rc = 0;

	for (u32 i = 0; !rc && i < a->nr; i++) {
		struct gate_config cfg = {
			.text = text,
			.policy = job->policy[i],
			.arena = a->arena,
			.side = a->side,
			.arena_size = ARENA,
			.side_size = ARENA,
			.memory = a->memory,
			.memory_size = job->memory,
		};

		rc = a->module[i]->open(&cfg, &a->session[i], err, errlen);
	}
	return rc;
}

void gate_arms_close(struct gate_arms *a)
{
	for (u32 i = 0; i < a->nr; i++) {
		if (a->session[i])
			a->module[i]->close(a->session[i]);
		a->session[i] = NULL;
	}
}

int gate_arm_run(struct gate_arms *a, u32 arm, double *ns)
{
	const struct gate_module *m = a->module[arm];
	u64 start;
	int rc = m->begin(a->session[arm]);

	if (!rc) {
		full_fence();
		start = clock_ns();
		rc = m->execute(a->session[arm]);
		full_fence();
		if (ns)
			*ns = clock_ns() - start;
	}
	m->end(a->session[arm]);
	return rc;
}

/* --- times ------------------------------------------------------------------------------------ */

static long switches(void)
{
	struct rusage ru;

	return getrusage(RUSAGE_THREAD, &ru) ? 0 : ru.ru_nivcsw + ru.ru_nvcsw;
}

struct timing {
	struct gate_arms *a;
	u32 repeats; /* runs in a sample */
	u32 redone;
};

static int sample_once(const struct timing *t, u32 arm, double *ns, bool *undisturbed)
{
	long before = switches();
	double one = 0;
	int rc = 0;

	*ns = 0;
	for (u32 i = 0; !rc && i < t->repeats; i++) {
		rc = gate_arm_run(t->a, arm, &one);
		*ns += one / t->repeats;
	}
	*undisturbed = switches() == before;
	return rc;
}

static int sample(struct timing *t, u32 arm, double *ns)
{
	bool undisturbed = false;
	int rc = 0;

	for (u32 i = 0; !rc && !undisturbed && i <= REDO_MOST; i++) {
		t->redone += i > 0;
		rc = sample_once(t, arm, ns, &undisturbed);
	}
	return rc;
}

static void reverse(u32 *order, u32 n)
{
	for (u32 i = 0; i < n / 2; i++) {
		u32 other = order[i];

		order[i] = order[n - 1 - i];
		order[n - 1 - i] = other;
	}
}

static int pair(struct timing *t, u32 passes, struct rng *rng, double best[GATE_ARMS])
{
	u32 order[GATE_ARMS];
	double ns;
	int rc = 0;

	for (u32 done = 0; done < passes; done++) {
		if (done % 2)
			reverse(order, t->a->nr);
		else
			rng_order(rng, order, t->a->nr);
		for (u32 i = 0; !rc && i < t->a->nr; i++) {
			rc = sample(t, order[i], &ns);
			best[order[i]] = done ? min(best[order[i]], ns) : ns;
		}
	}
	return rc;
}

/* Also fetches what is fetched once: code, arenas, the heap. */
static int warm_up(struct timing *t, const struct gate_job *job)
{
	double ns, least = 0;
	int rc = 0;

	for (u32 i = 0; !rc && i < WARM_UPS * t->a->nr; i++) {
		rc = gate_arm_run(t->a, i % t->a->nr, &ns);
		least = i ? min(least, ns) : ns;
	}
	t->repeats = least > 0 ? 1 + (u32)min(job->sample_ns / least, 1e4) : 1;
	return rc;
}

int gate_arms_time(struct gate_arms *a, const struct gate_job *job, struct gate_worked *out)
{
	struct timing t = {.a = a, .repeats = 1};
	struct rng rng = {job->seed};
	double best[GATE_ARMS];
	int rc = warm_up(&t, job);

	for (u32 i = 0; !rc && i < job->pairs; i++) {
		rc = pair(&t, job->passes, &rng, best);
		out->pairs[out->nr_pairs++] = (struct gate_pair){best[0], best[1], best[2], 0};
	}
	out->redone = t.redone;
	return rc;
}
