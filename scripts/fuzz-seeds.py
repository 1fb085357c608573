#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Seed corpus, dictionary and options of fuzz targets, made of the traces in corpus/: for each target NAME the folder
DIR/NAME (or, with --zip, DIR/NAME_seed_corpus.zip), DIR/NAME.dict and DIR/NAME.options. What an engine is given is
written by the target itself (fuzz-NAME-replay): binary forms and records, texts and words of the language. Traces whose
form is longer than max_len are left out, equal ones are there once. Exit: 0, or 2 bad input.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CORPUS = ["corpus/seed", "corpus/regress"]
MAX_LEN = 2049  # 64 records: what the mutator makes
# entropic: libFuzzer's default schedule keeps counts of rare features for every input of its corpus, and with states as
# features that takes most of the time. reduce_inputs: it would look each feature of each run up among those of the input
# that was changed, for 5 to 7 % of the runs; no difference in edges, states and time to a bug shows without
# (results/2026-11-27-engines/options.md). reload: nobody else writes to its corpus. len_control: programs are not to be
# short at first.
OPTIONS = ("[libfuzzer]\nmax_len = {max_len}\nlen_control = 0\nentropic = 0\nreduce_inputs = 0\nreload = 0\n"
           "dict = {name}.dict\n")


class Bad(Exception):
    pass


def replay(bin_dir, name, *args):
    program = os.path.join(bin_dir, f"fuzz-{name}-replay")
    try:
        done = subprocess.run([program, *args], cwd=TOP, capture_output=True, text=True, check=False)
    except OSError as err:
        raise Bad(f"{program}: {err.strerror}, expected a build of the fuzz targets") from err
    if done.returncode:
        raise Bad(f"{program}: {done.stderr.strip()}")
    return done.stdout


def targets(bin_dir):
    names = os.listdir(bin_dir) if os.path.isdir(bin_dir) else []
    found = sorted(m.group(1) for m in (re.fullmatch(r"fuzz-(.+)-replay", n) for n in names) if m)
    if not found:
        raise Bad(f"{bin_dir}: no fuzz-NAME-replay there, expected a build of the fuzz targets")
    return found


def traces(paths):
    """Files as named; of folders, relative to the top of the checkout, the traces in them."""
    found = []
    for path in paths:
        full = os.path.join(TOP, path)
        if not os.path.exists(full):
            raise Bad(f"{path}: not there, expected a trace or a folder")
        if not os.path.isdir(full):
            found.append(path)
        for folder, _, names in sorted(os.walk(full)):
            found += [os.path.join(folder, n) for n in sorted(names) if n.endswith(".ops")]
    return found


def seeds(bin_dir, name, paths, most):
    """{file name: bytes}; how many were left out for their length"""
    kept, long = {}, 0
    with tempfile.TemporaryDirectory() as work:
        replay(bin_dir, name, "--encode", work, *paths)
        for f in sorted(os.listdir(work)):
            with open(os.path.join(work, f), "rb") as file:
                data = file.read()
            if len(data) > most:
                long += 1
            else:
                kept.setdefault(hashlib.sha256(data).digest(), (f, data))
    return dict(kept.values()), long


def write(path, data):
    with open(path + ".tmp", "wb") as f:
        f.write(data)
    os.replace(path + ".tmp", path)


def check_folder(path):
    """What the folder holds is replaced: it has to be ours."""
    strange = [n for n in sorted(os.listdir(path)) if not n.endswith(".bin")] if os.path.isdir(path) else []
    if strange or os.path.lexists(path) and not os.path.isdir(path):
        raise Bad(f"{os.path.join(path, *strange[:1])} is there and is no seed: expected a new folder, or one of fuzz-seeds.py")


def write_folder(path, files):
    work = path + ".tmp"
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    for name, data in files.items():
        write(os.path.join(work, name), data)
    shutil.rmtree(path, ignore_errors=True)
    os.rename(work, path)


def write_zip(path, files):
    with zipfile.ZipFile(path + ".tmp", "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in files.items():
            z.writestr(zipfile.ZipInfo(name), data)  # without a time: the same bytes again
    os.replace(path + ".tmp", path)


def make(args, name):
    paths = traces(args.paths)
    files, long = seeds(args.bin, name, paths, args.max_len)
    if not files:
        raise Bad(f"{name}: every trace is longer than --max-len {args.max_len}")
    base = os.path.join(args.out, args.prefix + name)
    if args.zip:
        write_zip(f"{base}_seed_corpus.zip", files)
    else:
        check_folder(base)
        write_folder(base, files)
    words = replay(args.bin, name, "--dictionary", *paths)
    write(f"{base}.dict", words.encode())
    write(f"{base}.options", OPTIONS.format(name=args.prefix + name, max_len=args.max_len).encode())
    print(f"{name}: {len(files)} seeds, {long} too long, {words.count(chr(10) + chr(34)) + words.startswith(chr(34))} tokens")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, metavar="DIR", help="made if it is not there")
    parser.add_argument("--bin", default=os.path.join(TOP, "build", "rel", "bin"), metavar="DIR",
                        help="where fuzz-NAME-replay are (build/rel/bin)")
    parser.add_argument("--target", metavar="NAME,..", help="(all that are there)")
    parser.add_argument("--max-len", type=int, default=MAX_LEN, metavar="N", help=f"bytes of an input ({MAX_LEN})")
    parser.add_argument("--prefix", default="", metavar="TEXT", help="before every NAME: fuzz- as OSS-Fuzz wants it")
    parser.add_argument("--zip", action="store_true", help="seeds as NAME_seed_corpus.zip")
    parser.add_argument("paths", nargs="*", default=CORPUS, metavar="FILE|FOLDER", help=f"({' '.join(CORPUS)})")
    args = parser.parse_args()
    if args.max_len < 1:
        parser.error(f"--max-len {args.max_len}: expected at least 1")
    args.bin = os.path.abspath(args.bin)
    try:
        known = targets(args.bin)
        chosen = args.target.split(",") if args.target else known
        for name in chosen:
            if name not in known:
                raise Bad(f'--target: "{name}", expected some of {",".join(known)}')
        os.makedirs(args.out, exist_ok=True)
        for name in chosen:
            make(args, name)
    except (Bad, OSError) as err:
        print(f"fuzz-seeds.py: {err}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
