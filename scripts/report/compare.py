# SPDX-License-Identifier: GPL-2.0-only
"""
Two folders in one page and one mail: where they were made, verdicts that changed, counts that changed, times with their intervals. It
calls nothing a regression: a difference in time between two processes decides nothing. That is the gate's business.
"""

import os
import textwrap

from report import intervals, page as pages, tables, verdicts
from report.folder import CONTRACTS, NA, PHASES, number
from report.tables import Cell, Table

COLUMNS = 75
MOST = 30  # lines of a list in the mail

# What decides whether times, and whether counts, can stand beside each other.
MACHINE = ("cpu", "cpus", "microcode", "governor", "kernel")
BUILD = ("compiler", "flags", "build", "run.clean", "run.lines", "run.huge_pages")
INPUT = ("run.size", "run.judged_size", "run.seed")
# Its own in every run, or said elsewhere.
OWN = ("date", "arguments", "commit", "changed", "tool", "run.seconds_judged", "run.seconds_timed", "run.interrupted", "run.stopwatch_ns",
       "run.memory_bytes", "run.rounds_max", "run.seconds_wanted")
EXACT = ("flushes", "redundant", "missing", "bound", "bound_lis0", "findings", "clean_lines")
EXACT_PHASE = ("requests", "pages")


def commit(folder):
    text = str(folder.meta.get("commit", NA))[:12]
    return text + (" with changes" if folder.meta.get("changed") else "")


def exact(record):
    """Counts that come out the same on every run: name -> count."""
    out = {k: record[k] for k in EXACT if number(record.get(k)) is not None}
    for phase in PHASES:
        for k in EXACT_PHASE:
            if number(record.get(phase, {}).get(k)) is not None:
                out[f"{phase}.{k}"] = record[phase][k]
    if isinstance(record.get("algorithm"), dict):
        out.update({f"algorithm.{k}": v for k, v in tables.flat(record["algorithm"]) if number(v) is not None})
    return out


class Time:
    """A phase of a workload under a policy, in both."""

    def __init__(self, workload, policy, phase, a, b):
        self.workload, self.policy, self.phase, self.a, self.b = workload, policy, phase, a, b
        self.overlaps = a.overlaps(b)

    @property
    def change(self):
        return (self.b.median / self.a.median - 1) * 100 if self.a.median > 0 else None


