/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside the shared object: what its own files share. Kernel types throughout. */
#ifndef NOSNOOP_LINUX_KERNEL_H
#define NOSNOOP_LINUX_KERNEL_H

/* The kernel's words for these, not nosnoop's (kenv.h). */
#include "core/compat/fault.h"
#include "core/linux/seam.h"

#include "io_pagetable.h"
#include <linux/iommufd.h>
#include <uapi/linux/iommufd.h>

#define KENV_TASKS     8
#define NOSNOOP_EXPORT __attribute__((visibility("default")))

/* What a task was last said to be charged. */
struct kenv_charge {
	u64 user, locked, pinned;
};

struct kenv_domain {
	struct iommu_domain domain; /* first: the tree frees this */
	u32 id;
	bool enforced;
};

struct kenv_ids {
	void **at; /* by id - 1; NULL: gone */
	u32 nr, size;
};

struct kenv_access {
	struct iommufd_access *access;
	u32 id;
	bool pins;
};

struct kenv_hwpt {
	struct list_head link;
	u32 domain, table;
	struct iommufd_hwpt_paging *hwpt;
};

/* User memory of an ioctl: real addresses; the last @bad bytes fault. */
struct kenv_window {
	const void *at;
	size_t bytes, bad;
	bool out_bad; /* nothing can be written back */
};

/* One run of the tree's code: in the arena, with everything that it points to. */
struct kenv_run {
	const struct linux_host *host;
	void *ctx;
	struct iommufd_ctx ictx;
	struct kenv_ids tables, accesses;
	struct list_head hwpts;
	struct mm_struct mm[KENV_TASKS];
	struct user_struct user[KENV_TASKS];
	struct task_struct task[KENV_TASKS];
	struct task_struct no_mm; /* stands in for a task whose address space has gone */
	struct kenv_charge charged[KENV_TASKS];
	u32 current_task;
	bool without_mm; /* the current task's address space has gone, and it only reads or writes */
	struct mm_struct *used_mm; /* kthread_use_mm() */
	u64 serial;		   /* of the request at hand: names what it allocates */
	size_t temp_limit;
	struct kenv_window cmd, array; /* of the ioctl at hand */
	struct device dev;
	struct dev_iommu dev_iommu;
	struct iommu_device iommu;
	struct iommufd_device idev;
	u32 attaching; /* domain id while one is being made */
};

/*
 * The run whose code is executing. Eight bytes find room in the program's own block, so that a use is
 * no call.
 */
extern __thread struct kenv_run *kenv_run __attribute__((tls_model("initial-exec")));

/* A function that the tree calls and that nobody wrote here: a finding, and -ENODEV. */
long kenv_missing(const char *what);
/* Serial number of the request that allocated @p. */
u64 kenv_serial(const void *p);
void kenv_charges(struct kenv_run *run);
void kenv_tasks_init(struct kenv_run *run);
void kenv_tasks_check(struct kenv_run *run);

void *kenv_id(const struct kenv_ids *ids, u32 id);
int kenv_id_add(struct kenv_ids *ids, void *p);
#define KENV_NO_ID 0x7fffffffu

struct kenv_hwpt *kenv_find_hwpt(struct kenv_run *run, u32 domain);
int kenv_attach(struct kenv_run *run, struct iommufd_ioas *ioas, u32 table, u32 domain);
void kenv_detach(struct kenv_run *run, struct kenv_hwpt *h);

void kenv_view(struct linux_run *run, struct backend_view *out);
void kenv_domain_order(struct linux_run *run, u64 pages, void (*fn)(void *arg, u32 table, u64 iova),
		       void *arg);
size_t kenv_extra(struct linux_run *run, enum linux_object what, u64 key, u32 n, u8 *out,
		  size_t room);

static inline struct kenv_domain *to_kenv_domain(struct iommu_domain *d)
{
	return container_of(d, struct kenv_domain, domain);
}

#endif
