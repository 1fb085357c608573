# SPDX-License-Identifier: GPL-2.0-only
"""The command behind scripts/campaign.sh: begins or goes on with a campaign, sees to its lanes, judges what came out."""

import argparse
import concurrent.futures
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback

sys.dont_write_bytecode = True

import builds as built
import files
import lane
import ledger
import loading
import merge
import mistakes
import seeds
import share
import slurm
import summary
import triage

TARGETS = ("ops", "policy", "codec", "text", "diff", "linux", "plugin-diff")
EXPECTED = ("corpus/regress", "corpus/regress/linux/expected")
EVERY = 60  # seconds between two lines of progress
EXITS = "Exit: 0 nothing new; 1 new findings; 2 bad input, or the campaign is invalid (it says why)."


class Stop:
    """SIGINT and SIGTERM: the first ends the fuzzing, the second the rest."""

    def __init__(self):
        self.event, self.seen = threading.Event(), 0
        for s in (signal.SIGINT, signal.SIGTERM):
            signal.signal(s, self.caught)

    def caught(self, number, frame):
        self.seen += 1
        self.event.set()
        if self.seen > 1:
            raise KeyboardInterrupt

    def __call__(self):
        return self.event.is_set()


def say(text):
    print(text, file=sys.stderr, flush=True)


# --- a session -----------------------------------------------------------------------------------------------------------


def describe(o, builds):
    kinds, left_out = built.kinds(builds, o.targets)
    if not kinds:
        raise ledger.Refused("no engine is built: " + "; ".join(left_out))
    cycle = share.cycle(o.jobs, kinds, o.targets)
    if not cycle:
        raise ledger.Refused(f"nothing that is built can fuzz {', '.join(o.targets)}: " + "; ".join(
            left_out + [f"{k}: only {', '.join(share.PROGRAMS)}" for k in kinds if k == "builtin"]))
    least = share.SHORTEST * len(cycle) / o.jobs / 3600
    if o.hours < least:
        raise ledger.Refused(f"--hours {o.hours}: {len(cycle)} workers on {o.jobs} jobs, expected at least {least:.4f}")
    return {"targets": o.targets, "policy": o.policy, "contracts": o.contracts, "backend": o.backend, "tree": o.tree, "jobs": o.jobs,
            "seconds": o.hours * 3600, "kinds": kinds, "left_out": left_out, "commit": ledger.commit(built.TOP)}


def tidy_up(place):
    """What a session that was killed has left, in a folder that is a campaign's."""
    last = ledger.latest(place)
    if last and last.about.get("ended") == "running":
        if slurm.alive(last.about.get("slurm")):
            raise ledger.Refused(f"{place.root}: its session {last.number} is at work as Slurm's jobs "
                                 f"{', '.join(last.about['slurm'].values())}, or squeue cannot tell: wait for them, or scancel them; if "
                                 f"there is no such Slurm any more, take \"slurm\" out of {last.path}")
        last.write(ended="killed")
    shutil.rmtree(place("tmp"), ignore_errors=True)


def prepare(o, builds, place, config):
    about = describe(o, builds)
    summary.check_history(o.history)
    for target in o.targets:
        seeds.prepare(place, target, builds, lane.environment(config))
    about |= loading.remembered(ledger.latest(place))
    ctx, cycle = lane.context_of(place, about, builds), share.cycle(o.jobs, about["kinds"], o.targets)
    about["loading"] = {w.key: round(lane.foretold(w, ctx, about["rates"].get(w.key)), 3) for w in cycle}
    loading.check(about, cycle)
    return about


def begin(o, builds, place, lock):
    config = {k: getattr(o, k) for k in ledger.CONFIG}
    try:
        there = ledger.compare(place, config)
    except ledger.Refused:
        lock.undo()
        raise
    if there:
        tidy_up(place)
        about = prepare(o, builds, place, config)
    else:
        try:
            ledger.claim(place, config)  # first: a call that is killed leaves a campaign's folder
            about = prepare(o, builds, place, config)
        except BaseException:  # the folder was empty: all that is in it is ours, and nothing of it stays
            lock.empty()
            raise
    session = ledger.begin(place, **about)
    for line in about["left_out"]:
        say(line)
    later = loading.waiting(session)
    say(f"session {session.number}: {len(session.cycle()) - len(later)} workers on {o.jobs} jobs, loading for about "
        f"{sum(about['loading'].values()):.0f} s of {o.jobs * about['seconds']:.0f} s")
    if later:
        say(f"left for the next session: {', '.join(later)}")
    return session


def watch(session, alive):
    """A line a minute, until alive() is false."""
    started, last = time.monotonic(), time.monotonic()
    while alive():
        time.sleep(0.2)
        if time.monotonic() - last >= EVERY:
            last = time.monotonic()
            say(summary.progress(session, started, last))
    say(summary.progress(session, started, time.monotonic()))


