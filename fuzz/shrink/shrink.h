/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The smallest program on which the same rule fires. References become identities first, so that
 * an op can go without the others changing their meaning; then ddmin over ops; then every field
 * that is left becomes as plain as it can be; all that again until nothing changes. Deterministic;
 * shrinking what was shrunk changes nothing.
 */
#ifndef NOSNOOP_SHRINK_H
#define NOSNOOP_SHRINK_H

#include "fuzz/rule.h"

/* Does the program still do what it is kept for? Must depend on the program alone. */
typedef bool (*shrink_fires)(void *ctx, const struct program *p);

struct shrink_stats {
	u32 ops_before, ops_after;
	u32 requests_after; /* of these: not setting up (tables, buffers, accesses, limits) */
	u64 tries;	    /* how often it was asked */
	bool cut_short;	    /* SHRINK_TRIES were used up: it may be smaller still */
};

#define SHRINK_TRIES 100000

/*
 * EXPECT records and names are dropped. @stats may be NULL. 0; -ENOENT: it does not fire as it is,
 * then @p is as before; -ENOMEM.
 */
int shrink_program(struct program *p, shrink_fires fires, void *ctx, struct shrink_stats *stats);

/*
 * The predicate that everybody uses: rule @rule fires under policy @policy. @backend NULL: the
 * core. 0 or -ENOMEM.
 */
struct shrink_rule {
	struct run *run;
	struct run_config cfg;
	struct rule rule;
	void (*tried)(void *ctx, const struct program *p); /* after each run; may be NULL */
	void *tried_ctx;
};
int shrink_rule_open(struct shrink_rule *s, const struct backend_ops *backend,
		     const struct flush_policy *policy, const struct rule *rule);
bool shrink_rule_fires(void *ctx, const struct program *p); /* ctx: the struct shrink_rule */
/* shrink_program() with it; references are bound in runs of its backend and policy. */
int shrink_by_rule(struct program *p, struct shrink_rule *s, struct shrink_stats *stats);
void shrink_rule_close(struct shrink_rule *s);

/*
 * The predicate for what ends the process, by a signal or a sanitizer's exit, or does not end for
 * SHRINK_HANG_SECONDS: each try is a process. For shrink_program().
 */
#define SHRINK_HANG_SECONDS 10
struct shrink_crash {
	const struct backend_ops *backend; /* NULL: the core */
	const struct flush_policy *policy;
	bool hang;					   /* else a crash */
	void (*tried)(void *ctx, const struct program *p); /* may be NULL */
	void *tried_ctx;
};
bool shrink_crash_fires(void *ctx, const struct program *p); /* ctx: the struct shrink_crash */
/* Its signal; SIGALRM: it did not end; 0: it ended well. */
int shrink_crash_signal(const struct shrink_crash *c, const struct program *p);

#endif
