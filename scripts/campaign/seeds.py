# SPDX-License-Identifier: GPL-2.0-only
"""
What engines start from: the traces of corpus/ in the form that the target takes, a dictionary, options of libFuzzer, by
scripts/fuzz-seeds.py where it is there. Inputs that show something at once would end every engine when it begins: they are put
aside, in seeds/TARGET.found, and are findings like others.
"""

import os
import shutil
import subprocess
import sys

import builds as built
import exchange
import files
import ledger

TRACES = ("corpus/seed", "corpus/regress")
TEXTS = ("text",)  # targets whose inputs are texts
EMPTY = files.OP_VERSION  # a program without ops: there is always something to begin with


def traces():
    for root in TRACES:
        for folder, _, names in sorted(os.walk(os.path.join(built.TOP, root))):
            for name in sorted(names):
                if name.endswith(".ops"):
                    yield os.path.join(folder, name)


def by_script(place, target, replayer):
    """seeds, dictionary and options by fuzz-seeds.py; False: it is not there, or of another form."""
    script = os.path.join(built.TOP, "scripts", "fuzz-seeds.py")
    if not os.path.exists(script):
        return False
    done = subprocess.run([sys.executable, "-B", script, "--out", place("tmp"), "--bin", os.path.dirname(replayer), "--target", target],
                          cwd=built.TOP, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    return done.returncode == 0


def fill(folder, target, replayer):
    if target in TEXTS:
        for path in traces():
            stem = os.path.basename(os.path.dirname(path)) + "-" + os.path.basename(path)
            shutil.copyfile(path, os.path.join(folder, stem))
        return
    done = subprocess.run([replayer, "--encode", folder, *traces()], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        raise ledger.Refused(done.stderr.decode(errors="replace").strip())


def start(place, target):
    """seeds/TARGET.start: with the corpus, each content once."""
    new = place.made("tmp", target + ".start")
    for path in files.inputs(place.seeds(target)) + files.inputs(place.corpus(target)):
        files.link(path, os.path.join(new, files.sha1(files.read(path))))
    files.replace_folder(new, place.start(target))


def prepare(place, target, builds, env):
    """seeds/TARGET and seeds/TARGET.found, made anew. Raises Refused where the settings are wrong."""
    replayer = builds.replayer(target)
    if not replayer:
        raise ledger.Refused(f"fuzz-{target}-replay is not built: expected it in rel/bin or dev/bin of {builds.root}")
    new, found = place.made("tmp", target), place.made("tmp", target + ".found")
    if not by_script(place, target, replayer):
        fill(new, target, replayer)
    files.save(os.path.join(new, "empty"), EMPTY)
    paths = files.inputs(new)
    try:
        judged = exchange.verdicts(replayer, paths, env)
    except RuntimeError as e:
        raise ledger.Refused(str(e)) from None
    for path, v in zip(paths, judged):
        if v["verdict"] != "ok":
            os.rename(path, os.path.join(found, os.path.basename(path)))
    if not files.inputs(new):
        files.save(os.path.join(new, "empty"), EMPTY)
    place.made("seeds")
    files.replace_folder(new, place.seeds(target))
    files.replace_folder(found, place("seeds", target + ".found"))
    start(place, target)
    for name in (target + ".dict", target + ".options"):
        if os.path.exists(place("tmp", name)):
            os.replace(place("tmp", name), place("seeds", name))
