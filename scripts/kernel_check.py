#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Judges a kernel tree's iommufd files: does the flush rule in them keep its contracts, do they keep the invariants of the
page core? scripts/kernel-check.sh installs, builds and calls this; the schema of --json stands in results/README.md.

What is known of Linux already must not drown what is new. Two ways lead there. A deviation with the signature of a trace in
corpus/regress/linux/expected is known (fuzz/expected.h). And scripts/linux-variant.py makes a copy of the tree in which these
deviations are mended: what goes away there is their consequence, and nothing there is masked. So all stages run on
the copy too, and most of the fuzzing.
"""

import argparse
import collections
import concurrent.futures
import hashlib
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True
import kernel_report  # noqa: E402

BIN = "build/rel/bin"
KERNEL = "build/kernel"
KNOWN = "corpus/regress/linux/expected"
VARIANT = "scripts/linux-variant.py"
CONTRACTS = ("L", "I", "S0", "S1", "E", "O", "U")
FLUSH = CONTRACTS[:-1]  # of the rule; U is the page core's
SOUND = ("L", "I", "S0", "O", "U")
GOLDEN = [f"corpus/seed/golden/g{i}.ops" for i in range(1, 9)] + ["corpus/seed/contracts/v1-author.ops"]
OURS = ("mail.txt", "result.json", "traces")  # what --out holds
STUCK = 120  # seconds, for a batch of traces that takes two
KEPT = 24  # findings of one campaign that are looked at


class Failure(Exception):
    pass


# --- commands ----------------------------------------------------------------------------------------------------------


class Commands:
    """Every program that is started, so that all of them end with us."""

    def __init__(self):
        self.running, self.lock = set(), threading.Lock()

    def run(self, args, timeout=None):
        """(status, output, errors); a status below 0 is a signal, None: it took too long."""
        p = subprocess.Popen([str(a) for a in args], cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             stdin=subprocess.DEVNULL, start_new_session=True)
        with self.lock:
            self.running.add(p)
        try:
            out, err = p.communicate(timeout=timeout)
            status = p.returncode
        except subprocess.TimeoutExpired:
            self.kill(p)
            out, err = p.communicate()
            status = None
        finally:
            with self.lock:
                self.running.discard(p)
        return status, out.decode(errors="replace"), err.decode(errors="replace")

    def kill(self, p):
        try:
            os.killpg(p.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def stop(self):
        with self.lock:
            for p in self.running:
                self.kill(p)


commands = Commands()


def tool(name, *args, timeout=None):
    return commands.run([f"{BIN}/nosnoop-{name}", *args], timeout)


def parsed(name, out, err):
    try:
        return json.loads(out)
    except ValueError:
        last = (err.strip().splitlines() or ["nothing"])[-1]
        raise Failure(f"nosnoop-{name} gave no JSON and said: {last}") from None


def say(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}" if text else "\r\033[K", end="", file=sys.stderr, flush=True)


# --- trees -------------------------------------------------------------------------------------------------------------


def load_build():
    spec = importlib.util.spec_from_file_location("build", os.path.join(TOP, "core/linux/build.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


build = load_build()


def walk(folder, suffixes):
    return sorted(os.path.join(d, f) for d, _, names in os.walk(folder) for f in names if f.endswith(suffixes))


def build_key(tree):
    """Of everything that a shared object is made of, on both sides of the seam."""
    h = hashlib.sha256(build.version_of(tree).encode())
    theirs = walk(os.path.join(tree, build.IOMMUFD), (".c", ".h"))
    theirs += [os.path.join(tree, f) for f in build.BELOW + ["drivers/iommu/iommu-priv.h"]]
    theirs += [os.path.join(tree, "include", f) for f in build.REAL] + [os.path.join(tree, "tools/include", f) for f in build.TOOLS]
    ours = walk(os.path.join(TOP, "core"), (".h",)) + walk(os.path.join(TOP, "core/linux"), (".c", ".py"))
    for root, files in ((tree, theirs), (TOP, ours)):
        for path in files:
            if os.path.isfile(path):
                with open(path, "rb") as f:
                    h.update(os.path.relpath(path, root).encode() + b"\0" + f.read() + b"\0")
    h.update(os.environ.get("CC", "cc").encode())
    return h.hexdigest()[:16]


def compile_tree(tree, folder):
    """Fills @folder with tree.so and about.json."""
    so = os.path.join(folder, "tree.so")
    status, out, err = commands.run([sys.executable, "-B", "core/linux/build.py", "--linux-tree", tree, "--out", so])
    if status:
        # The compiler's words without where the tree lies here.
        text = (err.strip() or "it gave no reason").replace(os.path.realpath(tree) + "/", "").replace(tree.rstrip("/") + "/", "")
        lines = [x for x in text.removeprefix("core/linux/build.py: ").split("\n") if not x.startswith("In file included")]
        raise Failure("\n  ".join(lines[:20]))
    words = dict(re.findall(r"^(called by the tree and not modelled|this tree lacks): (.*)$", out, re.M))
    about = {"name": "linux-" + build.version_of(tree), "sha256": build.content_hash(tree, build.JUDGED),
             "flushes": not re.search(r", never flushes$", out, re.M),
             "lacks": [x for x in words.get("this tree lacks", "").split("; ") if x],
             "unmodelled": words.get("called by the tree and not modelled", "").split()}
    shutil.rmtree(so + ".d", ignore_errors=True)
    with open(os.path.join(folder, "about.json"), "w", encoding="utf-8") as f:
        json.dump(about, f)


class Tree:
    """One that is built: @so is a path below the checkout, so that traces name no folder of this machine."""

    def __init__(self, tree):
        build.check_tree(tree)
        self.key = build_key(tree)
        folder = f"{KERNEL}/{self.key}"
        self.so = f"./{folder}/tree.so"
        if not os.path.exists(os.path.join(TOP, folder, "about.json")):
            os.makedirs(os.path.join(TOP, KERNEL), exist_ok=True)
            tmp = tempfile.mkdtemp(prefix=f".{self.key}.", dir=os.path.join(TOP, KERNEL))
            try:
                compile_tree(tree, tmp)
                os.chmod(tmp, 0o755)
                shutil.rmtree(os.path.join(TOP, folder), ignore_errors=True)
                os.rename(tmp, os.path.join(TOP, folder))
            except BaseException:
                shutil.rmtree(tmp, ignore_errors=True)
                raise
        with open(os.path.join(TOP, folder, "about.json"), encoding="utf-8") as f:
            self.about = json.load(f)
        self.corpus, self.checks, self.fuzz = {}, {}, None

    flushes = property(lambda self: self.about["flushes"])


def open_tree(tree, what):
    try:
        return Tree(tree)
    except (build.Failure, Failure) as e:
        text = str(e)
        raise Failure(text if text.startswith(tree) else f"{what}: {text}") from e


# Which trial fix mends what a known trace shows, by the beginning of its name.
MENDS = {"copy-border": "copy-border", "dead-mm-charge": "dead-mm-charge", "empty-carry": "empty-carry", "end-of-space": "end-of-space",
         "length-order": "length-first", "npages-wraps": "npages-wrap", "pgsize-truncates": "page-size", "stale-read": "stale-read", "unwind": "unwind"}


def fixes_wanted(tree):
    """Those whose deviation this tree shows: what is mended already must not be mended twice."""
    _, known = corpus_files()
    shown = [stem(p) for p, r in replay(tree.so, known).items() if core_deviation(r)]
    return {fix for name, fix in MENDS.items() if any(s.startswith(name) for s in shown)}


def fixes_that_fit(tree, wanted, out):
    """Makes the copy; the fixes that went in, [] if none, or a word why there is no copy."""
    if not os.path.exists(os.path.join(TOP, VARIANT)):
        return f"{VARIANT} is not there"
    _, text, _ = commands.run([sys.executable, "-B", VARIANT, "--list"])
    part = re.search(r"^trial fixes.*\n((?: .*\n)*)", text, re.M)
    fixes = [x for x in re.findall(r"^ +(\S+)", part[1], re.M) if x in wanted] if part else []
    mark = os.path.join(tree, ".nosnoop-variant")
    if os.path.exists(mark):  # a variant itself: what went into it does not go in twice
        with open(mark, encoding="utf-8") as f:
            done = f.read().split(" ")[0].split("+")
        fixes = [x for x in fixes if x not in done]
    while fixes:
        status, _, err = commands.run([sys.executable, "-B", VARIANT, "--linux-tree", tree, "--out", out, "--fix", ",".join(fixes)])
        if not status:
            return fixes
        unfit = [x for x in fixes if re.search(rf"(^|[ :]){re.escape(x)}: ", err)]
        if not unfit:
            return (err.strip().splitlines() or [f"{VARIANT} failed"])[-1].replace(tree, "the tree")
        fixes = [x for x in fixes if x not in unfit]
    return fixes


def mend(tree, wanted):
    """(Tree or None, fixes, why there is none)"""
    if not wanted:
        return None, [], "nothing to mend"
    os.makedirs(os.path.join(TOP, KERNEL), exist_ok=True)
    work = tempfile.mkdtemp(prefix=".mend.", dir=os.path.join(TOP, KERNEL))
    try:
        copy = os.path.join(work, "tree")
        fixes = fixes_that_fit(os.path.realpath(tree), wanted, copy)
        if isinstance(fixes, str):
            return None, [], fixes
        if not fixes:
            return None, [], "no trial fix fits this tree"
        return Tree(copy), fixes, ""
    except Failure as e:
        return None, [], f"the copy does not compile: {str(e).splitlines()[0]}"
    finally:
        shutil.rmtree(work, ignore_errors=True)


# --- replaying ---------------------------------------------------------------------------------------------------------


def killed(path, status):
    """A result as nosnoop-replay would have given, had it lived."""
    rule = "HANG" if status is None else "CRASH"
    return {"trace": path, "outcome": "bad", "ops": 0, "flushes": 0, "bound_LIS0": 0, "known": None, "findings": [],
            "contracts": dict.fromkeys(CONTRACTS, "ok"), "claims": [], "expect": {"failed": 0, "failures": []},
            "deviations": [{"rule": rule, "op": 0, "signature": rule, "expected": None}]}


def replay(so, paths, diff=False, timeout=STUCK):
    """{path: result}. What ends the process, or does not end, is looked for by halving."""
    if not paths:
        return {}
    args = ["--backend", so, "--json", "--expected", KNOWN] + ["--diff"] * diff
    status, out, err = tool("replay", *args, *paths, timeout=timeout)
    if status in (0, 1):
        results = parsed("replay", out, err)["results"]
        return {r["trace"]: r for r in results}
    if status is not None and status > 0:
        raise Failure(f"nosnoop-replay: {err.strip()}")
    if len(paths) == 1:
        return {paths[0]: killed(paths[0], status)}
    half = len(paths) // 2
    return {**replay(so, paths[:half], diff, timeout), **replay(so, paths[half:], diff, timeout)}


def core_deviation(result):
    """What the page core did wrong in this run, the first of it; None: nothing. U comes first, as nosnoop-fuzz has it."""
    ours = [d for d in result["deviations"] if d["rule"] not in FLUSH]
    # That a twin came to something else says least.
    ours.sort(key=lambda d: (d["rule"] != "U", d["op"], d["rule"] == "DIFF"))
    if ours:
        return ours[0]
    # What a trace expects of a contract is the rule's business.
    for f in (f for f in result["expect"]["failures"] if f["expect"].startswith("expect errno")):
        return {"rule": "EXPECT", "op": 0, "signature": f"{f['expect']}: {f['found']}", "expected": None}
    return None


def corpus_files():
    folders = ["corpus/seed", "corpus/regress", "corpus/recorded"]
    paths = [os.path.relpath(p, TOP) for folder in folders for p in walk(os.path.join(TOP, folder), (".ops",))]
    return [p for p in paths if not p.startswith(KNOWN)], [p for p in paths if p.startswith(KNOWN)]


def stem(path):
    return os.path.basename(path).removesuffix(".ops")


def shrunk(so, path, rule):
    status, out, _ = tool("shrink", "--backend", so, "--rule", rule, "--json", path, timeout=STUCK)
    return json.loads(out) if status == 0 else None


# --- stages ------------------------------------------------------------------------------------------------------------


def run_corpus(tree):
    plain, known = corpus_files()
    tree.corpus = replay(tree.so, plain)
    tree.known = replay(tree.so, known)


def ended_badly(name, status):
    """What a tool that the tree's code ended, or kept from ending, came to: in the form of a check's result."""
    rule = "HANG" if status is None else "CRASH"
    return {"contracts": {c: {"verdict": "bounded", "requests": 0} for c in CONTRACTS}, "states": 0, "end": rule,
            "finding": {"rule": rule, "what": f"{name} ended with it", "requests": 0, "trace": ""}}


def run_check(tree, failures, seconds):
    args = ["--backend", tree.so, "--preset", "small", "--jobs", 1, "--seconds", f"{seconds:.0f}", "--json"]
    status, out, err = tool("check", *args, *(["--failures"] if failures else []), timeout=seconds * 4 + STUCK)
    if status in (0, 1):
        doc = parsed("check", out, err)
        tree.commit = doc["commit"]
        tree.checks["failures" if failures else "none"] = doc["results"][0]
        return
    if status is not None and status > 0:
        raise Failure(f"nosnoop-check: {err.strip()}")
    tree.checks["failures" if failures else "none"] = ended_badly("nosnoop-check", status)


def run_fuzz(tree, contracts, seconds, jobs, diff, work):
    """Seeds are the corpus: whatever it shows is known when the fuzzing begins."""
    seeds, out = os.path.join(work, "seeds"), os.path.join(work, "fuzz-" + tree.key)
    args = ["--backend", tree.so, "--expected", KNOWN, "--contracts", ",".join(contracts), "--seconds", f"{seconds:.1f}",
            "--jobs", jobs, "--corpus", os.path.relpath(seeds, TOP), "--out", os.path.relpath(out, TOP), "--json"] + ["--diff"] * diff
    status, text, err = tool("fuzz", *args, timeout=seconds * 2 + STUCK)
    if status is None or status < 0:
        tree.checks["fuzz"] = ended_badly("nosnoop-fuzz", status)
        tree.fuzz = {"contracts": contracts, "diff": diff, "seconds": seconds, "programs": 0, "states": 0, "expected": {}, "found": [],
                     "told_apart": 0}
        return
    if status not in (0, 1):
        raise Failure(f"nosnoop-fuzz: {err.strip()}")
    doc = parsed("fuzz", text, err)
    found = [(f["rule"], os.path.relpath(os.path.join(out, "findings", f["file"]), TOP))
             for f in sorted(doc["findings"], key=lambda f: f["ops"])]
    tree.fuzz = {"contracts": contracts, "diff": diff, "seconds": doc["wall_seconds"], "programs": doc["programs"], "states": doc["states"],
                 "expected": doc["sessions"][-1].get("expected", {}), "found": found[:KEPT], "told_apart": len(found)}


# --- judging -----------------------------------------------------------------------------------------------------------

# A trace on which something is broken. @on: the tree that it was found on. @ops: of the trace.
Broken = collections.namedtuple("Broken", "rule ops text on source signature")


class Judge:
    def __init__(self, options, work):
        self.o, self.work = options, work
        self.tree = self.base = self.mended = None
        self.fixes, self.no_copy, self.unfit = [], "", []
        self.serial = 0

    def trees(self):
        return [t for t in (self.tree, self.mended, self.base) if t]

    def judged(self):
        """On which a break counts: the copy where nothing is masked, or what there is."""
        return self.mended or self.tree

    # --- what was found, one trace each ---

    def save(self, text):
        self.serial += 1
        path = os.path.join(self.work, f"{self.serial}.ops")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return os.path.relpath(path, TOP)

    def collect(self, tree):
        """Every trace that check and fuzz gave, and of the corpus the one with the fewest ops for each contract."""
        found = []
        for kind, r in tree.checks.items():
            shown = [(c, v) for c, v in r["contracts"].items() if v["verdict"] == "broken"]
            if r["finding"]:
                shown.append((r["finding"]["rule"].upper(), r["finding"]))
            for rule, v in shown:
                found.append(Broken(rule, count_ops(v["trace"]), v["trace"], tree, "check" if kind == "none" else "check --failures", ""))
        for rule, path in tree.fuzz["found"] if tree.fuzz else []:
            with open(os.path.join(TOP, path), encoding="utf-8", errors="replace") as f:
                text = f.read()
            found.append(Broken(rule, count_ops(text), text, tree, "fuzz", ""))
        return found + self.from_corpus(tree, {b.rule for b in found})

    def from_corpus(self, tree, have):
        found = []
        for c in CONTRACTS:
            paths = [p for p, r in tree.corpus.items() if r["contracts"][c] != "ok" and not p.startswith("corpus/recorded")]
            if c in have or not paths or c == "U":  # U is looked at with the page core
                continue
            doc = shrunk(tree.so, min(paths, key=lambda p: tree.corpus[p]["ops"]), c)
            if doc:
                found.append(Broken(c, doc["ops"], doc["program"], tree, "corpus", ""))
        return found

    def shows(self, b, path, tree, diff):
        """The deviation of rule b.rule that this trace shows on @tree; None: none."""
        r = replay(tree.so, [path], diff, 20)[path]
        if b.rule in CONTRACTS:
            return next((d for d in r["deviations"] if d["rule"] == b.rule), None)
        return core_deviation({**r, "expect": {"failures": []}})

    def judge_trace(self, b):
        """(is it new, why not): whatever is told on the copy is; of the rest what is not a consequence of what is mended there."""
        if not b.text:
            return True, "", b
        path = self.save(b.text)
        diff = bool(b.on.fuzz and b.on.fuzz["diff"]) and b.source == "fuzz"
        here = self.shows(b, path, b.on, diff)
        b = b._replace(signature=here["signature"] if here else b.rule)
        if here and here["expected"]:
            return False, here["expected"], b
        if b.rule not in FLUSH and self.base:
            there = self.shows(b, path, self.base, diff and not self.base.flushes)
            if there and there["signature"] == b.signature:
                return False, "base", b
        if b.on is self.tree and self.mended and not self.shows(b, path, self.mended, diff):
            return False, "gone", b
        return True, "", b

    # --- contracts ---

    def contract(self, c, broken):
        mine = [(new, why, b) for new, why, b in broken if b.rule == c]
        real = sorted((b for new, _, b in mine if new), key=lambda b: b.ops)
        masked = sorted((b for new, _, b in mine if not new), key=lambda b: b.ops)
        by = sorted({why for new, why, _ in mine if not new and why not in ("gone", "base")})
        checks = {kind: r["contracts"][c] for kind, r in self.judged().checks.items()}
        best = (real or masked or [None])[0]
        return {"claimed": c in self.claims(), "verdict": "broken" if real else "known" if masked else "kept", "known": by,
                "check": {k: {"verdict": v["verdict"], "requests": v.get("requests", 0)} for k, v in checks.items()},
                "ops": best.ops if best else None, "source": best.source if best else None,
                "on": self.name_of(best.on) if best else None, "text": best.text if best else None, "trace": None,
                "base": self.base_contract(c)}

    def base_contract(self, c):
        if not self.base:
            return None
        verdicts = [r["contracts"][c]["verdict"] for r in self.base.checks.values()]
        broken = "broken" in verdicts or any(r["contracts"][c] != "ok" for r in self.base.corpus.values())
        return "broken" if broken else "kept"

    def name_of(self, tree):
        return "mended" if tree is self.mended else "base" if tree is self.base else "tree"

    def claims(self):
        if self.o.claims:
            return self.o.claims
        mine = SOUND if self.tree.flushes else ("U",)
        # A tree that no longer does what its base promised, and kept, has lost it.
        lost = [c for c in SOUND if self.base and self.base.flushes and self.base_contract(c) == "kept"]
        return tuple(c for c in CONTRACTS if c in mine or c in lost)

    # --- the page core ---

    def corpus_deviation(self, path):
        """(deviation on this trace, "new"|"gone"|"base"|a name, the tree that shows it)"""
        mine = core_deviation(self.tree.corpus[path])
        copy = core_deviation(self.mended.corpus[path]) if self.mended else None
        on = self.mended if copy else self.tree
        shown = copy or mine
        if not shown:
            return None, "", None
        theirs = core_deviation(self.base.corpus[path]) if self.base else None
        if shown["expected"]:
            return shown, shown["expected"], on
        if theirs and theirs["signature"] in (shown["signature"], mine and mine["signature"]):
            return shown, "base", on
        # What the copy does not show comes of what is mended in it.
        if not copy and mine["expected"]:
            return mine, mine["expected"], on
        return shown, "gone" if self.mended and not copy else "new", on

    def corpus_part(self):
        folders, findings = {}, []
        for path, r in self.tree.corpus.items():
            row = folders.setdefault(os.path.dirname(path), {"folder": os.path.dirname(path), "traces": 0, "known": 0, "new": 0, "skipped": 0})
            row["traces"] += 1
            row["skipped"] += r["outcome"] == "skip"
            mine, word, on = self.corpus_deviation(path)
            if word == "new":
                row["new"] += 1
                with open(os.path.join(TOP, path), encoding="utf-8") as f:
                    findings.append((path, Broken(mine["rule"], r["ops"], f.read(), on, "corpus", mine["signature"])))
            elif word:
                row["known"] += 1
        return list(folders.values()), findings

    def known_part(self, broken):
        """Each deviation that is known: does the tree still have it, how often was it met?"""
        known = {}
        for path, r in self.tree.known.items():
            known[stem(path)] = {"shows": bool(r["deviations"]) and core_deviation(r) is not None and
                                 any(d["expected"] == stem(path) for d in r["deviations"]), "corpus": 0, "fuzz": 0}
        for path in self.tree.corpus:
            word = self.corpus_deviation(path)[1]
            if word in known:
                known[word]["corpus"] += 1
        for t in (self.tree, self.mended):
            for name, n in (t.fuzz["expected"] if t and t.fuzz else {}).items():
                known[name]["fuzz"] += n
        for _, why, b in broken:
            if why in known and b.source == "fuzz":
                known[why]["fuzz"] += 1
        return known

    def flush_part(self):
        def row(paths, name):
            some = [self.tree.corpus[p] for p in paths]
            return {"trace": name, "flushes": sum(r["flushes"] for r in some), "bound": sum(r["bound_LIS0"] for r in some),
                    "base": sum(self.base.corpus[p]["flushes"] for p in paths) if self.base else None}

        recorded = [p for p in self.tree.corpus if p.startswith("corpus/recorded")]
        return [row([p], stem(p).removeprefix("v1-")) for p in GOLDEN] + [row(recorded, "recorded")]


def count_ops(text):
    return sum(1 for x in text.splitlines() if x.strip() and not x.startswith(("#", "expect ")))


# --- the course of it --------------------------------------------------------------------------------------------------


def in_turn(pool, jobs):
    """All of them, as many at a time as --jobs allows; the first failure is everyone's."""
    for f in [pool.submit(*job) for job in jobs]:
        f.result()


