#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
trace2ops.py [--noncoherent|--coherent] [--origin TEXT] [--meta TEXT] [--as-recorded] [-o OUT.ops] FILE

Turns recorded iommu events of a real kernel into a trace in the op language (core/op/README.md). FILE is the text of
tracefs (`trace`), of `trace-cmd report` or of `perf script`, plain or gzip; `-` is standard input.

What the events say, and what they do not
  map     one physically contiguous run: IOVA range, physical address. No direction (all maps become writable), no domain.
  unmap   an IOVA range; may cover several maps, or a part of one.
  attach_device_to_domain   a device's name, but not which domain, nor whether it snoops: say --coherent when it does.
  io_page_fault and every other event is counted and passed over.

Requests. Maps of ascending, touching IOVAs by one task, with no other map, unmap or attach event between them, are taken
for one request (a scatter list, a VFIO map over scattered pages). The unmaps then confirm or split it: touching,
ascending unmaps by one task with no other event between them are one batch, and wherever a batch begins or ends
inside a request, the request is cut there into areas, because the core never bisects an area. So every batch removes whole
areas and the order of all events is kept. A batch becomes one `unmap` as soon as the events so far make up whole
areas: 47 unmaps of one run each of one area are one `unmap`, one event over several areas is one `unmap` as well.
A cut in the middle of a run makes two maps of one event; they are counted ("cut runs").

Memory. A request is a user buffer whose layout has the recorded runs: pages are adjacent frames where the
recorded addresses were adjacent. The addresses themselves are not kept. A page that is mapped already when a request
maps it again is the same frame here too: the map takes that part of the other buffer, or, when that does not fit, a
buffer of its own with `alias` ops; a run that is mapped already in part only is broken there, and counted. A buffer is
freed when its last area is gone.

Domains. All maps go to one table with one domain, until a map overlaps what is mapped: IOVAs of one domain are
disjoint, so that map belongs to a further table. An unmap goes to the table where the range is mapped (exactly, if
there are several: counted as ambiguous). The domain is attached just before the first map, and detached at an attach event
that finds nothing mapped any more (the device goes back to its default domain). Other attach events change nothing.

Private. Physical addresses are never kept. IOVAs are renumbered: what touches is an island, islands keep their order and are put side by
side, a page or more apart, where the recording had no address. An island keeps what page sizes can tell of its address, the remainder
modulo the power of two that holds it (at most 1 GiB), so one of 16 pages keeps four bits. Tasks and devices become `task 1', `device 1'
in the order they come; of the kernel's release the digits stay; the file's name is left out. What stays is the stream: sizes, runs,
order, sharing. --as-recorded keeps addresses and names. --origin and --meta are written as they are given.

Runs still mapped at the end stay mapped. Unmaps of what was mapped before the recording began are left out. Both are counted.

