#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests of fuzz-seeds.py, and whether both engines read what it makes (where they were built)."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BIN = os.environ.get("NOSNOOP_BIN", os.path.join(TOP, "build", "rel", "bin"))
LIBFUZZER = os.path.join(TOP, os.environ.get("NOSNOOP_LIBFUZZER_BIN", "build/fuzz/bin"), "fuzz-{}-libfuzzer")
AFL = os.path.join(TOP, os.environ.get("NOSNOOP_AFL_BIN", "build/afl/bin"), "fuzz-{}-afl")


def run(*args, **kwargs):
    return subprocess.run(args, cwd=TOP, capture_output=True, text=True, errors="replace", check=False, **kwargs)


def make(out, *args):
    return run(sys.executable, "-B", "scripts/fuzz-seeds.py", "--bin", BIN, "--out", out, *args)


def tokens(path):
    """A dictionary's tokens as bytes, by the rules that both engines have in common."""
    with open(path, encoding="ascii") as f:
        lines = [line.strip() for line in f if line.strip() and not line.startswith("#")]
    for line in lines:
        assert re.fullmatch(r'"(\\x[0-9A-F]{2}|[ !#-\[\]-~])+"', line), line
    return [re.sub(rb"\\x(..)", lambda m: bytes([int(m.group(1), 16)]), line[1:-1].encode()) for line in lines]


