// SPDX-License-Identifier: GPL-2.0-only
/*
 * The gate's end in a tree that it judges (module.h). Compiled into the build of that tree, which
 * may be older than the gate: it stands on op_run() and its neighbours and on nothing of bench.
 *
 * The arenas' memory is the caller's. arena_create() maps its own, so the module is linked with
 * --wrap=mmap and --wrap=munmap: a mapping at an address that the caller has given is there
 * already. Blocks of both arenas lie at the same addresses in every module then, on the same pages.
 */
#include "bench/gate/module.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "core/flush/clean.h"
#include "core/flush/registry.h"
#include "core/op/judge.h"
#include "core/op/text.h"

#define WARM_MAX \
	(16UL << 20) /* an arena's first bytes stay in place between runs, zeroed by hand */

struct gate_session {
	struct gate_config cfg;
	struct program program;
	const struct flush_policy *policy;
	void *plugin;
	struct run *run;
	size_t buffers; /* bytes of the memory given out in this run */
	u64 live_most;
};

/* --- memory ----------------------------------------------------------------------------------- */

/* Bases that are mapped already. */
static void *given[2];

void *__real_mmap(void *addr, size_t size, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *addr, size_t size, int prot, int flags, int fd, off_t offset);
int __real_munmap(void *addr, size_t size);
int __wrap_munmap(void *addr, size_t size);

static bool is_given(const void *addr)
{
	return addr && (addr == given[0] || addr == given[1]);
}

void *__wrap_mmap(void *addr, size_t size, int prot, int flags, int fd, off_t offset)
{
	return is_given(addr) ? addr : __real_mmap(addr, size, prot, flags, fd, offset);
}

int __wrap_munmap(void *addr, size_t size)
{
	return is_given(addr) ? 0 : __real_munmap(addr, size);
}

static void wipe(void *base, size_t used)
{
	size_t warm = min(used, WARM_MAX);

	if (!base)
		return;
	memset(base, 0, warm);
	if (used > warm)
		madvise((char *)base + warm, used - warm, MADV_DONTNEED);
}

static int on_buffer(void *ctx, struct machine *m, struct buffer *b)
{
	struct gate_session *s = ctx;
	size_t size = buffer_npages(b) << PAGE_SHIFT;

	if (!s->cfg.memory)
		return 0;
	if (size > s->cfg.memory_size - s->buffers)
		return -ENOMEM;
	buffer_set_memory(m, b, (char *)s->cfg.memory + s->buffers);
	s->buffers += size;
	return 0;
}

/* --- sessions --------------------------------------------------------------------------------- */

static int parse(struct gate_session *s, char *err, size_t errlen)
{
	struct text_error te;
	int rc = text_parse(&s->program, s->cfg.text, strlen(s->cfg.text), "workload", &te);

	if (rc == -EINVAL)
		text_error_format(&te, err, errlen);
	return rc;
}

static void gate_close(struct gate_session *s)
{
	if (!s)
		return;
	flush_policy_close(s->plugin);
	program_free(&s->program);
	free(s);
}

