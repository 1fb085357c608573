# SPDX-License-Identifier: GPL-2.0-only
"""
Workers: a process of an engine for the time of a slice. Each kind says how it is started, how many executions it has done, which
of its files are findings, and whether an end that nobody asked for is a finding or a death.
"""

import dataclasses
import itertools
import os
import re
import shutil
import signal
import subprocess
import time

import files
import ledger
import loading
import share

TICK = 0.2  # seconds between two looks at a process
TOLD = 1.0  # seconds between two looks at what it has done
MARK = "NOSNOOP_WORKER"  # in the environment of all that a worker starts
PATIENCE = 20  # seconds that a worker has to end after it was asked to


@dataclasses.dataclass
class End:
    how: str  # "time", "finding", "died"
    why: str
    executions: int
    cpu_seconds: float
    wall_seconds: float
    load: dict  # Loading.told()


@dataclasses.dataclass
class Context:
    """What workers of a session share."""
    place: ledger.Place
    builds: object
    env: dict  # FUZZ_POLICY and the like
    policy: str
    contracts: str
    mains: dict  # {target: name} on this host


class Worker:
    def __init__(self, spec, ctx):
        self.spec, self.ctx = spec, ctx
        self.program = ctx.builds.engine(spec.kind, spec.target)

    # What the kinds fill in.
    def command(self, seconds):
        raise NotImplementedError

    def environment(self):
        return {}

    def before(self):
        """Reads what later counts as already there."""

    def to_load(self):
        """Bytes that it runs before it fuzzes, if it were started now."""
        return 0

    def loading(self):
        return loading.Loading(self.log)

    def done(self):
        """Executions since before()."""
        raise NotImplementedError

    def judge(self, status):
        """("finding" or "died" or "time", why) of an end that nobody asked for."""
        raise NotImplementedError

    def after(self):
        pass

    def set_aside(self):
        """After a death: if its folder was the reason, its new name; there is none any more."""
        return None

    def finding_folders(self):
        raise NotImplementedError

    @property
    def log(self):
        return self.ctx.place("log", f"{self.spec.target}-{self.spec.name}.log")

    def said(self):
        """The end of what it printed, without colours."""
        try:
            text = files.read(self.log)[-4000:].decode(errors="replace")
        except FileNotFoundError:
            return ""
        lines = [x.strip() for x in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines() if x.strip()]
        errors = [x for x in lines if re.search(r"abort|error|cannot|expected|not found|fail", x, re.I)]
        return (errors or lines or ["nothing"])[-1][:160]

    def findings(self):
        return sum(len([p for p in files.inputs(f) if not p.endswith("README.txt")]) for f in self.finding_folders())

    def run(self, clock, stopped, tick):
        """Until the slice is over (@clock: loading.Clock) or stopped() is true; tick(executions) is called meanwhile."""
        os.makedirs(os.path.dirname(self.log), exist_ok=True)
        started, size = time.monotonic(), self.to_load()
        mark = {MARK: f"{os.getpid()}-{self.spec.target}-{self.spec.name}-{time.monotonic_ns()}"}
        self.before()
        with open(self.log, "wb") as log:
            p = subprocess.Popen(leash() + self.command(max(1, clock.left())), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                 env=os.environ | self.ctx.env | self.environment() | mark, start_new_session=True)
            cpu, load = Processor(p.pid), self.loading()
            asked, told = None, started
            while True:
                pid, status, used = os.wait4(p.pid, os.WNOHANG)
                if pid:
                    break
                cpu.look()
                if asked is None and load.look():
                    clock.loaded()
                if asked is None and (stopped() or clock.over()):
                    asked = time.monotonic()
                    os.kill(p.pid, signal.SIGINT)  # p.send_signal() would wait for it, too
                elif asked is not None and time.monotonic() - asked > PATIENCE:
                    kill_group(p.pid)
                if time.monotonic() - told >= TOLD:
                    told = time.monotonic()
                    tick(self.done())
                time.sleep(TICK)
        p.returncode = os.waitstatus_to_exitcode(status)
        kill_group(p.pid)
        kill_marked(mark[MARK])
        self.after()
        how, why = ("time", "") if asked is not None else self.judge(p.returncode)
        return End(how, why, self.done(), max(used.ru_utime + used.ru_stime, cpu.seconds), time.monotonic() - started,
                   load.told(asked or time.monotonic(), size))


def kill_marked(value):
    """What outlived a worker: AFL++'s children have sessions of their own, and those of a server that was killed stay stopped for good."""
    wanted = f"{MARK}={value}".encode()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as f:
                if wanted in f.read().split(b"\0"):
                    os.kill(int(pid), signal.SIGKILL)
        except OSError:  # it has ended, or is somebody else's
            pass


def leash():
    """Before a command: it is asked to end when its lane is killed."""
    return ["setpriv", "--pdeathsig", "INT"] if shutil.which("setpriv") else []


