#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
How soon AFL++ and libFuzzer break policies that are not sound, with and without the mutator of programs and with and
without states as coverage: executions and CPU seconds to the first finding, trial by trial. CPU seconds are of all
processes of the engine; a trial that has used up its share without a finding is "not found", and counts as later than
all others. Each trial is written when it is done: called again with the same folder, this goes on; with more --seconds,
those that found nothing are done again.
Exit: 0 in the best configuration each engine broke each policy, 1 not so, 2 bad input or something is missing.
"""

import argparse
import collections
import ctypes
import datetime
import json
import math
import multiprocessing
import os
import platform
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
POLICIES = ["v1_posted", "storage_skip_held_release", "storage_skip_stale", "area_flag"]
ENGINES = {"libfuzzer": "clang", "afl": "afl-clang-fast"}
SEEDS = ["corpus/seed/map", "corpus/seed/unmap", "corpus/seed/copy", "corpus/seed/domain"]
SEEDS_KEPT = 8
MAX_LEN = 2049  # 64 records: what the mutator makes
SCHEMA = "fuzz-engines 1"
PR_SET_CHILD_SUBREAPER = 36
Trial = collections.namedtuple("Trial", "engine mutator state policy trial")


class Bad(Exception):
    pass


def run(*args, env=None):
    done = subprocess.run(args, cwd=TOP, capture_output=True, text=True, errors="replace", check=False,
                          env={**os.environ, **(env or {})})
    return done.returncode, done.stdout, done.stderr


def build(*commands):
    for c in commands:
        rc, out, err = run(*c, env={"AFL_QUIET": "1"})
        if rc:
            raise Bad(f"{' '.join(c)}: status {rc}\n{(out + err)[-3000:]}")


def build_all(engines):
    for engine in engines:
        for feedback in ("state", "none"):
            where = folder_of(engine, feedback == "state")
            option = "NOSNOOP_AFL" if engine == "afl" else "NOSNOOP_LIBFUZZER"
            build(["cmake", "-S", ".", "-B", where, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", f"-D{option}=ON",
                   f"-DCMAKE_C_COMPILER={ENGINES[engine]}", f"-DNOSNOOP_FEEDBACK={feedback}"],
                  ["cmake", "--build", where, "--target", f"fuzz-policy-{engine}"])
    build(["cmake", "--preset", "rel"],
          ["cmake", "--build", "build/rel", "--target", "fuzz-policy-replay", "mutator-ops"])


def folder_of(engine, state):
    return f"build/engines/{engine}-{'state' if state else 'none'}"


def verdicts(policy, *paths):
    """{file: rule of its finding, or None}; each input runs in a process of its own."""
    rc, out, err = run("build/rel/bin/fuzz-policy-replay", "--json", *paths, env={"FUZZ_POLICY": policy})
    if rc not in (0, 1):
        raise Bad(f"fuzz-policy-replay: {err.strip()}")
    return {r["file"]: r.get("rule") for r in map(json.loads, out.splitlines())}


def make_seeds(where, policies):
    """The shortest traces of a few folders that break none of the policies, in binary form. Neutral, and few."""
    with tempfile.TemporaryDirectory() as every:
        rc, _, err = run("build/rel/bin/fuzz-policy-replay", "--encode", every, *SEEDS)
        if rc:
            raise Bad(f"fuzz-policy-replay: {err.strip()}")
        good = {os.path.join(every, f) for f in os.listdir(every)}
        for p in policies:
            good &= {f for f, rule in verdicts(p, every).items() if not rule}
        good = sorted(good, key=lambda f: (os.path.getsize(f), f))[:SEEDS_KEPT]
        if not good:
            raise Bad("every seed shows a finding of one of the policies already")
        shutil.rmtree(where, ignore_errors=True)
        os.makedirs(where)
        for f in good:
            shutil.copy(f, where)
    return [os.path.basename(f) for f in good]


def features(engine, state, policy, seeds):
    """What the engine counts when it runs the seeds: features of libFuzzer, tuples of AFL++'s map."""
    env = {"FUZZ_POLICY": policy, "AFL_QUIET": "1"}
    program = os.path.join(folder_of(engine, state), "bin", f"fuzz-policy-{engine}")
    if engine == "afl":
        with tempfile.TemporaryDirectory() as work:
            command = ["afl-showmap", "-q", "-C", "-t", "2000", "-i", seeds, "-o", f"{work}/map", "--", program]
            out, pattern = "".join(run(*command, env=env)[1:]), r"Captured (\d+) tuples"
    else:
        out, pattern = run(program, "-runs=0", seeds, env=env)[2], r"INITED .* ft: (\d+)"
    match = re.search(pattern, out)
    if not match:
        raise Bad(f"{program}: no count of what the seeds reach in\n{out[-2000:]}")
    return int(match.group(1))


