#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Mutator and states as engines see them: AFL++'s shared object by its own interface, libFuzzer's programs by what they reach."""

import ctypes
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIBRARY = os.path.join(TOP, os.environ.get("NOSNOOP_MUTATOR", "build/rel/bin/mutator-ops.so"))
LIBFUZZER = os.path.join(TOP, os.environ.get("NOSNOOP_LIBFUZZER_BIN", "build/fuzz/bin"), "fuzz-policy-libfuzzer")
REPLAYER = os.path.join(TOP, "build", "rel", "bin", "fuzz-policy-replay")
LIMIT = 1 + 64 * 32  # MUTATE_RECORDS
MEGABYTE = 1 << 20


class Mutator:
    def __init__(self, seed):
        self.lib = ctypes.CDLL(LIBRARY)
        self.lib.afl_custom_init.restype = ctypes.c_void_p
        self.lib.afl_custom_fuzz.restype = ctypes.c_size_t
        self.it = ctypes.c_void_p(self.lib.afl_custom_init(None, ctypes.c_uint(seed)))

    def __call__(self, data, add=None, most=MEGABYTE):
        out = ctypes.POINTER(ctypes.c_ubyte)()
        n = self.lib.afl_custom_fuzz(self.it, ctypes.create_string_buffer(data, len(data)), ctypes.c_size_t(len(data)),
                                     ctypes.byref(out), None if add is None else ctypes.create_string_buffer(add, len(add)),
                                     ctypes.c_size_t(len(add or b"")), ctypes.c_size_t(most))
        return ctypes.string_at(out, n)

    def close(self):
        self.lib.afl_custom_deinit(self.it)