Errors are `file:line: what, expected what`, exit 2; the output is written when it is complete, or not at all.
"""

import argparse
import bisect
import hashlib
import os
import re
import sys
import tempfile
import zlib
from collections import Counter

PAGE = 4096
ADDRESS_SPACE = 1 << 64
PHYSICAL_LIMIT = 1 << 52
MAX_OBJECTS = 1 << 20
BUCKET = 512  # pages; live frames are found by bucket
HEADER_NAMES = 8
ISLAND_ALIGN = 1 << 30  # the largest page of an IOMMU: what lies above it is nobody's alignment
NEW_BASE = 1 << 40

TRACEFS = re.compile(
    r"^\s*(?P<task>\S.*?)-(?P<pid>\d+)\s+(?:\(\s*(?:\d+|-+)\)\s+)?\[(?P<cpu>\d+)\]\s+"
    r"(?:(?P<flags>[A-Za-z0-9.#]{4,8})\s+)?(?P<time>\d+(?:\.\d+)?):\s+(?P<event>[\w:-]+):(?:\s+(?P<rest>.*))?$")
PERF = re.compile(
    r"^\s*(?P<task>\S.*?)\s+(?P<pid>-?\d+)(?:/-?\d+)?\s+\[(?P<cpu>\d+)\]\s+(?P<time>\d+\.\d+):\s+(?:\d+\s+)?"
    r"(?P<event>[\w-]+:[\w-]+):(?:\s+(?P<rest>.*))?$")
MAP = re.compile(r"^IOMMU:\s*iova=0x([0-9a-f]+)(?: - 0x([0-9a-f]+))? paddr=0x([0-9a-f]+) size=(\d+)$")
UNMAP = re.compile(r"^IOMMU:\s*iova=0x([0-9a-f]+)(?: - 0x([0-9a-f]+))? size=(\d+) unmapped_size=(\d+)$")
ATTACH = re.compile(r"^IOMMU:\s*device=(\S+)$")
ENTRIES = re.compile(r"^#\s*entries-in-buffer/entries-written:\s*(\d+)/(\d+)")
LOST = re.compile(r"LOST (\d+) EVENTS|lost (\d+) events", re.I)
NOISE = re.compile(r"^(cpus=\d+|version = \S+|CPU \d+ is empty)$")
RELEASE = re.compile(r"^#\s*os release\s*:\s*(\S+)")
MAGIC = ((b"\x17\x08Dtracing", "a binary trace.dat", "the text of `trace-cmd report`"),
         (b"PERFILE2", "a binary perf.data", "the text of `perf script`"))


class Bad(Exception):
    def __init__(self, line, what, expected):
        super().__init__(f"{line}: {what}, expected {expected}")


class Event:
    __slots__ = ("kind", "line", "label", "pid", "start", "end", "paddr", "device", "pieces")

    def __init__(self, kind, line, task, pid):
        self.kind, self.line, self.label, self.pid = kind, line, f"{task}-{pid}", pid
        self.start = self.end = self.paddr = 0
        self.device = ""
        self.pieces = []  # [(run, start, end)]: added by a map, removed by an unmap


class Run:
    """One map event and the candidate request that it is part of."""
    __slots__ = ("event", "table", "group")

    def __init__(self, event, table, group):
        self.event, self.table, self.group = event, table, group


class Group:
    """A candidate request: runs of touching IOVAs, and where the unmaps cut it."""

    def __init__(self, table, pid):
        self.table, self.pid = table, pid
        self.runs = []
        self.cuts = set()
        self.areas = []

    def start(self):
        return self.runs[0].event.start

    def end(self):
        return self.runs[-1].event.end


class Batch:
    """Unmaps of one task that go on where the one before ended."""

    def __init__(self, pid, table):
        self.pid, self.table = pid, table
        self.end = 0
        self.marks = set()  # cuts that this batch made, and only it needs


class Area:
    def __init__(self, table, start, end, frames):
        self.table, self.start, self.end = table, start, end
        self.frames = frames  # [(first pfn, pages)], neighbours not adjacent
        self.left = end - start
        self.number = None
        self.buffer = None


# --- text -> events -------------------------------------------------------------------------------


def read_input(path):
    """The bytes as given (their sha256 names the origin) and the lines of text."""
    if path == "-":
        raw = sys.stdin.buffer.read()
    else:
        with open(path, "rb") as f:
            raw = f.read()
    digest = hashlib.sha256(raw).hexdigest()
    data = raw
    if raw[:2] == b"\x1f\x8b":
        # Decompressed in pieces, so that a truncated file still tells how far it goes.
        data, broken = gunzip(raw)
        if broken:
            raise Bad(data.count(b"\n") + 1, f"the gzip stream {broken}", "a whole gzip file")
    for magic, what, expected in MAGIC:
        if data.startswith(magic):
            raise Bad(1, what, expected)
    if b"\0" in data:
        raise Bad(data[:data.index(b"\0")].count(b"\n") + 1, "a NUL byte: not text", "the text of a trace")
    if data and not data.endswith(b"\n"):
        raise Bad(data.count(b"\n") + 1, "the last line has no end: truncated", "a whole line")
    return digest, data.decode("utf-8", "replace").split("\n")[:-1]


def gunzip(raw):
    out = bytearray()
    while raw:
        d = zlib.decompressobj(16 + zlib.MAX_WBITS)
        for i in range(0, len(raw), PAGE):
            try:
                out += d.decompress(raw[i:i + PAGE])
            except zlib.error as e:
                return bytes(out), f"is broken ({e})"
            if d.eof:
                break
        if not d.eof:
            return bytes(out), "ends early"
        raw = d.unused_data + raw[i + PAGE:]
        raw = raw.lstrip(b"\0")
    return bytes(out), None


def page_range(line, iova, end, size, name):
    if size == 0 or size % PAGE or iova % PAGE:
        raise Bad(line, f"{name}: iova 0x{iova:x} size {size}", "multiples of 4096 that are not empty")
    if iova + size > ADDRESS_SPACE:
        raise Bad(line, f"{name}: 0x{iova:x} + {size} leaves the address space", "an end of at most 2^64")
    if end is not None and end != (iova + size) % ADDRESS_SPACE:
        raise Bad(line, f"{name}: size={size} does not match the range 0x{iova:x} - 0x{end:x}",
                  f"size={(end - iova) % ADDRESS_SPACE}")
    return iova, iova + size


def parse_map(e, text):
    m = MAP.match(text)
    if not m:
        raise Bad(e.line, f"map event `{text}'", "`IOMMU: iova=0x.. - 0x.. paddr=0x.. size=n'")
    end = int(m[2], 16) if m[2] else None
    e.start, e.end = page_range(e.line, int(m[1], 16), end, int(m[4]), "map")
    e.paddr = int(m[3], 16)
    if e.paddr % PAGE or e.paddr + e.end - e.start > PHYSICAL_LIMIT:
        raise Bad(e.line, f"map: paddr 0x{e.paddr:x}", "a multiple of 4096 below 2^52")
    if (e.end - e.start) // PAGE >= 1 << 32:
        raise Bad(e.line, f"map: size {e.end - e.start}", "less than 2^44 bytes")


def parse_unmap(e, text, counts):
    m = UNMAP.match(text)
    if not m:
        raise Bad(e.line, f"unmap event `{text}'", "`IOMMU: iova=0x.. - 0x.. size=n unmapped_size=n'")
    size, done = int(m[3]), int(m[4])
    end = int(m[2], 16) if m[2] else None
    e.start, e.end = page_range(e.line, int(m[1], 16), end, size, "unmap")
    if done % PAGE or e.start + done > ADDRESS_SPACE:
        raise Bad(e.line, f"unmap: unmapped_size={done}", f"a multiple of 4096, as a rule size={size}")
    if done != size:
        counts["unmaps whose unmapped_size differs"] += 1
    e.end = e.start + done


def parse_event(e, name, text, counts):
    """True: an event that matters."""
    system, _, name = name.rpartition(":")
    if system not in ("", "iommu"):
        name = "other"
    if name == "map":
        parse_map(e, text)
    elif name == "unmap":
        parse_unmap(e, text, counts)
    elif name in ("attach_device_to_domain", "detach_device_from_domain"):
        m = ATTACH.match(text)
        if not m:
            raise Bad(e.line, f"{name} event `{text}'", "`IOMMU: device=name'")
        e.device = m[1]
        name = "attach"
    else:
        counts["page faults" if name == "io_page_fault" else "other events"] += 1
        return False
    e.kind = name
    return True


def parse(lines):
    events, counts, release, promised, seen = [], Counter(), None, None, 0
    for number, line in enumerate(lines, 1):
        if not line.strip() or NOISE.match(line.strip()):
            continue
        if line.startswith("#"):
            m = ENTRIES.match(line)
            if m:
                promised = (promised or 0) + int(m[1])
                counts["lost events"] += int(m[2]) - int(m[1])
            m = RELEASE.match(line)
            release = m[1] if m else release
            continue
        m = TRACEFS.match(line) or PERF.match(line)
        if not m:
            lost = LOST.search(line)
            if lost:
                counts["lost events"] += int(lost[1] or lost[2])
                continue
            raise Bad(number, f"not a line of a trace: `{line.strip()[:60]}'",
                      "`task-pid [cpu] time: event: ...' (tracefs, trace-cmd report) or `task pid [cpu] time: iommu:event: ...' (perf script)")
        seen += 1
        e = Event(None, number, m["task"], m["pid"])
        if parse_event(e, m["event"], (m["rest"] or "").strip(), counts):
            events.append(e)
    if promised is not None and seen < promised:
        raise Bad(len(lines) + 1, f"the file ends after {seen} events: truncated", f"{promised}, as its header says")
    if not any(e.kind == "map" for e in events):
        raise Bad(len(lines) + 1, "no iommu map event in the whole file", "events iommu:map, iommu:unmap")
    return events, counts, release


# --- recorded -> nobody's -------------------------------------------------------------------------


def islands(events):
    """[(start, end)] of IOVAs that touch or overlap at any time, in order."""
    out = []
    for start, end in sorted((e.start, e.end) for e in events if e.kind != "attach" and e.end > e.start):
        if out and start <= out[-1][1]:
            out[-1][1] = max(out[-1][1], end)
        else:
            out.append([start, end])
    return out


def place(old, base):
    """New starts of the islands from base on."""
    starts, at = [], base
    for start, end in old:
        align = min(1 << (end - start - 1).bit_length(), ISLAND_ALIGN)
        at += (start - at) % align
        starts.append(at)
        at += end - start + PAGE
    return starts, at


def meet(a, b):
    """Do two ordered lists of disjoint ranges share an address?"""
    i = j = 0
    while i < len(a) and j < len(b):
        if a[i][0] < b[j][1] and b[j][0] < a[i][1]:
            return True
        i, j = (i + 1, j) if a[i][1] <= b[j][1] else (i, j + 1)
    return False


def renumber_iovas(events):
    old = islands(events)
    if not old:
        return
    base = NEW_BASE
    while True:
        starts, top = place(old, base)
        new = [(s, s + b - a) for s, (a, b) in zip(starts, old)]
        if top <= ADDRESS_SPACE and not meet(old, new):
            break
        if base >= ADDRESS_SPACE >> 1:
            raise Bad(events[-1].line, "the recording's IOVAs leave no room for others", "--as-recorded")
        base *= 2
    olds = [a for a, _ in old]
    for e in events:
        # An empty unmap may lie outside of every island: it says nothing but that it was.
        i = bisect.bisect_right(olds, e.start) - 1
        if e.kind == "attach" or e.end == e.start:
            e.start = e.end = 0
        else:
            e.start, e.end = e.start - olds[i] + starts[i], e.end - olds[i] + starts[i]


def anonymous(events, release):
    """Takes out of the events what tells whose they are; the release's digits are the answer."""
    renumber_iovas(events)
    tasks, devices = {}, {}
    for e in events:
        e.label = f"task {tasks.setdefault(e.pid, len(tasks) + 1)}"
        if e.device:
            e.device = f"device {devices.setdefault(e.device, len(devices) + 1)}"
    m = re.match(r"\d+(\.\d+)*", release or "")
    return m[0] if m else None