def open_all(j, pool):
    say("building")
    tree = pool.submit(open_tree, j.o.linux_tree, j.o.name)
    base = pool.submit(open_tree, j.o.base, "--base " + j.o.base_name) if j.o.base else None
    j.tree = tree.result()
    if base:
        j.base = base.result()
    wanted = fixes_wanted(j.tree)
    j.mended, j.fixes, j.no_copy = mend(j.o.linux_tree, wanted)
    j.unfit = sorted(wanted - set(j.fixes))
    if j.mended and j.mended.so == j.tree.so:
        j.mended, j.no_copy = None, "nothing to mend"


def held(j, tree):
    """What a campaign holds @tree to: a contract that is broken already would mask the rest. U is known by its signature."""
    broken = {c for r in tree.checks.values() for c in FLUSH if r["contracts"][c]["verdict"] == "broken"}
    broken |= {c for r in tree.corpus.values() for c in FLUSH if r["contracts"][c] != "ok"}
    if tree is j.mended and any(r["contracts"]["U"]["verdict"] == "broken" for r in tree.checks.values()):
        broken.add("U")
    return [c for c in j.claims() if c not in broken] or ["U"]


def make_seeds(j):
    folder = os.path.join(j.work, "seeds")
    os.mkdir(folder)
    for path in j.tree.corpus:
        if not path.startswith("corpus/recorded"):
            shutil.copyfile(os.path.join(TOP, path), os.path.join(folder, path.replace("/", "-")))


