// SPDX-License-Identifier: GPL-2.0-only
#include "core/compat/fault.h"

static const struct {
	const char *name;
	int err;
} points[FAULT_NR] = {
#define X(id, name, err) [FAULT_##id] = {name, err},
	FAULT_POINTS(X)
#undef X
};

void fault_arm(struct fault *f, enum fault_point point, u32 nth)
{
	*f = (struct fault){.nth = nth, .point = point};
}

void fault_disarm(struct fault *f)
{
	f->nth = 0;
}

bool fault_hit(struct fault *f, enum fault_point point)
{
	if (f->point != FAULT_ANY && f->point != point)
		return false;
	if (++f->seen != f->nth)
		return false;
	f->fired = point;
	return true;
}

int fault_errno(enum fault_point point)
{
	return -points[point].err;
}

const char *fault_name(enum fault_point point)
{
	return points[point].name;
}

int fault_by_name(const char *name)
{
	for (int i = 0; i < FAULT_NR; i++)
		if (!strcmp(points[i].name, name))
			return i;
	return -1;
}
