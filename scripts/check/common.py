# SPDX-License-Identifier: GPL-2.0-only
"""What the checks share: the list of files, the report, the self-test."""

import os
import subprocess
import sys
import tempfile


def root_from(script):
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(script))))


def files(root):
    """Paths of the checkout relative to root, also those not added yet; without git, all but build/."""
    try:
        # A clone made by somebody else (a chroot, a container) is not a reason to refuse to list it.
        out = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard"],
                             cwd=root, capture_output=True, text=True, check=True).stdout
        found = out.splitlines()
    except (OSError, subprocess.CalledProcessError):
        found = []
        for folder, dirs, names in os.walk(root):
            dirs[:] = [d for d in dirs if d not in (".git", "build", "__pycache__")]
            found += [os.path.relpath(os.path.join(folder, n), root) for n in names]
    return sorted(f for f in set(found) if os.path.isfile(os.path.join(root, f)))


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as f:
        return f.read().split("\n")


def run(check, cases):
    """
    check(root) gives [(path, line, what)]. cases: (name, {path: text}, number of findings) for --self-test: a
    check that finds nothing in a wrong tree, or something in a right one, is broken.
    """
    if sys.argv[1:] == ["--self-test"]:
        return self_test(check, cases)
    if sys.argv[1:]:
        print(f"usage: {os.path.basename(sys.argv[0])} [--self-test]", file=sys.stderr)
        return 2
    found = check(root_from(sys.argv[0]))
    for path, line, what in found:
        print(f"{path}:{line}: {what}")
    print(f"{os.path.basename(sys.argv[0])}: {len(found)} found")
    return 1 if found else 0


def self_test(check, cases):
    wrong = 0
    for name, tree, expected in cases:
        with tempfile.TemporaryDirectory() as root:
            for path, text in tree.items():
                os.makedirs(os.path.dirname(os.path.join(root, path)) or root, exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as f:
                    f.write(text)
            found = check(root)
        if len(found) != expected:
            wrong += 1
            print(f"self-test {name}: found {len(found)}, expected {expected}: {found}")
    print(f"self-test: {len(cases) - wrong} of {len(cases)} as expected")
    return 1 if wrong or not cases else 0
