#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kernel-check.sh from outside: a stock tree, trees with something wrong in them, bad input. Skipped where there is no tree."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BIN = os.path.join(TOP, os.environ.get("NOSNOOP_BIN", "build/rel/bin"))
IOMMUFD = "drivers/iommu/iommufd"
SHORT = "4"  # seconds of a run: what is looked for here, check and corpus find


def run(*args, timeout=300):
    done = subprocess.run([str(a) for a in args], cwd=TOP, capture_output=True, text=True, timeout=timeout, check=False)
    return done.returncode, done.stdout, done.stderr


def shell(*args):
    return run("scripts/kernel-check.sh", *args)


def check(*args):
    return run(sys.executable, "-B", "scripts/kernel_check.py", "--jobs", "1", *args)


def find_tree():
    rc, out, err = run("scripts/linux-tree.sh", "--no-install")
    return (out.strip().splitlines()[-1], "") if rc == 0 else (None, (err.strip().splitlines() or ["no kernel tree"])[-1])


TREE, WHY = find_tree()


class Temporary(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="nosnoop-test-")
        self.addCleanup(shutil.rmtree, self.dir)

    def copy(self, edit):
        """Of the tree's files that matter; @edit: {file: function of its text}."""
        to = os.path.join(self.dir, "tree")
        shutil.copytree(os.path.join(TREE, IOMMUFD), os.path.join(to, IOMMUFD))
        for name in ("include", "lib", "tools", "Makefile", "drivers/iommu/iommu-priv.h"):
            if os.path.exists(os.path.join(TREE, name)):
                os.symlink(os.path.join(TREE, name), os.path.join(to, name))
        for name, change in edit.items():
            path = os.path.join(to, IOMMUFD, name)
            with open(path, encoding="utf-8") as f:
                text = f.read()
            self.assertNotEqual(change(text), text)
            os.chmod(path, 0o644)
            with open(path, "w", encoding="utf-8") as f:
                f.write(change(text))
        return to

    def result(self, out):
        with open(os.path.join(out, "result.json"), encoding="utf-8") as f:
            doc = json.load(f)
        self.assertNotIn(self.dir, json.dumps(doc))
        return doc

    def mail(self, out):
        with open(os.path.join(out, "mail.txt"), encoding="utf-8") as f:
            text = f.read()
        self.assertEqual([x for x in text.splitlines() if len(x) > 75], [])
        return text

    def replayed(self, doc, out, trace):
        """The trace does on the tree as its expect lines say."""
        so = f"./build/kernel/{doc['tree']['build']}/tree.so"
        rc, text, err = run(f"{BIN}/nosnoop-replay", "--backend", so, "--json", os.path.join(out, trace))
        self.assertEqual(rc, 0, text + err)
        return json.loads(text)["results"][0]


class BadInput(Temporary):
    def refused(self, *args, says):
        rc, out, err = shell(*args)
        self.assertEqual((rc, out), (2, ""), err)
        self.assertRegex(err, says)
        rc, out, _ = shell(*args, "--bisect")
        self.assertEqual((rc, out), (125, ""))

    def test_options(self):
        self.refused("--frob", says="unrecognized arguments: --frob")
        self.refused("--seconds", "x", says="x: expected a number from 1")
        self.refused("--jobs=0", says="0: expected a number from 1 to 64")
        self.refused("--claims", "L,X", says="X: expected some of L,I,S0")
        self.refused("--linux-tree", says="--linux-tree: expected one argument")
        self.refused("--json", "--ktap", says="expected one of these")

    def test_out(self):
        with open(os.path.join(self.dir, "precious"), "w", encoding="utf-8"):
            pass
        self.refused("--out", self.dir, says="holds precious, which is no result; expected a new folder")
        self.refused("--out", os.path.join(self.dir, "precious"), says="is no folder")
        self.refused("--out", os.path.join(self.dir, "none/x"), says="no such folder above it")
        self.assertEqual(os.listdir(self.dir), ["precious"])

    def test_no_tree(self):
        self.refused("--linux-tree", self.dir, says="wanted the top of a kernel tree")
        self.refused("--linux-tree", os.path.join(self.dir, "gone"), says="wanted the top of a kernel tree")
        self.refused("--linux-tree", os.path.join(self.dir, "gone.tar.xz"), says="gone.tar.xz: no such file")