def explore(j, pool, begun):
    # The corpus is a second or two, and says how long the rest may take.
    say("replaying the corpus")
    in_turn(pool, [(run_corpus, t) for t in j.trees()])
    say("every sequence of the small configuration")
    # The verdict "kept" is that of judged(); elsewhere short counter-examples are enough, and come first.
    limit = {t: max(1, j.o.seconds / (4 if t is j.judged() else 12)) for t in j.trees()}
    in_turn(pool, [(run_check, t, failures, limit[t]) for failures in (False, True) for t in j.trees()])
    if j.o.bisect and quick_bad(j):
        return
    make_seeds(j)
    left = max(j.o.seconds / 4, j.o.seconds - (time.monotonic() - begun))
    say(f"fuzzing for {left:.0f} s")
    if not j.mended:
        run_fuzz(j.tree, held(j, j.tree), left, j.o.jobs, not j.tree.flushes, j.work)
        return
    # On the tree itself known deviations mask much: it gets the smaller part. DIFF would be all noise there.
    jobs = [(run_fuzz, j.tree, held(j, j.tree), left / 4, j.o.jobs, False, j.work),
            (run_fuzz, j.mended, held(j, j.mended), left * 3 / 4, j.o.jobs, True, j.work)]
    for job in jobs:
        job[0](*job[1:])


