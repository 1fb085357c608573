# SPDX-License-Identifier: GPL-2.0-only
"""
Triage: what the workers left becomes a list of distinct findings.

Every input that ended a worker is replayed on its own (fuzz-NAME-replay --json: rule, policy, class, or how the process ended).
Inputs of one rule under one policy are a *group*. Of a group the smallest 8 are shrunk, then every one at which their number has
doubled, counted over all sessions: hundreds of inputs of one bug take as long as a dozen. What is left after shrinking
has a shape; rule, policy and shape are the key of a finding, and its file is a text trace that nosnoop-replay finds good.
Findings of the built-in fuzzer come shrunk.

A text or codec finding has no program to shrink, and not every program is shrunk: the key is then the rule and what was said,
the file the smallest input.

What no replayer can say anything about is told of, and tried again by the next session.
"""

import collections
import concurrent.futures
import dataclasses
import json
import os
import re
import subprocess
import tempfile
import threading

import builds as built
import exchange
import files
import ledger
import mistakes
import share
import workers

AT_FIRST = 8  # of a group, that are shrunk
NO_BYTES = files.sha1(b"")
MOST = 5000  # new inputs of one worker that are looked at in a session
TREES = ("linux", "diff")  # targets that run on a kernel tree
TWO_POLICIES = ("plugin-diff",)  # targets that nosnoop-shrink and nosnoop-replay have no form of
SHRINKABLE = ("ops", "policy", "diff", "linux")
STUCK = 300  # seconds for one shrinking
QUIET = {"ASAN_OPTIONS": "abort_on_error=1:detect_leaks=0", "UBSAN_OPTIONS": "abort_on_error=1:print_stacktrace=0"}
NOT_AGAIN = "NOT-AGAIN"
SLOW = "time or memory"  # ran out, on a machine that had other things to do: no sign of anything


@dataclasses.dataclass
class Input:
    path: str
    target: str
    worker: str
    sha: str
    size: int
    program: str | None = None  # text of what ran, when its finding could print it
    said: str = ""  # of a finding: what is wrong, in words that are the same for each input of one bug


def is_due(nth):
    """Is the nth input of a group (from 1) one that is shrunk?"""
    return nth <= AT_FIRST or nth & (nth - 1) == 0


# --- what is there ---------------------------------------------------------------------------------------------------


def finding_files(place, target):
    """(worker, path) of all inputs that ended an engine, and of seeds that show something."""
    for name in files.folders(place.afl(target)):
        for folder in workers.afl_findings(place.afl(target, name)):
            for path in files.inputs(folder):
                if os.path.basename(path).startswith("id:"):
                    yield workers.owner(name), path
    for name in files.folders(place("libfuzzer", target)):
        for path in files.inputs(place("libfuzzer", target, name, "artifacts")):
            if not os.path.basename(path).startswith("slow-unit-"):  # slow is no finding
                yield name, path
    for path in files.inputs(place("seeds", target + ".found")):
        yield "seeds", path


def gather(place, targets, known, unread=None):
    """(new inputs, smallest first and no content twice; how many were left for lack of time). @unread: hears of (path, why)."""
    out, left, seen, of = [], 0, set(known), collections.Counter()
    for target in targets:
        for worker, path in finding_files(place, target):
            try:
                data = files.read(path)
            except OSError as e:
                if unread:
                    unread(path, e)
                continue
            if not data and not path.endswith(NO_BYTES):  # the disk was full; libFuzzer's names tell of one that is meant so
                continue
            name = f"{target}:{files.sha1(data)}"
            if name in seen:
                continue
            if of[target, worker] >= MOST:
                left += 1
                continue
            seen.add(name)
            of[target, worker] += 1
            out.append(Input(path, target, worker, name, len(data)))
    return sorted(out, key=lambda i: (i.size, i.path)), left


# --- what each comes to ------------------------------------------------------------------------------------------------


def short(said):
    """What tells crashes apart that no rule names: kind of error or failed assertion, without addresses and process ids."""
    for pattern in (r"ERROR: \w+: ([\w-]+)", r"(runtime error: [^\n]*)", r"(Assertion [^\n]*)"):
        found = re.search(pattern, said or "")
        if found:
            return plain(found[1])
    return ""


