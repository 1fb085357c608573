# SPDX-License-Identifier: GPL-2.0-only
"""
Of coverage.py: which lines and branches do not count, and why the others were never met.

Assertions: a statement `if (...) machine_strict(...)`, or one whose block begins with machine_strict(), says what must never be.
The lines of its body and the branches of its condition do not count: no input can reach them but by a mistake in the code.

Reasons, coverage-reasons.txt:
    [why]                        holds for the entries below; "apart: why" takes what they name out of the figures
    FILE *                       the whole file
    FILE FUNCTION: *             the whole function
    FILE FUNCTION: LINE          a source line in it: one branch that is never taken, and the lines indented under it that are
                                 never run; `LINE  #2`: the second such line of the function; `2x LINE`: two branches
"""

import functools
import os
import re

BRANCHES = re.compile(r"(\d+)x (.*)")
WHICH = re.compile(r"(.*)  #(\d+)")


def blank_out(text):
    """The text with strings and comments emptied, all else where it was."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group())
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def closing(text, at):
    """Where the parenthesis or brace at `at` is closed."""
    pair = {"(": ")", "{": "}"}[text[at]]
    depth = 0
    for i in range(at, len(text)):
        depth += (text[i] == text[at]) - (text[i] == pair)
        if not depth:
            return i
    return len(text)


def assertions(text):
    """(condition, body) of each, as ranges of line numbers."""
    text = blank_out(text)

    def lines(first, last):
        return range(text.count("\n", 0, first) + 1, text.count("\n", 0, last) + 2)

    found = []
    for match in re.finditer(r"\bif \(", text):
        end = closing(text, match.end() - 1)
        body = re.compile(r"\s*(\{?)\s*machine_strict\(").match(text, end + 1)
        if not body:
            continue
        last = closing(text, body.start(1)) if body.group(1) else text.index(";", body.end())
        inner = text.index("machine_strict", end)
        found.append((lines(match.start(), end), lines(inner, last)))
    return found


@functools.lru_cache(None)
class Source:
    """A file: its lines and what of it does not count."""

    def __init__(self, top, name):
        with open(os.path.join(top, name), encoding="utf-8") as f:
            text = f.read()
        self.lines = text.split("\n")
        found = assertions(text)
        self.nr_assertions = len(found)
        self.no_branches = {n for condition, _ in found for n in condition}
        self.no_lines = {n for _, body in found for n in body}

    def text(self, line):
        return self.lines[line - 1].strip()

    def indent(self, line):
        text = self.lines[line - 1]
        return len(text) - len(text.lstrip())


class Entry:
    """One of coverage-reasons.txt."""

    def __init__(self, number, reason, text):
        self.number = number
        self.apart = reason.startswith("apart: ")
        self.reason = reason.removeprefix("apart: ")
        self.file, _, rest = text.partition(" ")
        self.function, _, self.snippet = rest.partition(": ")
        self.branches, self.which = 1, 1
        match = BRANCHES.fullmatch(self.snippet)
        if match:
            self.branches, self.snippet = int(match.group(1)), match.group(2)
        match = WHICH.fullmatch(self.snippet)
        if match:
            self.snippet, self.which = match.group(1), int(match.group(2))

    def whole(self):
        return self.function == "*" or self.snippet == "*"

    def holds(self, file, function):
        return self.file == file and self.function in ("*", function)


def load(path):
    entries, reason = [], None
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            if line.startswith("["):
                reason = line[1:-1]
                continue
            entry = Entry(number, reason or "", line)
            if not reason or not (entry.function == "*" or entry.snippet):
                raise ValueError(f"{path}:{number}: {line}, expected FILE *, or FILE FUNCTION: LINE, under a [reason]")
            entries.append(entry)
    return entries


class Line:
    """A source line that counts: how often it ran, each of its branches, and what of these nobody has given a reason for."""

    def __init__(self, number, function):
        self.number, self.function = number, function
        self.times = 0
        self.branches = []
        self.apart = None  # the reason
        self.open_line, self.open_branches = False, 0

    def never(self):
        return sum(1 for n in self.branches if not n)

    def left(self):
        return not self.times or self.never() > 0


class File:
    """A source file with all its lines that count, in order."""

    def __init__(self, top, name, counted):
        self.name = name
        self.source = Source(top, name)
        self.lines = {}
        self.excluded_lines = self.excluded_branches = 0
        for (number, function), (times, branches) in sorted(counted.items()):
            self.add(number, function, times, branches)
        for line in self.lines.values():
            line.open_line, line.open_branches = not line.times, line.never()

    def add(self, number, function, times, branches):
        if number in self.source.no_lines:
            self.excluded_lines += number not in self.lines
            self.excluded_branches += len(branches)
            return
        line = self.lines.setdefault(number, Line(number, function))
        line.times += times
        if number in self.source.no_branches:
            self.excluded_branches += len(branches)
        else:
            line.branches += branches

    def of(self, function):
        return [n for n in self.lines.values() if function in ("*", n.function)]

    def find(self, entry):
        """The line that an entry names, or None."""
        found = [n for n in self.of(entry.function) if self.source.text(n.number) == entry.snippet]
        return found[entry.which - 1] if len(found) >= entry.which else None

    def under(self, line):
        """The lines behind it that are part of its statement and are never run."""
        start = line.number
        while start > 1 and not re.match(r"\s*(if|else|for|while|do|switch|case|default|return|\})", self.source.lines[start - 1]):
            start -= 1
        for n in sorted(n for n in self.lines if n > line.number):
            if self.lines[n].times or self.source.indent(n) <= self.source.indent(start):
                return
            yield self.lines[n]


def explain(file, entry):
    """Take what the entry explains off what is open: ((line, lines, branches) or None, what is wrong with the entry or None)."""
    if entry.whole():
        lines = file.of(entry.function)
        if not lines:
            return None, "no such function runs or could run"
        if all(n.times for n in lines) or (entry.function != "*" and any(n.times for n in lines)):
            return None, "it is run now"
        first, branches = lines[0], sum(len(n.branches) for n in lines)
    else:
        first = file.find(entry)
        if not first:
            return None, "no such line in that function, or it does not count"
        branches = first.never() if not first.times else entry.branches
        if first.never() < branches or not first.left():
            return None, f"covered now: {first.never()} branches of it are never taken" if first.never() else "covered now"
        lines = [first, *file.under(first)]
    for n in lines:
        n.apart = entry.reason if entry.apart else n.apart
    taken = branches if first.times and not entry.whole() else 0
    explained = sum(n.open_line for n in lines)
    never = min(taken, first.open_branches) + sum(n.open_branches for n in lines if not taken or n is not first)
    for n in lines:
        n.open_line = False
        n.open_branches = max(0, n.open_branches - taken) if n is first and taken else 0
    return (first, explained, never), None