def quick_bad(j):
    """--bisect wants one bit: what check and corpus have shown is enough."""
    return judge(j)["verdict"] == "bad"


def judge(j):
    broken = [j.judge_trace(b) for t in (j.tree, j.mended) if t for b in j.collect(t)]
    contracts = {c: j.contract(c, broken) for c in CONTRACTS}
    folders, shown = j.corpus_part()
    findings = [(None, b) for new, _, b in broken if new and b.rule not in CONTRACTS]
    # One of a kind: the shortest of each signature.
    kinds = {}
    for path, b in sorted(shown + findings, key=lambda x: x[1].ops):
        if b.rule != "U":
            kinds.setdefault(b.signature, (path, b))
    if contracts["U"]["verdict"] != "broken" and any(b.rule == "U" for _, b in shown):
        b = min((b for _, b in shown if b.rule == "U"), key=lambda b: b.ops)
        contracts["U"].update(verdict="broken", ops=b.ops, text=b.text, source=b.source, on="tree")
    new = [{"rule": b.rule, "signature": b.signature, "ops": b.ops, "source": b.source, "on": j.name_of(b.on), "from": path,
            "text": b.text, "trace": None} for path, b in kinds.values()]
    bad = [c for c in contracts.values() if c["claimed"] and c["verdict"] == "broken"]
    return {"contracts": contracts, "corpus": folders, "findings": new, "verdict": "bad" if bad or new else "good",
            "known": j.known_part(broken), "consequences": sum(why == "gone" for _, why, b in broken if b.rule not in FLUSH) +
            sum(j.corpus_deviation(p)[1] == "gone" for p in j.tree.corpus),
            "as_base": sum(why == "base" for _, why, _ in broken) + sum(j.corpus_deviation(p)[1] == "base" for p in j.tree.corpus)}