class Processor:
    """CPU seconds of a process and all below it: what wait4 tells leaves out children that are killed and never waited for, as
    those of AFL++'s server are, which has a session of its own."""

    def __init__(self, pid):
        self.pid, self.seen, self.begun, self.last = pid, {}, time.monotonic(), 0.0

    def look(self):
        """Seldom once it runs for long: all processes of the machine are looked at."""
        now = time.monotonic()
        if now - self.last < min(10, max(1, (now - self.begun) / 10)):
            return
        self.last = now
        parents, used = {}, {}
        for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
            try:
                fields = files.read(f"/proc/{pid}/stat").rsplit(b")", 1)[1].split()
            except (OSError, IndexError):
                continue
            parents[pid], used[pid] = int(fields[1]), int(fields[11]) + int(fields[12])
        tick = os.sysconf("SC_CLK_TCK")
        for pid in used:
            if self.below(pid, parents):
                self.seen[pid] = used[pid] / tick

    def below(self, pid, parents):
        while pid != self.pid and pid in parents:
            pid = parents[pid]
        return pid == self.pid

    @property
    def seconds(self):
        return sum(self.seen.values())


def kill_group(pid):
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def ended(status):
    return f"signal {-status} ({signal.Signals(-status).name})" if status < 0 else f"exit status {status}"


# --- AFL++ -----------------------------------------------------------------------------------------------------------


class Afl(Worker):
    def command(self, seconds):
        s, place = self.spec, self.ctx.place
        role = "-M" if self.ctx.mains.get(s.target) == s.name else "-S"
        place.made("afl", s.target)
        args = ["afl-fuzz", "-i", place.start(s.target), "-o", place.afl(s.target), role, s.name, "-m", "none", "-t", "5000+"]
        if s.schedule and role == "-S":
            args += ["-p", s.schedule]
        if s.kind == "afl-cmplog":
            args += ["-c", self.program]
            self.program = self.ctx.builds.engine("afl", s.target)
        dictionary = dictionary_of(place, s.target)
        if dictionary:
            args += ["-x", dictionary]
        return args + ["--", self.program]

    def environment(self):
        env = {"AFL_NO_UI": "1", "AFL_SKIP_CPUFREQ": "1", "AFL_NO_AFFINITY": "1", "AFL_AUTORESUME": "1", "AFL_IMPORT_FIRST": "1",
               "AFL_SYNC_TIME": "1", "AFL_FAST_CAL": "1", "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES": "1", "TERM": "dumb"}
        mutator = self.ctx.builds.mutator()
        if mutator and share.mutated(self.spec):
            env["AFL_CUSTOM_MUTATOR_LIBRARY"] = mutator
        return env

    def to_load(self):
        own = self.ctx.place.own(self.spec, "queue")
        return files.size(own if os.path.isdir(own) else self.ctx.place.start(self.spec.target))

    def loading(self):
        return loading.Loading(self.log, *loading.AFL, lambda: self.written() not in (None, self.old))

    def written(self):
        """When its statistics were; AFL++ does so first when it has loaded all."""
        try:
            return os.stat(self.ctx.place.own(self.spec, "fuzzer_stats")).st_mtime_ns
        except FileNotFoundError:
            return None

    def stats(self):
        try:
            text = files.read(self.ctx.place.own(self.spec, "fuzzer_stats")).decode(errors="replace")
        except FileNotFoundError:
            return 0
        found = re.search(r"^execs_done\s*:\s*(\d+)", text, re.M)
        return int(found[1]) if found else 0

    def before(self):
        self.base, self.old = self.stats(), self.written()

    def done(self):
        at = self.stats()
        return at - self.base if at >= self.base else at

    def judge(self, status):
        return "died", f"{ended(status)}: {self.said()}"

    def after(self):
        """Secondaries collect only from those that say so; a main that takes a break goes on saying it."""
        if self.ctx.mains.get(self.spec.target) == self.spec.name and os.path.isdir(self.ctx.place.own(self.spec)):
            open(self.ctx.place.own(self.spec, "is_main_node"), "w", encoding="utf-8").close()

    def set_aside(self):
        """What a full disk has left of the folder ends AFL++ whenever it begins: the worker begins anew, and the folder stays a
        neighbour that is read."""
        own = self.ctx.place.own(self.spec)
        text = files.read(self.log)[-20000:].decode(errors="replace") if os.path.exists(self.log) else ""
        if not DAMAGED.search(text) or not os.path.isdir(own):
            return None
        nth = next(n for n in itertools.count(1) if not os.path.lexists(f"{own}{ASIDE}{n}"))
        os.rename(own, f"{own}{ASIDE}{nth}")
        return f"{os.path.basename(own)}{ASIDE}{nth}"

    def finding_folders(self):
        room, name = os.path.split(self.ctx.place.own(self.spec))
        return [f for n in files.folders(room) if owner(n) == name for f in afl_findings(os.path.join(room, n))]


