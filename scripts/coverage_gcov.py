# SPDX-License-Identifier: GPL-2.0-only
"""
Of coverage.py: builds with counters, runs inputs, reads the counters.

What was counted is a dict: (file, line, function) -> [times, [times of each branch]]. The same inline function counts in
every object that holds it; it is added up.
"""

import concurrent.futures
import contextlib
import json
import os
import shutil
import subprocess
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
BUILD = os.path.join(TOP, "build", "coverage")
REPLAY = os.path.join(BUILD, "bin", "nosnoop-replay")
TESTS = os.path.join(BUILD, "bin", "test_flush")
FOLDERS = ("core/iopt/", "core/flush/")
AT_A_TIME = 64
SECONDS = 600


class Failed(Exception):
    """It could not be measured."""


class BadInput(Exception):
    """What was asked for makes no sense."""


def call(what, *args, **more):
    done = subprocess.run(args, capture_output=True, text=True, cwd=TOP, check=False, **more)
    if done.returncode:
        raise Failed(f"{what}:\n{(done.stdout + done.stderr).strip()[-3000:]}")
    return done.stdout


def programs():
    """What is measured with; test_flush needs cmocka."""
    targets = call("list of targets", "cmake", "--build", BUILD, "--target", "help")
    return ["nosnoop-replay"] + ["test_flush"] * ("test_flush:" in targets)


def build(jobs):
    """True: with test_flush."""
    call("configure", "cmake", "--preset", "coverage")
    wanted = programs()
    call("build", "cmake", "--build", BUILD, "-j", str(jobs), "--target", *wanted)
    return "test_flush" in wanted


def sources(program):
    """Files of the checkout that it is made of, headers included, by the build's own notes."""
    objects = set(call("look at the build", "ninja", "-C", BUILD, "-t", "inputs", program).split())
    found, ours = set(), False
    for line in call("look at the build", "ninja", "-C", BUILD, "-t", "deps").splitlines():
        if line[:1].strip():
            ours = line.split(":")[0] in objects
        elif ours and line.strip().startswith(TOP + os.sep):
            found.add(line.strip())
    return found


def built():
    """As build(), of what is there: it has to be that of these sources."""
    if not os.path.exists(REPLAY):
        raise Failed(f"{os.path.relpath(REPLAY, TOP)}: not there, expected a build, or no --no-build")
    wanted = programs()
    for program in wanted:
        path = os.path.join(BUILD, "bin", program)
        made = os.path.getmtime(path) if os.path.exists(path) else 0
        for source in sorted(sources(program)):
            if not os.path.exists(source) or os.path.getmtime(source) > made:
                raise Failed(f"{os.path.relpath(BUILD, TOP)} is not of this {os.path.relpath(source, TOP)}: expected a build of it, "
                             "or no --no-build")
    return "test_flush" in wanted


def compiler():
    return call("gcc", "gcc", "--version").splitlines()[0]


def merge(into, more):
    for key, (times, branches) in more.items():
        if key in into:
            old = into[key]
            old[0] += times
            old[1] = [a + b for a, b in zip(old[1], branches)] if old[1] else branches
        else:
            into[key] = [times, branches]
    return into


def parse(text):
    counted = {}
    for record in map(json.loads, text.splitlines()):
        for file in record["files"]:
            name = os.path.relpath(os.path.join(record["current_working_directory"], file["file"]), TOP)
            if not name.startswith(FOLDERS) or not os.path.exists(os.path.join(TOP, name)):
                continue  # an older build left notes of what is no file any more
            for line in file["lines"]:
                key = (name, line["line_number"], line.get("function_name", ""))
                merge(counted, {key: [line["count"], [b["count"] for b in line["branches"]]]})
    return counted


class Place:
    """A folder in which one process at a time leaves its counters."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="nosnoop-coverage-")
        self.notes = []
        for where, _, names in os.walk(os.path.join(BUILD, "core")):
            for name in names:
                if not name.endswith(".gcno"):
                    continue
                to = os.path.join(self.dir, os.path.relpath(os.path.join(where, name), BUILD))
                os.makedirs(os.path.dirname(to), exist_ok=True)
                os.symlink(os.path.join(where, name), to)
                self.notes.append(to)

    def run(self, args, good):
        self.leave(args, good)
        return self.take()

    def leave(self, args, good):
        env = dict(os.environ, GCOV_PREFIX=self.dir, GCOV_PREFIX_STRIP=str(BUILD.count(os.sep)))
        try:
            done = subprocess.run(args, cwd=TOP, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired as e:
            raise Failed(f"{os.path.basename(args[0])}: not done after {SECONDS} s") from e
        if done.returncode == 2:
            raise BadInput(done.stderr.strip())
        if done.returncode not in good:
            raise Failed(f"{os.path.basename(args[0])} ended with {done.returncode}: {done.stderr.strip()[-1000:]}")

    def take(self):
        """Also of objects that no program was linked with: they count as not run."""
        data = [n[:-4] + "gcda" for n in self.notes if os.path.exists(n[:-4] + "gcda")]
        done = subprocess.run(["gcov", "--json-format", "--stdout", "--branch-probabilities", *self.notes], cwd=self.dir,
                              capture_output=True, text=True, check=False)
        if done.returncode or not data:
            raise Failed(f"gcov: {done.stderr.strip()[-1000:] or 'the programs left no counters'}")
        for name in data:
            os.unlink(name)
        return parse(done.stdout)

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)


class Runner:
    """Inputs through nosnoop-replay under every policy; what it finds wrong with them does not matter here."""

    def __init__(self, jobs):
        self.jobs = jobs
        self.free = [Place() for _ in range(jobs)]
        self.names = tempfile.mkdtemp(prefix="nosnoop-coverage-")
        self.linked = {}

    def close(self):
        for place in self.free:
            place.remove()
        shutil.rmtree(self.names, ignore_errors=True)

    @contextlib.contextmanager
    def place(self):
        place = self.free.pop()
        try:
            yield place
        finally:
            self.free.append(place)

    def name(self, path):
        """Whatever it is called: what is no trace (.ops) is bytes."""
        if path.endswith((".ops", ".bin")):
            return path
        if path not in self.linked:
            self.linked[path] = os.path.join(self.names, f"{len(self.linked)}.bin")
            os.symlink(path, self.linked[path])
        return self.linked[path]

    def command(self, paths):
        return [REPLAY, "--policy", "all", "--check", "end", "--ktap", *map(self.name, paths)]

    def some(self, paths):
        """In one process."""
        with self.place() as place:
            return place.run(self.command(paths), (0, 1))

    @contextlib.contextmanager
    def counters(self, paths):
        """A folder with gcov's own files."""
        with self.place() as place:
            for i in range(0, len(paths), AT_A_TIME):
                place.leave(self.command(paths[i:i + AT_A_TIME]), (0, 1))
            yield place.dir
            place.take()

    def all(self, paths):
        """In several at a time, neighbours apart: the long ones lie together."""
        parts = max(len(self.free), -(-len(paths) // AT_A_TIME))
        counted = {}
        with concurrent.futures.ThreadPoolExecutor(len(self.free)) as pool:
            for part in pool.map(self.some, [paths[i::parts] for i in range(parts) if paths[i::parts]]):
                merge(counted, part)
        return counted

    def tests(self):
        with self.place() as place:
            return place.run([TESTS], (0,))
