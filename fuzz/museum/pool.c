// SPDX-License-Identifier: GPL-2.0-only
/* Trials in processes of their own: a mutant may crash, and may never come to an end. */
#include "fuzz/museum/trial.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define JOBS_MAX 256

struct trial *trials_alloc(u32 n)
{
	void *p = mmap(NULL, n * sizeof(struct trial), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

void trials_free(struct trial *trials, u32 n)
{
	munmap(trials, n * sizeof(*trials));
}

/* --- the child --------------------------------------------------------------- */

static struct {
	const struct trial *trial;
	u64 runs;  /* the program of the last tick */
	u64 since; /* CPU time at the first tick in it */
	u64 hang;  /* this much of it is too much */
} watched;

static u64 cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/*
 * No program takes so long. The timer is of the wall clock, because one of the CPU would make
 * CPU time as coarse as its ticks; what decides is CPU time all the same.
 */
static void on_tick(int sig)
{
	if (watched.trial->runs != watched.runs) {
		watched.runs = watched.trial->runs;
		watched.since = cpu_ns();
	} else if (cpu_ns() - watched.since > watched.hang) {
		signal(sig, SIG_DFL);
		raise(sig);
	}
}

static void watch(const struct trial *t, double hang)
{
	struct itimerval every = {{0, 200000}, {0, 200000}};
	struct sigaction act = {.sa_handler = on_tick, .sa_flags = SA_NODEFER | SA_RESTART};

	watched.trial = t;
	watched.hang = (hang > 0 ? hang : TRIAL_HANG_SECONDS) * 1e9;
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
}

/* What a mutant's assertion says on its way down is nobody's business. */
static void be_quiet(void)
{
	struct rlimit none = {0, 0};
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	setrlimit(RLIMIT_CORE, &none);
	if (fd >= 0)
		dup2(fd, STDERR_FILENO);
}

static pid_t start(struct trial *t, const struct exhibit *e, const struct policies *sound,
		   const struct limits *limits)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	be_quiet();
	watch(t, limits->hang);
	trial_run(t, e, sound, limits);
	_exit(0);
}

/* --- the parent -------------------------------------------------------------- */

static void finish(struct trial *t, int status, const struct rusage *used)
{
	const struct timeval *user = &used->ru_utime, *sys = &used->ru_stime;

	if (t->end != TRIAL_BROKEN_OFF)
		return;
	t->seconds = user->tv_sec + sys->tv_sec + (user->tv_usec + sys->tv_usec) * 1e-6;
	t->end = TRIAL_CRASH;
	if (!WIFSIGNALED(status)) {
		snprintf(t->rule, sizeof(t->rule), "exit");
		snprintf(t->what, sizeof(t->what), "ended with status %d", WEXITSTATUS(status));
		return;
	}
	if (WTERMSIG(status) == SIGALRM) {
		t->end = TRIAL_HANG;
		snprintf(t->rule, sizeof(t->rule), "hang");
		snprintf(t->what, sizeof(t->what), "a program that does not end");
		return;
	}
	snprintf(t->rule, sizeof(t->rule), "SIG%s", sigabbrev_np(WTERMSIG(status)));
	snprintf(t->what, sizeof(t->what), "%s", strsignal(WTERMSIG(status)));
}

struct pool {
	pid_t pid[JOBS_MAX];
	u32 nr[JOBS_MAX]; /* which trial */
	u32 busy, jobs;
};

/* Waits for one; its number. */
static int reap(struct pool *pool, struct trial *trials)
{
	struct rusage used;
	int status;

	for (;;) {
		pid_t pid = wait4(-1, &status, 0, &used);

		if (pid < 0 && errno != EINTR)
			return -errno;
		for (u32 i = 0; pid > 0 && i < pool->busy; i++) {
			u32 nr = pool->nr[i];

			if (pool->pid[i] != pid)
				continue;
			pool->busy--;
			pool->pid[i] = pool->pid[pool->busy];
			pool->nr[i] = pool->nr[pool->busy];
			finish(&trials[nr], status, &used);
			return nr;
		}
	}
}

int trials_run(struct trial *trials, const struct exhibit *exhibits, u32 nr, u32 nr_trials,
	       const struct policies *sound, const struct limits *limits, u32 jobs,
	       void (*done)(void *ctx, const struct exhibit *e, const struct trial *t), void *ctx)
{
	struct pool pool = {.jobs = min(jobs, (u32)JOBS_MAX)};
	u32 total = nr * nr_trials, next = 0;
	int got;

	while (next < total || pool.busy) {
		if (next < total && !exhibits[next / nr_trials].code) {
			next++;
			continue;
		}
		if (next < total && pool.busy < pool.jobs) {
			pid_t pid =
				start(&trials[next], &exhibits[next / nr_trials], sound, limits);

			if (pid < 0)
				return -errno;
			pool.pid[pool.busy] = pid;
			pool.nr[pool.busy++] = next++;
			continue;
		}
		got = reap(&pool, trials);
		if (got < 0)
			return got;
		if (done)
			done(ctx, &exhibits[got / nr_trials], &trials[got]);
	}
	return 0;
}
