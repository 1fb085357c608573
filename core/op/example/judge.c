// SPDX-License-Identifier: GPL-2.0-only
/*
 * The judges from a program of one's own: a trace under one policy, and what they say. Built outside of the tree by
 * cc judge.c $(pkg-config --cflags --libs nosnoop)
 */
#include <stdio.h>

#include "core/op/backends.h"
#include "core/op/judge.h"

static void print_verdict(const struct verdict *v)
{
	printf("%s: %s, %llu flushes, bound %llu, broken:", v->policy->name,
	       v->outcome == JUDGE_GOOD ? "good" : "bad", (unsigned long long)v->flushes,
	       (unsigned long long)v->bound);
	for (u32 c = 0; c < SHADOW_CONTRACTS; c++)
		if (v->contract[c].broken)
			printf(" %s (op %u)", contract_name(c), v->contract[c].op);
	putchar('\n');
}

/* 0, or 1 with one line told. */
static int judge_trace(const struct flush_policy *policy, const struct backend_ops *backend,
		       const struct trace *trace)
{
	struct run_config cfg;
	struct verdict v;
	struct run *run;
	int rc;

	judge_config(&cfg, backend, policy);
	run = run_create(&cfg);
	if (!run) {
		perror("run_create");
		return 1;
	}
	rc = run_program(run, &trace->program);
	if (rc)
		fprintf(stderr, "%s: an arena is full: nothing can be said\n", trace->path);
	else
		judge(run, &trace->program, &v);
	run_destroy(run);
	if (rc)
		return 1;
	print_verdict(&v);
	return v.outcome != JUDGE_GOOD;
}

int main(int argc, char **argv)
{
	struct policies policies = {0};
	const struct backend_ops *backend;
	struct trace trace;
	char err[4096];
	int rc = 2;

	if (argc != 3) {
		fprintf(stderr, "usage: judge POLICY TRACE, POLICY a name or ./mine.so\n");
		return rc;
	}
	backend = backends_open("core", err, sizeof(err));
	if (!backend || policies_add(&policies, argv[1], err, sizeof(err)) ||
	    trace_load(&trace, argv[2], err, sizeof(err))) {
		fprintf(stderr, "%s\n", err);
		goto err_close;
	}
	rc = judge_trace(policies.policy[0], backend, &trace);
	trace_free(&trace);
err_close:
	policies_close(&policies);
	return rc;
}
