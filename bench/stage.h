/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the page core is timed alone: a machine without observer and without memory, one buffer,
 * some NC domains, and a table of each backend that comes on stage. Backends may share a stage, that
 * is the machine, the buffer and the domains: each leaves them as it found them.
 */
#ifndef NOSNOOP_BENCH_STAGE_H
#define NOSNOOP_BENCH_STAGE_H

#include "core/op/backend.h"

#define STAGE_CHURN	   1024 /* pairs of a pass: well above the clock's step */
#define STAGE_DOMAINS_MAX  64
#define STAGE_BACKENDS_MAX 4

struct run_layout {
	const char *name, *what;
	u64 run;	   /* pages of a physical run; 0: all in one */
	bool churn;	   /* one page at a time instead of everything at once */
	double aim1, aim4; /* ns with one and with four domains; 0: none set */
};
const struct run_layout *run_layout(u32 i); /* NULL: past the end */

struct stage {
	const struct run_layout *layout;
	struct arena *arena;
	struct machine *machine;
	struct buffer *buffer;
	u64 pages;
	u32 nr_domains;
	struct domain *domains[STAGE_DOMAINS_MAX];
	struct backend *backends[STAGE_BACKENDS_MAX];
	u32 nr_backends;
};

/* The parts of a pass; churn has one, everything is in the first. */
enum stage_part { STAGE_MAP, STAGE_UNMAP, STAGE_PARTS };

/* @size: bytes of the buffer, unless churn. 0, or a negative errno; destroy it either way. */
int stage_create(struct stage *s, const struct run_layout *layout, u64 size, u32 domains);
/* A table of this backend with all domains of the stage. */
int stage_enter(struct stage *s, const struct backend_ops *ops, const struct flush_policy *policy,
		struct backend **out);
void stage_destroy(struct stage *s);

/* Pages of a pass, or pairs. */
u64 stage_pages(const struct stage *s);
u32 stage_parts(const struct stage *s);
int stage_requests(struct stage *s, struct backend *b, enum stage_part part);

#endif
