#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Tests of report.py: without a browser, and in headless Chromium where it is installed with its driver and python3-selenium. Needs nosnoop-bench,
nosnoop-check and nosnoop-replay of build/rel or build/dev. Screenshots stay in build/artifacts/report-*.png.
"""

import contextlib
import copy
import functools
import html.parser
import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "scripts"))
from report import intervals, verdicts  # noqa: E402  (the path is set first)
from report.folder import CONTRACTS, Folder  # noqa: E402
from report.page import anchor  # noqa: E402

BIN = next((b for b in (os.path.join(TOP, "build", p, "bin") for p in ("rel", "dev")) if os.path.exists(os.path.join(b, "nosnoop-bench"))), None)
ARTIFACTS = os.path.join(TOP, "build", "artifacts")
KEPT = ("nvme-strict", "boot", "churn-4k")
POLICIES = "v1_posted,sticky,storage_skip,bad_order,exact"
VOID = {"meta", "link", "br", "hr", "img", "input", "path", "use", "rect", "line", "circle"}

# In the agreed form; what the figures show is looked at, not what they say about any machine.
SWEEPS = [{"sweep": "domains", "parameter": "number of domains", "value": v, "policy": p, "flushes": f * v, "bound": 100,
           "ns_page": {"median": 10.0 * f * v, "lo": 9.0 * f * v, "hi": 11.0 * f * v}}
          for p, f in (("sticky", 2), ("eager", 3)) for v in (1, 2, 4, 8, 64)]
WBINVD = {"l3_bytes": 32 << 20, "bytes_all_dirty": 30 << 20, "bytes_clean": 50 << 20, "bytes_uncached": 78 << 20, "limit_ns_line": 1.5}


def load_command():
    """scripts/report.py as a module: the package beside it has its name."""
    spec = importlib.util.spec_from_file_location("report_command", os.path.join(TOP, "scripts", "report.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


COMMAND = load_command()


def report(*args):
    """Status, output and errors of the command, in this process: modules are loaded once."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            rc = COMMAND.main(list(args))
        except SystemExit as e:
            rc = e.code
    return rc, out.getvalue(), err.getvalue()


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def has(text, said):
    """assertIn would print the whole page."""
    return re.sub(r"\s+", " ", said) in re.sub(r"\s+", " ", text)


class Page(html.parser.HTMLParser):
    """Every element with its attributes; tables as rows of cells; faults of nesting."""

    def __init__(self, text):
        super().__init__()
        self.open, self.faults, self.elements, self.tables, self.inside = [], [], [], {}, {}
        self.table = None
        self.feed(text)
        self.close()
        self.faults += [f"<{t}> is not closed" for t in self.open]

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.elements.append((tag, attrs, tuple(self.open)))
        if tag not in VOID or "/" in attrs:
            self.open.append(tag)
        if tag == "table":
            self.table = self.tables.setdefault(attrs.get("id"), [])
        elif tag == "tr" and self.table is not None:
            self.table.append([])
        elif tag in ("td", "th") and self.table is not None:
            self.table[-1].append({"text": "", "href": None, "class": attrs.get("class", "")})
        elif tag == "a" and self.table and self.table[-1]:
            self.table[-1][-1]["href"] = attrs.get("href")

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), tuple(self.open)))

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if not self.open or self.open[-1] != tag:
            self.faults.append(f"</{tag}> at {self.getpos()} closes {self.open[-1:]}")
            return
        self.open.pop()
        if tag == "table":
            self.table = None

    def handle_data(self, data):
        if self.table and self.table[-1] and ("td" in self.open or "th" in self.open):
            self.table[-1][-1]["text"] += data

    def ids(self):
        return [a["id"] for _, a, _ in self.elements if "id" in a]

    def rows(self, key):
        """{name of the row: [cells]} of a table."""
        return {r[0]["text"]: r[1:] for r in self.tables[key][1:]}


def count(cell):
    return int(cell["text"].replace(",", ""))


