// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the tree's files call: memory, tasks, user memory, pinning, the IOMMU API, cache cleaning.
 * Each function of the kernel's is one of the machine's below it, so that the oracles see all that
 * the tree's code does; nothing here decides anything about caches.
 */
#include "core/linux/kernel.h"

#undef memcpy

__thread struct kenv_run *kenv_run;

/* --- findings, faults ------------------------------------------------------------------------- */

void kenv_finding(const char *rule, const char *what, int line)
{
	if (kenv_run)
		kenv_run->host->finding(kenv_run->ctx, rule, what, line);
}

long kenv_missing(const char *what)
{
	kenv_finding("SHIM", what, 0);
	return -ENODEV;
}

static bool fails(enum fault_point point)
{
	return IS_ENABLED(CONFIG_IOMMUFD_TEST) && kenv_run->host->should_fail(kenv_run->ctx, point);
}

/*
 * The places where iommufd itself asks. Its entry to pin_user_pages() is the machine's fault point
 * GUP, which comes directly behind it, and is counted there.
 */
static const struct {
	const char *function;
	enum fault_point point;
} fault_places[] = {
	{"temp_kmalloc", FAULT_TEMP},
	{"pages_to_xarray", FAULT_STORE},
	{"pfn_reader_user_pin", FAULT_NR}, /* GUP: the machine's */
	{"pfn_reader_user_update_pinned", FAULT_CHARGE},
	{"iopt_pages_rw_page", FAULT_RW},
	{"iopt_table_enforce_dev_resv_regions", FAULT_RESERVE},
};

/* Elsewhere no program could inject anything, and nobody would notice: no verdict on such a tree. */
bool kenv_should_fail(const char *function)
{
	for (size_t i = 0; i < ARRAY_SIZE(fault_places); i++)
		if (!strcmp(function, fault_places[i].function))
			return fault_places[i].point != FAULT_NR && fails(fault_places[i].point);
	kenv_finding("SHIM",
		     "a fault point stands in a function that core/linux/kernel.c does not know",
		     0);
	return false;
}

/* --- memory ----------------------------------------------------------------------------------- */

struct block {
	u64 size;   /* with this header; the arena's while the block is free */
	u64 serial; /* BLOCK_FREE: given back */
};

#define BLOCK_FREE  ~0ULL
#define POISON_NEW  0xa5 /* what kmalloc() leaves, for who reads before he writes */
#define POISON_FREE 0x6b
#define POISONS	    IS_ENABLED(CONFIG_IOMMUFD_TEST)

u64 kenv_serial(const void *p)
{
	return ((const struct block *)p - 1)->serial;
}

static void *get_block(size_t size)
{
	struct kenv_run *run = kenv_run;
	struct block *b;

	if (check_add_overflow(size, sizeof(*b), &size))
		return NULL;
	b = run->host->alloc(run->ctx, size);
	if (!b)
		return NULL;
	b->size = size;
	b->serial = run->serial;
	return b + 1;
}

void *kenv_alloc(size_t size, gfp_t gfp)
{
	void *p;

	if (!(gfp & __GFP_NOFAIL) && fails(FAULT_ALLOC))
		return NULL;
	p = get_block(size);
	if (p && POISONS && !(gfp & __GFP_ZERO))
		memset(p, POISON_NEW, size);
	return p;
}

void kfree(const void *p)
{
	struct kenv_run *run = kenv_run;
	struct block *b;
	u64 size;

	if (!p)
		return;
	b = (struct block *)p - 1;
	if (POISONS && b->serial == BLOCK_FREE) {
		kenv_finding("WARN", "kfree() of what was freed before", 0);
		return;
	}
	size = b->size;
	if (POISONS) {
		memset(b + 1, POISON_FREE, size - sizeof(*b));
		b->serial = BLOCK_FREE;
	}
	run->host->free(run->ctx, b, size);
}

struct kmem_cache *radix_tree_node_cachep;

void *kenv_cache_alloc(struct kmem_cache *cache, gfp_t gfp)
{
	struct xa_node *node = kenv_alloc(sizeof(*node), gfp | __GFP_ZERO);

	if (node)
		INIT_LIST_HEAD(&node->private_list);
	return node;
}

void radix_tree_node_rcu_free(struct rcu_head *head)
{
	kfree(container_of(head, struct xa_node, rcu_head));
}

/* --- tasks ------------------------------------------------------------------------------------ */

void kenv_tasks_init(struct kenv_run *run)
{
	for (u32 i = 0; i < KENV_TASKS; i++) {
		struct task_struct *t = &run->task[i];

		atomic_set(&run->mm[i].mm_users, 1);
		atomic_set(&run->mm[i].mm_count, 1);
		run->mm[i].task = i;
		atomic_set(&run->user[i].users, 1);
		atomic_set(&t->usage, 1);
		t->group_leader = t;
		t->mm = &run->mm[i];
		t->user = &run->user[i];
	}
	run->no_mm.group_leader = &run->no_mm;
}

