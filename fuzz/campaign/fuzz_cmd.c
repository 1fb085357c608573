// SPDX-License-Identifier: GPL-2.0-only
/* nosnoop-fuzz: the campaign without an engine. The parent process: it starts jobs, listens, writes. */
#include "fuzz/campaign/fuzz_store.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROGRESS_EVERY 0.5 /* seconds */
#define MESSAGE_MOST   (1u << 20)

typedef unsigned long long ull;

struct fuzz {
	struct fuzz_options o;
	struct store store;
	struct fuzz_job job[FUZZ_JOBS];
	u32 running;
	struct programs known, seeds; /* to begin with */
	bool progress, failed, stopped;
	u32 died; /* jobs */
	u32 told; /* corpora since the folder was brought up to date */
	double begun, shown;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int signal)
{
	interrupted = 1;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static void clear_progress(const struct fuzz *f)
{
	if (f->progress)
		fputs("\r\033[K", stderr);
}

static struct fuzz_totals totals(const struct fuzz *f)
{
	struct fuzz_totals t = {.wall = now() - f->begun};

	for (u32 i = 0; i < f->o.jobs; i++) {
		const struct campaign_counts *c = &f->job[i].counts.c;

		t.c.steps += c->steps;
		t.c.runs += c->runs;
		t.c.ops += c->ops;
		t.c.noops += c->noops;
		t.c.findings += c->findings;
		t.c.full += c->full;
		t.c.slots = max(t.c.slots, c->slots);
		t.c.corpus = max(t.c.corpus, c->corpus);
		t.cpu += f->job[i].counts.cpu;
		for (u32 k = 0; k < f->o.expected.nr; k++)
			t.expected[k] += f->job[i].counts.expected[k];
	}
	return t;
}

static void show_progress(struct fuzz *f)
{
	struct fuzz_totals t;

	if (!f->progress || now() - f->shown < PROGRESS_EVERY)
		return;
	f->shown = now();
	t = totals(f);
	fprintf(stderr, "\r\033[K%.0f s, %llu programs, %.2f M ops/s, %u states, %u findings",
		t.wall, (ull)t.c.steps, t.cpu > 0 ? t.c.ops / t.cpu / 1e6 * f->o.jobs : 0.0,
		t.c.slots, f->store.fresh);
	fflush(stderr);
}

/* --- listening ------------------------------------------------------------------ */

static struct program records(const void *data, size_t size)
{
	return (struct program){(struct op *)data, size / OP_SIZE, 0};
}

static void stop_jobs(struct fuzz *f)
{
	if (f->stopped)
		return;
	f->stopped = true;
	for (u32 i = 0; i < f->o.jobs; i++)
		if (f->job[i].pid > 0 && f->job[i].fd >= 0)
			kill(f->job[i].pid, SIGTERM);
}

/* So that a folder is never without the word whose it is, nor a finding in it without an entry. */
static void write_running(struct fuzz *f)
{
	struct fuzz_totals t = totals(f);

	t.ended = "running";
	if (f->o.out)
		ledger_write(&f->store, &t);
}

static void take_finding(struct fuzz *f, const struct fuzz_found *found, const struct program *p)
{
	u32 fresh = f->store.fresh;

	clear_progress(f);
	store_found(&f->store, found, p);
	if (f->store.fresh != fresh)
		write_running(f);
	if (f->o.first)
		stop_jobs(f);
}

static void take_message(struct fuzz *f, struct fuzz_job *j, u32 word, const u8 *data, u32 size)
{
	struct fuzz_found found;
	struct program p;

	switch (word) {
	case FUZZ_DONE:
		j->done = true;
		fallthrough;
	case FUZZ_COUNTS:
		memcpy(&j->counts, data, sizeof(j->counts));
		break;
	case FUZZ_FINDING:
		memcpy(&found, data, sizeof(found));
		p = records(data + sizeof(found), size - sizeof(found));
		take_finding(f, &found, &p);
		break;
	case FUZZ_CORPUS:
		programs_free(&j->coming);
		break;
	case FUZZ_KEPT:
		p = records(data, size);
		programs_add(&j->coming, &p);
		break;
	case FUZZ_WHOLE:
		programs_free(&j->kept);
		j->kept = j->coming;
		j->coming = (struct programs){0};
		j->whole = true;
		f->told++;
		break;
	case FUZZ_FAILED:
		clear_progress(f);
		fprintf(stderr, "nosnoop-fuzz: job %u: %.*s\n", j->number, (int)size,
			(const char *)data);
		f->failed = true;
		break;
	}
}

static void take_bytes(struct fuzz *f, struct fuzz_job *j)
{
	struct fuzz_message m;
	size_t at = 0;

	while (j->len - at >= sizeof(m)) {
		memcpy(&m, j->buf + at, sizeof(m));
		if (j->len - at < sizeof(m) + m.size)
			break;
		take_message(f, j, m.word, j->buf + at + sizeof(m), m.size);
		at += sizeof(m) + m.size;
	}
	memmove(j->buf, j->buf + at, j->len - at);
	j->len -= at;
}

/* The program that a job ran when it died. */
static void take_death(struct fuzz *f, struct fuzz_job *j, int signal)
{
	struct fuzz_found found = {
		.policy = j->last->policy,
		.run = j->counts.c.runs,
		.seed = j->seed,
		.job = j->number,
		.ops_after = j->last->nr,
		.cpu = j->counts.cpu,
		.signal = signal,
	};
	struct program p = {j->last->ops, j->last->nr, 0};

	snprintf(found.rule.name, sizeof(found.rule.name), "%s",
		 signal == SIGKILL ? RULE_OF_HANG : RULE_OF_CRASH);
	f->died++;
	clear_progress(f);
	fprintf(stderr, "nosnoop-fuzz: job %u: %s while it ran a program under %s\n", j->number,
		strsignal(signal), f->o.policies.policy[found.policy]->name);
	if (j->last->nr)
		take_finding(f, &found, &p);
}

static void job_ended(struct fuzz *f, struct fuzz_job *j)
{
	int status = 0;

	close(j->fd);
	j->fd = -1;
	f->running--;
	while (waitpid(j->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (j->done)
		return;
	if (WIFSIGNALED(status))
		take_death(f, j, WTERMSIG(status));
	else
		/* Sanitizers end a process by exit. */
		take_death(f, j, SIGABRT);
}

static void listen_to(struct fuzz *f, struct fuzz_job *j)
{
	ssize_t n;

	if (j->cap - j->len < 65536) {
		u8 *more = realloc(j->buf, j->cap + MESSAGE_MOST);

		if (!more)
			bad_input("out of memory");
		j->buf = more;
		j->cap += MESSAGE_MOST;
	}
	n = read(j->fd, j->buf + j->len, j->cap - j->len);
	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0) {
		job_ended(f, j);
		return;
	}
	j->len += n;
	take_bytes(f, j);
}

/* A program that never ends: a finding like a crash. */
static void look_for_stuck(struct fuzz *f)
{
	double t = now();

	for (u32 i = 0; i < f->o.jobs; i++) {
		struct fuzz_job *j = &f->job[i];

		if (j->fd < 0)
			continue;
		if (j->last->serial != j->last_serial || !j->last_moved) {
			j->last_serial = j->last->serial;
			j->last_moved = t;
		} else if (t - j->last_moved > FUZZ_STUCK) {
			kill(j->pid, SIGKILL);
			j->last_moved = t;
		}
	}
}

/* --- the folder, up to date --------------------------------------------------------- */

/* The jobs' corpora in one. False: a job has told none; what was there is better then. */
static bool collect_corpora(const struct fuzz *f, struct programs *all)
{
	for (u32 i = 0; i < f->o.jobs; i++)
		if (!f->job[i].whole)
			return false;
	for (u32 i = 0; i < f->o.jobs; i++)
		for (u32 k = 0; k < f->job[i].kept.nr; k++)
			programs_add(all, &f->job[i].kept.p[k]);
	return true;
}

/* What would be lost if this process were killed: only since the last time. */
static void checkpoint(struct fuzz *f)
{
	struct programs all = {0};

	if (!f->o.out || f->told < f->running || !collect_corpora(f, &all))
		return;
	f->told = 0;
	store_corpus(&f->store, &all);
	write_running(f);
	programs_free(&all);
}

/* Without programs whose states others reach too. */
static void minimise(struct fuzz *f, struct programs *all, struct fuzz_totals *t)
{
	struct programs merged = {0};
	struct campaign_config cfg;
	struct campaign *c;

	fuzz_campaign_config(&f->o, &cfg);
	c = campaign_create(&cfg);
	for (u32 i = 0; c && i < all->nr; i++)
		if (campaign_add(c, &all->p[i], true))
			bad_input("out of memory");
	if (!c)
		bad_input("cannot start a run: %s", strerror(errno));
	t->c.slots = campaign_counts(c)->slots;
	t->c.corpus = campaign_counts(c)->corpus;
	for (u32 i = 0; i < t->c.corpus; i++)
		programs_add(&merged, campaign_corpus(c, i));
	campaign_destroy(c);
	programs_free(all);
	*all = merged;
}

static void save_all(struct fuzz *f, struct fuzz_totals *t)
{
	struct programs all = {0};
	bool whole = collect_corpora(f, &all);

	if (whole && f->o.jobs > 1)
		minimise(f, &all, t);
	if (whole && f->o.out)
		store_corpus(&f->store, &all);
	if (f->o.out)
		ledger_write(&f->store, t);
	programs_free(&all);
}

static void listen_to_all(struct fuzz *f)
{
	struct pollfd fds[FUZZ_JOBS];

	for (u32 i = 0; i < f->o.jobs; i++)
		fds[i] = (struct pollfd){.fd = f->job[i].fd, .events = POLLIN};
	if (poll(fds, f->o.jobs, 250) > 0)
		for (u32 i = 0; i < f->o.jobs; i++)
			if (fds[i].revents)
				listen_to(f, &f->job[i]);
	if (interrupted)
		stop_jobs(f);
	look_for_stuck(f);
	if (f->running)
		checkpoint(f);
	show_progress(f);
}

/* --- beginning and end ---------------------------------------------------------- */

static void start_jobs(struct fuzz *f)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND};

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	for (u32 i = 0; i < f->o.jobs; i++) {
		struct fuzz_job *j = &f->job[i];

		j->number = i;
		j->seed = i ? mix64(f->store.seed + mix64(i)) >> 1 : f->store.seed;
		j->runs = f->o.runs / f->o.jobs + (i < f->o.runs % f->o.jobs);
		fuzz_job_start(j, &f->o, &f->known, &f->seeds, f->store.folder);
		f->running++;
	}
}

