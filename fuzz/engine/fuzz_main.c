// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz-ops-replay: the fuzz target without an engine. Runs files and folders, or turns text traces
 * into the bytes that engines start from. A finding ends the process as it does under an engine.
 */
#include "fuzz/engine/fuzz_ops.h"

#include "core/op/trace.h"
#include "fuzz/command.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

NOSNOOP_EXPORT const char *argp_program_version = "fuzz-ops-replay " NOSNOOP_VERSION;

struct options {
	const char *encode; /* folder for binary forms; NULL: run */
	char **paths;
	int nr_paths;
	bool verbose;
	u64 done;
};

static void *get_memory(size_t size)
{
	void *p = malloc(size);

	if (!p)
		bad_input("out of memory");
	return p;
}

/* --- bytes ------------------------------------------------------------------- */

static bool is_text(const char *path)
{
	size_t n = strlen(path);

	return n > 4 && !strcmp(path + n - 4, ".ops");
}

/* A text trace is run by its binary form: what an engine would have given. */
static u8 *load_text(const char *path, size_t *size)
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

/* "DIR/<folder>-<name>.bin": traces of several folders may have one name. */
static void write_binary(const struct options *o, const char *path, const u8 *bytes, size_t size)
{
	const char *name = strrchr(path, '/'), *folder = name;
	char out[PATH_MAX];
	FILE *f;

	while (folder && folder > path && folder[-1] != '/')
		folder--;
	if (name)
		snprintf(out, sizeof(out), "%s/%.*s-%s.bin", o->encode, (int)(name - folder),
			 folder, name + 1);
	else
		snprintf(out, sizeof(out), "%s/%s.bin", o->encode, path);
	f = fopen(out, "wb");
	if (!f || fwrite(bytes, 1, size, f) != size || fclose(f))
		bad_input("%s: %s", out, strerror(errno));
}

static void take_file(struct options *o, const char *path)
{
	size_t size;
	u8 *bytes = is_text(path) ? load_text(path, &size) : load_bytes(path, &size);

	if (o->verbose)
		fprintf(stderr, "%s\n", path);
	if (o->encode)
		write_binary(o, path, bytes, size);
	else
		LLVMFuzzerTestOneInput(bytes, size);
	free(bytes);
	o->done++;
}

static int is_visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static void take(struct options *o, const char *path)
{
	struct dirent **names;
	char *inner;
	struct stat st;
	int nr;

	if (stat(path, &st))
		bad_input("%s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode)) {
		take_file(o, path);
		return;
	}
	nr = scandir(path, &names, is_visible, alphasort);
	if (nr < 0)
		bad_input("%s: %s", path, strerror(errno));
	for (int i = 0; i < nr; i++) {
		inner = get_memory(strlen(path) + strlen(names[i]->d_name) + 2);
		sprintf(inner, "%s/%s", path, names[i]->d_name);
		take(o, inner);
		free(inner);
		free(names[i]);
	}
	free(names);
}

/* --- arguments --------------------------------------------------------------- */

static const struct argp_option argp_options[] = {
	{"encode", 'e', "DIR", 0, "Write the binary form of each trace into DIR, run nothing", 0},
	{"verbose", 'v', NULL, 0, "Name each file before it is run", 0},
	{0}};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 'e':
		o->encode = arg;
		return 0;
	case 'v':
		o->verbose = true;
		return 0;
	case ARGP_KEY_ARGS:
		o->paths = state->argv + state->next;
		o->nr_paths = state->argc - state->next;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "nothing given: name files or folders");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = argp_options,
	.parser = parse_option,
	.args_doc = "FILE|FOLDER...",
	.doc = "Run inputs of the fuzz target: text traces (.ops), anything else as bytes. "
	       "FUZZ_POLICY=P judges policy P for soundness, whatever it claims; "
	       "FUZZ_CONTRACTS=L,I "
	       "for these contracts.\v"
	       "Exit: 0 no finding, 2 bad input; a finding is printed and aborts.",
};

int main(int argc, char **argv)
{
	struct options o = {0};

	command_parse(&argp, argc, argv, 0, &o);
	for (int i = 0; i < o.nr_paths; i++)
		take(&o, o.paths[i]);
	printf("%llu %s\n", (unsigned long long)o.done,
	       o.encode ? "encoded" : "inputs, no finding");
	return 0;
}
