/* SPDX-License-Identifier: GPL-2.0-only */
/* Included before every file of the tree: where iommufd's own code is listened to. */
#ifndef NOSNOOP_KENV_IOMMUFD_H
#define NOSNOOP_KENV_IOMMUFD_H

/*
 * iommufd asks iommufd_should_fail() at places of its own choice. Here each place says in which
 * function it stands, so that a program can name the kind of failure (core/compat/fault.h). The
 * prototype in the tree's header has an argument, "void", and becomes another one; calls have none.
 */
bool kenv_should_fail(const char *function);
#define iommufd_should_fail(arg) KENV_SHOULD_FAIL_##arg
#define KENV_SHOULD_FAIL_void	 kenv_should_fail_unused(void)
#define KENV_SHOULD_FAIL_	 kenv_should_fail(__func__)

/* Temporary memory is limited run by run; the tree's header declares this as a variable. */
#define iommufd_test_memory_limit (*kenv_memory_limit())

/* Copies from and to pages that "kmap" gave an address go through the machine. */
#define memcpy(to, from, n) kenv_memcpy(to, from, n)

#endif
