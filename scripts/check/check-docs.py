#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Documents name only what exists: every relative link in a .md file, every `path` in one that begins with a
folder of the top level, and README.md names the two commands.
Not looked at: what a build or a run makes (build/, results/latest), and placeholders such as <name>.
"""

import glob
import os
import posixpath
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import common

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)[^)]*\)")
CODE = re.compile(r"`([^`\s]+)`")
TOP = ("core/", "bench/", "fuzz/", "corpus/", "scripts/", "results/", ".ci/")
MADE = ("build/", "results/latest")
COMMANDS = ("scripts/run.sh", "scripts/test.sh")


def braces(text):
    """core/{a,b}.h -> core/a.h, core/b.h"""
    m = re.search(r"\{([^{}]*,[^{}]*)\}", text)
    if not m:
        return [text]
    return [x for part in m[1].split(",") for x in braces(text[:m.start()] + part + text[m.end():])]


def exists(root, path):
    return bool(glob.glob(os.path.join(glob.escape(root), path)))


def check_link(root, path, target):
    target = target.split("#")[0]
    if not target or re.match(r"^[a-z]+:", target):
        return None
    full = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    if full.startswith(MADE) or exists(root, full):
        return None
    return f"link to {target}: no such file"


def check_code(root, path, word):
    word = word.rstrip(".,:;").split(":")[0]
    if not word.startswith(TOP) or word.startswith(MADE) or re.search(r"[<>$]|\.\.\.|\bNAME\b", word):
        return None
    for one in braces(word):
        if not exists(root, one) and not exists(root, posixpath.join(posixpath.dirname(path), one)):
            return f"`{one}': no such file"
    return None


def check(root):
    found = []
    for path in common.files(root):
        if not path.endswith(".md"):
            continue
        for number, line in enumerate(common.read(root, path), 1):
            whats = [check_link(root, path, t) for t in LINK.findall(line)]
            whats += [check_code(root, path, w) for w in CODE.findall(line)]
            found += [(path, number, w) for w in whats if w]
    return found + check_commands(root)


def check_commands(root):
    if not os.path.isfile(os.path.join(root, "README.md")):
        return [("README.md", 1, "does not exist")]
    text = "\n".join(common.read(root, "README.md"))
    return [("README.md", 1, f"does not name {c}") for c in COMMANDS if c not in text]


GOOD = "run scripts/run.sh, test with scripts/test.sh\n"
CASES = [
    ("as it should be", {"README.md": GOOD + "[x](core/a.md#top) `core/a.md` [w](https://e.org/x)\n", "core/a.md": "\n"}, 0),
    ("a dead link", {"README.md": GOOD + "[x](core/gone.md)\n"}, 1),
    ("a link from a folder", {"README.md": GOOD, "core/README.md": "[up](../README.md) [no](../NO.md)\n"}, 1),
    ("a path that is gone", {"README.md": GOOD + "see `core/flush/gone.c`\n"}, 1),
    ("braces, one of two gone", {"README.md": GOOD + "`core/{a,b}.h`\n", "core/a.h": "\n"}, 1),
    ("a pattern without a match", {"README.md": GOOD + "`corpus/seed/*.ops`\n"}, 1),
    ("made by a build", {"README.md": GOOD + "`results/latest/report.txt` `build/rel/bin/x`\n"}, 0),
    ("a command not named", {"README.md": "scripts/run.sh\n"}, 1),
    ("no README", {"core/a.md": "\n"}, 1),
]

if __name__ == "__main__":
    sys.exit(common.run(check, CASES))
