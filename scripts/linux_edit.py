# SPDX-License-Identifier: GPL-2.0-only
"""Edits of C sources by pattern, for linux-variant.py: a place is named by identifiers (a function, a call in it, a
condition that holds some word), never by quoted lines, so that a change of format or of a neighbour does not matter.

A selector (token, call, argument, value, condition, statement, branch) finds spans in a function; an edit
(Put, Before, After, Move, Begin, NewFunction, NewField) changes what one found. A selector must find exactly one span
unless it was made with every=True; anything else is a Mismatch that names the file, the function and the pattern.

Of the texts that edits insert, @@ is what was there, and @0, @1 ... are the arguments of a call.
"""

import re

KEYWORDS = ("if", "while", "for", "switch", "return", "sizeof", "goto", "else", "do", "case")


class Mismatch(Exception):
    pass


def blank(m):
    return re.sub(r"[^\n]", " ", m.group(0))


def mask(text):
    """The same length with comments, strings and preprocessor lines blank: what patterns are looked for in."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", blank, text, flags=re.S)
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", blank, text, flags=re.M)


CLOSE = {"(": ")", "{": "}", "[": "]"}


def closing(text, at):
    """Where the bracket that opens at @at is closed."""
    opens, closes, depth = text[at], CLOSE[text[at]], 0
    for i in range(at, len(text)):
        if text[i] == opens:
            depth += 1
        elif text[i] == closes:
            depth -= 1
            if not depth:
                return i
    raise Mismatch(f"a {opens} is not closed")


def skip_space(text, at):
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def split_arguments(masked, text, start, end):
    """The texts of the arguments between two brackets."""
    out, depth, at = [], 0, start
    for i in range(start, end):
        if masked[i] in "([{":
            depth += 1
        elif masked[i] in ")]}":
            depth -= 1
        elif masked[i] == "," and not depth:
            out.append((at, i))
            at = i + 1
    return out + [(at, end)] if text[start:end].strip() else []


class Source:
    def __init__(self, name, text):
        self.name = name
        self.set(text)

    def set(self, text):
        self.text, self.masked = text, mask(text)
        self.blocks = self.find_blocks()

    def find_blocks(self):
        """[(head, opening brace, closing brace)] of what stands at the top level: functions, structs."""
        out, at = [], 0
        while True:
            brace = self.masked.find("{", at)
            if brace < 0:
                return out
            head = max(self.masked.rfind(c, 0, brace) for c in ";}") + 1
            end = closing(self.masked, brace)
            out.append((skip_space(self.masked, head), brace, end))
            at = end + 1

    def function(self, name):
        for head, brace, end in self.blocks:
            m = re.search(r"(\w+)\s*\(", self.masked[head:brace])
            if m and m.group(1) == name:
                return head, brace, end
        return None

    def struct(self, name):
        for head, brace, end in self.blocks:
            if re.fullmatch(r"struct\s+%s\s*" % name, self.masked[head:brace]):
                return head, brace, end
        return None

    def replace(self, start, end, text):
        self.set(self.text[:start] + text + self.text[end:])


# --- selectors -----------------------------------------------------------------------------------------------------

class Select:
    """find(source, start, end): spans, in order. words: for messages."""

    def __init__(self, words, find, every=False, nth=None):
        self.words, self.find_all, self.every, self.nth = words, find, every, nth

    def find(self, source, start, end):
        found = self.find_all(source, start, end)
        if self.nth is not None:
            found = found[self.nth:self.nth + 1] if self.nth >= 0 else found[self.nth:][:1]
        return found


def token(pattern, every=False, nth=None):
    rx = re.compile(pattern)
    return Select(f"place like /{pattern}/", lambda s, a, b: [m.span() for m in rx.finditer(s.masked, a, b)], every,
                  nth)


def call(name, every=False, nth=None):
    """Calls of @name, a pattern: `f', `ops->f'."""
    rx = re.compile(r"(?<![\w.>])%s\s*\(" % name.replace("->", r"\s*->\s*"))

    def find(s, a, b):
        return [(m.start(), closing(s.masked, m.end() - 1) + 1) for m in rx.finditer(s.masked, a, b)]
    return Select(f"call of {name}()", find, every, nth)


def argument(which, number):
    """The number-th argument of a call."""
    def find(s, a, b):
        out = []
        for start, end in which.find(s, a, b):
            spans = split_arguments(s.masked, s.text, s.masked.index("(", start, end) + 1, end - 1)
            if number < len(spans):
                out.append((skip_space(s.masked, spans[number][0]), spans[number][1]))
        return out
    return Select(f"argument {number} in a {which.words}", find, which.every)


def condition(pattern, every=False, nth=None):
    """What stands between the brackets of an if or while and is like @pattern."""
    rx = re.compile(pattern, re.S)

    def find(s, a, b):
        out = []
        for m in re.compile(r"\b(?:if|while)\s*\(").finditer(s.masked, a, b):
            end = closing(s.masked, m.end() - 1)
            if rx.search(s.masked[m.end():end]):
                out.append((m.end(), end))
        return out
    return Select(f"condition with /{pattern}/", find, every, nth)


def value(left, holds="", every=False, nth=None):
    """What is assigned to something like @left: between = (or +=, |= ...) and the semicolon."""
    rx = re.compile(r"(?:%s)\s*[-+|&]?=(?!=)\s*" % left)

    def find(s, a, b):
        out = []
        for m in rx.finditer(s.masked, a, b):
            end = s.masked.index(";", m.end())
            if re.search(holds, s.masked[m.end():end]):
                out.append((m.end(), end))
        return out
    return Select(f"assignment to /{left}/" + (f" that holds /{holds}/" if holds else ""), find, every, nth)


