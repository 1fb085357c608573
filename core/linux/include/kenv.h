/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel environment of Linux's iommufd files in user space: what their headers would have
 * brought, and no more. Every <linux/...> header that the build does not take from the tree
 * forwards here (core/linux/build.py lists both).
 *
 * One thread runs a request at a time, so atomics are plain and a lock is a counter that says when
 * it is taken twice, released unheld or missed by lockdep_assert_held(): each is a finding "LOCK".
 * A WARN_ON() that fires is a finding "WARN". RCU grace periods end at once.
 */
#ifndef NOSNOOP_KENV_H
#define NOSNOOP_KENV_H

#include <asm/types.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* --- types and attributes --------------------------------------------------------------------- */

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;
#define __aligned_u64  __u64 __attribute__((aligned(8)))
#define __aligned_be64 __u64 __attribute__((aligned(8)))
#define __aligned_le64 __u64 __attribute__((aligned(8)))
#define __aligned_s64  __s64 __attribute__((aligned(8)))
#define __bitwise
#define __force
#define __user
#define __iomem
#define __rcu
#define __percpu
typedef u64 phys_addr_t, dma_addr_t, resource_size_t;
typedef unsigned int gfp_t;
typedef long ssize_t;
typedef long long loff_t;
typedef unsigned int fmode_t;
typedef u32 dev_t;
typedef u16 __le16, __be16;
typedef u32 __le32, __be32;
typedef u64 __le64, __be64;
typedef struct {
	int counter;
} atomic_t;
typedef struct {
	long counter;
} atomic_long_t;
typedef struct {
	s64 counter;
} atomic64_t;

struct list_head {
	struct list_head *next, *prev;
};
struct hlist_node {
	struct hlist_node *next, **pprev;
};
struct hlist_head {
	struct hlist_node *first;
};
struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
};
#define callback_head rcu_head

#ifndef __init
#define __init
#endif
#define __exit
#define __initdata
#define __read_mostly
#define __ro_after_init
#define __must_check	__attribute__((warn_unused_result))
#define __maybe_unused	__attribute__((unused))
#define __always_unused __attribute__((unused))
#define __packed	__attribute__((packed))
#define __aligned(x)	__attribute__((aligned(x)))
#define __printf(a, b)	__attribute__((format(printf, a, b)))
#define __counted_by(m)
#define __counted_by_ptr(m)
#define __cold
#define __pure __attribute__((pure))
#undef __attribute_const__
#define __attribute_const__ __attribute__((const))
#define noinline	    __attribute__((noinline))
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
#define __acquires(...)
#define __releases(...)
#define __must_hold(...)
#define __acquire(x) ((void)0)
#define __release(x) ((void)0)
#define __cond_acquires(...)
#define __private
#define ACCESS_PRIVATE(p, member) ((p)->member)
#define fallthrough		  __attribute__((fallthrough))
#define likely(x)		  __builtin_expect(!!(x), 1)
#define unlikely(x)		  __builtin_expect(!!(x), 0)
#define __stringify_1(x...)	  #x
#define __stringify(x...)	  __stringify_1(x)
#define __same_type(a, b)	  __builtin_types_compatible_p(typeof(a), typeof(b))
#define __is_constexpr(x)	  __builtin_constant_p(x)
#define typeof_member(T, m)	  typeof(((T *)0)->m)
#define barrier()		  __asm__ __volatile__("" : : : "memory")
#define smp_mb()		  barrier()
#define smp_rmb()		  barrier()
#define smp_wmb()		  barrier()
#define smp_load_acquire(p)	  READ_ONCE(*(p))
#define smp_store_release(p, v)	  WRITE_ONCE(*(p), v)
#define READ_ONCE(x)		  (*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v)	  (*(volatile typeof(x) *)&(x) = (v))
#define data_race(x)		  (x)
#define BITS_PER_BYTE		  8
#define BITS_PER_LONG		  64
#define BITS_PER_LONG_LONG	  64
#ifndef __BITS_PER_LONG
#define __BITS_PER_LONG 64
#endif
#define BITS_PER_TYPE(t)	   (sizeof(t) * 8)
#define BITS_PER_XA_VALUE	   (BITS_PER_LONG - 1)
#define BIT(n)			   (1UL << (n))
#define BIT_ULL(n)		   (1ULL << (n))
#define GENMASK(h, l)		   ((~0UL << (l)) & (~0UL >> (63 - (h))))
#define GENMASK_ULL(h, l)	   GENMASK(h, l)
#define BIT_WORD(n)		   ((n) / BITS_PER_LONG)
#define BIT_MASK(n)		   (1UL << ((n) % BITS_PER_LONG))
#define DIV_ROUND_UP(n, d)	   (((n) + (d)-1) / (d))
#define BITS_TO_LONGS(n)	   DIV_ROUND_UP(n, BITS_PER_LONG)
#define DECLARE_BITMAP(name, bits) unsigned long name[BITS_TO_LONGS(bits)]
#define U8_MAX			   ((u8)~0U)
#define U16_MAX			   ((u16)~0U)
#define U32_MAX			   ((u32)~0U)
#define U64_MAX			   ((u64)~0ULL)
#define PHYS_ADDR_MAX		   (~(phys_addr_t)0)
#define S64_MAX			   ((s64)(U64_MAX >> 1))
#ifndef SIZE_MAX
#define SIZE_MAX (~(size_t)0)
#endif
#define ERESTARTSYS  512
#define ENOIOCTLCMD  515
#define EPROBE_DEFER 517
#define ENOTSUPP     524