class Seeds(unittest.TestCase):
    def setUp(self):
        self.out = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.out)

    def path(self, *names):
        return os.path.join(self.out, *names)

    def test_programs(self):
        done = make(self.out, "--target", "policy")
        self.assertEqual(done.returncode, 0, done.stderr)
        names = os.listdir(self.path("policy"))
        self.assertGreater(len(names), 100)
        forms, records = set(), set()
        for n in names:
            with open(self.path("policy", n), "rb") as f:
                data = f.read()
            self.assertEqual((len(data) % 32, data[0]), (1, 1), n)
            self.assertNotIn(data, forms, "equal seeds")
            forms.add(data)
            records |= {data[i:i + 32] for i in range(1, len(data), 32)}
        words = tokens(self.path("policy.dict"))
        self.assertEqual(len(words), len(set(words)))
        self.assertEqual(len(words), 160)
        self.assertLessEqual(set(words), records)
        with open(self.path("policy.options"), encoding="ascii") as f:
            text = f.read()
        self.assertTrue(text.startswith("[libfuzzer]\n") and "dict = policy.dict\n" in text)
        most = int(re.search(r"max_len = (\d+)", text).group(1))
        self.assertLessEqual(max(map(len, forms)), most)

    def test_texts(self):
        """Every op and every word that traces of the corpus use, written by hand or not, is in the dictionary."""
        self.assertEqual(make(self.out, "--target", "text").returncode, 0)
        words = {w.decode() for w in tokens(self.path("text.dict"))}
        used = set()
        for n in os.listdir(self.path("text")):
            with open(self.path("text", n), encoding="utf-8") as f:
                lines = [line.split("#")[0].split() for line in f]
            used |= {line[0] for line in lines if line}
            used |= {w for line in lines for w in line[3:] if line[0] in ("map", "attach", "pin") if re.fullmatch("[a-z]+", w)}
        self.assertGreater(len(used), 40)
        self.assertEqual(used - words, set())
        self.assertTrue({"unlimited", "on", "off", "by", "aperture", "badsrc"} <= words)

    def test_again_the_same(self):
        other = self.path("other")
        os.mkdir(other)
        self.assertEqual(make(self.out, "--target", "ops", "--zip").returncode, 0)
        self.assertEqual(make(other, "--target", "ops", "--zip").returncode, 0)
        for n in ("ops_seed_corpus.zip", "ops.dict"):
            with open(self.path(n), "rb") as a, open(os.path.join(other, n), "rb") as b:
                self.assertEqual(a.read(), b.read(), n)

    def test_prefix(self):
        self.assertEqual(make(self.out, "--target", "text", "--zip", "--prefix", "fuzz-").returncode, 0)
        self.assertEqual(sorted(os.listdir(self.out)), ["fuzz-text.dict", "fuzz-text.options", "fuzz-text_seed_corpus.zip"])
        with open(self.path("fuzz-text.options"), encoding="ascii") as f:
            self.assertIn("dict = fuzz-text.dict\n", f.read())

    def test_too_long(self):
        done = make(self.out, "--target", "policy", "--max-len", "200")
        self.assertEqual(done.returncode, 0, done.stderr)
        long = int(re.search(r"(\d+) too long", done.stdout).group(1))
        self.assertGreater(long, 10)
        self.assertTrue(all(os.path.getsize(self.path("policy", n)) <= 200 for n in os.listdir(self.path("policy"))))

    def test_bad_input(self):
        for args, word in ((("--target", "nothing"), "expected some of"), (("--bin", self.out), "expected a build"),
                           (("--max-len", "1"), "longer than"), (("--target", "text", "nowhere"), "nowhere")):
            done = make(self.path("new"), *args)
            self.assertEqual(done.returncode, 2, args)
            self.assertIn(word, done.stderr)
            self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)

    def test_what_is_not_ours(self):
        """Seeds are replaced; a folder into which an engine has written is left as it is."""
        self.assertEqual(make(self.out, "--target", "ops").returncode, 0)
        first = sorted(os.listdir(self.path("ops")))
        os.unlink(self.path("ops", first[0]))
        self.assertEqual(make(self.out, "--target", "ops").returncode, 0)
        self.assertEqual(sorted(os.listdir(self.path("ops"))), first)
        with open(self.path("ops", "da39a3ee5e6b4b0d3255bfef95601890afd80709"), "wb"):
            pass
        os.unlink(self.path("ops", first[0]))
        done = make(self.out, "--target", "ops")
        self.assertEqual(done.returncode, 2)
        self.assertIn("da39a3ee5e6b4b0d3255bfef95601890afd80709 is there and is no seed", done.stderr)
        self.assertEqual(len(os.listdir(self.path("ops"))), len(first))

    def test_equal_names(self):
        """Traces of one folder and name in two places are two inputs."""
        paths = [self.path(top, "x", "t.ops") for top in ("a", "b", "c")]
        for n, path in enumerate(paths):
            os.makedirs(os.path.dirname(path))
            with open(path, "w", encoding="ascii") as f:
                f.write("".join(f"table {c}\n" for c in "ABC"[:n + 1]))
        with open(self.path("c", "x", "t.ops-2"), "wb") as f:
            f.write(b"bytes")
        os.mkdir(self.path("out"))
        done = run(os.path.join(BIN, "fuzz-ops-replay"), "--encode", self.path("out"), self.path("c", "x", "t.ops-2"), *paths)
        self.assertEqual((done.returncode, done.stdout), (0, "4 encoded\n"), done.stderr)
        sizes = {n: os.path.getsize(self.path("out", n)) for n in os.listdir(self.path("out"))}
        self.assertEqual(sizes, {"x-t.ops-2.bin": 5, "x-t.ops.bin": 33, "x-t.ops-3.bin": 65, "x-t.ops-4.bin": 97})

    def engines(self, pattern, command):
        if not os.path.exists(pattern.format("ops")):
            print(f"skipped: {pattern.format('ops')} is not built")
            return
        self.assertEqual(make(self.out, "--target", "ops,text").returncode, 0)
        for name in ("ops", "text"):
            nr = len(tokens(self.path(f"{name}.dict")))
            said = command(pattern.format(name), self.path(f"{name}.dict"), self.path(name))
            self.assertRegex(said, f"(Dictionary: {nr} entries|Loaded {nr} extra tokens)")

    def test_libfuzzer_reads_it(self):
        self.engines(LIBFUZZER, lambda program, words, seeds: run(program, f"-dict={words}", "-runs=1", seeds).stderr)

    def test_afl_reads_it(self):
        def afl(program, words, seeds):
            one = self.path("one")
            os.makedirs(one, exist_ok=True)
            shutil.copy(os.path.join(seeds, sorted(os.listdir(seeds))[0]), one)
            env = {**os.environ, "AFL_NO_UI": "1", "AFL_SKIP_CPUFREQ": "1", "AFL_NO_AFFINITY": "1", "TERM": "dumb",
                   "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES": "1"}
            return run("afl-fuzz", "-E", "1", "-i", one, "-o", self.path("afl"), "-x", words, "--", program, env=env).stdout

        self.engines(AFL, afl)


if __name__ == "__main__":
    unittest.main()
