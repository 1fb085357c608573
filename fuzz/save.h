/* SPDX-License-Identifier: GPL-2.0-only */
/* A file that is there whole or not at all: written beside its name, then renamed. */
#ifndef NOSNOOP_SAVE_H
#define NOSNOOP_SAVE_H

#include "core/compat/compat.h"

/*
 * 0, or a negative errno with one line in @err ("PATH: No space left on device, ..."); what stood at
 * @path is as it was then. A name that is there and no regular file (/dev/stdout, a pipe) is written
 * to as it is.
 */
int save_file(const char *path, const void *data, size_t size, char *err, size_t errlen);
/* The same for one of thousands: after a power cut it may be empty. */
int save_many(const char *path, const void *data, size_t size, char *err, size_t errlen);

#endif
