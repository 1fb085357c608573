/* SPDX-License-Identifier: GPL-2.0-only */
/* A dictionary for engines (-dict= of libFuzzer, -x of AFL++), made by the product itself. */
#ifndef NOSNOOP_ENGINE_DICTIONARY_H
#define NOSNOOP_ENGINE_DICTIONARY_H

#include "fuzz/engine/replay.h"

#define DICTIONARY_TOKENS \
	160 /* with those that AFL++ finds by itself below 256, where it begins to draw lots */

/*
 * Of a target of texts: the words that the printer knows, whatever the inputs are. Of another: the
 * normalised records of the inputs, the most frequent first, at most DICTIONARY_TOKENS. Returns 0 or
 * -ENOMEM.
 */
int dictionary_write(const struct inputs *all, FILE *out);

#endif
