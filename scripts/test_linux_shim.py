#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
What the kernel environment must not let pass: small edits in a copy of a tree's iommufd files, each built and replayed on a few
traces. Wants a kernel tree (scripts/linux-tree.sh --no-install) and build/rel; says so where there is none.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
REPLAY = os.path.join(TOP, "build/rel/bin/nosnoop-replay")
IOMMUFD = "drivers/iommu/iommufd"
GOLDEN = "corpus/seed/golden/g1.ops"


def find_tree():
    done = subprocess.run([os.path.join(TOP, "scripts/linux-tree.sh"), "--no-install"], capture_output=True, text=True)
    return done.stdout.split("\n")[-2] if done.returncode == 0 else None


TREE = find_tree()


class Shim(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="nosnoop-shim-")
        self.addCleanup(shutil.rmtree, self.dir)
        self.tree = os.path.join(self.dir, "tree")
        os.makedirs(os.path.join(self.tree, "drivers/iommu"))
        for name in ("include", "lib", "tools", "Makefile"):
            os.symlink(os.path.join(TREE, name), os.path.join(self.tree, name))
        shutil.copytree(os.path.join(TREE, IOMMUFD), os.path.join(self.tree, IOMMUFD))
        shutil.copy(os.path.join(TREE, "drivers/iommu/iommu-priv.h"), os.path.join(self.tree, "drivers/iommu"))

    def edit(self, pattern, text, file="pages.c"):
        path = os.path.join(self.tree, IOMMUFD, file)
        with open(path) as f:
            before = f.read()
        after, n = re.subn(pattern, text, before)
        self.assertGreater(n, 0, f"{file} has no {pattern}")
        with open(path, "w") as f:
            f.write(after)

    def build(self, expect=0):
        self.so = os.path.join(self.dir, "tree.so")
        done = subprocess.run([sys.executable, "-B", os.path.join(TOP, "core/linux/build.py"), "--linux-tree", self.tree,
                               "--out", self.so], capture_output=True, text=True)
        self.assertEqual(done.returncode, expect, done.stderr)
        return done.stderr

    def replay(self, *traces):
        done = subprocess.run([REPLAY, "--backend", self.so, *traces], cwd=TOP, capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout

    def test_as_it_is(self):
        self.build()
        self.assertEqual(self.replay(GOLDEN, "corpus/seed/access/pin-fails.ops")[0], 0)

    def test_memory_is_not_zeroed(self):
        self.edit(r"\bkzalloc\(", "kmalloc(") if "kzalloc(" in self.text() else self.edit(r"\bkzalloc_obj\(", "kmalloc_obj(")
        self.build()
        self.assertNotEqual(self.replay(GOLDEN)[0], 0)

    def text(self):
        with open(os.path.join(self.tree, IOMMUFD, "pages.c")) as f:
            return f.read()

    def test_freed_twice(self):
        self.edit(r"\bkfree\(access\);", "kfree(access); kfree(access);")
        self.build()
        status, out = self.replay("corpus/seed/access/rw-dead-task.ops", "corpus/seed/access/pin-fails.ops")
        self.assertEqual(status, 1)
        self.assertIn("freed before", re.sub(r"\s+", " ", out))

    def test_fault_point_that_moved(self):
        self.edit(r"\bpages_to_xarray\b", "pages_go_to_xarray")
        self.build()
        status, out = self.replay("corpus/seed/access/pin-fails.ops")
        self.assertEqual(status, 1)
        self.assertIn("finding SHIM", out)

    def test_clean_that_is_not_compiled(self):
        self.edit(r"(static void batch_clear\(struct pfn_batch \*batch\)\n\{)",
                  "\\1\n#ifdef CONFIG_NOSUCH\n\tarch_clean_nonsnoop_dma(0, 64);\n#endif")
        self.assertRegex(self.build(expect=1), r"pages\.c:\d+ calls a clean, and no file that is compiled here does")

    def test_clean_of_a_virtual_address(self):
        clean = "arch_clean_nonsnoop_dma(%s, 64);"
        place = r"(static void batch_clear\(struct pfn_batch \*batch\)\n\{)"
        self.edit(place, "\\1\n\t" + clean % "(phys_addr_t)(uintptr_t)page_address(pfn_to_page(20))")
        self.build()
        status, out = self.replay(GOLDEN)
        self.assertEqual(status, 1)
        self.assertIn("no physical address", re.sub(r"\s+", " ", out))

    def test_scoped_guard_ends(self):
        self.edit(r"(static void batch_clear\(struct pfn_batch \*batch\)\n\{)",
                  "\\1\n\tstruct mutex m;\n\n\tmutex_init(&m);\n\tscoped_guard(mutex, &m)\n\t\tbreak;\n\tWARN_ON(m.lock.writers);\n"
                  "\tscoped_guard(mutex, &m)\n\t\tWARN_ON(!m.lock.writers);\n\tWARN_ON(m.lock.writers);")
        self.build()
        self.assertEqual(self.replay(GOLDEN)[0], 0)

    def test_lock_that_is_not_held(self):
        self.edit(r"mutex_lock\(&pages->mutex\);", "", file="pages.c")
        self.build()
        status, out = self.replay(GOLDEN)
        self.assertEqual(status, 1)
        self.assertIn("finding LOCK", out)


if __name__ == "__main__":
    if not TREE or not os.path.exists(REPLAY):
        print("skipped: no kernel tree, or build/rel is not built")
        sys.exit(0)
    unittest.main()
