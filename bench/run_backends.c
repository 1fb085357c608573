// SPDX-License-Identifier: GPL-2.0-only
/* nosnoop-bench run --backend: which backends, which rows, where the tables go. */
#include "bench/run_args.h"

#include <stdlib.h>
#include <time.h>

#include "bench/costs_out.h"
#include "bench/options.h"
#include "bench/output.h"
#include "bench/progress.h"
#include "bench/results.h"
#include "core/op/backends.h"

#define ROWS_MAX 16

struct job {
	const struct run_args *args;
	char *names; /* of the backends, cut at commas */
	struct cost_player player[STAGE_BACKENDS_MAX];
	u32 nr_players;
	struct policies policies; /* of core */
	struct counter_choice choice;
	struct counters counters;
	struct output out;
	struct costs_row row[ROWS_MAX];
	u32 nr_rows;
};

static int add_player(struct job *j, const char *name, char *err, size_t errlen)
{
	struct cost_player *p = &j->player[j->nr_players];
	struct policies own = {0};

	if (j->nr_players == STAGE_BACKENDS_MAX) {
		snprintf(err, errlen, "--backend: expected at most %d backends",
			 STAGE_BACKENDS_MAX);
		return -E2BIG;
	}
	*p = (struct cost_player){.name = name, .ops = backends_open_timed(name, err, errlen)};
	if (!p->ops)
		return -ENOENT;
	j->nr_players++;
	/* --policy is core's; a tree has its own. */
	if (backends_policies(p->ops, &own, err, errlen))
		return -EINVAL;
	p->policy = own.nr ? own.policy[0] : j->policies.policy[0];
	return 0;
}

static int add_players(struct job *j, char *err, size_t errlen)
{
	char *rest, *name;
	int rc = 0;

	j->names = strdup(j->args->backends);
	if (!j->names)
		return -ENOMEM;
	for (name = strtok_r(j->names, ",", &rest); !rc && name; name = strtok_r(NULL, ",", &rest))
		rc = add_player(j, name, err, errlen);
	if (!rc && !j->nr_players) {
		snprintf(err, errlen, "--backend: expected names, as core,linux");
		rc = -EINVAL;
	}
	return rc;
}

static int check_policy(struct job *j, char *err, size_t errlen)
{
	const char *name = j->args->policy;
	int rc = policies_add(&j->policies, name ? name : "none", err, errlen);

	if (!rc && j->policies.nr != 1) {
		snprintf(err, errlen, "--policy: expected one policy");
		rc = -EINVAL;
	}
	return rc;
}

/* A policy that nobody runs would be taken for one that was priced. */
static int check_core(const struct job *j, char *err, size_t errlen)
{
	if (!j->args->policy)
		return 0;
	for (u32 i = 0; i < j->nr_players; i++)
		if (j->player[i].ops == &backend_core)
			return 0;
	snprintf(err, errlen, "--policy %s: is core's, and core is not among the backends",
		 j->args->policy);
	return -EINVAL;
}

static int prepare(struct job *j, char *err, size_t errlen)
{
	int rc = counter_choose(&j->choice, j->args->counters, "", err, errlen);

	if (!rc)
		rc = check_policy(j, err, errlen);
	if (!rc)
		rc = add_players(j, err, errlen);
	if (!rc)
		rc = check_core(j, err, errlen);
	if (!rc && j->args->out)
		rc = output_open(&j->out, j->args->out, err, errlen);
	return rc;
}

static int measure(struct job *j, const struct run_layout *layout, u32 domains)
{
	struct costs_row *row = &j->row[j->nr_rows++];
	int rc;

	row->opt = (struct costs_options){
		.layout = layout,
		.domains = domains,
		.reps = j->args->reps,
		.size = j->args->size,
		.seed = j->args->seed,
		.nr_players = j->nr_players,
		.counters = &j->counters,
	};
	memcpy(row->opt.player, j->player, sizeof(j->player));
	progress(progress_wanted(), "%s, %u domains", layout->name, domains);
	rc = costs_measure(&row->opt, &row->costs);
	progress_end(progress_wanted());
	if (rc)
		fprintf(stderr, "nosnoop-bench: %s: %s\n", layout->name, strerror(-rc));
	return rc;
}

static int measure_all(struct job *j)
{
	static const u32 both[] = {1, 4};
	const struct run_args *a = j->args;
	int rc = 0;

	for (u32 i = 0; !rc && run_layout(i); i++) {
		if (strcmp(a->workload, "all") && strcmp(a->workload, run_layout(i)->name))
			continue;
		for (u32 k = 0; !rc && k < (a->domains ? 1 : ARRAY_SIZE(both)); k++)
			rc = measure(j, run_layout(i), a->domains ? a->domains : both[k]);
	}
	return rc;
}

static int save(struct job *j, const json_t *costs, const char *text, char *err, size_t errlen)
{
	json_t *meta = meta_machine(&j->counters, ".", time(NULL), j->args->command);
	struct output_file files[] = {
		{.name = "costs.txt", .data = text, .size = strlen(text)},
		{.name = "costs.json", .data = json_dumps(costs, JSON_INDENT(1))},
		{.name = "meta.json", .data = json_dumps(meta, JSON_INDENT(1))},
	};
	int rc = -ENOMEM;

	if (files[1].data && files[2].data) {
		files[1].size = strlen(files[1].data);
		files[2].size = strlen(files[2].data);
		rc = output_write(&j->out, files, ARRAY_SIZE(files), err, errlen);
	}
	free((char *)files[1].data);
	free((char *)files[2].data);
	json_decref(meta);
	return rc;
}

/* @text: NULL, no memory. */
static char *tables(const struct job *j, const char *why)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	if (j->args->command)
		fprintf(f, "nosnoop-bench run %s\n\n", j->args->command);
	costs_print(f, j->row, j->nr_rows, why);
	fclose(f);
	return text;
}

static int present(struct job *j, char *err, size_t errlen)
{
	const char *why = counter_why_not(&j->counters, COUNTER_INSTRUCTIONS);
	json_t *json = costs_json(j->row, j->nr_rows, why);
	char *text = tables(j, why);
	int rc = json && text ? 0 : -ENOMEM;

	snprintf(err, errlen, "%s", strerror(ENOMEM));
	if (!rc && j->args->out)
		rc = save(j, json, text, err, errlen);
	if (!rc && j->args->json) {
		json_dumpf(json, stdout, JSON_INDENT(1));
		putchar('\n');
	} else if (!rc) {
		fputs(text, stdout);
	}
	free(text);
	json_decref(json);
	return rc;
}

static void finish(struct job *j)
{
	for (u32 i = 0; i < j->nr_players; i++)
		backends_close(j->player[i].ops);
	if (j->counters.source)
		counters_close(&j->counters);
	counter_choice_free(&j->choice);
	policies_close(&j->policies);
	output_close(&j->out);
	free(j->names);
	free(j);
}

int run_backends(const struct run_args *args)
{
	struct job *j = calloc(1, sizeof(*j));
	char err[2048] = "out of memory";
	int rc;

	if (!j)
		return 1;
	j->args = args;
	if (prepare(j, err, sizeof(err))) {
		finish(j);
		return option_bad(err);
	}
	counters_open(&j->counters, j->choice.source, &j->choice.list);
	rc = measure_all(j);
	if (!rc) {
		rc = present(j, err, sizeof(err));
		if (rc)
			fprintf(stderr, "nosnoop-bench: %s\n", err);
	}
	finish(j);
	return rc ? 1 : 0;
}