class Comparison:
    def __init__(self, a, b):
        self.a, self.b = a, b
        meta_a, meta_b = (dict(tables.flat(f.meta)) for f in (a, b))
        keys = [k for k in dict.fromkeys([*meta_a, *meta_b]) if k not in OWN]
        self.meta = [(k, meta_a.get(k, NA), meta_b.get(k, NA)) for k in keys if meta_a.get(k, NA) != meta_b.get(k, NA)]
        differing = {k for k, _, _ in self.meta}
        self.across_machines = [k for k in MACHINE if k in differing]
        self.across_builds = [k for k in BUILD if k in differing]
        self.across_inputs = [k for k in INPUT if k in differing]
        self.only_a, self.only_b = self.unshared(a, b), self.unshared(b, a)
        self.policies = [p for p in a.policies if p in b.policies]
        self.workloads = [w["workload"] for w in a.workloads if b.of_workload(w["workload"])]
        self.changed_workloads = self.find_changed_workloads()
        self.workloads = [w for w in self.workloads if w not in self.changed_workloads]
        pairs = [(w, p, a.cell(w, p), b.cell(w, p)) for w in self.workloads for p in self.policies]
        self.pairs = [(w, p, x, y) for w, p, x, y in pairs if x and y]
        self.verdicts = [*self.find_checked(), *self.find_verdicts()]
        self.counts = self.find_counts()
        self.times = self.find_times()

    @staticmethod
    def unshared(this, other):
        return ([p for p in this.policies if p not in other.policies],
                [w["workload"] for w in this.workloads if not other.of_workload(w["workload"])])

    def find_changed_workloads(self):
        """Another program under the same name: its counts differ for that reason."""
        of = {f: {w["workload"]: (w.get("ops"), w.get("buffer_pages")) for w in f.workloads} for f in (self.a, self.b)}
        return [w for w in self.workloads if of[self.a][w] != of[self.b][w]]

    def find_checked(self):
        """nosnoop-check's: (policy, where, contract, a, b)."""
        for name, x, y in (("every sequence", self.a.check, self.b.check), ("with failures", self.a.failures, self.b.failures)):
            if not x or not y:
                continue
            for p in self.policies:
                for c in CONTRACTS:
                    u, v = (said(verdicts.checked(k, p, c)) for k in (x, y))
                    if u != v:
                        yield p, name, c, u, v

    def find_verdicts(self):
        for w, p, x, y in self.pairs:
            for c in CONTRACTS:
                u, v = (on_run(r.get("contracts", {}).get(c)) for r in (x, y))
                if u != v:
                    yield p, w, c, u, v

    def find_counts(self):
        """[(workload, policy, name, a, b)]; None where one of them does not count it."""
        out = []
        for w, p, x, y in self.pairs:
            u, v = exact(x), exact(y)
            out += [(w, p, k, u[k], v[k]) for k in u if k in v and u[k] != v[k]]
        return out

    def find_times(self):
        out = []
        for w, p, x, y in self.pairs:
            for phase in PHASES:
                a, b = intervals.of_phase(x, phase), intervals.of_phase(y, phase)
                if a and b:
                    out.append(Time(w, p, phase, a, b))
        return out

    @property
    def apart(self):
        """Times whose intervals do not overlap, the largest change first."""
        found = [t for t in self.times if t.overlaps is False]
        return sorted(found, key=lambda t: -abs(t.change or 0))

    @property
    def open(self):
        """Times of which one side has no interval."""
        return [t for t in self.times if t.overlaps is None]

    def caveats(self):
        """What a reader has to know before the figures."""
        if self.across_machines:
            yield "Not the same machine and kernel (" + ", ".join(self.across_machines) + "): times cannot be compared. Counts and verdicts can."
        if self.across_builds:
            yield "Built or executed differently (" + ", ".join(k.removeprefix("run.") for k in self.across_builds) + "): times differ for that reason too."
        if self.across_inputs:
            yield "Different input (" + ", ".join(k.removeprefix("run.") for k in self.across_inputs) + "): workloads that are made here differ."
        if self.changed_workloads:
            yield "Another program under the same name, left out: " + ", ".join(self.changed_workloads) + "."
        for which, (policies, workloads) in (("A", self.only_a), ("B", self.only_b)):
            if policies:
                yield f"Policies only in {which}: {', '.join(policies)}."
            if workloads:
                yield f"Workloads only in {which}: {', '.join(workloads)}."
        if not self.pairs:
            yield "No policy ran on the same workload in both: there is nothing to compare."

    def summary(self):
        yield f"{len(self.pairs)} pairs of workload and policy in both."
        yield f"Verdicts: {len(self.verdicts)} changed." if self.verdicts else "Verdicts: none changed."
        yield f"Exact counts: {len(self.counts)} changed." if self.counts else "Exact counts: none changed."
        if self.times:
            yield (f"Times: of {len(self.times)} phases {len(self.apart)} have intervals that do not overlap"
                   + (f", {len(self.open)} have no interval on one side (one round, or rounds not written down)" if self.open else "")
                   + ". What differs between two processes is not decided here: nosnoop-bench gate does that.")


def said(verdict):
    """Of nosnoop-check, short: safe, x@3, >5."""
    n = verdict.get("requests")
    return {"safe": "safe", "broken": f"x@{n}", "bounded": f">{n}"}.get(verdict.get("verdict"), NA)


def on_run(contract):
    return "broken" if isinstance(contract, dict) else str(contract or NA)


# --- the page ----------------------------------------------------------------------------------


def percent(change):
    return Cell(f"{change:+.1f} %", "n") if change is not None else Cell(NA, "n na")


def overlap(t):
    return Cell({True: "overlap", False: "apart", None: NA}[t.overlaps], {True: "", False: "v broken", None: "na"}[t.overlaps])


def time_rows(times):
    return [[Cell(t.workload), t.policy, t.phase, tables.of(t.a), tables.of(t.b), percent(t.change), overlap(t)] for t in times]


def totals(both):
    """By policy, over all workloads that both have."""
    out = []
    for p in both.policies:
        for phase in ("map", "unmap", "teardown"):
            a, b = (intervals.of_policy(f, p, phase, False, both.workloads) for f in (both.a, both.b))
            if a and b:
                out.append(Time("", p, phase, a, b))
    return out


