# SPDX-License-Identifier: GPL-2.0-only
"""What linux-variant.py knows: flush rules, trial fixes and mutants of Linux's iommufd files, each a row of edits
(linux_edit.py). Names that begin with nosnoop_ are ours and are in no kernel."""

from linux_edit import (After, Before, Begin, Drop, Move, NewField, NewFunction, Put, argument, branch, call, condition,
                        inside, statement, token, value)

PAGES, TABLE, HWPT, DEVICE, IOAS = "pages.c", "io_pagetable.c", "hw_pagetable.c", "device.c", "ioas.c"


class Variant:
    """@base: the rule and the fixes without which it has no meaning."""

    def __init__(self, name, what, edits, rules="", base=("", ())):
        self.name, self.what, self.edits, self.rules, self.base = name, what, edits, rules, base


# --- what rules have in common -------------------------------------------------------------------------------------

FIRST = "iommu_unmap_nofail"  # all that follows may call what stands before it

CLEAN = [NewFunction(PAGES, FIRST, """
static void nosnoop_clean_run(unsigned long pfn, unsigned long n)
{
	arch_clean_nonsnoop_dma(PFN_PHYS(pfn), n << PAGE_SHIFT);
}
"""), NewFunction(PAGES, "batch_clear", """
/* The pfns of a batch, but for the first @skip. */
static void nosnoop_clean_batch(const struct pfn_batch *batch, unsigned long skip)
{
	unsigned int run;

	for (run = 0; run != batch->end; run++) {
		unsigned long off = min(skip, (unsigned long)batch->npfns[run]);

		if (off != batch->npfns[run])
			nosnoop_clean_run(batch->pfns[run] + off, batch->npfns[run] - off);
		skip -= off;
	}
}
""")]

# Which domains are non-coherent? io_pagetable knows domains, the ioas knows hwpts, and the hwpt that comes or goes just
# now is in neither list.
NC = [
    NewField("iommufd_private.h", "io_pagetable", "struct iommufd_hwpt_paging *nosnoop_moving;"),
    Before(HWPT, "iommufd_hwpt_paging_alloc", statement(call("iopt_table_add_domain")),
           "ioas->iopt.nosnoop_moving = hwpt_paging;"),
    After(HWPT, "iommufd_hwpt_paging_alloc", statement(call("iopt_table_add_domain")),
          "ioas->iopt.nosnoop_moving = NULL;"),
]
for function in ("iommufd_hwpt_paging_destroy", "iommufd_hwpt_paging_abort"):
    NC += [Before(HWPT, function, statement(call("iopt_table_remove_domain")),
                  "hwpt_paging->ioas->iopt.nosnoop_moving = hwpt_paging;"),
           After(HWPT, function, statement(call("iopt_table_remove_domain")),
                 "hwpt_paging->ioas->iopt.nosnoop_moving = NULL;")]
NC.append(NewFunction(PAGES, FIRST, """
static bool nosnoop_is_nc(struct io_pagetable *iopt, struct iommu_domain *domain)
{
	struct iommufd_ioas *ioas = container_of(iopt, struct iommufd_ioas, iopt);
	struct iommufd_hwpt_paging *hwpt = iopt->nosnoop_moving;

	if (hwpt && hwpt->common.domain == domain)
		return !hwpt->enforce_cache_coherency;
	list_for_each_entry(hwpt, &ioas->hwpt_list, hwpt_item)
		if (hwpt->common.domain == domain)
			return !hwpt->enforce_cache_coherency;
	return false;
}

static bool nosnoop_any_nc(struct io_pagetable *iopt)
{
	struct iommu_domain *each;
	unsigned long at;
	bool any = false;

	xa_for_each(&iopt->domains, at, each)
		any |= nosnoop_is_nc(iopt, each);
	return any;
}
"""))

