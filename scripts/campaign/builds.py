# SPDX-License-Identifier: GPL-2.0-only
"""What has been built: programs by name, and the kinds of workers that can be had for each target."""

import os
import shutil

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# kind: folder of the build, ending of the program's name
ENGINES = {
    "afl": ("afl", "afl"),
    "afl-cmplog": ("afl-cmplog", "afl"),
    "afl-asan": ("afl-asan", "afl"),
    "libfuzzer": ("fuzz-plain", "libfuzzer"),
    "libfuzzer-asan": ("fuzz", "libfuzzer"),
}
MUTATOR = "mutator-ops.so"


class Builds:
    def __init__(self, root):
        self.root = root

    def path(self, build, name):
        """None: not there."""
        path = os.path.join(self.root, build, "bin", name)
        return path if os.access(path, os.X_OK) else None

    def first(self, builds, name):
        for b in builds:
            path = self.path(b, name)
            if path:
                return path
        return None

    def tool(self, name, sanitized=False):
        """nosnoop-NAME: the fast one, unless the sanitizers are wanted."""
        return self.first(("dev", "rel") if sanitized else ("rel", "dev"), f"nosnoop-{name}")

    def replayers(self, target):
        """The sanitized ones first: they see most."""
        found = [self.path(b, f"fuzz-{target}-replay") for b in ("dev", "fuzz", "rel", "fuzz-plain", "afl")]
        return [p for p in found if p]

    def replayer(self, target):
        """The fast one."""
        return self.first(("rel", "fuzz-plain", "afl", "dev", "fuzz"), f"fuzz-{target}-replay")

    def engine(self, kind, target):
        if kind == "builtin":
            return self.tool("fuzz")
        build, ending = ENGINES[kind]
        return self.path(build, f"fuzz-{target}-{ending}")

    def mutator(self):
        return self.first(("rel", "afl"), MUTATOR)


def absent(builds, kind, targets):
    """The first target that the kind should fuzz and cannot; None: it can all of them."""
    wanted = targets[:1] if kind in ("builtin", "afl-cmplog", "afl-asan") else targets
    return next((t for t in wanted if not builds.engine(kind, t)), None)


def kinds(builds, targets):
    """(kinds that run, one line for each that does not)."""
    there, missing = [], []
    afl_fuzz = shutil.which("afl-fuzz")
    for kind in list(ENGINES) + ["builtin"]:
        if kind.startswith("afl") and not afl_fuzz:
            why = "afl++ is not installed"
        elif kind == "afl-cmplog" and not builds.engine("afl", targets[0]):
            why = "no build of AFL++ beside it"
        elif absent(builds, kind, targets):
            name = "nosnoop-fuzz" if kind == "builtin" else f"fuzz-{absent(builds, kind, targets)}"
            folder = "rel" if kind == "builtin" else ENGINES[kind][0]
            why = f"{name} is not in {folder}/bin"
        else:
            there.append(kind)
            continue
        missing.append(f"left out: {kind}: {why}")
    return there, missing
