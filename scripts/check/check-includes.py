#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
The module order of core/README.md, seen from the #include lines:
compat -> machine -> {shadow | flush.h} -> flush policies -> iopt -> op -> {fuzz, bench}; core/linux beside op.
A test (test_*.c) stands above op, but the inside of core/iopt stays closed to it as to everybody else.
"""

import os
import posixpath
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import common

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')
POLICY = re.compile(r"^\s*(?:static\s+)?const\s+struct\s+flush_policy\s+\w+\s*=", re.M)
FLUSH_OPEN = ("core/flush/flush.h", "core/flush/registry.h", "core/flush/clean.h")
LOW = ("core/compat/", "core/machine/")
TREE = re.compile(r"^(io_pagetable|kenv\w*)\.h$")
SEAM_FRIENDS = {"core/op/backend_linux_priv.h": ("core/linux/seam.h",)}

# What the files of a folder may include: prefixes (ending in /) and files.
ROOMS = {
    "core/compat": ("core/compat/",),
    "core/machine": LOW,
    "core/shadow": LOW + ("core/shadow/",),
    "core/flush": LOW + ("core/flush/",),
    "core/iopt": LOW + ("core/flush/flush.h", "core/iopt/"),
    # The kernel's world: plain records of ours, and the headers of a kernel tree (TREE).
    "core/linux": ("core/compat/fault.h", "core/machine/request.h", "core/machine/view.h", "core/linux/"),
    "core/op": LOW + ("core/shadow/", "core/op/") + FLUSH_OPEN,
    "fuzz": LOW + ("core/shadow/", "core/op/", "fuzz/") + FLUSH_OPEN,
    "bench": LOW + ("core/shadow/", "core/op/", "bench/") + FLUSH_OPEN,
}
TESTS = LOW + ("core/shadow/", "core/flush/", "core/op/", "fuzz/", "bench/")
# A policy sees the interface, and what spells out the interface for it (flush_*.h beside it).
POLICY_MAY = ("core/flush/flush.h",)
POLICY_HELPER = re.compile(r"^core/flush/flush_\w+\.h$")
IOPT_FRIENDS = ("core/op/backend_core.h", "core/op/backend_core.c", "core/op/backend_core_form.c")


def room_of(path):
    for room in ROOMS:
        if path.startswith(room + "/"):
            return room
    return None


def may(path, text):
    """(allowed prefixes, whose rule it is)"""
    room = room_of(path)
    own = posixpath.dirname(path) + "/"
    if posixpath.basename(path).startswith("test_"):
        return TESTS + (own,), "tests"
    if room == "core/flush" and POLICY.search(text):
        return POLICY_MAY, "a policy"
    allowed = ROOMS[room]
    if path in IOPT_FRIENDS:
        allowed += ("core/iopt/",)
    allowed += SEAM_FRIENDS.get(path, ())
    return allowed, room


def allowed_to(include, allowed, who):
    if who == "a policy" and POLICY_HELPER.match(include):
        return True
    return any(include == a or (a.endswith("/") and include.startswith(a)) for a in allowed)


def check_file(root, path):
    lines = common.read(root, path)
    allowed, who = may(path, "\n".join(lines))
    found = []
    for number, line in enumerate(lines, 1):
        m = INCLUDE.match(line)
        if not m:
            continue
        include = m[1]
        if path.startswith("core/linux/") and TREE.match(include):
            continue
        if not include.startswith(("core/", "fuzz/", "bench/")):
            found.append((path, number, f'"{include}": expected a name from the top, as "core/<folder>/<file>.h"'))
        elif not os.path.isfile(os.path.join(root, include)):
            found.append((path, number, f'"{include}" does not exist'))
        elif not allowed_to(include, allowed, who):
            found.append((path, number, f'"{include}": {who} may include only {", ".join(allowed)}'))
    return found


def check(root):
    found = []
    for path in common.files(root):
        if path.endswith((".c", ".h")) and room_of(path):
            found += check_file(root, path)
    return found


def tree(path, *includes):
    out = {i: "/* */\n" for i in includes}
    out[path] = "".join(f'#include "{i}"\n' for i in includes)
    return out


def policy(*includes):
    out = tree("core/flush/mine.c", *includes)
    out["core/flush/mine.c"] += "const struct flush_policy policy_mine = {\n};\n"
    return out


CASES = [
    ("compat upward", tree("core/compat/a.c", "core/machine/machine.h"), 1),
    ("machine to shadow", tree("core/machine/a.c", "core/shadow/shadow.h"), 1),
    ("shadow to the core", tree("core/shadow/a.c", "core/iopt/pages.h"), 1),
    ("shadow to the policies", tree("core/shadow/a.c", "core/flush/flush.h"), 1),
    ("core to the shadow", tree("core/iopt/a.c", "core/shadow/shadow.h"), 1),
    ("core to the registry", tree("core/iopt/a.c", "core/flush/registry.h"), 1),
    ("policy to the machine", policy("core/flush/flush.h", "core/machine/machine.h"), 1),
    ("policy as it should be", policy("core/flush/flush.h"), 0),
    ("op to the inside of iopt", tree("core/op/op_x.c", "core/iopt/pages.h"), 1),
    ("backend_core may", tree("core/op/backend_core.c", "core/iopt/pages.h"), 0),
    ("fuzz to iopt", tree("fuzz/a.c", "core/iopt/pages.h"), 1),
    ("bench as it should be", tree("bench/a.c", "core/op/op.h", "core/flush/registry.h", "bench/b.h"), 0),
    ("a test to iopt from outside", tree("core/shadow/test_a.c", "core/iopt/pages.h"), 1),
    ("a test of iopt", tree("core/iopt/test_a.c", "core/iopt/pages.h"), 0),
    ("a name that is not from the top", {"core/op/a.c": '#include "op.h"\n', "core/op/op.h": "\n"}, 1),
    ("a header that does not exist", {"core/op/a.c": '#include "core/op/gone.h"\n'}, 1),
    ("two in one file", tree("core/compat/a.c", "core/op/op.h", "core/machine/machine.h"), 2),
]

if __name__ == "__main__":
    sys.exit(common.run(check, CASES))