@unittest.skipUnless(TREE, WHY)
class OnTree(Temporary):
    def test_stock(self):
        """It never flushes: three contracts are broken, as everybody knows, and the page core's mistakes are known."""
        out = os.path.join(self.dir, "out")
        rc, text, err = check("--linux-tree", TREE, "--seconds", SHORT, "--json", "--out", out)
        self.assertEqual((rc, err), (0, ""), text)
        doc = json.loads(text)
        self.assertEqual(doc, self.result(out))
        self.assertEqual((doc["schema"], doc["verdict"], doc["claims"]), ("nosnoop kernel-check 1", "good", ["U"]))
        contracts = doc["contracts"]
        self.assertEqual([c for c in contracts if contracts[c]["verdict"] == "broken" and c in ("L", "I", "S0", "O", "U")], ["L", "I", "S0"])
        for c in ("L", "I", "S0"):
            self.assertNotEqual(self.replayed(doc, out, contracts[c]["trace"])["contracts"][c], "ok")
        self.assertEqual(contracts["L"]["ops"], 4)
        self.assertEqual((contracts["U"]["verdict"], contracts["U"]["known"]), ("known", ["unwind-map"]))
        self.assertTrue(doc["known"]["unwind-map"]["shows"])
        self.assertGreater(doc["known"]["unwind-map"]["corpus"], 0)
        self.assertEqual(doc["findings"], [])
        self.assertGreater(doc["programs"], 100)
        flushes = {r["trace"]: (r["flushes"], r["bound"]) for r in doc["flushes"]}
        self.assertEqual((flushes["g1"], flushes["g7"], flushes["author"]), ((0, 12), (0, 16), (0, 6)))
        mail = self.mail(out)
        self.assertIn(doc["tree"]["sha256"][:16], mail)
        self.assertRegex(mail, r"NO RULE: it does not flush: L, I and S0 are broken")
        self.assertRegex(mail, r"(?m)^U  kept, but for unwind-map")

    def test_claims(self):
        """One bit, and no more: the same tree held to L is bad."""
        out = os.path.join(self.dir, "out")
        rc, text, err = check("--linux-tree", TREE, "--seconds", "1", "--bisect", "--claims", "L", "--out", out)
        self.assertEqual((rc, text, err), (1, "", ""))
        self.assertRegex(self.mail(out), r"BAD: L broken")
        rc, text, err = check("--linux-tree", TREE, "--seconds", "1", "--bisect")
        self.assertEqual((rc, text, err), (0, "", ""))

    def test_page_core(self):
        """Pins that never ask for the right to write: the corpus knows that."""
        out = os.path.join(self.dir, "out")
        tree = self.copy({"pages.c": lambda text: re.sub(r"\bFOLL_WRITE\b", "0", text)})
        rc, text, err = check("--linux-tree", tree, "--seconds", "1", "--bisect", "--out", out)
        self.assertEqual((rc, text, err), (1, "", ""))
        doc = self.result(out)
        self.assertEqual((doc["verdict"], doc["contracts"]["U"]["claimed"]), ("bad", True))
        self.assertGreater(len(doc["findings"]), 0)
        mail = self.mail(out)
        self.assertRegex(mail, r"BAD: \d+ new findings in the page core; it does not flush")
        self.assertRegex(mail, r"(?m)^New: P10 ")
        for f in doc["findings"]:
            self.assertTrue(os.path.getsize(os.path.join(out, f["trace"])) > 0)

    def test_does_not_compile(self):
        tree = self.copy({"io_pagetable.c": lambda text: text + "\nint frob(\n"})
        rc, out, err = check("--linux-tree", tree, "--seconds", "1")
        self.assertEqual((rc, out), (2, ""), err)
        self.assertRegex(err, rf"(?s)^kernel-check.sh: {re.escape(tree)}: {IOMMUFD}/io_pagetable.c does not compile:\n.*error:")
        self.assertEqual(check("--linux-tree", tree, "--bisect")[:2], (125, ""))

    def ktap(self, text):
        lines = text.splitlines()
        self.assertEqual(lines[0], "KTAP version 1")
        plan = int(re.fullmatch(r"1\.\.(\d+)", lines[1])[1])
        tests = [re.fullmatch(r"(ok|not ok) (\d+) ([^#]+?)( # SKIP .*)?", x) for x in lines[2:] if not x.startswith("#")]
        self.assertTrue(all(tests), text)
        self.assertEqual([int(t[2]) for t in tests], list(range(1, plan + 1)))
        return {t[3]: t[1] == "ok" for t in tests}

    @unittest.skipUnless(os.path.exists(os.path.join(TOP, "scripts/linux-variant.py")), "no linux-variant.py")
    def test_leak(self):
        """The rule as it was posted leaks; the stock tree as its base shows the same page core."""
        tree, out = os.path.join(self.dir, "v1"), os.path.join(self.dir, "out")
        rc, text, err = run(sys.executable, "-B", "scripts/linux-variant.py", "--linux-tree", TREE, "--out", tree, "--rule", "v1")
        self.assertEqual(rc, 0, text + err)
        rc, text, err = check("--linux-tree", tree, "--base", TREE, "--seconds", SHORT, "--ktap", "--out", out)
        self.assertEqual((rc, err), (1, ""))
        tests = self.ktap(text)
        self.assertEqual((tests["contract L"], tests["contract U"], tests["corpus/seed/map"]), (False, True, True))
        doc = self.result(out)
        self.assertEqual((doc["claims"], doc["findings"]), (["L", "I", "S0", "O", "U"], []))
        self.assertEqual((doc["contracts"]["L"]["verdict"], doc["contracts"]["L"]["ops"], doc["contracts"]["L"]["base"]), ("broken", 5, "broken"))
        self.assertNotEqual(self.replayed(doc, out, doc["contracts"]["L"]["trace"])["contracts"]["L"], "ok")
        self.assertEqual(doc["against_base"]["broken"], [])
        self.assertGreater(doc["against_base"]["flushes"]["g1"], 0)
        mail = self.mail(out)
        self.assertRegex(mail, r"BAD: L, I and S0 broken")
        self.assertIn("Shortest trace that breaks L (leak), traces/L.ops:\nbuffer", mail)
        self.assertRegex(mail, r"Against linux-\S+ \([0-9a-f]{16}\): no contract newly")


if __name__ == "__main__":
    unittest.main()