FILL_ONE, FILL_ALL = "iopt_area_fill_domain", "iopt_area_fill_domains"
MAP_ONE = statement(call("batch_to_domain"))  # in FILL_ONE
UNMAP_NOW = r"^\s*\*unmapped_end_index\s*<=\s*batch_last_index\s*$"  # in iopt_area_unpin_domain()
BATCH_READ = statement(token(r"\bdone_all_end_index\s*=\s*pfns\b"))  # in FILL_ALL: before the batch is mapped anywhere
READ = statement(call("pfn_reader_first"))


def unpin(flag):
    """A flush of what is unpinned, wherever that happens, if pages-><flag>; at the end of an in-kernel rw, which pinned
    for itself, nothing is flushed."""
    test = f"if (pages->{flag} && !pages->nosnoop_quiet) "
    return [
        NewField("io_pagetable.h", "iopt_pages", f"bool {flag}, nosnoop_quiet;"),
        Before(PAGES, "batch_unpin", statement(call("unpin_user_page_range_dirty_lock")),
               test + "nosnoop_clean_run(batch->pfns[cur] + first_page_off, to_unpin);"),
        NewFunction(PAGES, "iopt_pages_err_unpin", """
static void nosnoop_clean_list(struct page **list, size_t n)
{
	while (n--)
		arch_clean_nonsnoop_dma(PFN_PHYS(page_to_pfn(list[n])), PAGE_SIZE);
}
"""),
        Put(PAGES, "iopt_pages_err_unpin", statement(call("unpin_user_pages")),
            "{ " + test + "nosnoop_clean_list(@0, @1); @@ }"),
        Put(PAGES, "pfn_reader_release_pins", statement(call("unpin_user_pages")),
            "{ " + test + "nosnoop_clean_list(@0, @1); @@ }"),
        Before(PAGES, "iopt_pages_rw_slow", READ, "pages->nosnoop_quiet = true;"),
        Before(PAGES, "iopt_pages_rw_slow", statement(call("mutex_unlock")), "pages->nosnoop_quiet = false;"),
    ]


# --- rules ---------------------------------------------------------------------------------------------------------

COUNT = [
    NewField("iommufd_private.h", "io_pagetable", "unsigned int nosnoop_count;"),
    NewFunction(HWPT, "iommufd_hwpt_paging_destroy", """
static void nosnoop_add(struct io_pagetable *table, int by)
{
	down_write(&table->domains_rwsem);
	table->nosnoop_count += by;
	up_write(&table->domains_rwsem);
}
"""),
    Before(HWPT, "iommufd_hwpt_paging_alloc", statement(call("iopt_table_add_domain")),
           "if (!hwpt_paging->enforce_cache_coherency) nosnoop_add(&ioas->iopt, 1);"),
    # Whatever the domain is: that is the mistake.
    Put(HWPT, "iommufd_hwpt_paging_alloc", token(r"\bout_detach\s*:"), "@@ nosnoop_add(&ioas->iopt, -1);"),
    After(HWPT, "iommufd_hwpt_paging_destroy", statement(call("iopt_table_remove_domain")),
          "if (!hwpt_paging->enforce_cache_coherency) nosnoop_add(&hwpt_paging->ioas->iopt, -1);"),
    NewFunction(PAGES, FILL_ONE, """
/* Has the object to be flushed now? Once in its life. */
static bool nosnoop_first(struct io_pagetable *iopt, struct iopt_pages *pages)
{
	if (!iopt->nosnoop_count || pages->nosnoop_flushed)
		return false;
	pages->nosnoop_flushed = true;
	return true;
}
"""),
    Begin(PAGES, FILL_ONE, "bool nosnoop_need = false;"),
    Begin(PAGES, FILL_ALL, "bool nosnoop_need = false;"),
    Before(PAGES, FILL_ONE, READ, "nosnoop_need = nosnoop_first(area->iopt, area->pages);"),
    Before(PAGES, FILL_ONE, MAP_ONE, "if (nosnoop_need) nosnoop_clean_batch(&pfns.batch, 0);"),
    After(PAGES, FILL_ALL, BATCH_READ, "if (nosnoop_need) nosnoop_clean_batch(&pfns.batch, 0);"),
]
DECIDE_ALL = "nosnoop_need = nosnoop_first(area->iopt, pages);"

