// SPDX-License-Identifier: GPL-2.0-only
/* nosnoop-museum: are known mistakes found again, how surely and how soon? */
#include "fuzz/command.h"
#include "fuzz/museum/report.h"
#include "fuzz/save.h"

#include <stdlib.h>
#include <unistd.h>

NOSNOOP_EXPORT const char *argp_program_version = "nosnoop-museum " NOSNOOP_VERSION;

struct museum {
	struct exhibits exhibits;
	struct policies sound;
	struct limits limits;
	u32 nr_trials, jobs;
	u64 seed;
	const char *out;
	bool json, list, progress;
	u32 done, todo;
	struct trial *trials;
	struct summary *summaries;
};

static const struct argp_option options[] = {
	{"mutant", 'm', "M", 0,
	 "Mutant, several with commas, none (the control), all, or list: print them (all; what "
	 "needs schedules is tried only by name)",
	 0},
	{"trials", 't', "N", 0, "Trials for each, each with a seed of its own (10)", 0},
	{"seconds", 's', "S", 0, "CPU seconds after which a trial gives up (30)", 0},
	{"runs", 'r', "N", 0, "Programs after which a trial gives up (0: no limit but --seconds)",
	 0},
	{"seed", 'S', "N", 0, "Seed (1): the same seed makes the same programs", 0},
	{"jobs", 'J', "N", 0, "Trials at a time (1)", 0},
	{"engine", 'e', "E", 0,
	 "Where programs come from: generator; campaign, which is nosnoop-fuzz's; or blind, the "
	 "same "
	 "without listening to states (generator)",
	 0},
	{"policy", 'p', "P", 0,
	 "Policies that take turns, as of nosnoop-replay; each is held to its claims (sound)", 0},
	{"json", 'j', NULL, 0, "Print JSON instead of the table", 1},
	{"out", 'o', "FILE", 0, "Also write the JSON to FILE, when it is complete", 1},
	{0}};

static void parse_mutant(struct museum *m, const char *arg)
{
	char err[256];
	int rc;

	if (!strcmp(arg, "list")) {
		m->list = true;
		return;
	}
	rc = exhibits_add(&m->exhibits, arg, err, sizeof(err));
	if (rc)
		bad_input("--mutant: %s", rc == -EINVAL ? err : "out of memory");
}

static void parse_engine(struct museum *m, const char *arg)
{
	for (u32 i = 0; i < ENGINE_NR; i++) {
		if (strcmp(arg, engine_name[i]))
			continue;
		m->limits.engine = i;
		return;
	}
	bad_input("--engine %s: expected generator, campaign or blind", arg);
}

