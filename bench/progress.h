/* SPDX-License-Identifier: GPL-2.0-only */
/* One line on the terminal that is written over; nothing where nobody looks. */
#ifndef NOSNOOP_BENCH_PROGRESS_H
#define NOSNOOP_BENCH_PROGRESS_H

#include "core/compat/compat.h"

bool progress_wanted(void); /* standard error is a terminal */
__printf(2, 3) void progress(bool on, const char *fmt, ...);
void progress_end(bool on);

#endif
