// SPDX-License-Identifier: GPL-2.0-only
/* nosnoop-export: a trace as a test for the kernel's iommufd selftest. */
#include "core/op/trace.h"
#include "fuzz/command.h"
#include "fuzz/export/export.h"
#include "fuzz/save.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

NOSNOOP_EXPORT const char *argp_program_version = "nosnoop-export " NOSNOOP_VERSION;

struct job {
	const char *out, *path;
	bool json;
	struct trace trace;
	struct export_stats stats;
};

/* --- arguments --------------------------------------------------------------- */

static const struct argp_option options[] = {
	{"out", 'o', "FILE", 0, "Write the program to FILE (standard output)", 0},
	{"json", 'j', NULL, 0, "Print what was done as JSON, the program in it", 0},
	{0}};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct job *j = state->input;

	switch (key) {
	case 'o':
		j->out = arg;
		return 0;
	case 'j':
		j->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (j->path)
			argp_error(state, "more than one trace: %s, %s", j->path, arg);
		j->path = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no trace given: name a file, or - for standard input");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.args_doc = "FILE.ops|-",
	.doc = "Write a trace (text, or binary as fuzzers write it) as a C program for the "
	       "kernel's "
	       "tools/testing/selftests/iommu: ioctls on /dev/iommu with mock domains, and what "
	       "each must answer. What the mock cannot say is a comment there.\v"
	       "Exit: 0 written; 2 bad input; 3 the output cannot be written.",
};

/* --- output ------------------------------------------------------------------ */

static const char *const fates[EXPORT_NR] = {"whole", "partly", "left"};

static json_t *losses_json(const struct export_stats *s)
{
	json_t *row = json_array();

	for (u32 i = 0; i < s->nr_losses; i++)
		json_array_append_new(
			row, json_pack("{sI ss ss}", "op", (json_int_t)s->losses[i].op, "fate",
				       fates[s->losses[i].fate], "why", s->losses[i].why));
	return row;
}

static void print_json(const struct job *j, const char *text)
{
	const struct export_stats *s = &j->stats;
	json_t *o = json_pack(
		"{ss sI sI sI sI so ss}", "trace", j->path, "ops", (json_int_t)j->trace.nr_ops,
		fates[EXPORT_WHOLE], (json_int_t)s->fate[EXPORT_WHOLE], fates[EXPORT_PARTLY],
		(json_int_t)s->fate[EXPORT_PARTLY], fates[EXPORT_LEFT],
		(json_int_t)s->fate[EXPORT_LEFT], "losses", losses_json(s), "program", text);

	if (!o || json_dumpf(o, stdout, JSON_INDENT(1)))
		command_stop(o ? EXIT_DISK : EXIT_INPUT, "cannot write the results");
	putchar('\n');
	json_decref(o);
}

static void print_summary(const struct job *j)
{
	const u32 *fate = j->stats.fate;

	fprintf(stderr, "%s: %u ops: %u whole, %u in part, %u left out\n", j->path, j->trace.nr_ops,
		fate[EXPORT_WHOLE], fate[EXPORT_PARTLY], fate[EXPORT_LEFT]);
}

static void output(const struct job *j, const char *text, size_t len)
{
	char err[1024];

	if (j->out && save_file(j->out, text, len, err, sizeof(err))) {
		if (!j->json)
			fwrite(text, 1, len, stdout);
		command_stop(EXIT_DISK, "%s", err);
	}
	if (j->json)
		print_json(j, text);
	else if (!j->out)
		fwrite(text, 1, len, stdout);
	if (fflush(stdout) || ferror(stdout))
		command_stop(EXIT_DISK, "standard output: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	struct job j = {0};
	char err[1024], *text;
	const char *name;
	size_t len;

	command_parse(&argp, argc, argv, 0, &j);
	if (trace_load(&j.trace, j.path, err, sizeof(err)))
		bad_input("%s", err);
	name = strcmp(j.path, "-") ? j.path : "trace.ops";
	text = export_program(&j.trace, j.out ? j.out : name, &j.stats, &len);
	if (!text)
		bad_input("%s: cannot be exported: %s", j.path, strerror(errno));
	output(&j, text, len);
	print_summary(&j);
	free(text);
	free(j.stats.losses);
	trace_free(&j.trace);
	return 0;
}