def page(both):
    head = ["workload", "policy", "phase", "A: ns per page", "B: ns per page", "B to A", "intervals"]
    meta = [[Cell("folder"), *(os.path.basename(os.path.abspath(f.path)) for f in (both.a, both.b))], [Cell("commit"), commit(both.a), commit(both.b)], [Cell("date"), both.a.meta.get("date", NA), both.b.meta.get("date", NA)]]
    return pages.render(
        "compare.html", title="nosnoop: two reports compared", both=both, caveats=list(both.caveats()), summary=list(both.summary()),
        commit_a=commit(both.a), commit_b=commit(both.b),
        meta=Table("meta", ["", "A", "B"], meta + [[Cell(k), tables.plain(a), tables.plain(b)] for k, a, b in both.meta]),
        verdicts=Table("changed-verdicts", ["policy", "where", "contract", "A", "B"],
                       [[Cell(p), w, c, verdict_cell(u), verdict_cell(v)] for p, w, c, u, v in both.verdicts]),
        counts=Table("changed-counts", ["workload", "policy", "count", "A", "B", "B − A"],
                     [[Cell(w), p, k, a, b, Cell(f"{b - a:+,}", "n")] for w, p, k, a, b in both.counts]),
        totals=Table("totals", head[1:], [row[1:] for row in time_rows(totals(both))]) if both.times else None,
        apart=Table("apart", head, time_rows(both.apart)), times=Table("all-times", head, time_rows(both.times)), draws=intervals.DRAWS)


def verdict_cell(text):
    return Cell(text, "v broken" if text == "broken" or text.startswith("x@") else "v spare")


# --- the mail ----------------------------------------------------------------------------------


def wrapped(text, lead=""):
    return textwrap.wrap(text, COLUMNS, initial_indent=lead, subsequent_indent=" " * len(lead), break_on_hyphens=False)


def cut(text, width):
    text = str(text)
    return text if len(text) <= width else text[:width - 1] + "~"


def some(lines, what):
    """The first of a list, and how many more there are."""
    return lines if len(lines) <= MOST else lines[:MOST] + [f"... and {len(lines) - MOST} more {what}: see the page"]


def mail_number(n):
    return cut(f"{n:,}" if isinstance(n, int) else f"{n:.2f}", 13)


def mail_interval(found):
    if found.lo is None:
        return f"{tables.ns(found.median)} (n/a)"
    return f"{tables.ns(found.median)} ({tables.ns(found.lo)}..{tables.ns(found.hi)})"


def mail_times(times, name):
    """@name: what a row begins with, 25 columns."""
    out = [f"{'':25} {'A (95 %)':>21} {'B (95 %)':>21} {'':>5}"]
    for t in times:
        out.append(f"{cut(name(t), 25):25} {cut(mail_interval(t.a), 21):>21} {cut(mail_interval(t.b), 21):>21}"
                   + {True: "", False: " apart", None: ""}[t.overlaps])
    return out


def mail(both):
    out = ["nosnoop: two reports compared", ""]
    for which, f in (("A", both.a), ("B", both.b)):
        out += wrapped(f"{commit(f)}, {f.meta.get('date', NA)}, {f.meta.get('cpu', NA)}", f"{which}  ")
    out.append("")
    for text in both.caveats():
        out += wrapped("! " + text)
    for text in both.summary():
        out += wrapped(text)
    shown = [(k, a, b) for k, a, b in both.meta if k in MACHINE + BUILD + INPUT]
    if shown:
        out += ["", "What differs in machine, build and input"]
        for k, a, b in shown:
            out += wrapped(f"{a} -> {b}", f"  {k}: ")
    if both.verdicts:
        out += ["", "Verdicts that changed"]
        out += some([f"  {cut(p, 25):25} {cut(w, 24):24} {c:2} {cut(u, 7)} -> {cut(v, 7)}" for p, w, c, u, v in both.verdicts], "verdicts")
    if both.counts:
        out += ["", "Exact counts that changed"]
        out += some([f"  {cut(w, 14):14} {cut(p, 16):16} {cut(k, 13):13} {mail_number(a):>11} {mail_number(b):>11}" for w, p, k, a, b in both.counts], "counts")
    if both.times:
        out += ["", "Workloads that both have, ns per 4 KiB page, medians"]
    for phase in dict.fromkeys(t.phase for t in totals(both)):
        out += ["", phase, *mail_times([t for t in totals(both) if t.phase == phase], lambda t: t.policy)]
    if both.apart:
        out += ["", "Intervals that do not overlap, ns per 4 KiB page",
                *some(mail_times(both.apart, lambda t: f"{cut(t.workload, 9)} {cut(t.policy, 8)} {t.phase}"), "phases")]
    return "\n".join(line.rstrip() for line in out) + "\n"
