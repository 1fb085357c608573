#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
record.sh without a kernel: console.py on two stored consoles (of real boots) and on what can go wrong with them,
modules.py on made modules, record.sh itself with a QEMU that only plays a console or hangs.
"""

import gzip
import hashlib
import lzma
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
import console
import modules

MARK = "=== nosnoop-record "


def stored(name):
    """As a serial console sends it; the files have plain ends of lines."""
    with open(os.path.join(HERE, f"console-{name}.txt"), encoding="utf-8") as f:
        return f.read().replace("\n", "\r\n")


OFF, ON = stored("off"), stored("on")


def resealed(text):
    """The markers' promises made true again, after an edit between them."""
    m = re.search(rf"{MARK}trace begin lines=\d+ md5=\w+\r\n(.*?){MARK}trace end", text, re.S)
    body = m[1].replace("\r\n", "\n")
    promise = f"lines={body.count(chr(10))} md5={hashlib.md5(body.encode()).hexdigest()}"
    return re.sub(r"lines=\d+ md5=\w+", promise, text)


def edit(text, old, new, times=1):
    assert text.count(old) >= 1, old
    return text.replace(old, new, times)


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name, data=None):
        path = os.path.join(self.folder.name, name)
        if data is not None:
            with open(path, "wb") as f:
                f.write(data if isinstance(data, bytes) else data.encode())
        return path


