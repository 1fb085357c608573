#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Verdicts of nosnoop-check, from its JSON: a table for each configuration, and whether what policies claim is what held in all of them.
Files of the same configuration are put together. Exit: 0 claims and verdicts agree (with --exact also: what is not claimed is broken
somewhere), 1 they do not, 2 bad input.
"""

import argparse
import json
import sys

CONTRACTS = ("L", "I", "S0", "S1", "E", "O", "U")


def bad(what):
    print(f"verdicts.py: {what}", file=sys.stderr)
    sys.exit(2)


def load(path):
    try:
        with open(path, encoding="utf-8") as f:
            j = json.load(f)
    except OSError as e:
        bad(f"{path}: {e.strerror}")
    except ValueError as e:
        bad(f"{path}: not JSON ({e})")
    if not isinstance(j, dict) or j.get("tool") != "nosnoop-check" or j.get("version") != 1:
        bad(f'{path}: expected what "nosnoop-check --json" prints (version 1)')
    return j


def count(n, what):
    return f"{n} {what}" + ("" if n == 1 else "es" if what.endswith("s") else "s")


def title(s):
    words = [count(s["objects"], "object") + " of " + count(s["pages"], "page") + (" over one buffer" if s["aliased"] else ""),
             count(s["areas"], "area"), count(s["tables"], "table") + " of " + count(s["domains"], "domain"),
             count(s["accesses"], "access")]
    if s["readonly"]:
        words.append("read-only too")
    words.append({"none": "no request fails", "listed": "attaches, maps, copies also fail",
                  "all": "requests also fail, everywhere"}[s["failures"]])
    return ", ".join(words)


def cell(v):
    if v["verdict"] == "broken":
        return f"x@{v['requests']}" + ("!" if v["claimed"] else "")
    return "safe" if v["verdict"] == "safe" else f">{v['requests']}"


def rows(results):
    yield ["policy", *CONTRACTS, "states", "requests executed", "ends"]
    for r in results:
        end = f"fixpoint, depth {r['depth']}" if r["end"] == "fixpoint" else f"{r['end']}, to {r['depth']}"
        yield [r["policy"], *(cell(r["contracts"][c]) for c in CONTRACTS), f"{r['states']:,}", f"{r['transitions']:,}", end]


def print_table(results):
    table = list(rows(results))
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    for n, row in enumerate(table):
        print("| " + " | ".join(c.ljust(w) for c, w in zip(row, widths)) + " |")
        if not n:
            print("|" + "|".join("-" * (w + 2) for w in widths) + "|")


def disagreements(spaces, exact):
    broken, claims = {}, {}
    for results in spaces.values():
        for r in results:
            for c, v in r["contracts"].items():
                claims[r["policy"], c] = v["claimed"]
                if v["verdict"] == "broken":
                    broken.setdefault((r["policy"], c), v["requests"])
            if r["finding"]:
                yield f"{r['policy']}: {r['finding']['rule']}: {r['finding']['what']}"
    for (policy, c), claimed in claims.items():
        if claimed and (policy, c) in broken:
            yield f"{policy} claims {c}, which is broken in {broken[policy, c]} requests"
        elif exact and not claimed and (policy, c) not in broken:
            yield f"{policy} does not claim {c}, and nothing breaks it"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", metavar="FILE", nargs="+", help="what nosnoop-check --json printed")
    parser.add_argument("--exact", action="store_true", help="what is not claimed must be broken in one of the files")
    args = parser.parse_args()
    spaces = {}
    for path in args.files:
        j = load(path)
        spaces.setdefault(json.dumps(j["space"], sort_keys=True), []).extend(j["results"])
    for space, results in spaces.items():
        print(f"{title(json.loads(space))}:\n")
        print_table(results)
        print()
    wrong = list(disagreements(spaces, args.exact))
    open_ends = sorted({r["policy"] for results in spaces.values() for r in results if r["end"] != "fixpoint"})
    if open_ends:
        print(f"Bounded somewhere, so that nothing there is proved of: {', '.join(open_ends)}.")
    proved = "What the policies claim is what held" + (" as far as it was explored." if open_ends else ".")
    print("\n".join(wrong) if wrong else proved)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