# --- events -> requests ---------------------------------------------------------------------------


class Live:
    """What is mapped in one table: disjoint pieces (start, end, run), ordered by IOVA."""

    def __init__(self):
        self.starts, self.pieces = [], []

    def within(self, start, end):
        i = max(bisect.bisect_right(self.starts, start) - 1, 0)
        out = []
        while i < len(self.pieces) and self.pieces[i][0] < end:
            a, b, run = self.pieces[i]
            if b > start:
                out.append((max(a, start), min(b, end), run))
            i += 1
        return out

    def add(self, start, end, run):
        i = bisect.bisect_left(self.starts, start)
        self.starts.insert(i, start)
        self.pieces.insert(i, (start, end, run))

    def remove(self, start, end):
        """Takes [start, end) out; what it cuts is put back smaller."""
        gone = self.within(start, end)
        i = max(bisect.bisect_right(self.starts, start) - 1, 0)
        if i < len(self.pieces) and self.pieces[i][1] <= start:
            i += 1
        j, back = i, []
        while j < len(self.pieces) and self.pieces[j][0] < end:
            a, b, run = self.pieces[j]
            back += [(a, start, run)] if a < start else []
            back += [(end, b, run)] if b > end else []
            j += 1
        self.pieces[i:j] = back
        self.starts[i:j] = [p[0] for p in back]
        return gone


