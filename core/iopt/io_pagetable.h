/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * io_pagetable: an IOVA space of areas that is shown alike in every domain attached to it, and the
 * in-kernel accesses that use it. Locks: domains_rwsem (the set of domains against everything that
 * fills), then iova_rwsem (the trees). All functions take the locks they need, and return 0 or a
 * negative errno, the first that applies in the order of iommufd's own checks; what an ioctl checks
 * before it gets here is in core/op/envelope.c.
 */
#ifndef NOSNOOP_IO_PAGETABLE_H
#define NOSNOOP_IO_PAGETABLE_H

#include "core/iopt/pages.h"

struct iommufd_access;

struct io_pagetable {
	struct iommufd_ctx *ctx;
	struct rw_semaphore domains_rwsem;
	struct iopt_domain **domains;		   /* dense: slots 0..next_domain_id - 1 */
	const struct flush_domain **flush_domains; /* the same, as policies see them */
	u32 next_domain_id, domains_size;
	struct iommufd_access **access_list; /* by id, with holes */
	u32 access_list_size;
	u32 nr_accesses;
	struct rw_semaphore iova_rwsem;
	struct itree area_itree, allowed_itree, reserved_itree;
	u32 nr_areas;
	bool disable_large_pages;
	u64 iova_alignment;
	struct flush_table ft;
	u8 priv[] __attribute__((aligned(8)));
};

struct iopt_range { /* an allowed or a reserved range */
	struct itree_node node;
	const void *owner;
};

#define IOPT_ALLOC_IOVA 1u

/* One slice of a map or copy; the list owns a reference of pages until it is published. */
struct iopt_pages_list {
	struct iopt_pages *pages;
	struct iopt_area *area;
	u64 start_byte, length;
	struct iopt_pages_list *next;
};

/* io_pagetable.c */
struct io_pagetable *iopt_create(struct iommufd_ctx *ctx); /* NULL: no memory */
void iopt_destroy(struct io_pagetable *iopt); /* nothing may be left but allowed ranges */
int iopt_map_user_pages(struct io_pagetable *iopt, u64 *iova, u32 task, u64 uptr, u64 length,
			u32 prot, u32 flags);
int iopt_get_pages(struct io_pagetable *iopt, u64 iova, u64 length, struct iopt_pages_list **list);
int iopt_map_pages(struct io_pagetable *iopt, struct iopt_pages_list *list, u64 length, u64 *iova,
		   u32 prot, u32 flags);
void iopt_free_pages_list(struct iommufd_ctx *ctx, struct iopt_pages_list *list);
int iopt_unmap_iova(struct io_pagetable *iopt, u64 iova, u64 length, u64 *unmapped);
int iopt_unmap_all(struct io_pagetable *iopt, u64 *unmapped);
int iopt_cut_iova(struct io_pagetable *iopt, u64 iova);
struct iopt_area *iopt_area_iter_first(struct io_pagetable *iopt, u64 start, u64 last);
struct iopt_area *iopt_area_iter_next(struct iopt_area *area, u64 start, u64 last);

/* iova.c: the callers of the first three hold iova_rwsem for write */
int iopt_alloc_iova(struct io_pagetable *iopt, u64 *iova, u64 addr, u64 length);
int iopt_check_iova(struct io_pagetable *iopt, u64 iova, u64 length);
int iopt_reserve_locked(struct io_pagetable *iopt, u64 start, u64 last, const void *owner);
void iopt_unreserve_locked(struct io_pagetable *iopt, const void *owner);
int iopt_reserve_iova(struct io_pagetable *iopt, u64 start, u64 last, const void *owner);
void iopt_remove_reserved_iova(struct io_pagetable *iopt, const void *owner);
int iopt_set_allow_iova(struct io_pagetable *iopt, const struct iova_range *ranges, u32 n,
			bool fault_at_last);
/* Complement of the reserved ranges: fills up to room, *n is the whole number. -EMSGSIZE: more than
 * room. */
int iopt_iova_ranges(struct io_pagetable *iopt, struct iova_range *out, u32 room, u32 *n,
		     u64 *alignment);
void iopt_free_ranges(struct io_pagetable *iopt, struct itree *tree);

/* domains.c */
int iopt_table_add_domain(struct io_pagetable *iopt, struct domain *d);
int iopt_table_remove_domain(struct io_pagetable *iopt, struct domain *d); /* -ENOENT: not there */
int iopt_set_huge_pages(struct io_pagetable *iopt, bool enable);
/* Both rwsems held for write. -EADDRINUSE: an area does not conform, nothing changed. */
int iopt_calculate_iova_alignment(struct io_pagetable *iopt);
int iopt_check_alignment(struct io_pagetable *iopt, u64 alignment);

#endif