V1 = CLEAN + COUNT + unpin("nosnoop_flushed") + [Before(PAGES, FILL_ALL, READ, DECIDE_ALL)]

# Where the patch has it: in a map the decision comes when the first pages are pinned, and whatever is unpinned
# in batches is flushed, an in-kernel rw's pages too.
V1_PATCH = CLEAN + COUNT + [
    NewField("io_pagetable.h", "iopt_pages", "bool nosnoop_flushed;"),
    Before(PAGES, "batch_unpin", statement(call("unpin_user_page_range_dirty_lock")),
           "if (pages->nosnoop_flushed) nosnoop_clean_run(batch->pfns[cur] + first_page_off, to_unpin);"),
    Put(PAGES, FILL_ALL, token(r"\bwhile\s*\(\s*!\s*pfn_reader_done\b"), DECIDE_ALL + " @@"),
]

STICKY = CLEAN + NC + unpin("nosnoop_sticky") + [
    NewFunction(PAGES, FILL_ONE, """
static void nosnoop_open(struct iopt_pages *pages, const struct pfn_batch *batch)
{
	pages->nosnoop_sticky = true;
	nosnoop_clean_batch(batch, 0);
}
"""),
    Before(PAGES, FILL_ONE, MAP_ONE,
           "if (nosnoop_is_nc(area->iopt, domain)) nosnoop_open(area->pages, &pfns.batch);"),
    After(PAGES, FILL_ALL, BATCH_READ, "if (nosnoop_any_nc(area->iopt)) nosnoop_open(pages, &pfns.batch);"),
    After(PAGES, "iopt_pages_sub_npinned", statement(call("check_sub_overflow")),
          "if (!pages->npinned) pages->nosnoop_sticky = false;"),
]

# The closing flush where it reads naturally, and is of no use: the device can still write.
BAD_ORDER = STICKY + [
    NewFunction(PAGES, "iopt_area_unpin_domain", """
static void nosnoop_clean_first(const struct pfn_batch *batch, unsigned long n)
{
	unsigned int run;

	for (run = 0; n; run++) {
		unsigned long part = min(n, (unsigned long)batch->npfns[run]);

		nosnoop_clean_run(batch->pfns[run], part);
		n -= part;
	}
}
"""),
    Before(PAGES, "iopt_area_unpin_domain", branch(condition(UNMAP_NOW)),
           "if (pages->nosnoop_sticky) nosnoop_clean_first(batch, batch_last_index - start_index + 1);"),
    Put(PAGES, "iopt_area_unpin_domain", statement(call("batch_unpin")),
        "{ pages->nosnoop_quiet = true; @@ pages->nosnoop_quiet = false; }"),
]

# Linux does not know pfns when it unmaps: so what is unmapped is read back, run by run, and cleaned after its unmap.
CLOSE = [
    NewFunction(PAGES, "iopt_area_unmap_domain_range", """
static void nosnoop_unmap(struct io_pagetable *iopt, struct iommu_domain *domain, unsigned long iova,
			  unsigned long size)
{
	bool nc = nosnoop_is_nc(iopt, domain);
	unsigned long n;

	for (; size; iova += n, size -= n) {
		phys_addr_t phys = iommu_iova_to_phys(domain, iova);

		n = min(size, PAGE_SIZE - offset_in_page(phys));

		while (n != size && iommu_iova_to_phys(domain, iova + n) == phys + n)
			n += min(size - n, PAGE_SIZE);
		iommu_unmap_nofail(domain, iova, n);
		if (nc)
			nosnoop_clean_run(PHYS_PFN(phys), PHYS_PFN(phys + n - 1) - PHYS_PFN(phys) + 1);
	}
}
"""),
    Put(PAGES, "iopt_area_unmap_domain_range", call("iommu_unmap_nofail"), "nosnoop_unmap(area->iopt, @0, @1, @2)"),
    Put(PAGES, "iopt_area_unmap_domain", call("iommu_unmap_nofail"), "nosnoop_unmap(area->iopt, @0, @1, @2)"),
    Put(PAGES, "batch_to_domain", call("iommu_unmap_nofail"), "nosnoop_unmap(area->iopt, @0, @1, @2)"),
    # It has taken back by its own hand what it had mapped of the run.
    After(PAGES, "batch_to_domain", statement(call("batch_iommu_map_small")),
          "if (rc && nosnoop_is_nc(area->iopt, domain)) nosnoop_clean_run(batch->pfns[cur], batch->npfns[cur]);"),
]

