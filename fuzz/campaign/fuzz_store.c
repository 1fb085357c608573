// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "fuzz/campaign/fuzz_store.h"

#include "core/op/text.h"
#include "core/op/trace.h"
#include "fuzz/finding.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

typedef unsigned long long ull;

void programs_add(struct programs *ps, const struct program *p)
{
	struct program copy = PROGRAM_EMPTY;

	if (ps->nr == ps->cap) {
		u32 cap = ps->cap ? 2 * ps->cap : 64;
		struct program *more = realloc(ps->p, cap * sizeof(*more));

		if (!more)
			bad_input("out of memory");
		ps->p = more;
		ps->cap = cap;
	}
	if (program_copy(&copy, p))
		bad_input("out of memory");
	ps->p[ps->nr++] = copy;
}

void programs_free(struct programs *ps)
{
	for (u32 i = 0; i < ps->nr; i++)
		program_free(&ps->p[i]);
	free(ps->p);
	*ps = (struct programs){0};
}

void store_broken(struct store *s, const char *what)
{
	fflush(stdout);
	fprintf(stderr, "nosnoop-fuzz: %s\n", what);
	s->broken = true;
}

/* --- reading folders ------------------------------------------------------------ */

static int is_visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static bool ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n > m && !strcmp(name + n - m, end);
}

/* Binary is total, so any file would do: what engines and this tool write is version 1 and whole. */
static const char *refuse_binary(const char *path)
{
	struct stat st;
	FILE *f = fopen(path, "rb");
	int first = f ? fgetc(f) : EOF;
	bool whole = f && !fstat(fileno(f), &st) && st.st_size % OP_SIZE == 1;

	if (f)
		fclose(f);
	if (!f)
		return strerror(errno);
	return first == OP_FORMAT_VERSION && whole
		       ? NULL
		       : "no binary trace, expected version 1 and whole records";
}

static void corpus_file(struct programs *ps, const char *path, const char *name)
{
	const char *why = NULL;
	char err[1024];
	struct stat st;
	struct trace t;

	if (stat(path, &st) || !S_ISREG(st.st_mode))
		why = "no regular file, expected traces (.ops, .bin)";
	else if (ends_in(name, ".bin"))
		why = refuse_binary(path);
	else if (!ends_in(name, ".ops"))
		why = "neither .ops nor .bin, expected traces";
	if (why) {
		fprintf(stderr, "nosnoop-fuzz: %s: %s; skipped\n", path, why);
		return;
	}
	if (trace_load(&t, path, err, sizeof(err)))
		fprintf(stderr, "nosnoop-fuzz: %s; skipped\n", err);
	else
		programs_add(ps, &t.program);
	trace_free(&t);
}

void corpus_read(struct programs *ps, const char *folder)
{
	struct dirent **names;
	char path[PATH_MAX];
	int nr = scandir(folder, &names, is_visible, alphasort);

	if (nr < 0)
		bad_input("%s: %s, expected a folder of traces", folder, strerror(errno));
	for (int i = 0; i < nr; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
		corpus_file(ps, path, names[i]->d_name);
		free(names[i]);
	}
	free(names);
}

/* --- the folder ----------------------------------------------------------------- */

