/* SPDX-License-Identifier: GPL-2.0-only */
/* How the forms of backends are written (backend.h): small numbers in a byte, and counted past the end. */
#ifndef NOSNOOP_FORM_H
#define NOSNOOP_FORM_H

#include "core/op/backend.h"

struct form_writer {
	u8 *out;
	size_t room, nr; /* nr > room: it did not fit */
};

static inline void form_bytes(struct form_writer *w, const void *data, size_t len)
{
	if (w->nr + len <= w->room)
		memcpy(w->out + w->nr, data, len);
	w->nr += len;
}

/* Seven bits a byte, the last one without the top bit: one byte for all that is small. */
static inline void form_put(struct form_writer *w, u64 v)
{
	u8 byte;

	for (; v >= 0x80; v >>= 7) {
		byte = v | 0x80;
		form_bytes(w, &byte, 1);
	}
	byte = v;
	form_bytes(w, &byte, 1);
}

/* The number of the buffer that begins at @va; @order->nr_buffers: none of them. */
static inline u32 form_buffer(const struct form_order *order, u64 va)
{
	u32 i = 0;

	while (i < order->nr_buffers && order->va[i] != va)
		i++;
	return i;
}

#endif
