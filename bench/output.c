// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "bench/output.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 8

/* A new file in the folder; its name is *path, to be freed. */
static int make_temp(const struct output *out, const char *name, char **path)
{
	int fd, rc;

	if (asprintf(path, "%s/.%s.XXXXXX", out->folder, name) < 0) {
		*path = NULL;
		return -ENOMEM;
	}
	fd = mkostemp(*path, 02000000 /* O_CLOEXEC */);
	if (fd >= 0)
		return fd;
	rc = -errno;
	free(*path);
	*path = NULL;
	return rc;
}

int output_open(struct output *out, const char *folder, char *err, size_t errlen)
{
	char *path;
	int fd;

	*out = (struct output){.folder = strdup(folder)};
	if (!out->folder)
		return -ENOMEM;
	if (mkdir(folder, 0777) && errno != EEXIST) {
		fd = -errno;
		goto err;
	}
	fd = make_temp(out, "probe", &path);
	if (fd < 0)
		goto err;
	close(fd);
	unlink(path);
	free(path);
	return 0;
err:
	snprintf(err, errlen,
		 "%s: %s, expected a folder where results can be written; nothing was started",
		 folder, strerror(-fd));
	output_close(out);
	return fd;
}

static int write_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		data += n;
		size -= n;
	}
	return fchmod(fd, 0644) || fsync(fd) ? -errno : 0;
}

static int write_temp(const struct output *out, const struct output_file *file, char **path)
{
	int fd = make_temp(out, file->name, path), rc;

	if (fd < 0)
		return fd;
	rc = write_all(fd, file->data, file->size);
	if (close(fd) && !rc)
		rc = -errno;
	return rc;
}

/* The one reason why a rename in one folder would fail half-way through the files. */
static int check_targets(const struct output *out, const struct output_file *files, u32 nr)
{
	struct stat st;
	char *path;
	int rc = 0;

	for (u32 i = 0; !rc && i < nr; i++) {
		if (asprintf(&path, "%s/%s", out->folder, files[i].name) < 0)
			return -ENOMEM;
		if (!lstat(path, &st) && S_ISDIR(st.st_mode))
			rc = -EISDIR;
		free(path);
	}
	return rc;
}

static int rename_temp(const struct output *out, const char *temp, const char *name)
{
	char *path;
	int rc;

	if (asprintf(&path, "%s/%s", out->folder, name) < 0)
		return -ENOMEM;
	rc = rename(temp, path) ? -errno : 0;
	free(path);
	return rc;
}

int output_write(const struct output *out, const struct output_file *files, u32 nr, char *err,
		 size_t errlen)
{
	char *temp[FILES_MAX] = {NULL};
	int rc = nr > FILES_MAX ? -E2BIG : 0;
	u32 i;

	for (i = 0; !rc && i < nr; i++)
		rc = write_temp(out, &files[i], &temp[i]);
	if (!rc)
		rc = check_targets(out, files, nr);
	for (i = 0; !rc && i < nr; i++)
		rc = rename_temp(out, temp[i], files[i].name);
	if (rc)
		snprintf(err, errlen, "%s: %s, the results could not be written", out->folder,
			 strerror(-rc));
	for (i = 0; i < min(nr, (u32)FILES_MAX); i++) {
		if (rc && temp[i])
			unlink(temp[i]);
		free(temp[i]);
	}
	return rc;
}

void output_close(struct output *out)
{
	free(out->folder);
	out->folder = NULL;
}
