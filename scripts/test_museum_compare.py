#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""museum_compare.py on files whose U and A12 are counted by hand; needs scipy, as that does."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "museum_compare.py")


def results(**mutants):
    """Executions of each trial; None: nothing found."""
    return {"schema": "nosnoop-museum 1", "mutants": [
        {"mutant": name, "kind": "semantic", "trials": [
            {"executions": 99 if v is None else v, "outcome": "missed" if v is None else "rule"} for v in values]}
        for name, values in mutants.items()] + [
        {"mutant": "M14", "kind": "history"},
        {"mutant": "none", "kind": "control", "trials": [{"executions": 5, "outcome": "missed"}]}]}


class Compare(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)

    def file(self, name, content):
        path = os.path.join(self.dir.name, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(content if isinstance(content, str) else json.dumps(content))
        return path

    def run_it(self, a, b, *options):
        done = subprocess.run([sys.executable, "-B", SCRIPT, *options, self.file("a.json", a), self.file("b.json", b)],
                              capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr

    def rows(self, a, b, *options):
        rc, out, err = self.run_it(a, b, "--json", *options)
        self.assertEqual(err, "")
        doc = json.loads(out)
        return rc, {m["mutant"]: m for m in doc["mutants"]}, doc

    def test_counted_by_hand(self):
        # Pairs with a > b: 3>2, 5>2, 5>4 of 9, no ties: U = 3. With a tie (4, 4) counted half: 3.5.
        rc, rows, _ = self.rows(results(T1=[1, 3, 5], T2=[1, 4, 5]), results(T1=[2, 4, 6], T2=[2, 4, 6]))
        self.assertEqual(rc, 0)
        self.assertEqual((rows["T1"]["u"], rows["T2"]["u"]), (3.0, 3.5))
        self.assertAlmostEqual(rows["T1"]["a12"], 3 / 9)
        self.assertAlmostEqual(rows["T2"]["a12"], 3.5 / 9)
        # Of the 20 ways to choose ranks 3 for A there are 7 with U <= 3; two-sided.
        self.assertAlmostEqual(rows["T1"]["p"], 0.7)
        self.assertEqual((rows["T1"]["median_a"], rows["T1"]["median_b"]), (3, 4))

    def test_apart(self):
        a, b = list(range(1, 11)), list(range(101, 111))
        rc, rows, _ = self.rows(results(T1=a), results(T1=b), "--gate")
        self.assertEqual((rc, rows["T1"]["u"], rows["T1"]["a12"], rows["T1"]["size"]), (1, 0.0, 0.0, "large"))
        self.assertTrue(rows["T1"]["differs"])
        rc, rows, _ = self.rows(results(T1=b), results(T1=a), "--gate")
        self.assertEqual((rc, rows["T1"]["a12"]), (0, 1.0))

    def test_missed_is_later_than_all(self):
        rc, rows, _ = self.rows(results(T1=[1, 2, 98]), results(T1=[3, None, None]), "--gate")
        self.assertEqual(rc, 1)
        self.assertEqual((rows["T1"]["u"], rows["T1"]["median_b"], rows["T1"]["missed_b"]), (1.0, None, 2))

    def test_all_equal(self):
        rc, rows, _ = self.rows(results(T1=[1, 1, 1]), results(T1=[1, 1]), "--gate")
        self.assertEqual((rc, rows["T1"]["p"], rows["T1"]["a12"], rows["T1"]["size"]), (0, 1.0, 0.5, "negligible"))

    def test_holm(self):
        a = results(T1=list(range(10)), T2=list(range(10)), T3=[5] * 10)
        b = results(T1=list(range(10, 20)), T2=list(range(10)), T3=[5] * 10)
        _, rows, _ = self.rows(a, b)
        self.assertAlmostEqual(rows["T1"]["p_holm"], 3 * rows["T1"]["p"])
        self.assertEqual((rows["T2"]["p_holm"], rows["T3"]["p_holm"]), (1.0, 1.0))

    def test_only_in_one(self):
        _, rows, doc = self.rows(results(T1=[1], T2=[1]), results(T1=[1], T3=[1]))
        self.assertEqual((list(rows), doc["only_a"], doc["only_b"]), (["T1"], ["T2"], ["T3"]))

    def test_table(self):
        rc, out, err = self.run_it(results(p_storage_skip_held_release=list(range(10))),
                                   results(p_storage_skip_held_release=list(range(50, 60))))
        self.assertEqual((rc, err), (0, ""))
        self.assertIn("A is sooner, large", out)
        self.assertLessEqual(max(map(len, out.split("\n"))), 100)

    def test_bad_input(self):
        good = results(T1=[1])
        for bad, text in (("{", "not JSON"), ({"schema": "x"}, 'its "schema" is not'), ([], 'its "schema" is not'),
                          ({"schema": "nosnoop-museum 1", "mutants": [{"trials": [1]}]}, "expected a file of"),
                          (results(T2=[1]), "no mutant in common")):
            rc, out, err = self.run_it(good, bad)
            self.assertEqual((rc, out), (2, ""), text)
            self.assertIn(text, err)
        done = subprocess.run([sys.executable, "-B", SCRIPT, "gone.json", "gone.json"], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("gone.json: No such file", done.stderr)


if __name__ == "__main__":
    unittest.main()