@functools.lru_cache(maxsize=None)
def made():
    """A folder by the programs themselves, `bare', and one with everything that a folder can hold, `full'; their reports made."""
    temp = tempfile.mkdtemp(prefix="nosnoop-report-")
    unittest.addModuleCleanup(shutil.rmtree, temp)
    bare, full = os.path.join(temp, "bare"), os.path.join(temp, "full")
    subprocess.run([os.path.join(BIN, "nosnoop-bench"), "report", "--size", "64M", "--seconds", "1", "--policy", POLICIES, "--out", bare],
                   cwd=TOP, stdout=subprocess.DEVNULL, check=True)
    shutil.copytree(bare, full)
    for name, extra in (("check.json", ()), ("check-failures.json", ("--failures",))):
        with open(os.path.join(full, name), "w", encoding="utf-8") as f:
            subprocess.run([os.path.join(BIN, "nosnoop-check"), "--policy", "none," + POLICIES, "--json", *extra], stdout=f, check=False)
    results = json.loads(read(os.path.join(full, "results.json")))
    with open(os.path.join(full, "clean.json"), "w", encoding="utf-8") as f:
        subprocess.run([os.path.join(BIN, "nosnoop-bench"), "clean", "--json", "--samples", "5", "--sizes", "4K,128K", "--states", "dirty,uncached",
                        "--only", "batched,clflushopt,clwb,civac,cvac,nt-fill,memset"], stdout=f, check=True)
    more = {**results, "sweeps": SWEEPS, "wbinvd": WBINVD}
    Made.save(full, "results.json", more)
    Made.save(full, "gate.json", {"schema": "nosnoop-bench gate 1", "verdict": "no change", "workloads": [{"workload": "boot", "effect": 1.001}]})
    for folder in (bare, full):
        rc, _, err = report(folder)
        assert (rc, err) == (0, ""), err
    return temp, bare, full, results


