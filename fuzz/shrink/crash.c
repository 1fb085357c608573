// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs that end the process that runs them: a policy of somebody's that crashes, an assertion,
 * a loop. Each try runs in a process of its own.
 */
#include "fuzz/shrink/shrink.h"

#include "core/op/judge.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void __attribute__((noreturn)) child(const struct shrink_crash *c, const struct program *p)
{
	struct run_config cfg;
	struct run *r;

	setrlimit(RLIMIT_CORE, &(struct rlimit){0});
	/* What a sanitizer says about it was said when it was found. */
	if (!freopen("/dev/null", "w", stderr))
		close(STDERR_FILENO);
	rule_config(&cfg, c->backend ? c->backend : &backend_core, c->policy, NULL);
	r = run_create(&cfg);
	alarm(SHRINK_HANG_SECONDS);
	if (r)
		run_program(r, p);
	_exit(0);
}

int shrink_crash_signal(const struct shrink_crash *c, const struct program *p)
{
	int status = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid)
		child(c, p);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid > 0 && WIFSIGNALED(status))
		return WTERMSIG(status);
	/* Sanitizers end a process by exit. */
	return pid > 0 && WEXITSTATUS(status) ? SIGABRT : 0;
}

bool shrink_crash_fires(void *ctx, const struct program *p)
{
	struct shrink_crash *c = ctx;
	int signal = shrink_crash_signal(c, p);

	if (c->tried)
		c->tried(c->tried_ctx, p);
	return signal && (signal == SIGALRM) == c->hang;
}
