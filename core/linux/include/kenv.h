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

#include "kenv_types.h"
#include "kenv_warn.h"
#include "kenv_atomic.h"
#include "kenv_lock.h"
#include "kenv_mm.h"
#include "kenv_device.h"

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/kref.h>

#endif
