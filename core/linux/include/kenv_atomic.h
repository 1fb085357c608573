/* SPDX-License-Identifier: GPL-2.0-only */
/* Part of kenv.h: Atomics and references, for one thread. */
#ifndef NOSNOOP_KENV_ATOMIC_H
#define NOSNOOP_KENV_ATOMIC_H

#define ATOMIC_INIT(i) \
	{              \
		(i)    \
	}
#define KENV_ATOMIC(prefix, type, T)                            \
	static inline T prefix##_read(const type *v)            \
	{                                                       \
		return v->counter;                              \
	}                                                       \
	static inline void prefix##_set(type *v, T i)           \
	{                                                       \
		v->counter = i;                                 \
	}                                                       \
	static inline void prefix##_add(T i, type *v)           \
	{                                                       \
		v->counter += i;                                \
	}                                                       \
	static inline void prefix##_sub(T i, type *v)           \
	{                                                       \
		v->counter -= i;                                \
	}                                                       \
	static inline void prefix##_inc(type *v)                \
	{                                                       \
		v->counter++;                                   \
	}                                                       \
	static inline void prefix##_dec(type *v)                \
	{                                                       \
		v->counter--;                                   \
	}                                                       \
	static inline T prefix##_add_return(T i, type *v)       \
	{                                                       \
		return v->counter += i;                         \
	}                                                       \
	static inline T prefix##_inc_return(type *v)            \
	{                                                       \
		return ++v->counter;                            \
	}                                                       \
	static inline bool prefix##_dec_and_test(type *v)       \
	{                                                       \
		return !--v->counter;                           \
	}                                                       \
	static inline T prefix##_cmpxchg(type *v, T old, T new) \
	{                                                       \
		T seen = v->counter;                            \
                                                                \
		if (seen == old)                                \
			v->counter = new;                       \
		return seen;                                    \
	}
KENV_ATOMIC(atomic, atomic_t, int)
KENV_ATOMIC(atomic_long, atomic_long_t, long)
KENV_ATOMIC(atomic64, atomic64_t, s64)

static inline bool atomic_long_try_cmpxchg(atomic_long_t *v, unsigned long *old, long new)
{
	long seen = atomic_long_cmpxchg(v, *old, new);
	bool same = seen == (long)*old;

	*old = seen;
	return same;
}
#define cmpxchg(p, o, n)                       \
	({                                     \
		typeof(*(p)) kenv_seen = *(p); \
		if (kenv_seen == (o))          \
			*(p) = (n);            \
		kenv_seen;                     \
	})
#define xchg(p, n)                             \
	({                                     \
		typeof(*(p)) kenv_seen = *(p); \
		*(p) = (n);                    \
		kenv_seen;                     \
	})

/* A reference that is taken from nothing or given back twice is what refcount_t warns about. */
typedef struct refcount_struct {
	atomic_t refs;
} refcount_t;
#define REFCOUNT_INIT(n)       \
	{                      \
		ATOMIC_INIT(n) \
	}

static inline void refcount_set(refcount_t *r, int n)
{
	r->refs.counter = n;
}

static inline unsigned int refcount_read(const refcount_t *r)
{
	return r->refs.counter;
}

static inline void refcount_add(int n, refcount_t *r)
{
	WARN_ON(r->refs.counter <= 0);
	r->refs.counter += n;
}

static inline void refcount_inc(refcount_t *r)
{
	refcount_add(1, r);
}

static inline __must_check bool refcount_inc_not_zero(refcount_t *r)
{
	if (!r->refs.counter)
		return false;
	r->refs.counter++;
	return true;
}

static inline __must_check bool refcount_dec_and_test(refcount_t *r)
{
	WARN_ON(r->refs.counter <= 0);
	return !--r->refs.counter;
}

static inline void refcount_dec(refcount_t *r)
{
	WARN_ON(r->refs.counter <= 1);
	r->refs.counter--;
}

static inline __must_check bool refcount_dec_not_one(refcount_t *r)
{
	if (r->refs.counter == 1)
		return false;
	r->refs.counter--;
	return true;
}

static inline __must_check bool refcount_sub_and_test(int n, refcount_t *r)
{
	WARN_ON(r->refs.counter < n);
	return !(r->refs.counter -= n);
}

#endif
