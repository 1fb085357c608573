#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
The corpus covers the page core and the policies, and everything that it leaves has a reason; and coverage.py would notice if
it were not so. Counts of lines and branches alone decide, which are the same in every run.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from coverage_reasons import Entry, File, assertions, explain, load

SCRIPTS = os.path.dirname(os.path.realpath(__file__))
SCRIPT = os.path.join(SCRIPTS, "coverage.py")
REASONS = os.path.join(SCRIPTS, "coverage-reasons.txt")
LINES, BRANCHES = 97, 90

CODE = """\
static int f(int a, int b)
{
	if (a)
		machine_strict(m, "X1", "if (b) never", a,
			       b);
	if (a ||
	    b) {
		machine_strict(m, "X2", "()", 0, 0);
		return 1;
	}
	if (b) /* if (a) */
		g(a);
	if (a > b) {
		h(a);
		g(b);
	}
	if (b)
		g(b);
	return 0;
}
"""


class Rules(unittest.TestCase):
    """Without a build: a file whose counts are made up."""

    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)
        with open(os.path.join(self.dir.name, "f.c"), "w", encoding="utf-8") as f:
            f.write(CODE)
        times = {1: 9, 3: 9, 4: 0, 5: 0, 6: 9, 7: 9, 8: 0, 9: 0, 11: 9, 12: 9, 13: 9, 14: 0, 15: 0, 17: 9, 18: 0, 19: 9, 20: 9}
        branches = {3: [0, 9], 6: [0, 9], 7: [0, 9], 11: [9, 9], 13: [0, 9], 17: [0, 9]}
        self.file = File(self.dir.name, "f.c", {(n, "f"): [t, branches.get(n, [])] for n, t in times.items()})

    def explain(self, text):
        return explain(self.file, Entry(1, "why", text))

    def test_assertions(self):
        self.assertEqual([(list(c), list(b)) for c, b in assertions(CODE)], [([3], [4, 5]), ([6, 7], [8, 9, 10])])
        self.assertEqual((self.file.excluded_lines, self.file.excluded_branches), (4, 6))
        self.assertNotIn(4, self.file.lines)
        self.assertEqual(self.file.lines[6].branches, [])

    def test_a_line_and_what_is_under_it(self):
        (line, lines, branches), wrong = self.explain("f.c f: if (a > b) {")
        self.assertEqual((line.number, lines, branches, wrong), (13, 2, 1, None))
        self.assertTrue(self.file.lines[18].open_line)

    def test_the_second_of_two(self):
        self.assertEqual(self.explain("f.c f: if (b)")[0][0].number, 17)
        self.assertIn("no such line", self.explain("f.c f: if (b)  #2")[1])

    def test_stale(self):
        self.assertIn("covered now", self.explain("f.c f: g(a);")[1])
        self.assertIn("no such line", self.explain("f.c f: if (c)")[1])
        self.assertIn("covered now: 1", self.explain("f.c f: 2x if (a > b) {")[1])
        self.assertIn("run now", self.explain("f.c f: *")[1])
        self.assertIn("no such function", self.explain("f.c g: *")[1])
        self.assertIn("covered now", self.explain("f.c f: if (a ||")[1], "of an assertion")

    def test_bad_file_of_reasons(self):
        path = os.path.join(self.dir.name, "reasons")
        for text in ("f.c f: if (a)\n", "[why]\nf.c f\n"):
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
            with self.assertRaisesRegex(ValueError, "reasons:[12]: f.c f.*expected FILE"):
                load(path)