static const char *why_ended(const struct fuzz *f)
{
	if (f->died)
		return "died";
	if (interrupted)
		return "signal";
	if (f->o.first && f->stopped)
		return "first";
	return f->o.seconds && (!f->o.runs || totals(f).c.steps < f->o.runs) ? "seconds" : "runs";
}

static void print_findings(const struct fuzz *f)
{
	for (u32 i = 0; i < f->store.nr; i++) {
		const struct stored *k = &f->store.found[i];

		if (k->now)
			printf("  %-4s %-28s %3u ops%s%s\n", k->rule.name, k->policy, k->ops,
			       k->on_disk ? "  findings/" : "", k->on_disk ? k->name : "");
	}
}

static void print_summary(const struct fuzz *f, const struct fuzz_totals *t)
{
	printf("%s: %llu programs, %llu runs, %llu ops in %.1f CPU s (%.2f M ops/s)\n",
	       f->o.policy_arg, (ull)t->c.steps, (ull)t->c.runs, (ull)t->c.ops, t->cpu,
	       t->cpu > 0 ? t->c.ops / t->cpu / 1e6 : 0.0);
	printf("%u states, %u programs kept, seed %llu, ended by %s\n", t->c.slots, t->c.corpus,
	       (ull)f->store.seed, t->ended);
	if (t->c.full)
		printf("%llu runs could not be judged: an arena was full\n", (ull)t->c.full);
	if (t->c.findings || f->died)
		printf("%llu runs with a finding; told apart, and shrunk unless the job died:\n",
		       (ull)t->c.findings + f->died);
	else
		printf("no finding\n");
	print_findings(f);
	for (u32 i = 0; i < f->o.expected.nr; i++)
		if (t->expected[i])
			printf("  expected: %-32s %llu times\n", f->o.expected.entry[i].name,
			       (ull)t->expected[i]);
}