def heard(engines, policy, seeds):
    """Do the engines hear of states? Each distinct one must be counted. {engine: {"state", "none"}}"""
    return {e: {"state": features(e, True, policy, seeds), "none": features(e, False, policy, seeds)} for e in engines}


# --- one trial ------------------------------------------------------------------------------------------------------


def children(pid):
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as f:
                found += map(int, f.read().split())
    except OSError:
        pass
    return found + [c for child in found for c in children(child)]


def cpu_of(pid):
    """CPU seconds of a process that runs and of those of its children that have ended."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            fields = f.read().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def reap(until):
    """Waits for everything that the engine left behind; what is still there after that is killed."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid and time.monotonic() > until:
            for c in children(os.getpid()):
                os.kill(c, signal.SIGKILL)
        if not pid:
            time.sleep(0.02)


def watch(process, seconds):
    """Until the engine ends, or its processes have used up their CPU seconds, or ten times that has passed."""
    end = time.monotonic() + 10 * seconds
    while process.poll() is None:
        used = sum(cpu_of(p) for p in [process.pid, *children(process.pid)])
        if used >= seconds or time.monotonic() > end:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        time.sleep(0.02)


def libfuzzer(t, seeds, work):
    command = [os.path.join(TOP, folder_of(t.engine, t.state), "bin", "fuzz-policy-libfuzzer"), f"-seed={t.trial}",
               f"-max_len={MAX_LEN}", "-len_control=0", "-entropic=0", "-print_funcs=0", "-print_final_stats=1",
               f"-artifact_prefix={work}/", seeds]
    return command, {"FUZZ_MUTATOR": "1" if t.mutator else "0"}


def afl(t, seeds, work):
    env = {"AFL_BENCH_UNTIL_CRASH": "1", "AFL_NO_UI": "1", "AFL_SKIP_CPUFREQ": "1", "AFL_NO_AFFINITY": "1", "TERM": "dumb",
           "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES": "1"}
    if t.mutator:
        env["AFL_CUSTOM_MUTATOR_LIBRARY"] = os.path.join(TOP, "build", "rel", "bin", "mutator-ops.so")
    return ["afl-fuzz", "-s", str(t.trial), "-G", str(MAX_LEN), "-i", seeds, "-o", f"{work}/out", "--",
            os.path.join(TOP, folder_of(t.engine, t.state), "bin", "fuzz-policy-afl")], env


def outcome(t, work):
    """(executions, files that show a finding)"""
    if t.engine == "afl":
        path, pattern = f"{work}/out/default/fuzzer_stats", r"execs_done\s*: (\d+)"
        crashes = f"{work}/out/default/crashes"
        names = [n for n in os.listdir(crashes) if n.startswith("id:")] if os.path.isdir(crashes) else []
    else:
        path, pattern, crashes = f"{work}/log", r"number_of_executed_units:\s*(\d+)", work
        names = [n for n in os.listdir(work) if n.startswith("crash-")]
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            match = re.search(pattern, f.read())
    except OSError:
        match = None
    if not match:
        with open(f"{work}/log", encoding="utf-8", errors="replace") as f:
            raise Bad(f"{t.engine} ended without figures:\n{f.read()[-2000:]}")
    return int(match.group(1)), [os.path.join(crashes, n) for n in names]


def one_trial(job):
    """In a process of its own, which adopts what the engine leaves behind: so all CPU seconds are counted."""
    t, seeds, seconds = job
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    # In memory, where there is such a place: what a file costs is the file system's.
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as work:
        mine = shutil.copytree(seeds, f"{work}/seeds")
        command, env = (afl if t.engine == "afl" else libfuzzer)(t, mine, work)
        with open(f"{work}/log", "wb") as log:
            # pylint: disable-next=consider-using-with
            process = subprocess.Popen(command, cwd=work, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       env={**os.environ, **env, "FUZZ_POLICY": t.policy})
            watch(process, seconds)
        reap(time.monotonic() + 2)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        executions, found = outcome(t, work)
        rules = sorted({r for r in verdicts(t.policy, *found).values() if r}) if found else []
    return {**t._asdict(), "limit": seconds, "found": bool(rules), "rules": rules, "executions": executions,
            "cpu_seconds": round(used.ru_utime + used.ru_stime, 3)}


def guarded(job):
    try:
        return one_trial(job)
    except Bad as err:
        return str(err)


# --- all of them ----------------------------------------------------------------------------------------------------


