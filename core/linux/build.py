#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Builds Linux's own iommufd files, as they lie in a kernel tree, into a shared object.

    core/linux/build.py --linux-tree DIR --out FILE.so [--cc CC] [--cflags "..."] [--production]

Nothing of the tree is changed or kept: its files are compiled where they lie, its headers are
reached through a folder of links beside the output. Headers come from four places, in this order:
core/linux/include (the kernel environment, kenv.h), names that only forward to kenv.h, the tree's
own headers (REAL), and the tree's tools/include.

What a tree has and what it lacks is found by compiling small probes (PROBES), never by its version
number. Exit: 0 built, 1 a file of the tree does not compile, 2 bad input.
"""

import argparse
import concurrent.futures
import hashlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
IOMMUFD = "drivers/iommu/iommufd"

# The code under test: a content hash of these names a build.
JUDGED = [IOMMUFD + "/" + name for name in
          ("pages.c", "io_pagetable.c", "ioas.c", "device.c", "hw_pagetable.c",
           "io_pagetable.h", "double_span.h", "iommufd_private.h")]
# What it stands on, compiled too.
BELOW = ["lib/xarray.c", "lib/interval_tree.c", "tools/lib/rbtree.c"]
OURS = ["kernel.c", "objects.c", "run.c", "look.c"]

REAL = ["linux/xarray.h", "linux/interval_tree.h", "linux/interval_tree_generic.h", "linux/kref.h",
        "linux/iommu.h", "linux/iommufd.h", "linux/iova_bitmap.h", "uapi/linux/iommufd.h",
        "linux/iommu-debug-pagealloc.h"]
TOOLS = ["linux/list.h", "linux/rbtree.h", "linux/rbtree_augmented.h", "linux/poison.h"]
FORWARDED = """
    linux/align.h linux/atomic.h linux/bits.h linux/bug.h linux/build_bug.h linux/cache.h
    linux/cacheflush.h linux/capability.h linux/cleanup.h linux/compiler.h linux/compiler_types.h
    linux/const.h linux/container_of.h linux/cred.h linux/device.h linux/dma-buf.h
    linux/dma-resv.h linux/err.h linux/errno.h linux/export.h linux/fault-inject.h linux/file.h
    linux/fs.h linux/gfp.h linux/highmem.h linux/init.h linux/io.h linux/kconfig.h linux/kernel.h
    linux/kobject.h linux/kthread.h linux/limits.h linux/lockdep.h linux/log2.h linux/maple_tree.h
    linux/math.h linux/math64.h linux/memfd.h linux/minmax.h linux/mm.h linux/mm_types.h
    linux/mmu_notifier.h linux/module.h linux/msi.h linux/mutex.h linux/of.h linux/overflow.h
    linux/pci-ats.h linux/pci.h linux/percpu.h linux/preempt.h linux/printk.h linux/rcupdate.h
    linux/refcount.h linux/rwsem.h linux/scatterlist.h linux/sched.h linux/sched/mm.h
    linux/sched/signal.h linux/sched/task.h linux/sched/user.h linux/slab.h linux/spinlock.h
    linux/stddef.h linux/string.h linux/types.h linux/uaccess.h linux/user.h
    linux/vfio_pci_core.h linux/wait.h linux/workqueue.h asm/bug.h asm/cacheflush.h asm/errno.h
    asm/page.h asm/barrier.h asm/rwonce.h radix-tree.h linux/radix-tree.h linux/bitops.h
    linux/bitmap.h
