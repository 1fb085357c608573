#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
trace2ops.py against a reader of its own: the text is parsed here once more, the .ops are walked by a model of a few
lines, and both must tell the same maps, sizes, runs, unmaps, order and sharing of frames.
"""

import gzip
import os
import random
import re
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
RECORDED = os.path.join(os.path.dirname(HERE), "corpus", "recorded")
PROGRAM = os.path.join(HERE, "trace2ops.py")
# file, option, maps, unmaps: the counts that whoever recorded them wrote down
FILES = (("nvme-strict", "--noncoherent", 2132, 244),
         ("vfio-type1-noncoherent", "--noncoherent", 103, 104),
         ("vfio-type1-coherent", "--coherent", 101, 102),
         ("vfio-type1-replug-noncoherent", "--noncoherent", 48, 50))


class Mismatch(Exception):
    pass


def text_events(text):
    """[("map", iova, pages, pfn) | ("unmap", iova, pages)], by splitting words: no code of the converter's."""
    out = []
    for line in text.splitlines():
        words = line.replace("=", " ").split()
        if line.startswith("#") or "IOMMU:" not in words or "iova" not in words:
            continue
        value = {words[i]: words[i + 1] for i in range(len(words) - 1)}
        iova = int(value["iova"], 16)
        if "paddr" in words:
            out.append(("map", iova, int(value["size"]) // 4096, int(value["paddr"], 16) // 4096))
        elif int(value["unmapped_size"]):
            out.append(("unmap", iova, int(value["unmapped_size"]) // 4096))
    return out


class Walk:
    """Executes .ops as far as layouts, maps and unmaps go, and consumes the text's events on the way."""

    def __init__(self, ops, events):
        self.events, self.at = list(events), 0
        self.next_frame = 1
        self.buffers, self.areas, self.live = {}, {}, {}
        self.attaches, self.detaches, self.skipped, self.cut_runs = [], [], 0, 0
        for line in ops.splitlines():
            m = re.match(r"# unmap of 0x\w+ \(line \d+\): what was mapped before", line)
            if m:
                self.take("unmap")
                self.skipped += 1
            words = line.split("#")[0].split()
            if words:
                getattr(self, "do_" + words[0])(words[1:])
        if self.at != len(events):
            raise Mismatch(f"{len(events) - self.at} events are not in the ops")

    def take(self, kind):
        if self.at == len(self.events) or self.events[self.at][0] != kind:
            raise Mismatch(f"event {self.at}: {self.events[self.at:self.at + 1]}, the ops say {kind}")
        self.at += 1
        return self.events[self.at - 1]

    def fresh(self, n):
        first = self.next_frame
        self.next_frame += n + 1  # runs are never adjacent
        return list(range(first, first + n))

    @staticmethod
    def pages(text, whole=None):
        m = re.fullmatch(r"(\w+)(?:\[(\d+)(?:\.\.(\d+))?\])?", text)
        first = int(m[2] or 0)
        last = int(m[3]) if m[3] else first if m[2] else whole - 1
        return m[1], first, last

    def do_table(self, w):
        pass

    def do_attach(self, w):
        self.attaches.append((self.at, w[2]))

    def do_detach(self, w):
        self.detaches.append(self.at)

    def do_buffer(self, w):
        self.buffers[w[0]] = self.fresh(int(w[1]))

    def do_free(self, w):
        del self.buffers[w[0]]

    def do_layout(self, w):
        name, first, last = self.pages(w[0])
        run = int(w[2])
        for i in range(first, last + 1, run):
            n = min(run, last + 1 - i)
            self.buffers[name][i:i + n] = self.fresh(n)

    def do_alias(self, w):
        name, page, _ = self.pages(w[0])
        other, other_page, _ = self.pages(w[2])
        self.buffers[name][page] = self.buffers[other][other_page]

    def do_map(self, w):
        table, area, source = w[:3]
        name = source.split("[")[0]
        name, first, last = self.pages(source, len(self.buffers[name]))
        frames, iova, i = self.buffers[name][first:last + 1], int(w[-1], 16), 0
        for start in range(iova, iova + len(frames) * 4096, 4096):
            if (table, start) in self.live:
                raise Mismatch(f"0x{start:x} is mapped twice")
        while i < len(frames):
            i += self.map_run(table, iova + i * 4096, frames[i:])
        self.areas[area] = (table, iova, len(frames))

    def map_run(self, table, iova, frames):
        """One event is one run: of touching frames; the next one must not go on physically within the request."""
        _, start, pages, pfn = self.take("map")
        if pages > len(frames):
            # A cut run: what is left of the event must be the next map's.
            self.at -= 1
            self.events[self.at] = ("map", start + len(frames) * 4096, pages - len(frames), pfn + len(frames))
            self.cut_runs, pages = self.cut_runs + 1, len(frames)
        if start != iova:
            raise Mismatch(f"event {self.at - 1}: 0x{start:x} {pages} pages, the ops say 0x{iova:x}")
        held = {p: f for (p, f) in self.live.values()}
        shown = {f: p for (p, f) in self.live.values()}
        for k in range(pages):
            f = frames[k]
            if f != frames[0] + k or held.get(pfn + k, f) != f or shown.get(f, pfn + k) != pfn + k:
                raise Mismatch(f"event {self.at - 1}: page {k} has another frame")
        if pages < len(frames) and frames[pages] == frames[pages - 1] + 1:
            raise Mismatch(f"event {self.at - 1}: the run of the ops is longer")
        for k in range(pages):
            self.live[(table, iova + k * 4096)] = (pfn + k, frames[k])
        return pages

    def do_unmap(self, w):
        if len(w) == 2:
            table, start, pages = self.areas[w[1]]
        else:
            table, start, pages = w[0], int(w[1], 16), int(w[3], 16) // 4096
        at = start
        while at < start + pages * 4096:
            _, iova, n = self.take("unmap")
            if iova != at:
                raise Mismatch(f"event {self.at - 1}: unmap of 0x{iova:x}, the ops say 0x{at:x}")
            at += n * 4096
        for k in range(pages):
            self.live.pop((table, start + k * 4096))
        if at != start + pages * 4096:
            raise Mismatch(f"event {self.at - 1}: the unmap goes further than the op")


def read(name):
    with open(os.path.join(RECORDED, name), "rb") as f:
        return f.read()


def recorded_text(name):
    return gzip.decompress(read(name + ".trace.gz")).decode()


def convert(path, *options):
    return subprocess.run([sys.executable, "-B", PROGRAM, *options, path], capture_output=True, text=True)


def sample(*events, shape="tracefs"):
    """Event tuples as text: (task, pid, "map", iova, pages, pfn) | (.., "unmap", iova, pages) | (.., "attach", dev)."""
    out = ["cpus=1"] if shape == "trace-cmd" else []
    for i, (task, pid, kind, *rest) in enumerate(events):
        if kind == "attach":
            name, text = "attach_device_to_domain", f"IOMMU: device={rest[0]}"
        elif kind == "map":
            iova, pages, pfn = rest
            name, text = kind, f"IOMMU: iova={iova:#018x} - {iova + pages * 4096:#018x} paddr={pfn * 4096:#018x} size={pages * 4096}"
        else:
            iova, pages = rest
            size = pages * 4096
            name, text = kind, f"IOMMU: iova={iova:#018x} - {iova + size:#018x} size={size} unmapped_size={size}"
        time = f"12.{i:06d}"
        out.append({"tracefs": f"{task:>16}-{pid:<7} [000] d..1. {time:>12}: {name}: {text}",
                    "trace-cmd": f"{task:>16}-{pid:<5} [000] {time:>12}: {name + ':':<20} {text}",
                    "perf": f"{task:>16} {pid:>5} [000] {time:>12}:  iommu:{name}: {text}"}[shape])
    return "\n".join(out) + "\n"


class Converter(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def file(self, data, name="x.trace"):
        path = os.path.join(self.folder.name, name)
        with open(path, "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())
        return path

    def ops(self, text, *options):
        r = convert(self.file(text), "--as-recorded", *options)
        self.assertEqual((r.returncode, r.stderr), (0, ""))
        return r.stdout

    def body(self, text, *options):
        """The ops and remarks, without the header."""
        return self.ops(text, *options).split("\n\n", 1)[1]

    def lines(self, *events):
        """The ops alone; and they must agree with the text, whatever a test looks at."""
        text = sample(*events)
        ops = self.ops(text)
        Walk(ops, text_events(text))
        return [line for line in ops.splitlines() if not line.startswith("#") and line]


class Recorded(Converter):
    def test_same_maps_runs_sizes_order(self):
        for name, _, maps, unmaps in FILES:
            with self.subTest(name):
                text = recorded_text(name)
                events = text_events(text)
                self.assertEqual([e[0] for e in events].count("map"), maps)
                self.assertEqual([e[0] for e in events].count("unmap"), unmaps)
                walk = Walk(read(name + ".ops").decode(), events)
                kind = "coherent" if name.endswith("-coherent") else "noncoherent"
                self.assertEqual([k for _, k in walk.attaches], [kind] * (2 if "replug" in name else 1))
                self.assertEqual(walk.detaches[-1:], [len(events)] if name.startswith("vfio") else [])
                self.assertEqual(len(walk.detaches), len(walk.attaches) if name.startswith("vfio") else 0)

    def test_regenerated_bytes(self):
        """With the origin and the meta lines of the header."""
        for name, option, _, _ in FILES:
            with self.subTest(name):
                there = read(name + ".ops").decode()
                options = ["--origin", re.search(r"^# recorded on: (.*)$", there, re.M)[1]]
                for meta in re.findall(r"^# meta: (.*)$", there, re.M):
                    options += ["--meta", meta]
                r = convert(os.path.join(RECORDED, name + ".trace.gz"), "--as-recorded", option, *options)
                self.assertEqual(r.stdout, there)

    def test_the_comparison_can_fail(self):
        name = FILES[1][0]
        events = text_events(recorded_text(name))
        good = read(name + ".ops").decode()
        for old, new in (("layout Q[0..44] run 1\n", ""),
                         ("buffer T 32768 pages", "buffer T 32767 pages"),
                         ("layout S[0..909] run 910", "layout S[0..908] run 909"),
                         ("map A a5 S[0] at", "map A a5 S[1] at"),
                         ("at 0x200001000", "at 0x200001800"),
                         ("unmap A a4\n", "")):
            with self.subTest(old):
                self.assertEqual(good.count(old), 1)
                with self.assertRaises(Mismatch):
                    Walk(good.replace(old, new), events)


class Rules(Converter):
    def test_scatter_list_is_one_request(self):
        self.assertEqual(self.lines(("a", 1, "map", 0x1000, 1, 50), ("a", 1, "map", 0x2000, 2, 70), ("b", 2, "unmap", 0x1000, 3)),
                         ["table A", "attach A n0 noncoherent", "buffer P 3 pages", "layout P[0] run 1", "layout P[1..2] run 2",
                          "map A a0 P at 0x1000", "unmap A a0", "free P"])

    def test_other_task_or_hole_or_event_between_ends_a_request(self):
        a = ("a", 1, "map", 0x1000, 1, 50)
        for second in (("b", 2, "map", 0x2000, 1, 60), ("a", 1, "map", 0x3000, 1, 60)):
            self.assertEqual(sum(x.startswith("map") for x in self.lines(a, second)), 2)
        between = ("c", 3, "map", 0x90000, 1, 90)
        self.assertEqual(sum(x.startswith("map") for x in self.lines(a, between, ("a", 1, "map", 0x2000, 1, 60))), 3)

    def test_runs_unmapped_one_by_one(self):
        ops = self.lines(("a", 1, "map", 0x1000, 1, 50), ("a", 1, "map", 0x2000, 1, 70), ("a", 1, "unmap", 0x1000, 1),
                         ("a", 1, "unmap", 0x2000, 1))
        self.assertEqual([x for x in ops if "map" in x], ["map A a0 P at 0x1000", "unmap A a0"])

    def test_probe_of_two_pages(self):
        ops = self.lines(("a", 1, "map", 0, 2, 50), ("a", 1, "unmap", 0, 1), ("a", 1, "unmap", 0x1000, 1))
        self.assertEqual([x for x in ops if "map" in x], ["map A a0 P at 0x0", "unmap A a0"])

    def test_unmaps_between_other_events_cut_the_request(self):
        ops = self.lines(("a", 1, "map", 0x1000, 1, 50), ("a", 1, "map", 0x2000, 1, 70), ("a", 1, "unmap", 0x1000, 1),
                         ("a", 1, "map", 0x9000, 1, 90), ("a", 1, "unmap", 0x2000, 1))
        self.assertEqual([x for x in ops if "map" in x],
                         ["map A a0 P at 0x1000", "map A a1 Q at 0x2000", "unmap A a0", "map A a2 R at 0x9000", "unmap A a1"])

    def test_a_run_is_cut_and_counted(self):
        text = sample(("a", 1, "map", 0x1000, 4, 50), ("a", 1, "unmap", 0x2000, 1), ("a", 1, "map", 0x9000, 1, 90),
                      ("a", 1, "unmap", 0x1000, 1), ("a", 1, "unmap", 0x3000, 2))
        ops = self.ops(text)
        self.assertIn("cut runs 2,", ops)
        self.assertEqual([x for x in ops.splitlines() if re.match("(un)?map", x)],
                         ["map A a0 P at 0x1000", "map A a1 Q at 0x2000", "map A a2 R at 0x3000", "unmap A a1",
                          "map A a3 S at 0x9000", "unmap A a0", "unmap A a2"])

    def test_one_unmap_over_two_requests(self):
        ops = self.lines(("a", 1, "map", 0x1000, 1, 50), ("b", 2, "map", 0x2000, 1, 60), ("a", 1, "unmap", 0x1000, 2))
        self.assertIn("unmap A 0x1000 len 0x2000", ops)

    def test_overlap_is_another_domain(self):
        ops = self.lines(("a", 1, "map", 0x1000, 2, 50), ("b", 2, "map", 0x1000, 1, 60), ("b", 2, "unmap", 0x1000, 1),
                         ("a", 1, "unmap", 0x1000, 2))
        self.assertEqual([x for x in ops if "map" in x],
                         ["map A a0 P at 0x1000", "map B a1 Q at 0x1000", "unmap B a1", "unmap A a0"])

    def test_mapped_before_the_recording(self):
        text = sample(("a", 1, "unmap", 0x5000, 1), ("a", 1, "map", 0x1000, 1, 50))
        ops = self.ops(text)
        self.assertIn("# unmaps of what was mapped before: 1\n", ops)
        self.assertEqual(Walk(ops, text_events(text)).skipped, 1)
        self.assertIn("# still mapped at the end: areas 1 (4096 bytes)\n", ops)

    def test_mapped_pages_keep_their_frames(self):
        ops = self.lines(("a", 1, "map", 0x1000, 4, 50), ("a", 1, "map", 0x9000, 2, 51), ("b", 2, "map", 0x20000, 2, 52),
                         ("b", 2, "map", 0x22000, 1, 90), ("a", 1, "unmap", 0x1000, 4), ("a", 1, "unmap", 0x9000, 2))
        self.assertIn("map A a1 P[1..2] at 0x9000", ops)
        self.assertEqual([x for x in ops if x.startswith("alias")], ["alias Q[0] = P[2]", "alias Q[1] = P[3]"])
        self.assertEqual(ops[-1], "free P")

    def test_a_run_mapped_in_part_is_broken_and_counted(self):
        ops = self.ops(sample(("a", 1, "map", 0x1000, 4, 50), ("b", 2, "map", 0x20000, 3, 52)))
        self.assertIn("# runs broken where sharing ends: 1\n", ops)
        self.assertIn("alias Q[0] = P[2]\nalias Q[1] = P[3]\nmap A a1 Q at 0x20000\n", ops)

    def test_one_frame_twice_in_a_request(self):
        ops = self.lines(("a", 1, "map", 0x1000, 1, 50), ("a", 1, "map", 0x2000, 1, 50))
        self.assertIn("alias P[1] = P[0]", ops)

    def test_attach_and_detach(self):
        ops = self.lines(("a", 1, "attach", "d"), ("a", 1, "map", 0x1000, 1, 50), ("a", 1, "attach", "d"), ("a", 1, "unmap", 0x1000, 1),
                         ("a", 1, "attach", "d"), ("a", 1, "map", 0x1000, 1, 50))
        self.assertEqual([re.sub(" +#.*", "", x) for x in ops if "tach" in x],
                         ["attach A n0 noncoherent", "detach A n0", "attach A n1 noncoherent"])

    def test_top_of_the_address_space(self):
        text = ("a-1 [000] 1.0: map: IOMMU: iova=0xfffffffffffff000 - 0x0000000000000000 paddr=0x0000000000005000 size=4096\n")
        self.assertIn("map A a0 P at 0xfffffffffffff000\n", self.ops(text))


class Random(Converter):
    """Maps in runs, unmaps of any part of what is mapped, other tasks in between: every order has a legal trace."""

    @staticmethod
    def stream(rng):
        events, mapped, pfn = [], [], 100
        for _ in range(rng.randrange(4, 40)):
            if rng.random() < 0.5 or not mapped:
                at = rng.randrange(64)
                for _ in range(rng.randrange(1, 5)):
                    n = rng.randrange(1, 4)
                    if any(p in mapped for p in range(at, at + n)):
                        break
                    pfn += 8
                    events.append(("a", rng.choice((1, 1, 1, 2)), "map", at * 4096, n, pfn))
                    mapped += range(at, at + n)
                    at += n
            else:
                at, task = rng.choice(mapped), rng.choice((1, 1, 2))
                for _ in range(rng.randrange(1, 4)):
                    n = 0
                    while at + n in mapped and n < 5 and (n == 0 or rng.random() < 0.8):
                        n += 1
                    if not n:
                        break
                    events.append(("a", task, "unmap", at * 4096, n))
                    mapped = [p for p in mapped if not at <= p < at + n]
                    at += n
        return events

    def test_any_order(self):
        sys.path.insert(0, HERE)
        import trace2ops
        args = type("Args", (), {"coherent": False, "origin": "", "file": "", "meta": [], "as_recorded": True})()
        cut = 0
        for seed in range(600):
            text = sample(*self.stream(random.Random(seed)))
            args.file = self.file(text)
            ops = trace2ops.convert(args)
            try:
                walk = Walk(ops, text_events(text))
            except Mismatch as e:
                self.fail(f"seed {seed}: {e}\n{text}\n{ops}")
            self.assertIn(f"cut runs {walk.cut_runs},", ops)
            cut += walk.cut_runs
        self.assertGreater(cut, 50)  # else the streams do not reach what they are for


class Private(Converter):
    """What a user's own machine tells by default: the stream, and nothing of whose it is."""

    @staticmethod
    def addresses(ops):
        return [int(a, 16) for a in re.findall(r"\b0x([0-9a-f]+)(?! len)\b", re.sub(r"len 0x\w+", "", ops))]

    @staticmethod
    def shape(ops):
        """Without remarks and addresses; `len' is a size."""
        ops = ops.split("\n\n", 1)[1]
        return [re.sub(r" 0x[0-9a-f]+(?=$| len)", " @", re.sub(r" *#.*", "", line)) for line in ops.splitlines()]

    def check(self, text):
        plain = self.ops(text)
        r = convert(self.file(text))
        self.assertEqual((r.returncode, r.stderr), (0, ""))
        self.assertEqual([x for x in self.shape(r.stdout) if x], [x for x in self.shape(plain) if x])
        self.tells_nothing(text, r.stdout)
        self.same_order(self.addresses(plain), self.addresses(r.stdout), text_events(text))
        return r.stdout

    def tells_nothing(self, text, ops):
        known = {int(a, 16) for a in re.findall(r"0x([0-9a-f]+)", text)}
        self.assertFalse(known & set(self.addresses(ops)))
        for line in text.splitlines():
            m = re.match(r"\s*(\S.*?)-(\d+)\s+\[", line)
            for word in [f"{m[1]}-{m[2]}", m[1]] if m and len(m[1]) > 2 else []:
                self.assertNotIn(word, ops)
            m = re.search(r"device=(\S+)", line)
            self.assertNotIn(m[1] if m else "x.trace", ops)

    def same_order(self, old, new, events):
        """New addresses come of old ones by moving islands: order, touching neighbours and alignment stay."""
        self.assertEqual(len(old), len(new))
        moved = dict(zip(old, new))
        for a, b in zip(old, new):
            self.assertEqual(moved[a], b)
        pages = {p for _, iova, n, *_ in events for p in range(iova // 4096, min(iova // 4096 + n, iova // 4096 + 4096))}
        ordered = sorted(moved)
        for a, b in zip(ordered, ordered[1:]):
            self.assertLess(moved[a], moved[b])
            touching = (b - a) // 4096 < 4096 and all(p in pages for p in range(a // 4096, b // 4096))
            if touching:
                self.assertEqual(b - a, moved[b] - moved[a])

    def test_recorded(self):
        for name, *_ in FILES:
            with self.subTest(name):
                self.check(recorded_text(name))

    def test_any_stream(self):
        for seed in range(20):
            self.check(sample(*(("some-daemon", pid, kind, iova + 0x7f0000000000, *rest)
                                for _, pid, kind, iova, *rest in Random.stream(random.Random(seed)))))

    def test_names_and_kernel(self):
        text = sample(("secret-tool", 4711, "attach", "0000:c1:00.7"), ("secret-tool", 4711, "map", 0xabcde000, 2, 0x12345),
                      ("secret-tool", 4711, "unmap", 0xabcde000, 2))
        ops = self.check(text)
        self.assertNotIn("4711", ops)
        self.assertIn("# attach of device 1 (line 1)", ops)
        self.assertIn("# tasks (1): task 1\n", ops)
        r = convert(self.file("# os release : 6.12.9-customer-host\n" + text), "--meta", "DMA_CC 0")
        self.assertIn("# recorded on: Linux 6.12.9\n# meta: DMA_CC 0\n", r.stdout)

    def test_what_page_sizes_can_tell_stays(self):
        """2 MiB at a multiple of 2 MiB stay so; a hole of any size becomes one that is no smaller than a page."""
        text = sample(("ab", 1, "map", 0xffff00155000, 1, 33), ("ab", 1, "map", 0xffff00200000, 512, 1 << 20),
                      ("ab", 1, "map", 0xffffe0055000, 1, 77), ("ab", 1, "map", 0xffffe0077000, 3, 99))
        a, b, c, d = self.addresses(self.check(text))
        self.assertEqual((b, c - b, d - b), (a + (2 << 20), (2 << 20) + 4096, (2 << 20) + 3 * 4096))

    def test_before_the_recording(self):
        ops = self.check(sample(("ab", 1, "unmap", 0xabc5000, 1), ("ab", 1, "map", 0xabc1000, 1, 50)))
        self.assertIn("(line 1): what was mapped before", ops)

    def test_top_and_bottom(self):
        ops = self.check("long-name-1 [000] 1.0: map: IOMMU: iova=0xfffffffffffff000 - 0x0000000000000000 paddr=0x0000000000005000 size=4096\n"
                         "long-name-1 [000] 1.1: map: IOMMU: iova=0x0000000000000000 - 0x0000000000001000 paddr=0x0000000000009000 size=4096\n"
                         "long-name-1 [000] 1.2: map: IOMMU: iova=0x0000010000000000 - 0x0000010000001000 paddr=0x000000000000c000 size=4096\n")
        self.assertEqual(self.addresses(ops), [2 << 40 | 0x4000, 2 << 40, 2 << 40 | 0x2000])


class Shapes(Converter):
    EVENTS = (("vf tool", 157, "attach", "0000:00:03.0"), ("vf tool", 157, "map", 0x1000, 2, 50), ("vf tool", 157, "map", 0x3000, 1, 90),
              ("swapper/0", 0, "unmap", 0x1000, 3))

    def test_three_writers_say_the_same(self):
        bodies = [self.body(sample(*self.EVENTS, shape=s)) for s in ("tracefs", "perf")]
        trace_cmd = self.body(sample(*self.EVENTS, shape="trace-cmd"))
        self.assertEqual(bodies[0], bodies[1])
        # One line of its own at the top: only the line numbers in the remarks differ.
        self.assertEqual(bodies[0], trace_cmd.replace("(line 2)", "(line 1)"))
        self.assertIn("map A a0 P at 0x1000\n", bodies[0])

    def test_old_kernels_print_no_end(self):
        new = sample(*self.EVENTS)
        self.assertEqual(self.body(re.sub(" - 0x[0-9a-f]+", "", new)), self.body(new))

    def test_gzip_is_read(self):
        text = sample(*self.EVENTS)
        r = convert(self.file(gzip.compress(text.encode())), "--as-recorded")
        self.assertEqual(r.stdout.split("\n\n", 1)[1], self.body(text))

    def test_other_events_are_counted(self):
        noise = ("            init-1       [000] d..2.     4.000000: sched_switch: prev_comm=init\n"
                 "            init-1       [000] d..2.     4.000001: io_page_fault: IOMMU:dev 0000:00:03.0 iova=0x1 flags=0x0\n"
                 "CPU:0 [LOST 7 EVENTS]\n")
        a, b = sample(*self.EVENTS).split("\n", 1)
        ops = self.ops(a + "\n" + noise + b)
        for line in ("# other events: 1\n", "# page faults: 1\n", "# lost events: 7\n"):
            self.assertIn(line, ops)


class Bad(Converter):
    GOOD = sample(("a", 1, "map", 0x1000, 2, 50), ("a", 1, "unmap", 0x1000, 2))

    def refused(self, data, line, *words):
        path, out = self.file(data), os.path.join(self.folder.name, "out.ops")
        with open(out, "w") as f:
            f.write("as it was\n")
        r = convert(path, "-o", out)
        self.assertEqual((r.returncode, r.stdout), (2, ""), r.stderr)
        self.assertRegex(r.stderr, rf"^{re.escape(path)}:{line}: [^\n]*, expected [^\n]*\n$")
        for word in words:
            self.assertIn(word, r.stderr)
        with open(out) as f:
            self.assertEqual(f.read(), "as it was\n")
        self.assertEqual(sorted(os.listdir(self.folder.name)), ["out.ops", "x.trace"])

    def test_cut_anywhere(self):
        """A text that ends in the middle of a line is refused wherever the cut is."""
        second = self.GOOD.index("\n") + 1
        for end in range(1, len(self.GOOD), 5):
            if end != second:
                self.refused(self.GOOD[:end], 1 if end < second else 2)

    def test_cut_line_inside(self):
        first, second = self.GOOD.splitlines()
        self.refused(f"{first[:-20]}\n{second}\n", 1)
        self.refused(f"{first}\n{second[:30]}\n", 2)

    def test_header_promises_more(self):
        self.refused("# entries-in-buffer/entries-written: 3/3   #P:1\n" + self.GOOD, 4, "truncated", "expected 3")

    def test_truncated_gzip(self):
        raw = read("nvme-strict.trace.gz")
        self.refused(raw[:len(raw) // 2], r"\d+", "gzip", "ends early")
        self.refused(raw[:40] + b"\xff" * 40 + raw[80:], r"\d+", "gzip")

    def test_foreign(self):
        self.refused("int main(void)\n{\n}\n", 1, "not a line of a trace")
        self.refused(self.GOOD + "hello\n", 3, "not a line of a trace")
        self.refused("", 1, "no iommu map event")
        self.refused("            init-1       [000] d..2.     4.000000: sched_switch: prev_comm=init\n", 2, "no iommu map event")
        self.refused(b"\x17\x08Dtracing6\0", 1, "trace.dat")
        self.refused(b"PERFILE2\x68\0", 1, "perf.data")
        self.refused(b"\x7fELF\x02\0\0", 1, "NUL")

    def test_impossible_sizes(self):
        for old, new in ((" size=8192\n", " size=4096\n"), (" size=8192\n", " size=8191\n"), (" size=8192\n", " size=0\n"),
                         ("paddr=0x0000000000032000", "paddr=0x0000000000032001"),
                         ("paddr=0x0000000000032000", "paddr=0xfffffffffffff000"),
                         ("iova=0x0000000000001000 - 0x0000000000003000 paddr", "iova=0x0000000000001800 - 0x0000000000003800 paddr")):
            bad = self.GOOD.replace(old, new, 1)
            self.assertNotEqual(bad, self.GOOD)
            self.refused(bad, 1)
        self.refused(self.GOOD.replace("unmapped_size=8192", "unmapped_size=819"), 2, "unmapped_size=819")
        self.refused(self.GOOD.replace("size=8192 unmapped", "size=12288 unmapped"), 2, "does not match")

    def test_corrupted_recording(self):
        text = recorded_text("vfio-type1-coherent")
        lines = text.splitlines(keepends=True)
        for number in (13, 60, 150):
            bad = list(lines)
            bad[number - 1] = bad[number - 1].replace("IOMMU:", "IOMMV:")
            self.refused("".join(bad), number, "IOMMV")

    def test_no_such_file(self):
        r = convert(os.path.join(self.folder.name, "gone"))
        self.assertEqual((r.returncode, r.stdout), (2, ""))
        self.assertIn("No such file", r.stderr)


if __name__ == "__main__":
    unittest.main()
