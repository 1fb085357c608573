# SPDX-License-Identifier: GPL-2.0-only
"""
A results folder (schema: results/README.md), read and looked at before anything is made of it. Fields may be missing, for the
schema grows; one that is there is of the kind that it should be, or the reader is told which is not.
"""

import json
import math
import os

CONTRACTS = ("L", "I", "S0", "S1", "E", "O", "U")
SOUND = ("L", "I", "S0", "O", "U")
MEANS = {
    "L": "leak: a device can reach a page while its memory may still hold what was there before",
    "I": "integrity: at the last unpin a line is stale, or dirty over what a device wrote",
    "S0": "visibility: a page becomes reachable for devices, and no clean of it came first",
    "S1": "visibility at every mapping, also where the page was exposed already; informs only",
    "E": "integrity at un-exposure: a line is stale while the page stays pinned",
    "O": "order: a closing clean comes while the page can still be reached",
    "U": "unpinned while a domain still reaches the page",
}
PHASES = ("map", "unmap", "attach", "detach", "access", "teardown")
NA = "n/a"


class Bad(Exception):
    """Bad input: its text says where, what, and what would be right."""


def load(path):
    try:
        with open(path, encoding="utf-8") as f:
            return json.load(f)
    except json.JSONDecodeError as e:
        raise Bad(f"{path}:{e.lineno}:{e.colno}: {e.msg}, expected JSON") from e
    except UnicodeDecodeError as e:
        raise Bad(f"{path}: byte {e.start} is no UTF-8, expected JSON") from e
    except RecursionError as e:
        raise Bad(f"{path}: nested too deeply, expected JSON as results/README.md describes it") from e


