/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iommufd_access: an in-kernel user of a table (a mediated device). It may pin ranges and read and
 * write; when an unmap meets its pins, its unmap callback is asked to release them.
 */
#ifndef NOSNOOP_ACCESS_H
#define NOSNOOP_ACCESS_H

#include "core/iopt/io_pagetable.h"

struct access_pin {
	u64 iova, length;
	struct access_pin *next;
};

struct iommufd_access {
	struct iommufd_ctx *ctx;
	u32 id;	  /* the caller's name for it */
	u64 refs; /* the owner, who is notifying it, and a transition under way */
	bool needs_pinning;
	u64 iova_alignment; /* PAGE_SIZE if it needs pinning, else 1 */
	struct mutex ioas_lock;
	struct io_pagetable *ioas;	 /* NULL: detached, or in transition */
	struct io_pagetable *ioas_unpin; /* stays during a transition, so that unpin works */
	u32 iopt_access_list_id;
	struct access_pin *pins;
};

struct iommufd_access *iommufd_access_create(struct iommufd_ctx *ctx, u32 id, bool needs_pinning);
int iommufd_access_destroy(struct iommufd_access *access); /* -EBUSY: in transition */
/* -EINVAL: attached already. */
int iommufd_access_attach(struct iommufd_access *access, struct io_pagetable *iopt);
/* -ENOENT: not attached; -EBUSY: in transition. NULL detaches (-EINVAL when not attached). */
int iommufd_access_replace(struct iommufd_access *access, struct io_pagetable *iopt);
int iommufd_access_detach(struct iommufd_access *access);
int iommufd_access_pin_pages(struct iommufd_access *access, u64 iova, u64 length, u64 *out_pfns,
			     bool write);
/* -ENOENT: not a pin of this access, nothing changed. */
int iommufd_access_unpin_pages(struct iommufd_access *access, u64 iova, u64 length);
int iommufd_access_rw(struct iommufd_access *access, u64 iova, void *data, u64 length, bool write,
		      bool kthread, u32 task);
/* Ask every access of the table to let go of [iova..iova+length-1]. No lock is held. */
void iopt_access_notify_unmap(struct io_pagetable *iopt, u64 iova, u64 length);

#endif