def run_here(session, builds, stop):
    broken = []

    def run_lane(number):
        ctx = lane.context(session, builds)
        ctx.mains.update(share.mains([w for n in range(session.about["jobs"]) for w in session.of_lane(n)]))
        try:
            lane.Lane(session, number, ctx, stop).run()
        except Exception as e:  # a lane that cannot go on is told of, and the others work on
            broken.append(f"lane {number}: {e}")

    threads = [threading.Thread(target=run_lane, args=(i,)) for i in range(session.about["jobs"])]
    for t in threads:
        t.start()
    watch(session, lambda: any(t.is_alive() for t in threads))
    return broken


# --- its end -------------------------------------------------------------------------------------------------------------


def end_of_target(session, builds, env, target):
    by, before, after, wrong = merge.minimise(session.place, target, builds, env)
    differs = None if wrong else merge.differs(session.place, target, builds, env)
    invalid = [f"{target}: {x}" for x in (wrong, differs and "not deterministic: " + differs) if x]
    return target, {"by": by, "before": before, "after": after}, invalid


def finish(session, builds, o, stopped, broken=()):
    """Triage, merge, determinism, coverage; the exit status."""
    place, targets = session.place, session.about["targets"]
    env, jobs = lane.context(session, builds).env, max(1, o.jobs or 1)
    session.write(ended="signal" if stopped else "time")
    place.made("tmp")
    expected = o.expected or [os.path.join(built.TOP, x) for x in EXPECTED]
    t = triage.Triage(session, builds, env, expected, jobs)
    t.run()
    say(f"{len(mistakes.apart(t.findings()))} findings; the corpus is made smaller")
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        ends = list(pool.map(lambda x: end_of_target(session, builds, env, x), targets))
    invalid = list(broken) + summary.reasons(session, session.workers(), stopped) + [x for e in ends for x in e[2]]
    if t.not_again():
        invalid.append(f"not deterministic: {t.not_again()} inputs ended an engine, and do nothing when they are replayed")
    if t.unjudged:
        invalid.append(f"not judged: {len(t.unjudged)} inputs that ended an engine, the first {t.unjudged[0]}")
    first = targets[0]
    coverage = merge.code_coverage(place.corpus(first), o.no_build) | {"states": merge.states(place, first, builds, env)}
    s = summary.put_together(session, t, {e[0]: e[1] for e in ends}, coverage, invalid, summary.notes(session))
    history = summary.add_to_history(o.history, summary.line_of_history(s, place.root))
    told = summary.write(place, s, history)
    t.told([f["file"] for f in s["findings"] if not f["like"]])
    shutil.rmtree(place("tmp"), ignore_errors=True)
    session.write(exit=s["exit"])
    return s["exit"], told


def run_slurm(session, builds, o, stop):
    ids = slurm.start(session, builds, shlex.split(o.sbatch or ""), o.history, o.expected, o.no_build)
    session.write(slurm=ids)
    say(f"Slurm: array {ids['array']} of {o.jobs}, then {ids['merge']}")
    asked = []

    def alive():
        if stop() and not asked:
            asked.append(True)
            files.save(session.folder("stopped"), "")
            slurm.cancel(ids)
        now = time.monotonic()
        if now - alive.last >= 2:
            alive.last = now
            alive.answer = slurm.alive(ids)
        return alive.answer and "exit" not in ledger.Session(session.place, session.number).about

    alive.last, alive.answer = 0.0, True
    watch(session, alive)
    code = ledger.Session(session.place, session.number).about.get("exit")
    if code is None:
        raise ledger.Refused(f"the merge job {ids['merge']} left no result: see {session.place('log', 'slurm-merge.log')}")
    return code, files.read(session.place("summary.txt")).decode()


# --- arguments -----------------------------------------------------------------------------------------------------------


def parse(argv):
    p = argparse.ArgumentParser(prog="campaign.sh", epilog=EXITS, allow_abbrev=False, description="A fuzzing campaign of all engines there are. "
                                "Called again with the same --out it goes on.")
    p.add_argument("--hours", type=float, help="how long to fuzz; triage and merging come after that")
    p.add_argument("--jobs", type=int, help="workers at a time (the number of processors); with --slurm the tasks of the array")
    p.add_argument("--out", required=True, metavar="DIR", help="the campaign's folder")
    p.add_argument("--targets", "--target", metavar="T,T", help=f"of {', '.join(TARGETS)}; the first gets most of the time "
                   "(ops,text,codec; with one --policy: policy,text,codec)")
    p.add_argument("--policy", help="a policy or ./mine.so that is held to soundness (those that claim to be sound)")
    p.add_argument("--contracts", metavar="L,I,..", help="hold every policy to these")
    p.add_argument("--linux-tree", metavar="WHERE", help="for diff and linux: a kernel tree, or a linux-source package (the distribution's)")
    p.add_argument("--backend", help="for diff and linux: another tree's shared object (linux: the tree of the build)")
    p.add_argument("--expected", action="append", default=[], metavar="DIR", help=f"traces of known findings ({', '.join(EXPECTED)})")
    p.add_argument("--history", metavar="FILE", help="a line for each session of each campaign (DIR/../history.jsonl)")
    p.add_argument("--json", action="store_true", help="print the summary as JSON")
    p.add_argument("--slurm", action="store_true", help="run as an array of Slurm's jobs and a merge job")
    p.add_argument("--sbatch", metavar="ARGS", help="more arguments for sbatch: '--partition=x --account=y'")
    p.add_argument("--profile", action="store_true", help="build the engines that count, optimised by a profile: a minute or two more, and "
                   "up to a quarter more programs a second; for an hour and longer")
    p.add_argument("--no-build", action="store_true", help="use what is built, build nothing")
    p.add_argument("--builds", metavar="DIR", default=os.path.join(built.TOP, "build"), help="folder of the builds (build)")
    p.add_argument("--tree", help=argparse.SUPPRESS)  # that campaign.sh has built
    p.add_argument("--check-only", action="store_true", help=argparse.SUPPRESS)  # campaign.sh asks before it builds
    # What Slurm's jobs are called with.
    p.add_argument("--session", type=int, help=argparse.SUPPRESS)
    p.add_argument("--lane", type=int, help=argparse.SUPPRESS)
    p.add_argument("--finish", action="store_true", help=argparse.SUPPRESS)
    o = p.parse_args(argv)
    complete(p, o)
    return o