class Grouping:
    """Walks the events once: which table, which candidate request, which batch of unmaps."""

    def __init__(self, counts):
        self.live, self.groups, self.counts = [], [], counts
        self.open_group = self.batch = None

    def walk(self, events):
        for e in events:
            if e.kind == "map":
                self.map(e)
            elif e.kind == "unmap":
                self.unmap(e)
            else:
                self.open_group = self.batch = None
        for group in self.groups:
            group.areas = cut_group(group)
        return self.groups

    def map(self, e):
        self.batch = None
        g = self.open_group
        joins = g and g.pid == e.pid and g.end() == e.start
        table = g.table if joins and not self.live[g.table].within(e.start, e.end) else self.free_table(e)
        if not joins or table != g.table:
            g = self.open_group = Group(table, e.pid)
            self.groups.append(g)
        run = Run(e, table, g)
        g.runs.append(run)
        e.pieces = [(run, e.start, e.end)]
        self.live[table].add(e.start, e.end, run)

    def free_table(self, e):
        for i, live in enumerate(self.live):
            if not live.within(e.start, e.end):
                return i
        self.live.append(Live())
        return len(self.live) - 1

    def unmap(self, e):
        self.open_group = None
        if e.start == e.end:
            self.batch = None
            return
        table = self.mapped_table(e)
        if table is None:
            self.counts["unmaps of what was mapped before"] += 1
            self.batch = None
            return
        gone = self.live[table].remove(e.start, e.end)
        if sum(b - a for a, b, _ in gone) != e.end - e.start:
            self.counts["unmaps partly of what was mapped before"] += 1
        e.pieces = [(run, a, b) for a, b, run in gone]
        first, last = e.pieces[0], e.pieces[-1]
        b = self.batch
        if b and b.pid == e.pid and b.table == table and b.end == e.start:
            take_back_cut(first[0].group, e.start, b)
        else:
            b = self.batch = Batch(e.pid, table)
            mark_cut(first[0].group, first[1], b)
        b.end = e.end
        # A hole in the range ends what is mapped before e.end: the last piece says where.
        mark_cut(last[0].group, last[2], b)

    def mapped_table(self, e):
        whole, some = [], []
        for i, live in enumerate(self.live):
            found = live.within(e.start, e.end)
            if found:
                some.append((sum(b - a for a, b, _ in found), -i))
            if found and some[-1][0] == e.end - e.start:
                exact = found[0][0] == found[0][2].event.start and found[-1][1] == found[-1][2].event.end
                whole.append((not exact, i))
        if len(whole) > 1:
            self.counts["ambiguous unmaps"] += 1
        if whole:
            return min(whole)[1]
        return -max(some)[1] if some else None  # a partial match: the table that has most of it