class Console(Folder):
    def run_on(self, text, snoop="off", what="vfio", *options):
        """console.py in this process: (exit code, standard error, the trace or None)."""
        out, err = self.path("out.ops"), self.path("err")
        log = self.path("console", text)
        with open(err, "w+", encoding="utf-8") as f:
            old, sys.stderr = sys.stderr, f
            try:
                rc = console.main(["--what", what, "--snoop-control", snoop, *options, "-o", out, log])
            finally:
                sys.stderr = old
        with open(err, encoding="utf-8") as f:
            said = f.read()
        try:
            with open(out, encoding="utf-8") as f:
                ops = f.read()
        except FileNotFoundError:
            ops = None
        return rc, said, ops

    def refused(self, text, *words, snoop="off", what="vfio"):
        rc, said, ops = self.run_on(text, snoop, what)
        self.assertEqual((rc, ops), (2, None), said)
        self.assertRegex(said.split("\n")[0], r"^\S*console:\d+: [^\n]+, expected [^\n]+$")
        for w in words:
            self.assertIn(w, said)

    def test_good(self):
        for text, snoop, cc, kind in ((OFF, "off", 0, "noncoherent"), (ON, "on", 1, "coherent")):
            rc, said, ops = self.run_on(text, snoop, "vfio", "--qemu", "7.2", "--date", "2026-11-26", "--machine", "a machine")
            self.assertEqual((rc, said), (0, ""))
            for line in (f"# meta: DMA_CC {cc}", f"attach A n0 {kind}", "# meta: date: 2026-11-26", "# meta: machine: a machine"):
                self.assertIn(f"\n{line}\n", ops)
            self.assertRegex(ops, r"\n# recorded on: Linux 6\.\S+ \(#1 .*\) under QEMU 7\.2\n")
            # Counted by hand: type1's probe, four parts of the RAM, and two touching pages, which nothing tells from one request.
            self.assertIn("# meta: VFIO user: maps 6 (268312576 bytes), unmaps 6, attaches 1; with 8192 bytes", ops)
            self.assertEqual(len(re.findall(r"^map ", ops, re.M)), 6)
            self.assertIsNone(console.agree(ops))

    def test_cut_anywhere(self):
        """No part of a log is a log, until the trace is whole."""
        end = OFF.index(MARK + "trace end")
        for at in range(0, end, 211):
            self.refused(OFF[:at])
        self.refused(OFF[:end], "ends inside the trace", "last lines of the console")

    def test_markers(self):
        self.refused("", "never began")
        self.refused(edit(OFF, MARK + "begin", "=== begin"), "never began")
        self.refused(re.sub(MARK + "trace begin[^\n]*\n", "", OFF), "expected")
        self.refused(edit(OFF, MARK + "trace end\r\n", ""), "ends inside the trace")
        self.refused(re.sub(rf"{MARK}trace begin.*?{MARK}trace end\r\n", "", OFF, flags=re.S), "there is no trace")
        self.refused(re.sub(r" md5=\w+", "", OFF), "md5")

    def test_every_byte_counts(self):
        first = re.search(r"^.*: map: .*\n", OFF, re.M)[0]
        self.refused(edit(OFF, first, ""), "32 lines between the markers, expected 33")
        self.refused(edit(OFF, first, first + first), "34 lines between the markers, expected 33")
        self.refused(edit(OFF, first, first.replace("paddr=0x", "paddr=0y")), "not those that were sent")
        self.refused(edit(OFF, first, "[    9.0] a message of the kernel\r\n"), "not those that were sent")

    def test_kernel_dies(self):
        panic = "[    3.1] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\r\n"
        self.refused("[    0.1] Linux version 6\r\n" + panic, "the guest's kernel died: Kernel panic", "Unable to mount", "Linux version 6")
        at = OFF.index(": map:")
        at = OFF.rindex("\n", 0, at) + 1
        self.refused(OFF[:at] + panic, "Kernel panic")
        self.refused(edit(OFF, MARK + "kernel", "[ 2.0] BUG: kernel NULL pointer dereference, address: 0\r\n" + MARK + "kernel"), "BUG:")

    def test_guest_gives_up(self):
        at = OFF.index(MARK + "dma_cc")
        self.refused(OFF[:at] + MARK + "error=no events/iommu: wanted a kernel with CONFIG_TRACING\r\n" + MARK + "end\r\n",
                     "the guest gave up: no events/iommu", "last lines")

    def test_wrong_dma_cc(self):
        self.refused(edit(OFF, "dma_cc=0", "dma_cc=1"), "VFIO_DMA_CC_IOMMU answers 1 with snoop-control=off, expected 0")
        self.refused(edit(ON, "dma_cc=1", "dma_cc=0"), "answers 0", snoop="on")
        self.refused(edit(OFF, "dma_cc=0", "dma_cc=2"), "answers 2")
        self.refused(edit(OFF, "dma_cc=0", "dma_cc=?"), "a number")
        self.refused(re.sub(MARK + "dma_cc=0\r\n", "", OFF), "did not say dma_cc")
        self.refused(ON, "the IOMMU has snoop control", "snoop-control=off")
        self.refused(OFF, "the IOMMU has no snoop control", snoop="on")

    def test_another_recording(self):
        self.refused(OFF, "a recording of vfio, expected nvme", what="nvme")

    def test_what_the_user_says_is_what_was_mapped(self):
        self.refused(edit(OFF, "user_mapped=268312576", "user_mapped=268308480"), "the events map 268320768 bytes")
        self.refused(edit(OFF, "user_unmapped=268312576", "user_unmapped=268308480"), "the events unmap")
        # An event is missing, and the sums were made to fit: the bytes tell.
        last = re.findall(r"^.*: map: .*\n", OFF, re.M)[-1]
        self.refused(resealed(edit(OFF, last, "")), ", expected ")

    def test_lost_events(self):
        n = int(re.search(r"entries-written: (\d+)/", OFF)[1])
        self.refused(resealed(edit(OFF, f"{n}/{n}", f"{n}/{n + 5}")), "lost 5 events", "--buffer-kb")

    def test_old_trace_stays(self):
        self.path("out.ops", "as it was\n")
        rc, _, ops = self.run_on(OFF[:-len(OFF) // 2])
        self.assertEqual((rc, ops), (2, "as it was\n"))

    def test_the_events_alone(self):
        """--trace keeps the text: trace2ops.py makes the same ops of it."""
        text = self.path("out.trace.gz")
        _, _, ops = self.run_on(OFF, "off", "vfio", "--trace", text)
        again = subprocess.run([sys.executable, "-B", os.path.join(TOP, "scripts", "trace2ops.py"), "--as-recorded", text],
                               capture_output=True, text=True, check=True).stdout
        self.assertEqual(again.split("\n\n")[1], ops.split("\n\n")[1])
        self.assertEqual(again.split("\n")[:2], ops.split("\n")[:2])

    def test_meta_and_attach_agree(self):
        folder = os.path.join(TOP, "corpus", "recorded")
        for name in sorted(os.listdir(folder)):
            if name.endswith(".ops"):
                with open(os.path.join(folder, name), encoding="utf-8") as f:
                    self.assertIsNone(console.agree(f.read()), name)
        _, _, ops = self.run_on(OFF)
        self.assertEqual(console.agree(ops.replace("n0 noncoherent", "n0 coherent"))[2], "noncoherent")
        self.assertEqual(console.agree(ops.replace("DMA_CC 0", "DMA_CC 1"))[2], "coherent")
        self.assertIsNotNone(console.agree(ops.replace("DMA_CC 0", "DMA_CC 7")))


def fake_module(depends, softdep=""):
    info = f"license=GPL\0depends={depends}\0" + (f"softdep={softdep}\0" if softdep else "")
    return b"\x7fELF" + b"\0" * 20 + info.encode() + b"name=x\0"


class Modules(Folder):
    def setUp(self):
        super().setUp()
        sub = os.path.join(self.folder.name, "kernel", "drivers")
        os.makedirs(sub)
        for name, raw in (("leaf.ko", fake_module("")), ("mid-dle.ko.xz", lzma.compress(fake_module("leaf,in-kernel", "pre: soft gone post: late"))),
                          ("top.ko.gz", gzip.compress(fake_module("mid-dle,leaf"))), ("soft.ko", fake_module("")),
                          ("lonely.ko", fake_module("nowhere")), ("broken.ko", b"no module")):
            self.path(os.path.join("kernel", "drivers", name), raw)
        self.path("modules.builtin", "kernel/drivers/in-kernel.ko\n")

    def test_order(self):
        found = modules.Modules(self.folder.name).order(["top", "in-kernel"])
        self.assertEqual([n for n, _ in found], ["leaf", "soft", "mid_dle", "top"])
        self.assertTrue(all(raw.startswith(b"\x7fELF") for _, raw in found))

    def test_missing(self):
        for name, word in (("nothing", "no module nothing"), ("lonely", "wanted by lonely"), ("broken", "not an ELF file")):
            out = self.path("out-" + name)
            os.mkdir(out)
            r = subprocess.run([sys.executable, "-B", os.path.join(HERE, "modules.py"), self.folder.name, out, name],
                               capture_output=True, text=True)
            self.assertEqual(r.returncode, 2)
            self.assertIn(word, r.stderr)
            self.assertIn(", expected ", r.stderr)


def lacks():
    return [p for p in ("gcc", "cpio", "busybox", "readelf") if not shutil.which(p)]


class Script(Folder):
    """record.sh as a process."""

    def start(self, *args, play=None):
        env = dict(os.environ)
        if play is not None:
            self.path("qemu-system-x86_64", play)
            os.chmod(self.path("qemu-system-x86_64"), 0o755)
            env["PATH"] = self.folder.name + ":" + env["PATH"]
        return subprocess.Popen([os.path.join(TOP, "scripts", "record.sh"), *args], env=env, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def refused(self, *args, word):
        p = self.start(*args)
        out, err = p.communicate(timeout=60)
        self.assertEqual((p.returncode, out), (2, ""), err)
        self.assertIn(word, err)

    def player(self, text, then=""):
        """A QEMU that writes a console. The recording's folder is that of its disk."""
        log = self.path("play", text)
        return ("#!/bin/bash\ncase \"$*\" in\n*intel-iommu,help*) echo snoop-control=; exit 0 ;;\n--version) echo QEMU emulator version 9.9.9; exit 0 ;;\nesac\n"
                f"for a; do case $a in file:*) cat {log} >\"${{a#file:}}\"; dirname \"${{a#file:}}\" >{self.path('work')} ;; esac; done\necho $$ >{self.path('pid')}\n{then}\n")

    def boot(self, text, *args, then=""):
        self.path("bzImage", "a kernel")
        return self.start("vfio", "--maps", "2", "--kernel", self.path("bzImage"), "--no-install", "--out", self.path("new.ops"), *args,
                          play=self.player(text, then))

    def test_bad_input(self):
        for args, word in (((), "expected one of nvme vfio"), (("usb",), "expected one of nvme vfio"), (("vfio", "--snoop-control", "maybe"), "on off"),
                           (("nvme", "--shape", "ram"), "only with vfio"), (("vfio", "--maps", "x"), "expected a number"),
                           (("vfio", "--out", "/tmp/x.txt"), ".ops"), (("vfio", "--kernel", "/gone/bzImage"), "no such file"),
                           (("vfio", "--kernel="), "expected a package"), (("vfio", "--modules", "/gone"), "no such folder"), (("vfio", "--frobnicate"), "unknown option"),
                           (("vfio", "--out=/gone/x.ops"), "--out /gone/x.ops: no such folder"), (("vfio", "--keep=1"), "--keep takes no value")):
            with self.subTest(args):
                self.refused(*args, "--no-install", word=word)
        self.assertFalse(os.path.exists("/gone"))

    @unittest.skipIf(lacks(), "not installed: " + " ".join(lacks()))
    def test_a_played_guest(self):
        p = self.boot(OFF)
        out, err = p.communicate(timeout=60)
        self.assertEqual(p.returncode, 0, err)
        self.assertIn("meta: DMA_CC 0\n", out)
        self.assertIn("under QEMU 9.9.9\n", out)
        self.assertTrue(os.path.exists(self.path("new.ops")))
        self.nothing_left()

    @unittest.skipIf(lacks(), "not installed: " + " ".join(lacks()))
    def test_a_guest_that_hangs(self):
        p = self.boot("[    0.0] Booting\r\n[    1.0] waiting for what never comes\r\n", "--timeout", "1", then="exec sleep 60")
        _, err = p.communicate(timeout=60)
        self.assertEqual(p.returncode, 1)
        self.assertIn("did not end within 1 s", err)
        self.assertIn("waiting for what never comes", err)
        self.gone()

    def nothing_left(self):
        with open(self.path("work"), encoding="utf-8") as f:
            self.assertFalse(os.path.exists(f.read().strip()))

    def gone(self):
        self.nothing_left()
        with open(self.path("pid"), encoding="ascii") as f:
            pid = int(f.read())
        for _ in range(200):
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                self.assertFalse(os.path.exists(self.path("new.ops")))
                return
            time.sleep(0.05)
        self.fail("the guest is still there")

    @unittest.skipIf(lacks(), "not installed: " + " ".join(lacks()))
    def test_terminated(self):
        p = self.boot("[    0.0] Booting\r\n", then="exec sleep 60")
        for _ in range(600):
            if os.path.exists(self.path("pid")) and os.path.getsize(self.path("pid")):
                break
            time.sleep(0.05)
        p.send_signal(signal.SIGTERM)
        p.communicate(timeout=60)
        self.assertEqual(p.returncode, 130)
        self.gone()

    @unittest.skipIf(lacks(), "not installed: " + " ".join(lacks()))
    def test_qemu_fails(self):
        p = self.boot("", then="echo 'qemu: no such machine' >&2; exit 1")
        _, err = p.communicate(timeout=60)
        self.assertEqual(p.returncode, 1)
        self.assertIn("no such machine", err)
        self.assertIn("QEMU ended with 1", err)


if __name__ == "__main__":
    if lacks():
        print("skipped: record.sh with a played guest: not installed: " + " ".join(lacks()))
    unittest.main()
