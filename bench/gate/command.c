// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "bench/gate/command.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int spawn(char *const argv[], bool quiet, int out, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	int rc;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (quiet)
		posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	rc = -posix_spawnp(pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

/* All of it, with a NUL behind. */
static char *slurp(FILE *f)
{
	char *text = NULL;
	size_t size = 0;

	rewind(f);
	if (getdelim(&text, &size, '\0', f) < 0 && text)
		*text = '\0';
	return text;
}

int gate_command(char *const argv[], bool quiet, char **out)
{
	FILE *f = tmpfile();
	int status, rc;
	pid_t pid;

	*out = NULL;
	if (!f)
		return -errno;
	rc = spawn(argv, quiet, fileno(f), &pid);
	while (!rc && waitpid(pid, &status, 0) < 0)
		rc = errno == EINTR ? 0 : -errno;
	if (!rc) {
		*out = slurp(f);
		rc = !*out ? -ENOMEM : WIFEXITED(status) ? WEXITSTATUS(status) : -ECHILD;
	}
	fclose(f);
	return rc;
}

char *gate_top(void)
{
	static const char script[] = "/scripts/gate-build.sh";
	char path[PATH_MAX + sizeof(script)], *slash;
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);

	for (path[max(n, (ssize_t)0)] = '\0'; (slash = strrchr(path, '/'));) {
		strcpy(slash, script);
		if (!access(path, X_OK)) {
			*slash = '\0';
			return strdup(path);
		}
		*slash = '\0';
	}
	return access(script + 1, X_OK) ? NULL : strdup(".");
}
