#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
nosnoop-export as people and scripts meet it: every trace of the corpus, what single ops look like, bad input. Where
NOSNOOP_LINUX_TREE names a kernel tree with tools/testing/selftests (or several, with colons between), every export is
compiled against it. NOSNOOP_BIN names the folder of the programs.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import test_replay as rig

TREES = [t for t in os.environ.get("NOSNOOP_LINUX_TREE", "").split(":") if t]
IOMMU = "tools/testing/selftests/iommu"


def export(*args, **kw):
    return rig.run("nosnoop-export", *args, **kw)


def traces():
    return rig.corpus("seed", "regress", "recorded")


class Exports(rig.Temporary):
    def exported(self, text):
        rc, out, err = export(self.file("t.ops", text))
        self.assertEqual(rc, 0, err)
        return out[out.index("TEST_F("):]

    def assert_lines(self, out, *lines):
        """These lines, in this order."""
        at = 0
        for line in lines:
            found = out.find(line, at)
            self.assertGreaterEqual(found, 0, f"{line!r} is not in\n{out[at:]}")
            at = found + len(line)

    def test_corpus(self):
        for name in traces():
            with self.subTest(trace=name):
                rc, out, err = export(name)
                self.assertEqual(rc, 0, err)
                self.assertRegex(err, r"\d+ ops: \d+ whole, \d+ in part, \d+ left out\n$")
                self.assertTrue(out.endswith("\n}\n\nTEST_HARNESS_MAIN\n"))
                self.assertNotIn("\x00", out)

    def test_leak(self):
        """The posted patch's leak, as somebody would write it."""
        out = self.exported("buffer P 3 pages\ntable A\nmap A a0 P\nattach A n0 noncoherent\ndetach A n0\n"
                            "attach A n1 noncoherent\nexpect v1_posted L at 6\n")
        self.assert_lines(
            out, "/* 1: buffer P 3 pages */\n\tbuf_P = user_pages(3 * PAGE);",
            "/* 2: table A */", "ASSERT_EQ(0, request(self->fd, IOMMU_IOAS_ALLOC, &alloc_cmd));",
            "ioas_A = alloc_cmd.out_ioas_id;", "{ MOCK_APERTURE_START, MOCK_APERTURE_LAST },",
            "/* 3: map A a0 P */", ".user_va = (uintptr_t)buf_P,", ".length = 3 * PAGE,",
            " * 4: attach A n0 noncoherent\n", "a mock domain always snoops", ".op = IOMMU_TEST_OP_MOCK_DOMAIN,",
            ".id = ioas_A,", "stdev_n0 = test_cmd.mock_domain.out_stdev_id;", "/* 5: detach A n0 */",
            ".id = stdev_n0,", "ASSERT_EQ(0, request(self->fd, IOMMU_DESTROY, &destroy_cmd));",
            "/* expect v1_posted L at 6 */", "ASSERT_EQ(0, check_refs(self->fd, buf_P, 3 * PAGE, 0));")

    def test_second_domain(self):
        """Devices of one table share its domain, so a second domain has none."""
        out = self.exported("table A\nattach A n0 coherent\nattach A n1 coherent\ndetach A n0\nattach A n2 coherent\n"
                            "detach A n1\n")
        self.assert_lines(out, "idev_n0 = test_cmd.mock_domain.out_idev_id;", ".dev_id = idev_n0,",
                          ".pt_id = ioas_A,", "IOMMU_HWPT_ALLOC", "hwpt_n1 = hwpt_cmd.out_hwpt_id;",
                          ".id = stdev_n0,", "IOMMU_TEST_OP_MOCK_DOMAIN", ".id = hwpt_n1,")

    def test_answers(self):
        out = self.exported("buffer P 2 pages\ntable A\nmap A a0 P[0] ro at 0x10000\nmap A a1 P[1] at 0x10000\n"
                            "unmap A 0x40000 len 0x1000\nunmap A a0\nmap A a2 P badout at 0x50000\n"
                            "destroy A badid\nhuge_pages A 2\nhuge_pages A get\n")
        self.assert_lines(
            out, ".flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE,", ".iova = 0x10000,",
            "ASSERT_EQ(-EEXIST, request(self->fd, IOMMU_IOAS_MAP, &map_cmd));",
            "ASSERT_EQ(-ENOENT, request(self->fd, IOMMU_IOAS_UNMAP, &unmap_cmd));", ".iova = iova_a0,",
            "ASSERT_EQ(PAGE, unmap_cmd.length);",
            "ASSERT_EQ(-EFAULT, request(self->fd, IOMMU_IOAS_MAP, readonly(&map_cmd, sizeof(map_cmd))));",
            ".id = BAD_ID,", "ASSERT_EQ(-ENOENT, request(self->fd, IOMMU_DESTROY, &destroy_cmd));",
            ".option_id = IOMMU_OPTION_HUGE_PAGES,", "ASSERT_EQ(-EINVAL,", "ASSERT_EQ(1, option_cmd.val64);")

    def test_references(self):
        """The n-th live one is what it was in a run of the trace."""
        out = self.exported("buffer P 2 pages\ntable A\ntable B\nmap B a0 P at 0x10000\ncopy table%0 a1 from B@area%0[1]\n"
                            "unmap table%1 area%0\n")
        self.assert_lines(out, "5: copy", ".dst_ioas_id = ioas_A,", ".src_ioas_id = ioas_B,", ".src_iova = iova_a0 + PAGE,",
                          "6: unmap", ".ioas_id = ioas_B,", ".iova = iova_a0,")

    def test_accesses(self):
        out = self.exported("buffer P 2 pages\ntable A\naccess x0 none pages\naccess_attach x0 A\nmap A a0 P\n"
                            "pin x0 k0 a0[1] rw\nunpin k0\nrw x0 a0+8 len 16 write\naccess_detach x0\n"
                            "access_detach x0\naccess_attach x0 A\n")
        self.assert_lines(
            out, "it is made when it is attached", ".op = IOMMU_TEST_OP_CREATE_ACCESS,",
            "MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES", "access_x0 = test_cmd.create_access.out_access_fd;",
            ".op = IOMMU_TEST_OP_ACCESS_PAGES,", ".access_pages.flags = MOCK_FLAGS_ACCESS_WRITE,",
            ".access_pages.iova = iova_a0 + PAGE,", "pin_k0 = test_cmd.access_pages.out_access_pages_id;",
            ".op = IOMMU_TEST_OP_DESTROY_ACCESS_PAGES,", ".op = IOMMU_TEST_OP_ACCESS_RW,",
            "ASSERT_EQ(0, same(buf_P + 8, scratch, 0x10));", "the selftest cannot detach an access and keep it",
            "ASSERT_EQ(0, close(access_x0));", "10: access_detach", "11: access_attach", "IOMMU_TEST_OP_CREATE_ACCESS")

    def test_memory(self):
        out = self.exported("buffer P 3 pages\nbuffer Q 1 pages\nalias P[2] = Q[0]\npages P[0] +hole\npages P[1] +readonly\n"
                            "store Q+4 len 8 value 0x11223344\nremap P\nfree Q\n")
        self.assert_lines(
            out, "mem_Q = memory(PAGE);", "show(buf_P + 2 * PAGE, PAGE, mem_Q, 0, MAP_SHARED);",
            "protect(buf_P, PAGE, PROT_NONE);", "protect(buf_P + PAGE, PAGE, PROT_READ);",
            "fill(buf_Q + 4, 8, 0x11223344);", "show(buf_P, 3 * PAGE, mem_P, 3 * PAGE, MAP_SHARED);",
            "user_free(buf_Q, PAGE);")

    def test_processes(self):
        out = self.exported("buffer P 1 pages task 1\ntable A\nmap A a0 P\nexit task 1\nmap A a1 P\n")
        self.assert_lines(out, "start_process(1);", "caller = 1;\n\tbuf_P = user_pages(PAGE);\n\tcaller = HERE;",
                          "caller = 1;\n\tmap_cmd", "end_process(1);", "5: map A a1 P", "the process is gone")

    def test_checks(self):
        out = self.exported("buffer P 2 pages\ntable A\nattach A n0 noncoherent\nmap A a0 P\ncheck\nremap P[1]\ncheck\n")
        self.assert_lines(out, "ASSERT_EQ(0, check_map(self->fd, hwpt_n0, iova_a0, 2 * PAGE, buf_P));",
                          "ASSERT_EQ(0, check_refs(self->fd, buf_P, 2 * PAGE, 1));", "7: check", "a0: its user sees other pages",
                          "check_refs(self->fd, buf_P, PAGE, 1)", "check_refs(self->fd, buf_P + PAGE, PAGE, 0)")

    def test_failures(self):
        out = self.exported("buffer P 1 pages\ntable A\nmap A a0 P fail alloc 1\nreserve A 0x1000 len 0x1000 fail reserve 1\n")
        self.assert_lines(out, "have_fault_injection()", "for (fail_nth = 1;; fail_nth++) {",
                          "if (!request(self->fd, IOMMU_IOAS_MAP, &map_cmd))",
                          "unmap(self->fd, ioas_A, map_cmd.iova, map_cmd.length);", "if (!nth_met)", "fail_nth = 0;",
                          "fail_nth = 1;", "ASSERT_NE(0, request(self->fd, IOMMU_TEST_CMD, &test_cmd));")

    def test_no_counterpart(self):
        rc, out, err = export("--json", "corpus/seed/cut/under-domain.ops")
        self.assertEqual(rc, 0, err)
        o = json.loads(out)
        self.assertEqual(o["whole"] + o["partly"] + o["left"], o["ops"])
        self.assertIn("no ioctl cuts an area and leaves both parts", [x["why"] for x in o["losses"]])
        self.assertIn("TEST_F(trace, under_domain)", o["program"])

    def test_moved(self):
        rc, out, err = export(self.file("t.ops", "buffer P 1 pages\ntable A\nattach A n0 coherent\nmap A a0 P at 0x10000\n"))
        self.assertEqual(rc, 0, err)
        self.assertIn(" *\t0x10000 is MOCK_APERTURE_START + 16 * PAGE\n", out)
        self.assertIn(".iova = MOCK_APERTURE_START + 16 * PAGE,", out)

    def test_the_head(self):
        """The trace with its comments; the name of the file in the command to build it."""
        path = os.path.join(self.dir, "a-leak.c")
        rc, out, err = export("--out", path, self.file("t.ops", "# why */ so\ntable A # here\n"))
        self.assertEqual((rc, out), (0, ""), err)
        text = rig.read(path)
        self.assertIn(" *\t# why * / so\n *\ttable A # here\n", text)
        self.assertIn("-o a-leak tools/testing/selftests/iommu/a-leak.c\n", text)
        self.assertIn("TEST_F(trace, a_leak)\n", text)

    def test_binary_and_standard_input(self):
        text = rig.read("corpus/seed/golden/g1.ops")
        rc, out, err = export("-", stdin=text.encode())
        self.assertEqual(rc, 0, err)
        self.assertIn("TEST_F(trace, trace)", out)
        rc, _, err = rig.run("fuzz-ops-replay", "--encode", self.dir, "corpus/seed/golden/g1.ops")
        self.assertEqual(rc, 0, err)
        rc, again, err = export(os.path.join(self.dir, "golden-g1.ops.bin"))
        self.assertEqual(rc, 0, err)
        self.assertEqual(again.partition("TEST_F(trace, golden_g1_ops)")[2], out.partition("TEST_F(trace, trace)")[2])


