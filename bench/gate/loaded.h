/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Gate modules and policy plug-ins as files and as loaded objects. A module is loaded from a copy of
 * its own: two of the same build are two objects then, with code at addresses of their own.
 */
#ifndef NOSNOOP_GATE_LOADED_H
#define NOSNOOP_GATE_LOADED_H

#include "bench/gate/module.h"
#include "core/compat/compat.h"

enum gate_so { GATE_SO_MODULE, GATE_SO_POLICY };

/*
 * Loads it in a process of its own, and ends that: a constructor that hangs or crashes is bad input. 0;
 * what cannot be loaded at all is 0, too, and said by who loads it; -ELIBBAD with a line in @err.
 */
int gate_try_load(const char *path, char *err, size_t errlen);
/* What the shared object at @path is. -EINVAL with a line in @err: neither; or another errno. */
int gate_so_kind(const char *path, enum gate_so *out, char *err, size_t errlen);
/* 0, or -EPROTO with a line in @err: a table of another ABI or of other sizes. */
int gate_module_check(const struct gate_module *m, const char *path, char *err, size_t errlen);
/* NULL with a line in @err. The object stays loaded until the process ends. */
const struct gate_module *gate_load(const char *path, char *err, size_t errlen);
/* A file of its own with the bytes of @path: @folder/@name. 0, or a negative errno with a line. */
int gate_copy(const char *path, const char *folder, const char *name, char *err, size_t errlen);
/* Are the two files the same bytes? Negative errno: one cannot be read. */
int gate_same_file(const char *a, const char *b);

#endif
