#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""How many programs a second the engines do: the target `policy`, whose buffers have at most 16 pages, beside
a target that does nothing. Both are built by a profile, as for campaigns of an hour and more.

Each round runs every engine on both targets, one after the other, so that a slow minute hits all of them; figures are
medians over the rounds. "mutating" is the engine at work: it starts from programs of 32 ops that the generator made and
changes them, at most 32 records long (about as many ops); libFuzzer with the options that campaigns
give it (fuzz-seeds.py says why each). Corpora lie in memory (/dev/shm, where there is one): a young
one is written to all the time. "fixed" is the replayer on the programs as they are, without
an engine: 32 ops each, and the teardown. Rates are given a wall second, and a second of processor time of all
processes of the run: on a machine that others use, too, the latter is what a core does.
"""

import argparse
import ctypes
import json
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RECORD = 32
OPS = 32
MAX_LEN = 1 + OPS * RECORD
LIBFUZZER = ["-len_control=0", "-entropic=0", "-reduce_inputs=0", "-reload=0"]  # as of campaigns: fuzz-seeds.py
AIMS = {"afl": 12000, "libfuzzer": 20000}
AFL_ENV = {"AFL_SKIP_CPUFREQ": "1", "AFL_NO_UI": "1", "AFL_NO_AFFINITY": "1", "AFL_QUIET": "1",
           "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES": "1", "AFL_ALLOW_TMP": "1", "TERM": "dumb"}


def die(text):
    print("fuzz-speed.py: " + text, file=sys.stderr)
    sys.exit(2)


def make_profile():
    """What scripts/fuzz-profile.sh leaves."""
    done = subprocess.run([os.path.join(TOP, "scripts", "fuzz-profile.sh")], capture_output=True, text=True)
    if done.returncode:
        die(done.stderr.strip() + "; or --no-profile")
    return done.stdout.splitlines()[-1]


def build(preset, targets, profile):
    folder = os.path.join(TOP, "build", preset)
    for command in (["cmake", "--preset", preset, "-DNOSNOOP_PROFILE=" + profile],
                    ["cmake", "--build", folder, "--target"] + targets):
        done = subprocess.run(command, cwd=TOP, capture_output=True, text=True)
        if done.returncode:
            die("%s:\n%s" % (" ".join(command), (done.stdout + done.stderr)[-3000:]))
    return os.path.join(folder, "bin")


def adopt():
    """What AFL++'s server of forks leaves behind becomes ours to wait for: else its time is nobody's."""
    if ctypes.CDLL(None, use_errno=True).prctl(36, 1, 0, 0, 0):  # PR_SET_CHILD_SUBREAPER
        die("prctl: " + os.strerror(ctypes.get_errno()))


def reap():
    try:
        while True:
            os.wait()
    except ChildProcessError:
        pass


def timed(command, **options):
    """(what it said, wall seconds, processor seconds) of a command and its children"""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", **options)
    reap()
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        die("%s: status %d\n%s" % (command[0], done.returncode, (done.stdout + done.stderr)[-2000:]))
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout + done.stderr, wall, cpu


def run_libfuzzer(program, seeds, seconds, work):
    said, wall, cpu = timed([program, "-max_total_time=%d" % seconds, "-max_len=%d" % MAX_LEN, *LIBFUZZER,
                             "-artifact_prefix=" + work + "/", tempfile.mkdtemp(dir=work), seeds])
    found = re.search(r"Done (\d+) runs", said)
    if not found:
        die("%s: no number of runs\n%s" % (program, said[-1000:]))
    return int(found[1]), wall, cpu


def run_afl(program, seeds, seconds, work):
    out = tempfile.mkdtemp(dir=work)
    _, wall, cpu = timed(["afl-fuzz", "-V", str(seconds), "-G", str(MAX_LEN), "-i", seeds, "-o", out, "--", program],
                         env={**os.environ, **AFL_ENV})
    with open(os.path.join(out, "default", "fuzzer_stats")) as f:
        runs = int(re.search(r"execs_done *: *(\d+)", f.read())[1])
    return runs, wall, cpu


def run_fixed(program, seeds, _seconds, _work):
    said, wall, cpu = timed([program, "--repeat", "20", seeds])
    return int(re.match(r"(\d+) inputs", said)[1]) * 20, wall, cpu


def rates(rounds):
    return {"wall": statistics.median(r / w for r, w, _ in rounds), "cpu": statistics.median(r / c for r, _, c in rounds),
            "least_cpu": min(r / c for r, _, c in rounds), "most_cpu": max(r / c for r, _, c in rounds)}


def table(results):
    lines = ["%-22s %9s %9s %19s %7s" % ("programs a second", "wall", "cpu", "cpu: least..most", "of max")]
    for name, r in results.items():
        ceiling = results.get(name.replace("policy", "trivial"))
        ratio = "%.3f" % (r["cpu"] / ceiling["cpu"]) if ceiling and ceiling is not r else "-"
        lines.append("%-22s %9.0f %9.0f %9.0f..%8.0f %7s" % (name, r["wall"], r["cpu"], r["least_cpu"], r["most_cpu"], ratio))
    return "\n".join(lines)


def verdicts(results):
    for engine, aim in AIMS.items():
        got = results.get("%s policy" % engine)
        if got:
            yield "%s: aim %d a second of a core, %.0f: %s" % (engine, aim, got["cpu"],
                                                               "met" if got["cpu"] >= aim else "NOT met")


def meta(args):
    def first(command):
        try:
            said = subprocess.run(command, capture_output=True, text=True, cwd=TOP).stdout
            return re.sub(r"\x1b\[[\d;]*m", "", said.splitlines()[0])
        except (OSError, IndexError):
            return None
    with open("/proc/cpuinfo") as f:
        cpu = re.search(r"model name\s*: (.*)", f.read())
    return {"commit": first(["git", "rev-parse", "HEAD"]), "cpu": cpu and cpu[1], "cores": os.cpu_count(),
            "load": os.getloadavg()[0], "kernel": platform.release(), "clang": first(["clang", "--version"]),
            "afl": first(["afl-fuzz", "--version"]), "rounds": args.rounds, "seconds": args.seconds,
            "seeds": args.seeds, "ops": OPS, "max_len": MAX_LEN, "profile": not args.no_profile}


def write(path, text):
    with open(path + ".tmp", "w") as f:
        f.write(text)
    os.rename(path + ".tmp", path)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0], epilog=__doc__.split("\n\n", 1)[1],
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--seconds", type=int, default=10, help="of each engine on each target in each round")
    p.add_argument("--seeds", type=int, default=500, help="programs to start from")
    p.add_argument("--no-profile", action="store_true", help="builds as of shorter campaigns")
    p.add_argument("--out", metavar="DIR", help="results.json, results.txt and meta.json go there")
    args = p.parse_args()
    if min(args.rounds, args.seconds, args.seeds) < 1:
        p.error("--rounds, --seconds and --seeds are at least 1")
    profile = "" if args.no_profile else make_profile()
    libfuzzer = build("fuzz-plain", ["fuzz-policy-libfuzzer", "fuzz-trivial-libfuzzer", "fuzz-policy-replay"], profile)
    afl = build("afl", ["fuzz-policy-afl", "fuzz-trivial-afl"], profile)
    about = meta(args)
    adopt()
    jobs = {"libfuzzer trivial": (run_libfuzzer, libfuzzer + "/fuzz-trivial-libfuzzer"),
            "libfuzzer policy": (run_libfuzzer, libfuzzer + "/fuzz-policy-libfuzzer"),
            "afl trivial": (run_afl, afl + "/fuzz-trivial-afl"), "afl policy": (run_afl, afl + "/fuzz-policy-afl"),
            "fixed, no engine": (run_fixed, libfuzzer + "/fuzz-policy-replay")}
    rounds = {name: [] for name in jobs}
    memory = "/dev/shm"
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as work:
        seeds = os.path.join(work, "seeds")
        os.mkdir(seeds)
        timed([libfuzzer + "/fuzz-policy-replay", "--generate", str(args.seeds), "--ops", str(OPS), "--encode", seeds])
        for _ in range(args.rounds):
            for name, (run, program) in jobs.items():
                rounds[name].append(run(program, seeds, args.seconds, work))
    results = {name: rates(r) for name, r in rounds.items()}
    text = "\n".join([table(results), ""] + list(verdicts(results))) + "\n"
    print(text, end="")
    if args.out:
        os.makedirs(args.out, exist_ok=True)
        write(os.path.join(args.out, "results.txt"), text)
        write(os.path.join(args.out, "results.json"), json.dumps({"rates": results, "rounds": rounds}, indent=1) + "\n")
        write(os.path.join(args.out, "meta.json"), json.dumps(about, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