static void parse_policy(struct museum *m, const char *arg)
{
	char err[4096];

	if (policies_add(&m->sound, arg, err, sizeof(err)))
		bad_input("--policy: %s", err);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct museum *m = state->input;

	switch (key) {
	case 'm':
		parse_mutant(m, arg);
		return 0;
	case 't':
		m->nr_trials = command_number("trials", arg, 1, 10000);
		return 0;
	case 's':
		m->limits.seconds = command_seconds("seconds", arg, 1e6);
		return 0;
	case 'r':
		m->limits.runs = command_number("runs", arg, 0, INT64_MAX);
		return 0;
	case 'S':
		m->seed = command_number("seed", arg, 0, INT64_MAX);
		return 0;
	case 'J':
		m->jobs = command_number("jobs", arg, 1, 256);
		return 0;
	case 'e':
		parse_engine(m, arg);
		return 0;
	case 'p':
		parse_policy(m, arg);
		return 0;
	case 'j':
		m->json = true;
		return 0;
	case 'o':
		m->out = arg;
		return 0;
	case ARGP_KEY_ARG:
		bad_input("\"%s\": expected options only; mutants are named by --mutant", arg);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.doc = "Rediscovery of known mistakes: generated programs run on a core with one mutant "
	       "switched on, until an oracle speaks. No program is written for a mutant.\v"
	       "Reached: the mutated place was executed; triggered: it did something else than the "
	       "original; found: an oracle's rule or a claimed contract fired (SIG..: it crashed; "
	       "hang: it did not end). The entries p_.. are unsound policies, held to "
	       "soundness; reached: a page was exposed, triggered: a contract of soundness was "
	       "broken. Two files of --out are compared by scripts/museum_compare.py "
	       "(Mann-Whitney, A12), which is a script of its own because it wants scipy.\n\n"
	       "Exit: 0 all that is to be found was found in every trial, and the control was "
	       "silent; 1 not so; 2 bad input; 3 FILE could not be written.",
};

/* --- the work ---------------------------------------------------------------- */

static void on_done(void *ctx, const struct exhibit *e, const struct trial *t)
{
	struct museum *m = ctx;

	m->done++;
	if (!m->progress)
		return;
	fprintf(stderr, "\r\033[K[%u/%u] %s: %s after %llu programs", m->done, m->todo, e->id,
		trial_detected(t) ? t->rule : "nothing", (unsigned long long)t->runs);
	fflush(stderr);
}

static void run_all(struct museum *m)
{
	u32 n = m->exhibits.nr * m->nr_trials;
	int rc;

	m->trials = trials_alloc(n);
	m->summaries = calloc(m->exhibits.nr, sizeof(*m->summaries));
	if (!m->trials || !m->summaries)
		bad_input("out of memory for %u trials", n);
	for (u32 i = 0; i < n; i++) {
		m->trials[i].seed = trial_seed(m->seed, i % m->nr_trials);
		m->todo += m->exhibits.e[i / m->nr_trials].code;
	}
	rc = trials_run(m->trials, m->exhibits.e, m->exhibits.nr, m->nr_trials, &m->sound,
			&m->limits, m->jobs, on_done, m);
	if (m->progress)
		fprintf(stderr, "\r\033[K");
	if (rc)
		bad_input("cannot start a trial: %s", strerror(-rc));
	for (u32 i = 0; i < m->exhibits.nr; i++)
		if (summarise(&m->trials[i * m->nr_trials], m->nr_trials, &m->summaries[i]))
			bad_input("out of memory");
}

/* Complete, or not there. */
static int write_out(const char *path, const json_t *root)
{
	char *text = json_dumps(root, JSON_INDENT(1)), err[4096] = "out of memory";
	int rc = text ? save_file(path, text, strlen(text), err, sizeof(err)) : -ENOMEM;

	if (rc)
		fprintf(stderr, "nosnoop-museum: %s\n", err);
	free(text);
	return rc;
}

static void complain(const struct museum *m)
{
	for (u32 i = 0; i < m->exhibits.nr * m->nr_trials; i++)
		if (m->trials[i].end == TRIAL_ERROR)
			bad_input("%s: %s", m->exhibits.e[i / m->nr_trials].id, m->trials[i].what);
}

static int report(const struct museum *m)
{
	struct museum_report r = {.exhibits = &m->exhibits,
				  .trials = m->trials,
				  .summaries = m->summaries,
				  .nr_trials = m->nr_trials,
				  .seed = m->seed,
				  .limits = m->limits,
				  .sound = &m->sound};
	json_t *root = m->json || m->out ? report_json(&r) : NULL;
	int rc = 0;

	if ((m->json || m->out) && !root)
		bad_input("out of memory");
	if (!m->json)
		report_table(stdout, &r);
	else if (json_dumpf(root, stdout, JSON_INDENT(1)) || putchar('\n') == EOF)
		rc = EXIT_DISK;
	if (fflush(stdout) || (m->out && write_out(m->out, root)))
		rc = EXIT_DISK;
	json_decref(root);
	for (u32 i = 0; !rc && i < m->exhibits.nr; i++)
		if (!summary_good(&m->exhibits.e[i], &m->summaries[i]))
			rc = EXIT_NO;
	return rc;
}

int main(int argc, char **argv)
{
	struct museum m = {.limits = {.seconds = 30}, .nr_trials = 10, .jobs = 1, .seed = 1};
	int rc = 0;

	command_parse(&argp, argc, argv, 0, &m);
	if (!m.exhibits.nr)
		parse_mutant(&m, "all");
	if (!m.sound.nr)
		parse_policy(&m, "sound");
	m.progress = isatty(STDERR_FILENO);
	if (m.list) {
		report_list(stdout, &m.exhibits);
	} else {
		run_all(&m);
		complain(&m);
		rc = report(&m);
		trials_free(m.trials, m.exhibits.nr * m.nr_trials);
	}
	free(m.summaries);
	exhibits_free(&m.exhibits);
	policies_close(&m.sound);
	return rc;
}
