// SPDX-License-Identifier: GPL-2.0-only
/* No engine listens. */
#include "fuzz/engine/feedback.h"

void fb_hit(void *ctx, u32 slot)
{
}
