// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "bench/gate/loaded.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/flush/flush.h"

#define LOAD_SECONDS 5U
#define CAME_BACK    42 /* exit status: neither 0 nor 1, which a constructor may exit with */

static int __printf(4, 5) fail(int rc, char *err, size_t errlen, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(err, errlen, fmt, args);
	va_end(args);
	return rc;
}

static void *open_object(const char *path, char *err, size_t errlen)
{
	char full[PATH_MAX];
	void *handle;

	/* Without a slash the dynamic linker would search its own folders. */
	snprintf(full, sizeof(full), "%s%s", strchr(path, '/') ? "" : "./", path);
	if (access(full, R_OK)) {
		fail(0, err, errlen, "%s: %s", path, strerror(errno));
		return NULL;
	}
	handle = dlopen(full, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		fail(0, err, errlen, "%s: cannot be loaded: %s", path, dlerror());
	return handle;
}

static void load_and_exit(const char *path)
{
	char ignored[256];

	/* The alarm is for one that sleeps. */
	alarm(LOAD_SECONDS);
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	setrlimit(RLIMIT_CPU, &(struct rlimit){LOAD_SECONDS, LOAD_SECONDS + 1});
	open_object(path, ignored, sizeof(ignored));
	_exit(CAME_BACK);
}

int gate_try_load(const char *path, char *err, size_t errlen)
{
	pid_t pid;
	int status;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return fail(-errno, err, errlen, "%s: %s", path, strerror(errno));
	if (!pid)
		load_and_exit(path);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return fail(-errno, err, errlen, "%s: %s", path, strerror(errno));
	if (WIFEXITED(status) && WEXITSTATUS(status) == CAME_BACK)
		return 0;
	if (WIFEXITED(status))
		return fail(
			-ELIBBAD, err, errlen,
			"%s: ends the process while it is loaded (exit %d), expected one built for "
			"this program",
			path, WEXITSTATUS(status));
	if (WTERMSIG(status) == SIGALRM || WTERMSIG(status) == SIGXCPU)
		return fail(-ELIBBAD, err, errlen,
			    "%s: hangs while it is loaded: no end within %u s, expected "
			    "constructors that "
			    "return",
			    path, LOAD_SECONDS);
	return fail(-ELIBBAD, err, errlen, "%s: dies while it is loaded: %s", path,
		    strsignal(WTERMSIG(status)));
}

int gate_so_kind(const char *path, enum gate_so *out, char *err, size_t errlen)
{
	int rc = gate_try_load(path, err, errlen);
	void *handle = rc ? NULL : open_object(path, err, errlen);

	if (!handle)
		return rc ?: -EINVAL;
	if (dlsym(handle, GATE_MODULE_SYMBOL))
		*out = GATE_SO_MODULE;
	else if (dlsym(handle, FLUSH_POLICY_SYMBOL))
		*out = GATE_SO_POLICY;
	else
		rc = fail(-EINVAL, err, errlen,
			  "%s: neither a gate module nor a policy: expected the symbol %s or %s",
			  path, GATE_MODULE_SYMBOL, FLUSH_POLICY_SYMBOL);
	dlclose(handle);
	return rc;
}

int gate_module_check(const struct gate_module *m, const char *path, char *err, size_t errlen)
{
	if (m->abi != GATE_MODULE_ABI)
		return fail(-EPROTO, err, errlen, "%s: built for gate ABI %u, this gate has %u",
			    path, m->abi, GATE_MODULE_ABI);
	if (m->module_size != sizeof(struct gate_module) ||
	    m->config_size != sizeof(struct gate_config) ||
	    m->counts_size != sizeof(struct gate_counts))
		return fail(-EPROTO, err, errlen,
			    "%s: its structs have %u, %u and %u bytes and %zu, %zu and %zu here: "
			    "build it again with this module.h",
			    path, m->module_size, m->config_size, m->counts_size,
			    sizeof(struct gate_module), sizeof(struct gate_config),
			    sizeof(struct gate_counts));
	return 0;
}

const struct gate_module *gate_load(const char *path, char *err, size_t errlen)
{
	void *handle = open_object(path, err, errlen);
	const struct gate_module *m;

	if (!handle)
		return NULL;
	m = dlsym(handle, GATE_MODULE_SYMBOL);
	if (!m)
		fail(0, err, errlen, "%s: no gate module: symbol %s is missing", path,
		     GATE_MODULE_SYMBOL);
	else if (!gate_module_check(m, path, err, errlen))
		return m;
	dlclose(handle);
	return NULL;
}

/* --- files ------------------------------------------------------------------------------------ */

static int copy_bytes(int from, int to)
{
	char block[1 << 16];
	ssize_t n;

	while ((n = read(from, block, sizeof(block))) > 0)
		if (write(to, block, n) != n)
			return errno ? -errno : -EIO;
	return n ? -errno : 0;
}

int gate_copy(const char *path, const char *folder, const char *name, char *err, size_t errlen)
{
	char target[PATH_MAX];
	int from, to, rc = 0;

	snprintf(target, sizeof(target), "%s/%s", folder, name);
	from = open(path, O_RDONLY | O_CLOEXEC);
	to = from < 0 ? -1 : open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	if (to < 0)
		rc = -errno;
	if (!rc)
		rc = copy_bytes(from, to);
	if (to >= 0 && close(to) && !rc)
		rc = -errno;
	if (from >= 0)
		close(from);
	return rc ? fail(rc, err, errlen, "%s: %s", from < 0 ? path : target, strerror(-rc)) : 0;
}

int gate_same_file(const char *a, const char *b)
{
	FILE *f = fopen(a, "re"), *g = fopen(b, "re");
	int x, y, rc = f && g ? 1 : -errno;

	while (rc == 1) {
		x = getc(f);
		y = getc(g);
		if (x != y)
			rc = 0;
		if (x == EOF || y == EOF)
			break;
	}
	if (f)
		fclose(f);
	if (g)
		fclose(g);
	return rc;
}