EAGER = CLEAN + NC + CLOSE + [
    Begin(PAGES, "batch_to_domain", "if (nosnoop_is_nc(area->iopt, domain)) nosnoop_clean_batch(batch, 0);"),
]

# As pages are read: so it is known from where each of them comes.
NOT_FROM = "if (pfns->pages->nosnoop_nc%s) nosnoop_clean_batch(&pfns->batch, nosnoop_had);"
STORAGE_SKIP = CLEAN + NC + CLOSE + [
    NewField("io_pagetable.h", "iopt_pages", "bool nosnoop_nc; /* what is read now goes to an NC domain */"),
    Before(PAGES, FILL_ONE, READ, "area->pages->nosnoop_nc = nosnoop_is_nc(area->iopt, domain);"),
    Before(PAGES, FILL_ALL, READ, "pages->nosnoop_nc = nosnoop_any_nc(area->iopt);"),
    Before(PAGES, "iopt_pages_rw_slow", READ, "pages->nosnoop_nc = false;"),
    Begin(PAGES, "pfn_reader_fill_span", "unsigned long nosnoop_had = pfns->batch.total_pfns;"),
    After(PAGES, "pfn_reader_fill_span", statement(call("batch_from_xarray")), NOT_FROM % ""),
    After(PAGES, "pfn_reader_fill_span", statement(call("batch_from_domain")),
          NOT_FROM % " && !nosnoop_is_nc(area->iopt, area->storage_domain)"),
    After(PAGES, "pfn_reader_fill_span", statement(call("batch_from_pages")), NOT_FROM % ""),
]

RULES = [
    Variant("v1", "the patch as posted, as the policy v1_posted has it", V1),
    Variant("v1_patch", "the same with its decisions and flushes where the patch has them", V1_PATCH),
    Variant("sticky", "flush on every NC fill, and at unpin if there was one since the object was idle", STICKY),
    Variant("bad_order_unpin", "sticky, but what is to be unpinned is flushed before it is unmapped, in an unwind too",
            BAD_ORDER),
    Variant("eager", "flush before each NC map and after each NC unmap", EAGER),
    Variant("storage_skip", "no flush of what is read back from an NC storage; flush after each NC unmap",
            STORAGE_SKIP),
]

# --- trial fixes ---------------------------------------------------------------------------------------------------

