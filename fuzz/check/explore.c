// SPDX-License-Identifier: GPL-2.0-only
/*
 * Breadth-first exploration on the real core.
 *
 * A *state* is what lies between two requests: core, policy and shadow, in canonical form (space.h;
 * what the form leaves out, and why, stands at the head of backend_core_form.c). A *transition* is
 * one request, executed by op_run() on the core under the policy, judged by the shadow as it goes.
 * Level n holds the states whose shortest sequences have n requests. A level is complete when every
 * request was executed from each of its states; when it leads to no new state, that is a fixpoint:
 * every sequence of any length is then, request by request, one that was executed and judged, up to
 * the symmetries of the form. Anything less is bounded, and called so.
 *
 * States are kept as forms alone. To expand one, its sequence is executed again from the set-up;
 * the states of a level are expanded in the order of their parents, so two neighbours share nearly
 * all of their sequences, and a stack of snapshots, one for each request of the sequence at hand,
 * leaves one or two requests to execute. From there each successor costs a restored snapshot, the
 * request, and the form.
 *
 * The level's workers are forked when it begins and gone when it is complete. What they share is the
 * store and struct level below. A worker that dies tells by `at` which request killed it.
 *
 * With failures every request is executed with the first, the second ... place failing, until none
 * is left to fail: the last of these is the request as it is.
 *
 * Every verdict is the first one in the order of (requests, rank of the state, action), whatever
 * the number of workers: the same counter-examples come out of every complete run.
 *
 * NOT covered, however complete: in-kernel rw and with it pins that last no longer than a request,
 * accesses that move or end while they hold pins, the end of a table; areas that begin or end inside
 * a page, large pages, requests over several areas, holes, limits, races; read-only maps and pins for
 * reading where the configuration does not say so; and whatever needs more objects than it has.
 */
#include "fuzz/check/check.h"
#include "fuzz/check/space.h"
#include "fuzz/check/store.h"

#include "core/op/bind.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHUNK	      8u /* states that a worker takes at a time */
#define POLL_NS	      20000000
#define NO_KEY	      UINT64_MAX
#define EXIT_DONE     71 /* of workers: no status that a hook would think of */
#define EXIT_NO_ARENA 72
#define HANG_SECONDS  60
#define DEAF_SECONDS  3 /* how long a worker may go on when it was told to stop */

const char *const check_end_name[] = {
	[CHECK_FIXPOINT] = "fixpoint",
	[CHECK_DEPTH] = "bounded: depth",
	[CHECK_SECONDS] = "bounded: time",
	[CHECK_MEMORY] = "bounded: memory",
	[CHECK_BROKEN] = "bounded: all that is not claimed is broken",
	[CHECK_CROWDED] = "bounded: no room between areas",
	[CHECK_FORMLESS] = "bounded: the policy's state has a pointer in it, or is too much",
	[CHECK_STOPPED] = "bounded: stopped",
	[CHECK_FINDING] = "stopped by a finding",
};

enum level_stop {
	LEVEL_RUNS,
	LEVEL_FULL,
	LEVEL_SECONDS,
	LEVEL_CROWDED,
	LEVEL_FORMLESS,
	LEVEL_STOPPED
};

/* Shared by the workers of a level. */
struct level {
	u32 first, end; /* ranks to expand */
	u32 next;	/* offset of the next chunk */
	u32 expanded;
	u32 stop; /* enum level_stop */
	u64 transitions, refused;
	u64 broken[SHADOW_CONTRACTS]; /* origin_key() of the least transition; NO_KEY: none */
	u64 finding;
	u32 lock; /* of the text below */
	char rule[12], what[160];
	u64 at[]; /* what each worker is doing */
};

struct explorer {
	const struct check_config *cfg;
	struct space space;
	struct store *store;
	struct level *level;
	struct timespec begin;
};

/* The sequence at hand: requests[i] leads from stack[i] to stack[i + 1]. */
struct snapshot {
	void *data;
	size_t size, room;
	u32 rank;
};

