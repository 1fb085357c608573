# SPDX-License-Identifier: GPL-2.0-only
"""
The folder of the nights:

  DIR/<date>/     a night that is complete: mail.txt, night.json, findings/, what the programs printed and said
  DIR/.night/     the night that is being made; it is renamed when it is complete
  DIR/last        the commit against which the next night is gated, and the night that it is of
  DIR/museum      the turn of the museum that is next: which part, and the seed
  DIR/reported    findings of the campaign that stood in a mail already, a name a line; of one that was taken, where one was to be sent
  DIR/campaign/   of scripts/campaign.sh, which goes on there night after night (fuzz/ of nosnoop-fuzz, where that stands in)
  DIR/lock        held while a night runs

last, museum and reported follow from night.json: should the machine stop in between, the next night brings them up to date.
DIR/<date>/unsent is there while a night's mail is still to be taken, and is part of the night before that is complete.
"""

import fcntl
import json
import os
import re
import shutil
import time

NIGHT = re.compile(r"^(\d{4}-\d\d-\d\d)(?:\.(\d+))?$")
GO_ON_SECONDS = 20 * 3600  # a night that was interrupted longer ago is begun anew


def save(path, text):
    """There whole, on the disk, or not at all."""
    with open(path + ".new", "w", encoding="utf-8") as f:
        f.write(text)
        f.flush()
        os.fsync(f.fileno())
    os.rename(path + ".new", path)


def load(path):
    """None where there is no such file, or not in this form."""
    try:
        with open(path, encoding="utf-8") as f:
            return json.load(f)
    except (OSError, ValueError):
        return None


def boot_id():
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as f:
            return f.read().strip()
    except OSError:
        return "n/a"


class Busy(Exception):
    pass


