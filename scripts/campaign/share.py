# SPDX-License-Identifier: GPL-2.0-only
"""
How a campaign's time is shared out. Pure functions: what runs where and when depends on the number of jobs, the seconds, the
targets and the kinds of workers that can be had, and on nothing else.

A *lane* is one job: it runs one worker at a time. The *cycle* is the list of all workers, a multiple of the number of lanes long.
In round r lane l runs cycle[(r * lanes + l) % len(cycle)] for one slice. So every worker gets the same time, whether there
are fewer lanes than workers (they take turns) or as many (then each lane keeps its own), and none runs twice at once.
"""

import collections
import dataclasses
import itertools

AFL = ("afl", "afl-cmplog", "afl-asan")
LIBFUZZER = ("libfuzzer", "libfuzzer-asan")
KINDS = AFL + LIBFUZZER + ("builtin",)
SCHEDULES = ("explore", "fast", "coe", "exploit", "lin", "quad", "rare", "mmopt", "seek")
PROGRAMS = ("ops", "policy")  # targets that the built-in fuzzer can stand beside
NO_PROGRAMS = ("codec", "text")  # targets whose inputs are any bytes, any text
SLICE = 300  # seconds that a slice has at most: engines exchange what they have at its ends
SHORTEST = 2  # an engine needs that to start


@dataclasses.dataclass(frozen=True)
class Spec:
    """A worker: what it runs, and under which name it goes on in the next session."""
    name: str
    kind: str
    target: str
    schedule: str = ""  # of AFL++


@dataclasses.dataclass(frozen=True)
class Plan:
    lanes: int
    rounds: int
    seconds: float  # of a slice
    cycle: tuple

    def at(self, lane, turn):
        return self.cycle[(turn * self.lanes + lane) % len(self.cycle)]


class Names:
    """Schedules in turn, and names that are the same in every session."""

    def __init__(self):
        self.seen = collections.Counter()

    def spec(self, kind, target):
        nth = self.seen[kind, target]
        self.seen[kind, target] += 1
        schedule = SCHEDULES[nth % len(SCHEDULES)] if kind in AFL else ""
        return Spec(f"{kind}-{nth + 1}", kind, target, schedule)


def basic(kinds, targets):
    """(kind, target) of the workers that no campaign goes without; the most telling first, for the first rounds."""
    first = targets[0]
    order = ["afl", "libfuzzer", "builtin", "afl-cmplog", "libfuzzer-asan", "afl", "afl-asan"]
    out = [(k, first) for k in order if k in kinds and (k != "builtin" or first in PROGRAMS)]
    for target in targets[1:]:
        out += [(k, target) for k in ("afl", "libfuzzer") if k in kinds]
        if "libfuzzer" not in kinds and "libfuzzer-asan" in kinds:
            out.append(("libfuzzer-asan", target))
    return out


def further(kinds, targets):
    """What more lanes run, endlessly: mostly AFL++ with another schedule, the first target more often than the others; a
    sanitized worker for every seven plain ones."""
    turn = ["afl", "libfuzzer", "afl", "afl", "builtin", "libfuzzer", "afl", "afl-asan" if "afl-asan" in kinds else "libfuzzer-asan"]
    there = [k for k in kinds if k != "builtin" or targets[0] in PROGRAMS]
    turn = [k for k in turn if k in there] or there
    for at in itertools.count():
        kind = turn[at % len(turn)]
        everywhere = kind in ("afl", "libfuzzer")
        yield kind, targets[(at // 4) % len(targets)] if everywhere and at % 4 == 3 else targets[0]


def cycle(jobs, kinds, targets):
    """All workers; () when there is nothing that could run."""
    chosen = basic(kinds, targets)
    if not chosen:
        return ()
    more = further(kinds, targets)
    while len(chosen) < jobs or len(chosen) % jobs:
        chosen.append(next(more))
    names = Names()
    return tuple(names.spec(kind, target) for kind, target in chosen)


def plan(jobs, seconds, kinds, targets):
    workers = cycle(jobs, kinds, targets)
    turns = len(workers) // jobs  # rounds until all have run
    if not turns:
        return Plan(jobs, 0, 0.0, ())
    passes = max(1, round(seconds / (turns * SLICE)))
    return Plan(jobs, turns * passes, seconds / (turns * passes), workers)


def mutated(spec):
    """Does this AFL++ worker load the mutator of programs? Three of four plain ones and all others, where inputs are programs: AFL++
    runs havoc beside it, and alone finds next to nothing in the time of a slice. The second does without."""
    return spec.target not in NO_PROGRAMS and (spec.kind != "afl" or int(spec.name.rsplit("-", 1)[1]) % 4 != 2)


def mains(workers):
    """{target: name} of those AFL++ workers that collect from all the others (-M) on this host."""
    out = {}
    for w in workers:
        if w.kind == "afl":
            out.setdefault(w.target, w.name)
    return out