struct worker {
	struct explorer *ex;
	struct level *level;
	u64 *at; /* origin_key() of what it is doing, for those who find it dead */
	struct run *run;
	struct store_cursor cursor;
	struct program op; /* one request */
	struct scene scene;
	struct snapshot *stack;
	u32 depth, room; /* of the stack */
	u32 *path;
	struct origin origin; /* of the transition at hand */
	u8 form[FORM_ROOM];
};

static double seconds_since(const struct timespec *begin)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - begin->tv_sec + (now.tv_nsec - begin->tv_nsec) * 1e-9;
}

static void stop_level(struct level *l, enum level_stop why)
{
	u32 runs = LEVEL_RUNS;

	__atomic_compare_exchange_n(&l->stop, &runs, why, false, __ATOMIC_RELAXED,
				    __ATOMIC_RELAXED);
}

static bool least(u64 *slot, u64 key)
{
	u64 old = __atomic_load_n(slot, __ATOMIC_RELAXED);

	while (key < old)
		if (__atomic_compare_exchange_n(slot, &old, key, false, __ATOMIC_RELAXED,
						__ATOMIC_RELAXED))
			return true;
	return false;
}

/* --- one request ------------------------------------------------------------------------------- */

static struct run *make_run(const struct check_config *cfg)
{
	struct run_config rc = {
		.backend = cfg->backend,
		.policy = cfg->policy,
		.shadow = true,
		.model = cfg->model,
		.check = cfg->model ? RUN_CHECK_OPS : RUN_CHECK_NEVER,
		.teardown = RUN_TEARDOWN_BACKEND,
	};

	return run_create(&rc);
}

/* Executes the action from the state at hand; 0 or what space_op() says. */
static int perform(struct worker *w, struct action a)
{
	size_t at = 0;
	int rc;

	program_clear(&w->op);
	rc = space_op(&w->ex->space, &w->scene, a, &w->op);
	if (!rc)
		run_step(w->run, &w->op, &at);
	return rc;
}

static void note_finding(struct worker *w, u64 key)
{
	struct run_finding f = run_finding(w->run, 0);
	struct level *l = w->level;

	while (__atomic_exchange_n(&l->lock, 1, __ATOMIC_ACQUIRE))
		;
	if (least(&l->finding, key)) {
		snprintf(l->rule, sizeof(l->rule), "%s", f.rule);
		snprintf(l->what, sizeof(l->what), "%s", f.what);
	}
	__atomic_store_n(&l->lock, 0, __ATOMIC_RELEASE);
}

static void judge_transition(struct worker *w)
{
	u32 broken = shadow_broken(run_shadow(w->run));
	u64 key = origin_key(w->origin);

	for (u32 c = 0; broken; c++, broken >>= 1)
		if (broken & 1)
			least(&w->level->broken[c], key);
	if (run_findings(w->run))
		note_finding(w, key);
}

static void add_state(struct worker *w)
{
	u32 len = space_form(&w->ex->space, w->run, w->form);

	if (run_full(w->run))
		stop_level(w->level, LEVEL_FULL);
	else if (!len)
		stop_level(w->level, LEVEL_FORMLESS);
	else if (store_insert(w->ex->store, &w->cursor, w->form, len, w->origin) == STORE_FULL)
		stop_level(w->level, LEVEL_FULL);
}

/* The action, and what it came to. False: none of its places failed, though @a.fail asks for it. */
static bool transition(struct worker *w, struct action a)
{
	const struct snapshot *from = &w->stack[w->depth];
	const struct run_result *res;
	bool fired;

	w->origin.action = action_pack(a);
	*w->at = origin_key(w->origin);
	run_restore(w->run, from->data, from->size);
	if (perform(w, a)) {
		stop_level(w->level, LEVEL_CROWDED);
		return false;
	}
	res = run_result(w->run, run_ops(w->run));
	fired = res->fired;
	if (a.fail && !fired) { /* it went through: no place is left to fail */
		a.fail = 0;
		w->origin.action = action_pack(a);
	}
	__atomic_add_fetch(&w->level->transitions, 1, __ATOMIC_RELAXED);
	if (res->rc && !fired)
		__atomic_add_fetch(&w->level->refused, 1, __ATOMIC_RELAXED);
	judge_transition(w);
	add_state(w);
	return fired;
}