def take(path):
    """The lock's file descriptor. Programs of the night inherit it, so that no other begins while one of them is left."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        who = os.read(fd, 200).decode(errors="replace").strip()
        os.close(fd)
        raise Busy(who or "not told") from None
    os.ftruncate(fd, 0)
    os.pwrite(fd, f"process {os.getpid()}, since {time.strftime('%Y-%m-%d %H:%M:%S')}\n".encode(), 0)
    return fd


class Folder:
    def __init__(self, path):
        self.path, self.work = path, os.path.join(path, ".night")

    def at(self, *names):
        return os.path.join(self.path, *names)

    def nights(self):
        """Names, the oldest first."""
        found = [(m[1], int(m[2] or 1), n) for n in os.listdir(self.path) if (m := NIGHT.match(n)) and os.path.isfile(self.at(n, "night.json"))]
        return [n for _, _, n in sorted(found)]

    def records(self, nr):
        """night.json of the last @nr nights, the oldest first."""
        return [r for r in (load(self.at(n, "night.json")) for n in self.nights()[-nr:]) if r]

    def newest(self):
        """night.json of the night that was made last, which --date may have named otherwise; or None."""
        paths = [self.at(n, "night.json") for n in self.nights()]
        return load(max(paths, key=os.path.getmtime)) if paths else None

    def free_name(self, date):
        """A second night of a date is DATE.2."""
        names, nr = [date], 1
        while os.path.exists(self.at(names[-1])):
            nr += 1
            names.append(f"{date}.{nr}")
        return names[-1]

    # --- the night that is being made ----------------------------------------------------------------------------------

    def begin(self, plan):
        """
        Fills the work folder with @plan, or goes on with a night of the same plan. (the plan, what was interrupted or None)
        """
        old, words = load(os.path.join(self.work, "plan.json")), None
        if old:
            anew = self.not_the_same(old, plan)
            words = f"the night {old.get('night')} was interrupted in step {self.step_of()}"
            words += ", by a restart of the machine" if old.get("boot") != boot_id() else ""
            if not anew:
                save(os.path.join(self.work, "plan.json"), json.dumps(dict(old, boot=boot_id())))
                return old, words + "; this one went on there"
            words += f"; begun anew, since {anew}"
        shutil.rmtree(self.work, ignore_errors=True)
        os.makedirs(os.path.join(self.work, "steps"))
        plan = dict(plan, night=self.free_name(plan["date"]), began=time.time(), boot=boot_id())
        save(os.path.join(self.work, "plan.json"), json.dumps(plan))
        return plan, words

    @staticmethod
    def not_the_same(old, plan):
        if old.get("commit") != plan["commit"] or old.get("changed") or plan["changed"]:
            return "the checkout is another" if old.get("commit") != plan["commit"] else "the checkout has changes that no commit holds"
        if old.get("options") != plan["options"]:
            return "the options are others"
        if not 0 <= time.time() - old.get("began", 0) < GO_ON_SECONDS:
            return "it is too long ago"
        return None

    def step_of(self):
        try:
            with open(os.path.join(self.work, "step"), encoding="utf-8") as f:
                return f.read().strip()
        except OSError:
            return "build"

    def enter(self, step):
        save(os.path.join(self.work, "step"), step + "\n")

    def done(self, step):
        """The result of a step that was finished before the interruption; what could not run is tried again."""
        result = load(os.path.join(self.work, "steps", f"{step}.json"))
        return result if result and result["status"] != "invalid" else None

    def finish(self, step, result):
        save(os.path.join(self.work, "steps", f"{step}.json"), json.dumps(result))

    # --- a night that is complete --------------------------------------------------------------------------------------

    def complete(self, night, mail, to_send):
        """The work folder becomes the night's: with night.json it is complete. @to_send: somebody has yet to take the mail."""
        save(os.path.join(self.work, "mail.txt"), mail)
        if to_send:
            save(os.path.join(self.work, "unsent"), "")
        save(os.path.join(self.work, "night.json"), json.dumps(night, indent=1) + "\n")
        self.settle()

    def settle(self):
        """What follows from a night that is complete, once or again: after a stop in between the next start does it."""
        made = load(os.path.join(self.work, "night.json"))
        if made:
            for name in ("plan.json", "step"):
                if os.path.exists(os.path.join(self.work, name)):
                    os.unlink(os.path.join(self.work, name))
            shutil.rmtree(os.path.join(self.work, "steps"), ignore_errors=True)
            os.rename(self.work, self.at(made["night"]))
        night = self.newest()
        if night:
            if night["gate_next"]:
                save(self.at("last"), f"{night['gate_next']} {night['night']}\n")
            for turn in (s["figures"]["turn"] for s in night["steps"] if s["step"] == "museum" and "turn" in s["figures"]):
                save(self.at("museum"), f"{turn + 1}\n")
            if not self.is_unsent(night["night"]):
                self.report(night)

    def report(self, night):
        """The campaign's findings of @night have been told."""
        names = {f["from"] for f in night["findings"] if f["step"] == "campaign"}
        if not names <= self.reported():
            save(self.at("reported"), "".join(f"{n}\n" for n in sorted(self.reported() | names)))

    def is_unsent(self, name):
        return all(os.path.exists(self.at(name, f)) for f in ("unsent", "mail.txt"))

    def unsent(self):
        """Nights whose mail was not taken yet, the oldest first."""
        return [n for n in self.nights() if self.is_unsent(n)]

    def sent(self, name):
        night = load(self.at(name, "night.json"))
        if night:
            self.report(night)
        os.unlink(self.at(name, "unsent"))

    def last(self):
        """The commit that the next night is gated against, or None."""
        try:
            with open(self.at("last"), encoding="utf-8") as f:
                return f.read().split()[0]
        except (OSError, IndexError):
            return None

    def museum_turn(self, first):
        """One more than the last one that was done, or @first."""
        try:
            with open(self.at("museum"), encoding="utf-8") as f:
                return int(f.read())
        except (OSError, ValueError):
            return first

    def reported(self):
        try:
            with open(self.at("reported"), encoding="utf-8") as f:
                return set(f.read().splitlines())
        except OSError:
            return set()

    def prune(self, keep):
        """The oldest nights beyond @keep go, but for those whose mail was not taken; nothing else ever does."""
        for name in self.nights()[:-keep]:
            if not self.is_unsent(name):
                shutil.rmtree(self.at(name), ignore_errors=True)