FIXES = [
    # SECURITY: this one and the next, see SECURITY.md before you pass them on.
    Variant("unwind", "a map that fails takes its batch out of all domains before it unpins it", [
        Before(PAGES, FILL_ALL, statement(call("pfn_reader_release_pins")), """
	if (done_first_end_index != done_all_end_index)
		xa_for_each(&area->iopt->domains, unmap_index, domain)
			if (index > unmap_index)
				iopt_area_unmap_domain_range(area, domain, done_all_end_index,
							     done_first_end_index - 1);
	done_first_end_index = done_all_end_index;
	"""),
    ]),
    Variant("end-of-space", "an area that ends with the address space is not mapped beyond its pages", [
        Put(PAGES, "batch_to_domain", value(r"\bnext_iova", holds="npfns"),
            "iova + min(last_iova - iova, batch->npfns[cur] * PAGE_SIZE - page_offset - 1) + 1"),
    ]),
    Variant("copy-border", "every slice of a copy has to be aligned", [
        Before(TABLE, "iopt_insert_area", branch(condition(r"\bpage_offset\b.*\biova_alignment\b")),
               "if ((iova | length) & (iopt->iova_alignment - 1)) return -EINVAL;"),
    ]),
    Variant("npages-wrap", "the number of pages of the longest object does not wrap to 0", [
        Put(PAGES, "iopt_alloc_pages", call("DIV_ROUND_UP"), "(((@0) - 1) / (@1) + 1)"),
    ]),
    # Of 7.x only: there the sum is checked first. It changes nothing where the order is right.
    Variant("length-first", "a length that no object can have is EINVAL, wherever it begins", [
        Before(PAGES, "iopt_alloc_user_pages|iopt_alloc_pages", branch(condition(r"\bcheck_add_overflow\b")),
               "if (!length || length + PAGE_SIZE < length) return ERR_PTR(-EINVAL);"),
    ]),
    Variant("page-size", "a smallest page of 4 GiB and more is refused as one of 8 KiB is", [
        Put(TABLE, "iopt_table_add_domain", condition(r"\bnew_iova_alignment\s*>\s*PAGE_SIZE\b"), "@@ || !new_iova_alignment"),
    ]),
    Variant("stale-read", "an unfill reads on behind its carry only what it has not unmapped yet", [
        Put(PAGES, "iopt_area_unpin_domain", condition(r"\blast_index\s*!=\s*real_last_index\b"),
            "@@ && *unmapped_end_index <= batch_last_index"),
    ]),
    Variant("empty-carry", "a carry that is used up leaves no run of no pages behind", [
        After(PAGES, "batch_skip_carry", statement(token(r"\btotal_pfns\s*-=")),
              "if (!batch->total_pfns) batch_clear(batch);"),
    ]),
    Variant("dead-mm-charge", "what an address space that has gone was charged is discharged", [
        Put(PAGES, "update_mm_locked_vm", condition(r"\bmmget_not_zero\b"), "@@ && inc"),
        Put(PAGES, "update_mm_locked_vm", call("mmget_not_zero"), "(do_put = @@)"),
        Put(PAGES, "update_mm_locked_vm", value(r"\bdo_put", holds=r"\btrue\b"), "do_put"),
    ]),
]

# --- mutants: the ids of fuzz/museum/mutants.def -------------------------------------------------------------------


def false(file, functions, which):
    return Put(file, functions, which, "false")


BEGINS_IN = r"\bstart_index\s*==\s*iopt_area_index\b"
NO_RIGHTS = r"^(?!.*FIXED_IOVA)(?=.*MAP_WRITEABLE)(?=.*MAP_READABLE)"
STICKY_BASE = ("sticky", tuple(f.name for f in FIXES))
OPEN_ONE, OPEN_ALL = condition(r"\bnosnoop_is_nc\b"), condition(r"\bnosnoop_any_nc\b")

HISTORY = [
    Variant("M01", "uptr + length is not checked for overflow", [
        false(PAGES, "iopt_alloc_user_pages|iopt_alloc_pages", condition(r"\bcheck_add_overflow\b"))], "R1"),
    Variant("M02", "a batch's end is computed from where reading began, although the carry sits in front", [
        Put(PAGES, "iopt_area_unpin_domain",
            inside(value(r"\bbatch_last_index", holds="total_pfns"), r"\bstart_index\b"), "start")], "P1 P4 B2 WARN"),
    Variant("M03", "run 0's count is overwritten before run 0's pfn is computed from it", [
        Move(PAGES, "batch_clear_carry", statement(token(r"\bnpfns\[0\]\s*=")), statement(token(r"\bpfns\[0\]\s*=")))],
            "P1 P4"),
    Variant("M05", "a split leaves the freed area's node in domains_itree", [
        false(TABLE, "iopt_area_split", condition(r"^\s*area->storage_domain\s*$"))], "S1 S3 crash"),
    Variant("M06", "automatic alignment is not capped, up to 2^63", [
        false(TABLE, "iopt_alloc_iova", condition(r"\bmax_alignment\b"))], "R4 I1"),
    Variant("M11", "areas with neither READ nor WRITE", [
        false(IOAS, "iommufd_ioas_map", condition(NO_RIGHTS)),
        false(IOAS, "iommufd_ioas_copy", condition(NO_RIGHTS))], "R1 I11"),
    Variant("M14", "an unmap of all where nothing is says ENOENT", [
        Put(TABLE, "iopt_unmap_iova_range", value(r"\bint\s+rc"), "-ENOENT"),
        After(TABLE, "iopt_unmap_iova_range", statement(token(r"\bunmapped_bytes\s*\+=")), "rc = 0;")], "R1"),
    Variant("M21", "access->ioas is read although it is NULL", [
        false(DEVICE, "iommufd_access_pin_pages", condition(r"^\s*!\s*access->ioas\s*$")),
        false(DEVICE, "iommufd_access_rw", condition(r"^\s*!\s*access->ioas\s*$"))], "crash"),
]

