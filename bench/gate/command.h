/* SPDX-License-Identifier: GPL-2.0-only */
/* Other programs' output: git, scripts/gate-build.sh. No shell; standard error is the caller's. */
#ifndef NOSNOOP_GATE_COMMAND_H
#define NOSNOOP_GATE_COMMAND_H

#include "core/compat/compat.h"

/* The exit status, or a negative errno. *out: what it printed, to be freed; NULL on an errno. */
int gate_command(char *const argv[], bool quiet, char **out);
/* The checkout that this program belongs to, where scripts/gate-build.sh is: above the executable,
 * or the current folder. free() it; NULL: there is none. */
char *gate_top(void);

#endif
