// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz-NAME-replay: a fuzz target without an engine. Runs files and folders, or turns text traces
 * into the bytes that engines start from. A finding ends the process as it does under an engine,
 * unless each input is asked for on its own (--json).
 */
#define _GNU_SOURCE
#include "fuzz/engine/replay.h"

#include "core/op/trace.h"
#include "fuzz/command.h"
#include "fuzz/engine/dictionary.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

NOSNOOP_EXPORT const char *argp_program_version; /* with the target's name, from main() on */

struct options {
	const char *encode; /* folder for binary forms */
	bool verbose, json, orders, states, dictionary;
	u32 generate, ops, repeat;
	u64 seed;
	char **paths;
	int nr_paths;
	struct inputs inputs;
};

static void *get_memory(size_t size)
{
	void *p = malloc(size);

	if (!p)
		bad_input("out of memory");
	return p;
}

/* --- bytes ------------------------------------------------------------------- */

static bool is_trace(const char *path)
{
	size_t n = strlen(path);

	return n > 4 && !strcmp(path + n - 4, ".ops");
}

/* A text trace is run by its binary form: what an engine would have given. */
static u8 *load_trace(const char *path, size_t *size)
{
	struct trace t;
	char err[1024];
	u8 *bytes;

	if (trace_load(&t, path, err, sizeof(err)))
		bad_input("%s", err);
	*size = program_encoded_size(&t.program);
	bytes = get_memory(*size);
	program_encode(&t.program, bytes);
	trace_free(&t);
	return bytes;
}

static u8 *load_bytes(const char *path, size_t *size)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	u8 *bytes;

	if (!f || fstat(fileno(f), &st))
		bad_input("%s: %s", path, strerror(errno));
	bytes = get_memory(st.st_size + 1);
	*size = fread(bytes, 1, st.st_size, f);
	if (ferror(f))
		bad_input("%s: %s", path, strerror(errno));
	fclose(f);
	return bytes;
}

/* --- files and folders ------------------------------------------------------- */

static void add_file(struct inputs *all, const char *path)
{
	struct input *in = inputs_add(all);

	in->path = strdup(path);
	in->bytes = is_trace(path) && !fuzz_target.text ? load_trace(path, &in->size)
							: load_bytes(path, &in->size);
}

/* Hidden files and the README.md of a folder are no inputs. */
static int is_input(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return d->d_name[0] != '.' && (n < 3 || strcmp(d->d_name + n - 3, ".md"));
}

static void add(struct inputs *all, const char *path)
{
	struct dirent **names;
	char *inner;
	struct stat st;
	int nr;

	if (stat(path, &st))
		bad_input("%s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode)) {
		add_file(all, path);
		return;
	}
	nr = scandir(path, &names, is_input, alphasort);
	if (nr < 0)
		bad_input("%s: %s", path, strerror(errno));
	for (int i = 0; i < nr; i++) {
		inner = get_memory(strlen(path) + strlen(names[i]->d_name) + 2);
		sprintf(inner, "%s/%s", path, names[i]->d_name);
		add(all, inner);
		free(inner);
		free(names[i]);
	}
	free(names);
}

static void free_inputs(struct inputs *all)
{
	for (size_t i = 0; i < all->nr; i++) {
		free(all->input[i].path);
		free(all->input[i].bytes);
	}
	free(all->input);
}

/* --- what is asked for ------------------------------------------------------- */

/* "<folder>-<name>.bin": traces of several folders may have one name. @nth, from 1: of those that have both in common. */
static char *binary_name(const char *path, u32 nth)
{
	const char *name = strrchr(path, '/'), *folder = name;
	char more[16] = "", *out = NULL;
	int len;

	while (folder && folder > path && folder[-1] != '/')
		folder--;
	if (nth > 1)
		snprintf(more, sizeof(more), "-%u", nth);
	if (name)
		len = asprintf(&out, "%.*s-%s%s.bin", (int)(name - folder), folder, name + 1, more);
	else
		len = asprintf(&out, "%s%s.bin", path, more);
	if (len < 0)
		bad_input("out of memory");
	return out;
}