#ifndef IS_ENABLED
#define KENV_ARG_CONFIG_1		 0,
#define KENV_SECOND(ignored, value, ...) value
#define KENV_IS_SET(junk)		 KENV_SECOND(junk 1, 0)
#define KENV_IS_SET_(value)		 KENV_IS_SET(KENV_ARG_CONFIG_##value)
#define KENV_IS_SET__(option)		 KENV_IS_SET_(option)
#define IS_ENABLED(option)		 KENV_IS_SET__(option)
#define IS_BUILTIN(option)		 IS_ENABLED(option)
#define IS_MODULE(option)		 0
#define IS_REACHABLE(option)		 IS_ENABLED(option)
#endif

#define BUILD_BUG_ON_ZERO(e)	 ((int)(sizeof(struct { int : (-!!(e)); })))
#define BUILD_BUG_ON(e)		 ((void)sizeof(char[1 - 2 * !!(e)]))
#define BUILD_BUG_ON_MSG(e, msg) BUILD_BUG_ON(e)
#define BUILD_BUG()		 ((void)0)
#define static_assert(...) _Static_assert(__VA_ARGS__, "")
#define __must_be_array(a) 0
#define ARRAY_SIZE(a)	   (sizeof(a) / sizeof((a)[0]))
#undef offsetof
#define offsetof(t, m)		    __builtin_offsetof(t, m)
#define offsetofend(t, m)	    (offsetof(t, m) + sizeof(((t *)0)->m))
#define sizeof_field(t, m)	    sizeof(((t *)0)->m)
#define container_of(p, t, m)	    ((t *)((char *)(p)-offsetof(t, m)))
#define container_of_const(p, t, m) container_of(p, t, m)
#define struct_size(p, m, n)	    (sizeof(*(p)) + sizeof(*(p)->m) * (n))
#define flex_array_size(p, m, n)    (sizeof(*(p)->m) * (n))
#define min(a, b)                                  \
	({                                         \
		typeof(a) kenv_a = (a);            \
		typeof(b) kenv_b = (b);            \
		kenv_a < kenv_b ? kenv_a : kenv_b; \
	})
#define max(a, b)                                  \
	({                                         \
		typeof(a) kenv_a = (a);            \
		typeof(b) kenv_b = (b);            \
		kenv_a > kenv_b ? kenv_a : kenv_b; \
	})
#define min_t(t, a, b)	 min((t)(a), (t)(b))
#define max_t(t, a, b)	 max((t)(a), (t)(b))
#define min3(a, b, c)	 min(min(a, b), c)
#define clamp(v, lo, hi) min(max(v, lo), hi)
#define umin(a, b)	 min((u64)(a), (u64)(b))
#define swap(a, b)                      \
	do {                            \
		typeof(a) kenv_t = (a); \
		(a) = (b);              \
		(b) = kenv_t;           \
	} while (0)
