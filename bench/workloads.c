// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "bench/workloads.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/workloads_made.h"
#include "core/op/text.h"

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

static int add_recorded(struct workloads *all, const char *folder, const char *file, char *err,
			size_t errlen)
{
	struct workload *w = add(all);
	char *path, *text;
	int rc = -ENOMEM;

	if (!w || asprintf(&path, "%s/%s", folder, file) < 0)
		return -ENOMEM;
	text = read_text(path);
	if (!text) {
		rc = -errno;
		snprintf(err, errlen, "%s: %s, expected a recorded stream", path, strerror(-rc));
		goto out;
	}
	w->recorded = true;
	w->name = strndup(file, strlen(file) - strlen(".ops"));
	w->what = strdup("recorded from a real kernel");
	if (w->name && w->what)
		rc = parse(w, text, path, err, errlen);
out:
	free(path);
	return rc;
}

static int is_ops(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 4 && !strcmp(e->d_name + n - 4, ".ops");
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

static int all_recorded(struct workloads *all, const char *corpus, char *err, size_t errlen)
{
	struct dirent **e;
	char *folder;
	int n, rc;

	if (asprintf(&folder, "%s/recorded", corpus) < 0)
		return -ENOMEM;
	rc = check_streams(folder, err, errlen);
	n = rc ? 0 : scandir(folder, &e, is_ops, alphasort);
	for (int i = 0; i < n; i++) {
		if (!rc)
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

static int add_made(struct workloads *all, const struct workload_options *opt,
		    const struct made_workload *made, char *err, size_t errlen)
{
	struct workload *w = add(all);
	char *text = NULL;
	size_t len;
	FILE *f;

	if (!w)
		return -ENOMEM;
	w->name = strdup(made->name);
	w->what = strdup(made->what);
	f = open_memstream(&text, &len);
	if (!f || !w->name || !w->what)
		return -ENOMEM;
	fprintf(f, "# %s: %s\n", made->name, made->what);
	made->write(f, opt);
	if (fclose(f))
		return -ENOMEM;
	return parse(w, text, made->name, err, errlen);
}

int workloads_make(struct workloads *out, const struct workload_options *opt, char *err,
		   size_t errlen)
{
	int rc = 0;

	*out = (struct workloads){0};
	snprintf(err, errlen, "workloads: %s", strerror(ENOMEM));
	if (opt->corpus)
		rc = all_recorded(out, opt->corpus, err, errlen);
	for (u32 i = 0; !rc && made_workload(i); i++)
		rc = add_made(out, opt, made_workload(i), err, errlen);
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

const struct workload *workloads_find(const struct workloads *all, const char *name)
{
	for (u32 i = 0; i < all->nr; i++)
		if (!strcmp(all->w[i].name, name))
			return &all->w[i];
	return NULL;
}
