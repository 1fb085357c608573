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
import workers

FINDINGS = 50  # of a worker in one slice: what ends with its first finding is not started again forever
SAVE = 5  # seconds between two states on disk
DEATHS = 2  # of a worker in a session: after the first it is started again, the second ends its slice


class Lane:
    def __init__(self, session, number, ctx, stopped):
        self.session, self.number, self.ctx, self.stopped = session, number, ctx, stopped
        self.plan = session.plan()
        self.path = session.folder(f"lane-{number}.json")
        self.state = files.load_json(self.path) or {
            "lane": number, "turn": 0, "spent": 0.0, "starts": 0, "done": False, "now": None, "hosts": [], "workers": {}}
        self.exchange = exchange.Exchange(ctx, number)
        self.saved = 0.0

    def save(self, seldom=False):
        if not seldom or time.monotonic() - self.saved >= SAVE:
            self.saved = time.monotonic()
            self.state["alive"] = time.time()
            files.save_json(self.path, self.state)

    def record(self, spec):
        return self.state["workers"].setdefault(f"{spec.target}/{spec.name}", {
            "kind": spec.kind, "target": spec.target, "schedule": spec.schedule, "executions": 0, "cpu_seconds": 0.0,
            "wall_seconds": 0.0, "slices": 0, "findings": 0, "deaths": []})

    def run(self):
        """All that is left of the plan."""
        self.state["starts"] += 1
        if socket.gethostname() not in self.state["hosts"]:
            self.state["hosts"].append(socket.gethostname())
        self.save()
        while self.state["turn"] < self.plan.rounds and not self.stopped():
            spec = self.plan.at(self.number, self.state["turn"])
            self.slice(spec, self.plan.seconds - self.state["spent"])
            if not self.stopped():
                self.state.update(turn=self.state["turn"] + 1, spent=0.0)
        self.state["done"] = self.state["turn"] >= self.plan.rounds
        self.state["now"] = None
        self.save()

    def slice(self, spec, seconds):
        start, already = time.monotonic(), self.state["spent"]
        until = start + seconds
        worker, to = workers.make(spec, self.ctx), self.record(spec)
        self.claim(spec)
        before = worker.findings()
        self.exchange.bring(worker)
        to["slices"] += 1
        base = to["executions"]

        def tick(executions):
            self.state.update(now=f"{spec.target}/{spec.name}", spent=already + time.monotonic() - start)
            to["executions"] = base + executions
            self.save(seldom=True)

        ends = 0
        while time.monotonic() < until and not self.stopped():
            end = worker.run(until, self.stopped, tick)
            base += end.executions
            to["executions"] = base
            to["cpu_seconds"] += end.cpu_seconds
            to["wall_seconds"] += end.wall_seconds
            ends += 1
            if end.how == "died":
                aside = worker.set_aside()
                to["deaths"].append(end.why + (f"; its folder is {aside} now" if aside else ""))
            if end.how == "time" or len(to["deaths"]) >= DEATHS or ends >= FINDINGS:
                break
        to["findings"] += worker.findings() - before
        self.exchange.take(worker)
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
    about = session.about
    return workers.Context(ledger.Place(session.place.root), builds, environment(about), about["policy"], about["contracts"], {})

