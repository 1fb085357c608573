// SPDX-License-Identifier: GPL-2.0-only
/*
 * One pass over the program; at each request a snapshot, from which the request is run again and
 * again with the next place failing, each time to the end of the program, until it has no further
 * place. Then the snapshot once more, and on to the next request without a failure.
 */
#include "fuzz/sweep.h"

#include "core/op/op_info.h"
#include "core/op/judge.h"

#include <stdlib.h>

struct snapshot {
	void *buf;
	size_t size, cap;
};

static int take(struct snapshot *snap, const struct run *r)
{
	void *buf;

	snap->size = run_save_size(r);
	if (snap->size > snap->cap) {
		buf = realloc(snap->buf, 2 * snap->size);
		if (!buf)
			return -ENOMEM;
		snap->buf = buf;
		snap->cap = 2 * snap->size;
	}
	run_save(r, snap->buf);
	return 0;
}

static void go_on(struct run *r, const struct program *p, size_t at, u32 tail)
{
	for (u32 n = 0; (!tail || n < tail) && run_step(r, p, &at); n++)
		;
	run_finish(r);
}

/* All the failures of the op at record @at, each from the same snapshot. */
static int sweep_op(struct run *r, const struct program *p, size_t at, u32 op,
		    const struct snapshot *snap, struct sweep *s)
{
	struct sweep_case c = {.op = op};
	size_t next;

	for (c.nth = 1;; c.nth++) {
		run_restore(r, snap->buf, snap->size);
		run_inject(r, op, FAULT_ANY, c.nth);
		next = at;
		if (!run_step(r, p, &next))
			return -ENOMEM;
		c.point = run_result(r, op)->fired;
		if (!c.point)
			return 0;
		run_check(r);
		go_on(r, p, next, s->tail);
		if (run_full(r))
			return -ENOMEM;
		s->cases++;
		if (judge_as_claimed(r))
			continue;
		s->bad++;
		if (s->on_bad)
			s->on_bad(s->ctx, r, &c);
	}
}

static bool wanted(const struct sweep *s, const struct op *op, u32 nr)
{
	return op_info(op->code)->fields & OPX_REQ && nr % max(s->every, 1u) == 0;
}

int sweep_run(struct run *r, const struct run_config *from, const struct program *p,
	      struct sweep *s)
{
	struct run_config cfg = *from;
	struct snapshot snap = {0};
	size_t at = 0, next;
	struct op_group g;
	u32 op = 0;
	int rc;

	cfg.check = RUN_CHECK_END;
	rc = run_reset(r, &cfg);
	for (; !rc && at < p->nr; at = next) {
		program_group(p, at, &g);
		next = g.next;
		if (!g.op)
			continue;
		op++;
		if (wanted(s, g.op, op)) {
			s->ops++;
			rc = take(&snap, r);
			if (!rc)
				rc = sweep_op(r, p, at, op, &snap, s);
			if (!rc)
				run_restore(r, snap.buf, snap.size);
		}
		next = at;
		if (!rc && !run_step(r, p, &next))
			rc = -ENOMEM;
	}
	free(snap.buf);
	return rc;
}
