// SPDX-License-Identifier: GPL-2.0-only
/*
 * What policies may differ in is how often they clean. Not in what a request comes to, and not in
 * what the CPU and devices read where no race decides: reads.h says what that is, and why it follows
 * from the contracts L and S0. No oracle is asked; this one judges them. An injected failure may
 * meet another place under another policy (each allocates for itself): if the two come apart at an
 * op where one fired, nothing behind it is compared.
 */
#include "fuzz/engine/reads.h"
#include "fuzz/engine/target.h"

#include <stdio.h>
#include <stdlib.h>

const struct target fuzz_target = {
	.name = "plugin-diff",
	.doc = "A program in binary form runs under two policies (FUZZ_POLICY: A,B, names or "
	       "./mine.so; eager,exact), and requests, the CPU and devices must come to the same.",
	.policies = "eager,exact",
	.backend = "core",
};

struct side {
	const struct flush_policy *policy;
	struct reads reads;
	struct run_result *results;
	u32 nr, cap;
};

static void event(void *ctx, u32 op, const struct machine_event *ev)
{
	struct side *s = ctx;

	reads_event(&s->reads, run_machine(target_the_run()), op, ev);
}

static void keep_results(struct side *s, const struct run *r)
{
	s->nr = run_ops(r);
	if (s->nr > s->cap) {
		s->cap = 2 * s->nr;
		s->results = realloc(s->results, s->cap * sizeof(*s->results));
		if (!s->results)
			exit(2);
	}
	for (u32 op = 1; op <= s->nr; op++)
		s->results[op - 1] = *run_result(r, op);
}

static void run_side(struct side *s, const struct program *p)
{
	struct run_config cfg;
	const struct run *r;

	target_config(&cfg, target_backend(), s->policy);
	cfg.ctx = s;
	cfg.event = event;
	reads_clear(&s->reads);
	r = target_run(&cfg, p);
	target_judge(r, 0);
	keep_results(s, r);
}

static void compare(const struct side *a, const struct side *b, const struct program *p)
{
	for (u32 op = 1; op <= a->nr && op <= b->nr; op++) {
		const struct run_result *x = &a->results[op - 1], *y = &b->results[op - 1];
		bool same = x->rc == y->rc && x->noop == y->noop && (x->rc || x->out == y->out);

		if (!same && (x->fired || y->fired))
			return;
		if (!same)
			target_found("DIFF", b->policy, p, "op %u: %d under %s, %d under %s", op,
				     x->rc, a->policy->name, y->rc, b->policy->name);
		if (reads_of_op(&a->reads, op) != reads_of_op(&b->reads, op))
			target_found("DIFF", b->policy, p,
				     "op %u: other bytes under %s than under %s", op,
				     a->policy->name, b->policy->name);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct side side[2];
	const struct policies *policies = target_policies();
	const struct program *p = target_program(data, size);

	if (policies->nr != 2) {
		fprintf(stderr, "FUZZ_POLICY: %u policies, expected two\n", policies->nr);
		exit(2);
	}
	for (u32 i = 0; i < 2; i++) {
		side[i].policy = policies->policy[i];
		run_side(&side[i], p);
	}
	if (!side[0].reads.full && !side[1].reads.full)
		compare(&side[0], &side[1], p);
	return 0;
}