class Afl(unittest.TestCase):
    def setUp(self):
        if not os.path.exists(LIBRARY):
            self.skipTest(f"{LIBRARY} is not built")

    def rows(self, seed, turns=400):
        """What it makes of its own products, with another input beside in every second turn."""
        m, data, all_of_it = Mutator(seed), b"", []
        for i in range(turns):
            data = m(data, all_of_it[i // 2] if i % 2 else None)
            all_of_it.append(data)
        m.close()
        return all_of_it

    def test_programs(self):
        made = self.rows(1)
        for data in made:
            self.assertEqual((len(data) % 32, data[0]), (1, 1))
            self.assertLessEqual(len(data), LIMIT)
        self.assertGreater(max(map(len, made)), LIMIT // 2)
        self.assertGreater(len(set(made)), 350)

    def test_seed(self):
        self.assertEqual(self.rows(7), self.rows(7))
        self.assertNotEqual(self.rows(7), self.rows(8))

    def test_room(self):
        m = Mutator(3)
        long = bytes([1]) + bytes(range(32)) * 300
        for most in (1, 2, 32, 33, 64, 1000, MEGABYTE):
            for add in (None, b"", long):
                self.assertLessEqual(len(m(long, add, most)), min(most, len(long)))
                self.assertLessEqual(len(m(b"\x01" * 40, add, most)), min(most, LIMIT))
        m.close()

    def test_crossing(self):
        """Records that only the other input has come in."""
        m, odd = Mutator(5), b"\x01" + bytes([0x22]) + bytes(31)
        mark = bytes([32, 0, 0, 0, 77, 0, 0, 0]) + bytes(24)  # gup_limit 77
        mine = sum(mark in m(b"\x01" + bytes(32 * 4), b"\x01" + mark * 8) for _ in range(300))
        self.assertEqual(sum(mark in m(odd) for _ in range(300)), 0)
        self.assertGreater(mine, 60)
        m.close()


class Switch(unittest.TestCase):
    def test_edges(self):
        """feedback_switch.c has an edge for each of its cases, however it is optimised."""
        if not shutil.which("clang"):
            self.skipTest("clang is not installed")
        for level in ("-O1", "-O2", "-O3"):
            with tempfile.TemporaryDirectory() as work:
                made = os.path.join(work, "switch.o")
                subprocess.run(["clang", "-std=gnu11", level, "-fsanitize=fuzzer-no-link", f"-I{TOP}", "-c",
                                os.path.join(TOP, "fuzz", "engine", "feedback_switch.c"), "-o", made], check=True)
                sizes = subprocess.run(["size", "-A", made], capture_output=True, text=True, check=True).stdout
            counters = sum(map(int, re.findall(r"^__sancov_cntrs\s+(\d+)", sizes, re.M)))
            self.assertGreaterEqual(counters, 256, level)


class Edges(unittest.TestCase):
    """
    What no-edges.list says holds in what was compiled: each engine's compiler reads it in its own way. Not of programs that
    are instrumented when they are linked (afl-lto).
    """
    FOLLOWED = r"iopt\.dir/(?!itree|sparse)\w+|flush\.dir/exact|oplang\.dir/text_parse|language\.dir/.*/(op|expect|program)"
    NOT = (r"(compat|machine|shadow)\.dir/\w+|iopt\.dir/(itree|sparse)|oplang\.dir/(op|expect|program|gen\w*)|"
           r"oprun\.dir/(backend\w*|bind|envelope|judge|run\w*)|campaign\.dir/campaign/\w+|finding\.dir/shrink/\w+|"
           r"fuzztarget\.dir/target")

    def look(self, program, mark, but=()):
        folder = os.path.dirname(os.path.dirname(program))
        if not os.path.exists(program):
            self.skipTest(f"{program} is not built")
        objects = [o for o in glob.glob(folder + "/**/*.c.o", recursive=True)
                   if re.search(r"/(core|fuzz/CMakeFiles|fuzz/engine)/", o[len(folder):]) and "/test_" not in o]
        for pattern, least, wanted in ((self.FOLLOWED, 14, True), (self.NOT, 45, False)):
            found = [o for o in objects if re.search(f"/({pattern})\\.c\\.o$", o) and not o.endswith(but)]
            self.assertGreaterEqual(len(found), least, pattern)
            for o in found:
                said = subprocess.run(["readelf", "-sSW", o], capture_output=True, text=True, check=True).stdout
                self.assertEqual(mark in said, wanted, o)

    def test_afl(self):
        # One function of domain.c begins with one of a header.
        self.look(os.path.join(TOP, "build", "afl", "bin", "fuzz-codec-afl"), "__afl_area_ptr", ("machine.dir/domain.c.o",))

    def test_libfuzzer(self):
        self.look(LIBFUZZER.replace("policy", "codec"), "__sancov_cntrs")


class LibFuzzer(unittest.TestCase):
    def features(self, mutator):
        with tempfile.TemporaryDirectory() as work:
            done = subprocess.run([LIBFUZZER, "-seed=1", "-runs=2000", "-max_len=2049", "-len_control=0", "-entropic=0",
                                   f"-artifact_prefix={work}/"], cwd=work, capture_output=True, text=True, errors="replace",
                                  check=False, env={**os.environ, "FUZZ_MUTATOR": mutator})
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        return int(re.findall(r"DONE .* ft: (\d+)", done.stderr)[-1])

    def test_reaches_more(self):
        if not os.path.exists(LIBFUZZER):
            self.skipTest(f"{LIBFUZZER} is not built")
        self.assertGreater(self.features("1"), 2 * self.features("0"))

    def test_merge(self):
        """As campaigns merge (scripts/campaign/merge.py): no state is lost with what is left out."""
        if not os.path.exists(LIBFUZZER) or not os.path.exists(REPLAYER):
            self.skipTest(f"{LIBFUZZER} or {REPLAYER} is not built")
        with tempfile.TemporaryDirectory() as work:
            whole, kept = os.path.join(work, "whole"), os.path.join(work, "kept")
            os.makedirs(whole), os.makedirs(kept)
            for command in ([REPLAYER, "--generate", "400", "--ops", "20", "--encode", whole],
                            [LIBFUZZER, "-set_cover_merge=1", "-use_counters=0", f"-artifact_prefix={work}/", kept, whole]):
                subprocess.run(command, cwd=work, capture_output=True, check=True)
            states = [subprocess.run([REPLAYER, "--states", f], capture_output=True, text=True, check=True).stdout.split()[0] for f in (whole, kept)]
            self.assertEqual(states[0], states[1])
            self.assertGreater(int(states[0]), 300)
            self.assertLess(len(os.listdir(kept)), len(os.listdir(whole)) // 2)


if __name__ == "__main__":
    outcome = unittest.main(exit=False).result
    for _, why in outcome.skipped:
        print(f"skipped: {why}")
    sys.exit(not outcome.wasSuccessful())
