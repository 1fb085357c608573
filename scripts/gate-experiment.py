#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Does `nosnoop-bench gate` cry wolf, and does it find what is there? On this machine, with processes of its own keeping the
CPUs busy: gates of a build against a byte copy of itself, against copies of the sources with a busy loop planted into the
core's path (calibrated to +3 % and +5 % of the workload's time), and against copies with one more flush in 1,000 pages, one
more fence, one more allocation. Gates of all kinds come in random order, so that the machine's moods meet all of them.

Exit status: 0 the aims are met, 1 they are not, 2 it could not be done.
"""

import argparse
import collections
import json
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WORK = os.path.join(TOP, "build", "gate", "experiment")

# name: (file, where, what is put behind it). Each place must be there exactly once.
LOOP = ("core/iopt/hooks.c", "	area->fa.pages = &pages->fp;\n	if (!ctx->policy->fill_begin)",
        "	area->fa.pages = &pages->fp;\n	for (u32 planted = 0; planted < %d; planted++)\n"
        "		asm volatile(\"\");\n	if (!ctx->policy->fill_begin)")
COUNTED = {
    # The page whose index is a multiple of 1,000 is cleaned twice.
    "flush": ("core/iopt/hooks.c", "		machine_clean(m, pfn << PAGE_SHIFT, n << PAGE_SHIFT);\n",
              "		machine_clean(m, pfn << PAGE_SHIFT, n << PAGE_SHIFT);\n"
              "		for (u64 planted = i; planted < i + n; planted++)\n"
              "			if (planted % 1000 == 999)\n"
              "				machine_clean(m, (pfn + planted - i) << PAGE_SHIFT, PAGE_SIZE);\n"),
    "fence": ("core/iopt/hooks.c", "	machine_drain(pages_of(p->pages)->ctx->machine);\n",
              "	machine_drain(pages_of(p->pages)->ctx->machine);\n"
              "	if (p->first == 0 && p->last == 159)\n"
              "		machine_drain(pages_of(p->pages)->ctx->machine);\n"),
    "allocation": ("core/iopt/hooks.c", "	u32 needs = ctx->policy->needs;\n",
                   "	u32 needs = ctx->policy->needs;\n\n"
                   "	arena_free(ctx->arena, arena_alloc(ctx->arena, 24), 24);\n"),
}
EXPECTED = {"flush": ("flushes", "redundant", "clean_lines"), "fence": ("drains",), "allocation": ("allocations",)}

BUSY = """
import sys, time
room = bytearray(int(sys.argv[2]) << 20)
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    for i in range(0, len(room), 64):
        room[i] = (room[i] + 1) & 255
"""


class Failure(Exception):
    pass


def build(what):
    r = subprocess.run([os.path.join(TOP, "scripts", "gate-build.sh"), what], stdout=subprocess.PIPE, text=True)
    if r.returncode:
        raise Failure(f"{what}: does not build")
    return dict(line.split(" ", 1) for line in r.stdout.splitlines())["so"]


def planted(name, plant, text):
    """The sources with one edit, as a shared object."""
    path, where, _ = plant
    tree = os.path.join(WORK, name)
    shutil.rmtree(tree, ignore_errors=True)
    os.makedirs(tree)
    shutil.copy(os.path.join(TOP, "CMakeLists.txt"), tree)
    shutil.copytree(os.path.join(TOP, "core"), os.path.join(tree, "core"))
    with open(os.path.join(tree, path)) as f:
        source = f.read()
    if source.count(where) != 1:
        raise Failure(f"{path}: the place to plant {name!r} is there {source.count(where)} times, expected once")
    with open(os.path.join(tree, path), "w") as f:
        f.write(source.replace(where, text))
    return build(tree)


def gate(bench, base, candidate, *options):
    start = time.monotonic()
    r = subprocess.run([bench, "gate", "--base", base, "--candidate", candidate, "--json", *options],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    seconds = time.monotonic() - start
    if not r.stdout:
        raise Failure(f"the gate said nothing: {r.stderr.strip()}")
    return r.returncode, json.loads(r.stdout), seconds


def timed(bench, base, candidate, o):
    status, result, seconds = gate(bench, base, candidate, "--same-too", "--instructions=no", "--workload", o.workload,
                                   "--seed", str(random.randrange(1 << 30)))
    t = result["workloads"][0]["time"]
    return {"status": status, "verdict": result["verdict"], "seconds": round(seconds, 3), "ratio": t["ratio"],
            "again": t["again"], "p": t["p"], "detectable": t["detectable"], "retaken": t["retaken"], "redone": t["redone"]}


class Load:
    """Bounded: they end by themselves too. Ended by the handles that were kept, nothing else is touched. Sessions of their
    own, as other people's work would be: a scheduler that shares out among sessions must not count them to the gate."""

    def __init__(self, number, seconds):
        self.processes = [subprocess.Popen([sys.executable, "-c", BUSY, str(seconds), "4"], start_new_session=True) for _ in range(number)]

    def stop(self):
        for p in self.processes:
            p.terminate()
        for p in self.processes:
            p.wait()


