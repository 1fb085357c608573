# SPDX-License-Identifier: GPL-2.0-only
"""
The end of a session: all that the engines keep becomes corpus/TARGET, the smallest inputs that reach all edges and states; and
this corpus must come to the same however it is replayed. libFuzzer does it where it is built, else AFL++; both know of states.
"""

import itertools
import json
import os
import re
import shutil
import subprocess
import sys

import builds as built
import files
import workers

LONGEST = 3600  # seconds for one target
MEASURING = 1800  # seconds for coverage, its build included


def sources(place, target):
    yield place.corpus(target)
    yield place.seeds(target)
    for name in files.folders(place.afl(target)):
        yield place.afl(target, name, "queue")
    for name in files.folders(place("libfuzzer", target)):
        yield place("libfuzzer", target, name, "corpus")


def stage(place, target):
    """All inputs, each content once."""
    folder = place("tmp", "merge-" + target)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for source in sources(place, target):
        for path in files.inputs(source):
            files.link(path, os.path.join(folder, files.sha1(files.read(path))))
    return folder


def forget(place, target):
    """What engines load whenever they begin is in the corpus now: they begin anew from that, or they would load more and more."""
    for name in files.folders(place("libfuzzer", target)):
        for folder in ("corpus", "import"):
            shutil.rmtree(place("libfuzzer", target, name, folder), ignore_errors=True)
    for name in files.folders(place.afl(target)):
        keep_findings(place.afl(target, name))
        if os.path.exists(place.afl(target, name, "fuzzer_stats")):
            os.replace(place.afl(target, name, "fuzzer_stats"), place.made("log") + f"/{target}-{name}.stats")
        forget_afl(place.afl(target, name))


def keep_findings(own):
    """The inputs that ended it have a name that the next start leaves alone, as AFL++ itself gives them. Before anything goes: an AFL++
    that finds a folder without statistics empties crashes/."""
    for path in workers.afl_findings(own):
        if not any(os.path.basename(p).startswith("id:") for p in files.inputs(path)):  # nothing, or AFL++'s README.txt
            shutil.rmtree(path)
        elif "." not in os.path.basename(path):
            os.rename(path, next(p for p in (f"{path}.{n}" for n in itertools.count(1)) if not os.path.lexists(p)))


def forget_afl(own):
    """All but the inputs that ended it."""
    kept = workers.afl_findings(own)
    for entry in list(os.scandir(own)):
        if entry.path not in kept:
            shutil.rmtree(entry.path) if entry.is_dir(follow_symlinks=False) else os.unlink(entry.path)
    if not os.listdir(own):
        os.rmdir(own)


def by_libfuzzer(program, sizes, staged, new, env):
    """How often an edge was taken is no reason to keep an input, where states do not depend on it (fuzz/engine/feedback_libfuzzer.c)."""
    return run([program, "-set_cover_merge=1", *["-use_counters=0"] * (not sizes), "-timeout=10", "-detect_leaks=0", f"-artifact_prefix={os.path.dirname(new)}/.merge-", new,
                staged], env)


def by_afl(program, staged, new, env):
    # It wants to make the folder itself.
    os.rmdir(new)
    return run(["afl-cmin", "-i", staged, "-o", new, "-m", "none", "-t", "5000", "--", program],
               env | {"AFL_ALLOW_TMP": "1", "AFL_SKIP_CPUFREQ": "1", "AFL_QUIET": "1"})


def run(args, env):
    """None, or what went wrong."""
    try:
        done = subprocess.run(args, env=os.environ | env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LONGEST, check=False)
    except subprocess.TimeoutExpired:
        return f"{os.path.basename(args[0])}: not done after {LONGEST} s"
    if done.returncode == 0:
        return None
    last = (done.stdout.decode(errors="replace").strip().splitlines() or ["nothing"])[-1]
    return f"{os.path.basename(args[0])}: exit status {done.returncode}: {last[:160]}"


def minimise(place, target, builds, env):
    """(what it was done by, inputs before, inputs after, None or what went wrong: then the old corpus stays)."""
    sanitized = builds.engine("libfuzzer-asan", target)
    libfuzzer = sanitized or builds.engine("libfuzzer", target)
    afl = builds.engine("afl", target)
    staged = stage(place, target)
    before = len(files.inputs(staged))
    new = place("tmp", "corpus-" + target)
    shutil.rmtree(new, ignore_errors=True)
    os.makedirs(new)
    if libfuzzer:
        by, wrong = "libfuzzer", by_libfuzzer(libfuzzer, not sanitized, staged, new, env)
    elif afl:
        by, wrong = "afl-cmin", by_afl(afl, staged, new, env)
    else:
        by, wrong = None, "no engine that could minimise the corpus"
    for path in os.scandir(place("tmp")):
        if path.name.startswith(".merge-crash-"):  # of a sanitized build, say: the next session's triage looks at it
            os.replace(path.path, os.path.join(place.made("libfuzzer", target, "merge", "artifacts"), path.name.removeprefix(".merge-")))
        elif path.name.startswith(".merge-"):
            os.unlink(path.path)
    if not wrong and not files.inputs(new):
        wrong = f"{by}: nothing is left of {before} inputs"
    if not wrong:
        place.made("corpus")
        files.replace_folder(new, place.corpus(target))
        forget(place, target)
    shutil.rmtree(staged, ignore_errors=True)
    return by, before, len(files.inputs(place.corpus(target))), wrong


def differs(place, target, builds, env):
    """None: twice and backwards the corpus comes to the same. Else what does not."""
    if not files.inputs(place.corpus(target)):
        return None
    done = subprocess.run([builds.replayer(target), "--orders", place.corpus(target)], env=os.environ | env, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    if done.returncode == 0:
        return None
    if done.returncode == 1:
        return done.stdout.decode(errors="replace").strip().splitlines()[-1]
    said = done.stderr.decode(errors="replace").strip().splitlines() or ["nothing"]
    return f"the replayer ended with {done.returncode}: {said[0][:120]}"


def states(place, target, builds, env):
    """States of the model that the corpus reaches; None: cannot be told."""
    if not files.inputs(place.corpus(target)):
        return None
    done = subprocess.run([builds.replayer(target), "--states", place.corpus(target)], env=os.environ | env, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    found = re.match(r"(\d+) states", done.stdout.decode(errors="replace"))
    return int(found[1]) if done.returncode == 0 and found else None


def percentage(part, whole):
    return round(100 * part / whole, 2) if isinstance(part, int) and isinstance(whole, int) and whole else None


def code_coverage(folder, no_build=False):
    """{"lines": %, "branches": %} of core/iopt and core/flush by scripts/coverage.py; Nones where it is not there or fails, and where
    it would have to build what it measures with although nothing is to be built."""
    nothing = {"lines": None, "branches": None}
    script = os.path.join(built.TOP, "scripts", "coverage.py")
    if not os.path.exists(script) or not files.inputs(folder):
        return nothing
    # In a session of its own: what it has started ends with it.
    with subprocess.Popen([sys.executable, "-B", script, "--inputs", folder, "--json", *["--no-build"] * no_build], cwd=built.TOP, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, start_new_session=True) as p:
        try:
            said = p.communicate(timeout=MEASURING)[0]
        except subprocess.TimeoutExpired:
            return nothing
        finally:
            workers.kill_group(p.pid)
    try:
        t = json.loads(said)["total"]
        return {"lines": percentage(t["lines_run"], t["lines"]), "branches": percentage(t["branches_taken"], t["branches"])}
    except (ValueError, KeyError, TypeError):
        return nothing