""".split()

# A probe: what it says in words, and a function body that compiles only where the tree has it.
PROBES = {
    "PASID": ("a pasid for iommufd_hwpt_paging_alloc()",
              "iommufd_hwpt_paging_alloc(NULL, NULL, NULL, 0, 0, false, NULL);"),
    "WAIT_CNT": ("iommufd_object::wait_cnt", "struct iommufd_object o; o.wait_cnt.refs.counter = 0;"),
    "UCMD_OBJECTS": ("objects owned by a command", "struct iommufd_ucmd u; u.new_obj = NULL;"),
    "FILE_PAGES": ("maps of files", "struct iopt_pages p; p.type = IOPT_ADDRESS_FILE;"),
    "DMABUF": ("maps of dma-bufs", "struct iopt_pages p; p.type = IOPT_ADDRESS_DMABUF;"),
    "SW_MSI": ("software MSI windows of a context", "struct iommufd_ctx c; c.sw_msi_id = 0;"),
    "CHANGE_PROCESS": ("the change-process ioctl", "(void)iommufd_ioas_change_process;"),
    "INTERNAL_ACCESS": ("accesses of the kernel's own", "(void)iommufd_access_is_internal;"),
    "AREA_LOCKS": ("areas that an object of the kernel locks",
                   "struct iopt_area a; a.num_locks = 0;"),
    "ALLOC_FLAGS": ("iommu_ops::domain_alloc_paging_flags",
                    "struct iommu_ops o; o.domain_alloc_paging_flags = NULL;"),
    "DOMAIN_IOAS": ("iommu_domain::cookie_type", "struct iommu_domain d; d.cookie_type = 0;"),
}
PROBE_HEAD = '#include "io_pagetable.h"\n#include <uapi/linux/iommufd.h>\nvoid probe(void)\n{\n%s\n}\n'


class Failure(Exception):
    def __init__(self, text, status):
        super().__init__(text)
        self.status = status


def bad_input(text):
    return Failure(text, 2)


def version_of(tree):
    try:
        with open(os.path.join(tree, "Makefile")) as f:
            text = f.read(4096)
    except OSError:
        return "unknown"
    parts = {k: v.strip() for k, v in re.findall(r"^(VERSION|PATCHLEVEL|SUBLEVEL|EXTRAVERSION) *=(.*)$",
                                                 text, re.M)}
    version = "%s.%s" % (parts.get("VERSION", "?"), parts.get("PATCHLEVEL", "?"))
    if parts.get("SUBLEVEL", "0") not in ("", "0"):
        version += "." + parts["SUBLEVEL"]
    return version + parts.get("EXTRAVERSION", "")


def content_hash(tree, files):
    h = hashlib.sha256()
    for name in files:
        with open(os.path.join(tree, name), "rb") as f:
            h.update(name.encode() + b"\0" + f.read() + b"\0")
    return h.hexdigest()


def check_tree(tree):
    if not os.path.isdir(tree):
        raise bad_input("%s: no such folder; --linux-tree wants the top of a kernel tree" % tree)
    for name in JUDGED + BELOW + ["include/" + REAL[0]]:
        if not os.path.exists(os.path.join(tree, name)):
            raise bad_input("%s: has no %s; wanted the top of a kernel tree of 6.2 or later" %
                            (tree, name))


def make_links(tree, folder):
    """The folder of links and forwards, made anew: a stale one would hide a header."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in FORWARDED:
        path = os.path.join(folder, "forward", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            # What the C library's own errno.h includes under this name.
            f.write('#include <asm-generic/errno.h>\n' if name.endswith("/errno.h") else
                    '#include "kenv.h"\n')
    for where, names in (("include", REAL), ("tools/include", TOOLS)):
        for name in names:
            target = os.path.join(tree, where, name)
            if not os.path.exists(target):
                continue
            path = os.path.join(folder, "real", name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.symlink(os.path.realpath(target), path)


class Build:
    def __init__(self, args, folder):
        self.cc = shlex.split(args.cc)
        self.tree = os.path.realpath(args.linux_tree)
        self.folder = folder
        self.flags = ["-std=gnu11", "-fPIC", "-fvisibility=hidden", "-ffunction-sections",
                      "-fdata-sections", "-fno-strict-aliasing", "-fno-strict-overflow", "-g",
                      "-DCONFIG_64BIT=1", "-DCONFIG_X86=1", "-DCONFIG_X86_64=1", "-DCONFIG_INTERVAL_TREE_SPAN_ITER=1", "-DCONFIG_IOMMU_API=1", "-DCONFIG_XARRAY_MULTI=1",
                      "-DCONFIG_IOMMUFD_DRIVER=1", "-DCONFIG_IOMMUFD_DRIVER_CORE=1",
                      "-DCONFIG_IOMMUFD=1", "-DCONFIG_TRANSPARENT_HUGEPAGE=1", "-DCONFIG_BASE_SMALL=0",
                      "-D__KERNEL__", "-DNOSNOOP_COMPAT_H"]
        if not args.production:
            self.flags += ["-DCONFIG_IOMMUFD_TEST=1", "-DCONFIG_FAULT_INJECTION=1"]
        self.flags += shlex.split(args.cflags)
        self.flags += ["-I" + os.path.join(HERE, "include"), "-I" + os.path.join(folder, "links/forward"),
                       "-isystem", os.path.join(folder, "links/real"), "-I" + TOP,
                       "-include", os.path.join(HERE, "include/kenv.h"),
                       "-include", os.path.join(HERE, "include/kenv_iommufd.h")]
        self.defines = []

    def run(self, args, source, quiet):
        out = subprocess.run(self.cc + args, capture_output=True, text=True)
        if out.returncode and not quiet:
            raise Failure("%s does not compile:\n%s" % (source, out.stderr[:6000]), 1)
        return out.returncode == 0

    def compile(self, source, extra=(), name=None, quiet=False):
        obj = os.path.join(self.folder, (name or source.replace("/", "_")) + ".o")
        warn = ["-w", "-Werror=implicit-function-declaration"] if source.startswith(self.tree) else ["-Wall", "-Wno-unused"]
        self.run(self.flags + self.defines + warn + list(extra) +
                 ["-I" + os.path.join(self.tree, IOMMUFD), "-c", source, "-o", obj], source, quiet)
        return obj

    def probe(self, item):
        name, (_, body) = item
        source = os.path.join(self.folder, "probe_%s.c" % name)
        with open(source, "w") as f:
            f.write(PROBE_HEAD % body)
        ok = self.run(self.flags + ["-w", "-Werror=implicit-function-declaration", "-fsyntax-only",
                                    "-I" + os.path.join(self.tree, IOMMUFD), source], source, True)
        return name if ok else None

    def probes(self, pool):
        names = [n for n in pool.map(self.probe, PROBES.items()) if n]
        self.defines = ["-DHAVE_%s=1" % n for n in names]
        return names


CLEANS = re.compile(r"\b(arch_clean_nonsnoop_dma|arch_flush_cache_phys|clflush_cache_range)\s*\(")


def names_a_clean(tree):
    """(file, line) where a file of iommufd calls a clean primitive, comments apart; None: nowhere"""
    folder = os.path.join(tree, IOMMUFD)
    for name in sorted(n for n in os.listdir(folder) if n.endswith((".c", ".h"))):
        with open(os.path.join(folder, name), errors="replace") as f:
            text = re.sub(r"/\*.*?\*/|//[^\n]*", lambda m: "\n" * m[0].count("\n"), f.read(), flags=re.S)
        found = CLEANS.search(text)
        if found:
            return "%s/%s:%d" % (IOMMUFD, name, text.count("\n", 0, found.start()) + 1)
    return None


def undefined_calls(objects):
    out = subprocess.run(["nm", "-u"] + objects, capture_output=True, text=True, check=True)
    return set(re.findall(r"^\s+U (\S+)$", out.stdout, re.M))


# What an instrumenting compiler calls: the program that opens the shared object has it.
RUNTIME = re.compile(r"__(asan|ubsan|sanitizer|sancov|afl|cmplog)_")


def link(b, args, objects, out):
    """Links; what the tree calls and nobody has becomes a function that reports a finding."""
    tmp = out + ".tmp"
    strict = "-Wl,--gc-sections,-z,defs"  # one word: afl-clang-fast drops a -z,defs that stands alone
    command = b.cc + ["-shared", "-fPIC", strict, "-o", tmp]
    command += shlex.split(args.cflags) + objects
    done = subprocess.run(command, capture_output=True, text=True)
    undefined = sorted(set(re.findall(r"undefined reference to `(\w+)'", done.stderr)))
    missing = [name for name in undefined if not RUNTIME.match(name)]
    if missing != undefined:
        command[command.index(strict)] = "-Wl,--gc-sections"
        if not missing:
            done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode and not missing:
        raise Failure("cannot link:\n%s" % done.stderr[:6000], 1)
    if missing:
        source = os.path.join(b.folder, "missing.c")
        with open(source, "w") as f:
            f.write('#include "core/linux/kernel.h"\n')
            for name in missing:
                f.write("#undef %s\nlong kenv_missing_%s(void) __asm__(\"%s\");\n"
                        "long kenv_missing_%s(void)\n{\n\treturn kenv_missing(\"called, and not modelled: %s\");\n}\n" %
                        (name, name, name, name, name))
        command.append(b.compile(source, name="missing"))
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise Failure("cannot link:\n%s" % done.stderr[:6000], 1)
    os.rename(tmp, out)
    return missing


def build(args):
    check_tree(args.linux_tree)
    out = os.path.abspath(args.out)
    folder = out + ".d"
    os.makedirs(folder, exist_ok=True)
    b = Build(args, folder)
    make_links(b.tree, os.path.join(folder, "links"))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        features = b.probes(pool)
        judged = [os.path.join(b.tree, f) for f in JUDGED if f.endswith(".c")]
        below = [os.path.join(b.tree, f) for f in BELOW]
        jobs = [pool.submit(b.compile, s, (), os.path.basename(s)) for s in judged + below]
        objects = [j.result() for j in jobs]
        calls = undefined_calls(objects[:len(judged)])
        flushes = bool(calls & {"kenv_clean", "kenv_clean_virt"})
        named = names_a_clean(b.tree)
        if named and not flushes:
            raise Failure("%s calls a clean, and no file that is compiled here does: a configuration option that is not set, or "
                          "a file that is not compiled; the rule of this tree cannot be judged" % named, 1)
        lacks = [PROBES[n][0] for n in PROBES if n not in features]
        about = {
            "NAME": "linux-" + version_of(b.tree),
            "HASH": content_hash(b.tree, JUDGED),
            "FEATURES": "; ".join(PROBES[n][0] for n in features),
            "LACKS": "; ".join(lacks),
        }
        b.defines += ["-DTREE_%s=\"%s\"" % (k, v) for k, v in about.items()]
        b.defines.append("-DTREE_FLUSHES=%d" % flushes)
        jobs = [pool.submit(b.compile, os.path.join(HERE, s), (), "our_" + s) for s in OURS]
        objects += [j.result() for j in jobs]
    missing = link(b, args, objects, out)
    print("%s: %s, sha256 %s, %s" % (args.out, about["NAME"], about["HASH"][:16],
                                     "flushes" if flushes else "never flushes"))
    if missing:
        print("called by the tree and not modelled: " + " ".join(missing))
    if lacks:
        print("this tree lacks: " + about["LACKS"])


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--linux-tree", required=True, metavar="DIR")
    p.add_argument("--out", required=True, metavar="FILE.so")
    p.add_argument("--cc", default=os.environ.get("CC", "cc"))
    p.add_argument("--cflags", default="-O2")
    p.add_argument("--production", action="store_true",
                   help="without CONFIG_IOMMUFD_TEST: no fault points, fixed temporary memory")
    try:
        build(p.parse_args())
    except Failure as e:
        print("core/linux/build.py: %s" % e, file=sys.stderr)
        return e.status
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a reader that has seen enough, as `| head`
    sys.exit(main())