def about(j, tree):
    return {**tree.about, "build": tree.key,
            "check": {k: {x: r[x] for x in ("states", "end")} for k, r in tree.checks.items()},
            "fuzz": {k: v for k, v in tree.fuzz.items() if k != "found"} if tree.fuzz else None}


def new_against_base(j, result):
    if not j.base:
        return None
    worse = [c for c, v in result["contracts"].items() if v["verdict"] == "broken" and v["base"] == "kept"]
    better = [c for c, v in result["contracts"].items() if v["verdict"] == "kept" and v["base"] == "broken"]
    return {"broken": worse, "kept": better, "findings": len(result["findings"]),
            "flushes": {r["trace"]: r["flushes"] - r["base"] for r in result["flushes"] if r["flushes"] != r["base"]}}


def document(j, result, begun):
    plain, known = corpus_files()
    result = {"schema": "nosnoop kernel-check 1", "verdict": result.pop("verdict"), "commit": j.tree.commit,
              "seconds": round(time.monotonic() - begun, 1), "jobs": j.o.jobs, "claims": list(j.claims()),
              "claims_from": "option" if j.o.claims else "tree", "traces": len(plain),
              "programs": sum(t.fuzz["programs"] for t in (j.tree, j.mended) if t and t.fuzz),
              "tree": about(j, j.tree), "mended": {**about(j, j.mended), "fixes": j.fixes} if j.mended else None,
              "not_mended": j.no_copy or None, "unfit": j.unfit, "base": about(j, j.base) if j.base else None,
              **result, "flushes": j.flush_part()}
    result["against_base"] = new_against_base(j, result)
    return result


