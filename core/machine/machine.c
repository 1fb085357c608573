// SPDX-License-Identifier: GPL-2.0-only
#include "core/machine/machine_priv.h"

#define TASKS_DEFAULT 4
#define AUTO_VA_FIRST (4ULL << 30)

static size_t machine_size(u32 nr_tasks)
{
	return sizeof(struct machine) + nr_tasks * sizeof(struct task_mm);
}

struct machine *machine_create(struct arena *arena, const struct machine_config *cfg)
{
	u32 nr = cfg->nr_tasks ? min(cfg->nr_tasks, MACHINE_TASKS_MAX) : TASKS_DEFAULT;
	struct machine *m = arena_alloc(arena, machine_size(nr));

	if (!m)
		return NULL;
	m->arena = arena;
	m->cfg = *cfg;
	m->cfg.nr_tasks = nr;
	m->next_pfn = PFN_FIRST;
	mutex_init(&m->frames_lock, LOCK_FRAMES);
	mutex_init(&m->fault_lock, LOCK_ARENA);
	for (u32 i = 0; i < nr; i++) {
		struct task_mm *t = &m->tasks[i];

		mutex_init(&t->lock, LOCK_MM);
		t->next_va = AUTO_VA_FIRST;
		t->pub = (struct task){.id = i, .alive = true, .rlimit_memlock = RLIM_UNLIMITED};
	}
	return m;
}

void machine_destroy(struct machine *m)
{
	if (!m)
		return;
	domains_destroy(m);
	tasks_destroy(m);
	frames_destroy(m);
	arena_free(m->arena, m, machine_size(m->cfg.nr_tasks));
}

int grow_pointers(struct arena *a, void *array, u32 nr, u32 *cap)
{
	u32 bigger = *cap ? 2 * *cap : 4;
	void **old = *(void ***)array, **p;

	if (nr < *cap)
		return 0;
	p = arena_alloc(a, bigger * sizeof(*p));
	if (!p)
		return -ENOMEM;
	if (nr)
		memcpy(p, old, nr * sizeof(*p));
	arena_free(a, old, *cap * sizeof(*p));
	*(void ***)array = p;
	*cap = bigger;
	return 0;
}

struct arena *machine_arena(struct machine *m)
{
	return m->arena;
}

struct fault *machine_fault(struct machine *m)
{
	return &m->fault;
}

static __attribute__((noinline)) int count_point(struct machine *m, enum fault_point point)
{
	bool hit;

	mutex_lock(&m->fault_lock);
	hit = should_fail(&m->fault, point);
	mutex_unlock(&m->fault_lock);
	if (!hit)
		return 0;
	if (m->obs)
		tell(m, .kind = EV_FAULT, .fault_point = point);
	return fault_errno(point);
}

int machine_should_fail(struct machine *m, enum fault_point point)
{
	return likely(!m->fault.nth) ? 0 : count_point(m, point);
}

void machine_observe(struct machine *m, const struct machine_observer *obs)
{
	m->obs = obs;
}

bool machine_observed(const struct machine *m)
{
	return m->obs;
}

void machine_request_begin(struct machine *m, struct request *req)
{
	req->serial = ++m->serial;
	if (m->obs)
		tell(m, .kind = EV_REQUEST_BEGIN, .req = req);
}

void machine_request_end(struct machine *m, struct request *req)
{
	if (m->obs)
		tell(m, .kind = EV_REQUEST_END, .req = req);
}

void machine_request_nested(struct machine *m, struct request *req)
{
	req->serial = m->serial;
	if (m->obs)
		tell(m, .kind = EV_NESTED, .req = req);
}

void machine_access_notified(struct machine *m, u32 access, u64 iova, u64 length)
{
	if (m->obs)
		tell(m, .kind = EV_NOTIFY, .iova = iova, .len = length, .a = access);
}

u64 machine_serial(const struct machine *m)
{
	return m->serial;
}

void machine_strict(struct machine *m, const char *rule, const char *what, u64 a, u64 b)
{
	counter_add(&m->count.strict, 1);
	if (m->obs)
		tell(m, .kind = EV_STRICT, .rule = rule, .what = what, .a = a, .b = b);
}

struct task *machine_task(struct machine *m, u32 id)
{
	return id < m->cfg.nr_tasks ? &m->tasks[id].pub : NULL;
}

void machine_task_exit(struct machine *m, u32 id)
{
	struct task_mm *t;

	if (id >= m->cfg.nr_tasks)
		return;
	t = &m->tasks[id];
	mutex_lock(&t->lock);
	t->pub.alive = false;
	mutex_unlock(&t->lock);
}

/* What each domain counted under its own lock, added to what the frames' lock guards. */
const struct machine_counters *machine_counters(const struct machine *m)
{
	struct machine_counters *sum = &((struct machine *)m)->total;

	*sum = m->count;
	for (u32 i = 0; i < m->nr_domains; i++) {
		if (!m->domains[i])
			continue;
		sum->map_calls += m->domains[i]->count.map_calls;
		sum->map_bytes += m->domains[i]->count.map_bytes;
		sum->unmap_calls += m->domains[i]->count.unmap_calls;
		sum->unmap_bytes += m->domains[i]->count.unmap_bytes;
		sum->syncs += m->domains[i]->count.syncs;
		sum->translations += m->domains[i]->count.translations;
	}
	return sum;
}

void machine_counters_reset(struct machine *m)
{
	m->count = (struct machine_counters){0};
	for (u32 i = 0; i < m->nr_domains; i++)
		if (m->domains[i])
			m->domains[i]->count = (struct domain_counters){0};
}

const char *request_name(enum request_kind kind)
{
	static const char *const names[] = {
		[REQ_NONE] = "none",
		[REQ_TABLE_CREATE] = "table_create",
		[REQ_TABLE_DESTROY] = "table_destroy",
		[REQ_ATTACH] = "attach",
		[REQ_DETACH] = "detach",
		[REQ_MAP] = "map",
		[REQ_COPY] = "copy",
		[REQ_CUT] = "cut",
		[REQ_UNMAP] = "unmap",
		[REQ_ACCESS_CREATE] = "access_create",
		[REQ_ACCESS_DESTROY] = "access_destroy",
		[REQ_ACCESS_ATTACH] = "access_attach",
		[REQ_ACCESS_REPLACE] = "access_replace",
		[REQ_ACCESS_DETACH] = "access_detach",
		[REQ_PIN] = "pin",
		[REQ_UNPIN] = "unpin",
		[REQ_RW] = "rw",
		[REQ_RESERVE] = "reserve",
		[REQ_UNRESERVE] = "unreserve",
		[REQ_ALLOW] = "allow",
		[REQ_RANGES] = "ranges",
		[REQ_HUGE_PAGES] = "huge_pages",
		[REQ_RLIMIT_MODE] = "rlimit_mode",
		[REQ_TEMP_LIMIT] = "temp_limit",
	};

	return (unsigned int)kind < ARRAY_SIZE(names) && names[kind] ? names[kind] : "unknown";
}