# --- calibration ---------------------------------------------------------------------------------


def slowdown(bench, base, so, o, n):
    """Median over n gates of +x as a share; what the gates decide is not looked at."""
    return statistics.median(timed(bench, base, so, o)["ratio"] for _ in range(n)) - 1


LOOPS = 400  # a first guess, long enough to be measured well


def calibrate(bench, base, o, share, loops):
    """The loop that costs this share of the workload's time: a straight line through LOOPS, and one correction. @loops: known."""
    if loops:
        return {"so": planted("loop", LOOP, LOOP[2] % loops), "loops": loops, "aimed": share, "measured": "n/a"}
    loops = LOOPS
    for _ in range(3):
        so = planted("loop", LOOP, LOOP[2] % loops)
        measured = slowdown(bench, base, so, o, o.calibration)
        if measured <= 0 or abs(measured / share - 1) < 0.05:
            break
        loops = max(1, round(loops * share / measured))
    if measured <= share / 3:
        raise Failure("the planted loop costs nothing: it is not on this workload's path")
    return {"so": so, "loops": loops, "aimed": share, "measured": round(measured, 5)}


# --- the experiment ------------------------------------------------------------------------------


def campaign(bench, kinds, base, o, out):
    """kinds: name -> (shared object, gates)"""
    order = [name for name, (_, n) in kinds.items() for _ in range(n)]
    random.shuffle(order)
    load = [os.getloadavg()[0]]
    for i, name in enumerate(order):
        out["gates"][name].append(timed(bench, base, kinds[name][0], o))
        if i % 10 == 9:
            load.append(os.getloadavg()[0])
            save(o, out)
            print(f"{i + 1} of {len(order)}: " + ", ".join(
                f"{k} {dict(collections.Counter(g['verdict'] for g in out['gates'][k]))}" for k in kinds), flush=True)
    out["load"] = {"own": o.load, "average": [round(min(load), 2), round(statistics.median(load), 2), round(max(load), 2)]}


def exact(bench, base, o, out):
    for name, plant in COUNTED.items():
        so = planted(name, plant, plant[2])
        for _ in range(o.exact):
            status, result, _ = gate(bench, base, so, "--exact-only", "--workload", o.exact_workload)
            changes = {c["metric"]: [c["base"], c["candidate"]] for c in result["workloads"][0]["changes"]}
            found = status == 1 and all(m in changes and changes[m][1] > changes[m][0] for m in EXPECTED[name])
            out["exact"][name].append({"status": status, "found": found, "changes": changes})
        save(o, out)


def summary(out):
    def of(name):
        return out["gates"][name]

    def count(name, verdict):
        return sum(g["verdict"] == verdict for g in of(name))

    lines = [f"{'planted':12} {'gates':>5} {'found':>6} {'same':>6} {'invalid':>8} {'seconds: med':>13} {'max':>6} {'again':>6}"]
    for name in out["gates"]:
        if not of(name):
            continue
        seconds = [g["seconds"] for g in of(name)]
        lines.append(f"{name:12} {len(of(name)):5} {count(name, 'regression'):6} {count(name, 'same') + count(name, 'better'):6} "
                     f"{count(name, 'invalid'):8} {statistics.median(seconds):13.2f} {max(seconds):6.2f} "
                     f"{statistics.mean(g['retaken'] for g in of(name)):6.2f}")
    lines.append("")
    for name, runs in out["exact"].items():
        if runs:
            metric = EXPECTED[name][0]
            was, now = runs[0]["changes"].get(metric, [0, 0])
            lines.append(f"one more {name:10} found {sum(r['found'] for r in runs)} of {len(runs)}: {metric} {was} -> {now}")
    lines.append("")
    for name, c in out["calibration"].items():
        gates = [g["ratio"] for g in of(name)]
        before = "" if c["measured"] == "n/a" else f", {100 * c['measured']:+.2f} % before the experiment"
        if gates:
            lines.append(f"{name}: a loop of {c['loops']} a fill, {100 * statistics.median(gates) - 100:+.2f} % by the gates{before}")
    return lines


def aims_met(out, o):
    def ok(name, verdict, share):
        gates = [g for g in out["gates"][name] if g["verdict"] != "invalid"]
        return sum(g["verdict"] == verdict for g in gates) >= share * len(gates) if gates else True

    alarms = sum(g["verdict"] in ("regression", "better") for g in out["gates"]["A/A"])
    return (alarms == 0 and ok("+3 %", "regression", 0.99) and ok("+5 %", "regression", 0.99) and
            all(r["found"] for runs in out["exact"].values() for r in runs) and
            all(g["seconds"] <= o.limit for runs in out["gates"].values() for g in runs))


