#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
report.py FOLDER: makes FOLDER/report.html of the folder's results.json, meta.json and report.txt (schema: results/README.md).
One file, nothing from outside, readable without scripts. Fields that are missing stay empty: the schema may grow.
"""

import html
import json
import os
import sys
import tempfile

CONTRACTS = ("L", "I", "S0", "S1", "E", "O", "U")
PHASES = ("map", "unmap", "attach", "detach", "access", "teardown")
COLOURS = {"map": "#3b6ea5", "unmap": "#c97b2d", "teardown": "#7a9a3a", "attach": "#8e5ea2", "detach": "#b3475c", "access": "#4aa3a2"}
STYLE = """
body { font: 15px/1.45 sans-serif; margin: 2em auto; max-width: 82em; padding: 0 1em; color: #222; background: #fff }
table { border-collapse: collapse; margin: 1em 0; display: block; overflow-x: auto; font-size: 14px }
th, td { border: 1px solid #ccc; padding: .15em .6em; text-align: left; white-space: nowrap }
th { background: #f3f3f3; position: sticky; top: 0 }
td.n { text-align: right; font-variant-numeric: tabular-nums }
td.kept { background: #dff0df; text-align: center }
td.broken { background: #fbe3c8; text-align: center }
td.wrong { background: #f3b4b4; text-align: center; font-weight: bold }
td.silent { color: #888; text-align: center }
pre { background: #f6f6f6; padding: 1em; overflow-x: auto; font-size: 13px }
summary { cursor: pointer; margin: .4em 0 }
svg text { font: 12px sans-serif; fill: #222 }
small { color: #666 }
"""


class Bad(Exception):
    pass


def load(folder, name):
    path = os.path.join(folder, name)
    try:
        with open(path, encoding="utf-8") as f:
            return json.load(f)
    except json.JSONDecodeError as e:
        raise Bad(f"{path}:{e.lineno}:{e.colno}: {e.msg}, expected JSON")


def records(results, name):
    value = results.get(name, [])
    if not isinstance(value, list) or not all(isinstance(x, dict) for x in value):
        raise Bad(f"results.json: {name}, expected a list of records")
    return value


# --- tables ------------------------------------------------------------------------------------


def esc(value):
    return html.escape(str(value))


def cell(value):
    if value is None:
        return "<td></td>"
    if isinstance(value, tuple):  # (class, text)
        return f'<td class="{value[0]}">{esc(value[1])}</td>'
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return f"<td>{esc(value if isinstance(value, str) else json.dumps(value))}</td>"
    return f'<td class="n">{value:,.1f}</td>' if isinstance(value, float) else f'<td class="n">{value:,}</td>'


def table(columns, rows):
    out = ["<table><tr>" + "".join(f"<th>{esc(c)}</th>" for c in columns) + "</tr>"]
    out += ["<tr>" + "".join(cell(v) for v in row) + "</tr>" for row in rows]
    return "\n".join(out + ["</table>"])


def plain(items):
    """Records as they are, the columns in the order in which they come up."""
    columns = list(dict.fromkeys(key for item in items for key in item))
    return table(columns, [[item.get(c) for c in columns] for item in items])


def flat(value, name=""):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flat(inner, f"{name}.{key}" if name else key)
    else:
        yield name, value


def details(title, body, is_open=False):
    return f"<details{' open' if is_open else ''}><summary>{esc(title)}</summary>\n{body}\n</details>"


# --- verdicts ----------------------------------------------------------------------------------


def verdict(name, claims, broken):
    if name in broken:
        return ("wrong", "broken, claimed") if name in claims else ("broken", "broken")
    return ("kept", "claimed") if name in claims else ("silent", "-")


def verdicts(summary):
    columns = ("policy",) + CONTRACTS + ("flushes", "bound", "ratio", "bound L+I+S0", "ratio L+I+S0", "redundant", "missing")
    rows = []
    for s in summary:
        row = [s.get("policy")] + [verdict(c, s.get("claims", []), s.get("broken", [])) for c in CONTRACTS]
        row += [s.get(k) for k in ("flushes", "bound", "ratio", "bound_lis0", "ratio_lis0", "redundant", "missing")]
        rows.append(row)
    return table(columns, rows)


# --- times -------------------------------------------------------------------------------------


def number(record, phase, key):
    value = record.get(phase, {}).get(key)
    return value if isinstance(value, (int, float)) else None


def bars(summary, phases):
    """A group of bars for each policy: ns per page of each phase."""
    most = max([number(s, p, "ns_page") or 0 for s in summary for p in phases] + [1])
    left, width, thick, gap = 210, 640, 7, 9
    step = thick * len(phases) + gap
    out = []
    for i, s in enumerate(summary):
        top = 24 + i * step
        out.append(f'<text x="{left - 8}" y="{top + step / 2}" text-anchor="end">{esc(s.get("policy"))}</text>')
        for k, p in enumerate(phases):
            value = number(s, p, "ns_page") or 0
            long = value / most * width
            out.append(f'<rect x="{left}" y="{top + k * thick}" width="{long:.1f}" height="{thick - 1}" fill="{COLOURS[p]}">'
                       f"<title>{esc(s.get('policy'))}, {p}: {value:.1f} ns</title></rect>")
    for k, p in enumerate(phases):
        out.append(f'<rect x="{left + k * 100}" y="4" width="10" height="10" fill="{COLOURS[p]}"/>'
                   f'<text x="{left + k * 100 + 15}" y="13">{p}</text>')
    out.append(f'<text x="{left + width}" y="13" text-anchor="end">longest: {most:.0f} ns a page</text>')
    height = 30 + len(summary) * step
    return f'<svg viewBox="0 0 {left + width + 10} {height}" width="100%" role="img">' + "".join(out) + "</svg>"


def times(items, phases):
    columns = ["policy"]
    for p in phases:
        columns += [p, "+ over none"]
    rows = [[s.get("policy")] + [number(s, p, k) for p in phases for k in ("ns_page", "delta_ns_page")] for s in items]
    return table(columns, rows)


def violation(c):
    if not isinstance(c, dict):
        return ("kept", "ok")
    return ("broken", f"op {c.get('op')}, page {c.get('page')}, should {c.get('should')}")


def workload(items):
    phases = [p for p in PHASES if any(number(r, p, "ns_page") is not None for r in items)]
    has_cycles = any(number(r, p, "cycles_page") is not None for r in items for p in phases)
    columns = ["policy"] + list(CONTRACTS) + ["flushes", "bound", "ratio", "redundant", "missing"]
    columns += [f"{p} ns/page" for p in phases] + ([f"{p} cycles/page" for p in phases] if has_cycles else [])
    rows = []
    for r in items:
        row = [r.get("policy")] + [violation(r.get("contracts", {}).get(c)) for c in CONTRACTS]
        row += [r.get(k) for k in ("flushes", "bound", "ratio", "redundant", "missing")]
        row += [number(r, p, "ns_page") for p in phases]
        row += [number(r, p, "cycles_page") for p in phases] if has_cycles else []
        rows.append(row)
    return table(columns, rows)


def counters(items):
    counted = [r for r in items if "counters" in r]
    names = list(dict.fromkeys(k for r in counted for k in r["counters"]))
    return table(["policy"] + names, [[r.get("policy")] + [r["counters"].get(n) for n in names] for r in counted])


# --- the page ----------------------------------------------------------------------------------


def of_workloads(results):
    groups = {}
    for r in records(results, "results"):
        groups.setdefault(r.get("workload"), []).append(r)
    what = {w.get("workload"): w for w in records(results, "workloads")}
    for name, items in groups.items():
        w = what.get(name, {})
        title = f"{name}: {w.get('what', '')} ({w.get('ops', '?')} ops, {w.get('buffer_pages', '?')} pages, {w.get('rounds', '?')} rounds)"
        body = workload(items)
        if any("counters" in r for r in items):
            body += "<small>counters over the timed regions, a run of its own</small>" + counters(items)
        yield details(title, body, name == "boot")


def page(folder):
    results, meta = load(folder, "results.json"), load(folder, "meta.json")
    with open(os.path.join(folder, "report.txt"), encoding="utf-8") as f:
        text = f.read()
    summary = records(results, "summary")
    main = ("map", "unmap", "teardown")
    out = ['<!doctype html><html lang="en"><head><meta charset="utf-8"><title>nosnoop: flush policies</title>',
           f"<style>{STYLE}</style></head><body>", "<h1>nosnoop: flush policies, judged and priced</h1>",
           f"<p>{esc(meta.get('cpu', ''))}, {esc(meta.get('kernel', ''))}, {esc(meta.get('date', ''))}, commit {esc(meta.get('commit', ''))}</p>",
           "<h2>Verdicts, all workloads together</h2>",
           "<p>claimed: the policy claims the contract, and no run here broke it. broken: broken on these runs; what does not show was not "
           "seen to break, which is no proof. The bound is the fewest page flushes that keep what is claimed.</p>", verdicts(summary),
           "<h2>Times, all workloads together</h2>",
           "<p>ns per 4 KiB page, medians, beside runs of the policy that never flushes.</p>", bars(summary, main), times(summary, main),
           "<h2>Workloads</h2>", *of_workloads(results),
           "<h2>Clean primitives</h2>", "<p>ns per dirty 64-byte line; complete ends with a full fence.</p>", plain(records(results, "clean")),
           "<h2>Published figures</h2>", "<p>Not measured here: quoted, on other hardware.</p>", plain(records(results, "published")),
           "<h2>Where and how</h2>", table(("name", "value"), flat(meta)), details("report.txt", f"<pre>{esc(text)}</pre>"), "</body></html>"]
    return "\n".join(out) + "\n"


def main(argv):
    if len(argv) != 1 or argv[0].startswith("-"):
        print(__doc__.strip(), file=sys.stderr)
        return 0 if argv in (["-h"], ["--help"]) else 2
    try:
        text = page(argv[0])
        fd, temp = tempfile.mkstemp(prefix=".report.", dir=argv[0])
        with os.fdopen(fd, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(temp, 0o644)
        os.replace(temp, os.path.join(argv[0], "report.html"))
    except Bad as e:
        print(e, file=sys.stderr)
        return 2
    except OSError as e:
        print(f"{e.filename}: {e.strerror}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
