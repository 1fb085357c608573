// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of a run: everything goes, in the order in which a closed file lets its objects go, and
 * what is left over after that is a finding: pins, charges, memory.
 */
#include "core/op/run_priv.h"

/* The newest first, so that no object is asked to go while a later one stands on it. */
static struct run_object *newest(struct run *r, enum obj_kind kind)
{
	u32 nr = run_nr_live(r, kind);

	return nr ? run_nth_live(r, kind, nr - 1) : NULL;
}

/* One that refuses to go is a finding, and left to backend->destroy(). */
static void give_up(struct run *r, struct run_op *o, enum obj_kind kind, struct run_object *obj)
{
	if (!o->res.rc)
		return;
	run_note(r, "TEARDOWN", "%s %u does not go: %s", obj_kind_name[kind], obj->id,
		 expect_errno_name(-o->res.rc) ? expect_errno_name(-o->res.rc) : "error");
	if (obj->live)
		run_dead(r, kind, obj);
}

static void destroy_objects(struct run *r, struct run_op *o)
{
	struct run_object *obj;

	while ((obj = newest(r, OBJ_ACCESS))) {
		run_access_destroy(r, o, obj);
		give_up(r, o, OBJ_ACCESS, obj);
	}
	while ((obj = newest(r, OBJ_DOMAIN))) {
		run_detach(r, o, obj->owner, obj->id);
		give_up(r, o, OBJ_DOMAIN, obj);
	}
	while ((obj = newest(r, OBJ_TABLE))) {
		run_table_destroy(r, o, obj->id);
		give_up(r, o, OBJ_TABLE, obj);
	}
}

static void destroy_rest(struct run *r, struct run_op *o)
{
	struct run_object *obj;
	struct request req;

	run_bracket_begin(r, o, &req);
	r->cfg.backend->destroy(r->s->backend);
	while ((obj = newest(r, OBJ_DOMAIN))) {
		domain_free(r->s->machine, machine_domain(r->s->machine, obj->id));
		run_dead(r, OBJ_DOMAIN, obj);
	}
	run_find_culprits(r);
	while ((obj = newest(r, OBJ_BUFFER))) {
		buffer_destroy(r->s->machine, obj->buffer);
		run_dead(r, OBJ_BUFFER, obj);
	}
	run_bracket_end(r, o, &req, 0);
}

static void check_left_over(struct run *r)
{
	struct run_state *s = r->s;

	s->counters = *machine_counters(s->machine);
	if (s->counters.pages_pinned != s->counters.pages_unpinned)
		run_note(r, "P6", "pages pinned and unpinned: %llu, %llu",
			 (unsigned long long)s->counters.pages_pinned,
			 (unsigned long long)s->counters.pages_unpinned);
	for (u32 i = 0; i < MACHINE_TASKS_MAX; i++) {
		const struct task *t = machine_task(s->machine, i);

		if (t->user_locked_vm || t->mm_locked_vm || t->mm_pinned_vm)
			run_note(r, "P6",
				 "task %u is still charged: user %llu, locked %llu, pinned %llu", i,
				 (unsigned long long)t->user_locked_vm,
				 (unsigned long long)t->mm_locked_vm,
				 (unsigned long long)t->mm_pinned_vm);
	}
}

void run_teardown(struct run *r, struct run_op *o)
{
	struct run_state *s = r->s;

	if (r->cfg.teardown == RUN_TEARDOWN_REQUESTS)
		destroy_objects(r, o);
	if (r->cfg.check != RUN_CHECK_NEVER && r->cfg.teardown == RUN_TEARDOWN_REQUESTS)
		run_check(r);
	destroy_rest(r, o);
	check_left_over(r);
	machine_destroy(s->machine);
	s->machine = NULL;
	s->backend = NULL;
	if (arena_live_blocks(r->arena))
		run_note(r, "LEAK", "%llu blocks, %llu bytes of the arena are left",
			 (unsigned long long)arena_live_blocks(r->arena),
			 (unsigned long long)arena_live(r->arena));
}
