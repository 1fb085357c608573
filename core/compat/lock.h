/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The locks of the core, by their kernel names, on pthreads. All of the core takes locks through
 * this header and nothing else, so that one compile switch swaps them: -DNOSNOOP_LOCK_CHECK gives
 * locks that check the order of the classes below; a scheduler of fibers can take this seat later
 * (every lock operation is then a scheduling point).
 *
 * Order, outermost first: a thread may take a lock only of a class that is greater than all it
 * holds. Unlocked locks hold no pointer, so a snapshot taken between requests may copy them as
 * bytes.
 */
#ifndef NOSNOOP_LOCK_H
#define NOSNOOP_LOCK_H

#include <pthread.h>
#include <sys/single_threaded.h>
#include "core/compat/compat.h"

enum lock_class {
	LOCK_ACCESS_IOAS = 1, /* iommufd_access::ioas_lock */
	LOCK_DOMAINS,	      /* io_pagetable::domains_rwsem */
	LOCK_IOVA,	      /* io_pagetable::iova_rwsem */
	LOCK_PAGES,	      /* iopt_pages::mutex */
	LOCK_LIST,	      /* iommufd_ctx::list_lock */
	LOCK_MM,	      /* a task's mmap lock */
	LOCK_DOMAIN,	      /* a domain's page table */
	LOCK_FRAMES,	      /* frames and pin counts */
	LOCK_ARENA,	      /* the allocator, innermost */
};

#ifdef NOSNOOP_LOCK_CHECK
#include <stdio.h>
#include <stdlib.h>

/* Per thread, test builds only: a bit for each class held. */
extern _Thread_local u32 lock_held_classes;

static inline void lock_acquired(enum lock_class c)
{
	if (lock_held_classes >> c) {
		fprintf(stderr, "lock order: class %d taken while 0x%x is held\n", c,
			lock_held_classes);
		abort();
	}
	lock_held_classes |= 1u << c;
}

static inline void lock_released(enum lock_class c)
{
	if (!(lock_held_classes & 1u << c)) {
		fprintf(stderr, "lock order: class %d released but not held\n", c);
		abort();
	}
	lock_held_classes &= ~(1u << c);
}

static inline bool lock_is_held(enum lock_class c)
{
	return lock_held_classes & 1u << c;
}
#else
static inline void lock_acquired(enum lock_class c)
{
}

static inline void lock_released(enum lock_class c)
{
}

static inline bool lock_is_held(enum lock_class c)
{
	return true;
}
#endif

/* Documents, and in a checking build proves, that the caller holds a lock of this class. */
#define lockdep_assert_held(c) assert(lock_is_held(c))

struct mutex {
	pthread_mutex_t m;
	enum lock_class class;
};

struct rw_semaphore {
	pthread_rwlock_t l;
	enum lock_class class;
};

/*
 * Defined by a program that has more than one thread, of which one alone ever enters the core: the
 * others watch (libFuzzer's measures memory). Locks and atomic counters would be a fifth of such a
 * program's time.
 */
extern const char lock_one_thread[] __attribute__((weak));

/* False: nobody else can be there. */
static inline bool lock_contended(void)
{
	return unlikely(!__libc_single_threaded) && !lock_one_thread;
}

static inline void mutex_init(struct mutex *m, enum lock_class class)
{
	m->m = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	m->class = class;
}

static inline void mutex_lock(struct mutex *m)
{
	lock_acquired(m->class);
	if (lock_contended())
		pthread_mutex_lock(&m->m);
}

static inline void mutex_unlock(struct mutex *m)
{
	if (lock_contended())
		pthread_mutex_unlock(&m->m);
	lock_released(m->class);
}

static inline void init_rwsem(struct rw_semaphore *s, enum lock_class class)
{
	pthread_rwlock_init(&s->l, NULL);
	s->class = class;
}

static inline void down_read(struct rw_semaphore *s)
{
	lock_acquired(s->class);
	if (lock_contended())
		pthread_rwlock_rdlock(&s->l);
}

static inline void up_read(struct rw_semaphore *s)
{
	if (lock_contended())
		pthread_rwlock_unlock(&s->l);
	lock_released(s->class);
}

static inline void down_write(struct rw_semaphore *s)
{
	lock_acquired(s->class);
	if (lock_contended())
		pthread_rwlock_wrlock(&s->l);
}

static inline void up_write(struct rw_semaphore *s)
{
	if (lock_contended())
		pthread_rwlock_unlock(&s->l);
	lock_released(s->class);
}

/* Counters that several objects share. Both return the new value. */
static inline u64 counter_add(u64 *counter, u64 n)
{
	if (lock_contended())
		return __atomic_add_fetch(counter, n, __ATOMIC_ACQ_REL);
	return *counter += n;
}

static inline u64 counter_sub(u64 *counter, u64 n)
{
	return counter_add(counter, -n);
}

#endif