static void output(struct fuzz *f, const struct fuzz_totals *t)
{
	json_t *o;

	if (!f->o.json) {
		print_summary(f, t);
		return;
	}
	o = fuzz_json(&f->store, t);
	if (!o || json_dumpf(o, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6)))
		store_broken(&f->store, "standard output: the results cannot be written");
	putchar('\n');
	json_decref(o);
}

static int exit_status(const struct fuzz *f, const struct fuzz_totals *t)
{
	if (f->store.broken)
		return EXIT_DISK;
	if (t->c.findings || f->died || f->store.fresh)
		return EXIT_NO;
	return f->failed ? EXIT_INPUT : 0;
}

static void load_corpora(struct fuzz *f)
{
	char path[PATH_MAX];

	if (f->o.out) {
		snprintf(path, sizeof(path), "%s/corpus", f->o.out);
		if (!access(path, F_OK))
			corpus_read(&f->known, path);
	}
	if (f->o.corpus)
		corpus_read(&f->seeds, f->o.corpus);
}

static int finish(struct fuzz *f)
{
	struct fuzz_totals t = totals(f);
	int status;

	t.ended = why_ended(f);
	clear_progress(f);
	save_all(f, &t);
	output(f, &t);
	if (fflush(stdout))
		store_broken(&f->store, "standard output: the results cannot be written");
	status = exit_status(f, &t);
	store_close(&f->store);
	for (u32 i = 0; i < f->o.jobs; i++) {
		free(f->job[i].buf);
		programs_free(&f->job[i].kept);
		programs_free(&f->job[i].coming);
	}
	programs_free(&f->known);
	programs_free(&f->seeds);
	policies_close(&f->o.policies);
	return status;
}

int main(int argc, char **argv)
{
	static struct fuzz f;

	fuzz_parse(argc, argv, &f.o);
	store_open(&f.store, &f.o);
	load_corpora(&f);
	f.progress = isatty(STDERR_FILENO);
	f.begun = now();
	start_jobs(&f);
	write_running(&f);
	while (f.running)
		listen_to_all(&f);
	return finish(&f);
}