static bool expand_action(void *ctx, struct action a)
{
	struct worker *w = ctx;

	if (!w->ex->cfg->space.failures) {
		transition(w, a);
	} else {
		for (a.fail = 1; transition(w, a); a.fail++) {
			if (a.fail == ACTION_FAIL_MAX) {
				stop_level(w->level, LEVEL_FULL);
				break;
			}
		}
	}
	return !__atomic_load_n(&w->level->stop, __ATOMIC_RELAXED);
}

/* --- from state to state ----------------------------------------------------------------------- */

static void snapshot(struct worker *w, u32 depth, u32 rank)
{
	size_t size = run_save_size(w->run);
	struct snapshot *s;

	if (depth == w->room) {
		w->room = max(16u, 2 * w->room);
		w->stack = realloc(w->stack, w->room * sizeof(*w->stack));
		w->path = realloc(w->path, w->room * sizeof(*w->path));
		if (!w->stack || !w->path)
			_exit(EXIT_NO_ARENA);
		memset(w->stack + depth, 0, (w->room - depth) * sizeof(*w->stack));
	}
	s = &w->stack[depth];
	if (s->room < size) {
		free(s->data);
		s->room = size + size / 4;
		s->data = malloc(s->room);
		if (!s->data)
			_exit(EXIT_NO_ARENA);
	}
	run_save(w->run, s->data);
	s->size = size;
	s->rank = rank;
	w->depth = depth;
}

/* Ranks from the root to @rank into path[1..]; how many. */
static u32 find_path(struct worker *w, u32 rank)
{
	u32 n = 0;

	for (u32 r = rank; r; r = store_origin(w->ex->store, r).parent)
		n++;
	while (n + 1 >= w->room) /* room for the snapshots, too */
		snapshot(w, w->room, 0);
	for (u32 i = n, r = rank; i; i--) {
		w->path[i] = r;
		r = store_origin(w->ex->store, r).parent;
	}
	return n;
}

static void look(struct worker *w)
{
	if (space_look(&w->ex->space, w->run, &w->scene))
		return;
	run_forget(w->run);
	fprintf(stderr, "nosnoop-check: a state outside of the configuration\n");
	abort();
}

/* Brings the run into the state of @rank: what its sequence shares with the last one is a snapshot. */
static void go_to(struct worker *w, u32 rank)
{
	u32 n = find_path(w, rank), shared = 0;
	struct origin o;

	while (shared < n && shared < w->depth && w->stack[shared + 1].rank == w->path[shared + 1])
		shared++;
	run_restore(w->run, w->stack[shared].data, w->stack[shared].size);
	w->depth = shared;
	look(w);
	for (u32 i = shared + 1; i <= n; i++) {
		o = store_origin(w->ex->store, w->path[i]);
		*w->at = origin_key(o);
		perform(w, action_unpack(o.action));
		run_forget(w->run);
		look(w);
		snapshot(w, i, w->path[i]);
	}
}

static void expand(struct worker *w, u32 rank)
{
	struct explorer *ex = w->ex;

	go_to(w, rank);
	w->origin.parent = rank;
	space_requests(&ex->space, &w->scene, expand_action, w);
	__atomic_add_fetch(&w->level->expanded, 1, __ATOMIC_RELAXED);
}

static bool worker_begin(struct worker *w)
{
	w->run = make_run(w->ex->cfg);
	program_init(&w->op);
	if (!w->run || !space_begin(&w->ex->space, w->run))
		return false;
	snapshot(w, 0, 0);
	return true;
}

static void worker_main(struct explorer *ex, u32 number)
{
	struct worker w = {.ex = ex, .level = ex->level};
	struct level *l = ex->level;
	u32 nr = l->end - l->first, at;

	w.at = &l->at[number];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_IGN); /* the parent tells */
	if (!worker_begin(&w))
		_exit(EXIT_NO_ARENA);
	while (!__atomic_load_n(&l->stop, __ATOMIC_RELAXED)) {
		at = __atomic_fetch_add(&l->next, CHUNK, __ATOMIC_RELAXED);
		for (u32 i = at; i < at + CHUNK && i < nr && !l->stop; i++)
			expand(&w, l->first + i);
		if (at >= nr)
			break;
	}
	_exit(EXIT_DONE);
}

