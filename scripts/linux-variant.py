#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Makes a copy of a kernel tree's iommufd files with a flush rule, trial fixes or mistakes in it, for core/linux/build.py.

  linux-variant.py --linux-tree DIR --out DIR2 [--rule NAME] [--fix NAME[,NAME...]] [--mutant ID[,ID...]]
  linux-variant.py --linux-tree DIR --check        everything in the list fits this tree; nothing is written
  linux-variant.py --list

The tree is not changed. DIR2 must not lie in the tree nor in the checkout (but for build/): it holds the kernel's code.
A DIR2 that this program made before is made anew; it appears when it is complete. An edit is made at places that
are named by identifiers (linux_edit.py, linux_variants.py). Exit: 0; 1 a pattern fits no place; 2 bad input.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True
import linux_edit  # noqa: E402
import linux_variants  # noqa: E402

IOMMUFD = "drivers/iommu/iommufd"
LINKS = ("include", "lib", "tools")
MARK = ".nosnoop-variant"
VERSION = ("VERSION", "PATCHLEVEL", "SUBLEVEL", "EXTRAVERSION")


class BadInput(Exception):
    pass


def by_name(variants, what, names):
    known = {v.name: v for v in variants}
    out = []
    for name in names:
        if name not in known:
            raise BadInput(f"no {what} \"{name}\"; there are: {' '.join(known) or 'none'}")
        if known[name] not in out:
            out.append(known[name])
    return out


class Recipe:
    """A rule or none, fixes, mutants; what a mutant needs comes by itself."""

    def __init__(self, rule="", fixes=(), mutants=()):
        self.mutants = by_name(linux_variants.MUTANTS, "mutant", mutants)
        fixes = list(fixes)
        for m in self.mutants:
            if rule and m.base[0] and rule != m.base[0]:
                raise BadInput(f"{m.name} changes the rule {m.base[0]}: it cannot be combined with {rule}")
            rule = rule or m.base[0]
            fixes += m.base[1]
        self.rule = by_name(linux_variants.RULES, "rule", [rule] if rule else [])
        self.fixes = by_name(linux_variants.FIXES, "fix", fixes)

    def variants(self):
        return self.rule + self.fixes + self.mutants

    def name(self):
        return "+".join(v.name for v in self.variants()) or "copy"


def read(tree, name):
    path = os.path.join(tree, IOMMUFD, name)
    try:
        with open(path, encoding="utf-8") as f:
            return f.read()
    except OSError as e:
        raise BadInput(f"{path}: {e.strerror}; --linux-tree wants the top of a kernel tree") from e


def edited(tree, recipe):
    """{file: text} of what the recipe changes."""
    sources = {}
    for v in recipe.variants():
        for e in v.edits:
            if e.file not in sources:
                sources[e.file] = linux_edit.Source(e.file, read(tree, e.file))
            try:
                e.apply(sources[e.file])
            except linux_edit.Mismatch as m:
                raise linux_edit.Mismatch(f"{v.name}: {m}") from m
    return {name: s.text for name, s in sources.items()}


def version(tree, recipe):
    """The few words of a Makefile that say which kernel it is, and now what was done to it."""
    words = dict.fromkeys(VERSION, "")
    try:
        with open(os.path.join(tree, "Makefile"), encoding="utf-8") as f:
            for line in f.read(4096).split("\n"):
                key, is_set, rest = line.partition("=")
                if is_set and key.strip() in words:
                    words[key.strip()] = rest.strip()
    except OSError:
        pass
    words["EXTRAVERSION"] += "-" + recipe.name()
    return "".join(f"{key} = {words[key]}\n" for key in VERSION)


def is_in(path, folder):
    return os.path.commonpath([path, folder]) == folder


