#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
nosnoop-replay and fuzz-ops-replay as people and scripts meet them: the golden table, the traces of the posted patch,
bad input, the printed forms, a policy outside the tree. NOSNOOP_BIN names the folder of the programs.
"""

import json
import os
import pty
import random
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BIN = os.environ.get("NOSNOOP_BIN", os.path.join(TOP, "build", "dev", "bin"))
CONTRACTS = ("L", "I", "S0", "S1", "E", "O", "U")

# Page flushes and, in brackets, the contracts broken on the way, of two objects of 3 pages each. The table is
# part of the project's definition of its policies ("golden values", normative, found by two independent models);
# a difference is a defect of the code, never of the table.
GOLDEN = """
| policy | g1 | g2 | g3 | g4 | g5 | g6 | g7 | g8 |
| none | 0 (L I S0 S1) | 0 (L I S0 S1) | 0 (L I S0 S1) | 0 (L I S0 S1) | 0 (L I S0 S1 E) | 0 (L I S0 S1 E) | 0 (L I S0 S1) | 0 (L I S0 S1 E) |
| eager | 12 | 12 | 12 | 12 | 6 | 4 | 16 | 6 |
| v1_posted | 12 | 12 | 6 (S1) | 9 (L S0 S1) | 6 (E) | 5 (E) | 9 (L S0 S1) | 6 (E) |
| sticky | 12 | 12 | 9 | 12 | 6 (E) | 5 (E) | 16 | 6 (E) |
| storage_skip | 12 | 12 | 9 (S1) | 12 | 6 | 4 | 16 | 6 |
| storage_skip_only | 12 | 12 | 6 (S1) | 12 | 3 (I E) | 4 | 16 | 3 (I E) |
| exact | 12 | 12 | 6 (S1) | 12 | 6 (E) | 4 (E) | 16 | 6 (E) |
| bound L+I+S0 | 12 | 12 | 6 | 12 | 6 | 4 | 16 | 6 |
"""


def program(name):
    return os.path.join(BIN, name)


def run(name, *args, stdin=b"", env=None):
    """(exit status, stdout, stderr); relative names are meant from the top of the checkout"""
    done = subprocess.run([program(name), *args], input=stdin, capture_output=True, cwd=TOP, timeout=120,
                          env={**os.environ, **(env or {})}, check=False)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def replay(*args, **kw):
    return run("nosnoop-replay", *args, **kw)


def corpus(*folders):
    """Names of traces from the top, as a shell's corpus/seed/<folder>/*.ops gives them."""
    out = []
    for folder in folders:
        for base, _, names in os.walk(os.path.join(TOP, "corpus", folder)):
            out += [os.path.relpath(os.path.join(base, n), TOP) for n in names if n.endswith(".ops")]
    return sorted(out)


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as f:
        return f.read()


def results(*args):
    rc, out, err = replay("--json", *args)
    return rc, json.loads(out)["results"], err


def terminal(test):
    """(ours, theirs); where there are none, as in a bare chroot, the test is skipped."""
    try:
        return pty.openpty()
    except OSError as e:
        return test.skipTest(str(e))


class Temporary(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="nosnoop-test-")

    def tearDown(self):
        shutil.rmtree(self.dir)

    def file(self, name, data):
        path = os.path.join(self.dir, name)
        with open(path, "wb") as f:
            f.write(data.encode() if isinstance(data, str) else data)
        return path