#define KENV_MASK(x, m)			  (((x) + (m)) & ~(m))
#define ALIGN(x, a)			  KENV_MASK(x, (typeof(x))(a)-1)
#define ALIGN_DOWN(x, a)		  ((x) & ~((typeof(x))(a)-1))
#define IS_ALIGNED(x, a)		  (((x) & ((typeof(x))(a)-1)) == 0)
#define PTR_ALIGN(p, a)			  ((typeof(p))ALIGN((unsigned long)(p), (a)))
#define round_down(x, y)		  ALIGN_DOWN(x, y)
#define round_up(x, y)			  ((((x)-1) | ((typeof(x))(y)-1)) + 1)
#define rounddown(x, y)			  ((x) - (x) % (y))
#define roundup(x, y)			  (((x) + (y)-1) / (y) * (y))
#define u64_to_user_ptr(x)		  ((void __user *)(uintptr_t)(x))
#define lower_32_bits(n)		  ((u32)(n))
#define upper_32_bits(n)		  ((u32)((u64)(n) >> 32))
#define type_max(t)			  ((t)(((t)-1) > 0 ? (t)-1 : (t)((1ULL << (8 * sizeof(t) - 1)) - 1)))
#define is_signed_type(t)		  ((t)-1 < (t)1)
#define check_add_overflow(a, b, d)	  __builtin_add_overflow(a, b, d)
#define check_sub_overflow(a, b, d)	  __builtin_sub_overflow(a, b, d)
#define check_mul_overflow(a, b, d)	  __builtin_mul_overflow(a, b, d)
#define overflows_type(n, t)		  ((typeof(n))(t)(n) != (n))
#define range_end_overflows_t(t, s, n, m) ((t)(s) >= (t)(m) || (t)(n) > (t)(m) - (t)(s))

static inline size_t size_add(size_t a, size_t b)
{
	return __builtin_add_overflow(a, b, &a) ? SIZE_MAX : a;
}

static inline size_t size_mul(size_t a, size_t b)
{
	return __builtin_mul_overflow(a, b, &a) ? SIZE_MAX : a;
}

static inline bool is_power_of_2(unsigned long n)
{
	return n && !(n & (n - 1));
}

static inline unsigned long roundup_pow_of_two(unsigned long n)
{
	return n <= 1 ? 1 : n > 1UL << 63 ? 0 : 1UL << (64 - __builtin_clzl(n - 1));
}

static inline int ilog2(unsigned long n)
{
	return 63 - __builtin_clzl(n);
}

static inline unsigned long __ffs(unsigned long n)
{
	return __builtin_ctzl(n);
}

static inline unsigned long __fls(unsigned long n)
{
	return 63 - __builtin_clzl(n);
}

static inline unsigned long __ffs64(u64 n)
{
	return __builtin_ctzll(n);
}

static inline int fls(unsigned int n)
{
	return n ? 32 - __builtin_clz(n) : 0;
}

static inline int fls64(u64 n)
{
	return n ? 64 - __builtin_clzll(n) : 0;
}

static inline int ffs_(int n)
{
	return __builtin_ffs(n);
}
#define ffs ffs_

static inline bool test_bit(unsigned long nr, const volatile unsigned long *map)
{
	return map[BIT_WORD(nr)] >> nr % BITS_PER_LONG & 1;
}

static inline void __set_bit(unsigned long nr, unsigned long *map)
{
	map[BIT_WORD(nr)] |= BIT_MASK(nr);
}

static inline void __clear_bit(unsigned long nr, unsigned long *map)
{
	map[BIT_WORD(nr)] &= ~BIT_MASK(nr);
}

static inline bool __test_and_set_bit(unsigned long nr, unsigned long *map)
{
	bool was = test_bit(nr, map);

	__set_bit(nr, map);
	return was;
}

