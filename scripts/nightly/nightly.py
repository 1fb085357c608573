#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
One night: build, replay of the corpus, check of the small configuration, a sample of the museum, the gate against the last night's
commit, a campaign; then one mail. scripts/nightly.sh starts this; README.md here says what lies where.

A step that fails does not stop the others. Until all are done the night is a hidden folder that the next start goes on with.
"""

import argparse
import datetime
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import folder as folders  # noqa: E402
import letter  # noqa: E402
import steps  # noqa: E402
import timer  # noqa: E402
from programs import TOP, Failure, Programs, adopt, git, kill_children  # noqa: E402

SCHEMA = "nosnoop nightly 1"
MAIL_SECONDS = 600
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
JUDGED_BY = ("FUZZ_POLICY", "FUZZ_CONTRACTS", "FUZZ_BACKEND", "FUZZ_MUTATOR", "FUZZ_LEAKY")


class Stopped(Exception):
    """By a signal."""


def bad(text):
    print(f"nightly.sh: {text}", file=sys.stderr)
    sys.exit(2)


# --- options -----------------------------------------------------------------------------------------------------------


def between(least, most, kind):
    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text}: expected a number from {least:g} to {most:g}")
        return value
    return parse


def step_list(text):
    names = text.split(",")
    for n in names:
        if n not in steps.ORDER:
            raise argparse.ArgumentTypeError(f"{n or 'an empty name'}: expected names of {','.join(steps.ORDER)}")
    return [s for s in steps.ORDER if s in names]


def date(text):
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text}: expected a date such as 2026-11-27") from None


def options(argv):
    p = argparse.ArgumentParser(prog="nightly.sh", allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter,
                                description="One night: " + ", ".join(steps.ORDER) + "; then a mail, in DIR/<date>/mail.txt.",
                                epilog="Exit: 0 nothing new; 1 something was found, or is worse than the last night; 2 not valid: a step could not\n"
                                       "run (1 goes before it), a mail was not taken, bad input, or a night is under way.")
    p.add_argument("--out", metavar="DIR", help="the folder of the nights (build/nightly)")
    p.add_argument("--hours", metavar="H", type=between(0.0001, 1000, float), default=8.0, help="of the campaign (8)")
    p.add_argument("--jobs", metavar="N", type=between(1, 4096, int), default=len(os.sched_getaffinity(0)), help="processes at a time (the CPUs)")
    p.add_argument("--steps", metavar="LIST", type=step_list, default=list(steps.ORDER),
                   help=f"only these, with commas ({','.join(steps.ORDER)})")
    p.add_argument("--mail", metavar="CMD", default="none", help="shell command that is given the mail, headers first, such as \"sendmail me\" (none)")
    p.add_argument("--keep", metavar="N", type=between(1, 100000, int), default=60, help="nights that are kept (60)")
    p.add_argument("--museum-trials", metavar="N", type=between(1, 10000, int), default=2, help="of each mutant (2)")
    p.add_argument("--museum-runs", metavar="N", type=between(1, 10**12, int), default=500000, help="programs after which a trial gives up (500000)")
    p.add_argument("--date", metavar="DAY", type=date, default=datetime.date.today(), help="the night's name (today)")
    p.add_argument("--pull", action="store_true", help="git pull --ff-only first; when that fails, the mail says so")
    p.add_argument("--bin", metavar="DIR", help="take all programs from here and build nothing: for tests")
    p.add_argument("--json", action="store_true", help="print night.json at the end, and nothing else")
    p.add_argument("--install-timer", action="store_true", help="write systemd units of the user that call this with the other options, and say how to "
                   "switch them on; runs no night")
    p.add_argument("--at", metavar="TIME", default="01:00", help="of --install-timer: when, HH:MM or what OnCalendar takes (01:00)")
    o = p.parse_args(argv)
    o.out = os.path.realpath(o.out) if o.out else os.path.join(TOP, "build", "nightly")
    o.bin = os.path.realpath(o.bin) if o.bin else None
    if o.bin and not os.path.isdir(o.bin):
        p.error(f"--bin {o.bin}: no such folder")
    if not o.mail.strip():
        p.error("--mail: expected a command, or none")
    return o


# --- the night ---------------------------------------------------------------------------------------------------------


def run_step(night, name):
    preset = steps.NEEDS_BUILD.get(name)
    if preset in night.broken:
        raise Failure(night.broken[preset])
    return getattr(steps, name)(night)


def one_step(night, name):
    began = time.time()
    try:
        r = run_step(night, name)
    except Failure as e:
        r = steps.failed(night, name, str(e))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as e:
        # A program printed something of another shape, or the disk is full: the other steps have their chance.
        with open(night.log(name), "a", encoding="utf-8") as log:
            traceback.print_exc(file=log)
        r = steps.failed(night, name, f"{type(e).__name__}: {e} ({name}.log)")
    return dict(r, step=name, seconds=round(time.time() - began, 3))


def run_steps(night, tell):
    results = []
    for name in night.options["steps"]:
        # Of a night that goes on; the build is quick when it is done, and must be there.
        r = night.folder.done(name) if name != "build" else None
        if not r:
            night.folder.enter(name)
            r = one_step(night, name)
            night.folder.finish(name, r)
        tell(f"{name:<9} {letter.STEP_WORDS[r['status']]:<8} {letter.duration(r['seconds']):>13}  {r['words']}")
        results.append(r)
    return results


def keep_files(night, findings):
    """findings/N.ops (.txt, .input) of the work folder, N as in the mail."""
    for nr, f in enumerate(findings, 1):
        path, text = f.pop("path", None), f["text"]
        f["file"] = None
        if not path and not text:
            continue
        os.makedirs(night.out("findings"), exist_ok=True)
        suffix = os.path.splitext(path)[1] if path else ".txt" if f["rule"] in ("WORSE", "ORDER") else ".ops"
        f["file"] = f"findings/{nr}{suffix}"
        if path:
            shutil.copyfile(path, night.out(f["file"]))
        else:
            folders.save(night.out(f["file"]), text.rstrip("\n") + "\n")


def key(f):
    return f["step"], f["rule"], f["policy"], f["from"]


def mark_old(findings, before):
    """since: the night in which the same finding came first. What the last night did not show any more is new; a mutant comes up in turn."""
    turns = [n for n in before if any(s["step"] == "museum" and s["figures"] for s in n["steps"])][-steps.PARTS:]
    for f in findings:
        f["since"] = None
        for night in turns if f["step"] == "museum" else before[-1:]:
            for old in night["findings"]:
                if key(old) == key(f):
                    f["since"] = old["since"] or night["night"]


def record(night, plan, results, notes, before):
    """night.json."""
    found = [f for r in results for f in r.pop("findings")]
    nexts = [r.pop("next", None) for r in results]
    keep_files(night, found)
    mark_old(found, before)
    r = {"schema": SCHEMA, "night": plan["night"], "date": plan["date"], "commit": night.commit, "about": git("log", "-1", "--format=%s", night.commit or ""),
         "changed": night.changed, "began": letter.stamp(plan["began"]), "seconds": round(time.time() - plan["began"], 3), "options": night.options,
         "notes": notes, "steps": results, "findings": found, "gate_next": next((n for n in nexts if n), None),
         "folder": night.folder.at(plan["night"])}
    r["verdict"], r["status"] = letter.judge(r)
    r["subject"] = letter.subject(r)
    return r


def pull():
    """A note for the mail, or nothing."""
    before, done = git("rev-parse", "HEAD"), git("pull", "-q", "--ff-only")
    if done is None:
        return ["git pull --ff-only failed: this is the commit that was here"]
    after = git("rev-parse", "HEAD")
    return [] if before == after else [f"pulled {before[:7]}..{after[:7]}"]


def checkout():
    """(commit or None, has it changes)"""
    commit = git("rev-parse", "-q", "--verify", "HEAD^{commit}")
    return commit, bool(commit and git("status", "--porcelain", "--untracked-files=no"))


def run_night(o, folder, programs, tell):
    notes = pull() if o.pull else []
    commit, changed = checkout()
    folder.settle()
    if o.mail != "none":
        # Before the campaign asks what was told already.
        notes += [f"the mail of {n} had not been taken; it was sent before this night" for n in send_all(o.mail, folder)]
    opts = {"hours": o.hours, "jobs": o.jobs, "steps": o.steps, "museum_trials": o.museum_trials, "museum_runs": o.museum_runs}
    plan, words = folder.begin({"date": o.date.isoformat(), "commit": commit, "changed": changed, "options": opts})
    night = steps.Night(programs, folder, opts, commit, changed, datetime.date.fromisoformat(plan["date"]))
    if words:
        notes.append(words)
        tell("note: " + words)
    results = run_steps(night, tell)
    if checkout()[0] != commit:
        notes.append("somebody moved the checkout to another commit during the night: not all of this is about one commit")
    before = folder.records(o.keep)
    r = record(night, plan, results, notes, before)
    text = letter.mail(r, before)
    folder.complete(r, text, o.mail != "none")
    return r


def send(command, text):
    """Was it taken? None: the command does not end."""
    try:
        done = subprocess.run(["sh", "-c", command], input=text, text=True, timeout=MAIL_SECONDS, check=False, stdout=sys.stderr)
        if done.returncode == 0:
            return True
        print(f"nightly.sh: the mail was not taken: `{command}' ended with {done.returncode}", file=sys.stderr)
    except subprocess.TimeoutExpired:
        kill_children()  # of the shell, which is gone
        print(f"nightly.sh: the mail was not taken: `{command}' was not finished after {MAIL_SECONDS} s", file=sys.stderr)
        return None
    except Stopped:
        kill_children()
        raise
    return False


def send_all(command, folder):
    """Mails that nobody has taken yet, the oldest first; one that is refused does not hold up the others. The nights whose was taken."""
    taken = []
    for name in folder.unsent():
        with open(folder.at(name, "mail.txt"), encoding="utf-8") as f:
            was = send(command, f.read())
        if was is None:
            break
        if was:
            folder.sent(name)
            taken.append(name)
    return taken


def tell_night(o, folder, tell, r):
    """On standard output, then by mail. Has somebody taken all mails, also those of earlier nights?"""
    if o.json:
        print(json.dumps(r, indent=1), flush=True)
    tell(f"{r['subject']}\n{os.path.join(r['folder'], 'mail.txt')}")
    if o.mail != "none":
        send_all(o.mail, folder)
    folder.prune(o.keep)
    return o.mail == "none" or not folder.unsent()


def take_locks(o):
    """Of the folder, and of the checkout where something is built: two nights there would build over one another."""
    try:
        os.makedirs(o.out, exist_ok=True)
        paths = [os.path.join(o.out, "lock")]
        if not o.bin:
            os.makedirs(os.path.join(TOP, "build"), exist_ok=True)
            paths.append(os.path.join(TOP, "build", "nightly.lock"))
        return [folders.take(p) for p in paths]
    except folders.Busy as e:
        bad(f"a night is under way here ({e}); nothing was started")
    except OSError as e:
        bad(f"{e.filename}: {e.strerror}: expected a folder that can be written")


def on_signal(number, frame):
    for s in SIGNALS:
        signal.signal(s, signal.SIG_IGN)  # once is enough: what runs is being ended
    raise Stopped(signal.Signals(number).name)


def where(folder, r):
    """Of a night that did not come to its end; @r: it is complete, and None while it is made."""
    if r:
        return "after the last step; the next night sends the mail, unless it was taken"
    return f"in step {folder.step_of()}; the next start goes on there"


def main(argv):
    o = options(argv)
    if o.install_timer:
        return timer.install(o, argv)
    for name in JUDGED_BY:
        os.environ.pop(name, None)  # an inherited setting would change what is judged
    locks = take_locks(o)
    for s in SIGNALS:
        signal.signal(s, on_signal)
    adopt()
    folder, programs = folders.Folder(o.out), Programs(o.bin, locks)
    tell = (lambda text: None) if o.json else lambda text: print(text, flush=True)
    r = None
    try:
        r = run_night(o, folder, programs, tell)
        taken = tell_night(o, folder, tell, r)
    except Stopped as e:
        print(f"nightly.sh: {e} {where(folder, r)}", file=sys.stderr)
        return 2
    except OSError as e:
        bad(f"{e.filename}: {e.strerror} {where(folder, r)}")
    return r["status"] if taken else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
