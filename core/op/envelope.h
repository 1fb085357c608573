/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The checks of the ioctl layer that look at nothing but the request, in the order of the errno
 * tables: some come before the id is looked up, some after. Shared by the backends; the page core
 * begins where these end.
 */
#ifndef NOSNOOP_ENVELOPE_H
#define NOSNOOP_ENVELOPE_H

#include "core/machine/request.h"

#define ENVELOPE_TEST_LENGTH_MAX (16UL << 20) /* of pin and rw, which are selftest ops */

int envelope_before_id(const struct request *req); /* 0 or negative errno */
int envelope_after_id(const struct request *req);

static inline bool envelope_unmap_is_all(const struct request *req)
{
	return !req->iova && req->length == UINT64_MAX;
}

#endif
