#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
linux_edit.py on small sources of its own; then, where a kernel tree is (scripts/linux-tree.sh --no-install): everything
in the list fits it and compiles, rules break what their policies break, each trial fix mends its deviation and no other.
Wants build/rel.
"""

import glob
import hashlib
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
spec = importlib.util.spec_from_file_location("mutants", os.path.join(HERE, "linux-mutants.py"))
mutants = importlib.util.module_from_spec(spec)
spec.loader.exec_module(mutants)
from kernel_check import MENDS  # noqa: E402
import linux_edit as edit  # noqa: E402
import linux_variants as lists  # noqa: E402

variant, build = mutants.variant, mutants.build
PROGRAM = os.path.join(HERE, "linux-variant.py")
IOMMUFD = variant.IOMMUFD

C = """/* f(1); */
struct box {
	int x; /* } */
};
static int g(int a)
{
	return a;
}

int f(struct box *b, int a)
{
	int rc = 0;

	if (a > 1 && b)
		rc = g(g(a) + 1);
	else
		for_each(b, a)
			b->x = 2;
	/* g(9) */
	if (rc) {
		g("}", '"');
		goto out;
	}
	b->x |= a;
out:
	h(b->x,
	  a);
	return rc;
}
"""


def changed(*edits):
    s = edit.Source("box.c", C)
    for e in edits:
        e.apply(s)
    return s.text


def words(text):
    return " ".join(text.split())


class Editing(unittest.TestCase):
    def there(self, part, *edits):
        self.assertIn(part, words(changed(*edits)))

    def refused(self, part, *edits):
        with self.assertRaises(edit.Mismatch) as e:
            changed(*edits)
        self.assertEqual(str(e.exception), part)

    def test_text_that_is_not_code_is_not_seen(self):
        self.assertEqual(len(edit.mask(C)), len(C))
        self.refused("box.c: no statement with a call of k() in f()",
                     edit.Drop("box.c", "f", edit.statement(edit.call("k"))))
        self.assertNotIn("9", edit.mask(C))
        heads = [C.index("struct"), C.index("static"), C.index("int f")]
        self.assertEqual([b[0] for b in edit.Source("x", C).blocks], heads)

    def test_one_place_or_none(self):
        self.refused("box.c: no function k()", edit.Begin("box.c", "k", ""))
        self.refused("box.c: no function k() or m()", edit.Drop("box.c", "k|m", edit.token("x")))
        self.refused("box.c: 3 times a call of g() in f(), wanted it once", edit.Put("box.c", "f", edit.call("g"), ""))
        self.refused("box.c: no struct bag", edit.NewField("box.c", "bag", "int y;"))
        self.there("return a + 1;", edit.Put("box.c", "k|g", edit.token(r"\ba\b"), "a + 1"))

    def test_selectors(self):
        self.there("if (false) rc =", edit.Put("box.c", "f", edit.condition("&&"), "false"))
        self.there("h(b->x, 7);", edit.Put("box.c", "f", edit.argument(edit.call("h"), 1), "7"))
        self.there("b->x |= 0;", edit.Put("box.c", "f", edit.value(r"\bb->x", holds="a"), "0"))
        self.there("int rc = 5;", edit.Put("box.c", "f", edit.value(r"\brc", holds="0"), "5"))
        self.there("if (a > 0 && b)", edit.Put("box.c", "f", edit.inside(edit.condition("&&"), "1"), "0"))
        self.there("k(a, b->x)", edit.Put("box.c", "f", edit.call("h"), "k(@1, @0)"))

    def test_statements_stand_behind_their_heads(self):
        inner = edit.statement(edit.token(r"\brc = g"))
        self.there("if (a > 1 && b) { k(); rc = g(g(a) + 1); } else", edit.Before("box.c", "f", inner, "k();"))
        looped = edit.statement(edit.value(r"\bb->x", holds="2"))
        self.there("else for_each(b, a) { b->x = 2; k(); }", edit.After("box.c", "f", looped, "k();"))
        self.there("out: { k(); h(", edit.Before("box.c", "f", edit.statement(edit.call("h")), "k();"))
        self.there("h(b->x, a); if (rc) { g(\"}\", '\"'); goto out; } b->x |= a; out: ; return",
                   edit.Move("box.c", "f", edit.statement(edit.call("h")), edit.branch(edit.condition("^rc$"))))

    def test_additions(self):
        self.there("struct box { int x; /* } */ int y; };", edit.NewField("box.c", "box", "int y;"))
        self.there("void k(void); int f(", edit.NewFunction("box.c", "f", "void k(void);"))
        self.there("{ a--; int rc", edit.Begin("box.c", "f", "a--;"))


def run(*args):
    return subprocess.run([sys.executable, "-B", PROGRAM, *args], capture_output=True, text=True)


class Lists(unittest.TestCase):
    def test_names_are_the_museums(self):
        with open(os.path.join(TOP, "fuzz/museum/mutants.def"), encoding="utf-8") as f:
            known = set(re.findall(r"^(\w+) ::", f.read(), re.M))
        names = [m.name for m in lists.MUTANTS]
        self.assertEqual([n for n in names if n not in known], [])
        self.assertEqual(len(names), len(set(names)))
        self.assertGreaterEqual(len(names), 20)

    def test_list(self):
        done = run("--list")
        self.assertEqual(done.returncode, 0)
        for v in lists.RULES + lists.FIXES + lists.MUTANTS:
            self.assertRegex(done.stdout, rf"(?m)^  {re.escape(v.name)} ")


class WithTree(unittest.TestCase):
    tree = None

    def setUp(self):
        tmp = tempfile.TemporaryDirectory()
        self.addCleanup(tmp.cleanup)
        self.tmp = tmp.name
        self.out = os.path.join(self.tmp, "out")


def tree_hash(tree):
    h = hashlib.sha256()
    for f in sorted(glob.glob(os.path.join(tree, IOMMUFD, "*"))):
        with open(f, "rb") as data:
            h.update(f.encode() + data.read())
    return h.hexdigest()


class Command(WithTree):
    def refused(self, status, part, *args):
        done = run(*args)
        self.assertEqual((done.returncode, done.stdout), (status, ""), done.stderr)
        self.assertIn(part, done.stderr)
        self.assertEqual(len(done.stderr.strip().split("\n")), 1)
        self.assertEqual([f for f in os.listdir(self.tmp) if f != "broken"], [])

    def test_bad_input(self):
        here = ("--linux-tree", self.tree)
        self.refused(2, "no rule \"v9\"; there are: v1 ", *here, "--out", self.out, "--rule", "v9")
        self.refused(2, "no fix \"all\"", *here, "--out", self.out, "--fix", "unwind,all")
        self.refused(2, "no mutant \"m01\"", *here, "--out", self.out, "--mutant", "m01")
        self.refused(2, "cannot be combined", *here, "--out", self.out, "--rule", "v1", "--mutant", "F01")
        self.refused(2, "--out", *here, "--rule", "v1")
        self.refused(2, "nothing to do", *here, "--out", self.out)
        self.refused(2, "--linux-tree", "--out", self.out, "--rule", "v1")
        self.refused(2, "No such file", "--linux-tree", "/nowhere", "--out", self.out, "--rule", "v1")
        self.refused(2, "lies in the checkout", *here, "--out", os.path.join(TOP, "scripts/x"), "--rule", "v1")
        self.refused(2, "lies in the kernel tree", *here, "--out", os.path.join(self.tree, "x"), "--rule", "v1")
        self.refused(2, "no such folder", *here, "--out", os.path.join(self.out, "y"), "--rule", "v1")

    def test_what_is_not_ours_stays(self):
        os.mkdir(self.out)
        done = run("--linux-tree", self.tree, "--out", self.out, "--rule", "v1")
        self.assertEqual(done.returncode, 2)
        self.assertIn("not of this program's making", done.stderr)
        self.assertEqual(os.listdir(self.out), [])

    def test_a_pattern_that_fits_nowhere(self):
        broken = os.path.join(self.tmp, "broken")
        os.makedirs(os.path.join(broken, IOMMUFD))
        for f in glob.glob(os.path.join(self.tree, IOMMUFD, "*.[ch]")):
            with open(f, encoding="utf-8") as source, \
                    open(os.path.join(broken, IOMMUFD, os.path.basename(f)), "w", encoding="utf-8") as to:
                to.write(source.read().replace("iopt_table_add_domain", "iopt_table_take_domain"))
        self.refused(1, "v1: hw_pagetable.c: no statement with a call of iopt_table_add_domain() in "
                     "iommufd_hwpt_paging_alloc()", "--linux-tree", broken, "--out", self.out, "--rule", "v1")
        done = run("--linux-tree", broken, "--check")
        self.assertEqual(done.returncode, 1)
        self.assertIn("do not", done.stdout)

    def test_a_copy(self):
        before = tree_hash(self.tree)
        for _ in range(2):
            done = run("--linux-tree", self.tree, "--out", self.out, "--rule", "v1", "--fix", "unwind",
                       "--mutant", "S04")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(os.listdir(self.tmp), ["out"])
        self.assertEqual(tree_hash(self.tree), before)
        self.assertRegex(build.version_of(self.out), r"-v1\+unwind\+S04$")
        for link in variant.LINKS:
            self.assertTrue(os.path.islink(os.path.join(self.out, link)))


class Fits(WithTree):
    def test_everything(self):
        fit, complaints = variant.check(self.tree)
        self.assertEqual(complaints, [])
        self.assertEqual(fit, len(lists.RULES + lists.FIXES + lists.MUTANTS))

    def test_everything_compiles(self):
        """With all fixes, as linux-mutants.py makes them."""
        b = None
        recipes = [variant.Recipe(r.name, mutants.FIXES) for r in lists.RULES]
        recipes += [variant.Recipe(m.base[0], mutants.FIXES, [m.name]) for m in lists.MUTANTS]
        stock = variant.edited(self.tree, variant.Recipe("", mutants.FIXES))
        for r in recipes:
            with self.subTest(r.name()):
                variant.make(self.tree, self.out, r)
                if not b:
                    _, b = mutants.compiler(self.out, os.path.join(self.tmp, "x.so"))
                    b.defines = ["-DHAVE_%s=1" % n for n in map(b.probe, build.PROBES.items()) if n]
                for name, text in variant.edited(self.tree, r).items():
                    if name.endswith(".c") and text != stock.get(name):
                        source = os.path.join(self.out, IOMMUFD, name)
                        b.compile(os.path.realpath(source), ("-O0", "-g0", "-fsyntax-only"), "syntax")


class Judged(WithTree):
    """Rules and fixes under the judge."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.base = mutants.Base(cls.tree, variant.Recipe(), cls.folder.name)
        cls.made = {}

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def built(self, rule="", fixes=()):
        recipe = variant.Recipe(rule, fixes)
        if recipe.name() not in self.made:
            self.made[recipe.name()] = self.base.variant(recipe, tempfile.mkdtemp(dir=self.folder.name))
        return self.made[recipe.name()]

    def replayed(self, so, files):
        results = mutants.replay(so, files)
        self.assertIsInstance(results, list)
        return results

    def test_v1_leaks_where_it_is_known_to(self):
        expected = {}
        for f in mutants.traces():
            with open(os.path.join(TOP, f), encoding="utf-8") as text:
                m = re.search(r"^expect v1_posted L at (\d+) page (\d+)", text.read(), re.M)
            if m:
                expected[f] = int(m.group(1)), int(m.group(2))
        self.assertGreaterEqual(len(expected), 4)  # slices, replug, churn, failed attach
        for r in self.replayed(self.built("v1"), list(expected)):
            leak = r["contracts"]["L"]
            self.assertNotEqual(leak, "ok", r["trace"])
            self.assertEqual((leak["op"], leak["page"]), expected[r["trace"]], r["trace"])

    def test_flushes_are_those_of_the_policies(self):
        golden = sorted(os.path.relpath(f, TOP) for f in glob.glob(os.path.join(TOP, "corpus/seed/golden/*.ops")))
        counts = {"v1": [12, 12, 6, 9, 6, 5, 9, 6], "sticky": [12, 12, 9, 12, 6, 5, 16, 6],
                  "eager": [12, 12, 12, 12, 6, 4, 16, 6], "storage_skip": [12, 12, 9, 12, 6, 4, 16, 6]}
        for rule, wanted in counts.items():
            with self.subTest(rule):
                so = self.built(rule, mutants.FIXES if rule == "sticky" else ())
                found = [r["flushes"] for r in self.replayed(so, golden)]
                self.assertEqual(found, wanted)

    def test_sticky_with_all_fixes_is_silent(self):
        for r in self.replayed(self.built("sticky", mutants.FIXES), mutants.traces()):
            self.assertEqual(mutants.fired(r), [], r["trace"])

    def test_a_fix_mends_its_own(self):
        known = sorted(os.path.relpath(f, TOP) for f in
                       glob.glob(os.path.join(TOP, "corpus/regress/linux/expected/*.ops")))
        owner = {f: fix for f in known for name, fix in MENDS.items() if os.path.basename(f).startswith(name)}
        self.assertEqual([f for f in known if f not in owner], [])
        files = mutants.traces() + known
        before = {r["trace"]: self.shown(r) for r in self.replayed(self.base.so, files)}
        for fix in sorted(set(owner.values())):
            with self.subTest(fix):
                after = {r["trace"]: self.shown(r) for r in self.replayed(self.built("", [fix]), files)}
                self.assertEqual({f: after[f] for f in known if owner[f] == fix and after[f]}, {})
                # What else has changed has become right.
                self.assertEqual([f for f in files if owner.get(f) != fix and after[f] != before[f] and after[f]], [])

    @staticmethod
    def shown(result):
        """Rules that fired, whether the trace expects them or not."""
        return sorted({f["rule"] for f in result["findings"]} |
                      {c for c, v in result["contracts"].items() if v != "ok" and c in result["claims"]})


def main():
    found = subprocess.run([os.path.join(HERE, "linux-tree.sh"), "--no-install"], capture_output=True, text=True)
    suites = [Editing, Lists]
    if found.returncode == 0:
        WithTree.tree = found.stdout.strip().split("\n")[-1]
        suites += [Command, Fits, Judged]
    else:
        print("skipped: variants of a kernel tree:", found.stderr.strip().split("\n")[-1] or "there is none here")
    load = unittest.defaultTestLoader.loadTestsFromTestCase
    done = unittest.TextTestRunner(verbosity=1).run(unittest.TestSuite(map(load, suites)))
    return 0 if done.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
