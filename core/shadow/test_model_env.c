// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include "core/shadow/test_model_env.h"

static void on_event(void *ctx, const struct machine_event *ev)
{
	model_event(((struct env *)ctx)->md, ev);
}

int env_setup(void **state)
{
	static const struct machine_config cfg = {.track_iotlb = true};
	struct env *e = calloc(1, sizeof(*e));

	e->arena = arena_create(NULL, 64 << 20);
	e->model_arena = arena_create(NULL, 64 << 20);
	e->m = machine_create(e->arena, &cfg);
	e->md = model_create(e->model_arena, e->m);
	e->obs = (struct machine_observer){.ctx = e, .event = on_event};
	machine_observe(e->m, &e->obs);
	assert_int_equal(buffer_create(e->m, 0, VA_P, 16, &e->p), 0);
	assert_int_equal(buffer_create(e->m, 0, VA_H, 4, &e->h), 0);
	assert_int_equal(buffer_create(e->m, 0, VA_R, 4, &e->r), 0);
	assert_int_equal(buffer_set_flags(e->m, e->h, 1, 1, UPAGE_HOLE, 0), 0);
	assert_int_equal(buffer_set_flags(e->m, e->r, 0, 3, UPAGE_RDONLY, 0), 0);
	*state = e;
	return 0;
}

int env_teardown(void **state)
{
	struct env *e = *state;

	machine_observe(e->m, NULL);
	arena_destroy(e->arena);
	arena_destroy(e->model_arena);
	free(e);
	return 0;
}

/* --- requests ---------------------------------------------------------------------------- */

void req_begin(struct env *e, struct request *req)
{
	req->op = ++e->op;
	machine_request_begin(e->m, req);
}

void req_end(struct env *e, struct request *req, int rc)
{
	req->rc = rc;
	machine_request_end(e->m, req);
}

/* What a core does before it gives up. */
void req_ask(struct env *e, int rc)
{
	for (u32 id = 1; rc == -EDEADLOCK && e->busy_iova && id <= 4; id++)
		machine_access_notified(e->m, id, e->busy_iova, K4);
}

void req_send(struct env *e, struct request req, int rc)
{
	req_begin(e, &req);
	req_ask(e, rc);
	req_end(e, &req, rc);
}

void expect_silence(struct env *e)
{
	if (model_findings(e->md))
		print_error("%s: %s\n", model_finding(e->md, 0)->rule,
			    model_finding(e->md, 0)->what);
	assert_int_equal(model_findings(e->md), 0);
}

void expect_finding(struct env *e, const char *rule)
{
	if (!model_findings(e->md))
		print_error("expected a finding of %s\n", rule);
	assert_true(model_findings(e->md) > 0);
	assert_string_equal(model_finding(e->md, 0)->rule, rule);
	assert_int_equal(model_finding(e->md, 0)->op, e->op);
}

/* What a core would do for a fill of whole pages: pin, map, charge. */
void fake_pin(struct env *e, u64 va, u64 n, u64 *pfns)
{
	for (u64 i = 0; i < n; i++)
		assert_int_equal(machine_pin(e->m, 0, va + i * K4, 1, PIN_WRITE, &pfns[i]), 1);
	machine_task(e->m, 0)->user_locked_vm += n;
	machine_task(e->m, 0)->mm_pinned_vm += n;
}

void fake_unpin(struct env *e, const u64 *pfns, u64 n)
{
	for (u64 i = 0; i < n; i++)
		machine_unpin(e->m, pfns[i], 1, true);
	machine_task(e->m, 0)->user_locked_vm -= n;
	machine_task(e->m, 0)->mm_pinned_vm -= n;
}

void fake_map(struct env *e, u64 iova, const u64 *pfns, u64 n)
{
	for (u64 i = 0; i < n; i++)
		assert_int_equal(domain_map(e->d, iova + i * K4, pfns[i] * K4, K4,
					    DOMAIN_READ | DOMAIN_WRITE | DOMAIN_CACHE),
				 0);
}

void table_new(struct env *e, u32 id)
{
	SEND(e, 0, .kind = REQ_TABLE_CREATE, .table = id);
}

struct domain *domain_new(struct env *e, const struct domain_config *cfg)
{
	static const struct domain_config plain;
	struct domain *d;

	assert_int_equal(domain_create(e->m, cfg ? cfg : &plain, &d), 0);
	return d;
}

void attach_empty(struct env *e, u32 t, u32 dom)
{
	SEND(e, 0, .kind = REQ_ATTACH, .table = t, .domain = dom);
}

void lazy_map(struct env *e, u32 t, u64 uptr, u64 length, u32 prot, u64 iova)
{
	SEND(e, 0, .kind = REQ_MAP, .table = t, .uptr = uptr, .length = length, .prot = prot,
	     .iova = iova, .flags = REQF_FIXED, .out_iova = iova);
}

void access_new(struct env *e, u32 id, u32 flags, u32 t)
{
	SEND(e, 0, .kind = REQ_ACCESS_CREATE, .access = id, .flags = flags);
	if (t)
		SEND(e, 0, .kind = REQ_ACCESS_ATTACH, .access = id, .table = t);
}

void reserve(struct env *e, u32 t, u64 start, u64 last)
{
	SEND(e, 0, .kind = REQ_RESERVE, .table = t, .iova = start, .last = last);
}

int allow_rc(struct env *e, u32 t, struct iova_range *ranges, u32 n, int rc)
{
	SEND(e, rc, .kind = REQ_ALLOW, .table = t, .ranges = ranges, .nr_ranges = n);
	return rc;
}