def read_done(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as f:
        lines = f.read().splitlines()
    done = []
    for line in lines:
        try:
            done.append(json.loads(line))
        except ValueError:  # the last one, when it was cut short
            pass
    return done


def key(r):
    return Trial(*(r[k] for k in Trial._fields))


def settled(trials, seconds):
    """{trial: the last one that says what came of it within so many CPU seconds}"""
    done = {}
    for r in trials:
        if r["found"] and r["cpu_seconds"] <= seconds:
            done[key(r)] = r
        elif r["limit"] >= seconds:
            done[key(r)] = {**r, "found": False, "rules": []}
    return done


def measure(args, path, seeds):
    done = settled(read_done(path), args.seconds)
    # Trial by trial through all configurations: what there is when it is stopped is of all of them.
    todo = [Trial(e, m, s, p, n) for n in range(1, args.trials + 1) for p in args.policy for e in args.engine
            for m in (True, False) for s in (True, False)]
    todo = [t for t in todo if t not in done]
    with multiprocessing.Pool(args.jobs, maxtasksperchild=1) as pool, open(path, "a", encoding="utf-8") as out:
        for i, r in enumerate(pool.imap_unordered(guarded, [(t, seeds, args.seconds) for t in todo], 1)):
            if isinstance(r, str):
                raise Bad(r)
            out.write(json.dumps(r) + "\n")
            out.flush()
            if sys.stderr.isatty():
                print(f"\r\033[K{i + 1}/{len(todo)}", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)


def summarise(trials):
    """A row for each engine, policy, mutator and state; medians are null where half of the trials found nothing."""
    rows = []
    for name, group in grouped(trials):
        row = {**dict(zip(("engine", "policy", "mutator", "state"), name)), "trials": len(group),
               "found": sum(r["found"] for r in group), "rules": sorted({x for r in group for x in r["rules"]}),
               "per_cpu_second": round(sum(r["executions"] for r in group) / sum(r["cpu_seconds"] for r in group))}
        for what in ("executions", "cpu_seconds"):
            middle = statistic_median(values(group, what))
            row[f"median_{what}"] = None if math.isinf(middle) else middle
        rows.append(row)
    return rows


def grouped(trials):
    groups = collections.defaultdict(list)
    for r in trials:
        groups[r["engine"], r["policy"], r["mutator"], r["state"]].append(r)
    return sorted(groups.items(), key=lambda g: (g[0][0], POLICIES.index(g[0][1]) if g[0][1] in POLICIES else 99, g[0][1],
                                                 not g[0][2], not g[0][3]))


def values(group, what):
    return [r[what] if r["found"] else math.inf for r in group]


def statistic_median(v):
    v = sorted(v)
    low, high = v[(len(v) - 1) // 2], v[len(v) // 2]
    return low if low == high else (low + high) / 2


QUESTIONS = [  # which of the two, what the other is; with against without
    ("mutator, with states", (True, True), (False, True)),
    ("mutator, without states", (True, False), (False, False)),
    ("states, with mutator", (True, True), (True, False)),
    ("states, without mutator", (False, True), (False, False)),
]


def compare(trials):
    """Holm over all comparisons of one figure. a12: how often with is later than without; below 0.5 with is sooner."""
    from museum_compare import compare_one, holm  # pylint: disable=import-outside-toplevel

    groups, rows = dict(grouped(trials)), []
    for what in ("executions", "cpu_seconds"):
        these = []
        for engine, policy in sorted({g[:2] for g in groups}, key=list(dict.fromkeys(g[:2] for g in groups)).index):
            for question, a, b in QUESTIONS:
                if (engine, policy, *a) in groups and (engine, policy, *b) in groups:
                    c = compare_one(values(groups[engine, policy, *a], what), values(groups[engine, policy, *b], what))
                    these.append({"engine": engine, "policy": policy, "question": question, "figure": what,
                                  **{k: c[k] for k in ("u", "p", "a12")}})
        holm(these)
        rows += these
    return rows


def number(v):
    return "-" if v is None else f"{v:.0f}" if v >= 100 else f"{v:.2f}" if v < 10 else f"{v:.1f}"


def tables(doc):
    yield f"{'engine':9} {'policy':25} {'mutator':7} {'states':6} {'found':>6} {'executions':>10} {'CPU s':>6}"
    last = None
    for r in doc["rows"]:
        if last and last != (r["engine"], r["policy"]):
            yield ""
        last = r["engine"], r["policy"]
        yield (f"{r['engine']:9} {r['policy']:25} {'yes' if r['mutator'] else 'no':7} {'yes' if r['state'] else 'no':6} "
               f"{r['found']:3}/{r['trials']:<2} {number(r['median_executions']):>10} "
               f"{number(r['median_cpu_seconds']):>6}")
    yield ""
    for engine, count in doc["features_of_seeds"].items():
        yield f"{engine}: the seeds are {count['state']} features with states, {count['none']} without"
    yield ""
    yield f"{'':9} {'':25} {'':15} {'executions':>11} {'CPU s':>11}"
    yield f"{'engine':9} {'policy':25} {'question':15} {'p':>6} {'A12':>4} {'p':>6} {'A12':>4}"
    words = {"mutator, with states": "mutator | s", "mutator, without states": "mutator |",
             "states, with mutator": "states | m", "states, without mutator": "states |"}
    half = len(doc["comparisons"]) // 2
    for a, b in zip(doc["comparisons"][:half], doc["comparisons"][half:]):
        yield (f"{a['engine']:9} {a['policy']:25} {words[a['question']]:15} {a['p_holm']:6.2g} {a['a12']:4.2f} "
               f"{b['p_holm']:6.2g} {b['a12']:4.2f}")


def version(*command):
    rc, out, err = run(*command)
    return ((out + err).strip().splitlines() or ["n/a"])[0] if not rc or out + err else "n/a"


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        cpu = re.search(r"model name\s*: (.*)", f.read())
    return {"tool": "scripts/fuzz-engines.py", "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "commit": run("git", "rev-parse", "HEAD")[1].strip() or "n/a",
            "changed": bool(run("git", "status", "--porcelain", "-uno")[1].strip()),
            "cpu": cpu.group(1) if cpu else "n/a", "cpus": os.cpu_count(), "load": os.getloadavg()[0],
            "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
            "clang": version("clang", "--version"), "afl": re.sub(r"\x1b\[[0-9;]*m", "", version("afl-fuzz", "-h"))}


def save(path, text):
    with open(path + ".tmp", "w", encoding="utf-8") as f:
        f.write(text)
    os.replace(path + ".tmp", path)


def report(args, path, where, seeds):
    trials = [r for r in settled(read_done(path), args.seconds).values()
              if r["trial"] <= args.trials and r["engine"] in args.engine and r["policy"] in args.policy]
    doc = {"schema": SCHEMA, "limit_cpu_seconds": args.seconds, "trials": args.trials, "seeds": seeds,
           "features_of_seeds": heard(args.engine, args.policy[0], where),
           "rows": summarise(trials), "comparisons": compare(trials)}
    text = "\n".join(line.rstrip() for line in tables(doc)) + "\n"
    save(os.path.join(args.out, "ablation.json"), json.dumps(doc, indent=1) + "\n")
    save(os.path.join(args.out, "ablation.txt"), text)
    save(os.path.join(args.out, "ablation-meta.json"), json.dumps(machine(), indent=1) + "\n")
    print(json.dumps(doc, indent=1) if args.json else text, end="" if not args.json else "\n")
    best = [r for r in doc["rows"] if r["mutator"] and r["state"]]
    return 0 if len(best) == len(args.engine) * len(args.policy) and all(r["found"] for r in best) else 1


def arguments():
    def names(known):
        def parse(text):
            given = text.split(",")
            for n in given:
                if known and n not in known:
                    raise argparse.ArgumentTypeError(f'"{n}", expected some of {",".join(known)}')
            return given
        return parse

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for ablation.txt, .json, -trials.jsonl, -meta.json")
    parser.add_argument("--trials", type=int, default=10, metavar="N", help="trials of each configuration (10)")
    parser.add_argument("--seconds", type=float, default=20, metavar="S", help="CPU seconds that a trial may use (20)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="trials at a time (2)")
    parser.add_argument("--engine", type=names(list(ENGINES)), default=list(ENGINES), metavar="E,..", help="of libfuzzer,afl (both)")
    parser.add_argument("--policy", type=names(None), default=POLICIES, metavar="P,..", help=f"({','.join(POLICIES)})")
    parser.add_argument("--no-build", action="store_true", help="what was built before")
    parser.add_argument("--report", action="store_true", help="run nothing: tables of the trials that are there")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the tables")
    args = parser.parse_args()
    if args.trials < 1 or args.jobs < 1 or args.seconds <= 0:
        parser.error("--trials, --jobs and --seconds: expected numbers above 0")
    return args


def main():
    args = arguments()
    try:
        import scipy.stats  # noqa: F401 pylint: disable=import-outside-toplevel,unused-import
    except ImportError:
        print("fuzz-engines.py: scipy is missing: install Debian's python3-scipy, and start this by /usr/bin/python3",
              file=sys.stderr)
        return 2
    try:
        if not args.report:
            missing = [c for e in args.engine for c in (ENGINES[e], *(["afl-fuzz"] if e == "afl" else [])) if not shutil.which(c)]
            if missing:
                raise Bad(f"{', '.join(missing)}: not installed")
            if not args.no_build:
                build_all(args.engine)
        os.makedirs(args.out, exist_ok=True)
        path, where = os.path.join(args.out, "ablation-trials.jsonl"), os.path.join(TOP, "build", "engines", "seeds")
        seeds = make_seeds(where, args.policy)
        if not args.report:
            measure(args, path, where)
        return report(args, path, where, seeds)
    except (Bad, OSError) as err:
        print(f"fuzz-engines.py: {err}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