def plain(said):
    """The first line, without addresses and numbers."""
    lines = [x.strip() for x in (said or "").splitlines() if x.strip()]
    return re.sub(r"0x[0-9a-f]+|\d+", "N", lines[0])[:100] if lines else ""


def classify(inputs, builds, env, jobs):
    """[(input, verdict)]; a verdict "ok" means that it did not happen again under any replayer there is, UNJUDGED that one of
    them gave up and none saw anything."""
    out, gave_up = [], {}

    def batch(args):
        replayer, part = args
        return list(zip(part, exchange.judged(replayer, [i.path for i in part], env | QUIET)))

    by_target = collections.defaultdict(list)
    for i in inputs:
        by_target[i.target].append(i)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for target, rest in by_target.items():
            for replayer in builds.replayers(target):
                parts = [(replayer, rest[at:at + 100]) for at in range(0, len(rest), 100)]
                pairs = [p for b in pool.map(batch, parts) for p in b]
                out += [p for p in pairs if p[1]["verdict"] not in ("ok", exchange.UNJUDGED)]
                for i, v in pairs:
                    i.program, i.said = v.get("program"), plain(v.get("said")) if v["verdict"] == "finding" else ""
                gave_up.update({i.sha: v for i, v in pairs if v["verdict"] == exchange.UNJUDGED})
                rest = [i for i, v in pairs if v["verdict"] in ("ok", exchange.UNJUDGED)]
            out += [(i, gave_up.get(i.sha, {"verdict": "ok"})) for i in rest]
    return out


def group_of(i, v):
    """(rule, policy, target, signal and words): what is surely not one finding is never in one group."""
    if v["verdict"] == "ok":
        slow = os.path.basename(os.path.dirname(i.path)).startswith("hangs") or re.match("timeout-|oom-", os.path.basename(i.path))
        return NOT_AGAIN, "-", i.target, SLOW if slow else ""
    rule = v.get("rule") or "CRASH"
    policy = v.get("policy") or "-"
    if v["verdict"] != "finding":
        what = " ".join(filter(None, (v.get("signal"), short(v.get("said")))))
    else:  # a shape tells findings of programs apart, and one bug says many things about them
        what = "" if i.target in SHRINKABLE else i.said
    return rule, policy, i.target, what


# --- smaller -----------------------------------------------------------------------------------------------------------


class Shrinker:
    def __init__(self, builds, about, scratch):
        self.builds, self.about, self.scratch = builds, about, scratch

    def policy_args(self, policy):
        """Of each attempt. A shared object is known to the tools by its path, and what it calls itself only it knows: of several
        each is tried."""
        given = (self.about["policy"] or "").split(",")
        objects = [x for x in given if "/" in x]
        if not objects or policy in given:
            return [["--policy", policy] if policy != "-" else []]
        return [["--policy", x] for x in objects]

    def backend_args(self, target):
        backend = self.about["backend"] or "linux"
        return {"linux": ["--backend", backend], "diff": ["--backend", backend, "--diff"]}.get(target, [])

    def commands(self, rule, policy, target, path):
        tool = self.builds.tool("shrink", sanitized=rule in ("CRASH", "HANG"))
        if not tool:
            return []
        policies = [[]] if target in TREES else self.policy_args(policy)
        return [[tool, "--json", "--rule", rule, *p, *self.backend_args(target), path] for p in policies]

    def json(self, rule, policy, target, path):
        """What nosnoop-shrink says about a trace or an input; None: the rule does not fire there."""
        commands = self.commands(rule, policy, target, path)
        for args in commands:
            try:
                done = subprocess.run(args, env=os.environ | QUIET, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=STUCK,
                                      check=False)
                got = json.loads(done.stdout) if done.returncode == 0 else None
            except (subprocess.TimeoutExpired, ValueError):
                continue
            if got and (len(commands) == 1 or policy in ("-", got["policy"])):
                return got
        return None

    def __call__(self, i, rule, policy):
        """Of an engine's input: what ran of it (targets differ in how large buffers may be), else its bytes."""
        data = i.program.encode() if i.program else files.whole_program(files.read(i.path))
        # A file of its own: many inputs may run one program, and are shrunk at the same time.
        fd, path = tempfile.mkstemp(suffix=".ops" if i.program else ".bin", dir=self.scratch)
        try:
            with os.fdopen(fd, "wb") as f:
                f.write(data)
            return self.json(rule, policy, i.target, path)
        finally:
            os.unlink(path)


