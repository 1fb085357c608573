/* SPDX-License-Identifier: GPL-2.0-only */
/* Part of machine.h, which states units, errors and locking: IOMMU domains. */
#ifndef NOSNOOP_DOMAIN_H
#define NOSNOOP_DOMAIN_H

#include "core/machine/buffer.h"

struct domain;

/* --- domains --- */

#define DOMAIN_READ  1u /* IOMMU_READ */
#define DOMAIN_WRITE 2u
#define DOMAIN_CACHE 4u

struct domain_config {
	bool enforce_cache_coherency;	   /* true: a C domain; false: NC */
	u64 pgsize_bitmap;		   /* 0: 4K | 2M | 1G; smallest 512 bytes */
	u64 aperture_start, aperture_last; /* both 0: [0..2^64-1] */
	u64 max_leaves; /* 0: no limit; a map that would exceed it gives ENOMEM */
};

int domain_create(struct machine *m, const struct domain_config *cfg, struct domain **out);
/* A domain that still maps something is a strict finding (D7). */
void domain_free(struct machine *m, struct domain *d);
u32 domain_id(const struct domain *d); /* 1, 2, ... in order of creation, never reused */
struct domain *machine_domain(struct machine *m, u32 id); /* NULL: gone or never was */
u32 machine_nr_domains(const struct machine *m);	  /* ids given out: 1 to this */
bool domain_nc(const struct domain *d);
const struct domain_config *domain_cfg(const struct domain *d); /* with the defaults filled in */

struct domain_run {
	u64 iova, pa, len;
};
/*
 * Map runs in order, each one call of the driver's map (one EV_MAP, one FAULT_MAP place): all of a
 * run or nothing. On failure the negative errno and *mapped = number of whole runs that are mapped
 * (the caller unmaps them). EINVAL: not a multiple of the smallest page size; ERANGE: outside the
 * aperture; EEXIST: overlap (strict D3); ENOMEM: FAULT_PTE, leaf limit, arena.
 */
int domain_map_runs(struct domain *d, const struct domain_run *runs, size_t n, u32 prot,
		    size_t *mapped);
int domain_map(struct domain *d, u64 iova, u64 pa, u64 len, u32 prot);
/*
 * Removes [iova..iova+len-1], returns the bytes removed: less than @len is a strict finding (D3),
 * as is an end that cuts through one map call (D4). The IOTLB keeps the entries until
 * domain_iotlb_sync().
 */
u64 domain_unmap(struct domain *d, u64 iova, u64 len);
/*
 * One call of the driver's unmap for each run (pa is not read), under one lock; bytes removed in
 * all.
 */
u64 domain_unmap_runs(struct domain *d, const struct domain_run *runs, size_t n);
void domain_iotlb_sync(struct domain *d);
/* 0 when unmapped, which is a strict finding (D8): physical address 0 is never mapped. */
u64 domain_iova_to_phys(struct domain *d, u64 iova);
/*
 * The pfn of the page at @iova and of those behind it while they are physically contiguous, at most
 * @max pages: *pfn, and the count (0: not mapped, D8). @iova and what follows advance page by page
 * from the page's first byte.
 */
u64 domain_read_run(struct domain *d, u64 iova, u64 max, u64 *pfn);
/*
 * As many such runs, one behind the other, as make @max pages or fill @room; *nr runs. Pages read
 * (D8 as above).
 */
u64 domain_read_runs(struct domain *d, u64 iova, u64 max, struct pfn_run *runs, size_t room,
		     size_t *nr);
/* For oracles: no finding, no lock order demands. False: unmapped. */
bool domain_probe(struct domain *d, u64 iova, u64 *pa, u32 *prot);
/*
 * Walk all leaf runs in IOVA order (merged while iova, pa and prot continue); stop when fn returns
 * false.
 */
void domain_for_each(struct domain *d, bool (*fn)(void *ctx, u64 iova, u64 pa, u64 len, u32 prot),
		     void *ctx);
u64 domain_leaves(const struct domain *d);

#endif
