/* SPDX-License-Identifier: GPL-2.0-only */
/* Part of kenv.h: Memory, pages, user memory, tasks, pinning, cache maintenance. */
#ifndef NOSNOOP_KENV_MM_H
#define NOSNOOP_KENV_MM_H

#define PAGE_SHIFT	   12
#define PAGE_SIZE	   (1UL << PAGE_SHIFT)
#define PAGE_MASK	   (~(PAGE_SIZE - 1))
#define PMD_SHIFT	   21
#define PMD_SIZE	   (1UL << PMD_SHIFT)
#define PUD_SHIFT	   30
#define HPAGE_PMD_SIZE	   PMD_SIZE
#define HPAGE_SIZE	   PMD_SIZE
#define PHYS_PFN(x)	   ((unsigned long)((x) >> PAGE_SHIFT))
#define PFN_PHYS(x)	   ((phys_addr_t)(x) << PAGE_SHIFT)
#define PFN_DOWN(x)	   ((x) >> PAGE_SHIFT)
#define PFN_UP(x)	   (((x) + PAGE_SIZE - 1) >> PAGE_SHIFT)
#define PAGE_ALIGN(x)	   ALIGN(x, PAGE_SIZE)
#define PAGE_ALIGN_DOWN(x) ALIGN_DOWN(x, PAGE_SIZE)
#define PAGE_ALIGNED(x)	   IS_ALIGNED((unsigned long)(x), PAGE_SIZE)
#define offset_in_page(p)  ((unsigned long)(p) & ~PAGE_MASK)

#define ___GFP_DIRECT_RECLAIM	     0x400u
#define __GFP_DIRECT_RECLAIM	     0x400u
#define __GFP_ACCOUNT		     0x800u
#define __GFP_NOWARN		     0x1000u
#define __GFP_NORETRY		     0x2000u
#define __GFP_ZERO		     0x4000u
#define __GFP_NOFAIL		     0x8000u
#define __GFP_HIGHMEM		     0x10000u
#define __GFP_RECLAIM		     0x20000u
#define GFP_ATOMIC		     0x1u
#define GFP_NOWAIT		     0x2u
#define GFP_KERNEL		     (0x4u | __GFP_DIRECT_RECLAIM)
#define GFP_KERNEL_ACCOUNT	     (GFP_KERNEL | __GFP_ACCOUNT)
#define GFP_ZONEMASK		     0xfu
#define __GFP_BITS_SHIFT	     26
#define __GFP_BITS_MASK		     ((gfp_t)((1u << __GFP_BITS_SHIFT) - 1))
#define gfpflags_allow_blocking(gfp) (!!((gfp)&__GFP_DIRECT_RECLAIM))

/* In the run's arena; fault point ALLOC. Not zeroed, and poisoned when freed, but in production builds. */
void *kenv_alloc(size_t size, gfp_t gfp);
void kfree(const void *p);
#define kmalloc(size, gfp)	     kenv_alloc(size, gfp)
#define kzalloc(size, gfp)	     kenv_alloc(size, (gfp) | __GFP_ZERO)
#define kvmalloc(size, gfp)	     kenv_alloc(size, gfp)
#define kvzalloc(size, gfp)	     kenv_alloc(size, (gfp) | __GFP_ZERO)
#define kcalloc(n, size, gfp)	     kenv_alloc(size_mul(n, size), (gfp) | __GFP_ZERO)
#define kvcalloc(n, size, gfp)	     kenv_alloc(size_mul(n, size), (gfp) | __GFP_ZERO)
#define kmalloc_array(n, size, gfp)  kenv_alloc(size_mul(n, size), gfp)
#define kvmalloc_array(n, size, gfp) kenv_alloc(size_mul(n, size), gfp)
#define kvfree(p)		     kfree(p)
#define KENV_GFP(...)		     KENV_GFP_(, ##__VA_ARGS__, GFP_KERNEL)
#define KENV_GFP_(first, gfp, ...)   gfp
#define kmalloc_obj(obj, ...)	     ((typeof(obj) *)kenv_alloc(sizeof(obj), KENV_GFP(__VA_ARGS__)))
#define kzalloc_obj(obj, ...) \
	((typeof(obj) *)kenv_alloc(sizeof(obj), KENV_GFP(__VA_ARGS__) | __GFP_ZERO))