# --- what is known already -----------------------------------------------------------------------------------------------


class Expected:
    """Traces of findings that are nobody's news: those of a folder, told apart as ours are. Only those that speak about the rule
    and the policy in question are shrunk, and only once. Deviations of a kernel tree are told apart by what is said
    (fuzz/expected.h): they have more shapes than anybody could list."""

    def __init__(self, folders, shrinker):
        self.folders = folders
        self.texts = {p: files.read(p).decode(errors="replace") for f in folders for p in files.inputs(f) if p.endswith(".ops")}
        # nosnoop-replay takes all of a folder for deviations: one where a trace says nothing of a finding is of something else.
        self.of_trees = [f for f in folders if all(re.search(r"(?m)^expect (finding|linux)\b", text)
                                                   for path, text in self.texts.items() if os.path.dirname(path) == f.rstrip("/"))]
        self.shrinker, self.shapes = shrinker, {}

    def speaks(self, text, rule, policy):
        if rule in mistakes.CONTRACTS:
            return re.search(rf"(?m)^expect ({re.escape(policy[:15])}\w*|sound|all) {re.escape(rule)}\b", text)
        return re.search(rf"(?m)^expect finding {re.escape(rule.removeprefix('finding:'))}\b", text) or \
            re.search(rf"(?m)^# rule: +{re.escape(rule)}$", text)

    def deviation(self, rule, target, text):
        """The trace of a known deviation of the kernel tree by which @text breaks the rule, or None. What two runs differ in has no
        signature of its own: there it is the deviation that comes first. What ends the process is nobody's."""
        tool = self.shrinker.builds.tool("replay") if rule not in ("CRASH", "HANG") else None
        path = os.path.join(self.shrinker.scratch, f"deviation-{threading.get_ident()}.ops")
        files.save(path, re.sub(r"(?m)^expect .*\n", "", text))
        for folder in self.of_trees if tool else []:
            args = [tool, "--json", "--expected", folder, *self.shrinker.backend_args(target), path]
            try:
                done = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=STUCK, check=False)
                result = json.loads(done.stdout)["results"][0]
                said = result["known"] if rule == "DIFF" else next((d["expected"] for d in result["deviations"]
                                                                    if d["rule"] == rule.removeprefix("finding:") and d["expected"]), None)
            except (subprocess.TimeoutExpired, ValueError, LookupError):  # a crash
                continue
            if said:
                return os.path.join(folder, said + ".ops")
        return None

    def find(self, rule, policy, target, shape, text):
        """The trace that shows the same, or None."""
        if target in TREES:
            return self.deviation(rule, target, text)
        for path, known in self.texts.items():
            if not self.speaks(known, rule, policy):
                continue
            if (path, rule, policy) not in self.shapes:
                got = self.shrinker.json(rule, policy, target, path)
                self.shapes[path, rule, policy] = got and shape_text(got["shape"])
            if self.shapes[path, rule, policy] == shape:
                return path
        return None


# --- the list ------------------------------------------------------------------------------------------------------------


def shape_text(shape):
    """Sixteen digits, whatever a tool puts before them."""
    return shape.lower().removeprefix("0x").rjust(16, "0")