/* --- levels ------------------------------------------------------------------------------------ */

static size_t level_size(const struct check_config *cfg)
{
	return sizeof(struct level) + cfg->jobs * sizeof(u64);
}

static void level_reset(struct explorer *ex, u32 first, u32 end)
{
	struct level *l = ex->level;

	memset(l, 0, level_size(ex->cfg));
	l->first = first;
	l->end = end;
	for (u32 c = 0; c < SHADOW_CONTRACTS; c++)
		l->broken[c] = NO_KEY;
	l->finding = NO_KEY;
}

static void tell_progress(struct explorer *ex, struct check_result *res)
{
	struct check_result now = *res;
	struct level *l = ex->level;

	now.transitions += l->transitions;
	now.states = store_inserted(ex->store);
	now.frontier = l->end - l->first - l->expanded;
	now.bytes = store_bytes(ex->store);
	now.seconds = seconds_since(&ex->begin);
	if (ex->cfg->progress)
		ex->cfg->progress(ex->cfg->ctx, &now);
}

/* A worker died: its transition is the finding, unless it was the machine's memory that was full. */
static void note_death(struct explorer *ex, u32 worker, int status)
{
	struct level *l = ex->level;

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
		stop_level(l, LEVEL_FULL);
		return;
	}
	stop_level(l, LEVEL_STOPPED);
	if (!least(&l->finding, l->at[worker]))
		return;
	snprintf(l->rule, sizeof(l->rule), CHECK_CRASH);
	if (WIFSIGNALED(status))
		snprintf(l->what, sizeof(l->what), "the core died of signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(l->what, sizeof(l->what), "the core ended the process with status %d",
			 WEXITSTATUS(status));
}

/* Workers of a level, as the parent sees them. */
struct crew {
	u32 nr, left;
	pid_t *pid; /* 0: gone */
	u64 *at;    /* what it was doing ... */
	double *since;
	double stopped; /* when the level was told to stop; 0: not yet */
};

/* A request takes microseconds: who is at the same one for so long never comes back from it. */
static void look_for_hang(struct explorer *ex, struct crew *crew, u32 i, double now)
{
	struct level *l = ex->level;
	u64 at = __atomic_load_n(&l->at[i], __ATOMIC_RELAXED);

	if (at != crew->at[i]) {
		crew->at[i] = at;
		crew->since[i] = now;
		return;
	}
	if (now - crew->since[i] < HANG_SECONDS || !least(&l->finding, at))
		return;
	snprintf(l->rule, sizeof(l->rule), CHECK_CRASH);
	snprintf(l->what, sizeof(l->what), "a request did not end within %d s", HANG_SECONDS);
	stop_level(l, LEVEL_STOPPED);
}

/* What the clock and the user want; workers that do not hear are killed. */
static void watch(struct explorer *ex, struct crew *crew)
{
	double now = seconds_since(&ex->begin);
	struct level *l = ex->level;

	if (ex->cfg->stop && *ex->cfg->stop)
		stop_level(l, LEVEL_STOPPED);
	if (ex->cfg->seconds && now > ex->cfg->seconds)
		stop_level(l, LEVEL_SECONDS);
	for (u32 i = 0; i < crew->nr; i++)
		if (crew->pid[i] > 0)
			look_for_hang(ex, crew, i, now);
	if (!l->stop)
		return;
	if (!crew->stopped)
		crew->stopped = now;
	for (u32 i = 0; i < crew->nr && now - crew->stopped > DEAF_SECONDS; i++)
		if (crew->pid[i] > 0)
			kill(crew->pid[i], SIGKILL);
}

/* 0, or -ENOMEM: a worker could not begin. */
static int reap(struct explorer *ex, struct crew *crew)
{
	int status, rc = 0;

	for (u32 i = 0; i < crew->nr; i++) {
		if (crew->pid[i] <= 0 || waitpid(crew->pid[i], &status, WNOHANG) != crew->pid[i])
			continue;
		crew->pid[i] = 0;
		crew->left--;
		if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NO_ARENA)
			rc = -ENOMEM;
		else if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_DONE)
			note_death(ex, i, status);
	}
	return rc;
}

