# SPDX-License-Identifier: GPL-2.0-only
"""What becomes of inputs that ended an engine: which are one finding, which findings one mistake, which known. test_campaign.py runs these."""

import os
import random
import shutil
import subprocess
import unittest

import builds as built
import exchange
import files
import ledger
import mistakes
import triage

from test_room import REAL, TOP, Temporary

NOT_A_POLICY = "expect no_such_policy L at 1\n"


class Mistakes(unittest.TestCase):
    """What stands alone: of one mistake of the core one finding, whatever policies, rules and shapes it has."""

    def found(self, text, rule, policy="eager", **more):
        return {"rule": rule, "policy": policy, "what": "", "new": True, "known": None, "file": f"{policy}-{rule}", "target": "ops", "seen": 1,
                "ops": sum(not x.startswith("expect") for x in text.splitlines())} | mistakes.of_trace(text) | more

    PIN = "buffer P 1 pages\ntable A\nmap A a0 P\naccess x0 A pages\npin x0 k0 a0 ro\nexpect finding LEAK at 6\nexpect finding P5\n"
    TWO = PIN.replace("pin x0 k0 a0 ro\n", "pin x0 k0 a0[0..1] ro\npin x0 k1 a0 ro\n") + "expect finding B7\n"

    def apart(self, *rows):
        return [[f["file"] for f in g] for g in mistakes.apart(rows)]

    def test_of_a_trace(self):
        self.assertEqual(mistakes.of_trace("# map\nbuffer P 2 pages\nattach A n0 noncoherent pgsize 4K # x\nname foo\nexpect eager L at 2\n"
                                           "expect finding R1 at 2\nexpect finding D4\n"),
                         {"ops_used": ["attach noncoherent pgsize", "buffer pages"], "shows": ["D4", "R1 attach"]})

    def test_once(self):
        self.assertEqual(self.apart(self.found(self.TWO, "B7"), self.found(self.PIN, "LEAK"), self.found(self.PIN, "P5", "exact"),
                                    self.found(self.PIN, "LEAK", "sticky")), [["eager-LEAK", "exact-P5", "sticky-LEAK", "eager-B7"]])

    def test_of_one_size(self):
        """The one that shows less stands for the other."""
        both = "table A\nattach A n0 coherent pgsize 4G\nexpect finding R1 at 2\n"
        differ = both.replace("R1 at 2", "DIFF at 2\nexpect finding R1")
        self.assertEqual(self.apart(self.found(differ, "DIFF", target="diff"), self.found(both, "R1", target="linux")), [["eager-R1", "eager-DIFF"]])

    def test_others(self):
        """What lacks an op, an option or a sign of the smaller one is not the same, nor is a contract of another policy."""
        pin = self.found(self.PIN, "LEAK")
        for text, rule in ((self.TWO.replace("map A", "copy A"), "B7"), (self.TWO.replace(" ro", ""), "B7"),
                           (self.TWO.replace("expect finding P5\n", ""), "B7")):
            self.assertEqual(len(self.apart(pin, self.found(text, rule))), 2, text)
        broken = self.PIN[:self.PIN.index("expect")]
        self.assertEqual(len(self.apart(self.found(broken, "L"), self.found(broken, "L", "exact"), self.found(broken + "table B", "L"))), 2)
        self.assertEqual(len(self.apart(pin, self.found(self.PIN, "LEAK", new=False), self.found(self.PIN, "LEAK", known="x"))), 3)

    def test_rules_that_say_little(self):
        """A result that is not what it should be, of another op; other words of a crash; other code."""
        one = "table A\nattach A n0 coherent\n"
        more = one + "buffer P 1 pages\nmap A a0 P\nunmap A a0\n"
        small, large = self.found(one + "expect finding R1 at 2\n", "R1"), self.found(more + "expect finding R1 at 5\n", "R1", file="5")
        self.assertEqual(len(self.apart(small, dict(large, policy="sticky"))), 2)
        crash = self.found(one, "CRASH", what="Assertion")
        self.assertEqual(len(self.apart(crash, self.found(more, "CRASH", what="heap-use-after-free"))), 2)
        self.assertEqual(len(self.apart(crash, self.found(more, "CRASH", what="Assertion", policy="exact"))), 1)
        self.assertEqual(len(self.apart(small, dict(small, target="linux"))), 2)

    def test_later(self):
        """What is found and the smaller one not, since that is mended; what was told of alone before."""
        small, large = self.found(self.PIN, "LEAK"), self.found(self.TWO, "B7")
        self.assertEqual(len(self.apart(small, large)), 1)
        self.assertEqual(len(self.apart(small, dict(large, seen=2))), 2)
        self.assertEqual(len(self.apart(dict(small, seen=2), large)), 1)
        self.assertEqual(len(self.apart(dict(small, seen=2), dict(large, alone=True))), 2)

    def test_without_a_trace(self):
        rows = [{"rule": "ROUND", "policy": "-", "what": w, "new": True, "known": None, "file": w, "ops": None, "target": "text"}
                for w in ("a", "b", "a")]
        self.assertEqual(self.apart(*rows), [["a", "a"], ["b"]])


