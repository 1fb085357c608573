#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
A night without its programs: stand-ins print known JSON (--bin), and mail, verdict and folder must be what follows from it.
Then the real programs, where they are built, in a night of seconds. The units and the schedules of CI are looked at too.
"""

import datetime
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import unittest
import unittest.mock

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
SCRIPT = os.path.join(TOP, "scripts", "nightly.sh")
sys.path.insert(0, HERE)
import nightly
import steps
from programs import git

DAY = datetime.date(2026, 11, 27)
HEAD = git("rev-parse", "HEAD")
PARENT = git("rev-parse", "-q", "--verify", "HEAD^{commit}^")
CHANGED = nightly.checkout()[1]
PATIENCE = 60  # seconds for what takes a moment
STUCK = 120  # for a night of stand-ins; one that waits for ever is a failure too

# Plays every program: what it does stands in answers.json beside it, how it was called goes to calls.
STAND_IN = """#!%s -IS
import json, os, sys, time
here, name, args = os.path.dirname(os.path.abspath(__file__)), os.path.basename(sys.argv[0]), sys.argv[1:]
fd = os.open(here + "/calls", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
os.write(fd, (json.dumps([name, *args]) + "\\n").encode())
os.close(fd)
if any(x.startswith("FUZZ_") for x in os.environ):
    sys.exit(9)
a = json.load(open(here + "/answers.json")).get(name, {})
status, out = a.get("status", 0), a.get("out")
if name.startswith("fuzz-"):
    rows = [dict({"file": x, "verdict": "ok"}, **a.get("bad", {}).get(x, {})) for x in args[1:]]
    bad = any(r["verdict"] != "ok" for r in rows)
    print("\\n".join(map(json.dumps, rows)) if args[0] == "--json" else "a: another digest backwards" if "orders" in a else "0 differ")
    sys.exit(status or (bad if args[0] == "--json" else a.get("orders", 0)))
if name == "nosnoop-museum" and args[:2] == ["--mutant", "list"]:
    print(a["list"])
    sys.exit(0)
if name == "nosnoop-museum" and out is None:
    missed, control = a.get("missed", []), a.get("control", False)
    rows = [{"mutant": m, "kind": "control" if m == "none" else "history", "what": "what %%s does" %% m, "good": not control if m == "none" else m not in missed,
             "detected": 1, "rules": {"P1": 1} if control else {}, "trials": [{"executions": 1000}, {"executions": 24}]} for m in args[1].split(",")]
    out, status = {"mutants": rows}, int(control or any(not r["good"] for r in rows))
folder = args[args.index("--out") + 1] if "--out" in args else None
for path, text in a.get("files", {}).items():
    os.makedirs(os.path.dirname(os.path.join(folder, path)), exist_ok=True)
    open(os.path.join(folder, path), "w").write(text)
if a.get("orphan"):  # in a session of its own
    if not os.fork():
        os.setsid()
        open(here + "/orphan", "w").write(str(os.getpid()))
        time.sleep(600)
    while not os.path.exists(here + "/orphan") or not open(here + "/orphan").read():
        time.sleep(0.01)
while a.get("wait") and os.path.exists(here) and not os.path.exists(here + "/go"):
    time.sleep(0.01)
sys.stderr.write(a.get("err", ""))
print(out if isinstance(out, str) else json.dumps(out))
if status < 0:
    os.kill(os.getpid(), -status)
sys.exit(status)
""" % sys.executable

LISTING = """none                         control  nothing is wrong: no oracle may speak
M01                          history  uptr + length is not checked for overflow
M09                          history  an area is touched after the lock was dropped (needs
                                    schedules)
M14                          history  an unmap of an empty range (needs later layers)
M22                          history  a reserved range that wraps enters the tree
                                    upside down
""" + "\n".join(f"S{i:02}                          semantic number {i}" for i in range(20)) + "\np_none                       policy   never flush"
MUTANTS = {"M01", "M22", "p_none"} | {f"S{i:02}" for i in range(20)}

GOOD_VERDICT = {"trace": "corpus/seed/golden/g1.ops", "policy": "eager", "outcome": "good", "findings": [], "claims": ["L"], "contracts": {"L": "ok"},
                "expect": {"failures": []}}
BAD_VERDICT = dict(GOOD_VERDICT, outcome="bad", contracts={"L": {"op": 4, "page": 0, "should": 4}})
KEPT = {"policy": "eager", "contracts": {"L": {"verdict": "safe", "claimed": True, "requests": 11}}, "finding": None, "end": "fixpoint", "states": 5344,
        "transitions": 47244}
TRACE = "buffer P 1 pages\ntable A\nmap A a0 P\nattach A n0 noncoherent\nexpect mine L at 4\n"
BROKEN = dict(KEPT, policy="mine", contracts={"L": {"verdict": "broken", "claimed": True, "requests": 3, "trace": TRACE},
                                              "I": {"verdict": "broken", "claimed": False, "requests": 1, "trace": "table A\n"}})
SUMMARY = {"schema": "nosnoop campaign summary 1", "executions": 1234567, "cpu_seconds": 57600, "invalid": [], "findings": [],
           "corpus": {"ops": {"after": 40}, "text": {"after": 2}}, "coverage": {"lines": 97.25, "branches": 90.5, "states": 2853}}
WORKLOAD = {"workload": "boot", "verdict": "same", "why": None, "base": {"flushes": 1}, "candidate": {"flushes": 1}, "changes": [], "instructions": "n/a",
            "time": "n/a"}
GATE = {"verdict": "same", "same": False, "sentence": None, "policy": "exact", "rule": {"instructions": 0.005}, "workloads": [WORKLOAD]}
ANSWERS = {"build.sh": {}, "nosnoop-replay": {"out": {"results": [GOOD_VERDICT]}}, "fuzz-ops-replay": {}, "fuzz-text-replay": {},
           "nosnoop-check": {"out": {"results": [KEPT]}}, "nosnoop-museum": {"list": LISTING},
           "nosnoop-bench": {"out": GATE}, "campaign.sh": {"files": {"summary.json": json.dumps(SUMMARY)}, "out": "0 s: 1 execution"}}


def campaign_with(found, status=1, **summary):
    """@found: {name in findings/: text}"""
    files = {"findings/" + n: t for n, t in found.items()}
    return {"status": status, "out": "merged", "files": dict(files, **{"summary.json": json.dumps(dict(SUMMARY, **summary))})}


def from_campaign(policy="sticky", rule="L", ops=5, body=TRACE):
    name = f"{policy}-{rule}-db895a99a356f927.ops"
    return name, (f"# {rule} under {policy}\n# rule:   {rule}\n# policy: {policy}\n# from:   a campaign\n# ops:    {ops}, 37 before shrinking\n"
                  f"# replay: nosnoop-replay --policy {policy} {name}\n{body}")


def in_a_child(argv, folder):
    """What nightly.main() does with @argv in @folder, as subprocess.run() tells it."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out, tempfile.TemporaryFile("w+", encoding="utf-8") as err:
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if not pid:
            status = 70
            try:
                signal.alarm(STUCK)
                os.chdir(folder)
                os.dup2(out.fileno(), 1)
                os.dup2(err.fileno(), 2)
                with open(1, "w", closefd=False, encoding="utf-8") as sys.stdout, open(2, "w", closefd=False, encoding="utf-8") as sys.stderr:
                    try:
                        status = nightly.main(argv)
                    except SystemExit as e:
                        status = e.code
                    except BaseException:
                        traceback.print_exc()
            finally:
                os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        said = []
        for f in (out, err):
            f.seek(0)
            said.append(f.read())
        return subprocess.CompletedProcess(argv, status, *said)


class Nights(unittest.TestCase):
    def setUp(self):
        tmp = tempfile.TemporaryDirectory()
        self.addCleanup(tmp.cleanup)
        self.tmp, self.out, self.bin = tmp.name, os.path.join(tmp.name, "out"), os.path.join(tmp.name, "bin")
        os.mkdir(self.bin)
        self.answers = {}
        for name in ANSWERS:
            self.answer(name, ANSWERS[name])

    def answer(self, name, answer=None, **more):
        self.answers[name] = dict(self.answers.get(name, {}) if answer is None else answer, **more)
        with open(os.path.join(self.bin, name), "w", encoding="utf-8") as f:
            f.write(STAND_IN)
        os.chmod(f.name, 0o755)
        with open(os.path.join(self.bin, "answers.json"), "w", encoding="utf-8") as f:
            json.dump(self.answers, f)

    def args(self, *options, day=DAY):
        return [SCRIPT, "--out", self.out, "--bin", self.bin, "--jobs", "2", "--hours", "3", "--date", day.isoformat(), *options]

    def night(self, *options, day=DAY, status=0):
        """In a process of its own, but without the start of another interpreter: class Interrupted runs the script."""
        done = in_a_child(self.args(*options, day=day)[1:], self.tmp)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def read(self, *names):
        with open(os.path.join(self.out, *names), encoding="utf-8") as f:
            return f.read()

    def mail(self, name=None):
        """Of a night, after a look at its form."""
        text = self.read(name or DAY.isoformat(), "mail.txt")
        lines = text.splitlines()
        self.assertRegex(lines[0], r"^Subject: nosnoop nightly \d{4}-\d\d-\d\d(\.\d+)? ([0-9a-f]{7}|n/a)\+?: .")
        self.assertEqual(lines[1], "")
        self.assertRegex(lines[-1], r"^folder: /")
        self.assertEqual([x for x in lines[:-1] if len(x) > 75], [])
        self.assertTrue(text.isascii())
        return text

    def record(self, name=None):
        return json.loads(self.read(name or DAY.isoformat(), "night.json"))

    def step(self, step, name=None):
        return next(s for s in self.record(name)["steps"] if s["step"] == step)

    def calls(self, program):
        with open(os.path.join(self.bin, "calls"), encoding="utf-8") as f:
            whole = [line for line in f if line.endswith("\n")]  # the last one may be being written
        return [c[1:] for c in map(json.loads, whole) if c[0] == program]

    def forget_calls(self):
        os.unlink(os.path.join(self.bin, "calls"))

    def wait_for(self, what):
        end = time.monotonic() + PATIENCE
        while not what():
            self.assertLess(time.monotonic(), end, "it did not come")
            time.sleep(0.01)


class Verdicts(Nights):
    def test_first_night(self):
        done = self.night()
        text = " ".join(self.mail().split())
        for words in ("nothing new", "Nothing, and this much was tried", "1,234,567 executions of the campaign", "16.00 CPU hours of it",
                      "2,853 states of the model", "97.25 % of the lines", "90.50 % of its branches", "42 programs kept", "10,688 states of it",
                      "2 fuzz targets over them", "the control was silent"):
            self.assertIn(words, text)
        self.assertIn("the first night" if HEAD else "no git", self.step("gate")["words"])
        self.assertIn("not run: gate", text)
        self.assertIn("nothing new", done.stdout.splitlines()[-2])
        self.assertEqual([s["step"] for s in self.record()["steps"]], list(steps.ORDER))
        self.assertEqual((self.record()["verdict"], self.record()["status"], self.record()["schema"]), ("nothing", 0, "nosnoop nightly 1"))
        self.assertFalse(os.path.exists(os.path.join(self.out, ".night")))
        # What was asked of the programs.
        self.assertEqual(self.calls("campaign.sh"), [["--hours", "3.0", "--jobs", "2", "--out", os.path.join(self.out, "campaign"),
                                                        "--profile"]])
        self.assertEqual([c[:1] for c in self.calls("build.sh")], [["rel"], ["museum"]])
        self.assertEqual(["--failures" in c for c in self.calls("nosnoop-check")], [False, True])
        traces = self.calls("nosnoop-replay")[0][1:]
        self.assertGreater(len(traces), 100)
        self.assertFalse([t for t in traces if "linux" in t and "regress" in t])
        self.assertEqual([c[0] for c in self.calls("fuzz-text-replay")], ["--json", "--orders"])
        if HEAD:
            self.assertEqual(self.read("last").split(), [HEAD, DAY.isoformat()])

    def test_short_night(self):
        self.night("--steps", "campaign", "--hours", "0.9")
        self.assertNotIn("--profile", self.calls("campaign.sh")[0])  # it would take longer than it saves

    def test_finding_of_the_campaign(self):
        name, text = from_campaign()
        known, _ = from_campaign("eager", "I")
        alike, _ = from_campaign("exact", "I")
        rows = [{"file": known, "known": "corpus/regress/x.ops"}, {"file": alike, "known": None, "like": name},
                {"file": "ops-eager-CRASH-unshrunk.input", "rule": "CRASH", "policy": "eager", "target": "ops", "known": None}]
        found = {name: text, known: text, alike: text, "findings.json": "[]", "ops-eager-CRASH-unshrunk.input": "\1\2"}
        self.answer("campaign.sh", campaign_with(found, findings=rows))
        self.night(status=1)
        mail = self.mail()
        self.assertIn(": 2 new findings\n", mail)
        self.assertIn("L under sticky, 5 ops (campaign)\n", mail)
        self.assertIn("   $ nosnoop-replay --policy sticky findings/2.ops\n    buffer P 1 pages\n    table A\n    map A a0 P\n", mail)
        self.assertIn("CRASH under eager (campaign)\n   $ fuzz-ops-replay findings/1.input\n", mail)
        self.assertNotIn("# rule", mail)
        self.assertIn("This much was tried", mail)
        self.assertEqual(self.read(DAY.isoformat(), "findings", "2.ops"), text)
        self.assertEqual(len(self.record()["findings"]), 2)
        # It stands in the campaign's folder still, and is no news; another one is.
        self.answer("campaign.sh", campaign_with({}, 0, findings=rows))
        self.night()
        self.assertIn(": nothing new\n", self.mail(DAY.isoformat() + ".2"))
        other = from_campaign("exact", "O", 1)
        self.answer("campaign.sh", campaign_with(dict([other]), findings=rows))
        self.night(status=1)
        self.assertIn(": 1 new finding\n", self.mail(DAY.isoformat() + ".3"))
        self.assertIn("O under exact, 1 op (", self.mail(DAY.isoformat() + ".3"))
        trend = self.mail(DAY.isoformat() + ".3").split("Trend\n")[1].splitlines()[1:4]
        self.assertEqual([x.split()[2:4] for x in trend], [["found", "2"], ["nothing", "0"], ["found", "1"]])

    def test_long_traces_stay_files(self):
        name, text = from_campaign(body="".join(f"map A a{i} P\n" for i in range(60)))
        wide, broad = from_campaign("eager", body="map A a0 P # " + "x" * 90 + "\n")
        self.answer("campaign.sh", campaign_with({name: text, wide: broad}))
        self.night("--steps", "campaign", status=1)
        self.assertNotIn("map A", self.mail())
        self.assertIn("60 lines: findings/2.ops", self.mail())
        self.assertIn("1 lines: findings/1.ops", self.mail())

    def test_exit_one_without_a_file(self):
        self.answer("campaign.sh", campaign_with({}, 1))
        self.night("--steps", "campaign", status=1)
        self.assertIn(": campaign found something\n", self.mail())

    def test_broken_claim(self):
        self.answer("nosnoop-check", {"status": 1, "out": {"results": [KEPT, BROKEN]}})
        self.night("--steps", "check", status=1)
        self.assertIn("L under mine, which claims it, in 3 requests (check)\n   $ nosnoop-check --policy mine\n    buffer P 1 pages\n", self.mail())
        self.assertNotIn("I under mine", self.mail())
        self.assertIn(": 2 new findings\n", self.mail())
        # It is there still the night after: not good, but not news.
        self.night("--steps", "check", day=DAY + datetime.timedelta(1), status=1)
        self.night("--steps", "check", day=DAY + datetime.timedelta(2), status=1)
        self.assertIn(": 2 findings as before\n", self.mail("2026-11-29"))
        self.assertIn("since 2026-11-27", " ".join(self.mail("2026-11-29").split()))

    def test_bad_trace(self):
        expect = dict(GOOD_VERDICT, policy="exact", outcome="bad", expect={"failures": [{"expect": "expect exact L at 3", "found": "ok"}]})
        self.answer("nosnoop-replay", {"status": 1, "out": {"results": [BAD_VERDICT, expect, dict(GOOD_VERDICT, policy="none")]}})
        self.answer("fuzz-ops-replay", {"bad": {"corpus/seed/golden/g2.ops": {"verdict": "finding", "rule": "P1", "policy": "sticky"}}})
        self.answer("fuzz-text-replay", {"orders": 1})
        self.night("--steps", "replay", status=1)
        mail = " ".join(self.mail().split())
        self.assertIn("3 new findings", mail)
        self.assertIn("g1.ops under eager and 1 other: L is claimed and broken at op 4", mail)
        self.assertIn("fuzz-ops-replay: P1 in corpus/seed/golden/g2.ops", mail)
        self.assertIn("fuzz-text-replay is not deterministic over the corpus (replay) $ fuzz-text-replay --orders corpus a: another digest", mail)
        self.assertEqual(self.calls("fuzz-ops-replay")[1:], [])

    def test_museum(self):
        missed = sorted(MUTANTS)
        self.answer("nosnoop-museum", missed=missed[:12], control=True)
        self.night("--steps", "museum", status=1)
        mine = self.step("museum")["figures"]["mutants"]
        mail = self.mail()
        self.assertIn("control: P1 fired, and nothing is wrong", " ".join(mail.split()))
        self.assertNotIn("the control was silent", " ".join(mail.split()))
        lost = [m for m in mine if m in missed[:12]]
        self.assertTrue(lost)
        for m in lost:
            self.assertIn(f"{m} was found in 1 of 2 trials: what {m} does", mail)
            self.assertIn(f"$ nosnoop-museum --mutant {m} --seed {DAY.toordinal()} --trials 2", mail)
        self.assertEqual(self.step("museum")["figures"]["found"], len(mine) - len(lost))
        # Seven turns later the same mutants come up again, and other nights have been in between.
        self.night("--steps", "museum", day=DAY + datetime.timedelta(1), status=1)
        self.assertEqual(int(self.read("museum")), DAY.toordinal() + 2)
        between = self.record((DAY + datetime.timedelta(1)).isoformat())
        between["steps"][0]["figures"]["turn"] = DAY.toordinal() + 6
        with open(os.path.join(between["folder"], "night.json"), "w", encoding="utf-8") as f:
            json.dump(between, f)
        self.night("--steps", "museum", day=DAY + datetime.timedelta(30), status=1)
        again = self.record((DAY + datetime.timedelta(30)).isoformat())["findings"]
        self.assertEqual({f["since"] for f in again if "control" not in f["what"]}, {DAY.isoformat()})


@unittest.skipUnless(PARENT, "no repository with two commits here")
class Gate(Nights):
    def gate(self, status=0, night_status=None, **gate):
        os.makedirs(self.out, exist_ok=True)
        with open(os.path.join(self.out, "last"), "w", encoding="utf-8") as f:
            f.write(f"{PARENT} 2026-11-26\n")
        self.answer("nosnoop-bench", {"status": status, "out": dict(GATE, **gate), "err": "gate: it is so\n"})
        self.night("--steps", "gate", status=status if night_status is None else night_status)

    def test_no_change(self):
        self.gate()
        self.assertEqual(self.calls("nosnoop-bench"), [["gate", "--base", PARENT, "--candidate", "." if CHANGED else HEAD, "--json"]])
        self.assertEqual(self.step("gate")["words"], f"{PARENT[:7]}..{HEAD[:7]}: no change on 1 workload")
        self.assertEqual(self.read("last").split()[0], HEAD)

    def test_worse(self):
        changes = [{"metric": "flushes", "base": 10, "candidate": 12, "worse": True, "accepted": None},
                   {"metric": "drains", "base": 1, "candidate": 2, "worse": True, "accepted": {"reason": "meant"}},
                   {"metric": "clean_lines", "base": 9, "candidate": 8, "worse": False, "accepted": None}]
        time_row = {"decision": "regression", "ratio": 1.031, "accepted": None}
        self.gate(1, verdict="regression", sentence="nosnoop noticed a 20.0% regression of boot.flushes due to commit:\n\ncommit: abc",
                  workloads=[dict(WORKLOAD, verdict="regression", changes=changes, time=time_row)])
        mail = self.mail()
        self.assertIn(": worse than the last night\n", mail)
        self.assertIn("a 20.0% regression of boot.flushes", mail)
        self.assertIn("    boot.flushes 10 -> 12\n    boot.time +3.10 %\n", mail)
        self.assertNotIn("drains", mail)
        self.assertEqual(self.read("last").split()[0], HEAD)

    def test_restless(self):
        self.gate(2, 0, verdict="invalid", workloads=[WORKLOAD, dict(WORKLOAD, verdict="invalid", time={"decision": "invalid", "ratio": 1})])
        self.assertIn("time not told on 1, the machine is too restless", self.step("gate")["words"])

    def test_cannot(self):
        """The next night is gated against the same commit as this one."""
        self.gate(2, 2, verdict="invalid", workloads=[WORKLOAD, dict(WORKLOAD, verdict="invalid", why="it crashed: SIGSEGV")])
        self.assertIn(": invalid: gate\n", self.mail())
        self.assertIn("boot: it crashed: SIGSEGV", self.step("gate")["words"])
        self.assertEqual(self.read("last").split()[0], PARENT)
        self.answer("nosnoop-bench", {"status": 2, "out": "", "err": "expected a commit\n"})
        self.night("--steps", "gate", status=2)
        self.assertIn("nosnoop-bench printed no JSON (status 2): expected a commit", self.step("gate", DAY.isoformat() + ".2")["words"])

    def test_commit_is_gone(self):
        os.makedirs(self.out)
        with open(os.path.join(self.out, "last"), "w", encoding="utf-8") as f:
            f.write("0" * 39 + "1 2026-11-26\n")
        self.night("--steps", "gate")
        self.assertIn("commit 000000000000 of the last night is not in this repository", self.step("gate")["words"])
        if not CHANGED:
            self.night("--steps", "gate")
            self.assertIn("no commit since the last night", self.step("gate", DAY.isoformat() + ".2")["words"])


class Trouble(Nights):
    def test_a_step_that_dies(self):
        self.answer("nosnoop-check", {"status": -int(signal.SIGSEGV), "err": "about to die\n"})
        self.night(status=2)
        self.assertIn(": invalid: check\n", self.mail())
        self.assertIn("ended with -11: about to die", self.step("check")["words"])
        self.assertEqual([s["status"] for s in self.record()["steps"]], ["ok", "ok", "invalid", "ok", "skipped", "ok"])
        self.assertIn("No finding, but not all was tried", self.mail())

    def test_found_goes_before_invalid(self):
        self.answer("nosnoop-check", {"out": "no JSON"})
        self.answer("campaign.sh", campaign_with(dict([from_campaign()])))
        self.night(status=1)
        self.assertIn(": 1 new finding; invalid: check\n", self.mail())

    def test_what_programs_say_must_fit(self):
        """A status that is not that of the output; a missing program; another shape; fewer inputs than given."""
        for name, answer, words in (
                ("nosnoop-replay", {"status": 1, "out": {"results": [GOOD_VERDICT]}}, "ended with 1, and called 0 traces bad"),
                ("nosnoop-replay", {"status": 0, "out": {"results": [BAD_VERDICT]}}, "ended with 0, and called 1 trace bad"),
                ("nosnoop-replay", {"out": {"result": []}}, "KeyError"),
                ("fuzz-ops-replay", {"status": 2}, "ended with 2 after"),
                ("nosnoop-check", {"status": 1, "out": {"results": [KEPT]}}, "ended with 1, and printed 0 broken claims"),
                ("nosnoop-check", None, "nosnoop-check is not there"),
                ("nosnoop-museum", {"list": LISTING, "out": {"mutants": []}}, "after 0 mutants of"),
                ("nosnoop-museum", {"list": "none  control  nothing"}, "0 mutants")):
            with self.subTest(name=name, words=words):
                shutil.rmtree(self.out, ignore_errors=True)
                self.answer(name, answer or {})
                if answer is None:
                    os.unlink(os.path.join(self.bin, name))
                step = {"nosnoop-check": "check", "nosnoop-museum": "museum"}.get(name, "replay")
                self.night("--steps", step, status=2)
                self.assertIn(words, self.step(step)["words"])
                self.answer(name, ANSWERS[name])

    def test_campaign_is_not_valid(self):
        self.answer("campaign.sh", campaign_with({}, 2, invalid=["afl-fast-1 died 3 times: SIGBUS"]))
        self.night("--steps", "campaign", status=2)
        self.assertIn("ended with 2: afl-fast-1 died 3 times: SIGBUS", self.step("campaign")["words"])
        # The summary of the last session is no word about this one.
        self.answer("campaign.sh", {"status": 0, "out": "nothing written"})
        self.night("--steps", "campaign", status=2)
        self.assertIn("ended with 0 and no summary: nothing written", self.step("campaign", DAY.isoformat() + ".2")["words"])
        self.assertEqual(self.step("campaign", DAY.isoformat() + ".2")["figures"], {})

    def test_without_campaign_sh(self):
        os.unlink(os.path.join(self.bin, "campaign.sh"))
        session = {"runs": 20092, "cpu_seconds": 7200}
        self.answer("nosnoop-fuzz", {"out": {"states": 2364, "corpus": 9, "findings": [], "sessions": [{"runs": 1, "cpu_seconds": 1}, session]}})
        self.night("--steps", "campaign")
        self.assertEqual(self.step("campaign")["words"],
                         "nosnoop-fuzz alone, since scripts/campaign.sh is not here: 20092 executions, 2 CPU hours, 2364 states")
        self.assertIn("10800", self.calls("nosnoop-fuzz")[0][3])
        name, text = from_campaign()
        self.answer("nosnoop-fuzz", {"status": 1, "files": {"findings/" + name: text}, "out": {
            "states": 2364, "corpus": 9, "findings": [{"file": name, "rule": "L", "policy": "sticky"}], "sessions": [session]}})
        self.night("--steps", "campaign", status=1)
        self.assertIn("L under sticky, 5 ops", self.mail(DAY.isoformat() + ".2"))

    def test_builds(self):
        self.answer("build.sh", {"status": 1, "out": "x.c:1: error"})
        self.night(status=2)
        status = {s["step"]: s["status"] for s in self.record()["steps"]}
        self.assertEqual(status, {"build": "invalid", "replay": "invalid", "check": "invalid", "museum": "invalid", "gate": "invalid", "campaign": "ok"})
        self.assertIn("preset rel does not build: x.c:1: error", self.step("replay")["words"])
        self.assertIn("preset museum does not build", self.step("museum")["words"])
        self.assertFalse(os.path.exists(os.path.join(self.out, "last")))

    def test_mail_command(self):
        self.answer("campaign.sh", campaign_with(dict([from_campaign()])))
        self.night("--steps", "campaign", "--mail", f"cat >{self.tmp}/sent", status=1)
        with open(os.path.join(self.tmp, "sent"), encoding="utf-8") as f:
            self.assertEqual(f.read(), self.mail())
        self.answer("campaign.sh", campaign_with({}, 0))
        done = self.night("--steps", "campaign", "--mail", "cat >/dev/null; exit 75", status=2)
        self.assertIn("the mail was not taken: `cat >/dev/null; exit 75' ended with 75", done.stderr)
        self.mail(DAY.isoformat() + ".2")

    def subjects(self):
        """Of the mails that were taken."""
        with open(os.path.join(self.tmp, "sent"), encoding="utf-8") as f:
            return [x.split(": ", 2)[2].strip() for x in f if x.startswith("Subject: ")]

    def test_mail_not_taken(self):
        """The next night sends it; what waits in it is told again by the nights until then, and by none after."""
        take = ("--steps", "campaign", "--mail", f"cat >>{self.tmp}/sent")
        self.answer("campaign.sh", campaign_with(dict([from_campaign()])))
        self.night("--steps", "campaign", "--mail", "false", status=2)
        self.assertIn(": 1 new finding\n", self.mail())
        self.assertFalse(os.path.exists(os.path.join(self.out, "reported")))
        self.answer("campaign.sh", campaign_with({}, 0))
        self.night("--steps", "campaign", "--keep", "1", "--mail", "false", status=2)
        self.assertIn(": 1 finding as before\n", self.mail(DAY.isoformat() + ".2"))
        self.night(*take)
        self.assertEqual(self.subjects(), ["1 new finding", "1 finding as before", "nothing new"])
        self.assertIn(f"note: the mail of {DAY.isoformat()} had not been taken", self.mail(DAY.isoformat() + ".3"))
        self.night(*take)
        self.assertEqual(self.subjects()[3:], ["nothing new"])

    def test_mail_not_taken_before_the_night(self):
        """Of a command that works again by the end of the next night, both mails come, in their order."""
        self.answer("campaign.sh", campaign_with(dict([from_campaign()])))
        self.night("--steps", "campaign", "--mail", "false", status=2)
        once = f"test -e {self.tmp}/tried && exec cat >>{self.tmp}/sent; touch {self.tmp}/tried; false"
        self.night("--steps", "campaign", "--mail", once, status=1)
        self.assertEqual(self.subjects(), ["1 new finding", "1 finding as before"])

    def test_a_mail_that_is_refused_holds_up_no_other(self):
        self.answer("campaign.sh", campaign_with(dict([from_campaign()])))
        self.night("--steps", "campaign", "--mail", "false", status=2)
        picky = f"cat >{self.tmp}/m; grep -q '^Subject: nosnoop nightly {DAY.isoformat()} ' {self.tmp}/m && exit 1; cat {self.tmp}/m >>{self.tmp}/sent"
        self.night("--steps", "campaign", "--mail", picky, status=2)
        self.assertEqual(self.subjects(), ["1 finding as before"])

    def test_stopped_in_the_mail(self):
        self.answer("campaign.sh", campaign_with(dict([from_campaign()])))
        command = f"sleep 600 & echo $! >{self.tmp}/pid.new; mv {self.tmp}/pid.new {self.tmp}/pid; wait"
        p = subprocess.Popen(self.args("--steps", "campaign", "--mail", command), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                             cwd=self.tmp)
        self.addCleanup(p.stderr.close)
        self.addCleanup(p.wait)
        self.addCleanup(p.kill)
        self.wait_for(lambda: os.path.exists(os.path.join(self.tmp, "pid")))
        p.send_signal(signal.SIGTERM)
        said = p.communicate(timeout=PATIENCE)[1]
        self.assertEqual((p.returncode, said),
                         (2, "nightly.sh: SIGTERM after the last step; the next night sends the mail, unless it was taken\n"))
        with open(os.path.join(self.tmp, "pid"), encoding="utf-8") as f, self.assertRaises(ProcessLookupError):
            os.kill(int(f.read()), 0)
        self.answer("campaign.sh", campaign_with({}, 0))
        self.night("--steps", "campaign", "--mail", f"cat >>{self.tmp}/sent")
        self.assertEqual(self.subjects(), ["1 new finding", "nothing new"])

    def test_json(self):
        done = self.night("--steps", "check", "--json")
        self.assertEqual(json.loads(done.stdout), self.record())

    def test_what_would_change_a_judgement_is_not_inherited(self):
        with unittest.mock.patch.dict(os.environ, {n: "none" for n in ("FUZZ_POLICY", "FUZZ_CONTRACTS", "FUZZ_BACKEND", "FUZZ_MUTATOR")}):
            self.night("--steps", "replay")
        self.assertEqual(len(self.calls("fuzz-ops-replay")), 2)

    def test_keep(self):
        keep = os.path.join(self.out, "2026-01-01")
        os.makedirs(keep)  # no night: nobody's to remove
        for i in range(4):
            self.night("--steps", "check", "--keep", "2", day=DAY + datetime.timedelta(i // 2))
        self.assertEqual(sorted(n for n in os.listdir(self.out) if n[0] == "2"), ["2026-01-01", "2026-11-28", "2026-11-28.2"])


class Interrupted(Nights):
    def start(self, *options):
        """A night that has come to check, and waits there."""
        self.answer("nosnoop-check", ANSWERS["nosnoop-check"], wait=True)
        p = subprocess.Popen(self.args(*options), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=self.tmp)
        self.addCleanup(p.stderr.close)
        self.addCleanup(p.wait)
        self.addCleanup(p.kill)
        self.wait_for(lambda: os.path.exists(os.path.join(self.bin, "calls")) and self.calls("nosnoop-check"))
        return p

    def end(self, p, number):
        p.send_signal(number)
        said = p.communicate(timeout=PATIENCE)[1]
        self.answer("nosnoop-check", ANSWERS["nosnoop-check"])
        return said

    def test_never_two(self):
        p = self.start()
        done = self.night(status=2)
        self.assertRegex(done.stderr, rf"^nightly.sh: a night is under way here \(process {p.pid}, since .*\); nothing was started\n$")
        self.assertEqual(len(self.calls("nosnoop-check")), 1)
        with open(os.path.join(self.bin, "go"), "w", encoding="utf-8"):
            pass
        self.assertEqual(p.wait(PATIENCE), 0)
        self.assertEqual([n for n in os.listdir(self.out) if n[0] == "2"], [DAY.isoformat()])

    @unittest.skipIf(CHANGED, "a night of a checkout with changes never goes on")
    def test_goes_on(self):
        said = self.end(self.start(), signal.SIGTERM)
        self.assertIn("SIGTERM in step check; the next start goes on there", said)
        self.assertFalse(os.path.exists(os.path.join(self.out, DAY.isoformat())))
        self.forget_calls()
        self.night(day=DAY + datetime.timedelta(1))
        self.assertEqual({c: len(self.calls(c)) for c in ("nosnoop-replay", "nosnoop-check", "campaign.sh")},
                         {"nosnoop-replay": 0, "nosnoop-check": 2, "campaign.sh": 1})
        self.assertIn("note: the night 2026-11-27 was interrupted in step check; this one went on there", " ".join(self.mail().split()))
        self.assertEqual(self.step("replay")["status"], "ok")

    @unittest.skipUnless(HEAD, "no repository here")
    def test_begins_anew(self):
        p = self.start()
        p.kill()  # what it had started holds the lock until it is gone
        p.wait()
        self.assertIn("a night is under way here", self.night(status=2).stderr)
        with open(os.path.join(self.bin, "go"), "w", encoding="utf-8"):
            pass
        self.answer("nosnoop-check", ANSWERS["nosnoop-check"])
        self.wait_for(lambda: subprocess.run(["flock", "-n", os.path.join(self.out, "lock"), "true"], check=False).returncode == 0)
        self.forget_calls()
        self.night("--museum-runs", "7")
        self.assertEqual(len(self.calls("nosnoop-replay")), 1)
        why = "the checkout has changes that no commit holds" if CHANGED else "the options are others"
        self.assertIn(f"was interrupted in step check; begun anew, since {why}", " ".join(self.mail().split()))

    @unittest.skipIf(CHANGED or not HEAD, "a night of a checkout with changes never goes on")
    def test_after_a_restart(self):
        for change, words in (({"boot": "another"}, "in step check, by a restart of the machine; this one went on there"),
                              ({"commit": "0" * 40}, "begun anew, since the checkout is another"),
                              ({"began": time.time() - 90000}, "begun anew, since it is too long ago")):
            with self.subTest(words=words):
                shutil.rmtree(self.out, ignore_errors=True)
                self.end(self.start(), signal.SIGINT)
                path = os.path.join(self.out, ".night", "plan.json")
                with open(path, encoding="utf-8") as f:
                    plan = json.load(f)
                with open(path, "w", encoding="utf-8") as f:
                    json.dump(dict(plan, **change), f)
                self.night()
                self.assertIn(words, " ".join(self.mail().split()))
                self.forget_calls()

    def test_nothing_is_left_behind(self):
        self.answer("nosnoop-replay", ANSWERS["nosnoop-replay"], orphan=True)
        self.night("--steps", "replay")
        with open(os.path.join(self.bin, "orphan"), encoding="utf-8") as f:
            pid = int(f.read())
        with self.assertRaises(ProcessLookupError):
            os.kill(pid, 0)

    def test_stopped_between_night_and_what_follows(self):
        self.answer("campaign.sh", campaign_with(dict([from_campaign()])))
        self.night(status=1)
        os.rename(os.path.join(self.out, DAY.isoformat()), os.path.join(self.out, ".night"))
        for name in ("last", "reported"):
            if os.path.exists(os.path.join(self.out, name)):
                os.unlink(os.path.join(self.out, name))
        self.answer("campaign.sh", campaign_with({}, 0))
        self.night("--steps", "campaign", day=DAY + datetime.timedelta(1))
        self.assertIn(": 1 new finding\n", self.mail())
        self.assertIn(": nothing new\n", self.mail("2026-11-28"))


class Museum(Nights):
    def test_seven_turns_cover_all(self):
        for begin in range(0, 400, 57):
            for nr in (1, 6, 7, 8, 74):
                ids = [f"M{i}" for i in range(nr)]
                turns = [steps.sample(ids, begin + i) for i in range(7)]
                self.assertEqual(sorted(sum(turns, [])), sorted(ids))
                self.assertLessEqual(max(map(len, turns)), (nr + 6) // 7)

    def turn(self, week, status=0):
        """(mutants, seed) of the museum in a night that always is on the same day of the week."""
        self.night("--steps", "museum", day=DAY + datetime.timedelta(7 * week), status=status)
        asked = self.calls("nosnoop-museum")[-1]
        self.assertEqual((asked[1].split(",")[0], asked[2]), ("none", "--seed"))
        return asked[1].split(",")[1:], asked[3]

    def test_seven_nights_cover_all(self):
        turns = [self.turn(week) for week in range(7)]
        self.assertEqual(sorted(sum((mutants for mutants, _ in turns), [])), sorted(MUTANTS))
        self.assertEqual(len({seed for _, seed in turns}), 7)

    def test_a_turn_without_a_verdict(self):
        """It does not keep the others from theirs, and comes again after them; a museum that cannot even say what it has leaves the turn."""
        for week, answer in enumerate(({"out": "no JSON"}, {"out": {"mutants": [{"mutant": "none"}]}})):
            self.answer("nosnoop-museum", ANSWERS["nosnoop-museum"] | answer)
            before = self.turn(week, 2)
            mail = self.mail((DAY + datetime.timedelta(7 * week)).isoformat())
            self.assertRegex(" ".join(mail.split()), r"; part \d of 7 comes again after the others")
        self.answer("nosnoop-museum", list="none  control  nothing")
        self.night("--steps", "museum", day=DAY + datetime.timedelta(7 * 2), status=2)
        self.answer("nosnoop-museum", ANSWERS["nosnoop-museum"])
        self.night("--steps", "check", day=DAY + datetime.timedelta(7 * 2 + 1))
        turns = [self.turn(week) for week in range(3, 9)]
        self.assertFalse(any(set(mutants) & set(before[0]) for mutants, _ in turns[:5]))
        self.assertEqual(sorted(sum((mutants for mutants, _ in turns), before[0])), sorted(MUTANTS))

    def test_the_real_list(self):
        """Of the museum that is built: as many as mutants.def has, with those of the policies."""
        museum = os.path.join(TOP, "build/museum/bin/nosnoop-museum")
        if not os.path.exists(museum):
            self.skipTest("the museum is not built")
        ids = steps.exhibits(subprocess.run([museum, "--mutant", "list"], capture_output=True, text=True, check=True).stdout)
        with open(os.path.join(TOP, "fuzz/museum/mutants.def"), encoding="utf-8") as f:
            defined = re.findall(r"^(\w+) :: \w+(/\w+)? ::", f.read(), re.M)
        self.assertEqual([m for m in ids if not m.startswith("p_")], [m for m, state in defined if state not in ("/schedules", "/later")])
        self.assertIn("p_none", ids)


class Arguments(Nights):
    def test_bad(self):
        for args, words in ((["--hours", "0"], "--hours: 0: expected a number from 0.0001 to 1000"), (["--hours", "nan"], "expected a number"),
                            (["--jobs", "0"], "--jobs: 0: expected a number from 1"), (["--jobs", "2.5"], "--jobs: 2.5: expected"),
                            (["--steps", "replay,mail"], "mail: expected names of build,replay,check,museum,gate,campaign"),
                            (["--steps", ""], "an empty name: expected names of"), (["--keep", "-1"], "--keep: -1: expected"),
                            (["--date", "27.11."], "27.11.: expected a date such as 2026-11-27"), (["--mail", " "], "--mail: expected a command, or none"),
                            (["--bin", "/nowhere"], "/nowhere: no such folder"), (["DIR"], "unrecognized arguments: DIR"), (["--hour", "3"], "unrecognized")):
            with self.subTest(args=args):
                done = self.night(*args, status=2)
                self.assertIn(words, done.stderr)
                self.assertFalse(os.path.exists(self.out))

    def test_out(self):
        with open(self.out, "w", encoding="utf-8") as f:
            f.write("mine\n")
        self.assertIn("expected a folder that can be written", self.night(status=2).stderr)
        self.assertEqual(self.read(), "mine\n")

    def test_help(self):
        done = subprocess.run([SCRIPT, "--help"], capture_output=True, text=True, check=True)
        for word in ("--out", "--hours", "--jobs", "--steps", "--mail", "--keep", "--install-timer", "Exit: 0 nothing new"):
            self.assertIn(word, done.stdout)


class Pull(Nights):
    def git(self, where, *args):
        me = ["-c", "user.name=me", "-c", "user.email=me@example.org"]
        subprocess.run(["git", "-C", os.path.join(self.tmp, where), *me, *args], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @unittest.skipUnless(shutil.which("git"), "no git here")
    def test_pull(self):
        os.mkdir(os.path.join(self.tmp, "theirs"))
        self.git("theirs", "init", "-q")
        self.git("theirs", "commit", "-q", "--allow-empty", "-m", "one")
        self.git("", "clone", "-q", "theirs", "ours")
        with unittest.mock.patch("programs.TOP", os.path.join(self.tmp, "ours")):
            self.assertEqual(nightly.pull(), [])
            self.git("theirs", "commit", "-q", "--allow-empty", "-m", "two")
            before = git("rev-parse", "HEAD")[:7]
            self.assertEqual(nightly.pull(), [f"pulled {before}..{git('rev-parse', 'HEAD')[:7]}"])
            self.git("ours", "commit", "-q", "--allow-empty", "-m", "mine")
            self.git("theirs", "commit", "-q", "--allow-empty", "-m", "three")
            self.assertEqual(nightly.pull(), ["git pull --ff-only failed: this is the commit that was here"])


class Timer(Nights):
    def install(self, *options, status=0):
        env = dict(os.environ, XDG_CONFIG_HOME=os.path.join(self.tmp, "a %config"))
        done = subprocess.run([SCRIPT, "--install-timer", *options], capture_output=True, text=True, check=False, env=env, cwd=self.tmp)
        self.assertEqual(done.returncode, status, done.stderr)
        self.units = os.path.join(self.tmp, "a %config", "systemd", "user")
        return done

    def unit(self, kind):
        with open(os.path.join(self.units, "nosnoop-nightly." + kind), encoding="utf-8") as f:
            return f.read()

    def test_units(self):
        done = self.install("--hours", "6", "--out", "my nights", "--mail", "send 100% $HOME \"a\\b\"", "--at=23:05")
        self.assertIn("systemctl --user enable --now nosnoop-nightly.timer", done.stdout)
        self.assertIn("OnCalendar=*-*-* 23:05:00\n", self.unit("timer"))
        service = self.unit("service")
        line = re.findall(r"^Exec\w+=(.*)$", service, re.M)
        self.assertEqual(len(line), 1)
        self.assertIn("100%% $$HOME", line[0])
        # Back through systemd's rules: quotes, then specifiers and variables.
        words = [w.replace("%%", "%").replace("$$", "$") for w in shlex.split(line[0])]
        self.assertEqual(words, [SCRIPT, "--out", os.path.realpath(os.path.join(self.tmp, "my nights")), "--hours", "6",
                                 "--mail", "send 100% $HOME \"a\\b\""])
        self.assertNotIn("@", re.sub("send .*", "", service) + self.unit("timer"))
        self.assertFalse(os.path.exists(os.path.join(self.tmp, "my nights")))
        with self.subTest("what the timer calls is taken"):
            o = nightly.options(words[1:])
            self.assertEqual((o.hours, o.mail), (6, "send 100% $HOME \"a\\b\""))

    @unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd-analyze here")
    def test_verified(self):
        self.assertIn(", verified: ", self.install().stdout)
        before = self.unit("timer")
        self.assertIn("systemd-analyze does not take the units, nothing was written", self.install("--at", "every full moon", status=2).stderr)
        self.assertEqual(self.unit("timer"), before)

    def test_templates_name_no_machine(self):
        for kind in ("service", "timer"):
            with open(os.path.join(HERE, f"nosnoop-nightly.{kind}.in"), encoding="utf-8") as f:
                self.assertNotRegex(f.read(), r"=/|/home|/usr")


try:
    import yaml
except ImportError:
    yaml = None


@unittest.skipUnless(yaml, "python3-yaml is not installed")
class Schedules(unittest.TestCase):
    """What calls a night elsewhere calls scripts/nightly.sh and no other command of ours."""

    def load(self, name):
        with open(os.path.join(TOP, name), encoding="utf-8") as f:
            text = f.read()
        self.assertNotIn("://", text)
        return yaml.safe_load(text)

    def commands(self, lines):
        """Words of each; one of them is ours and takes its options."""
        found = [shlex.split(c) for line in lines for c in re.split(r"&&|\|\||;|\n", line) if c.strip()]
        ours = [c for c in found if c[0] != "apt-get"]
        self.assertEqual([c[0] for c in ours], ["scripts/nightly.sh"])
        self.assertEqual(nightly.options(ours[0][1:]).out, os.path.join(TOP, "build", "nightly"))
        self.assertFalse([w for c in found if c[0] == "apt-get" for w in c if "/" in w])

    def holds(self, paths):
        for name in ("mail.txt", "night.json", "findings/"):
            self.assertIn(f"build/nightly/*/{name}", paths)

    def test_github(self):
        y = self.load(".github/workflows/nightly.yml")
        on = y.get("on", y.get(True))  # in YAML 1.1 on is a truth value
        self.assertRegex(on["schedule"][0]["cron"], r"^\d+ \d+ \* \* \*$")
        self.assertEqual(list(y["jobs"]), ["nightly"])
        job = y["jobs"]["nightly"]
        self.assertEqual(job["container"], "debian:12")
        self.commands([s["run"] for s in job["steps"] if "run" in s])
        used = {s["uses"].split("@")[0]: s for s in job["steps"] if "uses" in s}
        self.assertEqual(list(used), ["actions/checkout", "actions/cache/restore", "actions/cache/save", "actions/upload-artifact"])
        self.assertEqual(used["actions/checkout"]["with"]["fetch-depth"], 0)
        restore, save = used["actions/cache/restore"]["with"], used["actions/cache/save"]["with"]
        self.assertEqual((restore["path"], restore["key"]), (save["path"], save["key"]))
        self.assertEqual(restore["path"], "build/nightly")
        self.assertTrue(restore["key"].startswith(restore["restore-keys"]))
        for name in ("actions/cache/save", "actions/upload-artifact"):
            self.assertEqual(used[name]["if"], "always()")
        self.holds(used["actions/upload-artifact"]["with"]["path"].split())

    def test_gitlab(self):
        y = self.load(".gitlab-ci.yml")
        self.assertEqual(list(y), ["nightly"])
        job = y["nightly"]
        self.assertEqual(job["image"], "debian:12")
        self.assertEqual(job["rules"], [{"if": '$CI_PIPELINE_SOURCE == "schedule"'}])
        self.commands(job["script"])
        self.assertFalse({"before_script", "after_script", "include"} & set(job) | {"include"} & set(y))
        self.assertEqual((job["cache"]["paths"], job["cache"]["when"]), (["build/nightly/"], "always"))
        self.assertEqual(job["artifacts"]["when"], "always")
        self.holds(job["artifacts"]["paths"])
        self.assertEqual(job["variables"]["GIT_DEPTH"], "0")


class Real(Nights):
    """What the programs of this checkout really print, in a night of seconds; of corpus, museum and small configuration only a part."""

    def test_tiny_night(self):
        rel, museum = os.path.join(TOP, "build/rel/bin"), os.path.join(TOP, "build/museum/bin/nosnoop-museum")
        if not os.path.exists(museum) or not os.path.exists(os.path.join(rel, "nosnoop-fuzz")):
            self.skipTest("the presets rel and museum are not built")
        shutil.rmtree(self.bin)
        os.mkdir(self.bin)
        for name in ("nosnoop-replay", "nosnoop-fuzz", *(n for n in os.listdir(rel) if re.fullmatch("fuzz-(ops|text)-replay", n))):
            os.symlink(os.path.join(rel, name), os.path.join(self.bin, name))
        os.symlink(museum, os.path.join(self.bin, "nosnoop-museum"))
        with open(os.path.join(self.bin, "nosnoop-check"), "w", encoding="utf-8") as f:
            f.write(f"#!/bin/sh\nexec {shlex.quote(os.path.join(rel, 'nosnoop-check'))} \"$@\" --areas 1\n")
        os.chmod(f.name, 0o755)
        traces = [t for t in steps.corpus() if t.startswith("corpus/seed/golden/")]
        self.assertGreater(len(traces), 5)
        # The day decides on the seed and the mutants, so what is found does not depend on luck.
        args = self.args("--steps", "build,replay,check,museum,campaign", "--hours", "0.0003", "--museum-trials", "1", "--museum-runs", "5000", "--json")
        with unittest.mock.patch.multiple(steps, corpus=lambda: traces, PARTS=30):
            done = in_a_child(args[1:], self.tmp)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(": nothing new\n", self.mail())
        figures = {s["step"]: s["figures"] for s in self.record()["steps"]}
        self.assertEqual(figures["replay"]["verdicts"], len(traces) * figures["replay"]["policies"])
        self.assertEqual(figures["replay"]["targets"], sorted(n for n in os.listdir(self.bin) if n.startswith("fuzz-")))
        self.assertGreater(figures["check"]["fixpoints"], 10)
        self.assertGreater(figures["museum"]["found"], 1)
        self.assertEqual(figures["museum"]["found"], len(figures["museum"]["mutants"]))
        self.assertGreater(figures["campaign"]["executions"], 0)
        self.assertGreater(figures["campaign"]["states"], 0)


if __name__ == "__main__":
    unittest.main()
