# SPDX-License-Identifier: GPL-2.0-only
"""
The steps of a night. Each gives a result: what came of it (ok, found, worse, skipped), a line of words, figures, findings. A step
that cannot run raises Failure: the night goes on, and is not valid.
"""

import json
import os
import re

from folder import load
from programs import TOP, Failure, git, last_line

HOUR = 3600
ORDER = ("build", "replay", "check", "museum", "gate", "campaign")  # the long one last: a night that is cut short has the rest
NEEDS_BUILD = {"replay": "rel", "check": "rel", "gate": "rel", "museum": "museum"}
PARTS = 7  # of the museum, a night each
TRACE_LINES = 40  # of a finding that stands in night.json


class Night:
    """What the steps share."""

    def __init__(self, programs, folder, options, commit, changed, date):
        self.programs, self.folder, self.options = programs, folder, options
        self.commit, self.changed, self.date = commit, changed, date
        self.broken = {}  # preset: why it did not build
        self.turn = None  # of the museum, once its part is tried

    def log(self, step):
        return os.path.join(self.folder.work, f"{step}.log")

    def out(self, name):
        return os.path.join(self.folder.work, name)


def result(status, words, figures=None, findings=(), **more):
    return dict({"status": status, "words": words, "figures": figures or {}, "findings": list(findings)}, **more)


def failed(night, step, why):
    """A part of the museum that has been tried is done with, too: it would else be in the way of the others, night after night."""
    if step != "museum" or night.turn is None:
        return result("invalid", why)
    return result("invalid", f"{why}; part {night.turn % PARTS + 1} of {PARTS} comes again after the others", {"turn": night.turn})


def finding(step, what, rule=None, policy=None, text=None, origin=None, replay=None, **more):
    """@what: a line. @text: a trace, or what else there is to read. @origin: where it comes from, which is its name. @replay: a command; FILE
    stands for the trace."""
    return dict({"step": step, "what": what, "rule": rule, "policy": policy, "text": text, "from": origin, "replay": replay}, **more)


def number(n, what):
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def ended(findings, words, figures, more=0):
    """@more: that many findings besides."""
    return result("found" if findings or more else "ok", words, figures, findings)


# --- build -------------------------------------------------------------------------------------------------------------


def presets(steps):
    """What the steps need, with the targets; none: all."""
    wanted = {}
    if {"replay", "check", "gate", "campaign"} & set(steps):
        wanted["rel"] = []
    if "museum" in steps:
        wanted["museum"] = ["nosnoop-museum"]
    return wanted


def build(night):
    if not night.programs.there("build.sh"):
        return result("skipped", "the programs were given (--bin)")
    wanted = presets(night.options["steps"])
    for preset, targets in wanted.items():
        status = night.programs.run("build.sh", [preset, night.options["jobs"], *targets], night.log("build"), seconds=4 * HOUR)
        if status:
            night.broken[preset] = f"preset {preset} does not build: {last_line(night.log('build'))}"
    if night.broken:
        raise Failure("; ".join(night.broken.values()))
    return result("ok", "presets " + ", ".join(wanted) if wanted else "nothing is needed")


# --- replay ------------------------------------------------------------------------------------------------------------


def corpus():
    """Not what is said of Linux's own files: the core does not show it."""
    found = []
    for folder, dirs, names in os.walk(os.path.join(TOP, "corpus")):
        dirs.sort()
        found += [os.path.relpath(os.path.join(folder, n), TOP) for n in sorted(names) if n.endswith(".ops")]
    return [f for f in found if not f.startswith("corpus/regress/linux/")]


