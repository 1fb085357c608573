#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Are the museum's mistakes found again in Linux's own files? Each mutant of linux-variant.py goes into a copy of the tree
in which the known deviations are mended (all trial fixes), so that whatever fires is the mutant's.

  linux-mutants.py --linux-tree DIR [--mutant ID,..] [--runs N] [--json FILE]

A row: the first trace of the corpus on which a rule fires, and how many runs nosnoop-fuzz needed without the corpus.
A rule that fires without a mutant too (rows "none", one for each rule that mutants are made of) does not count.
--runs: at most, for each mutant (200000; 0: the corpus alone), always the same ones. Nothing is left behind.
Exit: 0 all found and nothing without a mutant; 1 otherwise; 2 bad input.
"""

import argparse
import concurrent.futures
import glob
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
BIN = os.path.join(TOP, "build/rel/bin")
IOMMUFD = "drivers/iommu/iommufd"
HANG_SECONDS, FUZZ_SECONDS = 60, 3600


def load(path):
    name = os.path.splitext(os.path.basename(path))[0].replace("-", "_")
    spec = importlib.util.spec_from_file_location(name, os.path.join(TOP, path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sys.dont_write_bytecode = True
variant = load("scripts/linux-variant.py")
build = load("core/linux/build.py")
FIXES = [v.name for v in variant.linux_variants.FIXES]


class Failed(Exception):
    pass


def compiler(tree, out):
    """build.py's view of a build, as its own command line would make it."""
    args = argparse.Namespace(linux_tree=tree, out=out, cc=os.environ.get("CC", "cc"), cflags="-O2", production=False)
    folder = out + ".d"
    os.makedirs(folder, exist_ok=True)
    b = build.Build(args, folder)
    build.make_links(b.tree, os.path.join(folder, "links"))
    return args, b


class Base:
    """A built variant of a tree; others compile only what they change."""

    def __init__(self, tree, recipe, folder):
        self.tree, self.texts = tree, variant.edited(tree, recipe)
        self.copy, self.so = os.path.join(folder, recipe.name()), os.path.join(folder, recipe.name() + ".so")
        variant.make(tree, self.copy, recipe)
        args, self.b = compiler(self.copy, self.so)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            self.b.probes(pool)
        self.judged = [f for f in build.JUDGED if f.endswith(".c")]
        self.objects = {f: self.b.compile(os.path.join(self.b.tree, f), (), os.path.basename(f))
                        for f in self.judged + build.BELOW}
        self.features = list(self.b.defines)
        self.objects.update(self.ours(self.b, self.copy, self.objects))
        build.link(self.b, args, list(self.objects.values()), self.so)

    def ours(self, b, copy, objects):
        """What build.py tells our files about the tree, and their objects."""
        flush = build.undefined_calls([objects[f] for f in self.judged]) & {"kenv_clean", "kenv_clean_virt"}
        words = {"NAME": "linux-" + build.version_of(copy), "HASH": build.content_hash(copy, build.JUDGED),
                 "FEATURES": "", "LACKS": ""}
        b.defines = b.defines + [f'-DTREE_{k}="{v}"' for k, v in words.items()] + ["-DTREE_FLUSHES=%d" % bool(flush)]
        return {f: b.compile(os.path.join(build.HERE, f), (), "our_" + f) for f in build.OURS}

    def variant(self, recipe, folder):
        """The shared object. One that changes no header shares our objects too, and with them the name and hash."""
        texts = variant.edited(self.tree, recipe)
        changed = [f for f in {**texts, **self.texts} if texts.get(f) != self.texts.get(f)]
        copy, so = os.path.join(folder, "tree"), os.path.join(folder, "tree.so")
        variant.make(self.tree, copy, recipe)
        args, b = compiler(copy, so)
        b.defines, objects = self.features, dict(self.objects)
        headers = any(f.endswith(".h") for f in changed)
        for f in self.judged:
            if headers or os.path.basename(f) in changed:
                objects[f] = b.compile(os.path.join(b.tree, f), (), os.path.basename(f))
        if headers:
            objects.update(self.ours(b, copy, objects))
        build.link(b, args, list(objects.values()), so)
        return so


# --- the corpus ------------------------------------------------------------------------------------------------------


def traces():
    """Not those of known deviations, which are mended here."""
    out = [f for p in ("corpus/seed/*/*.ops", "corpus/regress/*.ops") for f in glob.glob(os.path.join(TOP, p))]
    return [os.path.relpath(f, TOP) for f in sorted(out)]


def replay(so, files):
    """nosnoop-replay's results, or a word if the process died or did not end."""
    try:
        done = subprocess.run([os.path.join(BIN, "nosnoop-replay"), "--json", "--backend", so] + files, cwd=TOP,
                              capture_output=True, text=True, timeout=HANG_SECONDS)
    except subprocess.TimeoutExpired:
        return "HANG"
    if done.returncode < 0:
        return "CRASH"
    if done.returncode == 2:
        raise Failed(done.stderr.strip())
    return json.loads(done.stdout)["results"]


def fired(result):
    """What is not as it should be, by name: first what was first."""
    out = [(f["op"], f["rule"]) for f in result["findings"] if not f["expected"]]
    out += [(v["op"], c) for c, v in result["contracts"].items() if v != "ok" and c in result["claims"]]
    return [rule for _, rule in sorted(out, key=lambda x: x[0])] + ["expect" for _ in result["expect"]["failures"]]


