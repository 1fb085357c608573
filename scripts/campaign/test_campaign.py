#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Campaigns: how time is shared out, what becomes of findings, and whole sessions: with stand-ins for engines where it matters how they
end, with the real ones where some are built. NOSNOOP_BUILD names the folder of the builds (build). SLURM=1 also starts a cluster.
"""

import collections
import fcntl
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

import builds as built
import exchange
import files
import ledger
import lane
import loading
import merge
import share
import summary
import triage
import workers

from test_room import BUILD, REAL, TOP, Temporary
from test_slurm import Cluster, Queue, Task  # these and the next are run from here
from test_triage import REPLAYER, Judged, Mistakes, Planted


# --- sharing out -------------------------------------------------------------------------------------------------------


class Share(unittest.TestCase):
    TARGETS = (["ops"], ["ops", "text", "codec"], ["policy", "ops", "text", "codec"], ["text"], ["linux", "diff"])

    def cycles(self):
        some = [k for n in range(1, len(share.KINDS) + 1) for k in itertools.combinations(share.KINDS, n)]
        for kinds, targets, jobs in itertools.product(some, self.TARGETS, (1, 2, 3, 7, 12, 13, 100)):
            yield list(kinds), targets, jobs, share.cycle(jobs, list(kinds), targets)

    def test_every_worker_on_one_lane(self):
        for kinds, targets, jobs, cycle in self.cycles():
            if not cycle:
                self.assertEqual(kinds, ["builtin"] if "builtin" in kinds and len(kinds) == 1 else
                                 [k for k in kinds if k not in ("afl", "libfuzzer", "libfuzzer-asan")])
                continue
            self.assertEqual(len(cycle) % jobs, 0)
            self.assertEqual(len({w.key for w in cycle}), len(cycle))
            self.assertTrue({w.kind for w in cycle} <= set(kinds))
            self.assertTrue({w.target for w in cycle} <= set(targets))
            lanes = [share.of_lane(cycle, jobs, lane) for lane in range(jobs)]
            self.assertEqual(collections.Counter(w for lane in lanes for w in lane), collections.Counter(cycle))
            self.assertEqual({len(lane) for lane in lanes}, {len(cycle) // jobs}, "all get the same time")

    def slices(self, seconds, loads, real=None):
        """(worker, seconds of fuzzing) of a lane's slices, when workers load for as long as foretold, or as @real says."""
        at, turns, out = 0, share.turns(seconds, loads), []
        while at < turns and seconds >= share.SHORTEST:
            each, turns = share.fuzzing(seconds, loads, at, turns)
            nth = at % len(loads)
            each = min(each, seconds - (real or loads)[nth])
            seconds -= each + (real or loads)[nth]
            out.append((nth, round(each, 6)))
            at += 1
        return out, seconds

    def test_same_time_of_fuzzing(self):
        """Loading comes on top of it, out of the lane's time, and all of that is used."""
        for seconds, loads in ((180, [0] * 6), (72, [5, 33, 0, 2]), (8 * 3600, [60, 5, 0]), (3600, [1]), (10 * 3600, [400])):
            got, left = self.slices(seconds, loads)
            self.assertEqual((len({n for _, n in got}), round(left, 6)), (1, 0), (loads, got))
            self.assertEqual(len(set(collections.Counter(w for w, _ in got).values())), 1)
            self.assertEqual({w for w, _ in got}, set(range(len(loads))))
            if seconds > 3600:
                self.assertLess(len(got) / len(loads) * sum(loads), seconds * share.LOADING * 1.1)

    def test_loading_for_longer_and_longer(self):
        """In a long session, too, it takes its part and no more."""
        left, at, last, loading = 8 * 3600, 0, 1, 0.0
        while at < last:
            load = 5.0 * at
            each, last = share.fuzzing(left, [load], at, last)
            left, loading, at = left - each - load, loading + load, at + 1
        self.assertLess(loading / (8 * 3600), share.LOADING * 1.1)
        self.assertGreater(at, 20)
        self.assertAlmostEqual(left, 0)

    def test_loading_for_longer_than_foretold(self):
        """The lane ends in time; the last ones get less."""
        got, left = self.slices(100, [1, 1, 1, 1], [1, 40, 1, 1])
        self.assertGreaterEqual(left, 0)
        self.assertEqual([w for w, _ in got], [0, 1, 2, 3])
        self.assertLess(got[3][1], got[0][1])
        self.assertEqual(share.fuzzing(1000, [300, 300], 2, 6)[1], 4, "a turn less rather than only loading")
        self.assertEqual(share.fuzzing(1, [300, 300], 5, 6), (0.0, 6))

    def test_too_short_for_all(self):
        """The longest waiting come first, until all have had their turn; none is mostly loading."""
        workers = share.cycle(1, list(share.KINDS), ["ops"])
        loading, ran, seen = {w.key: 10.0 for w in workers} | {"ops/afl-asan-1": 33.0}, {}, []
        for session in range(1, 6):
            chosen = share.fitting(workers, 60, loading, ran)
            self.assertLessEqual(sum(loading[w.key] for w in chosen), 60 - share.SHORTEST)
            ran.update({w.key: session for w in chosen})
            seen += [w.key for w in chosen]
        self.assertEqual(set(seen), {w.key for w in workers})
        self.assertEqual(len(set(seen[:len(workers)])), len(workers), "none again before all have run")
        self.assertEqual(share.fitting(workers, 60, {}, {}), workers)

    def test_the_promise(self):
        """--jobs 2 --hours 0.05: every kind of worker, every target, and a slice that is worth its start."""
        cycle = share.cycle(2, list(share.KINDS), ["ops", "text", "codec"])
        self.assertEqual({w.kind for w in cycle}, set(share.KINDS))
        self.assertEqual({w.target for w in cycle}, {"ops", "text", "codec"})
        for lane in range(2):
            mine = share.of_lane(cycle, 2, lane)
            self.assertEqual(share.turns(0.05 * 3600, [0] * len(mine)), len(mine))
            self.assertGreaterEqual(share.fuzzing(0.05 * 3600, [0] * len(mine), 0, len(mine))[0], 20)

    def test_many_jobs(self):
        cycle = share.cycle(100, list(share.KINDS), ["ops", "text", "codec"])
        kinds = collections.Counter(w.kind for w in cycle)
        self.assertEqual(len(cycle), 100)
        self.assertGreater(share.turns(8 * 3600, [0]), 8 * 3600 / share.SLICE / 1.5)
        self.assertGreater(kinds["afl"], 40)
        self.assertLess(kinds["afl-asan"] + kinds["libfuzzer-asan"], kinds["afl"] // 3)
        self.assertEqual({w.schedule for w in cycle if w.kind == "afl"}, set(share.SCHEDULES))

    def test_names_stay(self):
        """A session with more jobs goes on with the workers of one with fewer."""
        few = share.cycle(2, list(share.KINDS), ["ops", "text"])
        many = share.cycle(40, list(share.KINDS), ["ops", "text"])
        self.assertEqual(many[:9], few[:9])

    def test_mutator(self):
        """In all AFL++ workers of programs but one plain one of four, the main's first neighbour."""
        without = [w.name for w in share.cycle(40, list(share.KINDS), ["ops"]) if w.kind in share.AFL and not share.mutated(w)]
        self.assertEqual(without, [f"afl-{n}" for n in range(2, 4 * len(without), 4)])
        self.assertGreater(len(without), 2)
        for target in ("codec", "text"):
            self.assertFalse(any(share.mutated(share.Spec(f"afl-{n}", "afl", target)) for n in range(1, 9)))

    def test_mains(self):
        self.assertEqual(share.mains(share.cycle(30, list(share.KINDS), ["ops", "text"])), {"ops": "afl-1", "text": "afl-1"})
        self.assertEqual(share.mains(share.cycle(2, ["libfuzzer", "builtin"], ["ops"])), {})


# --- small parts ---------------------------------------------------------------------------------------------------------


class Parts(Temporary):
    def test_doubling(self):
        self.assertEqual([n for n in range(1, 200) if triage.is_due(n)], [*range(1, 9), 16, 32, 64, 128])

    def test_whole_program(self):
        self.assertEqual(files.whole_program(b""), b"\1")
        self.assertEqual(files.whole_program(b"\7" + bytes(32)), b"\1" + bytes(32))
        self.assertEqual(files.whole_program(b"\7abc"), b"\1abc" + bytes(29))

    def test_saved_whole(self):
        path = self.file("there", "old")
        with self.assertRaises(TypeError):
            files.save_json(path, {"a": object()})
        self.assertEqual(files.read(path), b"old")
        self.assertEqual(os.listdir(self.dir), ["there"])

    def test_words_of_a_crash(self):
        a = "==123==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x602000000011 at pc"
        self.assertEqual(triage.short(a), "heap-buffer-overflow")
        self.assertEqual(triage.short("x.c:12: runtime error: load of value 17"), "runtime error: load of value N")
        self.assertEqual(triage.short("nosnoop: core/iopt/map.c:31: f: Assertion `a < 5' failed."),
                         "Assertion `a < N' failed.")
        self.assertEqual(triage.short(None), "")

    def test_origin(self):
        text = "# L under x\n# policy: x\n# from:   elsewhere\n# replay: nosnoop-replay --policy x FILE\ntable A\n"
        got = triage.with_origin(text, {"first_seen": "then", "target": "ops", "file": "f.ops"}, "afl-1")
        self.assertEqual(got, "# L under x\n# policy: x\n# from:   a campaign, first seen then by afl-1 (ops)\n"
                         "# replay: nosnoop-replay --policy x f.ops\ntable A\n")

    def test_percentage(self):
        for told, want in (((1, 3), 33.33), ((0, 0), None), ((None, 3), None), ((0, 7), 0.0)):
            self.assertEqual(merge.percentage(*told), want)

    def test_history(self):
        path = self.file("history.jsonl", '{"date": "2026-01-01T00:00:00Z", "executions": 1}\nno json\n{"other": 1}')
        got = summary.add_to_history(path, {"date": "now", "executions": 2})
        self.assertEqual([h["executions"] for h in got], [1, 2])
        self.assertEqual(files.read(path).count(b"\n"), 4)

    def test_coverage(self):
        """n/a where its programs would have to be built and nothing is to be, where it fails, and where it takes too long."""
        self.file("scripts/coverage.py", "import json, os, sys, time\ntime.sleep(3 * os.path.exists('slow'))\n"
                  "if '--no-build' in sys.argv and os.path.exists('stale'): sys.exit(3)\n"
                  "print(json.dumps({'total': {'lines': 4, 'lines_run': 1, 'branches': 2, 'branches_taken': 1}}))\n")
        corpus, nothing, told = os.path.dirname(self.file("corpus/a", "a")), {"lines": None, "branches": None}, {"lines": 25.0, "branches": 50.0}
        with mock.patch.object(built, "TOP", self.dir), mock.patch.object(merge, "MEASURING", 1):
            self.assertEqual([merge.code_coverage(corpus, n) for n in (False, True)], [told, told])
            self.file("stale")
            self.assertEqual([merge.code_coverage(corpus, n) for n in (False, True)], [told, nothing])
            self.file("slow")
            self.assertEqual(merge.code_coverage(corpus, False), nothing)

    def test_pool_goes_on(self):
        """What a lane has given keeps its numbers when the lane starts again: AFL++ reads by number."""
        ctx = type("C", (), {"place": ledger.Place(self.dir)})
        spec = share.Spec("libfuzzer-1", "libfuzzer", "ops")
        for contents in (["a", "b"], ["b", "c", "a"]):
            ex = exchange.Exchange(ctx, 3)
            ex.pool(spec, [self.file(f"in/{c}", c) for c in contents])
        names = [os.path.basename(p) for p in files.inputs(self.path("afl/ops/pool-3/queue"))]
        self.assertEqual([n[:9] for n in names], ["id:000000", "id:000001", "id:000002"])
        self.assertTrue(os.path.exists(self.path("afl/ops/pool-3/is_main_node")))


class Loads(Temporary):
    """What is known of an engine that has not begun to fuzz."""

    def test_libfuzzer(self):
        log = self.file("log", "INFO: seed corpus: files: 1807 min: 1b max: 3105b\n#1024\tpulse  cov: 2")
        load = loading.Loading(log, *loading.LIBFUZZER)
        self.assertFalse(load.look())
        self.assertEqual((load.inputs, load.of), (0, 1807), "a line that is not whole says nothing")
        with open(log, "a", encoding="utf-8") as f:
            f.write("252 ft: 18742\n")
        self.assertFalse(load.look())
        told = load.told(load.begun + 12, 10**6)
        self.assertEqual((told["inputs"], told["of"], told["done"], told["seconds"]), (1024, 1807, False, 12.0))
        self.assertAlmostEqual(told["rate"] * 10**6, 12 * 1807 / 1024)
        with open(log, "a", encoding="utf-8") as f:
            f.write("#1808\tINITED cov: 2252\n#2048\tpulse\n")
        self.assertTrue(load.look())
        told = load.told(load.done + 100, 10**6)
        self.assertEqual((told["inputs"], told["done"], told["still"]), (1808, True, 0.0))
        self.assertAlmostEqual(told["rate"] * 10**6, told["seconds"])

    def test_afl(self):
        """By its statistics: what it prints to a file comes late. Those of the start before say nothing."""
        self.file("afl/ops/afl-1/fuzzer_stats", "execs_done : 7\n")
        self.file("afl/ops/afl-1/queue/id:000000", "x" * 100)
        self.file("seeds/ops.start/a", "x" * 30)
        ctx = workers.Context(ledger.Place(self.dir), built.Builds(self.path("build")), {}, None, None, {})
        w, new = (workers.make(share.Spec(n, "afl", "ops"), ctx) for n in ("afl-1", "afl-2"))
        self.assertEqual((w.to_load(), new.to_load()), (100, 30))
        for x in (w, new):
            self.file(os.path.relpath(x.log, self.dir), "[+] Loaded a total of 9 seeds.\n" + "[*] Attempting dry run with 'id'...\n" * 4)
            x.before()
            load = x.loading()
            self.assertFalse(load.look())
            self.assertEqual((load.inputs, load.of), (4, 9))
            path = self.file(os.path.relpath(ctx.place.own(x.spec, "fuzzer_stats"), self.dir), "execs_done : 9\n")
            os.utime(path, ns=(1, 1))
            self.assertTrue(load.look())

    def test_nothing(self):
        self.assertTrue(loading.Loading(self.path("no-log")).look())
        self.assertIsNone(loading.Loading(self.path("no-log")).told(time.monotonic(), 0)["rate"])

    def test_clock(self):
        """A slice is counted from the end of loading, loading has a bound, and nothing goes beyond the lane's time."""
        with mock.patch.object(loading.time, "monotonic", lambda: now):
            now = 100.0
            for left, fuzz, until in ((1000, 30, 180), (60, 30, 160), (1000, 5, 130)):
                clock = loading.Clock(fuzz, 10, left)
                self.assertEqual(clock.until, until)
                self.assertFalse(clock.over())
            for ready, until in ((112.0, 142.0), (170.0, 200.0)):
                now = 100.0
                clock = loading.Clock(30, 10, 1000)
                for now in (ready, ready + 5):
                    clock.loaded()
                self.assertEqual(clock.until, until)
            now = 170.0
            clock, now = loading.Clock(30, 10, 40), 200.0
            clock.loaded()
            self.assertEqual(clock.until, 210.0)

    def test_begin_anew(self):
        """What is in the corpus now is not loaded again; what ended an engine stays, and is seen once."""
        place = ledger.Place(self.dir)
        for n in (1, 2):
            for name in ("fuzzer_stats", "queue/id:000000", "queue/.state/x", ".synced/pool-0", "hangs/README.txt"):
                self.file("afl/ops/afl-1/" + name, "x")
            self.file("afl/ops/afl-1/crashes/id:000000", f"crash {n}")
            self.file("afl/ops/pool-0/queue/id:000000", "x")
            self.file("afl/ops/afl-2.broken-1/queue/id:000000", "x")
            self.file("libfuzzer/ops/libfuzzer-1/corpus/a", "x")
            merge.forget(place, "ops")
            self.assertEqual(files.folders(self.path("afl/ops")), ["afl-1"])
        self.assertEqual(sorted(os.listdir(self.path("afl/ops/afl-1"))), ["crashes.1", "crashes.2"])
        self.assertEqual(len(triage.gather(place, ["ops"], ())[0]), 2)
        self.assertEqual((os.listdir(self.path("libfuzzer/ops/libfuzzer-1")), os.listdir(self.path("log"))), ([], ["ops-afl-1.stats"]))

    def test_processor(self):
        """Of a child with a session of its own, too."""
        busy = "import sys, time\nwhile time.process_time() < 0.5: pass\nprint('done', flush=True)\nsys.stdin.read()"
        run = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}], start_new_session=True)"
        with subprocess.Popen([sys.executable, "-c", run], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as p:
            p.stdout.readline()
            cpu = workers.Processor(p.pid)
            cpu.begun -= 100
            cpu.last = -100.0
            cpu.look()
            p.communicate()
        self.assertGreaterEqual(cpu.seconds, 0.4)


class Strays(unittest.TestCase):
    def test_what_outlives_a_worker(self):
        """A child with a session of its own, stopped, as AFL++'s are; another worker's stays."""
        def child(mark):
            p = subprocess.Popen([sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"], start_new_session=True,
                                 env=os.environ | {workers.MARK: mark})
            self.addCleanup(p.wait)
            self.addCleanup(p.kill)
            os.waitid(os.P_PID, p.pid, os.WSTOPPED | os.WNOWAIT)
            return p

        mine, other = child("one"), child("another")
        workers.kill_marked("one")
        self.assertEqual(mine.wait(timeout=30), -signal.SIGKILL)
        self.assertIsNone(other.poll())


class Gathered(Temporary):
    """What triage and the table of workers see of an engine's folders."""

    def setUp(self):
        super().setUp()
        self.place = ledger.Place(self.dir)
        self.ctx = workers.Context(self.place, built.Builds(self.path("build")), {}, None, None, {})

    def afl(self, name="afl-1"):
        return workers.make(share.Spec(name, name.rsplit("-", 1)[0], "ops"), self.ctx)

    def gathered(self, known=()):
        return sorted((i.worker, files.read(i.path)) for i in triage.gather(self.place, ["ops"], known)[0])

    def test_slices(self):
        """AFL_AUTORESUME renames both folders when it begins: each input is seen, and once."""
        self.file("afl/ops/afl-1/crashes/id:000000,sig:06", "a")
        self.file("afl/ops/afl-1/crashes/README.txt", "not one")
        first = self.afl().findings()
        os.rename(self.path("afl/ops/afl-1/crashes"), self.path("afl/ops/afl-1/crashes.2026-01-31-12:00:00"))
        self.file("afl/ops/afl-1/hangs.2026-01-31-12:00:00/id:000000", "c")
        for name, content in (("id:000000,sig:06", "b"), ("id:000001,sig:06", "a")):
            self.file("afl/ops/afl-1/crashes/" + name, content)
        self.assertEqual((first, self.afl().findings()), (1, 4))
        self.assertEqual(self.gathered(), [("afl-1", b"a"), ("afl-1", b"b"), ("afl-1", b"c")])
        hang = next(i for i in triage.gather(self.place, ["ops"], ())[0] if "hangs" in i.path)
        self.assertEqual(triage.group_of(hang, {"verdict": "ok"})[3], triage.SLOW)


    def test_set_aside(self):
        """What is in a folder that was set aside is still read, as its worker's; files that a full disk left empty are not."""
        worker_dir = "afl/ops/afl-6"
        for n in range(1, 7):
            self.file(f"afl/ops/afl-{n}/queue/id:000000", "x")
        self.file("afl/ops/afl-1/is_main_node")
        self.file(worker_dir + "/crashes/id:000000,sig:06", "a")
        self.file(worker_dir + "/crashes/id:000001,sig:06", "")
        self.file("log/ops-afl-6.log", "[-] PROGRAM ABORT : cannot do this\n")
        before = self.afl("afl-6").findings()
        self.assertIsNone(self.afl("afl-6").set_aside(), "another reason")
        for n in (1, 2):
            self.file("log/ops-afl-6.log", "[-] PROGRAM ABORT : Malformed data in 'fuzzer_stats'\n")
            self.assertEqual(self.afl("afl-6").set_aside(), f"afl-6.broken-{n}")
            self.file(worker_dir + "/queue/id:000000", "y")
        self.assertEqual(self.afl("afl-6").findings(), before)
        self.assertEqual(self.gathered(), [("afl-6", b"a")])
        self.assertEqual(exchange.Exchange(self.ctx, 0).sources("ops"), ["afl-1", "afl-6.broken-1", "afl-6.broken-2"])

    def test_who_loads_the_mutator(self):
        self.file("build/rel/bin/mutator-ops.so", "", 0o755)
        loads = {n: "AFL_CUSTOM_MUTATOR_LIBRARY" in self.afl(n).environment() for n in ("afl-1", "afl-2", "afl-cmplog-2", "afl-asan-2")}
        self.assertEqual(loads, {"afl-1": True, "afl-2": False, "afl-cmplog-2": True, "afl-asan-2": True})


# --- the verdict and its forms -------------------------------------------------------------------------------------------


def worker(**more):
    return {"kind": "afl", "target": "ops", "schedule": "fast", "executions": 10, "cpu_seconds": 2.0, "wall_seconds": 20.0,
            "loading_seconds": 0.0, "slices": 1, "findings": 0, "deaths": []} | more


def load(**more):
    return {"seconds": 12.0, "inputs": 731, "of": 3307, "done": False, "rate": 1e-5, "still": 0.1} | more


class Verdict(Temporary):
    def session(self, workers, done=True, jobs=1):
        place = ledger.Place(self.dir)
        s = ledger.begin(place, targets=["ops"], policy=None, contracts=None, backend=None, jobs=jobs, seconds=60, kinds=["afl"],
                         left_out=["left out: afl-asan: " + "x" * 90], commit="c" * 40)
        files.save_json(s.folder("lane-0.json"), {"lane": 0, "done": done, "now": None, "starts": 2, "workers": workers})
        return s

    def reasons(self, stopped=False, **kw):
        s = self.session(**kw)
        return summary.reasons(s, s.workers(), stopped)

    def test_valid(self):
        self.assertEqual(self.reasons(workers={"ops/afl-1": worker(deaths=["once"])}), [])

    def test_invalid(self):
        w = worker()
        for kw, words in (({"workers": {"ops/afl-1": worker(deaths=["a", "b"])}}, "ops/afl-1 died 2 times: b"),
                          ({"workers": {"a": w, "b": worker(executions=0)}}, "b made no progress"),
                          ({"workers": {"a": w}, "done": False}, "lane 0: not finished"),
                          ({"workers": {"a": w}, "jobs": 3}, "lane 1, 2: not finished"),
                          ({"workers": {}}, "nothing was executed")):
            with self.subTest(words=words):
                got = self.reasons(**kw)
                self.assertEqual(len(got), 1, got)
                self.assertIn(words, got[0])

    def test_stopped_is_valid(self):
        self.assertEqual(self.reasons(stopped=True, workers={"a": worker()}, done=False), [])
        self.assertEqual(self.reasons(workers={"a": worker(), "b": worker(executions=0, wall_seconds=1)}), [])

    def test_loading(self):
        """An engine that has loaded for all of its slice has made progress; one that stopped at an input, or fuzzed nothing, has not."""
        none = {"executions": 0, "wall_seconds": 12.3}
        for w, words in ((worker(**none, load=load()), None),
                         (worker(**none, load=load(inputs=0, still=12.0)), "nothing loaded in 12 s"),
                         (worker(**none, load=load(still=20.0)), None),
                         (worker(**none, load=load(still=70.0)), "nothing loaded in 70 s"),
                         (worker(**none, loading_seconds=9.0, load=load(done=True)), None),
                         (worker(**none, loading_seconds=2.0, load=load(done=True)), "no execution in 10 s")):
            got = self.reasons(workers={"a": worker(), "b": w})
            self.assertEqual(got, [f"b made no progress: {words}"] if words else [])

    def test_loading_is_told(self):
        s = self.session({"ops/afl-1": worker(), "ops/afl-asan-1": worker(executions=0, loading_seconds=12.0, load=load())})
        (note,) = summary.notes(s)
        self.assertIn("ops/afl-asan-1 had loaded 731 of 3,307 inputs after 12 s, and did not come to fuzz", note)
        s.write(ended="time", kinds=["afl", "libfuzzer"])
        self.assertIn("no time was left by what there was to load: first in the next session: ops/afl-2, ops/libfuzzer-1", summary.notes(s))
        told = loading.remembered(s)
        self.assertEqual(told, {"ran": {"ops/afl-1": 1}, "rates": {"ops/afl-asan-1": 1e-5}})
        (again,) = [loading.remembered(x) for x in [ledger.begin(s.place, jobs=1, **told)]]
        self.assertEqual(again, told, "what a session without workers has been told is not lost")

    def test_refused(self):
        """No worker would come to fuzz in sessions like that; with what is said one does. One alone that would not is no reason."""
        cycle = share.cycle(2, ["afl", "afl-asan"], ["ops"])
        loading.check({"loading": {"ops/afl-asan-1": 33.0}, "seconds": 30}, cycle)
        about = {"loading": {w.key: 33.0 if w.kind == "afl-asan" else 34.0 for w in cycle}, "seconds": 30}
        with self.assertRaisesRegex(ledger.Refused, r"--hours 0.008333: ops/afl-asan-1 needs 33 s to load .*: expected at least 0.0098$"):
            loading.check(about, cycle)
        loading.check(about | {"seconds": 0.0098 * 3600}, cycle)

    def summary(self, invalid=(), known=None, rule="L"):
        s = self.session({"ops/afl-1": worker(executions=10**12, cpu_seconds=1e6)})
        found = {"rule": rule, "policy": "p" * 30, "target": "ops", "shape": "0" * 16, "ops": 5, "what": "w" * 100, "count": 10**6,
                 "workers": ["afl-1", "libfuzzer-asan-12", "builtin-1", "x"], "first_seen": "then", "session": s.number,
                 "file": "f" * 90 + ".ops", "known": known}
        t = type("T", (), {"left": 7, "unjudged": [], "slow": lambda _: 3, "findings": lambda _: [dict(found, new=not known)], "groups": lambda _: [
            {"rule": "L", "policy": "p" * 30, "target": "ops", "what": "", "inputs": 512, "shrunk": 14, "sessions": [1]}]})()
        return summary.put_together(s, t, {"ops": {"by": "libfuzzer", "before": 10**6, "after": 10**5}},
                                    {"lines": 97.25, "branches": None, "states": 4000}, list(invalid), ["note " * 40])

    def test_statuses(self):
        self.assertEqual(self.summary()["exit"], 1)
        self.assertEqual(self.summary(known="corpus/regress/x.ops")["exit"], 0)
        self.assertEqual(self.summary(invalid=["why"])["exit"], 2)

    def test_text(self):
        s = self.summary(invalid=["why " * 60])
        text = summary.text(s, [summary.line_of_history(s, "/tmp/x")] * 20)
        self.assertLessEqual(max(map(len, text.splitlines())), summary.WIDTH, text)
        for words in ("INVALID", "512 inputs in all sessions,\n    of which 498 were not shrunk", "lines 97.2 %, branches n/a", "NEW",
                      "3 inputs ran out",
                      "started again where they were: lane 0"):
            self.assertIn(words, text)

    def test_shapes_of_one_mistake(self):
        s = self.summary()
        one = s["findings"][0]
        self.assertIsNone(one["like"])
        s["findings"] = [dict(one, shape=str(n), file=f"{n}.ops", like="0.ops" if n else None) for n in range(9)] + [dict(one, rule="I")]
        text = summary.text(s, [])
        self.assertIn("findings: 2 new", text)
        self.assertEqual(text.count("  NEW "), 2)
        self.assertIn("findings/0.ops\n        and 8 that contain it or show the same, in other shapes:\n        findings/findings.json\n", text)
        self.assertEqual([x for x in summary.ktap(s).splitlines() if x.startswith("not ok")], ["not ok 2 0", "not ok 3 " + "f" * 90])
        self.assertEqual(summary.line_of_history(s, "/x")["new"], 2)

    def test_ktap(self):
        self.assertEqual(summary.ktap(self.summary(invalid=["why"])).splitlines(), [
            "KTAP version 1", "1..2", "# why", "not ok 1 campaign valid",
            "# 1000000 times, first seen then by afl-1", "not ok 2 " + "f" * 90])
        self.assertTrue(summary.ktap(self.summary(known="k")).endswith("\nok 2 " + "f" * 90 + "\n"))


# --- sessions, with engines that do as they are told -----------------------------------------------------------------------


# A stand-in: --preset NAME -DNOSNOOP_PROFILE=VALUE is told, and a build fails by its value.
CMAKE = """#!/usr/bin/env python3
import sys
args = dict(a.split("=", 1) for a in sys.argv if a.startswith("-DNOSNOOP_PROFILE="))
value = args.get("-DNOSNOOP_PROFILE")
if value is not None:
    print(sys.argv[sys.argv.index("--preset") + 1], value or "-", file=open("ASKED", "a"))
sys.exit(value is not None and (value or "-") in BROKEN)
"""

ENGINE = r"""#!/usr/bin/python3 -B
import os, shutil, signal, sys, time
said = {a.split("=")[0]: a.split("=", 1)[-1] for a in sys.argv[1:] if a.startswith("-")}
folders = [a for a in sys.argv[1:] if not a.startswith("-")]
if "-set_cover_merge" in said:
    for name in sorted(os.listdir(folders[1]))[:20]:
        shutil.copy(os.path.join(folders[1], name), folders[0])
    sys.exit(0)
signal.signal(signal.SIGINT, lambda *_: stop.append(1))
stop = []
WHAT
print("#2\tINITED", flush=True)
end = time.monotonic() + float(said["-max_total_time"])
while time.monotonic() < end and not stop:
    time.sleep(0.05)
print("stat::number_of_executed_units: 1000")
"""


AFL = r"""#!/usr/bin/python3 -B
import os, signal, sys, time
own = os.path.join(sys.argv[sys.argv.index("-o") + 1], sys.argv[sys.argv.index("-M" if "-M" in sys.argv else "-S") + 1])
stats = os.path.join(own, "fuzzer_stats")
if os.path.exists(stats) and not os.path.getsize(stats):
    print("[-] PROGRAM ABORT : Malformed data in", stats)
    sys.exit(1)
stop = []
signal.signal(signal.SIGINT, lambda *_: stop.append(1))
os.makedirs(own + "/queue", exist_ok=True)
open(stats, "w").write("execs_done : 100\n")
while not stop:
    time.sleep(0.05)
"""


@unittest.skipUnless(REAL.replayers("ops") and REAL.tool("shrink"), "fuzz-ops-replay or nosnoop-shrink is not built")
class Sessions(Temporary):
    HOURS = 2.1 / 3600

    def engine(self, what="pass", orders=None):
        """A folder of builds with real tools and a stand-in for libFuzzer; one worker kind, so that a session is short."""
        for name in ("fuzz-ops-replay", "nosnoop-shrink", "nosnoop-replay"):
            real = REAL.first(("rel", "dev"), name)
            os.makedirs(self.path("build/rel/bin"), exist_ok=True)
            if real and not os.path.lexists(self.path("build/rel/bin", name)):
                os.symlink(real, self.path("build/rel/bin", name))
        if orders is not None:
            real = os.readlink(self.path("build/rel/bin/fuzz-ops-replay"))
            os.unlink(self.path("build/rel/bin/fuzz-ops-replay"))
            self.file("build/rel/bin/fuzz-ops-replay", f'#!/bin/sh\ncase $1 in --orders) echo "3 inputs: 1 differ"; exit {orders};; esac\n'
                      f'exec {real} "$@"\n', 0o755)
        self.file("build/fuzz-plain/bin/fuzz-ops-libfuzzer", ENGINE.replace("WHAT", what), 0o755)

    def args(self, *more):
        return [sys.executable, "-B", HERE, "--hours", str(self.HOURS), "--jobs", "1", "--targets", "ops", "--out", self.path("out"),
                "--builds", self.path("build"), "--no-build", *more]

    def campaign(self, *more, **kw):
        done = subprocess.run(self.args(*more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, check=False, **kw)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def summary(self):
        return files.load_json(self.path("out/summary.json"))

    def test_goes_on(self):
        self.engine()
        for session in (1, 2):
            rc, out, err = self.campaign()
            self.assertEqual(rc, 0, out + err)
            self.assertIn("NOTHING NEW", out)
            self.assertEqual((self.summary()["session"], self.summary()["executions"]), (session, 1000))
        self.assertIn("left out: afl", out)
        self.assertEqual(len(files.read(self.path("history.jsonl")).splitlines()), 2)
        self.assertEqual(files.read(self.path("out/findings/findings.tap")), b"KTAP version 1\n1..1\nok 1 campaign valid\n")
        self.assertEqual(len(files.inputs(self.path("out/corpus/ops"))), 20)
        self.assertGreater(self.summary()["coverage"]["states"], 10)
        self.assertEqual(sorted(os.listdir(self.path("out"))), [
            "afl", "campaign.json", "corpus", "findings", "libfuzzer", "log", "seeds", "sessions", "summary.json", "summary.txt", "triage.json"])

    def test_another_configuration(self):
        self.engine()
        self.assertEqual(self.campaign()[0], 0)
        before = files.read(self.path("out/summary.json"))
        for more in (("--policy", "exact"), ("--contracts", "L"), ("--targets", "ops,codec"), ("--policy", "no_such")):
            rc, _, err = self.campaign(*more)
            self.assertEqual(rc, 2)
            self.assertRegex(err, rf"campaign\.json: a campaign with {more[0][2:]} .*, expected \"{more[1]}\".*another --out")
        self.assertEqual(files.read(self.path("out/summary.json")), before)

    def test_bad_input(self):
        self.engine()
        for more, words in ((("--jobs", "0"), "expected 1 to"), (("--hours", "-1"), "-1, expected a number above 0"),
                            (("--hours", "nan"), "nan, expected a number above 0"),
                            (("--hours", "0.0001"), "expected at least"), (("--targets", "opps"), "expected some of"),
                            (("--policy", "no_such"), "no_such"), (("--expected", "/no/such"), "no such folder"),
                            (("--history", self.dir), "expected a file"), (("--profile",), "expected one of them"),
                            (("--prof",), "unrecognized arguments")):
            rc, out, err = self.campaign(*more)
            self.assertEqual((rc, out), (2, ""), err)
            self.assertIn(words, err)
            self.assertNotIn("Traceback", err)
            self.assertFalse(os.path.exists(self.path("out")), "nothing is begun")

    def test_shell(self):
        """campaign.sh itself never ends with 1, which means new findings."""
        self.engine()
        script = os.path.join(TOP, "scripts", "campaign.sh")
        out = ("--out", self.path("out"), "--hours", str(self.HOURS), "--no-build")
        for args, env, words in ((("--out=",), {}, "--out: no name, expected a file or folder"), (("--out",), {}, "--out: no name"),
                                 (("--linux-tree=", *out), {}, "--linux-tree: no name"), ((*out, "--builds", ""), {}, "--builds: no name"),
                                 (out, {"TMPDIR": "/nonexistent"}, "TMPDIR is /nonexistent: expected a folder")):
            done = subprocess.run(["/bin/bash", script, *args], env=os.environ | env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.dir,
                                  timeout=60, check=False)
            self.assertEqual((done.returncode, done.stdout), (2, b""), done.stderr)
            self.assertIn(words, done.stderr.decode())
            self.assertFalse(os.path.exists(self.path("out")))

    def builds(self, *args, profile="echo /a/profile", broken=()):
        """What campaign.sh asks cmake for, in a checkout of its own: [(preset, NOSNOOP_PROFILE)]. @broken: values that do not build."""
        top = self.path("top")
        shutil.rmtree(top, ignore_errors=True)
        shutil.copytree(os.path.join(TOP, "scripts"), os.path.join(top, "scripts"), ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("fuzz-plain/bin/fuzz-ops-libfuzzer", "afl/bin/fuzz-ops-afl"):
            self.file("top/build/" + name, "of another commit", 0o755)
        self.file("top/scripts/fuzz-profile.sh", "#!/bin/sh\n" + profile, 0o755)
        for name in ("clang", "afl-fuzz", "afl-clang-fast", "afl-clang-lto", "llvm-ar", "llvm-ranlib", "llvm-profdata"):
            self.file("stubs/" + name, "#!/bin/sh\necho 14\n", 0o755)
        self.file("stubs/cmake", CMAKE.replace("ASKED", self.path("asked")).replace("BROKEN", repr(tuple(broken))), 0o755)
        self.file("asked", "")
        subprocess.run(["/bin/bash", os.path.join(top, "scripts", "campaign.sh"), "--out", self.path("out"), "--hours", "0.01", *args], cwd=self.dir,
                       env=os.environ | {"PATH": self.path("stubs") + os.pathsep + os.environ["PATH"]}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       timeout=60, check=False)
        return [tuple(line.split()) for line in files.read(self.path("asked")).decode().splitlines()]

    def test_profile(self):
        """The engines that count are built by it, or without where that cannot be; never by an old one, and no old program is left."""
        self.assertEqual(self.builds("--profile"), [("fuzz-plain", "/a/profile"), ("afl", "/a/profile")])
        self.assertEqual(self.builds(), [("fuzz-plain", "-"), ("afl", "-")])
        self.assertEqual(self.builds("--profile", profile="exit 2"), [("fuzz-plain", "-"), ("afl", "-")])
        self.assertEqual(self.builds("--profile", broken=["/a/profile"]),
                         [(preset, value) for preset in ("fuzz-plain", "afl") for value in ("/a/profile", "-")])
        self.assertTrue(os.path.exists(self.path("top/build/afl/bin/fuzz-ops-afl")))
        self.builds(broken=["-"])
        self.assertFalse(os.path.exists(self.path("top/build/afl/bin/fuzz-ops-afl")))
        self.assertFalse(os.path.exists(self.path("top/build/fuzz-plain/bin/fuzz-ops-libfuzzer")))

    def test_nothing_for_a_target(self):
        """nosnoop-fuzz alone is no engine for texts."""
        self.engine()
        self.file("build/rel/bin/nosnoop-fuzz", "", 0o755)
        rc, _, err = self.campaign("--targets", "codec,text")
        self.assertEqual(rc, 2)
        self.assertIn("nothing that is built can fuzz codec, text: left out: afl: ", err)
        self.assertIn("fuzz-codec is not in fuzz-plain/bin", err)

    def test_strange_folder(self):
        """What is no campaign stays as it is."""
        self.engine()
        for name in ("tmp/notes.txt", ".hidden/notes.txt", "sessions/notes.txt"):
            strange = self.path(name.replace("/", "-"))
            self.file(os.path.join(os.path.basename(strange), name), "milk")
            os.makedirs(os.path.join(strange, "empty"))
            rc, _, err = self.campaign("--out", strange)
            self.assertEqual(rc, 2)
            self.assertRegex(err, "is there and campaign.json is not: expected a campaign, or a new folder")
            self.assertTrue(os.path.exists(os.path.join(strange, name)))
            self.assertTrue(os.path.exists(os.path.join(strange, "empty")))
        os.makedirs(self.path("there"))
        self.assertEqual(self.campaign("--out", self.path("there"), "--policy", "no_such")[0], 2)
        self.assertEqual(os.listdir(self.path("there")), [])

    def test_history_that_cannot_be_written(self):
        self.engine()
        os.makedirs(self.path("history.jsonl"))
        rc, out, err = self.campaign()
        self.assertEqual((rc, out, os.path.exists(self.path("out"))), (2, "", False))
        self.assertRegex(err, "history.jsonl: Is a directory: expected a history that can be written")

    def test_killed_before_the_summary(self):
        """What triage has found is news for the session that tells of it."""
        self.engine("open(said['-artifact_prefix'] + 'crash-1', 'w').write('ROUND|it differs|table A')")
        real = os.readlink(self.path("build/rel/bin/fuzz-ops-replay"))
        os.unlink(self.path("build/rel/bin/fuzz-ops-replay"))
        told = self.file("told", REPLAYER, 0o755)
        self.file("build/rel/bin/fuzz-ops-replay", f'#!/bin/sh\ncase "$*" in */artifacts/*) exec {told} "$@";; esac\nexec {real} "$@"\n', 0o755)
        self.assertEqual(self.campaign()[0], 1)
        state = files.load_json(self.path("out/triage.json"))
        self.assertEqual([f["told"] for f in state["findings"].values()], [1])
        for f in state["findings"].values():
            f["told"] = None
        files.save_json(self.path("out/triage.json"), state)
        self.assertEqual([self.campaign()[0] for _ in range(2)], [1, 0])

    def test_one_at_a_time(self):
        self.engine()
        os.makedirs(self.path("out"))
        fd = os.open(self.path("out"), os.O_RDONLY)
        fcntl.flock(fd, fcntl.LOCK_EX)
        rc, _, err = self.campaign()
        os.close(fd)
        self.assertEqual(rc, 2)
        self.assertIn("another campaign is at work there", err)
        self.assertEqual(os.listdir(self.path("out")), [])

    def test_a_worker_that_dies(self):
        self.engine("print('no such thing, expected another'); sys.exit(3)")
        rc, out, err = self.campaign()
        self.assertEqual(rc, 2, out + err)
        self.assertIn("INVALID", out)
        self.assertIn("died 2 times: exit status 3: no such thing, expected another", " ".join(out.split()))
        self.assertIn(b"not ok 1 campaign valid", files.read(self.path("out/findings/findings.tap")))

    def test_a_worker_that_dies_once(self):
        self.engine(f"mark = '{self.path('mark')}'\nif not os.path.exists(mark):\n    open(mark, 'w').close()\n    sys.exit(3)")
        rc, out, err = self.campaign()
        self.assertEqual(rc, 0, out + err)
        self.assertIn("died once and was started again", out)

    def test_a_damaged_folder(self):
        """As a full disk leaves it: the worker begins anew, once, and goes on after that."""
        self.engine()
        self.file("bin/afl-fuzz", AFL, 0o755)
        self.file("build/afl/bin/fuzz-ops-afl", "", 0o755)
        env = os.environ | {"PATH": self.path("bin") + ":" + os.environ["PATH"]}
        for damaged, deaths in ((False, 0), (True, 1), (False, 0)):
            if damaged:
                self.file("out/afl/ops/afl-1/fuzzer_stats", "")
            rc, out, err = self.campaign("--jobs", "3", "--hours", str(3 / 3600), env=env)
            self.assertEqual(rc, 0, out + err)
            told = self.summary()["workers"]["ops/afl-1"]["deaths"]
            self.assertEqual(len(told), deaths)
            self.assertTrue(all("its folder is afl-1.broken-1 now" in t for t in told), told)
        self.assertIn(b"100", files.read(self.path("out/log/ops-afl-1.stats")))

    def test_loading(self):
        """An AFL++ that loads for longer than the session: valid, and said. The next one is left to those that come to fuzz, and that is said."""
        self.engine()
        self.file("bin/afl-fuzz", AFL.replace("open(stats", "print('[+] Loaded a total of 100 seeds.\\n' + '[*] Attempting dry run with\\n' * 20, flush=True)\n"
                  "while not stop:\n    time.sleep(0.05)\nif 0:\n  open(stats"), 0o755)
        self.file("build/afl/bin/fuzz-ops-afl", "", 0o755)
        env = os.environ | {"PATH": self.path("bin") + ":" + os.environ["PATH"]}
        args = ("--jobs", "3", "--hours", str(8 / 3600))
        rc, out, err = self.campaign(*args, env=env)
        self.assertEqual(rc, 0, out + err)
        self.assertIn("ops/afl-1 had loaded 20 of 100 inputs after 8 s, and did not come to fuzz in its last slice", " ".join(out.split()))
        self.assertRegex(out, r"of 2\d s of all workers they loaded what was there for 1\d s")
        rc, out, err = self.campaign(*args, env=env)
        self.assertEqual(rc, 0, out + err)
        self.assertRegex(" ".join(out.split()), r"no time was left by what there was to load: first in the next session: .*ops/afl-1\b")
        self.assertNotIn("ops/afl-1", self.summary()["workers"])

    def test_no_progress(self):
        self.engine("sys.stdout = open(os.devnull, 'w')")
        rc, out, _ = self.campaign("--hours", str(6 / 3600))
        self.assertEqual(rc, 2)
        self.assertIn("made no progress", out)

    def test_not_deterministic(self):
        self.engine(orders=1)
        rc, out, _ = self.campaign()
        self.assertEqual(rc, 2)
        self.assertIn("ops: not deterministic: 3 inputs: 1 differ", out)

    def start(self):
        p = subprocess.Popen(self.args("--hours", "1"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(p.kill)
        log = self.path("out/log/ops-libfuzzer-1.log")
        until = time.monotonic() + 60
        while not os.path.exists(log) and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(0.5)  # the engine hears signals only when it has come so far
        return p

    def engines(self):
        """Processes of our stand-in that still run."""
        out = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                words = files.read(f"/proc/{pid}/cmdline")
            except OSError:
                continue
            if self.path("build/fuzz-plain").encode() in words:
                out.append(pid)
        return out

    def test_signals(self):
        self.engine()
        for sig in (signal.SIGINT, signal.SIGTERM):
            p = self.start()
            p.send_signal(sig)
            out, err = p.communicate(timeout=60)
            self.assertEqual(p.returncode, 0, out + err)
            self.assertIn(b"ended by a signal", out)
            self.assertEqual(self.engines(), [])
            self.assertEqual(self.summary()["executions"], 1000)
            os.unlink(self.path("out/log/ops-libfuzzer-1.log"))
        self.assertEqual(self.campaign()[0], 0)
        self.assertEqual(self.summary()["session"], 3)

    def test_killed(self):
        self.engine()
        p = self.start()
        p.kill()
        p.communicate()
        until = time.monotonic() + 20
        while self.engines() and time.monotonic() < until:
            time.sleep(0.1)
        self.assertEqual(self.engines(), [], "workers end with who started them")
        rc, out, err = self.campaign()
        self.assertEqual(rc, 0, out + err)
        self.assertEqual([files.load_json(self.path(f"out/sessions/{n}.json"))["ended"] for n in (1, 2)], ["killed", "time"])

    def test_killed_before_the_first_session(self):
        """What it has left is a campaign's folder, and no stranger's."""
        self.engine()
        replayer = self.path("build/rel/bin/fuzz-ops-replay")
        real = os.readlink(replayer)
        os.unlink(replayer)
        self.file("build/rel/bin/fuzz-ops-replay", f"#!/bin/sh\ntouch {self.path('at-work')}\nexec sleep 3\n", 0o755)
        p = subprocess.Popen(self.args(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(p.kill)
        until = time.monotonic() + 60
        while not os.path.exists(self.path("at-work")) and time.monotonic() < until:
            time.sleep(0.05)
        p.kill()
        p.communicate()
        self.assertEqual(files.folders(self.path("out/sessions")), [])
        os.unlink(replayer)
        os.symlink(real, replayer)
        rc, out, err = self.campaign()
        self.assertEqual(rc, 0, out + err)

    def test_a_lane_goes_on(self):
        """As after a requeue: what is done is not done again, and nothing of it is lost."""
        self.engine()
        place = ledger.Place(self.path("out"))
        os.makedirs(self.path("out/seeds/ops"))
        s = ledger.begin(place, targets=["ops"], policy=None, contracts=None, backend=None, jobs=1, seconds=1400, kinds=["libfuzzer"],
                         left_out=[], commit="n/a")
        files.save_json(s.folder("lane-0.json"), {
            "lane": 0, "turn": 4, "turns": 5, "used": 1397.9, "starts": 1, "done": False, "now": None, "hosts": [],
            "workers": {"ops/libfuzzer-1": worker(kind="libfuzzer", executions=77, slices=4)}})
        began = time.monotonic()
        lane.Lane(s, 0, lane.context(s, built.Builds(self.path("build"))), lambda: False).run()
        self.assertLess(time.monotonic() - began, 60)
        (got,) = s.lanes()
        self.assertEqual((got["done"], got["starts"], got["workers"]["ops/libfuzzer-1"]["executions"]), (True, 2, 1077))


# --- sessions, with the engines that are built ----------------------------------------------------------------------------


class Engines(Temporary):
    def setUp(self):
        super().setUp()
        self.kinds, _ = built.kinds(REAL, ["policy"])
        if not REAL.replayers("policy") or not set(self.kinds) & {"afl", "libfuzzer", "libfuzzer-asan"}:
            self.skipTest("no engine is built")

    def test_all_kinds(self):
        """Twice at least; more often where a machine is so busy that an engine did not come to execute anything."""
        seconds = 3 * len(share.cycle(2, self.kinds, ["policy"])) / 2
        args = [sys.executable, "-B", HERE, "--hours", str(seconds / 3600), "--jobs", "2", "--targets", "policy", "--out",
                self.path("out"), "--builds", BUILD, "--json"]
        total = collections.Counter()
        for session in range(1, 20):
            done = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            s = json.loads(done.stdout)
            self.assertEqual((s["session"], s["findings"]), (session, []))
            self.assertEqual([(n, w["deaths"]) for n, w in s["workers"].items() if w["deaths"]], [])
            total.update({n: w["executions"] for n, w in s["workers"].items()})
            self.assertGreater(s["corpus"]["policy"]["after"], 20)
            self.assertLess(s["corpus"]["policy"]["after"], s["corpus"]["policy"]["before"])
            kinds = {n.split("/")[1].rsplit("-", 1)[0] for n, executions in total.items() if executions}
            if session > 1 and kinds == set(self.kinds) and all(total.values()) and self.exchanged():
                return
        self.fail(f"after {session} sessions: {total}, imported: {self.exchanged()}")

    def exchanged(self):
        """Has AFL++ taken in what another engine found, where both are there?"""
        if "afl" not in self.kinds or len(self.kinds) < 2:
            return True
        stats = [files.read(self.path("out/log", f"policy-{n}.stats")).decode() for n in ("afl-1", "afl-2")
                 if os.path.exists(self.path("out/log", f"policy-{n}.stats"))]
        return any(int(re.search(r"corpus_imported *: (\d+)", s)[1]) for s in stats)


if __name__ == "__main__":
    unittest.main()
