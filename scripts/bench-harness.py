#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
What measuring costs, and what it does to a short measurement: bench/harness beside Google Benchmark (libbenchmark-dev,
n/a without it) and a loop written by hand. Builds the programs of bench/harness/compare, lets them take turns, prints
medians over the rounds.
"""

import argparse
import datetime
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COMPARE = "bench/harness/compare"
OUT = "build/rel/compare"


def die(text):
    print(f"bench-harness.py: {text}", file=sys.stderr)
    sys.exit(2)


def run(*command):
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True)
    if done.returncode:
        die(f"{' '.join(command[:4])} failed:\n{(done.stdout + done.stderr)[-2000:]}")
    return done.stdout


def has_google():
    probe = "#include <benchmark/benchmark.h>\nint main() {}\n"
    return bool(shutil.which("g++")) and not subprocess.run(
        ["g++", "-fsyntax-only", "-x", "c++", "-"], input=probe, text=True, capture_output=True).returncode


def build():
    """The programs there are: name -> command."""
    run("cmake", "--preset", "rel")
    run("cmake", "--build", "build/rel", "--target", "harness-compare")
    os.makedirs(os.path.join(TOP, OUT), exist_ok=True)
    programs = {"ours": ["build/rel/bin/harness-compare"]}
    if has_google():
        run("g++", "-std=c++17", "-O2", "-Wall", "-I.", "-o", f"{OUT}/google", f"{COMPARE}/google.cc", "-lbenchmark", "-lpthread")
        programs["google"] = [f"{OUT}/google", "--benchmark_format=json", "--benchmark_min_time=0.2"]
    return programs


def flushes():
    """Does this CPU have what flush.h executes?"""
    if platform.machine() in ("aarch64", "arm64"):
        return True
    with open("/proc/cpuinfo") as f:
        return "clflushopt" in f.read().split("\n\n")[0]


def google_figures(text):
    return {f"google_{b['name'].split('/')[0]}": b["real_time"] for b in json.loads(text)["benchmarks"]}


def measure(programs, rounds):
    rounds_of = []
    for _ in range(rounds):
        figures = json.loads(run(*programs["ours"]))
        if "google" in programs:
            figures.update(google_figures(run(*programs["google"])))
        rounds_of.append(figures)
    return rounds_of


def middle(rounds, name):
    values = [r[name] for r in rounds if name in r]
    return statistics.median(values) if values else None


def ratio(rounds, name, base):
    values = [r[name] / r[base] for r in rounds if name in r]
    return statistics.median(values) if values else None


def show(value, form="9.2f"):
    width = int(form.split(".")[0])
    return f"{'n/a':>{width}}" if value is None else f"{value:{form}}"


def table(result):
    f = result["figures"]
    lines = [f"{result['rounds']} rounds, medians; ns{'':21}harness  by hand   Google",
             f"{'an empty iteration':32}{show(f['loop'], '9.3f')}{show(f['hand_loop'], '9.3f')}{show(f['google_loop'], '9.3f')}",
             f"{'start + stop, or pause + resume':32}{show(f['start_stop'])}{show(f['hand_start_stop'])}{show(f['google_pause_resume'])}",
             f"{'4 KiB of dirty lines, flushed':32}{show(f['flush'])}{show(f['hand_flush'])}{show(f['google_flush'])}",
             f"{'  over by hand, round by round':32}{show(result['ours_over_hand'], '9.3f')}{'1':>9}{show(result['google_over_hand'], '9.3f')}",
             f"{'  the same, called by pointer':32}{show(f['flush_by_call'])}",
             "",
             f"harness, aims: an iteration <= 0.25 ns: {result['loop_met']}; start + stop <= 60 ns:",
             f"{result['start_stop_met']}; the flush within 5 % of by hand: {result['flush_met']}",
             "start + stop is from one start to the next with a full fence in between,",
             f"of which {f['inside']:.2f} ns are in the region and taken off; clock: {result['clock']}.",
             f"The instructions alone, two readings and the fence: {f['bare_start_stop']:.2f} ns"]
    return "\n".join(lines) + "\n"


def first(path, key):
    try:
        with open(path) as f:
            return next(line.split(":", 1)[1].strip() for line in f if line.startswith(key))
    except (OSError, StopIteration):
        return "n/a"


def git(*command):
    done = subprocess.run(["git", "-c", "safe.directory=*", *command], cwd=TOP, capture_output=True, text=True)
    return done.stdout.strip() if not done.returncode else None


def meta(arguments):
    changed = git("status", "--porcelain", "--untracked-files=no")
    return {"tool": "scripts/bench-harness.py", "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "arguments": " ".join(arguments), "commit": git("rev-parse", "HEAD") or "n/a", "changed": "n/a" if changed is None else bool(changed),
            "cpu": first("/proc/cpuinfo", "model name"), "cpus": os.cpu_count(), "microcode": first("/proc/cpuinfo", "microcode"),
            "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
            "compiler": run("gcc", "--version").splitlines()[0], "flags": "-O2", "load": list(os.getloadavg()),
            "google_benchmark": subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "libbenchmark-dev"], capture_output=True,
                                               text=True).stdout or "n/a" if shutil.which("dpkg-query") else "n/a"}


def write(folder, files):
    """All in a folder beside, then one rename: never half of it."""
    parent = os.path.dirname(os.path.abspath(folder))
    temp = tempfile.mkdtemp(prefix=".bench-harness.", dir=parent)
    try:
        for name, text in files.items():
            with open(os.path.join(temp, name), "w") as f:
                f.write(text)
        os.makedirs(folder, exist_ok=True)
        for name in files:
            os.replace(os.path.join(temp, name), os.path.join(folder, name))
    finally:
        shutil.rmtree(temp)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, metavar="N", help="of all programs (9)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument("--out", metavar="DIR", help="harness.txt, harness.json and meta.json into DIR, too")
    a = parser.parse_args()
    if a.rounds < 1:
        parser.error(f"--rounds {a.rounds}: expected 1 or more")
    if a.out and not os.path.isdir(os.path.dirname(os.path.abspath(a.out))):
        parser.error(f"--out {a.out}: expected a folder in one that exists")
    if not flushes():
        die("this CPU has no clflushopt, which the programs in bench/harness/compare execute")
    rounds = measure(build(), a.rounds)
    names = ("loop", "hand_loop", "google_loop", "start_stop", "inside", "hand_start_stop", "google_pause_resume", "flush",
             "flush_by_call", "bare_start_stop", "hand_flush", "google_flush")
    figures = {n: middle(rounds, n) for n in names}
    over = ratio(rounds, "flush", "hand_flush")
    result = {"schema": "bench-harness 1", "rounds": a.rounds, "clock": rounds[0]["clock"], "figures": figures,
              "ours_over_hand": over, "google_over_hand": ratio(rounds, "google_flush", "hand_flush"),
              "loop_met": "yes" if figures["loop"] <= 0.25 else "no", "start_stop_met": "yes" if figures["start_stop"] <= 60 else "no",
              "flush_met": "yes" if abs(over - 1) <= 0.05 else "no", "of_rounds": rounds}
    figures = {k: "n/a" if v is None else v for k, v in figures.items()}
    text, data = table(result), json.dumps({**result, "figures": figures}, indent=1) + "\n"
    if a.out:
        write(a.out, {"harness.txt": text, "harness.json": data, "meta.json": json.dumps(meta(sys.argv[1:]), indent=1) + "\n"})
    sys.stdout.write(data if a.json else text)


if __name__ == "__main__":
    main()
