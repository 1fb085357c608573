#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Line and branch coverage of a kernel tree's iommufd files by traces.

    scripts/linux-coverage.py --linux-tree DIR [--json] FOLDER...

Builds the tree with gcc's --coverage, replays every trace of the folders (text and binary, as nosnoop-fuzz keeps them) on
it, with and without the core as twin, and prints what gcov says of each file, and the functions that were never entered.
What a trace cannot reach by construction (files, dma-bufs, dirty tracking, devices) is in those files too.
Exit: 0 measured, 1 it could not be, 2 bad input.
"""

import argparse
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FILES = ("pages.c", "io_pagetable.c", "ioas.c", "device.c", "hw_pagetable.c")
AT_A_TIME = 200


def stop(status, text):
    print("linux-coverage.py: %s" % text, file=sys.stderr)
    sys.exit(status)


def traces(folders):
    found = []
    for folder in folders:
        if not os.path.isdir(folder):
            stop(2, "%s: no such folder of traces" % folder)
        for where, _, names in sorted(os.walk(folder)):
            found += [os.path.join(where, n) for n in sorted(names) if not n.endswith((".md", ".json", ".gz"))]
    if not found:
        stop(2, "no trace in %s" % " ".join(folders))
    return found


def replay(so, files):
    """Verdicts do not matter here, only that the code runs; a crash does."""
    binary = os.path.join(TOP, "build/rel/bin/nosnoop-replay")
    for at in range(0, len(files), AT_A_TIME):
        done = subprocess.run([binary, "--backend", so, "--check", "never"] + files[at:at + AT_A_TIME],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode not in (0, 1):
            stop(1, "nosnoop-replay ended with %d: %s" % (done.returncode, done.stderr.strip()[-500:]))


def measure(folder, name):
    """gcov of one object: (lines, lines run, branches, branches taken, functions never entered)"""
    out = subprocess.run(["gcov", "--json-format", "--branch-probabilities", "--stdout", name + ".gcda"], cwd=folder,
                         capture_output=True)
    if out.returncode:
        stop(1, "gcov %s: %s" % (name, out.stderr.decode()[-500:]))
    text = out.stdout
    if text[:2] == b"\x1f\x8b":
        text = gzip.decompress(text)
    # Inlined from headers are files of their own.
    one = next(f for f in json.loads(text)["files"] if os.path.basename(f["file"]) == name)
    lines = {}
    branches = {}
    for line in one["lines"]:
        number = line["line_number"]
        lines[number] = lines.get(number, 0) + line["count"]
        for i, b in enumerate(line["branches"]):
            branches[number, i] = branches.get((number, i), 0) + b["count"]
    never = sorted(f["name"] for f in one["functions"] if not f["execution_count"])
    return {"file": name, "lines": len(lines), "lines_run": sum(1 for n in lines.values() if n),
            "branches": len(branches), "branches_taken": sum(1 for n in branches.values() if n), "never": never}


def table(rows):
    print("%-16s %7s %7s %6s %9s %7s %6s" % ("file", "lines", "run", "", "branches", "taken", ""))
    for r in rows:
        print("%-16s %7d %7d %5.1f%% %9d %7d %5.1f%%" %
              (r["file"], r["lines"], r["lines_run"], 100.0 * r["lines_run"] / r["lines"], r["branches"],
               r["branches_taken"], 100.0 * r["branches_taken"] / max(r["branches"], 1)))
    for r in rows[:2]:
        if r["never"]:
            print("never entered in %s: %s" % (r["file"], " ".join(r["never"])))


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--linux-tree", required=True, metavar="DIR")
    p.add_argument("--json", action="store_true")
    p.add_argument("folders", nargs="+", metavar="FOLDER")
    args = p.parse_args()
    files = traces(args.folders)
    if not shutil.which("gcov"):
        stop(2, "gcov is not installed (it comes with gcc)")
    work = tempfile.mkdtemp(prefix="nosnoop-coverage-")
    try:
        so = os.path.join(work, "tree.so")
        built = subprocess.run([sys.executable, "-B", os.path.join(TOP, "core/linux/build.py"), "--linux-tree",
                                args.linux_tree, "--out", so, "--cc", "gcc", "--cflags", "-O0 --coverage"],
                               capture_output=True, text=True)
        if built.returncode:
            stop(built.returncode, built.stderr.strip())
        replay(so, files)
        rows = [measure(so + ".d", name) for name in FILES]
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if args.json:
        print(json.dumps({"tree": built.stdout.split(": ", 1)[1].split(",")[0], "traces": len(files), "files": rows},
                         indent=1))
    else:
        print("%s by %d traces" % (built.stdout.split(": ", 1)[1].split(",")[0], len(files)))
        table(rows)


if __name__ == "__main__":
    main()
