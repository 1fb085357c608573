#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
nosnoop-shrink as people and scripts meet it: what it prints, that replay agrees with it, that the second time changes
nothing, which rule and policy it takes, bad input, a full disk. NOSNOOP_BIN names the folder of the programs.
"""

import json
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import test_replay as rig

LEAK = "corpus/seed/contracts/v1-replug.ops"
# A leak (slices) among ops that have no part in it.
NOISY = """
buffer Big 40 pages at 0x7f0000000000 task 2
buffer Junk 3 pages
table Other
table Mine
access acc Other pages
map Other j0 Junk
pin acc k j0[1]
store Junk+0x20 len 16 value 99
map Mine a Big[4..7] at 0x40000000
attach Other c coherent
unpin k
copy Mine b from a[2] at 0x20000000 by 1
huge_pages Mine off
reserve Mine 0x100000 len 0x2000
unmap Other j0
attach Mine n noncoherent
detach Mine n
check
free Junk
"""
SMALL = """buffer P 2 pages
table A
map A a0 P
copy A a1 from a0[0]
attach A n0 noncoherent
"""


def shrink(*args, **kw):
    return rig.run("nosnoop-shrink", *args, **kw)


def body(text):
    return "".join(x for x in text.splitlines(True) if not x.startswith(("#", "expect")))


class Shrinks(rig.Temporary):
    def shrunk(self, path, *args):
        """The text, after it was held against everything that it must be."""
        rc, text, err = shrink(*args, path)
        self.assertEqual(rc, 0, err)
        policy = re.search(r"(?m)^# policy: (\S+)$", text)[1]
        small = self.file("small.ops", text)
        rc, out, err = rig.replay("--policy", policy, small)
        self.assertEqual(rc, 0, out + err)
        self.assertRegex(out, "as the trace expects")
        rc, again, err = shrink(small)
        self.assertEqual((rc, again), (0, text), err)
        return text

    def test_noise(self):
        text = self.shrunk(self.file("noisy.ops", NOISY), "--policy", "v1_posted", "--rule", "L")
        self.assertEqual(body(text), SMALL)
        self.assertRegex(text, r"(?m)^expect v1_posted L at 5$")
        self.assertRegex(text, r"(?m)^# replay: nosnoop-replay --policy v1_posted FILE$")

    def test_expectations_of_the_corpus(self):
        """Every leak that a trace shows, under the policy and by the rule that it names."""
        done = 0
        for name in rig.corpus("seed/contracts", "seed/policies"):
            m = re.search(r"(?m)^expect (?!all|sound|errno|finding|flushes|bound)(\w+) (L|I|S0|S1|E|O|U)( at| *#|$)",
                          rig.read(name))
            if not m:
                continue
            with self.subTest(trace=name):
                text = self.shrunk(name)
                self.assertIn(f"# {m[2]} under {m[1]}\n", text)
                self.assertLessEqual(len(body(text).splitlines()),
                                     len([x for x in body(rig.read(name)).splitlines() if x.strip()]))
                done += 1
        self.assertGreaterEqual(done, 10)

    def test_shorter_by_a_move(self):
        """Churn between two tables is 5 requests; one op moved and the tables merged it is slices, 3."""
        self.assertEqual(body(self.shrunk("corpus/seed/contracts/v1-churn.ops")), SMALL)

    def test_binary(self):
        rc, _, err = rig.run("fuzz-ops-replay", "--encode", self.dir, LEAK)
        self.assertEqual(rc, 0, err)
        text = self.shrunk(os.path.join(self.dir, "contracts-v1-replug.ops.bin"))
        self.assertEqual(body(text), body(shrink(LEAK)[1]))

    def test_standard_input(self):
        rc, text, err = shrink("--policy", "v1_posted", "-", stdin=NOISY.encode())
        self.assertEqual((rc, body(text)), (0, SMALL), err)

    def test_a_policy_outside_the_tree(self):
        source = self.file("leaky.c", rig.read("core/flush/example/mine.c").replace(
            "\t.before_unpin = mine_before_unpin,\n", "").replace("static void mine_before_unpin",
                                                                  "void mine_before_unpin"))
        leaky = os.path.join(self.dir, "leaky.so")
        subprocess.run(["cc", "-std=gnu11", "-w", "-shared", "-fPIC", "-I.", "-o", leaky, source], cwd=rig.TOP,
                       check=True)
        rc, text, err = shrink("--policy", leaky, "corpus/seed/golden/g1.ops")
        self.assertEqual(rc, 0, err)
        self.assertIn("# I under mine\n", text)
        self.assertIn(f"# replay: nosnoop-replay --policy {leaky} FILE\n", text)
        rc, out, err = rig.replay("--policy", leaky, self.file("small.ops", text))
        self.assertEqual(rc, 0, out + err)


class Choice(rig.Temporary):
    """Which policy and which rule."""

    def chosen(self, *args):
        rc, out, err = shrink("--json", *args)
        self.assertEqual(rc, 0, err)
        found = json.loads(out)
        self.assertIn(f": {found['rule']} under {found['policy']} ({found['chosen']}): ", err)
        return found["policy"], found["rule"], found["chosen"]

    def test_as_expected(self):
        self.assertEqual(self.chosen(LEAK), ("v1_posted", "L", "as the trace expects"))
        two = self.file("two.ops", rig.read(LEAK) + "expect none S0\n")
        self.assertEqual(self.chosen("--policy", "none", two), ("none", "S0", "as the trace expects"))
        self.assertEqual(self.chosen("--rule", "S0", two), ("none", "S0", "as the trace expects"))

    def test_expectation_that_does_not_hold(self):
        path = self.file("wrong.ops", NOISY + "expect exact L\nexpect errno 0\nexpect none I ok\n")
        self.assertEqual(self.chosen("--rule", "L", path), ("none", "L", "the first policy with this rule"))

    def test_first(self):
        path = self.file("bare.ops", NOISY)
        self.assertEqual(self.chosen(path), ("none", "L", "the first that fires"))
        self.assertEqual(self.chosen("--policy", "eager,sticky,v1_posted", path),
                         ("v1_posted", "L", "the first that fires"))
        self.assertEqual(self.chosen("--policy", "v1_posted", "--rule", "S0", path),
                         ("v1_posted", "S0", "as given"))

    def test_nothing_fires(self):
        path = self.file("bare.ops", NOISY)
        for args, what in ((("--policy", "sound"), "nothing fires under sound"),
                           (("--rule", "U"), "rule U fires under no policy"),
                           (("--rule", "U", "--policy", "eager"), "rule U does not fire under eager")):
            rc, out, err = shrink(*args, path)
            self.assertEqual((rc, out), (1, ""))
            self.assertIn(what, err)


class Forms(rig.Temporary):
    def test_json(self):
        rc, out, err = shrink("--json", LEAK)
        self.assertEqual(rc, 0, err)
        found = json.loads(out)
        self.assertEqual({k: type(v) for k, v in found.items()},
                         {"trace": str, "policy": str, "rule": str, "chosen": str, "ops_before": int, "ops": int,
                          "requests": int, "tries": int, "cut_short": bool, "shape": str, "program": str})
        self.assertEqual((found["ops_before"], found["ops"], found["requests"]), (6, 6, 4))
        self.assertEqual(found["program"], shrink(LEAK)[1])
        self.assertRegex(found["shape"], r"^0x[0-9a-f]{16}$")

    def test_out(self):
        out = os.path.join(self.dir, "out.ops")
        rc, text, err = shrink("--out", out, LEAK)
        self.assertEqual((rc, text), (0, ""), err)
        self.assertEqual(rig.read(out).replace(" out.ops\n", " FILE\n"), shrink(LEAK)[1])
        self.assertEqual(os.listdir(self.dir), ["out.ops"])
        rc, text, err = shrink("--json", "--out", out, LEAK)
        self.assertEqual((rc, json.loads(text)["program"]), (0, rig.read(out)), err)

    def test_no_progress_in_a_pipe(self):
        _, _, err = shrink(self.file("noisy.ops", NOISY))
        self.assertNotIn("\r", err)
        self.assertEqual(len(err.splitlines()), 1)

    def test_progress_on_a_terminal(self):
        """Shown while it works, gone at the end; the trace is the same."""
        path = self.file("noisy.ops", NOISY)
        ours, theirs = rig.terminal(self)
        with subprocess.Popen([rig.program("nosnoop-shrink"), path], stdout=subprocess.PIPE, stderr=theirs,
                              cwd=rig.TOP) as child:
            os.close(theirs)
            out = child.stdout.read().decode()
            err = b""
            try:
                while more := os.read(ours, 4096):
                    err += more
            except OSError:
                pass  # a terminal whose other end is closed
            os.close(ours)
        self.assertEqual((child.returncode, out), (0, shrink(path)[1]))
        self.assertRegex(err.decode(), r"\r\x1b\[K\d+ tries, \d+ ops")
        self.assertRegex(err.decode(), r"\r\x1b\[K[^\r]*noisy\.ops: ")

    def test_help_and_version(self):
        rc, out, _ = shrink("--help")
        self.assertEqual(rc, 0)
        self.assertIn("Usage:", out)
        self.assertRegex(shrink("--version")[1], r"^nosnoop-shrink \d+\.\d+")


class BadInput(rig.Temporary):
    def refused(self, *args, status=2):
        rc, out, err = shrink(*args)
        self.assertEqual((rc, out), (status, ""), err)
        return err

    def test_options(self):
        err = self.refused("--rule", "L1", LEAK)
        self.assertRegex(err, r'no rule "L1", expected a contract:')
        for word in ("S0", "TEARDOWN", "finding:S1", "D10"):
            self.assertRegex(err, rf"\b{word}\b")
        self.assertIn("sticky", self.refused("--policy", "stiky", LEAK))
        self.refused()
        self.refused(LEAK, LEAK)
        self.refused("--no-such-option", LEAK)

    def test_traces(self):
        bad = self.file("bad.ops", "table A\nmap A a0 Q\n")
        self.assertRegex(self.refused(bad), rf"{re.escape(bad)}:2:10: .+, expected ")
        gone = os.path.join(self.dir, "gone.ops")
        self.assertIn(f"{gone}: No such file or directory", self.refused(gone))
        self.assertIn("Is a directory", self.refused(self.dir))
        self.refused(self.file("empty.ops", ""), status=1)

    def test_noise_is_a_program(self):
        path = self.file("noise.bin", bytes((i * 37 + i // 7) % 256 for i in range(4000)))
        rc, _, err = shrink("--policy", "none", path)
        self.assertIn(rc, (0, 1), err)

    def test_output(self):
        inner = os.path.join(self.dir, "none", "x.ops")
        rc, out, err = shrink("--out", inner, LEAK)
        self.assertEqual(rc, 3)
        self.assertIn(f"{inner}: No such file or directory, expected a file that can be written", err)
        # What was found is not lost.
        self.assertEqual(body(out), body(shrink(LEAK)[1]))

    def test_full_disk(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        rc, out, err = shrink("--out", "/dev/full", LEAK)
        self.assertEqual(rc, 3)
        self.assertIn("No space left on device", err)
        self.assertEqual(body(out), body(shrink(LEAK)[1]))
        for args in ((), ("--json",)):
            with open("/dev/full", "wb") as full:
                rc = subprocess.run([rig.program("nosnoop-shrink"), *args, LEAK], stdout=full,
                                    stderr=subprocess.DEVNULL, cwd=rig.TOP, timeout=60, check=False).returncode
            self.assertEqual(rc, 3)


class Rules(unittest.TestCase):
    def test_all_are_known(self):
        """What the sources report and core/README.md lists is what --rule knows."""
        known = set(re.findall(r"\S+", shrink("--rule", "?", LEAK)[2].split("oracles:")[1]))
        known = {x.replace("finding:", "") for x in known}
        listed = set(re.findall(r"\*\*([A-Z]\d+)\*\*", rig.read("core/README.md")))
        reported = set()
        for room in ("core/shadow", "core/iopt", "core/machine", "core/op"):
            for name in os.listdir(os.path.join(rig.TOP, room)):
                if name.endswith(".c") and not name.startswith(("test_", "gen", "text", "expect")):
                    reported |= set(re.findall(r'\w+\([^"();]*"([A-Z]\d+|[A-Z]{4,})",', rig.read(f"{room}/{name}")))
        self.assertGreater(len(reported), 30)
        self.assertEqual(reported - known, set())
        self.assertEqual(listed - known, set())


if __name__ == "__main__":
    if not os.path.exists(rig.program("nosnoop-shrink")):
        sys.exit(f"{rig.program('nosnoop-shrink')}: not there; build it, or set NOSNOOP_BIN")
    unittest.main()