static bool is_taken(char *const *names, size_t nr, const char *name)
{
	for (size_t i = 0; i < nr; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static void write_binary(const char *dir, const char *name, const struct input *in)
{
	char out[PATH_MAX];
	FILE *f;

	snprintf(out, sizeof(out), "%s/%s", dir, name);
	f = fopen(out, "wb");
	if (!f || fwrite(in->bytes, 1, in->size, f) != in->size || fclose(f))
		bad_input("%s: %s", out, strerror(errno));
}

/* Into DIR, a file for each input. */
static void write_binaries(const char *dir, const struct inputs *all)
{
	char **names = get_memory(all->nr * sizeof(*names));

	for (size_t i = 0; i < all->nr; i++) {
		u32 nth = 1;

		names[i] = binary_name(all->input[i].path, nth);
		while (is_taken(names, i, names[i])) {
			free(names[i]);
			names[i] = binary_name(all->input[i].path, ++nth);
		}
		write_binary(dir, names[i], &all->input[i]);
	}
	for (size_t i = 0; i < all->nr; i++)
		free(names[i]);
	free(names);
}

static void run_all(const struct inputs *all, bool verbose, u32 repeat)
{
	for (size_t n = 0; n < all->nr * repeat; n++) {
		const struct input *in = &all->input[n % all->nr];

		if (verbose)
			fprintf(stderr, "%s\n", in->path);
		LLVMFuzzerTestOneInput(in->bytes, in->size);
	}
	printf("%zu inputs, no finding\n", all->nr);
}

static int act(const struct options *o)
{
	if (o->json)
		return replay_each(&o->inputs, stdout);
	if (o->orders)
		return replay_orders(&o->inputs, stdout);
	if (o->states)
		return replay_states(&o->inputs, stdout);
	if (o->dictionary) {
		if (dictionary_write(&o->inputs, stdout) || fflush(stdout))
			bad_input("cannot write the dictionary: %s", strerror(errno));
		return 0;
	}
	if (!o->encode) {
		run_all(&o->inputs, o->verbose, o->repeat);
		return 0;
	}
	write_binaries(o->encode, &o->inputs);
	printf("%zu encoded\n", o->inputs.nr);
	return 0;
}

/* --- arguments --------------------------------------------------------------- */

static const struct argp_option argp_options[] = {
	{"encode", 'e', "DIR", 0, "Write what an engine would be given into DIR, run nothing", 0},
	{"dictionary", 'd', NULL, 0,
	 "Print a dictionary for engines, run nothing: the most frequent records, or of a target "
	 "of "
	 "texts the language's words",
	 0},
	{"json", 'j', NULL, 0,
	 "Each input in a process of its own, and a line of JSON about it: rule, policy, class and "
	 "program or signal of a finding, digest, states",
	 0},
	{"orders", 'o', NULL, 0,
	 "Run all of them twice, then backwards and shuffled: digests and states must be the same",
	 0},
	{"generate", 'g', "N", 0, "N programs of the generator, too", 0},
	{"ops", 'n', "N", 0, "How many ops a generated program has at most; 32", 0},
	{"repeat", 'r', "N", 0, "Run all of them N times; 1", 0},
	{"seed", 's', "N", 0, "Of the first generated program; 1", 0},
	{"states", 't', NULL, 0, "How many states of the model all of them reach together", 0},
	{"verbose", 'v', NULL, 0, "Name each file before it is run", 0},
	{0}};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 'e':
		o->encode = arg;
		return 0;
	case 'd':
		o->dictionary = true;
		return 0;
	case 'j':
		o->json = true;
		return 0;
	case 'o':
		o->orders = true;
		return 0;
	case 't':
		o->states = true;
		return 0;
	case 'v':
		o->verbose = true;
		return 0;
	case 'g':
		o->generate = command_number("generate", arg, 1, 10000000);
		return 0;
	case 'n':
		o->ops = command_number("ops", arg, 1, 100000);
		return 0;
	case 'r':
		o->repeat = command_number("repeat", arg, 1, 1000000);
		return 0;
	case 's':
		o->seed = command_number("seed", arg, 0, UINT64_MAX);
		return 0;
	case ARGP_KEY_ARGS:
		o->paths = state->argv + state->next;
		o->nr_paths = state->argc - state->next;
		return 0;
	case ARGP_KEY_END:
		if (!o->nr_paths && !o->generate)
			argp_error(state, "nothing given: name files or folders, or --generate");
		if (o->json + o->orders + o->states + o->dictionary + !!o->encode > 1)
			argp_error(state, "expected one of --json, --orders, --states, "
					  "--dictionary and --encode");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static char *help_filter(int key, const char *text, void *input)
{
	char *doc = NULL;

	if (key != ARGP_KEY_HELP_PRE_DOC)
		return (char *)text;
	return asprintf(&doc, "Inputs of the fuzz target %s, without an engine: %s",
			fuzz_target.name, fuzz_target.doc) < 0
		       ? NULL
		       : doc;
}

static const struct argp argp = {
	.options = argp_options,
	.parser = parse_option,
	.args_doc = "FILE|FOLDER...",
	.doc = "-\vA text trace (.ops) is run by its binary form, but by a target of texts. "
	       "FUZZ_POLICY, FUZZ_CONTRACTS (L,I,..) and FUZZ_BACKEND say what judges.\n"
	       "Exit: 0 no finding, 1 a finding (--json) or a difference (--orders), 2 bad input, "
	       "3 not written; "
	       "otherwise a finding is printed and aborts.",
	.help_filter = help_filter,
};

int main(int argc, char **argv)
{
	struct options o = {.ops = 32, .seed = 1, .repeat = 1};
	char version[64];
	int rc;

	snprintf(version, sizeof(version), "fuzz-%s-replay " NOSNOOP_VERSION, fuzz_target.name);
	argp_program_version = version;
	/* Built for AFL++: no server of forks runs here that a shared object could come too late for. */
	setenv("AFL_IGNORE_PROBLEMS", "1", 0);
	command_parse(&argp, argc, argv, 0, &o);
	for (int i = 0; i < o.nr_paths; i++)
		add(&o.inputs, o.paths[i]);
	inputs_generate(&o.inputs, o.generate, o.ops, o.seed);
	if (!o.inputs.nr)
		bad_input("no input in what was named");
	if (!o.encode && !o.dictionary)
		LLVMFuzzerInitialize(&argc, &argv);
	rc = act(&o);
	if (fflush(stdout) || ferror(stdout))
		command_stop(EXIT_DISK, "standard output: %s", strerror(errno));
	free_inputs(&o.inputs);
	return rc;
}