static int wait_workers(struct explorer *ex, struct check_result *res, pid_t *pid, u32 nr)
{
	struct timespec pause = {.tv_nsec = POLL_NS};
	u64 at[nr];
	double since[nr];
	struct crew crew = {.nr = nr, .left = nr, .pid = pid, .at = at, .since = since};
	int rc = 0;

	for (u32 i = 0; i < nr; i++) {
		at[i] = NO_KEY;
		since[i] = seconds_since(&ex->begin);
	}
	while (crew.left) {
		rc = reap(ex, &crew) ?: rc;
		watch(ex, &crew);
		tell_progress(ex, res);
		if (crew.left)
			nanosleep(&pause, NULL);
	}
	return rc;
}

static int run_level(struct explorer *ex, struct check_result *res, u32 first, u32 end)
{
	u32 jobs = min(ex->cfg->jobs, (end - first + CHUNK - 1) / CHUNK);
	pid_t pid[jobs];
	int rc = 0;

	level_reset(ex, first, end);
	fflush(NULL);
	for (u32 i = 0; i < jobs; i++) {
		pid[i] = fork();
		if (!pid[i])
			worker_main(ex, i);
		if (pid[i] < 0) {
			rc = -errno;
			stop_level(ex->level, LEVEL_STOPPED);
			jobs = i;
		}
	}
	return wait_workers(ex, res, pid, jobs) ?: rc;
}

/* --- results ----------------------------------------------------------------------------------- */

/* The sequence that ends in the transition @key, as a program that says the names of things. */
static int make_trace(struct explorer *ex, u64 key, u32 requests, bool kills,
		      struct check_trace *out)
{
	struct worker w = {.ex = ex};
	struct program p = PROGRAM_EMPTY;
	struct run_config cfg;
	int rc = -ENOMEM;
	u32 n;

	if (!worker_begin(&w) || program_copy(&p, &ex->space.setup))
		goto out;
	n = find_path(&w, key >> 32);
	run_restore(w.run, w.stack[0].data, w.stack[0].size);
	for (u32 i = 1; i <= n + 1; i++) {
		u32 action = i <= n ? store_origin(ex->store, w.path[i]).action : (u32)key;

		look(&w);
		rc = space_op(&ex->space, &w.scene, action_unpack(action), &p);
		if (rc)
			goto out;
		if (i <= n)
			perform(&w, action_unpack(action));
	}
	cfg = *run_config(w.run);
	rc = run_reset(w.run, &cfg);
	if (!rc) /* binding runs it: not what kills */
		rc = kills ? program_copy(&out->program, &p)
			   : program_bind(w.run, &p, &out->program);
	out->requests = requests;
out:
	for (u32 i = 0; i < w.room; i++)
		free(w.stack[i].data);
	free(w.stack);
	free(w.path);
	program_free(&w.op);
	program_free(&p);
	run_destroy(w.run);
	return rc;
}

/* What the level said, in @res. */
static int take_verdicts(struct explorer *ex, struct check_result *res)
{
	const struct level *l = ex->level;
	int rc = 0;

	res->transitions += l->transitions;
	res->refused += l->refused;
	for (u32 c = 0; c < SHADOW_CONTRACTS && !rc; c++)
		if (l->broken[c] != NO_KEY && !res->broken[c].requests)
			rc = make_trace(ex, l->broken[c], res->level, false, &res->broken[c]);
	if (rc || l->finding == NO_KEY)
		return rc;
	memcpy(res->rule, l->rule, sizeof(res->rule));
	memcpy(res->what, l->what, sizeof(res->what));
	return make_trace(ex, l->finding, res->level, !strcmp(l->rule, CHECK_CRASH), &res->finding);
}

static u32 broken_mask(const struct check_result *res)
{
	u32 mask = 0;

	for (u32 c = 0; c < SHADOW_CONTRACTS; c++)
		mask |= (u32) !!res->broken[c].requests << c;
	return mask;
}

