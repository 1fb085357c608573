// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "fuzz/save.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

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
	return 0;
}

/* A device or a pipe: there is nothing to rename over. */
static int write_through(const char *path, const char *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), rc;

	if (fd < 0)
		return -errno;
	rc = write_all(fd, data, size);
	if (close(fd) && !rc)
		rc = -errno;
	return rc;
}

/* In the same folder, so that the rename cannot cross file systems; hidden from globs. */
static char *temp_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	int folder = slash ? slash + 1 - path : 0;
	char *temp;

	if (asprintf(&temp, "%.*s.%s.XXXXXX", folder, path, path + folder) < 0)
		return NULL;
	return temp;
}

static int write_renamed(const char *path, const char *data, size_t size, bool sync)
{
	char *temp = temp_name(path);
	int fd, rc;

	if (!temp)
		return -ENOMEM;
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0) {
		rc = -errno;
		goto out;
	}
	rc = write_all(fd, data, size);
	if (!rc && (fchmod(fd, 0644) || (sync && fsync(fd))))
		rc = -errno;
	if (close(fd) && !rc)
		rc = -errno;
	if (!rc && rename(temp, path))
		rc = -errno;
	if (rc)
		unlink(temp);
out:
	free(temp);
	return rc;
}

static int save(const char *path, const void *data, size_t size, bool sync, char *err,
		size_t errlen)
{
	struct stat st;
	int rc;

	if (stat(path, &st))
		st.st_mode = S_IFREG;
	if (S_ISREG(st.st_mode))
		rc = write_renamed(path, data, size, sync);
	else if (S_ISDIR(st.st_mode))
		rc = -EISDIR;
	else
		rc = write_through(path, data, size);
	if (rc)
		snprintf(err, errlen, "%s: %s, expected a file that can be written", path,
			 strerror(-rc));
	return rc;
}

int save_file(const char *path, const void *data, size_t size, char *err, size_t errlen)
{
	return save(path, data, size, true, err, errlen);
}

int save_many(const char *path, const void *data, size_t size, char *err, size_t errlen)
{
	return save(path, data, size, false, err, errlen);
}
