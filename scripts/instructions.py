#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Counts the instructions of `nosnoop-bench run --backend` with callgrind, by the room that a function belongs to.

    scripts/instructions.py BUILD [--json] [--top N] [--size PAGES]

Each row is run twice with different repetitions; what is printed is the difference, so that nothing of the first
pass, of the pass that is written down and of the end is in it. Called by scripts/bench-instructions.sh.
"""

import argparse
import collections
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

CHURN = 1024  # pairs of a pass: STAGE_CHURN of bench/stage.h
ROWS = [(w, d) for w in ("contiguous", "scattered", "churn") for d in (1, 4)]
BACKENDS = ("core", "linux")
FEW, MANY = 2, 6
# Room by library of the build; what a kernel tree's object holds is told by its object files.
LIBRARY = {"iopt": "own", "flush": "own", "machine": "machine", "compat": "memory"}
ORDER = ("own", "shim", "machine", "memory", "other")


def symbols(path):
    out = subprocess.run(["nm", "--defined-only", path], capture_output=True, text=True).stdout
    return {line.split()[-1] for line in out.splitlines() if re.match(r"\S+ [tTwW] ", line)}


class Rooms:
    def __init__(self, build):
        self.static = collections.defaultdict(set)
        for path in glob.glob(os.path.join(build, "core/*/lib*.a")):
            room = LIBRARY.get(os.path.basename(path)[3:-2])
            for name in symbols(path) if room else ():
                self.static[name].add(room)
        for path in glob.glob(os.path.join(build, "core/op/CMakeFiles/oprun.dir/*.o")):
            room = {"backend_core.c.o": "own", "envelope.c.o": "own",
                    "backend_linux.c.o": "shim"}.get(os.path.basename(path), "other")
            for name in symbols(path):
                self.static[name].add(room)
        self.ours = set()
        for path in glob.glob(os.path.join(build, "bin/nosnoop-linux-production.so.d/our_*.o")):
            self.ours |= symbols(path)

    def of(self, obj, file, name):
        """None: of a C library, counted where it is called from."""
        name = re.sub(r"'\d+$|\.(constprop|isra|part|cold)\b.*", "", name)
        if obj.endswith("nosnoop-linux-production.so"):
            return "shim" if name in self.ours else "own"
        if not obj.endswith("nosnoop-bench"):
            return None
        rooms = self.static.get(name, {"other"})
        if len(rooms) == 1:
            return next(iter(rooms))
        for part, room in (("core/iopt/", "own"), ("core/flush/", "own"), ("core/machine/", "machine"),
                           ("core/compat/", "memory"), ("core/op/", "other")):
            if part in file:
                return room
        return "other"


def parse(path, rooms):
    """{(room, function): instructions}; what a library's function costs is its caller's."""
    names, cost = {}, collections.Counter()
    obj = file = fn = called = None
    cob = cfile = None

    def name_of(kind, text):
        m = re.match(r"\((\d+)\)(?: (.*))?$", text)
        if m[2] is not None:
            names[kind, m[1]] = m[2]
        return names[kind, m[1]]

    with open(path) as f:
        for line in f:
            m = re.match(r"(ob|fl|fi|fe|fn|cob|cfi|cfl|cfn)=(.*)", line)
            if m:
                key, text = m[1], name_of({"o": "ob", "f": "fl"}[m[1].lstrip("c")[0]] if m[1][-1] != "n" else "fn",
                                          m[2])
                if key == "ob":
                    obj = text
                elif key == "fl":
                    file = text
                elif key == "fn":
                    fn = text
                elif key == "cob":
                    cob = text
                elif key in ("cfi", "cfl"):
                    cfile = text
                elif key == "cfn":
                    called = (cob or obj, cfile or file, text)
                    cob = cfile = None
            elif line.startswith("calls="):
                callee, called = called, None
                value = int(next(f).split()[1])
                mine = rooms.of(obj, file, fn)
                if callee and mine not in (None, "other") and rooms.of(*callee) is None:
                    cost[mine, fn] += value
            elif re.match(r"[\d+*-]", line) and fn:
                room = rooms.of(obj, file, fn)
                if room:
                    cost[room, fn] += int(line.split()[1])
    return cost


def run(args, rooms, function, backend, workload, domains, reps):
    with tempfile.NamedTemporaryFile() as out:
        command = ["valgrind", "--tool=callgrind", "--collect-atstart=no", "--toggle-collect=" + function,
                   "--callgrind-out-file=" + out.name, os.path.join(args.build, "bin/nosnoop-bench"), "run",
                   "--backend", backend, "--workload", workload, "--domains", str(domains),
                   "--size", str(args.size * 4096), "--reps", str(reps)]
        env = {k: v for k, v in os.environ.items() if k != "NOSNOOP_LINUX_SO"}
        done = subprocess.run(command, capture_output=True, text=True, env=env)
        if done.returncode:
            sys.exit("instructions.py: %s\n%s" % (" ".join(command), done.stderr[-2000:]))
        return parse(out.name, rooms)


def count(args, rooms, function, backend, workload, domains):
    """Instructions a page by (room, function)."""
    few, many = (run(args, rooms, function, backend, workload, domains, n) for n in (FEW, MANY))
    pages = (CHURN if workload == "churn" else args.size) * (MANY - FEW)
    return {key: (many[key] - few[key]) / pages for key in many if many[key] != few[key]}


def by_room(functions):
    total = collections.Counter()
    for (room, _), value in functions.items():
        total[room] += value
    return total


def measure(args, rooms):
    rows = []
    for workload, domains in ROWS:
        row = {"workload": workload, "domains": domains, "backends": {}}
        for backend in BACKENDS:
            functions = count(args, rooms, "costs_pass_requests", backend, workload, domains)
            replay = by_room(count(args, rooms, "costs_pass_replay", backend, workload, domains))
            room = by_room(functions)
            top = sorted((k for k in functions if k[0] == "own"), key=functions.get, reverse=True)
            row["backends"][backend] = {
                "rooms": {r: round(room[r], 2) for r in ORDER},
                "total": round(sum(room.values()), 2),
                "replayed_machine": round(replay["machine"], 2),
                "functions": {name: round(functions[r, name], 2) for r, name in top},
            }
        a, b = (row["backends"][x] for x in BACKENDS)
        row["own_ratio"] = round(a["rooms"]["own"] / b["rooms"]["own"], 3)
        row["total_ratio"] = round(a["total"] / b["total"], 3)
        rows.append(row)
        if not args.json:
            show(args, row)
    return rows


def show(args, row):
    label = "%-10s %2d" % (row["workload"], row["domains"])
    for backend, r in row["backends"].items():
        print("%-13s %-6s %8.1f" % (label, backend, r["total"]) +
              "".join(" %8.1f" % r["rooms"][x] for x in ("own", "shim", "machine", "memory")) +
              " %9.1f" % r["replayed_machine"])
        label = ""
    print("%-13s %-6s %8.3f %8.3f" % ("", "ratio", row["total_ratio"], row["own_ratio"]), flush=True)
    for backend, r in row["backends"].items() if args.top else ():
        for name in list(r["functions"])[:args.top]:
            print("    %-6s %9.1f  %s" % (backend, r["functions"][name], name))


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[1])
    p.add_argument("build")
    p.add_argument("--json", action="store_true")
    p.add_argument("--top", type=int, default=0)
    p.add_argument("--size", type=int, default=4096, help="pages mapped at once")
    args = p.parse_args()
    if not args.json:
        print("instructions per 4 KiB page mapped and unmapped (churn: per pair), %d pages; valgrind\n" % args.size)
        print("%-13s %-6s %8s %8s %8s %8s %8s %9s" % ("workload", "", "total", "own", "shim", "machine", "memory",
                                                     "replayed"))
    rows = measure(args, Rooms(args.build))
    if args.json:
        print(json.dumps({"schema": "instructions 1", "pages": args.size, "rows": rows}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
