// SPDX-License-Identifier: GPL-2.0-only
/* Growth of a time with n: one coefficient an order, by least squares. */
#include "bench/harness/harness_stats.h"

#include <errno.h>
#include <math.h>

static double grows(enum fit_order order, double n)
{
	switch (order) {
	case FIT_LOG_N:
		return log2(n);
	case FIT_N:
		return n;
	case FIT_N_LOG_N:
		return n * log2(n);
	case FIT_N2:
		return n * n;
	default:
		return 1;
	}
}

const char *fit_name(enum fit_order order)
{
	static const char *const name[FIT_ORDERS] = {"(1)", "lgN", "N", "NlgN", "N^2"};

	return name[order];
}

double fit_value(const struct fit *f, double n)
{
	return f->coefficient * grows(f->order, n);
}

int fit_one(enum fit_order order, const double *n, const double *time, size_t nr, struct fit *out)
{
	double tg = 0, gg = 0, sum = 0, left = 0;

	for (size_t i = 0; i < nr; i++) {
		double g = grows(order, n[i]);

		if (n[i] < 1)
			return -EINVAL;
		tg += time[i] * g;
		gg += g * g;
		sum += time[i];
	}
	if (nr < 2 || sum <= 0)
		return -EINVAL;
	*out = (struct fit){.order = order, .coefficient = gg > 0 ? tg / gg : 0};
	for (size_t i = 0; i < nr; i++)
		left += pow(time[i] - fit_value(out, n[i]), 2);
	out->rms = sqrt(left / nr) / (sum / nr);
	return 0;
}

int fit_best(const double *n, const double *time, size_t nr, struct fit *out)
{
	struct fit f;
	int rc;

	for (enum fit_order order = 0; order < FIT_ORDERS; order++) {
		rc = fit_one(order, n, time, nr, &f);
		if (rc)
			return rc;
		if (!order || f.rms < out->rms)
			*out = f;
	}
	return 0;
}