class Corpus(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)

    def path(self, name):
        return os.path.join(self.dir.name, name)

    def run_it(self, *options):
        done = subprocess.run([sys.executable, "-B", SCRIPT, *options], capture_output=True, text=True, timeout=600, check=False,
                              cwd=os.path.dirname(SCRIPTS))
        return done.returncode, done.stdout, done.stderr

    def reasons(self, change):
        with open(REASONS, encoding="utf-8") as f:
            text = change(f.read())
        with open(self.path("reasons"), "w", encoding="utf-8") as f:
            f.write(text)
        return self.path("reasons")

    def test_covered_and_explained(self):
        rc, out, err = self.run_it("--require", f"{LINES},{BRANCHES}", "--explained", "--out", self.path("out"), "--jobs", "2")
        self.assertEqual(rc, 0, out + err)
        self.assertLessEqual(max(map(len, out.splitlines())), 75)
        self.assertEqual(sorted(os.listdir(self.path("out"))), ["coverage.json", "coverage.txt", "meta.json"])
        with open(self.path("out/coverage.json"), encoding="utf-8") as f:
            first = f.read()
        self.assertEqual(self.run_it("--json", "--jobs", "3")[:2], (0, first), "another number of processes, another result")

    def test_too_little(self):
        rc, out, err = self.run_it("--inputs", "corpus/seed/golden", "--require", f"{LINES},{BRANCHES}", "--explained")
        self.assertEqual(rc, 1, err)
        self.assertIn(f"of the lines, expected at least {LINES}%", err)
        self.assertIn(f"of the branches, expected at least {BRANCHES}%", err)
        self.assertIn("left without a reason", err)
        self.assertIn("iopt/io_pagetable.c", out[out.index("no reason is given"):])

    def test_stale_reason(self):
        lie = "[never]\ncore/iopt/pages.c pages_list_add: if (pages->next)\n"
        rc, out, err = self.run_it("--inputs", "corpus/seed/golden", "--reasons", self.reasons(lambda t: lie + t))
        self.assertEqual(rc, 1, err)
        self.assertIn("1 stale reasons", err)
        self.assertIn("stale reason, line 2: core/iopt/pages.c pages_list_add:", out)

    def test_a_reason_too_few(self):
        line, entry = "iopt/iova.c:12 natural_alignment:", "core/iopt/iova.c natural_alignment: if (addr)\n"
        for gone in (False, True):
            path = self.reasons(lambda t: t.replace(entry, "") if gone else t)
            _, out, err = self.run_it("--inputs", "corpus/seed/golden", "--reasons", path)
            left = out[out.index("no reason is given"):]
            self.assertEqual(line in left[:left.index("\n\n")], gone, err)

    def test_minimised(self):
        inputs = ("--inputs", "corpus/seed/golden", "corpus/seed/cut", "corpus/seed/unmap")
        whole = json.loads(self.run_it("--json", *inputs)[1])
        rc, out, err = self.run_it("--json", "--minimised", self.path("few"), *inputs)
        self.assertEqual(rc, 0, err)
        few = json.loads(out)
        again = json.loads(self.run_it("--json", "--inputs", self.path("few"))[1])
        self.assertEqual((few["total"], again["total"]), (whole["total"], whole["total"]))
        names = sorted(os.listdir(self.path("few")))
        self.assertEqual(few["inputs"]["kept"], len(names))
        self.assertEqual(self.run_it("--json", "--jobs", "5", "--minimised", self.path("again"), *inputs)[0], 0)
        self.assertEqual(sorted(os.listdir(self.path("again"))), names, "another number of processes, another result")
        self.assertLess(few["inputs"]["kept"], whole["inputs"]["traces"])

    def test_no_build(self):
        """What is there is measured with, where it is of these sources."""
        options = ("--inputs", "corpus/seed/golden", "--json")
        rc, out, err = self.run_it(*options)
        self.assertEqual((rc, self.run_it("--no-build", *options)), (0, (0, out, err)))
        program = os.path.join(os.path.dirname(SCRIPTS), "build/coverage/bin/nosnoop-replay")
        times = os.stat(program)
        os.utime(program, (1, 1))
        try:
            rc, out, err = self.run_it("--no-build", *options)
        finally:
            os.utime(program, ns=(times.st_atime_ns, times.st_mtime_ns))
        self.assertEqual((rc, out), (3, ""))
        self.assertRegex(err, "build/coverage is not of this .*: expected a build of it, or no --no-build")

    def test_bytes(self):
        with open(self.path("bytes"), "wb") as f:
            f.write(b"\1" + b"text? no\n" * 40)
        rc, out, err = self.run_it("--json", "--inputs", self.dir.name)
        self.assertEqual((rc, json.loads(out)["inputs"]["binary"]), (0, 1), err)

    def test_bad_input(self):
        with open(self.path("bad.ops"), "w", encoding="utf-8") as f:
            f.write("map\n")
        os.mkdir(self.path("empty"))
        for options, said in ((("--inputs", "no-such"), "no-such: no such file"), (("--inputs", self.path("empty")), "no input"),
                              (("--inputs", self.path("bad.ops")), "bad.ops:1:"), (("--require", "97"), "97, expected"), (("--require", "200,5"), "200,5, expected at most 100"),
                              (("--jobs", "0"), "0, expected"), (("--minimised", self.path("empty")), "expected a new folder"),
                              (("--reasons", self.path("none")), "none")):
            with self.subTest(options=options):
                rc, out, err = self.run_it(*options)
                self.assertEqual((rc, out), (2, ""), err)
                self.assertIn(said, err)

    def test_html(self):
        if not shutil.which("gcovr"):
            self.skipTest("gcovr is not installed")
        rc, _, err = self.run_it("--inputs", "corpus/seed/golden", "--html", self.path("html"))
        self.assertEqual(rc, 0, err)
        with open(self.path("html/index.html"), encoding="utf-8") as f:
            self.assertIn("pages.c", f.read())


if __name__ == "__main__":
    unittest.main()
