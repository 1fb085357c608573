# SPDX-License-Identifier: GPL-2.0-only
"""
How a campaign's time is shared out. Pure functions: what runs where and when depends on the number of jobs, the seconds, the
targets and the kinds of workers that can be had, and on nothing else.

A *lane* is one job: it runs one worker at a time. The *cycle* is the list of all workers, a multiple of the number of lanes long.
Lane l has cycle[l], cycle[l + lanes], ...: workers of its own, that take turns, so none runs twice at once. All of a lane fuzz for the
same time; what an engine needs before that to load what it had comes on top of its slice, and out of the lane's time.
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
SLICE = 300  # seconds of a slice, where there is time: engines exchange what they have at its ends
LOADING = 0.1  # of a slice, at most, where there is time: the slices of what loads for long are longer
SHORTEST = 2  # seconds of a slice; an engine needs that to start


@dataclasses.dataclass(frozen=True)
class Spec:
    """A worker: what it runs, and under which name it goes on in the next session."""
    name: str
    kind: str
    target: str
    schedule: str = ""  # of AFL++


    @property
    def key(self):
        return f"{self.target}/{self.name}"


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


def of_lane(workers, jobs, lane):
    """The workers of a lane; @workers: the cycle."""
    return workers[lane::jobs]


def least(load):
    """Seconds in which an engine that loads for so long comes to fuzz; its start is part of both."""
    return max(SHORTEST, load + min(SHORTEST, load))


def fitting(workers, seconds, loading, ran):
    """
    Those of a lane that run in a session of @seconds, the ones that have waited longest first; what does not fit waits for the next
    session. A worker fits with a slice that is not mostly loading; the first one does if it comes to fuzz at all.
    @loading: {key: seconds}, as far as it is known; @ran: {key: the last session in which it ran}.
    """
    out, taken = [], 0.0
    for w in sorted(workers, key=lambda w: ran.get(w.key, 0)):
        load = loading.get(w.key, 0.0)
        need = max(least(load), 2 * load) if out else least(load)
        if taken + need <= seconds:
            out.append(w)
            taken += need
    return tuple(out)


def turns(seconds, loads):
    """How many slices a lane has whose workers load for so long."""
    once = sum(max(SLICE, x / LOADING) for x in loads)
    return len(loads) * max(1, round(seconds / once)) if loads else 0


def fuzzing(seconds, loads, at, last):
    """
    (seconds of fuzzing for slice @at, slices in all): what is left of a lane's time for the slices from @at to @last, shared out. When
    all workers have had their turn it is counted anew how many there are: loading takes longer and longer. Where it has come to take more
    than the fuzzing in between, every worker has a turn less.
    """
    if at % len(loads) == 0:
        last = at + turns(seconds, loads)
    while True:
        todo = [loads[i % len(loads)] for i in range(at, last)]
        each = (seconds - sum(todo)) / len(todo)
        if each >= sum(todo) / len(todo) or len(todo) <= len(loads):
            return max(0.0, each), last
        last -= len(loads)


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