static int gate_open(const struct gate_config *cfg, struct gate_session **out, char *err,
		     size_t errlen)
{
	struct gate_session *s = calloc(1, sizeof(*s));
	int rc = -ENOMEM;

	snprintf(err, errlen, "%s", strerror(ENOMEM));
	if (!s)
		return rc;
	s->cfg = *cfg;
	program_init(&s->program);
	given[0] = cfg->arena;
	given[1] = cfg->side;
	rc = flush_policy_open(cfg->policy, &s->policy, &s->plugin, err, errlen);
	if (!rc)
		rc = parse(s, err, errlen);
	if (rc) {
		gate_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

/* --- runs ------------------------------------------------------------------------------------- */

static const struct clean_ops *clean_nothing(void)
{
	struct clean_info info;

	for (u32 i = 0; clean_nth(i, &info); i++)
		if (!strcmp(info.name, "null"))
			return info.ops;
	return NULL;
}

static void plain_config(struct gate_session *s, struct run_config *cfg)
{
	*cfg = (struct run_config){
		.backend = &backend_core,
		.policy = s->policy,
		.memory = s->cfg.memory ? MACHINE_MEMORY_REAL : MACHINE_MEMORY_NONE,
		.clean = clean_nothing(),
		.max_pages = RUN_PAGES_TRACE,
		.arena_base = s->cfg.arena,
		.arena_size = s->cfg.arena_size,
		.observer_base = s->cfg.side,
		.observer_size = s->cfg.side_size,
		.ctx = s,
		.buffer = on_buffer,
	};
}

static int begin_with(struct gate_session *s, const struct run_config *cfg)
{
	s->buffers = 0;
	s->run = run_create(cfg);
	return s->run ? 0 : -errno;
}

static int gate_begin(struct gate_session *s)
{
	struct run_config cfg;

	plain_config(s, &cfg);
	return begin_with(s, &cfg);
}

/* The end of a run; what its arenas held is zero again. */
static void gate_end(struct gate_session *s)
{
	size_t used[2];

	if (!s->run)
		return;
	/* The run's tables are in the second arena, of which op_run() tells nothing. */
	used[0] = arena_used(run_arena(s->run));
	used[1] = s->cfg.side ? arena_used((struct arena *)s->cfg.side) : 0;
	run_destroy(s->run);
	s->run = NULL;
	wipe(s->cfg.arena, used[0]);
	wipe(s->cfg.side, used[1]);
}

/* By its name callgrind knows what to count: no other symbol, and never part of another function. */
int nosnoop_gate_execute(struct gate_session *s);
__attribute__((noinline)) int nosnoop_gate_execute(struct gate_session *s)
{
	return run_program(s->run, &s->program);
}

/* --- counts ----------------------------------------------------------------------------------- */

static void after(void *ctx, const struct request *req)
{
	struct gate_session *s = ctx;

	s->live_most = max(s->live_most, (u64)arena_live(run_arena(s->run)));
}

static u64 failed_ops(const struct run *r)
{
	u64 failed = 0;

	for (u32 op = 1; op <= run_ops(r); op++)
		failed += run_result(r, op)->rc < 0;
	return failed;
}

static void take_machine(const struct machine_counters *c, struct gate_counts *out)
{
	out->pages = c->map_bytes >> PAGE_SHIFT;
	out->value[GATE_CLEAN_CALLS] = c->clean_calls;
	out->value[GATE_CLEAN_LINES] = c->clean_lines;
	out->value[GATE_DRAINS] = c->drains;
	out->value[GATE_MAP_CALLS] = c->map_calls;
	out->value[GATE_MAP_BYTES] = c->map_bytes;
	out->value[GATE_UNMAP_CALLS] = c->unmap_calls;
	out->value[GATE_SYNCS] = c->syncs;
	out->value[GATE_TRANSLATIONS] = c->translations;
	out->value[GATE_PIN_CALLS] = c->pin_calls;
	out->value[GATE_PAGES_PINNED] = c->pages_pinned;
	out->value[GATE_STRICT] = c->strict;
}

static int count_plain(struct gate_session *s, struct gate_counts *out)
{
	struct run_config cfg;
	int rc;

	plain_config(s, &cfg);
	cfg.after = after;
	s->live_most = 0;
	rc = begin_with(s, &cfg);
	if (!rc)
		rc = nosnoop_gate_execute(s);
	if (!rc) {
		take_machine(run_counters(s->run), out);
		out->ops = run_ops(s->run);
		out->value[GATE_FAILED_OPS] = failed_ops(s->run);
		out->value[GATE_ALLOCATIONS] = arena_allocations(run_arena(s->run));
		out->value[GATE_ARENA_BYTES] = arena_used(run_arena(s->run));
		out->value[GATE_LIVE_BYTES] = s->live_most;
		out->value[GATE_LEFT_BLOCKS] = arena_live_blocks(run_arena(s->run));
	}
	gate_end(s);
	return rc;
}

static int count_judged(struct gate_session *s, struct gate_counts *out)
{
	struct verdict *v = calloc(1, sizeof(*v));
	struct run_config cfg;
	int rc = -ENOMEM;

	if (!v)
		return rc;
	plain_config(s, &cfg);
	cfg.shadow = true;
	cfg.shadow_flags = SHADOW_BOUND;
	cfg.claims = judge_costed(s->policy->claims);
	cfg.memory = MACHINE_MEMORY_NONE;
	cfg.clean = NULL;
	cfg.buffer = NULL;
	rc = begin_with(s, &cfg);
	if (!rc)
		rc = nosnoop_gate_execute(s);
	if (!rc) {
		judge(s->run, &s->program, v);
		out->claims = s->policy->claims;
		out->broken = shadow_broken(run_shadow(s->run));
		out->value[GATE_FLUSHES] = v->flushes;
		out->value[GATE_REDUNDANT] = v->redundant;
		out->value[GATE_MISSING] = v->missing;
		out->value[GATE_STRICT] += v->nr_findings;
	}
	gate_end(s);
	free(v);
	return rc;
}

static int gate_count(struct gate_session *s, struct gate_counts *out)
{
	int rc;

	*out = (struct gate_counts){0};
	rc = count_plain(s, out);
	return rc ? rc : count_judged(s, out);
}

/* --- the table -------------------------------------------------------------------------------- */

extern const struct gate_module nosnoop_gate_module;
__attribute__((visibility("default"))) const struct gate_module nosnoop_gate_module = {
	.abi = GATE_MODULE_ABI,
	.module_size = sizeof(struct gate_module),
	.config_size = sizeof(struct gate_config),
	.counts_size = sizeof(struct gate_counts),
	.build = GATE_BUILD,
	.open = gate_open,
	.close = gate_close,
	.begin = gate_begin,
	.execute = nosnoop_gate_execute,
	.end = gate_end,
	.count = gate_count,
};