# --- output ------------------------------------------------------------------------------------------------------------


def place_traces(result, folder):
    """A file for each broken contract and each finding; the documents name them."""
    os.makedirs(folder)
    names = collections.Counter()
    shown = [(f"{c}", v) for c, v in result["contracts"].items() if v["verdict"] == "broken"]
    shown += [(f"finding-{f['rule'].replace(':', '-')}", f) for f in result["findings"]]
    for name, v in shown:
        names[name] += 1
        v["trace"] = f"traces/{name}{'-' + str(names[name]) if names[name] > 1 else ''}.ops"
        with open(os.path.join(folder, "..", v["trace"]), "w", encoding="utf-8") as f:
            f.write(v["text"] or "")


def check_out(out):
    """Nothing but what this program left is ever replaced."""
    if not os.path.isdir(os.path.dirname(out)):
        raise Failure(f"--out {out}: no such folder above it, expected one where results can be written")
    if os.path.lexists(out) and not os.path.isdir(out):
        raise Failure(f"--out {out}: is no folder, expected a name for the results' folder")
    others = [x for x in (os.listdir(out) if os.path.isdir(out) else []) if x not in OURS]
    if others:
        raise Failure(f"--out {out}: holds {others[0]}, which is no result; expected a new folder, or one that an earlier run left")