#define kzalloc_flex(obj, m, n, ...)                                    \
	((typeof(obj) *)kenv_alloc(struct_size((typeof(obj) *)0, m, n), \
				   KENV_GFP(__VA_ARGS__) | __GFP_ZERO))
#define kmalloc_objs(obj, n, ...) \
	((typeof(obj) *)kenv_alloc(size_mul(n, sizeof(obj)), KENV_GFP(__VA_ARGS__)))
#define kzalloc_objs(obj, n, ...) \
	((typeof(obj) *)kenv_alloc(size_mul(n, sizeof(obj)), KENV_GFP(__VA_ARGS__) | __GFP_ZERO))
static inline void kenv_free_kfree(void *p)
{
	kfree(*(void **)p);
}
struct kmem_cache;
struct list_lru;
extern struct kmem_cache *radix_tree_node_cachep;
void radix_tree_node_rcu_free(struct rcu_head *head);
void *kenv_cache_alloc(struct kmem_cache *cache, gfp_t gfp);
#define kmem_cache_alloc(c, gfp)	  kenv_cache_alloc(c, gfp)
#define kmem_cache_alloc_lru(c, lru, gfp) kenv_cache_alloc(c, gfp)
#define kmem_cache_free(c, p)		  kfree(p)

struct page;
struct folio;
struct vm_area_struct;
#define KENV_VMEMMAP	  0xffffea0000000000UL
#define KENV_PAGE_BYTES	  64UL
#define pfn_to_page(pfn)  ((struct page *)(KENV_VMEMMAP + (pfn)*KENV_PAGE_BYTES))
#define page_to_pfn(page) (((unsigned long)(page)-KENV_VMEMMAP) / KENV_PAGE_BYTES)
#define page_to_phys(p)	  PFN_PHYS(page_to_pfn(p))
#define virt_to_phys(p)	  ((phys_addr_t)(uintptr_t)(p)-KENV_KMAP)
#define __pa(p)		  virt_to_phys(p)
#define phys_to_virt(pa)  ((void *)(KENV_KMAP + (pa)))
#define __va(pa)	  phys_to_virt(pa)
/* A page's kernel mapping: no memory, but an address that the copies below know. */
#define KENV_KMAP	      0xffff888000000000UL
#define kmap_local_page(page) ((void *)(KENV_KMAP + (page_to_pfn(page) << PAGE_SHIFT)))
#define kunmap_local(p)	      ((void)(p))
#define page_address(page)    kmap_local_page(page)
void *kenv_memcpy(void *to, const void *from, size_t n);
void set_page_dirty_lock(struct page *page);
unsigned long copy_to_user(void __user *to, const void *from, unsigned long n);
unsigned long copy_from_user(void *to, const void __user *from, unsigned long n);
unsigned long clear_user(void __user *to, unsigned long n);
#define get_user(x, p) (copy_from_user(&(x), p, sizeof(x)) ? -EFAULT : 0)
#define put_user(x, p)                                                  \
	({                                                              \
		typeof(*(p)) kenv_x = (x);                              \
		copy_to_user(p, &kenv_x, sizeof(kenv_x)) ? -EFAULT : 0; \
	})
int kenv_copy_struct_from_user(void *to, size_t ksize, const void __user *from, size_t usize);
#define copy_struct_from_user kenv_copy_struct_from_user
int kenv_copy_struct_to_user(void __user *to, size_t usize, const void *from, size_t ksize,
			     bool *ignored);
#define copy_struct_to_user kenv_copy_struct_to_user