static inline bool __test_and_clear_bit(unsigned long nr, unsigned long *map)
{
	bool was = test_bit(nr, map);

	__clear_bit(nr, map);
	return was;
}
#define set_bit(nr, map)	    __set_bit(nr, map)
#define clear_bit(nr, map)	    __clear_bit(nr, map)
#define test_and_set_bit(nr, map)   __test_and_set_bit(nr, map)
#define test_and_clear_bit(nr, map) __test_and_clear_bit(nr, map)

static inline unsigned long find_next_bit(const unsigned long *map, unsigned long nbits,
					  unsigned long from)
{
	unsigned long word;

	while (from < nbits) {
		word = map[BIT_WORD(from)] >> from % BITS_PER_LONG;
		if (word) {
			from += __ffs(word);
			break;
		}
		from = (BIT_WORD(from) + 1) * BITS_PER_LONG;
	}
	return from < nbits ? from : nbits;
}
#define find_first_bit(map, nbits) find_next_bit(map, nbits, 0)

static inline bool bitmap_empty(const unsigned long *map, unsigned long nbits)
{
	return find_first_bit(map, nbits) == nbits;
}

static inline void bitmap_clear(unsigned long *map, unsigned long from, unsigned long n)
{
	while (n--)
		__clear_bit(from++, map);
}

static inline void bitmap_fill(unsigned long *map, unsigned long nbits)
{
	memset(map, 0xff, BITS_TO_LONGS(nbits) * sizeof(*map));
}
#define ffz(n)		__ffs(~(n))
#define hweight_long(n) __builtin_popcountl(n)
#define hweight64(n)	__builtin_popcountll(n)
#define hweight32(n)	__builtin_popcount(n)
#define do_div(n, base)                       \
	({                                    \
		u32 kenv_rest = (n) % (base); \
		(n) /= (base);                \
		kenv_rest;                    \
	})

/* --- what this environment says to nosnoop (core/linux/kernel.c) ------------------------------ */

/* @what stays valid: "pages.c: the condition". */
void kenv_finding(const char *rule, const char *what, int line);

#ifndef __FILE_NAME__ /* older clang: what is told is a path then */
#define __FILE_NAME__ __FILE__
#endif
#define KENV_FINDING(rule, text) kenv_finding(rule, __FILE_NAME__ ": " text, __LINE__)

#define KENV_WARN(cond, text)                       \
	({                                          \
		bool kenv_warned = !!(cond);        \
		if (unlikely(kenv_warned))          \
			KENV_FINDING("WARN", text); \
		unlikely(kenv_warned);              \
	})
