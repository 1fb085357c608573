/* SPDX-License-Identifier: GPL-2.0-only */
/* The rows of the museum, and what the trials of one came to. */
#ifndef NOSNOOP_MUSEUM_EXHIBITS_H
#define NOSNOOP_MUSEUM_EXHIBITS_H

#include "fuzz/museum/trial.h"

#define CONTROL_ID "none"

struct exhibits {
	struct exhibit *e;
	u32 nr;
};

/*
 * Adds what @arg names: an id, several with commas, none (the control), or all: the control and all
 * that there is; what is not to be found is listed then, but tried only where it is named before. 0,
 * -ENOMEM, or -EINVAL with a line for people in @err.
 */
int exhibits_add(struct exhibits *x, const char *arg, char *err, size_t errlen);
void exhibits_free(struct exhibits *x);
const char *exhibit_state(const struct exhibit *e);
/* Must it be found in every trial. */
static inline bool exhibit_wanted(const struct exhibit *e)
{
	return !e->control && e->state == MUSEUM_FOUND;
}

/* A trial that found nothing counts as greater than all others: INFINITY. */
struct spread {
	double min, q1, median, q3, max;
};

#define SUMMARY_RULES 8

struct summary {
	u32 trials, reached, triggered, detected, errors;
	struct spread runs, seconds;
	u32 nr_rules; /* the most frequent ones, in that order */
	struct {
		const char *rule;
		u32 count;
	} rules[SUMMARY_RULES];
};

/* -ENOMEM or 0. */
int summarise(const struct trial *trials, u32 nr, struct summary *s);
/* Is all as it should be: found if wanted, silent if it is the control. */
bool summary_good(const struct exhibit *e, const struct summary *s);

#endif
