// SPDX-License-Identifier: GPL-2.0-only
#include "bench/calls.h"

#include <stdlib.h>
#include "core/op/backend_linux.h"

static bool grow(void *array, size_t *cap, size_t want, size_t size)
{
	size_t bigger = max(2 * *cap, max(want, (size_t)4096));
	void *p;

	if (want <= *cap)
		return true;
	p = realloc(*(void **)array, bigger * size);
	if (!p)
		return false;
	*(void **)array = p;
	*cap = bigger;
	return true;
}

/* How many words of runs a call carries. */
static size_t words_of(const struct machine_call *call)
{
	if (call->kind == CALL_MAP_RUNS)
		return call->n * sizeof(struct domain_run) / sizeof(u64);
	if (call->kind == CALL_UNPIN_RUNS)
		return call->n * sizeof(struct pfn_run) / sizeof(u64);
	return 0;
}

/* Where its runs lie is known when the array has stopped moving: until then their number stands. */
static void record(void *ctx, const struct machine_call *call)
{
	struct calls *c = ctx;
	size_t words = words_of(call);

	if (c->full || !grow(&c->call, &c->cap, c->nr + 1, sizeof(*c->call)) ||
	    !grow(&c->run, &c->cap_run, c->nr_run + words, sizeof(*c->run))) {
		c->full = true;
		return;
	}
	if (words)
		memcpy(c->run + c->nr_run, call->runs, words * sizeof(u64));
	c->nr_run += words;
	c->call[c->nr++] = *call;
	c->kinds[call->kind]++;
	if (call->kind == CALL_PIN)
		c->pages = max(c->pages, call->n);
	c->pages = max(c->pages, (u64)call->room * sizeof(struct pfn_run) / sizeof(u64));
}

static void ignore(void *ctx, const struct machine_event *ev)
{
}

void calls_record(struct calls *c, struct machine *m, struct machine_observer *obs)
{
	*c = (struct calls){.pages = 2};
	*obs = (struct machine_observer){.ctx = c, .event = ignore, .call = record};
	machine_observe(m, obs);
}

int calls_end(struct calls *c, struct machine *m)
{
	const u64 *at = c->run;

	machine_observe(m, NULL);
	for (size_t i = 0; i < c->nr; i++) {
		size_t words = words_of(&c->call[i]);

		if (words)
			c->call[i].runs = (const struct domain_run *)at;
		at += words;
	}
	return c->full ? -ENOMEM : 0;
}

void calls_free(struct calls *c)
{
	free(c->call);
	free(c->run);
	*c = (struct calls){0};
}

size_t calls_scratch(const struct calls *c)
{
	return c->pages;
}

static void make(const struct machine_call *c, struct machine *m, u64 *scratch)
{
	struct domain *d = machine_domain(m, c->who);
	size_t nr;

	switch ((enum machine_call_kind)c->kind) {
	case CALL_MAP:
		domain_map(d, c->at, c->pa, c->n, c->flags);
		break;
	case CALL_MAP_RUNS:
		domain_map_runs(d, c->runs, c->n, c->flags, &nr);
		break;
	case CALL_UNMAP:
		domain_unmap(d, c->at, c->n);
		break;
	case CALL_SYNC:
		domain_iotlb_sync(d);
		break;
	case CALL_TRANSLATE:
		*scratch = domain_iova_to_phys(d, c->at);
		break;
	case CALL_READ_RUN:
		domain_read_run(d, c->at, c->n, scratch);
		break;
	case CALL_READ_RUNS:
		domain_read_runs(d, c->at, c->n, (struct pfn_run *)scratch, c->room, &nr);
		break;
	case CALL_PIN:
		machine_pin(m, c->who, c->at, c->n, c->flags, scratch);
		break;
	case CALL_UNPIN:
		machine_unpin(m, c->at, c->n, c->flags);
		break;
	case CALL_UNPIN_RUNS:
		machine_unpin_runs(m, c->pfns, c->n, c->flags);
		break;
	case CALL_MARK_DIRTY:
		machine_mark_dirty(m, c->at, c->n);
		break;
	case CALL_CLEAN:
		machine_clean(m, c->at, c->n);
		break;
	case CALL_DRAIN:
		machine_drain(m);
		break;
	case CALL_NR:
		break;
	}
}

void calls_replay(const struct calls *c, struct machine *m, struct backend *b, u64 *scratch)
{
	if (linux_backend_about(b->ops)) {
		for (size_t i = 0; i < c->nr; i++)
			linux_backend_call(b, &c->call[i], scratch);
		return;
	}
	for (size_t i = 0; i < c->nr; i++)
		make(&c->call[i], m, scratch);
}

u64 calls_walk(const struct calls *c)
{
	u64 sum = 0;

	for (size_t i = 0; i < c->nr; i++) {
		const struct machine_call *call = &c->call[i];

		sum += call->kind + call->flags + call->who + call->at + call->n + call->pa;
		/* The compiler must not make one sum of many. */
		asm volatile("" : "+r"(sum));
	}
	for (size_t i = 0; i < c->nr_run; i++) {
		sum += c->run[i];
		asm volatile("" : "+r"(sum));
	}
	return sum;
}