class Triage:
    """state, in triage.json: inputs that have been looked at, groups with their counts, findings."""

    def __init__(self, session, builds, env, expected_folders, jobs):
        self.place, self.session, self.builds, self.env, self.jobs = session.place, session, builds, env, jobs
        self.path = self.place("triage.json")
        self.state = files.load_json(self.path) or {"inputs": {}, "groups": {}, "findings": {}, "builtin": {}}
        for old in [*self.state["findings"].values(), *self.state["groups"].values()]:
            old.setdefault("told", old.get("session", old.get("inputs")))  # of a folder from before that was noted
        self.shrinker = Shrinker(builds, session.about, self.place.made("tmp"))
        self.expected = Expected(expected_folders, self.shrinker)
        self.left = 0
        self.unjudged = []  # lines; such inputs are not remembered, so that the next session tries again

    def run(self):
        targets = self.session.about["targets"]
        self.place.made("findings")
        inputs, self.left = gather(self.place, targets, self.state["inputs"], self.not_judged)
        groups = collections.defaultdict(list)
        for i, v in classify(inputs, self.builds, self.env, self.jobs):
            if v["verdict"] == exchange.UNJUDGED:
                self.not_judged(i.path, v["said"])
            else:
                groups[group_of(i, v)].append(i)
        for key, members in groups.items():
            self.group(key, sorted(members, key=lambda i: (i.size, i.path)))
        for target in targets:
            for name in files.folders(self.place("builtin", target)):
                if not name.endswith(".import"):
                    try:
                        self.builtin(target, name)
                    except (OSError, ValueError, KeyError) as e:
                        self.not_judged(self.place("builtin", target, name, "ledger.json"), e)
        files.save_json(self.path, self.state)

    def not_judged(self, path, why):
        self.unjudged.append(f"{os.path.relpath(path, self.place.root)}: {' '.join(str(why).split())[:200]}")

    def shrunk(self, i, rule, policy):
        """What the shrinker says; None: it could not, and the input is kept as it is."""
        try:
            return self.shrinker(i, rule, policy)
        except OSError:
            return None

    def group(self, key, members):
        rule, policy, target, what = key
        g = self.state["groups"].setdefault("|".join(key), {"rule": rule, "policy": policy, "target": target, "what": what,
                                                            "inputs": 0, "shrunk": 0, "told": 0, "sessions": []})
        due = []
        for i in members:
            g["inputs"] += 1
            self.state["inputs"][i.sha] = "|".join(key)
            if is_due(g["inputs"]):
                due.append(i)
        if self.session.number not in g["sessions"]:
            g["sessions"].append(self.session.number)
        if rule == NOT_AGAIN:
            return
        if target not in SHRINKABLE:
            self.whole(key, members)
            g["shrunk"] = g["inputs"]
            return
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            results = list(pool.map(lambda i: self.shrunk(i, rule, policy), due))
        for i, got in zip(due, results):
            g["shrunk"] += 1
            if got:
                self.add(rule, got["policy"], target, shape_text(got["shape"]), got["program"], i.worker, got["ops"], 1, what)
            else:
                self.kept(key, i)

    def kept(self, key, i):
        try:
            self.raw(key, i)
        except OSError as e:
            self.state["inputs"].pop(i.sha, None)
            self.not_judged(i.path, e)

    def whole(self, key, members):
        for i in members:
            self.kept(key, i)

    def raw(self, key, i):
        """What cannot be shrunk is kept as it is: one of all that say the same, the first and so the smallest."""
        rule, policy, target, what = key
        what = what or i.said
        text, ops = self.readable(rule, policy, i) if target in TWO_POLICIES and i.program else (None, None)
        self.add(rule, policy, target, "unshrunk" + (f"-{files.sha1(what.encode())[:8]}" if what else ""), text, i.worker, ops,
                 1, what, i.path)

    def readable(self, rule, policy, i):
        """A program on which no tool but the target's own replayer speaks: (its text and how to run it, ops)."""
        lines = [x for x in i.program.splitlines() if not x.startswith("expect ")]
        settings = "".join(f"{k}={v} " for k, v in sorted(self.env.items()) if k.startswith("FUZZ_"))
        return "\n".join([f"# {rule} under {policy}", f"# policy: {policy}", f"# replay: {settings}fuzz-{i.target}-replay FILE", *lines]) + "\n", len(lines)

    def add(self, rule, policy, target, shape, text, worker, ops, count, what="", source=None):
        place = "" if target in share.PROGRAMS else f"{target}-"
        stem = re.sub(r"[^\w.-]", "_", f"{place}{policy}-{rule}-{shape}")
        f = self.state["findings"].get(stem)
        if not f:
            f = {
                "rule": rule, "policy": policy, "target": target, "shape": shape, "ops": ops, "what": what, "count": 0,
                "workers": [], "first_seen": ledger.now(), "session": self.session.number, "told": None,
                "file": stem + (".ops" if text else ".input"),
                "known": self.expected.find(rule, policy, target, shape, text) if text and target in SHRINKABLE else None}
            if text:
                f |= mistakes.of_trace(text)
            if f["known"]:
                f["known"] = os.path.relpath(f["known"], built.TOP)
            if text:
                files.save(self.place("findings", f["file"]), with_origin(text, f, worker))
            else:
                files.save(self.place("findings", f["file"]), files.read(source))
            self.state["findings"][stem] = f  # it has a file
        f["count"] += count
        f["seen"] = self.session.number
        if worker not in f["workers"]:
            f["workers"].append(worker)

    def builtin(self, target, name):
        """Findings of nosnoop-fuzz, by its ledger; counted once however often we look."""
        folder = self.place("builtin", target, name)
        for f in (files.load_json(os.path.join(folder, "ledger.json")) or {}).get("findings", []):
            mark = f"{target}/{name}/{f['file']}"
            count = f["count"] - self.state["builtin"].get(mark, 0)
            path = os.path.join(folder, "findings", f["file"])
            if count <= 0 or not os.path.exists(path):
                continue
            self.state["builtin"][mark] = f["count"]
            text, shape, ops = files.read(path).decode(errors="replace"), shape_text(f["shape"]), f["ops"]
            if not f["ops_before"]:  # it ended the process, and is as long as it was
                got = self.shrinker.json(f["rule"], f["policy"], target, path)
                if got:
                    text, shape, ops = got["program"], shape_text(got["shape"]), got["ops"]
            self.add(f["rule"], f["policy"], target, shape, text, name, ops, count)

    # --- what came out

    def findings(self):
        """Rows, new ones first, then by rule and policy. New is what no summary of an earlier session has told of."""
        rows = [dict(f, new=f["told"] in (None, self.session.number) and not f["known"]) for f in self.state["findings"].values()]
        return sorted(rows, key=lambda f: (not f["new"], f["rule"], f["policy"], f["ops"] or 0, f["shape"]))

    def told(self, alone=()):
        """The summary is written: what it tells is no news for the next session. @alone: files of findings that stood alone in it."""
        for f in self.state["findings"].values():
            f["told"] = f["told"] or self.session.number
            f["alone"] = f.get("alone", False) or f["file"] in alone
        for g in self.state["groups"].values():
            g["told"] = g["inputs"]
        files.save_json(self.path, self.state)

    def not_again(self):
        """Inputs that ended a worker and do nothing when they are replayed, as far as no summary has told of them."""
        return self.come_to_nothing(slow=False)

    def slow(self):
        """The same of inputs that ran out of time or memory."""
        return self.come_to_nothing(slow=True)

    def come_to_nothing(self, slow):
        return sum(g["inputs"] - g["told"] for g in self.state["groups"].values() if g["rule"] == NOT_AGAIN and (g["what"] == SLOW) == slow)

    def groups(self):
        return [g for g in self.state["groups"].values() if g["rule"] != NOT_AGAIN]


def with_origin(text, f, worker):
    """The header's line on where a trace comes from, behind the line on its policy."""
    lines = text.splitlines(keepends=True)
    at = next((n + 1 for n, line in enumerate(lines) if line.startswith("# policy:")), 0)
    lines = [line for line in lines if not line.startswith("# from:")]
    lines.insert(min(at, len(lines)), f"# from:   a campaign, first seen {f['first_seen']} by {worker} ({f['target']})\n")
    return "".join(line.replace(" FILE", " " + f["file"]) if line.startswith("# replay:") else line for line in lines)