def write_out(out, result):
    """All or nothing; what an earlier run left is replaced when this one is complete."""
    try:
        tmp = tempfile.mkdtemp(prefix="." + os.path.basename(out) + ".", dir=os.path.dirname(out))
    except OSError as e:
        raise Failure(f"--out {out}: {e.strerror}, expected a folder that can be written") from e
    try:
        place_traces(result, os.path.join(tmp, "traces"))
        with open(os.path.join(tmp, "mail.txt"), "w", encoding="utf-8") as f:
            f.write(kernel_report.mail(result))
        with open(os.path.join(tmp, "result.json"), "w", encoding="utf-8") as f:
            json.dump(result, f, indent=1)
            f.write("\n")
        os.chmod(tmp, 0o755)
        if os.path.isdir(out):
            old = tempfile.mkdtemp(prefix=".old.", dir=os.path.dirname(out))
            os.rename(out, os.path.join(old, "results"))
            os.rename(tmp, out)
            shutil.rmtree(old, ignore_errors=True)
        else:
            os.rename(tmp, out)
    except BaseException:
        shutil.rmtree(tmp, ignore_errors=True)
        raise


# --- arguments ---------------------------------------------------------------------------------------------------------


def number(least, most, of):
    def parse(text):
        try:
            value = of(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text}: expected a number from {least} to {most}")
        return value
    return parse


