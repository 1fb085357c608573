#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
nosnoop-museum as people and scripts meet it: every mutant is reached, some are found, the control is silent, bad input,
the JSON of results/README.md. NOSNOOP_BIN names the folder of the program.
"""

import json
import os
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("NOSNOOP_BIN", os.path.join(TOP, "build", "museum", "bin"))
RACES = {"M09", "M10", "M12", "M19", "M21"}
LATER = {"M14", "M16", "M18", "M31"}
LISTED = ["M01", "M02", "M03", "M05", "M06", "M11", "M22"] + [f"S{n:02}" for n in (
    1, 2, 4, 6, 7, 9, 10, 11, 13, 14, 16, 17, 19, 20, 21, 23, 24, 25, 26, 28, 29, 30, 31, 33, 34, 36, 37, 39, 40)] + [
    "S35a", "S35b"] + [f"F{n:02}" for n in range(1, 12)]


def museum(*args, cwd=TOP):
    done = subprocess.run([os.path.join(BIN, "nosnoop-museum"), *args], capture_output=True, cwd=cwd, timeout=300, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def results(*args):
    rc, out, err = museum("--json", *args)
    assert err == "", err
    return rc, json.loads(out)


class Mutants(unittest.TestCase):
    def test_all_are_reached(self):
        """Some thousand programs, as generated, execute every mutated place; most of them is found on the way."""
        rc, doc = results("--trials", "1", "--runs", "3000", "--seconds", "1000")
        rows = {m["mutant"]: m for m in doc["mutants"]}
        self.assertIn(rc, (0, 1))
        self.assertEqual(rows["none"]["trials"][0]["outcome"], "missed")
        self.assertEqual(rows["none"]["trials"][0]["executions"], 3000)
        for ident, m in rows.items():
            if ident == "none" or "trials" not in m:
                continue
            self.assertEqual(m["reached"], 1, ident)
        wanted = [m for m in rows.values() if m["wanted"]]
        self.assertGreater(sum(m["detected"] for m in wanted), len(wanted) * 0.8)

    def test_list_is_whole(self):
        """Every entry of the project's list is there, as what it is."""
        rc, out, _ = museum("--mutant", "list")
        self.assertEqual(rc, 0)
        lines = {}
        for line in out.split("\n"):
            if line and not line.startswith(" "):
                lines[line.split()[0]] = line
        self.assertEqual(set(LISTED) - set(lines), set())
        _, doc = results("--trials", "1", "--runs", "1", "--seconds", "1000")
        rows = {m["mutant"]: m for m in doc["mutants"]}
        for ident in RACES:
            self.assertEqual(rows[ident]["state"], "needs schedules")
        for ident in LATER:
            self.assertEqual(rows[ident]["state"], "needs later layers")
            self.assertNotIn("trials", rows[ident])
        for ident in LISTED:
            self.assertTrue(rows[ident]["wanted"], ident)
        self.assertIn("p_v1_posted", rows)
        self.assertNotIn("p_eager", rows)

    def test_found(self):
        rc, doc = results("--mutant", "M02,M11,S04,S34,S35b,F01,F07,F11,X01,p_none", "--trials", "3", "--runs", "3000",
                          "--seconds", "1000", "--jobs", "2")
        self.assertEqual(rc, 0)
        rules = {m["mutant"]: set(m["rules"]) for m in doc["mutants"]}
        self.assertEqual(rules["M11"], {"R1"})
        self.assertEqual(rules["S04"], {"D9"})
        self.assertEqual(rules["S35b"], {"P10"})
        self.assertLessEqual(rules["F07"], {"I", "E"})
        for m in doc["mutants"]:
            self.assertEqual((m["reached"], m["triggered"], m["detected"]), (3, 3, 3), m["mutant"])

    def test_a_limit_that_is_too_low(self):
        """Exit 1, and no number is made up for what was not found."""
        rc, doc = results("--mutant", "S23", "--trials", "2", "--runs", "3", "--seconds", "1000")
        self.assertEqual(rc, 1)
        m = doc["mutants"][0]
        self.assertEqual((m["detected"], m["executions"]["median"], m["seconds"]["min"]), (0, None, None))
        self.assertEqual([t["outcome"] for t in m["trials"]], ["missed"] * 2)
        self.assertIn("NOT FOUND", museum("--mutant", "S23", "--trials", "2", "--runs", "3")[1])

    def test_jobs_change_nothing(self):
        def bare(jobs):
            _, doc = results("--mutant", "M01,F05,S09", "--trials", "3", "--runs", "2000", "--seconds", "1000", "--jobs", jobs)
            for m in doc["mutants"]:
                del m["seconds"]
                for t in m["trials"]:
                    del t["seconds"]
            return doc
        self.assertEqual(bare("1"), bare("3"))

    def test_policies(self):
        rc, doc = results("--mutant", "F11", "--policy", "sticky", "--trials", "1", "--runs", "3000", "--seconds", "1000")
        self.assertEqual((rc, doc["policies"]), (0, ["sticky"]))
        self.assertEqual(doc["mutants"][0]["trials"][0]["policy"], "sticky")


    def test_campaign(self):
        args = ("--engine", "campaign", "--trials", "2", "--runs", "20000", "--seconds", "1000", "--mutant")
        rc, doc = results(*args, "M02,S09,F01,p_none")
        self.assertEqual((rc, doc["engine"]), (0, "campaign"))
        again = results(*args, "M02,S09,F01,p_none")[1]
        self.assertEqual([[t["executions"] for t in m["trials"]] for m in doc["mutants"]],
                         [[t["executions"] for t in m["trials"]] for m in again["mutants"]])
        self.assertEqual(results("--engine", "campaign", "--trials", "1", "--runs", "2000", "--mutant", "none")[0], 0)

    def test_blind(self):
        args = ("--trials", "1", "--runs", "20000", "--seconds", "1000", "--mutant", "p_storage_skip_stale", "--engine")
        rc, doc = results(*args, "blind")
        self.assertEqual((rc, doc["engine"]), (0, "blind"))
        self.assertNotEqual(doc["mutants"][0]["trials"][0]["executions"],
                            results(*args, "campaign")[1]["mutants"][0]["trials"][0]["executions"])