/* References that the tree's code took and never gave back. */
void kenv_tasks_check(struct kenv_run *run)
{
	for (u32 i = 0; i < KENV_TASKS; i++) {
		if (atomic_read(&run->mm[i].mm_users) != 1)
			run->host->finding(run->ctx, "LEAK", "mmget() without mmput(), task", i);
		if (atomic_read(&run->mm[i].mm_count) != 1)
			run->host->finding(run->ctx, "LEAK", "mmgrab() without mmdrop(), task", i);
		if (atomic_read(&run->user[i].users) != 1)
			run->host->finding(run->ctx, "LEAK", "get_uid() without free_uid(), task",
					   i);
		if (atomic_read(&run->task[i].usage) != 1)
			run->host->finding(run->ctx, "LEAK",
					   "get_task_struct() without put_task_struct(), task", i);
	}
}

void kenv_charges(struct kenv_run *run)
{
	for (u32 i = 0; i < KENV_TASKS; i++) {
		struct kenv_charge now = {
			.user = atomic_long_read(&run->user[i].locked_vm),
			.locked = run->mm[i].locked_vm,
			.pinned = atomic64_read(&run->mm[i].pinned_vm),
		};

		if (!memcmp(&now, &run->charged[i], sizeof(now)))
			continue;
		run->charged[i] = now;
		run->host->charged(run->ctx, i, now.user, now.locked, now.pinned);
	}
}

struct task_struct *kenv_current(void)
{
	return kenv_run->without_mm ? &kenv_run->no_mm : &kenv_run->task[kenv_run->current_task];
}

static struct linux_task task_of(u32 id)
{
	struct linux_task t;

	kenv_run->host->task(kenv_run->ctx, id, &t);
	return t;
}

bool capable(int cap)
{
	struct linux_task t = task_of(kenv_run->current_task);

	if (cap == CAP_IPC_LOCK)
		return t.cap_ipc_lock;
	return cap == CAP_SYS_RESOURCE && t.cap_sys_resource;
}

unsigned long task_rlimit(const struct task_struct *task, unsigned int limit)
{
	struct linux_task t = task_of(task->mm->task);

	/* In bytes, as RLIMIT_MEMLOCK is; what does not fit is no limit. */
	return t.rlimit_memlock > ULONG_MAX >> PAGE_SHIFT ? ULONG_MAX
							  : t.rlimit_memlock << PAGE_SHIFT;
}

bool mmget_not_zero(struct mm_struct *mm)
{
	if (!task_of(mm->task).alive)
		return false;
	atomic_inc(&mm->mm_users);
	return true;
}

void mmput(struct mm_struct *mm)
{
	WARN_ON(atomic_read(&mm->mm_users) <= 1);
	atomic_dec(&mm->mm_users);
}

void mmgrab(struct mm_struct *mm)
{
	atomic_inc(&mm->mm_count);
}

void mmdrop(struct mm_struct *mm)
{
	WARN_ON(atomic_read(&mm->mm_count) <= 1);
	atomic_dec(&mm->mm_count);
}

struct task_struct *get_task_struct(struct task_struct *t)
{
	atomic_inc(&t->usage);
	return t;
}

void put_task_struct(struct task_struct *t)
{
	WARN_ON(atomic_read(&t->usage) <= 1);
	atomic_dec(&t->usage);
}

struct user_struct *get_uid(struct user_struct *u)
{
	atomic_inc(&u->users);
	return u;
}

void free_uid(struct user_struct *u)
{
	WARN_ON(atomic_read(&u->users) <= 1);
	atomic_dec(&u->users);
}

void kthread_use_mm(struct mm_struct *mm)
{
	WARN_ON(kenv_run->used_mm);
	kenv_run->used_mm = mm;
}

void kthread_unuse_mm(struct mm_struct *mm)
{
	WARN_ON(kenv_run->used_mm != mm);
	kenv_run->used_mm = NULL;
}

int __account_locked_vm(struct mm_struct *mm, unsigned long pages, bool inc,
			struct task_struct *task, bool bypass_rlim)
{
	KENV_HELD(&mm->mmap_lock, mm->mmap_lock.writers);
	if (!inc) {
		WARN_ON(pages > mm->locked_vm);
		mm->locked_vm -= pages;
		return 0;
	}
	if (!bypass_rlim && mm->locked_vm + pages > task_rlimit(task, RLIMIT_MEMLOCK) >> PAGE_SHIFT)
		return -ENOMEM;
	mm->locked_vm += pages;
	return 0;
}

