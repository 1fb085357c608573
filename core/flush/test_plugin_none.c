// SPDX-License-Identifier: GPL-2.0-only
/* Fixture: a shared object that is no policy. */
#include "core/flush/flush.h"

NOSNOOP_EXPORT int something_else(void);

int something_else(void)
{
	return 0;
}