def complete(p, o):
    if o.session is None:
        if o.hours is None:
            p.error("--hours is missing: say how long, such as --hours 0.05")
        if not 0 < o.hours < 10000:
            p.error(f"--hours {o.hours:g}, expected a number above 0 and below 10000")
        o.jobs = os.cpu_count() if o.jobs is None else o.jobs
        if not 1 <= o.jobs <= 4096:
            p.error(f"--jobs {o.jobs}, expected 1 to 4096")
    if o.profile and o.no_build:
        p.error("--profile builds, --no-build does not: expected one of them")
    o.out = os.path.abspath(o.out)
    if o.history and (os.path.isdir(o.history) or not os.path.isdir(os.path.dirname(os.path.abspath(o.history)))):
        p.error(f"--history {o.history}: expected a file, or a new one in a folder that is there")
    o.history = os.path.abspath(o.history or os.path.join(o.out, os.pardir, "history.jsonl"))
    for e in o.expected:
        if not os.path.isdir(e):
            p.error(f"--expected {e}: no such folder")
    o.expected = [os.path.abspath(e) for e in o.expected]
    if o.policy and "/" in o.policy:
        o.policy = ",".join(os.path.abspath(x) if "/" in x else x for x in o.policy.split(","))
    if o.backend and "/" in o.backend:
        o.backend = os.path.abspath(o.backend)
    one = o.policy and "," not in o.policy and o.policy not in ("all", "all-sound", "sound")
    chosen = o.targets or ("policy,text,codec" if one else "ops,text,codec")
    o.targets = chosen.split(",")
    unknown = [t for t in o.targets if t not in TARGETS]
    if unknown or len(set(o.targets)) != len(o.targets):
        p.error(f"--targets {chosen}: expected some of {', '.join(TARGETS)}, each once")
    if "policy" in o.targets and o.policy and not one:
        p.error(f"--policy {o.policy}: the target policy takes one policy; --targets ops takes several")


def work(o, stop):
    builds, place = built.Builds(os.path.abspath(o.builds)), ledger.Place(o.out)
    if o.session is not None:
        return job_of_slurm(o, builds, place, stop)
    if o.slurm and slurm.missing():
        raise ledger.Refused("--slurm: " + slurm.missing())
    session = begin(o, builds, place, ledger.Lock(place))
    if o.slurm:
        code, told = run_slurm(session, builds, o, stop)
    else:
        broken = run_here(session, builds, stop)
        code, told = finish(session, builds, o, stop(), broken)
    print(files.read(place("summary.json")).decode() if o.json else told, end="", flush=True)
    return code


def job_of_slurm(o, builds, place, stop):
    session = ledger.Session(place, o.session)
    if o.lane is not None:
        lane.Lane(session, o.lane, lane.context(session, builds), stop).run()
        return 0
    o.jobs = int(os.environ.get("SLURM_CPUS_ON_NODE", "1"))
    print(finish(session, builds, o, os.path.exists(session.folder("stopped")))[1])
    return 0  # the campaign's verdict is in the session's file: a finding is no failure of the job


def main(argv):
    o = parse(argv)
    if o.check_only:
        print(*o.targets)
        return 0
    stop = Stop()
    for name in ("FUZZ_POLICY", "FUZZ_CONTRACTS", "FUZZ_BACKEND", "FUZZ_MUTATOR", "FUZZ_LEAKY"):
        os.environ.pop(name, None)  # an inherited setting would change what is judged
    try:
        return work(o, stop)
    except ledger.Refused as e:
        say(f"campaign.sh: {e}")
        return 2
    except KeyboardInterrupt:
        say("campaign.sh: stopped before the end; called again it goes on")
        return 128 + signal.SIGINT
    except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as e:
        say(f"campaign.sh: {e}: stopped; called again it goes on")
        return 2
    except Exception:  # a mistake of ours; Python's own status would mean findings
        traceback.print_exc()
        return 2
    finally:
        stop.event.set()  # lanes that still run


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
