// SPDX-License-Identifier: GPL-2.0-only
/*
 * One job of nosnoop-fuzz. What it does depends on its seed and its corpus alone; the clock only says
 * when to stop. Every finding is shrunk here: of each policy and rule the first ones, then every time
 * that their number has doubled, so that a policy that breaks in every program does not turn a
 * campaign into one long shrink.
 */
#define _GNU_SOURCE
#include "fuzz/campaign/fuzz_job.h"

#include "fuzz/shrink/shrink.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define LOOK_EVERY  64	 /* steps between two looks at the clock */
#define TELL_EVERY  0.2	 /* seconds between two reports */
#define SHRUNK_ALL  8	 /* so many findings of a policy and rule are shrunk, then fewer */
#define RULES_KNOWN 1024 /* pairs of a policy and a rule */

/* What one process does: it is all there is in it. */
struct work {
	const struct fuzz_options *o;
	struct fuzz_job *job;
	struct campaign *campaign;
	int fd;
	double started, told, saved, shrinking;
	bool found;
	u64 expected[EXPECTED_MAX];
	struct seen {
		u32 policy;
		struct rule rule;
		u64 nr;
	} seen[RULES_KNOWN];
	u32 nr_seen;
};

static volatile sig_atomic_t stopping;

static void on_signal(int signal)
{
	stopping = 1;
}

