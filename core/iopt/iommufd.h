/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The context that the page core of one run shares: machine, arena, policy, limits. And the errno
 * envelope of the ioctls (ioas.c) that a backend calls. Names are those of drivers/iommu/iommufd.
 *
 * Lock order, outermost first (core/compat/lock.h): access->ioas_lock, domains_rwsem, iova_rwsem,
 * pages->mutex, then what the machine takes inside. No table lock is held while an access' unmap
 * callback runs.
 */
#ifndef NOSNOOP_IOMMUFD_H
#define NOSNOOP_IOMMUFD_H

#include "core/compat/lock.h"
#include "core/flush/flush.h"
#include "core/machine/machine.h"

struct iopt_pages;

enum account_mode { IOPT_PAGES_ACCOUNT_NONE, IOPT_PAGES_ACCOUNT_USER, IOPT_PAGES_ACCOUNT_MM };

#define TEMP_MEMORY_LIMIT     65536
#define TEMP_MEMORY_LIMIT_MIN 12

struct iommufd_ctx {
	struct machine *machine;
	struct arena *arena;
	const struct flush_policy *policy; /* never NULL: a policy without hooks at the least */
	struct flush_host host;
	u32 temp_limit;			/* bytes of one temporary buffer */
	enum account_mode account_mode; /* USER or MM, for objects made from now on */
	void (*access_unmap)(void *arg, u32 access, u64 iova, u64 length);
	void *access_unmap_arg;
	struct mutex list_lock;	       /* pages_list */
	struct iopt_pages *pages_list; /* all objects alive, newest first */
	bool need_unmap_pfns;	       /* the policy wants pfns at unmaps */
};

/* An object of the core, zeroed: NULL under FAULT_ALLOC or when the arena is full. */
void *iommufd_alloc(struct iommufd_ctx *ctx, size_t size);
void iommufd_free(struct iommufd_ctx *ctx, void *p, size_t size);

#endif
