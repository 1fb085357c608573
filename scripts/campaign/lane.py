# SPDX-License-Identifier: GPL-2.0-only
"""
A lane: one job of a campaign. Runs its workers of the plan one slice after the other, and keeps in a file how far it has come, so that
one that is killed (a node goes, Slurm puts the job back into its queue) goes on where it was.
"""

import os
import socket
import time

import exchange
import files
import ledger
import loading
import share
import workers

FINDINGS = 50  # of a worker in one slice: what ends with its first finding is not started again forever
SAVE = 5  # seconds between two states on disk
DEATHS = 2  # of a worker in a session: after the first it is started again, the second ends its slice


class Lane:
    def __init__(self, session, number, ctx, stopped):
        self.session, self.number, self.ctx, self.stopped = session, number, ctx, stopped
        self.workers = session.of_lane(number)
        self.path = session.folder(f"lane-{number}.json")
        # A file of an older version lacks some; at first there is none.
        self.state = {
            "lane": number, "turn": 0, "turns": len(self.workers), "used": 0.0, "starts": 0, "done": False, "now": None, "hosts": [], "workers": {}} | (files.load_json(self.path) or {})
        self.exchange = exchange.Exchange(ctx, number)
        self.saved = 0.0

    def save(self, seldom=False):
        if not seldom or time.monotonic() - self.saved >= SAVE:
            self.saved = time.monotonic()
            self.state["alive"] = time.time()
            files.save_json(self.path, self.state)

    def record(self, spec):
        told = self.state["workers"].get(spec.key, {})
        self.state["workers"][spec.key] = {
            "kind": spec.kind, "target": spec.target, "schedule": spec.schedule, "executions": 0, "cpu_seconds": 0.0,
            "wall_seconds": 0.0, "loading_seconds": 0.0, "slices": 0, "findings": 0, "deaths": []} | told
        return self.state["workers"][spec.key]

    def loads(self):
        """Seconds that each worker would load for, by how long it took the last time."""
        return [foretold(w, self.ctx, (self.state["workers"].get(w.key, {}).get("load") or {}).get("rate") or
                                 self.session.about.get("rates", {}).get(w.key)) for w in self.workers]

    def run(self):
        """All that is left of the lane's time."""
        self.state["starts"] += 1
        if socket.gethostname() not in self.state["hosts"]:
            self.state["hosts"].append(socket.gethostname())
        self.save()
        while self.state["turn"] < self.state["turns"] and not self.stopped():
            left = self.session.about["seconds"] - self.state["used"]
            if left < share.SHORTEST:  # engines that loaded for longer than was foretold
                break
            nth, loads = self.state["turn"] % len(self.workers), self.loads()
            each, self.state["turns"] = share.fuzzing(left, loads, self.state["turn"], self.state["turns"])
            self.slice(self.workers[nth], loading.Clock(each, loads[nth], left))
            self.state["turn"] += not self.stopped()
        self.state["done"] = not self.stopped() or self.state["turn"] >= self.state["turns"]
        self.state["now"] = None
        self.save()

    def slice(self, spec, clock):
        already = self.state["used"]
        worker, to = workers.make(spec, self.ctx), self.record(spec)
        self.claim(spec)
        before = worker.findings()
        self.exchange.bring(worker)
        to["slices"] += 1
        base = to["executions"]

        def tick(executions):
            self.state.update(now=spec.key, used=already + time.monotonic() - clock.begun)
            to["executions"] = base + executions
            self.save(seldom=True)

        ends = 0
        while not clock.over() and not self.stopped():
            end = worker.run(clock, self.stopped, tick)
            base += end.executions
            to["executions"] = base
            to["cpu_seconds"] += end.cpu_seconds
            to["wall_seconds"] += end.wall_seconds
            to["loading_seconds"] += end.load["seconds"]
            to["load"] = dict(end.load, done=clock.ready)
            ends += 1
            if end.how == "died":
                aside = worker.set_aside()
                to["deaths"].append(end.why + (f"; its folder is {aside} now" if aside else ""))
            if end.how == "time" or len(to["deaths"]) >= DEATHS or ends >= FINDINGS:
                break
        to["findings"] += worker.findings() - before
        self.exchange.take(worker)
        self.state["used"] = already + time.monotonic() - clock.begun
        self.save()

    def claim(self, spec):
        """The first plain AFL++ worker of a target on a host is the main there, throughout the session."""
        if spec.kind != "afl" or spec.target in self.ctx.mains:
            return
        path = self.session.folder(f"main-{spec.target}-{socket.gethostname()}")
        mine = self.session.folder(f".main-{self.number}")
        files.save(mine, spec.name)
        files.link(mine, path)  # one link succeeds, and the name is in it from the first moment on
        os.unlink(mine)
        self.ctx.mains[spec.target] = files.read(path).decode()


def environment(about):
    """Settings of the fuzz targets, by a campaign's configuration."""
    named = (("FUZZ_POLICY", "policy"), ("FUZZ_CONTRACTS", "contracts"), ("FUZZ_BACKEND", "backend"))
    return {name: about[key] for name, key in named if about[key]}


def context(session, builds):
    return context_of(session.place, session.about, builds)


def context_of(place, about, builds):
    return workers.Context(ledger.Place(place.root), builds, environment(about), about["policy"], about["contracts"], {})


def foretold(spec, ctx, rate):
    """Seconds that a worker would load for now, at so many a byte; 0.0 where nothing is known."""
    return rate * workers.make(spec, ctx).to_load() if rate else 0.0
