#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
How long nosnoop-fuzz needs to break each policy that is not sound: CPU seconds to the first finding, the time to shrink
it left out, over several seeds. Exit: 0 every policy was broken with every seed within the limit, 1 not so, 2 bad input.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def run(program, *args):
    return subprocess.run([program, *map(str, args)], capture_output=True, text=True, cwd=TOP, check=False)


def unsound(program):
    """Names of the policies that do not claim to be sound: those of "all" that are not in "all-sound"."""
    names = []
    for word in ("all", "all-sound"):
        done = run(program, "--policy", word, "--runs", 1, "--json")
        if done.returncode not in (0, 1):
            sys.exit(f"{program}: {done.stderr.strip()}")
        names.append(json.loads(done.stdout)["policies"])
    return [n for n in names[0] if n not in names[1]]


def first_finding(program, policy, seed, limit):
    """(CPU seconds, runs, rule), or None: nothing within the limit"""
    done = run(program, "--policy", policy, "--seed", seed, "--first", "--seconds", limit, "--json")
    if done.returncode not in (0, 1):
        sys.exit(f"{program}: {done.stderr.strip()}")
    found = json.loads(done.stdout)["findings"]
    return (found[0]["cpu_seconds"], found[0]["run"], found[0]["rule"]) if found else None


def measure(args, policy):
    tries = []
    for seed in range(1, args.seeds + 1):
        if sys.stderr.isatty():
            print(f"\r\033[K{policy}, seed {seed}", end="", file=sys.stderr, flush=True)
        tries.append(first_finding(args.program, policy, seed, args.limit))
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    times = [t[0] for t in tries if t]
    return {
        "policy": policy,
        "tries": len(tries),
        "found": len(times),
        "median_seconds": statistics.median(times) if times else None,
        "max_seconds": max(times) if times else None,
        "median_runs": statistics.median(t[1] for t in tries if t) if times else None,
        "rules": sorted({t[2] for t in tries if t}),
    }


def row(r):
    if not r["found"]:
        return f"{r['policy']:28} {0:3}/{r['tries']:<3} {'-':>9} {'-':>9} {'-':>7}"
    return (f"{r['policy']:28} {r['found']:3}/{r['tries']:<3} {r['median_seconds'] * 1e3:9.2f} "
            f"{r['max_seconds'] * 1e3:9.2f} {r['median_runs']:7.0f}  {' '.join(r['rules'])}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=os.path.join(TOP, "build", "rel", "bin", "nosnoop-fuzz"), metavar="FILE",
                        help="nosnoop-fuzz (build/rel/bin/nosnoop-fuzz)")
    parser.add_argument("--seeds", type=int, default=10, metavar="N", help="seeds 1..N (10)")
    parser.add_argument("--limit", type=float, default=60, metavar="S", help="seconds a campaign may take (60)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    if args.seeds < 1 or args.limit <= 0:
        parser.error("--seeds and --limit: expected more than 0")
    if not os.access(args.program, os.X_OK):
        parser.error(f"{args.program}: no such program; build it, or name another by --program")
    rows = []
    if not args.json:
        print(f"{'policy':28} {'found':>7} {'median ms':>9} {'max ms':>9} {'runs':>7}  rules")
    for policy in unsound(args.program):
        rows.append(measure(args, policy))
        if not args.json:
            print(row(rows[-1]), flush=True)
    if args.json:
        json.dump({"fuzz_times": rows, "limit_seconds": args.limit}, sys.stdout, indent=1)
        print()
    return 0 if all(r["found"] == r["tries"] for r in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