def cpu_name():
    try:
        with open("/proc/cpuinfo") as f:
            return next(line.split(":", 1)[1].strip() for line in f if line.startswith("model name"))
    except (OSError, StopIteration):
        return "n/a"


def git(*args):
    r = subprocess.run(["git", "-c", "safe.directory=*", "-C", TOP, *args], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return r.stdout.strip() if r.returncode == 0 else "n/a"


def meta(o, build_text):
    return {"tool": "scripts/gate-experiment.py", "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "arguments": " ".join(sys.argv[1:]), "commit": git("rev-parse", "HEAD"),
            "changed": git("diff", "--stat", "HEAD") != "", "cpu": cpu_name(), "cpus": os.cpu_count(),
            "kernel": f"{platform.system()} {platform.release()} {platform.machine()}", "build": build_text,
            "policy": "exact", "workload": o.workload, "seed": o.seed, "clean": "null"}


def write(path, text):
    with open(path + ".new", "w") as f:
        f.write(text)
    os.rename(path + ".new", path)


def save(o, out):
    head = [f"gate on {o.workload}, 3 processes x 100 pairs, {o.load} busy processes of its own;",
            f"CPUs {os.cpu_count()}, load average (least, median, most) {out.get('load', {}).get('average', 'n/a')}", ""]
    write(os.path.join(o.out, "experiment.json"), json.dumps({"schema": "gate-experiment 1", **out}, indent=1) + "\n")
    write(os.path.join(o.out, "experiment.txt"), "\n".join(head + summary(out)) + "\n")


def run(o):
    bench = os.path.abspath(o.bench)
    if not os.access(bench, os.X_OK):
        raise Failure(f"{o.bench}: no such program, expected nosnoop-bench (cmake --preset rel && cmake --build build/rel)")
    os.makedirs(WORK, exist_ok=True)
    os.makedirs(o.out, exist_ok=True)
    random.seed(o.seed)
    base = build(TOP)
    copy = os.path.join(WORK, "copy.so")
    shutil.copy(base, copy)
    out = {"workload": o.workload, "calibration": {}, "gates": {"A/A": [], "+3 %": [], "+5 %": []},
           "exact": {name: [] for name in COUNTED}}
    _, first, _ = gate(bench, base, copy, "--exact-only", "--workload", o.workload)
    write(os.path.join(o.out, "meta.json"), json.dumps(meta(o, first["build"]), indent=1) + "\n")
    exact(bench, base, o, out)
    for name, share, loops in zip(("+3 %", "+5 %"), (0.03, 0.05), o.loops or (0, 0)):
        out["calibration"][name] = found = calibrate(bench, base, o, share, loops)
        print(name, found, flush=True)
    load = Load(o.load, o.most)
    try:
        kinds = {"A/A": (copy, o.same), "+3 %": (out["calibration"]["+3 %"]["so"], o.planted),
                 "+5 %": (out["calibration"]["+5 %"]["so"], o.planted)}
        campaign(bench, kinds, base, o, out)
    finally:
        load.stop()
    for c in out["calibration"].values():
        c.pop("so", None)
    out["met"] = aims_met(out, o)
    save(o, out)
    with open(os.path.join(o.out, "experiment.txt")) as f:
        print(f.read())
    return 0 if out["met"] else 1


def main():
    p = argparse.ArgumentParser(description="False alarms and findings of nosnoop-bench gate, on this machine under load.",
                                epilog="Exit status: 0 the aims are met, 1 they are not, 2 it could not be done.")
    p.add_argument("--bench", default="build/rel/bin/nosnoop-bench", help="the program (%(default)s)")
    p.add_argument("--out", default="build/gate/experiment/results", help="folder for the results (%(default)s)")
    p.add_argument("--workload", default="unplug-replug", help="what is timed (%(default)s)")
    p.add_argument("--exact-workload", default="boot", help="what is counted (%(default)s)")
    p.add_argument("--same", type=int, default=200, help="A/A gates (%(default)s)")
    p.add_argument("--planted", type=int, default=100, help="gates of each slowdown (%(default)s)")
    p.add_argument("--exact", type=int, default=20, help="gates of each counted change (%(default)s)")
    p.add_argument("--calibration", type=int, default=7, help="gates a calibration step (%(default)s)")
    p.add_argument("--loops", type=lambda t: [int(n) for n in t.split(",")], metavar="N,N",
                   help="how long the two planted loops are, from an earlier calibration")
    p.add_argument("--load", type=int, default=2, help="busy processes (%(default)s)")
    p.add_argument("--limit", type=float, default=5, help="seconds that a gate may take (%(default)s)")
    p.add_argument("--most", type=float, default=7200, help="seconds after which the load ends by itself (%(default)s)")
    p.add_argument("--seed", type=int, default=1, help="of the order (%(default)s)")
    o = p.parse_args()
    try:
        return run(o)
    except Failure as e:
        print(f"gate-experiment.py: {e}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
