#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""nosnoop-check as people and scripts meet it. NOSNOOP_BIN names the folder of the programs."""

import json
import os
import re
import signal
import subprocess
import tempfile
import time
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("NOSNOOP_BIN", os.path.join(TOP, "build", "dev", "bin"))
CONTRACTS = ("L", "I", "S0", "S1", "E", "O", "U")
SMALLEST = ("--pages", "1", "--areas", "1", "--tables", "1", "--domains", "1", "--accesses", "0")


def run(name, *args):
    done = subprocess.run([os.path.join(BIN, name), *args], capture_output=True, cwd=TOP, timeout=300, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def check(*args):
    return run("nosnoop-check", *args)


class Output(unittest.TestCase):
    def test_text(self):
        rc, out, err = check("--policy", "sticky")
        self.assertEqual((rc, err), (0, ""))
        self.assertRegex(out, r"(?m)^sticky +safe safe safe safe x@4  safe safe +\d+ all \d+$")
        self.assertIn("expect sticky E at", out)
        self.assertTrue(all(len(line) <= 75 for line in out.splitlines() if not line.startswith("#")))

    def test_json(self):
        rc, out, _ = check("--policy", "none,eager", "--complete", "--json")
        self.assertEqual(rc, 0)
        j = json.loads(out)
        self.assertEqual((j["version"], j["tool"]), (1, "nosnoop-check"))
        self.assertEqual(j["space"]["pages"], 2)
        none, eager = j["results"]
        self.assertEqual({c: none["contracts"][c]["verdict"] for c in CONTRACTS},
                         dict(L="broken", I="broken", S0="broken", S1="broken", E="broken", O="safe", U="safe"))
        self.assertTrue(all(eager["contracts"][c] == {"verdict": "safe", "claimed": True, "requests": eager["depth"]}
                            for c in CONTRACTS))
        self.assertEqual((none["end"], none["finding"], none["left"]), ("fixpoint", None, 0))
        self.assertGreater(none["transitions"], none["states"])

    def test_bounded_is_not_safe(self):
        rc, out, _ = check("--policy", "eager", "--depth", "4", "--json")
        self.assertEqual(rc, 0)
        r = json.loads(out)["results"][0]
        self.assertEqual(r["end"], "bounded: depth")
        self.assertTrue(all(v["verdict"] == "bounded" and v["requests"] == 4 for v in r["contracts"].values()))
        _, out, _ = check("--policy", "eager", "--depth", "4")
        self.assertNotRegex(out, r"(?m)^eager.*safe")
        self.assertRegex(out, r"(?m)^eager: bounded: depth; [1-9]\d* states were left$")

    def test_too_little_memory(self):
        rc, out, _ = check("--policy", "eager", "--preset", "standard", "--memory", "1M")
        self.assertEqual(rc, 0)
        self.assertIn("eager: bounded: memory", out)
        self.assertNotRegex(out, r"(?m)^eager.*safe")

    def test_traces_replay(self):
        with tempfile.TemporaryDirectory() as d:
            out = os.path.join(d, "new")
            rc, _, err = check("--policy", "all", "--out", out)
            self.assertEqual((rc, err), (0, ""))
            names = sorted(os.listdir(out))
            self.assertIn("check-v1_posted-L.ops", names)
            self.assertFalse([n for n in names if not re.fullmatch(r"check-\w+-\w+\.ops", n)])
            for n in names:
                policy = n.split("-")[1]
                rc, _, err = run("nosnoop-replay", "--policy", policy, os.path.join(out, n))
                self.assertEqual((rc, err), (0, ""), n)

    def test_committed_traces_are_the_shortest(self):
        """corpus/regress has them for every unsound policy; those with failing requests where they are shorter."""
        least = {}
        for extra, suffix in ((), ""), (("--failures",), "-failures"):
            _, out, _ = check("--policy", "all", "--json", *extra)
            for r in json.loads(out)["results"]:
                if all(r["contracts"][c]["claimed"] for c in ("L", "I", "S0", "O", "U")):
                    continue
                for c, v in r["contracts"].items():
                    name = f"check-{r['policy']}-{c}"
                    if v["verdict"] != "broken" or least.get(name, 1000) <= v["requests"]:
                        continue
                    least[name] = v["requests"]
                    with open(os.path.join(TOP, "corpus", "regress", name + suffix + ".ops"), encoding="ascii") as f:
                        said = re.search(rf"shortest for {c}: (\d+) requests", f.read())
                    self.assertEqual(int(said[1]), v["requests"], name + suffix)
        self.assertGreater(len(least), 40)


class Plugins(unittest.TestCase):
    def test_flawed(self):
        """A policy with a hole that it does not know of; nobody wrote a trace for it."""
        with tempfile.TemporaryDirectory() as d:
            so = os.path.join(d, "flawed.so")
            subprocess.run(["cc", "-std=gnu11", "-O1", "-fPIC", "-shared", "-I.", "-o", so, "fuzz/check/flawed.c"],
                           cwd=TOP, check=True)
            rc, out, _ = check("--policy", so)
            self.assertEqual(rc, 1)
            self.assertRegex(out, r"(?m)^flawed +safe safe x@5! ")
            self.assertIn("flawed claims S0, and breaks it in 5 requests", out)
            self.assertIn(f"nosnoop-replay --policy {so}", out)


class BadInput(unittest.TestCase):
    def refused(self, *args):
        rc, out, err = check(*args)
        self.assertEqual((rc, out), (2, ""), args)
        return err

    def test_options(self):
        self.assertIn("expected a number from 1 to 8", self.refused("--pages", "9"))
        self.assertIn("expected a number from 1 to 8", self.refused("--pages", "0"))
        self.assertIn("expected a number from 1 to 3", self.refused("--tables", "-1"))
        self.assertIn("expected one of small, standard", self.refused("--preset", "large"))
        self.assertIn("did you mean sticky", self.refused("--policy", "stiky"))
        self.assertIn("expected from 1M to 64T", self.refused("--memory", "12"))
        self.assertIn("expected from 1M to 64T", self.refused("--memory", "much"))
        self.assertIn("expected seconds, more than 0", self.refused("--seconds", "0"))
        self.assertIn("expected all or listed", self.refused("--failures=some"))
        self.assertIn("options only", self.refused("trace.ops"))
        self.assertIn("--out /dev/null/x", self.refused("--out", "/dev/null/x"))
        self.assertIn("expected a folder", self.refused("--out", "README.md"))
        self.assertIn("no policy named", self.refused("--policy", ""))
        self.assertIn("unrecognized", self.refused("--nonsense"))

    def test_presets_come_first(self):
        _, out, _ = check(*SMALLEST, "--preset", "standard", "--policy", "none")
        self.assertTrue(out.startswith("1 object of 1 page, 1 area,"))

    def test_help_and_version(self):
        self.assertIn("--failures", check("--help")[1])
        self.assertRegex(check("--version")[1], r"^nosnoop-check \d")

    def test_full_output(self):
        for extra in ((), ("--json",)):
            with open("/dev/full", "w", encoding="ascii") as full:
                done = subprocess.run([os.path.join(BIN, "nosnoop-check"), "--policy", "none", *SMALLEST, *extra],
                                      stdout=full, stderr=subprocess.PIPE, check=False)
            self.assertEqual(done.returncode, 3)
            self.assertIn(b"standard output cannot be written", done.stderr)

    def test_unwritable(self):
        with tempfile.TemporaryDirectory() as d:
            os.mkdir(os.path.join(d, "check-none-L.ops"))  # a folder stands where the file is to go
            rc, out, err = check("--policy", "none", *SMALLEST, "--out", d)
            self.assertEqual(rc, 3)
            self.assertIn("check-none-L.ops", err)
            self.assertIn("expect none L at", out)  # nothing is lost: it is printed


class Signals(unittest.TestCase):
    def test_interrupt_ends_with_what_there_is(self):
        p = subprocess.Popen([os.path.join(BIN, "nosnoop-check"), "--preset", "standard", "--policy", "sticky,eager"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=TOP)
        time.sleep(2)  # whenever it comes: the outcome below is the same
        p.send_signal(signal.SIGINT)
        out, err = p.communicate(timeout=60)
        self.assertEqual((p.returncode, err), (0, b""))
        self.assertRegex(out.decode(), r"(?m)^sticky +>\d+ ")
        self.assertIn(b"sticky: bounded: stopped", out)
        self.assertNotIn(b"\neager", out)


if __name__ == "__main__":
    unittest.main()
