/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the commands here share: their exit statuses, how one ends early, how numbers among its
 * options are read. Every command defines argp_program_version, which names it.
 */
#ifndef NOSNOOP_FUZZ_COMMAND_H
#define NOSNOOP_FUZZ_COMMAND_H

#include <argp.h>

#include "core/op/backends.h"

#define EXIT_NO	   1 /* what was asked for did not hold; each command says what that means */
#define EXIT_INPUT 2
#define EXIT_DISK  3 /* something could not be written; findings are on standard output then */

/* Of --backend or --diff @arg: core/op/backends.h; anything else is bad_input(). */
const struct backend_ops *command_backend(const char *arg);
/* A command that replays on @backend beside @twin, in @buf: "nosnoop-replay --backend linux". */
const char *command_replay(const char *backend_arg, const struct backend_ops *twin, char *buf,
			   size_t len);

/* "nosnoop-fuzz: ..." on standard error, a line, after what standard output holds; then exit. */
void command_stop(int status, const char *fmt, ...) __attribute__((noreturn)) __printf(2, 3);
#define bad_input(...) command_stop(EXIT_INPUT, __VA_ARGS__)

/* argp_parse(), with EXIT_INPUT on bad usage. */
void command_parse(const struct argp *argp, int argc, char **argv, unsigned int flags, void *input);

/* Of --@option @arg, decimal, 0x.. or 0..; anything else is bad_input(). */
u64 command_number(const char *option, const char *arg, u64 least, u64 most);
/* Above 0 and at most @most. */
double command_seconds(const char *option, const char *arg, double most);
/* Bytes, or with K, M, G, T, which may have a fraction (1.5G). */
u64 command_size(const char *option, const char *arg, u64 least, u64 most);

/*
 * --out @path: there, or made now, before the work. A full disk is no reason to end: what is written
 * into the folder will say so, with its text.
 */
void command_folder(const char *path);

#endif