SEMANTIC = [
    Variant("S01", "pfns are read back without subtracting the page offset of the first index", [
        Put(PAGES, "batch_from_domain", value(r"\biova", holds=r"\bpage_offset\b"), "PAGE_SIZE")], "D8 D3 P9"),
    Variant("S02", "pins never ask for the right to write", [
        false(PAGES, "pfn_reader_user_init", condition(r"\bpages->writable\b"))], "P9 A5 R1"),
    Variant("S04", "unpin before unmap", [
        Move(PAGES, "iopt_area_unpin_domain", statement(call("batch_unpin")),
             branch(condition(UNMAP_NOW)))], "D9 U"),
    Variant("S06", "the storage is not moved when its domain leaves", [
        false(TABLE, "iopt_unfill_domain", condition(r"\bstorage_domain\s*==\s*domain\b"))], "S2 crash"),
    Variant("S07", "compaction moves the last domain but leaves the count", [
        After(TABLE, "iopt_table_remove_domain", statement(call("iopt_unfill_domain")), "iopt->next_domain_id += 1;")],
            "I7 crash"),
    Variant("S09", "array entries whose access left are not erased", [
        Drop(PAGES, "iopt_pages_unfill_xarray", statement(call("clear_xarray")))], "S5 B7 P5"),
    Variant("S10", "an access is looked up by overlap instead of exact match", [
        Put(PAGES, "iopt_pages_get_exact_access", condition(r"\bnode->start\b.*\bnode->last\b"), "true")], "S4 S5 A5"),
    Variant("S11", "accesses are counted on pages alone, not on the area", [
        Put(PAGES, "iopt_area_add_access", token(r"\barea->num_accesses\s*\+\+", every=True), "(void)0"),
        Put(PAGES, "iopt_area_remove_access", token(r"\barea->num_accesses\s*==\s*0"), "0"),
        Put(PAGES, "iopt_area_remove_access", token(r"\barea->num_accesses\s*--"), "(void)0")], "S4 A2 P5"),
    Variant("S13", "the carry is kept across a held span", [
        Drop(PAGES, "__iopt_area_unfill_domain", statement(call("batch_skip_carry")))], "B1 P1 P4"),
    Variant("S14", "no residual unmap when the range ends in a held span", [
        false(PAGES, "__iopt_area_unfill_domain", condition(r"\bunmapped_end_index\s*!="))], "D1 D7 D9"),
    Variant("S16", "giving back pins forgets the tail of the pin window", [
        false(PAGES, "pfn_reader_release_pins", condition(r"\bupages_end\s*>"))], "P1 P2 P4"),
    Variant("S17", "the window's last page is pinned again", [
        Put(PAGES, "pfn_reader_fill_span", inside(condition(r"\bstart_index\s*>=.*\bupages_end\b"), r"\bstart_index\b"),
            "start_index + 1")], "P1 P4 B6"),
    Variant("S19", "a fill that fails charges before it unwinds", [
        Before(PAGES, FILL_ONE, statement(call("pfn_reader_release_pins")), "pfn_reader_update_pinned(&pfns);"),
        Before(PAGES, FILL_ALL, statement(call("pfn_reader_release_pins")), "pfn_reader_update_pinned(&pfns);")],
            "P3 P7 WARN"),
    Variant("S20", "a charge up to the limit is refused", [
        Put(PAGES, "incr_user_locked_vm", inside(condition(r"\block_limit\b"), r">"), ">=")], "R1 P7"),
    Variant("S21", "the alignment is not computed anew after a domain has left", [
        Put(TABLE, "iopt_table_remove_domain", call("iopt_calculate_iova_alignment"), "0")], "I6 R1"),
    Variant("S23", "areas are checked before reserved ranges", [
        Before(TABLE, "iopt_check_iova", branch(condition(r"\biopt_reserved_iter_first\b")),
               "if (iopt_area_iter_first(iopt, iova, last)) return -EEXIST;")], "R1"),
    Variant("S24", "allowed windows are not clipped to a page at both ends", [
        Put(TABLE, "iopt_alloc_iova", argument(call("interval_tree_for_each_span"), 2), "0"),
        Put(TABLE, "iopt_alloc_iova", argument(call("interval_tree_for_each_span"), 3), "ULONG_MAX")], "R4"),
    Variant("S25", "a copy takes the whole object instead of the slice", [
        Put(TABLE, "iopt_get_pages", value(r"\belm->start_byte"), "0"),
        Put(TABLE, "iopt_get_pages", value(r"\belm->length"), "area->pages->npages * PAGE_SIZE")], "D1 I9 I1"),
    Variant("S26", "a writable copy of a read-only object is not refused", [
        false(TABLE, "iopt_insert_area", condition(r"\bpages->writable\b"))], "R1 I11"),
    Variant("S28", "a split forgets the second reference", [
        Drop(TABLE, "iopt_area_split", statement(call("kref_get")))], "I8 P5 crash"),
    Variant("S30", "an unmap detaches pages without domains_rwsem", [
        Drop(TABLE, "iopt_unmap_iova_range", statement(call("down_read"))),
        Put(TABLE, "iopt_unmap_iova_range", statement(call("up_read", every=True)), ";")], "LOCK"),
    Variant("S31", "a failing fill undoes one area too many", [
        Put(TABLE, "iopt_fill_domain", condition(r"\bend_area\b"), "area->node.start > end_area->node.start")],
            "D3 P1"),
    Variant("S33", "a run's length overflows (at 2^8 - 1, for 2^32 - 1)", [
        After(PAGES, "batch_add_pfn_num|batch_add_pfn", statement(token(r"\bnpfns\[[^]]*\]\s*(?:\+\+|\+=)")),
              "batch->npfns[batch->end - 1] &= 0xff;")], "P1 B2 D1"),
    Variant("S34", "a batch of capacity 1 takes a second run", [
        Put(PAGES, "batch_add_pfn_num|batch_add_pfn", token(r"\bbatch->array_size\b"), "max(batch->array_size, 2u)")],
            "P1 D1 crash"),
    Variant("S35a", "pages are always marked dirty when they are unpinned", [
        Put(PAGES, "batch_unpin", argument(call("unpin_user_page_range_dirty_lock"), 2), "true")], "P10"),
    Variant("S35b", "pages are never marked dirty when they are unpinned", [
        Put(PAGES, "batch_unpin", argument(call("unpin_user_page_range_dirty_lock"), 2), "false")], "P10"),
    Variant("S36", "accesses are notified with the request's range instead of the area's", [
        Put(TABLE, "iopt_unmap_iova_range", argument(call("iommufd_access_notify_unmap"), 2), "last - start + 1")],
            "A7"),
    Variant("S37", "a detach does not call unmap", [
        Drop(DEVICE, "iommufd_access_change_ioas", statement(call("access->ops->unmap")))], "A3"),
    Variant("S39", "an automatic IOVA does not get the sub-page offset", [
        Drop(TABLE, "__alloc_iova_check_range", statement(token(r"\baligned_start\s*\|=")))], "R4"),
    Variant("S40", "unmap-all stops at the wrap of 2^64 - 1", [
        Put(TABLE, "iopt_unmap_all", argument(call("iopt_unmap_iova_range"), 2), "ULONG_MAX - 1")], "R1 R3"),
]