class Golden(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        rows = [[c.strip() for c in line.strip("|").split("|")] for line in GOLDEN.strip().splitlines()]
        cls.names, cls.rows = rows[0][1:], {r[0]: r[1:] for r in rows[1:]}
        rc, found, err = results("--policy", "all", *corpus("seed/golden"))
        assert rc == 0, err
        cls.found = {(r["policy"], os.path.basename(r["trace"])[:-len(".ops")]): r for r in found}

    def cell(self, policy, name):
        r = self.found[policy, name]
        broken = [c for c in CONTRACTS if r["contracts"][c] != "ok"]
        return str(r["flushes"]) + (f" ({' '.join(broken)})" if broken else "")

    def test_table(self):
        policies = [p for p in self.rows if not p.startswith("bound")]
        self.assertEqual(len(policies), 7)
        self.assertEqual(self.names, [f"g{i}" for i in range(1, 9)])
        for p in policies:
            with self.subTest(policy=p):
                self.assertEqual([self.cell(p, n) for n in self.names], self.rows[p])

    def test_bound(self):
        policies = {p for p, _ in self.found}
        self.assertGreaterEqual(len(policies), 26)
        for p in policies:
            with self.subTest(policy=p):
                self.assertEqual([str(self.found[p, n]["bound_LIS0"]) for n in self.names],
                                 self.rows["bound L+I+S0"])


class PostedPatch(unittest.TestCase):
    """The four ways in which the posted patch leaks, and its author's own example."""

    def verdict(self, name):
        rc, found, err = results("--policy", "v1_posted", f"corpus/seed/contracts/{name}.ops")
        self.assertEqual(rc, 0, err)
        r = found[0]
        return r["flushes"], {c: (v["op"], v["page"]) for c, v in r["contracts"].items() if v != "ok"}

    def test_leaks(self):
        for name, contract, where in (("v1-slices", "L", (5, 1)), ("v1-replug", "L", (6, 0)),
                                      ("v1-churn", "L", (8, 0)), ("v1-failed-attach", "L", (7, 0)),
                                      ("v1-failed-attach", "I", (8, 0))):
            with self.subTest(trace=name, contract=contract):
                self.assertEqual(self.verdict(name)[1].get(contract), where)

    def test_author(self):
        flushes, broken = self.verdict("v1-author")
        self.assertEqual(flushes, 6)
        self.assertFalse({"L", "I"} & set(broken))

    def test_for_people(self):
        rc, out, _ = replay("--policy", "v1_posted", "corpus/seed/contracts/v1-replug.ops")
        self.assertEqual(rc, 0)
        self.assertRegex(out, r"(?m)^  L +BROKEN at op 6, page 0 of P")
        self.assertRegex(out, r"(?m)must flush in: +op 6, attach A n1 noncoherent$")
        self.assertLessEqual(max(map(len, out.splitlines())), 75)


class Forms(Temporary):
    KEYS = {"trace": str, "policy": str, "backend": str, "flushes": int, "redundant": int, "missing": int,
            "bound": int, "contracts": dict, "bound_LIS0": int, "claims": list, "outcome": str, "ops": int,
            "exposures": int, "findings": list, "expect": dict}

    def check_contracts(self, contracts):
        self.assertEqual(set(contracts), set(CONTRACTS))
        for value in contracts.values():
            if value != "ok":
                self.assertLessEqual({"op", "page", "should", "count"}, set(value))
                self.assertTrue(all(isinstance(value[k], int) for k in ("op", "page", "should", "count")))

    def test_json(self):
        names = corpus("seed/contracts", "seed/golden")
        rc, found, err = results("--policy", "all", *names)
        self.assertEqual(rc, 0, err)
        policies = len({r["policy"] for r in found})
        self.assertEqual(len(found), len(names) * policies)
        self.assertEqual({r["trace"] for r in found}, set(names))
        for r in found:
            for key, kind in self.KEYS.items():
                self.assertIsInstance(r[key], kind, key)
            self.check_contracts(r["contracts"])
            self.assertIn(r["outcome"], ("good", "bad", "skip"))

    def ktap(self, *args):
        """[(ok, description)] by the rules of KTAP version 1; the plan must be kept"""
        rc, out, _ = replay("--ktap", *args)
        lines = out.splitlines()
        self.assertEqual(lines[0], "KTAP version 1")
        plan = re.fullmatch(r"1\.\.(\d+)", lines[1])
        self.assertTrue(plan, lines[1])
        tests = []
        for line in lines[2:]:
            m = re.fullmatch(r"(ok|not ok) (\d+) (\S.*)", line)
            self.assertTrue(m or line.startswith("#"), line)
            if m:
                self.assertEqual(int(m[2]), len(tests) + 1)
                tests.append((m[1] == "ok", m[3]))
        self.assertEqual(len(tests), int(plan[1]))
        self.assertEqual(rc, 0 if all(ok for ok, _ in tests) else 1)
        return tests

    def test_ktap(self):
        names = corpus("seed/golden")
        self.assertEqual(self.ktap("--policy", "eager,exact", *names)[1], (True, names[0] + " exact"))
        bad = self.file("bad.ops", "table A\nexpect errno EBUSY\n")
        self.assertEqual([ok for ok, _ in self.ktap("--policy", "eager", names[0], bad)], [True, False])

    def test_whole_corpus(self):
        # Without those that only a kernel tree does as they say.
        names = [n for n in corpus("seed", "regress") if "regress/linux/" not in n]
        self.assertGreaterEqual(len(names), 60)
        rc, out, err = replay("--ktap", "--policy", "all", *names)
        self.assertEqual(rc, 0, "\n".join(x for x in out.splitlines() if not x.startswith("ok")) + err)

    def test_bisect(self):
        leak = "corpus/seed/contracts/v1-replug.ops"
        bare = "".join(x for x in read(leak).splitlines(True) if not x.startswith("expect"))
        liar = self.file("liar.ops", bare + "expect v1_posted L ok\n")
        for path, status in ((leak, 0), (liar, 1), (self.file("broken.ops", "tabel A\n"), 125),
                             (os.path.join(self.dir, "nothing.ops"), 125)):
            with self.subTest(path=path):
                rc, out, _ = replay("--bisect", "--policy", "v1_posted", path)
                self.assertEqual((rc, out), (status, ""))

    def test_standard_input(self):
        text = read("corpus/seed/golden/g4.ops").encode()
        rc, out, _ = replay("--json", "--policy", "exact", "-", stdin=text)
        self.assertEqual(rc, 0)
        self.assertEqual([(r["trace"], r["flushes"]) for r in json.loads(out)["results"]], [("-", 12)])
        rc, _, err = replay("-", stdin=b"table A\nmap A\n")
        self.assertEqual(rc, 2)
        self.assertRegex(err, r"standard input:2:6: ")

    def test_help_and_version(self):
        for name in ("nosnoop-replay", "fuzz-ops-replay"):
            rc, out, _ = run(name, "--help")
            self.assertEqual(rc, 0)
            self.assertIn("Usage:", out)
            rc, out, _ = run(name, "--version")
            self.assertEqual(rc, 0)
            self.assertRegex(out, rf"^{name} \d+\.\d+")


class BadInput(Temporary):
    def refused(self, *args, **kw):
        rc, out, err = replay(*args, **kw)
        self.assertEqual((rc, out), (2, ""), err)
        return err

    def test_text(self):
        for text, line, col in (("tabel A\n", 1, 1), ("table A\nmap A a0 Q\n", 2, 10),
                                ("buffer P 3 pagse\n", 1, 12), ("# a\n\ntable A\nattach A n0 sideways\n", 4, 13),
                                ("table A\nexpect nobody X at 1\n", 2, 15)):
            with self.subTest(text=text):
                path = self.file("bad.ops", text)
                err = self.refused(path)
                self.assertRegex(err, rf"^{re.escape(path)}:{line}:{col}: .+, expected .+\n$")

    def test_policy(self):
        err = self.refused("--policy", "stiky", "corpus/seed/golden/g1.ops")
        self.assertRegex(err.splitlines()[0], r'stiky.*sticky')
        listed = set(re.findall(r"\w+", err))
        for name in re.findall(r"POLICY\((\w+)\)", read("core/flush/policies.def")):
            if name != "name":
                self.assertIn(name, listed)

    def test_files(self):
        gone = os.path.join(self.dir, "gone.ops")
        self.assertEqual(self.refused(gone), f"{gone}: No such file or directory, expected a trace\n")
        self.assertRegex(self.refused(self.dir), r": Is a directory, expected a trace\n$")
        self.assertEqual(self.refused("/dev/zero"), "/dev/zero: File too large, expected a trace of at most 256 MiB\n")
        self.refused()
        self.refused("--no-such-option", "corpus/seed/golden/g1.ops")

    def test_unwritable_output(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        for args in (("--json",), ("--ktap",), ()):
            with self.subTest(args=args), open("/dev/full", "wb") as full:
                rc = subprocess.run([program("nosnoop-replay"), *args, "corpus/seed/golden/g1.ops"], stdout=full,
                                    stderr=subprocess.DEVNULL, cwd=TOP, timeout=60, check=False).returncode
                self.assertEqual(rc, 2)

    def test_random_bytes(self):
        rng = random.Random(1)
        names = [self.file(f"r{i}.bin", rng.randbytes(rng.randrange(3000))) for i in range(60)]
        names.append(self.file("empty.bin", b""))
        rc, out, err = replay("--json", "--policy", "eager,none", *names)
        self.assertIn(rc, (0, 1), err)
        found = json.loads(out)["results"]
        self.assertEqual(len(found), 2 * len(names))
        # An expect record made of noise may fail; a finding may not be.
        self.assertEqual([r["findings"] for r in found if any(not f["expected"] for f in r["findings"])], [])


class OutOfTree(Temporary):
    GOLDEN = sorted(f"corpus/seed/golden/g{i}.ops" for i in range(1, 9))

    def compile(self, source, name, *flags):
        out = os.path.join(self.dir, name)
        subprocess.run(["cc", "-std=gnu11", "-shared", "-fPIC", "-I.", *flags, "-o", out, source], cwd=TOP,
                       check=True, capture_output=True)
        return out

    def commands(self):
        """The compiler's lines in the two READMEs, for the example and this test's folder; an installed tree's are
        scripts/test-install.sh's."""
        for readme in ("README.md", "core/flush/README.md"):
            text = read(readme)
            lines = re.findall(r"(?m)^\s*((?:g?cc) (?!.*pkg-config).*-shared.*mine\.c)$", text)
            self.assertEqual(len(lines), 1, readme)
            yield lines[0].replace("/path/to/mine.c", "core/flush/example/mine.c").replace("-o mine.so", "-o %s")

    def test_example(self):
        for command in self.commands():
            with self.subTest(command=command):
                out = os.path.join(self.dir, "mine.so")
                subprocess.run((command % out).split(), cwd=TOP, check=True, capture_output=True)
                rc, found, err = results("--policy", out, *self.GOLDEN)
                self.assertEqual(rc, 0, err)
                self.assertEqual({r["policy"] for r in found}, {"mine"})
                self.assertEqual({r["outcome"] for r in found}, {"good"})
                self.assertGreater(min(r["flushes"] for r in found), 0)
                rc, _, err = replay("--ktap", "--policy", out, *corpus("seed"))
                self.assertEqual(rc, 0, err)

    def test_by_a_relative_name(self):
        self.compile("core/flush/example/mine.c", "mine.so")
        done = subprocess.run([program("nosnoop-replay"), "--policy", "./mine.so",
                               os.path.join(TOP, self.GOLDEN[0])], cwd=self.dir, capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_liar(self):
        text = read("core/flush/example/mine.c")
        source = self.file("liar.c", text.replace("\t.before_unpin = mine_before_unpin,\n", "")
                           .replace("static void mine_before_unpin", "void mine_before_unpin"))
        liar = self.compile(source, "liar.so", "-w")
        rc, found, _ = results("--policy", liar, self.GOLDEN[0])
        self.assertEqual((rc, found[0]["outcome"]), (1, "bad"))
        self.assertNotEqual(found[0]["contracts"]["I"], "ok")

    def test_expected(self):
        """What a known trace shows is known elsewhere, if it was kept for that; what else a trace shows is not."""
        text = read("core/flush/example/mine.c")
        source = self.file("liar.c", text.replace("\t.before_unpin = mine_before_unpin,\n", "")
                           .replace("static void mine_before_unpin", "void mine_before_unpin"))
        liar = self.compile(source, "liar.so", "-w")
        folder = os.path.join(self.dir, "known")
        os.mkdir(folder)
        args = ("--policy", liar, "--expected", folder, self.GOLDEN[0])
        for expect, rc, known in (("expect mine I", 0, "lost"), ("expect mine L", 1, None), ("", 1, None)):
            with self.subTest(expect=expect):
                self.file("known/lost.ops", read(self.GOLDEN[0]) + expect + "\n")
                got, found, err = results(*args)
                self.assertEqual((got, found[0]["known"]), (rc, known), err)
                self.assertEqual([(d["rule"], d["signature"], d["expected"]) for d in found[0]["deviations"]
                                  if d["rule"] == "I"], [("I", "I unmap", known)])
                self.assertEqual(found[0]["outcome"], "bad" if rc else "good")
        self.file("known/lost.ops", read(self.GOLDEN[0]) + "expect mine I\n")
        self.assertIn("# known deviation: lost\nok 1", replay("--ktap", *args)[1])
        self.assertIn("known deviation: lost", replay(*args)[1])
        self.assertEqual(replay("--bisect", *args)[:2], (0, ""))
        for bad, what in (("--policy=none", "2 policies, expected one"), ("--fail-sweep", "one of the two"),
                          ("--expected=" + source, "expected a folder of traces")):
            rc, out, err = replay(*args, bad)
            self.assertEqual((rc, out), (2, ""))
            self.assertIn(what, err)

    def refused(self, path, what):
        rc, out, err = replay("--policy", path, self.GOLDEN[0])
        self.assertEqual((rc, out), (2, ""))
        self.assertIn(os.path.basename(path), err)
        self.assertRegex(err, what)

    def test_refused(self):
        self.refused(self.compile("core/flush/test_plugin_none.c", "none.so"), r"no flush policy|not a .*policy|policy")
        self.refused(self.compile("core/flush/test_plugin_abi.c", "abi.so", "-DTEST_ABI=7"), r"(?i)abi")
        self.refused(os.path.join(self.dir, "gone.so"), r"(?i)no such|cannot")
        self.refused(self.file("text.so", "not an object\n"), r"(?i)cannot be loaded|invalid|not ")


class FuzzTarget(Temporary):
    def test_corpus_is_silent(self):
        rc, out, err = run("fuzz-ops-replay", *[f for f in ("corpus/seed", "corpus/regress")
                                                if corpus(f.split("/")[1])])
        self.assertEqual(rc, 0, err)
        self.assertGreaterEqual(int(out.split()[0]), 60)

    def test_finds_the_leak(self):
        rc, _, err = run("fuzz-ops-replay", "corpus/seed/contracts/v1-replug.ops", env={"FUZZ_POLICY": "v1_posted"})
        self.assertEqual(rc, -6)
        self.assertIn("contract L broken at op 6, page 0", err)
        self.assertIn("policy: v1_posted", err)
        self.assertIn("\nattach A n1 noncoherent\n", err)
        self.assertIn("class: contract_L", err)

    def test_narrowed(self):
        """bad_order breaks I and O, no more."""
        for contracts, status in (("L,S0", 0), ("L,O", -6)):
            rc, _, err = run("fuzz-ops-replay", "corpus/seed/policies/bad_order.ops",
                             env={"FUZZ_POLICY": "bad_order", "FUZZ_CONTRACTS": contracts})
            self.assertEqual(rc, status, err)
            self.assertEqual("class: contract_O" in err, status != 0)

    def test_encode(self):
        """Binary and text form of a trace come to the same verdicts."""
        names = corpus("seed/golden", "seed/contracts")
        rc, out, err = run("fuzz-ops-replay", "--encode", self.dir, *names)
        self.assertEqual((rc, out), (0, f"{len(names)} encoded\n"), err)
        for name in names:
            folder, base = name.split("/")[-2:]
            binary = os.path.join(self.dir, f"{folder}-{base}.bin")
            self.assertEqual(os.path.getsize(binary) % 32, 1)
            both = [results("--policy", "v1_posted,exact", x)[1] for x in (name, binary)]
            for r in both[0] + both[1]:
                del r["trace"]
                for v in r["contracts"].values():
                    v != "ok" and v.pop("buffer", None)
            self.assertEqual(both[0], both[1], name)

    def test_bad_input(self):
        rc, _, err = run("fuzz-ops-replay", "corpus/seed/golden/g1.ops", env={"FUZZ_POLICY": "stiky"})
        self.assertEqual(rc, 2)
        self.assertIn("sticky", err)
        rc, _, err = run("fuzz-ops-replay", "corpus/seed/golden/g1.ops", env={"FUZZ_CONTRACTS": "L,X"})
        self.assertEqual(rc, 2)
        self.assertIn("FUZZ_CONTRACTS", err)
        rc, _, err = run("fuzz-ops-replay", os.path.join(self.dir, "gone"))
        self.assertEqual(rc, 2)
        self.assertIn("No such file", err)
        rc, _, err = run("fuzz-ops-replay", self.file("bad.ops", "tabel A\n"))
        self.assertEqual(rc, 2)
        self.assertIn("bad.ops:1:1: ", err)


if __name__ == "__main__":
    if not os.path.exists(program("nosnoop-replay")):
        sys.exit(f"{program('nosnoop-replay')}: not there; build it, or set NOSNOOP_BIN")
    unittest.main()