/* --- tasks, address spaces, users ---------------------------------------------------------------- */

struct mm_struct {
	unsigned int task; /* machine's id */
	atomic_t mm_users; /* mmget() */
	atomic_t mm_count; /* mmgrab() */
	struct kenv_lock mmap_lock;
	unsigned long locked_vm;
	atomic64_t pinned_vm;
};
struct user_struct {
	atomic_t users;
	atomic_long_t locked_vm;
};
struct task_struct {
	atomic_t usage;
	struct task_struct *group_leader;
	struct mm_struct *mm;
	struct user_struct *user;
};
struct task_struct *kenv_current(void);
#define current		 kenv_current()
#define current_user()	 (current->user)
#define PF_KTHREAD	 0x00200000
#define RLIMIT_MEMLOCK	 8
#define CAP_IPC_LOCK	 14
#define CAP_SYS_RAWIO	 17
#define CAP_SYS_ADMIN	 21
#define CAP_SYS_RESOURCE 24
bool capable(int cap);
unsigned long task_rlimit(const struct task_struct *task, unsigned int limit);
bool mmget_not_zero(struct mm_struct *mm);
void mmput(struct mm_struct *mm);
void mmgrab(struct mm_struct *mm);
void mmdrop(struct mm_struct *mm);
struct task_struct *get_task_struct(struct task_struct *t);
void put_task_struct(struct task_struct *t);
struct user_struct *get_uid(struct user_struct *u);
void free_uid(struct user_struct *u);
void kthread_use_mm(struct mm_struct *mm);
void kthread_unuse_mm(struct mm_struct *mm);
int __account_locked_vm(struct mm_struct *mm, unsigned long pages, bool inc,
			struct task_struct *task, bool bypass_rlim);
#define mmap_read_lock(mm)   KENV_LOCK_TAKE(&(mm)->mmap_lock, false)
#define mmap_read_unlock(mm) KENV_LOCK_DROP(&(mm)->mmap_lock, false)
#define mmap_write_lock(mm)  KENV_LOCK_TAKE(&(mm)->mmap_lock, true)
#define mmap_write_lock_killable(mm) \
	({                           \
		mmap_write_lock(mm); \
		0;                   \
	})
#define mmap_write_unlock(mm)  KENV_LOCK_DROP(&(mm)->mmap_lock, true)
#define mmap_assert_locked(mm) ((void)0)

#define FOLL_WRITE    1u
#define FOLL_LONGTERM 0x100u
long pin_user_pages_fast(unsigned long start, int nr, unsigned int gup_flags, struct page **pages);
long pin_user_pages_remote(struct mm_struct *mm, unsigned long start, unsigned long nr,
			   unsigned int gup_flags, struct page **pages, int *locked);
void unpin_user_page(struct page *page);
void unpin_user_pages(struct page **pages, unsigned long n);
void unpin_user_pages_dirty_lock(struct page **pages, unsigned long n, bool dirty);
void unpin_user_page_range_dirty_lock(struct page *page, unsigned long n, bool dirty);

/* Folios are a newer word for the pages of a file; no op of nosnoop maps a file. */
#define folio_page(folio, n)	    ((struct page *)(folio))
#define page_folio(page)	    ((struct folio *)(page))
#define folio_pfn(folio)	    page_to_pfn(folio)
#define folio_size(folio)	    PAGE_SIZE
#define folio_nr_pages(folio)	    1UL
#define folio_page_idx(folio, page) 0UL
#define folio_test_large(folio)	    false

/* --- cache maintenance: every name that a flush patch has used so far ----------------------------- */

void kenv_clean(phys_addr_t phys, size_t length);
void kenv_clean_virt(const void *virt, size_t length);
#define arch_clean_nonsnoop_dma(phys, length) kenv_clean(phys, length)
#define arch_flush_cache_phys(phys, length)   kenv_clean(phys, length)
#define clflush_cache_range(virt, length)     kenv_clean_virt(virt, length)

#endif
