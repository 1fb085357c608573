#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Every source and script says its licence on its first or second line."""

import os
import posixpath
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import common

SUFFIXES = (".c", ".h", ".def", ".S", ".py", ".sh", ".cmake")
WORD = "SPDX-License-Identifier: GPL-2.0-only"


def is_source(root, path):
    if path.endswith(SUFFIXES) or posixpath.basename(path) == "CMakeLists.txt":
        return True
    with open(os.path.join(root, path), "rb") as f:
        return f.read(2) == b"#!"


def check(root):
    found = []
    for path in common.files(root):
        if is_source(root, path) and not any(WORD in line for line in common.read(root, path)[:2]):
            found.append((path, 1, f"expected `{WORD}' in the first two lines"))
    return found


CASES = [
    ("a source without", {"core/a.c": "int x;\n"}, 1),
    ("a source with", {"core/a.c": f"// {WORD}\n"}, 0),
    ("a script, second line", {"scripts/x": f"#!/bin/sh\n# {WORD}\n"}, 0),
    ("a script without, no suffix", {".ci/run": "#!/bin/sh\ntrue\n"}, 1),
    ("too late", {"a.h": f"\n\n/* {WORD} */\n"}, 1),
    ("another licence", {"a.py": "# SPDX-License-Identifier: MIT\n"}, 1),
    ("text is no source", {"README.md": "hello\n"}, 0),
]

if __name__ == "__main__":
    sys.exit(common.run(check, CASES))
