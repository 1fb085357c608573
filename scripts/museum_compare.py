#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Compares two result files of nosnoop-museum --out, mutant by mutant: executions until each trial found it, by the
Mann-Whitney U test (two-sided) and the effect size A12 of Vargha and Delaney: how likely it is that a trial of A
needs more executions than one of B, ties counted half. 0.5: no difference; below: A is sooner. A trial that found
nothing needs more than all that did.

p is corrected by Holm over all mutants compared. A difference is called so when p < 0.05, and small, medium or large
by A12's distance from 0.5 (0.06, 0.14, 0.21).

Exit: 0 compared; 1 with --gate: B is later than A somewhere, and largely so, or misses what A never missed;
2 bad input. Needs scipy (Debian: python3-scipy, seen by /usr/bin/python3).
"""

import argparse
import json
import math
import sys

try:
    from scipy.stats import mannwhitneyu
except ImportError:
    print("museum_compare.py: scipy is not installed: apt-get install python3-scipy, and start this by /usr/bin/python3",
          file=sys.stderr)
    sys.exit(2)

SCHEMA = "nosnoop-museum 1"
SIZES = ((0.21, "large"), (0.14, "medium"), (0.06, "small"))


class Bad(Exception):
    pass


def load(path):
    """{mutant: executions of each trial, inf where nothing was found}"""
    try:
        with open(path, encoding="utf-8") as f:
            doc = json.load(f)
    except OSError as err:
        raise Bad(f"{path}: {err.strerror}, expected a file of nosnoop-museum --out") from err
    except ValueError as err:
        raise Bad(f"{path}: not JSON ({err}), expected a file of nosnoop-museum --out") from err
    if not isinstance(doc, dict) or doc.get("schema") != SCHEMA:
        raise Bad(f'{path}: its "schema" is not "{SCHEMA}": expected a file of nosnoop-museum --out')
    try:
        return {m["mutant"]: [t["executions"] if t["outcome"] != "missed" else math.inf for t in m["trials"]]
                for m in doc["mutants"] if m.get("trials") and m["kind"] != "control"}
    except (KeyError, TypeError) as err:
        raise Bad(f"{path}: a mutant without {err}: expected a file of nosnoop-museum --out") from err


def median(values):
    v = sorted(values)
    low, high = v[(len(v) - 1) // 2], v[len(v) // 2]
    return low if low == high else (low + high) / 2


def size(a12):
    return next((name for least, name in SIZES if abs(a12 - 0.5) >= least), "negligible")


def compare_one(a, b):
    u, p = mannwhitneyu(a, b, alternative="two-sided")
    # Where all values are equal there is no order to test.
    return {"u": float(u), "p": 1.0 if math.isnan(p) else float(p), "a12": float(u) / (len(a) * len(b)),
            "median_a": median(a), "median_b": median(b), "trials_a": len(a), "trials_b": len(b),
            "missed_a": a.count(math.inf), "missed_b": b.count(math.inf)}


def holm(rows):
    worst = 0.0
    for rank, r in enumerate(sorted(rows, key=lambda r: r["p"])):
        worst = max(worst, min(1.0, r["p"] * (len(rows) - rank)))
        r["p_holm"] = worst
        r["differs"] = worst < 0.05
        r["size"] = size(r["a12"])


def compare(a, b):
    rows = [{"mutant": m, **compare_one(a[m], b[m])} for m in a if m in b]
    if not rows:
        raise Bad("the files have no mutant in common: expected two runs of the same mutants")
    holm(rows)
    return rows


def is_worse(r):
    return (r["differs"] and r["size"] == "large" and r["a12"] < 0.5) or (not r["missed_a"] and r["missed_b"] > 0)


def number(v):
    return "-" if math.isinf(v) else f"{v:.0f}" if v == int(v) or v >= 100 else f"{v:.1f}"


def table(rows, only_a, only_b):
    print(f"{'mutant':28} {'median A':>9} {'median B':>9} {'U':>8} {'p (Holm)':>9} {'A12':>5}  difference")
    for r in rows:
        word = ""
        if r["differs"]:
            word = f"{'A' if r['a12'] < 0.5 else 'B'} is sooner, {r['size']}"
        elif r["missed_a"] != r["missed_b"]:
            word = f"missed: A {r['missed_a']}, B {r['missed_b']}"
        line = (f"{r['mutant']:28} {number(r['median_a']):>9} {number(r['median_b']):>9} {r['u']:8.1f} "
                f"{r['p_holm']:9.3g} {r['a12']:5.2f}  {word}")
        print(line.rstrip())
    mean = sum(r["a12"] for r in rows) / len(rows)
    print(f"\n{len(rows)} mutants; {sum(r['differs'] for r in rows)} differ; mean A12 {mean:.3f}")
    for name, only in (("A", only_a), ("B", only_b)):
        if only:
            print(f"only in {name}: {' '.join(only)}")


def finite(r):
    return {k: None if isinstance(v, float) and math.isinf(v) else v for k, v in r.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("a", metavar="A.json")
    parser.add_argument("b", metavar="B.json")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument("--gate", action="store_true", help="exit 1 when B is worse")
    parser.add_argument("--version", action="version", version=SCHEMA)
    args = parser.parse_args()
    try:
        a, b = load(args.a), load(args.b)
        rows = compare(a, b)
    except Bad as err:
        print(f"museum_compare.py: {err}", file=sys.stderr)
        return 2
    only_a, only_b = [m for m in a if m not in b], [m for m in b if m not in a]
    if args.json:
        print(json.dumps({"a": args.a, "b": args.b, "only_a": only_a, "only_b": only_b,
                          "mutants": [finite(r) for r in rows]}, indent=1))
    else:
        table(rows, only_a, only_b)
    return 1 if args.gate and any(is_worse(r) for r in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
