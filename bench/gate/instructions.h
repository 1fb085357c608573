/* SPDX-License-Identifier: GPL-2.0-only */
/* Instructions of a run of each workload, base and candidate, by valgrind's callgrind: exact. */
#ifndef NOSNOOP_GATE_INSTRUCTIONS_H
#define NOSNOOP_GATE_INSTRUCTIONS_H

#include "bench/gate/worker.h"

#define GATE_INSTRUCTIONS_EFFECT 0.005 /* more than this is a regression */

bool gate_have_valgrind(void);
/*
 * @job: two arms. Fills in @out, a pair a workload of the job. @folder: for callgrind's files. 0, or a
 * negative errno with a line in @err.
 */
int gate_instructions(struct gate_job *job, const char *folder, u64 (*out)[2], char *err,
		      size_t errlen);

#endif