/* Is this the end, after a level? @more: it led to new states. */
static bool ended(const struct explorer *ex, struct check_result *res, bool more)
{
	static const enum check_end by_stop[] = {
		[LEVEL_RUNS] = CHECK_STOPPED,	   [LEVEL_FULL] = CHECK_MEMORY,
		[LEVEL_SECONDS] = CHECK_SECONDS,   [LEVEL_CROWDED] = CHECK_CROWDED,
		[LEVEL_FORMLESS] = CHECK_FORMLESS, [LEVEL_STOPPED] = CHECK_STOPPED,
	};
	const struct check_config *cfg = ex->cfg;
	u32 all = (1u << SHADOW_CONTRACTS) - 1;

	if (res->finding.requests)
		res->end = CHECK_FINDING;
	else if (ex->level->stop || ex->level->expanded != ex->level->end - ex->level->first)
		res->end = by_stop[ex->level->stop];
	else if (!more)
		res->end = CHECK_FIXPOINT;
	else if (cfg->depth && res->level == cfg->depth)
		res->end = CHECK_DEPTH;
	else if (cfg->until_broken && (broken_mask(res) | cfg->unbroken) == all)
		res->end = CHECK_BROKEN;
	else
		return false;
	return true;
}

/* The set-up's state: rank 0. */
static int add_root(struct explorer *ex)
{
	struct store_cursor cursor = {0};
	struct run *r = make_run(ex->cfg);
	u8 form[FORM_ROOM];
	int rc = -ENOMEM;
	u32 len;

	if (r && space_begin(&ex->space, r)) {
		len = space_form(&ex->space, r, form);
		if (!len)
			rc = -ENODATA;
		else if (store_insert(ex->store, &cursor, form, len, (struct origin){0}) ==
			 STORE_NEW)
			rc = store_rank_level(ex->store) ? 0 : -ENOMEM;
	}
	run_destroy(r);
	return rc;
}

static int explore(struct explorer *ex, struct check_result *res)
{
	u32 first = 0, end;
	int rc = add_root(ex);

	if (rc == -ENODATA) {
		res->end = CHECK_FORMLESS;
		return 0;
	}
	while (!rc) {
		end = store_ranks(ex->store);
		res->level++;
		rc = run_level(ex, res, first, end) ?: take_verdicts(ex, res);
		if (!rc && !store_rank_level(ex->store))
			rc = -ENOMEM;
		/* The last level of a fixpoint executes requests, but reaches nothing further away. */
		if (rc || ended(ex, res, store_ranks(ex->store) > end))
			break;
		res->depth = res->level;
		first = end;
	}
	if (res->end == CHECK_DEPTH || res->end == CHECK_BROKEN)
		res->depth = res->level;
	res->frontier = store_inserted(ex->store) - first - ex->level->expanded;
	return rc;
}

int check_explore(const struct check_config *cfg, struct check_result *res, char *err,
		  size_t errlen)
{
	struct explorer ex = {.cfg = cfg};
	int rc;

	memset(res, 0, sizeof(*res));
	*err = 0;
	rc = space_init(&ex.space, &cfg->space, err, errlen);
	if (rc)
		return rc;
	rc = -ENOMEM;
	clock_gettime(CLOCK_MONOTONIC, &ex.begin);
	ex.store = store_create(cfg->memory);
	ex.level = mmap(NULL, level_size(cfg), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	if (ex.store && ex.level != MAP_FAILED)
		rc = explore(&ex, res);
	if (ex.store) {
		res->states = store_inserted(ex.store);
		res->bytes = store_bytes(ex.store);
		res->form_bytes = store_form_bytes(ex.store);
	}
	res->seconds = seconds_since(&ex.begin);
	store_destroy(ex.store);
	if (ex.level != MAP_FAILED)
		munmap(ex.level, level_size(cfg));
	space_free(&ex.space);
	return rc;
}

void check_result_free(struct check_result *res)
{
	for (u32 c = 0; c < SHADOW_CONTRACTS; c++)
		program_free(&res->broken[c].program);
	program_free(&res->finding.program);
}
