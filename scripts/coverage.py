#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Line and branch coverage of the page core and of the flush policies (core/iopt, core/flush) by inputs.

    scripts/coverage.py [--inputs DIR|FILE...] [--json] [--out DIR] [--html DIR] [--minimised DIR] [--require 97,90]

Builds the preset `coverage`, runs the inputs under every policy, the unsound ones too (traces, .ops, and whatever else
there is as the bytes that fuzzers keep), and prints what gcov has counted: a table, and what is left with its reason
from coverage-reasons.txt. Assertions do not count (coverage_reasons.py says which), nor what no input can run because it
is no part of running programs; the latter is shown as core/flush's own test covers it.

--minimised DIR: of the inputs, a few that together cover as much, copied into a new folder DIR; figures are theirs.
Exit: 0 measured, 1 less than --require, a stale reason, or with --explained something left without one, 2 bad input,
3 it could not be measured.
"""

import argparse
import concurrent.futures
import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import threading
import time

from coverage_gcov import FOLDERS, TOP, BadInput, Failed, Runner, build, built, call, compiler
from coverage_reasons import File, explain, load

CORPUS = ("corpus/seed", "corpus/regress", "corpus/recorded")
NO_INPUT = (".md", ".json", ".gz", ".txt")
WIDTH = 75
GROUP = 64  # inputs that run in one process when few are to be kept
AT_ONCE = 8  # such groups
NONE = "no reason is given"


def find_inputs(names):
    found = []
    for name in names:
        path = os.path.abspath(name)
        if not os.path.exists(path):
            raise BadInput(f"{name}: no such file or folder, expected inputs")
        if not os.path.isdir(path):
            found.append(path)
        for where, folders, files in os.walk(path):
            folders.sort()
            found += [os.path.join(where, f) for f in sorted(files) if not f.endswith(NO_INPUT) and not f.startswith(".")]
    if not found:
        raise BadInput(f"{' '.join(names)}: no input in it")
    return list(dict.fromkeys(found))


# --- minimising ------------------------------------------------------------------


class Cover:
    """Sets of what inputs cover, as bits of integers."""

    def __init__(self, runner):
        self.runner = runner
        self.lock = threading.Lock()
        self.bit = {}
        self.alone = {}

    def bits(self, counted):
        """Lines and branches that count."""
        bits = 0
        for file in files_of(counted).values():
            for line in file.lines.values():
                met = [(file.name, line.number)] if line.times else []
                met += [(file.name, line.number, i) for i, n in enumerate(line.branches) if n]
                for what in met:
                    bits |= 1 << self.bit.setdefault(what, len(self.bit))
        return bits

    def sieve(self, have, paths):
        """What those of the paths cover that add something to @have and to the ones before them: halves of a group only if the group does."""
        counted = self.runner.some(paths)
        with self.lock:
            bits = self.bits(counted)
        if not bits & ~have:
            return have
        if len(paths) == 1:
            self.alone[paths[0]] = bits
            progress(f"{len(self.alone)} kept")
            return have | bits
        half = len(paths) // 2
        return self.sieve(self.sieve(have, paths[:half]), paths[half:])

    def candidates(self, paths):
        """
        The large ones first: what covers much leaves little to be looked for in all the others, and that is what takes the time. Groups
        that run at once know of those before them, not of each other: a number of them that no machine decides.
        """
        paths, have = sorted(paths, key=lambda p: (-os.path.getsize(p), p)), 0
        groups = [paths[i:i + GROUP] for i in range(0, len(paths), GROUP)]
        with concurrent.futures.ThreadPoolExecutor(self.runner.jobs) as pool:
            for some in [groups[:1]] + [groups[i:i + AT_ONCE] for i in range(1, len(groups), AT_ONCE)]:
                have = functools.reduce(int.__or__, pool.map(functools.partial(self.sieve, have), some))
        return have

    def minimise(self, paths):
        have = self.candidates(paths)
        kept, covered = [], 0
        while covered != have:
            best = max(sorted(self.alone), key=lambda p: (self.alone[p] & ~covered).bit_count())
            covered |= self.alone[best]
            kept.append(best)
        for path in reversed(list(kept)):
            others = 0
            for p in kept:
                others |= self.alone[p] if p != path else 0
            if others == have:
                kept.remove(path)
        return sorted(kept)


def copy_inputs(paths, to):
    """Under names that say where each came from."""
    if os.path.exists(to):
        raise BadInput(f"{to}: is there already, expected a new folder")
    part = tempfile.mkdtemp(prefix=".part-", dir=os.path.dirname(os.path.abspath(to)))
    for path in paths:
        name = f"{os.path.basename(os.path.dirname(path))}-{os.path.basename(path)}"
        while os.path.exists(os.path.join(part, name)):
            name = "x" + name
        shutil.copyfile(path, os.path.join(part, name))
    os.chmod(part, 0o755)
    os.rename(part, to)


# --- figures ---------------------------------------------------------------------


def files_of(counted):
    by_file = {}
    for (name, number, function), what in counted.items():
        by_file.setdefault(name, {})[number, function] = what
    return {name: File(TOP, name, by_file[name]) for name in sorted(by_file)}


def figures(lines):
    lines = list(lines)
    return {"lines": len(lines), "lines_run": sum(1 for n in lines if n.times),
            "branches": sum(len(n.branches) for n in lines), "branches_taken": sum(len(n.branches) - n.never() for n in lines)}


def apply_reasons(files, entries):
    left, stale = [], []
    for entry in entries:
        file = files.get(entry.file)
        got, wrong = explain(file, entry) if file else (None, "no such file is measured")
        if wrong:
            stale.append({"entry": entry.number, "file": entry.file, "function": entry.function, "text": entry.snippet,
                          "why": wrong})
        elif got[1] or got[2] or entry.apart:
            left.append({"file": entry.file, "line": got[0].number, "function": entry.function,
                         "text": entry.snippet or "*", "lines": got[1], "branches": got[2], "reason": entry.reason,
                         "apart": entry.apart})
    for file in files.values():
        left += [{"file": file.name, "line": n.number, "function": n.function, "text": file.source.text(n.number),
                  "lines": int(n.open_line), "branches": n.open_branches, "reason": None, "apart": False}
                 for n in file.lines.values() if n.open_line or n.open_branches]
    return left, stale


def report(counted, tests, inputs, kept, reasons):
    files = files_of(counted)
    left, stale = apply_reasons(files, reasons)
    everything = [n for f in files.values() for n in f.lines.values()]
    rows = []
    for file in files.values():
        rows.append({"file": file.name, **figures(n for n in file.lines.values() if not n.apart),
                     "excluded_lines": file.excluded_lines, "excluded_branches": file.excluded_branches})
    apart = []
    for name, file in files.items():
        numbers = {n.number for n in file.lines.values() if n.apart}
        if numbers:
            again = files_of(tests)[name].lines if tests else {}
            by = figures(again[n] for n in numbers if n in again) if tests else None
            apart.append({"file": name, **figures(file.lines[n] for n in sorted(numbers)), "test_flush": by or "n/a",
                          "reason": file.lines[min(numbers)].apart})
    binary = sum(1 for i in inputs if not i.endswith(".ops"))
    return {
        "schema": "nosnoop coverage 1", "compiler": compiler(),
        "inputs": {"traces": len(inputs) - binary, "binary": binary, "kept": len(kept) if kept is not None else None},
        "total": figures(n for n in everything if not n.apart), "everything": figures(everything),
        "assertions": {"number": sum(f.source.nr_assertions for f in files.values()),
                       "lines": sum(f.excluded_lines for f in files.values()),
                       "branches": sum(f.excluded_branches for f in files.values())},
        "files": [r for r in rows if r["lines"]], "apart": apart, "left": left, "stale": stale,
    }


# --- printing --------------------------------------------------------------------


def share(part, whole):
    return f"{100 * part / whole:5.1f}%" if whole else "   n/a"


def row(name, f):
    return (f"{name:28.28} {f['lines']:6} {f['lines_run']:6} {share(f['lines_run'], f['lines'])} {f['branches']:8} "
            f"{f['branches_taken']:7} {share(f['branches_taken'], f['branches'])}")


def print_table(r, out):
    i, a = r["inputs"], r["assertions"]
    head = f"{i['traces']} traces, {i['binary']} binary inputs, each under every policy; {r['compiler']}"
    if i["kept"] is not None:
        head = f"{i['kept']} inputs, chosen of {head}"
    out(textwrap.fill(head, WIDTH))
    out("")
    out(f"{'file':28} {'lines':>6} {'run':>6} {'':6} {'branches':>8} {'taken':>7}")
    for f in r["files"]:
        out(row(f["file"], f))
    out(row("total", r["total"]))
    out(row("with what stands apart", r["everything"]))
    out("")
    out(textwrap.fill(f"{a['number']} assertions do not count: {a['lines']} lines, {a['branches']} branches.", WIDTH))
    for reason in sorted({f["reason"] for f in r["apart"]}):
        out("")
        out(textwrap.fill(f"Apart, no part of running a program: {reason}; by core/flush/test_flush.c:", WIDTH))
        for f in r["apart"]:
            if f["reason"] == reason:
                out(row(f["file"], f["test_flush"]) if f["test_flush"] != "n/a" else f"{f['file']}: n/a")


def counts(items):
    lines, branches = sum(x["lines"] for x in items), sum(x["branches"] for x in items)
    return f"{lines} line{'s'[:lines != 1]}, {branches} branch{'es'[:2 * (branches != 1)]}"


def print_left(r, out):
    groups = {}
    for x in r["left"]:
        if not x["apart"]:
            groups.setdefault(x["reason"] or NONE, []).append(x)
    out("")
    out(f"Left: {counts([x for g in groups.values() for x in g])}")
    for reason in sorted(groups, key=lambda k: (k != NONE, k)):
        out("")
        out(textwrap.fill(f"{reason} ({counts(groups[reason])})", WIDTH))
        for x in sorted(groups[reason], key=lambda x: (x["file"], x["line"])):
            where = f"{x['file'].removeprefix('core/')}:{x['line']} {x['function']}: "
            out(f"  {(where + x['text'])[:WIDTH - 2]}".rstrip())
    for s in r["stale"]:
        out("")
        out(textwrap.fill(f"stale reason, line {s['entry']}: {s['file']} {s['function']}: {s['text']}: {s['why']}", WIDTH))


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="" if text else "\r", file=sys.stderr, flush=True)


def as_text(r):
    lines = []
    print_table(r, lines.append)
    print_left(r, lines.append)
    return "\n".join(lines) + "\n"


# --- folders ---------------------------------------------------------------------


def write(folder, name, text):
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name)
    with open(path + ".part", "w", encoding="utf-8") as f:
        f.write(text)
    os.rename(path + ".part", path)


def git(*args):
    done = subprocess.run(["git", "-c", "safe.directory=*", *args], cwd=TOP, capture_output=True, text=True, check=False)
    return done.stdout.strip() if not done.returncode else "n/a"


def meta(r):
    changed = git("status", "--porcelain", "--untracked-files=no")
    return {"tool": "scripts/coverage.py", "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "arguments": " ".join(sys.argv[1:]), "commit": git("rev-parse", "HEAD"),
            "changed": changed if changed == "n/a" else bool(changed), "machine": os.uname().machine, "compiler": r["compiler"]}


def html(runner, paths, folder):
    """By gcovr, which leaves nothing out."""
    if not shutil.which("gcovr"):
        raise Failed("--html: gcovr is not installed (Debian: gcovr)")
    os.makedirs(folder, exist_ok=True)
    with runner.counters(paths) as counters:
        call("gcovr", "gcovr", "--root", TOP, *(x for f in FOLDERS for x in ("--filter", f)), "--object-directory", counters,
             counters, "--html-details", os.path.join(os.path.abspath(folder), "index.html"),
             "--html-title", "nosnoop: page core and policies")


def two(text):
    match = re.fullmatch(r"(\d+(?:\.\d+)?),(\d+(?:\.\d+)?)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text}, expected per cent of lines and of branches, as 97,90")
    lines, branches = map(float, match.groups())
    if max(lines, branches) > 100:
        raise argparse.ArgumentTypeError(f"{text}, expected at most 100 per cent of either")
    return lines, branches


def at_least_one(text):
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text}, expected a number from 1 on")
    return int(text)


def arguments():
    p = argparse.ArgumentParser(description=__doc__.strip().split("\n", maxsplit=1)[0],
                                epilog=__doc__.strip()[__doc__.strip().index("Exit:"):])
    p.add_argument("--inputs", nargs="+", metavar="DIR|FILE", help=f"traces and binary inputs ({' '.join(CORPUS)})")
    p.add_argument("--json", action="store_true", help="print JSON (results/README.md)")
    p.add_argument("--out", metavar="DIR", help="coverage.txt, coverage.json and meta.json go there")
    p.add_argument("--html", metavar="DIR", help="pages with every line, by gcovr")
    p.add_argument("--minimised", metavar="DIR", help="keep few of the inputs, there; the figures are theirs")
    p.add_argument("--require", type=two, metavar="L,B", help="exit 1 below these per cent of lines and of branches")
    p.add_argument("--explained", action="store_true", help="exit 1 if something is left without a reason")
    p.add_argument("--reasons", default=os.path.join(TOP, "scripts", "coverage-reasons.txt"), metavar="FILE",
                   help="why what is left is left (scripts/coverage-reasons.txt)")
    p.add_argument("--no-build", action="store_true", help="build nothing: exit 3 where build/coverage is not there, or older than its sources")
    p.add_argument("--jobs", type=at_least_one, default=os.cpu_count() or 1, metavar="N", help="processes at a time (as many as cores)")
    return p.parse_args()


def judge(r, a):
    """What is not as it should be, a line each."""
    t, wrong = r["total"], []
    for what, part, whole, wanted in (("lines", "lines_run", "lines", (a.require or (0, 0))[0]),
                                      ("branches", "branches_taken", "branches", (a.require or (0, 0))[1])):
        if 100 * t[part] < wanted * t[whole]:
            wrong.append(f"{share(t[part], t[whole]).strip()} of the {what}, expected at least {wanted:g}%")
    if r["stale"]:
        wrong.append(f"{len(r['stale'])} stale reasons in {os.path.basename(a.reasons)}")
    if a.explained and any(x["reason"] is None for x in r["left"]):
        wrong.append("lines or branches are left without a reason")
    return wrong


def measure(a):
    inputs = find_inputs(a.inputs or [os.path.join(TOP, c) for c in CORPUS])
    if a.minimised and os.path.exists(a.minimised):
        raise BadInput(f"{a.minimised}: is there already, expected a new folder")
    reasons = load(a.reasons)
    tests = built() if a.no_build else build(a.jobs)
    runner = Runner(a.jobs)
    try:
        kept = Cover(runner).minimise(inputs) if a.minimised else None
        progress("")
        counted = runner.all(inputs if kept is None else kept)
        by_tests = runner.tests() if tests else None
        if a.html:
            html(runner, inputs if kept is None else kept, a.html)
    finally:
        runner.close()
    if a.minimised:
        copy_inputs(kept, a.minimised)
    return report(counted, by_tests, inputs, kept, reasons)


def main():
    a = arguments()
    try:
        r = measure(a)
    except (BadInput, OSError, ValueError) as e:
        sys.exit(say(2, str(e)))
    except Failed as e:
        sys.exit(say(3, str(e)))
    text, data = as_text(r), json.dumps(r, indent=1) + "\n"
    if a.out:
        about = json.dumps(meta(r), indent=1) + "\n"  # before what is written changes the tree
        for name, content in (("coverage.txt", text), ("coverage.json", data), ("meta.json", about)):
            write(a.out, name, content)
    sys.stdout.write(data if a.json else text)
    sys.stdout.flush()
    wrong = judge(r, a)
    for w in wrong:
        say(1, w)
    sys.exit(bool(wrong))


def say(status, text):
    print(f"coverage.py: {text}", file=sys.stderr)
    return status


if __name__ == "__main__":
    main()