class BadInput(rig.Temporary):
    def test_traces(self):
        rc, out, err = export(self.file("bad.ops", "table A\nmap A a0 Q\n"))
        self.assertEqual((rc, out), (2, ""))
        self.assertRegex(err, r"bad\.ops:2:10: .*expected")
        rc, _, err = export(os.path.join(self.dir, "none.ops"))
        self.assertEqual(rc, 2)
        self.assertIn("No such file", err)

    def test_usage(self):
        self.assertEqual(export()[0], 2)
        self.assertEqual(export("--nonsense", "x")[0], 2)
        self.assertEqual(export("corpus/seed/golden/g1.ops", "corpus/seed/golden/g2.ops")[0], 2)
        self.assertEqual(export("--help")[0], 0)
        self.assertRegex(export("--version")[1], r"^nosnoop-export \d")

    def test_output(self):
        """Nothing is half-written; the program is on standard output then."""
        rc, out, err = export("--out", os.path.join(self.dir, "no", "x.c"), "corpus/seed/golden/g1.ops")
        self.assertEqual(rc, 3)
        self.assertIn("TEST_HARNESS_MAIN", out)
        self.assertIn("No such file", err)
        old = self.file("old.c", "as it was")
        self.assertEqual(export("--out", old, self.file("bad.ops", "tabel A\n"))[0], 2)
        self.assertEqual(rig.read(old), "as it was")


