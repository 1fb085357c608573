#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Writes corpus/regress/check-POLICY-CONTRACT.ops: the shortest sequences that break an unsound policy, by nosnoop-check on its small
configuration; check-POLICY-CONTRACT-failures.ops where one with failing requests is shorter. A file whose sequence is of
the same length as the new one stays as it is.
"""

import argparse
import json
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOUND = ("L", "I", "S0", "O", "U")


def requests_of(path, contract):
    """How many requests the sequence in this file has; None: there is no such file, or it says nothing."""
    try:
        with open(path, encoding="ascii") as f:
            said = re.search(rf"shortest for {contract}: (\d+) requests", f.read())
    except FileNotFoundError:
        return None
    return int(said[1]) if said else None


def save(path, text):
    with open(path + ".new", "w", encoding="ascii") as f:
        f.write(text)
    os.replace(path + ".new", path)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", default=os.path.join(TOP, "build", "rel", "bin"), help="folder of nosnoop-check")
    parser.add_argument("--to", default=os.path.join(TOP, "corpus", "regress"), help="folder of the traces")
    args = parser.parse_args()
    least, written, kept = {}, 0, 0
    for extra, suffix in ([], ""), (["--failures"], "-failures"):
        done = subprocess.run([os.path.join(args.bin, "nosnoop-check"), "--policy", "all", "--json", *extra],
                              stdout=subprocess.PIPE, check=False)
        if done.returncode not in (0, 1):
            sys.exit(f"nosnoop-check ended with {done.returncode}")
        for r in json.loads(done.stdout)["results"]:
            if all(r["contracts"][c]["claimed"] for c in SOUND):
                continue
            for c, v in r["contracts"].items():
                name = f"check-{r['policy']}-{c}"
                if v["verdict"] != "broken" or least.get(name, v["requests"] + 1) <= v["requests"]:
                    continue
                least[name] = v["requests"]
                path = os.path.join(args.to, name + suffix + ".ops")
                if requests_of(path, c) == v["requests"]:
                    kept += 1
                    continue
                save(path, "# SPDX-License-Identifier: GPL-2.0-only\n" +
                     v["trace"].replace(name + ".ops", name + suffix + ".ops"))
                written += 1
    print(f"{written} written, {kept} kept")


if __name__ == "__main__":
    main()