#define WARN_ON(cond)		  KENV_WARN(cond, #cond)
#define WARN_ON_ONCE(cond)	  KENV_WARN(cond, #cond)
#define WARN(cond, ...)		  KENV_WARN(cond, #cond)
#define WARN_ONCE(cond, ...)	  KENV_WARN(cond, #cond)
#define WARN_RATELIMIT(cond, ...) KENV_WARN(cond, #cond)
#define VM_WARN_ON_ONCE(cond)	  KENV_WARN(cond, #cond)
#define BUG_ON(cond)                        \
	do {                                \
		if (KENV_WARN(cond, #cond)) \
			__builtin_trap();   \
	} while (0)
#define BUG() BUG_ON(true)

static inline __printf(1, 2) void kenv_quiet(const char *fmt, ...)
{
}
#define printk		    kenv_quiet
#define pr_crit		    kenv_quiet
#define pr_err		    kenv_quiet
#define pr_warn		    kenv_quiet
#define pr_info		    kenv_quiet
#define pr_debug	    kenv_quiet
#define pr_cont		    kenv_quiet
#define pr_warn_ratelimited kenv_quiet
#define dev_err(dev, ...)   kenv_quiet(__VA_ARGS__)
#define dev_warn(dev, ...)  kenv_quiet(__VA_ARGS__)
#define dev_info(dev, ...)  kenv_quiet(__VA_ARGS__)
#define dev_dbg(dev, ...)   kenv_quiet(__VA_ARGS__)
#define dump_stack()	    ((void)0)
#define might_sleep()	    ((void)0)
#define might_alloc(gfp)    ((void)0)
#define cond_resched()	    ((void)0)
#define cpu_relax()	    ((void)0)

/* --- ERR_PTR ----------------------------------------------------------------------------------- */

#define MAX_ERRNO	4095
#define IS_ERR_VALUE(x) unlikely((unsigned long)(void *)(x) >= (unsigned long)-MAX_ERRNO)

static inline void *ERR_PTR(long error)
{
	return (void *)error;
}

static inline long PTR_ERR(const void *p)
{
	return (long)p;
}

static inline bool IS_ERR(const void *p)
{
	return IS_ERR_VALUE(p);
}

static inline bool IS_ERR_OR_NULL(const void *p)
{
	return !p || IS_ERR_VALUE(p);
}

static inline void *ERR_CAST(const void *p)
{
	return (void *)p;
}

static inline int PTR_ERR_OR_ZERO(const void *p)
{
	return IS_ERR(p) ? PTR_ERR(p) : 0;
}

/* --- atomics: one thread ---------------------------------------------------------------------- */

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

/* --- locks: counters ---------------------------------------------------------------------------- */

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
#define KENV_HELD(l, what)                                     \
	do {                                                   \
		if (unlikely(!(what)))                         \
			KENV_FINDING("LOCK", "not held: " #l); \
	} while (0)
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
#define scoped_guard(kind, l)                   \
	for (bool kenv_once = true; kenv_once;) \
		for (guard(kind)(l); kenv_once; kenv_once = false)
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

/* --- memory ------------------------------------------------------------------------------------- */

#define PAGE_SHIFT	   12
#define PAGE_SIZE	   (1UL << PAGE_SHIFT)
#define PAGE_MASK	   (~(PAGE_SIZE - 1))
#define PMD_SHIFT	   21
#define PMD_SIZE	   (1UL << PMD_SHIFT)
#define PUD_SHIFT	   30
#define HPAGE_PMD_SIZE	   PMD_SIZE
#define HPAGE_SIZE	   PMD_SIZE
#define PHYS_PFN(x)	   ((unsigned long)((x) >> PAGE_SHIFT))
#define PFN_PHYS(x)	   ((phys_addr_t)(x) << PAGE_SHIFT)
#define PFN_DOWN(x)	   ((x) >> PAGE_SHIFT)
#define PFN_UP(x)	   (((x) + PAGE_SIZE - 1) >> PAGE_SHIFT)
#define PAGE_ALIGN(x)	   ALIGN(x, PAGE_SIZE)
#define PAGE_ALIGN_DOWN(x) ALIGN_DOWN(x, PAGE_SIZE)
#define PAGE_ALIGNED(x)	   IS_ALIGNED((unsigned long)(x), PAGE_SIZE)
#define offset_in_page(p)  ((unsigned long)(p) & ~PAGE_MASK)

#define ___GFP_DIRECT_RECLAIM	     0x400u
#define __GFP_DIRECT_RECLAIM	     0x400u
#define __GFP_ACCOUNT		     0x800u
#define __GFP_NOWARN		     0x1000u
#define __GFP_NORETRY		     0x2000u
#define __GFP_ZERO		     0x4000u
#define __GFP_NOFAIL		     0x8000u
#define __GFP_HIGHMEM		     0x10000u
#define __GFP_RECLAIM		     0x20000u
#define GFP_ATOMIC		     0x1u
#define GFP_NOWAIT		     0x2u
#define GFP_KERNEL		     (0x4u | __GFP_DIRECT_RECLAIM)
#define GFP_KERNEL_ACCOUNT	     (GFP_KERNEL | __GFP_ACCOUNT)
#define GFP_ZONEMASK		     0xfu
#define __GFP_BITS_SHIFT	     26
#define __GFP_BITS_MASK		     ((gfp_t)((1u << __GFP_BITS_SHIFT) - 1))
#define gfpflags_allow_blocking(gfp) (!!((gfp)&__GFP_DIRECT_RECLAIM))

/* Zeroed always, in the run's arena; fault point ALLOC. */
void *kenv_alloc(size_t size, gfp_t gfp);
void kfree(const void *p);
#define kmalloc(size, gfp)	     kenv_alloc(size, gfp)
#define kzalloc(size, gfp)	     kenv_alloc(size, gfp)
#define kvmalloc(size, gfp)	     kenv_alloc(size, gfp)
#define kvzalloc(size, gfp)	     kenv_alloc(size, gfp)
#define kcalloc(n, size, gfp)	     kenv_alloc(size_mul(n, size), gfp)
#define kvcalloc(n, size, gfp)	     kenv_alloc(size_mul(n, size), gfp)
#define kmalloc_array(n, size, gfp)  kenv_alloc(size_mul(n, size), gfp)
#define kvmalloc_array(n, size, gfp) kenv_alloc(size_mul(n, size), gfp)
#define kvfree(p)		     kfree(p)
#define KENV_GFP(...)		     KENV_GFP_(, ##__VA_ARGS__, GFP_KERNEL)
#define KENV_GFP_(first, gfp, ...)   gfp
#define kmalloc_obj(obj, ...)	     ((typeof(obj) *)kenv_alloc(sizeof(obj), KENV_GFP(__VA_ARGS__)))
#define kzalloc_obj(obj, ...)	     ((typeof(obj) *)kenv_alloc(sizeof(obj), KENV_GFP(__VA_ARGS__)))
#define kzalloc_flex(obj, m, n, ...) \
	((typeof(obj) *)kenv_alloc(struct_size((typeof(obj) *)0, m, n), KENV_GFP(__VA_ARGS__)))
#define kmalloc_objs(obj, n, ...) \
	((typeof(obj) *)kenv_alloc(size_mul(n, sizeof(obj)), KENV_GFP(__VA_ARGS__)))
#define kzalloc_objs(obj, n, ...) kmalloc_objs(obj, n, ##__VA_ARGS__)
static inline void kenv_free_kfree(void *p)
{
	kfree(*(void **)p);
}
struct kmem_cache;
struct list_lru;
extern struct kmem_cache *radix_tree_node_cachep;
void radix_tree_node_rcu_free(struct rcu_head *head);
void *kenv_cache_alloc(struct kmem_cache *cache, gfp_t gfp);
#define kmem_cache_alloc(c, gfp)	  kenv_cache_alloc(c, gfp)
#define kmem_cache_alloc_lru(c, lru, gfp) kenv_cache_alloc(c, gfp)
#define kmem_cache_free(c, p)		  kfree(p)

struct page;
struct folio;
struct vm_area_struct;
#define KENV_VMEMMAP	  0xffffea0000000000UL
#define KENV_PAGE_BYTES	  64UL
#define pfn_to_page(pfn)  ((struct page *)(KENV_VMEMMAP + (pfn)*KENV_PAGE_BYTES))
#define page_to_pfn(page) (((unsigned long)(page)-KENV_VMEMMAP) / KENV_PAGE_BYTES)
#define page_to_phys(p)	  PFN_PHYS(page_to_pfn(p))
#define virt_to_phys(p)	  ((phys_addr_t)(uintptr_t)(p))
/* A page's kernel mapping: no memory, but an address that the copies below know. */
#define KENV_KMAP	      0xffff888000000000UL
#define kmap_local_page(page) ((void *)(KENV_KMAP + (page_to_pfn(page) << PAGE_SHIFT)))
#define kunmap_local(p)	      ((void)(p))
#define page_address(page)    kmap_local_page(page)
void *kenv_memcpy(void *to, const void *from, size_t n);
void set_page_dirty_lock(struct page *page);
unsigned long copy_to_user(void __user *to, const void *from, unsigned long n);
unsigned long copy_from_user(void *to, const void __user *from, unsigned long n);
unsigned long clear_user(void __user *to, unsigned long n);
#define get_user(x, p) (copy_from_user(&(x), p, sizeof(x)) ? -EFAULT : 0)
#define put_user(x, p)                                                  \
	({                                                              \
		typeof(*(p)) kenv_x = (x);                              \
		copy_to_user(p, &kenv_x, sizeof(kenv_x)) ? -EFAULT : 0; \
	})
int kenv_copy_struct_from_user(void *to, size_t ksize, const void __user *from, size_t usize);
#define copy_struct_from_user kenv_copy_struct_from_user
int kenv_copy_struct_to_user(void __user *to, size_t usize, const void *from, size_t ksize,
			     bool *ignored);
#define copy_struct_to_user kenv_copy_struct_to_user

/* --- tasks, address spaces, users ---------------------------------------------------------------- */

struct mm_struct {
	unsigned int task; /* machine's id */
	atomic_t mm_users; /* mmget() */
	atomic_t mm_count; /* mmgrab() */
	struct kenv_lock mmap_lock;
	unsigned long locked_vm;
	atomic64_t pinned_vm;
};
struct user_struct {
	atomic_t users;
	atomic_long_t locked_vm;
};
struct task_struct {
	atomic_t usage;
	struct task_struct *group_leader;
	struct mm_struct *mm;
	struct user_struct *user;
	struct kenv_run *run;
};
struct task_struct *kenv_current(void);
#define current		 kenv_current()
#define current_user()	 (current->user)
#define PF_KTHREAD	 0x00200000
#define RLIMIT_MEMLOCK	 8
#define CAP_IPC_LOCK	 14
#define CAP_SYS_RAWIO	 17
#define CAP_SYS_ADMIN	 21
#define CAP_SYS_RESOURCE 24
bool capable(int cap);
unsigned long task_rlimit(const struct task_struct *task, unsigned int limit);
bool mmget_not_zero(struct mm_struct *mm);
void mmput(struct mm_struct *mm);
void mmgrab(struct mm_struct *mm);
void mmdrop(struct mm_struct *mm);
struct task_struct *get_task_struct(struct task_struct *t);
void put_task_struct(struct task_struct *t);
struct user_struct *get_uid(struct user_struct *u);
void free_uid(struct user_struct *u);
void kthread_use_mm(struct mm_struct *mm);
void kthread_unuse_mm(struct mm_struct *mm);
int __account_locked_vm(struct mm_struct *mm, unsigned long pages, bool inc,
			struct task_struct *task, bool bypass_rlim);
#define mmap_read_lock(mm)   KENV_LOCK_TAKE(&(mm)->mmap_lock, false)
#define mmap_read_unlock(mm) KENV_LOCK_DROP(&(mm)->mmap_lock, false)
#define mmap_write_lock(mm)  KENV_LOCK_TAKE(&(mm)->mmap_lock, true)
#define mmap_write_lock_killable(mm) \
	({                           \
		mmap_write_lock(mm); \
		0;                   \
	})
#define mmap_write_unlock(mm)  KENV_LOCK_DROP(&(mm)->mmap_lock, true)
#define mmap_assert_locked(mm) ((void)0)

#define FOLL_WRITE    1u
#define FOLL_LONGTERM 0x100u
long pin_user_pages_fast(unsigned long start, int nr, unsigned int gup_flags, struct page **pages);
long pin_user_pages_remote(struct mm_struct *mm, unsigned long start, unsigned long nr,
			   unsigned int gup_flags, struct page **pages, int *locked);
void unpin_user_page(struct page *page);
void unpin_user_pages(struct page **pages, unsigned long n);
void unpin_user_pages_dirty_lock(struct page **pages, unsigned long n, bool dirty);
void unpin_user_page_range_dirty_lock(struct page *page, unsigned long n, bool dirty);

/* Folios are a newer word for the pages of a file; no op of nosnoop maps a file. */
#define folio_page(folio, n)	    ((struct page *)(folio))
#define page_folio(page)	    ((struct folio *)(page))
#define folio_pfn(folio)	    page_to_pfn(folio)
#define folio_size(folio)	    PAGE_SIZE
#define folio_nr_pages(folio)	    1UL
#define folio_page_idx(folio, page) 0UL
#define folio_test_large(folio)	    false

/* --- cache maintenance: every name that a flush patch has used so far ----------------------------- */

void kenv_clean(phys_addr_t phys, size_t length);
void kenv_clean_virt(const void *virt, size_t length);
#define arch_clean_nonsnoop_dma(phys, length) kenv_clean(phys, length)
#define arch_flush_cache_phys(phys, length)   kenv_clean(phys, length)
#define clflush_cache_range(virt, length)     kenv_clean_virt(virt, length)

/* --- the rest of a kernel that the iommu headers name ----------------------------------------------- */

struct work_struct {
	void (*func)(struct work_struct *work);
};
struct module;
struct file;
struct inode;
struct dentry;
struct kobject {
	int unused;
};
struct device_node;
struct fwnode_handle;
struct bus_type;
struct notifier_block;
struct msi_desc;
struct msi_msg;
struct attribute_group;
struct of_phandle_args;
struct dev_iommu;
struct iommu_group;
struct irq_domain;
struct scatterlist;
struct sg_table {
	struct scatterlist *sgl;
	unsigned int nents, orig_nents;
};
struct device {
	struct kobject kobj;
	struct device *parent;
	struct dev_iommu *iommu;
	struct iommu_group *iommu_group;
	const struct bus_type *bus;
	struct fwnode_handle *fwnode;
	void *driver_data;
};
struct pci_dev {
	struct device dev;
	struct pci_dev *physfn;
	unsigned int is_virtfn : 1;
	struct pci_dev *bus_self;
};
#define to_pci_dev(d)	      container_of(d, struct pci_dev, dev)
#define dev_is_pci(d)	      false
#define PCI_PASID_CTRL_ENABLE 1
#define PCI_PASID_CTRL_EXEC   2
#define PCI_PASID_CTRL_PRIV   4
#define pci_pasid_status(p)   (-EINVAL)
#define THIS_MODULE	      ((struct module *)NULL)
#define EXPORT_SYMBOL(s)
#define EXPORT_SYMBOL_GPL(s)
#define EXPORT_SYMBOL_NS_GPL(s, ns)
#define EXPORT_SYMBOL_FOR_MODULES(s, m)
#define MODULE_IMPORT_NS(ns)
#define MODULE_PARM_DESC(name, s)
#define module_param(name, type, mode)
#define MODULE_LICENSE(s)
#define MODULE_DESCRIPTION(s)
#define MODULE_ALIAS(s)
#define module_init(f)
#define module_exit(f)
#define fs_initcall(f)
#define core_initcall(f)
static inline struct device *get_device(struct device *dev)
{
	return dev;
}
static inline void put_device(struct device *dev)
{
}
static inline const char *dev_name(const struct device *dev)
{
	return "nosnoop";
}
static inline void *dev_get_drvdata(const struct device *dev)
{
	return dev->driver_data;
}

/* Files, dma-bufs: newer kernels map them; no op of nosnoop does. */
struct phys_vec {
	phys_addr_t paddr;
	size_t len;
};
struct maple_tree {
	void *ma_root;
};
struct dma_resv;
struct dma_buf {
	size_t size;
	struct dma_resv *resv;
};
struct dma_buf_attachment {
	struct dma_buf *dmabuf;
	void *importer_priv;
};
struct dma_buf_attach_ops {
	bool allow_peer2peer;
	void (*invalidate_mappings)(struct dma_buf_attachment *attach);
	void (*move_notify)(struct dma_buf_attachment *attach);
};
struct dma_buf *dma_buf_get(int fd);
void dma_buf_put(struct dma_buf *buf);
struct dma_buf_attachment *dma_buf_dynamic_attach(struct dma_buf *buf, struct device *dev,
						  const struct dma_buf_attach_ops *ops, void *priv);
void dma_buf_detach(struct dma_buf *buf, struct dma_buf_attachment *attach);
int dma_buf_pin(struct dma_buf_attachment *attach);
void dma_buf_unpin(struct dma_buf_attachment *attach);
int dma_resv_lock(struct dma_resv *resv, void *ctx);
void dma_resv_unlock(struct dma_resv *resv);
int vfio_pci_dma_buf_iommufd_map(struct dma_buf_attachment *attach, struct phys_vec *phys);
#define symbol_get(s) (&(s))
#define symbol_put(s) ((void)0)
struct file *get_file(struct file *f);
struct file *fget(unsigned int fd);
void fput(struct file *f);
long memfd_pin_folios(struct file *memfd, loff_t start, loff_t end, struct folio **folios,
		      unsigned int max_folios, unsigned long *offset);
int folio_add_pins(struct folio *folio, unsigned int pins);
void unpin_folios(struct folio **folios, unsigned long n);

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/kref.h>

#endif