@unittest.skipUnless(TREES, "NOSNOOP_LINUX_TREE names no kernel tree")
class Compiles(rig.Temporary):
    """A copy of the few files that an export includes: trees are not written to."""

    FILES = (f"{IOMMU}/../kselftest.h", f"{IOMMU}/../kselftest_harness.h", "drivers/iommu/iommufd/iommufd_test.h")

    def copy_tree(self, tree, to):
        for name in self.FILES:
            os.makedirs(os.path.dirname(os.path.join(to, os.path.normpath(name))), exist_ok=True)
            shutil.copy(os.path.join(tree, name), os.path.join(to, os.path.normpath(name)))
        os.makedirs(os.path.join(to, IOMMU), exist_ok=True)
        os.makedirs(os.path.join(to, "include", "linux"))
        shutil.copy(os.path.join(tree, "include/uapi/linux/iommufd.h"), os.path.join(to, "include/linux/iommufd.h"))

    def test_corpus(self):
        for n, tree in enumerate(TREES):
            missing = [f for f in self.FILES if not os.path.isfile(os.path.join(tree, f))]
            if missing:
                self.skipTest(f"{tree} has no {missing[0]}")
            to = os.path.join(self.dir, str(n))
            self.copy_tree(tree, to)
            for name in traces():
                with self.subTest(tree=tree, trace=name):
                    source = os.path.join(to, IOMMU, re.sub(r"\W", "_", name) + ".c")
                    rc, _, err = export("--out", source, name)
                    self.assertEqual(rc, 0, err)
                    done = subprocess.run(["gcc", "-Wall", "-Werror", "-fsyntax-only", "-isystem",
                                           os.path.join(to, "include"), source], capture_output=True, text=True,
                                          check=False)
                    self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    if not TREES:
        print("NOSNOOP_LINUX_TREE names no kernel tree: exports are not compiled", file=sys.stderr)
    unittest.main()
