/* SPDX-License-Identifier: GPL-2.0-only */
/* Which commit the sources are of that a folder lies in: for reports and findings. */
#ifndef NOSNOOP_COMMIT_H
#define NOSNOOP_COMMIT_H

#include "core/compat/compat.h"

#define COMMIT_TEXT 80

/* As git says; false: it cannot be found out (no git, no checkout). */
bool commit_head(const char *folder, char hash[COMMIT_TEXT]);
bool commit_changed(const char *folder, bool *changed); /* do files differ from that commit? */

/*
 * Of the checkout that the running executable lies in: "<hash>", "<hash>, changed" or "n/a". Starts
 * processes: once, not per finding.
 */
void commit_here(char text[COMMIT_TEXT]);

#endif
