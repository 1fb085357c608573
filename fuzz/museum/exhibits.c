// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz/museum/exhibits.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int append(struct exhibits *x, const struct exhibit *e)
{
	struct exhibit *more;

	for (u32 i = 0; i < x->nr; i++)
		if (!strcmp(x->e[i].id, e->id))
			return 0;
	more = realloc(x->e, (x->nr + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	x->e = more;
	x->e[x->nr++] = *e;
	return 0;
}

static struct exhibit control(void)
{
	return (struct exhibit){.id = CONTROL_ID,
				.kind = "control",
				.rules = "",
				.where = "",
				.what = "nothing is wrong: no oracle may speak",
				.control = true,
				.code = true};
}

static struct exhibit of_mutant(u32 number)
{
	const struct museum_mutant *m = &museum_mutants[number - 1];
	struct exhibit e = {.kind = m->kind,
			    .rules = m->rules,
			    .where = m->where,
			    .what = m->what,
			    .state = m->state,
			    .code = m->edits,
			    .mutant = number};

	snprintf(e.id, sizeof(e.id), "%s", m->id);
	return e;
}

static bool unsound(const struct flush_policy *p)
{
	return (p->claims & CONTRACTS_SOUND) != CONTRACTS_SOUND;
}

static struct exhibit of_policy(const struct flush_policy *p)
{
	struct exhibit e = {.kind = "policy",
			    .rules = "L I S0 O U",
			    .where = "core/flush",
			    .what = p->what,
			    .code = true,
			    .policy = p};

	snprintf(e.id, sizeof(e.id), "p_%.40s", p->name);
	return e;
}

/* The n-th of all there is; false: past the end. */
static bool nth(u32 n, struct exhibit *e)
{
	if (!n) {
		*e = control();
		return true;
	}
	if (n <= museum_nr_mutants) {
		*e = of_mutant(n);
		return true;
	}
	n -= museum_nr_mutants + 1;
	for (u32 i = 0; i < flush_policy_count(); i++) {
		if (!unsound(flush_policy_nth(i)) || n--)
			continue;
		*e = of_policy(flush_policy_nth(i));
		return true;
	}
	return false;
}

static int add_one(struct exhibits *x, const char *name, char *err, size_t errlen)
{
	bool all = !strcmp(name, "all");
	struct exhibit e;
	u32 found = 0;
	int rc = 0;

	for (u32 n = 0; !rc && nth(n, &e); n++) {
		if (!all && strcmp(name, e.id))
			continue;
		/* What is not to be found would only wait for its limit. */
		if (all && e.state != MUSEUM_FOUND)
			e.code = false;
		rc = append(x, &e);
		found++;
	}
	if (found)
		return rc;
	snprintf(err, errlen,
		 "unknown mutant \"%s\": expected an id of --mutant list, none (the control), or "
		 "all",
		 name);
	return -EINVAL;
}

int exhibits_add(struct exhibits *x, const char *arg, char *err, size_t errlen)
{
	char *copy = strdup(arg), *name, *rest = copy;
	int rc = 0;

	if (!copy)
		return -ENOMEM;
	while (!rc && (name = strsep(&rest, ",")))
		rc = add_one(x, name, err, errlen);
	free(copy);
	return rc;
}

void exhibits_free(struct exhibits *x)
{
	free(x->e);
	*x = (struct exhibits){0};
}

const char *exhibit_state(const struct exhibit *e)
{
	static const char *const words[] = {"", "equivalent", "needs schedules",
					    "needs later layers"};

	return e->control ? "control" : words[e->state];
}

/* --- statistics -------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Between two neighbours where it does not fall on one. */
static double quantile(const double *v, u32 n, double q)
{
	double at = q * (n - 1), low = floor(at), part = at - low;
	u32 i = low;

	return part > 0 && v[i] < v[i + 1] ? v[i] + (v[i + 1] - v[i]) * part : v[i];
}

static struct spread spread_of(double *v, u32 n)
{
	qsort(v, n, sizeof(*v), compare);
	return (struct spread){v[0], quantile(v, n, 0.25), quantile(v, n, 0.5),
			       quantile(v, n, 0.75), v[n - 1]};
}

static void count_rule(struct summary *s, const char *rule)
{
	u32 i;

	for (i = 0; i < s->nr_rules && strcmp(s->rules[i].rule, rule); i++)
		;
	if (i == SUMMARY_RULES)
		return;
	if (i == s->nr_rules) {
		s->rules[i].rule = rule;
		s->rules[i].count = 0;
		s->nr_rules++;
	}
	s->rules[i].count++;
	for (; i && s->rules[i].count > s->rules[i - 1].count; i--) {
		__typeof__(s->rules[0]) other = s->rules[i - 1];

		s->rules[i - 1] = s->rules[i];
		s->rules[i] = other;
	}
}

int summarise(const struct trial *trials, u32 nr, struct summary *s)
{
	double *runs = calloc(2 * nr, sizeof(*runs)), *seconds = runs + nr;

	*s = (struct summary){.trials = nr};
	if (!runs)
		return -ENOMEM;
	for (u32 i = 0; i < nr; i++) {
		const struct trial *t = &trials[i];
		bool found = trial_detected(t);

		s->reached += t->counts.reached > 0;
		s->triggered += t->counts.triggered > 0;
		s->detected += found;
		s->errors += t->end == TRIAL_ERROR;
		runs[i] = found ? t->runs : INFINITY;
		seconds[i] = found ? t->seconds : INFINITY;
		if (found)
			count_rule(s, t->rule);
	}
	s->runs = spread_of(runs, nr);
	s->seconds = spread_of(seconds, nr);
	free(runs);
	return 0;
}

bool summary_good(const struct exhibit *e, const struct summary *s)
{
	if (s->errors)
		return false;
	if (e->control)
		return !s->detected;
	return !exhibit_wanted(e) || s->detected == s->trials;
}