# --- from inputs to findings ---------------------------------------------------------------------------------------------


def mutant(folder, name="mutant", when="nr_nc && nr_nc != 2"):
    """The example policy with a mistake in it: a fill for two non-coherent domains at once is not flushed. Another name: it calls
    itself so."""
    source = files.read(os.path.join(TOP, "core/flush/example/mine.c")).decode()
    assert source.count("if (nr_nc)") == 1
    path = os.path.join(folder, name + ".c")
    if name != "mutant":
        assert source.count('"mine"') == 1
        source = source.replace('"mine"', f'"{name}"')
    files.save(path, source.replace("if (nr_nc)", f"if ({when})"))
    so = os.path.join(folder, name + ".so")
    subprocess.run(["cc", "-std=gnu11", "-O2", "-fPIC", "-shared", "-I.", "-o", so, path], cwd=TOP, check=True)
    return so


@unittest.skipUnless(REAL.tool("shrink") and REAL.replayers("policy"), "nosnoop-shrink or fuzz-policy-replay is not built")
class Planted(Temporary):
    """Shows 6: hundreds of inputs hit what a mutant has planted, and it is one finding."""
    HITS = 300

    def setUp(self):
        super().setUp()
        self.so = mutant(self.dir)
        self.place = ledger.Place(self.path("out"))
        self.place.made("afl", "policy", "afl-1", "crashes")
        trace = self.file("t.ops", "buffer P 1 pages\ntable A\nattach A n0 noncoherent\nattach A n1 noncoherent\nmap A a0 P\n")
        os.makedirs(self.path("bytes"))
        subprocess.run([REAL.replayer("policy"), "--encode", self.path("bytes"), trace], check=True, stdout=subprocess.DEVNULL)
        self.bytes = files.read(files.inputs(self.path("bytes"))[0])

    def session(self, target):
        return ledger.begin(self.place, targets=[target], policy=self.so, contracts="L", backend=None, jobs=2)

    def hit(self, number, seed):
        """Inputs that break the rule: the program, and records that nobody has thought of behind it."""
        rng = random.Random(seed)
        for n in range(number):
            tail = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 400)))
            path = self.place.afl("policy", "afl-1", "crashes", f"id:{seed:03d}{n:03d},sig:06")
            files.save(path, self.bytes + tail)

    def triage(self, *expected, target="policy"):
        s = self.session(target)
        t = triage.Triage(s, REAL, {"FUZZ_POLICY": self.so, "FUZZ_CONTRACTS": "L"}, expected, 2)
        t.run()
        return t

    def test_once(self):
        self.hit(self.HITS, 1)
        t = self.triage()
        found = t.findings()
        self.assertEqual([(f["rule"], f["policy"], f["ops"], f["new"]) for f in found], [("L", "mine", 5, True)])
        (group,) = t.groups()
        self.assertEqual((group["inputs"], group["shrunk"]), (self.HITS, 8 + 5))
        self.assertEqual((found[0]["count"], t.not_again()), (8 + 5, 0))
        trace = self.place("findings", found[0]["file"])
        self.assertIn("first seen", files.read(trace).decode())
        done = subprocess.run([REAL.tool("replay"), "--policy", self.so, trace], stdout=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)

        t.told()
        # Again: the same inputs are looked at no more, others of the same are counted and are nothing new.
        self.hit(10, 2)
        t = self.triage()
        self.assertEqual([f["new"] for f in t.findings()], [False])
        self.assertEqual((t.groups()[0]["inputs"], t.groups()[0]["shrunk"]), (self.HITS + 10, 13))

    @unittest.skipUnless(REAL.replayers("ops"), "fuzz-ops-replay is not built")
    def test_several_objects(self):
        """The mistake is the second's, and found under its name."""
        so = self.so
        mutant(self.dir, "other", "nr_nc")
        self.so = self.path("other.so") + "," + so
        self.place.made("afl", "ops", "afl-1", "crashes")
        files.save(self.place.afl("ops", "afl-1", "crashes", "id:000000,sig:06"), self.bytes)
        (f,) = self.triage(target="ops").findings()
        self.assertEqual((f["rule"], f["policy"], f["ops"]), ("L", "mine", 5))

    def test_expected(self):
        self.hit(3, 1)
        t = self.triage()
        (f,) = t.findings()
        text = files.read(self.place("findings", f["file"])).decode()
        self.file("known/other.ops", "table A\n" + NOT_A_POLICY)
        known = self.file("known/same.ops", text)
        for name in ("triage.json", "findings/" + f["file"]):
            os.unlink(self.place(name))
        t = self.triage(self.path("known"))
        (f,) = t.findings()
        self.assertEqual((f["new"], os.path.join(TOP, f["known"])), (False, os.path.join(TOP, os.path.relpath(known, TOP))))

    def test_not_again(self):
        """An input that ended a worker and is harmless: something is not deterministic. One that took long: the machine was busy."""
        files.save(self.place.afl("policy", "afl-1", "crashes", "id:000000,sig:06"), b"\1")
        self.place.made("afl", "policy", "afl-1", "hangs")
        files.save(self.place.afl("policy", "afl-1", "hangs", "id:000000"), b"\1" + bytes(32))
        t = self.triage()
        self.assertEqual((t.findings(), t.not_again(), t.slow()), ([], 1, 1))

    def test_crash(self):
        """A policy that ends the process: told by its signal, shrunk, kept without expectations."""
        source = files.read(self.path("mutant.c")).decode()
        path = self.file("mutant.c", source.replace("flush_clean_piece(p);", "__builtin_trap();", 1))
        subprocess.run(["cc", "-std=gnu11", "-O2", "-fPIC", "-shared", "-I.", "-o", self.so, path], cwd=TOP, check=True)
        trace = self.file("t.ops", "buffer P 1 pages\ntable A\ntable B\nattach A n0 noncoherent\nmap A a0 P\ndetach A n0\n")
        shutil.rmtree(self.path("bytes"))
        os.makedirs(self.path("bytes"))
        subprocess.run([REAL.replayer("policy"), "--encode", self.path("bytes"), trace], check=True, stdout=subprocess.DEVNULL)
        shutil.copy(files.inputs(self.path("bytes"))[0], self.place.afl("policy", "afl-1", "crashes", "id:000000,sig:04"))
        (f,) = self.triage().findings()
        self.assertEqual((f["rule"], f["ops"]), ("CRASH", 4))
        self.assertRegex(f["what"], "llegal|rap|UNKNOWN|ILL|ABRT|bort")


