// SPDX-License-Identifier: GPL-2.0-only
/* Lines that are dirty in another core: a helper, pinned there, stores to them. */
#define _GNU_SOURCE
#include "bench/harness/harness_priv.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

struct remote {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake, done;
	void *mem; /* NULL: nothing to do */
	size_t size;
	bool leave;
	cpu_set_t before; /* where the caller was allowed to run */
};

bool harness_cpulist_has(const char *list, int cpu)
{
	while (*list) {
		char *end;
		long first = strtol(list, &end, 10), last = first;

		if (end == list)
			return false;
		if (*end == '-')
			last = strtol(end + 1, &end, 10);
		if (first <= cpu && cpu <= last)
			return true;
		list = *end == ',' ? end + 1 : "";
	}
	return false;
}

/* By sysfs; what it does not tell is taken for a core of its own. */
static bool share_core(int cpu, int other, void *ctx)
{
	char path[96], list[256] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list",
		 cpu);
	f = fopen(path, "re");
	if (f && !fgets(list, sizeof(list), f))
		*list = '\0';
	if (f)
		fclose(f);
	return harness_cpulist_has(list, other);
}

int harness_remote_pick(const uint8_t *allowed, int nr, int self,
			bool (*siblings)(int cpu, int other, void *ctx), void *ctx)
{
	for (int cpu = 0; cpu < nr; cpu++)
		if (allowed[cpu] && cpu != self && !siblings(self, cpu, ctx))
			return cpu;
	return -1;
}

static void *helper(void *arg)
{
	struct remote *r = arg;

	pthread_mutex_lock(&r->lock);
	while (!r->leave) {
		if (r->mem) {
			lines_dirty(r->mem, r->size);
			full_fence();
			r->mem = NULL;
			pthread_cond_signal(&r->done);
		}
		pthread_cond_wait(&r->wake, &r->lock);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

static int pin(pthread_t thread, int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	return pthread_setaffinity_np(thread, sizeof(one), &one);
}

static const char *find_cpus(const cpu_set_t *set, int *self, int *other)
{
	uint8_t allowed[CPU_SETSIZE];

	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		allowed[cpu] = CPU_ISSET(cpu, set) != 0;
	*self = sched_getcpu();
	if (*self < 0 || CPU_COUNT(set) < 2)
		return "only one CPU is allowed here";
	*other = harness_remote_pick(allowed, CPU_SETSIZE, *self, share_core, NULL);
	return *other < 0 ? "all CPUs that are allowed here share one core" : NULL;
}

static void dismiss(struct remote *r)
{
	pthread_mutex_lock(&r->lock);
	r->leave = true;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
	pthread_join(r->thread, NULL);
}

static void destroy(struct remote *r)
{
	pthread_cond_destroy(&r->done);
	pthread_cond_destroy(&r->wake);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static const char *start(struct remote *r)
{
	int self, other;
	const char *why;

	if (sched_getaffinity(0, sizeof(r->before), &r->before))
		return "the system does not say which CPUs are allowed";
	why = find_cpus(&r->before, &self, &other);
	if (why)
		return why;
	if (pin(pthread_self(), self))
		return "the thread cannot be kept on its CPU";
	if (pthread_create(&r->thread, NULL, helper, r)) {
		why = "no thread can be made";
		goto err;
	}
	if (!pin(r->thread, other))
		return NULL;
	why = "the helper cannot be kept on a CPU of its own";
	dismiss(r);
err:
	pthread_setaffinity_np(pthread_self(), sizeof(r->before), &r->before);
	return why;
}

struct remote *harness_remote_start(const char **why)
{
	struct remote *r = calloc(1, sizeof(*r));

	*why = r ? NULL : "out of memory";
	if (!r)
		return NULL;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->wake, NULL);
	pthread_cond_init(&r->done, NULL);
	*why = start(r);
	if (!*why)
		return r;
	destroy(r);
	return NULL;
}

void harness_remote_dirty(struct remote *r, void *mem, size_t size)
{
	pthread_mutex_lock(&r->lock);
	r->mem = mem;
	r->size = size;
	pthread_cond_signal(&r->wake);
	while (r->mem)
		pthread_cond_wait(&r->done, &r->lock);
	pthread_mutex_unlock(&r->lock);
}

void harness_remote_stop(struct remote *r)
{
	if (!r)
		return;
	dismiss(r);
	pthread_setaffinity_np(pthread_self(), sizeof(r->before), &r->before);
	destroy(r);
}
