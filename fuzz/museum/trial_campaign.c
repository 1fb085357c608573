// SPDX-License-Identifier: GPL-2.0-only
/* A trial by the engine of nosnoop-fuzz, as that drives it. */
#include "fuzz/campaign/campaign.h"
#include "fuzz/museum/trial.h"

#include <stdio.h>

static void on_running(void *ctx, const struct program *p, const struct flush_policy *policy)
{
	struct trial *t = ctx;

	t->runs++;
	t->ops = program_nr_ops(p);
	snprintf(t->policy, sizeof(t->policy), "%s", policy->name);
}

/* A step may go on after the first finding, under other policies: that one counts. */
static bool on_found(void *ctx, const struct campaign_finding *f)
{
	struct trial *t = ctx;

	if (t->end == TRIAL_RULE)
		return true;
	t->end = TRIAL_RULE;
	t->op = rule_op(f->run, &f->rule);
	snprintf(t->rule, sizeof(t->rule), "%s", f->rule.name);
	snprintf(t->what, sizeof(t->what), "run %llu of the campaign",
		 (unsigned long long)f->run_number);
	return true;
}

static struct campaign *create(struct trial *t, const struct exhibit *e,
			       const struct policies *sound, bool blind)
{
	struct campaign_config cfg;

	campaign_defaults(&cfg);
	cfg.policies = e->policy ? &e->policy : sound->policy;
	cfg.nr_policies = e->policy ? 1 : sound->nr;
	cfg.contracts = e->policy ? CONTRACTS_SOUND : 0;
	cfg.seed = t->seed;
	cfg.blind = blind;
	cfg.ctx = t;
	cfg.found = on_found;
	cfg.running = on_running;
	return campaign_create(&cfg);
}

void trial_campaign(struct trial *t, const struct exhibit *e, const struct policies *sound,
		    const struct limits *limits)
{
	double start = trial_cpu_seconds();
	struct campaign *c = create(t, e, sound, limits->engine == ENGINE_BLIND);
	int rc = c ? 0 : -errno;

	while (!rc && t->end != TRIAL_RULE) {
		rc = campaign_step(c);
		if (t->end == TRIAL_RULE || !trial_over(t, start, limits))
			continue;
		t->end = TRIAL_MISSED;
		break;
	}
	if (rc) {
		t->end = TRIAL_ERROR;
		snprintf(t->what, sizeof(t->what), "the campaign ended: %s", strerror(-rc));
	}
	t->seconds = trial_cpu_seconds() - start;
	if (e->policy) {
		t->counts.reached = t->runs;
		t->counts.triggered = t->end == TRIAL_RULE;
	}
	if (c)
		campaign_destroy(c);
}