static double clock_now(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

/* --- telling -------------------------------------------------------------------- */

static void write_all(int fd, const void *data, size_t size)
{
	const char *from = data;

	while (size) {
		ssize_t n = write(fd, from, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(EXIT_INPUT); /* the parent has gone */
		from += n;
		size -= n;
	}
}

static void tell(const struct work *w, enum fuzz_word word, const void *a, size_t alen,
		 const void *b, size_t blen)
{
	struct fuzz_message m = {word, alen + blen};

	write_all(w->fd, &m, sizeof(m));
	write_all(w->fd, a, alen);
	write_all(w->fd, b, blen);
}

static void __attribute__((noreturn)) give_up(const struct work *w, const char *what, int rc)
{
	char text[200];

	snprintf(text, sizeof(text), "%s: %s", what, strerror(rc));
	tell(w, FUZZ_FAILED, text, strlen(text), NULL, 0);
	_exit(EXIT_INPUT);
}

static void tell_counts(struct work *w, enum fuzz_word word)
{
	struct fuzz_counts c = {
		*campaign_counts(w->campaign), clock_now(CLOCK_PROCESS_CPUTIME_ID), {0}};

	memcpy(c.expected, w->expected, sizeof(c.expected));
	tell(w, word, &c, sizeof(c), NULL, 0);
	w->told = clock_now(CLOCK_MONOTONIC);
}

/* --- findings ------------------------------------------------------------------- */

static u32 policy_index(const struct fuzz_options *o, const struct flush_policy *policy)
{
	u32 i = 0;

	while (o->policies.policy[i] != policy)
		i++;
	return i;
}

static struct seen *seen_of(struct work *w, u32 policy, const struct rule *rule)
{
	struct seen *s = w->seen;

	while (s < w->seen + w->nr_seen && (s->policy != policy || !rule_equal(&s->rule, rule)))
		s++;
	if (s == w->seen + w->nr_seen && w->nr_seen < RULES_KNOWN - 1) {
		*s = (struct seen){policy, *rule, 0};
		w->nr_seen++;
	}
	return s;
}

static bool worth_shrinking(u64 nr)
{
	return nr <= SHRUNK_ALL || !(nr & (nr - 1));
}

static void on_tried(void *ctx, const struct program *p)
{
	struct work *w = ctx;

	w->job->last->serial++;
}

static void shrink(struct work *w, struct program *p, const struct campaign_finding *from,
		   struct fuzz_found *f)
{
	struct shrink_stats stats = {0};
	struct shrink_rule s;
	int rc = shrink_rule_open(&s, w->o->backend, from->policy, &from->rule);

	s.cfg.twin = w->o->twin;
	s.tried = on_tried;
	s.tried_ctx = w;
	if (!rc)
		rc = shrink_by_rule(p, &s, &stats);
	shrink_rule_close(&s);
	if (rc == -ENOMEM)
		give_up(w, "shrinking", -rc);
	/* -ENOENT: it fires in the campaign's way of judging alone, and is told as it was. */
	f->ops_before = rc ? 0 : stats.ops_before;
	f->ops_after = program_nr_ops(p);
}

static bool on_found(void *ctx, const struct campaign_finding *from)
{
	struct work *w = ctx;
	int known = expected_find(&w->o->expected, from->run, &from->rule);
	double begun = clock_now(CLOCK_PROCESS_CPUTIME_ID);
	struct fuzz_found f = {
		.policy = policy_index(w->o, from->policy),
		.rule = from->rule,
		.run = from->run_number,
		.seed = w->job->seed,
		.job = w->job->number,
		.cpu = begun - w->started - w->shrinking,
	};
	struct program p = PROGRAM_EMPTY;

	if (known >= 0) {
		w->expected[known]++;
		return false;
	}
	if (!worth_shrinking(++seen_of(w, f.policy, &f.rule)->nr) || (w->o->first && w->found))
		return true;
	w->found = true;
	if (program_copy(&p, from->program))
		give_up(w, "a finding", ENOMEM);
	shrink(w, &p, from, &f);
	tell(w, FUZZ_FINDING, &f, sizeof(f), p.ops, p.nr * OP_SIZE);
	program_free(&p);
	w->shrinking += clock_now(CLOCK_PROCESS_CPUTIME_ID) - begun;
	return true;
}

static void on_running(void *ctx, const struct program *p, const struct flush_policy *policy)
{
	struct work *w = ctx;
	struct fuzz_last *last = w->job->last;

	last->serial++;
	last->policy = policy_index(w->o, policy);
	last->nr = min(p->nr, ARRAY_SIZE(last->ops));
	memcpy(last->ops, p->ops, last->nr * OP_SIZE);
}

/* --- the process ---------------------------------------------------------------- */

void fuzz_campaign_config(const struct fuzz_options *o, struct campaign_config *cfg)
{
	campaign_defaults(cfg);
	cfg->backend = o->backend;
	cfg->twin = o->twin;
	cfg->policies = o->policies.policy;
	cfg->nr_policies = o->policies.nr;
	cfg->contracts = o->contracts;
	cfg->gen.max_pages = o->pages;
	if (o->ops)
		cfg->gen.max_ops = o->ops;
}

static void add_all(struct work *w, const struct programs *ps, bool known)
{
	for (u32 i = 0; i < ps->nr && !stopping; i++)
		if (campaign_add(w->campaign, &ps->p[i], known))
			give_up(w, "the corpus", ENOMEM);
}

static bool over(const struct work *w, double end)
{
	u64 steps = campaign_counts(w->campaign)->steps;

	return stopping || (w->job->runs && steps >= w->job->runs) || (w->o->first && w->found) ||
	       (end > 0 && !(steps % LOOK_EVERY) && clock_now(CLOCK_MONOTONIC) >= end);
}

static void tell_corpus(struct work *w)
{
	u32 nr = campaign_counts(w->campaign)->corpus;

	tell(w, FUZZ_CORPUS, NULL, 0, NULL, 0);
	for (u32 i = 0; i < nr; i++) {
		const struct program *p = campaign_corpus(w->campaign, i);

		tell(w, FUZZ_KEPT, p->ops, p->nr * OP_SIZE, NULL, 0);
	}
	tell(w, FUZZ_WHOLE, NULL, 0, NULL, 0);
}

static void tell_now_and_then(struct work *w)
{
	double now = clock_now(CLOCK_MONOTONIC);

	if (now - w->told > TELL_EVERY)
		tell_counts(w, FUZZ_COUNTS);
	if (w->o->out && now - w->saved > w->o->checkpoint) {
		tell_corpus(w);
		w->saved = now;
	}
}

static void run_campaign(struct work *w, double end)
{
	int rc = 0;

	while (!rc && !over(w, end)) {
		rc = campaign_step(w->campaign);
		if (!(campaign_counts(w->campaign)->steps % LOOK_EVERY))
			tell_now_and_then(w);
	}
	if (rc)
		give_up(w, "a run", -rc);
}

static void __attribute__((noreturn))
work(struct work *w, const struct programs *known, const struct programs *seeds)
{
	double begun = clock_now(CLOCK_MONOTONIC);
	struct campaign_config cfg;

	fuzz_campaign_config(w->o, &cfg);
	cfg.seed = w->job->seed;
	cfg.ctx = w;
	cfg.found = on_found;
	cfg.running = on_running;
	w->campaign = campaign_create(&cfg);
	if (!w->campaign)
		give_up(w, "cannot start a run", errno);
	w->started = clock_now(CLOCK_PROCESS_CPUTIME_ID);
	add_all(w, known, true);
	add_all(w, seeds, false);
	w->saved = clock_now(CLOCK_MONOTONIC);
	run_campaign(w, w->o->seconds > 0 ? begun + w->o->seconds : 0);
	tell_corpus(w);
	tell_counts(w, FUZZ_DONE);
	_exit(0);
}

/* In the child both signals end the campaign; Ctrl-C reaches it from the terminal by itself. */
static void __attribute__((noreturn))
child(struct fuzz_job *j, const struct fuzz_options *o, const struct programs *known,
      const struct programs *seeds, int fd, pid_t parent)
{
	struct sigaction sa = {.sa_handler = on_signal};
	struct work *w = calloc(1, sizeof(*w));

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!w || getppid() != parent)
		_exit(EXIT_INPUT);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigprocmask(SIG_SETMASK, &(sigset_t){0}, NULL);
	signal(SIGPIPE, SIG_IGN);
	w->o = o;
	w->job = j;
	w->fd = fd;
	work(w, known, seeds);
}

void fuzz_job_start(struct fuzz_job *j, const struct fuzz_options *o, const struct programs *known,
		    const struct programs *seeds, int folder)
{
	pid_t parent = getpid();
	int fds[2];

	j->last = mmap(NULL, sizeof(*j->last), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (j->last == MAP_FAILED || pipe2(fds, O_CLOEXEC))
		bad_input("cannot start job %u: %s", j->number, strerror(errno));
	fflush(NULL);
	j->pid = fork();
	if (!j->pid) {
		close(fds[0]);
		if (folder >= 0)
			close(folder);
		child(j, o, known, seeds, fds[1], parent);
	}
	close(fds[1]);
	if (j->pid < 0)
		bad_input("cannot start job %u: %s", j->number, strerror(errno));
	j->fd = fds[0];
}