REPLAYER = r"""#!/usr/bin/python3 -B
import json, os, sys
for path in sys.argv[2:]:
    words = open(path).read().split("|")
    if words[0] == "broken":
        sys.stderr.write(path + ": cannot be read\n")
        sys.exit(2)
    print(json.dumps({"verdict": "finding", "rule": words[0], "policy": "p", "said": words[1], "program": words[2]}))
sys.exit(1)
"""
SHRINK = r"""#!/usr/bin/python3 -B
import json, sys, time
text = open(sys.argv[-1]).read()
time.sleep(0.05)
if "stubborn" in text:
    sys.exit(1)
print(json.dumps({"policy": "p", "shape": "0x%x" % len(text), "program": text, "ops": 1}))
"""


class Judged(Temporary):
    """What becomes of inputs, by tools that do as they are told: an input is "RULE|what is said|program"."""

    def setUp(self):
        super().setUp()
        self.place = ledger.Place(self.path("out"))
        for name in ("ops", "codec"):
            self.file(f"build/rel/bin/fuzz-{name}-replay", REPLAYER, 0o755)
        self.file("build/rel/bin/nosnoop-shrink", SHRINK, 0o755)

    def input(self, nr, text, target="ops"):
        self.file(f"out/afl/{target}/afl-1/crashes/id:{nr:06d},sig:06", text)

    def triage(self, jobs=4):
        s = ledger.begin(self.place, targets=["ops", "codec"], policy=None, contracts=None, backend=None, jobs=1)
        t = triage.Triage(s, built.Builds(self.path("build")), {}, [], jobs)
        t.run()
        return t

    def test_one_program_of_many_inputs(self):
        for n in range(8):
            self.input(n, f"L|said {n}|same program")
        (f,) = self.triage(jobs=8).findings()
        self.assertEqual((f["count"], f["ops"], os.listdir(self.place("tmp"))), (8, 1, []))

    def test_one_that_the_replayer_gives_up_on(self):
        for n in range(7):
            self.input(n, f"L|said {n}|" + "x" * n)
        self.input(3, "broken")
        for session in (1, 2):
            t = self.triage()
            self.assertEqual(sum(f["count"] for f in t.findings()), 6)
            self.assertEqual(len(t.unjudged), 1, "it is tried again")
            self.assertRegex(t.unjudged[0], r"^afl/ops/afl-1/crashes/id:000003,sig:06: fuzz-ops-replay: .*cannot be read$")

    def test_harmless(self):
        """An exchange does not stop at one input either."""
        paths = [self.file(f"in/{n}", "broken" if n == 2 else f"L|{n}|x") for n in range(5)]
        got = exchange.judged(self.path("build/rel/bin/fuzz-ops-replay"), paths, {})
        self.assertEqual([v["verdict"] for v in got], ["finding", "finding", exchange.UNJUDGED, "finding", "finding"])
        self.assertEqual(exchange.harmless(self.path("build/rel/bin/fuzz-ops-replay"), paths, {}), [])

    def test_a_damaged_ledger(self):
        self.input(0, "L|one|program")
        self.file("out/builtin/ops/builtin-1/ledger.json", '{"findings": [')
        t = self.triage()
        self.assertEqual((len(t.findings()), len(t.unjudged)), (1, 1))

    def test_a_file_that_cannot_be_written(self):
        """Of an input that shrinks to nothing, and whose bytes cannot be kept."""
        self.input(0, "L|one|stubborn")
        self.input(1, "I|two|fine")
        os.makedirs(self.place("findings", f"p-L-unshrunk-{files.sha1(b'one')[:8]}.input"))
        t = self.triage()
        self.assertEqual(([f["rule"] for f in t.findings()], len(t.unjudged)), (["I"], 1))

    def test_two_policies(self):
        """No tool shrinks these: the smallest is kept as a text that the target's replayer takes."""
        self.file("build/rel/bin/fuzz-plugin-diff-replay", REPLAYER, 0o755)
        for n in (3, 1, 2):
            self.input(n, f"DIFF|op {n}: other bytes|" + "table A\n" * n + "expect errno EINVAL\n", "plugin-diff")
        s = ledger.begin(self.place, targets=["plugin-diff"], policy="a,b", contracts=None, backend=None, jobs=1)
        t = triage.Triage(s, built.Builds(self.path("build")), {"FUZZ_POLICY": "a,b"}, [], 1)
        t.run()
        (f,) = t.findings()
        self.assertEqual((f["count"], f["ops"], f["known"]), (3, 1, None))
        text = files.read(self.place("findings", f["file"])).decode()
        self.assertIn(f"# replay: FUZZ_POLICY=a,b fuzz-plugin-diff-replay {f['file']}\ntable A\n", text)
        self.assertNotIn("expect", text)

    def test_known_deviations(self):
        """
        Of a kernel tree: known is what nosnoop-replay says is, of the trace without its expectations, and by this rule; a folder of other
        traces is not asked, one that it refuses says nothing.
        """
        self.file("build/rel/bin/nosnoop-replay", "#!/usr/bin/python3 -B\nimport json, sys\nargs = sys.argv[1:]\ntext = open(args[-1]).read()\n"
                  "assert args[0] == '--json' and args[3:5] == ['--backend', 'linux'] and 'expect' not in text, args\n"
                  "if args[2].endswith('refused'):\n    sys.exit(2)\n"
                  "wraps = 'wraps' if 'table' in text else None\n"
                  "print(json.dumps({'results': [{'known': wraps, 'deviations': [{'rule': 'I1', 'expected': None}, {'rule': 'D5', 'expected': wraps}]}]}\n"
                  "      if args[2].endswith('tree') else {'results': [{'known': 'own', 'deviations': [{'rule': 'D5', 'expected': 'own'}]}]}))\n", 0o755)
        for name, what in (("refused", "finding D5"), ("own", "sound ok"), ("tree", "finding D5")):
            self.file(f"{name}/{name}.ops", f"table A\nexpect {what}\n")
        e = triage.Expected([self.path(n) for n in ("refused", "own", "tree")],
                            triage.Shrinker(built.Builds(self.path("build")), {"policy": None, "backend": None}, self.dir))
        wraps = self.path("tree/wraps.ops")
        find = [e.find("D5", "linux", t, "0", text + "expect finding D5\n") for t in ("linux", "diff", "ops") for text in ("table A\n", "map\n")]
        self.assertEqual(find, [wraps, None] * 2 + [None, None])
        self.assertEqual([e.find(rule, "linux", "diff", "0", "table A\n") for rule in ("DIFF", "finding:D5", "I1", "D4", "CRASH", "HANG")],
                         [wraps, wraps, None, None, None, None])

    def test_told(self):
        """A session that is killed after triage and before its summary has told nobody."""
        self.input(0, "L|one|program")
        self.file("out/afl/ops/afl-1/hangs/id:000000", "broken")
        self.triage()
        t = self.triage()
        self.assertEqual([(f["new"], f["session"]) for f in t.findings()], [(True, 1)])
        t.told()
        self.assertEqual([f["new"] for f in t.findings()], [True])
        self.assertEqual([f["new"] for f in self.triage().findings()], [False])

    def test_policies(self):
        """Shared objects are known by their paths: of several each is tried until one calls itself what the finding says."""
        self.file("build/rel/bin/nosnoop-shrink", SHRINK.replace('"policy": "p"', '"policy": os.path.basename(sys.argv[5])[:-3]')
                  .replace("import json", "import os, json"), 0o755)
        for given, policy, tried in (("/x/a.so,/x/b.so", "b", ["/x/a.so", "/x/b.so"]), ("exact,/x/a.so", "exact", ["exact"]),
                                     ("exact,/x/a.so", "a", ["/x/a.so"]), ("/x/mine.so", "mine", ["/x/mine.so"]), (None, "batch", ["batch"])):
            shrinker = triage.Shrinker(built.Builds(self.path("build")), {"policy": given, "backend": None}, self.dir)
            self.assertEqual([c[5] for c in shrinker.commands("L", policy, "ops", "t")], tried)
        shrinker = triage.Shrinker(built.Builds(self.path("build")), {"policy": "/x/a.so,/x/b.so", "backend": None}, self.dir)
        got = [shrinker.json("L", p, "ops", self.file("t", "text")) for p in ("a", "b", "c")]
        self.assertEqual([g and g["policy"] for g in got], ["a", "b", None])

    def test_said(self):
        """What has no shape is told apart by what is said, whatever the numbers."""
        for nr, said in enumerate(("not the same after its text form", "what was printed is refused: line 3", "what was printed is refused: "
                                   "line 14", "not the same after its binary form")):
            self.input(nr, f"ROUND|{said}|", "codec")
        for nr, said in enumerate(("op 3: page 0x7f", "op 12: page 0x8", "op 3: domain 1")):
            self.input(nr, f"L|{said}|stubborn {nr}")
        found = {(f["rule"], f["what"]): f["count"] for f in self.triage().findings()}
        self.assertEqual(found, {("ROUND", "not the same after its text form"): 1, ("ROUND", "not the same after its binary form"): 1,
                                 ("ROUND", "what was printed is refused: line N"): 2, ("L", "op N: page N"): 2, ("L", "op N: domain N"): 1})