def on_corpus(so, files):
    """[(trace, rule)]; the first file alone on which the process dies, if it does."""
    results = replay(so, files)
    if not isinstance(results, str):
        return [(r["trace"], rule) for r in results for rule in fired(r)]
    if len(files) == 1:
        return [(files[0], results)]
    half = len(files) // 2
    return on_corpus(so, files[:half]) or on_corpus(so, files[half:])


# --- fuzzing ---------------------------------------------------------------------------------------------------------


def fuzz(so, runs, out, expected=None):
    """The first finding: {"rule", "run", "seconds"}, or None."""
    command = [os.path.join(BIN, "nosnoop-fuzz"), "--json", "--first", "--backend", so, "--runs", str(runs),
               "--out", out] + (["--expected", expected] if expected else [])
    try:
        done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, timeout=FUZZ_SECONDS)
    except subprocess.TimeoutExpired:
        return {"rule": "HANG", "run": 0, "seconds": float(FUZZ_SECONDS)}
    if done.returncode not in (0, 1):
        raise Failed(f"nosnoop-fuzz: {done.stderr.strip() or done.returncode}")
    if done.returncode == 0:
        return None
    data = json.loads(done.stdout)
    f = data["findings"][0]
    return {"rule": f["rule"], "run": max(f["run"], data["runs"]), "seconds": f["cpu_seconds"]}


# --- the table -------------------------------------------------------------------------------------------------------


def say(row):
    c, f = row["corpus"], row["fuzz"]
    corpus = f"{c['rule']} {c['trace'].removeprefix('corpus/')}" if c else "-"
    fuzzed = f"{f['rule']} {f['run'] or ''} ({f['seconds']:.1f} s)".replace("  ", " ") if f else "-"
    print(f"{row['id']:<5} {'yes' if c or f else 'no':<5} {row['rules']:<13} {fuzzed:<25} {corpus}", flush=True)


def hunt(so, files, known, runs, folder, expected=None):
    new = [x for x in on_corpus(so, files) if x not in known]
    return {"corpus": {"trace": new[0][0], "rule": new[0][1]} if new else None,
            "fuzz": fuzz(so, runs, os.path.join(folder, "fuzz"), expected) if runs else None}, new


def survey(args, mutants, work):
    files, rows, bases = traces(), [], {}
    print(f"{'id':<5} {'found':<5} {'expected':<13} {'fuzz: rule, runs':<25} corpus: rule, trace")
    for m in mutants:
        rule = m.base[0]
        if rule not in bases:
            base = Base(args.linux_tree, variant.Recipe(rule, FIXES), work)
            folder = tempfile.mkdtemp(dir=work)
            row, known = hunt(base.so, files, [], args.runs, folder)
            found = os.path.join(folder, "fuzz", "findings")
            bases[rule] = base, known, found if row["fuzz"] and os.path.isdir(found) else None
            rows.append({"id": "none", "what": "no mutant" + (f", rule {rule}" if rule else ""), "rules": rule, **row})
            say(rows[-1])
        base, known, expected = bases[rule]
        with tempfile.TemporaryDirectory(dir=work) as folder:
            so = base.variant(variant.Recipe(rule, FIXES, [m.name]), folder)
            row, _ = hunt(so, files, known, args.runs, folder, expected)
        rows.append({"id": m.name, "what": m.what, "rules": m.rules, **row})
        say(rows[-1])
    return rows


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--linux-tree", required=True, metavar="DIR")
    p.add_argument("--mutant", default="", metavar="ID,..")
    p.add_argument("--runs", type=int, default=200000, metavar="N")
    p.add_argument("--json", metavar="FILE")
    args = p.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the kernel's code is not left in /tmp
    work = tempfile.mkdtemp(prefix="nosnoop-mutants.")
    try:
        if not os.path.exists(os.path.join(BIN, "nosnoop-fuzz")):
            raise Failed("build/rel is not built: cmake --preset rel && cmake --build build/rel")
        build.check_tree(args.linux_tree)
        all_of_them = variant.linux_variants.MUTANTS
        mutants = variant.by_name(all_of_them, "mutant", variant.names(args.mutant)) or all_of_them
        rows = survey(args, sorted(mutants, key=lambda m: m.base[0]), work)
        if args.json:
            data = {"tool": "linux-mutants", "version": 1, "tree": args.linux_tree, "runs": args.runs, "rows": rows}
            variant.write(args.json + ".tmp", json.dumps(data, indent=1) + "\n")
            os.rename(args.json + ".tmp", args.json)
    except (Failed, build.Failure, variant.BadInput, variant.linux_edit.Mismatch, OSError) as e:
        print(f"linux-mutants.py: {e}", file=sys.stderr)
        return 2
    finally:
        shutil.rmtree(work, ignore_errors=True)
    missed = [r["id"] for r in rows if r["id"] != "none" and not (r["corpus"] or r["fuzz"])]
    noisy = [r["what"] for r in rows if r["id"] == "none" and (r["corpus"] or r["fuzz"])]
    nr = sum(r["id"] != "none" for r in rows)
    print(f"{nr - len(missed)} of {nr} found" + ("; not: " + " ".join(missed) if missed else ""))
    if noisy:
        print("fired without a mutant: " + "; ".join(noisy))
    return 1 if missed or noisy else 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a reader that has seen enough, as `| head`
    sys.exit(main())
