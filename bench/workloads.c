// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "bench/workloads.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/workloads/families.h"
#include "core/op/text.h"

#define ENDING ".ops"

static void count_pages(struct workload *w)
{
	for (size_t i = 0; i < w->program.nr; i++) {
		if (w->program.ops[i].code != OP_BUFFER)
			continue;
		w->pages += w->program.ops[i].arg;
		w->largest = max(w->largest, (u64)w->program.ops[i].arg);
	}
	w->nr_ops = program_nr_ops(&w->program);
}

static struct workload *add(struct workloads *all)
{
	struct workload *w = realloc(all->w, (all->nr + 1) * sizeof(*w));

	if (!w)
		return NULL;
	all->w = w;
	w += all->nr++;
	memset(w, 0, sizeof(*w));
	program_init(&w->program);
	return w;
}

/* @text is the workload's from here on. */
static int parse(struct workload *w, char *text, const char *origin, char *err, size_t errlen)
{
	struct text_error te;
	int rc;

	w->text = text;
	rc = text_parse(&w->program, text, strlen(text), origin, &te);
	if (rc == -EINVAL)
		text_error_format(&te, err, errlen);
	else if (rc)
		snprintf(err, errlen, "%s: %s", origin, strerror(-rc));
	count_pages(w);
	return rc;
}

/* --- recorded --------------------------------------------------------------------------------- */

static char *read_text(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t cap = 0;
	ssize_t n;

	if (!f)
		return NULL;
	n = getdelim(&text, &cap, '\0', f);
	fclose(f);
	if (n < 0) {
		free(text);
		errno = EINVAL;
		return NULL;
	}
	return text;
}

/* @w is named after the file, without its ending. */
static int load(struct workload *w, const char *path, const char *what, char *err, size_t errlen)
{
	const char *file = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	char *text = read_text(path);
	int rc;

	if (!text) {
		rc = -errno;
		snprintf(err, errlen, "%s: %s, expected a trace, as corpus/recorded holds", path,
			 strerror(-rc));
		return rc;
	}
	w->recorded = true;
	w->name = strndup(file, strlen(file) - strlen(ENDING));
	w->what = strdup(what);
	if (w->name && w->what)
		return parse(w, text, path, err, errlen);
	free(text);
	return -ENOMEM;
}

static int add_recorded(struct workloads *all, const char *folder, const char *file, char *err,
			size_t errlen)
{
	struct workload *w;
	char name[NAME_MAX + 1], *path;
	int rc;

	snprintf(name, sizeof(name), "%.*s", (int)(strlen(file) - strlen(ENDING)), file);
	if (workloads_find(all, name))
		return 0;
	w = add(all);
	if (!w || asprintf(&path, "%s/%s", folder, file) < 0)
		return -ENOMEM;
	rc = load(w, path, "recorded from a real kernel", err, errlen);
	free(path);
	return rc;
}

static bool ends_as_ops(const char *name)
{
	size_t n = strlen(name), k = strlen(ENDING);

	return n > k && !strcmp(name + n - k, ENDING);
}

static bool is_called(const char *file, const char *name)
{
	size_t n = strlen(name);

	return !strncmp(file, name, n) && !strcmp(file + n, ENDING);
}

static int is_ops(const struct dirent *e)
{
	return ends_as_ops(e->d_name);
}

/* These three must be there; a folder that holds more has them all replayed. */
static const char *const streams[] = {"nvme-strict.ops", "vfio-type1-noncoherent.ops",
				      "vfio-type1-coherent.ops"};

static int check_streams(const char *folder, char *err, size_t errlen)
{
	char path[PATH_MAX];

	for (u32 i = 0; i < ARRAY_SIZE(streams); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, streams[i]);
		if (!access(path, R_OK))
			continue;
		snprintf(err, errlen, "%s: %s, expected a recorded stream (see --corpus)", path,
			 strerror(errno));
		return -ENOENT;
	}
	return 0;
}

