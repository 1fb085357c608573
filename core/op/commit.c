// SPDX-License-Identifier: GPL-2.0-only
#include "core/op/commit.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* What git says, run in the sources; false: it failed. No shell: the folder may be called anything.
 */
static bool git(const char *folder, const char *const *args, char *out, size_t size)
{
	const char *argv[12] = {"git", "-c", "safe.directory=*", "-C", folder};
	int ends[2], status, n = 5;
	ssize_t got;
	pid_t pid;

	while (*args)
		argv[n++] = *args++;
	if (pipe(ends))
		return false;
	pid = fork();
	if (!pid) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		if (!freopen("/dev/null", "w", stderr))
			_exit(127);
		execvp("git", (char *const *)argv);
		_exit(127);
	}
	close(ends[1]);
	got = pid > 0 ? read(ends[0], out, size - 1) : -1;
	close(ends[0]);
	out[max(got, (ssize_t)0)] = '\0';
	out[strcspn(out, "\n")] = '\0';
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       !WEXITSTATUS(status) && got >= 0;
}

bool commit_head(const char *folder, char hash[COMMIT_TEXT])
{
	static const char *const head[] = {"rev-parse", "HEAD", NULL};

	return git(folder, head, hash, COMMIT_TEXT) && *hash;
}

bool commit_changed(const char *folder, bool *changed)
{
	static const char *const changes[] = {"diff", "--stat", "HEAD", NULL};
	char text[256];

	if (!git(folder, changes, text, sizeof(text)))
		return false;
	*changed = *text;
	return true;
}

void commit_here(char text[COMMIT_TEXT])
{
	char folder[PATH_MAX], hash[COMMIT_TEXT];
	ssize_t len = readlink("/proc/self/exe", folder, sizeof(folder) - 1);
	bool changed = false;
	char *slash;

	folder[max(len, (ssize_t)0)] = '\0';
	slash = strrchr(folder, '/');
	if (slash)
		*slash = '\0';
	if (!slash || !commit_head(folder, hash)) {
		strcpy(text, "n/a");
		return;
	}
	commit_changed(folder, &changed);
	snprintf(text, COMMIT_TEXT, "%.64s%s", hash, changed ? ", changed" : "");
}