ASIDE = ".broken-"
# What afl-fuzz says of files that an earlier start has left.
DAMAGED = re.compile(r"Malformed data in|Short read from|No usable data in|No usable test cases|no valid test cases")


def owner(folder):
    """The worker that a folder belongs, or has belonged, to."""
    return folder.split(ASIDE)[0]


def afl_findings(own):
    """Folders in that of a worker: AFL_AUTORESUME gives those of earlier starts a date, crashes.2026-01-31-12:00:00."""
    return [os.path.join(own, n) for n in files.folders(own) if re.match(r"(crashes|hangs)(\.|$)", n)]


def dictionary_of(place, target):
    path = place("seeds", target + ".dict")
    return path if os.path.exists(path) else None


def options_of(place, target):
    """libFuzzer's, as seeds/TARGET.options has them, but for the dictionary."""
    path = place("seeds", target + ".options")
    text = files.read(path).decode() if os.path.exists(path) else ""
    return [f"-{k}={v}" for k, v in re.findall(r"(?m)^(\w+) *= *(\S+)$", text) if k != "dict"]


# --- libFuzzer -------------------------------------------------------------------------------------------------------


class LibFuzzer(Worker):
    """Ends with its first finding; who runs it starts it again."""

    def command(self, seconds):
        place, s = self.ctx.place, self.spec
        for f in ("corpus", "import", "artifacts"):
            place.made("libfuzzer", s.target, s.name, f)
        args = [self.program, f"-max_total_time={int(seconds) + 1}", "-print_final_stats=1", "-timeout=10", "-detect_leaks=0",
                f"-artifact_prefix={place.own(s, 'artifacts')}/", *options_of(place, s.target)]
        if s.kind == "libfuzzer-asan":  # the others are built without tracing of operands (fuzz/engine/engines.cmake)
            args.append("-use_value_profile=1")
        dictionary = dictionary_of(place, s.target)
        if dictionary:
            args.append(f"-dict={dictionary}")
        place.made("corpus", s.target)
        return args + self.folders()

    def folders(self):
        """What the last session came to, too: empty in the first one."""
        place, s = self.ctx.place, self.spec
        return [place.own(s, "corpus"), place.own(s, "import"), place.seeds(s.target), place.corpus(s.target)]

    def to_load(self):
        return sum(map(files.size, self.folders()))

    def loading(self):
        return loading.Loading(self.log, *loading.LIBFUZZER)

    def before(self):
        self.artifacts = self.findings()

    def done(self):
        """Of the process whose log it is."""
        try:
            with open(self.log, "rb") as f:
                f.seek(max(0, os.path.getsize(self.log) - 20000))
                text = f.read().decode(errors="replace")
        except FileNotFoundError:
            return 0
        final = re.search(r"^stat::number_of_executed_units:\s*(\d+)", text, re.M)
        if final:
            return int(final[1])
        lines = re.findall(r"^#(\d+)\s", text, re.M)
        return int(lines[-1]) if lines else 0

    def judge(self, status):
        if self.findings() > self.artifacts:
            return "finding", ended(status)
        return ("time", "") if status == 0 else ("died", f"{ended(status)}: {self.said()}")

    def finding_folders(self):
        return [self.ctx.place.own(self.spec, "artifacts")]


# --- the built-in fuzzer -----------------------------------------------------------------------------------------------


class Builtin(Worker):
    FINE = (0, 1)  # nothing found, found

    def command(self, seconds):
        own = self.ctx.place.own(self.spec)
        os.makedirs(own, exist_ok=True)
        args = [self.program, "--seconds", f"{seconds:.1f}", "--jobs", "1", "--checkpoint", "10", "--out", own,
                "--policy", self.ctx.policy or "all-sound"]
        if self.ctx.contracts:
            args += ["--contracts", self.ctx.contracts]
        brought = own + ".import"
        if files.inputs(brought):
            args += ["--corpus", brought]
        return args

    def ledger(self):
        try:
            return files.load_json(self.ctx.place.own(self.spec, "ledger.json")) or {}
        except ValueError:
            return {}

    def before(self):
        self.base = self.ledger().get("runs", 0)

    def done(self):
        return self.ledger().get("runs", 0) - self.base

    def judge(self, status):
        return ("time", "") if status in self.FINE else ("died", f"{ended(status)}: {self.said()}")

    def finding_folders(self):
        return [self.ctx.place.own(self.spec, "findings")]


def make(spec, ctx):
    kind = {"builtin": Builtin, "libfuzzer": LibFuzzer, "libfuzzer-asan": LibFuzzer}.get(spec.kind, Afl)
    return kind(spec, ctx)
