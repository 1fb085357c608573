# SPDX-License-Identifier: GPL-2.0-only
"""
What an engine does before it fuzzes: it runs all that it had. AFL++ runs each input of its queue three times, and where it resumes
counts none of that as an execution. A slice is counted from the end of this.

How long it takes is told by what the engines print; seconds a byte of it foretell the next time.
"""

import re
import time

import ledger
import share


class Clock:
    """A slice. @fuzzing: seconds, from when the engine has loaded; @loading: foretold; @left: seconds until its lane has no time left."""

    def __init__(self, fuzzing, loading, left):
        self.begun = time.monotonic()
        self.end = self.begun + left
        self.until = min(self.end, self.begun + 2 * (loading + fuzzing))  # of an engine that loads, and loads
        self.fuzzing, self.ready = fuzzing, False

    def loaded(self):
        """The engine begins to fuzz; when it is started again in this slice, the slice is not longer for that."""
        if not self.ready:
            self.ready, self.until = True, min(self.end, time.monotonic() + self.fuzzing)

    def left(self):
        return self.until - time.monotonic()

    def over(self):
        return self.left() <= 0


class Loading:
    """
    How far a process has come, by its log. @each: a line for an input, or what an input's number is read from; @total: how many there
    are; @ready: the first line of fuzzing, or a function that tells. No @ready: a process that loads next to nothing.
    """

    def __init__(self, log, each=None, total=None, ready=None):
        self.log, self.each, self.total, self.ready = log, each, total, ready
        self.at, self.rest, self.inputs, self.of = 0, b"", 0, None
        self.begun = self.moved = time.monotonic()
        self.done = None if ready else self.begun

    def look(self):
        """False: it still loads."""
        if self.done is None:
            with open(self.log, "rb") as f:
                f.seek(self.at)
                text = f.read()
            self.at += len(text)
            *lines, self.rest = (self.rest + text).split(b"\n")
            for line in lines:
                self.line(line)
            if callable(self.ready) and self.ready():
                self.done = time.monotonic()
        return self.done is not None

    def line(self, line):
        each, total = self.each.search(line), self.total.search(line)
        if self.done is None and each:
            self.inputs = int(each[1]) if each.groups() else self.inputs + 1
            self.moved = time.monotonic()
        if total:
            self.of = int(total[1])
        if not callable(self.ready) and self.ready.search(line):
            self.done = self.done or time.monotonic()

    def seconds(self, ended):
        return (self.done or ended) - self.begun

    def told(self, ended, size):
        """For a lane's file. @size: bytes that there were to load. The rate is None where nothing can be said."""
        part = 1.0 if self.done else self.inputs / self.of if self.of else 0.0
        rate = self.seconds(ended) / (size * part) if size and part else None
        return {"seconds": self.seconds(ended), "inputs": self.inputs, "of": self.of, "done": bool(self.done), "rate": rate,
                "still": 0.0 if self.done else ended - self.moved}


# AFL++'s lines come late where they go to a file: that it fuzzes is told by its fuzzer_stats.
AFL = (re.compile(rb"Attempting dry run with"), re.compile(rb"Loaded a total of (\d+) seeds"))
LIBFUZZER = (re.compile(rb"^#(\d+)\s"), re.compile(rb"seed corpus: files: (\d+)"), re.compile(rb"^#\d+\s+INITED"))


# --- the next time -------------------------------------------------------------------------------------------------------


def remembered(last):
    """What the next session has to know of those before: the session in which each worker came to fuzz last, and how fast it loads."""
    if not last:
        return {"ran": {}, "rates": {}}
    ran, rates = dict(last.about.get("ran", {})), dict(last.about.get("rates", {}))
    try:
        told = last.workers()
    except ValueError:  # a lane's file was damaged: as if it had told nothing
        told = {}
    for key, w in told.items():
        load = w.get("load") or {"done": True, "rate": None}
        if load["done"]:
            ran[key] = last.number
        if load["rate"]:
            rates[key] = load["rate"]
    return {"ran": ran, "rates": rates}


def check(about, cycle):
    """Raises Refused where no worker would come to fuzz in a session as short as this one. One of those that load for longer is left for
    the next session, and the summary says so: how long was measured once, on a machine that may have been busy."""
    fastest = min(cycle, key=lambda w: about["loading"].get(w.key, 0.0))
    load = about["loading"].get(fastest.key, 0.0)
    need = share.least(load)
    if need > about["seconds"]:
        raise ledger.Refused(f"--hours {about['seconds'] / 3600:.4g}: {fastest.key} needs {load:.0f} s to load what there is, "
                             f"by how long it took before: expected at least {need / 3600 + 0.00005:.4f}")


def waiting(session):
    """Workers that this session leaves out: their lanes' time is too short for all that would have to be loaded."""
    jobs, cycle = session.about["jobs"], session.cycle()
    chosen = {w for lane in range(jobs) for w in session.of_lane(lane)}
    return [w.key for w in cycle if w not in chosen]
