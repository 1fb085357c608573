/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * States reached, told to the engine that runs the fuzz target: one call, and the back end is chosen
 * by what is linked: feedback_libfuzzer.c, feedback_afl.c, feedback_switch.c for any engine that
 * follows edges, feedback_none.c for comparison, feedback_collect.c
 * without an engine.
 */
#ifndef NOSNOOP_FEEDBACK_H
#define NOSNOOP_FEEDBACK_H

#include "core/compat/compat.h"

void fb_hit(void *ctx, u32 slot); /* a coverage_hit; ctx is not used */
extern const bool fb_listens;	  /* false: it is not worth looking for states */

/* With feedback_collect.c only: which slots were hit since the last call, as a digest; their number. */
u64 fb_collected(u32 *nr);

#endif
