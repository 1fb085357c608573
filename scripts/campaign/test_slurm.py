# SPDX-License-Identifier: GPL-2.0-only
"""Jobs of Slurm: what its commands say, the script of a task, and with SLURM=1 a cluster. test_campaign.py runs these."""

import json
import os
import signal
import subprocess
import sys
import time
import unittest
from unittest import mock

import files
import slurm
from test_room import BUILD, TOP, Temporary

HERE = os.path.dirname(os.path.abspath(__file__))


class Queue(Temporary):
    def test_alive(self):
        """Jobs are gone when Slurm says so, not when it says nothing."""
        for script, alive in (("echo 7", True), ("true", False), ("echo slurm_load_jobs error: Invalid job id specified >&2; exit 1", False),
                              ("echo squeue: error: Unable to contact slurm controller >&2; exit 1", True)):
            self.file("bin/squeue", "#!/bin/sh\n" + script + "\n", 0o755)
            with mock.patch.dict(os.environ, PATH=self.path("bin") + ":" + os.environ["PATH"]):
                self.assertEqual(slurm.alive({"array": "7", "merge": "8"}), alive, script)
        with mock.patch.dict(os.environ, PATH=self.path("nothing")):
            self.assertEqual((slurm.alive({"array": "7"}), slurm.alive(None)), (True, False))


class Task(Temporary):
    """The script of a task, with commands that note that they were called."""

    def run_task(self, command, kill=None, restarts="0"):
        self.file("bin/scontrol", f'#!/bin/sh\necho "$@" >>{self.path("called")}\n', 0o755)
        script = slurm.TASK.format(command=command, restarts=slurm.RESTARTS)
        env = os.environ | {"PATH": self.path("bin") + ":" + os.environ["PATH"], "SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "2",
                            "SLURM_RESTART_COUNT": restarts}
        p = subprocess.Popen(["sh", "-c", script], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        if kill:
            while not os.path.exists(self.path("at-work")):
                time.sleep(0.05)
            p.send_signal(kill)
        p.communicate(timeout=30)
        called = self.path("called")
        return p.returncode, files.read(called).decode() if os.path.exists(called) else ""

    def test_death(self):
        self.assertEqual(self.run_task("sh -c 'kill -9 $$'"), (137, "requeue 7_2\n"))

    def test_too_often(self):
        self.assertEqual(self.run_task("sh -c 'kill -9 $$'", restarts=str(slurm.RESTARTS)), (137, ""))

    def test_end(self):
        self.assertEqual(self.run_task("sh -c 'exit 3'"), (3, ""))

    def test_asked_to_stop(self):
        lane_command = f"sh -c 'trap \"exit 0\" TERM; touch {self.path('at-work')}; while :; do sleep 0.1; done'"
        self.assertEqual(self.run_task(lane_command, signal.SIGTERM), (0, ""))


@unittest.skipUnless(os.environ.get("SLURM"), "SLURM=1 starts a cluster")
class Cluster(Temporary):
    """Shows 2: an array of four, one killed in the middle."""

    def local(self, *args):
        return subprocess.run([os.path.join(TOP, "scripts/slurm-local.sh"), *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=300, check=False)

    def test_requeue(self):
        done = self.local("start", "--cpus", "4")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.addCleanup(self.local, "stop")
        os.environ["SLURM_CONF"] = done.stdout.decode().strip().split("=", 1)[1]
        self.addCleanup(os.environ.pop, "SLURM_CONF")
        p = subprocess.Popen([sys.executable, "-B", HERE, "--slurm", "--hours", "0.02", "--jobs", "4", "--targets", "ops", "--out",
                              self.path("out"), "--builds", BUILD, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(p.kill)
        before = self.kill_lane(2)
        out, err = p.communicate(timeout=600)
        self.assertEqual(p.returncode, 0, out + err)
        s = json.loads(out)
        self.assertEqual(s["starts"], {"0": 1, "1": 1, "2": 2, "3": 1})
        for name, n in before.items():
            self.assertGreaterEqual(s["workers"][name]["executions"], n)
        self.assertEqual(self.local("stop").returncode, 0)
        self.assertEqual(self.local("status").returncode, 1)
        self.assertFalse(os.path.exists(os.path.join(TOP, "build/slurm")))

    def kill_lane(self, number):
        """When it has executed something; what it had told until then."""
        path, mark = self.path(f"out/sessions/1/lane-{number}.json"), f"--lane\0{number}\0".encode()
        until = time.monotonic() + 120
        while time.monotonic() < until:
            time.sleep(0.5)
            workers = (files.load_json(path) or {"workers": {}})["workers"]
            if any(w["executions"] for w in workers.values()):
                break
        for pid in filter(str.isdigit, os.listdir("/proc")):
            words = files.read(f"/proc/{pid}/cmdline") if os.path.exists(f"/proc/{pid}/cmdline") else b""
            if mark in words and self.dir.encode() in words:
                os.kill(int(pid), signal.SIGKILL)
        return {name: w["executions"] for name, w in workers.items()}