def contracts(text):
    names = text.split(",")
    for n in names:
        if n not in CONTRACTS:
            raise argparse.ArgumentTypeError(f"{n or 'nothing'}: expected some of {','.join(CONTRACTS)}")
    return tuple(c for c in CONTRACTS if c in names)


def parse_args(argv):
    p = argparse.ArgumentParser(prog="kernel-check.sh", description=__doc__.strip().split("\n\n", maxsplit=1)[0],
                                formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
                                epilog="Exit: 0 nothing that the tree claims is broken, and nothing new found; 1 otherwise; 2 bad input.\n"
                                       "With --bisect: 0 good, 1 bad, 125 cannot be built or judged.")
    p.add_argument("--linux-tree", metavar="WHERE", help="a kernel tree, or a linux-source package's .deb or tarball (what scripts/linux-tree.sh finds)")
    p.add_argument("--base", metavar="WHERE", help="another one; what deviates there in the same way is not new")
    p.add_argument("--seconds", type=number(1, 1e6, float), default=60, metavar="S", help="of the clock, for all of it (60)")
    p.add_argument("--jobs", type=number(1, 64, int), default=os.cpu_count() or 1, metavar="N", help="processes (as many as cores)")
    p.add_argument("--out", metavar="DIR", help="mail.txt, result.json and traces/ go there (build/kernel/out/...)")
    p.add_argument("--claims", type=contracts, metavar="L,I,..", help="what must be kept (L,I,S0,O,U of a tree that flushes, else U)")
    p.add_argument("--json", action="store_true", help="print everything as JSON")
    p.add_argument("--ktap", action="store_true", help="print KTAP version 1")
    p.add_argument("--bisect", action="store_true", help="print nothing")
    p.add_argument("--dry-run", action="store_true", help="look at the options only")
    return p.parse_args(argv)


def prepare(o):
    if o.json + o.ktap + o.bisect > 1:
        raise Failure("--json, --ktap, --bisect: expected one of these")
    if o.out:
        o.out = os.path.abspath(o.out)
        check_out(o.out)
    if o.dry_run:
        return
    if not o.linux_tree:
        raise Failure("--linux-tree is missing: expected the top of a kernel tree")
    for name in ("replay", "check", "fuzz", "shrink"):
        if not os.path.exists(os.path.join(TOP, BIN, "nosnoop-" + name)):
            raise Failure(f"{BIN}/nosnoop-{name} is not built: expected a call of scripts/kernel-check.sh, which builds it")
    # Commands run at the top of the checkout; messages name what was asked for.
    o.name, o.linux_tree = o.linux_tree, os.path.abspath(o.linux_tree)
    if o.base:
        o.base_name, o.base = o.base, os.path.abspath(o.base)


def run(o):
    begun = time.monotonic()
    os.makedirs(os.path.join(TOP, KERNEL), exist_ok=True)
    work = tempfile.mkdtemp(prefix=".check.", dir=os.path.join(TOP, KERNEL))
    try:
        j = Judge(o, work)
        with concurrent.futures.ThreadPoolExecutor(o.jobs) as pool:
            try:
                open_all(j, pool)
                explore(j, pool, begun)
                say("judging")
                result = document(j, judge(j), begun)
            except BaseException:
                commands.stop()
                raise
        say("")
        if not o.out:
            o.out = os.path.join(TOP, KERNEL, "out", j.tree.key)
            os.makedirs(os.path.dirname(o.out), exist_ok=True)
        write_out(o.out, result)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return result


def main(argv):
    quiet = "--bisect" in argv
    try:
        o = parse_args(argv)
        prepare(o)
        if o.dry_run:
            return 0
        result = run(o)
    except Failure as e:
        say("")
        print(f"kernel-check.sh: {e}", file=sys.stderr)
        return 125 if quiet else 2
    except KeyboardInterrupt:
        say("")
        return 130
    except SystemExit as e:
        return 125 if quiet and e.code else e.code
    if o.json:
        print(json.dumps(result, indent=1))
    elif o.ktap:
        print(kernel_report.ktap(result), end="")
    elif not o.bisect:
        print(kernel_report.mail(result), end="")
        rel = os.path.relpath(o.out, TOP)
        print(f"\nresults: {rel if not rel.startswith('..') else o.out}")
    return 1 if result["verdict"] == "bad" else 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a reader that has seen enough, as `| head`
    sys.exit(main(sys.argv[1:]))