def number(value):
    """The number, or None where there is none: missing, null, n/a, or one that no count and no time can be."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    return value if (abs(value) < 1 << 128 if isinstance(value, int) else math.isfinite(value)) else None


# --- shapes ------------------------------------------------------------------------------------


def want(ok, where, value, expected):
    if not ok:
        shown = json.dumps(value)
        raise Bad(f"{where}: {shown if len(shown) < 40 else shown[:37] + '...'}, expected {expected}")


def want_records(parent, key, where):
    value = parent.get(key, [])
    want(isinstance(value, list) and all(isinstance(x, dict) for x in value), f"{where}: {key}", value, "a list of records")
    return value


def want_numbers(record, keys, where):
    for key in keys:
        value = record.get(key)
        want(value in (None, NA) or number(value) is not None, f"{where}.{key}", value, 'a number or "n/a"')


def want_text(record, keys, where):
    for key in keys:
        want(isinstance(record.get(key), str), f"{where}.{key}", record.get(key), "a text")


def want_phases(record, where):
    for phase in PHASES:
        if phase not in record:
            continue
        p = record[phase]
        want(isinstance(p, dict), f"{where}.{phase}", p, "a record")
        want_numbers(p, ("requests", "pages", "ns", "none_ns", "ns_page", "delta_ns_page", "cycles_page"), f"{where}.{phase}")
        for key in ("rounds_ns", "rounds_none_ns"):
            values = p.get(key, [])
            want(isinstance(values, list) and all(number(v) is not None for v in values), f"{where}.{phase}.{key}", values, "numbers")


FLUSHES = ("flushes", "redundant", "missing", "bound", "bound_lis0", "ratio", "ratio_lis0")


def look_at(results, path):
    """Everything that pages are made of, so that they need not ask."""
    want(isinstance(results, dict), path, results, "a record")
    for i, s in enumerate(want_records(results, "summary", path)):
        where = f"{path}: summary[{i}]"
        want_text(s, ("policy",), where)
        for key in ("claims", "broken"):
            want(isinstance(s.get(key, []), list), f"{where}.{key}", s.get(key), "a list of contracts")
        want_numbers(s, FLUSHES, where)
        want_phases(s, where)
    for i, r in enumerate(want_records(results, "results", path)):
        where = f"{path}: results[{i}]"
        want_text(r, ("workload", "policy"), where)
        want(isinstance(r.get("contracts", {}), dict), f"{where}.contracts", r.get("contracts"), "a record")
        want(isinstance(r.get("counters", {}), dict), f"{where}.counters", r.get("counters"), "a record")
        want_numbers(r, FLUSHES + ("clean_lines", "rounds"), where)
        want_phases(r, where)
    for i, w in enumerate(want_records(results, "workloads", path)):
        want_text(w, ("workload",), f"{path}: workloads[{i}]")
    for key in ("clean", "limits", "sweeps", "published"):
        want_records(results, key, path)


def look_at_check(check, path):
    want(isinstance(check, dict), path, check, "a record")
    for i, r in enumerate(want_records(check, "results", path)):
        where = f"{path}: results[{i}]"
        want_text(r, ("policy",), where)
        contracts = r.get("contracts")
        want(isinstance(contracts, dict) and all(isinstance(v, dict) for v in contracts.values()), f"{where}.contracts", contracts,
             "a record of records")
        for name, v in contracts.items():
            if "trace" in v:
                want_text(v, ("trace",), f"{where}.contracts.{name}")
            want(number(v.get("requests", None if "trace" in v else 0)) is not None, f"{where}.contracts.{name}.requests", v.get("requests"), "a number")


def look_at_clean(clean, path):
    want(isinstance(clean, dict), path, clean, "a record")
    for key in ("clean", "limits"):
        want_records(clean, key, path)


def look_at_kernel(kernel, path):
    want_records(kernel, "flushes", path)


# --- the folder --------------------------------------------------------------------------------


class Folder:
    """@results and @meta are there; @text, @check, @failures, @gate, @kernel are None where the file is not."""

    def __init__(self, path):
        self.path = path
        self.results = self.needed("results.json")
        look_at(self.results, os.path.join(path, "results.json"))
        self.meta = self.needed("meta.json")
        want(isinstance(self.meta, dict), os.path.join(path, "meta.json"), self.meta, "a record")
        self.check = self.optional("check.json", look_at_check)
        self.failures = self.optional("check-failures.json", look_at_check)
        self.gate = self.optional("gate.json") or self.results.get("gate")
        self.kernel = self.optional("kernel-check.json", look_at_kernel)
        # Curves stand in a file of their own; results.json has a few points.
        clean = self.optional("clean.json", look_at_clean) or self.results
        self.clean, self.limits = clean.get("clean", []), clean.get("limits", [])
        self.text = None
        if os.path.exists(os.path.join(path, "report.txt")):
            with open(os.path.join(path, "report.txt"), encoding="utf-8", errors="replace") as f:
                self.text = f.read()

    def needed(self, name):
        path = os.path.join(self.path, name)
        if not os.path.isfile(path):
            raise Bad(f"{path}: no such file, expected a folder that nosnoop-bench report wrote")
        return load(path)

    def optional(self, name, look=None):
        path = os.path.join(self.path, name)
        if not os.path.exists(path):
            return None
        value = load(path)
        want(isinstance(value, dict), path, value, "a record")
        if look:
            look(value, path)
        return value

    @property
    def summary(self):
        return self.results.get("summary", [])

    @property
    def policies(self):
        return [s["policy"] for s in self.summary]

    @property
    def workloads(self):
        """Records of workloads in their order; of those that only results name, the name."""
        known = {w["workload"]: w for w in self.results.get("workloads", [])}
        for r in self.results.get("results", []):
            known.setdefault(r["workload"], {"workload": r["workload"]})
        return list(known.values())

    def of_workload(self, name):
        return [r for r in self.results.get("results", []) if r["workload"] == name]

    def cell(self, workload, policy):
        for r in self.results.get("results", []):
            if r["workload"] == workload and r["policy"] == policy:
                return r
        return None

    def claims(self, policy):
        for s in self.summary:
            if s["policy"] == policy:
                return s.get("claims", [])
        return []

    def is_sound(self, policy):
        """It claims to be."""
        return all(c in self.claims(policy) for c in SOUND)