def check_out(tree, out):
    if is_in(out, TOP) and not is_in(out, os.path.join(TOP, "build")):
        raise BadInput(f"{out}: lies in the checkout, which holds no kernel code; take one elsewhere, or below build/")
    if is_in(out, tree) or is_in(tree, out):
        raise BadInput(f"{out}: lies in the kernel tree, or the tree in it; take a folder elsewhere")
    if os.path.lexists(out) and not os.path.exists(os.path.join(out, MARK)):
        raise BadInput(f"{out}: is there already, and not of this program's making")
    if not os.path.isdir(os.path.dirname(out)):
        raise BadInput(f"{os.path.dirname(out)}: no such folder")


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def make(tree, out, recipe):
    """All that core/linux/build.py needs: copies of the files beside each other, links to the rest."""
    tree, out = os.path.realpath(tree), os.path.abspath(out)
    check_out(tree, os.path.realpath(out))
    texts = edited(tree, recipe)
    tmp = tempfile.mkdtemp(prefix=os.path.basename(out) + ".", dir=os.path.dirname(out))
    try:
        to = os.path.join(tmp, IOMMUFD)
        os.makedirs(to)
        for name in os.listdir(os.path.join(tree, IOMMUFD)):
            if name.endswith((".c", ".h")):
                shutil.copyfile(os.path.join(tree, IOMMUFD, name), os.path.join(to, name))
        private = "drivers/iommu/iommu-priv.h"
        if os.path.exists(os.path.join(tree, private)):
            shutil.copyfile(os.path.join(tree, private), os.path.join(tmp, private))
        for name in LINKS:
            os.symlink(os.path.join(tree, name), os.path.join(tmp, name))
        for name, text in texts.items():
            write(os.path.join(to, name), text)
        write(os.path.join(tmp, "Makefile"), version(tree, recipe))
        write(os.path.join(tmp, MARK), f"{recipe.name()} of {tree}\n")
        os.chmod(tmp, 0o755)
        shutil.rmtree(out, ignore_errors=True)
        os.rename(tmp, out)
    except BaseException:
        shutil.rmtree(tmp, ignore_errors=True)
        raise


def recipes():
    """One for everything in the list."""
    return ([Recipe(rule=v.name) for v in linux_variants.RULES] +
            [Recipe(fixes=[v.name]) for v in linux_variants.FIXES] +
            [Recipe(mutants=[v.name]) for v in linux_variants.MUTANTS])


def check(tree):
    """How many of the list fit, and what the others say."""
    complaints, all_of_them = [], recipes()
    for r in all_of_them:
        try:
            edited(tree, r)
        except linux_edit.Mismatch as e:
            complaints.append(str(e))
    return len(all_of_them) - len(complaints), complaints


def print_list():
    for head, variants in (("rules (--rule)", linux_variants.RULES), ("trial fixes (--fix)", linux_variants.FIXES),
                           ("mutants (--mutant)", linux_variants.MUTANTS)):
        print(head)
        for v in variants:
            rest = "; on top of " + " + ".join((v.base[0],) + tuple(v.base[1])) if v.base[0] else ""
            print(f"  {v.name:<13} {v.what}{rest}")


def names(text):
    return [n for n in text.split(",") if n]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--linux-tree", metavar="DIR")
    p.add_argument("--out", metavar="DIR2")
    p.add_argument("--rule", default="", metavar="NAME")
    p.add_argument("--fix", default="", metavar="NAME,..")
    p.add_argument("--mutant", default="", metavar="ID,..")
    p.add_argument("--check", action="store_true")
    p.add_argument("--list", action="store_true")
    args = p.parse_args()
    try:
        if args.list:
            print_list()
            return 0
        if not args.linux_tree:
            raise BadInput("--linux-tree DIR is missing: the top of a kernel tree")
        if args.check:
            fit, complaints = check(args.linux_tree)
            print("\n".join(complaints + [f"{fit} fit, {len(complaints)} do not"]))
            return 1 if complaints else 0
        recipe = Recipe(args.rule, names(args.fix), names(args.mutant))
        if not args.out:
            raise BadInput("--out DIR2 is missing: the folder for the copy")
        if not recipe.variants():
            raise BadInput("nothing to do: expected --rule, --fix or --mutant (--list says what there is)")
        make(args.linux_tree, args.out, recipe)
    except BadInput as e:
        print(f"linux-variant.py: {e}", file=sys.stderr)
        return 2
    except linux_edit.Mismatch as e:
        print(f"linux-variant.py: {args.linux_tree}: {e}", file=sys.stderr)
        return 1
    print(f"{args.out}: {recipe.name()}")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a reader that has seen enough, as `| head`
    sys.exit(main())