def inside(which, pattern):
    rx = re.compile(pattern)

    def find(s, a, b):
        return [m.span() for start, end in which.find(s, a, b) for m in rx.finditer(s.masked, start, end)]
    return Select(f"/{pattern}/ in a {which.words}", find, which.every)


def statement_start(masked, at, floor):
    """Of the simple statement around @at: behind labels, else, and heads like if (..), for_each (..)."""
    start = at
    depth = 0
    while start > floor:
        c = masked[start - 1]
        if c in ")]":
            depth += 1
        elif c in "([":
            depth = max(depth - 1, 0)
        elif c in ";{}" and not depth:
            break
        start -= 1
    while True:
        start = skip_space(masked, start)
        m = re.compile(r"(?:\w+\s*:(?!:)|else\b)").match(masked, start)
        if m and m.end() <= at:
            start = m.end()
            continue
        m = re.compile(r"\w+\s*\(").match(masked, start)
        if not m or m.start() == at:
            return start
        end = closing(masked, m.end() - 1) + 1
        after = skip_space(masked, end)
        if end > at or not re.match(r"\w|\*", masked[after]):
            return start
        start = after


def statement(which):
    def find(s, a, b):
        out = []
        for start, end in which.find(s, a, b):
            span = (statement_start(s.masked, start, a), s.masked.index(";", end - 1) + 1)
            if span not in out:
                out.append(span)
        return out
    return Select("statement with a " + which.words, find, which.every)


def branch(which):
    """The whole if, with its braces, of a condition."""
    def find(s, a, b):
        out = []
        for start, end in which.find(s, a, b):
            head = re.compile(r"\bif\s*$").search(s.masked[:s.masked.rindex("(", 0, start)])
            at = skip_space(s.masked, end + 1)
            tail = closing(s.masked, at) if s.masked[at] == "{" else s.masked.index(";", at)
            out.append((head.start(), tail + 1))
        return out
    return Select("branch of a " + which.words, find, which.every)


# --- edits ---------------------------------------------------------------------------------------------------------

def one_line(text):
    return " ".join(text.split())


def fill(text, s, start, end):
    was = s.text[start:end]
    out = text
    if re.search(r"@\d", text):
        opens = s.masked.index("(", start, end)
        spans = split_arguments(s.masked, s.text, opens + 1, closing(s.masked, opens))
        out = re.sub(r"@(\d)", lambda m: s.text[slice(*spans[int(m.group(1))])].strip(), out)
    return out.replace("@@", was)


class Edit:
    """@functions: one name, or several with | between, of which the first one that fits is taken."""

    def __init__(self, file, functions):
        self.file, self.functions = file, functions

    def spans(self, s, which):
        """The function's span, and what the selector found there."""
        complaint = None
        for name in self.functions.split("|"):
            f = s.function(name)
            if not f:
                complaint = complaint or f"{s.name}: no function {self.functions.replace('|', '() or ')}()"
                continue
            found = which.find(s, f[1] + 1, f[2])
            if found and (len(found) == 1 or which.every):
                return f, found
            how_many = "no" if not found else f"{len(found)} times a"
            complaint = f"{s.name}: {how_many} {which.words} in {name}()" + (", wanted it once" if found else "")
        raise Mismatch(complaint)


class Put(Edit):
    def __init__(self, file, functions, which, text):
        super().__init__(file, functions)
        self.which, self.text = which, text

    def render(self, s, start, end):
        return fill(self.text, s, start, end)

    def apply(self, s):
        for start, end in reversed(self.spans(s, self.which)[1]):
            s.replace(start, end, self.render(s, start, end))


class Before(Put):
    """Text before a statement; braces around both, for the statement may be all that an if has."""

    def render(self, s, start, end):
        return "{ " + fill(self.text, s, start, end) + " " + s.text[start:end] + " }"


class After(Put):
    def render(self, s, start, end):
        return "{ " + s.text[start:end] + " " + fill(self.text, s, start, end) + " }"


class Drop(Put):
    def __init__(self, file, functions, which):
        super().__init__(file, functions, which, ";")


class Move(Edit):
    """A statement to the place before another one."""

    def __init__(self, file, functions, which, before):
        super().__init__(file, functions)
        self.which, self.before = which, before

    def apply(self, s):
        start, end = self.spans(s, self.which)[1][0]
        to = self.spans(s, self.before)[1][0][0]
        if to >= start:
            raise Mismatch(f"{s.name}: the {self.before.words} is behind the {self.which.words} in {self.functions}()")
        text = s.text[start:end]
        s.replace(start, end, ";")
        s.replace(to, to, text + " ")


class Begin(Edit):
    """Text at the begin of a function's body."""

    def __init__(self, file, functions, text):
        super().__init__(file, functions)
        self.text = text

    def apply(self, s):
        f = s.function(self.functions)
        if not f:
            raise Mismatch(f"{s.name}: no function {self.functions}()")
        s.replace(f[1] + 1, f[1] + 1, "\n\t" + self.text)


class NewFunction(Begin):
    """Before another one."""

    def apply(self, s):
        f = s.function(self.functions)
        if not f:
            raise Mismatch(f"{s.name}: no function {self.functions}()")
        s.replace(f[0], f[0], self.text.strip("\n") + "\n\n")


class NewField:
    def __init__(self, file, struct, text):
        self.file, self.struct, self.text = file, struct, text

    def apply(self, s):
        f = s.struct(self.struct)
        if not f:
            raise Mismatch(f"{s.name}: no struct {self.struct}")
        s.replace(f[2], f[2], "\t" + self.text + "\n")
