/* SPDX-License-Identifier: GPL-2.0-only */
/* In a worker: the loaded modules, the memory that they all are given in turn, and their times. */
#ifndef NOSNOOP_GATE_ARMS_H
#define NOSNOOP_GATE_ARMS_H

#include "bench/gate/worker.h"

struct gate_arms {
	u32 nr;
	const struct gate_module *module[GATE_ARMS];
	struct gate_session *session[GATE_ARMS];
	void *arena, *side, *memory;
};

/* 0, or a negative errno with a line in @err. What is loaded stays until the process ends. */
int gate_arms_load(struct gate_arms *a, const struct gate_job *job, char *err, size_t errlen);
int gate_arms_open(struct gate_arms *a, const struct gate_job *job, const char *text, char *err,
		   size_t errlen);
void gate_arms_close(struct gate_arms *a);
/* One run of an arm, from begin to end; *ns (NULL: not timed): of its execution alone. */
int gate_arm_run(struct gate_arms *a, u32 arm, double *ns);
/* Fills in out->pairs. */
int gate_arms_time(struct gate_arms *a, const struct gate_job *job, struct gate_worked *out);

#endif
