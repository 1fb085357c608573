#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Is every fuzz target a function of its input? The corpus and programs of the generator, run twice, backwards and
shuffled in one process, and each in a process of its own, twice: address spaces are laid out anew for each. Verdicts,
digests and states reached must be the same. NOSNOOP_BIN says where the replayers are; arguments: more files or folders
(a campaign's corpus)."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

BIN = os.environ.get("NOSNOOP_BIN", "build/dev/bin")
MORE = sys.argv[1:]
CORPUS = ["corpus/seed", "corpus/regress"]
GENERATED = ["--generate", "200"]
TARGETS = ["ops", "policy", "codec", "text", "plugin-diff"]


def replay(target, *args, **env):
    return subprocess.run([os.path.join(BIN, "fuzz-%s-replay" % target), *args], capture_output=True, text=True,
                          env={**os.environ, **env})


def alone(target, args, **env):
    """{input: what it came to}, each in a process of its own"""
    done = replay(target, "--json", *args, **env)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {o.pop("file"): o for o in lines}


class Orders(unittest.TestCase):
    def test_orders(self):
        for target in TARGETS:
            with self.subTest(target=target):
                done = replay(target, "--orders", *GENERATED, *CORPUS, *MORE)
                self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
                self.assertRegex(done.stdout, r"^\d{3,} inputs, .*: 0 differ\n$")

    def test_processes(self):
        for target in TARGETS:
            with self.subTest(target=target):
                args = ["--generate", "40", *CORPUS, *MORE]
                first, second = alone(target, args), alone(target, args)
                self.assertGreater(len(first), 100)
                self.assertEqual(first, second)
                self.assertEqual({o["verdict"] for o in first.values()}, {"ok"})

    def test_findings(self):
        """Likewise where something is found."""
        first, second = (alone("policy", ["corpus/seed/golden"], FUZZ_POLICY="v1_posted", FUZZ_CONTRACTS="L")
                         for _ in range(2))
        self.assertEqual(first, second)
        self.assertIn("contract_L", {o.get("class") for o in first.values()})

    def test_long_finding(self):
        """What is longer than any buffer is told whole: no crash."""
        found = alone("policy", ["--generate", "1", "--ops", "3000"], FUZZ_POLICY="none")["seed-1"]
        self.assertEqual(found["verdict"], "finding", found)
        self.assertIn("contract L broken", found["said"])
        self.assertGreater(len(found["program"]), 1 << 16)

    def test_odd_names(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(os.fsencode(folder), b"a\xff.bin"), "wb") as f:
                f.write(b"\1")
            with open(os.path.join(folder, "README.md"), "w", encoding="utf-8") as f:
                f.write("no input\n")
            self.assertEqual([os.path.basename(n) for n in alone("codec", [folder])], ["a?.bin"])

    def test_bad_use(self):
        with tempfile.TemporaryDirectory() as folder:
            for args, words in (([folder], "no input"), (["--json", "--orders", "corpus/seed/golden"], "expected one of")):
                done = replay("codec", *args)
                self.assertEqual(done.returncode, 2)
                self.assertIn(words, done.stderr)

    def test_can_fail(self):
        """A target that remembers the input before is seen."""
        done = replay("policy", "--orders", *GENERATED, FUZZ_LEAKY="1")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("another digest", done.stdout)


class PluginDiff(unittest.TestCase):
    def test_sound(self):
        for pair in ("eager,exact", "storage_skip,sticky"):
            done = replay("plugin-diff", "--generate", "500", *CORPUS, FUZZ_POLICY=pair)
            self.assertEqual((done.returncode, done.stderr), (0, ""), pair)

    def test_unsound(self):
        for pair in ("exact,none", "exact,v1_posted", "v1_posted,eager"):
            done = replay("plugin-diff", "--generate", "500", FUZZ_POLICY=pair)
            self.assertEqual(done.returncode, -6, pair)
            self.assertIn("rule: DIFF\n", done.stderr)
            self.assertIn("other bytes", done.stderr)
            self.assertIn("class: differs\n", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
