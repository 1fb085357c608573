/* SPDX-License-Identifier: GPL-2.0-only */
/* Part of kenv.h: Locks as counters, scoped locks, RCU, wait queues. */
#ifndef NOSNOOP_KENV_LOCK_H
#define NOSNOOP_KENV_LOCK_H

struct kenv_lock {
	int writers, readers;
};
struct mutex {
	struct kenv_lock lock;
};
struct rw_semaphore {
	struct kenv_lock lock;
};
typedef struct spinlock {
	struct kenv_lock lock;
} spinlock_t, rwlock_t, raw_spinlock_t;
struct lock_class_key {
	int unused;
};

#ifdef CONFIG_IOMMUFD_TEST
#define KENV_LOCK_TAKE(l, write)                                         \
	do {                                                             \
		if (unlikely((l)->writers || ((write) && (l)->readers))) \
			KENV_FINDING("LOCK", "taken twice: " #l);        \
		++*((write) ? &(l)->writers : &(l)->readers);            \
	} while (0)
#define KENV_LOCK_DROP(l, write)                                          \
	do {                                                              \
		int *kenv_held = (write) ? &(l)->writers : &(l)->readers; \
		if (unlikely(!*kenv_held))                                \
			KENV_FINDING("LOCK", "released unheld: " #l);     \
		else                                                      \
			--*kenv_held;                                     \
	} while (0)
#else
/* A production kernel checks nothing here either. */
#define KENV_LOCK_TAKE(l, write) (++*((write) ? &(l)->writers : &(l)->readers))
#define KENV_LOCK_DROP(l, write) (--*((write) ? &(l)->writers : &(l)->readers))
#endif
#define mutex_lock(m)		KENV_LOCK_TAKE(&(m)->lock, true)
#define mutex_lock_nested(m, n) mutex_lock(m)
#define mutex_unlock(m)		KENV_LOCK_DROP(&(m)->lock, true)
#define mutex_trylock(m)       \
	({                     \
		mutex_lock(m); \
		1;             \
	})
#define mutex_is_locked(m)	    ((m)->lock.writers)
#define mutex_init(m)		    memset(m, 0, sizeof(*(m)))
#define mutex_init_with_key(m, key) mutex_init(m)
#define mutex_destroy(m)                                                   \
	do {                                                               \
		if (unlikely((m)->lock.writers))                           \
			KENV_FINDING("LOCK", "destroyed while held: " #m); \
	} while (0)
#define DEFINE_MUTEX(name)	struct mutex name
#define init_rwsem(s)		memset(s, 0, sizeof(*(s)))
#define down_read(s)		KENV_LOCK_TAKE(&(s)->lock, false)
#define down_read_nested(s, n)	down_read(s)
#define up_read(s)		KENV_LOCK_DROP(&(s)->lock, false)
#define down_write(s)		KENV_LOCK_TAKE(&(s)->lock, true)
#define down_write_nested(s, n) down_write(s)
#define up_write(s)		KENV_LOCK_DROP(&(s)->lock, true)
#define spin_lock_init(l)	memset(l, 0, sizeof(*(l)))
#define raw_spin_lock_init(l)	spin_lock_init(l)
#define DEFINE_SPINLOCK(name)	spinlock_t name
#define __SPIN_LOCK_UNLOCKED(name) \
	{                          \
	}
#define spin_lock(l)	       KENV_LOCK_TAKE(&(l)->lock, true)
#define spin_unlock(l)	       KENV_LOCK_DROP(&(l)->lock, true)
#define spin_lock_nested(l, n) spin_lock(l)
#define spin_lock_bh(l)	       spin_lock(l)
#define spin_unlock_bh(l)      spin_unlock(l)
#define spin_lock_irq(l)       spin_lock(l)
#define spin_unlock_irq(l)     spin_unlock(l)
#define spin_lock_irqsave(l, f) \
	do {                    \
		(void)(f);      \
		spin_lock(l);   \
	} while (0)
#define spin_unlock_irqrestore(l, f) \
	do {                         \
		(void)(f);           \
		spin_unlock(l);      \
	} while (0)
#define spin_lock_irqsave_nested(l, f, n) spin_lock_irqsave(l, f)
#ifdef CONFIG_IOMMUFD_TEST
#define KENV_HELD(l, what)                                     \
	do {                                                   \
		if (unlikely(!(what)))                         \
			KENV_FINDING("LOCK", "not held: " #l); \
	} while (0)
#else
#define KENV_HELD(l, what) ((void)0)
#endif
#define lockdep_assert_held(l)	     KENV_HELD(l, (l)->lock.writers || (l)->lock.readers)
#define lockdep_assert_held_write(l) KENV_HELD(l, (l)->lock.writers)
#define lockdep_assert_held_read(l)  KENV_HELD(l, (l)->lock.readers)
#define lockdep_assert_not_held(l)   KENV_HELD(l, !(l)->lock.writers && !(l)->lock.readers)
#define lockdep_assert(cond)	     KENV_HELD(cond, cond)
#define lockdep_is_held(l)	     ((l)->lock.writers || (l)->lock.readers)
#define lock_is_held(l)		     1
#define lockdep_set_class(l, key)    ((void)0)
#define lockdep_register_key(key)    ((void)0)
#define rwlock_acquire(...)	     ((void)0)

static inline bool refcount_dec_and_mutex_lock(refcount_t *r, struct mutex *m)
{
	if (!refcount_dec_and_test(r))
		return false;
	mutex_lock(m);
	return true;
}

static inline bool refcount_dec_and_lock(refcount_t *r, spinlock_t *l)
{
	if (!refcount_dec_and_test(r))
		return false;
	spin_lock(l);
	return true;
}

/* Scoped locks of newer kernels. */
static inline void kenv_mutex_unlock(struct mutex **m)
{
	mutex_unlock(*m);
}

static inline struct mutex *kenv_mutex_lock(struct mutex *m)
{
	mutex_lock(m);
	return m;
}

static inline void kenv_up_read(struct rw_semaphore **s)
{
	up_read(*s);
}

static inline struct rw_semaphore *kenv_down_read(struct rw_semaphore *s)
{
	down_read(s);
	return s;
}

static inline void kenv_up_write(struct rw_semaphore **s)
{
	up_write(*s);
}

static inline struct rw_semaphore *kenv_down_write(struct rw_semaphore *s)
{
	down_write(s);
	return s;
}
#define KENV_CAT_(a, b) a##b
#define KENV_CAT(a, b)	KENV_CAT_(a, b)
#define KENV_GUARD_mutex                                                    \
	__attribute__((cleanup(kenv_mutex_unlock))) struct mutex *KENV_CAT( \
		kenv_guard_, __LINE__) = kenv_mutex_lock
#define KENV_GUARD_rwsem_read                                                 \
	__attribute__((cleanup(kenv_up_read))) struct rw_semaphore *KENV_CAT( \
		kenv_guard_, __LINE__) = kenv_down_read
#define KENV_GUARD_rwsem_write                                                 \
	__attribute__((cleanup(kenv_up_write))) struct rw_semaphore *KENV_CAT( \
		kenv_guard_, __LINE__) = kenv_down_write
#define guard(kind) KENV_GUARD_##kind
/* Two loops of one round: `break` leaves the inner one, and the outer one ends with it. */
#define scoped_guard(kind, l)                                        \
	for (bool kenv_outer = true; kenv_outer; kenv_outer = false) \
		for (guard(kind)(l); kenv_outer; kenv_outer = false)
#define __free(name) __attribute__((cleanup(kenv_free_##name)))
#define no_free_ptr(p)                     \
	({                                 \
		typeof(p) kenv_kept = (p); \
		(p) = NULL;                \
		kenv_kept;                 \
	})
#define return_ptr(p) return no_free_ptr(p)

/* --- RCU, wait queues, completions: nobody else runs --------------------------------------------- */

#define rcu_read_lock()			((void)0)
#define rcu_read_unlock()		((void)0)
#define rcu_read_lock_held()		1
#define rcu_lock_is_held(l)		1
#define rcu_dereference(p)		(p)
#define rcu_dereference_raw(p)		(p)
#define rcu_dereference_check(p, c)	(p)
#define rcu_dereference_protected(p, c) (p)
#define rcu_assign_pointer(p, v)	((p) = (v))
#define RCU_INIT_POINTER(p, v)		((p) = (v))
#define call_rcu(head, fn)		(fn)(head)
#define synchronize_rcu()		((void)0)
#define kfree_rcu(p, m)			kfree(p)
#define init_rcu_head(h)		((void)0)
typedef struct wait_queue_head {
	int unused;
} wait_queue_head_t;
struct completion {
	int unused;
};
#define init_waitqueue_head(q)		 ((void)0)
#define wake_up(q)			 ((void)(q))
#define wake_up_all(q)			 ((void)(q))
#define wake_up_interruptible(q)	 ((void)(q))
#define wake_up_interruptible_all(q)	 ((void)(q))
#define wake_up_interruptible_poll(q, m) ((void)(q))
#define wait_event(q, cond)		 WARN_ON(!(cond))
#define wait_event_timeout(q, cond, t)  \
	({                              \
		bool kenv_met = (cond); \
		kenv_met;               \
	})
#define msecs_to_jiffies(n) (n)

#endif
