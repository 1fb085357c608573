#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
report.py FOLDER: makes FOLDER/report.html, one file without anything from outside, of FOLDER/results.json, meta.json and
report.txt. Every list of records in results.json becomes a table, whatever its columns: the schema may grow.
"""

import html
import json
import os
import sys
import tempfile

STYLE = """
body { font: 15px/1.4 sans-serif; margin: 2em auto; max-width: 110em; padding: 0 1em; color: #222; background: #fff }
table { border-collapse: collapse; margin: 1em 0; display: block; overflow-x: auto }
th, td { border: 1px solid #ccc; padding: .2em .6em; text-align: left; white-space: nowrap }
td.n { text-align: right; font-variant-numeric: tabular-nums }
td.bad { background: #fbdcdc }
td.ok { background: #e2f4e2 }
pre { background: #f6f6f6; padding: 1em; overflow-x: auto }
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


def flat(value, name=""):
    """(column, value) pairs of a record; a violation stays one value, so that it is one cell."""
    if isinstance(value, dict) and not ("op" in value and "page" in value):
        for key, inner in value.items():
            yield from flat(inner, f"{name}.{key}" if name else key)
    else:
        yield name, value


def tables(value, name="results"):
    """(name, list of records) of every list of objects, outermost first."""
    if isinstance(value, list) and value and all(isinstance(x, dict) for x in value):
        yield name, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from tables(inner, key)


def cell(value):
    if value is None:
        return "<td></td>"
    if isinstance(value, dict):
        text = f"op {value['op']}, page {value['page']}" + (f", should {value['should']}" if "should" in value else "")
        return f'<td class="bad">{html.escape(text)}</td>'
    if isinstance(value, bool) or isinstance(value, (list, str)):
        text = value if isinstance(value, str) else json.dumps(value)
        return f'<td{" class=ok" if value == "ok" else ""}>{html.escape(text)}</td>'
    return f'<td class="n">{value:.6g}</td>' if isinstance(value, float) else f'<td class="n">{value}</td>'


def table(records):
    rows = [dict(flat(r)) for r in records]
    columns = list(dict.fromkeys(key for row in rows for key in row))
    out = ["<table><tr>" + "".join(f"<th>{html.escape(c)}</th>" for c in columns) + "</tr>"]
    out += ["<tr>" + "".join(cell(row.get(c)) for c in columns) + "</tr>" for row in rows]
    return "\n".join(out + ["</table>"])


def page(folder):
    results, meta = load(folder, "results.json"), load(folder, "meta.json")
    with open(os.path.join(folder, "report.txt"), encoding="utf-8") as f:
        text = f.read()
    out = ['<!doctype html><html lang="en"><head><meta charset="utf-8"><title>nosnoop</title>', f"<style>{STYLE}</style></head><body>",
           "<h1>nosnoop: flush policies, judged and priced</h1>", f"<pre>{html.escape(text)}</pre>"]
    for name, records in tables(results):
        out += [f"<h2>{html.escape(name)}</h2>", table(records)]
    out += ["<h2>where and how</h2>", table([{"name": k, "value": v} for k, v in flat(meta)]), "</body></html>"]
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
