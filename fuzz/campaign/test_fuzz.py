#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
nosnoop-fuzz as people and scripts meet it: the same again from the same seed, findings that replay, campaigns that go on,
foreign files, signals, crashes, a full disk. NOSNOOP_BIN names the folder of the programs.
"""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import test_replay as rig

FOUND = 1
INPUT = 2
DISK = 3


def fuzz(*args, **kw):
    return rig.run("nosnoop-fuzz", *map(str, args), **kw)


def tree(folder):
    """{path below: bytes} of all files but the ledger, which tells the time"""
    out = {}
    for base, _, names in os.walk(folder):
        for n in names:
            if n != "ledger.json":
                path = os.path.join(base, n)
                with open(path, "rb") as f:
                    out[os.path.relpath(path, folder)] = f.read()
    return out


class Fuzz(rig.Temporary):
    def out(self, name="out"):
        return os.path.join(self.dir, name)

    def ledger(self, name="out"):
        with open(os.path.join(self.out(name), "ledger.json"), encoding="utf-8") as f:
            return json.load(f)


class Campaign(Fuzz):
    def test_same_seed(self):
        for name, seed in (("a", 5), ("b", 5), ("c", 6)):
            rc, _, err = fuzz("--policy", "v1_posted", "--runs", 150, "--seed", seed, "--out", self.out(name))
            self.assertEqual(rc, FOUND, err)
        a, b, c = (tree(self.out(n)) for n in "abc")
        self.assertEqual(a, b)
        self.assertNotEqual(a, c)
        self.assertGreater(len([p for p in a if p.startswith("corpus/")]), 20)

    def test_findings(self):
        """Told apart, shrunk, and good for replay as they are."""
        rc, out, err = fuzz("--policy", "v1_posted", "--runs", 200, "--out", self.out())
        self.assertEqual(rc, FOUND, err)
        self.assertRegex(out, r"(?m)^  L    v1_posted +\d+ ops  findings/v1_posted-L-[0-9a-f]{16}\.ops$")
        files = {p: t.decode() for p, t in tree(self.out()).items() if p.startswith("findings/")}
        listed = self.ledger()["findings"]
        self.assertEqual(sorted(files), sorted("findings/" + f["file"] for f in listed))
        self.assertEqual(len({(f["policy"], f["rule"], f["shape"]) for f in listed}), len(listed))
        # More were shrunk than there are shapes: that is what telling apart means.
        self.assertGreater(sum(f["count"] for f in listed), len(listed))
        for path, text in files.items():
            for head in ("# rule:   ", "# policy: v1_posted", "# seed:   1", "# commit: ",
                         "# replay: nosnoop-replay --policy v1_posted " + os.path.basename(path)):
                self.assertIn(head, text)
        paths = [os.path.join(self.out(), p) for p in files]
        rc, out, _ = rig.replay("--ktap", "--policy", "v1_posted", *paths)
        self.assertEqual(rc, 0, out)
        self.assertLessEqual(min(f["ops"] for f in listed if f["rule"] == "L"), 7)

    def test_to_standard_output(self):
        rc, out, _ = fuzz("--policy", "none", "--runs", 1)
        self.assertEqual(rc, FOUND)
        rc, found, err = rig.results("--policy", "none", self.file("f.ops", out[:out.index("\n\n") + 1]))
        self.assertEqual((rc, found[0]["outcome"]), (0, "good"), err)

    def test_sound(self):
        rc, out, err = fuzz("--policy", "all-sound", "--runs", 60)
        self.assertEqual(rc, 0, out + err)
        self.assertIn("\nno finding\n", out)

    def test_first(self):
        rc, out, _ = fuzz("--policy", "exact_once", "--runs", 100000, "--first", "--json")
        self.assertEqual(rc, FOUND)
        got = json.loads(out)
        self.assertEqual(len(got["findings"]), 1)
        self.assertEqual(got["sessions"][0]["ended"], "first")
        self.assertLess(got["programs"], 5000)
        self.assertIn("expect exact_once S0 at", got["findings"][0]["text"])

    def test_jobs(self):
        rc, _, err = fuzz("--policy", "v1_posted", "--runs", 101, "--jobs", 3, "--out", self.out())
        self.assertEqual(rc, FOUND, err)
        led = self.ledger()
        self.assertEqual((led["programs"], led["sessions"][0]["jobs"]), (101, 3))
        self.assertLessEqual({f["job"] for f in led["findings"]}, {0, 1, 2})
        self.assertGreater(len(os.listdir(os.path.join(self.out(), "corpus"))), 20)

    def test_goes_on(self):
        args = ("--policy", "v1_posted", "--runs", 100, "--out", self.out())
        self.assertEqual(fuzz(*args, "--seed", 3)[0], FOUND)
        one = self.ledger()
        corpus = set(os.listdir(os.path.join(self.out(), "corpus")))
        self.assertEqual(fuzz(*args)[0], FOUND)
        two = self.ledger()
        self.assertEqual([two[k] for k in ("programs", "seed")], [200, 3])
        self.assertEqual(len({s["seed"] for s in two["sessions"]}), 2)
        self.assertEqual(two["runs"], sum(s["runs"] for s in two["sessions"]))
        self.assertGreater(two["cpu_seconds"], one["cpu_seconds"])
        self.assertGreater(two["states"], one["states"])
        self.assertTrue({f["file"] for f in one["findings"]} <= {f["file"] for f in two["findings"]})
        # What was kept is the start of what is kept now.
        self.assertTrue(corpus & set(os.listdir(os.path.join(self.out(), "corpus"))))
        for other in (("--policy", "none"), ("--policy", "v1_posted", "--seed", 4),
                      ("--policy", "v1_posted", "--contracts", "L")):
            rc, _, err = fuzz("--runs", 1, "--out", self.out(), *other)
            self.assertEqual(rc, INPUT)
            self.assertRegex(err, r"ledger\.json: a campaign with (policy|seed|contracts) .*expected")
        self.assertEqual(self.ledger(), two)

    def test_damaged_ledger(self):
        rc, _, err = fuzz("--policy", "eager", "--runs", 5, "--out", self.out())
        self.assertEqual(rc, 0, err)
        for key, value in (("sessions", {"a": 1}), ("sessions", None), ("seed", -5), ("seed", "x"),
                           ("findings", [1]), ("programs", [])):
            with self.subTest(key=key, value=value):
                led = self.ledger() | {key: value}
                self.file("out/ledger.json", json.dumps(led))
                rc, _, err = fuzz("--policy", "eager", "--runs", 5, "--out", self.out())
                self.assertEqual(rc, INPUT, err)
                self.assertIn("expected a whole ledger", err)
                self.assertEqual(self.ledger(), led)
                self.file("out/ledger.json", json.dumps(led | {"sessions": [], "seed": 1, "findings": [], "programs": 5}))


class Corpus(Fuzz):
    def test_foreign_files(self):
        seeds = os.path.join(self.dir, "seeds")
        os.makedirs(os.path.join(seeds, "folder.ops"))
        for name, data in (("good.ops", "table A\n"), ("bad.ops", "tabel A\n"), ("notes.txt", "milk\n"),
                           ("short.bin", b"\1abc"), ("old.bin", b"\7" + bytes(32))):
            self.file(os.path.join("seeds", name), data)
        rc, _, err = fuzz("--policy", "eager", "--runs", 5, "--corpus", seeds, "--out", self.out())
        self.assertEqual(rc, 0, err)
        for name in ("bad.ops:1:1", "notes.txt", "short.bin", "old.bin", "folder.ops"):
            self.assertRegex(err, rf"seeds/{re.escape(name)}: .*expected .*; skipped\n")
        self.assertNotIn("good.ops", err)

    def test_foreign_files_stay(self):
        args = ("--policy", "eager", "--runs", 20, "--out", self.out())
        self.assertEqual(fuzz(*args)[0], 0)
        mine = os.path.join(self.out(), "corpus", "mine.txt")
        with open(mine, "w", encoding="utf-8") as f:
            f.write("do not touch\n")
        newer = os.path.join(self.out(), "corpus", "0123456789abcdef.bin")
        with open(newer, "wb") as f:
            f.write(b"\2" + bytes(32))
        rc, _, err = fuzz(*args)
        self.assertEqual(rc, 0)
        self.assertEqual(err.count("skipped"), 2)
        self.assertTrue(os.path.exists(mine))
        self.assertTrue(os.path.exists(newer))

    def test_seeds_are_judged(self):
        """A trace that no generator needs to find."""
        seeds = os.path.join(self.dir, "seeds")
        os.mkdir(seeds)
        self.file("seeds/replug.ops", rig.read("corpus/seed/contracts/v1-replug.ops"))
        rc, out, _ = fuzz("--policy", "v1_posted", "--runs", 1, "--corpus", seeds, "--json")
        self.assertEqual(rc, FOUND)
        self.assertIn("L", {f["rule"] for f in json.loads(out)["findings"]})


class Ends(Fuzz):
    def start(self, *args):
        """On a terminal, so that its progress tells that it is at work."""
        parent, child = rig.terminal(self)
        p = subprocess.Popen([rig.program("nosnoop-fuzz"), *args], stdout=subprocess.PIPE, stderr=child, cwd=rig.TOP)
        os.close(child)
        seen = b""
        while b"programs" not in seen:
            seen += os.read(parent, 4096)
        return p, parent

    def test_signals(self):
        for sig, jobs in ((signal.SIGINT, "2"), (signal.SIGTERM, "1")):
            with self.subTest(signal=sig):
                p, terminal = self.start("--policy", "eager", "--seconds", "3000", "--jobs", jobs, "--out",
                                         self.out(jobs))
                p.send_signal(sig)
                out = p.communicate(timeout=60)[0].decode()
                os.close(terminal)
                self.assertEqual(p.returncode, 0, out)
                self.assertRegex(out, r"(?m)^\d+ states, \d+ programs kept, seed 1, ended by signal$")
                self.assertGreater(self.ledger(jobs)["programs"], 0)

    def test_killed(self):
        """What SIGKILL leaves is a campaign that goes on: of two jobs, not much older than a checkpoint."""
        p, terminal = self.start("--policy", "all-sound", "--seconds", "3000", "--jobs", "2", "--checkpoint", "0.2",
                                 "--out", self.out())
        while not (os.path.exists(os.path.join(self.out(), "ledger.json")) and self.ledger()["programs"] > 2000):
            os.read(terminal, 4096)
        p.kill()
        p.communicate(timeout=60)
        os.close(terminal)
        led = self.ledger()
        self.assertEqual([s["ended"] for s in led["sessions"]], ["running"])
        visible = [n for n in os.listdir(os.path.join(self.out(), "corpus")) if n[0] != "."]
        self.assertGreater(len(visible), 100)
        self.assertEqual([n for n in visible if not n.endswith(".bin")], [])
        rc, out, err = fuzz("--policy", "all-sound", "--runs", 10, "--out", self.out())
        self.assertEqual(rc, 0, out + err)
        after = self.ledger()
        self.assertEqual([s["ended"] for s in after["sessions"]], ["running", "runs"])
        self.assertEqual(after["programs"], led["programs"] + 10)
        self.assertGreater(after["states"], led["states"] * 9 // 10)

    def test_at_work(self):
        """From the first moment on a folder is one campaign's, and one process's."""
        p, terminal = self.start("--policy", "v1_posted", "--seconds", "3000", "--jobs", "2", "--out", self.out())
        for policy in ("v1_posted", "exact"):
            rc, _, err = fuzz("--policy", policy, "--runs", 1, "--out", self.out())
            self.assertEqual(rc, INPUT, err)
            self.assertIn("another nosnoop-fuzz is at work there", err)
        p.kill()
        p.communicate(timeout=60)
        os.close(terminal)
        led = self.ledger()
        self.assertEqual([s["ended"] for s in led["sessions"]], ["running"])
        files = {n for n in os.listdir(os.path.join(self.out(), "findings")) if n[0] != "."}
        told = {f["file"] for f in led["findings"]}
        # A file comes first, then its entry: it may have been killed in between.
        self.assertLessEqual(told, files)
        self.assertLessEqual(len(files - told), 1)
        rc, _, err = fuzz("--policy", "exact", "--runs", 1, "--out", self.out())
        self.assertEqual(rc, INPUT, err)
        self.assertIn('a campaign with policy "v1_posted", expected "exact"', err)

    def test_crash(self):
        """A policy that crashes: the program that did it is not lost."""
        text = rig.read("core/flush/example/mine.c")
        at = text.index("{\n", text.index("mine_before_map")) + 2
        source = self.file("crash.c", text[:at] + "\tif (p->last > p->first)\n\t\t__builtin_trap();\n" + text[at:])
        so = os.path.join(self.dir, "crash.so")
        subprocess.run(["cc", "-std=gnu11", "-shared", "-fPIC", "-I.", "-o", so, source], cwd=rig.TOP, check=True)
        rc, out, err = fuzz("--policy", so, "--runs", 1000, "--out", self.out())
        self.assertEqual(rc, FOUND, out + err)
        self.assertRegex(err, r"job 0: .* while it ran a program under mine\n")
        led = self.ledger()
        self.assertEqual([f["rule"] for f in led["findings"]], ["CRASH"])
        self.assertEqual(led["sessions"][0]["ended"], "died")
        trace = os.path.join(self.out(), "findings", led["findings"][0]["file"])
        self.assertIn(f"# replay: nosnoop-replay --policy {so} ", rig.read(trace))
        self.assertEqual(rig.results("--policy", "eager", trace)[0], 0)
        self.assertNotIn(rig.replay("--policy", so, trace)[0], (0, 1, 2))
        rc, text, err = rig.run("nosnoop-shrink", "--policy", so, trace)
        self.assertEqual(rc, 0, err)
        self.assertRegex(err, r"CRASH under mine \(it ends the process\): \d+ ops, [3-5] left")
        small = self.file("small.ops", text)
        self.assertNotIn(rig.replay("--policy", so, small)[0], (0, 1, 2))
        self.assertEqual(rig.run("nosnoop-shrink", "--policy", so, "--rule", "CRASH", small)[1], text)
        self.assertEqual(rig.run("nosnoop-shrink", "--policy", so, "--rule", "HANG", small)[0], 1)

    def test_full_disk(self):
        """Files of at most no bytes at all: every write fails, as on a disk without room."""
        def no_room():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

        done = subprocess.run([rig.program("nosnoop-fuzz"), "--policy", "v1_posted", "--runs", "60", "--out",
                               self.out()], capture_output=True, cwd=rig.TOP, preexec_fn=no_room,
                              restore_signals=False, timeout=120, check=False)
        out, err = done.stdout.decode(), done.stderr.decode()
        self.assertEqual(done.returncode, DISK, out + err)
        self.assertRegex(err, r"findings/v1_posted-.*\.ops: .*expected")
        self.assertRegex(err, r"ledger\.json: ")
        first = self.file("printed.ops", out[:out.index("\n\n") + 1])
        self.assertEqual(rig.replay("--policy", "v1_posted", first)[0], 0)
        self.assertEqual(tree(self.out()), {})

    def test_full_output(self):
        with open("/dev/full", "wb") as full:
            rc = subprocess.run([rig.program("nosnoop-fuzz"), "--policy", "eager", "--runs", "1", "--json"],
                                stdout=full, stderr=subprocess.DEVNULL, check=False, timeout=60).returncode
        self.assertEqual(rc, DISK)


class Words(Fuzz):
    KEYS = {"tool": str, "version": int, "policy": str, "policies": list, "contracts": str, "backend": str,
            "seed": int, "states": int, "corpus": int, "programs": int, "runs": int, "ops": int, "noops": int,
            "full": int, "cpu_seconds": float, "wall_seconds": float, "findings": list, "sessions": list}
    SESSION = {"seed": int, "jobs": int, "programs": int, "runs": int, "ops": int, "noops": int, "full": int,
               "findings": int, "cpu_seconds": float, "wall_seconds": float, "commit": str, "ended": str}
    FINDING = {"file": str, "policy": str, "rule": str, "shape": str, "ops": int, "ops_before": int, "run": int,
               "seed": int, "job": int, "session": int, "count": int, "cpu_seconds": float, "text": str}

    def test_json(self):
        rc, out, err = fuzz("--policy", "none", "--runs", 20, "--json")
        self.assertEqual((rc, err), (FOUND, ""))
        got = json.loads(out)
        for o, keys in ((got, self.KEYS), (got["sessions"][0], self.SESSION), (got["findings"][0], self.FINDING)):
            self.assertEqual({k: type(v) for k, v in o.items()}, keys)
        self.assertEqual(got["sessions"][0]["ended"], "runs")
        self.assertEqual(got["programs"], 20)
        self.assertEqual(got["contracts"], "L,I,S0,O,U")

    def test_no_progress_in_a_pipe(self):
        _, out, err = fuzz("--policy", "eager", "--runs", 50)
        self.assertEqual(err, "")
        self.assertNotIn("\033", out)
        self.assertLessEqual(max(map(len, out.splitlines())), 75)

    def test_help_and_version(self):
        for option, text in (("--help", "Usage: nosnoop-fuzz"), ("--version", "nosnoop-fuzz ")):
            rc, out, _ = fuzz(option)
            self.assertEqual(rc, 0)
            self.assertTrue(out.startswith(text))

    def test_bad_input(self):
        plain = self.file("plain", "")
        full = os.path.join(self.dir, "full")
        os.mkdir(full)
        self.file("full/ledger.json", "{")
        for args, what in ((("--policy", "stiky"), r"stiky.*\n?.*sticky"), (("--runs", "0"), "--runs 0: expected"),
                           (("--runs", "-1"), "--runs -1: expected"), (("--seconds", "soon"), "--seconds soon: expected"),
                           (("--seconds", "-2"), "expected seconds"), (("--jobs", "1000"), "--jobs 1000: expected"),
                           (("--seed", "x"), "--seed x: expected"), (("--contracts", "Q"), "--contracts Q: expected"),
                           (("--backend", "nosuch"), "nosuch.*wanted core, linux"), (("--diff=nosuch",), "nosuch.*wanted core"), (("trace.ops",), "trace.ops"),
                           (("--out", plain), "expected a folder"), (("--corpus", plain), "expected a folder"),
                           (("--out", full), r"ledger\.json:1:\d+: .*expected a ledger")):
            with self.subTest(args=args):
                rc, out, err = fuzz("--runs", "1", *args)
                self.assertEqual((rc, out), (INPUT, ""), err)
                self.assertRegex(err, what)


if __name__ == "__main__":
    unittest.main()