/* Held until the process ends; on the folder itself, so that nothing lies in it. */
static void lock_folder(struct store *s)
{
	s->folder = open(s->o->out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->folder >= 0 && flock(s->folder, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
		bad_input("--out %s: another nosnoop-fuzz is at work there: wait for it, or name "
			  "another",
			  s->o->out);
}

void store_open(struct store *s, const struct fuzz_options *o)
{
	char path[PATH_MAX];
	struct run_config cfg = {
		.backend = o->backend, .twin = o->twin, .policy = o->policies.policy[0]};

	*s = (struct store){.o = o, .session = 1, .seed = o->seed, .folder = -1};
	commit_here(s->commit);
	s->run = run_create(&cfg);
	if (!s->run)
		bad_input("cannot start a run: %s", strerror(errno));
	if (!o->out)
		return;
	command_folder(o->out);
	lock_folder(s);
	snprintf(path, sizeof(path), "%s/findings", o->out);
	command_folder(path);
	snprintf(path, sizeof(path), "%s/corpus", o->out);
	command_folder(path);
	ledger_read(s);
}

void store_close(struct store *s)
{
	for (u32 i = 0; i < s->nr; i++)
		free(s->found[i].text);
	free(s->found);
	json_decref(s->ledger);
	run_destroy(s->run);
	if (s->folder >= 0)
		close(s->folder);
}

/* --- findings ------------------------------------------------------------------- */

/* How the policy is called on a command line: a shared object by its path. */
static const char *policy_arg(const struct store *s, u32 policy)
{
	if (s->o->policies.nr == 1 && s->o->policies.handle[0])
		return s->o->policy_arg;
	return s->o->policies.policy[policy]->name;
}

static char *text_of(const struct store *s, const struct fuzz_found *f, const struct program *p,
		     const char *name)
{
	char origin[160], command[PATH_MAX + 64], *text = NULL;
	struct finding finding = {
		.rule = f->rule,
		.policy = s->o->policies.policy[f->policy],
		.program = p,
		.ops_before = f->ops_before,
		.ops_after = f->ops_after,
		.policy_arg = policy_arg(s, f->policy),
		.command = command_replay(s->o->backend_arg, s->o->twin, command, sizeof(command)),
		.origin = origin,
		.commit = s->commit,
		.has_seed = true,
		.seed = f->seed,
	};

	snprintf(origin, sizeof(origin), "nosnoop-fuzz --policy %.60s, run %llu of its job",
		 s->o->policy_arg, (ull)f->run);
	if (!f->signal)
		text = finding_text(&finding, s->run, name, NULL);
	if (text)
		return text;
	/* Of a job that died, or where the rule does not fire in replay's way: the bare program. */
	finding.how = f->signal ? strsignal(f->signal) : "seen by nosnoop-fuzz alone";
	return finding_bare_text(&finding, name, NULL);
}

static struct stored *stored_by_name(struct store *s, const char *name)
{
	for (u32 i = 0; i < s->nr; i++)
		if (!strcmp(s->found[i].name, name))
			return &s->found[i];
	return NULL;
}

struct stored *stored_new(struct store *s)
{
	if (s->nr == s->cap) {
		u32 cap = s->cap ? 2 * s->cap : 16;
		struct stored *more = realloc(s->found, cap * sizeof(*more));

		if (!more)
			bad_input("out of memory");
		s->found = more;
		s->cap = cap;
	}
	s->found[s->nr] = (struct stored){0};
	return &s->found[s->nr++];
}

static void name_finding(const struct store *s, const struct fuzz_found *f, struct stored *k,
			 const struct program *p)
{
	snprintf(k->policy, sizeof(k->policy), "%s", s->o->policies.policy[f->policy]->name);
	snprintf(k->shape, sizeof(k->shape), "%016llx", (ull)finding_shape(p));
	snprintf(k->name, sizeof(k->name), "%s-%s-%s.ops", k->policy, f->rule.name, k->shape);
	/* The colon of "finding:S1" is awkward in names of files. */
	for (char *c = k->name; *c; c++)
		if (*c == ':' || *c == '/')
			*c = '-';
	k->rule = f->rule;
	k->ops = f->ops_after;
	k->ops_before = f->ops_before;
	k->run = f->run;
	k->seed = f->seed;
	k->cpu = f->cpu;
	k->job = f->job;
	k->session = s->session;
}

/* To its file; where that cannot be, or none is wanted, to standard output. */
static void put_finding(struct store *s, struct stored *k)
{
	char path[PATH_MAX], err[PATH_MAX + 200];

	if (s->o->out) {
		snprintf(path, sizeof(path), "%s/findings/%s", s->o->out, k->name);
		k->on_disk = !save_file(path, k->text, strlen(k->text), err, sizeof(err));
		if (k->on_disk)
			return;
		store_broken(s, err);
	} else if (s->o->json) {
		return; /* it is in there */
	}
	printf("%s\n", k->text);
	fflush(stdout);
}

void store_found(struct store *s, const struct fuzz_found *f, const struct program *p)
{
	struct stored k = {0}, *known;

	name_finding(s, f, &k, p);
	known = stored_by_name(s, k.name);
	if (known) {
		known->count++;
		known->now = true;
		return;
	}
	k.text = text_of(s, f, p, k.name);
	if (!k.text)
		bad_input("out of memory");
	k.now = true;
	k.count = 1;
	known = stored_new(s);
	*known = k;
	s->fresh++;
	put_finding(s, known);
}

/* --- the corpus ----------------------------------------------------------------- */

static void corpus_name(const struct program *p, char name[24])
{
	u64 h = p->nr;

	for (size_t i = 0; i < p->nr; i++) {
		u64 words[OP_SIZE / sizeof(u64)];

		memcpy(words, &p->ops[i], sizeof(words));
		for (u32 k = 0; k < ARRAY_SIZE(words); k++)
			h = hash_add(h, words[k]);
	}
	snprintf(name, 24, "%016llx.bin", (ull)h);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Of our own that are not wanted any more; foreign files stay, also those that only look like ours. */
static void remove_old(const char *folder, const char (*names)[24], u32 nr)
{
	struct dirent **there;
	char path[PATH_MAX + 260];
	int found = scandir(folder, &there, is_visible, NULL);

	for (int i = 0; i < found; i++) {
		const char *name = there[i]->d_name;
		bool ours = strlen(name) == 20 && strspn(name, "0123456789abcdef") == 16 &&
			    ends_in(name, ".bin");

		snprintf(path, sizeof(path), "%s/%s", folder, name);
		if (ours && !bsearch(name, names, nr, sizeof(*names), compare_names) &&
		    !refuse_binary(path))
			unlink(path);
		free(there[i]);
	}
	if (found >= 0)
		free(there);
}

static bool write_program(struct store *s, const char *folder, const char *name,
			  const struct program *p)
{
	char path[PATH_MAX], err[PATH_MAX + 200];
	size_t size = program_encoded_size(p);
	u8 *bytes;
	int rc;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (!access(path, F_OK))
		return true;
	bytes = malloc(size);
	if (!bytes)
		bad_input("out of memory");
	program_encode(p, bytes);
	rc = save_many(path, bytes, size, err, sizeof(err));
	free(bytes);
	if (rc)
		store_broken(s, err);
	return !rc;
}

void store_corpus(struct store *s, const struct programs *ps)
{
	char folder[PATH_MAX - 32], (*names)[24] = calloc(ps->nr + 1, sizeof(*names));
	bool whole = true;

	if (!names)
		bad_input("out of memory");
	snprintf(folder, sizeof(folder), "%s/corpus", s->o->out);
	for (u32 i = 0; i < ps->nr && whole; i++) {
		corpus_name(&ps->p[i], names[i]);
		whole = write_program(s, folder, names[i], &ps->p[i]);
	}
	if (whole) {
		qsort(names, ps->nr, sizeof(*names), compare_names);
		remove_old(folder, (const char(*)[24])names, ps->nr);
	}
	free(names);
}
