#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
modules.py DIR OUT NAME...: what must be loaded, in order, for these modules of a kernel.

DIR is a folder of modules (lib/modules/VERSION); nothing need be installed and no depmod have run, because what each
needs is read from the module itself. Writes OUT/NNN-name.ko, unpacked. A name that is neither there nor in
modules.builtin is an error, exit 2; what a module merely prefers to have (softdep) may be missing.
"""

import gzip
import lzma
import os
import re
import subprocess
import sys


class Bad(Exception):
    pass


def module_name(path):
    return re.sub(r"\.ko(\.\w+)?$", "", os.path.basename(path)).replace("-", "_")


def plain(path):
    """The ELF file's bytes, whatever it is packed with."""
    with open(path, "rb") as f:
        raw = f.read()
    try:
        if path.endswith(".xz"):
            raw = lzma.decompress(raw)
        elif path.endswith(".gz"):
            raw = gzip.decompress(raw)
        elif path.endswith(".zst"):
            raw = subprocess.run(["zstd", "-dcq"], input=raw, capture_output=True, check=True).stdout
    except FileNotFoundError:
        raise Bad(f"{path}: packed with zstd, expected the program zstd to be installed") from None
    except (OSError, EOFError, lzma.LZMAError, subprocess.CalledProcessError) as e:
        raise Bad(f"{path}: cannot be unpacked ({e}), expected a module") from None
    if raw[:4] != b"\x7fELF":
        raise Bad(f"{path}: not an ELF file, expected a module")
    return raw


def information(raw, key):
    """Values of a key in .modinfo: NUL-ended `key=value', which nothing else in a module looks like."""
    return [v.decode() for v in re.findall(rb"\0" + key + rb"=([^\0]*)(?=\0)", b"\0" + raw)]


def needs(raw):
    """[(module, must it be there?)]"""
    out = [(n, True) for v in information(raw, b"depends") for n in v.split(",") if n]
    for v in information(raw, b"softdep"):
        before = re.search(r"pre:\s*(.*?)(?:post:|$)", v)
        out += [(n, False) for n in (before[1].split() if before else [])]
    return [(n.replace("-", "_"), must) for n, must in out]


class Modules:
    def __init__(self, folder):
        self.folder = folder
        self.paths, self.builtin = {}, set()
        for where, _, names in os.walk(folder):
            self.paths.update((module_name(n), os.path.join(where, n)) for n in names if re.search(r"\.ko(\.(xz|gz|zst))?$", n))
        try:
            with open(os.path.join(folder, "modules.builtin"), encoding="ascii") as f:
                self.builtin = {module_name(line.strip()) for line in f}
        except FileNotFoundError:
            pass

    def order(self, names):
        """[(name, bytes)]: what a module needs stands before it."""
        done, out = set(), []

        def add(name, must, chain):
            if name in done or name in self.builtin:
                return
            if name not in self.paths:
                if must:
                    why = f" (wanted by {chain[-1]})" if chain else ""
                    raise Bad(f"no module {name} in {self.folder}, nor in its modules.builtin{why}, expected a kernel that has it")
                return
            done.add(name)
            raw = plain(self.paths[name])
            for other, other_must in needs(raw):
                add(other, other_must, chain + [name])
            out.append((name, raw))

        for name in names:
            add(name.replace("-", "_"), True, [])
        return out


def main(argv):
    if len(argv) < 3 or argv[0].startswith("-"):
        print(__doc__.strip(), file=sys.stderr)
        return 0 if argv[:1] == ["--help"] else 2
    folder, to, *names = argv
    try:
        if not os.path.isdir(folder):
            raise Bad(f"{folder}: not a folder, expected lib/modules/VERSION of the kernel")
        for number, (name, raw) in enumerate(Modules(folder).order(names)):
            with open(os.path.join(to, f"{number:03d}-{name}.ko"), "wb") as f:
                f.write(raw)
    except Bad as e:
        print(f"modules.py: {e}", file=sys.stderr)
        return 2
    except OSError as e:
        print(f"modules.py: {e.filename}: {e.strerror}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
