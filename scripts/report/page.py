# SPDX-License-Identifier: GPL-2.0-only
"""report.html: what a folder holds, in the order in which a reader asks for it."""

import os

import jinja2
from markupsafe import Markup

from report import figures, findings, intervals, tables, verdicts
from report.folder import CONTRACTS, MEANS, NA, PHASES, number
from report.tables import Cell, Table

HERE = os.path.dirname(os.path.abspath(__file__))


def render(template, **context):
    env = jinja2.Environment(loader=jinja2.FileSystemLoader(os.path.join(HERE, "templates")), autoescape=True, trim_blocks=True,
                             lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    with open(os.path.join(HERE, "templates", "style.css"), encoding="utf-8") as f:
        style = f.read()
    return env.get_template(template).render(style=Markup(style), **context)


def anchor(kind, name):
    """An id of the page out of any name."""
    return kind + "-" + "".join(c if c.isalnum() or c in "-_" else "-" for c in str(name))


def figure(svg):
    return Markup(svg) if svg else None


# --- verdicts ----------------------------------------------------------------------------------


def behind(cell):
    """What a broken cell links to: its trace, or the workload that broke it."""
    if cell.trace:
        return "#" + cell.trace.anchor
    return "#" + anchor("workload", cell.broken_in[0][0]) if cell.broken_in else None


def verdict_table(folder, rows):
    head = ["policy", *CONTRACTS, "flushes", "bound", "ratio", "L+I+S0", "ratio", "redundant", "missing"]
    summary = {s["policy"]: s for s in folder.summary}
    body = []
    for policy, cells in rows:
        s = summary[policy]
        body.append([Cell(policy, "sound" if folder.is_sound(policy) else "")] +
                    [Cell(c.text, "v " + c.kind, behind(c), c.title) for c in cells] +
                    [tables.whole(s.get("flushes")), tables.whole(s.get("bound")), tables.ratio(s.get("ratio")), tables.whole(s.get("bound_lis0")),
                     tables.ratio(s.get("ratio_lis0")), tables.whole(s.get("redundant")), tables.whole(s.get("missing"))])
    return Table("verdicts", head, body)


def trace_groups(rows):
    """[(policy, [cell with a trace])]"""
    return [(policy, [c for c in cells if c.trace]) for policy, cells in rows if any(c.trace for c in cells)]


# --- flushes and times -------------------------------------------------------------------------


def flush_matrix(folder):
    """Ratio to the bound of L, I and S0, a column a workload; where there is no bound, the flushes."""
    names = [w["workload"] for w in folder.workloads]
    body = []
    for policy in folder.policies:
        row = [Cell(policy)]
        for w in names:
            r = folder.cell(w, policy) or {}
            f, b = number(r.get("flushes")), number(r.get("bound_lis0"))
            text = NA if f is None else tables.count(f) if not b else f"{f / b:.2f}"
            row.append(Cell(text, "n na" if f is None else "n less" if b and f < b else "n", "#" + anchor("workload", w),
                            None if f is None else f"{tables.count(f)} page flushes, bound {tables.count(b or 0)}"))
        body.append(row)
    return Table("matrix", ["policy", *names], body)


def time_table(folder):
    phases = [p for p in PHASES if any(number(s.get(p, {}).get("ns_page")) is not None for s in folder.summary)]
    head = ["policy"] + [h for p in phases for h in (p, "over none")]
    body = [[Cell(policy)] + [tables.of(intervals.of_policy(folder, policy, p, over)) for p in phases for over in (False, True)]
            for policy in folder.policies]
    return Table("times", head, body)


def verdict_of(contracts, name):
    c = contracts.get(name)
    if isinstance(c, dict):
        return Cell(f"op {c.get('op')}", "v broken", None, f"page {c.get('page')}; should have been flushed by op {c.get('should')}")
    return Cell("ok" if c == "ok" else "", "v spare")


def workload_flushes(key, records):
    head = ["policy", *CONTRACTS, "page flushes", "bound", "ratio", "bound L+I+S0", "redundant", "missing"]
    body = [[Cell(r["policy"])] + [verdict_of(r.get("contracts", {}), c) for c in CONTRACTS] +
            [tables.whole(r.get(k)) for k in ("flushes", "bound")] + [tables.ratio(r.get("ratio"))] +
            [tables.whole(r.get(k)) for k in ("bound_lis0", "redundant", "missing")] for r in records]
    return Table(key + "-flushes", head, body)


def workload_times(key, records):
    phases = [p for p in PHASES if any(number(r.get(p, {}).get("ns_page")) is not None for r in records)]
    has_cycles = any(number(r.get(p, {}).get("cycles_page")) is not None for r in records for p in phases)
    head = ["policy"] + [h for p in phases for h in (p, "over none")] + ([f"{p} cycles" for p in phases] if has_cycles else [])
    body = [[Cell(r["policy"])] + [tables.of(intervals.of_phase(r, p, over)) for p in phases for over in (False, True)] +
            ([tables.plain(r.get(p, {}).get("cycles_page")) for p in phases] if has_cycles else []) for r in records]
    return Table(key + "-times", head, body) if phases else None


def counted(key, records):
    """Counters of runs of their own. None where there are none."""
    own = [r for r in records if r.get("counters")]
    names = list(dict.fromkeys(k for r in own for k in r["counters"]))
    body = [[Cell(r["policy"])] + [tables.plain(r["counters"].get(n)) for n in names] for r in own]
    return Table(key + "-counters", ["policy", *names], body) if own else None


def worked(key, records):
    """Algorithm counters: exact, of the judged or timed run."""
    own = [r for r in records if isinstance(r.get("algorithm"), dict)]
    names = list(dict.fromkeys(k for r in own for k in r["algorithm"]))
    body = [[Cell(r["policy"])] + [tables.plain(r["algorithm"].get(n)) for n in names] for r in own]
    return Table(key + "-algorithm", ["policy", *names], body) if own else None


class Workload:
    def __init__(self, folder, record):
        self.name = record["workload"]
        self.key = anchor("workload", self.name)
        self.what = record.get("what", "")
        self.question = record.get("question", "")
        records = folder.of_workload(self.name)
        self.size = ", ".join(f"{tables.count(record[k])} {what}" for k, what in (("ops", "ops"), ("buffer_pages", "pages"), ("rounds", "timed rounds"))
                              if number(record.get(k)) is not None)
        self.bars = figure(figures.flushes(records, anchor("bars", self.name)))
        self.tables = [("Verdicts and page flushes", workload_flushes(self.key, records)),
                       ("ns per 4 KiB page: medians, 95 % intervals", workload_times(self.key, records)),
                       ("What the policy did, exact counts of a run", worked(self.key, records)),
                       ("Counters over the timed regions, a run of its own", counted(self.key, records))]


def recorded(folder):
    """What each policy would have cost on the streams of real kernels."""
    names = [w["workload"] for w in folder.workloads if w.get("recorded")]
    if not names:
        return None
    head = ["policy"] + [h for n in names for h in (n + ": flushes", "bound", "µs over none")]
    body = []
    for policy in folder.policies:
        row = [Cell(policy)]
        for n in names:
            r = folder.cell(n, policy) or {}
            total = intervals.total_over_none(r) if r else None
            row += [tables.whole(r.get("flushes")), tables.whole(r.get("bound")),
                    tables.interval(*(None if x is None else x / 1000 for x in (total.median, total.lo, total.hi))) if total else Cell(NA, "n na")]
        body.append(row)
    return Table("recorded", head, body)


# --- curves ------------------------------------------------------------------------------------


def sweeps(folder):
    """[(name, svg, table)]"""
    groups = {}
    for r in folder.results.get("sweeps", []):
        groups.setdefault(str(r.get("sweep", NA)), []).append(r)
    out = []
    for name, records in groups.items():
        key = anchor("sweep", name)
        head = ["policy", str(records[0].get("parameter", "value")), "page flushes", "bound", "ns per page"]
        body = [[Cell(str(r.get("policy", NA))), tables.plain(r.get("value")), tables.whole(r.get("flushes")), tables.whole(r.get("bound")),
                 tables.interval(*figures.median_of(r.get("ns_page")))] for r in records]
        out.append((name, figure(figures.sweep(records, key)), Table(key + "-table", head, body)))
    return out


def wbinvd(folder):
    """Sentence parts of the computed crossover, or None."""
    w = folder.results.get("wbinvd")
    if not isinstance(w, dict) or number(w.get("l3_bytes")) is None:
        return None
    return Table("wbinvd-table", ["", ""], [[Cell(what), Cell(figures.size(w[k]), "n") if number(w.get(k)) is not None else Cell(NA, "n na")]
                                              for k, what in (("l3_bytes", "last-level cache"), ("bytes_all_dirty", "crossover, all lines dirty"),
                                                              ("bytes_clean", "crossover, lines clean"), ("bytes_uncached", "crossover, lines not in a cache"))] +
                 [[Cell(what), tables.of(intervals.Interval(w[k])) if number(w.get(k)) is not None else Cell(NA, "n na")]
                  for k, what in (("limit_ns_line", "ns a line, limit of writing back"), ("dirty_ns_line", "ns a line, cleaning dirty lines"),
                                  ("clean_ns_line", "ns a line, cleaning clean lines"), ("uncached_ns_line", "ns a line, cleaning lines not in a cache"))])


def clean_tables(folder):
    """The curves' figures; the form that older folders have, as it is."""
    out = [("Primitives", tables.of_records("clean-table", folder.clean))] if folder.clean else []
    return out + ([("Limits", tables.of_records("limits-table", folder.limits))] if folder.limits else [])


# --- the gate, a kernel tree -------------------------------------------------------------------


def facts(key, value, lists):
    """A record of unknown form: its lists of records as tables, the rest by path."""
    out = []
    rest = {}
    for k, v in (value or {}).items():
        if isinstance(v, list) and v and all(isinstance(x, dict) for x in v) and k in lists:
            out.append((k, tables.of_records(f"{key}-{k}", [dict(tables.flat(x)) for x in v])))
        else:
            rest[k] = v
    if rest:
        out.insert(0, ("", Table(key + "-facts", ["", ""], [[Cell(k), tables.plain(v)] for k, v in tables.flat(rest)])))
    return out


def kernel_facts(kernel):
    if not kernel:
        return None
    contracts = kernel.get("contracts") if isinstance(kernel.get("contracts"), dict) else {}
    body = [[Cell(c), tables.plain(v.get("claimed")), Cell(str(v.get("verdict"))), tables.plain(v.get("ops")), Cell(str(v.get("source") or ""))]
            for c, v in contracts.items() if isinstance(v, dict)]
    flushes = [r for r in kernel.get("flushes", []) if isinstance(r, dict)]
    out = [("Contracts", Table("kernel-contracts", ["contract", "claimed", "verdict", "ops of the shortest trace", "found by"], body))] if body else []
    return out + ([("Page flushes", tables.of_records("kernel-flushes", flushes))] if flushes else [])


# --- where, how --------------------------------------------------------------------------------


def arguments(meta):
    """Of the run, without where its results went: that is nobody's business."""
    kept, skip = [], False
    for a in str(meta.get("arguments", "")).split():
        if skip or a.startswith("--out="):
            skip = False
        elif a in ("--out", "-o"):
            skip = True
        else:
            kept.append(a)
    return " ".join(kept)


def machine(meta):
    shown = {k: v for k, v in meta.items() if k != "counters"}
    if "arguments" in shown:
        shown["arguments"] = arguments(meta)
    return Table("machine", ["", ""], [[Cell(k), tables.plain(v)] for k, v in tables.flat(shown)])


def counter_states(meta):
    states = meta.get("counters")
    return Table("counters", ["event", "on this machine"], [[Cell(k), Cell(str(v), "na" if str(v).startswith(NA) else "")]
                                                           for k, v in tables.flat(states)]) if isinstance(states, dict) else None


def reproduce(meta):
    """Commands that make such a folder."""
    commit = meta.get("commit")
    lines = [f"git checkout {commit}"] if commit and commit != NA else []
    return "\n".join(lines + [f"scripts/run.sh {arguments(meta)}".rstrip()])


def page(folder):
    rows = verdicts.table(folder)
    meta, results = folder.meta, folder.results
    return render(
        "report.html", title="nosnoop: flush policies, judged and priced", meta=meta, folder=folder, findings=findings.sentences(folder, rows),
        verdicts=verdict_table(folder, rows), source=verdicts.source(folder), means=MEANS, traces=trace_groups(rows), anchor=anchor,
        all_bars=figure(figures.flushes(folder.summary, "bars-all")), matrix=flush_matrix(folder) if folder.workloads else None,
        added=figure(figures.added(folder)), times=time_table(folder), workloads=[Workload(folder, w) for w in folder.workloads],
        recorded=recorded(folder), sweeps=sweeps(folder), wbinvd=wbinvd(folder), has_wbinvd="wbinvd" in results,
        primitives=figure(figures.primitives(folder.clean, folder.limits)), fences=figure(figures.fences(folder.clean)),
        clean_tables=clean_tables(folder), gate=facts("gate", folder.gate, ("workloads", "verdicts", "results", "exact", "time")) if folder.gate else None,
        kernel=kernel_facts(folder.kernel), kernel_record=folder.kernel, published=tables.of_records("published-table", results.get("published", [])),
        machine=machine(meta), counters=counter_states(meta), commands=reproduce(meta), rounds=intervals.DRAWS)
