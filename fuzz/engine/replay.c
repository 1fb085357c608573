// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz/engine/replay.h"

#include "fuzz/command.h"
#include "fuzz/engine/feedback.h"

#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct came_to {
	u64 digest, states;
	u32 nr_states;
};

static struct came_to run_input(const struct input *in)
{
	static u64 before; /* stays 0, unless FUZZ_LEAKY asks for what test_targets.py must see */
	struct came_to c;

	target_digests = true;
	target_digest();
	if (before)
		target_note(before);
	fb_collected(&c.nr_states);
	LLVMFuzzerTestOneInput(in->bytes, in->size);
	c.digest = target_digest();
	if (getenv("FUZZ_LEAKY"))
		before = c.digest;
	c.states = fb_collected(&c.nr_states);
	return c;
}

/* --- each on its own ---------------------------------------------------------- */

static json_t *hex(u64 v)
{
	return json_sprintf("%016llx", (unsigned long long)v);
}

/* JSON is UTF-8; what is not, a name or a word of somebody's, has ? for every other byte. */
static json_t *plain(const char *text, size_t len)
{
	json_t *s = json_stringn(text, len);
	char *copy;

	if (s)
		return s;
	copy = strndup(text, len);
	for (char *at = copy; at && *at; at++)
		if (*at & 0x80)
			*at = '?';
	s = copy ? json_string(copy) : NULL;
	free(copy);
	return s ?: json_null();
}

/* The line "@word: ..." of what the child said. */
static void take_line(json_t *o, const char *key, const char *said, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = said; at && *at; at = strchr(at, '\n'), at += !!at)
		if (!strncmp(at, word, n) && !strncmp(at + n, ": ", 2)) {
			const char *value = at + n + 2;

			json_object_set_new(o, key, plain(value, strcspn(value, "\n")));
			return;
		}
}

/* The text of what ran, between "program:" and the class: buffers reduced as the target does it. */
static void take_program(json_t *o, const char *said)
{
	static const char begin[] = "\nprogram:\n", end[] = "\nclass: ";
	const char *text = strstr(said, begin), *after = text ? strstr(text, end) : NULL;

	if (!after)
		return;
	text += strlen(begin);
	json_object_set_new(o, "program", plain(text, after + 1 - text));
}

static void take_end(json_t *o, const char *said, int status)
{
	bool found = strstr(said, "\nclass: ") || !strncmp(said, "class: ", 7);
	int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (found) {
		json_object_set_new(o, "verdict", json_string("finding"));
		take_line(o, "rule", said, "rule");
		take_line(o, "policy", said, "policy");
		take_line(o, "class", said, "class");
		take_line(o, "said", said, "what");
		take_program(o, said);
		return;
	}
	json_object_set_new(o, "verdict", json_string(sig == SIGALRM ? "hang" : "crash"));
	json_object_set_new(o, "rule", json_string(sig == SIGALRM ? "HANG" : "CRASH"));
	json_object_set_new(o, "signal", sig ? json_string(strsignal(sig)) : json_null());
	json_object_set_new(o, "said", plain(said, strnlen(said, 400)));
}

/* All of a file, and a NUL. */
static char *read_all(FILE *f)
{
	long size = fseek(f, 0, SEEK_END) ? 0 : ftell(f);
	char *text = calloc(1, size + 1);

	rewind(f);
	if (!text || fread(text, 1, size, f) != (size_t)size)
		bad_input("%s", strerror(errno));
	return text;
}

/* What the child says on standard error (free() it) is kept in a file: no pipe can fill up. */
static int run_child(const struct input *in, struct came_to *c, char **said)
{
	FILE *err = tmpfile();
	int status, result[2];
	pid_t child;

	if (!err || pipe(result))
		bad_input("%s", strerror(errno));
	fflush(stdout);
	child = fork();
	if (child < 0)
		bad_input("%s", strerror(errno));
	if (!child) {
		dup2(fileno(err), STDERR_FILENO);
		alarm(REPLAY_SECONDS);
		*c = run_input(in);
		_exit(write(result[1], c, sizeof(*c)) == sizeof(*c) ? 0 : 2);
	}
	close(result[1]);
	if (read(result[0], c, sizeof(*c)) != sizeof(*c))
		memset(c, 0, sizeof(*c));
	close(result[0]);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	*said = read_all(err);
	fclose(err);
	return status;
}

int replay_each(const struct inputs *all, FILE *out)
{
	int bad = 0;

	for (size_t i = 0; i < all->nr; i++) {
		const char *path = all->input[i].path;
		struct came_to c;
		char *said;
		int status = run_child(&all->input[i], &c, &said);
		json_t *o = json_pack("{s:o}", "file", plain(path, strlen(path)));

		if (WIFEXITED(status) && WEXITSTATUS(status) == 2 && !strstr(said, "ERROR: "))
			bad_input("%.*s", (int)strcspn(said, "\n"), said);
		if (status) {
			take_end(o, said, status);
			bad = 1;
		} else {
			json_object_set_new(o, "verdict", json_string("ok"));
			json_object_set_new(o, "digest", hex(c.digest));
			json_object_set_new(o, "states", hex(c.states));
			json_object_set_new(o, "nr_states", json_integer(c.nr_states));
		}
		json_dumpf(o, out, JSON_COMPACT);
		fputc('\n', out);
		json_decref(o);
		free(said);
	}
	return bad;
}

/* --- orders ------------------------------------------------------------------- */

static u32 compare(const struct input *in, const struct came_to *a, const struct came_to *b,
		   const char *when, FILE *out)
{
	if (a->digest != b->digest)
		fprintf(out, "%s: another digest %s\n", in->path, when);
	if (a->states != b->states)
		fprintf(out, "%s: other states %s (%u, then %u)\n", in->path, when, a->nr_states,
			b->nr_states);
	return a->digest != b->digest || a->states != b->states;
}

int replay_orders(const struct inputs *all, FILE *out)
{
	struct came_to *first = calloc(all->nr ?: 1, sizeof(*first)), again;
	u32 differ = 0;

	if (!first)
		bad_input("out of memory");
	for (size_t i = 0; i < all->nr; i++)
		first[i] = run_input(&all->input[i]);
	for (size_t i = 0; i < all->nr; i++) {
		again = run_input(&all->input[i]);
		differ += compare(&all->input[i], &first[i], &again, "the second time", out);
	}
	for (size_t i = all->nr; i-- > 0;) {
		again = run_input(&all->input[i]);
		differ += compare(&all->input[i], &first[i], &again, "backwards", out);
	}
	for (size_t n = 0; n < all->nr; n++) {
		size_t i = mix64(n) % all->nr; /* some often, some not at all */

		again = run_input(&all->input[i]);
		differ += compare(&all->input[i], &first[i], &again, "shuffled", out);
	}
	free(first);
	fprintf(out, "%zu inputs, twice, backwards and shuffled: %u differ\n", all->nr, differ);
	return differ ? 1 : 0;
}

/* --- states ------------------------------------------------------------------- */

int replay_states(const struct inputs *all, FILE *out)
{
	u32 nr;

	fb_collected(&nr);
	for (size_t i = 0; i < all->nr; i++)
		LLVMFuzzerTestOneInput(all->input[i].bytes, all->input[i].size);
	fb_collected(&nr);
	fprintf(out, "%u states by %zu inputs\n", nr, all->nr);
	return 0;
}
