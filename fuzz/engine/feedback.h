/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * States reached, told to the engine that runs the fuzz target: one call, and the back end is chosen
 * by what is linked (feedback_none.c, feedback_libfuzzer.c, feedback_afl.c).
 */
#ifndef NOSNOOP_FEEDBACK_H
#define NOSNOOP_FEEDBACK_H

#include "core/compat/compat.h"

void fb_hit(void *ctx, u32 slot); /* a coverage_hit; ctx is not used */

#endif