/* --- user memory ------------------------------------------------------------------------------ */

/*
 * Two kinds of user memory. The ioctl at hand has its structures in memory of ours, at real
 * addresses; everything else is memory of the current task, or of the mm that a kernel thread
 * uses, which the machine has.
 */
static const struct kenv_window *window_of(const void *p)
{
	struct kenv_run *run = kenv_run;

	if (run->cmd.at && (size_t)(p - run->cmd.at) < run->cmd.bytes)
		return &run->cmd;
	if (run->array.at && (size_t)(p - run->array.at) < run->array.bytes)
		return &run->array;
	return NULL;
}

static bool faults(const struct kenv_window *w, const void *p, unsigned long n)
{
	return (size_t)(p - w->at) + n > w->bytes - w->bad;
}

static u32 user_task(void)
{
	return kenv_run->used_mm ? kenv_run->used_mm->task : kenv_run->current_task;
}

unsigned long copy_to_user(void __user *to, const void *from, unsigned long n)
{
	const struct kenv_window *w = window_of(to);
	struct kenv_run *run = kenv_run;

	if (!w)
		return run->host->user_store(run->ctx, user_task(), (unsigned long)to, from, n) ? n
												: 0;
	if (w->out_bad || faults(w, to, n))
		return n;
	memmove(to, from, n);
	return 0;
}

unsigned long copy_from_user(void *to, const void __user *from, unsigned long n)
{
	const struct kenv_window *w = window_of(from);
	struct kenv_run *run = kenv_run;

	if (!w)
		return run->host->user_load(run->ctx, user_task(), (unsigned long)from, to, n) ? n
											       : 0;
	if (faults(w, from, n))
		return n;
	memmove(to, from, n);
	return 0;
}

unsigned long clear_user(void __user *to, unsigned long n)
{
	return n;
}

int kenv_copy_struct_from_user(void *to, size_t ksize, const void __user *from, size_t usize)
{
	memset(to, 0, ksize);
	return copy_from_user(to, from, min(ksize, usize)) ? -EFAULT : 0;
}

int kenv_copy_struct_to_user(void __user *to, size_t usize, const void *from, size_t ksize,
			     bool *ignored)
{
	return copy_to_user(to, from, min(ksize, usize)) ? -EFAULT : 0;
}

/* --- pages ------------------------------------------------------------------------------------ */

/* The machine's pfns become pages where they lie. */
static long pin(u32 task, unsigned long start, unsigned long nr, unsigned int flags,
		struct page **pages)
{
	struct kenv_run *run = kenv_run;
	long n;

	WARN_ON(!nr || start & ~PAGE_MASK);
	n = run->host->pin(run->ctx, task, start, nr, flags & FOLL_WRITE, flags & FOLL_LONGTERM,
			   (u64 *)pages);
	for (long i = 0; i < n; i++)
		pages[i] = pfn_to_page(((u64 *)pages)[i]);
	return n;
}

long pin_user_pages_fast(unsigned long start, int nr, unsigned int gup_flags, struct page **pages)
{
	return pin(kenv_run->current_task, start, nr, gup_flags, pages);
}

long pin_user_pages_remote(struct mm_struct *mm, unsigned long start, unsigned long nr,
			   unsigned int gup_flags, struct page **pages, int *locked)
{
	KENV_HELD(&mm->mmap_lock, mm->mmap_lock.readers);
	WARN_ON(atomic_read(&mm->mm_users) <= 1);
	return pin(mm->task, start, nr, gup_flags, pages);
}

static void unpin(unsigned long pfn, unsigned long n, bool dirty)
{
	kenv_run->host->unpin(kenv_run->ctx, pfn, n, dirty);
}

void unpin_user_page(struct page *page)
{
	unpin(page_to_pfn(page), 1, false);
}

void unpin_user_pages_dirty_lock(struct page **pages, unsigned long n, bool dirty)
{
	unsigned long i = 0, run;

	for (; i < n; i += run) {
		for (run = 1;
		     i + run < n && page_to_pfn(pages[i + run]) == page_to_pfn(pages[i]) + run;
		     run++)
			;
		unpin(page_to_pfn(pages[i]), run, dirty);
	}
}

void unpin_user_pages(struct page **pages, unsigned long n)
{
	unpin_user_pages_dirty_lock(pages, n, false);
}

void unpin_user_page_range_dirty_lock(struct page *page, unsigned long n, bool dirty)
{
	unpin(page_to_pfn(page), n, dirty);
}

void set_page_dirty_lock(struct page *page)
{
	kenv_run->host->mark_dirty(kenv_run->ctx, page_to_pfn(page));
}