/* The one that is called @only, or all of them. */
static int recorded(struct workloads *all, const char *corpus, const char *only, char *err,
		    size_t errlen)
{
	struct dirent **e;
	char *folder;
	int n, rc;

	if (asprintf(&folder, "%s/recorded", corpus) < 0)
		return -ENOMEM;
	rc = check_streams(folder, err, errlen);
	n = rc ? 0 : scandir(folder, &e, is_ops, alphasort);
	for (int i = 0; i < n; i++) {
		if (!rc && (!only || is_called(e[i]->d_name, only)))
			rc = add_recorded(all, folder, e[i]->d_name, err, errlen);
		free(e[i]);
	}
	if (n > 0)
		free(e);
	free(folder);
	return rc;
}

/* The executable is in build/<preset>/bin of the sources. */
static char *beside_executable(void)
{
	char path[PATH_MAX], *slash;
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof("/corpus"));

	if (n < 0)
		return NULL;
	for (path[n] = '\0'; (slash = strrchr(path, '/')); *slash = '\0') {
		strcpy(slash, "/corpus");
		if (!access(path, X_OK))
			return strdup(path);
	}
	return NULL;
}

char *workloads_corpus(const char *given, char *err, size_t errlen)
{
	char *found = NULL;

	if (given)
		return strdup(given);
	if (!access("corpus/recorded", X_OK))
		found = strdup("corpus");
	if (!found)
		found = beside_executable();
	if (!found)
		snprintf(err, errlen,
			 "no folder `corpus` here or above the executable, expected --corpus DIR");
	return found;
}

/* --- all -------------------------------------------------------------------------------------- */

static void name_made(char name[NAME_MAX + 1], const struct workload_family *family, u32 n)
{
	if (family->parameter)
		snprintf(name, NAME_MAX + 1, "%s:%u", family->name, n);
	else
		snprintf(name, NAME_MAX + 1, "%s", family->name);
}

static char *text_of(const char *name, const struct workload_family *family,
		     const struct workload_options *opt, u32 n)
{
	char *text = NULL;
	size_t len;
	FILE *f;

	if (family->fixed)
		return strdup(family->fixed);
	f = open_memstream(&text, &len);
	if (!f)
		return NULL;
	fprintf(f, "# %s: %s\n", name, family->what);
	family->write(f, opt, n);
	if (!fclose(f))
		return text;
	free(text);
	return NULL;
}

static int add_made(struct workloads *all, const struct workload_options *opt,
		    const struct workload_family *family, u32 n, char *err, size_t errlen)
{
	char name[NAME_MAX + 1], *text;
	struct workload *w;

	name_made(name, family, n);
	if (workloads_find(all, name))
		return 0;
	w = add(all);
	text = w ? text_of(name, family, opt, n) : NULL;
	if (!text)
		return -ENOMEM;
	w->name = strdup(name);
	w->what = strdup(family->what);
	w->parameter = n;
	if (w->name && w->what)
		return parse(w, text, name, err, errlen);
	free(text);
	return -ENOMEM;
}

static int all_made(struct workloads *all, const struct workload_options *opt, char *err,
		    size_t errlen)
{
	int rc = 0;

	for (u32 i = 0; !rc && workload_family(i); i++)
		rc = add_made(all, opt, workload_family(i), workload_family(i)->usual, err, errlen);
	return rc;
}

/* NAME or NAME:N. -ENOENT: no family is called so. */
static int add_family(struct workloads *all, const struct workload_options *opt, const char *name,
		      char *err, size_t errlen)
{
	size_t length = strcspn(name, ":");
	const struct workload_family *f;
	unsigned long n;
	char *end;

	for (u32 i = 0; (f = workload_family(i)); i++)
		if (strlen(f->name) == length && !strncmp(f->name, name, length))
			break;
	if (!f)
		return -ENOENT;
	if (!name[length])
		return add_made(all, opt, f, f->usual, err, errlen);
	if (!f->parameter) {
		snprintf(err, errlen, "workload %s: %s has no parameter", name, f->name);
		return -EINVAL;
	}
	errno = 0;
	n = strtoul(name + length + 1, &end, 10);
	if (name[length + 1] < '0' || name[length + 1] > '9' || *end || errno || n < f->least ||
	    n > f->most) {
		snprintf(err, errlen, "workload %s: expected %s:N, N (%s) from %u to %u", name,
			 f->name, f->parameter, f->least, f->most);
		return -EINVAL;
	}
	return add_made(all, opt, f, n, err, errlen);
}