def text_of(path):
    try:
        with open(os.path.join(TOP, path), encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return None


def why_bad(r):
    if r["findings"]:
        return r["findings"][0]["rule"], r["findings"][0]["what"]
    for f in r["expect"]["failures"]:
        return "expect", f"{f['expect']}: {f['found']}"
    for c in r["claims"]:
        if r["contracts"].get(c, "ok") != "ok":
            return c, f"{c} is claimed and broken at op {r['contracts'][c]['op']}"
    return "bad", "nosnoop-replay calls it bad"


def replayed(results):
    """A finding a trace: what breaks one policy often breaks them all."""
    bad = {}
    for r in results:
        if r["outcome"] == "bad":
            bad.setdefault(r["trace"], []).append(r)
    for trace, rows in sorted(bad.items()):
        rule, what = why_bad(rows[0])
        others = f" and {number(len(rows) - 1, 'other')}" if len(rows) > 1 else ""
        yield finding("replay", f"{trace} under {rows[0]['policy']}{others}: {what}", rule, rows[0]["policy"], text_of(trace), trace,
                      f"nosnoop-replay --policy {rows[0]['policy']} FILE")


def replayer(night, name, traces):
    """One fuzz target over the corpus, each input on its own, then in other orders. (findings, inputs)"""
    out = night.out(f"{name}.json")
    status = night.programs.run(name, ["--json", *traces], night.log("replay"), out, HOUR)
    try:
        with open(out, encoding="utf-8") as f:
            rows = [json.loads(line) for line in f if line.strip()]
        bad = [r for r in rows if r["verdict"] != "ok"]
    except (ValueError, KeyError, TypeError):
        rows, bad = [], []
    if status not in (0, 1) or len(rows) != len(traces) or bool(bad) != (status == 1):
        raise Failure(f"{name} ended with {status} after {number(len(rows), 'input')} of {len(traces)}: {last_line(night.log('replay'))}")
    found = [finding("replay", f"{name}: {r.get('rule', r['verdict'])} in {r['file']}", r.get("rule", r["verdict"]), r.get("policy"),
                     text_of(r["file"]), f"{name}:{r['file']}", f"{name} FILE") for r in bad]
    if found:
        return found, len(rows)  # it would end at the first of them
    status = night.programs.run(name, ["--orders", *traces], night.log("replay"), night.out(f"{name}.orders"), HOUR)
    if status not in (0, 1):
        raise Failure(f"{name} --orders ended with {status}: {last_line(night.log('replay'))}")
    if status:
        with open(night.out(f"{name}.orders"), encoding="utf-8", errors="replace") as f:
            found.append(finding("replay", f"{name} is not deterministic over the corpus", "ORDER", None, f.read(), f"{name}:orders",
                                 f"{name} --orders corpus"))
    return found, len(rows)


def replay(night):
    traces = corpus()
    if not traces:
        raise Failure("corpus/ holds no traces")
    status, said = night.programs.run_json("nosnoop-replay", ["--json", *traces], night.log("replay"), night.out("replay.json"), HOUR)
    rows = said["results"]
    found = list(replayed(rows))
    if bool(found) != (status == 1):
        raise Failure(f"nosnoop-replay ended with {status}, and called {number(len(found), 'trace')} bad")
    names, inputs = night.programs.replayers(), 0
    for name in names:
        more, nr = replayer(night, name, traces)
        found, inputs = found + more, inputs + nr
    policies = len({r["policy"] for r in rows})
    skipped = sum(r["outcome"] == "skip" for r in rows)
    words = f"{number(len(traces), 'trace')} under {number(policies, 'policy') if policies == 1 else f'{policies} policies'}, {len(found)} bad"
    words += f", {skipped} not judged" if skipped else ""
    words += f"; {number(len(names), 'fuzz target')} over them" if names else "; no fuzz target's replayer is here"
    return ended(found, words, {"traces": len(traces), "policies": policies, "verdicts": len(rows), "inputs": inputs, "targets": names})


# --- check -------------------------------------------------------------------------------------------------------------


def broken_claims(said, option):
    for r in said["results"]:
        command = f"nosnoop-check {option}--policy {r['policy']}"
        if r["finding"]:
            f = r["finding"]
            yield finding("check", f"{f['rule']} under {r['policy']} in {f['requests']} requests: {f['what']}", f["rule"], r["policy"], f["trace"],
                          f"check:{option}{r['policy']}:{f['rule']}", command)
        for c, v in r["contracts"].items():
            if v["claimed"] and v["verdict"] == "broken":
                yield finding("check", f"{c} under {r['policy']}, which claims it, in {v['requests']} requests", c, r["policy"], v.get("trace"),
                              f"check:{option}{r['policy']}:{c}", command)


def check(night):
    found, states, transitions, whole, policies = [], 0, 0, 0, 0
    for option, name in (("", "check"), ("--failures ", "check-failures")):
        args = ["--preset", "small", "--policy", "all", "--jobs", night.options["jobs"], "--json", *option.split()]
        status, said = night.programs.run_json("nosnoop-check", args, night.log("check"), night.out(f"{name}.json"), 4 * HOUR)
        more = list(broken_claims(said, option))
        if bool(more) != (status == 1):
            raise Failure(f"nosnoop-check {option}ended with {status}, and printed {number(len(more), 'broken claim')}")
        found += more
        states += sum(r["states"] for r in said["results"])
        transitions += sum(r["transitions"] for r in said["results"])
        whole += sum(r["end"] == "fixpoint" for r in said["results"])
        policies = len(said["results"])
    words = f"{policies} policies, without and with failing requests: {states} states, {whole} of {2 * policies} to the fixpoint"
    return ended(found, words, {"policies": policies, "states": states, "transitions": transitions, "fixpoints": whole})


# --- museum ------------------------------------------------------------------------------------------------------------


def exhibits(listing):
    """Ids of `--mutant list`, but for the control and what is not tried: schedules, layers that are not there yet."""
    found = []
    for line in listing.splitlines():
        if line[:1].strip():
            found.append(line)
        elif found:
            found[-1] += " " + line.strip()
    rows = [line.split(None, 1) for line in found]
    return [r[0] for r in rows if r[0] != "none" and len(r) == 2 and "(needs schedules)" not in r[1] and "(needs later layers)" not in r[1]]


def sample(ids, turn):
    """Every seventh, another set each turn: seven turns in a row cover all."""
    return [m for i, m in enumerate(ids) if i % PARTS == turn % PARTS]


def lost(rows, options):
    for r in rows:
        if r["good"]:
            continue
        rules = " ".join(r.get("rules", {}))
        what = f"control: {rules} fired, and nothing is wrong" if r["kind"] == "control" else \
            f"{r['mutant']} was found in {r.get('detected', 0)} of {len(r.get('trials', []))} trials: {r['what']}"
        yield finding("museum", what, rules if r["kind"] == "control" else "MISSED", None, None, f"museum:{r['mutant']}",
                      f"nosnoop-museum --mutant {r['mutant']} {options}")


def museum(night):
    # Another part every time, whichever days nights are on, and another seed: other programs. Enough of them that chance does not miss one.
    o, turn = night.options, night.folder.museum_turn(night.date.toordinal())
    limits = ["--seed", turn, "--trials", o["museum_trials"], "--runs", o["museum_runs"], "--seconds", 3600]
    listing = night.out("museum.list")
    status = night.programs.run("nosnoop-museum", ["--mutant", "list"], night.log("museum"), listing, 600)
    ids = exhibits(text_of(listing) or "")
    if status or not ids:
        raise Failure(f"nosnoop-museum --mutant list ended with {status}, {len(ids)} mutants: {last_line(night.log('museum'))}")
    mine, night.turn = sample(ids, turn), turn
    args = ["--mutant", ",".join(["none", *mine]), *limits, "--jobs", o["jobs"], "--json"]
    status, said = night.programs.run_json("nosnoop-museum", args, night.log("museum"), night.out("museum.json"), 8 * HOUR)
    rows = said["mutants"]
    found = list(lost(rows, " ".join(map(str, limits))))
    if {r["mutant"] for r in rows} != {"none", *mine} or bool(found) != (status == 1):
        raise Failure(f"nosnoop-museum ended with {status} after {number(len(rows), 'mutant')} of {len(mine) + 1}, {len(found)} of them not good")
    good = sum(r["good"] for r in rows if r["kind"] != "control")
    runs = sum(t["executions"] for r in rows for t in r.get("trials", []))
    words = f"{good} of {number(len(mine), 'mutant')} found in every trial (part {turn % PARTS + 1} of {PARTS}, of {len(ids)})"
    words += "" if any(f["from"] == "museum:none" for f in found) else "; the control was silent"
    return ended(found, words, {"turn": turn, "mutants": mine, "of": len(ids), "found": good, "executions": runs})


# --- gate --------------------------------------------------------------------------------------------------------------


def worse(said):
    lines = []
    for w in said["workloads"]:
        lines += [f"{w['workload']}.{c['metric']} {c['base']} -> {c['candidate']}" for c in w["changes"] if c["worse"] and not c["accepted"]]
        for what in ("instructions", "time"):
            t = w[what]
            if isinstance(t, dict) and not t.get("accepted") and w["verdict"] == "regression" and \
                    (t.get("decision") == "regression" or what == "instructions" and t["ratio"] > 1 + said["rule"]["instructions"]):
                lines.append(f"{w['workload']}.{what} {100 * (t['ratio'] - 1):+.2f} %")
    return lines


def gate_words(said):
    """What it came to, and whether that is nothing: a time that cannot be told is no fault of the candidate."""
    cannot = [w for w in said["workloads"] if w["why"] or w["candidate"] == "n/a"]
    if said["verdict"] == "invalid" and cannot:
        raise Failure(f"{cannot[0]['workload']}: {cannot[0]['why'] or 'it could not be counted'}")
    restless = sum(w["verdict"] == "invalid" for w in said["workloads"])
    words = {"same": "no change", "better": "better", "invalid": "no change that can be told"}.get(said["verdict"], said["verdict"])
    words += f" on {number(len(said['workloads']), 'workload')}" + (", the code is the same" if said["same"] else "")
    return words + (f"; time not told on {restless}, the machine is too restless" if restless else "")


def gate(night):
    if not night.commit:
        return result("skipped", "no git, or no repository here")
    base = night.folder.last()
    if not base:
        return result("skipped", "the first night: nothing to compare with", next=night.commit)
    if git("rev-parse", "-q", "--verify", base + "^{commit}") is None:
        return result("skipped", f"commit {base[:12]} of the last night is not in this repository", next=night.commit)
    if base == night.commit and not night.changed:
        return result("skipped", "no commit since the last night", next=night.commit)
    candidate = "." if night.changed else night.commit
    args = ["--base", base, "--candidate", candidate]
    status, said = night.programs.run_json("nosnoop-bench", ["gate", *args, "--json"], night.log("gate"), night.out("gate.json"), 4 * HOUR, (0, 1, 2))
    if not said["workloads"] or (status == 1) != (said["verdict"] == "regression"):
        raise Failure(f"nosnoop-bench gate ended with {status}, verdict {said['verdict']}, {number(len(said['workloads']), 'workload')}")
    words = f"{base[:7]}..{night.commit[:7]}: {gate_words(said)}"
    figures = {"base": base, "verdict": said["verdict"], "workloads": len(said["workloads"])}
    if status != 1:
        return result("ok", words, figures, next=night.commit)
    lines = worse(said)
    what = (said["sentence"] or "a regression").split("\n", 1)[0].removesuffix(" due to commit:").removeprefix("nosnoop noticed ")
    f = finding("gate", f"{what}, {base[:7]}..{night.commit[:7]}", "WORSE", said["policy"], "\n".join(lines), f"gate:{night.commit}",
                f"nosnoop-bench gate {' '.join(args)}")
    return result("worse", words, figures, [f], next=night.commit)


# --- campaign ----------------------------------------------------------------------------------------------------------


def header(text, key):
    found = re.search(rf"^#\s*{key}:\s*(.*)$", text or "", re.M)
    return found[1].strip() if found else None


def from_file(path, name, row):
    """@row: what the campaign's summary says of it, or nothing."""
    text = text_of(path) if path.endswith(".ops") else None  # else an input of an engine that has no text
    rule, policy, ops = row.get("rule") or header(text, "rule"), row.get("policy") or header(text, "policy"), header(text, "ops")
    nr = re.match(r"\d+", ops or "")
    what = f"{rule or 'a finding'} under {policy or 'a policy that is not told'}" + (f", {number(int(nr[0]), 'op')}" if nr else "")
    command = (header(text, "replay") or f"nosnoop-replay --policy {policy or 'all'} FILE").replace(os.path.basename(name), "FILE")
    if text is None:
        command = f"fuzz-{row.get('target', 'ops')}-replay FILE"
    return finding("campaign", what, rule, policy, text, name, command, path=path)


def new_findings(night, folder, rows):
    """
    Files in findings/ that stood in no mail yet, also of a night that was interrupted. Those of which the summary says that they
    are known, or like another one, are none.
    """
    found, about = [], {r["file"]: r for r in rows if isinstance(r, dict) and "file" in r}
    for path in sorted(os.path.join(folder, "findings", n) for n in listed(os.path.join(folder, "findings"))):
        name, row = os.path.relpath(path, night.folder.path), about.get(os.path.basename(path), {})
        if path.endswith((".ops", ".input")) and name not in night.folder.reported() and not row.get("known") and not row.get("like"):
            found.append(from_file(path, name, row))
    return found


def listed(folder):
    try:
        return [n for n in os.listdir(folder) if n[0] != "."]
    except FileNotFoundError:
        return []


def fuzzed(figures):
    """A line of what campaigns count."""
    words = [f"{figures[k]} {k}" for k in ("executions", "states") if figures.get(k) is not None]
    if figures.get("cpu_hours") is not None:
        words.insert(1, f"{figures['cpu_hours']:.3g} CPU hours")
    return ", ".join(words)


def stand_in(night):
    """Without scripts/campaign.sh."""
    o, folder = night.options, night.folder.at("fuzz")
    seconds = o["hours"] * HOUR
    args = ["--policy", "all-sound", "--seconds", f"{seconds:.3f}", "--jobs", o["jobs"], "--out", folder, "--json"]
    status, said = night.programs.run_json("nosnoop-fuzz", args, night.log("campaign"), night.out("campaign.json"), seconds + 2 * HOUR)
    last = said["sessions"][-1]
    if not last["runs"]:
        raise Failure("nosnoop-fuzz executed nothing")
    figures = {"executions": last["runs"], "cpu_hours": last["cpu_seconds"] / HOUR, "states": said["states"], "corpus": said["corpus"]}
    found = new_findings(night, folder, said["findings"])
    words = f"nosnoop-fuzz alone, since scripts/campaign.sh is not here: {fuzzed(figures)}"
    return ended(found, words, figures, status == 1 and not found)


def campaign_figures(summary):
    """By the names of scripts/campaign.sh's summary.json; what it does not tell stays away."""
    cover, corpora = summary.get("coverage") or {}, (summary.get("corpus") or {}).values()
    figures = {"executions": summary.get("executions"), "states": cover.get("states"), "lines": cover.get("lines"), "branches": cover.get("branches"),
               "cpu_hours": summary["cpu_seconds"] / HOUR if "cpu_seconds" in summary else None,
               "corpus": sum(c["after"] for c in corpora) if corpora else None}
    return {k: v for k, v in figures.items() if v is not None}


def campaign(night):
    if not night.programs.there("campaign.sh"):
        return stand_in(night)
    o, folder = night.options, night.folder.at("campaign")
    path = os.path.join(folder, "summary.json")
    old = identity(path)
    # Building, merging and triage are beside the hours.
    long = ["--profile"] * (o["hours"] >= 1)  # worth its minute or two
    status = night.programs.run("campaign.sh", ["--hours", o["hours"], "--jobs", o["jobs"], "--out", folder, *long], night.log("campaign"),
                                seconds=o["hours"] * 1.5 * HOUR + 4 * HOUR)
    summary = load(path) or {}
    found = new_findings(night, folder, summary.get("findings", []))
    if identity(path) == old:
        # It did not come that far. What lies in findings/ counts all the same.
        return result("invalid", f"campaign.sh ended with {status} and no summary: {last_line(night.log('campaign'))}", {}, found)
    figures = campaign_figures(summary)
    if status not in (0, 1):
        why = "; ".join(summary.get("invalid") or []) or last_line(night.log("campaign"))
        return result("invalid", f"campaign.sh ended with {status}: {why}", figures, found)
    words = fuzzed(figures)
    if status == 1 and not found:
        words += "; it says that there are new findings, and none in findings/ is new here"
    return ended(found, words, figures, status == 1 and not found)


def identity(path):
    """Another one when the file was written anew."""
    try:
        st = os.stat(path)
        return st.st_ino, st.st_mtime_ns
    except OSError:
        return None
