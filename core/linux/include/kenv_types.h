/* SPDX-License-Identifier: GPL-2.0-only */
/* Part of kenv.h: Types, attributes, arithmetic and bits. */
#ifndef NOSNOOP_KENV_TYPES_H
#define NOSNOOP_KENV_TYPES_H

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

#endif