static int unknown(const char *name, char *err, size_t errlen)
{
	int n = snprintf(err, errlen,
			 "no workload %s, expected a FILE.ops, all, recorded, made, a"
			 " recorded one, or one of:",
			 name);

	for (u32 i = 0; workload_family(i); i++)
		if (n >= 0 && (size_t)n < errlen)
			n += snprintf(err + n, errlen - n, " %s%s", workload_family(i)->name,
				      workload_family(i)->parameter ? "[:N]" : "");
	return -EINVAL;
}

/* What is called as the file at @path without its ending; NULL: nothing yet. */
static const struct workload *named_as(const struct workloads *all, const char *path)
{
	const char *file = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;

	for (u32 i = 0; i < all->nr; i++)
		if (is_called(file, all->w[i].name))
			return &all->w[i];
	return NULL;
}

static int add_file(struct workloads *all, const char *path, char *err, size_t errlen)
{
	const struct workload *same = named_as(all, path);
	struct workload *w = same ? NULL : add(all);
	char *text = same ? read_text(path) : NULL;
	int rc = 0;

	if (!same)
		return w ? load(w, path, "a trace of yours", err, errlen) : -ENOMEM;
	if (!text || !same->text || strcmp(text, same->text)) {
		snprintf(err, errlen,
			 "%s: another workload is called %s, expected traces of different names",
			 path, same->name);
		rc = -EEXIST;
	}
	free(text);
	return rc;
}

static int add_named(struct workloads *all, const struct workload_options *opt, const char *name,
		     char *err, size_t errlen)
{
	bool everything = !strcmp(name, "all");
	u32 before = all->nr;
	int rc = 0;

	if (ends_as_ops(name))
		return add_file(all, name, err, errlen);
	if (opt->corpus && (everything || !strcmp(name, "recorded")))
		rc = recorded(all, opt->corpus, NULL, err, errlen);
	if (everything || !strcmp(name, "made"))
		return rc ? rc : all_made(all, opt, err, errlen);
	if (!strcmp(name, "recorded"))
		return rc;
	rc = add_family(all, opt, name, err, errlen);
	if (rc != -ENOENT)
		return rc;
	rc = workloads_find(all, name) || !opt->corpus
		     ? 0
		     : recorded(all, opt->corpus, name, err, errlen);
	if (!rc && all->nr == before && !workloads_find(all, name))
		return unknown(name, err, errlen);
	return rc;
}

int workloads_make(struct workloads *out, const struct workload_options *opt, char *err,
		   size_t errlen)
{
	char *names = strdup(opt->names ? opt->names : "all"), *rest = names, *name;
	int rc = names ? 0 : -ENOMEM;

	*out = (struct workloads){0};
	snprintf(err, errlen, "workloads: %s", strerror(ENOMEM));
	while (!rc && (name = strsep(&rest, ",")))
		rc = add_named(out, opt, name, err, errlen);
	free(names);
	if (!rc && !out->nr) {
		snprintf(err, errlen,
			 "workloads: none is left, expected a folder with recorded ones");
		rc = -ENOENT;
	}
	if (rc)
		workloads_free(out);
	return rc;
}

void workloads_free(struct workloads *all)
{
	for (u32 i = 0; i < all->nr; i++) {
		program_free(&all->w[i].program);
		free(all->w[i].name);
		free(all->w[i].what);
		free(all->w[i].text);
	}
	free(all->w);
	*all = (struct workloads){0};
}

u64 workloads_memory(const struct workloads *all)
{
	u64 largest = 0;

	for (u32 i = 0; i < all->nr; i++)
		largest = max(largest, all->w[i].largest);
	return largest << PAGE_SHIFT;
}

const struct workload *workloads_find(const struct workloads *all, const char *name)
{
	for (u32 i = 0; i < all->nr; i++)
		if (!strcmp(all->w[i].name, name))
			return &all->w[i];
	return NULL;
}
