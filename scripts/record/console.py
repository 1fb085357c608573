#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
console.py --what nvme|vfio --snoop-control on|off [--machine TEXT] [--qemu TEXT] [--date DAY] [--trace FILE.trace.gz] -o OUT.ops LOG
console.py --check FILE.ops...

Takes the recording out of what a guest of record.sh wrote on its console, and makes a trace of it with trace2ops.py.
Every byte between the two markers is accounted for (number of lines, md5), and what was recorded must agree with
itself: the IOMMU's snoop control with the machine that was asked for, VFIO_DMA_CC_IOMMU's answer with both, the
bytes that the events map and unmap with those that the VFIO user says (but for type1's own probe, two pages at each attach).

--check: the attach ops of a trace are `noncoherent' exactly when its meta says DMA_CC 0.

Exit 0, or 2 with `file:line: what, expected what' and, when the guest came to grief, the last lines of the console.
"""

import argparse
import gzip
import hashlib
import os
import re
import sys
import tempfile
import types

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import trace2ops

MARK = "=== nosnoop-record "
TAIL = 15
SNOOP_CONTROL = 1 << 7  # of the extended capability register, VT-d specification 11.4.3
PROBE = 2 * trace2ops.PAGE
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1bc")


class Bad(Exception):
    """line: of the console; tail: its last lines, where they help."""

    def __init__(self, line, what, expected, tail=()):
        super().__init__(f"{line}: {what}, expected {expected}")
        self.tail = [t for t in tail if t.strip()][-TAIL:]


class Recording:
    def __init__(self):
        self.said = {}  # key -> (value, line)
        self.trace = []
        self.trace_line = 0

    def get(self, key, last):
        if key not in self.said:
            raise Bad(last, f"the guest did not say {key}", f"a line `{MARK}{key}=...'")
        return self.said[key][0]

    def number(self, key, last):
        value = self.get(key, last)
        try:
            return int(value, 16 if key == "ecap" else 10)
        except ValueError:
            raise Bad(self.said[key][1], f"{key}={value}", "a number") from None


def console_lines(raw):
    return [ANSI.sub("", line.rstrip("\r")) for line in raw.decode("utf-8", "replace").split("\n")]


def fatal(lines):
    """A kernel that died says so at any time, before the markers or between them."""
    for number, line in enumerate(lines, 1):
        m = re.search(r"Kernel panic - not syncing: .*|BUG: .*|Oops: .*", line)
        if m and "IOMMU: " not in line:
            raise Bad(number, f"the guest's kernel died: {m[0].strip()}", "a kernel that boots on this machine", lines[:number + TAIL // 2])


def parse(raw):
    """What the guest said, and the text between its two markers."""
    lines = console_lines(raw)
    fatal(lines)
    rec, begun, inside, promised = Recording(), False, False, {}
    for number, line in enumerate(lines, 1):
        if not line.startswith(MARK):
            if inside:
                rec.trace.append(line)
            continue
        word, _, rest = line[len(MARK):].partition(" ")
        if word == "begin":
            begun = True
            rec.said.update((k, (v, number)) for k, v in (w.split("=", 1) for w in rest.split()))
        elif (word, rest) == ("trace", "end"):
            inside = False
            check_whole(rec, promised, number)
        elif word == "trace":
            inside, rec.trace_line = True, number
            promised = dict(w.split("=", 1) for w in rest.split() if "=" in w)
        elif word == "end":
            break
        else:
            key, _, value = line[len(MARK):].partition("=")
            if key == "error":
                raise Bad(number, f"the guest gave up: {value}", "what it wants", lines[:number])
            rec.said[key] = (value, number)
    check_ended(rec, begun, inside, lines)
    return rec


def check_ended(rec, begun, inside, lines):
    last = len(lines)
    if not begun:
        raise Bad(last, "the guest's script never began", f"a line `{MARK}begin ...'", lines)
    if inside:
        raise Bad(last, f"the console ends inside the trace, after {len(rec.trace)} lines", f"a line `{MARK}trace end'", lines)
    if not rec.trace_line:
        raise Bad(last, "there is no trace", f"a line `{MARK}trace begin ...'", lines)


def check_whole(rec, promised, number):
    if str(len(rec.trace)) != promised.get("lines"):
        raise Bad(number, f"{len(rec.trace)} lines between the markers", f"{promised.get('lines', 'lines=n at the first')}")
    text = "".join(line + "\n" for line in rec.trace).encode()
    if hashlib.md5(text).hexdigest() != promised.get("md5"):
        raise Bad(number, "the lines between the markers are not those that were sent", f"md5 {promised.get('md5', 'at the first marker')}")


def check_agrees(rec, what, snoop):
    """The three who know whether the domain snoops say the same. Returns: is it coherent?"""
    line = rec.trace_line
    if rec.get("what", line) != what:
        raise Bad(rec.said["what"][1], f"a recording of {rec.get('what', line)}", what)
    has = bool(rec.number("ecap", line) & SNOOP_CONTROL)
    if has != (snoop == "on"):
        raise Bad(rec.said["ecap"][1], f"the IOMMU has {'' if has else 'no '}snoop control (ecap {rec.get('ecap', line)})",
                  f"snoop-control={snoop}, as the machine was started with")
    if what == "nvme":
        return has
    cc = rec.number("dma_cc", line)
    if cc not in (0, 1) or bool(cc) != has:
        raise Bad(rec.said["dma_cc"][1], f"VFIO_DMA_CC_IOMMU answers {cc} with snoop-control={snoop}", str(int(has)))
    return has


def accounts(rec, what):
    """The meta line about the user's requests; every byte of them is in the events."""
    events, counts, _ = trace2ops.parse(rec.trace)
    line = rec.trace_line
    if counts["lost events"]:
        raise Bad(line, f"the ring buffer lost {counts['lost events']} events", "a larger --buffer-kb")
    if what == "nvme":
        return []
    mapped, unmapped = (sum(e.end - e.start for e in events if e.kind == k) for k in ("map", "unmap"))
    user, gone, attaches = (rec.number(k, line) for k in ("user_mapped", "user_unmapped", "user_attaches"))
    probes = mapped - user
    if not 0 <= probes <= attaches * PROBE or probes % PROBE:
        raise Bad(line, f"the events map {mapped} bytes", f"the user's {user}, and {PROBE} at each of {attaches} attaches")
    if unmapped - gone != probes:
        raise Bad(line, f"the events unmap {unmapped} bytes", f"the user's {gone}, and {probes} of type1's probes")
    return [f"VFIO user: maps {rec.get('user_maps', line)} ({user} bytes), unmaps {rec.get('user_unmaps', line)}, attaches {attaches}; "
            f"with {probes} bytes of type1's probes, all that the events map and unmap"]


def agree(ops):
    """None, or (line, what, expected): attach ops against the DMA_CC of the meta."""
    cc = re.search(r"^# meta: DMA_CC (\d+)$", ops, re.M)
    if not cc:
        return None
    kind = {"0": "noncoherent", "1": "coherent"}.get(cc[1])
    if not kind:
        return 1, f"DMA_CC {cc[1]}", "0 or 1"
    for number, line in enumerate(ops.splitlines(), 1):
        words = line.split("#")[0].split()
        if words[:1] == ["attach"] and words[3] != kind:
            return number, f"`{line}' in a trace whose meta says DMA_CC {cc[1]}", kind
    return None


def meta(rec, args):
    line = rec.trace_line
    out = [f"machine: {args.machine}"] if args.machine else []
    out.append(f"snoop control {args.snoop_control} (ecap {rec.get('ecap', line)})")
    if args.what == "vfio":
        out.append(f"DMA_CC {rec.get('dma_cc', line)}")
        out.append(f"workload: vfio_user {rec.get('shape', line)} {rec.get('maps', line)}")
    else:
        out.append("workload: nvme, writes of 64 KiB, reads of 4 KiB and 1 MiB, synced writes of 4 KiB")
        out.append("attach: by the IOMMU's snoop control; the events do not say it")
    if args.date:
        out.append(f"date: {args.date}")
    return out + accounts(rec, args.what)


def make(args):
    with open(args.log, "rb") as f:
        rec = parse(f.read())
    coherent = check_agrees(rec, args.what, args.snoop_control)
    line = rec.trace_line
    qemu = f" under QEMU {args.qemu}" if args.qemu else ""
    text = gzip.compress("".join(x + "\n" for x in rec.trace).encode(), mtime=0)
    with tempfile.TemporaryDirectory() as folder:
        name = re.sub(r"\.ops$", "", os.path.basename(args.out)) + ".trace.gz"
        path = os.path.join(folder, name)
        with open(path, "wb") as f:
            f.write(text)
        ops = trace2ops.convert(types.SimpleNamespace(
            coherent=coherent, origin=f"Linux {rec.get('kernel', line)} ({rec.get('version', line)}){qemu}",
            meta=meta(rec, args), as_recorded=True, file=path))
    wrong = agree(ops)
    if wrong:
        raise Bad(line, *wrong[1:])
    return ops, text


def check_files(paths):
    bad = 0
    for path in paths:
        with open(path, encoding="utf-8") as f:
            wrong = agree(f.read())
        if wrong:
            bad = 2
            print(f"{path}:{wrong[0]}: {wrong[1]}, expected {wrong[2]}", file=sys.stderr)
    return bad


def write_bytes(path, data):
    with open(path + ".new", "wb") as f:
        f.write(data)
    os.replace(path + ".new", path)


def main(argv):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--check", action="store_true")
    p.add_argument("--what", choices=("nvme", "vfio"))
    p.add_argument("--snoop-control", choices=("on", "off"))
    for option in ("--machine", "--qemu", "--date", "--trace"):
        p.add_argument(option, default="")
    p.add_argument("-o", dest="out")
    p.add_argument("files", nargs="+")
    args = p.parse_args(argv)
    try:
        if args.check:
            return check_files(args.files)
        if not (args.what and args.snoop_control and args.out) or len(args.files) != 1:
            p.error("--what, --snoop-control, -o and one LOG are wanted")
        args.log = args.files[0]
        ops, text = make(args)
        trace2ops.write_whole(args.out, ops)
        if args.trace:
            write_bytes(args.trace, text)
    except (Bad, trace2ops.Bad) as e:
        print(f"{args.log}:{e}", file=sys.stderr)
        if getattr(e, "tail", None):
            print("the last lines of the console:\n" + "\n".join("  " + t for t in e.tail), file=sys.stderr)
        return 2
    except OSError as e:
        print(f"{e.filename}: {e.strerror}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