static bool is_kmap(const void *p)
{
	return (unsigned long)p >= KENV_KMAP && (unsigned long)p < KENV_VMEMMAP;
}

void *kenv_memcpy(void *to, const void *from, size_t n)
{
	struct kenv_run *run = kenv_run;

	if (is_kmap(to))
		run->host->phys_store(run->ctx, (unsigned long)to - KENV_KMAP, from, n);
	else if (is_kmap(from))
		run->host->phys_load(run->ctx, (unsigned long)from - KENV_KMAP, to, n);
	else
		memcpy(to, from, n);
	return to;
}

/* A clean that the tree asks for is complete when it returns, as the posted patch's is. */
void kenv_clean(phys_addr_t phys, size_t length)
{
	/* Pfns are far below: an address of the kernel's mapping went in where a physical one belongs. */
	if (phys >= KENV_KMAP || phys + length > KENV_KMAP) {
		kenv_finding("SHIM", "a clean of what is no physical address", 0);
		return;
	}
	kenv_run->host->clean(kenv_run->ctx, phys, length);
	kenv_run->host->drain(kenv_run->ctx);
}

void kenv_clean_virt(const void *virt, size_t length)
{
	if (WARN_ON(!is_kmap(virt)))
		return;
	kenv_clean((unsigned long)virt - KENV_KMAP, length);
}

/* --- the IOMMU API ---------------------------------------------------------------------------- */

int iommu_map(struct iommu_domain *domain, unsigned long iova, phys_addr_t paddr, size_t size,
	      int prot, gfp_t gfp)
{
	return kenv_run->host->map(kenv_run->ctx, to_kenv_domain(domain)->id, iova, paddr, size,
				   prot);
}

size_t iommu_unmap(struct iommu_domain *domain, unsigned long iova, size_t size)
{
	u32 id = to_kenv_domain(domain)->id;
	size_t n = kenv_run->host->unmap(kenv_run->ctx, id, iova, size);

	kenv_run->host->iotlb_sync(kenv_run->ctx, id);
	return n;
}

/* Without the invalidation, which the caller owes. */
size_t iommu_unmap_fast(struct iommu_domain *domain, unsigned long iova, size_t size,
			struct iommu_iotlb_gather *gather)
{
	return kenv_run->host->unmap(kenv_run->ctx, to_kenv_domain(domain)->id, iova, size);
}

phys_addr_t iommu_iova_to_phys(struct iommu_domain *domain, dma_addr_t iova)
{
	return kenv_run->host->iova_to_phys(kenv_run->ctx, to_kenv_domain(domain)->id, iova);
}

static bool enforce_cache_coherency(struct iommu_domain *domain)
{
	return to_kenv_domain(domain)->enforced;
}

static void iotlb_sync_all(struct iommu_domain *domain)
{
	kenv_run->host->iotlb_sync(kenv_run->ctx, to_kenv_domain(domain)->id);
}

static void iotlb_sync(struct iommu_domain *domain, struct iommu_iotlb_gather *gather)
{
	iotlb_sync_all(domain);
}

static const struct iommu_domain_ops domain_ops = {
	.enforce_cache_coherency = enforce_cache_coherency,
	.flush_iotlb_all = iotlb_sync_all,
	.iotlb_sync = iotlb_sync,
};

/* The domain that an attach asks for, wrapped. */
#ifdef HAVE_ALLOC_FLAGS
struct iommu_domain *iommu_paging_domain_alloc_flags(struct device *dev, unsigned int flags)
#else
struct iommu_domain *iommu_paging_domain_alloc(struct device *dev)
#endif
{
	struct kenv_run *run = kenv_run;
	struct linux_domain from;
	struct kenv_domain *d;

	if (run->host->domain(run->ctx, run->attaching, &from))
		return ERR_PTR(-ENODEV);
	d = kzalloc(sizeof(*d), GFP_KERNEL);
	if (!d)
		return ERR_PTR(-ENOMEM);
	d->id = run->attaching;
	d->enforced = from.enforce_cache_coherency;
	d->domain.type = IOMMU_DOMAIN_UNMANAGED;
	d->domain.ops = &domain_ops;
	d->domain.pgsize_bitmap = from.pgsize_bitmap;
	d->domain.geometry.aperture_start = from.aperture_start;
	d->domain.geometry.aperture_end = from.aperture_last;
	d->domain.geometry.force_aperture = true;
	return &d->domain;
}

void iommu_domain_free(struct iommu_domain *domain)
{
	kfree(to_kenv_domain(domain));
}

bool device_iommu_capable(struct device *dev, enum iommu_cap cap)
{
	return cap == IOMMU_CAP_CACHE_COHERENCY;
}