class Output(unittest.TestCase):
    def test_schema(self):
        _, doc = results("--mutant", "M05", "--trials", "2", "--runs", "2000", "--seconds", "1000", "--seed", "7")
        self.assertEqual(doc["schema"], "nosnoop-museum 1")
        self.assertEqual((doc["seed"], doc["trials"], doc["limit_executions"]), (7, 2, 2000))
        m = doc["mutants"][0]
        self.assertEqual((m["mutant"], m["kind"], m["state"]), ("M05", "history", ""))
        self.assertIn("core/iopt/io_pagetable.c:split_into()", m["where"])
        self.assertEqual(set(m["executions"]), {"median", "min", "q1", "q3", "max"})
        t = m["trials"][0]
        self.assertEqual(t["outcome"], "rule")
        for name in ("seed", "program"):
            self.assertRegex(t[name], r"^0x[0-9a-f]{16}$")
        self.assertGreaterEqual(t["executions"], 1)
        self.assertGreater(t["ops"], 0)

    def test_table(self):
        rc, out, err = museum("--mutant", "M05,M09,p_storage_skip_held_release", "--trials", "2", "--runs", "4000")
        self.assertEqual((rc, err), (0, ""))
        self.assertLessEqual(max(len(line) for line in out.split("\n")), 100)
        self.assertIn("needs schedules", out)
        self.assertIn("2 of 2 found in every trial", out)

    def test_out(self):
        with tempfile.TemporaryDirectory() as d:
            rc, out, _ = museum("--mutant", "M05", "--trials", "1", "--runs", "2000", "--out", os.path.join(d, "a.json"))
            self.assertEqual(rc, 0)
            self.assertIn("M05", out)
            self.assertEqual(os.listdir(d), ["a.json"])
            with open(os.path.join(d, "a.json"), encoding="utf-8") as f:
                self.assertEqual(json.load(f)["mutants"][0]["detected"], 1)
            rc, _, err = museum("--mutant", "M05", "--trials", "1", "--runs", "2000", "--out", os.path.join(d, "no", "a.json"))
            self.assertEqual(rc, 3)
            self.assertIn("expected a file that can be written", err)

    def test_help(self):
        rc, out, _ = museum("--help")
        self.assertEqual(rc, 0)
        self.assertIn("museum_compare.py", out)
        self.assertRegex(museum("--version")[1], r"^nosnoop-museum \d")


class BadInput(unittest.TestCase):
    def refuses(self, text, *args):
        rc, out, err = museum(*args)
        self.assertEqual((rc, out), (2, ""), args)
        self.assertIn(text, err)

    def test_options(self):
        self.refuses('unknown mutant "M99": expected an id of --mutant list', "--mutant", "M01,M99")
        self.refuses('unknown mutant ""', "--mutant", "")
        self.refuses("--trials 0: expected a number from 1", "--trials", "0")
        self.refuses("--trials x: expected a number", "--trials", "x")
        self.refuses("--seconds -1: expected seconds", "--seconds", "-1")
        self.refuses("--seconds 0: expected seconds", "--seconds", "0")
        self.refuses("--seconds nan: expected seconds", "--seconds", "nan")
        self.refuses("--runs 1.5: expected a number", "--runs", "1.5")
        self.refuses("--jobs 1000: expected a number from 1 to 256", "--jobs", "1000")
        self.refuses("--seed 1x: expected a number", "--seed", "1x")
        self.refuses("--engine libfuzzer: expected generator, campaign or blind", "--engine", "libfuzzer")
        self.refuses("mine", "--policy", "mine")
        self.refuses('"M01": expected options only', "M01")
        self.refuses("unrecognized option", "--mutants", "M01")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
