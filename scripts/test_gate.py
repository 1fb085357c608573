#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
`nosnoop-bench gate` between commits and folders: what is built, what is told of what does not build, trailers that accept.
Works in a clone of its own with as many commits as it needs; what is timed is never asked.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BENCH = os.path.join(TOP, "build", "rel", "bin", "nosnoop-bench")
HOOKS = "core/iopt/hooks.c"
FILL = "	area->fa.pages = &pages->fp;\n	if (!ctx->policy->fill_begin)"
ALLOCATES = "	arena_free(ctx->arena, arena_alloc(ctx->arena, 24), 24);\n" + FILL


def sh(*args, **more):
    return subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


class Gate(unittest.TestCase):
    """The program is copied beside the sources of a repository that the test may commit to."""

    @classmethod
    def setUpClass(cls):
        cls.room = tempfile.mkdtemp()
        cls.tree = os.path.join(cls.room, "tree")
        for folder in ("core", "bench/gate", "scripts", "corpus/recorded"):
            shutil.copytree(os.path.join(TOP, folder), os.path.join(cls.tree, folder))
        shutil.copy(os.path.join(TOP, "CMakeLists.txt"), cls.tree)
        os.makedirs(os.path.join(cls.tree, "bin"))
        shutil.copy(BENCH, os.path.join(cls.tree, "bin"))
        with open(os.path.join(cls.tree, ".gitignore"), "w") as f:
            f.write("/build/\n/bin/\n")
        # Found by content: what the gate before this test has built need not be built again.
        cache = os.path.join("build", "gate", "cache")
        if os.path.isdir(os.path.join(TOP, cache)):
            shutil.copytree(os.path.join(TOP, cache), os.path.join(cls.tree, cache))
        cls.git("init", "-q")
        cls.commit("first")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.room)

    @classmethod
    def git(cls, *args):
        r = sh("git", "-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false", *args, cwd=cls.tree)
        if r.returncode:
            raise AssertionError(r.stderr)
        return r.stdout.strip()

    @classmethod
    def commit(cls, *paragraphs):
        cls.git("add", "-A")
        cls.git("commit", "-q", "--allow-empty", *[a for p in paragraphs for a in ("-m", p)])
        return cls.git("rev-parse", "HEAD")

    @classmethod
    def edit(cls, path, was, now):
        path = os.path.join(cls.tree, path)
        with open(path) as f:
            text = f.read()
        if text.count(was) != 1:
            raise AssertionError(f"{path}: {was!r} is there {text.count(was)} times")
        with open(path, "w") as f:
            f.write(text.replace(was, now))

    def gate(self, base, candidate, *more):
        return sh(os.path.join(self.tree, "bin", "nosnoop-bench"), "gate", "--base", base, "--candidate", candidate,
                  "--exact-only", "--workload", "boot", *more, cwd=self.tree)

    def test_commits(self):
        first = self.git("rev-parse", "HEAD")
        self.edit(HOOKS, FILL, ALLOCATES)
        # What was changed and not committed is a candidate too.
        r = self.gate("HEAD", ".", "--json")
        self.assertEqual(r.returncode, 1, r.stderr)
        [row] = json.loads(r.stdout)["workloads"]
        changes = {c["metric"]: c["candidate"] - c["base"] for c in row["changes"]}
        self.assertGreater(changes.get("allocations", 0), 0)
        self.assertTrue(all(m == "allocations" or "bytes" in m for m in changes), changes)

        self.commit("core: allocates more")
        r = self.gate(first, "HEAD")
        self.assertEqual(r.returncode, 1)
        self.assertIn('regression of boot.', r.stdout)
        self.assertIn('("core: allocates more")', r.stdout)
        self.assertEqual(self.gate(first, "HEAD", "--bisect").returncode, 1)
        self.assertEqual(self.gate("HEAD", first).returncode, 0)

        if shutil.which("valgrind"):
            twice = [json.loads(self.gate(first, "HEAD", "--instructions", "--json").stdout) for _ in range(2)]
            one, other = (r["workloads"][0]["instructions"] for r in twice)
            self.assertEqual(one, other)
            self.assertGreater(one["candidate"], one["base"])
        else:
            print("skipped: instructions: valgrind is not installed")

        # Meant: said in a trailer of a commit between the two. One without a reason is bad input.
        self.commit("core: the same, explained", "Gate-accept: alloc* a block for a test\nGate-accept: *bytes its size")
        r = self.gate(first, "HEAD")
        self.assertEqual(r.returncode, 0, r.stdout)
        self.assertIn("a block for a test", r.stdout)
        self.commit("core: badly explained", "Gate-accept: drains")
        r = self.gate(first, "HEAD")
        self.assertEqual(r.returncode, 2)
        self.assertIn("expected a pattern and a reason", r.stderr)

    def test_does_not_build(self):
        broken = os.path.join(self.room, "broken")
        shutil.copytree(self.tree, broken, ignore=shutil.ignore_patterns(".git", "build", "bin"))
        with open(os.path.join(broken, "core/compat/arena.c"), "a") as f:
            f.write("this is not C;\n")
        r = self.gate("HEAD", broken)
        self.assertEqual(r.returncode, 2)
        self.assertIn("does not build", r.stderr)
        self.assertIn("this is not C", r.stderr)
        self.assertEqual(self.gate("HEAD", broken, "--bisect").returncode, 125)
        self.assertEqual(self.gate(broken, "HEAD", "--bisect").returncode, 128)

    def test_nowhere_to_build(self):
        build, away = os.path.join(self.tree, "build"), os.path.join(self.room, "away")
        os.makedirs(build, exist_ok=True)
        os.rename(build, away)
        open(build, "w").close()
        try:
            r = sh(os.path.join(self.tree, "scripts", "gate-build.sh"), "HEAD", cwd=self.tree)
        finally:
            os.unlink(build)
            os.rename(away, build)
        self.assertEqual(r.returncode, 2)
        self.assertIn("build/gate/cache", r.stderr)

    def test_bad_names(self):
        for name in ("nosuch", self.room, "HEAD~99", ""):
            r = self.gate("HEAD", name)
            self.assertEqual(r.returncode, 2, name)
            self.assertIn("expected", r.stderr)
            self.assertEqual(r.stdout, "")
        self.assertEqual(self.gate("HEAD", "nosuch", "--bisect").returncode, 128)

    def test_names_before_builds(self):
        cache = os.path.join(self.tree, "build", "gate", "cache")
        self.edit(HOOKS, FILL, "	arena_free(ctx->arena, arena_alloc(ctx->arena, 48), 48);\n" + FILL)
        self.commit("core: never built")
        before = set(os.listdir(cache)) if os.path.isdir(cache) else set()
        try:
            r = self.gate("HEAD", "nosuch", "--bisect")
        finally:
            self.edit(HOOKS, "	arena_free(ctx->arena, arena_alloc(ctx->arena, 48), 48);\n" + FILL, FILL)
            self.commit("core: as before")
        self.assertEqual(r.returncode, 128)
        self.assertIn("nosuch", r.stderr)
        self.assertEqual(before, set(os.listdir(cache)) if os.path.isdir(cache) else set())


if __name__ == "__main__":
    if not os.access(BENCH, os.X_OK):
        sys.exit(f"{BENCH}: no such program, expected a rel build")
    unittest.main()
