# SPDX-License-Identifier: GPL-2.0-only
"""Programs that a night starts: where they are, what they said, and that none outlives its time."""

import ctypes
import glob
import json
import os
import signal
import subprocess
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PLACES = {"build.sh": "scripts/nightly/build.sh", "campaign.sh": "scripts/campaign.sh", "nosnoop-museum": "build/museum/bin/nosnoop-museum"}
REL = "build/rel/bin"
PR_SET_CHILD_SUBREAPER = 36
GRACE = 20  # seconds to end in, after SIGTERM


class Failure(Exception):
    """A step cannot run, or cannot say anything; the text says why."""


class Programs:
    def __init__(self, folder=None, keep_open=()):
        """@folder: all programs come from there (--bin). @keep_open: file descriptors that belong to whatever is started."""
        self.folder, self.keep_open, self.running = folder, keep_open, None

    def place(self, name):
        """As it is named from the top of the checkout."""
        return os.path.join(self.folder, name) if self.folder else PLACES.get(name, f"{REL}/{name}")

    def there(self, name):
        return os.access(os.path.join(TOP, self.place(name)), os.X_OK)

    def replayers(self):
        """Of the fuzz targets, whichever this checkout has."""
        found = glob.glob(os.path.join(glob.escape(os.path.join(TOP, self.folder or REL)), "fuzz-*-replay"))
        return sorted(os.path.basename(f) for f in found)

    def run(self, name, args, log, out=None, seconds=None):
        """
        The status, below 0 for a signal. Standard error goes to the end of @log, standard output to the file @out, or to
        the log too. What is not finished after @seconds is killed with all that it has started.
        """
        if not self.there(name):
            raise Failure(f"{self.place(name)} is not there" + ("" if self.folder else ": it was not built"))
        with open(log, "ab") as err, open(out or log, "wb" if out else "ab") as said:
            self.running = subprocess.Popen([self.place(name), *map(str, args)], cwd=TOP, stdin=subprocess.DEVNULL, stdout=said,
                                            stderr=err, start_new_session=True, pass_fds=self.keep_open)
            try:
                return self.running.wait(seconds)
            except subprocess.TimeoutExpired:
                raise Failure(f"{name} was not finished after {seconds:.0f} s") from None
            finally:
                self.stop()

    def stop(self):
        """The program that runs is asked to end, then made to; so is what it has left behind."""
        if not self.running:
            return
        p, self.running = self.running, None
        if p.poll() is None:
            signal_to(os.killpg, p.pid, signal.SIGTERM)
            try:
                p.wait(GRACE)
            except subprocess.TimeoutExpired:
                signal_to(os.killpg, p.pid, signal.SIGKILL)
                p.wait()
        kill_children()

    def run_json(self, name, args, log, out, seconds=None, good=(0, 1)):
        """(status, what it printed). Another status than @good, or no JSON, says nothing."""
        status = self.run(name, args, log, out, seconds)
        if status not in good:
            raise Failure(f"{name} ended with {status}: {last_line(log)}")
        try:
            with open(out, encoding="utf-8") as f:
                return status, json.load(f)
        except ValueError:
            raise Failure(f"{name} printed no JSON (status {status}): {last_line(log)}") from None


def adopt():
    """What a program of ours leaves behind, also in a session of its own, becomes our child."""
    try:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    except (OSError, AttributeError):
        pass  # such processes then have to end by themselves


def children():
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as f:
            return [int(x) for x in f.read().split()]
    except OSError:
        return []


def kill_children():
    """None of ours is wanted any more; killing one may give us its children."""
    end = time.monotonic() + GRACE
    while (pids := children()) and time.monotonic() < end:
        for pid in pids:
            signal_to(os.kill, pid, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def signal_to(send, pid, number):
    try:
        send(pid, number)
    except ProcessLookupError:
        pass


def last_line(log):
    try:
        with open(log, encoding="utf-8", errors="replace") as f:
            lines = [line.strip() for line in f if line.strip()]
    except OSError:
        lines = []
    return lines[-1][:300] if lines else "it said nothing"


def git(*args):
    """What git says, or None."""
    try:
        done = subprocess.run(["git", "-c", "safe.directory=*", *args], cwd=TOP, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
