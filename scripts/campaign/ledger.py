# SPDX-License-Identifier: GPL-2.0-only
"""
The folder of a campaign and what has been done in it. README.md says what lies where.

campaign.json says what is being fuzzed; a call that wants something else is refused. sessions/N.json is one call; the lanes of
a session each have a file of their own in sessions/N/, so that nobody waits for anybody, on one host or on many.
"""

import datetime
import fcntl
import os
import shutil
import subprocess

import files
import share

SCHEMA = "nosnoop campaign 1"
SUMS = {"executions": 0, "cpu_seconds": 0.0, "wall_seconds": 0.0, "loading_seconds": 0.0, "slices": 0, "findings": 0,
        "deaths": []}  # of a worker, over lanes
CONFIG = ("targets", "policy", "contracts", "backend", "tree")


class Refused(Exception):
    """Bad input: one line that says what would be right."""


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Place:
    """Names of things in the folder."""

    def __init__(self, root):
        self.root = os.path.abspath(root)

    def __call__(self, *names):
        return os.path.join(self.root, *names)

    def made(self, *names):
        path = self(*names)
        os.makedirs(path, exist_ok=True)
        return path

    def afl(self, target, *names):
        return self("afl", target, *names)

    def own(self, spec, *names):
        """What a worker has for itself."""
        room = "afl" if spec.kind in share.AFL else "builtin" if spec.kind == "builtin" else "libfuzzer"
        return self(room, spec.target, spec.name, *names)

    def seeds(self, target):
        return self("seeds", target)

    def start(self, target):
        """What AFL++ starts from: seeds, and the corpus that the last session came to."""
        return self("seeds", target + ".start")

    def corpus(self, target):
        return self("corpus", target)


class Lock:
    """One campaign.sh at a time in a folder. The system lets go of it when the process ends, however it ends."""

    def __init__(self, place):
        self.root, self.made = place.root, not os.path.isdir(place.root)
        os.makedirs(place.root, exist_ok=True)
        self.fd = os.open(place.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self.fd)
            raise Refused(f"{place.root}: another campaign is at work there: wait for it, or name another --out") from None

    def undo(self):
        """The folder goes if it is empty and was not there."""
        if self.made:
            try:
                os.rmdir(self.root)
            except OSError:
                pass

    def empty(self):
        """What a call makes before its first session goes, for a caller who has seen the folder empty; and the folder, if it was
        not there."""
        for name in ("tmp", "seeds", "sessions"):
            shutil.rmtree(os.path.join(self.root, name), ignore_errors=True)
        if os.path.exists(os.path.join(self.root, "campaign.json")):
            os.unlink(os.path.join(self.root, "campaign.json"))
        self.undo()


def compare(place, config):
    """Is the folder this campaign's already? False: it may become so. Anything else is Refused."""
    path = place("campaign.json")
    try:
        there = files.load_json(path)
    except ValueError as e:
        raise Refused(f"{path}: {e}, expected what campaign.sh wrote") from None
    if there is None:
        strangers = sorted(os.listdir(place.root))
        if strangers:
            raise Refused(f"{place.root}: {strangers[0]} is there and campaign.json is not: expected a campaign, or a new folder")
        return False
    if not isinstance(there, dict) or there.get("schema") != SCHEMA or not isinstance(there.get("config"), dict):
        raise Refused(f"{path}: expected \"schema\": \"{SCHEMA}\" and a config")
    for key in CONFIG:
        if there["config"].get(key) != config[key]:
            raise Refused(f"{path}: a campaign with {key} {words(there['config'].get(key))}, expected {words(config[key])}: "
                          "go on with the same, or name another --out")
    return True


def claim(place, config):
    files.save_json(place("campaign.json"), {"schema": SCHEMA, "begun": now(), "config": config})


def words(value):
    return '"' + (",".join(value) if isinstance(value, list) else value or "") + '"'


# --- sessions --------------------------------------------------------------------------------------------------------


class Session:
    """One call. What its lanes did is read from their files each time: they may run on other hosts."""

    def __init__(self, place, number):
        self.place, self.number = place, number
        self.about = files.load_json(self.path) or {}

    @property
    def path(self):
        return self.place("sessions", f"{self.number}.json")

    def folder(self, *names):
        return self.place("sessions", str(self.number), *names)

    def write(self, **more):
        self.about.update(more)
        files.save_json(self.path, self.about)

    def cycle(self):
        """All workers that there are."""
        a = self.about
        return share.cycle(a["jobs"], a["kinds"], a["targets"])

    def of_lane(self, lane):
        """The workers that run on it in this session, in their order."""
        a = self.about
        return share.fitting(share.of_lane(self.cycle(), a["jobs"], lane), a["seconds"], a.get("loading", {}), a.get("ran", {}))

    def lanes(self):
        """What the lanes have told so far, in their order."""
        paths = [self.folder(f"lane-{i}.json") for i in range(self.about["jobs"])]
        return [x for x in map(files.load_json, paths) if x]

    def workers(self):
        """{name and target: sums over all lanes}"""
        out = {}
        for lane in self.lanes():
            for name, w in lane["workers"].items():
                to = out.setdefault(name, w | SUMS)
                for k, none in SUMS.items():
                    to[k] = to[k] + w.get(k, none)
        return out


def sessions(place):
    """Numbers of all, from 1."""
    return sorted(int(n[:-5]) for n in os.listdir(place.made("sessions")) if n[:-5].isdigit() and n.endswith(".json"))


def latest(place):
    numbers = sessions(place)
    return Session(place, numbers[-1]) if numbers else None


def commit(top):
    def git(*args):
        done = subprocess.run(["git", "-c", "safe.directory=*", "-C", top, *args], capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else None

    head = git("rev-parse", "HEAD")
    return (head + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")) if head else "n/a"


def begin(place, **about):
    numbers = sessions(place)
    s = Session(place, numbers[-1] + 1 if numbers else 1)
    os.makedirs(s.folder(), exist_ok=True)
    s.write(started=now(), ended="running", **about)
    return s