# They change the rule sticky, which keeps L, I and S0 without them.
FLUSH = [Variant(name, what, edits, rules, STICKY_BASE) for name, what, rules, edits in (
    ("F01", "a flush is one line short of the page's end", "L I S0", [
        Put(PAGES, "nosnoop_clean_run", argument(call("arch_clean_nonsnoop_dma"), 1), "(@@) - 64")]),
    ("F02", "only the first page of a run is flushed", "L I S0", [
        Put(PAGES, "nosnoop_clean_run", argument(call("arch_clean_nonsnoop_dma"), 1), "PAGE_SIZE")]),
    ("F04", "the flush comes after the pin is released", "I", [
        Move(PAGES, "batch_unpin", statement(call("unpin_user_page_range_dirty_lock")),
             branch(condition(r"\bnosnoop_sticky\b")))]),
    ("F05", "no flush when the area is not writable", "L S0", [
        Put(PAGES, FILL_ONE, OPEN_ONE, "@@ && area->iommu_prot & IOMMU_WRITE"),
        Put(PAGES, FILL_ALL, OPEN_ALL, "@@ && area->iommu_prot & IOMMU_WRITE")]),
    ("F10", "an attach that fills several areas flushes pages of the first alone", "L S0", [
        Put(PAGES, FILL_ONE, OPEN_ONE, "@@ && area == iopt_area_iter_first(area->iopt, 0, ULONG_MAX)")]),
    ("F11", "no flush on the error path", "I", [
        Before(PAGES, FILL_ONE, statement(call("pfn_reader_release_pins")), "area->pages->nosnoop_quiet = true;"),
        Before(PAGES, FILL_ALL, statement(call("pfn_reader_release_pins")), "pages->nosnoop_quiet = true;"),
        After(PAGES, FILL_ONE, statement(call("pfn_reader_destroy")), "area->pages->nosnoop_quiet = false;"),
        Put(PAGES, FILL_ALL, statement(call("pfn_reader_destroy", every=True)),
            "{ @@ pages->nosnoop_quiet = false; }")]),
    ("X09", "an attach that fails takes the mark of a non-coherent domain along", "L S0", [
        Put(HWPT, "iommufd_hwpt_paging_alloc", token(r"\bout_detach\s*:"), """@@ {
		struct iommufd_hwpt_paging *other;

		list_for_each_entry(other, &ioas->hwpt_list, hwpt_item)
			other->enforce_cache_coherency = true;
	}""")]),
)]