class Made(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temp, cls.bare, cls.full, cls.results = made()
        cls.bare_text, cls.text = (read(os.path.join(f, "report.html")) for f in (cls.bare, cls.full))
        cls.bare_page, cls.page = Page(cls.bare_text), Page(cls.text)

    @staticmethod
    def save(folder, name, value):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            f.write(value if isinstance(value, str) else json.dumps(value, indent=1))

    def altered(self, change, folder=None):
        """A copy of a folder, three workloads of it, whose results.json went through @change."""
        made = tempfile.mkdtemp(dir=self.temp)
        shutil.copytree(folder or self.bare, made, dirs_exist_ok=True)
        results = json.loads(read(os.path.join(made, "results.json")))
        for key in ("results", "workloads"):
            results[key] = [r for r in results[key] if r["workload"] in KEPT]
        change(results)
        self.save(made, "results.json", results)
        return made

    def remade(self, change, folder=None):
        """Text of the page of an altered folder."""
        made = self.altered(change, folder)
        self.assertEqual(report(made), (0, "", ""))
        return read(os.path.join(made, "report.html"))


class Form(Made):
    def test_well_formed(self):
        for page in (self.page, self.bare_page):
            self.assertEqual(page.faults, [])
            self.assertGreater(len(page.elements), 1000)

    def test_ids_and_links(self):
        for page in (self.page, self.bare_page):
            ids = page.ids()
            self.assertEqual(sorted(set(ids)), sorted(ids))
            links = [a["href"] for _, a, _ in page.elements if a.get("href", "").startswith("#")]
            links += ["#" + x for _, a, _ in page.elements for v in a.values() for x in re.findall(r"url\(#([^)]+)\)", v or "")]
            self.assertGreater(len(links), 50)
            self.assertEqual([x for x in links if x[1:] not in ids], [])

    def test_nothing_from_outside(self):
        for page, text in ((self.page, self.text), (self.bare_page, self.bare_text)):
            for tag, attrs, _ in page.elements:
                self.assertNotIn(tag, ("img", "iframe", "object", "image"))
                self.assertNotIn("src", attrs)
                href = attrs.get("href")
                self.assertTrue(href is None or href.startswith("#") or href == "data:,", href)
            self.assertEqual(re.findall(r"@import|https?://\S*|" + re.escape(self.temp), text), [])

    def test_colours_are_variables(self):
        """Else a figure would be unreadable in one of the two schemes."""
        for text in (self.text, self.bare_text):
            figures = "".join(re.findall(r"<svg.*?</svg>", text, re.S))
            self.assertTrue("var(--s0)" in figures)
            self.assertEqual(re.findall(r"(?:fill|stroke|color): ?#[0-9a-f]+", figures), [])
            self.assertFalse("DejaVu" in figures)
            self.assertTrue("</text>" in figures)

    def test_same_twice(self):
        report(self.full)
        self.assertTrue(read(os.path.join(self.full, "report.html")) == self.text)


class Numbers(Made):
    def test_summary(self):
        rows = self.page.rows("verdicts")
        self.assertEqual(list(rows), [s["policy"] for s in self.results["summary"]])
        for s in self.results["summary"]:
            row = rows[s["policy"]]
            self.assertEqual([count(row[i]) for i in (7, 8, 10, 12, 13)], [s[k] for k in ("flushes", "bound", "bound_lis0", "redundant", "missing")])
            for i, key in ((9, "ratio"), (11, "ratio_lis0")):
                self.assertEqual(row[i]["text"], "–" if s[key] == "n/a" else f"{s[key]:.2f}")

    def test_workloads(self):
        seen = 0
        for r in self.results["results"]:
            row = self.page.rows(anchor("workload", r["workload"]) + "-flushes")[r["policy"]]
            self.assertEqual([count(row[i]) for i in (7, 8, 10, 11, 12)], [r[k] for k in ("flushes", "bound", "bound_lis0", "redundant", "missing")])
            for i, c in enumerate(CONTRACTS):
                v = r["contracts"][c]
                self.assertEqual(row[i]["text"], "ok" if v == "ok" else f"op {v['op']}")
            seen += 1
        self.assertGreater(seen, 60)

    def test_times(self):
        """What the C side prints as median is what the page shows, computed from the rounds."""
        seen = 0
        for r in self.results["results"]:
            key = anchor("workload", r["workload"]) + "-times"
            head = [c["text"] for c in self.page.tables[key][0]][1:]
            row = self.page.rows(key)[r["policy"]]
            for i, phase in enumerate(head):
                ns = r.get(phase, {}).get("ns_page")
                if isinstance(ns, float):
                    shown = float(re.match(r"-?[\d,.]+", row[i]["text"])[0].replace(",", ""))
                    self.assertAlmostEqual(shown, ns, delta=max(0.051, abs(ns) / 1000 if abs(ns) >= 1000 else 0.051))
                    self.assertEqual(len(r[phase]["rounds_ns"]), r["rounds"])
                    seen += 1
        self.assertGreater(seen, 100)
        for s in self.results["summary"]:
            self.assertAlmostEqual(intervals.of_policy(Folder(self.full), s["policy"], "map").median, s["map"]["ns_page"], delta=0.01)

    def test_intervals(self):
        self.assertIsNone(intervals.of_rounds([], "x"))
        one = intervals.of_rounds([5.0], "x", 2)
        self.assertEqual((one.median, one.lo, one.hi), (10.0, None, None))
        same = intervals.of_rounds([3.0] * 5, "x")
        self.assertEqual((same.lo, same.hi), (3.0, 3.0))
        five = intervals.of_rounds([1.0, 2.0, 3.0, 4.0, 100.0], "x")
        # Three of five draws at an end: p = 0.058 each side, so both ends are in the interval.
        self.assertEqual((five.median, five.lo, five.hi), (3.0, 1.0, 100.0))
        many = intervals.of_rounds([float(x) for x in range(1001)], "x")
        self.assertTrue(440 < many.lo < 480 and 520 < many.hi < 560, (many.lo, many.hi))  # 500 +- 1.96 * sqrt(1001) / 2 * ...
        self.assertIs(same.overlaps(five), True)
        self.assertIs(intervals.Interval(1, 0, 2).overlaps(intervals.Interval(4, 3, 5)), False)
        self.assertIsNone(one.overlaps(five))


class Traces(Made):
    def test_every_broken_cell_has_its_trace(self):
        links = 0
        for policy, row in self.page.rows("verdicts").items():
            for c, cell in zip(CONTRACTS, row):
                if "broken" in cell["class"] or "wrong" in cell["class"]:
                    self.assertEqual(cell["href"], f"#trace-{policy}-{c}")
                    self.assertRegex(cell["text"], r"✗ \d+")
                    links += 1
                else:
                    self.assertIsNone(cell["href"])
        self.assertGreater(links, 15)

    def test_targets_are_inside_of_details(self):
        """So that a browser opens them for a link, with scripts or without."""
        found = [parents for _, a, parents in self.page.elements if a.get("id", "").startswith("trace-")]
        self.assertGreater(len(found), 15)
        self.assertTrue(all("details" in p for p in found))

    def test_commands_replay(self):
        """As printed: each ends with 0, for the trace's expect line holds."""
        commands = re.findall(r'<pre class="command">(.*?)</pre>', self.text, re.S)
        self.assertGreater(len(commands), 15)
        for c in commands:
            c = html.unescape(c).replace("build/rel/bin", BIN)
            done = subprocess.run(["bash", "-c", c], cwd=TOP, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, c + done.stderr)

    def test_expect_lines_name_the_cell(self):
        for cell in (c for _, row in verdicts.table(Folder(self.full)) for c in row if c.trace):
            self.assertRegex(cell.trace.text, rf"(?m)^expect {cell.policy} {cell.contract} at \d+$")

    def test_without_check_the_corpus_speaks(self):
        rows = self.bare_page.rows("verdicts")
        self.assertEqual(rows["v1_posted"][0]["href"], "#trace-v1_posted-L")
        self.assertTrue(has(self.bare_text, "nosnoop-check was not run"))
        self.assertEqual(rows["sticky"][0]["text"], "claimed")

    def test_a_claim_that_is_broken_shows(self):
        def change(results):
            results["summary"][2]["claims"].append("L")
            for r in results["results"]:
                if r["policy"] == results["summary"][2]["policy"]:
                    r["contracts"]["L"] = {"op": 4, "page": 0, "should": 4}
        text = self.remade(change)
        policy = self.results["summary"][2]["policy"]
        self.assertIn("wrong", Page(text).rows("verdicts")[policy][0]["class"])
        self.assertTrue(has(text, f"Broken although claimed: {policy}."))


class Missing(Made):
    def test_sentences_for_what_is_not_there(self):
        old = os.path.join(TOP, "results", "2026-11-21-first")  # of a version that measured less
        made = os.path.join(self.temp, "old.html")
        self.assertEqual(report(old, "--out", made)[0], 0)
        text = read(made)
        for said in ("results.json has no sweeps", "results.json has no wbinvd", "Two sizes only", "there is no gate.json", "No tree was checked"):
            self.assertTrue(has(text, said), said)
        self.assertEqual(Page(text).faults, [])

    def test_figures_for_what_is_there(self):
        for label in ("flushes and time by number of domains", "beside the limits", "between two fences"):
            self.assertTrue(re.search(f'<svg[^>]*aria-label="[^"]*{label}', self.text), label)
        self.assertTrue(has(self.text, "limit: memset"))
        self.assertEqual(self.page.rows("wbinvd-table")["crossover, all lines dirty"][0]["text"], "30 MiB")
        self.assertEqual(self.page.rows("wbinvd-table")["ns a line, limit of writing back"][0]["text"], "1.50")
        self.assertEqual(self.page.rows("wbinvd-table")["ns a line, cleaning dirty lines"][0]["text"], "n/a")
        self.assertEqual(self.page.rows("gate-workloads")["boot"][0]["text"], "1.00")
        for said in ("has no sweeps", "has no wbinvd", "there is no gate.json"):
            self.assertFalse(has(self.text, said), said)

    def test_empty_results(self):
        for change in (lambda r: r.clear(), lambda r: r.update(results=[]), lambda r: r.update(summary=[], workloads=[]),
                       lambda r: r.update(wbinvd="n/a", sweeps=[{"sweep": "x"}], clean=[], limits=[])):
            text = self.remade(change)
            self.assertEqual(Page(text).faults, [])
            self.assertEqual(re.findall(r">(?:None|nan|inf)<", text), [])

    def test_empty_meta(self):
        for meta in ({}, {"commit": 7, "cpu": None}):
            folder = self.altered(lambda r: None)
            self.save(folder, "meta.json", json.dumps(meta))
            self.save(folder, "kernel-check.json", json.dumps({"contracts": {"L": {}}}))
            self.assertEqual(report(folder)[0], 0)
            self.assertEqual(Page(read(os.path.join(folder, "report.html"))).faults, [])

    def test_no_zero_for_unknown(self):
        def change(results):
            for r in results["results"]:
                r["flushes"] = r["bound"] = "n/a"
                r["counters"] = {"cycles": "n/a"}
        page = Page(self.remade(change))
        row = page.rows("workload-boot-flushes")["sticky"]
        self.assertEqual((row[7]["text"], row[8]["text"]), ("n/a", "n/a"))
        self.assertEqual(page.rows("workload-boot-counters")["sticky"][0]["text"], "n/a")

    def test_names_are_escaped(self):
        def change(results):
            results["workloads"][0]["what"] = "<b>&\"' </script>"
            for r in results["results"]:
                if r["policy"] == "sticky":
                    r["policy"] = "a<b"
            results["summary"][2]["policy"] = "a<b"
        page = Page(self.remade(change))
        self.assertEqual(page.faults, [])
        self.assertIn("a<b", page.rows("verdicts"))


class Bad(Made):
    def refused(self, name, text, said):
        folder = self.altered(lambda r: None)
        before = read(os.path.join(folder, "report.html"))
        self.save(folder, name, text)
        rc, _, err = report(folder)
        self.assertEqual(rc, 2)
        self.assertRegex(err, said)
        self.assertEqual(len(err.splitlines()), 1, err)
        self.assertEqual(read(os.path.join(folder, "report.html")), before)
        self.assertEqual([n for n in os.listdir(folder) if n.startswith(".")], [])

    def test_json(self):
        self.refused("results.json", '{\n "summary": [}\n', r"results\.json:2:14: .*expected JSON")
        self.refused("meta.json", "", r"meta\.json:1:1: .*expected JSON")
        self.refused("meta.json", "[]", r"meta\.json: \[\], expected a record")
        self.refused("clean.json", '{"clean": [1]}', r"clean\.json: clean: \[1\], expected a list of records")
        self.refused("check.json", "{,}", r"check\.json:1:2: ")
        self.refused("check.json", '{"results": [{"policy": "x"}]}', r"check\.json: results\[0\]\.contracts: null, expected")

    def test_kinds(self):
        for change, said in (({"summary": 3}, r"summary: 3, expected a list of records"), ({"results": [{"workload": "x"}]}, r"results\[0\]\.policy: null, expected a text"),
                             ({"summary": [{"policy": "x", "flushes": "many"}]}, r'summary\[0\]\.flushes: "many", expected a number or "n/a"'),
                             ({"sweeps": [1]}, r"sweeps: \[1\], expected a list of records")):
            self.refused("results.json", json.dumps({**self.results, **change}), said)

    def test_numbers(self):
        for value in ("1e999", "NaN", "-Infinity", "1" + 400 * "0"):
            self.refused("results.json", '{"summary": [{"policy": "x", "flushes": %s}]}' % value, r"summary\[0\]\.flushes: .*, expected a number")

    def test_what_others_put_there(self):
        broken = {"results": [{"policy": "sticky", "contracts": {"L": {"verdict": "broken", "trace": "table A\n"}}}]}
        self.refused("check.json", json.dumps(broken), r"contracts\.L\.requests: null, expected a number")
        broken["results"][0]["contracts"]["L"].update(requests=1, trace=5)
        self.refused("check.json", json.dumps(broken), r"contracts\.L\.trace: 5, expected a text")
        self.refused("kernel-check.json", '{"flushes": null}', r"flushes: null, expected a list of records")
        self.refused("gate.json", 100000 * "[", r"gate\.json: nested too deeply")

    def test_folders(self):
        rc, _, err = report(os.path.join(self.temp, "none"))
        self.assertEqual(rc, 2)
        self.assertIn("none/results.json: no such file, expected a folder that", err)
        self.assertEqual(report()[0], 2)
        self.assertEqual(report("--compare", self.bare)[0], 2)
        self.assertEqual(report("--compare", self.bare, self.full)[0], 2)
        self.assertEqual(report("--help")[0], 0)

    def test_without_a_module(self):
        path = os.path.join(self.temp, "path")
        os.makedirs(path, exist_ok=True)
        self.save(path, "jinja2.py", "raise ImportError('no', name='jinja2')\n")
        done = subprocess.run([sys.executable, "-B", os.path.join(TOP, "scripts", "report.py"), self.bare], capture_output=True, text=True, check=False,
                              env={**os.environ, "PYTHONPATH": path})
        self.assertEqual(done.returncode, 3)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn("jinja2 is not installed: expected Debian's", done.stderr)


class Compare(Made):
    def compared(self, a, b):
        out = os.path.join(tempfile.mkdtemp(dir=self.temp), "c.html")
        rc, printed, err = report("--compare", a, b, "--out", out)
        self.assertEqual((rc, err), (0, ""))
        text = read(out[:-4] + "txt")
        self.assertEqual(printed, text)
        self.assertLessEqual(max(map(len, text.splitlines())), 75)
        page = Page(read(out))
        self.assertEqual(page.faults, [])
        self.assertEqual(len(set(page.ids())), len(page.ids()))
        for said in (text, read(out)):
            self.assertNotIn("regress", said.lower())
        return page, text, read(out)

    def test_the_same(self):
        page, text, _ = self.compared(self.full, self.full)
        self.assertIn("Verdicts: none changed.", text)
        self.assertIn("Exact counts: none changed.", text)
        self.assertNotIn("!", text)
        self.assertNotIn("apart", page.tables)

    def test_counts_and_verdicts(self):
        def change(results):
            r = next(r for r in results["results"] if (r["workload"], r["policy"]) == ("boot", "sticky"))
            r["flushes"] += 1
            r["map"]["requests"] += 2
            r["algorithm"] = {"fences": 8}
            r["contracts"]["L"] = {"op": 9, "page": 1, "should": 8}

        def before(results):
            next(r for r in results["results"] if (r["workload"], r["policy"]) == ("boot", "sticky"))["algorithm"] = {"fences": 7}
        page, text, _ = self.compared(self.altered(before), self.altered(change))
        self.assertEqual([[c["text"] for c in r[:3]] + [r[5]["text"]] for r in page.tables["changed-counts"][1:]],
                         [["boot", "sticky", "flushes", "+1"], ["boot", "sticky", "map.requests", "+2"], ["boot", "sticky", "algorithm.fences", "+1"]])
        self.assertEqual([[c["text"] for c in r] for r in page.tables["changed-verdicts"][1:]], [["sticky", "boot", "L", "ok", "broken"]])
        self.assertIn("Verdicts: 1 changed.", text)
        self.assertIn("Exact counts: 3 changed.", text)
        self.assertRegex(text, r"(?m)^  sticky +boot +L +ok -> broken$")

    def test_checked_verdicts(self):
        other = self.altered(lambda r: None, self.full)
        check = json.loads(read(os.path.join(other, "check.json")))
        next(r for r in check["results"] if r["policy"] == "sticky")["contracts"]["I"] = {"verdict": "broken", "claimed": True, "requests": 7, "trace": ""}
        self.save(other, "check.json", check)
        page, _, _ = self.compared(self.altered(lambda r: None, self.full), other)
        self.assertEqual([[c["text"] for c in r] for r in page.tables["changed-verdicts"][1:]], [["sticky", "every sequence", "I", "safe", "x@7"]])

    def test_times(self):
        def rounds(scale):
            def change(results):
                for r in results["results"]:
                    for phase in ("map", "unmap"):
                        if phase in r:
                            r[phase]["rounds_ns"] = [1e6 * (scale if phase == "map" else 1) * k for k in (0.99, 1.0, 1.01)]
            return change
        page, text, html_text = self.compared(self.altered(rounds(1)), self.altered(rounds(2)))
        apart = page.tables["apart"][1:]
        self.assertTrue(apart and all(r[2]["text"] == "map" and r[5]["text"] == "+100.0 %" for r in apart))
        self.assertIn("Intervals that do not overlap", text)
        self.assertTrue(has(html_text, "nosnoop-bench gate"))

    def test_machines_come_first(self):
        other = self.altered(lambda r: None)
        meta = json.loads(read(os.path.join(other, "meta.json")))
        meta["cpu"], meta["compiler"] = "Another <CPU>", "99.1"
        self.save(other, "meta.json", meta)
        page, text, html_text = self.compared(self.altered(lambda r: None), other)
        self.assertIn("! Not the same machine and kernel (cpu)", text)
        self.assertLess(text.index("! Not the same machine"), text.index("Verdicts:"))
        self.assertLess(html_text.index("Not the same machine"), html_text.index("Verdicts that changed"))
        self.assertEqual([c["text"] for c in page.rows("meta")["cpu"]][1], "Another <CPU>")

    def test_other_programs_are_left_out(self):
        def change(results):
            results["workloads"] = [{**w, "ops": w["ops"] + (w["workload"] == "boot")} for w in results["workloads"]]
            for r in results["results"]:
                r["flushes"] += r["workload"] == "boot"
        _, text, _ = self.compared(self.altered(lambda r: None), self.altered(change))
        self.assertIn("left out: boot.", text)
        self.assertIn("Exact counts: none changed.", text)

    def test_policies_and_workloads_of_one_side(self):
        def change(results):
            results["summary"] = results["summary"][:-1]
            gone = self.results["summary"][-1]["policy"]
            results["results"] = [r for r in results["results"] if r["policy"] != gone and r["workload"] != "churn-4k"]
            results["workloads"] = [w for w in results["workloads"] if w["workload"] != "churn-4k"]
        _, text, _ = self.compared(self.altered(lambda r: None), self.altered(change))
        self.assertIn("Policies only in A: exact.", text)
        self.assertIn("Workloads only in A: churn-4k.", text)

    def test_mail_is_narrow_whatever_the_names(self):
        def change(results):
            results["summary"].append({**copy.deepcopy(results["summary"][2]), "policy": "p" * 60})
            more = [{**copy.deepcopy(r), "policy": "p" * 60} for r in results["results"] if r["policy"] == "sticky"]
            for r in more:
                r["flushes"] *= 10**9
            results["results"] += more

        def changed(results):
            change(results)
            for r in results["results"]:
                r["flushes"] += 7
                r["contracts"]["U"] = {"op": 1, "page": 1, "should": 1}
        self.compared(self.altered(change), self.altered(changed))


# --- in a browser ------------------------------------------------------------------------------

VISIBLE = "const r = arguments[0].getBoundingClientRect(); return r.height > 0 && r.top < innerHeight && r.bottom > 0"
CONTRAST = """
function channel(c) { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4 }
function rgb(text) { return text.match(/[\\d.]+/g).map(Number) }
function light(c) { return 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]) }
function behind(e) { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c } return [255, 255, 255] }
let least = [99, ""];
for (const e of document.querySelectorAll("p, li, td, th, summary, pre, a, h1, h2, h3, h4, dt, dd, .key, svg text, .legend span")) {
	const svg = e.tagName === "text", a = light(rgb(getComputedStyle(e)[svg ? "fill" : "color"])), b = light(behind(e));
	const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
	if (ratio < least[0]) least = [ratio, e.tagName + "." + e.getAttribute("class") + ": " + e.textContent.slice(0, 30)];
}
return least
"""


def has_browser():
    return bool(shutil.which("chromium") and shutil.which("chromedriver") and importlib.util.find_spec("selenium"))


def browser():
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for a in ("--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", *(["--no-sandbox"] if os.geteuid() == 0 else [])):
        options.add_argument(a)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)


