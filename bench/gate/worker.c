// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "bench/gate/worker.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/gate/arms.h"
#include "bench/gate/loaded.h"

extern char **environ;

/* --- the job on its way ----------------------------------------------------------------------- */

static int put_job(FILE *f, const struct gate_job *job)
{
	u64 size;

	fwrite(job, sizeof(*job), 1, f);
	for (u32 i = 0; i < job->nr_texts; i++) {
		size = strlen(job->texts[i]) + 1;
		fwrite(&size, sizeof(size), 1, f);
		fwrite(job->texts[i], size, 1, f);
	}
	return fflush(f) || ferror(f) ? -EIO : 0;
}

static int get_job(FILE *f, struct gate_job *job)
{
	char **texts;
	u64 size;

	if (fread(job, sizeof(*job), 1, f) != 1)
		return -EIO;
	texts = calloc(job->nr_texts, sizeof(*texts));
	for (u32 i = 0; texts && i < job->nr_texts; i++) {
		if (fread(&size, sizeof(size), 1, f) != 1)
			return -EIO;
		texts[i] = malloc(size);
		if (!texts[i] || fread(texts[i], size, 1, f) != 1)
			return -EIO;
	}
	job->texts = (const char *const *)texts;
	return texts ? 0 : -ENOMEM;
}

/* Pairs behind the fixed part. */
static int put_result(FILE *f, const struct gate_worked *w)
{
	fwrite(w, sizeof(*w), 1, f);
	if (w->nr_pairs)
		fwrite(w->pairs, sizeof(*w->pairs), w->nr_pairs, f);
	return fflush(f) || ferror(f) ? -EIO : 0;
}

static int get_result(FILE *f, struct gate_worked *w)
{
	rewind(f);
	if (fread(w, sizeof(*w), 1, f) != 1)
		return -EIO;
	w->pairs = calloc(w->nr_pairs ? w->nr_pairs : 1, sizeof(*w->pairs));
	if (!w->pairs)
		return -ENOMEM;
	return fread(w->pairs, sizeof(*w->pairs), w->nr_pairs, f) == w->nr_pairs ? 0 : -EIO;
}

/* --- the worker ------------------------------------------------------------------------------- */

static int execute_all(struct gate_arms *a, const struct gate_job *job, char *err, size_t errlen)
{
	int rc = 0;

	for (u32 i = 0; !rc && i < job->nr_texts; i++) {
		rc = gate_arms_open(a, job, job->texts[i], err, errlen);
		for (u32 k = 0; !rc && k < job->nr_arms; k++)
			rc = gate_arm_run(a, k, NULL);
		gate_arms_close(a);
	}
	return rc;
}

/* The least of two runs, after one that fetches. */
static int count(struct gate_arms *a, struct gate_worked *out)
{
	double ns;
	int rc = 0;

	for (u32 i = 0; !rc && i < 3; i++) {
		rc = gate_arm_run(a, 0, &ns);
		out->ns = i < 2 ? ns : min(out->ns, ns);
	}
	return rc ? rc : a->module[0]->count(a->session[0], &out->counts);
}

static int work(struct gate_arms *a, const struct gate_job *job, struct gate_worked *out)
{
	int rc;

	if (job->kind == GATE_JOB_EXECUTE)
		return execute_all(a, job, out->err, sizeof(out->err));
	rc = gate_arms_open(a, job, job->texts[0], out->err, sizeof(out->err));
	if (rc)
		return rc;
	if (job->kind == GATE_JOB_COUNT)
		return count(a, out);
	out->pairs = calloc(job->pairs, sizeof(*out->pairs));
	return out->pairs ? gate_arms_time(a, job, out) : -ENOMEM;
}

/*
 * A crash is the candidate's, not a file of some gigabytes; a hang ends. The first limit of the CPU is
 * SIGXCPU, which says what was wrong; the second would be SIGKILL. The alarm is for one that sleeps.
 */
static void set_limits(const struct gate_job *job)
{
	struct rlimit cpu = {job->seconds, job->seconds + 1};

	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	setrlimit(RLIMIT_CPU, &cpu);
	alarm(job->seconds);
}

/* The result's way out. What a policy prints goes to standard error, not into the result. */
static FILE *take_stdout(void)
{
	int fd = dup(STDOUT_FILENO);

	if (fd < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return NULL;
	return fdopen(fd, "w");
}

int gate_worker_main(void)
{
	static struct gate_job job;
	static struct gate_worked out;
	struct gate_arms arms = {0};
	FILE *result = take_stdout();

	if (!result)
		return 1;
	out.rc = get_job(stdin, &job);
	if (!out.rc)
		set_limits(&job);
	if (!out.rc)
		out.rc = gate_arms_load(&arms, &job, out.err, sizeof(out.err));
	if (!out.rc)
		out.rc = work(&arms, &job, &out);
	gate_arms_close(&arms);
	if (out.rc && !*out.err)
		snprintf(out.err, sizeof(out.err), "%s", strerror(-out.rc));
	return put_result(result, &out) ? 1 : 0;
}

/* --- the gate's end --------------------------------------------------------------------------- */

static int start(FILE *in, FILE *out, char *const *wrapper, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	char self[PATH_MAX];
	char *argv[16];
	u32 n = 0;
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int rc;

	if (len < 0)
		return -errno;
	self[len] = '\0';
	for (; wrapper && wrapper[n] && n < ARRAY_SIZE(argv) - 4; n++)
		argv[n] = wrapper[n];
	argv[n++] = self;
	argv[n++] = "gate";
	argv[n++] = "--worker";
	argv[n] = NULL;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fileno(in), STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, fileno(out), STDOUT_FILENO);
	if (wrapper)
		posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	rc = -posix_spawnp(pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

static bool ran_out(int status)
{
	return WTERMSIG(status) == SIGALRM || WTERMSIG(status) == SIGXCPU;
}

static int finish(pid_t pid, FILE *result, const struct gate_job *job, struct gate_worked *out)
{
	int status, rc;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFSIGNALED(status) && ran_out(status)) {
		snprintf(out->err, sizeof(out->err), "no end within %u s: ended", job->seconds);
		return -ETIMEDOUT;
	}
	if (WIFSIGNALED(status)) {
		snprintf(out->err, sizeof(out->err), "the process died: %s",
			 strsignal(WTERMSIG(status)));
		return -ECHILD;
	}
	rc = WEXITSTATUS(status) ? -ECHILD : get_result(result, out);
	if (rc)
		snprintf(out->err, sizeof(out->err), "the process left no result (exit %d)",
			 WEXITSTATUS(status));
	return rc ? rc : out->rc;
}

int gate_work(const struct gate_job *job, char *const *wrapper, struct gate_worked *out)
{
	FILE *in = tmpfile(), *result = tmpfile();
	pid_t pid;
	int rc = in && result ? 0 : -errno;

	*out = (struct gate_worked){0};
	if (!rc)
		rc = put_job(in, job);
	if (!rc && lseek(fileno(in), 0, SEEK_SET) < 0)
		rc = -errno;
	if (!rc)
		rc = start(in, result, wrapper, &pid);
	if (rc)
		snprintf(out->err, sizeof(out->err), "no process could be started: %s",
			 strerror(-rc));
	else
		rc = finish(pid, result, job, out);
	if (in)
		fclose(in);
	if (result)
		fclose(result);
	return rc;
}