def mark_cut(group, at, batch):
    """A batch begins or ends here."""
    if group.start() < at < group.end() and at not in group.cuts:
        group.cuts.add(at)
        batch.marks.add((id(group), at))


def take_back_cut(group, at, batch):
    """The batch goes on where it seemed to end: not a cut, unless another batch needs it."""
    if (id(group), at) in batch.marks:
        batch.marks.discard((id(group), at))
        group.cuts.discard(at)


def cut_group(group):
    """The areas of a request: between its cuts, each with its physical runs."""
    edges = sorted(group.cuts) + [group.end()]
    areas, frames, start, i = [], [], group.start(), 0
    for run in group.runs:
        a = run.event.start
        while a < run.event.end:
            b = min(run.event.end, edges[i])
            add_frames(frames, (run.event.paddr + a - run.event.start) // PAGE, (b - a) // PAGE)
            a = b
            if a == edges[i]:
                areas.append(Area(group.table, start, a, frames))
                frames, start, i = [], a, i + 1
    return areas


def add_frames(frames, pfn, pages):
    if frames and sum(frames[-1]) == pfn:
        frames[-1] = (frames[-1][0], frames[-1][1] + pages)
    else:
        frames.append((pfn, pages))


# --- requests -> ops ------------------------------------------------------------------------------


def table_name(i):
    return "ABCDEFGHIJKLMNO"[i] if i < 15 else f"t{i}"


def buffer_name(i):
    return "PQRSTUVWXYZ"[i] if i < 11 else f"b{i}"


def span(name, first, last):
    return f"{name}[{first}]" if first == last else f"{name}[{first}..{last}]"


class Buffer:
    def __init__(self, number, frames):
        self.number, self.name = number, buffer_name(number)
        self.frames = frames
        self.firsts = []
        self.users = 0
        self.pages = 0
        for _, n in frames:
            self.firsts.append(self.pages)
            self.pages += n

    def matches(self, page, frames):
        """Do the frames from page on read exactly like this?"""
        i = bisect.bisect_right(self.firsts, page) - 1
        skip = page - self.firsts[i]
        for k, (pfn, n) in enumerate(frames):
            if i >= len(self.frames):
                return False
            have_pfn, have_n = self.frames[i][0] + skip, self.frames[i][1] - skip
            last = k == len(frames) - 1
            if have_pfn != pfn or have_n < n or (have_n > n and not last):
                return False
            i, skip = i + 1, 0
        return True


class Frames:
    """Which buffer shows a frame now. Buckets, because runs are long and lookups many."""

    def __init__(self):
        self.buckets = {}

    def add(self, buffer):
        for (pfn, n), page in zip(buffer.frames, buffer.firsts):
            for b in range(pfn // BUCKET, (pfn + n - 1) // BUCKET + 1):
                self.buckets.setdefault(b, []).append((pfn, n, page, buffer))

    def remove(self, buffer):
        for pfn, n in buffer.frames:
            for b in range(pfn // BUCKET, (pfn + n - 1) // BUCKET + 1):
                left = [x for x in self.buckets.get(b, ()) if x[3] is not buffer]
                self.buckets.pop(b, None)
                if left:
                    self.buckets[b] = left

    def find(self, pfn):
        for first, n, page, buffer in self.buckets.get(pfn // BUCKET, ()):
            if first <= pfn < first + n:
                yield buffer, page + pfn - first

    def shared(self, frames):
        """[(page of the new buffer, buffer, page)] of every frame that some buffer shows already."""
        out, page = [], 0
        for pfn, n in frames:
            for b in range(pfn // BUCKET, (pfn + n - 1) // BUCKET + 1):
                if b not in self.buckets:
                    continue
                for p in range(max(pfn, b * BUCKET), min(pfn + n, (b + 1) * BUCKET)):
                    hit = next(self.find(p), None)
                    if hit:
                        out.append((page + p - pfn, *hit))
            page += n
        return out


def repeated(frames):
    """[(page, earlier page)] of frames that one request shows twice."""
    ordered = sorted(frames)
    if all(a[0] + a[1] <= b[0] for a, b in zip(ordered, ordered[1:])):
        return []
    out, seen, page = [], {}, 0
    for pfn, n in frames:
        for k in range(n):
            if seen.setdefault(pfn + k, page + k) != page + k:
                out.append((page + k, seen[pfn + k]))
        page += n
    return out


def broken_runs(buffer, shared):
    """Frames of its own never touch an aliased one: how often does that part what was adjacent in the recording?"""
    to = {page: (other, other_page) for page, other, other_page in shared}
    starts = set(buffer.firsts) | {buffer.pages}
    broken = 0
    for p in {p for page in to for p in (page, page + 1)} - starts:
        a, b = to.get(p - 1), to.get(p)
        broken += not (a and b and a[0] is b[0] and a[1] + 1 == b[1])
    return broken


class Emitter:
    def __init__(self, coherent, counts):
        self.kind = "coherent" if coherent else "noncoherent"
        self.counts = counts
        self.lines = []
        self.frames = Frames()
        self.attached, self.areas_in, self.used = [], [], []
        self.nr_areas = self.nr_buffers = self.nr_domains = 0
        self.task = None
        self.pending = []

    def op(self, text):
        self.lines.append(text)

    def walk(self, events, groups):
        first_of = {id(g.runs[0].event): g for g in groups}
        for e in events:
            if e.kind == "map":
                if id(e) in first_of:
                    self.note_task(e)
                self.map(e)
            elif e.kind == "unmap":
                self.note_task(e)
                self.unmap(e)
            else:
                self.attach_event(e)
        assert not self.pending, "a batch of unmaps left an area half mapped"
        return self.lines

    def note_task(self, e):
        if e.label != self.task:
            self.task = e.label
            self.op(f"# {e.label}")

    def table(self, table):
        while len(self.attached) <= table:
            self.op(f"table {table_name(len(self.attached))}")
            self.attached.append(None)
            self.areas_in.append(0)
        if self.attached[table] is None:
            name = f"n{self.nr_domains}"
            self.nr_domains += 1
            self.op(f"attach {table_name(table)} {name} {self.kind}")
            self.attached[table] = name
            self.counts["attach ops"] += 1
        return table_name(table)

    def map(self, e):
        """At its last run a request is complete: all of it is mapped in one go there. Nothing else came between."""
        run = e.pieces[0][0]
        if run.group.runs[-1] is not run:
            return
        for area in run.group.areas:
            name = self.table(area.table)
            source = self.source(area)
            area.number = self.nr_areas
            self.nr_areas += 1
            if self.nr_areas > MAX_OBJECTS:
                raise Bad(e.line, f"more than {MAX_OBJECTS} areas", "a shorter recording")
            self.areas_in[area.table] += 1
            self.op(f"map {name} a{area.number} {source} at 0x{area.start:x}")

    def source(self, area):
        pages = (area.end - area.start) // PAGE
        for buffer, page in self.frames.find(area.frames[0][0]):
            if buffer.matches(page, area.frames):
                buffer.users += 1
                area.buffer = buffer
                self.counts["maps of pages that were mapped already"] += 1
                whole = page == 0 and pages == buffer.pages
                return buffer.name if whole else span(buffer.name, page, page + pages - 1)
        return self.new_buffer(area, pages)

    def new_buffer(self, area, pages):
        shared = self.frames.shared(area.frames)
        b = Buffer(self.nr_buffers, area.frames)
        self.nr_buffers += 1
        self.op(f"buffer {b.name} {pages} pages")
        self.layout(b)
        taken = {page for page, _, _ in shared}
        shared += [(page, b, first) for page, first in repeated(area.frames) if page not in taken]
        for page, other, other_page in shared:
            self.op(f"alias {b.name}[{page}] = {other.name}[{other_page}]")
        self.counts["pages aliased"] += len(shared)
        self.counts["runs broken where sharing ends"] += broken_runs(b, shared)
        self.frames.add(b)
        b.users = 1
        area.buffer = b
        return b.name

    def layout(self, b):
        """A new buffer is one run; runs of one length in a row are one op."""
        if len(b.frames) == 1:
            return
        i = 0
        while i < len(b.frames):
            n, j = b.frames[i][1], i
            while j < len(b.frames) and b.frames[j][1] == n:
                j += 1
            first = b.firsts[i]
            self.op(f"layout {span(b.name, first, first + (j - i) * n - 1)} run {n}")
            i = j

    def unmap(self, e):
        """Collects until every area touched is wholly gone; the cuts see to it that a batch ends so."""
        if not e.pieces:
            what = "unmapped nothing" if e.start == e.end else "what was mapped before the recording began"
            self.op(f"# unmap of 0x{e.start:x} (line {e.line}): {what}")
            return
        for run, start, end in e.pieces:
            self.shrink(run.group.areas, start, end)
        if any(a.left for a in self.pending):
            return
        self.unmap_pending()

    def shrink(self, areas, start, end):
        i = bisect.bisect_right(areas, start, key=lambda a: a.start) - 1
        while i < len(areas) and areas[i].start < end:
            area = areas[i]
            area.left -= min(end, area.end) - max(start, area.start)
            if not self.pending or self.pending[-1] is not area:
                self.pending.append(area)
            i += 1

    def unmap_pending(self):
        first, last = self.pending[0], self.pending[-1]
        name = table_name(first.table)
        if first is last:
            self.op(f"unmap {name} a{first.number}")
        else:
            self.op(f"unmap {name} 0x{first.start:x} len 0x{last.end - first.start:x}")
            self.counts["unmap ops over several areas"] += 1
        self.areas_in[first.table] -= len(self.pending)
        self.counts["unmap ops"] += 1
        for area in self.pending:
            self.drop(area.buffer)
        self.pending = []

    def drop(self, buffer):
        buffer.users -= 1
        if not buffer.users:
            self.frames.remove(buffer)
            self.op(f"free {buffer.name}")

    def attach_event(self, e):
        self.counts["attach events"] += 1
        gone = [t for t, d in enumerate(self.attached) if d is not None and not self.areas_in[t]]
        if not gone:
            self.op(f"# attach of {e.device} (line {e.line}): no table changes")
        for t in gone:
            self.op(f"detach {table_name(t)} {self.attached[t]}   # attach of {e.device} (line {e.line})")
            self.attached[t] = None
            self.counts["detach ops"] += 1


# --- all of it ------------------------------------------------------------------------------------


def some(names):
    names = list(names)
    more = f" and {len(names) - HEADER_NAMES} more" if len(names) > HEADER_NAMES else ""
    return ", ".join(names[:HEADER_NAMES]) + more


def header(args, digest, release, events, groups, counts, emitter):
    maps = [e for e in events if e.kind == "map"]
    unmaps = [e for e in events if e.kind == "unmap"]
    areas = [a for g in groups for a in g.areas]
    tasks = Counter(e.label for e in events)
    live = [a for a in areas if a.left]
    cut_runs = sum(len({c for c in g.cuts if r.event.start < c < r.event.end}) for g in groups for r in g.runs)
    kernel = args.origin or (f"Linux {release}" if release else "not said (--origin)")
    source = os.path.basename(args.file) if args.as_recorded else "a recording, addresses and names renumbered"
    out = [
        f"# Made by scripts/trace2ops.py --{emitter.kind} from {source}",
        f"# sha256 {digest}",
        f"# recorded on: {kernel}",
        *(f"# meta: {m}" for m in args.meta),
        f"# tasks ({len(tasks)}): {some(t for t, _ in tasks.most_common())}",
        f"# maps {len(maps)} ({sum(e.end - e.start for e in maps)} bytes), unmaps {len(unmaps)} "
        f"({sum(e.end - e.start for e in unmaps)} bytes)",
        f"# requests {len(groups)}, areas {len(areas)}, physical runs {sum(len(a.frames) for a in areas)}, "
        f"cut runs {cut_runs}, tables {len(emitter.attached)}",
        f"# still mapped at the end: areas {len(live)} ({sum(a.left for a in live)} bytes)",
    ]
    return out + [f"# {name}: {counts[name]}" for name in sorted(counts) if counts[name]]


def convert(args):
    digest, lines = read_input(args.file)
    events, counts, release = parse(lines)
    if not args.as_recorded:
        release = anonymous(events, release)
    groups = Grouping(counts).walk(events)
    emitter = Emitter(args.coherent, counts)
    ops = emitter.walk(events, groups)
    return "\n".join(header(args, digest, release, events, groups, counts, emitter) + [""] + ops) + "\n"


def write_whole(path, text):
    if path is None or path == "-":
        sys.stdout.write(text)
        return
    folder = os.path.dirname(os.path.abspath(path))
    fd, temp = tempfile.mkstemp(prefix=".trace2ops.", dir=folder)
    try:
        with os.fdopen(fd, "w") as f:
            f.write(text)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temp, 0o666 & ~umask)
        os.replace(temp, path)
    except BaseException:
        os.unlink(temp)
        raise


def main(argv):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kind = p.add_mutually_exclusive_group()
    kind.add_argument("--noncoherent", dest="coherent", action="store_false", help="the default")
    kind.add_argument("--coherent", dest="coherent", action="store_true", help="the domain enforces snooping")
    p.set_defaults(coherent=False)
    p.add_argument("--origin", default="", help="kernel and machine, for the header")
    p.add_argument("--meta", action="append", default=[], metavar="TEXT", help="a line of the header, as `# meta: TEXT'; may be repeated")
    p.add_argument("--as-recorded", action="store_true", help="keep IOVAs and the names of tasks, devices and the file")
    p.add_argument("-o", dest="out", help="output file; default: standard output")
    p.add_argument("file")
    args = p.parse_args(argv)
    if any("\n" in text for text in (args.origin, *args.meta)):
        p.error("--origin, --meta: one line each")
    if args.out and os.path.exists(args.out) and os.path.exists(args.file) and os.path.samefile(args.file, args.out):
        p.error(f"-o {args.out}: is the recording itself, expected another file")
    try:
        write_whole(args.out, convert(args))
    except Bad as e:
        print(f"{args.file}:{e}", file=sys.stderr)
        return 2
    except OSError as e:
        print(f"{e.filename or args.file}: {e.strerror}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