MORE = [
    Variant("X01", "the IOTLB is not invalidated after an unmap", [
        Put(PAGES, "iommu_unmap_nofail", call("iommu_unmap"), "iommu_unmap_fast(@0, @1, @2, NULL)")], "U D9"),
    Variant("X02", "an unwind leaves what the failed domain got of the last batch", [
        false(PAGES, "batch_to_domain", condition(r"\bstart_iova\s*!=\s*iova\b"))], "D9 P1 D7"),
    Variant("X04", "the alignment is not computed anew after an access has left", [
        Put(TABLE, "iopt_remove_access", call("iopt_calculate_iova_alignment"), "0")], "I6 R1"),
    Variant("X05", "a copy that ends with an area goes on to the next", [
        Put(TABLE, "iopt_area_contig_next", inside(condition(r"\biter->last_iova\b.*\blast_iova\b"), r"<="), "<")],
            "R1"),
    Variant("X06", "slow reads and writes begin at the page, not at the byte", [
        Put(PAGES, "batch_rw", argument(call("copy_data_page"), 2), "0")], "A6"),
    Variant("X07", "an allowed range may be reserved already", [
        false(TABLE, "iopt_set_allow_iova", condition(r"\biopt_reserved_iter_first\b"))], "I3 R1"),
    Variant("X10", "the second and further batches are mapped with the first one's offset", [
        Put(PAGES, "batch_to_domain", condition(BEGINS_IN), "true")], "D5 D3"),
]

MUTANTS = HISTORY + SEMANTIC + FLUSH + MORE