class Browser(Made):
    @classmethod
    def setUpClass(cls):
        if not has_browser():
            raise unittest.SkipTest("no browser")
        cls.driver = browser()
        cls.addClassCleanup(cls.driver.quit)
        super().setUpClass()
        cls.url = "file://" + os.path.join(cls.full, "report.html")
        cls.compared = os.path.join(cls.temp, "compare.html")
        report("--compare", cls.bare, cls.full, "--out", cls.compared)
        os.makedirs(ARTIFACTS, exist_ok=True)

    def show(self, url, width=1100, height=900, scheme="light", scripts=True):
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not scripts})
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
        self.driver.get("about:blank")
        for kind in ("browser", "performance"):
            self.driver.get_log(kind)
        self.driver.get(url)

    def urls(self):
        return ["file://" + os.path.join(self.bare, "report.html"), self.url, "file://" + self.compared]

    def test_silent(self):
        """No word on the console, and no request but for the page itself."""
        for url in self.urls():
            self.show(url)
            self.assertEqual(self.driver.get_log("browser"), [])
            sent = [json.loads(e["message"])["message"] for e in self.driver.get_log("performance")]
            asked = [m["params"]["request"]["url"] for m in sent if m["method"] == "Network.requestWillBeSent"]
            self.assertEqual([u for u in asked if u not in (url, "data:,")], [])
            self.assertIn(url, asked)

    def trace_links_open(self, scripts):
        self.show(self.url, scripts=scripts)
        links = [a["href"] for _, a, _ in self.page.elements if a.get("href", "").startswith("#trace-")]
        self.assertGreater(len(links), 15)
        for href in links:
            self.driver.execute_script("for (const d of document.querySelectorAll('details')) d.open = false")
            self.driver.find_element("css selector", f'a[href="{href}"]').send_keys("\n")
            target = self.driver.find_element("id", href[1:])
            self.assertTrue(target.is_displayed(), href)
            self.assertTrue(self.driver.execute_script("return arguments[0].closest('details').open", target), href)
            self.assertTrue(self.driver.execute_script(VISIBLE, target), href)

    def test_trace_links_open(self):
        self.trace_links_open(True)

    def test_trace_links_open_without_scripts(self):
        self.trace_links_open(False)

    def test_phone(self):
        """Nothing is wider than the screen, with everything open; tables scroll in their boxes."""
        for url in self.urls():
            self.show(url, 360, 740)
            self.driver.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
            self.assertLessEqual(self.driver.execute_script("return document.documentElement.scrollWidth"), 360)
            wide = self.driver.execute_script("return [...document.querySelectorAll('.box')].filter(b => b.scrollWidth > b.clientWidth).length")
            self.assertGreater(wide, 0)

    def test_both_schemes(self):
        paper = {}
        for scheme in ("light", "dark"):
            for url in self.urls():
                self.show(url, scheme=scheme)
                self.driver.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
                ratio, where = self.driver.execute_script(CONTRAST)
                self.assertGreaterEqual(ratio, 4.5, f"{scheme}: {where}")
            paper[scheme] = self.driver.execute_script("return getComputedStyle(document.body).backgroundColor")
        self.assertNotEqual(paper["light"], paper["dark"])

    def test_screenshots(self):
        for name, url in (("report", self.url), ("compare", "file://" + self.compared)):
            for scheme in ("light", "dark"):
                for what, width in (("wide", 1100), ("phone", 360)):
                    self.show(url, width, 900, scheme)
                    path = os.path.join(ARTIFACTS, f"report-{name}-{scheme}-{what}.png")
                    self.picture(path, width)
                    with open(path, "rb") as f:
                        self.assertEqual(f.read(4), b"\x89PNG")
                    self.assertGreater(os.path.getsize(path), 10000)

    def picture(self, path, width):
        import base64
        height = min(self.driver.execute_script("return document.documentElement.scrollHeight"), 6000)
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True,
                                                                      "clip": {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}})
        with open(path, "wb") as f:
            f.write(base64.b64decode(shot["data"]))


if __name__ == "__main__":
    if not BIN:
        sys.exit("test_report.py: no nosnoop-bench in build/rel/bin or build/dev/bin, expected a build")
    if not has_browser():
        print("skipped: the report in a browser: chromium, chromedriver or python3-selenium is not installed")
    unittest.main()
