/* SPDX-License-Identifier: GPL-2.0-only */
/* Part of kenv.h: What is told to nosnoop: findings; and errors as pointers. */
#ifndef NOSNOOP_KENV_WARN_H
#define NOSNOOP_KENV_WARN_H

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

#endif
